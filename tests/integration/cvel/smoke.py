# SPDX-License-Identifier: LGPL-2.1-or-later
"""The first case of cvel: two windows become one, on a grid in another frame."""
import numpy
from casacore.tables import table

import program_case


class Cvel(program_case.ProgramCase):
    def window(self, output):
        return table(self.path(output) + "/SPECTRAL_WINDOW", ack=False)

    def test_two_windows_become_one_in_lsrk(self):
        self.simulate()
        self.multims("cvel", "in.ms", "out.ms", "datacolumn=data", "outframe=LSRK")
        spw, main = self.window("out.ms"), table(self.path("out.ms"), ack=False)
        before = table(self.path("in.ms"), ack=False)
        self.assertEqual(len(spw), 1)
        self.assertEqual(spw.getcell("MEAS_FREQ_REF", 0), 1)
        self.assertEqual(len(main), len(before) // 2)
        self.assertEqual(main.getcol("DATA").shape[1], spw.getcell("NUM_CHAN", 0))
        self.assertTrue(numpy.all(numpy.diff(spw.getcell("CHAN_FREQ", 0)) > 0))

    def test_one_worker_and_three_write_the_same(self):
        self.simulate()
        self.multims("partition", "in.ms", "in.mms", "separationaxis=scan")
        for name, words in (("ms.ms", ("in.ms",)), ("a.mms", ("in.mms", "-j", "1")),
                            ("b.mms", ("in.mms", "-j", "3"))):
            self.multims("cvel", words[0], name, "datacolumn=data", "outframe=BARY", *words[1:])
        self.multims("diff", "a.mms", "b.mms")
        self.multims("diff", "ms.ms", "a.mms", "--ignore-order")

    def test_a_frame_that_is_unknown(self):
        self.simulate()
        run = self.multims("cvel", "in.ms", "out.ms", "datacolumn=data", "outframe=MARS", status=2)
        self.assertIn("outframe", run.stderr)


if __name__ == "__main__":
    program_case.main()
