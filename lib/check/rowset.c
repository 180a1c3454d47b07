/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file rowset.c  Rows of an MS, through its members, or of one table, read by number. */
#include "rowset_priv.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base_priv.h"
#include "base/limits_priv.h"

void mms_rowset_of_ms(mms_rowset *rows, const mms_ms *ms)
{
    enum { OTHERS = 3, SIDES = 2 }; // those of the sets themselves, and a sub-table
    const int most = mms_tables_allow(mms_ms_member_path(ms, 0), MMS_ROWSET_OPEN, OTHERS, SIDES);

    *rows = (mms_rowset){
        .path = mms_ms_path(ms), .ms = ms, .nrow = mms_ms_nrow(ms), .nplace = most < 2 ? 2 : most};
}

mms_status mms_rowset_of_table(mms_rowset *rows, const char *path, mms_error *err)
{
    mms_status st;

    *rows = (mms_rowset){.path = path, .nplace = 1};
    st = mms_table_open(path, MMS_TABLE_READ, &rows->tables[0], err);
    if (st == MMS_OK)
        rows->nrow = mms_table_nrow(rows->tables[0]);
    return st;
}

static void drop_place(mms_rowset *rows, int place)
{
    mms_direct_close(&rows->tiles[place]);
    mms_table_drop(&rows->tables[place]);
}

void mms_rowset_close(mms_rowset *rows)
{
    for (int i = 0; i < MMS_ROWSET_OPEN; i++)
        drop_place(rows, i);
}

/** Member 0 keeps the first place: its columns are described there as long as the row set lives. */
static mms_status open_place(mms_rowset *rows, int64_t member, int *opened, mms_error *err)
{
    int place = member == 0 ? 0 : 1; // else the one that was not needed for longest

    rows->clock++;
    for (int i = 1; member > 0 && i < rows->nplace; i++) {
        if (rows->tables[i] && rows->members[i] == member) {
            place = i;
            break;
        }
        if (rows->used[i] < rows->used[place])
            place = i;
    }
    rows->used[place] = rows->clock;
    if (!rows->tables[place] || rows->members[place] != member) {
        drop_place(rows, place);
        rows->members[place] = member;
        const mms_status st = mms_table_open(mms_ms_member_path(rows->ms, member), MMS_TABLE_READ,
                                             &rows->tables[place], err);
        if (st != MMS_OK)
            return st;
    }
    *opened = place;
    return MMS_OK;
}

static mms_status open_member(mms_rowset *rows, int64_t member, mms_table **table, mms_error *err)
{
    int place = 0;
    const mms_status st = open_place(rows, member, &place, err);

    *table = rows->tables[place];
    return st;
}

mms_status mms_rowset_first(mms_rowset *rows, mms_table **table, mms_error *err)
{
    return open_member(rows, 0, table, err);
}

/** Return the member that holds a row and its rows. */
static int64_t member_of(const mms_rowset *rows, int64_t row, mms_rows *has)
{
    int64_t low = 0, high = rows->ms ? mms_ms_nmember(rows->ms) - 1 : 0;

    *has = (mms_rows){0, rows->nrow};
    while (low < high) {
        const int64_t mid = low + (high - low) / 2;
        const mms_rows r = mms_ms_member_rows(rows->ms, mid);
        if (row < r.first + r.count)
            high = mid;
        else
            low = mid + 1;
    }
    if (rows->ms)
        *has = mms_ms_member_rows(rows->ms, low);
    return low;
}

int64_t mms_rowset_group(const mms_rowset *rows, int64_t row)
{
    mms_rows has;

    if (!rows->ms || mms_ms_nmember(rows->ms) <= rows->nplace)
        return 0;
    return member_of(rows, row, &has) / (rows->nplace - 1);
}

enum { RANGES = 4096 };

/** Rows of one member: as many of at[] as lie in it and fit into the ranges. */
typedef struct row_batch {
    int place;
    mms_table *table;
    int64_t first; /**< of the member */
    int64_t nrange, nrow;
    mms_rows ranges[RANGES];
} row_batch;

