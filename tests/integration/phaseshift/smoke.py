# SPDX-License-Identifier: LGPL-2.1-or-later
"""phaseshift: UVW and phases for another direction, there and back, the same on a Multi-MS."""
import json
import os

import numpy
from casacore.measures import measures
from casacore.quanta import quantity
from casacore.tables import table

import program_case
from program_case import ProgramCase

CENTRE = "J2000 3h50m00s 28d30m00s"
C_M_S = 299792458.0


def basis(lon, lat):
    return numpy.array([[-numpy.sin(lon), numpy.cos(lon), 0],
                        [-numpy.sin(lat) * numpy.cos(lon), -numpy.sin(lat) * numpy.sin(lon), numpy.cos(lat)],
                        [numpy.cos(lat) * numpy.cos(lon), numpy.cos(lat) * numpy.sin(lon), numpy.sin(lat)]])


class Smoke(ProgramCase):
    def setUp(self):
        super().setUp()
        self.multims("simulate", "in.ms", "antennas=4", "spws=2", "channels=8", "integrations=2",
                     "fields=2", "scans=4", "--no-sync", "--quiet")

    def read(self, name, *columns):
        with table(self.path(name), ack=False) as t:
            return [t.getcol(column) for column in columns]

    def directions(self, name):
        return self.read(name + "/FIELD", "PHASE_DIR")[0][:, 0]

    def wanted(self, centres):
        """UVW and DATA of in.ms with other centres, {field: (lon, lat)}."""
        uvw, data, ddid, field = self.read("in.ms", "UVW", "DATA", "DATA_DESC_ID", "FIELD_ID")
        freq, = self.read("in.ms/SPECTRAL_WINDOW", "CHAN_FREQ")
        old = self.directions("in.ms")
        for r in range(len(uvw)):
            if field[r] not in centres:
                continue
            w = uvw[r, 2]
            uvw[r] = basis(*centres[field[r]]) @ basis(*old[field[r]]).T @ uvw[r]
            turn = numpy.exp(-2j * numpy.pi * freq[ddid[r]] * (uvw[r, 2] - w) / C_M_S)
            data[r] = data[r] * turn[:, None]
        return uvw, data

    def check(self, name, centres):
        for got, want in zip(self.read(name, "UVW", "DATA"), self.wanted(centres)):
            numpy.testing.assert_allclose(got, want, atol=1e-5)
        for column in "FLAG", "SIGMA", "TIME":
            numpy.testing.assert_array_equal(*self.read(name, column), *self.read("in.ms", column))
        want = self.directions("in.ms")
        for field, centre in centres.items():
            want[field] = centre
        numpy.testing.assert_allclose(self.directions(name), want, atol=1e-14)

    def centre(self, text=CENTRE):
        frame, lon, lat = text.split()
        return tuple(quantity(angle).get_value("rad") for angle in (lon, lat))

    def test_all_fields(self):
        self.multims("phaseshift", "in.ms", "out.ms", "datacolumn=data", "phasecenter=" + CENTRE)
        self.check("out.ms", {0: self.centre(), 1: self.centre()})
        self.multims("verify", "out.ms")

    def test_fields_of_a_dictionary(self):
        self.multims("phaseshift", "in.ms", "out.ms", "datacolumn=data",
                     "phasecenter=" + json.dumps({"1": CENTRE}))
        self.check("out.ms", {1: self.centre()})

    def test_another_frame_is_converted(self):
        self.multims("phaseshift", "in.ms", "out.ms", "datacolumn=data", "phasecenter=GALACTIC 165deg -20deg")
        dm = measures()
        j2000 = dm.measure(dm.direction("GALACTIC", "165deg", "-20deg"), "J2000")
        centre = tuple(j2000[m]["value"] for m in ("m0", "m1"))
        numpy.testing.assert_allclose(numpy.exp(1j * self.directions("out.ms")),
                                      numpy.exp(1j * numpy.array([centre, centre])), atol=1e-9)

    def test_b1950_is_that_of_casa_unless_exact(self):
        """PHASE_DIR alone: CASA's own, recorded, is that of MJD 0; data are those of 2000.0."""
        for numerics, want in {"casa": (-1.9165577015904205, 0.5236777265968594),
                               "exact": (-1.9165544534494297, 0.5236786968850827)}.items():
            self.multims("phaseshift", "in.ms", f"{numerics}.ms", "datacolumn=data", f"numerics={numerics}",
                         "phasecenter=B1950 249.7deg 30.1deg")
            found = numpy.exp(1j * self.directions(f"{numerics}.ms"))
            numpy.testing.assert_allclose(found, numpy.exp(1j * numpy.array([want, want])), rtol=0, atol=1e-10)
        self.multims("phaseshift", "in.ms", "j2000.ms", "datacolumn=data",
                     "phasecenter=J2000 -1.9165544534494297rad 0.5236786968850827rad")
        for name in "casa.ms", "exact.ms":
            numpy.testing.assert_allclose(*self.read(name, "DATA"), *self.read("j2000.ms", "DATA"), rtol=1e-5)

    def test_there_and_back(self):
        lon, lat = self.directions("in.ms")[0]
        self.multims("phaseshift", "in.ms", "there.ms", "datacolumn=data", "field=0", "phasecenter=" + CENTRE)
        self.multims("phaseshift", "there.ms", "back.ms", "datacolumn=data",
                     f"phasecenter=J2000 {lon!r}rad {lat!r}rad")
        self.multims("split", "in.ms", "want.ms", "datacolumn=data", "field=0")
        for column, most in {"DATA": 1e-5, "UVW": 1e-8}.items():
            numpy.testing.assert_allclose(*self.read("back.ms", column), *self.read("want.ms", column), atol=most)

    def test_a_multi_ms_is_shifted_part_by_part(self):
        self.multims("partition", "in.ms", "in.mms", "numsubms=4")
        words = "datacolumn=data", "phasecenter=" + CENTRE
        self.multims("phaseshift", "in.ms", "one.ms", *words)
        for workers in "1", "3":
            self.multims("phaseshift", "in.mms", f"{workers}.mms", *words, "-j", workers)
            self.multims("diff", "one.ms", f"{workers}.mms", "--ignore-order")
        self.multims("phaseshift", "in.mms", "whole.ms", *words, "keepmms=False")
        self.multims("diff", "one.ms", "whole.ms", "--ignore-order")
        self.multims("phaseshift", "in.ms", "casacore.ms", *words, "tiles=False")
        self.multims("diff", "one.ms", "casacore.ms")

    def test_refusals(self):
        for word, text in {"": "phasecenter parameter must be specified",
                           "{}": "phasecenter parameter must be specified",
                           "J2000 abc": "J2000 abc", "XYZ 1deg 2deg": "XYZ", "J2000 1deg 91deg": "91",
                           "AZEL 1deg 2deg": "AZEL", "JUPITER": "JUPITER",
                           '{"9": "J2000 1deg 2deg"}': "Wrong field ID given: 9",
                           '{"a": "J2000 1deg 2deg"}': '"a" is no field id'}.items():
            run = self.multims("phaseshift", "in.ms", "out.ms", "datacolumn=data", "phasecenter=" + word,
                               status=2)
            self.assertIn(text, run.stderr, word)
        self.assertEqual(os.listdir(self.folder), ["in.ms"])


program_case.main()
