# SPDX-License-Identifier: LGPL-2.1-or-later
"""info of one set, and of Multi-MSs made of it, against what python-casacore reads in the input;
with --casa also against CASA's listobs, of a copy without missing sub-tables.
Skipped where CASA is asked for and not installed."""
import json
import math
import os
import shutil
import subprocess

import numpy
from casacore.tables import table

import program_case
from program_case import ProgramCase, parser

CORRS = {5: "RR", 6: "RL", 7: "LR", 8: "LL", 9: "XX", 10: "XY", 11: "YX", 12: "YY"}
FRAMES = ["REST", "LSRK", "LSRD", "BARY", "GEO", "TOPO"]
LISTOBS = """
import json, sys
from casatasks import listobs
def plain(v):
    if isinstance(v, dict):
        return {str(k): plain(x) for k, x in v.items()}
    return v.tolist() if hasattr(v, "tolist") else v
json.dump(plain(listobs(vis=sys.argv[1], listfile=sys.argv[2], overwrite=True)), open(sys.argv[3], "w"))
"""


class Contents(ProgramCase):
    def setUp(self):
        super().setUp()
        self.source = os.path.join(program_case.args.data, program_case.args.set)

    def check(self, name, have, want, tolerance=0.0):
        """One of many things that a test looks at; those after it are looked at, too."""
        good = (numpy.allclose(have, want, rtol=tolerance, atol=tolerance) if tolerance
                else have == want)
        with self.subTest(name):
            self.assertTrue(good, f"{str(have)[:500]}, not {str(want)[:500]}")

    def info(self, path, *words):
        return json.loads(self.multims("info", path, "--json", "--quiet", *words).stdout)

    def test_contents(self):
        args = program_case.args
        if args.casa and not os.path.exists(os.path.join(args.casa, "complete")):
            self.skipTest("no CASA")
        if args.casa:
            check_listobs(self, self.source, self.folder)
            return
        info = self.info(self.source)
        check_rows(self, info, self.source)
        check_tables(self, info, self.source)
        check_cells(self, info, self.source)
        check_parts(self, info, self.source, self.folder)


def rows_of(path, name):
    with table(os.path.join(path, name), ack=False) as t:
        return [t[i] for i in range(t.nrows())] if t.nrows() else []


def check_rows(case, i, path):
    """What the main table holds, scan by scan."""
    dds = rows_of(path, "DATA_DESCRIPTION")
    states = rows_of(path, "STATE")
    with table(path, ack=False) as t:
        case.check("rows", i["rows"], t.nrows())
        case.check("columns", sorted(c["name"] for c in i["columns"]), sorted(t.colnames()))
        time, half = t.getcol("TIME"), t.getcol("INTERVAL") / 2
        col = {n: t.getcol(n) for n in ("SCAN_NUMBER", "FIELD_ID", "STATE_ID", "DATA_DESC_ID",
                                        "ARRAY_ID", "OBSERVATION_ID", "ANTENNA1", "ANTENNA2")}
    case.check("begin", i["begin"], (time - half).min())
    case.check("end", i["end"], (time + half).max())
    keys = sorted(set(zip(col["OBSERVATION_ID"], col["ARRAY_ID"], col["SCAN_NUMBER"])))
    case.check("scans", [(s["observation"], s["array"], s["scan"]) for s in i["scans"]], keys)
    for scan, key in zip(i["scans"], keys):
        mask = ((col["OBSERVATION_ID"] == key[0]) & (col["ARRAY_ID"] == key[1]) &
                (col["SCAN_NUMBER"] == key[2]))
        name = f"scan {key[2]}: "
        ids = sorted(set(col["STATE_ID"][mask]))
        modes = [m for k in ids if 0 <= k < len(states) for m in states[k]["OBS_MODE"].split(",")]
        case.check(name + "rows", scan["rows"], mask.sum())
        case.check(name + "begin", scan["begin"], (time - half)[mask].min())
        case.check(name + "end", scan["end"], (time + half)[mask].max())
        case.check(name + "exposure", scan["exposure"], 2 * half[mask].sum(), 1e-12)
        case.check(name + "fields", scan["fields"], sorted(set(col["FIELD_ID"][mask])))
        case.check(name + "spws", scan["spws"], sorted(
            {dds[d]["SPECTRAL_WINDOW_ID"] for d in set(col["DATA_DESC_ID"][mask])}))
        case.check(name + "intents", sorted(scan["intents"]), sorted(set(filter(None, modes))))
    used = set(col["ANTENNA1"]) | set(col["ANTENNA2"])
    case.check("antennas with rows", [a["id"] for a in i["antennas"] if a["used"]], sorted(used))
    for k, field in enumerate(i["fields"]):
        case.check(f"field {k}: rows", field["rows"], (col["FIELD_ID"] == k).sum())
        case.check(f"field {k}: scans", field.get("scans", []),
                   sorted(set(col["SCAN_NUMBER"][col["FIELD_ID"] == k])))
    for k, spw in enumerate(i["spws"]):
        own = [d for d, row in enumerate(dds) if row["SPECTRAL_WINDOW_ID"] == k]
        case.check(f"spw {k}: rows", spw["rows"], numpy.isin(col["DATA_DESC_ID"], own).sum())


