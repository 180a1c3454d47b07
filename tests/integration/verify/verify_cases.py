#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What verify finds: Multi-MSs with one thing wrong, each found and named; sound ones pass.

    verify_cases.py --program multims --data DIR --scratch DIR

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
        self.scratch = os.path.join(scratch, "verify.scratch")
        shutil.rmtree(self.scratch, ignore_errors=True)
        os.makedirs(self.scratch)
        self.passed = self.failed = 0

    def check(self, name, ok, text=""):
        print("%s %s%s" % ("ok  " if ok else "FAIL", name, "" if ok else ": " + text))
        if ok:
            self.passed += 1
        else:
            self.failed += 1

    def verify(self, path, *args):
        run = subprocess.run([self.program, "verify", path, "--json", *args], capture_output=True, text=True)
        failed = {}
        if run.returncode in (0, 1):
            failed = {c["check"]: c for c in json.loads(run.stdout)["checks"] if not c["passed"]}
        return run.returncode, failed, run.stderr

    def expect(self, name, path, checks, *args, text=None):
        """The failed checks are these; text stands in the first finding of the first."""
        status, failed, err = self.verify(path, *args)
        ok = status == (1 if checks else 0) and sorted(failed) == sorted(checks)
        if ok and text:
            ok = text in failed[checks[0]]["findings"][0]["text"]
        self.check(name, ok, "status %d, %s %s" % (status, {k: v["findings"] for k, v in failed.items()}, err[-300:]))

    def partition(self, source, name, *args):
        path = os.path.join(self.scratch, name)
        shutil.rmtree(path, ignore_errors=True)
        run = subprocess.run([self.program, "partition", source, path, "--quiet", "--no-sync", "flagbackup=False", *args],
                             capture_output=True, text=True)
        self.check("partition %s %s" % (os.path.basename(source), " ".join(args)), run.returncode == 0, run.stderr)
        return path

    def copy(self, source, name="copy.mms"):
        path = os.path.join(self.scratch, name)
        shutil.rmtree(path, ignore_errors=True)
        shutil.copytree(source, path, symlinks=True)
        return path


def member(path, i):
    return os.path.join(path, "SUBMSS", sorted(os.listdir(os.path.join(path, "SUBMSS")))[i])


def main_rows(path, rows, scratch):
    """Keep these rows of the main table."""
    main = os.path.join(scratch, "main.tab")
    shutil.rmtree(main, ignore_errors=True)
    ct.table(path, ack=False).selectrows(rows).copy(main, deep=True)
    for f in os.listdir(path):
        if f.startswith("table."):
            os.remove(os.path.join(path, f))
    for f in os.listdir(main):
        if f.startswith("table."):
            shutil.copy(os.path.join(main, f), path)


class Edit:
    """A table opened for writing; closed at the end."""

    def __init__(self, path):
        self.path = path

    def __enter__(self):
        self.t = ct.table(self.path, readonly=False, ack=False)
        return self.t

    def __exit__(self, *_):
        self.t.close()


def sound_sets(c):
    for name in ("scan", "auto", "spw", "select", "baseline", "h_d2", "vconcat"):
        path = os.path.join(c.data, name + ".mms")
        c.expect("%s.mms of CASA" % name, path, [])
    for name in ("D1.ms", "D2s.ms", "S2.ms", "hd142_b9cont_self_tav.ms", "tNDPPP-generic.MS"):
        c.expect("plain " + name, os.path.join(c.data, name), [])
    c.expect("sub-tables that are not there", os.path.join(c.data, "mssel_test_small.ms"), ["sub-tables"],
             text="keyword ASDM_")


