# SPDX-License-Identifier: LGPL-2.1-or-later
"""T75: the peak memory of exports and imports does not grow with the rows."""
import os
import subprocess

import program_case
from uvh5_case import UvhCase

LIMIT = 64 << 10  # KiB above a run that does nothing


class Memory(UvhCase):
    def peak(self, *words):
        """KiB of the largest process of a run."""
        words = [program_case.args.program, *words]
        child = subprocess.Popen(words, cwd=self.folder, stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        self.assertEqual(child.returncode, 0, words)
        return usage.ru_maxrss

    def check(self, *words):
        peak = self.peak(*words, "--no-sync", "--quiet", "-j", "2")
        self.assertLess(peak - self.peak("--version"), LIMIT, words)

    def make(self, *words):
        self.simulate("in.ms", "antennas=40", "channels=1", "correlations=1", "corrected=False",
                      *words)

    def test_rows_in_time_order(self):
        self.make("spws=1", "integrations=500")  # 780,000 rows, of 250 bytes each in memory once
        self.check("exportuvh5", "in.ms", "out.uvh5", "datacolumn=data")

    def test_rows_by_window(self):
        self.make("integrations=200")
        self.multims("partition", "in.ms", "in.mms", "separationaxis=spw", "datacolumn=data",
                     "--no-sync", "--quiet")
        self.check("exportuvh5", "in.mms", "out.uvh5", "datacolumn=data")


program_case.main(hdf5=True)
