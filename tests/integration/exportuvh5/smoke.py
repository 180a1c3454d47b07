# SPDX-License-Identifier: LGPL-2.1-or-later
"""exportuvh5: a simulated MS as a UVH5 file, judged with h5py against python-casacore."""
import sys

import numpy
from casacore.tables import table

import program_case
from program_case import ProgramCase

try:
    import h5py
except ImportError:
    print("skipped: no python3-h5py")
    sys.exit(77)


class Smoke(ProgramCase):
    def test_two_windows(self):
        self.simulate()
        self.multims("exportuvh5", "in.ms", "out.uvh5", "datacolumn=data")
        main = table(self.path("in.ms"), ack=False)
        with h5py.File(self.path("out.uvh5"), "r") as f:
            header = f["Header"]
            self.assertEqual(header["version"][()], b"1.2")
            self.assertEqual(header["Nblts"][()] * 2, main.nrows())
            self.assertEqual(f["Data/visdata"].shape, (main.nrows() // 2, 16, header["Npols"][()]))
            visible = ~f["Data/flags"][()]
            self.assertEqual(visible.sum(), (~main.getcol("FLAG")).sum())
            data = main.getcol("DATA")
            numpy.testing.assert_allclose(numpy.abs(f["Data/visdata"][()]).sum(dtype="f8"),
                                          numpy.abs(data).sum(dtype="f8"))


program_case.main(hdf5=True)
