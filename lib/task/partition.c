/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file partition.c  The task partition: cut an MS into a Multi-MS (multi-ms 2). */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "multims/ms_meta.h"
#include "output_priv.h"
#include "task_priv.h"

struct partition {
    struct mms_io io;
    mms_select select;
    bool createmms, flagbackup, disableparallel, repartition, keepscratch, tiles, dryrun, sync;
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
    {"keepscratch", MMS_BOOL, offsetof(struct partition, keepscratch), .init = "False",
     .flags = MMS_PARAM_RUN, .doc = "Keep the unfinished output after a failure"},
    {"dryrun", MMS_BOOL, offsetof(struct partition, dryrun), .init = "False",
     .flags = MMS_PARAM_RUN, .doc = "Print the plan and write nothing"},
    {"sync", MMS_BOOL, offsetof(struct partition, sync), .init = "True", .flags = MMS_PARAM_RUN,
     .doc = "Write everything to the disk before the output gets its name; --no-sync is faster and "
            "does not survive a power cut"},
    {0},
};

/** What one run works with. */
typedef struct work {
    const struct partition *p;
    mms_run *run;
    mms_ms *ms;
    mms_selection *selection;
    mms_meta meta;
    mms_plan *plan;
    mms_axis axis;
} work;

static bool given(const mms_run *run, const char *name)
{
    return json_object_get(run->given, name) != NULL;
}

/** The axis that the request means: a Multi-MS keeps its members unless it is cut anew. */
static mms_status choose_axis(work *w, mms_error *err)
{
    const bool cut = given(w->run, "separationaxis") || given(w->run, "numsubms");
    const bool refused = given(w->run, "repartition") && !w->p->repartition;

    if (!w->p->createmms) {
        w->axis = MMS_AXIS_NONE;
        return MMS_OK;
    }
    if (mms_ms_is_multi(w->ms)) {
        mms_log(MMS_LOG_INFO, "partition", "Input vis is a Multi-MS");
        if (cut && refused)
            return mms_fail(err, MMS_ERR_ARG,
                            "repartition=False keeps the members of %s: it can't be combined with "
                            "separationaxis or numsubms",
                            w->p->io.vis);
        if (!cut && !w->p->repartition) {
            w->axis = MMS_AXIS_MEMBER;
            return MMS_OK;
        }
    }
    return mms_plan_parse_axis(w->p->separationaxis, &w->axis, err);
}

static mms_status check_request(const work *w, mms_error *err)
{
    static const char *const weights[] = {"WEIGHT", "SIGMA", "WEIGHT_SPECTRUM", "SIGMA_SPECTRUM"};
    const struct partition *p = w->p;
    mms_status st;

    if (p->ddistart > 0)
        return mms_fail(err, MMS_ERR_ARG,
                        "parameter ddistart: %" PRId64 " is not allowed: sub-MSs are numbered as a "
                        "whole, so it can only be 0 or less",
                        p->ddistart);
    MMS_TRY(mms_output_check_new(p->io.vis, p->io.outputvis, err));
    MMS_TRY(mms_output_check_columns(w->ms, p->datacolumn, err));
    if (strcmp(p->datacolumn, "all"))
        MMS_TRY(mms_output_check_types(w->ms, MMS_COUNT_OF(weights), weights, err));
done:
    return st;
}

static mms_status plan_parts(work *w, mms_error *err)
{
    mms_plan_opts opts = MMS_PLAN_OPTS_INIT;
    mms_status st;

    mms_log(MMS_LOG_INFO, "partition", "Analyzing MS for partitioning");
    MMS_TRY(mms_output_select(w->ms, &w->p->select, &w->selection, err));
    MMS_TRY(mms_meta_read(w->ms, w->selection, &w->meta, err));
    if (w->meta.nselected == 0)
        MMS_TRY(mms_selection_refuse_empty(w->ms, &w->p->select, err));
    MMS_TRY(mms_output_scale_bytes(w->selection, &w->meta, err));
    const mms_ids spws = mms_selection_spws(w->selection);
    opts.axis = w->axis;
    opts.numsubms = w->p->numsubms;
    opts.nspw = spws.given ? spws.n : 0;
    opts.spws = spws.ids;
    opts.antennas_given = w->p->select.antenna && *w->p->select.antenna;
    MMS_TRY(mms_plan_create(&w->meta, &opts, &w->plan, err));
done:
    return st;
}

static void report_dropped(const work *w)
{
    const int64_t n = mms_plan_ndropped(w->plan);
    if (n > 0)
        mms_log(MMS_LOG_INFO, "partition",
                "%" PRId64
                " subMSs failed to be created. This is not an error, if due to selection "
                "when creating a Multi-MS",
                n);
}

static mms_status write_parts(work *w, mms_value *result, mms_error *err)
{
    const struct partition *p = w->p;
    const mms_output out = {
        .vis = p->io.vis,
        .outputvis = p->io.outputvis,
        .datacolumn = p->datacolumn,
        .multi = w->axis != MMS_AXIS_NONE,
        .axis = w->axis == MMS_AXIS_MEMBER ? mms_ms_axis(w->ms) : mms_plan_axis_type(w->axis),
        .layout = {!strcmp(p->naming, "full"), !strcmp(p->profile, "linked")},
        .memory = p->memory,
        .tiles = p->tiles,
        .sync = p->sync,
        .keep_scratch = p->keepscratch,
        .flag_backup = p->flagbackup && p->createmms,
        .ms = w->ms,
        .select = &p->select,
        .selection = w->selection,
        .meta = &w->meta,
        .plan = w->plan,
    };
    mms_status st = mms_output_describe(&out, result, err);

    if (st == MMS_OK)
        st = mms_output_check_space(&out, err);
    if (st == MMS_OK && p->dryrun)
        return mms_output_estimate(w->run, &out, result, err);
    if (st != MMS_OK)
        return st;
    report_dropped(w);
    return mms_output_write(w->run, &out, result, err);
}

static mms_status run(mms_run *run, const void *arg, mms_value *result, mms_error *err)
{
    work w = {.p = arg, .run = run};
    mms_status st;

    mms_stop_catch();
    if (w.p->disableparallel)
        run->workers = 1;
    MMS_TRY(mms_ms_open(w.p->io.vis, &w.ms, err));
    mms_ms_use_tiles(w.ms, w.p->tiles);
    MMS_TRY(check_request(&w, err));
    MMS_TRY(choose_axis(&w, err));
    MMS_TRY(plan_parts(&w, err));
    MMS_TRY(mms_check_stop(err));
    MMS_TRY(write_parts(&w, result, err));
done:
    mms_plan_free(&w.plan);
    mms_meta_free(&w.meta);
    mms_selection_free(&w.selection);
    mms_ms_close(&w.ms);
    return st;
}

static void print(const mms_value *result, FILE *out)
{
    fprintf(out, "%s: %" JSON_INTEGER_FORMAT " rows, axis %s\n",
            json_string_value(json_object_get(result, "outputvis")),
            json_integer_value(json_object_get(result, "rows")),
            json_string_value(json_object_get(result, "axis_type")));
    mms_output_print_parts(result, out);
    mms_output_print_estimate(result, out);
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
