# SPDX-License-Identifier: LGPL-2.1-or-later
"""What `select` adds to casacore's MSSelection (parallel-tasks 5), on plain sets and Multi-MSs, against python-casacore.
"""
import json
import os
import shutil
import subprocess

from casacore.tables import table, taql

import program_case
from program_case import ProgramCase, parser

ALMA, TAV, LOFAR = "mssel_test_small.ms", "hd142_b9cont_self_tav.ms", "tNDPPP-generic.MS"


def run(vis, **keys):
    words = [f"{k}={v}" for k, v in keys.items()]
    return subprocess.run([program_case.args.program, "select", f"vis={vis}", *words, "--json"],
                          capture_output=True, text=True)


def data(name):
    return os.path.join(program_case.args.data, name)


def picked(vis, **keys):
    p = run(vis, **keys)
    if p.returncode:
        raise AssertionError(f"{keys}: {p.stderr}")
    return json.loads(p.stdout)


def snapshot(path):
    """Every name below path with what a change would change."""
    found = {}
    for folder, folders, files in os.walk(path):
        for name in folders + files:
            s = os.lstat(os.path.join(folder, name))
            found[os.path.join(folder, name)] = s.st_size, s.st_mtime_ns, s.st_ino
    return found



class Select(ProgramCase):
    def setUp(self):
        super().setUp()
        if not os.path.isdir(data(ALMA)):
            self.skipTest("no observations in shared/data")

    def copy(self, name):
        to = os.path.join(self.folder, name)
        shutil.copytree(data(name), to, symlinks=True)
        return to

    def test_nothing_is_created_in_an_input(self):
        for name in ALMA, TAV, LOFAR, "spw.mms", "scan.mms":  # with lock files, without and mixed
            vis = self.copy(name)
            before = snapshot(vis)
            for keys in ({"field": "0", "spw": "0", "antenna": "*"}, {"timerange": ">2001/01/01"},
                         {"uvrange": ">1", "taql": "ANTENNA1>=0", "scan": ">=0"}):
                p = run(vis, **keys)
                self.assertIn(p.returncode, (0, 3), p.stderr)
                self.assertEqual(snapshot(vis), before)

    def test_only_needed_subtables_must_be_there(self):
        vis = self.copy(ALMA)
        for name in "SOURCE", "HISTORY", "POINTING", "STATE":
            shutil.rmtree(os.path.join(vis, name))
        self.assertEqual(picked(vis, field="0", timerange=">10:36:00")["rows"], 276)
        self.assertEqual(picked(vis, taql="rownumber() < 10")["rows"], 9)
        p = run(vis, intent="*")
        self.assertEqual(p.returncode, 2)
        self.assertIn('sub-table STATE, which the selection intent="*" needs, is missing', p.stderr)

    def test_members_of_a_multi_ms_are_selected_like_one_table(self):
        for name, keys, condition in (
                ("scan.mms", {"scan": "2~5", "spw": "1"}, "SCAN_NUMBER in [2:6] and DATA_DESC_ID=1"),
                ("auto.mms", {"taql": "rownumber() > 700 && rowid () < 2000"},
                 "rownumber() >= 700 && rowid() < 2000"),  # counts from 0 there, from 1 in MSSelection
                ("vconcat.mms", {"antenna": "1&2"}, "ANTENNA1=0 and ANTENNA2=1")):
            vis = self.copy(name)  # python-casacore leaves lock files
            got = picked(vis, **keys)
            t = table(vis, ack=False)
            rows = [int(r) for r in taql(f"select from $t where {condition}").rownumbers()]
            self.assertEqual((got["rows"], got["row_sum"], got["last_row"]),
                             (len(rows), sum(rows), rows[-1]))
            self.assertEqual(got["first_rows"], rows[:3])

    def test_a_date_is_completed_once_for_all_members(self):
        vis = self.copy("auto.mms")
        t = table(vis, ack=False)
        first = taql("select TIME from $t where DATA_DESC_ID=0 limit 1").getcell("TIME", 0)
        limit = 4845484800 + int(first % 86400 * 1000) / 1000  # 2012/06/04, time of day in whole ms
        self.assertEqual(picked(vis, spw="0", timerange="<2012/06/04")["rows"],
                         taql(f"select from $t where DATA_DESC_ID=0 and TIME<={limit!r}").nrows())
        got = picked(vis, spw="0", timerange="<2012/06/04")["times"]
        self.assertIsNone(got[0][0])
        self.assertAlmostEqual(got[0][1], limit, 3)

    def test_warnings_come_once(self):
        said = run(data("auto.mms"), field="0,99", spw="*:0~3,*:0~3").stderr
        for text in "out-of-range index(s) in the list (99 )", "Channel 3 out of range for SPW 0":
            self.assertEqual(said.count(text), 1, said)

    def test_antennas_that_stay(self):
        self.assertEqual(picked(data(TAV), antenna="0~3&")["antennas"], [0, 1, 2])
        for all_stay in "0", "!0", "*&", "!0~3&":
            self.assertNotIn("antennas", picked(data(TAV), antenna=all_stay), all_stay)
        self.assertEqual(picked(data(ALMA), antenna="DV14&DV15,DV19")["antennas"], [9, 10, 11])

    def test_frequencies_have_64_bits(self):
        f = table(data(LOFAR) + "/SPECTRAL_WINDOW", ack=False, lockoptions="user").getcell("CHAN_FREQ", 0)
        self.assertEqual(picked(data(LOFAR), spw=f"0:{f[3]!r}Hz")["channels"], [[0, 3, 3, 1]])
        self.assertEqual(picked(data(LOFAR), spw=f"0:{f[2] + 0.01:.2f}~{f[5]!r}Hz")["channels"],
                         [[0, 3, 5, 1]])

    def test_missing_channels(self):
        got = picked(data(ALMA), spw="*:0;5")
        self.assertEqual(got["channels"], [[0, 0, 0, 1], [1, 0, 0, 1], [1, 5, 5, 1], [2, 0, 0, 1]])
        self.assertEqual(picked(data(ALMA), spw="2;1")["spws"], [2, 1])

    def test_refusals_name_key_and_expression(self):
        for keys in ({"spw": "1:70~80"}, {"uvrange": "1000m"}, {"scan": "3~1", "field": "0"},
                     {"timerange": "2014/13/20/10:36:00", "field": "0"}, {"taql": "NOSUCHCOL==1"},
                     {"antenna": "nosuch", "scan": "1"}, {"spw": "1:60~50"}):
            p = run(data(ALMA), **keys)
            key, text = next(iter(keys.items()))
            self.assertEqual((p.returncode, p.stdout), (2, ""), keys)
            self.assertIn(f'{key}="{text}": ', p.stderr)

    def test_empty_selection(self):
        p = run(data(ALMA), feed="0")
        self.assertEqual(p.returncode, 3)
        self.assertIn("The selected table has zero rows.", p.stderr)
        self.assertIn("0&&&", p.stderr)

    def test_table_for_people(self):
        p = subprocess.run([program_case.args.program, "select", data(ALMA), "--spw", "1:0~9^3", "--scan", "1"],
                           capture_output=True, text=True)
        self.assertEqual(p.stdout.splitlines()[1:],
                         ["DDs       1", "Fields    0", "Scans     1", "Antenna1  0~11",
                          "Antenna2  9~12", "", " spw    first     last   step",
                          "   1        0        9      3"])


parser.add_argument("--data", required=True)
program_case.main()
