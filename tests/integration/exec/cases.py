# SPDX-License-Identifier: LGPL-2.1-or-later
"""The unit cases of mpi4casa that are commands as text, by number, through multims exec: local servers
(--ranks 0), or those of ranks."""
import json
import os
import shutil
import sys

import program_case
from machine import mpirun
from program_case import ProgramCase, parser

parser.add_argument("--ranks", type=int, required=True)
MPI = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
       "OMPI_MCA_rmaps_base_oversubscribe": "1", "PMIX_MCA_gds": "hash"}
AB, SHORT = {"a": 1, "b": 2}, {"a": 0.1, "b": 0.1}
KEYS = {"command", "parameters", "mode", "id", "server", "status", "successful", "traceback", "ret",
        "command_start_time", "command_stop_time"}

# number: mode, servers, pushed blocking, command, parameters, label of the error
FAILING = {
    25: ("exec", [], True, "load(plugin='absent'); sleep(seconds=1)", None, "ImportError:"),
    26: ("exec", [1], True, "k=1; sleep(seconds=a)", None, "NameError:"),
    27: ("exec", [1, 2], True, "k=1; sleep(seconds=3/0)", None, "ZeroDivisionError:"),
    28: ("exec", [], False, "k=1; sleep(seconds='a')", None, "TypeError:"),
    29: ("exec", [1], False, "x=[]; x[1]=5", None, "IndexError:"),
    30: ("exec", [1, 2], False, "x={}; k=x['bananas']", None, "KeyError:"),
    31: ("eval", [], True, "absentlib.f(1)", None, "ImportError:"),
    32: ("eval", [1], True, "undefined+1", None, "NameError:"),
    33: ("eval", [1, 2], True, "1/0", None, "ZeroDivisionError:"),
    34: ("eval", [], False, "pow('something',3)", None, "TypeError:"),
    36: ("eval", [1, 2], False, "mms['absent']", None, "KeyError:"),
    37: ("exec", [], True, "load(plugin='absent'); sleep(seconds=a+b)", SHORT, "ImportError:"),
    38: ("exec", [1], True, "k=1; k=a+c", AB, "NameError:"),
    39: ("exec", [1, 2], True, "k=1; k=a/b", {"a": 1, "b": 0}, "ZeroDivisionError:"),
    40: ("exec", [], False, "k=1; sleep(seconds=a)", {"a": "x"}, "TypeError:"),
    41: ("exec", [1], False, "k=1; k=a[3]+b", {"a": [1, 2], "b": 1}, "IndexError:"),
    42: ("exec", [1, 2], False, "k=1; sleep(seconds=a['sleeptime'])", {"a": {"interval": 10}}, "KeyError:"),
    43: ("eval", [], True, "absentlib.f(a)", {"a": 1}, "ImportError:"),
    44: ("eval", [1], True, "a+c", AB, "NameError:"),
    45: ("eval", [1, 2], True, "a/b", {"a": 1, "b": 0}, "ZeroDivisionError:"),
    46: ("eval", [], False, "pow(a,b)", {"a": "x", "b": 2}, "TypeError:"),
    47: ("eval", [1], False, "a[3]+b", {"a": [1, 2, 3], "b": 1}, "IndexError:"),
    48: ("eval", [1, 2], False, "a['something']", {"a": {"test": 5}}, "KeyError:"),
}
# first number of six (any, one, two servers; blocking, later): mode, command, parameters, ret
GOOD = {1: ("exec", "k=1; sleep(seconds=0.1)", None, None), 7: ("eval", "1+1", None, 2),
        13: ("exec", "k=1; sleep(seconds=a+b)", SHORT, None), 19: ("eval", "a+b", AB, 3)}


