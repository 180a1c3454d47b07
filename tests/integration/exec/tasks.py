# SPDX-License-Identifier: LGPL-2.1-or-later
"""The unit cases of mpi4casa that are tasks over a Multi-MS, C56 to C68, by number: verbs as commands, on local
servers (--ranks 0) or those of ranks. Judged by python-casacore, and by what the verb alone makes of the MS."""
import json
import os
import shutil
import subprocess

import numpy
from casacore.tables import table

import caltable
import program_case
from machine import mpirun, patient
from program_case import ProgramCase, parser

parser.add_argument("--ranks", type=int, required=True)
MPI = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
       "OMPI_MCA_rmaps_base_oversubscribe": "1", "PMIX_MCA_gds": "hash"}


class Tasks(ProgramCase):
    files = 0

    def words(self, commands):
        """A run of exec that pushes all commands at once."""
        self.files += 1
        name = f"commands{self.files}.json"
        with open(self.path(name), "w") as file:
            json.dump([{"command": c, "block": False} for c in commands], file)
        count = [] if program_case.args.ranks else ["-j", "3"]
        return [*mpirun(program_case.args.ranks), program_case.args.program, "exec", "--json", "--file",
                name, *count]

    def rets(self, *commands, status=0):
        run = self.run_words(*self.words(commands), env={**os.environ, **MPI})
        self.assertEqual(run.returncode, status, run.stdout + run.stderr)
        return [r["ret"] for r in json.loads(run.stdout)["responses"]]

    def at_once(self, *commands):
        """Each from a client of its own, at the same time: mpi4casa's threads."""
        runs = [subprocess.Popen(self.words([c]), cwd=self.folder, env={**os.environ, **MPI}, text=True,
                                 stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
                for c in commands]
        said = [run.communicate(timeout=patient(60))[0] for run in runs]
        return [json.loads(text)["responses"][0]["ret"] for text in said]

    def make(self, axis="scan", copies=(), **simulated):
        self.simulate("in.ms", "correlations=RR,RL,LR,LL", *(f"{k}={v}" for k, v in simulated.items()))
        self.multims("partition", "in.ms", "x.mms", f"separationaxis={axis}", "flagbackup=False", "--no-sync", "-q")
        for name in copies:
            shutil.copytree(self.path("x.mms"), self.path(name), symlinks=True)

    def column(self, name, column, **wanted):
        """A column where others have the values that are wanted."""
        with table(self.path(name), ack=False) as t:
            use = numpy.ones(t.nrows(), bool)
            for other, value in wanted.items():
                use &= t.getcol(other) == value
            return t.getcol(column)[use]

    def test_c56_a_list_of_flag_commands(self):
        """Unflag, clip, summary: by window as numpy counts them, and as the verb alone on the MS."""
        self.make("spw", spws=16, fields=1)
        flags = "flagdata(vis='%s', mode='list', inpfile='list', flagbackup=False)"
        with open(self.path("list"), "w") as file:
            file.write("mode='unflag'\nmode='clip' clipminmax=[0,0.1]\n")
        self.rets(flags % "x.mms")
        self.multims(flags % "in.ms", "-q")
        summary = self.rets("flagdata(vis='x.mms', mode='summary', name='Summary')")[0]
        self.assertEqual(len(summary["spw"]), 16)
        for spw in range(16):
            data = self.column("x.mms", "DATA", DATA_DESC_ID=spw)
            self.assertEqual(summary["spw"][str(spw)]["flagged"], (numpy.abs(data) > numpy.float32(0.1)).sum())
        alone = self.answer("flagdata", "in.ms", "mode=summary", "name=Summary")
        self.assertEqual({k: v["flagged"] for k, v in alone["spw"].items()},
                         {k: v["flagged"] for k, v in summary["spw"].items()})

    def test_c58_three_clients(self):
        self.make(copies=("b.mms", "c.mms"))
        alone = self.answer("flagdata", "x.mms", "mode=summary")
        found = self.at_once(*(f"flagdata(vis='{v}.mms', mode='summary')" for v in "xbc"))
        self.assertEqual(found, [alone] * 3)

    def check_models(self, fluxes):
        for field, flux in enumerate(fluxes):
            model = self.column("x.mms", "MODEL_DATA", FIELD_ID=field)
            self.assertGreater(len(model), 0)
            numpy.testing.assert_array_equal(model[..., 0], flux)
            numpy.testing.assert_array_equal(model[..., 3], flux)

    def test_c61_setjy_of_one_field(self):
        self.make(fields=3, scans=3)
        self.rets("setjy(vis='x.mms', field='0', standard='manual', fluxdensity=1331)")
        self.check_models([1331, 1, 1])

    def test_c62_setjy_of_two_fields(self):
        self.make(fields=3, scans=3)
        self.rets("setjy(vis='x.mms', field='0', standard='manual', fluxdensity=1331); "
                  "setjy(vis='x.mms', field='1', standard='manual', fluxdensity=1445)")
        self.check_models([1331, 1445, 1])

    def check_virtual(self, fluxes):
        """The sources of the first fields carry models in all parts, and no others."""
        for part in sorted(os.listdir(self.path("x.mms/SUBMSS"))):
            with table(self.path(f"x.mms/SUBMSS/{part}/SOURCE"), ack=False) as t:
                models = [(int(t.getcell("SOURCE_ID", i)), t.getcell("SOURCE_MODEL", i)) for i in range(t.nrows())]
            models = {source: model for source, model in models if model.get("numcl", 0)}
            self.assertEqual(sorted(models), list(range(len(fluxes))))
            for source, model in models.items():
                flux = model["cl_0"]["container"]["component0"]["flux"]["value"]
                numpy.testing.assert_allclose(numpy.array(flux)[0].real, fluxes[source], rtol=1e-12)

    def test_c59_virtual_model_of_one_field(self):
        self.make(fields=3, scans=3)
        self.rets("setjy(vis='x.mms', field='0', standard='manual', fluxdensity=1331, usescratch=False)")
        self.check_virtual([1331])

    def test_c60_virtual_models_of_two_fields(self):
        self.make(fields=3, scans=3)
        self.rets("setjy(vis='x.mms', field='0', standard='manual', fluxdensity=1331, usescratch=False); "
                  "setjy(vis='x.mms', field='1', standard='manual', fluxdensity=1445, usescratch=False)")
        self.check_virtual([1331, 1445])

    def tables(self):
        gains = numpy.array([[1 + 0.5j, 2], [0.5, 1j], [2, 2], [1, 0.25 - 1j]])
        for i in 1, 2, 3:
            caltable.make(self.path(f"t{i}.G"), "G Jones", self.path("in.ms"),
                          (gains * i)[:, None, None, :].repeat(2, 1))
        return "applycal(vis='%s', gaintable=['t1.G', 't2.G', 't3.G'], flagbackup=False)"

    def same_as_the_ms(self, *names):
        for name in names:
            self.multims("diff", "in.ms", name, "--ignore-order", "-q")

    def test_c63_applycal_with_three_tables(self):
        self.make()
        call = self.tables()
        self.multims(call % "in.ms", "-q")
        self.rets(call % "x.mms")
        self.same_as_the_ms("x.mms")

    def test_c64_three_sets_pushed_at_once(self):
        self.make(copies=("b.mms", "c.mms"))
        call = self.tables()
        self.multims(call % "in.ms", "-q")
        self.rets(*(call % f"{v}.mms" for v in "xbc"))
        self.same_as_the_ms("x.mms", "b.mms", "c.mms")

    def test_c65_three_sets_from_three_clients(self):
        self.make(copies=("b.mms", "c.mms"))
        call = self.tables()
        self.multims(call % "in.ms", "-q")
        self.at_once(*(call % f"{v}.mms" for v in "xbc"))
        self.same_as_the_ms("x.mms", "b.mms", "c.mms")

    CONTSUB = "uvcontsub_old(vis='%s', fitspw='%s:0~5', spw='%s', fitorder=1, want_cont=True)"

    def test_c66_uvcontsub_of_one_window_with_continuum(self):
        self.make()
        self.multims(self.CONTSUB % ("in.ms", 1, 1), "-q")
        self.rets(self.CONTSUB % ("x.mms", 1, 1))
        for end in "contsub", "cont":
            self.multims("diff", f"in.ms.{end}", f"x.mms.{end}", "--ignore-order", "-q")

    def test_c67_uvcontsub_from_three_clients(self):
        self.make(copies=("b.mms", "c.mms"))
        self.multims(self.CONTSUB % ("in.ms", 1, 1), "-q")
        self.at_once(*(self.CONTSUB % (f"{v}.mms", 1, 1) for v in "xbc"))
        for v in "xbc":
            self.multims("diff", "in.ms.contsub", f"{v}.mms.contsub", "--ignore-order", "-q")

    def test_c68_a_window_that_is_not_there(self):
        """An answer in words; the servers go on."""
        self.make()
        got = self.rets(self.CONTSUB % ("x.mms", 9, 9), "1+1", status=1)
        self.assertEqual(got, [None, 2])


program_case.main()
