/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file flag_unit.c  One unit of flagging in a worker: the rows of some parts, chunk by chunk. */
#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/base_priv.h"
#include "base/lanes_priv.h"
#include "base/sort_priv.h"
#include "flag_priv.h"
#include "ms/block.h"
#include "ms/columns.h"
#include "ms/rows.h"
#include "multims/log.h"
#include "orders_priv.h"
#include "tables/measures_priv.h"

enum { WINDOW_ROWS = 1 << 16 };

static mms_status no_memory(mms_error *err)
{
    return mms_fail(err, MMS_ERR_MEM, "flagdata: out of memory");
}

/* ---- the rows ---------------------------------------------------------------------------------*/

static mms_status read_key(const mms_flag_work *w, const char *column, int64_t n, void *to,
                           mms_error *err)
{
    const mms_status st = mms_rows_check_column(w->set.ms, column, err);

    return st == MMS_OK ? mms_ms_read(w->set.ms, column, w->rows.nrange, w->rows.ranges, n, to, err)
                        : st;
}

static mms_status read_ints(const mms_flag_work *w, const char *column, int32_t **to,
                            mms_error *err)
{
    *to = mms_alloc(w->rows.n, sizeof **to);
    return *to ? read_key(w, column, w->rows.n, *to, err) : no_memory(err);
}

/** Whether commands do each row by itself, with nothing that they keep. */
static bool are_apart(const mms_flag_work *w)
{
    for (int64_t i = 0; i < w->ncommand; i++) {
        const mms_flag_mode mode = w->commands[i].mode;
        if (w->commands[i].chanbins || (mode != MMS_FLAG_MANUAL && mode != MMS_FLAG_UNFLAG &&
                                        mode != MMS_FLAG_QUACK && mode != MMS_FLAG_CLIP))
            return false;
    }
    return !w->chunks;
}

/** Whether they do each row by itself, and what they keep can be added. */
static bool may_share_rows(const mms_flag_work *w)
{
    for (int64_t i = 0; i < w->ncommand; i++)
        if (w->commands[i].chanbins)
            return false;
    return !w->chunks;
}

/** The keys that tell chunks apart, and those that commands look at. */
static mms_status read_ids(mms_flag_work *w, mms_error *err)
{
    mms_flag_rows *r = &w->rows;
    bool quack = !are_apart(w), autocorr = quack;
    mms_status st;

    for (int64_t i = 0; i < w->ncommand; i++) {
        quack = quack || w->commands[i].mode == MMS_FLAG_QUACK;
        autocorr = autocorr || w->commands[i].autocorr;
    }
    MMS_TRY(read_ints(w, MMS_COL_DATA_DESC_ID, &r->ddid, err));
    if (quack)
        MMS_TRY(read_ints(w, MMS_COL_SCAN_NUMBER, &r->scan, err));
    if (quack && (r->time_s = mms_alloc(r->n, sizeof *r->time_s)))
        MMS_TRY(read_key(w, MMS_COL_TIME, r->n, r->time_s, err));
    MMS_TRY(quack && !r->time_s ? no_memory(err) : MMS_OK);
    if (autocorr) {
        MMS_TRY(read_ints(w, MMS_COL_ANTENNA1, &r->antenna1, err));
        MMS_TRY(read_ints(w, MMS_COL_ANTENNA2, &r->antenna2, err));
        MMS_TRY(read_ints(w, MMS_COL_PROCESSOR_ID, &r->processor, err));
    }
    if (are_apart(w))
        return MMS_OK;
    MMS_TRY(read_ints(w, MMS_COL_FIELD_ID, &r->field, err));
    MMS_TRY(read_ints(w, MMS_COL_ARRAY_ID, &r->array, err));
    MMS_TRY(read_ints(w, MMS_COL_OBSERVATION_ID, &r->observation, err));
done:
    return st;
}

static mms_status read_keys(mms_flag_work *w, mms_error *err)
{
    mms_flag_rows *r = &w->rows;
    bool shadow = false;
    mms_status st;

    MMS_TRY(read_ids(w, err));
    r->flag_row = mms_alloc(r->n, 1);
    r->flag_row_before = mms_alloc(r->n, 1);
    MMS_TRY(r->flag_row && r->flag_row_before
                ? read_key(w, MMS_COL_FLAG_ROW, r->n, r->flag_row, err)
                : no_memory(err));
    memcpy(r->flag_row_before, r->flag_row, (size_t)r->n);
    for (int64_t i = 0; i < w->ncommand; i++)
        shadow = shadow || w->commands[i].mode == MMS_FLAG_SHADOW;
    if (shadow) {
        r->centroid_s = mms_alloc(r->n, sizeof *r->centroid_s);
        r->uvw_m = mms_alloc(3 * r->n, sizeof *r->uvw_m);
        MMS_TRY(r->centroid_s && r->uvw_m ? MMS_OK : no_memory(err));
        MMS_TRY(read_key(w, MMS_COL_TIME_CENTROID, r->n, r->centroid_s, err));
        MMS_TRY(mms_ms_read(w->set.ms, MMS_COL_UVW, r->nrange, r->ranges, 3 * r->n, r->uvw_m, err));
    }
    for (int64_t i = 0; i < r->n; i++)
        if (r->ddid[i] < 0 || r->ddid[i] >= w->set.nwindow)
            MMS_TRY(mms_fail(err, MMS_ERR_RANGE, "%s: DATA_DESC_ID %d has no row",
                             mms_ms_path(w->set.ms), r->ddid[i]));
done:
    return st;
}

static void free_rows(mms_flag_rows *r)
{
    free(r->ranges);
    free(r->antenna1);
    free(r->antenna2);
    free(r->scan);
    free(r->field);
    free(r->ddid);
    free(r->array);
    free(r->observation);
    free(r->processor);
    free(r->flag_row);
    free(r->flag_row_before);
    free(r->time_s);
    free(r->centroid_s);
    free(r->uvw_m);
}

