/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file rows.c  The pass over the rows of an MS, chunk by chunk. */
#include "rows.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "columns.h"

typedef struct row_pass {
    mms_ms *ms;
    mms_row_pass_opts opts; /**< selection is NULL where all are selected */
    mms_rows left;          /**< of the range */
    int64_t next;           /**< range */
    uint8_t *mask;
    void *cells[MMS_ROWS_COLUMNS]; /**< of as many columns as there are */
    mms_row_chunk chunk;
} row_pass;

mms_status mms_rows_check_column(const mms_ms *ms, const char *name, mms_error *err)
{
    const mms_column *have = mms_ms_find_column(ms, name);
    const mms_column_info *want = mms_column_info_find(name);

    if (!have)
        return mms_fail(err, MMS_ERR_NOT_FOUND, "%s: no column %s", mms_ms_path(ms), name);
    if (!have->scalar || !want || have->dtype != want->dtype)
        return mms_fail(err, MMS_ERR_TABLE, "%s: column %s has not the type of an MS",
                        mms_ms_path(ms), name);
    return MMS_OK;
}

/** Those of an order may be of a set that had more rows then. */
static mms_status check_ranges(const row_pass *p, mms_error *err)
{
    const int64_t nrow = mms_ms_nrow(p->ms);

    for (int64_t i = 0; i < p->opts.nrange; i++) {
        const mms_rows r = p->opts.ranges[i];
        if (r.first < 0 || r.count < 0 || r.count > nrow || r.first > nrow - r.count)
            return mms_fail(err, MMS_ERR_RANGE, "%s: %" PRId64 " rows from %" PRId64 " of %" PRId64,
                            mms_ms_path(p->ms), r.count, r.first, nrow);
    }
    return MMS_OK;
}

static mms_status begin(row_pass *p, mms_error *err)
{
    const int64_t nrow = mms_ms_nrow(p->ms), most = nrow < MMS_ROWS_CHUNK ? nrow : MMS_ROWS_CHUNK;
    const char *const *columns = p->opts.columns;
    bool room = (p->mask = mms_alloc(most, 1));
    mms_status st = MMS_OK;

    for (int i = 0; room && columns[i]; i++) {
        const mms_column_info *info = mms_column_info_find(columns[i]);
        assert(info && i < MMS_ROWS_COLUMNS);
        room = (p->cells[i] = mms_alloc(most, mms_dtype_size(info->dtype)));
    }
    if (!room)
        MMS_TRY(mms_fail(err, MMS_ERR_MEM, "%s: out of memory", mms_ms_path(p->ms)));
    if (p->opts.selection && mms_selection_is_all(p->opts.selection))
        p->opts.selection = NULL;
    for (int i = 0; columns[i]; i++)
        if (!p->opts.lenient || mms_ms_find_column(p->ms, columns[i]))
            MMS_TRY(mms_rows_check_column(p->ms, columns[i], err));
done:
    return st;
}

/** Take the next rows; false when there are none. */
static bool take_rows(row_pass *p)
{
    mms_row_chunk *c = &p->chunk;
    mms_rows all;

    c->place += c->rows.count;
    while (!p->left.count && p->next < p->opts.nrange)
        p->left = p->opts.ranges[p->next++];
    if (!p->left.count)
        return false;
    all = mms_ms_member_rows(p->ms, c->member);
    if (p->left.first < all.first)
        all = mms_ms_member_rows(p->ms, c->member = 0);
    while (p->left.first >= all.first + all.count)
        all = mms_ms_member_rows(p->ms, ++c->member);
    const int64_t together = all.first + all.count - p->left.first;
    c->rows = (mms_rows){p->left.first, p->left.count < together ? p->left.count : together};
    if (c->rows.count > MMS_ROWS_CHUNK)
        c->rows.count = MMS_ROWS_CHUNK;
    p->left.first += c->rows.count;
    p->left.count -= c->rows.count;
    return true;
}

static mms_status read_cells(row_pass *p, mms_error *err)
{
    const mms_rows rows = p->chunk.rows;
    mms_status st = MMS_OK;

    for (int i = 0; st == MMS_OK && p->opts.columns[i]; i++) {
        if (mms_ms_find_column(p->ms, p->opts.columns[i]))
            st = mms_ms_read(p->ms, p->opts.columns[i], 1, &rows, rows.count, p->cells[i], err);
        p->chunk.cells[i] = p->cells[i];
    }
    return st;
}

static mms_status give_chunk(row_pass *p, mms_rows_take *take, void *ctx, mms_error *err)
{
    mms_row_chunk *c = &p->chunk;
    mms_status st;

    memset(p->mask, 1, (size_t)c->rows.count);
    if (p->opts.selection)
        MMS_TRY(mms_selection_rows(p->opts.selection, c->rows, p->mask, err));
    if (!p->opts.unselected && !memchr(p->mask, 1, (size_t)c->rows.count))
        return MMS_OK;
    MMS_TRY(read_cells(p, err));
    c->mask = p->mask;
    st = take(ctx, c, err);
done:
    return st;
}

mms_status mms_rows_each(mms_ms *ms, const mms_row_pass_opts *opts, mms_rows_take *take, void *ctx,
                         mms_error *err)
{
    const mms_rows all = {0, mms_ms_nrow(ms)};
    row_pass p = {.ms = ms, .opts = *opts};
    mms_status st;

    if (!opts->ranges) {
        p.opts.nrange = 1;
        p.opts.ranges = &all;
    }
    st = check_ranges(&p, err);
    if (st == MMS_OK)
        st = begin(&p, err);
    while (st == MMS_OK && !(opts->enough && *opts->enough) && take_rows(&p))
        st = give_chunk(&p, take, ctx, err);
    for (int i = 0; i < MMS_ROWS_COLUMNS; i++)
        free(p.cells[i]);
    free(p.mask);
    return st;
}

/** Only chunks with a selected row are given. */
static mms_status note_any(void *any, const mms_row_chunk *chunk, mms_error *err)
{
    (void)chunk;
    (void)err;
    *(bool *)any = true;
    return MMS_OK;
}

mms_status mms_rows_any(mms_ms *ms, mms_selection *selection, bool *any, mms_error *err)
{
    static const char *const columns[] = {NULL};
    const mms_row_pass_opts opts = {.selection = selection, .columns = columns, .enough = any};

    *any = false;
    return mms_rows_each(ms, &opts, note_any, any, err);
}
