# SPDX-License-Identifier: LGPL-2.1-or-later
"""The plug-in of docs/writing-a-task.md, built and used; plug-ins that are refused."""
import json
import os
import re
import subprocess

import program_case
from machine import family, kill_all, mpirun, wait_until
from program_case import ProgramCase, parser

parser.add_argument("--page", required=True)
parser.add_argument("--include", required=True)
parser.add_argument("--library", required=True)
parser.add_argument("--compiler", required=True)


class Plugin(ProgramCase):
    def setUp(self):
        super().setUp()
        with open(program_case.args.page) as page:
            self.source = re.search(r"```c\n(.*?)```", page.read(), re.S)[1]
        self.build("rowcount", self.source)
        self.multims("simulate", "in.ms", "antennas=4", "scans=3", "integrations=4", "--quiet", "--no-sync")
        self.multims("partition", "in.ms", "in.mms", "separationaxis=scan", "numsubms=3", "--quiet")

    def build(self, name, source):
        args = program_case.args
        with open(self.path(name + ".c"), "w") as file:
            file.write(source)
        run = self.run_words(args.compiler, "-std=gnu11", "-Wall", "-Wextra", "-Werror", "-shared",
                             "-fPIC", "-I", args.include, name + ".c", "-o", name + ".so", args.library,
                             "-ljansson")
        self.assertEqual(run.returncode, 0, run.stderr)
        os.chmod(self.path(name + ".so"), 0o755)

    def use(self, *words, plugin="rowcount.so", status=0, ranks=0):
        env = dict(os.environ, MULTIMS_PLUGIN_PATH=self.path(plugin))
        run = self.run_words(*mpirun(ranks), program_case.args.program, *words, env=env)
        self.assertEqual(run.returncode, status, run.stdout + run.stderr)
        return run

    def test_it_is_short(self):
        self.assertLess(len(self.source.splitlines()), 60)

    def test_it_counts(self):
        for ranks in (0, 3):
            result = json.loads(self.use("rowcount", "in.mms", "--json", ranks=ranks).stdout)
            self.assertEqual(result["ret"]["rows"], 3 * 4 * 6)
            self.assertEqual(result["ret"]["largest"], [3 * 4 * 6])
            self.assertEqual(len(result["parts"]), 3)
            self.assertEqual((result["empty"], result["failures"]), ([], []))

    def test_servers_load_it(self):
        """By name and by path; a crash of the worker does not unload it; others don't know it."""
        env = {name: value for name, value in os.environ.items() if name != "MULTIMS_PLUGIN_PATH"}
        load = f"load(plugin='{self.path('rowcount.so')}')"
        for ranks in (0, 3):
            run = self.run_words(*mpirun(ranks), program_case.args.program, "exec", "-j", "2", "--servers", "2",
                                 "--json", "--", load, "exit(status=1)", "rowcount(vis='in.mms')", env=env)
            self.assertEqual(json.loads(run.stdout)["responses"][2]["ret"]["ret"]["rows"], 72, run.stderr)
        run = self.use("exec", "-j", "1", "--", "load(plugin='rowcount')")
        self.assertEqual(run.stdout, "1 on server 1: done\n")
        run = self.run_words(program_case.args.program, "exec", "-j", "1", "--", "load(plugin='rowcount')",
                             "rowcount(vis='in.mms')", env=env)
        self.assertEqual(run.stdout.count("ImportError: "), 2, run.stdout)

    def test_one_that_crashes_when_it_is_loaded(self):
        """A048: it costs its command alone; the server goes on, without it."""
        self.build("crash", "#include <signal.h>\n#include <stdlib.h>\n" + self.source +
                   "__attribute__((constructor)) static void crash(void)\n{\n    signal(SIGSEGV, SIG_DFL);\n"
                   "    raise(SIGSEGV);\n}\n")
        for ranks in (0, 3):
            run = self.run_words(*mpirun(ranks), program_case.args.program, "exec", "-j", "2", "--servers", "2", "--json",
                                 "--", "n=20", f"load(plugin='{self.path('crash.so')}')", "n+1", "rowcount(vis='in.mms')")
            got = json.loads(run.stdout)["responses"]
            self.assertEqual([g["error"]["class"] if "error" in g else g["ret"] for g in got],
                             [None, "crash", 21, "import"], run.stderr)

    def test_it_is_a_verb(self):
        self.assertIn("rowcount", self.use("help").stdout)
        self.assertIn("Leave out parts with fewer rows", self.use("rowcount", "--help").stdout)
        self.assertEqual(json.loads(self.use("rowcount(vis='in.ms')", "--json").stdout)["ret"]["rows"], 72)
        self.multims("rowcount", "in.mms", status=2)

    def test_empty_and_failed_parts(self):
        self.use("rowcount", "in.mms", "least=1000", status=3)
        os.truncate(self.path("in.mms/SUBMSS/in.0001.ms/table.dat"), 10)
        run = self.use("rowcount", "in.mms", "--json", status=1)
        result = json.loads(run.stdout)
        self.assertEqual([f["part"] for f in result["failures"]], ["in.0001.ms"])
        self.assertEqual(result["ret"]["rows"], 2 * 4 * 6)
        self.assertIn("ERROR rowcount: in.0001.ms: ", run.stderr)

    def test_a_killed_run_is_gone_on_with(self):
        """With a folder for the journal, or a parameter resume; parts that are done are not looked at again."""
        held = self.source.replace("    (void)job;\n", """    (void)job;
    while (json_integer_value(json_object_get(request, "part")) > 0 && access("go", F_OK))
        usleep(1000);
""").replace("#include <jansson.h>", "#include <jansson.h>\n#include <unistd.h>")
        own = held.replace("    {0},\n", """    {"resume", MMS_BOOL, offsetof(struct rowcount, resume), .flags = MMS_PARAM_RUN, .doc = "Go on"},
    {0},
""").replace("int64_t least;\n", "int64_t least;\n    bool resume;\n").replace("#include <stddef.h>",
                                                                              "#include <stdbool.h>\n#include <stddef.h>")
        for source, folder, words in ((held, "job", ("--job-dir", "job")), (own, "in.mms.multims", ())):
            self.build("rowcount", source)
            env = dict(os.environ, MULTIMS_PLUGIN_PATH=self.path("rowcount.so"))
            process = subprocess.Popen([program_case.args.program, "rowcount", "in.mms", "-j", "2", *words],
                                       cwd=self.folder, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            self.assertTrue(wait_until(lambda: self.events(folder, "done"), 60))
            kill_all(family(process.pid))
            process.wait()
            with open(self.path("go"), "w"):
                pass
            run = self.use("resume", "job" if words else "in.mms", "--json")
            self.assertEqual(json.loads(run.stdout)["ret"]["rows"], 72)
            self.assertIn("goes on with the run that was not finished: 1 parts done", run.stderr)
            if words:
                self.assertEqual([r["unit"] for r in self.events(folder, "skipped")], ["in.0000.ms"])
            else:
                self.assertFalse(os.path.exists(self.path(folder)))
            os.remove(self.path("go"))

    def test_a_second_pass_is_not_taken_for_the_first(self):
        """A task that runs twice over the parts and was killed in the second run."""
        held = self.source.replace("    (void)job;\n", """    (void)job;
    while (json_object_get(request, "again") && json_integer_value(json_object_get(request, "part")) > 0 &&
           access("go", F_OK))
        usleep(1000);
""").replace("#include <jansson.h>", "#include <jansson.h>\n#include <unistd.h>").replace(
            "json_pack(\"{s:I, s:[I]}\", \"rows\", n, \"largest\", n)",
            "json_pack(\"{s:I}\", \"rows\", json_object_get(request, \"again\") ? -n : n)").replace(
            "    const mms_status st =\n        mms_parts_run(run, p->vis, request, MMS_CONSOLIDATE_AUTO, result, err);\n",
            """    mms_value *const first = json_object();
    mms_status st = mms_parts_run(run, p->vis, request, MMS_CONSOLIDATE_AUTO, first, err);
    json_object_set_new(request, "again", json_true());
    if (st == MMS_OK)
        st = mms_parts_run(run, p->vis, request, MMS_CONSOLIDATE_AUTO, result, err);
    json_object_set_new(result, "first", first);
""")
        self.build("rowcount", held)
        env = dict(os.environ, MULTIMS_PLUGIN_PATH=self.path("rowcount.so"))
        process = subprocess.Popen([program_case.args.program, "rowcount", "in.mms", "-j", "2", "--job-dir", "job"],
                                   cwd=self.folder, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.assertTrue(wait_until(
            lambda: any(r["answer"]["ret"]["rows"] < 0 for r in self.events("job", "done")), 60))
        kill_all(family(process.pid))
        process.wait()
        with open(self.path("go"), "w"):
            pass
        result = json.loads(self.use("resume", "job", "--json").stdout)
        self.assertEqual((result["first"]["ret"]["rows"], result["ret"]["rows"]), (72, -72))

    def events(self, folder, event):
        try:
            with open(self.path(folder + "/journal.jsonl")) as journal:
                records = [json.loads(line) for line in journal if line.endswith("}\n")]
        except FileNotFoundError:
            return []
        return [r for r in records if r["ev"] == event]

    def test_refusals(self):
        self.build("old", self.source.replace("{MMS_PLUGIN_ABI,", "{MMS_PLUGIN_ABI - 1,"))
        self.build("taken", self.source.replace('.name = "rowcount"', '.name = "split"'))
        self.build("none", "int x;\n")
        self.build("open", self.source)
        os.chmod(self.path("open.so"), 0o777)
        for name, text in (("old", "built for another version"), ("taken", "is there already"),
                           ("none", "it has no mms_plugin_v1"), ("open", "others may write"),
                           ("missing", "it is not there")):
            run = self.use("rowcount", "in.mms", plugin=name + ".so", status=2)
            self.assertIn(text, run.stderr)
            self.assertIn("unknown verb rowcount", run.stderr)


program_case.main()
