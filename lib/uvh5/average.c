/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file average.c  Averages before an export: the transform writes the averaged set into the
 *  staging folder of the file. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/files_priv.h"
#include "ms/columns.h"
#include "uvh5_priv.h"

bool mms_uvh5_averages(const mms_uvh5_request *r)
{
    return r->average.timebin_s > 0 || r->average.chanbin.count > 0;
}

/** The request of mstransform with the same parameters. */
static mms_request transform_of(const mms_uvh5_request *r, const char *path)
{
    return (mms_request){
        .verb = MMS_DECIDE_MSTRANSFORM,
        .vis = r->vis,
        .outputvis = path,
        .select = r->select,
        .keepmms = true,
        .separationaxis = "auto",
        .datacolumn = r->datacolumn,
        .keepflags = true,
        .reindex = true,
        .ddistart = -1,
        .chanbin = r->average.chanbin,
        .chanbin_name = "chanbin",
        .smooth_spw = "",
        .timebin_s = r->average.timebin_s,
        .timespan = r->average.timespan,
        .timespan_name = "timespan",
        .maxuvwdistance_m = r->average.maxuvwdistance_m,
        .regrid = {.mode = "channel",
                   .nchan = -1,
                   .start = "0",
                   .width = "1",
                   .nspw = 1,
                   .interpolation = "linear",
                   .phasecenter = "",
                   .restfreq = "",
                   .outframe = "",
                   .veltype = "radio"},
        .continuum = {.fitspec = "", .niter = 1},
        .numerics = MMS_NUMERICS_CASA,
        .how = {.memory = r->how.memory, .tiles = r->how.tiles},
    };
}

/** What the averaged set has, is in *made. */
static mms_status run(const mms_uvh5_request *r, const mms_host *host, const char *path,
                      bool dryrun, mms_value **made, mms_error *err)
{
    mms_request request = transform_of(r, path);
    mms_host inner = *host;
    mms_value *const no_history = json_array();
    mms_status st;

    request.how.dryrun = dryrun;
    inner.history = no_history; // the file's history has the parameters of the run
    *made = json_object();
    st = *made && no_history ? mms_request_run(&request, &inner, *made, err)
                             : mms_fail(err, MMS_ERR_MEM, "averages: out of memory");
    mms_value *done = no_history;
    mms_value_free(&done);
    return st;
}

static int64_t number(const mms_value *made, const char *name)
{
    return json_integer_value(json_object_get(made, name));
}

mms_status mms_uvh5_estimate_average(const mms_uvh5_request *r, const mms_host *host,
                                     mms_value *result, mms_error *err)
{
    char *const path = mms_format("%s.averaged", r->uvh5file);
    mms_value *made = NULL;
    const mms_status st = path ? run(r, host, path, true, &made, err)
                               : mms_fail(err, MMS_ERR_MEM, "averages: out of memory");

    if (st == MMS_OK) {
        json_object_set_new(result, "outputvis", mms_text_value(r->uvh5file));
        json_object_set_new(result, "rows", json_integer(number(made, "rows")));
        json_object_set_new(result, "rows_averaged", json_integer(number(made, "rows_out")));
        json_object_set_new(result, "bytes_staged", json_integer(number(made, "bytes_out")));
    }
    mms_value_free(&made);
    free(path);
    return st;
}

/** Both are on the disk at once.  A visibility has 17 bytes at most in the set, 13 in the file,
 *  whose room is asked for exactly when the set is there. */
static mms_status check_space(const mms_uvh5_request *r, const mms_value *result, mms_error *err)
{
    const int64_t staged = number(result, "bytes_staged");
    const int64_t need = staged + staged / 17 * 13;
    int64_t have;
    const mms_status st = mms_disk_free(r->uvh5file, &have, err);

    if (st != MMS_OK || need <= have)
        return st;
    return mms_fail(err, MMS_ERR_SPACE,
                    "%s and the averaged set that it is made from need about %" PRId64
                    " MiB, the disk has %" PRId64 " MiB left",
                    r->uvh5file, (need >> 20) + 1, have >> 20);
}

/** The column of the averaged set, as mstransform names it. */
static void ask_for(mms_uvh5_request *out)
{
    static const char *const names[][2] = {{"data", MMS_COL_DATA},
                                           {"corrected", MMS_COL_CORRECTED_DATA},
                                           {"model", MMS_COL_MODEL_DATA},
                                           {"float_data", MMS_COL_FLOAT_DATA}};

    for (int64_t i = 0; i < MMS_COUNT_OF(names); i++)
        if (!strcmp(names[i][0], out->datacolumn))
            out->made_of = names[i][1];
    if (strcmp(out->datacolumn, "float_data") != 0)
        out->datacolumn = "data";
}

mms_status mms_uvh5_check_average(const mms_uvh5_request *r, const mms_host *host,
                                  mms_value *result, mms_error *err)
{
    const mms_level level = mms_log_limit(MMS_LOG_ERROR); // what is worth it, the run says
    const mms_status st = mms_uvh5_estimate_average(r, host, result, err);

    mms_log_limit(level);
    return st == MMS_OK ? check_space(r, result, err) : st;
}

mms_status mms_uvh5_average_to(const mms_uvh5_request *r, const mms_host *host, const char *path,
                               mms_value *result, mms_uvh5_request *out, mms_error *err)
{
    mms_value *made = NULL;
    mms_status st;

    MMS_TRY(run(r, host, path, false, &made, err));
    json_object_set_new(result, "rows_averaged", json_integer(number(made, "rows_out")));
    json_object_set_new(result, "bytes_staged", json_integer(number(made, "bytes_out")));
    *out = *r;
    out->vis = path;
    out->select = (mms_select){0};
    out->average = (mms_uvh5_average){0};
    ask_for(out);
done:
    mms_value_free(&made);
    return st;
}
