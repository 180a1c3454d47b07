# SPDX-License-Identifier: LGPL-2.1-or-later
"""importuvh5: a simulated MS as a UVH5 file and back, judged with python-casacore."""
import sys

import numpy
from casacore.tables import table

import program_case
from program_case import ProgramCase

try:
    import h5py  # noqa: F401: files are made only where HDF5 is
except ImportError:
    print("skipped: no python3-h5py")
    sys.exit(77)


class Smoke(ProgramCase):
    def test_round_trip(self):
        self.simulate()
        self.multims("exportuvh5", "in.ms", "out.uvh5", "datacolumn=data")
        self.multims("importuvh5", "out.uvh5", "back.ms", "flipconj=False")  # exported as it is
        a = table(self.path("in.ms"), ack=False).sort("TIME,ANTENNA1,ANTENNA2,DATA_DESC_ID")
        b = table(self.path("back.ms"), ack=False).sort("TIME,ANTENNA1,ANTENNA2,DATA_DESC_ID")
        self.assertEqual(a.nrows(), b.nrows())
        for name in ("DATA", "FLAG", "UVW", "EXPOSURE", "SCAN_NUMBER", "ANTENNA1", "DATA_DESC_ID",
                     "WEIGHT"):
            numpy.testing.assert_array_equal(b.getcol(name), a.getcol(name), name)
        self.multims("importuvh5", "out.uvh5", "turned.ms")
        c = table(self.path("turned.ms"), ack=False).sort("TIME,ANTENNA1,ANTENNA2,DATA_DESC_ID")
        numpy.testing.assert_array_equal(c.getcol("DATA"), a.getcol("DATA").conj())
        numpy.testing.assert_array_equal(c.getcol("UVW"), -a.getcol("UVW"))
        self.assertLess(abs(b.getcol("TIME") - a.getcol("TIME")).max(), 2.2e-5)


program_case.main(hdf5=True)
