/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file store_buckets.c  The way to scalars in the buckets of lib/buckets. */
#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/base_priv.h"
#include "buckets/buckets_priv.h"
#include "store_priv.h"

/** A manager that is read, or one that is written. */
typedef struct manager {
    mms_buckets *in;
    mms_buckets_writer *out;
} manager;

static mms_status managers(mms_table *table, int64_t *n, mms_store_manager **list, mms_error *err)
{
    const mms_bucketed *found;
    mms_status st;

    MMS_TRY(mms_table_bucketed(table, n, &found, err));
    if (!(*list = mms_alloc(*n, sizeof **list)))
        MMS_TRY(mms_fail(err, MMS_ERR_MEM, "%s: out of memory", mms_table_path(table)));
    for (int64_t i = 0; i < *n; i++)
        (*list)[i] =
            (mms_store_manager){&found[i], found[i].ncolumn, found[i].columns, found[i].hollow};
done:
    return st;
}

static bool holds(const mms_column *c)
{
    return c->scalar && mms_dtype_size(c->dtype) > 0;
}

/** Say to lib/buckets what the table says of a manager, and open or make it. */
static mms_status start(mms_table *table, const mms_bucketed *k, manager *m, mms_error *err)
{
    mms_buckets_column *columns = mms_alloc(k->ncolumn, sizeof *columns);
    const mms_buckets_what what = {.table = mms_table_path(table),
                                   .type = k->type,
                                   .name = k->name,
                                   .sequence = k->sequence,
                                   .nrow = mms_table_nrow(table),
                                   .big_endian = k->big_endian,
                                   .ncolumn = k->ncolumn,
                                   .columns = columns,
                                   .bucket_bytes = k->bucket_bytes,
                                   .bucket_rows = k->bucket_rows,
                                   .offsets = k->offsets};
    mms_status st;

    if (!columns)
        return mms_fail(err, MMS_ERR_MEM, "%s: out of memory", what.table);
    for (int64_t i = 0; i < k->ncolumn; i++)
        columns[i] =
            (mms_buckets_column){k->columns[i]->name, k->columns[i]->dtype, k->columns[i]->scalar};
    st = k->hollow ? mms_buckets_create(&what, &m->out, err) : mms_buckets_open(&what, &m->in, err);
    free(columns);
    return st;
}

static void drop(void *handle)
{
    manager *m = handle;

    mms_buckets_close(&m->in);
    mms_buckets_drop(&m->out);
    free(m);
}

static mms_status open_manager(mms_table *table, const void *what, void **out, mms_error *err)
{
    manager *m = mms_alloc(1, sizeof *m);
    mms_status st;

    *out = NULL;
    if (!m)
        return mms_fail(err, MMS_ERR_MEM, "%s: out of memory", mms_table_path(table));
    st = start(table, what, m, err);
    if (st == MMS_OK)
        *out = m;
    else
        drop(m);
    return st;
}

static mms_status create(mms_table *table, const void *what, const mms_store_new *how, void **out,
                         mms_error *err)
{
    (void)how;
    return open_manager(table, what, out, err);
}

static int64_t samples(const mms_stored *c, int64_t most, int64_t *rows)
{
    const manager *m = c->manager;
    return mms_buckets_samples(m->in, c->place, most, rows);
}

static mms_status read_cells(const mms_stored *c, int64_t nrange, const mms_rows *ranges,
                             int64_t nvalue, void *data, mms_error *err)
{
    const manager *m = c->manager;
    int64_t nrow = 0;

    for (int64_t i = 0; i < nrange; i++)
        nrow += ranges[i].count;
    if (nvalue != nrow)
        return mms_fail(err, MMS_ERR_SHAPE, "%s: %" PRId64 " values for %" PRId64 " scalars",
                        c->name, nvalue, nrow);
    return mms_buckets_read(m->in, c->place, nrange, ranges, data, err);
}

/** Scalars of a block are one run. */
static mms_status put(const mms_stored *c, int64_t nrange, const mms_rows *ranges, int32_t ndim,
                      const int64_t *shape, int64_t nvalue, const void *data, mms_error *err)
{
    const manager *m = c->manager;

    (void)ndim;
    (void)shape;
    assert(nrange == 1 && ranges->count == nvalue);
    (void)nvalue;
    return mms_buckets_put(m->out, c->place, ranges[nrange - 1], data, err);
}

static mms_status advance(void *handle, int64_t row, mms_error *err)
{
    return mms_buckets_advance(((manager *)handle)->out, row, err);
}

static mms_status finish(void *handle, mms_error *err)
{
    return mms_buckets_finish(&((manager *)handle)->out, err);
}

const mms_store_kind mms_store_buckets = {.files = "buckets",
                                          .managers = managers,
                                          .holds = holds,
                                          .open = open_manager,
                                          .create = create,
                                          .samples = samples,
                                          .read = read_cells,
                                          .put = put,
                                          .advance = advance,
                                          .finish = finish,
                                          .drop = drop};
