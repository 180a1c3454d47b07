# SPDX-License-Identifier: LGPL-2.1-or-later
"""The program's command line: exit statuses, help, tasks, log, parameters, broken outputs."""
import json
import os
import re
import shutil

import numpy
from casacore.tables import table

import program_case
from program_case import ProgramCase


class ExitStatus(ProgramCase):
    def refuses(self, status, pattern, *words):
        run = self.multims(*words, status=status)
        self.assertRegex(run.stderr, pattern)
        self.assertEqual(run.stdout, "")

    def test_no_verb_prints_the_usage_on_stderr(self):
        self.refuses(2, "(?s)usage: multims VERB.*partition", *[])

    def test_an_unknown_verb_is_refused(self):
        self.refuses(2, "unknown verb frobnicate: multims help lists them", "frobnicate")

    def test_a_typo_is_answered_with_the_nearest_name(self):
        for verb, meant in (("partitoin", "partition"), ("PARTITION", "partition"),
                            ("part", "partition"), ("listpart", "listpartition"),
                            ("listob", "listobs"), ("spilt2", "split2"),
                            ("smooth", "hanningsmooth"), ("transform", "mstransform"),
                            ("pln", "plan"), ("--hepl", "--help"), ("benchmark", "bench")):
            self.refuses(2, f"unknown verb {verb}: did you mean {meant}\\?", verb)
        self.refuses(2, "tclean: this task of CASA is not in this version", "tclean", "vis=a.ms")
        self.refuses(2, "unknown parameter scna: did you mean scan\\?",
                     "partition", "in.ms", "out.mms", "scna=1")
        self.refuses(2, "separationaxis", "partition", "in.ms", "o.mms", "separationaxis=scam")

    def test_a_missing_parameter_is_named(self):
        self.refuses(2, "outputvis", "partition", self.simulate())

    def test_what_cannot_be_begun_is_2_and_leaves_nothing(self):
        self.simulate()
        self.refuses(2, r"not found.*nope\.ms", "partition", "nope.ms", "out.mms")
        self.refuses(2, "numsubms.*zero", "partition", "in.ms", "out.mms", "numsubms=zero")
        os.mkdir(self.path("there.mms"))
        self.refuses(2, r"there\.mms already exists", "partition", "in.ms", "there.mms")
        self.assertEqual(sorted(os.listdir(self.folder)), ["in.ms", "there.mms"])

    def test_an_empty_selection_is_3(self):
        self.simulate()
        self.refuses(3, "zero rows", "partition", "in.ms", "out.mms", "scan=99")
        self.assertEqual(os.listdir(self.folder), ["in.ms"])

    def test_differences_are_1_and_are_an_answer(self):
        self.simulate("a.ms")
        self.simulate("b.ms", "noise=1")
        self.assertTrue(self.answer("diff", "a.ms", "b.ms", status=1)["failed"])
        self.assertFalse(self.answer("diff", "a.ms", "a.ms")["failed"])

    def test_a_log_that_cannot_be_opened_is_refused(self):
        self.refuses(2, "no/such/folder", "listpartition", self.simulate(), "--log",
                     "no/such/folder/log")