def check_tables(case, i, path):
    """What the sub-tables hold."""
    for row, have in zip(rows_of(path, "FIELD"), i["fields"]):
        case.check("field name, code, source", [have["name"], have["code"], have["source"]],
                   [row["NAME"], row["CODE"], row["SOURCE_ID"]])
        case.check("field direction", have["direction"], list(row["PHASE_DIR"][0]))
        case.check("field frame", have["frame"], "J2000")
    for row, have in zip(rows_of(path, "SPECTRAL_WINDOW"), i["spws"]):
        freq, width = row["CHAN_FREQ"], row["CHAN_WIDTH"]
        case.check("spw", [have["name"], have["channels"], have["frame"], have["first_hz"],
                           have["last_hz"], have["width_hz"], have["bandwidth_hz"]],
                   [row["NAME"], len(freq), FRAMES[row["MEAS_FREQ_REF"]], freq[0], freq[-1],
                    width[0], row["TOTAL_BANDWIDTH"]])
        case.check("spw centre", have["centre_hz"], (freq[0] + freq[-1]) / 2, 1e-12)
    dds, polarizations = rows_of(path, "DATA_DESCRIPTION"), rows_of(path, "POLARIZATION")
    for k, have in enumerate(i["spws"]):
        types = [c for d in dds if d["SPECTRAL_WINDOW_ID"] == k
                 for c in polarizations[d["POLARIZATION_ID"]]["CORR_TYPE"]]
        case.check(f"spw {k}: corrs", have.get("corrs", []), [CORRS[c] for c in
                                                              dict.fromkeys(types)])
    for row, have in zip(rows_of(path, "ANTENNA"), i["antennas"]):
        case.check("antenna", [have["name"], have["station"], have["diameter_m"],
                               have["position_m"]],
                   [row["NAME"], row["STATION"], row["DISH_DIAMETER"], list(row["POSITION"])])
    for row, have in zip(rows_of(path, "OBSERVATION"), i["observations"]):
        case.check("observation", [have["telescope"], have["observer"], have["project"]],
                   [row["TELESCOPE_NAME"], row["OBSERVER"], row["PROJECT"]])
    for t in i["subtables"]:
        with table(os.path.join(path, t["name"]), ack=False) as sub:
            case.check(f"rows of {t['name']}", t["rows"], sub.nrows())
    for name, key in (("FIELD", "fields"), ("ANTENNA", "antennas"), ("SPECTRAL_WINDOW", "spws")):
        case.check(f"all of {name}", len(i[key]), len(rows_of(path, name)))


def check_cells(case, i, path):
    with table(path, ack=False) as t:
        for column in i["columns"]:
            name = column["name"]
            case.check(f"{name} is an array", "cells" in column, not t.isscalarcol(name))
            if "cells" not in column:
                continue
            want = [list(t.getcell(name, r).shape) if t.iscelldefined(name, r) else []
                    for r in (0, t.nrows() - 1)]
            case.check(f"cells of {name}", column["cells"],
                       want[:1] if want[0] == want[1] else want)


def without_sizes(info):
    """What is set aside on the disk for a file may change after it was written."""
    return {**info, "bytes": 0, "parts": [{**p, "bytes": 0} for p in info["parts"]]}


