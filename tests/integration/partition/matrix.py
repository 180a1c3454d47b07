#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Set x axis x numsubms x workers x transport: the output is the input, cut; no worker's doing
shows.  Pairwise by default, --whole runs every combination.  Each output is read by
python-casacore, checked by `multims verify --against`, and its files are those that one worker
writes."""
import itertools
import os
import shutil
import sys

import common
from common import (SETS, case, check, check_ids, check_structure, compare_main, compare_subtables,
                    fingerprint, main, members, sums)

AXES = {"scan": "scan", "spw": "spw", "auto": "scan,spw", "balanced": "scan,spw",
        "baseline": "baseline"}
FACTORS = [list(SETS), list(AXES), [2, 5, "auto"], [(1, 0), (2, 0), (3, 0), (0, 1), (0, 2), (0, 3)]]
REFERENCE = (1, 0)  # one local worker


def pairs_of(row):
    """The pairs of values that one combination covers."""
    return {((i, row[i]), (j, row[j])) for i, j in itertools.combinations(range(len(row)), 2)}


def pairwise(factors):
    """A short list of combinations in which each pair of values of two factors occurs."""
    every = list(itertools.product(*factors))
    missing = set().union(*(pairs_of(row) for row in every))
    chosen = []
    while missing:
        best = max(every, key=lambda row: len(pairs_of(row) & missing))
        missing -= pairs_of(best)
        chosen.append(best)
    return chosen


def parse(parser):
    parser.add_argument("--whole", action="store_true")


def fingerprint_of(b, source, axis, numsubms, workers):
    """Writes an output in a folder of its own, as its name is in its files."""
    folder = b.path(f"{workers[0]}{workers[1]}")
    os.mkdir(folder)
    name = os.path.join(os.path.basename(folder), "out.mms")
    out = b.partition(source, name, separationaxis=axis, numsubms=numsubms, jobs=workers[0],
                      mpi=workers[1])
    check("beside the output", os.listdir(folder), ["out.mms"])
    return out, fingerprint(out)


def compare_one(b, source, axis, out):
    check_structure(out, AXES[axis])
    check_ids(out)
    for part in members(out):
        check_ids(part)
    check("sums", sums(out), sums(source))
    compare_main(source, out)
    compare_subtables(source, out)
    b.run(out, "--against", source, "--quiet", verb="verify")


def run_group(b, name, axis, numsubms, workers):
    """All worker counts of one request: the first output is read whole, the others are equal."""
    source = b.data(name)
    reference, want = fingerprint_of(b, source, axis, numsubms, REFERENCE)
    compare_one(b, source, axis, reference)
    for launch in workers:
        if launch == REFERENCE:
            continue
        out, got = fingerprint_of(b, source, axis, numsubms, launch)
        label = f"{name}, {axis}, numsubms {numsubms}, {launch[0]} workers, {launch[1]} ranks"
        check(f"{label}: files", sorted(set(got) ^ set(want)), [])
        check(f"{label}: changed files", [f for f in want if got[f] != want[f]], [])
        b.run(reference, out, "--parts", "--quiet", verb="diff")
    for folder in os.listdir(b.folder):
        shutil.rmtree(os.path.join(b.folder, folder))


def groups(combinations):
    answer = {}
    for *request, workers in combinations:
        answer.setdefault(tuple(request), []).append(workers)
    return answer


def run_set(b, name):
    combinations = (itertools.product(*FACTORS) if b.options.whole else pairwise(FACTORS))
    for request, workers in groups(combinations).items():
        if request[0] == name:
            try:
                run_group(b, *request, workers)
            except common.Differs as e:
                raise common.Differs(f"{request}: {e}") from None


@case("T14", "T49", "T100")
def alma_of_nine_scans(b):
    run_set(b, "alma9")


@case("T100")
def alma_with_absent_subtables(b):
    run_set(b, "alma2")


@case("T100")
def lofar(b):
    run_set(b, "lofar")


if __name__ == "__main__":
    sys.exit(main(__doc__, parse))
