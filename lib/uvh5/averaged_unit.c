/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file averaged_unit.c  In a worker: rows of averages are made as a transform makes them, and go
 * to their places in the file. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "averaged_priv.h"
#include "base/arena_priv.h"
#include "base/files_priv.h"
#include "blts_priv.h"
#include "ms/block.h"
#include "ms/columns.h"
#include "orders_priv.h"
#include "pack_priv.h"

enum { VALUES = 1 << 16 }; // are written together

/** A file that takes rows from any thread. */
typedef struct sink {
    mms_uvh5_export_order order;
    int fd, cells_fd;
    int64_t first, n, *places; /**< the baseline-time of each row */
    _Atomic int64_t put;       /**< rows */
} sink;

/** Rows that are put together: of one data description, of baseline-times that follow each other if
 *  they are more than one. */
typedef struct batch {
    const sink *s;
    const mms_uvh5_target *target;
    int64_t first, n, most;
    mms_uvh5_values values;
} batch;

static mms_status no_memory(mms_error *err)
{
    return mms_fail(err, MMS_ERR_MEM, "averages: out of memory");
}

/** Write n values from one on, counted in the file. */
static mms_status write_values(const batch *b, int64_t value, int64_t n, int64_t from,
                               mms_error *err)
{
    const mms_uvh5_export_order *const o = &b->s->order;
    const int64_t all = o->nblt * o->nfreq * o->npol;
    const struct {
        const void *data;
        int64_t size;
    } sets[] = {
        {b->values.vis + from, 8}, {b->values.flags + from, 1}, {b->values.nsamples + from, 4}};

    for (int k = 0; k < 3; k++) {
        const bool waits = k > 0 && *o->cells;
        const int64_t begin = waits ? mms_uvh5_cells_offset(all, k) : o->offsets[k];
        if (mms_pwrite_all(waits ? b->s->cells_fd : b->s->fd, sets[k].data, n * sets[k].size,
                           begin + value * sets[k].size) < 0)
            return mms_fail_errno(err, errno, "%s", waits ? o->cells : o->file);
    }
    return MMS_OK;
}

/** Polarizations of another data description stand between these. */
static mms_status write_single(const batch *b, int64_t value, mms_error *err)
{
    const mms_uvh5_target *const t = b->target;
    const int64_t npol = b->s->order.npol;
    mms_status st = MMS_OK;

    for (int64_t c = 0; c < t->count; c++)
        for (int64_t k = 0; st == MMS_OK && k < t->nkept; k++)
            st = write_values(b, value + c * npol + t->to[k], 1, c * npol + t->to[k], err);
    return st;
}

static mms_status flush(batch *b, mms_error *err)
{
    const mms_uvh5_export_order *const o = &b->s->order;
    const int64_t n = b->n, value = (b->first * o->nfreq + b->target->first) * o->npol;

    b->n = 0;
    if (n == 0)
        return MMS_OK;
    return b->target->nkept == o->npol
               ? write_values(b, value, n * b->target->count * o->npol, 0, err)
               : write_single(b, value, err);
}

static mms_status begin_batch(const sink *s, const mms_uvh5_target *t, mms_arena *arena, batch *b,
                              mms_error *err)
{
    const int64_t cell = t->count * s->order.npol;
    const bool whole = t->count == s->order.nfreq && t->nkept == s->order.npol;

    *b = (batch){.s = s, .target = t, .most = whole ? VALUES / cell + 1 : 1};
    b->values.vis = mms_arena_get(arena, b->most * cell, sizeof *b->values.vis);
    b->values.flags = mms_arena_get(arena, b->most * cell, 1);
    b->values.nsamples = mms_arena_get(arena, b->most * cell, sizeof *b->values.nsamples);
    return b->values.vis && b->values.flags && b->values.nsamples ? MMS_OK : no_memory(err);
}

/** Take row i of the cells for a baseline-time. */
static mms_status take_row(batch *b, const mms_uvh5_cells *cells, int64_t i, bool flagged,
                           int64_t blt, mms_error *err)
{
    const int64_t npol = b->s->order.npol;

    if (b->n > 0 && (b->n == b->most || blt != b->first + b->n)) {
        const mms_status st = flush(b, err);
        if (st != MMS_OK)
            return st;
    }
    if (b->n == 0)
        b->first = blt;
    mms_uvh5_move_row(b->target, cells, i, flagged, npol, &b->values,
                      b->n++ * b->target->count * npol);
    return MMS_OK;
}

