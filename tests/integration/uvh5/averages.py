# SPDX-License-Identifier: LGPL-2.1-or-later
"""Averages of exportuvh5: the file is that of mstransform and an export of what it wrote."""
import os
import shutil

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
                            ((*TIMES, "resume=True"), "resume: not with averages"),
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

    def test_stopped(self):
        self.simulate("in.ms", "antennas=28", "channels=64", "integrations=60")
        child = self.begin("exportuvh5", "in.ms", "out.uvh5", "datacolumn=data", *CHANNELS)
        child.terminate()
        if child.wait() == 0:
            self.skipTest("the export was done before it could be stopped")
        self.assertEqual(os.listdir(self.folder), ["in.ms"])


program_case.main(hdf5=True)
