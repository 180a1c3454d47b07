#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A process that crashes while it reads (architecture, "Crashes"): words that name the table, an exit
status of design D16, nothing left, whoever crashes and by whatever."""
import os
import shutil
import signal
import sys

import robust
from machine import mpirun, preload

INPUT = "hd142_b9cont_self_tav.ms"
READING = (["select", "in.ms", "spw=0"], ["verify", "in.ms"], ["diff", "in.ms", "other.ms"],
           ["listpartition", "in.ms"], ["partition", "in.ms", "out.mms"],
           ["split", "in.ms", "out.ms", "datacolumn=data"],
           ["mstransform", "in.ms", "out.ms", "datacolumn=data", "chanaverage=True", "chanbin=2"],
           ["hanningsmooth", "in.ms", "out.ms", "datacolumn=data"],
           ["plan", "partition", "in.ms", "out.mms"])


class Crashes(robust.Case):
    def setUp(self):
        super().setUp()
        self.copy(INPUT)
        os.symlink("in.ms", self.path("other.ms"))
        self.before = robust.tree(self.path("in.ms"))

    def crash(self, words, at="DATA_DESCRIPTION/table.dat", where="client", by="11", prefix=(), **more):
        env = dict(CRASH_AT=at, CRASH_IN=where, CRASH_BY=by, **preload(robust.args.crash), **more)
        names = [f"{name}={value}" for name, value in env.items()]
        result = self.run_to_end(*words, prefix=[*prefix, "env", *names])
        self.assert_folder("in.ms", "other.ms", *self.outputs)
        self.assertEqual(robust.tree(self.path("in.ms")), self.before, "the input has changed")
        return result

    outputs = ()

    def last_line(self, result):
        lines = [line for line in result.stderr.splitlines() if line.startswith("multims ")]
        self.assertTrue(lines, f"no word: {result.stderr}")
        return lines[-1]

    def test_every_verb_names_the_table(self):
        for words in READING:
            with self.subTest(words=words):
                result = self.crash(words)
                self.assertEqual(result.returncode, 2, result.stderr)
                verb = words[words[0] == "plan"]
                self.assertRegex(self.last_line(result),
                                 rf"^multims {verb}: .*in\.ms/DATA_DESCRIPTION: casacore crashed on it "
                                 r"\(signal 11, Segmentation fault\)")

    def test_every_way_to_end(self):
        for by, text in (("6", "signal 6, Aborted"), ("7", "signal 7, Bus error"),
                         ("8", "signal 8, Floating"), ("9", r"signal 9 \(Killed\)"),
                         ("exit", "ended with exit status 0"),
                         ("memory", "signal 8,")):  # 7 where there is no bound
            with self.subTest(by=by):
                result = self.crash(["verify", "in.ms"], by=by)
                self.assertEqual(result.returncode, 2, result.stderr)
                line = self.last_line(result)
                self.assertRegex(line, rf"^multims verify: .*{text}")
                self.assertIn("in.ms/DATA_DESCRIPTION", line)

    def test_the_log_has_it(self):
        self.outputs = ("run.log",)
        self.crash(["select", "in.ms", "spw=0", "--log=run.log"])
        with open(self.path("run.log")) as file:
            last = file.read().splitlines()[-1]
        self.assertRegex(last, r"ERROR multims: status 2 after .* s: .*in\.ms/DATA_DESCRIPTION: casacore crashed")

    def test_a_worker_names_the_table(self):
        for by, text in (("11", r"signal 11 \(Segmentation fault\)"), ("9", r"signal 9 \(Killed\)"),
                         ("memory", "signal 8 ")):
            with self.subTest(by=by):
                result = self.crash(["partition", "in.ms", "out.mms", "-j", "2"], at="in.ms/table.dat",
                                    where="worker", by=by)
                self.assertEqual(result.returncode, 1, result.stderr)
                self.assertRegex(self.last_line(result), r"^multims partition: sub-tables: worker 1 was "
                                 rf"killed by {text}.*in casacore, at .*in\.ms")

    def test_a_worker_that_hangs(self):
        """It waits for ever: a limit ends it, and nothing is left, nor changed where work is in place."""
        verbs = (["partition", "in.ms", "out.mms"], ["mstransform", "in.ms", "out.ms", "datacolumn=data"],
                 ["flagdata", "in.ms", "mode=clip", "clipminmax=[0,1e-9]", "flagbackup=False"])
        for words in verbs:
            for limit, why in (("stalllimit=0.5", "its unit did nothing for as long as stalllimit says"),
                               ("timelimit=1", "its unit took longer than timelimit")):
                for prefix in [()] if words != verbs[0] else [(), mpirun(3)]:
                    with self.subTest(words=words, limit=limit, prefix=prefix):
                        result = self.crash([*words, limit], at="in.ms/table.dat", where="worker", by="pause", prefix=prefix)
                        self.assertEqual(result.returncode, 1, result.stderr)
                        self.assertRegex(self.last_line(result), rf"worker \d was ended: {why}")

    def test_under_mpi(self):
        for where, at in (("client", "DATA_DESCRIPTION/table.dat"), ("worker", "in.ms/table.dat")):
            with self.subTest(where=where):
                result = self.crash(["partition", "in.ms", "out.mms"], at=at, where=where,
                                    prefix=mpirun(2))
                self.assertNotEqual(result.returncode, 0)
                self.assertRegex(result.stderr, r"multims partition: .*in\.ms.*")

    def test_signals_reach_a_reader(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            with self.subTest(signal=number.name):
                run = self.start("verify", "in.ms", prefix=[
                    "env", "CRASH_AT=DATA_DESCRIPTION/table.dat", "CRASH_IN=client",
                    "CRASH_BY=pause", *(f"{k}={v}" for k, v in preload(robust.args.crash).items())])
                while len(robust.processes(run.mark)) < 2 and run.process.poll() is None:
                    pass
                run.sleep_until(1)
                run.send(number)
                result = run.wait()
                self.assertEqual(result.returncode, -number, result.stderr)
                self.assertEqual(run.strays(), {})

    def test_short_of_buffers(self):
        self.outputs = ("out.mms",)
        for where in ("client", "worker"):
            with self.subTest(where=where):
                self.assert_done(self.crash(["partition", "in.ms", "out.mms", "--no-flagbackup"], at="-",
                                            where=where, by="buffers", CRASH_TIMES="3"))
                shutil.rmtree(self.path("out.mms"))

    def test_no_buffers_for_long(self):
        """Nothing can be sent to a worker: the run ends, in words."""
        result = self.crash(["partition", "in.ms", "out.mms"], at="-", by="buffers",
                            CRASH_TIMES="1000000000")
        self.assertEqual(result.returncode, 1)
        self.assertIn("nothing can be sent to it: No buffer space available", self.last_line(result))


    def test_who_starts_it_ignores_children(self):
        ignore = "import os, signal, sys; signal.signal(signal.SIGCHLD, signal.SIG_IGN); " \
                 "os.execv(sys.argv[1], sys.argv[1:])"
        for words, status in ((["select", "in.ms"], 0), (["select", "none.ms"], 2),
                              (["partition", "in.ms", "out.mms"], 0)):
            result = self.run_to_end(*words, prefix=[sys.executable, "-c", ignore])
            self.assertEqual(result.returncode, status, result.stderr)

    def test_no_waiting(self):
        result = self.crash(["partition", "in.ms", "out.mms"], at="-", by="poll")
        self.assertEqual(result.returncode, 1)
        self.assertEqual(self.last_line(result), "multims partition: cannot wait for workers: Invalid argument")


class WhileItWrites(robust.Case):
    """The client, once there are workers: what was staged is removed by the one that watches it."""

    def test_client_dies(self):
        self.copy(INPUT)
        for number in (signal.SIGSEGV, signal.SIGKILL):
            with self.subTest(signal=number.name):
                run = self.start("partition", "in.ms", "out.mms", "separationaxis=scan", "-j", "2")
                workers = run.await_workers(2)
                clients = set(robust.processes(run.mark)) - set(workers) - {run.pid}
                self.assertEqual(len(clients), 1)
                os.kill(clients.pop(), number)
                result = run.wait()
                self.assert_ended(result, 1, "multims partition: the working process was killed by "
                                  f"signal {number.value}")
                self.assertEqual(run.strays(), {})
                if number == signal.SIGKILL and "multims resume" in result.stderr:
                    self.assert_done(self.run_to_end("clean", "out.mms.multims"))
                self.assert_folder("in.ms")


if __name__ == "__main__":
    robust.main("__main__")
