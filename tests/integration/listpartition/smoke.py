# SPDX-License-Identifier: LGPL-2.1-or-later
"""listpartition: table, listfile and JSON of a Multi-MS."""
import program_case
from program_case import ProgramCase


class Smoke(ProgramCase):
    def test_the_table_the_file_and_the_dictionary_agree(self):
        self.simulate()
        self.multims("partition", "in.ms", "out.mms", "separationaxis=scan", "-j", "1")
        shown = self.multims("listpartition", "out.mms", "listfile=list.txt")
        with open(self.path("list.txt")) as file:
            text = file.read()
        parts = self.answer("listpartition", "out.mms")
        self.assertEqual([p["MS"] for p in parts.values()], ["out.0000.ms", "out.0001.ms"])
        for number, part in enumerate(parts.values(), 1):
            self.assertRegex(text, rf"(?m)^{part['MS']} +{number} +\[0 1\] +\[8 8\] +24 ")
        self.assertIn("separation axis = scan", shown.stderr)


program_case.main()
