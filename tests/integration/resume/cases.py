# SPDX-License-Identifier: LGPL-2.1-or-later
"""resume: changed requests and inputs, lost parts, several runs at once, what is left behind."""
import json
import os
import shutil
import signal
import subprocess
import time

import program_case
from interrupting import Interrupting
from machine import patient


class Resume(Interrupting):
    def test_the_option(self):
        self.prepare()
        self.interrupt(number=signal.SIGTERM)
        self.multims("partition", "in.ms", "out.mms", *self.words, "--resume")
        self.check_done()
        self.multims("partition", "in.ms", "more.mms", *self.words, "--resume", "--flagbackup=False")

    def test_from_another_folder(self):
        self.prepare()
        self.interrupt()
        self.multims("resume", self.path("out.mms"), cwd="/")
        self.check_done()

    def test_a_killed_run_is_told_and_begun_anew(self):
        self.prepare()
        self.interrupt(number=signal.SIGKILL)
        self.assertEqual(self.answer("status", "out.mms.multims")["phase"], "killed")
        run = self.multims("partition", "in.ms", "out.mms", *self.words)
        self.assertRegex(run.stderr, r"WARN partition: an earlier run was not finished \(\d parts "
                         r"done\): all parts are run; --resume would have gone on with it")
        self.check_done()

    def test_another_request_is_noticed(self):
        self.prepare()
        self.interrupt()
        run = self.multims("partition", "in.ms", "out.mms", "separationaxis=scan", "numsubms=4",
                           "--resume")
        self.assertIn("resume: parameter numsubms is not what it was", run.stderr)
        self.assertEqual(len(os.listdir(self.path("out.mms/SUBMSS"))), 4)
        self.check_done()

    def test_another_input_is_noticed(self):
        self.prepare()
        self.interrupt()
        os.utime(self.path("in.ms/table.dat"))
        run = self.multims("resume", "out.mms")
        self.assertRegex(run.stderr, r"resume: input .*/in\.ms is not what it was")
        self.check_done()

    def test_a_lost_part_is_done_again(self):
        self.prepare()
        self.interrupt(least=2)
        staged, = [n for n in self.left() if n.startswith(".out.mms.mms-part-")]
        os.remove(self.path(f"{staged}/out.mms/SUBMSS/out.0001.ms/table.dat"))
        run = self.multims("resume", "out.mms")
        self.assertIn("WARN partition: sub-MS out.0001.ms was changed since it was done: it is run "
                      "again", run.stderr)
        self.check_done()

    def test_lost_staging(self):
        self.prepare()
        self.interrupt()
        staged, = [n for n in self.left() if n.startswith(".out.mms.mms-part-")]
        shutil.rmtree(self.path(staged))
        run = self.multims("resume", "out.mms")
        self.assertIn("what was staged is lost", run.stderr)
        self.check_done()

    def test_a_torn_line_does_not_count(self):
        self.prepare()
        self.interrupt()
        with open(self.path("out.mms.multims/journal.jsonl"), "r+b") as f:
            f.seek(-7, os.SEEK_END)
            f.truncate()
        self.multims("resume", "out.mms")
        self.check_done()

    def test_one_at_a_time(self):
        self.prepare()
        process = subprocess.Popen(
            [program_case.args.program, "partition", "in.ms", "out.mms", *self.words, "-j", "1"],
            cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while process.poll() is None and not self.done():
            time.sleep(0.001)
        process.send_signal(signal.SIGSTOP)
        subprocess.run(["pkill", "-STOP", "-P", str(process.pid)], check=True)
        try:
            for words in (("partition", "in.ms", "out.mms", *self.words, "--resume"),
                          ("resume", "out.mms"), ("clean", "out.mms.multims")):
                self.assertRegex(self.multims(*words, status=1 if words[0] == "clean" else 2).stderr,
                                 "at work")
            self.assertTrue(self.answer("status", "out.mms")["running"])
        finally:
            subprocess.run(["pkill", "-CONT", "-P", str(process.pid)], check=True)
            process.send_signal(signal.SIGCONT)
            self.assertEqual(process.wait(patient(60)), 0)
        self.check_done()

    def test_clean(self):
        self.prepare()
        self.interrupt()
        self.multims("clean", "out.mms.multims")
        self.assertEqual(self.left(), [])
        self.multims("resume", "out.mms", status=2)

    def test_other_verbs(self):
        self.prepare()
        self.multims("partition", "in.ms", "in.mms", *self.words, "--quiet")
        for words in (("split", "datacolumn=data"), ("mstransform", "datacolumn=data", "hanning=True"),
                      ("hanningsmooth", "datacolumn=data"), ("exportuvh5", "datacolumn=data"),
                      ("cvel",)):
            with self.subTest(verb=words[0]):
                out = "out.uvh5" if words[0] == "exportuvh5" else "out.mms"
                run = self.multims(words[0], "in.mms", out, *words[1:], "--no-sync", "--resume")
                self.assertIn("there is no unfinished run", run.stderr)
                shutil.rmtree(self.path(out), ignore_errors=True)
        self.assertEqual([n for n in self.left() if n.endswith(".multims")], [])


class Import(Interrupting):
    """A UVH5 file into parts: the same, with their rows from the file."""
    source = "in.uvh5"
    words = ("createmms=True", *Interrupting.words)

    def setUp(self):
        super().setUp()
        self.prepare()
        run = self.run_words(program_case.args.program, "exportuvh5", "in.ms", "in.uvh5", "datacolumn=data", "--quiet")
        if "HDF5" in run.stderr and run.returncode:
            self.skipTest("built without HDF5")
        self.assertEqual(run.returncode, 0, run.stderr)

    def check(self, plan):
        self.assertEqual(self.left(), ["in.uvh5", "out.mms", "out.mms.flagversions"])
        self.multims("importuvh5", "in.uvh5", "whole.mms", *self.words, "--quiet")
        self.multims("diff", "out.mms", "whole.mms")
        for name in ("whole.mms", "whole.mms.flagversions"):
            shutil.rmtree(self.path(name))
        self.assertEqual(len(os.listdir(self.path("out.mms/SUBMSS"))), plan)

    def test_killed_or_stopped(self):
        for number in (signal.SIGKILL, signal.SIGINT):
            self.interrupt(number=number, verb="importuvh5", least=2)
            done = self.done()
            run = self.multims("resume", "out.mms")
            self.assertIn(f"goes on with the run that was not finished: {len(done)} parts done", run.stderr)
            self.check(8)
            for name in ("out.mms", "out.mms.flagversions"):
                shutil.rmtree(self.path(name))

    def test_another_file_or_request_is_noticed(self):
        self.interrupt(verb="importuvh5")
        os.utime(self.path("in.uvh5"))
        run = self.multims("importuvh5", "in.uvh5", "out.mms", *self.words, "--resume")
        self.assertRegex(run.stderr, r"resume: input .*in\.uvh5 is not what it was")
        self.check(8)
        for name in ("out.mms", "out.mms.flagversions"):
            shutil.rmtree(self.path(name))
        self.interrupt(verb="importuvh5")
        run = self.multims("importuvh5", "in.uvh5", "out.mms", "createmms=True", "separationaxis=scan", "numsubms=4",
                           "--no-sync", "--resume")
        self.assertIn("resume: parameter numsubms is not what it was", run.stderr)
        self.assertEqual(len(os.listdir(self.path("out.mms/SUBMSS"))), 4)


class Files(Interrupting):
    def test_the_plan_and_the_log_stand_beside_the_journal(self):
        self.prepare()
        self.interrupt(number=signal.SIGKILL, least=2)
        with open(self.path("out.mms.multims/plan.json")) as file:
            plan = json.load(file)
        parts = [unit for name, unit in plan["units"].items() if name.startswith("sub-MS ")]
        self.assertEqual((plan["task"], len(parts)), ("partition", 8))
        self.assertTrue(all(unit["bytes"] > 0 for unit in parts))
        self.assertEqual(len({unit["key"] for unit in parts}), 8)
        self.multims("partition", "in.ms", "out.mms", *self.words, "--resume", "--job-dir", "job")
        self.multims("clean", "out.mms.multims")
        with open(self.path("job/logs/run.log")) as file:
            self.assertRegex(file.read(), r"(?m)^\d{4}-\d\d-\d\dT[\d:.]+Z INFO partition: ")
        self.assertEqual(sorted(os.listdir(self.path("job"))), ["journal.jsonl", "logs", "plan.json", "summary.json"])
        self.multims("clean", "job")
        self.assertFalse(os.path.exists(self.path("job")))

    def test_the_plan_of_a_name_that_is_no_utf8(self):
        self.multims("simulate", "in.ms", "scans=2", "--no-sync", "--quiet")
        self.multims("partition", "in.ms", b"caf\xe9.mms", "separationaxis=scan", "--no-sync", "--job-dir", "job")
        with open(self.path("job/plan.json")) as file:
            units = json.load(file)["units"]
        self.assertEqual(sorted(units)[:2], [f"sub-MS caf\\xE9.000{i}.ms" for i in range(2)])


if __name__ == "__main__":
    program_case.main()
