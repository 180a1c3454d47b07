# SPDX-License-Identifier: LGPL-2.1-or-later
"""The pages say what the program does: docs/phrasebook.md's commands and calls are the same requests, the
messages of docs/messages.md are in the sources, links lead to pages."""
import json
import os
import pathlib
import re
import shlex

import program_case
from program_case import ProgramCase, parser

parser.add_argument("--project", required=True)


def page(name):
    return (pathlib.Path(program_case.args.project) / "docs" / name).read_text()


def rows(text):
    """The rows of a page's tables, as cells."""
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in text.splitlines()
            if line.startswith("| `")]


class Phrasebook(ProgramCase):
    def setUp(self):
        super().setUp()
        self.simulate("a.ms", "scans=4", "fields=2")
        self.multims("partition", "a.ms", "a.mms", "separationaxis=scan", "numsubms=2", "-q")

    def meaning(self, *words):
        """The plan of a request, or its answer where it makes none."""
        run = self.multims(*words, "--json")
        return json.loads(run.stdout)

    def test_a_call_and_its_command_mean_the_same(self):
        tables = page("phrasebook.md").split("## Around it")[0]
        pairs = [(call.strip("`"), shlex.split(command.strip("`"))) for call, command in rows(tables)]
        self.assertGreater(len(pairs), 12)
        for call, (program, *words) in pairs:
            with self.subTest(call=call):
                self.assertEqual(program, "multims")
                lists = words[0] in ("listpartition", "info")
                more = [] if lists else ["--dryrun"]
                command = self.meaning(*words, *more)
                for file in set(os.listdir(self.folder)) - {"a.ms", "a.mms", "a.mms.flagversions"}:
                    self.assertTrue(lists, file)
                    os.remove(self.path(file))
                if "separationaxis=balanced" in words:
                    more.append("separationaxis=balanced")  # as the page says
                pasted = self.meaning(call, *more)
                for answer in command, pasted:
                    for key in "seconds", "estimate":
                        answer.pop(key, None)
                self.assertEqual(command, pasted)
                for file in set(os.listdir(self.folder)) - {"a.ms", "a.mms", "a.mms.flagversions"}:
                    os.remove(self.path(file))

    def test_the_other_commands_run(self):
        self.multims("select", "a.ms", "scan=1", "spw=0:5~20")
        self.multims("plan", "split", "a.mms", "b.mms", "width=4", "datacolumn=data")
        with open(self.path("split.last"), "w") as file:
            file.write("taskname = 'split'\nvis = 'a.mms'\noutputvis = 'b.mms'\nwidth = 4\n")
        self.assertEqual(self.answer("split", "--params", "split.last", "datacolumn=data", "--dryrun")["rows"],
                         self.answer("listpartition", "a.mms") and 96)


class Messages(ProgramCase):
    def literals(self):
        """All texts of the sources, those of one statement joined."""
        project = pathlib.Path(program_case.args.project)
        texts = []
        for path in [*project.glob("lib/**/*.c"), *project.glob("lib/**/*.[ch]pp"), *project.glob("tools/*.c")]:
            source = re.sub(r"\\\n", "", path.read_text())
            for run in re.findall(r'"(?:[^"\\\n]|\\.)*"(?:\s*(?:PRI\w+|JSON_INTEGER_FORMAT)?\s*"(?:[^"\\\n]|\\.)*")*', source):
                text = "".join(re.findall(r'"((?:[^"\\\n]|\\.)*)"', run))
                texts.append(text.replace('\\"', '"').replace("%%", "%"))
        return "\n".join(texts)

    def test_every_message_is_in_the_program(self):
        known, missing, n = self.literals(), [], 0
        for cells in rows(page("messages.md")):
            message = cells[0].strip("`")
            for part in message.split("…"):
                part = part.strip(" ():")
                n += len(part) > 3
                if len(part) > 3 and part not in known:
                    missing.append((message, part))
        self.assertEqual(missing, [])
        self.assertGreater(n, 40)


class Links(ProgramCase):
    def test_links_lead_to_pages(self):
        project = pathlib.Path(program_case.args.project)
        for path in [project / "README.md", *project.glob("docs/**/*.md")]:
            for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", path.read_text()):
                self.assertTrue((path.parent / target).exists(), f"{path.name}: {target}")


program_case.main()
