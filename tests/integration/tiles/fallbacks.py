#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Tables whose tiles are not read directly, with a line in the log that says why, and files that are
broken, which are named."""
import os
import shutil
import struct

from casacore import tables as ct

import layouts
import program_case
from machine import preload
from program_case import ProgramCase

program_case.parser.add_argument("--faults", required=True, type=os.path.abspath)
program_case.parser.add_argument("--fill-tiled-data", required=True, type=os.path.abspath)
LEFT = "is read through casacore: "


class TileCase(ProgramCase):
    def setUp(self):
        super().setUp()
        self.simulate("in.ms", "correlations=XX,YY", "integrations=20", "channels=64")

    def header(self, column="DATA", name="in.ms"):
        """The header file of a column's manager."""
        table = layouts.opened(self.path(name))
        number = table.getdminfo(column)["SEQNR"]
        table.close()
        return self.path(f"{name}/table.f{number}")

    def casarc(self, text):
        """An environment whose casarc holds text."""
        os.makedirs(self.path("home"), exist_ok=True)
        with open(self.path("home/.casarc"), "w") as f:
            f.write(text + "\n")
        return {**os.environ, "HOME": self.path("home")}

    def fault(self, name, where="/"):
        return {**os.environ, **preload(program_case.args.faults), "TILE_FAULT": name,
                "TILE_PATH": where}

    def split(self, *words, status=0, **options):
        return self.multims("split", "in.ms", "out.ms", "datacolumn=all", "--no-sync", "-j1",
                            *words, status=status, **options)

    def assert_copied(self, run, why):
        """All cells came through, and the log says why, in one line of the worker."""
        lines = [line for line in run.stderr.splitlines()
                 if why in line and "worker" in line]
        self.assertEqual(len(lines), 1, run.stderr)
        want, got = layouts.cells(self.path("in.ms")), layouts.cells(self.path("out.ms"))
        self.assertEqual(sorted(got), sorted(want))
        for column in want:
            self.assertEqual(got[column], want[column], column)


