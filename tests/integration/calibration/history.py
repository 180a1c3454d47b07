# SPDX-License-Identifier: LGPL-2.1-or-later
"""HISTORY rows of the verbs that change data in place, where CASA's tasks write them."""
import os

import numpy
from casacore.tables import table

import caltable
import program_case
from program_case import ProgramCase


class History(ProgramCase):
    def rows(self, name):
        with table(self.path(os.path.join(name, "HISTORY")), ack=False) as t:
            return [(t.getcell("ORIGIN", i), t.getcell("MESSAGE", i)) for i in range(t.nrows())]

    def added(self, sets, *words):
        """What a run adds to each of some sets."""
        before = [self.rows(name) for name in sets]
        self.multims(*words, "--no-sync", "--quiet")
        after = [self.rows(name) for name in sets]
        for old, new in zip(before, after):
            self.assertEqual(new[:len(old)], old)
        return [new[len(old):] for old, new in zip(before, after)]

    def told(self, rows, verb, *texts):
        self.assertTrue(rows, f"{verb} has left no row")
        self.assertEqual({origin for origin, _ in rows}, {verb})
        self.assertEqual(rows[0][1], f"taskname={verb}")
        messages = [" ".join(message.split()) for _, message in rows]
        for text in texts:
            self.assertIn(text, messages)

    def partition(self):
        self.simulate()
        self.multims("partition", "in.ms", "out.mms", "separationaxis=scan", "numsubms=2",
                     "datacolumn=all", "flagbackup=False", "--no-sync", "--quiet")
        parts = sorted(os.listdir(self.path("out.mms/SUBMSS")))
        return [os.path.join("out.mms/SUBMSS", p) for p in parts if p.endswith(".ms")]

    def test_an_ms(self):
        self.simulate()
        caltable.make(self.path("g.G"), "G Jones", self.path("in.ms"), numpy.full((4, 2, 1, 2), 2, complex))
        for words, texts in ((("flagdata", "in.ms", "scan=1", "flagbackup=False"), ('mode = "manual"', 'scan = "1"')),
                             (("statwt", "in.ms", "datacolumn=data", "flagbackup=False"), ('datacolumn = "data"',)),
                             (("setjy", "in.ms", "standard=manual", "fluxdensity=[2,0,0,0]"),
                              ('standard = "manual"',)),
                             (("applycal", "in.ms", "gaintable=g.G", "flagbackup=False"), ('docallib = False',))):
            with self.subTest(words=words):
                self.told(self.added(["in.ms"], *words)[0], words[0], *texts)

    def test_a_multi_ms(self):
        parts = self.partition()
        sets = ["out.mms"] + parts
        self.assertGreater(len(parts), 1)
        found = self.added(sets, "flagdata", "out.mms", "scan=1", "flagbackup=False")
        self.told(found[0], "flagdata", 'scan = "1"')
        found = self.added(sets, "setjy", "out.mms", "standard=manual", "fluxdensity=[2,0,0,0]")
        for rows in found[1:]:
            self.told(rows, "setjy", 'standard = "manual"')

    def test_what_changes_nothing_leaves_nothing(self):
        self.simulate()
        for words in (("flagdata", "in.ms", "mode=summary"), ("flagdata", "in.ms", "--dryrun"),
                      ("flagdata", "in.ms", "action=calculate"),
                      ("setjy", "in.ms", "standard=manual", "fluxdensity=[2,0,0,0]", "--dryrun")):
            with self.subTest(words=words):
                self.assertEqual(self.added(["in.ms"], *words), [[]])


if __name__ == "__main__":
    program_case.main()
