# SPDX-License-Identifier: LGPL-2.1-or-later
"""What exportuvh5 refuses: in words, with the exit status of design D16, and nothing is written."""
import math
import os
import shutil
import sys

from casacore.tables import table

import program_case
from program_case import ProgramCase

program_case.parser.add_argument("--data")

try:
    import h5py
except ImportError:
    print("skipped: no python3-h5py")
    sys.exit(77)


class Refusals(ProgramCase):
    def refuse(self, text, *words, status=2):
        self.simulate()
        return self.refuse_set(text, *words, status=status)

    def refuse_set(self, text, *words, status=2):
        run = self.multims("exportuvh5", "in.ms", "out.uvh5", *words, status=status)
        self.assertIn(text, run.stderr)
        self.assertEqual(os.listdir(self.folder), ["in.ms"])

    def change(self, sub, column, value, row=0):
        with table(self.path("in.ms" + sub), readonly=False, ack=False) as t:
            t.putcell(column, row, value)

    def test_e1_no_input(self):
        run = self.multims("exportuvh5", "no.ms", "out.uvh5", status=2)
        self.assertIn("Visibility data set not found - please verify the name. (no.ms)", run.stderr)

    def test_e2_output_exists(self):
        self.simulate()
        with open(self.path("out.uvh5"), "w") as f:
            f.write("mine")
        run = self.multims("exportuvh5", "in.ms", "out.uvh5", "datacolumn=data", status=2)
        self.assertIn("Output file out.uvh5 already exists - will not overwrite it.", run.stderr)
        with open(self.path("out.uvh5")) as f:
            self.assertEqual(f.read(), "mine")
        self.multims("exportuvh5", "in.ms", "out.uvh5", "datacolumn=data", "overwrite=true")
        with h5py.File(self.path("out.uvh5"), "r") as f:
            self.assertIn("Header", f)

    def test_names_of_what_is_staged(self):
        """What is made beside an output while it is staged has other names than any output."""
        self.simulate()
        average = ("timeaverage=True", "timebin=30s")
        for name in "uvh5.rows", "uvh5.json", "uvh5.averaged.ms", "tables", "0.rows":
            self.multims("exportuvh5", "in.ms", name, "datacolumn=data", "--quiet", *average)
            with h5py.File(self.path(name), "r") as f:
                self.assertIn("Header", f)
            os.remove(self.path(name))
        self.multims("exportuvh5", "in.ms", "in.uvh5", "datacolumn=data", "--quiet")
        for name in "like", "0.cells":
            self.multims("importuvh5", "in.uvh5", name, "--quiet", "createmms=True")
            self.assertTrue(os.path.isdir(self.path(name + "/SUBMSS")))
        for name in "tables", "0.rows":
            self.multims("partition", "in.ms", name, "separationaxis=scan", "--quiet")
            self.assertTrue(os.path.isdir(self.path(name + "/SUBMSS")))
        run = self.multims("exportuvh5", "in.ms", "owner.json", "datacolumn=data", status=2)
        self.assertIn("can't be called owner.json", run.stderr)
        self.assertFalse(os.path.exists(self.path("owner.json")))

    def test_e3_empty_selection(self):
        self.refuse('scan="99"', "datacolumn=data", "scan=99", status=3)

    def test_e4_column(self):
        self.refuse("MODEL", "datacolumn=model")

    def test_e5_arrays(self):
        self.simulate()
        self.change("", "ARRAY_ID", 1)
        self.refuse_set("one array: select one with array=", "datacolumn=data")

    def test_e6_telescopes(self):
        self.simulate()
        with table(self.path("in.ms/OBSERVATION"), readonly=False, ack=False) as t:
            t.addrows(1)
            t.putcell("TELESCOPE_NAME", 1, "OTHER")
        self.change("", "OBSERVATION_ID", 1, row=5)
        self.refuse_set("are of different telescopes; select with observation=", "datacolumn=data")

    def test_e7_a_polarization_twice(self):
        self.simulate()
        with table(self.path("in.ms/DATA_DESCRIPTION"), readonly=False, ack=False) as t:
            t.copyrows(t, startrowin=1, nrow=1)
        with table(self.path("in.ms"), readonly=False, ack=False) as t:
            ids = t.getcol("DATA_DESC_ID")
            ids[[i for i in range(len(ids)) if ids[i] == 1][::2]] = 2
            t.putcol("DATA_DESC_ID", ids)
        text = "data descriptions 1 and 2 both hold polarization XX of spectral window 1; " \
               "select one with correlation= or taql="
        for words in (), ("timeaverage=True", "timebin=30s"):
            self.refuse_set(text, "datacolumn=data", *words)
        self.multims("exportuvh5", "in.ms", "out.uvh5", "datacolumn=data", "taql=DATA_DESC_ID<2",
                     "--quiet")

    def test_e8_correlation(self):
        self.simulate()
        with table(self.path("in.ms/POLARIZATION"), readonly=False, ack=False) as t:
            types = t.getcell("CORR_TYPE", 0)
            types[0] = 15
            t.putcell("CORR_TYPE", 0, types)
        self.refuse_set("correlation type 15 has no UVH5 code", "datacolumn=data")

    def test_e9_frame(self):
        self.simulate()
        with table(self.path("in.ms/FIELD"), readonly=False, ack=False) as t:
            info = t.getcolkeyword("PHASE_DIR", "MEASINFO")
            info["Ref"] = "GALACTIC"
            t.putcolkeyword("PHASE_DIR", "MEASINFO", info)
        self.refuse_set("direction frame GALACTIC", "datacolumn=data")

    def test_times_that_are_none(self):
        for time, text in ((float("nan"), "row 3: TIME is not finite"),
                           (1e300, "no calendar has the Julian date")):
            self.simulate()
            self.change("", "TIME", time, row=3)
            self.refuse_set(text, "datacolumn=data")
            shutil.rmtree(self.path("in.ms"))

    def test_numbers_of_a_header_that_are_none(self):
        """A diameter that is not known stays so; without the others there is no set."""
        self.simulate()
        self.multims("exportuvh5", "in.ms", "in.uvh5", "datacolumn=data", "--no-sync", "--quiet")
        for name in ("freq_array", "channel_width", "antenna_positions", "altitude",
                     "phase_center_catalog/0/cat_lon", "antenna_diameters"):
            with self.subTest(name):
                shutil.copy(self.path("in.uvh5"), self.path("bad.uvh5"))
                with h5py.File(self.path("bad.uvh5"), "r+") as f:
                    item = f["Header/" + name]
                    item[(0,) * item.ndim] = float("nan")
                words = "importuvh5", "bad.uvh5", "out.ms", "--no-sync", "--quiet"
                if name == "antenna_diameters":
                    self.multims(*words)
                    with table(self.path("out.ms/ANTENNA"), ack=False) as t:
                        self.assertTrue(math.isnan(t.getcell("DISH_DIAMETER", 0)))
                    continue
                run = self.multims(*words, status=2)
                self.assertIn(f"value 0 of Header/{name} is nan", run.stderr)
                self.assertFalse(os.path.exists(self.path("out.ms")))
                self.multims("verify", "bad.uvh5", status=1)

    def test_no_place_on_earth(self):
        self.simulate()
        with table(self.path("in.ms/ANTENNA"), readonly=False, ack=False) as t:
            t.putcol("POSITION", t.getcol("POSITION") * 0)
        self.refuse_set("neither its name nor an antenna gives a place on Earth",
                        "datacolumn=data")

    def test_a_folder_is_not_overwritten(self):
        self.simulate()
        os.mkdir(self.path("out.uvh5"))
        run = self.multims("exportuvh5", "in.ms", "out.uvh5", "datacolumn=data", "overwrite=true",
                           status=2)
        self.assertIn("out.uvh5 is a folder: it is not overwritten", run.stderr)

    def test_e12_time_scale(self):
        self.simulate()
        with table(self.path("in.ms"), readonly=False, ack=False) as t:
            info = t.getcolkeyword("TIME", "MEASINFO")
            info["Ref"] = "TDB"
            t.putcolkeyword("TIME", "MEASINFO", info)
        self.refuse_set("TIME is in TDB; only UTC, TAI and TT are converted", "datacolumn=data")

    def test_e13_positions(self):
        self.simulate()
        with table(self.path("in.ms/ANTENNA"), readonly=False, ack=False) as t:
            info = t.getcolkeyword("POSITION", "MEASINFO")
            info["Ref"] = "MCMF"
            t.putcolkeyword("POSITION", "MEASINFO", info)
        self.refuse_set("antenna positions are in MCMF", "datacolumn=data")

    def test_inside_the_input(self):
        self.simulate()
        run = self.multims("exportuvh5", "in.ms", "in.ms/out.uvh5", "datacolumn=data", status=2)
        self.assertIn("parameter uvh5file: in.ms/out.uvh5 lies inside the input", run.stderr)

    def test_ids_that_are_not_there(self):
        for column, text in (("ANTENNA1", "no antenna 99"), ("FIELD_ID", "no field 99")):
            self.simulate()
            self.change("", column, 99)
            run = self.multims("exportuvh5", "in.ms", "out.uvh5", "datacolumn=data", status=2)
            self.assertIn(text, run.stderr)
            self.run_words("rm", "-r", self.path("in.ms"))


program_case.main(hdf5=True)
