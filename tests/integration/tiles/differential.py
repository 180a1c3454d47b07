# SPDX-License-Identifier: LGPL-2.1-or-later
"""Random layouts: what is written by way of tile and bucket files is, byte for byte, what casacore's
columns give, and casacore goes on working with it."""
import os
import re
import shutil
import subprocess
import traceback

import numpy as np
from casacore import tables as ct

import layouts
import program_case
from machine import patient
from program_case import ProgramCase, parser

PER_CHANNEL = {"DATA", "MODEL_DATA", "CORRECTED_DATA", "FLOAT_DATA", "FLAG", "WEIGHT_SPECTRUM",
               "SIGMA_SPECTRUM"}
PER_CORRELATION = {"WEIGHT", "SIGMA"}


class Request:
    """One run of the program on a layout, by either way."""

    def __init__(self, layout, verb, words, channels=None, correlations=None):
        self.layout, self.verb, self.words = layout, verb, words
        self.channels = channels  # [first, last] of each spw that is taken, or None for all
        self.correlations = correlations
        self.jobs = layout.pick("1", "1", "2")
        self.casarc = layout.pick(*[None] * 4, "table.endianformat: big",
                                  "table.storage.option: multifile")

    def run(self, tiles):
        """The answer's status and text, and the paths of the tables that were written."""
        output = os.path.join(self.layout.folder, "tiles" if tiles else "columns", "out")
        os.mkdir(os.path.dirname(output))
        environment = dict(os.environ)
        if self.casarc:
            environment["HOME"] = os.path.join(self.layout.folder, "home")
            os.makedirs(environment["HOME"], exist_ok=True)
            with open(os.path.join(environment["HOME"], ".casarc"), "w") as f:
                f.write(self.casarc + "\n")
        done = subprocess.run([self.layout.program, self.verb, self.layout.path, output, *self.words,
                               f"tiles={tiles}", "--no-sync", "-v", "-j", self.jobs],
                              capture_output=True, text=True, timeout=patient(300), env=environment)
        if tiles:
            self.moved = sum(int(n) for n in re.findall(r"(\d+) bytes were moved", done.stderr))
        if not os.path.isdir(output):
            return done.returncode, done.stderr.replace(output, "out"), []
        parts = os.path.join(output, "SUBMSS")
        found = [os.path.join(parts, p) for p in sorted(os.listdir(parts))] \
            if os.path.isdir(parts) else [output]
        return done.returncode, "", found

    def values_of(self, column, row, ddids):
        """What the cell may be where values stay: the input's, cut."""
        layout = self.layout
        stored = layout.stored[column][row]
        cut = self.is_cut(column)
        if cut is False or layout.values[column][row] is None:
            return [stored]
        value = layout.values[column][row]
        if column not in PER_CORRELATION and self.channels and value.ndim == 2:
            first, last = self.channels[ddids[row]]
            value = value[first:last + 1]
        if self.correlations and value.shape[-1] > max(self.correlations):
            value = value[..., self.correlations]
        return [as_cell(value)] if cut else [as_cell(value), stored]

    def is_cut(self, column):
        """Whether cells follow the selection, as those of unknown columns do that are like FLAG's; None: samples decide."""
        values = self.layout.values
        if column in PER_CHANNEL | PER_CORRELATION:
            return True
        like = {v.shape == f.shape for v, f in zip(values.get(column, []), values["FLAG"])
                if v is not None and f is not None}
        return None if len(like) > 1 else like == {True}

    def __str__(self):
        return f"{self.verb} {self.layout.path} {' '.join(self.words)}, {self.casarc}"


def as_cell(value):
    return value.dtype.str, value.shape, np.ascontiguousarray(value).tobytes()


class Differs(Exception):
    pass


def demand(holds, *what):
    if not holds:
        raise Differs(" ".join(map(str, what)))


