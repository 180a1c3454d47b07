# SPDX-License-Identifier: LGPL-2.1-or-later
"""applycal and setjy: what numpy computes, on an MS and on its Multi-MSs along every axis."""
import os

import numpy
from casacore.tables import makearrcoldesc, table

import caltable
import program_case
from program_case import ProgramCase

KEYS = ("TIME", "DATA_DESC_ID", "ANTENNA1", "ANTENNA2")
AXES = {"scan": 2, "spw": 1, "auto": 3, "baseline": 2}  # and workers
COLUMNS = ("CORRECTED_DATA", "MODEL_DATA", "WEIGHT", "FLAG", "FLAG_ROW")
QUIET = ("flagbackup=False", "--no-sync", "-q")


def rows(path):
    """The columns of all rows, sorted by their keys."""
    with table(path, ack=False) as t:
        order = numpy.lexsort([t.getcol(k) for k in KEYS])
        return {c: t.getcol(c)[order] for c in KEYS + ("DATA", "SIGMA") + COLUMNS if c in t.colnames()}


class SameAnswer(ProgramCase):
    def setUp(self):
        super().setUp()
        self.simulate("in.ms", "correlations=RR,RL,LR,LL", "corrected=False", "flags=0.1", "scans=3")
        chance = numpy.random.default_rng(7)
        with table(self.path("in.ms"), readonly=False, ack=False) as t:
            shape = t.getcol("DATA").shape
            t.putcol("DATA", (chance.normal(1, 1, shape) + 1j * chance.normal(0, 1, shape)).astype("c8"))
            self.times = numpy.unique(t.getcol("TIME"))
        with table(self.path("in.ms/SPECTRAL_WINDOW"), ack=False) as t:
            self.freq = t.getcol("CHAN_FREQ")
        self.chance = chance

    def check_sets(self, words):
        """The same columns on every axis, and the same number of them in each part; those of the MS."""
        for axis, workers in AXES.items():
            self.multims("partition", "in.ms", f"{axis}.mms", f"separationaxis={axis}", "numsubms=3", *QUIET)
        self.multims(words[0], "in.ms", *words[1:])
        want = rows(self.path("in.ms"))
        for axis, workers in AXES.items():
            with self.subTest(axis=axis):
                self.multims(words[0], f"{axis}.mms", *words[1:], f"-j{workers}")
                found = rows(self.path(f"{axis}.mms"))
                self.assertEqual(found.keys(), want.keys())
                for name in want:
                    numpy.testing.assert_array_equal(found[name], want[name], name)
                parts = os.listdir(self.path(f"{axis}.mms/SUBMSS"))
                for part in parts:
                    with table(self.path(f"{axis}.mms/SUBMSS/{part}"), ack=False) as t:
                        self.assertTrue({"CORRECTED_DATA", "MODEL_DATA"} & set(t.colnames()))
        return want

    def gains(self, *shape):
        return 1 + 0.4 * (self.chance.normal(size=shape) + 1j * self.chance.normal(size=shape))

    def test_angles_turn_circular_feeds_without_cross_hands(self):
        self.multims("split", "in.ms", "two.ms", "correlation=RR,LL", "datacolumn=data", "--no-sync", "-q")
        for name in "in.ms", "two.ms":
            self.multims("applycal", name, "parang=True", "applymode=calonly", *QUIET)
        full, two = rows(self.path("in.ms"))["CORRECTED_DATA"], rows(self.path("two.ms"))["CORRECTED_DATA"]
        numpy.testing.assert_array_equal(two, full[:, :, [0, 3]])
        self.assertFalse(numpy.array_equal(two, rows(self.path("two.ms"))["DATA"]))
        self.simulate("line.ms", "correlations=XX,YY")
        run = self.multims("applycal", "line.ms", "parang=True", *QUIET, status=2)
        self.assertIn("window 0 has not all four products: parang=True can't be applied", run.stderr)

    def test_channels_of_a_window(self):
        values = self.gains(4, len(self.freq), 1, 2)
        caltable.make(self.path("g.G"), "G Jones", self.path("in.ms"), values)
        for name in "whole.ms", "twice.ms":
            self.multims("split", "in.ms", name, "datacolumn=data", "--no-sync", "-q")
        self.multims("applycal", "whole.ms", "gaintable=g.G", *QUIET)
        whole = rows(self.path("whole.ms"))
        found = self.check_sets(("applycal", "gaintable=g.G", "spw=0:1~3", *QUIET))
        first, want = found["DATA_DESC_ID"] == 0, found["DATA"].copy()
        want[first, 1:4] = whole["CORRECTED_DATA"][first, 1:4]
        numpy.testing.assert_array_equal(found["CORRECTED_DATA"], want)
        for spw in "0:1~3", "0:2~5":
            self.multims("applycal", "twice.ms", "gaintable=g.G", f"spw={spw}", *QUIET)
        want[first, 1:6] = whole["CORRECTED_DATA"][first, 1:6]
        numpy.testing.assert_array_equal(rows(self.path("twice.ms"))["CORRECTED_DATA"], want)

    def test_channels_of_spectra_of_weights_that_are_not_there(self):
        """Cells without values get the row's weight in all channels, others in those that are calibrated."""
        caltable.make(self.path("g.G"), "G Jones", self.path("in.ms"), self.gains(4, len(self.freq), 1, 2))
        with table(self.path("in.ms"), readonly=False, ack=False) as t:
            if "WEIGHT_SPECTRUM" in t.colnames():
                t.removecols("WEIGHT_SPECTRUM")
            t.addcols(makearrcoldesc("WEIGHT_SPECTRUM", 0.0, ndim=2, valuetype="float"))
            there = numpy.flatnonzero(numpy.arange(t.nrows()) % 7 < 3)
            for i in there:
                t.putcell("WEIGHT_SPECTRUM", i, numpy.full_like(t.getcell("DATA", i), 5, numpy.float32))
        self.multims("applycal", "in.ms", "gaintable=g.G", "calwt=True", "spw=0:1~2", *QUIET)
        with table(self.path("in.ms"), ack=False) as t:
            for i in range(t.nrows()):
                if t.getcell("DATA_DESC_ID", i) != 0:
                    self.assertEqual(t.iscelldefined("WEIGHT_SPECTRUM", i), i in there)
                    continue
                want = numpy.tile(t.getcell("WEIGHT", i), (len(t.getcell("DATA", i)), 1))
                if i in there:
                    want[[0, *range(3, len(want))]] = 5
                numpy.testing.assert_array_equal(t.getcell("WEIGHT_SPECTRUM", i), want)

    def test_gains_in_time_and_channels(self):
        g, b = self.gains(len(self.times), 4, 2, 1, 2), self.gains(4, 2, 8, 2)
        flags = self.chance.random(g.shape) < 0.1
        caltable.make(self.path("x.G"), "G Jones", self.path("in.ms"), g, times=self.times, flags=flags)
        caltable.make(self.path("x.B"), "B Jones", self.path("in.ms"), b)
        before = rows(self.path("in.ms"))
        found = self.check_sets(["applycal", "gaintable=['x.B','x.G']", "calwt=[False,True]", *QUIET])
        when = numpy.searchsorted(self.times, found["TIME"])
        ddid, first, second = found["DATA_DESC_ID"], found["ANTENNA1"], found["ANTENNA2"]
        bad = flags[when, first, ddid][:, :, [0, 0, 1, 1]] | flags[when, second, ddid][:, :, [0, 1, 0, 1]]
        g = numpy.where(flags, 1, g)
        one = b[first, ddid] * g[when, first, ddid]
        other = b[second, ddid] * g[when, second, ddid]
        want = found["DATA"] / (one[:, :, [0, 0, 1, 1]] * other[:, :, [0, 1, 0, 1]].conj())
        numpy.testing.assert_allclose(found["CORRECTED_DATA"], want, rtol=2e-6)
        numpy.testing.assert_array_equal(found["FLAG"], before["FLAG"] | bad)
        numpy.testing.assert_array_equal(found["FLAG_ROW"], before["FLAG_ROW"])
        weight = abs(g[when, first, ddid][:, 0, [0, 0, 1, 1]] * g[when, second, ddid][:, 0, [0, 1, 0, 1]]) ** 2
        numpy.testing.assert_allclose(found["WEIGHT"], weight / found["SIGMA"] ** 2, rtol=1e-5)

    def test_delays_of_a_selection(self):
        k = self.chance.normal(0, 20, (4, 2, 1, 2))
        caltable.make(self.path("x.K"), "K Jones", self.path("in.ms"), k)
        found = self.check_sets(["applycal", "gaintable=x.K", "scan=2", "spw=1", *QUIET])
        first, second, ddid = found["ANTENNA1"], found["ANTENNA2"], found["DATA_DESC_ID"]
        offset = (self.freq - self.freq.mean(axis=1)[:, None])[ddid][:, :, None] / 1e9
        phase = lambda a: numpy.exp(2j * numpy.pi * k[a, ddid] * offset)
        factor = phase(first)[:, :, [0, 0, 1, 1]] * phase(second)[:, :, [0, 1, 0, 1]].conj()
        want = found["DATA"] / factor
        done = abs(found["CORRECTED_DATA"] - want) < 1e-5
        self.assertTrue(done[ddid == 1].any())
        for i in range(len(ddid)):
            same = numpy.array_equal(found["CORRECTED_DATA"][i], found["DATA"][i])
            self.assertTrue(done[i].all() or same)
            self.assertTrue(same or ddid[i] == 1)
        self.assertEqual(sum(numpy.array_equal(a, b) for a, b in zip(found["CORRECTED_DATA"], found["DATA"])),
                         len(ddid) - len(ddid) // 6)

    def test_a_second_run_and_rows_that_are_not_selected(self):
        g = self.gains(4, 2, 1, 2)
        caltable.make(self.path("x.G"), "G Jones", self.path("in.ms"), g)
        caltable.make(self.path("two.G"), "G Jones", self.path("in.ms"), 2 * numpy.ones_like(g))
        self.multims("applycal", "in.ms", "gaintable=x.G", "calwt=False", *QUIET)
        first = rows(self.path("in.ms"))
        self.multims("applycal", "in.ms", "gaintable=two.G", "scan=1", "calwt=False", *QUIET)
        second = rows(self.path("in.ms"))
        done = numpy.isclose(second["CORRECTED_DATA"], second["DATA"] / 4, rtol=1e-6).all(axis=(1, 2))
        same = (first["CORRECTED_DATA"] == second["CORRECTED_DATA"]).all(axis=(1, 2))
        self.assertEqual((done.sum(), same.sum()), (len(done) // 3, len(done) - len(done) // 3))

    def test_models(self):
        found = self.check_sets(["setjy", "standard=manual", "fluxdensity=[3,0.1,0.2,0.3]", "spix=[-0.7,0.1]",
                                 "reffreq=1.5GHz", "scan=2", "--no-sync", "-q"])
        x = self.freq[found["DATA_DESC_ID"]] / 1.5e9
        s = x ** (-0.7 + 0.1 * numpy.log10(x))
        want = numpy.stack([3.3 * s, (0.1 + 0.2j) * s, (0.1 - 0.2j) * s, 2.7 * s], axis=-1)
        made = abs(found["MODEL_DATA"] - want).max(axis=(1, 2)) < 1e-6
        plain = (found["MODEL_DATA"] == numpy.array([1, 0, 0, 1])).all(axis=(1, 2))
        self.assertTrue((made != plain).all())
        self.assertEqual(made.sum(), len(made) // 3)


if __name__ == "__main__":
    program_case.main()
