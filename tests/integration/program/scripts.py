# SPDX-License-Identifier: LGPL-2.1-or-later
"""setup on machines that lack something: stand-ins for apt-get, dpkg-query, sudo and id.  And the line
that a run of ctest ends with."""
import os
import shutil
import sys

import program_case
from program_case import ProgramCase

PROJECT = os.path.abspath(os.path.join(os.path.dirname(__file__), "../../.."))
TOOLS = "bash", "dirname", "sed", "mkdir", "mktemp", "grep", "tail", "cat", "env", "sleep", "printf", "tee"
LOG = """Start testing
1/3 Testing: a
1/3 Test: a
Output:
-----
skipped: no observations in shared/data
<end of output>
2/3 Testing: b
2/3 Test: b
Output:
-----
skipped: 2
<end of output>
3/3 Testing: c
3/3 Test: c
Output:
-----
skipped in part: test_ranks: built without MPI
<end of output>
"""


class Setup(ProgramCase):
    def setUp(self):
        super().setUp()
        self.project = self.path("a project")
        os.mkdir(self.project)
        shutil.copy(os.path.join(PROJECT, "setup"), self.project)
        os.mkdir(self.path("bin"))
        for tool in TOOLS:
            if shutil.which(tool):
                os.symlink(shutil.which(tool), self.path(f"bin/{tool}"))
        self.stand_in("dpkg-query", 'echo "not there" >&2; exit 1')
        self.stand_in("apt-get", f'echo "apt-get $*" | tee -a "{self.path("asked")}"; exit 0')
        self.stand_in("id", '[ "$1" = -un ] && echo somebody || echo 0')
        for tool in "c++", "cmake", "ninja":
            self.stand_in(tool, "exit 0")

    def stand_in(self, name, body):
        with open(self.path(f"bin/{name}"), "w") as file:
            file.write(f"#!/bin/bash\n{body}\n")
        os.chmod(self.path(f"bin/{name}"), 0o755)

    def not_root(self):
        self.stand_in("id", '[ "$1" = -un ] && echo somebody || echo 1000')

    def setup_ends(self, status, *said, words=("--tests",)):
        run = self.run_words(f"{self.project}/setup", *words,
                             env={"PATH": self.path("bin"), "SETUP_PAUSE": "0"})
        self.assertEqual(run.returncode, status, run.stderr)
        self.assertEqual(run.stdout, "")
        for text in said:
            self.assertIn(text, run.stderr)
        return run.stderr

    def test_nothing_is_said_where_all_is_there(self):
        self.stand_in("dpkg-query", "echo installed")
        self.assertEqual(self.setup_ends(0), "")
        self.assertFalse(os.path.exists(self.path("asked")))

    def test_apt_gets_words_go_to_the_log(self):
        said = self.setup_ends(0, "setup: installs g++ cmake", f"{self.project}/build/logs/setup.log")
        self.assertEqual(len(said.splitlines()), 1)
        with open(f"{self.project}/build/logs/setup.log") as log:
            asked = log.read().splitlines()
        self.assertIn(" update", asked[0])
        for package in "make", "git", "ninja-build", "libcmocka-dev":
            self.assertIn(package, asked[1].split())
        self.assertNotIn("mpich", asked[1])
        self.setup_ends(0, " mpich ", words=["--full"])

    def test_a_user_without_sudo_goes_on_with_what_is_there(self):
        self.not_root()
        self.setup_ends(0, "neither root nor sudo; not installed (Debian's names): g++ cmake",
                        "goes on with the tools that are there")
        self.stand_in("sudo", "exit 1")
        self.setup_ends(0, "sudo is not for somebody")
        os.remove(self.path("bin/sudo"))
        os.remove(self.path("bin/ninja"))
        self.setup_ends(1, "can't go on without ninja")

    def test_sudo_is_used(self):
        self.not_root()
        self.stand_in("sudo", '[ "$1" = -n ] && shift; exec "$@"')
        self.stand_in("true", "exit 0")
        self.setup_ends(0, "setup: installs")
        self.assertTrue(os.path.exists(self.path("asked")))

    def test_a_failure_of_apt_get(self):
        self.stand_in("apt-get", 'echo "E: no such mirror"; exit 100')
        self.setup_ends(0, "try 3 of 3 failed: E: no such mirror", "goes on with the tools")
        os.remove(self.path("bin/cmake"))
        self.setup_ends(1, "can't go on without cmake")

    def test_machines_without_apt_get(self):
        os.remove(self.path("bin/apt-get"))
        os.remove(self.path("bin/dpkg-query"))
        self.setup_ends(0, "no apt-get here", "goes on with the tools")
        self.setup_ends(2, "setup [--tests | --full]", words=["--nonsense"])


class Skips(ProgramCase):
    def test_the_line_names_number_and_reasons(self):
        folder = self.path("Testing/Temporary")
        os.makedirs(folder)
        with open(f"{folder}/LastTest.log", "w") as file:
            file.write(LOG)
        line = self.run_words(sys.executable, f"{PROJECT}/tests/skips.py", self.folder).stdout
        self.assertEqual(line, "1 of 3 tests were skipped: no observations in shared/data (a); "
                               "parts of others: c, test_ranks: built without MPI\n")


program_case.main()
