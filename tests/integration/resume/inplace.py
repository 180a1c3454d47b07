# SPDX-License-Identifier: LGPL-2.1-or-later
"""Work in place that was killed or stopped and is gone on with: parts that are done stay done, the bytes are
those of a run that nobody disturbed (docs/resuming.md)."""
import fcntl
import glob
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from unittest import mock

import caltable
import numpy
import program_case
from kills import words_of
from machine import family, kill_all, mpirun, patient, wait_until
from undo_case import UndoCase, digests

VERBS = {
    "setjy": ("setjy", "in.mms", "standard=manual", "fluxdensity=[2,0,0,0]"),
    "applycal": ("applycal", "in.mms", "gaintable=x.G"),
    "flagdata": ("flagdata", "in.mms", "mode=clip", "clipminmax=[0,1]"),
    "tfcrop": ("flagdata", "in.mms", "mode=tfcrop"),
    "statwt": ("statwt", "in.mms", "datacolumn=data", "timebin=30s", "chanbin=8"),
    "restore": ("flagmanager", "in.mms", "restore", "some", "merge=or"),
    "save": ("flagmanager", "in.mms", "save", "new"),  # one unit
}
TIMES = ("HISTORY",)  # sub-tables that tell the time
LATIN = os.fsdecode(b"caf\xe9.G")
READER = """
import sys
from casacore.tables import table
t = table(sys.argv[1], lockoptions="user", ack=False)
t.lock(False)
print("locked", flush=True)
sys.stdin.read()
"""
KEPT = {"in.ms", "keep", "keep.versions", "x.G", LATIN}
JOURNAL = "in.mms.multims/journal.jsonl"


def data_of(folder):
    return {name: value for name, value in digests(folder).items()
            if not any(part in TIMES for part in name.split(os.sep))}


class InPlaceCase(UndoCase):
    """Runs of the verbs that change a set where it is, and what they give undisturbed."""
    ranks = 0
    antennas, simulated = 5, ("scans=6", "channels=32", "integrations=10")

    def setUp(self):
        super().setUp()
        self.multims("simulate", "in.ms", f"antennas={self.antennas}", *self.simulated, "--no-sync", "--quiet")
        self.make_set()
        caltable.make(self.path("x.G"), "G Jones", self.path("in.ms"), numpy.full((self.antennas, 1, 1, 2), 2 + 1j))
        self.make_version()
        self.wanted = {}

    def make_set(self):
        self.multims("partition", "in.ms", "keep", "separationaxis=scan", "numsubms=6", "--quiet",
                     "flagbackup=False", "--no-sync")

    def make_version(self):
        """One for restores, of flags that keep does not have."""
        self.renew()
        self.multims("flagdata", "in.mms", "mode=manual", "antenna=0", "flagbackup=False", "--quiet")
        self.multims("flagmanager", "in.mms", "save", "some", "--quiet")
        os.rename(self.path("in.mms.flagversions"), self.path("keep.versions"))
        self.remove()

    def prepare(self, verb):
        self.remove()
        self.renew()
        if verb == "restore":
            shutil.copytree(self.path("keep.versions"), self.path("in.mms.flagversions"))

    def remove(self):
        for name in os.listdir(self.folder):
            if name not in KEPT:
                subprocess.run(["rm", "-rf", "--", self.path(name)], check=True)

    def undisturbed(self, verb):
        if verb not in self.wanted:
            self.prepare(verb)
            self.multims(*VERBS[verb], "--quiet")
            self.wanted[verb] = data_of(self.path("in.mms")), self.versions()
            self.remove()
        return self.wanted[verb]

    def versions(self):
        try:
            return sorted(n for n in os.listdir(self.path("in.mms.flagversions")) if n.startswith("flags."))
        except FileNotFoundError:
            return []

    def records(self):
        try:
            with open(self.path(JOURNAL)) as f:
                return [json.loads(line) for line in f if line.endswith("}\n")]
        except FileNotFoundError:
            return []

    def done(self):
        return [r["unit"] for r in self.records() if r["ev"] == "done"]

    def begin(self, verb, least, *words):
        """Start a run on a fresh copy, until so many units are done."""
        self.prepare(verb)
        process = subprocess.Popen([*mpirun(self.ranks), program_case.args.program, *VERBS[verb], "-j", "1",
                                    "--no-sync", *words], cwd=self.folder, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.PIPE, text=True)
        limit = time.monotonic() + patient(30)
        while process.poll() is None and len(self.done()) < least and time.monotonic() < limit:
            time.sleep(0.001)
        return process

    def interrupt(self, verb, least, number, *words):
        """Signal a run when so many units are done; return its status and what it said."""
        for _ in range(20):
            process = self.begin(verb, least, *words)
            if number == signal.SIGKILL:
                kill_all(family(process.pid))
            else:
                process.send_signal(number)
            said = process.communicate(timeout=patient(60))[1]
            if process.returncode and self.done():
                return process.returncode, said
            self.remove()
        self.fail("always faster than the signal")

    def look(self, verb):
        """The set's bytes that count."""
        return data_of(self.path("in.mms"))

    def check(self, verb, versions_too=True):
        wanted, versions = self.wanted[verb]
        found = self.look(verb)
        self.assertEqual(sorted(k for k in wanted if found.get(k) != wanted[k]), [])
        self.assertEqual(sorted(found), sorted(wanted))
        if versions_too:
            self.assertEqual(self.versions(), versions)
        left = set(os.listdir(self.folder)) - KEPT - {"in.mms", "in.mms.flagversions"}
        self.assertEqual(left, set())
        self.remove()


