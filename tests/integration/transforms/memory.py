#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Time averages that do not fit in --memory: the same bits, in passes; unsorted rows, sorted on disk;
how much memory a worker really takes."""
import os
import re

import numpy as np
from casacore.tables import table

import program_case
from program_case import ProgramCase

LITTLE = "16M"


def rearrange(path, order):
    """Gives the rows, all of one shape, another order; order: row numbers from the main table."""
    with table(path, readonly=False, ack=False) as main:
        rows = order(main)
        for name in main.colnames():
            if main.iscelldefined(name, 0):
                main.putcol(name, main.getcol(name)[rows])


def at_random(main):
    return np.random.default_rng(5).permutation(main.nrows())


def scans_descend(main):
    """Scans from the last to the first, times within a scan as they were."""
    return np.argsort(-main.getcol("SCAN_NUMBER"), kind="stable")


def times_descend(main):
    return np.arange(main.nrows())[::-1]


def bits(path):
    """The bytes of all cells by data description, whose rows have one shape, and column."""
    found = {}
    with table(path, ack=False) as main:
        for ddid in np.unique(main.getcol("DATA_DESC_ID")):
            with main.query(f"DATA_DESC_ID == {ddid}") as rows:
                found.update({(ddid, name): rows.getcol(name).tobytes() for name in rows.colnames()
                              if rows.iscelldefined(name, 0)})
    return found


class MemoryCase(ProgramCase):
    def averaged(self, words, source, name, *more):
        """Averages, and answers how many passes each part took."""
        verb, *words = words.split()
        run = self.multims(verb, source, name, *words, *more, "-v", "--no-sync")
        return [int(n) for n in re.findall(r"time average: .* in (\d+) pass", run.stderr)]

    def same_bits(self, words, source="in.ms", passes=2):
        """Demands the bits of one pass from several."""
        with self.subTest(words=words):
            name = f"out{len(os.listdir(self.folder))}"
            plain = self.averaged(words, source, f"{name}.plain")
            little = self.averaged(words, source, f"{name}.little", "--memory", LITTLE)
            self.assertTrue(plain and set(plain) == {1}, plain)
            self.assertGreaterEqual(max(little), passes)
            self.multims("diff", f"{name}.plain", f"{name}.little", "--quiet")
            one, other = bits(self.path(f"{name}.plain")), bits(self.path(f"{name}.little"))
            self.assertEqual(one.keys(), other.keys())
            for column, cells in one.items():
                self.assertTrue(cells == other[column], column)


class SameBits(MemoryCase):
    def noisy(self, *words):
        return self.simulate("in.ms", "antennas=20", "spws=3", "channels=320", "scans=2",
                             "integrations=3", "noise=1", "flags=0.2", "corrected=False", *words)

    def test_bins_of_many_baselines(self):
        self.noisy("fields=2", "wtspectrum=True")
        for words in ("split datacolumn=data timebin=20s",
                      "split datacolumn=data timebin=200s combine=scan",
                      "split datacolumn=data timebin=30s width=4",
                      "split datacolumn=data timebin=1s spw=0:3~310,1,2 correlation=XX,YY",
                      "split datacolumn=data timebin=30s keepflags=False numerics=exact",
                      "mstransform datacolumn=data timeaverage=True timebin=200s "
                      "timespan=scan,state,field hanning=True usewtspectrum=True",
                      "mstransform datacolumn=data timeaverage=True timebin=30s "
                      "maxuvwdistance=0.5 chanaverage=True chanbin=8"):
            self.same_bits(words)

    def test_parts_of_a_multi_ms(self):
        self.noisy()
        self.multims("partition", "in.ms", "in.mms", "separationaxis=scan", "numsubms=2",
                     "--no-sync", "--quiet")
        self.same_bits("split datacolumn=data timebin=20s", "in.mms")
        self.same_bits("mstransform datacolumn=data timeaverage=True timebin=30s createmms=True "
                       "separationaxis=spw numsubms=2")

    def test_one_data_description_after_the_other(self):
        self.noisy("order=spw")
        self.same_bits("split datacolumn=data timebin=20s")

    def test_unsorted_rows(self):
        for order in (at_random, scans_descend, times_descend):
            with self.subTest(order=order.__name__):
                self.noisy("--quiet")
                rearrange(self.path("in.ms"), order)
                self.same_bits("split datacolumn=data timebin=20s")
                self.same_bits("mstransform datacolumn=data timeaverage=True timebin=200s "
                               "timespan=scan,field chanaverage=True chanbin=2")
                self.run_words("rm", "-r", "in.ms")


class ManyRows(MemoryCase):
    """Small rows: their order, not their data, is what does not fit; sorts spill to the disk."""

    def test_rows_sorted_on_disk(self):
        self.simulate("in.ms", "antennas=40", "spws=2", "channels=1", "correlations=1",
                      "integrations=10", "noise=1", "--quiet")
        rearrange(self.path("in.ms"), at_random)
        self.same_bits("split datacolumn=data timebin=1s", passes=3)
        self.same_bits("split datacolumn=corrected timebin=50s combine=scan", passes=1)


class Peak(MemoryCase):
    def test_sums_beyond_the_memory(self):
        """Open sums of 83 MB: they show with the default, and stay within less when told to."""
        self.simulate("in.ms", "antennas=40", "spws=2", "channels=1024", "scans=1",
                      "integrations=2", "corrected=False", "--quiet")
        idle = self.peak_kib("--version")
        words = ["datacolumn=data", "timebin=100s", "--no-sync", "-q", "-j1"]
        self.assertGreater(self.peak_kib("split", "in.ms", "usual.ms", *words) - idle, 80 << 10)
        for memory in (64, 32):
            took = self.peak_kib("split", "in.ms", f"{memory}.ms", *words, f"memory={memory}M") - idle
            self.assertLess(took, memory << 10)

    def test_many_small_rows(self):
        """Unsorted too: neither lists of rows nor bins grow with the input."""
        self.simulate("in.ms", "antennas=50", "spws=2", "channels=2", "correlations=2",
                      "integrations=40", "corrected=False", "--quiet")
        idle = self.peak_kib("--version")
        words = ["datacolumn=data", "timebin=20s", "--no-sync", "-q", "-j1", "memory=32M"]
        self.assertLess(self.peak_kib("split", "in.ms", "sorted.ms", *words) - idle, 32 << 10)
        rearrange(self.path("in.ms"), at_random)
        self.assertLess(self.peak_kib("split", "in.ms", "unsorted.ms", *words) - idle, 32 << 10)

    def test_a_row_that_does_not_fit(self):
        self.simulate("in.ms", "antennas=2", "spws=1", "channels=200000", "scans=1",
                      "integrations=2", "corrected=False", "--quiet")
        words = ["split", "in.ms", "out.ms", "datacolumn=data", "timebin=100s", "--no-sync"]
        run = self.multims(*words, "--memory", LITTLE, status=1)
        self.assertRegex(run.stderr, r"one averaged row of DATA_DESC_ID 0 takes 104\d{5} bytes, "
                                     r"parameter memory=16777216 leaves \d+ for")
        self.assertEqual(os.listdir(self.folder), ["in.ms"])
        self.multims(*words, "--quiet")


if __name__ == "__main__":
    program_case.main()
