# SPDX-License-Identifier: LGPL-2.1-or-later
"""A verb's file declares and joins: at most 150 lines beside its tables.

A table is a constant at file scope: the parameters, the task, lists of names.  What a verb computes goes to the
folder whose subject it is; long readings of its words and long reports have files of their own in lib/task.

usage: check_verbs.py PROJECT
"""
import pathlib
import re
import sys

MOST = 150
TABLE = re.compile(r"^(?:static )?const [^;(]*?= ?\{", re.MULTILINE)
TASK = re.compile(r"^TASK\((\w+)\)", re.MULTILINE)


def count(text):
    """The lines of a source that are in no table; a table ends with a brace in the first column, or in its line."""
    left, inside = 0, False
    for line in text.splitlines():
        inside = inside or bool(TABLE.match(line))
        left += not inside
        if inside and line.rstrip().endswith("};"):
            inside = False
    return left


def count_of(sample, want):
    if count(sample) != want:
        sys.exit(f"check_verbs.py counts {count(sample)} lines, not {want}, of {sample!r}")


def main():
    folder = pathlib.Path(sys.argv[1], "lib/task")
    verbs = TASK.findall((folder / "tasks.def").read_text())
    count_of("int a;\nstatic const mms_param params[] = {\n    {0},\n};\n\nint b;\n", 3)
    count_of("static void f(void)\n{\n    const int a[] = {1};\n}\n", 4)
    counts = {verb: count((folder / f"{verb}.c").read_text()) for verb in verbs}
    long = {verb: n for verb, n in counts.items() if n > MOST}
    for verb, n in sorted(long.items()):
        print(f"lib/task/{verb}.c has {n} lines beside its tables, {MOST} at most: "
              "split where the request, the plan and the report meet")
    print(f"{len(verbs)} verbs, the longest has {max(counts.values())} lines beside its tables")
    sys.exit(bool(long) or not verbs)


if __name__ == "__main__":
    main()
