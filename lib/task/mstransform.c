/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file mstransform.c  The task mstransform: select, transform, write (parallel-tasks 4.1). */
#include "transform_priv.h"
#include <inttypes.h>

struct mstransform {
    struct mms_io io;
    mms_select select;
    bool createmms, realmodelcol, keepflags, usewtspectrum, combinespws, chanaverage, hanning,
        regridms, preaverage, timeaverage, docallib, douvcontsub, want_cont, denoising_lib,
        disableparallel, monolithic_processing, reindex, tiles, share, dryrun, sync, keepscratch,
        resume;
    const char *separationaxis, *datacolumn, *mode, *start, *width, *interpolation, *phasecenter,
        *restfreq, *outframe, *veltype, *timespan, *callib, *fitspw, *numerics;
    int64_t numsubms, nchan, nspw, fitorder, nthreads, niter, ddistart, memory;
    mms_ints tileshape, chanbin;
    double timebin_s, maxuvwdistance_m;
};

#define AT(member) offsetof(struct mstransform, member)

static const mms_param params[] = {
    MMS_PARAMS_IO(struct mstransform, io),
    {"createmms", MMS_BOOL, AT(createmms), .init = "False", .doc = "Write a Multi-MS from an MS"},
    {"separationaxis", MMS_CHOICE, AT(separationaxis), .init = "auto",
     .allowed = "auto scan spw balanced baseline both", .needs = "createmms",
     .doc = "Axis to separate on, as in partition"},
    {"numsubms", MMS_COUNT, AT(numsubms), .init = "auto", .needs = "createmms",
     .doc = "Number of sub-MSs; auto is 8"},
    {"tileshape", MMS_INTS, AT(tileshape), .init = "0",
     .doc = "Tiles of DATA and FLAG: 0 as the input, 1 flexible, or correlations,channels,rows"},
    MMS_PARAMS_SELECT_CASA(struct mstransform, select),
    {"datacolumn", MMS_CHOICE, AT(datacolumn), .init = "corrected", .allowed = MMS_DATACOLUMNS,
     .doc = "Data columns to write; corrected or model alone becomes DATA"},
    {"realmodelcol", MMS_BOOL, AT(realmodelcol), .init = "False",
     .doc = "Write a virtual model as a real MODEL_DATA"},
    {"keepflags", MMS_BOOL, AT(keepflags), .init = "True",
     .doc = "Keep rows that are flagged as a whole"},
    {"usewtspectrum", MMS_BOOL, AT(usewtspectrum), .init = "False",
     .doc = "Write WEIGHT_SPECTRUM and SIGMA_SPECTRUM even if the input has none"},
    {"combinespws", MMS_BOOL, AT(combinespws), .init = "False",
     .doc = "Combine the spectral windows into one"},
    MMS_PARAMS_CHANAVERAGE(struct mstransform),
    {"hanning", MMS_BOOL, AT(hanning), .init = "False", .doc = "Hanning-smooth the spectra"},
    {"regridms", MMS_BOOL, AT(regridms), .init = "False", .doc = "Regrid the spectra"},
    {"mode", MMS_CHOICE, AT(mode), .init = "channel",
     .allowed = "channel velocity frequency channel_b", .needs = "regridms",
     .doc = "Units of start and width"},
    {"nchan", MMS_INT, AT(nchan), .init = "-1", .needs = "regridms",
     .doc = "Output channels of each window; -1: all that fit"},
    {"start", MMS_STRING, AT(start), .init = "0", .needs = "regridms",
     .doc = "First channel: a number, a frequency or a velocity, by mode"},
    {"width", MMS_STRING, AT(width), .init = "1", .needs = "regridms",
     .doc = "Channel width: a number, a frequency or a velocity, by mode; negative: the other way"},
    {"nspw", MMS_INT, AT(nspw), .init = "1", .needs = "regridms",
     .doc = "Output windows; more than 1 combines the windows and cuts the result"},
    {"interpolation", MMS_CHOICE, AT(interpolation), .init = "linear",
     .allowed = "nearest linear cubic spline fftshift", .needs = "regridms",
     .doc = "Interpolation in frequency"},
    {"phasecenter", MMS_STRING, AT(phasecenter), .init = "", .needs = "regridms",
     .doc = "Direction of the frame change: a field id or J2000 10h00m00s -30d00m00s; empty: that "
            "of the first field"},
    {"restfreq", MMS_STRING, AT(restfreq), .init = "", .needs = "regridms",
     .doc = "Rest frequency, e.g. 1420.4058MHz"},
    {"outframe", MMS_CHOICE, AT(outframe), .init = "", .allowed = MMS_OUTFRAMES,
     .needs = "regridms", .doc = "Frequency frame of the output; empty keeps it"},
    {"veltype", MMS_CHOICE, AT(veltype), .init = "radio", .allowed = "radio optical",
     .needs = "regridms", .doc = "Definition of velocity"},
    {"preaverage", MMS_BOOL, AT(preaverage), .init = "False", .needs = "regridms",
     .doc = "Average channels before regridding"},
    MMS_PARAMS_TIMEAVERAGE(struct mstransform),
    {"docallib", MMS_BOOL, AT(docallib), .init = "False", .flags = MMS_PARAM_MISSING,
     .doc = "Calibrate on the fly"},
    {"callib", MMS_STRING, AT(callib), .init = "", .needs = "docallib", .flags = MMS_PARAM_MISSING,
     .doc = "Calibration library"},
    {"douvcontsub", MMS_BOOL, AT(douvcontsub), .init = "False",
     .doc = "Subtract the continuum, before all but the time average"},
    {"fitspw", MMS_STRING, AT(fitspw), .init = "", .needs = "douvcontsub",
     .doc = "Line-free channels, as spw:channels; empty: all"},
    {"fitorder", MMS_INT, AT(fitorder), .init = "0", .needs = "douvcontsub",
     .doc = "Order of the polynomial"},
    {"want_cont", MMS_BOOL, AT(want_cont), .init = "False", .needs = "douvcontsub",
     .doc = "Write the polynomial, not what is left"},
    {"denoising_lib", MMS_BOOL, AT(denoising_lib), .init = "True", .needs = "douvcontsub",
     .doc = "Kept for CASA's calls: there is one fitter"},
    {"nthreads", MMS_INT, AT(nthreads), .init = "1", .needs = "douvcontsub",
     .doc = "Kept for CASA's calls: workers are threads where they can"},
    {"niter", MMS_INT, AT(niter), .init = "1", .needs = "douvcontsub",
     .doc = "Fits, each with less weight for channels far from the one before"},
    {"disableparallel", MMS_BOOL, AT(disableparallel), .init = "False", .flags = MMS_PARAM_HIDDEN,
     .doc = "Use one worker"},
    {"ddistart", MMS_INT, AT(ddistart), .init = "-1", .flags = MMS_PARAM_HIDDEN,
     .doc = "First DATA_DESC_ID in the main table"},
    MMS_PARAM_TAQL(struct mstransform, select),
    {"monolithic_processing", MMS_BOOL, AT(monolithic_processing), .init = "False",
     .flags = MMS_PARAM_HIDDEN, .doc = "Read a Multi-MS as one MS"},
    {"reindex", MMS_BOOL, AT(reindex), .init = "True", .flags = MMS_PARAM_HIDDEN,
     .doc = "Renumber ids; False keeps all sub-table rows and ids"},
    MMS_PARAMS_TRANSFORM(struct mstransform),
    {0},
};

