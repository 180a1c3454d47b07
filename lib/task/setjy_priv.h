/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_SETJY_PRIV_H
#define MULTIMS_SETJY_PRIV_H
/** @file setjy_priv.h  Inside the task setjy: its result. */

#include <stdio.h>

#include "multims/value.h"

/** Make the result CASA's dictionary, or the plan of a dry run. */
void mms_setjy_show(mms_value *result);

/** Print it. */
void mms_setjy_print(const mms_value *result, FILE *out);

#endif
