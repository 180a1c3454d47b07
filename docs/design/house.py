# SPDX-License-Identifier: LGPL-2.1-or-later
"""Draws house.svg: the folders of the project, each above all that it includes, from the include lines.

An arrow is drawn where no way over other folders says the same; base, which all include, is the floor.

usage: house.py PROJECT [--check]    --check: fail where the picture that is there is another, or where
architecture.md names a file that is not there
"""
import pathlib
import re
import sys

PICTURE = pathlib.Path("docs/design/house.svg")
OUTSIDE = {"casacore": re.compile(r"casacore/"), "MPI": re.compile(r"mpi\.h"),
           "HDF5, liberfa": re.compile(r"(hdf5|erfa).*\.h")}
WIDTH, BOX, HIGH, STEP, EDGE = 980, 104, 34, 84, 24


def owners(project):
    """Which folder of lib a public header belongs to, from the table of the includes test."""
    sys.path.insert(0, str(project / "tests/headers"))
    from check_includes import OWN
    return {f"multims/{name}.h": folder for folder, names in OWN.items() for name in names
            if (project / f"include/multims/{name}.h").exists()}


def folder_of(path):
    if path.parts[0] == "tools":
        return "tools"
    return "task/declare" if path.parts[1:3] == ("task", "declare") else path.parts[1]


def target(project, path, header, quoted, public):
    """The folder, or the library of others, that an include line names; None: of libc, or of the same folder."""
    if not quoted:
        return next((name for name, pattern in OUTSIDE.items() if pattern.match(header)), None)
    if header in public:
        return public[header]
    if (project / path.parent / header).exists():
        return folder_of(pathlib.Path(*(project / path.parent / header).resolve().parts[len(project.parts):]))
    return folder_of(pathlib.Path("lib", header)) if (project / "lib" / header).exists() else None


def includes(project):
    """{folder: folders and libraries that its files include}"""
    line = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(["<])([^">]+)[">]', re.M)
    public, found = owners(project), {}
    for top in ("lib", "tools"):
        for path in sorted((project / top).rglob("*")):
            if path.suffix not in (".c", ".h", ".cpp", ".hpp"):
                continue
            path = path.relative_to(project)
            mine = found.setdefault(folder_of(path), set())
            for mark, header in line.findall((project / path).read_text()):
                mine.add(target(project, path, header, mark == '"', public))
    return {folder: names - {folder, None} for folder, names in found.items()}


def without_circles(graph):
    """task takes all and is taken by its declare folder for the words of types; the picture shows the first."""
    graph["task/declare"].discard("task")
    return graph


def reach(graph, start):
    seen, todo = set(), [start]
    while todo:
        for name in graph.get(todo.pop(), ()):
            if name not in seen:
                seen.add(name)
                todo.append(name)
    return seen


def arrows(graph):
    """The includes that no longer way says; who reaches itself has turned a circle."""
    circles = [name for name in graph if name in reach(graph, name)]
    if circles:
        raise SystemExit("folders include each other in a circle: " + " ".join(sorted(circles)))
    return {name: {to for to in all_of if not any(to in reach(graph, other) for other in all_of - {to})}
            for name, all_of in graph.items()}


def floors(graph):
    """How far above the floor each stands: one above the highest that it includes."""
    high = {}

    def of(name):
        if name not in high:
            high[name] = 1 + max((of(to) for to in graph.get(name, ())), default=-1)
        return high[name]

    for name in graph:
        of(name)
    return high


def places(graph, high):
    """{name: (x, y) of its middle}; in a floor they stand by the middle of what they include."""
    top, at = max(high.values()), {}
    for floor in range(top + 1):
        names = sorted(name for name in high if high[name] == floor)

        def middle(name):
            below = [at[to][0] for to in graph.get(name, ()) if to in at]
            return sum(below) / len(below) if below else WIDTH / 2

        names.sort(key=lambda name: (middle(name), name))
        gap = WIDTH / len(names)
        for i, name in enumerate(names):
            at[name] = (round(gap * (i + 0.5)), EDGE + STEP * (top - floor) + HIGH // 2)
    return at


def box(name, x, y):
    outside = name in OUTSIDE
    wide = WIDTH - 2 * EDGE if name == "base" else BOX
    look = 'fill="#f4f4f4" stroke="#999" stroke-dasharray="4 3"' if outside else 'fill="#fff" stroke="#234"'
    words = "base: errors, values, log, files, lanes; all include it" if name == "base" else name
    return (f'<rect x="{x - wide // 2}" y="{y - HIGH // 2}" width="{wide}" height="{HIGH}" rx="4" {look}/>\n'
            f'<text x="{x}" y="{y + 5}">{words}</text>')


def arrow(begin, end):
    (x, y), (to_x, to_y) = begin, end
    return (f'<path d="M{x} {y + HIGH // 2} C{x} {y + HIGH // 2 + 30} {to_x} {to_y - HIGH // 2 - 34} '
            f'{to_x} {to_y - HIGH // 2 - 3}" marker-end="url(#tip)"/>')


def draw(graph):
    """The picture as text.  base is the floor of all, without arrows."""
    graph = {name: to - {"base"} for name, to in graph.items() if name != "base"}
    shown = arrows(graph)
    high = floors(graph)
    at = places(graph, high)
    at["base"] = (WIDTH // 2, EDGE + STEP * (max(high.values()) + 1) + HIGH // 2)
    height = at["base"][1] + HIGH // 2 + EDGE
    lines = [arrow(at[name], at[to]) for name in sorted(shown) for to in sorted(shown[name])]
    boxes = [box(name, *at[name]) for name in sorted(at)]
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
        f'viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" font-size="13" text-anchor="middle">',
        '<!-- made by docs/design/house.py from the include lines -->',
        '<defs><marker id="tip" markerWidth="8" markerHeight="8" refX="6" refY="3" orient="auto">'
        '<path d="M0 0 L6 3 L0 6 z" fill="#678"/></marker></defs>',
        f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
        '<g fill="none" stroke="#678">', *lines, '</g>', *boxes, '</svg>', ''])


def missing_files(project):
    """Paths in backquotes of the page that do not exist; those with a word in capitals stand for others."""
    page = (project / "docs/design/architecture.md").read_text()
    named = re.findall(r"`((?:lib|tests|tools|docs|include)/[\w./-]+)`", page)
    assert len(named) > 50, "the page names no files"
    return [f"architecture.md: there is no {name}" for name in sorted(set(named))
            if not re.search(r"[A-Z]{4}", name.replace("CMakeLists", "")) and not (project / name).exists()]


def main():
    project = pathlib.Path(sys.argv[1]).resolve()
    text = draw(without_circles(includes(project)))
    picture = project / PICTURE
    if "--check" not in sys.argv:
        picture.write_text(text)
        return
    missing = missing_files(project)
    if not picture.exists() or picture.read_text() != text:
        missing.append(f"{PICTURE} is not what the include lines say; make it: python3 docs/design/house.py .")
    sys.exit("\n".join(missing) or 0)


if __name__ == "__main__":
    main()
