#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Data columns and the values that change with them (D19; multi-ms 2.13), and HISTORY (3.6)."""
import os
import sys

import numpy as np

import sets
from common import (case, check, compare_main, compare_subtables, count, demand, get, main,
                    members, opened, values)

ALL = ("DATA", "MODEL_DATA", "CORRECTED_DATA", "WEIGHT_SPECTRUM", "SIGMA_SPECTRUM")
TINY = np.float32(1.18e-38)


def make(b, columns=ALL, name="in.ms"):
    """Unequal weights and sigmas with zeros and negative ones among them."""
    source = b.make({**sets.d3(), **sets.values(*columns)}, name)
    t = opened(source, readonly=False)
    for column in ("WEIGHT", "SIGMA", "WEIGHT_SPECTRUM", "SIGMA_SPECTRUM"):
        if column in t.colnames():
            cells = t.getcol(column)
            cells[3], cells[5], cells[7] = 0, -1, 1e-39
            t.putcol(column, cells)
    t.close()
    return source


def root(weight):
    """1/sqrt of weights in single precision, -1 where there is none."""
    good = weight > TINY
    return np.where(good, np.float32(1) / np.sqrt(np.where(good, weight, 1)), np.float32(-1))


def square(sigma):
    """1/sigma^2 in single precision, 0 where sigma is no positive normal number."""
    good = sigma > TINY
    safe = np.where(good, sigma, np.float32(1))
    return np.where(good, np.float32(1) / (safe * safe), np.float32(0))


def outputs(b, source, **given):
    """The plain MS, Multi-MSs of two axes, and one made from a Multi-MS."""
    yield b.plain(source, **given)
    yield b.partition(source, "s.mms", separationaxis="scan", **given)
    yield b.partition(source, "b.mms", separationaxis="baseline", numsubms=2, **given)
    yield b.partition(b.partition(source, "all.mms", separationaxis="scan"), "m.mms", **given)


@case()
def corrected_becomes_data(b):
    source = make(b)
    for out in outputs(b, source, datacolumn="CORRECTED"):
        compare_main(source, out,
                     names={"DATA": "CORRECTED_DATA", "CORRECTED_DATA": None, "MODEL_DATA": None},
                     derived={"SIGMA": lambda c: root(c["WEIGHT"]),
                              "SIGMA_SPECTRUM": lambda c: root(c["WEIGHT_SPECTRUM"])})
    demand("SIGMA" in b.done.stderr, f"the derived column is not named: {b.done.stderr}")


@case()
def corrected_without_spectra(b):
    source = make(b, ("DATA", "CORRECTED_DATA"))
    out = b.partition(source, datacolumn="corrected")
    compare_main(source, out, names={"DATA": "CORRECTED_DATA", "CORRECTED_DATA": None},
                 derived={"SIGMA": lambda c: root(c["WEIGHT"])})


@case()
def data_beside_corrected_takes_weights_from_sigma(b):
    source = make(b)
    for out in outputs(b, source, datacolumn="Data"):
        compare_main(source, out, names={"CORRECTED_DATA": None, "MODEL_DATA": None},
                     derived={"WEIGHT": lambda c: square(c["SIGMA"]),
                              "WEIGHT_SPECTRUM": lambda c: square(c["SIGMA_SPECTRUM"])})
    demand("WEIGHT" in b.done.stderr, f"the derived column is not named: {b.done.stderr}")


@case()
def data_alone_is_copied(b):
    source = make(b, ("DATA", "MODEL_DATA", "WEIGHT_SPECTRUM"))
    for out in outputs(b, source, datacolumn="data"):
        compare_main(source, out, names={"MODEL_DATA": None})


@case()
def model_becomes_data(b):
    source = make(b)
    for out in outputs(b, source, datacolumn="model"):
        compare_main(source, out,
                     names={"DATA": "MODEL_DATA", "CORRECTED_DATA": None, "MODEL_DATA": None})


