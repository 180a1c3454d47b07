#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A simulated line is where python-casacore's measures put it, and peaks at its velocity in each frame,
scan by scan over a day, whatever the verb, the interpolation and the parts."""
import itertools
import shutil

import casacore.measures
import casacore.quanta as quanta
import numpy as np
from casacore.tables import table

import program_case
from program_case import ProgramCase

C0, REST, VELOCITY, WIDTH, FLUX = 299792.458, 1.4204058e9, 20.0, 20.0, 10.0  # km/s, Hz
FRAMES = ["topo", "geo", "lsrk", "lsrd", "bary", "galacto", "lgroup", "cmb"]
DAY = ["scans=4", "integrations=3", "interval=3000s", "antennas=3", "correlations=1", "spws=2", "channels=640",
       "freq=1.4178e9", "width=4e3", f"restfreq={REST}Hz", f"linevelocity={VELOCITY}km/s", f"linewidth={WIDTH}km/s",
       "--no-sync", "-q"]
GRID = ["mode=velocity", f"restfreq={REST}Hz", "start=-40km/s", "width=1km/s", "nchan=120"]


class Lines(ProgramCase):
    def day(self, frame, *words, name="in.ms"):
        shutil.rmtree(self.path(name), ignore_errors=True)
        self.multims("simulate", name, *DAY, f"lineframe={frame}", *words)
        return name

    def spectra(self, path):
        """Of each time: the scan, the mean spectrum of good channels, their velocities in km/s."""
        with table(self.path(path), ack=False) as main:
            freq = table(self.path(path) + "/SPECTRAL_WINDOW", ack=False).getcell("CHAN_FREQ", 0)
            time, scan = main.getcol("TIME"), main.getcol("SCAN_NUMBER")
            data = np.ma.array(main.getcol("DATA")[..., 0], mask=main.getcol("FLAG")[..., 0])
        for t in np.unique(time):
            yield scan[time == t][0], data[time == t].mean(axis=0), C0 * (1 - freq / REST)

    def check(self, path, tolerance=0.01):
        scans = set()
        for scan, spectrum, velocity in self.spectra(path):
            scans.add(int(scan))
            near = abs(velocity - VELOCITY) < 3 * WIDTH / 2
            height = spectrum[near].real.filled(np.nan)
            self.assertAlmostEqual(velocity[near][np.argmax(height)], VELOCITY, delta=0.51)
            centre = np.sum(height * velocity[near]) / np.sum(height)
            self.assertLess(abs(centre - VELOCITY), tolerance, f"scan {scan}")
            flux = np.sum(height) * abs(velocity[1] - velocity[0])
            self.assertAlmostEqual(flux / (FLUX * WIDTH * np.sqrt(np.pi / np.log(2)) / 2), 1, delta=4e-3)
        self.assertEqual(scans, {1, 2, 3, 4})

    def write(self, verb, source, name, *words):
        shutil.rmtree(self.path(name), ignore_errors=True)
        self.multims(verb, source, name, "datacolumn=data", *words, "--no-sync", "-q")
        return name

    def test_it_is_where_measures_put_it(self):
        for frame in FRAMES:
            name = self.day(frame, "fields=2", name=f"{frame}.ms")
            with table(self.path(name), ack=False) as main, table(self.path(name) + "/FIELD", ack=False) as fields:
                freq = np.concatenate([table(self.path(name) + "/SPECTRAL_WINDOW", ack=False).getcell("CHAN_FREQ", i)
                                       for i in range(2)])
                directions = fields.getcol("PHASE_DIR")[:, 0]
                for t in np.unique(main.getcol("TIME"))[::4]:
                    rows = main.query(f"TIME == {t!r} && ANTENNA1 == 0 && ANTENNA2 == 1", sortlist="DATA_DESC_ID")
                    spectrum = np.concatenate(rows.getcol("DATA")[:, :, 0]).real.astype(float)
                    field = rows.getcell("FIELD_ID", 0)
                    judge = casacore.measures.measures()  # casacore's caches depend on what was asked before
                    judge.do_frame(judge.observatory("VLA"))
                    judge.do_frame(judge.epoch("UTC", quanta.quantity(t, "s")))
                    judge.do_frame(judge.direction("J2000", *[quanta.quantity(x, "rad") for x in directions[field]]))
                    rest = judge.frequency(frame, quanta.quantity(REST * (1 - VELOCITY / C0), "Hz"))
                    wanted = judge.measure(rest, "TOPO")["m0"]["value"]
                    self.assertAlmostEqual(np.sum(freq * spectrum) / np.sum(spectrum), wanted, delta=1)  # Hz
                    self.assertAlmostEqual(spectrum.max(), FLUX, delta=0.02)

    def test_it_stays_at_its_velocity_in_each_frame(self):
        for frame in FRAMES:
            with self.subTest(frame=frame):
                name = self.day(frame, "fields=2")
                self.check(self.write("cvel", name, "out.ms", *GRID, f"outframe={frame}", "numerics=exact"))

    def test_as_casa_does(self):
        """CASA's way to GEO has the Earth's motion since the first row in it: left out."""
        for frame in [f for f in FRAMES if f != "geo"]:
            with self.subTest(frame=frame):
                name = self.day(frame)
                self.check(self.write("cvel", name, "out.ms", *GRID, f"outframe={frame}"))

    def give_velocities(self, name, reference, velocities_m_s):
        with table(self.path(name) + "/SOURCE", readonly=False, ack=False) as source:
            info = source.getcolkeyword("SYSVEL", "MEASINFO")
            source.putcolkeyword("SYSVEL", "MEASINFO", {**info, "Ref": reference})
            for row, field in enumerate(source.getcol("SOURCE_ID")):
                source.putcell("SYSVEL", row, np.array([velocities_m_s[field]]))

    def test_at_rest_by_the_velocity_of_source(self):
        """Each field by its own: that of the second is wrong by 30 km/s here."""
        ratio = 1 - VELOCITY / C0
        truth = 1e3 * C0 * (1 - ratio ** 2) / (1 + ratio ** 2)
        for frame in "lsrk", "bary", "galacto":
            name = self.day(frame, "fields=2", "source=True")
            self.give_velocities(name, frame.upper(), [truth, truth + 3e4])
            for outframe, source in ("rest", "in.ms"), ("source", "in.ms"), ("rest", "in.mms"):
                with self.subTest(frame=frame, outframe=outframe, source=source):
                    if source == "in.mms":
                        shutil.rmtree(self.path(source), ignore_errors=True)
                        self.multims("partition", "in.ms", source, "flagbackup=False", "-q", "--no-sync")
                    out = self.write("cvel", source, "out", *GRID, f"outframe={outframe}", "numerics=exact", "keepmms=False")
                    with table(self.path(out), ack=False) as main:
                        fields = dict(zip(main.getcol("TIME"), main.getcol("FIELD_ID")))
                        spw = table(self.path(out) + "/SPECTRAL_WINDOW", ack=False)
                        self.assertEqual(spw.getcol("MEAS_FREQ_REF").tolist(), [0])
                    seen = set()
                    for t, (_, spectrum, velocity) in zip(sorted(fields), self.spectra(out)):
                        wanted = -30 * fields[t]
                        near = abs(velocity - wanted) < 3 * WIDTH / 2
                        height = spectrum[near].real.filled(0)
                        self.assertAlmostEqual(velocity[near][np.argmax(height)], wanted, delta=0.51)
                        seen.add(fields[t])
                    self.assertEqual(seen, {0, 1})

    def test_velocities_that_are_not_there(self):
        name = self.day("lsrk", "fields=2", "source=True")
        words = ["cvel", "in.ms", "out.ms", "datacolumn=data", *GRID, "outframe=rest"]
        for reference, text in ("TOPO", "TOPO is not known"), ("LSRK", None):
            self.give_velocities(name, reference, [1e4, 2e4])
            run = self.multims(*words, status=2 if text else 0)
            self.assertIn(text or "moves with 10 km/s (LSRK)", run.stderr)
        with table(self.path(name) + "/SOURCE", readonly=False, ack=False) as source:
            source.addrows(1)
            source.putcell("SYSVEL", source.nrows() - 1, np.array([5e3]))
            source.putcell("SOURCE_ID", source.nrows() - 1, 0)
        shutil.rmtree(self.path("out.ms"))
        self.assertIn("several velocities", self.multims(*words, status=2).stderr)
        with table(self.path(name) + "/SOURCE", readonly=False, ack=False) as source:
            source.putcol("SOURCE_ID", np.full(source.nrows(), 7, np.int32))
        self.assertIn("neither an ephemeris nor a velocity", self.multims(*words, status=2).stderr)

    def test_interpolations_verbs_and_parts(self):
        self.day("lsrk")
        self.multims("partition", "in.ms", "in.mms", "separationaxis=scan", "flagbackup=False", "-q", "--no-sync")
        requests = [("mstransform", ["regridms=True", "combinespws=True", f"interpolation={how}"], source)
                    for how, source in itertools.product(("nearest", "linear", "cubic", "spline"), ("in.ms", "in.mms"))]
        requests += [("cvel", [], "in.mms"), ("cvel", ["hanning=True"], "in.ms"),
                     ("mstransform", ["regridms=True", "combinespws=True", "timeaverage=True", "timebin=10s"], "in.mms")]
        for verb, words, source in requests:
            with self.subTest(verb=verb, words=words, source=source):
                name = self.write(verb, source, "out", *GRID, "outframe=lsrk", *words)
                self.check(name, 0.1 if "interpolation=nearest" in words else 0.01)

    def test_shifted_by_fft(self):
        """On the grid of the channels themselves; the FFT wants all of them."""
        self.day("bary")
        name = self.write("mstransform", "in.ms", "out.ms", "regridms=True", "combinespws=True", "outframe=bary",
                          "interpolation=fftshift")
        self.check(name)

    def test_other_frames_show_the_motion_of_the_earth(self):
        """The check would fail where rows were not moved by their own time."""
        name = self.day("lsrk")
        out = self.write("mstransform", name, "out.ms", "regridms=True", "combinespws=True", *GRID)
        centres = [np.sum(s.real * v) / np.sum(s.real) for _, s, v in self.spectra(out)]
        self.assertGreater(max(centres) - min(centres), 0.3)

    def test_the_columns_and_the_noise(self):
        words = ["model=True", "corrected=True", "floatdata=True", "noise=0.5", "correlations=2"]
        self.day("lsrk", *words, name="noisy.ms")
        self.day("lsrk", *words[:3], "correlations=2")
        columns = {}
        for name in "in.ms", "noisy.ms":
            with table(self.path(name), ack=False) as main:
                columns[name] = {c: main.getcol(c) for c in ("DATA", "MODEL_DATA", "CORRECTED_DATA", "FLOAT_DATA")}
        for name, c in columns.items():
            np.testing.assert_array_equal(c["MODEL_DATA"], -c["DATA"])
            np.testing.assert_array_equal(c["CORRECTED_DATA"], 2 * c["DATA"])
        line = columns["in.ms"]["DATA"]
        np.testing.assert_array_equal(columns["in.ms"]["FLOAT_DATA"], line.real)
        np.testing.assert_array_equal(line[..., 0], line[..., 1])
        self.assertFalse(line.imag.any())
        noise = columns["noisy.ms"]["DATA"] - line
        self.assertGreater(abs(noise).max(), 0.4)
        self.assertLess(abs(noise.real).max(), 0.51)

    def test_bad_values(self):
        for words, text in (("restfreq=30km", "Hz"), ("restfreq=-1GHz", "positive"), ("linevelocity=3GHz", "m/s"),
                            ("linevelocity=-400000km/s", "velocity of light"), ("lineframe=rest", "lsrk"),
                            ("linewidth=0km/s", "positive"), ("linewidth=-1km/s", "positive"), ("lineflux=nan", "number")):
            name, value = words.split("=")
            first = [] if name == "restfreq" else ["restfreq=1.4GHz"]
            run = self.multims("simulate", "bad.ms", *first, words, status=2)
            for part in f"parameter {name}", value, text:
                self.assertIn(part, run.stderr)


if __name__ == "__main__":
    program_case.main()
