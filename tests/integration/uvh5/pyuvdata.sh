#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# pyuvdata.sh PYTHON: makes sure that PYTHON, or the venv that it is to be of, has pyuvdata and casacore.
# Exit status 77 (skip) where they can't be installed.
set -u
"$1" -c 'import pyuvdata, casacore.tables' 2>/dev/null && exit 0
folder=$(dirname "$(dirname "$1")")
{ [ -x "$1" ] || python3 -m venv "$folder"; } && "$1" -m pip install --quiet pyuvdata python-casacore &&
    "$1" -c 'import pyuvdata, casacore.tables' && exit 0
echo "skipped: pyuvdata can't be installed here"
exit 77
