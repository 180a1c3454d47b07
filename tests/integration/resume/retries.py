# SPDX-License-Identifier: LGPL-2.1-or-later
"""Workers and ranks that are killed or stopped while a run goes on: their parts are made again by others,
and the output is that of a run that nobody disturbed, byte for byte (docs/resuming.md)."""
import contextlib
import glob
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import program_case
from kills import VERBS, content, words_of
from machine import alive, family, mpirun, patient, wait_until
from program_case import ProgramCase


class Disturbed(ProgramCase):
    ranks = 0

    @classmethod
    def setUpClass(cls):
        """All tests take the same sets, and the same outputs that nobody disturbed."""
        mpirun(cls.ranks)
        cls.folder = tempfile.mkdtemp(dir=program_case.args.scratch)
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.wanted = {}
        cls().make_sets()

    def setUp(self):
        self.addCleanup(self.remove)

    def make_sets(self):
        self.multims("simulate", "in.ms", "antennas=10", "scans=6", "channels=64", "integrations=20",
                     "--no-sync", "--quiet")
        self.multims("partition", "in.ms", "in.mms", "separationaxis=scan", "numsubms=6", "--quiet",
                     "--no-sync", "flagbackup=False")

    def undisturbed(self, verb):
        if verb not in self.wanted:
            self.multims(verb, *VERBS[verb], "-j", "2")
            self.wanted[verb] = self.found()
            self.remove()
        return self.wanted[verb]

    def found(self):
        return content(self.path("out.mms")), content(self.path("out.mms.flagversions"))

    def remove(self):
        for name in set(os.listdir(self.folder)) - {"in.ms", "in.mms"}:
            subprocess.run(["rm", "-rf", "--", self.path(name)], check=True)

    def begin(self, verb, *words):
        with open(self.path("said"), "w") as said, open(self.path("result"), "w") as result:
            self.process = subprocess.Popen(
                [*mpirun(self.ranks), program_case.args.program, verb, *VERBS[verb], "-j", "2", "--json",
                 *words], cwd=self.folder, stdout=result, stderr=said)

    def text(self, name):
        with open(self.path(name)) as f:
            return f.read()

    def records(self, journal="out.mms.multims/journal.jsonl"):
        try:
            with open(self.path(journal)) as f:
                return [json.loads(line) for line in f if line.endswith("}\n")]
        except (FileNotFoundError, NotADirectoryError):
            return []

    def in_hand(self, journal):
        """Parts that some worker has."""
        parts = set()
        for r in self.records(journal):
            if r["ev"] == "dispatch" and r["unit"].startswith("sub-MS"):
                parts.add(r["unit"])
            elif r["ev"] in ("done", "failed", "retry"):
                parts.discard(r["unit"])
        return parts

    def workers(self):
        return [p for p in family(self.process.pid) if words_of(p)[1:] == ["worker"]]

    def halt(self, least=2, journal="out.mms.multims/journal.jsonl"):
        """Stop all workers while so many parts are in hand; return them."""
        begin = time.monotonic()
        while self.process.poll() is None and time.monotonic() < begin + patient(30):
            workers = self.workers() if len(self.in_hand(journal)) >= least else []
            self.signal_all(workers, signal.SIGSTOP)
            time.sleep(0.05 if workers else 0.002)
            if workers and len(self.in_hand(journal)) >= min(least, len(workers)) and len(workers) >= least:
                return workers
            self.go_on(workers)
        self.fail(f"no moment was found: {self.text('said')}")

    def signal_all(self, pids, number):
        """Those that are gone were ended by the run itself, as that may."""
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def go_on(self, pids):
        self.signal_all(pids, signal.SIGCONT)

    def wait(self, status=0):
        got = self.process.wait(patient(60))
        self.assertEqual(got, status, self.text("said"))

    def check(self, wanted):
        self.assertEqual(self.found(), wanted, self.text("said"))
        names = set(os.listdir(self.folder)) - {"in.ms", "in.mms", "said", "result"}
        self.assertEqual(names - {"out.mms.flagversions"}, {"out.mms"}, self.text("said"))

    def kill_one(self, verb):
        wanted = self.undisturbed(verb)
        self.begin(verb)
        workers = self.halt()
        victim = random.choice(workers)
        os.kill(victim, signal.SIGKILL)
        self.go_on(set(workers) - {victim})
        self.wait()
        self.check(wanted)
        self.assertRegex(self.text("said"),
                         r"WARN \w+: sub-MS out\.\d{4}\.ms: worker \d was killed by signal 9 \(Killed\).*: "
                         r"it is tried again \(attempt 2 of 2\)")
        tried = json.loads(self.text("result"))["retries"]
        self.assertEqual([r["attempt"] for r in tried], [1])
        self.remove()

    def test_a_killed_worker(self):
        for verb in VERBS:
            with self.subTest(verb):
                self.kill_one(verb)

    def kill_while_rows_are_made(self, words):
        """Its rows have been put in order before the part's table is there."""
        self.kill_when_there(words, ".out.mms.mms-part-*/out.mms/table.f*")

    def kill_when_there(self, words, files):
        """Kill the workers once there is such a file; the run is to end well."""
        with open(self.path("said"), "w") as said:
            self.process = subprocess.Popen([*mpirun(self.ranks), program_case.args.program, *words],
                                            cwd=self.folder, stdout=subprocess.DEVNULL, stderr=said)
        while self.process.poll() is None and not glob.glob(os.path.join(glob.escape(self.folder), files)):
            time.sleep(0.0005)
        self.signal_all(self.workers() if self.process.poll() is None else [], signal.SIGKILL)
        self.wait()

    def history(self, path):
        script = "import sys\nfrom casacore.tables import table\nprint(table(sys.argv[1], ack=False).nrows())"
        return int(self.run_words(sys.executable, "-c", script, path + "/HISTORY").stdout)

    def test_the_last_unit(self):
        """HISTORY has its rows once, the flags are saved once."""
        words = "partition", *VERBS["partition"], "-j", "2"
        self.multims(*words)
        wanted, rows = self.found(), self.history(self.path("out.mms"))
        for _ in range(40):
            self.remove()
            self.kill_when_there(words, ".out.mms.mms-part-*/out.mms.flagversions")
            self.assertEqual(self.history(self.path("out.mms")), rows)
            self.check(wanted)
            if "the finished output: worker" in self.text("said"):
                self.assertIn("it is tried again", self.text("said"))
                return
        self.fail("no worker was killed in time")

    def test_averages_of_rows_out_of_order(self):
        if self.ranks:
            self.skipTest("the parts are made alike")
        self.multims("simulate", "spws.ms", "antennas=10", "spws=2", "order=spw", "channels=64",
                     "integrations=60", "--no-sync", "--quiet")
        self.addCleanup(shutil.rmtree, self.path("spws.ms"))
        words = ["mstransform", "spws.ms", "out.mms", "datacolumn=data", "timeaverage=True",
                 "timebin=35s", "--no-sync", "-j", "2"]
        self.multims(*words)
        wanted = content(self.path("out.mms"))
        for _ in range(20):
            shutil.rmtree(self.path("out.mms"))
            self.kill_while_rows_are_made(words)
            self.assertEqual(content(self.path("out.mms")), wanted, self.text("said"))
            if "it is tried again" in self.text("said"):
                return
        self.fail("no worker was killed in time")

    def kill_reader(self, *words):
        """Kill a worker of a verb that has no output of parts, again and again until it was not too late."""
        for _ in range(100):
            with open(self.path("said"), "w") as said:
                self.process = subprocess.Popen([*mpirun(self.ranks), program_case.args.program, *words, "-j", "2"],
                                                cwd=self.folder, stdout=subprocess.DEVNULL, stderr=said)
            while self.process.poll() is None and not (workers := self.workers()):
                pass
            time.sleep(random.uniform(0, 0.05))
            self.signal_all(workers[:1] if self.process.poll() is None else [], signal.SIGKILL)
            self.wait()
            if "it is tried again (attempt 2 of 2)" in self.text("said"):
                return
            shutil.rmtree(self.path("job"), ignore_errors=True)
            with contextlib.suppress(FileNotFoundError):
                os.remove(self.path("out.uvh5"))
        self.fail("no worker was killed in time")

    def test_info(self):
        self.kill_reader("info", "in.mms")

    def test_uvh5(self):
        """An export writes into one file; verify reads it."""
        if "without HDF5" in self.run_words(program_case.args.program, "--version").stdout:
            self.skipTest("built without HDF5")
        words = "datacolumn=data", "--no-sync"
        self.kill_reader("exportuvh5", "in.ms", "out.uvh5", *words)
        os.rename(self.path("out.uvh5"), self.path("killed.uvh5"))
        self.multims("exportuvh5", "in.ms", "out.uvh5", *words, "--quiet")
        self.multims("diff", "killed.uvh5", "out.uvh5")
        self.kill_reader("verify", "killed.uvh5", "--against", "in.ms")

    def test_what_is_packed(self):
        """Another attempt begins with the file as it was before it was packed; an import has a last unit, too."""
        if "without HDF5" in self.run_words(program_case.args.program, "--version").stdout:
            self.skipTest("built without HDF5")
        words = "exportuvh5", "in.ms", "out.uvh5", "datacolumn=data", "compression=gzip", "--no-sync", "-j", "2"
        self.multims(*words, "--quiet")
        os.rename(self.path("out.uvh5"), self.path("undisturbed.uvh5"))
        self.until_it_is_tried_again(words, ".out.uvh5.mms-part-*/*.before", "out.uvh5: worker")
        self.multims("diff", "out.uvh5", "undisturbed.uvh5")
        words = "importuvh5", "out.uvh5", "out.mms", "createmms=True", "separationaxis=scan", "numsubms=6", "--no-sync", "-j", "2"
        self.until_it_is_tried_again(words, ".out.mms.mms-part-*/out.mms.flagversions", "the finished output: worker")
        self.multims("verify", "out.mms")

    def until_it_is_tried_again(self, words, files, unit):
        for _ in range(40):
            subprocess.run(["rm", "-rf", self.path(words[2]), self.path(words[2] + ".flagversions")], check=True)
            self.kill_when_there(words, files)
            if unit in self.text("said") and "it is tried again" in self.text("said"):
                return
        self.fail("no worker was killed in time")

    def test_no_retries(self):
        self.begin("partition", "workerretries=0")
        workers = self.halt()
        os.kill(workers[0], signal.SIGKILL)
        self.go_on(workers[1:])
        self.wait(1)
        self.assertNotIn("tried again", self.text("said"))

    def test_what_crashes_is_not_tried_again(self):
        self.begin("partition")
        workers = self.halt()
        os.kill(workers[0], signal.SIGSEGV)
        self.go_on(workers)
        self.wait(1)
        self.assertNotIn("tried again", self.text("said"))
        self.assertIn("killed by signal 11", self.text("said"))

    def tight_group(self):
        """A control group whose processes get no more memory."""
        for root, limit in (("/sys/fs/cgroup/memory", "memory.limit_in_bytes"), ("/sys/fs/cgroup", "memory.max")):
            folder = f"{root}/multims-test-{os.getpid()}"
            try:
                os.mkdir(folder)
                self.addCleanup(os.rmdir, folder)
                with open(f"{folder}/{limit}", "w") as f:
                    f.write("1M")
                return folder
            except OSError:
                continue
        self.skipTest("no control group of memory can be made here")

    def test_out_of_memory(self):
        """The kernel kills a worker, for memory is short: its part is made again while nothing else runs."""
        group = self.tight_group()
        wanted = self.undisturbed("partition")
        for _ in range(5):  # a worker that has all its memory goes through
            self.begin("partition", "--job-dir", "job")
            workers = self.halt(journal="job/journal.jsonl")
            with open(f"{group}/cgroup.procs", "w") as f:
                f.write(str(workers[0]))
            self.go_on(workers)
            self.wait()
            said = self.text("said")
            if "Killed" in said:
                break
            shutil.rmtree(self.path("job"))
            self.check(wanted)
            self.remove()
        self.assertRegex(said, r"was killed by signal 9 \(Killed\).*: it is tried again, alone \(attempt 2 of 2\)")
        self.check_alone(self.records("job/journal.jsonl"))
        shutil.rmtree(self.path("job"))
        self.check(wanted)

    def check_alone(self, records):
        at, = [i for i, r in enumerate(records) if r["ev"] == "retry"]
        unit = records[at]["unit"]
        begin = next(i for i in range(at, len(records)) if
                     records[i]["ev"] == "dispatch" and records[i]["unit"] == unit)
        end = next(i for i in range(begin, len(records)) if
                   records[i]["ev"] == "done" and records[i]["unit"] == unit)
        self.assertEqual([r["unit"] for r in records[begin + 1:end] if r["ev"] in ("dispatch", "done")], [])
        hands = set()
        for r in records[:begin]:
            if r["ev"] == "dispatch":
                hands.add(r["unit"])
            elif r["ev"] in ("done", "retry"):
                hands.discard(r["unit"])
        self.assertEqual(hands, set(), "something else ran")

    def test_a_stopped_worker(self):
        wanted = self.undisturbed("partition")
        self.begin("partition", "workertimeout=1")
        workers = self.halt()
        self.go_on(workers[1:])
        self.wait()
        self.check(wanted)
        self.assertRegex(self.text("said"), r"was stopped for too long and is killed: it is tried again")

    def test_a_stopped_worker_is_waited_for(self):
        wanted = self.undisturbed("partition")
        self.begin("partition", "workertimeout=1", "workerretries=0")
        workers = self.halt()
        self.go_on(workers[1:])
        self.assertTrue(wait_until(lambda: "it is waited for: sub-MS" in self.text("said"), 30))
        self.go_on(workers[:1])
        self.wait()
        self.check(wanted)

    def test_times_that_are_none(self):
        for value, why in (("-1", "is less than 0"), ("inf", "is not a time"), ("nan", "is not a time")):
            run = self.multims("partition", *VERBS["partition"], f"workertimeout={value}", status=2)
            self.assertIn(f"parameter workertimeout: {value} {why}", run.stderr)
        self.multims("partition", *VERBS["partition"], "workertimeout=1e300")


