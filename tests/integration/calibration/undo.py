# SPDX-License-Identifier: LGPL-2.1-or-later
"""applycal and setjy killed, or out of room: the old bytes come back, or the run has finished."""
import glob
import os
import random
import time

import numpy
from casacore.tables import table

import caltable
import program_case
from undo_case import UndoCase, digests

program_case.parser.add_argument("--kills", type=int, default=12)
TAIL = ["--no-sync", "--quiet", "-j2"]
WORK = {
    "applycal": (["applycal", "in.mms", "gaintable=x.G", "flagbackup=False", *TAIL], "CORRECTED_DATA"),
    "setjy": (["setjy", "in.mms", "standard=manual", "fluxdensity=[2,0,0,0]", *TAIL], "MODEL_DATA"),
}


def columns(path):
    with table(path, ack=False) as t:
        return {c: t.getcol(c) for c in ("CORRECTED_DATA", "MODEL_DATA", "FLAG", "WEIGHT") if c in t.colnames()}


def inodes(path):
    return {f: os.stat(f).st_ino for f in glob.glob(path + "/table.f*")}


class Undo(UndoCase):
    def setUp(self):
        super().setUp()
        self.simulate("in.ms", "correlations=RR,RL,LR,LL", "corrected=False", "antennas=8", "channels=32",
                      "integrations=12", "scans=4")
        gains = numpy.full((8, 2, 1, 2), 2j)
        flags = numpy.zeros(gains.shape, bool)
        flags[3] = True
        caltable.make(self.path("x.G"), "G Jones", self.path("in.ms"), gains, flags=flags)
        self.multims("partition", "in.ms", "keep", "numsubms=4", "flagbackup=False", "--no-sync", "-q")
        self.old = digests(self.path("keep"))

    def test_kills(self):
        chance, restored, finished = random.Random(5), 0, 0
        for words, column in WORK.values():
            self.renew()
            began = time.monotonic()
            self.multims(*words)
            length = time.monotonic() - began
            done = columns(self.path("in.mms"))
            self.assertIn(column, done)
            for _ in range(program_case.args.kills // 2):
                self.kill(words, chance.uniform(0, length))
                if digests(self.path("in.mms")) == self.old:
                    restored += 1
                    continue
                found = columns(self.path("in.mms"))
                self.assertEqual(found.keys(), done.keys())
                for name in done:
                    numpy.testing.assert_array_equal(found[name], done[name])
                finished += 1
        self.assertEqual(restored + finished, program_case.args.kills)

    def test_who_has_the_set_open_sees_the_new_column(self):
        """Old files become the undo and others take their place, but not while somebody has them open."""
        work = ["setjy", "in.ms", "standard=manual", "--no-sync", "--quiet"]
        self.multims(*work, "fluxdensity=[2,0,0,0]")
        before = inodes(self.path("in.ms"))
        with table(self.path("in.ms"), ack=False, lockoptions="auto") as reader:
            self.assertEqual(reader.getcol("MODEL_DATA").max(), 2)
            reader.unlock()
            self.multims(*work, "fluxdensity=[3,0,0,0]")
            self.assertEqual(reader.getcol("MODEL_DATA").max(), 3)
        self.assertEqual(inodes(self.path("in.ms")), before)
        self.multims(*work, "fluxdensity=[4,0,0,0]")
        self.assertEqual(columns(self.path("in.ms"))["MODEL_DATA"].max(), 4)
        self.assertNotEqual(inodes(self.path("in.ms")), before)

    def test_a_full_disk_leaves_the_old_bytes(self):
        """Files may not grow beyond some KiB: the undo, or the new column, can't be written."""
        for words, _ in WORK.values():
            for limit in 1, 16, 128:
                self.renew()
                run = self.run_without_room(limit, words)
                self.assertIn(run.returncode, (1, 2), run.stderr)
                self.multims("clean", "in.mms", "--restore")
                self.assertEqual(digests(self.path("in.mms")), self.old, f"limit {limit}: {run.stderr}")
        self.assertEqual(self.leftovers(), [])


program_case.main()
