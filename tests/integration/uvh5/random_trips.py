# SPDX-License-Identifier: LGPL-2.1-or-later
"""Random small sets, ragged in every way: exports by any number of workers, of the MS and of Multi-MSs, back to
an MS and out again.  With --judge, under a Python that has pyuvdata, its checks as well."""
import contextlib
import importlib.util
import io
import os
import random
import shutil
import sys

import numpy
from casacore.tables import table

import program_case
from uvh5_case import UvhCase, bytes_but_history, contents, h5py

program_case.parser.add_argument("--trips", type=int, default=6)
program_case.parser.add_argument("--seed", type=int, default=1)
program_case.parser.add_argument("--judge")
AXES = "scan spw baseline both".split()
KEYS = ("Header/time_array", "Header/ant_1_array", "Header/ant_2_array",
        "Header/phase_center_id_array")
OF_ROWS = ("visdata", "flags", "nsamples")


def ordered(file):
    """Contents with baseline-times in an order that does not depend on that of rows."""
    found = contents(file)
    order = numpy.lexsort([found[k] for k in reversed(KEYS)])
    n = len(order)
    for name, value in found.items():
        if getattr(value, "shape", ()) and value.shape[0] == n and (
                name in KEYS or name.startswith("Data/") or name in (
                    "Header/uvw_array", "Header/integration_time", "multims/scan_number")):
            found[name] = value[order]
    return found


