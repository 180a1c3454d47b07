#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""numerics=exact through the verbs: one case for each line of the table "What `exact` does
otherwise" in docs/design/transforms.md, with what numerics=casa writes beside it."""
import numpy as np
from casacore.tables import makearrcoldesc, maketabdesc, table

import program_case
from program_case import ProgramCase

program_case.parser.add_argument("--data")

WINDOW = ["CHAN_FREQ", "CHAN_WIDTH", "RESOLUTION", "EFFECTIVE_BW", "TOTAL_BANDWIDTH",
          "REF_FREQUENCY", "NUM_CHAN"]


class Exact(ProgramCase):
    """One spw, one baseline, four rows of 10 s."""

    def setUp(self):
        super().setUp()
        self.multims("simulate", "raw.ms", "antennas=2", "spws=1", "channels=8", "scans=1",
                     "fields=1", "integrations=4", "wtspectrum=True", "--no-sync", "--quiet")
        self.multims("split", "raw.ms", "in.ms", "datacolumn=data", "--no-sync", "--quiet")

    def change(self, sub="", **columns):
        """Puts values, broadcast to the shape that is there."""
        with table(self.path(f"in.ms/{sub}"), readonly=False, ack=False) as t:
            for name, value in columns.items():
                cells = t.getcol(name)
                cells[:] = value
                t.putcol(name, cells)

    def both(self, words, read):
        """What read finds in the output of casa and of exact."""
        verb, *words = words.split()
        for numerics in "casa", "exact":
            self.multims(verb, "in.ms", f"{numerics}.ms", *words, f"numerics={numerics}",
                         "--no-sync", "--quiet")
        return read("casa.ms"), read("exact.ms")

    def main(self, *names):
        def read(path):
            with table(self.path(path), ack=False) as t:
                return [t.getcol(name) for name in names]
        return read

    def window(self, path):
        with table(self.path(f"{path}/SPECTRAL_WINDOW"), ack=False) as t:
            return {name: np.asarray(t.getcell(name, 0)) for name in WINDOW}

    def test_0_5_weight_spectrum_of_data(self):
        noise = np.random.default_rng(1)
        self.change(SIGMA=2, WEIGHT=7, WEIGHT_SPECTRUM=7,
                    SIGMA_SPECTRUM=noise.uniform(0.5, 2, (4, 8, 4)))
        (before,) = self.main("SIGMA_SPECTRUM")("in.ms")
        casa, exact = self.both("split datacolumn=data", self.main("WEIGHT", "WEIGHT_SPECTRUM"))
        np.testing.assert_array_equal(casa[0], 0.25)
        np.testing.assert_array_equal(exact[0], 0.25)
        np.testing.assert_array_equal(casa[1], 7)
        np.testing.assert_allclose(exact[1], 1 / before**2, rtol=1e-6)

    def test_1_3_effective_bandwidth(self):
        self.change("SPECTRAL_WINDOW", EFFECTIVE_BW=np.arange(1e5, 9e5, 1e5))
        casa, exact = self.both("split datacolumn=data width=2", self.window)
        np.testing.assert_allclose(casa["EFFECTIVE_BW"], casa["RESOLUTION"])
        np.testing.assert_allclose(exact["EFFECTIVE_BW"], [3e5, 7e5, 11e5, 15e5])

    def test_3_4_totals_of_a_descending_window_with_a_remainder(self):
        freq = np.arange(2e9, 2e9 - 8e6, -1e6)
        self.change("SPECTRAL_WINDOW", CHAN_FREQ=freq, CHAN_WIDTH=-1e6, RESOLUTION=1e6,
                    EFFECTIVE_BW=1e6, TOTAL_BANDWIDTH=8e6, REF_FREQUENCY=2e9)
        casa, exact = self.both("mstransform datacolumn=data chanaverage=True chanbin=3",
                                self.window)
        for window in casa, exact:
            np.testing.assert_allclose(window["CHAN_FREQ"], [freq[1], freq[4]])
        self.assertAlmostEqual(float(exact["TOTAL_BANDWIDTH"]), 6e6, delta=1e-3)
        self.assertAlmostEqual(float(exact["REF_FREQUENCY"]), freq[4], delta=1e-3)
        self.assertAlmostEqual(float(casa["TOTAL_BANDWIDTH"]), 10e6, delta=1e-3)
        self.assertLess(float(casa["REF_FREQUENCY"]), freq[4])

    def test_4_resolution_after_hanning(self):
        self.change("SPECTRAL_WINDOW", CHAN_WIDTH=1e6, RESOLUTION=1.2e6, EFFECTIVE_BW=0.9e6)
        casa, exact = self.both("hanningsmooth datacolumn=data", self.window)
        np.testing.assert_allclose(casa["RESOLUTION"], 1.2e6)
        np.testing.assert_allclose(casa["EFFECTIVE_BW"], 0.9e6)
        np.testing.assert_allclose(exact["RESOLUTION"], 2e6)
        np.testing.assert_allclose(exact["EFFECTIVE_BW"], 0.9e6 / 0.375)

    def test_5_3_time_of_a_bin_that_begins_with_a_flagged_row(self):
        flags = np.zeros((4, 8, 4), bool)
        flags[0] = True
        self.change(FLAG=flags, SIGMA=1, SIGMA_SPECTRUM=1)
        (time,) = self.main("TIME")("in.ms")
        casa, exact = self.both("split datacolumn=data timebin=40s", self.main("TIME", "INTERVAL"))
        np.testing.assert_allclose(casa[0], (time[0] + time[3]) / 2, rtol=0, atol=1e-6)
        np.testing.assert_allclose(exact[0], (time[1] + time[3]) / 2, rtol=0, atol=1e-6)
        np.testing.assert_allclose([casa[1][0], exact[1][0]], [40, 30])

    def test_5_4_good_cells_without_weight(self):
        sigma = np.ones((4, 8, 4))
        sigma[:, 2, 1] = -1
        self.change(FLAG=False, SIGMA=1, SIGMA_SPECTRUM=sigma)
        casa, exact = self.both("split datacolumn=data timebin=40s", self.main("FLAG"))
        self.assertFalse(casa[0].any())
        want = np.zeros((1, 8, 4), bool)
        want[0, 2, 1] = True
        np.testing.assert_array_equal(exact[0], want)

    def test_5_4_5_5_float_data_without_weight(self):
        with table(self.path("in.ms"), readonly=False, ack=False) as t:
            data = np.abs(t.getcol("DATA"))
            t.removecols([n for n in ("DATA", "CORRECTED_DATA") if n in t.colnames()])
            t.addcols(maketabdesc(makearrcoldesc("FLOAT_DATA", 0, ndim=2, valuetype="float")))
            t.putcol("FLOAT_DATA", data)
        self.change(FLAG=False, SIGMA=-1, SIGMA_SPECTRUM=-1)
        uvw, centroid = self.main("UVW", "TIME_CENTROID")("in.ms")
        casa, exact = self.both("mstransform datacolumn=float_data timeaverage=True timebin=40s",
                                self.main("FLOAT_DATA", "UVW", "TIME_CENTROID"))
        self.assertTrue(np.isnan(casa[0]).all())
        np.testing.assert_array_equal(exact[0], 0)
        np.testing.assert_array_equal(casa[1], 0)
        np.testing.assert_allclose(exact[1][0], uvw.mean(0), rtol=1e-9)
        np.testing.assert_allclose(exact[2][0], centroid.mean(), rtol=0, atol=1e-6)


program_case.main()
