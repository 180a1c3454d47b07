# SPDX-License-Identifier: LGPL-2.1-or-later
"""engine_figures.py PROGRAM [RANKS [RUNS [SCALE ...]]]: what engine_figures measures, alone and under mpirun, and what
engine_scale (SCALE and its words) measures with simulated servers, as the tables of docs/engine-figures.md, with the load
of the machine.  Each figure is the median of so many runs (1), the local ones and those of ranks in turn; nothing else
should be at work beside it."""
import json
import os
import statistics
import subprocess
import sys

from machine import mpirun

PROGRAM, RANKS, RUNS = sys.argv[1], int((sys.argv[2:] or [3])[0]), int((sys.argv[3:] or [1])[0])
SCALE = sys.argv[4:]
MPI = {"OMPI_MCA_rmaps_base_oversubscribe": "1", "OMPI_ALLOW_RUN_AS_ROOT": "1",
       "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1", "PMIX_MCA_gds": "hash"}


def run(words, limit_s):
    out = subprocess.run(words, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True, timeout=limit_s,
                         env={**MPI, **os.environ}, check=True).stdout
    return json.loads(out)


def median(runs):
    """Of each number of each figure."""
    return {name: {key: statistics.median(one[name][key] for one in runs) for key in figure}
            for name, figure in runs[0].items()}


def cell(figure):
    return ", ".join(f"{name} {value:.3g}" if isinstance(value, float) else f"{name} {value}"
                     for name, value in figure.items())


print(f"Load before: {os.getloadavg()[0]:.1f}; medians of {RUNS}")
both = [(run([PROGRAM], 300), run([*mpirun(RANKS), PROGRAM], 300)) for _ in range(RUNS)]
local, under_mpi = (median(runs) for runs in zip(*both))
print(f"| quantity | local | mpirun -n {RANKS} |")
print("|---|---|---|")
for name in local:
    assert all(value >= 0 for value in local[name].values()), name
    print(f"| {name} | {cell(local[name])} | {cell(under_mpi[name])} |")
print(f"Load after: {os.getloadavg()[0]:.1f}")
if SCALE:
    print("\n| quantity | simulated servers |\n|---|---|")
    for name, figure in run(SCALE, 3600).items():
        print(f"| {name} | {cell(figure)} |")
