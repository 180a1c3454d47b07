/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file flagdata.c  The task flagdata (parallel-tasks 1.12, 3, 4.8; in-place 1). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/files_priv.h"
#include "change_priv.h"
#include "flag_words_priv.h"

struct flagdata {
    struct mms_change_words how;
    const char *mode;
    bool autocorr;
    const char *inpfile;
    const char *reason;
    const char *tbuff;
    mms_select select;
    const char *clipminmax;
    const char *datacolumn;
    bool clipoutside;
    bool channelavg;
    const char *chanbin;
    bool timeavg;
    const char *timebin;
    bool clipzeros;
    double quackinterval;
    const char *quackmode;
    bool quackincrement;
    double tolerance;
    const char *addantenna;
    double lowerlimit;
    double upperlimit;
    const char *ntime;
    bool combinescans;
    double timecutoff;
    double freqcutoff;
    const char *timefit;
    const char *freqfit;
    int64_t maxnpieces;
    const char *flagdimension;
    const char *usewindowstats;
    int64_t halfwin;
    bool extendflags;
    int64_t winsize;
    const char *timedev;
    const char *freqdev;
    double timedevscale;
    double freqdevscale;
    double spectralmax;
    double spectralmin;
    const char *antint_ref_antenna;
    double minchanfrac;
    bool extendpols;
    double growtime;
    double growfreq;
    bool growaround;
    bool flagneartime;
    bool flagnearfreq;
    double minrel;
    double maxrel;
    int64_t minabs;
    int64_t maxabs;
    bool spwchan;
    bool spwcorr;
    bool basecnt;
    bool fieldcnt;
    const char *name;
    const char *action;
    const char *display;
    bool flagbackup;
    bool savepars;
    const char *cmdreason;
    const char *outfile;
    bool overwrite;
    bool writeflags;
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
    {"savepars", MMS_BOOL, AT(savepars), .init = "False",
     .doc = "Save the commands, in outfile or in FLAG_CMD"},
    {"cmdreason", MMS_STRING, AT(cmdreason), .init = "",
     .doc = "Reason that is saved with the commands"},
    {"outfile", MMS_STRING, AT(outfile), .init = "",
     .doc = "File to save commands in; empty: the table FLAG_CMD"},
    {"overwrite", MMS_BOOL, AT(overwrite), .init = "True", .doc = "Replace outfile"},
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

/* ---- savepars ---------------------------------------------------------------------------------*/

/** Whether there is a folder to write it in, before any flag is changed. */
static mms_status check_folder(const char *outfile, mms_error *err)
{
    char *folder = mms_path_dir(outfile);
    mms_status st = folder ? MMS_OK : mms_fail(err, MMS_ERR_MEM, "flagdata: out of memory");

    if (st == MMS_OK && access(folder, W_OK))
        st = mms_fail_errno(err, errno, "parameter outfile: %s can't be written", outfile);
    free(folder);
    return st;
}

static mms_status check_outfile(const struct flagdata *p, mms_error *err)
{
    bool there = false;
    mms_status st = MMS_OK;

    if (p->savepars && *p->outfile)
        st = check_folder(p->outfile, err);
    if (st == MMS_OK && p->savepars && *p->outfile)
        st = mms_path_exists(p->outfile, &there, err);
    if (st == MMS_OK && there && !p->overwrite)
        st = mms_fail(err, MMS_ERR_EXISTS,
                      "You have set overwrite to False. Remove %s before saving the flag commands",
                      p->outfile);
    return st;
}

static mms_status save_file(const struct flagdata *p, const mms_value *written, mms_error *err)
{
    mms_text text = {0};
    mms_value *command;
    size_t i;
    mms_status st;

    json_array_foreach((mms_value *)written, i, command)
    {
        char *line = mms_flag_command_line(command, p->cmdreason, true);
        mms_text_add(&text, "%s\n", line ? line : "");
        free(line);
    }
    st = text.failed || !text.text
             ? mms_fail(err, MMS_ERR_MEM, "flagdata: out of memory")
             : mms_replace_file(p->outfile, text.text, (int64_t)text.length, err);
    free(text.text);
    return st;
}

/** Rows for FLAG_CMD, which a worker writes. */
static mms_value *rows_to_save(const struct flagdata *p, const mms_value *written)
{
    mms_value *rows = json_array(), *command;
    size_t i;

    json_array_foreach((mms_value *)written, i, command)
    {
        const char *mode = json_string_value(json_object_get(command, "mode"));
        const char *own = json_string_value(json_object_get(command, "reason"));
        char *line;
        if (mode && !strcmp(mode, "summary")) {
            mms_log(MMS_LOG_WARN, "flagdata",
                    "Commands with mode='summary' are not allowed in the FLAG_CMD table");
            continue;
        }
        line = mms_flag_command_line(command, "", false);
        json_array_append_new(rows, json_pack("[oo]", mms_text_value(line ? line : ""),
                                              mms_text_value(*p->cmdreason ? p->cmdreason
                                                             : own         ? own
                                                                           : "")));
        free(line);
    }
    return rows;
}

static mms_status save_table(mms_run *run, const struct flagdata *p, const mms_value *written,
                             mms_error *err)
{
    const char *label = "FLAG_CMD";
    mms_value *unit = json_pack("{ss so so sb ss}", "step", "commands", "vis",
                                mms_text_value(p->how.vis), "rows", rows_to_save(p, written),
                                "applied", (int)!strcasecmp(p->action, "apply"), "lock", "");
    mms_answer answer = {0};
    mms_status st = mms_run_engine(run, err);

    if (st == MMS_OK) {
        run->wrote = true;
        st = mms_engine_run(run->engine, run->task->name, 1, &label, &unit, &answer, err);
    }
    mms_answers_free(1, &answer);
    mms_value_free(&unit);
    return st;
}

static mms_status save_pars(mms_run *run, const struct flagdata *p, const mms_value *written,
                            mms_error *err)
{
    if (!p->savepars || p->how.dryrun)
        return MMS_OK;
    if (!*p->outfile)
        return save_table(run, p, written, err);
    run->wrote = true;
    return save_file(p, written, err);
}

/* ---- the run ----------------------------------------------------------------------------------*/

/** Write thresholds as CASA does, for timedev= and freqdev= of a later run. */
static mms_status write_thresholds(const char *name, const char *path, const mms_value *rows,
                                   mms_error *err)
{
    double number;
    char *file = *path && *path != '[' && !mms_parse_double(path, &number)
                     ? strdup(path)
                     : mms_format("rflag_output_thresholds_%s0.txt", name);
    mms_text text = {0};
    mms_status st;

    mms_text_add(&text, "{'name':'Rflag','%s':[", name);
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const mms_value *row = json_array_get(rows, i);
        mms_text_add(
            &text, "%s[%.1f,%.1f,%.17g]", i ? "," : "", json_number_value(json_array_get(row, 0)),
            json_number_value(json_array_get(row, 1)), json_number_value(json_array_get(row, 2)));
    }
    mms_text_add(&text, "]}\n\n");
    st = text.failed || !file ? mms_fail(err, MMS_ERR_MEM, "flagdata: out of memory")
                              : mms_replace_file(file, text.text, (int64_t)text.length, err);
    free(file);
    free(text.text);
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
        st = write_thresholds("timedev", p->timedev, json_object_get(found, "timedev"), err);
    }
    if (found && st == MMS_OK)
        st = write_thresholds("freqdev", p->freqdev, json_object_get(found, "freqdev"), err);
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
    mms_flag_request request = {.change = mms_task_change(run, &p->how),
                                .apply = !strcasecmp(p->action, "apply"),
                                .backup = p->flagbackup};
    mms_status st;

    MMS_TRY(mms_flag_commands_complete(written, is_list(p), !strcasecmp(p->action, "calculate"),
                                       &commands, err));
    request.commands = commands;
    MMS_TRY(mms_flag_run(&request, &run->wrote, result, err));
    mms_task_note_change(run, p->how.vis, false);
    if (json_object_get(result, "changed_rows"))
        json_object_set_new(result, "written", json_boolean(request.apply));
    show_reports(result);
    MMS_TRY(show_thresholds(run, p, result, err));
