# SPDX-License-Identifier: LGPL-2.1-or-later
"""Cells of other shapes than their window's, or without values; columns that are missing."""
import os
import shutil

import casacore.tables as ct
import numpy as np

import program_case
from program_case import ProgramCase

TRANSFORMS = [("split", "width=2"), ("split", "correlation=XX"), ("hanningsmooth",),
              ("split", "timebin=20s", "width=2", "spw=1:0~5")]


class Cells(ProgramCase):

    def setUp(self):
        super().setUp()
        self.simulate("in.ms", "correlations=XX,YY")

    def table(self, name="in.ms", **options):
        return ct.table(self.path(name), ack=False, **options)

    def fill(self, column, shape, kind, name="in.ms"):
        """Give every row of a set a cell of this shape, all zero."""
        t = self.table(name, readonly=False)
        if column in t.colnames():
            t.removecols([column])
        default = {"float": 0.0, "bool": False, "complex": 0j}[kind]
        t.addcols(ct.maketabdesc(ct.makearrcoldesc(column, default, ndim=len(shape),
                                                   valuetype=kind)))
        for r in range(t.nrows()):
            t.putcell(column, r, np.zeros(shape, {"float": np.float32, "bool": bool,
                                                  "complex": np.complex64}[kind]))
        t.close()

    def write(self, vis, out, *words):
        for path in (out, out + ".flagversions"):
            shutil.rmtree(self.path(path), ignore_errors=True)
        data = () if words[0] == "partition" else ("datacolumn=data",)
        self.multims(words[0], vis, out, *data, *words[1:], "--no-sync", "--quiet")

    def same(self, a, b, *columns):
        keys = "TIME,DATA_DESC_ID,ANTENNA1,ANTENNA2"
        a, b = self.table(a).sort(keys), self.table(b).sort(keys)
        self.assertEqual(a.nrows(), b.nrows())
        for column in columns:
            for r in range(a.nrows()):
                np.testing.assert_array_equal(a.getcell(column, r), b.getcell(column, r),
                                              f"{column} row {r}")

    def check_bystander(self, column, shape, kind):
        """What is calculated is what comes out without the column, whichever path the cells go."""
        shutil.copytree(self.path("in.ms"), self.path("without.ms"), dirs_exist_ok=True)
        self.fill(column, shape, kind)
        self.write("in.ms", "in.mms", "partition")
        self.multims("verify", "in.mms", "--against", "in.ms")
        for words in TRANSFORMS:
            self.write("without.ms", "right.ms", *words)
            for vis, tiles in (("in.ms", "True"), ("in.ms", "False"), ("in.mms", "True")):
                self.write(vis, "out.ms", *words, f"tiles={tiles}")
                self.same("right.ms", "out.ms", "DATA", "FLAG", "WEIGHT", "SIGMA", "UVW")
                self.multims("verify", "out.ms")
        for words in ("spw=0:2~5",), ("correlation=XX",):
            self.write("in.ms", "cut.mms", "partition", *words)
            self.multims("verify", "cut.mms", "--against", "in.ms", *words)

    def test_weight_spectra_without_values(self):
        self.check_bystander("WEIGHT_SPECTRUM", (0, 0), "float")

    def test_sigma_spectra_without_channels(self):
        self.check_bystander("SIGMA_SPECTRUM", (0, 2), "float")

    def test_flag_category_without_values(self):
        self.check_bystander("FLAG_CATEGORY", (0, 0, 0), "bool")

    def test_flag_category_of_another_window(self):
        self.check_bystander("FLAG_CATEGORY", (1, 32, 2), "bool")

    def test_imaging_weight_of_another_window(self):
        self.check_bystander("IMAGING_WEIGHT", (3,), "float")

    def test_spectra_without_values_in_some_rows(self):
        """Such a cell is as good as one that is not defined."""
        for column in "WEIGHT_SPECTRUM", "SIGMA_SPECTRUM":
            for vis, empty in ("undefined.ms", False), ("empty.ms", True):
                shutil.copytree(self.path("in.ms"), self.path(vis), dirs_exist_ok=True)
                t = self.table(vis, readonly=False)
                t.addcols(ct.maketabdesc(ct.makearrcoldesc(column, 0.0, ndim=2,
                                                           valuetype="float")))
                for r in range(t.nrows()):
                    if r % 3 != 1:
                        t.putcell(column, r, np.full((8, 2), 1 + r % 5, np.float32))
                    elif empty:
                        t.putcell(column, r, np.zeros((0, 0), np.float32))
                t.close()
            for words in TRANSFORMS:
                for tiles in "True", "False":
                    self.write("undefined.ms", "right.ms", *words, f"tiles={tiles}")
                    self.write("empty.ms", "out.ms", *words, f"tiles={tiles}")
                    self.same("right.ms", "out.ms", "DATA", "WEIGHT", "SIGMA")
            for vis in "undefined.ms", "empty.ms":
                shutil.rmtree(self.path(vis))

    def test_a_set_without_flag_row(self):
        t = self.table(readonly=False)
        t.removecols(["FLAG_ROW"])
        t.close()
        self.write("in.ms", "in.mms", "partition")
        self.assertIn("FLAG_ROW", self.multims("verify", "in.mms", "--against", "in.ms").stderr)
        self.assertTrue(os.path.isdir(self.path("in.mms.flagversions")))
        for words in TRANSFORMS + [("split", "keepflags=False"),
                                   ("split", "timerange=>1900/01/01")]:
            for vis in "in.ms", "in.mms":
                self.write(vis, "out.ms", *words)
                self.assertGreater(self.table("out.ms").nrows(), 0)


