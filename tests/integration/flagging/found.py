# SPDX-License-Identifier: LGPL-2.1-or-later
"""Requests found by trying at random, with what CASA did: found.json, on the inputs of the recorded cases."""
import argparse
import json
import os
import subprocess
import sys

parser = argparse.ArgumentParser()
parser.add_argument("--program", required=True)
parser.add_argument("--judge", required=True)
parser.add_argument("--scratch", required=True)
args = parser.parse_args()

here = os.path.dirname(os.path.realpath(__file__))
with open(os.path.join(os.path.dirname(args.judge), "flagging.json"), encoding="utf-8") as file:
    inputs = json.load(file)["inputs"]
with open(os.path.join(here, "found.json"), encoding="utf-8") as file:
    found = json.load(file)
os.makedirs(args.scratch, exist_ok=True)
cases = os.path.join(args.scratch, "cases.json")
with open(cases, "w", encoding="utf-8") as file:
    json.dump({**found, "inputs": inputs}, file)
words = [sys.executable, args.judge, "--program", args.program]
sys.exit(max(subprocess.call(words + more + [cases]) for more in ([], ["--mms", "--axis", "baseline"])))
