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


def write_uvh5(path, nblt, windows=1, pols=1, channels=1, vis=None, flags=None, nsamples=None, **how):
    """A file as numpy has it; how: as h5py makes the datasets of Data."""
    nant, per_time = 40, 780
    nfreq = windows * channels
    one, two = numpy.triu_indices(nant, 1)
    times = numpy.arange(nblt) // per_time
    place = numpy.random.default_rng(1).uniform(-300, 300, (nant, 3))
    at = numpy.arange(nblt) % per_time
    cube = (nblt, nfreq, pols)
    if vis is None:
        vis = numpy.ones(cube, numpy.dtype([("r", "f4"), ("i", "f4")]))
    with h5py.File(path, "w") as f:
        header = f.create_group("Header")
        for name, value in {
                "version": b"1.2", "telescope_name": b"X", "instrument": b"X", "history": b"",
                "vis_units": b"Jy", "latitude": -30.7, "longitude": 21.4, "altitude": 1050.0,
                "Nblts": nblt, "Nfreqs": nfreq, "Npols": pols, "Nspws": windows, "Nphase": 1,
                "Nants_telescope": nant, "Nants_data": len(set(one[at]) | set(two[at])),
                "Nbls": min(nblt, per_time), "Ntimes": times[-1] + 1,
                "time_array": 2459000.25 + times / 8640,
                "integration_time": numpy.full(nblt, 10.0), "ant_1_array": one[at],
                "ant_2_array": two[at], "uvw_array": (place[two] - place[one])[at],
                "freq_array": 1e8 + 1e6 * numpy.arange(nfreq),
                "channel_width": numpy.full(nfreq, 1e6), "spw_array": numpy.arange(windows),
                "flex_spw_id_array": numpy.arange(nfreq) // channels, "antenna_numbers": range(nant),
                "polarization_array": [-5, -6, -7, -8][:pols], "antenna_positions": place,
                "antenna_names": [b"A%02d" % i for i in range(nant)],
                "phase_center_id_array": numpy.zeros(nblt, "i8"),
                "phase_center_catalog/0/cat_name": b"f",
                "phase_center_catalog/0/cat_type": b"sidereal",
                "phase_center_catalog/0/cat_frame": b"icrs",
                "phase_center_catalog/0/cat_epoch": 2000.0,
                "phase_center_catalog/0/cat_lon": 1.0,
                "phase_center_catalog/0/cat_lat": -0.5}.items():
            header[name] = value
        f.create_dataset("Data/visdata", data=vis, **how)
        f.create_dataset("Data/flags", data=numpy.zeros(cube, "?") if flags is None else flags, **how)
        f.create_dataset("Data/nsamples", data=numpy.ones(cube, "f4") if nsamples is None else nsamples, **how)


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
