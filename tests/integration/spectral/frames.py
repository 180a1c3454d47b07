# SPDX-License-Identifier: LGPL-2.1-or-later
"""The measures shim against python-casacore: frames, units, directions, places, fields, and what is
said about missing data.

usage: frames.py --program spectral_kernels --scratch FOLDER
"""
import itertools
import math
import os

import casacore.measures
import casacore.quanta as quanta
import casacore.tables as ct
import numpy as np

import program_case
from kernel_case import KernelCase

C0 = 299792458.0
FRAMES = ["LSRK", "LSRD", "BARY", "GEO", "TOPO", "GALACTO", "LGROUP", "CMB"]
SITES = {"VLA": [-1601185.4, -5041977.5, 3554875.9], "ALMA": [2225061.3, -5440057.4, -2481681.2],
         "ASKAP": [-2556607.5, 5097202.9, -2848330.0]}
EPOCHS = ["1995-02-11", "2003-07-01", "2011-10-30", "2019-05-05", "2026-03-21"]
DIRECTION = "J2000 61deg 30deg"


def mjd(date):
    year, month, day = map(int, date.split("-"))
    return float((np.datetime64(f"{year:04d}-{month:02d}-{day:02d}") -
                  np.datetime64("1858-11-17")).astype(int))


def view(day, direction=DIRECTION, site="VLA", velocity=None):
    return {"time": 86400 * day, "direction": direction, "position": SITES[site],
            "velocity": velocity}


def convert(start, end, into, to, freq=1e11, **options):
    return {"op": "frame", "from": start, "to": end, "in": into, "out": to, "freq": [freq],
            **options}


class FrameCase(KernelCase):
    def setUp(self):
        super().setUp()
        if "error" in self.ask(convert("TOPO", "LSRK", view(55000), view(55000))):
            self.skipTest("no leap seconds (casacore-data) here")


