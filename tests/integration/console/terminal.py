# SPDX-License-Identifier: LGPL-2.1-or-later
"""console on a terminal: a prompt, editing, history, completion, Ctrl-C and Ctrl-D."""
import os
import pty
import select
import signal
import time

import program_case
from machine import patient
from program_case import ProgramCase, parser

parser.add_argument("--edited", choices=("yes", "no"), required=True)
PROMPT = "multims> "


class Terminal(ProgramCase):
    def setUp(self):
        super().setUp()
        self.ended = set()
        self.begin_session()

    def begin_session(self):
        self.pid, self.fd = pty.fork()
        if not self.pid:
            os.chdir(self.folder)
            environment = {**os.environ, "TERM": "xterm", "HOME": self.folder}
            os.execve(program_case.args.program, ["multims", "console", "-j", "1"], environment)
        self.addCleanup(self.end_any, self.pid, self.fd)
        self.said = ""
        self.expect(PROMPT)

    def end_any(self, pid, fd):
        """Whatever a failed test has left."""
        if pid in self.ended:
            return
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(fd)

    def expect(self, text):
        """Wait until the terminal has shown text; returns what came before it."""
        limit = time.monotonic() + patient(5)
        while text not in self.said:
            ready, _, _ = select.select([self.fd], [], [], max(limit - time.monotonic(), 0))
            self.assertTrue(ready, f"{text!r} has not come: {self.said!r}")
            self.said += os.read(self.fd, 4096).decode()
        before, _, self.said = self.said.partition(text)
        return before

    def type(self, text):
        os.write(self.fd, text.encode())

    def run_line(self, text, answer):
        self.type(text + "\r")
        self.expect(answer + "\r\n")
        self.expect(PROMPT)

    def end(self):
        self.type("\x04")
        self.drain()
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1]), 0)
        self.ended.add(self.pid)
        os.close(self.fd)

    def drain(self):
        """Read until the terminal's other side is closed."""
        try:
            while select.select([self.fd], [], [], patient(5))[0] and os.read(self.fd, 4096):
                pass
        except OSError:  # how Linux tells it
            return
        self.fail("the console does not end")

    def need_editing(self):
        if program_case.args.edited == "no":
            self.end()
            self.skipTest("built without libedit")

    def test_commands_an_error_and_the_end(self):
        self.run_line("n=6", "")
        self.run_line("n*7", "42")
        self.type("absent+1\r")
        self.expect("NameError: ")
        self.run_line("n+1", "7")
        self.end()

    def test_an_interrupt_drops_the_line_or_ends_the_command(self):
        self.run_line("v=41", "")
        self.type("v+10")
        self.expect("v+10")
        self.type("\x03")
        self.expect(PROMPT)
        self.type("sleep(seconds=600)\r")
        self.expect("sleep(seconds=600)")
        time.sleep(0.5)
        self.type("\x03")
        self.expect("cancelled\r\n")
        self.expect(PROMPT)
        self.run_line("v+1", "42")
        self.end()

    def test_editing_and_history(self):
        self.need_editing()
        self.run_line("1+1", "2")
        self.run_line("\x1b[A\x7f5", "6")  # up, backspace, 5: 1+5
        self.run_line("6*3\x01\x1b[C\x042", "623")  # home, right, delete
        self.end()
        self.begin_session()
        self.run_line("\x1b[A\x1b[A", "6")  # kept in the home folder
        self.assertTrue(os.path.exists(self.path(".multims_history")))
        self.end()

    def test_completion(self):
        self.need_editing()
        self.simulate()
        self.type("lis\tp\t")
        self.expect("artition(")
        self.type("\x15info(v\t'in.m\t")
        self.expect("s/")
        self.type("')\r")
        self.expect('"rows":48')
        self.expect(PROMPT)
        self.type("stat\t")
        self.expect("status  status(  statwt(")
        self.type("\x15")
        self.end()


program_case.main()
