# SPDX-License-Identifier: LGPL-2.1-or-later
"""statwt, applycal, setjy, uvcontsub, uvcontsub_old, phaseshift: what comes of a Multi-MS is, bit for bit, what comes
of the plain MS, along every axis, with 1 to 3 local workers and with 2 and 3 ranks under mpirun.

By default each request is done on axis baseline and one other; with --all in every way."""
import os
import shutil

import numpy
from casacore.tables import table

import caltable
import program_case
from machine import MPIEXEC, mpirun
from program_case import ProgramCase, SharedSets

program_case.parser.add_argument("--all", action="store_true", help="each request in every way")
AXES = ["scan", "spw", "auto", "baseline"]
KEYS = ["TIME", "DATA_DESC_ID", "ANTENNA1", "ANTENNA2", "SCAN_NUMBER", "FIELD_ID"]
LOCAL, RANKS = (1, 2, 3), (2, 3)
KEEP = ("flagbackup=False",)
OUT = ("uvcontsub", "phaseshift")  # verbs that write another set

# name: input, verb, words; those of applycal save no flags
REQUESTS = {
    "statwt_seconds": ("plain", "statwt", "timebin=25s"),
    "statwt_blocks": ("plain", "statwt", "timebin=3", "chanbin=4", "datacolumn=data"),
    "statwt_slides": ("plain", "statwt", "timebin=3", "slidetimebin=True", "minsamp=3"),
    "statwt_combined": ("spectra", "statwt", "timebin=300s", "combine=scan,field,corr", "chanbin=spw"),
    "statwt_fitted": ("spectra", "statwt", "timebin=25s", "fitspw=0:2~9", "datacolumn=residual_data"),
    "applycal_gains": ("plain", "applycal", "gaintable=['G','B']", "calwt=[True,False]", *KEEP),
    "applycal_leakages": ("spectra", "applycal", "gaintable=['D','K']", "interp=nearest", *KEEP),
    "applycal_nearest": ("spectra", "applycal", "gaintable=G", "interp=nearest", "spwmap=[0,0]", *KEEP),
    "applycal_flagonly": ("plain", "applycal", "gaintable=G", "applymode=flagonly", *KEEP),
    "applycal_some": ("plain", "applycal", "gaintable=G", "scan=2,3", "antenna=0", "gainfield=0", *KEEP),
    "setjy_spectrum": ("plain", "setjy", "standard=manual", "fluxdensity=[3,0.1,0.2,0.3]", "spix=[-0.7,0.1]",
                       "reffreq=1.5GHz", "usescratch=True"),
    "setjy_rotation": ("spectra", "setjy", "standard=manual", "fluxdensity=[3,0,0,0]", "polindex=[0.1]",
                       "polangle=[0.5]", "rotmeas=10", "reffreq=1.4GHz", "usescratch=True", "scan=2"),
    "setjy_standard": ("plain", "setjy", "field=3C286", "usescratch=True", "scalebychan=False"),
    "uvcontsub_line": ("spectra", "uvcontsub", "fitspec=0:0~5;11~15", "fitorder=1", "writemodel=True"),
    "uvcontsub_fields": ("plain", "uvcontsub", 'fitspec={"0": {"0": {"chan": "0~9", "fitorder": 2}}, "1": "NONE"}'),
    "uvcontsub_corrected": ("spectra", "uvcontsub", "datacolumn=corrected", "spw=1", "fitorder=3"),
    "uvcontsub_old": ("plain", "uvcontsub_old", "fitspw=*:3~9", "excludechans=True", "fitorder=1", "want_cont=True"),
    "uvcontsub_old_windows": ("spectra", "uvcontsub_old", "combine=spw", "fitspw=0:1~9,1:4~12", "spw=1:2~7",
                              "fitorder=1"),
    "uvcontsub_old_times": ("plain", "uvcontsub_old", "solint=25s", "combine=scan", "fitorder=2", "want_cont=True"),
    "phaseshift": ("plain", "phaseshift", "phasecenter=J2000 10h01m00s -30d10m00s"),
    "phaseshift_field": ("spectra", "phaseshift", 'phasecenter={"1": "J2000 10h01m00s -30d10m00s"}', "scan=1~3",
                         "datacolumn=corrected"),
}


