# SPDX-License-Identifier: LGPL-2.1-or-later
"""MS -> UVH5 -> MS -> UVH5 and UVH5 -> MS -> UVH5: what comes back is what there was, by diff and by
python-casacore; and an import that is stopped leaves nothing."""
import json
import os
import sys

import numpy
from casacore.tables import table

import program_case
from program_case import ProgramCase

for name in ("data", "samples"):
    program_case.parser.add_argument("--" + name)

try:
    import h5py
except ImportError:
    print("skipped: no python3-h5py")
    sys.exit(77)

# Times of hd142 (scan.mms) are nearer than a Julian date tells, which makes rows of its windows one.
SETS = ["mssel_test_small.ms", "tNDPPP-generic.MS", "D1.ms", "D2s.ms", "D7x.ms", "D9b.ms"]
SAMPLES = ["odd_windows", "odd_gzip", "odd_lzf_shuffle", "odd_int16", "odd_ephem", "ata_v12",
           "odd_bigendian", "odd_oldshape"]


class RoundTrips(ProgramCase):
    def failed_checks(self, first, second):
        run = self.run_words(program_case.args.program, "diff", first, second, "--json")
        answer = json.loads(run.stdout)
        self.assertNotIn("stopped", answer, run.stderr)
        return {c["check"] for c in answer["checks"] if not c["passed"]}

    def export(self, vis, out):
        self.multims("exportuvh5", vis, out, "datacolumn=data", "--no-sync", "--quiet")

    def import_file(self, file, out, *words):
        self.multims("importuvh5", file, out, "--no-sync", "--quiet", *words)

    def assert_times_near(self, first, second):
        """JD to MJD seconds and back moves a time by one step of a double at most."""
        with h5py.File(self.path(first), "r") as a, h5py.File(self.path(second), "r") as b:
            a, b = (numpy.sort(f["Header/time_array"][()]) for f in (a, b))
            self.assertLess(abs(a - b).max() * 86400, 4.1e-5)

    def test_sets(self):
        for name in SETS:
            with self.subTest(name):
                vis = os.path.join(program_case.args.data, name)
                self.export(vis, name + ".1.uvh5")
                self.import_file(name + ".1.uvh5", name + ".back")
                self.export(name + ".back", name + ".2.uvh5")
                self.assertLessEqual(self.failed_checks(name + ".1.uvh5", name + ".2.uvh5"),
                                     {"times"})
                self.assert_times_near(name + ".1.uvh5", name + ".2.uvh5")
                self.multims("verify", name + ".1.uvh5", f"--against={name}.back")

    def test_rows_and_values_of_a_negated_set(self):
        vis = os.path.join(program_case.args.data, "mssel_test_small.ms")
        self.export(vis, "1.uvh5")
        self.import_file("1.uvh5", "back.ms")
        order = "TIME,ANTENNA1,ANTENNA2,FIELD_ID,SCAN_NUMBER,DATA_DESC_ID"
        a, b = (table(p, ack=False).sort(order) for p in (vis, self.path("back.ms")))
        self.assertEqual(a.nrows(), b.nrows())
        for i in range(a.nrows()):
            for column in ("DATA", "UVW", "ANTENNA1", "SCAN_NUMBER"):
                numpy.testing.assert_array_equal(a.getcell(column, i), b.getcell(column, i))
            numpy.testing.assert_array_equal(b.getcell("FLAG", i),
                                             a.getcell("FLAG", i) | a.getcell("FLAG_ROW", i))

    def test_samples(self):
        for name in SAMPLES:
            with self.subTest(name):
                file = os.path.join(program_case.args.samples, name + ".uvh5")
                self.import_file(file, name + ".ms")
                self.export(name + ".ms", name + ".uvh5")
                self.assertLessEqual(self.failed_checks(file, name + ".uvh5"),
                                     {"times", "scans"})

    def rows_of(self, path):
        """By baseline-time in some order that both files of a trip have; what is read is h5py's."""
        with h5py.File(path, "r") as f:
            h, d = f["Header"], f["Data"]
            pols = h["polarization_array"][()].tolist()
            order = [pols.index(p) for p in sorted(pols)]
            vis = d["visdata"][()]
            if vis.dtype.names:
                vis = vis["r"].astype("f4") + 1j * vis["i"].astype("f4")
            shape = len(h["time_array"]), -1, len(pols)
            cubes = [a.reshape(shape)[:, :, order] for a in
                     (vis.astype("c8"), d["flags"][()] != 0, d["nsamples"][()].astype("f4"))]
            if "flex_spw_polarization_array" in h:  # a polarization a window: the others are padding
                code = dict(zip(h["spw_array"][()], h["flex_spw_polarization_array"][()]))
                of_channel = numpy.array([code[spw] for spw in h["flex_spw_id_array"][()]])
                pols = sorted(set(code.values()))
                here = of_channel[:, None] == numpy.array(pols)
                cubes = [numpy.where(here, c, fill) for c, fill in zip(cubes, (0, True, 0))]
            step = numpy.broadcast_to(h["integration_time"][()], shape[:1])
            freq = h["freq_array"][()].ravel()
            place = h["antenna_positions"][()][numpy.argsort(h["antenna_numbers"][()])]
            first = numpy.lexsort((h["uvw_array"][:, 0], h["ant_2_array"][()], h["ant_1_array"][()],
                                   numpy.round(h["time_array"][()] * 86400, 2)))
            return dict(zip(("vis", "flags", "nsamples"), (c[first] for c in cubes)),
                        uvw=h["uvw_array"][()][first], jd=h["time_array"][()][first],
                        step=step[first], freq=freq, ant1=h["ant_1_array"][()][first],
                        ant2=h["ant_2_array"][()][first], pols=sorted(pols),
                        numbers=numpy.sort(h["antenna_numbers"][()]), place=place)

    def test_every_sample(self):
        """UVH5 -> MS -> UVH5 of every file that is taken, by h5py; what is phased to the zenith on its way from there
        on, once more."""
        taken = 0
        if not os.path.isdir(program_case.args.samples):
            self.skipTest("no sample files")
        for name in sorted(os.listdir(program_case.args.samples)):
            file = os.path.join(program_case.args.samples, name)
            if not name.endswith(".uvh5"):
                continue
            words = [program_case.args.program, "importuvh5", file, "1.ms", "--no-sync", "--quiet", "overwrite=true"]
            run = self.run_words(*words)
            zenith = run.returncode == 2 and "unprojected=zenith" in run.stderr
            if run.returncode and not zenith:
                continue
            with self.subTest(name):
                if zenith:
                    self.multims(*words[1:], "unprojected=zenith")
                    file = self.path("0.uvh5")
                    self.multims("exportuvh5", "1.ms", "0.uvh5", "datacolumn=data", "--no-sync", "--quiet",
                                 "overwrite=true")
                    self.multims("importuvh5", "0.uvh5", "1.ms", "--no-sync", "--quiet", "overwrite=true")
                self.multims("exportuvh5", "1.ms", "1.uvh5", "datacolumn=data", "--no-sync", "--quiet",
                             "overwrite=true")
                a, b = self.rows_of(file), self.rows_of(self.path("1.uvh5"))
                for key in ("vis", "flags", "nsamples", "uvw", "step", "freq", "ant1", "ant2", "pols"):
                    numpy.testing.assert_array_equal(a[key], b[key], key)
                numpy.testing.assert_allclose(a["jd"], b["jd"], rtol=0, atol=4.7e-10)  # one step
                there = numpy.isin(a["numbers"], b["numbers"])
                self.assertTrue(numpy.isin(b["numbers"], a["numbers"]).all())
                numpy.testing.assert_allclose(a["place"][there], b["place"], rtol=0, atol=1e-6)
                taken += 1
        self.assertGreaterEqual(taken, 20)

    def test_a_stopped_import(self):
        self.multims("simulate", "in.ms", "antennas=28", "channels=64", "integrations=60",
                     "--no-sync", "--quiet")
        self.export("in.ms", "in.uvh5")
        child = self.begin("importuvh5", "in.uvh5", "out.ms")
        child.terminate()
        if child.wait() == 0:
            self.skipTest("the import was done before it could be stopped")
        self.assertEqual(sorted(os.listdir(self.folder)), ["in.ms", "in.uvh5"])
        child = self.begin("importuvh5", "in.uvh5", "out.ms")
        child.kill()
        child.wait()
        self.import_file("in.uvh5", "other.ms")
        if not os.path.exists(self.path("out.ms")):
            self.import_file("in.uvh5", "out.ms")
        self.multims("diff", "out.ms", "other.ms")


program_case.main(hdf5=True)
