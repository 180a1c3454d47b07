# SPDX-License-Identifier: LGPL-2.1-or-later
"""No files of lib call each other in a circle, within a folder or over several: what compiled objects define and what their code names
says who calls whom.

A table of functions is no call: a file may be called through it by those that it calls itself.

usage: check_circles.py NM OBJDUMP FOLDER, the folder that holds the objects of lib, or: check_circles.py --self-test
"""
import pathlib
import re
import subprocess
import sys


def lines_of(*command):
    return subprocess.run(command, text=True, capture_output=True, check=True).stdout.splitlines()


def symbols(nm, objdump, objects):
    """For each object what functions it defines, and what its code names."""
    defined, named = {path: set() for path in objects}, {path: set() for path in objects}
    for line in lines_of(nm, "-A", "-P", *map(str, objects)):
        where, rest = line.split(": ", 1)
        name, kind = rest.split()[:2]
        if kind == "T":
            defined[pathlib.Path(where)].add(name)
    at, in_code = None, False
    for line in lines_of(objdump, "-r", *map(str, objects)):
        section = re.match(r"RELOCATION RECORDS FOR \[(.*)\]", line)
        if section:
            in_code = section[1].startswith(".text")
        elif "file format" in line:
            at = pathlib.Path(line.split(":")[0])
        elif in_code and re.match(r"[0-9a-f]{8}", line):
            named[at].add(re.sub(r"[-+]0x[0-9a-f]+$", "", line.split()[2]))
    return defined, named


def calls(defined, named):
    """Who calls whom, by which function."""
    home = {name: path for path, names in defined.items() for name in names}
    edges = {path: {} for path in defined}
    for path, names in named.items():
        for name in sorted(names & home.keys()):
            if home[name] != path:
                edges[path].setdefault(home[name], name)
    return edges


def way(edges, start, goal):
    """The shortest way of calls from start to goal, without both ends' names twice; None: there is none."""
    before, queue = {start: None}, [start]
    for at in queue:
        if at == goal:
            break
        for to in sorted(edges[at]):
            if to not in before:
                before[to] = at
                queue.append(to)
    if goal not in before:
        return None
    steps = [goal]
    while before[steps[-1]] is not None:
        steps.append(before[steps[-1]])
    return steps[::-1]


def circles(edges):
    """The shortest circle through each call that is in one, each circle once."""
    found = {}
    for path in edges:
        for to in edges[path]:
            back = way(edges, to, path)
            if back:
                found.setdefault(frozenset(back), [path, *back])
    return sorted(found.values(), key=lambda circle: (len(circle), circle))


def name_of(path):
    return f"{path.parent.name}/{path.name.rsplit('.', 1)[0]}"


def told(edges, circle):
    steps = [f"{name_of(a)} -> {edges[a][b]}" for a, b in zip(circle, circle[1:])]
    return ", ".join(steps) + f" -> {name_of(circle[-1])}"


def self_test():
    a, b, c = (pathlib.Path(f"{name}.c.o") for name in ("x/a", "x/b", "y/c"))
    edges = calls({a: {"fa"}, b: {"fb"}, c: {"fc"}}, {a: {"fb", "malloc"}, b: {"fc"}, c: {"fa"}})
    assert [told(edges, circle) for circle in circles(edges)] == ["x/a.c -> fb, x/b.c -> fc, y/c.c -> fa -> x/a.c"]
    assert not circles(calls({a: {"fa"}, b: {"fb"}, c: {"fc"}}, {a: {"fb"}, b: {"fc"}, c: set()}))
    print("circles are found")


def main():
    if sys.argv[1] == "--self-test":
        return self_test()
    nm, objdump, top = *sys.argv[1:3], pathlib.Path(sys.argv[3])
    objects = sorted(top.rglob("*.o"))
    edges = calls(*symbols(nm, objdump, objects))
    findings = [told(edges, circle) for circle in circles(edges)]
    print("\n".join(findings) or f"{len(objects)} objects, none in a circle")
    sys.exit(bool(findings) or not objects)


if __name__ == "__main__":
    main()
