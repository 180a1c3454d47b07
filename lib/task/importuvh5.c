/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file importuvh5.c  The task importuvh5: a UVH5 file as an MS. */
#include "transform_priv.h"
#include "uvh5/import_priv.h"

struct importuvh5 {
    const char *uvh5file, *vis;
    bool flipconj, keepabsent, dryrun, sync;
};

#define AT(member) offsetof(struct importuvh5, member)

static const mms_param params[] = {
    {"uvh5file", MMS_PATH, AT(uvh5file), .flags = MMS_PARAM_REQUIRED | MMS_PARAM_POSITIONAL,
     .doc = "Input UVH5 file"},
    {"vis", MMS_PATH, AT(vis), .flags = MMS_PARAM_REQUIRED | MMS_PARAM_POSITIONAL,
     .doc = "Output MeasurementSet; must not exist"},
    {"flipconj", MMS_BOOL, AT(flipconj), .init = "True",
     .doc = "Negate uvw and conjugate data, as pyuvdata does"},
    {"keepabsent", MMS_BOOL, AT(keepabsent), .init = "False",
     .doc = "Keep rows whose visibilities are all 0 and flagged"},
    {"dryrun", MMS_BOOL, AT(dryrun), .init = "False", .flags = MMS_PARAM_RUN,
     .doc = "Print the plan and write nothing"},
    {"sync", MMS_BOOL, AT(sync), .init = "True", .flags = MMS_PARAM_RUN,
     .doc = "Write everything to the disk before the output gets its name; --no-sync is faster and "
            "does not survive a power cut"},
    {0},
};

static mms_status run(mms_run *run, const void *arg, mms_value *result, mms_error *err)
{
    const struct importuvh5 *const p = arg;
    const mms_uvh5_import_request request = {.uvh5file = p->uvh5file,
                                             .vis = p->vis,
                                             .flipconj = p->flipconj,
                                             .keepabsent = p->keepabsent,
                                             .how = {.sync = p->sync, .dryrun = p->dryrun}};
    mms_value *history = mms_history_texts(run);
    const mms_host host = mms_task_host(run, history);
    const mms_status st = mms_uvh5_import(&request, &host, result, err);

    mms_value_free(&history);
    return st;
}

static json_int_t number(const mms_value *result, const char *name)
{
    return json_integer_value(json_object_get(result, name));
}

static void print(const mms_value *result, FILE *out)
{
    fprintf(out,
            "%s: %" JSON_INTEGER_FORMAT " rows of %" JSON_INTEGER_FORMAT
            " baseline-times, %" JSON_INTEGER_FORMAT " windows, %" JSON_INTEGER_FORMAT
            " channels, %" JSON_INTEGER_FORMAT " polarizations; uvw %s\n",
            json_string_value(json_object_get(result, "outputvis")), number(result, "rows_out"),
            number(result, "blts"), number(result, "windows"), number(result, "channels"),
            number(result, "polarizations"),
            json_is_true(json_object_get(result, "negated")) ? "negated and data conjugated"
                                                             : "and data as they are");
}

const mms_task mms_task_importuvh5 = {
    .name = "importuvh5",
    .summary = "write a UVH5 file as a MeasurementSet",
    .params = params,
    .params_size = sizeof(struct importuvh5),
    .run = run,
    .print = print,
    .unit = mms_uvh5_import_unit,
    .details = "Examples:\n"
               "  multims importuvh5 in.uvh5 out.ms\n"
               "  multims importuvh5 in.uvh5 out.ms keepabsent=true\n",
};