mms_status mms_check_averages(const mms_ints *chanbin, const double *timebin_s,
                              double maxuvwdistance_m, mms_error *err)
{
    if (chanbin && chanbin->count < 2 && !(chanbin->count && chanbin->values[0] > 1))
        return mms_fail(err, MMS_ERR_ARG, "Parameter chanbin must be > 1 to do channel averaging");
    if (timebin_s && !(*timebin_s > 0))
        return mms_fail(err, MMS_ERR_ARG, "Parameter timebin must be > '0s' to do time averaging");
    if (maxuvwdistance_m < 0)
        return mms_fail(err, MMS_ERR_ARG, "parameter maxuvwdistance: %g m is not a distance",
                        maxuvwdistance_m);
    return MMS_OK;
}

static mms_status check(const struct mstransform *p, mms_error *err)
{
    const mms_status st = MMS_CHECK_AVERAGES(p, err);

    if (st != MMS_OK)
        return st;
    if (p->niter < 1)
        return mms_fail(err, MMS_ERR_ARG, "parameter niter: %" PRId64 " is not a number of fits",
                        p->niter);
    if (p->nthreads < 1)
        return mms_fail(err, MMS_ERR_ARG,
                        "parameter nthreads: %" PRId64 " is not a number of threads", p->nthreads);
    if (p->ddistart < -1 || p->ddistart > INT32_MAX / 2)
        return mms_fail(err, MMS_ERR_ARG, "parameter ddistart: %" PRId64 " is not a DATA_DESC_ID",
                        p->ddistart);
    return MMS_OK;
}