class Frames(FrameCase):
    def test_every_pair_of_frames_agrees_with_casacore(self):
        judge = casacore.measures.measures()
        pairs = [p for p in itertools.product(FRAMES, FRAMES) if p[0] != p[1]]
        asked, wanted = [], []
        for date, site, hour in itertools.product(EPOCHS, SITES, (0.1, 0.6)):
            day = mjd(date) + hour
            judge.do_frame(judge.epoch("UTC", quanta.quantity(day, "d")))
            judge.do_frame(judge.position("ITRF", *[f"{x}m" for x in SITES[site]]))
            judge.do_frame(judge.direction("J2000", "61deg", "30deg"))
            for start, end in pairs:
                here = view(day, site=site)
                freq = judge.frequency(start, quanta.quantity(1e11, "Hz"))
                wanted.append(judge.measure(freq, end)["m0"]["value"])
                asked.append(convert(start, end, here, here))
                asked.append(convert(start, end, here, here, exact=True))
        answers = self.ask(*asked)
        self.assertEqual(len(answers), len(asked))
        for i, (request, answer) in enumerate(zip(asked, answers)):
            off = answer["freq"][0] / wanted[i // 2] - 1
            self.assertLess(abs(off), 1e-12, f"{request}: {answer}")

    def test_the_cases_of_the_specification(self):
        day, later = 55000.25, 55000.75
        moved = "J2000 60deg 30deg"
        one, other = view(day, moved), view(day, "J2000 61deg 30deg")
        cases = [  # T065 to T072: from, to, in, out, factor - 1
            ("TOPO", "LSRK", one, one, -1.12418976e-05),
            ("TOPO", "BARY", one, one, -3.74648778e-05),
            ("BARY", "LSRK", one, one, 2.62239626e-05),
            ("TOPO", "LSRK", other, one, -1.07992431e-05),
            ("TOPO", "LSRK", one, other, -9.90036458e-06),
            ("TOPO", "LSRK", other, other, 99999054229.05 / 1e11 - 1),
            ("TOPO", "LSRK", view(later, moved), one, -1.16441550e-05),
            ("TOPO", "LSRK", view(later, moved), view(later, moved), -1.16441559e-05),
            ("TOPO", "BARY", other, one, -3.70222348e-05),
            ("TOPO", "GEO", view(later, moved), one, -5.73676933e-07),
            ("LSRK", "TOPO", view(later, moved), one, 1.12420240e-05),
        ]
        answers = self.ask(*[convert(*c[:4]) for c in cases])
        for case, answer in zip(cases, answers):
            # The recorded values used tables of Earth orientation, which may not be here.
            self.assertLess(abs(answer["freq"][0] / 1e11 - 1 - case[4]), 3e-10, case)

    def test_exact_numerics_go_straight_with_the_direction_of_the_field(self):
        moved = "J2000 60deg 30deg"
        late, reference = view(55000.75, moved), view(55000.25)
        geo, lsrk, both = self.ask(convert("TOPO", "GEO", late, reference, exact=True),
                              convert("TOPO", "LSRK", late, reference, exact=True),
                              convert("TOPO", "LSRK", late, view(55000.25, moved)))
        self.assertLess(abs(geo["freq"][0] / 1e11 - 1 - 1.80876247e-07), 3e-10)
        self.assertEqual(len(geo["factor"]), 1)
        self.assertEqual(lsrk["freq"], both["freq"])

    def test_answers_do_not_depend_on_earlier_ones(self):
        requests = [convert("TOPO", "LSRK", view(55000 + 0.013 * i), view(55000))
                    for i in range(40)]
        forward = self.ask(*requests)
        backward = self.ask(*requests[::-1])[::-1]
        self.assertEqual(forward, backward)

    def test_rest_needs_a_velocity(self):
        here = view(55000)
        self.assertIn("need the radial velocity", self.ask(convert("REST", "LSRK", here, here))["error"])
        fast = view(55000, velocity=3e5)
        answer = self.ask(convert("REST", "LSRK", fast, fast))
        self.assertAlmostEqual(answer["freq"][0] / 1e11,
                               math.sqrt((1 - 3e5 / C0) / (1 + 3e5 / C0)), 14)

    def test_a_frame_to_itself_is_no_step(self):
        for frame in FRAMES + ["REST", "SOURCE"]:
            self.assertEqual(self.ask(convert(frame, frame, view(55000), view(55001)))["factor"], [])

    def test_unknown_frames_are_refused(self):
        answer = self.ask(convert("LSRX", "TOPO", view(55000), view(55000)))
        self.assertIn("'LSRX' is not known; there are TOPO, GEO", answer["error"])
        self.assertIn("freq", self.ask(convert("topo", "lsrk", view(55000), view(55000))))


class Texts(FrameCase):
    def test_quantities(self):
        good = [("1.5GHz", "Hz", 1.5e9), ("-10km/s", "m/s", -1e4), ("3 MHz", "Hz", 3e6),
                ("7", "Hz", 7), ("0.1km.s-1", "m/s", 100), ("1200arcsec", "deg", 1 / 3),
                ("1min", "s", 60), ("5mJy", "Jy", 0.005)]
        for text, unit, value in good:
            answer = self.ask({"op": "quantity", "text": text, "unit": unit, "bare": True})
            self.assertAlmostEqual(answer["value"], value, 12, (text, answer))
        for text in ("10km", "abc", "", " ", "1e400Hz", "-1e999", "Hz", "1.4QHz"):
            self.assertIn("error", self.ask({"op": "quantity", "text": text, "unit": "Hz", "bare": True}))
        self.assertIn("error", self.ask({"op": "quantity", "text": "7", "unit": "Hz", "bare": False}))

    def test_directions(self):
        degree = math.pi / 180
        good = [("J2000 04h10m00s 30d00m00s", "J2000", 62.5, 30), ("60deg -30deg", "J2000", 60, -30),
                ("ICRS 1rad 0.5rad", "ICRS", 1 / degree, 0.5 / degree), ("JUPITER", "JUPITER", 0, 0),
                ("B1950 19:30:00 -40.30.00", "B1950", 292.5, -40.5)]
        for text, frame, lon, lat in good:
            answer = self.ask({"op": "direction", "text": text})
            self.assertEqual(answer.get("frame"), frame, (text, answer))
            self.assertAlmostEqual(math.cos(answer["lon"] - lon * degree), 1, 13)
            self.assertAlmostEqual(answer["lat"], lat * degree, 13)
        for text in ("", "J2000", "nowhere", "J2000 1 2", "J2000 1deg 2km", "FOO 1deg 2deg",
                     "J2000 1deg 2deg 3deg"):
            self.assertIn("Cannot interpret phase center",
                          self.ask({"op": "direction", "text": text}).get("error", ""), text)

    def test_places(self):
        antennas = SITES["VLA"] + [x + 2 for x in SITES["VLA"]] + [0, 0, 0]
        known = self.ask({"op": "site", "telescope": "ALMA", "antennas": antennas})
        judge = casacore.measures.measures()
        place = judge.measure(judge.observatory("ALMA"), "ITRF")
        radius = place["m2"]["value"]
        self.assertFalse(known["from_antennas"])
        self.assertAlmostEqual(math.hypot(*known["position"]), radius, 3)
        other = self.ask({"op": "site", "telescope": "MY DISHES", "antennas": antennas})
        self.assertTrue(other["from_antennas"])
        np.testing.assert_allclose(other["position"], np.array(SITES["VLA"]) + 1, rtol=1e-14)
        for where in ([], [0, 0, 0], [1, 2, 3]):
            self.assertIn("MY DISHES", self.ask({"op": "site", "telescope": "MY DISHES",
                                            "antennas": where})["error"])


class Data(FrameCase):
    """What is said about tables that are not there or too old."""

    def words(self, first, last, start="TOPO", end="LSRK", **environment):
        return self.ask({"op": "measures", "from": start, "to": end, "first": 86400 * mjd(first),
                    "last": 86400 * mjd(last)}, **environment)

    def earth(self, name, first, days):
        """A table of Earth orientation as casacore reads it."""
        path = os.path.join(self.folder, "geodetic", name)
        columns = "MJD x y dUT1 LOD dPsi dEps Dx Dy DdUT1 DLOD DdPsi DdEps".split()
        t = ct.table(path, ct.maketabdesc([ct.makescacoldesc(c, 0.0) for c in columns]),
                     nrow=days, ack=False)
        t.putcol("MJD", np.arange(first, first + days, dtype=float))
        t.putkeywords({"MJD0": first - 1.0, "VS_DATE": "2020/01/01/00:00", "VS_VERSION": "1",
                       "VS_CREATE": "2020/01/01/00:00", "VS_TYPE": "test"})
        t.putinfo({"type": "IERS", "subType": "", "readme": ""})
        t.close()

    def test_frames_without_an_epoch_need_no_data(self):
        self.assertEqual(self.words("2011-01-01", "2060-01-01", "BARY", "LSRK")["words"], [])

    def test_old_leap_seconds_are_said_with_their_effect(self):
        words = " ".join(self.words("2011-01-01", "2060-01-01")["words"])
        self.assertIn("leap seconds (TAI_UTC) is of ", words)
        self.assertIn("the data go to 2060-01-01", words)
        self.assertIn("1e-10 (0.03 m/s)", words)

    def test_missing_and_short_earth_orientation_is_said(self):
        os.makedirs(os.path.join(self.folder, "geodetic"))
        here = {"MULTIMS_MEASURES": self.folder}
        answer = self.words("2011-01-01", "2011-01-02", **here)
        if answer["days"][1] is None:
            self.assertIn("no tables of Earth orientation", answer["words"][0])
        self.earth("IERSeop97", int(mjd("2010-01-01")), 400)
        covered = self.words("2010-03-01", "2011-01-02", **here)
        self.assertEqual(covered["words"], [])
        self.assertEqual(covered["days"][1:3], [mjd("2010-01-01"), mjd("2010-01-01") + 399])
        late = self.words("2010-03-01", "2011-08-02", **here)["words"]
        self.assertIn("IERSeop97 2010-01-01 to 2011-02-04", late[0])
        self.assertIn("the data are of 2010-03-01 to 2011-08-02", late[0])

    def test_a_folder_without_data_is_refused(self):
        answer = self.words("2011-01-01", "2011-01-02", MULTIMS_MEASURES=self.folder)
        self.assertIn(f"MULTIMS_MEASURES: {self.folder}: there is no folder geodetic",
                      answer["error"])
        self.assertEqual(answer["status"], "ARG")


class Fields(FrameCase):
    DAY = 55438.0

    def setUp(self):
        super().setUp()
        path = self.path("x.ms")
        ct.default_ms(path).close()
        self.fields = os.path.join(path, "FIELD")
        with ct.table(self.fields, readonly=False, ack=False) as t:
            t.addcols(ct.maketabdesc(ct.makescacoldesc("EPHEMERIS_ID", 0)))
            t.addrows(3)
            t.putcol("TIME", np.full(3, 86400 * self.DAY))
            t.putcol("EPHEMERIS_ID", np.array([-1, 0, -1], "i4"))
            t.putcol("NUM_POLY", np.array([0, 0, 1], "i4"))
            for row in range(3):
                poly = [[1.0, 0.5], [1e-9, 0]] if row == 2 else [[0.0, 0.0]] if row else [[1.0, 0.5]]
                for column in ("DELAY_DIR", "PHASE_DIR", "REFERENCE_DIR"):
                    t.putcell(column, row, np.array(poly))
        self.ephemeris()

    def ephemeris(self):
        columns = {"MJD": "d", "RA": "deg", "DEC": "deg", "Rho": "AU", "RadVel": "AU/d"}
        t = ct.table(os.path.join(self.fields, "EPHEM0_Thing_55438.tab"),
                     ct.maketabdesc([ct.makescacoldesc(c, 0.0) for c in columns]), nrow=5,
                     ack=False)
        values = {"MJD": self.DAY + np.arange(5), "RA": 184.4 + 0.1 * np.arange(5),
                  "DEC": 0.4 + 0.01 * np.arange(5), "Rho": np.full(5, 10.0),
                  "RadVel": 0.01 + 0.001 * np.arange(5)}
        for name, unit in columns.items():
            t.putcol(name, values[name])
            t.putcolkeyword(name, "QuantumUnits", [unit])
        t.putkeywords({"NAME": "Thing", "MJD0": self.DAY - 1, "dMJD": 1.0, "GeoDist": 0.0,
                       "GeoLat": 0.0, "GeoLong": 0.0, "obsloc": "GEOCENTRIC", "posrefsys": "ICRS",
                       "VS_CREATE": "2010/08/30/11:22", "VS_DATE": "2010/10/15/19:09",
                       "VS_TYPE": "Table of comet/planetary positions", "VS_VERSION": "0003.0001"})
        t.putinfo({"type": "IERS", "subType": "Comet", "readme": ""})
        t.close()

    def field(self, row, day):
        return self.ask({"op": "field", "table": self.fields, "field": row, "time": 86400 * day})

    def test_a_fixed_field(self):
        answer = self.field(0, self.DAY + 1.5)
        self.assertEqual((answer["frame"], answer["moves"]), ("J2000", False))
        self.assertAlmostEqual(answer["lon"], 1.0, 14)
        self.assertAlmostEqual(answer["lat"], 0.5, 14)
        self.assertIn("Cannot perform radial velocity correction with ephemerides attached to first "
                      "selected field 0 of type LSRK. Type needs to be GEO.", answer["velocity"])

    def test_a_field_along_a_polynomial(self):
        answer = self.field(2, self.DAY + 1)
        self.assertTrue(answer["moves"])
        self.assertAlmostEqual(answer["lon"], 1.0 + 86400e-9, 12)

    def test_a_field_with_an_ephemeris(self):
        answer = self.field(1, self.DAY + 1.5)
        self.assertEqual((answer["frame"], answer["moves"]), ("ICRS", True))
        self.assertAlmostEqual(math.degrees(answer["lon"]) % 360, 184.55, 6)
        self.assertAlmostEqual(math.degrees(answer["lat"]), 0.415, 6)
        # the ephemeris is in TT, the time in UTC: a minute of its slope
        self.assertAlmostEqual(answer["velocity"], 0.0115 * 149597870700 / 86400, delta=3)

    def test_times_and_fields_that_are_not_there(self):
        self.assertIn("No valid ephemeris entry", self.field(1, self.DAY + 50)["error"])
        answer = self.field(7, self.DAY)
        self.assertIn("no field 7: there are 3", answer["error"])
        self.assertEqual(answer["status"], "RANGE")
        self.assertIn("error", self.ask({"op": "field", "table": self.fields + "X", "field": 0,
                                    "time": 0}))


if __name__ == "__main__":
    program_case.main()
