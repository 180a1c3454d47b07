#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Outputs that share blocks with their input, on file systems that can: as little is new as is said,
casacore reads what it should, and writing one changes no other."""
import os
import re
import shutil
import unittest

import numpy as np
from casacore import tables as ct

import program_case
from mounted import Mounted
from program_case import ProgramCase

program_case.parser.add_argument("--kind", required=True, choices=["xfs", "btrfs"])
program_case.parser.add_argument("--casa", help="folder of CASA: look at an output with it alone")
program_case.parser.add_argument("--oracle", help="folder of the script that runs it")
mounted = None


def setUpModule():
    global mounted
    mounted = Mounted(program_case.args.kind, program_case.args.scratch)
    if mounted.lack:
        raise unittest.SkipTest(mounted.lack)
    program_case.args.scratch = mounted.folder


def tearDownModule():
    if mounted:
        mounted.close()


def opened(path, **how):
    return ct.table(path, ack=False, **how)


def values(table):
    """{column: all cells}: of the arrays and ids."""
    return {c: table.getcol(c) for c in table.colnames() if c != "FLAG_CATEGORY"}


def order(columns):
    return np.lexsort((columns["ANTENNA2"], columns["ANTENNA1"], columns["DATA_DESC_ID"],
                       columns["TIME"]))


def members(path):
    return sorted(os.path.join(path, "SUBMSS", m) for m in os.listdir(os.path.join(path, "SUBMSS")))


def tree(path):
    """{file: bytes} of the main table's files with data."""
    found = {}
    for folder, _, names in os.walk(path):
        for name in names:
            if name.startswith("table.f"):
                with open(os.path.join(folder, name), "rb") as f:
                    found[os.path.relpath(os.path.join(folder, name), path)] = f.read()
    return found


class SharingCase(ProgramCase):
    def make(self, *words):
        """A set of 36 MB whose input rows of a window come in runs of 120."""
        self.multims("simulate", "in.ms", "antennas=16", "scans=4", "spws=4", "channels=64",
                     "correlations=4", "integrations=6", "wtspectrum=True", "--no-sync", "--quiet",
                     *words)
        return self.path("in.ms")

    def assert_same(self, path, want=None, rows=None):
        """The set at path holds the rows of the input, or some of them."""
        a = opened(want or self.path("in.ms"))
        b = opened(path)
        want, got = values(a), values(b)
        if rows is not None:
            want = {c: v[rows] for c, v in want.items()}
        a.close(), b.close()
        i, k = order(want), order(got)
        for column in sorted(got):
            self.assertTrue(np.array_equal(want[column][i], got[column][k]), column)

    def run_and_count(self, *words):
        """The answer, and bytes that are new on the disk."""
        before = mounted.used()
        answer = self.answer(*words, "--no-sync")
        return answer, mounted.used() - before


