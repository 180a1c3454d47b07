# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a run prints: one line where all is well, the list where it is not, nothing with --quiet."""
import fcntl
import json
import os
import pty
import re
import shlex
import shutil
import signal
import struct
import subprocess
import termios
import time

from casacore.tables import makescacoldesc, maketabdesc, table

import program_case
from program_case import ProgramCase


class Quiet(ProgramCase):
    def setUp(self):
        super().setUp()
        self.simulate()
        self.simulate("other.ms", "noise=1")

    def says(self, *words, status=0):
        run = self.multims(*words, status=status)
        return run.stdout, run.stderr

    def test_a_good_run_prints_nothing(self):
        for words in (["partition", "in.ms", "out.mms"], ["partition", "in.ms", "no.mms", "--dryrun"],
                      ["split", "in.ms", "out.ms", "datacolumn=data"], ["listpartition", "out.mms"],
                      ["select", "in.ms", "scan=1"], ["verify", "out.mms", "against=in.ms"],
                      ["diff", "in.ms", "in.ms"], ["simulate", "a.ms", "antennas=3"]):
            self.assertEqual(self.says(*words, "-q"), ("", ""), words)

    def test_findings_are_an_error_of_one_line(self):
        self.assertEqual(self.says("diff", "in.ms", "other.ms", "-q", status=1),
                         ("", "multims diff: 2 of 41 checks failed: DATA, CORRECTED_DATA\n"))

    def test_json_is_printed_when_it_is_asked_for(self):
        self.assertTrue(self.answer("diff", "in.ms", "in.ms", "-q")["passed"])


class OneLine(ProgramCase):
    def setUp(self):
        super().setUp()
        self.simulate()
        self.multims("partition", "in.ms", "out.mms", "-q", "separationaxis=scan", "numsubms=2")

    def test_equal_sets_take_a_line(self):
        self.assertRegex(self.multims("diff", "in.ms", "out.mms").stdout,
                         r"\Ain\.ms and out\.mms are equal: \d+ checks passed, 0 failed\n\Z")
        self.assertRegex(self.multims("verify", "out.mms").stdout,
                         r"\Aout\.mms is sound: \d+ checks passed, 0 failed\n\Z")
        self.assertRegex(self.multims("verify", "out.mms", "against=in.ms").stdout,
                         r"\Aout\.mms is sound and holds what in\.ms holds: \d+ checks passed, 0 failed\n\Z")

    def test_verbose_lists_the_checks(self):
        for words in (["diff", "in.ms", "out.mms"], ["verify", "out.mms"]):
            out = self.multims(*words, "-v").stdout
            self.assertIn("ok   columns\n", out)
            self.assertGreater(out.count("\nok "), 5)

    def test_a_difference_lists_the_checks(self):
        with table(self.path("out.mms/SUBMSS/out.0001.ms"), readonly=False, ack=False) as part:
            part.putcell("FLAG_ROW", 3, not part.getcell("FLAG_ROW", 3))
        out = self.multims("diff", "in.ms", "out.mms", status=1).stdout
        self.assertIn("FAIL FLAG_ROW", out)
        self.assertIn("ok   TIME\n", out)


