# SPDX-License-Identifier: LGPL-2.1-or-later
"""MeasurementSets whose columns are stored in random ways, and a reader that gives every cell as
bytes.  casacore writes and reads all of it."""
import os
import shutil
import subprocess

import numpy as np
from casacore import tables as ct

from machine import patient

CHANNELS = [1, 2, 3, 4, 5, 7, 8, 16, 31, 63, 64, 126]
CORRELATIONS = ["XX", "XX,YY", "XX,XY,YY", "4"]
EXTRA_TYPES = {"boolean": np.bool_, "uchar": np.uint8, "short": np.int16, "int": np.int32,
               "float": np.float32, "double": np.float64, "complex": np.complex64,
               "dcomplex": np.complex128}
TILED = ["TiledShapeStMan", "TiledColumnStMan", "TiledCellStMan"]


def opened(path, **how):
    return ct.table(path, ack=False, **how)


def cell(table, column, row):
    """Type, shape and bytes; None where nothing is stored."""
    if not table.iscelldefined(column, row):
        return None
    value = table.getcell(column, row)
    if isinstance(value, dict):
        value = (value["shape"], value["array"])
    if not isinstance(value, np.ndarray):
        return repr(value)
    return value.dtype.str, value.shape, value.tobytes()


def cells(path, columns=None):
    """{column: [cell of each row]} of the main table, read cell by cell."""
    table = opened(path)
    found = {c: [cell(table, c, r) for r in range(table.nrows())]
             for c in sorted(columns or table.colnames())}
    table.close()
    return found


def random_bits(rng, dtype, shape):
    """Any bits at all: NaNs, infinities, and numbers of all sizes."""
    if dtype is np.bool_:
        return rng.random(shape) < rng.choice([0.0, 0.1, 0.5, 1.0])
    n = int(np.prod(shape))
    return np.frombuffer(rng.bytes(n * np.dtype(dtype).itemsize), dtype).reshape(shape).copy()


