#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Selections: the ids, sub-tables and rows they leave: T12-T24, T27-T32, T36-T42, T44-T49, T53,
T55-T57, T103, T104 of multi-ms 6 and parallel-tasks 6.1."""
import os
import sys

import numpy as np

import sets
from common import (axis_type, case, check, check_ids, check_structure, compare_main,
                    compare_subtables, count, date, demand, get, main, members, opened, rows_by,
                    selected, spws_by_scan, unique)


@case("T12")
def plain_output_equals_the_input(b):
    source = b.make(sets.d10())
    out = b.plain(source)
    compare_main(source, out)
    compare_subtables(source, out)
    check("AxisType", axis_type(out), None)


@case("T13")
def plain_output_renumbers_ids(b):
    source = b.make(sets.d1())
    out = b.plain(source, spw="1,3,5", antenna="0~2&")
    rows = selected(source, DATA_DESC_ID=[1, 3, 5], ANTENNA1=[0, 1, 2], ANTENNA2=[0, 1, 2])
    compare_main(source, out, rows, ids={"DATA_DESC_ID": [1, 3, 5]})
    check("antennas", count(out, "ANTENNA"), 3)
    check("spws", get(out, "NAME", "SPECTRAL_WINDOW"), ["SPW1", "SPW3", "SPW5"])
    check("FEED", sorted(zip(get(out, "SPECTRAL_WINDOW_ID", "FEED"), get(out, "ANTENNA_ID", "FEED"))),
          [(w, a) for w in range(3) for a in range(3)])
    text = open(os.path.join(out, "table.info")).read()
    demand("CONCATENATED" not in text and "AxisType" not in text, text)
    check("SUBMSS", os.path.exists(os.path.join(out, "SUBMSS")), False)


@case("T14")
def scan_axis_of_several_observations(b):
    source = b.make(sets.d10())
    out = b.partition(source, separationaxis="scan")
    check("rows by scan", rows_by(out, "SCAN_NUMBER"), rows_by(source, "SCAN_NUMBER"))
    check("spws by scan", spws_by_scan(out), spws_by_scan(source))
    check_structure(out, "scan")
    compare_main(source, out)


@case("T15")
def scan_axis_of_four_scans(b):
    source = b.make(sets.d10())
    out = b.partition(source, separationaxis="scan", scan="1,2,3,11")
    check("scans", unique(out, "SCAN_NUMBER"), [1, 2, 3, 11])
    compare_main(source, out, selected(source, SCAN_NUMBER=[1, 2, 3, 11]))
    compare_subtables(source, out)


@case("T16")
def spw_axis_of_an_observation(b):
    source = b.make(sets.d10())
    out = b.partition(source, separationaxis="spw", observation="2")
    rows = selected(source, OBSERVATION_ID=[2])
    compare_main(source, out, rows, ids={"OBSERVATION_ID": [2]})
    check("spws by part", [sorted(sum(spws_by_scan(p).values(), [])) for p in members(out)],
          [[w, w, w] for w in (1, 2, 4, 5)])
    check("spws", count(out, "SPECTRAL_WINDOW"), 6)
    check("observations", count(out, "OBSERVATION"), 1)


@case("T17")
def spw_axis_of_two_spws(b):
    source = b.make(sets.d10())
    out = b.partition(source, separationaxis="spw", spw="2,4")
    rows = selected(source, DATA_DESC_ID=[2, 4])
    compare_main(source, out, rows, ids={"DATA_DESC_ID": [2, 4]})
    check("spws", get(out, "SPECTRAL_WINDOW_ID", "DATA_DESCRIPTION"), [0, 1])
    check_structure(out, "spw")


@case("T18")
def source_model_is_carried(b):
    source = b.make(sets.d10())
    n = count(source, "SOURCE")
    sets.add_column(os.path.join(source, "SOURCE"), "SOURCE_MODEL",
                    [np.arange(3.0) + i for i in range(n)], ndim=1)
    out = b.partition(source, separationaxis="spw", observation="0,1", spw="0~3", scan="1~6")
    demand("MODEL_DATA" not in opened(out).colnames(), "MODEL_DATA was made")
    t = opened(os.path.join(out, "SOURCE"))
    models = [t.getcell("SOURCE_MODEL", i).tolist() for i in range(t.nrows())]
    check("SOURCE_MODEL", models, [[i, i + 1.0, i + 2.0] for i in range(n)])


@case("T19")
def one_scan_by_default(b):
    source = b.make(sets.d1(scans=(30,)))
    out = b.partition(source)
    check_structure(out, "scan,spw")
    check("parts", len(members(out)), 8)
    check("scans", unique(out, "SCAN_NUMBER"), [30])
    check("spws", unique(out, "DATA_DESC_ID"), list(range(16)))
    compare_main(source, out)


@case("T20")
def disableparallel(b):
    source = b.make(sets.d1())
    out = b.partition(source, disableparallel=True)
    check_structure(out, "scan,spw")
    check("spws by scan", spws_by_scan(out), spws_by_scan(source))
    compare_main(source, out)
    compare_subtables(source, out)


@case("T21")
def auto_axis_of_twelve_spws(b):
    source = b.make(sets.d1())
    out = b.partition(source, separationaxis="auto", spw="0~11")
    compare_main(source, out, selected(source, DATA_DESC_ID=range(12)))
    check("spws", unique(out, "DATA_DESC_ID"), list(range(12)))
    check("scans", unique(out, "SCAN_NUMBER"), [30, 31])


@case("T22")
def all_data_columns_in_every_part(b):
    source = b.make(sets.d1())
    out = b.partition(source, datacolumn="all")
    for part in members(out):
        demand({"DATA", "MODEL_DATA", "CORRECTED_DATA"} <= set(opened(part).colnames()), part)
    compare_main(source, out)


@case("T23")
def scan_axis_of_scattered_spws(b):
    source = b.watch(b.make(sets.d1()))
    out = b.partition(source, separationaxis="scan", spw="1~4,10,11")
    ddids = [1, 2, 3, 4, 10, 11]
    check("spws by part", [sorted(spws_by_scan(p).items()) for p in members(out)],
          [[(30, list(range(6)))], [(31, list(range(6)))]])
    compare_main(source, out, selected(source, DATA_DESC_ID=ddids), ids={"DATA_DESC_ID": ddids})
    check_structure(out, "scan")


@case("T24")
def spw_axis_of_six_parts_with_corrected_data(b):
    source = b.make(sets.d1())
    out = b.partition(source, separationaxis="spw", numsubms=6, datacolumn="corrected")
    check("DDs by part", [unique(p, "DATA_DESC_ID") for p in members(out)],
          [[0, 1, 2], [3, 4], [5, 6, 7], [8, 9, 10], [11, 12], [13, 14, 15]])
    compare_main(source, out, derived={"SIGMA": lambda c: inverse_root(c["WEIGHT"])},
                 names={"DATA": "CORRECTED_DATA", "CORRECTED_DATA": None, "MODEL_DATA": None})


def inverse_root(weight):
    """SIGMA of WEIGHT in single precision, -1 where there is none (multi-ms 2.13)."""
    one = np.float32(1)
    return np.where(weight > np.float32(1.18e-38), one / np.sqrt(np.abs(weight)), np.float32(-1))


def cut_spws(b, axis, spw, cut, order, **more):
    """Partition with channel selections; cut: {input spw: channels}; order: input spws."""
    source = b.make(sets.d1(columns=("DATA",)))
    out = b.partition(source, separationaxis=axis, spw=spw, **more)
    cuts = {d: (np.array(cut[d]) if d in cut else None, None) for d in order}
    compare_main(source, out, selected(source, DATA_DESC_ID=order),
                 ids={"DATA_DESC_ID": order}, cuts=cuts)
    check("channels", get(out, "NUM_CHAN", "SPECTRAL_WINDOW"), [len(cut.get(d, range(64))) for d in order])
    window(source, out, order, cut)
    check_structure(out, {"auto": "scan,spw"}.get(axis, axis))
    check_ids(out)
    return out


def window(source, out, order, cut):
    """SPECTRAL_WINDOW of a channel selection (multi-ms 3.5)."""
    a, c = (opened(os.path.join(p, "SPECTRAL_WINDOW")) for p in (source, out))
    check("spws", c.nrows(), len(order))
    for new, old in enumerate(order):
        channels = cut.get(old, range(64))
        for column in ("CHAN_FREQ", "CHAN_WIDTH", "RESOLUTION", "EFFECTIVE_BW"):
            check(f"{column} of spw {new}", c.getcell(column, new).tolist(),
                  a.getcell(column, old)[list(channels)].tolist())
        freqs, widths = c.getcell("CHAN_FREQ", new), c.getcell("CHAN_WIDTH", new)
        check(f"TOTAL_BANDWIDTH of spw {new}", c.getcell("TOTAL_BANDWIDTH", new),
              float(np.abs(widths).sum()))
        if old in cut:
            check(f"REF_FREQUENCY of spw {new}", c.getcell("REF_FREQUENCY", new),
                  min(freqs[0], freqs[-1]))


@case("T27")
def channels_of_the_last_spw(b):
    out = cut_spws(b, "spw", "0~4,5:1~10", {5: range(1, 11)}, list(range(6)))
    check("parts", len(members(out)), 6)


@case("T28")
def channels_on_axis_auto(b):
    out = cut_spws(b, "auto", "0:0~10,1:60~63", {0: range(11), 1: range(60, 64)}, [0, 1])
    check("parts", len(members(out)), 4)
    check("DD spws", get(out, "SPECTRAL_WINDOW_ID", "DATA_DESCRIPTION"), [0, 1])


@case("T29")
def channels_on_axis_scan(b):
    out = cut_spws(b, "scan", "0:0~10,1:60~63", {0: range(11), 1: range(60, 64)}, [0, 1])
    check("parts", len(members(out)), 2)


@case("T30")
def channels_of_one_spw_among_seven(b):
    cut_spws(b, "spw", "3,5:10~19,7,9,11,13,15", {5: range(10, 20)}, [3, 5, 7, 9, 11, 13, 15])


@case("T31")
def feed_rows_of_five_spws(b):
    out = cut_spws(b, "spw", "3,5:10~20,7,9,15", {5: range(10, 21)}, [3, 5, 7, 9, 15], numsubms=5)
    feed_of_spws(out, 5)


@case("T32")
def feed_rows_of_two_spws(b):
    out = cut_spws(b, "auto", "0:0~10,1:60~63", {0: range(11), 1: range(60, 64)}, [0, 1])
    feed_of_spws(out, 2)


def feed_of_spws(out, n):
    """4 antennas for each spw; the rows keep the input's order, antenna by antenna."""
    rows = list(zip(get(out, "ANTENNA_ID", "FEED"), get(out, "SPECTRAL_WINDOW_ID", "FEED")))
    check("FEED", rows, [(a, w) for a in range(4) for w in range(n)])