class Members(ProgramCase):
    """What several sub-MSs have in common is said once and counted."""

    def setUp(self):
        super().setUp()
        self.simulate("in.ms", "scans=8")
        self.multims("partition", "in.ms", "out.mms", "-q", "separationaxis=scan", "numsubms=8")
        self.parts = sorted(os.listdir(self.path("out.mms/SUBMSS")))

    def part(self, i):
        return self.path(f"out.mms/SUBMSS/{self.parts[i]}")

    def findings(self, *words):
        found = self.answer("verify", "out.mms", *words, status=1)
        return {c["check"]: [f["text"] for f in c["findings"]] for c in found["checks"] if not c["passed"]}

    def test_a_missing_sub_table_is_named_once(self):
        shutil.rmtree(self.part(3) + "/FEED")
        want = {"sub-tables": ["out.0003.ms: keyword FEED, but there is no table FEED"]}
        self.assertEqual(self.findings(), want)
        for i in range(8):
            shutil.rmtree(self.part(i) + "/FEED", ignore_errors=True)
        want = {"sub-tables": ["keyword FEED, but there is no table FEED: in 8 sub-MSs, out.0000.ms the first"]}
        self.assertEqual(self.findings(), want)
        self.assertEqual(self.findings("against=in.ms"), want)

    def test_a_linked_one_is_named_once_too(self):
        shutil.rmtree(self.part(0) + "/POINTING")
        self.assertEqual(self.findings(), {"sub-tables": [
            "keyword POINTING, but there is no table POINTING: in 8 sub-MSs, out.0000.ms the first"]})

    def test_a_missing_column_is_named_once(self):
        for i in (2, 5, 6):
            with table(self.part(i), readonly=False, ack=False) as part:
                part.removecols("SIGMA")
        self.assertEqual(self.findings(), {"columns": [
            "no column SIGMA, which the first member has: in 3 sub-MSs, out.0002.ms the first"]})

    def add_table(self, i, name, value=1):
        path = f"{self.part(i)}/{name}"
        with table(path, maketabdesc(makescacoldesc("VALUE", 0)), nrow=1, ack=False) as new:
            new.putcell("VALUE", 0, value)
        with table(self.part(i), readonly=False, ack=False) as part:
            part.putkeyword(name, f"Table: {path}")

    def test_sub_tables_that_a_flagger_has_added_are_a_warning(self):
        for name in ("QUALITY_KIND_NAME", "QUALITY_TIME_STATISTIC"):
            self.add_table(0, name)
        for words in ([], ["against=in.ms"]):
            run = self.multims("verify", "out.mms", *words)
            self.assertIn("WARN check: out.mms: sub-tables that another program has added: "
                          "QUALITY_KIND_NAME (in 1 of 8 sub-MSs), "
                          "QUALITY_TIME_STATISTIC (in 1 of 8 sub-MSs)\n", run.stderr)
            self.assertEqual(run.stdout.count("\n"), 1)
        self.assertEqual(len(self.answer("verify", "out.mms")["warnings"]), 1)

    def test_so_are_those_of_all_parts(self):
        for i in range(8):
            self.add_table(i, "QUALITY_KIND_NAME")
        self.assertIn("QUALITY_KIND_NAME (in 8 of 8 sub-MSs)", self.multims("verify", "out.mms").stderr)

    def test_so_are_those_that_differ_from_part_to_part(self):
        for i in range(8):
            self.add_table(i, "QUALITY_KIND_NAME", i)
        self.assertIn("QUALITY_KIND_NAME (in 8 of 8 sub-MSs)", self.multims("verify", "out.mms").stderr)

    def test_those_of_the_partition_are_missed(self):
        """One that the partition has written is linked in the reference."""
        self.multims("partition", "out.mms", "plain.ms", "createmms=False", "-q")
        with table(self.path("plain.ms/OWN"), maketabdesc(makescacoldesc("VALUE", 0)), nrow=1, ack=False):
            pass
        with table(self.path("plain.ms"), readonly=False, ack=False) as part:
            part.putkeyword("OWN", "Table: " + self.path("plain.ms/OWN"))
        shutil.rmtree(self.path("out.mms"))
        shutil.rmtree(self.path("out.mms.flagversions"))
        self.multims("partition", "plain.ms", "out.mms", "-q", "separationaxis=scan", "numsubms=8")
        self.multims("verify", "out.mms")
        for i in range(1, 8):
            with table(self.part(i), readonly=False, ack=False) as part:
                part.removekeyword("OWN")
        self.assertEqual(self.findings()["sub-tables"],
                         ["no OWN, which the first member has: in 7 sub-MSs, out.0001.ms the first"])


