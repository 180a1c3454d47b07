#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# unpack.sh FROM TO: unpacks the public observations FROM/*.tar.xz into the folder TO, once.
# Exit status 77 (skip) where FROM does not exist.
set -eu
[ -d "$1" ] || { echo "skipped: no observations in shared/data"; exit 77; }
[ ! -e "$2/complete" ] || exit 0
rm -rf "$2"
mkdir -p "$2"
for archive in "$1"/*.tar.xz; do
    tar xJf "$archive" -C "$2"
done
touch "$2/complete"
