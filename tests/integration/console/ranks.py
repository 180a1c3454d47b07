# SPDX-License-Identifier: LGPL-2.1-or-later
"""console under mpirun: lines come through rank 0, commands run on the servers of ranks."""
import subprocess

import program_case
from machine import mpirun, patient
from program_case import ProgramCase


class Ranks(ProgramCase):
    def test_three_ranks_have_three_servers(self):
        run = subprocess.run([*mpirun(3), program_case.args.program, "console"], text=True, cwd=self.folder,
                             input="servers all\nk=mms['rank']\nk\nabsent\nservers 3\nk*2\n", timeout=patient(60),
                             capture_output=True)
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertIn("server 1: 1\nserver 2: 2\nserver 3: 3\n", run.stdout)
        self.assertTrue(run.stdout.endswith("servers 3 of 3\n6\n"), run.stdout)


program_case.main()
