# SPDX-License-Identifier: LGPL-2.1-or-later
"""setjy: MODEL_DATA of an MS and of a Multi-MS."""
import numpy
from casacore.tables import table

import program_case
from program_case import ProgramCase


class Smoke(ProgramCase):
    def test_model_data_is_made(self):
        self.simulate("in.ms", "correlations=RR,RL,LR,LL")
        found = self.answer("setjy", "in.ms", "standard=manual", "fluxdensity=[4,0.3,-0.2,0.1]")
        self.assertEqual(found["0"]["0"]["fluxd"], [4, 0.3, -0.2, 0.1])
        t = table(self.path("in.ms"), ack=False)
        want = numpy.array([4.1, 0.3 - 0.2j, 0.3 + 0.2j, 3.9], numpy.complex64)  # RR RL LR LL
        numpy.testing.assert_array_equal(t.getcol("MODEL_DATA"), numpy.broadcast_to(want, t.getcol("DATA").shape))
        t.close()


if __name__ == "__main__":
    program_case.main()