class Trips(UvhCase):
    def make(self, dice):
        windows = dice.randint(1, 4)
        corr = dice.choice(["1", "2", "4", "RR,LL", "XX,YY", "XX;YY", "RR;LL,RL", "I", "XX,XY,YX,YY",
                            "LL", "RR,RL,LR,LL"])
        scans = dice.randint(1, 4)
        missing = [f"{s + 1}:{w}" for s in range(scans) for w in range(windows)
                   if windows > 1 and dice.random() < 0.2 and w != s % windows]
        words = [f"antennas={dice.randint(2, 6)}", f"scans={scans}", f"spws={windows}",
                 f"fields={dice.randint(1, min(3, scans))}", f"correlations={corr}",
                 "channels=" + ",".join(str(dice.choice([1, 2, 3, 5, 8])) for _ in range(windows)),
                 f"integrations={dice.randint(1, 4)}", f"flags={dice.choice([0, 0.3, 0.9])}",
                 "noise=3", f"seed={dice.randint(0, 99)}", f"order={dice.choice(['time', 'spw'])}",
                 f"autocorrelations={dice.random() < 0.4}", f"wtspectrum={dice.random() < 0.5}",
                 f"telescope={dice.choice(['vla', 'alma'])}",
                 f"layout={dice.choice(['casa', 'casa', 'standard', 'cell'])}", "corrected=False"]
        if missing:
            words.append("missing=" + ",".join(missing))
        self.multims("simulate", "in.ms", "--no-sync", "--quiet", *words)
        with table(self.path("in.ms"), ack=False) as t:
            chance = dice.choice([0, 0.1, 0.4])
            kept = [r for r in range(t.nrows()) if dice.random() >= chance] or [0]
            t.selectrows(kept).copy(self.path("ragged.ms"), deep=True, valuecopy=True).close()
        shutil.rmtree(self.path("in.ms"))
        os.rename(self.path("ragged.ms"), self.path("in.ms"))
        with table(self.path("in.ms"), readonly=False, ack=False) as t:
            self.roughen(t, dice)
        return words

    def roughen(self, t, dice):
        """Rows come twice, or are flagged; values are none, or all 0."""
        for row in range(t.nrows()):
            what = dice.random()
            if what < 0.05:
                t.putcell("FLAG_ROW", row, True)
            elif what < 0.1:
                data = t.getcell("DATA", row)
                data.flat[dice.randrange(data.size)] = dice.choice(
                    [numpy.nan, numpy.inf, -0.0, 1e-42, complex(3, numpy.nan)])
                if t.getcell("ANTENNA1", row) != t.getcell("ANTENNA2", row):
                    t.putcell("DATA", row, data)
            elif what < 0.15 and t.getcell("ANTENNA1", row) != t.getcell("ANTENNA2", row):
                t.putcell("DATA", row, 0 * numpy.ones_like(t.getcell("DATA", row)))
        if dice.random() < 0.2:
            t.copyrows(t, startrowin=0, startrowout=t.nrows(), nrow=min(3, t.nrows()))

    def judged(self, file):
        judge = self.judge_module()
        if not judge:
            return
        out = io.StringIO()
        argv, sys.argv = sys.argv, ["judge", self.path(file), "--against", self.path("in.ms")]
        try:
            with contextlib.redirect_stdout(out):
                status = judge.main()
        finally:
            sys.argv = argv
        self.assertEqual(status, 0, out.getvalue())

    def judge_module(self):
        path = program_case.args.judge
        if path and not hasattr(program_case, "judge"):
            spec = importlib.util.spec_from_file_location("judge", path)
            program_case.judge = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(program_case.judge)
        return program_case.judge if path else None

    def workers(self, vis):
        files = []
        for n in "1", "2", "3":
            files.append(bytes_but_history(self.export(vis, "-j", n, out="same.uvh5")))
            os.rename(self.path("same.uvh5"), self.path("out.uvh5"))
        self.assertEqual(files[0], files[1])
        self.assertEqual(files[0], files[2])

    def ranks(self, vis):
        """The same under MPI."""
        if not os.environ.get("MULTIMS_MPIEXEC"):
            return
        mpi = (os.environ["MULTIMS_MPIEXEC"], "-n", 3, program_case.args.program)
        run = self.run_words(*mpi, "exportuvh5", vis, "same.uvh5", "datacolumn=data", "--no-sync",
                             "--quiet")
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertEqual(bytes_but_history(self.path("same.uvh5")),
                         bytes_but_history(self.path("out.uvh5")))
        run = self.run_words(*mpi, "importuvh5", "same.uvh5", "ranks.ms", "--no-sync", "--quiet")
        self.assertEqual(run.returncode, 0, run.stderr)
        self.multims("importuvh5", "same.uvh5", "alone.ms", "--no-sync", "--quiet", "-j", "1")
        self.multims("diff", "ranks.ms", "alone.ms")

    def negated(self, file):
        """Whether the export turned uvw round."""
        with h5py.File(self.path(file), "r") as f, table(self.path("in.ms"), ack=False) as t:
            ms, uvh5 = t.getcol("UVW"), f["Header/uvw_array"][()]
        return str(not any((ms == row).all(axis=1).any() for row in uvh5 if row.any()))

    def same_rows(self):
        """Rows of the MS are those of the second, those too that are all 0 and flagged."""
        def rows(name):
            found = []
            with table(self.path(name), ack=False) as t:
                for i, row in enumerate(t):
                    flag = row["FLAG"] | row["FLAG_ROW"]
                    weight = row.get("WEIGHT_SPECTRUM", None)
                    if not hasattr(weight, "shape"):
                        weight = numpy.broadcast_to(row["WEIGHT"], row["DATA"].shape)
                    found.append((round(row["TIME"], 3), row["ANTENNA1"], row["ANTENNA2"],
                                  row["SCAN_NUMBER"], row["DATA"].shape[0],
                                  numpy.sort(row["DATA"].ravel()).tobytes(),
                                  int(flag.sum()), row["UVW"].tobytes(), row["EXPOSURE"],
                                  numpy.sort(weight.ravel()).tobytes()))
            return sorted(found)
        self.assertEqual(rows("in.ms"), rows("back.ms"))

    def trip(self, dice):
        words = self.make(dice)
        with table(self.path("in.ms"), ack=False) as t:
            repeats = len(set(zip(t.getcol("TIME"), t.getcol("ANTENNA1"), t.getcol("ANTENNA2"),
                                  t.getcol("DATA_DESC_ID"), t.getcol("FIELD_ID")))) < t.nrows()
        self.workers("in.ms")
        self.judged("out.uvh5")
        if dice.random() < 0.25:
            self.ranks("in.ms")
        self.multims("verify", "out.uvh5", "--against=in.ms")
        out = ordered(self.path("out.uvh5"))
        self.multims("importuvh5", "out.uvh5", "back.ms", "--no-sync", "--quiet", "-j",
                     dice.choice("123"), "flipconj=" + self.negated("out.uvh5"))
        if ";" not in words[4]:  # several data descriptions of a window become one
            self.same_rows()
        again = ordered(self.export("back.ms", out="again.uvh5"))
        self.multims("verify", "out.uvh5", "--against=back.ms")
        if again["Data/visdata"].shape == out["Data/visdata"].shape and not repeats:
            for name in OF_ROWS:
                numpy.testing.assert_array_equal(again["Data/" + name], out["Data/" + name], name)
            numpy.testing.assert_array_equal(again["Header/uvw_array"], out["Header/uvw_array"])
        axis = dice.choice(AXES)
        self.multims("partition", "in.ms", "in.mms", "separationaxis=" + axis, "datacolumn=data",
                     f"numsubms={dice.randint(1, 5)}", "--no-sync", "--quiet")
        multi = ordered(self.export("in.mms", out="multi.uvh5"))
        by_order = {"Header/blts_are_rectangular", "Header/time_axis_faster_than_bls"}
        self.assertEqual(multi.keys() - by_order, out.keys() - by_order)
        for name in sorted(out.keys() - by_order) if not repeats else ():
            if name.startswith(("Data/", "Header/", "multims/")) and "phase_center_app" not in name \
                    and "lst_array" not in name and "frame_pa" not in name:
                numpy.testing.assert_array_equal(multi[name], out[name], name)
        self.multims("importuvh5", "out.uvh5", "back.mms", "createmms=True", "--no-sync", "--quiet",
                     "separationaxis=" + axis, "flipconj=" + self.negated("out.uvh5"))
        self.multims("diff", "back.ms", "back.mms", "ignore_order=True")

    def test_trips(self):
        first = program_case.args.seed
        judge = self.judge_module()
        if judge:
            judge.offline()
        for seed in range(first, first + program_case.args.trips):
            self.setUp()
            dice = random.Random(seed)
            try:
                with self.subTest(seed):
                    self.trip(dice)
            finally:
                self.doCleanups()


program_case.main(hdf5=True)
