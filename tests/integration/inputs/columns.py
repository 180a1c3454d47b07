# SPDX-License-Identifier: LGPL-2.1-or-later
"""Columns that an engine calculates: their values are written, or they are left out and named."""
import shutil

import casacore.tables as ct
import numpy as np

import program_case
from program_case import ProgramCase

KEYS = "TIME,DATA_DESC_ID,ANTENNA1,ANTENNA2"


class Calculated(ProgramCase):

    def setUp(self):
        super().setUp()
        self.simulate()

    def table(self, name="in.ms", **options):
        return ct.table(self.path(name), ack=False, **options)

    def write(self, vis, out, *words):
        for path in (out, out + ".flagversions"):
            shutil.rmtree(self.path(path), ignore_errors=True)
        data = () if words[0] == "partition" else ("datacolumn=data",)
        return self.multims(words[0], vis, out, *data, *words[1:], "--no-sync", "--quiet").stderr

    def check_values(self, names, vis="in.ms"):
        """All of these columns arrive with the values that they read, on both paths."""
        self.write("in.ms", "in.mms", "partition")
        for words in ("partition",), ("split",), ("hanningsmooth",), ("split", "width=2"):
            for vis, tiles in (("in.ms", "True"), ("in.ms", "False"), ("in.mms", "True")):
                self.write(vis, "out.ms", *words, f"tiles={tiles}")
                a, b = self.table().sort(KEYS), self.table("out.ms").sort(KEYS)
                self.assertEqual(a.nrows(), b.nrows())
                for name in names:
                    for r in range(0, a.nrows(), 5):
                        np.testing.assert_array_equal(a.getcell(name, r), b.getcell(name, r), name)
                a.close(), b.close()
                self.multims("verify", "out.ms", *(("--against", vis) if words[0] == "partition"
                                                   else ()))

    def test_derived_columns(self):
        before = self.table().colnames()
        ct.addDerivedMSCal(self.path("in.ms"))
        names = [c for c in self.table().colnames() if c not in before]
        self.assertIn("UVW_J2000", names)
        self.check_values(names)
        said = self.write("in.ms", "out.ms", "split", "timebin=20s")
        self.assertIn("UVW_J2000", said)
        self.assertFalse(set(names) & set(self.table("out.ms").colnames()))

    def test_virtual_taql_columns(self):
        t = self.table(readonly=False)
        for name, desc, expression in (
                ("NOON", ct.makescacoldesc("NOON", 0.0), "TIME+1"),
                ("OPEN", ct.makearrcoldesc("OPEN", 0.0), "UVW*2"),
                ("LENGTH", ct.makearrcoldesc("LENGTH", 0.0, ndim=1), "UVW[:2]")):
            t.addcols(ct.maketabdesc(desc), {"TYPE": "VirtualTaQLColumn", "NAME": name + "_ENGINE",
                                             "SPEC": {"TAQLCALCEXPR": expression}})
        t.close()
        self.check_values(["NOON", "OPEN", "LENGTH"])

    def test_what_cannot_be_read_is_left_out(self):
        """A field that is not in FIELD has no direction to calculate with."""
        ct.addDerivedMSCal(self.path("in.ms"))
        t = self.table(readonly=False)
        t.putcol("FIELD_ID", np.full(t.nrows(), 7, np.int32))
        t.close()
        for words in ("partition",), ("split",), ("split", "timebin=20s", "tiles=False"):
            said = self.write("in.ms", "out.ms", *words)
            self.assertRegex(said, "WARN tables: .*AZEL1, calculated by DerivedMSCal, is left out")
            self.assertNotIn("AZEL1", self.table("out.ms").colnames())
            self.assertGreater(self.table("out.ms").nrows(), 0)
        self.multims("diff", "in.ms", "in.ms")


program_case.main()