def partition(layout):
    """A partition: any selection of rows, channels and correlations, on any axis."""
    words = [layout.pick("createmms=False", "separationaxis=scan", "separationaxis=spw",
                         "separationaxis=balanced", "separationaxis=baseline"),
             "flagbackup=False", "datacolumn=all", f"memory={layout.pick('16M', '512M')}"]
    channels = correlations = None
    if layout.chance(0.4):
        rows = layout.pick("ROW % 3 != 1", "ROW > 4", "ROW IN [0:1000:7]", "rand() < 2",
                           "ANTENNA1 != ANTENNA2 AND ROW % 50 < 31")
        words.append(f"taql={rows}")
    if layout.chance(0.4):
        channels, texts = {}, []
        for spw, n in enumerate(layout.channels):
            if layout.chance(0.7) or not texts:
                first = layout.some(0, n - 1)
                channels[spw] = [first, layout.some(first, n - 1)]
                texts.append(f"{spw}:{channels[spw][0]}~{channels[spw][1]}")
        words.append(f"spw={','.join(texts)}")
    names = ["XX", "XY", "YX", "YY"] if layout.correlations == "4" else layout.correlations.split(",")
    if layout.chance(0.25) and len(names) > 1 and layout.correlations != "4":
        correlations = sorted(layout.rng.choice(len(names), layout.some(1, len(names) - 1), False))
        words.append(f"correlation={','.join(names[i] for i in correlations)}")
    return Request(layout, "partition", words, channels, correlations)


def whole(layout):
    """All rows, or all from one on: tiles are the same as the input's."""
    words = ["createmms=False", "flagbackup=False", "datacolumn=all"]
    if layout.chance(0.5):
        words.append(f"taql=ROW >= {layout.pick(1, 8, 13)}")
    return Request(layout, "partition", words)


def split(layout):
    """A split with averages, or without."""
    words = [f"datacolumn={layout.pick('data', 'all')}"]
    if layout.chance(0.6):
        words.append(f"width={layout.some(1, min(layout.channels))}")
    if layout.chance(0.5):
        words.append(f"timebin={layout.pick(15, 20, 35)}s")
    if layout.chance(0.3):
        words.append("keepflags=False")
    return Request(layout, "split", words)


def smooth(layout):
    return Request(layout, "hanningsmooth", [f"datacolumn={layout.pick('data', 'all')}"])


def check_values(request, part, found):
    """Cells of a partition are those of the input."""
    table = layouts.opened(part)
    rows = table.getcol("ROW") if table.nrows() else []
    table.close()
    spw_of_ddid = request.layout.scalars["DATA_DESC_ID"]  # simulated: one data description a spw
    for column in (*request.layout.values, *request.layout.extra_scalars, "ROW", "TIME",
                   "SCAN_NUMBER", "ANTENNA2"):
        for i, row in enumerate(rows):
            want = request.values_of(column, row, spw_of_ddid)
            demand(found[column][i] in want, part, column, "row", i, "is", found[column][i], "not",
                   *want)


def append_rows(table, columns, n):
    """Copy the first cells to n new rows through casacore."""
    nrow = table.nrows()
    table.addrows(n)
    for column in columns:
        for i in range(n):
            if table.iscelldefined(column, i % nrow):
                table.putcell(column, nrow + i, table.getcell(column, i % nrow))


def rewrite(rng, table, column):
    """Other values for every cell of a column, last row first."""
    want = [None] * table.nrows()
    for row in reversed(range(table.nrows())):
        if table.iscelldefined(column, row):
            old = table.getcell(column, row)
            new = old[::-1].copy() if old.dtype.kind != "b" else ~old
            table.putcell(column, row, new)
            want[row] = as_cell(new)
    return want


def check_goes_on(layout, part, found):
    """casacore appends rows, rewrites a column and locks the table; all else stays."""
    nrow = len(found["ROW"])
    table = layouts.opened(part, readonly=False, lockoptions="user")
    table.lock()
    arrays = [c for c in table.colnames() if not table.isscalarcol(c)]
    more = layout.some(1, 20)
    append_rows(table, table.colnames(), more)
    table.unlock()
    table.lock()
    column = layout.pick(*[c for c in arrays if c != "FLAG_CATEGORY"])
    want = rewrite(layout.rng, table, column)
    table.unlock()
    table.close()
    again = layouts.cells(part)
    demand(again.pop(column) == want, part, column, "is not what casacore wrote")
    for name, cells in again.items():
        old = [found[name][i % nrow] for i in range(nrow + more)]
        if name not in arrays or any(c is not None for c in old[:more]):
            demand(all(a == b for a, b in zip(cells, old) if b is not None), part, name,
                   "changed when rows were added")