class Stopped(ProgramCase):

    def test_what_stops_a_comparison_is_no_finding(self):
        """Status 2, after what was found by then."""
        self.simulate()
        self.multims("partition", "in.ms", "in.mms", "--no-sync", "--quiet")
        t = ct.table(self.path("in.ms"), readonly=False, ack=False)
        t.putcell("SCAN_NUMBER", 0, 77)
        t.close()
        os.truncate(self.path("in.ms/FIELD/table.f0"), 10)
        for words in ("diff", "in.ms", "in.mms"), ("verify", "in.mms", "--against", "in.ms"):
            run = self.multims(*words, status=2)
            self.assertIn("FAIL row", run.stdout)
            self.assertIn("the others could not be made", run.stdout)
            self.assertIn("FIELD", run.stderr)
            answer = self.answer(*words, status=2)
            self.assertIn("FIELD", answer["stopped"])
            self.assertEqual(len(answer["checks"]), answer["passed"] + answer["failed"])


class Damaged(ProgramCase):

    def test_an_error_of_casacore_names_column_rows_and_worker(self):
        """The files of these columns end too early."""
        for column in "DATA", "WEIGHT":
            self.simulate(column + ".ms")
            t = ct.table(self.path(column + ".ms"), ack=False)
            managers = t.getdminfo().values()
            number = next(m["SEQNR"] for m in managers if column in m["COLUMNS"])
            t.close()
            file = self.path(f"{column}.ms/table.f{number}")
            file += "_TSM0" if os.path.exists(file + "_TSM0") else (
                "_TSM1" if os.path.exists(file + "_TSM1") else "")
            os.truncate(file, os.path.getsize(file) // 3)
            for words in ("partition",), ("split", "datacolumn=data"):
                run = self.multims(words[0], column + ".ms", "out.ms", *words[1:], "tiles=False",
                                   "--no-sync", "--quiet", status=1)
                self.assertRegex(run.stderr, rf"worker \d: .*{column}: rows? \d")
            self.assertFalse(os.path.exists(self.path("out.ms")))


class Windows(ProgramCase):

    def test_a_window_that_a_correlation_leaves_without_rows(self):
        """Spw 1 has one product, which is not selected: it stays in SPECTRAL_WINDOW."""
        self.simulate("all.ms", "correlations=XX,YY;I")  # DDs 0, 2: spws 0, 1 with XX,YY
        self.multims("partition", "all.ms", "in.ms", "createmms=False", "taql=DATA_DESC_ID!=2",
                     "--no-sync", "--quiet")
        t = ct.table(self.path("in.ms/DATA_DESCRIPTION"), readonly=False, ack=False)
        t.putcell("POLARIZATION_ID", 2, 1)
        t.close()
        count = ct.table(self.path("in.ms"), ack=False).query("DATA_DESC_ID==0").nrows()
        self.multims("partition", "in.ms", "in.mms", "--no-sync", "--quiet")
        for i, words in enumerate((("split", "width=4"), ("hanningsmooth",), ("split",),
                                   ("split", "timebin=20s", "width=2"), ("partition",),
                                   ("split", "width=4,2", "spw=1,0"))):
            for vis in "in.ms", "in.mms":
                out = f"out{i}{vis}"
                data = () if words[0] == "partition" else ("datacolumn=data",)
                self.multims(words[0], vis, out, *data, "correlation=XX,YY", *words[1:],
                             "--no-sync", "--quiet")
                self.assertEqual(ct.table(self.path(out + "/SPECTRAL_WINDOW"), ack=False).nrows(),
                                 2)
                if "timebin=20s" not in words:
                    self.assertEqual(ct.table(self.path(out), ack=False).nrows(), count)


program_case.main()