/* ---- cells of a group of rows -----------------------------------------------------------------*/

/** The cells that a set would get under a name of the input; spectra may have been added. */
static const mms_cells *find_cells(const mms_block *block, const mms_group *g, const char *name,
                                   int32_t ndim, const mms_uvh5_target *t)
{
    for (int64_t i = 0; i < block->narray + MMS_SPARE_ARRAYS; i++) {
        const mms_cells *const c = &g->arrays[i];
        if (c->column && c->name && !strcmp(c->column->name, name) && c->ndim == ndim &&
            c->shape[ndim - 1] == t->ncorr && (ndim == 1 || c->shape[0] == t->nchan))
            return c;
    }
    return NULL;
}

/** WEIGHT_SPECTRUM where it is made, else WEIGHT for every channel. */
static mms_status find_weights(const mms_block *block, const mms_group *g, const mms_uvh5_target *t,
                               mms_arena *arena, const float **out, mms_error *err)
{
    const mms_cells *const spectrum = find_cells(block, g, MMS_COL_WEIGHT_SPECTRUM, 2, t);
    const mms_cells *const weight = find_cells(block, g, MMS_COL_WEIGHT, 1, t);

    *out = spectrum ? spectrum->data : NULL;
    if (spectrum)
        return MMS_OK;
    if (!weight)
        return mms_fail(err, MMS_ERR_SHAPE, "averages: no WEIGHT of %" PRId64 " correlations",
                        t->ncorr);
    float *const each = mms_arena_get(arena, g->nrow * t->nchan * t->ncorr, sizeof *each);
    if (!each)
        return no_memory(err);
    mms_uvh5_repeat_weight(t, g->nrow, weight->data, each);
    *out = each;
    return MMS_OK;
}

static mms_status find_group(const sink *s, const mms_block *block, const mms_group *g,
                             const mms_uvh5_target *t, mms_arena *arena, mms_uvh5_cells *cells,
                             mms_error *err)
{
    const mms_cells *const data = find_cells(block, g, s->order.column, 2, t);
    const mms_cells *const flag = find_cells(block, g, MMS_COL_FLAG, 2, t);

    if (!data || !flag)
        return mms_fail(err, MMS_ERR_SHAPE,
                        "averages: %s or FLAG of a row is not %" PRId64 " channels x %" PRId64
                        " correlations, as its window and polarizations are",
                        s->order.column, t->nchan, t->ncorr);
    *cells = (mms_uvh5_cells){.data = data->data,
                              .flag = flag->data,
                              .is_float = data->column->dtype == MMS_DT_FLOAT,
                              .negate = s->order.negate};
    return find_weights(block, g, t, arena, &cells->weight, err);
}

static mms_status put_group(const sink *s, const mms_block *block, const mms_group *g,
                            const int32_t *ddids, const uint8_t *flagged, mms_arena *arena,
                            mms_error *err)
{
    const int32_t ddid = ddids[g->rows[0].first];
    mms_uvh5_cells cells;
    batch b;
    int64_t i = 0;
    mms_status st;

    if (ddid < 0 || ddid >= s->order.ntarget)
        return mms_fail(err, MMS_ERR_INTERNAL, "no data description %" PRId32, ddid);
    MMS_TRY(find_group(s, block, g, &s->order.targets[ddid], arena, &cells, err));
    MMS_TRY(begin_batch(s, &s->order.targets[ddid], arena, &b, err));
    for (int64_t r = 0; r < g->nrange; r++)
        for (int64_t k = g->rows[r].first; k < g->rows[r].first + g->rows[r].count; k++)
            MMS_TRY(take_row(&b, &cells, i++, flagged[k], s->places[block->rows.first + k], err));
    MMS_TRY(flush(&b, err));
done:
    return st;
}

static mms_status put(void *ctx, const mms_block *block, mms_arena *arena, mms_error *err)
{
    sink *const s = ctx;
    const mms_cells *const ddids =
        mms_cells_find(block->scalars, block->nscalar, MMS_COL_DATA_DESC_ID);
    const mms_cells *const flagged =
        mms_cells_find(block->scalars, block->nscalar, MMS_COL_FLAG_ROW);
    mms_status st = MMS_OK;

    if (!ddids || !flagged || block->rows.first > s->n - block->rows.count)
        return mms_fail(err, MMS_ERR_INTERNAL, "averages: other rows than were planned");
    for (int64_t g = 0; st == MMS_OK && g < block->ngroup; g++)
        st = put_group(s, block, &block->groups[g], ddids->data, flagged->data, arena, err);
    atomic_fetch_add(&s->put, block->rows.count);
    return st;
}

