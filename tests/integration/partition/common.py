# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the cases of partition share: a scratch folder a case, running the program, and an
independent reader (python-casacore and numpy) that compares outputs with inputs cell by cell."""
import datetime
import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import unittest

import numpy as np
from casacore import tables as ct

import program_case
from machine import mpirun, patient, run_cases
from program_case import ProgramCase, parser

KEYS = ["TIME", "ANTENNA1", "ANTENNA2", "DATA_DESC_ID", "FIELD_ID", "SCAN_NUMBER",
        "OBSERVATION_ID", "ARRAY_ID", "FEED1", "FEED2"]
PER_CHANNEL = {"DATA", "MODEL_DATA", "CORRECTED_DATA", "FLOAT_DATA", "LAG_DATA", "FLAG",
               "WEIGHT_SPECTRUM", "SIGMA_SPECTRUM", "FLAG_CATEGORY"}
PER_CORRELATION = {"WEIGHT", "SIGMA"}
LINKED = {"seed": {"POINTING", "SYSCAL"}}
COPIED = {"SOURCE", "HISTORY"}
ENVIRONMENT = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
               "PMIX_MCA_gds": "hash", "OMPI_MCA_rmaps_base_oversubscribe": "1"}
SETS = {"alma9": "hd142_b9cont_self_tav.ms", "alma2": "mssel_test_small.ms",
        "lofar": "tNDPPP-generic.MS"}


class Differs(AssertionError):
    """What a case demanded does not hold."""


class Skipped(unittest.SkipTest):
    """What a case needs is not on this machine."""


def check(what, got, want):
    if got != want:
        raise Differs(f"{what}: {got!r}, wanted {want!r}")


def demand(holds, text):
    if not holds:
        raise Differs(text)


# ---- cases -------------------------------------------------------------------------------

class Cases(ProgramCase):
    """The cases that a script registers."""


def case(*numbers):
    """Registers a function of one Bench as the case of these numbers of multi-ms 6."""
    def register(function):
        def test(self):
            bench = Bench(self)
            function(bench)
            bench.finish()
        test.__doc__ = " ".join([function.__name__, *numbers])
        setattr(Cases, f"test_{function.__name__}", test)
        return function
    return register


class Bench:
    """One case's scratch folder, its inputs, and the program."""

    def __init__(self, test):
        self.options = program_case.args
        self.folder = test.folder
        self.known = set()
        self.inputs = {}
        test.addCleanup(subprocess.run, ["chmod", "-R", "u+rwX", self.folder], check=False)

    def path(self, name):
        """A path in the scratch folder that may be there when the case ends."""
        self.known.add(name)
        return os.path.join(self.folder, name)

    def data(self, name):
        """A recorded set; that it stays as it is is checked at the end."""
        path = os.path.join(self.options.data, SETS.get(name, name))
        if not os.path.isdir(path):
            raise Skipped(f"{name} is not here")
        return self.watch(path)

    def watch(self, path):
        self.inputs.setdefault(path, snapshot(path))
        return path

    def copy(self, name, new="in.ms"):
        """A copy of a recorded set, to be changed by the case."""
        path = self.path(new)
        shutil.copytree(self.data(name), path, symlinks=True)
        return path

    def make(self, description, name="in.ms"):
        """A set built by make_ms.py from a JSON description."""
        path = self.path(name)
        make_ms(self.options).make(description, path)
        return path

    def run(self, *words, status=0, mpi=0, cwd=None, verb="partition", prefix=()):
        command = [*prefix, *mpirun(mpi), self.options.program, verb, *words]
        done = subprocess.run(command, capture_output=True, text=True, cwd=cwd or self.folder,
                              env={**os.environ, **ENVIRONMENT}, timeout=patient(120))
        if done.returncode != status:
            raise Differs(f"{' '.join(command)}: exit status {done.returncode}, wanted {status}:"
                          f" {done.stderr.strip()[-600:]}")
        return done

    def partition(self, vis, name="out.mms", **given):
        """Runs partition with flagbackup and sync off and answers the output's path."""
        output = self.path(name)
        launch = {k: given.pop(k) for k in ("status", "mpi", "cwd") if k in given}
        jobs = given.pop("jobs", 0)
        off = {"flagbackup": False} if given.get("createmms", True) else {}
        words = [f"{k}={v}" for k, v in {"sync": False, **off, **given}.items()]
        self.done = self.run(f"vis={vis}", f"outputvis={output}", *words,
                             *([f"-j{jobs}"] if jobs else []), **launch)
        return output

    def plain(self, vis, name="plain.ms", **given):
        return self.partition(vis, name, createmms=False, **given)

    def plan(self, vis, **given):
        """The plan of a dry run."""
        words = [f"{k}={v}" for k, v in given.items()]
        done = self.run(f"vis={vis}", f"outputvis={os.path.join(self.folder, 'no.mms')}",
                        *words, "--dryrun", "--json")
        return json.loads(done.stdout)["parts"]

    def refuse(self, vis, status, text, **given):
        """Demands a refusal that names what is wrong and leaves nothing."""
        before = set(os.listdir(self.folder))
        output = os.path.join(self.folder, given.pop("outputvis", "refused.mms"))
        done = self.run(f"vis={vis}", f"outputvis={output}",
                        *(f"{k}={v}" for k, v in given.items()), status=status)
        demand(text.lower() in done.stderr.lower(),
               f"{given}: {done.stderr.strip()!r} does not say {text!r}")
        check("folder after a refusal", set(os.listdir(self.folder)) - before, set())

    def finish(self):
        extra = set(os.listdir(self.folder)) - self.known
        check("left behind", extra, set())
        for path, before in self.inputs.items():
            check(f"files of {path}", snapshot(path), before)


