# SPDX-License-Identifier: LGPL-2.1-or-later
"""Work in place on sets that lack something: rows, in a part or in all, a sub-table, or a lock that is free."""
import json
import os
import shutil

import numpy
from casacore.tables import table

import program_case
from program_case import ProgramCase

PART = "in.mms/SUBMSS/in.0001.ms"


class Lacking(ProgramCase):
    def setUp(self):
        super().setUp()
        self.simulate("in.ms", "scans=3", "noise=1")

    def without_rows(self, name):
        """Take all rows away from a main table; its links stay."""
        path, new = self.path(name), self.path("new.ms")
        with table(path, ack=False) as t, t.query("SCAN_NUMBER<0") as none:
            none.copy(new, deep=True).close()
        for link in filter(lambda x: os.path.islink(os.path.join(path, x)), os.listdir(path)):
            shutil.rmtree(os.path.join(new, link), ignore_errors=True)
            os.symlink(os.readlink(os.path.join(path, link)), os.path.join(new, link))
        shutil.rmtree(path)
        os.rename(new, path)

    def flags(self, name):
        with table(self.path(name), ack=False) as t:
            return t.getcol("FLAG"), t.getcol("FLAG_ROW")

    def test_a_part_without_rows(self):
        """It is left out, and the others' flags are those of the MS of their rows."""
        self.multims("partition", "in.ms", "in.mms", "separationaxis=scan", "flagbackup=False", "--no-sync", "--quiet")
        self.without_rows(PART)
        with table(self.path(PART), ack=False) as t:
            self.assertEqual(t.nrows(), 0)
        self.multims("partition", "in.mms", "out.ms", "createmms=False", "flagbackup=False", "--no-sync", "--quiet")
        lists = "mode='clip' clipminmax=[0,5]", "mode='extend' growtime=20.0", "scan='1' spw='0:1~2'"
        for words in (["antenna=0"], ["mode=quack"], ["mode=rflag"], ["mode=tfcrop"], ["mode=extend"], ["mode=unflag"],
                      ["mode=list", f"inpfile={json.dumps(lists)}"]):
            for name in "in.mms", "out.ms":
                self.multims("flagdata", name, *words, "--no-sync")
            for a, b in zip(self.flags("in.mms"), self.flags("out.ms")):
                numpy.testing.assert_array_equal(a, b, str(words))
        reports = [json.loads(self.multims("flagdata", name, "mode=summary", "--json").stdout)
                   for name in ("in.mms", "out.ms")]
        self.assertEqual(*reports)
        before = self.flags("in.mms")
        self.multims("flagmanager", "in.mms", "save", "v", "--no-sync")
        self.multims("flagdata", "in.mms", "antenna=1", "--no-sync")
        self.multims("flagmanager", "in.mms", "restore", "v", "--no-sync")
        for a, b in zip(before, self.flags("in.mms")):
            numpy.testing.assert_array_equal(a, b)

    def test_no_rows_at_all(self):
        self.without_rows("in.ms")
        for words in ["antenna=0"], ["mode=summary"], ["mode=list", """inpfile=["scan='1'","mode='clip'"]"""]:
            self.multims("flagdata", "in.ms", *words, status=3)
        self.assertFalse(os.path.exists(self.path("in.ms.flagversions")))
        self.multims("flagmanager", "in.ms", "save", "v")
        self.multims("flagmanager", "in.ms", "restore", "v")

    def test_no_sub_table(self):
        """What a run will need is looked for before it changes anything."""
        before = self.flags("in.ms")
        with table(self.path("in.ms"), readonly=False, ack=False) as t:
            for name in "FLAG_CMD", "FEED":
                t.removekeyword(name)
        run = self.multims("flagdata", "in.ms", "antenna=0", "savepars=True", status=2)
        self.assertIn("no table FLAG_CMD", run.stderr)
        run = self.multims("applycal", "in.ms", "parang=True", status=2)
        self.assertIn("parang: the set has no FEED", run.stderr)
        self.assertFalse(os.path.exists(self.path("in.ms.flagversions")))
        for a, b in zip(before, self.flags("in.ms")):
            numpy.testing.assert_array_equal(a, b)

    def test_few_rows_of_a_locked_set(self):
        """What needs no worker waits for casacore's lock, too."""
        before = self.flags("in.ms")
        words = "flagdata", "in.ms", "antenna=0", "flagbackup=False", "workerretries=0"
        with table(self.path("in.ms"), readonly=False, ack=False, lockoptions="permanent"):
            run = self.multims(*words, status=1)
        self.assertIn("could not be acquired", run.stderr)
        for a, b in zip(before, self.flags("in.ms")):
            numpy.testing.assert_array_equal(a, b)
        self.multims(*words)
        self.assertTrue(self.flags("in.ms")[0].any())


program_case.main()
