/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file store_columns.c  The way to cells through casacore. */
#include "store_priv.h"

static mms_status shapes(const mms_stored *c, int64_t nrange, const mms_rows *ranges,
                         mms_shape_run **runs, int64_t *nrun, mms_error *err)
{
    return mms_table_shapes(c->manager, c->name, nrange, ranges, runs, nrun, err);
}

static mms_status read_cells(const mms_stored *c, int64_t nrange, const mms_rows *ranges,
                             int64_t nvalue, void *data, mms_error *err)
{
    return mms_table_get(c->manager, c->name, nrange, ranges, nvalue, data, err);
}

static mms_status put(const mms_stored *c, int64_t nrange, const mms_rows *ranges, int32_t ndim,
                      const int64_t *shape, int64_t nvalue, const void *data, mms_error *err)
{
    return mms_table_put(c->manager, c->name, nrange, ranges, ndim, shape, nvalue, data, err);
}

const mms_store_kind mms_store_columns = {
    .files = "columns", .shapes = shapes, .read = read_cells, .put = put};

mms_stored mms_stored_in_table(mms_table *table, const char *column)
{
    return (mms_stored){&mms_store_columns, table, -1, column};
}
