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

    def test_order_is_ignored_when_asked(self):
        self.simulate()
        self.multims("partition", "in.ms", "out.mms", "-j", "1")
        self.multims("diff", "in.ms", "out.mms", status=1)
        self.multims("diff", "in.ms", "out.mms", "--ignore-order")


program_case.main()
