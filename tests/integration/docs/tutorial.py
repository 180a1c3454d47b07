# SPDX-License-Identifier: LGPL-2.1-or-later
"""The commands of docs/tutorial.md, all of them, in their order.  CASA's run where --casa names it."""
import os
import re
import shutil
import sys

import program_case
from program_case import ProgramCase, parser

parser.add_argument("--page", required=True)
parser.add_argument("--casa", help="folder with CASA's virtual environment and home")

NEEDED = ("aoflagger", "wsclean", "taql")


class Tutorial(ProgramCase):
    def blocks(self):
        with open(program_case.args.page) as page:
            return re.findall(r"```(sh|python)\n(.*?)```", page.read(), re.S)

    def run_shell(self, commands):
        environment = {**os.environ, "PATH": os.path.dirname(program_case.args.program) + ":" + os.environ["PATH"]}
        return self.run_words("bash", "-e", "-u", "-o", "pipefail", "-c", commands, env=environment)

    def run_casa(self, commands):
        casa = program_case.args.casa
        return self.run_words(f"{casa}/venv/bin/python", "-c", commands, timeout=600,
                              env={**os.environ, "HOME": f"{casa}/home"})

    def test_every_command_runs(self):
        said, kinds = {}, set()
        for kind, commands in self.blocks():
            if kind == "python" and not program_case.args.casa:
                continue
            run = (self.run_casa if kind == "python" else self.run_shell)(commands)
            self.assertEqual(run.returncode, 0, f"{commands}\n{run.stdout}\n{run.stderr}")
            said[commands] = run.stdout + run.stderr
            kinds.add(kind)
        self.assertEqual(kinds, {"sh", "python"} if program_case.args.casa else {"sh"})
        self.check_what_is_said(said)
        self.assertTrue(os.path.getsize(self.path("image-image.fits")))
        self.multims("verify", "target.ms")

    def check_what_is_said(self, said):
        """What the page promises of the output."""
        whole = "\n".join(said.values())
        with open(program_case.args.page) as page:
            for shown in re.findall(r"```text\n(.*?)```", page.read(), re.S):
                self.assertIn(shown, whole)
        for line in (r'status 3: .*scan="99": no rows; the input has scans 1~4',
                     r"obs.mms is sound and holds what obs.ms holds",
                     r"sub-tables that another program has added: QUALITY_",
                     r"avg.mms: \d+ rows selected, parallel: ",
                     r"avg.ms is sound and holds what avg.mms holds"):
            self.assertRegex(whole, line)


missing = [program for program in NEEDED if not shutil.which(program)]
if missing:
    print(f"no {', '.join(missing)}: skipped")
    sys.exit(77)
program_case.main()
