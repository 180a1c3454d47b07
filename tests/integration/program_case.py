# SPDX-License-Identifier: LGPL-2.1-or-later
"""The one way to a test of the program as a whole: its path, a scratch folder, a small MS.  What kinds of tests need
beside that is built on it: partition/common.py reads sets, robust/robust.py watches processes, undo_case.py kills runs.

A script that uses it is called as: script.py --program MULTIMS --scratch FOLDER [its own options].
"""
import argparse
import glob
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import zlib

from machine import patient, run_cases

# Starts a program and says what it or its workers took; a small process, as a child begins with the peak of the one
# that starts it.
PEAK = """
import os, sys
silent = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
pid = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ, file_actions=silent)
_, status, usage = os.wait4(pid, 0)
print(usage.ru_maxrss)
sys.exit(os.waitstatus_to_exitcode(status))
"""

parser = argparse.ArgumentParser()
parser.add_argument("--program", required=True)
parser.add_argument("--scratch", required=True)
args = None


def with_sum(record):
    """A line of a journal."""
    text = json.dumps(record, separators=(",", ":"))
    return f'{text[:-1]},"crc":"{zlib.crc32(text.encode()):08x}"}}\n'


class ProgramCase(unittest.TestCase):
    """Each test runs in a folder of its own, which must be gone or known when it ends."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(dir=args.scratch)
        self.addCleanup(shutil.rmtree, self.folder)

    def run_words(self, *words, **options):
        """Run any command in the test's folder."""
        words = [w if isinstance(w, bytes) else str(w) for w in words]
        if "input" not in options:
            options["stdin"] = subprocess.DEVNULL
        return subprocess.run(words, timeout=patient(options.pop("timeout", 120)),
                              **{"cwd": self.folder, "text": True, "stdout": subprocess.PIPE,
                                 "stderr": subprocess.PIPE, **options})

    def multims(self, *words, status=0, **options):
        """Run the program and demand its exit status."""
        run = self.run_words(args.program, *words, **options)
        self.assertEqual(run.returncode, status,
                         f"multims {' '.join(map(str, words))}\n{run.stdout}\n{run.stderr}")
        return run

    def answer(self, *words, status=0):
        """The program's answer as JSON."""
        return json.loads(self.multims(*words, "--json", status=status).stdout)

    def peak_kib(self, *words, fails=False):
        """Run the program; the memory of its largest process."""
        run = self.run_words(sys.executable, "-S", "-c", PEAK, args.program, *words)
        self.assertTrue(fails or run.returncode == 0, run.stderr)
        return int(run.stdout)

    def begin(self, *words):
        """Start a run that writes; it has its staging folder, or is done."""
        child = subprocess.Popen([args.program, *words, "--no-sync", "--quiet"], cwd=self.folder,
                                 stderr=subprocess.DEVNULL)
        while child.poll() is None and not [n for n in os.listdir(self.folder) if "part-" in n]:
            pass
        return child

    def stop_within(self, name, *words):
        """Stop a run when it has made two parts of a set in its staging folder; nothing is said of going on."""
        child = subprocess.Popen([args.program, *words, "--no-sync"], cwd=self.folder,
                                 stderr=subprocess.PIPE, text=True)
        made = self.path(f".*part-*/.*part-*/{name}/SUBMSS/*")
        while child.poll() is None and len(glob.glob(made)) < 2:
            pass
        child.send_signal(signal.SIGINT)
        said = child.communicate()[1]
        self.assertEqual(child.returncode, 130, said)
        self.assertNotIn("resume", said)

    def restore(self, name):
        """Bring back what a killed run has left."""
        self.clean_when_gone(name, "--restore")

    def clean_when_gone(self, *words):
        """Look at what a killed run has left, once its workers are gone too."""
        for _ in range(100):
            run = self.run_words(args.program, "clean", *words)
            if "is being changed by another run" not in run.stderr:
                break
            time.sleep(0.1)
        self.assertEqual(run.returncode, 0, run.stderr)

    def path(self, name):
        return os.path.join(self.folder, name)

    def simulate(self, name="in.ms", *words):
        """A small MS: 2 scans x 2 spws, 4 antennas, 48 rows unless words say otherwise."""
        self.multims("simulate", name, "antennas=4", "spws=2", "channels=8", "integrations=2",
                     "corrected=True", "--no-sync", "--quiet", *words)
        return name


class SharedSets:
    """Beside a case: a folder for sets that its tests make once and share."""

    @classmethod
    def setUpClass(cls):
        cls.sets = os.path.join(args.scratch, "sets")
        shutil.rmtree(cls.sets, ignore_errors=True)
        os.makedirs(cls.sets)

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.sets)


def need_hdf5():
    """UVH5 cases are skipped in a build without HDF5, which --version tells."""
    run = subprocess.run([args.program, "--version"], text=True, stdout=subprocess.PIPE, check=True)
    if "without HDF5" in run.stdout:
        print("skipped: this build is without HDF5")
        sys.exit(77)


def parse():
    """Read the options; the words that are left are unittest's."""
    global args
    args, rest = parser.parse_known_args()
    os.makedirs(args.scratch, exist_ok=True)
    return rest


def main(hdf5=False):
    rest = parse()
    if hdf5:
        need_hdf5()
    run_cases(argv=[sys.argv[0], *rest])
