# SPDX-License-Identifier: LGPL-2.1-or-later
"""What outlives a run and a host: --job-dir and summary.json, parts that had reached the disk, the time that
is left before a limit (docs/resuming.md)."""
import json
import os
import signal
import time
import zlib

import program_case
from interrupting import Interrupting


def sealed(record):
    """The line of a record, as the journal has it."""
    text = json.dumps({k: v for k, v in record.items() if k != "crc"}, separators=(",", ":"))
    return f'{text[:-1]},"crc":"{zlib.crc32(text.encode()):08x}"}}\n'


class Jobs(Interrupting):
    journal = "job/journal.jsonl"
    job = ("--job-dir", "job")

    def summary(self):
        with open(self.path("job/summary.json")) as f:
            return json.load(f)

    def check_complete(self, names):
        self.assertEqual(self.left(), sorted(["out.mms", "out.mms.flagversions", *names]))
        self.multims("verify", "out.mms", "--against", "in.ms")

    def test_a_summary_outlives_the_run(self):
        self.prepare()
        self.multims("partition", "in.ms", "out.mms", *self.words, *self.job)
        told = self.summary()
        self.assertEqual((told["exit_code"], told["units"], told["done"], told["failures"],
                          told["resumable"], told["message"]), (0, 8, 8, {}, False, None))
        self.assertLess(told["begun"], told["ended"])
        self.assertEqual(self.answer("status", "job")["phase"], "complete")
        run = self.multims("resume", "job")
        self.assertIn("is complete: nothing is left to do", run.stderr)
        self.assertNotIn("keeps no journal", run.stderr)
        self.check_complete(["job"])
        os.utime(self.path("in.ms/table.dat"))
        run = self.multims("resume", "job", status=2)
        self.assertRegex(run.stderr, "out.mms is complete, but input .*/in.ms is not what it was")
        self.multims("clean", "job")
        self.check_complete([])

    def test_one_that_was_stopped(self):
        self.prepare()
        os.mkdir(self.path("job"))
        with open(self.path("job/mine"), "w") as f:
            f.write("of the user")
        status, said = self.interrupt(*self.job)
        self.assertIn("Resume with: multims resume job\n", said)
        told = self.summary()
        self.assertEqual((told["exit_code"], told["resumable"], told["signal"]), (status, True, 2))
        self.assertFalse(os.path.exists(self.path("out.mms.multims")))
        run = self.multims("resume", "job", "-j", "2")
        self.assertIn(f"goes on with the run that was not finished: {told['done']} parts done", run.stderr)
        self.assertEqual(self.summary()["exit_code"], 0)
        self.check_complete(["job"])
        self.multims("clean", "job")
        self.assertEqual(os.listdir(self.path("job")), ["mine"])

    def test_one_that_failed(self):
        self.prepare()
        os.remove(self.path("in.ms/FIELD/table.dat"))
        self.multims("partition", "in.ms", "out.mms", *self.words, *self.job, status=2)
        self.assertEqual(self.left(), [])

    def test_the_folder_of_another_output(self):
        """What it tells is not taken for this one, and what was staged for the other is not lost."""
        self.prepare()
        self.multims("simulate", "other.mms", "antennas=2", "--no-sync", "--quiet")
        self.interrupt(*self.job)
        before = self.left()
        for resume in ("--resume",), ():
            run = self.multims("partition", "in.ms", "new.mms", *self.words, *self.job, *resume, status=2)
            self.assertRegex(run.stderr, r"/job is the journal of partition of .*/out\.mms: that run was not finished "
                             r"\(\d parts are done\): multims resume .*/job")
            self.assertEqual(self.left(), before)
        run = self.multims("resume", "job")
        self.assertRegex(run.stderr, r"goes on with the run that was not finished: [1-8] parts done")
        for words in ((*self.words, "other.mms"), ("separationaxis=scan", "numsubms=2", "out.mms")):
            run = self.multims("partition", "in.ms", *words[:-1], "outputvis=" + words[-1], *self.job, "--resume",
                               status=2)
            self.assertIn("already exists", run.stderr)
        self.multims("partition", "in.ms", "new.mms", *self.words, *self.job)  # the other one is over
        self.multims("clean", "job")
        self.assertEqual(self.left(), ["new.mms", "new.mms.flagversions", "other.mms", "out.mms",
                                       "out.mms.flagversions"])

    def test_the_folder_of_another_set(self):
        """Work in place refuses it before anything is written, and says whose it is."""
        self.prepare()
        self.multims("partition", "in.ms", "in.mms", "separationaxis=scan", "--no-sync", "--quiet")
        self.multims("flagmanager", "in.mms", "save", "some", "--quiet")
        self.interrupt(*self.job)
        for words in (("flagmanager", "in.mms", "restore", "some"), ("flagmanager", "in.mms", "save", "more"),
                      ("setjy", "in.mms", "standard=manual"), ("flagdata", "in.mms", "mode=manual", "antenna=0"),
                      ("setjy", "in.mms", "standard=manual", "usescratch=False")):
            with self.subTest(words=words):
                run = self.multims(*words, *self.job, "--resume", status=2)
                self.assertRegex(run.stderr, r"/job is the journal of partition of .*/out\.mms: ")
        self.multims("resume", "job")

    def test_one_run_at_a_time(self):
        self.prepare()
        process = self.begin("partition", "in.ms", "out.mms", *self.words[:2], *self.job, "-j", "1")
        journal = self.path("job/journal.jsonl")
        while process.poll() is None and not (os.path.exists(journal) and os.path.getsize(journal)):
            time.sleep(0.001)
        process.send_signal(signal.SIGSTOP)
        os.system(f"pkill -STOP -P {process.pid}")
        try:
            run = self.multims("partition", "in.ms", "other.mms", *self.words, *self.job, status=2)
            told = r"parameter jobdir: .*/job is the journal of partition of .*/out\.mms: that run is at work"
            self.assertRegex(run.stderr, told)
            self.multims("partition", "in.ms", "in.mms", "separationaxis=scan", "--no-sync", "--quiet")
            self.multims("flagmanager", "in.mms", "save", "some", "--quiet")
            for words in (("flagmanager", "in.mms", "restore", "some"), ("setjy", "in.mms", "standard=manual")):
                self.assertRegex(self.multims(*words, *self.job, status=2).stderr, told)
        finally:
            os.system(f"pkill -CONT -P {process.pid}")
            process.send_signal(signal.SIGCONT)
            self.assertEqual(process.wait(), 0)

    def test_a_killed_one_leaves_what_is_the_users(self):
        self.prepare()
        os.mkdir(self.path("job"))
        with open(self.path("job/mine"), "w") as f:
            f.write("of the user")
        self.interrupt(*self.job, number=signal.SIGKILL)
        self.assertEqual(self.answer("status", "job")["phase"], "killed")
        self.multims("partition", "in.ms", "out.mms", *self.words, *self.job, "--resume")
        self.assertIn("mine", os.listdir(self.path("job")))
        self.check_complete(["job"])

    def test_ranks(self):
        self.prepare()
        self.interrupt(*self.job)
        words = [os.environ.get("MULTIMS_MPIEXEC", "mpirun"), "-n", "3", program_case.args.program]
        if not words[0]:
            self.skipTest("built without MPI")
        run = self.run_words(*words, "resume", "job")
        self.assertEqual(run.returncode, 0, run.stderr)
        self.check_complete(["job"])


