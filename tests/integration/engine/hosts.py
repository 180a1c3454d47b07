# SPDX-License-Identifier: LGPL-2.1-or-later
"""Programs that use the library and can't be their own workers, and launchers of another MPI."""
import os
import shutil

import program_case
from machine import MPI_NAME
from program_case import ProgramCase, parser

parser.add_argument("--host", required=True)
parser.add_argument("--worker", required=True)



class Hosts(ProgramCase):
    def host(self, *words, status=0, **variables):
        run = self.run_words(program_case.args.host, *words, env={**os.environ, **variables})
        self.assertEqual(run.returncode, status, run.stderr)
        return run.stderr

    def test_an_engine_is_refused_to_a_program_that_serves_no_workers(self):
        self.assertIn("this program can't be a worker, for it does not call mms_engine_serve() first",
                      self.host("open", status=1))

    def test_a_worker_that_does_not_serve_ends_in_words(self):
        said = self.host("open", status=1, MULTIMS_WORKER_FD="3")
        self.assertIn("started to be a worker, but its program does not call mms_engine_serve()", said)

    def test_several_copies_of_it_are_refused(self):
        for variables in {"OMPI_COMM_WORLD_SIZE": "2"}, {"PMI_SIZE": "2"}, {"ALPS_APP_PE": "0"}:
            for mode in "open", "here":
                self.assertIn("several copies", self.host(mode, status=1, **variables))

    def test_units_run_in_it(self):
        self.assertEqual(self.host("here"), "")
        self.assertEqual(self.host("here", OMPI_COMM_WORLD_SIZE="2", MULTIMS_TRANSPORT="local"), "")

    def partition(self, name, **variables):
        said = self.host("task", "in.ms", name, "scan=1", "--no-sync", **variables)
        self.assertEqual(said, "")
        self.multims("verify", name, "--against", "in.ms", "scan=1")

    def test_tasks_run_in_the_helper(self):
        self.simulate()
        self.partition("out.mms")
        self.partition("inline.mms", MULTIMS_TRANSPORT="inline")
        self.multims("diff", "out.mms", "inline.mms", "--parts")

    def test_the_helper_may_lie_elsewhere_or_nowhere(self):
        self.simulate()
        moved = self.path("a folder")
        os.mkdir(moved)
        said = self.host("task", "in.ms", "no.mms", status=1, MULTIMS_LIBEXEC=moved)
        self.assertIn(f"{moved}/multims-worker, the program of workers, is not there", said)
        shutil.copy(program_case.args.worker, moved)
        self.partition("out.mms", MULTIMS_LIBEXEC=moved)
        self.assertFalse(os.path.exists(self.path("no.mms")))

    def test_the_helper_is_no_program_for_people(self):
        run = self.run_words(program_case.args.worker)
        self.assertEqual(run.returncode, 2)
        self.assertIn("the one for you is multims", run.stderr)

    def test_valgrind_runs_the_client_alone(self):
        if os.environ.get("MULTIMS_SANITIZE") != "OFF":
            self.skipTest("valgrind can't run a build with sanitizers")
        if not shutil.which("valgrind"):
            self.skipTest("no valgrind")
        self.simulate()
        for transport in "local", "inline":
            run = self.run_words("valgrind", "-q", "--error-exitcode=9", program_case.args.program,
                                 "partition", "in.ms", transport + ".mms", "scan=1", "-j2",
                                 "--no-sync", "-q",
                                 env={**os.environ, "MULTIMS_TRANSPORT": transport})
            self.assertEqual(run.returncode, 0, run.stderr)
            self.multims("verify", transport + ".mms", "--against", "in.ms", "scan=1")


class Launchers(ProgramCase):
    """A launcher starts copies that its own MPI makes one world of; ours can't be let run as several."""

    def refused(self, *prefix, **variables):
        run = self.run_words(*prefix, program_case.args.program, "partition", "in.ms", "out.mms",
                             env={**os.environ, **variables})
        self.assertNotEqual(run.returncode, 0)
        self.assertIn("a launcher was found, but MPI can't be used", run.stderr)
        self.assertIn("MULTIMS_TRANSPORT=local", run.stderr)
        self.assertEqual(os.listdir(self.folder), ["in.ms"])
        return run

    def foreign(self):
        if MPI_NAME.startswith("Open MPI"):
            return [{"PMI_RANK": "0", "PMI_SIZE": "2"}, {"PMI_RANK": "1"}, {"PMI_SIZE": "2"},
                    {"ALPS_APP_PE": "3"}, {"PALS_RANKID": "0"}, {"MV2_COMM_WORLD_RANK": "1"}]
        return [{"OMPI_COMM_WORLD_RANK": "0", "OMPI_COMM_WORLD_SIZE": "2", "PMIX_RANK": "0"},
                {"OMPI_COMM_WORLD_SIZE": "2"}]

    def test_variables_of_other_launchers(self):
        self.simulate()
        for variables in self.foreign():
            with self.subTest(variables=variables):
                self.assertEqual(self.refused(**variables).returncode, 2)

    def test_alone_it_goes_on(self):
        self.simulate()
        alone = ({"PMI_RANK": "0", "PMI_SIZE": "1"} if MPI_NAME.startswith("Open MPI") else
                 {"OMPI_COMM_WORLD_RANK": "0", "OMPI_COMM_WORLD_SIZE": "1"})
        run = self.multims("partition", "in.ms", "out.mms", "--no-sync", "-q",
                           env={**os.environ, **alone})
        self.assertIn("going on with local workers", run.stderr)

    def test_a_transport_that_is_named_wins(self):
        self.simulate()
        for transport in "local", "inline":
            self.multims("partition", "in.ms", transport + ".mms", "--no-sync", "-q",
                         env={**os.environ, **self.foreign()[0], "MULTIMS_TRANSPORT": transport})
        run = self.multims("partition", "in.ms", "no.mms", status=2,
                           env={**os.environ, "MULTIMS_TRANSPORT": "tcp"})
        self.assertIn("MULTIMS_TRANSPORT=tcp is not known", run.stderr)

    def test_under_the_other_mpi(self):
        other = shutil.which("mpiexec." + ("mpich" if MPI_NAME.startswith("Open MPI") else "openmpi"))
        if not other:
            self.skipTest("no second MPI here")
        self.simulate()
        self.refused(other, "-n", "2")


program_case.main()
