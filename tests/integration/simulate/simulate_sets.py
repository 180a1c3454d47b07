# SPDX-License-Identifier: LGPL-2.1-or-later
"""Simulated sets, read back by python-casacore, hold what `multims simulate --help` promises, whatever the layout."""
import filecmp
import os
import signal
import subprocess
import time

import numpy as np
from casacore.tables import table

import program_case
from program_case import ProgramCase

LAYOUTS = ("casa", "tiledcolumn", "standard", "shared", "cell", "aipsio")
ALL_COLUMNS = ("model=True", "corrected=True", "floatdata=True", "wtspectrum=True",
               "sigmaspectrum=True")
REQUIRED = ("ANTENNA", "DATA_DESCRIPTION", "FEED", "FIELD", "FLAG_CMD", "HISTORY", "OBSERVATION",
            "POINTING", "POLARIZATION", "PROCESSOR", "SPECTRAL_WINDOW", "STATE")


def files_below(path):
    return sorted(os.path.relpath(os.path.join(folder, name), path)
                  for folder, _, names in os.walk(path) for name in names)


def differing_files(a, b):
    names = files_below(a)
    assert names == files_below(b)
    return [n for n in names if not filecmp.cmp(os.path.join(a, n), os.path.join(b, n), False)]


def managers_of(path):
    t = table(path, ack=False)
    return {column: m["TYPE"] for m in t.getdminfo().values() for column in m["COLUMNS"]}


