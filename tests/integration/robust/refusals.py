#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Bad input to partition: each has its message and exit status, and nothing is written
(multi-ms 2.2, design D15 to D17)."""
import os

from casacore.tables import makescacoldesc, maketabdesc, table

import robust

# Refused with 2, and the message repeats the expression
WRONG_SYNTAX = {
    "scan": ["x", "1~", "1,,~"],
    "field": ["[", "nosuch*"],
    "spw": ["0:a~b", "0:", "x", "99"],
    "antenna": ["&&&&", "[", "nope"],
    "timerange": ["foo", "2001/01/01~"],
    "correlation": ["ZZ"],
    "uvrange": ["abc", "1~2~3"],
    "intent": ["NOPE"],
    "array": ["x"],
    "observation": ["x"],
    "feed": ["x"],
    "taql": ["ANTENNA1==", "NOCOL==1"],
}
WRONG_VALUES = {
    "numsubms": (["0", "-1", "abc", "1.5"], "numsubms must be 'auto' or a positive integer, not "),
    "separationaxis": (["scans", "field"], "parameter separationaxis: "),
    "datacolumn": (["foo"], "parameter datacolumn: "),
    "profile": (["x"], "parameter profile: "),
    "createmms": (["perhaps"], "parameter createmms: "),
    "workers": (["0", "-1", "x"], "workers must be 'auto' or a positive integer, not "),
}


class Refusals(robust.Case):
    def setUp(self):
        super().setUp()
        self.input = self.data("D7.ms")
        self.before = robust.tree(self.input)

    def tearDown(self):
        self.assertEqual(robust.tree(self.input), self.before, "the input has changed")

    def refuse(self, *words, text, status=2):
        before = robust.tree(self.folder)
        result = self.run_to_end("partition", *words)
        with self.subTest(words=words):
            self.assert_ended(result, status, text)
            self.assertEqual(result.stdout, "")
            last = result.stderr.splitlines()[-1]
            self.assertTrue(last.startswith("multims partition: "), result.stderr)
            self.assertIn(text, last)
            self.assertEqual(robust.tree(self.folder), before, "something was written")

    def test_vis_is_missing(self):
        self.refuse("nope.ms", "out.mms", text="Visibility data set not found - please verify "
                    "the name. (nope.ms)")
        self.refuse(text="Please specify vis.")

    def test_vis_is_no_table(self):
        os.mkdir(self.path("folder"))
        with open(self.path("file"), "w") as f:
            f.write("text")
        self.refuse("folder", "out.mms", text="folder/table.dat")
        self.refuse("file", "out.mms", text="file/table.dat")

    def test_vis_is_no_measurementset(self):
        table(self.path("plain.tab"), maketabdesc([makescacoldesc("A", 1)]), nrow=3,
              ack=False).close()
        self.refuse("plain.tab", "out.mms", text="plain.tab is not a MeasurementSet: ")

    def test_table_file_is_damaged(self):
        for size in (0, 10, 2000):
            damaged = self.copy("D7.ms", f"{size}.ms")
            os.truncate(os.path.join(damaged, "table.dat"), size)
            self.refuse(f"{size}.ms", "out.mms", text=f"{size}.ms")

    def test_output_exists(self):
        os.mkdir(self.path("folder"))
        open(self.path("file"), "w").close()
        os.symlink("nowhere", self.path("dangling"))
        for name in ("folder", "folder/", "file", "dangling"):
            self.refuse(self.input, name, text=f"Output MS {name.rstrip('/')} already exists - "
                        "will not overwrite it.")
        self.refuse(self.input, self.input, text="already exists")

    def test_flagversions_exist(self):
        os.mkdir(self.path("out.mms.flagversions"))
        for name in ("out.mms", "out.mms/"):
            self.refuse(self.input, name, text="The flagversions out.mms.flagversions for the "
                        "output MS already exists. Please delete it.")

    def test_output_has_no_name_or_no_folder(self):
        open(self.path("file"), "w").close()
        self.refuse(self.input, text="Please specify outputvis.")
        for blank in ("", "  "):
            self.refuse(self.input, blank, text="Please specify outputvis.")
        self.refuse(self.input, "nowhere/out.mms", text="nowhere: ")
        self.refuse(self.input, "file/out.mms", text="file: ")

    def test_values_that_are_not_allowed(self):
        for name, (values, text) in WRONG_VALUES.items():
            for value in values:
                self.refuse(self.input, "out.mms", f"{name}={value}", text=text)
                self.refuse(self.input, "out.mms", f"{name}={value}", text=value)

    def test_words_that_nobody_knows(self):
        self.refuse(self.input, "out.mms", "extra", text="unexpected word extra")
        self.refuse(self.input, "out.mms", "--nosuch", text="unknown parameter nosuch")
        self.refuse(self.input, "out.mms", "numsubm=3", text="numsubms")

    def test_wrong_syntax(self):
        for name, expressions in WRONG_SYNTAX.items():
            for expression in expressions:
                self.refuse(self.input, "out.mms", f"{name}={expression}",
                            text=f'{name}="{expression}": ')

    def test_column_is_missing(self):
        self.refuse(self.input, "out.mms", "datacolumn=float_data",
                    text="Desired column (FLOAT_DATA) not found in the input MS")

    def test_selection_is_empty(self):
        for selection in ("scan=99", "array=99", "antenna=0&&&", "uvrange=>1e9"):
            self.refuse(self.input, "out.mms", selection, status=3,
                        text="MSSelectionNullSelection : The selected table has zero rows.")


if __name__ == "__main__":
    robust.main("__main__")