class Refusals(ProgramCase):
    """An expression that selects nothing is named first, and what the input has after it."""

    VERBS = [["partition", "in.ms", "out.mms"], ["split", "in.ms", "out.ms", "datacolumn=data"],
             ["hanningsmooth", "in.ms", "out.ms", "datacolumn=data"],
             ["mstransform", "in.ms", "out.ms", "datacolumn=data"], ["select", "in.ms"]]

    def refuses(self, status, pattern, *words, verbs=VERBS):
        for verb in verbs:
            run = self.multims(*verb, *words, "-q", status=status)
            self.assertRegex(run.stderr, rf"\Amultims {verb[0]}: {pattern}")
            self.assertEqual(run.stderr.count("\n"), 1, run.stderr)
            self.assertEqual(run.stdout, "")

    def setUp(self):
        super().setUp()
        self.simulate("in.ms", "scans=9", "fields=2")

    def test_every_parameter_says_what_there_is(self):
        some = self.VERBS[1:2]
        self.refuses(3, r'scan="99": no rows; the input has scans 1~9 \(', "scan=99")
        for status, pattern, word in (
                (3, r'timerange=">2100/01/01/00:00:00": no rows; the input has times 2\d{3}/.*~2', "timerange=>2100/01/01/00:00:00"),
                (3, r'array="7": no rows; the input has arrays 0 \(', "array=7"),
                (3, r'observation="7": no rows; the input has observations 0 \(', "observation=7"),
                (3, r'uvrange=">1000km": no rows; the input has baselines of [\d.]+~[\d.]+m \(', "uvrange=>1000km"),
                (3, r'feed="0": no rows; the input has feeds 0, and feed="0" means pairs', "feed=0"),
                (3, r'antenna="0&&&": no rows; the input has antennas 0 \(ea01\), 1 \(ea02\)', "antenna=0&&&"),
                (3, r'taql="SCAN_NUMBER==77": no rows \(', "taql=SCAN_NUMBER==77"),
                (2, r'field="99": .*; the input has fields 0 \(F0\), 1 \(F1\)$', "field=99"),
                (2, r'field="NOPE": .*; the input has fields 0 \(F0\), 1 \(F1\)$', "field=NOPE"),
                (2, r'spw="9": .*9; the input has spectral windows 0~1 \(8 channels each\)$', "spw=9"),
                (2, r'spw="0:77": .*; the input has spectral windows 0~1 \(8 channels each\)$', "spw=0:77"),
                (2, r'antenna="XX": .*; the input has antennas 0 \(ea01\)', "antenna=XX"),
                (2, r'correlation="RR": .*; the input has correlations XX,XY,YX,YY$', "correlation=RR"),
                (2, r'intent="\*FOO\*": .*; the input has intents "OBSERVE_TARGET#ON_SOURCE"$', "intent=*FOO*"),
                (2, r'feed="9": .*; the input has feeds 0$', "feed=9"),
                (2, r'observation="xx": Parse error.*; the input has observations 0$', "observation=xx"),
                (2, r'uvrange="5": a single value', "uvrange=5")):
            self.refuses(status, pattern, word, verbs=some)

    def test_expressions_that_exclude_each_other_are_both_named(self):
        self.refuses(3, r'field="1" and scan="1": each has rows, but none in common \(',
                     "scan=1", "field=1", "spw=0", "antenna=0", verbs=self.VERBS[1:2])

    def test_rows_that_are_all_flagged_are_the_fault_of_keepflags(self):
        with table(self.path("in.ms"), readonly=False, ack=False) as ms:
            ms.putcol("FLAG_ROW", [True] * ms.nrows())
        self.refuses(3, "keepflags=False: all selected rows are flagged", "keepflags=False",
                     "scan=1", verbs=self.VERBS[1:2])



class ManyMissing(ProgramCase):
    """A set of ALMA that has lost the 64 tables of its ASDM: they are counted."""

    def setUp(self):
        super().setUp()
        self.simulate()
        self.lose(["FEED_TOO"])

    def lose(self, names):
        with table(self.path("in.ms"), readonly=False, ack=False) as ms:
            for name in names:
                path = self.path(f"in.ms/{name}")
                table(path, maketabdesc(makescacoldesc("VALUE", 0)), nrow=0, ack=False).close()
                ms.putkeyword(name, f"Table: {path}")
        for name in names:
            shutil.rmtree(self.path(f"in.ms/{name}"))

    def findings(self):
        found = self.answer("verify", "in.ms", status=1)
        return [f["text"] for c in found["checks"] for f in c["findings"]]

    def test_one_is_named(self):
        self.assertEqual(self.findings(), ["in.ms: keyword FEED_TOO, but there is no table FEED_TOO"])
        said = self.multims("partition", "in.ms", "out.mms").stderr
        self.assertIn("in.ms: 1 sub-table has a keyword but no table on disk; the keyword is dropped: FEED_TOO\n", said)

    def test_many_are_counted(self):
        self.lose([f"ASDM_{i}" for i in range(63)])
        self.assertEqual(self.findings(),
                         ["in.ms: 64 sub-tables are not there: keyword FEED_TOO, ASDM_0, ASDM_1, …"])
        said = self.multims("partition", "in.ms", "out.mms").stderr
        self.assertRegex(said, "in.ms: 64 sub-tables have a keyword but no table on disk; the keywords are dropped: "
                               r"\w+ and others \(-v names them\)\n")
        self.assertEqual(said.count("ASDM_") + said.count("FEED_TOO"), 1)
        self.assertEqual(self.multims("partition", "in.ms", "o2.mms", "-v").stderr.count("ASDM_"), 63)


