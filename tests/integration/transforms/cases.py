#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Cases of parallel-tasks 6.1 to 6.3, by number, on small simulated sets."""
import os

import numpy as np
from casacore.tables import table

import program_case
from program_case import ProgramCase

program_case.parser.add_argument("--data", required=True)
W1 = ("WARN mstransform: Cannot process MMS in parallel when timespan='scan' because the subMSs do "
      "not contain all the selected scans")
W4 = "Will process the input MMS as a monolithic MS"
W5 = "Will create an output MMS with separation axis 'spw'"


class Case(ProgramCase):
    def shape_a(self, *words):
        """Shape A with 4 spws of 8 channels; 90 stamps of 1 s, a gap of 5 s, 90 stamps."""
        self.multims("simulate", "a.ms", "antennas=4", "spws=4", "channels=8", "firstscan=30",
                     "integrations=90", "interval=1s", "noise=1", "--no-sync", "--quiet", *words)
        return "a.ms"

    def shape_g(self):
        """Shape G with 3 spws of 128 channels."""
        self.multims("simulate", "g.ms", "antennas=3", "spws=3", "channels=128", "integrations=2",
                     "noise=1", "--no-sync", "--quiet")
        return "g.ms"

    def partition(self, source, axis, *words):
        name = f"{axis}.mms"
        self.multims("partition", source, name, f"separationaxis={axis}", "flagbackup=False",
                     "--no-sync", "--quiet", *words)
        return name

    def go(self, words, source, name):
        verb, *words = words.split()
        run = self.multims(verb, source, name, "datacolumn=data", *words, "--no-sync")
        return " ".join(run.stderr.split())

    def get(self, path, column, query=""):
        with table(self.path(path), ack=False) as t:
            return (t.query(query) if query else t).getcol(column)

    def cells(self, path, column):
        with table(self.path(path), ack=False) as t:
            return [t.getcell(column, i) for i in range(t.nrows())]

    def rows(self, path):
        with table(self.path(path), ack=False) as t:
            return t.nrows()

    def parts(self, path):
        folder = self.path(f"{path}/SUBMSS")
        return sorted(os.listdir(folder)) if os.path.isdir(folder) else None

    def axis(self, path):
        with table(self.path(path), ack=False) as t:
            info = t.info()
        return next((line.split("=")[1].strip() for line in info["readme"].splitlines()
                     if line.startswith("AxisType")), "")

    def channels(self, path):
        return self.get(f"{path}/SPECTRAL_WINDOW", "NUM_CHAN").tolist()

    def equal(self, one, other, *how):
        self.multims("diff", one, other, "--ignore-order", "--quiet", *how)

    def refused(self, words, source, *texts):
        verb, *words = words.split()
        run = self.multims(verb, source, "no.mms", "datacolumn=data", *words, status=2)
        for text in texts:
            self.assertIn(text, run.stderr)
        self.assertEqual([n for n in os.listdir(self.folder) if n.startswith("no.")], [])


