# SPDX-License-Identifier: LGPL-2.1-or-later
"""each: a program over every part of a Multi-MS."""
import program_case
from program_case import ProgramCase


class Smoke(ProgramCase):
    def test_every_part_is_seen_and_named(self):
        self.simulate()
        self.multims("partition", "in.ms", "out.mms", "separationaxis=scan", "-j", "1")
        run = self.multims("each", "out.mms", "-j", "2", "--", "sh", "-c",
                           'echo "{index} $1"; echo on stderr >&2', "sh", "{name}")
        for i in range(2):
            self.assertIn(f"out.000{i}.ms: {i} out.000{i}.ms\n", run.stdout)
            self.assertIn(f"out.000{i}.ms: on stderr\n", run.stderr)
        self.assertIn("2 parts: 2 done\n", run.stdout)
        self.multims("verify", "out.mms", "--against", "in.ms")


program_case.main()
