# SPDX-License-Identifier: LGPL-2.1-or-later
"""select: rows, ids and channels of a selection."""
import shutil

import numpy as np
from casacore.tables import table

import program_case
from program_case import ProgramCase


class Smoke(ProgramCase):
    def test_a_selection_is_resolved(self):
        self.simulate()
        picked = self.answer("select", "in.ms", "scan=2", "spw=1:2~5", "antenna=0&1~2")
        self.assertEqual(picked["rows"], 4)
        self.assertEqual(picked["scans"], [2])
        self.assertEqual(picked["ddids"], [1])

    def test_flag_category_may_be_missing(self):
        """Some writers leave it out; casacore's class for an MS demands it."""
        self.simulate("in.ms", "fields=2")
        shutil.copytree(self.path("in.ms"), self.path("bare.ms"))
        with table(self.path("bare.ms"), readonly=False, ack=False) as main:
            main.removecols("FLAG_CATEGORY")
        for words in (["field=1"], ["spw=1:2~5"], ["antenna=0&1~2"], ["correlation=XX"], ["intent=*"],
                      ["uvrange=>1lambda"], ["observation=0"], ["array=0"],
                      ["taql=ANTENNA1 == 0 && !all(FLAG)"]):
            with self.subTest(words=words):
                whole, bare = (self.answer("select", name, *words) for name in ("in.ms", "bare.ms"))
                self.assertGreater(bare["rows"], 0)
                for answer in whole, bare:
                    answer.pop("vis", None)
                self.assertEqual(bare, whole)
        self.multims("partition", "bare.ms", "bare.mms", "scan=2", "--no-sync", "--quiet")
        self.multims("split", "bare.mms", "out.mms", "datacolumn=data", "field=1", "--no-sync")
        with table(self.path("out.mms"), ack=False) as main:
            self.assertNotIn("FLAG_CATEGORY", main.colnames())

    def test_ranges_of_baselines(self):
        """Rows by their uvw and the reference frequencies, as casacore's own numbers say."""
        self.simulate("in.ms", "antennas=9", "integrations=5")
        with table(self.path("in.ms"), ack=False) as main, \
                table(self.path("in.ms/SPECTRAL_WINDOW"), ack=False) as windows:
            u, v, _ = main.getcol("UVW").T
            metres = np.hypot(u, v)
            lambdas = metres * windows.getcol("REF_FREQUENCY")[main.getcol("DATA_DESC_ID")] / 299792458
        quarter, half = np.percentile(metres, [25, 50]).round(1)
        for text, want in [(f"<{half}m", metres < half),
                           (f"{quarter}~{half}m", (metres >= quarter) & (metres <= half)),
                           (f">{np.median(lambdas).round()}lambda", lambdas > np.median(lambdas).round()),
                           (f"<{quarter}m,>{np.median(lambdas) / 1e3:.3f}klambda",
                            (metres < quarter) | (lambdas > round(np.median(lambdas), 0)))]:
            with self.subTest(text=text):
                found = self.answer("select", "in.ms", f"uvrange={text}", "scan=1,2")["rows"]
                self.assertAlmostEqual(found, int(want.sum()), delta=2) # rows at a limit
                self.assertNotIn(found, (0, len(metres)))

    def test_a_wrong_expression_is_refused(self):
        self.assertIn("scan", self.multims("select", self.simulate(), "scan=one", status=2).stderr)


program_case.main()
