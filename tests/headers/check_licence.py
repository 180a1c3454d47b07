# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every source names its licence in its first lines.

usage: check_licence.py PROJECT [--add]

--add writes the line where it is missing.
"""

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

LINE = "SPDX-License-Identifier: LGPL-2.1-or-later"
STYLES = {"/* {} */": ".c .h .def .map", "// {}": ".cpp .hpp",
          "# {}": ".py .sh .bash .zsh .fish .cmake .pc.in .cmake.in CMakeLists.txt .clang-format"}
NO_SOURCES = {"corpus", ".keep"}


def sources(project):
    """The files of the repository; without one, as from an archive, all but builds and hidden ones."""
    git = shutil.which("git")
    listed = git and subprocess.run([git, "-C", project, "ls-files", "-z"], capture_output=True)
    if listed and listed.returncode == 0:
        names = [Path(project, name) for name in listed.stdout.decode().split("\0") if name]
    else:
        names = [path for top in Path(project).iterdir() if not top.name.startswith(("build", "."))
                 for path in ([top] if top.is_file() else top.rglob("*"))]
    return sorted(path for path in names if path.is_file() and not NO_SOURCES & set(path.parts))


def comment(path, first_line):
    """The form of a comment in this file, or None where it is no source."""
    if first_line.startswith("#!"):
        return "# {}"
    for style, ends in STYLES.items():
        if path.name.endswith(tuple(ends.split())):
            return style
    return None


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("project")
    parser.add_argument("--add", action="store_true")
    arguments = parser.parse_args()
    missing = 0
    for path in sources(arguments.project):
        with open(path, "rb") as stream:
            head = stream.read(200).decode(errors="replace").split("\n")[:2]
        style = comment(path, head[0])
        if style is None or any(LINE in line for line in head):
            continue
        if arguments.add:
            lines = path.read_text().split("\n")
            lines.insert(1 if lines[0].startswith("#!") else 0, style.format(LINE))
            path.write_text("\n".join(lines))
        else:
            missing += 1
            print(f"{path}: no {LINE} (check_licence.py PROJECT --add writes it)")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
