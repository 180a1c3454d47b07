/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file cvel.c  The task cvel, which is CASA's cvel2: combine, smooth, regrid (parallel-tasks 1.8,
 *  4.3). */
#include "transform_priv.h"

struct cvel {
    struct mms_io io;
    mms_select select;
    bool keepmms, passall, hanning, tiles, share, dryrun, sync, keepscratch, resume;
    const char *datacolumn, *mode, *start, *width, *interpolation, *phasecenter, *restfreq,
        *outframe, *veltype, *numerics;
    int64_t nchan, memory;
};

#define AT(member) offsetof(struct cvel, member)

static const mms_param params[] = {
    MMS_PARAMS_IO_SAYING(struct cvel, io,
                         "Must provide output data set name in parameter outputvis."),
    {"keepmms", MMS_BOOL, AT(keepmms), .init = "True",
     .doc = "Write a Multi-MS when the input is one"},
    {"passall", MMS_BOOL, AT(passall), .init = "False", .flags = MMS_PARAM_HIDDEN,
     .doc = "Not supported, as in cvel2"},
    MMS_PARAMS_SELECT_CASA(struct cvel, select),
    {"datacolumn", MMS_CHOICE, AT(datacolumn), .init = "all", .allowed = MMS_DATACOLUMNS,
     .doc = "Data columns to write; corrected or model alone becomes DATA"},
    {"mode", MMS_CHOICE, AT(mode), .init = "channel",
     .allowed = "channel velocity frequency channel_b", .doc = "Units of start and width"},
    {"nchan", MMS_INT, AT(nchan), .init = "-1", .doc = "Output channels; -1: all that fit"},
    {"start", MMS_STRING, AT(start), .init = "0",
     .doc = "First channel: a number, a frequency or a velocity, by mode"},
    {"width", MMS_STRING, AT(width), .init = "1",
     .doc = "Channel width: a number, a frequency or a velocity, by mode"},
    {"interpolation", MMS_CHOICE, AT(interpolation), .init = "linear",
     .allowed = "nearest linear cubic spline fftshift", .doc = "Interpolation in frequency"},
    {"phasecenter", MMS_STRING, AT(phasecenter), .init = "",
     .doc = "Direction of the frame change: a field id or J2000 10h00m00s -30d00m00s; empty: that "
            "of the first field"},
    {"restfreq", MMS_STRING, AT(restfreq), .init = "", .doc = "Rest frequency, e.g. 1420.4058MHz"},
    {"outframe", MMS_CHOICE, AT(outframe), .init = "", .allowed = MMS_OUTFRAMES,
     .doc = "Frequency frame of the output; empty keeps it"},
    {"veltype", MMS_CHOICE, AT(veltype), .init = "radio", .allowed = "radio optical",
     .doc = "Definition of velocity"},
    {"hanning", MMS_BOOL, AT(hanning), .init = "False",
     .doc = "Hanning-smooth the spectra before they are regridded"},
    MMS_PARAM_TAQL(struct cvel, select),
    MMS_PARAMS_TRANSFORM(struct cvel),
    {0},
};

static mms_status run(mms_run *run, const void *arg, mms_value *result, mms_error *err)
{
    const struct cvel *p = arg;
    mms_request request = {
        MMS_REQUEST_OF(MMS_DECIDE_CVEL, p),
        .outputvis = p->io.outputvis,
        .datacolumn = p->datacolumn,
        .keepflags = false, // as cvel2 does
        .reindex = true,
        .hanning = p->hanning,
        .smooth_spw = "",
        .combinespws = true,
        .regrid = {.on = true,
                   .mode = p->mode,
                   .nchan = p->nchan,
                   .start = p->start,
                   .width = p->width,
                   .nspw = 1,
                   .interpolation = p->interpolation,
                   .phasecenter = p->phasecenter,
                   .restfreq = p->restfreq,
                   .outframe = p->outframe,
                   .veltype = p->veltype},
    };

    if (p->passall)
        mms_log(MMS_LOG_WARN, "cvel", "Parameter passall=True is not supported in cvel2");
    return mms_task_request(run, &request, result, err);
}

const mms_task mms_task_cvel = {
    .name = "cvel",
    .alias = "cvel2",
    .summary = "combine the spectral windows and regrid them to another frequency frame",
    .params = params,
    .params_size = sizeof(struct cvel),
    .run = run,
    .print = mms_transform_print,
    .unit = mms_output_unit,
    .details = "Examples:\n"
               "  multims cvel in.ms out.ms datacolumn=data outframe=LSRK\n"
               "  multims cvel in.ms out.ms datacolumn=data mode=velocity outframe=LSRK \\\n"
               "      restfreq=1420.4058MHz start=-50km/s width=1km/s nchan=100\n",
};
