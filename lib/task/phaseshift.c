/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file phaseshift.c  The task phaseshift: another phase centre (parallel-tasks 1.13, 4.11). */
#include <string.h>

#include "transform_priv.h"

struct phaseshift {
    struct mms_io io;
    mms_select select;
    bool keepmms, tiles, share, dryrun, sync, keepscratch, resume;
    const char *datacolumn, *phasecenter, *numerics;
    int64_t memory;
};

#define AT(member) offsetof(struct phaseshift, member)

static const mms_param params[] = {
    MMS_PARAMS_IO(struct phaseshift, io),
    {"keepmms", MMS_BOOL, AT(keepmms), .init = "True",
     .doc = "Write a Multi-MS when the input is one"},
    MMS_PARAMS_SELECT_FEW(struct phaseshift, select),
    {"datacolumn", MMS_CHOICE, AT(datacolumn), .init = "all", .allowed = MMS_DATACOLUMNS,
     .doc = "Data columns to write; corrected or model alone becomes DATA"},
    {"phasecenter", MMS_STRING, AT(phasecenter), .init = "", .flags = MMS_PARAM_RECORD,
     .doc = "New phase centre, e.g. J2000 10h00m00s -30d00m00s; or a dictionary (JSON) by field"},
    MMS_PARAMS_SELECT_MORE(struct phaseshift, select),
    MMS_PARAM_TAQL(struct phaseshift, select),
    MMS_PARAMS_TRANSFORM(struct phaseshift),
    {0},
};

static mms_status run(mms_run *run, const void *arg, mms_value *result, mms_error *err)
{
    const struct phaseshift *p = arg;
    mms_request request = {
        MMS_REQUEST_OF(MMS_DECIDE_PHASESHIFT, p),
        .outputvis = p->io.outputvis,
        .datacolumn = p->datacolumn,
        .data_for_corrected = true,
        .keepflags = true,
        .smooth_spw = "",
        .phasecenter = p->phasecenter,
    };

    if (!p->phasecenter[strspn(p->phasecenter, " ")])
        return mms_fail(err, MMS_ERR_ARG, "phasecenter parameter must be specified");
    return mms_task_request(run, &request, result, err);
}

const mms_task mms_task_phaseshift = {
    .name = "phaseshift",
    .summary = "move the phase centre of fields: UVW and phases follow",
    .params = params,
    .params_size = sizeof(struct phaseshift),
    .run = run,
    .print = mms_transform_print,
    .unit = mms_output_unit,
    .details = "Examples:\n"
               "  multims phaseshift in.ms out.ms phasecenter='J2000 10h00m00s -30d00m00s'\n"
               "  multims phaseshift in.mms out.mms \\\n"
               "      phasecenter='{\"0\": \"J2000 10h00m00s -30d00m00s\"}'\n",
};
