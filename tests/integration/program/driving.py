# SPDX-License-Identifier: LGPL-2.1-or-later
"""The programs of docs/driving.md, in C and C++, built and run, alone and under mpirun."""
import json
import os
import re
import shutil

import program_case
from machine import mpirun
from program_case import ProgramCase, parser

parser.add_argument("--page", required=True)
parser.add_argument("--include", required=True)
parser.add_argument("--library", required=True)
parser.add_argument("--compiler", required=True)
parser.add_argument("--cxx", required=True)


def build(case, language, name, compiler, standard):
    """The program of the page that is in this language."""
    args = program_case.args
    with open(args.page) as page:
        source = re.search(rf"```{language}\n(.*?)```", page.read(), re.S)[1]
    with open(case.path(f"{name}.{language}"), "w") as file:
        file.write(source)
    folder = os.path.dirname(args.library)
    run = case.run_words(compiler, standard, "-Wall", "-Wextra", "-Werror", "-I", args.include, f"{name}.{language}",
                         "-o", name, args.library, f"-Wl,-rpath,{folder}", "-ljansson")
    case.assertEqual(run.returncode, 0, run.stderr)


class Driving(ProgramCase):
    def setUp(self):
        super().setUp()
        build(self, "c", "driving", program_case.args.compiler, "-std=gnu11")

    def check(self, run):
        self.assertEqual((run.returncode, run.stderr), (0, ""))
        got = [json.loads(line.partition(": ")[2]) for line in run.stdout.splitlines()]
        self.assertEqual([g.get("sum") for g in got], [1.5, 1.5, 3.0, None])
        self.assertEqual(got[3]["stdout_tail"], "from a program\n")

    def test_alone(self):
        self.check(self.run_words("./driving"))

    def test_under_mpirun(self):
        self.check(self.run_words(*mpirun(3), "./driving"))


class Several(ProgramCase):
    """Commands on chosen servers, each of which builds on what those before have left."""

    def check(self, run):
        self.assertEqual(run.returncode, 0, run.stderr)
        with open(program_case.args.page) as page:
            wanted = re.search(r"\$ \./several\n((?: {4}.*\n)+)", page.read())[1]
        for line in wanted.splitlines():
            self.assertIn(line.strip().partition(" …")[0], run.stdout)
        self.assertIn("NameError: ", run.stdout)

    def test_in_cxx(self):
        build(self, "cpp", "several", program_case.args.cxx, "-std=c++17")
        self.check(self.run_words("./several"))
        shutil.rmtree(self.path("one.ms"))
        shutil.rmtree(self.path("two.ms"))
        self.check(self.run_words(*mpirun(3), "./several"))


program_case.main()
