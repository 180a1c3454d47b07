# SPDX-License-Identifier: LGPL-2.1-or-later
"""flagdata and statwt killed, or out of room: the old bytes come back, or the run has finished."""
import os
import random
import time

import numpy
from casacore.tables import table

import program_case
from undo_case import UndoCase, digests

program_case.parser.add_argument("--kills", type=int, default=20)
WORK = ["flagdata", "in.mms", "mode=clip", "clipminmax=[0.9,1.1]", "flagbackup=False", "--no-sync",
        "--quiet", "-j", "2"]

SMALL = ["flagdata", "in.ms", "scan=2", "flagbackup=False", "--no-sync", "--quiet"]

# statwt adds a column to each part and changes two more.
WEIGH = ["statwt", "in.mms", "timebin=3", "chanbin=4", "datacolumn=data", "flagbackup=False",
         "--no-sync", "--quiet", "-j", "2"]
COLUMNS = ["FLAG", "FLAG_ROW", "WEIGHT", "SIGMA", "WEIGHT_SPECTRUM", "SIGMA_SPECTRUM"]


def columns(path):
    with table(path, ack=False) as t:
        return {name: t.getcol(name) for name in COLUMNS if name in t.colnames()}


def flags(path):
    with table(path, ack=False) as t:
        return t.getcol("FLAG"), t.getcol("FLAG_ROW")


class Undo(UndoCase):
    def setUp(self):
        super().setUp()
        self.simulate("in.ms", "antennas=8", "channels=32", "integrations=12", "scans=4")
        random_data = numpy.random.default_rng(3)
        with table(self.path("in.ms"), readonly=False, ack=False) as t:
            data = t.getcol("DATA")
            t.putcol("DATA", data + random_data.normal(0, 0.5, data.shape))
        self.multims("partition", "in.ms", "keep", "numsubms=4", "flagbackup=False", "--no-sync",
                     "--quiet")
        self.renew()

    def test_kills(self):
        old_bytes, old = digests(self.path("keep")), columns(self.path("keep"))
        chance, restored, finished = random.Random(5), 0, 0
        for words in WORK, WEIGH:
            began = time.monotonic()
            self.multims(*words)
            length = time.monotonic() - began
            done = columns(self.path("in.mms"))
            self.assertTrue(any((done[name] != old[name]).any() for name in old))
            for _ in range(program_case.args.kills // 2):
                self.kill(words, chance.uniform(0, length))
                if digests(self.path("in.mms")) == old_bytes:
                    restored += 1
                    continue
                found = columns(self.path("in.mms"))
                self.assertEqual(found.keys(), done.keys())
                for name, cells in done.items():
                    numpy.testing.assert_array_equal(found[name], cells)
                finished += 1
            self.renew()
        self.assertEqual(restored + finished, program_case.args.kills)

    def kill_while_it_writes(self, words=WORK):
        """Kill a run once its undo is complete; True if it was in time."""
        run = self.start(words)
        journal = self.path(f".{words[1]}.mms-undo/undo.json")
        while run.poll() is None and not os.path.exists(journal):
            time.sleep(0.0005)
        self.end(run)
        return os.path.exists(journal)

    def test_a_set_that_is_dirty_says_so_and_the_next_run_mends_it(self):
        old = flags(self.path("in.mms"))
        for _ in range(20):
            if self.kill_while_it_writes():
                break
            self.multims("flagdata", "in.mms", "mode=unflag", "flagbackup=False", "--no-sync")
        else:
            self.skipTest("skipped: no run could be killed in time")
        self.clean_when_gone("in.mms")
        self.assertTrue(self.answer("clean", "in.mms")["dirty"])
        run = self.multims("flagdata", "in.mms", "mode=summary")
        self.assertIn("stopped in the middle", run.stderr)
        for a, b in zip(flags(self.path("in.mms")), old):
            numpy.testing.assert_array_equal(a, b)
        self.assertEqual(self.leftovers(), [])

    def test_a_small_run_that_is_killed(self):
        """One that the program does without a worker."""
        old, times = digests(self.path("in.ms")), 0
        for _ in range(20):
            if self.kill_while_it_writes(SMALL):
                self.clean_when_gone("in.ms")
                self.multims("clean", "in.ms", "--restore")
                self.assertEqual(digests(self.path("in.ms")), old)
                times += 1
            else:
                self.multims("flagdata", "in.ms", "mode=unflag", *SMALL[3:])
                old = digests(self.path("in.ms"))
        self.assertGreater(times, 0)
        self.assertEqual(self.leftovers(), [])

    def test_a_small_run_leaves_no_file(self):
        """Whenever it is killed."""
        files, chance = set(digests(self.path("in.ms"))), random.Random(9)
        began = time.monotonic()
        self.multims(*SMALL)
        length = time.monotonic() - began
        for turn in range(program_case.args.kills):
            run = self.start([*SMALL, f"mode={('unflag', 'manual')[turn % 2]}"])
            time.sleep(chance.uniform(0, length))
            self.end(run)
            self.restore("in.ms")
            self.assertEqual(set(digests(self.path("in.ms"))), files)

    def test_a_full_disk_leaves_the_old_bytes(self):
        """Files may not grow beyond 16 KiB: the undo, or the flags, can't be written."""
        for words in WORK, SMALL:
            old = digests(self.path(words[1]))
            for limit in 1, 16, 64:
                run = self.run_without_room(limit, words)
                if run.returncode == 0:
                    break
                self.assertIn(run.returncode, (1, 2), run.stderr)
                self.multims("clean", words[1], "--restore")
                self.assertEqual(digests(self.path(words[1])), old, f"limit {limit}: {run.stderr}")
            self.assertEqual(self.leftovers(), [])


program_case.main()
