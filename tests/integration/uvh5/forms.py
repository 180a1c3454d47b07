# SPDX-License-Identifier: LGPL-2.1-or-later
"""Forms of UVH5 files that the samples do not have: chunks and filters, types, catalogues, keywords; each by importuvh5,
verify, diff and list."""
import json
import os
import struct
import zlib

import numpy
from casacore.tables import table

import program_case
from uvh5_case import UvhCase, h5py, write_uvh5

LIMIT = 64 << 10  # KiB above a run that does nothing
VIS = numpy.dtype([("r", "f4"), ("i", "f4")])


class Forms(UvhCase):
    def values(self, shape, kind):
        """Whole numbers, which every type holds, and some flags."""
        dice = numpy.random.default_rng(len(kind))
        vis = numpy.empty(shape, numpy.dtype([("r", kind), ("i", kind)]))
        vis["r"], vis["i"] = dice.integers(-90, 90, (2, *shape))
        return vis, dice.random(shape) < 0.3, dice.integers(0, 9, shape).astype("f4")

    def check_import(self, vis, flags, nsamples, *words):
        """in.uvh5 is the MS that it becomes, and what other verbs say of it."""
        self.multims("importuvh5", "in.uvh5", "out.ms", "--no-sync", "--quiet", "overwrite=True", *words)
        with table(self.path("out.ms"), ack=False) as t:
            rows = numpy.argsort(t.getcol("DATA_DESC_ID"), kind="stable")
            data, flag, weight = (t.getcol(c)[rows] for c in ("DATA", "FLAG", "WEIGHT_SPECTRUM"))
        pols = vis.shape[2]
        order = {1: [0], 2: [0, 1], 4: [0, 2, 3, 1]}[pols]
        want = (vis["r"].astype("f4") - 1j * vis["i"].astype("f4")).astype("c8")

        def split(cube):
            return numpy.concatenate(numpy.split(cube, len(data) // len(cube), axis=1))[:, :, order]
        for have, given in (data, want), (flag, flags), (weight, nsamples):
            numpy.testing.assert_array_equal(have, split(given))

    def try_words(self, *words):
        """Whatever the exit status."""
        return self.run_words(program_case.args.program, *words)

    def check_verbs(self):
        checks = json.loads(self.try_words("verify", "in.uvh5", "--against=out.ms", "--json").stdout)
        failed = [c["check"] for c in checks["checks"] if not c["passed"]]
        self.assertEqual(set(failed) - {"layout"}, set(), failed)
        self.multims("diff", "in.uvh5", "in.uvh5")
        self.assertIn("X", self.multims("list", "in.uvh5").stdout)

    def test_chunks_and_filters(self):
        """Chunks that cut each axis, and hold several windows, by one and three threads, in little memory."""
        shape = (500, 24, 4)
        filters = ({}, {"compression": "gzip", "shuffle": True, "fletcher32": True}, {"fletcher32": True},
                   {"compression": "lzf", "shuffle": True}, {"compression": "lzf"}, {"shuffle": True})
        forms = [(kind, chunk, dict(filters[(i + k) % 6]))
                 for i, (kind, chunk) in enumerate((("f4", (63, 5, 1)), ("<i4", (500, 24, 4)), (">f8", (64, 24, 3)),
                                                    ("i2", (1, 24, 4)), ("f4", (7, 12, 2)), ("f4", (512, 1, 4))))
                 for k in (0, 1, 4)]
        for number, (kind, chunk, how) in enumerate(forms):
            with self.subTest(f"{kind}, chunks {chunk}, {how}"):
                vis, flags, nsamples = self.values(shape, kind)
                how["chunks"] = tuple(min(a, b) for a, b in zip(chunk, shape))
                write_uvh5(self.path("in.uvh5"), shape[0], 3, 4, 8, vis, flags, nsamples, **how)
                self.check_import(vis, flags, nsamples, "-j", ("1", "3")[number % 2],
                                  ("memory=16MiB", "memory=512MiB")[number % 3 == 0])
                if number % 7 == 0:
                    self.check_verbs()

    def test_filters_of_the_library(self):
        shape = (100, 8, 2)
        vis, flags, nsamples = self.values(shape, "f4")
        write_uvh5(self.path("in.uvh5"), 100, 1, 2, 8, vis, flags, nsamples)
        with h5py.File(self.path("in.uvh5"), "r+") as f:
            del f["Data/nsamples"]
            f.create_dataset("Data/nsamples", data=nsamples.astype("i4"), chunks=(10, 8, 1), scaleoffset=4)
        self.check_import(vis, flags, nsamples)
        self.check_verbs()

    def test_chunks_that_were_never_written(self):
        shape = (100, 8, 2)
        for fill in False, True:
            vis, flags, nsamples = self.values(shape, "f4")
            write_uvh5(self.path("in.uvh5"), 100, 1, 2, 8, vis, flags, nsamples)
            flags[20:] = fill
            with h5py.File(self.path("in.uvh5"), "r+") as f:
                del f["Data/flags"]
                d = f.create_dataset("Data/flags", shape, "?", chunks=(10, 8, 2), compression="lzf", fillvalue=fill)
                d[:20] = flags[:20]
            self.check_import(vis, flags, nsamples)

    def pack(self, name, chunk, stored, shape=(100, 8, 2), kind="f4"):
        """A dataset of one chunk, which is stored as it is given."""
        with h5py.File(self.path("in.uvh5"), "r+") as f:
            del f[name]
            d = f.create_dataset(name, shape, kind, chunks=chunk, compression="gzip")
            d.id.write_direct_chunk((0,) * len(shape), stored)

    def test_a_stream_that_grows(self):
        """6 MB that unpack to 6 GB: refused for the rows they stand for, in little memory."""
        press = zlib.compressobj(9)
        bomb = b"".join([press.compress(bytes(1 << 20)) for _ in range(6 << 10)] + [press.flush()])
        self.assertLess(len(bomb), 8 << 20)
        floor = self.peak_kib("--version")
        shape = (100, 4096, 2)
        for name, kind, at, chunk in (("Data/nsamples", "f4", shape, shape), ("Data/visdata", VIS, shape, shape),
                                      ("Header/time_array", "f8", (100,), (100,)),
                                      ("Header/antenna_names", "S8", (40,), (40,))):
            with self.subTest(name):
                write_uvh5(self.path("in.uvh5"), 100, 1, 2, 4096)
                self.pack(name, chunk, bomb, at, kind)
                run = self.try_words("importuvh5", "in.uvh5", "out.ms", "--no-sync")
                self.assertIn(run.returncode, (1, 2))
                self.assertIn("in.uvh5: " + name + " rows 0-", run.stderr)
                self.assertRegex(run.stderr, "deflate stream is longer than its chunk|"
                                             "chunk takes more in the file than its values")
                self.assertEqual(os.listdir(self.folder), ["in.uvh5"])
                for words in (("importuvh5", "in.uvh5", "out.ms"), ("verify", "in.uvh5"),
                              ("diff", "in.uvh5", "in.uvh5")):
                    self.assertLess(self.peak_kib(*words, fails=True) - floor, LIMIT, words)

    def test_damaged_chunks_are_named(self):
        good = zlib.compress(bytes(100 * 8 * 2 * 4))
        for stored, text in ((good[:-20], "deflate stream is damaged"), (b"\0" * 40, "deflate stream is damaged"),
                             (zlib.compress(bytes(400)), "deflate stream is damaged")):
            write_uvh5(self.path("in.uvh5"), 100, 1, 2, 8)
            self.pack("Data/nsamples", (100, 8, 2), stored)
            run = self.multims("importuvh5", "in.uvh5", "out.ms", status=1)
            self.assertIn("in.uvh5: Data/nsamples rows 0-99: " + text, run.stderr)
            self.assertEqual(os.listdir(self.folder), ["in.uvh5"])
        write_uvh5(self.path("in.uvh5"), 100, 1, 2, 8, chunks=(10, 8, 2), fletcher32=True)
        with h5py.File(self.path("in.uvh5"), "r") as f:
            place = f["Data/flags"].id.get_chunk_info(5).byte_offset
        with open(self.path("in.uvh5"), "r+b") as f:
            f.seek(place + 7)
            f.write(struct.pack("B", 1))
        run = self.multims("importuvh5", "in.uvh5", "out.ms", status=1)
        self.assertIn("in.uvh5: Data/flags rows 50-59: checksum is wrong", run.stderr)

    def catalogue(self, entries, ids):
        """The file with a catalogue as texts of JSON."""
        write_uvh5(self.path("in.uvh5"), 100, 1, 2, 8)
        with h5py.File(self.path("in.uvh5"), "r+") as f:
            header = f["Header"]
            del header["phase_center_catalog"], header["version"]
            header["version"] = b"1.0"
            header["Nphase"][()] = len(entries)
            for name, entry in entries.items():
                header["phase_center_catalog/" + name] = numpy.bytes_(json.dumps(entry))
            header["phase_center_id_array"][:] = numpy.resize(ids, 100)

    def test_a_catalogue_of_texts(self):
        jd = 2459000.25
        none = dict.fromkeys(("cat_times", "cat_pm_ra", "cat_pm_dec", "cat_vrad", "cat_dist"))
        entries = {
            "zeta": {"cat_id": 3, "cat_type": "sidereal", "cat_lon": 1.5, "cat_lat": 0.25, "cat_frame": "fk5",
                     "cat_epoch": 2000.0, **none},
            "alpha": {"cat_id": 7, "cat_type": "ephem", "cat_lon": [1.0, 2.0, 3.0], "cat_lat": [0.1, 0.2, 0.3],
                      "cat_frame": "icrs", "cat_epoch": None, **none, "cat_times": [jd - 1, jd, jd + 1]},
            "new": {"cat_id": 5, "cat_type": "sidereal", "cat_lon": 0.5, "cat_lat": -0.25, "cat_frame": "icrs",
                    "cat_epoch": 2000.0, **none, "cat_pm_ra": 12.5, "cat_dist": 3.0}}
        self.catalogue(entries, [3, 7, 5])
        run = self.multims("importuvh5", "in.uvh5", "out.ms", "--no-sync")
        self.assertIn("has no place for cat_pm_ra of phase centre 5, cat_dist of phase centre 5", run.stderr)
        with table(self.path("out.ms/FIELD"), ack=False) as t:
            self.assertEqual(t.getcol("NAME"), ["zeta", "new", "alpha"])
            self.assertEqual(t.getcol("SOURCE_ID").tolist(), [3, 5, 7])
            numpy.testing.assert_allclose(t.getcol("PHASE_DIR")[:, 0], [[1.5, 0.25], [0.5, -0.25], [2, 0.2]])
        with table(self.path("out.ms"), ack=False) as t:
            self.assertEqual(t.getcol("FIELD_ID")[:6].tolist(), [0, 2, 1] * 2)
        with table(self.path("out.ms/SOURCE"), ack=False) as t:
            numpy.testing.assert_allclose(t.getcol("DIRECTION"), [[1, 0.1], [2, 0.2], [3, 0.3]])
        self.check_verbs()
        for kind, words, text in (("unprojected", (), "is unprojected, which a MeasurementSet cannot hold"),
                                  ("driftscan", (), "is a driftscan"), ("near_field", (), "is a near_field"),
                                  ("driftscan", ("unprojected=zenith",), "is a driftscan")):
            odd = {"cat_id": 9, "cat_type": kind, "cat_lon": 0.0, "cat_lat": 1.5, "cat_frame": "altaz",
                   "cat_epoch": None, **none}
            self.catalogue({**entries, "odd": odd}, [3, 9])
            run = self.multims("importuvh5", "in.uvh5", "no.ms", *words, status=2)
            self.assertIn('phase centre 9 ("odd") ' + text, run.stderr)
        self.catalogue({**entries, "odd": {**odd, "cat_type": "unprojected"}}, [3, 9])
        self.multims("importuvh5", "in.uvh5", "zenith.ms", "unprojected=zenith", "--no-sync")
        with table(self.path("zenith.ms/FIELD"), ack=False) as t:
            self.assertRegex(t.getcell("NAME", 3), "zenith_at_jd2459000")

    def test_catalogues_of_texts_that_are_none(self):
        for entry, text in (({"cat_type": "sidereal", "cat_lon": None, "cat_lat": 0.5}, "has no direction"),
                            ({"cat_type": "ephem", "cat_lon": [1, 2], "cat_lat": [1], "cat_times": [1, 2]},
                             "has no direction"), ({"cat_lon": 1}, "has no cat_type"), ([], "is no JSON object")):
            self.catalogue({"x": entry}, [0])
            run = self.multims("importuvh5", "in.uvh5", "out.ms", status=2)
            self.assertIn(text, run.stderr)

    def test_keywords_and_what_is_lost(self):
        write_uvh5(self.path("in.uvh5"), 100, 1, 2, 8)
        with h5py.File(self.path("in.uvh5"), "r+") as f:
            header = f["Header"]
            for name, value in {
                    "text": b"words", "free": "w\u00f6rter", "whole": (1 << 53) + 1, "small": numpy.int16(-3),
                    "real": 2.5, "single": numpy.float32(0.5), "yes": True, "no": False, "nothing": h5py.Empty("f"),
                    "complex": 1 + 2j, "list": [1, 2]}.items():
                header["extra_keywords/" + name] = value
            header["gst0"] = 12.0
            header["eq_coeffs"] = numpy.ones((40, 8))
            header["phase_center_catalog/0/cat_vrad"] = 3.5
            header["phase_center_catalog/0/cat_dist"] = h5py.Empty("f")
            header["phase_center_catalog/0/cat_pm_ra"] = 0.0
        run = self.multims("importuvh5", "in.uvh5", "out.ms", "--no-sync")
        self.assertIn("a MeasurementSet has no place for extra_keywords/complex, extra_keywords/list, "
                      "extra_keywords/nothing, cat_vrad of phase centre 0, eq_coeffs, gst0", run.stderr)
        want = {"text": "words", "free": "w\u00f6rter", "whole": (1 << 53) + 1, "small": -3, "real": 2.5,
                "single": 0.5, "yes": True, "no": False}
        with table(self.path("out.ms"), ack=False) as t:
            self.assertEqual(t.getkeyword("pyuvdata_extra"), want)
        run = self.multims("exportuvh5", "out.ms", "out.uvh5", "datacolumn=data", "--no-sync")
        self.assertIn("Not in the file: ", run.stdout)
        with h5py.File(self.path("out.uvh5"), "r") as f:
            extra = f["Header/extra_keywords"]
            for name, value in want.items():
                have = extra[name][()]
                self.assertEqual(have.decode() if isinstance(have, bytes) else have, value)
            self.assertEqual(extra["yes"].dtype, bool)

    def test_versions(self):
        for version in "0.1", "1.0", "1.1", "1.2", "1.3", "2.0", "10", None:
            with self.subTest(version):
                write_uvh5(self.path("in.uvh5"), 100, 1, 2, 8)
                with h5py.File(self.path("in.uvh5"), "r+") as f:
                    del f["Header/version"]
                    if version:
                        f["Header/version"] = numpy.bytes_(version)
                    f["Header/some_future_array"] = numpy.arange(7)
                run = self.multims("importuvh5", "in.uvh5", "out.ms", "--no-sync", "overwrite=True")
                newer = version in ("1.3", "2.0", "10")
                self.assertEqual(f"is of version {version}; 1.2 is the newest" in run.stderr, newer, run.stderr)
                self.assertIn("has no place for some_future_array", run.stderr)

    def test_what_an_export_leaves_out(self):
        self.simulate("in.ms", "corrected=True")
        lost = self.answer("exportuvh5", "in.ms", "out.uvh5", "datacolumn=data", "--no-sync")["lost"]
        for name in "SIGMA", "INTERVAL", "TIME_CENTROID", "CORRECTED_DATA":
            self.assertIn(name, lost)
        for name in "DATA", "WEIGHT", "FLAG", "ANTENNA", "FIELD":
            self.assertNotIn(name, lost)

    def test_texts_of_any_size(self):
        write_uvh5(self.path("in.uvh5"), 100, 1, 2, 8)
        with h5py.File(self.path("in.uvh5"), "r+") as f:
            del f["Header/antenna_names"]
            f.create_dataset("Header/antenna_names", data=[f"antenna {i}" for i in range(40)],
                             dtype=h5py.string_dtype(), chunks=(7,), compression="lzf")
            del f["Header/history"]
            f["Header/history"] = numpy.bytes_(b"line\n" * 1000)
        self.multims("importuvh5", "in.uvh5", "out.ms", "--no-sync", "--quiet")
        with table(self.path("out.ms/ANTENNA"), ack=False) as t:
            self.assertEqual(t.getcol("NAME"), [f"antenna {i}" for i in range(40)])
        with table(self.path("out.ms/HISTORY"), ack=False) as t:
            self.assertGreaterEqual(t.getcol("MESSAGE").count("line"), 1000)
        with h5py.File(self.path("in.uvh5"), "r+") as f:
            del f["Header/history"]
            f["Header/history"] = numpy.bytes_(bytes([65]) * (65 << 20))
        run = self.multims("importuvh5", "in.uvh5", "no.ms", status=2)
        self.assertIn("Header/history has 1 texts of 68157440 bytes, which is too much", run.stderr)


program_case.main(hdf5=True)
