/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file average.c  Averages before an export: the transform writes the keys of the averaged set,
 *  that is all of it but its cells, into the staging folder of the file. */
#include <stdlib.h>

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

/** What the averaged set has, is in *made; keys NULL: nothing is written. */
static mms_status run(const mms_uvh5_request *r, const mms_host *host, const char *path,
                      const char *keys, mms_value **made, mms_error *err)
{
    mms_request request = transform_of(r, path);
    mms_host inner = *host;
    mms_value *const no_history = json_array();
    bool wrote = false; // nothing of the file
    mms_status st;

    request.keys = keys;
    request.how.dryrun = !keys;
    inner.history = no_history; // the file's history has the parameters of the run
    inner.wrote = &wrote;
    inner.within = true;
    *made = json_object();
    st = *made && no_history ? mms_request_run(&request, &inner, *made, err)
                             : mms_fail(err, MMS_ERR_MEM, "averages: out of memory");
    *host->wrote = *host->wrote || (wrote && st != MMS_OK);
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
    const mms_status st = path ? run(r, host, path, NULL, &made, err)
                               : mms_fail(err, MMS_ERR_MEM, "averages: out of memory");

    if (st == MMS_OK) {
        json_object_set_new(result, "outputvis", mms_text_value(r->uvh5file));
        json_object_set_new(result, "rows", json_integer(number(made, "rows")));
        json_object_set_new(result, "rows_averaged", json_integer(number(made, "rows_out")));
    }
    mms_value_free(&made);
    free(path);
    return st;
}

mms_uvh5_request mms_uvh5_of_averages(const mms_uvh5_request *r, const char *path)
{
    mms_uvh5_request out = *r;

    out.vis = path;
    out.source = r->vis;
    out.select = (mms_select){0};
    out.average = (mms_uvh5_average){0};
    return out;
}

mms_status mms_uvh5_average_to(const mms_uvh5_request *r, const mms_host *host, const char *path,
                               const char *keys, mms_error *err)
{
    mms_value *made = NULL;
    const mms_status st = run(r, host, path, keys, &made, err);

    mms_value_free(&made);
    return st;
}
