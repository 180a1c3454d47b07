# SPDX-License-Identifier: LGPL-2.1-or-later
"""uvcontsub_old leaves what CASA's leaves: continuum.json, of a set with flags that differ between correlations."""
import base64
import json
import os
import sys
import zlib

import numpy
from casacore.tables import table

import program_case
from program_case import ProgramCase

program_case.parser.add_argument("--oracle", required=True)
KEYS = "ANTENNA2", "ANTENNA1", "TIME", "DATA_DESC_ID"


class Continuum(ProgramCase):
    def test_what_casa_leaves(self):
        with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "continuum.json"), encoding="utf-8") as file:
            recorded = json.load(file)
        with open(self.path("make.json"), "w", encoding="utf-8") as file:
            json.dump(recorded["make"], file)
        run = self.run_words(sys.executable, program_case.args.oracle + "/make_ms.py", "make.json", "in.ms")
        self.assertEqual(run.returncode, 0, run.stderr)
        for i, case in enumerate(recorded["cases"]):
            words = [f"{key}={value}" for key, value in case["parameters"].items()]
            self.multims("uvcontsub_old", "in.ms", f"outputvis={i}.contsub", *words, "--no-sync", "-q")
            for end, windows in case["data"].items():
                for ddid, text in windows.items():
                    with self.subTest(case=case["name"], end=end, ddid=ddid):
                        self.compare(f"{i}{end}", int(ddid), text, case.get("unflagged"))

    def compare(self, name, ddid, text, unflagged):
        with table(self.path(name), ack=False) as t:
            order = numpy.lexsort([t.getcol(key) for key in KEYS])
            rows = [int(r) for r in order if t.getcell("DATA_DESC_ID", int(r)) == ddid]
            want = numpy.frombuffer(zlib.decompress(base64.b64decode(text)), "<c8")
            cell = t.getcell("DATA", rows[0])
            want = want.reshape(-1, *cell.shape)
            got, flag = (numpy.stack([t.getcell(c, r) for r in rows[:len(want)]]) for c in ("DATA", "FLAG"))
        if unflagged:  # CASA's cut of channels writes others into flagged cells
            got = numpy.where(flag, 0, got)
        numpy.testing.assert_allclose(got, want, rtol=0, atol=5e-6)


if __name__ == "__main__":
    program_case.main()
