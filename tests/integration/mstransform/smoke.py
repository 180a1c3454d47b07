# SPDX-License-Identifier: LGPL-2.1-or-later
"""mstransform: average and smooth in one run, and what this version refuses."""
import numpy
from casacore.tables import table

import program_case
from program_case import ProgramCase


class Smoke(ProgramCase):
    def test_times_are_averaged_by_several_threads(self):
        """ThreadSanitizer looks at this one."""
        self.simulate()
        self.multims("mstransform", "in.ms", "times.ms", "datacolumn=data", "timeaverage=True", "timebin=20s", "-j", "3",
                     "--no-sync", "-q")
        self.assertGreater(self.answer("info", "in.ms")["rows"], self.answer("info", "times.ms")["rows"])

    def test_average_then_smooth(self):
        self.simulate()
        self.multims("mstransform", "in.ms", "once.ms", "datacolumn=data", "chanaverage=True",
                     "chanbin=2", "hanning=True")
        self.multims("mstransform", "in.ms", "mean.ms", "datacolumn=data", "chanaverage=True",
                     "chanbin=2")
        self.multims("hanningsmooth", "mean.ms", "twice.ms", "datacolumn=data")
        once, twice = (table(self.path(n), ack=False) for n in ("once.ms", "twice.ms"))
        for column in "DATA", "FLAG":
            numpy.testing.assert_array_equal(once.getcol(column), twice.getcol(column))

    def test_a_multi_ms_from_an_ms(self):
        self.simulate()
        self.multims("mstransform", "in.ms", "out.mms", "datacolumn=data", "createmms=True",
                     "separationaxis=spw", "hanning=True")
        self.multims("mstransform", "in.ms", "out.ms", "datacolumn=data", "hanning=True")
        self.multims("diff", "out.ms", "out.mms", "--ignore-order")


program_case.main()
