# SPDX-License-Identifier: LGPL-2.1-or-later
"""A build without HDF5: the verbs of UVH5 say what they lack, and write nothing."""
import os

import program_case
from program_case import ProgramCase

SAYS = "UVH5 needs HDF5 and liberfa"


class Without(ProgramCase):
    def test_verbs_say_it(self):
        self.simulate()
        with open(self.path("in.uvh5"), "wb") as f:
            f.write(b"\x89HDF\r\n\x1a\n" + bytes(2000))
        for words in (("exportuvh5", "in.ms", "out.uvh5", "datacolumn=data"),
                      ("exportuvh5", "in.ms", "out.uvh5", "datacolumn=data", "--dryrun"),
                      ("exportuvh5", "in.ms", "out.uvh5", "datacolumn=data", "timeaverage=True",
                       "timebin=20s"),
                      ("importuvh5", "in.uvh5", "out.ms"), ("verify", "in.uvh5"),
                      ("verify", "in.uvh5", "--against=in.ms"), ("diff", "in.uvh5", "in.uvh5"),
                      ("list", "in.uvh5")):
            with self.subTest(words):
                run = self.multims(*words, status=2)
                self.assertIn(SAYS, run.stderr)
                self.assertEqual(sorted(os.listdir(self.folder)), ["in.ms", "in.uvh5"])

    def test_all_else_works(self):
        self.simulate()
        self.multims("split", "in.ms", "out.ms", "datacolumn=data", "--no-sync", "--quiet")
        self.multims("verify", "out.ms")


program_case.main()