/* ---- units ------------------------------------------------------------------------------------*/

static mms_status open_sink(const mms_uvh5_averaged_order *o, sink *s, mms_error *err)
{
    mms_status st = MMS_OK;
    int fd = -1;

    s->first = o->first;
    s->n = o->n;
    s->fd = open(s->order.file, O_WRONLY | O_CLOEXEC);
    if (s->fd < 0)
        return mms_fail_errno(err, errno, "%s", s->order.file);
    if (*s->order.cells && (s->cells_fd = open(s->order.cells, O_WRONLY | O_CLOEXEC)) < 0)
        return mms_fail_errno(err, errno, "%s", s->order.cells);
    s->places = mms_alloc(s->n, sizeof *s->places);
    if (!s->places)
        return no_memory(err);
    fd = open(o->places, O_RDONLY | O_CLOEXEC);
    const int64_t bytes = s->n * (int64_t)sizeof *s->places;
    if (fd < 0 ||
        mms_pread_all(fd, s->places, bytes, s->first * (int64_t)sizeof *s->places) != bytes)
        st = mms_fail_errno(err, errno ? errno : EIO, "%s", o->places);
    if (fd >= 0)
        close(fd);
    return st;
}

static mms_status write_rows(mms_job *job, const mms_uvh5_averaged_order *o,
                             const mms_value *shared, mms_value *answer, mms_error *err)
{
    sink s = {.fd = -1, .cells_fd = -1};
    mms_status st;

    MMS_TRY(mms_uvh5_export_order_decode(shared, &s.order, err));
    MMS_TRY(open_sink(o, &s, err));
    const char *const columns[] = {MMS_COL_TIME,
                                   MMS_COL_INTERVAL,
                                   MMS_COL_EXPOSURE,
                                   MMS_COL_TIME_CENTROID,
                                   MMS_COL_OBSERVATION_ID,
                                   MMS_COL_ARRAY_ID,
                                   MMS_COL_SCAN_NUMBER,
                                   MMS_COL_STATE_ID,
                                   MMS_COL_FIELD_ID,
                                   MMS_COL_DATA_DESC_ID,
                                   MMS_COL_ANTENNA1,
                                   MMS_COL_ANTENNA2,
                                   MMS_COL_UVW,
                                   MMS_COL_FLAG_ROW,
                                   MMS_COL_FLAG,
                                   MMS_COL_WEIGHT,
                                   MMS_COL_SIGMA,
                                   MMS_COL_WEIGHT_SPECTRUM,
                                   MMS_COL_SIGMA_SPECTRUM,
                                   s.order.column,
                                   NULL};
    const mms_row_sink to = {.columns = columns, .put = put, .ctx = &s};
    MMS_TRY(mms_part_send(job, o->part, &to, answer, err));
    if (atomic_load(&s.put) != s.n)
        st = mms_fail(err, MMS_ERR_INTERNAL, "averages: %" PRId64 " rows, not %" PRId64,
                      atomic_load(&s.put), s.n);
done:
    mms_uvh5_export_order_free(&s.order);
    free(s.places);
    if (s.fd >= 0)
        close(s.fd);
    if (s.cells_fd >= 0)
        close(s.cells_fd);
    return st;
}

mms_status mms_uvh5_averaged_unit(mms_job *job, const mms_value *value, mms_value *answer,
                                  mms_error *err)
{
    mms_uvh5_averaged_order o;
    mms_value *shared = NULL, *rows = NULL;
    mms_status st;

    MMS_TRY(mms_uvh5_averaged_order_decode(value, &o, err));
    if (!strcmp(o.step, "split")) {
        MMS_TRY(mms_part_split(job, o.part, o.n, o.files, &rows, err));
        mms_uvh5_cut_encode(answer, rows);
    } else {
        MMS_TRY(mms_value_read(o.shared, &shared, err));
        st = strcmp(o.step, "pack") ? write_rows(job, &o, shared, answer, err)
                                    : mms_uvh5_pack(shared, err);
    }
done:
    mms_value_free(&shared);
    free(o.files);
    return st;
}
