/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_FLAG_WORDS_PRIV_H
#define MULTIMS_FLAG_WORDS_PRIV_H
/** @file flag_words_priv.h  Flag commands as users write them: keys, types, lists, what is saved.
 */

#include "multims/base.h"
#include "multims/value.h"

/** Read a literal of Python or JSON, anything else as a text.  Errors: ARG, MEM. */
MMS_CHECKED mms_status mms_flag_literal(const char *text, mms_value **out, mms_error *err);

/** The same of the parameter name, which the message names.  Errors: ARG, MEM. */
MMS_CHECKED mms_status mms_flag_value(const char *name, const char *text, mms_value **out,
                                      mms_error *err);

/** Make the command of flagdata's own parameters: {key: value} of those that the mode has, but
 *  selections that are empty.  Errors: ARG naming the parameter. */
MMS_CHECKED mms_status mms_flag_command_of(const mms_value *params, const char *mode,
                                           mms_value **out, mms_error *err);

/** Read a list: inpfile is a file, files, or commands; reason and tbuff as the parameters are.
 *  All of it is read before anything is used.
 *  @param[out] out  commands as in mms_flag_command_of(), the keys that were written alone
 *  Errors: ARG naming the line; NOT_FOUND, IO. */
MMS_CHECKED mms_status mms_flag_list_read(const char *inpfile, const char *reason,
                                          const char *tbuff, mms_value **out, mms_error *err);

/** Make what the work takes of what was written: defaults, times in seconds, the extend behind
 *  tfcrop and rflag.  New reference to a list.  Errors: ARG. */
MMS_CHECKED mms_status mms_flag_commands_complete(const mms_value *written, bool list,
                                                  bool calculate, mms_value **out, mms_error *err);

/** Seconds of "30s", "1min", 20, "scan" (0), of the parameter name.  Errors: ARG. */
MMS_CHECKED mms_status mms_flag_seconds(const char *name, const mms_value *v, double *seconds,
                                        mms_error *err);

/** A command as a line of a list; reason replaces its own unless "".  End it with free(). */
char *mms_flag_command_line(const mms_value *command, const char *reason, bool with_reason);

#endif