class Partitions(SharingCase):
    def test_partitions(self):
        self.make()
        for axis in ["scan", "spw", "auto", "balanced"]:
            with self.subTest(axis=axis):
                answer, new = self.run_and_count("partition", "in.ms", "out.mms", "-j2",
                                                 f"separationaxis={axis}", "flagbackup=False")
                self.assertGreater(answer["bytes_shared"], 27e6)
                self.assertLess(new, 12e6)
                self.assert_same(self.path("out.mms"))
                self.multims("verify", "out.mms", "--against", "in.ms")
                shutil.rmtree(self.path("out.mms"))

    def test_what_is_said_before(self):
        self.make()
        for axis in ["scan", "spw"]:
            words = ["in.ms", "out.mms", f"separationaxis={axis}", "flagbackup=False"]
            plan = self.answer("partition", *words, "--dryrun")["bytes_shared"]
            text = self.multims("partition", *words, "--dryrun").stdout
            self.assertIn(f"Shared: {plan / 1e6:.1f} MB", text)
            run = self.multims("partition", *words, "-j1")
            said = re.search(r"([0-9.]+) MB of them shared with the input", run.stderr)
            self.assertAlmostEqual(float(said.group(1)), plan / 1e6, delta=0.4)
            shutil.rmtree(self.path("out.mms"))

    def test_a_plan_without_a_scratch_folder(self):
        self.make()
        run = self.multims("partition", "in.ms", "out.mms", "--dryrun",
                           env={**os.environ, "TMPDIR": self.path("none")})
        self.assertIn("how much will be shared is not known", run.stderr)

    def test_no_share(self):
        self.make()
        answer, new = self.run_and_count("partition", "in.ms", "out.mms", "separationaxis=scan",
                                         "--no-share", "flagbackup=False")
        self.assertNotIn("bytes_shared", answer)
        self.assertGreater(new, 34e6)
        self.assert_same(self.path("out.mms"))

    def test_workers_make_no_difference(self):
        self.make()
        for verb, *words in [("partition", "separationaxis=spw"), ("split", "datacolumn=data"),
                             ("mstransform", "datacolumn=data", "spw=1,2")]:
            outs = []
            for workers in ["1", "2", "3"]:
                self.multims(verb, "in.ms", "out" + workers, "-j" + workers, "--no-sync", *words,
                             "--memory", "16M" if workers == "3" else "512M")
                outs.append(tree(self.path("out" + workers)))
                shutil.rmtree(self.path("out" + workers))
                shutil.rmtree(self.path("out" + workers + ".flagversions"), ignore_errors=True)
            names = [sorted(name.replace(f"out{i + 1}.", "out.") for name in out)
                     for i, out in enumerate(outs)]
            self.assertEqual(names[0], names[1])
            for i in (1, 2):
                for name, bytes_ in outs[0].items():
                    other = outs[i][name.replace("out1.", f"out{i + 1}.")]
                    self.assertTrue(bytes_ == other or "HISTORY" in name, name)

    def test_there_and_back(self):
        """A Multi-MS becomes one MS, or other parts."""
        self.make()
        self.multims("partition", "in.ms", "a.mms", "separationaxis=spw", "--no-sync")
        for verb, out, *words in [("partition", "b.ms", "createmms=False"),
                                  ("partition", "c.mms", "separationaxis=scan",
                                   "flagbackup=False"),
                                  ("split", "d.ms", "datacolumn=data", "keepmms=False"),
                                  ("mstransform", "e.mms", "datacolumn=data")]:
            with self.subTest(verb=verb, words=words):
                answer, new = self.run_and_count(verb, "a.mms", out, *words)
                self.assertGreater(answer["bytes_shared"], 20e6)
                # transforms write both weight spectra anew
                self.assertLess(new, 8e6 if verb == "partition" else 30e6)
        self.assert_same(self.path("b.ms"))
        self.assert_same(self.path("c.mms"))

    def test_other_file_system(self):
        """Nothing is shared with an input elsewhere, and nothing fails."""
        elsewhere = os.path.join(os.path.dirname(mounted.folder), "elsewhere.ms")
        shutil.rmtree(elsewhere, ignore_errors=True)
        self.addCleanup(shutil.rmtree, elsewhere)
        shutil.move(self.make(), elsewhere)
        answer = self.answer("partition", elsewhere, "out.mms", "separationaxis=scan", "--no-sync")
        self.assertNotIn("bytes_shared", answer)
        self.assert_same(self.path("out.mms"), elsewhere)

    def test_room(self):
        """What is shared takes none: the check of the disk knows."""
        self.make()
        os.mkdir(self.path("fill"))
        while (room := mounted.free()) > 26 << 20: # what Btrfs calls free is a guess
            with open(self.path(f"fill/{room}"), "wb") as f:
                os.posix_fallocate(f.fileno(), 0, max(1 << 20, (room - (24 << 20)) // 2))
        words = ["partition", "in.ms", "out.mms", "separationaxis=scan", "flagbackup=False",
                 "--no-sync"]
        refused = self.multims(*words, "--no-share", status=2)
        self.assertIn("MiB left", refused.stderr)
        self.multims(*words)
        shutil.rmtree(self.path("fill"))
        self.assert_same(self.path("out.mms"))


class Selections(SharingCase):
    def assert_selected(self, name, **ids):
        table = opened(self.path("in.ms"))
        rows = np.ones(table.nrows(), bool)
        for column, wanted in ids.items():
            rows &= np.isin(table.getcol(column), wanted)
        table.close()
        a = opened(self.path("in.ms"))
        b = opened(self.path(name))
        for column in ["DATA", "FLAG", "WEIGHT_SPECTRUM", "UVW", "WEIGHT", "TIME"]:
            if column in b.colnames():
                self.assertTrue(np.array_equal(a.getcol(column)[rows], b.getcol(column)), column)
        a.close(), b.close()

    def test_one_run_from_the_middle(self):
        """casacore takes a column of one interval of rows for a whole cube."""
        self.make()
        for tile in ["", "tileshape=[4,8,50]", "tileshape=[2,64,128]"]:
            with self.subTest(tile=tile):
                if tile:
                    self.multims("mstransform", "in.ms", "cut.ms", "datacolumn=data", tile,
                                 "usewtspectrum=True", "--no-sync", "-q")
                    shutil.rmtree(self.path("in.ms"))
                    os.rename(self.path("cut.ms"), self.path("in.ms"))
                answer = self.answer("partition", "in.ms", "out.ms", "createmms=False",
                                     "scan=2,3", "--no-sync")
                self.assertGreater(answer["bytes_shared"], 10e6)
                self.assert_selected("out.ms", SCAN_NUMBER=[2, 3])
                shutil.rmtree(self.path("out.ms"))

    def test_tile_managers(self):
        """Shapes that differ, cells of other managers."""
        self.make()
        self.multims("partition", "in.ms", "a.ms", "createmms=False", "spw=0,1", "--no-sync")
        self.multims("mstransform", "in.ms", "b.ms", "datacolumn=data", "spw=2,3",
                     "chanaverage=True", "chanbin=4", "--no-sync")
        self.assert_selected("a.ms", DATA_DESC_ID=[0, 1])
        self.multims("partition", "in.ms", "c.ms", "createmms=False", "spw=3:0~31,1:0~31",
                     "--no-sync")
        self.multims("partition", "in.ms", "d.ms", "createmms=False", "antenna=0&*", "--no-sync")
        self.assert_same(self.path("d.ms"), rows=self.rows_of_antenna(0))

    def rows_of_antenna(self, antenna):
        table = opened(self.path("in.ms"))
        rows = np.flatnonzero(table.getcol("ANTENNA1") == antenna)
        table.close()
        return rows


class Independence(SharingCase):
    def check(self, changed, others):
        """Write every column of a set, and look at the others."""
        before = {path: values(opened(path)) for path in others}
        table = opened(changed, readonly=False)
        for column in ["DATA", "FLAG", "WEIGHT_SPECTRUM", "UVW", "WEIGHT"]:
            cells = table.getcol(column)
            table.putcol(column, ~cells if cells.dtype == bool else cells + 1)
        table.close()
        for path, want in before.items():
            table = opened(path)
            for column, cells in values(table).items():
                self.assertTrue(np.array_equal(cells, want[column]), f"{path}: {column}")
            table.close()

    def test_writing_one_changes_no_other(self):
        self.make()
        self.multims("partition", "in.ms", "out.mms", "separationaxis=spw", "--no-sync")
        self.multims("split", "in.ms", "split.ms", "datacolumn=data", "--no-sync")
        parts = members(self.path("out.mms"))
        everything = [self.path("in.ms"), self.path("split.ms"), *parts]
        for path in everything:
            self.check(path, [p for p in everything if p != path])

    def test_flags_in_place(self):
        """Flags of the parts change, the input's do not, and the undo brings back what was."""
        self.make()
        self.multims("partition", "in.ms", "out.mms", "separationaxis=spw", "--no-sync")
        before = values(opened(self.path("in.ms")))
        self.multims("flagdata", "out.mms", "mode=manual", "antenna=0&1~5", "--no-sync")
        flagged = values(opened(self.path("out.mms")))
        chosen = (flagged["ANTENNA1"] == 0) & (flagged["ANTENNA2"] >= 1) & (flagged["ANTENNA2"] <= 5)
        self.assertTrue(flagged["FLAG"][chosen].all())
        self.assertFalse(flagged["FLAG"][~chosen].any())
        after = values(opened(self.path("in.ms")))
        for column, cells in before.items():
            self.assertTrue(np.array_equal(cells, after[column]), column)
        self.multims("flagmanager", "out.mms", "mode=restore", "versionname=partition_1",
                     "--no-sync")
        self.assert_same(self.path("out.mms"))

    def test_rows_are_added_and_cells_rewritten(self):
        self.make()
        self.multims("partition", "in.ms", "out.mms", "separationaxis=spw", "flagbackup=False",
                     "--no-sync")
        path = members(self.path("out.mms"))[1]
        table = opened(path, readonly=False)
        want = values(table)
        n = table.nrows()
        table.addrows(300)
        rng = np.random.default_rng(16)
        for column, cells in list(want.items()):
            more = cells[:300][::-1].copy()
            if column == "DATA":
                more = rng.random(more.shape).astype(more.dtype)
            table.putcol(column, more, startrow=n)
            want[column] = np.concatenate([cells, more])
        for row in (0, 1, 119, 120, 121, n - 1, n, n + 299):
            want["DATA"][row] = row
            table.putcell("DATA", row, want["DATA"][row])
        table.close()
        table = opened(path)
        for column, cells in want.items():
            self.assertTrue(np.array_equal(table.getcol(column), cells), column)
            for row in (0, 119, 120, 1000, n - 1, n, n + 299):
                self.assertTrue(np.array_equal(table.getcell(column, row), cells[row]), column)
        self.assertTrue(np.array_equal(table.getcol("DATA", 100, 700, 3), want["DATA"][100:2200:3]))
        self.assertTrue(np.array_equal(table.getcolslice("DATA", [3, 1], [20, 2]),
                                       want["DATA"][:, 3:21, 1:3]))
        table.close()
        self.multims("split", path, "again.ms", "datacolumn=data", "--no-sync")
        table = opened(self.path("again.ms"))
        self.assertTrue(np.array_equal(table.getcol("DATA"), want["DATA"]))
        table.close()

    def test_ways_of_casacore_to_read_tiles(self):
        self.make()
        self.multims("partition", "in.ms", "out.mms", "separationaxis=spw", "flagbackup=False",
                     "--no-sync")
        code = ("import sys, hashlib; from casacore.tables import table; "
                "t = table(sys.argv[1], ack=False); print(hashlib.sha256(b''.join("
                "t.getcol(c).tobytes() for c in ('DATA', 'FLAG', 'UVW'))).hexdigest())")
        found = set()
        for option in ["cache", "mmap", "buffer"]:
            home = self.path("home")
            os.makedirs(home, exist_ok=True)
            with open(os.path.join(home, ".casarc"), "w") as f:
                f.write(f"table.tsm.option: {option}\n")
            run = self.run_words("/usr/bin/python3", "-c", code, members(self.path("out.mms"))[1],
                                 env={**os.environ, "HOME": home})
            self.assertEqual(run.returncode, 0, run.stderr)
            found.add(run.stdout)
        self.assertEqual(len(found), 1)


class Casa(SharingCase):
    def test_casa_reads_and_writes_the_parts(self):
        if not os.path.exists(os.path.join(program_case.args.casa or "", "complete")):
            self.skipTest("no CASA")
        self.make()
        self.multims("partition", "in.ms", "out.mms", "separationaxis=spw", "flagbackup=False",
                     "--no-sync")
        script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "casa_script.py")
        run = self.run_words(os.path.join(program_case.args.oracle, "casa"), program_case.args.casa,
                             script, self.path("in.ms"), self.path("out.mms"),
                             members(self.path("out.mms"))[1], self.folder, timeout=300)
        self.assertIn("CASA agrees", run.stdout, run.stdout[-2000:] + run.stderr[-2000:])


if __name__ == "__main__":
    program_case.main()
