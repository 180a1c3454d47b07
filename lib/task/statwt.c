/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file statwt.c  The task statwt (parallel-tasks 4.12; transform-numerics 7.2). */
#include <math.h>
#include <string.h>
#include <strings.h>

#include "change_priv.h"
#include "flag_words_priv.h"
#include "transform/statwt.h"

struct statwt {
    struct mms_change_words how;
    bool selectdata;
    mms_select select;
    const char *combine, *timebin, *chanbin, *statalg, *center, *fitspw, *wtrange, *datacolumn;
    const char *numerics;
    bool slidetimebin, lside, excludechans, flagbackup, preview;
    int64_t minsamp, maxiter;
    double fence, zscore;
};

#define AT(member) offsetof(struct statwt, member)

static const mms_param params[] = {
    MMS_PARAM_VIS(struct statwt, how.vis),
    {"selectdata", MMS_BOOL, AT(selectdata), .init = "True",
     .doc = "False: the selections below are not looked at"},
    MMS_PARAM_FIELD(struct statwt, select),
    MMS_PARAM_SPW(struct statwt, select),
    MMS_PARAM_INTENT(struct statwt, select),
    MMS_PARAM_ARRAY(struct statwt, select),
    MMS_PARAM_OBSERVATION(struct statwt, select),
    MMS_PARAM_SCAN(struct statwt, select),
    {"combine", MMS_STRING, AT(combine), .init = "",
     .doc = "What a sample may go across: any of scan, field, state, corr"},
    {"timebin", MMS_LITERAL, AT(timebin), .init = "1",
     .doc = "Times that give one weight: so many, or a time such as 30s"},
    {"slidetimebin", MMS_BOOL, AT(slidetimebin), .init = "False",
     .doc = "Times around each row, instead of blocks of them"},
    {"chanbin", MMS_LITERAL, AT(chanbin), .init = "spw",
     .doc = "Channels that get one weight: spw, so many, or a width such as 2MHz"},
    {"minsamp", MMS_INT, AT(minsamp), .init = "2",
     .doc = "Samples below which the weight is 0 and the data are flagged; 2 or more"},
    {"statalg", MMS_STRING, AT(statalg), .init = "classic",
     .doc = "classic, chauvenet, fit-half, hinges-fences, or the beginning of one of them"},
    {"fence", MMS_DOUBLE, AT(fence), .init = "-1.0",
     .doc = "hinges-fences: distances of the quartiles beyond which samples are left out; "
            "negative: none is"},
    {"center", MMS_CHOICE, AT(center), .init = "mean", .allowed = "mean median zero",
     .doc = "fit-half: the center"},
    {"lside", MMS_BOOL, AT(lside), .init = "True",
     .doc = "fit-half: use the samples below the center, else those above"},
    {"zscore", MMS_DOUBLE, AT(zscore), .init = "-1.0",
     .doc = "chauvenet: standard deviations beyond which samples are left out; negative: "
            "Chauvenet's criterion"},
    {"maxiter", MMS_INT, AT(maxiter), .init = "-1",
     .doc = "chauvenet: how often samples are left out; negative: until none is"},
    {"fitspw", MMS_STRING, AT(fitspw), .init = "",
     .doc = "Channels that weights are computed from, as spw:channels; empty: all"},
    {"excludechans", MMS_BOOL, AT(excludechans), .init = "False",
     .doc = "fitspw names the channels that are left out", .needs = "fitspw"},
    {"wtrange", MMS_LITERAL, AT(wtrange), .init = "[]",
     .doc = "Weights that are good, [min,max]: data of others are flagged"},
    {"flagbackup", MMS_BOOL, AT(flagbackup), .init = "True",
     .doc = "Save the flags as version statwt_N before"},
    {"preview", MMS_BOOL, AT(preview), .init = "False",
     .doc = "Compute the mean and variance of the weights, and change nothing"},
    {"datacolumn", MMS_CHOICE, AT(datacolumn), .init = "corrected",
     .allowed = "corrected data residual residual_data",
     .doc = "Samples; residual is corrected - model, residual_data is data - model"},
    {"numerics", MMS_CHOICE, AT(numerics), .init = "casa", .allowed = "casa exact",
     .doc = "casa: WEIGHT outside wtrange stays where there is no spectrum; exact: it is 0"},
    MMS_PARAMS_CHANGE(struct statwt, how, "weights", "say what would be changed, "),
    {0},
};

