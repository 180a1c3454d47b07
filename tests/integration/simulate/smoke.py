# SPDX-License-Identifier: LGPL-2.1-or-later
"""simulate: values tell their place, as python-casacore reads them."""
import numpy
from casacore.tables import table

import program_case
from program_case import ProgramCase


class Smoke(ProgramCase):
    def test_values_tell_their_place(self):
        self.simulate("in.ms", "wtspectrum=True", "pointing=True", "syscal=True")
        data = table(self.path("in.ms"), ack=False).getcol("DATA")
        row, channel, corr = numpy.indices(data.shape)
        numpy.testing.assert_array_equal(data, row + 1j * (channel * data.shape[2] + corr))

    def test_an_output_that_exists_is_refused(self):
        self.multims("simulate", self.simulate(), status=2)


program_case.main()