def check_parts(case, whole, source, scratch):
    """A Multi-MS says of the rows what its source says, for any number of workers."""
    keys = ("rows", "begin", "end", "fields", "spws", "antennas", "observations", "polarizations")
    for axis in "scan", "spw", "baseline":
        path = os.path.join(scratch, f"{axis}.mms")
        case.multims("partition", source, path, f"separationaxis={axis}", "numsubms=3", "--quiet",
                     "--no-sync", "flagbackup=False")
        have = case.info(path, "-j", "1")
        case.check(f"{axis}: kind, axis", [have["kind"], have["axis"]], ["Multi-MS", axis])
        for key in keys:
            case.check(f"{axis}: {key}", have[key], whole[key])
        for a, b in zip(have["scans"], whole["scans"]):
            case.check(f"{axis}: exposure", a.pop("exposure"), b["exposure"], 1e-12)
            case.check(f"{axis}: scan", a, {k: v for k, v in b.items() if k != "exposure"})
        parts = os.path.join(path, "SUBMSS")
        case.check(f"{axis}: parts", sorted(p["name"] for p in have["parts"]),
                   sorted(n for n in os.listdir(parts) if n.endswith(".ms")))
        for part in have["parts"]:
            with table(os.path.join(parts, part["name"]), ack=False) as t:
                case.check(f"{axis}: rows of {part['name']}", part["rows"], t.nrows())
        case.check(f"{axis}: workers", without_sizes(case.info(path, "-j", "3")),
                   without_sizes(case.info(path, "-j", "1")))
        shutil.rmtree(path)


def check_listobs(case, source, scratch):
    """CASA's own listing, by its dictionary and by the numbers in its text."""
    path, text, answer = (os.path.join(scratch, n) for n in ("copy.ms", "text", "answer"))
    case.multims("partition", source, path, "createmms=False", "--quiet", "--no-sync")
    have = case.info(path)
    script = os.path.join(scratch, "listobs.py")
    with open(script, "w") as file:
        file.write(LISTOBS)
    subprocess.run([os.path.join(program_case.args.oracle, "casa"), program_case.args.casa, script, path, text,
                    answer], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                   cwd=scratch, timeout=300)
    with open(answer) as file:
        casa = json.load(file)
    case.check("listobs: rows", have["rows"], casa["numrecords"])
    case.check("listobs: time frame", have["time_frame"] or "UTC", casa["timeref"])
    case.check("listobs: begin", have["begin"] / 86400, casa["BeginTime"], 1e-12)
    case.check("listobs: end", have["end"] / 86400, casa["EndTime"], 1e-12)
    for field in have["fields"]:
        if not field["rows"]:
            continue
        want = casa[f"field_{field['id']}"]
        turn = 2 * math.pi
        case.check("listobs: field", [field["name"], field["frame"]],
                   [want["name"], want["direction"]["refer"]])
        case.check("listobs: direction",
                   [field["direction"][0] % turn, field["direction"][1]],
                   [want["direction"]["m0"]["value"] % turn, want["direction"]["m1"]["value"]],
                   1e-12)
    for scan in have["scans"]:
        subs = casa[f"scan_{scan['scan']}"].values()
        case.check("listobs: scan rows", scan["rows"], sum(s["nRow"] for s in subs))
        case.check("listobs: scan spws", scan["spws"],
                   sorted({k for s in subs for k in s["SpwIds"]}))
        case.check("listobs: scan fields", scan["fields"], sorted({s["FieldId"] for s in subs}))
        case.check("listobs: scan times", [scan["begin"] / 86400, scan["end"] / 86400],
                   [min(s["BeginTime"] for s in subs), max(s["EndTime"] for s in subs)], 1e-9)
    with open(text) as file:
        listing = file.read()
    shown = case.multims("info", path, "-v").stdout
    for spw in have["spws"]:
        if spw["rows"]:
            mhz = spw["first_hz"] / 1e6
            case.check(f"listobs: {mhz} MHz", f"{mhz:.3f}" in listing and f"{mhz:.6f}" in shown, True)
    for field in have["fields"]:
        if field["rows"]:
            line = next(x for x in listing.splitlines() if x.split()[:1] == [str(field["id"])]
                        and field["name"] in x and " J2000 " in x)
            ra, dec = line.split(" J2000 ")[0].split()[-2:]
            own = next(x for x in shown.splitlines() if f"  {field['name']}  " in x and "J2000" in x)
            case.check("listobs: position", all(v in own for v in (ra[:11], dec[:9])), True)


for name in "set", "data":
    parser.add_argument("--" + name, required=True)
parser.add_argument("--casa", default="")
parser.add_argument("--oracle", default="")
program_case.main()
