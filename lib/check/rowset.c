/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file rowset.c  Rows of an MS, through its members, or of one table, read by number. */
#include "rowset_priv.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base_priv.h"

void mms_rowset_of_ms(mms_rowset *rows, mms_ms *ms)
{
    enum { MOST_OPEN = 15, SETS = 2 };

    *rows = (mms_rowset){
        .path = mms_ms_path(ms), .members = mms_ms_members(ms), .nrow = mms_ms_nrow(ms)};
    mms_members_allow(rows->members, MOST_OPEN, SETS);
}

mms_status mms_rowset_of_table(mms_rowset *rows, const char *path, mms_error *err)
{
    mms_status st;

    *rows = (mms_rowset){.path = path};
    st = mms_table_open(path, MMS_TABLE_READ, &rows->table, err);
    if (st == MMS_OK)
        rows->nrow = mms_table_nrow(rows->table);
    return st;
}

void mms_rowset_close(mms_rowset *rows)
{
    mms_table_drop(&rows->table);
}

mms_table *mms_rowset_first(const mms_rowset *rows)
{
    return rows->members ? rows->members->first : rows->table;
}

/** Return the member that holds a row, and its rows. */
static int64_t member_of(const mms_rowset *rows, int64_t row, mms_rows *has)
{
    *has = (mms_rows){0, rows->nrow};
    if (!rows->members)
        return 0;
    const int64_t member = mms_members_of(rows->members, row);
    *has = rows->members->list[member].rows;
    return member;
}

int64_t mms_rowset_group(const mms_rowset *rows, int64_t row)
{
    mms_rows has;

    if (!rows->members || rows->members->n - 1 <= rows->members->most_open)
        return 0;
    return member_of(rows, row, &has) / rows->members->most_open;
}

enum { RANGES = 4096 };

/** Rows of one member: as many of at[] as lie in it and fit into the ranges. */
typedef struct row_batch {
    int64_t member, nrange, nrow;
    mms_rows ranges[RANGES];
} row_batch;

static void next_batch(const mms_rowset *rows, int64_t n, const int64_t *at, row_batch *batch)
{
    mms_rows has;
    int64_t i = 0;

    batch->member = member_of(rows, at[0], &has);
    batch->nrange = 0;
    for (; i < n && at[i] < has.first + has.count; i++) {
        const int64_t row = at[i] - has.first, k = batch->nrange - 1;
        assert(row >= 0 && (i == 0 || at[i] > at[i - 1]));
        if (k >= 0 && batch->ranges[k].first + batch->ranges[k].count == row)
            batch->ranges[k].count++;
        else if (batch->nrange < RANGES)
            batch->ranges[batch->nrange++] = (mms_rows){row, 1};
        else
            break;
    }
    batch->nrow = i;
}

/** Find a column of a member, which stays open until it is released. */
static mms_status use(mms_rowset *rows, int64_t member, const char *column, mms_store_want want,
                      mms_member_column *out, mms_error *err)
{
    if (rows->members)
        return mms_members_use(rows->members, member, column,
                               rows->direct ? want : MMS_WANT_CASACORE, out, err);
    *out = (mms_member_column){NULL, rows->table, mms_stored_in_table(rows->table, column)};
    return MMS_OK;
}

static void release(const mms_rowset *rows, mms_member_column *column)
{
    if (rows->members)
        mms_members_release(rows->members, column);
}

mms_status mms_rowset_find(mms_rowset *rows, const char *column, mms_rows run, mms_stored *found,
                           mms_rows *local, mms_error *err)
{
    mms_rows has;
    const int64_t member = member_of(rows, run.first, &has);
    const int64_t left = has.first + has.count - run.first;
    mms_member_column from;
    const mms_status st = use(rows, member, column, MMS_WANT_CELLS, &from, err);

    assert(left > 0 && run.count > 0); // who goes on behind what was found, never stops else
    *local = (mms_rows){run.first - has.first, run.count < left ? run.count : left};
    *found = from.cells;
    release(rows, &from);
    return st;
}

