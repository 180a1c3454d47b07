# SPDX-License-Identifier: LGPL-2.1-or-later
"""uvcontsub_old: what numpy's fits leave, windows renumbered, the same on a Multi-MS."""
import os

import numpy
from casacore.tables import table

import program_case
from continuum_case import ContinuumCase, polynomials


class Smoke(ContinuumCase):
    def setUp(self):
        super().setUp()
        rng = numpy.random.default_rng(4)
        with table(self.path("in.ms"), readonly=False, ack=False) as t:
            data = t.getcol("DATA")
            t.putcol("DATA", data + rng.normal(size=data.shape) + 1j * rng.normal(size=data.shape))

    def check(self, name, order, fitted, spws=(0, 1), keeps_fit=False):
        """fitted: {spw: channels}."""
        data, flag, ddid = self.read("in.ms", "DATA", "FLAG", "DATA_DESC_ID")
        rows = numpy.flatnonzero(numpy.isin(ddid, spws))
        got, = self.read(name, "DATA")
        self.assertEqual(len(got), len(rows))
        for r, one in zip(rows, got):
            use = numpy.isin(numpy.arange(16), list(fitted[ddid[r]]))
            model = polynomials(numpy.linspace(-1, 1, 16), data[r], flag[r], use, order)
            numpy.testing.assert_allclose(one, model if keeps_fit else data[r] - model, atol=1e-5)

    def test_windows_and_the_continuum(self):
        self.multims("uvcontsub_old", "in.ms", "fitspw=0:0~5;10~15,1:2~12", "fitorder=1",
                     "want_cont=True")
        fitted = {0: [*range(6), *range(10, 16)], 1: range(2, 13)}
        self.check("in.ms.contsub", 1, fitted)
        self.check("in.ms.cont", 1, fitted, keeps_fit=True)

    def test_a_window_is_renumbered(self):
        self.multims("uvcontsub_old", "in.ms", "fitspw=1:0~5", "spw=1", "outputvis=one.contsub",
                     "want_cont=True")
        self.check("one.contsub", 0, {1: range(6)}, (1,))
        self.check("one.cont", 0, {1: range(6)}, (1,), keeps_fit=True)
        with table(self.path("one.contsub/SPECTRAL_WINDOW"), ack=False) as t:
            self.assertEqual(t.nrows(), 1)
        self.assertEqual(set(self.read("one.contsub", "DATA_DESC_ID")[0]), {0})

    def test_channels_with_lines(self):
        """Those of frequencies too, and of both edges."""
        self.multims("uvcontsub_old", "in.ms", "fitspw=0:0~3;8~9,1:15", "excludechans=True",
                     "outputvis=a.ms")
        self.check("a.ms", 0, {0: [4, 5, 6, 7, *range(10, 16)], 1: range(15)})
        with table(self.path("in.ms/SPECTRAL_WINDOW"), ack=False) as t:
            freq = t.getcell("CHAN_FREQ", 0)
        first, last = sorted([freq[4] / 1e6, freq[8] / 1e6])
        self.multims("uvcontsub_old", "in.ms", f"fitspw=0:{first - .001}~{last + .001}MHz", "spw=0",
                     "outputvis=b.ms")
        self.check("b.ms", 0, {0: range(4, 9)}, (0,))

    def test_corrected_data_first(self):
        self.multims("setjy", "in.ms", "standard=manual", "fluxdensity=[3,0,0,0]")
        with table(self.path("in.ms"), readonly=False, ack=False) as t:
            t.renamecol("MODEL_DATA", "CORRECTED_DATA")
        self.multims("uvcontsub_old", "in.ms", "outputvis=a.ms")
        left, flag = self.read("a.ms", "DATA", "FLAG")
        numpy.testing.assert_allclose(left[~flag], 0, atol=1e-5)

    def test_a_multi_ms(self):
        words = ["fitspw=0:0~5,1", "fitorder=1", "combine=scan"]
        self.multims("uvcontsub_old", "in.ms", *words)
        for axis in "scan", "spw", "baseline":
            self.multims("partition", "in.ms", f"{axis}.mms", f"separationaxis={axis}", "numsubms=3")
            self.multims("uvcontsub_old", f"{axis}.mms", *words, "-j", 2)
            self.multims("diff", "in.ms.contsub", f"{axis}.mms.contsub", "--ignore-order")
            self.multims("verify", f"{axis}.mms.contsub")

    def test_refusals(self):
        for word, text in {"combine=spw": "windows that are fitted together",
                           "combine=field": "field is not one of scan, spw",
                           "solint=60s": "solint=int", "fitspw=0": "combine must include 'spw'",
                           "fitspw=9": 'fitspw="9"', "spw=9": "9",
                           "fitorder=-1": "Fit order cannot be negative",
                           "spw=0:0~3": "fitted but not written"}.items():
            run = self.multims("uvcontsub_old", "in.ms", word, status=2)
            self.assertIn(text, run.stderr, word)
        run = self.multims("uvcontsub_old", "in.ms", "fitspw=0,1:3", "excludechans=True", status=2)
        self.assertIn("no channel of SPW 0 is left to fit", run.stderr)
        os.mkdir(self.path("in.ms.contsub"))
        run = self.multims("uvcontsub_old", "in.ms", "want_cont=True", status=2)
        self.assertIn("in.ms.contsub", run.stderr)
        self.assertEqual(sorted(os.listdir(self.folder)), ["in.ms", "in.ms.contsub"])


program_case.main()
