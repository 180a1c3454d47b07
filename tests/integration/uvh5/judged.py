# SPDX-License-Identifier: LGPL-2.1-or-later
"""The judge with pyuvdata's strict checks on exports of the public sets, MS and MMS."""
import os

import program_case
from program_case import ProgramCase

for name in ("data", "pyuvdata", "judge"):
    program_case.parser.add_argument("--" + name)

SETS = ["D1.ms", "D2s.ms", "D7.ms", "D7x.ms", "D9b.ms", "mssel_test_small.ms",
        "hd142_b9cont_self_tav.ms", "tNDPPP-generic.MS", "scan.mms", "spw.mms", "auto.mms",
        "baseline.mms"]


class Judged(ProgramCase):
    def test_t10_exports(self):
        args = program_case.args
        for name in SETS:
            with self.subTest(name):
                vis = os.path.join(args.data, name)
                self.multims("exportuvh5", vis, name + ".uvh5", "datacolumn=data", "--quiet")
                run = self.run_words(args.pyuvdata, args.judge, name + ".uvh5", "--against", vis)
                self.assertRegex(run.stdout, r"[1-9][0-9]* passed, 0 failed", run.stderr)


program_case.main(hdf5=True)
