# SPDX-License-Identifier: LGPL-2.1-or-later
"""engine_figures.py PROGRAM [RANKS]: what engine_figures measures, alone and under mpirun, as the table of
docs/engine-figures.md.  Medians of one run; nothing else should be at work beside it."""
import json
import subprocess
import sys

from machine import mpirun

PROGRAM, RANKS = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 3


def measure(ranks):
    run = subprocess.run([*mpirun(ranks), PROGRAM], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL,
                         text=True, timeout=300, check=True)
    return json.loads(run.stdout)


def cell(figure):
    return ", ".join(f"{name} {value:.3g}" if isinstance(value, float) else f"{name} {value}"
                     for name, value in figure.items())


local, under_mpi = measure(0), measure(RANKS)
print(f"| quantity | local | mpirun -n {RANKS} |")
print("|---|---|---|")
for name in local:
    assert all(value >= 0 for value in local[name].values()), name
    print(f"| {name} | {cell(local[name])} | {cell(under_mpi[name])} |")
