# SPDX-License-Identifier: LGPL-2.1-or-later
"""What diff and verify say of sets with one thing changed: each check that fails is demanded by name, and no other."""
import json
import os
import shutil

from casacore import tables as ct

import program_case
from program_case import ProgramCase, parser

parser.add_argument("--data", required=True)
OBSERVED = "S2.ms"


class JudgeCase(ProgramCase):
    verb = None

    def setUp(self):
        super().setUp()
        self.data = program_case.args.data
        self.ms = os.path.join(self.data, OBSERVED)
        if not os.path.isdir(self.ms):
            self.skipTest("no observations in shared/data")

    def check(self, name, holds, text=""):
        """One of many things that a test looks at; those after it are looked at, too."""
        with self.subTest(name):
            self.assertTrue(holds, text)

    def judge(self, *words):
        """Exit status, the failed checks as {name: check}, and what was said beside."""
        run = self.run_words(program_case.args.program, self.verb, *words, "--json", timeout=300)
        if run.returncode not in (0, 1):
            return run.returncode, {}, run.stderr
        result = json.loads(run.stdout)
        failed = {check["check"]: check for check in result["checks"] if not check["passed"]}
        self.assertEqual((result["failed"], len(result["checks"])), (len(failed), result["failed"] + result["passed"]))
        return run.returncode, failed, run.stderr

    def expect(self, name, sets, checks, *words, text=None):
        """The failed checks are these; text stands in a finding of the first."""
        status, failed, said = self.judge(*sets, *words)
        holds = status == (1 if checks else 0) and sorted(failed) == sorted(checks)
        if holds and text:
            holds = any(text in finding["text"] for finding in failed[checks[0]]["findings"])
        found = {check: of["findings"] for check, of in failed.items()}
        self.check(name, holds, f"status {status}, {found} {said[-300:]}")
        return failed

    def copy(self, source, name):
        """A copy in the test's folder, instead of the one before."""
        path = self.path(name)
        shutil.rmtree(path, ignore_errors=True)
        shutil.copytree(source, path, symlinks=True)
        return path

    def keep_rows(self, path, rows, source=None):
        """Put these rows of the source (the set itself) into the main table, in this order."""
        main = self.path("main.tab")
        shutil.rmtree(main, ignore_errors=True)
        ct.table(source or path, ack=False).selectrows(rows).copy(main, deep=True)
        for folder in (path, main):
            for name in [n for n in os.listdir(folder) if n.startswith("table.")]:
                if folder == path:
                    os.remove(os.path.join(path, name))
                else:
                    shutil.copy(os.path.join(main, name), path)
