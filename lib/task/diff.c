/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file diff.c  The task diff: compare two MeasurementSets or Multi-MeasurementSets. */
#include "multims/check.h"

#include "base/lanes_priv.h"
#include "transform_priv.h"
#include "uvh5/side_priv.h"

struct diff {
    const char *a, *b;
    const char *columns, *skip, *subtables, *tolerance;
    double rtol, atol;
    bool ignore_order, parts, history, tiles;
    int64_t show;
};

static const mms_param params[] = {
    {"a", MMS_PATH, offsetof(struct diff, a), .flags = MMS_PARAM_REQUIRED | MMS_PARAM_POSITIONAL,
     .doc = "MeasurementSet or Multi-MeasurementSet"},
    {"b", MMS_PATH, offsetof(struct diff, b), .flags = MMS_PARAM_REQUIRED | MMS_PARAM_POSITIONAL,
     .doc = "The one it is compared with"},
    {"columns", MMS_STRING, offsetof(struct diff, columns),
     .doc = "Columns of the main table to compare, e.g. DATA,FLAG; default: all"},
    {"skip", MMS_STRING, offsetof(struct diff, skip), .doc = "Columns of the main table left out"},
    {"subtables", MMS_STRING, offsetof(struct diff, subtables),
     .doc = "Sub-tables to compare, or none; default: all but HISTORY"},
    {"rtol", MMS_DOUBLE, offsetof(struct diff, rtol), .init = "0", .allowed = "0..",
     .doc = "Relative tolerance of floating-point numbers; 0: the same bits"},
    {"atol", MMS_DOUBLE, offsetof(struct diff, atol), .init = "0", .allowed = "0..",
     .doc = "Absolute tolerance of floating-point numbers"},
    {"tolerance", MMS_STRING, offsetof(struct diff, tolerance),
     .doc = "Tolerances of single columns, relative or relative/absolute, e.g. "
            "DATA=1e-6,UVW=0/1e-3"},
    {"ignore_order", MMS_BOOL, offsetof(struct diff, ignore_order), .init = "False",
     .doc = "Rows may stand in any order, also those of SOURCE, FEED and the like"},
    {"parts", MMS_BOOL, offsetof(struct diff, parts), .init = "False",
     .doc = "Compare number, rows and axis of the parts too"},
    {"history", MMS_BOOL, offsetof(struct diff, history), .init = "False",
     .doc = "Compare HISTORY too"},
    {"show", MMS_INT, offsetof(struct diff, show), .init = "3", .allowed = "0..",
     .doc = "Differences to show of each check"},
    MMS_PARAM_TILES_READ(struct diff, tiles),
    {0},
};

/** Two UVH5 files. */
static mms_status run_uvh5(mms_run *run, const struct diff *p, mms_value *result, mms_error *err)
{
    static const char *const taken[] = {"a", "b", "rtol", "atol", "show", "tiles", NULL};
    const mms_uvh5_judged judged = {
        .file = p->b, .other = p->a, .rtol = p->rtol, .atol = p->atol, .show = p->show};
    const mms_host host = mms_task_host(run);
    const char *name;
    mms_value *given;

    if (!mms_uvh5_is_file(p->a) || !mms_uvh5_is_file(p->b))
        return mms_fail(err, MMS_ERR_ARG,
                        "one of %s and %s is a UVH5 file, the other is not: multims verify FILE "
                        "--against MS compares them",
                        p->a, p->b);
    json_object_foreach(
        (mms_value *)run->given, name,
        given) if (!mms_names_have(taken, name)) return mms_fail(err, MMS_ERR_ARG,
                                                                 "parameter %s: not of UVH5 files",
                                                                 name);
    json_object_set_new(result, "a", mms_text_value(p->a));
    json_object_set_new(result, "b", mms_text_value(p->b));
    return mms_uvh5_judge(&judged, &host, result, err);
}

static mms_status run(mms_run *run, const void *arg, mms_value *result, mms_error *err)
{
    const struct diff *p = arg;
    mms_diff_opts opts = MMS_DIFF_OPTS_INIT;
    mms_ms *a = NULL, *b = NULL;
    mms_status st;

    if (mms_uvh5_is_file(p->a) || mms_uvh5_is_file(p->b))
        return run_uvh5(run, p, result, err);
    opts.columns = p->columns;
    opts.skip = p->skip;
    opts.subtables = p->subtables;
    opts.tolerance = p->tolerance;
    opts.rtol = p->rtol;
    opts.atol = p->atol;
    opts.ignore_order = p->ignore_order;
    opts.parts = p->parts;
    opts.history = p->history;
    opts.show = p->show;
    opts.threads = run->workers ? run->workers : mms_usable_cores();
    MMS_TRY(mms_ms_open(p->a, &a, err));
    MMS_TRY(mms_ms_open(p->b, &b, err));
    mms_ms_use_tiles(a, p->tiles);
    mms_ms_use_tiles(b, p->tiles);
    json_object_set_new(result, "a", mms_text_value(p->a));
    json_object_set_new(result, "b", mms_text_value(p->b));
    MMS_TRY(mms_diff(a, b, &opts, result, err));
done:
    mms_ms_close(&b);
    mms_ms_close(&a);
    return st;
}

const mms_task mms_task_diff = {
    .name = "diff",
    .summary = "compare two MeasurementSets, Multi-MeasurementSets or UVH5 files",
    .details =
        "Rows are matched by TIME, ANTENNA1, ANTENNA2, DATA_DESC_ID, FIELD_ID, SCAN_NUMBER,\n"
        "OBSERVATION_ID, ARRAY_ID, FEED1 and FEED2 as stored; rows with equal keys in the order "
        "in\n"
        "which they are stored.  Values are equal when their bits are, or when both are NaN.\n\n"
        "Exit status: 0 equal, 1 differences, 2 could not be compared.\n\n"
        "Examples:\n"
        "  multims diff a.ms b.ms\n"
        "  multims diff obs.ms obs.mms --ignore-order\n",
    .params = params,
    .params_size = sizeof(struct diff),
    .run = run,
    .judges = true,
    .unit = mms_uvh5_judge_unit,
    .print = mms_report_print,
    .print_line = mms_report_print_line,
};
