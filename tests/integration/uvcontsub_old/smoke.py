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

    def groups(self, columns, spws, solint, across_windows, across_scans):
        """Rows that are fitted together, as lists: by baseline and field, times less than solint from the first."""
        keys = {}
        for r in numpy.argsort(columns["TIME"], kind="stable"):
            if columns["DATA_DESC_ID"][r] in spws:
                key = tuple(columns[k][r] for k in ("ANTENNA1", "ANTENNA2", "FIELD_ID"))
                key += () if across_scans else (columns["SCAN_NUMBER"][r],)
                key += () if across_windows else (columns["DATA_DESC_ID"][r],)
                groups = keys.setdefault(key, [])
                time = columns["TIME"][r]
                if not groups or not (time == groups[-1][0] or time - groups[-1][0] < solint):
                    groups.append((time, []))
                groups[-1][1].append(r)
        return [rows for groups in keys.values() for _, rows in groups]

    def check_together(self, name, order, fitted, solint, across_windows, across_scans=False):
        """One polynomial of all rows of a group; channels of a row share its weight."""
        names = "TIME", "ANTENNA1", "ANTENNA2", "FIELD_ID", "SCAN_NUMBER", "DATA_DESC_ID", "DATA", "FLAG", "SIGMA"
        columns = dict(zip(names, self.read("in.ms", *names)))
        got, gotflag = self.read(name, "DATA", "FLAG")
        with table(self.path("in.ms/SPECTRAL_WINDOW"), ack=False) as t:
            freq = t.getcol("CHAN_FREQ")
        x = (freq - freq.mean()) / numpy.ptp(freq) * 2
        for rows in self.groups(columns, fitted, solint, across_windows, across_scans):
            points = {r: numpy.isin(numpy.arange(16), list(fitted[columns["DATA_DESC_ID"][r]]))
                      & ~columns["FLAG"][r].any(1) for r in rows}
            n = sum(p.sum() for p in points.values())
            for c in range(got.shape[2]):
                design, value = [], []
                for r in rows:
                    spw, use = columns["DATA_DESC_ID"][r], points[r]
                    share = numpy.ptp(list(fitted[spw])) + 1 if order and len(fitted[spw]) else use.sum()
                    root = 1 / columns["SIGMA"][r, c] / numpy.sqrt(share or 1)
                    design.append(root * x[spw][use, None] ** numpy.arange(min(order + 1, max(n, 1))))
                    value.append(root * columns["DATA"][r, use, c].astype(complex))
                solved = numpy.linalg.lstsq(numpy.concatenate(design), numpy.concatenate(value), rcond=None)[0]
                for r in rows:
                    model = x[columns["DATA_DESC_ID"][r]][:, None] ** numpy.arange(len(solved)) @ solved
                    numpy.testing.assert_allclose(got[r, :, c], columns["DATA"][r, :, c] - model, rtol=2e-6, atol=5e-5)
            for r in rows:
                self.assertTrue((gotflag[r] == (columns["FLAG"][r] if n else True)).all())

    def test_windows_and_times_together(self):
        with table(self.path("in.ms"), readonly=False, ack=False) as t:
            t.putcol("SIGMA", numpy.random.default_rng(5).uniform(.5, 2, t.getcol("SIGMA").shape).astype("f4"))
            flag, rows = t.getcol("FLAG"), numpy.flatnonzero(t.getcol("ANTENNA2") == 3)
            flag[rows, 5:] = True
            t.putcol("FLAG", flag)
        some = {0: range(2, 9), 1: range(5, 14)}
        for i, (order, words, together) in enumerate((
                (0, ["combine=spw"], (0, True)), (1, ["combine=spw"], (0, True)),
                (2, ["solint=1min"], (60, False)), (1, ["solint=inf", "combine=spw, scan"], (1e9, True, True)))):
            self.multims("uvcontsub_old", "in.ms", f"outputvis={i}.ms", "fitspw=0:2~8,1:5~13", f"fitorder={order}", *words)
            self.check_together(f"{i}.ms", order, some, *together)
        self.multims("uvcontsub_old", "in.ms", "outputvis=one.ms", "fitspw=0:2~8", "fitorder=1", "combine=spw")
        self.check_together("one.ms", 1, {0: range(2, 9), 1: ()}, 0, True)

    def test_fitted_and_not_written(self):
        words = ["fitspw=0:2~8,1:5~13", "fitorder=1", "combine=spw"]
        self.multims("uvcontsub_old", "in.ms", "outputvis=all.ms", *words)
        self.multims("uvcontsub_old", "in.ms", "outputvis=some.ms", *words, "spw=1:3~6", "want_cont=True")
        self.multims("split", "all.ms", "want.ms", "datacolumn=data", "spw=1:3~6")
        self.multims("diff", "want.ms", "some.ms")
        with table(self.path("some.ms/HISTORY"), ack=False) as t:
            self.assertEqual(sum("fitorder" in m for m in t.getcol("MESSAGE")), 1)
        run = self.multims("uvcontsub_old", "in.ms", "outputvis=plan.ms", *words, "spw=1:3~6", "--dryrun")
        self.assertIn("plan.ms", run.stdout)
        self.assertEqual(sorted(os.listdir(self.folder)), ["all.ms", "in.ms", "some.ms", "some.ms.cont", "want.ms"])

    def test_a_field_that_is_renumbered(self):
        self.multims("uvcontsub_old", "in.ms", "outputvis=all.ms", "field=1")
        self.multims("split", "all.ms", "want.ms", "datacolumn=data", "spw=1:3~6")
        self.multims("uvcontsub_old", "in.ms", "outputvis=some.ms", "field=1", "spw=1:3~6")
        self.assertEqual(set(self.read("some.ms", "FIELD_ID")[0]), {0})
        self.multims("diff", "want.ms", "some.ms")

    def test_sub_mss_that_lack_windows(self):
        self.multims("partition", "in.ms", "spw.mms", "separationaxis=spw", "numsubms=2")
        run = self.multims("uvcontsub_old", "spw.mms", "combine=spw", "fitorder=1")
        self.assertIn("Cannot run with combine='spw' in parallel because the Sub-MSs do not contain all", run.stderr)
        self.assertIn("separation axis 'scan'", run.stderr)
        self.multims("uvcontsub_old", "in.ms", "combine=spw", "fitorder=1")
        self.multims("diff", "in.ms.contsub", "spw.mms.contsub", "--ignore-order")
        run = self.multims("uvcontsub_old", "spw.mms", "outputvis=one.ms", "combine=spw,scan", "solint=inf")
        self.assertIn("will be processed in serial and will create an output MS", run.stderr)

    def test_refusals(self):
        for word, text in {"combine=field": "field is not one of scan, spw",
                           "solint=long": "solint: long is not int", "solint=0s": "solint: 0s is not int",
                           "fitspw=0": "combine must include 'spw'",
                           "fitspw=9": 'fitspw="9"', "spw=9": "9",
                           "fitorder=-1": "Fit order cannot be negative"}.items():
            run = self.multims("uvcontsub_old", "in.ms", word, status=2)
            self.assertIn(text, run.stderr, word)
        run = self.multims("uvcontsub_old", "in.ms", "fitspw=0,1:3", "excludechans=True", status=2)
        self.assertIn("no channel of SPW 0 is left to fit", run.stderr)
        os.mkdir(self.path("in.ms.contsub"))
        run = self.multims("uvcontsub_old", "in.ms", "want_cont=True", status=2)
        self.assertIn("in.ms.contsub", run.stderr)
        self.assertEqual(sorted(os.listdir(self.folder)), ["in.ms", "in.ms.contsub"])


program_case.main()
