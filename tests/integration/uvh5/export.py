# SPDX-License-Identifier: LGPL-2.1-or-later
"""exportuvh5 on real and simulated sets: the numbered cases of CASES.md, by h5py and python-casacore."""
import contextlib
import glob
import json
import os
import re
import shutil
import signal
import subprocess
import time
import unittest

import numpy
from casacore.measures import measures
from casacore.tables import makearrcoldesc, makescacoldesc, maketabdesc, table

import program_case
from uvh5_case import ALMA2, ALMA9, LOFAR, UvhCase, bytes_but_history, contents, h5py

COUNTS = ("Nblts", "Nfreqs", "Npols", "Nspws", "Nbls", "Ntimes", "Nphase")

# name: counts, sum of visdata, flagged, sum of nsamples, uvw of the first blt
FACTS = {
    ALMA2: ((529, 65, 4, 2, 23, 23, 2), 5.552160307939857 + 1.822096204843092j, 47842,
            3.097824e13, (-2745.0020108806007, 250.75383877700324, -5077.564295394431)),
    ALMA9: ((26125, 3, 2, 3, 86, 891, 1), -6986.588270799791 - 14597.180569071956j, 87658,
            2544436.894010544, None),
    LOFAR: ((168, 8, 4, 1, 28, 6, 1), 0.14899009225419402 - 0.04405310599928325j, 1664,
            1.163564778204e13, (-89.54564749937009, 341.3025468797027, -114.27495299181827)),
    "D1.ms": ((120, 1024, 4, 16, 6, 20, 2), 471613440 - 62668800j, 0, 491520, (-100, 0, 0)),
    "D2s.ms": ((18, 24, 4, 3, 6, 3, 1), 40896 - 8640j, 576, 1152, (-100, 0, 0)),
    "D7.ms": ((60, 16, 2, 4, 6, 10, 5), 229440 - 6720j, 0, 1920, None),
    "D7x.ms": ((60, 16, 2, 4, 6, 10, 5), 217680 - 6384j, 96, 1824, None),
    "D9b.ms": ((144, 12, 2, 3, 6, 24, 2), 638088 - 10668j, 408, 3048, None),
    "scan.mms": ((1178, 3, 2, 3, 3, 397, 1), 215.96801923704334 - 291.343325439022j, 3742,
                 133724.52503871918, None),
}


# Days of IERS EOP C04: x, y (arcsec), UT1 - UTC (s); a leap second ends 57753
EARTH = {56999: (0.069469, 0.262554, -0.4314891), 57000: (0.067567, 0.263597, -0.4324693),
         57001: (0.065145, 0.2643, -0.4334848), 57002: (0.062825, 0.265096, -0.4345401),
         57752: (0.082873, 0.263556, -0.4069095), 57753: (0.081284, 0.263013, -0.4077859),
         57754: (0.080406, 0.26311, 0.5912677), 57755: (0.080234, 0.263612, 0.5902084)}
for day in range(57003, 57752):  # a row a day
    EARTH[day] = EARTH[57002]


