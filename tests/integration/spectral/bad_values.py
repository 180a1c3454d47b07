#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Bad values of the parameters of regridding, combining and separating, and frequencies that no grid can
be laid over: a message that names parameter and value, exit status 2, nothing written."""
import os
import shutil

import numpy as np
from casacore.tables import table

import program_case
from program_case import ProgramCase

# Requests of mstransform regridms=True: {words: what the message says, the parameter's name and value first}.
CHANNELS = "SPW 0 has the channels 0 to 7"
FREQUENCY, VELOCITY = "does not have valid frequency units", "does not have valid velocity units"
BAD = {"nchan=0": ["nchan: 0", "at least 1", "-1"], "nchan=-2": ["nchan: -2", "-1 for all"],
       "nchan=100": ["nchan: 100", "more than 10 times SPW 0"],
       "nchan=16777217": ["nchan: 16777217", "at most 16777216"],
       "width=0": ["width: 0", "-1 or less"], "width=0 mode=channel_b": ["width: 0"],
       "width=0kHz mode=frequency": ["width: 0kHz", "empty"],
       "width=0m/s mode=velocity restfreq=1.4GHz": ["width: 0m/s", "empty"],
       "width=1.5": ["width: 1.5", "number of channels"],
       "width=1MHz": ["width: 1MHz", "number of channels"],
       "width=10km mode=frequency": ["width", FREQUENCY, "10km"],
       "width=1kHz mode=velocity restfreq=1.4GHz": ["width", VELOCITY, "1kHz"],
       "width=1Hz mode=frequency": ["width", "1 Hz", "smaller than smallest original"],
       "width=1m/s mode=velocity restfreq=1.4GHz": ["width", "smaller than smallest original"],
       "width=9": ["width: 9", "SPW 0"],
       "start=10km mode=frequency": ["start", FREQUENCY, "10km"],
       "start=1.4e9 mode=frequency": ["start", FREQUENCY, "1.4e9"],
       "start=1MHz mode=velocity restfreq=1.4GHz": ["start", VELOCITY, "1MHz"],
       "start=10km/s": ["start: 10km/s", "number of channels"],
       "start=1.5": ["start: 1.5", "number of channels"],
       "start=16": ["start: 16", CHANNELS], "start=-1": ["start: -1", CHANNELS],
       "start=8 mode=channel_b": ["start 8", "0 - 7"], "start=-1 mode=channel_b": ["start -1", "0 - 7"],
       "start=10GHz mode=frequency": ["start: 10GHz", "outside SPW 0"],
       "start=1.2GHz mode=frequency": ["start: 1.2GHz", "outside SPW 0"],
       "start=-1GHz mode=frequency": ["start: -1GHz", "positive"],
       "start=60000km/s mode=velocity restfreq=1.4GHz": ["start: 60000km/s", "outside SPW 0"],
       "start=1e6km/s mode=velocity restfreq=1.4GHz": ["start: 1e6km/s", "light"],
       "nspw=0": ["nspw: 0", "at least 1"], "nspw=-1": ["nspw: -1", "at least 1"],
       "nspw=100": ["nspw: 100", "too many output spws", "16 windows are possible"],
       "nspw=9": ["nspw: 9", "8 windows are possible"],
       "restfreq= mode=velocity": ["restfreq must be set when mode='velocity'"],
       "restfreq=foo": ["restfreq: foo", "Hz"], "restfreq=foo mode=velocity": ["restfreq: foo"],
       "restfreq=10km mode=velocity": ["restfreq: 10km", "Hz"], "restfreq=10km": ["restfreq: 10km"],
       "restfreq=-1GHz": ["restfreq: -1GHz", "positive"],
       "restfreq=-1GHz mode=velocity": ["restfreq: -1GHz"], "restfreq=0Hz": ["restfreq: 0Hz"],
       "restfreq=nanHz": ["restfreq: nanHz"], "restfreq=1.4": ["restfreq: 1.4", "Hz"],
       "outframe=MARS": ["outframe: MARS", "lsrk"],
       "outframe=SOURCE": ["outframe: source", "ephemeris"],
       "outframe=REST": ["outframe: rest", "field 0", "velocity in SOURCE (SYSVEL) is 0"],
       "interpolation=magic": ["interpolation: magic", "fftshift"],
       "veltype=x": ["veltype: x", "optical"], "mode=x": ["mode: x", "channel_b"]}
CENTRES = {"99": "0 to 0", "-3": "0 to 0", "nowhere": "such as", "J2000": "such as",
           "J2000 10deg 91deg": "between -90 and 90", "J2000 10deg -90.1deg": "between -90 and 90",
           "J2000 10deg 5km": "such as"}


class BadValues(ProgramCase):
    """A message that begins with parameter and value, and says what is allowed; status 2; nothing written."""

    def refuse(self, verb, words, text):
        shutil.rmtree(self.path("out.ms"), ignore_errors=True)
        before = sorted(os.listdir(self.folder))
        regrid = ["regridms=True"] if verb == "mstransform" else []
        run = self.multims(verb, "in.ms", "out.ms", "datacolumn=data", *regrid, *words, status=2)
        last = run.stderr.splitlines()[-1]
        for part in text:
            self.assertIn(part, last)
        self.assertRegex(last, f"^multims {verb}: (calcChanFreqs failed|[Pp]arameters? {text[0].split(':')[0]})|"
                               "^multims [a-z]*: Parameter")
        self.assertEqual(sorted(os.listdir(self.folder)), before)

    def test_each_parameter(self):
        self.simulate()
        self.simulate("one.ms", "spws=1")
        for words, text in BAD.items():
            with self.subTest(words=words):
                combine = ["combinespws=True"] if words == "nspw=100" else []
                spw = ["spw=0"] if words == "nspw=9" else []
                self.refuse("mstransform", [*words.split(), *combine, *spw], text)
                if not words.startswith("nspw") and words not in ("start=16", "width=9", "nchan=100"):
                    self.refuse("cvel", [*words.split(), "spw=0"], text)

    def test_phase_centres(self):
        self.simulate()
        for verb in "mstransform", "cvel":
            for value, text in CENTRES.items():
                for frame in "outframe=BARY", "outframe=TOPO", "outframe=":
                    with self.subTest(verb=verb, value=value, frame=frame):
                        self.refuse(verb, [f"phasecenter={value}", frame], ["phasecenter: ", value, text])

    def edit(self, values, column="CHAN_FREQ", row=1):
        with table(self.path("in.ms/SPECTRAL_WINDOW"), readonly=False, ack=False) as spw:
            spw.putcell(column, row, np.array(values, float))

    def test_frequencies_of_the_input(self):
        rise = 1.4e9 + 1e6 * np.arange(8)
        for column, values in (("CHAN_FREQ", [np.nan, *rise[1:]]), ("CHAN_FREQ", [*rise[:7], np.inf]),
                               ("CHAN_FREQ", [*rise[:4], *rise[3:7]]), ("CHAN_FREQ", rise[[0, 2, 1, 3, 4, 5, 6, 7]]),
                               ("CHAN_FREQ", -rise), ("CHAN_WIDTH", [0] * 8), ("CHAN_WIDTH", [np.nan] * 8)):
            for words in (["cvel"], ["mstransform", "regridms=True"], ["mstransform", "combinespws=True"]):
                with self.subTest(column=column, values=values, words=words):
                    self.simulate()
                    self.edit(values, column)
                    before = sorted(os.listdir(self.folder))
                    run = self.multims(words[0], "in.ms", "out.ms", "datacolumn=data", *words[1:], status=2)
                    for part in "SPECTRAL_WINDOW", "SPW 1", column:
                        self.assertIn(part, run.stderr.splitlines()[-1])
                    self.assertEqual(sorted(os.listdir(self.folder)), before)
                    self.multims(words[0], "in.ms", "out.ms", "datacolumn=data", *words[1:], "spw=0", "-q", "--no-sync")
                    shutil.rmtree(self.path("out.ms"))
                    shutil.rmtree(self.path("in.ms"))

    def test_an_empty_window(self):
        self.simulate()
        with table(self.path("in.ms/SPECTRAL_WINDOW"), readonly=False, ack=False) as spw:
            spw.putcell("NUM_CHAN", 1, 0)
            for name in "CHAN_FREQ", "CHAN_WIDTH", "RESOLUTION", "EFFECTIVE_BW":
                spw.putcell(name, 1, np.zeros(0))
        for words in (["cvel"], ["mstransform", "regridms=True"], ["mstransform", "combinespws=True"]):
            before = sorted(os.listdir(self.folder))
            run = self.multims(words[0], "in.ms", "out.ms", "datacolumn=data", *words[1:], status=2)
            self.assertRegex(run.stderr.splitlines()[-1], "(SPW|spw) 1")
            self.assertEqual(sorted(os.listdir(self.folder)), before)

    def test_unequal_numbers_of_channels(self):
        self.simulate("in.ms", "channels=8,4")
        for words in (["cvel"], ["mstransform", "combinespws=True"], ["mstransform", "regridms=True", "nspw=2"]):
            before = sorted(os.listdir(self.folder))
            run = self.multims(words[0], "in.ms", "out.ms", "datacolumn=data", *words[1:], status=2)
            last = run.stderr.splitlines()[-1]
            self.assertIn("only supported when the number of channels is the same", last)
            self.assertRegex(last, "has 8 channels, but another selected SPW has 4 channels")
            self.assertEqual(sorted(os.listdir(self.folder)), before)

    def test_beyond_the_band_is_said(self):
        self.simulate("in.ms", "spws=1")
        run = self.multims("mstransform", "in.ms", "out.ms", "datacolumn=data", "regridms=True", "mode=frequency",
                           "start=1.5GHz", "width=2MHz", "nchan=2", "--no-sync")
        self.assertIn("they will be flagged", run.stderr)
        with table(self.path("out.ms"), ack=False) as main:
            self.assertTrue(main.getcol("FLAG").all())


if __name__ == "__main__":
    program_case.main()
