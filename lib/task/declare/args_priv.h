/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_ARGS_PRIV_H
#define MULTIMS_ARGS_PRIV_H
/** @file args_priv.h  Parameters on their way from what was typed to their values. */

#include "params_priv.h"
#include "python_priv.h"

enum mms_source { MMS_FROM_DEFAULT = 0, MMS_FROM_FILE, MMS_FROM_WORD };

/** A parameter on its way from text to value */
typedef struct mms_slot {
    const mms_param *param;
    enum mms_source source;
    char *text; /**< NULL: the default */
    mms_value *value;
    void *held; /**< the list that the struct borrows */
} mms_slot;

struct mms_args {
    const mms_task *task;
    void *params;
    mms_run_options options;
    mms_value *values, *given;
    int64_t nslot, nown; /**< the task's own parameters come first, the shared ones follow */
    mms_slot *slots;
};

/** Return the slot of a name of that length, or NULL. */
mms_slot *mms_args_find(mms_args *args, const char *name, size_t length);

/** Refuse a name that no parameter has, naming the one that was probably meant. */
mms_status mms_args_refuse(const mms_args *args, const char *name, size_t length, mms_error *err);

/** Take value for slot, unless one of a stronger source is there; null is the default.
 *  Errors: ARG, MEM. */
MMS_CHECKED mms_status mms_args_give(mms_args *args, mms_slot *slot, const mms_value *value,
                                     enum mms_source source, mms_error *err);

/** The same for the members of an object, which has parameters only.  Errors: ARG, MEM. */
MMS_CHECKED mms_status mms_args_give_all(mms_args *args, const mms_value *object,
                                         enum mms_source source, mms_error *err);

/** The same for a call: values without a name are those of the first parameters.  Errors: ARG, MEM.
 */
MMS_CHECKED mms_status mms_args_give_call(mms_args *args, const mms_call *call,
                                          enum mms_source source, mms_error *err);

/** Keep text, which the slot owns from now on; NULL is a failure for lack of memory. */
MMS_CHECKED mms_status mms_args_keep(mms_args *args, mms_slot *slot, char *text,
                                     enum mms_source source, mms_error *err);

/** Give the words behind a verb to the slots: options, name=value, paths, pasted calls. */
MMS_CHECKED mms_status mms_args_words(mms_args *args, int nwords, const char *const *words,
                                      mms_error *err);

/** Give the parameters in a file, or on standard input for "-": JSON, a call, assignments.
 *  Errors: ARG, NOT_FOUND, IO, MEM. */
MMS_CHECKED mms_status mms_args_file(mms_args *args, const char *path, mms_error *err);

#endif
