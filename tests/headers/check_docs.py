# SPDX-License-Identifier: LGPL-2.1-or-later
"""The public headers are few, and most of each is documentation.

Of each header the characters are counted that are no blanks: those of comments, and those of declarations.
What every header has (licence, include guard, includes, extern "C") counts as neither.

usage: check_docs.py FOLDER
"""
import pathlib
import re
import sys

MOST, LEAST = 12, 0.60

FRAME = re.compile(r"/\* SPDX[^\n]*\*/|^[ \t]*#[ \t]*(?:ifn?def|else|endif|include)\b[^\n]*"
                   r"|^#define MULTIMS_\w+_H$|^extern \"C\" \{$|^#ifdef __cplusplus\n\}\n", re.M)
COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.S)


def size(text):
    return len("".join(text.split()))


def documentation(text):
    """The share of the comments in what a header says; a header that declares nothing is all documentation."""
    said = FRAME.sub("", text)
    comments = sum(size(found) for found in COMMENT.findall(said))
    return comments / max(size(said), 1)


def main():
    headers = sorted(pathlib.Path(sys.argv[1]).glob("multims/*.h"))
    findings = []
    if not 0 < len(headers) <= MOST:
        findings.append(f"{len(headers)} public headers, where {MOST} are the most")
    for header in headers:
        share = documentation(header.read_text())
        if share < LEAST:
            findings.append(f"{header.name}: {share:.0%} documentation, where {LEAST:.0%} are the least")
    print("\n".join(findings) or f"{len(headers)} public headers, each documented")
    sys.exit(bool(findings))


if __name__ == "__main__":
    main()
