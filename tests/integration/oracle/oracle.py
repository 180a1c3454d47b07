#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""CASA 6.7.0 on what partition writes: every task answers for the Multi-MS of each axis what it
answers for the plain MS of the same request, and lists it as listpartition does.

usage: oracle.py --set NAME --program multims --casa DIR --oracle DIR --data DIR --scratch DIR
Exit status 77 where CASA is not installed in DIR."""
import argparse
import json
import math
import os
import shutil
import subprocess
import sys
import tempfile

AXES = ("scan", "spw", "auto", "balanced", "baseline")
HERE = os.path.dirname(os.path.abspath(__file__))
TASKS = {"listobs": {}, "flagdata": {"antenna": "1"}, "split": {"datacolumn": "data"}}


def with_channels(spw, chanbin):
    """The tasks that want more than one channel, on the spws that have them."""
    return {**TASKS, "hanningsmooth": {"datacolumn": "data", "spw": spw},
            "mstransform": {"datacolumn": "data", "spw": spw, "chanaverage": True,
                            "chanbin": chanbin}}


# Set: its folder, and the tasks to run
SETS = {
    "alma_9scan_3spw": ("hd142_b9cont_self_tav.ms", TASKS),
    "alma_2scan_2spw": ("mssel_test_small.ms", with_channels("1", 4)),
    "lofar_corrected": ("tNDPPP-generic.MS", with_channels("", 2)),
    "d1": ("D1.ms", with_channels("", 4)),
}


def same(a, b):
    """Equal; means depend on the order of the rows in their last bits."""
    if isinstance(a, float) and isinstance(b, float):
        return math.isclose(a, b, rel_tol=1e-12)
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(same, a, b))
    return a == b


class Oracle:
    def __init__(self, args, scratch):
        self.args, self.scratch = args, scratch
        self.input, self.tasks = SETS[args.set]
        self.failures = self.checks = 0

    def path(self, key):
        return os.path.join(self.scratch, f"{key}.ms")

    def check(self, name, good, text=""):
        self.checks += 1
        self.failures += not good
        print(f"{'ok  ' if good else 'FAIL'} {name}{'' if good else ': ' + text}")

    def partition(self, key, *words):
        subprocess.run([self.args.program, "partition", os.path.join(self.args.data, self.input),
                        self.path(key), "--no-sync", "--quiet", *words], check=True,
                       stdout=subprocess.DEVNULL)

    def job(self, key):
        """The tasks on one output, and all its parts alone."""
        folder = os.path.join(self.path(key), "SUBMSS")
        tasks, parts = dict(self.tasks), []
        if key != "plain":
            tasks["listpartition"] = {}
            parts = [os.path.join(folder, name) for name in sorted(os.listdir(folder))]
        return {"key": key, "vis": self.path(key), "tasks": tasks, "parts": parts}

    def ask_casa(self):
        jobs, answers = (os.path.join(self.scratch, name) for name in ("jobs", "answers"))
        with open(jobs, "w") as f:
            json.dump([self.job(key) for key in ("plain", *AXES)], f)
        subprocess.run([os.path.join(self.args.oracle, "casa"), self.args.casa,
                        os.path.join(HERE, "casa_tasks.py"), jobs, answers],
                       check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        with open(answers) as f:
            return json.load(f)

    def compare_sets(self, name, key, suffix):
        a, b = (f"{self.path(k)}.{suffix}" for k in (key, "plain"))
        run = subprocess.run([sys.executable, os.path.join(self.args.oracle, "compare.py"), a, b,
                              "--ignore-order"], capture_output=True, text=True)
        self.check(name, run.returncode == 0, run.stdout + run.stderr)

    def compare_listobs(self, name, got, want):
        """The texts but for the line that names the set."""
        lines = [[line for line in answer["text"].splitlines()
                  if "MeasurementSet Name:" not in line] for answer in (got, want)]
        self.check(f"{name} text", lines[0] == lines[1], "\n".join(lines[0]))
        self.check(f"{name} values", same(got["values"], want["values"]),
                   f"{got['values']}\n{want['values']}")

    def compare_listpartition(self, name, key, got):
        """The table but for its last column: sizes depend on the file system."""
        ours = subprocess.run([self.args.program, "listpartition", self.path(key)],
                              check=True, capture_output=True, text=True).stdout
        tables = []
        for text in (got, ours):
            at = text.splitlines()[0].index("Size")
            tables.append([line[:at] for line in text.splitlines()])
        self.check(name, tables[0] == tables[1], f"\n{got}\n{ours}")

    def compare_task(self, key, task, got, want):
        name = f"{key} {task}"
        errors = [a["error"] for a in (got, want) if isinstance(a, dict) and "error" in a]
        if errors:
            self.check(name, False, str(errors))
        elif task == "listobs":
            self.compare_listobs(name, got, want)
        elif task == "listpartition":
            self.compare_listpartition(name, key, got)
        else:
            if task == "flagdata":
                self.check(f"{name} summary", got == want and got["flagged"] > 0, f"{got}\n{want}")
            self.compare_sets(name, key, task)

    def compare_parts(self, key, parts):
        """Each part alone is an MS with the rows that listpartition gives it."""
        listed = json.loads(subprocess.check_output(
            [self.args.program, "listpartition", self.path(key), "--quiet", "--json"]))
        self.check(f"{key} number of parts", len(parts) == len(os.listdir(
            os.path.join(self.path(key), "SUBMSS"))))
        rows = {part["MS"]: sum(scan["nrows"] for scan in part["scanId"].values())
                for part in listed.values() if isinstance(part, dict)}
        for path, counts in parts.items():
            name = os.path.basename(path)
            self.check(f"{key} part {name} alone", set(counts) == {rows[name]}, str(counts))

    def run(self):
        self.partition("plain", "createmms=false")
        for axis in AXES:
            self.partition(axis, f"separationaxis={axis}", "flagbackup=false")
        answers = self.ask_casa()
        for key in AXES:
            for task in (*self.tasks, "listpartition"):
                self.compare_task(key, task, answers[key][task], answers["plain"].get(task))
            self.compare_parts(key, answers[key]["parts"])
        print(f"{self.checks - self.failures} passed, {self.failures} failed")
        return 1 if self.failures or not self.checks else 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--set", choices=SETS, required=True)
    for name in ("program", "casa", "oracle", "data", "scratch"):
        parser.add_argument(f"--{name}", required=True, type=os.path.abspath)
    args = parser.parse_args()
    if not os.path.exists(os.path.join(args.casa, "complete")):
        print("skipped: no CASA")
        return 77
    os.makedirs(args.scratch, exist_ok=True)
    scratch = tempfile.mkdtemp(prefix=f"{args.set}-", dir=args.scratch)
    try:
        return Oracle(args, scratch).run()
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


sys.exit(main())
