/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file cells.c  Cells of a set: rows of the whole, read and copied member by member. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/base_priv.h"
#include "members_priv.h"
#include "rowlist_priv.h"

static mms_status use_column(mms_members *members, int64_t i, const char *column,
                             mms_store_want want, mms_member_column *out, mms_error *err)
{
    if (members->made.of && !strcmp(column, members->made.column.name)) {
        *out = (mms_member_column){.cells = members->made.cells(members->made.of, i)};
        return MMS_OK;
    }
    return mms_members_use(members, i, column, members->by_casacore ? MMS_WANT_CASACORE : want, out,
                           err);
}

mms_status mms_ms_find_stored(mms_ms *ms, const char *column, mms_stored *found, mms_error *err)
{
    mms_members *members = mms_ms_members(ms);
    mms_member_column from;
    mms_status st;

    *found = (mms_stored){0};
    if (members->n != 1)
        return MMS_OK;
    st = use_column(members, 0, column, MMS_WANT_CELLS, &from, err);
    if (st == MMS_OK)
        *found = from.cells;
    mms_members_release(members, &from);
    return st;
}

int64_t mms_ms_together(const mms_ms *ms, int64_t nrange, const mms_rows *ranges)
{
    const mms_members *members = mms_ms_members_of(ms);
    int64_t all = 0, together = 0, end = 0;

    for (int64_t i = 0; i < nrange; i++) {
        const mms_rows r = ranges[i];
        if (i > 0 && r.first < ranges[i - 1].first) // they would be opened again and again
            end = members->nrow;
        if (i == 0) {
            const int64_t last = mms_members_of(members, r.first) + members->most_open - 1;
            const mms_rows has = members->list[last < members->n ? last : members->n - 1].rows;
            end = has.first + has.count;
        }
        const int64_t room = end - r.first;
        together += room <= 0 ? 0 : room < r.count ? room : r.count;
        all += r.count;
    }
    return end == members->nrow ? all : together;
}

/** Walks ranges in pieces that lie in one member each. */
typedef struct piece_walk {
    const mms_members *members;
    const mms_rows *ranges;
    int64_t nrange, range, done; /**< next range, rows of it that were given out */
} piece_walk;

/** Take the next pieces of one member, at most most; local[] are its own rows. */
static int64_t next_pieces(piece_walk *w, int64_t most, mms_rows *local, int64_t *member,
                           int64_t *nrow)
{
    int64_t n = 0;

    *nrow = 0;
    while (w->range < w->nrange && n < most) {
        const mms_rows r = w->ranges[w->range];
        const int64_t first = r.first + w->done;
        const int64_t m = mms_members_of(w->members, first);
        const mms_rows has = w->members->list[m].rows;
        if (n > 0 && m != *member)
            break;
        *member = m;
        const int64_t left = r.count - w->done, room = has.first + has.count - first;
        const int64_t count = left < room ? left : room;
        local[n++] = (mms_rows){first - has.first, count};
        *nrow += count;
        w->done += count;
        if (w->done == r.count) {
            w->range++;
            w->done = 0;
        }
    }
    return n;
}

static mms_status check_ranges(const mms_ms *ms, const char *column, int64_t nrange,
                               const mms_rows *ranges, int64_t *nrow, mms_error *err)
{
    *nrow = 0;
    for (int64_t i = 0; i < nrange; i++) {
        const mms_rows r = ranges[i];
        if (r.first < 0 || r.count < 1 || r.first > mms_ms_nrow(ms) - r.count)
            return mms_fail(err, MMS_ERR_RANGE,
                            "%s: %s: %" PRId64 " rows from %" PRId64 " of %" PRId64,
                            mms_ms_path(ms), column, r.count, r.first, mms_ms_nrow(ms));
        *nrow += r.count;
    }
    return MMS_OK;
}

enum { PIECES = 1024 };

