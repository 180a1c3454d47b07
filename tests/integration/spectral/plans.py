#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the plan says of the output's windows is what is written, for a reader and as JSON."""
import json
import shutil

import numpy as np
from casacore.tables import table

import program_case
from program_case import ProgramCase

C0 = 299792458.0
FRAMES = {0: "REST", 1: "LSRK", 3: "BARY", 5: "TOPO"}
REST = 1.4015e9
REGRID = "mstransform regridms=True"
REQUESTS = {REGRID: 1, f"{REGRID} spw=1,0 outframe=BARY": 1, f"{REGRID} mode=frequency start=1.402GHz width=2MHz": 1,
            f"{REGRID} outframe=LSRK restfreq=1401.5MHz veltype=optical": 1,
            f"{REGRID} mode=velocity outframe=LSRK restfreq=1401.5MHz start=0km/s width=300km/s nchan=3": 1,
            f"{REGRID} outframe=BARY nspw=3 restfreq=1401.5MHz": 2, "mstransform combinespws=True": 2,
            f"{REGRID} chanaverage=True chanbin=2 combinespws=True": 2, "cvel outframe=LSRK": 2,
            "cvel mode=velocity restfreq=1401.5MHz veltype=optical": 2}


class Windows(ProgramCase):
    def written(self, name):
        with table(self.path(name) + "/SPECTRAL_WINDOW", ack=False) as t:
            return [{c: t.getcell(c, r) for c in ("CHAN_FREQ", "CHAN_WIDTH", "MEAS_FREQ_REF")}
                    for r in range(t.nrows())]

    def check_velocities(self, said, row, optical):
        def velocity(f):
            return C0 * (REST / f - 1 if optical else 1 - f / REST)
        freq, half = row["CHAN_FREQ"], abs(row["CHAN_WIDTH"][0]) / 2
        self.assertAlmostEqual(said["first_m_s"], velocity(freq[0]), 3)
        self.assertAlmostEqual(said["last_m_s"], velocity(freq[-1]), 3)
        self.assertAlmostEqual(said["width_m_s"], velocity(freq[0] - half) - velocity(freq[0] + half), 3)

    def check(self, words, ninput):
        verb, *words = words.split()
        words = [verb, "in.ms", "out.ms", "datacolumn=data", *words]
        said = json.loads(self.multims("plan", *words, "--json").stdout)
        self.assertEqual(said, self.answer(*words, "--dryrun"))
        self.multims(*words, "--no-sync", "-q")
        rows, spws = self.written("out.ms"), said["spws"]
        self.assertEqual([s["spw"] for s in spws], list(range(len(rows))))
        for spw, row in zip(spws, rows):
            self.assertEqual((spw["channels"], len(spw["inputs"])), (len(row["CHAN_FREQ"]), ninput))
            self.assertEqual(spw["channels_in"], 8 * ninput)
            self.assertEqual(spw["frame"], FRAMES[row["MEAS_FREQ_REF"]])
            self.assertEqual((spw["first_hz"], spw["last_hz"]), (row["CHAN_FREQ"][0], row["CHAN_FREQ"][-1]))
            self.assertEqual(spw["width_hz"], abs(row["CHAN_WIDTH"][0]))
            self.assertEqual("first_m_s" in spw, any("restfreq" in w for w in words))
            if "first_m_s" in spw:
                self.check_velocities(spw, row, "veltype=optical" in words)
        return spws

    def check_table(self, words, spws):
        verb, *words = words.split()
        text = self.multims("plan", verb, "in.ms", "out.ms", "datacolumn=data", *words).stdout.splitlines()
        at = next(i for i, line in enumerate(text) if line.startswith("Output spw "))
        self.assertEqual("First/(km/s)" in text[at], "first_m_s" in spws[0])
        for spw, line in zip(spws, text[at + 1:]):
            cells = line.split()
            self.assertEqual(cells[:4], [str(spw["spw"]), "0~1" if len(spw["inputs"]) > 1 else str(spw["from"]),
                                         str(spw["channels"]), spw["frame"]])
            wanted = [spw["first_hz"] / 1e6, spw["last_hz"] / 1e6, spw["width_hz"] / 1e3]
            if "first_m_s" in spw:
                wanted += [spw[k] / 1e3 for k in ("first_m_s", "last_m_s", "width_m_s")]
            np.testing.assert_allclose([float(c) for c in cells[4:]], wanted, rtol=1e-5, atol=1e-6)

    def test_they_are_those_of_the_output(self):
        self.simulate()
        for words, ninput in REQUESTS.items():
            with self.subTest(words=words):
                spws = self.check(words, ninput)
                shutil.rmtree(self.path("out.ms"))
                self.check_table(words, spws)

    def test_a_multi_ms(self):
        self.simulate()
        self.multims("partition", "in.ms", "in.mms", "separationaxis=scan", "flagbackup=False", "-q", "--no-sync")
        for words in REQUESTS:
            verb, *more = words.split()
            one, many = (self.answer("plan", verb, name, "out.ms", "datacolumn=data", *more)["spws"]
                         for name in ("in.ms", "in.mms"))
            self.assertEqual(one, many)


if __name__ == "__main__":
    program_case.main()
