# SPDX-License-Identifier: LGPL-2.1-or-later
"""flagdata: the flags of a Multi-MS are those of the plain MS, for each mode, axis, number of workers, and
ranks under mpirun; and a flag version brings back what it saved.  Rows are paired by python-casacore."""
import json
import os
import shutil

import numpy
from casacore.tables import table

import program_case
from machine import MPIEXEC, mpirun
from program_case import ProgramCase, SharedSets

program_case.parser.add_argument("--all", action="store_true", help="each mode in every way")
AXES = ["scan", "spw", "auto", "baseline"]
KEYS = ["DATA_DESC_ID", "TIME", "ANTENNA1", "ANTENNA2", "SCAN_NUMBER", "FIELD_ID"]

MODES = {
    "manual": ["antenna=1", "spw=0:2~5"],
    "manual_rows": ["scan=2,3"],
    "unflag": ["mode=unflag", "scan=1"],
    "clip": ["mode=clip", "clipminmax=[0.2,1.3]"],
    "clip_inside": ["mode=clip", "clipminmax=[0.2,1.3]", "clipoutside=False",
                    "correlation=REAL_XX"],
    "clip_averaged": ["mode=clip", "clipminmax=[0.5,1.2]", "timeavg=True", "timebin=25s",
                      "channelavg=True", "chanbin=3"],
    "rflag_averaged": ["mode=rflag", "channelavg=True", "chanbin=2", "timeavg=True",
                       "timebin=20s"],
    "quack": ["mode=quack", "quackinterval=15"],
    "quack_increment": ["mode=quack", "quackinterval=15", "quackincrement=True"],
    "list": ["mode=list", 'inpfile=["scan=\'1\'","mode=\'clip\' clipminmax=[0,1.3]",'
             '"mode=\'quack\' quackinterval=10.0 quackmode=\'endb\'"]'],
    "extend": ["mode=extend", "growtime=40", "growfreq=40", "flagneartime=True"],
    "tfcrop": ["mode=tfcrop", "extendflags=False"],
    "tfcrop_combined": ["mode=tfcrop", "combinescans=True", "ntime=60"],
    "rflag": ["mode=rflag", "extendflags=False"],
    "rflag_combined": ["mode=rflag", "combinescans=True", "ntime=60"],
    "antint": ["mode=antint", "antint_ref_antenna=ea01", "minchanfrac=0.1"],
    "shadow": ["mode=shadow", "tolerance=-200"],
    "manual_autocorr": ["autocorr=True"],
    "clip_zeros": ["mode=clip", "clipzeros=True", "correlation=IMAG_XX", "scan=1"],
    "clip_weight": ["mode=clip", "datacolumn=WEIGHT", "clipminmax=[0,1.5]"],
    "clip_residual": ["mode=clip", "datacolumn=RESIDUAL", "clipminmax=[0,30]"],
    "quack_tail": ["mode=quack", "quackinterval=35", "quackmode=tail", "spw=0"],
    "rflag_given": ["mode=rflag", "timedev=0.2", "freqdev=[[0,0,0.1],[1,1,0.2]]", "timedevscale=4"],
    "rflag_spectral": ["mode=rflag", "spectralmax=0.15", "extendflags=False"],
    "tfcrop_extended": ["mode=tfcrop", "usewindowstats=both", "halfwin=2", "flagdimension=timefreq"],
    "extend_around": ["mode=extend", "growaround=True", "flagnearfreq=True", "growtime=0", "extendpols=False"],
    "shadow_added": ["mode=shadow", "addantenna={'0':{'name':'x','diameter':400.0,"
                     "'position':[-1601185.0,-5041977.0,3554876.0]}}"],
    "list_statistics": ["mode=list", 'inpfile=["mode=\'tfcrop\' extendflags=False","mode=\'rflag\' ntime=40.0",'
                        '"mode=\'extend\' growtime=40.0"]'],
    "elevation": ["mode=elevation", "lowerlimit=40"],
}


def disturb(path):
    """Plant noise, interference and old flags; the same whatever the order of the run."""
    random = numpy.random.default_rng(7)
    with table(path, readonly=False, ack=False) as t:
        data, flag = t.getcol("DATA"), t.getcol("FLAG")
        data += random.normal(0, 0.1, data.shape) + 1j * random.normal(0, 0.1, data.shape)
        data[random.random(data.shape) < 0.01] *= 8
        data[:, 9] *= 1 + 0.6 * (random.random((len(data), 1)) < 0.4)
        flag[random.random(flag.shape) < 0.03] = True
        flag[::17] = True
        flag[(t.getcol("ANTENNA1") == 0) & (t.getcol("SCAN_NUMBER") == 2)] = True
        t.putcol("DATA", data)
        t.putcol("FLAG", flag)


def flags(path):
    """FLAG and FLAG_ROW in an order of rows that parts do not change."""
    with table(path, ack=False) as t:
        order = numpy.lexsort([t.getcol(k) for k in KEYS[::-1]])
        return t.getcol("FLAG")[order], t.getcol("FLAG_ROW")[order]