mms_status mms_ms_read(mms_ms *ms, const char *column, int64_t nrange, const mms_rows *ranges,
                       int64_t nvalue, void *data, mms_error *err)
{
    mms_rows local[PIECES];
    mms_members *const members = mms_ms_members(ms);
    piece_walk walk = {members, ranges, nrange, 0, 0};
    int64_t total, rows, n, member = 0;
    const mms_column *c = mms_ms_find_column(ms, column);
    uint8_t *out = data;
    mms_status st;

    if (!c)
        return mms_fail(err, MMS_ERR_NOT_FOUND, "%s: no column %s", mms_ms_path(ms), column);
    st = check_ranges(ms, column, nrange, ranges, &total, err);
    if (st != MMS_OK || total == 0)
        return st;
    if (nvalue % total)
        return mms_fail(err, MMS_ERR_SHAPE, "%s: %s: %" PRId64 " values for %" PRId64 " rows",
                        mms_ms_path(ms), column, nvalue, total);
    const int64_t cell = nvalue / total;
    while ((n = next_pieces(&walk, PIECES, local, &member, &rows)) > 0) {
        mms_member_column from;
        st = use_column(members, member, column, MMS_WANT_CELLS, &from, err);
        if (st == MMS_OK)
            st = from.cells.kind->read(&from.cells, n, local, rows * cell, out, err);
        mms_members_release(members, &from);
        if (st != MMS_OK)
            return st;
        out += (size_t)(rows * cell) * mms_dtype_size(c->dtype);
    }
    return MMS_OK;
}

static bool continues(const mms_shape_run *last, const mms_shape_run *next)
{
    return last->ndim == next->ndim && last->rows.first + last->rows.count == next->rows.first &&
           (last->ndim <= 0 ||
            !memcmp(last->shape, next->shape, (size_t)last->ndim * sizeof last->shape[0]));
}

mms_status mms_ms_shapes(mms_ms *ms, const char *column, int64_t nrange, const mms_rows *ranges,
                         mms_shape_run **runs, int64_t *nrun, mms_error *err)
{
    mms_rows local[PIECES];
    mms_members *const members = mms_ms_members(ms);
    piece_walk walk = {members, ranges, nrange, 0, 0};
    int64_t total, rows, n, member = 0, capacity = 0;
    mms_shape_run *found = NULL;
    mms_member_column from = {0};
    mms_status st;

    *runs = NULL;
    *nrun = 0;
    MMS_TRY(check_ranges(ms, column, nrange, ranges, &total, err));
    while ((n = next_pieces(&walk, PIECES, local, &member, &rows)) > 0) {
        int64_t nfound;
        MMS_TRY(use_column(members, member, column, MMS_WANT_SHAPES, &from, err));
        MMS_TRY(from.cells.kind->shapes(&from.cells, n, local, &found, &nfound, err));
        mms_members_release(members, &from);
        for (int64_t i = 0; i < nfound; i++) {
            found[i].rows.first += members->list[member].rows.first;
            if (*nrun > 0 && continues(&(*runs)[*nrun - 1], &found[i])) {
                (*runs)[*nrun - 1].rows.count += found[i].rows.count;
                continue;
            }
            MMS_TRY(mms_grow(runs, &capacity, *nrun + 1, sizeof **runs, err));
            (*runs)[(*nrun)++] = found[i];
        }
        free(found);
        found = NULL;
    }
done:
    mms_members_release(members, &from);
    free(found);
    if (st != MMS_OK) {
        free(*runs);
        *runs = NULL;
        *nrun = 0;
    }
    return st;
}

mms_status mms_ms_copy_cells(mms_ms *ms, const char *column, int64_t nrange, const mms_rows *ranges,
                             mms_table *out, const char *out_column, int64_t first, mms_error *err)
{
    mms_rows local[PIECES];
    mms_members *const members = mms_ms_members(ms);
    piece_walk walk = {members, ranges, nrange, 0, 0};
    int64_t rows, n, member = 0;
    mms_status st = check_ranges(ms, column, nrange, ranges, &rows, err);

    while (st == MMS_OK && (n = next_pieces(&walk, PIECES, local, &member, &rows)) > 0) {
        mms_member_column from;
        st = use_column(members, member, column, MMS_WANT_CASACORE, &from, err);
        if (st == MMS_OK)
            st = mms_table_copy_cells(from.table, column, n, local, out, out_column, first, err);
        mms_members_release(members, &from);
        first += rows;
    }
    return st;
}

/** Copy cells of one shape through memory. */
static mms_status copy_cells(mms_ms *ms, const mms_column *c, const mms_shape_run *run,
                             const mms_stored *out, int64_t first, mms_error *err)
{
    enum { BATCH = 1 << 20 };
    const int64_t n = mms_cell_values(c, run->ndim, run->shape);
    mms_status st = MMS_OK;

    if (n == 0)
        return MMS_OK;
    const int64_t rows = BATCH / (n * (int64_t)mms_dtype_size(c->dtype)) + 1;
    void *buffer = mms_alloc(n * rows, mms_dtype_size(c->dtype));
    if (!buffer)
        return mms_fail(err, MMS_ERR_MEM, "%s: out of memory", mms_ms_path(ms));
    for (int64_t done = 0; st == MMS_OK && done < run->rows.count;) {
        const int64_t left = run->rows.count - done;
        const mms_rows from = {run->rows.first + done, left < rows ? left : rows};
        const mms_rows to = {first + done, from.count};
        st = mms_ms_read(ms, c->name, 1, &from, n * from.count, buffer, err);
        if (st == MMS_OK)
            st = out->kind->put(out, 1, &to, run->ndim, run->shape, n * from.count, buffer, err);
        done += from.count;
    }
    free(buffer);
    return st;
}

