# SPDX-License-Identifier: LGPL-2.1-or-later
"""UVH5 files that are cut or changed anywhere: refused in one line or read, in bounded time and memory, and nothing
is left under the output's name where they are refused."""
import gzip
import os
import random
import resource
import shutil
import signal
import subprocess
import time

from casacore.tables import table

import program_case
from program_case import ProgramCase

for option, default in (("--data", None), ("--samples", None), ("--files", 12), ("--seed", 1),
                        ("--damages", 12)):
    program_case.parser.add_argument(option, type=type(default) if default else str,
                                     default=default)

NAMES = ["odd_gzip", "odd_lzf", "odd_lzf_shuffle", "odd_windows", "odd_int16", "odd_oldshape",
         "odd_enum32", "odd_flexpol"]
FOUND = os.path.join(os.path.dirname(os.path.abspath(__file__)), "damaged")
ROOM = 3 << 30  # of addresses, for a file of 30 kB


class Hostile(ProgramCase):
    def setUp(self):
        super().setUp()
        self.random = random.Random(program_case.args.seed)

    def sample(self, name):
        with open(os.path.join(program_case.args.samples, name + ".uvh5"), "rb") as f:
            return bytearray(f.read())

    def judge(self, content, what):
        with open(self.path("in.uvh5"), "wb") as f:
            f.write(content)
        run = self.run_words(
            program_case.args.program, "importuvh5", "in.uvh5", "out.ms", "--no-sync", "--quiet",
            timeout=30, errors="replace",
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (ROOM, ROOM)))
        self.assertIn(run.returncode, (0, 1, 2), f"{what}\n{run.stderr}")
        left = sorted(set(os.listdir(self.folder)) - {"in.uvh5"})
        if run.returncode:
            errors = [line for line in run.stderr.splitlines() if line.startswith("multims ")]
            self.assertEqual(len(errors), 1, f"{what}\n{run.stderr}")
            self.assertEqual(left, [], what)
            return False
        with table(self.path("out.ms"), ack=False) as t:
            for row in range(t.nrows()):
                t.getcell("DATA", row)
        shutil.rmtree(self.path("out.ms"))
        return True

    def put(self, name, content):
        with open(self.path(name), "wb") as f:
            f.write(content)

    def found(self, name):
        """What the fuzzer of headers found: libhdf5 1.10.8 crashes or does not end."""
        with gzip.open(os.path.join(FOUND, name + ".uvh5.gz")) as f:
            self.put("in.uvh5", f.read())

    def judge_verbs(self, what, verbs=("list", "verify", "diff", "importuvh5")):
        """in.uvh5 is answered or refused in one line that names it.  Returns all that was said."""
        more = {"diff": ["good.uvh5"], "importuvh5": ["out.ms", "--no-sync", "--quiet"]}
        said = []
        for words in [[verb, "in.uvh5"] + more.get(verb, []) for verb in verbs]:
            run = self.run_words(program_case.args.program, *words, timeout=60, errors="replace")
            told = f"{words[0]}: {what}\n{run.stderr}"
            self.assertIn(run.returncode, (0, 1, 2), told)
            lines = [line for line in run.stderr.splitlines() if line.startswith("multims ")]
            if run.returncode == 2 or (run.returncode and words[0] in ("list", "importuvh5")):
                self.assertEqual(len(lines), 1, told)
                self.assertIn("in.uvh5", lines[0], told)
                self.assertNotIn("out.ms", os.listdir(self.folder), told)
            shutil.rmtree(self.path("out.ms"), ignore_errors=True)
            self.assertEqual(set(os.listdir(self.folder)), {"in.uvh5", "good.uvh5"}, told)
            said.append(run.stderr)
        return said

    def test_what_the_fuzzer_found(self):
        """Other versions of HDF5 may refuse them in words of their own."""
        self.put("good.uvh5", self.sample("odd_variable_strings"))
        every = ("list", "verify", "diff", "importuvh5")
        few = every if program_case.args.damages > 100 else every[:1]
        for name, verbs in (("crash_in_metadata", every), ("crash_in_types", every),
                            ("crash_in_strings", every), ("hang_in_strings", few),
                            ("hang_in_heap", few)):  # each takes seconds
            self.found(name)
            for said in self.judge_verbs(name, verbs):
                self.assertIn("in.uvh5", said, name)

    def test_stopped_while_it_hangs(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            self.found("hang_in_strings")
            run = subprocess.Popen([program_case.args.program, "list", "in.uvh5"], cwd=self.folder,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
            time.sleep(0.7)
            if run.poll() is None:
                run.send_signal(number)
                error = run.communicate(timeout=program_case.patient(60))[1]
                self.assertIn(run.returncode, (128 + number, -number), error)
            else:  # another HDF5, which refuses the file
                self.assertEqual(run.returncode, 2, run.communicate()[1])

    def test_damages_of_every_sample(self):
        """Cuts at five places and twenty flips of bits of each sample; as many as are asked for."""
        names = sorted(n[:-5] for n in os.listdir(program_case.args.samples) if n.endswith(".uvh5"))
        damages = [(name, k) for name in names for k in range(25)]
        if program_case.args.damages < len(damages):
            damages = self.random.sample(damages, program_case.args.damages)
        self.put("good.uvh5", self.sample("odd_gzip"))
        for name, k in damages:
            content = self.sample(name)
            place = random.Random(f"{name} {k}")
            if k < 5:
                at = len(content) * (k + 1) // 6
                self.put("in.uvh5", content[:at])
            else:  # half of them where the headers of objects are
                at = place.randrange(min(len(content), 8192) if k % 2 else len(content))
                content[at] ^= 1 << place.randrange(8)
                self.put("in.uvh5", content)
            self.judge_verbs(f"{name}, damage {k}, at {at}")

    def test_cut_anywhere(self):
        for _ in range(program_case.args.files):
            name = self.random.choice(NAMES)
            content = self.sample(name)
            at = self.random.randrange(len(content) - 1)
            self.assertFalse(self.judge(content[:at], f"{name} cut at {at}"))

    def test_changed_anywhere(self):
        for number in range(program_case.args.files):
            name = self.random.choice(NAMES)
            content = self.sample(name)
            places = []
            for _ in range(1 << self.random.randrange(5)):
                at = self.random.randrange(len(content))
                end = min(len(content), at + self.random.choice((1, 1, 8, 64)))
                content[at:end] = self.random.choice(
                    (b"\0" * (end - at), b"\xff" * (end - at), self.random.randbytes(end - at)))
                places.append((at, end))
            self.judge(content, f"file {number}, {name} changed at {places}")

    def test_chunks_and_their_index(self):
        """Values of each dataset, where they stand: the index of chunks, then what is packed."""
        for name in ("odd_gzip", "odd_lzf"):
            content = self.sample(name)
            trees = [at for at in range(len(content)) if content[at:at + 5] == b"TREE\1"]
            self.assertGreater(len(trees), 2)
            for at in trees[:3]:
                with self.subTest(f"{name}, index at {at}"):
                    for offset in (6, 24, 48):  # entries, size of a chunk, place of it
                        changed = bytearray(content)
                        changed[at + offset:at + offset + 4] = b"\xfe\xff\xff\x7f"
                        self.judge(changed, f"{name}, index at {at} + {offset}")


program_case.main(hdf5=True)
