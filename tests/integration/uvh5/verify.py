# SPDX-License-Identifier: LGPL-2.1-or-later
"""verify of UVH5 files against the MS that they were made from or became, and diff of two."""
import json
import os
import shutil
import sys

from casacore.tables import table

import program_case
from program_case import ProgramCase

for name in ("data", "samples"):
    program_case.parser.add_argument("--" + name)

try:
    import h5py
except ImportError:
    print("skipped: no python3-h5py")
    sys.exit(77)

SETS = ["mssel_test_small.ms", "tNDPPP-generic.MS", "D2s.ms", "D7x.ms", "D9b.ms", "scan.mms"]


class Verify(ProgramCase):
    def data(self, name):
        return os.path.join(program_case.args.data, name)

    def export(self, vis, *words, out="out.uvh5"):
        self.multims("exportuvh5", vis, out, "datacolumn=data", "--no-sync", "--quiet", *words)
        return out

    def failed(self, *words):
        checks = self.answer("verify", *words, status=1)["checks"]
        return [c["check"] for c in checks if not c["passed"]]

    def change(self, name, function, file="out.uvh5"):
        with h5py.File(self.path(file), "r+") as f:
            function(f[name])

    def test_exports_are_what_their_sets_hold(self):
        for name in SETS:
            with self.subTest(name):
                self.export(self.data(name), out=name + ".uvh5")
                found = self.answer("verify", name + ".uvh5", f"--against={self.data(name)}")
                self.assertGreater(found["passed"], 15)
                self.assertEqual(found["failed"], 0)

    def test_a_selection_and_an_order(self):
        vis = self.data("mssel_test_small.ms")
        self.export(vis, "spw=1:5~20", "correlation=XX,YY", "polorder=casa")
        self.multims("verify", "out.uvh5", f"--against={vis}", "spw=1:5~20", "correlation=XX,YY")
        self.assertIn("frequencies", self.failed("out.uvh5", f"--against={vis}", "spw=1"))
        self.export(vis, "scan=1", out="scan.uvh5")
        self.assertEqual(self.failed("scan.uvh5", f"--against={vis}", "spw=*")[:2],
                         ["phase centres", "rows"])

    def test_the_selection_of_the_export_is_in_the_history(self):
        vis = self.data("mssel_test_small.ms")
        for words in (["spw=1:5~20", "correlation=XX,YY", "polorder=casa"], ["scan=1"],
                      ["taql=ANTENNA1 IN [0,3] AND NOT FLAG_ROW"], ["flipconj=false"]):
            with self.subTest(words):
                self.export(vis, *words, out="out.uvh5")
                run = self.multims("verify", "out.uvh5", f"--against={vis}", "--workers=2")
                self.assertIn("export in the file's history", run.stderr)
                os.remove(self.path("out.uvh5"))
        self.simulate()
        for words in ("taql=SCAN_NUMBER == 2\nAND ANTENNA1 == 0",
                      'taql="a" == "a"\nAND "b" == "b"\n AND SCAN_NUMBER == 2', "taql='a' == 'a' AND ANTENNA1 == 1"):
            with self.subTest(words):
                self.export("in.ms", words, "datacolumn=data")
                self.multims("verify", "out.uvh5", "--against=in.ms")
                os.remove(self.path("out.uvh5"))
        self.export("in.ms", "scan=2", "datacolumn=data")
        shutil.copytree(self.path("in.ms"), self.path("moved.ms"))
        self.multims("verify", "out.uvh5", "--against=moved.ms")
        # what was imported is all of the file, with ids of its own
        self.multims("importuvh5", "out.uvh5", "back.ms", "--no-sync", "--quiet")
        run = self.multims("verify", "out.uvh5", "--against=back.ms")
        self.assertNotIn("export in the file's history", run.stderr)

    def test_the_column_of_a_set_that_was_imported(self):
        self.simulate("in.ms", "corrected=True")
        self.multims("exportuvh5", "in.ms", "out.uvh5", "datacolumn=corrected", "--quiet")
        self.multims("importuvh5", "out.uvh5", "back.ms", "--no-sync", "--quiet")
        self.multims("verify", "out.uvh5", "--against=back.ms")
        self.multims("verify", "out.uvh5", "--against=in.ms")

    def test_a_part_and_an_average(self):
        vis = self.data("scan.mms")
        self.export(vis, "perpart=true", out="p.uvh5")
        for name in sorted(n for n in os.listdir(self.path(".")) if n.startswith("p.0")):
            self.multims("verify", name, f"--against={vis}")
        self.export(vis, "timeaverage=true", "timebin=60s", out="mean.uvh5")
        run = self.multims("verify", "mean.uvh5", f"--against={vis}", status=2)
        self.assertIn("averages (timebin=60.0)", run.stderr)

    def test_a_polarization_a_window(self):
        file = os.path.join(program_case.args.samples, "odd_flexpol.uvh5")
        self.multims("importuvh5", file, "flex.ms", "--no-sync", "--quiet")
        shutil.copy(file, self.path("flex.uvh5"))
        os.chmod(self.path("flex.uvh5"), 0o644)

        def passed():
            run = self.run_words(program_case.args.program, "verify", "flex.uvh5",
                                 "--against=flex.ms", "--json")
            return [c["check"] for c in json.loads(run.stdout)["checks"] if c["passed"]]
        checks = ["visdata", "flags", "nsamples", "rows", "polarizations", "frequencies"]
        self.assertEqual([c for c in checks if c not in passed()], [])
        self.multims("diff", "flex.uvh5", file)
        for name, value, check in (("visdata", 7, "visdata"), ("flags", True, "flags"),
                                   ("nsamples", 9, "nsamples")):
            with self.subTest(name):
                shutil.copy(file, self.path("flex.uvh5"))
                self.change("Data/" + name, lambda v: v.__setitem__((4, 9, 0), value), "flex.uvh5")
                self.assertNotIn(check, passed())
                self.assertIn("FAIL " + check,
                              self.multims("diff", file, "flex.uvh5", status=1).stdout)

    def test_t74_one_change(self):
        def add(value, *at):
            def function(item):
                item[at] = item[at] + value
            return function

        def turn(item):
            item[4, 1, 0] = not item[4, 1, 0]

        self.simulate()
        self.export("in.ms")
        self.multims("verify", "out.uvh5", "--against=in.ms")
        for name, function, check in (
                ("Data/visdata", add(1, 5, 3, 1), "visdata"),
                ("Data/nsamples", add(1, 5, 3, 1), "nsamples"),
                ("Data/flags", turn, "flags"),
                ("Header/time_array", add(1e-6, 7), "times"),
                ("Header/antenna_positions", add(0.01, 1, 2), "antennas"),
                ("Header/integration_time", add(0.5, 3), "integration_time"),
                ("Header/channel_width", add(1, 2), "frequencies"),
                ("Header/uvw_array", add(0.5, 3, 1), "uvw")):
            with self.subTest(name):
                shutil.copy(self.path("out.uvh5"), self.path("changed.uvh5"))
                self.change(name, function, "changed.uvh5")
                self.assertIn(check, self.failed("changed.uvh5", "--against=in.ms"))
                run = self.multims("diff", "out.uvh5", "changed.uvh5", status=1)
                self.assertIn("FAIL " + check, run.stdout)
        self.multims("diff", "out.uvh5", "out.uvh5")

    def test_one_of_many_values_by_two_workers(self):
        self.simulate("in.ms", "antennas=10", "integrations=20", "channels=64")
        self.export("in.ms")
        self.change("Data/visdata", lambda v: v.__setitem__((v.shape[0] - 1, 60, 0), 7))
        for workers in 1, 2, 3:
            found = self.answer("verify", "out.uvh5", "--against=in.ms", f"--workers={workers}",
                                status=1)
            bad = [c for c in found["checks"] if not c["passed"]]
            self.assertEqual([(c["check"], c["count"]) for c in bad], [("visdata", 1)])
            self.assertIn("channel 60", bad[0]["findings"][0]["text"])

    def test_rows_both_ways(self):
        self.simulate()
        self.export("in.ms")
        with table(self.path("in.ms"), readonly=False, ack=False) as t:
            t.putcell("ANTENNA2", 0, 3)  # was 1
        checks = self.answer("verify", "out.uvh5", "--against=in.ms", status=1)["checks"]
        rows = [c for c in checks if c["check"] == "rows"][0]
        texts = " ".join(f["text"] for f in rows["findings"])
        self.assertIn("of in.ms (antennas 0, 3", texts)
        self.export("in.ms", out="other.uvh5")
        self.assertIn("rows", self.failed("other.uvh5", "--against=" + self.data("D2s.ms")))
        self.multims("diff", "out.uvh5", "other.uvh5", status=1)

    def test_the_product_of_an_import(self):
        for name in ("ata_v12", "odd_int16", "odd_windows", "odd_gzip", "hera_v01_bda_phased"):
            with self.subTest(name):
                file = os.path.join(program_case.args.samples, name + ".uvh5")
                self.multims("importuvh5", file, name + ".ms", "--no-sync", "--quiet")
                run = self.run_words(program_case.args.program, "verify", file,
                                     f"--against={name}.ms", "--json")
                passed = [c["check"] for c in json.loads(run.stdout)["checks"] if c["passed"]]
                for check in "visdata", "flags", "nsamples", "rows", "times", "uvw", "antennas":
                    self.assertIn(check, passed, run.stdout)

    def test_alone(self):
        self.simulate()
        self.export("in.ms")
        self.multims("verify", "out.uvh5")
        for name, function, check in (
                ("Header/Nbls", lambda v: v.__setitem__((), 99), "counts"),
                ("Header/ant_1_array", lambda v: v.__setitem__(3, 77), "header"),
                ("Header/uvw_array", lambda v: v.__setitem__(3, 0), "uvw"),
                ("Header/vis_units", lambda v: v.__setitem__((), b"mJy"), "layout"),
                ("Header/integration_time", lambda v: v.__setitem__(2, float("nan")),
                 "integration times")):
            with self.subTest(name):
                shutil.copy(self.path("out.uvh5"), self.path("bad.uvh5"))
                self.change(name, function, "bad.uvh5")
                self.assertIn(check, " ".join(self.failed("bad.uvh5")))
        with open(self.path("cut.uvh5"), "wb") as f:
            with open(self.path("out.uvh5"), "rb") as whole:
                f.write(whole.read(3000))
        self.assertIn("truncated", self.multims("verify", "cut.uvh5", status=2).stderr)

    def test_what_can_not_be_compared(self):
        self.simulate()
        self.export("in.ms")
        for words, text in ((("diff", "in.ms", "out.uvh5"), "the other is not"),
                            (("diff", "out.uvh5", "out.uvh5", "columns=DATA"), "parameter columns"),
                            (("verify", "out.uvh5", "--against=no.ms"), "please verify the name"),
                            (("verify", "in.ms", "--against=in.ms", "flipconj=true"),
                             "in.ms is no UVH5 file")):
            self.assertIn(text, self.multims(*words, status=2).stderr)


program_case.main(hdf5=True)
