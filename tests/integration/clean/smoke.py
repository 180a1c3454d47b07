# SPDX-License-Identifier: LGPL-2.1-or-later
"""clean: an undo that was left is found and brought back; one whose run lives is not touched."""
import fcntl
import json
import os
import shutil

import program_case
from program_case import ProgramCase


class Smoke(ProgramCase):
    def leave_undo(self):
        """What a run that was killed while it wrote table.dat leaves."""
        self.simulate()
        folder = self.path(".in.ms.mms-undo")
        file = os.path.realpath(self.path("in.ms/table.dat"))
        os.mkdir(folder)
        shutil.copy(file, folder + "/0")
        with open(folder + "/undo.json", "w") as f:
            json.dump([{"file": file, "copy": "0"},
                       {"file": os.path.realpath(self.path("in.ms")) + "/new", "copy": None}], f)
        open(folder + "/lock", "w").close()
        with open(file, "rb") as f:
            before = f.read()
        with open(file, "wb") as f:
            f.write(b"half")
        open(self.path("in.ms/new"), "w").close()
        return before

    def check(self, before):
        with open(self.path("in.ms/table.dat"), "rb") as f:
            self.assertEqual(f.read(), before)
        self.assertFalse(os.path.exists(self.path("in.ms/new")))
        self.assertFalse(os.path.exists(self.path(".in.ms.mms-undo")))

    def test_restore(self):
        before = self.leave_undo()
        self.assertTrue(self.answer("clean", "in.ms")["dirty"])
        self.assertTrue(self.answer("clean", "in.ms", "--restore")["restored"])
        self.check(before)
        self.assertFalse(self.answer("clean", "in.ms")["dirty"])

    def test_the_next_run_restores(self):
        before = self.leave_undo()
        run = self.multims("flagdata", "in.ms", "mode=manual", "action=calculate")
        self.assertIn("as they were", run.stderr)
        self.check(before)

    def test_a_run_that_lives_is_left_alone(self):
        self.leave_undo()
        with open(self.path(".in.ms.mms-undo/lock"), "r+") as f:
            fcntl.flock(f, fcntl.LOCK_SH)
            self.multims("clean", "in.ms", "--restore", status=1)
            self.multims("flagdata", "in.ms", "mode=manual", status=2)
        self.assertTrue(os.path.exists(self.path(".in.ms.mms-undo/undo.json")))

    def test_an_unfinished_run_of_each_is_told(self):
        self.simulate()
        self.multims("simulate", "two.ms", "--no-sync", "--quiet")
        self.multims("each", "in.ms", "two.ms", "--keepgoing", "--", "sh", "-c", "exit {index}", status=1)
        self.assertIn("in.ms.multims has the journal", self.multims("clean", "in.ms").stdout)
        self.multims("clean", "in.ms.multims")
        self.assertIn("nothing is left to do", self.multims("clean", "in.ms").stdout)


if __name__ == "__main__":
    program_case.main()
