# SPDX-License-Identifier: LGPL-2.1-or-later
"""uvcontsub_old with a set or solutions on the way: memory, and what a run that is stopped, killed or without room leaves.

Not smoke tests: sanitizers keep memory that was freed, and ThreadSanitizer signals that only ppoll lets in.
"""
import glob
import os
import shutil
import signal
import subprocess
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

    def begin_two_sets(self):
        self.multims("simulate", "big.ms", "antennas=12", "scans=8", "integrations=40", "channels=64", "--no-sync")
        self.multims("partition", "big.ms", "big.mms", "separationaxis=scan", "numsubms=8", "flagbackup=False")
        words = ["uvcontsub_old", "big.mms", "fitspw=0:0~9", "spw=0:0~20", "--no-sync"]
        self.multims(*words, "outputvis=want.mms")
        return words

    def finish(self, words, parts):
        """The parts that were made stay, and the output is that of a run that nobody has stopped."""
        run = self.multims(*words, "--resume")
        self.assertIn(f"{parts} parts done", run.stderr)
        self.multims("diff", "want.mms", "big.mms.contsub")
        self.assertEqual(sorted(os.listdir(self.folder)), ["big.mms", "big.mms.contsub", "big.ms", "want.mms"])
        shutil.rmtree(self.path("big.mms.contsub"))

    def made(self, pattern):
        return glob.glob(self.path(".big.mms.contsub.*part-*/" + pattern))

    def end_when(self, words, pattern, number, how):
        child = subprocess.Popen([program_case.args.program, *words, "-j", "1"], cwd=self.folder, stderr=subprocess.PIPE, text=True)
        while child.poll() is None and len(self.made(pattern)) < number:
            pass
        child.send_signal(how)
        return child.communicate()[1]

    def test_stopped_and_resumed(self):
        words = self.begin_two_sets()
        for pattern, number, done in ((".*part-*/big.mms.contsub.whole/SUBMSS/*", 3, 1), (".*part-*/big.mms.contsub/SUBMSS/*", 3, 2)):
            said = self.end_when(words, pattern, number, signal.SIGINT)
            if "Resume with" not in said:
                continue  # it was the faster
            self.assertEqual(said.count("Resume with: multims resume big.mms.contsub.multims"), 1, said)
            self.finish(words, done)

    def test_killed_and_resumed(self):
        words = self.begin_two_sets()
        self.end_when(words, ".*part-*/big.mms.contsub.whole/SUBMSS/*", 4, signal.SIGKILL)
        self.wait_for_workers()
        run = self.multims(*words, "--resume")
        self.multims("diff", "want.mms", "big.mms.contsub")
        self.assertNotIn("all is done again", run.stderr)

    def kill_at(self, words, name):
        """Kill it when some parts of the output `name` are there; False: it was the faster."""
        pattern = self.path(f".{name}.mms-part-*/{name}/SUBMSS/*")
        child = subprocess.Popen([program_case.args.program, *words, "-j", "1"], cwd=self.folder, stderr=subprocess.DEVNULL)
        while child.poll() is None and len(glob.glob(pattern)) < 3:
            pass
        child.send_signal(signal.SIGKILL)
        child.wait()
        self.wait_for_workers()
        return not os.path.exists(self.path("big.mms.contsub"))

    def remove_both(self):
        for name in "big.mms.cont", "big.mms.contsub":
            shutil.rmtree(self.path(name), ignore_errors=True)

    def test_two_outputs_are_resumed(self):
        """The one that was being written is gone on with; polynomials of another request are not taken."""
        words = [w for w in self.begin_two_sets() if not w.startswith("spw=")] + ["want_cont=True"]
        self.multims(*words, "outputvis=want.contsub")
        for name in "big.mms.cont", "big.mms.contsub":
            while not self.kill_at(words, name):
                self.remove_both()
            if name == "big.mms.contsub":
                run = self.multims(*words, "fitorder=1", "--resume", status=2)
                self.assertIn("big.mms.cont is complete, but ", run.stderr)
            run = self.multims(*words, "--resume")
            self.assertNotIn("all is done again", run.stderr)
            self.assertEqual("big.mms.cont was complete" in run.stderr, name == "big.mms.contsub")
            for end in "cont", "contsub":
                self.multims("diff", f"want.{end}", f"big.mms.{end}")
            self.remove_both()
            self.assertEqual(sorted(os.listdir(self.folder)), ["big.mms", "big.ms", "want.cont", "want.contsub", "want.mms"])

    def wait_for_workers(self):
        """A killed client's workers end a moment later."""
        time.sleep(1)

    def test_room_for_both(self):
        """Asked for before anything is written; --dryrun says the bytes of both."""
        words = self.begin_two_sets()
        plan = self.answer(*words, "--dryrun")
        self.assertGreater(plan["bytes_staged"], 2 * plan["bytes_out"])
        self.assertEqual(sorted(os.listdir(self.folder)), ["big.mms", "big.ms", "want.mms"])


program_case.main()
