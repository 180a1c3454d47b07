# SPDX-License-Identifier: LGPL-2.1-or-later
"""Run by CASA: reads, extends, rewrites and splits the parts of a Multi-MS that shares blocks with its
input.  usage: casa_script.py INPUT MULTI_MS PART SCRATCH; the last line is "CASA agrees"."""
import os
import sys

import numpy as np
from casatasks import flagdata, split
from casatools import table

source, multi, part, scratch = sys.argv[-4:]
COLUMNS = ("DATA", "FLAG", "WEIGHT_SPECTRUM", "UVW", "WEIGHT", "TIME", "ANTENNA1", "ANTENNA2",
           "DATA_DESC_ID")
tb = table()


def read(path, columns=COLUMNS):
    tb.open(path)
    found = {c: tb.getcol(c) for c in columns}
    tb.close()
    return found


def order(c):
    return np.lexsort((c["ANTENNA2"], c["ANTENNA1"], c["DATA_DESC_ID"], c["TIME"]))


def demand(same, what):
    if not same:
        sys.exit(f"CASA sees another {what}")


def alike(a, b, what):
    i, k = order(a), order(b)
    for column in a:
        demand(np.array_equal(a[column][..., i], b[column][..., k]), f"{column} in {what}")


before = read(source)
alike(before, read(multi), "the Multi-MS")

want = read(part)
n = want["TIME"].size
tb.open(part, nomodify=False)
tb.addrows(50)
for column, cells in want.items():
    more = cells[..., :50] * 3 if column == "DATA" else cells[..., :50]
    tb.putcol(column, more, startrow=n)
    want[column] = np.concatenate([cells, more], -1)
for row in (0, 121, n):
    tb.putcell("DATA", row, want["DATA"][..., row] * 0 + row)
    want["DATA"][..., row] = row
tb.close()
for column, cells in read(part).items():
    demand(np.array_equal(cells, want[column]), f"{column} after rows were added")

picked = ("DATA", "TIME", "ANTENNA1", "ANTENNA2", "DATA_DESC_ID")
split(vis=source, outputvis=os.path.join(scratch, "a.ms"), datacolumn="data", scan="2", spw="3")
split(vis=multi, outputvis=os.path.join(scratch, "b.ms"), datacolumn="data", scan="2", spw="3",
      keepmms=False)
alike(read(os.path.join(scratch, "a.ms"), picked), read(os.path.join(scratch, "b.ms"), picked),
      "what split makes of it")

flagdata(vis=multi, mode="manual", antenna="ea01")
flags = read(multi, ("FLAG", "ANTENNA1", "ANTENNA2"))
chosen = (flags["ANTENNA1"] == 0) | (flags["ANTENNA2"] == 0)
demand(flags["FLAG"][..., chosen].all() and not flags["FLAG"][..., ~chosen].any(), "FLAG")
alike(before, read(source), "the input after all that")
print("CASA agrees")
