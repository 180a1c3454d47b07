/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file whole.c  Channels or windows that are fitted but not written: all of them are subtracted
 *  in a set in the staging folder, from which the selection is taken. */
#include <stdlib.h>
#include <string.h>

#include "base/base_priv.h"
#include "base/files_priv.h"
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
    inner.within = true;
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

/** Take the selection from the whole set, whose ids are the input's: what is selected is
 * renumbered. */
static mms_status take(const mms_request *r, const mms_host *host, const char *whole,
                       const char *path, mms_value *result, mms_error *err)
{
    mms_host inner = *host;
    mms_request some = {.verb = MMS_DECIDE_SPLIT,
                        .vis = whole,
                        .outputvis = path,
                        .select = r->select,
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
    mms_status st;

    inner.within = true;
    some.how.sync = some.how.keepscratch = false;
    st = mms_request_run(&some, &inner, result, err);
    json_object_set_new(result, "outputvis", mms_text_value(r->outputvis));
    return st;
}

/** Both sets are in the staging folder until the last act: a run that is broken off leaves none. */
static mms_status write_staged(const mms_request *r, const char *spws, const mms_host *host,
                               mms_stage *stage, mms_value *result, mms_error *err)
{
    char *const base = mms_path_base(r->outputvis);
    char *const path = mms_format("%s/%s", mms_stage_path(stage), base ? base : "");
    char *const whole = mms_format("%s.whole", path ? path : "");
    mms_status st;

    MMS_TRY(base && path && whole ? MMS_OK
                                  : mms_fail(err, MMS_ERR_MEM, "%s: out of memory", r->outputvis));
    MMS_TRY(subtract(r, host, spws, whole, err));
    MMS_TRY(take(r, host, whole, path, result, err));
    MMS_TRY(mms_remove_tree(whole, err));
    if (r->how.sync)
        MMS_TRY(mms_stage_sync(stage, err));
    MMS_TRY(mms_stage_publish(stage, base, r->outputvis, err));
done:
    free(whole);
    free(path);
    free(base);
    return st;
}

mms_status mms_request_run_whole(const mms_request *r, const char *spws, const mms_host *host,
                                 mms_value *result, mms_error *err)
{
    mms_stage *stage = NULL;
    mms_status st;

    if (r->how.resume)
        return mms_fail(err, MMS_ERR_ARG,
                        "parameter resume: %s is made of a set in its staging folder, which is not "
                        "gone on with: run again",
                        r->outputvis);
    MMS_TRY(mms_output_check_new(r->vis, r->outputvis, false, err));
    MMS_TRY(mms_stage_create(r->outputvis, &stage, err));
    *host->wrote = true;
    st = write_staged(r, spws, host, stage, result, err);
done:
    mms_stage_remove(&stage);
    return st;
}