mms_status mms_flag_take_members(mms_flag_work *w, const mms_value *members, mms_error *err)
{
    mms_flag_rows *r = &w->rows;

    r->nrange = (int64_t)json_array_size(members);
    r->ranges = mms_alloc(r->nrange, sizeof *r->ranges);
    if (!r->ranges)
        return no_memory(err);
    for (int64_t i = 0; i < r->nrange; i++) {
        const int64_t m = json_integer_value(json_array_get(members, (size_t)i));
        r->ranges[i] = mms_ms_member_rows(w->set.ms, m);
        r->n += r->ranges[i].count;
    }
    return MMS_OK;
}

/** Mark the selected rows of a chunk. */
static mms_status mark_rows(void *bits, const mms_row_chunk *c, mms_error *err)
{
    (void)err;
    for (int64_t i = 0; i < c->rows.count; i++)
        if (c->mask[i])
            ((uint8_t *)bits)[(c->place + i) >> 3] |= (uint8_t)(1 << ((c->place + i) & 7));
    return MMS_OK;
}

/** The bits of the unit's rows that a selection has; NULL selection: all. */
static mms_status make_mask(const mms_flag_work *w, mms_selection *selection, uint8_t **bits,
                            mms_error *err)
{
    static const char *const none[] = {NULL};
    const mms_row_pass_opts opts = {.selection = selection,
                                    .columns = none,
                                    .nrange = w->rows.nrange,
                                    .ranges = w->rows.ranges};

    *bits = mms_alloc(w->rows.n / 8 + 1, 1);
    return *bits ? mms_rows_each(w->set.ms, &opts, mark_rows, *bits, err) : no_memory(err);
}

/** The rows of the run once more. */
static mms_status copy_mask(const mms_flag_work *w, uint8_t **bits, mms_error *err)
{
    *bits = mms_alloc(w->rows.n / 8 + 1, 1);
    if (!*bits)
        return no_memory(err);
    memcpy(*bits, w->run_mask, (size_t)(w->rows.n / 8 + 1));
    return MMS_OK;
}

/* ---- the commands -----------------------------------------------------------------------------*/

static void note_time(mms_flag_command *c, int32_t scan, double time_s)
{
    for (int64_t i = 0; i < c->nscan; i++)
        if (c->scans[i].scan == scan) {
            mms_flag_bounds *b = &c->scans[i];
            b->first_s = time_s < b->first_s ? time_s : b->first_s;
            b->last_s = time_s > b->last_s ? time_s : b->last_s;
            return;
        }
    c->scans[c->nscan++] = (mms_flag_bounds){scan, time_s, time_s};
}

/** Which of some rows have an unflagged cell: open[rows.count]. */
static mms_status find_open(mms_ms *ms, mms_rows rows, uint8_t *open, mms_error *err)
{
    mms_shape_run *runs = NULL;
    uint8_t *flags = NULL;
    int64_t nrun = 0;
    mms_status st;

    MMS_TRY(mms_ms_shapes(ms, MMS_COL_FLAG, 1, &rows, &runs, &nrun, err));
    for (int64_t i = 0; i < nrun; i++) {
        const int64_t cell = runs[i].ndim == 2 ? runs[i].shape[0] * runs[i].shape[1] : 0;
        free(flags);
        flags = mms_alloc(runs[i].rows.count * cell, 1);
        MMS_TRY(flags ? MMS_OK : no_memory(err));
        if (cell > 0)
            MMS_TRY(mms_ms_read(ms, MMS_COL_FLAG, 1, &runs[i].rows, runs[i].rows.count * cell,
                                flags, err));
        for (int64_t k = 0; k < runs[i].rows.count; k++)
            open[runs[i].rows.first - rows.first + k] =
                memchr(flags + k * cell, 0, (size_t)cell) != NULL;
    }
done:
    free(runs);
    free(flags);
    return st;
}

/** The bounds of a quack's scans while rows are gone over. */
typedef struct bounding {
    mms_ms *ms;
    mms_flag_command *command;
    int64_t capacity;
} bounding;

static mms_status note_times(void *ctx, const mms_row_chunk *c, mms_error *err)
{
    enum { STEP = 4096 }; // rows whose flags are looked at together
    bounding *const b = ctx;
    mms_flag_command *const q = b->command;
    const int32_t *const scan = c->cells[0];
    const double *const time_s = c->cells[1];
    uint8_t open[STEP];
    mms_status st = MMS_OK;

    memset(open, 1, sizeof open);
    for (int64_t i = 0; i < c->rows.count; i++) {
        const int64_t left = c->rows.count - i;
        if (q->increment && i % STEP == 0)
            MMS_TRY(find_open(b->ms, (mms_rows){c->rows.first + i, left < STEP ? left : STEP}, open,
                              err));
        MMS_TRY(mms_grow(&q->scans, &b->capacity, q->nscan + 1, sizeof *q->scans, err));
        if (c->mask[i] && open[i % STEP])
            note_time(q, scan[i], time_s[i]);
    }
done:
    return st;
}

/** The bounds of scans over all parts, of the rows of the run; with quackincrement those that have
 *  an unflagged cell. */
static mms_status find_scans(mms_flag_work *w, mms_flag_command *c, mms_error *err)
{
    static const char *const columns[] = {MMS_COL_SCAN_NUMBER, MMS_COL_TIME, NULL};
    const mms_row_pass_opts opts = {.selection = w->run_mask ? c->selection : NULL,
                                    .columns = columns};
    bounding b = {w->set.ms, c, 0};

    return mms_rows_each(w->set.ms, &opts, note_times, &b, err);
}

