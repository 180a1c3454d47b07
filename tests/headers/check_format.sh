#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# check_format.sh PROJECT: clang-format 14 leaves every C and C++ file of the project as it is.
set -eu
cd "$1"
command -v clang-format-14 >/dev/null || { echo "skipped: no clang-format-14"; exit 77; }
if git rev-parse --is-inside-work-tree >/dev/null 2>&1; then
    files() { git ls-files -z -- '*.c' '*.h' '*.cpp' '*.hpp'; }
else
    files() { find include lib tools tests -name '*.[ch]' -print0 -o -name '*.[ch]pp' -print0; }
fi
files | xargs -0 clang-format-14 --style=file --dry-run -Werror
