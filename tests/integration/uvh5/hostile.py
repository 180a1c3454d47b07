# SPDX-License-Identifier: LGPL-2.1-or-later
"""UVH5 files that are cut or changed anywhere: refused in one line or read, in bounded time and memory, and nothing
is left under the output's name where they are refused."""
import os
import random
import resource
import shutil

from casacore.tables import table

import program_case
from program_case import ProgramCase

for option, default in (("--data", None), ("--samples", None), ("--files", 12), ("--seed", 1)):
    program_case.parser.add_argument(option, type=type(default) if default else str,
                                     default=default)

NAMES = ["odd_gzip", "odd_lzf", "odd_lzf_shuffle", "odd_windows", "odd_int16", "odd_oldshape",
         "odd_enum32", "odd_flexpol"]
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