def broken_references(c, mms):
    b = c.copy(mms)
    shutil.rmtree(member(b, 1))
    status, failed, _ = c.verify(b)
    c.check("a member that is gone", status == 1 and any("0001.ms" in f["text"] for f in failed["members"]["findings"]),
            str(failed))
    b = c.copy(mms)
    os.remove(b + "/FIELD")
    c.expect("a lost link of the reference", b, ["links"], text="FIELD: no link SUBMSS/")
    b = c.copy(mms)
    os.remove(b + "/FIELD")
    os.symlink(member(b, 0) + "/FIELD", b + "/FIELD")
    c.expect("an absolute link", b, ["links"], text="is a link to /")
    link = member(c.copy(mms), 1) + "/POINTING"
    os.remove(link)
    os.symlink("../nowhere/POINTING", link)
    status, failed, _ = c.verify(c.scratch + "/copy.mms")
    c.check("a link that leads nowhere", status == 1 and "links" in failed and "sub-tables" in failed, str(failed))
    b = c.copy(mms)
    os.symlink("SUBMSS/none", b + "/EXTRA")
    c.expect("a broken link of another name", b, ["links"], text="EXTRA is a broken link")
    b = c.copy(mms)
    info = open(b + "/table.info").read()
    open(b + "/table.info", "w").write(info.replace("CONCATENATED", "CONCATENATE"))
    c.expect("another SubType", b, ["table.info"], text="CONCATENATE")
    open(b + "/table.info", "w").write(info.replace("AxisType = scan", "AxisType = scam"))
    c.expect("another axis", b, ["table.info"], text="scam")
    os.remove(b + "/table.info")
    c.expect("no table.info", b, ["table.info"], text="no table.info")


def broken_members(c, mms):
    b = c.copy(mms)
    with Edit(member(b, 1)) as t:
        t.removecols("SIGMA_SPECTRUM")
    c.expect("a column that one member lacks", b, ["columns"], text="no column SIGMA_SPECTRUM")
    b = c.copy(mms)
    with Edit(member(b, 1)) as t:
        t.addcols(ct.maketabdesc(ct.makescacoldesc("NEW", 0)))
    c.expect("a column that the first member lacks", b, ["columns"], text="column NEW")
    b = c.copy(mms)
    with Edit(member(b, 1)) as t:
        t.putcolkeyword("UVW", "QuantumUnits", ["km", "km", "km"])
    c.expect("column keywords of one member", b, ["column keywords"], text="UVW has")
    b = c.copy(mms)
    with Edit(member(b, 1)) as t:
        t.putkeyword("MS_VERSION", np.float32(1))
    c.expect("another MS_VERSION", b, ["columns"], text="MS_VERSION is 1")
    b = c.copy(mms)
    with Edit(member(b, 1)) as t:
        t.putkeyword("SORTED_TABLE", "Table: " + member(b, 1) + "/FIELD")
    c.expect("a lost order", b, ["sub-tables"], text="SORTED_TABLE")
    b = c.copy(mms)
    with Edit(member(b, 1) + "/FIELD") as t:
        t.putcell("NAME", 0, "elsewhere")
    c.expect("a copy that differs", b, ["sub-tables"], text="FIELD differs from the first member's: NAME row 0")
    b = c.copy(mms)
    with Edit(member(b, 1)) as t:
        t.removekeyword("FIELD")
    c.expect("a sub-table that one member lacks", b, ["sub-tables"], text="no FIELD")
    b = c.copy(mms)
    with Edit(member(b, 1) + "/HISTORY") as t:
        t.addrows(1)
    c.expect("HISTORY may differ", b, [])


def wrong_ids(c, mms):
    for column, value, said in (("ANTENNA2", 99, "ANTENNA has"), ("DATA_DESC_ID", 3, "DATA_DESCRIPTION has 3"),
                                ("FIELD_ID", -1, "FIELD has"), ("STATE_ID", 8, "STATE has 8"),
                                ("OBSERVATION_ID", 1, "OBSERVATION has 1"), ("PROCESSOR_ID", 2, "PROCESSOR has 2")):
        b = c.copy(mms)
        with Edit(member(b, 1)) as t:
            t.putcell(column, 17, value)
        c.expect("%s %d" % (column, value), b, ["ids"], text="%s row 17 is %d, but %s" % (column, value, said))
    b = c.copy(mms)
    with Edit(member(b, 0) + "/DATA_DESCRIPTION") as t:
        t.putcell("SPECTRAL_WINDOW_ID", 0, 7)
    status, failed, _ = c.verify(b)
    c.check("DATA_DESCRIPTION names no window", status == 1 and "SPECTRAL_WINDOW_ID row 0 is 7" in failed["ids"]["findings"][0]["text"], str(failed))
    b = c.copy(mms)
    with Edit(member(b, 1)) as t:
        ddid = t.getcol("DATA_DESC_ID")
        t.putcell("DATA_DESC_ID", 2, 3 - int(ddid[2]))
    c.expect("a DDID of another shape", b, ["cell shapes"], text="row 2 is [")


