/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file cut.c  What a request leaves out of cells: the steps that copied rows have, too. */
#include <stdlib.h>
#include <string.h>

#include "ms/columns.h"
#include "request_priv.h"
#include "subtables/subtables.h"
#include "transform/transform.h"

/** The channels of a DDID's window that are kept, and of which cells; *chans is owned. */
static mms_status make_cut(const mms_request *r, int32_t ddid, mms_cut *cut, mms_error *err)
{
    const mms_dd *dd = &r->meta.dds[ddid];
    const mms_ids corrs = mms_selection_corrs(r->selection, dd->pol);
    int32_t *chans;
    const mms_status st =
        mms_channel_list(r->selection, dd->spw, dd->nchan, &chans, &cut->nchan, err);

    if (st != MMS_OK)
        return st;
    cut->nchan_in = dd->nchan;
    cut->ncorr_in = dd->ncorr;
    cut->chans = chans;
    cut->corrs = corrs.ids;
    cut->ncorr = corrs.given ? corrs.n : 0;
    return MMS_OK;
}

mms_status mms_request_add_cut(mms_request *r, mms_error *err)
{
    const mms_ids ddids = mms_selection_ddids(r->selection);
    mms_step *step;
    mms_cut *cuts;
    mms_status st;

    if (!mms_request_cuts(r))
        return MMS_OK;
    cuts = mms_alloc(r->meta.ndd, sizeof *cuts);
    MMS_TRY(cuts ? MMS_OK : mms_fail(err, MMS_ERR_MEM, "%s: out of memory", r->vis));
    for (int64_t i = 0; i < ddids.n; i++)
        MMS_TRY(make_cut(r, ddids.ids[i], &cuts[ddids.ids[i]], err));
    MMS_TRY(mms_cut_step(r->meta.ndd, cuts, &step, err));
    MMS_TRY(mms_pipeline_add(r->pipeline, step, err));
done:
    for (int64_t d = 0; cuts && d < r->meta.ndd; d++)
        free((void *)cuts[d].chans);
    free(cuts);
    return st;
}

/** What a renamed column brings with it (design D19), or NULL. */
static const char *derived(const mms_request *r)
{
    if (!strcmp(r->datacolumn, "corrected"))
        return "sigma";
    if (!strcmp(r->datacolumn, "data") && mms_ms_find_column(r->ms, MMS_COL_CORRECTED_DATA))
        return "weight";
    return NULL;
}

mms_status mms_request_add_copy(mms_request *r, mms_error *err)
{
    const char *const word = derived(r);
    mms_form form = {0};
    mms_step *step;
    mms_status st;

    if (!mms_request_cuts(r) && !word)
        return MMS_OK;
    MMS_TRY(mms_form_create(0, r->meta.ndd, &form, err));
    MMS_TRY(mms_request_set_followers(r, &form, err));
    MMS_TRY(mms_pipeline_create(&form, &r->pipeline, err));
    MMS_TRY(mms_request_add_cut(r, err));
    if (word) {
        MMS_TRY(mms_derive_step(word, &step, err));
        MMS_TRY(mms_pipeline_add(r->pipeline, step, err));
    }
done:
    mms_form_end(&form);
    return st;
}