class CreateMms(Case):
    def test_21_a_field_of_many_scans(self):
        self.multims("simulate", "j.ms", "antennas=2", "spws=2", "channels=1", "scans=93",
                     "fields=13", "integrations=1", "--no-sync", "--quiet")
        self.go("mstransform createmms=True spw=0,1 field=12 separationaxis=scan numsubms=6",
                "j.ms", "out.mms")
        self.assertEqual(len(self.parts("out.mms")), 6)
        self.assertEqual(self.channels("out.mms"), [1, 1])
        self.assertEqual(self.rows("out.mms"), 7 * 2)

    def test_27_tileshape(self):
        self.shape_a()
        self.go("mstransform createmms=True tileshape=4,6,512", "a.ms", "out.mms")
        for part in self.parts("out.mms"):
            with table(self.path(f"out.mms/SUBMSS/{part}"), ack=False) as t:
                cubes = {name: manager["SPEC"]["HYPERCUBES"]["*1"]["TileShape"].tolist()
                         for manager in t.getdminfo().values() for name in manager["COLUMNS"]
                         if name in ("DATA", "FLAG")}
            self.assertEqual(cubes["DATA"], cubes["FLAG"])
            self.assertEqual(cubes["DATA"][:2], [4, 6])

    def test_28_associated_windows(self):
        source = os.path.join(program_case.args.data, "mssel_test_small.ms")
        self.go("mstransform createmms=True separationaxis=spw", source, "out.mms")
        want, got = ([self.defined(path, i) for i in range(3)]
                     for path in (source, self.path("out.mms")))
        self.assertEqual(got, want)

    def defined(self, path, spw):
        with table(path + "/SPECTRAL_WINDOW", ack=False) as t:
            names = ["ASSOC_SPW_ID", "ASSOC_NATURE"]
            return [t.iscelldefined(c, spw) and np.size(t.getcell(c, spw)) for c in names]

    def test_35_to_38_a_chanbin_for_each_spw(self):
        self.shape_g()
        for axis in "scan", "spw", "auto":
            for spw, bins, want in (("0,1,2", "[128,4,10]", [1, 32, 12]),
                                    ("2,1,0:1~10", "[32,128,5]", [4, 1, 2])):
                with self.subTest(axis=axis, spw=spw):
                    name = f"{axis}{len(spw)}.mms"
                    self.go(f"mstransform createmms=True separationaxis={axis} numsubms=6 "
                            f"spw={spw} chanaverage=True chanbin={bins}", "g.ms", name)
                    self.assertEqual(self.channels(name), want)
                    self.assertEqual(self.get(f"{name}/DATA_DESCRIPTION",
                                              "SPECTRAL_WINDOW_ID").tolist(), [0, 1, 2])
                    for part in self.parts(name):
                        self.multims("verify", f"{name}/SUBMSS/{part}", "--quiet")

    def test_39_a_window_to_one_channel(self):
        self.shape_g()
        self.go("mstransform createmms=True spw=2 chanaverage=True chanbin=128", "g.ms", "out.mms")
        self.assertEqual(self.channels("out.mms"), [1])


