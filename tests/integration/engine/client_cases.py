# SPDX-License-Identifier: LGPL-2.1-or-later
"""client_cases.py --program PROBE --scratch FOLDER --ranks N [--only CASE …]: the cases of client_probe, local (0) or under
mpirun; CASES.md."""
import os
import unittest

import program_case
from machine import MPIEXEC, mpirun
from program_case import ProgramCase, parser


class Probe(ProgramCase):
    def probe(self, name, timeout):
        options = program_case.args
        return self.run_words(*mpirun(options.ranks), options.program, name, "1" if options.ranks > 2 else "0",
                              timeout=timeout)


class Client(Probe):
    def case(self, name):
        run = self.probe(name, 600 if program_case.args.only else 60)
        self.assertEqual(run.returncode, 0, f"{name}\n{run.stdout}\n{run.stderr[-3000:]}")


class Lost(Probe):
    @unittest.skipIf("mpich" in os.path.basename(MPIEXEC or ""), "MPICH's mpiexec waits for a stopped process")
    def test_a_rank_that_stays_stopped(self):
        """MPI is aborted then: mpirun ends, and not with 0."""
        if program_case.args.ranks < 3:
            self.skipTest("server 2 is no rank's")
        run = self.probe("lost_rank", 60)
        self.assertNotEqual(run.returncode, 0)
        self.assertNotIn("not so", run.stderr)
        self.assertIn("calling Aborting MPI environment", run.stderr)


def cases(options):
    names = ["keys", "additions", "targets", "getting", "leaves", "all_frozen", "log_texts", "refusals", "fifo", "programs", "floods", "large", "exits", "crashes", "spares", "fresh", "endless",
             "cancel", "tables", "many", "frozen", "busy_client", "convenience", "table", "next", "wrong_role", "threads", "memory_and_cores", "log_filters", "log_level",
             "log_modes", "groups", "events", "soak", "stalls", "partials", "finish", "finish_frozen", "frozen_log",
             "full_queue", "next_of_many", "bodies", "life", "little_memory"]
    if options.ranks > 2:
        names += ["frozen_rank"]
    if options.ranks in (0, 3, 4):
        names += ["larges", "spill"]
    if not options.ranks:
        names += ["second_client", "verbs"]  # ranks serve the probe's own kinds
    return options.only or names


if __name__ == "__main__":
    parser.add_argument("--ranks", type=int, default=0)
    parser.add_argument("--only", nargs="+", help="cases; none: all")
    for case_name in cases(parser.parse_known_args()[0]):
        setattr(Client, "test_" + case_name, lambda self, name=case_name: self.case(name))
    program_case.main()