class ManyParts(ProgramCase):
    """Parts that can't all stay open are opened once for all columns of a block."""

    def opened(self, *words):
        """How often a worker opened a part of the output, or of the input."""
        said = self.multims(*words, "-j1", "-vv").stderr
        return len(re.findall(r"^TRACE .*: open .*/SUBMSS/", said, re.M))

    def test_each_is_opened_once(self):
        self.multims("simulate", "in.ms", "scans=20", "antennas=4", "integrations=3")
        self.assertLessEqual(self.opened("partition", "in.ms", "out.mms", "separationaxis=scan", "numsubms=20"), 21)
        self.assertEqual(self.opened("partition", "in.ms", "o2.mms", "separationaxis=scan", "numsubms=20", "flagbackup=False"), 20)
        self.multims("diff", "in.ms", "out.mms")
        # client and units each count rows; column by column it was 500
        self.assertLessEqual(self.opened("split", "out.mms", "o3.ms", "keepmms=False", "datacolumn=data"), 130)
        self.multims("diff", "in.ms", "o3.ms", "--skip", "WEIGHT")  # it follows SIGMA

    def test_units_of_flags_and_weights_open_their_parts_alone(self):
        self.multims("simulate", "in.ms", "scans=20", "antennas=4", "integrations=3")
        self.multims("partition", "in.ms", "in.mms", "separationaxis=scan", "numsubms=20")
        # client, unit and what is read: three a part; it was one for each part of each unit
        for words in (["flagdata", "in.mms", "mode=summary"], ["flagdata", "in.mms", "mode=rflag"],
                      ["statwt", "in.mms", "datacolumn=data"]):
            self.assertLessEqual(self.opened(*words), 140, words)
        self.multims("flagdata", "in.ms", "mode=rflag")
        self.multims("statwt", "in.ms", "datacolumn=data")
        self.multims("diff", "in.ms", "in.mms", "--ignore-order")

    def test_few_files_may_be_open(self):
        """A limit of 256 files is heeded by what keeps parts open together."""
        self.multims("simulate", "in.ms", "scans=20", "antennas=4", "integrations=3", "corrected=True",
                     "model=True", "wtspectrum=True")
        self.multims("partition", "in.ms", "in.mms", "separationaxis=scan", "numsubms=20", "datacolumn=all")
        for words in (["diff", "in.ms", "in.mms", "--ignore-order"], ["diff", "in.mms", "in.mms", "--tiles"],
                      ["verify", "in.mms", "against=in.ms"],
                      ["split", "in.mms", "out.ms", "keepmms=False", "datacolumn=all"],
                      ["flagdata", "in.mms", "mode=tfcrop"]):
            run = self.run_words("sh", "-c", 'ulimit -n 256; exec "$@"', "sh", program_case.args.program,
                                 *words, "-j2", "-q")
            self.assertEqual((run.returncode, run.stderr), (0, ""), words)


