# SPDX-License-Identifier: LGPL-2.1-or-later
"""applycal and setjy: bad input is refused in words, before anything changes."""
import hashlib
import os
import shutil

import numpy
from casacore.tables import table

import caltable
import program_case
from program_case import ProgramCase
from undo_case import digests as set_bytes

# words of the request: status, words of the message
APPLYCAL = {
    ("field=nobody",): (2, "nobody"),
    ("spw=99",): (2, "99"),
    ("spw=0:99",): (2, "0:99"),
    ("intent=none",): (2, "none"),
    ("selectdata=maybe",): (2, "maybe"),
    ("timerange=yesterday",): (2, "yesterday"),
    ("uvrange=far",): (2, "far"),
    ("antenna=nothere",): (2, "nothere"),
    ("scan=99",): (3, "99"),
    ("observation=9",): (3, "9"),
    ("msselect=NO_SUCH==1",): (2, "NO_SUCH"),
    ("docallib=True", "callib=absent.txt"): (2, "Specified cal library file ('absent.txt') does not exist!"),
    ("docallib=True", "callib=key.txt"): (2, "line 2: obsmap is not done here"),
    ("docallib=True", "callib=value.txt"): (2, "line 1: calwt=perhaps can't be read"),
    ("docallib=True", "callib=nameless.txt"): (2, "line 1 has no caltable"),
    ("docallib=True", "callib=empty.txt"): (2, "Nothing to Apply"),
    ("docallib=True", "callib=bare.txt"): (2, "line 1: caltable=tables/c.G can't be read"),
    ("docallib=True", "callib=twice.txt"): (2, "lines 1 and 2 are both for some observation, field and window"),
    ("docallib=True", "callib=over.txt"): (2, "lines 2 and 3 are both for some observation, field and window"),
    ("docallib=True", "callib=nobody.txt"): (2, "nobody"),
    ("gaintable=x.K", "interp=linearPD"): (2, "x.K has no phases"),
    ("docallib=perhaps",): (2, "perhaps"),
    ("gaintable=absent.G",): (2, "absent.G does not exist"),
    ("gaintable=x.X",): (2, 'type "X Jones"'),
    ("gaintable=in.ms",): (2, "in.ms is no calibration table"),
    ("gaintable=[1.5]",): (2, "parameter gaintable: [1.5] is not a text, nor a list of texts"),
    ("gaintable=",): (2, "Nothing to Apply"),
    ("gaintable=[x.G]",): (2, "parameter gaintable: [x.G] is not a list or dictionary: texts in it need quotes"),
    ("spwmap=[0,",): (2, "parameter spwmap: [0, is not a list"),
    ("calwt=[True",): (2, "parameter calwt: [True is not a list"),
    ("gainfield=nobody",): (2, 'has no field "nobody"'),
    ("gainfield=['','']",): (2, "parameter gainfield has 2 entries, gaintable 1"),
    ("interp=quadratic",): (2, "Unknown interp type: 'quadratic'"),
    ("interp=linear,odd",): (2, "Unknown interp type: 'odd'"),
    ("interp=cubic",): (2, '"cubic" is not done here'),
    ("interp=['linear','linear']",): (2, "parameter interp has 2 entries"),
    ("spwmap=[-2]",): (2, "spwmap: -2 is no id"),
    ("spwmap=[7]",): (2, "spwmap: 7: Please specify spw indices <= maximum available"),
    ("spwmap=x",): (2, "parameter spwmap: x"),
    ("spwmap=[0,0,0,0,0,0,0,0,0]",): (2, "has more elements (9) than the number of spectral windows"),
    ("calwt=perhaps",): (2, "parameter calwt: perhaps"),
    ("calwt=[True,True]",): (2, "parameter calwt has 2 entries"),
    ("parang=perhaps",): (2, "perhaps"),
    ("applymode=magic",): (2, "magic is not one of calflag"),
    ("flagbackup=perhaps",): (2, "perhaps"),
    ("memory=1",): (2, "memory"),
}
SETJY = {
    ("field=nobody",): (2, "nobody"),
    ("spw=99",): (2, "99"),
    ("scan=99",): (3, "99"),
    ("timerange=yesterday",): (2, "yesterday"),
    ("standard=magic",): (2, "magic is not one of Perley-Butler 2017"),
    ("standard=Baars",): (2, "the coefficients of Baars are not known here"),
    ("standard=Perley-Butler 2010",): (2, "the coefficients of Perley-Butler 2010 are not known here"),
    ("standard=Scaife-Heald 2012",): (2, "the coefficients of Scaife-Heald 2012 are not known here"),
    ("scalebychan=perhaps",): (2, "perhaps"),
    ("model=3C286_L.im",): (2, "model"),
    ("listmodels=True",): (2, "listmodels"),
    ("useephemdir=True",): (2, "useephemdir"),
    ("usescratch=perhaps",): (2, "perhaps"),
    ("interpolation=odd",): (2, "odd is not one of nearest"),
    ("standard=manual", "fluxdensity=much"): (2, "parameter fluxdensity: much is not a number"),
    ("standard=manual", "fluxdensity=[1,0,0,0,0]"): (2, "parameter fluxdensity: [1,0,0,0,0]"),
    ("standard=manual", "fluxdensity=-5"): (2, "0 or greater"),
    ("standard=manual", "spix=steep"): (2, "parameter spix: steep"),
    ("standard=manual", "reffreq=1.4"): (2, "parameter reffreq: 1.4 is not a frequency"),
    ("standard=manual", "reffreq=-1GHz"): (2, "parameter reffreq: -1GHz is not a frequency"),
    ("standard=manual", "polindex=x"): (2, "parameter polindex: x"),
    ("standard=manual", "polangle=x"): (2, "parameter polangle: x"),
    ("standard=manual", "rotmeas=x"): (2, "rotmeas"),
    ("standard=fluxscale",): (2, "fluxdict is empty"),
    ("standard=fluxscale", "fluxdict={'a':1}"): (2, "Input fluxdict is missing keywords:freq spwID"),
    ("standard=fluxscale", "fluxdict={'freq':[1e9],'spwID':[0]}"): (2, "No field was found in fluxdict"),
    ("standard=fluxscale", "fluxdict=[1]"): (2, "fluxdict"),
    ("standard=fluxscale", "fluxdict={freq:1}"): (2, "parameter fluxdict: {freq:1} is not a list or dictionary"),
}
FILES = {
    "key.txt": "caltable='x.G'\ncaltable='x.G' obsmap=[0]\n",
    "value.txt": "caltable='x.G' calwt=perhaps\n",
    "nameless.txt": "tinterp='linear'\n",
    "empty.txt": "# nothing\n",
    "bare.txt": "caltable=tables/c.G\n",
    "over.txt": "# lines\ncaltable='x.G' spw='0'\ncaltable='x.G' field='0'\n",
    "nobody.txt": "caltable='x.G' field='nobody'\n",
    "twice.txt": "caltable='c.G'\ncaltable='c.G', calwt=False\n",
}