class SameAnswer(SharedSets, ProgramCase):
    def setUp(self):
        super().setUp()
        if not os.path.exists(f"{self.sets}/in.ms"):
            self.simulate(f"{self.sets}/in.ms", "antennas=5", "channels=16", "integrations=8",
                          "fields=2", "scans=4", "model=True", "corrected=True", "autocorrelations=True")
            disturb(f"{self.sets}/in.ms")
            for axis in AXES:
                self.multims("partition", f"{self.sets}/in.ms", f"{self.sets}/{axis}.mms",
                             f"separationaxis={axis}", "numsubms=4", "flagbackup=False",
                             "datacolumn=all", "--no-sync")

    def run_mode(self, source, workers, words, ranks=0):
        path = self.path("work")
        shutil.rmtree(path, ignore_errors=True)
        shutil.copytree(f"{self.sets}/{source}", path, symlinks=True)
        run = self.run_words(*mpirun(ranks), program_case.args.program, "flagdata", "work", *words,
                             "flagbackup=False", "--no-sync", *([] if ranks else ["-j", workers]))
        self.assertEqual(run.returncode, 0, f"{words} {source}\n{run.stdout}\n{run.stderr}")
        return flags(path)

    def ways(self, turn):
        """(axis, workers, ranks) of a mode."""
        if program_case.args.all:
            return [(a, w, 0) for a in AXES for w in (1, 2, 3)] + [(a, 1, r) for a in AXES for r in (2, 3) if MPIEXEC]
        ranks = 2 + turn % 2 if turn % 5 == 0 and MPIEXEC else 0
        return [("baseline", 1 + turn % 3, ranks), (AXES[turn % 3], 1 + (turn + 1) % 3, 0)]

    def check(self, mode):
        before = flags(f"{self.sets}/in.ms")
        want = self.run_mode("in.ms", 1, MODES[mode])
        changed = (want[0] != before[0]).sum()
        self.assertGreater(changed, 0, "a mode that changes nothing proves nothing")
        self.assertLess(changed, want[0].size)
        ways = [(f"{axis}.mms", workers, ranks) for axis, workers, ranks in self.ways(list(MODES).index(mode))]
        ways += [("in.ms", 2, 0), ("in.ms", 3, 0)]  # threads of one worker that do a chunk each, and that share its maps
        for source, workers, ranks in ways:
            got = self.run_mode(source, workers, MODES[mode], ranks)
            for a, b, what in zip(got, want, ["FLAG", "FLAG_ROW"]):
                self.assertEqual((a != b).sum(), 0, f"{mode} on {source}, {workers} workers, {ranks} ranks: {what}")

    def test_chunks_beyond_the_memory(self):
        """Baselines, or times, are done some at a time, those of lists one after the other; where all are needed at
        once, that is told."""
        self.simulate("many.ms", "antennas=24", "channels=64", "integrations=30", "scans=1", "spws=1")
        disturb(self.path("many.ms"))
        with table(self.path("many.ms"), readonly=False, ack=False) as t:  # an antenna that is flagged at some times
            flag, time = t.getcol("FLAG"), t.getcol("TIME")
            flag[((t.getcol("ANTENNA1") == 0) | (t.getcol("ANTENNA2") == 0)) & ((time - time.min()) % 40 < 10)] = True
            t.putcol("FLAG", flag)
        shutil.copytree(self.path("many.ms"), self.path("mixed.ms"))
        with table(self.path("mixed.ms"), readonly=False, ack=False) as t:  # centroids that times share, and that cross
            t.putcol("TIME_CENTROID", t.getcol("TIME") + 15 * (t.getcol("ANTENNA1") % 3))
        antint = "mode='antint' antint_ref_antenna='ea01' minchanfrac=0.1"
        both = ["mode='tfcrop' extendflags=False", f"{antint} spw='0:0~40'", "mode='clip' clipminmax=[0.0,1.4]",
                "mode='extend' growtime=30.0", "mode='summary'", "mode='rflag'", antint, "mode='shadow' tolerance=-200.0"]
        both = ["mode=list", f"inpfile={json.dumps(both)}"]
        averaged = ["mode=list", "inpfile=" + json.dumps(["mode='rflag' channelavg=True chanbin=2", antint])]
        for words, told, *name in ((["mode=tfcrop"], False), (["mode=extend", "growtime=30"], False), (["mode=rflag"], False),
                            (["mode=rflag", "antenna=ea01"], False), (["mode=rflag", "combinescans=True", "ntime=100"], False),
                            (["mode=list", 'inpfile=["mode=\'clip\' clipminmax=[0.0,1.2]","mode=\'rflag\'"]'], False),
                            (["mode=rflag", "channelavg=True", "chanbin=2", "timeavg=True", "timebin=25s"], False),
                            (MODES["antint"], False), (MODES["shadow"], False), (both, False), (averaged, True),
                            (MODES["shadow"], False, "mixed.ms"), (both, False, "mixed.ms")):
            found = []
            for memory in "16M", "512M":
                shutil.copytree(self.path(*name or ["many.ms"]), self.path("set"))
                run = self.multims("flagdata", "set", *words, f"memory={memory}", "-j", "2", "flagbackup=False", "--no-sync")
                self.assertEqual("rows that are looked at together" in run.stderr, told and memory == "16M", run.stderr)
                found.append(flags(self.path("set")))
                shutil.rmtree(self.path("set"))
            for small, large in zip(*found):
                self.assertTrue((small == large).all(), words)
            self.assertTrue((found[0][0] != flags(self.path("many.ms"))[0]).any(), words)
        self.simulate("two.ms", "antennas=24", "channels=64,2", "integrations=30", "scans=1", "spws=2", "noise=0.1")
        for name in "many.ms", "two.ms":  # one window is in pieces, one is not
            report = [self.answer("flagdata", name, "mode=rflag", "action=calculate", f"memory={memory}", "-j", "1")
                      for memory in ("16M", "512M")]
            self.assertEqual(*report)

    def test_thresholds_do_not_depend_on_threads(self):
        with table(f"{self.sets}/in.ms", ack=False) as t:  # four chunks for each of two threads, not of three
            chunks = {c for c in zip(*(t.getcol(k) for k in ("SCAN_NUMBER", "FIELD_ID", "DATA_DESC_ID")))}
        self.assertTrue(8 <= len(chunks) < 12, chunks)
        reports = [self.answer("flagdata", f"{self.sets}/in.ms", "mode=rflag", "action=calculate", "-j", n) for n in (1, 2, 3)]
        self.assertEqual(reports[0], reports[1])
        self.assertEqual(reports[0], reports[2])

    def test_parts_of_other_baselines_are_units(self):
        """Where no command sees several baselines at once."""
        extend = 'inpfile=["mode=\'tfcrop\' extendflags=False","mode=\'extend\'"]'
        for words, units in ((["mode=tfcrop"], 4), (["mode=list", extend], 4), (MODES["clip_averaged"], 4),
                             (MODES["shadow"], 1), (["mode=tfcrop", "ntime=60"], 1), (MODES["antint"], 1)):
            got = self.answer("flagdata", f"{self.sets}/baseline.mms", *words, "action=calculate")
            self.assertEqual(got["units"], units, words)

    def test_summary(self):
        want = self.answer("flagdata", f"{self.sets}/in.ms", "mode=summary", "basecnt=True",
                           "spwchan=True", "spwcorr=True")
        flag, _ = flags(f"{self.sets}/in.ms")
        self.assertEqual((want["flagged"], want["total"]), (flag.sum(), flag.size))
        for workers in 2, 3:
            got = self.answer("flagdata", f"{self.sets}/in.ms", "mode=summary", "-j", workers,
                              "basecnt=True", "spwchan=True", "spwcorr=True")
            self.assertEqual(json.dumps(got), json.dumps(want), workers)  # in the same order, too
        for axis in AXES:
            got = self.answer("flagdata", f"{self.sets}/{axis}.mms", "mode=summary", "-j", 2,
                              "basecnt=True", "spwchan=True", "spwcorr=True")
            self.assertEqual(got, want, axis)

    def test_a_version_brings_back_what_it_saved(self):
        for source in ["in.ms", "baseline.mms"]:
            shutil.copytree(f"{self.sets}/{source}", self.path("set"), symlinks=True)
            old = flags(self.path("set"))
            self.multims("flagdata", "set", "spw=1", "antenna=ea02", "--no-sync")
            new = flags(self.path("set"))
            self.assertTrue((new[0] != old[0]).any())
            with table(self.path("set.flagversions/flags.flagdata_1"), ack=False) as t:
                self.assertEqual(t.getcol("FLAG").sum(), old[0].sum())
            self.multims("flagmanager", "set", "restore", "flagdata_1", "--no-sync")
            for a, b in zip(flags(self.path("set")), old):
                numpy.testing.assert_array_equal(a, b)
            for name in "set", "set.flagversions":
                shutil.rmtree(self.path(name))

    def test_a_version_of_other_rows_is_refused(self):
        shutil.copytree(f"{self.sets}/in.ms", self.path("set"))
        self.multims("flagmanager", "set", "save", "one", "--no-sync")
        shutil.copytree(f"{self.sets}/spw.mms", self.path("other"), symlinks=True)
        os.rename(self.path("set.flagversions"), self.path("other.flagversions"))
        old = flags(self.path("other"))
        self.multims("flagmanager", "other", "restore", "one", status=2)
        numpy.testing.assert_array_equal(flags(self.path("other"))[0], old[0])


def add(mode):
    setattr(SameAnswer, f"test_mode_{mode}", lambda self: self.check(mode))


for mode_name in MODES:
    add(mode_name)
program_case.main()
