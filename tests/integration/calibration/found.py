# SPDX-License-Identifier: LGPL-2.1-or-later
"""Requests found by trying at random, with what CASA did: found.json, on the inputs of the recorded cases and with
tables made from theirs."""
import argparse
import json
import os
import shutil
import subprocess
import sys
import tarfile

import random_tables

parser = argparse.ArgumentParser()
parser.add_argument("--program", required=True)
parser.add_argument("--judge", required=True)
parser.add_argument("--data", required=True)
parser.add_argument("--scratch", required=True)
args = parser.parse_args()

here = os.path.dirname(os.path.realpath(__file__))
with open(os.path.join(os.path.dirname(args.judge), "calibration.json"), encoding="utf-8") as file:
    inputs = json.load(file)["inputs"]
with open(os.path.join(here, "found.json"), encoding="utf-8") as file:
    found = json.load(file)
shutil.rmtree(args.scratch, ignore_errors=True)
os.makedirs(args.scratch)
templates, made = (os.path.join(args.scratch, name) for name in ("templates", "made"))
with tarfile.open(os.path.join(args.data, "caltables.tar.xz")) as archive:
    archive.extractall(templates)
os.makedirs(made)
for name, description in found["made"].items():
    random_tables.make(templates, description, os.path.join(made, name))
with tarfile.open(os.path.join(args.scratch, "found.tar"), "w") as archive:
    for name in found["made"]:
        archive.add(os.path.join(made, name), name)
cases = os.path.join(args.scratch, "cases.json")
with open(cases, "w", encoding="utf-8") as file:
    json.dump({**found, "inputs": {**inputs, **found["inputs"]}, "tables": "found.tar"}, file)
words = [sys.executable, args.judge, "--program", args.program]
sys.exit(max(subprocess.call(words + more + [cases]) for more in ([], ["--mms", "--axis", "baseline"])))
