/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file exportuvh5.c  The task exportuvh5: an MS or Multi-MS as a UVH5 file. */
#include <string.h>

#include "transform_priv.h"
#include "uvh5/uvh5_priv.h"

struct exportuvh5 {
    const char *vis, *uvh5file, *datacolumn, *polorder, *flipconj, *eop, *compression, *timespan;
    mms_select select;
    bool chanaverage, timeaverage;
    mms_ints chanbin;
    double timebin_s, maxuvwdistance_m;
    bool perpart, overwrite, tiles, dryrun, sync, keepscratch, resume;
    int64_t memory;
};

#define AT(member) offsetof(struct exportuvh5, member)

static const mms_param params[] = {
    MMS_PARAM_VIS(struct exportuvh5, vis),
    {"uvh5file", MMS_PATH, AT(uvh5file), .flags = MMS_PARAM_REQUIRED | MMS_PARAM_POSITIONAL,
     .doc = "Output file; must not exist"},
    {"datacolumn", MMS_CHOICE, AT(datacolumn), .init = "corrected",
     .allowed = "data corrected model float_data", .doc = "Data column to write"},
    MMS_PARAMS_SELECT(struct exportuvh5, select),
    MMS_PARAMS_CHANAVERAGE(struct exportuvh5),
    MMS_PARAMS_TIMEAVERAGE(struct exportuvh5),
    {"polorder", MMS_CHOICE, AT(polorder), .init = "aips", .allowed = "aips casa",
     .doc = "Order of the polarizations: aips XX YY XY YX, casa XX XY YX YY"},
    {"flipconj", MMS_CHOICE, AT(flipconj), .init = "auto", .allowed = "auto true false",
     .doc = "Whether uvw are negated and data conjugated; auto: as the antenna positions say"},
    {"eop", MMS_PATH, AT(eop), .init = "auto",
     .doc =
         "Earth orientation: auto, from casacore's tables; none; a finals2000A file of the IERS"},
    {"perpart", MMS_BOOL, AT(perpart), .init = "False",
     .doc = "One file for each part of a Multi-MS: out.0000.uvh5, … for out.uvh5"},
    {"compression", MMS_CHOICE, AT(compression), .init = "none", .allowed = "none gzip",
     .doc = "gzip: flags and nsamples are compressed"},
    {"overwrite", MMS_BOOL, AT(overwrite), .init = "False",
     .doc = "Replace uvh5file when the new one is complete"},
    MMS_PARAM_MEMORY(struct exportuvh5, memory),
    MMS_PARAM_TILES(struct exportuvh5, tiles),
    MMS_PARAM_RESUME(struct exportuvh5, resume),
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
    const struct exportuvh5 *const p = arg;
    const mms_uvh5_request request = {
        .vis = p->vis,
        .uvh5file = p->uvh5file,
        .select = p->select,
        .datacolumn = p->datacolumn,
        .average = {.chanbin = p->chanaverage ? p->chanbin : (mms_ints){0},
                    .timebin_s = p->timeaverage ? p->timebin_s : 0,
                    .timespan = p->timespan,
                    .maxuvwdistance_m = p->maxuvwdistance_m},
        .casa_order = !strcmp(p->polorder, "casa"),
        .flipconj = p->flipconj,
        .eop = p->eop,
        .overwrite = p->overwrite,
        .gzip = !strcmp(p->compression, "gzip"),
        .how = {.memory = p->memory,
                .tiles = p->tiles,
                .sync = p->sync,
                .dryrun = p->dryrun,
                .keepscratch = p->keepscratch,
                .resume = p->resume},
    };
    mms_host host = mms_task_writing_host(run);
    mms_status st = MMS_CHECK_AVERAGES(p, err);

    if (st == MMS_OK)
        st = p->perpart ? mms_uvh5_export_parts(&request, &host, result, err)
                        : mms_uvh5_export(&request, &host, result, err);

    mms_task_host_free(&host);
    return st;
}

static json_int_t number(const mms_value *result, const char *name)
{
    return json_integer_value(json_object_get(result, name));
}

static void print_lost(const mms_value *lost, FILE *out)
{
    size_t i;
    mms_value *name;

    json_array_foreach((mms_value *)lost, i, name)
        fprintf(out, "%s%s", i ? ", " : "Not in the file: ", json_string_value(name));
    if (json_array_size(lost) > 0)
        fprintf(out, "\n");
}

static void print(const mms_value *result, FILE *out)
{
    const mms_value *const parts = json_object_get(result, "parts");

    for (size_t i = 0; i < json_array_size(parts); i++)
        print(json_array_get(parts, i), out);
    if (parts)
        return;
    if (json_object_get(result, "rows_averaged"))
        fprintf(out, "%" JSON_INTEGER_FORMAT " rows averaged to %" JSON_INTEGER_FORMAT "\n",
                number(result, "rows"), number(result, "rows_averaged"));
    if (!json_object_get(result, "blts"))
        return;
    if (json_is_true(json_object_get(result, "kept"))) {
        fprintf(out, "%s: made by an earlier run\n",
                json_string_value(json_object_get(result, "outputvis")));
        return;
    }
    fprintf(out,
            "%s: %" JSON_INTEGER_FORMAT " baseline-times of %" JSON_INTEGER_FORMAT
            " channels in %" JSON_INTEGER_FORMAT " windows and %" JSON_INTEGER_FORMAT
            " polarizations, %.1f MB\n",
            json_string_value(json_object_get(result, "outputvis")), number(result, "blts"),
            number(result, "channels"), number(result, "windows"), number(result, "polarizations"),
            (double)number(result, "bytes_out") / 1e6);
    fprintf(out, "Without rows in the MS: %.1f %%; uvw %s; lst_array %s; telescope from %s\n",
            100 * json_real_value(json_object_get(result, "absent")),
            json_is_true(json_object_get(result, "negated")) ? "negated and data conjugated"
                                                             : "and data as they are",
            json_is_true(json_object_get(result, "lst")) ? "written" : "left out",
            json_string_value(json_object_get(result, "site")));
    print_lost(json_object_get(result, "lost"), out);
}

const mms_task mms_task_exportuvh5 = {
    .name = "exportuvh5",
    .summary = "write a selection of a MeasurementSet as a UVH5 file, for pyuvdata",
    .params = params,
    .params_size = sizeof(struct exportuvh5),
    .run = run,
    .print = print,
    .unit = mms_uvh5_export_unit,
    .details = "Examples:\n"
               "  multims exportuvh5 in.ms out.uvh5 --datacolumn data\n"
               "  multims exportuvh5 in.mms out.uvh5 spw=0:5~20 scan=1,3\n"
               "  multims exportuvh5 in.ms out.uvh5 timeaverage=True timebin=20s chanaverage=True "
               "chanbin=4\n",
};
