#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# setup.sh ORACLE DIR: installs CASA into DIR by ORACLE/setup, once.
# Exit status 77 (skip) where that is not there or can't install.
set -eu
[ -e "$1/setup" ] || { echo "skipped: no CASA: no $1/setup"; exit 77; }
bash "$1/setup" "$2" || { echo "skipped: CASA can't be installed here"; exit 77; }
