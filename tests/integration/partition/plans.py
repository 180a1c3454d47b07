#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Which rows go to which part, and requests that are refused: T33-T35, T43, T50-T52, T54,
T58-T68, T100-T102 of multi-ms 6."""
import os
import sys

import numpy as np

import sets
from common import (case, check, check_structure, compare_main, date, demand, fingerprint, get, main,
                    members, opened, rows_by, selected, unique)


def cells_of(part):
    """{DDID: scans} of a part."""
    cells = {}
    for ddid, scan in sorted(rows_by(part, "DATA_DESC_ID", "SCAN_NUMBER")):
        cells.setdefault(ddid, []).append(scan)
    return cells


def parts(b, source, name="out.mms", **given):
    out = b.partition(source, name, **given)
    compare_main(source, out)
    return [cells_of(p) for p in members(out)]


@case("T33")
def balanced_parts_of_unequal_dds(b):
    source = b.make(sets.d2())
    out = b.partition(source, separationaxis="balanced", spw="0,2", numsubms=3)
    spw_of = get(out, "SPECTRAL_WINDOW_ID", "DATA_DESCRIPTION")
    check("spws by part", [[spw_of[d] for d in unique(p, "DATA_DESC_ID")] for p in members(out)],
          [[1], [0], [0]])


@case("T34")
def balanced_with_too_many_parts(b):
    source = b.make(sets.d2())
    check("parts", len(parts(b, source, separationaxis="balanced", numsubms=64)), 4)
    demand("Number of subMSs (64) is greater than available scan,ddi pairs (4), setting nsubms to 4"
           in b.done.stderr, b.done.stderr)


@case("T35")
def grid_of_one_scan(b):
    source = b.make(sets.d2())
    check("DDs by part", [sorted(c) for c in parts(b, source, separationaxis="auto", numsubms=64)],
          [[0, 1], [2], [3]])


@case("T43")
def balanced_halves_of_equal_scans(b):
    source = b.make(sets.d9())
    out = b.partition(source, separationaxis="balanced", numsubms=2)
    check("scans", [unique(p, "SCAN_NUMBER") for p in members(out)], [list(range(1, 27))] * 2)
    check("rows", [opened(p).nrows() for p in members(out)], [opened(source).nrows() // 2] * 2)
    compare_main(source, out)


@case("T50", "T51", "T52")
def baseline_axis_of_six_pairs(b):
    source = b.make(sets.d3())
    pairs = [(0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2)]
    for n, size in ((50, 1), (3, 2)):
        out = b.partition(source, f"o{n}.mms", separationaxis="baseline", numsubms=n)
        check(f"pairs of {n} parts", [sorted(rows_by(p, "ANTENNA1", "ANTENNA2"))
                                      for p in members(out)],
              [pairs[i:i + size] for i in range(0, 6, size)])
    out = b.partition(source, "autos.mms", separationaxis="baseline", antenna="*&&&")
    check("autocorrelations", sorted(rows_by(out, "ANTENNA1", "ANTENNA2")), [(0, 0), (1, 1), (2, 2)])
    check_structure(out, "baseline")


@case("T54")
def rows_with_antennas_exchanged(b):
    source = b.make(sets.d3())
    t = opened(source, readonly=False)
    a1, a2 = t.getcol("ANTENNA1"), t.getcol("ANTENNA2")
    swap = np.arange(t.nrows()) % 3 == 1
    t.putcol("ANTENNA1", np.where(swap, a2, a1))
    t.putcol("ANTENNA2", np.where(swap, a1, a2))
    t.close()
    demand(np.any(a1[swap] != a2[swap]), "no pair was exchanged")
    out = b.partition(source, separationaxis="baseline", numsubms=50)
    check("parts", len(members(out)), 6)
    compare_main(source, out)
    given = {"antenna": "!A00"}
    plain = b.plain(source, **given)
    demand(0 < opened(plain).nrows() < len(a1), "rows of a negated antenna")
    compare_main(plain, b.partition(source, "n.mms", separationaxis="baseline", **given))


@case("T58")
def a_missing_data_column(b):
    source = b.make(sets.d1(scans=(30,), channels=4))
    for column, name in (("float_data", "FLOAT_DATA"), ("lag_data", "LAG_DATA")):
        b.refuse(source, 2, f"Desired column ({name}) not found in the input MS", datacolumn=column)
    source = b.make({**sets.d3(), **sets.values("MODEL_DATA")}, "model.ms")
    b.refuse(source, 2, "Desired column (CORRECTED_DATA) not found", datacolumn="corrected")
    b.refuse(source, 2, "Desired column (DATA) not found", datacolumn="data,model,corrected")


@case("T59")
def wrong_numbers_of_parts(b):
    source = b.watch(b.make(sets.d3()))
    for wrong in ("0", "-1", "x", "1.5", "99999999999999999999"):
        b.refuse(source, 2, "numsubms must be 'auto' or a positive integer", numsubms=wrong)
    b.refuse(source, 2, "separationaxis", separationaxis="frequency")
    check("decimal text", len(members(b.partition(source, numsubms="2", separationaxis="scan"))), 2)


def scans_by_part(b, source, **given):
    return [p["scans"] for p in b.plan(source, **given)]


@case("T60")
def parts_of_five_scans_and_four_spws(b):
    """The table of multi-ms 2.9, and all that is written."""
    source, every = b.data("D7.ms"), [1, 2, 3, 4, 5]
    spws = {3: [[0], [1, 2], [3]], 6: [[0], [1], [2], [3]], "auto": [[0], [1], [2], [3]],
            64: [[0], [1], [2], [3]]}
    scans = {3: [[1, 2], [3], [4, 5]], 6: [[s] for s in every], "auto": [[s] for s in every],
             64: [[s] for s in every]}
    halves = [[s] for s in ([1, 2], [3, 4, 5])]
    grid = {3: [{d: every for d in w} for w in spws[3]],
            6: [{d: h[0]} for d in range(4) for h in halves],
            "auto": [{d: h[0]} for d in range(4) for h in halves],
            64: [{d: [s]} for d in range(4) for s in every]}
    for n in (3, 6, "auto", 64):
        check(f"scan, {n}", parts(b, source, f"s{n}.mms", separationaxis="scan", numsubms=n),
              [{d: s for d in range(4)} for s in scans[n]])
        check(f"spw, {n}", parts(b, source, f"w{n}.mms", separationaxis="spw", numsubms=n),
              [{d: every for d in w} for w in spws[n]])
        check(f"auto, {n}", parts(b, source, f"a{n}.mms", separationaxis="auto", numsubms=n), grid[n])


@case("T60")
def balanced_parts_of_five_scans_and_four_spws(b):
    source = b.data("D7.ms")
    check("3 parts", parts(b, source, "b3.mms", separationaxis="balanced", numsubms=3),
          [{0: [2, 5], 1: [1, 4], 2: [3], 3: [2, 5]}, {0: [1, 4], 1: [3], 2: [2, 5], 3: [1, 4]},
           {0: [3], 1: [2, 5], 2: [1, 4], 3: [3]}])
    check("6 parts", parts(b, source, "b6.mms", separationaxis="balanced", numsubms=6),
          [{0: [1], 1: [4], 2: [2], 3: [5]}, {0: [4], 1: [1], 2: [5], 3: [2]},
           {0: [2], 1: [5], 3: [3]}, {0: [5], 1: [2], 2: [3]}, {1: [3], 2: [1], 3: [4]},
           {0: [3], 2: [4], 3: [1]}])
    sizes = [sum(map(len, p.values())) for p in
             parts(b, source, "b8.mms", separationaxis="balanced")]
    check("pairs of 8 parts", sizes, [3, 3, 3, 3, 2, 2, 2, 2])
    pairs = parts(b, source, "b64.mms", separationaxis="balanced", numsubms=64)
    check("64 parts", [sum(map(len, p.values())) for p in pairs], [1] * 20)


@case("T61")
def a_combination_without_data(b):
    source = b.data("D7x.ms")
    grid = parts(b, source, separationaxis="auto", numsubms=64)
    check("parts", grid, [{d: [s]} for d in range(4) for s in range(1, 6) if (d, s) != (2, 3)])
    check("auto, 6", len(parts(b, source, "a6.mms", separationaxis="auto", numsubms=6)), 8)
    check("balanced", len(parts(b, source, "b.mms", separationaxis="balanced", numsubms=64)), 19)
    check("scan", len(parts(b, source, "s.mms", separationaxis="scan", numsubms=3)), 3)


@case("T62", "T63")
def sixteen_and_six_units(b):
    for axis, shape in (("scan", lambda n: (n, 1)), ("spw", lambda n: (1, n))):
        for n, want in ((16, [2] * 8), (6, [1] * 6)):
            source = b.make(sets.grid(*shape(n)), f"{axis}{n}.ms")
            key = {"scan": "scans", "spw": "spws"}[axis]
            units = [p[key] for p in b.plan(source, separationaxis=axis, numsubms=8)]
            check(f"{axis}, {n}", [len(u) for u in units], want)
            check("all of them", sum(units, []), list(range(axis == "scan", n + (axis == "scan"))))


def grid_of(b, nscans, nspws, n):
    source = b.make(sets.grid(nscans, nspws), f"g{nscans}x{nspws}.ms")
    return [(p["spws"], p["scans"]) for p in b.plan(source, separationaxis="auto", numsubms=n)]


@case("T64", "T65", "T66", "T67", "T68")
def grids(b):
    every = list(range(1, 11))
    check("T64", grid_of(b, 10, 16, 8), [([2 * i, 2 * i + 1], every) for i in range(8)])
    check("T65", grid_of(b, 12, 4, 16),
          [([o // 4], [3 * (o % 4) + k for k in (1, 2, 3)]) for o in range(16)])
    check("T66", grid_of(b, 2, 15, 48), [([o // 2], [o % 2 + 1]) for o in range(30)])
    check("T67", grid_of(b, 4, 4, 16), [([o // 4], [o % 4 + 1]) for o in range(16)])
    check("T68", grid_of(b, 2, 2, 4), [([0], [1]), ([0], [2]), ([1], [1]), ([1], [2])])


@case("T68")
def figure_3_of_the_seed_as_written(b):
    source = b.make(sets.grid(2, 2))
    check("parts", parts(b, source, separationaxis="auto", numsubms=4),
          [{0: [1]}, {0: [2]}, {1: [1]}, {1: [2]}])


@case("T100")
def any_number_of_workers(b):
    source = b.data("D7.ms")
    for axis in ("scan", "auto", "baseline"):
        want = None
        for jobs, mpi in ((1, 0), (2, 0), (4, 0), (0, 1), (0, 2), (0, 5)):
            os.mkdir(b.path(f"{axis}{jobs}{mpi}"))
            out = b.partition(source, f"{axis}{jobs}{mpi}/out.mms", separationaxis=axis,
                              numsubms=3, jobs=jobs, mpi=mpi)
            want = want or fingerprint(out)
            check(f"{axis}, {jobs} workers, {mpi} ranks", fingerprint(out), want)
    compare_main(source, out)


@case("T101")
def one_part_that_fails(b):
    """A column whose file is cut short is refused by name, or makes the parts that need it fail."""
    source = b.copy("D7.ms", "in.ms")
    t = opened(source)
    manager = [m for m in t.getdminfo().values() if "DATA" in m["COLUMNS"]][0]
    t.close()
    tiles = os.path.join(source, f"table.f{manager['SEQNR']}_TSM1")
    os.truncate(tiles, os.path.getsize(tiles) // 8)
    for jobs in (1, 2):
        words = [f"vis={source}", f"outputvis={os.path.join(b.folder, 'o.mms')}", f"-j{jobs}",
                 "separationaxis=scan"]
        done = b.run(*words, status=2)
        demand(tiles in done.stderr, f"the file is not named: {done.stderr}")
        done = b.run(*words, "tiles=False", status=1)
        demand("o.000" in done.stderr, f"no part is named: {done.stderr}")
        check("folder", sorted(os.listdir(b.folder)), ["in.ms"])


@case("T102")
def a_time_range_of_one_scan(b):
    source = b.make(sets.grid(5, 4, pointing=True))
    rows = selected(source, SCAN_NUMBER=[2])
    times = np.array(get(source, "TIME"))[rows]
    pointing = np.array(get(source, "TIME", "POINTING"))
    first, last = times.min() - 1, times.max() + 1
    out = b.partition(source, separationaxis="spw", numsubms=4,
                      timerange=f"{date(first)}~{date(last)}")
    check("parts", len(members(out)), 4)
    compare_main(source, out, rows)
    check("POINTING", get(out, "TIME", "POINTING"),
          pointing[(pointing >= first) & (pointing <= last)].tolist())


@case()
def empty_parts_are_dropped_quietly(b):
    """A time range that leaves an spw without rows; parts stay contiguous."""
    source = b.data("D9b.ms")
    for axis in ("scan", "spw", "auto", "balanced", "baseline"):
        out = b.partition(source, axis + ".mms", separationaxis=axis, taql="DATA_DESC_ID==1",
                          numsubms=8)
        check_structure(out, {"auto": "scan,spw", "balanced": "scan,spw"}.get(axis, axis))
        compare_main(source, out, selected(source, DATA_DESC_ID=[1]))


@case()
def nothing_selected(b):
    source = b.watch(b.make(sets.d3()))
    for axis in ("scan", "spw", "auto", "balanced", "baseline"):
        b.refuse(source, 3, "MSSelectionNullSelection : The selected table has zero rows.",
                 separationaxis=axis, taql="SCAN_NUMBER==77")
    b.refuse(source, 3, "zero rows", createmms=False, uvrange=">1e9m")
    b.refuse(source, 3, "zero rows", feed="0")


@case()
def selections_that_match_no_entry(b):
    source = b.watch(b.make(sets.d3()))
    for given in ({"field": "5"}, {"spw": "7"}, {"correlation": "YX"}, {"intent": "*NOTHING*"},
                  {"antenna": "nobody"}, {"spw": ":3~4"}, {"scan": "x"}, {"uvrange": "abc"},
                  {"timerange": "yesterday"}, {"taql": "NO_COLUMN > 3"}, {"observation": "x"},
                  {"spw": "0:9~12"}):
        for axis in ("scan", "spw"):
            word = next(iter(given.values()))
            b.refuse(source, 2, word.strip("*"), separationaxis=axis, **given)


@case()
def three_of_four_correlations(b):
    source = b.watch(b.make(sets.d1(columns=("DATA",), scans=(30,), channels=4)))
    b.refuse(source, 2, "Sorry, the requested correlation selection is not unsupported.",
             correlation="RR,LL,RL")


@case()
def dry_runs_write_nothing(b):
    source = b.watch(b.make(sets.d3()))
    for createmms in (True, False):
        done = b.run(f"vis={source}", f"outputvis={os.path.join(b.folder, 'no.mms')}", "--dryrun",
                     f"createmms={createmms}")
        demand("54" in done.stdout, done.stdout)
    check("folder", os.listdir(b.folder), ["in.ms"])


if __name__ == "__main__":
    sys.exit(main(__doc__))