def main(description, extra=None):
    """Runs the registered cases and ends.  Exit status 1: one failed; 77: all were skipped."""
    parser.description = description
    for name in ("data", "shared"):
        parser.add_argument("--" + name, required=True, type=os.path.abspath)
    parser.add_argument("--only", default="", help="regular expression on names and numbers")
    if extra:
        extra(parser)
    rest, options = program_case.parse(), program_case.args
    options.program, options.scratch = map(os.path.abspath, (options.program, options.scratch))
    for name, test in list(vars(Cases).items()):
        if name.startswith("test_") and not any(re.search(options.only, word) for word in test.__doc__.split()):
            delattr(Cases, name)
    run_cases(__name__, [sys.argv[0], "-v", *rest])


def make_ms(options):
    path = os.path.join(options.shared, "oracle", "make_ms.py")
    if not os.path.isfile(path):
        raise Skipped("make_ms.py is not here")
    spec = importlib.util.spec_from_file_location("make_ms", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# ---- files -------------------------------------------------------------------------------

def snapshot(path):
    """Every file with its size and time of change.  Lock files count by name alone, and those
    that other readers of a shared set make are none of ours."""
    files = {}
    for folder, _, names in os.walk(path):
        for name in names:
            full = os.path.join(folder, name)
            info = os.lstat(full)
            if name != "table.lock":
                files[os.path.relpath(full, path)] = (info.st_size, info.st_mtime_ns)
    return files


def strict_snapshot(path):
    """Every file and folder, lock files included, with content, mode and time of change."""
    files = {}
    for folder, folders, names in os.walk(path):
        for name in [*folders, *names]:
            full = os.path.join(folder, name)
            info = os.lstat(full)
            content = digest(full) if os.path.isfile(full) else ""
            files[os.path.relpath(full, path)] = (info.st_mode, info.st_mtime_ns, content)
    return files


def digest(path):
    with open(path, "rb") as f:
        return hashlib.sha256(f.read()).hexdigest()


def fingerprint(path):
    """Digests of all files of an output but those that hold the time of the run."""
    answer = {}
    for folder, folders, names in os.walk(path):
        folders[:] = [f for f in folders if f != "HISTORY"]
        for name in [*folders, *names]:
            full = os.path.join(folder, name)
            if os.path.islink(full):
                answer[os.path.relpath(full, path)] = os.readlink(full)
            elif os.path.isfile(full) and name != "table.lock":
                answer[os.path.relpath(full, path)] = digest(full)
    return answer


def members(mms):
    submss = os.path.join(mms, "SUBMSS")
    return [os.path.join(submss, name) for name in sorted(os.listdir(submss))]


def axis_type(path):
    with open(os.path.join(path, "table.info")) as f:
        found = re.findall(r"^AxisType = (.*)$", f.read(), re.M)
    return found[0] if found else None


# ---- reading -----------------------------------------------------------------------------

def opened(path, **keys):
    return ct.table(path, ack=False, **keys)


def get(path, name, table=""):
    """A whole column of a table, or of one of its sub-tables by path, as a list."""
    t = opened(os.path.join(path, table) if table else path)
    values = t.getcol(name)
    t.close()
    return values.tolist() if isinstance(values, np.ndarray) else list(values)


def unique(path, name):
    return sorted(set(get(path, name)))


def count(path, table=""):
    t = opened(os.path.join(path, table) if table else path)
    n = t.nrows()
    t.close()
    return n


def rows_by(path, *names):
    """{value or tuple of values: rows} of scalar columns."""
    columns = [get(path, name) for name in names]
    counts = {}
    for key in zip(*columns):
        key = key[0] if len(names) == 1 else key
        counts[key] = counts.get(key, 0) + 1
    return counts


def spws_by_scan(path):
    """{scan: sorted spws of its rows}, through the set's own DATA_DESCRIPTION."""
    spw_of = get(path, "SPECTRAL_WINDOW_ID", "DATA_DESCRIPTION")
    answer = {}
    for scan, ddid in rows_by(path, "SCAN_NUMBER", "DATA_DESC_ID"):
        answer.setdefault(scan, set()).add(spw_of[ddid])
    return {scan: sorted(spws) for scan, spws in answer.items()}


def selected(path, **wanted):
    """Numbers of the rows whose ids are among the wanted ones."""
    t = opened(path)
    keep = np.ones(t.nrows(), bool)
    for column, ids in wanted.items():
        keep &= np.isin(t.getcol(column), ids)
    t.close()
    return np.flatnonzero(keep)


def date(mjd_seconds):
    when = datetime.datetime(1858, 11, 17) + datetime.timedelta(seconds=mjd_seconds)
    return when.strftime("%Y/%m/%d/%H:%M:%S.%f")


def cell(t, name, row):
    """One cell as an array, None where it is not defined."""
    if not t.iscelldefined(name, row):
        return None
    value = t.getcell(name, row)
    if isinstance(value, dict) and set(value) == {"array", "shape"}:
        value = np.reshape(value["array"], value["shape"])
    return np.asarray(repr(value) if isinstance(value, dict) else value)


def is_uniform(t, name):
    """Whether all cells are there and of one shape: getcol overruns its buffer otherwise."""
    if t.isscalarcol(name):
        return True
    try:
        return len(set(t.getcolshapestring(name))) == 1
    except RuntimeError:
        return False


def values(t, name):
    """A whole column: one array, or a list of cells where shapes differ or cells are missing."""
    if t.nrows() and is_uniform(t, name):
        try:
            whole = t.getcol(name)
            if not isinstance(whole, dict):
                return np.asarray(whole)
        except RuntimeError:  # records
            pass
    return [cell(t, name, row) for row in range(t.nrows())]


def same(a, b):
    """Bit for bit: NaN equals the same NaN, and 0.0 is not -0.0."""
    if a is None or b is None:
        return a is b
    a, b = np.asarray(a), np.asarray(b)
    if a.shape != b.shape or a.dtype.kind != b.dtype.kind:
        return False
    if a.dtype.kind in "US":
        return bool(np.all(a == b))
    return a.dtype == b.dtype and a.tobytes() == b.tobytes()


def brief(value):
    if value is None:
        return "no cell"
    value = np.asarray(value)
    return f"{value.dtype} {value.shape} {value.ravel()[:4].tolist()}"


def compare_column(name, a, b):
    """Two columns whose rows correspond."""
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray) and same(a, b):
        return
    check(f"{name}: rows", len(b), len(a))
    for row in range(len(a)):
        demand(same(a[row], b[row]), f"{name} row {row}: {brief(b[row])}, wanted {brief(a[row])}")


