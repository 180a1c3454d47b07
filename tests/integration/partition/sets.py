# SPDX-License-Identifier: LGPL-2.1-or-later
"""Descriptions of the synthetic sets of multi-ms 6 (D1-D10) for make_ms.py, with fewer rows than
there where only the shape counts, and what make_ms.py cannot add."""
import os

import numpy as np
from casacore import tables as ct

from common import opened

RANDOM = {"WEIGHT": {"random": {"seed": 2, "lo": 0.5, "hi": 4}},
          "SIGMA": {"random": {"seed": 3, "lo": 0.5, "hi": 4}},
          "FLAG": {"flag": {"seed": 4, "p": 0.1}}}
CIRCULAR = ["RR", "RL", "LR", "LL"]


def values(*columns):
    """Random cells of data columns, weights, sigmas and flags."""
    cells = {c: {"random": {"seed": 10 + i, "lo": -8, "hi": 8}} for i, c in enumerate(columns)}
    for c in set(columns) & {"WEIGHT_SPECTRUM", "SIGMA_SPECTRUM"}:
        cells[c] = {"random": {"seed": 30 + len(c), "lo": 0.5, "hi": 4}}
    return {"columns": list(columns), "values": {**RANDOM, **cells}}


def spws(*widths):
    return [{"start": 1e9 + i * 1e9, "step": 1e6, "n": n} for i, n in enumerate(widths)]


def d1(columns=("DATA", "MODEL_DATA", "CORRECTED_DATA"), scans=(30, 31), channels=64, n=2):
    """4 antennas, cross baselines, 16 contiguous spws x 4 correlations, a few integrations."""
    grid = [{"scan": s, "t": 300 * i, "n": n - i % 2} for i, s in enumerate(scans)]
    return {"antennas": 4, "pols": [CIRCULAR], "feeds": "per_spw", "grid": {"scans": grid},
            "spws": [{"start": 1e9 + i * channels * 1e6, "step": 1e6, "n": channels}
                     for i in range(16)], **values(*columns)}


def d2(feeds="per_spw"):
    """One scan; four DDs over three spws and four polarizations."""
    return {"antennas": 5, "spws": spws(256, 128, 64), "feeds": feeds,
            "pols": [["RR"], ["LL"], ["RR", "LL"], CIRCULAR],
            "ddids": [[0, 0], [0, 1], [1, 2], [2, 3]],
            "grid": {"scans": [{"scan": 1, "t": 0, "n": 2}]}, **values("DATA")}


def d3(scans=3):
    """3 antennas with autocorrelations."""
    return {"antennas": 3, "spws": spws(4), "pols": [["RR", "LL"]],
            "grid": {"baselines": "all", "scans": [{"scan": s + 1, "t": 100 * s, "n": 3}
                                                   for s in range(scans)]}, **values("DATA")}


def d4():
    """2 spws x 1 channel; field 12 of 13 in six of eight scans."""
    return {"antennas": 3, "spws": spws(1, 1), "pols": [["RR", "LL"]],
            "fields": [{"name": f"F{i}"} for i in range(13)],
            "grid": {"scans": [{"scan": s, "t": 100 * s, "n": 2, "field": 12 if s > 2 else s}
                               for s in range(1, 9)]}, **values("DATA")}