class FromMms(Case):
    def test_40_41_42_selections(self):
        self.shape_a()
        scan = self.partition("a.ms", "scan", "spw=0,1")
        self.go("mstransform", scan, "all.mms")
        self.equal(scan, "all.mms", "--parts", "--skip", "WEIGHT")
        self.go("mstransform scan=30", scan, "one.mms")
        self.assertEqual(self.parts("one.mms"), ["one.0000.ms"])
        self.assertEqual(set(self.get("one.mms", "DATA_DESC_ID")), {0, 1})
        self.assertEqual(self.axis("one.mms"), "scan")
        names = table(self.path("a.ms/POLARIZATION"), ack=False).getcell("CORR_TYPE", 0)
        first, last = {5: ("RR", "LL"), 9: ("XX", "YY")}[int(names[0])]
        self.go(f"mstransform correlation={first},{last} spw=0", scan, "two.mms")
        self.assertEqual(len(self.parts("two.mms")), 2)
        for column in "WEIGHT", "SIGMA":
            self.assertEqual(self.get("two.mms", column).shape[1], 2)

    def check_bins(self, path, bins=(95, 85), axis="spw"):
        for dd in set(self.get(path, "DATA_DESC_ID")):
            exposure = self.get(path, "EXPOSURE", f"DATA_DESC_ID == {dd}")
            self.assertEqual(sorted(set(np.round(exposure))), sorted(set(bins)))
            self.assertEqual(len(exposure), 6 * len(bins))
        self.assertEqual(self.axis(path), axis)
        first = self.get(path, "SCAN_NUMBER")
        self.assertTrue(set(first) <= {30, 31})

    def test_47_48_55_56_58_bins_over_scans(self):
        """W1, W4 and W5 on axis scan; nothing to say on axis spw."""
        self.shape_a()
        scan = self.partition("a.ms", "scan", "spw=1,3")
        spw = self.partition("a.ms", "spw", "spw=1,3")
        average = "mstransform timeaverage=True timebin="
        self.go(average + "100s timespan=scan spw=1,3", "a.ms", "plain.ms")
        for number, source, words, bins in (
                (47, scan, "100s timespan=scan", (95, 85)),
                (48, spw, "100s timespan=scan", (95, 85)),
                (55, scan, "2min timespan=scan", (115, 65)),
                (56, scan, "100s timespan=state,scan", (95, 85)),
                (58, scan, "100s timespan=scan scan=30,31", (95, 85))):
            with self.subTest(case=number):
                said = self.go(average + words, source, f"{number}.mms")
                self.check_bins(f"{number}.mms", bins)
                for text in W1, W4, W5:
                    self.assertEqual(text in said, source == scan, said)
                if bins == (95, 85):
                    self.equal("plain.ms", f"{number}.mms")

    def test_60_61_62_split_over_scans(self):
        self.shape_a()
        scan = self.partition("a.ms", "scan")
        self.refused("split combine=scan timebin=100s", scan,
                     "Cannot process MMS in parallel when combine='scan' because the subMSs do not "
                     "contain all the selected scans",
                     "Please set keepmms to False or use task mstransform in this case.",
                     "Unable to continue with MMS processing")
        self.go("split combine=scan timebin=100s", "a.ms", "plain.ms")
        self.go("split combine=scan timebin=100s keepmms=False", scan, "out.ms")
        self.assertIsNone(self.parts("out.ms"))
        self.equal("plain.ms", "out.ms")
        spw = self.partition("a.ms", "spw")
        self.go("split combine=scan scan=31 timebin=100s", spw, "62.mms")
        self.check_bins("62.mms", (90,))

    def test_63_parts_without_rows_vanish(self):
        self.shape_a()
        for axis in "spw", "auto":
            with self.subTest(axis=axis):
                source = self.partition("a.ms", axis, "numsubms=4")
                self.go("split spw=1 width=8", source, f"{axis}.out")
                self.assertEqual(self.channels(f"{axis}.out"), [1])
                names = self.parts(f"{axis}.out")
                self.assertEqual(names, [f"{axis}.{i:04d}.ms" for i in range(len(names))])
                self.assertEqual(self.rows(f"{axis}.out"), 6 * 180)

    def test_67_68_hanning(self):
        self.shape_a()
        source = self.partition("a.ms", "balanced")
        self.go("hanningsmooth", source, "out.mms")
        self.assertEqual(self.axis("out.mms"), "scan,spw")
        self.go("hanningsmooth keepmms=False", source, "out.ms")
        self.assertIsNone(self.parts("out.ms"))
        for name in "out.mms", "out.ms":
            self.assertTrue(self.get(name, "FLAG")[:, [0, -1]].all())

    def test_69_a_read_only_input(self):
        self.shape_a()
        source = self.partition("a.ms", "spw")
        self.run_words("chmod", "-R", "a-w", source)
        self.addCleanup(self.run_words, "chmod", "-R", "u+w", source)
        for words in "split width=2", "hanningsmooth", "mstransform hanning=True":
            self.go(words, source, f"{words.split()[0]}.mms")

    def test_71_no_rows(self):
        self.shape_a()
        source = self.partition("a.ms", "scan")
        run = self.multims("mstransform", source, "no.mms", "datacolumn=data", "scan=99", status=3)
        self.assertIn("The selected table has zero rows.", run.stderr)
        self.assertFalse(os.path.exists(self.path("no.mms")))