mms_status mms_rowset_read(mms_rowset *rows, const char *column, int64_t n, const int64_t *at,
                           int64_t nvalue, void *data, mms_error *err)
{
    const int64_t cell = n ? nvalue / n : 0;
    uint8_t *out = data;
    row_batch batch;
    mms_status st = MMS_OK;

    for (int64_t i = 0; i < n && st == MMS_OK; i += batch.nrow) {
        mms_member_column from;
        next_batch(rows, n - i, at + i, &batch);
        st = use(rows, batch.member, column, MMS_WANT_CELLS, &from, err);
        const mms_column *c = st == MMS_OK ? mms_table_find_column(from.table, column) : NULL;
        if (c)
            st = from.cells.kind->read(&from.cells, batch.nrange, batch.ranges, batch.nrow * cell,
                                       out, err);
        else if (st == MMS_OK)
            st = mms_fail(err, MMS_ERR_NOT_FOUND, "%s: no column %s", mms_table_path(from.table),
                          column);
        out += c ? (size_t)(batch.nrow * cell) * mms_dtype_size(c->dtype) : 0;
        release(rows, &from);
    }
    return st;
}

int32_t mms_shape_number(mms_shape_list *list, const mms_shape *shape)
{
    for (int64_t i = 0; i < list->n; i++) {
        const mms_shape *const s = &list->shapes[i];
        if (s->ndim == shape->ndim &&
            (s->ndim <= 0 || !memcmp(s->size, shape->size, (size_t)s->ndim * sizeof s->size[0])))
            return (int32_t)i;
    }
    if (list->n == INT32_MAX ||
        mms_grow(&list->shapes, &list->capacity, list->n + 1, sizeof *list->shapes, NULL))
        return -1;
    list->shapes[list->n] = *shape;
    return (int32_t)list->n++;
}

int64_t mms_shape_elements(const mms_shape *shape)
{
    int64_t n = shape->ndim >= 0;

    for (int32_t i = 0; i < shape->ndim; i++)
        n *= shape->size[i];
    return n;
}

void mms_shape_text(const mms_shape *shape, size_t size, char *text)
{
    int length = snprintf(text, size, "%s",
                          shape->ndim == MMS_NO_CELL   ? "undefined"
                          : shape->ndim == MMS_NO_AXES ? "[]"
                          : shape->ndim == 0           ? "scalar"
                                                       : "");

    for (int32_t i = 0; i < shape->ndim && (size_t)length < size; i++)
        length += snprintf(text + length, size - (size_t)length, "%s%" PRId64 "%s", i ? "," : "[",
                           shape->size[i], i + 1 == shape->ndim ? "]" : "");
}

static mms_status number_runs(bool scalar, const mms_shape_run *runs, int64_t nrun,
                              mms_shape_list *list, int32_t *shape, mms_error *err)
{
    for (int64_t i = 0; i < nrun; i++) {
        mms_shape s = {.ndim = runs[i].ndim == 0 && !scalar ? MMS_NO_AXES : runs[i].ndim};
        memcpy(s.size, runs[i].shape, sizeof s.size);
        const int32_t number = mms_shape_number(list, &s);
        if (number < 0)
            return mms_fail(err, MMS_ERR_MEM, "cell shapes: out of memory");
        for (int64_t k = 0; k < runs[i].rows.count; k++)
            *shape++ = number;
    }
    return MMS_OK;
}

mms_status mms_rowset_shapes(mms_rowset *rows, const char *column, int64_t n, const int64_t *at,
                             mms_shape_list *list, int32_t *shape, mms_error *err)
{
    row_batch batch;
    mms_status st = MMS_OK;

    for (int64_t i = 0; i < n && st == MMS_OK; i += batch.nrow) {
        mms_member_column from;
        mms_shape_run *runs = NULL;
        int64_t nrun;
        next_batch(rows, n - i, at + i, &batch);
        st = use(rows, batch.member, column, MMS_WANT_SHAPES, &from, err);
        if (st == MMS_OK)
            st =
                from.cells.kind->shapes(&from.cells, batch.nrange, batch.ranges, &runs, &nrun, err);
        if (st == MMS_OK)
            st = number_runs(mms_table_find_column(from.table, column)->scalar, runs, nrun, list,
                             shape + i, err);
        release(rows, &from);
        free(runs);
    }
    return st;
}

mms_status mms_rowset_cell(mms_rowset *rows, const char *column, int64_t row, mms_value **out,
                           mms_error *err)
{
    mms_rows has;
    const int64_t member = member_of(rows, row, &has);
    mms_member_column from;
    mms_status st = use(rows, member, column, MMS_WANT_CASACORE, &from, err);

    if (st == MMS_OK)
        st = mms_table_get_cell(from.table, column, row - has.first, out, err);
    release(rows, &from);
    return st;
}