/* ---- parameters -------------------------------------------------------------------------------*/

/** The words of combine into order. */
static mms_status read_combine(const char *text, mms_value *order, mms_error *err)
{
    static const char *const words[] = {"scan", "field", "state", "corr"};

    while (*(text += strspn(text, ", "))) {
        const size_t n = strcspn(text, ", ");
        bool known = false;
        for (int i = 0; i < 4; i++)
            if (strlen(words[i]) == n && !strncasecmp(words[i], text, n)) {
                json_object_set_new(order, words[i], json_true());
                known = true;
            }
        if (!known)
            return mms_fail(err, MMS_ERR_ARG,
                            "parameter combine: %.*s is not one of scan, field, state, corr",
                            (int)n, text);
        text += n;
    }
    return MMS_OK;
}

static mms_status read_algorithm(const char *text, mms_value *order, mms_error *err)
{
    static const char *const words[] = {"classic", "chauvenet", "fit-half", "hinges-fences"};
    int found = -1, n = 0;

    for (int i = 0; i < 4; i++)
        if (*text && !strncasecmp(words[i], text, strlen(text))) {
            found = i;
            n++;
        }
    if (n != 1)
        return mms_fail(err, MMS_ERR_ARG,
                        "Unsupported value for 'statalg': parameter statalg: %s is not one of "
                        "classic, chauvenet, fit-half, hinges-fences, nor the beginning of one",
                        text);
    json_object_set_new(order, "algorithm", json_integer(found));
    return MMS_OK;
}

static mms_status read_range(const char *text, mms_value *order, mms_error *err)
{
    mms_value *range = NULL;
    mms_status st = MMS_OK;

    if (*text)
        st = mms_flag_literal(text, &range, err);
    const size_t n = json_array_size(range);
    const double low = json_number_value(json_array_get(range, 0));
    const double high = json_number_value(json_array_get(range, 1));
    const bool numbers = n == 2 && json_is_number(json_array_get(range, 0)) &&
                         json_is_number(json_array_get(range, 1));
    if (st == MMS_OK && *text && (!json_is_array(range) || n > 0) && !numbers)
        st = mms_fail(err, MMS_ERR_ARG,
                      "parameter wtrange: %s: Array specified in 'wtrange' must have exactly two "
                      "values",
                      text);
    else if (st == MMS_OK && numbers && (low < 0 || high < 0))
        st = mms_fail(err, MMS_ERR_ARG, "parameter wtrange: %s: weights are 0 or more", text);
    if (st == MMS_OK && numbers)
        json_object_set_new(order, "wtrange", json_pack("[ff]", fmin(low, high), fmax(low, high)));
    mms_value_free(&range);
    return st;
}

static int center_of(const char *word)
{
    return !strcmp(word, "mean")     ? MMS_STATWT_MEAN
           : !strcmp(word, "median") ? MMS_STATWT_MEDIAN
                                     : MMS_STATWT_ZERO;
}

