"""An installation: a C program built with pkg-config, the program alone and under mpirun, moved."""
import os
import shlex
import shutil

import program_case
from program_case import ProgramCase, parser

parser.add_argument("--build", required=True)
parser.add_argument("--cmake", required=True)
parser.add_argument("--compiler", required=True)
parser.add_argument("--mpiexec", required=True)

CLIENT = r"""
#include <inttypes.h>
#include <stdio.h>
#include "multims/multims.h"
int main(int argc, char **argv)
{
    mms_error err;
    mms_ms *ms = NULL;
    if (argc < 2 || mms_ms_open(argv[1], &ms, &err) != MMS_OK)
        return fprintf(stderr, "%s\n", argc < 2 ? "usage: rows MS" : err.msg), 1;
    printf("%s %" PRId64 "\n", mms_version(), mms_ms_nrow(ms));
    mms_ms_close(&ms);
    return 0;
}
"""


class Installation(ProgramCase):
    def setUp(self):
        super().setUp()
        args = program_case.args
        first = self.path("first")
        self.demand(args.cmake, "--install", args.build, "--prefix", first)
        self.prefix = self.path("moved")  # nothing in it may name the place it was installed to
        os.rename(first, self.prefix)
        self.program = os.path.join(self.prefix, "bin", "multims")

    def demand(self, *words, **options):
        run = self.run_words(*words, **options)
        self.assertEqual(run.returncode, 0, f"{words}\n{run.stdout}\n{run.stderr}")
        return run.stdout

    def find(self, name):
        for folder, _, files in os.walk(self.prefix):
            if name in files:
                return os.path.join(folder, name)
        self.fail(f"{name} is not installed")

    def under_mpirun(self, *words):
        return self.run_words(program_case.args.mpiexec, "-n", "2", "--oversubscribe",
                              self.program, *words)

    def test_a_c_program_builds_with_pkg_config_and_runs(self):
        self.simulate()
        pc = os.path.dirname(self.find("multims.pc"))
        flags = self.demand("pkg-config", "--cflags", "--libs", "multims",
                            env={**os.environ, "PKG_CONFIG_PATH": pc})
        with open(self.path("rows.c"), "w") as file:
            file.write(CLIENT)
        self.demand(program_case.args.compiler, "-std=c11", "-Wall", "-Werror", "rows.c", "-o",
                    "rows", *shlex.split(flags))
        libraries = os.path.dirname(self.find("libmultims.so"))
        said = self.demand("./rows", "in.ms", env={**os.environ, "LD_LIBRARY_PATH": libraries})
        version = self.demand("pkg-config", "--modversion", "multims",
                              env={**os.environ, "PKG_CONFIG_PATH": pc})
        self.assertEqual(said.split(), [version.strip(), "48"])

    def test_every_public_header_is_installed(self):
        source = os.path.dirname(os.path.abspath(__file__)) + "/../../../include/multims"
        installed = os.path.join(self.prefix, "include", "multims")
        self.assertEqual(sorted(os.listdir(installed)), sorted(os.listdir(source)))

    def test_the_program_runs_alone_and_under_mpirun(self):
        self.simulate()
        self.demand(self.program, "partition", "in.ms", "local.mms", "-j", "2")
        run = self.under_mpirun("partition", "in.ms", "mpi.mms")
        self.assertEqual(run.returncode, 0, run.stderr)
        self.demand(self.program, "diff", "local.mms", "mpi.mms", "--parts")

    def test_without_the_mpi_module_mpirun_fails_and_local_runs_do_not(self):
        self.simulate()
        os.remove(self.find("libmultims-mpi.so"))
        run = self.under_mpirun("partition", "in.ms", "mpi.mms")
        self.assertNotEqual(run.returncode, 0)
        self.assertIn("libmultims-mpi.so", run.stderr)
        self.assertFalse(os.path.exists(self.path("mpi.mms")))
        self.demand(self.program, "partition", "in.ms", "local.mms", "-j", "2")


program_case.main()
