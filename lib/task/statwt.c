/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file statwt.c  The task statwt (parallel-tasks 4.12; transform-numerics 7.2). */
#include "change_priv.h"
#include "statwt_priv.h"

struct statwt {
    struct mms_change_words how;
    bool selectdata;
    mms_select select;
    const char *timebin, *chanbin, *datacolumn;
    struct mms_statwt_words words;
    bool flagbackup, preview;
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
    {"combine", MMS_STRING, AT(words.combine), .init = "",
     .doc = "What a sample may go across: any of scan, field, state, corr"},
    {"timebin", MMS_LITERAL, AT(timebin), .init = "1",
     .doc = "Times that give one weight: so many, or a time such as 30s"},
    {"slidetimebin", MMS_BOOL, AT(words.slidetimebin), .init = "False",
     .doc = "Times around each row, instead of blocks of them"},
    {"chanbin", MMS_LITERAL, AT(chanbin), .init = "spw",
     .doc = "Channels that get one weight: spw, so many, or a width such as 2MHz"},
    {"minsamp", MMS_INT, AT(words.minsamp), .init = "2",
     .doc = "Samples below which the weight is 0 and the data are flagged; 2 or more"},
    {"statalg", MMS_STRING, AT(words.statalg), .init = "classic",
     .doc = "classic, chauvenet, fit-half, hinges-fences, or the beginning of one of them"},
    {"fence", MMS_DOUBLE, AT(words.fence), .init = "-1.0",
     .doc = "hinges-fences: distances of the quartiles beyond which samples are left out; "
            "negative: none is"},
    {"center", MMS_CHOICE, AT(words.center), .init = "mean", .allowed = "mean median zero",
     .doc = "fit-half: the center"},
    {"lside", MMS_BOOL, AT(words.lside), .init = "True",
     .doc = "fit-half: use the samples below the center, else those above"},
    {"zscore", MMS_DOUBLE, AT(words.zscore), .init = "-1.0",
     .doc = "chauvenet: standard deviations beyond which samples are left out; negative: "
            "Chauvenet's criterion"},
    {"maxiter", MMS_INT, AT(words.maxiter), .init = "-1",
     .doc = "chauvenet: how often samples are left out; negative: until none is"},
    {"fitspw", MMS_STRING, AT(words.fitspw), .init = "",
     .doc = "Channels that weights are computed from, as spw:channels; empty: all"},
    {"excludechans", MMS_BOOL, AT(words.excludechans), .init = "False",
     .doc = "fitspw names the channels that are left out", .needs = "fitspw"},
    {"wtrange", MMS_LITERAL, AT(words.wtrange), .init = "[]",
     .doc = "Weights that are good, [min,max]: data of others are flagged"},
    {"flagbackup", MMS_BOOL, AT(flagbackup), .init = "True",
     .doc = "Save the flags as version statwt_N before"},
    {"preview", MMS_BOOL, AT(preview), .init = "False",
     .doc = "Compute the mean and variance of the weights, and change nothing"},
    {"datacolumn", MMS_CHOICE, AT(datacolumn), .init = "corrected",
     .allowed = "corrected data residual residual_data",
     .doc = "Samples; residual is corrected - model, residual_data is data - model"},
    {"numerics", MMS_CHOICE, AT(words.numerics), .init = "casa", .allowed = "casa exact",
     .doc = "casa: WEIGHT outside wtrange stays where there is no spectrum; exact: it is 0"},
    MMS_PARAMS_CHANGE(struct statwt, how, "weights", "say what would be changed, "),
    {0},
};

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
    struct mms_change_run made = {0};
    mms_statwt_request request = {.change = mms_task_change(run, &p->how, NULL, &made),
                                  .select = selection_of(p),
                                  .datacolumn = p->datacolumn,
                                  .timebin = p->timebin,
                                  .chanbin = p->chanbin,
                                  .preview = p->preview,
                                  .backup = p->flagbackup};
    mms_status st;

    MMS_TRY(mms_statwt_ask(&p->words, &request.asked, err));
    if (p->preview && p->flagbackup)
        mms_log(MMS_LOG_INFO, "statwt",
                "Running in preview mode. No flags will be modified, so existing flags will not be "
                "backed up.");
    MMS_TRY(mms_statwt_run(&request, &run->wrote, result, err));
done:
    mms_task_end_change(&made, st);
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
                mms_value_double(json_object_get(result, "mean")),
                mms_value_double(json_object_get(result, "variance")));
        return;
    }
    fprintf(out, "%s: %lld rows of %lld parts would get new ",
            json_string_value(json_object_get(result, "vis")),
            (long long)json_integer_value(json_object_get(result, "rows")),
            (long long)json_integer_value(json_object_get(result, "parts")));
    print_names(json_object_get(result, "columns"), out);
    fprintf(out, "; nothing is changed\n");
    mms_print_plan(result, out);
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
