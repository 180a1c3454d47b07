# SPDX-License-Identifier: LGPL-2.1-or-later
"""The judge with pyuvdata's strict checks on exports of the public sets, MS and MMS."""
import os
import subprocess
import sys

import program_case
from program_case import ProgramCase

for name in ("data", "pyuvdata", "judge", "samples"):
    program_case.parser.add_argument("--" + name)

SETS = ["D1.ms", "D2s.ms", "D7.ms", "D7x.ms", "D9b.ms", "mssel_test_small.ms",
        "hd142_b9cont_self_tav.ms", "tNDPPP-generic.MS", "scan.mms", "spw.mms", "auto.mms",
        "baseline.mms"]


COMPARE = """
import sys, numpy
from pyuvdata import UVData
file, ms = (UVData.from_file(p) for p in sys.argv[1:])
def order(u):
    return numpy.lexsort((u.ant_2_array, u.ant_1_array, u.time_array.round(6)))
pols = [list(ms.polarization_array).index(p) for p in file.polarization_array]
a, b = order(file), order(ms)
assert (file.ant_1_array[a] == ms.ant_1_array[b]).all()
assert (file.ant_2_array[a] == ms.ant_2_array[b]).all()
assert abs(file.time_array[a] - ms.time_array[b]).max() < 1e-9
numpy.testing.assert_array_equal(file.freq_array, ms.freq_array)
numpy.testing.assert_array_equal(file.uvw_array[a], ms.uvw_array[b])
for name in "data_array", "flag_array", "nsample_array":
    numpy.testing.assert_array_equal(getattr(file, name)[a], getattr(ms, name)[b][..., pols], name)
print("equal")
"""


class Judged(ProgramCase):
    def test_t10_exports(self):
        args = program_case.args
        for name in SETS:
            with self.subTest(name):
                vis = os.path.join(args.data, name)
                self.multims("exportuvh5", vis, name + ".uvh5", "datacolumn=data", "--quiet")
                run = self.run_words(args.pyuvdata, args.judge, name + ".uvh5", "--against", vis)
                self.assertRegex(run.stdout, r"[1-9][0-9]* passed, 0 failed", run.stderr)

    def test_t18_selections_of_a_multi_ms(self):
        """The judge compares whole sets: that of the same selection."""
        args = program_case.args
        for name, words in (("scan.mms", ("spw=0", "correlation=XX")), ("spw.mms", ("scan=1,2",)),
                            ("baseline.mms", ("antenna=!0", "uvrange=>20m")),
                            ("auto.mms", ("timerange=<2030/01/01", "taql=ANTENNA1<3"))):
            with self.subTest(name):
                vis = os.path.join(args.data, name)
                out = name + ".uvh5"
                self.multims("exportuvh5", vis, out, "datacolumn=data", "--quiet", *words)
                self.multims("split", vis, name + ".ms", "datacolumn=data", "keepmms=False",
                             "--quiet", *words)
                run = self.run_words(args.pyuvdata, args.judge, out, "--against", name + ".ms")
                self.assertRegex(run.stdout, r"[1-9][0-9]* passed, 0 failed", run.stderr)

    def test_t28_a_sign_that_is_wrong(self):
        args = program_case.args
        vis = os.path.join(args.data, "tNDPPP-generic.MS")
        self.multims("exportuvh5", vis, "out.uvh5", "datacolumn=data", "flipconj=true", "--quiet")
        run = self.run_words(args.pyuvdata, args.judge, "out.uvh5", "--against", vis)
        self.assertRegex(run.stdout, r"orientation", run.stderr)
        self.assertNotRegex(run.stdout, r" 0 failed")

    def test_t73_pyuvdata_reads_what_was_imported(self):
        """Windows of four channels: visdata, flags, nsamples and uvw are the file's."""
        args = program_case.args
        sample = os.path.join(args.samples, "odd_windows.uvh5")
        if not os.path.exists(sample):
            self.skipTest("no sample files")
        self.multims("importuvh5", sample, "in.ms", "--no-sync", "--quiet")
        run = self.run_words(args.pyuvdata, "-c", COMPARE, sample, "in.ms")
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertIn("equal", run.stdout)


program_case.parse()
for needed in (program_case.args.judge, program_case.args.pyuvdata):
    if not os.path.exists(needed):
        print("skipped: no", needed)
        sys.exit(77)
if subprocess.run([program_case.args.pyuvdata, "-c", "import pyuvdata, casacore.tables"],
                  capture_output=True, check=False).returncode:
    print("skipped: no pyuvdata in", program_case.args.pyuvdata)
    sys.exit(77)
program_case.main(hdf5=True)
