/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file flagdata.c  The task flagdata (parallel-tasks 1.12, 3, 4.8; in-place 1). */
#include <string.h>
#include <strings.h>

#include "change_priv.h"
#include "flag_save_priv.h"
#include "flag_words_priv.h"

struct flagdata {
    struct mms_change_words how;
    const char *mode, *inpfile, *reason, *tbuff, *clipminmax, *datacolumn, *chanbin, *timebin,
        *quackmode, *addantenna, *ntime, *timefit, *freqfit, *flagdimension, *usewindowstats,
        *timedev, *freqdev, *antint_ref_antenna, *name, *action, *display;
    bool autocorr, clipoutside, channelavg, timeavg, clipzeros, quackincrement, combinescans,
        extendflags, extendpols, growaround, flagneartime, flagnearfreq, spwchan, spwcorr, basecnt,
        fieldcnt, flagbackup, writeflags;
    mms_select select;
    double quackinterval, tolerance, lowerlimit, upperlimit, timecutoff, freqcutoff, timedevscale,
        freqdevscale, spectralmax, spectralmin, minchanfrac, growtime, growfreq, minrel, maxrel;
    int64_t maxnpieces, halfwin, winsize, minabs, maxabs;
    struct mms_flag_saving saving;
};

#define AT(member) offsetof(struct flagdata, member)
#define MODES \
    "manual manualflag list clip quack shadow elevation tfcrop rflag antint extend unflag summary"

