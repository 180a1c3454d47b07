# SPDX-License-Identifier: LGPL-2.1-or-later
"""verify: a sound Multi-MS, one that has lost a part, one with a changed cell."""
import os
import shutil

from casacore.tables import table

import program_case
from program_case import ProgramCase


class Smoke(ProgramCase):
    def setUp(self):
        super().setUp()
        self.simulate()
        self.multims("partition", "in.ms", "out.mms", "-j", "1")
        self.member = self.path("out.mms/SUBMSS/out.0001.ms")

    def test_a_sound_one_passes(self):
        self.assertEqual(self.answer("verify", "out.mms")["failed"], 0)
        self.assertEqual(self.answer("verify", "out.mms", "against=in.ms")["failed"], 0)

    def test_a_changed_cell_is_found_against_the_source(self):
        with table(self.member, readonly=False, ack=False) as part:
            part.putcell("FLAG_ROW", 3, not part.getcell("FLAG_ROW", 3))
        found = self.answer("verify", "out.mms", "against=in.ms", status=1)
        self.assertEqual([c["check"] for c in found["checks"] if not c["passed"]], ["FLAG_ROW"])

    def test_a_lost_sub_table_is_found(self):
        shutil.rmtree(os.path.join(self.member, "FIELD"))
        self.multims("verify", "out.mms", status=1)


program_case.main()