class Help(ProgramCase):
    def setUp(self):
        super().setUp()
        self.all = json.loads(self.multims("tasks", "--json").stdout)

    def test_the_lists_of_verbs_agree(self):
        names = [task["name"] for task in self.all["tasks"]]
        self.assertIn("partition", names)
        listed = self.multims("tasks").stdout.splitlines()
        self.assertEqual([line.split()[0] for line in listed], names)
        usage = self.multims("help").stdout
        self.assertEqual(self.multims("--help").stdout, usage)
        for task in self.all["tasks"]:
            self.assertRegex(usage, f"(?m)^  {task['name']} +{re.escape(task['summary'])}$")

    def test_the_help_of_each_verb_names_every_visible_parameter(self):
        for task in self.all["tasks"]:
            text = self.multims(task["name"], "--help").stdout
            self.assertEqual(self.multims("help", task["name"]).stdout, text)
            self.assertIn(task["summary"], text)
            for p in task["params"] + self.all["options"]:
                option = rf"(?m)^  (-\w, )?--(\[no-\])?{p['name']}( |$)"
                with self.subTest(verb=task["name"], parameter=p["name"]):
                    if p["hidden"]:
                        self.assertNotRegex(text, option)
                    else:
                        self.assertRegex(text, option)
                        self.assertIn(" ".join(p["doc"].split()), " ".join(text.split()))

    def test_an_alias_is_the_verb(self):
        aliases = {task["alias"]: task["name"] for task in self.all["tasks"] if "alias" in task}
        self.assertEqual(aliases, {"split2": "split", "hanningsmooth2": "hanningsmooth",
                                   "cvel2": "cvel", "listobs": "info"})
        usage = self.multims("help").stdout
        for alias, name in aliases.items():
            self.assertRegex(usage, f"(?m)^  {alias} +another name of {name}$")
            text = self.multims(alias, "--help").stdout
            self.assertEqual(text, self.multims(name, "--help").stdout)
            self.assertIn(f"{alias} is another name of this verb", text)

    def test_a_default_is_empty_or_one_of_the_allowed_values(self):
        for task in self.all["tasks"]:
            for p in task["params"]:
                if "allowed" in p and not p["required"]:
                    self.assertIn(p["default"], ["", *p["allowed"]],
                                  f"{task['name']} {p['name']}")

    def test_parameters_that_this_version_does_not_have_are_marked_and_refused(self):
        self.simulate()
        missing = {(task["name"], p["name"]): p for task in self.all["tasks"]
                   for p in task["params"] if p["missing"]}
        writers = {task["name"] for task in self.all["tasks"]
                   if any(p["name"] == "outputvis" for p in task["params"])}
        for (verb, name), p in missing.items():
            text = " ".join(self.multims(verb, "--help").stdout.split())
            self.assertRegex(text, rf" --(\[no-\])?{name} [^()]*\([^()]*not in this version\)")
            if p["type"] == "bool" and verb in writers and (verb, p.get("needs")) not in missing:
                run = self.multims(verb, "in.ms", "out.ms", f"{name}={not p['default']}", status=2)
                self.assertIn(f"parameter {name}: not in this version", run.stderr)
                self.multims("plan", verb, "in.ms", "out.ms", f"{name}={p['default']}", "-q")

    def test_commands_have_help_too(self):
        for name in "plan", "tasks":
            text = self.multims(name, "--help").stdout
            self.assertRegex(text, f"(?m)^usage: multims {name} ")
            self.assertEqual(self.multims(name, "-h").stdout, text)
            self.assertEqual(self.multims("help", name).stdout, text)
        text = self.multims("plan", "--help").stdout
        for task in self.all["tasks"]:
            planned = "dryrun" in [p["name"] for p in task["params"]]
            self.assertEqual(f"\n  {task['name']} " in text, planned, task["name"])
        self.assertEqual(self.multims("plan", "split", "--help").stdout,
                         self.multims("split", "--help").stdout)
        self.assertEqual(self.multims("help", "help").stdout, self.multims("help").stdout)

    def test_help_of_nothing_is_refused(self):
        self.multims("help", "frobnicate", status=2)
        self.multims("tasks", "--jsno", status=2)


class Aliases(ProgramCase):
    def test_both_names_write_the_same(self):
        self.simulate()
        for name, words in (("split", ["width=2"]), ("hanningsmooth", ["datacolumn=all"])):
            self.multims(name, "in.ms", f"{name}.ms", *words)
            self.multims(f"{name}2", "in.ms", f"{name}2.ms", *words)
            self.multims("diff", f"{name}.ms", f"{name}2.ms")


