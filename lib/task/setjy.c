/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file setjy.c  The task setjy (parallel-tasks 1.13, 3.5, 4.10; in-place 4). */
#include <stdlib.h>
#include <string.h>

#include "calibrate/calibrate.h"
#include "change_priv.h"
#include "flag_words_priv.h"
#include "setjy_priv.h"

struct setjy {
    struct mms_change_words how;
    mms_select select;
    bool selectdata, scalebychan, listmodels, useephemdir, usescratch, ismms;
    const char *standard, *model, *fluxdensity, *spix, *reffreq, *polindex, *polangle, *fluxdict,
        *interpolation;
    double rotmeas;
};

#define AT(member) offsetof(struct setjy, member)

static const mms_param params[] = {
    MMS_PARAM_VIS(struct setjy, how.vis),
    MMS_PARAM_FIELD(struct setjy, select),
    MMS_PARAM_SPW(struct setjy, select),
    {"selectdata", MMS_BOOL, AT(selectdata), .init = "False",
     .doc = "Has no effect: what is selected below counts in any case, as in CASA"},
    MMS_PARAM_TIMERANGE(struct setjy, select),
    MMS_PARAM_SCAN(struct setjy, select),
    MMS_PARAM_INTENT(struct setjy, select),
    MMS_PARAM_OBSERVATION(struct setjy, select),
    {"scalebychan", MMS_BOOL, AT(scalebychan), .init = "True",
     .doc = "Perley-Butler: scale by channel, else by window"},
    {"standard", MMS_STRING, AT(standard), .init = "Perley-Butler 2017",
     .doc = "Perley-Butler 2017, Perley-Butler 2013, manual or fluxscale"},
    {"model", MMS_STRING, AT(model), .init = "", .doc = "Image of the source",
     .flags = MMS_PARAM_MISSING},
    {"listmodels", MMS_BOOL, AT(listmodels), .init = "False", .doc = "List images",
     .flags = MMS_PARAM_MISSING},
    {"fluxdensity", MMS_LITERAL, AT(fluxdensity), .init = "-1",
     .doc = "manual: I, or [I,Q,U,V], in Jy; -1: 1 Jy"},
    {"spix", MMS_LITERAL, AT(spix), .init = "0.0",
     .doc = "manual: spectral index, or [alpha,beta,...]"},
    {"reffreq", MMS_STRING, AT(reffreq), .init = "1GHz",
     .doc = "manual: frequency of fluxdensity and spix"},
    {"polindex", MMS_LITERAL, AT(polindex), .init = "[]",
     .doc = "manual: terms of the polarized fraction"},
    {"polangle", MMS_LITERAL, AT(polangle), .init = "[]",
     .doc = "manual: terms of the polarization angle, in rad"},
    {"rotmeas", MMS_DOUBLE, AT(rotmeas), .init = "0.0",
     .doc = "manual: rotation measure, in rad/m^2"},
    {"fluxdict", MMS_LITERAL, AT(fluxdict), .init = "{}", .flags = MMS_PARAM_RECORD,
     .doc = "fluxscale: what CASA's fluxscale returned"},
    {"useephemdir", MMS_BOOL, AT(useephemdir), .init = "False",
     .doc = "Directions of solar system bodies", .flags = MMS_PARAM_MISSING},
    {"interpolation", MMS_STRING, AT(interpolation), .init = "nearest",
     .doc = "Epochs of variable sources: nearest (the last before the observation), linear, cubic, "
            "spline"},
    {"usescratch", MMS_BOOL, AT(usescratch), .init = "True",
     .doc = "Write MODEL_DATA; False: a virtual model, a list of components that CASA calculates "
            "it from"},
    {"ismms", MMS_BOOL, AT(ismms), .init = "False", .flags = MMS_PARAM_HIDDEN, .doc = "No effect"},
    MMS_PARAMS_CHANGE(struct setjy, how, "data", "say what would be written and kept, "),
    {0},
};

/** CASA's standards, of which not all are known here. */
static const char *const standards[] = {"Baars",
                                        "Butler-JPL-Horizons 2010",
                                        "Butler-JPL-Horizons 2012",
                                        "Perley 90",
                                        "Perley-Butler 2010",
                                        "Perley-Butler 2013",
                                        "Perley-Butler 2017",
                                        "Perley-Taylor 95",
                                        "Perley-Taylor 99",
                                        "Scaife-Heald 2012",
                                        "Stevens-Reynolds 2016",
                                        "fluxscale",
                                        "manual",
                                        NULL};

static bool is_standard(const struct setjy *p, const char *name)
{
    return !strcmp(p->standard, name);
}

static mms_status check_words(const struct setjy *p, mms_error *err)
{
    static const char *const interpolations[] = {"", "nearest", "linear", "cubic", "spline", NULL};

    if (!mms_names_have(standards, p->standard))
        return mms_fail(err, MMS_ERR_ARG,
                        "parameter standard: %s is not one of %s, manual, fluxscale", p->standard,
                        mms_flux_standards);
    if (!mms_flux_has_standard(p->standard) && !is_standard(p, "manual") &&
        !is_standard(p, "fluxscale"))
        return mms_fail(err, MMS_ERR_ARG,
                        "parameter standard: the coefficients of %s are not known here, but those "
                        "of %s",
                        p->standard, mms_flux_standards);
    if (!mms_names_have(interpolations, p->interpolation))
        return mms_fail(err, MMS_ERR_ARG,
                        "parameter interpolation: %s is not one of nearest, linear, cubic, spline",
                        p->interpolation);
    return MMS_OK;
}