@case()
def several_ranges_and_steps_of_one_spw(b):
    cut_spws(b, "spw", "1:0~10;15~60,0", {1: [*range(11), *range(15, 61)]}, [1, 0])


@case()
def stepped_channels(b):
    cut_spws(b, "scan", "2:0~60^4,1", {2: range(0, 61, 4)}, [2, 1])


@case("T104")
def channels_of_all_and_of_a_range_of_spws(b):
    every = {d: range(1, 11) for d in range(16)}
    cut_spws(b, "spw", "*:1~10", every, list(range(16)))


@case("T104")
def channels_of_a_range_of_spws(b):
    cut_spws(b, "spw", "0~4:1~10", {d: range(1, 11) for d in range(5)}, list(range(5)))


@case("T36", "T37", "T38", "T39")
def shared_spws_and_their_polarizations(b):
    source = b.make(sets.d2())
    for axis, spw, ddids, dd_spw, pols, numsubms in (
            ("spw", "1,2", [2, 3], [0, 1], [2, 3], "auto"),
            ("spw", "0,1", [0, 1, 2], [0, 0, 1], [0, 1, 2], "auto"),
            ("spw", "0,1,2", [0, 1, 2, 3], [0, 0, 1, 2], [0, 1, 2, 3], 2),
            ("auto", "0,2", [0, 1, 3], [0, 0, 1], [0, 1, 3], "auto")):
        name = f"o{spw.replace(',', '')}.mms"
        out = b.partition(source, name, separationaxis=axis, spw=spw, numsubms=numsubms,
                          disableparallel=axis == "auto")
        compare_main(source, out, selected(source, DATA_DESC_ID=ddids), ids={"DATA_DESC_ID": ddids})
        check("DD spws", get(out, "SPECTRAL_WINDOW_ID", "DATA_DESCRIPTION"), dd_spw)
        check("DD polarizations", get(out, "POLARIZATION_ID", "DATA_DESCRIPTION"), pols)
        check("polarizations", count(out, "POLARIZATION"), 4)
        check("FEED spws", get(out, "SPECTRAL_WINDOW_ID", "FEED"), list(range(max(dd_spw) + 1)) * 5)
        check_ids(out)
        if spw == "0,1,2":
            compare_subtables(source, out)


