# SPDX-License-Identifier: LGPL-2.1-or-later
"""resume: changed requests and inputs, lost parts, several runs at once, what is left behind."""
import contextlib
import glob
import json
import os
import re
import shutil
import signal
import subprocess
import time

from casacore.tables import table

import program_case
from interrupting import Interrupting
from machine import family, kill_all, patient, wait_until
from program_case import ProgramCase


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

    def test_an_empty_folder_of_ours_is_removed(self):
        """It is all that a run leaves that is killed when its journal comes or goes, but what stands beside."""
        self.prepare()
        self.multims("partition", "in.ms", "out.mms", *self.words, "--quiet")
        folder = self.path("out.mms.multims")
        for mark in ".out.mms.multims-new", ".out.mms.multims-end":
            for words in ("clean", "out.mms"), ("clean", "out.mms.multims"), ("partition", "in.ms", "out.mms",
                                                                              *self.words, "--resume"):
                with self.subTest(mark=mark, words=words):
                    os.mkdir(folder)
                    open(self.path(mark), "w").close()
                    self.multims(*words, status=2 * (words[0] == "partition"))
                    self.check_done()
        os.mkdir(folder)
        open(folder + "/journal.jsonl", "w").close()  # killed before the first record
        self.assertIn("no unfinished run", self.multims("resume", "out.mms", status=2).stderr)
        self.multims("clean", "out.mms")
        self.check_done()

    def test_a_journal_that_can_not_be_opened(self):
        """What was staged is not thrown away for that."""
        self.prepare()
        self.interrupt(number=signal.SIGKILL, least=2)
        os.rename(self.path(self.journal), self.path("saved"))
        os.mkdir(self.path(self.journal))
        before = self.left()
        run = self.multims("partition", "in.ms", "out.mms", *self.words, "--resume", status=2)
        self.assertIn("resume: what was done is not known: ", run.stderr)
        self.assertEqual(self.left(), before)
        os.rmdir(self.path(self.journal))
        os.rename(self.path("saved"), self.path(self.journal))
        self.assertRegex(self.multims("resume", "out.mms").stderr, r"not finished: [2-8] parts done")
        self.check_done()

    def test_nor_is_it_in_the_way_of_a_new_run(self):
        self.prepare()
        os.makedirs(self.path(self.journal))
        run = self.multims("partition", "in.ms", "out.mms", *self.words)
        self.assertIn("WARN partition: no --resume later, and the journal of an earlier run stays: ", run.stderr)
        self.assertEqual(self.left(), ["out.mms", "out.mms.flagversions", "out.mms.multims"])

    def test_damage_in_the_middle_is_told(self):
        self.prepare()
        self.interrupt(number=signal.SIGKILL, least=3)
        with open(self.path(self.journal)) as file:
            lines = file.readlines()
        done = [i for i, line in enumerate(lines) if '"ev":"done"' in line and '"aside":false' in line]
        lines[done[1]] = lines[done[1]].replace('"ev"', '"\x01v"')
        with open(self.path(self.journal), "w") as file:
            file.writelines(lines)
        run = self.multims("partition", "in.ms", "out.mms", *self.words, "--resume")
        self.assertRegex(run.stderr, r"journal.jsonl is damaged: what it tells behind byte \d+ does not count")
        self.assertRegex(run.stderr, r"not finished: 1 parts done")
        self.check_done()

    def test_one_of_others_stays(self):
        self.prepare()
        folder = self.path("out.mms.multims")
        os.mkdir(folder)
        self.multims("clean", "out.mms", status=2)
        self.assertIn("nothing is left to do", self.multims("clean", "out.mms.multims").stdout)
        self.assertEqual(self.left(), ["out.mms.multims"])
        self.multims("partition", "in.ms", "out.mms", *self.words, "--quiet")  # whose journal is there meanwhile
        self.assertEqual(self.left(), ["out.mms", "out.mms.flagversions", "out.mms.multims"])
        os.rmdir(folder)
        self.check_done()
        for name in "", "/logs":
            os.makedirs(folder + name)
            self.multims("clean", "out.mms")
            self.multims("partition", "in.ms", "out.mms", *self.words, "--resume", status=2)
            self.assertEqual(self.left(), ["out.mms", "out.mms.flagversions", "out.mms.multims"])

    def test_one_of_others_stays_after_a_run_that_was_killed(self):
        self.prepare()
        folder = self.path("out.mms.multims")
        for words in ("resume", "out.mms"), ("clean", "out.mms.multims"), ("partition", "in.ms", "out.mms", *self.words):
            with self.subTest(words=words):
                os.mkdir(folder)
                self.interrupt(number=signal.SIGKILL, least=2)
                self.multims(*words)
                self.assertEqual(os.listdir(folder), [])
                os.rmdir(folder)
                for name in ("out.mms", "out.mms.flagversions"):
                    shutil.rmtree(self.path(name), ignore_errors=True)

    def test_what_was_made_of_another_input_is_not_complete(self):
        """Killed when the output had its name: what is left of that run is done; then the input is compared."""
        self.prepare()
        words = "partition", "in.ms", "out.mms", *self.words
        for asked, why in ((words, "input .*/in.ms is"), ((*words[:3], "separationaxis=scan", "numsubms=4"),
                                                          "parameter numsubms is")):
            self.multims(*words, "--quiet", "--job-dir", "out.mms.multims")
            if asked == words:
                os.utime(self.path("in.ms/FIELD/table.dat"))
            run = self.multims(*asked, "--resume", status=2)
            self.assertRegex(run.stderr, f"WARN partition: resume: out.mms is complete, but {why} not what it was")
            self.assertIn("already exists", run.stderr)
            self.check_done()
            for name in ("out.mms", "out.mms.flagversions"):
                shutil.rmtree(self.path(name))

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

    def test_files_of_others_are_not_written_over(self):
        """A folder for the journal that holds files of these names, and no journal of ours."""
        self.prepare()
        for name in ("plan.json", "summary.json", "logs/run.log", "journal.jsonl"):
            with self.subTest(name=name):
                os.makedirs(self.path("job/logs"))
                with open(self.path("job/" + name), "w") as file:
                    file.write("of others\n")
                run = self.multims("partition", "in.ms", "out.mms", *self.words, "--job-dir", "job", status=2)
                self.assertIn(f"job/{name} is no run's: it is not written over", run.stderr)
                with open(self.path("job/" + name)) as file:
                    self.assertEqual(file.read(), "of others\n")
                self.assertEqual(os.listdir(self.path("job/logs")), ["run.log"] if "/" in name else [])
                self.assertEqual(self.left(), ["job"])
                shutil.rmtree(self.path("job"))

    def test_nor_are_those_beside_the_output(self):
        self.prepare()
        os.mkdir(self.path("out.mms.multims"))
        with open(self.path(self.journal), "w") as file:
            file.write("of others\n")
        run = self.multims("partition", "in.ms", "out.mms", *self.words, status=2)
        self.assertIn(f"{self.journal} is no run's: it is not written over", run.stderr)
        for verb in ("status", "clean", "resume"):
            self.multims(verb, "out.mms", status=1 if verb == "clean" else 2)
        with open(self.path(self.journal)) as file:
            self.assertEqual(file.read(), "of others\n")
        self.assertEqual(self.left(), ["out.mms.multims"])

    def test_one_that_made_no_set_holds_no_work_in_place_up(self):
        self.prepare()
        self.interrupt(number=signal.SIGKILL)
        self.multims("partition", "in.ms", "other.mms", *self.words, "flagbackup=False")
        os.rename(self.path("other.mms"), self.path("out.mms"))
        run = self.multims("flagdata", "out.mms", "mode=manual", "scan=1", "--no-sync", "--resume")
        self.assertIn("all is done again", run.stderr)
        self.assertEqual(self.left(), ["out.mms", "out.mms.flagversions"])

    def test_a_folder_of_the_users_stays_after_a_crash(self):
        """Also where no part is done."""
        self.prepare()
        for _ in range(20):
            process = subprocess.Popen([program_case.args.program, "partition", "in.ms", "out.mms", *self.words,
                                        "--job-dir", "job"], cwd=self.folder, stdout=subprocess.DEVNULL,
                                       stderr=subprocess.PIPE, text=True)
            while process.poll() is None and not os.path.exists(self.path("job/plan.json")):
                time.sleep(0.001)
            for pid in family(process.pid)[1:2]:  # the first watches
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGSEGV)
            said = process.communicate(timeout=patient(60))[1]
            if process.returncode and not re.search("[1-9] parts are done", said):
                break
            self.multims("clean", "job")
            for name in ("out.mms", "out.mms.flagversions"):
                shutil.rmtree(self.path(name), ignore_errors=True)
        self.assertIn("0 parts are done: multims resume " + self.path("job"), said)
        self.multims("resume", "job")

    def test_a_journal_for_which_the_disk_was_full_is_ours(self):
        self.prepare()
        os.mkdir(self.path("out.mms.multims"))
        for name in ("journal.jsonl", "plan.json"):
            open(self.path("out.mms.multims/" + name), "w").close()
        self.multims("partition", "in.ms", "out.mms", *self.words, "--resume")
        self.check_done()

    def test_the_folder_may_have_the_name_of_one_beside_an_output(self):
        self.prepare()
        self.journal = "other.multims/journal.jsonl"
        self.interrupt("--job-dir", "other.multims")
        run = self.multims("resume", "other.multims")
        self.assertRegex(run.stderr, r"goes on with the run that was not finished: \d parts done")
        self.assertEqual(self.answer("status", "other.multims")["phase"], "complete")