class Export(UvhCase):
    def test_t1_to_t9_public_sets(self):
        for name, (counts, total, flagged, nsamples, uvw) in FACTS.items():
            with self.subTest(name):
                out = self.export(self.data(name), out=name + ".uvh5")
                with h5py.File(out, "r") as f:
                    header = f["Header"]
                    self.assertEqual(tuple(header[c][()] for c in COUNTS), counts)
                    vis = f["Data/visdata"][()].astype("c16")
                    self.assertAlmostEqual(abs(vis.sum() / total - 1), 0, 9)
                    self.assertEqual(f["Data/flags"][()].sum(), flagged)
                    ratio = f["Data/nsamples"][()].sum(dtype="f8") / nsamples
                    self.assertAlmostEqual(ratio, 1, 9)
                    if uvw:
                        numpy.testing.assert_array_equal(header["uvw_array"][0], uvw)

    def test_t11_first_visibilities(self):
        with h5py.File(self.export(self.data(ALMA2)), "r") as f:
            self.assertEqual(f["Header/spw_array"][()].tolist(), [1, 2])
            self.assertEqual(f["Header/polarization_array"][()].tolist(), [-5, -6, -7, -8])
            numpy.testing.assert_allclose(
                f["Data/visdata"][0, 0],
                [-0.00666583 - 0.00016353j, 0.00017644 - 0.00442811j, -0.00021947 + 0.00053361j,
                 0.04263724 - 0.01415791j], rtol=0, atol=6e-9)

    def test_t12_times(self):
        for name, time in ((ALMA2, 2456920.9416644443), (LOFAR, 2456381.083252395),
                           (ALMA9, 2456081.6367577314)):
            with h5py.File(self.export(self.data(name), out=name + ".uvh5"), "r") as f:
                self.assertEqual(f["Header/time_array"][0], time)

    def test_t13_order_of_polarizations(self):
        with h5py.File(self.export(self.data(ALMA2)), "r") as f:
            aips = f["Data/visdata"][()]
            self.assertEqual(f["Header/polarization_array"][()].tolist(), [-5, -6, -7, -8])
        with h5py.File(self.export(self.data(ALMA2), "polorder=casa", out="casa.uvh5"), "r") as f:
            self.assertEqual(f["Header/polarization_array"][()].tolist(), [-5, -7, -8, -6])
            numpy.testing.assert_array_equal(f["Data/visdata"][()], aips[:, :, [0, 2, 3, 1]])

    def test_one_window_of_four_products(self):
        """Cells that stand in the file as in the set but for their order: every value, each way."""
        self.multims("simulate", "in.ms", "antennas=5", "spws=1", "channels=7", "integrations=40",
                     "noise=1", "corrected=False", "--no-sync", "--quiet")
        flags = numpy.random.default_rng(1)
        with table(self.path("in.ms"), readonly=False, ack=False) as main:
            main.putcol("FLAG", flags.random(main.getcol("FLAG").shape) < 0.3)
            main.putcol("FLAG_ROW", flags.random(main.nrows()) < 0.3)
            main.putcol("WEIGHT", flags.random(main.getcol("WEIGHT").shape).astype("f4"))
            data, weight = main.getcol("DATA"), main.getcol("WEIGHT")
            flag = main.getcol("FLAG") | main.getcol("FLAG_ROW")[:, None, None]
        for polorder, order in ("aips", [0, 3, 1, 2]), ("casa", [0, 1, 2, 3]):
            for flip in True, False:
                with self.subTest(f"{polorder}, {flip}"):
                    out = self.export("in.ms", "polorder=" + polorder, f"flipconj={flip}",
                                      "overwrite=true")
                    with h5py.File(out, "r") as f:
                        want = (data.conj() if flip else data)[:, :, order]
                        numpy.testing.assert_array_equal(f["Data/visdata"][()].view("c8"), want)
                        numpy.testing.assert_array_equal(f["Data/flags"][()], flag[:, :, order])
                        numpy.testing.assert_array_equal(
                            f["Data/nsamples"][()],
                            numpy.repeat(weight[:, None, order], data.shape[1], axis=1))

    def test_t14_all_rows_are_kept(self):
        """26,125 x 3 rows of ALMA9, some of whose times are nearer than a Julian date tells."""
        with table(self.data(ALMA9), ack=False) as t:
            self.assertEqual(t.nrows(), 78375)
        plan = self.answer("exportuvh5", self.data(ALMA9), "out.uvh5", "datacolumn=data", "--no-sync")
        self.assertEqual((plan["rows"], plan["blts"], plan["windows"], plan["absent"]), (78375, 26125, 3, 0))

    def test_t15_absent_cells(self):
        with h5py.File(self.export(self.data("D7x.ms")), "r") as f:
            absent = f["Data/nsamples"][()] == 0
            self.assertEqual(absent.sum(), 96)
            self.assertTrue(f["Data/flags"][()][absent].all())
            self.assertFalse(f["Data/visdata"][()][absent].any())

    def test_t17_no_such_column(self):
        run = self.multims("exportuvh5", self.data(ALMA2), "out.uvh5", status=2)
        self.assertIn(f"(CORRECTED_DATA) not found in the input MS ({self.data(ALMA2)}). It has: DATA", run.stderr)
        self.assertEqual(os.listdir(self.folder), [])

    def test_t16_units(self):
        for column, unit in (("corrected", b"Jy"), ("data", b"uncalib")):
            out = column + ".uvh5"
            self.multims("exportuvh5", self.data(LOFAR), out, "datacolumn=" + column, "--quiet")
            with h5py.File(self.path(out), "r") as f:
                self.assertEqual(f["Header/vis_units"][()], unit)

    def test_t18_selection(self):
        self.export(self.data(ALMA2))
        self.export(self.data(ALMA2), "spw=1:5~20", "correlation=XX,YY", out="part.uvh5")
        with h5py.File(self.path("out.uvh5"), "r") as whole, \
                h5py.File(self.path("part.uvh5"), "r") as part:
            self.assertEqual(part["Data/visdata"].shape, (529, 16, 2))
            numpy.testing.assert_array_equal(part["Data/visdata"][()],
                                             whole["Data/visdata"][:, 5:21, :2])
            numpy.testing.assert_array_equal(part["Header/freq_array"][()],
                                             whole["Header/freq_array"][5:21])

    def test_t21_a_multi_ms_is_its_ms(self):
        self.export(self.data(ALMA9))
        one = contents(self.path("out.uvh5"))
        keys = ("Header/time_array", "Header/ant_1_array", "Header/ant_2_array")
        for axis in ("auto", "scan", "spw", "baseline"):
            self.multims("partition", self.data(ALMA9), axis + ".mms", "datacolumn=data",
                         "separationaxis=" + axis, "numsubms=4", "--no-sync", "--quiet")
            self.export(axis + ".mms", out=axis + ".uvh5")
            other = contents(self.path(axis + ".uvh5"))
            if axis != "baseline":  # the same bytes; a longer history moves them in the file
                self.assertEqual([n for n in one | other if numpy.asarray(one.get(n)).tobytes()
                                  != numpy.asarray(other.get(n)).tobytes()], [], axis)
            # where baselines of a time are in several parts its rows are in the order of the parts
            orders = [numpy.lexsort([f[k] for k in reversed(keys)]) for f in (one, other)]
            for name in ("Data/visdata", "Data/flags", "Data/nsamples", "Header/uvw_array", *keys):
                numpy.testing.assert_array_equal(one[name][orders[0]], other[name][orders[1]])

    def test_t22_any_number_of_workers(self):
        self.export(self.data(ALMA9), "-j", "1", out="same.uvh5")
        first = bytes_but_history(self.path("same.uvh5"))
        for words in (("-j", "2"), ("-j", "3", "tiles=False")):
            os.remove(self.path("same.uvh5"))
            self.export(self.data(ALMA9), *words, out="same.uvh5")
            self.assertEqual(bytes_but_history(self.path("same.uvh5")), first)

    @unittest.skipUnless(os.environ.get("MULTIMS_MPIEXEC"), "no mpiexec")
    def test_t22_under_mpi(self):
        self.export(self.data(ALMA9), "scan=1~3", out="same.uvh5")
        first = bytes_but_history(self.path("same.uvh5"))
        for ranks in (2, 3):
            os.remove(self.path("same.uvh5"))
            run = self.run_words(os.environ["MULTIMS_MPIEXEC"], "-n", ranks,
                                 program_case.args.program, "exportuvh5", self.data(ALMA9),
                                 "same.uvh5", "datacolumn=data", "scan=1~3", "--no-sync", "--quiet")
            self.assertEqual(run.returncode, 0, run.stderr)
            self.assertEqual(bytes_but_history(self.path("same.uvh5")), first)

    def test_t24_stopped(self):
        self.simulate("in.ms", "antennas=28", "channels=64", "integrations=60")
        child = self.begin("exportuvh5", "in.ms", "out.uvh5", "datacolumn=data")
        child.terminate()
        if child.wait() == 0:
            self.skipTest("the export was done before it could be stopped")
        self.assertEqual(os.listdir(self.folder), ["in.ms"])
        self.export("in.ms")

    def test_t26_dryrun(self):
        plan = self.answer("exportuvh5", self.data("D7x.ms"), "out.uvh5", "datacolumn=data",
                           "--dryrun")
        self.assertEqual((plan["blts"], plan["channels"], plan["polarizations"]), (60, 16, 2))
        self.assertEqual(plan["absent"], 0.05)
        self.assertEqual(os.listdir(self.folder), [])

    def eop(self, name, days):
        """A file in the form of finals2000A: x, y, UT1 - UTC of each MJD."""
        with open(self.path(name), "w") as f:
            for day, values in sorted(days.items()):
                text = [" "] * 70
                for at, value in zip((7, 18, 37, 58), (f"{day:8.2f}", *(f"{v:9.6f}" for v in values[:2]),
                                                       f"{values[2]:10.7f}")):
                    text[at:at + len(value)] = value
                f.write("".join(text) + "\n")

    def test_t27_what_decides_the_sign(self):
        """How far uvw are from the antenna positions: as pyuvdata prints it."""
        self.eop("eop.txt", {56380: (0.050462, 0.372076, 0.1634083), 56381: (0.051044, 0.373287, 0.1615621),
                             56382: (0.051411, 0.374395, 0.1598229), **dict.fromkeys(range(56383, 56920), (0, 0, 0)),
                             56920: (0.199681, 0.304945, -0.3423237), 56921: (0.198904, 0.303294, -0.3430803),
                             56922: (0.19819, 0.301444, -0.3439067)})
        for name, kept, negated, sign, eop in ((ALMA2, 15357.76, 1.311292, "negated", "eop.txt"),
                                               (LOFAR, 0.0911, 48854, "kept", "eop.txt"),
                                               ("D1.ms", 349, 464.4277, "negated", "none")):
            run = self.multims("exportuvh5", self.data(name), name + ".uvh5", "datacolumn=data", "--no-sync",
                               "eop=" + eop)
            said = re.search(r"uvw against antenna 2 - antenna 1: (\S+) m as they stand, (\S+) m negated: (\w+)",
                             run.stderr)
            self.assertEqual(said[3], sign)
            numpy.testing.assert_allclose(list(map(float, said.groups()[:2])), (kept, negated), rtol=2e-3)

    def test_t29_keyword_is_obeyed(self):
        with self.copy(ALMA2) as main:
            main.putkeyword("pyuvdata_flip_conj", False)
            uvw = {tuple(row) for row in main.getcol("UVW")}
        with h5py.File(self.export(ALMA2), "r") as f:
            self.assertTrue({tuple(row) for row in f["Header/uvw_array"][()]} <= uvw)
        os.remove(self.path("out.uvh5"))
        main = self.copy(LOFAR)
        main.putkeyword("pyuvdata_flip_conj", True)
        main.close()
        with h5py.File(self.export(LOFAR), "r") as f:
            numpy.testing.assert_array_equal(f["Header/uvw_array"][0],
                                             [89.54564749937009, -341.3025468797027,
                                              114.27495299181827])

    def test_t30_kept_where_both_were_turned(self):
        main = self.copy(ALMA2)
        main.putcol("UVW", -main.getcol("UVW"))
        for row in range(main.nrows()):
            main.putcell("DATA", row, main.getcell("DATA", row).conj())
        main.close()
        self.export(ALMA2, out="turned.uvh5")
        self.export(self.data(ALMA2))
        self.assert_same(self.path("out.uvh5"), self.path("turned.uvh5"))

    def test_t35_without_earth_orientation(self):
        with h5py.File(self.export(self.data(ALMA2), "eop=none"), "r") as f:
            self.assertNotIn("lst_array", f["Header"])
            self.assertEqual(f["Header/phase_center_app_ra"].shape, (529,))

    def earth(self, name, dut1):
        """A folder of measures with days of IERSeop2000; dut1 None: 0."""
        folder = self.path(name + "/geodetic/IERSeop2000")
        os.makedirs(os.path.dirname(folder))
        columns = [makescacoldesc(c, 0.0) for c in ("MJD", "x", "y", "dUT1")]
        days = sorted(EARTH)
        with table(folder, maketabdesc(columns), nrow=len(days), ack=False) as t:
            t.putkeywords({"MJD0": days[0] - 1.0, "dMJD": 1.0, "VS_DATE": "2025/09/01/15:15",
                           "VS_VERSION": "0001.0195", "VS_TYPE": "IERS EOP2000C04_05"})
            for i, column in enumerate(("x", "y", "dUT1")):
                t.putcol(column, [EARTH[d][i] * (dut1 or i < 2) for d in days])
            t.putcol("MJD", [float(d) for d in days])
        return self.path(name)

    def at_alma(self):
        """in.ms at a place and a time that the oracle has."""
        self.simulate("in.ms", "antennas=3", "integrations=1", "corrected=False", "scans=1", "fields=1", "spws=1")
        dm = measures()
        place = dm.measure(dm.position("WGS84", "-1.1825186876902498rad", "-0.4017603075763031rad", "5024m"), "ITRF")
        lon, lat, r = (place[k]["value"] for k in ("m0", "m1", "m2"))
        with table(self.path("in.ms"), readonly=False, ack=False) as t:
            t.putcol("TIME", numpy.full(t.nrows(), 57000.3 * 86400))
        with table(self.path("in.ms/OBSERVATION"), readonly=False, ack=False) as t:
            t.addcols(maketabdesc([makearrcoldesc("TELESCOPE_LOCATION", 0.0, ndim=1, shape=[3])]))
            t.putcell("TELESCOPE_LOCATION", 0, [r * numpy.cos(lat) * numpy.cos(lon),
                                                r * numpy.cos(lat) * numpy.sin(lon), r * numpy.sin(lat)])

    def test_t31_to_t35_places_in_the_sky(self):
        """What pyuvdata 3.2.8 gave (astrometry.json), with Earth orientation to 45 us, and without it."""
        self.at_alma()
        env = {**os.environ, "MULTIMS_MEASURES": self.earth("measures", True)}
        for frame, there, ra, dec, pa, near in (
                ("J2000", (4.2, -1.35), 4.208712662338448, -1.3506364186153854, -0.005730394191548494, 1e-8),
                ("ICRS", (1.0, 0.4), 1.003993864980484, 0.4007691136323118, 0.0013984350864306063, 1e-8),
                ("B1950", (2.0, 0.3), 2.016381670662336, 0.2972722895873427, 0.0059755688275518245, 4.8e-7)):
            with table(self.path("in.ms/FIELD"), readonly=False, ack=False) as t:
                info = t.getcolkeyword("PHASE_DIR", "MEASINFO")
                t.putcolkeyword("PHASE_DIR", "MEASINFO", {**info, "Ref": frame})
                t.putcell("PHASE_DIR", 0, numpy.array([there]))
            for eop, more in ("auto", 0), ("none", 2e-6):
                out = self.export("in.ms", "eop=" + eop, "overwrite=True", env=env)
                with h5py.File(out, "r") as f:
                    h = f["Header"]
                    self.assertEqual("lst_array" in h, eop == "auto")
                    if eop == "auto":
                        self.assertLess(abs(h["lst_array"][0] - 2.0630054037631718), 1e-8)
                    self.assertLess(abs(h["phase_center_app_ra"][0] - ra) * numpy.cos(dec), near + more)
                    self.assertLess(abs(h["phase_center_app_dec"][0] - dec), near + more)
                    self.assertLess(abs(h["phase_center_frame_pa"][0] - pa), 20 * (near + more))

    def test_t36_earth_rotation(self):
        """UT1 - UTC that was used, by the sidereal time with it and with 0; leap seconds are none
        of UT1."""
        self.simulate("in.ms", "antennas=3", "integrations=4", "corrected=False", "scans=1",
                      "fields=1", "spws=1")
        mjd = numpy.array([57000.3, 57000.9, 57753.9999, 57754.0001])
        with table(self.path("in.ms"), readonly=False, ack=False) as t:
            stamps = sorted(set(t.getcol("TIME")))
            place = [stamps.index(s) for s in t.getcol("TIME")]
            t.putcol("TIME", mjd[place] * 86400)
        lst = []
        for name, dut1 in ("with", True), ("without", False):
            env = {**os.environ, "MULTIMS_MEASURES": self.earth(name, dut1)}
            with h5py.File(self.export("in.ms", out=name + ".uvh5", env=env), "r") as f:
                first = [list(place).index(i) for i in range(4)]
                lst.append(f["Header/lst_array"][()][first])
        dut1 = (lst[0] - lst[1]) * 43200 / numpy.pi / 1.00273790935
        numpy.testing.assert_allclose(dut1[:2], [-0.432774, -0.4333833], rtol=0, atol=1e-6)
        ut1 = mjd[2:] * 86400 + dut1[2:] + (0, -1)  # seconds without the leap second
        self.assertAlmostEqual(ut1[1] - ut1[0], 0.0002 * 86400, 4)

    def test_t37_tai(self):
        for name, seconds in (ALMA2, 35), (ALMA9, 34):
            with h5py.File(self.export(self.data(name), out="utc.uvh5"), "r") as f:
                utc = f["Header/time_array"][()]
            with self.copy(name) as main:
                info = main.getcolkeyword("TIME", "MEASINFO")
                main.putcolkeyword("TIME", "MEASINFO", {**info, "Ref": "TAI"})
            with h5py.File(self.export(name, out="tai.uvh5"), "r") as f:
                shift = (utc - f["Header/time_array"][()]) * 86400
            numpy.testing.assert_allclose(shift, seconds, atol=1e-4)
            for file in "utc.uvh5", "tai.uvh5":
                os.remove(self.path(file))

    def test_t43_antennas_without_rows(self):
        main = self.copy("D1.ms")
        with table(self.path("D1.ms/ANTENNA"), readonly=False, ack=False) as antennas:
            number = antennas.nrows()
            antennas.addrows(2)
            antennas.putcell("POSITION", number, [0.0, 0.0, 0.0])
            antennas.putcell("POSITION", number + 1, antennas.getcell("POSITION", 0) + 50)
            antennas.putcell("NAME", number + 1, "new")
        main.close()
        with h5py.File(self.export("D1.ms"), "r") as f:
            wanted = [*range(number), number + 1]
            self.assertEqual(f["Header/antenna_numbers"][()].tolist(), wanted)

    def test_t44_names_that_are_none(self):
        main = self.copy("D1.ms")
        with table(self.path("D1.ms/ANTENNA"), readonly=False, ack=False) as antennas:
            stations = [f"S{i}" for i in range(antennas.nrows())]
            antennas.putcol("NAME", ["A"] * antennas.nrows())
            antennas.putcol("STATION", stations)
        main.close()
        with h5py.File(self.export("D1.ms"), "r") as f:
            self.assertEqual([n.decode() for n in f["Header/antenna_names"][()]], stations)

    def test_t42_a_polynomial(self):
        self.copy("D1.ms").close()
        with table(self.path("D1.ms/FIELD"), readonly=False, ack=False) as t:
            for name in "PHASE_DIR", "DELAY_DIR", "REFERENCE_DIR":  # of any shape
                cells, words = [t.getcell(name, i) for i in (0, 1)], t.getcolkeywords(name)
                t.removecols([name])
                t.addcols(maketabdesc([makearrcoldesc(name, 0.0, ndim=2)]))
                t.putcolkeywords(name, words)
                t.putcell(name, 0, cells[0])
                t.putcell(name, 1, numpy.repeat(cells[1], 2, axis=0))
            t.putcell("NUM_POLY", 1, 1)
        run = self.multims("exportuvh5", "D1.ms", "out.uvh5", "datacolumn=data", status=2)
        self.assertIn("field 1: PHASE_DIR is a polynomial of 2 terms; UVH5 holds one direction",
                      run.stderr)
        self.assertEqual(os.listdir(self.folder), ["D1.ms"])

    def test_t46_no_place_of_the_telescope(self):
        """One that casacore does not know, and VLBA, whose place is the centre of the Earth."""
        self.copy("D1.ms").close()
        with table(self.path("D1.ms/ANTENNA"), ack=False) as t:
            mean = t.getcol("POSITION").mean(axis=0)
        for name in "NOWHERE", "VLBA":
            with table(self.path("D1.ms/OBSERVATION"), readonly=False, ack=False) as t:
                t.putcol("TELESCOPE_NAME", [name] * t.nrows())
            run = self.multims("exportuvh5", "D1.ms", name, "datacolumn=data", "--no-sync")
            self.assertIn("the mean of the antennas", run.stdout + run.stderr)
            with h5py.File(self.path(name), "r") as f:
                header = {k: f["Header/" + k][()] for k in ("longitude", "latitude", "altitude")}
                self.assertEqual(f["Header/telescope_name"][()].decode(), name)
                self.assertLess(abs(f["Header/antenna_positions"][()].mean(axis=0)).max(), 1e-3)
            there = measures().position("WGS84", f"{header['longitude']}deg",
                                        f"{header['latitude']}deg", f"{header['altitude']}m")
            back = measures().measure(there, "ITRF")
            lon, lat, r = (back[k]["value"] for k in ("m0", "m1", "m2"))
            xyz = [r * numpy.cos(lat) * numpy.cos(lon), r * numpy.cos(lat) * numpy.sin(lon),
                   r * numpy.sin(lat)]
            numpy.testing.assert_allclose(xyz, mean, atol=0.1)

    def test_t47_flag_row(self):
        main = self.copy("D1.ms")
        rows = main.getcol("FLAG_ROW")
        rows[:] = True
        main.putcol("FLAG_ROW", rows)
        main.close()
        with h5py.File(self.export("D1.ms"), "r") as f:
            self.assertTrue(f["Data/flags"][()].all())

    def test_t49_unit_without_a_place(self):
        main = self.copy("D1.ms")
        main.putcolkeyword("DATA", "QuantumUnits", ["mJy"])
        main.close()
        run = self.multims("exportuvh5", "D1.ms", "out.uvh5", "datacolumn=data", "--quiet")
        self.assertIn('unit "mJy" of DATA has no place in UVH5: written as uncalib', run.stderr)

    def test_t50_a_key_twice(self):
        main = self.copy("D1.ms")
        main.putcell("ANTENNA2", 1, main.getcell("ANTENNA2", 0))
        main.close()
        with h5py.File(self.export("D1.ms"), "r") as f:
            self.assertEqual(f["Header/Nblts"][()], 121)

    def test_t23_compression(self):
        plain = self.export(self.data(ALMA9))
        packed = self.export(self.data(ALMA9), "compression=gzip", out="packed.uvh5")
        self.assert_same(plain, packed)
        with h5py.File(packed, "r") as f:
            for name in "flags", "nsamples":
                item = f["Data"][name]
                self.assertEqual((item.compression, item.compression_opts, item.shuffle),
                                 ("gzip", 1, True))
            self.assertIsNone(f["Data/visdata"].chunks)
        self.assertLess(os.path.getsize(packed), os.path.getsize(plain))
        self.multims("verify", "packed.uvh5", f"--against={self.data(ALMA9)}")
        whole = bytes_but_history(packed)
        for workers in "1", "3":
            os.remove(packed)
            self.export(self.data(ALMA9), "compression=gzip", "-j", workers, out="packed.uvh5")
            self.assertEqual(bytes_but_history(packed), whole)

    def test_chunks_are_compressed_once(self):
        """They stand in the file as they came: none was written again, where there was room for more."""
        self.simulate("in.ms", "antennas=16", "channels=64", "integrations=40", "flags=0.4")
        with h5py.File(self.export("in.ms", "compression=gzip"), "r") as f:
            sets = [f["Data"][name].id for name in ("flags", "nsamples")]
            places = [item.get_chunk_info(i).byte_offset
                      for i in range(sets[0].get_num_chunks()) for item in sets]
        self.assertGreater(len(places), 4)
        self.assertEqual(places, sorted(places))

    def test_gone_on_with(self):
        self.simulate("in.ms", "antennas=16", "channels=64", "integrations=40", "flags=0.4")
        for packed in (), ("compression=gzip",):
            self.kill_and_go_on(7, *packed)

    def test_a_run_that_has_not_ended_yet(self):
        """It has let go of its journal: another one does not begin anew beside it."""
        self.simulate("in.ms", "antennas=16", "channels=64", "integrations=40")
        words = "exportuvh5", "in.ms", "out.uvh5", "datacolumn=data"
        while not self.kill_when(self.done, *words, "-j", "7"):
            os.remove(self.path("out.uvh5"))
        owner, = glob.glob(self.path(".out.uvh5.mms-part-*/owner.json"))
        with open(owner) as f, open("/proc/self/stat") as stat:
            told = f.read()
            ours = {"pid": os.getpid(), "started": int(stat.read().rpartition(")")[2].split()[19])}
        with open(owner, "w") as f:
            json.dump({**json.loads(told), **ours}, f)
        left = sorted(os.listdir(self.folder))
        run = self.multims(*words, "--resume", status=2)
        self.assertIn("the run that makes it is at work", run.stderr)
        self.assertEqual(sorted(os.listdir(self.folder)), left)
        with open(owner, "w") as f:
            f.write(told)
        self.assertIn(" parts done", self.multims(*words, "--resume").stderr)
        self.assertEqual(sorted(os.listdir(self.folder)), ["in.ms", "out.uvh5"])

    def test_a_file_a_part(self):
        run = self.multims("exportuvh5", self.data("scan.mms"), "out.uvh5", "datacolumn=data",
                           "--no-sync", "perpart=true", "--json")
        parts = json.loads(run.stdout)["parts"]
        names = sorted(n for n in os.listdir(self.folder) if n.endswith(".uvh5"))
        self.assertEqual(names, [f"out.{i:04}.uvh5" for i in range(len(parts))])
        whole = self.export(self.data("scan.mms"), out="whole.uvh5")
        with h5py.File(whole, "r") as f:
            self.assertEqual(f["Header/Nblts"][()], sum(p["blts"] for p in parts))
        run = self.multims("exportuvh5", self.data("scan.mms"), "out.uvh5", "datacolumn=data",
                           "perpart=true", status=2)
        self.assertIn("Output file out.0000.uvh5 already exists", run.stderr)

    def test_parts_at_once(self):
        """Files of parts are the same for any number of workers, under MPI, and alone."""
        parts = self.data("scan.mms")
        words = ("exportuvh5", parts, "out.uvh5", "datacolumn=data", "perpart=true",
                 "overwrite=true", "--no-sync", "--quiet")

        def taken():
            names = sorted(n for n in os.listdir(self.folder) if n.startswith("out."))
            found = {n: bytes_but_history(self.path(n)) for n in names}
            for name in names:
                os.remove(self.path(name))
            return found
        self.multims(*words, "-j", "1")
        first = taken()
        self.assertGreater(len(first), 2)
        for how in (["-j", "2"], ["-j", "3", "tiles=False"], ["-j", "7"]):
            self.multims(*words, *how)
            self.assertEqual(taken(), first)
        if os.environ.get("MULTIMS_MPIEXEC"):
            run = self.run_words(os.environ["MULTIMS_MPIEXEC"], "-n", 3, program_case.args.program,
                                 *words)
            self.assertEqual(run.returncode, 0, run.stderr)
            self.assertEqual(taken(), first)
        self.multims(*words, "compression=gzip", "-j", "3")
        packed = sorted(n for n in os.listdir(self.folder) if n.startswith("out."))
        self.assertEqual(packed, sorted(first))
        for name in packed:
            self.multims("verify", name, "--against", parts)

    def test_parts_after_a_failure(self):
        """What failed is told, files that are there are complete, and resume makes the others."""
        self.multims("partition", self.data("D7.ms"), "in.mms", "datacolumn=data", "numsubms=3",
                     "separationaxis=scan", "--no-sync", "--quiet")
        words = ("exportuvh5", "in.mms", "out.uvh5", "datacolumn=data", "perpart=true", "--no-sync")
        self.multims(*words)
        names = [f"out.000{i}.uvh5" for i in range(3)]
        first = [bytes_but_history(self.path(n)) for n in names]
        stamp = os.stat(self.path(names[0])).st_mtime_ns
        for name in names[1:]:
            os.remove(self.path(name))
        member = self.path("in.mms/SUBMSS/in.0001.ms")
        with table(member, readonly=False, ack=False) as t:  # the second part can't be exported
            arrays = t.getcol("ARRAY_ID")
            t.putcell("ARRAY_ID", 0, 1)
        run = self.run_words(program_case.args.program, *words, "resume=true")
        self.assertNotEqual(run.returncode, 0)
        self.assertIn("files of 1 of 3 parts are complete, up to out.0000.uvh5", run.stderr)
        self.assertEqual(sorted(os.listdir(self.folder)), ["in.mms", "in.mms.flagversions", names[0]])
        with table(member, readonly=False, ack=False) as t:
            t.putcol("ARRAY_ID", arrays)
        parts = json.loads(self.multims(*words, "resume=true", "--json").stdout)["parts"]
        self.assertEqual([p.get("kept", False) for p in parts], [True, False, False])
        self.assertEqual([bytes_but_history(self.path(n)) for n in names], first)
        self.assertEqual(os.stat(self.path(names[0])).st_mtime_ns, stamp)
        with open(self.path(names[0]), "w") as f:
            f.write("mine")
        run = self.multims(*words, "resume=true", status=2)
        self.assertIn("out.0000.uvh5 already exists", run.stderr)

    def test_parts_that_were_killed_at_once(self):
        """Files that were written together go on where they were."""
        self.simulate("in.ms", "antennas=10", "channels=64", "integrations=40", "scans=4")
        self.multims("partition", "in.ms", "in.mms", "datacolumn=data", "numsubms=4",
                     "separationaxis=scan", "--no-sync", "--quiet", "flagbackup=False")
        words = ("exportuvh5", "in.mms", "out.uvh5", "datacolumn=data", "perpart=true", "--no-sync",
                 "-j", "5")
        names = [f"out.000{i}.uvh5" for i in range(4)]

        def done():
            """Units that the journals of the files have."""
            found = 0
            for name in names:
                with contextlib.suppress(FileNotFoundError), \
                        open(self.path(name + ".multims/journal.jsonl")) as f:
                    found += sum('"ev":"done"' in line.replace(" ", "") for line in f)
            return found

        self.multims(*words)
        whole = [bytes_but_history(self.path(name)) for name in names]
        for least in 1, 3:
            for name in names:
                os.remove(self.path(name))
            child = subprocess.Popen([program_case.args.program, *words], cwd=self.folder,
                                     start_new_session=True, stderr=subprocess.DEVNULL,
                                     stdout=subprocess.DEVNULL)
            while child.poll() is None and done() < least:
                time.sleep(0.0005)
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()
            pending = done() > 0 and not any(os.path.exists(self.path(name)) for name in names)
            run = self.multims(*words, "resume=true")
            self.assertTrue("goes on with the run" in run.stderr or not pending, run.stderr)
            self.assertEqual([bytes_but_history(self.path(name)) for name in names], whole)
            self.assertEqual(sorted(os.listdir(self.folder)), ["in.mms", "in.ms", *names])

    def test_parts_that_were_killed_when_they_had_their_names(self):
        """Their journals go with the run that goes on."""
        self.simulate("in.ms", "scans=2")
        self.multims("partition", "in.ms", "in.mms", "separationaxis=scan", "numsubms=2", "--no-sync",
                     "--quiet", "flagbackup=False")
        words = ("exportuvh5", "in.mms", "out.uvh5", "perpart=true", "--no-sync")
        self.multims(*words)
        os.mkdir(self.path("out.0001.uvh5.multims"))
        output = self.path("out.0001.uvh5")
        with open(self.path("out.0001.uvh5.multims/journal.jsonl"), "w") as file:
            file.writelines(program_case.with_sum(record) for record in (
                {"ev": "begin", "task": "exportuvh5", "version": "", "output": output},
                {"ev": "staged", "path": self.path(".out.0001.uvh5.mms-part-abcdef")},
                {"ev": "publishing", "result": {}}))
        run = self.multims(*words, "resume=true", "--json")
        self.assertEqual([p.get("kept", False) for p in json.loads(run.stdout)["parts"]], [True, True])
        self.assertEqual(sorted(os.listdir(self.folder)),
                         ["in.mms", "in.ms", "out.0000.uvh5", "out.0001.uvh5"])

    def test_parts_of_another_request_are_made_again(self):
        self.multims("partition", self.data("D7.ms"), "in.mms", "datacolumn=data", "numsubms=2",
                     "separationaxis=scan", "--no-sync", "--quiet")
        words = ("exportuvh5", "in.mms", "out.uvh5", "datacolumn=data", "perpart=true", "--no-sync")
        self.multims(*words, "spw=0")
        run = self.multims(*words, "resume=true", "--json")
        self.assertEqual([p.get("kept", False) for p in json.loads(run.stdout)["parts"]], [False, False])
        self.assertIn("out.0001.uvh5 is of another request", run.stderr)
        whole = [bytes_but_history(self.path(f"out.000{i}.uvh5")) for i in range(2)]
        run = self.multims(*words, "resume=true", "--json")
        self.assertEqual([p.get("kept", False) for p in json.loads(run.stdout)["parts"]], [True, True])
        os.utime(self.path("in.mms/SUBMSS/in.0001.ms/table.f0"))
        run = self.multims(*words, "resume=true", "--json")
        self.assertEqual([p.get("kept", False) for p in json.loads(run.stdout)["parts"]], [True, False])
        self.assertEqual([bytes_but_history(self.path(f"out.000{i}.uvh5")) for i in range(2)], whole)

    def test_parts_without_selected_rows(self):
        """Wrong selections are refused in words; parts without rows have no file, which is told."""
        self.multims("partition", self.data("D7.ms"), "in.mms", "datacolumn=data", "numsubms=2",
                     "separationaxis=scan", "--no-sync", "--quiet")
        words = ("exportuvh5", "in.mms", "out.uvh5", "datacolumn=data", "perpart=true", "--no-sync")
        for wrong, status, said in (("scan=!2", 2, 'scan="!2": Scan Expression: Parse error'),
                                    ("spw=99", 2, 'spw="99"'), ("taql=FOO", 2, 'taql="FOO"'),
                                    ("scan=999", 3, 'scan="999": no rows')):
            for more in (), ("resume=true",), ("dryrun=true",):
                run = self.multims(*words, wrong, *more, status=status)
                self.assertIn(said, run.stderr)
        with table(self.path("in.mms/SUBMSS/in.0000.ms"), ack=False) as t:
            first = t.getcell("SCAN_NUMBER", 0)
        with table(self.path("in.mms/SUBMSS/in.0001.ms"), ack=False) as t:
            second = t.getcell("SCAN_NUMBER", 0)
        self.multims(*words, f"scan={first}")
        for how in "resume=true", "overwrite=true":
            run = self.multims(*words, f"scan={second}", how)
            self.assertIn("out.0000.uvh5: the part has no selected rows; the file that is there", run.stderr)

    def set_frame(self, name):
        with table(self.path("D1.ms/FIELD"), readonly=False, ack=False) as t:
            for column in "PHASE_DIR", "DELAY_DIR", "REFERENCE_DIR":
                info = t.getcolkeyword(column, "MEASINFO")
                info["Ref"] = name
                t.putcolkeyword(column, "MEASINFO", info)

    def test_frames_of_phase_centres(self):
        self.copy("D1.ms").close()
        apparent = {}
        for name, frame, epoch in (("J2000", b"fk5", 2000), ("ICRS", b"icrs", 2000),
                                   ("B1950", b"fk4", 1950), ("B1950_VLA", b"fk4", 1979),
                                   ("APP", b"gcrs", 2000)):
            self.set_frame(name)
            with h5py.File(self.export("D1.ms", out=name + ".uvh5"), "r") as f:
                entry = f["Header/phase_center_catalog/0"]
                self.assertEqual((entry["cat_frame"][()], entry["cat_epoch"][()]), (frame, epoch))
                apparent[name] = (f["Header/phase_center_app_ra"][0],
                                  f["Header/phase_center_app_dec"][0])
        # J2000 and ICRS are 23 mas apart, GCRS of J2000.0 by aberration, B1950 by precession
        def apart(a, b):
            return max(abs(numpy.subtract(apparent[a], apparent[b])))
        self.assertLess(apart("J2000", "ICRS"), 5e-7)
        self.assertLess(apart("APP", "ICRS"), 5e-4)
        self.assertGreater(apart("APP", "ICRS"), 1e-6)
        self.assertGreater(apart("B1950", "ICRS"), 1e-3)

    def test_t45_a_frame_a_row(self):
        self.copy("D1.ms").close()
        with table(self.path("D1.ms/FIELD"), readonly=False, ack=False) as t:
            t.addcols(maketabdesc([makescacoldesc("PhaseDir_Ref", 0)]))
            t.putcol("PhaseDir_Ref", [0, 21])
            info = t.getcolkeyword("PHASE_DIR", "MEASINFO")
            del info["Ref"]
            info.update(VarRefCol="PhaseDir_Ref", TabRefTypes=["J2000", "ICRS"],
                        TabRefCodes=numpy.array([0, 21], numpy.int32))
            t.putcolkeyword("PHASE_DIR", "MEASINFO", info)
        with h5py.File(self.export("D1.ms"), "r") as f:
            self.assertEqual([f[f"Header/phase_center_catalog/{i}/cat_frame"][()] for i in (0, 1)],
                             [b"fk5", b"icrs"])

    def test_an_ephemeris(self):
        main = self.copy("D1.ms")
        mjd = main.getcell("TIME", 0) / 86400
        main.close()
        with table(self.path("D1.ms/FIELD"), readonly=False, ack=False) as t:
            t.addcols(maketabdesc([makescacoldesc("EPHEMERIS_ID", 0)]))
            t.putcol("EPHEMERIS_ID", [0, -1])
        run = self.multims("exportuvh5", "D1.ms", "no.uvh5", "datacolumn=data", status=2)
        self.assertIn("field 0: ephemeris table FIELD/EPHEM0_", run.stderr)
        names = [makescacoldesc(n, 0.0) for n in ("MJD", "RA", "DEC")]
        t = table(self.path("D1.ms/FIELD/EPHEM0_Thing.tab"), maketabdesc(names), nrow=3, ack=False)
        t.putcol("MJD", mjd + numpy.array([-1, 0, 1]))
        t.putcol("RA", numpy.array([10.0, 20.0, 30.0]))
        t.putcol("DEC", numpy.array([-10.0, -11.0, -12.0]))
        t.close()
        with h5py.File(self.export("D1.ms"), "r") as f:
            entry = f["Header/phase_center_catalog/0"]
            self.assertEqual(entry["cat_type"][()], b"ephem")
            numpy.testing.assert_allclose(entry["cat_lon"][()], numpy.radians([10, 20, 30]))
            self.assertEqual(entry["cat_times"].shape, (3,))
            self.assertLess(abs(f["Header/phase_center_app_ra"][0] - numpy.radians(20)), 0.01)
            self.assertEqual(f["Header/phase_center_catalog/1/cat_type"][()], b"sidereal")

    def test_eop_of_a_file(self):
        self.copy("D1.ms").close()
        mjd = int(table(self.path("D1.ms"), ack=False).getcell("TIME", 0) / 86400)
        self.eop("eop.txt", {mjd + d: (0.1, 0.2, 0.25) for d in range(-2, 9)})
        with h5py.File(self.export("D1.ms", "eop=eop.txt"), "r") as f:
            lst = f["Header/lst_array"][0]
        self.eop("eop.txt", {mjd + d: (0.1, 0.2, -0.25) for d in range(-2, 9)})
        with h5py.File(self.export("D1.ms", "eop=eop.txt", out="b.uvh5"), "r") as f:
            off = (lst - f["Header/lst_array"][0]) * 43200 / numpy.pi
        self.assertAlmostEqual(off, 0.5 * 1.00273790935, 6)
        with open(self.path("eop.txt"), "a") as f:
            f.write("nonsense\n")
        run = self.multims("exportuvh5", "D1.ms", "c.uvh5", "datacolumn=data", "eop=eop.txt",
                           status=2)
        self.assertIn("eop=eop.txt: line 12 is not an IERS finals2000A line", run.stderr)
        run = self.multims("exportuvh5", "D1.ms", "c.uvh5", "datacolumn=data", "eop=no.txt",
                           status=2)
        self.assertIn("eop=no.txt: not found", run.stderr)

    def test_positions_in_wgs84(self):
        self.copy("D1.ms").close()
        before = self.export("D1.ms")
        with table(self.path("D1.ms/ANTENNA"), readonly=False, ack=False) as t:
            p = t.getcol("POSITION")
            info = t.getcolkeyword("POSITION", "MEASINFO")
            info["Ref"] = "WGS84"
            t.putcolkeyword("POSITION", "MEASINFO", info)
            dm = measures()
            for i, xyz in enumerate(p):
                there = dm.measure(dm.position("ITRF", *[f"{v}m" for v in xyz]), "WGS84")
                lon, lat, h = (there[k]["value"] for k in ("m0", "m1", "m2"))
                t.putcell("POSITION", i, [h * numpy.cos(lat) * numpy.cos(lon),
                                          h * numpy.cos(lat) * numpy.sin(lon), h * numpy.sin(lat)])
        after = self.export("D1.ms", out="after.uvh5")
        with h5py.File(before, "r") as a, h5py.File(after, "r") as b:
            numpy.testing.assert_allclose(b["Header/antenna_positions"][()],
                                          a["Header/antenna_positions"][()], atol=1e-3)

    def test_feeds(self):
        with h5py.File(self.export(self.data(ALMA2)), "r") as f:
            if "feed_array" in f["Header"]:
                self.assertEqual(f["Header/feed_array"].shape,
                                 (f["Header/Nants_telescope"][()], f["Header/Nfeeds"][()]))
        self.simulate()
        with h5py.File(self.export("in.ms", out="sim.uvh5"), "r") as f:
            self.assertEqual(f["Header/feed_array"][0].tolist(), [b"x", b"y"])
            self.assertEqual(f["Header/feed_angle"].shape, (4, 2))
        with table(self.path("in.ms/FEED"), readonly=False, ack=False) as t:
            t.putcell("RECEPTOR_ANGLE", 0, [0.5, 0.5])  # of one window
        with h5py.File(self.export("in.ms", out="none.uvh5"), "r") as f:
            self.assertNotIn("feed_array", f["Header"])

    def test_t76_no_other_verb_loads_hdf5(self):
        run = self.run_words(program_case.args.program, "--version",
                             env={**os.environ, "LD_DEBUG": "files"})
        self.assertEqual(run.returncode, 0)
        self.assertIn("libc.so", run.stdout + run.stderr)
        self.assertNotIn("hdf5", run.stdout + run.stderr)

    def test_t77_plain_file(self):
        with h5py.File(self.export(self.data(ALMA2)), "r") as f:
            self.assertEqual(f.userblock_size, 0)
            for name in ("visdata", "flags", "nsamples"):
                self.assertIsNone(f["Data"][name].chunks)
            self.assertEqual(f["Data/flags"].dtype, bool)
            self.assertEqual(f["Data/visdata"].dtype, "c8")
            self.assertEqual(f["multims/scan_number"].shape, (529,))
        if shutil.which("h5dump"):
            run = self.run_words("h5dump", "-H", "out.uvh5", env={**os.environ, "HDF5_PLUGIN_PATH": "/nowhere"})
            self.assertEqual(run.returncode, 0, run.stderr)
            self.assertIn('DATASET "visdata"', run.stdout)


program_case.main(hdf5=True)