static const mms_param params[] = {
    MMS_PARAM_VIS(struct flagdata, how.vis),
    {"mode", MMS_CHOICE, AT(mode), .init = "manual", .doc = "What is done", .allowed = MODES},
    {"autocorr", MMS_BOOL, AT(autocorr), .init = "False",
     .doc = "manual: autocorrelations of correlators alone"},
    {"inpfile", MMS_LITERAL, AT(inpfile), .init = "",
     .doc = "list: a file, files, or commands, e.g. [\"scan='1'\",\"mode='clip'\"]"},
    {"reason", MMS_LITERAL, AT(reason), .init = "any",
     .doc = "list: take the commands with this reason, or one of these"},
    {"tbuff", MMS_LITERAL, AT(tbuff), .init = "0.0",
     .doc = "list: seconds by which ranges t0~t1 are widened, one number or two"},
    MMS_PARAM_SPW(struct flagdata, select),
    MMS_PARAM_FIELD(struct flagdata, select),
    MMS_PARAM_ANTENNA(struct flagdata, select),
    MMS_PARAM_UVRANGE(struct flagdata, select),
    MMS_PARAM_TIMERANGE(struct flagdata, select),
    MMS_PARAM_CORRELATION(struct flagdata, select),
    MMS_PARAM_SCAN(struct flagdata, select),
    MMS_PARAM_INTENT(struct flagdata, select),
    MMS_PARAM_ARRAY(struct flagdata, select),
    MMS_PARAM_OBSERVATION(struct flagdata, select),
    MMS_PARAM_FEED(struct flagdata, select),
    {"clipminmax", MMS_LITERAL, AT(clipminmax), .init = "[]", .doc = "clip: limits, [min,max]"},
    {"datacolumn", MMS_STRING, AT(datacolumn), .init = "DATA",
     .doc = "clip, tfcrop, rflag: DATA, CORRECTED, MODEL, RESIDUAL, RESIDUAL_DATA, FLOAT_DATA, "
            "WEIGHT or WEIGHT_SPECTRUM"},
    {"clipoutside", MMS_BOOL, AT(clipoutside), .init = "True",
     .doc = "clip: flag outside the limits, else inside"},
    {"channelavg", MMS_BOOL, AT(channelavg), .init = "False",
     .doc = "clip, tfcrop, rflag: average channels before"},
    {"chanbin", MMS_LITERAL, AT(chanbin), .init = "1",
     .doc = "Channels averaged to one, one number or one a window", .needs = "channelavg"},
    {"timeavg", MMS_BOOL, AT(timeavg), .init = "False",
     .doc = "clip, tfcrop, rflag: average times before"},
    {"timebin", MMS_STRING, AT(timebin), .init = "0s", .doc = "Time averaged to one",
     .needs = "timeavg"},
    {"clipzeros", MMS_BOOL, AT(clipzeros), .init = "False",
     .doc = "clip: flag values of 0 and below"},
    {"quackinterval", MMS_DOUBLE, AT(quackinterval), .init = "1.0", .doc = "quack: length, in s",
     .unit = "s"},
    {"quackmode", MMS_STRING, AT(quackmode), .init = "beg", .doc = "quack: beg, endb, end or tail"},
    {"quackincrement", MMS_BOOL, AT(quackincrement), .init = "False",
     .doc = "quack: count from the first unflagged row"},
    {"tolerance", MMS_DOUBLE, AT(tolerance), .init = "0.0",
     .doc = "shadow: overlap that is allowed, in m", .unit = "m"},
    {"addantenna", MMS_LITERAL, AT(addantenna), .init = "",
     .doc = "shadow: a file or dictionary of antennas that have no data"},
    {"lowerlimit", MMS_DOUBLE, AT(lowerlimit), .init = "0.0",
     .doc = "elevation: flag below, in degrees", .unit = "deg"},
    {"upperlimit", MMS_DOUBLE, AT(upperlimit), .init = "90.0",
     .doc = "elevation: flag above, in degrees", .unit = "deg"},
    {"ntime", MMS_LITERAL, AT(ntime), .init = "scan",
     .doc = "tfcrop, rflag, extend: length of a chunk, scan or a time"},
    {"combinescans", MMS_BOOL, AT(combinescans), .init = "False",
     .doc = "tfcrop, rflag, extend: chunks go across scans"},
    {"timecutoff", MMS_DOUBLE, AT(timecutoff), .init = "4.0",
     .doc = "tfcrop: limit along time in standard deviations"},
    {"freqcutoff", MMS_DOUBLE, AT(freqcutoff), .init = "3.0",
     .doc = "tfcrop: limit along frequency in standard deviations"},
    {"timefit", MMS_STRING, AT(timefit), .init = "line", .doc = "tfcrop: line or poly"},
    {"freqfit", MMS_STRING, AT(freqfit), .init = "poly", .doc = "tfcrop: line or poly"},
    {"maxnpieces", MMS_INT, AT(maxnpieces), .init = "7", .doc = "tfcrop: pieces of a poly, 1 to 9"},
    {"flagdimension", MMS_STRING, AT(flagdimension), .init = "freqtime",
     .doc = "tfcrop: freqtime, timefreq, time or freq"},
    {"usewindowstats", MMS_STRING, AT(usewindowstats), .init = "none",
     .doc = "tfcrop: none, sum, std or both"},
    {"halfwin", MMS_INT, AT(halfwin), .init = "1",
     .doc = "tfcrop: half width of the window, 1 to 3"},
    {"extendflags", MMS_BOOL, AT(extendflags), .init = "True",
     .doc = "tfcrop, rflag: extend afterwards"},
    {"winsize", MMS_INT, AT(winsize), .init = "3", .doc = "rflag: times in a window"},
    {"timedev", MMS_LITERAL, AT(timedev), .init = "",
     .doc = "rflag: threshold, rows [field,spw,value], or a file"},
    {"freqdev", MMS_LITERAL, AT(freqdev), .init = "",
     .doc = "rflag: threshold, rows [field,spw,value], or a file"},
    {"timedevscale", MMS_DOUBLE, AT(timedevscale), .init = "5.0",
     .doc = "rflag: factor of timedev"},
    {"freqdevscale", MMS_DOUBLE, AT(freqdevscale), .init = "5.0",
     .doc = "rflag: factor of freqdev"},
    {"spectralmax", MMS_DOUBLE, AT(spectralmax), .init = "1000000.0",
     .doc = "rflag: flag spectra that vary more"},
    {"spectralmin", MMS_DOUBLE, AT(spectralmin), .init = "0.0",
     .doc = "rflag: flag spectra that vary less"},
    {"antint_ref_antenna", MMS_STRING, AT(antint_ref_antenna), .init = "",
     .doc = "antint: name of the antenna"},
    {"minchanfrac", MMS_DOUBLE, AT(minchanfrac), .init = "0.6",
     .doc = "antint: part of the channels that are flagged on all its baselines"},
    {"extendpols", MMS_BOOL, AT(extendpols), .init = "True", .doc = "extend: to all correlations"},
    {"growtime", MMS_DOUBLE, AT(growtime), .init = "50.0",
     .doc = "extend: percent of times from which all are flagged"},
    {"growfreq", MMS_DOUBLE, AT(growfreq), .init = "50.0",
     .doc = "extend: percent of channels from which all are flagged"},
    {"growaround", MMS_BOOL, AT(growaround), .init = "False",
     .doc = "extend: points with more than four flagged neighbours"},
    {"flagneartime", MMS_BOOL, AT(flagneartime), .init = "False",
     .doc = "extend: the points before and after"},
    {"flagnearfreq", MMS_BOOL, AT(flagnearfreq), .init = "False",
     .doc = "extend: the channels beside"},
    {"minrel", MMS_DOUBLE, AT(minrel), .init = "0.0",
     .doc = "summary: leave out what has a smaller flagged part"},
    {"maxrel", MMS_DOUBLE, AT(maxrel), .init = "1.0",
     .doc = "summary: leave out what has a greater flagged part"},
    {"minabs", MMS_INT, AT(minabs), .init = "0", .doc = "summary: leave out what has fewer flags"},
    {"maxabs", MMS_INT, AT(maxabs), .init = "-1",
     .doc = "summary: leave out what has more flags; negative: nothing"},
    {"spwchan", MMS_BOOL, AT(spwchan), .init = "False",
     .doc = "summary: by channel of each window"},
    {"spwcorr", MMS_BOOL, AT(spwcorr), .init = "False",
     .doc = "summary: by correlation of each window"},
    {"basecnt", MMS_BOOL, AT(basecnt), .init = "False", .doc = "summary: by baseline"},
    {"fieldcnt", MMS_BOOL, AT(fieldcnt), .init = "False",
     .doc = "summary: a report for each field"},
    {"name", MMS_STRING, AT(name), .init = "Summary", .doc = "summary: name of the report"},
    {"action", MMS_STRING, AT(action), .init = "apply",
     .doc = "apply, calculate (nothing is written), or none"},
    {"display", MMS_STRING, AT(display), .init = "", .doc = "Plots", .flags = MMS_PARAM_MISSING},
    {"flagbackup", MMS_BOOL, AT(flagbackup), .init = "True",
     .doc = "Save the flags as version flagdata_N before"},
    {"savepars", MMS_BOOL, AT(saving.savepars), .init = "False",
     .doc = "Save the commands, in outfile or in FLAG_CMD"},
    {"cmdreason", MMS_STRING, AT(saving.cmdreason), .init = "",
     .doc = "Reason that is saved with the commands"},
    {"outfile", MMS_STRING, AT(saving.outfile), .init = "",
     .doc = "File to save commands in; empty: the table FLAG_CMD"},
    {"overwrite", MMS_BOOL, AT(saving.overwrite), .init = "True", .doc = "Replace outfile"},
    {"writeflags", MMS_BOOL, AT(writeflags), .init = "True", .doc = "False writes none",
     .flags = MMS_PARAM_MISSING},
    MMS_PARAMS_CHANGE(struct flagdata, how, "flags", ""),
    {0},
};

