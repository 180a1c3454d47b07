# SPDX-License-Identifier: LGPL-2.1-or-later
"""What exports and imports of UVH5 warn of: each once, with how often and how much."""
import numpy
from casacore.tables import table

import program_case
from uvh5_case import UvhCase, write_uvh5


class Told(UvhCase):
    def told(self, text, *words):
        """A text once among what is said of in.ms."""
        run = self.multims("exportuvh5", "in.ms", "out.uvh5", "datacolumn=data", "--no-sync", "overwrite=True", *words)
        self.assertEqual(run.stderr.count(text), 1, run.stderr)
        return run.stderr

    def change(self, function, **columns):
        with table(self.path("in.ms"), readonly=False, ack=False) as t:
            for name, rows in columns.items():
                values = t.getcol(name)
                values[rows] = function(values[rows])
                t.putcol(name, values)

    def rows(self, autos):
        with table(self.path("in.ms"), ack=False) as t:
            return numpy.flatnonzero((t.getcol("ANTENNA1") == t.getcol("ANTENNA2")) == autos)

    def test_nothing_is_wrong(self):
        self.simulate("in.ms", "autocorrelations=True", "spws=1")
        self.change(lambda v: v.real + 0j, DATA=self.rows(True))
        run = self.multims("exportuvh5", "in.ms", "out.uvh5", "datacolumn=data", "--no-sync")
        self.assertNotIn("WARN", run.stderr)

    def test_uvw_of_cross_and_auto_correlations(self):
        self.simulate("in.ms", "autocorrelations=True", "spws=1")
        self.change(lambda v: v * 0, UVW=self.rows(False)[:3])
        self.told("3 cross-correlations have uvw 0: pyuvdata reads the file only with run_check_acceptability=False")
        self.change(lambda v: v + 2, UVW=self.rows(True)[:2])
        self.told("2 auto-correlations have uvw other than 0")

    def test_autos_that_are_not_real(self):
        """Of the products of one feed; those of two are no numbers that pyuvdata looks at."""
        self.simulate("in.ms", "autocorrelations=True", "spws=1", "correlations=4")
        self.change(lambda v: v.real + 0j, DATA=self.rows(True))
        run = self.multims("exportuvh5", "in.ms", "out.uvh5", "datacolumn=data", "--no-sync")
        self.assertNotIn("not real", run.stderr)
        self.change(lambda v: v + 1j * (numpy.arange(4) % 3 > 0), DATA=self.rows(True))
        run = self.multims("exportuvh5", "in.ms", "out.uvh5", "datacolumn=data", "--no-sync", "overwrite=True")
        self.assertNotIn("not real", run.stderr)
        self.change(lambda v: v + 1j, DATA=self.rows(True)[1:4])
        for words in (), ("compression=gzip",):
            self.told("3 auto-correlations are not real: they are copied", *words)
        self.told("auto-correlations are not real: they are copied", "chanaverage=True", "chanbin=2")

    def test_uvw_and_antenna_positions(self):
        self.simulate("in.ms", "spws=1")
        self.change(lambda v: v + 25, UVW=slice(0, 1))
        self.told("uvw differ from the antenna positions by up to 25")

    def test_windows_that_differ(self):
        self.simulate()
        with table(self.path("in.ms"), ack=False) as t:
            second = numpy.flatnonzero(t.getcol("DATA_DESC_ID") == 1)[:4]
        self.change(lambda v: v + 0.25, UVW=second)
        self.change(lambda v: v + 3, EXPOSURE=second[:2])
        said = self.told("UVW differs between spectral windows in 4 rows, by up to 0.25 m; the first window's stand")
        self.assertEqual(said.count("EXPOSURE differs between spectral windows in 2 rows, by up to 3 s"), 1)

    def test_cells_that_are_not_there(self):
        self.simulate("in.ms", "missing=1:1")
        self.told("25.0 % of the file stands for cells that the MS doesn't have")

    def test_doubles_that_are_too_large(self):
        vis = numpy.full((20, 4, 2), 1e300 + 0j)
        write_uvh5(self.path("in.uvh5"), 20, 1, 2, 4, vis)
        run = self.multims("importuvh5", "in.uvh5", "out.ms", "--no-sync")
        self.assertEqual(run.stderr.count("160 visibilities are infinite as floats"), 1, run.stderr)
        self.assertIn("has no place for half of the 16 bytes of visibilities", run.stderr)


program_case.main(hdf5=True)