class EndOfRun(ProgramCase):
    SUMMARY = r"{}: {} rows, [\d.]+ MB in [\d.]+ s, [\d.]+ MB/s"

    def test_a_run_ends_with_rows_bytes_seconds_and_rate(self):
        self.simulate()
        for rows, *words in ((48, "partition", "in.ms", "o1.mms"), (24, "split", "in.ms", "o2.ms", "scan=1"),
                             (48, "hanningsmooth", "in.ms", "o3.ms", "--json"), (48, "simulate", "o4.ms", "antennas=4", "integrations=4", "scans=1", "spws=2")):
            run = self.multims(*words)
            out = next(w for w in words if w.startswith("o"))
            self.assertRegex(run.stderr.splitlines()[-1],
                             f"^INFO {words[0]}: {self.SUMMARY.format(out, rows)}$")
        for words in (["partition", "in.ms", "no.mms", "--dryrun"], ["verify", "o1.mms"], ["listpartition", "o1.mms"]):
            self.assertNotIn("MB/s", self.multims(*words).stderr)

    def test_the_line_stands_behind_the_table(self):
        run = self.multims("partition", self.simulate(), "out.mms", stderr=subprocess.STDOUT)
        self.assertRegex(run.stdout.splitlines()[-1], self.SUMMARY.format("out.mms", 48))

    def test_the_log_begins_with_the_command_and_ends_with_the_status(self):
        self.simulate("in put's.ms")
        words = ["partition", "in put's.ms", "out.mms", "scan=1", "--log", "run.log"]
        self.multims(*words, "-q")
        self.multims(*words, "-q", status=2)
        with open(self.path("run.log")) as log:
            lines = [re.sub(r"^\S+Z ", "", line) for line in log.read().splitlines()]
        runs = [i for i, line in enumerate(lines) if line.startswith("INFO multims: command: ")]
        self.assertEqual(runs[0], 0)
        command = shlex.split(lines[0].partition("command: ")[2])
        self.assertEqual(command[1:], [*words, "-q"])
        self.assertRegex(lines[1], r"^INFO multims: multims \d.*casacore \d")
        self.assertRegex(lines[2], f"^INFO multims: host: {os.uname().nodename}")
        self.assertEqual(lines[3], f"INFO multims: folder: {os.path.realpath(self.folder)}")
        self.assertRegex(lines[runs[1] - 1], r"^INFO multims: status 0 after \d+\.\d{3} s$")
        self.assertRegex(lines[-1], r"^ERROR multims: status 2 after \d+\.\d{3} s: .*out\.mms already exists")
        self.assertEqual(sum("already exists" in line for line in lines), 1)

    TYPES = {"string": str, "integer": int, "object": dict}
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../../docs/log.schema.json")) as file:
        SCHEMA = json.load(file)

    def check_line(self, line):
        """What the schema says, as far as it says something."""
        self.assertLessEqual(set(self.SCHEMA["required"]), set(line))
        self.assertLessEqual(set(line), set(self.SCHEMA["properties"]))
        for name, value in line.items():
            want = self.SCHEMA["properties"][name]
            if "enum" in want:
                self.assertIn(value, want["enum"])
            else:
                self.assertIs(type(value), self.TYPES[want["type"]], line)
            self.assertGreaterEqual(value if "minimum" in want else 0, want.get("minimum", 0))
            self.assertRegex(value if "pattern" in want else "", want.get("pattern", "^"))

    def json_log(self, path):
        with open(self.path(path)) as log:
            lines = [json.loads(line) for line in log if line.endswith("\n")]
        for line in lines:
            self.check_line(line)
        return lines

    def test_a_log_of_json_lines(self):
        """A117: each line is an object by itself, of what is refused, too."""
        self.simulate("in put's.ms")
        words = ["partition", "in put's.ms", "out \"1\".mms", "scan=1", "--log", "run 1.jsonl"]
        self.multims(*words, "-q")
        self.multims(*words, "-q", status=2)
        self.multims("partition", "in put's.ms", "sacn=1", "--log=run 1.jsonl", status=2)
        lines = self.json_log("run 1.jsonl")
        commands = [line["msg"].partition("command: ")[2] for line in lines if line["msg"].startswith("command: ")]
        self.assertEqual([shlex.split(c)[1:] for c in commands[:2]], [[*words, "-q"]] * 2)
        self.assertEqual(len(commands), 3)
        ends = [line for line in lines if re.match(r"status \d after", line["msg"])]
        self.assertEqual([(line["lvl"], line["msg"].split()[1]) for line in ends],
                         [("INFO", "0"), ("ERROR", "2"), ("ERROR", "2")])
        self.assertIn('out "1".mms already exists', ends[1]["msg"])
        self.assertEqual({line["host"] for line in lines}, {os.uname().nodename})

    def events(self, log, *names):
        return [line for line in self.json_log(log) if line.get("ev") in names]

    def test_events_of_a_run(self):
        """A117: what happens to each part, whom it is given to, and that the output is there."""
        self.simulate()
        self.multims("partition", "in.ms", "x.mms", "separationaxis=scan", "flagbackup=False", "-q", "-j", "2", "--log", "run.jsonl")
        parts = sorted(f"sub-MS {name}" for name in os.listdir(self.path("x.mms/SUBMSS")))
        for name in "plan", "dispatch", "response":
            units = sorted(e["unit"] for e in self.events("run.jsonl", name))
            self.assertEqual([u for u in units if u.startswith("sub-MS")], parts, name)
        for event in self.events("run.jsonl", "dispatch", "response"):
            self.assertEqual((event["role"], event["attempt"]), ("server", 1))
            self.assertIn(event["rank"], (1, 2))
        self.assertEqual({e["kv"]["status"] for e in self.events("run.jsonl", "response", "end")}, {"OK"})
        self.assertEqual([e["kv"]["path"] for e in self.events("run.jsonl", "publish")], [self.path("x.mms")])
        self.assertEqual(len({e["job"] for e in self.json_log("run.jsonl") if "ev" in e}), 1)
        order = [e["ev"] for e in self.json_log("run.jsonl") if "ev" in e]
        self.assertEqual((order[0], order[-2:]), ("begin", ["end", "publish"]))
        self.multims("partition", "in.ms", "y.mms", "-q", "--log", "text.log")
        with open(self.path("text.log")) as file:
            self.assertNotIn("dispatch", file.read())

    def test_events_of_commands(self):
        self.multims("exec", "-q", "-j", "2", "--log", "run.jsonl", "--timelimit", "0.3", "--", "1+1", "absent", "sleep(seconds=60)", status=1)
        self.assertEqual([e["req"] for e in self.events("run.jsonl", "dispatch")], [1, 2, 3])
        self.assertEqual([(e["req"], e["kv"].get("class")) for e in self.events("run.jsonl", "response")],
                         [(1, None), (2, "name"), (3, "timeout")])
        self.assertEqual([(e["req"], e["kv"]["class"]) for e in self.events("run.jsonl", "cancel")], [(3, "timeout")])

    def test_a_log_of_json_lines_of_a_killed_run(self):
        """A117: what is there of a log is whole lines."""
        self.simulate("in.ms")
        run = subprocess.Popen([program_case.args.program, "each", "in.ms", "--log", "run.jsonl", "-v", "--", "sleep", "60"],
                               cwd=self.folder, stderr=subprocess.DEVNULL, start_new_session=True)
        for _ in range(600):
            if os.path.exists(self.path("run.jsonl")) and len(self.json_log("run.jsonl")) >= 4:
                break
            time.sleep(0.1)
        os.killpg(run.pid, signal.SIGKILL)
        run.wait()
        self.assertGreaterEqual(len(self.json_log("run.jsonl")), 4)

    def test_a_request_that_is_not_understood_is_in_the_log_too(self):
        for n, log in enumerate((["--log", "run.log"], ["--log=run.log"], ["log=run.log"])):
            self.multims("select", "in.ms", "sacn=1", *log, status=2)
            with open(self.path("run.log")) as file:
                lines = file.read().splitlines()
            self.assertEqual(len(lines), 5 * (n + 1))
            self.assertRegex(lines[-1], r"ERROR multims: status 2 after .*: unknown parameter sacn")


