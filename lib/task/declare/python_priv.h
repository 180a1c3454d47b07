/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_PYTHON_PRIV_H
#define MULTIMS_PYTHON_PRIV_H
/** @file python_priv.h  What people paste from CASA: a task's call, its arguments, assignments.
 *
 *  Values are Python's literals: texts with either quotes and escapes, integers, numbers, True,
 *  False, None, and lists of them.  Names of variables are refused: what they hold is not known. */

#include "multims/base.h"
#include "multims/value.h"

/** A call, or the assignments of a script. */
typedef struct mms_call {
    char *name;            /**< of the task, without the module's; NULL: none was said */
    mms_value *positional; /**< values without a name, in order */
    mms_value *named;      /**< {name: value}, in order */
} mms_call;

/** Parse a value and the blanks around it.  Errors: ARG with the line and what stands there; MEM.
 */
MMS_CHECKED mms_status mms_python_value(const char *text, mms_value **out, mms_error *err);

/** The same where the value may be a dictionary. */
MMS_CHECKED mms_status mms_python_record(const char *text, mms_value **out, mms_error *err);

/** Parse NAME(…), on any number of lines.  Errors: ARG, MEM, as mms_python_value(). */
MMS_CHECKED mms_status mms_call_parse(const char *text, mms_call *out, mms_error *err);

/** Parse the arguments of a call: name=value, …  Errors: as mms_call_parse(). */
MMS_CHECKED mms_status mms_call_arguments(const char *text, mms_call *out, mms_error *err);

/** Parse a script: a call, or name = value on lines of their own, as in CASA's .last files, whose
 *  taskname is the name.  Errors: as mms_call_parse(). */
MMS_CHECKED mms_status mms_call_script(const char *text, mms_call *out, mms_error *err);

/** End what a call holds. */
void mms_call_free(mms_call *call);

#endif
