/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_TRANSFORM_TASK_PRIV_H
#define MULTIMS_TRANSFORM_TASK_PRIV_H
/** @file transform_priv.h  What mstransform, split and hanningsmooth share: one request, one run.
 */

#include "output_priv.h"
#include "task_priv.h"

/** A request to select, transform and write; each task fills what it offers. */
typedef struct mms_transform {
    const char *vis, *outputvis;
    mms_select select;
    bool createmms;  /**< write a Multi-MS from an MS */
    bool keepmms;    /**< write a Multi-MS from a Multi-MS */
    bool monolithic; /**< read a Multi-MS as one MS whatever it holds */
    const char *separationaxis;
    int64_t numsubms;
    const char *datacolumn;
    bool data_for_corrected; /**< take DATA, with a WARN, where CORRECTED_DATA is missing */
    bool realmodelcol;       /**< write a virtual model as MODEL_DATA */
    bool keepflags, usewtspectrum, reindex;
    int64_t ddistart;
    mms_ints chanbin;         /**< empty: no channel average; one number, or one a selected spw */
    const char *chanbin_name; /**< the parameter's name in messages: chanbin, width */
    bool hanning;
    const char *smooth_spw; /**< spws that are smoothed, "" for all */
    double timebin_s;       /**< 0: no time average */
    const char *timespan, *timespan_name;
    bool no_field_span; /**< split: bins never cross fields */
    double maxuvwdistance_m;
    mms_ints tileshape;
    bool exact;     /**< numerics=exact */
    int64_t memory; /**< bytes */
    bool tiles, dryrun, sync, keepscratch;
} mms_transform;

/** Decide, plan and write.  Errors: those of its steps; nothing is written when it is refused. */
MMS_CHECKED mms_status mms_transform_run(mms_run *run, const mms_transform *request,
                                         mms_value *result, mms_error *err);

/** Print the result of mms_transform_run. */
void mms_transform_print(const mms_value *result, FILE *out);

/** numerics and how to run, the same for each: struct_type has numerics, memory, tiles, dryrun,
 * sync, keepscratch of these types. */
#define MMS_PARAMS_TRANSFORM(struct_type)                                                        \
    {"numerics",                                                                                 \
     MMS_CHOICE,                                                                                 \
     offsetof(struct_type, numerics),                                                            \
     .init = "casa",                                                                             \
     .allowed = "casa exact",                                                                    \
     .doc = "casa: CASA's numbers; exact: what is right where CASA is known to be wrong"},       \
        MMS_PARAM_MEMORY(struct_type, memory), MMS_PARAM_TILES(struct_type, tiles),              \
        {"keepscratch",                                                                          \
         MMS_BOOL,                                                                               \
         offsetof(struct_type, keepscratch),                                                     \
         .init = "False",                                                                        \
         .flags = MMS_PARAM_RUN,                                                                 \
         .doc = "Keep the unfinished output after a failure"},                                   \
        {"dryrun",                                                                               \
         MMS_BOOL,                                                                               \
         offsetof(struct_type, dryrun),                                                          \
         .init = "False",                                                                        \
         .flags = MMS_PARAM_RUN,                                                                 \
         .doc = "Print the plan and write nothing"},                                             \
    {                                                                                            \
        "sync", MMS_BOOL, offsetof(struct_type, sync),                                           \
            .init = "True", .flags = MMS_PARAM_RUN,                                              \
            .doc = "Write everything to the disk before the output gets its name; --no-sync is " \
                   "faster and does not survive a power cut"                                     \
    }

#define MMS_DATACOLUMNS                                                                 \
    "all data corrected corrected_data model data,model,corrected float_data lag_data " \
    "float_data,data "                                                                  \
    "lag_data,data"

#endif
