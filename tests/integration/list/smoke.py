# SPDX-License-Identifier: LGPL-2.1-or-later
"""list: what a UVH5 file holds, as a table and as JSON."""
import sys

import program_case
from program_case import ProgramCase

try:
    import h5py  # noqa: F401: files are made only where HDF5 is
except ImportError:
    print("skipped: no python3-h5py")
    sys.exit(77)


class Smoke(ProgramCase):
    def test_table_and_json(self):
        self.simulate()
        self.multims("exportuvh5", "in.ms", "out.uvh5", "datacolumn=data", "--no-sync")
        found = self.answer("list", "out.uvh5")
        self.assertEqual([found[k] for k in ("version", "blts", "times", "baselines", "channels")],
                         ["1.2", 24, 4, 6, 16])
        self.assertEqual([w["channels"] for w in found["windows"]], [8, 8])
        self.assertEqual(sum(c["rows"] for c in found["phase_centers"]), 24)
        self.assertEqual(found["polarizations"], ["XX", "YY", "XY", "YX"])
        text = self.multims("list", "out.uvh5").stdout
        self.assertIn("24 baseline-times: 4 times", text)
        self.assertIn("phase centre", text)

    def test_what_is_no_file_of_hdf5(self):
        self.simulate()
        run = self.multims("list", "in.ms", status=2)
        self.assertIn("in.ms is not an HDF5 file; sets are described by info and listpartition",
                      run.stderr)
        self.assertIn("please verify the name. (no.uvh5)",
                      self.multims("list", "no.uvh5", status=2).stderr)


program_case.main(hdf5=True)
