# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the robustness tests share: runs of the program, traces of what they leave behind."""
import hashlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import program_case
from machine import mpirun, patient, run_cases
from program_case import ProgramCase, parser

LIMIT_S = patient(120)
MARK = "MULTIMS_ROBUST"
args = None


def entry(path):
    """What stat and the content say of one file; times of access are left out."""
    info = os.lstat(path)
    what = [info.st_mode, info.st_ino, info.st_mtime_ns, info.st_ctime_ns]
    if os.path.islink(path):
        return what + [os.readlink(path)]
    if not os.path.isfile(path):
        return what
    with open(path, "rb") as f:
        return what + [info.st_size, hashlib.sha1(f.read()).hexdigest()]


def tree(path):
    """Every file, link and folder below path, itself too."""
    paths = [path]
    for folder, folders, files in os.walk(path):
        paths += [os.path.join(folder, name) for name in folders + files]
    return {p: entry(p) for p in paths}


def processes(mark):
    """{pid: words} of the running processes that inherited the mark."""
    wanted = f"{MARK}={mark}".encode()
    found = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/environ", "rb") as f:
                if wanted not in f.read().split(b"\0"):
                    continue
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                words = f.read().decode().split("\0")[:-1]
        except OSError:
            continue
        if words:
            found[int(pid)] = words
    return found


def read(file):
    file.seek(0)
    return file.read()


class Running:
    """A started program, in a process group of its own."""

    def __init__(self, words, cwd, prefix=(), **options):
        self.mark = f"{os.getpid()}.{time.monotonic_ns()}"
        self.words = [*prefix, args.program, *words]
        self.out, self.err = tempfile.TemporaryFile("w+"), tempfile.TemporaryFile("w+")
        self.began = time.monotonic()
        self.process = subprocess.Popen(
            self.words, cwd=cwd, stdout=self.out, stderr=self.err, stdin=subprocess.DEVNULL,
            start_new_session=True, env=dict(os.environ, **{MARK: self.mark}), **options)
        self.pid = self.process.pid

    def workers(self):
        return [pid for pid, words in processes(self.mark).items() if words[1:] == ["worker"]]

    def await_workers(self, n):
        while self.process.poll() is None:
            found = self.workers()
            if len(found) >= n:
                return found
        raise AssertionError(f"ended before it had {n} workers: {self.wait().stderr}")

    def sleep_until(self, after_s):
        time.sleep(max(0, self.began + after_s - time.monotonic()))

    def send(self, number):
        try:
            os.kill(self.pid, number)
        except ProcessLookupError:
            pass

    def wait(self):
        try:
            status = self.process.wait(LIMIT_S)
        except subprocess.TimeoutExpired:
            os.killpg(self.pid, signal.SIGKILL)
            self.process.wait()
            raise AssertionError(f"hangs: {' '.join(self.words)}\n{read(self.err)}") from None
        with self.out, self.err:
            return subprocess.CompletedProcess(self.words, status, read(self.out), read(self.err))

    def send_all(self, number):
        for pid in processes(self.mark):
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass

    def strays(self, wait_s=15):
        """Processes that outlive the run by more than wait_s."""
        limit = time.monotonic() + patient(wait_s)
        while (found := processes(self.mark)) and time.monotonic() < limit:
            time.sleep(0.05)
        return found


class Case(ProgramCase):
    """Each folder must end with nothing in it but what its test expects."""
    longMessage = True
    ranks = 0

    def data(self, name):
        return os.path.join(args.data, name)

    def copy(self, name, to="in.ms"):
        shutil.copytree(self.data(name), self.path(to), symlinks=True)
        return self.path(to)

    def prefix(self):
        return mpirun(self.ranks)

    def start(self, *words, **options):
        return Running(words, self.folder, options.pop("prefix", self.prefix()), **options)

    def run_to_end(self, *words, **options):
        run = self.start(*words, **options)
        result = run.wait()
        self.assertEqual(run.strays(), {}, "processes are left")
        return result

    def assert_done(self, result):
        self.assertEqual(result.returncode, 0, result.stderr)

    def assert_ended(self, result, status, *texts):
        self.assertEqual(result.returncode, status, result.stderr)
        for text in texts:
            self.assertIn(text, result.stderr)
        self.assertNotIn("terminate called", result.stderr.splitlines()[-1])

    def assert_folder(self, *names):
        self.assertEqual(sorted(os.listdir(self.folder)), sorted(names))


def columns(path):
    """The main table as an independent reader sees it."""
    from casacore.tables import table
    t = table(path, ack=False)
    try:
        return {name: t.getcol(name) for name in t.colnames()
                if t.nrows() and all(t.iscelldefined(name, r) for r in (0, t.nrows() - 1))}
    finally:
        t.close()


def assert_equal_tables(case, got, want):
    """Two main tables in the same order, cell by cell, with python-casacore."""
    import numpy
    a, b = columns(got), columns(want)
    case.assertEqual(sorted(a), sorted(b))
    for name in a:
        case.assertTrue(numpy.array_equal(a[name], b[name], a[name].dtype.kind in "fc"), name)


def main(module):
    """Runs the test classes that the command line names, all without any."""
    global args
    parser.add_argument("--data", required=True, type=os.path.abspath)
    parser.add_argument("--moments", type=int, default=12, help="kills of the program")
    parser.add_argument("--seed", type=int, default=20261121)
    parser.add_argument("--crash", help="the library of crash.c")
    names = program_case.parse()
    args = program_case.args
    args.program, args.scratch = map(os.path.abspath, (args.program, args.scratch))
    random.seed(args.seed)
    run_cases(module, [sys.argv[0], "-v", *names])
