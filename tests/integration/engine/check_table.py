# SPDX-License-Identifier: LGPL-2.1-or-later
"""check_table.py TESTS [MPI_CASES]: CASES.md has every case by number, every answer that was recorded of casampi (where
the recording is there), and names no test that is not there."""
import json
import pathlib
import re
import sys

TESTS = pathlib.Path(sys.argv[1])
TABLE = (TESTS / "integration/engine/CASES.md").read_text()
LAST = {"C": 74, "A": 140}


def numbers(letter):
    """All that the table has: A001, A002–A004."""
    found = set()
    for first, last in re.findall(rf"\b{letter}(\d+)(?:–{letter}(\d+))?", TABLE):
        found |= set(range(int(first), int(last or first) + 1))
    return found


def rows():
    for line in TABLE.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if len(cells) == 3 and cells[1] not in ("test", "–", "as above"):
            yield cells[1]


def absent(cell):
    """Tests that a cell names and that are not there."""
    place, source = None, ""
    for word in re.findall(r"[\w/.]+", cell):
        if word == "client_probe":
            place = TESTS / "integration/engine/client_probe.c"
        elif re.fullmatch(r"[\w/]+\.(py|c)", word) and not word.startswith("engine."):
            place = next((p for p in (TESTS / word, TESTS / "integration" / word, TESTS / "integration/engine" / word,
                                      TESTS / "bench" / word) if p.is_file()), None)
            if not place:
                yield word
        elif place and re.fullmatch(r"[a-z]\w*", word) and word not in ("in", "part", "engine"):
            source = place.read_text()
            form = rf"def {word}\(" if place.suffix == ".py" else rf'\{{"{word}", {word}\}}|\({word}\)'
            if not re.search(form, source):
                yield f"{place.name} {word}"


findings = [f"{letter}{number:0{len(str(last))}} is not in the table"
            for letter, last in LAST.items() for number in sorted(set(range(1, last + 1)) - numbers(letter))]
if len(sys.argv) > 2:
    recorded = json.loads(pathlib.Path(sys.argv[2]).read_text())["probes"]
    findings += [f"{name} is not in the table" for name in recorded if not re.search(rf"\b{re.escape(name)}\b", TABLE)]
named = [name for cell in rows() for name in absent(cell)]
findings += [f"there is no test {name}" for name in named]
print("\n".join(findings) or f"{sum(LAST.values())} cases, {len(list(rows()))} rows with tests, all there")
sys.exit(bool(findings))