/** Copy what casacore reads, run by run of equal shape. */
static mms_status copy_column(mms_ms *ms, const mms_column *c, int64_t nrange,
                              const mms_rows *ranges, const mms_stored *out, int64_t first,
                              mms_error *err)
{
    mms_shape_run *runs;
    int64_t nrun;
    mms_status st = mms_ms_shapes(ms, c->name, nrange, ranges, &runs, &nrun, err);

    for (int64_t i = 0; st == MMS_OK && i < nrun; i++) {
        st = copy_cells(ms, c, &runs[i], out, first, err);
        first += runs[i].rows.count;
    }
    free(runs);
    return st;
}

mms_status mms_ms_copy_to_store(mms_ms *ms, const char *column, int64_t nrange,
                                const mms_rows *ranges, const mms_stored *out, int64_t first,
                                mms_error *err)
{
    mms_rows local[PIECES];
    mms_members *const members = mms_ms_members(ms);
    piece_walk walk = {members, ranges, nrange, 0, 0};
    const mms_column *c = mms_ms_find_column(ms, column);
    int64_t rows, n, member = 0;
    mms_status st = check_ranges(ms, column, nrange, ranges, &rows, err);

    while (st == MMS_OK && (n = next_pieces(&walk, PIECES, local, &member, &rows)) > 0) {
        mms_member_column from;
        st = use_column(members, member, column, MMS_WANT_CELLS, &from, err);
        const bool direct = st == MMS_OK && from.cells.kind == out->kind && out->kind->copy;
        if (direct)
            st = out->kind->copy(&from.cells, n, local, out, first, err);
        for (int64_t i = 0; !direct && i < n; i++)
            local[i].first += members->list[member].rows.first;
        if (st == MMS_OK && !direct)
            st = copy_column(ms, c, n, local, out, first, err);
        mms_members_release(members, &from);
        first += rows;
    }
    return st;
}

/** Plan the cells of one column for some rows, which become those of the output from first on. */
static mms_status plan_column(mms_ms *ms, const mms_shared_column *column, int64_t nrange,
                              const mms_rows *ranges, int64_t first, mms_error *err)
{
    mms_rows local[PIECES];
    mms_members *const members = mms_ms_members(ms);
    piece_walk walk = {members, ranges, nrange, 0, 0};
    int64_t rows, n, member = 0;
    mms_status st = MMS_OK;

    while (st == MMS_OK && (n = next_pieces(&walk, PIECES, local, &member, &rows)) > 0) {
        mms_member_column from;
        st = use_column(members, member, column->name, MMS_WANT_CELLS, &from, err);
        int64_t place;
        const mms_tiles *tiles = st == MMS_OK ? mms_stored_tiles(&from.cells, &place) : NULL;
        if (st == MMS_OK && !tiles)
            mms_tiles_share_give_up(column->plan);
        for (int64_t i = 0; st == MMS_OK && tiles && i < n; i++) {
            st = mms_tiles_share_add(column->plan, tiles, local[i], first, err);
            first += local[i].count;
        }
        mms_members_release(members, &from);
    }
    return st;
}

mms_status mms_ms_plan_sharing(mms_ms *ms, const char *rows_file, int64_t ncolumn,
                               const mms_shared_column *columns, mms_error *err)
{
    mms_rows ranges[PIECES];
    mms_rowlist *list;
    int64_t first = 0;
    mms_status st;

    MMS_TRY(mms_rowlist_open(rows_file, mms_ms_nrow(ms), &list, err));
    for (int64_t n = PIECES; n == PIECES;) {
        int64_t rows = 0;
        for (n = 0; n < PIECES; n++) {
            MMS_TRY(mms_rowlist_take(list, INT64_MAX, &ranges[n], err));
            if (ranges[n].count == 0)
                break;
            rows += ranges[n].count;
        }
        for (int64_t i = 0; n && i < ncolumn; i++)
            MMS_TRY(plan_column(ms, &columns[i], n, ranges, first, err));
        first += rows;
    }
done:
    (void)!mms_rowlist_close(&list, NULL);
    return st;
}
