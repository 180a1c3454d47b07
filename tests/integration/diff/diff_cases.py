# SPDX-License-Identifier: LGPL-2.1-or-later
"""What diff finds: copies of a set with one thing changed, each found and named, and nothing else."""
import os
import shutil

import numpy as np
from casacore import tables as ct

import program_case
from judge_case import JudgeCase


def put(path, column, row, change):
    """Change one cell in place; change gets and returns its value."""
    t = ct.table(path, readonly=False, ack=False)
    t.putcell(column, row, change(t.getcell(column, row)))
    t.close()


def bump(index, value):
    def change(cell):
        cell = np.array(cell)
        cell[index] = value
        return cell
    return change


class Diff(JudgeCase):
    verb = "diff"

    def copy(self, source, name="b.ms"):
        return super().copy(source, name)

    def test_a_set_and_itself(self):
        self.expect("a set and itself", [self.ms, self.ms], [])

    def test_one_cell(self):
        ms = self.ms
        b = self.copy(ms)
        put(b, "DATA", 9, bump((3, 1), 5 + 6j))
        found = self.expect("one visibility", [ms, b], ["DATA"], text="DATA row 9 / 9 [3,1]: (")
        self.check("its place as JSON", found.get("DATA", {}).get("findings", [{}])[0].get("row_a") == 9
                   and found["DATA"]["findings"][0]["element"] == "[3,1]" and found["DATA"]["count"] == 1)
        b = self.copy(ms)
        put(b, "FLAG", 1057, lambda v: ~np.array(v))
        self.expect("the flags of the last row", [ms, b], ["FLAG"], text="FLAG row 1057")
        b = self.copy(ms)
        put(b, "FLAG_ROW", 0, lambda v: not v)
        self.expect("one row flag", [ms, b], ["FLAG_ROW"], text="row 0 / 0: 1 / 0")
        b = self.copy(ms)
        put(b, "UVW", 5, bump(2, -0.0))
        put(b, "UVW", 6, bump(2, 0.0))
        a = self.copy(ms, "a.ms")
        put(a, "UVW", 5, bump(2, 0.0))
        put(a, "UVW", 6, bump(2, 0.0))
        self.expect("the sign of zero", [a, b], ["UVW"], text="row 5 / 5 [2]: 0 / -0")
        self.expect("the sign of zero within a tolerance", [a, b], [], "--atol", "1e-9")

    def test_in_place(self):
        """Enough for whole runs of tiles to be compared where they lie, by one thread and by more."""
        a, b = os.path.join(self.folder, "big.ms"), os.path.join(self.folder, "big_b.ms")
        self.multims("simulate", a, "scans=2", "antennas=20", "integrations=60", "--quiet")
        b = self.copy(a, "big_b.ms")
        last = ct.table(a, ack=False).nrows() - 1
        for workers in ("1", "4"):
            self.expect("the same, -j %s" % workers, [a, b], [], "-j", workers)
        put(b, "DATA", last - 3, bump((63, 3), 5 + 6j))
        put(b, "FLAG", last - 70, bump((2, 1), True))
        put(b, "FLAG", last - 71, bump((2, 1), False))
        flags = ct.table(a, ack=False)
        differ = [r for r, v in ((last - 70, True), (last - 71, False)) if flags.getcell("FLAG", r)[2, 1] != v]
        for workers in ("1", "4"):
            found = self.expect("one cell of many, -j %s" % workers, [a, b], ["DATA"] + ["FLAG"] * bool(differ), "-j", workers)
            rows = [f["row_a"] for f in found.get("DATA", {}).get("findings", [])]
            self.check("its row, -j %s" % workers, rows == [last - 3], str(rows))
            rows = [f["row_a"] for f in found.get("FLAG", {}).get("findings", [])]
            self.check("the rows of its flags, -j %s" % workers, rows == sorted(differ), str(rows))

    def test_not_a_number(self):
        ms = self.ms
        a, b = self.copy(ms, "a.ms"), self.copy(ms)
        for p in (a, b):
            put(p, "WEIGHT", 9, bump(0, np.nan))
            put(p, "DATA", 9, bump((0, 0), complex(np.nan, 1)))
        self.expect("NaN equals NaN", [a, b], [])
        put(b, "DATA", 9, bump((0, 0), complex(np.nan, 2)))
        self.expect("beside a NaN", [a, b], ["DATA"], text="(nan,1) / (nan,2)")
        self.expect("NaN against a number", [ms, a], ["WEIGHT", "DATA"], "--rtol", "0.5")

    def test_tolerances(self):
        ms = self.ms
        b = self.copy(ms)
        put(b, "WEIGHT", 4, lambda v: np.array(v) * np.float32(1 + 1e-5))
        put(b, "DATA", 4, lambda v: np.array(v) * np.complex64(1 + 1e-5))
        self.expect("beyond rtol", [ms, b], ["WEIGHT", "DATA"], "--rtol", "1e-6")
        self.expect("within rtol", [ms, b], [], "--rtol", "1e-4")
        self.expect("one column within its tolerance", [ms, b], ["DATA"], "--tolerance", "WEIGHT=1e-4")
        self.expect("both, one absolute", [ms, b], [], "--tolerance", "WEIGHT=1e-4,DATA=0/1e3")
        self.expect("left out", [ms, b], [], "--skip", "DATA,WEIGHT")
        self.expect("only others", [ms, b], [], "--columns", "UVW,FLAG")
        status, _, err = self.judge(ms, b, "--tolerance", "WEIGHT")
        self.check("a tolerance without a number is refused", status == 2 and "COLUMN=RTOL" in err, err)
        status, _, err = self.judge(ms, b, "--tolerance", "WIGHT=1")
        self.check("a tolerance of no column is refused", status == 2 and "WIGHT" in err, err)
        self.expect("a column that neither has", [ms, ms], ["columns"], "--columns", "DATA,DATUM", text="DATUM")

    def test_shapes(self):
        ms = self.ms
        b = self.copy(ms)
        t = ct.table(b, readonly=False, ack=False)
        shape = t.getcell("DATA", 3).shape
        t.putcell("WEIGHT_SPECTRUM", 3, np.ones(shape, np.float32))
        t.close()
        self.expect("a cell that A lacks", [ms, b], ["WEIGHT_SPECTRUM"], text="row 3 / 3 shape: undefined / [")
        self.expect("a cell that B lacks", [b, ms], ["WEIGHT_SPECTRUM"], text="/ undefined")
        a = self.copy(ms, "a.ms")
        t = ct.table(a, readonly=False, ack=False)
        t.putcell("WEIGHT_SPECTRUM", 3, np.ones((2, 2), np.float32))
        t.close()
        self.expect("another shape", [b, a], ["WEIGHT_SPECTRUM"], text="/ [2,2]")

    def test_descriptions(self):
        ms = self.ms
        b = self.copy(ms)
        t = ct.table(b, readonly=False, ack=False)
        t.putcolkeyword("UVW", "QuantumUnits", ["km", "km", "km"])
        t.close()
        self.expect("units", [ms, b], ["units and measures"], text="UVW")
        b = self.copy(ms)
        t = ct.table(b, readonly=False, ack=False)
        t.removecols("SIGMA_SPECTRUM")
        t.close()
        self.expect("a missing column", [ms, b], ["columns"], text="SIGMA_SPECTRUM only in A")
        b = self.copy(ms)
        t = ct.table(b, readonly=False, ack=False)
        t.removekeyword("SYSCAL")
        t.close()
        self.expect("a missing sub-table", [ms, b], ["sub-tables"], text="SYSCAL only in A")

    def test_subtables(self):
        ms = self.ms
        b = self.copy(ms)
        put(b + "/ANTENNA", "NAME", 2, lambda v: v + "x")
        self.expect("a text in ANTENNA", [ms, b], ["ANTENNA"], text="NAME row 2 / 2")
        self.expect("ANTENNA left out", [ms, b], [], "--subtables", "FIELD,FEED")
        self.expect("no sub-tables", [ms, b], [], "--subtables", "none")
        b = self.copy(ms)
        put(b + "/SPECTRAL_WINDOW", "CHAN_FREQ", 1, bump(7, 1.0))
        self.expect("a frequency", [ms, b], ["SPECTRAL_WINDOW"], text="CHAN_FREQ row 1 / 1 [7]")
        b = self.copy(ms)
        t = ct.table(b + "/FEED", readonly=False, ack=False)
        t.addrows(1)
        t.close()
        self.expect("a row more in FEED", [ms, b], ["FEED"], text="rows: 26 / 27")
        b = self.copy(ms)
        t = ct.table(b + "/HISTORY", readonly=False, ack=False)
        t.addrows(1)
        t.close()
        self.expect("HISTORY is left out", [ms, b], [])
        self.expect("HISTORY is asked for", [ms, b], ["HISTORY"], "--history", text="rows: ")
        b = self.copy(ms)
        a = ct.table(ms + "/FEED", ack=False)
        shutil.rmtree(b + "/FEED")
        a.selectrows(np.arange(a.nrows())[::-1]).copy(b + "/FEED", deep=True)
        self.expect("FEED in another order", [ms, b], ["FEED"])
        self.expect("FEED in any order", [ms, b], [], "--ignore-order")

    def reorder(self, ms, order, name="b.ms"):
        """A copy with the rows in that order (some left out or twice)."""
        path = self.copy(ms, name)
        self.keep_rows(path, order, ms)
        return path

    def test_orders(self):
        ms = self.ms
        n = ct.table(ms, ack=False).nrows()
        swapped = np.arange(n)
        swapped[[10, 900]] = [900, 10]
        b = self.reorder(ms, swapped)
        failed = self.expect("two rows changed places", [ms, b], ["row order"], text="row 10 of A is row 900 of B")
        self.check("both are counted", failed.get("row order", {}).get("count") == 2)
        self.expect("in any order", [ms, b], [], "--ignore-order")
        put(b, "DATA", 10, bump((0, 0), 9))
        self.expect("a cell of a moved row", [ms, b], ["DATA"], "--ignore-order", text="DATA row 900 / 10 [0,0]")
        b = self.reorder(ms, np.random.default_rng(1).permutation(n))
        self.expect("shuffled", [ms, b], [], "--ignore-order")
        b = self.reorder(ms, np.delete(np.arange(n), 77))
        self.expect("a lost row", [ms, b], ["rows", "row keys"])
        self.expect("which one", [ms, b], ["row keys", "rows"], "--ignore-order", text="row 77 of A has no partner: TIME")
        b = self.reorder(ms, np.delete(swapped, 77))
        self.expect("a lost row and two that changed places", [ms, b], ["rows", "row keys", "row order"])
        b = self.reorder(ms, np.append(np.arange(n), 5))
        self.expect("a row twice", [ms, b], ["row keys", "rows"], text="row %d of B has no partner" % n)
        b = self.copy(ms)
        put(b, "ANTENNA2", 33, lambda v: 12)
        self.expect("an id is part of the key", [ms, b], ["row keys"], text="row 33 of ")

    def test_equal_keys(self):
        """Rows with equal keys match in the order in which they are stored."""
        ms = self.ms
        a = self.reorder(ms, [4, 4, 4, 5], "a.ms")
        put(a, "DATA", 0, bump((0, 0), 1))
        put(a, "DATA", 1, bump((0, 0), 2))
        put(a, "DATA", 2, bump((0, 0), 3))
        b = self.reorder(a, [3, 0, 1, 2])
        self.expect("equal keys in stored order", [a, b], [], "--ignore-order")
        b = self.reorder(a, [3, 1, 0, 2])
        self.expect("equal keys in another order", [a, b], ["DATA"], "--ignore-order", text="DATA row 0 / 1 [0,0]")

    def test_multi(self):
        scan, auto = os.path.join(self.data, "scan.mms"), os.path.join(self.data, "auto.mms")
        self.expect("two maps of one set", [scan, auto], [], "--ignore-order")
        self.expect("their parts and axes", [scan, auto], ["parts", "axis"], "--ignore-order", "--parts")
        self.expect("their order", [scan, auto], ["row order"])
        b = self.copy(auto, "b.mms")
        put(b + "/SUBMSS/auto.mms.0002.ms", "DATA", 1, bump((0, 0), 7))
        self.expect("a cell of one part", [scan, b], ["DATA"], "--ignore-order")

    def test_refusals(self):
        ms = self.ms
        status, _, err = self.judge(ms, os.path.join(self.folder, "none.ms"))
        self.check("a set that is not there", status == 2 and "none.ms" in err, err)
        status, _, err = self.judge(ms, self.folder)
        self.check("a folder that is no table", status == 2 and self.folder in err, err)
        status, _, err = self.judge(ms, ms + "/ANTENNA")
        self.check("a table that is no MS", status == 2 and "not a MeasurementSet" in err, err)
        run = self.multims("diff", ms, ms)
        self.check("text", run.stdout.rstrip().endswith("checks passed, 0 failed"), run.stdout)


program_case.main()