def against(c, source):
    requests = (
        (),
        ("spw=1:5~20,2", "separationaxis=spw"),
        ("spw=2,1:50~60;5~20^3",),
        ("correlation=XX,YY", "scan=3"),
        ("field=1", "separationaxis=scan"),
        ("antenna=1,2&9;3&11", "timerange=>2012/01/01/10:40:00"),
        ("intent=*PHASE*",),
        ("scan=1", "uvrange=>50m"),
        ("timerange=>2012/01/01/10:40:00",),
        ("taql=ANTENNA1 IN [0,2]", "numsubms=3"),
    )
    for i, request in enumerate(requests):
        mms = c.partition(source, "sel%d.mms" % i, *request)
        c.expect("against its source, by HISTORY", mms, [], "--against", source)
        c.expect("by the same keys", mms, [], "--against", source, *request)
        shutil.rmtree(mms, ignore_errors=True)


def against_another_request(c, source):
    mms = c.partition(source, "one.mms", "scan=3", "separationaxis=spw")
    status, failed, _ = c.verify(mms, "--against", source, "scan=1,3")
    c.check("rows that are not there", status == 1 and failed["rows of the source"]["count"] == 322, str(failed))
    status, failed, _ = c.verify(mms, "--against", source, "spw=1")
    c.check("rows that were not selected", status == 1 and "rows of the source" in failed, str(failed)[:500])
    status, _, err = c.verify(mms, "--against", source, "spw=9")
    c.check("a selection that is refused", status == 2, err)
    status, _, err = c.verify(mms, "--against", c.scratch + "/none.ms")
    c.check("a source that is not there", status == 2 and "none.ms" in err, err)


def broken_content(c, source):
    mms = c.partition(source, "good.mms", "spw=1:5~20,2", "separationaxis=scan")
    other = ["--against", source]

    def change(i, edit):
        b = c.copy(mms)
        with Edit(member(b, i)) as t:
            edit(t)
        return b

    def put(column, row, make):
        return lambda t: t.putcell(column, row, make(t.getcell(column, row)))

    c.expect("a visibility", change(1, put("DATA", 40, lambda v: v * np.complex64(1.0000001))), ["DATA"], *other)
    c.expect("a flag", change(0, put("FLAG", 0, lambda v: ~v)), ["FLAG"], *other)
    c.expect("a weight", change(0, put("WEIGHT", 9, lambda v: v * 2)), ["WEIGHT"], *other)
    c.expect("a row flag", change(0, put("FLAG_ROW", 9, lambda v: not v)), ["FLAG_ROW"], *other)
    c.expect("an interval", change(1, put("INTERVAL", 2, lambda v: v * 2)), ["INTERVAL"], *other)
    c.expect("an id within its range", change(0, put("STATE_ID", 2, lambda v: 0)), ["STATE_ID"], *other)
    c.expect("an id of the key", change(0, put("FIELD_ID", 2, lambda v: 1 - v)), ["rows of the source"], *other)
    c.expect("a cell that the source lacks", change(0, lambda t: t.putcell("WEIGHT_SPECTRUM", 2, np.ones(t.getcell("DATA", 2).shape, np.float32))),
             ["WEIGHT_SPECTRUM"], *other, text="undefined / [")
    b = c.copy(mms)
    rows = np.delete(np.arange(ct.table(member(b, 1), ack=False).nrows()), 5)
    main_rows(member(b, 1), rows, c.scratch)
    c.expect("a lost row", b, ["rows of the source"], *other, text="of the source is missing")
    c.expect("a row twice", change(1, lambda t: t.copyrows(t, startrowin=3, nrow=1)), ["rows of the source"], *other, text="or is there twice")
    c.expect("units", change(0, lambda t: t.putcolkeyword("EXPOSURE", "QuantumUnits", ["min"])),
             ["units and measures of the source", "column keywords"], *other, text="EXPOSURE")
    for table, column, row, make in (("FIELD", "NAME", 0, lambda v: v + "x"), ("SOURCE", "NAME", 1, lambda v: v + "x"),
                                     ("FEED", "RECEPTOR_ANGLE", 3, lambda v: v + 1), ("SYSCAL", "TIME", 2, lambda v: v + 1),
                                     ("SPECTRAL_WINDOW", "CHAN_FREQ", 0, lambda v: v + 1), ("STATE", "OBS_MODE", 1, lambda v: "x"),
                                     ("HISTORY", "MESSAGE", 0, lambda v: v + "x"), ("POINTING", "TIME", 1, lambda v: v + 1)):
        b = c.copy(mms)
        for i in range(2):
            if not os.path.islink(os.path.join(member(b, i), table)):
                with Edit(os.path.join(member(b, i), table)) as t:
                    put(column, row, make)(t)
        c.expect("%s of %s" % (column, table), b, [table + " of the source"], *other, text=column)
    b = c.copy(mms)
    for i in range(2):
        with Edit(os.path.join(member(b, i), "CALDEVICE")) as t:
            t.removerows([0])
    c.expect("a row of CALDEVICE", b, ["CALDEVICE of the source"], *other, text="rows, not")


