# SPDX-License-Identifier: LGPL-2.1-or-later
"""exec: text, calls and programs on servers, what stays there, how they fail."""
import json
import os

import program_case
from program_case import ProgramCase


class Smoke(ProgramCase):
    def test_variables_stay_on_their_server(self):
        run = self.multims("exec", "-j", "2", "--servers", "1", "--", "a=3; b=[1,2]", "a+b[1]", "b")
        self.assertEqual(run.stdout, "1 on server 1: done\n2 on server 1: 5\n3 on server 1: [1,2]\n")

    def test_a_failure_is_told_and_the_others_run(self):
        run = self.multims("exec", "-j", "1", "--", "c+1", "exit(status=3)", "1+1", status=1)
        self.assertIn("NameError: ", run.stdout)
        self.assertIn("WorkerError: server 1 ended with exit status 3", run.stdout)
        self.assertIn("3 on server 1: 2\n", run.stdout)

    def test_verbs_by_name(self):
        self.simulate()
        responses = json.loads(self.multims(
            "exec", "-j", "1", "--json", "--", "n='in.ms'", "info(vis=n)",
            "partition(vis='in.ms', outputvis='out.mms')", "verify(vis='out.mms')").stdout)
        rets = [r["ret"] for r in responses["responses"]]
        self.assertEqual((rets[1]["rows"], rets[2]["outputvis"]), (48, "out.mms"))
        self.multims("verify", "out.mms")

    def test_a_file_of_lines_or_of_objects(self):
        with open(self.path("lines"), "w") as file:
            file.write("# two\nx=2\n\nx*x\n")
        self.assertEqual(self.multims("exec", "-j", "1", "file=lines").stdout,
                         "1 on server 1: done\n2 on server 1: 4\n")
        with open(self.path("cut"), "w") as file:
            file.write("x=2\nx*x\n2\0+3\n")
        self.assertIn("cut: byte 9 is zero", self.multims("exec", "-j", "1", "file=cut", status=2).stderr)
        with open(self.path("list.json"), "w") as file:
            json.dump([{"command": "a+b", "parameters": {"a": 1, "b": 2}, "servers": [1, 2]},
                       {"program": ["echo", "two words"], "block": False}], file)
        answer = self.answer("exec", "-j", "2", "--file", "list.json")["responses"]
        self.assertEqual([(r["ret"], r["server"]) for r in answer[:2]], [(3, 1), (3, 2)])
        self.assertEqual((answer[2]["mode"], answer[2]["ret"]["stdout_tail"]), ("program", "two words\n"))
        with open(self.path("texts.json"), "w") as file:
            json.dump(["x=2", {"command": "x+1"}], file)
        self.assertEqual(self.multims("exec", "-j", "1", "file=texts.json").stdout, "1 on server 1: done\n2 on server 1: 3\n")

    def test_names_of_parameters(self):
        for name in "1x", "a b", "", "é", "1":
            with open(self.path("list.json"), "w") as file:
                json.dump([{"command": "1", "parameters": {"a": 1, name: 2}}], file)
            self.assertIn(f"no name that it can use: '{name}'", self.multims("exec", "-j", "1", "file=list.json", status=2).stderr)

    def test_a_list_with_what_is_no_command(self):
        for entry, words in ((1, "command 2 is neither a text nor an object"), ({}, "command 2 has neither or both"),
                             ({"comand": "1"}, "command 2: comand is not known"), ({"command": 1}, "command is no text"),
                             ({"command": "1", "servers": 1}, "servers is no list of integers"),
                             ({"command": "1", "program": ["ls"]}, "neither or both"), ({"program": []}, "program is no list of words"),
                             ({"program": ["ls", 1]}, "program is no list of words"), ({"command": "1", "limit": "1"}, "limit is no number of seconds"),
                             ({"command": "1", "memory": -1}, "memory is no number of bytes"), ({"command": "1", "parameters": [1]}, "parameters is no object"),
                             ({"command": "1", "block": 1}, "block is neither true nor false")):
            with open(self.path("list.json"), "w") as file:
                json.dump(["x=2", entry], file)
            self.assertIn(words, self.multims("exec", "-j", "1", "file=list.json", status=2).stderr)

    def test_refusals(self):
        for words, text in ((["--", "1+"], "neither as a statement nor as an expression"),
                            (["--", "f((1)"], "neither as a statement nor as an expression"),
                            (["--servers", "7", "-j", "1", "--", "1"], "Server #7 does not exist"),
                            ([], "no command"), (["--file", "nothing"], "nothing")):
            self.assertIn(text, self.multims("exec", *words, status=2).stderr)
        self.multims("exec", "-j", "1", "--", "chdir(path='.')", "simulate(outputvis='made.ms')", "1+", status=2)
        with open(self.path("list.json"), "w") as file:
            json.dump([{"command": "simulate(outputvis='made.ms')"}, {"command": "1", "servers": [1, 2, 9]}], file)
        self.assertIn("Server #9 does not exist", self.multims("exec", "-j", "2", "--file", "list.json", status=2).stderr)
        self.assertFalse(os.path.exists(self.path("made.ms")))


program_case.main()
