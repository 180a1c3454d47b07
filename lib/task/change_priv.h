/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_TASK_CHANGE_PRIV_H
#define MULTIMS_TASK_CHANGE_PRIV_H
/** @file change_priv.h  What the verbs that change data where they are share: applycal, flagdata,
 *  setjy, statwt. */

#include "inplace/inplace.h"
#include "output/request_priv.h"
#include "task_priv.h"

/** How they run. */
struct mms_change_words {
    const char *vis;
    bool tiles, sync, dryrun, resume;
    int64_t memory;
};

/** How they run, but for vis: struct_type has a struct mms_change_words called member.  The undo
 *  and the new `what` are synced; a dry run checks everything, `says`, and changes nothing. */
#define MMS_PARAMS_CHANGE(struct_type, member, what, says)                                    \
    MMS_PARAM_MEMORY(struct_type, member.memory), MMS_PARAM_TILES(struct_type, member.tiles), \
        MMS_PARAM_SWITCH("sync", struct_type, member.sync, "True",                            \
                         "Wait until the undo and the new " what " are on the disk"),         \
        MMS_PARAM_RESUME(struct_type, member.resume),                                         \
        MMS_PARAM_SWITCH("dryrun", struct_type, member.dryrun, "False",                       \
                         "Check everything, " says "and change nothing")

/** A run of such a verb.  Begin with zeros. */
struct mms_change_run {
    mms_change_job job;
    mms_host host;
    char *vis;
    mms_value *key;
};

/** The request for them; its engine is the run's, and HISTORY gets rows as of CASA's task.  made
 * ends with mms_task_end_change(). reads: what the run depends on beside its parameters and the
 * set, or NULL; taken. */
mms_change_request mms_task_change(mms_run *run, const struct mms_change_words *words,
                                   mms_value *reads, struct mms_change_run *made);

/** End the journal of a run of status st. */
void mms_task_end_change(struct mms_change_run *made, mms_status st);

/** Print what a run, or its plan, says. */
void mms_print_change(const mms_value *result, FILE *out);

/** Print of a dry run which columns and bytes would be written, and what is kept. */
void mms_print_plan(const mms_value *result, FILE *out);

/** Read a parameter as a list of numbers: one number, or a list.  Errors: ARG. */
MMS_CHECKED mms_status mms_task_numbers(const char *name, const char *text, int64_t most,
                                        double *numbers, int64_t *n, mms_error *err);

#endif