def columns(path):
    """All columns of the main table, the rows in an order that parts do not change."""
    with table(path, ack=False) as t:
        order = numpy.lexsort([t.getcol(k) for k in KEYS[::-1]])
        names = [n for n in t.colnames() if t.nrows() and t.iscelldefined(n, 0)]
        return {n: t.getcol(n)[order] for n in names}


class EveryWay(SharedSets, ProgramCase):
    def setUp(self):
        super().setUp()
        if not os.path.exists(f"{self.sets}/G"):
            for name, spectra in ("plain", "False"), ("spectra", "True"):
                self.make_set(name, f"wtspectrum={spectra}", f"sigmaspectrum={spectra}")
            self.make_tables()

    def make_set(self, name, *words):
        path = f"{self.sets}/{name}.ms"
        self.simulate(path, "antennas=5", "channels=16", "integrations=6", "fields=2", "scans=4", "flags=0.1",
                      "correlations=RR,RL,LR,LL", "corrected=True", f"model={name == 'spectra'}", *words)
        chance = numpy.random.default_rng(3)
        with table(path, readonly=False, ack=False) as t:
            for column in "DATA", "CORRECTED_DATA":
                shape = t.getcol(column).shape
                t.putcol(column, (chance.normal(2, 1, shape) + 1j * chance.normal(0, 1, shape)).astype("c8"))
        with table(f"{path}/FIELD", readonly=False, ack=False) as fields:
            fields.putcell("NAME", 0, "3C286")
        for axis in AXES:
            self.multims("partition", path, f"{self.sets}/{name}-{axis}.mms", f"separationaxis={axis}", "numsubms=4",
                         "flagbackup=False", "datacolumn=all", "--no-sync", "-q")

    def make_tables(self):
        chance = numpy.random.default_rng(4)
        path = f"{self.sets}/plain.ms"
        with table(path, ack=False) as t:
            times = numpy.unique(t.getcol("TIME"))[::3]
        gains = lambda *shape: 1 + 0.3 * (chance.normal(size=shape) + 1j * chance.normal(size=shape))
        flags = chance.random((len(times), 5, 2, 1, 2)) < 0.1
        caltable.make(f"{self.sets}/B", "B Jones", path, gains(5, 2, 16, 2))
        caltable.make(f"{self.sets}/D", "D Jones", path, 0.1 * gains(5, 2, 1, 2))
        caltable.make(f"{self.sets}/K", "K Jones", path, chance.normal(0, 20, (5, 2, 1, 2)))
        caltable.make(f"{self.sets}/G", "G Jones", path, gains(*flags.shape), times=times, flags=flags)

    def do(self, source, request, workers=1, ranks=0):
        """What a request gives: the columns of all sets that it has written or changed, and its answer."""
        verb, words = request[1], list(request[2:])
        for i, word in enumerate(words):
            if word.startswith("gaintable="):
                for name in "GBDK":
                    words[i] = words[i].replace(f"'{name}'", f"'{self.sets}/{name}'")
                words[i] = words[i].replace("=G", f"={self.sets}/G")
        for name in os.listdir(self.folder):
            shutil.rmtree(self.path(name))
        shutil.copytree(source, self.path("work"), symlinks=True)
        more = ["out"] if verb in OUT else []
        run = self.run_words(*mpirun(ranks), program_case.args.program, verb, "work", *more, *words, "--no-sync", "-q",
                             *([] if ranks else ["-j", workers]))
        self.assertEqual(run.returncode, 0, f"{verb} {words} {source}\n{run.stdout}\n{run.stderr}")
        made = [n for n in ("out", "work.contsub", "work.cont") if os.path.exists(self.path(n))]
        return {name: columns(self.path(name)) for name in made or ["work"]}

    def compare(self, got, want, what):
        self.assertEqual(got.keys(), want.keys(), what)
        for name in want:
            self.assertEqual(sorted(got[name]), sorted(want[name]), what)
            for column, cells in want[name].items():
                same = got[name][column].tobytes() == cells.tobytes()
                self.assertTrue(same, f"{what}: {name}: {column}: {numpy.sum(got[name][column] != cells)} differ")

    def ways(self, turn):
        """(axis, workers, ranks) of a request."""
        if program_case.args.all:
            return [(a, w, 0) for a in AXES for w in LOCAL] + [(a, 1, r) for a in AXES for r in RANKS if MPIEXEC]
        ranks = RANKS[turn % 2] if turn % 5 == 0 and MPIEXEC else 0
        return [("baseline", 1 + turn % 3, ranks), (AXES[turn % 3], 1 + (turn + 1) % 3, 0)]

    def check(self, name):
        request = REQUESTS[name]
        before = columns(f"{self.sets}/{request[0]}.ms")
        want = self.do(f"{self.sets}/{request[0]}.ms", request)
        changed = [c for found in want.values() for c in found
                   if c not in before or found[c].tobytes() != before[c].tobytes()]
        self.assertTrue(changed, "a request that changes nothing proves nothing")
        for axis, workers, ranks in self.ways(list(REQUESTS).index(name)):
            got = self.do(f"{self.sets}/{request[0]}-{axis}.mms", request, workers, ranks)
            self.compare(got, want, f"{name} on axis {axis}, {ranks or workers} {'ranks' if ranks else 'workers'}")
        got = self.do(f"{self.sets}/{request[0]}.ms", request, 3)  # threads of one worker
        self.compare(got, want, f"{name} by 3 threads")

    def test_statwt_answer(self):
        answers = []
        for workers in 1, 3:
            shutil.rmtree(self.path("work"), ignore_errors=True)
            shutil.copytree(f"{self.sets}/spectra.ms", self.path("work"))
            answers.append(self.answer("statwt", "work", "timebin=25s", "chanbin=3", "--no-sync", "-j", workers))
        self.assertEqual(answers[0], answers[1])
        self.assertGreater(answers[0]["variance"], 0)

    def fits(self, source, workers):
        """How often each fit was made, and those that a real part of no number is left of."""
        shutil.rmtree(self.path("out"), ignore_errors=True)
        made = self.answer("uvcontsub", source, "out", "datacolumn=corrected", "--no-sync", "-j", workers)
        counts, lost = {}, []
        for field, scans in made["goodness_of_fit"]["field"].items():
            for scan, spws in scans["scan"].items():
                for spw, fits in spws["spw"].items():
                    for corr, fit in fits["polarization"].items():
                        counts[field, scan, spw, corr] = fit["count"]
                        if fit["chi_squared"]["average"]["real"] == "nan":
                            lost.append((scan, corr))
        return counts, lost

    def test_answers_that_are_no_numbers(self):
        counts, lost = self.fits(f"{self.sets}/plain.ms", 1)
        self.assertEqual(lost, [])
        shutil.copytree(f"{self.sets}/plain.ms", self.path("work"))
        with table(self.path("work"), readonly=False, ack=False) as t:
            row = numpy.flatnonzero(t.getcol("SCAN_NUMBER") == 2)[9]  # a time's last baseline
            data = t.getcell("CORRECTED_DATA", row)
            data[3, 1] = numpy.nan
            t.putcell("CORRECTED_DATA", row, data)
            t.putcell("FLAG", row, numpy.zeros(data.shape, bool))
        for workers in 1, 3:
            self.assertEqual(self.fits("work", workers), (counts, [("2", "1")]))
        found = self.answer("statwt", "work", "timebin=2", "--preview", "--no-sync")
        self.assertEqual((found["mean"], found["variance"]), ("nan", "nan"))


for request_name in REQUESTS:
    setattr(EveryWay, f"test_{request_name}", lambda self, name=request_name: self.check(name))
program_case.main()
