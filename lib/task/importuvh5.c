/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file importuvh5.c  The task importuvh5: a UVH5 file as an MS. */
#include <string.h>

#include "transform_priv.h"
#include "uvh5/import_priv.h"

struct importuvh5 {
    const char *uvh5file, *vis, *unprojected, *separationaxis, *profile, *naming;
    bool flipconj, keepabsent, overwrite, createmms, flagbackup, keepscratch, dryrun, sync, resume;
    int64_t numsubms, memory;
};

#define AT(member) offsetof(struct importuvh5, member)

static const mms_param params[] = {
    {"uvh5file", MMS_PATH, AT(uvh5file), .flags = MMS_PARAM_REQUIRED | MMS_PARAM_POSITIONAL,
     .doc = "Input UVH5 file"},
    {"vis", MMS_PATH, AT(vis), .flags = MMS_PARAM_REQUIRED | MMS_PARAM_POSITIONAL,
     .doc = "Output MeasurementSet or Multi-MS; must not exist"},
    {"createmms", MMS_BOOL, AT(createmms), .init = "False",
     .doc = "Make a Multi-MS; False writes one plain MS"},
    {"separationaxis", MMS_CHOICE, AT(separationaxis), .init = "auto",
     .allowed = "auto scan spw balanced baseline both", .needs = "createmms",
     .doc =
         "Axis to separate on: auto (spws x scans), balanced (CASA 6's auto), scan, spw, baseline"},
    {"numsubms", MMS_COUNT, AT(numsubms), .init = "auto", .needs = "createmms",
     .doc = "Number of sub-MSs; auto is 8"},
    {"flagbackup", MMS_BOOL, AT(flagbackup), .init = "True", .needs = "createmms",
     .doc = "Save the flags of the Multi-MS as version partition_1"},
    {"profile", MMS_CHOICE, AT(profile), .init = "seed", .allowed = "seed linked",
     .needs = "createmms",
     .doc =
         "Sub-tables of the later sub-MSs: seed copies all but POINTING and SYSCAL, linked links "
         "all but SOURCE and HISTORY"},
    {"naming", MMS_CHOICE, AT(naming), .init = "short", .allowed = "short full",
     .needs = "createmms",
     .doc = "Names of sub-MSs: x.0000.ms (short) or x.mms.0000.ms (full) for x.mms"},
    {"unprojected", MMS_CHOICE, AT(unprojected), .init = "refuse", .allowed = "refuse zenith",
     .doc = "What is not phased: refuse it, or phase it to the zenith at the first time"},
    {"flipconj", MMS_BOOL, AT(flipconj), .init = "True",
     .doc = "Negate uvw and conjugate data, as pyuvdata does"},
    {"keepabsent", MMS_BOOL, AT(keepabsent), .init = "False",
     .doc = "Keep rows whose visibilities are all 0 and flagged"},
    {"overwrite", MMS_BOOL, AT(overwrite), .init = "False",
     .doc = "Replace vis when the new one is complete"},
    MMS_PARAM_MEMORY(struct importuvh5, memory),
    MMS_PARAM_RESUME(struct importuvh5, resume),
    {"keepscratch", MMS_BOOL, AT(keepscratch), .init = "False", .flags = MMS_PARAM_RUN,
     .doc = "Keep the unfinished output after a failure"},
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
    const mms_uvh5_import_request request = {
        .uvh5file = p->uvh5file,
        .vis = p->vis,
        .flipconj = p->flipconj,
        .keepabsent = p->keepabsent,
        .zenith = !strcmp(p->unprojected, "zenith"),
        .overwrite = p->overwrite,
        .createmms = p->createmms,
        .separationaxis = p->separationaxis,
        .numsubms = p->numsubms,
        .layout = {!strcmp(p->naming, "full"), !strcmp(p->profile, "linked")},
        .flagbackup = p->flagbackup && p->createmms,
        .how = {.memory = p->memory,
                .sync = p->sync,
                .dryrun = p->dryrun,
                .keepscratch = p->keepscratch,
                .resume = p->resume}};
    mms_host host = mms_task_writing_host(run);
    const mms_status st = mms_uvh5_import(&request, &host, result, err);

    mms_task_host_free(&host);
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
            json_string_value(json_object_get(result, "outputvis")), number(result, "rows"),
            number(result, "blts"), number(result, "windows"), number(result, "channels"),
            number(result, "polarizations"),
            json_is_true(json_object_get(result, "negated")) ? "negated and data conjugated"
                                                             : "and data as they are");
    if (*json_string_value(json_object_get(result, "axis_type")))
        mms_plan_print_parts(result, out);
}

const mms_task mms_task_importuvh5 = {
    .name = "importuvh5",
    .summary = "write a UVH5 file as a MeasurementSet or Multi-MS",
    .params = params,
    .params_size = sizeof(struct importuvh5),
    .run = run,
    .print = print,
    .unit = mms_uvh5_import_unit,
    .details = "Examples:\n"
               "  multims importuvh5 in.uvh5 out.ms\n"
               "  multims importuvh5 in.uvh5 out.mms --createmms --separationaxis scan -j 4\n",
};
