#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The real sets, transformed by the program and by formulas.py: equal to transform-numerics 9."""
import os
import tempfile

import numpy as np
from casacore.tables import table

import formulas
import program_case
from program_case import ProgramCase

program_case.parser.add_argument("--data", required=True)
COLUMNS = {"data": ["DATA"], "corrected": ["CORRECTED_DATA"], "all": ["DATA", "CORRECTED_DATA"]}
TIMES = {"TIME": 1e-5, "TIME_CENTROID": 1e-5, "INTERVAL": 1e-5, "EXPOSURE": 1e-5}
WEIGHTS = ["WEIGHT", "SIGMA", "WEIGHT_SPECTRUM", "SIGMA_SPECTRUM"]
ALMA9, ALMA2, LOFAR = "hd142_b9cont_self_tav.ms", "mssel_test_small.ms", "tNDPPP-generic.MS"


def order_of(rows):
    """Rows by time to the ms, baseline and ids."""
    keys = ["STATE_ID", "FIELD_ID", "SCAN_NUMBER", "ANTENNA2", "ANTENNA1"]
    return np.lexsort([rows[k] for k in keys] + [np.round(rows["TIME"] * 1000)])


class Recompute(ProgramCase):
    def compare(self, wanted, got, label):
        self.assertEqual(len(wanted["TIME"]), len(got["TIME"]), f"{label}: rows")
        one, other = order_of(wanted), order_of(got)
        for name, want in wanted.items():
            absent = name.endswith("_SPECTRUM") and "WEIGHT_SPECTRUM" not in got
            if name == "DATA_DESC_ID" or absent:
                continue
            self.compare_column(name, want[one], got[name][other], f"{label}: {name}")

    def compare_column(self, name, want, got, label):
        if name in WEIGHTS:
            np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-7, err_msg=label)
        elif name in TIMES:
            np.testing.assert_allclose(got, want, rtol=0, atol=TIMES[name], err_msg=label)
        elif name == "UVW":
            np.testing.assert_allclose(got, want, rtol=1e-9, atol=1e-6, err_msg=label)
        elif name.endswith("DATA"):
            np.testing.assert_array_equal(np.isnan(got), np.isnan(want), label)
            error = np.abs(got - want) / np.maximum(1, np.abs(want))
            self.assertLessEqual(np.nanmax(error), 1e-6, label)
        else:
            np.testing.assert_array_equal(got, want, label)

    def check(self, name, ddids, column, words, **wanted):
        """Runs the program once; ddids are pairs: of the input, of the output."""
        source = os.path.join(program_case.args.data, name)
        out = os.path.join(tempfile.mkdtemp(dir=self.folder), "out.ms")
        verb, *words = words.split()
        with self.subTest(f"{verb} {name}", words=words, column=column):
            self.multims(verb, source, out, f"datacolumn={column}", "--no-sync", "--quiet", *words)
            columns = [c for c in COLUMNS[column] if c in table(source, ack=False).colnames()]
            for old, new in ddids:
                want = formulas.transform(source, old, columns, **wanted)
                self.check_bins(source, old, **wanted)
                got = formulas.read(out, new, columns if len(columns) > 1 else ["DATA"])
                self.assertEqual("WEIGHT_SPECTRUM" in got,
                                 "WEIGHT_SPECTRUM" in formulas.read(source, old, []))
                self.compare(want, got, f"DATA_DESC_ID {old}")

    def check_bins(self, source, ddid, timebin=0, timespan=(), maxuvw=0, **_):
        """The request must make bins, and its limit must end some."""
        rows = formulas.read(source, ddid, [])
        bins = [len(formulas.time_bins(rows, timebin, timespan, limit)[0])
                for limit in ((0, maxuvw) if maxuvw else (0,))]
        counts = [*bins, len(rows["TIME"])]
        if timebin:
            self.assertEqual(sorted(set(counts)), counts)

    def test_alma_one_channel(self):
        for words, wanted in {
                "split timebin=20s": dict(timebin=20),
                "split timebin=300s combine=scan": dict(timebin=300, timespan=["scan"]),
                "hanningsmooth": dict(hanning=True)}.items():
            self.check(ALMA9, [(0, 0), (1, 1), (2, 2)], "data", words, **wanted)

    def test_alma_spectra(self):
        """Cells of WEIGHT_SPECTRUM are undefined; rows are not sorted by time; 60 s bins of ALMA
        cross states."""
        average = "mstransform timeaverage=True "
        for words, wanted in {
                "split": {},
                "hanningsmooth": dict(hanning=True),
                "split timebin=10s": dict(timebin=10),
                "split timebin=60s combine=scan": dict(timebin=60, timespan=["scan"]),
                average + "timebin=100s timespan=scan,state,field":
                    dict(timebin=100, timespan=["scan", "state", "field"]),
                average + "timebin=30s maxuvwdistance=1": dict(timebin=30, maxuvw=1)}.items():
            self.check(ALMA2, [(1, 1), (2, 2)], "data", words, **wanted)
        for words, wanted in {
                "split width=4": dict(chanbin=4),
                "split width=5 timebin=20s": dict(chanbin=5, timebin=20)}.items():
            self.check(ALMA2, [(1, 0)], "data", words + " spw=1", **wanted)

    def test_lofar_columns_and_steps(self):
        for words, wanted in {
                "": {},
                "chanaverage=True chanbin=3": dict(chanbin=3),
                "hanning=True": dict(hanning=True),
                "chanaverage=True chanbin=2 hanning=True": dict(chanbin=2, hanning=True),
                "timeaverage=True timebin=25s": dict(timebin=25),
                "timeaverage=True timebin=60s chanaverage=True chanbin=4":
                    dict(timebin=60, chanbin=4),
                "timeaverage=True timebin=60s hanning=True": dict(timebin=60, hanning=True),
                "timeaverage=True timebin=60s maxuvwdistance=2":
                    dict(timebin=60, maxuvw=2)}.items():
            for column in "data", "corrected", "all":
                self.check(LOFAR, [(0, 0)], column, "mstransform " + words, **wanted)

    def test_simulated_spectra(self):
        """Weights of each cell that differ, some zero, and a third of the cells flagged."""
        steps = {
            "chanaverage=True chanbin=3": dict(chanbin=3),
            "timeaverage=True timebin=30s": dict(timebin=30),
            "timeaverage=True timebin=100s timespan=scan chanaverage=True chanbin=4 hanning=True":
                dict(timebin=100, timespan=["scan"], chanbin=4, hanning=True),
            "timeaverage=True timebin=30s chanaverage=True chanbin=2":
                dict(timebin=30, chanbin=2),
            "chanaverage=True chanbin=2 hanning=True": dict(chanbin=2, hanning=True)}
        for name, spectra in (("all", []), ("data corrected", ["wtspectrum=True"]),
                              ("data all", ["wtspectrum=True", "sigmaspectrum=True"])):
            source = self.path(name)
            self.multims("simulate", source, "antennas=4", "channels=26", "integrations=7",
                         "corrected=True", "noise=1", "flags=0.35", "--no-sync", "--quiet",
                         *spectra)
            self.vary_weights(source)
            for words, wanted in steps.items():
                for column in name.split():
                    self.check(source, [(0, 0)], column, "mstransform " + words, **wanted)

    def vary_weights(self, path):
        random = np.random.default_rng(5)
        with table(path, readonly=False, ack=False) as main:
            for column in set(WEIGHTS) & set(main.colnames()):
                values = random.uniform(0.5, 2, main.getcol(column).shape).astype(np.float32)
                values[random.uniform(size=values.shape) < 0.1] = 0
                main.putcol(column, values)


program_case.main()
