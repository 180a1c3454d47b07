# SPDX-License-Identifier: LGPL-2.1-or-later
"""What verify finds: Multi-MSs with one thing wrong, each found and named; sound ones pass."""
import os
import shutil

import numpy as np
from casacore import tables as ct

import program_case
from judge_case import JudgeCase


def member(path, i):
    return os.path.join(path, "SUBMSS", sorted(os.listdir(os.path.join(path, "SUBMSS")))[i])


class Edit:
    """A table opened for writing; closed at the end."""

    def __init__(self, path):
        self.path = path

    def __enter__(self):
        self.t = ct.table(self.path, readonly=False, ack=False)
        return self.t

    def __exit__(self, *_):
        self.t.close()


class Verify(JudgeCase):
    verb = "verify"

    def copy(self, source, name="copy.mms"):
        return super().copy(source, name)

    def expect(self, name, path, checks, *words, text=None):
        """As for all, and text stands in the very first finding."""
        failed = super().expect(name, [path], checks, *words, text=text)
        if text and checks[0] in failed:
            self.check(name, text in failed[checks[0]]["findings"][0]["text"], failed)

    def partition(self, source, name, *words):
        shutil.rmtree(self.path(name), ignore_errors=True)
        self.multims("partition", source, name, "--quiet", "--no-sync", "flagbackup=False", *words)
        return self.path(name)

    def test_sound_sets(self):
        for name in ("scan", "auto", "spw", "select", "baseline", "h_d2", "vconcat"):
            path = os.path.join(self.data, name + ".mms")
            self.expect("%s.mms of CASA" % name, path, [])
        for name in ("D1.ms", "D2s.ms", "S2.ms", "hd142_b9cont_self_tav.ms", "tNDPPP-generic.MS"):
            self.expect("plain " + name, os.path.join(self.data, name), [])
        self.expect("sub-tables that are not there", os.path.join(self.data, "mssel_test_small.ms"), ["sub-tables"],
                 text="keyword ASDM_")

    def test_broken_references(self):
        mms = self.partition(self.ms, "base.mms", "separationaxis=scan", "numsubms=2")
        b = self.copy(mms)
        shutil.rmtree(member(b, 1))
        status, failed, _ = self.judge(b)
        self.check("a member that is gone", status == 1 and any("0001.ms" in f["text"] for f in failed["members"]["findings"]),
                str(failed))
        b = self.copy(mms)
        os.remove(b + "/FIELD")
        self.expect("a lost link of the reference", b, ["links"], text="FIELD: no link SUBMSS/")
        b = self.copy(mms)
        os.remove(b + "/FIELD")
        os.symlink(member(b, 0) + "/FIELD", b + "/FIELD")
        self.expect("an absolute link", b, ["links"], text="is a link to /")
        link = member(self.copy(mms), 1) + "/POINTING"
        os.remove(link)
        os.symlink("../nowhere/POINTING", link)
        status, failed, _ = self.judge(self.folder + "/copy.mms")
        self.check("a link that leads nowhere", status == 1 and "links" in failed and "sub-tables" in failed, str(failed))
        b = self.copy(mms)
        os.symlink("SUBMSS/none", b + "/EXTRA")
        self.expect("a broken link of another name", b, ["links"], text="EXTRA is a broken link")
        b = self.copy(mms)
        info = open(b + "/table.info").read()
        open(b + "/table.info", "w").write(info.replace("CONCATENATED", "CONCATENATE"))
        self.expect("another SubType", b, ["table.info"], text="CONCATENATE")
        open(b + "/table.info", "w").write(info.replace("AxisType = scan", "AxisType = scam"))
        self.expect("another axis", b, ["table.info"], text="scam")
        os.remove(b + "/table.info")
        self.expect("no table.info", b, ["table.info"], text="no table.info")

    def test_broken_members(self):
        mms = self.partition(self.ms, "base.mms", "separationaxis=scan", "numsubms=2")
        b = self.copy(mms)
        with Edit(member(b, 1)) as t:
            t.removecols("SIGMA_SPECTRUM")
        self.expect("a column that one member lacks", b, ["columns"], text="no column SIGMA_SPECTRUM")
        b = self.copy(mms)
        with Edit(member(b, 1)) as t:
            t.addcols(ct.maketabdesc(ct.makescacoldesc("NEW", 0)))
        self.expect("a column that the first member lacks", b, ["columns"], text="column NEW")
        b = self.copy(mms)
        with Edit(member(b, 1)) as t:
            t.putcolkeyword("UVW", "QuantumUnits", ["km", "km", "km"])
        self.expect("column keywords of one member", b, ["column keywords"], text="UVW has")
        b = self.copy(mms)
        with Edit(member(b, 1)) as t:
            t.putkeyword("MS_VERSION", np.float32(1))
        self.expect("another MS_VERSION", b, ["columns"], text="MS_VERSION is 1")
        b = self.copy(mms)
        with Edit(member(b, 1)) as t:
            t.putkeyword("SORTED_TABLE", "Table: " + member(b, 1) + "/FIELD")
        self.expect("a lost order", b, ["sub-tables"], text="SORTED_TABLE")
        b = self.copy(mms)
        with Edit(member(b, 1) + "/FIELD") as t:
            t.putcell("NAME", 0, "elsewhere")
        self.expect("a copy that differs", b, ["sub-tables"], text="FIELD differs from the first member's: NAME row 0")
        b = self.copy(mms)
        with Edit(member(b, 1)) as t:
            t.removekeyword("FIELD")
        self.expect("a sub-table that one member lacks", b, ["sub-tables"], text="no FIELD")
        b = self.copy(mms)
        with Edit(member(b, 1) + "/HISTORY") as t:
            t.addrows(1)
        self.expect("HISTORY may differ", b, [])

    def test_wrong_ids(self):
        mms = self.partition(self.ms, "base.mms", "separationaxis=scan", "numsubms=2")
        for column, value, said in (("ANTENNA2", 99, "ANTENNA has"), ("DATA_DESC_ID", 3, "DATA_DESCRIPTION has 3"),
                                    ("FIELD_ID", -1, "FIELD has"), ("STATE_ID", 8, "STATE has 8"),
                                    ("OBSERVATION_ID", 1, "OBSERVATION has 1"), ("PROCESSOR_ID", 2, "PROCESSOR has 2")):
            b = self.copy(mms)
            with Edit(member(b, 1)) as t:
                t.putcell(column, 17, value)
            self.expect("%s %d" % (column, value), b, ["ids"], text="%s row 17 is %d, but %s" % (column, value, said))
        b = self.copy(mms)
        with Edit(member(b, 0) + "/DATA_DESCRIPTION") as t:
            t.putcell("SPECTRAL_WINDOW_ID", 0, 7)
        status, failed, _ = self.judge(b)
        self.check("DATA_DESCRIPTION names no window", status == 1 and "SPECTRAL_WINDOW_ID row 0 is 7" in failed["ids"]["findings"][0]["text"], str(failed))
        b = self.copy(mms)
        with Edit(member(b, 1)) as t:
            ddid = t.getcol("DATA_DESC_ID")
            t.putcell("DATA_DESC_ID", 2, 3 - int(ddid[2]))
        self.expect("a DDID of another shape", b, ["cell shapes"], text="row 2 is [")

    def test_against(self):
        source = self.ms
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
            mms = self.partition(source, "sel%d.mms" % i, *request)
            self.expect("against its source, by HISTORY", mms, [], "--against", source)
            self.expect("by the same keys", mms, [], "--against", source, *request)
            shutil.rmtree(mms, ignore_errors=True)

    def test_against_another_request(self):
        source = self.ms
        mms = self.partition(source, "one.mms", "scan=3", "separationaxis=spw")
        status, failed, _ = self.judge(mms, "--against", source, "scan=1,3")
        self.check("rows that are not there", status == 1 and failed["rows of the source"]["count"] == 322, str(failed))
        status, failed, _ = self.judge(mms, "--against", source, "spw=1")
        self.check("rows that were not selected", status == 1 and "rows of the source" in failed, str(failed)[:500])
        status, _, err = self.judge(mms, "--against", source, "spw=9")
        self.check("a selection that is refused", status == 2, err)
        status, _, err = self.judge(mms, "--against", self.folder + "/none.ms")
        self.check("a source that is not there", status == 2 and "none.ms" in err, err)

    def test_broken_content(self):
        source = self.ms
        mms = self.partition(source, "good.mms", "spw=1:5~20,2", "separationaxis=scan")
        other = ["--against", source]

        def change(i, edit):
            b = self.copy(mms)
            with Edit(member(b, i)) as t:
                edit(t)
            return b

        def put(column, row, make):
            return lambda t: t.putcell(column, row, make(t.getcell(column, row)))

        self.expect("a visibility", change(1, put("DATA", 40, lambda v: v * np.complex64(1.0000001))), ["DATA"], *other)
        self.expect("a flag", change(0, put("FLAG", 0, lambda v: ~v)), ["FLAG"], *other)
        self.expect("a weight", change(0, put("WEIGHT", 9, lambda v: v * 2)), ["WEIGHT"], *other)
        self.expect("a row flag", change(0, put("FLAG_ROW", 9, lambda v: not v)), ["FLAG_ROW"], *other)
        self.expect("an interval", change(1, put("INTERVAL", 2, lambda v: v * 2)), ["INTERVAL"], *other)
        self.expect("an id within its range", change(0, put("STATE_ID", 2, lambda v: 0)), ["STATE_ID"], *other)
        self.expect("an id of the key", change(0, put("FIELD_ID", 2, lambda v: 1 - v)), ["rows of the source"], *other)
        self.expect("a cell that the source lacks", change(0, lambda t: t.putcell("WEIGHT_SPECTRUM", 2, np.ones(t.getcell("DATA", 2).shape, np.float32))),
                 ["WEIGHT_SPECTRUM"], *other, text="undefined / [")
        b = self.copy(mms)
        rows = np.delete(np.arange(ct.table(member(b, 1), ack=False).nrows()), 5)
        self.keep_rows(member(b, 1), rows)
        self.expect("a lost row", b, ["rows of the source"], *other, text="of the source is missing")
        self.expect("a row twice", change(1, lambda t: t.copyrows(t, startrowin=3, nrow=1)), ["rows of the source"], *other, text="or is there twice")
        self.expect("units", change(0, lambda t: t.putcolkeyword("EXPOSURE", "QuantumUnits", ["min"])),
                 ["units and measures of the source", "column keywords"], *other, text="EXPOSURE")
        for table, column, row, make in (("FIELD", "NAME", 0, lambda v: v + "x"), ("SOURCE", "NAME", 1, lambda v: v + "x"),
                                         ("FEED", "RECEPTOR_ANGLE", 3, lambda v: v + 1), ("SYSCAL", "TIME", 2, lambda v: v + 1),
                                         ("SPECTRAL_WINDOW", "CHAN_FREQ", 0, lambda v: v + 1), ("STATE", "OBS_MODE", 1, lambda v: "x"),
                                         ("HISTORY", "MESSAGE", 0, lambda v: v + "x"), ("POINTING", "TIME", 1, lambda v: v + 1)):
            b = self.copy(mms)
            for i in range(2):
                if not os.path.islink(os.path.join(member(b, i), table)):
                    with Edit(os.path.join(member(b, i), table)) as t:
                        put(column, row, make)(t)
            self.expect("%s of %s" % (column, table), b, [table + " of the source"], *other, text=column)
        b = self.copy(mms)
        for i in range(2):
            with Edit(os.path.join(member(b, i), "CALDEVICE")) as t:
                t.removerows([0])
        self.expect("a row of CALDEVICE", b, ["CALDEVICE of the source"], *other, text="rows, not")

    def test_cut_windows(self):
        """Rows of SPECTRAL_WINDOW under a cut: what describes the channels that are left, and its windows."""
        source = self.ms
        mms = self.partition(source, "windows.mms", "spw=2,1:5~20", "separationaxis=scan")
        other = ["--against", source]
        associated = ct.table(member(mms, 0) + "/SPECTRAL_WINDOW", ack=False).getcell("ASSOC_SPW_ID", 0).tolist()
        self.check("windows are associated", associated == [1], str(associated))
        for column, row, value in (("TOTAL_BANDWIDTH", 1, 1e9), ("REF_FREQUENCY", 1, 1e9), ("ASSOC_SPW_ID", 0, np.array([0], np.int32)),
                                   ("ASSOC_SPW_ID", 0, np.array([1, 2], np.int32)), ("ASSOC_NATURE", 0, ["x"])):
            b = self.copy(mms)
            for i in range(2):
                with Edit(member(b, i) + "/SPECTRAL_WINDOW") as t:
                    t.putcell(column, row, value)
            self.expect("%s of a cut window" % column, b, ["SPECTRAL_WINDOW of the source"], *other, text="%s of row %d: " % (column, row))
        b = self.copy(mms)
        for i in range(2):
            with Edit(member(b, i) + "/SPECTRAL_WINDOW") as t:
                t.putcell("NUM_CHAN", 1, 17)
        status, failed, _ = self.judge(b, *other)
        self.check("NUM_CHAN of a cut window", status == 1 and "NUM_CHAN of row 1: 17, not 16" in str(failed["SPECTRAL_WINDOW of the source"]), str(failed)[:500])

    def test_records(self):
        """Cells that are records, as SOURCE_MODEL has them."""
        source = self.copy(self.ms, "records.ms")
        with Edit(source + "/SOURCE") as t:
            t.addcols(ct.makecoldesc("SOURCE_MODEL", {"valueType": "record", "option": 0, "dataManagerGroup": "models"}))
            for i in range(t.nrows()):
                t.putcell("SOURCE_MODEL", i, {"flux": {"value": np.array([1.0 + i, 0]), "unit": "Jy"}, "n": i})
        mms = self.partition(source, "records.mms", "separationaxis=scan", "numsubms=2")
        self.expect("records of SOURCE", mms, [], "--against", source)
        for i in range(2):
            with Edit(member(mms, i) + "/SOURCE") as t:
                t.putcell("SOURCE_MODEL", 0, {"flux": {"value": np.array([9.0, 0]), "unit": "Jy"}, "n": 0})
        self.expect("a record that changed", mms, ["SOURCE of the source"], "--against", source, text="SOURCE_MODEL row 0")
        run = self.run_words(program_case.args.program, "diff", source, mms, "--ignore-order")
        self.check("diff finds it", run.returncode == 1 and "SOURCE_MODEL row 0" in run.stdout, run.stdout[-500:])

    def test_derived_weights(self):
        source = self.copy(os.path.join(self.data, "tNDPPP-generic.MS"), "lofar.ms")
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
            mms = self.partition(source, "weights.mms", "datacolumn=" + word, "separationaxis=baseline", "numsubms=2")
            self.expect("weights of datacolumn=" + word, mms, [], "--against", source)
            with Edit(member(mms, 0)) as t:
                t.putcell(column, 3, t.getcell(column, 3) * np.float32(1.001))
            self.expect("a wrong one", mms, [column], "--against", source, text=column + " row ")
            self.expect("another datacolumn", mms, ["columns of the source", "WEIGHT"] if word == "data" else ["columns of the source", "DATA", "SIGMA"],
                     "--against", source, "datacolumn=all")

    def test_many_members(self):
        """More members than are kept open."""
        source = os.path.join(self.data, "hd142_b9cont_self_tav.ms")
        mms = self.partition(source, "many.mms", "separationaxis=baseline", "numsubms=40")
        self.expect("40 members", mms, [], "--against", source)
        run = self.run_words(program_case.args.program, "diff", source, mms, "--ignore-order")
        self.check("the same by diff", run.returncode == 0, run.stdout)
        with Edit(member(mms, 33)) as t:
            t.putcell("DATA", 100, t.getcell("DATA", 100) + 1)
        self.expect("a visibility in the 34th", mms, ["DATA"], "--against", source)

    def test_plain_output(self):
        source = self.ms
        ms = self.partition(source, "plain.ms", "createmms=False", "scan=3")
        self.expect("a plain MS against its source", ms, [], "--against", source, "scan=3")
        self.expect("a plain MS against its source, by HISTORY", ms, [], "--against", source)
        run = self.run_words(program_case.args.program, "verify", ms, "--against", source)
        self.check("the request is said", 'scan="3"' in run.stderr and run.stdout.rstrip().endswith("checks passed, 0 failed"), run.stderr)
        status, _, err = self.judge(self.folder + "/none.mms")
        self.check("nothing there", status == 2 and "none.mms" in err, err)
        status, _, err = self.judge(self.folder)
        self.check("no table there", status == 2 and self.folder in err, err)


program_case.main()