class OneMs(Case):
    def test_79_80_81_channels(self):
        self.shape_g()
        said = self.go("mstransform chanaverage=True spw=2 chanbin=20", "g.ms", "79.ms")
        self.assertEqual(self.channels("79.ms"), [6])
        self.assertIn("Not enough input channels to populate output channel n# 6 from SPW", said)
        self.go("mstransform chanaverage=True spw=2:10~20 chanbin=2", "g.ms", "80.ms")
        self.assertEqual(self.channels("80.ms"), [5])
        self.refused("mstransform chanaverage=True spw=1,2 chanbin=[10,20,4]", "g.ms",
                     "Number of chanbin is different from the number of spw")

    def test_87_states(self):
        """Only a selection by intent numbers the states anew."""
        self.shape_a("intents=CALIBRATE_BANDPASS#ON_SOURCE;OBSERVE_TARGET#ON_SOURCE")
        self.go("mstransform intent=OBSERVE_TARGET*", "a.ms", "intent.ms")
        self.go("mstransform scan=31", "a.ms", "scan.ms")
        self.assertEqual(self.rows("intent.ms"), self.rows("scan.ms"))
        self.assertEqual((self.rows("intent.ms/STATE"), set(self.get("intent.ms", "STATE_ID"))),
                         (1, {0}))
        self.assertEqual(self.rows("scan.ms/STATE"), 2)
        self.assertEqual(set(self.get("scan.ms", "STATE_ID")), {1})

    def test_88_alma_adds_state(self):
        """From 30 s on; the recorded set has sub-scans of 23 stamps of 1.92 s."""
        source = os.path.join(program_case.args.data, "mssel_test_small.ms")
        said = self.go("mstransform timeaverage=True timebin=40s", source, "40.ms")
        self.assertIn("Operating with ALMA data, automatically adding state to timespan", said)
        said = self.go("mstransform timeaverage=True timebin=20s", source, "20.ms")
        self.assertNotIn("Operating with ALMA data", said)
        self.assertLess(self.rows("40.ms"), self.rows("20.ms"))

    def flag(self, path, query):
        with table(self.path(path), readonly=False, ack=False) as t:
            picked = t.query(query)
            picked.putcol("FLAG", np.ones_like(picked.getcol("FLAG")))

    def test_90_flagged_windows_go(self):
        self.shape_a()
        self.flag("a.ms", "DATA_DESC_ID == 0")
        self.go("mstransform keepflags=False", "a.ms", "out.ms")
        self.assertEqual(self.rows("out.ms"), 3 * 6 * 180)
        self.assertEqual(set(self.get("out.ms", "DATA_DESC_ID")), {1, 2, 3})

    def test_91_all_flagged_gives_the_same_values(self):
        self.shape_a()
        words = "mstransform chanaverage=True chanbin=2 timeaverage=True timebin=20s"
        self.go(words, "a.ms", "good.ms")
        self.flag("a.ms", "TRUE")
        self.go(words, "a.ms", "bad.ms")
        self.equal("good.ms", "bad.ms", "--skip", "FLAG,TIME_CENTROID,UVW", "--rtol", "1e-6")
        self.assertFalse(self.get("good.ms", "FLAG").any())
        self.assertTrue(self.get("bad.ms", "FLAG").all())

    def test_93_94_two_setups(self):
        self.multims("simulate", "c.ms", "antennas=4", "spws=2", "channels=16,8", "integrations=5",
                     "correlations=RR;LL", "--no-sync", "--quiet")
        self.go("mstransform correlation=LL", "c.ms", "93.ms")
        polarizations = self.get("93.ms/DATA_DESCRIPTION", "POLARIZATION_ID")
        self.assertEqual(set(polarizations), {1})
        self.assertEqual(self.rows("93.ms") * 2, self.rows("c.ms"))
        self.go("mstransform spw=0 chanaverage=True chanbin=16", "c.ms", "94.ms")
        self.assertEqual(self.channels("94.ms"), [1])
        rows = [np.sum(self.get("94.ms", "DATA_DESC_ID") == dd) for dd in (0, 1)]
        self.assertEqual(rows, [2 * 5 * 6] * 2)

    def test_95_descending(self):
        self.shape_a("width=-1e6")
        self.go("mstransform chanaverage=True chanbin=2 hanning=True", "a.ms", "out.ms")
        for width in self.cells("out.ms/SPECTRAL_WINDOW", "CHAN_WIDTH"):
            np.testing.assert_allclose(width, -2e6, rtol=1e-12)
        self.assertTrue((self.get("out.ms/SPECTRAL_WINDOW", "TOTAL_BANDWIDTH") > 0).all())

    def test_99_100_one_channel_and_a_width_that_is_none(self):
        self.shape_a()
        self.go("split spw=0:5", "a.ms", "99.ms")
        np.testing.assert_array_equal(self.get("99.ms", "DATA")[:, 0],
                                      self.get("a.ms", "DATA", "DATA_DESC_ID == 0")[:, 5])
        said = self.go("split width=abc", "a.ms", "100.ms")
        self.assertIn("Parameter width is invalid. Using 1 as default", said)
        self.go("split", "a.ms", "plain.ms")
        self.equal("plain.ms", "100.ms")

    def test_channels_named_again(self):
        """A whole window and some of its channels: each range as it stands."""
        self.simulate()
        for words, n in ((["split", "datacolumn=data"], 10),
                         (["mstransform", "datacolumn=data", "chanaverage=True", "chanbin=2"], 5),
                         (["partition", "createmms=False"], 10)):
            verb, *words = words
            self.multims(verb, "in.ms", f"{verb}.ms", "spw=0,0:1~2", *words, "--no-sync")
            with table(self.path(f"{verb}.ms"), ack=False) as main:
                self.assertEqual(main.getcell("DATA", 0).shape[0], n)
            with table(self.path(f"{verb}.ms/SPECTRAL_WINDOW"), ack=False) as window:
                self.assertEqual(window.getcell("NUM_CHAN", 0), n)
            self.multims("verify", f"{verb}.ms", "--quiet")

    def test_101_antennas(self):
        self.shape_a()
        names = self.get("a.ms/ANTENNA", "NAME")
        self.go(f"split antenna={names[1]},{names[3]}&", "a.ms", "out.ms")
        self.assertEqual(self.get("out.ms/ANTENNA", "NAME"), [names[1], names[3]])
        pairs = set(zip(self.get("out.ms", "ANTENNA1"), self.get("out.ms", "ANTENNA2")))
        self.assertEqual(pairs, {(0, 1)})


