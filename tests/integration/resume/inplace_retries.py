# SPDX-License-Identifier: LGPL-2.1-or-later
"""Workers that are killed while they change a set where it is: what they had begun is taken back and begun again in
the same run, which ends as one that nobody disturbed, byte for byte (docs/resuming.md)."""
import glob
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time

from casacore.tables import table

import program_case
from inplace import InPlaceCase, VERBS, data_of
from kills import words_of
from machine import family, mpirun, patient
from undo_case import digests

MORE = {
    "virtual": ("setjy", "in.mms", "standard=manual", "fluxdensity=[2,0,0,0]", "usescratch=False"),
    "rflag": ("flagdata", "in.mms", "mode=rflag"),
    "commands": ("flagdata", "in.mms", "mode=manual", "antenna=1", "action=none", "savepars=True"),  # rows for FLAG_CMD
    "models": VERBS["setjy"],  # virtual ones are taken away before
}
HOLDER = """
import sys
from casacore.tables import table
tables = [table(name, readonly=False, lockoptions="permanentwait", ack=False) for name in sys.argv[1:]]
for t in tables:
    t.lock(True)
print("locked", flush=True)
sys.stdin.read()
"""
WRITER = """
import sys
from casacore.tables import table
t = table(sys.argv[1], readonly=False, lockoptions="permanentwait", ack=False)
print("locked", flush=True)
sys.stdin.read()
t.putcell("FLAG", 0, t.getcell("FLAG", 0) | True)
t.close()
"""
AGAIN = r": worker \d was killed by signal 9 \(Killed\).*: it is tried again \(attempt 2 of 2\)"