static mms_status open_commands(mms_flag_work *w, const mms_flag_order *o, mms_error *err)
{
    char *problem = NULL;
    bool alone = o->alone;
    mms_status st = MMS_OK;

    w->ncommand = (int64_t)json_array_size(o->commands);
    w->commands = mms_alloc(w->ncommand, sizeof *w->commands);
    w->counts = mms_alloc(w->ncommand, sizeof(mms_flag_counts *));
    MMS_TRY(w->commands && w->counts ? MMS_OK : no_memory(err));
    for (int64_t i = 0; i < w->ncommand; i++) {
        MMS_TRY(mms_flag_command_open(&w->set, json_array_get(o->commands, (size_t)i),
                                      o->rows ? o->channels : NULL, &w->commands[i], &problem,
                                      err));
        if (problem)
            MMS_TRY(mms_fail(err, MMS_ERR_INTERNAL, "%s", problem));
    }
    alone = alone && w->ncommand > 0 && !w->commands[0].automatic;
    if (alone)
        MMS_TRY(o->rows ? mms_flag_found_rows(o->rows, w->rows.n, &w->run_mask, err)
                        : make_mask(w, w->commands[0].selection, &w->run_mask, err));
    for (int64_t i = 0; i < w->ncommand; i++) {
        mms_flag_command *c = &w->commands[i];
        if (alone && (i == 0 || c->automatic))
            MMS_TRY(copy_mask(w, &c->mask, err)); // a selection takes long to evaluate
        else
            MMS_TRY(make_mask(w, c->selection, &c->mask, err));
        if (c->mode == MMS_FLAG_QUACK)
            MMS_TRY(find_scans(w, c, err));
    }
done:
    free(problem);
    return st;
}

/* ---- staging ----------------------------------------------------------------------------------*/

/** A changed row: where it is in the set and in the chunk. */
typedef struct changed {
    int64_t row, index;
} changed;

static int by_row(const void *a, const void *b)
{
    const int64_t x = ((const changed *)a)->row, y = ((const changed *)b)->row;
    return (x > y) - (x < y);
}

/** Stage FLAG of the rows in which a cell has changed. */
static mms_status stage_chunk(mms_flag_work *w, const mms_flag_chunk *k, mms_error *err)
{
    changed *cells = mms_alloc(k->nrow, sizeof *cells);
    int64_t n = 0;
    bool ascending = true;
    mms_status st = cells ? MMS_OK : no_memory(err);

    for (int64_t i = 0; cells && k->touched && i < k->nrow; i++) {
        const bool cell =
            memcmp(k->flag + i * k->cell, k->before + i * k->cell, (size_t)k->cell) != 0;
        if (cell) {
            cells[n++] = (changed){mms_flag_row_of_set(&w->rows, k->rows[i]), i};
            ascending = ascending && (n == 1 || cells[n - 1].row > cells[n - 2].row);
        }
        w->changed_rows += cell || k->flag_row[i] != w->rows.flag_row_before[k->rows[i]];
        w->rows.flag_row[k->rows[i]] = k->flag_row[i];
    }
    if (!ascending)
        qsort(cells, (size_t)n, sizeof *cells, by_row);
    for (int64_t i = 0; i < n && st == MMS_OK && w->stage; i++)
        st = mms_flag_stage_add(w->stage, cells[i].row, k->nchan, k->ncorr,
                                k->flag + cells[i].index * k->cell, err);
    free(cells);
    return st;
}

/** Stage FLAG_ROW where it has changed. */
static mms_status stage_row_flags(mms_flag_work *w, mms_error *err)
{
    int64_t at = 0;
    mms_status st = MMS_OK;

    for (int64_t i = 0; w->stage && i < w->rows.nrange; i++)
        for (int64_t k = 0; k < w->rows.ranges[i].count && st == MMS_OK; k++, at++)
            if (w->rows.flag_row[at] != w->rows.flag_row_before[at]) {
                st = mms_flag_stage_add(w->stage, w->rows.ranges[i].first + k, 0, 0,
                                        &w->rows.flag_row[at], err);
                w->changed_row_flags++;
            }
    return st;
}

/* ---- chunks -----------------------------------------------------------------------------------*/

static void free_chunk(mms_flag_chunk *k)
{
    free(k->flag);
    free(k->before);
    free(k->flag_row);
    free(k->vis);
}

static mms_status check_shape(mms_flag_work *w, const mms_flag_chunk *k, mms_error *err)
{
    const mms_rows row = {mms_flag_row_of_set(&w->rows, k->rows[0]), 1};
    mms_shape_run *runs = NULL;
    int64_t nrun = 0;
    mms_status st = mms_ms_shapes(w->set.ms, MMS_COL_FLAG, 1, &row, &runs, &nrun, err);

    if (st == MMS_OK && (nrun != 1 || runs[0].ndim != 2 || runs[0].shape[0] != k->nchan ||
                         runs[0].shape[1] != k->ncorr))
        st = mms_fail(err, MMS_ERR_SHAPE,
                      "%s: FLAG of row %" PRId64 " has not the shape of its window, %d channels "
                      "and %d correlations",
                      mms_ms_path(w->set.ms), row.first, k->nchan, k->ncorr);
    free(runs);
    return st;
}

