/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file applycal.c  The task applycal (parallel-tasks 1.13, 3.4, 4.9; in-place 3). */
#include <stdlib.h>
#include <string.h>

#include "base/fingerprint_priv.h"
#include "cal_words_priv.h"
#include "change_priv.h"

struct applycal {
    struct mms_change_words how;
    mms_select select;
    bool selectdata, docallib, parang, flagbackup;
    const char *callib, *applymode;
    struct mms_cal_words tables;
};

#define AT(member) offsetof(struct applycal, member)

static const mms_param params[] = {
    MMS_PARAM_VIS(struct applycal, how.vis),
    MMS_PARAM_FIELD(struct applycal, select),
    MMS_PARAM_SPW(struct applycal, select),
    MMS_PARAM_INTENT(struct applycal, select),
    {"selectdata", MMS_BOOL, AT(selectdata), .init = "True",
     .doc = "False: timerange, uvrange, antenna, scan, observation, msselect don't count"},
    MMS_PARAM_TIMERANGE(struct applycal, select),
    MMS_PARAM_UVRANGE(struct applycal, select),
    MMS_PARAM_ANTENNA(struct applycal, select),
    MMS_PARAM_SCAN(struct applycal, select),
    MMS_PARAM_OBSERVATION(struct applycal, select),
    MMS_PARAM_SELECT("msselect", struct applycal, select.taql, MMS_PARAM_LITERAL,
                     "Condition on the main table's rows in TaQL, e.g. SCAN_NUMBER IN [1,3]"),
    {"docallib", MMS_BOOL, AT(docallib), .init = "False",
     .doc = "Take the tables from callib, else from gaintable"},
    {"callib", MMS_STRING, AT(callib), .init = "", .doc = "File with a line caltable='...' a table",
     .needs = "docallib"},
    {"gaintable", MMS_LITERAL, AT(tables.gaintable), .init = "[]",
     .doc = "Calibration tables, e.g. [\"x.B\",\"x.G\"]"},
    {"gainfield", MMS_LITERAL, AT(tables.gainfield), .init = "[]",
     .doc = "For each table the fields of its solutions, or nearest; empty: all"},
    {"interp", MMS_LITERAL, AT(tables.interp), .init = "[]",
     .doc = "For each table \"time,freq\": nearest or linear; in freq cubic or spline, nearestflag "
            "etc. too"},
    {"spwmap", MMS_LITERAL, AT(tables.spwmap), .init = "[]",
     .doc = "For each table its window for each window of the set, e.g. [[0,0],[]]"},
    {"calwt", MMS_LITERAL, AT(tables.calwt), .init = "[True]",
     .doc = "For each table whether weights are calibrated"},
    {"parang", MMS_BOOL, AT(parang), .init = "False", .doc = "Correct for the parallactic angle"},
    {"applymode", MMS_STRING, AT(applymode), .init = "",
     .doc = "calflag, calflagstrict, trial, flagonly, flagonlystrict or calonly; empty: calflag"},
    {"flagbackup", MMS_BOOL, AT(flagbackup), .init = "True",
     .doc = "Save the flags as version applycal_N before"},
    MMS_PARAMS_CHANGE(struct applycal, how, "data", "say what would be written and kept, "),
    {0},
};

static mms_status check_mode(const struct applycal *p, mms_error *err)
{
    static const char *const modes[] = {"",      "calflag",  "calflagstrict",  "calonly",
                                        "trial", "flagonly", "flagonlystrict", NULL};

    if (mms_names_have(modes, p->applymode))
        return MMS_OK;
    return mms_fail(err, MMS_ERR_ARG,
                    "parameter applymode: %s is not one of calflag, calflagstrict, calonly, "
                    "flagonly, flagonlystrict, trial",
                    p->applymode);
}

static mms_select choose_selection(const struct applycal *p)
{
    mms_select s = p->select;

    if (!p->selectdata)
        s.timerange = s.uvrange = s.antenna = s.scan = s.observation = s.taql = "";
    return s;
}

/** The tables, as they are now, and how they are used.  A key is UTF-8. */
static mms_value *prints_of(const mms_value *uses)
{
    mms_value *const prints = json_object(), *use;
    size_t i;

    json_array_foreach((mms_value *)uses, i, use)
    {
        const char *const path = json_string_value(json_object_get(use, "path"));
        char *const name = path ? mms_readable(path) : NULL;
        if (name)
            json_object_set_new(prints, name, mms_fingerprint(path));
        free(name);
    }
    json_object_set(prints, "uses", (mms_value *)uses);
    return prints;
}

static mms_status run(mms_run *run, const void *arg, mms_value *result, mms_error *err)
{
    const struct applycal *p = arg;
    mms_value *uses = json_array();
    struct mms_change_run made = {0};
    mms_applycal_request q = {.select = choose_selection(p),
                              .tables = uses,
                              .parang = p->parang,
                              .flagbackup = p->flagbackup,
                              .applymode = !strcmp(p->applymode, "calflag") ? "" : p->applymode};
    mms_status st;

    MMS_TRY(check_mode(p, err));
    MMS_TRY(p->docallib ? mms_cal_library(p->callib, uses, err)
                        : mms_cal_uses(&p->tables, uses, err));
    q.change = mms_task_change(run, &p->how, prints_of(uses), &made);
    q.change.notes_parts = true;
    MMS_TRY(mms_applycal_run(&q, &run->wrote, result, err));
done:
    mms_task_end_change(&made, st);
    mms_value_free(&uses);
    return st;
}

const mms_task mms_task_applycal = {
    .name = "applycal",
    .summary = "calibrate DATA of a MeasurementSet or Multi-MS into CORRECTED_DATA",
    .params = params,
    .params_size = sizeof(struct applycal),
    .in_place = true,
    .run = run,
    .print = mms_print_change,
    .unit = mms_applycal_unit,
    .details =
        "Tables of the types B, G, T, K, D, Df Jones and TOpac are applied, others refused.\n"
        "CORRECTED_DATA is made in every part where it is not there.  The flags as they\n"
        "were are saved as version applycal_N (flagmanager), unless flagbackup=False.  A\n"
        "run that is killed leaves nothing half done: the next run, or multims clean\n"
        "--restore, brings the old bytes back.\n\n"
        "Examples:\n"
        "  multims applycal x.mms --gaintable x.G\n"
        "  multims applycal vis=x.mms \"gaintable=['x.B','x.G']\" "
        "\"interp=['nearest','linear']\" calwt=False\n",
};
