# SPDX-License-Identifier: LGPL-2.1-or-later
"""flagdata and flagmanager: bad input is refused in words, before anything changes."""
import json
import os

import numpy
from casacore.tables import table

import program_case
from program_case import ProgramCase

# words of the request: status, words of the message
WRONG = {
    ("mode=xx",): (2, "xx is not one of"),
    ("action=foo",): (2, "foo"),
    ("display=data",): (2, "display"),
    ("spw=99",): (2, "99"),
    ("field=nobody",): (2, "nobody"),
    ("antenna=nothere",): (2, "nothere"),
    ("scan=99",): (3, "zero rows"),
    ("timerange=yesterday",): (2, "yesterday"),
    ("uvrange=far",): (2, "far"),
    ("mode=clip", "clipminmax=[1]"): (2, "clipminmax must be a list"),
    ("mode=clip", "clipminmax=x"): (2, "clipminmax"),
    ("mode=clip", "clipminmax=[0,"): (2, "parameter clipminmax: [0, is not a list"),
    ("mode=list", "inpfile=[good.txt]"): (2, "parameter inpfile: [good.txt] is not a list or dictionary"),
    ("mode=list", "inpfile=good.txt", "reason=[GOOD]"): (2, "parameter reason: [GOOD] is not a list"),
    ("mode=list", "inpfile=good.txt", "tbuff=[1"): (2, "parameter tbuff: [1 is not a list"),
    ("mode=list", "inpfile=good.txt", "tbuff=[[1,2],3]"): (2, "parameter tbuff: [[1,2],3] is not a number or two"),
    ("mode=list", "inpfile=good.txt", "tbuff=[1,2,3]"): (2, "is not a number or two"),
    ("mode=rflag", "timedev=[[0,0,1.5],[1,0]]"): (2, "parameter timedev: row 2 is not [field, spw, value]"),
    ("mode=rflag", "freqdev=[0,0,'a']"): (2, "parameter freqdev: row 1 is not [field, spw, value]"),
    ("mode=rflag", "timedev=rows.txt"): (2, "parameter timedev: row 1 is not [field, spw, value]"),
    ("mode=rflag", "winsize=x"): (2, "winsize"),
    ("mode=rflag", "freqdevscale=x"): (2, "freqdevscale"),
    ("mode=rflag", "spectralmax=x"): (2, "spectralmax"),
    ("mode=rflag", "extendflags=x"): (2, "extendflags"),
    ("mode=tfcrop", "combinescans=x"): (2, "combinescans"),
    ("mode=tfcrop", "maxnpieces=x"): (2, "maxnpieces"),
    ("mode=tfcrop", "halfwin=x"): (2, "halfwin"),
    ("mode=extend", "growtime=x"): (2, "growtime"),
    ("mode=extend", "growaround=x"): (2, "growaround"),
    ("mode=antint", "minchanfrac=x"): (2, "minchanfrac"),
    ("mode=summary", "minrel=x"): (2, "minrel"),
    ("mode=summary", "minabs=1.5"): (2, "minabs"),
    ("mode=summary", "spwchan=x"): (2, "spwchan"),
    ("mode=clip", "clipzeros=x"): (2, "clipzeros"),
    ("mode=quack", "quackincrement=x"): (2, "quackincrement"),
    ("array=x",): (2, "x"),
    ("observation=x",): (2, "x"),
    ("feed=1",): (2, "feed"),
    ("flagbackup=x",): (2, "flagbackup"),
    ("writeflags=False",): (2, "writeflags"),
    ("intent=*NOSUCH*",): (2, "NOSUCH"),
    ("mode=clip", "datacolumn=nope"): (2, "Failed to parse parameters for mode clip"),
    ("mode=clip", "datacolumn=MODEL"): (2, "Failed to parse parameters for mode clip"),
    ("mode=clip", "correlation=ABS_QQ"): (2, "QQ"),
    ("mode=clip", "clipminmax=[0,1]", "channelavg=True", "chanbin=0"): (2, "chanbin"),
    ("mode=clip", "clipminmax=[0,1]", "channelavg=True", "chanbin=[0]"): (2, "chanbin"),
    ("mode=clip", "clipminmax=[0,1]", "channelavg=True", "chanbin=[2,2,2]"): (2, "chanbin"),
    ("mode=clip", "clipminmax=[0,1]", "timeavg=True", "timebin=-5s"): (2, "timebin"),
    ("mode=clip", "clipminmax=[0,1]", "timeavg=True", "timebin=banana"): (2, "banana"),
    ("mode=clip", "datacolumn=WEIGHT", "timeavg=True", "timebin=20s"): (2, "WEIGHT"),
    ("mode=list", "inpfile=averaged.txt"): (2, "Cannot use clip mode"),
    ("mode=shadow", "addantenna=absent.txt"): (2, "absent.txt"),
    ("mode=shadow", "addantenna=short.txt"): (2, "needs a diameter"),
    ("mode=shadow", "tolerance=x"): (2, "tolerance"),
    ("mode=elevation", "lowerlimit=x"): (2, "lowerlimit"),
    ("mode=tfcrop", "ntime=-1"): (2, "Parameter ntime cannot be < = 0"),
    ("mode=tfcrop", "timecutoff=x"): (2, "timecutoff"),
    ("mode=quack", "quackinterval=x"): (2, "quackinterval"),
    ("mode=list",): (2, "no valid commands"),
    ("mode=list", "inpfile=absent.txt"): (2, "absent.txt"),
    ("mode=list", "inpfile=wrong.txt"): (2, "ine 3"),
    ("mode=list", "inpfile=mode.txt"): (2, "nope"),
    ("mode=list", "inpfile=limits.txt"): (2, "Line 3: Error : clipminmax"),
    ("mode=list", "inpfile=rows_in_list.txt"): (2, "Line 2: parameter timedev: row 1"),
    ("mode=list", "inpfile=empty.txt"): (2, "no valid commands"),
    ("mode=list", "inpfile=good.txt", "reason=OTHER"): (2, "No input lines matching"),
    ("autocorr=perhaps",): (2, "perhaps"),
    ("savepars=True", "outfile=good.txt", "overwrite=False"): (2, "Remove good.txt"),
    ("savepars=True", "outfile=absent/out.txt"): (2, "absent/out.txt"),
}
FILES = {
    "wrong.txt": "scan='1'\n# a comment\nscan='1' nosuch=3\n",
    "mode.txt": "scan='1'\nmode='nope'\n",
    "limits.txt": "scan='1'\n# a comment\nmode='clip' clipminmax=[0,'x']\n",
    "rows_in_list.txt": "scan='1'\nmode='rflag' timedev=[[1.0,2.0]]\n",
    "empty.txt": "# nothing\n",
    "two.txt": "scan='1'\nmode='clip' scan='1~2' clipminmax=[0,1]\nmode='summary'\n",
    "averaged.txt": "mode='clip' channelavg=True chanbin=2\nscan='1'\n",
    "rows.txt": "{'name':'Rflag','timedev':[[0.0,0.0]]}\n",
    "short.txt": "name = x1\ndiameter = 25.0\n",
    "good.txt": "scan='1' reason='GOOD'\n",
}


