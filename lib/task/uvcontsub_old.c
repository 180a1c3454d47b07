/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file uvcontsub_old.c  The task uvcontsub of CASA before 6.6, there uvcontsub_old: subtract the
 *  continuum from windows that are renumbered (parallel-tasks 1.11, 3.6, 4.6). */
#include <float.h>
#include <stdlib.h>
#include <string.h>

#include "transform_priv.h"

struct uvcontsub_old {
    struct mms_io io;
    mms_select select;
    bool excludechans, want_cont, keepmms, tiles, share, dryrun, sync, keepscratch, resume;
    const char *fitspw, *combine, *solint, *numerics;
    int64_t fitorder, memory;
};

#define AT(member) offsetof(struct uvcontsub_old, member)

static const mms_param params[] = {
    MMS_PARAM_VIS(struct uvcontsub_old, io.vis),
    MMS_PARAM_FIELD(struct uvcontsub_old, select),
    MMS_PARAM_SELECT("fitspw", struct uvcontsub_old, fitspw, MMS_PARAM_LITERAL,
                     "Channels without lines, as spw:channels or spw:frequencies; empty: all"),
    {"excludechans", MMS_BOOL, AT(excludechans), .init = "False", .needs = "fitspw",
     .doc = "fitspw names the channels with lines"},
    {"combine", MMS_SELECTION, AT(combine), .init = "", .flags = MMS_PARAM_WORDS,
     .doc = "What is fitted together: spw, the windows of a baseline and time; scan, with solint"},
    {"solint", MMS_STRING, AT(solint), .init = "int",
     .doc = "Times of a baseline that are fitted together: int, each alone; inf; or 30s, 2min"},
    {"fitorder", MMS_INT, AT(fitorder), .init = "0", .doc = "Order of the polynomials"},
    MMS_PARAM_SPW(struct uvcontsub_old, select),
    {"want_cont", MMS_BOOL, AT(want_cont), .init = "False",
     .doc = "Write the polynomials to a second set, <vis>.cont"},
    {"outputvis", MMS_PATH, AT(io.outputvis), .init = "",
     .doc = "Output; must not exist; empty: <vis>.contsub"},
    {"keepmms", MMS_BOOL, AT(keepmms), .init = "True",
     .doc = "Write a Multi-MS when the input is one"},
    MMS_PARAMS_TRANSFORM(struct uvcontsub_old),
    {0},
};

/** What is fitted together: windows, scans, times. */
static mms_status read_words(const struct uvcontsub_old *p, mms_continuum_asked *asked,
                             mms_error *err)
{
    for (const char *at = p->combine; *at; at += strspn(at, ", ")) {
        const size_t n = strcspn(at, ", ");
        const bool spw = n == strlen("spw") && !strncmp(at, "spw", n);
        if (n && !spw && (n != strlen("scan") || strncmp(at, "scan", n)))
            return mms_fail(err, MMS_ERR_ARG, "parameter combine: %s is not one of scan, spw",
                            p->combine);
        asked->across_windows = asked->across_windows || (n && spw);
        asked->across_scans = asked->across_scans || (n && !spw);
        at += n;
    }
    if (!strcmp(p->solint, "inf"))
        asked->solint_s = DBL_MAX;
    else if (strcmp(p->solint, "int") != 0 &&
             (!mms_parse_seconds(p->solint, &asked->solint_s) || !(asked->solint_s > 0)))
        return mms_fail(err, MMS_ERR_ARG,
                        "parameter solint: %s is not int, inf or a time above 0 such as 30s",
                        p->solint);
    return MMS_OK;
}

/** The set of the polynomials beside outputvis: x.contsub has x.cont, others get .cont. */
static char *cont_name(const char *outputvis)
{
    static const char end[] = ".contsub";
    const size_t n = strlen(outputvis), last = strlen(end);

    if (n > last && !strcmp(outputvis + n - last, end))
        return mms_format("%.*s", (int)(n - strlen("sub")), outputvis);
    return mms_format("%s.cont", outputvis);
}

static mms_status write_one(mms_run *run, const struct uvcontsub_old *p, const char *outputvis,
                            bool keeps_fit, mms_value *result, mms_error *err)
{
    mms_request request = {
        MMS_REQUEST_OF(MMS_DECIDE_UVCONTSUB, p),
        .outputvis = outputvis,
        .datacolumn = "corrected",
        .data_for_corrected = true,
        .keepflags = true,
        .reindex = true,
        .smooth_spw = "",
        .continuum = {.on = true,
                      .fitspec = p->fitspw,
                      .fitspec_name = "fitspw",
                      .order = p->fitorder,
                      .niter = 1,
                      .keeps_fit = keeps_fit,
                      .excludes = p->excludechans && *p->fitspw,
                      .strict = true},
    };
    char *spws = NULL;
    mms_status st;

    MMS_TRY(read_words(p, &request.continuum, err));
    MMS_TRY(mms_request_find_whole(&request, &spws, err));
    if (spws) {
        mms_host host = mms_task_writing_host(run);
        st = mms_request_run_whole(&request, spws, &host, result, err);
        mms_task_host_free(&host);
    } else {
        st = mms_task_request(run, &request, result, err);
    }
    json_object_del(result, "goodness_of_fit");
done:
    free(spws);
    return st;
}

/** Whether a run that is gone on with has written the polynomials. */
static bool has_cont(mms_run *run, const struct uvcontsub_old *p, const char *outputvis,
                     const char *name)
{
    mms_host host = mms_task_writing_host(run);
    const bool has = p->resume && mms_output_was_beside(&host, p->io.vis, outputvis, name);

    if (has)
        mms_log(MMS_LOG_INFO, run->task->name, "%s was complete", name);
    mms_task_host_free(&host);
    return has;
}

/** Write the polynomials too; both names are looked at before. */
static mms_status write_cont(mms_run *run, const struct uvcontsub_old *p, const char *outputvis,
                             mms_error *err)
{
    char *const name = cont_name(outputvis);
    mms_value *result = json_object();
    mms_status st = MMS_OK;

    MMS_TRY(name ? MMS_OK : mms_fail(err, MMS_ERR_MEM, "%s: out of memory", outputvis));
    if (has_cont(run, p, outputvis, name))
        goto done;
    MMS_TRY(mms_output_check_new(p->io.vis, outputvis, false, err));
    MMS_TRY(write_one(run, p, name, true, result, err));
done:
    mms_value_free(&result);
    free(name);
    return st;
}

static mms_status run(mms_run *run, const void *arg, mms_value *result, mms_error *err)
{
    const struct uvcontsub_old *p = arg;
    char *outputvis = NULL;
    mms_status st;

    outputvis = *p->io.outputvis ? strdup(p->io.outputvis) : mms_format("%s.contsub", p->io.vis);
    MMS_TRY(outputvis ? MMS_OK : mms_fail(err, MMS_ERR_MEM, "%s: out of memory", p->io.vis));
    if (p->want_cont)
        MMS_TRY(write_cont(run, p, outputvis, err));
    MMS_TRY(write_one(run, p, outputvis, false, result, err));
done:
    free(outputvis);
    return st;
}

const mms_task mms_task_uvcontsub_old = {
    .name = "uvcontsub_old",
    .summary = "subtract the continuum with the parameters of CASA's old task",
    .params = params,
    .params_size = sizeof(struct uvcontsub_old),
    .run = run,
    .print = mms_transform_print,
    .unit = mms_output_unit,
    .details = "Examples:\n"
               "  multims uvcontsub_old in.ms fitspw='0:0~40;80~127' fitorder=1 spw=0\n",
};
