# SPDX-License-Identifier: LGPL-2.1-or-later
"""bench: one small run gives table, CSV and chart that agree, and leaves nothing else."""
import csv
import os
import re
import xml.etree.ElementTree

import program_case
from program_case import ProgramCase

REQUESTS = ["partition scan", "split width=4", "split width=4 timebin"]


class Smoke(ProgramCase):
    def csv(self):
        with open(self.path("speed.csv"), newline="") as f:
            return list(csv.DictReader(f))

    def ways(self):
        """The paths that the requests have in this version."""
        tasks = {t["name"]: t for t in self.answer("tasks")["tasks"]}
        names = {p["name"] for p in tasks["split"]["params"]}
        return ["columns", "tiles"] if "tiles" in names else ["columns"]

    def test_a_run_gives_table_csv_and_chart(self):
        run = self.multims("bench", "sizes=1", "runs=1", "only=scan,width", "csv=speed.csv",
                           "svg=speed.svg", "label=a, b", "--quiet")
        self.assertEqual(run.stderr, "")
        self.assertEqual(sorted(os.listdir(self.folder)), ["speed.csv", "speed.svg"])
        lines = self.csv()
        self.assertEqual(
            [(line["request"], line["path"], line["workers"]) for line in lines],
            [("cp -r", "", "1")] + [(r, w, n) for r in REQUESTS for w in self.ways()
                                    for n in "12"])
        for line in lines:
            self.assertEqual((line["error"], line["label"], line["set"]), ("", "a, b", "plain-1"))
            self.assertGreater(float(line["median_s"]), 0)
            self.assertAlmostEqual(
                float(line["x_cp"]), float(line["median_s"]) / float(lines[0]["median_s"]),
                delta=0.05 * float(line["x_cp"]))
        for line in lines[1:]:
            self.assertGreater(float(line["peak_MiB"]), 5)
        table = run.stdout.splitlines()
        self.assertRegex(table[0], r"^plain-1: \d+ rows, .* 1 runs, warm cache, not synced")
        self.assertEqual([re.split("  +", row)[0] for row in table[2:]],
                         [line["request"] for line in lines])
        bars = xml.etree.ElementTree.parse(self.path("speed.svg")).getroot().findall(
            ".//{http://www.w3.org/2000/svg}rect")
        self.assertEqual(len(bars), 1 + len(lines))

    def test_bad_parameters_are_refused_and_nothing_is_made(self):
        for words, message in (
                (["sizes=0"], "parameter sizes: 0 is not 1 to"),
                (["sizes="], "parameter sizes: the list is empty"),
                (["sizes=1,x"], "parameter sizes: 1,x is not a list of integers"),
                (["sizes=99999999"], "parameter sizes: 99999999 is not 1 to"),
                (["shapes=plain,round"], "parameter shapes: round is not one of"),
                (["shapes=plain,"], "parameter shapes: '' is not one of"),
                (["only=teleport"], "parameter only: no request has teleport"),
                (["numworkers=0"], "parameter numworkers: 0 is not 1 to"),
                (["runs=0"], "parameter runs"),
                (["vis=in.ms", "sizes=1"], "parameter vis: not with sizes"),
                (["vis=nope.ms"], "nope.ms: No such file"),
                (["nowhere", "sizes=1"], "nowhere"),
                (["/proc", "sizes=1"], "/proc"),
                (["sizes=1", "csv=nowhere/speed.csv"], "nowhere/speed.csv: cannot write")):
            with self.subTest(words=words):
                run = self.multims("bench", *words, status=2)
                self.assertIn(message, run.stderr)
                self.assertEqual(run.stdout, "")
        self.assertEqual(os.listdir(self.folder), [])


program_case.main()