@case("T40")
def dds_without_all_selected_products_drop_out(b):
    source = b.make(sets.d2())
    out = b.partition(source, separationaxis="balanced", correlation="RR,LL")
    check("NUM_CORR", get(out, "NUM_CORR", "POLARIZATION"), [0, 0, 2, 2])
    check("DDs", unique(out, "DATA_DESC_ID"), [0, 1])
    compare_main(source, out, selected(source, DATA_DESC_ID=[2, 3]), ids={"DATA_DESC_ID": [2, 3]},
                 cuts={2: (None, None), 3: (None, [0, 3])})
    t = opened(os.path.join(out, "POLARIZATION"))
    check("CORR_TYPE", [t.getcell("CORR_TYPE", i).tolist() for i in (2, 3)], [[5, 8], [5, 8]])
    check("CORR_PRODUCT", t.getcell("CORR_PRODUCT", 3).tolist(), [[0, 0], [1, 1]])
    b.run(f"vis={out}", verb="listpartition")


@case("T41")
def one_hand(b):
    source = b.make(sets.d2())
    out = b.plain(source, correlation="LL")
    check("DD spws", get(out, "SPECTRAL_WINDOW_ID", "DATA_DESCRIPTION"), [0, 1, 2])
    check("DD polarizations", get(out, "POLARIZATION_ID", "DATA_DESCRIPTION"), [1, 2, 3])
    compare_main(source, out, selected(source, DATA_DESC_ID=[1, 2, 3]),
                 ids={"DATA_DESC_ID": [1, 2, 3]},
                 cuts={1: (None, None), 2: (None, [1]), 3: (None, [3])})


