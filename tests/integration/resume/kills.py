# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs that are killed at random moments, a worker, the client or all of them, and gone on with until
they are done (docs/resuming.md): the output is that of a run that nobody disturbed, byte for byte; parts
that were done are the same files; nothing is left."""
import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import time

import program_case
from machine import family, mpirun, patient
from program_case import ProgramCase

LEFT_OUT = ("HISTORY", "table.lock", "FLAG_VERSION_LIST")  # they tell the time
VERBS = {
    "partition": ("in.ms", "out.mms", "separationaxis=scan", "numsubms=8", "--no-sync", "--quiet"),
    "split": ("in.mms", "out.mms", "datacolumn=data", "width=2", "--no-sync", "--quiet"),
}


def content(path):
    """{file below path: hash of its bytes, or the text of a link}."""
    found = {}
    for folder, folders, files in os.walk(path):
        folders[:] = [f for f in folders if f not in LEFT_OUT]
        for name in files + folders:
            whole = os.path.join(folder, name)
            key = os.path.relpath(whole, path)
            if os.path.islink(whole):
                found[key] = os.readlink(whole)
            elif name not in LEFT_OUT and os.path.isfile(whole):
                with open(whole, "rb") as f:
                    found[key] = hashlib.sha1(f.read()).hexdigest()
    return found


def words_of(pid):
    try:
        with open(f"/proc/{pid}/cmdline") as f:
            return f.read().split("\0")[:-1]
    except OSError:
        return []


class Killed(ProgramCase):
    ranks = 0

    def setUp(self):
        super().setUp()
        self.multims("simulate", "in.ms", "antennas=6", "scans=8", "channels=64", "integrations=20",
                     "--no-sync", "--quiet")
        self.multims("partition", "in.ms", "in.mms", "separationaxis=scan", "numsubms=8", "--quiet",
                     "--no-sync", "flagbackup=False")
        self.wanted = {verb: self.undisturbed(verb) for verb in VERBS}
        self.killed = self.gone_on = self.spared = 0

    def undisturbed(self, verb):
        begin = time.monotonic()
        process = self.begin(verb, "-j", "2")  # ranks take time to start, on a busy machine most of it
        said = process.communicate(timeout=patient(60))[1]
        self.assertEqual(process.returncode, 0, said)
        seconds = time.monotonic() - begin
        found = content(self.path("out.mms")), content(self.path("out.mms.flagversions"))
        self.remove()
        return seconds, found

    def remove(self):
        for name in set(os.listdir(self.folder)) - {"in.ms", "in.mms"}:
            shutil.rmtree(self.path(name))

    def kill(self, process):
        victims = family(process.pid)
        workers = [p for p in victims if words_of(p)[1:] == ["worker"]]
        kind = random.choice(("worker", "client", "group"))
        if kind == "worker" and workers:
            victims = [random.choice(workers)]
        elif kind == "client" and len(victims) > 1 and not self.ranks:
            victims = [victims[1]]  # the second process works, the first watches
        for pid in victims:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

    def journal(self):
        try:
            with open(self.path("out.mms.multims/journal.jsonl")) as f:
                return [json.loads(line) for line in f if line.endswith("}\n")]
        except (FileNotFoundError, NotADirectoryError):
            return []

    def done(self):
        """{part: inode of its table.dat} of what the journal calls done."""
        records = self.journal()
        staged = [r["path"] for r in records if r["ev"] == "staged"]
        units = {r["unit"][len("sub-MS "):] for r in records if r["ev"] == "done" and not r["aside"]}
        found = {}
        for unit in units:
            for folder in (staged[-1] + "/out.mms" if staged else "", self.path("out.mms")):
                try:
                    found[unit] = os.stat(f"{folder}/SUBMSS/{unit}/table.dat").st_ino
                except FileNotFoundError:
                    continue
        return found

    def check_kept(self, before):
        now = {}
        for unit in before:
            now[unit] = os.stat(self.path(f"out.mms/SUBMSS/{unit}/table.dat")).st_ino
        self.assertEqual(now, before, "a part that was done was done again")

    def begin(self, verb, *words):
        return subprocess.Popen([*mpirun(self.ranks), program_case.args.program, verb, *VERBS[verb],
                                 *words], cwd=self.folder, stdout=subprocess.DEVNULL,
                                stderr=subprocess.PIPE, text=True)

    def disturb(self, verb, *words):
        """Run and kill; return its status."""
        seconds, found = self.wanted[verb]
        begin = time.monotonic()
        process = self.begin(verb, "-j", str(random.choice((1, 2, 3))), *words)
        limit = begin + random.uniform(0.02, 1.1 * seconds)
        while process.poll() is None and time.monotonic() < limit:
            time.sleep(0.002)
        if process.poll() is None:
            self.kill(process)
            self.killed += 1
        elif not words:  # the machine is as busy as it is now
            self.wanted[verb] = time.monotonic() - begin, found
        _, said = process.communicate(timeout=patient(60))
        return process.returncode, said

    def round(self, verb):
        """One disturbed run, disturbed again with luck, and its end."""
        status, said = self.disturb(verb)
        if status and random.random() < 0.3:
            before = self.done()
            status, said = self.disturb(verb, "--resume")
            if not status:
                self.check_kept(before)
        if status and not self.is_over():
            before = self.done()
            process = self.begin(verb, "--resume", "-j", str(random.choice((1, 2, 4))))
            said += process.communicate(timeout=patient(60))[1]
            self.assertEqual(process.returncode, 0, said)
            self.check_kept(before)
            self.gone_on += 1
            self.spared += len(before)
        self.check(verb, said)

    def is_over(self):
        """Killed when nothing was left to do but to print."""
        names = set(os.listdir(self.folder)) - {"in.ms", "in.mms", "out.mms.flagversions"}
        return names == {"out.mms"}

    def check(self, verb, said):
        names = set(os.listdir(self.folder)) - {"in.ms", "in.mms"}
        if status_is_known := any("out.mms.multims" in name for name in names):  # killed when all was there but the end
            empty = not os.path.exists(self.path("out.mms.multims/journal.jsonl"))
            self.multims("clean" if empty else "resume", "out.mms")
            names = set(os.listdir(self.folder)) - {"in.ms", "in.mms"}
        found = content(self.path("out.mms")), content(self.path("out.mms.flagversions"))
        self.assertEqual(found, self.wanted[verb][1], said)
        self.assertEqual(names - {"out.mms.flagversions"}, {"out.mms"}, (said, status_is_known))
        self.remove()

    def test_kills(self):
        for i in range(program_case.args.kills):
            verb = random.choice(list(VERBS))
            with self.subTest(i=i, verb=verb):
                try:
                    self.round(verb)
                except AssertionError as error:
                    print(f"kill {i}, {verb}: {error}", flush=True)  # a run that is ended before has told it, too
                    self.remove()
                    raise
        print(f"{self.killed} kills, {self.gone_on} runs gone on with, {self.spared} parts spared")
        self.assertGreater(self.gone_on, program_case.args.kills // 4)
        if self.gone_on >= 10:  # of a few, all may be killed before a part is done
            self.assertGreater(self.spared, 0)


class KilledMpi(Killed):
    ranks = 3


if __name__ == "__main__":
    program_case.parser.add_argument("--kills", type=int, default=20)
    program_case.parser.add_argument("--seed", type=int, default=13)
    seed = program_case.parser.parse_known_args()[0].seed
    random.seed(seed)
    program_case.main()