static mms_regrid_asked regrid_of(const struct mstransform *p)
{
    return (mms_regrid_asked){.on = p->regridms,
                              .mode = p->mode,
                              .nchan = p->nchan,
                              .start = p->start,
                              .width = p->width,
                              .nspw = p->nspw,
                              .interpolation = p->interpolation,
                              .phasecenter = p->phasecenter,
                              .restfreq = p->restfreq,
                              .outframe = p->outframe,
                              .veltype = p->veltype,
                              .preaverage = p->preaverage};
}

static mms_request request_of(const struct mstransform *p)
{
    mms_request request = {
        .verb = MMS_DECIDE_MSTRANSFORM,
        .vis = p->io.vis,
        .outputvis = p->io.outputvis,
        .select = p->select,
        .createmms = p->createmms,
        .keepmms = true,
        .monolithic = p->monolithic_processing,
        .separationaxis = p->separationaxis,
        .numsubms = p->numsubms,
        .datacolumn = p->datacolumn,
        .realmodelcol = p->realmodelcol,
        .keepflags = p->keepflags,
        .usewtspectrum = p->usewtspectrum,
        .reindex = p->reindex,
        .ddistart = p->ddistart,
        .chanbin = p->chanaverage ? p->chanbin : (mms_ints){0},
        .chanbin_name = "chanbin",
        .hanning = p->hanning,
        .smooth_spw = "",
        .timebin_s = p->timeaverage ? p->timebin_s : 0,
        .timespan = p->timespan,
        .timespan_name = "timespan",
        .maxuvwdistance_m = p->maxuvwdistance_m,
        .combinespws = p->combinespws,
        .tileshape = p->tileshape,
        .numerics = MMS_NUMERICS_OF(p),
        .how = MMS_HOW_OF(p),
    };

    request.regrid = regrid_of(p);
    request.continuum = (mms_continuum_asked){.on = p->douvcontsub,
                                              .fitspec = p->fitspw,
                                              .order = p->fitorder,
                                              .niter = p->niter,
                                              .keeps_fit = p->want_cont};
    return request;
}

static mms_status run(mms_run *run, const void *arg, mms_value *result, mms_error *err)
{
    const struct mstransform *p = arg;
    const mms_status st = check(p, err);

    if (st != MMS_OK)
        return st;
    if (p->disableparallel)
        run->workers = 1;
    if (p->douvcontsub)
        mms_log(MMS_LOG_WARN, "mstransform",
                "The parameter douvcontsub of mstransform is deprecated and will be removed in an "
                "upcoming release. The task uvcontsub can be used as an alternative.");
    mms_request request = request_of(p);
    return mms_task_request(run, &request, result, err);
}

const mms_task mms_task_mstransform = {
    .name = "mstransform",
    .summary = "select, average, smooth and write a MeasurementSet or Multi-MS",
    .params = params,
    .params_size = sizeof(struct mstransform),
    .run = run,
    .print = mms_transform_print,
    .unit = mms_output_unit,
    .details = "Examples:\n"
               "  multims mstransform in.ms out.ms datacolumn=data chanaverage=True chanbin=4\n"
               "  multims mstransform in.mms out.mms timeaverage=True timebin=20s\n",
};
