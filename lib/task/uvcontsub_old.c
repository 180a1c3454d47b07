/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file uvcontsub_old.c  The task uvcontsub of CASA before 6.6, there uvcontsub_old: subtract the
 *  continuum from windows that are renumbered (parallel-tasks 1.11, 3.6, 4.6). */
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
     .doc = "scan, which does nothing where each integration is fitted; spw is not done"},
    {"solint", MMS_STRING, AT(solint), .init = "int", .doc = "Time that is fitted together: int"},
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

/** Refuse what would need rows or windows that are fitted together. */
static mms_status check_words(const struct uvcontsub_old *p, mms_error *err)
{
    if (strstr(p->combine, "spw"))
        return mms_fail(err, MMS_ERR_UNSUPPORTED,
                        "parameter combine: %s: windows that are fitted together are not in this "
                        "version",
                        p->combine);
    for (const char *at = p->combine; *at; at += strspn(at, ", ")) {
        const size_t n = strcspn(at, ", ");
        if (n && (n != strlen("scan") || strncmp(at, "scan", n)))
            return mms_fail(err, MMS_ERR_ARG, "parameter combine: %s is not one of scan, spw",
                            p->combine);
        at += n;
    }
    if (strcmp(p->solint, "int") != 0)
        return mms_fail(err, MMS_ERR_UNSUPPORTED,
                        "parameter solint: %s: times that are fitted together are not in this "
                        "version, solint=int fits each integration",
                        p->solint);
    if (p->resume && p->want_cont)
        return mms_fail(err, MMS_ERR_ARG,
                        "parameter resume: two outputs (want_cont=True) can't be resumed: remove "
                        "what there is of them and run again");
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
    const bool excludes = p->excludechans && *p->fitspw;
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
                      .excludes = excludes,
                      .strict = true},
    };
    const mms_status st = mms_task_request(run, &request, result, err);

    json_object_del(result, "goodness_of_fit");
    return st;
}

/** Write the polynomials too; both names are looked at before. */
static mms_status write_cont(mms_run *run, const struct uvcontsub_old *p, const char *outputvis,
                             mms_error *err)
{
    char *const name = cont_name(outputvis);
    mms_value *result = json_object();
    mms_status st = name ? mms_output_check_new(p->io.vis, outputvis, false, err)
                         : mms_fail(err, MMS_ERR_MEM, "%s: out of memory", outputvis);

    if (st == MMS_OK)
        st = write_one(run, p, name, true, result, err);
    mms_value_free(&result);
    free(name);
    return st;
}

static mms_status run(mms_run *run, const void *arg, mms_value *result, mms_error *err)
{
    const struct uvcontsub_old *p = arg;
    char *outputvis = NULL;
    mms_status st;

    MMS_TRY(check_words(p, err));
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