# ---- comparing sets ----------------------------------------------------------------------

def subtables(path):
    """{keyword: path} of the sub-tables that are on disk."""
    t = opened(path)
    found = {}
    for name in t.keywordnames():
        value = t.getkeyword(name)
        if isinstance(value, str) and value.startswith("Table: ") and name != "SORTED_TABLE":
            place = value[len("Table: "):]
            if os.path.exists(os.path.join(place, "table.dat")):
                found[name] = place
    t.close()
    return found


def compare_subtable(name, a, b, rows=None):
    """Two sub-tables row for row; rows: how many of both."""
    ta, tb = opened(a), opened(b)
    if rows is None:
        check(f"{name}: rows", tb.nrows(), ta.nrows())
    check(f"{name}: columns", sorted(tb.colnames()), sorted(ta.colnames()))
    for column in ta.colnames():
        va, vb = values(ta, column), values(tb, column)
        compare_column(f"{name}.{column}", va[:rows], vb[:rows])
        check(f"{name}.{column}: keywords", repr(tb.getcolkeywords(column)),
              repr(ta.getcolkeywords(column)))
    ta.close()
    tb.close()


def compare_subtables(a, b, skip=(), empty=("SOURCE", "POINTING")):
    """All sub-tables row for row; of HISTORY the rows that A has.  An absent one of `empty` in A
    is an empty one in B."""
    sa, sb = subtables(a), subtables(b)
    for name in empty:
        if name not in sa and name in sb:
            check(f"{name}: rows", count(sb.pop(name)), 0)
    check("sub-tables", sorted(sb), sorted(sa))
    for name in sa:
        if name not in skip:
            compare_subtable(name, sa[name], sb[name], count(sa[name]) if name == "HISTORY" else None)


