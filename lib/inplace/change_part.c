/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file change_part.c  Verbs that change columns row by row: a part in a worker. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/base_priv.h"
#include "base/files_priv.h"
#include "base/lanes_priv.h"
#include "base/stream_priv.h"
#include "change_priv.h"
#include "models_priv.h"
#include "ms/columns.h"
#include "orders_priv.h"

enum { MOST_ROWS = 1 << 14, LEAST_BLOCK = 1 << 19, MOST_BLOCK = 1 << 20 };

static mms_status no_memory(mms_error *err)
{
    return mms_fail(err, MMS_ERR_MEM, "in-place work: out of memory");
}

/* ---- the windows ------------------------------------------------------------------------------*/

static mms_status read_channels(mms_table *spws, const mms_flag_window *w, double **freq_hz,
                                mms_error *err)
{
    const mms_rows one = {w->spw, 1};

    *freq_hz = mms_alloc(w->nchan, sizeof **freq_hz);
    return *freq_hz ? mms_table_get(spws, "CHAN_FREQ", 1, &one, w->nchan, *freq_hz, err)
                    : no_memory(err);
}

mms_status mms_change_frequencies(mms_ms *ms, const mms_flag_set *set, double ***freq_hz,
                                  mms_error *err)
{
    const char *path = mms_ms_subtable(ms, "SPECTRAL_WINDOW");
    mms_table *spws = NULL;
    mms_status st;

    *freq_hz = mms_alloc(set->nwindow, sizeof(double *));
    MMS_TRY(*freq_hz ? MMS_OK : no_memory(err));
    MMS_TRY(path ? mms_table_open(path, MMS_TABLE_READ, &spws, err)
                 : mms_fail(err, MMS_ERR_NOT_FOUND, "%s has no SPECTRAL_WINDOW", mms_ms_path(ms)));
    for (int64_t i = 0; i < set->nwindow; i++)
        MMS_TRY(read_channels(spws, &set->windows[i], &(*freq_hz)[i], err));
done:
    mms_table_drop(&spws);
    return st;
}

void mms_change_free_frequencies(const mms_flag_set *set, double ***freq_hz)
{
    for (int64_t i = 0; *freq_hz && i < set->nwindow; i++)
        free((*freq_hz)[i]);
    free(*freq_hz);
    *freq_hz = NULL;
}

/* ---- a part -----------------------------------------------------------------------------------*/

static char *subtable_path(const mms_ms *ms, const char *name)
{
    const char *path = mms_ms_subtable(ms, name);
    return path ? strdup(path) : NULL;
}

/** What is known of the part before it is opened to be written. */
static mms_status read_part(mms_change_part *p, const char *path, mms_error *err)
{
    mms_ms *ms = NULL;
    mms_status st;

    MMS_TRY(mms_ms_open(path, &ms, err));
    MMS_TRY(mms_flag_set_open(ms, &p->set, err));
    MMS_TRY(mms_change_frequencies(ms, &p->set, &p->freq_hz, err));
    p->feed_table = subtable_path(ms, "FEED");
    p->field_table = subtable_path(ms, "FIELD");
    p->like = mms_ms_find_column(ms, MMS_COL_DATA) ? MMS_COL_DATA : MMS_COL_FLOAT_DATA;
    p->set.ms = NULL;
done:
    mms_ms_close(&ms);
    return st;
}

static mms_status read_mask(mms_change_part *p, const char *path, mms_error *err)
{
    size_t size = 0;

    return *path ? mms_read_file(path, (size_t)1 << 40, &p->bits, &size, err) : MMS_OK;
}

static void close_part(mms_change_part *p)
{
    mms_sink_drop(&p->sink);
    mms_change_free_frequencies(&p->set, &p->freq_hz);
    mms_flag_set_close(&p->set);
    free(p->feed_table);
    free(p->field_table);
    free(p->bits);
    if (p->fd >= 0)
        close(p->fd);
}

static mms_status change(mms_change_part *p, const mms_value *order, const mms_change_order *o,
                         mms_change_part_work *work, mms_error *err)
{
    const char *const add[] = {o->made, NULL};
    mms_sink_what what = {o->part, o->made ? add : NULL, NULL, o->tiles, o->sync, o->lock};
    mms_status st;

    MMS_TRY(mms_undo_hold(order, &p->fd, err));
    if (o->ends_models && mms_inplace_is_again(order))
        MMS_TRY(mms_models_clear(&(mms_model_tables){o->part, o->source, NULL}, err));
    MMS_TRY(read_part(p, what.path, err));
    what.like = p->like;
    MMS_TRY(read_mask(p, o->rows, err));
    MMS_TRY(mms_sink_open(&what, &p->sink, err));
    MMS_TRY(work(p, err));
    MMS_TRY(mms_sink_close(&p->sink, err));
done:
    return st;
}