done:
    mms_value_free(&commands);
    return st;
}

static mms_status run(mms_run *run, const void *arg, mms_value *result, mms_error *err)
{
    const struct flagdata *p = arg;
    mms_value *written = NULL;
    mms_status st;

    if (!does_nothing(p) && strcasecmp(p->action, "apply") != 0 &&
        strcasecmp(p->action, "calculate") != 0)
        return mms_fail(err, MMS_ERR_ARG,
                        "parameter action: %s is not one of apply, calculate, none", p->action);
    MMS_TRY(check_outfile(p, err));
    MMS_TRY(read_commands(run, p, &written, err));
    if (does_nothing(p) && !p->savepars)
        mms_log(MMS_LOG_WARN, "flagdata",
                "Parameter action='' is only meaningful with savepars=True.");
    if (!does_nothing(p))
        MMS_TRY(flag(run, p, written, result, err));
    MMS_TRY(save_pars(run, p, written, err));
done:
    mms_value_free(&written);
    return st;
}

/* ---- for people -------------------------------------------------------------------------------*/

static void print_leaf(const char *kind, const char *name, const mms_value *leaf, FILE *out)
{
    const double flagged = json_number_value(json_object_get(leaf, "flagged"));
    const double total = json_number_value(json_object_get(leaf, "total"));

    fprintf(out, "%-16s %-20s %14.0f of %14.0f  %6.2f %%\n", kind, name, flagged, total,
            total > 0 ? 100 * flagged / total : 0);
}