static bool is_list(const struct flagdata *p)
{
    return !strcmp(p->mode, "list");
}

static const char *mode_of(const struct flagdata *p)
{
    return !strcmp(p->mode, "manualflag") ? "manual" : p->mode;
}

static bool does_nothing(const struct flagdata *p)
{
    return !*p->action || !strcasecmp(p->action, "none");
}

static mms_status read_commands(const mms_run *run, const struct flagdata *p, mms_value **written,
                                mms_error *err)
{
    mms_value *command = NULL;
    mms_status st;

    *written = NULL;
    if (is_list(p))
        return mms_flag_list_read(p->inpfile, p->reason, p->tbuff, written, err);
    st = mms_flag_command_of(run->params, mode_of(p), &command, err);
    *written = json_pack("[o*]", command);
    return st;
}

/** What rflag calculated is the result, and goes to files. */
static mms_status show_thresholds(mms_run *run, const struct flagdata *p, mms_value *result,
                                  mms_error *err)
{
    mms_value *found = json_incref(json_object_get(result, "rflag"));
    mms_status st = MMS_OK;

    if (found) {
        json_object_clear(result);
        json_object_update(result, found);
        run->wrote = true;
        st =
            mms_flag_save_thresholds("timedev", p->timedev, json_object_get(found, "timedev"), err);
    }
    if (found && st == MMS_OK)
        st =
            mms_flag_save_thresholds("freqdev", p->freqdev, json_object_get(found, "freqdev"), err);
    mms_value_free(&found);
    return st;
}

