#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Cut an MS into equal windows, treat each with other programs, put them on one grid and merge them.
#
#   split-treat-merge.sh IN.ms OUT.ms WORKFOLDER [windows [frame]]
#
# Needs multims, and Python with python-casacore, whose TaQL does the treatment here: flag what is
# brighter than 1000 times the median.  Put flagging, calibration or imaging programs there.
set -eu

if [ $# -lt 3 ]; then
    echo "usage: $0 IN.ms OUT.ms WORKFOLDER [windows [frame]]" >&2
    exit 2
fi
in=$1 out=$2 work=$3 windows=${4:-4} frame=${5:-LSRK}
multims=${MULTIMS:-multims}
python=${PYTHON:-/usr/bin/python3}

mkdir -p "$work"

# 1. All windows side by side, cut into equal ones.
"$multims" mstransform "$in" "$work/cut.ms" datacolumn=data regridms=True nspw="$windows" -q

# 2. One Multi-MS, a part for each window.
"$multims" partition "$work/cut.ms" "$work/cut.mms" separationaxis=spw numsubms="$windows" \
    datacolumn=data flagbackup=False -q

# 3. Treat the parts, each by itself; several at a time where there are cores.
cat >"$work/treat.py" <<'PYTHON'
import sys

import numpy as np
from casacore.tables import table, taql

for part in sys.argv[1:]:
    with table(part, ack=False) as t:
        bright = 1000 * float(np.median(np.abs(t.getcol("DATA")))) if t.nrows() else 0
    taql(f"update {part} set FLAG = FLAG || abs(DATA) > {bright!r}")
PYTHON
"$python" "$work/treat.py" "$work"/cut.mms/SUBMSS/*.ms

# 4. One window again, on a regular grid in another frame.
"$multims" cvel "$work/cut.mms" "$out" datacolumn=data mode=channel outframe="$frame" \
    keepmms=False -q
