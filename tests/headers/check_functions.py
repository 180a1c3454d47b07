# SPDX-License-Identifier: LGPL-2.1-or-later
"""A function of lib and tools has at most 45 lines and is nested at most four deep.

Braces are counted as clang-format 14 sets them: a function begins with a brace in the first column and ends with one.

usage: check_functions.py PROJECT
"""
import pathlib
import re
import sys

LINES, DEEP = 45, 4
NOISE = re.compile(r'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'|//[^\n]*|/\*.*?\*/', re.DOTALL)
HEAD = re.compile(r"^[A-Za-z].*\b(\w+)\(", re.MULTILINE)
FLOW = re.compile(r"^( +)(?:\} )?(?:if|for|while|switch|do|else|json_\w+_foreach)\b")


def quiet(text):
    return NOISE.sub(lambda m: "\n" * m.group().count("\n"), text)


def functions(text):
    """(name, lines from brace to brace, deepest nesting) of each function."""
    lines = quiet(text).split("\n")
    begin = None
    for i, line in enumerate(lines):
        if line == "{":
            begin = i
        elif line == "}" and begin is not None:
            heads = [m.group(1) for k in range(begin - 1, max(begin - 8, -1), -1) for m in [HEAD.match(lines[k])] if m]
            depths = [len(m.group(1)) // 4 for k in range(begin, i) for m in [FLOW.match(lines[k])] if m]
            yield heads[0] if heads else f"line {begin}", i - begin + 1, max(depths, default=0)
            begin = None


def main():
    project, findings, seen = pathlib.Path(sys.argv[1]), [], 0
    sample = "int f(void)\n{\n    if (a)\n        for (;;)\n            b();\n}\n"
    if list(functions(sample)) != [("f", 5, 2)]:
        sys.exit(f"check_functions.py does not count: {list(functions(sample))}")
    for path in sorted(p for top in ("lib", "tools") for s in ("*.c", "*.cpp") for p in (project / top).rglob(s)):
        for name, length, deep in functions(path.read_text()):
            seen += 1
            where = f"{path.relative_to(project).as_posix()}: {name}()"
            if length > LINES:
                findings.append(f"{where} has {length} lines, {LINES} at most")
            if deep > DEEP:
                findings.append(f"{where} is nested {deep} deep, {DEEP} at most")
    print("\n".join(findings) or f"{seen} functions, each of at most {LINES} lines and {DEEP} deep")
    sys.exit(bool(findings) or not seen)


if __name__ == "__main__":
    main()
