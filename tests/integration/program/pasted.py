# SPDX-License-Identifier: LGPL-2.1-or-later
"""What people paste from CASA, through a shell: calls, words with commas, .last files.

Options of its own: --parameters FILE, CASA's parameters as recorded; without it their order is not compared."""
import json
import os
import shlex

import program_case
from program_case import ProgramCase, parser

parser.add_argument("--parameters", default="")

LAST = """taskname           = "partition"
vis                =  "in.ms"
outputvis          =  "out.mms"
createmms          =  True
separationaxis     =  "scan"
numsubms           =  "auto"
flagbackup         =  False
datacolumn         =  "all"
field              =  ""
spw                =  "0:1~4"
scan               =  ""
#partition(vis="in.ms",outputvis="out.mms",createmms=True,separationaxis="scan",spw="0:1~4")
"""


class Pasted(ProgramCase):
    def setUp(self):
        super().setUp()
        self.simulate()

    def shell(self, text, status=0):
        """What the program answers where a shell reads text; M stands for the program."""
        command = text.replace("M ", shlex.quote(program_case.args.program) + " ", 1)
        run = self.run_words("bash", "-c", command)
        self.assertEqual(run.returncode, status, f"{command}\n{run.stdout}\n{run.stderr}")
        return run

    def parts(self, text):
        return json.loads(self.shell(text + " --json").stdout)["parts"]

    def test_a_call_is_the_request_of_its_words(self):
        want = self.parts("M plan partition in.ms out.mms separationaxis=scan spw=0:1~4")
        self.assertEqual([(p["scans"], p["spws"]) for p in want], [([1], [0]), ([2], [0])])
        for text in (
            "M plan \"partition(vis='in.ms', outputvis='out.mms', separationaxis='scan', spw='0:1~4')\"",
            "M plan 'casatasks.partition(vis=[\"in.ms\"],  # input\n  outputvis = \"out.mms\",\n"
            "    separationaxis=\"scan\", timerange=\"\",\n    spw=[\"0:1~4\"],\n)'",
            "M plan \"ok = partition('in.ms', 'out.mms', True, 'scan', spw='0:1~4')\"",
            "M plan partition vis='in.ms', outputvis='out.mms', separationaxis='scan', spw='0:1~4',",
            "M plan partition vis = 'in.ms', outputvis = 'out.mms', separationaxis = 'scan', "
            "spw = '0:1~4'",
            "M plan partition vis=['in.ms'], outputvis= 'out.mms' , separationaxis='scan' "
            "spw= '0:1~4'",
            "M plan partition \"vis='in.ms', outputvis='out.mms', separationaxis='scan', "
            "spw='0:1~4'\"",
            "M plan partition \"vis='in.ms',\" \"outputvis='out.mms',\" \"separationaxis='scan',\" "
            "\"spw='0:1~4'\"",
        ):
            with self.subTest(text=text):
                self.assertEqual(self.parts(text), want)
        self.assertEqual(os.listdir(self.folder), ["in.ms"])

    def test_the_output_has_its_name_and_nothing_more(self):
        for text in ("M partition vis='in.ms', outputvis='out.mms', --quiet",
                     "M partition 'in.ms', 'out.mms', -q",
                     "M partition \"vis='in.ms',\" \"outputvis='out.mms',\" -q",
                     "M \"partition(vis='in.ms', outputvis='out.mms')\" -q",
                     "M split vis=['in.ms'], outputvis=['out.mms'], width=[2, 2], timebin='', -q",
                     "M mstransform vis='in.ms', outputvis='out.mms', chanbin=[1], -q"):
            with self.subTest(text=text):
                self.shell(text)
                left = set(os.listdir(self.folder))
                self.assertEqual(left - {"out.mms.flagversions"}, {"in.ms", "out.mms"})
                self.run_words("rm", "-r", *left - {"in.ms"})

    def test_files_of_casa_and_standard_input_are_read(self):
        want = self.parts("M plan partition in.ms out.mms separationaxis=scan spw=0:1~4")
        with open(self.path("partition.last"), "w") as file:
            file.write(LAST)
        with open(self.path("call.py"), "w") as file:
            file.write("partition(vis='in.ms', outputvis='out.mms',\n separationaxis='scan',"
                       " spw='0:1~4')\n")
        for text in ("M plan partition --params partition.last",
                     "M plan partition --params=call.py",
                     "M plan partition --params - < partition.last",
                     "M plan partition --params - < call.py"):
            self.assertEqual(self.parts(text), want)
        self.assertIn("these are parameters of partition, not of split",
                      self.shell("M split --params partition.last", status=2).stderr)

    def test_what_has_its_default_in_a_last_file_was_not_asked_for(self):
        """On a Multi-MS a given axis means to cut it anew."""
        self.multims("partition", "in.ms", "two.mms", "separationaxis=scan", "-q")
        with open(self.path("partition.last"), "w") as file:
            file.write(LAST.replace("in.ms", "two.mms").replace('"scan"\n', '"auto"\n'))
        plan = json.loads(self.shell("M plan partition --params partition.last --json").stdout)
        self.assertEqual(plan["axis"], "member")

    def test_calls_that_are_not_understood_write_nothing(self):
        for text, said in (
            ("M \"partition(vis=myms, outputvis='out.mms')\"", "myms: is a name"),
            ("M \"partition(vis='in.ms', outputvis='out.mms'\"", "no closing"),
            ("M \"partitoin(vis='in.ms')\"", "unknown verb partitoin: did you mean partition"),
            ("M \"tclean(vis='in.ms')\"", "tclean: this task of CASA is not in this version"),
            ("M split \"partition(vis='in.ms', outputvis='out.mms')\"", "a call of partition"),
            ("M partition 'outputvis=out.mms, vis=in.ms'", "out.mms: is a name"),
        ):
            self.assertIn(said, self.shell(text, status=2).stderr)
        self.assertEqual(os.listdir(self.folder), ["in.ms"])

    def test_head_ends_silently(self):
        run = self.shell("set -o pipefail; M tasks --json | head -n 1; echo ${PIPESTATUS[0]}")
        self.assertEqual((run.stdout, run.stderr), ("{\n0\n", ""))

    def test_parameters_stand_in_the_order_of_casa(self):
        if not os.path.exists(program_case.args.parameters):
            self.skipTest("CASA's parameters are not there")
        with open(program_case.args.parameters) as file:
            casa = json.load(file)["verbs"]
        for task in json.loads(self.multims("tasks", "--json").stdout)["tasks"]:
            # verbose is a parameter of all verbs here
            names = [p["name"] for p in casa.get(task["name"], []) if p["name"] != "verbose"]
            self.assertEqual([p["name"] for p in task["params"]][:len(names)], names)


program_case.main()
