#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Regridding, combining and separating, whatever the parts, workers, ranks, way to the files, order of
rows and memory; and back again: lines stay where they were."""
import os
import shutil

import casacore.measures
import casacore.quanta as quanta
import numpy as np
from casacore.tables import table

import program_case
from machine import mpirun
from program_case import ProgramCase

program_case.parser.add_argument("--data", required=True)
program_case.parser.add_argument("--thorough", action="store_true", help="every request, every number of workers")

# Requests of every kind: modes, interpolations, windows, what may go before.  RF, START and WIDTH are
# those of the set.
REGRID = "mstransform regridms=True"
BEFORE = "timeaverage=True timebin={bin} hanning=True"
REQUESTS = [
    f"{REGRID} outframe=BARY",
    f"{REGRID} mode=channel nchan=3 start=1 width=2 outframe=LSRK interpolation=nearest",
    f"{REGRID} mode=frequency start={{freq}}Hz width={{width}}Hz nchan=4 outframe=LSRK interpolation=cubic",
    f"{REGRID} mode=velocity outframe=LSRD restfreq={{freq}}Hz interpolation=spline",
    f"{REGRID} mode=velocity veltype=optical outframe=CMB restfreq={{freq}}Hz",
    f"{REGRID} mode=channel_b width=2",
    f"{REGRID} interpolation=fftshift outframe=GALACTO",
    f"{REGRID} width=2 outframe=BARY",
    f"{REGRID} width=2 preaverage=True outframe=GEO numerics=exact",
    f"{REGRID} chanaverage=True chanbin=2 {BEFORE} outframe=LSRK",
]
SEVERAL = [
    "mstransform combinespws=True",
    f"mstransform combinespws=True chanaverage=True chanbin=2 usewtspectrum=True {BEFORE}",
    f"{REGRID} nspw=3",
    f"{REGRID} nspw=2 combinespws=True outframe=LGROUP {BEFORE} keepflags=False",
    "cvel outframe=LSRK",
    "cvel hanning=True mode=velocity outframe=BARY restfreq={freq}Hz width={velocity}km/s numerics=exact",
]
ACROSS = f"{REGRID} outframe=LSRK combinespws=True timeaverage=True timebin=10000s timespan=scan"
# Real sets: data column, selection, values of the requests, whether windows can be combined.
REAL = {
    "tNDPPP-generic.MS": ("corrected", [], dict(freq="134.31e6", width="48829", bin="25s", velocity=500), False),
    "mssel_test_small.ms": ("data", ["spw=1"], dict(freq="85.3e9", width="6e7", bin="10s", velocity=200), False),
    "hd142_b9cont_self_tav.ms": ("data", ["antenna=0~5&", "scan=4~6"], None, True),
}
SIMULATED = dict(freq="1.402e9", width="2e6", bin="20s", velocity=500)


class SpectralCase(ProgramCase):
    def make(self, *words):
        return self.simulate("in.ms", "scans=3", "fields=2", "integrations=4", "noise=1", "flags=0.2", "spws=3",
                             "wtspectrum=True", *words)

    def transform(self, words, source, name, *more):
        verb, *words = words.split()
        shutil.rmtree(self.path(name), ignore_errors=True)
        self.multims(verb, source, name, *words, *more, "--no-sync", "--quiet")
        return name

    def partition(self, source, name, axis="scan", *more):
        self.multims("partition", source, name, f"separationaxis={axis}", "numsubms=3", *more, "flagbackup=False",
                     "--no-sync", "--quiet")
        return name

    def equal(self, *words):
        self.multims("diff", *words, "--quiet")

    def rows(self, path):
        with table(self.path(path), ack=False) as main:
            return main.nrows()


class Parts(SpectralCase):
    """A Multi-MS gives what its MS gives; workers and ways to the files do not show."""

    def compare(self, words, source, multi, *more):
        self.transform(words, source, "plain.ms", *more)
        self.assertGreater(self.rows("plain.ms"), 0)
        self.transform(words, multi, "one", *more, "-j1")
        self.equal("plain.ms", "one", "--ignore-order")
        how = ["--parts"] if os.path.isdir(self.path("one/SUBMSS")) else []
        thorough = program_case.args.thorough
        for run in ["-j3"], ["tiles=False"], *([["-j2"]] if thorough else []):
            self.equal("one", self.transform(words, multi, "n", *more, *run), *how)
        if thorough:
            self.equal("plain.ms", self.transform(words, source, "plain3.ms", *more, "-j3", "--memory=16M"))
        self.multims("verify", "one", "--quiet")

    def test_simulated(self):
        self.make()
        self.partition("in.ms", "in.mms")
        for words in [*REQUESTS[::1 if program_case.args.thorough else 3], *SEVERAL, ACROSS]:
            words = words.format(**SIMULATED)
            with self.subTest(words=words):
                self.compare(words, "in.ms", "in.mms", "datacolumn=all")

    def test_other_axes(self):
        self.make()
        for axis in "spw", "balanced", "baseline":
            multi = self.partition("in.ms", f"{axis}.mms", axis)
            for words in [REQUESTS[0], *SEVERAL[2:5:1 if program_case.args.thorough else 2], ACROSS]:
                words = words.format(**SIMULATED)
                with self.subTest(words=words, axis=axis):
                    self.transform(words, "in.ms", "plain.ms", "datacolumn=data")
                    if words.startswith("cvel") and axis != "baseline":  # C05
                        self.multims("cvel", multi, "n", *words.split()[1:], "datacolumn=data", status=2)
                        words += " keepmms=False"
                    self.equal("plain.ms", self.transform(words, multi, "n", "datacolumn=data"), "--ignore-order")

    def test_real(self):
        for name, (column, selection, values, several) in REAL.items():
            source = os.path.join(program_case.args.data, name)
            if not os.path.isdir(source):
                print(f"skipped in part: {name}: not in the data")
                continue
            requests = [*(REQUESTS[::1 if program_case.args.thorough else 3] if values else []), *(SEVERAL[:1] + SEVERAL[4:5] if several else [])]
            if not several:  # LOFAR's SPECTRAL_WINDOW has cells of one shape
                requests.append("mstransform regridms=True nspw=3")
            axis = "scan" if several else "baseline"
            multi = self.partition(source, f"{name}.mms", axis, "datacolumn=all", *selection)
            one = self.transform("mstransform datacolumn=all", source, f"{name}.one", *selection)
            for words in requests:
                words = words.format(**values or {})
                with self.subTest(set=name, words=words):
                    self.compare(words, one, multi, f"datacolumn={column}")

    def test_ranks_do_not_show(self):
        self.make()
        self.partition("in.ms", "in.mms")
        requests = [*REQUESTS, *SEVERAL] if program_case.args.thorough else [REQUESTS[0], SEVERAL[3], SEVERAL[4]]
        for i, words in enumerate(requests):
            words = words.format(**SIMULATED) + " datacolumn=data"
            with self.subTest(words=words):
                self.transform(words, "in.mms", f"{i}.one", "-j1")
                verb, *rest = words.split()
                run = self.run_words(*mpirun(3), program_case.args.program, verb, "in.mms", f"{i}.mpi", *rest,
                                     "--no-sync")
                self.assertEqual(run.returncode, 0, run.stderr)
                self.equal(f"{i}.one", f"{i}.mpi", "--parts")


class Rows(SpectralCase):
    def permute(self, path):
        with table(self.path(path), readonly=False, ack=False) as main:
            order = 1 + np.random.default_rng(3).permutation(main.nrows() - 1)
            order = np.concatenate([[0], order])  # the first row is that of the grid
            for name in main.colnames():
                if main.iscelldefined(name, 0):
                    main.putcol(name, main.getcol(name)[order])
            self.assertTrue((np.diff(main.getcol("TIME")) < 0).any())

    def test_any_order_and_missing_windows(self):
        for missing in ("2:0", "1:1,3:0") if program_case.args.thorough else ("1:1,3:0",):
            shutil.rmtree(self.path("in.ms"), ignore_errors=True)
            shutil.rmtree(self.path("mixed.ms"), ignore_errors=True)
            self.make(f"missing={missing}")
            shutil.copytree(self.path("in.ms"), self.path("mixed.ms"))
            self.permute("mixed.ms")
            for words in *REQUESTS[:1], *REQUESTS[6:8], *SEVERAL[::2], SEVERAL[5]:
                words = words.format(**SIMULATED) + " datacolumn=data"
                with self.subTest(words=words, missing=missing):
                    self.transform(words, "in.ms", "sorted.ms")
                    self.transform(words, "mixed.ms", "out.ms")
                    self.equal("sorted.ms", "out.ms", "--ignore-order")

    def double(self, flag_row):
        """Every row of window 0 twice: the second one with other data, half of them flagged as a whole."""
        with table(self.path("in.ms"), readonly=False, ack=False) as main:
            rows = main.query("DATA_DESC_ID == 0").rownumbers()
            first = main.nrows()
            again = {name: main.getcol(name)[rows] for name in main.colnames() if main.iscelldefined(name, 0)}
            again["DATA"] += 1000
            again["FLAG_ROW"][:] = flag_row
            again["FLAG"][:] = flag_row[:, None, None]
            main.addrows(len(rows))
            for name, values in again.items():
                main.putcol(name, values, first, len(rows))

    def test_rows_that_come_twice(self):
        """The last one counts, as in CASA 6.7 (a real set: hd142_b9cont_self_tav); with exact numerics the
        last one that is not flagged as a whole."""
        words = "mstransform combinespws=True datacolumn=data"
        self.simulate("in.ms", "noise=1")
        self.transform(words, "in.ms", "once.ms")
        n = self.rows("in.ms") // 2
        flag_row = np.arange(n) % 2 == 0
        self.double(flag_row)
        key = lambda main: np.lexsort([main.getcol(k) for k in ("ANTENNA2", "ANTENNA1", "TIME")])
        with table(self.path("once.ms"), ack=False) as main:
            once = main.getcol("DATA")[key(main)]
        for numerics in "casa", "exact":
            run = self.multims(*words.split()[:1], "in.ms", f"{numerics}.ms", *words.split()[1:], f"numerics={numerics}",
                               "--no-sync", "-q")
            self.assertIn(f"{n} rows have the window, time stamp and baseline of another row", run.stderr)
            with table(self.path(f"{numerics}.ms"), ack=False) as main:
                self.assertEqual(main.nrows(), n)
                order = key(main)
                data, flags = main.getcol("DATA")[order], main.getcol("FLAG")[order]
            self.assertTrue((flags[:, :8].all(axis=(1, 2)) == (flag_row if numerics == "casa" else False)).all())
            wanted = once.copy()
            wanted[~flag_row, :8] += 1000
            good = ~flags
            np.testing.assert_allclose(data[good], wanted[good], rtol=1e-6)
            self.assertTrue(good[:, 8:].all())

    def test_little_memory_gives_the_same(self):
        self.simulate("in.ms", "antennas=24", "spws=4", "channels=64", "noise=1")
        for words in "mstransform datacolumn=data combinespws=True", f"{REGRID} datacolumn=data nspw=4 outframe=BARY":
            self.equal(self.transform(words, "in.ms", "much.ms"),
                       self.transform(words, "in.ms", "little.ms", "--memory", "16M"))


class FlagCommands(SpectralCase):
    """Commands keep the input's windows and channels, as in CASA, and that is said."""

    def commands(self, path):
        with table(self.path(path) + "/FLAG_CMD", ack=False) as t:
            return t.getcol("COMMAND") if t.nrows() else []

    def test_they_stay_and_are_counted(self):
        self.simulate()
        texts = ["spw='0:1~3'", "antenna='1'", "spw='1' scan='2'"]
        for words, n in (("mstransform combinespws=True", 2), (f"{REGRID} outframe=BARY", 2), ("cvel", 2),
                         ("mstransform hanning=True", 0)):
            verb, *words = words.split()
            for have in [], texts:
                with table(self.path("in.ms/FLAG_CMD"), readonly=False, ack=False) as t:
                    t.removerows(list(range(t.nrows())))
                    t.addrows(len(have))
                    for i, text in enumerate(have):
                        t.putcell("COMMAND", i, text)
                run = self.multims(verb, "in.ms", "out.ms", "datacolumn=data", *words, "--no-sync", "-q")
                self.assertEqual(f"{n} commands of FLAG_CMD name windows" in run.stderr, bool(have and n), run.stderr)
                self.assertEqual(list(self.commands("out.ms")), have)
                shutil.rmtree(self.path("out.ms"))


