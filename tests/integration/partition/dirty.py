#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Input as it is found: absent sub-tables, columns without cells, odd columns, byte orders,
storage managers, rights (issue section 3; multi-ms 1.7, 1.12)."""
import os
import shutil
import subprocess
import sys

import numpy as np
from casacore import tables as ct

import sets
from common import (Skipped, case, check, check_ids, check_structure, compare_column,
                    compare_main, compare_subtables, count, demand, get, main, members, opened,
                    strict_snapshot, subtables, unique, values)

AXES = {"scan": "scan", "spw": "spw", "auto": "scan,spw", "balanced": "scan,spw",
        "baseline": "baseline"}


def rebuild(source, path, manager_of, endian="big", fixed=False):
    """The set written anew; manager_of(column) -> (type, group).  fixed: cells of one shape are
    declared so."""
    t = opened(source)
    td, groups = t.getdesc(), {}
    for name in t.colnames():
        kind, group = manager_of(name)
        td[name]["dataManagerType"], td[name]["dataManagerGroup"] = kind, group
        if fixed and not t.isscalarcol(name) and t.nrows() and t.iscelldefined(name, 0):
            td[name]["shape"] = list(t.getcell(name, 0).shape)
            td[name]["ndim"], td[name]["option"] = len(td[name]["shape"]), 5
        groups.setdefault((kind, group), []).append(name)
    dminfo = {f"*{i}": {"TYPE": kind, "NAME": group, "COLUMNS": columns, "SPEC": spec_of(kind, td, columns)}
              for i, ((kind, group), columns) in enumerate(groups.items(), 1)}
    td.pop("_keywords_", None), td.pop("_private_keywords_", None)
    new = ct.table(path, td, nrow=t.nrows(), dminfo=dminfo, ack=False, endian=endian) \
        if "endian" in ct.table.__init__.__code__.co_varnames else \
        ct.table(path, td, nrow=t.nrows(), dminfo=dminfo, ack=False)
    for name in t.colnames():
        for row, value in enumerate(values(t, name)):
            if value is not None:
                new.putcell(name, row, value if isinstance(value, np.ndarray) else value.item())
    for name in t.keywordnames():
        value = t.getkeyword(name)
        if isinstance(value, str) and value.startswith("Table: "):
            shutil.copytree(value[7:], os.path.join(path, name))
            value = "Table: " + os.path.join(path, name)
        new.putkeyword(name, value)
    new.putinfo(t.info())
    new.close()
    t.close()


def spec_of(kind, td, columns):
    if kind != "TiledColumnStMan":
        return {}
    shape = td[columns[0]]["shape"]
    return {"DEFAULTTILESHAPE": np.array([*shape[::-1], 7], np.int32)}


def every_axis(b, source, reader=None):
    """The output on each axis equals the input."""
    for axis, kind in AXES.items():
        out = b.partition(source, axis + ".mms", separationaxis=axis, numsubms=3)
        check_structure(out, kind)
        compare_main(source, out)
        compare_subtables(source, out)
        shutil.rmtree(out)


def managers_of(path):
    t = opened(path)
    kinds = {column: manager["TYPE"] for manager in t.getdminfo().values()
             for column in manager["COLUMNS"]}
    t.close()
    return kinds


@case()
def absent_subtables_are_reported_once(b):
    source = b.data("alma2")
    for launch in ({"jobs": 1}, {"jobs": 2}, {"mpi": 2}):
        out = b.partition(source, "o%d%d.mms" % (launch.get("jobs", 0), launch.get("mpi", 0)),
                          separationaxis="scan", **launch)
        check("mentions", b.done.stderr.count("no table on disk"), 1)
        t = opened(out)
        check("ASDM keywords", [k for k in t.keywordnames() if k.startswith("ASDM_")], [])
        t.close()
        compare_main(source, out)
        compare_subtables(source, out)
        check_structure(out, "scan")


@case()
def columns_without_cells_stay_without(b):
    source = b.data("alma2")
    for axis in AXES:
        out = b.partition(source, axis + ".mms", separationaxis=axis)
        t = opened(out)
        for name in ("WEIGHT_SPECTRUM", "SIGMA_SPECTRUM", "FLAG_CATEGORY"):
            check(f"cells of {name}", [r for r in range(t.nrows()) if t.iscelldefined(name, r)], [])
        t.close()
        compare_main(source, out)


@case()
def columns_with_some_cells(b):
    """A column defined in part of the rows only, its shapes varying from row to row."""
    source = b.make(sets.d3())
    n = count(source)
    cells = [None if r % 3 == 0 else np.arange(1.0 + r % 5) for r in range(n)]
    sets.add_column(source, "VARIED", cells, ndim=1)
    every_axis(b, source)


@case()
def ddids_without_rows(b):
    source = b.data("S2.ms")
    for axis in AXES:
        out = b.partition(source, axis + ".mms", separationaxis=axis)
        check("DDs", (count(out, "DATA_DESCRIPTION"), unique(out, "DATA_DESC_ID")), (3, [1, 2]))
        check("spws", get(out, "NUM_CHAN", "SPECTRAL_WINDOW"), [4, 64, 1])
        check_ids(out)


@case()
def scan_zero_and_lofar_tables(b):
    source = b.data("lofar")
    every_axis(b, source)
    out = b.partition(source, separationaxis="scan")
    check("scans", unique(out, "SCAN_NUMBER"), [0])
    for name, column in (("ANTENNA", "LOFAR_STATION_ID"), ("OBSERVATION", "LOFAR_OBSERVATION_START")):
        demand(column in opened(os.path.join(out, name)).colnames(), f"{name}.{column} is lost")
    demand("LOFAR_FULL_RES_FLAG" in opened(out).colnames(), "LOFAR_FULL_RES_FLAG is lost")
    demand({"LOFAR_STATION", "QUALITY_KIND_NAME", "sky"} <= set(subtables(out)), "LOFAR tables")


@case()
def one_row(b):
    t = opened(b.data("D7.ms"))
    one = t.selectrows([17])
    source = b.path("in.ms")
    one.copy(source, deep=True).close()
    one.close(), t.close()
    check("rows", count(source), 1)
    every_axis(b, source)


@case()
def odd_columns(b):
    """Strings, string arrays, integers and complex numbers in the main table and sub-tables."""
    source = b.make(sets.d3())
    n = count(source)
    rng = np.random.default_rng(5)
    sets.add_column(source, "NOTE", [f"row {r} ä" if r % 4 else "" for r in range(n)])
    sets.add_column(source, "LABELS", [[f"{r}", "b" * (r % 9)] for r in range(n)], ndim=1)
    sets.add_column(source, "CUBE", list(rng.normal(size=(n, 2, 3, 4))), ndim=3)
    sets.add_column(source, "Z", list((rng.normal(size=(n, 2)) * (1 + 2j))), ndim=1)
    t = opened(source, readonly=False)
    t.addcols(ct.maketabdesc([ct.makescacoldesc("BIG", 0, valuetype="int64"),
                              ct.makescacoldesc("BYTE", 0, valuetype="uchar"),
                              ct.makescacoldesc("SMALL", 0, valuetype="short")]))
    t.putcol("BIG", 2 ** 40 + np.arange(n))
    t.putcol("BYTE", (np.arange(n) % 200).astype(np.uint8))
    t.putcol("SMALL", np.arange(n).astype(np.int16) - 9)
    t.putcolkeyword("NOTE", "MEANING", "free text")
    t.putkeyword("MY_KEYWORD", {"a": 1, "b": ["x", "y"]})
    t.close()
    for name in ("ANTENNA", "FIELD", "SPECTRAL_WINDOW", "DATA_DESCRIPTION", "OBSERVATION"):
        path = os.path.join(source, name)
        sets.add_column(path, "MY_NAME", [f"{name}{r}" for r in range(count(path))])
        sets.add_column(path, "MY_LIST", [np.arange(r + 1.0) for r in range(count(path))], ndim=1)
    sets.add_subtable(source, "MY_TABLE", {"A": [1, 2, 3], "B": ["x", "", "z"]})
    every_axis(b, source)
    out = b.partition(source, "cut.mms", antenna="A00,A02&&", separationaxis="scan")
    check("ANTENNA.MY_NAME", get(out, "MY_NAME", "ANTENNA"), ["ANTENNA0", "ANTENNA2"])
    keywords = opened(out).getkeywords()
    check("MY_KEYWORD", keywords.get("MY_KEYWORD"), {"a": 1, "b": ["x", "y"]})


@case()
def storage_managers(b):
    """All columns in one manager of each kind, and fixed shapes; the kind is kept."""
    source = b.make(sets.d3(), "made.ms")
    tiled = {"DATA", "FLAG", "WEIGHT", "SIGMA", "UVW"}
    kinds = {"standard": lambda c: ("StandardStMan", "SSM"),
             "incremental": lambda c: ("IncrementalStMan", "ISM"),
             "columns": lambda c: ("TiledColumnStMan", "T" + c) if c in tiled
             else ("StandardStMan", "SSM"),
             "shapes": lambda c: ("TiledShapeStMan", "T" + c) if c in tiled
             else ("IncrementalStMan", "ISM")}
    for name, manager_of in kinds.items():
        path = b.path(name + ".ms")
        rebuild(source, path, manager_of, fixed=name == "columns")
        compare_main(source, path, keywords=False)
        every_axis(b, path)
        out = b.partition(path, "k.mms", separationaxis="scan")
        for part in members(out):
            check(f"managers of {name}", managers_of(part), managers_of(path))
        shutil.rmtree(out)
        cut = b.partition(path, "c.mms", separationaxis="scan", spw="0:1~2", correlation="LL")
        compare_main(path, cut, cuts={0: (np.array([1, 2]), [1])})
        shutil.rmtree(cut)


@case()
def both_byte_orders(b):
    t = opened(b.data("D9b.ms"))
    for endian in ("big", "little"):
        path = b.path(endian + ".ms")
        t.copy(path, deep=True, valuecopy=True, endian=endian).close()
        check("byte order", opened(path).endianformat() if hasattr(t, "endianformat") else endian, endian)
        every_axis(b, path)
    t.close()


def compressed(b, kind, column):
    """A set whose data column goes through a lossy virtual engine."""
    source = b.make({**sets.d3(), **sets.values("DATA" if kind == "CompressComplex" else "FLOAT_DATA")})
    t = opened(source, readonly=False)
    cells = [t.getcell(column, row) for row in range(t.nrows())]
    keywords = t.getcolkeywords(column)
    t.removecols([column])
    stored = ct.makearrcoldesc(column + "_STORED", 0, ndim=2,
                               valuetype="int" if kind == "CompressComplex" else "short")
    seen = ct.makearrcoldesc(column, 0j if kind == "CompressComplex" else 0.0, ndim=2,
                             valuetype="complex" if kind == "CompressComplex" else "float",
                             datamanagertype=kind, datamanagergroup=column)
    spec = {"SOURCENAME": column, "TARGETNAME": column + "_STORED", "SCALE": 0.001,
            "OFFSET": 0.0}
    t.addcols(ct.maketabdesc([stored]))
    t.addcols(ct.maketabdesc([seen]), {"*1": {"TYPE": kind, "NAME": column, "COLUMNS": [column],
                                              "SPEC": spec}})
    t.putcolkeywords(column, keywords)
    for row, value in enumerate(cells):
        t.putcell(column, row, value)
    t.close()
    return source


@case()
def lossy_engines_are_written_as_they_read(b):
    for kind, column in (("CompressComplex", "DATA"), ("CompressFloat", "FLOAT_DATA")):
        try:
            source = compressed(b, kind, column)
        except RuntimeError as e:
            raise Skipped(f"{kind} can't be made here: {e}")
        check("manager", managers_of(source)[column], kind)
        out = b.partition(source, kind + ".mms", separationaxis="scan")
        check(f"manager of {column}", managers_of(members(out)[0])[column], "TiledShapeStMan")
        demand(column in b.done.stderr and "WARN" in b.done.stderr,
               f"no warning names {column}: {b.done.stderr}")
        a, c = opened(source), opened(out)
        compare_column(column, values(a, column), values(c, column))
        a.close(), c.close()
        shutil.rmtree(source), shutil.rmtree(out)


def dysco_table(path, nrow):
    """A table with one Dysco column, which wants the MS columns that tell its blocks apart."""
    spec = {"dataBitCount": 10, "weightBitCount": 12, "normalization": "AF",
            "distribution": "TruncatedGaussian", "distributionTruncation": 2.5, "staticSeed": 0,
            "studentTNu": 0.0}
    scalars = [ct.makescacoldesc(n, 0) for n in ("ANTENNA1", "ANTENNA2", "FIELD_ID", "DATA_DESC_ID")]
    column = ct.makearrcoldesc("DATA", 0j, shape=[4, 2], options=5, valuetype="complex",
                               datamanagertype="DyscoStMan", datamanagergroup="dysco")
    desc = ct.maketabdesc([*scalars, ct.makescacoldesc("TIME", 0.0), column])
    return ct.table(path, desc, nrow=nrow, ack=False,
                    dminfo={"*1": {"TYPE": "DyscoStMan", "NAME": "dysco", "COLUMNS": ["DATA"],
                                   "SPEC": spec}}), spec, column


@case()
def dysco(b):
    """A Dysco column of several time blocks, where casacore has that manager."""
    try:
        t, spec, column = dysco_table(b.path("probe"), 0)
        t.close()
    except RuntimeError as e:
        raise Skipped(f"no Dysco storage manager: {str(e).splitlines()[0]}")
    source = b.make({**sets.d3(), **sets.values("DATA")})
    t = opened(source, readonly=False)
    cells = t.getcol("DATA")
    t.removecols(["DATA"])
    t.addcols(ct.maketabdesc([column]), {"*1": {"TYPE": "DyscoStMan", "NAME": "dysco",
                                                "COLUMNS": ["DATA"], "SPEC": spec}})
    for row, value in enumerate(cells):
        t.putcell("DATA", row, value)
    t.close()
    check("manager", managers_of(source)["DATA"], "DyscoStMan")
    out = b.partition(source, separationaxis="scan")
    demand("DATA" in b.done.stderr and "WARN" in b.done.stderr, b.done.stderr)
    check("manager of the part", managers_of(members(out)[0])["DATA"], "TiledShapeStMan")
    compare_main(source, out)


def rename_manager(source):
    """Gives the manager TiledShapeStMan a name that no casacore knows."""
    path = os.path.join(source, "table.dat")
    with open(path, "rb") as f:
        content = f.read()
    demand(b"TiledShapeStMan" in content, "no such manager in the input")
    with open(path, "wb") as f:
        f.write(content.replace(b"TiledShapeStMan", b"TiledXxxxxStMan"))


@case()
def an_unknown_storage_manager_is_refused(b):
    source = b.make(sets.d3())
    rename_manager(source)
    b.watch(source)
    b.refuse(source, 2, "DATA (TiledXxxxxStMan)")
    # CASA's tables have stale managers in their description: table.dat's own list counts
    stale = b.copy("D7.ms", "stale.ms")
    rename_manager(stale)
    b.refuse(stale, 2, "DATA (TiledXxxxxStMan)")


@case()
def nothing_is_made_or_changed_in_an_input(b):
    """With and without lock files: every file, folder, content, mode and time stays."""
    for name, locks in (("S2.ms", True), ("D9b.ms", False), ("lofar", False), ("spw.mms", True)):
        source = b.copy(name, f"{name}{locks}")
        if not locks:
            for folder, _, names in os.walk(source):
                if "table.lock" in names:
                    os.remove(os.path.join(folder, "table.lock"))
        before = strict_snapshot(source)
        for launch in ({"jobs": 2}, {"mpi": 2}):
            out = b.partition(source, "out.mms", separationaxis="spw", **launch)
            shutil.rmtree(out)
            check(f"{name}, lock files {locks}", strict_snapshot(source), before)
        out = b.partition(source, "out.mms", separationaxis="scan", field="0")
        shutil.rmtree(out)
        check(f"{name} after a selection", strict_snapshot(source), before)
        shutil.rmtree(source)


@case()
def a_read_only_input_of_another_user(b):
    runuser = shutil.which("runuser")
    if not runuser or os.geteuid() != 0:
        raise Skipped("needs root and runuser")
    as_nobody = [runuser, "-u", "nobody", "--"]
    source = b.copy("S2.ms", "in.ms")
    subprocess.run(["chmod", "-R", "a-w,a+rX", source], check=True)
    os.chmod(b.folder, 0o755)
    place = b.path("place")
    os.mkdir(place)
    shutil.chown(place, "nobody")
    reach = subprocess.run([*as_nobody, "test", "-x", b.options.program, "-a", "-r",
                            os.path.join(source, "table.dat"), "-a", "-w", place])
    if reach.returncode != 0:
        raise Skipped("nobody can't reach the scratch folder or the program")
    before = strict_snapshot(source)
    for jobs in ("-j1", "-j2"):
        b.run(f"vis={source}", f"outputvis={place}/o{jobs}.mms", "flagbackup=False", jobs,
              prefix=as_nobody)
        compare_main(source, f"{place}/o{jobs}.mms")
    check("input", strict_snapshot(source), before)
    os.chmod(place, 0o555)
    done = b.run(f"vis={source}", f"outputvis={place}/no.mms", prefix=as_nobody, status=2)
    demand("place" in done.stderr, done.stderr)
    check("unwritable folder", sorted(os.listdir(place)), ["o-j1.mms", "o-j2.mms"])


def save(t, command, path):
    """As t.sort and t.query, which take no path with blanks."""
    ct.taql(f"select from $t {command} giving '{path}'").close()


@case()
def sorted_reference_tables_and_sorted_table(b):
    """SORTED_TABLE goes, and a selection that was saved as a reference table is a valid input."""
    source = b.copy("D9b.ms", "in.ms")
    t = opened(source, readonly=False)
    save(t, "orderby ANTENNA1,TIME", os.path.join(source, "SORTED_TABLE"))
    t.putkeyword("SORTED_TABLE", "Table: " + os.path.join(source, "SORTED_TABLE"))
    t.close()
    out = b.partition(source, separationaxis="scan")
    for path in (out, *members(out)):
        demand("SORTED_TABLE" not in opened(path).keywordnames(), f"{path} keeps SORTED_TABLE")
        demand(not os.path.lexists(os.path.join(path, "SORTED_TABLE")), f"{path} keeps its folder")
    compare_main(source, out)
    t = opened(source)
    reference = b.path("reference.ms")
    save(t, "where FIELD_ID==0 && ANTENNA1<2", reference)
    t.close()
    out = b.partition(reference, "r.mms", separationaxis="scan")
    compare_main(reference, out)
    compare_subtables(reference, out)

@case()
def the_output_is_not_written_into_the_input(b):
    source = b.copy("D7.ms")
    b.watch(source)
    b.refuse(source, 2, "lies inside the input", outputvis="in.ms/out.mms")


@case()
def an_id_far_beyond_the_data_costs_nothing(b):
    source = b.data("D7.ms")
    out = b.partition(source, separationaxis="scan", array="0,2000000000")
    compare_main(source, out)


@case()
def a_member_alone_is_an_input(b):
    source = b.partition(b.data("D7.ms"), "in.mms", separationaxis="scan", numsubms=3)
    part = members(source)[1]
    out = b.plain(part)
    check("sub-tables", sorted(n for n in os.listdir(out) if n.isupper()),
          sorted(n for n in os.listdir(part) if n.isupper()))
    compare_main(part, out)


@case()
def members_with_other_columns_are_refused(b):
    source = b.partition(b.data("D7.ms"), "in.mms", separationaxis="scan", numsubms=2)
    t = opened(members(source)[1], readonly=False)
    t.addcols(ct.makescacoldesc("EXTRA", 0))
    t.close()
    b.refuse(source, 2, "column EXTRA, which the first member lacks")


@case()
def cells_of_a_tile_manager_without_rows(b):
    source = b.path("in.ms")
    b.run(source, "--layout", "cell", "--antennas", "4", "--channels", "16", "--integrations", "6",
          "--no-sync", verb="simulate")
    b.known.add("in.ms")
    out = b.partition(source, separationaxis="baseline")
    compare_main(source, out)



if __name__ == "__main__":
    sys.exit(main(__doc__))
