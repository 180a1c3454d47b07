# SPDX-License-Identifier: LGPL-2.1-or-later
"""CASA opens, lists and flags sets that were imported, as MS and as Multi-MS."""
import json
import os
import shutil
import subprocess
import sys

import numpy
from casacore.tables import table

import program_case
from program_case import ProgramCase

for name in ("data", "samples", "casa", "oracle", "tasks"):
    program_case.parser.add_argument("--" + name)
SAMPLES = ("odd_windows", "odd_flexpol", "odd_ephem", "ata_v12", "hera_v01_bda_phased")


class InCasa(ProgramCase):
    def bring(self, name, file):
        """A file as MS and as Multi-MS."""
        self.multims("importuvh5", file, name + ".ms", "--no-sync", "--quiet")
        self.multims("importuvh5", file, name + ".mms", "createmms=True", "separationaxis=scan",
                     "--no-sync", "--quiet")
        return name + ".ms", name + ".mms"

    def sets(self):
        found = []
        for sample in SAMPLES:
            path = os.path.join(program_case.args.samples, sample + ".uvh5")
            if os.path.exists(path):
                found += self.bring(sample, path)
        shutil.copytree(os.path.join(program_case.args.data, "D7x.ms"), self.path("D7x.ms"))
        self.multims("exportuvh5", "D7x.ms", "D7x.uvh5", "datacolumn=data", "--no-sync", "--quiet")
        return ["D7x.ms", *found, *self.bring("back", "D7x.uvh5")]

    def ask_casa(self, names):
        args = program_case.args
        with open(self.path("jobs"), "w") as f:
            json.dump([{"key": name, "vis": self.path(name), "parts": [],
                        "tasks": {"listobs": {}, "flagdata": {"spw": "0"},
                                  **({"listpartition": {}} if name.endswith(".mms") else {})}}
                       for name in names], f)
        run = subprocess.run([os.path.join(args.oracle, "casa"), args.casa, args.tasks,
                              self.path("jobs"), self.path("answers")], capture_output=True, text=True)
        self.assertEqual(run.returncode, 0, run.stderr[-2000:])
        with open(self.path("answers")) as f:
            return json.load(f)

    def counts(self, name):
        """Values, and those that are flagged when all of window 0 are."""
        with table(self.path(name), ack=False) as t, table(self.path(name + "/DATA_DESCRIPTION"),
                                                           ack=False) as dds:
            windows = dds.getcol("SPECTRAL_WINDOW_ID")
            flags = [numpy.asarray(t.getcell("FLAG", i)) for i in range(t.nrows())]
            first = windows[t.getcol("DATA_DESC_ID")] == 0
        return (sum(f.size for f in flags),
                sum(f.size if all_of_it else f.sum() for f, all_of_it in zip(flags, first)))

    def test_tasks(self):
        names = self.sets()
        answers = self.ask_casa(names)
        for name in names:
            with self.subTest(name):
                answer = answers[name]
                errors = {k: v for k, v in answer.items() if isinstance(v, dict) and "error" in v}
                self.assertEqual(errors, {})
                summary = answer["flagdata"]
                self.assertEqual((summary["total"], summary["flagged"]), self.counts(name))
                self.assertIn(f"Total records = {self.rows(name)}",
                              " ".join(answer["listobs"]["text"].split()).replace("Data records: ",
                                                                                "Total records = "))
        self.assertEqual(answers["D7x.ms"]["flagdata"]["flagged"],
                         answers["back.ms"]["flagdata"]["flagged"])

    def rows(self, name):
        with table(self.path(name), ack=False) as t:
            return t.nrows()


program_case.parse()
if not os.path.exists(os.path.join(program_case.args.casa, "complete")):
    print("skipped: CASA is not installed in", program_case.args.casa)
    sys.exit(77)
program_case.main(hdf5=True)
