/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_TAQL_H
#define MULTIMS_TAQL_H
/** @file taql.h  Expressions and commands in TaQL, the query language of casacore.
 *
 *  An integer divided by zero with % ends the process (SIGFPE): evaluate in a worker. */

#include "multims/base.h"
#include "multims/value.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Evaluate an expression in the style of Python: 0-based, [begin:end).  variables is an object:
 *  scalars, complex ones too, and lists of one kind, of numbers or of lists of one shape go by
 *  their names, members of objects by ::name.member; null is not defined.
 *  @param      any  a scalar may be not finite, as elements of lists may
 *  @param[out] out  its value; complex numbers are {"$c": [re, im]}, what is not finite {"$f":
 *                   "nan"}, "inf" or "-inf"; the caller frees it
 *  Errors: TABLE with casacore's words; RANGE a scalar that is not finite; MEM. */
MMS_CHECKED mms_status mms_taql_eval(const char *expression, const mms_value *variables, bool any,
                                     mms_value **out, mms_error *err);

/** Check that text can be parsed as an expression.  Errors: TABLE. */
MMS_CHECKED mms_status mms_taql_check(const char *expression, mms_error *err);

/** Run a command, such as UPDATE.  Errors: TABLE, IO, SPACE. */
MMS_CHECKED mms_status mms_taql_run(const char *command, mms_error *err);

#ifdef __cplusplus
}
#endif
#endif