@case("T42")
def one_spw_with_two_dds(b):
    source = b.make(sets.d2())
    out = b.plain(source, spw="0")
    check("DD spws", get(out, "SPECTRAL_WINDOW_ID", "DATA_DESCRIPTION"), [0, 0])
    check("DD polarizations", get(out, "POLARIZATION_ID", "DATA_DESCRIPTION"), [0, 1])
    compare_main(source, out, selected(source, DATA_DESC_ID=[0, 1]))


@case("T44", "T45")
def states_of_an_intent_and_of_scans(b):
    source = b.make(sets.d9())
    out = b.plain(source, "intent.ms", intent="OBSERVE_TARGET*")
    wanted = [i for i in range(30) if i % 5 in (1, 3)]
    check("states", count(out, "STATE"), 12)
    compare_main(source, out, selected(source, STATE_ID=wanted), ids={"STATE_ID": wanted})
    out = b.plain(source, "scans.ms", scan="2,3")
    check("states", count(out, "STATE"), 30)
    compare_main(source, out, selected(source, SCAN_NUMBER=[2, 3]))


def d8(b, *tables, feeds="per_spw"):
    description = sets.grid(2, 4, antennas=5, fields=1)
    description["feeds"] = feeds
    source = b.make(description)
    for name in tables:
        sets.add_per_spw(source, name, 5, range(4))
    return source


