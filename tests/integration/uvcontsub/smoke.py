# SPDX-License-Identifier: LGPL-2.1-or-later
"""uvcontsub: what numpy's weighted fits leave, the same whatever the workers and parts."""
import json
import os

import numpy
from casacore.tables import table

import program_case
from continuum_case import ContinuumCase, polynomials

ORDER = 2


def scaled(freq):
    middle = (freq.min() + freq.max()) / 2
    return (freq - middle) / (freq.min() - middle)


class Smoke(ContinuumCase):
    def frequencies(self):
        with table(self.path("in.ms/SPECTRAL_WINDOW"), ack=False) as t:
            return t.getcol("CHAN_FREQ")

    def check(self, name, fits):
        """fits(field, spw): the order and the fitted channels, or None."""
        data, flag, ddid, field = self.read("in.ms", "DATA", "FLAG", "DATA_DESC_ID", "FIELD_ID")
        left, = self.read(name, "DATA")
        freq = self.frequencies()
        for r in range(len(data)):
            want, fit = data[r].copy(), fits(field[r], ddid[r])
            if fit:
                want -= polynomials(scaled(freq[ddid[r]]), data[r], flag[r], fit[1], fit[0])
            numpy.testing.assert_allclose(left[r], want, atol=1e-5)

    def channels(self, *numbers):
        fitted = numpy.zeros(16, bool)
        fitted[list(numbers)] = True
        return fitted

    def test_windows_of_a_text(self):
        self.multims("uvcontsub", "in.ms", "out.ms", "fitspec=0:0~5;10~15", f"fitorder={ORDER}")
        fitted = self.channels(*range(6), *range(10, 16))
        self.check("out.ms", lambda field, spw: (ORDER, fitted) if spw == 0 else None)
        for column in "SIGMA", "FLAG", "UVW", "TIME":
            numpy.testing.assert_array_equal(*self.read("out.ms", column), *self.read("in.ms", column))
        weight, sigma = self.read("out.ms", "WEIGHT", "SIGMA")
        numpy.testing.assert_allclose(weight, 1 / sigma**2, rtol=1e-6)
        flag_row, flag = self.read("out.ms", "FLAG_ROW", "FLAG")
        numpy.testing.assert_array_equal(flag_row, flag.all((1, 2)))

    def test_a_dictionary(self):
        spec = {"0": {"0": {"chan": "1~9", "fitorder": 1}, "1": {"chan": "", "fitorder": 0}}, "1": "NONE"}
        self.multims("uvcontsub", "in.ms", "out.ms", "fitspec=" + json.dumps(spec))
        fits = {(0, 0): (1, self.channels(*range(1, 10))), (0, 1): (0, self.channels(*range(16)))}
        self.check("out.ms", lambda field, spw: fits.get((field, spw)))

    def test_the_model_is_what_was_taken(self):
        self.multims("uvcontsub", "in.ms", "out.ms", "fitorder=1", "writemodel=True")
        left, model = self.read("out.ms", "DATA", "MODEL_DATA")
        numpy.testing.assert_allclose(left + model, *self.read("in.ms", "DATA"), atol=1e-6)
        self.assertGreater(numpy.abs(model).max(), 0)

    def test_a_multi_ms_is_treated_part_by_part(self):
        self.multims("partition", "in.ms", "in.mms", "numsubms=4")
        self.multims("uvcontsub", "in.ms", "one.ms", "fitorder=1")
        for workers in "1", "3":
            self.multims("uvcontsub", "in.mms", f"{workers}.mms", "fitorder=1", "-j", workers)
            self.multims("diff", "one.ms", f"{workers}.mms", "--ignore-order")
        self.multims("uvcontsub", "in.mms", "whole.ms", "fitorder=1", "keepmms=False")
        self.multims("diff", "one.ms", "whole.ms", "--ignore-order")

    def chi2(self, scan, field, ddid):
        """By correlation: of each row, complex, [row, correlation]."""
        (data, sigma, flag, ids, scans, dds) = self.read("in.ms", "DATA", "SIGMA", "FLAG", "FIELD_ID",
                                                         "SCAN_NUMBER", "DATA_DESC_ID")
        with table(self.path("in.ms/SPECTRAL_WINDOW"), ack=False) as t:
            freq = t.getcell("CHAN_FREQ", ddid)
        found = []
        for r in numpy.flatnonzero((ids == field) & (scans == scan) & (dds == ddid)):
            left = data[r] - polynomials(scaled(freq), data[r], flag[r],
                                         self.channels(*range(16)), 1)
            left[flag[r]] = 0
            found.append(((left.real**2).sum(0) + 1j * (left.imag**2).sum(0)) / sigma[r]**2)
        return numpy.array(found)

    def test_the_goodness_of_fit_is_returned(self):
        """Of all rows in numerics=exact; the same on a Multi-MS."""
        field, scan = (c[0] for c in self.read("in.ms", "FIELD_ID", "SCAN_NUMBER"))
        found = self.answer("uvcontsub", "in.ms", "out.ms", "fitorder=1", "numerics=exact")
        at = found["goodness_of_fit"]["field"][str(field)]["scan"][str(scan)]["spw"]["1"]
        want = self.chi2(scan, field, 1)
        for corr in range(want.shape[1]):
            one = at["polarization"][str(corr)]
            self.assertEqual(one["count"], len(want))
            for name, value in (("average", want[:, corr].mean()),
                                ("max", want[numpy.abs(want[:, corr]).argmax(), corr])):
                got = one["chi_squared"][name]
                numpy.testing.assert_allclose([got["real"], got["imag"]], [value.real, value.imag],
                                              rtol=1e-4, atol=1e-9)
        self.multims("partition", "in.ms", "in.mms", "separationaxis=baseline", "numsubms=3")
        for numerics in "casa", "exact":
            words = ["fitorder=1", f"numerics={numerics}"]
            self.assertEqual(self.answer("uvcontsub", "in.mms", f"{numerics}.mms", *words, "-j", 2),
                             self.answer("uvcontsub", "in.ms", f"{numerics}.ms", *words))

    def test_nothing_is_fitted(self):
        self.assertEqual(self.answer("uvcontsub", "in.ms", "out.ms", 'fitspec={"0": "NONE", "1": "NONE"}')
                         ["goodness_of_fit"], {"field": {}})

    def test_refusals(self):
        for word, text in {"fitorder=-1": "Fit order cannot be negative. Value given: -1",
                           "fitspec=9": "9", "fitspec={}": "is empty",
                           'fitspec={"7": "NONE"}': "Wrong field ID given: 7",
                           'fitspec={"a": "NONE"}': "Invalid field index: a (in a)",
                           'fitspec={"0,0": "NONE"}': "Field 0 is given multiple times",
                           'fitspec={"0": "ALL"}': "Only 'NONE' is accepted",
                           'fitspec={"0": {"": {}}}': "Unexpected empty SPW IDs",
                           'fitspec={"0": {"0:1": {}}}': "separator character ':'",
                           'fitspec={"0": {"0": {"fitorder": 1}}}': "chan value in subdict for spw 0",
                           'fitspec={"0": {"0": {"chan": ""}}}': "fitorder value in subdict for spw 0",
                           'fitspec={"0": {"0,0": {"chan": "", "fitorder": 0}}}':
                               "SPW 0 is given multiple times",
                           "fitmethod=svd": "svd", "datacolumn=all": "all"}.items():
            run = self.multims("uvcontsub", "in.ms", "out.ms", word, status=2)
            self.assertIn(text, run.stderr, word)
        self.assertEqual(os.listdir(self.folder), ["in.ms"])


program_case.main()
