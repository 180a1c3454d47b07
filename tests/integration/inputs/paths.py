# SPDX-License-Identifier: LGPL-2.1-or-later
"""Folders and sets of any name: "$NAME" that casacore would expand, bytes that are no UTF-8."""
import json
import os
import shutil

import casacore.tables as ct

import program_case
from program_case import ProgramCase


class Paths(ProgramCase):

    def run_words(self, *words, **options):
        """Words of bytes; HOME is a variable that a folder may be called after.  What is said must
        be UTF-8, else it can't be read here."""
        env = dict(os.environ, HOME="/nowhere", LOST="elsewhere")
        return super().run_words(*words, env=env, encoding="utf-8", **options)

    def simulate_at(self, path):
        self.multims("simulate", path, "antennas=3", "spws=2", "channels=4", "integrations=2",
                     "corrected=True", "--no-sync", "--quiet")

    def check_folder(self, name):
        """Every verb, by a relative path, an absolute one and from within."""
        folder = os.path.join(os.fsencode(self.folder), name)
        os.mkdir(folder)
        vis, out = os.path.join(name, b"in.ms"), os.path.join(folder, name + b".mms")
        self.simulate_at(vis)
        rows = self.answer("select", vis)["rows"]
        self.multims("partition", vis, out, "--no-sync", "--quiet")
        self.multims("verify", out, "--against", vis)
        self.multims("diff", os.path.join(folder, b"in.ms"), out, "--ignore-order")
        self.assertEqual(self.answer("select", out, "antenna=0&1", "field=0")["rows"], rows // 3)
        self.multims("listpartition", out)
        self.multims("info", out)
        for i, words in enumerate((("split", "width=2", "timebin=20s"), ("hanningsmooth",),
                                   ("mstransform", "tiles=False", "spw=1:0~1"))):
            made = os.path.join(name, b"made%d" % i)
            self.multims(words[0], out, made, "datacolumn=data", *words[1:], "--no-sync", "--quiet",
                         "--log", made + b".log")
            self.multims("verify", made)
            with open(os.path.join(os.fsencode(self.folder), made + b".log"), "rb") as log:
                log.read().decode()
        self.multims("verify", "in.ms", cwd=folder)
        said = self.multims("partition", vis, out, status=2).stderr
        self.assertIn("exists", said)
        self.assertFalse([x for x in os.listdir(folder) if b"mms-part" in x])
        # python-casacore finds the rows where the path needs no care
        os.rename(folder, os.path.join(os.fsencode(self.folder), b"plain"))
        shutil.move(os.path.join(os.fsencode(self.folder), b"plain", name + b".mms"),
                    self.path("out.mms"))
        t = ct.table(self.path("plain/made1"), ack=False)
        self.assertEqual(t.nrows(), rows)
        history = ct.table(self.path("plain/made1/HISTORY"), ack=False).getcol("MESSAGE")
        self.assertTrue(any("vis" in m for m in history))
        t.close()

    def test_a_dollar_in_a_name(self):
        self.check_folder(b"$HOME")

    def test_braces_and_dollars(self):
        self.check_folder(b"a${LOST}$HOME")

    def test_a_tilde_at_the_beginning(self):
        self.check_folder(b"~root")

    def test_bytes_that_are_no_utf8(self):
        self.check_folder(b"caf\xe9$HOME")

    def test_a_subtable_with_a_dollar(self):
        self.simulate()
        home = os.environ.pop("HOME", None)
        ct.table(self.path("in.ms/X$HOME"), ct.maketabdesc(ct.makescacoldesc("A", 1)), nrow=2,
                 ack=False).close()
        t = ct.table(self.path("in.ms"), readonly=False, ack=False)
        t.putkeyword("X$HOME", "Table: " + self.path("in.ms/X$HOME"))
        t.close()
        if home:
            os.environ["HOME"] = home
        self.multims("partition", "in.ms", "out.mms", "--no-sync", "--quiet")
        self.multims("verify", "out.mms", "--against", "in.ms")
        self.multims("split", "out.mms", "out.ms", "datacolumn=data", "--no-sync", "--quiet")
        self.assertTrue(os.path.exists(self.path("out.ms/X$HOME/table.dat")))

    def test_names_go_into_json_and_out_of_it(self):
        """As Python writes what is no UTF-8: os.fsencode makes the path of it."""
        folder = os.path.join(os.fsencode(self.folder), b"caf\xe9")
        os.mkdir(folder)
        self.simulate_at(b"caf\xe9/in.ms")
        answer = self.answer("partition", b"caf\xe9/in.ms", b"caf\xe9/a.mms", "--no-sync")
        self.assertEqual(os.fsencode(answer["outputvis"]), b"caf\xe9/a.mms")
        with open(self.path("p.json"), "w", encoding="ascii") as f:
            json.dump({"vis": "caf\udce9/in.ms", "outputvis": "caf\udce9/b.mms"}, f)
        self.multims("partition", "--params", "p.json", "--no-sync", "--quiet")
        self.multims(b"partition(vis='caf\xe9/in.ms', outputvis='caf\\udce9/c.mms')", "--no-sync",
                     "--quiet")
        for name in b"a.mms", b"b.mms", b"c.mms":
            self.assertTrue(os.path.isdir(os.path.join(folder, name)), name)

    def test_what_is_refused_is_named_in_utf8(self):
        self.simulate()
        self.assertIn("caf\\xE9.ms", self.multims("info", b"caf\xe9.ms", status=2).stderr)
        self.assertIn('antenna="é"', self.multims("select", "in.ms", "antenna=é", status=2).stderr)
        self.assertIn('field="\\xE9"',
                      self.multims("select", "in.ms", b"field=\xe9", status=2).stderr)


program_case.main()