/** What all units take. */
static mms_status read_order(const struct statwt *p, mms_value *order, mms_error *err)
{
    mms_status st;

    MMS_TRY(read_combine(p->combine, order, err));
    MMS_TRY(read_algorithm(p->statalg, order, err));
    MMS_TRY(read_range(p->wtrange, order, err));
    if (p->minsamp < 2)
        MMS_TRY(mms_fail(err, MMS_ERR_ARG,
                         "parameter minsamp: %lld: Minimum size of sample must be >= 2.",
                         (long long)p->minsamp));
    json_object_set_new(order, "slides", json_boolean(p->slidetimebin));
    json_object_set_new(order, "minsamp", json_integer(p->minsamp));
    json_object_set_new(order, "maxiter", json_integer(p->maxiter));
    json_object_set_new(order, "fence", json_real(p->fence));
    json_object_set_new(order, "zscore", json_real(p->zscore));
    json_object_set_new(order, "center", json_integer(center_of(p->center)));
    json_object_set_new(order, "lside", json_boolean(p->lside));
    json_object_set_new(order, "fitspw", mms_text_value(p->fitspw));
    json_object_set_new(order, "excludechans", json_boolean(p->excludechans));
    json_object_set_new(order, "keeps_outside", json_boolean(strcmp(p->numerics, "exact") != 0));
done:
    return st;
}

/* ---- the run ----------------------------------------------------------------------------------*/

/** The selection that counts. */
static mms_select selection_of(const struct statwt *p)
{
    static const mms_select none = {0};
    mms_select s = p->select;
    bool any = false;

    for (int i = 0; i < MMS_SELECT_COUNT; i++) {
        const char *text = *mms_select_at(&s, i);
        any = any || (text && *text);
    }
    if (!p->selectdata && any)
        mms_log(MMS_LOG_WARN, "statwt",
                "selectdata=False, any explicitly set data selection parameters will be ignored");
    return p->selectdata ? s : none;
}

static mms_status run(mms_run *run, const void *arg, mms_value *result, mms_error *err)
{
    const struct statwt *p = arg;
    mms_value *order = json_object();
    const mms_statwt_request request = {.change = mms_task_change(run, &p->how),
                                        .select = selection_of(p),
                                        .order = order,
                                        .datacolumn = p->datacolumn,
                                        .timebin = p->timebin,
                                        .chanbin = p->chanbin,
                                        .preview = p->preview,
                                        .backup = p->flagbackup};
    mms_status st;

    MMS_TRY(read_order(p, order, err));
    if (p->preview && p->flagbackup)
        mms_log(MMS_LOG_INFO, "statwt",
                "Running in preview mode. No flags will be modified, so existing flags will not be "
                "backed up.");
    MMS_TRY(mms_statwt_run(&request, &run->wrote, result, err));
    mms_task_note_change(run, p->how.vis, false);
done:
    mms_value_free(&order);
    return st;
}

static void print_names(const mms_value *names, FILE *out)
{
    for (size_t i = 0; i < json_array_size(names); i++)
        fprintf(out, "%s%s", i ? ", " : "", json_string_value(json_array_get(names, i)));
}

static void print(const mms_value *result, FILE *out)
{
    if (json_object_get(result, "mean")) {
        fprintf(out, "weights: mean %.9g, variance %.9g\n",
                json_number_value(json_object_get(result, "mean")),
                json_number_value(json_object_get(result, "variance")));
        return;
    }
    fprintf(out, "%s: %lld rows of %lld parts would get new ",
            json_string_value(json_object_get(result, "vis")),
            (long long)json_integer_value(json_object_get(result, "rows")),
            (long long)json_integer_value(json_object_get(result, "parts")));
    print_names(json_object_get(result, "columns"), out);
    fprintf(out, "; nothing is changed\n");
}

const mms_task mms_task_statwt = {
    .name = "statwt",
    .summary = "set weights from the scatter of visibilities, where they are",
    .params = params,
    .params_size = sizeof(struct statwt),
    .in_place = true,
    .run = run,
    .print = print,
    .unit = mms_statwt_unit,
    .details = "The flags as they were are saved as version statwt_N (flagmanager), unless\n"
               "flagbackup=False; and until the run is complete the old bytes are kept beside the\n"
               "set: a run that is killed leaves nothing half done.\n\n"
               "Examples:\n"
               "  multims statwt x.mms timebin=30s\n"
               "  multims statwt x.mms --datacolumn data --timebin 4 --preview\n",
};
