# SPDX-License-Identifier: LGPL-2.1-or-later
"""each: failures, stops, resuming, copies, environment, real programs; python-casacore judges."""
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import time

import program_case
from machine import alive, family, kill_all, mpirun, patient
from program_case import ProgramCase

UPDATE = "from casacore.tables import table\nimport sys\n" \
         "with table(sys.argv[1], readonly=False, ack=False) as t:\n" \
         "    t.putcol('WEIGHT', t.getcol('WEIGHT') + 1)\n"


def session_of(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return int(file.read().rpartition(")")[2].split()[3])
    except (OSError, IndexError):
        return 0


class PartsCase(ProgramCase):
    """A Multi-MS x.mms of four parts."""

    def setUp(self):
        super().setUp()
        self.simulate("in.ms", "scans=4")
        self.multims("partition", "in.ms", "x.mms", "separationaxis=scan", "numsubms=4", "-q")

    def part(self, i):
        return self.path(f"x.mms/SUBMSS/x.000{i}.ms")

    def each(self, *words, status=0, **options):
        return self.multims("each", "x.mms", *words, status=status, **options)

    def report(self, *words, status=0):
        split = words.index("--")
        run = self.each(*words[:split], "--json", *words[split:], status=status)
        return json.loads(run.stdout), run

    def states(self, report):
        return [p["state"] for p in report["parts"]]

    def script(self, name, text):
        with open(self.path(name), "w") as file:
            file.write(text)
        return name

    def wait_for(self, condition):
        limit = time.time() + patient(30)
        while not condition():
            self.assertLess(time.time(), limit, "nothing happened")
            time.sleep(0.02)

    def leftovers(self):
        return [n for folder in (self.folder, self.path("x.mms"), self.path("x.mms/SUBMSS"))
                for n in os.listdir(folder) if n.startswith(".") or n.endswith(".multims")]

    def weights(self):
        run = self.run_words(sys.executable, "-c",
                             "from casacore.tables import table\n"
                             "for i in range(4):\n"
                             "    with table(f'x.mms/SUBMSS/x.000{i}.ms', ack=False) as t:\n"
                             "        print(t.getcol('WEIGHT').min())\n")
        return [float(w) for w in run.stdout.split()]


class Each(PartsCase):
    # ---- failures ----

    def test_the_first_failure_ends_the_others(self):
        report, run = self.report("-j", "2", "--", "sh", "-c",
                                  "[ {index} = 0 ] && echo bad luck >&2 && exit 7; sleep 60",
                                  status=1)
        self.assertEqual(self.states(report), ["failed", "stopped", "not run", "not run"])
        self.assertEqual(report["parts"][0]["exit"], 7)
        self.assertEqual(report["parts"][0]["stderr_tail"], "bad luck\n")
        self.assertIn("ERROR each: x.0000.ms: sh ended with status 7: bad luck", run.stderr)
        self.assertEqual(self.leftovers(), [])

    def test_the_others_go_on(self):
        report, run = self.report("-j", "2", "--keepgoing", "--", "sh", "-c",
                                  "case {index} in 0) exit 7;; 1) kill -SEGV $$;; esac", status=1)
        self.assertEqual(self.states(report), ["failed", "failed", "done", "done"])
        self.assertEqual(report["parts"][1]["signal"], signal.SIGSEGV)
        self.assertIn("x.0001.ms: sh was ended by signal 11", run.stderr)
        self.assertEqual((report["failed"], report["done"]), (2, 2))

    def test_twenty_parts(self):
        """A059: the words of each, and the one that fails."""
        self.simulate("y.ms", "scans=20", "integrations=1")
        self.multims("partition", "y.ms", "y.mms", "separationaxis=scan", "numsubms=20", "-q")
        run = self.multims("each", "y.mms", "-j", "3", "--keepgoing", "--json", "--", "sh", "-c", 'echo "$0 $1"; [ {index} != 7 ]', "{index}", "{vis}", status=1)
        parts = json.loads(run.stdout)["parts"]
        self.assertEqual(self.states({"parts": parts}), ["done"] * 7 + ["failed"] + ["done"] * 12)
        self.assertEqual([p["stdout_tail"] for p in parts], [f"{i} {self.path(f'y.mms/SUBMSS/y.{i:04}.ms')}\n" for i in range(20)])

    def test_a_killed_worker_costs_its_part_alone(self):
        report, _ = self.report("-j", "1", "--keepgoing", "--", "sh", "-c",
                                "[ {index} = 1 ] && kill -KILL $PPID; sleep 0.1", status=1)
        self.assertEqual(self.states(report), ["done", "failed", "done", "done"])
        self.assertIn("signal 9", report["parts"][1]["message"])
        self.assertIn("it is not begun again, as its program may have changed the part", report["parts"][1]["message"])
        self.assertNotIn("retries", report)

    ONCE = '[ $1 != 3 ] && mkdir seen-$1 2> /dev/null && echo half >> "$0/table.info" && kill -KILL $PPID && ' \
           'sleep 60; echo whole >> "$0/table.info"; echo $2'

    def kill_once(self, ranks, *words):
        """Workers are killed by their programs the first time, three times in all, which is the most that a run of
        four parts begins again; what table.info of each of the three has at the end."""
        run = self.run_words(*mpirun(ranks), program_case.args.program, "each", "x.mms", "-j", "2", "--json",
                             "workerretries=2", *words, "--", "sh", "-c", self.ONCE, "{vis}", "{index}", "{attempt}")
        self.assertEqual(run.returncode, 0, run.stderr)
        report = json.loads(run.stdout)
        self.assertEqual(self.states(report), ["done"] * 4)
        self.assertEqual(len(report["retries"]), 3)
        self.assertEqual([p["stdout_tail"] for p in report["parts"]], ["2\n", "2\n", "2\n", "1\n"])
        self.assertIn("it is tried again (attempt 2 of 3)", run.stderr)
        for i in range(3):
            os.rmdir(self.path(f"seen-{i}"))
            with open(self.part(i) + "/table.info") as file:
                yield [line for line in file.read().splitlines() if line in ("half", "whole")]
        self.assertEqual(self.leftovers(), [])

    def test_a_part_whose_worker_was_killed_is_begun_again_with_a_copy(self):
        for ranks in (0, 3):
            with self.subTest(ranks=ranks):
                self.assertEqual(set(map(tuple, self.kill_once(ranks, "--staged"))), {("whole",) * (2 if ranks else 1)})
        self.multims("verify", "x.mms")

    def test_or_where_the_user_says_that_it_may_run_twice(self):
        self.assertEqual(list(self.kill_once(0, "--retries", "1")), [["half", "whole"]] * 3)

    def test_a_part_that_is_a_link_is_copied(self):
        """The copy stands beside the part itself, which is replaced where it is; the link stays."""
        os.rename(self.part(2), self.path("elsewhere.ms"))
        os.symlink(self.path("elsewhere.ms"), self.part(2))
        for end, lines in ("exit 1", 0), ("true", 1):
            self.each("--staged", "--keepgoing", "--", "sh", "-c", 'echo new >> "$0/table.info"; ' + end, "{vis}",
                      status=1 - lines)
            self.assertTrue(os.path.islink(self.part(2)))
            with open(self.path("elsewhere.ms/table.info")) as file:
                self.assertEqual(file.read().count("new\n"), lines)
        self.assertEqual(self.leftovers(), [])

    def test_what_a_part_leaves_running_is_ended(self):
        self.each("-j", "1", "--", "sh", "-c", "(setsid sleep 300 & echo $! >> pids) ; sleep 0.1")
        with open(self.path("pids")) as file:
            pids = file.read().split()
        self.assertEqual(len(pids), 4)
        self.wait_for(lambda: not any(alive(p) for p in pids))

    def test_one_that_does_nothing_is_ended(self):
        """A063: what works is not, however long it takes; nor is what waits for a child that works."""
        work = "(for k in 1 2 3 4 5; do i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done; done)"
        report, run = self.report("-j", "4", "--stalllimit", "1s", "--keepgoing", "--", "sh", "-c",
                                  "[ {index} = 2 ] && sleep 600; " + work, status=1)
        self.assertEqual(self.states(report), ["done", "done", "failed", "done"])
        self.assertIn("as it has done nothing for 1 s", run.stderr)

    def test_a_limit_ends_the_program(self):
        report, run = self.report("-j", "4", "--limit", "0.3s", "--keepgoing", "--", "sh", "-c",
                                  "[ {index} = 2 ] && sleep 60; true", status=1)
        self.assertEqual(self.states(report), ["done", "done", "failed", "done"])
        self.assertIn("after the limit of 0.3 s", run.stderr)

    def test_retries(self):
        """A program that fails once, for each part; the answer tells which try did it."""
        self.script("once.sh", 'test -e "seen-$(basename $1)" && exit 0; touch "seen-$(basename $1)"; exit 4\n')
        report, run = self.report("--retries", "2", "--", "sh", "once.sh", "{vis}")
        self.assertEqual({p["attempt"] for p in report["parts"]}, {2})
        self.assertIn("try 2 of 3", run.stderr)
        report, _ = self.report("--retries", "1", "--keepgoing", "--", "sh", "-c", "echo $0; exit 4", "{attempt}",
                                status=1)
        self.assertEqual({(p["attempt"], p["stdout_tail"]) for p in report["parts"]}, {(2, "2\n")})

    def test_exit_statuses_that_count_as_good(self):
        report, _ = self.report("--okcodes", "0,3", "--", "sh", "-c", "exit $0", "3")
        self.assertEqual({(p["state"], p["exit"]) for p in report["parts"]}, {("done", 3)})
        for code, codes in (("4", "0,3"), ("0", "3")):
            report, _ = self.report("--okcodes", codes, "--keepgoing", "--", "sh", "-c", "exit $0", code, status=1)
            self.assertEqual(set(self.states(report)), {"failed"})

    def test_outputs(self):
        """What a program makes stands under the part's name when it has ended well, and not before."""
        words = ["--outputvis", "made", "--keepgoing", "--", "sh", "-c",
                 'cp -rL "$0" "$1"; case $0 in *0002.ms) exit 1;; esac', "{vis}", "{outputvis}"]
        self.each(*words, status=1)
        self.assertEqual(sorted(os.listdir(self.path("made"))), [f"x.000{i}.ms" for i in (0, 1, 3)])
        run = self.each(*words, status=2)
        self.assertIn("already exists", run.stderr)
        self.run_words(sys.executable, "-c", "from casacore.tables import table\n"
                       "assert table('made/x.0000.ms', ack=False).nrows() == 24", check=True)
        self.assertIn("made no output", self.each("--outputvis", "none", "--", "echo", "{outputvis}",
                                                  status=1).stderr)
        for words in (["--", "echo", "{outputvis}"], ["--outputvis", "b", "--", "echo"]):
            self.assertIn("{outputvis}", self.each(*words, status=2).stderr)

    def test_outputs_that_cannot_be(self):
        """Refused before a program runs: in an input, no folder, one name for two parts."""
        words = ["--", "sh", "-c", "touch ran; cp -rL $0 $1", "{vis}", "{outputvis}"]
        for folder in ("x.mms", "x.mms/SUBMSS", "x.mms/new"):
            run = self.each("--outputvis", folder, *words, status=2)
            self.assertRegex(run.stderr, "parameter outputvis: .* lies inside the input x.mms")
        self.assertFalse(os.path.exists(self.path("x.mms/new")))
        with open(self.path("file"), "w"):
            pass
        self.assertRegex(self.each("--outputvis", "file", *words, status=2).stderr, "/file is no folder")
        for name in ("a_b/c/p.ms", "a/b_c/p.ms"):
            os.makedirs(os.path.dirname(self.path(name)))
            shutil.copytree(self.part(1), self.path(name))
        run = self.multims("each", "a_b/c/p.ms", "a/b_c/p.ms", "--outputvis", "two", *words, status=2)
        self.assertRegex(run.stderr, "parameter outputvis: .*a_b_c_p.ms would be the output of .*/p.ms and of .*/p.ms")
        self.assertFalse(os.path.exists(self.path("ran")))
        self.multims("verify", "x.mms")

    def test_nothing_is_left_where_a_worker_was_killed(self):
        run = self.each("--outputvis", "made", "-j", "2", "--", "sh", "-c", "mkdir $0; kill -9 $PPID; sleep 60",
                        "{outputvis}", status=1)
        self.assertIn("was killed by signal 9", run.stderr)
        self.assertEqual(os.listdir(self.path("made")), [])

    def test_numbers_that_cannot_be(self):
        for words in (("--okcodes", ""), ("--okcodes", "0,256"), ("--okcodes", "-1"),
                      ("--retries", "9223372036854775807")):
            run = self.each(*words, "--", "touch", "ran", status=2)
            self.assertIn(f"parameter {words[0][2:]}: {words[1].split(',')[-1] or repr('')}", run.stderr)
        self.assertFalse(os.path.exists(self.path("ran")))

    def test_server_and_memory(self):
        for ranks in (0, 3):
            run = self.run_words(*mpirun(ranks), program_case.args.program, "each", "x.mms", "-j", "2", "--json",
                                 "--", "sh", "-c", "echo $0 $1 $MULTIMS_SERVER", "{server}", "{mem_mib}",
                                 env={**os.environ, "OMPI_MCA_rmaps_base_oversubscribe": "1"})
            self.assertEqual(run.returncode, 0, run.stderr)
            for part in json.loads(run.stdout)["parts"]:
                server, memory, variable = part["stdout_tail"].split()
                self.assertEqual((int(server), server), (part["worker"], variable))
                self.assertGreater(int(memory), 64)

    def test_folders_of_killed_programs_are_cleaned(self):
        os.mkdir(self.path("tmp"))
        env = {**os.environ, "TMPDIR": self.path("tmp")}
        child = subprocess.Popen([program_case.args.program, "each", "x.mms", "-j", "1", "--", "sh", "-c",
                                  "touch $0/x; echo $$ > pid; exec sleep 600", "{tmpdir}"], cwd=self.folder, env=env,
                                 start_new_session=True, stderr=subprocess.DEVNULL)
        self.wait_for(lambda: os.path.exists(self.path("pid")) and os.path.getsize(self.path("pid")))
        with open(self.path("pid")) as file:
            program = file.read().strip()
        with open(f"/proc/{program}/stat") as file:
            worker = int(file.read().rpartition(")")[2].split()[1])
        watched = [int(p) for p in os.listdir("/proc") if p.isdigit() and session_of(p) == child.pid]
        for pid in [child.pid, *watched, worker]:  # first who would clean up
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        child.wait()
        self.wait_for(lambda: not alive(worker))
        self.assertEqual(len(os.listdir(self.path("tmp"))), 1)
        self.multims("clean", "x.mms", env=env)
        self.assertEqual(os.listdir(self.path("tmp")), [])

    def test_wrong_requests_are_refused(self):
        cases = [(["x.mms"], "Please specify the program behind --"),
                 (["x.mms", "--", "no-such-program"], "not found in PATH"),
                 (["x.mms", "--", "./in.ms/table.dat"], "Permission denied"),
                 (["x.mms", "--", "echo", "{viss}"], "{viss} is not one of {vis}"),
                 (["--", "true"], "Please specify vis."),
                 (["no.ms", "--", "true"], "Visibility data set not found"),
                 (["in.ms/ANTENNA", "--", "true"], "is not a MeasurementSet"),
                 (["in.ms", "in.ms", "--", "true"], "is named twice")]
        for words, text in cases:
            with self.subTest(words=words):
                run = self.multims("each", *words, status=2)
                self.assertIn(text, run.stderr)
                self.assertEqual(run.stdout, "")
        self.assertEqual(self.leftovers(), [])

    # ---- words and environment ----

    def test_words_arrive_as_they_are(self):
        odd = ["a b", "", "$HOME", "'\"", "{{vis}", "{{", "{'a':{'b':1}}", "--json", "é\n"]
        script = self.script("show.py", "import json, sys\nprint(json.dumps(sys.argv[1:]))\n")
        run = self.multims("each", "in.ms", "-q", "--json", "--", sys.executable, script, *odd)
        tail = json.loads(run.stdout)["parts"][0]["stdout_tail"]
        self.assertEqual(json.loads(tail), [w.replace("{{", "{") for w in odd])

    def test_words_of_known_programs(self):
        """Templates: ours, the user's before it, and neither where a word has a token."""
        tools = self.path("bin")
        os.mkdir(tools)
        self.script("bin/aoflagger", "#!/bin/sh\nprintf '[%s]' \"$@\"; echo\n")
        os.chmod(self.path("bin/aoflagger"), 0o755)
        env = {**os.environ, "PATH": tools + ":" + os.environ["PATH"], "XDG_CONFIG_HOME": self.path("config")}

        def says(*words, status=0):
            run = self.multims("each", "in.ms", "-j", "1", "-q", "--json", "--", *words, env=env, status=status)
            return run.stderr if status else json.loads(run.stdout)["parts"][0]["stdout_tail"].strip()
        vis = self.path("in.ms")
        self.assertEqual(says("aoflagger", "-v", "a b"), f"[-j][1][-v][a b][{vis}]")
        self.assertEqual(says("aoflagger", "{name}"), "[in.ms]")
        os.makedirs(self.path("config/multims"))
        with open(self.path("config/multims/programs.json"), "w") as file:
            json.dump({"aoflagger": ["...", "{vis}", "..."]}, file)
        many = [f"w{i}" for i in range(40)]
        told = "".join(f"[{word}]" for word in many)
        self.assertEqual(says("aoflagger", *many), f"{told}[{vis}]{told}")
        with open(self.path("config/multims/programs.json"), "w") as file:
            file.write('{"aoflagger": [3]}')
        self.assertIn("programs.json: word 1 of aoflagger is no text", says("aoflagger", status=2))

    def test_sets_on_the_line_and_calls(self):
        self.simulate("other.ms")
        run = self.multims("each", "in.ms", "other.ms", "x.mms", "--json", "--", "true")
        report = json.loads(run.stdout)
        self.assertEqual([p["name"] for p in report["parts"]],
                         ["in.ms", "other.ms"] + [f"x.000{i}.ms" for i in range(4)])
        run = self.multims("each(vis=['in.ms', 'other.ms'], program=['echo', '{name}!'])")
        self.assertIn("other.ms: other.ms!\n", run.stdout)

    def test_the_program_is_no_rank(self):
        env = dict(os.environ, OMPI_COMM_WORLD_RANK="0", PMIX_RANK="0", PMI_RANK="0", KEPT="yes",
                   SLURM_PROCID="1", SLURM_JOB_ID="77", MULTIMS_TRANSPORT="local")
        env.pop("OMP_NUM_THREADS", None)
        run = self.multims("each", "in.ms", "-j", "2", "--", "env", env=env)
        got = [line.partition(": ")[2] for line in run.stdout.splitlines()]
        for word in ("OMPI_", "PMIX_", "PMI_", "SLURM_PROCID", "MULTIMS_TRANSPORT"):
            self.assertFalse([g for g in got if g.startswith(word)], word)
        for word in ("KEPT=yes", "SLURM_JOB_ID=77", "OMP_NUM_THREADS=2",
                     f"MULTIMS_UNIT={self.path('in.ms')}"):
            self.assertIn(word, got)
        tmp = next(g for g in got if g.startswith("TMPDIR=")).partition("=")[2]
        self.assertFalse(os.path.exists(tmp))

    def test_memory_is_not_bounded(self):
        run = self.multims("each", "in.ms", "--", "sh", "-c", "ulimit -v")
        self.assertIn("in.ms: " + self.run_words("sh", "-c", "ulimit -H -v").stdout, run.stdout)

    def test_ranks_do_it(self):
        words = [*mpirun(3), program_case.args.program, "each", "x.mms", "--json", "--keepgoing", "--",
                 "sh", "-c", "env | grep -c -e ^OMPI_ -e ^PMIX_; [ {index} != 1 ]"]
        run = self.run_words(*words)
        report = json.loads(run.stdout)
        self.assertEqual(self.states(report), ["done", "failed", "done", "done"])
        self.assertEqual({p["stdout_tail"] for p in report["parts"]}, {"0\n"})
        self.assertEqual(run.returncode, 1, run.stderr)

    def test_one_process_does_it(self):
        env = dict(os.environ, MULTIMS_TRANSPORT="inline")
        self.assertIn("4 done", self.each("--", "true", env=env).stdout)

    # ---- stop ----

    def start(self, *words):
        process = subprocess.Popen([program_case.args.program, "each", "x.mms", *words],
                                   cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   text=True)
        self.addCleanup(process.kill)
        return process

    def pids(self, n):
        def there():
            try:
                with open(self.path("pids")) as file:
                    return len(file.read().split()) >= n
            except FileNotFoundError:
                return False
        self.wait_for(there)
        with open(self.path("pids")) as file:
            return file.read().split()

    def test_a_stop_signal_ends_programs_in_order(self):
        for number, status in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
            with self.subTest(number=number):
                process = self.start("-j", "2", "--", "sh", "-c",
                                     "trap 'echo bye {index} >> said; exit 0' TERM; "
                                     "echo $$ >> pids; while :; do sleep 0.05; done")
                pids = self.pids(2)
                process.send_signal(number)
                _, said = process.communicate(timeout=patient(20))
                self.assertEqual(process.returncode, status, said)
                self.assertFalse([p for p in pids if alive(p)])
                with open(self.path("said")) as file:
                    self.assertEqual(sorted(file.read().splitlines()), ["bye 0", "bye 1"])
                os.remove(self.path("said"))
                os.remove(self.path("pids"))
        self.assertEqual(self.leftovers(), [])

    def test_a_second_interrupt_ends_at_once(self):
        """Programs that do not listen have five seconds, which a second Ctrl-C cuts short."""
        for _ in range(5):
            process = self.start("-j", "2", "--", "sh", "-c", "trap '' TERM; echo $$ >> pids; while :; do sleep 0.2; done")
            pids = self.pids(2)
            process.send_signal(signal.SIGINT)
            time.sleep(2.5)
            process.send_signal(signal.SIGINT)
            _, said = process.communicate(timeout=patient(20))
            self.assertIn(process.returncode, (-signal.SIGINT, 130), said)  # a shell says 130 of both
            self.wait_for(lambda: not any(alive(p) for p in pids))
            os.remove(self.path("pids"))
            if "stopped by signal" not in said:
                return
        self.fail("ended in order each time: " + said)

    def test_a_stop_before_the_program_begins_is_no_failure(self):
        for delay in (0.02, 0.05, 0.1):
            process = self.start("-j", "2", "--json", "--", "sleep", "30")
            self.wait_for(lambda: os.path.exists(self.path("x.mms.multims")))
            time.sleep(delay)
            process.send_signal(signal.SIGINT)
            _, said = process.communicate(timeout=patient(20))
            self.assertEqual(process.returncode, 130, said)
            self.assertNotIn("ERROR", said)
        self.assertEqual(self.leftovers(), [])

    def test_a_killed_client_takes_the_programs_along(self):
        process = self.start("-j", "2", "--", "sh", "-c", "echo $$ >> pids; exec sleep 300")
        pids = self.pids(2)
        group = subprocess.run(["pgrep", "-P", str(process.pid)], stdout=subprocess.PIPE,
                               text=True).stdout.split()
        for pid in [*group, process.pid]:
            os.kill(int(pid), signal.SIGKILL)
        self.wait_for(lambda: not any(alive(p) for p in pids))

    def test_a_program_that_outlives_its_run_is_waited_for(self):
        """It has the file of the note locked, as those of a client that was killed may for a moment."""
        with open(self.path("x.mms/SUBMSS/.x.0001.ms.mms-each-copy-note"), "w") as note:
            fcntl.flock(note, fcntl.LOCK_EX)
            process = self.start("--staged", "-j", "4", "--", "sh", "-c", "echo {index} >> ran")
            self.wait_for(lambda: os.path.exists(self.path("ran")) and self.content("ran").count("\n") == 3)
            time.sleep(0.5)
            self.assertEqual(sorted(self.content("ran").split()), ["0", "2", "3"])
        _, said = process.communicate(timeout=patient(60))
        self.assertEqual(process.returncode, 0, said)
        self.assertEqual(sorted(self.content("ran").split()), ["0", "1", "2", "3"])
        self.assertEqual(self.leftovers(), [])

    def content(self, name):
        with open(self.path(name)) as file:
            return file.read()

    def test_a_part_that_stands_beside_its_place_is_put_back(self):
        """As a kill leaves it where the disk can't exchange names."""
        os.rename(self.part(1), self.path("x.mms/SUBMSS/.x.0001.ms.mms-each-copy-old"))
        self.each("--", "true")
        self.assertEqual(self.leftovers(), [])
        self.multims("verify", "x.mms")

    def test_clean_removes_copies_of_a_run_that_was_killed(self):
        process = self.start("--staged", "-j", "2", "--", "sh", "-c", "echo $$ >> pids; exec sleep 300", "{vis}")
        self.pids(2)
        kill_all(family(process.pid))
        process.communicate(timeout=patient(20))
        self.assertEqual(len([n for n in self.leftovers() if n.endswith("-copy")]), 2)
        # as a kill leaves it where the disk can't exchange names
        os.rename(self.part(1), self.path("x.mms/SUBMSS/.x.0001.ms.mms-each-copy-old"))
        self.multims("clean", "x.mms.multims")
        self.assertEqual(self.leftovers(), [])
        self.multims("verify", "x.mms")

    # ---- resume ----

    def test_what_is_done_stays_done(self):
        words = ["--", "sh", "-c", "echo {index} >> ran; [ {index} != 2 ] || [ -e good ]"]
        report, run = self.report("-j", "1", *words, status=1)
        self.assertEqual(self.states(report), ["done", "done", "failed", "not run"])
        self.assertIn("2 of 4 parts are done; the same command with --resume goes on", run.stderr)
        self.script("good", "")
        report, run = self.report("-j", "2", "--resume", *words)
        self.assertEqual(self.states(report), ["skipped", "skipped", "done", "done"])
        with open(self.path("ran")) as file:
            self.assertEqual(sorted(file.read().split()), ["0", "1", "2", "2", "3"])
        self.assertEqual(self.leftovers(), [])
        report, run = self.report("--resume", *words)
        self.assertEqual(self.states(report), ["done"] * 4)
        self.assertIn("there is no unfinished run", run.stderr)

    def test_a_change_and_another_command_are_noticed(self):
        words = ["--", "sh", "-c", "[ {index} != 3 ] || [ -e good ]"]
        self.each("-j", "1", *words, status=1)
        run = self.each("--resume", "--", "true", status=2)
        self.assertIn("resume: the run that was not finished is another one", run.stderr)
        time.sleep(0.01)
        self.run_words(sys.executable, "-c", UPDATE, self.part(1))
        self.script("good", "")
        report, run = self.report("--resume", *words)
        self.assertIn("WARN each: x.0001.ms was changed since it was done", run.stderr)
        self.assertEqual(self.states(report), ["skipped", "done", "skipped", "done"])

    def test_a_leftover_is_told(self):
        self.each("-j", "1", "--", "sh", "-c", "[ {index} = 0 ]", status=1)
        run = self.each("--", "true")
        self.assertIn("WARN each: an earlier run was not finished (1 parts done)", run.stderr)
        self.assertEqual(self.leftovers(), [])

    def test_two_runs_at_once_are_refused(self):
        process = self.start("-j", "1", "--", "sh", "-c", "echo $$ >> pids; sleep 60")
        self.pids(1)
        run = self.each("--", "true", status=2)
        self.assertIn("another run of each is at work", run.stderr)
        process.terminate()
        process.communicate(timeout=patient(20))

    # ---- on a copy ----

    def test_a_failed_copy_leaves_the_part(self):
        before = self.weights()
        script = self.script("up.py", UPDATE + "sys.exit(sys.argv[2] == '1')\n")
        report, _ = self.report("--staged", "--keepgoing", "--", sys.executable, script, "{vis}",
                                "{index}", status=1)
        self.assertEqual(self.states(report), ["done", "failed", "done", "done"])
        after = self.weights()
        self.assertEqual(after, [w + (i != 1) for i, w in enumerate(before)])
        self.each("--staged", "--resume", "--", sys.executable, script, "{vis}", "0", status=2)
        self.each("--staged", "--", sys.executable, script, "{vis}", "0")
        self.multims("verify", "x.mms")
        self.assertEqual(self.leftovers(), [])
        links = [n for n in os.listdir(self.part(2)) if os.path.islink(f"{self.part(2)}/{n}")]
        self.assertIn("POINTING", links)

    def test_a_stopped_copy_leaves_the_part(self):
        before = self.weights()
        script = self.script("up.py", UPDATE + "import os, time\n"
                             "open('pids', 'a').write(f'{os.getpid()}\\n')\ntime.sleep(300)\n")
        process = self.start("--staged", "-j", "2", "--", sys.executable, script, "{vis}")
        self.pids(2)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=patient(20))
        self.assertEqual(process.returncode, 130)
        self.assertEqual(self.weights(), before)
        self.assertEqual(self.leftovers(), [])


