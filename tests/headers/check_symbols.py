# SPDX-License-Identifier: LGPL-2.1-or-later
"""The library exports what the public headers declare MMS_API, and nothing else.  It is not linked with what
its modules are for, which takes longer to load than the rest.

usage: check_symbols.py INCLUDE_FOLDER LIBRARY
"""
import pathlib
import re
import subprocess
import sys


MODULES_NEED = {"libcasa_ms", "libcasa_measures", "liblapack", "libhdf5", "libmpi"}


def declared(folder):
    names = set()
    for path in folder.rglob("*.h"):
        text = re.sub(r"/\*.*?\*/|//[^\n]*|^[ \t]*#[^\n]*(\\\n[^\n]*)*", " ", path.read_text(),
                      flags=re.S | re.M)
        for declaration in re.findall(r"\bMMS_API\b([^;]*);", text):
            names.add(re.search(r"\b(mms_\w+)\s*(?:\(|$)", declaration).group(1))
    return names


def exported(library):
    lines = subprocess.run(["nm", "-D", "--defined-only", library], text=True, check=True,
                           capture_output=True).stdout.splitlines()
    return dict((line.split()[-1] + "@@").split("@@")[:2] for line in lines if " A " not in line)


def version_node(library):
    """What the symbols must carry: the soname's number."""
    lines = subprocess.run(["readelf", "-d", library], text=True, check=True,
                           capture_output=True).stdout
    return "MULTIMS_" + re.search(r"SONAME.*libmultims\.so\.([\d.]+)\]", lines)[1]


def needed(library):
    lines = subprocess.run(["readelf", "-d", library], text=True, check=True, capture_output=True).stdout
    return re.findall(r"NEEDED.*\[(lib\w+)\.so", lines)


def main():
    slow = sorted(set(needed(sys.argv[2])) & MODULES_NEED)
    if slow:
        print(f"linked with {' '.join(slow)}, which a module is for")
    said, symbols = declared(pathlib.Path(sys.argv[1])), exported(sys.argv[2])
    there, node = set(symbols), version_node(sys.argv[2])
    other = sorted(name for name, version in symbols.items() if version != node)
    if other:
        print(f"not of version {node}: {' '.join(other)}")
    for name in sorted(said - there):
        print(f"declared, not exported: {name}")
    for name in sorted(there - said):
        print(f"exported, not declared: {name}")
    print(f"{len(said)} functions declared, {len(there)} symbols exported")
    sys.exit(said != there or not said or bool(other or slow))


main()
