# SPDX-License-Identifier: LGPL-2.1-or-later
"""statwt: weights that numpy finds from the same samples; columns, flags, what is refused."""
import os
import shutil

import numpy
from casacore.tables import table

import program_case
from program_case import ProgramCase

COLUMNS = ["WEIGHT", "SIGMA", "FLAG", "FLAG_ROW", "WEIGHT_SPECTRUM"]


def disturb(path):
    random = numpy.random.default_rng(11)
    with table(path, readonly=False, ack=False) as t:
        for name in "DATA", "CORRECTED_DATA":
            data = t.getcol(name)
            t.putcol(name, data + random.normal(0, 1, data.shape) + 1j * random.normal(0, 1, data.shape))
        flag = t.getcol("FLAG")
        flag |= random.random(flag.shape) < 0.1
        flag[5] = True
        t.putcol("FLAG", flag)


def columns(path):
    with table(path, ack=False) as t:
        order = numpy.lexsort([t.getcol(k) for k in ("ANTENNA2", "ANTENNA1", "TIME", "DATA_DESC_ID")])
        return {n: t.getcol(n)[order] for n in COLUMNS if n in t.colnames()}


def weight(samples, exposure):
    if len(samples) < 2:
        return 0
    variance = exposure * (samples.real.var() + samples.imag.var()) / 2  # each weighs its exposure
    return exposure / variance if variance else 0


class Smoke(ProgramCase):
    def setUp(self):
        super().setUp()
        self.simulate("in.ms", "integrations=6")
        disturb(self.path("in.ms"))

    def test_weights_are_those_of_numpy(self):
        with table(self.path("in.ms"), ack=False) as t:
            data, flag = t.getcol("CORRECTED_DATA"), t.getcol("FLAG")
            exposure = t.getcol("EXPOSURE")
        want = numpy.array([[weight(data[r, :, p][~flag[r, :, p]], exposure[r])
                             for p in range(data.shape[2])] for r in range(len(data))])
        found = self.answer("statwt", "in.ms", "--no-sync")
        with table(self.path("in.ms"), ack=False) as t:
            numpy.testing.assert_allclose(t.getcol("WEIGHT"), want, rtol=1e-5)
            self.assertTrue(t.getcol("FLAG_ROW")[5])
        good = want[~flag.all(axis=1)]
        self.assertAlmostEqual(found["mean"], good.mean(), 5)
        self.assertAlmostEqual(found["variance"], good.var(ddof=1), 4)
        self.assertEqual(self.answer("flagmanager", "in.ms")["0"]["name"], "statwt_1")

    def test_preview_and_dryrun_change_nothing(self):
        before = columns(self.path("in.ms"))
        words = ["statwt", "in.ms", "timebin=3", "chanbin=2"]
        told = self.answer(*words, "--dryrun")
        self.assertEqual(told["new_columns"], ["WEIGHT_SPECTRUM"])
        seen = self.answer(*words, "preview=True")
        for name, values in columns(self.path("in.ms")).items():
            numpy.testing.assert_array_equal(values, before[name])
        self.assertFalse(os.path.exists(self.path("in.ms.flagversions")))
        done = self.answer(*words, "--no-sync")
        self.assertEqual((seen["mean"], seen["variance"]), (done["mean"], done["variance"]))

    def test_a_multi_ms_gets_the_weights_of_the_ms(self):
        words = ["timebin=4", "chanbin=3", "combine=scan", "scan=1,2", "spw=0", "flagbackup=False",
                 "--no-sync"]
        for axis in "scan", "spw", "auto", "baseline":
            shutil.copytree(self.path("in.ms"), self.path("one.ms"))
            self.multims("partition", "one.ms", "x.mms", f"separationaxis={axis}", "numsubms=3",
                         "flagbackup=False", "--no-sync", "--quiet")
            answers = [self.answer("statwt", n, *words) for n in ("one.ms", "x.mms")]
            self.assertEqual(*[(a["mean"], a["variance"]) for a in answers])
            one = columns(self.path("one.ms"))
            for name, values in columns(self.path("x.mms")).items():
                numpy.testing.assert_array_equal(values, one[name], f"{axis}: {name}")
            self.assertIn("WEIGHT_SPECTRUM", one)
            shutil.rmtree(self.path("one.ms"))
            shutil.rmtree(self.path("x.mms"))

    def test_bad_values_are_refused_by_name(self):
        before = columns(self.path("in.ms"))
        for word, says in {"timebin=abc": "timebin: abc", "timebin=0": "timebin: 0",
                           "timebin=2MHz": "timebin: 2MHz", "chanbin=-1": "chanbin: -1",
                           "chanbin=3s": "chanbin: 3s", "minsamp=1": "minsamp: 1",
                           "statalg=magic": "classic, chauvenet", "combine=banana": "banana",
                           "wtrange=[1]": "exactly two values", "wtrange=[-1,3]": "wtrange: [-1,3]",
                           "datacolumn=banana": "residual_data", "center=left": "median",
                           "numerics=x": "exact", "fitspw=99": "99", "minsamp=x": "minsamp",
                           "fence=x": "fence", "zscore=x": "zscore", "maxiter=x": "maxiter"}.items():
            run = self.multims("statwt", "in.ms", word, status=2)
            self.assertIn(says, run.stderr)
        self.multims("statwt", "in.ms", "scan=99", status=3)
        self.simulate("plain.ms", "corrected=False")
        self.assertIn("CORRECTED_DATA", self.multims("statwt", "plain.ms", status=2).stderr)
        for name, values in columns(self.path("in.ms")).items():
            numpy.testing.assert_array_equal(values, before[name])


program_case.main()