def digests(folder):
    found = {}
    for where, _, names in os.walk(folder):
        for name in names:
            with open(os.path.join(where, name), "rb") as f:
                found[os.path.join(where, name)] = hashlib.sha256(f.read()).hexdigest()
    return found


class Refusals(ProgramCase):
    def setUp(self):
        super().setUp()
        self.simulate("in.ms", "corrected=False")
        for name, text in FILES.items():
            with open(self.path(name), "w") as f:
                f.write(text)
        for name, kind in ("x.G", "G Jones"), ("x.X", "X Jones"):
            caltable.make(self.path(name), kind, self.path("in.ms"), numpy.full((4, 2, 1, 2), 2 + 0j))
        caltable.make(self.path("x.K"), "K Jones", self.path("in.ms"), numpy.full((4, 2, 1, 2), 2.0))
        self.old = digests(self.path("in.ms"))

    def check(self, verb, first, wrong):
        for words, (status, text) in wrong.items():
            with self.subTest(words=words):
                more = [w for w in first if not any(x.split("=")[0] == w.split("=")[0] for x in words)]
                run = self.multims(verb, "in.ms", *more, *words, status=status)
                self.assertIn(text, run.stderr)
        self.assertEqual(digests(self.path("in.ms")), self.old)
        self.assertFalse(os.path.exists(self.path("in.ms.flagversions")))

    def test_applycal(self):
        self.check("applycal", ["gaintable=x.G"], APPLYCAL)

    def test_setjy(self):
        self.check("setjy", [], SETJY)

    def test_absent(self):
        for verb in "applycal", "setjy":
            self.assertIn("absent.ms", self.multims(verb, "absent.ms", status=2).stderr)

    def test_trial_and_dryrun_change_nothing(self):
        for words in ["applymode=trial"], ["--dryrun"], ["applymode=flagonly", "--dryrun"]:
            self.multims("applycal", "in.ms", "gaintable=x.G", *words)
        plan = self.answer("setjy", "in.ms", "standard=manual", "--dryrun")
        cells = 48 * 8 * 4
        self.assertEqual((plan["columns"], plan["bytes"], plan["rows"]), ({"MODEL_DATA": "added"}, 8 * cells, 48))
        plan = self.answer("applycal", "in.ms", "gaintable=x.G", "scan=1", "--dryrun")
        self.assertEqual(plan["bytes"], 8 * cells + cells // 2 + 24 * 4 * 4)
        self.assertEqual(plan["kept"], ["FLAG", "WEIGHT"])
        self.assertEqual(digests(self.path("in.ms")), self.old)

    def test_versions_are_saved_where_flags_change(self):
        for mode, count in ("calonly", 0), ("trial", 0), ("calflag", 1), ("flagonly", 2):
            self.multims("applycal", "in.ms", "gaintable=x.G", f"applymode={mode}")
            found = self.answer("flagmanager", "in.ms")
            self.assertEqual([found[str(i)]["name"] for i in range(len(found) - 1)],
                             [f"applycal_{i + 1}" for i in range(count)])

    def test_parts_without_selected_rows_are_skipped(self):
        self.multims("partition", "in.ms", "x.mms", "separationaxis=scan", "numsubms=2", "flagbackup=False")
        run = self.multims("applycal", "x.mms", "gaintable=x.G", "scan=1", "flagbackup=False")
        self.assertIn("1 parts have no selected rows", run.stdout)
        for part in os.listdir(self.path("x.mms/SUBMSS")):
            with table(self.path(f"x.mms/SUBMSS/{part}"), ack=False) as t:
                self.assertIn("CORRECTED_DATA", t.colnames())

    CHANGES = {"flagdata": ("antenna=1",), "statwt": ("timebin=20s", "datacolumn=data"), "applycal": ("gaintable=x.G",),
               "setjy": ("standard=manual", "usescratch=True"), "flagmanager": ("restore", "one")}

    def check_left(self, run, status, text, before, name):
        self.assertEqual(run.returncode, status, run.stderr)
        self.assertIn(text, run.stderr)
        self.assertEqual(set_bytes(self.path(name)), before)
        self.assertFalse(os.path.exists(self.path(f".{name}.mms-undo")), run.stderr)

    def test_a_set_that_cannot_be_written(self):
        """Its files, then the folder in which flags and old bytes are kept: told before anything is written."""
        words = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if os.geteuid() == 0 else []
        os.chmod(self.folder, 0o777)
        if words and self.run_words(*words, program_case.args.program, "info", "in.ms").returncode:
            self.skipTest("another user can't run the program here")
        self.multims("partition", "in.ms", "in.mms", "separationaxis=scan", "numsubms=2", "flagbackup=False")
        for name in "in.ms", "in.mms":
            self.multims("flagmanager", name, "save", "one")
            before, beside = set_bytes(self.path(name)), sorted(os.listdir(self.folder))
            for mode in 0o777, 0o555:
                os.chmod(self.folder, mode)
                for where, _, files in os.walk(self.path(name)):
                    for path in [where, *(os.path.join(where, f) for f in files)]:
                        os.chmod(path, 0o777 if mode == 0o555 else 0o555)
                for verb, more in self.CHANGES.items():
                    with self.subTest(set=name, verb=verb, mode=oct(mode)):
                        run = self.run_words(*words, program_case.args.program, verb, name, *more,
                                             env={**os.environ, "HOME": "/"})
                        self.check_left(run, 2, "can't be changed: Permission denied; nothing was written", before, name)
                        self.assertEqual(sorted(os.listdir(self.folder)), beside)
            os.chmod(self.folder, 0o777)

    def test_a_set_that_another_program_has_locked(self):
        self.multims("partition", "in.ms", "in.mms", "separationaxis=scan", "numsubms=2", "flagbackup=False")
        for name, part in {"in.ms": "in.ms", "in.mms": "in.mms/SUBMSS/in.0001.ms"}.items():
            self.multims("flagmanager", name, "save", "one")
            self.multims("flagdata", name, "antenna=2", "flagbackup=False")  # so that there is something to restore
            with table(self.path(part), readonly=False, ack=False, lockoptions="permanent"):
                before = set_bytes(self.path(name))
                for verb, more in self.CHANGES.items():
                    with self.subTest(set=name, verb=verb):
                        run = self.run_words(program_case.args.program, verb, name, *more, "workerretries=0")
                        self.check_left(run, 1, f"{part} could not be acquired", before, name)

    def test_a_part_that_is_there_twice_is_not_changed(self):
        self.multims("partition", "in.ms", "x.mms", "separationaxis=scan", "numsubms=2", "flagbackup=False")
        first, second = sorted(self.path("x.mms/SUBMSS/" + p) for p in os.listdir(self.path("x.mms/SUBMSS")))
        shutil.rmtree(second)
        os.symlink(os.path.basename(first), second)
        before = digests(first)
        for words in ["setjy", "x.mms", "standard=manual"], ["flagdata", "x.mms", "mode=manual", "flagbackup=False"]:
            self.assertIn("a link to the same table", self.multims(*words, "-j1", status=1).stderr)
        self.assertEqual(digests(first), before)


program_case.main()
