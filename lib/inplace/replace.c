/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file replace.c  Columns whose tiles are written into new files. */
#include "replace_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base_priv.h"

enum { BLOCK = 1 << 20 };

/** One such column. */
typedef struct replaced {
    const mms_column *column;
    mms_stored from, to; /**< the old tiles, the new ones */
    uint8_t *written;    /**< a bit a row */
} replaced;

struct mms_replace {
    mms_store *now; /**< the table as it is with the new files */
    int64_t nrow, n, capacity;
    replaced *list;
};

static mms_status no_memory(mms_error *err)
{
    return mms_fail(err, MMS_ERR_MEM, "in-place work: out of memory");
}

/** Whether a file is one of a manager's. */
static bool is_of(const char *file, int64_t sequence)
{
    char prefix[40];
    const char *name = strrchr(file, '/');
    const int n = snprintf(prefix, sizeof prefix, "/table.f%lld_", (long long)sequence);

    return name && !strncmp(name, prefix, (size_t)n);
}

/** Whether all files of a manager that are to be kept can be others while it is written. */
static bool can_move_all(const mms_undo_takes_list *files, int64_t sequence, const char *lock)
{
    for (int64_t i = 0; i < files->n; i++)
        if (is_of(files->takes[i].file, sequence) && !mms_undo_can_move(lock, files->takes[i].file))
            return false;
    return true;
}

/** *moves becomes false where they could not be moved. */
static mms_status take_all(const mms_undo_takes_list *files, int64_t sequence, bool *moves,
                           const mms_sink_what *what, mms_error *err)
{
    bool any = false;
    mms_status st = MMS_OK;

    for (int64_t i = 0; i < files->n && st == MMS_OK; i++) {
        if (!is_of(files->takes[i].file, sequence))
            continue;
        st = mms_undo_take(what->lock, files->takes[i].name, files->takes[i].file, moves,
                           what->sync, err);
        if (st == MMS_OK && any && !*moves)
            st = mms_fail(err, MMS_ERR_IO, "%s: can't be moved as the column's other files were",
                          files->takes[i].file);
        any = any || *moves;
    }
    return st;
}

/** Keep the files of one manager. */
static mms_status keep_manager(mms_replace *r, mms_table *table, mms_store *in, const mms_tiled *m,
                               const mms_undo_takes_list *files, const mms_sink_what *what,
                               mms_error *err)
{
    replaced one = {.column = m->columns[0]};
    bool moves = what->tiles && !mms_table_is_in_use(table);
    mms_status st;

    if (moves)
        MMS_TRY(mms_store_find(in, one.column->name, MMS_WANT_CELLS, &one.from, err));
    moves = moves && one.from.kind->update && can_move_all(files, m->sequence, what->lock);
    if (moves)
        MMS_TRY(mms_sink_has_all_cells(table, &one.from, &moves, err));
    MMS_TRY(take_all(files, m->sequence, &moves, what, err));
    if (!moves)
        goto done;
    MMS_TRY(mms_grow(&r->list, &r->capacity, r->n + 1, sizeof *r->list, err));
    one.written = mms_alloc(r->nrow / 8 + 1, 1);
    MMS_TRY(one.written ? MMS_OK : no_memory(err));
    r->list[r->n++] = one;
    MMS_TRY(mms_store_find(r->now, one.column->name, MMS_WANT_CELLS, &r->list[r->n - 1].to, err));
done:
    return st;
}

mms_status mms_replace_open(mms_table *table, mms_store *in, const mms_undo_takes_list *files,
                            const mms_sink_what *what, mms_replace **out, mms_error *err)
{
    mms_replace *r = *out = mms_alloc(1, sizeof *r);
    const mms_tiled *list;
    int64_t n = 0;
    mms_status st;

    MMS_TRY(r ? MMS_OK : no_memory(err));
    r->nrow = mms_table_nrow(table);
    MMS_TRY(mms_store_open(table, MMS_WAY_TILES, &r->now, err));
    mms_store_trust(r->now);
    MMS_TRY(mms_table_tiled(table, &n, &list, err));
    for (int64_t k = 0; k < n; k++) {
        bool any = false;
        for (int64_t i = 0; i < files->n; i++)
            any = any || is_of(files->takes[i].file, list[k].sequence);
        if (any)
            MMS_TRY(keep_manager(r, table, in, &list[k], files, what, err));
    }
done:
    if (st != MMS_OK)
        mms_replace_drop(out);
    return st;
}