static void print_report(const mms_value *report, FILE *out)
{
    static const char *const order[] = {"observation", "array",       "field",           "scan",
                                        "spw",         "correlation", "spw:correlation", "antenna",
                                        "spw:channel", "baseline",    "antenna:scan"};
    const char *name;
    mms_value *leaf;

    fprintf(out, "%s\n", json_string_value(json_object_get(report, "name")));
    print_leaf("all", "", report, out);
    for (int64_t i = 0; i < MMS_COUNT_OF(order); i++)
        json_object_foreach(json_object_get(report, order[i]), name, leaf)
            print_leaf(order[i], name, leaf, out);
}

static void print_thresholds(const char *name, const mms_value *rows, FILE *out)
{
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const mms_value *row = json_array_get(rows, i);
        fprintf(out, "%s: field %g, spw %g: %g\n", name, json_number_value(json_array_get(row, 0)),
                json_number_value(json_array_get(row, 1)),
                json_number_value(json_array_get(row, 2)));
    }
}

static void print(const mms_value *result, FILE *out)
{
    const char *name;
    mms_value *inner;

    print_thresholds("timedev", json_object_get(result, "timedev"), out);
    print_thresholds("freqdev", json_object_get(result, "freqdev"), out);
    if (json_object_get(result, "total"))
        print_report(result, out);
    else if (json_object_get(result, "changed_rows"))
        fprintf(out,
                "%s: flags %s in %" JSON_INTEGER_FORMAT " of %" JSON_INTEGER_FORMAT
                " selected rows\n",
                json_string_value(json_object_get(result, "vis")),
                json_is_true(json_object_get(result, "written")) ? "changed" : "would change",
                json_integer_value(json_object_get(result, "changed_rows")),
                json_integer_value(json_object_get(result, "rows")));
    else if (json_object_get(result, "parts"))
        fprintf(out,
                "%s: %" JSON_INTEGER_FORMAT " commands can be done, on %" JSON_INTEGER_FORMAT
                " parts; nothing is changed\n",
                json_string_value(json_object_get(result, "vis")),
                json_integer_value(json_object_get(result, "commands")),
                json_integer_value(json_object_get(result, "parts")));
    else
        json_object_foreach((mms_value *)result, name, inner)
        {
            if (json_object_get(inner, "total"))
                print_report(inner, out);
        }
}

const mms_task mms_task_flagdata = {
    .name = "flagdata",
    .summary = "flag bad data of a MeasurementSet or Multi-MS, where they are",
    .params = params,
    .params_size = sizeof(struct flagdata),
    .in_place = true,
    .run = run,
    .print = print,
    .unit = mms_flag_unit,
    .details = "The flags as they were are saved as version flagdata_N (flagmanager), unless\n"
               "flagbackup=False; and until the run is complete beside the set: a run that is\n"
               "killed leaves nothing half done, the next run brings the old flags back.\n\n"
               "Examples:\n"
               "  multims flagdata x.mms --mode manual --antenna ea01 --spw 0:0~5\n"
               "  multims flagdata vis=x.mms mode='clip' clipminmax=[0,10] correlation='ABS_RR'\n"
               "  multims flagdata x.mms --mode summary\n"
               "  multims flagdata x.mms --mode list --inpfile flags.txt\n",
};
