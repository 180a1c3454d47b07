# SPDX-License-Identifier: LGPL-2.1-or-later
"""Calibration tables of random numbers from descriptions, made of those of the recorded cases.

{"like": "c.B", "seed": n, "times": [s, ...], "fields": [id, ...], "spws": [id, ...], "freq": [[Hz, ...], ...],
 "drop": [antenna, ...], "flag": p, "turn": rad}: every one but like and seed may be left out.  More lists in freq than windows make windows.  times are seconds
after the beginning of the sets, and those of the next field a little later; a solution of each time, field, window and
antenna."""
import shutil

import numpy
from casacore.tables import table

LATER = 0.37  # s, of each next field
BEGIN = 4752021600.0


class Numbers:
    """Uniform numbers that don't depend on numpy's version."""

    def __init__(self, seed):
        self.bits = numpy.random.PCG64(seed)

    def uniform(self, shape):
        n = int(numpy.prod(shape))
        raw = numpy.array([int(self.bits.random_raw()) >> 11 for _ in range(n)], float)
        return (raw * 2.0**-53).reshape(shape)


def values_of(numbers, description, name, shape):
    turn = description.get("turn", 1.0)
    if name == "FPARAM":
        return ((numbers.uniform(shape) - 0.5) * 20 * turn).astype(numpy.float32)
    size = 0.5 + numbers.uniform(shape)
    if "D" in description["like"]:
        size *= 0.1
    return (size * numpy.exp(2j * turn * (numbers.uniform(shape) - 0.5))).astype(numpy.complex64)


def set_channels(path, frequencies):
    with table(path + "/SPECTRAL_WINDOW", readonly=False, ack=False) as t:
        for w, hz in enumerate(frequencies):
            if w == t.nrows():
                t.addrows()
                t.putcell("MEAS_FREQ_REF", w, t.getcell("MEAS_FREQ_REF", 0))
            hz = numpy.array(hz, float)
            step = hz[1] - hz[0] if len(hz) > 1 else 1e6
            t.putcell("CHAN_FREQ", w, hz)
            t.putcell("NUM_CHAN", w, len(hz))
            t.putcell("REF_FREQUENCY", w, hz[0])
            for column in "CHAN_WIDTH", "EFFECTIVE_BW", "RESOLUTION":
                t.putcell(column, w, numpy.full(len(hz), step if column == "CHAN_WIDTH" else abs(step)))


def make(templates, description, path):
    shutil.copytree(f"{templates}/{description['like']}", path)
    numbers = Numbers(description["seed"])
    if "freq" in description:
        set_channels(path, description["freq"])
    with table(path + "/SPECTRAL_WINDOW", ack=False) as t:
        nchan = [len(t.getcell("CHAN_FREQ", i)) for i in range(t.nrows())]
    with table(path, readonly=False, ack=False) as t:
        name = "CPARAM" if "CPARAM" in t.colnames() else "FPARAM"
        wide, npar = t.getcell(name, 0).shape
        keys = [(time, field, spw, antenna) for time in description.get("times", [125])
                for field in description.get("fields", [0]) for spw in description.get("spws", range(len(nchan)))
                for antenna in range(3) if antenna not in description.get("drop", [])]
        t.removerows(list(range(t.nrows())))
        t.addrows(len(keys))
        for row, (time, field, spw, antenna) in enumerate(keys):
            shape = nchan[spw] if wide > 1 else 1, npar
            for column, value in (("TIME", BEGIN + time + LATER * field), ("FIELD_ID", field), ("SPECTRAL_WINDOW_ID", spw),
                                  ("ANTENNA1", antenna), ("ANTENNA2", -1), ("INTERVAL", 1.0), ("SCAN_NUMBER", 1),
                                  ("OBSERVATION_ID", 0), (name, values_of(numbers, description, name, shape)),
                                  ("FLAG", numbers.uniform(shape) < description.get("flag", 0)),
                                  ("PARAMERR", numpy.zeros(shape, numpy.float32)),
                                  ("SNR", numpy.ones(shape, numpy.float32)),
                                  ("WEIGHT", numpy.ones(shape, numpy.float32))):
                t.putcell(column, row, value)