class Fallbacks(TileCase):
    def test_multifile(self):
        shutil.rmtree(self.path("in.ms"))
        run = self.run_words(program_case.args.program, "simulate", "in.ms", "corrected=True", "-q",
                             "channels=8", env=self.casarc("table.storage.option: multifile"))
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertIn("table.mf", os.listdir(self.path("in.ms")))
        self.assert_copied(self.split("-vv"), f"in.ms: every column {LEFT}")

    def test_output_that_casarc_makes_a_multifile(self):
        self.split(env=self.casarc("table.storage.option: multifile"))
        self.assertIn("table.mf", os.listdir(self.path("out.ms")))
        self.assertEqual(layouts.cells(self.path("out.ms"), ["DATA", "FLAG"]),
                         layouts.cells(self.path("in.ms"), ["DATA", "FLAG"]))

    def test_tiled_data_manager(self):
        table = layouts.opened(self.path("in.ms"), readonly=False)
        desc = ct.maketabdesc(ct.makearrcoldesc("EXTRA", 0.0, 1, valuetype="float",
                                                datamanagertype="TiledDataStMan",
                                                datamanagergroup="TiledExtra"))
        desc["_define_hypercolumn_"] = {"TiledExtra": {"HCndim": 2, "HCdatanames": ["EXTRA"]}}
        table.addcols(desc, {"TYPE": "TiledDataStMan", "NAME": "TiledExtra", "SPEC": {}})
        table.close()
        run = self.run_words(program_case.args.fill_tiled_data, "in.ms", "EXTRA")
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assert_copied(self.split("-vv"), f"EXTRA {LEFT}TiledDataStMan")

    def test_unknown_version(self):
        """casacore takes any version of this object."""
        with open(self.header(), "r+b") as f:
            bytes_ = f.read()
            at = bytes_.index(b"TiledShapeStMan") + len("TiledShapeStMan")
            self.assertEqual(bytes_[at:at + 4], struct.pack(">i", 1))
            f.seek(at + 3)
            f.write(b"\x07")
        self.assert_copied(self.split(), f"DATA {LEFT}")

    def test_tiles_that_casacore_reads_otherwise(self):
        run = self.split(env=self.fault("flip", "/in.ms/"))
        self.assertIn("of its tiles is not what casacore reads; the column is read through casacore",
                      run.stderr)
        self.assertEqual(layouts.cells(self.path("out.ms")), layouts.cells(self.path("in.ms")))


    def test_diff_of_tiles_that_casacore_reads_otherwise(self):
        shutil.copytree(self.path("in.ms"), self.path("same.ms"))
        run = self.multims("diff", "in.ms", "same.ms", env=self.fault("flip", "/same.ms/"))
        self.assertIn("of its tiles is not what casacore reads", run.stderr)

    def test_verify_does_not_read_the_set_directly(self):
        """It is judged as other programs read it."""
        self.multims("partition", "in.ms", "out.mms", "--no-sync")
        run = self.multims("verify", "out.mms", "--against", "in.ms",
                           env=self.fault("flip", "/out.mms/"))
        self.assertNotIn("casacore reads", run.stderr)

    def test_no_tiles_at_all(self):
        """With tiles=False nothing is read directly, not for the backup of the flags either."""
        run = self.multims("partition", "in.ms", "out.mms", "tiles=False", "--no-sync", "-j1",
                           env=self.fault("flip"))
        self.assertNotIn("casacore reads", run.stderr)
        self.assertTrue(os.path.isdir(self.path("out.mms.flagversions/flags.partition_1")))

    def test_output_that_casacore_reads_otherwise(self):
        run = self.split(status=1, env=self.fault("flip", "/out.ms/"))
        self.assertRegex(run.stderr.splitlines()[-1], r"/out\.ms: \w+: casacore reads other cells")
        self.assertEqual(sorted(os.listdir(self.folder)), ["in.ms"])

    def parts(self, *words, axis="scan", status=0):
        """Make parts whose second casacore reads otherwise, with one worker."""
        shutil.rmtree(self.path("in.ms"))
        self.simulate("in.ms", *words)
        return self.multims("partition", "in.ms", "out.mms", f"separationaxis={axis}", "--no-sync",
                            "--no-share", "flagbackup=False", "-j1", status=status,
                            env=self.fault("flip", "/out.0001.ms/"))

    def test_a_part_like_the_one_before_is_not_compared_again(self):
        self.parts("scans=2")
        self.assertEqual(len(os.listdir(self.path("out.mms/SUBMSS"))), 2)

    def test_parts_with_other_cells_or_more_rows_are_compared(self):
        for axis, words in (("spw", ["scans=1", "spws=2", "channels=64,32"]),
                            ("scan", ["scans=2", "spws=2", "missing=1:1"])):
            with self.subTest(axis=axis):
                run = self.parts(*words, axis=axis, status=1)
                self.assertRegex(run.stderr.splitlines()[-1],
                                 r"/out\.0001\.ms: \w+: casacore reads other cells")