/** Rows of one window, in the arrays of the chunk before. */
static mms_status open_chunk(mms_flag_work *w, int64_t *rows, int64_t nrow, mms_flag_chunk *k,
                             mms_error *err)
{
    const mms_flag_window *window = &w->set.windows[w->rows.ddid[rows[0]]];
    const int64_t cell = (int64_t)window->nchan * window->ncorr, n = nrow * cell;
    mms_status st;

    *k = w->spare;
    w->spare = (mms_flag_chunk){0};
    k->nrow = nrow;
    k->rows = rows;
    k->ddid = w->rows.ddid[rows[0]];
    k->nchan = window->nchan;
    k->ncorr = window->ncorr;
    k->cell = cell;
    k->column = NULL;
    MMS_TRY(mms_grow(&k->flag, &k->flag_room, n, 1, err));
    MMS_TRY(mms_grow(&k->before, &k->before_room, n, 1, err));
    MMS_TRY(mms_grow(&k->flag_row, &k->row_room, nrow, 1, err));
    MMS_TRY(check_shape(w, k, err));
    MMS_TRY(mms_flag_chunk_read(w, k, MMS_COL_FLAG, n, (size_t)k->cell, k->flag, err));
    for (int64_t i = 0; i < k->nrow; i++)
        k->flag_row[i] = w->rows.flag_row[k->rows[i]];
    memcpy(k->before, k->flag, (size_t)n);
    k->any = memchr(k->flag, 1, (size_t)n) != NULL;
    k->touched = w->first > 0;
    if (w->first > 0)
        mms_flag_between_take(w->between, k);
done:
    return st;
}

/** The command that asks for averages, NULL: none does. */
static mms_flag_command *averaging_command(mms_flag_work *w)
{
    for (int64_t i = 0; i < w->ncommand; i++)
        if (w->commands[i].chanbins)
            return &w->commands[i];
    return NULL;
}

/** Do the commands of a pass on the rows of one window; k has the spare arrays then, whatever the
 * status. */
static mms_status do_commands(mms_flag_work *w, int64_t *rows, int64_t nrow, mms_flag_chunk *k,
                              mms_error *err)
{
    mms_flag_command *const averages = averaging_command(w);
    mms_status st;

    MMS_TRY(open_chunk(w, rows, nrow, k, err));
    if (averages) {
        k->touched = true;
        MMS_TRY(mms_flag_chunk_averaged(w, averages, k, err));
    }
    for (int64_t i = w->first; !averages && i < w->end; i++) {
        mms_flag_command *c = &w->commands[i];
        if (c->mode == MMS_FLAG_SUMMARY && w->sums_alone)
            continue;
        MMS_TRY(c->mode == MMS_FLAG_SUMMARY ? mms_flag_count(w, c, &w->counts[i], k, err)
                                            : mms_flag_chunk_apply(w, c, k, err));
    }
done:
    return st;
}

/** Keep what has become of a chunk. */
static mms_status keep_chunk(mms_flag_work *w, const mms_flag_chunk *k, mms_error *err)
{
    if (w->sums_alone)
        return MMS_OK;
    if (w->end < w->ncommand) {
        for (int64_t i = 0; i < k->nrow; i++)
            w->rows.flag_row[k->rows[i]] = k->flag_row[i];
        mms_flag_between_put(w->between, k);
        return MMS_OK;
    }
    w->selected_rows += k->nrow;
    mms_job_progress(w->job, w->selected_rows, w->rows.n);
    return stage_chunk(w, k, err);
}

static mms_status run_chunk(mms_flag_work *w, int64_t *rows, int64_t nrow, mms_error *err)
{
    mms_flag_chunk k;
    mms_status st = do_commands(w, rows, nrow, &k, err);

    if (st == MMS_OK)
        st = keep_chunk(w, &k, err);
    w->spare = k;
    return st;
}

/* ---- pieces, which threads do -----------------------------------------------------------------*/

/** The rows of a unit in pieces: blocks, and of these those of each window; or chunks. */
typedef struct blocks {
    mms_flag_work *w;
    int64_t most, npiece; /**< most: rows of a block */
    int64_t *rows,
        *first; /**< of chunks: their rows, and [npiece + 1] where they begin; else NULL */
    int64_t nthread;
    mms_flag_work *works; /**< [nthread]: copies of w, with arrays of their own */
    atomic_llong next;
} blocks;

static bool is_selected(const mms_flag_work *w, int64_t row)
{
    for (int64_t i = 0; i < w->ncommand; i++)
        if (mms_flag_bit(w->commands[i].mask, row))
            return true;
    return false;
}

/** Make what commands else make when a window comes. */
static mms_status make_cuts(mms_flag_work *w, mms_error *err)
{
    mms_status st = MMS_OK;

    for (int64_t i = 0; i < w->ncommand; i++)
        for (int32_t ddid = 0; ddid < (int32_t)w->set.nwindow && st == MMS_OK; ddid++) {
            mms_flag_cut *cut;
            st = mms_flag_command_cut(&w->set, &w->commands[i], ddid, &cut, err);
        }
    return st;
}

/** Rows of a block that are at most so many bytes, for commands that see one row at a time: few
 *  enough of a window to stay in the caches. */
static int64_t block_rows(const mms_flag_work *w)
{
    enum { CACHED = 1 << 20 };
    int64_t most = 1;

    for (int64_t i = 0; i < w->set.nwindow; i++) {
        const int64_t cell = (int64_t)w->set.windows[i].nchan * w->set.windows[i].ncorr;
        most = cell > most ? cell : most;
    }
    const int64_t limit = w->memory / 4 / (w->threads > 1 ? w->threads : 1);
    const int64_t cached = CACHED * w->set.nwindow;
    const int64_t rows = (cached < limit ? cached : limit) / (most * 10);
    return rows < 1 ? 1 : rows > WINDOW_ROWS ? WINDOW_ROWS : rows;
}

/** The rows of a piece, in an array of the lane's own where it is none of a chunk. */
static int64_t find_rows(const blocks *b, int64_t piece, int64_t **to)
{
    const mms_flag_work *w = b->w;
    int64_t *const rows = *to;
    const int64_t first = piece / w->set.nwindow * b->most, left = w->rows.n - first;
    const int64_t end = first + (left < b->most ? left : b->most);
    const int32_t ddid = (int32_t)(piece % w->set.nwindow);
    int64_t n = 0;

    if (b->first) {
        *to = b->rows + b->first[piece];
        return b->first[piece + 1] - b->first[piece];
    }
    for (int64_t i = first; i < end; i++)
        if (i % 8 == 0 && w->run_mask && !w->run_mask[i / 8])
            i += 7; // none of eight
        else if (w->rows.ddid[i] == ddid && is_selected(w, i))
            rows[n++] = i;
    return n;
}