W2 = "Cannot combine or separate spws in parallel because the subMSs do not contain all the selected spws"
W6 = "Cannot process MMS with the requested transformations"
W7 = "Will create an output MS"
W5_SCAN = "Will create an output MMS with separation axis 'scan'"
SPLIT_REFUSES = "Please set keepmms to False or use task mstransform in this case."


class Windows(Case):
    """Shape A, 9 of its spws and 10 time stamps in scans 30 and 31."""

    def shape_w(self, *words):
        self.multims("simulate", "w.ms", "antennas=4", "spws=9", "channels=64", "firstscan=30", "integrations=5",
                     "interval=1s", "freq=1.4e9", "width=1e5", "noise=1", "--no-sync", "-q", *words)
        return "w.ms"

    def one_spw(self, path, nchan, rows=None, axis=None):
        self.assertEqual(self.channels(path), [nchan])
        self.assertEqual(self.get(f"{path}/DATA_DESCRIPTION", "SPECTRAL_WINDOW_ID").tolist(), [0])
        self.assertEqual(set(self.get(path, "DATA_DESC_ID")), {0})
        if rows:
            self.assertEqual(self.rows(path), rows)
        self.assertEqual(self.parts(path) is not None, axis is not None)
        if axis:
            self.assertEqual(self.axis(path), axis)

    def said(self, text, *want):
        for message in W1, W2, W4, W5_SCAN, W6, W7:
            self.assertEqual(message in text, message in want, f"{message}: {text}")


