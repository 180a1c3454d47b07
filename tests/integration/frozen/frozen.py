# SPDX-License-Identifier: LGPL-2.1-or-later
"""Requests whose output files must not change by a bit: a guard for work on the structure of the code.

The files of each output are hashed, table by table; frozen.json holds the hashes.  HISTORY and FLAG_CMD
(they tell time and version) and lock files are left out.  A change that is meant to alter outputs
records anew with --record, and its commit says which requests changed and why.
"""
import hashlib
import json
import os

import program_case
from program_case import ProgramCase, parser

RECORDED = os.path.join(os.path.dirname(os.path.abspath(__file__)), "frozen.json")
LEFT_OUT = ("HISTORY", "FLAG_CMD", "table.lock")

ALMA = "mssel_test_small.ms"
ALMA9 = "hd142_b9cont_self_tav.ms"
LOFAR = "tNDPPP-generic.MS"

# name: verb, input, words.  "obs.ms" is simulated; an input *.mms is the output of an earlier request.
REQUESTS = {
    "scan.mms": ("partition", "obs.ms", "separationaxis=scan numsubms=3"),
    "spw.mms": ("partition", "obs.ms", "separationaxis=spw"),
    "auto.mms": ("partition", "obs.ms", "separationaxis=auto numsubms=4 -j 2"),
    "balanced.mms": ("partition", "obs.ms", "separationaxis=balanced numsubms=4 -j 8"),
    "baseline.mms": ("partition", "obs.ms", "separationaxis=baseline numsubms=3 tiles=False"),
    "cut.mms": ("partition", "obs.ms", "spw=1:2~5,0 scan=2~4 antenna=0~2&"),
    "corrected.ms": ("partition", "obs.ms", "createmms=False datacolumn=corrected"),
    "again.mms": ("partition", "scan.mms", "separationaxis=spw repartition=True"),
    "alma.mms": ("partition", ALMA, "separationaxis=auto numsubms=4"),
    "alma_cut.mms": ("partition", ALMA, "separationaxis=spw spw=1:5~20,2 scan=3 correlation=XX,YY"),
    "alma9.mms": ("partition", ALMA9, "separationaxis=scan numsubms=3 -j 2"),
    "lofar.mms": ("partition", LOFAR, "separationaxis=baseline numsubms=3 datacolumn=all"),
    "split.ms": ("split", "obs.ms", "datacolumn=all spw=1,0 -j 2"),
    "split_mms.mms": ("split", "scan.mms", "datacolumn=data scan=2,4"),
    "channels.ms": ("split", "obs.ms", "datacolumn=data width=4"),
    "channels_cas.ms": ("split", "obs.ms", "datacolumn=data width=3 tiles=False"),
    "times.ms": ("mstransform", "obs.ms", "datacolumn=all timeaverage=True timebin=30s -j 2"),
    "times_mms.mms": ("mstransform", "auto.mms", "datacolumn=data timeaverage=True timebin=20s"),
    "times_scan.ms": ("mstransform", "spw.mms",
                      "createmms=False datacolumn=corrected timeaverage=True timebin=600s timespan=scan"),
    "both.ms": ("mstransform", "obs.ms",
                "datacolumn=data chanaverage=True chanbin=2 timeaverage=True timebin=20s -j 3"),
    "weights.ms": ("mstransform", ALMA9, "datacolumn=data usewtspectrum=True scan=1~3"),
    "hanning.ms": ("hanningsmooth", "obs.ms", "datacolumn=corrected -j 2"),
    "hanning_alma.ms": ("mstransform", ALMA, "datacolumn=data hanning=True spw=1 correlation=XX"),
    "lofar_avg.ms": ("mstransform", LOFAR,
                     "datacolumn=all chanaverage=True chanbin=4 timeaverage=True timebin=30s"),
    "exact.ms": ("mstransform", "obs.ms",
                 "datacolumn=data numerics=exact chanaverage=True chanbin=4 timeaverage=True timebin=30s"),
    "narrow.ms": ("mstransform", "obs.ms",
                  "datacolumn=data timeaverage=True timebin=40s --memory 16M keepflags=False"),
}


def table_of(path):
    """SUBMSS/x.0000.ms/ANTENNA/table.f0 counts for ANTENNA, files of main tables for MAIN."""
    folders = [f for f in os.path.dirname(path).split("/") if f not in ("", "SUBMSS") and "." not in f]
    return folders[-1] if folders else "MAIN"


def hashes(output):
    """Hash each table's files of an output, names and contents, in the order of their names."""
    tables = {}
    for folder, folders, files in os.walk(output):
        folders.sort()
        for name in sorted(files + [f for f in folders if os.path.islink(os.path.join(folder, f))]):
            path = os.path.join(folder, name)
            inside = os.path.relpath(path, output)
            if any(part in LEFT_OUT for part in inside.split("/")):
                continue
            table = tables.setdefault(table_of(inside), hashlib.sha256())
            table.update(inside.encode() + b"\0")
            if os.path.islink(path):
                table.update(os.readlink(path).encode())
            else:
                with open(path, "rb") as stream:
                    table.update(stream.read())
    return {name: table.hexdigest()[:16] for name, table in sorted(tables.items())}


class Frozen(ProgramCase):
    def run_frozen(self, *words):
        """Memory that nobody sets holds one value, so that casacore's padding does."""
        self.multims(*words, env={**os.environ, "MALLOC_PERTURB_": "85"})

    def test_outputs_are_as_recorded(self):
        args = program_case.args
        for name in (ALMA, ALMA9, LOFAR):
            os.symlink(os.path.abspath(os.path.join(args.data, name)), self.path(name))
        self.run_frozen("simulate", "obs.ms", "antennas=6", "scans=4", "fields=2", "spws=2", "channels=16",
                        "integrations=6", "corrected=True")
        found = {}
        for output, (verb, vis, words) in REQUESTS.items():
            words = words if "-j" in words else words + " -j 1"
            self.run_frozen(verb, vis, output, "--no-sync", "--quiet", *words.split())
            found[output] = hashes(self.path(output))
        if args.record:
            with open(RECORDED, "w") as stream:
                json.dump(found, stream, indent=1)
                stream.write("\n")
            return
        with open(RECORDED) as stream:
            wanted = json.load(stream)
        changed = [f"{output}: {table}: {found[output].get(table)} instead of {wanted.get(output, {}).get(table)}"
                   for output in found for table in sorted({*found[output], *wanted.get(output, {})})
                   if found[output].get(table) != wanted.get(output, {}).get(table)]
        self.assertFalse(changed, "\n".join(changed))
        print(f"{len(found)} outputs as recorded")


parser.add_argument("--data", required=True)
parser.add_argument("--record", action="store_true")
program_case.main()