class Cases(ProgramCase):
    def responses(self, entries, status):
        with open(self.path("commands.json"), "w") as file:
            json.dump(entries, file)
        ranks = program_case.args.ranks
        count = [] if ranks else ["-j", "3"]
        run = self.run_words(*mpirun(ranks), program_case.args.program, "exec", "--file", "commands.json",
                             "--json", *count, env={**os.environ, **MPI})
        self.assertEqual(run.returncode, status, run.stdout + run.stderr)
        answer = json.loads(run.stdout)
        responses, self.servers = answer["responses"], answer["servers"]
        self.assertEqual([r["id"] for r in responses], list(range(1, len(responses) + 1)))
        return responses

    def test_c01_to_c24(self):
        entries, expected = [], []
        for first, (mode, command, parameters, ret) in GOOD.items():
            for i in range(6):
                servers = [[], [2], [1, 2]][i % 3]
                entry = {"command": command, "servers": servers, "block": i < 3}
                entries.append({**entry, "parameters": parameters} if parameters else entry)
                expected += [(f"C{first + i:02}", mode, ret, s) for s in servers or [None]]
        for (case, mode, ret, server), got in zip(expected, self.responses(entries, 0), strict=True):
            with self.subTest(case=case):
                self.assertLessEqual(KEYS, set(got))
                self.assertEqual((got["mode"], got["ret"], got["successful"], got["traceback"], got["status"]),
                                 (mode, ret, True, None, "response received"))
                self.assertEqual(got["server"], server or got["server"])

    def test_c25_to_c48(self):
        entries, expected = [], []
        for case, (mode, servers, block, command, parameters, label) in FAILING.items():
            entry = {"command": command, "servers": servers, "block": block}
            entries.append({**entry, "parameters": parameters} if parameters else entry)
            expected += [(f"C{case}", mode, label)] * max(len(servers), 1)
        for (case, mode, label), got in zip(expected, self.responses(entries, 1), strict=True):
            with self.subTest(case=case):
                self.assertEqual((got["mode"], got["ret"], got["successful"], got["status"]),
                                 (mode, None, False, "response received"))
                self.assertIn(label, got["traceback"])

    def test_c35_a_list_set_before_on_the_same_server(self):
        got = self.responses([{"command": "mylist=[1,2]", "servers": [1]},
                              {"command": "mylist[3]", "servers": [1], "block": False}], 1)
        self.assertIn("IndexError:", got[1]["traceback"])

    def test_c49_order_and_state(self):
        got = self.responses([{"command": "sleep(seconds=1); test=1", "servers": [1], "block": False},
                              {"command": "test+1", "servers": [1, 2]}], 1)
        self.assertEqual([g["ret"] for g in got], [None, 2, None])
        self.assertIn("NameError:", got[2]["traceback"])

    def test_parameters_go_and_hide_what_comes_back(self):
        got = self.responses([{**c, "servers": [1]} for c in (
            {"command": "a=7"}, {"command": "a", "parameters": {"a": 1}}, {"command": "a"},
            {"command": "push", "parameters": {"z": [1.5, 2]}}, {"command": "z[0]"})], 0)
        self.assertEqual([g["ret"] for g in got], [None, 1, 7, None, 1.5])
        self.assertEqual(got[3]["mode"], "push")

    def test_members_of_members(self):
        """C30, C42, C48, C55: dictionaries in dictionaries and in lists, with any keys, in values, expressions and assignments."""
        o = {"a": {"b": {"c": 5}, "l": [[1, 2], [3, 4]], "m": [1, "x", {"y": 2.5}]}, "two words": 7, "é": "ü"}
        cases = [("o['a']['b']['c']", 5), ("o['a']['b']", {"c": 5}), ("o['a']['b']['c']+o['two words']", 12), ("o['é']+'!'", "ü!"),
                 ("o['a']['l'][1][0]", 3), ("o['a']['l'][1]", [3, 4]), ("sum(o['a']['l'][-1])", 7), ("o['a']['m'][2]['y']*2", 5.0),
                 ("o['a']['m'][1]", "x"), ('o["a"]["m"][0]', 1), ("o['a']['l'][1,1]", 4), ("o", o), ("'o[\"a\"]'", 'o["a"]'),
                 ("o['x']", "key"), ("o['a']['x']+1", "key"), ("o['a']['m'][3]", "index"), ("o['a']['m'][-4]+1", "index"),
                 ("o['a']['b']+1", "type"), ("o['a']['l']['k']", "type"), ("nothing['k']", "name"), ("nothing['k']+1", "name")]
        got = self.responses([{"command": c, "parameters": {"o": o}, "servers": [1]} for c, _ in cases], 1)
        for (command, wanted), response in zip(cases, got, strict=True):
            with self.subTest(command=command):
                self.assertEqual((response["mode"], response["error"]["class"] if "error" in response else response["ret"]), ("eval", wanted))
        commands = ["d={'k': {'l': [1, 2]}, 'm': None}", "d['k']['l'][1]=9; d['n']=d['k']", "d['k']['l'][-2]='x'", "d", "d['k']['x']['y']=1", "d['n']['l'][7]=1",
                    "e=d; e['m']=d; d['m']", "e['m']['n']", "d['k']=1; d['k']['l']=2"]
        got = self.responses([{"command": c, "servers": [1]} for c in commands], 1)
        self.assertEqual([g["error"]["class"] if "error" in g else g["ret"] for g in got], [
            None, None, None, {"k": {"l": ["x", 9]}, "m": None, "n": {"l": [1, 9]}}, "key", "index", None, {"l": [1, 9]}, "type"])

    def test_odd_texts(self):
        """Modes by where a text ends, numbers at the edges, texts that are long, deep or of other alphabets."""
        cases = [("1+1;", "exec", None), (";;", "exec", None), ("1+1 # c", "eval", 2), ("\n1+1\n", "eval", 2), ("# c\n1+1", "eval", 2), (" 'é日🎉' ", "eval", "é日🎉"),
                 ("9223372036854775807", "eval", 2**63 - 1), ("9223372036854775808", "eval", "value"), ("9223372036854775808.0", "eval", 2.0**63),
                 ("-9223372036854775808", "eval", -2**63), ("[1, -9223372036854775808]", "eval", [1, -2**63]), ("-9223372036854775809", "eval", "value"),
                 ("0x7fffffffffffffff", "eval", 2**63 - 1), ("0x8000000000000000", "eval", "value"),
                 ("5e-324", "eval", 5e-324), ("1e308*10", "eval", "arithmetic"), ("[1,2]+[1,2,3]", "eval", "value"), ("True+1", "eval", "type"),
                 ("+".join(["1"] * 2000), "eval", 2000), ("(" * 300 + "1" + ")" * 300, "eval", 1), ("'" + "x" * 1000000 + "'", "eval", "x" * 1000000),
                 ("a" * 3000 + "+1", "eval", "name"), ("sleep(seconds=-1)", "eval", "value"), ("set_threads(1.5)", "eval", "type"),
                 ("a=[1,'x',{'y': [True]}]", "exec", None), ("a", "eval", [1, "x", {"y": [True]}]), ("a=1; b=2\nc=a+b", "exec", None), ("[a,b,c]", "eval", [1, 2, 3]),
                 ("mms['rank']", "eval", 1), ("mms['nothing']", "eval", "key"), ("mms [ 'rank' ] + 1", "eval", 2), ("a [1]", "eval", "type"), ("absent [1]", "eval", "name"),
                 ("d={'k': [[5, 6], 7]}; e=d ['k'] [0]", "exec", None), ("d ['k'] [1] = 8; d['k'] [0] [1]=9", "exec", None), ("d [ 'k' ]", "eval", [[5, 9], 8]),
                 ("1 # ; 2", "eval", 1), ("a + 1 # 'c", "eval", 2), ("sleep(seconds=0) # c", "eval", None), ("[1, # c\n 2]", "eval", [1, 2]), ("'a#b' # c", "eval", "a#b"),
                 ("x=1\r\ny=2\r\n", "exec", None), ("\r\n1\r\n", "eval", 1), ("sleep(seconds=)", "eval", "syntax"), ("sleep(,seconds=0)", "eval", "syntax"),
                 ("1 in [1,2]", "eval", True), ("3 in[1]", "eval", False), ("x={'a': 9223372036854775808}", "exec", "value"),
                 ("{'a': -9223372036854775808}", "eval", {"a": -2**63}), ("{'a': 1e19, 'b': '9223372036854775808'}", "eval", {"a": 1e19, "b": "9223372036854775808"})]
        got = self.responses([{"command": c, "servers": [1]} for c, _, _ in cases], 1)
        for (command, mode, wanted), response in zip(cases, got, strict=True):
            with self.subTest(command=command[:60]):
                self.assertEqual((response["mode"], response["error"]["class"] if "error" in response else response["ret"]), (mode, wanted))

    def test_a_parameter_that_is_changed_is_the_commands_own(self):
        """It hides the server's variable, also when the command sets or drops it; mms can't be set."""
        got = self.responses([{**c, "servers": [1]} for c in (
            {"command": "a=7"}, {"command": "a=5; b=a+1", "parameters": {"a": 1}}, {"command": "[a, b]"},
            {"command": "p[0]=9; q=p[0]", "parameters": {"p": [1, 2]}}, {"command": "q"}, {"command": "p"},
            {"command": "unset(name='a')", "parameters": {"a": 1}}, {"command": "a"},
            {"command": "a+absent", "parameters": {"a": 1}}, {"command": "a"}, {"command": "unset(name='a')"}, {"command": "a"},
            {"command": "mms['threads'] > 0"}, {"command": "mms=3"}, {"command": "mms['rank']"})], 1)
        self.assertEqual([g["error"]["class"] if "error" in g else g["ret"] for g in got],
                         [None, None, [7, 6], None, 9, "name", None, 7, "name", 7, None, "name", True, "type", 1])

    def test_c55_in_part_a_folder_is_the_servers(self):
        os.mkdir(self.path("sub"))
        got = self.responses([{"command": "chdir(path='sub')", "servers": [1]},
                              {"command": "getcwd()", "servers": [1, 2]}], 0)
        self.assertEqual([g["ret"] for g in got[1:]], [self.path("sub"), self.folder])

    def test_what_breaks_casampi(self):
        """1.16: exit, a crash, an endless command; the variables outlive the worker."""
        got = self.responses([{**c, "servers": [1]} for c in (
            {"command": "v=41"}, {"command": "exit(status=5)"}, {"command": "v+1"}, {"command": "1%0"},
            {"command": "v+1"}, {"command": "sleep(seconds=600)", "limit": 0.5}, {"command": "v+1"},
            {"command": "#"}, {"command": ""})], 1)
        self.assertEqual([g["ret"] for g in got], [None, None, 42, None, 42, None, 42, None, None])
        for i, label in ((1, "WorkerError:"), (3, "ZeroDivisionError:"), (5, "Timeout:")):
            self.assertIn(label, got[i]["traceback"])

    def test_a_limit_of_memory(self):
        """A065: what takes more is ended, in words, a program with all that it has started; its server goes on."""
        hog = "sum(array(1.0, [40000000]))"
        got = self.responses([{"servers": [1], "memory": 100 << 20, **c} for c in (
            {"command": "v=41"}, {"command": hog}, {"command": "v+1"},
            {"program": ["sh", "-c", "head -c 400000000 /dev/zero | tail -n 1 | wc -c"]}, {"command": "v+2"},
            {"command": hog, "memory": 0}, {"program": ["echo", "small"]})], 1)
        self.assertEqual([g["ret"] for g in got[:3]] + [g["ret"] for g in got[4:6]], [None, None, 42, 43, 4e7])
        for response, words in ((got[1], "server 1 was ended, as it took more than 100 MiB of memory"),
                                (got[3], "sh was ended, as it took more than 100 MiB of memory")):
            self.assertEqual((response["error"]["class"], response["error"]["retryable"]), ("memory", False))
            self.assertIn(f"WorkerError: {words}", response["traceback"])
        self.assertEqual(got[6]["ret"]["stdout_tail"], "small\n")

    def test_a_task_with_the_commands_parameters(self):
        self.simulate()
        got = self.responses([{"command": "info()", "parameters": {"vis": "in.ms"}},
                              {"command": "info()", "parameters": {"vis": "in.ms", "nothing": 1}}], 1)
        self.assertEqual(got[0]["ret"]["rows"], 48)
        self.assertIn("TypeError:", got[1]["traceback"])

    def test_c57_c71_the_same_on_every_server(self):
        """A summary of three copies of a Multi-MS pushed at once, and one read by all servers, are that of
        the verb alone."""
        self.simulate()
        self.multims("partition", "in.ms", "a.mms", "separationaxis=scan", "--no-sync", "--quiet")
        for name in ("b.mms", "c.mms"):
            shutil.copytree(self.path("a.mms"), self.path(name), symlinks=True)
        alone = self.answer("flagdata", "a.mms", "mode=summary")
        self.assertGreater(alone["total"], 0)
        call = "flagdata(vis='%s.mms', mode='summary')"
        got = self.responses([{"command": call % name, "block": False} for name in "abc"] +
                             [{"command": call % "a", "servers": [1, 2]}], 0)
        self.assertEqual(len(got), 5)
        for response in got:
            self.assertEqual(response["ret"], alone)

    def test_recorded_answers(self):
        """What casampi was recorded to do beside the cases: modes, several targets, shadowed and dropped
        variables, data that look like commands, answers that are false."""
        hostile = "it's \"; x=9; SELECT * FROM y"
        entries, wanted = zip(*(
            ({"command": "a=1;b=2"}, ("exec", None)), ({"command": "x=2\ny=3"}, ("exec", None)),
            ({"command": "x+y"}, ("eval", 5)), ({"command": "# x"}, ("exec", None)),
            ({"command": "# x\nz=x"}, ("exec", None)), ({"command": "z"}, ("eval", 2)),
            ({"command": ""}, ("exec", None)), ({"command": "False"}, ("eval", False)),
            ({"command": "sv=True"}, ("exec", None)), ({"command": "sv+1", "parameters": {"sv": 1}}, ("eval", 2)),
            ({"command": "sv"}, ("eval", True)),
            ({"command": "unset(name='dp')", "parameters": {"dp": 1}}, ("eval", None)),
            ({"command": "push", "parameters": {"pv": 5, "pw": "x"}}, ("push", None)),
            ({"command": "pv"}, ("eval", 5)), ({"command": "pw"}, ("eval", "x")),
            ({"command": "t", "parameters": {"t": hostile}}, ("eval", hostile)),
            ({"command": "n+0", "parameters": {"n": 2**53 + 1}}, ("eval", 2**53 + 1)),
            ({"command": "o['test']", "parameters": {"o": {"test": 5}}}, ("eval", 5)),
            ({"command": "::o.test", "parameters": {"o": {"test": 5}}}, ("eval", 5)),
            ({"command": "e", "parameters": {"e": []}}, ("eval", [])),
            ({"command": "v+1", "servers": [1, 1], "parameters": {"v": 1}}, ("eval", 2)), (None, ("eval", 2))))
        got = self.responses([{"servers": [1], **entry} for entry in entries if entry], 0)
        self.assertEqual([(g["mode"], g["ret"]) for g in got], list(wanted))

    def test_what_is_wrong_with_a_call_is_said_before_it_runs(self):
        """A039, A047: no such parameter, one that is missing, a value that is no number; what is not finite."""
        self.simulate()
        got = self.responses([{"command": c} for c in (
            "sleep(seconds=0,zz=3)", "sleep()", "getcwd(1)", "info(vis='in.ms',nothing=1)", "info()", "0/0", "[1/0]",
            "sleep(0,1)", "sleep(0,seconds=1)", "sleep(seconds=0,seconds=0)", "chdir()", "chdir(path=1)", "unset()", "unset(name=1)", "exit(status='a')",
            "info('in.ms')", "info(vis=1)", "split(vis='in.ms', outputvis='o.ms', datacolumn=5)", "set_threads(1,2)", "get_threads(1)", "get_memory_total('x')", "set_memory_fraction(101)", "x=1; x[0]",
            "select from absent.ms", "drop table absent.ms", "update in.ms set ABSENT=1", "::absent", "1 nounit")]
            + [{"command": "sleep()", "parameters": {"seconds": 0, "zz": 1}}], 1)
        self.assertEqual([g["error"]["class"] for g in got],
                         ["type"] * 5 + ["arithmetic"] * 2 + ["type"] * 14 + ["value", "type", "notfound", "notfound", "name", "key", "value", "type"])
        self.assertIn("zz", got[0]["traceback"])

    def test_what_is_not_finite_comes_back_where_it_is_wanted(self):
        """A038, A039: an error of scalars until set_nonfinite('keep'); values go to and fro."""
        commands = ["1/0", "[1.0,-1]/[0,0]", "set_nonfinite('all')", "set_nonfinite('keep')", "1/0", "x=-1/0", "x", "x*0", "isinf(x)",
                    "v=[1.5,1/0]", "v+1", "1%0", "1/0", "set_nonfinite('error')", "1/0"]
        got = self.responses([{"command": c, "servers": [1]} for c in commands]
                             + [{"command": c, "servers": [1], "parameters": {"p": p}} for c, p in
                                (("isnan(p)", {"$f": "nan"}), ("p+1", {"$c": [{"$f": "inf"}, 1]}), ("p+1", {"$f": "0x10"}))], 1)
        inf, minus = {"$f": "inf"}, {"$f": "-inf"}
        self.assertEqual([g["error"]["class"] if "error" in g else g["ret"] for g in got],
                         ["arithmetic", [inf, minus], "value", None, inf, None, minus, {"$f": "nan"}, True,
                          None, [2.5, inf], "arithmetic", inf, None, "arithmetic", True, {"$c": [inf, 1.0]}, "name"])

    def test_a019_a021_order_and_places(self):
        """200 commands of one server in their order; three that name none begin at once, on three servers."""
        entries = [{"command": "k=0", "servers": [1]}]
        entries += [{"command": f"k=(k*3+{i})%1000003", "servers": [1], "block": False} for i in range(200)]
        wanted = 0
        for i in range(200):
            wanted = (wanted * 3 + i) % 1000003
        self.assertEqual(self.responses([*entries, {"command": "k", "servers": [1]}], 0)[-1]["ret"], wanted)
        nservers = len(self.servers)
        got = self.responses([{"command": "sleep(seconds=0.5)", "block": False}] * nservers, 0)
        self.assertEqual({g["server"] for g in got}, set(range(1, nservers + 1)))
        self.assertLess(max(g["command_start_time"] for g in got), min(g["command_stop_time"] for g in got))

    def test_lists_and_complex_values_come_back(self):
        got = self.responses([{**c, "servers": [1]} for c in (
            {"command": "m=[[1,2,3],[4,5,6]]"}, {"command": "m[1,2]+10*m[0,1]"}, {"command": "sum(m)"},
            {"command": "m*2"}, {"command": "c=complex(1,2)"}, {"command": "c*c"}, {"command": "real(c*conj(c))"},
            {"command": "v=[c,c+1]"}, {"command": "real(sum(v))"}, {"command": 'r={"a": [[1,2],[3,4]]}'}, {"command": "sum(r['a'])"},
            {"command": "z+1", "parameters": {"z": {"$c": [0.5, -1]}}}, {"command": "[1,2.5,c]"},
            {"command": "sum(t)", "parameters": {"t": [[[1, 2]], [[3, 4.5]]]}},
            {"command": "sum(l)", "parameters": {"l": [3] * 1300000}})], 0)
        self.assertEqual([g["ret"] for g in got], [
            None, 26, 21, [[2, 4, 6], [8, 10, 12]], None, {"$c": [-3.0, 4.0]}, 5.0, None, 3.0, None, 10,
            {"$c": [1.5, -1.0]}, [1, 2.5, {"$c": [1.0, 2.0]}], 10.5, 3900000])

    def test_taql_commands_change_tables(self):
        self.simulate()
        got = self.responses([{"command": "UPDATE in.ms SET SCAN_NUMBER=9"},
                              {"command": "SELECT FROM in.ms WHERE ANTENNA1 == 0 GIVING part.ms"},
                              {"command": "x=1; x"}], 0)
        self.assertEqual([g["mode"] for g in got], ["exec"] * 3)
        got = self.responses([{**c, "servers": [1]} for c in (
            {"command": "set_taql_write('no')"}, {"command": "x=1; UPDATE in.ms SET SCAN_NUMBER=3"}, {"command": "SELECT FROM in.ms"},
            {"command": "x"}, {"command": "DROP TABLE part.ms"}, {"command": "x=2; select from in.ms giving 'more.ms'"},
            {"command": "SELECT FROM [SELECT FROM in.ms GIVING more.ms]"}, {"command": "SELECT ' giving ' AS x FROM in.ms LIMIT 1"},
            {"command": "set_taql_write('yes')"}, {"command": "count([select from in.ms giving more.ms])"})], 1)
        self.assertEqual([g["error"]["class"] if "error" in g else g["ret"] for g in got],
                         [None, "policy", None, 1, "policy", "policy", "policy", None, None, "policy"])
        self.assertFalse(os.path.exists(self.path("more.ms")))
        self.assertIn("EngineError: ", got[1]["traceback"])
        self.assertTrue(os.path.exists(self.path("part.ms/table.dat")))
        self.run_words(sys.executable, "-c", "from casacore.tables import table\n"
                       "assert set(table('in.ms', ack=False).getcol('SCAN_NUMBER')) == {9}", check=True)


program_case.main()