class Simulate(ProgramCase):
    def simulated(self, *words):
        return self.run_words(program_case.args.program, "simulate", *words, "--no-sync")

    def make(self, name, *words):
        done = self.simulated(self.path(name), *words)
        said = [l for l in done.stderr.splitlines() if not l.startswith("INFO simulate: ")]
        self.assertEqual((done.returncode, said), (0, []))
        self.assertEqual([n for n in os.listdir(self.folder) if n.startswith(".")], [])
        return self.path(name)

    def check_cells(self, t, row, nplace):
        def cell(column):
            return t.getcell(column, row).ravel()
        place = np.arange(nplace)
        data = (row + 1j * place).astype(np.complex64)
        np.testing.assert_array_equal(cell("DATA"), data)
        np.testing.assert_array_equal(cell("MODEL_DATA"), -data)
        np.testing.assert_array_equal(cell("CORRECTED_DATA"), 2 * data)
        np.testing.assert_array_equal(cell("FLOAT_DATA"), row % 4096 * 4096 + place % 4096)
        weight = t.getcell("WEIGHT", row)
        self.assertTrue(set(weight * 8) <= set(range(8, 16)))
        channel = place // len(weight)
        spectrum = weight[place % len(weight)] * (1 + channel % 4 / 4)
        np.testing.assert_array_equal(cell("WEIGHT_SPECTRUM"), spectrum.astype(np.float32))
        np.testing.assert_allclose(t.getcell("SIGMA", row), weight ** -0.5, rtol=1e-6)
        np.testing.assert_allclose(cell("SIGMA_SPECTRUM"), spectrum ** -0.5, rtol=1e-6)
        self.assertEqual(t.getcell("FLAG", row).shape, t.getcell("DATA", row).shape)

    def check_all_cells(self, path, shapes):
        """shapes: (channels, correlations) by DD."""
        t = table(path, ack=False)
        for row, dd in enumerate(t.getcol("DATA_DESC_ID")):
            self.assertEqual(t.getcell("DATA", row).shape, shapes[dd])
            self.check_cells(t, row, shapes[dd][0] * shapes[dd][1])

    def test_values_in_every_layout(self):
        for layout in LAYOUTS:
            with self.subTest(layout):
                path = self.make(layout, f"layout={layout}", "antennas=3", "integrations=3",
                                 "channels=5", *ALL_COLUMNS)
                self.check_all_cells(path, {0: (5, 4)})

    def test_layouts_store_as_named(self):
        want = {"casa": ("TiledShapeStMan", "IncrementalStMan"),
                "tiledcolumn": ("TiledColumnStMan", "IncrementalStMan"),
                "standard": ("StandardStMan", "IncrementalStMan"),
                "shared": ("TiledShapeStMan", "IncrementalStMan"),
                "cell": ("TiledCellStMan", "IncrementalStMan"),
                "aipsio": ("StManAipsIO", "StManAipsIO")}
        for layout in LAYOUTS:
            managers = managers_of(self.make(layout, f"layout={layout}", "channels=4"))
            self.assertEqual((managers["DATA"], managers["TIME"]), want[layout])

    def test_shared_puts_data_and_flags_together(self):
        t = table(self.make("a.ms", "layout=shared"), ack=False)
        groups = [set(m["COLUMNS"]) for m in t.getdminfo().values()]
        self.assertIn({"DATA", "FLAG"}, groups)

    def test_mixed_shapes(self):
        for layout in ("casa", "standard", "shared", "cell"):
            with self.subTest(layout):
                path = self.make(layout, f"layout={layout}", "spws=2", "channels=6,1",
                                 "correlations=RR,LL;RR,RL,LR,LL", "antennas=4", "integrations=2",
                                 "endian=big", *ALL_COLUMNS)
                self.check_all_cells(path, {0: (6, 2), 1: (6, 4), 2: (1, 2), 3: (1, 4)})
                self.assertEqual(table(path, ack=False).endianformat(), "big")

    def test_tiles(self):
        def tile(name, *words):
            t = table(self.make(name, "channels=16", *words), ack=False)
            cubes = t.getdminfo("DATA")["SPEC"]["HYPERCUBES"]
            return list(cubes["*1"]["TileShape"])
        self.assertEqual(tile("a.ms", "antennas=40"), [4, 16, 2048])
        self.assertEqual(tile("b.ms", "antennas=2"), [4, 16, 20])
        self.assertEqual(tile("c.ms", "tile=7"), [4, 16, 7])
        self.assertEqual(tile("d.ms", "tile=3,5,11"), [3, 5, 11])
        self.assertEqual(tile("e.ms", "tile=3,5,11", "layout=tiledcolumn"), [3, 5, 11])
        self.check_all_cells(self.make("f.ms", "channels=16", "tile=3,5,11", *ALL_COLUMNS),
                             {0: (16, 4)})

    def test_order_of_rows(self):
        words = ("antennas=3", "scans=2", "spws=2", "integrations=2", "channels=1", "missing=2:1")
        ids = {}
        for order in ("time", "spw"):
            t = table(self.make(order, f"order={order}", *words), ack=False)
            ids[order] = list(zip(*(t.getcol(c).tolist() for c in (
                "SCAN_NUMBER", "TIME", "DATA_DESC_ID", "ANTENNA1", "ANTENNA2"))))
        self.assertEqual(len(ids["time"]), 3 * (2 * 2 + 2))
        self.assertEqual(ids["time"], sorted(set(ids["time"])))
        self.assertEqual(ids["spw"], sorted(ids["time"], key=lambda r: (r[2], *r)))
        self.assertNotIn((2, 1), {(r[0], r[2]) for r in ids["time"]})

    def test_incremental_columns_repeat_and_change(self):
        words = ("scans=5", "firstscan=0", "fields=3", "intents=A#X;B#Y", "integrations=3",
                 "antennas=3", "channels=1", "interval=2s")
        t = table(self.make("a.ms", *words), ack=False)
        scan = t.getcol("SCAN_NUMBER")
        self.assertEqual(sorted(set(scan)), [0, 1, 2, 3, 4])
        np.testing.assert_array_equal(t.getcol("FIELD_ID"), scan % 3)
        np.testing.assert_array_equal(t.getcol("STATE_ID"), scan % 2)
        np.testing.assert_array_equal(t.getcol("INTERVAL"), 2.0)
        np.testing.assert_array_equal(t.getcol("EXPOSURE"), 2.0)
        np.testing.assert_array_equal(t.getcol("TIME"), t.getcol("TIME_CENTROID"))
        times = np.unique(t.getcol("TIME"))
        self.assertEqual(len(times), 15)
        self.assertEqual(sorted(set(np.diff(times))), [2.0, 12.0])
        for column in ("ARRAY_ID", "FEED1", "FEED2", "OBSERVATION_ID", "PROCESSOR_ID"):
            np.testing.assert_array_equal(t.getcol(column), 0)
        states = table(self.path("a.ms/STATE"), ack=False)
        self.assertEqual(list(states.getcol("OBS_MODE")), ["A#X", "B#Y"])

    def test_uvw_is_as_long_as_the_baseline(self):
        t = table(self.make("a.ms", "antennas=5", "autocorrelations=True", "fields=2",
                            "telescope=alma", "channels=1"), ack=False)
        place = table(self.path("a.ms/ANTENNA"), ack=False).getcol("POSITION")
        baseline = place[t.getcol("ANTENNA2")] - place[t.getcol("ANTENNA1")]
        uvw = t.getcol("UVW")
        length = np.linalg.norm(baseline, axis=1)
        np.testing.assert_allclose(np.linalg.norm(uvw, axis=1), length, atol=1e-6)
        self.assertEqual(np.count_nonzero(length == 0) * 3, t.nrows())
        of_one = uvw[(t.getcol("ANTENNA1") == 0) & (t.getcol("ANTENNA2") == 1)]
        self.assertEqual(len(np.unique(of_one[:, 0])), len(of_one))

    def test_flags(self):
        t = table(self.make("a.ms", "flags=0.3", "antennas=20"), ack=False)
        flag, whole = t.getcol("FLAG"), t.getcol("FLAG_ROW")
        self.assertAlmostEqual(flag.mean(), 0.3, delta=0.02)
        self.assertAlmostEqual(whole.mean(), 0.15, delta=0.02)
        self.assertTrue(flag[whole].all())
        self.assertFalse(flag[~whole].all(axis=(1, 2)).any())
        for fraction, want in (("0", False), ("1", True)):
            t = table(self.make(f"f{fraction}.ms", f"flags={fraction}"), ack=False)
            self.assertTrue((t.getcol("FLAG") == want).all())
            self.assertTrue((t.getcol("FLAG_ROW") == want).all())

    def test_noise(self):
        t = table(self.make("a.ms", "noise=0.25", "corrected=True"), ack=False)
        data = t.getcol("DATA")
        noise = data.real - np.arange(t.nrows())[:, None, None]
        self.assertLessEqual(abs(noise).max(), 0.2501)
        self.assertAlmostEqual(float(noise.std()), 0.25 / 3 ** 0.5, delta=0.005)
        np.testing.assert_array_equal(t.getcol("CORRECTED_DATA"), 2 * data)

    def test_subtables(self):
        words = ("spws=3", "channels=8,4,2", "correlations=XX,YY;XX", "fields=2", "antennas=4",
                 "pointing=True", "syscal=True", "weather=True")
        path = self.make("a.ms", *words)
        t = table(path, ack=False)
        self.assertEqual(t.getkeyword("MS_VERSION"), 2.0)
        self.assertEqual(t.getcolkeyword("FLAG_CATEGORY", "CATEGORY"), [])
        self.assertFalse(t.iscelldefined("FLAG_CATEGORY", 0))
        for name in REQUIRED + ("SOURCE", "SYSCAL", "WEATHER"):
            self.assertEqual(t.getkeyword(name), f"Table: {path}/{name}")
        rows = {n: table(f"{path}/{n}", ack=False).nrows() for n in os.listdir(path)
                if os.path.isdir(f"{path}/{n}")}
        self.assertEqual(rows, {
            "ANTENNA": 4, "DATA_DESCRIPTION": 6, "FEED": 12, "FIELD": 2, "FLAG_CMD": 0,
            "HISTORY": 1, "OBSERVATION": 1, "POINTING": 4 * 20, "POLARIZATION": 2, "PROCESSOR": 1,
            "SOURCE": 6, "SPECTRAL_WINDOW": 3, "STATE": 1, "SYSCAL": 2 * 12, "WEATHER": 8})
        dd = table(f"{path}/DATA_DESCRIPTION", ack=False)
        self.assertEqual(list(dd.getcol("SPECTRAL_WINDOW_ID")), [0, 0, 1, 1, 2, 2])
        self.assertEqual(list(dd.getcol("POLARIZATION_ID")), [0, 1] * 3)
        spw = table(f"{path}/SPECTRAL_WINDOW", ack=False)
        start = 1.4e9
        for i, n in enumerate((8, 4, 2)):
            self.assertEqual(spw.getcell("NUM_CHAN", i), n)
            np.testing.assert_array_equal(spw.getcell("CHAN_FREQ", i), start + 1e6 * np.arange(n))
            start += 1e6 * n
        pol = table(f"{path}/POLARIZATION", ack=False)
        self.assertEqual([pol.getcell("CORR_TYPE", i).tolist() for i in (0, 1)], [[9, 12], [9]])

    def test_ids_are_in_range(self):
        path = self.make("a.ms", "fields=3", "spws=2", "intents=A;B", "scans=6",
                         "autocorrelations=1", "syscal=True", "pointing=1")
        rows = {n: table(f"{path}/{n}", ack=False).nrows() for n in REQUIRED}
        for name, column, of in (
                ("", "ANTENNA2", "ANTENNA"), ("", "DATA_DESC_ID", "DATA_DESCRIPTION"),
                ("", "FIELD_ID", "FIELD"), ("", "STATE_ID", "STATE"),
                ("FEED", "SPECTRAL_WINDOW_ID", "SPECTRAL_WINDOW"),
                ("FEED", "ANTENNA_ID", "ANTENNA"), ("SYSCAL", "ANTENNA_ID", "ANTENNA"),
                ("SOURCE", "SOURCE_ID", "FIELD"), ("POINTING", "ANTENNA_ID", "ANTENNA")):
            ids = table(f"{path}/{name}", ack=False).getcol(column)
            self.assertEqual((ids.min(), ids.max()), (0, rows[of] - 1), (name, column))

    def test_same_request_same_bytes(self):
        words = ("flags=0.2", "noise=1", "pointing=1", "syscal=1", "weather=1", *ALL_COLUMNS)
        for layout in ("casa", "tiledcolumn", "shared", "cell"):
            a = self.make(f"a.{layout}", f"layout={layout}", *words)
            b = self.make(f"b.{layout}", f"layout={layout}", *words)
            self.assertEqual(differing_files(a, b), [])

    def test_seed_changes_flags_weights_and_noise_only(self):
        words = ("flags=0.2", "noise=1", *ALL_COLUMNS)
        a = table(self.make("a.ms", *words), ack=False)
        b = table(self.make("b.ms", "seed=1", *words), ack=False)
        differ = {c for c in a.colnames() if c != "FLAG_CATEGORY"
                  and not np.array_equal(a.getcol(c), b.getcol(c))}
        self.assertEqual(differ, {"DATA", "MODEL_DATA", "CORRECTED_DATA", "FLAG", "FLAG_ROW",
                                  "WEIGHT", "SIGMA", "WEIGHT_SPECTRUM", "SIGMA_SPECTRUM"})

    def test_existing_output_is_refused(self):
        path = self.make("a.ms")
        before = {n: os.stat(os.path.join(path, n)).st_mtime_ns for n in files_below(path)}
        done = self.simulated(path)
        self.assertEqual(done.returncode, 2)
        self.assertIn(f"Output MS {path} already exists - will not overwrite it.", done.stderr)
        self.assertEqual(before, {n: os.stat(os.path.join(path, n)).st_mtime_ns
                                  for n in files_below(path)})

    def test_refusals_write_nothing(self):
        cases = (("correlations=XX,ZZ", "correlations: ZZ"), ("correlations=", "correlations: ''"),
                 ("channels=1,2", "channels: 2 numbers for 1 spws"),
                 ("channels=0", "channels: 0"), ("antennas=0", "antennas"),
                 ("antennas=1", "one antenna"), ("missing=1-0", "missing: 1-0"),
                 ("missing=3:0", "no scan or spw 3:0"), ("layout=dysco", "layout"),
                 ("tile=1,2", "tile"), ("flags=1.5", "flags"))
        for word, text in cases:
            done = self.simulated(self.path("a.ms"), word)
            self.assertEqual((done.returncode, text in done.stderr), (2, True), done.stderr)
        done = self.simulated(self.path("a.ms"), "layout=tiledcolumn", "spws=2", "channels=1,2")
        self.assertEqual((done.returncode, "same number of channels" in done.stderr), (2, True))
        done = self.simulated(self.path("a.ms"), "layout=cell", "tile=5")
        self.assertEqual((done.returncode, "the layout cell has" in done.stderr), (2, True))
        self.assertEqual(os.listdir(self.folder), [])

    def test_no_space_is_refused(self):
        done = self.simulated(self.path("a.ms"), "antennas=1000", "channels=100000", "integrations=100000")
        self.assertEqual(done.returncode, 2)
        self.assertRegex(done.stderr, r"a\.ms: needs about \d+\.\d MB and the disk has")
        self.assertEqual(os.listdir(self.folder), [])

    def stop(self, signal_number):
        """A run that is stopped while its rows are written."""
        words = [program_case.args.program, "simulate", self.path("a.ms"), "antennas=27", "integrations=300",
                 "--no-sync"]
        process = subprocess.Popen(words, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        while not os.listdir(self.folder):
            time.sleep(0.001)
        time.sleep(0.1)
        process.send_signal(signal_number)
        return process.wait()

    def test_stopped_run_leaves_nothing(self):
        self.assertEqual(self.stop(signal.SIGTERM), 143)
        self.assertEqual(os.listdir(self.folder), [])

    def test_killed_run_leaves_no_output_and_the_next_one_works(self):
        self.assertEqual(self.stop(signal.SIGKILL), -signal.SIGKILL)
        self.assertEqual(sorted(n[:3] for n in os.listdir(self.folder)), [".a.", "a.m"])
        done = self.simulated(self.path("a.ms"))
        self.assertEqual((done.returncode, os.listdir(self.folder)), (0, ["a.ms"]))

    def test_memory_does_not_grow_with_the_set(self):
        def peak(name, integrations):
            return self.peak_kib("simulate", name, "antennas=27", "channels=32", f"integrations={integrations}", "--no-sync")
        small, large = peak("a.ms", 20), peak("b.ms", 200)
        self.assertLess(large - small, 8 * 1024)


program_case.main()
