# SPDX-License-Identifier: LGPL-2.1-or-later
"""The program of docs/library.md, built and run as the page says, also under valgrind; one call does a
task."""
import json
import os
import re
import shutil

import program_case
from program_case import ProgramCase, parser

parser.add_argument("--page", required=True)
parser.add_argument("--include", required=True)
parser.add_argument("--library", required=True)
parser.add_argument("--compiler", required=True)

# call TASK REQUEST…: each request in turn, results on stdout, "STATUS message" on stderr; 8: a task has taken a signal
CALL = r"""
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <multims/multims.h>
static void mine(int number)
{
    (void)number;
}
int main(int argc, char **argv)
{
    signal(SIGINT, mine);
    signal(SIGTERM, mine);
    for (int i = 2; i < argc; i++) {
        mms_error err = MMS_ERROR_INIT;
        mms_value *result = NULL;
        const mms_status st = mms_task_call(argv[1], argv[i], &result, &err);
        char *const text = result ? mms_value_text(result, 0) : NULL;
        puts(text ? text : "null");
        fprintf(stderr, "%s %s\n", mms_status_name(st), err.msg);
        free(text);
        mms_value_free(&result);
    }
    return signal(SIGINT, mine) == mine && signal(SIGTERM, mine) == mine ? 0 : 8;
}
"""


class Library(ProgramCase):
    def build(self, name, source):
        args = program_case.args
        with open(self.path(name + ".c"), "w") as file:
            file.write(source)
        folder = os.path.dirname(args.library)
        run = self.run_words(args.compiler, "-std=gnu11", "-g", "-Wall", "-Wextra", "-Werror", "-I", args.include,
                             name + ".c", "-o", name, args.library, f"-Wl,-rpath,{folder}")
        self.assertEqual(run.returncode, 0, run.stderr)

    def example(self):
        with open(program_case.args.page) as page:
            source = re.search(r"```c\n(.*?)```", page.read(), re.S)[1]
        self.assertLessEqual(len([line for line in source.splitlines() if line.strip()]), 30)
        self.build("cut", source)
        self.simulate()

    def test_the_page_s_program_does_what_it_says(self):
        self.example()
        run = self.run_words("./cut")
        self.assertEqual((run.returncode, run.stderr), (0, ""))
        self.assertEqual(json.loads(run.stdout)["names"], ["out.0000.ms", "out.0001.ms"])
        self.multims("verify", "out.mms", "against=in.ms")
        again = self.run_words("./cut")
        self.assertEqual(again.returncode, 1)
        self.assertRegex(again.stderr, "^EXISTS: partition: .*out.mms already exists")

    def test_and_leaks_nothing(self):
        if not shutil.which("valgrind"):
            self.skipTest("no valgrind")
        self.example()
        run = self.run_words("valgrind", "-q", "--leak-check=full", "--show-leak-kinds=definite",
                             "--errors-for-leak-kinds=definite", "--error-exitcode=9", "./cut", timeout=300)
        self.assertEqual((run.returncode, run.stderr), (0, ""))

    def call(self, task, *requests):
        run = self.run_words("./call", task, *requests)
        self.assertEqual(run.returncode, 0, run.stderr)
        return [json.loads(line) for line in run.stdout.splitlines()], run.stderr.splitlines()

    def test_json_and_words_are_the_same_request(self):
        self.build("call", CALL)
        self.simulate()
        words = "vis=in.ms  outputvis='out.mms'\n spw='0:1~4, 1' scan=[1,2] --numsubms 2 dryrun=True workers=2"
        params = {"vis": "in.ms", "outputvis": "out.mms", "spw": "0:1~4, 1", "scan": [1, 2], "numsubms": 2,
                  "dryrun": True, "workers": 2}
        (one, other), said = self.call("partition", words, json.dumps(params))
        self.assertEqual(said, ["OK ", "OK "])
        self.assertEqual(one, other)
        self.assertEqual((one["rows"], one["workers"]), (48, 2))

    def test_what_is_wrong_is_said(self):
        self.build("call", CALL)
        self.simulate()
        results, said = self.call("select", "vis=in.ms scan=99", "vis=in.ms sacn=1", '{"vis": "in.ms", "scan":}',
                                  '{"sacn": 1}', "", "vis=none.ms")
        self.assertEqual(results, [None] * 6)
        for line, pattern in zip(said, ('EMPTY select: scan="99": no rows; the input has scans 1~2 ',
                                        "ARG select: unknown parameter sacn: did you mean scan",
                                        "ARG select: .*", "ARG select: unknown parameter sacn",
                                        "ARG select: .*vis", "NOT_FOUND select: .*none.ms")):
            self.assertRegex(line, pattern)
        self.assertRegex(self.call("slect", "")[1][0], "ARG unknown task slect")

    def test_findings_are_a_result(self):
        self.build("call", CALL)
        self.simulate()
        self.simulate("other.ms", "noise=1")
        (result,), said = self.call("diff", "a=in.ms b=other.ms")
        self.assertRegex(said[0], "^DIFFERS diff: 2 of .* checks failed: DATA")
        self.assertEqual(result["failed"], 2)


program_case.main()
