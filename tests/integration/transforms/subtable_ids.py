#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Ids in sub-tables that no definition knows: they follow what they refer to, by the names of their
columns, in every verb, and verify finds those that do not."""
import itertools
import os

import numpy as np
from casacore.tables import (default_ms_subtable, makearrcoldesc, makescacoldesc, maketabdesc,
                             table)

import program_case
from program_case import ProgramCase

program_case.parser.add_argument("--data")

# table: id columns, and how many ids there are of each
TABLES = {
    "GAIN_CURVE": ["ANTENNA_ID", "FEED_ID", "SPECTRAL_WINDOW_ID"],
    "PHASE_CAL": ["ANTENNA_ID", "SPECTRAL_WINDOW_ID"],
    "FREQ_OFFSET": ["ANTENNA1", "ANTENNA2", "SPECTRAL_WINDOW_ID"],
    "DOPPLER": ["SOURCE_ID"],
    "LOFAR_ANTENNA_FIELD": ["ANTENNA_ID"],
    "LOFAR_ELEMENT_FAILURE": ["ANTENNA_FIELD_ID"],
    "PHASED_ARRAY": ["ANTENNA_ID", "PHASED_ARRAY_ID"],
    "OF_NOBODY": ["FIELD_ID", "DATA_DESC_ID", "OBSERVATION_ID", "STATE_ID"],
}
MOST = {"ANTENNA_ID": 4, "ANTENNA1": 4, "ANTENNA2": 4, "SPECTRAL_WINDOW_ID": 3, "FEED_ID": 1,
        "SOURCE_ID": 2, "ANTENNA_FIELD_ID": 8, "FIELD_ID": 2, "DATA_DESC_ID": 3,
        "OBSERVATION_ID": 1, "STATE_ID": 2, "PHASED_ARRAY_ID": 1}


def add_table(vis, name, columns):
    """A table with a row for each combination of ids, and one that is of none; NOTE has the ids."""
    rows = list(itertools.product(*[range(MOST[c]) for c in columns]))
    if name == "LOFAR_ANTENNA_FIELD":
        rows = [(antenna,) for antenna in range(4) for _ in range(2)]
    elif name == "PHASED_ARRAY":
        rows = [(antenna, antenna) for antenna in range(4)]
    elif name != "LOFAR_ELEMENT_FAILURE":
        rows.append((-1,) * len(columns))
    path = os.path.join(vis, name)
    notes = [makearrcoldesc("NOTE", 0, ndim=1), makescacoldesc("TEXT", "")]
    if name in ("DOPPLER", "FREQ_OFFSET"):  # casacore knows them
        t = default_ms_subtable(name, path)
        t.addcols(maketabdesc(notes))
        t.addrows(len(rows))
    else:
        t = table(path, maketabdesc([makescacoldesc(c, 0) for c in columns] + notes),
                  nrow=len(rows), ack=False)
    with t:
        for r, ids in enumerate(rows):
            for c, value in zip(columns, ids):
                t.putcell(c, r, value)
            t.putcell("NOTE", r, np.array(ids, np.int32))
            t.putcell("TEXT", r, f"row {r}")
    with table(vis, readonly=False, ack=False) as t:
        t.putkeyword(name, "Table: " + path)


class Ids(ProgramCase):
    def setUp(self):
        super().setUp()
        self.multims("simulate", "in.ms", "antennas=4", "spws=3", "channels=8", "fields=2",
                     "scans=2", "integrations=1", "corrected=True", "--no-sync", "--quiet")
        vis = self.path("in.ms")
        with table(vis + "/STATE", readonly=False, ack=False) as t:
            t.addrows(2 - t.nrows() if t.nrows() < 2 else 0)
        with table(vis + "/ANTENNA", readonly=False, ack=False) as t:
            t.addcols(maketabdesc(makescacoldesc("PHASED_ARRAY_ID", 0)))
            t.putcol("PHASED_ARRAY_ID", np.arange(4, dtype=np.int32))
        for name, columns in TABLES.items():
            add_table(vis, name, columns)

    def kept(self, name, column, keep, rows=None):
        """Old ids and new ids of a column of an output's table."""
        with table(self.path(f"out/{name}"), ack=False) as t:
            old = [t.getcell("NOTE", r)[TABLES[name].index(column)] for r in range(t.nrows())]
            new = list(t.getcol(column)) if t.nrows() else []
        for before, after in zip(old, new):
            self.assertEqual(after, keep.index(before) if before >= 0 else -1, (name, column))
        self.assertTrue(set(old) <= set(keep) | {-1}, (name, column, set(old)))
        if rows is not None:
            self.assertEqual(len(old), rows, name)

    def run_verb(self, verb, *words):
        out = self.path("out")
        if os.path.exists(out):
            self.run_words("rm", "-r", out)
        self.multims(verb, "in.ms", "out", *words, "--no-sync", "--quiet")
        self.multims("verify", "out")

    def test_windows(self):
        for verb, words in (("partition", ["createmms=False"]), ("partition", []),
                            ("split", ["datacolumn=data"]), ("hanningsmooth", []),
                            ("mstransform", ["datacolumn=data", "createmms=True"])):
            with self.subTest(verb=verb, words=words):
                self.run_verb(verb, "spw=2,1", *words, *(["flagbackup=False"]
                                                         if verb == "partition" else []))
                if verb == "partition":
                    self.multims("verify", "out", "against=in.ms")
                self.kept("GAIN_CURVE", "SPECTRAL_WINDOW_ID", [2, 1], 9)
                self.kept("PHASE_CAL", "SPECTRAL_WINDOW_ID", [2, 1], 9)
                self.kept("FREQ_OFFSET", "SPECTRAL_WINDOW_ID", [2, 1], 33)
                self.kept("OF_NOBODY", "DATA_DESC_ID", [2, 1], 2 * 2 * 2 + 1)
                self.kept("LOFAR_ANTENNA_FIELD", "ANTENNA_ID", [0, 1, 2, 3], 8)

    def test_antennas(self):
        self.run_verb("partition", "antenna=1,3&", "flagbackup=False")
        self.kept("GAIN_CURVE", "ANTENNA_ID", [1, 3], 7)
        self.kept("PHASE_CAL", "ANTENNA_ID", [1, 3], 7)
        self.kept("FREQ_OFFSET", "ANTENNA1", [1, 3])
        self.kept("FREQ_OFFSET", "ANTENNA2", [1, 3], 13)
        self.kept("LOFAR_ANTENNA_FIELD", "ANTENNA_ID", [1, 3], 4)
        self.kept("LOFAR_ELEMENT_FAILURE", "ANTENNA_FIELD_ID", [2, 3, 6, 7], 4)
        self.kept("PHASED_ARRAY", "ANTENNA_ID", [1, 3], 2)
        self.kept("PHASED_ARRAY", "PHASED_ARRAY_ID", [1, 3], 2)
        with table(self.path("out/ANTENNA"), ack=False) as t:
            np.testing.assert_array_equal(t.getcol("PHASED_ARRAY_ID"), [0, 1])
        self.multims("verify", "out", "against=in.ms")

    def test_fields(self):
        self.run_verb("partition", "field=1", "flagbackup=False")
        self.kept("OF_NOBODY", "FIELD_ID", [1], 3 * 2 + 1)
        self.kept("DOPPLER", "SOURCE_ID", [1], 2)
        self.multims("verify", "out", "against=in.ms")

    def test_keys_are_not_row_numbers(self):
        with table(self.path("in.ms/PHASED_ARRAY"), readonly=False, ack=False) as t:
            t.putcol("PHASED_ARRAY_ID", np.arange(7, 11, dtype=np.int32))
        with table(self.path("in.ms/ANTENNA"), readonly=False, ack=False) as t:
            t.putcol("PHASED_ARRAY_ID", np.arange(7, 11, dtype=np.int32))
        self.run_verb("partition", "antenna=1,3&", "flagbackup=False")
        for name in "ANTENNA", "PHASED_ARRAY":
            with table(self.path(f"out/{name}"), ack=False) as t:
                np.testing.assert_array_equal(t.getcol("PHASED_ARRAY_ID"), [8, 10])
        self.multims("verify", "out", "against=in.ms")

    def test_reindex_false_keeps_them(self):
        self.run_verb("mstransform", "datacolumn=data", "spw=2,1", "reindex=False")
        with table(self.path("out/GAIN_CURVE"), ack=False) as t:
            self.assertEqual(t.nrows(), 13)
            np.testing.assert_array_equal(t.getcol("SPECTRAL_WINDOW_ID"), t.getcol("NOTE")[:, 2])

    def test_nothing_selected_changes_nothing(self):
        self.run_verb("partition", "flagbackup=False")
        self.multims("verify", "out", "against=in.ms")
        for name in TABLES:
            with table(self.path(f"in.ms/{name}"), ack=False) as a, \
                    table(self.path(f"out/{name}"), ack=False) as b:
                for column in a.colnames():
                    np.testing.assert_array_equal(a.getcol(column), b.getcol(column))

    def test_verify_finds_stale_ids(self):
        self.run_verb("partition", "spw=2,1", "flagbackup=False")
        self.multims("verify", "out", "against=in.ms")
        with table(self.path("out/GAIN_CURVE"), readonly=False, ack=False) as t:
            ids = t.getcol("SPECTRAL_WINDOW_ID")
            t.putcol("SPECTRAL_WINDOW_ID", np.where(ids == 0, 1, ids).astype(np.int32))
        said = self.multims("verify", "out", "against=in.ms", status=1).stdout
        self.assertIn("GAIN_CURVE of the source", said)
        with table(self.path("out/GAIN_CURVE"), readonly=False, ack=False) as t:
            t.putcell("SPECTRAL_WINDOW_ID", 0, 2)
        said = self.multims("verify", "out", status=1).stdout
        self.assertIn("GAIN_CURVE: SPECTRAL_WINDOW_ID row 0 is 2, but SPECTRAL_WINDOW has 2 rows",
                      said)

    def test_verify_warns_of_what_others_left(self):
        with table(self.path("in.ms/PHASE_CAL"), readonly=False, ack=False) as t:
            t.putcell("ANTENNA_ID", 0, 9)
        run = self.multims("verify", "in.ms")
        self.assertIn("PHASE_CAL: ANTENNA_ID of 1 rows", run.stdout + run.stderr)


if __name__ == "__main__":
    program_case.main()
