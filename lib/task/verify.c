/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file verify.c  The task verify: is a Multi-MS sound, does it hold what its source holds. */
#include <string.h>

#include "transform_priv.h"
#include "uvh5/side_priv.h"
#include "verify_priv.h"

struct verify {
    const char *vis, *against, *datacolumn, *flipconj, *eop, *ignored;
    struct mms_select select;
    int64_t show;
    bool tiles;
};

/** A key of partition that says how rows are cut, not which there are. */
#define IGNORED(key)                                                                    \
    {                                                                                   \
#key, MMS_STRING, offsetof(struct verify, ignored),                             \
            .needs = "against", .flags = MMS_PARAM_HIDDEN, .doc = "Taken and not used", \
    }

static const mms_param params[] = {
    MMS_PARAM_VIS(struct verify, vis),
    {"against", MMS_PATH, offsetof(struct verify, against),
     .doc = "Source of the partition: every selected row must be there once, with equal values"},
    MMS_PARAMS_SELECT(struct verify, select),
    {"datacolumn", MMS_CHOICE, offsetof(struct verify, datacolumn), .init = "all",
     .allowed = "all data corrected model data,model,corrected float_data lag_data "
                "float_data,data lag_data,data",
     .needs = "against",
     .doc =
         "Data columns of the partition; of a UVH5 file that which is in it, default: as it says"},
    {"flipconj", MMS_CHOICE, offsetof(struct verify, flipconj), .init = "auto",
     .allowed = "auto true false", .needs = "against",
     .doc = "Of a UVH5 file: whether uvw are negated and data conjugated, as exportuvh5 has it"},
    IGNORED(separationaxis),
    IGNORED(numsubms),
    IGNORED(createmms),
    IGNORED(flagbackup),
    IGNORED(repartition),
    IGNORED(profile),
    IGNORED(naming),
    {"show", MMS_INT, offsetof(struct verify, show), .init = "10", .allowed = "0..",
     .doc = "Findings to show of each check"},
    MMS_PARAM_TILES_READ(struct verify, tiles),
    {0},
};

/** Return a key of the request that the user gave, or NULL. */
static const char *request_key(const mms_run *run)
{
    const char *name;
    mms_value *given;

    json_object_foreach((mms_value *)run->given, name,
                        given) if (strcmp(name, "vis") && strcmp(name, "against") &&
                                   strcmp(name, "show") && strcmp(name, "tiles")) return name;
    return NULL;
}

/** A UVH5 file, alone or against an MS. */
static mms_status run_uvh5(mms_run *run, const struct verify *p, bool from_history,
                           mms_value *result, mms_error *err)
{
    const bool named = json_object_get(run->given, "datacolumn") != NULL;
    const mms_uvh5_request against = {.vis = p->against,
                                      .select = p->select,
                                      .datacolumn = named ? p->datacolumn : "",
                                      .flipconj = p->flipconj,
                                      .eop = "auto",
                                      .how.tiles = p->tiles};
    const mms_uvh5_judged judged = {.file = p->vis,
                                    .against = *p->against ? &against : NULL,
                                    .from_history = from_history,
                                    .show = p->show};
    const mms_host host = mms_task_host(run);

    if (named && (strchr(p->datacolumn, ',') || !strcmp(p->datacolumn, "all") ||
                  !strcmp(p->datacolumn, "lag_data")))
        return mms_fail(err, MMS_ERR_ARG,
                        "parameter datacolumn: %s: a UVH5 file holds one of data, corrected, "
                        "model, float_data",
                        p->datacolumn);
    return mms_uvh5_judge(&judged, &host, result, err);
}

static mms_status run(mms_run *run, const void *arg, mms_value *result, mms_error *err)
{
    const struct verify *p = arg;
    const bool is_uvh5 = mms_uvh5_is_file(p->vis);
    const char *const key = request_key(run);
    mms_verify_opts opts = MMS_VERIFY_OPTS_INIT;

    if (key && !*p->against)
        return mms_fail(err, MMS_ERR_ARG,
                        "parameter %s: only with against, the source that the "
                        "Multi-MS was cut from",
                        key);
    if (!is_uvh5 && json_object_get(run->given, "flipconj"))
        return mms_fail(err, MMS_ERR_ARG, "parameter flipconj: %s is no UVH5 file", p->vis);
    opts.against = p->against;
    opts.select = &p->select;
    opts.datacolumn = p->datacolumn;
    opts.from_history = !key;
    opts.show = p->show;
    opts.tiles = p->tiles;
    const mms_status st = is_uvh5 ? run_uvh5(run, p, !key, result, err)
                                  : mms_verify_run(run, p->vis, &opts, result, err);
    if (json_object_size(result) > 0) // else it could not begin
        json_object_set_new(result, "vis", mms_text_value(p->vis));
    if (json_object_size(result) > 0 && *p->against)
        json_object_set_new(result, "against", mms_text_value(p->against));
    return st;
}

const mms_task mms_task_verify = {
    .name = "verify",
    .summary = "verify a Multi-MeasurementSet or UVH5 file, alone or against its source",
    .details =
        "Alone: members, columns, links, table.info, ids in range, equal sub-tables.\n"
        "With --against and the keys of the partition request: rows, values and sub-tables.\n"
        "Without keys the last partition that HISTORY names is taken.\n\n"
        "A UVH5 file alone: layout, counts, times, places, uvw.  With --against an MS that it was\n"
        "made from or became: every visibility, flag, nsample, time, uvw, antenna, frequency.\n"
        "Without keys the selection of the export that its history names is taken.\n\n"
        "Exit status: 0 sound, 1 findings, 2 could not be verified.\n\n"
        "Examples:\n"
        "  multims verify obs.mms\n"
        "  multims verify obs.mms --against obs.ms\n"
        "  multims verify in.uvh5 --against in.ms\n",
    .params = params,
    .params_size = sizeof(struct verify),
    .run = run,
    .judges = true,
    .unit = mms_verify_unit,
    .print = mms_report_print,
    .print_line = mms_report_print_line,
};
