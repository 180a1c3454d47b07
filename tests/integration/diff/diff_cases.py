#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What diff finds: copies of a set with one thing changed, each found and named, and nothing else.

    diff_cases.py --program multims --data DIR --scratch DIR

Prints a line a case and ends with `N passed, N failed`.
"""
import argparse
import json
import os
import shutil
import subprocess
import sys

import numpy as np
from casacore import tables as ct


class Cases:
    def __init__(self, program, data, scratch):
        self.program, self.data = program, data
        self.scratch = os.path.join(scratch, "diff.scratch")
        shutil.rmtree(self.scratch, ignore_errors=True)
        os.makedirs(self.scratch)
        self.passed = self.failed = 0

    def check(self, name, ok, text=""):
        print("%s %s%s" % ("ok  " if ok else "FAIL", name, "" if ok else ": " + text))
        if ok:
            self.passed += 1
        else:
            self.failed += 1

    def diff(self, a, b, *args):
        """Exit status and the failed checks as {name: check}."""
        run = subprocess.run([self.program, "diff", a, b, "--json", *args], capture_output=True, text=True)
        if run.returncode not in (0, 1):
            return run.returncode, {}, run.stderr
        result = json.loads(run.stdout)
        failed = {c["check"]: c for c in result["checks"] if not c["passed"]}
        assert result["failed"] == len(failed) and len(result["checks"]) == result["failed"] + result["passed"]
        return run.returncode, failed, run.stderr

    def copy(self, source, name="b.ms"):
        path = os.path.join(self.scratch, name)
        shutil.rmtree(path, ignore_errors=True)
        shutil.copytree(source, path, symlinks=True)
        return path

    def expect(self, name, a, b, checks, *args, text=None):
        """The failed checks are these; text stands in the first finding of the first."""
        status, failed, err = self.diff(a, b, *args)
        ok = status == (1 if checks else 0) and sorted(failed) == sorted(checks)
        if ok and text:
            ok = any(text in f["text"] for f in failed[checks[0]]["findings"])
        self.check(name, ok, "status %d, %s %s" % (status, {k: v["findings"] for k, v in failed.items()}, err[-300:]))
        return failed


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


def one_cell(c, ms):
    b = c.copy(ms)
    put(b, "DATA", 9, bump((3, 1), 5 + 6j))
    found = c.expect("one visibility", ms, b, ["DATA"], text="DATA row 9 / 9 [3,1]: (")
    c.check("its place as JSON", found.get("DATA", {}).get("findings", [{}])[0].get("row_a") == 9
            and found["DATA"]["findings"][0]["element"] == "[3,1]" and found["DATA"]["count"] == 1)
    b = c.copy(ms)
    put(b, "FLAG", 1057, lambda v: ~np.array(v))
    c.expect("the flags of the last row", ms, b, ["FLAG"], text="FLAG row 1057")
    b = c.copy(ms)
    put(b, "FLAG_ROW", 0, lambda v: not v)
    c.expect("one row flag", ms, b, ["FLAG_ROW"], text="row 0 / 0: 1 / 0")
    b = c.copy(ms)
    put(b, "UVW", 5, bump(2, -0.0))
    put(b, "UVW", 6, bump(2, 0.0))
    a = c.copy(ms, "a.ms")
    put(a, "UVW", 5, bump(2, 0.0))
    put(a, "UVW", 6, bump(2, 0.0))
    c.expect("the sign of zero", a, b, ["UVW"], text="row 5 / 5 [2]: 0 / -0")
    c.expect("the sign of zero within a tolerance", a, b, [], "--atol", "1e-9")


def in_place(c):
    """Enough for whole runs of tiles to be compared where they lie, by one thread and by more."""
    a, b = os.path.join(c.scratch, "big.ms"), os.path.join(c.scratch, "big_b.ms")
    subprocess.run([c.program, "simulate", a, "scans=2", "antennas=20", "integrations=60", "--quiet"], check=True)
    b = c.copy(a, "big_b.ms")
    last = ct.table(a, ack=False).nrows() - 1
    for workers in ("1", "4"):
        c.expect("the same, -j %s" % workers, a, b, [], "-j", workers)
    put(b, "DATA", last - 3, bump((63, 3), 5 + 6j))
    put(b, "FLAG", last - 70, bump((2, 1), True))
    put(b, "FLAG", last - 71, bump((2, 1), False))
    flags = ct.table(a, ack=False)
    differ = [r for r, v in ((last - 70, True), (last - 71, False)) if flags.getcell("FLAG", r)[2, 1] != v]
    for workers in ("1", "4"):
        found = c.expect("one cell of many, -j %s" % workers, a, b, ["DATA"] + ["FLAG"] * bool(differ), "-j", workers)
        rows = [f["row_a"] for f in found.get("DATA", {}).get("findings", [])]
        c.check("its row, -j %s" % workers, rows == [last - 3], str(rows))
        rows = [f["row_a"] for f in found.get("FLAG", {}).get("findings", [])]
        c.check("the rows of its flags, -j %s" % workers, rows == sorted(differ), str(rows))


def not_a_number(c, ms):
    a, b = c.copy(ms, "a.ms"), c.copy(ms)
    for p in (a, b):
        put(p, "WEIGHT", 9, bump(0, np.nan))
        put(p, "DATA", 9, bump((0, 0), complex(np.nan, 1)))
    c.expect("NaN equals NaN", a, b, [])
    put(b, "DATA", 9, bump((0, 0), complex(np.nan, 2)))
    c.expect("beside a NaN", a, b, ["DATA"], text="(nan,1) / (nan,2)")
    c.expect("NaN against a number", ms, a, ["WEIGHT", "DATA"], "--rtol", "0.5")


def tolerances(c, ms):
    b = c.copy(ms)
    put(b, "WEIGHT", 4, lambda v: np.array(v) * np.float32(1 + 1e-5))
    put(b, "DATA", 4, lambda v: np.array(v) * np.complex64(1 + 1e-5))
    c.expect("beyond rtol", ms, b, ["WEIGHT", "DATA"], "--rtol", "1e-6")
    c.expect("within rtol", ms, b, [], "--rtol", "1e-4")
    c.expect("one column within its tolerance", ms, b, ["DATA"], "--tolerance", "WEIGHT=1e-4")
    c.expect("both, one absolute", ms, b, [], "--tolerance", "WEIGHT=1e-4,DATA=0/1e3")
    c.expect("left out", ms, b, [], "--skip", "DATA,WEIGHT")
    c.expect("only others", ms, b, [], "--columns", "UVW,FLAG")
    status, _, err = c.diff(ms, b, "--tolerance", "WEIGHT")
    c.check("a tolerance without a number is refused", status == 2 and "COLUMN=RTOL" in err, err)
    status, _, err = c.diff(ms, b, "--tolerance", "WIGHT=1")
    c.check("a tolerance of no column is refused", status == 2 and "WIGHT" in err, err)
    c.expect("a column that neither has", ms, ms, ["columns"], "--columns", "DATA,DATUM", text="DATUM")


def shapes(c, ms):
    b = c.copy(ms)
    t = ct.table(b, readonly=False, ack=False)
    shape = t.getcell("DATA", 3).shape
    t.putcell("WEIGHT_SPECTRUM", 3, np.ones(shape, np.float32))
    t.close()
    c.expect("a cell that A lacks", ms, b, ["WEIGHT_SPECTRUM"], text="row 3 / 3 shape: undefined / [")
    c.expect("a cell that B lacks", b, ms, ["WEIGHT_SPECTRUM"], text="/ undefined")
    a = c.copy(ms, "a.ms")
    t = ct.table(a, readonly=False, ack=False)
    t.putcell("WEIGHT_SPECTRUM", 3, np.ones((2, 2), np.float32))
    t.close()
    c.expect("another shape", b, a, ["WEIGHT_SPECTRUM"], text="/ [2,2]")


def descriptions(c, ms):
    b = c.copy(ms)
    t = ct.table(b, readonly=False, ack=False)
    t.putcolkeyword("UVW", "QuantumUnits", ["km", "km", "km"])
    t.close()
    c.expect("units", ms, b, ["units and measures"], text="UVW")
    b = c.copy(ms)
    t = ct.table(b, readonly=False, ack=False)
    t.removecols("SIGMA_SPECTRUM")
    t.close()
    c.expect("a missing column", ms, b, ["columns"], text="SIGMA_SPECTRUM only in A")
    b = c.copy(ms)
    t = ct.table(b, readonly=False, ack=False)
    t.removekeyword("SYSCAL")
    t.close()
    c.expect("a missing sub-table", ms, b, ["sub-tables"], text="SYSCAL only in A")


def subtables(c, ms):
    b = c.copy(ms)
    put(b + "/ANTENNA", "NAME", 2, lambda v: v + "x")
    c.expect("a text in ANTENNA", ms, b, ["ANTENNA"], text="NAME row 2 / 2")
    c.expect("ANTENNA left out", ms, b, [], "--subtables", "FIELD,FEED")
    c.expect("no sub-tables", ms, b, [], "--subtables", "none")
    b = c.copy(ms)
    put(b + "/SPECTRAL_WINDOW", "CHAN_FREQ", 1, bump(7, 1.0))
    c.expect("a frequency", ms, b, ["SPECTRAL_WINDOW"], text="CHAN_FREQ row 1 / 1 [7]")
    b = c.copy(ms)
    t = ct.table(b + "/FEED", readonly=False, ack=False)
    t.addrows(1)
    t.close()
    c.expect("a row more in FEED", ms, b, ["FEED"], text="rows: 26 / 27")
    b = c.copy(ms)
    t = ct.table(b + "/HISTORY", readonly=False, ack=False)
    t.addrows(1)
    t.close()
    c.expect("HISTORY is left out", ms, b, [])
    c.expect("HISTORY is asked for", ms, b, ["HISTORY"], "--history", text="rows: ")
    b = c.copy(ms)
    a = ct.table(ms + "/FEED", ack=False)
    shutil.rmtree(b + "/FEED")
    a.selectrows(np.arange(a.nrows())[::-1]).copy(b + "/FEED", deep=True)
    c.expect("FEED in another order", ms, b, ["FEED"])
    c.expect("FEED in any order", ms, b, [], "--ignore-order")


def reorder(c, ms, order, name="b.ms"):
    """A copy with the rows in that order (some left out or twice)."""
    path = c.copy(ms, name)
    t = ct.table(ms, ack=False)
    main = os.path.join(c.scratch, "main.tab")
    shutil.rmtree(main, ignore_errors=True)
    t.selectrows(order).copy(main, deep=True)
    for f in os.listdir(path):
        if f.startswith("table."):
            os.remove(os.path.join(path, f))
    for f in os.listdir(main):
        if f.startswith("table."):
            shutil.copy(os.path.join(main, f), path)
    return path


def orders(c, ms):
    n = ct.table(ms, ack=False).nrows()
    swapped = np.arange(n)
    swapped[[10, 900]] = [900, 10]
    b = reorder(c, ms, swapped)
    failed = c.expect("two rows changed places", ms, b, ["row order"], text="row 10 of A is row 900 of B")
    c.check("both are counted", failed.get("row order", {}).get("count") == 2)
    c.expect("in any order", ms, b, [], "--ignore-order")
    put(b, "DATA", 10, bump((0, 0), 9))
    c.expect("a cell of a moved row", ms, b, ["DATA"], "--ignore-order", text="DATA row 900 / 10 [0,0]")
    b = reorder(c, ms, np.random.default_rng(1).permutation(n))
    c.expect("shuffled", ms, b, [], "--ignore-order")
    b = reorder(c, ms, np.delete(np.arange(n), 77))
    c.expect("a lost row", ms, b, ["rows", "row keys"])
    c.expect("which one", ms, b, ["row keys", "rows"], "--ignore-order", text="row 77 of A has no partner: TIME")
    b = reorder(c, ms, np.delete(swapped, 77))
    c.expect("a lost row and two that changed places", ms, b, ["rows", "row keys", "row order"])
    b = reorder(c, ms, np.append(np.arange(n), 5))
    c.expect("a row twice", ms, b, ["row keys", "rows"], text="row %d of B has no partner" % n)
    b = c.copy(ms)
    put(b, "ANTENNA2", 33, lambda v: 12)
    c.expect("an id is part of the key", ms, b, ["row keys"], text="row 33 of ")


def equal_keys(c, ms):
    """Rows with equal keys match in the order in which they are stored."""
    a = reorder(c, ms, [4, 4, 4, 5], "a.ms")
    put(a, "DATA", 0, bump((0, 0), 1))
    put(a, "DATA", 1, bump((0, 0), 2))
    put(a, "DATA", 2, bump((0, 0), 3))
    b = reorder(c, a, [3, 0, 1, 2])
    c.expect("equal keys in stored order", a, b, [], "--ignore-order")
    b = reorder(c, a, [3, 1, 0, 2])
    c.expect("equal keys in another order", a, b, ["DATA"], "--ignore-order", text="DATA row 0 / 1 [0,0]")


def multi(c):
    scan, auto = os.path.join(c.data, "scan.mms"), os.path.join(c.data, "auto.mms")
    c.expect("two maps of one set", scan, auto, [], "--ignore-order")
    c.expect("their parts and axes", scan, auto, ["parts", "axis"], "--ignore-order", "--parts")
    c.expect("their order", scan, auto, ["row order"])
    b = c.copy(auto, "b.mms")
    put(b + "/SUBMSS/auto.mms.0002.ms", "DATA", 1, bump((0, 0), 7))
    c.expect("a cell of one part", scan, b, ["DATA"], "--ignore-order")


def refusals(c, ms):
    status, _, err = c.diff(ms, os.path.join(c.scratch, "none.ms"))
    c.check("a set that is not there", status == 2 and "none.ms" in err, err)
    status, _, err = c.diff(ms, c.scratch)
    c.check("a folder that is no table", status == 2 and c.scratch in err, err)
    status, _, err = c.diff(ms, ms + "/ANTENNA")
    c.check("a table that is no MS", status == 2 and "not a MeasurementSet" in err, err)
    run = subprocess.run([c.program, "diff", ms, ms], capture_output=True, text=True)
    c.check("text", run.returncode == 0 and run.stdout.rstrip().endswith("checks passed, 0 failed"), run.stdout)


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    for name in ("--program", "--data", "--scratch"):
        p.add_argument(name, required=True)
    opt = p.parse_args()
    ms = os.path.join(opt.data, "S2.ms")
    if not os.path.isdir(ms):
        print("skipped: no observations in shared/data")
        return 77
    c = Cases(opt.program, opt.data, opt.scratch)
    c.expect("a set and itself", ms, ms, [])
    for case in (one_cell, not_a_number, tolerances, shapes, descriptions, subtables, orders, equal_keys, refusals):
        case(c, ms)
    in_place(c)
    multi(c)
    print("%d passed, %d failed" % (c.passed, c.failed))
    if not c.failed:
        shutil.rmtree(c.scratch)
    return 1 if c.failed else 0


if __name__ == "__main__":
    sys.exit(main())