mms_status mms_change_unit(mms_job *job, const mms_value *order, mms_change_part_work *work,
                           mms_value *answer, mms_error *err)
{
    mms_change_part p = {.job = job, .fd = -1};
    mms_change_order o;
    mms_status st;

    if (!strcmp(mms_inplace_step(order), "save"))
        return mms_version_save(order, err);
    MMS_TRY(mms_change_order_decode(order, &o, err));
    p.work = o.work;
    p.memory = o.memory;
    p.threads = o.tiles && o.threads > 1 ? o.threads : 1;
    st = change(&p, order, &o, work, err);
    json_object_set_new(answer, "changed_rows", json_integer(atomic_load(&p.changed_rows)));
    close_part(&p);
done:
    return st;
}

/* ---- blocks of rows ---------------------------------------------------------------------------*/

static const char *const key_names[] = {MMS_COL_DATA_DESC_ID,   MMS_COL_FIELD_ID,
                                        MMS_COL_ANTENNA1,       MMS_COL_ANTENNA2,
                                        MMS_COL_OBSERVATION_ID, MMS_COL_STATE_ID};

enum { NKEY = MMS_COUNT_OF(key_names) };

/** Keys of some rows. */
typedef struct keys {
    int32_t *ints[NKEY];
    double *time_s;
    uint8_t *selected;
} keys;

static mms_status make_keys(keys *k, mms_error *err)
{
    bool made = (k->time_s = mms_alloc(MOST_ROWS, sizeof(double))) != NULL;

    made = (k->selected = mms_alloc(MOST_ROWS, 1)) && made;
    for (int i = 0; i < NKEY; i++)
        made = (k->ints[i] = mms_alloc(MOST_ROWS, sizeof(int32_t))) && made;
    return made ? MMS_OK : no_memory(err);
}

static void free_keys(keys *k)
{
    for (int i = 0; i < NKEY; i++)
        free(k->ints[i]);
    free(k->time_s);
    free(k->selected);
}

static mms_status read_keys(mms_change_part *p, keys *k, mms_rows rows, mms_error *err)
{
    const int n = p->observed ? NKEY : NKEY - 2;
    mms_status st;

    for (int i = 0; i < n; i++)
        MMS_TRY(mms_sink_read(p->sink, key_names[i], 1, &rows, rows.count, k->ints[i], err));
    MMS_TRY(mms_sink_read(p->sink, MMS_COL_TIME, 1, &rows, rows.count, k->time_s, err));
    for (int64_t i = 0; i < rows.count; i++) {
        const bool in_range = k->ints[0][i] >= 0 && k->ints[0][i] < p->set.nwindow &&
                              k->ints[2][i] >= 0 && k->ints[2][i] < p->set.nantenna &&
                              k->ints[3][i] >= 0 && k->ints[3][i] < p->set.nantenna;
        k->selected[i] = !p->bits || mms_flag_bit(p->bits, rows.first + i);
        if (!in_range)
            MMS_TRY(mms_fail(err, MMS_ERR_RANGE,
                             "row %" PRId64 ": DATA_DESC_ID %d, antennas %d and %d: not all have "
                             "a row in the sub-tables",
                             rows.first + i, k->ints[0][i], k->ints[2][i], k->ints[3][i]));
    }
done:
    return st;
}

static mms_status check_shape(const mms_change_part *p, const mms_change_rows *r, mms_error *err)
{
    for (int64_t i = 0; i < r->rows.count; i++) {
        const mms_flag_window *w = &p->set.windows[r->ddid[i]];
        if (r->selected[i] && (w->nchan != r->shape[0] || w->ncorr != r->shape[1]))
            return mms_fail(err, MMS_ERR_SHAPE,
                            "row %" PRId64 ": the data have not the shape of their window, %d "
                            "channels and %d correlations",
                            r->rows.first + i, w->nchan, w->ncorr);
    }
    return MMS_OK;
}

/** All rows of a part in pieces, which threads take one after the other. */
typedef struct pass {
    mms_change_part *part;
    const char *column;
    int64_t value_bytes;
    mms_change_block *block;
    void *user;
    int64_t rows; /**< of a piece */
    atomic_llong next;
} pass;

