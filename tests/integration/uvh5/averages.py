# SPDX-License-Identifier: LGPL-2.1-or-later
"""Averages of exportuvh5: the file is that of mstransform and an export of what it wrote."""
import os
import random
import shutil
import unittest

import numpy
from casacore.tables import table

import program_case
from uvh5_case import ALMA2, ALMA9, UvhCase, bytes_but_history, h5py

CHANNELS = ("chanaverage=True", "chanbin=2")
TIMES = ("timeaverage=True", "timebin=30s")


class Averages(UvhCase):
    def in_two_steps(self, vis, *words):
        self.multims("mstransform", vis, "averaged.ms", "datacolumn=data", "--no-sync", "--quiet",
                     *words)
        return self.export("averaged.ms", out="steps.uvh5")

    def check(self, vis, *words, workers=("1", "3")):
        """Headers hold texts of histories, whose length moves what stands behind them."""
        steps = self.in_two_steps(vis, *words)
        files = [self.export(vis, *words, "-j", n, out=n + ".uvh5") for n in workers]
        for once in files:
            self.assert_same(steps, once)
        return steps, files

    def test_a_plain_ms(self):
        for name in ALMA2, "D7x.ms":
            for words in CHANNELS, TIMES, (*CHANNELS, *TIMES):
                with self.subTest(name + " " + " ".join(words)):
                    self.setUp()
                    steps, _ = self.check(self.data(name), *words)
                    self.assertLess(os.path.getsize(steps),
                                    os.path.getsize(self.export(self.data(name))))

    def test_a_multi_ms(self):
        for axis in "scan", "baseline":
            self.multims("partition", self.data(ALMA9), axis + ".mms", "datacolumn=data",
                         "scan=1,4", "separationaxis=" + axis, "numsubms=4", "--no-sync", "--quiet")
            steps = self.in_two_steps(axis + ".mms", *TIMES)
            self.assert_same(steps, self.export(axis + ".mms", *TIMES, "-j", "3", out=axis))
            shutil.rmtree(self.path("averaged.ms"))
            os.remove(self.path("steps.uvh5"))

    def test_any_number_of_workers(self):
        files = []
        for workers in "1", "3":
            files.append(bytes_but_history(self.export(self.data(ALMA2), *CHANNELS, *TIMES, "-j",
                                                       workers, out="same.uvh5")))
            os.remove(self.path("same.uvh5"))
        self.assertEqual(*files)
        self.assertEqual(os.listdir(self.folder), [])

    def test_with_a_selection(self):
        words = ("spw=1:0~31", "scan=1", "timeaverage=True", "timebin=20s", "timespan=state",
                 "chanaverage=True", "chanbin=8")
        steps, _ = self.check(self.data(ALMA2), *words, workers=("2",))
        with h5py.File(steps, "r") as f:
            self.assertEqual(f["Header/Nfreqs"][()], 4)

    def test_the_column_that_was_asked_for(self):
        self.simulate()
        self.multims("exportuvh5", "in.ms", "out.uvh5", *CHANNELS, "--quiet", "--no-sync")
        with h5py.File(self.path("out.uvh5"), "r") as f:
            self.assertEqual(f["Header/vis_units"][()], b"Jy")
            self.assertEqual(f["Header/extra_keywords/DATA_COL"][()], b"CORRECTED_DATA")
            averaged = f["Data/visdata"][()]
        self.multims("exportuvh5", "in.ms", "whole.uvh5", "--quiet", "--no-sync")
        with h5py.File(self.path("whole.uvh5"), "r") as f:
            self.assertEqual(f["Header/freq_array"].shape[0], 2 * averaged.shape[1])

    def test_compression_and_parts(self):
        self.simulate()
        self.multims("partition", "in.ms", "in.mms", "separationaxis=scan", "--no-sync", "--quiet")
        plain = self.export("in.mms", *TIMES, out="plain.uvh5")
        self.assert_same(plain, self.export("in.mms", *TIMES, "compression=gzip", out="gzip.uvh5"))
        self.export("in.mms", *TIMES, "perpart=True", out="part.uvh5")
        rows = [h5py.File(self.path(f"part.000{i}.uvh5"), "r")["Header/Nblts"][()] for i in (0, 1)]
        with h5py.File(plain, "r") as f:
            self.assertEqual(f["Header/Nblts"][()], sum(rows))

    def test_dryrun_and_overwrite(self):
        self.simulate()
        plan = self.answer("exportuvh5", "in.ms", "out.uvh5", "datacolumn=data", *TIMES, "--dryrun")
        self.assertEqual(os.listdir(self.folder), ["in.ms"])
        first = self.export("in.ms", *TIMES)
        done = self.answer("exportuvh5", "in.ms", "out.uvh5", "datacolumn=data", *TIMES,
                           "overwrite=True")
        for name in "rows", "rows_averaged":
            self.assertEqual(plan[name], done[name])
        self.assertEqual(sorted(os.listdir(self.folder)), ["in.ms", "out.uvh5"])
        with h5py.File(first, "r") as f:
            self.assertEqual(f["Header/Nblts"][()], done["rows_out"])
        self.multims("exportuvh5", "in.ms", "out.uvh5", "datacolumn=data", *TIMES, "overwrite=True",
                     "--dryrun")

    def test_refusals(self):
        self.simulate()
        for words, text in ((("chanaverage=True",), "chanbin must be > 1"),
                            (("timeaverage=True",), "timebin must be > '0s'"),
                            ((*TIMES, "datacolumn=model"), "MODEL_DATA")):
            run = self.multims("exportuvh5", "in.ms", "out.uvh5", "datacolumn=data", *words,
                               status=2)
            self.assertIn(text, run.stderr)
        self.multims("exportuvh5", "in.ms", "out.uvh5", *TIMES, "scan=99", status=3)
        with table(self.path("in.ms"), readonly=False, ack=False) as t:  # not of an average
            t.putcell("ARRAY_ID", 1, 1)
        run = self.multims("exportuvh5", "in.ms", "out.uvh5", *TIMES, status=2)
        self.assertIn("rows of arrays 0, 1 are selected", run.stderr)
        self.assertEqual(os.listdir(self.folder), ["in.ms"])

    def test_damaged_sets(self):
        """In words, of the input where it is found in the plan, and nothing is left."""
        for column, value, status, texts in (
                ("DATA", numpy.zeros((3, 4), "c8"), 1, ["DATA has 12 values where FLAG asks for 32"] * 2),
                ("FLAG", numpy.zeros((3, 4), bool), 1, ["a row has 3 x 4 channels and correlations",
                                                        "DATA has 32 values where FLAG asks for 12"]),
                ("WEIGHT", numpy.ones(2, "f4"), 1, ["WEIGHT has 2 values where FLAG asks for 4"] * 2),
                ("ANTENNA1", 99, 2, ["in.ms: row 7: no antenna 99"] * 2),
                ("DATA_DESC_ID", 9, 2, ["in.ms: row 7: DATA_DESC_ID 9"] * 2)):
            self.simulate("in.ms", "layout=cell", "spws=1", "corrected=False")
            with table(self.path("in.ms"), readonly=False, ack=False) as t:
                t.putcell(column, 7, value)
            for words, text in zip((TIMES, CHANNELS), texts):
                run = self.multims("exportuvh5", "in.ms", "out.uvh5", "datacolumn=data", "-j", "2",
                                   *words, status=status)
                self.assertIn(text, run.stderr)
                self.assertEqual(os.listdir(self.folder), ["in.ms"])
            shutil.rmtree(self.path("in.ms"))

    def test_gone_on_with(self):
        """A run that was killed is gone on with: what is done stays, the file is the same."""
        self.simulate("in.ms", "antennas=10", "channels=64", "integrations=60")
        for packed in (), ("compression=gzip",):
            self.kill_and_go_on(7, *CHANNELS, *TIMES, *packed)

    def test_names_of_any_bytes(self):
        self.simulate()
        name = self.path("caf\udce9.uvh5")
        self.multims("exportuvh5", "in.ms", os.fsencode(name), "datacolumn=data", "--no-sync",
                     "--quiet", *TIMES)
        self.assert_same(self.export("in.ms", *TIMES), os.fsencode(name))

    def test_rows_in_any_order(self):
        """Units share rows whose times fall, bins that overlap, and data descriptions of one window."""
        for corr, seed in ("RR,LL", 3), ("XX;YY", 4):
            self.simulate("in.ms", "antennas=9", "channels=32,64", "integrations=8", "flags=0.5",
                          "correlations=" + corr, f"seed={seed}", "noise=2", "corrected=False")
            rows = list(range(table(self.path("in.ms"), ack=False).nrows()))
            random.Random(seed).shuffle(rows)
            with table(self.path("in.ms"), ack=False) as t:
                t.selectrows(rows[:-20]).copy(self.path("mixed.ms"), deep=True, valuecopy=True).close()
            steps = self.in_two_steps("mixed.ms", *TIMES, "timespan=scan")
            for n in "1", "7":
                self.assert_same(steps, self.export("mixed.ms", *TIMES, "timespan=scan", "-j", n,
                                                    out=n + ".uvh5"))
            for name in os.listdir(self.folder):
                (os.remove if name.endswith(".uvh5") else shutil.rmtree)(self.path(name))

    @unittest.skipUnless(os.environ.get("MULTIMS_MPIEXEC"), "no mpiexec")
    def test_under_mpi(self):
        self.simulate("in.ms", "antennas=9", "channels=32", "integrations=8")
        whole = bytes_but_history(self.export("in.ms", *TIMES, out="same.uvh5"))
        os.remove(self.path("same.uvh5"))
        run = self.run_words(os.environ["MULTIMS_MPIEXEC"], "-n", 3, program_case.args.program,
                             "exportuvh5", "in.ms", "same.uvh5", "datacolumn=data", "--no-sync",
                             "--quiet", *TIMES)
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertEqual(bytes_but_history(self.path("same.uvh5")), whole)

    def test_stopped(self):
        self.simulate("in.ms", "antennas=28", "channels=64", "integrations=60")
        child = self.begin("exportuvh5", "in.ms", "out.uvh5", "datacolumn=data", *CHANNELS)
        child.terminate()
        if child.wait() == 0:
            self.skipTest("the export was done before it could be stopped")
        self.assertEqual(os.listdir(self.folder), ["in.ms"])

    def test_stopped_before_there_are_values(self):
        """Nobody is told to go on with what goes."""
        self.simulate("in.ms", "scans=8", "channels=64", "integrations=60")
        self.multims("partition", "in.ms", "in.mms", "separationaxis=scan", "numsubms=8",
                     "flagbackup=False", "--no-sync", "--quiet")
        self.stop_within("out.uvh5.averaged.ms", "exportuvh5", "in.mms", "out.uvh5", "-j", "1",
                         "datacolumn=data", *TIMES)
        self.assertEqual(sorted(os.listdir(self.folder)), ["in.mms", "in.ms"])


program_case.main(hdf5=True)
