# SPDX-License-Identifier: LGPL-2.1-or-later
"""split: a selection and its channel averages, from an MS and from a Multi-MS."""
import os
import unittest

import numpy
from casacore.tables import makearrcoldesc, maketabdesc, table

import program_case
from machine import mpirun
from program_case import ProgramCase


class Smoke(ProgramCase):
    def test_channels_of_one_window(self):
        self.simulate()
        self.multims("split", "in.ms", "out.ms", "datacolumn=data", "spw=1:2~5")
        written, source = (table(self.path(n), ack=False) for n in ("out.ms", "in.ms"))
        picked = source.query("DATA_DESC_ID == 1")
        numpy.testing.assert_array_equal(written.getcol("DATA"), picked.getcol("DATA")[:, 2:6])
        sigma = picked.getcol("SIGMA")
        numpy.testing.assert_allclose(written.getcol("WEIGHT"), 1 / sigma**2, rtol=1e-6)

    def test_channels_that_are_named_twice_are_there_twice(self):
        self.simulate()
        self.multims("split", "in.ms", "out.ms", "datacolumn=data", "spw=0:0~5;3~7")
        written, source = (table(self.path(n), ack=False) for n in ("out.ms", "in.ms"))
        data = source.query("DATA_DESC_ID == 0").getcol("DATA")
        channels = [0, 1, 2, 3, 4, 5, 3, 4, 5, 6, 7]
        numpy.testing.assert_array_equal(written.getcol("DATA"), data[:, channels])

    def test_wide_rows_after_narrow_ones_come_in_small_blocks(self):
        self.simulate("wide.ms", "channels=1,4096", "order=spw", "integrations=8")
        self.multims("split", "wide.ms", "out.ms", "datacolumn=data", "spw=0,1")
        written, source = (table(self.path(n), ack=False) for n in ("out.ms", "wide.ms"))
        for ddid in 0, 1:
            there, wanted = (t.query(f"DATA_DESC_ID == {ddid}").getcol("DATA")
                             for t in (written, source))
            numpy.testing.assert_array_equal(there, wanted)

    def test_pairs_of_channels_average_to_their_mean(self):
        self.simulate()
        self.multims("split", "in.ms", "out.ms", "datacolumn=data", "width=2", "spw=0")
        written, source = (table(self.path(n), ack=False) for n in ("out.ms", "in.ms"))
        picked = source.query("DATA_DESC_ID == 0")
        data, flag = picked.getcol("DATA"), picked.getcol("FLAG")
        whole = ~(flag[:, 0::2] | flag[:, 1::2])
        mean = (data[:, 0::2] + data[:, 1::2]) / 2
        numpy.testing.assert_allclose(written.getcol("DATA")[whole], mean[whole], rtol=1e-6)
        windows = table(self.path("out.ms/SPECTRAL_WINDOW"), ack=False)
        self.assertEqual(windows.getcell("NUM_CHAN", 0), data.shape[1] // 2)

    def test_cut_cells_of_a_column_that_is_not_averaged_are_left_out(self):
        self.simulate("in.ms", "layout=tiledcolumn", "spws=1")
        source = table(self.path("in.ms"), ack=False, readonly=False)
        column = makearrcoldesc("IMAGING_WEIGHT", 0.0, shape=[8], options=5, valuetype="float")
        source.addcols(maketabdesc([column]), {"TYPE": "TiledColumnStMan", "NAME": "Weights"})
        source.putcol("IMAGING_WEIGHT", numpy.ones((source.nrows(), 8), numpy.float32))
        source.close()
        for words, shape in ((["spw=0:2~5"], None), ([], (8,))):
            with self.subTest(words=words):
                self.multims("split", "in.ms", f"{len(words)}.ms", "datacolumn=data", "timebin=20s",
                             *words)
                written = table(self.path(f"{len(words)}.ms"), ack=False)
                for row in range(written.nrows()):
                    defined = written.iscelldefined("IMAGING_WEIGHT", row)
                    self.assertEqual(defined, shape is not None)
                    if defined:
                        cell = written.getcell("IMAGING_WEIGHT", row)
                        numpy.testing.assert_array_equal(cell, numpy.ones(shape))

    def test_a_multi_ms_keeps_its_parts(self):
        self.simulate()
        self.multims("partition", "in.ms", "in.mms", "separationaxis=scan", "flagbackup=False")
        self.multims("split", "in.mms", "out.mms", "datacolumn=data", "width=2")
        self.multims("split", "in.ms", "out.ms", "datacolumn=data", "width=2")
        self.multims("diff", "out.ms", "out.mms", "--ignore-order")

    def test_a_rank_uses_the_cores_that_it_may(self):
        cores = len(os.sched_getaffinity(0))
        words = mpirun(2)
        no_leaks = os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"  # Open MPI's own
        if cores < 2:
            raise unittest.SkipTest("one core")
        self.simulate()
        for bind, threads in [("none", cores), ("core", 1)]:
            run = self.run_words(*words, "--bind-to", bind, program_case.args.program, "split", "in.ms",
                                 f"{bind}.ms", "datacolumn=data", "--no-sync", "-vv",
                                 env={**os.environ, "ASAN_OPTIONS": no_leaks})
            self.assertEqual(run.returncode, 0, run.stderr)
            self.assertIn(f"{bind}.ms: {threads} threads", run.stderr)
        whole, parts = (table(self.path(n), ack=False) for n in ("core.ms", "none.ms"))
        numpy.testing.assert_array_equal(whole.getcol("DATA"), parts.getcol("DATA"))


program_case.main()