def cut_windows(c, source):
    """Rows of SPECTRAL_WINDOW under a cut: what describes the channels that are left, and its windows."""
    mms = c.partition(source, "windows.mms", "spw=2,1:5~20", "separationaxis=scan")
    other = ["--against", source]
    associated = ct.table(member(mms, 0) + "/SPECTRAL_WINDOW", ack=False).getcell("ASSOC_SPW_ID", 0).tolist()
    c.check("windows are associated", associated == [1], str(associated))
    for column, row, value in (("TOTAL_BANDWIDTH", 1, 1e9), ("REF_FREQUENCY", 1, 1e9), ("ASSOC_SPW_ID", 0, np.array([0], np.int32)),
                               ("ASSOC_SPW_ID", 0, np.array([1, 2], np.int32)), ("ASSOC_NATURE", 0, ["x"])):
        b = c.copy(mms)
        for i in range(2):
            with Edit(member(b, i) + "/SPECTRAL_WINDOW") as t:
                t.putcell(column, row, value)
        c.expect("%s of a cut window" % column, b, ["SPECTRAL_WINDOW of the source"], *other, text="%s of row %d: " % (column, row))
    b = c.copy(mms)
    for i in range(2):
        with Edit(member(b, i) + "/SPECTRAL_WINDOW") as t:
            t.putcell("NUM_CHAN", 1, 17)
    status, failed, _ = c.verify(b, *other)
    c.check("NUM_CHAN of a cut window", status == 1 and "NUM_CHAN of row 1: 17, not 16" in str(failed["SPECTRAL_WINDOW of the source"]), str(failed)[:500])


def records(c, plain):
    """Cells that are records, as SOURCE_MODEL has them."""
    source = c.copy(plain, "records.ms")
    with Edit(source + "/SOURCE") as t:
        t.addcols(ct.makecoldesc("SOURCE_MODEL", {"valueType": "record", "option": 0, "dataManagerGroup": "models"}))
        for i in range(t.nrows()):
            t.putcell("SOURCE_MODEL", i, {"flux": {"value": np.array([1.0 + i, 0]), "unit": "Jy"}, "n": i})
    mms = c.partition(source, "records.mms", "separationaxis=scan", "numsubms=2")
    c.expect("records of SOURCE", mms, [], "--against", source)
    for i in range(2):
        with Edit(member(mms, i) + "/SOURCE") as t:
            t.putcell("SOURCE_MODEL", 0, {"flux": {"value": np.array([9.0, 0]), "unit": "Jy"}, "n": 0})
    c.expect("a record that changed", mms, ["SOURCE of the source"], "--against", source, text="SOURCE_MODEL row 0")
    run = subprocess.run([c.program, "diff", source, mms, "--ignore-order"], capture_output=True, text=True)
    c.check("diff finds it", run.returncode == 1 and "SOURCE_MODEL row 0" in run.stdout, run.stdout[-500:])