class CombinedFromMms(Windows):
    def test_43_windows_apart_are_cut_anew_by_scan(self):
        """M06: W2, W4, W5."""
        self.shape_w()
        source = self.partition("w.ms", "spw", "spw=2,4,6")
        text = self.go("mstransform combinespws=True", source, "out.mms")
        self.said(text, W2, W4, W5_SCAN)
        self.one_spw("out.mms", 320, 60, "scan")
        self.go("mstransform combinespws=True spw=2,4,6", "w.ms", "plain.ms")
        self.equal("plain.ms", "out.mms")
        self.assertFalse(self.get("out.mms", "FLAG").any())  # gaps are bridged (numerics T173)

    def test_44_45_neighbours(self):
        self.shape_w()
        spw, auto = self.partition("w.ms", "spw", "spw=0~3"), self.partition("w.ms", "auto", "spw=0,1")
        self.go("mstransform combinespws=True spw=0~3", spw, "44.mms")
        self.one_spw("44.mms", 256, 60, "scan")
        self.go("mstransform combinespws=True spw=0:60~63,1:60~63", auto, "45.mms")
        self.one_spw("45.mms", 68, 60, self.axis("45.mms"))

    def test_46_each_window_by_itself(self):
        self.shape_w()
        source = self.partition("w.ms", "scan")
        self.said(self.go("mstransform regridms=True spw=1,3,5,7 nspw=1", source, "out.mms"))
        self.assertEqual(self.channels("out.mms"), [64] * 4)
        self.assertEqual(self.get("out.mms/DATA_DESCRIPTION", "SPECTRAL_WINDOW_ID").tolist(), [0, 1, 2, 3])
        self.assertEqual(self.axis("out.mms"), "scan")

    def test_49_to_54_57_with_averages_over_scans(self):
        """M07 to M09 and M11: how parts are read, and that each gives the MS's rows."""
        self.shape_w()
        average = "mstransform combinespws=True timeaverage=True"
        auto = self.partition("w.ms", "auto", "spw=1,3", "numsubms=4")
        scan = self.partition("w.ms", "scan", "spw=1,3")
        spw = self.partition("w.ms", "spw", "spw=1,3")
        self.multims("partition", "w.ms", "one.mms", "separationaxis=spw", "scan=30", "spw=1", "numsubms=1",
                     "flagbackup=False", "-q", "--no-sync")
        for number, source, words, parts in (
                (49, auto, "timebin=4s timespan=scan", False), (51, auto, "timebin=20s timespan=scan", False),
                (53, spw, "timebin=2s timespan=scan", False), (54, scan, "timebin=4s timespan=scan", False),
                (57, spw, "timebin=2s", True)):
            with self.subTest(case=number):
                text = self.go(f"{average} {words}", source, f"{number}.out")
                self.go(f"{average} spw=1,3 {words}", "w.ms", "plain.ms")
                self.one_spw(f"{number}.out", 192, None, "scan" if parts else None)
                self.assertEqual(W6 in text and W7 in text, not parts)
                self.assertEqual(W5_SCAN in text, parts)
                self.equal("plain.ms", f"{number}.out")
                self.run_words("rm", "-r", "plain.ms")
        self.go(f"{average} timebin=2s timespan=scan", "one.mms", "52.out")
        self.assertIsNotNone(self.parts("52.out"))

    def test_50_one_window(self):
        self.shape_w()
        source = self.partition("w.ms", "balanced", "spw=3", "numsubms=2")
        text = self.go("mstransform combinespws=True timeaverage=True timebin=4s timespan=scan", source, "out")
        self.assertIn("There is only one selected SPW, no need to combine", text)
        self.assertEqual(self.channels("out"), [64])

    def test_64_65_cvel_wants_all_windows_in_each_part(self):
        """C05, C02; C03 and C04 where each part has them."""
        self.multims("simulate", "j.ms", "antennas=3", "spws=2", "channels=1", "scans=6", "fields=3",
                     "integrations=1", "noise=1", "--no-sync", "-q")
        self.go("cvel2", "j.ms", "plain.ms")
        for axis in "spw", "balanced", "scan", "baseline":
            source = self.partition("j.ms", axis, "numsubms=3")
            if axis in ("spw", "balanced"):
                self.refused("cvel2", source, "Cannot combine spws in parallel because the subMSs do not contain "
                             "all the selected spws", SPLIT_REFUSES, "Unable to continue with MMS processing")
            else:
                self.go("cvel2", source, f"{axis}.out")
                self.one_spw(f"{axis}.out", 2, 18, axis)
                self.equal("plain.ms", f"{axis}.out")
            self.go("cvel2 keepmms=False", source, f"{axis}.ms")
            self.one_spw(f"{axis}.ms", 2, 18)
            self.equal("plain.ms", f"{axis}.ms")

    def test_a_scan_without_a_window(self):
        """C03 and M05 per scan: windows that a scan lacks are no reason; nor do they change its grid."""
        self.shape_w("scans=3", "missing=31:2")
        source = self.partition("w.ms", "scan")
        for words in "cvel outframe=LSRK", "mstransform combinespws=True", "mstransform regridms=True nspw=3":
            name = f"{words.split()[0]}{len(words)}"
            self.said(self.go(words, "w.ms", f"{name}.ms"))
            self.said(self.go(words, source, f"{name}.mms"))
            self.assertEqual(self.axis(f"{name}.mms"), "scan")
            self.equal(f"{name}.ms", f"{name}.mms")
            self.multims("verify", f"{name}.mms", "-q")

    def test_66_one_grid_for_all_parts(self):
        """M12: a barycentric line peaks in one channel in every scan, hours apart, as in the MS."""
        self.multims("simulate", "h.ms", "antennas=3", "spws=2", "channels=128", "scans=3", "integrations=2",
                     "interval=3000s", "freq=1.42e9", "width=1e3", "correlations=1", "restfreq=1.420128GHz",
                     "lineframe=bary", "--no-sync", "-q")
        source = self.partition("h.ms", "scan")
        for words in "cvel2 outframe=bary", "mstransform regridms=True combinespws=True outframe=bary":
            name = words.split()[0]
            self.go(words, "h.ms", f"{name}.ms")
            self.go(words, source, f"{name}.mms")
            self.equal(f"{name}.ms", f"{name}.mms")
            self.assertEqual(self.axis(f"{name}.mms"), "scan")
            data, freq = self.get(f"{name}.mms", "DATA"), self.cells(f"{name}.mms/SPECTRAL_WINDOW", "CHAN_FREQ")
            self.assertEqual(len(self.parts(f"{name}.mms")), 3)
            peaks = np.argmax(data[:, :, 0].real, axis=1)
            self.assertLessEqual(np.ptp(peaks), 1)
            place = np.sum(data[:, :, 0].real * freq[0], axis=1, dtype=float) / data[:, :, 0].real.sum(axis=1, dtype=float)
            np.testing.assert_allclose(place, 1.420128e9, atol=10)
            for part in self.parts(f"{name}.mms"):
                self.assertEqual(self.cells(f"{name}.mms/SUBMSS/{part}/SPECTRAL_WINDOW", "CHAN_FREQ")[0].tolist(),
                                 freq[0].tolist())

    def test_73_without_new_ids(self):
        self.shape_w()
        source = self.partition("w.ms", "scan", "spw=0~3")
        self.go("mstransform regridms=True outframe=lsrk reindex=False spw=1:10~20,2:30~40", source, "out.mms")
        self.assertEqual(self.get("out.mms/DATA_DESCRIPTION", "SPECTRAL_WINDOW_ID").tolist(), [0, 1, 2, 3])
        self.assertEqual(self.channels("out.mms"), [64, 11, 11, 64])
        self.assertEqual(set(self.get("out.mms", "DATA_DESC_ID")), {1, 2})

    def test_m01_to_m05_stay_in_parallel(self):
        self.shape_w()
        scan, baseline = self.partition("w.ms", "scan"), self.partition("w.ms", "baseline", "numsubms=3")
        for source, axis in (scan, "scan"), (baseline, "baseline"):
            for words in ("regridms=True outframe=BARY", "combinespws=True", "regridms=True nspw=4",
                          "combinespws=True timeaverage=True timebin=2s"):
                with self.subTest(axis=axis, words=words):
                    self.said(self.go(f"mstransform {words}", source, "out.mms"))
                    self.assertEqual(self.axis("out.mms"), axis)
                    self.go(f"mstransform {words}", "w.ms", "plain.ms")
                    self.equal("plain.ms", "out.mms")
                    self.run_words("rm", "-r", "out.mms", "plain.ms")


