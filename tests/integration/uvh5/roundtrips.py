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
