# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a run prints: one line where all is well, the list where it is not, nothing with --quiet."""
import os
import shutil

from casacore.tables import makescacoldesc, maketabdesc, table

import program_case
from program_case import ProgramCase


class Quiet(ProgramCase):
    def setUp(self):
        super().setUp()
        self.simulate()
        self.simulate("other.ms", "noise=1")

    def says(self, *words, status=0):
        run = self.multims(*words, status=status)
        return run.stdout, run.stderr

    def test_a_good_run_prints_nothing(self):
        for words in (["partition", "in.ms", "out.mms"], ["partition", "in.ms", "no.mms", "--dryrun"],
                      ["split", "in.ms", "out.ms", "datacolumn=data"], ["listpartition", "out.mms"],
                      ["select", "in.ms", "scan=1"], ["verify", "out.mms", "against=in.ms"],
                      ["diff", "in.ms", "in.ms"], ["simulate", "a.ms", "antennas=3"]):
            self.assertEqual(self.says(*words, "-q"), ("", ""), words)

    def test_findings_are_an_error_of_one_line(self):
        self.assertEqual(self.says("diff", "in.ms", "other.ms", "-q", status=1),
                         ("", "multims diff: 2 of 41 checks failed: DATA, CORRECTED_DATA\n"))

    def test_json_is_printed_when_it_is_asked_for(self):
        self.assertTrue(self.answer("diff", "in.ms", "in.ms", "-q")["passed"])


class OneLine(ProgramCase):
    def setUp(self):
        super().setUp()
        self.simulate()
        self.multims("partition", "in.ms", "out.mms", "-q", "separationaxis=scan", "numsubms=2")

    def test_equal_sets_take_a_line(self):
        self.assertRegex(self.multims("diff", "in.ms", "out.mms").stdout,
                         r"\Ain\.ms and out\.mms are equal: \d+ checks passed, 0 failed\n\Z")
        self.assertRegex(self.multims("verify", "out.mms").stdout,
                         r"\Aout\.mms is sound: \d+ checks passed, 0 failed\n\Z")
        self.assertRegex(self.multims("verify", "out.mms", "against=in.ms").stdout,
                         r"\Aout\.mms is sound and holds what in\.ms holds: \d+ checks passed, 0 failed\n\Z")

    def test_verbose_lists_the_checks(self):
        for words in (["diff", "in.ms", "out.mms"], ["verify", "out.mms"]):
            out = self.multims(*words, "-v").stdout
            self.assertIn("ok   columns\n", out)
            self.assertGreater(out.count("\nok "), 5)

    def test_a_difference_lists_the_checks(self):
        with table(self.path("out.mms/SUBMSS/out.0001.ms"), readonly=False, ack=False) as part:
            part.putcell("FLAG_ROW", 3, not part.getcell("FLAG_ROW", 3))
        out = self.multims("diff", "in.ms", "out.mms", status=1).stdout
        self.assertIn("FAIL FLAG_ROW", out)
        self.assertIn("ok   TIME\n", out)


class Members(ProgramCase):
    """What several sub-MSs have in common is said once and counted."""

    def setUp(self):
        super().setUp()
        self.simulate("in.ms", "scans=8")
        self.multims("partition", "in.ms", "out.mms", "-q", "separationaxis=scan", "numsubms=8")
        self.parts = sorted(os.listdir(self.path("out.mms/SUBMSS")))

    def part(self, i):
        return self.path(f"out.mms/SUBMSS/{self.parts[i]}")

    def findings(self, *words):
        found = self.answer("verify", "out.mms", *words, status=1)
        return {c["check"]: [f["text"] for f in c["findings"]] for c in found["checks"] if not c["passed"]}

    def test_a_missing_sub_table_is_named_once(self):
        shutil.rmtree(self.part(3) + "/FEED")
        want = {"sub-tables": ["out.0003.ms: keyword FEED, but there is no table FEED"]}
        self.assertEqual(self.findings(), want)
        for i in range(8):
            shutil.rmtree(self.part(i) + "/FEED", ignore_errors=True)
        want = {"sub-tables": ["keyword FEED, but there is no table FEED: in 8 sub-MSs, out.0000.ms the first"]}
        self.assertEqual(self.findings(), want)
        self.assertEqual(self.findings("against=in.ms"), want)

    def test_a_linked_one_is_named_once_too(self):
        shutil.rmtree(self.part(0) + "/POINTING")
        self.assertEqual(self.findings(), {"sub-tables": [
            "keyword POINTING, but there is no table POINTING: in 8 sub-MSs, out.0000.ms the first"]})

    def test_a_missing_column_is_named_once(self):
        for i in (2, 5, 6):
            with table(self.part(i), readonly=False, ack=False) as part:
                part.removecols("SIGMA")
        self.assertEqual(self.findings(), {"columns": [
            "no column SIGMA, which the first member has: in 3 sub-MSs, out.0002.ms the first"]})

    def add_table(self, i, name, value=1):
        path = f"{self.part(i)}/{name}"
        with table(path, maketabdesc(makescacoldesc("VALUE", 0)), nrow=1, ack=False) as new:
            new.putcell("VALUE", 0, value)
        with table(self.part(i), readonly=False, ack=False) as part:
            part.putkeyword(name, f"Table: {path}")

    def test_sub_tables_that_a_flagger_has_added_are_a_warning(self):
        for name in ("QUALITY_KIND_NAME", "QUALITY_TIME_STATISTIC"):
            self.add_table(0, name)
        for words in ([], ["against=in.ms"]):
            run = self.multims("verify", "out.mms", *words)
            self.assertIn("WARN check: out.mms: sub-tables that another program has added: "
                          "QUALITY_KIND_NAME (in 1 of 8 sub-MSs), "
                          "QUALITY_TIME_STATISTIC (in 1 of 8 sub-MSs)\n", run.stderr)
            self.assertEqual(run.stdout.count("\n"), 1)
        self.assertEqual(len(self.answer("verify", "out.mms")["warnings"]), 1)

    def test_so_are_those_that_differ_from_part_to_part(self):
        for i in range(8):
            self.add_table(i, "QUALITY_KIND_NAME", i)
        self.assertIn("QUALITY_KIND_NAME (in 8 of 8 sub-MSs)", self.multims("verify", "out.mms").stderr)

    def test_those_of_the_partition_are_missed(self):
        """One that the partition has written is linked in the reference."""
        self.multims("partition", "out.mms", "plain.ms", "createmms=False", "-q")
        with table(self.path("plain.ms/OWN"), maketabdesc(makescacoldesc("VALUE", 0)), nrow=1, ack=False):
            pass
        with table(self.path("plain.ms"), readonly=False, ack=False) as part:
            part.putkeyword("OWN", "Table: " + self.path("plain.ms/OWN"))
        shutil.rmtree(self.path("out.mms"))
        shutil.rmtree(self.path("out.mms.flagversions"))
        self.multims("partition", "plain.ms", "out.mms", "-q", "separationaxis=scan", "numsubms=8")
        self.multims("verify", "out.mms")
        for i in range(1, 8):
            with table(self.part(i), readonly=False, ack=False) as part:
                part.removekeyword("OWN")
        self.assertEqual(self.findings()["sub-tables"],
                         ["no OWN, which the first member has: in 7 sub-MSs, out.0001.ms the first"])


