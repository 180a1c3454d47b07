/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file partition.c  The task partition: cut an MS into a Multi-MS (multi-ms 2). */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "transform_priv.h"

struct partition {
    struct mms_io io;
    mms_select select;
    bool createmms, flagbackup, disableparallel, repartition, keepscratch, resume, tiles, share,
        dryrun, sync;
    const char *separationaxis, *datacolumn, *profile, *naming;
    int64_t numsubms, ddistart, memory;
};

static const mms_param params[] = {
    MMS_PARAMS_IO(struct partition, io),
    {"createmms", MMS_BOOL, offsetof(struct partition, createmms), .init = "True",
     .doc = "Make a Multi-MS; False writes one plain MS"},
    {"separationaxis", MMS_CHOICE, offsetof(struct partition, separationaxis), .init = "auto",
     .allowed = "auto scan spw balanced baseline both", .needs = "createmms",
     .doc =
         "Axis to separate on: auto (spws x scans), balanced (CASA 6's auto), scan, spw, baseline"},
    {"numsubms", MMS_COUNT, offsetof(struct partition, numsubms), .init = "auto",
     .needs = "createmms", .doc = "Number of sub-MSs; auto is 8"},
    {"flagbackup", MMS_BOOL, offsetof(struct partition, flagbackup), .init = "True",
     .needs = "createmms", .doc = "Save the flags of the Multi-MS as version partition_1"},
    {"datacolumn", MMS_CHOICE, offsetof(struct partition, datacolumn), .init = "all",
     .allowed = "all data corrected model data,model,corrected float_data lag_data "
                "float_data,data lag_data,data",
     .doc = "Data columns to write; corrected or model alone becomes DATA"},
    MMS_PARAMS_SELECT_CASA(struct partition, select),
    {"disableparallel", MMS_BOOL, offsetof(struct partition, disableparallel), .init = "False",
     .flags = MMS_PARAM_HIDDEN, .doc = "Use one worker"},
    {"ddistart", MMS_INT, offsetof(struct partition, ddistart), .init = "-1",
     .flags = MMS_PARAM_HIDDEN, .doc = "First DATA_DESC_ID; only values up to 0, which mean 0"},
    MMS_PARAM_TAQL(struct partition, select),
    {"profile", MMS_CHOICE, offsetof(struct partition, profile), .init = "seed",
     .allowed = "seed linked", .needs = "createmms",
     .doc =
         "Sub-tables of the later sub-MSs: seed copies all but POINTING and SYSCAL, linked links "
         "all but SOURCE and HISTORY"},
    {"naming", MMS_CHOICE, offsetof(struct partition, naming), .init = "short",
     .allowed = "short full", .needs = "createmms",
     .doc = "Names of sub-MSs: x.0000.ms (short) or x.mms.0000.ms (full) for x.mms"},
    {"repartition", MMS_BOOL, offsetof(struct partition, repartition), .init = "False",
     .needs = "createmms",
     .doc = "Separate a Multi-MS anew; without it that happens when separationaxis or numsubms is "
            "given"},
    MMS_PARAM_MEMORY(struct partition, memory),
    MMS_PARAM_TILES(struct partition, tiles),
    MMS_PARAM_SHARE(struct partition, share),
    MMS_PARAM_RESUME(struct partition, resume),
    {"keepscratch", MMS_BOOL, offsetof(struct partition, keepscratch), .init = "False",
     .flags = MMS_PARAM_RUN, .doc = "Keep the unfinished output after a failure"},
    {"dryrun", MMS_BOOL, offsetof(struct partition, dryrun), .init = "False",
     .flags = MMS_PARAM_RUN, .doc = "Print the plan and write nothing"},
    {"sync", MMS_BOOL, offsetof(struct partition, sync), .init = "True", .flags = MMS_PARAM_RUN,
     .doc = "Write everything to the disk before the output gets its name; --no-sync is faster and "
            "does not survive a power cut"},
    {0},
};

static bool given(const mms_run *run, const char *name)
{
    return json_object_get(run->given, name) != NULL;
}

/** A Multi-MS keeps its members unless it is cut anew. */
static mms_status keeps_members(const mms_run *run, const struct partition *p, bool *keeps,
                                mms_error *err)
{
    const bool cut = given(run, "separationaxis") || given(run, "numsubms");
    const bool refused = given(run, "repartition") && !p->repartition;

    *keeps = p->createmms && !cut && !p->repartition;
    return cut && refused
               ? mms_fail(err, MMS_ERR_ARG,
                          "repartition=False keeps the members of %s: it can't be combined with "
                          "separationaxis or numsubms",
                          p->io.vis)
               : MMS_OK;
}

static mms_status run(mms_run *run, const void *arg, mms_value *result, mms_error *err)
{
    const struct partition *p = arg;
    mms_request request = {
        .verb = MMS_DECIDE_PARTITION,
        .vis = p->io.vis,
        .outputvis = p->io.outputvis,
        .select = p->select,
        .createmms = p->createmms,
        .separationaxis = p->separationaxis,
        .numsubms = p->numsubms,
        .layout = {!strcmp(p->naming, "full"), !strcmp(p->profile, "linked")},
        .flagbackup = p->flagbackup && p->createmms,
        .datacolumn = p->datacolumn,
        .keepflags = true,
        .reindex = true,
        .how = {.memory = p->memory,
                .tiles = p->tiles,
                .share = p->share,
                .sync = p->sync,
                .dryrun = p->dryrun,
                .keepscratch = p->keepscratch,
                .resume = p->resume},
    };
    mms_status st;

    if (p->ddistart > 0)
        return mms_fail(err, MMS_ERR_ARG,
                        "parameter ddistart: %" PRId64 " is not allowed: sub-MSs are numbered as a "
                        "whole, so it can only be 0 or less",
                        p->ddistart);
    if (p->disableparallel)
        run->workers = 1;
    MMS_TRY(keeps_members(run, p, &request.keepmembers, err));
    MMS_TRY(mms_task_request(run, &request, result, err));
done:
    return st;
}

static void print(const mms_value *result, FILE *out)
{
    fprintf(out, "%s: %" JSON_INTEGER_FORMAT " rows, axis %s\n",
            json_string_value(json_object_get(result, "outputvis")),
            json_integer_value(json_object_get(result, "rows")),
            json_string_value(json_object_get(result, "axis_type")));
    mms_plan_print_parts(result, out);
    mms_plan_print_estimate(result, out);
}

const mms_task mms_task_partition = {
    .name = "partition",
    .summary = "cut a MeasurementSet into a Multi-MS",
    .params = params,
    .params_size = sizeof(struct partition),
    .run = run,
    .print = print,
    .unit = mms_output_unit,
    .details =
        "Examples:\n"
        "  multims partition in.ms out.mms --separationaxis scan --numsubms 8 -j 4\n"
        "  multims partition vis=in.ms outputvis=out.mms separationaxis='spw' spw='0:5~60,2'\n"
        "  multims partition in.ms out.mms --dryrun --json\n"
        "  mpirun -n 3 multims partition in.ms out.mms\n",
};