static replaced *find(const mms_replace *r, const char *column)
{
    for (int64_t i = 0; r && i < r->n; i++)
        if (!strcmp(r->list[i].column->name, column))
            return &r->list[i];
    return NULL;
}

bool mms_replace_has(const mms_replace *replace, const char *column)
{
    return find(replace, column) != NULL;
}

mms_stored mms_replace_note(mms_replace *r, const char *column, int64_t nrange,
                            const mms_rows *ranges)
{
    replaced *one = find(r, column);

    for (int64_t i = 0; i < nrange; i++)
        for (int64_t k = 0; k < ranges[i].count; k++) {
            const int64_t row = ranges[i].first + k;
            one->written[row >> 3] |= (uint8_t)(1 << (row & 7));
        }
    return one->to;
}

/* ---- the other rows ---------------------------------------------------------------------------*/

static mms_status copy_run(const replaced *one, const mms_shape_run *run, mms_error *err)
{
    int64_t cell = 1, most;
    uint8_t *room;
    mms_status st = MMS_OK;

    for (int32_t i = 0; i < run->ndim; i++)
        cell *= run->shape[i];
    most = BLOCK / (cell * (int64_t)mms_dtype_size(one->column->dtype)) + 1;
    room = mms_alloc(most * cell, mms_dtype_size(one->column->dtype));
    if (!room)
        return no_memory(err);
    for (int64_t at = 0; at < run->rows.count && st == MMS_OK; at += most) {
        const int64_t left = run->rows.count - at;
        const mms_rows rows = {run->rows.first + at, left < most ? left : most};
        st = one->from.kind->read(&one->from, 1, &rows, rows.count * cell, room, err);
        if (st == MMS_OK)
            st = one->to.kind->update(&one->to, 1, &rows, rows.count * cell, room, err);
    }
    free(room);
    return st;
}

static mms_status copy_rows(const replaced *one, mms_rows rows, mms_error *err)
{
    mms_shape_run *runs = NULL;
    int64_t nrun = 0;
    mms_status st = one->from.kind->shapes(&one->from, 1, &rows, &runs, &nrun, err);

    for (int64_t i = 0; i < nrun && st == MMS_OK; i++)
        st = copy_run(one, &runs[i], err);
    free(runs);
    return st;
}

static bool is_written(const replaced *one, int64_t row)
{
    return one->written[row >> 3] >> (row & 7) & 1;
}

static mms_status copy_others(const replaced *one, int64_t nrow, mms_error *err)
{
    mms_status st = MMS_OK;

    for (int64_t row = 0, end; row < nrow && st == MMS_OK; row = end) {
        const bool written = is_written(one, row);
        for (end = row + 1; end < nrow && is_written(one, end) == written;)
            end++;
        if (!written)
            st = copy_rows(one, (mms_rows){row, end - row}, err);
    }
    return st;
}

mms_status mms_replace_finish(mms_replace **replace, mms_error *err)
{
    mms_replace *r = *replace;
    mms_status st = MMS_OK;

    for (int64_t i = 0; r && i < r->n && st == MMS_OK; i++)
        st = copy_others(&r->list[i], r->nrow, err);
    if (r && st == MMS_OK)
        st = mms_store_finish(&r->now, err);
    mms_replace_drop(replace);
    return st;
}

void mms_replace_drop(mms_replace **replace)
{
    mms_replace *r = *replace;

    *replace = NULL;
    if (!r)
        return;
    for (int64_t i = 0; i < r->n; i++)
        free(r->list[i].written);
    mms_store_close(&r->now);
    free(r->list);
    free(r);
}

mms_status mms_sink_has_all_cells(const mms_table *table, const mms_stored *found, bool *all,
                                  mms_error *err)
{
    const mms_rows rows = {0, mms_table_nrow(table)};
    mms_shape_run *runs = NULL;
    int64_t nrun = 0;
    const mms_status st = found->kind->shapes(found, 1, &rows, &runs, &nrun, err);

    *all = st == MMS_OK;
    for (int64_t i = 0; i < nrun; i++)
        *all = *all && runs[i].ndim > 0;
    free(runs);
    return st;
}