def check_taql(part, found):
    """The program taql counts what python-casacore read."""
    query = (f"calc [select gntrue(FLAG) from '{part}'][0] + "
             f"[select gsum(nelements(FLAG)) from '{part}'][0]")
    done = subprocess.run(["taql", "-nopr", query], capture_output=True, text=True, timeout=patient(60))
    flags = [np.frombuffer(c[2], np.bool_) for c in found["FLAG"]]
    want = sum(int(f.sum()) + f.size for f in flags)
    numbers = done.stdout.replace("[", " ").replace("]", " ").split()
    demand(str(want) in numbers, part, "taql says", done.stdout, done.stderr, "not", want)


def compare(request):
    """Run by both ways; demand the same outputs."""
    direct, columns = request.run(True), request.run(False)
    demand(direct[:2] == columns[:2], "statuses or texts differ:", direct[:2], columns[:2])
    names = [[os.path.relpath(p, request.layout.folder).split(os.sep, 1)[1] for p in way[2]]
             for way in (direct, columns)]
    demand(names[0] == names[1], names)
    all_found = []
    for ours, theirs in zip(direct[2], columns[2]):
        a, b = layouts.cells(ours), layouts.cells(theirs)
        demand(sorted(a) == sorted(b), "columns", sorted(a), sorted(b))
        for column in a:
            for row, (x, y) in enumerate(zip(a[column], b[column])):
                demand(x == y, ours, column, "row", row, "is", x, "not", y)
            demand(len(a[column]) == len(b[column]), ours, column, "rows")
        if request.verb == "partition":
            check_values(request, ours, a)
        all_found.append((ours, a))
    return direct[0], all_found


def join(layout):
    """Let a Multi-MS of the layout take its place: members of one sequence of rows."""
    path = os.path.join(layout.folder, "in.mms")
    subprocess.run([layout.program, "partition", layout.path, path, "--no-sync", "-q",
                    layout.pick("separationaxis=scan", "separationaxis=baseline"),
                    "flagbackup=False"], check=True, capture_output=True, timeout=patient(120))
    layout.path = path


def check_layout(program, folder, number, kinds):
    layout = layouts.Layout(program, folder, number)
    done = moved = 0
    if layout.chance(0.25):
        join(layout)
    for make in kinds:
        request = make(layout)
        try:
            status, outputs = compare(request)
            done += status == 0
            moved += request.moved
            if outputs:
                part, found = outputs[layout.some(0, len(outputs) - 1)]
                if found["FLAG"]:
                    if layout.chance(0.3):
                        check_taql(part, found)
                    if request.verb == "partition":
                        check_goes_on(layout, part, found)
        except Exception as e:
            print(f"FAIL layout {number}: {request}\n  {layout}", flush=True)
            if isinstance(e, Differs):
                print("  " + str(e)[:2000], flush=True)
            else:
                traceback.print_exc(limit=-4)
            return False, done, moved
        for way in ("tiles", "columns"):
            shutil.rmtree(os.path.join(folder, way))
    return True, done, moved


class Layouts(ProgramCase):
    def test_both_ways_give_what_casacore_reads(self):
        options, runs, moved = program_case.args, 0, 0
        program = os.path.abspath(options.program)
        for number in range(options.first, options.first + options.layouts):
            folder = os.path.abspath(self.path(f"layout{number}"))
            os.mkdir(folder)
            with self.subTest(layout=number):
                good, done, bytes_ = check_layout(program, folder, number,
                                                  [partition, partition, split, smooth, whole])
                runs += done
                moved += bytes_
                self.assertTrue(good)
            shutil.rmtree(folder)
        print(f"{options.layouts} layouts, {runs} requests by both ways; {moved} bytes moved in whole tiles")
        # a request may be refused, by both ways; most must not be
        self.assertGreaterEqual(runs, 3 * options.layouts)
        if options.layouts > 3:
            self.assertGreater(moved, 0)


parser.add_argument("--first", type=int, default=0, help="number of the first layout")
parser.add_argument("--layouts", type=int, default=20)
program_case.main()