class CombinedToMms(Windows):
    def test_32_33_axes_that_do_not_fit(self):
        """O07: W1 and E1; baseline does fit (RULE)."""
        self.shape_w()
        words = "mstransform createmms=True combinespws=True spw=2,3 numsubms=2"
        for axis in "auto", "spw":
            self.refused(f"{words} separationaxis={axis}", "w.ms",
                         "Cannot partition MS per spw or auto when combinespws = True or nspw > 1",
                         f"Cannot create MMS using separationaxis={axis} with some of the requested transformations.")
        self.go("mstransform combinespws=True spw=2,3", "w.ms", "plain.ms")
        for axis in "scan", "baseline":
            self.go(f"{words} separationaxis={axis}", "w.ms", f"{axis}.mms")
            self.one_spw(f"{axis}.mms", 128, 60, axis)
            self.equal("plain.ms", f"{axis}.mms")


class CombinedMs(Windows):
    def test_74_to_78(self):
        self.shape_w()
        for words, nchan in (("spw=0~3", 256), ("spw=0~1:60~63", 68), ("spw=2,5,8", 448)):
            name = f"{nchan}.ms"
            self.go(f"mstransform combinespws=True {words}", "w.ms", name)
            self.one_spw(name, nchan, 60)
        self.go("mstransform regridms=True", "w.ms", "78.ms")
        self.assertEqual(self.channels("78.ms"), [64] * 9)
        self.multims("simulate", "mixed.ms", "spws=2", "channels=8,4", "integrations=1", "--no-sync", "-q")
        self.refused("mstransform combinespws=True", "mixed.ms", "Currently the option 'combinespws' is only supported")

    def test_82_to_85_separated(self):
        self.shape_w()
        for number, words, want in ((82, "spw=2 nspw=4", [16] * 4), (83, "spw=2,3,4 nspw=2", [96] * 2),
                                    (84, "nspw=4 nchan=10", [10] * 4), (85, "spw=0:0~49 nspw=3 nchan=10", [10] * 3),
                                    ("short", "spw=1 nspw=3", [22, 22, 20])):
            with self.subTest(case=number):
                self.go(f"mstransform regridms=True {words}", "w.ms", f"{number}.ms")
                self.assertEqual(self.channels(f"{number}.ms"), want)
                self.assertEqual(self.get(f"{number}.ms/DATA_DESCRIPTION", "SPECTRAL_WINDOW_ID").tolist(),
                                 list(range(len(want))))
                self.assertEqual(self.rows(f"{number}.ms"), 60 * len(want))
                self.multims("verify", f"{number}.ms", "-q")

    def test_92_tables_of_windows_are_doubled(self):
        """Rows of one window: FEED, SOURCE, SYSCAL are there for each of the new ones."""
        self.shape_w("syscal=True")
        self.go("mstransform spw=2", "w.ms", "one.ms")
        self.go("mstransform spw=2 regridms=True nspw=2", "w.ms", "two.ms")
        for name in "FEED", "SOURCE", "SYSCAL":
            rows = self.rows(f"one.ms/{name}")
            self.assertGreater(rows, 0)
            self.assertEqual(self.rows(f"two.ms/{name}"), 2 * rows, name)
            spws = self.get(f"two.ms/{name}", "SPECTRAL_WINDOW_ID")
            self.assertEqual([list(spws).count(i) for i in (0, 1)], [rows, rows])


program_case.main()
