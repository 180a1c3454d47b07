#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Columns that the definition of the MeasurementSet does not know: those of one value a channel and
correlation follow selections in every verb, and have no cells after an average."""
import numpy as np
from casacore.tables import makearrcoldesc, makescacoldesc, maketabdesc, table

import program_case
from program_case import ProgramCase

program_case.parser.add_argument("--data")

FOLLOW = {"BITFLAG": "int", "DIR1_DATA": "complex", "MASK": "boolean", "TILED_WEIGHT": "float",
          "SOME": "double", "LATE": "int"}


class Others(ProgramCase):
    """Two windows of 8 and 5 channels, 4 correlations; row r is told by UVW[1] = r."""

    def setUp(self):
        super().setUp()
        self.multims("simulate", "raw.ms", "antennas=3", "spws=2", "channels=8", "fields=1",
                     "scans=2", "integrations=2", "corrected=True", "--no-sync", "--quiet")
        self.multims("partition", "raw.ms", "in.ms", "spw=0,1:0~4", "createmms=False", "--no-sync",
                     "--quiet")
        self.add_columns("in.ms")
        self.multims("partition", "in.ms", "in.mms", "numsubms=2", "--no-sync", "--quiet")

    def add_columns(self, vis):
        with table(self.path(vis), readonly=False, ack=False) as t:
            uvw = t.getcol("UVW")
            uvw[:, 1] = np.arange(t.nrows())
            t.putcol("UVW", uvw)
            for name, kind in FOLLOW.items():
                value = {"boolean": False, "int": 0, "complex": 0j}.get(kind, 0.0)
                t.addcols(maketabdesc(makearrcoldesc(name, value, ndim=2, valuetype=kind)),
                          {"TYPE": "TiledShapeStMan", "NAME": "TiledOther",
                           "SPEC": {"DEFAULTTILESHAPE": [4, 8, 16]}} if "TILED" in name else {})
            t.addcols(maketabdesc(makearrcoldesc("JONES", 0j, ndim=2, valuetype="complex")))
            t.addcols(maketabdesc(makearrcoldesc("CUBE", 0, ndim=3)))
            t.addcols(maketabdesc(makescacoldesc("REMARK", "")))
            for r in range(t.nrows()):
                for name in FOLLOW:
                    if not (name == "SOME" and r % 2) and not (name == "LATE" and r < 20):
                        t.putcell(name, r, self.cell(name, r, t.getcell("FLAG", r).shape))
                t.putcell("JONES", r, np.full((8, 4), r + 1j))  # as large as spw 0, always
                t.putcell("CUBE", r, np.full((8, 4, 2), r, np.int32))
                t.putcell("REMARK", r, f"row {r}")

    @staticmethod
    def cell(name, r, shape):
        values = np.arange(shape[0] * shape[1]).reshape(shape) + 100 * r
        if FOLLOW[name] == "boolean":
            return (values * 2654435761 >> 7) % 3 == 0
        return values.astype({"int": np.int32, "complex": np.complex64, "float": np.float32}
                             .get(FOLLOW[name], np.float64))

    def check(self, out, chans, corrs):
        """Cells of the output are those of the input, cut; chans by input spw in output order."""
        with table(self.path("in.ms"), ack=False) as a, table(self.path(out), ack=False) as b:
            self.assertGreater(b.nrows(), 0)
            for i in range(b.nrows()):
                r = int(round(b.getcell("UVW", i)[1]))
                keep = chans[a.getcell("DATA_DESC_ID", r)]
                for name in FOLLOW:
                    self.assertEqual(b.iscelldefined(name, i), a.iscelldefined(name, r), name)
                    if b.iscelldefined(name, i):
                        np.testing.assert_array_equal(
                            b.getcell(name, i), a.getcell(name, r)[keep][:, corrs], name)
                        self.assertEqual(b.getcell(name, i).shape, b.getcell("FLAG", i).shape)
                for name in "JONES", "CUBE", "REMARK":
                    np.testing.assert_array_equal(b.getcell(name, i), a.getcell(name, r), name)

    def test_they_follow_in_every_verb(self):
        select = ["spw=1:1~3,0:2~5", "correlation=XX,YY"]
        chans, corrs = {0: slice(2, 6), 1: slice(1, 4)}, [0, 3]
        for verb, words in (("partition", []), ("split", ["datacolumn=data"]),
                            ("mstransform", ["datacolumn=data"]), ("hanningsmooth", []),
                            ("split", ["datacolumn=data", "width=1"])):
            for vis in "in.ms", "in.mms":
                for tiles in "True", "False":
                    with self.subTest(verb=verb, vis=vis, tiles=tiles):
                        out = f"{verb}{len(words)}{vis}{tiles}"
                        run = self.multims(verb, vis, out, *select, *words, f"tiles={tiles}",
                                           "--no-sync")
                        self.assertNotIn("does not know", run.stderr)
                        self.check(out, chans, corrs)
                        self.multims("verify", out)
                        if verb == "partition":
                            self.multims("verify", out, "against=in.ms", *select)

    def test_ranges_that_are_strung_together(self):
        self.multims("partition", "in.ms", "out.mms", "spw=0:6~7;0~2,1:0;4", "--no-sync", "-q")
        self.check("out.mms", {0: [6, 7, 0, 1, 2], 1: [0, 4]}, [0, 1, 2, 3])
        self.multims("verify", "out.mms", "against=in.ms", "spw=0:6~7;0~2,1:0;4")

    def test_nothing_cut_copies_them(self):
        self.multims("partition", "in.ms", "out.mms", "--no-sync", "-q")
        self.check("out.mms", {0: slice(None), 1: slice(None)}, [0, 1, 2, 3])

    def test_averages_leave_no_cells_and_say_so(self):
        for words in (["width=2"], ["timebin=1h"], ["width=2", "timebin=1h"]):
            for tiles in "True", "False":
                with self.subTest(words=words, tiles=tiles):
                    out = "".join(words).replace("=", "") + tiles
                    run = self.multims("split", "in.ms", out, "datacolumn=data", *words,
                                       f"tiles={tiles}", "--no-sync")
                    (line,) = [x for x in run.stderr.splitlines() if "does not know" in x]
                    for name in set(FOLLOW) - {"LATE"}:
                        self.assertIn(name, line)
                    with table(self.path(out), ack=False) as t:
                        for name in FOLLOW:
                            self.assertFalse(any(t.iscelldefined(name, r)
                                                 for r in range(t.nrows())), name)
                        self.assertEqual(t.iscelldefined("JONES", 0), "timebin=1h" not in words)
                    self.multims("verify", out)
                    plan = self.multims("split", "in.ms", "no", "datacolumn=data", *words,
                                        "--dryrun")
                    self.assertIn("does not know", plan.stderr)

    def test_regridding_leaves_no_cells(self):
        self.multims("mstransform", "in.ms", "out.ms", "datacolumn=data", "regridms=True",
                     "nchan=3", "spw=0", "--no-sync", "--quiet")
        with table(self.path("out.ms"), ack=False) as t:
            self.assertFalse(t.iscelldefined("BITFLAG", 0))

    def test_one_window_of_several_is_averaged(self):
        self.multims("split", "in.ms", "out.ms", "datacolumn=data", "width=[1,5]", "--no-sync", "-q")
        with table(self.path("in.ms"), ack=False) as a, table(self.path("out.ms"), ack=False) as b:
            for r in range(b.nrows()):
                self.assertEqual(b.iscelldefined("BITFLAG", r), b.getcell("DATA_DESC_ID", r) == 0)
                if b.iscelldefined("BITFLAG", r):
                    np.testing.assert_array_equal(a.getcell("BITFLAG", r), b.getcell("BITFLAG", r))

    def test_a_fixed_shape_follows_too(self):
        self.multims("partition", "raw.ms", "one.ms", "spw=0", "createmms=False", "--no-sync", "-q")
        with table(self.path("one.ms"), readonly=False, ack=False) as t:
            t.addcols(maketabdesc(makearrcoldesc("DIR1_DATA", 0j, ndim=2, shape=[8, 4],
                                                 valuetype="complex")))
            t.addcols(maketabdesc(makearrcoldesc("HYPER", 0, ndim=2, shape=[8, 4])),
                      {"TYPE": "TiledColumnStMan", "NAME": "TiledHyper",
                       "SPEC": {"DEFAULTTILESHAPE": [4, 8, 4]}})
            before = np.arange(t.nrows() * 32).reshape(-1, 8, 4)
            t.putcol("DIR1_DATA", before.astype(np.complex64))
            t.putcol("HYPER", before.astype(np.int32))
        for tiles in "True", "False":
            self.multims("partition", "one.ms", f"cut{tiles}.ms", "spw=0:2~4", "createmms=False",
                         f"tiles={tiles}", "--no-sync", "-q")
            with table(self.path(f"cut{tiles}.ms"), ack=False) as t:
                np.testing.assert_array_equal(t.getcol("DIR1_DATA"), before[:, 2:5])
                np.testing.assert_array_equal(t.getcol("HYPER"), before[:, 2:5])
            for words in ["timebin=1h"], ["width=4"]:
                out = words[0].replace("=", "") + tiles
                self.multims("split", "one.ms", out, "datacolumn=data", *words, f"tiles={tiles}",
                             "--no-sync", "-q")
                with table(self.path(out), ack=False) as t:
                    self.assertFalse(t.iscelldefined("DIR1_DATA", 0))
                    self.assertFalse(t.iscelldefined("HYPER", 0))

    def test_verify_finds_what_was_not_cut(self):
        self.multims("partition", "in.ms", "out.ms", "spw=0:2~5", "createmms=False", "--no-sync",
                     "-q")
        self.multims("verify", "out.ms", "against=in.ms", "spw=0:2~5")
        for name in "DIR1_DATA", "BITFLAG":
            with table(self.path("out.ms"), readonly=False, ack=False) as t:
                before = t.getcell(name, 3)
                t.putcell(name, 3, self.cell(name, 3, (8, 4)))
            for words in [], ["against=in.ms", "spw=0:2~5"]:
                self.assertIn(name, self.multims("verify", "out.ms", *words, status=1).stdout)
            with table(self.path("out.ms"), readonly=False, ack=False) as t:
                t.putcell(name, 3, before)
        self.multims("verify", "out.ms", "against=in.ms", "spw=0:2~5")


if __name__ == "__main__":
    program_case.main()
