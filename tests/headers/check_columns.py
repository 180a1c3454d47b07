# SPDX-License-Identifier: LGPL-2.1-or-later
"""The names of the main table's columns stand in lib/base/columns.def alone; everybody else takes MMS_COL_NAME,
lib/tables mms::column::NAME.

usage: check_columns.py PROJECT [--write]    --write: replace those that are found
"""
import pathlib
import re
import subprocess
import sys

# What judges has lists of its own on purpose.  TIME of the kinds of values and DATA of flagdata are words of users,
# which are no columns.
ALONE = ("lib/check/verify_rules.c", "lib/check/verify_against.c", "lib/task/declare/params.c",
         "lib/task/flagdata.c")
LEAST = 30
COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)


def names_of(project):
    return re.findall(r"^COLUMN\((\w+),", (project / "lib/base/columns.def").read_text(), re.MULTILINE)


def outside_comments(pattern, text):
    """Matches of a pattern that are in no comment; a comment within a text is none, but no source has one."""
    spans = [m.span() for m in COMMENT.finditer(text)]
    return [m for m in pattern.finditer(text) if not any(a <= m.start() < b for a, b in spans)]


def write(path, text, matches):
    for m in reversed(matches):
        text = text[:m.start()] + "MMS_COL_" + m.group(1) + text[m.end():]
    header = '"columns.h"' if path.parent.name == "ms" else '"ms/columns.h"'
    if f"#include {header}" not in text:
        last = [m for m in re.finditer(r'^#include "[^"]+\.h"\n', text, re.MULTILINE)][-1]
        text = text[:last.end()] + f"#include {header}\n" + text[last.end():]
    path.write_text(text)
    subprocess.run(["clang-format-14", "-i", str(path)], check=True)


def main():
    project = pathlib.Path(sys.argv[1])
    names = names_of(project)
    pattern = re.compile('"(' + "|".join(names) + ')"')
    findings, used = [], 0
    for path in sorted(p for s in ("*.c", "*.h", "*.cpp", "*.hpp") for p in (project / "lib").rglob(s)):
        where = path.relative_to(project).as_posix()
        text = path.read_text()
        used += text.count("MMS_COL_")
        matches = [] if where.startswith(ALONE) else outside_comments(pattern, text)
        if matches and "--write" in sys.argv:
            write(path, text, matches)
        findings += [f'{where}: "{m.group(1)}" is MMS_COL_{m.group(1)} of ms/columns.h' for m in matches]
    print("\n".join(findings) or f"{len(names)} columns, named {used} times")
    sys.exit(bool(findings) or len(names) < LEAST or not used)


if __name__ == "__main__":
    main()
