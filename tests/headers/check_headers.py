# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every public header compiles alone, and multims.h includes them all.

usage: check_headers.py INCLUDE_FOLDER LANGUAGE COMPILER [FLAGS]
       LANGUAGE is c11 or c++17
"""
import pathlib
import subprocess
import sys

WARNINGS = "-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror".split()


def compile_alone(folder, header, language, compiler):
    source = f'#include "{header}"\n'
    words = [*compiler, f"-std={language}", "-x", "c++" if "++" in language else "c", *WARNINGS,
             "-fsyntax-only", "-I", str(folder), "-"]
    return subprocess.run(words, input=source, text=True, capture_output=True)


def main():
    folder, language, compiler = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3:]
    headers, everything = sorted(folder.rglob("*.h")), folder / "multims" / "multims.h"
    failed = 0
    for path in headers:
        run = compile_alone(folder, path.relative_to(folder).as_posix(), language, compiler)
        if run.returncode:
            failed += 1
            print(f"{path.name} alone, {language}:\n{run.stderr}")
        if path != everything and f"/{path.name}" not in everything.read_text():
            failed += 1
            print(f"multims.h does not include {path.name}")
    print(f"{len(headers)} headers as {language}, {failed} of them fail")
    sys.exit(bool(failed) or not headers)


main()
