# SPDX-License-Identifier: LGPL-2.1-or-later
"""partition: its Multi-MS holds the source's values, locally and under mpirun."""
import os

import numpy
from casacore.tables import table

import program_case
from machine import mpirun
from program_case import ProgramCase


def by_key(ms):
    """The order of the rows by what identifies them."""
    keys = "ANTENNA2", "ANTENNA1", "DATA_DESC_ID", "TIME"
    return numpy.lexsort([ms.getcol(key) for key in keys])


class Smoke(ProgramCase):
    def demand_equal_to_source(self, name):
        whole, source = (table(self.path(n), ack=False) for n in (name, "in.ms"))
        self.assertEqual(sorted(whole.colnames()), sorted(source.colnames()))
        for column in "TIME", "DATA", "CORRECTED_DATA", "FLAG", "WEIGHT", "SIGMA", "UVW":
            there, wanted = (t.getcol(column)[by_key(t)] for t in (whole, source))
            numpy.testing.assert_array_equal(there, wanted)

    def test_local_workers(self):
        self.simulate()
        self.assertEqual(self.answer("partition", "in.ms", "out.mms", "-j", "2")["rows"], 48)
        self.assertEqual(len(os.listdir(self.path("out.mms/SUBMSS"))), 4)
        self.demand_equal_to_source("out.mms")
        self.assertEqual(sorted(os.listdir(self.folder)),
                         ["in.ms", "out.mms", "out.mms.flagversions"])

    def test_ranks(self):
        self.simulate()
        # Open MPI 4.1 unloads its components and so hides its leaks' names; November 2026
        no_leaks = os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"
        run = self.run_words(*mpirun(2), program_case.args.program, "partition", "in.ms", "out.mms",
                             env={**os.environ, "ASAN_OPTIONS": no_leaks})
        self.assertEqual(run.returncode, 0, run.stderr)
        self.demand_equal_to_source("out.mms")

    def test_a_plain_ms_of_a_selection(self):
        self.simulate()
        self.multims("partition", "in.ms", "out.ms", "createmms=False", "spw=1:2~5", "scan=2")
        written, source = (table(self.path(n), ack=False) for n in ("out.ms", "in.ms"))
        picked = source.query("SCAN_NUMBER == 2 && DATA_DESC_ID == 1")
        numpy.testing.assert_array_equal(written.getcol("DATA"), picked.getcol("DATA")[:, 2:6])


program_case.main()