static mms_status next_batch(mms_rowset *rows, int64_t n, const int64_t *at, row_batch *batch,
                             mms_error *err)
{
    mms_rows has;
    const int64_t member = member_of(rows, at[0], &has);
    int64_t i = 0;

    batch->first = has.first;
    batch->nrange = 0;
    for (; i < n && at[i] < has.first + has.count; i++) {
        const int64_t row = at[i] - has.first, k = batch->nrange - 1;
        if (k >= 0 && batch->ranges[k].first + batch->ranges[k].count == row)
            batch->ranges[k].count++;
        else if (batch->nrange < RANGES)
            batch->ranges[batch->nrange++] = (mms_rows){row, 1};
        else
            break;
    }
    batch->nrow = i;
    const mms_status st = open_place(rows, member, &batch->place, err);
    if (st == MMS_OK)
        batch->table = rows->tables[batch->place];
    return st;
}

/** Find the tiles of a column of an open member; none: casacore must be asked. */
static mms_status find_tiles(mms_rowset *rows, int place, const char *column,
                             mms_direct_column *found, mms_error *err)
{
    mms_direct **const tiles = &rows->tiles[place];
    mms_status st = MMS_OK;

    *found = (mms_direct_column){NULL, -1};
    if (!rows->direct)
        return MMS_OK;
    if (!*tiles)
        st = mms_direct_open(rows->tables[place], tiles, err);
    return st == MMS_OK ? mms_direct_find(*tiles, column, found, err) : st;
}

mms_status mms_rowset_tiles(mms_rowset *rows, const char *column, mms_rows run,
                            mms_direct_column *found, mms_rows *local, mms_error *err)
{
    mms_rows has;
    const int64_t member = member_of(rows, run.first, &has);
    const int64_t left = has.first + has.count - run.first;
    int place = 0;
    const mms_status st = open_place(rows, member, &place, err);

    *local = (mms_rows){run.first - has.first, run.count < left ? run.count : left};
    return st == MMS_OK ? find_tiles(rows, place, column, found, err) : st;
}

mms_status mms_rowset_read(mms_rowset *rows, const char *column, int64_t n, const int64_t *at,
                           int64_t nvalue, void *data, mms_error *err)
{
    const int64_t cell = n ? nvalue / n : 0;
    uint8_t *out = data;
    mms_direct_column from;
    row_batch batch;
    mms_status st = MMS_OK;

    for (int64_t i = 0; i < n && st == MMS_OK; i += batch.nrow) {
        st = next_batch(rows, n - i, at + i, &batch, err);
        if (st == MMS_OK)
            st = find_tiles(rows, batch.place, column, &from, err);
        if (st != MMS_OK)
            return st;
        const mms_column *const c = mms_table_find_column(batch.table, column);
        if (!c)
            return mms_fail(err, MMS_ERR_NOT_FOUND, "%s: no column %s", mms_table_path(batch.table),
                            column);
        st = from.tiles ? mms_tiles_read(from.tiles, from.column, batch.nrange, batch.ranges,
                                         batch.nrow * cell, out, err)
                        : mms_table_get(batch.table, column, batch.nrange, batch.ranges,
                                        batch.nrow * cell, out, err);
        out += (size_t)(batch.nrow * cell) * mms_dtype_size(c->dtype);
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
    mms_direct_column from;
    row_batch batch;
    mms_status st = MMS_OK;

    for (int64_t i = 0; i < n && st == MMS_OK; i += batch.nrow) {
        mms_shape_run *runs = NULL;
        int64_t nrun;
        st = next_batch(rows, n - i, at + i, &batch, err);
        if (st == MMS_OK)
            st = find_tiles(rows, batch.place, column, &from, err);
        if (st == MMS_OK && from.tiles)
            st = mms_tiles_shapes(from.tiles, from.column, batch.nrange, batch.ranges, &runs, &nrun,
                                  err);
        else if (st == MMS_OK)
            st = mms_table_shapes(batch.table, column, batch.nrange, batch.ranges, &runs, &nrun,
                                  err);
        if (st == MMS_OK)
            st = number_runs(mms_table_find_column(batch.table, column)->scalar, runs, nrun, list,
                             shape + i, err);
        free(runs);
    }
    return st;
}

mms_status mms_rowset_cell(mms_rowset *rows, const char *column, int64_t row, mms_value **out,
                           mms_error *err)
{
    mms_table *table;
    mms_rows has;
    const int64_t member = member_of(rows, row, &has);
    const mms_status st = open_member(rows, member, &table, err);

    return st == MMS_OK ? mms_table_get_cell(table, column, row - has.first, out, err) : st;
}