class Synced(Interrupting):
    """Another start of the host is one of another boot id in the journal."""

    words = ("separationaxis=scan", "numsubms=8")

    def records(self):
        with open(self.path(self.journal)) as f:
            return [json.loads(line) for line in f]

    def start_the_host_anew(self, keep=lambda record: True):
        records = [r for r in self.records() if keep(r)]
        for record in records:
            if record["ev"] == "run":
                record["owner"]["boot"] = "an earlier one"
        with open(self.path(self.journal), "w") as f:
            f.writelines(map(sealed, records))
        staged = [r["path"] for r in records if r["ev"] == "staged"][-1]
        with open(f"{staged}/owner.json") as f:
            owner = json.load(f)
        with open(f"{staged}/owner.json", "w") as f:
            json.dump({**owner, "boot": "an earlier one"}, f)

    def test_what_had_reached_the_disk_stays_done(self):
        self.prepare()
        self.interrupt(least=3)
        through = max(r["through"] for r in self.records() if r["ev"] == "synced")
        safe = [r["unit"] for r in self.records() if r["ev"] == "done" and r["nth"] <= through]
        done = len(self.done())
        self.start_the_host_anew()
        run = self.multims("resume", "out.mms", "-j", "2")
        parts = len([u for u in safe if u.startswith("sub-MS")])
        self.assertIn(f"of {done} parts that were done {parts} had certainly reached the disk" if parts else
                      "all is done again", run.stderr)
        self.check_done()

    def test_one_part_had_not(self):
        self.prepare()
        self.interrupt(least=3)
        done = [r for r in self.records() if r["ev"] == "done"]
        self.start_the_host_anew(lambda r: r["ev"] != "synced")
        with open(self.path(self.journal), "a") as f:
            f.write(sealed({"ev": "synced", "t": time.time(), "through": done[-2]["nth"]}))
        run = self.multims("resume", "out.mms", "-j", "2")
        parts = len(done) - 1
        self.assertIn(f"of {parts} parts that were done {parts - 1} had certainly reached the disk", run.stderr)
        self.assertIn(f"goes on with the run that was not finished: {parts - 1} parts done", run.stderr)
        self.check_done()

    def test_nothing_had(self):
        self.prepare()
        self.interrupt("--no-sync")
        self.assertEqual([r for r in self.records() if r["ev"] == "synced"], [])
        self.start_the_host_anew()
        run = self.multims("resume", "out.mms")
        self.assertIn("this host was started anew since, and what was written may be lost", run.stderr)
        self.check_done()


class TimeLeft(Interrupting):
    def cancelled(self):
        with open(self.path(self.journal)) as f:
            return [r["unit"] for r in map(json.loads, f) if r["ev"] == "cancelled"]

    def test_what_will_not_be_done_is_ended(self):
        self.prepare()
        status, said = self.interrupt("--timeleft", "1e-6", number=signal.SIGUSR1)
        self.assertEqual(status, 75, said)
        self.assertIn("0 units are waited for", said)
        self.assertIn("1 units would not be done within 0 s: they are ended", said)
        self.assertEqual(len(self.cancelled()), 1)
        self.multims("resume", "out.mms")
        self.check_done()

    def test_what_will_be_is_waited_for(self):
        self.prepare()
        status, said = self.interrupt("--timeleft", "1000", number=signal.SIGUSR1)
        self.assertEqual(status, 75, said)
        self.assertEqual(self.cancelled(), [])


if __name__ == "__main__":
    program_case.main()