class RoundTrip(SpectralCase):
    """To another frame and back: a line of the sky keeps its place and flux."""
    SIGMA = 4.0  # channels

    def put_line(self, path, spw):
        """A line that stays in LSRK, into DATA of all rows of a window; its place at the first row."""
        with table(self.path(path), readonly=False, ack=False) as main:
            freq = table(self.path(path) + "/SPECTRAL_WINDOW", ack=False).getcell("CHAN_FREQ", spw)
            directions = table(self.path(path) + "/FIELD", ack=False).getcol("PHASE_DIR")[:, 0]
            telescope = table(self.path(path) + "/OBSERVATION", ack=False).getcell("TELESCOPE_NAME", 0)
            times, fields = main.getcol("TIME"), main.getcol("FIELD_ID")
            data = main.getcol("DATA")
            step, middle = freq[1] - freq[0], freq[len(freq) // 2]
            places, rest = {}, None
            for t, field in zip(times, fields):
                if (t, field) in places:
                    continue
                judge = casacore.measures.measures()
                judge.do_frame(judge.epoch("UTC", quanta.quantity(t, "s")))
                judge.do_frame(judge.observatory(telescope))
                judge.do_frame(judge.direction("J2000", *[quanta.quantity(x, "rad") for x in directions[field]]))
                if rest is None:
                    topo = judge.frequency("TOPO", quanta.quantity(middle, "Hz"))
                    rest = judge.measure(topo, "LSRK")["m0"]["value"]
                lsrk = judge.frequency("LSRK", quanta.quantity(rest, "Hz"))
                places[t, field] = judge.measure(lsrk, "TOPO")["m0"]["value"]
            centre = np.array([places[t, field] for t, field in zip(times, fields)])
            x = (freq - centre[:, None]) / (step * self.SIGMA)
            data[:] = np.exp(-x * x / 2)[:, :, None]
            main.putcol("DATA", data)
            main.putcol("FLAG", np.zeros(data.shape, bool))
            main.putcol("FLAG_ROW", np.zeros(len(times), bool))
        return middle, abs(step)

    def check(self, path, middle, step, bound):
        """bound: of one linear interpolation, (step/sigma)^2/8 of the height, twice."""
        with table(self.path(path), ack=False) as main:
            freq = table(self.path(path) + "/SPECTRAL_WINDOW", ack=False).getcell("CHAN_FREQ", 0)
            data, flags = main.getcol("DATA").real.astype(float), main.getcol("FLAG")
        near = abs(freq - middle) < 5 * self.SIGMA * step
        self.assertFalse(flags[:, near].any())
        place = np.sum(data[:, near] * freq[near, None], axis=1) / np.sum(data[:, near], axis=1)
        self.assertLess(abs(place - middle).max(), 0.02 * step)
        flux = np.sum(data[:, near], axis=1) * abs(freq[1] - freq[0]) / step
        self.assertLess(abs(flux / (self.SIGMA * np.sqrt(2 * np.pi)) - 1).max(), 1e-3)
        self.assertLess(abs(data.max(axis=1) - 1).max(), bound + 0.01)  # between channels: 1/(8 sigma^2) too

    def there_and_back(self, source, spw):
        middle, step = self.put_line(source, spw)
        for frame in "LSRK", "BARY", "CMB":
            for how in "linear", "cubic", "spline", "fftshift":
                with self.subTest(source=source, frame=frame, how=how):
                    words = f"{REGRID} datacolumn=data spw={spw} interpolation={how} numerics=exact"
                    self.transform(f"{words} outframe={frame}", source, "there.ms")
                    self.transform(f"{REGRID} datacolumn=data interpolation={how} numerics=exact outframe=TOPO",
                                   "there.ms", "back.ms")
                    self.check("back.ms", middle, step, 2 / (8 * self.SIGMA ** 2) if how == "linear" else 0)

    def test_simulated(self):
        self.multims("simulate", "in.ms", "antennas=3", "scans=3", "interval=1000s", "integrations=3", "correlations=1",
                     "channels=256", "freq=1.42e9", "width=5e3", "--no-sync", "-q")
        self.there_and_back("in.ms", 0)

    def test_real(self):
        source = os.path.join(program_case.args.data, "mssel_test_small.ms")
        if not os.path.isdir(source):
            self.skipTest("the real sets are not here")
        self.transform("mstransform datacolumn=data spw=1", source, "in.ms")
        self.there_and_back("in.ms", 0)


if __name__ == "__main__":
    program_case.main()
