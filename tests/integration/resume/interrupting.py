# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the tests of resume share: runs that are stopped when some parts are done."""
import json
import os
import shutil
import signal
import subprocess
import time

import program_case
from machine import patient
from program_case import ProgramCase


class Interrupting(ProgramCase):
    journal = "out.mms.multims/journal.jsonl"
    words = ("separationaxis=scan", "numsubms=8", "--no-sync")
    source = "in.ms"

    def prepare(self):
        self.multims("simulate", "in.ms", "antennas=6", "scans=8", "channels=64", "integrations=20",
                     "--no-sync", "--quiet")

    def done(self):
        try:
            with open(self.path(self.journal)) as f:
                records = [json.loads(line) for line in f if line.endswith("\n")]
        except FileNotFoundError:
            return []
        return [r["unit"] for r in records if r["ev"] == "done" and not r["aside"]]

    def interrupt(self, *words, number=signal.SIGINT, verb="partition", least=1):
        """Stop a run when some parts are done, and return its words."""
        for _ in range(20):
            process = subprocess.Popen(
                [program_case.args.program, verb, self.source, "out.mms", *self.words, "-j", "1", *words],
                cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
            while process.poll() is None and len(self.done()) < least:
                time.sleep(0.001)
            process.send_signal(number)
            said = process.communicate(timeout=patient(60))[1]
            if process.returncode:
                return process.returncode, said
            shutil.rmtree(self.path("out.mms"))
            shutil.rmtree(self.path("out.mms.flagversions"), ignore_errors=True)
        self.fail("always faster than the signal")

    def left(self):
        return sorted(set(os.listdir(self.folder)) - {"in.ms"})

    def check_done(self):
        self.assertEqual(self.left(), ["out.mms", "out.mms.flagversions"])
        self.multims("verify", "out.mms", "--against", "in.ms")