class Refusals(ProgramCase):
    """An expression that selects nothing is named first, and what the input has after it."""

    VERBS = [["partition", "in.ms", "out.mms"], ["split", "in.ms", "out.ms", "datacolumn=data"],
             ["hanningsmooth", "in.ms", "out.ms", "datacolumn=data"],
             ["mstransform", "in.ms", "out.ms", "datacolumn=data"], ["select", "in.ms"]]

    def refuses(self, status, pattern, *words, verbs=VERBS):
        for verb in verbs:
            run = self.multims(*verb, *words, "-q", status=status)
            self.assertRegex(run.stderr, rf"\Amultims {verb[0]}: {pattern}")
            self.assertEqual(run.stderr.count("\n"), 1, run.stderr)
            self.assertEqual(run.stdout, "")

    def setUp(self):
        super().setUp()
        self.simulate("in.ms", "scans=9", "fields=2")

    def test_every_parameter_says_what_there_is(self):
        some = self.VERBS[1:2]
        self.refuses(3, r'scan="99": no rows; the input has scans 1~9 \(', "scan=99")
        for status, pattern, word in (
                (3, r'timerange=">2100/01/01/00:00:00": no rows; the input has times 2\d{3}/.*~2', "timerange=>2100/01/01/00:00:00"),
                (3, r'array="7": no rows; the input has arrays 0 \(', "array=7"),
                (3, r'observation="7": no rows; the input has observations 0 \(', "observation=7"),
                (3, r'uvrange=">1000km": no rows; the input has baselines of [\d.]+~[\d.]+m \(', "uvrange=>1000km"),
                (3, r'feed="0": no rows; the input has feeds 0, and feed="0" means pairs', "feed=0"),
                (3, r'antenna="0&&&": no rows; the input has antennas 0 \(ea01\), 1 \(ea02\)', "antenna=0&&&"),
                (3, r'taql="SCAN_NUMBER==77": no rows \(', "taql=SCAN_NUMBER==77"),
                (2, r'field="99": .*; the input has fields 0 \(F0\), 1 \(F1\)$', "field=99"),
                (2, r'field="NOPE": .*; the input has fields 0 \(F0\), 1 \(F1\)$', "field=NOPE"),
                (2, r'spw="9": .*9; the input has spectral windows 0~1 \(8 channels each\)$', "spw=9"),
                (2, r'spw="0:77": .*; the input has spectral windows 0~1 \(8 channels each\)$', "spw=0:77"),
                (2, r'antenna="XX": .*; the input has antennas 0 \(ea01\)', "antenna=XX"),
                (2, r'correlation="RR": .*; the input has correlations XX,XY,YX,YY$', "correlation=RR"),
                (2, r'intent="\*FOO\*": .*; the input has intents "OBSERVE_TARGET#ON_SOURCE"$', "intent=*FOO*"),
                (2, r'feed="9": .*; the input has feeds 0$', "feed=9"),
                (2, r'observation="xx": Parse error.*; the input has observations 0$', "observation=xx"),
                (2, r'uvrange="5": a single value', "uvrange=5")):
            self.refuses(status, pattern, word, verbs=some)

    def test_expressions_that_exclude_each_other_are_both_named(self):
        self.refuses(3, r'field="1" and scan="1": each has rows, but none in common \(',
                     "scan=1", "field=1", "spw=0", "antenna=0", verbs=self.VERBS[1:2])

    def test_rows_that_are_all_flagged_are_the_fault_of_keepflags(self):
        with table(self.path("in.ms"), readonly=False, ack=False) as ms:
            ms.putcol("FLAG_ROW", [True] * ms.nrows())
        self.refuses(3, "keepflags=False: all selected rows are flagged", "keepflags=False",
                     "scan=1", verbs=self.VERBS[1:2])


program_case.main()
