#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a transformation says of its output: bytes that were written, windows that are all flagged,
numbers that are no numbers of channels."""
import numpy as np
from casacore.tables import table

import program_case
from program_case import ProgramCase

program_case.parser.add_argument("--data")


def cell_bytes(path):
    """The bytes of all cells with numbers."""
    total = 0
    with table(path, ack=False) as t:
        for name in t.colnames():
            for row in range(t.nrows()):
                if t.iscelldefined(name, row):
                    cell = t.getcell(name, row)
                    size = {bool: 1, int: 4, float: 8}.get(type(cell))
                    total += size or (0 if isinstance(cell, str) else np.asarray(cell).nbytes)
    return total


class Bytes(ProgramCase):
    def check(self, verb, *words):
        self.simulate("in.ms", "wtspectrum=True")
        plan = self.answer(verb, "in.ms", "out", *words, "--no-sync", "--dryrun")
        made = self.answer(verb, "in.ms", "out", *words, "--no-sync")
        counted = cell_bytes(self.path("out"))
        self.assertEqual(made["bytes_out"], counted)
        self.assertEqual(plan["bytes_out"], counted)
        self.assertEqual(sum(part["bytes_out"] for part in made["parts"]), counted)
        self.assertEqual([part["bytes_out"] for part in plan["parts"]],
                         [part["bytes_out"] for part in made["parts"]])

    def test_channel_average(self):
        self.check("split", "datacolumn=data", "width=4")

    def test_time_average(self):
        self.check("split", "datacolumn=corrected", "timebin=1h")

    def test_both_to_a_multi_ms(self):
        self.check("mstransform", "datacolumn=all", "chanaverage=True", "chanbin=8",
                   "timeaverage=True", "timebin=1h", "createmms=True", "separationaxis=spw")

    def test_columns_that_are_copied(self):
        self.check("partition")

    def test_columns_that_are_cut(self):
        self.check("partition", "spw=1:2~4", "correlation=XX,YY")

    def test_by_casacore(self):
        self.check("hanningsmooth", "tiles=False")

    def test_the_table_shows_them(self):
        self.simulate("in.ms")
        said = self.multims("split", "in.ms", "out.ms", "datacolumn=data", "timebin=1h", "width=8",
                            "--no-sync").stdout
        shown = [line for line in said.splitlines() if line.startswith("out.ms ")][-1].split()[-1]
        self.assertEqual(float(shown), round(cell_bytes(self.path("out.ms")) / 1e6, 1))


class Words(ProgramCase):
    def warnings(self, *words):
        run = self.multims(*words, "--no-sync", "--quiet")
        return [line for line in run.stderr.splitlines() if "three channels" in line]

    def test_windows_without_a_neighbour_for_hanning_are_named(self):
        self.simulate()
        for how in ["--dryrun"], []:
            (line,) = self.warnings("hanningsmooth", "in.ms", "a.ms", "spw=0:3~4,1:2", *how)
            self.assertIn("spw 0,1 have fewer", line)
        (line,) = self.warnings("hanningsmooth", "in.ms", "b.ms", "spw=0,1:2")
        self.assertIn("spw 1 has fewer", line)
        (line,) = self.warnings("mstransform", "in.ms", "c.ms", "chanaverage=True", "chanbin=4",
                                "hanning=True", "datacolumn=data")
        self.assertIn("spw 0,1 have fewer", line)
        self.assertEqual(self.warnings("hanningsmooth", "in.ms", "d.ms", "spw=0:1~3,1:2",
                                       "smooth_spw=0"), [])

    def test_width_is_a_whole_number(self):
        self.simulate()
        for width in "3.5", "[2,3.5]", "0", "-1", "1e30":
            run = self.multims("split", "in.ms", "out.ms", "datacolumn=data", f"width={width}",
                               status=2)
            self.assertIn("is not a number of channels", run.stderr)
        self.multims("split", "in.ms", "out.ms", "datacolumn=data", "width=4.0", "--no-sync")
        with table(self.path("out.ms"), ack=False) as t:
            self.assertEqual(t.getcell("DATA", 0).shape[0], 2)


if __name__ == "__main__":
    program_case.main()
