# SPDX-License-Identifier: LGPL-2.1-or-later
"""What tests of continuum subtraction share: a set, and the fits of numpy."""
import numpy
from casacore.tables import table

from program_case import ProgramCase


def polynomials(x, data, flag, fitted, order):
    """The fit of one row over x, [channel, correlation]."""
    model = numpy.zeros_like(data)
    for c in range(data.shape[1]):
        use = fitted & ~flag[:, c]
        terms = min(order + 1, use.sum())
        if terms:
            design = x[:, None] ** numpy.arange(terms)
            solved = numpy.linalg.lstsq(design[use], data[use, c].astype(complex), rcond=None)[0]
            model[:, c] = design @ solved
    return model


class ContinuumCase(ProgramCase):
    def setUp(self):
        super().setUp()
        self.multims("simulate", "in.ms", "antennas=4", "spws=2", "channels=16", "integrations=2",
                     "fields=2", "scans=4", "--no-sync", "--quiet")
        with table(self.path("in.ms"), readonly=False, ack=False) as t:
            flag = t.getcol("FLAG")
            flag[::3, 2] = True
            flag[5] = True
            t.putcol("FLAG", flag)

    def read(self, name, *columns):
        with table(self.path(name), ack=False) as t:
            return [t.getcol(column) for column in columns]
