# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the headers cite is there: pages of docs/, and no documents that only the authors have.

usage: check_citations.py PROJECT
"""
import pathlib
import re
import sys

# Names of documents that are not in the repository, and numbers of their sections.
ELSEWHERE = re.compile(r"\b(multi-ms|parallel-tasks|transform-numerics|job-engine|in-place|numerics|design|spec)"
                       r"[ \n*]+(D?\d+(\.\d+)*|[a-z-]+ \d)")


def main():
    project = pathlib.Path(sys.argv[1])
    wrong, cited = [], 0
    shared = [path for path in project.glob("lib/*/*.h") if not path.stem.endswith("_priv")]
    for path in sorted([*project.glob("include/multims/*.h"), *shared]):
        text = path.read_text()
        wrong += [f"{path.name}: {found[0]!r} is not in the repository" for found in ELSEWHERE.finditer(text)]
        for page in re.findall(r"docs/[\w/.-]*\w", text):
            cited += 1
            if not (project / page).exists():
                wrong.append(f"{path.name}: there is no {page}")
    print("\n".join(wrong + [f"{cited} citations, {len(wrong)} of them wrong"]))
    sys.exit(bool(wrong) or not cited)


main()
