# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a test has to know of the machine and the build: the launcher, how long to wait, how to skip.

ctest sets MULTIMS_MPIEXEC (empty: built without MPI), MULTIMS_MPI_NAME and MULTIMS_PATIENCE, by which
limits are multiplied.  A test that runs nothing says "skipped: why" and ends with SKIPPED; one that runs
a part says "skipped in part: what: why".  tests/skips.py collects these lines.
"""
import os
import signal
import sys
import time
import unittest

SKIPPED = 77
MPIEXEC = os.environ.get("MULTIMS_MPIEXEC", "mpirun")
MPI_NAME = os.environ.get("MULTIMS_MPI_NAME", "")
PATIENCE = float(os.environ.get("MULTIMS_PATIENCE", "1"))
NO_MPI = "built without MPI"


def patient(seconds):
    """How long a wait may take that takes less than these seconds on an idle machine."""
    return seconds * PATIENCE


def wait_until(holds, seconds):
    """Wait until holds() is true, at most patient(seconds); returns what it last gave."""
    limit = time.monotonic() + patient(seconds)
    while not (value := holds()) and time.monotonic() < limit:
        time.sleep(0.05)
    return value


def alive(pid):
    """Whether a process is there, and no zombie."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def family(pid):
    """A process and all that it started, as far as they live."""
    found, look = [], [pid]
    while look:
        one = look.pop()
        found.append(one)
        try:
            with open(f"/proc/{one}/task/{one}/children") as f:
                look += [int(word) for word in f.read().split()]
        except OSError:
            pass
    return found


def kill_all(pids):
    """Kill processes and wait until they are gone: what they hold is free only then."""
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    wait_until(lambda: not any(alive(pid) for pid in pids), 30)


def mpirun(ranks):
    """The words in front of a command that start it in so many ranks; 0: none."""
    if ranks and not MPIEXEC:
        raise unittest.SkipTest(NO_MPI)
    return [MPIEXEC, "-n", str(ranks)] if ranks else []


def preload(library):
    """The variables that preload it; a path in LD_PRELOAD itself must have no blanks."""
    folder, name = os.path.split(library)
    return {"LD_LIBRARY_PATH": folder, "LD_PRELOAD": name}


def end_with_skips(skips, ran, failed):
    """Say what was skipped, (name, why) each, and end: SKIPPED where nothing ran, 1 after a failure."""
    for name, why in skips:
        print(f"skipped in part: {name}: {why}" if ran else f"skipped: {why}", flush=True)
    sys.exit(1 if failed or not (ran or skips) else 0 if ran else SKIPPED)


def run_cases(module="__main__", argv=None):
    """Run the test cases of a module and end with what came of them."""
    result = unittest.main(module=module, argv=argv, exit=False).result
    skips = [(test.id().rpartition(".")[2], why) for test, why in result.skipped]
    ran = result.testsRun > len({name for name, _ in skips})
    end_with_skips(skips, ran, not result.wasSuccessful())
