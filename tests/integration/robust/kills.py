#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Killed workers and killed programs (design D6, D7, D16): a run that does not end well leaves
nothing under the output's name, the input as it was, no process, and no obstacle for the next."""
import os
import random
import re
import shutil
import signal
import time

import robust

INPUT = "hd142_b9cont_self_tav.ms"
PART_KILLED = (r"^multims partition: sub-MS out\.\d{4}\.ms: worker \d was killed by signal 9 "
               r"\(Killed\)")


class Kills(robust.Case):
    input_name = INPUT

    def setUp(self):
        super().setUp()
        self.copy(self.input_name)
        self.before = robust.tree(self.path("in.ms"))

    def begin(self):
        return self.start("partition", "in.ms", "out.mms", "separationaxis=scan", "-j", "2",
                          "--no-sync", "workerretries=0")

    def assert_input_untouched(self):
        self.assertEqual(robust.tree(self.path("in.ms")), self.before, "the input has changed")

    def run_whole(self):
        """The next run works and leaves nothing but its output."""
        run = self.begin()
        result = run.wait()
        self.assert_done(result)
        self.assertEqual(run.strays(), {}, "processes are left")
        self.assert_folder("in.ms", "out.mms", "out.mms.flagversions")
        return result

    def remove_output(self):
        shutil.rmtree(self.path("out.mms"))
        shutil.rmtree(self.path("out.mms.flagversions"), ignore_errors=True)


class KilledWorker(Kills):
    def check(self, victims):
        run = self.begin()
        victims = random.sample(sorted(run.await_workers(2)), victims)
        for pid in victims:
            os.kill(pid, signal.SIGKILL)
        result = run.wait()
        self.assert_ended(result, 1)
        last = [line for line in result.stderr.splitlines() if line.startswith("multims ")][-1]
        self.assertRegex(last, PART_KILLED)
        self.assertEqual(run.strays(), {}, "processes are left")
        self.assert_folder("in.ms")
        self.assert_input_untouched()

    def test_one_of_two(self):
        self.check(1)
        self.run_whole()

    def test_all(self):
        self.check(2)
        self.run_whole()


class KilledWorkerMpi2(KilledWorker):
    ranks = 2


class KilledWorkerMpi3(KilledWorker):
    ranks = 3


class KilledProgram(Kills):
    """The whole run, killed again and again at moments spread over its length."""
    signals = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)

    def setUp(self):
        super().setUp()
        self.length_s = self.timed_run()
        self.whole = self.path("whole.mms")
        os.rename(self.path("out.mms"), self.whole)
        shutil.rmtree(self.path("out.mms.flagversions"))
        self.addCleanup(shutil.rmtree, self.whole)

    def timed_run(self):
        run = self.begin()
        self.assert_done(run.wait())
        return time.monotonic() - run.began

    def assert_complete(self):
        """Judged by verify, and by an independent reader against an output that was not disturbed."""
        checked = self.run_to_end("verify", "out.mms", "--against", "in.ms")
        self.assertEqual(checked.returncode, 0, checked.stdout + checked.stderr)
        robust.assert_equal_tables(self, self.path("out.mms"), self.whole)

    def names(self):
        return set(os.listdir(self.folder)) - {"in.ms", "whole.mms"}

    def check_status(self, status, number):
        """A signal may come before the handlers are there, and after the end."""
        allowed = {-number, 0}
        if number != signal.SIGKILL:
            allowed.add(128 + number)
        self.assertIn(status, allowed)

    def check_traces(self, result, number):
        names = self.names()
        staged = {name for name in names if re.fullmatch(r"\.out\.mms\.mms-part-([0-9a-f]{8}-\d+-)?.{6}", name)}
        kept = {"out.mms.multims"} & names  # parts that are done stay done: --resume goes on
        self.assertLessEqual(names - staged, {"out.mms", "out.mms.flagversions"} | kept)
        if number != signal.SIGKILL and kept:
            self.assertIn("Resume with: multims resume out.mms.multims", result.stderr)
        elif number != signal.SIGKILL:
            self.assertEqual(staged, set(), "a stopped run cleans up")
        if "out.mms" in names:
            self.assert_complete()
        else:
            self.assertNotEqual(result.returncode, 0)
            self.assertNotIn("out.mms.flagversions", names)

    def check_next_run(self):
        """Without the output, if there is one: nothing else may stand in the way."""
        if "out.mms" in self.names():
            self.remove_output()
        self.assert_done(self.begin().wait())
        left = self.names() - {"out.mms", "out.mms.flagversions"}
        self.assertEqual({name: os.listdir(self.path(name)) for name in left}, {})
        self.remove_output()

    def kill_once(self, number, moment_s):
        run = self.begin()
        run.sleep_until(moment_s)
        run.send(number)
        result = run.wait()
        self.assertEqual(run.strays(), {}, "processes are left")
        self.check_status(result.returncode, number)
        self.check_traces(result, number)
        self.assert_input_untouched()
        self.check_next_run()

    def test_at_random_moments(self):
        for i in range(robust.args.moments):
            number = self.signals[i % len(self.signals)]
            moment_s = random.uniform(0, 1.05 * self.length_s)
            with self.subTest(moment_s=round(moment_s, 3), of_s=round(self.length_s, 3),
                              signal=number.name):
                self.kill_once(number, moment_s)


class KilledProgramMpi(KilledProgram):
    """The signal goes to mpirun; only the absence of outputs counts, not the status."""
    ranks = 3

    def check_status(self, status, number):
        pass

    def check_traces(self, result, number):
        super().check_traces(result, signal.SIGKILL)


if __name__ == "__main__":
    robust.main("__main__")
