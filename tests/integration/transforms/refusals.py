#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Bad input for each parameter of the three verbs: a message that names it, exit status 2, nothing
written.  What CASA was asked (parameters.json): a result or a refusal in words."""
import json
import os
import shutil
import sys
import unittest

from casacore.tables import makecoldesc, table

import program_case
from program_case import ProgramCase

program_case.parser.add_argument("--data", required=True)
program_case.parser.add_argument("--shared", required=True)
VERBS = ["mstransform", "split", "hanningsmooth"]
SETS = {"lofar_corrected": "tNDPPP-generic.MS", "alma_2scan_2spw": "mssel_test_small.ms"}

# In front of a request: what makes the parameter count.
NEEDS = {"separationaxis": "createmms=True", "numsubms": "createmms=True",
         "chanbin": "chanaverage=True", "timespan": "timeaverage=True timebin=10s",
         "maxuvwdistance": "timeaverage=True timebin=10s",
         "combine": "timebin=10s", "fitorder": "douvcontsub=True"}
TRUTH = ["perhaps", "2"]
CHANBIN = "Parameter chanbin must be > 1 to do channel averaging"
TIMEBIN = "Parameter timebin must be > '0s' to do time averaging"

# verb, parameter: {value: words of the message}; None: the message names parameter and value.
WRONG = {
    "mstransform": {
        "separationaxis": {"field": None, "scans": None},
        "numsubms": {"0": None, "-1": None, "x": None, "1.5": None},
        "tileshape": {"2": "When tileshape has one element, it should be either 0 or 1.",
                      "1,2": "Parameter tileshape must have 1 or 3 elements.", "x": None,
                      "-1,2,3": "tileshape"},
        "chanbin": {"": CHANBIN, "1": CHANBIN, "0": CHANBIN, "-2": CHANBIN, "x": None, "2.5": None,
                    "2,4,8": "Number of chanbin is different from the number of spw"},
        "timebin": {"0s": TIMEBIN, "-5s": TIMEBIN, "abc": None, "10furlong": None, "inf": None},
        "timespan": {"banana": None, "scan,banana": "banana"},
        "maxuvwdistance": {"x": None, "nan": None, "-1": None},
        "mode": {"x": None}, "interpolation": {"magic": None}, "outframe": {"XYZ": None},
        "veltype": {"x": None}, "nchan": {"a": None, "1.5": None}, "nspw": {"a": None},
        "fitorder": {"x": None, "-1": None}, "nthreads": {"x": None, "0": None}, "niter": {"x": None, "0": None},
        "ddistart": {"x": None, "1.5": None, "-2": None, "99999999999": None},
        "docallib": {"True": "parameter docallib: not in this version"},
    },
    "split": {
        "width": {"0": None, "-1": None, "2,2,2": "Number of width is different from the number"},
        "timebin": {"-1s": "timebin", "abc": None, "5parsec": None},
        "combine": {"banana": None, "state,banana": "banana", "field": None},
    },
    "hanningsmooth": {
        "smooth_spw": {value: f"Cannot parse {value}" for value in ("x", "-1", "1~", "0:1~3")} |
                      {"5": None, "0,7": "spw 7 is not selected"},
    },
}
SWITCHES = {
    "mstransform": ["createmms", "realmodelcol", "keepflags", "usewtspectrum", "combinespws",
                    "chanaverage", "hanning", "regridms", "preaverage", "timeaverage", "docallib",
                    "douvcontsub", "want_cont", "denoising_lib", "disableparallel",
                    "monolithic_processing", "reindex"],
    "split": ["keepmms", "keepflags"], "hanningsmooth": ["keepmms"]}
EVERY = {
    "datacolumn": {"foo": None, "model": "Desired column (MODEL_DATA) not found in the input MS"},
    "numerics": {"x": None}, "workers": {"0": None, "-1": None, "x": None},
    "dryrun": {"x": None}, "sync": {"x": None}, "keepscratch": {"x": None},
    "memory": {"x": None, "-1": None, "0": None, "16383K": "16383K is less than 16M",
               "64 furlong": None},
    "nosuch": {"1": "unknown parameter nosuch"},
    "scan": {"x": None, "1~": None}, "field": {"[": None, "nosuch*": None},
    "spw": {"0:a~b": None, "x": None, "99": None}, "antenna": {"&&&&": None, "nope": None},
    "timerange": {"foo": None}, "correlation": {"ZZ": None}, "uvrange": {"abc": None},
    "intent": {"NOPE": None}, "array": {"x": None}, "observation": {"x": None},
    "feed": {"x": None}, "taql": {"ANTENNA1==": None, "NOCOL==1": None},
}

# Asked of CASA: exceptions that the text repairs, and requests that it refuses.
ACCEPTED = [{"createmms": "yes"}, {"field": 0}, {"spw": [0, 1]}, {"scan": ["1", "2"]},
            {"antenna": [0]}, {"width": ["2"]}, {"width": ["a"]},
            {"douvcontsub": True, "fitspw": "0:1~3"}, {"regridms": True, "interpolation": "LINEAR"}, {"regridms": True, "outframe": "Lsrk"}]
REFUSED = [{"correlation": "XX,YY,XY"}, {"width": 0}, {"timebin": "-1s"},
           {"combine": "banana", "timebin": "20s"},
           {"nthreads": 0, "douvcontsub": True}, {"douvcontsub": True, "fitspw": "9"},
           {"douvcontsub": True, "combinespws": True}, {"douvcontsub": True, "fitorder": -1},
           {"douvcontsub": True, "niter": 0},
           {"regridms": True, "mode": "frequency", "start": "3GHz", "width": "1MHz", "nchan": 4},
           {"regridms": True, "phasecenter": "nowhere", "outframe": "BARY"},
           {"regridms": True, "phasecenter": 99, "outframe": "BARY"},
           {"regridms": True, "nchan": 100}, {"regridms": True, "start": 20},
           {"regridms": True, "nspw": 0}]


class RefusalCase(ProgramCase):
    def shared(self, *names):
        return os.path.join(program_case.args.shared, *names)

    def refuse(self, verb, source, *words, text=None, statuses=(2,)):
        """Demands a refusal in words and an unchanged folder."""
        before = sorted(os.listdir(self.folder))
        run = self.run_words(program_case.args.program, verb, source, "out.x", *words)
        self.assertIn(run.returncode, statuses, f"{words}: {run.stderr}")
        self.assertEqual(sorted(os.listdir(self.folder)), before, "something was written")
        self.assertEqual(run.stdout, "")
        last = run.stderr.splitlines()[-1]
        self.assertRegex(last, f"^multims {verb}: .*[a-z]{{3}}")
        for part in text or []:
            self.assertIn(part, last)


class BadValues(RefusalCase):
    def check(self, verb, source, name, values):
        switch = "timeaverage=True" if (verb, name) == ("mstransform", "timebin") else ""
        for value, text in values.items():
            with self.subTest(verb=verb, source=source, name=name, value=value):
                self.refuse(verb, source, "datacolumn=data", *NEEDS.get(name, switch).split(),
                            f"{name}={value}", text=[text] if text else [name, value])

    def test_each_parameter(self):
        self.simulate()
        for verb in VERBS:
            wrong = {**EVERY, **{name: {v: None for v in TRUTH} for name in SWITCHES[verb]}}
            for name, values in WRONG[verb].items():
                wrong[name] = {**wrong.get(name, {}), **values}
            for name, values in wrong.items():
                self.check(verb, "in.ms", name, values)

    def test_of_a_multi_ms(self):
        """The client refuses before a job starts."""
        self.simulate()
        self.multims("partition", "in.ms", "in.mms", "flagbackup=False", "--quiet", "--no-sync")
        for verb, name in (("mstransform", "chanbin"), ("mstransform", "timebin"),
                           ("split", "width"), ("split", "combine"),
                           ("hanningsmooth", "smooth_spw")):
            self.check(verb, "in.mms", name, WRONG[verb][name])

    def test_names(self):
        self.simulate()
        os.mkdir(self.path("exists.ms"))
        os.mkdir(self.path("flags.ms.flagversions"))
        for verb in VERBS:
            for words, text in (
                    (["vis=nope.ms", "outputvis=o.ms"], "Visibility data set not found"),
                    (["outputvis=o.ms"], "Please specify vis."),
                    (["vis=in.ms"], "Please specify outputvis."),
                    (["vis=in.ms", "outputvis= "], "Please specify outputvis."),
                    (["vis=in.ms", "outputvis=exists.ms"],
                     "Output MS exists.ms already exists - will not overwrite it."),
                    (["vis=in.ms", "outputvis=flags.ms"],
                     "The flagversions flags.ms.flagversions for the output MS already exists.")):
                with self.subTest(verb=verb, words=words):
                    before = sorted(os.listdir(self.folder))
                    run = self.multims(verb, *words, "datacolumn=data", status=2)
                    self.assertIn(text, run.stderr.splitlines()[-1])
                    self.assertEqual(sorted(os.listdir(self.folder)), before)

    def test_no_rows(self):
        self.simulate()
        for verb in VERBS:
            for selection in "scan=99", "taql=ANTENNA1 > 99":
                with self.subTest(verb=verb, selection=selection):
                    self.refuse(verb, "in.ms", "datacolumn=data", selection, statuses=(3,),
                                text=["The selected table has zero rows."])


class VirtualModels(RefusalCase):
    """realmodelcol refuses a model that can't be calculated, and nothing else."""

    def attach(self, *keywords):
        """What CASA writes for setjy usescratch=False: a column of SOURCE, keywords there."""
        self.simulate()
        with table(self.path("in.ms/SOURCE"), readonly=False, ack=False) as source:
            source.addcols(makecoldesc("SOURCE_MODEL", {"valueType": "record", "option": 0,
                                                        "dataManagerGroup": "models"}))
            for name, value in keywords:
                source.putkeyword(name, value)

    def run_it(self, datacolumn, status=0):
        shutil.rmtree(self.path("out.ms"), ignore_errors=True)
        run = self.multims("mstransform", "in.ms", "out.ms", f"datacolumn={datacolumn}",
                           "realmodelcol=True", "--no-sync", status=status)
        self.assertEqual(os.path.exists(self.path("out.ms")), status == 0)
        return run.stderr

    def columns(self):
        with table(self.path("out.ms"), ack=False) as main:
            return {c for c in main.colnames() if c.endswith("_DATA")}

    def test_a_model_is_written_where_it_is_asked_for(self):
        self.attach(("definedmodel_field_0", "model_0"), ("model_0", 0))
        for datacolumn, columns in (("all", {"CORRECTED_DATA", "MODEL_DATA"}),
                                    ("data,model,corrected", {"CORRECTED_DATA", "MODEL_DATA"}), ("data", set())):
            self.run_it(datacolumn)
            self.assertEqual(self.columns(), columns)
        self.run_it("model")
        with table(self.path("out.ms"), ack=False) as main:  # of a record without components
            self.assertEqual(set(main.getcol("DATA").ravel()), {0, 1})

    def test_a_keyword_that_names_no_model_is_none(self):
        self.attach(("definedmodel_field_0", "model_0"))
        self.assertIn("no model is set", self.run_it("all"))

    def test_a_column_alone_is_no_model(self):
        self.attach()
        self.assertIn("no model is set", self.run_it("all"))
        self.assertEqual(self.columns(), {"CORRECTED_DATA"})
        self.assertIn("Desired column (MODEL_DATA) not found", self.run_it("model", 2))

    def test_a_model_of_the_main_table(self):
        self.simulate()
        with table(self.path("in.ms"), readonly=False, ack=False) as main:
            main.putkeyword("definedmodel_field_1", "model_1")
            main.putkeyword("model_1", {"cl": {}})
        self.assertIn("a record of CASA's older kind", self.run_it("all", 2))


