#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs engine_probe alone and under mpirun, and checks what it prints and how it ends.

usage: check_engine.py --program PROBE --scratch FOLDER --ranks N     (0: without a launcher)
"""
import os
import re
import shutil
import signal
import subprocess
import tempfile

import program_case
from machine import mpirun, patient, wait_until
from program_case import ProgramCase

EXPECTED_FAILURE = 5
LIMIT_S = patient(60)


def text_of(file):
    file.seek(0)
    return file.read()


def without_module(folder):
    """Variables with which the probe does not find its MPI module, which is not in that folder."""
    found = re.search(r"libmultims\.so[^ ]* => (.*) \(0x", subprocess.check_output(
        ["ldd", program_case.args.program], text=True))
    if found:  # none in a static build
        shutil.copy(found.group(1), folder)
        yield {"LD_LIBRARY_PATH": folder}
    yield {"MULTIMS_LIBEXEC": folder}


class Engine(ProgramCase):
    def setUp(self):
        super().setUp()
        self.ranks = program_case.args.ranks
        self.launcher = mpirun(self.ranks)
        self.workers = {0: 3, 1: 1}.get(self.ranks, self.ranks if self.ranks < 5 else self.ranks - 1)

    def leftovers(self):
        """Processes of the probe in this test's environment that still run."""
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/environ", "rb") as f:
                    ours = f"ENGINE_CHECK={self.folder}".encode() in f.read().split(b"\0")
            except OSError:
                continue
            if ours:
                found.append(int(pid))
        return found

    def expect_no_leftovers(self):
        if not wait_until(lambda: not self.leftovers(), 5):
            self.fail(f"processes are left: {self.leftovers()}")

    def start(self, *words, **variables):
        out, err = (self.enterContext(tempfile.TemporaryFile("w+")) for _ in range(2))
        count = ["3"] if not self.ranks and len(words) == 2 else []
        process = subprocess.Popen([*self.launcher, program_case.args.program, *words, *count], stdout=out, stderr=err,
                                   env={**os.environ, "ENGINE_CHECK": self.folder, **variables})
        return process, out, err

    def end_of(self, process, limit_s, *files):
        try:
            return process.wait(limit_s)
        except subprocess.TimeoutExpired:
            process.kill()
            self.fail("hangs\n" + "".join(map(text_of, files)))

    def check(self, got, want):
        self.assertTrue(re.fullmatch(want, got, re.S), f"got {got!r}, expected {want!r}")

    def run_probe(self, words, status, stdout, stderr=".*", **variables):
        with self.subTest(words=" ".join(words), **variables):
            process, out, err = self.start(*words, **variables)
            got = self.end_of(process, LIMIT_S, out, err)
            self.check(text_of(out), stdout)
            self.check(text_of(err), stderr)
            self.assertEqual(got, status)
            self.expect_no_leftovers()

    def test_answers(self):
        ok = rf"{{}} workers={self.workers} wrong=0 status=OK \n"
        for mode, units in (("echo", 100), ("echo", 1), ("echo", 0), ("large", 6), ("empty", 20)):
            self.run_probe((mode, str(units)), 0, ok.format(mode))
        self.run_probe(("nothing",), 0, "", "")

    def test_failures(self):
        self.run_probe(("fail", "4"), EXPECTED_FAILURE,
                       rf"fail workers={self.workers} wrong=0 status=SPACE unit 0: worker [1-5]: DATA: disk full\n")
        self.run_probe(("crash", "6"), EXPECTED_FAILURE,
                       rf"crash workers={self.workers} wrong=0 status=WORKER "
                       r"unit 2: worker \d was killed by signal 9 \(Killed\)\n")

    def test_worker_option_under_mpi(self):
        if self.ranks:
            self.run_probe(("echo", "0", "7"), 0, rf"echo workers={self.workers} .*",
                           rf"INFO engine: -j 7 is ignored under MPI: the ranks make {self.workers} workers\n")

    def test_refusals(self):
        if self.ranks:
            return
        self.run_probe(("echo", "3"), 2, "", r"multims: started several times by srun without PMIx; .*\n",
                       SLURM_STEP_NUM_TASKS="2")
        self.run_probe(("echo", "3"), 2, "", r"multims: MULTIMS_WORKER_FD=99 is no socket of a worker\n",
                       MULTIMS_WORKER_FD="99")
        self.run_probe(("echo", "3"), 0, "echo workers=3 .*", PMIX_RANK="0", MULTIMS_TRANSPORT="local")
        for path in without_module(self.folder):  # a library without its module
            self.run_probe(("echo", "3"), 2, "", r"multims: a launcher was found, but MPI can't be used: .*\n",
                           PMIX_RANK="0", OMPI_COMM_WORLD_SIZE="2", **path)
            self.run_probe(("echo", "3"), 0, "echo workers=3 .*", r".*going on with local workers\n.*",
                           PMIX_RANK="0", OMPI_COMM_WORLD_SIZE="1", **path)

    def test_stop_signal(self):
        # Open MPI's mpirun kills its ranks after this time, 1 s if not told, and ends after twice of it
        process, out, err = self.start("wait", "4", OMPI_MCA_odls_base_sigkill_timeout="10")
        begun = [f"begun{i}" for i in range(min(4, self.workers))]
        self.assertTrue(wait_until(lambda: set(begun) <= set(os.listdir(self.folder)), 20))
        process.send_signal(signal.SIGTERM)
        self.end_of(process, patient(30), out, err)
        self.check(text_of(out), r".* status=STOPPED stopped by signal 15 \(Terminated\)\n")
        self.expect_no_leftovers()

    def test_idle_ranks_sleep(self):
        if self.ranks < 2:
            return
        process, out, err = self.start("idle")
        self.assertEqual(self.end_of(process, LIMIT_S, out, err), 0)
        used = [float(s) for s in re.findall(r"rank used ([\d.]+) s", text_of(err))]
        self.assertEqual(len(used), self.ranks - 1)
        self.assertLess(max(used), 1.5)  # of 3 s; MPI's own start is in it


if __name__ == "__main__":
    program_case.parser.add_argument("--ranks", type=int, default=0)
    program_case.main()
