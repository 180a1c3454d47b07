/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file uvcontsub.c  The task uvcontsub of CASA 6: subtract the continuum row by row
 *  (parallel-tasks 1.11, 4.7). */
#include <string.h>

#include "transform_priv.h"

struct uvcontsub {
    struct mms_io io;
    mms_select select;
    bool keepmms, writemodel, tiles, share, dryrun, sync, keepscratch, resume;
    const char *datacolumn, *fitspec, *fitmethod, *numerics;
    int64_t fitorder, memory;
};

#define AT(member) offsetof(struct uvcontsub, member)

static const mms_param params[] = {
    MMS_PARAMS_IO_SAYING(struct uvcontsub, io,
                         "parameter outputvis: a name is required for the output MS"),
    MMS_PARAMS_SELECT_FEW(struct uvcontsub, select),
    {"datacolumn", MMS_CHOICE, AT(datacolumn), .init = "data",
     .allowed = "data model corrected float_data", .doc = "Column that is fitted; it becomes DATA"},
    {"fitspec", MMS_STRING, AT(fitspec), .init = "", .flags = MMS_PARAM_RECORD,
     .doc = "Channels without lines, as spw:channels; or a dictionary (JSON) of fields and spws; "
            "empty: all"},
    {"fitmethod", MMS_CHOICE, AT(fitmethod), .init = "gsl", .allowed = "gsl casacore",
     .doc = "Kept for CASA's calls: both are fitted by one method in double precision"},
    {"fitorder", MMS_INT, AT(fitorder), .init = "0",
     .doc = "Order of the polynomials where fitspec gives none"},
    {"writemodel", MMS_BOOL, AT(writemodel), .init = "False",
     .doc = "Write the polynomials into MODEL_DATA"},
    {"keepmms", MMS_BOOL, AT(keepmms), .init = "True",
     .doc = "Write a Multi-MS when the input is one"},
    MMS_PARAMS_SELECT_MORE(struct uvcontsub, select),
    MMS_PARAM_TAQL(struct uvcontsub, select),
    MMS_PARAMS_TRANSFORM(struct uvcontsub),
    {0},
};

/** What was done is said in the log; the result is CASA's. */
static void show_fits(mms_value *result)
{
    mms_value *const found = json_object_get(result, "goodness_of_fit");
    mms_value *const fits = found ? json_incref(found) : json_object();

    mms_log(MMS_LOG_INFO, "uvcontsub", "%" JSON_INTEGER_FORMAT " rows in %zu parts were written",
            json_integer_value(json_object_get(result, "rows_out")),
            json_array_size(json_object_get(result, "names")));
    json_object_clear(result);
    json_object_set_new(result, "description",
                        json_string("summary of data fitting results in uv-continuum subtraction"));
    if (json_object_size(fits) == 0)
        json_object_set_new(fits, "field", json_object());
    json_object_set_new(result, "goodness_of_fit", fits);
}

static mms_status run(mms_run *run, const void *arg, mms_value *result, mms_error *err)
{
    const struct uvcontsub *p = arg;
    mms_request request = {
        MMS_REQUEST_OF(MMS_DECIDE_UVCONTSUB, p),
        .outputvis = p->io.outputvis,
        .datacolumn = p->datacolumn,
        .keepflags = true,
        .smooth_spw = "",
        .continuum = {.on = true,
                      .fitspec = p->fitspec,
                      .order = p->fitorder,
                      .niter = 1,
                      .writes_model = p->writemodel},
    };

    if (p->writemodel && !strcmp(p->datacolumn, "float_data"))
        return mms_fail(err, MMS_ERR_UNSUPPORTED,
                        "writemodel=True: MODEL_DATA is complex, datacolumn=\"float_data\" is not");
    const mms_status st = mms_task_request(run, &request, result, err);
    if (st == MMS_OK && !p->dryrun)
        show_fits(result);
    return st;
}

static void print_fit(const char *const *at, const mms_value *found, FILE *out)
{
    const mms_value *chi2 = json_object_get(json_object_get(found, "chi_squared"), "average");

    fprintf(out, "%8s %8s %6s %6s %10lld %14.6g %14.6g\n", at[0], at[1], at[2], at[3],
            (long long)json_integer_value(json_object_get(found, "count")),
            mms_value_double(json_object_get(chi2, "real")),
            mms_value_double(json_object_get(chi2, "imag")));
}

/** The nested dictionary as lines. */
static void print_fits(const mms_value *in, int depth, const char **at, FILE *out)
{
    static const char *const kinds[] = {"field", "scan", "spw", "polarization"};
    mms_value *one;

    json_object_foreach(json_object_get(in, kinds[depth]), at[depth], one)
    {
        if (depth == 3)
            print_fit(at, one, out);
        else
            print_fits(one, depth + 1, at, out);
    }
}

static void print(const mms_value *result, FILE *out)
{
    const char *at[4];

    if (!json_object_get(result, "description")) {
        mms_transform_print(result, out);
        return;
    }
    fprintf(out, "%8s %8s %6s %6s %10s %14s %14s\n", "field", "scan", "spw", "corr", "rows",
            "chi2 (real)", "chi2 (imag)");
    print_fits(json_object_get(result, "goodness_of_fit"), 0, at, out);
}

const mms_task mms_task_uvcontsub = {
    .name = "uvcontsub",
    .summary = "subtract the continuum: polynomials fitted to channels without lines",
    .params = params,
    .params_size = sizeof(struct uvcontsub),
    .run = run,
    .print = print,
    .unit = mms_output_unit,
    .details = "Examples:\n"
               "  multims uvcontsub in.ms out.ms fitspec='0:0~40;80~127' fitorder=1\n"
               "  multims uvcontsub in.mms out.mms \\\n"
               "      fitspec='{\"0\": {\"0\": {\"chan\": \"0~40\", \"fitorder\": 1}}, \"1\": "
               "\"NONE\"}'\n",
};
