# SPDX-License-Identifier: LGPL-2.1-or-later
"""setjy usescratch=False: a virtual model, in SOURCE of each part, as CASA writes and reads it."""
import os
import shutil

import numpy
from casacore.tables import table

import program_case
from program_case import ProgramCase
from undo_case import digests

MANUAL = ("standard=manual", "usescratch=False", "--no-sync", "-q")


def keywords(path):
    with table(path, ack=False) as t:
        return {k: v for k, v in t.getkeywords().items() if "model" in k}


def records(path):
    """What the rows of SOURCE hold."""
    with table(path + "/SOURCE", ack=False) as t:
        return [t.getcell("SOURCE_MODEL", i) if "SOURCE_MODEL" in t.colnames() else None for i in range(t.nrows())]


def lists(record):
    """Of a record: {(field, spw, scan, state): component}."""
    found = {}
    for i in range(record.get("numcl", 0)):
        entry = record[f"cl_{i}"]
        for row in numpy.array(entry["indexcombination"]).reshape(4, -1).T:  # one axis first
            found[tuple(int(x) for x in row)] = entry["container"]["component0"]
    return found


def columns(path):
    with table(path, ack=False) as t:
        return set(t.colnames())


class Virtual(ProgramCase):
    def setUp(self):
        super().setUp()
        self.simulate("in.ms", "correlations=RR,RL,LR,LL", "corrected=False", "scans=3")
        with table(self.path("in.ms/FIELD"), readonly=False, ack=False) as t:
            self.nfield = t.nrows()
            t.putcol("SOURCE_ID", numpy.arange(self.nfield, dtype="i4"))
            self.direction = t.getcell("PHASE_DIR", 0)[0]
        with table(self.path("in.ms/SOURCE"), ack=False) as t:
            self.sources = t.nrows()
        with table(self.path("in.ms"), ack=False) as t:
            self.rows = {tuple(r) for r in zip(*(t.getcol(c).tolist() for c in (
                "FIELD_ID", "DATA_DESC_ID", "SCAN_NUMBER", "STATE_ID")))}
        with table(self.path("in.ms/SPECTRAL_WINDOW"), ack=False) as t:
            self.freq = t.getcol("CHAN_FREQ")

    def sets(self):
        """The MS, and the parts of its Multi-MSs."""
        for axis in "scan", "spw", "auto", "baseline":
            self.multims("partition", "in.ms", f"{axis}.mms", f"separationaxis={axis}", "numsubms=3", "--no-sync",
                         "-q", "flagbackup=False")
            parts = sorted(os.listdir(self.path(f"{axis}.mms/SUBMSS")))
            yield f"{axis}.mms", [self.path(f"{axis}.mms/SUBMSS/{p}") for p in parts]
        yield "in.ms", [self.path("in.ms")]

    def held(self, path):
        """All models of a set, wherever they are kept."""
        found = {}
        for record in records(path) + [v for v in keywords(path).values() if isinstance(v, dict)]:
            found.update(lists(record or {}))
        return found

    def test_all_parts_have_it(self):
        for name, parts in self.sets():
            self.multims("setjy", name, *MANUAL, "fluxdensity=[3,0.1,0.2,0.3]", "spix=[-0.7,0.1]", "reffreq=1.5GHz")
            for part in parts:
                with self.subTest(part=part):
                    found = self.held(part)
                    self.assertEqual(set(found), self.rows)
                    self.assertNotIn("MODEL_DATA", columns(part))
                    for (field, spw, _, _), component in found.items():
                        x = self.freq[spw] / 1.5e9
                        s = x ** (-0.7 + 0.1 * numpy.log10(x))
                        spectrum = component["spectrum"]
                        for name, jy in zip(("ival", "qval", "uval", "vval"), (3, 0.1, 0.2, 0.3)):
                            numpy.testing.assert_allclose(spectrum[name], jy * s, rtol=1e-12)
                        numpy.testing.assert_array_equal(spectrum["tabFreqVal"], self.freq[spw])
                    where = found[min(found)]["shape"]["direction"]
                    turns = (where["m0"]["value"] - self.direction[0]) / (2 * numpy.pi)
                    self.assertAlmostEqual(turns, round(turns), 12)
                    self.assertAlmostEqual(where["m1"]["value"], self.direction[1], 12)

    def test_a_source_holds_it_and_keywords_say_where(self):
        self.multims("setjy", "in.ms", *MANUAL, "fluxdensity=2", "spix=-0.5", "field=0")
        self.assertEqual(keywords(self.path("in.ms/SOURCE")), {"definedmodel_field_0": "model_0", "model_0": 0})
        self.assertEqual(keywords(self.path("in.ms")), {})
        spectrum = next(iter(self.held(self.path("in.ms")).values()))["spectrum"]
        self.assertEqual((spectrum["type"], spectrum["index"]), ("Spectral Index", -0.5))

    def test_without_a_source_the_main_table_holds_it(self):
        with table(self.path("in.ms/FIELD"), readonly=False, ack=False) as t:
            t.putcol("SOURCE_ID", numpy.full(self.nfield, -1, "i4"))
        self.multims("setjy", "in.ms", *MANUAL, "fluxdensity=2", "field=0")
        found = keywords(self.path("in.ms"))
        self.assertEqual(found["definedmodel_field_0"], "model_0")
        self.assertEqual(set(lists(found["model_0"])), {r for r in self.rows if r[0] == 0})
        self.assertEqual(keywords(self.path("in.ms/SOURCE")), {})
        self.multims("setjy", "in.ms", "standard=manual", "--no-sync", "-q")
        self.assertEqual(keywords(self.path("in.ms")), {})

    def test_parts_that_share_a_source_have_main_tables_of_their_own(self):
        self.multims("partition", "in.ms", "in.mms", "separationaxis=scan", "numsubms=3", "--no-sync", "-q",
                     "flagbackup=False")
        parts = sorted(self.path("in.mms/SUBMSS/" + p) for p in os.listdir(self.path("in.mms/SUBMSS")))
        for part in parts:
            with table(part + "/FIELD", readonly=False, ack=False) as t:
                t.putcol("SOURCE_ID", numpy.full(t.nrows(), -1, "i4"))
        for part in parts[1:]:
            shutil.rmtree(part + "/SOURCE")
            os.symlink(f"../{os.path.basename(parts[0])}/SOURCE", part + "/SOURCE")
        self.multims("setjy", "in.mms", *MANUAL, "fluxdensity=2")
        for part in parts:
            self.assertEqual(set(self.held(part)), self.rows)
        self.multims("setjy", "in.mms", "standard=manual", "--no-sync", "-q")
        for part in parts:
            self.assertEqual(keywords(part), {})

    def test_another_model_of_a_window_replaces_that_one(self):
        self.multims("setjy", "in.ms", *MANUAL, "fluxdensity=2")
        self.multims("setjy", "in.ms", *MANUAL, "fluxdensity=9", "field=0", "spw=1")
        found = self.held(self.path("in.ms"))
        self.assertEqual(set(found), self.rows)
        for (field, spw, _, _), component in found.items():
            self.assertEqual(component["flux"]["value"][0], 9 if (field, spw) == (0, 1) else 2)

    def test_fields_of_one_source_share_its_row(self):
        with table(self.path("in.ms/FIELD"), readonly=False, ack=False) as t:
            t.putcol("SOURCE_ID", numpy.zeros(self.nfield, "i4"))
        for field in sorted({r[0] for r in self.rows}):
            self.multims("setjy", "in.ms", *MANUAL, f"fluxdensity={field + 1}", f"field={field}")
        found = lists(records(self.path("in.ms"))[0])
        self.assertEqual({k: int(c["flux"]["value"][0]) for k, c in found.items()}, {r: r[0] + 1 for r in self.rows})

    def test_model_data_take_its_place(self):
        """usescratch=True takes away all virtual models, in all parts, also those that are not selected."""
        for name, parts in self.sets():
            self.multims("setjy", name, *MANUAL, "fluxdensity=2")
            self.multims("setjy", name, "standard=manual", "fluxdensity=4", "scan=2", "--no-sync", "-q")
            for part in parts:
                with self.subTest(part=part):
                    self.assertEqual((self.held(part), keywords(part + "/SOURCE")), ({}, {}))
                    self.assertIn("MODEL_DATA", columns(part))

    def test_a_dry_run_changes_nothing(self):
        before = digests(self.path("in.ms"))
        self.multims("setjy", "in.ms", *MANUAL, "--dryrun")
        self.assertEqual(digests(self.path("in.ms")), before)

    def test_a_failure_leaves_the_old_bytes(self):
        """The record can't be written: of an older kind is the one that is there, or files may not grow."""
        self.multims("setjy", "in.ms", *MANUAL, "fluxdensity=2", "field=0")
        before = digests(self.path("in.ms"))
        self.run_words("bash", "-c", "trap '' XFSZ; ulimit -f 4; exec \"$0\" \"$@\"", program_case.args.program,
                       "setjy", "in.ms", *MANUAL, "fluxdensity=3", "spix=[-0.7,0.1]")
        self.multims("clean", "in.ms", "--restore")
        self.assertEqual(digests(self.path("in.ms")), before)
        with table(self.path("in.ms/SOURCE"), readonly=False, ack=False) as t:
            t.putcell("SOURCE_MODEL", 0, {"numcl": 1, "cl_0": {"fields": numpy.zeros(1, "i4")}})
        before = digests(self.path("in.ms"))
        run = self.multims("setjy", "in.ms", *MANUAL, "fluxdensity=3", "field=0", status=1)
        self.assertIn("of an older kind", run.stderr)
        self.assertEqual(digests(self.path("in.ms")), before)

    LAWS = {"curved": ["fluxdensity=[3,0.1,0.2,0.3]", "spix=[-0.7,0.1]", "reffreq=1.5GHz"],
            "flat": ["fluxdensity=[3,0.1,0.2,0.3]", "field=0"],
            "window": ["fluxdensity=[3,0.1,0.2,0.3]", "spix=[-0.7,0.1]", "scalebychan=False", "spw=1"],
            "index": ["fluxdensity=[3,0.1,0.2,0.3]", "spix=-0.7", "reffreq=1.5GHz", "scan=2"]}

    def test_they_are_calculated(self):
        """As if MODEL_DATA was there: rows without a model are 1, cross hands 0."""
        self.simulate("c.ms", "correlations=RR,RL,LR,LL", "corrected=True", "scans=3", "channels=8")
        self.multims("partition", "c.ms", "c.mms", "separationaxis=spw", "numsubms=2", "--no-sync", "-q", "flagbackup=False",
                     "datacolumn=all")
        for law, words in self.LAWS.items():
            tolerance = 2e-6
            for source in "c.ms", "c.mms":
                for real, name in (True, "real"), (False, "virtual"):
                    shutil.copytree(self.path(source), self.path(name), symlinks=True)
                    self.multims("setjy", name, "standard=manual", *words, f"usescratch={real}", "--no-sync", "-q")
                want = self.model("real", "MODEL_DATA")
                for columns, column in ("all", "MODEL_DATA"), ("model", "DATA"):
                    with self.subTest(law=law, source=source, columns=columns):
                        self.multims("mstransform", "virtual", "out", f"datacolumn={columns}", "realmodelcol=True",
                                     "--no-sync", "-q", "-j", 2)
                        numpy.testing.assert_allclose(self.model("out", column), want, rtol=0, atol=tolerance)
                        self.multims("verify", "out", "-q")
                        shutil.rmtree(self.path("out"))
                self.compare_uses(law)
                shutil.rmtree(self.path("real"))
                shutil.rmtree(self.path("virtual"))

    def model(self, name, column):
        with table(self.path(name), ack=False) as t:
            order = numpy.lexsort([t.getcol(k) for k in ("TIME", "DATA_DESC_ID", "ANTENNA1", "ANTENNA2")])
            return t.getcol(column)[order]

    def compare_uses(self, law):
        """statwt and flagdata see the same whether the model is virtual or not."""
        for verb, column, words in (("statwt", "WEIGHT", ["datacolumn=residual_data"]),
                                    ("flagdata", "FLAG", ["mode=clip", "datacolumn=RESIDUAL", "clipminmax=[0,3.01]"]),
                                    ("flagdata", "FLAG", ["mode=clip", "datacolumn=MODEL", "clipminmax=[0,2.5]"])):
            found = []
            for name in "real", "virtual":
                shutil.copytree(self.path(name), self.path("used"), symlinks=True)
                self.multims(verb, "used", *words, "flagbackup=False", "--no-sync", "-q", "-j", 2)
                found.append(self.model("used", column))
                shutil.rmtree(self.path("used"))
            with self.subTest(law=law, verb=verb, words=words):
                self.assertGreater(numpy.unique(found[0]).size, 1)
                numpy.testing.assert_allclose(*found, rtol=1e-5)

    def test_other_models_are_refused_by_name(self):
        self.multims("setjy", "in.ms", *MANUAL, "fluxdensity=2")
        with table(self.path("in.ms/SOURCE"), readonly=False, ack=False) as t:
            record = t.getcell("SOURCE_MODEL", 0)
        entry = record["cl_0"]
        point = entry["container"]["component0"]
        for change, words in (({"shape": {**point["shape"], "type": "Gaussian"}}, "shape Gaussian"),
                              ({"shape": {**point["shape"], "direction": {**point["shape"]["direction"], "m1": {
                                  "value": 0.1, "unit": "rad"}}}}, "not at the phase centre"),
                              ({"spectrum": {**point["spectrum"], "type": "Other"}}, "spectrum Other")):
            changed = {**record, "cl_0": {**entry, "container": {**entry["container"], "component0": {**point, **change}}}}
            with table(self.path("in.ms/SOURCE"), readonly=False, ack=False) as t:
                t.putcell("SOURCE_MODEL", 0, changed)
            before = digests(self.path("in.ms"))
            for verb in (["mstransform", "in.ms", "out.ms", "realmodelcol=True", "datacolumn=all"],
                         ["statwt", "in.ms", "datacolumn=residual_data"],
                         ["flagdata", "in.ms", "mode=clip", "datacolumn=RESIDUAL_DATA", "clipminmax=[0,1]"]):
                run = self.multims(*verb, "--no-sync", "-q", status=2)
                self.assertIn(words, run.stderr)
            self.assertEqual(digests(self.path("in.ms")), before)
            self.assertFalse(os.path.exists(self.path("out.ms")))


if __name__ == "__main__":
    program_case.main()