class Tables(ProgramCase):
    def test_columns_bend_to_long_names(self):
        name = "a_name_that_is_longer_than_the_column_has_ever_been_é.mms"
        self.simulate("in.ms", "scans=40", "integrations=1")
        with table(self.path("in.ms"), readonly=False, ack=False) as ms:
            ms.putcol("SCAN_NUMBER", ms.getcol("SCAN_NUMBER") * 2)
        for words in (["separationaxis=spw"], ["separationaxis=scan", "numsubms=3"]):
            lines = self.multims("plan", "partition", "in.ms", name, *words).stdout.splitlines()
            head, rows = lines[1], [line for line in lines[2:] if line.startswith("a_name")]
            self.assertGreater(len(rows), 1)
            for title in ("Scan", "Spw", "Selected", "Nrows", "MB"):
                at = head.index(title)
                for row in rows:
                    self.assertEqual(row[at - 2:at], "  ", row)
                    self.assertNotEqual(row[at], " ", row)
            self.assertLess(max(map(len, rows)), 200)

    def test_so_do_those_of_listpartition(self):
        self.simulate("ein_langer_Name_mit_ä_ö_ü.ms")
        head, row = self.multims("listpartition", "ein_langer_Name_mit_ä_ö_ü.ms").stdout.splitlines()[:2]
        self.assertEqual(row.split()[1:3], ["1", "[0"])
        self.assertEqual(head.index("Spw"), row.index("[0"))