class DisturbedRanks(Disturbed):
    ranks = 3

    def stop_rank(self, *words):
        """Stop a rank that has a part in hand, and nothing else."""
        self.begin("partition", "workertimeout=1", *words)
        workers = self.halt(3)
        for rank in family(self.process.pid):
            mine = [w for w in family(rank)[1:] if w in workers]
            if words_of(rank)[1:2] == ["partition"] and len(mine) == 1 and self.number_of(rank) > 0:
                os.kill(rank, signal.SIGSTOP)
                self.go_on(set(workers))
                return rank
        return self.fail("there is no such rank")

    def number_of(self, pid):
        with open(f"/proc/{pid}/environ") as f:
            found = [v for v in f.read().split("\0") if v.startswith("OMPI_COMM_WORLD_RANK=")]
        return int(found[0].split("=")[1])

    def test_a_stopped_rank(self):
        wanted = self.undisturbed("partition")
        self.stop_rank()
        self.wait()
        self.check(wanted)
        self.assertRegex(self.text("said"), r"worker \d does not answer for 1 s: it is tried again")
        self.assertIn("skipping MPI_Finalize()", self.text("said"))

    def test_a_rank_that_comes_back(self):
        wanted = self.undisturbed("partition")
        rank = self.stop_rank()
        self.assertTrue(wait_until(lambda: "it is tried again" in self.text("said"), 30))
        self.go_on([rank])
        self.wait()
        self.check(wanted)

    def stop_ranks(self, numbers):
        """Stop ranks, workers and all, when the run has begun."""
        limit = time.monotonic() + patient(30)
        while not self.records() and time.monotonic() < limit:
            time.sleep(0.002)
        stopped = [pid for rank in family(self.process.pid) if words_of(rank)[1:2] == ["partition"] and
                   self.number_of(rank) in numbers for pid in family(rank)]
        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)
        self.assertIsNone(self.process.poll(), self.text("said"))
        self.assertGreaterEqual(len(stopped), len(numbers))

    def test_a_rank_with_nothing_to_do_does_not_hold_up_the_end(self):
        self.ranks = 6
        self.begin("partition", "workertimeout=1", "createmms=False")
        self.stop_ranks([5])
        self.wait()
        self.assertIn("1 ranks do not answer, skipping MPI_Finalize()", self.text("said"))
        self.multims("diff", "in.ms", "out.mms")

    def test_nobody_answers(self):
        self.ranks = 6
        self.begin("partition", "workertimeout=1")
        self.stop_ranks([1, 2, 3, 4, 5])
        self.wait(1)
        self.assertRegex(self.text("said"), r"no worker answers, and \d of \d units are not done")
        self.assertFalse(os.path.exists(self.path("out.mms")))

    def end_by_killing(self, who):
        """A run one of whose processes is killed when a part is done, and all others end; one worker is stopped with
        its part, so that there is a moment for that, the others then, as they might do the rest."""
        self.begin("partition")
        workers = self.halt(3)
        self.go_on(workers[1:])
        self.assertTrue(wait_until(lambda: [r for r in self.records() if r["ev"] == "done" and not r["aside"]], 30))
        self.signal_all(workers, signal.SIGSTOP)
        pids = family(self.process.pid)
        ranks = {self.number_of(pid): pid for pid in reversed(pids) if words_of(pid)[1:2] == ["partition"]}
        os.kill(self.process.pid if who == "mpirun" else ranks[who], signal.SIGKILL)
        self.assertNotEqual(self.process.wait(patient(30)), 0)
        self.assertTrue(wait_until(lambda: not any(alive(pid) for pid in pids if pid not in workers), 30))
        self.signal_all(workers, signal.SIGCONT)  # one that was stopped as it began looks for its parent first
        self.assertTrue(wait_until(lambda: not any(map(alive, pids)), 30))
        self.assertFalse(os.path.exists(self.path("out.mms")))

    def test_a_killed_rank_ends_the_job(self):
        """A server, the client, or mpirun: nothing lives on, no output is there, and what is done stays done."""
        wanted = self.undisturbed("partition")
        for who in 1, 0, "mpirun":
            with self.subTest(who=who):
                self.end_by_killing(who)
                run = self.multims("resume", "out.mms", "-j", "2")
                self.assertRegex(run.stderr, r"goes on with the run that was not finished: [1-6] parts done")
                self.check(wanted)
                self.remove()

    def test_a_stopped_rank_is_waited_for(self):
        wanted = self.undisturbed("partition")
        rank = self.stop_rank("workerretries=0")
        self.assertTrue(wait_until(lambda: "it is waited for: sub-MS" in self.text("said"), 30))
        self.go_on([rank])
        self.wait()
        self.check(wanted)
        self.assertIn("answers again after", self.text("said"))


if __name__ == "__main__":
    program_case.main()
