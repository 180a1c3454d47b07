# SPDX-License-Identifier: LGPL-2.1-or-later
"""Who judges sets only reads them: of what lib/tables and the writer of lib/ms define, the code of lib/check calls
what lib/tables/reading_priv.h declares, by whatever header it got there.

usage: check_judge.py PROJECT NM OBJDUMP FOLDER, the folder that holds the objects of lib
"""
import pathlib
import re
import sys

from check_circles import symbols


def main():
    project, nm, objdump, top = sys.argv[1:]
    header = pathlib.Path(project, "lib/tables/reading_priv.h").read_text()
    reading = set(re.findall(r"\b(mms_\w+)\(", header))
    judges = sorted(pathlib.Path(top, "check").glob("*.o"))
    makers = [*sorted(pathlib.Path(top, "tables").glob("*.o")), pathlib.Path(top, "ms/writer.c.o")]
    defined, named = symbols(nm, objdump, judges + makers)
    made = set().union(*(defined[path] for path in makers))
    called = {path: named[path] & made for path in judges}
    findings = [f"lib/check/{path.stem} calls {name}(), which is not of lib/tables/reading_priv.h"
                for path in judges for name in sorted(called[path] - reading)]
    seen = set().union(*called.values())
    print("\n".join(findings) or f"{len(judges)} objects that judge call {len(seen)} functions that read tables")
    sys.exit(bool(findings) or not seen)


if __name__ == "__main__":
    main()