class Broken(TileCase):
    def assert_refused(self, path, status=2, **options):
        for words in (["split"], ["split", "width=4"],
                      ["partition", "flagbackup=False", "separationaxis=scan"]):
            with self.subTest(words=words):
                run = self.multims(words[0], "in.ms", "out.ms", "datacolumn=all", "--no-sync",
                                   "-j1", *words[1:], status=status, **options)
                self.assertIn(os.path.relpath(path, self.folder), run.stderr.splitlines()[-1])
                self.assertEqual(sorted(os.listdir(self.folder)), ["in.ms"])

    def test_tiles_cut_short(self):
        path = self.header() + "_TSM1"
        os.truncate(path, os.path.getsize(path) // 8)
        self.assert_refused(path)

    def test_tiles_are_missing(self):
        path = self.header() + "_TSM1"
        os.unlink(path)
        self.assert_refused(path)

    def test_header_cut_short(self):
        path = self.header()
        for part in (2, 5, 30):
            os.truncate(path, os.path.getsize(path) * (part - 1) // part)
            self.assert_refused(path)

    def test_header_of_something_else(self):
        path = self.header()
        with open(path, "r+b") as f:
            f.write(b"no table")
        self.assert_refused(path)

    def test_row_map_that_leads_nowhere(self):
        """casacore believes it and fails, or worse, when it reads."""
        path = self.header()
        with open(path, "r+b") as f:
            bytes_ = f.read()
            at = bytes_.rindex(b"Block", 0, bytes_.rindex(b"Block")) + 13  # cubes of the rows
            f.seek(at)
            f.write(struct.pack(">i", 99))
        self.assert_refused(path)

    def test_disk_that_fills_up_while_tiles_are_written(self):
        run = self.split(status=1, env=self.fault("full"))
        self.assertRegex(run.stderr.splitlines()[-1], r"_TSM\d: No space left on device")
        self.assertEqual(sorted(os.listdir(self.folder)), ["in.ms"])

    def test_quota_that_is_told_when_a_file_is_closed(self):
        run = self.split(status=1, env=self.fault("quota"))
        self.assertRegex(run.stderr.splitlines()[-1], r"_TSM\d: Disk quota exceeded")
        self.assertEqual(sorted(os.listdir(self.folder)), ["in.ms"])

    def fix_shape(self, path, column, shape):
        """Store the values of a column again, in cells of another shape."""
        table = layouts.opened(path, readonly=False)
        values = [table.getcell(column, row).reshape(shape) for row in range(table.nrows())]
        desc = {"name": column, "desc": {**table.getcoldesc(column), "shape": list(shape)}}
        table.removecols([column])
        table.addcols(ct.maketabdesc([desc]), {"TYPE": "TiledColumnStMan", "NAME": "T" + column})
        for row, value in enumerate(values):
            table.putcell(column, row, value)
        table.close()

    def test_members_that_fix_other_shapes(self):
        """As many values in a cell, but not of that shape: no way to write them under one column."""
        self.simulate("fixed.ms", "correlations=XX,YY", "channels=64", "layout=tiledcolumn")
        self.multims("partition", "fixed.ms", "fixed.mms", "separationaxis=scan", "datacolumn=all",
                     "flagbackup=False", "--no-sync", "-j1")
        for column in ("DATA", "CORRECTED_DATA", "FLAG"):
            self.fix_shape(self.path("fixed.mms/SUBMSS/fixed.0001.ms"), column, (32, 4))
        for tiles in (True, False):
            run = self.multims("partition", "fixed.mms", "out.mms", "separationaxis=scan",
                               "datacolumn=all", f"tiles={tiles}", "-j1", status=1)
            self.assertRegex(run.stderr.splitlines()[-1], r"FLAG: (.* another shape|.* conformance)")
            self.assertFalse(os.path.exists(self.path("out.mms")))


class Written(TileCase):
    def bytes_written(self, *words):
        """Bytes written to the output's tile files; the sizes of those files; bytes of the values."""
        self.split(*words, env={**self.fault("count"), "TILE_LOG": self.path("log")})
        with open(self.path("log")) as f:
            total = sum(int(line.split()[0]) for line in f)
        sizes = sum(e.stat().st_size for e in os.scandir(self.path("out.ms")) if "_TSM" in e.name)
        table = layouts.opened(self.path("out.ms"))
        tiled = [c for c in table.colnames() if table.getdminfo(c)["TYPE"].startswith("Tiled")]
        table.close()
        values = 0
        for cells in layouts.cells(self.path("out.ms"), tiled).values():
            n = sum(len(c[2]) for c in cells if c)
            flags = any(c and c[0] == "|b1" for c in cells)
            values += n // 8 if flags else n
        os.unlink(self.path("log"))
        shutil.rmtree(self.path("out.ms"))
        return total, sizes, values

    def test_nothing_is_written_twice(self):
        """No tile is filled with zeros first, and no bytes are written again."""
        for words in ([], ["width=4"], ["spw=0:3~17,1:0~9"], ["timebin=20s"]):
            with self.subTest(words=words):
                written, size, values = self.bytes_written(*words)
                self.assertGreater(values, 20000)
                self.assertGreaterEqual(written, values)
                self.assertLessEqual(written, size)


if __name__ == "__main__":
    program_case.main()