class Anew(ProgramCase):
    """What has one unit begins anew, and says so; a version that was saved is not saved twice."""

    def kill(self, output, *words, event='"ev":"'):
        """Kill a run and all that it started when its journal has an event."""
        for _ in range(50):
            process = subprocess.Popen([program_case.args.program, *words, "--no-sync", "--quiet"], cwd=self.folder)
            while process.poll() is None:
                try:
                    with open(self.path(output + ".multims/journal.jsonl")) as journal:
                        if event in journal.read():
                            break
                except FileNotFoundError:
                    pass
            kill_all(family(process.pid))
            if process.wait() and os.path.exists(self.path(output + ".multims")):
                return
            shutil.rmtree(self.path("big.ms"), ignore_errors=True)
            shutil.rmtree(self.path("in.mms.flagversions"), ignore_errors=True)
        self.fail("always faster")

    def kill_client(self, begun, ready, *words):
        """Kill the client alone when its worker has begun and is ready; it knows nothing of that."""
        for _ in range(50):
            process = subprocess.Popen([program_case.args.program, *words, "--no-sync", "--quiet"], cwd=self.folder,
                                       stderr=subprocess.PIPE, text=True)
            while process.poll() is None and not begun():
                pass
            client = family(process.pid)[1:2]  # the first watches
            with contextlib.suppress(ProcessLookupError):
                for number in (signal.SIGSTOP, signal.SIGCONT):
                    for pid in client:
                        os.kill(pid, number)
                    if client and number == signal.SIGSTOP and wait_until(ready, 2):
                        kill_all(client)
            said = process.communicate(timeout=patient(60))[1]
            if process.returncode and self.is_unknown():
                return said
            for name in set(os.listdir(self.folder)) - {"in.ms", "in.mms"}:
                shutil.rmtree(self.path(name))
        return self.fail("always faster")

    def is_unknown(self):
        """There is a journal, in which no part is done."""
        for name in glob.glob(self.path("*.multims/journal.jsonl")):
            with open(name) as journal:
                return '"aside":false' not in journal.read()
        return False

    def test_simulate(self):
        words = "simulate", "big.ms", "antennas=20", "channels=128", "integrations=20"
        for again in (("resume", "big.ms"), (*words, "--resume")):
            self.kill("big.ms", *words)
            run = self.multims(*again)
            self.assertIn("nothing was done of the run that was not finished: it begins anew", run.stderr)
            self.assertEqual(os.listdir(self.folder), ["big.ms"])
            shutil.rmtree(self.path("big.ms"))

    def test_a_plain_ms(self):
        self.simulate("in.ms", "antennas=20", "channels=128", "integrations=20")
        words = "partition", "in.ms", "big.ms", "createmms=False"
        for again in (("resume", "big.ms"), (*words, "--resume")):
            self.kill("big.ms", *words, event='"ev":"dispatch"')
            run = self.multims(*again)
            self.assertRegex(run.stderr, "it begins anew|0 parts done, so that all are run")
            self.multims("verify", "big.ms", "--against", "in.ms")
            self.assertEqual(sorted(os.listdir(self.folder)), ["big.ms", "in.ms"])
            shutil.rmtree(self.path("big.ms"))

    def make_mms(self):
        self.simulate("in.ms", "scans=4")
        self.multims("partition", "in.ms", "in.mms", "separationaxis=scan", "flagbackup=False", "--quiet")

    def test_virtual_models(self):
        self.make_mms()
        words = "setjy", "in.mms", "standard=manual", "fluxdensity=[2,0,0,0]", "usescratch=False"
        shutil.copytree(self.path("in.mms"), self.path("keep"), symlinks=True)
        for again in (("resume", "in.mms"), (*words, "--resume")):
            self.kill("in.mms", *words)
            self.multims(*again)
            self.assertEqual([n for n in os.listdir(self.folder) if "undo" in n or n.endswith(".multims")], [])
            names = table(self.path("in.mms/SUBMSS/in.0000.ms"), ack=False).keywordnames()
            self.assertTrue([n for n in names if n.startswith("definedmodel")] or
                            "SOURCE_MODEL" in table(self.path("in.mms/SOURCE"), ack=False).colnames())
            shutil.rmtree(self.path("in.mms"))
            shutil.copytree(self.path("keep"), self.path("in.mms"), symlinks=True)

    def test_versions(self):
        self.make_mms()
        words = "flagmanager", "in.mms", "save", "one"
        for again in (("resume", "in.mms"), (*words, "--resume")):
            self.kill("in.mms", *words)
            self.multims(*again)
            found = self.answer("flagmanager", "in.mms")
            self.assertEqual([found[n]["name"] for n in found if n.isdigit()], ["one"])
            self.assertEqual(sorted(os.listdir(self.folder)), ["in.mms", "in.mms.flagversions", "in.ms"])
            shutil.rmtree(self.path("in.mms.flagversions"))

    def saved(self):
        """The versions that are there and listed."""
        try:
            with open(self.path("in.mms.flagversions/FLAG_VERSION_LIST")) as listed:
                return [line.split(" : ")[0] for line in listed]
        except FileNotFoundError:
            return []

    def test_versions_that_were_saved_when_the_client_was_killed(self):
        self.make_mms()
        for words, name in ((("flagmanager", "in.mms", "save", "one"), "one"),
                            (("flagdata", "in.mms", "mode=manual", "antenna=0"), "flagdata_1")):
            staged = self.path(f"in.mms.flagversions/.flags.new.{name}")
            for again in (("resume", "in.mms"), (*words, "--resume")):
                said = self.kill_client(lambda path=staged: os.path.exists(path), self.saved, *words)
                self.assertIn("multims resume", said)
                self.multims(*again)
                self.assertEqual(self.saved(), [name])
                shutil.rmtree(self.path("in.mms.flagversions"))

    def test_a_client_that_was_killed_alone_leaves_its_request(self):
        self.simulate("in.ms", "antennas=20", "channels=128", "integrations=20")
        words = "partition", "in.ms", "big.ms", "createmms=False"
        for again in (("resume", "big.ms"), (*words, "--resume")):
            said = self.kill_client(lambda: glob.glob(self.path(".big.ms.mms-part-*/big.ms/table.f*")), lambda: True,
                                    *words)
            self.assertRegex(said, "0 parts are done: multims resume .*/big.ms.multims goes on")
            run = self.multims(*again)
            self.assertRegex(run.stderr, "it begins anew|0 parts done, so that all are run")
            self.assertNotIn("WARN", run.stderr)
            self.assertEqual(sorted(os.listdir(self.folder)), ["big.ms", "in.ms"])
            shutil.rmtree(self.path("big.ms"))


if __name__ == "__main__":
    program_case.main()