def d6():
    """15 rows, 3 scans, 9 spws of mixed width, FLOAT_DATA only."""
    widths = [4, 512, 4, 512, 4, 1024, 4, 4, 4]
    rows = [{"time": 10.0 * i, "a1": 0, "a2": 0, "ddid": [0, 1, 3, 5, 7][i % 5], "scan": 1 + i // 5}
            for i in range(15)]
    return {"antennas": 1, "telescope": "ALMA", "spws": spws(*widths), "pols": [["XX", "YY"]],
            "rows": rows, **values("FLOAT_DATA")}


def grid(nscans, nspws, antennas=2, fields=None, **more):
    """Equal cells of scans x spws, a field a scan unless told."""
    return {"antennas": antennas, "spws": spws(*[2] * nspws), "pols": [["RR", "LL"]],
            "fields": [{"name": f"F{i}"} for i in range(fields or nscans)],
            "grid": {"scans": [{"scan": s + 1, "t": 100 * s, "n": 2, "field": s % (fields or nscans)}
                               for s in range(nscans)]}, **values("DATA"), **more}


def d9():
    """26 scans with two DDs of equal size each; 30 states, 12 of them OBSERVE_TARGET."""
    states = [("OBSERVE_TARGET" if i % 5 in (1, 3) else "CALIBRATE_PHASE") + f"#S{i}"
              for i in range(30)]
    scans = [{"scan": s + 1, "t": 60 * s, "n": 2, "state": s, "field": s % 3} for s in range(26)]
    return {"antennas": 4, "spws": spws(4, 4), "pols": [["RR", "LL"]], "states": states,
            "fields": [{}, {"name": "F1"}, {"name": "F2"}], "grid": {"scans": scans},
            **values("DATA")}


def d10(columns=("DATA",)):
    """11 scans in four observations; the spws used differ, observation 2 uses four of them."""
    used = {0: [0, 1], 1: [2, 3, 4], 2: [1, 2, 4, 5], 3: [0, 5]}
    scans = [{"scan": s + 1, "t": 100 * s, "n": 2, "obs": s % 4, "ddids": used[s % 4],
              "field": s % 2} for s in range(11)]
    return {"antennas": 3, "spws": spws(*[4] * 6), "pols": [["RR", "LL"]], "observations": 4,
            "fields": [{}, {"name": "F1"}], "feeds": "per_spw", "grid": {"scans": scans},
            **values(*columns)}


def add_subtable(ms, name, columns):
    """A sub-table of scalar and array columns: {column: values}, arrays one a row."""
    path = os.path.join(ms, name)
    descriptions = []
    for column, cells in columns.items():
        first = cells[0]
        if isinstance(first, np.ndarray):
            descriptions.append(ct.makearrcoldesc(column, first.flat[0].item(), ndim=first.ndim))
        else:
            descriptions.append(ct.makescacoldesc(column, first))
    t = ct.table(path, ct.maketabdesc(descriptions), nrow=len(first_of(columns)), ack=False)
    for column, cells in columns.items():
        for row, value in enumerate(cells):
            t.putcell(column, row, value)
    t.close()
    main = opened(ms, readonly=False)
    main.putkeyword(name, "Table: " + path)
    main.close()


def first_of(columns):
    return next(iter(columns.values()))


def add_per_spw(ms, name, nant, spw_ids):
    """Rows of every antenna for each spw id: CALDEVICE, SYSPOWER, SYSCAL."""
    keys = [(a, w) for w in spw_ids for a in range(nant)]
    columns = {"ANTENNA_ID": [a for a, _ in keys], "FEED_ID": [0] * len(keys),
               "SPECTRAL_WINDOW_ID": [w for _, w in keys], "TIME": [4752021600.0] * len(keys),
               "INTERVAL": [0.0] * len(keys)}
    levels = [np.array([1.5 * i, -i], np.float64) for i in range(len(keys))]
    if name != "SYSCAL":
        add_subtable(ms, name, {**columns, "LEVEL": levels})
        return
    path = os.path.join(ms, name)
    t = ct.default_ms_subtable(name, path)
    t.addrows(len(keys))
    for column, cells in columns.items():
        t.putcol(column, cells)
    t.close()
    add_column(path, "TCAL_LEVEL", levels, ndim=1)
    main = opened(ms, readonly=False)
    main.putkeyword(name, "Table: " + path)
    main.close()


def add_column(path, name, cells, ndim=None):
    """A column of the main table or a sub-table with these cells; None leaves one undefined."""
    t = opened(path, readonly=False)
    first = next(c for c in cells if c is not None)
    if ndim is None:
        t.addcols(ct.maketabdesc([ct.makescacoldesc(name, first)]))
    else:
        value = first.flat[0].item() if isinstance(first, np.ndarray) else first[0]
        t.addcols(ct.maketabdesc([ct.makearrcoldesc(name, value, ndim=ndim)]))
    for row, value in enumerate(cells):
        if value is not None:
            t.putcell(name, row, value)
    t.close()


def change(path, name, new):
    """Writes a whole scalar column anew: new(old values) -> values."""
    t = opened(path, readonly=False)
    t.putcol(name, new(t.getcol(name)))
    t.close()
