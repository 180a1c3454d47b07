/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file sharing.c  How much of an output will be blocks of the input, before it is written. */
#include <stdlib.h>

#include "ms/shared.h"
#include "request_priv.h"

/** The columns whose cells stay as they are. */
typedef struct sharing {
    const mms_request *r;
    const char **columns;
    int64_t ncolumn, bytes;
} sharing;

static void list_columns(sharing *s)
{
    const mms_request *const r = s->r;

    for (int64_t i = 0; i < mms_ms_ncolumn(r->ms); i++) {
        const mms_column *const c = mms_ms_column(r->ms, i);
        if (mms_output_writes(r, c->name) && mms_part_copies(r->pipeline, c))
            s->columns[s->ncolumn++] = c->name;
    }
}

static mms_status plan_part(void *ctx, int64_t part, const char *file, mms_error *err)
{
    sharing *const s = ctx;
    int64_t bytes;
    const mms_status st =
        mms_ms_shared_bytes(s->r->ms, file, s->r->share, s->ncolumn, s->columns, &bytes, err);

    (void)part;
    s->bytes += bytes;
    return st;
}

/** Runs of single rows make lists that a scratch folder may not hold. */
static bool has_long_lists(const mms_request *r)
{
    const int64_t many = 10000000;
    return mms_plan_axis(r->plan) == MMS_AXIS_BASELINE && r->meta.nselected > many;
}

mms_status mms_output_shared_bytes(const mms_request *r, int64_t *bytes, mms_error *err)
{
    sharing s = {.r = r};
    mms_error why = {0};

    *bytes = 0;
    if (r->share <= 0 || mms_output_averages_rows(r) || has_long_lists(r))
        return MMS_OK;
    s.columns = mms_alloc(mms_ms_ncolumn(r->ms), sizeof *s.columns);
    if (!s.columns)
        return mms_fail(err, MMS_ERR_MEM, "%s: out of memory", r->outputvis);
    list_columns(&s);
    mms_status st = mms_output_visit_lists(r, plan_part, &s, &why);
    if (st == MMS_OK)
        *bytes = s.bytes;
    else if (st == MMS_ERR_IO || st == MMS_ERR_SPACE) { // it is a guess of what will be spared
        mms_log(MMS_LOG_INFO, r->host->task, "how much will be shared is not known: %s", why.msg);
        st = MMS_OK;
    } else
        st = mms_fail(err, st, "%s", why.msg);
    free(s.columns);
    return st;
}
