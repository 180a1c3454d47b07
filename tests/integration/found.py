# SPDX-License-Identifier: LGPL-2.1-or-later
"""Requests found by trying at random, with what CASA did: found.json of a folder, judged as the recorded cases are, on
their inputs; with tables made from theirs where found.json describes some."""
import json
import os
import sys
import tarfile

import program_case
from machine import patient
from program_case import ProgramCase, parser

parser.add_argument("--judge", required=True, help="the script that judges, beside the recorded cases")
parser.add_argument("--recorded", required=True, help="their file")
parser.add_argument("--found", required=True)
parser.add_argument("--data", help="folder of caltables.tar.xz")


def read(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


class Found(ProgramCase):
    def make_tables(self, described, named):
        """Calibration tables by their descriptions, and those of theirs that are named, as an archive."""
        sys.path.insert(0, os.path.dirname(program_case.args.found))
        import random_tables
        templates, made = self.path("templates"), self.path("made")
        with tarfile.open(os.path.join(program_case.args.data, "caltables.tar.xz")) as archive:
            archive.extractall(templates)
        os.mkdir(made)
        with tarfile.open(self.path("found.tar"), "w") as archive:
            for name, description in described.items():
                random_tables.make(templates, description, os.path.join(made, name))
                archive.add(os.path.join(made, name), name)
            for name in os.listdir(templates):
                if f"tables/{name}" in named:
                    archive.add(os.path.join(templates, name), name)

    def setUp(self):
        super().setUp()
        args = program_case.args
        found = read(args.found)
        found["inputs"] = {**read(os.path.join(os.path.dirname(args.judge), args.recorded))["inputs"],
                           **found.get("inputs", {})}
        if "made" in found:
            self.make_tables(found["made"], json.dumps(found["cases"]))
            found["tables"] = "found.tar"
        with open(self.path("cases.json"), "w", encoding="utf-8") as file:
            json.dump(found, file)

    def judge(self, *words):
        args = program_case.args
        run = self.run_words(sys.executable, args.judge, "--program", args.program, *words, self.path("cases.json"),
                             timeout=patient(300))
        self.assertEqual(run.returncode, 0, run.stdout[-4000:] + run.stderr[-4000:])

    def test_one_set(self):
        self.judge()

    def test_parts(self):
        self.judge("--mms", "--axis", "baseline")


program_case.main()
