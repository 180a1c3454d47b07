/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file hanningsmooth.c  The task hanningsmooth (parallel-tasks 1.9, 4.4). */
#include "transform_priv.h"

struct hanningsmooth {
    struct mms_io io;
    mms_select select;
    bool keepmms, tiles, share, dryrun, sync, keepscratch, resume;
    const char *datacolumn, *smooth_spw, *numerics;
    int64_t memory;
};

#define AT(member) offsetof(struct hanningsmooth, member)

static const mms_param params[] = {
    MMS_PARAMS_IO(struct hanningsmooth, io),
    {"keepmms", MMS_BOOL, AT(keepmms), .init = "True",
     .doc = "Write a Multi-MS when the input is one"},
    MMS_PARAMS_SELECT_CASA(struct hanningsmooth, select),
    {"datacolumn", MMS_CHOICE, AT(datacolumn), .init = "all", .allowed = MMS_DATACOLUMNS,
     .doc = "Data columns to write; corrected or model alone becomes DATA"},
    {"smooth_spw", MMS_SELECTION, AT(smooth_spw), .init = "",
     .doc = "Spws that are smoothed, e.g. 0,2~4; empty: all"},
    MMS_PARAM_TAQL(struct hanningsmooth, select),
    MMS_PARAMS_TRANSFORM(struct hanningsmooth),
    {0},
};

static mms_status run(mms_run *run, const void *arg, mms_value *result, mms_error *err)
{
    const struct hanningsmooth *p = arg;
    mms_request request = {
        MMS_REQUEST_OF(MMS_DECIDE_HANNINGSMOOTH, p),
        .outputvis = p->io.outputvis,
        .datacolumn = p->datacolumn,
        .data_for_corrected = true,
        .keepflags = true,
        .reindex = true,
        .hanning = true,
        .smooth_spw = p->smooth_spw,
    };

    return mms_task_request(run, &request, result, err);
}

const mms_task mms_task_hanningsmooth = {
    .name = "hanningsmooth",
    .alias = "hanningsmooth2",
    .summary = "Hanning-smooth the spectra of a MeasurementSet or Multi-MS",
    .params = params,
    .params_size = sizeof(struct hanningsmooth),
    .run = run,
    .print = mms_transform_print,
    .unit = mms_output_unit,
    .details = "Examples:\n"
               "  multims hanningsmooth in.ms out.ms --datacolumn data\n",
};
