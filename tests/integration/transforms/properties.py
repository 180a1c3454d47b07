#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What must hold whatever the data: a Multi-MS gives what its MS gives, workers do not show, and
steps that compose or do nothing."""
import os
import shutil

import numpy as np
from casacore.tables import table

import program_case
from machine import mpirun
from program_case import ProgramCase

program_case.parser.add_argument("--data", required=True)
AXES = ["scan", "spw", "balanced", "baseline"]
REAL = {"tNDPPP-generic.MS": "corrected", "mssel_test_small.ms": "data"}
KEYS = ["TIME", "ANTENNA1", "ANTENNA2", "DATA_DESC_ID", "SCAN_NUMBER", "STATE_ID", "FIELD_ID"]


def columns(path, *names):
    """Columns of the main table, rows ordered by their keys."""
    with table(path, ack=False) as main:
        order = np.lexsort([main.getcol(k) for k in reversed(KEYS)])
        return [main.getcol(name)[order] for name in names]


def rewrite(path, change):
    """Replaces each defined column by change(name, values)."""
    with table(path, readonly=False, ack=False) as main:
        for name in main.colnames():
            if main.iscelldefined(name, 0):
                main.putcol(name, change(name, main.getcol(name)))


def shuffle(path):
    """Leaves the rows in an order that is not that of TIME."""
    with table(path, ack=False) as main:
        order = np.random.default_rng(3).permutation(main.nrows())
    rewrite(path, lambda name, x: x[order])
    with table(path, ack=False) as main:
        assert (np.diff(main.getcol("TIME")) < 0).any()


def parts(path):
    return sorted(os.path.join(path, "SUBMSS", p) for p in os.listdir(os.path.join(path, "SUBMSS")))


class TransformCase(ProgramCase):
    def noisy(self, name="in.ms", *words):
        return self.simulate(name, "scans=3", "fields=2", "integrations=4", "spws=3", "noise=1",
                             "flags=0.2", "wtspectrum=True", *words)

    def partition(self, source, name, axis):
        self.multims("partition", source, name, f"separationaxis={axis}", "numsubms=3",
                     "flagbackup=False", "--no-sync", "--quiet")
        return name

    def transform(self, words, source, name, *more, **options):
        """Runs a verb with its parameters and answers the output's name."""
        verb, *words = words.split()
        run = self.multims(verb, source, name, *words, *more, "--no-sync", "--quiet", **options)
        self.warnings = run.stderr
        return name

    def equal(self, one, other, *how):
        self.multims("diff", one, other, *how, "--quiet")

    def rows(self, path):
        return table(self.path(path), ack=False).nrows()