/** With reports the result is they: one, or report0, report1, … */
static void show_reports(mms_value *result)
{
    mms_value *reports = json_incref(json_object_get(result, "reports"));
    const size_t n = json_array_size(reports);

    json_object_del(result, "reports");
    if (n > 0)
        json_object_clear(result);
    if (n == 1)
        json_object_update(result, json_array_get(reports, 0));
    for (size_t i = 0; n > 1 && i < n; i++) {
        char name[32];
        snprintf(name, sizeof name, "report%zu", i);
        json_object_set(result, name, json_array_get(reports, i));
    }
    mms_value_free(&reports);
}

static mms_status flag(mms_run *run, const struct flagdata *p, const mms_value *written,
                       mms_value *result, mms_error *err)
{
    mms_value *commands = NULL;
    struct mms_change_run made = {0};
    mms_flag_request request = {.apply = !strcasecmp(p->action, "apply"), .backup = p->flagbackup};
    mms_status st;

    MMS_TRY(mms_flag_commands_complete(written, is_list(p), !strcasecmp(p->action, "calculate"),
                                       &commands, err));
    request.commands = commands;
    request.change = mms_task_change(run, &p->how, json_pack("{s:O}", "commands", commands), &made);
    request.change.stay = p->saving.savepars ? NULL : request.change.stay; // for FLAG_CMD
    MMS_TRY(mms_flag_run(&request, &run->wrote, result, err));
    if (json_object_get(result, "changed_rows"))
        json_object_set_new(result, "written", json_boolean(request.apply));
    show_reports(result);
    MMS_TRY(show_thresholds(run, p, result, err));
done:
    mms_task_end_change(&made, st);
    mms_value_free(&commands);
    return st;
}

static mms_status run(mms_run *run, const void *arg, mms_value *result, mms_error *err)
{
    const struct flagdata *p = arg;
    struct mms_flag_saving saving = p->saving;
    mms_value *written = NULL;
    mms_status st;

    if (!does_nothing(p) && strcasecmp(p->action, "apply") != 0 &&
        strcasecmp(p->action, "calculate") != 0)
        return mms_fail(err, MMS_ERR_ARG,
                        "parameter action: %s is not one of apply, calculate, none", p->action);
    saving.applied = !strcasecmp(p->action, "apply");
    MMS_TRY(mms_flag_save_check(p->how.vis, &p->saving, err));
    MMS_TRY(read_commands(run, p, &written, err));
    if (does_nothing(p) && !p->saving.savepars)
        mms_log(MMS_LOG_WARN, "flagdata",
                "Parameter action='' is only meaningful with savepars=True.");
    if (!does_nothing(p))
        MMS_TRY(flag(run, p, written, result, err));
    for (size_t i = 0; !is_list(p) && p->saving.savepars && i < json_array_size(written); i++)
        MMS_TRY(mms_flag_complete_saved(json_array_get(written, i), p->action, result, err));
    if (!p->how.dryrun)
        MMS_TRY(mms_flag_save(run, &p->how, &saving, written, err));
done:
    mms_value_free(&written);
    return st;
}

const mms_task mms_task_flagdata = {
    .name = "flagdata",
    .summary = "flag bad data of a MeasurementSet or Multi-MS, where they are",
    .params = params,
    .params_size = sizeof(struct flagdata),
    .in_place = true,
    .run = run,
    .print = mms_flag_print,
    .unit = mms_flag_unit,
    .details = "The flags as they were are saved as version flagdata_N (flagmanager), unless\n"
               "flagbackup=False; and until the run is complete beside the set: a run that is\n"
               "killed leaves nothing half done, the next run brings the old flags back.\n\n"
               "Examples:\n"
               "  multims flagdata x.mms --mode manual --antenna ea01 --spw 0:0~5\n"
               "  multims flagdata vis=x.mms mode='clip' clipminmax=[0,10] correlation='ABS_RR'\n"
               "  multims flagdata x.mms --mode rflag --timedevscale 4 --freqdevscale 4 -j 4\n"
               "  multims flagdata x.mms --mode extend --growtime 60 --growfreq 60\n"
               "  multims flagdata x.mms --mode summary\n"
               "  multims flagdata x.mms --mode list --inpfile flags.txt\n",
};
