/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file whole.c  Channels or windows that are fitted but not written: all of them are subtracted
 *  in a set in the staging folder, from which the selection is taken. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

/** A run of its own in the staging folder, without HISTORY; goes on with what it has left there. */
static mms_status run_within(mms_request *r, const mms_host *host, const mms_value *history,
                             bool resumes, mms_value *result, mms_error *err)
{
    char *const journal = mms_format("%s" MMS_JOURNAL_SUFFIX, r->outputvis);
    mms_host inner = *host;
    mms_status st = MMS_OK;

    inner.history = history;
    inner.job_dir = "";
    inner.inner = true;
    inner.summary = NULL;
    r->how.sync = r->how.keepscratch = false;
    r->how.resume = resumes && journal && !access(journal, F_OK);
    if (access(r->outputvis, F_OK) || r->how.resume) // else it is complete
        st = mms_request_run(r, &inner, result, err);
    free(journal);
    return st;
}

/** All channels of the windows, whose ids stay. */
static mms_request request_whole(const mms_request *r, const char *spws, const char *path)
{
    mms_request all = *r;

    all.outputvis = path;
    all.select.spw = spws;
    all.reindex = false;
    return all;
}

/** The selection of a set whose ids are the input's: what is selected is renumbered. */
static mms_request request_selected(const mms_request *r, const char *vis, const char *path)
{
    return (mms_request){.verb = MMS_DECIDE_SPLIT,
                         .vis = vis,
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
}

/** How many bytes a request would write; nothing more is said than its own run says. */
static mms_status find_bytes(mms_request *r, const mms_host *host, mms_value *plan, double *bytes,
                             mms_error *err)
{
    const mms_level level = mms_log_limit(MMS_LOG_ERROR);
    mms_status st;

    r->how.dryrun = true;
    r->how.resume = false;
    st = mms_request_run(r, host, plan, err);
    mms_log_limit(level);
    *bytes = json_number_value(json_object_get(plan, "bytes_out"));
    return st;
}

/** Both sets: the plan is that of the whole one, but for the bytes; also: the share of its bytes
 *  that the other one takes. */
static mms_status plan_both(const mms_request *r, const mms_host *host, const char *spws,
                            mms_value *plan, double *also, mms_error *err)
{
    mms_value *selected = json_object();
    mms_request all = request_whole(r, spws, r->outputvis);
    mms_request some = request_selected(r, r->vis, r->outputvis);
    double bytes_all = 0, bytes_some = 0;
    mms_status st;

    some.datacolumn = r->datacolumn;
    some.data_for_corrected = r->data_for_corrected;
    MMS_TRY(selected ? MMS_OK : mms_fail(err, MMS_ERR_MEM, "%s: out of memory", r->outputvis));
    MMS_TRY(find_bytes(&some, host, selected, &bytes_some, err));
    MMS_TRY(find_bytes(&all, host, plan, &bytes_all, err));
    *also = bytes_all > 0 ? bytes_some / bytes_all : 0;
    json_object_set_new(plan, "bytes_staged", json_integer((json_int_t)bytes_all));
    json_object_set_new(plan, "bytes_out", json_integer((json_int_t)bytes_some));
done:
    mms_value_free(&selected);
    return st;
}

/** Make both sets in the staging folder; what was made of them by an earlier run stays. */
static mms_status make_both(const mms_request *r, const char *spws, double also,
                            const mms_host *host, const char *whole, const char *path,
                            mms_journal *journal, mms_value *result, mms_error *err)
{
    const mms_value *const taken = mms_journal_last(journal, "taken");
    const bool resumes = mms_journal_resumes(journal);
    mms_value *nothing = json_array(), *made = json_object();
    mms_request all = request_whole(r, spws, whole), some = request_selected(r, whole, path);
    mms_status st = MMS_OK;

    if (resumes && taken) {
        (void)json_object_update(result, json_object_get(taken, "result"));
        goto done;
    }
    all.also = also;
    MMS_TRY(nothing && made ? MMS_OK : mms_fail(err, MMS_ERR_MEM, "%s: out of memory", path));
    mms_journal_add(journal, "plan", json_pack("{s:i}", "units", 3));
    mms_journal_done(journal, "the plan", NULL, made, NULL, 0); // a run that is stopped is kept
    MMS_TRY(run_within(&all, host, nothing, resumes, made, err));
    mms_journal_done(journal, "all channels", NULL, made, NULL, 0);
    if (resumes) // what it says of one that is complete is not known
        MMS_TRY(mms_remove_tree(path, err));
    MMS_TRY(run_within(&some, host, host->history, resumes, result, err));
    json_object_set_new(result, "outputvis", mms_text_value(r->outputvis));
    mms_journal_done(journal, "the selection", NULL, result, NULL, 0);
    mms_journal_add(journal, "taken", json_pack("{s:O}", "result", result));
done:
    mms_value_free(&nothing);
    mms_value_free(&made);
    return st;
}

/** Both sets are in the staging folder until the last act: a run that is broken off leaves none. */
static mms_status write_staged(const mms_request *r, const char *spws, double also,
                               const mms_host *host, mms_stage *stage, mms_journal *journal,
                               mms_value *result, mms_error *err)
{
    char *const base = mms_path_base(r->outputvis);
    char *const path = mms_format("%s/%s", mms_stage_path(stage), base ? base : "");
    char *const whole = mms_format("%s.whole", path ? path : "");
    mms_status st;

    MMS_TRY(base && path && whole ? MMS_OK
                                  : mms_fail(err, MMS_ERR_MEM, "%s: out of memory", r->outputvis));
    MMS_TRY(make_both(r, spws, also, host, whole, path, journal, result, err));
    MMS_TRY(mms_remove_tree(whole, err));
    if (r->how.sync)
        MMS_TRY(mms_stage_sync(stage, err));
    MMS_TRY(mms_check_stop(err));
    mms_journal_add(journal, "publishing", json_pack("{s:O}", "result", result));
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
    mms_journal *journal = NULL;
    mms_value *plan = json_object();
    double also = 0;
    bool was = false;
    mms_status st = plan ? MMS_OK : mms_fail(err, MMS_ERR_MEM, "%s: out of memory", r->outputvis);

    MMS_TRY(st);
    if (r->how.resume && !r->how.dryrun)
        MMS_TRY(mms_output_take_published(host, r->vis, r->outputvis, result, &was, err));
    if (was)
        goto done;
    MMS_TRY(mms_output_check_new(r->vis, r->outputvis, false, err));
    MMS_TRY(plan_both(r, host, spws, r->how.dryrun ? result : plan, &also, err));
    if (r->how.dryrun)
        goto done;
    MMS_TRY(mms_output_open_stage(host, r->outputvis, r->vis, &r->how, &stage, &journal, err));
    *host->wrote = true;
    st = write_staged(r, spws, also, host, stage, journal, result, err);
done:
    mms_output_end_stage(host, st, r->how.keepscratch, &stage, &journal);
    mms_value_free(&plan);
    return st;
}
