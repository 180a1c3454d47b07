# SPDX-License-Identifier: LGPL-2.1-or-later
"""engine_figures.py PROGRAM [RANKS [SCALE]]: what engine_figures measures, alone and under mpirun, and what
engine_scale (SCALE) measures with simulated servers, as the tables of docs/engine-figures.md, with the load of the
machine.  Medians of one run; nothing else should be at work beside it."""
import json
import os
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


print(f"Load before: {os.getloadavg()[0]:.1f}")
local, under_mpi = measure(0), measure(RANKS)
print(f"| quantity | local | mpirun -n {RANKS} |")
print("|---|---|---|")
for name in local:
    assert all(value >= 0 for value in local[name].values()), name
    print(f"| {name} | {cell(local[name])} | {cell(under_mpi[name])} |")
print(f"Load after: {os.getloadavg()[0]:.1f}")
if len(sys.argv) > 3:
    print("\n| quantity | simulated servers |\n|---|---|")
    scale = subprocess.run(sys.argv[3:], stdout=subprocess.PIPE, text=True, timeout=1500, check=True)
    for name, figure in json.loads(scale.stdout).items():
        print(f"| {name} | {cell(figure)} |")