@case()
def all_three_are_copied(b):
    source = make(b)
    for out in outputs(b, source, datacolumn="data,model,corrected"):
        compare_main(source, out)


@case()
def all_of_corrected_only_keeps_its_name(b):
    source = make(b, ("CORRECTED_DATA",))
    compare_main(source, b.partition(source, datacolumn="all"))


@case()
def float_and_lag_data(b):
    source = make(b, ("DATA", "FLOAT_DATA"))
    t = opened(source)
    lag = [t.getcell("DATA", row).astype(np.complex64) * 2 for row in range(t.nrows())]
    t.close()
    sets.add_column(source, "LAG_DATA", lag, ndim=2)
    for datacolumn, dropped in (("float_data", ("DATA", "LAG_DATA")), ("float_data,data", ("LAG_DATA",)),
                                ("lag_data,data", ("FLOAT_DATA",)),
                                ("lag_data", ("DATA", "FLOAT_DATA")), ("all", ())):
        out = b.partition(source, datacolumn.replace(",", "_") + ".mms", datacolumn=datacolumn)
        compare_main(source, out, names={name: None for name in dropped})


@case()
def real_corrected_data(b):
    source = b.data("lofar")
    out = b.partition(source, "c.mms", datacolumn="corrected", separationaxis="baseline")
    compare_main(source, out, names={"DATA": "CORRECTED_DATA", "CORRECTED_DATA": None},
                 derived={"SIGMA": lambda c: root(c["WEIGHT"])})
    compare_subtables(source, out)
    compare_main(source, b.partition(source, "a.mms", separationaxis="scan"))


@case()
def without_any_data_column(b):
    source = make(b, ("DATA",))
    t = opened(source, readonly=False)
    t.removecols(["DATA"])
    t.close()
    b.refuse(source, 2, "Did not find and select any data columns.")


def history(path):
    t = opened(os.path.join(path, "HISTORY"))
    rows = [{c: values(t, c)[i] for c in t.colnames()} for i in range(t.nrows())]
    t.close()
    return rows


def check_history(source, out, words, typed):
    """The rows of multi-ms 3.6 that stand after the input's."""
    rows = history(out)[count(source, "HISTORY"):]
    messages = [str(r["MESSAGE"]) for r in rows]
    check("first message", messages[0], "taskname=partition")
    demand(messages[1].startswith("version: "), messages[1])
    check("vis", messages[2], f'vis         = "{source}"')
    check("outputvis", messages[3], f'outputvis   = "{typed}"')
    for word in words:
        demand(word in messages, f"{word!r} is not in {messages}")
    for row in rows:
        check("row", [str(row[c]) for c in ("ORIGIN", "APPLICATION", "PRIORITY")],
              ["partition", "ms", "INFO"])
        check("ids", [int(row["OBSERVATION_ID"]), int(row["OBJECT_ID"])], [-1, 0])
        for column in ("APP_PARAMS", "CLI_COMMAND"):
            check(column, [str(x) for x in np.ravel(row[column])], [""])
        demand(not any(m.startswith(("workers", "log ", "dryrun", "sync")) for m in messages),
               f"a parameter of the run: {messages}")


@case()
def history_of_the_request(b):
    source = b.data("S2.ms")
    b.path("o.mms")
    b.run(f"vis={source}", "outputvis=o.mms", "flagbackup=False", "separationaxis=spw",
          "numsubms=2", "spw=1,2")
    out = os.path.join(b.folder, "o.mms")
    words = ["createmms   = True", "numsubms    = 2", 'separationaxis = "spw"', 'taql        = ""',
             'spw         = "1,2"', "flagbackup  = False"]
    check_history(source, out, words, "o.mms")
    check_history(source, members(out)[0], words, "o.mms")
    check("rows of part 1", count(members(out)[1], "HISTORY"), count(source, "HISTORY"))
    plain = b.plain(source)
    check_history(source, plain, ["createmms   = False"], plain)


if __name__ == "__main__":
    sys.exit(main(__doc__))
