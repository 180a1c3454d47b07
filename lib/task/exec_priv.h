/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_EXEC_PRIV_H
#define MULTIMS_EXEC_PRIV_H
/** @file exec_priv.h  Inside the task exec: where commands come from, and what becomes of
 * answers. */

#include "task_priv.h"

/** Read the commands of a file, if it is not "", and add those that stand behind --: a list of
 *  {command, program, parameters, servers, limit, memory, block}; new reference.
 *  Errors: ARG there is none, or what can't be read; IO, MEM. */
MMS_CHECKED mms_status mms_exec_commands(const char *file, const mms_texts *words, mms_value **out,
                                         mms_error *err);

/** The words of a program, ended by NULL; the caller ends it with free().  NULL: no memory. */
const char **mms_exec_argv(const mms_value *list);

/** Fail for the first response of a list that is none of success.  Errors: DIFFERS. */
MMS_CHECKED mms_status mms_exec_judge(const mms_value *responses, mms_error *err);

/** Print the responses of a result, a line each. */
void mms_exec_print(const mms_value *result, FILE *out);

#endif