class Refusals(ProgramCase):
    def setUp(self):
        super().setUp()
        self.simulate()
        self.multims("partition", "in.ms", "in.mms", "numsubms=2", "flagbackup=False", "--no-sync",
                     "--quiet")
        for name, text in FILES.items():
            with open(self.path(name), "w", encoding="utf-8") as f:
                f.write(text)

    def flags(self, name):
        with table(self.path(name), ack=False) as t:
            return t.getcol("FLAG"), t.getcol("FLAG_ROW")

    def check_untouched(self, before, names, what):
        self.assertEqual(sorted(os.listdir(self.folder)), names, what)
        for name in "in.ms", "in.mms":
            for a, b in zip(self.flags(name), before[name]):
                numpy.testing.assert_array_equal(a, b, str(what))

    def test_flagdata(self):
        before = {name: self.flags(name) for name in ("in.ms", "in.mms")}
        names = sorted(os.listdir(self.folder))
        for words, (status, text) in WRONG.items():
            for name in "in.ms", "in.mms":
                with self.subTest(words=words, set=name):
                    run = self.multims("flagdata", name, *words, status=status)
                    self.assertIn(text, run.stderr)
                    self.check_untouched(before, names, words)

    def test_flagmanager(self):
        before = {name: self.flags(name) for name in ("in.ms", "in.mms")}
        self.multims("flagmanager", "in.mms", "save", "one", "--no-sync")
        names = sorted(os.listdir(self.folder))
        for words, text in {("nosuchmode",): "nosuchmode", ("save",): "versionname",
                            ("restore", "absent"): "absent", ("save", "a/b"): "a/b", ("save", "main"): "main",
                            ("rename", "main", "one"): "main",
                            ("rename", "new", "absent"): "absent"}.items():
            with self.subTest(words=words):
                run = self.multims("flagmanager", "in.mms", *words, status=2)
                self.assertIn(text, run.stderr)
                versions = os.listdir(self.path("in.mms.flagversions"))
                self.assertEqual(sorted(versions), ["FLAG_VERSION_LIST", "flags.one"])
                self.check_untouched(before, names, words)

    def test_no_set(self):
        for verb in "flagdata", "flagmanager":
            run = self.multims(verb, "absent.ms", status=2)
            self.assertIn("absent.ms", run.stderr)

    def test_calculate_and_dryrun_change_nothing(self):
        before = {name: self.flags(name) for name in ("in.ms", "in.mms")}
        names = sorted(os.listdir(self.folder))
        for words in ["action=calculate"], ["--dryrun"]:
            for name in "in.ms", "in.mms":
                self.multims("flagdata", name, "scan=1", *words)
                self.check_untouched(before, names, words)

    def test_dryrun_tells_rows_bytes_and_what_is_kept(self):
        """A row that two lines select counts once; lines that flag nothing count no row."""
        for name in "in.ms", "in.mms":
            with table(self.path(name), ack=False) as t:
                chosen = t.query("SCAN_NUMBER in [1,2]")
                rows, cells = chosen.nrows(), sum(chosen.getcell("FLAG", i).size for i in range(chosen.nrows()))
            plan = json.loads(self.multims("flagdata", name, "mode=list", "inpfile=two.txt", "--dryrun", "--json").stdout)
            self.assertEqual((plan["rows"], plan["bytes"]), (rows, cells + rows))
            self.assertEqual((plan["kept"], plan["flag_version"]), (["FLAG", "FLAG_ROW"], "flagdata_1"))
            for words in (["scan=1~2"], ["mode=tfcrop", "scan=1~2"], ["mode=list", "inpfile=[\"mode='tfcrop' scan='1'\"]"],
                          ["mode=list", "inpfile=[\"mode='tfcrop' scan='1'\",\"scan='2'\"]"]):  # tfcrop extends the same rows, or all
                plan, run = (json.loads(self.multims("flagdata", name, *words, how, "--json").stdout) for how in ("--dryrun", "action=calculate"))
                self.assertEqual(plan["rows"], run["rows"], words)
            plan = json.loads(self.multims("flagdata", name, "mode=rflag", "action=calculate", "--dryrun", "--json").stdout)
            self.assertEqual((plan["columns"], plan["bytes"], plan["flag_version"]), ({}, 0, None))
            plan = json.loads(self.multims("statwt", name, "datacolumn=data", "scan=1~2", "--dryrun", "--json").stdout)
            self.assertEqual((plan["rows"], plan["kept"]), (rows, ["SIGMA", "FLAG", "FLAG_ROW"]))
            self.assertEqual(plan["bytes"], rows * (4 * self.correlations(name) + 1) + cells)

    def correlations(self, name):
        with table(self.path(name), ack=False) as t:
            return t.getcell("WEIGHT", 0).size

    def test_all_lines_are_read_before_any_is_done(self):
        before = {name: self.flags(name) for name in ("in.ms", "in.mms")}
        run = self.multims("flagdata", "in.ms", "mode=list", "inpfile=wrong.txt", status=2)
        self.assertIn("nosuch", run.stderr)
        self.check_untouched(before, sorted(os.listdir(self.folder)), "wrong.txt")

    def test_a_set_that_is_half_changed_is_no_input(self):
        """What a killed run leaves beside a set: others say what to do, the next run mends it."""
        undo = self.path(".in.mms.mms-undo")
        os.makedirs(undo)
        open(undo + "/lock", "w").close()
        with open(undo + "/undo.json", "w") as f:
            f.write("[]")
        part = "in.mms/SUBMSS/in.0000.ms"
        for words in (["partition", "in.mms", "x.mms"], ["split", "in.mms", "x.ms", "datacolumn=data"],
                      ["mstransform", "in.mms", "x.ms", "datacolumn=data", "createmms=True"],
                      ["split", part, "x.ms", "datacolumn=data"], ["diff", "in.ms", "in.mms"],
                      ["uvcontsub", "in.mms", "x.ms"], ["verify", "in.mms"],
                      ["exportuvh5", "in.mms", "x.uvh5"], ["each", "in.mms", "--", "true"]):
            run = self.multims(*words, status=2)
            self.assertIn("clean --restore", run.stderr, words)
            self.assertFalse(os.path.lexists(self.path("x.ms")) or os.path.lexists(self.path("x.mms")))
        self.assertIn("half changed", self.multims("listpartition", "in.mms").stderr)
        for verb in "flagdata", "statwt":  # a dry run brings nothing back
            self.assertIn("clean --restore", self.multims(verb, "in.mms", "--dryrun", status=2).stderr)
        self.assertTrue(os.path.exists(undo))
        self.assertIn("stopped in the middle",
                      self.multims("flagdata", "in.mms", "mode=summary").stderr)
        self.assertFalse(os.path.exists(undo))
        self.multims("split", "in.mms", "x.ms", "datacolumn=data", "--no-sync")


program_case.main()