class MultiMs(TransformCase):
    """The Multi-MS of each axis gives the rows of the MS, in any order."""
    REQUESTS = ["split datacolumn=data width=2",
                "split datacolumn=corrected timebin=20s",
                "split datacolumn=data width=4 timebin=20s spw=0,2",
                "hanningsmooth datacolumn=data",
                "hanningsmooth datacolumn=all smooth_spw=1",
                "mstransform datacolumn=all chanaverage=True chanbin=2 hanning=True",
                "mstransform datacolumn=data timeaverage=True timebin=200s timespan=scan,field",
                "mstransform datacolumn=data keepflags=False usewtspectrum=True scan=1,3"]

    def compare(self, source, requests, axes, *how):
        for i, words in enumerate(requests):
            plain = self.transform(words, source, f"plain{i}.ms")
            for axis in axes:
                with self.subTest(words=words, axis=axis):
                    out = self.transform(words, f"{axis}.mms", f"{axis}{i}.mms")
                    self.assertTrue(os.path.isdir(self.path(f"{out}/SUBMSS")))
                    self.equal(plain, out, "--ignore-order", *how)
                    self.multims("verify", out, "--quiet")

    def test_simulated(self):
        self.noisy()
        for axis in AXES:
            self.partition("in.ms", f"{axis}.mms", axis)
        self.compare("in.ms", self.REQUESTS, AXES)

    def test_real(self):
        for name, column in REAL.items():
            with self.subTest(set=name):
                source = os.path.join(program_case.args.data, name)
                axes = ["baseline", "balanced"]
                for axis in axes:
                    shutil.rmtree(self.path(f"{axis}.mms"), ignore_errors=True)
                    self.partition(source, f"{axis}.mms", axis)
                self.compare(source, [f"split datacolumn={column} timebin=25s",
                                      f"hanningsmooth datacolumn={column}"], axes)
                for leftover in os.listdir(self.folder):
                    shutil.rmtree(self.path(leftover))

    def test_to_one_ms(self):
        self.noisy()
        self.partition("in.ms", "in.mms", "spw")
        for words in ("split datacolumn=data width=2 timebin=20s", "hanningsmooth"):
            with self.subTest(words=words):
                verb = words.split()[0]
                self.transform(words, "in.ms", f"{verb}.plain")
                self.transform(words, "in.mms", f"{verb}.ms", "keepmms=False")
                self.assertFalse(os.path.isdir(self.path(f"{verb}.ms/SUBMSS")))
                self.equal(f"{verb}.plain", f"{verb}.ms", "--ignore-order")

    def test_made_from_an_ms(self):
        self.noisy()
        words = "mstransform datacolumn=all chanaverage=True chanbin=2 hanning=True"
        self.transform(words, "in.ms", "out.ms")
        for axis in AXES:
            with self.subTest(axis=axis):
                self.transform(words, "in.ms", f"{axis}.mms", "createmms=True",
                               f"separationaxis={axis}", "numsubms=3")
                self.equal("out.ms", f"{axis}.mms", "--ignore-order")


class Workers(TransformCase):
    REQUESTS = ["split datacolumn=data width=2 timebin=20s",
                "mstransform datacolumn=all hanning=True timeaverage=True timebin=200s "
                "timespan=scan,field",
                "hanningsmooth datacolumn=data"]

    def test_their_number_does_not_show(self):
        self.noisy()
        self.partition("in.ms", "in.mms", "scan")
        for source in "in.ms", "in.mms":
            for i, words in enumerate(self.REQUESTS):
                one = self.transform(words, source, f"{source}.{i}.1", "-j1")
                for n in 2, 3, 5:
                    with self.subTest(words=words, source=source, workers=n):
                        self.transform(words, source, f"{source}.{i}.{n}", f"-j{n}")
                        self.equal(one, f"{source}.{i}.{n}", "--parts")
                with self.subTest(words=words, source=source, ranks=2):
                    self.under_mpi(words, source, f"{source}.{i}.mpi")
                    self.equal(one, f"{source}.{i}.mpi", "--parts")

    def under_mpi(self, words, source, name):
        verb, *words = words.split()
        run = self.run_words(*mpirun(2), program_case.args.program, verb, source, name, *words,
                             "--no-sync")
        self.assertEqual(run.returncode, 0, run.stderr)

    def test_disableparallel(self):
        self.noisy()
        self.partition("in.ms", "in.mms", "spw")
        words = "mstransform datacolumn=data chanaverage=True chanbin=2"
        self.transform(words, "in.mms", "one.mms", "disableparallel=True")
        self.transform(words, "in.mms", "many.mms", "-j3")
        self.equal("one.mms", "many.mms", "--parts")


class Failures(TransformCase):
    """Case 70: one part can't be read; the run fails and nothing is there, on any engine."""

    def break_part(self):
        self.simulate("in.ms", "scans=3", "integrations=4")
        self.partition("in.ms", "in.mms", "scan")
        broken = parts(self.path("in.mms"))[1]
        tiles = [os.path.join(broken, f) for f in os.listdir(broken) if "_TSM" in f]
        for tile in tiles:
            os.truncate(tile, 100)
        return sorted(os.listdir(self.folder))

    def test_70_a_part_that_fails(self):
        there = self.break_part()
        for engine in ([], mpirun(2), mpirun(3)):
            for words in ("split datacolumn=data width=2 timebin=20s", "hanningsmooth",
                          "mstransform datacolumn=all hanning=True"):
                with self.subTest(engine=engine[-1:], words=words):
                    verb, *words = words.split()
                    jobs = [] if engine else ["-j2"]
                    run = self.run_words(*engine, program_case.args.program, verb, "in.mms",
                                         "out.mms", *words, *jobs, "--no-sync", "--quiet")
                    self.assertEqual(run.returncode, 1, run.stderr)
                    self.assertRegex(run.stderr, rf"(?m)^multims {verb}: sub-MS out\.0001\.ms: ")
                    self.assertEqual(sorted(os.listdir(self.folder)), there)