class Retried(InPlaceCase):
    antennas, simulated = 8, ("scans=6", "channels=64", "integrations=20")
    verbs = {**VERBS, **MORE}
    half = "setjy", "applycal", "flagdata", "statwt", "restore", "models"  # which can be seen half done

    def versions(self):
        """Those of the set, with their bytes; the list tells the time."""
        return {name: value for name, value in digests(self.path("in.mms.flagversions")).items()
                if name != "FLAG_VERSION_LIST"}

    def prepare(self, verb):
        super().prepare(verb)
        if verb == "models":
            self.multims(*MORE["virtual"], "--no-sync", "--quiet")

    def look(self, verb):
        """casacore leaves what its memory had in bytes that an empty record does not use."""
        return {name: value for name, value in super().look(verb).items()
                if verb != "models" or not name.endswith("SOURCE/table.f0i")}

    def undisturbed(self, verb):
        if verb not in self.wanted:
            self.prepare(verb)
            self.multims(*self.verbs[verb], "--quiet")
            self.wanted[verb] = self.look(verb), self.versions()
            self.remove()
        return self.wanted[verb]

    def start(self, verb, *words):
        self.prepare(verb)
        self.before = data_of(self.path("in.mms"))
        return self.run_verb(verb, *words)

    def run_verb(self, verb, *words):
        return subprocess.Popen([*mpirun(self.ranks), program_case.args.program, *self.verbs[verb], "--no-sync", "--json",
                                 *([] if self.ranks else ["-j", "2"]), *words], cwd=self.folder, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True)

    def workers(self, process):
        return [pid for pid in family(process.pid) if words_of(pid)[1:] == ["worker"]]

    def kill_one(self, process, half):
        """Kill a worker, with half one that has changed something; whether there was one."""
        before = self.before if half else None
        while process.poll() is None:
            time.sleep(random.uniform(0, 0.004))
            workers = self.workers(process)
            for pid in workers:
                self.signal(pid, signal.SIGSTOP)
            begun = workers and (not half or data_of(self.path("in.mms")) != before)
            if begun:
                self.signal(random.choice(workers), signal.SIGKILL)
            for pid in workers:
                self.signal(pid, signal.SIGCONT)
            if begun:
                return True
        return False

    def signal(self, pid, number):
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            pass

    def disturb(self, verb, half, *words):
        """Kill workers until one had a unit in hand; the result of its run, and what it said."""
        self.undisturbed(verb)
        for _ in range(40):
            process = self.start(verb, *words)
            self.kill_one(process, half)
            out, said = process.communicate(timeout=patient(120))
            if process.returncode or "tried again" in said:
                return process.returncode, json.loads(out) if out else {}, said
            self.check(verb)  # what was killed had nothing in hand
        self.fail("always faster than the signal")

    def check_all(self, verbs, half):
        for verb in verbs:
            with self.subTest(verb=verb, half=half):
                status, result, said = self.disturb(verb, half)
                self.assertEqual(status, 0, said)
                self.assertRegex(said, AGAIN)
                self.assertEqual([r["attempt"] for r in result["retries"]], [1])
                self.check(verb)

    def test_a_unit_is_begun_again(self):
        self.check_all(self.verbs, False)

    def test_one_that_was_half_done(self):
        self.check_all(self.half, True)

    def test_not_more_often_than_is_said(self):
        for words in ("workerretries=0",), ():
            with self.subTest(words=words):
                for _ in range(40):
                    process = self.start("setjy", *words)
                    while process.poll() is None:
                        self.kill_one(process, True)
                    said = process.communicate()[1]
                    if process.returncode:
                        break
                    self.remove()
                self.assertEqual(process.returncode, 1, said)
                self.assertEqual("tried again" in said, not words, said)
                self.assertEqual(data_of(self.path("in.mms")), data_of(self.path("keep")))
                self.assertEqual(self.leftovers(), [])
                self.remove()

    def test_a_stopped_worker(self):
        """It is killed after a time, and another takes its unit."""
        self.undisturbed("setjy")
        for _ in range(20):
            process = self.start("setjy", "workertimeout=1")
            while process.poll() is None and '"dispatch"' not in self.text_of_journal():
                time.sleep(0.001)
            for pid in self.workers(process)[:1]:
                self.signal(pid, signal.SIGSTOP)
            said = process.communicate(timeout=patient(60))[1]
            self.assertEqual(process.returncode, 0, said)
            if "was stopped for too long and is killed: it is tried again" in said:
                break
            self.check("setjy")
        else:
            self.fail("always faster than the signal")
        self.check("setjy")

    def test_parts_that_another_program_has_locked(self):
        """casacore's lock is not waited for: the unit is tried again after 1, 4 and 16 s, with workerretries=0 not at all."""
        self.undisturbed("setjy")
        for freed, parts in (True, "0002"), (True, "????"), (False, "0002"):
            self.prepare("setjy")
            locked = glob.glob(self.path(f"in.mms/SUBMSS/keep.{parts}.ms"))
            self.assertIn(len(locked), (1, 6)) # of six parts four are more than a run makes again of others
            with subprocess.Popen([sys.executable, "-c", HOLDER, *locked], text=True,
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
                self.assertEqual(holder.stdout.readline(), "locked\n")
                process = self.run_verb("setjy", *[] if freed else ["workerretries=0"])
                while process.poll() is None and self.text_of_journal().count('"retry"') <= len(locked):
                    time.sleep(0.001)
                holder.stdin.close()
                holder.wait()
            said = process.communicate(timeout=patient(60))[1]
            self.assertEqual(process.returncode, int(not freed), said)
            self.assertIn("could not be acquired", said)
            self.assertEqual([f"(attempt {n} of 4)" in said for n in (2, 3)], [freed] * 2, said)
            if freed:
                self.check("setjy")
        self.assertEqual(data_of(self.path("in.mms")), data_of(self.path("keep")))

    def test_what_another_program_writes_under_its_lock_stays(self):
        """A unit that found its table locked has changed nothing: no old bytes come back over what was written since."""
        self.prepare("flagdata")
        part = self.path("in.mms/SUBMSS/keep.0002.ms")
        with subprocess.Popen([sys.executable, "-c", WRITER, part], text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as writer:
            self.assertEqual(writer.stdout.readline(), "locked\n")
            process = self.run_verb("flagdata", "antenna=7", "flagbackup=False")
            while process.poll() is None and '"retry"' not in self.text_of_journal():
                time.sleep(0.001)
            writer.stdin.close()
            writer.wait()
        said = process.communicate(timeout=patient(60))[1]
        self.assertEqual(process.returncode, 0, said)
        self.assertIn("could not be acquired", said)
        with table(part, ack=False) as t:
            self.assertTrue(t.getcell("FLAG", 0).all())

    def text_of_journal(self):
        try:
            with open(self.path("in.mms.multims/journal.jsonl")) as f:
                return f.read()
        except FileNotFoundError:
            return ""

    def test_random_kills(self):
        random.seed(program_case.args.seed)
        again = 0
        for i in range(program_case.args.kills):
            verb = random.choice(list(self.verbs))
            with self.subTest(i=i, verb=verb):
                status, _, said = self.disturb(verb, verb in self.half and random.random() < 0.5)
                again += said.count("tried again")
                self.assertEqual(status, 0, said)
                self.check(verb)
        print(f"{program_case.args.kills} kills, {again} units were begun again")


class RetriedMs(Retried):
    """Of a plain MS, which is one unit."""
    half = "setjy", "applycal", "statwt", "models"  # flags are written in a moment

    def make_set(self):
        shutil.copytree(self.path("in.ms"), self.path("keep"))


class RetriedMpi(Retried):
    ranks = 3

    def setUp(self):
        mpirun(self.ranks)
        super().setUp()


if __name__ == "__main__":
    program_case.parser.add_argument("--kills", type=int, default=6)
    program_case.parser.add_argument("--seed", type=int, default=13)
    program_case.main()
