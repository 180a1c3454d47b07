# SPDX-License-Identifier: LGPL-2.1-or-later
"""flagmanager: versions of an MS and a Multi-MS, in CASA's form."""
import os
import subprocess

import numpy
from casacore.tables import table

import program_case
from program_case import ProgramCase


class Smoke(ProgramCase):
    def listed(self, name="in.ms"):
        found = self.answer("flagmanager", name)
        return [found[str(i)]["name"] for i in range(len(found) - 1)]

    def test_save_list_rename_delete(self):
        self.simulate()
        self.multims("flagmanager", "in.ms", "save", "a", "comment=first: one")
        self.multims("flagmanager", "in.ms", "save", "a", "comment=two")
        self.assertRegex(self.listed()[0], r"a\.old\.\d+")
        self.multims("flagmanager", "in.ms", "rename", "b", "a")
        self.multims("flagmanager", "in.ms", "rename", "b", "nothing", status=2)
        self.assertEqual(self.listed()[1:], ["b"])
        self.multims("flagmanager", "in.ms", "delete", "b")
        self.assertEqual(len(self.listed()), 1)
        for name in "", "a/b", "..":
            self.multims("flagmanager", "in.ms", "save", f"versionname={name}", status=2)

    def test_dryrun_says_what_would_be_done_and_changes_nothing(self):
        self.simulate()
        self.multims("partition", "in.ms", "x.mms", "flagbackup=False", "numsubms=3")
        for name in "in.ms", "x.mms":
            with table(self.path(name), ack=False) as t:
                rows, cells = t.nrows(), sum(t.getcell("FLAG", i).size for i in range(t.nrows()))
            saves = self.answer("flagmanager", name, "save", "a", "--dryrun")
            self.assertEqual((saves["rows"], saves["bytes"], saves["kept"], saves["exists"]), (rows, rows + cells, [], False))
            self.assertFalse(os.path.exists(self.path(name + ".flagversions")))
            self.multims("flagmanager", name, "save", "a")
            before = self.tree()
            plan = self.answer("flagmanager", name, "restore", "a", "--dryrun")
            self.assertEqual((plan["rows"], plan["bytes"], plan["kept"]), (rows, rows + cells, ["FLAG", "FLAG_ROW"]))
            for words, text in ((("save", "a"), "would become a.old.SECONDS"), (("restore", "a"), f"{rows} rows of"),
                                (("delete", "a"), "version a would be removed"), (("delete", "b"), "there is no version b"),
                                (("rename", "b", "a"), "version a would become b")):
                self.assertIn(text, self.multims("flagmanager", name, *words, "--dryrun").stdout)
            for words in ("restore", "b"), ("rename", "a", "a"), ("rename", "c", "b"), ("save", "a:b"), ("delete", ""):
                self.multims("flagmanager", name, *words, "--dryrun", status=2)
            self.assertEqual(self.tree(), before)

    def tree(self):
        """Every file with its size and when it was written."""
        return {path: (os.stat(path).st_size, os.stat(path).st_mtime_ns) for folder, _, names in os.walk(self.folder)
                for path in (os.path.join(folder, name) for name in names)}

    def test_saves_at_once(self):
        self.simulate()
        runs = [subprocess.Popen([program_case.args.program, "flagmanager", "in.ms", "save", name, "--job-dir", name,
                                  "--quiet"], cwd=self.folder) for name in "abcd"]
        self.assertEqual([run.wait() for run in runs], [0] * 4)
        self.assertEqual(sorted(self.listed()), list("abcd"))

    def test_what_killed_runs_left(self):
        """A table that is not listed yet, or one that was set aside, or renamed, and whose line still has its name."""
        self.simulate()
        self.multims("flagmanager", "in.ms", "save", "a")
        versions = self.path("in.ms.flagversions/")
        os.truncate(versions + "FLAG_VERSION_LIST", 0)
        self.multims("flagmanager", "in.ms", "save", "a")
        self.assertRegex(" ".join(self.listed()), r"^a\.old\.\d+ a$")
        os.rename(versions + "flags.a", versions + "flags.a.old.1")
        self.multims("flagmanager", "in.ms", "save", "a")
        self.assertRegex(" ".join(self.listed()), r"^a\.old\.\d+ a$")
        os.rename(versions + "flags.a", versions + "flags.b")
        self.multims("flagmanager", "in.ms", "rename", "b", "a")
        self.multims("flagmanager", "in.ms", "rename", "c", "b")
        self.assertRegex(" ".join(self.listed()), r"^a\.old\.\d+ c$")
        os.rename(versions + "flags.c", versions + "flags.flagdata_1")
        self.multims("flagdata", "in.ms", "mode=manual", "scan=1")
        self.assertEqual(self.listed()[-1], "flagdata_1")

    def test_a_version_is_a_table_of_the_rows_flags(self):
        self.simulate()
        self.multims("flagmanager", "in.ms", "save", "a")
        version, ms = (table(self.path(n), ack=False) for n in ("in.ms.flagversions/flags.a", "in.ms"))
        numpy.testing.assert_array_equal(version.getcol("FLAG"), ms.getcol("FLAG"))
        numpy.testing.assert_array_equal(version.getcol("FLAG_ROW"), ms.getcol("FLAG_ROW"))

    def test_restore_merges_and_diff_counts(self):
        self.simulate()
        self.multims("partition", "in.ms", "x.mms", "flagbackup=False", "numsubms=3")
        self.multims("flagdata", "x.mms", "mode=unflag", "flagbackup=False")
        self.multims("flagmanager", "x.mms", "save", "none")
        self.multims("flagdata", "x.mms", "mode=manual", "scan=1", "flagbackup=False")
        self.multims("flagmanager", "x.mms", "save", "one")
        found = self.answer("flagmanager", "x.mms", "diff", "none", "one", status=1)
        t = table(self.path("x.mms"), ack=False)
        self.assertEqual(found["only_b"], t.getcol("FLAG").sum())
        self.assertEqual(found["only_a"], 0)
        t.close()
        self.multims("flagdata", "x.mms", "mode=unflag", "flagbackup=False")
        self.multims("flagdata", "x.mms", "mode=manual", "scan=2", "flagbackup=False")
        self.multims("flagmanager", "x.mms", "restore", "one", "merge=or")
        t = table(self.path("x.mms"), ack=False)
        self.assertTrue(t.getcol("FLAG").all() and t.getcol("FLAG_ROW").all())
        t.close()
        self.multims("flagmanager", "x.mms", "restore", "one", "merge=and")
        self.multims("flagmanager", "x.mms", "diff", "one")
        self.multims("flagmanager", "x.mms", "restore", "none", "-j2")
        self.multims("flagmanager", "x.mms", "diff", "none", "main")

    def test_a_version_of_other_parts_is_refused(self):
        self.simulate()
        self.multims("flagmanager", "in.ms", "save", "a")
        self.multims("partition", "in.ms", "x.mms", "separationaxis=baseline", "flagbackup=False")
        os.rename(self.path("in.ms.flagversions"), self.path("x.mms.flagversions"))
        run = self.multims("flagmanager", "x.mms", "restore", "a", status=2)
        self.assertIn("other parts", run.stderr)
        self.multims("flagmanager", "x.mms", "restore", "b", status=2)


if __name__ == "__main__":
    program_case.main()
