/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file kinds.c  The kinds of unit that every worker serves. */
#include "engine_priv.h"

const mms_unit_kind mms_engine_kinds[] = {{"program", mms_program_unit}, {NULL, NULL}};
