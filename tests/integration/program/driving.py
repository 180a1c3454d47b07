# SPDX-License-Identifier: LGPL-2.1-or-later
"""The program of docs/driving.md, built and run, alone and under mpirun."""
import json
import os
import re

import program_case
from machine import mpirun
from program_case import ProgramCase, parser

parser.add_argument("--page", required=True)
parser.add_argument("--include", required=True)
parser.add_argument("--library", required=True)
parser.add_argument("--compiler", required=True)


class Driving(ProgramCase):
    def setUp(self):
        super().setUp()
        args = program_case.args
        with open(args.page) as page:
            source = re.search(r"```c\n(.*?)```", page.read(), re.S)[1]
        with open(self.path("driving.c"), "w") as file:
            file.write(source)
        folder = os.path.dirname(args.library)
        run = self.run_words(args.compiler, "-std=gnu11", "-Wall", "-Wextra", "-Werror", "-I",
                             args.include, "driving.c", "-o", "driving", args.library,
                             f"-Wl,-rpath,{folder}", "-ljansson")
        self.assertEqual(run.returncode, 0, run.stderr)

    def check(self, run):
        self.assertEqual((run.returncode, run.stderr), (0, ""))
        got = [json.loads(line.partition(": ")[2]) for line in run.stdout.splitlines()]
        self.assertEqual([g.get("sum") for g in got], [1.5, 1.5, 3.0, None])
        self.assertEqual(got[3]["stdout_tail"], "from a program\n")

    def test_alone(self):
        self.check(self.run_words("./driving"))

    def test_under_mpirun(self):
        self.check(self.run_words(*mpirun(3), "./driving"))


program_case.main()
