# SPDX-License-Identifier: LGPL-2.1-or-later
"""Ids beyond those that casacore's lists of open ranges hold; names of antennas that are no words."""
import casacore.tables as ct
import numpy as np

import program_case
from program_case import ProgramCase


class Selections(ProgramCase):

    def setUp(self):
        super().setUp()
        self.simulate()

    def renumber(self, column, ids):
        """Scan 1 gets the first id, scan 2 the second."""
        t = ct.table(self.path("in.ms"), readonly=False, ack=False)
        scans = t.getcol("SCAN_NUMBER")
        t.putcol(column, np.where(scans == scans.min(), *ids).astype(np.int32))
        half = int((scans == scans.min()).sum())
        t.close()
        self.multims("partition", "in.ms", "in.mms", "--no-sync", "--quiet")
        return half

    def check(self, key, cases):
        """Rows that are selected, as counted and as written; 0 is status 3."""
        for i, (expression, rows) in enumerate(cases):
            for vis in "in.ms", "in.mms":
                word, out = f"{key}={expression}", f"out{i}{vis}"
                if not rows:
                    said = self.multims("select", vis, word, status=3).stderr
                    self.assertIn("no rows; the input has", said)
                    self.multims("split", vis, out, "datacolumn=data", word, status=3)
                    continue
                self.assertEqual(self.answer("select", vis, word)["rows"], rows, word)
                self.multims("partition", vis, out, word, "--no-sync", "--quiet")
                self.assertEqual(ct.table(self.path(out), ack=False).nrows(), rows)
                self.multims("verify", out, "--against", vis, word)

    def test_scans(self):
        half = self.renumber("SCAN_NUMBER", (5, 2500))
        self.check("scan", [(">1001", half), (">2000", half), (">=2500", half), (">2500", 0),
                            ("5,>2000", 2 * half), ("<3000000000", 2 * half),
                            ("5~2000000000", 2 * half), (">2000&<2600", half), (">3000000000", 0)])

    def test_arrays(self):
        half = self.renumber("ARRAY_ID", (0, 1500))
        self.check("array", [(">0", half), (">5", half), (">1499", half), (">1500", 0),
                             ("0~1600", 2 * half)])

    def test_observations(self):
        self.multims("select", "in.ms", "observation=>5", status=3)
        self.multims("select", "in.ms", "observation=0,>5")
        t = ct.table(self.path("in.ms/OBSERVATION"), readonly=False, ack=False)
        t.addrows(7)
        t.close()
        half = self.renumber("OBSERVATION_ID", (0, 6))
        self.check("observation", [(">5", half), (">=1", half), (">6", 0), (">1001", 0)])

    def test_names_in_quotes(self):
        t = ct.table(self.path("in.ms/ANTENNA"), readonly=False, ack=False)
        for i, name in enumerate(("DA 41", "DA'42", "A&B;C")):
            t.putcell("NAME", i, name)
        t.close()
        first = {self.answer("select", "in.ms", f"antenna={i}")["row_sum"]: i for i in range(3)}
        for i, words in enumerate((("'DA 41'", '"DA 41"', "DA 41"), ("DA'42", "\"DA'42\""),
                                   ("A&B;C", "'A&B;C'"))):
            for word in words:
                got = self.answer("select", "in.ms", f"antenna={word}")["row_sum"]
                self.assertEqual(first[got], i, word)

    def test_a_range_that_ends_before_it_begins(self):
        for key in "field", "antenna", "feed", "scan":
            said = self.multims("select", "in.ms", f"{key}=5~2", status=2).stderr
            self.assertNotIn("Negative", said)


program_case.main()
