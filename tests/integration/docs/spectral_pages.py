# SPDX-License-Identifier: LGPL-2.1-or-later
"""The examples of the manual pages of mstransform and cvel run, the recipe does what it says, and the picture
of docs/regridding.md is that of its script."""
import os
import pathlib
import re
import shlex
import subprocess
import sys

import numpy as np
from casacore.tables import table

import program_case
from program_case import ProgramCase, parser

parser.add_argument("--project", required=True)


def docs():
    return pathlib.Path(program_case.args.project) / "docs"


class Examples(ProgramCase):
    def check_page(self, name):
        text = (docs() / "man" / f"{name}.md").read_text().split("## More examples")[1]
        commands = [shlex.split(line) for line in re.findall(r"^    (multims .*)$", text, re.M)]
        self.assertGreater(len(commands), 2)
        self.simulate("in.ms", "spws=2", "channels=256", "freq=1.42e9", "width=2e3")
        for program, *words in commands:
            with self.subTest(command=words):
                self.multims(*words)
                if words[0] == "plan":
                    continue
                with table(self.path(words[2]), ack=False) as out:
                    self.assertGreater(out.nrows(), 0)
                    flags = out.getcol("FLAG")
                    self.assertLess(np.mean(flags), 0.5)
                    self.assertTrue(np.isfinite(out.getcol("DATA")).all())

    def test_mstransform(self):
        self.check_page("mstransform")

    def test_cvel(self):
        self.check_page("cvel")


class Recipe(ProgramCase):
    def test_cut_treat_and_merge(self):
        self.simulate("in.ms", "spws=2", "channels=32", "scans=2")
        with table(self.path("in.ms"), ack=False, readonly=False) as t:
            data = t.getcell("DATA", 0)
            data[10, 0] = 1e12
            t.putcell("DATA", 0, data)
            ntime = len(np.unique(t.getcol("TIME")))
            nbaseline = len(set(zip(t.getcol("ANTENNA1"), t.getcol("ANTENNA2"))))
        subprocess.run([docs() / "recipes" / "split-treat-merge.sh", "in.ms", "out.ms", "work", "4", "BARY"],
                       cwd=self.folder, check=True, timeout=200,
                       env={**os.environ, "MULTIMS": program_case.args.program, "PYTHON": sys.executable})
        parts = sorted(pathlib.Path(self.path("work"), "cut.mms", "SUBMSS").glob("*.ms"))
        self.assertEqual(len(parts), 4)
        with table(self.path("work/cut.ms") + "/SPECTRAL_WINDOW", ack=False) as windows:
            self.assertEqual(list(windows.getcol("NUM_CHAN")), [16] * 4)
        with table(self.path("out.ms") + "/SPECTRAL_WINDOW", ack=False) as windows:
            self.assertEqual(windows.nrows(), 1)
            self.assertEqual(windows.getcell("MEAS_FREQ_REF", 0), 3)  # BARY
            widths = np.diff(windows.getcell("CHAN_FREQ", 0))
            np.testing.assert_allclose(widths, widths[0], rtol=1e-6)
        with table(self.path("out.ms"), ack=False) as out:
            self.assertEqual(out.nrows(), ntime * nbaseline)
            flags, data = out.getcol("FLAG"), out.getcol("DATA")
            self.assertEqual(abs(data[~flags]).max() < 1e9, True)  # the bright cell has been flagged
            self.assertLess(np.mean(flags), 0.2)


class Picture(ProgramCase):
    def test_it_is_that_of_the_script(self):
        drawn = subprocess.run([sys.executable, docs() / "regridding_picture.py"], check=True, text=True,
                               capture_output=True).stdout
        self.assertEqual(drawn, (docs() / "regridding.svg").read_text())


program_case.main()
