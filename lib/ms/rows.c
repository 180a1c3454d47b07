/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file rows.c  The pass over the rows of an MS, chunk by chunk. */
#include "rows.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "columns.h"

struct mms_row_pass {
    mms_ms *ms;
    mms_selection *selection; /**< NULL: all */
    const char *const *columns;
    bool unselected, lenient;
    int64_t at; /**< next row */
    uint8_t *mask;
    void *cells[MMS_ROWS_COLUMNS]; /**< of as many columns as there are */
    mms_row_chunk chunk;
};

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

mms_status mms_row_pass_open(mms_ms *ms, const mms_row_pass_opts *opts, mms_row_pass **out,
                             mms_error *err)
{
    const int64_t nrow = mms_ms_nrow(ms), most = nrow < MMS_ROWS_CHUNK ? nrow : MMS_ROWS_CHUNK;
    mms_row_pass *p = *out = mms_alloc(1, sizeof *p);
    mms_status st = MMS_OK;
    bool room = p && (p->mask = mms_alloc(most, 1));

    for (int i = 0; room && opts->columns[i]; i++) {
        const mms_column_info *info = mms_column_info_find(opts->columns[i]);
        assert(info && i < MMS_ROWS_COLUMNS);
        room = (p->cells[i] = mms_alloc(most, mms_dtype_size(info->dtype)));
    }
    if (!room)
        MMS_TRY(mms_fail(err, MMS_ERR_MEM, "%s: out of memory", mms_ms_path(ms)));
    p->ms = ms;
    p->selection =
        opts->selection && !mms_selection_is_all(opts->selection) ? opts->selection : NULL;
    p->columns = opts->columns;
    p->unselected = opts->unselected;
    p->lenient = opts->lenient;
    for (int i = 0; p->columns[i]; i++)
        if (!p->lenient || mms_ms_find_column(ms, p->columns[i]))
            MMS_TRY(mms_rows_check_column(ms, p->columns[i], err));
done:
    if (st != MMS_OK)
        mms_row_pass_close(out);
    return st;
}

/** Take the next rows; false when there are none. */
static bool take_rows(mms_row_pass *p)
{
    mms_row_chunk *c = &p->chunk;
    mms_rows all = mms_ms_member_rows(p->ms, c->member);

    while (p->at == all.first + all.count && c->member + 1 < mms_ms_nmember(p->ms))
        all = mms_ms_member_rows(p->ms, ++c->member);
    const int64_t left = all.first + all.count - p->at;
    c->rows = (mms_rows){p->at, left < MMS_ROWS_CHUNK ? left : MMS_ROWS_CHUNK};
    p->at += c->rows.count;
    return c->rows.count > 0;
}

static mms_status read_cells(mms_row_pass *p, mms_error *err)
{
    const mms_rows rows = p->chunk.rows;
    mms_status st = MMS_OK;

    for (int i = 0; st == MMS_OK && p->columns[i]; i++) {
        if (mms_ms_find_column(p->ms, p->columns[i]))
            st = mms_ms_read(p->ms, p->columns[i], 1, &rows, rows.count, p->cells[i], err);
        p->chunk.cells[i] = p->cells[i];
    }
    return st;
}

mms_status mms_row_pass_next(mms_row_pass *p, const mms_row_chunk **chunk, mms_error *err)
{
    mms_row_chunk *c = &p->chunk;
    mms_status st;

    *chunk = NULL;
    for (bool wanted = false; !wanted;) {
        if (!take_rows(p))
            return MMS_OK;
        memset(p->mask, 1, (size_t)c->rows.count);
        if (p->selection)
            MMS_TRY(mms_selection_rows(p->selection, c->rows, p->mask, err));
        wanted = p->unselected || memchr(p->mask, 1, (size_t)c->rows.count);
    }
    MMS_TRY(read_cells(p, err));
    c->mask = p->mask;
    *chunk = c;
done:
    return st;
}

void mms_row_pass_close(mms_row_pass **pass)
{
    mms_row_pass *p = *pass;

    *pass = NULL;
    for (int i = 0; p && i < MMS_ROWS_COLUMNS; i++)
        free(p->cells[i]);
    if (p)
        free(p->mask);
    free(p);
}
