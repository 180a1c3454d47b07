# SPDX-License-Identifier: LGPL-2.1-or-later
"""diff: equal sets, one changed cell, other order."""
from casacore.tables import table

import program_case
from program_case import ProgramCase


class Smoke(ProgramCase):
    def test_one_changed_cell_is_found(self):
        self.simulate("a.ms")
        self.simulate("b.ms")
        self.multims("diff", "a.ms", "b.ms")
        with table(self.path("b.ms"), readonly=False, ack=False) as b:
            cell = b.getcell("DATA", 7)
            cell[3, 2] += 1
            b.putcell("DATA", 7, cell)
        failed = [c["check"] for c in self.answer("diff", "a.ms", "b.ms", status=1)["checks"]
                  if not c["passed"]]
        self.assertEqual(failed, ["DATA"])

    def test_last_value_and_one_flag_of_many_blocks_are_found(self):
        """DATA and FLAG of a Multi-MS in several runs and pieces, each side read directly."""
        self.simulate("in.ms", "scans=3", "integrations=40")
        self.multims("partition", "in.ms", "out.mms", "separationaxis=scan", "--no-sync", "-j1")
        with table(self.path("in.ms"), ack=False) as source:
            last, channels, correlations = source.nrows() - 1, *source.getcell("FLAG", 0).shape
        for column, row, place in (("DATA", last, (channels - 1, correlations - 1)),
                                   ("FLAG", last // 2, (channels // 2 + 1, correlations - 1)),
                                   ("DATA", 0, (0, 0))):
            with self.subTest(column=column, row=row):
                with table(self.path("out.mms"), readonly=False, ack=False) as out:
                    old = out.getcell(column, row)
                    new = old.copy()
                    new[place] = not new[place] if column == "FLAG" else new[place] + 1
                    out.putcell(column, row, new)
                for words in (["diff", "in.ms", "out.mms", "--ignore-order"],
                              ["verify", "out.mms", "--against", "in.ms"]):
                    checks = self.answer(*words, status=1)["checks"]
                    self.assertTrue(any(column in str(c) for c in checks if not c["passed"]), words)
                with table(self.path("out.mms"), readonly=False, ack=False) as out:
                    out.putcell(column, row, old)
        self.multims("diff", "in.ms", "out.mms", "--ignore-order")

    def test_order_is_ignored_when_asked(self):
        self.simulate()
        self.multims("partition", "in.ms", "out.mms", "-j", "1")
        self.multims("diff", "in.ms", "out.mms", status=1)
        self.multims("diff", "in.ms", "out.mms", "--ignore-order")


program_case.main()
