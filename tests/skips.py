# SPDX-License-Identifier: LGPL-2.1-or-later
"""One line on what the last run of ctest skipped, and why.  ctest calls it at the end of a run.

usage: skips.py BUILD_FOLDER
"""
import collections
import os
import re
import sys


def tests_of(log):
    """(name, its output) of each test in ctest's log."""
    for block in re.split(r"(?m)^\d+/\d+ Testing: ", log)[1:]:
        name = block.split("\n", 1)[0]
        found = re.search(r"(?s)\nOutput:\n-+\n(.*?)<end of output>", block)
        yield name, found.group(1) if found else ""


def main():
    folder = os.path.join(sys.argv[1], "Testing", "Temporary")
    # while ctest runs, its log has another name
    logs = [os.path.join(folder, name) for name in ("LastTest.log.tmp", "LastTest.log")]
    found = [log for log in logs if os.path.exists(log)]
    if not found:
        return
    with open(found[0], errors="replace") as file:
        tests = dict(tests_of(file.read()))
    whole, parts = collections.defaultdict(list), []
    for name, output in tests.items():
        whys = re.findall(r"(?m)^skipped: (?!\d+$)(.*)", output)
        if whys:
            whole[whys[0]].append(name)
        parts += [f"{name}, {part}" for part in re.findall(r"(?m)^skipped in part: (.*)", output)]
    line = f"{sum(map(len, whole.values()))} of {len(tests)} tests were skipped"
    reasons = [f"{why} ({names[0] if len(names) == 1 else len(names)})"
               for why, names in sorted(whole.items(), key=lambda item: -len(item[1]))]
    if reasons:
        line += ": " + "; ".join(reasons)
    if parts:
        line += f"; parts of others: {'; '.join(parts)}"
    print(line)


main()
