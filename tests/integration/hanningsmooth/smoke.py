# SPDX-License-Identifier: LGPL-2.1-or-later
"""hanningsmooth: a quarter, a half, a quarter; the edges are flagged."""
import numpy
from casacore.tables import table

import program_case
from program_case import ProgramCase


class Smoke(ProgramCase):
    def test_neighbours_and_edges(self):
        self.simulate()
        self.multims("hanningsmooth", "in.ms", "out.ms", "datacolumn=data")
        written, source = (table(self.path(n), ack=False) for n in ("out.ms", "in.ms"))
        data, smooth = source.getcol("DATA"), written.getcol("DATA")
        wanted = data[:, :-2] / 4 + data[:, 1:-1] / 2 + data[:, 2:] / 4
        numpy.testing.assert_allclose(smooth[:, 1:-1], wanted, rtol=1e-6)
        numpy.testing.assert_array_equal(smooth[:, [0, -1]], data[:, [0, -1]])
        self.assertTrue(written.getcol("FLAG")[:, [0, -1]].all())


program_case.main()
