# SPDX-License-Identifier: LGPL-2.1-or-later
"""Imports of sample files: values that pyuvdata reads, judged with python-casacore."""
import json
import os
import shutil
import sys
import unittest

import numpy
from casacore.tables import table

import program_case
from program_case import ProgramCase

program_case.parser.add_argument("--data")
program_case.parser.add_argument("--samples", help="folder of UVH5 files")

try:
    import h5py
except ImportError:
    print("skipped: no python3-h5py")
    sys.exit(77)

SAME = "enum32 gzip lzf lzf_shuffle json_catalog variable_strings minimal bigendian oldshape"


class Imports(ProgramCase):
    def sample(self, name):
        if not program_case.args.samples or not os.path.isdir(program_case.args.samples):
            self.skipTest("no sample files")
        return os.path.join(program_case.args.samples, name + ".uvh5")

    def take(self, name, *words):
        run = self.multims("importuvh5", self.sample(name), name + ".ms", "--no-sync", *words)
        return table(self.path(name + ".ms"), ack=False), run.stderr

    def sub(self, name, kind):
        return table(self.path(name + ".ms/" + kind), ack=False)

    def refuse(self, name, text):
        run = self.multims("importuvh5", self.sample(name), "out.ms", status=2)
        self.assertIn(text, run.stderr)
        self.assertEqual(os.listdir(self.folder), [])

    def total(self, t):
        return t.getcol("DATA").sum(dtype="c16")

    def test_t51_cell_by_cell(self):
        t, _ = self.take("ata_v12")
        self.assertEqual(t.nrows(), 406)
        self.assertEqual(t.getcol("FLAG").sum(), 0)
        self.assertEqual(t.getcell("UVW", 1).tolist(),
                         [-0.7443025568980879, 62.80368480755803, -13.949563383414727])
        with h5py.File(self.sample("ata_v12"), "r") as f:
            pols = f["Header/polarization_array"][()].tolist()
            order = [pols.index(p) for p in (-5, -7, -8, -6)]
            vis = f["Data/visdata"][()][:, :, order]
            samples = f["Data/nsamples"][()][:, :, order]
            numpy.testing.assert_array_equal(t.getcol("DATA"), vis.conj())
            numpy.testing.assert_array_equal(t.getcol("WEIGHT_SPECTRUM"), samples)
            numpy.testing.assert_array_equal(t.getcol("WEIGHT"), numpy.median(samples, axis=1))
            time = (f["Header/time_array"][()] - 2400000.5) * 86400
            numpy.testing.assert_array_equal(t.getcol("TIME"), time)
        weight = t.getcol("WEIGHT")  # T72
        self.assertTrue((t.getcol("SIGMA")[weight <= 0] == -1).all())

    def test_t54_phased_by_the_old_method(self):
        for name in "hera_v01_bda_phased", "odd_oldshape":  # whatever apparent coordinates they have
            t, said = self.take(name)
            self.assertEqual(said.count("has no phase_center_catalog: pyuvdata holds such files to be phased by its "
                                        "old method"), 1, said)
        t, _ = self.take("hera_v01_bda_phased", "overwrite=True")
        self.assertEqual(t.nrows(), 559)
        self.assertAlmostEqual(self.total(t) / (264769995233.1416 + 255182780.9759522j), 1, 10)

    def test_t56_one_set_in_many_forms(self):
        for form in SAME.split():
            with self.subTest(form):
                t, _ = self.take("odd_" + form)
                self.assertEqual(t.nrows(), 10)
                total = self.total(t)
                self.assertAlmostEqual(total.real, 8590065937.038345, 3)
                self.assertAlmostEqual(total.imag, -365.82569885253906, 9)
                self.assertEqual(self.sub("odd_" + form, "FIELD").getcol("NAME"), ["3c286"])

    def test_t56_the_same_set_from_each(self):
        first = None
        for form in SAME.split():
            self.take("odd_" + form)
            if first:
                run = self.run_words(program_case.args.program, "diff", first, f"odd_{form}.ms", "--json")
                failed = [c["check"] for c in json.loads(run.stdout)["checks"] if not c["passed"]]
                lacks = ["ANTENNA", "FEED"] if form == "minimal" else []  # mounts, diameters, receptors
                self.assertEqual(failed, lacks, form)
            first = first or f"odd_{form}.ms"

    def test_t57_integers(self):
        for form in ("odd_int16", "odd_int32"):
            t, _ = self.take(form)
            self.assertEqual((t.nrows(), self.total(t)), (10, 100))

    def test_t58_windows(self):
        t, _ = self.take("odd_windows")
        self.assertEqual((t.nrows(), self.total(t)), (36, 5040 + 1008j))
        data, ddid = t.getcol("DATA"), t.getcol("DATA_DESC_ID")
        sums = [data[ddid == d].sum(dtype="c16") for d in range(3)]
        self.assertEqual(sums, [1104 + 336j, 1680 + 336j, 2256 + 336j])
        self.assertEqual(self.sub("odd_windows", "FIELD").nrows(), 2)
        self.assertEqual(self.sub("odd_windows", "SPECTRAL_WINDOW").getcol("NUM_CHAN").tolist(),
                         [4, 4, 4])
        self.assertTrue(t.getkeyword("pyuvdata_flip_conj"))

    def test_t59_one_polarization_a_window(self):
        t, _ = self.take("odd_flexpol")
        self.assertEqual(t.nrows(), 36)
        self.assertEqual(self.sub("odd_flexpol", "POLARIZATION").getcol("CORR_TYPE").tolist(),
                         [[5], [8]])
        self.assertEqual(self.sub("odd_flexpol", "POLARIZATION").getcol("CORR_PRODUCT").tolist(),
                         [[[0, 0]], [[1, 1]]])

    def test_t60_ephemeris(self):
        t, _ = self.take("odd_ephem")
        self.assertEqual((t.nrows(), self.sub("odd_ephem", "SOURCE").nrows()), (10, 5))

    def test_t61_to_t65_refusals(self):
        self.refuse("odd_bitshuffle", "filter 32008 (bitshuffle)")
        self.refuse("odd_transposed", "Data/visdata is 10 x 4 x 6; Nblts x Nfreqs x Npols is "
                                      "10 x 6 x 4")
        self.refuse("odd_truncated", "truncated: 39576 bytes expected, 26384 there")
        self.refuse("odd_no_nsamples", "no dataset Data/nsamples")
        self.refuse("odd_unknown_antenna", "row 0: antenna 9999 is not in antenna_numbers")
        self.refuse("odd_unknown_phase_center", "row 0: phase centre 77 is not in")
        self.refuse("odd_unknown_polarization", "holds -9; codes are 1..4 and -1..-8")
        self.refuse("odd_driftscan", 'phase centre 0 ("3c286") is a driftscan')
        self.refuse("hera_v10", "is unprojected, which a MeasurementSet cannot hold")

    def changed(self, change):
        """A sample with its header changed."""
        shutil.copy(self.sample("odd_windows"), self.path("in.uvh5"))
        os.chmod(self.path("in.uvh5"), 0o644)
        with h5py.File(self.path("in.uvh5"), "r+") as f:
            change(f["Header"])
        run = self.multims("importuvh5", "in.uvh5", "out.ms", status=2)
        self.assertEqual(os.listdir(self.folder), ["in.uvh5"])
        return run.stderr

    def test_e19_no_complex_numbers(self):
        def real(header):
            data = header.parent["Data"]
            shape = data["visdata"].shape
            del data["visdata"]
            data["visdata"] = numpy.zeros(shape, "f4")
        self.assertIn("Data/visdata is not a compound of r and i", self.changed(real))

    def test_e24_a_frame_that_no_set_has(self):
        def galactic(header):
            catalogue = header["phase_center_catalog"]
            name = sorted(catalogue)[0]
            del catalogue[name + "/cat_frame"]
            catalogue[name + "/cat_frame"] = numpy.bytes_(b"galactic")
        self.assertRegex(self.changed(galactic), r"phase centre \d+: frame galactic \(epoch 2000\) "
                                                 "has no MeasurementSet counterpart")

    def test_e25_the_moon(self):
        def moon(header):
            if "telescope_frame" in header:
                del header["telescope_frame"]
            header["telescope_frame"] = numpy.bytes_(b"mcmf")
        self.assertIn("telescope_frame is mcmf (the Moon); only itrs is read", self.changed(moon))

    def image(self, name):
        """The pixels of WSClean's dirty image of a field."""
        run = self.run_words("wsclean", "-j", "1", "-size", "64", "64", "-scale", "30asec", "-name",
                             name + ".img", "-channel-range", "0", "4", "-field", "0", name)
        self.assertEqual(run.returncode, 0, run.stdout + run.stderr)
        with open(self.path(name + ".img-dirty.fits"), "rb") as f:
            data = f.read()
        at = data.index(b"END" + b" " * 77)
        return numpy.frombuffer(data, ">f4", 64 * 64, (at // 2880 + 1) * 2880)

    @unittest.skipUnless(shutil.which("wsclean"), "no wsclean")
    def test_wsclean_makes_the_same_image(self):
        self.multims("simulate", "in.ms", "antennas=8", "channels=4", "integrations=6", "noise=1",
                     "corrected=False", "--no-sync", "--quiet")
        self.multims("exportuvh5", "in.ms", "in.uvh5", "datacolumn=data", "--no-sync", "--quiet")
        with h5py.File(self.path("in.uvh5"), "r") as f, table(self.path("in.ms"), ack=False) as t:
            kept = any((t.getcol("UVW") == row).all(axis=1).any() for row in f["Header/uvw_array"])
        self.multims("importuvh5", "in.uvh5", "back.ms", "--no-sync", "--quiet",
                     f"flipconj={not kept}")
        first, second = self.image("in.ms"), self.image("back.ms")
        self.assertGreater(abs(first).max(), 0)
        numpy.testing.assert_allclose(second, first, atol=1e-4 * abs(first).max())

    def test_t62_a_wrong_count(self):
        t, said = self.take("odd_nbls")
        self.assertEqual(t.nrows(), 10)
        self.assertIn("Nbls is 13; there are 10 baselines", said)

    def test_t68_there_and_back(self):
        self.take("odd_windows")
        self.multims("exportuvh5", "odd_windows.ms", "again.uvh5", "datacolumn=data")
        with h5py.File(self.sample("odd_windows"), "r") as a, \
                h5py.File(self.path("again.uvh5"), "r") as b:
            key = [numpy.lexsort((f["Header/ant_2_array"][()], f["Header/ant_1_array"][()],
                                  f["Header/time_array"][()])) for f in (a, b)]
            self.assertEqual(a["Header/polarization_array"][()].tolist(),
                             b["Header/polarization_array"][()].tolist())
            for name in ("Data/visdata", "Data/flags", "Data/nsamples", "Header/uvw_array",
                         "Header/ant_1_array", "Header/phase_center_id_array"):
                numpy.testing.assert_array_equal(a[name][()][key[0]], b[name][()][key[1]], name)
            numpy.testing.assert_array_equal(a["Header/spw_array"][()], b["Header/spw_array"][()])
            for name in "antenna_numbers", "antenna_names", "freq_array", "channel_width", "flex_spw_id_array":
                numpy.testing.assert_array_equal(a["Header/" + name][()], b["Header/" + name][()], name)
            numpy.testing.assert_allclose(a["Header/antenna_positions"][()], b["Header/antenna_positions"][()],
                                          rtol=0, atol=1e-6)
            catalogues = [f["Header/phase_center_catalog"] for f in (a, b)]
            self.assertEqual(*map(set, catalogues))
            for key in catalogues[0]:
                for name in "cat_name", "cat_type", "cat_frame", "cat_epoch", "cat_lon", "cat_lat":
                    self.assertEqual(*(c[key][name][()] for c in catalogues), name)

    def test_t69_there_and_back(self):
        order = "TIME,ANTENNA1,ANTENNA2,FIELD_ID,DATA_DESC_ID"
        for name in ("D7x.ms", "D9b.ms"):
            path = os.path.join(program_case.args.data, name)
            self.multims("exportuvh5", path, name + ".uvh5", "datacolumn=data")
            self.multims("importuvh5", name + ".uvh5", name, "--no-sync")
            a = table(path, ack=False).sort(order)
            b = table(self.path(name), ack=False).sort(order)
            self.assertEqual(a.nrows(), b.nrows())
            self.assertLess(abs(a.getcol("TIME") - b.getcol("TIME")).max(), 2.2e-5)
            for i in range(a.nrows()):
                for column in ("DATA", "FLAG", "UVW", "ANTENNA1", "ANTENNA2", "SCAN_NUMBER"):
                    numpy.testing.assert_array_equal(a.getcell(column, i), b.getcell(column, i))

    def test_no_input_and_no_hdf5(self):
        run = self.multims("importuvh5", "no.uvh5", "out.ms", status=2)
        self.assertIn("not found", run.stderr)
        with open(self.path("text.uvh5"), "w") as f:
            f.write("mine")
        run = self.multims("importuvh5", "text.uvh5", "out.ms", status=2)
        self.assertIn("text.uvh5 is not an HDF5 file", run.stderr)
        self.assertEqual(os.listdir(self.folder), ["text.uvh5"])

    def test_output_exists(self):
        self.simulate()
        self.multims("exportuvh5", "in.ms", "out.uvh5", "datacolumn=data")
        run = self.multims("importuvh5", "out.uvh5", "in.ms", status=2)
        self.assertIn("in.ms", run.stderr)
        self.assertEqual(table(self.path("in.ms"), ack=False).nrows() > 0, True)

    def test_t70_any_number_of_workers(self):
        self.simulate("in.ms", "antennas=8", "integrations=30", "channels=32")
        self.multims("exportuvh5", "in.ms", "in.uvh5", "datacolumn=data", "--no-sync", "--quiet")
        for workers in 1, 2, 4:
            os.mkdir(self.path(f"w{workers}"))
            for name, words in (("a", []), ("b", ["createmms=true", "separationaxis=spw"])):
                self.multims("importuvh5", "in.uvh5", f"w{workers}/{name}", "--no-sync", "--quiet",
                             f"--workers={workers}", *words)
        for folder, _, files in os.walk(self.path("w1")):
            for file in files:
                first = os.path.join(folder, file)
                for workers in "24":
                    second = first.replace(self.path("w1"), self.path("w" + workers))
                    # casacore leaves bytes between arrays of free shape as they come
                    if "HISTORY" not in folder and not file.endswith((".info", ".lock", "i", "LIST")):
                        with open(first, "rb") as f, open(second, "rb") as g:
                            self.assertEqual(f.read(), g.read(), first)

    def test_t71_straight_to_a_multi_ms(self):
        self.simulate("in.ms", "scans=3", "antennas=5")
        self.multims("exportuvh5", "in.ms", "in.uvh5", "datacolumn=data", "--no-sync", "--quiet")
        self.multims("importuvh5", "in.uvh5", "one.ms", "--no-sync", "--quiet")
        for axis, parts in ("scan", 3), ("spw", 2), ("auto", 6), ("baseline", 4), ("balanced", 8):
            with self.subTest(axis):
                found = self.answer("importuvh5", "in.uvh5", axis + ".mms", "--no-sync",
                                    "createmms=true", f"separationaxis={axis}",
                                    *(["numsubms=4"] if axis == "baseline" else []))
                self.assertLessEqual(len(found["names"]), parts)
                self.assertGreater(len(found["names"]), 1)
                self.multims("verify", axis + ".mms")
                self.multims("diff", "one.ms", axis + ".mms", "--ignore-order")
                self.assertTrue(os.path.isdir(self.path(axis + ".mms.flagversions")))
                found = self.answer("listpartition", axis + ".mms")
                self.assertGreater(len(found), 1)

    def test_t52_t53_t55_t66_unprojected(self):
        # rows, flags, right ascension and declination that pyuvdata 3.2.8 gives the zenith (rad)
        for name, rows, flags, ra, dec in (
                ("hera_v12_int32", 80, 0, 0.2548623555257485, -0.537920631327772),
                ("hera_v0_c16", 200, 0, None, None), ("hera_v01", 360, 0, None, None),
                ("hera_v10", 180, 21214, None, None), ("hera_v0_wide", 6, 0, None, None),
                ("hera_v12_jy", 30, None, None, None), ("simulated_bda", 17, 0, None, None),
                ("hera_v0_two_rows", 2, 3072, None, None)):
            with self.subTest(name):
                run = self.multims("importuvh5", self.sample(name), name + ".ms", status=2)
                self.assertIn("is unprojected, which a MeasurementSet cannot hold; "
                              "unprojected=zenith", run.stderr)
                self.multims("importuvh5", self.sample(name), name + ".ms", "unprojected=zenith",
                             "--no-sync", "--quiet")
                with h5py.File(self.sample(name), "r") as f:
                    jd = f["Header/time_array"][0]
                main = table(self.path(name + ".ms"), ack=False)
                field = table(self.path(name + ".ms/FIELD"), ack=False)
                self.assertEqual(main.nrows(), rows)
                self.assertEqual(field.getcell("NAME", 0), f"zenith_at_jd{jd:f}")
                if flags is not None:
                    self.assertEqual(main.getcol("FLAG").sum(), flags)
                if ra:  # without polar motion to 0.5 arcsec
                    there = field.getcell("PHASE_DIR", 0)[0]
                    self.assertLess(abs(there - [ra, dec]).max(), 2.5e-6)
                # phases turn by w, and exported again the uvw agree with the antennas
                self.multims("exportuvh5", name + ".ms", name + ".uvh5", "datacolumn=data",
                             "--no-sync", "--quiet")
                found = self.answer("verify", name + ".uvh5")
                self.assertEqual(found["warnings"], [])
                with h5py.File(self.sample(name), "r") as a, \
                        h5py.File(self.path(name + ".uvh5"), "r") as b:
                    old, new = a["Data/visdata"][()], b["Data/visdata"][()]
                    sizes = [(abs(v) if v.dtype.names is None else
                              numpy.hypot(v["r"].astype(float), v["i"].astype(float))).ravel()
                             for v in (old, new)]
                    good = numpy.isfinite(sizes[0])
                    numpy.testing.assert_allclose(numpy.sort(sizes[1][good]),
                                                  numpy.sort(sizes[0][good]), rtol=1e-5)

    def test_overwrite(self):
        self.simulate()
        self.multims("exportuvh5", "in.ms", "in.uvh5", "datacolumn=data", "--no-sync", "--quiet")
        self.multims("importuvh5", "in.uvh5", "out.ms", "--no-sync", "createmms=true")
        self.multims("importuvh5", "in.uvh5", "out.ms", status=2)
        self.multims("importuvh5", "in.uvh5", "out.ms", "overwrite=true")
        self.assertEqual(sorted(os.listdir(self.folder)), ["in.ms", "in.uvh5", "out.ms"])
        self.assertEqual(table(self.path("out.ms"), ack=False).nrows(), 48)
        os.mkdir(self.path("mine"))
        run = self.multims("importuvh5", "in.uvh5", "mine", "overwrite=true", status=2)
        self.assertIn("mine is no MeasurementSet: it is not overwritten", run.stderr)

    def test_keywords_and_the_telescope(self):
        shutil.copy(self.sample("odd_windows"), self.path("in.uvh5"))
        with h5py.File(self.path("in.uvh5"), "r+") as f:
            extra = f["Header"].require_group("extra_keywords")
            extra["MYTEXT"], extra["MYNUMBER"], extra["MYINT"] = "some", 2.5, 7
            f["Header/vis_units"][()] = b"Jy"
            f["Header/pol_convention"] = "avg"
            n = f["Header/Nants_telescope"][()]
            for name in "Nfeeds", "feed_array", "feed_angle":
                f["Header"].pop(name, None)
            f["Header/Nfeeds"] = 2
            f["Header/feed_array"] = numpy.array([[b"y", b"x"]] * n)
            f["Header/feed_angle"] = numpy.array([[0.25, 1.5]] * n)
            place = [f["Header/" + k][()] for k in ("longitude", "latitude", "altitude")]
        self.multims("importuvh5", "in.uvh5", "out.ms", "--no-sync")
        main = table(self.path("out.ms"), ack=False)
        extra = main.getkeyword("pyuvdata_extra")
        self.assertEqual([extra[k] for k in ("MYTEXT", "MYNUMBER", "MYINT")], ["some", 2.5, 7])
        self.assertEqual(main.getkeyword("pyuvdata_polconv"), "avg")
        self.assertTrue(main.getkeyword("pyuvdata_has_feed"))
        feed = table(self.path("out.ms/FEED"), ack=False)
        self.assertEqual(list(feed.getcell("POLARIZATION_TYPE", 0)), ["Y", "X"])
        self.assertEqual(list(feed.getcell("RECEPTOR_ANGLE", 0)), [0.25, 1.5])
        where = table(self.path("out.ms/OBSERVATION"), ack=False).getcell("TELESCOPE_LOCATION", 0)
        self.assertAlmostEqual(numpy.degrees(numpy.arctan2(where[1], where[0])), place[0], 9)
        self.multims("exportuvh5", "out.ms", "back.uvh5", "datacolumn=data", "--no-sync")
        with h5py.File(self.path("back.uvh5"), "r") as f:
            for name, value in zip(("longitude", "latitude", "altitude"), place):
                self.assertAlmostEqual(f["Header/" + name][()], value, 6)

    def test_frames_of_several_phase_centres(self):
        shutil.copy(self.sample("odd_windows"), self.path("in.uvh5"))
        with h5py.File(self.path("in.uvh5"), "r+") as f:
            catalogue = f["Header/phase_center_catalog"]
            ids = sorted(catalogue, key=int)
            self.assertEqual(len(ids), 2)
            for key, frame, epoch in ((ids[0], b"fk4", 1950.0), (ids[1], b"icrs", 2000.0)):
                for name, value in (("cat_frame", frame), ("cat_epoch", epoch)):
                    catalogue[key].pop(name, None)
                    catalogue[key][name] = numpy.bytes_(value) if name == "cat_frame" else value
        self.multims("importuvh5", "in.uvh5", "out.ms", "--no-sync")
        field = table(self.path("out.ms/FIELD"), ack=False)
        self.assertEqual(field.getcolkeyword("PHASE_DIR", "MEASINFO")["VarRefCol"], "PhaseDir_Ref")
        self.assertEqual(list(field.getcol("PhaseDir_Ref")), [4, 21])

    def test_t67_a_damaged_stream(self):
        with open(self.sample("odd_lzf"), "rb") as f:
            data = bytearray(f.read())
        with h5py.File(self.sample("odd_lzf"), "r") as f:
            at = f["Data/visdata"].id.get_chunk_info(0).byte_offset
        data[at] = 0xff
        data[at + 1] = data[at + 2] = 0xff
        with open(self.path("bad.uvh5"), "wb") as f:
            f.write(data)
        run = self.multims("importuvh5", "bad.uvh5", "out.ms", status=1)
        self.assertIn("bad.uvh5: Data/visdata rows 0-9: LZF stream is damaged", run.stderr)
        self.assertEqual(os.listdir(self.folder), ["bad.uvh5"])


program_case.main(hdf5=True)
