# SPDX-License-Identifier: LGPL-2.1-or-later
"""What cases of UVH5 share: the public sets, an export, and files compared."""
import os
import shutil
import sys

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