static mms_status do_run(const pass *a, int thread, const mms_shape_run *run, const keys *k,
                         int64_t base, mms_error *err)
{
    mms_change_part *const p = a->part;
    const int64_t cell = run->shape[0] * run->shape[1];
    int64_t room = p->memory / 4 / p->threads, most;
    mms_status st = MMS_OK;

    room = room < LEAST_BLOCK ? LEAST_BLOCK : room > MOST_BLOCK ? MOST_BLOCK : room;
    most = room / (cell * a->value_bytes) + 1;
    for (int64_t at = 0; at < run->rows.count && st == MMS_OK; at += most) {
        const int64_t left = run->rows.count - at, i = run->rows.first + at - base;
        const mms_change_rows r = {{run->rows.first + at, left < most ? left : most},
                                   thread,
                                   {run->shape[0], run->shape[1]},
                                   k->ints[0] + i,
                                   k->ints[1] + i,
                                   k->ints[2] + i,
                                   k->ints[3] + i,
                                   k->ints[4] + i,
                                   k->ints[5] + i,
                                   k->time_s + i,
                                   k->selected + i};
        st = check_shape(p, &r, err);
        if (st == MMS_OK)
            st = a->block(p, a->user, &r, err);
        if (thread == 0)
            mms_job_progress(p->job, r.rows.first + r.rows.count, mms_sink_nrow(p->sink));
    }
    return st;
}

static mms_status do_piece(const pass *a, int thread, mms_rows rows, keys *k, mms_error *err)
{
    mms_shape_run *runs = NULL;
    int64_t nrun = 0;
    mms_status st;

    MMS_TRY(read_keys(a->part, k, rows, err));
    MMS_TRY(mms_sink_shapes(a->part->sink, a->column, 1, &rows, &runs, &nrun, err));
    for (int64_t i = 0; i < nrun; i++)
        if (runs[i].ndim == 2 && runs[i].shape[0] * runs[i].shape[1] > 0)
            MMS_TRY(do_run(a, thread, &runs[i], k, rows.first, err));
done:
    free(runs);
    return st;
}

/** Take pieces until there are none; after a failure there are. */
static mms_status do_pieces(void *ctx, mms_lanes *lanes, int number, int64_t *piece, mms_error *err)
{
    pass *const a = ctx;
    const int64_t nrow = mms_sink_nrow(a->part->sink);
    keys k = {0};
    mms_status st;

    (void)lanes;
    *piece = 0;
    MMS_TRY(make_keys(&k, err));
    while ((*piece = atomic_fetch_add(&a->next, 1)) <= (nrow - 1) / a->rows) {
        const int64_t first = *piece * a->rows, left = nrow - first;
        MMS_TRY(do_piece(a, number, (mms_rows){first, left < a->rows ? left : a->rows}, &k, err));
    }
done:
    if (st != MMS_OK)
        atomic_store(&a->next, nrow);
    free_keys(&k);
    return st;
}

mms_status mms_change_each(mms_change_part *p, const char *column, int64_t value_bytes,
                           mms_change_block *block, void *user, mms_error *err)
{
    enum { PIECES = 4 }; // a thread, so that they end together
    const int64_t nrow = mms_sink_nrow(p->sink);
    const int64_t share = p->threads > 1 ? nrow / (PIECES * p->threads) + 1 : MOST_ROWS;
    pass a = {.part = p,
              .column = column,
              .value_bytes = value_bytes,
              .block = block,
              .user = user,
              .rows = share < MOST_ROWS ? share : MOST_ROWS};
    const int64_t most = (nrow + a.rows - 1) / a.rows;

    return nrow == 0
               ? MMS_OK
               : mms_lanes_run((int)(most < p->threads ? most : p->threads), do_pieces, &a, err);
}

mms_status mms_change_write(mms_change_part *p, const char *column, const mms_change_rows *r,
                            const uint8_t *which, int32_t ndim, const int64_t *shape, size_t bytes,
                            const void *data, mms_error *err)
{
    const char *from = data;
    int64_t cell = 1;
    mms_status st = MMS_OK;

    for (int32_t i = 0; i < ndim; i++)
        cell *= shape[i];
    for (int64_t i = 0, n; i < r->rows.count && st == MMS_OK; i += n) {
        for (n = 0; i + n < r->rows.count && which[i + n];)
            n++;
        const mms_rows rows = {r->rows.first + i, n};
        if (n > 0)
            st = mms_sink_write(p->sink, column, 1, &rows, ndim, shape, n * cell,
                                from + (size_t)(i * cell) * bytes, err);
        else
            n = 1;
    }
    return st;
}