/** Keep what has become of a piece, in its turn. */
static mms_status keep_piece(blocks *b, mms_flag_work *own, const mms_flag_chunk *k, mms_error *err)
{
    if (json_array_extend(b->w->rflag, own->rflag) || json_array_clear(own->rflag))
        return no_memory(err);
    return keep_chunk(b->w, k, err);
}

/** Take pieces until there are none; what has become of them is kept in their order. */
static mms_status take_pieces(void *ctx, mms_lanes *lanes, int number, int64_t *piece,
                              mms_error *err)
{
    blocks *const b = ctx;
    mms_flag_work *const own = &b->works[number];
    int64_t *block = b->first ? NULL : mms_alloc(b->most, sizeof *block);
    mms_status st = b->first || block ? MMS_OK : no_memory(err);

    *piece = 0;
    while (st == MMS_OK && (*piece = atomic_fetch_add(&b->next, 1)) < b->npiece) {
        int64_t *rows = block;
        const int64_t n = find_rows(b, *piece, &rows);
        mms_flag_chunk k = {0};
        own->chunk_row = n > 0 ? rows[0] : 0;
        if (n > 0)
            st = do_commands(own, rows, n, &k, err);
        if (st == MMS_OK && !mms_lanes_begin_turn(lanes, *piece))
            atomic_store(&b->next, b->npiece);
        else if (st == MMS_OK) {
            st = n > 0 ? keep_piece(b, own, &k, err) : MMS_OK;
            mms_lanes_end_turn(lanes);
        }
        if (n > 0)
            own->spare = k;
    }
    free(block);
    return st;
}

/** What a thread has of its own. */
static mms_status open_own(const mms_flag_work *w, mms_flag_work *own, mms_error *err)
{
    *own = *w;
    own->threads = 1;
    own->rflag = json_array();
    own->counts = mms_alloc(w->ncommand, sizeof(mms_flag_counts *));
    return own->rflag && own->counts ? MMS_OK : no_memory(err);
}

/** Numbers of flags are whole: their sums are the same in any order. */
static mms_status add_counts(mms_flag_work *w, mms_flag_work *own, mms_error *err)
{
    mms_status st = MMS_OK;

    for (int64_t i = 0; i < w->ncommand && st == MMS_OK; i++)
        st = mms_flag_counts_take(&w->counts[i], &own->counts[i], err);
    return st;
}

static void close_own(mms_flag_work *own)
{
    for (int64_t i = 0; own->counts && i < own->ncommand; i++)
        mms_flag_counts_free(&own->counts[i]);
    free(own->counts);
    free_chunk(&own->spare);
    mms_fields_close(&own->directions);
    mms_value_free(&own->rflag);
}

static mms_status run_blocks(blocks *b, mms_error *err)
{
    mms_flag_work *const w = b->w;
    int64_t n = 0;
    mms_status st = MMS_OK;

    if (b->nthread > 1)
        MMS_TRY(make_cuts(w, err));
    b->works = mms_alloc(b->nthread, sizeof *b->works);
    MMS_TRY(b->works ? MMS_OK : no_memory(err));
    while (n < b->nthread && st == MMS_OK)
        st = open_own(w, &b->works[n++], err);
    MMS_TRY(st);
    MMS_TRY(mms_lanes_run((int)b->nthread, take_pieces, b, err));
    for (int64_t i = 0; i < n; i++)
        MMS_TRY(add_counts(w, &b->works[i], err));
done:
    for (int64_t i = 0; i < n; i++)
        close_own(&b->works[i]);
    free(b->works);
    return st;
}

/* ---- rows by themselves -----------------------------------------------------------------------*/

static mms_status run_rows(mms_flag_work *w, mms_error *err)
{
    blocks b = {.w = w, .most = block_rows(w), .nthread = 1};

    b.npiece = (w->rows.n + b.most - 1) / b.most * w->set.nwindow;
    if (may_share_rows(w) && w->threads > 1)
        b.nthread = w->threads < b.npiece ? w->threads : b.npiece;
    return b.npiece > 0 ? run_blocks(&b, err) : MMS_OK;
}

/* ---- chunks of rows that belong together ------------------------------------------------------*/

static int by_chunk(const mms_flag_work *w, int64_t x, int64_t y)
{
    const mms_flag_rows *r = &w->rows;

    MMS_COMPARE(r->observation[x], r->observation[y]);
    MMS_COMPARE(r->array[x], r->array[y]);
    if (!w->combinescans)
        MMS_COMPARE(r->scan[x], r->scan[y]);
    MMS_COMPARE(r->field[x], r->field[y]);
    MMS_COMPARE(r->ddid[x], r->ddid[y]);
    return 0;
}

/** Chunks one after the other, in them the order that does not depend on the parts. */
static int by_chunk_and_time(const void *a, const void *b, void *ctx)
{
    const mms_flag_work *w = ctx;
    const mms_flag_rows *r = &w->rows;
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    const int chunk = by_chunk(w, x, y);

    if (chunk != 0)
        return chunk;
    MMS_COMPARE(r->time_s[x], r->time_s[y]);
    MMS_COMPARE(r->antenna1[x], r->antenna1[y]);
    MMS_COMPARE(r->antenna2[x], r->antenna2[y]);
    MMS_COMPARE(x, y);
    return 0;
}

/** Baselines one after the other, each in the order of the chunk. */
static int by_baseline_and_time(const void *a, const void *b, void *ctx)
{
    const mms_flag_work *w = ctx;
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    MMS_COMPARE(w->rows.antenna1[x], w->rows.antenna1[y]);
    MMS_COMPARE(w->rows.antenna2[x], w->rows.antenna2[y]);
    return by_chunk_and_time(a, b, ctx);
}

