# SPDX-License-Identifier: LGPL-2.1-or-later
"""Which folder includes what: an arrow in the wrong direction fails (docs/design/architecture.md).

usage: check_includes.py PROJECT
"""
import pathlib
import re
import sys

# The headers of each folder of lib that other folders may include: public ones, and those of lib whose
# name does not end in _priv.
OWN = {
    "base": {"base", "value", "log"},
    "tables": {"taql"},
    "tiles": set(),
    "buckets": set(),
    "mms": {"layout"},
    "ms": {"columns", "meta", "select", "select_flagged", "select_value", "block", "model", "ms", "ms_meta", "rows", "shared"},
    "subtables": {"subtables", "flag_cmd"},
    "check": {"check", "contents", "verify_pieces"},
    "simulate": {"simulate"},
    "bench": {"bench"},
    "plan": {"plan", "decide"},
    "transform": {"transform", "spectra", "regrid", "continuum", "continuum_sums", "phaseshift", "statwt"},
    "flag": {"flag"},
    "calibrate": {"calibrate"},
    "pipeline": set(),
    "engine": {"engine", "client", "stage", "stop", "journal", "program"},
    "output": set(),
    "hdf5": set(),
    "uvh5": set(),
    "inplace": {"inplace"},
    "task": {"task", "parts"},
}

# What each may include beside base's and its own; task may include everything.
ALSO = {
    "ms": OWN["calibrate"],
    "subtables": OWN["mms"] | OWN["ms"],
    "check": OWN["mms"] | OWN["ms"] | OWN["subtables"],
    "bench": {"simulate"} | OWN["engine"],
    "simulate": {"columns"},
    "plan": {"meta", "select", "block"},
    "transform": {"meta", "select", "block", "columns"},
    "pipeline": OWN["ms"] | OWN["transform"],
    "inplace": OWN["mms"] | OWN["ms"] | OWN["flag"] | OWN["calibrate"] | OWN["engine"] | {"statwt", "subtables", "taql"},
    "output": OWN["mms"] | OWN["ms"] | OWN["subtables"] | OWN["plan"] | OWN["transform"] | OWN["engine"],
    "uvh5": OWN["mms"] | OWN["ms"] | OWN["engine"] | {"check"},
}

# Private headers of other folders: base's are everybody's.
PRIVATE = {
    "ms": {"tables", "tiles", "buckets", "mms"},
    "subtables": {"tables", "ms", "mms"},
    "check": {"tables/reading_priv.h", "ms", "mms"},
    "simulate": {"tables"},
    "pipeline": {"transform", "ms"},
    "output": {"pipeline", "transform", "ms/rowlist_priv.h", "ms/subtable_set_priv.h"},
    "uvh5": {"hdf5", "ms", "tables", "output", "check", "pipeline/record_sort_priv.h"},
    "task": {"output", "uvh5", "engine/engine_priv.h", "engine/text_order_priv.h"},
    "inplace": {"tables", "ms", "mms/concat_priv.h"},
}

# Outside headers that only these files may include, first match counts.
OUTSIDE = [
    (r"mpi\.h$", r"lib/engine/mpi\.c$"),
    (r"casacore/", r"lib/tables/|tests/integration/tiles/|tests/unit/test_names\.cpp$"),  # the tests' own judges
    (r"(hdf5|erfa).*\.h$", r"lib/hdf5/"),
    (r"histedit\.h$", r"lib/task/console_edit\.c$"),
    (r"jansson\.h$", r"(lib|tests|include/multims)/"),
]


def public_is_allowed(folder, header):
    return folder == "task" or header in OWN["base"] | OWN[folder] | ALSO.get(folder, set())


def private_is_allowed(folder, header):
    owner, name = header.split("/")
    if not name.endswith(("_priv.h", ".hpp", ".def")):
        return public_is_allowed(folder, name[:-len(".h")])
    return owner in ("base", folder) or bool({owner, header} & PRIVATE.get(folder, set()))


def is_shared(path):
    return path.suffix == ".h" and not path.stem.endswith("_priv")


def finding_in_lib(project, path, header):
    """Judge a quoted include of a file in lib; None: allowed."""
    folder = path.parts[1]
    if (project / path.parent / header).exists():
        return None
    if header.startswith("multims/"):
        if not public_is_allowed(folder, header[len("multims/"):-len(".h")]):
            return f"lib/{folder} may not include {header}"
    elif not private_is_allowed(folder, header):
        return f"lib/{folder} may not include {header}"
    return None


def finding(project, path, header, quoted):
    where = path.as_posix()
    if not quoted:
        for pattern, allowed in OUTSIDE:
            if re.match(pattern, header) and not re.match(allowed, where):
                return f"<{header}> is not for this file"
        return None
    top = path.parts[0]
    if top == "lib" and path.parts[1] in OWN:
        return finding_in_lib(project, path, header)
    if where.startswith(("tests/unit/", "tests/fuzz/")) or header.startswith("multims/"):
        return None
    if (project / path.parent / header).exists():
        return None
    return f"{top} uses the public headers only, not {header}"


def main():
    project = pathlib.Path(sys.argv[1])
    line = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(["<])([^">]+)[">]', re.M)
    findings, seen = [], 0
    for top in ("include", "lib", "tools", "tests"):
        for path in sorted((project / top).rglob("*")):
            if path.suffix not in (".c", ".h", ".cpp", ".hpp"):
                continue
            path = path.relative_to(project)
            if path.parts[0] == "lib" and path.parts[1] not in OWN:
                findings.append(f"{path}: lib/{path.parts[1]} is not in this check's tables")
            elif path.parts[0] == "lib" and is_shared(path) and path.stem not in OWN[path.parts[1]]:
                findings.append(f"{path}: is not in this check's tables")
            for mark, header in line.findall((project / path).read_text()):
                seen += 1
                what = finding(project, path, header, mark == '"')
                if what:
                    findings.append(f"{path}: {what}")
    print("\n".join(findings) or f"{seen} include lines, all in the right direction")
    sys.exit(bool(findings) or not seen)


if __name__ == "__main__":
    main()