class Steps(TransformCase):
    """Steps that do nothing, and steps that compose."""

    def test_keepflags_is_a_condition_on_rows(self):
        """Rows whose FLAG_ROW is set and rows all of whose FLAG is; what TaQL says is the judge."""
        self.simulate("in.ms", "scans=3", "integrations=4", "flags=0.4", "channels=8,2", "noise=1")
        with table(self.path("in.ms"), readonly=False, ack=False) as main:
            for row in range(0, main.nrows(), 5):  # all of FLAG, but not FLAG_ROW
                main.putcell("FLAG", row, np.ones_like(main.getcell("FLAG", row)))
                main.putcell("FLAG_ROW", row, False)
            for row in range(1, main.nrows(), 7):  # FLAG_ROW alone
                main.putcell("FLAG", row, np.zeros_like(main.getcell("FLAG", row)))
                main.putcell("FLAG_ROW", row, True)
            left = main.query("!(FLAG_ROW || all(FLAG))").nrows()
            self.assertTrue(0 < left < main.nrows() / 1.5)
        self.partition("in.ms", "in.mms", "scan")
        for words in "mstransform datacolumn=data hanning=True", "split datacolumn=data scan=2,3":
            judge = self.transform(f"{words}", "in.ms", "judge.ms", "taql=!(FLAG_ROW || all(FLAG))") \
                if words.startswith("mstransform") else None
            for source in "in.ms", "in.mms":
                for more in [], ["tiles=False"], ["-j3"]:
                    out = self.transform(words, source, "out", "keepflags=False", *more)
                    if judge:
                        self.assertEqual(self.rows(out), left)
                        self.equal(judge, out, "--ignore-order")
                    elif "hanning" not in words:
                        with table(self.path(out), ack=False) as main:
                            self.assertEqual(main.query("FLAG_ROW || all(FLAG)").nrows(), 0)
                    shutil.rmtree(self.path(out))
            if judge:
                shutil.rmtree(self.path(judge))

    def test_width_of_one(self):
        self.noisy()
        for column in "data", "corrected", "all":
            with self.subTest(column=column):
                self.transform(f"split datacolumn={column}", "in.ms", f"{column}.ms")
                self.transform(f"split datacolumn={column} width=1", "in.ms", f"{column}1.ms")
                self.equal(f"{column}.ms", f"{column}1.ms")

    def test_timebin_below_the_interval(self):
        for name, column in (("noisy.ms", "data"), ("tNDPPP-generic.MS", "corrected")):
            source = self.noisy(name) if name == "noisy.ms" else os.path.join(
                program_case.args.data, name)
            with self.subTest(set=name):
                self.transform(f"split datacolumn={column}", source, f"{name}.plain")
                self.transform(f"split datacolumn={column} timebin=1s", source, f"{name}.bins")
                self.compare_kept(self.path(f"{name}.plain"), self.path(f"{name}.bins"))

    def compare_kept(self, plain, bins):
        names = ["FLAG", "INTERVAL", "EXPOSURE", *KEYS]
        for name, want, got in zip(names, columns(plain, *names), columns(bins, *names)):
            np.testing.assert_array_equal(got, want, name)
        names = ["DATA", "UVW", "TIME_CENTROID", "WEIGHT"]
        *wanted, weight = columns(plain, *names)
        good = (np.isfinite(weight) & (weight > 0)).all(axis=1)
        self.assertTrue(good.any())
        for name, want, got in zip(names, wanted, columns(bins, *names[:-1])):
            scale = np.maximum(1, np.abs(want[good]))
            if name == "TIME_CENTROID":
                scale = 1
            self.assertLessEqual((np.abs(got[good] - want[good]) / scale).max(), 1e-6, name)

    def test_two_and_two_are_four(self):
        for spectrum in "False", "True":
            with self.subTest(wtspectrum=spectrum):
                name = f"in{spectrum}.ms"
                self.simulate(name, "noise=1", f"wtspectrum={spectrum}")
                self.transform("split datacolumn=data width=4", name, f"{name}.4")
                self.transform("split datacolumn=data width=2", name, f"{name}.2")
                self.transform("split datacolumn=data width=2", f"{name}.2", f"{name}.22")
                for column, want, got in zip(
                        ["DATA", "WEIGHT"], columns(self.path(f"{name}.4"), "DATA", "WEIGHT"),
                        columns(self.path(f"{name}.22"), "DATA", "WEIGHT")):
                    np.testing.assert_allclose(got, want, rtol=1e-6, atol=1e-6, err_msg=column)

    def test_average_of_both_kinds_in_one_run_or_two(self):
        """parallel-tasks 6.3, case 89; without flags, as a flagged sample ends in either sum."""
        self.simulate("in.ms", "noise=1", "integrations=6", "wtspectrum=True")
        self.transform("split datacolumn=data width=4", "in.ms", "c.ms")
        self.transform("split datacolumn=data timebin=30s", "c.ms", "ct.ms")
        self.transform("split datacolumn=data width=4 timebin=30s", "in.ms", "both.ms")
        for limit, name in ((1e-4, "DATA"), (1e-5, "WEIGHT")):
            (one,), (two,) = columns(self.path("both.ms"), name), columns(self.path("ct.ms"), name)
            np.testing.assert_allclose(two, one, rtol=limit, atol=limit, err_msg=name)