@case("T46", "T47")
def tables_per_spw_equal_the_input(b):
    source = d8(b, "CALDEVICE", "SYSPOWER", "SYSCAL")
    feed = opened(os.path.join(source, "FEED"), readonly=False)
    feed.removerows(np.flatnonzero(feed.getcol("SPECTRAL_WINDOW_ID") == 0))  # like a WVR spw
    feed.close()
    out = b.partition(source, separationaxis="spw", numsubms=4)
    check("parts", len(members(out)), 4)
    compare_subtables(source, out)
    compare_main(source, out)
    check_structure(out, "spw")


@case("T46")
def tables_per_spw_of_a_selection(b):
    source = d8(b, "CALDEVICE", "SYSPOWER", "SYSCAL")
    out = b.partition(source, separationaxis="spw", spw="3,1", antenna="0~2&")
    for name in ("FEED", "CALDEVICE", "SYSPOWER", "SYSCAL"):
        rows = sorted(zip(get(out, "ANTENNA_ID", name), get(out, "SPECTRAL_WINDOW_ID", name)))
        check(name, rows, [(a, w) for a in range(3) for w in range(2)])
    check("spws", get(out, "NAME", "SPECTRAL_WINDOW"), ["SPW3", "SPW1"])
    check_ids(out)


@case("T49")
def baseline_axis_holds_every_row(b):
    source = b.make(sets.d3())
    out = b.partition(source, separationaxis="baseline")
    check_structure(out, "baseline")
    compare_main(source, out)


@case("T53")
def baseline_axis_without_autocorrelations(b):
    source = b.make(sets.d1(columns=("DATA",)))
    out = b.partition(source, separationaxis="baseline", spw="0,1")
    check("parts", len(members(out)), 6)
    demand(all(a != c for a, c in rows_by(out, "ANTENNA1", "ANTENNA2")), "autocorrelations")
    compare_main(source, out, selected(source, DATA_DESC_ID=[0, 1]))


@case("T55", "T56")
def float_data(b):
    source = b.make(sets.d6())
    t = opened(source, readonly=False)
    t.putcolkeyword("FLOAT_DATA", "QuantumUnits", ["K"])
    t.putcolkeyword("FLOAT_DATA", "UNIT", "K")
    t.close()
    ddids, rows = [1, 3, 5], selected(source, DATA_DESC_ID=[1, 3, 5])
    plain = b.plain(source, datacolumn="FLOAT_DATA", spw="1,3,5")
    mms = b.partition(source)
    for out in (plain, b.partition(mms, "again.mms", datacolumn="float_data", spw="1,3,5")):
        check("channels", get(out, "NUM_CHAN", "SPECTRAL_WINDOW"), [512, 512, 1024])
        compare_main(source, out, rows, ids={"DATA_DESC_ID": ddids}, ordered=out == plain)
        t = opened(out)
        demand("DATA" not in t.colnames(), "DATA was made")
        check("unit", t.getcolkeyword("FLOAT_DATA", "UNIT"), "K")
        check("units", list(t.getcolkeyword("FLOAT_DATA", "QuantumUnits")), ["K"])
        t.close()


