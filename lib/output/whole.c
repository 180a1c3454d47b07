/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file whole.c  Channels or windows that are fitted but not written: all of them are subtracted
 *  in a set in the staging folder, from which the selection is taken. */
#include <stdlib.h>
#include <string.h>

#include "base/base_priv.h"
#include "request_priv.h"

/** The windows of two expressions, with all their channels: "" for all. */
static char *windows_of(const char *a, const char *b)
{
    char *const both = mms_format("%s,%s", a, b);
    char *to = both;
    bool channels = false;

    for (const char *at = both; at && *at; at++) {
        channels = *at == ':' || (channels && *at != ',');
        if (!channels)
            *to++ = *at;
    }
    if (to)
        *to = 0;
    return both;
}

mms_status mms_request_find_whole(const mms_request *r, char **spws, mms_error *err)
{
    const char *const spw = r->select.spw, *const fitted = r->continuum.fitspec;
    const bool others = r->continuum.across_windows && *spw;

    *spws = NULL;
    if (!others && !strchr(spw, ':'))
        return MMS_OK;
    if (others && !*fitted)
        *spws = strdup("");
    else
        *spws = windows_of(spw, others ? fitted : spw);
    return *spws ? MMS_OK : mms_fail(err, MMS_ERR_MEM, "%s: out of memory", r->vis);
}

/** All channels of the windows, whose ids stay, without HISTORY. */
static mms_status subtract(const mms_request *r, const mms_host *host, const char *spws,
                           const char *path, mms_error *err)
{
    mms_value *nothing = json_array(), *made = json_object();
    mms_request all = *r;
    mms_host inner = *host;
    mms_status st =
        nothing && made ? MMS_OK : mms_fail(err, MMS_ERR_MEM, "%s: out of memory", path);

    inner.history = nothing;
    inner.job_dir = "";
    all.outputvis = path;
    all.select.spw = spws;
    all.reindex = false;
    all.how.sync = all.how.keepscratch = false;
    if (st == MMS_OK)
        st = mms_request_run(&all, &inner, made, err);
    mms_value_free(&nothing);
    mms_value_free(&made);
    return st;
}

static mms_status take(const mms_request *r, const mms_host *host, const char *path,
                       mms_value *result, mms_error *err)
{
    mms_request some = {.verb = MMS_DECIDE_SPLIT,
                        .vis = path,
                        .outputvis = r->outputvis,
                        .select = {.spw = r->select.spw},
                        .keepmms = r->keepmms,
                        .separationaxis = r->separationaxis,
                        .datacolumn = "data",
                        .keepflags = r->keepflags,
                        .reindex = r->reindex,
                        .chanbin_name = r->chanbin_name,
                        .timespan = "",
                        .timespan_name = r->timespan_name,
                        .smooth_spw = "",
                        .numerics = r->numerics,
                        .how = r->how};

    return mms_request_run(&some, host, result, err);
}

mms_status mms_request_run_whole(const mms_request *r, const char *spws, const mms_host *host,
                                 mms_value *result, mms_error *err)
{
    mms_stage *stage = NULL;
    char *path = NULL;
    mms_status st;

    if (r->how.resume)
        return mms_fail(err, MMS_ERR_ARG,
                        "parameter resume: %s is made of a set in its staging folder, which is not "
                        "gone on with: run again",
                        r->outputvis);
    MMS_TRY(mms_output_check_new(r->vis, r->outputvis, false, err));
    MMS_TRY(mms_stage_create(r->outputvis, &stage, err));
    path = mms_format("%s/whole.ms", mms_stage_path(stage));
    MMS_TRY(path ? MMS_OK : mms_fail(err, MMS_ERR_MEM, "%s: out of memory", r->outputvis));
    MMS_TRY(subtract(r, host, spws, path, err));
    MMS_TRY(take(r, host, path, result, err));
done:
    mms_stage_remove(&stage);
    free(path);
    return st;
}
