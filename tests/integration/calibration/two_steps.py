# SPDX-License-Identifier: LGPL-2.1-or-later
"""uvcontsub_old with a set or solutions on the way: memory, and what a run that is stopped, killed or without room leaves.

Not smoke tests: sanitizers keep memory that was freed, and ThreadSanitizer signals that only ppoll lets in.
"""
import os
import shutil
import time

import program_case
from undo_case import UndoCase, digests

FITS = ["uvcontsub_old", "in.ms", "outputvis=out.ms", "fitspw=0:2~28,1:5~40", "fitorder=1", "--no-sync", "-j", "2"]
REQUESTS = (["combine=spw"], ["solint=inf", "combine=spw, scan"], ["combine=spw", "spw=1:3~6", "want_cont=True"])


class TwoSteps(UndoCase):
    def simulate_windows(self):
        self.multims("simulate", "in.ms", "antennas=12", "spws=2", "channels=64", "integrations=12", "scans=2", "--no-sync",
                     "--quiet")
        return digests(self.path("in.ms"))

    def test_no_room(self):
        before = self.simulate_windows()
        for what in REQUESTS:
            failed = 0
            for limit in 1, 16, 100, 400, 1000, 3000, 9000, 100000:
                run = self.run_without_room(limit, [*FITS, *what])
                self.assertIn(run.returncode, (0, 1), f"{what}, {limit} KiB: {run.stderr}")
                if run.returncode == 0:
                    break
                failed += 1
                self.assertEqual(os.listdir(self.folder), ["in.ms"], f"{what}, {limit} KiB")
                self.assertRegex(run.stderr, "No space left|[Ff]ile too large", f"{what}, {limit} KiB")
            self.assertEqual(run.returncode, 0, run.stderr)
            self.assertGreaterEqual(failed, 3)
            self.assertEqual(digests(self.path("in.ms")), before)
            for name in "out.ms", "out.ms.cont":
                shutil.rmtree(self.path(name), ignore_errors=True)

    def test_killed(self):
        before = self.simulate_windows()
        for what in REQUESTS:
            start = time.time()
            self.multims(*FITS, *what)
            whole = time.time() - start
            os.rename(self.path("out.ms"), self.path("want.ms"))
            shutil.rmtree(self.path("out.ms.cont"), ignore_errors=True)
            for i in range(6):
                run = self.start([*FITS, *what])
                time.sleep(whole * (i + 0.5) / 6)
                self.end(run)
                shutil.rmtree(self.path("out.ms"), ignore_errors=True)  # it was the faster
                shutil.rmtree(self.path("out.ms.cont"), ignore_errors=True)
            self.multims(*FITS, *what)
            self.multims("diff", "want.ms", "out.ms")
            self.clean_when_gone(".")
            self.assertEqual(digests(self.path("in.ms")), before)
            self.assertEqual(self.leftovers(), [])
            for name in "out.ms", "out.ms.cont", "want.ms":
                shutil.rmtree(self.path(name), ignore_errors=True)

    def test_memory_does_not_grow_with_the_rows(self):
        def peak(name, integrations):
            self.multims("simulate", name, "antennas=27", "scans=1", "channels=2", "correlations=1",
                         f"integrations={integrations}", "--no-sync", "--quiet")
            return self.peak_kib("uvcontsub_old", name, "fitorder=2", "combine=scan", "solint=inf", "memory=16M", "-j1",
                                 "--no-sync")
        small, large = peak("a.ms", 400), peak("b.ms", 1300)
        self.assertLess(large - small, 12 * 1024)  # solutions of 315,900 rows: 70 MiB

    def test_stopped_in_a_set_that_goes(self):
        self.multims("simulate", "big.ms", "antennas=12", "scans=8", "integrations=40", "channels=64", "--no-sync")
        self.multims("partition", "big.ms", "big.mms", "separationaxis=scan", "numsubms=8", "flagbackup=False")
        self.stop_within("big.mms.contsub.whole", "uvcontsub_old", "big.mms", "fitspw=0:0~9", "spw=0:0~20", "-j", "1")
        self.assertEqual(sorted(os.listdir(self.folder)), ["big.mms", "big.ms"])


program_case.main()