class Progress(ProgramCase):
    def bars(self, columns):
        """The bars that a run on a terminal of so many columns draws."""
        leader, follower = pty.openpty()
        fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        run = subprocess.Popen([program_case.args.program, "split", "in.ms", f"out{columns}.ms", "datacolumn=all",
                                "timebin=3s", "-j1", "--no-sync", "memory=16M", "tiles=False"],
                               cwd=self.folder, stderr=follower, stdout=subprocess.DEVNULL)
        os.close(follower)
        said = b""
        while True:
            try:
                piece = os.read(leader, 65536)
            except OSError:
                break
            if not piece:
                break
            said += piece
        os.close(leader)
        self.assertEqual(run.wait(), 0)
        lines = said.decode().replace("\x1b[K", "").replace("\n", "\r").split("\r")
        return [line for line in lines if "%" in line]

    def test_the_bar_fits_and_moves_within_a_part(self):
        """One part that takes some seconds: the bar is shown after two."""
        self.multims("simulate", "in.ms", "antennas=24", "spws=1", "scans=2", "channels=256", "integrations=120",
                     "corrected=True", "--no-sync", "-q")
        for columns in (40,):
            bars = self.bars(columns)
            if len(bars) < 4:
                self.skipTest("this machine is too fast for a bar")
            self.assertLess(max(map(len, bars)), columns)
            self.assertGreater(len({re.search(r"(\d+) %", bar)[1] for bar in bars}), 2, bars)


class Parts(ProgramCase):
    """The plan says how many parts there are, why, and how many would suit the workers."""

    def advice(self, *words):
        plan = self.answer("plan", "partition", "in.ms", "out.mms", "-q", *words)
        return plan["advice"], plan["suitable"], len(plan["parts"])

    def test_the_number_is_explained(self):
        self.simulate("in.ms", "scans=5")
        for words, advice, suitable, parts in (
                (["separationaxis=scan", "-j2"], "5 parts, not the 8 of numsubms=auto: there are 5 scans, and none is cut; numsubms=4 would suit 2 workers", 4, 5),
                (["separationaxis=scan", "numsubms=4", "-j2"], "4 parts, as numsubms asks: 5 scans are shared out; suits 2 workers", 4, 4),
                (["separationaxis=spw", "-j3"], "2 parts, not the 8 of numsubms=auto: there are 2 spectral windows, and none is cut; no other number suits 3 workers better", None, 2),
                (["-j4"], "8 parts, as numsubms=auto asks: a grid of 2 groups of spectral windows (of 2) and 4 of scans (of 5); suits 4 workers", 8, 8),
                (["separationaxis=baseline", "numsubms=2", "-j4"], "2 parts, as numsubms asks: 6 baselines are shared out; numsubms=4 would suit 4 workers, of which each part has 2", 4, 2),
                (["createmms=False", "-j1"], "1 part: one MS is written", 1, 1)):
            self.assertEqual(self.advice(*words), (advice, suitable, parts), words)
            self.assertIn(advice + "\n", self.multims("plan", "partition", "in.ms", "out.mms", *words).stdout)

    def test_what_is_advised_does_suit(self):
        self.simulate("in.ms", "scans=7")
        for axis in ("scan", "auto", "balanced", "baseline"):
            for workers in (2, 3):
                words = [f"separationaxis={axis}", f"-j{workers}"]
                suitable = self.advice(*words)[1]
                if suitable:
                    self.assertEqual(self.advice(*words, f"numsubms={suitable}")[2] % workers, 0, words)

    def test_rows_of_combined_windows_are_counted(self):
        self.simulate("in.ms", "scans=3")
        for n, words in enumerate((["combinespws=True"], ["regridms=True", "nspw=2", "combinespws=True"],
                                   ["combinespws=True", "timeaverage=True", "timebin=30s"])):
            request = ["mstransform", "in.ms", f"out{n}.ms", "datacolumn=data", "-q", *words]
            plan = self.answer(*request, "--dryrun")
            self.assertEqual(plan["rows_out"], self.answer(*request)["rows_out"], words)
            with table(self.path(f"out{n}.ms"), ack=False) as ms:
                self.assertEqual(plan["rows_out"], ms.nrows(), words)

    def test_a_verb_is_not_told_parameters_of_another(self):
        self.simulate("in.ms", "scans=3")
        self.multims("partition", "in.ms", "in.mms", "separationaxis=scan", "-q")
        for verb in ("split", "hanningsmooth"):
            run = self.multims(verb, "in.mms", f"{verb}.mms", "-j2")
            self.assertIn("3 parts: the parts of the input stay; a multiple of 2 would suit the workers", run.stderr)
            self.assertNotIn("numsubms", run.stderr + run.stdout)


program_case.main()
