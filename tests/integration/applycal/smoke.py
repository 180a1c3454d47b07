# SPDX-License-Identifier: LGPL-2.1-or-later
"""applycal: gains of a table on an MS and on a Multi-MS."""
import numpy
from casacore.tables import table

import caltable
import program_case
from program_case import ProgramCase


class Smoke(ProgramCase):
    def test_gains_are_taken_out(self):
        self.simulate("in.ms", "correlations=RR,RL,LR,LL", "corrected=False")
        gains = numpy.array([[1 + 0.5j, 2], [0.5, 1j], [2, 2], [1, 0.25 - 1j]])
        caltable.make(self.path("x.G"), "G Jones", self.path("in.ms"), gains[:, None, None, :].repeat(2, 1))
        self.multims("partition", "in.ms", "x.mms", "flagbackup=False", "numsubms=2")
        for name in "in.ms", "x.mms":
            plan = self.answer("applycal", name, "gaintable=x.G", "--dryrun")
            self.assertEqual(plan["columns"], {"CORRECTED_DATA": "added", "FLAG": "changed", "WEIGHT": "changed"})
            found = self.answer("applycal", name, "gaintable=x.G")
            self.assertEqual((found["rows"], found["flag_version"]), (48, "applycal_1"))
        for name in "in.ms", "x.mms":
            t = table(self.path(name), ack=False)
            a, b, data = (t.getcol(c) for c in ("ANTENNA1", "ANTENNA2", "DATA"))
            products = gains[a][:, None, [0, 0, 1, 1]] * gains[b][:, None, [0, 1, 0, 1]].conj()
            numpy.testing.assert_allclose(t.getcol("CORRECTED_DATA"), data / products, rtol=1e-6)
            weight = abs(products[:, 0]) ** 2 / t.getcol("SIGMA") ** 2
            numpy.testing.assert_allclose(t.getcol("WEIGHT"), weight, rtol=1e-5)
            t.close()


if __name__ == "__main__":
    program_case.main()