/** Centroids one after the other, each in the order of the chunk. */
static int by_centroid_and_time(const void *a, const void *b, void *ctx)
{
    const mms_flag_work *w = ctx;
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    MMS_COMPARE(w->rows.centroid_s[x], w->rows.centroid_s[y]);
    return by_chunk_and_time(a, b, ctx);
}

/** Rows of a chunk that can't be parted. */
typedef enum together { BASELINES, TIMES, CENTROIDS, ALL } together;

/** What commands look at at once: all times of a baseline, or all baselines of a time, or of a
 *  centroid. */
static together what_is_together(const mms_flag_work *w, int64_t first, int64_t end)
{
    bool baselines = false, times = false, centroids = false;

    for (int64_t i = first; i < end; i++) {
        const mms_flag_mode mode = w->commands[i].mode;
        const bool shadow = mode == MMS_FLAG_SHADOW;
        baselines = baselines || w->commands[i].chanbins || mode == MMS_FLAG_TFCROP ||
                    mode == MMS_FLAG_RFLAG || mode == MMS_FLAG_EXTEND;
        times = times || mode == MMS_FLAG_ANTINT || (shadow && w->centroids_ascend);
        centroids = centroids || (shadow && !w->centroids_ascend);
    }
    if (baselines + times + centroids > 1)
        return ALL;
    return times ? TIMES : centroids ? CENTROIDS : BASELINES;
}

/** Whether a row of a chunk in order, of times or of baselines, goes with the one before it. */
static bool goes_with(const mms_flag_work *w, together how, int64_t row, int64_t before)
{
    const mms_flag_rows *r = &w->rows;

    if (how == BASELINES)
        return r->antenna1[row] == r->antenna1[before] && r->antenna2[row] == r->antenna2[before];
    return how == CENTROIDS ? !(r->centroid_s[row] > r->centroid_s[before])
                            : !(r->time_s[row] > r->time_s[before]);
}

/** Whether rows in order of time have one centroid a time, which ascends: times are centroids then.
 */
static bool centroids_ascend(const mms_flag_work *w, const int64_t *rows, int64_t nrow)
{
    const double *time_s = w->rows.time_s, *centroid_s = w->rows.centroid_s;

    for (int64_t i = 1; centroid_s && i < nrow; i++) {
        const double step = centroid_s[rows[i]] - centroid_s[rows[i - 1]];
        if (time_s[rows[i]] > time_s[rows[i - 1]] ? !(step > 0) : step < 0 || step > 0)
            return false;
    }
    return true;
}

/** Where the rows end that go with the first one. */
static int64_t group_end(const mms_flag_work *w, together how, const int64_t *rows, int64_t nrow,
                         int64_t first)
{
    int64_t end = first + 1;

    while (end < nrow && goes_with(w, how, rows[end], rows[end - 1]))
        end++;
    return end;
}

/** What a row takes while its chunk is in memory: data, flags before and now; for averages their
 *  sums and weights too. */
static int64_t row_bytes(mms_flag_work *w, int64_t row)
{
    const mms_flag_window *window = &w->set.windows[w->rows.ddid[row]];
    return (averaging_command(w) ? 27 : 10) * (int64_t)window->nchan * window->ncorr + 64;
}

/** Tell of rows that are beyond the memory, the first time. */
static void warn_of_memory(mms_flag_work *w, const int64_t *rows, int64_t nrow)
{
    const mms_flag_rows *r = &w->rows;
    const double mb = (double)(nrow * row_bytes(w, rows[0])) / 1e6;

    if (!w->warned)
        mms_log(MMS_LOG_WARN, "flagdata",
                "scan %d, field %d, spw %d: %" PRId64 " rows that are looked at together take "
                "%.0f MB, more than memory=%.0f MB",
                r->scan[rows[0]], r->field[rows[0]], w->set.windows[r->ddid[rows[0]]].spw, nrow, mb,
                (double)w->memory / 1e6);
    w->warned = true;
}

/** Do a chunk in pieces of as many baselines, or times, as there is memory for. */
static mms_status run_groups(mms_flag_work *w, together how, int64_t most, int64_t *rows,
                             int64_t nrow, mms_error *err)
{
    mms_status st = MMS_OK;

    for (int64_t first = 0, end; first < nrow && st == MMS_OK; first = end) {
        end = group_end(w, how, rows, nrow, first);
        for (int64_t next = end; next < nrow && next - first <= most;) {
            next = group_end(w, how, rows, nrow, end);
            end = next - first <= most ? next : end;
        }
        if (end - first > most)
            warn_of_memory(w, rows + first, end - first);
        qsort_r(rows + first, (size_t)(end - first), sizeof *rows, by_chunk_and_time, w);
        st = run_chunk(w, rows + first, end - first, err);
        if (how == BASELINES)
            qsort_r(rows + first, (size_t)(end - first), sizeof *rows, by_baseline_and_time, w);
    }
    return st;
}

/** Sum for the rflag commands what the pieces of a chunk have, in the order of all baselines. */
static mms_status sum_groups(mms_flag_work *w, int64_t most, int64_t *rows, int64_t nrow,
                             mms_error *err)
{
    const mms_flag_window *window = &w->set.windows[w->rows.ddid[rows[0]]];
    mms_status st = MMS_OK;

    for (int64_t i = w->first; i < w->end; i++)
        if (w->commands[i].mode == MMS_FLAG_RFLAG) {
            w->sums_alone = true;
            w->commands[i].said = false;
            MMS_TRY(mms_flag_sums_open(window->nchan, &w->commands[i].sums, err));
        }
    if (w->sums_alone)
        st = run_groups(w, BASELINES, most, rows, nrow, err);
done:
    w->sums_alone = false;
    return st;
}

