#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""CASA 6.7.0 on what partition writes: every task answers for the Multi-MS of each axis what it
answers for the plain MS of the same request, and lists it as listpartition does.

usage: oracle.py --set NAME --program multims --casa DIR --oracle DIR --data DIR --scratch DIR
Skipped where CASA is not installed in DIR."""
import json
import math
import os
import sys

import program_case
from program_case import ProgramCase

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


class Oracle(ProgramCase):
    def ms(self, key):
        return self.path(f"{key}.ms")

    def partition(self, key, *words):
        self.multims("partition", os.path.join(program_case.args.data, SETS[program_case.args.set][0]), self.ms(key),
                     "--no-sync", "--quiet", *words)

    def job(self, key):
        """The tasks on one output, and all its parts alone."""
        folder = os.path.join(self.ms(key), "SUBMSS")
        tasks, parts = dict(self.tasks), []
        if key != "plain":
            tasks["listpartition"] = {}
            parts = [os.path.join(folder, name) for name in sorted(os.listdir(folder))]
        return {"key": key, "vis": self.ms(key), "tasks": tasks, "parts": parts}

    def ask_casa(self):
        options = program_case.args
        with open(self.path("jobs"), "w") as f:
            json.dump([self.job(key) for key in ("plain", *AXES)], f)
        run = self.run_words(os.path.join(options.oracle, "casa"), options.casa, os.path.join(HERE, "casa_tasks.py"),
                             self.path("jobs"), self.path("answers"), timeout=600)
        self.assertEqual(run.returncode, 0, run.stderr)
        with open(self.path("answers")) as f:
            return json.load(f)

    def compare_sets(self, key, suffix):
        run = self.run_words(sys.executable, os.path.join(program_case.args.oracle, "compare.py"),
                             f"{self.ms(key)}.{suffix}", f"{self.ms('plain')}.{suffix}", "--ignore-order")
        self.assertEqual(run.returncode, 0, run.stdout + run.stderr)

    def compare_listobs(self, got, want):
        """The texts but for the line that names the set."""
        lines = [[line for line in answer["text"].splitlines()
                  if "MeasurementSet Name:" not in line] for answer in (got, want)]
        self.assertEqual(*lines)
        self.assertTrue(same(got["values"], want["values"]), f"{got['values']}\n{want['values']}")

    def compare_listpartition(self, key, got):
        """The table but for its last column: sizes depend on the file system."""
        ours = self.multims("listpartition", self.ms(key)).stdout
        tables = []
        for text in (got, ours):
            at = text.splitlines()[0].index("Size")
            tables.append([line[:at] for line in text.splitlines()])
        self.assertEqual(*tables)

    def compare_task(self, key, task, got, want):
        errors = [a["error"] for a in (got, want) if isinstance(a, dict) and "error" in a]
        self.assertEqual(errors, [])
        if task == "listobs":
            self.compare_listobs(got, want)
        elif task == "listpartition":
            self.compare_listpartition(key, got)
        else:
            if task == "flagdata":
                self.assertEqual(got, want)
                self.assertGreater(got["flagged"], 0)
            self.compare_sets(key, task)

    def compare_parts(self, key, parts):
        """Each part alone is an MS with the rows that listpartition gives it."""
        listed = self.answer("listpartition", self.ms(key), "--quiet")
        self.assertEqual(len(parts), len(os.listdir(os.path.join(self.ms(key), "SUBMSS"))))
        rows = {part["MS"]: sum(scan["nrows"] for scan in part["scanId"].values())
                for part in listed.values() if isinstance(part, dict)}
        for path, counts in parts.items():
            self.assertEqual(set(counts), {rows[os.path.basename(path)]}, path)

    def test_every_axis_is_to_casa_what_the_plain_set_is(self):
        if not os.path.exists(os.path.join(program_case.args.casa, "complete")):
            self.skipTest("no CASA")
        self.tasks = SETS[program_case.args.set][1]
        self.partition("plain", "createmms=false")
        for axis in AXES:
            self.partition(axis, f"separationaxis={axis}", "flagbackup=false")
        answers = self.ask_casa()
        for key in AXES:
            for task in (*self.tasks, "listpartition"):
                with self.subTest(axis=key, task=task):
                    self.compare_task(key, task, answers[key][task], answers["plain"].get(task))
            with self.subTest(axis=key, task="parts"):
                self.compare_parts(key, answers[key]["parts"])


if __name__ == "__main__":
    program_case.parser.add_argument("--set", choices=SETS, required=True)
    for word in ("casa", "oracle", "data"):
        program_case.parser.add_argument(f"--{word}", required=True, type=os.path.abspath)
    program_case.main()
