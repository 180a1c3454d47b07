# SPDX-License-Identifier: LGPL-2.1-or-later
"""status: what is at work is seen from outside; a complete output is one."""
import subprocess
import time

import program_case
from machine import patient
from program_case import ProgramCase


class Smoke(ProgramCase):
    def test_a_run_at_work(self):
        self.simulate()
        self.multims("partition", "in.ms", "x.mms", "separationaxis=scan", "numsubms=2", "--quiet")
        self.assertEqual(self.answer("status", "x.mms")["phase"], "complete")
        process = subprocess.Popen(
            [program_case.args.program, "each", "x.mms", "-j", "2", "--", "sh", "-c",
             "[ {index} = 0 ] || sleep 3"], cwd=self.folder)
        limit = time.monotonic() + patient(20)
        while time.monotonic() < limit:
            seen = self.answer("status", "x.mms")
            if seen.get("done") == 1:
                break
        self.assertEqual((seen["task"], seen["phase"], seen["units"], seen["done"]),
                         ("each", "working", 2, 1))
        self.assertEqual([u["unit"] for u in seen["units_running"]], ["x.0001.ms"])
        self.assertIn("1 of 2 parts are done, 50 %", self.multims("status", "x.mms").stdout)
        self.assertEqual(process.wait(patient(30)), 0)
        self.assertEqual(self.answer("status", "x.mms")["phase"], "complete")


if __name__ == "__main__":
    program_case.main()
