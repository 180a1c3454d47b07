/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file asked.c  What a request asks, and what its pipeline makes of it. */
#include "ms/columns.h"
#include "request_priv.h"

bool mms_request_only_copies(const mms_request *r)
{
    return r->verb == MMS_DECIDE_PARTITION;
}

bool mms_request_cuts(const mms_request *r)
{
    return mms_selection_cuts_channels(r->selection) || mms_selection_corrs(r->selection, 0).given;
}

bool mms_request_asks_one_window(const mms_request *r)
{
    return r->combinespws || (r->regrid.on && r->regrid.nspw > 1);
}

int64_t mms_request_new_windows(const mms_request *r)
{
    const mms_form *out = r->pipeline ? mms_pipeline_out(r->pipeline) : NULL;
    return out && out->new_windows ? out->nwindow : 0;
}

mms_status mms_request_add_channels(mms_request *r, mms_ints bins, bool keep_remainder,
                                    mms_error *err)
{
    mms_step *step;
    mms_status st = MMS_OK;

    if (!bins.count)
        return MMS_OK;
    MMS_TRY(mms_channel_step(bins.count, bins.values, r->chanbin_name, keep_remainder, &step, err));
    MMS_TRY(mms_pipeline_add(r->pipeline, step, err));
done:
    return st;
}

mms_status mms_output_check_types(const mms_ms *ms, int64_t n, const char *const *columns,
                                  mms_error *err)
{
    for (int64_t i = 0; i < n; i++) {
        const mms_column *c = mms_ms_find_column(ms, columns[i]);
        const mms_column_info *const info = mms_column_info_find(columns[i]);
        const mms_dtype want = info ? info->dtype : MMS_DT_FLOAT;
        if (c && c->dtype != want)
            return mms_fail(err, MMS_ERR_UNSUPPORTED,
                            "%s: column %s is of type %s; only %s is "
                            "calculated with",
                            mms_ms_path(ms), columns[i], mms_dtype_name(c->dtype),
                            mms_dtype_name(want));
    }
    return MMS_OK;
}

bool mms_output_averages_rows(const mms_request *r)
{
    return r->pipeline &&
           (mms_pipeline_row_steps(r->pipeline) > 0 || mms_pipeline_rows_per_row(r->pipeline) > 1);
}

void mms_request_close_input(mms_request *r)
{
    mms_selection_free(&r->selection);
    mms_ms_close(&r->ms);
}

mms_status mms_request_add_hanning(mms_request *r, mms_error *err)
{
    mms_step *step;
    mms_status st = MMS_OK;

    if (!r->hanning)
        return MMS_OK;
    MMS_TRY(mms_hanning_step(r->smooth_spw, &step, err));
    MMS_TRY(mms_pipeline_add(r->pipeline, step, err));
done:
    return st;
}
