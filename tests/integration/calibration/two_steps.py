# SPDX-License-Identifier: LGPL-2.1-or-later
"""uvcontsub_old with a set on the way: memory, and what a run that is stopped leaves.

Not smoke tests: sanitizers keep memory that was freed, and ThreadSanitizer signals that only ppoll lets in.
"""
import os

import program_case


class TwoSteps(program_case.ProgramCase):
    def test_memory_does_not_grow_with_the_rows(self):
        def peak(name, integrations):
            self.multims("simulate", name, "antennas=27", "scans=1", "channels=2", "correlations=1",
                         f"integrations={integrations}", "--no-sync", "--quiet")
            return self.peak_kib("uvcontsub_old", name, "fitorder=2", "combine=scan", "solint=inf", "memory=16M", "-j1",
                                 "--no-sync")
        small, large = peak("a.ms", 400), peak("b.ms", 1300)
        self.assertLess(large - small, 12 * 1024)  # solutions of 315,900 rows: 70 MiB

    def test_stopped_in_a_set_that_goes(self):
        self.multims("simulate", "big.ms", "antennas=12", "scans=8", "integrations=40", "channels=64", "--no-sync")
        self.multims("partition", "big.ms", "big.mms", "separationaxis=scan", "numsubms=8", "flagbackup=False")
        self.stop_within("big.mms.contsub.whole", "uvcontsub_old", "big.mms", "fitspw=0:0~9", "spw=0:0~20", "-j", "1")
        self.assertEqual(sorted(os.listdir(self.folder)), ["big.mms", "big.ms"])


program_case.main()
