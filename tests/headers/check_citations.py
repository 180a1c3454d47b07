# SPDX-License-Identifier: LGPL-2.1-or-later
"""What sources and pages cite is there: files of the project; and headers cite no documents that only the authors have.

usage: check_citations.py PROJECT
"""
import pathlib
import re
import sys

# Names of documents that are not in the repository, and numbers of their sections.
ELSEWHERE = re.compile(r"\b(multi-ms|parallel-tasks|transform-numerics|job-engine|in-place|numerics|design|spec)"
                       r"[ \n*]+(D?\d+(\.\d+)*|[a-z-]+ \d)")


# Files by their path in the project; where a part of it is NAME, WHAT or name it stands for any.
FILE = re.compile(r"(?<![\w/.-])(?:docs|lib|include|tests|tools)/[\w/.-]*\w\.(?:md|svg|c|h|cpp|hpp|def|py|sh|json)\b")
ANY = re.compile(r"NAME|WHAT|\bname\.|_name\.")
SOURCES = {".c", ".h", ".cpp", ".hpp", ".def", ".py", ".sh", ".md", ".txt"}


def elsewhere(project):
    """What headers that other folders read cite of other documents."""
    shared = [path for path in project.glob("lib/*/*.h") if not path.stem.endswith("_priv")]
    for path in sorted([*project.glob("include/multims/*.h"), *shared]):
        for found in ELSEWHERE.finditer(path.read_text()):
            yield f"{path.name}: {found[0]!r} is not in the repository"


def cited(project):
    """(file, what it cites)"""
    folders = ("docs", "lib", "include", "tests", "tools")
    for path in sorted([project / "README.md", *(p for f in folders for p in (project / f).rglob("*.*"))]):
        if path.suffix in SOURCES and path.name != "CHANGES.md":
            for name in FILE.findall(path.read_text()):
                yield path.relative_to(project), name


def main():
    project = pathlib.Path(sys.argv[1])
    citations = list(cited(project))
    wrong = list(elsewhere(project))
    wrong += [f"{path}: there is no {name}" for path, name in citations
              if not (project / name).exists() and not ANY.search(name)]
    print("\n".join(wrong + [f"{len(citations)} citations, {len(wrong)} of them wrong"]))
    sys.exit(bool(wrong) or not citations)


main()
