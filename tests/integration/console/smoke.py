# SPDX-License-Identifier: LGPL-2.1-or-later
"""console: commands through a pipe, words of its own, errors that end nothing."""
import json
import os
import signal
import subprocess
import time

import program_case
from machine import patient
from program_case import ProgramCase


class Smoke(ProgramCase):
    def console(self, lines, *words, status=0):
        """What the console says to lines through a pipe."""
        run = subprocess.run([program_case.args.program, "console", "-j", "2", *words], input=lines, text=True,
                             cwd=self.folder, capture_output=True, timeout=patient(60))
        self.assertEqual(run.returncode, status, run.stdout + run.stderr)
        return run.stdout

    def test_commands_keep_their_variables_and_errors_end_nothing(self):
        said = self.console("n=3; m=n*n\nm+1\n\n# a comment\nabsent+1\n1+\nexit(status=3)\nm\n'text'")
        lines = said.splitlines()
        self.assertEqual([lines[0], *lines[-2:]], ["10", "9", '"text"'])
        for line, text in zip(lines[1:4], ("NameError: ", "Command cannot be executed neither", "WorkerError: "),
                              strict=True):
            self.assertIn(text, line)

    def test_servers_and_status(self):
        said = self.console("a=1\nservers 2\na=2\nservers all\na\nservers 7\nservers x\nstatus\ncommands\n")
        self.assertIn("servers 2 of 2\n", said)
        self.assertIn("server 1: 1\nserver 2: 2\n", said)
        self.assertIn("Server #7 does not exist", said)
        self.assertIn("x is no number", said)
        self.assertIn("server 1: free\nserver 2: free\n", said)
        self.assertRegex(said, r"(?m)^JOB ID .*\n1 +1 .*a=1 +[0-9.]+ +completed$")

    def test_help_and_the_end(self):
        said = self.console("help\nhelp split\nhelp nothing\nquit\n1+1\n")
        for text in ("Ctrl-D", "  mstransform ", "--outputvis", "There is no verb nothing"):
            self.assertIn(text, said)
        self.assertNotIn("\n2\n", said)

    def test_verbs_and_json(self):
        self.simulate()
        said = self.console("info(vis='in.ms')\nabsent\n", "--json")
        responses = json.loads(said)["responses"]
        self.assertEqual(responses[0]["ret"]["rows"], 48)
        self.assertFalse(responses[1]["successful"])

    def test_lines_that_are_none(self):
        """A line is not cut at a zero byte, and what can't be read is no end of file."""
        self.assertEqual(self.console("n=3\n2\0+3\nn=4\0\nn\n").splitlines(),
                         2 * ["A line with zero bytes is no command, it is rejected"] + ["3"])
        folder = os.open(self.folder, os.O_RDONLY)
        self.addCleanup(os.close, folder)
        run = subprocess.run([program_case.args.program, "console", "-j", "1"], stdin=folder, cwd=self.folder,
                             capture_output=True, text=True, timeout=patient(60))
        self.assertEqual(run.returncode, 2, run.stderr)
        self.assertIn("standard input: Is a directory", run.stderr)

    def test_an_interrupt_ends_the_command_alone(self):
        child = subprocess.Popen([program_case.args.program, "console", "-j", "1"], text=True, cwd=self.folder,
                                 stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        child.stdin.write("v=41\nv\nsleep(seconds=600)\nv+1\n")
        child.stdin.flush()
        self.assertEqual(child.stdout.readline(), "41\n")
        time.sleep(0.5)
        child.send_signal(signal.SIGINT)
        said = [child.stdout.readline() for _ in range(3)]
        self.assertEqual([said[0], said[2]], ["cancelled\n", "42\n"])
        self.assertTrue(said[1].startswith("EngineError: "), said)
        child.stdin.close()
        self.assertEqual(child.wait(timeout=patient(30)), 0)
        child.stdout.close()


program_case.main()