def derived_weights(c):
    source = c.copy(os.path.join(c.data, "tNDPPP-generic.MS"), "lofar.ms")
    with Edit(source) as t:
        weight = t.getcol("WEIGHT")
        weight[:] = np.random.default_rng(3).uniform(0.1, 9, weight.shape).astype(np.float32)
        weight[4, 1] = 0
        t.putcol("WEIGHT", weight)
        sigma = t.getcol("SIGMA")
        sigma[:] = np.random.default_rng(4).uniform(0.1, 9, sigma.shape).astype(np.float32)
        sigma[5, 2] = -1
        t.putcol("SIGMA", sigma)
    for word, column in (("corrected", "SIGMA"), ("data", "WEIGHT")):
        mms = c.partition(source, "weights.mms", "datacolumn=" + word, "separationaxis=baseline", "numsubms=2")
        c.expect("weights of datacolumn=" + word, mms, [], "--against", source)
        with Edit(member(mms, 0)) as t:
            t.putcell(column, 3, t.getcell(column, 3) * np.float32(1.001))
        c.expect("a wrong one", mms, [column], "--against", source, text=column + " row ")
        c.expect("another datacolumn", mms, ["columns of the source", "WEIGHT"] if word == "data" else ["columns of the source", "DATA", "SIGMA"],
                 "--against", source, "datacolumn=all")


def many_members(c):
    """More members than are kept open."""
    source = os.path.join(c.data, "hd142_b9cont_self_tav.ms")
    mms = c.partition(source, "many.mms", "separationaxis=baseline", "numsubms=40")
    c.expect("40 members", mms, [], "--against", source)
    run = subprocess.run([c.program, "diff", source, mms, "--ignore-order"], capture_output=True, text=True)
    c.check("the same by diff", run.returncode == 0, run.stdout)
    with Edit(member(mms, 33)) as t:
        t.putcell("DATA", 100, t.getcell("DATA", 100) + 1)
    c.expect("a visibility in the 34th", mms, ["DATA"], "--against", source)


def plain_output(c, source):
    ms = c.partition(source, "plain.ms", "createmms=False", "scan=3")
    c.expect("a plain MS against its source", ms, [], "--against", source, "scan=3")
    c.expect("a plain MS against its source, by HISTORY", ms, [], "--against", source)
    run = subprocess.run([c.program, "verify", ms, "--against", source], capture_output=True, text=True)
    c.check("the request is said", 'scan="3"' in run.stderr and run.stdout.rstrip().endswith("checks passed, 0 failed"), run.stderr)
    status, _, err = c.verify(c.scratch + "/none.mms")
    c.check("nothing there", status == 2 and "none.mms" in err, err)
    status, _, err = c.verify(c.scratch)
    c.check("no table there", status == 2 and c.scratch in err, err)


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    for name in ("--program", "--data", "--scratch"):
        p.add_argument(name, required=True)
    opt = p.parse_args()
    source = os.path.join(opt.data, "S2.ms")
    if not os.path.isdir(source):
        print("skipped: no observations in shared/data")
        return 77
    c = Cases(opt.program, opt.data, opt.scratch)
    sound_sets(c)
    mms = c.partition(source, "base.mms", "separationaxis=scan", "numsubms=2")
    for case in (broken_references, broken_members, wrong_ids):
        case(c, mms)
    for case in (against, against_another_request, broken_content, plain_output):
        case(c, source)
    cut_windows(c, source)
    records(c, source)
    derived_weights(c)
    many_members(c)
    print("%d passed, %d failed" % (c.passed, c.failed))
    if not c.failed:
        shutil.rmtree(c.scratch)
    return 1 if c.failed else 0


if __name__ == "__main__":
    sys.exit(main())
