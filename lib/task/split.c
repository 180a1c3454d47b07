/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file split.c  The task split: select, average, write (parallel-tasks 1.7, 4.2). */
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "transform_priv.h"

struct split {
    struct mms_io io;
    mms_select select;
    bool keepmms, keepflags, tiles, share, dryrun, sync, keepscratch, resume;
    const char *datacolumn, *combine, *width, *numerics;
    double timebin_s;
    int64_t memory;
};

#define AT(member) offsetof(struct split, member)

static const mms_param params[] = {
    MMS_PARAMS_IO(struct split, io),
    {"keepmms", MMS_BOOL, AT(keepmms), .init = "True",
     .doc = "Write a Multi-MS when the input is one"},
    MMS_PARAMS_SELECT_CASA(struct split, select),
    {"datacolumn", MMS_CHOICE, AT(datacolumn), .init = "corrected", .allowed = MMS_DATACOLUMNS,
     .doc = "Data columns to write; corrected or model alone becomes DATA"},
    {"keepflags", MMS_BOOL, AT(keepflags), .init = "True",
     .doc = "Keep rows that are flagged as a whole"},
    {"width", MMS_SELECTION, AT(width), .init = "1", .unit = "channels",
     .doc = "Channels averaged to one: one number, or one for each selected spw"},
    {"timebin", MMS_SECONDS, AT(timebin_s), .init = "0s", .unit = "s",
     .doc = "Time averaged to one row; 0s: no time average"},
    {"combine", MMS_SELECTION, AT(combine), .init = "", .needs = "timebin",
     .flags = MMS_PARAM_WORDS, .doc = "Boundaries that a time bin may cross: scan, state"},
    MMS_PARAM_TAQL(struct split, select),
    MMS_PARAMS_TRANSFORM(struct split),
    {0},
};

enum { MOST_WIDTHS = 1024 };

/** Read a number; *end is text where there is none. */
static double read_number(const char *text, const char **end)
{
    const char *const digits = text + strspn(text, " +-.");
    char *after = (char *)text;
    const double value = isdigit((unsigned char)*digits) ? strtod(text, &after) : 0;

    *end = after == text ? text : after + strspn(after, " ");
    return value;
}

/** Read a number or a comma list; CASA takes 1 for what is no number, and says so. */
static mms_status parse_width(const char *text, int64_t *values, mms_ints *width, mms_error *err)
{
    const double most = 1LL << 53;
    bool averages = false;

    *width = (mms_ints){0, values};
    for (const char *at = text; *at && width->count < MOST_WIDTHS;) {
        const char *end;
        const double value = read_number(at, &end);
        if (end == at || (*end && *end != ',')) {
            mms_log(MMS_LOG_WARN, "split", "Parameter width is invalid. Using 1 as default (%s)",
                    text);
            width->count = 0;
            return MMS_OK;
        }
        if (!(value >= 1 && value <= most && value == floor(value)))
            return mms_fail(err, MMS_ERR_ARG, "parameter width: %.*s is not a number of channels",
                            (int)(end - at), at);
        values[width->count++] = (int64_t)value;
        averages = averages || value > 1;
        at = *end ? end + 1 : end;
    }
    if (!averages)
        width->count = 0; // widths of 1 average nothing
    return MMS_OK;
}

static mms_status run(mms_run *run, const void *arg, mms_value *result, mms_error *err)
{
    const struct split *p = arg;
    int64_t widths[MOST_WIDTHS];
    mms_ints width;
    const mms_status st = parse_width(p->width, widths, &width, err);

    if (st != MMS_OK)
        return st;
    mms_request request = {
        .verb = MMS_DECIDE_SPLIT,
        .vis = p->io.vis,
        .outputvis = p->io.outputvis,
        .select = p->select,
        .keepmms = p->keepmms,
        .separationaxis = "auto",
        .datacolumn = p->datacolumn,
        .keepflags = p->keepflags,
        .reindex = true,
        .chanbin = width,
        .chanbin_name = "width",
        .smooth_spw = "",
        .timebin_s = p->timebin_s,
        .timespan = p->combine,
        .timespan_name = "combine",
        .no_field_span = true,
        .numerics = MMS_NUMERICS_OF(p),
        .how = MMS_HOW_OF(p),
    };

    if (p->timebin_s < 0)
        return mms_fail(err, MMS_ERR_ARG, "parameter timebin: %g s is not a length of time",
                        p->timebin_s);
    return mms_task_request(run, &request, result, err);
}

const mms_task mms_task_split = {
    .name = "split",
    .alias = "split2",
    .summary = "write a selection of a MeasurementSet, averaged if asked",
    .params = params,
    .params_size = sizeof(struct split),
    .run = run,
    .print = mms_transform_print,
    .unit = mms_output_unit,
    .details = "Examples:\n"
               "  multims split in.ms out.ms --datacolumn data --spw 0:5~20\n"
               "  multims split vis=in.mms outputvis=out.mms datacolumn='data' width=4\n",
};