class Plan(ProgramCase):
    """multims plan VERB is the verb's --dryrun, whatever else is said."""

    def test_it_is_the_dry_run(self):
        self.simulate()
        for verb, *words in (["partition", "separationaxis=scan"], ["split", "width=2"],
                             ["hanningsmooth"], ["mstransform", "hanning=True"], ["split2"]):
            words = ["in.ms", "out", *words]
            dry = self.answer(verb, *words, "--dryrun")
            self.assertEqual(dry["rows"], 48)
            self.assertEqual(self.answer("plan", verb, *words), dry)
            self.assertEqual(self.answer("plan", verb, *words, "dryrun=False"), dry)
        self.assertEqual(os.listdir(self.folder), ["in.ms"])

    def test_it_tells_the_decision_the_stages_and_the_parts(self):
        self.simulate()
        self.multims("partition", "in.ms", "in.mms", "separationaxis=scan", "--quiet")
        words = ["mstransform", "in.mms", "out.mms", "timeaverage=True", "timebin=20s",
                 "chanaverage=True", "chanbin=[2,4]", "hanning=True"]
        dry = self.answer("plan", *words)
        self.assertEqual(dry["stages"], ["time average of 20 s", "channel average by 2,4",
                                         "Hanning smoothing"])
        self.assertEqual([len(w["CHAN_FREQ"]) for w in dry["windows"]], [4, 2])
        self.assertEqual([p["name"] for p in dry["parts"]], ["out.0000.ms", "out.0001.ms"])
        text = self.multims("plan", *words).stdout
        self.assertIn("out.mms: 48 rows selected, parallel: no time bin needs rows of two", text)
        self.assertIn("Stages: time average of 20 s, then channel average by 2,4, then Hann", text)
        self.assertIn("Output spw 0 from 0: 4 of 8 channels, the first ", text)
        self.assertRegex(text, r"(?m)^out\.0001\.ms +2 +0~1 +24 +12 ")
        across = self.answer("plan", *words, "timespan=scan")
        self.assertEqual((across["verdict"], across["axis"]), ("re-partition", "spw"))
        self.assertRegex(across["reason"], "sub-MS 0 has no rows of scan 2")
        self.assertFalse(os.path.exists(self.path("out.mms")))

    def written(self, path):
        """Rows, and bytes of the cells of an output."""
        with table(self.path(path), ack=False) as main:
            cells = [main.getcell(c, r) for c in main.colnames() for r in range(main.nrows())
                     if main.iscelldefined(c, r)]
            sizes = {n: main.getcoldesc(n)["valueType"] for n in main.colnames()}
            scalar = {"int": 4, "double": 8, "boolean": 1}
            return main.nrows(), sum(c.nbytes for c in cells if isinstance(c, numpy.ndarray)) + sum(
                scalar[t] * main.nrows() for n, t in sizes.items() if main.isscalarcol(n))

    def test_it_knows_what_will_be_written(self):
        """Rows and bytes before are those after, however rows lie and whatever is averaged."""
        self.simulate("in.ms", "scans=3", "fields=2", "integrations=5", "spws=3", "wtspectrum=True")
        self.simulate("bare.ms", "scans=2", "integrations=5", "wtspectrum=False")
        with table(self.path("bare.ms"), readonly=False, ack=False) as main:  # TIME falls
            for name in main.colnames():
                if main.iscelldefined(name, 0):
                    main.putcol(name, main.getcol(name)[::-1])
        for words in ("split in.ms datacolumn=data", "split in.ms datacolumn=corrected width=3",
                      "split in.ms datacolumn=all spw=0:1~5,2 correlation=XX width=2 timebin=20s",
                      "mstransform in.ms datacolumn=data timeaverage=True timebin=30s "
                      "timespan=scan,field maxuvwdistance=5 hanning=True",
                      "mstransform bare.ms datacolumn=data usewtspectrum=True",
                      "mstransform bare.ms datacolumn=all timeaverage=True timebin=20s",
                      "mstransform in.ms datacolumn=data createmms=True separationaxis=scan "
                      "timeaverage=True timebin=20s",
                      "mstransform in.ms datacolumn=data createmms=True separationaxis=baseline "
                      "timeaverage=True timebin=20s", "partition in.ms spw=1:2~4 datacolumn=data"):
            with self.subTest(words=words):
                verb, source, *words = words.split()
                plan = self.answer("plan", verb, source, "out", *words)
                done = self.answer(verb, source, "out", *words, "--no-sync", "--quiet")
                self.assertEqual((plan["rows_out"], plan["bytes_out"]), self.written("out"))
                self.assertEqual(done["rows_out"], plan["rows_out"])
                self.assertEqual([p["rows_out"] for p in done["parts"]],
                                 [p["rows_out"] for p in plan["parts"]])
                shutil.rmtree(self.path("out"))
                shutil.rmtree(self.path("out.flagversions"), ignore_errors=True)

    def test_it_guesses_the_time(self):
        self.simulate()
        plan = self.answer("plan", "split", "in.ms", "out.ms", "timebin=20s", "-j", "1")
        self.assertTrue(0 < plan["seconds"] < 5)
        self.assertRegex(plan["estimate"], r"^about 0\.\d s with 1 worker: a guess from ")
        self.assertIn("\nTime: about 0.", self.multims("plan", "split", "in.ms", "out.ms").stdout)

    def test_it_names_the_state_that_alma_adds(self):
        self.simulate()
        with table(self.path("in.ms/OBSERVATION"), readonly=False, ack=False) as observation:
            observation.putcell("TELESCOPE_NAME", 0, "ALMA")
        plan = self.answer("plan", "split", "in.ms", "out.ms", "timebin=31s", "combine=scan")
        self.assertEqual(plan["stages"], ["time average of 31 s across scan,state (state is added: "
                                          "sub-scans of ALMA)"])

    def test_words_behind_two_dashes_stay_names(self):
        self.simulate()
        self.assertEqual(self.multims("plan", "split", "--json", "--", "in.ms", "a=b.ms").stdout,
                         self.multims("split", "--json", "--dryrun", "--", "in.ms", "a=b.ms").stdout)
        self.assertEqual(os.listdir(self.folder), ["in.ms"])

    def test_what_cannot_be_planned_is_refused_in_words(self):
        for words, said in ((["simulate", "a.ms"], "simulate has no dry run"), ([], "which verb"),
                            (["slpit", "a.ms"], "did you mean split")):
            self.assertRegex(self.multims("plan", *words, status=2).stderr, said)
        self.assertEqual(os.listdir(self.folder), [])