class Layout:
    """One MS with random sizes, made at path from a number."""

    def __init__(self, program, folder, number):
        self.rng = np.random.default_rng([20261121, number])
        self.scalar_rng = np.random.default_rng([20261122, number])
        self.folder, self.program = folder, program
        self.path = os.path.join(folder, "in.ms")
        self.endian = self.pick("little", "big")
        self.simulate()
        self.describe()
        self.place_columns()
        self.place_scalars()
        self.write()

    def pick(self, *options):
        return options[int(self.rng.integers(len(options)))]

    def some(self, low, high):
        """A number from low to high."""
        return int(self.rng.integers(low, high + 1))

    def chance(self, p):
        return bool(self.rng.random() < p)

    # ---- what is in it

    def simulate(self):
        large = self.chance(0.15)  # long enough for copies of whole runs of bytes
        self.nspw = self.some(1, 3)
        self.uniform = self.chance(0.5)
        few = CHANNELS[-3:] if large else CHANNELS
        self.channels = [self.pick(*few)] * self.nspw if self.uniform else \
            [self.pick(*few) for _ in range(self.nspw)]
        self.correlations = self.pick(*CORRELATIONS)
        self.base = os.path.join(self.folder, "base.ms")
        optional = [w for w in ("corrected", "model", "wtspectrum", "sigmaspectrum", "floatdata")
                    if self.chance(0.3)]
        words = [f"antennas={self.some(2, 5)}", f"scans={self.some(1, 3)}", f"spws={self.nspw}",
                 f"channels={','.join(map(str, self.channels))}",
                 f"correlations={self.correlations}",
                 f"integrations={self.some(10, 20) if large else self.some(1, 7)}",
                 f"order={self.pick('time', 'spw')}", f"flags={self.pick(0, 0.3)}",
                 f"seed={self.some(0, 999)}", *(f"{w}=True" for w in optional)]
        subprocess.run([self.program, "simulate", self.base, *words, "--no-sync", "-q"], check=True,
                       stdout=subprocess.DEVNULL, timeout=patient(120))

    def describe(self):
        """Take the simulated description and values; add columns of our own."""
        base = opened(self.base)
        self.nrow = base.nrows()
        self.desc = {k: v for k, v in base.getdesc().items() if k[0] != "_"}
        self.keywords = base.getkeywords()
        self.scalars = {c: base.getcol(c) for c in base.colnames() if base.isscalarcol(c)}
        self.values = {c: [base.getcell(c, r) if base.iscelldefined(c, r) else None
                           for r in range(self.nrow)]
                       for c in base.colnames() if not base.isscalarcol(c)}
        base.close()
        for column in self.desc.values():
            column.pop("dataManagerType", None), column.pop("dataManagerGroup", None)
        self.desc["ROW"] = ct.makescacoldesc("ROW", 0)["desc"]
        self.scalars["ROW"] = np.arange(self.nrow, dtype=np.int32)
        for column in ("DATA", "CORRECTED_DATA", "MODEL_DATA"):
            if column in self.values:
                self.values[column] = [random_bits(self.rng, np.complex64, v.shape)
                                       for v in self.values[column]]
        for i in range(self.some(0, 3)):
            self.add_extra(f"EXTRA{i}")
        self.extra_scalars = []
        for i in range(int(self.scalar_rng.integers(5))):
            self.add_scalar(f"SCALAR{i}")
        if "WEIGHT_SPECTRUM" in self.values and self.chance(0.2):
            self.values["WEIGHT_SPECTRUM"] = [None] * self.nrow

    def add_extra(self, name):
        """A column that the standard does not know: any type, ragged, with cells left out."""
        kind = self.pick(*EXTRA_TYPES)
        ndim = self.some(1, 3)
        shapes = [tuple(self.some(1, 9) for _ in range(ndim)) for _ in range(self.some(1, 4))]
        if len(shapes) > 1 and self.chance(0.6):
            shapes.append(None)
        run = self.pick(1, 3, 20)  # rows of one shape
        at = [shapes[self.some(0, len(shapes) - 1)] for _ in range(self.nrow // run + 1)]
        if self.chance(0.2):
            at[len(at) // 2:] = [None] * len(at[len(at) // 2:])  # rows beyond the map
        self.values[name] = [None if at[r // run] is None else
                             random_bits(self.rng, EXTRA_TYPES[kind], at[r // run])
                             for r in range(self.nrow)]
        self.desc[name] = ct.makearrcoldesc(name, 0, valuetype=kind, ndim=ndim)["desc"]
        for key in ("dataManagerType", "dataManagerGroup"):
            self.desc[name].pop(key, None)

    def add_scalar(self, name):
        """A scalar column that the standard does not know, any type, the same for some rows."""
        kind = str(self.scalar_rng.choice([*EXTRA_TYPES, "string"]))
        run = int(self.scalar_rng.choice([1, 2, 15]))
        values = random_bits(self.scalar_rng, EXTRA_TYPES.get(kind, np.int16), (self.nrow,))
        values = values[np.arange(self.nrow) // run]
        self.scalars[name] = [str(v) * 3 for v in values] if kind == "string" else values
        self.desc[name] = ct.makescacoldesc(name, 0, valuetype=kind)["desc"]
        self.extra_scalars.append(name)

    # ---- how it is stored

    def shapes_of(self, column):
        return {None if v is None else v.shape for v in self.values[column]}

    def place_columns(self):
        """Give each column a manager, alone or with others of its cells' shapes."""
        self.managers, self.hypercolumns = {}, {}
        left = sorted(self.values)
        self.rng.shuffle(left)
        while left:
            first = left.pop()
            group = [first]
            for other in list(left):
                same = [None if v is None else v.shape for v in self.values[first]] == \
                       [None if v is None else v.shape for v in self.values[other]]
                if same and self.desc[other]["ndim"] == self.desc[first]["ndim"] and \
                        self.chance(0.35):
                    group.append(other)
                    left.remove(other)
            self.place(group)

    def place(self, group):
        shapes = self.shapes_of(group[0])
        fixed = len(shapes) == 1 and None not in shapes
        was_fixed = any(self.desc[c].get("option", 0) & 4 for c in group)
        kind = self.pick(*(TILED if fixed else ["TiledShapeStMan", "TiledShapeStMan", TILED[2]]))
        number = len(self.managers) + 2
        name = f"Manager{number}"
        if fixed and (kind == "TiledColumnStMan" or was_fixed or self.chance(0.3)):
            for c in group:
                self.desc[c].update(ndim=len(next(iter(shapes))), option=5,
                                    shape=np.array(next(iter(shapes)), np.int32), _c_order=True)
        spec = {}
        if kind != "TiledShapeStMan" or self.chance(0.8):
            spec["DEFAULTTILESHAPE"] = self.tile(kind, shapes)
        self.managers[f"*{number}"] = {"TYPE": kind, "NAME": name, "SEQNR": number, "SPEC": spec,
                                       "COLUMNS": list(group)}
        if self.chance(0.5):
            names = list(group)
            self.rng.shuffle(names)
            ndim = self.desc[group[0]]["ndim"] + (kind != "TiledCellStMan")
            self.hypercolumns[name] = {"HCndim": ndim, "HCdatanames": names}

    def tile(self, kind, shapes):
        """Rows last, as casacore counts: whole cells or parts of them."""
        known = [s for s in shapes if s]
        ndim = len(known[0]) if known else 2
        most = [max((s[ndim - 1 - i] for s in known), default=4) for i in range(ndim)]
        tile = [m if self.chance(0.5) else self.some(1, m) for m in most]
        if kind != "TiledCellStMan":
            tile.append(self.pick(1, 3, 5, 8, 13, 32, self.some(1, 64)))
        return np.array(tile, np.int32)

    def place_scalars(self):
        """Deal the scalars out among a few managers with buckets of any size."""
        rng = self.scalar_rng
        number = len(self.managers) + 2
        of = {c: int(rng.integers(1 + number % 4)) for c in sorted(self.scalars)}
        self.buckets = {}
        for i in sorted(set(of.values())):
            kind = str(rng.choice(["StandardStMan", "IncrementalStMan"]))
            size = int(rng.choice([200, 1000, 32768])) if kind[0] == "S" else \
                int(rng.choice([3000, 32768]))
            self.buckets[f"*{number + i}"] = {
                "TYPE": kind, "NAME": f"Scalars{i}", "SEQNR": number + i,
                "SPEC": {"BUCKETSIZE": size}, "COLUMNS": [c for c in of if of[c] == i]}

    def table_desc(self):
        desc = {name: dict(column) for name, column in self.desc.items()}
        for m in (*self.managers.values(), *self.buckets.values()):
            for c in m["COLUMNS"]:
                desc[c].update(dataManagerType=m["TYPE"], dataManagerGroup=m["NAME"])
        desc["_define_hypercolumn_"] = self.hypercolumns
        return desc

    def write(self):
        table = opened(self.path, tabledesc=self.table_desc(), nrow=self.nrow,
                       dminfo={**self.managers, **self.buckets}, endian=self.endian,
                       readonly=False)
        for name, values in self.scalars.items():
            table.putcol(name, values)
        shuffled = self.chance(0.3)  # cubes whose rows have another order than the table's
        for name, values in self.values.items():
            rows = np.arange(self.nrow)
            if shuffled:
                self.rng.shuffle(rows)
            for row in rows:
                if values[row] is not None:
                    table.putcell(name, int(row), values[row])
        self.link_subtables(table)
        table.close()
        shutil.rmtree(self.base)
        self.stored = cells(self.path)

    def link_subtables(self, table):
        for name, value in self.keywords.items():
            if isinstance(value, str) and value.startswith("Table: "):
                shutil.copytree(value[7:], os.path.join(self.path, name))
                table.putkeyword(name, "Table: " + os.path.join(self.path, name))
            else:
                table.putkeyword(name, value)
        table.putinfo({"type": "Measurement Set", "subType": "", "readme": ""})

    def __str__(self):
        managers = "; ".join(
            f"{m['TYPE']} {m['COLUMNS']} tile {list(m['SPEC'].get('DEFAULTTILESHAPE', []))}"
            for m in self.managers.values())
        managers += "; " + "; ".join(f"{m['TYPE']} {m['COLUMNS']} buckets {m['SPEC']['BUCKETSIZE']}"
                                     for m in self.buckets.values())
        return (f"{self.nrow} rows, {self.endian} endian, channels {self.channels}, "
                f"correlations {self.correlations}; {managers}; {self.hypercolumns}")
