/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file part_split.c  Orders of parts whose keys were written: read, and cut into some for several
 *  workers. */
#include <jansson.h>
#include <stdlib.h>

#include "base/files_priv.h"
#include "ms/rowlist_priv.h"
#include "order_priv.h"
#include "part_source_priv.h"
#include "pipeline/time_plan_priv.h"
#include "request_priv.h"

mms_status mms_part_orders_read(const char *keys, mms_value **orders, mms_error *err)
{
    char *const path = mms_format("%s/parts.json", keys);
    const mms_status st = path ? mms_value_read(path, orders, err)
                               : mms_fail(err, MMS_ERR_MEM, "%s: out of memory", keys);

    free(path);
    return st;
}

/** Rows stay rows: as many in each list. */
static mms_status split_rows(const mms_part_order *o, const mms_ms *ms, int64_t n,
                             const char *const *files, int64_t *counts, mms_error *err)
{
    mms_rowlist *from = NULL, *to = NULL;
    mms_rows run = {0};
    mms_status st;

    MMS_TRY(mms_rowlist_open(o->rows_file, mms_ms_nrow(ms), &from, err));
    for (int64_t i = 0, at = 0; i < n; i++) {
        const int64_t end = o->nrow * (i + 1) / n;
        MMS_TRY(mms_rowlist_create(files[i], &to, err));
        for (counts[i] = end - at; at < end; at += run.count) {
            MMS_TRY(mms_rowlist_take(from, end - at, &run, err));
            if (run.count == 0)
                MMS_TRY(mms_fail(err, MMS_ERR_INTERNAL, "%s: rows are missing", o->rows_file));
            MMS_TRY(mms_rowlist_add(to, run, err));
        }
        MMS_TRY(mms_rowlist_close(&to, err));
    }
done:
    (void)!mms_rowlist_close(&to, NULL);
    (void)!mms_rowlist_close(&from, NULL);
    return st;
}

static mms_status split(const mms_part_order *o, const mms_part_source *source, int64_t made,
                        int64_t n, const char *const *files, int64_t *counts, mms_error *err)
{
    const mms_form *in;

    if (!mms_pipeline_row_steps(source->pipeline))
        return split_rows(o, source->ms, n, files, counts, err);
    const mms_time_plan_opts opts = {
        .ms = source->ms,
        .rows_file = o->rows_file,
        .bins = mms_time_step_opts(mms_pipeline_row_step(source->pipeline, 0, &in)),
        .memory = o->memory};
    return mms_time_plan_split(&opts, made, n, files, counts, err);
}

mms_status mms_part_split(mms_job *job, const mms_value *value, int64_t n, const char *const *files,
                          mms_value **rows, mms_error *err)
{
    int64_t *const counts = mms_alloc(n, sizeof *counts);
    mms_part_source *source;
    mms_part_order order;
    mms_status st = mms_part_order_decode(value, &order, err);

    *rows = NULL;
    for (int64_t i = 0; st == MMS_OK && i < n; i++)
        st = mms_remove_tree(files[i], err); // of an attempt that was broken off
    if (st == MMS_OK)
        st = counts ? mms_part_source_get(job, &order, &source, err)
                    : mms_fail(err, MMS_ERR_MEM, "rows: out of memory");
    if (st == MMS_OK)
        st = split(&order, source, mms_part_order_made(value), n, files, counts, err);
    if (st == MMS_OK)
        *rows = json_array();
    for (int64_t i = 0; *rows && i < n; i++)
        json_array_append_new(*rows, json_integer(counts[i]));
    mms_part_order_free(&order);
    free(counts);
    return st;
}