def key_columns(t, ids, rows=None):
    """Columns that tell rows apart; ids: {column: list, output id -> input id}."""
    keys = []
    for name in KEYS:
        column = t.getcol(name)
        if rows is not None:
            column = column[rows]
        if name in ids:
            column = np.asarray(ids[name])[column]
        keys.append(column)
    return keys


def match(ti, to, rows, ids):
    """For each output row its input row; equal keys correspond in the order of storage."""
    ki, ko = key_columns(ti, {}, rows), key_columns(to, ids)
    check("rows", len(ko[0]), len(ki[0]))
    oi, oo = np.lexsort(ki[::-1]), np.lexsort(ko[::-1])
    for name, a, b in zip(KEYS, ki, ko):
        demand(np.array_equal(a[oi], b[oo]), f"{name}: the rows of the two sets differ")
    found = np.empty(len(oo), np.int64)
    found[oo] = np.arange(len(ki[0]))[oi] if rows is None else np.asarray(rows)[oi]
    return found


def cut_cell(name, value, cut):
    """The selected channels and correlations of one cell (casacore's last axis comes first)."""
    if value is None:
        return None
    channels, correlations = cut
    if name in PER_CHANNEL:
        value = value[..., channels, :] if channels is not None else value
        return value[..., correlations] if correlations is not None else value
    if name in PER_CORRELATION and correlations is not None:
        return value[..., correlations]
    return value


def rows_in_order(path, found):
    """Rows keep the input's order inside each part."""
    first = 0
    parts = members(path) if os.path.isdir(os.path.join(path, "SUBMSS")) else [path]
    for part in parts:
        n = count(part)
        demand(np.all(np.diff(found[first:first + n]) > 0),
               f"{os.path.basename(part)}: rows are not in the input's order")
        first += n
    check("rows of all parts", first, len(found))


def compare_main(source, output, rows=None, ids={}, cuts={}, names={}, derived={}, ordered=True,
                 keywords=True):
    """Every cell of the output's main table with the source's.
    rows: the selected input rows; ids: {column: input ids in output order}; cuts: {input DDID:
    (channels, correlations)}; names: {output column: input column}, None leaves a column out;
    derived: {output column: function of a dict of the input's cut cells}."""
    ti, to = opened(source), opened(output)
    found = match(ti, to, rows, ids)
    if ordered:
        rows_in_order(output, found)
    origin = {name: name for name in ti.colnames()}
    origin.update(names)
    origin = {name: old for name, old in origin.items() if old}
    check("columns", sorted(to.colnames()), sorted(origin))
    ddids = ti.getcol("DATA_DESC_ID")[found]
    for name in set(to.colnames()) - set(names) if keywords else ():
        check(f"{name}: keywords", repr(to.getcolkeywords(name)), repr(ti.getcolkeywords(name)))
    for name, old in origin.items():
        got = values(to, name)
        if name in ids:
            got = np.asarray(ids[name], got.dtype)[got]
        if name in derived:
            compare_derived(ti, name, got, found, ddids, cuts, derived[name])
            continue
        want = values(ti, old)
        want = want[found] if isinstance(want, np.ndarray) else [want[row] for row in found]
        if cuts and (name in PER_CHANNEL or name in PER_CORRELATION):
            want = [cut_cell(name, w, cuts[d]) for w, d in zip(want, ddids)]
        compare_column(name, want, got)
    ti.close()
    to.close()


