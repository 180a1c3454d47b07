/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_TASK_CHANGE_PRIV_H
#define MULTIMS_TASK_CHANGE_PRIV_H
/** @file change_priv.h  What the verbs that change columns row by row share: applycal, setjy. */

#include "inplace/inplace.h"
#include "task_priv.h"

/** How they run: struct_type has bool tiles, sync, dryrun and int64_t memory. */
#define MMS_PARAMS_CHANGE(struct_type)                                                        \
    MMS_PARAM_MEMORY(struct_type, memory), MMS_PARAM_TILES(struct_type, tiles),               \
        {"sync",                                                                              \
         MMS_BOOL,                                                                            \
         offsetof(struct_type, sync),                                                         \
         .init = "True",                                                                      \
         .flags = MMS_PARAM_RUN,                                                              \
         .doc = "Wait until the undo and the new data are on the disk"},                      \
    {                                                                                         \
        "dryrun", MMS_BOOL, offsetof(struct_type, dryrun),                                    \
            .init = "False", .flags = MMS_PARAM_RUN,                                          \
            .doc = "Check everything, say what would be written and kept, and change nothing" \
    }

/** The engine of a run, as mms_change_request.engine; ctx is the mms_run. */
mms_engine *mms_task_engine(void *ctx, mms_error *err);

/** Print what a run, or its plan, says. */
void mms_print_change(const mms_value *result, FILE *out);

/** Read a parameter as a list of numbers: one number, or a list.  Errors: ARG. */
MMS_CHECKED mms_status mms_task_numbers(const char *name, const char *text, int64_t most,
                                        double *numbers, int64_t *n, mms_error *err);

#endif