/** Whether a chunk may be done in pieces: averages are seen by all commands. */
static bool may_part(mms_flag_work *w)
{
    return what_is_together(w, 0, w->ncommand) != ALL || !averaging_command(w);
}

/** Do those commands that follow each other and look at one thing at once. */
static mms_status run_pass(mms_flag_work *w, int64_t most, int64_t *rows, int64_t nrow,
                           mms_error *err)
{
    mms_status st = MMS_OK;

    for (w->end = w->first + 1; w->end < w->ncommand; w->end++)
        if (what_is_together(w, w->first, w->end + 1) == ALL)
            break;
    const together how = what_is_together(w, w->first, w->end);
    qsort_r(rows, (size_t)nrow, sizeof *rows,
            how == BASELINES   ? by_baseline_and_time
            : how == CENTROIDS ? by_centroid_and_time
                               : by_chunk_and_time,
            w);
    if (how == BASELINES)
        MMS_TRY(sum_groups(w, most, rows, nrow, err));
    st = run_groups(w, how, most, rows, nrow, err);
done:
    for (int64_t i = w->first; i < w->end; i++)
        mms_flag_sums_close(&w->commands[i].sums);
    return st;
}

/** Do a chunk, in pieces where it is beyond the memory and commands allow that. */
static mms_status run_pieces(mms_flag_work *w, int64_t *rows, int64_t nrow, mms_error *err)
{
    const mms_flag_window *window = &w->set.windows[w->rows.ddid[rows[0]]];
    const int64_t most = w->memory / row_bytes(w, rows[0]);
    mms_status st = MMS_OK;

    w->chunk_row = rows[0];
    w->centroids_ascend = centroids_ascend(w, rows, nrow);
    if (nrow <= most || !may_part(w)) {
        if (nrow > most)
            warn_of_memory(w, rows, nrow);
        return run_chunk(w, rows, nrow, err);
    }
    if (what_is_together(w, 0, w->ncommand) == ALL)
        MMS_TRY(mms_flag_between_open(nrow, rows, (int64_t)window->nchan * window->ncorr,
                                      &w->between, err));
    for (; w->first < w->ncommand && st == MMS_OK; w->first = w->end)
        st = run_pass(w, most, rows, nrow, err);
done:
    w->first = 0;
    w->end = w->ncommand;
    mms_flag_between_close(&w->between);
    return st;
}

/** Chunks one after the other, each in the order of time; mostly the set's order has that. */
static mms_status sort_chunks(mms_flag_work *w, int64_t n, int64_t *rows, mms_error *err)
{
    const mms_flag_rows *r = &w->rows;
    mms_status st;

    MMS_TRY(mms_sort_places(n, rows, r->ddid, err));
    MMS_TRY(mms_sort_places(n, rows, r->field, err));
    if (!w->combinescans)
        MMS_TRY(mms_sort_places(n, rows, r->scan, err));
    MMS_TRY(mms_sort_places(n, rows, r->array, err));
    MMS_TRY(mms_sort_places(n, rows, r->observation, err));
    for (int64_t first = 0, end; first < n; first = end) {
        bool sorted = true;
        for (end = first + 1; end < n && by_chunk(w, rows[first], rows[end]) == 0; end++)
            sorted = sorted && by_chunk_and_time(&rows[end - 1], &rows[end], w) < 0;
        if (!sorted)
            qsort_r(rows + first, (size_t)(end - first), sizeof *rows, by_chunk_and_time, w);
    }
done:
    return st;
}

/** Where a chunk ends whose rows are in order. */
static int64_t chunk_end(const mms_flag_work *w, const int64_t *rows, int64_t n, int64_t first)
{
    int64_t end = first + 1;

    while (
        end < n && by_chunk(w, rows[first], rows[end]) == 0 &&
        (w->ntime_s <= 0 || w->rows.time_s[rows[end]] - w->rows.time_s[rows[first]] < w->ntime_s))
        end++;
    return end;
}

/** Whether threads do a chunk each, instead of sharing one after the other: there are many, of
 * which they have room for one each. */
static bool may_share(mms_flag_work *w, const blocks *b)
{
    enum { MANY = 4 }; // for each thread, so that none waits long for the last ones

    if (w->threads <= 1 || b->npiece < MANY * w->threads)
        return false;
    for (int64_t i = 0; i < b->npiece; i++) {
        const int64_t nrow = b->first[i + 1] - b->first[i];
        if (nrow > w->memory / w->threads / row_bytes(w, b->rows[b->first[i]]))
            return false;
    }
    return true;
}

static mms_status run_chunks(mms_flag_work *w, mms_error *err)
{
    blocks b = {.w = w,
                .rows = mms_alloc(w->rows.n, sizeof *b.rows),
                .first = mms_alloc(w->rows.n + 1, sizeof *b.first),
                .nthread = w->threads};
    int64_t n = 0;
    mms_status st;

    MMS_TRY(b.rows && b.first ? MMS_OK : no_memory(err));
    for (int64_t i = 0; i < w->rows.n; i++)
        if (!w->run_mask || mms_flag_bit(w->run_mask, i))
            b.rows[n++] = i;
    MMS_TRY(sort_chunks(w, n, b.rows, err));
    for (int64_t end = 0; end < n; b.first[b.npiece] = end) {
        end = chunk_end(w, b.rows, n, end);
        b.npiece++;
    }
    if (may_share(w, &b))
        MMS_TRY(run_blocks(&b, err));
    else
        for (int64_t i = 0; i < b.npiece && st == MMS_OK; i++)
            st = run_pieces(w, b.rows + b.first[i], b.first[i + 1] - b.first[i], err);
done:
    free(b.rows);
    free(b.first);
    return st;
}

/* ---- the unit ---------------------------------------------------------------------------------*/

