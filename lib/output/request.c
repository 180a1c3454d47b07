/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file request.c  The way of a request from what is asked to a published output. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/files_priv.h"
#include "member_extents_priv.h"
#include "ms/columns.h"
#include "ms/ms_meta.h"
#include "ms/select_flagged.h"
#include "request_priv.h"

static mms_status refuse_empty(const mms_request *r, mms_error *err)
{
    return mms_selection_has_flagged(r->selection)
               ? mms_fail(
                     err, MMS_ERR_EMPTY,
                     "keepflags=False: all selected rows are flagged (MSSelectionNullSelection "
                     ": The selected table has zero rows.)")
               : mms_selection_refuse_empty(r->ms, &r->select, err);
}

mms_status mms_request_select(mms_request *r, mms_error *err)
{
    mms_status st;

    MMS_TRY(mms_output_select(r->ms, &r->select, &r->selection, err));
    if (!r->keepflags)
        mms_selection_drop_flagged(r->selection);
    MMS_TRY(mms_meta_read(r->ms, r->selection, &r->meta, err));
    if (r->meta.nselected == 0)
        MMS_TRY(refuse_empty(r, err));
    MMS_TRY(mms_output_scale_bytes(r->selection, &r->meta, err));
done:
    return st;
}

/** What looks beyond a row. */
static void ask_what_joins_rows(const mms_request *r, mms_question *q)
{
    const bool fits_times = r->continuum.solint_s > 0;

    q->combinespws = r->combinespws || r->continuum.across_windows;
    q->regridms = r->regrid.on;
    q->nspw = r->regrid.nspw;
    q->timeaverage = r->timebin_s > 0 || fits_times;
    q->timebin_s = fits_times ? r->continuum.solint_s : r->timebin_s;
    q->across_scans = fits_times ? r->continuum.across_scans : (r->spans & MMS_TIMESPAN_SCAN) != 0;
    q->across_states = r->spans & MMS_TIMESPAN_STATE;
    q->across_fields = r->spans & MMS_TIMESPAN_FIELD;
}

mms_status mms_request_plan(mms_request *r, mms_error *err)
{
    mms_plan_opts opts = MMS_PLAN_OPTS_INIT;
    mms_question q = MMS_QUESTION_INIT;
    const mms_ids spws = mms_selection_spws(r->selection);
    mms_status st;

    MMS_TRY(mms_plan_parse_axis(r->separationaxis, &opts.axis, err));
    opts.numsubms = r->numsubms;
    opts.nspw = spws.given ? spws.n : 0;
    opts.spws = spws.ids;
    opts.antennas_given = r->select.antenna && *r->select.antenna;
    q.task = r->verb;
    q.meta = &r->meta;
    q.multi = mms_ms_is_multi(r->ms);
    q.axis_type = mms_ms_axis(r->ms);
    q.createmms = r->createmms;
    q.keepmms = r->keepmms;
    q.monolithic = r->monolithic;
    q.out = &opts;
    ask_what_joins_rows(r, &q);
    if (q.multi && q.timeaverage)
        MMS_TRY(mms_member_extents_read(r->ms, r->selection, &r->meta, &r->extents, err));
    q.members = r->extents;
    MMS_TRY(mms_decide(&q, &r->decision, err));
    MMS_TRY(mms_decision_log(&r->decision, r->host->task, err));
    mms_log(MMS_LOG_DEBUG, r->host->task, "%s", r->decision.reason);
    if (r->keepmembers && q.multi) {
        r->decision.axis = MMS_AXIS_MEMBER;
        r->decision.axis_type = mms_ms_axis(r->ms);
    }
    opts.axis = r->decision.axis;
    MMS_TRY(mms_plan_create(&r->meta, &opts, &r->plan, err));
    r->multi = r->decision.verdict != MMS_VERDICT_MS;
done:
    return st;
}

/** CASA's words to the writer's: [1] is the layout for mosaics, three numbers ncorr, nchan, nrow.
 */
static void set_tile(mms_request *r)
{
    const mms_ints shape = r->tileshape;

    if (shape.count == 1 && shape.values[0] == 1)
        r->tile[0] = -1;
    for (int64_t i = 0; shape.count == 3 && i < 3; i++)
        r->tile[i] = shape.values[2 - i];
}

/** Whether the output can share blocks with the input, and shall. */
static void find_share(mms_request *r)
{
    char *const file = mms_format("%s/table.dat", mms_ms_member_path(r->ms, 0));

    r->share = file && r->how.tiles ? mms_shared_block(file, r->outputvis) : 0;
    if (r->share && !r->how.share)
        r->share = -1;
    free(file);
}

static void end(mms_request *r)
{
    mms_request_close_input(r);
    mms_plan_free(&r->plan);
    mms_meta_free(&r->meta);
    mms_pipeline_free(&r->pipeline);
    mms_value_free(&r->windows);
    mms_value_free(&r->fields);
    mms_value_free(&r->bins);
    free(r->extents);
    free(r->unknown);
    r->nunknown = 0;
    r->unknown = NULL;
    r->extents = NULL;
}

static void report_dropped(const mms_request *r)
{
    const int64_t n = mms_plan_ndropped(r->plan);

    if (n > 0 && r->verb == MMS_DECIDE_PARTITION)
        mms_log(MMS_LOG_INFO, r->host->task,
                "%" PRId64 " subMSs failed to be created. This is not an error, if due to "
                "selection when creating a Multi-MS",
                n);
}

/** The output, or what it would be. */
static mms_status write_output(mms_request *r, mms_value *result, mms_error *err)
{
    mms_status st;

    MMS_TRY(mms_request_describe(r, result, err));
    if (!r->keys)
        MMS_TRY(mms_output_check_space(r, err));
    if (r->how.dryrun)
        return mms_output_estimate(r, result, err);
    report_dropped(r);
    MMS_TRY(mms_output_write(r, result, err));
done:
    return st;
}

mms_status mms_request_run(mms_request *r, const mms_host *host, mms_value *result, mms_error *err)
{
    bool was = false;
    mms_status st;

    r->host = host;
    if (r->how.resume && !r->how.dryrun)
        MMS_TRY(mms_output_take_published(host, r->vis, r->outputvis, result, &was, err));
    if (was)
        return MMS_OK;
    MMS_TRY(mms_ms_open(r->vis, &r->ms, err));
    mms_ms_use_tiles(r->ms, r->how.tiles);
    MMS_TRY(mms_request_check(r, err));
    if (r->verb == MMS_DECIDE_PARTITION)
        mms_log(MMS_LOG_INFO, r->host->task, "%sAnalyzing MS for partitioning",
                r->createmms && mms_ms_is_multi(r->ms) ? "Input vis is a Multi-MS. " : "");
    MMS_TRY(mms_request_select(r, err));
    MMS_TRY(mms_request_find_unknown(r, err));
    MMS_TRY(mms_request_only_copies(r) ? mms_request_add_copy(r, err)
                                       : mms_request_add_steps(r, err));
    MMS_TRY(mms_request_plan(r, err));
    set_tile(r);
    find_share(r);
    r->drops_lags = mms_ms_find_column(r->ms, MMS_COL_LAG_DATA) && mms_request_transforms(r);
    MMS_TRY(mms_check_stop(err));
    MMS_TRY(write_output(r, result, err));
done:
    end(r);
    return st;
}
