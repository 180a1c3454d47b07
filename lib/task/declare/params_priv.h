/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_PARAMS_PRIV_H
#define MULTIMS_PARAMS_PRIV_H
/** @file params_priv.h  One parameter: from a word or a JSON value to a typed value in a struct.
 *
 *  Every value is a text first, so that words, files and defaults are checked by the same code. */

#include "task/task_priv.h"

/** The parameters that every task has; their offsets refer to mms_run_options. */
extern const mms_param mms_run_params[];

/** Return the shared option of a letter, or NULL. */
const mms_param *mms_param_of_letter(char letter);

/** Return whether both names are the same when '-' and '_' don't count; a has alength characters.
 */
bool mms_param_same_name(const char *a, size_t alength, const char *b);

/** Find the text that word, as typed, stands for: a literal of Python is what it says, also without
 *  the quotes that a shell has taken; end it with free().  Errors: ARG, MEM. */
MMS_CHECKED mms_status mms_param_unquote(const mms_param *p, const char *word, char **text,
                                         mms_error *err);

/** Write the text of MMS_WORDS that has these words; end it with free().  Errors: ARG, MEM. */
MMS_CHECKED mms_status mms_param_join_words(const mms_param *p, int64_t n, const char *const *words,
                                            char **text, mms_error *err);

/** Return whether word says true or false: True, no, on, 0, … */
bool mms_param_is_truth(const char *word);

/** Write value, of JSON or Python, as the text that a user would type; end it with free().
 *  Errors: ARG value is of another kind; MEM. */
MMS_CHECKED mms_status mms_param_text(const mms_param *p, const mms_value *value, char **text,
                                      mms_error *err);

/** Check text and make the typed value of it; text NULL is the default.
 *  Errors: ARG naming parameter, value and what is allowed; MEM. */
MMS_CHECKED mms_status mms_param_value(const mms_param *p, const char *text, mms_value **value,
                                       mms_error *err);

/** Put a typed value at base + offset.  Texts and lists are borrowed from value and *held, which
 * the caller ends with free().  Errors: MEM. */
MMS_CHECKED mms_status mms_param_store(const mms_param *p, const mms_value *value, void *base,
                                       void **held, mms_error *err);

/** Return the type's name in JSON: "path". */
const char *mms_param_type_name(const mms_param *p);

#endif
