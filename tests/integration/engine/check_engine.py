#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs engine_probe alone and under mpirun, and checks what it prints and how it ends.

usage: check_engine.py PROBE RANKS     (RANKS 0: without a launcher)
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

from machine import end_with_skips, mpirun, patient, wait_until

PROBE, RANKS = sys.argv[1], int(sys.argv[2])
WORKERS = {0: 3, 1: 1}.get(RANKS, RANKS if RANKS < 5 else RANKS - 1)
EXPECTED_FAILURE = 5
LIMIT_S = patient(60)


def command(*words):
    count = [] if RANKS else ["3"]
    return mpirun(RANKS) + [PROBE, *words] + (count if len(words) == 2 else [])


def leftovers():
    """Processes of the probe in this run's environment that still run."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/environ", "rb") as f:
                ours = f"ENGINE_CHECK={os.getpid()}".encode() in f.read().split(b"\0")
        except OSError:
            continue
        if ours:
            found.append(int(pid))
    return found


def expect_no_leftovers():
    if wait_until(lambda: not leftovers(), 5):
        return
    raise SystemExit(f"processes are left: {leftovers()}")


def start(*words, **variables):
    out, err = tempfile.TemporaryFile("w+"), tempfile.TemporaryFile("w+")
    env = dict(os.environ, ENGINE_CHECK=str(os.getpid()), **variables)
    return subprocess.Popen(command(*words), stdout=out, stderr=err, env=env), out, err


def text_of(file):
    file.seek(0)
    return file.read()


def check(name, got, want):
    if not re.fullmatch(want, got, re.S):
        raise SystemExit(f"{name}: got {got!r}, expected {want!r}")


def run(words, status, stdout, stderr=".*", **variables):
    process, out, err = start(*words, **variables)
    try:
        got = process.wait(LIMIT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        raise SystemExit(f"{words}: hangs\n{text_of(out)}{text_of(err)}")
    name = f"{' '.join(words)} with {RANKS} ranks"
    check(f"{name}: stdout", text_of(out), stdout)
    check(f"{name}: stderr", text_of(err), stderr)
    if got != status:
        raise SystemExit(f"{name}: exit status {got}, expected {status}")
    expect_no_leftovers()


def answers():
    ok = rf"{{}} workers={WORKERS} wrong=0 status=OK \n"
    for mode, units in (("echo", 100), ("echo", 1), ("echo", 0), ("large", 6), ("empty", 20)):
        run((mode, str(units)), 0, ok.format(mode))
    run(("nothing",), 0, "", "")


def failures():
    run(("fail", "4"), EXPECTED_FAILURE,
        rf"fail workers={WORKERS} wrong=0 status=SPACE unit 0: worker [1-5]: DATA: disk full\n")
    run(("crash", "6"), EXPECTED_FAILURE,
        rf"crash workers={WORKERS} wrong=0 status=WORKER "
        r"unit 2: worker \d was killed by signal 9 \(Killed\)\n")


def worker_option_under_mpi():
    if RANKS:
        run(("echo", "0", "7"), 0, rf"echo workers={WORKERS} .*",
            rf"INFO engine: -j 7 is ignored under MPI: the ranks make {WORKERS} workers\n")


def refusals():
    if RANKS:
        return
    run(("echo", "3"), 2, "", r"multims: started several times by srun without PMIx; .*\n",
        SLURM_STEP_NUM_TASKS="2")
    run(("echo", "3"), 2, "", r"multims: MULTIMS_WORKER_FD=99 is no socket of a worker\n",
        MULTIMS_WORKER_FD="99")
    run(("echo", "3"), 0, "echo workers=3 .*", PMIX_RANK="0", MULTIMS_TRANSPORT="local")
    with tempfile.TemporaryDirectory() as elsewhere:  # a library without its module
        for path in without_module(elsewhere):
            run(("echo", "3"), 2, "", r"multims: a launcher was found, but MPI can't be used: .*\n",
                PMIX_RANK="0", OMPI_COMM_WORLD_SIZE="2", **path)
            run(("echo", "3"), 0, "echo workers=3 .*", r".*going on with local workers\n.*",
                PMIX_RANK="0", OMPI_COMM_WORLD_SIZE="1", **path)


def without_module(folder):
    """Variables with which the probe does not find its MPI module, which is not in that folder."""
    found = re.search(r"libmultims\.so\S* => (.*) \(0x", subprocess.check_output(
        ["ldd", PROBE], text=True))
    if found:  # none in a static build
        shutil.copy(found.group(1), folder)
        yield {"LD_LIBRARY_PATH": folder}
    yield {"MULTIMS_LIBEXEC": folder}



def stop_signal():
    # Open MPI's mpirun kills its ranks after this time, 1 s if not told, and ends after twice of it
    process, out, _ = start("wait", "4", OMPI_MCA_odls_base_sigkill_timeout="10")
    wait_until(lambda: len(leftovers()) >= WORKERS + max(RANKS, 1), 10)  # each has its unit
    time.sleep(0.5)
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(patient(30))
    except subprocess.TimeoutExpired:
        process.kill()
        raise SystemExit("does not stop")
    check("stdout", text_of(out), r".* status=STOPPED stopped by signal 15 \(Terminated\)\n")
    expect_no_leftovers()


def idle_ranks_sleep():
    if RANKS < 2:
        return
    process, _, err = start("idle")
    if process.wait(LIMIT_S):
        raise SystemExit("idle: failed")
    used = [float(s) for s in re.findall(r"rank used ([\d.]+) s", text_of(err))]
    if len(used) != RANKS - 1 or max(used) > 1.5:  # of 3 s; MPI's own start is in it
        raise SystemExit(f"idle: ranks used {used} s")


try:
    mpirun(RANKS)
except unittest.SkipTest as why:
    end_with_skips([("all", why)], False, False)
answers()
failures()
worker_option_under_mpi()
refusals()
stop_signal()
idle_ranks_sleep()
