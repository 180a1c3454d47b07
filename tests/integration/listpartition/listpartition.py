# SPDX-License-Identifier: LGPL-2.1-or-later
"""The listings of CASA's Multi-MSs are CASA's, sizes are du's, and wrong requests are refused (multi-ms 4, T78-T82)."""
import json
import os
import re
import shutil
import subprocess

from casacore.tables import table

import program_case
from program_case import ProgramCase, parser

GOLDEN = {"auto": "auto.mms", "baseline": "baseline.mms", "d2": "h_d2.mms", "scan": "scan.mms",
          "select": "select.mms", "spw": "spw.mms", "vconcat": "vconcat.mms"}


def run(*words):
    return subprocess.run([program_case.args.program, "listpartition", *words], capture_output=True, text=True)


def without_size(text):
    """The table with its last column cut off; sizes depend on the file system."""
    lines = text.splitlines()
    at = lines[0].index("Size")
    return [line[:at] for line in lines]


def du(path):
    return subprocess.check_output(["du", "-hs", path], text=True).split()[0]


def rows_by_scan(path):
    t = table(path, ack=False)
    scans = list(t.getcol("SCAN_NUMBER"))
    t.close()
    return {str(s): scans.count(s) for s in set(scans)}


class Listing(ProgramCase):
    def setUp(self):
        super().setUp()
        if not os.path.isdir(program_case.args.golden) or not os.path.isdir(self.path("auto.mms")):
            self.skipTest("the golden Multi-MSs are not here")

    def path(self, name):
        return os.path.join(program_case.args.data, name)

    def copy(self, name):
        to = os.path.join(self.folder, name)
        shutil.copytree(self.path(name), to, symlinks=True)
        return to

    def golden(self, name, kind):
        with open(os.path.join(program_case.args.golden, f"mms_casa_{name}.listpartition.{kind}")) as f:
            return f.read()

    def refused(self, result, text):
        self.assertEqual((result.returncode, result.stdout), (2, ""), result.stderr)
        self.assertIn(text, result.stderr)

    def test_tables_are_casas(self):
        for name, mms in GOLDEN.items():
            with self.subTest(name):
                out = run(self.path(mms))
                self.assertEqual(out.returncode, 0, out.stderr)
                want = self.golden(name, "txt")
                self.assertEqual(without_size(out.stdout), without_size(want))
                self.assertEqual(re.findall(" +$", out.stdout, re.M),
                                 re.findall(" +$", want, re.M))
                title = json.loads(self.golden(name, "json"))["title"]
                self.assertEqual(out.stderr, f"INFO listpartition: {title}\n")

    def test_dictionaries_are_casas(self):
        for name, mms in GOLDEN.items():
            with self.subTest(name):
                got = json.loads(run(self.path(mms), "--json", "--quiet").stdout)
                want = json.loads(self.golden(name, "json"))["dict"]
                self.assertEqual(list(got), list(want))
                for key, member in want.items():
                    self.assertEqual(got[key]["MS"], member["MS"])
                    self.assertEqual(list(got[key]["scanId"]), list(member["scanId"]))
                    for scan, casa in member["scanId"].items():
                        ours = got[key]["scanId"][scan]
                        self.assertEqual({k: ours[k] for k in casa}, casa)
                        self.assertEqual(sum(d["nrows"] for d in ours["dds"]), casa["nrows"])
                    self.assertEqual(got[key]["nrow"],
                                     sum(s["nrows"] for s in member["scanId"].values()))

    def test_sizes_are_those_of_du(self):
        for mms in GOLDEN.values():
            for member in json.loads(run(self.path(mms), "--json").stdout).values():
                path = os.path.join(self.path(mms), "SUBMSS", member["MS"])
                self.assertEqual(member["size"], du(path))
                blocks = subprocess.check_output(["du", "-s", "--block-size=1", path], text=True)
                self.assertEqual(member["bytes"], int(blocks.split()[0]))

    def test_hard_links_count_once_and_links_are_not_followed(self):
        ms = self.copy("tNDPPP-generic.MS")
        big = os.path.join(ms, "big")
        with open(big, "wb") as f:
            f.write(b"x" * 3_000_000)
        os.link(big, os.path.join(ms, "again"))
        os.symlink(self.path("auto.mms"), os.path.join(ms, "elsewhere"))
        member = json.loads(run(ms, "--json").stdout)["0"]
        self.assertEqual(member["size"], du(ms))

    def test_rows_add_up(self):
        for mms in GOLDEN.values():
            got = {}
            for member in json.loads(run(self.path(mms), "--json").stdout).values():
                for scan, what in member["scanId"].items():
                    got[scan] = got.get(scan, 0) + what["nrows"]
            self.assertEqual(got, rows_by_scan(self.path(mms)))

    def test_plain_ms(self):
        for words in ([self.path("tNDPPP-generic.MS")], ["vis=" + self.path("tNDPPP-generic.MS/")]):
            out = run(*words)
            size = du(self.path("tNDPPP-generic.MS"))
            self.assertEqual(out.stdout.splitlines(), [
                "MS                 Scan  Spw    Nchan  Nrows   Size  ",
                "tNDPPP-generic.MS  0     [0]    [8]    168     %-6s" % size])
            self.assertEqual((out.returncode, out.stderr), (0, ""))
        got = json.loads(run(self.path("tNDPPP-generic.MS/"), "createdict=True").stdout)
        self.assertEqual(list(got), ["0"])
        self.assertEqual(got["0"]["MS"], "tNDPPP-generic.MS")
        self.assertEqual(got["0"]["scanId"]["0"]["spwIds"], [0])

    def test_wide_lists_are_not_wrapped(self):
        lines = run(self.path("D1.ms")).stdout.splitlines()
        self.assertEqual(len(lines), 3)
        ids = "[%s]" % " ".join("%2d" % i for i in range(16))
        self.assertIn(ids, lines[1])
        self.assertIn("[%s]" % " ".join(["64"] * 16), lines[1])
        self.assertEqual(lines[1].index("[64"), lines[0].index("Nchan"))

    def test_listfile_takes_the_table_only(self):
        file = os.path.join(self.folder, "list.txt")
        out = run(self.path("scan.mms"), "listfile=" + file)
        self.assertEqual((out.returncode, out.stdout), (0, ""))
        self.assertIn(f"INFO listpartition: Will save output to '{file}'", out.stderr)
        self.assertIn("This is a Multi-MS with separation axis = scan", out.stderr)
        with open(file) as f:
            text = f.read()
        self.assertEqual(without_size(text), without_size(self.golden("scan", "txt")))
        self.assertEqual(len(text.splitlines()), 10)

        self.refused(run(self.path("spw.mms"), "listfile=" + file),
                     f"Output file '{file}' already exists")
        with open(file) as f:
            self.assertEqual(f.read(), text)

    def partition(self, vis, **request):
        out = os.path.join(self.folder, "o.mms")
        words = [f"{key}={value}" for key, value in request.items()]
        subprocess.run([program_case.args.program, "partition", self.path(vis), out, "--no-sync", *words],
                       check=True, capture_output=True)
        return out

    def check_own(self, mms, nlines, nmembers):
        """T78-T80: lines, sizes and rows of a Multi-MS of our own."""
        file = os.path.join(self.folder, "own.txt")
        self.assertEqual(run(mms, "listfile=" + file).returncode, 0)
        with open(file) as f:
            lines = f.read().splitlines()
        self.assertEqual(len(lines), nlines)
        named = [line.split() for line in lines[1:] if not line.startswith(" ")]
        self.assertEqual([(w[0], w[-1]) for w in named],
                         [(name, du(os.path.join(mms, "SUBMSS", name)))
                          for name in sorted(os.listdir(os.path.join(mms, "SUBMSS")))])
        members = json.loads(run(mms, "createdict=True").stdout)
        self.assertEqual(list(members), [str(i) for i in range(nmembers)])
        for member in members.values():
            self.assertEqual({scan: what["nrows"] for scan, what in member["scanId"].items()},
                             rows_by_scan(os.path.join(mms, "SUBMSS", member["MS"])))

    def test_spw_parts_of_two_scans(self):
        self.check_own(self.partition("D1.ms", separationaxis="spw", numsubms=16), 33, 16)

    def test_scan_parts(self):
        self.check_own(self.partition("D1.ms", separationaxis="scan", numsubms=2), 3, 2)

    def test_parts_of_one_scan_and_spw(self):
        self.check_own(self.partition("D1.ms", separationaxis="auto", numsubms=32), 33, 32)

    def test_linked_parts(self):
        mms = self.partition("D7.ms", separationaxis="scan", numsubms=3, profile="linked",
                             naming="full")
        self.check_own(mms, 6, 3)

    def test_moved_mms_is_listed(self):
        mms = self.copy("scan.mms")
        os.rename(mms, os.path.join(self.folder, "other.mms"))
        self.assertEqual(without_size(run(os.path.join(self.folder, "other.mms")).stdout),
                         without_size(self.golden("scan", "txt")))

    def test_wrong_input_is_refused(self):
        self.refused(run("nope.ms"),
                     "Visibility data set not found - please verify the name (nope.ms)")
        self.refused(run(self.folder), self.folder)
        self.refused(run(self.path("tNDPPP-generic.MS/ANTENNA")), "is not a MeasurementSet")

    def test_broken_member_is_named(self):
        mms = self.copy("scan.mms")
        os.remove(os.path.join(mms, "SUBMSS/scan.mms.0002.ms/table.dat"))
        out = run(mms)
        self.refused(out, "Cannot get scan/spw information from subMS")
        self.assertIn("scan.mms.0002.ms", out.stderr)

    def test_no_rows_is_said(self):
        ms = os.path.join(self.folder, "empty.ms")
        t = table(self.path("tNDPPP-generic.MS"), ack=False)
        t.copy(ms, deep=True, copynorows=True).close()
        t.close()
        self.refused(run(ms), "Error in processing dictionaries")

    def test_input_is_left_alone(self):
        mms = self.copy("spw.mms")

        def state():
            return {os.path.join(d, f): os.lstat(os.path.join(d, f)).st_mtime_ns
                    for d, _, files in os.walk(mms) for f in files}
        before = state()
        run(mms)
        self.assertEqual(state(), before)


for name in ("data", "golden"):
    parser.add_argument("--" + name, required=True)
program_case.main()