@case("T57")
def one_field_of_thirteen(b):
    source = b.make(sets.d4())
    out = b.partition(source, separationaxis="scan", field="12", spw="0,1", numsubms=6)
    check("parts", len(members(out)), 6)
    check("fields", get(out, "NAME", "FIELD"), ["F12"])
    check("channels", get(out, "NUM_CHAN", "SPECTRAL_WINDOW"), [1, 1])
    compare_main(source, out, selected(source, FIELD_ID=[12]), ids={"FIELD_ID": [12]})


@case("T103")
def feed_rows_of_any_spw(b):
    source = b.make(sets.d2(feeds="any"))
    for name, given in (("all.mms", {}), ("two.mms", {"spw": "2,0"})):
        out = b.partition(source, name, separationaxis="spw", **given)
        check(name, list(zip(get(out, "ANTENNA_ID", "FEED"), get(out, "SPECTRAL_WINDOW_ID", "FEED"))),
              [(a, -1) for a in range(5)])


@case()
def order_of_the_selection_on_every_axis(b):
    """D20: spw='2,1:5~20' gives spw 0 = input 2, on axis spw too; spws without data stay."""
    source = b.data("S2.ms")
    for axis in ("scan", "spw", "auto", "balanced", "baseline"):
        out = b.partition(source, axis + ".mms", separationaxis=axis, spw="2,1:5~20,0", numsubms=2)
        check(f"channels, {axis}", get(out, "NUM_CHAN", "SPECTRAL_WINDOW"), [1, 16, 4])
        compare_main(source, out, ids={"DATA_DESC_ID": [2, 1, 0]},
                     cuts={1: (np.arange(5, 21), None), 2: (None, None)})


@case()
def selections_of_sub_tables(b):
    """Rows of sub-tables that a field or an antenna selection leaves (multi-ms 3.5)."""
    source = b.data("S2.ms")
    out = b.partition(source, "f.mms", separationaxis="spw", field="1")
    check("fields", count(out, "FIELD"), 1)
    ids = get(source, "SOURCE_ID", "FIELD")
    kept = [s for s in get(source, "SOURCE_ID", "SOURCE") if s == ids[1]]
    check("sources", get(out, "SOURCE_ID", "SOURCE"), [0] * len(kept))
    check("source of the field", get(out, "SOURCE_ID", "FIELD"), [0])
    compare_main(source, out, selected(source, FIELD_ID=[1]), ids={"FIELD_ID": [1]})
    names = get(source, "NAME", "ANTENNA")
    names = get(source, "NAME", "ANTENNA")
    kept = [2, 9, 11]
    out = b.partition(source, "a.mms", separationaxis="scan",
                      antenna=",".join(names[i] for i in (9, 2, 11)) + "&")
    check("antennas", get(out, "NAME", "ANTENNA"), [names[i] for i in kept])
    compare_main(source, out, selected(source, ANTENNA1=kept, ANTENNA2=kept),
                 ids={"ANTENNA1": kept, "ANTENNA2": kept})
    for name in ("FEED", "SYSCAL", "POINTING", "CALDEVICE", "SYSPOWER"):
        old = [i for i in get(source, "ANTENNA_ID", name) if i in kept]
        check(name, get(out, "ANTENNA_ID", name), [kept.index(i) for i in old])


@case()
def pointing_rows_of_a_time_range(b):
    source = b.data("S2.ms")
    times = np.array(get(source, "TIME", "POINTING"))
    first, last = times[1] - 5, times[3] + 5
    out = b.partition(source, separationaxis="spw", timerange=f"{date(first)}~{date(last)}")
    check("POINTING", get(out, "TIME", "POINTING"), times[1:4].tolist())
    main_times = np.array(get(source, "TIME"))
    rows = np.flatnonzero((main_times >= first) & (main_times <= last))
    demand(len(rows) > 0, "the range holds no rows")
    compare_main(source, out, rows)


if __name__ == "__main__":
    sys.exit(main(__doc__))
