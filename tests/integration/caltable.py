# SPDX-License-Identifier: LGPL-2.1-or-later
"""Calibration tables in CASA's form, for tests."""
import numpy
from casacore.tables import makearrcoldesc, makescacoldesc, maketabdesc, table


def copy_subtable(main, name, path):
    source = table(f"{main}/{name}", ack=False)
    source.copy(f"{path}/{name}", deep=True).close()
    source.close()


def make(path, kind, ms, values, times=None, flags=None, spws=None, field=0):
    """values[antenna][window][channel][parameter], or with times[t] values[t][…]; flags as values, or none.
    spws: the windows' channels, [[Hz, …], …]; those of ms unless given."""
    values = numpy.asarray(values)
    if times is None:
        t = table(ms, ack=False)
        times, values = [t.getcol("TIME").min()], values[None]
        t.close()
        flags = None if flags is None else numpy.asarray(flags)[None]
    real = not numpy.iscomplexobj(values)
    flags = numpy.zeros(values.shape, bool) if flags is None else numpy.asarray(flags)
    ints = [makescacoldesc(n, 0) for n in ("FIELD_ID", "SPECTRAL_WINDOW_ID", "ANTENNA1", "ANTENNA2",
                                           "SCAN_NUMBER", "OBSERVATION_ID")]
    param = "FPARAM" if real else "CPARAM"
    desc = maketabdesc([makescacoldesc("TIME", 0.0), makescacoldesc("INTERVAL", 0.0), *ints,
                        makearrcoldesc(param, 0.0 if real else 0j, ndim=2, valuetype="float" if real else "complex"),
                        makearrcoldesc("FLAG", False, ndim=2)])
    nant, nspw = values.shape[1:3]
    out = table(path, desc, nrow=len(times) * nant * nspw, ack=False)
    row = 0
    for i, time in enumerate(times):
        for w in range(nspw):
            for a in range(nant):
                out.putcell("TIME", row, time)
                for name, value in ("FIELD_ID", field), ("SPECTRAL_WINDOW_ID", w), ("ANTENNA1", a), ("ANTENNA2", -1):
                    out.putcell(name, row, value)
                out.putcell(param, row, values[i, a, w].astype(numpy.float32 if real else numpy.complex64))
                out.putcell("FLAG", row, flags[i, a, w])
                row += 1
    out.putkeyword("VisCal", kind)
    out.putkeyword("ParType", "Float" if real else "Complex")
    out.close()
    for name in "SPECTRAL_WINDOW", "FIELD":
        copy_subtable(ms, name, path)
    s = table(f"{path}/SPECTRAL_WINDOW", readonly=False, ack=False)
    nchan = values.shape[3]
    for w in range(s.nrows()):
        freq = spws[w] if spws else s.getcell("CHAN_FREQ", w)
        if len(freq) != nchan:  # one solution for the window
            freq = [numpy.mean(freq)]
        s.putcell("CHAN_FREQ", w, numpy.array(freq, float))
        s.putcell("NUM_CHAN", w, len(freq))
    s.close()
