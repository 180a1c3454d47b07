# SPDX-License-Identifier: LGPL-2.1-or-later
"""A wrong value of every parameter of the verbs that work in place, and of uvcontsub and phaseshift, is refused in
words before anything changes; a parameter that has no wrong value is named here."""
import json
import os

import program_case
from program_case import ProgramCase

# what a request needs beside the parameter
BASE = {
    "flagdata": {}, "flagmanager": {"mode": "list"}, "statwt": {"datacolumn": "data"},
    "uvcontsub": {"outputvis": "out.ms"}, "uvcontsub_old": {"outputvis": "out.ms"},
    "phaseshift": {"outputvis": "out.ms", "phasecenter": "J2000 10h00m00 10d00m00", "datacolumn": "data"},
    "setjy": {"standard": "manual", "fluxdensity": "[1,0,0,0]"}, "applycal": {"parang": "True"},
}
# a wrong value of each type
TYPES = {"bool": "maybe", "int": "1.5", "double": "x", "bytes": "-1", "choice": "nonsense", "literal": "[1,"}
SELECTIONS = {"field": "nobody", "spw": "99", "antenna": "nowhere", "uvrange": "far", "timerange": "yesterday",
              "scan": "99", "intent": "*NOSUCH*", "array": "x", "observation": "x", "feed": "1", "taql": "NO SUCH",
              "msselect": "NO SUCH", "fitspw": "99", "combine": "corr"}
# of one parameter: its value, or that with what it needs
OF_ONE = {
    "vis": "absent.ms", "flagdata.correlation": ("ABS_QQ", "mode=clip"), "uvcontsub.correlation": "QQ",
    "phaseshift.correlation": "QQ", "flagdata.datacolumn": ("nope", "mode=clip"),
    "flagdata.timebin": ("x", "mode=clip", "timeavg=True"), "flagdata.action": "x", "flagdata.display": "data",
    "flagdata.outfile": ("absent/x.txt", "savepars=True"), "flagdata.inpfile": ("absent.txt", "mode=list"),
    "flagdata.reason": ("[x", "mode=list"), "flagdata.tbuff": ("[1,2,3]", "mode=list"),
    "flagdata.clipminmax": ("[1]", "mode=clip"), "flagdata.chanbin": ("0", "mode=clip", "channelavg=True"),
    "flagdata.addantenna": ("absent.txt", "mode=shadow"), "flagdata.ntime": ("0", "mode=tfcrop"),
    "flagdata.timedev": ("[[1,2]]", "mode=rflag"), "flagdata.freqdev": ("[[1,2]]", "mode=rflag"),
    "flagmanager.versionname": ("a/b", "mode=save"), "flagmanager.oldname": ("nosuch", "mode=rename", "versionname=b"),
    "statwt.statalg": "x", "uvcontsub.fitspec": "99:1", "uvcontsub_old.solint": "x",
    "statwt.fitspw": "99", "phaseshift.phasecenter": "nowhere", "setjy.standard": "x",
    "setjy.model": "x.im", "setjy.reffreq": "x", "setjy.interpolation": ("x", "standard=Perley-Butler 2017"),
    "applycal.callib": ("absent.txt", "docallib=True"), "applycal.applymode": "x", "uvcontsub.outputvis": "in.ms/x.ms",
    "uvcontsub_old.outputvis": "in.ms/x.ms", "phaseshift.outputvis": "in.ms/x.ms", "setjy.fluxdict": ("[1,", "standard=fluxscale"),
}
# any text is one; or, as in CASA, what has no meaning is warned about and leaves the command out
ANY = {"flagdata.name", "flagdata.cmdreason", "flagmanager.comment", "flagmanager.merge", "statwt.combine"}
WARNED = {"flagdata." + n: m for n, m in (("quackmode", "quack"), ("timefit", "tfcrop"), ("freqfit", "tfcrop"),
                                          ("flagdimension", "tfcrop"), ("usewindowstats", "tfcrop"),
                                          ("antint_ref_antenna", "antint"))}


class EveryParameter(ProgramCase):
    def setUp(self):
        super().setUp()
        self.multims("simulate", "in.ms", "antennas=3", "spws=1", "channels=4", "integrations=2", "scans=1", "--no-sync", "-q")
        self.before = self.files("in.ms")

    def files(self, name):
        found = {}
        for folder, _, names in os.walk(self.path(name)):
            for one in names:
                with open(os.path.join(folder, one), "rb") as file:
                    found[os.path.join(folder, one)] = file.read()
        return found

    def wrong(self, verb, p):
        name = f"{verb}.{p['name']}"
        if name in WARNED:
            return "nonsense", "mode=" + WARNED[name]
        value = OF_ONE.get(name, OF_ONE.get(p["name"]) if p["name"] == "vis" else None)
        value = value or (SELECTIONS.get(p["name"]) if p["type"] == "selection" else TYPES.get(p["type"]))
        return value if isinstance(value, tuple) else (value,)

    def ask(self, verb, p):
        value, *others = self.wrong(verb, p)
        self.assertIsNotNone(value, f"{verb}.{p['name']} ({p['type']}) has no wrong value here")
        words = {**BASE[verb], **dict(w.split("=", 1) for w in others), p["name"]: value}
        vis = words.pop("vis", "in.ms")
        dry = [] if verb == "flagmanager" or p["name"] == "dryrun" else ["--dryrun"]
        return value, self.run_words(program_case.args.program, verb, vis, *(f"{k}={v}" for k, v in words.items()), *dry)

    def test_wrong_values(self):
        tasks = {t["name"]: t for t in json.loads(self.multims("tasks", "--json").stdout)["tasks"]}
        for verb in BASE:
            for p in tasks[verb]["params"]:
                if f"{verb}.{p['name']}" in ANY:
                    continue
                with self.subTest(verb=verb, parameter=p["name"]):
                    value, run = self.ask(verb, p)
                    said = run.stderr
                    self.assertTrue(p["name"] in said or value in said or "zero rows" in said, said)
                    if f"{verb}.{p['name']}" in WARNED:
                        self.assertIn("Cannot create agent", said)
                    else:
                        self.assertIn(run.returncode, (1, 2, 3), said)
        self.assertEqual(self.files("in.ms"), self.before)


if __name__ == "__main__":
    program_case.main()
