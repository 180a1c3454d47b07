#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""`verify --against` by any number of workers or ranks: one report, whatever is wrong."""
import json
import os
import shutil

import casacore.tables as ct
from machine import MPIEXEC, mpirun
import program_case
from program_case import ProgramCase


class AnyWorkers(ProgramCase):
    """160,000 rows, which up to four workers compare."""

    @classmethod
    def setUpClass(cls):
        cls.sets = os.path.join(program_case.args.scratch, "verified")
        shutil.rmtree(cls.sets, ignore_errors=True)
        os.makedirs(cls.sets)

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.sets)

    def setUp(self):
        super().setUp()
        self.source = os.path.join(self.sets, "in.ms")
        if not os.path.exists(self.source):
            self.multims("simulate", self.source, "antennas=41", "scans=4", "spws=2", "channels=1", "correlations=XX",
                         "integrations=24", "--no-sync", "-q")
            self.multims("partition", self.source, "part.mms", "separationaxis=scan", "numsubms=4", "--no-sync", "-q",
                         cwd=self.sets)
        shutil.copytree(os.path.join(self.sets, "part.mms"), self.path("part.mms"), symlinks=True)

    def reports(self, *words, status=0):
        """By one worker, by several, and by ranks: the report of all."""
        call = [program_case.args.program, "verify", "part.mms", "--against", self.source, "--json", *words]
        runs = [self.run_words(*call, "-j", workers) for workers in (1, 2, 3, 5)]
        if MPIEXEC:
            runs.append(self.run_words(*mpirun(3), *call))
        for run in runs:
            self.assertEqual(run.returncode, status, run.stderr)
            self.assertEqual(run.stdout, runs[0].stdout)
        return json.loads(runs[0].stdout)

    def edit(self, column, change):
        """Change a column of all parts, read in one piece."""
        with ct.table(self.path("part.mms"), readonly=False, ack=False) as table:
            values = table.getcol(column)
            change(values)
            table.putcol(column, values)
        return values

    def test_sound(self):
        self.assertEqual(self.reports()["failed"], 0)

    def test_findings_everywhere(self):
        def change(values):
            values[::9000] += 1
        rows = len(self.edit("DATA", change))
        for show in (3, 100):
            checks = {c["check"]: c for c in self.reports(f"show={show}", status=1)["checks"]}
            failed = [name for name, check in checks.items() if not check["passed"]]
            self.assertEqual(failed, ["DATA"])
            self.assertEqual(checks["DATA"]["count"], len(range(0, rows, 9000)))
            self.assertEqual([f["row_b"] for f in checks["DATA"]["findings"]], list(range(0, rows, 9000))[:show])

    def test_rows_and_tables(self):
        def change(values):
            values[[5, 100000]] += 1e6
        self.edit("TIME", change)
        with ct.table(self.path("part.mms/FIELD"), readonly=False, ack=False) as table:
            table.putcell("NAME", 0, "another")
        found = self.reports(status=1)
        failed = {c["check"]: c["count"] for c in found["checks"] if not c["passed"]}
        self.assertEqual(failed.pop("rows of the source"), 4)
        self.assertIn("FIELD of the source", failed)

    def test_what_stops_the_tables_does_not_hide_the_rows(self):
        def change(values):
            values[7] += 1e6
        self.edit("TIME", change)
        shutil.copytree(self.source, self.path("broken.ms"))
        os.truncate(self.path("broken.ms/FIELD/table.f0"), 100)
        for workers in (1, 2):
            run = self.multims("verify", "part.mms", "--against", "broken.ms", "-j", workers, status=2)
            self.assertIn("FAIL rows of the source", run.stdout)
            self.assertIn("FIELD", run.stderr)

    def test_a_source_that_is_not_there(self):
        for workers in (1, 2):
            run = self.multims("verify", "part.mms", "--against", "none.ms", "-j", workers, status=2)
            self.assertIn("none.ms", run.stderr)
            self.assertEqual(run.stderr.count("\n"), 1, run.stderr)


if __name__ == "__main__":
    program_case.main()
