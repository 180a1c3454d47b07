#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Multi-MSs as input: CASA's own and ours, member by member, cut anew, and as one MS (multi-ms
2.17); and CASA's Multi-MS of a selection beside ours."""
import os
import sys

import numpy as np

from common import (axis_type, case, check, check_ids, check_structure, compare_column,
                    compare_main, compare_subtable, compare_subtables, count, demand, get, main,
                    match, members, no_dangling_links, opened, reference_files, selected,
                    subtables, unique, values)

GOLDEN = {"scan.mms": 4, "auto.mms": 4, "spw.mms": 2, "baseline.mms": 3, "select.mms": 2,
          "h_d2.mms": 2, "vconcat.mms": 3}


def in_members_order(golden):
    """Members as table.dat lists them: virtualconcat sorts them by time."""
    t = opened(golden)
    names = t.partnames()
    t.close()
    return names


@case()
def members_of_casas_sets_are_kept(b):
    for name, n in GOLDEN.items():
        golden = b.data(name)
        out = b.partition(golden, name)
        check(f"{name}: axis", axis_type(out), axis_type(golden))
        check(f"{name}: rows", [count(p) for p in members(out)],
              [count(p) for p in in_members_order(golden)])
        check(f"{name}: parts", len(members(out)), n)
        compare_main(golden, out)
        compare_subtables(golden, out)
        reference_files(out)
        no_dangling_links(out)
        check_ids(out)
        for part in members(out):
            check_ids(part)


@case()
def casas_sets_are_cut_anew(b):
    for name in GOLDEN:
        golden = b.data(name)
        for axis, given in (("scan", {"numsubms": 2}), ("spw", {}), ("baseline", {"numsubms": 3}),
                            ("auto", {})):
            out = b.partition(golden, axis + name, separationaxis=axis, **given)
            check_structure(out, {"auto": "scan,spw"}.get(axis, axis))
            compare_main(golden, out)
            compare_subtables(golden, out)


@case()
def casas_sets_become_one_ms(b):
    for name in GOLDEN:
        golden = b.data(name)
        out = b.plain(golden, name + ".ms")
        compare_main(golden, out)
        compare_subtables(golden, out)
        check(f"{name}: axis", axis_type(out), None)


@case()
def repartition_says_it_outright(b):
    golden = b.data("scan.mms")
    out = b.partition(golden, "again.mms", repartition=True)
    check_structure(out, "scan,spw")
    compare_main(golden, out)
    b.refuse(golden, 2, "repartition=False", repartition=False, separationaxis="scan")
    b.refuse(golden, 2, "repartition=False", repartition=False, numsubms=2)
    check_structure(b.partition(golden, "kept.mms", repartition=False), "scan")


@case("T74", "T75")
def selections_drop_members(b):
    """Partition's side of T74 and T75: members without rows go, the others are numbered anew."""
    source = b.data("D1.ms")
    mms = b.partition(source, "in.mms", separationaxis="scan", spw="0,1")
    out = b.partition(mms, "one.mms", scan="2")
    check_structure(out, "scan")
    check("parts", [os.path.basename(p) for p in members(out)], ["one.0000.ms"])
    compare_main(source, out, selected(source, SCAN_NUMBER=[2], DATA_DESC_ID=[0, 1]))
    out = b.partition(mms, "hands.mms", correlation="RR,LL", spw="0")
    check("parts", len(members(out)), 2)
    check("DDs", unique(out, "DATA_DESC_ID"), [0])
    check("WEIGHT", {opened(out).getcell("WEIGHT", r).shape for r in range(count(out))}, {(2,)})
    compare_main(source, out, selected(source, DATA_DESC_ID=[0]), cuts={0: (None, [0, 3])})
    b.refuse(mms, 3, "zero rows", scan="2", taql="SCAN_NUMBER==1")


@case()
def our_own_sets_of_every_axis(b):
    """Cutting anew and joining give back the input, whatever the first axis was."""
    source = b.data("S2.ms")
    for axis in ("scan", "spw", "auto", "balanced", "baseline"):
        mms = b.partition(source, f"{axis}.mms", separationaxis=axis, numsubms=3)
        again = b.partition(mms, f"{axis}2.mms", separationaxis="scan", repartition=True)
        compare_main(source, again, ordered=False)
        compare_main(mms, again)
        compare_subtables(source, again)
        member_wise = b.partition(mms, f"{axis}3.mms", profile="linked", naming="full")
        check("axis", axis_type(member_wise), axis_type(mms))
        check("rows", [count(p) for p in members(member_wise)], [count(p) for p in members(mms)])
        compare_main(mms, member_wise)
        check_structure(member_wise, axis_type(mms), profile="linked", naming="full")


@case()
def casas_selection_beside_ours(b):
    """select.mms.  CASA's WEIGHT is 1/SIGMA^2 (D19), EFFECTIVE_BW is RESOLUTION for cut spws
    (3.5), FEED and the like are merged part by part (D20); its rows are sorted (D21)."""
    golden, source = b.data("select.mms"), b.data("alma2")
    out = b.partition(source, separationaxis="spw", spw="1:5~20,2", scan="3", correlation="XX,YY")
    check_structure(out, "spw")
    check("rows by part", [count(p) for p in members(out)], [count(p) for p in members(golden)])
    a, c = opened(golden), opened(out)
    found = match(a, c, None, {})
    spectra = {"WEIGHT_SPECTRUM", "SIGMA_SPECTRUM"}  # CASA drops columns without cells (1.12)
    check("columns", set(c.colnames()) - set(a.colnames()), spectra)
    check("CASA's columns", set(a.colnames()) - set(c.colnames()), set())
    for name in sorted(set(a.colnames()) - {"WEIGHT"}):
        theirs, ours = values(a, name), values(c, name)
        compare_column(name, [theirs[row] for row in found], ours)
    for row in range(c.nrows()):
        demand(np.allclose(c.getcell("WEIGHT", row), a.getcell("WEIGHT", int(found[row])),
                           rtol=3e-7), f"WEIGHT row {row}")
    theirs, ours = subtables(golden), subtables(out)
    for name in ("ANTENNA", "DATA_DESCRIPTION", "FIELD", "OBSERVATION", "STATE"):
        compare_values(name, theirs[name], ours[name])
    # of a polarization without correlations CASA keeps the empty CORR_PRODUCT's other axis
    compare_values("POLARIZATION", theirs["POLARIZATION"], ours["POLARIZATION"], {"CORR_PRODUCT"})
    compare_values("SPECTRAL_WINDOW", theirs["SPECTRAL_WINDOW"], ours["SPECTRAL_WINDOW"],
                   skip={"EFFECTIVE_BW", "ASSOC_SPW_ID", "ASSOC_NATURE"})
    for name in ("FEED", "SYSCAL"):
        keys = ("ANTENNA_ID", "SPECTRAL_WINDOW_ID")
        check(name, sorted(zip(*(get(ours[name], k) for k in keys))),
              sorted(zip(*(get(theirs[name], k) for k in keys))))


def compare_values(name, a, c, skip=()):
    """Columns that both have, where CASA's has cells."""
    ta, tc = opened(a), opened(c)
    check(f"{name}: rows", tc.nrows(), ta.nrows())
    for column in sorted(set(ta.colnames()) & set(tc.colnames()) - set(skip)):
        compare_column(f"{name}.{column}", values(ta, column), values(tc, column))


if __name__ == "__main__":
    sys.exit(main(__doc__))
