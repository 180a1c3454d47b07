# SPDX-License-Identifier: LGPL-2.1-or-later
"""Commands that are shown to be pasted mean what they say in a shell, whatever the names are."""
import os
import re
import shutil
import signal
import subprocess

import program_case
from interrupting import Interrupting
from machine import family, kill_all, patient

NAMES = ["a b's $(touch gone).mms", "-j.mms", "n=1 *.mms", "~ & \"x\";\\.mms", b"caf\xe9 'x.mms"]


class Commands(Interrupting):
    def paste(self, text, status=0):
        """A shell in which multims is the program that is tested."""
        run = self.run_words("sh", "-c", 'program=$0; multims() { "$program" "$@"; }\n' + text, program_case.args.program,
                             errors="surrogateescape")
        self.assertEqual(run.returncode, status, (text, run.stdout, run.stderr))
        self.assertFalse(os.path.exists(self.path("gone")))
        return run

    def leave(self, name, number, *words):
        """A run that is stopped, or killed, when a part is done; what it said."""
        at = b"./" + os.fsencode(name)
        journal = os.path.join(os.fsencode(self.folder), os.fsencode(name) + b".multims", b"journal.jsonl")
        for _ in range(20):
            process = subprocess.Popen([program_case.args.program, "partition", "in.ms", at, *self.words, "-j", "1",
                                        *words], cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                       text=True)
            while process.poll() is None and self.parts(journal) < 1:
                pass
            if number == signal.SIGKILL:
                kill_all(family(process.pid)[1:2])  # the client; who watches tells of it
            else:
                process.send_signal(number)
            said = process.communicate(timeout=patient(60))[1]
            if process.returncode:
                return said
            self.remove()
        self.fail("always faster than the signal")

    def parts(self, journal):
        try:
            with open(journal) as f:
                return f.read().count('"aside":false')
        except OSError:
            return 0

    def remove(self):
        for name in set(os.listdir(os.fsencode(self.folder))) - {b"in.ms"}:
            shutil.rmtree(os.path.join(os.fsencode(self.folder), name))

    def check(self, name):
        names = sorted(os.listdir(os.fsencode(self.folder)))
        self.assertEqual(names, sorted([b"in.ms", os.fsencode(name), os.fsencode(name) + b".flagversions"]))
        self.multims("verify", b"./" + os.fsencode(name), "--against", "in.ms", "--quiet")
        self.remove()

    def test_that_of_a_run_that_was_stopped(self):
        self.prepare()
        for name in NAMES:
            with self.subTest(name=name):
                said = self.leave(name, signal.SIGINT)
                self.paste(re.search("Resume with: (.*)", said)[1])
                self.check(name)

    def test_that_of_one_that_was_killed(self):
        self.prepare()
        for name in NAMES:
            with self.subTest(name=name):
                said = self.leave(name, signal.SIGKILL)
                self.paste(re.search(r"parts are done: (multims resume .*) goes on$", said, re.M)[1])
                self.check(name)

    def test_that_of_its_status(self):
        self.prepare()
        for name in NAMES:
            with self.subTest(name=name):
                self.leave(name, signal.SIGINT)
                seen = self.run_words(program_case.args.program, "status", b"./" + os.fsencode(name), text=False)
                told = os.fsdecode(seen.stdout)
                resume, clean = re.search("^(multims resume .*) goes on with it, (multims clean .*) removes it$", told,
                                          re.M).groups()
                self.paste(clean)
                self.assertEqual(os.listdir(self.folder), ["in.ms"])
                self.leave(name, signal.SIGINT)
                self.paste(resume)
                self.check(name)

    def test_that_which_brings_old_data_back(self):
        self.prepare()
        for name in NAMES:
            with self.subTest(name=name):
                at = b"./" + os.fsencode(name)
                self.multims("partition", "in.ms", at, *self.words, "flagbackup=False", "--quiet")
                folder = os.path.join(os.fsencode(self.folder), b"." + os.fsencode(name) + b".mms-undo")
                os.mkdir(folder)
                with open(folder + b"/undo.json", "w") as f:
                    f.write("[]")
                open(folder + b"/lock", "w").close()
                said = self.multims("verify", at, status=2).stderr
                self.paste(re.search("`(multims clean --restore .*)` brings", said)[1])
                self.assertFalse(os.path.exists(folder))
                self.remove()


if __name__ == "__main__":
    program_case.main()
