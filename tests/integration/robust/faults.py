#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""System calls that fail, one in each process of a run: what is called done has every byte, the
input stays as it is, and what fails says so and leaves nothing.

--faults is the library of call_faults.c; --step: each how many-th call fails."""
import errno
import hashlib
import os
import shutil
import sys
import unittest.mock

import robust
from machine import preload

KINDS = {"stat": ("EIO", "EACCES", "ESTALE"), "open": ("EIO", "EMFILE"), "read": ("EIO",),
         "write": ("ENOSPC", "EDQUOT", "EIO", "0"), "list": ("EIO",), "make": ("EACCES", "ENOSPC"),
         "remove": ("EIO",), "rename": ("EIO", "EXDEV"), "link": ("ENOSPC",), "sync": ("EIO",),
         "close": ("EDQUOT",), "size": ("EIO",)}
MOST = 2000
faults, step = None, 97


def content(path):
    """What of a file does not depend on the time: HISTORY, lists and the locks have it in them, and
    casacore leaves bytes of an index as they were."""
    if os.path.islink(path):
        return os.readlink(path)
    if os.path.isdir(path):
        return "folder"
    with open(path, "rb") as f:
        data = f.read()
    if "/HISTORY/" in path or path.endswith(("VERSION_LIST", "table.lock", "i")):
        return len(data)
    return hashlib.sha1(data).hexdigest()


def tree(path):
    return {os.path.join(folder, name)[len(path):]: content(os.path.join(folder, name))
            for folder, folders, files in os.walk(path) for name in folders + files}


class Faults(robust.Case):
    def setUp(self):
        super().setUp()
        self.assert_done(self.run_to_end("simulate", "in.ms", "antennas=3", "scans=2",
                                         "integrations=2", "channels=4", "spws=1", "--no-sync",
                                         "--quiet"))
        self.input = robust.tree(self.path("in.ms"))

    def outputs(self):
        return {name: tree(self.path(name)) for name in os.listdir(self.folder)
                if name not in ("in.ms", "log")}

    def clean(self):
        for name in os.listdir(self.folder):
            if name != "in.ms":
                path = self.path(name)
                (shutil.rmtree if os.path.isdir(path) else os.unlink)(path)

    def run_faulty(self, words, kind, number, at, path=None, once=False):
        """The result, and the calls that failed, in each process, or once; number "KILL": it is killed."""
        fault = {"CALL_KIND": kind, "CALL_PATH": self.path(path) if path else self.folder, "CALL_AT": str(at),
                 **({"CALL_ONCE": "1"} if once else {}), "CALL_ERRNO": str(-1 if number == "KILL" else getattr(errno, number, 0)), "CALL_LOG": self.path("log")}
        with unittest.mock.patch.dict(os.environ, {**preload(faults), **fault}):
            result = self.run_to_end(*words)
        if not os.path.exists(self.path("log")):
            return result, ""
        with open(self.path("log")) as f:
            return result, f.read()

    def test_a_program_is_run_once_over_its_part(self):
        """each, killed at any moment around the copy that replaces the part, and the output that gets its name: a
        worker costs another attempt, whoever else is gone on with."""
        before = self.text("in.ms/table.info")
        words = "each", "in.ms", "--staged", "--outputvis", "made", "-j", "1", "-q", "--", "sh", "-c", \
            'echo again >> "$0/table.info"; cp -r "$0" "$1"', "{vis}", "{outputvis}"
        again = struck = 0
        for kind, path, stride in (("rename", ".in.ms.mms-each", 1), ("rename", "made/.in.ms", 1),
                                   ("write", ".in.ms.mms-each-copy-note", 1), ("remove", ".in.ms.mms-each-copy-note", 1),
                                   ("make", ".in.ms.mms-each", 5), ("remove", ".in.ms.mms-each", 13),
                                   ("write", ".in.ms.mms-each", 29), ("remove", "made/", 29)):
            for at in range(0, MOST, stride):
                result, calls = self.run_faulty(words, kind, "KILL", at, path, once=True)
                struck += bool(calls)
                again += "it is tried again" in result.stderr
                with self.subTest(kind=kind, path=path, at=at, calls=calls, said=result.stderr):
                    self.check_once(words, result, before)
                if not calls:
                    break
        self.assertGreater(struck, 12)
        self.assertGreater(again, 6)

    def test_what_a_kill_left_beside_a_part_is_in_nobodys_way(self):
        """Where the disk can't exchange names the part stood there meanwhile; a kill came while that was removed."""
        os.mkdir(self.path(".in.ms.mms-each-copy-old"))
        with open(self.path(".in.ms.mms-each-copy-old/table.f1"), "w"):
            pass
        before = self.text("in.ms/table.info")
        words = "each", "in.ms", "--staged", "-j", "1", "-q", "--", "sh", "-c", 'echo again >> "$0/table.info"', "{vis}"
        result, calls = self.run_faulty(words, "rename", "EINVAL", 0, ".in.ms.mms-each-copy", once=True)
        self.assert_done(result)
        self.assertIn("renameat2", calls)
        self.assertEqual(self.text("in.ms/table.info"), before + "again\n")
        self.clean()
        self.assert_folder("in.ms")
        with open(self.path("in.ms/table.info"), "w") as f:
            f.write(before)

    def text(self, name):
        with open(self.path(name)) as f:
            return f.read()

    def check_once(self, words, result, before):
        if result.returncode:
            at = words.index("--")
            self.assert_done(self.run_to_end(*words[:at], "--resume", *words[at:]))
        self.assertEqual(self.text("in.ms/table.info"), before + "again\n")
        self.assertEqual(self.text("made/in.ms/table.info"), before + "again\n")
        self.assertEqual(os.listdir(self.path("made")), ["in.ms"])
        self.clean()
        self.assert_folder("in.ms")
        with open(self.path("in.ms/table.info"), "w") as f:
            f.write(before)

    def check(self, result, kind, number, want):
        self.assertEqual(robust.tree(self.path("in.ms")), self.input, "the input has changed")
        self.assertIn(result.returncode, (0, 1, 2), result.stderr)
        found = self.outputs()
        if result.returncode:
            self.assertTrue(result.stderr.strip(), "no word")
            if number in ("EXDEV", "EDQUOT"):
                self.assertIn(os.strerror(getattr(errno, number)), result.stderr.splitlines()[-1])
            # the fault may come after the output has its name
            for name in found:
                self.assertEqual(found[name], want.get(name), f"left: {name}; {result.stderr}")
        elif kind != "remove":
            self.assertEqual(found, want, "called done, and not what it should be")

    def try_all(self, *words):
        self.assert_done(self.run_to_end(*words))
        want, struck = self.outputs(), set()
        for kind, numbers in KINDS.items():
            for number in numbers:
                for at in range(0, MOST, step):
                    self.clean()
                    result, calls = self.run_faulty(words, kind, number, at)
                    if not calls:
                        break
                    struck.add(kind)
                    with self.subTest(words=words[0], kind=kind, number=number, at=at, calls=calls):
                        self.check(result, kind, number, want)
        self.assertGreaterEqual(struck, set(KINDS) - {"link"}, "some calls never failed")
        self.clean()

    def test_partition(self):
        self.try_all("partition", self.path("in.ms"), self.path("out.mms"), "-q", "-j", "1")

    def test_split(self):
        self.try_all("split", self.path("in.ms"), self.path("out.ms"), "-q", "-j", "1",
                     "datacolumn=data", "spw=0:1~2", "scan=1")

    def test_killed_while_the_journal_is_removed(self):
        """What is left is known by its journal, or empty, and removed; the output is complete."""
        words = "partition", self.path("in.ms"), self.path("out.mms"), "-q", "-j", "1"
        folder = self.path("out.mms.multims")
        for at in range(MOST):
            self.clean()
            result, calls = self.run_faulty(words, "remove", "KILL", at, "out.mms.multims")
            if not calls:
                break
            with self.subTest(at=at, calls=calls):
                self.assertNotEqual(result.returncode, 0)
                left = os.listdir(folder)
                self.assertTrue(not left or "journal.jsonl" in left, left)
                self.assert_done(self.run_to_end("clean", folder if left else self.path("out.mms")))
                self.assertFalse(os.path.exists(folder))
                self.assert_done(self.run_to_end("verify", self.path("out.mms"), "--against", self.path("in.ms")))
        self.assertGreater(at, 4)
        self.clean()


def take(name, default):
    if name not in sys.argv:
        return default
    at = sys.argv.index(name)
    value = sys.argv[at + 1]
    del sys.argv[at:at + 2]
    return value


if __name__ == "__main__":
    faults, step = os.path.abspath(take("--faults", "")), int(take("--step", step))
    robust.main("__main__")
