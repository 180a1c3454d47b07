#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""WEIGHT_SPECTRUM and SIGMA_SPECTRUM without each other, and in some rows only: each counts for
itself (transform-numerics 0.4).  Values are compared with formulas written out here."""
import numpy as np
from casacore.tables import makearrcoldesc, maketabdesc, table

import program_case
from program_case import ProgramCase

program_case.parser.add_argument("--data")


def weight(sigma):
    return np.float32(1) / np.square(np.asarray(sigma, np.float32))


def sigma(weight):
    return np.float32(1) / np.sqrt(np.asarray(weight, np.float32))


class Spectra(ProgramCase):
    """One spw, one baseline, four rows of 10 s, 8 channels; no spectra at first."""

    def setUp(self):
        super().setUp()
        self.multims("simulate", "in.ms", "antennas=2", "spws=1", "channels=8", "scans=1",
                     "fields=1", "integrations=4", "corrected=True", "--no-sync", "--quiet")
        noise = np.random.default_rng(2)
        self.cells = noise.uniform(0.5, 2, (4, 8, 4)).astype(np.float32)
        with table(self.path("in.ms"), readonly=False, ack=False) as t:
            t.putcol("FLAG", np.zeros(t.getcol("FLAG").shape, bool))
            t.putcol("SIGMA", noise.uniform(0.5, 2, (4, 4)).astype(np.float32))
            t.putcol("WEIGHT", noise.uniform(0.5, 2, (4, 4)).astype(np.float32))
            self.sigma, self.weight = t.getcol("SIGMA"), t.getcol("WEIGHT")
            self.data = t.getcol("DATA")

    def add(self, column, rows):
        """The column, with cells in these rows."""
        with table(self.path("in.ms"), readonly=False, ack=False) as t:
            t.addcols(maketabdesc(makearrcoldesc(column, 0.0, ndim=2, valuetype="float")))
            for row in rows:
                t.putcell(column, row, self.cells[row])

    def spectra(self, by_row, rows):
        """What counts in each row: the spectrum, or the row's value in each channel."""
        return [self.cells[r] if r in rows else np.repeat(by_row[r][None], 8, 0)
                for r in range(4)]

    def written(self, verb, *words):
        """The columns of the output, which is the same by both data paths and through an MMS."""
        first = None
        self.multims("partition", "in.ms", "in.mms", "numsubms=2", "--no-sync", "--quiet")
        for vis in "in.ms", "in.mms":
            for tiles in "True", "False":
                out = f"{vis}.{verb}.{tiles}.ms"
                self.multims(verb, vis, out, f"tiles={tiles}", *words, "--no-sync", "--quiet",
                             *(("keepmms=False",) if verb in ("split", "hanningsmooth") else ()))
                with table(self.path(out), ack=False) as t:
                    have = {c: [t.getcell(c, r) if t.iscelldefined(c, r) else None
                                for r in range(t.nrows())]
                            for c in t.colnames() if c in ("DATA", "WEIGHT", "SIGMA",
                                                           "WEIGHT_SPECTRUM", "SIGMA_SPECTRUM")}
                first = first or have
                self.assertEqual(have.keys(), first.keys())
                for column in have:
                    for a, b in zip(have[column], first[column]):
                        np.testing.assert_array_equal(a, b)
                self.multims("verify", out)
        return first

    def test_time_average_where_some_rows_have_sigmas(self):
        for rows in ([2, 3], [0, 3]):
            with self.subTest(rows=rows):
                self.doCleanups()
                self.setUp()
                self.add("SIGMA_SPECTRUM", rows)
                have = self.written("split", "datacolumn=data", "timebin=20s")
                w = [weight(s) for s in self.spectra(self.sigma, rows)]
                self.assertEqual(set(have), {"DATA", "WEIGHT", "SIGMA"})
                for i in 0, 1:
                    both = w[2 * i] + w[2 * i + 1]
                    mean = (self.data[2 * i] * w[2 * i] + self.data[2 * i + 1] * w[2 * i + 1])
                    np.testing.assert_allclose(have["DATA"][i], mean / both, rtol=1e-6)
                    np.testing.assert_allclose(have["WEIGHT"][i], both.mean(0), rtol=1e-6)
                    np.testing.assert_allclose(have["SIGMA"][i], sigma(both.mean(0)), rtol=1e-6)

    def test_channel_average_where_some_rows_have_sigmas(self):
        self.add("SIGMA_SPECTRUM", [1, 2])
        have = self.written("split", "datacolumn=data", "width=4")
        for r, s in enumerate(self.spectra(self.sigma, [1, 2])):
            sums = weight(s).reshape(2, 4, 4).sum(1)
            np.testing.assert_allclose(have["WEIGHT"][r], sums.mean(0), rtol=1e-6)
            np.testing.assert_allclose(have["SIGMA"][r], sigma(sums).mean(0), rtol=1e-6)
            # without WEIGHT_SPECTRUM the mean of the data is plain
            np.testing.assert_allclose(have["DATA"][r], self.data[r].reshape(2, 4, 4).mean(1),
                                       rtol=1e-6)

    def test_hanning_where_some_rows_have_sigmas(self):
        self.add("SIGMA_SPECTRUM", [0, 2])
        have = self.written("hanningsmooth", "datacolumn=data")
        for r, s in enumerate(self.spectra(self.sigma, [0, 2])):
            w = weight(s)
            inner = 1 / (1 / w[:-2] / 16 + 1 / w[1:-1] / 4 + 1 / w[2:] / 16)
            np.testing.assert_allclose(have["WEIGHT"][r], inner.mean(0), rtol=1e-6)

    def test_usewtspectrum_keeps_the_real_sigmas(self):
        self.add("SIGMA_SPECTRUM", [0, 2])
        have = self.written("mstransform", "datacolumn=data", "usewtspectrum=True")
        for r, s in enumerate(self.spectra(self.sigma, [0, 2])):
            np.testing.assert_array_equal(have["SIGMA_SPECTRUM"][r], s)
            np.testing.assert_array_equal(have["WEIGHT_SPECTRUM"][r],
                                          np.repeat(self.weight[r][None], 8, 0))

    def test_corrected_as_data_derives_sigmas_of_the_weights(self):
        self.add("SIGMA_SPECTRUM", [0, 2])
        have = self.written("partition", "datacolumn=corrected", "createmms=False")
        for r in range(4):
            want = sigma(self.weight[r])
            np.testing.assert_allclose(have["SIGMA"][r], want, rtol=1e-6)
            if r in (0, 2):
                np.testing.assert_allclose(have["SIGMA_SPECTRUM"][r],
                                           np.repeat(want[None], 8, 0), rtol=1e-6)
            else:
                self.assertIsNone(have["SIGMA_SPECTRUM"][r])
        self.multims("verify", "in.ms.partition.True.ms", "against=in.ms", "datacolumn=corrected")
        with table(self.path("in.ms.partition.True.ms"), readonly=False, ack=False) as t:
            t.putcell("SIGMA_SPECTRUM", 2, self.cells[2])
        self.multims("verify", "in.ms.partition.True.ms", "against=in.ms", "datacolumn=corrected",
                     status=1)

    def test_data_beside_corrected_derives_weights_of_the_sigmas(self):
        self.add("WEIGHT_SPECTRUM", [1, 2])
        own = self.cells.copy()
        self.cells = self.cells[::-1].copy()
        self.add("SIGMA_SPECTRUM", [0, 2])
        have = self.written("partition", "datacolumn=data", "createmms=False")
        for r in range(4):
            np.testing.assert_allclose(have["WEIGHT"][r], weight(self.sigma[r]), rtol=1e-6)
        self.assertIsNone(have["WEIGHT_SPECTRUM"][0])
        np.testing.assert_array_equal(have["WEIGHT_SPECTRUM"][1], own[1])
        np.testing.assert_allclose(have["WEIGHT_SPECTRUM"][2], weight(self.cells[2]), rtol=1e-6)
        self.multims("verify", "in.ms.partition.True.ms", "against=in.ms", "datacolumn=data")


if __name__ == "__main__":
    program_case.main()
