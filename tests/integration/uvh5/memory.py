# SPDX-License-Identifier: LGPL-2.1-or-later
"""T75: the peak memory of exports and imports does not grow with the rows, and memory is obeyed."""
import os
import shutil

import numpy
from casacore.tables import table

import program_case
from uvh5_case import UvhCase, h5py

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
        nant, per_time = 40, 780
        nfreq = windows * channels
        one, two = numpy.triu_indices(nant, 1)
        times = numpy.arange(nblt) // per_time
        place = numpy.random.default_rng(1).uniform(-300, 300, (nant, 3))
        how = {"chunks": (chunks, nfreq, pols), "compression": "gzip",
               "compression_opts": 1} if chunks else {}
        with h5py.File(self.path("in.uvh5"), "w") as f:
            header = f.create_group("Header")
            at = numpy.arange(nblt) % per_time
            for name, value in {
                    "version": b"1.2", "telescope_name": b"X", "instrument": b"X", "history": b"",
                    "vis_units": b"Jy", "latitude": -30.7, "longitude": 21.4, "altitude": 1050.0,
                    "Nblts": nblt, "Nfreqs": nfreq, "Npols": pols, "Nspws": windows, "Nphase": 1,
                    "Nants_telescope": nant, "Nants_data": nant, "Nbls": per_time,
                    "Ntimes": times[-1] + 1, "time_array": 2459000.25 + times / 8640,
                    "integration_time": numpy.full(nblt, 10.0), "ant_1_array": one[at],
                    "ant_2_array": two[at], "uvw_array": (place[two] - place[one])[at],
                    "freq_array": 1e8 + 1e6 * numpy.arange(nfreq),
                    "channel_width": numpy.full(nfreq, 1e6), "spw_array": numpy.arange(windows),
                    "flex_spw_id_array": numpy.arange(nfreq) // channels, "antenna_numbers": range(nant),
                    "polarization_array": [-5, -6][:pols], "antenna_positions": place,
                    "antenna_names": [b"A%02d" % i for i in range(nant)],
                    "phase_center_id_array": numpy.zeros(nblt, "i8"),
                    "phase_center_catalog/0/cat_name": b"f",
                    "phase_center_catalog/0/cat_type": b"sidereal",
                    "phase_center_catalog/0/cat_frame": b"icrs",
                    "phase_center_catalog/0/cat_epoch": 2000.0,
                    "phase_center_catalog/0/cat_lon": 1.0,
                    "phase_center_catalog/0/cat_lat": -0.5}.items():
                header[name] = value
            cube = (nblt, nfreq, pols)
            vis = numpy.ones(cube, numpy.dtype([("r", "f4"), ("i", "f4")]))
            f.create_dataset("Data/visdata", data=vis, **how)
            f.create_dataset("Data/flags", data=numpy.zeros(cube, "?"), **how)
            f.create_dataset("Data/nsamples", data=numpy.ones(cube, "f4"), **how)

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