class InPlace(InPlaceCase):
    def go_on(self, verb, *words):
        """Finish a run, and see that no unit is done twice."""
        done = set(self.done())
        process = subprocess.Popen([*mpirun(self.ranks), program_case.args.program, *VERBS[verb], "--resume",
                                    "--no-sync", *words], cwd=self.folder, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.PIPE, text=True)
        seen = []
        while process.poll() is None:
            seen = self.records() or seen
            time.sleep(0.001)
        with process.stderr as said:
            self.assertEqual(process.returncode, 0, said.read())
        last = max((i for i, r in enumerate(seen) if r["ev"] == "run"), default=0)
        again = {r["unit"] for r in seen[last:] if r["ev"] == "dispatch"}
        self.assertEqual(again & done, set(), "a unit that was done was done again")

    def test_killed_runs_are_gone_on_with(self):
        for verb in (v for v in VERBS if v != "save"):
            self.undisturbed(verb)
            for least in (1, 3, 6, 9) if verb in ("flagdata", "statwt") else (1, 4):
                with self.subTest(verb=verb, least=least):
                    self.interrupt(verb, least, signal.SIGKILL)
                    self.go_on(verb)
                    self.check(verb)

    def test_a_version_is_saved_once(self):
        """The client is killed when the worker has saved, before it can have heard of it."""
        for verb in "flagdata", "statwt", "save":
            self.undisturbed(verb)
            process = self.begin(verb, 0)
            self.stop_while_it_saves(process)
            kill_all(family(process.pid))
            process.communicate(timeout=patient(60))
            self.go_on(verb)
            self.check(verb)

    def test_a_worker_that_is_killed_while_it_saves_leaves_nothing(self):
        for verb in "statwt", "save":
            process = self.begin(verb, 0)
            staged = self.path("in.mms.flagversions/.flags.new." + ("new" if verb == "save" else "statwt_1"))
            while process.poll() is None and not os.path.exists(staged):
                time.sleep(0.0005)
            kill_all([pid for pid in family(process.pid) if words_of(pid)[1:] == ["worker"]])
            process.communicate(timeout=patient(60))
            self.assertFalse(os.path.exists(staged))

    def stop_while_it_saves(self, process):
        """Stop all but the workers, and wait until the version is listed."""
        listed = self.path("in.mms.flagversions/FLAG_VERSION_LIST")
        while process.poll() is None and not os.path.exists(self.path("in.mms.flagversions")):
            time.sleep(0.0005)
        for pid in family(process.pid):
            if words_of(pid)[1:] != ["worker"]:
                os.kill(pid, signal.SIGSTOP)
        self.assertTrue(wait_until(lambda: os.path.exists(listed) and os.path.getsize(listed), 30))

    def test_resume_where_there_is_nothing_begins(self):
        for verb in VERBS:
            self.undisturbed(verb)
            self.prepare(verb)
            run = self.multims(*VERBS[verb], "--resume")
            self.assertIn("there is no unfinished run: all parts are run", run.stderr)
            self.assertNotIn("another run", run.stderr)
            self.check(verb)

    def test_resume_in_another_folder(self):
        self.undisturbed("applycal")
        self.interrupt("applycal", 2, signal.SIGKILL)
        self.assertEqual(self.answer("status", "in.mms")["phase"], "killed")
        self.multims("resume", self.path("in.mms"), "-j", "2", cwd="/")
        self.check("applycal")

    def test_without_resume_all_is_undone_and_begun_anew(self):
        self.undisturbed("setjy")
        self.interrupt("setjy", 2, signal.SIGKILL)
        run = self.multims(*VERBS["setjy"])
        self.assertIn("the data are as they were before it", run.stderr)
        self.assertIn("an earlier run was not finished", run.stderr)
        self.check("setjy")

    def test_clean_brings_all_back(self):
        self.interrupt("setjy", 2, signal.SIGKILL)
        self.multims("clean", "in.mms", "--restore")
        self.assertEqual(data_of(self.path("in.mms")), data_of(self.path("keep")))
        self.assertFalse(os.path.exists(self.path("in.mms.multims")))

    def test_after_a_restore_all_is_done_again(self):
        self.undisturbed("setjy")
        self.interrupt("setjy", 2, signal.SIGKILL)
        shutil.copytree(self.path("in.mms.multims"), self.path("saved"))
        self.multims("clean", "in.mms", "--restore")
        os.rename(self.path("saved"), self.path("in.mms.multims"))
        run = self.multims(*VERBS["setjy"], "--resume")
        self.assertRegex(run.stderr, "was changed since it was done: it is run again|they were brought back since")
        self.check("setjy")

    def test_a_folder_that_somebody_removed_is_not_told_to_be_brought_back(self):
        self.undisturbed("flagdata")
        self.interrupt("flagdata", 8, signal.SIGKILL)
        shutil.rmtree(self.path(".in.mms.mms-undo"))
        run = self.multims(*VERBS["flagdata"], "--resume")
        self.assertIn("the old data are not kept any more: ", run.stderr)
        self.assertNotIn("the data are as they were before it", run.stderr)
        for left in glob.glob(self.path("in.mms/**/table.dat_tmp"), recursive=True):
            os.remove(left)  # casacore's, which only the undo knew
        self.check("flagdata", versions_too=False)

    def test_rows_for_flag_cmd_are_added_once(self):
        """Killed while a worker adds them: FLAG_CMD is brought back by the next run."""
        words = "flagdata", "in.mms", "mode=manual", "antenna=1", "action=none", "savepars=True", "--no-sync"
        self.prepare("commands")
        self.multims(*words, "--quiet")
        wanted = digests(self.path("in.mms"))
        for _ in range(40):
            self.prepare("commands")
            process = subprocess.Popen([program_case.args.program, *words], cwd=self.folder, stderr=subprocess.DEVNULL)
            while process.poll() is None and not os.path.exists(self.path(".in.mms.mms-undo/undo.json")):
                time.sleep(0.0002)
            kill_all(family(process.pid))
            process.wait()
            if os.path.exists(self.path(".in.mms.mms-undo/undo.json")):
                break
        self.assertIn("the data are as they were before it", self.multims(*words).stderr)
        self.assertEqual(digests(self.path("in.mms")), wanted)
        self.assertEqual(self.leftovers(), [])

    def test_no_one_who_locks_sees_bytes_that_come_back(self):
        """casacore's lock of a part is waited for, for a time."""
        for waits in True, False:
            self.interrupt("setjy", 2, signal.SIGKILL)
            part = self.path("in.mms/SUBMSS/keep.0000.ms")
            half = digests(part)
            with subprocess.Popen([sys.executable, "-c", READER, part], text=True, stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE) as reader:
                self.assertEqual(reader.stdout.readline(), "locked\n")
                process = subprocess.Popen([program_case.args.program, "clean", "in.mms", "--restore"],
                                           cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
                if waits:
                    time.sleep(1)
                    self.assertIsNone(process.poll())
                    self.assertEqual(digests(part), half)
                else:
                    process.wait(patient(60))
                reader.stdin.close()
                reader.wait()
            said = process.communicate(timeout=patient(60))[1]
            self.assertEqual(process.returncode, 0, said)
            self.assertEqual("its old bytes come back beside who may be reading it" in said, not waits)
            self.assertEqual(data_of(self.path("in.mms")), data_of(self.path("keep")))
            self.remove()

    def test_the_undo_of_another_run_is_not_taken(self):
        """A journal elsewhere outlives the undo that belongs to it; another run's knows other files."""
        jobs = "--job-dir", self.path("job")
        self.undisturbed("applycal")
        for _ in range(20):
            process = self.begin("applycal", 0, *jobs)
            self.wait_for_parts("job/journal.jsonl", process, 2)
            if process.returncode:
                break
        self.interrupt_other("setjy", 2)
        run = self.multims(*VERBS["applycal"], *jobs, "--resume")
        self.assertIn("they were brought back since, or somebody removed what was kept; all is done again", run.stderr)
        shutil.rmtree(self.path("job"))
        shutil.rmtree(self.path("in.mms.multims"))
        self.check("applycal", versions_too=False)

    def wait_for_parts(self, journal, process, least, record='"ev":"done"'):
        """Kill a run when so many units are done."""
        def done():
            try:
                with open(self.path(journal)) as f:
                    return f.read().count(record)
            except FileNotFoundError:
                return 0
        limit = time.monotonic() + patient(30)
        while process.poll() is None and done() < least and time.monotonic() < limit:
            time.sleep(0.001)
        kill_all(family(process.pid))
        process.communicate(timeout=patient(60))

    def interrupt_other(self, verb, least):
        """Kill another run over the same set, which undoes the first before."""
        for _ in range(20):
            process = subprocess.Popen([program_case.args.program, *VERBS[verb], "-j", "1", "--no-sync"],
                                       cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
            self.wait_for_parts(JOURNAL, process, least)
            if process.returncode:
                return
            shutil.rmtree(self.path("in.mms"))
            self.renew()
        self.fail("always faster than the signal")

    def hold(self):
        """A run that is stopped in the middle of its work; its processes."""
        for _ in range(20):
            process = self.begin("setjy", 1)
            processes = family(process.pid)
            for pid in processes:
                os.kill(pid, signal.SIGSTOP)
            if process.poll() is None and os.path.exists(self.path(".in.mms.mms-undo")):
                return process, processes
            for pid in processes:
                os.kill(pid, signal.SIGCONT)
            process.communicate()
        self.fail("always faster")

    def test_a_run_waits_for_another(self):
        """Lock contention: tried again after 1, 4 and 16 s; a stop signal ends the wait."""
        process, processes = self.hold()
        others = []
        for number in (signal.SIGINT, None):
            other = subprocess.Popen([program_case.args.program, "flagdata", "in.mms", "mode=manual", "antenna=0"],
                                     cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
            self.assertIn("is being changed by another run", other.stderr.readline())
            if number:
                other.send_signal(number)
                self.assertEqual(other.wait(patient(60)), 130)
                other.stderr.close()
            others.append(other)
        for pid in processes:
            os.kill(pid, signal.SIGCONT)
        self.assertEqual(process.wait(patient(60)), 0)
        process.stderr.close()
        said = others[-1].communicate(timeout=patient(60))[1]
        self.assertEqual(others[-1].returncode, 0, said)
        self.assertEqual(self.versions(), ["flags.flagdata_1"])

    def test_a_run_that_begins_is_waited_for(self):
        """It has its journal, and does not hold the set yet."""
        self.undisturbed("setjy")
        self.renew()
        os.mkdir(self.path("in.mms.multims"))
        with open(self.path(JOURNAL), "w") as journal:
            fcntl.flock(journal, fcntl.LOCK_EX)
            other = subprocess.Popen([program_case.args.program, *VERBS["setjy"], "--no-sync"], cwd=self.folder,
                                     stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
            self.assertIn("is being changed by another run; tried again in 1 s", other.stderr.readline())
        said = other.communicate(timeout=patient(60))[1]
        self.assertEqual(other.returncode, 0, said)
        self.check("setjy")

    def test_a_set_that_another_run_changed_after_it_was_opened(self):
        """Of the column that the other run added nothing would be kept; the log of the run holds it up."""
        self.renew()
        words = "setjy", "in.mms", "standard=manual", "usescratch=True", "--no-sync", "-j", "1"
        log = self.path("in.mms.multims/logs/run.log")
        os.makedirs(os.path.dirname(log))
        open(self.path(JOURNAL), "w").close()  # without one the folder is another's
        os.mkfifo(log)
        process = subprocess.Popen([program_case.args.program, *words, "fluxdensity=[5,0,0,0]"], cwd=self.folder,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        while process.poll() is None and '"begin"' not in self.read_journal():
            time.sleep(0.001)
        self.assertIsNone(process.poll())
        self.multims(*words, "fluxdensity=[2,0,0,0]", "--job-dir", self.path("job"), "--quiet")
        with subprocess.Popen(["cat", log], stdout=subprocess.DEVNULL):
            said = process.communicate(timeout=patient(60))[1]
        self.assertEqual(process.returncode, 1, said)
        self.assertIn("was changed by another run while this one looked at it", said)
        shutil.rmtree(self.path("job"))
        self.multims(*words, "fluxdensity=[5,0,0,0]", "--quiet")
        self.assertEqual(set(os.listdir(self.folder)) | {LATIN}, KEPT | {"in.mms"})

    def read_journal(self):
        try:
            with open(self.path(JOURNAL)) as f:
                return f.read()
        except FileNotFoundError:
            return ""

    def test_the_flags_are_saved_again_where_another_run_came_between(self):
        """What was saved before that run is not what this one changes."""
        job = self.path("job")
        flag = "flagdata", "in.mms", "mode=clip", "clipminmax=[0,1]", "--no-sync"
        for _ in range(20):
            self.remove()
            self.renew()
            process = subprocess.Popen([program_case.args.program, *flag, "--job-dir", job], cwd=self.folder,
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            self.wait_for_parts("job/journal.jsonl", process, 1, '"ev":"plan"')
            if process.returncode:
                break
        self.assertEqual(self.versions(), ["flags.flagdata_1"])
        self.multims("flagdata", "in.mms", "mode=manual", "antenna=0", "--no-sync", "--quiet")
        shutil.copytree(self.path("in.mms"), self.path("other"), symlinks=True)
        run = self.multims(*flag, "--job-dir", job, "--resume")
        self.assertIn("they were brought back since, or somebody removed what was kept; all is done again", run.stderr)
        self.assertEqual(self.versions(), [f"flags.flagdata_{i}" for i in (1, 2, 3)])
        self.multims("flagmanager", "in.mms", "mode=restore", "versionname=flagdata_3", "--quiet")
        self.multims("diff", "in.mms", "other", "--quiet")

    def test_a_run_that_ended_is_not_gone_on_with(self):
        """The folder of a job stays: the set may have been changed since, or another one is meant."""
        self.undisturbed("setjy")
        words = *VERBS["setjy"], "--job-dir", self.path("job"), "--resume"
        self.renew()
        self.multims(*words)
        self.renew()
        run = self.multims(*words)
        self.assertIn("there is no unfinished run: all parts are run", run.stderr)
        self.multims(words[0], "keep", *words[2:])
        for name in "job", "keep":
            shutil.rmtree(self.path(name))
        self.check("setjy")

    def test_what_ended_but_was_brought_back_is_done_again(self):
        """A run that was killed when all parts were done is not over while its undo may come back."""
        self.undisturbed("setjy")
        for _ in range(20):
            self.interrupt("setjy", 6, signal.SIGKILL)
            if os.path.exists(self.path(".in.mms.mms-undo/undo.json")):
                break
        with open(self.path(JOURNAL), "a") as f:
            f.write(program_case.with_sum({"ev": "finishing", "t": 1.0}))
        shutil.copytree(self.path("in.mms.multims"), self.path("saved"))
        self.multims("clean", "in.mms", "--restore")
        os.rename(self.path("saved"), self.path("in.mms.multims"))
        self.multims(*VERBS["setjy"], "--resume")
        self.check("setjy")

    def test_ctrl_c_undoes_unless_resume_is_meant(self):
        status, said = self.interrupt_once("setjy", 2, signal.SIGINT)
        self.assertEqual(status, 130, said)
        self.assertEqual(data_of(self.path("in.mms")), data_of(self.path("keep")))
        self.assertEqual(self.leftovers(), [])
        self.undisturbed("setjy")
        status, said = self.interrupt("setjy", 2, signal.SIGINT, "--resume")
        self.assertEqual(status, 130, said)
        self.assertIn("is half changed: --resume goes on", said)
        self.assertIn("Resume with: multims resume in.mms.multims", said)
        self.go_on("setjy")
        self.check("setjy")

    def interrupt_once(self, verb, least, number):
        process = self.begin(verb, least)
        process.send_signal(number)
        said = process.communicate(timeout=patient(60))[1]
        return process.returncode, said

    def test_a_time_limit(self):
        self.undisturbed("applycal")
        status, said = self.interrupt("applycal", 2, signal.SIGUSR1)
        self.assertEqual(status, 75, said)
        self.go_on("applycal")
        self.check("applycal")

    def test_another_request_is_refused(self):
        self.interrupt("setjy", 2, signal.SIGKILL)
        run = self.multims("setjy", "in.mms", "standard=manual", "fluxdensity=[3,0,0,0]", "--resume", status=2)
        self.assertIn("is another one (parameter fluxdensity differs)", run.stderr)
        self.multims("setjy", "in.mms", "standard=manual", "fluxdensity=[3,0,0,0]")

    def test_a_table_that_was_changed_is_noticed(self):
        """Also one whose name is no UTF-8."""
        shutil.copytree(self.path("x.G"), self.path(LATIN))
        for name in "x.G", LATIN:
            with mock.patch.dict(VERBS, applycal=("applycal", "in.mms", os.fsencode("gaintable=" + name))):
                self.interrupt("applycal", 2, signal.SIGKILL)
                os.utime(self.path(name + "/table.dat"))
                run = self.multims(*VERBS["applycal"], "--resume", status=2)
                self.assertRegex(run.stderr, r"is another one \(input .*\.G differs\)")

    def test_a_version_that_was_saved_anew_is_noticed(self):
        self.interrupt("restore", 2, signal.SIGKILL)
        os.utime(self.path("in.mms.flagversions/flags.some/table.dat"))
        run = self.multims(*VERBS["restore"], "--resume", status=2)
        self.assertIn("is another one (input version differs)", run.stderr)

    def test_a_part_that_was_changed_is_done_again(self):
        self.undisturbed("setjy")
        self.interrupt("setjy", 2, signal.SIGKILL)
        os.utime(self.path("in.mms/SUBMSS/keep.0000.ms/table.dat"))
        run = self.multims(*VERBS["setjy"], "--resume")
        self.assertIn("keep.0000.ms was changed since it was done: it is run again", run.stderr)
        self.check("setjy")

    def test_random_kills(self):
        random.seed(program_case.args.seed)
        for i in range(program_case.args.kills):
            verb = random.choice(list(VERBS))
            self.undisturbed(verb)
            with self.subTest(i=i, verb=verb):
                self.begin_and_kill(verb)
                left = self.leftovers() or os.path.exists(self.path("in.mms.multims"))
                if left or data_of(self.path("in.mms")) != self.wanted[verb][0]:
                    self.multims(*VERBS[verb], "--resume", "-j", "2")  # else it had ended before
                self.check(verb, versions_too=False)

    def begin_and_kill(self, verb):
        process = self.begin(verb, 0)
        time.sleep(random.uniform(0.02, 0.5))
        victims = family(process.pid)
        alone = random.random() < 0.4 and not self.ranks  # the client, which is the second: the first watches
        kill_all(victims[1:2] if alone else victims)
        process.communicate(timeout=patient(60))


class InPlaceMpi(InPlace):
    ranks = 3

    def setUp(self):
        mpirun(self.ranks)
        super().setUp()


    def ranks_of(self, process):
        """{rank: its processes}"""
        found = {}
        for pid in family(process.pid):
            with open(f"/proc/{pid}/environ") as f:
                number = [v for v in f.read().split("\0") if v.startswith("OMPI_COMM_WORLD_RANK=")]
            if number and words_of(pid)[1:2] == ["setjy"]:
                found.setdefault(int(number[0].split("=")[1]), family(pid))
        return found

    def stop_ranks(self, numbers, least):
        """A run whose ranks of these numbers are stopped when some units are done."""
        process = self.begin("setjy", least, "workertimeout=1")
        while process.poll() is None and not [r for r in self.records() if r["ev"] == "dispatch"]:
            time.sleep(0.001)
        for number, pids in self.ranks_of(process).items():
            for pid in pids if number in numbers else []:
                os.kill(pid, signal.SIGSTOP)
        return process

    def test_nobody_answers(self):
        self.ranks = 6
        for _ in range(10):
            process = self.stop_ranks({1, 2, 3, 4, 5}, 0)
            said = process.communicate(timeout=patient(60))[1]
            if process.returncode:
                break
            self.remove()
        self.assertEqual(process.returncode, 1, said)
        self.assertRegex(said, r"no worker answers, and \d of \d units are not done")
        if self.leftovers():
            self.restore("in.mms")
        self.assertEqual(data_of(self.path("in.mms")), data_of(self.path("keep")))

    def test_a_stopped_rank_is_waited_for(self):
        self.undisturbed("setjy")
        for _ in range(10):
            process = self.stop_ranks({1}, 1)
            time.sleep(patient(0.8))
            if process.poll() is None:
                break
            process.communicate()
            self.remove()
        for pid in self.ranks_of(process)[1]:
            os.kill(pid, signal.SIGCONT)
        said = process.communicate(timeout=patient(60))[1]
        self.assertEqual(process.returncode, 0, said)
        self.assertIn("does not answer for", said)
        self.check("setjy")


if __name__ == "__main__":
    program_case.parser.add_argument("--kills", type=int, default=6)
    program_case.parser.add_argument("--seed", type=int, default=13)
    program_case.main()