def compare_derived(ti, name, got, found, ddids, cuts, formula):
    for row, (source, ddid) in enumerate(zip(found, ddids)):
        cells = {c: cut_cell(c, cell(ti, c, int(source)), cuts.get(ddid, (None, None)))
                 for c in ("WEIGHT", "SIGMA", "WEIGHT_SPECTRUM", "SIGMA_SPECTRUM")
                 if c in ti.colnames()}
        demand(same(got[row], formula(cells)),
               f"{name} row {row}: {brief(got[row])}, wanted {brief(formula(cells))}")


def sums(path):
    """Row count and sums of the scalar columns: what any reader sees first."""
    t = opened(path)
    answer = {"rows": t.nrows()}
    for name in ("SCAN_NUMBER", "DATA_DESC_ID", "ANTENNA1", "ANTENNA2", "FIELD_ID", "STATE_ID"):
        answer[name] = int(t.getcol(name).astype(np.int64).sum())
    t.close()
    return answer


# ---- structure of a Multi-MS -------------------------------------------------------------

def links_of(path):
    return {name: os.readlink(os.path.join(path, name)) for name in os.listdir(path)
            if os.path.islink(os.path.join(path, name))}


def no_dangling_links(path):
    for folder, folders, names in os.walk(path):
        for name in [*folders, *names]:
            full = os.path.join(folder, name)
            demand(os.path.exists(full), f"{full} is a link to nowhere")


def compare_links(mms, profile="seed"):
    """The links of multi-ms 1.6, exactly."""
    parts = members(mms)
    first = os.path.basename(parts[0])
    names = set(subtables(parts[0]))
    check("links of the reference", links_of(mms),
          {name: f"SUBMSS/{first}/{name}" for name in names})
    check("links of the first part", links_of(parts[0]), {})
    linked = names & LINKED["seed"] if profile == "seed" else names - COPIED
    for part in parts[1:]:
        check(f"links of {os.path.basename(part)}", links_of(part),
              {name: f"../{first}/{name}" for name in linked})
        check(f"sub-tables of {os.path.basename(part)}", set(subtables(part)), names)


def reference_files(mms):
    """The reference has no data files and no lock; its table.dat is a ConcatTable."""
    check("files of the reference",
          sorted(n for n in os.listdir(mms) if not os.path.islink(os.path.join(mms, n))),
          ["SUBMSS", "table.dat", "table.info"])
    with open(os.path.join(mms, "table.dat"), "rb") as f:
        demand(f.read(44)[33:44] == b"ConcatTable", "table.dat is of another kind")


def check_structure(mms, axis, profile="seed", naming="short"):
    """The end state of multi-ms 1.1-1.6 and 3.4."""
    base = os.path.basename(mms)
    base = base if naming == "full" else os.path.splitext(base)[0] or base
    parts = members(mms)
    check("names of the parts", [os.path.basename(p) for p in parts],
          [f"{base}.{i:04d}.ms" for i in range(len(parts))])
    reference_files(mms)
    check("AxisType", axis_type(mms), axis)
    t = opened(mms)
    check("members in table.dat", [os.path.realpath(p) for p in t.partnames()],
          [os.path.realpath(p) for p in parts])
    check("rows", t.nrows(), sum(count(p) for p in parts))
    t.close()
    no_dangling_links(mms)
    compare_links(mms, profile)
    shown = subtables(mms)
    for part in parts[1:]:
        for name, place in subtables(part).items():
            if not os.path.islink(os.path.join(part, name)):
                # the client's HISTORY rows go to the first part alone
                rows = count(place) if name == "HISTORY" else None
                compare_subtable(name, place, shown[name], rows)


def check_ids(path):
    """Ids of the main table exist in the sub-tables of the same set."""
    tables = {"DATA_DESC_ID": "DATA_DESCRIPTION", "FIELD_ID": "FIELD", "ANTENNA1": "ANTENNA",
              "ANTENNA2": "ANTENNA", "OBSERVATION_ID": "OBSERVATION"}
    places = subtables(path)
    for column, name in tables.items():
        ids, n = unique(path, column), count(places[name])
        demand(not ids or (ids[0] >= 0 and ids[-1] < n), f"{path}: {column} {ids}, {name} has {n}")
    for name, of in (("SPECTRAL_WINDOW_ID", "SPECTRAL_WINDOW"),
                     ("POLARIZATION_ID", "POLARIZATION")):
        ids = unique(places["DATA_DESCRIPTION"], name)
        demand(ids[-1] < count(places[of]), f"{path}: {name} {ids}")
