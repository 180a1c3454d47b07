# SPDX-License-Identifier: LGPL-2.1-or-later
"""info: a small set as an MS and as a Multi-MS, a screen of a large one, sets with nothing to show."""
import json
import os
import shutil

from casacore.tables import makearrcoldesc, maketabdesc, table

import program_case
from program_case import ProgramCase


class Smoke(ProgramCase):
    def test_a_set_is_shown_on_a_screen(self):
        self.simulate()
        text = self.multims("info", "in.ms").stdout
        self.assertRegex(text, r"^in\.ms: MS, 48 rows, \d+\.\d MB on disk\nVLA, observer multims, ")
        self.assertIn("\n2014/12/09/00:00:00.0 to 2014/12/09/00:01:30.0 UTC, 1 min 30 s\n", text)
        self.assertRegex(text, r"(?m)^0 +F0 +- +03:49:10\.987 \+28\.38\.52\.40 +J2000 +48 +1~2$")
        self.assertRegex(text, r"(?m)^2 +2014/12/09/00:01:10\.0 +00:01:30\.0 +0 F0 +0~1 +24 +10 s +"
                               r"OBSERVE_TARGET")
        self.assertRegex(text, r"(?m)^1 +SPW1 +8 +TOPO +\d+\.\d{6} +1000\.000 +8\.000 .* 24 +"
                               r"XX,XY,YX,YY$")
        self.assertRegex(text, r"(?m)^4 antennas +ea01, ea02, ea03, ea04$")
        self.assertIn("DATA complex [8,4], CORRECTED_DATA complex [8,4]", text)
        self.assertRegex(text, r"(?m)^Sub-tables +ANTENNA 4, ")
        self.assertLess(max(map(len, text.splitlines())), 110)
        self.assertLess(text.count("\n"), 25)

    def test_both_names_and_a_call_say_the_same(self):
        self.simulate()
        text = self.multims("info", "in.ms").stdout
        self.assertEqual(self.multims("listobs", "vis=in.ms").stdout, text)
        self.assertEqual(self.multims("listobs(vis='in.ms')").stdout, text)

    def test_the_text_goes_to_a_file(self):
        self.simulate()
        text = self.multims("info", "in.ms", "-v").stdout
        run = self.multims("listobs(vis='in.ms', listfile='in.txt', verbose=True)")
        self.assertEqual(run.stdout, "")
        with open(self.path("in.txt")) as file:
            self.assertEqual(file.read(), text)
        self.assertIn("'in.txt' already exists",
                      self.multims("info", "in.ms", "listfile=in.txt", status=2).stderr)

    def test_a_multi_ms_is_shown_as_a_whole(self):
        self.simulate()
        self.multims("partition", "in.ms", "out.mms", "separationaxis=scan", "--quiet")
        whole, parts = self.answer("info", "in.ms"), self.answer("info", "out.mms", "-j", "2")
        self.assertEqual((parts["kind"], parts["axis"]), ("Multi-MS", "scan"))
        self.assertEqual([p["name"] for p in parts["parts"]], ["out.0000.ms", "out.0001.ms"])
        for key in "rows", "begin", "end", "fields", "scans", "spws", "antennas":
            self.assertEqual(parts[key], whole[key])
        self.assertRegex(self.multims("info", "out.mms").stdout,
                         r"^out\.mms: Multi-MS of 2 parts, separation axis scan, 48 rows")
        self.assertRegex(self.multims("info", "out.mms", "-v").stdout,
                         r"(?m)^out\.0001\.ms +24 +0\.\d$")

    def test_long_lists_are_cut_to_a_screen(self):
        self.simulate("in.ms", "scans=40", "fields=30", "spws=20", "antennas=4", "integrations=1",
                      "channels=1")
        text = self.multims("info", "in.ms").stdout
        self.assertLess(text.count("\n"), 75)
        for more in 20, 20, 4:
            self.assertIn(f"… and {more} more: -v lists all\n", text)
        text = self.multims("info", "in.ms", "-v").stdout
        self.assertNotIn("…", text)
        self.assertRegex(text, r"(?m)^40 +2014/")
        self.assertRegex(text, r"(?m)^3 +ea04 +P04 +25 m +ALT-AZ .* yes$")

    def test_what_has_no_rows_is_counted(self):
        self.simulate("in.ms", "fields=2", "scans=2")
        with table(self.path("in.ms"), readonly=False, ack=False) as main:
            main.putcol("FIELD_ID", 0 * main.getcol("FIELD_ID"))
        text = self.multims("info", "in.ms").stdout
        self.assertIn("… and 1 more without rows: -v lists all\n", text)
        self.assertNotIn("F1", text)
        self.assertIn("F1", self.multims("info", "in.ms", "-v").stdout)

    def test_a_set_without_rows_is_shown(self):
        self.simulate()
        with table(self.path("in.ms"), ack=False) as main:
            main.query("SCAN_NUMBER < 0").copy(self.path("no.ms"), deep=True).close()
        self.assertRegex(self.multims("info", "no.ms").stdout, r"^no\.ms: MS, 0 rows")
        have = self.answer("info", "no.ms")
        self.assertEqual((have["rows"], have["begin"], have["scans"]), (0, None, []))

    def test_ids_that_lead_nowhere_are_numbers(self):
        self.simulate()
        with table(self.path("in.ms"), readonly=False, ack=False) as main:
            for name in "FIELD_ID", "STATE_ID", "ANTENNA1", "OBSERVATION_ID":
                main.putcol(name, main.getcol(name) + 77)
        have = self.answer("info", "in.ms")
        self.assertEqual([s["fields"] for s in have["scans"]], [[77], [77]])
        self.multims("info", "in.ms")

    def test_subtables_that_are_missing_are_named(self):
        self.simulate()
        shutil.rmtree(self.path("in.ms/POINTING"))
        self.assertEqual(self.answer("info", "in.ms")["missing_subtables"], ["POINTING"])
        self.assertRegex(self.multims("info", "in.ms").stdout, r"(?m)^Missing +POINTING$")

    def test_what_is_no_set_is_refused(self):
        os.mkdir(self.path("folder"))
        table(self.path("other"), maketabdesc(makearrcoldesc("A", 0.0)), ack=False).close()
        for path, said in (("nope.ms", "not found.*nope.ms"),
                           ("folder", "folder is not a MeasurementSet"),
                           ("other", "other is not a MeasurementSet")):
            run = self.multims("info", path, status=2)
            self.assertRegex(run.stderr, said)
            self.assertEqual(run.stdout, "")
        self.multims("info", status=2)

    def test_json_is_one_object(self):
        self.simulate()
        self.assertEqual(json.loads(self.multims("info", "in.ms", "--json").stdout)["vis"], "in.ms")


program_case.main()
