# SPDX-License-Identifier: LGPL-2.1-or-later
"""Cases that ask tests/unit/spectral_kernels, which is the --program of their scripts: a request a line."""
import json
import os

import program_case
from program_case import ProgramCase


class KernelCase(ProgramCase):
    def ask(self, *requests, **environment):
        """The kernels' answers to some requests, in one process."""
        run = self.run_words(program_case.args.program,
                             input="".join(json.dumps(r) + "\n" for r in requests),
                             env={"HOME": os.environ.get("HOME", "/"), **environment})
        self.assertEqual(run.returncode, 0, run.stderr)
        answers = [json.loads(line) for line in run.stdout.splitlines()]
        self.assertEqual(len(answers), len(requests))
        return answers[0] if len(requests) == 1 else answers