class AskedOfCasa(RefusalCase):
    """The requests of parameters.json, section refusals."""

    def setUp(self):
        super().setUp()
        if not os.path.exists(self.shared("oracle", "parameters.json")):
            self.skipTest("parameters.json is not here")
        with open(self.shared("oracle", "parameters.json")) as f:
            self.record = json.load(f)

    def input_of(self, entry):
        if entry["input"] in SETS:
            return os.path.join(program_case.args.data, SETS[entry["input"]])
        name = entry["input"].split()[-1]
        if not os.path.exists(self.path(f"{name}.ms")):
            script = self.shared("oracle", "make_shape.py")
            shapes = self.shared("oracle", "decisions.json")
            run = self.run_words(sys.executable, script, shapes, name, f"{name}.ms")
            self.assertEqual(run.returncode, 0, run.stderr)
        return f"{name}.ms"

    def test_odd_calls(self):
        entries = [e for e in self.record["refusals"] if e["verb"] in VERBS]
        self.assertGreater(len(entries), 50)
        for entry in entries:
            with self.subTest(verb=entry["verb"], parameters=entry["parameters"]):
                self.check(entry, self.input_of(entry))

    def check(self, entry, source):
        given = {"datacolumn": "data", **entry["parameters"]}
        words = [f"{k}={v}" for k, v in given.items()]
        waits = given.get("docallib")
        refused = ("exception" in entry and entry["parameters"] not in ACCEPTED
                   or entry["parameters"] in REFUSED or waits)
        if refused:
            return self.refuse(entry["verb"], source, *words)
        name = f"out{len(os.listdir(self.folder))}.ms"
        run = self.multims(entry["verb"], source, name, *words, "--no-sync")
        self.multims("verify", name, "--quiet")
        said = " ".join(run.stderr.split())
        for level, text in entry.get("messages", []):
            self.assertIn(" ".join(text.split()), said, level)

    def test_defaults_change_nothing(self):
        """Every parameter at CASA's default, as pasted from a script."""
        self.simulate()
        for verb in VERBS:
            with self.subTest(verb=verb):
                self.multims(verb, "in.ms", f"{verb}.plain", "--no-sync", "--quiet")
                words = [f"{p['name']}={p['default']}"
                         for p in self.record["verbs"][verb] if self.has_default(p)]
                run = self.multims(verb, "in.ms", f"{verb}.pasted", "--no-sync", "--quiet", *words)
                self.assertEqual(run.stderr, "")
                self.multims("diff", f"{verb}.plain", f"{verb}.pasted", "--quiet")

    def has_default(self, p):
        return p["name"] not in ("vis", "outputvis") and p.get("default") is not None


if __name__ == "__main__":
    program_case.main()