static mms_status read_manual(const struct setjy *p, mms_flux *flux, mms_error *err)
{
    int64_t n;
    mms_status st;

    *flux = (mms_flux){.rotmeas = p->rotmeas};
    MMS_TRY(mms_task_numbers("fluxdensity", p->fluxdensity, 4, flux->stokes_jy, &n, err));
    if (n == 0 || (n == 1 && flux->stokes_jy[0] == -1))
        flux->stokes_jy[0] = 1;
    if (flux->stokes_jy[0] < 0)
        MMS_TRY(mms_fail(err, MMS_ERR_ARG,
                         "parameter fluxdensity: %s: I has to be 0 or greater, or -1 for 1 Jy",
                         p->fluxdensity));
    MMS_TRY(mms_task_numbers("spix", p->spix, MMS_FLUX_TERMS, flux->terms, &flux->nterm, err));
    MMS_TRY(mms_task_numbers("polindex", p->polindex, MMS_FLUX_TERMS, flux->polindex, &flux->npol,
                             err));
    MMS_TRY(mms_task_numbers("polangle", p->polangle, MMS_FLUX_TERMS, flux->polangle_rad,
                             &flux->nangle, err));
    mms_flux_settle(flux);
done:
    return st;
}

static mms_status read_fluxdict(const struct setjy *p, mms_value **dict, mms_error *err)
{
    const char *const keys[] = {"freq", "spwID"};
    mms_text missing = {0};
    mms_status st = mms_flag_value("fluxdict", p->fluxdict, dict, err);

    if (st == MMS_OK && (!json_is_object(*dict) || json_object_size(*dict) == 0))
        st = mms_fail(err, MMS_ERR_ARG, "parameter fluxdict: %s",
                      json_is_object(*dict) || !*p->fluxdict ? "fluxdict is empty"
                                                             : "not a dictionary of fluxscale");
    for (int i = 0; st == MMS_OK && i < 2; i++)
        if (!json_object_get(*dict, keys[i]))
            mms_text_add(&missing, "%s ", keys[i]);
    if (missing.text)
        st = mms_fail(err, MMS_ERR_ARG, "Input fluxdict is missing keywords:%s", missing.text);
    free(missing.text);
    return st;
}

/** What was given but has no effect with this standard. */
static void warn_without_effect(const mms_run *run, const struct setjy *p)
{
    static const char *const manual[] = {"fluxdensity", "spix",     "reffreq",
                                         "polindex",    "polangle", "rotmeas"};

    for (int64_t i = 0; i < MMS_COUNT_OF(manual); i++)
        if (!is_standard(p, "manual") && json_object_get(run->given, manual[i]))
            mms_log(MMS_LOG_WARN, "setjy", "%s has no effect without standard=manual", manual[i]);
    if (!is_standard(p, "fluxscale") && json_object_get(run->given, "fluxdict"))
        mms_log(MMS_LOG_WARN, "setjy", "fluxdict has no effect without standard=fluxscale");
}

static mms_status run(mms_run *run, const void *arg, mms_value *result, mms_error *err)
{
    const struct setjy *p = arg;
    mms_value *fluxdict = NULL;
    mms_flux manual = {0};
    struct mms_change_run made = {0};
    mms_setjy_request q = {.change = mms_task_change(run, &p->how, NULL, &made),
                           .select = p->select,
                           .standard = p->standard,
                           .manual = &manual,
                           .reffreq = p->reffreq,
                           .interpolation = p->interpolation,
                           .scalebychan = p->scalebychan,
                           .is_virtual = !p->usescratch};
    mms_status st;

    q.change.notes_parts = true;
    MMS_TRY(check_words(p, err));
    warn_without_effect(run, p);
    if (is_standard(p, "manual"))
        MMS_TRY(read_manual(p, &manual, err));
    if (is_standard(p, "fluxscale"))
        MMS_TRY(read_fluxdict(p, &fluxdict, err));
    q.fluxdict = fluxdict;
    MMS_TRY(mms_setjy_run(&q, &run->wrote, result, err));
    mms_setjy_show(result);
done:
    mms_task_end_change(&made, st);
    mms_value_free(&fluxdict);
    return st;
}

const mms_task mms_task_setjy = {
    .name = "setjy",
    .summary = "write the model of a calibrator into MODEL_DATA of a MeasurementSet or Multi-MS",
    .params = params,
    .params_size = sizeof(struct setjy),
    .in_place = true,
    .run = run,
    .print = mms_setjy_print,
    .unit = mms_setjy_unit,
    .details = "MODEL_DATA is made in every part where it is not there: 1 in parallel hands, 0 in\n"
               "cross hands.  A run that is killed leaves nothing half done: the next run, or\n"
               "multims clean --restore, brings the old bytes back.\n\n"
               "Examples:\n"
               "  multims setjy x.mms --field 3C286\n"
               "  multims setjy vis=x.mms standard=manual fluxdensity=[2.5,0,0,0] spix=-0.7 "
               "reffreq=1.4GHz\n",
};
