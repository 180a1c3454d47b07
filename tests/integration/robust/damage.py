#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Damaged sets: one place of one file is wrong, and every verb must end, in words if it fails, with
nothing left if it fails, and with the data columns of the input if it does not (architecture,
"Crashes").

usage: damage.py --program P --scratch DIR [--runs N] [--seconds S] [--seed S] [--only RUN] [--keep]
A failure is shown by its run number: --only RUN --seed S does it again, --keep leaves its set in the scratch folder.
"""
import hashlib
import json
import os
import random
import shutil
import subprocess
import sys
import time

import program_case
from program_case import ProgramCase

HANG_S = 60
# A judge of its own, in a process that may crash: rows by their cells, whatever their order.
READER = """
import hashlib, json, sys
from casacore.tables import table
t = table(sys.argv[1], ack=False)
found = {}
for name in ("DATA", "CORRECTED_DATA", "FLAG"):
    if name not in t.colnames():
        continue
    rows = (t.getcell(name, r) for r in range(t.nrows()))
    found[name] = sorted(hashlib.sha1(repr(c.shape).encode() + c.tobytes()).hexdigest() for c in rows)
print(json.dumps(found))
"""
SETS = {
    "casa": ["--corrected", "--wtspectrum", "--source", "--pointing"],
    "standard": ["layout=standard"],
    "shared": ["layout=shared", "--corrected", "--syscal", "channels=8"],
    "cell": ["layout=cell", "--weather"],
    "big": ["endian=big", "layout=tiledcolumn", "channels=8"],
}
READING = [["select", "IN"], ["info", "IN"], ["select", "IN", "spw=1", "antenna=0"], ["verify", "IN"], ["listpartition", "IN"],
           ["diff", "IN", "GOOD"], ["verify", "IN", "--against", "GOOD"], ["plan", "partition", "IN", "out.mms"],
           ["plan", "mstransform", "IN", "out.mms", "timeaverage=True", "timebin=20s", "datacolumn=data"]]
WRITING = [["partition", "IN", "out.mms", "separationaxis=scan"], ["partition", "IN", "out.mms", "spw=0:1~3"],
           ["partition", "IN", "out.ms", "createmms=False", "tiles=False"], ["split", "IN", "out.ms", "datacolumn=data"],
           ["hanningsmooth", "IN", "out.ms", "datacolumn=data"],
           ["mstransform", "IN", "out.ms", "datacolumn=data", "timeaverage=True", "timebin=20s"],
           ["mstransform", "IN", "out.mms", "datacolumn=data", "regridms=True", "outframe=LSRK"],
           ["cvel", "IN", "out.ms"]]
WRITERS = {words[0] for words in WRITING}
WHOLE = ("partition", "split")  # whose rows are those of the input, if all is selected


def files(root):
    return sorted(os.path.join(folder, name) for folder, _, names in os.walk(root) for name in names
                  if not os.path.islink(os.path.join(folder, name)))


def digest(root):
    whole = hashlib.sha1()
    for path in files(root):
        with open(path, "rb") as f:
            whole.update(path.encode() + hashlib.sha1(f.read()).digest())
    return whole.hexdigest()


def damage(data, rnd):
    """One place of the bytes is wrong; returns the new bytes and what was done."""
    kind = rnd.choice(["bit", "bit", "bit", "word", "zeros", "cut", "cut", "more", "swap"])
    # headers and descriptions are where casacore can be led astray
    at = rnd.randrange(min(len(data), rnd.choice([64, 600, 4000, len(data)])) or 1) if data else 0
    b = bytearray(data)
    if kind == "bit" and b:
        b[at] ^= 1 << rnd.randrange(8)
    elif kind == "word":
        b[at:at + 4] = rnd.choice([b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f", b"\x00\x00\x00\x00",
                                   rnd.randbytes(4)])
    elif kind == "zeros":
        b[at:at + 64] = bytes(min(64, len(b) - at))
    elif kind == "cut":
        del b[at:]
    elif kind == "more":
        b += rnd.randbytes(rnd.choice([1, 100, 5000]))
    elif kind == "swap":
        b[at:at + 16] = b[at:at + 16][::-1]
    return bytes(b), f"{kind} at {at} of {len(data)}"


class Damage(ProgramCase):
    def run_program(self, *words):
        return self.run_words(program_case.args.program, *words, timeout=HANG_S, errors="replace")

    def make_sets(self):
        self.good = {}
        for name, words in SETS.items():
            self.multims("simulate", f"{name}.ms", "antennas=3", "spws=2", "integrations=2", "channels=4,8", "flags=0.2",
                         "--no-sync", "-q", *words)
            self.multims("partition", f"{name}.ms", f"{name}.mms", "separationaxis=scan", "--no-sync", "-q",
                         "--no-flagbackup")
            for kind in ("ms", "mms"):
                self.good[f"{name}.{kind}"] = self.rows(f"{name}.{kind}")
                self.assertTrue(self.good[f"{name}.{kind}"])

    def rows(self, path):
        """The rows that casacore reads; None where it can't."""
        run = self.run_words(sys.executable, "-c", READER, path, timeout=HANG_S)
        return json.loads(run.stdout) if run.returncode == 0 else None

    def check_values(self, words, name):
        """What was written is what casacore reads of the damaged set, or what was there before."""
        out = words[2]
        got = self.rows(out)
        if got is None:
            return f"{out} can't be read"
        whole = words[0] in WHOLE and not any(w.startswith("spw") for w in words)
        if not whole:
            return None
        read = self.rows("damaged." + name.split(".")[1])
        for column, cells in got.items():
            wanted = [self.good[name].get(column), (read or {}).get(column)]
            if cells not in wanted:
                return f"{column} of {out} is neither as before nor as casacore reads it"
        return None

    def check(self, words, name):
        """One run of the program; returns what is wrong with it."""
        before = set(os.listdir(self.folder))
        inside = digest(os.path.join(self.folder, words[1]))
        try:
            run = self.run_program(*words)
        except subprocess.TimeoutExpired:
            return "no end"
        made = set(os.listdir(self.folder)) - before
        said = [line for line in run.stderr.splitlines() if line.startswith("multims ")]
        self.statuses[run.returncode] = self.statuses.get(run.returncode, 0) + 1
        wrong = None
        if run.returncode not in (0, 1, 2, 3):
            wrong = f"status {run.returncode}: {run.stderr[-200:]}"
        elif run.returncode and not said and not (words[0] in ("verify", "diff") and run.stdout.strip()):
            wrong = f"status {run.returncode} without a word"
        elif run.returncode and made:
            wrong = f"status {run.returncode}, and {sorted(made)} is left"
        elif not made <= {words[2] if len(words) > 2 else "", "out.mms.flagversions"}:
            wrong = f"{sorted(made)} is there"
        elif digest(os.path.join(self.folder, words[1])) != inside:
            wrong = "the input has changed"
        elif made:
            wrong = self.check_values(words, name)
        for left in made:
            shutil.rmtree(os.path.join(self.folder, left), ignore_errors=True)
        return wrong

    @staticmethod
    def choose(paths, rnd):
        """Descriptions and data as often as what there is most of."""
        kind = rnd.choice(["table.dat", "table.f", ""])
        return rnd.choice([p for p in paths if os.path.basename(p).startswith(kind)])

    def one(self, options, number):
        rnd = random.Random(f"{options.seed}.{number}")
        name = rnd.choice(sorted(self.good))
        bad = "damaged." + name.split(".")[1]
        root = self.path(bad)
        shutil.copytree(self.path(name), root, symlinks=True)
        path = self.choose(files(root), rnd)
        with open(path, "rb") as f:
            data, what = damage(f.read(), rnd)
        with open(path, "wb") as f:
            f.write(data)
        for words in rnd.sample(READING, 2) + rnd.sample(WRITING, 1):
            words = [{"IN": bad, "GOOD": name}.get(w, w) for w in words]
            if words[0] in WRITERS:
                words += ["--no-sync", "-q"]
            with self.subTest(run=number, set=name, file=os.path.relpath(path, root), damage=what,
                              words=" ".join(words)):
                self.assertIsNone(self.check(words, name))
        if options.keep:
            shutil.copytree(root, os.path.join(options.scratch, f"{number}.{bad}"), symlinks=True)
        shutil.rmtree(root)

    def test_damaged_sets_end_in_words_or_with_what_was_there(self):
        options, done, self.statuses = program_case.args, 0, {}
        end = time.monotonic() + options.seconds
        self.make_sets()
        for number in range(options.runs) if options.only is None else [options.only]:
            if time.monotonic() > end:
                break
            self.one(options, number)
            done += 1
        print(f"{done} damaged sets, statuses {dict(sorted(self.statuses.items()))}")
        self.assertTrue(done)


if __name__ == "__main__":
    program_case.parser.add_argument("--runs", type=int, default=40)
    program_case.parser.add_argument("--seconds", type=float, default=60, help="begin no run later than that")
    program_case.parser.add_argument("--seed", type=int, default=1)
    program_case.parser.add_argument("--only", type=int, help="number of the one run to do")
    program_case.parser.add_argument("--keep", action="store_true")
    program_case.main()