static void answer_counts(mms_flag_work *w, mms_value *answer)
{
    mms_value *counts = json_array();

    for (int64_t i = 0; i < w->ncommand; i++)
        json_array_append_new(counts, w->commands[i].mode == MMS_FLAG_SUMMARY
                                          ? mms_flag_counts_value(&w->set, w->counts[i])
                                          : json_null());
    json_object_set_new(answer, "counts", counts);
    json_object_set_new(answer, "rows", json_integer(w->selected_rows));
    json_object_set_new(answer, "changed_rows", json_integer(w->changed_rows));
    json_object_set_new(answer, "changed_row_flags", json_integer(w->changed_row_flags));
    json_object_set(answer, "rflag", w->rflag);
}

static void end_work(mms_flag_work *w)
{
    (void)!mms_flag_stage_close(&w->stage, NULL);
    for (int64_t i = 0; i < w->ncommand; i++) {
        if (w->counts)
            mms_flag_counts_free(&w->counts[i]);
        if (w->commands)
            mms_flag_command_close(&w->commands[i], w->set.nwindow);
    }
    free(w->counts);
    free(w->commands);
    free(w->run_mask);
    mms_fields_close(&w->directions);
    mms_value_free(&w->rflag);
    free_chunk(&w->spare);
    free_rows(&w->rows);
    mms_flag_set_close(&w->set);
}

static mms_status flag_rows(mms_job *job, mms_ms *ms, const mms_flag_order *o, mms_value *answer,
                            mms_error *err)
{
    mms_flag_work w = {.job = job,
                       .chunks = o->chunks,
                       .combinescans = o->combinescans,
                       .ntime_s = o->ntime_s,
                       .memory = o->memory,
                       .threads = o->threads};
    mms_level level;
    mms_status st;

    w.rflag = json_array();
    if (*o->stage)
        MMS_TRY(mms_flag_stage_open(o->stage, &w.stage, err));
    MMS_TRY(mms_flag_set_open(ms, &w.set, err));
    MMS_TRY(mms_flag_take_members(&w, o->members, err));
    level = mms_log_limit(MMS_LOG_ERROR); // the client has looked at them, and has warned
    st = open_commands(&w, o, err);
    mms_log_limit(level);
    MMS_TRY(st);
    w.end = w.ncommand;
    MMS_TRY(read_keys(&w, err));
    MMS_TRY(w.chunks ? run_chunks(&w, err) : run_rows(&w, err));
    MMS_TRY(stage_row_flags(&w, err));
    MMS_TRY(mms_flag_stage_close(&w.stage, err));
    answer_counts(&w, answer);
done:
    end_work(&w);
    return st;
}

/** Append rows to FLAG_CMD: [[command, reason], …]. */
static mms_status save_commands(const mms_value *order, mms_error *err)
{
    mms_commands_order o;
    mms_value *applied = NULL;
    mms_ms *ms = NULL;
    mms_table *table = NULL;
    mms_status st;

    MMS_TRY(mms_commands_order_decode(order, &o, err));
    applied = json_boolean(o.applied);
    MMS_TRY(mms_ms_open(o.vis, &ms, err));
    const char *path = mms_ms_subtable(ms, "FLAG_CMD");
    MMS_TRY(path ? mms_table_open(path, MMS_TABLE_UPDATE, &table, err)
                 : mms_fail(err, MMS_ERR_NOT_FOUND, "%s has no FLAG_CMD", o.vis));
    for (size_t i = 0; i < json_array_size(o.rows); i++) {
        const mms_value *row = json_array_get(o.rows, i);
        const int64_t at = mms_table_nrow(table);
        MMS_TRY(mms_table_add_rows(table, 1, err));
        MMS_TRY(mms_table_put_cell(table, "COMMAND", at, json_array_get(row, 0), err));
        MMS_TRY(mms_table_put_cell(table, "REASON", at, json_array_get(row, 1), err));
        MMS_TRY(mms_table_put_cell(table, "APPLIED", at, applied, err));
    }
    MMS_TRY(mms_table_close(&table, err));
done:
    mms_value_free(&applied);
    mms_table_drop(&table);
    mms_ms_close(&ms);
    return st;
}

static mms_status restore_version(mms_job *job, const mms_value *order, mms_error *err)
{
    mms_restore_order o;
    const mms_status st = mms_restore_order_decode(order, &o, err);

    return st == MMS_OK ? mms_version_restore(job, o.set, o.vis, o.first, o.version, o.merge, err)
                        : st;
}

static mms_status write_stage(mms_job *job, const mms_value *order, mms_error *err)
{
    mms_flag_write_order o;
    const mms_status st = mms_flag_write_order_decode(order, &o, err);

    return st == MMS_OK ? mms_flag_stage_write(job, o.stage, o.parts, o.tiles, err) : st;
}

static mms_status flag(mms_job *job, const mms_value *order, mms_value *answer, mms_error *err)
{
    mms_flag_order o;
    mms_ms *ms = NULL;
    mms_status st;

    MMS_TRY(mms_flag_order_decode(order, &o, err));
    MMS_TRY(mms_ms_open_seen(o.vis, &ms, err));
    mms_ms_use_tiles(ms, o.tiles);
    st = flag_rows(job, ms, &o, answer, err);
done:
    mms_ms_close(&ms);
    return st;
}

mms_status mms_flag_unit(mms_job *job, const mms_value *order, mms_value *answer, mms_error *err)
{
    const char *step = mms_inplace_step(order);
    int fd = -1;
    mms_status st;

    if (!strcmp(step, "save"))
        return mms_version_save(order, err);
    MMS_TRY(mms_undo_hold(order, &fd, err));
    if (!strcmp(step, "commands"))
        st = save_commands(order, err);
    else if (!strcmp(step, "restore"))
        st = restore_version(job, order, err);
    else if (!strcmp(step, "write"))
        st = write_stage(job, order, err);
    else if (!strcmp(step, "flag"))
        st = flag(job, order, answer, err);
done:
    if (fd >= 0)
        close(fd);
    return st;
}
