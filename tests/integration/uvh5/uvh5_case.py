# SPDX-License-Identifier: LGPL-2.1-or-later
"""What cases of UVH5 share: the public sets, an export, and files compared."""
import glob
import json
import os
import shutil
import signal
import subprocess
import sys
import time

import numpy
from casacore.tables import table

import program_case
from program_case import ProgramCase

program_case.parser.add_argument("--data")

try:
    import h5py
except ImportError:
    print("skipped: no python3-h5py")
    sys.exit(77)

ALMA2, ALMA9, LOFAR = "mssel_test_small.ms", "hd142_b9cont_self_tav.ms", "tNDPPP-generic.MS"


def contents(path):
    """Everything but the history, whose date differs."""
    found = {}
    with h5py.File(path, "r") as f:
        f.visititems(lambda name, item: found.update({name: item[()]})
                     if isinstance(item, h5py.Dataset) and name != "Header/history"
                     and item.shape is not None else None)
    return found


def bytes_but_history(path):
    with h5py.File(path, "r") as f:
        history = f["Header/history"]
        at, size = history.id.get_offset(), history.id.get_storage_size()
    with open(path, "rb") as f:
        data = f.read()
    return data[:at] + data[at + size:]


class UvhCase(ProgramCase):
    def data(self, name):
        return os.path.join(program_case.args.data, name)

    def copy(self, name):
        shutil.copytree(self.data(name), self.path(name), symlinks=True)
        return table(self.path(name), readonly=False, ack=False)

    def export(self, vis, *words, out="out.uvh5", **options):
        self.multims("exportuvh5", vis, out, "datacolumn=data", "--no-sync", "--quiet", *words,
                     **options)
        return self.path(out)

    def assert_same(self, first, second):
        first, second = contents(first), contents(second)
        self.assertEqual(first.keys(), second.keys())
        for name in first:
            numpy.testing.assert_array_equal(first[name], second[name], name)

    def done(self):
        """The units that the journal has; None: there is no journal yet."""
        try:
            with open(self.path("out.uvh5.multims/journal.jsonl")) as f:
                records = [json.loads(line) for line in f if line.endswith("\n")]
        except FileNotFoundError:
            return None
        return [r["unit"] for r in records if r["ev"] == "done"]

    def kill_when(self, ready, *words):
        """Returns whether it was killed before it was done."""
        child = subprocess.Popen([program_case.args.program, *words, "--no-sync"], cwd=self.folder,
                                 start_new_session=True, stderr=subprocess.DEVNULL,
                                 stdout=subprocess.DEVNULL)
        while child.poll() is None and not ready():
            time.sleep(0.0005)
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        time.sleep(0.2)  # its workers die after it, and end the call that they are in
        return not os.path.exists(self.path("out.uvh5"))

    def kill_and_go_on(self, workers, *asked):
        """in.ms, killed before it has its units, with some of them, and while it is packed."""
        words = ("exportuvh5", "in.ms", "out.uvh5", "datacolumn=data", *asked)
        whole = bytes_but_history(self.export("in.ms", *asked, "-j", str(workers)))
        os.remove(self.path("out.uvh5"))
        moments = [lambda: self.done() is not None, lambda: self.done(), lambda: len(self.done() or ()) > 3]
        if "compression=gzip" in asked:
            moments += [lambda: glob.glob(self.path(".*part-*/*.before"))] * 2
        for number, ready in enumerate(moments):
            with self.subTest(f"{asked}, moment {number}"):
                if self.kill_when(ready, *words, "-j", str(workers)):
                    self.assertNotIn("out.uvh5", os.listdir(self.folder))
                    done = self.done()
                    run = self.multims(*words, "-j", "2", "--no-sync", "resume=True")
                    self.assertTrue(not done or "goes on with the run" in run.stderr, run.stderr)
                else:  # it had its name: too late for this moment
                    for left in glob.glob(self.path(".out.uvh5.*")) + glob.glob(self.path("out.uvh5.multims")):
                        shutil.rmtree(left)
                self.assertEqual(bytes_but_history(self.path("out.uvh5")), whole)
                self.assertEqual(sorted(os.listdir(self.folder)), ["in.ms", "out.uvh5"])
                os.remove(self.path("out.uvh5"))
