# SPDX-License-Identifier: LGPL-2.1-or-later
"""resume: a run that was stopped goes on, by its journal; what is not there is said."""
import json
import signal

import program_case
from interrupting import Interrupting


class Smoke(Interrupting):
    def test_a_stopped_run_goes_on(self):
        self.prepare()
        status, said = self.interrupt()
        self.assertEqual(status, 130)
        self.assertIn("Interrupted. Resume with: multims resume out.mms.multims\n", said)
        seen = self.answer("status", "out.mms")
        self.assertEqual((seen["phase"], seen["running"], seen["units"]), ("interrupted", False, 8))
        self.assertEqual(seen["done"], len(self.done()))
        run = self.multims("resume", "out.mms.multims", "-j", "2")
        self.assertIn(f"goes on with the run that was not finished: {seen['done']} parts done",
                      run.stderr)
        self.assertIn("out.0007.ms", run.stdout)
        self.check_done()

    def records(self, event):
        with open(self.path("out.mms.multims/journal.jsonl")) as f:
            return [r["unit"] for r in map(json.loads, f) if r["ev"] == event]

    def test_a_time_limit(self):
        """SIGUSR1: what runs is finished, the rest is left."""
        self.prepare()
        status, said = self.interrupt(number=signal.SIGUSR1)
        self.assertEqual(status, 75, said)
        self.assertIn("The time limit is near (SIGUSR1)", said)
        self.assertIn("Interrupted. Resume with: multims resume out.mms.multims\n", said)
        self.assertEqual(sorted(self.records("dispatch")), sorted(self.records("done")))
        self.assertEqual(self.records("cancelled"), [])
        self.assertLess(len(self.done()), 9)
        self.multims("resume", "out.mms.multims", "-j", "2")
        self.check_done()

    def test_nothing_is_there(self):
        run = self.multims("resume", "none.mms", status=2)
        self.assertIn("none.mms: there is no unfinished run", run.stderr)
        self.multims("status", "none.mms", status=2)


if __name__ == "__main__":
    program_case.main()
