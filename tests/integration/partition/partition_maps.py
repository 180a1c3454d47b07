# SPDX-License-Identifier: LGPL-2.1-or-later
"""Which rows go to which part, compared with CASA's recorded partitions.

Every recorded request with a result is run but those marked WRONG and axis baseline with an antenna selection, which
CASA does wrongly.  CASA's auto is balanced here.  Compared are the rows, by scan and DDID (axis baseline: by antenna
pair), of each part, AxisType and the spectral set-up.  On axis spw CASA renumbers its DDs: they are compared by scans,
rows and channels.  --sample N takes every N-th request; --dry-run compares the printed plan alone: rows and scans of
each part; --only takes those whose id has a match."""
import collections
import json
import os
import re
import shutil
import subprocess

import numpy
from casacore.tables import table

import program_case
from program_case import ProgramCase, parser

SETS = {"alma_9scan_3spw": "hd142_b9cont_self_tav.ms", "alma_2scan_2spw": "mssel_test_small.ms",
        "lofar_corrected": "tNDPPP-generic.MS"}
AXES = {"auto": "balanced"}


class Differs(Exception):
    pass


def check(what, got, want):
    if got != want:
        raise Differs(f"{what}: {got}, wanted {want}")


def axis_of(request):
    axis = request["args"]["separationaxis"].lower()
    return AXES.get(axis, axis)


def is_compared(request):
    return ("parts" in request and "WRONG" not in request
            and not (axis_of(request) == "baseline" and request["args"].get("antenna")))


def words_of(request, data, output):
    args = dict(request["args"], separationaxis=axis_of(request), flagbackup=False)
    ms = SETS.get(request["input"], request["input"] + ".ms")
    return [f"vis={os.path.join(data, ms)}", f"outputvis={output}",
            *(f"{key}={value}" for key, value in args.items())]


def run(program, words):
    done = subprocess.run([program, "partition", "--no-sync", *words],
                          capture_output=True, text=True)
    if done.returncode != 0:
        raise Differs(f"exit status {done.returncode}: {done.stderr.strip()}")
    return done


def subtable(path, name, column):
    t = table(os.path.join(path, name), ack=False)
    values = [int(v) for v in t.getcol(column)]
    t.close()
    return values


def count_cells(scans, ddids):
    """{ddid: {scan: rows}}, keys as text."""
    cells = collections.defaultdict(dict)
    pairs, counts = numpy.unique(numpy.stack([ddids, scans]), axis=1, return_counts=True)
    for (ddid, scan), rows in zip(pairs.T, counts):
        cells[str(ddid)][str(scan)] = int(rows)
    return dict(cells)


def read_part(path):
    t = table(path, ack=False)
    scans, ddids, ant1, ant2 = (t.getcol(c) for c in
                                ("SCAN_NUMBER", "DATA_DESC_ID", "ANTENNA1", "ANTENNA2"))
    t.close()
    pairs = numpy.unique(numpy.stack([numpy.minimum(ant1, ant2), numpy.maximum(ant1, ant2)]), axis=1)
    return {"rows": len(scans), "cells": count_cells(scans, ddids), "pairs": pairs.T.tolist()}


def read_output(path):
    submss = os.path.join(path, "SUBMSS")
    names = sorted(os.listdir(submss))
    with open(os.path.join(path, "table.info")) as f:
        axis = re.search(r"^AxisType = (.*)$", f.read(), re.M)
    first = os.path.join(submss, names[0])
    return {"names": names, "axis_type": axis and axis.group(1),
            "parts": [read_part(os.path.join(submss, name)) for name in names],
            "dd_spw": subtable(first, "DATA_DESCRIPTION", "SPECTRAL_WINDOW_ID"),
            "dd_pol": subtable(first, "DATA_DESCRIPTION", "POLARIZATION_ID"),
            "num_chan": subtable(first, "SPECTRAL_WINDOW", "NUM_CHAN")}


def without_ids(part, spectral):
    """What a part holds when its DDs have no numbers."""
    return sorted((sorted(scans.items()), spectral["num_chan"][spectral["dd_spw"][int(ddid)]])
                  for ddid, scans in part["cells"].items())


def compare_spw(output, request):
    got = [without_ids(part, output) for part in output["parts"]]
    want = [without_ids(part, request) for part in request["parts"]]
    if "multims" in request:
        check("spws in the order of the request",
              sorted(output["parts"], key=lambda p: min(map(int, p["cells"]))), output["parts"])
        got, want = sorted(got), sorted(want)
    check("scans, rows and channels", got, want)


def compare_output(path, request):
    output = read_output(path)
    check("AxisType", output["axis_type"], request["axis_type"])
    base = os.path.basename(path)
    check("names", [re.sub(r"^.*\.(\d{4})\.ms$", r"\1", n) for n in output["names"]],
          ["%04d" % i for i in range(request["nparts"])])
    if axis_of(request) == "spw":
        compare_spw(output, request)
        return
    for i, (got, want) in enumerate(zip(output["parts"], request["parts"])):
        check(f"rows of part {i} of {base}", got["rows"], want["rows"])
        if axis_of(request) == "baseline":
            pairs = sorted({(min(p), max(p)) for p in want["baselines"]})
            check(f"antenna pairs of part {i}", [tuple(p) for p in got["pairs"]], pairs)
        else:
            check(f"cells of part {i}", got["cells"], want["cells"])
    for what in ("dd_spw", "dd_pol", "num_chan"):
        check(what, output[what], request[what])


def compare_plan(text, request):
    answer = json.loads(text)
    plan = answer.get("plan", answer)
    got = [(part["rows"], part["scans"]) for part in plan["parts"]]
    if axis_of(request) == "baseline":  # there the plan names the scans of the whole selection
        check("rows", [rows for rows, _ in got], [p["rows"] for p in request["parts"]])
        return
    want = [(p["rows"], p["scans"]) for p in request["parts"]]
    if "multims" in request:
        got, want = sorted(got), sorted(want)
    check("rows and scans", got, want)


class Maps(ProgramCase):
    def compare(self, request):
        options, output = program_case.args, self.path("o.mms")
        words = words_of(request, options.data, output)
        try:
            if options.dry_run:
                compare_plan(run(options.program, [*words, "dryrun=True", "--json"]).stdout, request)
                check("folder after a dry run", os.listdir(self.folder), [])
            else:
                run(options.program, words + ([f"-j{options.jobs}"] if options.jobs else []))
                compare_output(output, request)
                check("folder", os.listdir(self.folder), ["o.mms"])
        finally:
            for name in os.listdir(self.folder):
                shutil.rmtree(self.path(name))

    def test_maps_are_as_recorded(self):
        options = program_case.args
        if not os.path.isfile(options.maps) or not os.path.isdir(os.path.join(options.data, "D7.ms")):
            self.skipTest("the recorded maps or their sets are not here")
        with open(options.maps) as f:
            requests = [r for r in json.load(f)["requests"]
                        if is_compared(r) and re.search(options.only, r["id"])][::options.sample]
        for request in requests:
            with self.subTest(request["id"]):
                self.compare(request)
        self.assertTrue(requests)
        print(f"{len(requests)} requests")


for name in ("data", "maps"):
    parser.add_argument("--" + name, required=True)
parser.add_argument("--only", default="")
parser.add_argument("--sample", type=int, default=1)
parser.add_argument("--jobs", type=int)
parser.add_argument("--dry-run", action="store_true")
program_case.main()
