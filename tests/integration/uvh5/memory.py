# SPDX-License-Identifier: LGPL-2.1-or-later
"""T75: the peak memory of exports and imports does not grow with the rows, and memory is obeyed."""
import os
import shutil

from casacore.tables import table

import program_case
from uvh5_case import UvhCase, write_uvh5

program_case.parser.add_argument("--large", action="store_true")
LIMIT = 64 << 10  # KiB above a run that does nothing


class MemoryCase(UvhCase):
    def check(self, *words):
        peak = self.peak_kib(*words, "--no-sync", "--quiet", "-j", "2")
        self.assertLess(peak - self.peak_kib("--version"), LIMIT, words)


class Exports(MemoryCase):
    def make(self, *words):
        self.simulate("in.ms", "antennas=40", "channels=1", "correlations=1", "corrected=False",
                      *words)

    def test_rows_in_time_order(self):
        self.make("spws=1", "integrations=500")  # 780,000 rows, of 250 bytes each in memory once
        self.check("exportuvh5", "in.ms", "out.uvh5", "datacolumn=data")

    def test_rows_by_window(self):
        self.make("integrations=200")
        self.multims("partition", "in.ms", "in.mms", "separationaxis=spw", "datacolumn=data",
                     "--no-sync", "--quiet")
        self.check("exportuvh5", "in.mms", "out.uvh5", "datacolumn=data")

    def test_averages(self):
        """Beside what memory= is for."""
        self.simulate("in.ms", "antennas=40", "channels=2", "correlations=1", "corrected=False",
                      "spws=1", "integrations=300")
        for words in (("chanaverage=True", "chanbin=2"), ("timeaverage=True", "timebin=30s")):
            peak = self.peak_kib("exportuvh5", "in.ms", "out.uvh5", "datacolumn=data", "memory=64MiB",
                                 *words, "--no-sync", "--quiet", "-j", "2", "overwrite=True")
            self.assertLess(peak - self.peak_kib("--version"), LIMIT + (64 << 10), words)


class Large(MemoryCase):
    def test_four_gigabytes(self):
        if not program_case.args.large:
            self.skipTest("a file of 4 GB: only with --large")
        if shutil.disk_usage(self.folder).free < 16 << 30:
            self.skipTest("not 16 GiB of room")
        self.multims("simulate", "in.ms", "antennas=28", "scans=4", "spws=1", "channels=64", "integrations=860",
                     "corrected=False", "--no-sync", "--quiet", timeout=600)
        self.check("exportuvh5", "in.ms", "out.uvh5", "datacolumn=data")
        self.assertGreater(os.path.getsize(self.path("out.uvh5")), 4 << 30)
        shutil.rmtree(self.path("in.ms"))
        self.check("importuvh5", "out.uvh5", "back.ms")
        os.remove(self.path("out.uvh5"))
        self.check("exportuvh5", "back.ms", "half.uvh5", "datacolumn=data", "chanaverage=True",
                   "chanbin=2", "memory=32MiB")
        self.assertGreater(os.path.getsize(self.path("half.uvh5")), 2 << 30)


class Imports(MemoryCase):
    """A file of many rows and few channels, written as numpy has it."""

    def write(self, nblt, windows, pols=1, chunks=None, channels=1):
        how = {"chunks": (chunks, windows * channels, pols), "compression": "gzip",
               "compression_opts": 1} if chunks else {}
        write_uvh5(self.path("in.uvh5"), nblt, windows, pols, channels, **how)

    def rows(self):
        with table(self.path("out.ms"), ack=False) as t:
            return t.nrows()

    def test_thin_rows(self):
        self.write(1_000_000, 1)  # 150 bytes of each in memory once
        self.check("importuvh5", "in.uvh5", "out.ms")
        self.assertEqual(self.rows(), 1_000_000)

    def test_windows_that_are_sorted(self):
        self.write(150_000, 4)
        self.check("importuvh5", "in.uvh5", "out.ms", "createmms=True", "separationaxis=spw")
        self.assertEqual(self.rows(), 600_000)

    def test_many_windows(self):
        self.write(20_000, 64)
        self.check("importuvh5", "in.uvh5", "out.ms")
        self.assertEqual(self.rows(), 1_280_000)

    def test_memory_is_obeyed(self):
        self.write(8_000, 1, 2, 500, 512)
        free = self.peak_kib("importuvh5", "in.uvh5", "wide.ms", "--no-sync", "-j", "12", "--quiet")
        told = self.peak_kib("importuvh5", "in.uvh5", "out.ms", "--no-sync", "-j", "12", "--quiet",
                             "memory=16M")
        self.assertLess(told - self.peak_kib("--version"), LIMIT)
        self.assertGreater(free - told, 8 << 10)


program_case.main(hdf5=True)
