# SPDX-License-Identifier: LGPL-2.1-or-later
"""status: what is at work is seen from outside; a complete output is one."""
import json
import os
import signal
import stat
import subprocess
import time

import program_case
from machine import patient, wait_until
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

    def said(self):
        with open(self.path("said")) as file:
            return file.read()

    def test_a_run_tells_how_it_stands(self):
        """SIGUSR2 and a file that is replaced, also as Prometheus reads it (job-engine 8.4)."""
        self.simulate()
        self.multims("partition", "in.ms", "x.mms", "separationaxis=scan", "numsubms=2", "--quiet")
        waits = '[ {index} = 0 ] || while [ ! -e "$0" ]; do sleep 0.05; done'
        with open(self.path("said"), "w") as said:
            process = subprocess.Popen([program_case.args.program, "each", "x.mms", "-j", "2", "statusfile=how.json", "--", "sh", "-c",
                                        waits, self.path("go")], cwd=self.folder, stderr=said)
        self.assertTrue(wait_until(lambda: self.answer("status", "x.mms").get("done") == 1, 30))
        process.send_signal(signal.SIGUSR2)
        self.assertTrue(wait_until(lambda: ": x.0001.ms, 0 % after " in self.said(), 30), self.said())
        self.assertIn("1 of 2 units are done, 0 failed, after ", self.said())
        with open(self.path("how.json")) as file:
            how = json.load(file)
        self.assertEqual((how["verb"], how["units"], how["units_failed"]), ("each", 2, 0))
        open(self.path("go"), "w").close()
        self.assertEqual(process.wait(patient(30)), 0)
        with open(self.path("how.json")) as file:
            how = json.load(file)
        self.assertEqual((how["units_done"], how["workers"]), (2, []))
        self.multims("each", "x.mms", "statusfile=how.prom", "--keepgoing", "--", "sh", "-c", "exit {index}", status=1)
        with open(self.path("how.prom")) as file:
            text = file.read()
        for line in ('multims_units_done{verb="each"} 2', 'multims_units_failed{verb="each"} 1', 'multims_workers_busy{verb="each"} 0'):
            self.assertIn(line + "\n", text)
        run = self.multims("each", "x.mms", "statusfile=absent/how.json", "--", "true")
        self.assertEqual(run.stderr.count("statusfile: absent/how.json: No such file"), 1)
        self.multims("each", "x.mms", "-j", "1", "statusfile=late/how.json", "--", "mkdir", "-p", "late")
        self.assertTrue(os.path.exists(self.path("late/how.json"))) # what could not be written once
        os.mkfifo(self.path("pipe"))
        run = self.multims("each", "x.mms", "statusfile=pipe", "--", "true")
        self.assertEqual(run.stderr.count("statusfile: pipe is a named pipe, not a file"), 1)
        self.assertEqual(os.listdir(self.folder).count("pipe.new"), 0)
        self.assertTrue(stat.S_ISFIFO(os.stat(self.path("pipe")).st_mode))

    def test_who_asks_ends_nothing(self):
        """SIGUSR2 at any moment of any verb, of those that judge, too."""
        self.simulate()
        self.simulate("same.ms")
        for words in (["verify", "in.ms"], ["diff", "in.ms", "same.ms"], ["info", "in.ms"]):
            process = subprocess.Popen([program_case.args.program, *words], cwd=self.folder, stdout=subprocess.DEVNULL)
            while not self.catches_usr2(process.pid) and process.poll() is None:
                pass # what loads it has not come to main() yet
            while process.poll() is None:
                process.send_signal(signal.SIGUSR2)
                time.sleep(0.001)
            self.assertEqual(process.returncode, 0, words)

    def catches_usr2(self, pid):
        try:
            with open(f"/proc/{pid}/status") as file:
                caught = next(line for line in file if line.startswith("SigCgt:"))
        except (FileNotFoundError, ProcessLookupError, StopIteration):
            return False
        return int(caught.split()[1], 16) >> (signal.SIGUSR2 - 1) & 1


if __name__ == "__main__":
    program_case.main()
