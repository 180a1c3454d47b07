/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_TRANSFORM_TASK_PRIV_H
#define MULTIMS_TRANSFORM_TASK_PRIV_H
/** @file transform_priv.h  What the verbs share that write an MS made from another. */

#include <string.h>

#include "output/request_priv.h"
#include "task_priv.h"

/** Run a request for a verb: mms_request_run() with the run's engine and HISTORY. */
MMS_CHECKED mms_status mms_task_request(mms_run *run, mms_request *request, mms_value *result,
                                        mms_error *err);

/** HISTORY texts of a run: task, version, one a parameter (multi-ms 3.6); new reference. */
mms_value *mms_history_texts(const mms_run *run);

/** The parameters that were given, but one: with them the same request can be made again; new
 * reference. */
mms_value *mms_task_given(const mms_run *run, const char *but);

/** Return for whom a request of run is run: one that judges, or one that writes, has HISTORY and
 * may keep a journal, which is ended with mms_task_host_free(). */
mms_host mms_task_host(mms_run *run);
mms_host mms_task_writing_host(mms_run *run);
void mms_task_host_free(mms_host *host);

/** Print the parts of a result of mms_request_run() as a table. */
void mms_plan_print_parts(const mms_value *result, FILE *out);

/** Print the estimate of a dry run, if it has one. */
void mms_plan_print_estimate(const mms_value *result, FILE *out);

/** Print the result of a transformation. */
void mms_transform_print(const mms_value *result, FILE *out);

/** Averages of channels and in time, the same for each: struct_type has their names' members, that
 * of timebin is timebin_s, of maxuvwdistance maxuvwdistance_m. */
#define MMS_PARAMS_CHANAVERAGE(struct_type)                                             \
    {"chanaverage", MMS_BOOL, offsetof(struct_type, chanaverage), .init = "False",      \
     .doc = "Average channels"},                                                        \
    {                                                                                   \
        "chanbin", MMS_INTS, offsetof(struct_type, chanbin),                            \
            .init = "1", .needs = "chanaverage", .unit = "channels",                    \
            .doc = "Channels averaged to one: one number, or one for each selected spw" \
    }
#define MMS_PARAMS_TIMEAVERAGE(struct_type)                                        \
    {"timeaverage", MMS_BOOL, offsetof(struct_type, timeaverage), .init = "False", \
     .doc = "Average in time"},                                                    \
        {"timebin",                                                                \
         MMS_SECONDS,                                                              \
         offsetof(struct_type, timebin_s),                                         \
         .init = "0s",                                                             \
         .needs = "timeaverage",                                                   \
         .unit = "s",                                                              \
         .doc = "Time averaged to one row"},                                       \
        {"timespan",                                                               \
         MMS_SELECTION,                                                            \
         offsetof(struct_type, timespan),                                          \
         .init = "",                                                               \
         .needs = "timeaverage",                                                   \
         .flags = MMS_PARAM_WORDS,                                                 \
         .doc = "Boundaries that a time bin may cross: scan, state, field"},       \
    {                                                                              \
        "maxuvwdistance", MMS_DOUBLE, offsetof(struct_type, maxuvwdistance_m),     \
            .init = "0", .needs = "timeaverage", .unit = "m",                      \
            .doc = "Largest distance of the UVW of a time bin; 0: no limit"        \
    }

/** Refuse averages of what is none; p points to the parameters.  Errors: ARG. */
#define MMS_CHECK_AVERAGES(p, err)                              \
    mms_check_averages((p)->chanaverage ? &(p)->chanbin : NULL, \
                       (p)->timeaverage ? &(p)->timebin_s : NULL, (p)->maxuvwdistance_m, err)
MMS_CHECKED mms_status mms_check_averages(const mms_ints *chanbin, const double *timebin_s,
                                          double maxuvwdistance_m, mms_error *err);

/** numerics and how to run, the same for each: struct_type has numerics, memory, tiles,
 * share, dryrun, sync, keepscratch of these types. */
#define MMS_PARAMS_TRANSFORM(struct_type)                                                  \
    {"numerics",                                                                           \
     MMS_CHOICE,                                                                           \
     offsetof(struct_type, numerics),                                                      \
     .init = "casa",                                                                       \
     .allowed = "casa exact",                                                              \
     .doc = "casa: CASA's numbers; exact: what is right where CASA is known to be wrong"}, \
        MMS_PARAM_MEMORY(struct_type, memory), MMS_PARAM_TILES(struct_type, tiles),        \
        MMS_PARAM_SHARE(struct_type, share),                                               \
        MMS_PARAM_SWITCH("keepscratch", struct_type, keepscratch, "False",                 \
                         "Keep the unfinished output after a failure"),                    \
        MMS_PARAM_RESUME(struct_type, resume),                                             \
        MMS_PARAM_SWITCH("dryrun", struct_type, dryrun, "False",                           \
                         "Print the plan and write nothing"),                              \
        MMS_PARAM_SWITCH("sync", struct_type, sync, "True",                                \
                         "Write everything to the disk before the output gets its name; "  \
                         "--no-sync is faster and does not survive a power cut")

/** What those of MMS_PARAMS_TRANSFORM mean in a request; p points to the parameters. */
#define MMS_NUMERICS_OF(p) (strcmp((p)->numerics, "exact") ? MMS_NUMERICS_CASA : MMS_NUMERICS_EXACT)
#define MMS_HOW_OF(p)                                                                       \
    {                                                                                       \
        .memory = (p)->memory, .tiles = (p)->tiles, .share = (p)->share, .sync = (p)->sync, \
        .dryrun = (p)->dryrun, .keepscratch = (p)->keepscratch, .resume = (p)->resume,      \
    }

/** What the requests of verbs have in common that average nothing; with .outputvis and .datacolumn.
 */
#define MMS_REQUEST_OF(deciding_task, p)                                                         \
    .verb = (deciding_task), .vis = (p)->io.vis, .select = (p)->select, .keepmms = (p)->keepmms, \
    .separationaxis = "auto", .chanbin_name = "chanbin", .timespan = "",                         \
    .timespan_name = "timespan", .numerics = MMS_NUMERICS_OF(p), .how = MMS_HOW_OF(p)

/** Frequency frames of outputs. */
#define MMS_OUTFRAMES "topo geo lsrk lsrd bary galacto lgroup cmb rest source"

#define MMS_DATACOLUMNS                                                                 \
    "all data corrected corrected_data model data,model,corrected float_data lag_data " \
    "float_data,data "                                                                  \
    "lag_data,data"

#endif