class Version(ProgramCase):
    def test_it_names_what_it_was_built_with(self):
        text = self.multims("--version").stdout
        self.assertRegex(text, r"^multims \d+\.\d+\.\d+ .*casacore \d+\.\d+\.\d+, Open MPI v\d")

    def test_mpi_is_not_loaded_without_a_launcher(self):
        self.simulate()
        for words in ["--version"], ["partition", "in.ms", "out.mms", "-j", "2"]:
            env = {name: text for name, text in os.environ.items()
                   if not name.startswith(("OMPI_", "PMI", "SLURM_"))}
            loaded = self.multims(*words, env={**env, "LD_DEBUG": "files"}).stderr
            self.assertIn("libcasa_tables", loaded)
            self.assertNotIn("libmpi", loaded)


class Outputs(ProgramCase):
    def test_a_full_standard_output_fails_the_run(self):
        self.simulate()
        for words in ["tasks"], ["--version"], ["listpartition", "in.ms"], ["tasks", "--json"]:
            with open("/dev/full", "w") as full:
                run = self.multims(*words, status=1, stdout=full)
            self.assertRegex(run.stderr, "multims: standard output: (No space left|write error)")

    def test_a_closed_pipe_ends_silently_and_does_not_kill_the_run(self):
        """| head: who reads has had enough, and the work is done all the same."""
        self.simulate()
        for words in (["listpartition", "in.ms"], ["tasks", "--json"], ["partition", "--help"],
                      ["partition", "in.ms", "out.mms", "--json", "--quiet"]):
            reader, writer = os.pipe()
            os.close(reader)
            try:
                run = self.multims(*words, stdout=writer)
            finally:
                os.close(writer)
            self.assertEqual(run.stderr, "")
        self.multims("verify", "out.mms", "--against", "in.ms")

    def test_results_go_to_stdout_and_messages_to_stderr(self):
        self.simulate()
        run = self.multims("partition", "in.ms", "out.mms", "--json")
        self.assertEqual(json.loads(run.stdout)["rows"], 48)
        self.assertIn("INFO partition: ", run.stderr)

    def test_quiet_says_nothing_of_a_good_run(self):
        run = self.multims("partition", self.simulate(), "out.mms", "--quiet")
        self.assertEqual(run.stderr, "")

    def test_verbose_says_more(self):
        self.simulate()
        said = self.multims("partition", "in.ms", "out.mms").stderr
        self.assertNotIn("DEBUG", said)
        self.assertRegex(self.multims("partition", "in.ms", "o2.mms", "-v").stderr, "(?m)^DEBUG ")

    def test_the_log_is_appended_with_times_and_has_the_failure(self):
        self.simulate()
        self.multims("partition", "in.ms", "out.mms", "--quiet", "--log", "run.log")
        self.multims("partition", "in.ms", "out.mms", "--quiet", "--log", "run.log", status=2)
        with open(self.path("run.log")) as log:
            lines = log.read().splitlines()
        for line in lines:
            self.assertRegex(line, r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z [A-Z]+ \S+: ")
        self.assertTrue(any(" INFO " in line for line in lines))
        self.assertRegex(lines[-1], r" ERROR .*out\.mms already exists")


class Parameters(ProgramCase):
    WANTED = {"vis": "in.ms", "outputvis": "out.mms", "separationaxis": "spw", "numsubms": 2,
              "scan": "1", "spw": "0:1~4,1", "flagbackup": False}

    def plan(self, *words):
        return self.answer("partition", *words, "--dryrun")

    def test_options_words_and_file_are_the_same_request(self):
        self.simulate()
        options = self.plan("in.ms", "out.mms", "--separationaxis", "spw", "--numsubms=2",
                            "--scan", "1", "--spw", "0:1~4,1", "--no-flagbackup")
        words = self.plan("vis='in.ms'", "outputvis=out.mms", "separationaxis=spw", "numsubms=2",
                          "scan='1'", "spw='0:1~4,1'", "flagbackup=False")
        with open(self.path("request.json"), "w") as file:
            json.dump(self.WANTED, file)
        self.assertEqual([p["rows"] for p in options["parts"]], [12, 12])
        self.assertEqual([p["spws"] for p in options["parts"]], [[0], [1]])
        self.assertEqual(words, options)
        self.assertEqual(self.plan("--params", "request.json"), options)

    def test_words_win_over_the_file(self):
        self.simulate()
        with open(self.path("request.json"), "w") as file:
            json.dump({**self.WANTED, "scan": "99"}, file)
        self.assertEqual(self.plan("--params", "request.json", "scan=1")["rows"], 24)

    def test_a_bad_file_is_refused_by_name(self):
        for text, said in (("{", r"bad\.json"), ('{"nosuch": 1}', "nosuch"), ("[]", r"bad\.json")):
            with open(self.path("bad.json"), "w") as file:
                file.write(text)
            run = self.multims("partition", "--params", "bad.json", status=2)
            self.assertRegex(run.stderr, said)
        self.multims("partition", "--params", "absent.json", status=2)


program_case.main()