class Bins(TransformCase):
    """Which rows make a bin depends on neither parts nor the order of rows."""

    def one_scan(self, path):
        rewrite(path, lambda name, x: np.ones_like(x) if name == "SCAN_NUMBER" else x)

    def test_a_scan_cut_over_two_parts(self):
        self.simulate("in.ms", "noise=1", "integrations=5", "flags=0.2")
        self.partition("in.ms", "in.mms", "scan")
        for path in (self.path("in.ms"), *parts(self.path("in.mms"))):
            self.one_scan(path)
        shuffle(parts(self.path("in.mms"))[0])
        for words in ("mstransform datacolumn=data timeaverage=True timebin=2h",
                      "split datacolumn=data timebin=2h keepmms=False"):
            with self.subTest(words=words):
                verb = words.split()[0]
                self.transform(words, "in.ms", f"{verb}.plain")
                self.assertEqual(self.rows(f"{verb}.plain") * 10, self.rows("in.ms"))
                self.transform(words, "in.mms", f"{verb}.out")
                self.equal(f"{verb}.plain", f"{verb}.out", "--ignore-order")

    def test_split_does_not_end_bins_at_parts(self):
        """It refuses what its parts can't do, and says why."""
        self.simulate("in.ms", "integrations=5")
        self.partition("in.ms", "in.mms", "scan")
        for path in parts(self.path("in.mms")):
            self.one_scan(path)
        run = self.multims("split", "in.mms", "out.mms", "datacolumn=data", "timebin=2h", status=2)
        self.assertIn("the subMSs cut scan 1 in time", run.stderr)
        self.assertIn("Please set keepmms to False or use task mstransform", run.stderr)
        self.assertFalse(os.path.exists(self.path("out.mms")))

    def test_rows_in_any_order(self):
        self.noisy("in.ms", "pointing=True")
        shutil.copytree(self.path("in.ms"), self.path("shuffled.ms"))
        shuffle(self.path("shuffled.ms"))
        for words in ("split datacolumn=data timebin=20s width=2",
                      "mstransform datacolumn=all timeaverage=True timebin=300s timespan=scan,field",
                      "split datacolumn=corrected timebin=20s spw=1 combine=scan"):
            with self.subTest(words=words):
                verb = f"{len(words)}"
                self.transform(words, "in.ms", f"{verb}.sorted")
                self.transform(words, "shuffled.ms", f"{verb}.out")
                self.equal(f"{verb}.sorted", f"{verb}.out", "--ignore-order")


if __name__ == "__main__":
    program_case.main()