class Real(PartsCase):
    """Programs of others."""

    def need(self, name):
        if not shutil.which(name):
            self.skipTest(f"{name} is not installed")

    def test_taql_updates(self):
        self.need("taql")
        before = self.weights()
        self.each("--", "taql", "update {vis} set WEIGHT=WEIGHT+1")
        self.assertEqual(self.weights(), [w + 1 for w in before])
        self.multims("verify", "x.mms")

    def test_a_script_with_casacore_updates(self):
        before = self.weights()
        self.each("-j", "2", "--", sys.executable, self.script("up.py", UPDATE), "{vis}")
        self.assertEqual(self.weights(), [w + 1 for w in before])
        self.multims("verify", "x.mms")

    def test_aoflagger_flags(self):
        self.need("aoflagger")
        report, run = self.report("-j", "2", "--", "aoflagger", "-j", "{threads}", "{vis}")
        self.assertEqual(self.states(report), ["done"] * 4, run.stderr)
        self.multims("verify", "x.mms")

    def test_wsclean_makes_images(self):
        self.need("wsclean")
        report, run = self.report("-j", "2", "--", "wsclean", "-reorder", "-j", "{threads}", "-size", "64", "64",
                                  "-scale", "30asec", "-name", "img-{name}", "{vis}")
        self.assertEqual(self.states(report), ["done"] * 4, run.stderr)
        for i in range(4):
            self.assertTrue(os.path.exists(self.path(f"img-x.000{i}.ms-dirty.fits")) or
                            os.path.exists(self.path(f"img-x.000{i}.ms-image.fits")))
        self.multims("verify", "x.mms")


program_case.main()
