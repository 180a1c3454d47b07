# SPDX-License-Identifier: LGPL-2.1-or-later
"""client_cases.py PROBE RANKS SCRATCH [CASE ...]: the cases of client_probe, local (0) or under mpirun; CASES.md."""
import os
import subprocess
import sys
import tempfile
import unittest

from machine import MPIEXEC, mpirun, patient, run_cases

PROBE, RANKS = sys.argv[1], int(sys.argv[2])
ONLY = sys.argv[4:]  # cases; none: all
os.makedirs(sys.argv[3], exist_ok=True)


class Client(unittest.TestCase):
    def case(self, name):
        folder = self.enterContext(tempfile.TemporaryDirectory(dir=sys.argv[3]))
        words = [*(mpirun(RANKS) if RANKS else []), PROBE, name, "1" if RANKS > 2 else "0"]
        run = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, text=True, timeout=patient(600 if ONLY else 60),
                             cwd=folder)
        self.assertEqual(run.returncode, 0, f"{name}\n{run.stdout}\n{run.stderr[-3000:]}")


NAMES = ["keys", "additions", "targets", "getting", "leaves", "all_frozen", "log_texts", "refusals", "fifo", "programs", "floods", "large", "exits", "crashes", "spares", "fresh", "endless",
         "cancel", "tables", "many", "frozen", "busy_client", "convenience", "table", "next", "wrong_role", "threads", "memory_and_cores", "log_filters", "log_level",
         "log_modes", "groups", "events", "soak"]
if RANKS > 2:
    NAMES += ["frozen_rank"]
if not RANKS:
    NAMES += ["second_client", "verbs"]  # ranks serve the probe's own kinds


@unittest.skipIf(RANKS < 3, "server 2 is no rank's")
@unittest.skipIf("mpich" in os.path.basename(MPIEXEC or ""), "MPICH's mpiexec waits for a stopped process")
class Lost(unittest.TestCase):
    def test_a_rank_that_stays_stopped(self):
        """MPI is aborted then: mpirun ends, and not with 0."""
        words = [*mpirun(RANKS), PROBE, "lost_rank", "1"]
        run = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, text=True, timeout=patient(60))
        self.assertNotEqual(run.returncode, 0)
        self.assertNotIn("not so", run.stderr)
        self.assertIn("calling Aborting MPI environment", run.stderr)


for case_name in ONLY or NAMES:
    setattr(Client, "test_" + case_name, lambda self, name=case_name: self.case(name))

run_cases(argv=[sys.argv[0]])
