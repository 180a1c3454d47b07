/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file blts.c  The values that the file has of baseline-times, read from the rows of the MS. */
#include "blts_priv.h"
#include "ms/columns.h"
#include "orders_priv.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

typedef mms_uvh5_target target;

/** A buffer that grows and is not cleared. */
typedef struct room {
    void *data;
    size_t bytes;
} room;

struct mms_uvh5_reader {
    mms_uvh5_export_order order;
    const char *vis, *column;
    mms_ms *ms;
    bool negate, is_float, has_spectrum;
    int64_t nfreq, npol, ntarget;
    target *targets; /**< by data description */
    mms_uvh5_values values;
    room vis_room, flags_room, nsamples_room;
    /* the rows of one data description of them, sorted */
    int64_t nrow, nrange;
    mms_uvh5_place *rows;
    mms_rows *ranges;
    void *data;
    float *weight;
    uint8_t *flag, *flag_row;
    room ranges_room, data_room, weight_room, row_weight_room, flag_room, flag_row_room;
};

typedef mms_uvh5_reader reader;

static mms_status no_memory(mms_error *err)
{
    return mms_fail(err, MMS_ERR_MEM, "visibilities: out of memory");
}

static void *room_for(room *r, int64_t n, size_t size)
{
    const size_t bytes = (size_t)n * size;

    if (bytes <= r->bytes && r->data)
        return r->data;
    free(r->data);
    r->data = mms_alloc(n, size);
    r->bytes = r->data ? bytes : 0;
    return r->data;
}

mms_status mms_uvh5_reader_open(const mms_value *shared, mms_uvh5_reader **out, mms_error *err)
{
    reader *u = *out = mms_alloc(1, sizeof *u);
    const mms_column *column;
    mms_status st;

    MMS_TRY(u ? mms_uvh5_export_order_decode(shared, &u->order, err) : no_memory(err));
    u->vis = u->order.vis;
    u->column = u->order.column;
    u->negate = u->order.negate;
    u->nfreq = u->order.nfreq;
    u->npol = u->order.npol;
    u->ntarget = u->order.ntarget;
    u->targets = u->order.targets;
    MMS_TRY(mms_ms_open(u->vis, &u->ms, err));
    mms_ms_use_tiles(u->ms, u->order.tiles);
    column = mms_ms_find_column(u->ms, u->column);
    u->is_float = column && column->dtype == MMS_DT_FLOAT;
    u->has_spectrum = mms_ms_find_column(u->ms, MMS_COL_WEIGHT_SPECTRUM) != NULL;
done:
    if (st != MMS_OK)
        mms_uvh5_reader_close(out);
    return st;
}

void mms_uvh5_reader_close(mms_uvh5_reader **out)
{
    reader *const u = *out;

    if (!u)
        return;
    room *const rooms[] = {&u->vis_room,        &u->flags_room, &u->nsamples_room,
                           &u->ranges_room,     &u->data_room,  &u->weight_room,
                           &u->row_weight_room, &u->flag_room,  &u->flag_row_room};
    for (int64_t i = 0; i < MMS_COUNT_OF(rooms); i++)
        free(rooms[i]->data);
    mms_uvh5_export_order_free(&u->order);
    mms_ms_close(&u->ms);
    free(u);
    *out = NULL;
}

const mms_uvh5_export_order *mms_uvh5_reader_order(const mms_uvh5_reader *u)
{
    return &u->order;
}

int64_t mms_uvh5_reader_most(const mms_uvh5_reader *u, int64_t nblt)
{
    enum { VALUES = 1 << 16 }; // what a core's cache holds, read, turned and written
    const int64_t n = VALUES / (u->nfreq * u->npol) + 1;

    return n < 1 ? 1 : n < nblt ? n : nblt;
}

/* ---- rows -------------------------------------------------------------------------------------*/

static bool is_cell(const mms_shape_run *run, const target *t)
{
    return run->ndim == 2 && run->shape[0] == t->nchan && run->shape[1] == t->ncorr;
}

/** Refuse cells of another shape than [nchan][ncorr] before there is room for them. */
static mms_status check_shapes(reader *u, const char *column, const target *t, mms_error *err)
{
    mms_shape_run *runs = NULL;
    int64_t nrun;
    mms_status st = mms_ms_shapes(u->ms, column, u->nrange, u->ranges, &runs, &nrun, err);

    for (int64_t i = 0; st == MMS_OK && i < nrun; i++)
        if (!is_cell(&runs[i], t))
            st = mms_fail(err, MMS_ERR_SHAPE,
                          "%s: %s of row %" PRId64 " is not %" PRId64 " channels x %" PRId64
                          " correlations, as its window and polarizations are",
                          u->vis, column, runs[i].rows.first, t->nchan, t->ncorr);
    free(runs);
    return st;
}

/** A channel, then as many again as there are. */
void mms_uvh5_repeat_weight(const target *t, int64_t nrow, const float *weight, float *out)
{
    const size_t cell = (size_t)(t->nchan * t->ncorr), ncorr = (size_t)t->ncorr;

    for (int64_t i = 0; i < nrow; i++, out += cell) {
        memcpy(out, weight + i * t->ncorr, ncorr * sizeof *weight);
        for (size_t n = ncorr; n < cell; n *= 2)
            memcpy(out + n, out, (cell - n < n ? cell - n : n) * sizeof *weight);
    }
}

/** WEIGHT_SPECTRUM where it has cells, else WEIGHT for every channel. */
static mms_status read_weights(reader *u, const target *t, float *out, mms_error *err)
{
    const int64_t cell = t->nchan * t->ncorr;
    float *const weight = room_for(&u->row_weight_room, u->nrow * t->ncorr, sizeof *weight);
    mms_shape_run *runs = NULL;
    int64_t nrun = 0, undefined = 0, done = 0;
    mms_status st;

    MMS_TRY(weight ? MMS_OK : no_memory(err));
    if (u->has_spectrum)
        MMS_TRY(
            mms_ms_shapes(u->ms, MMS_COL_WEIGHT_SPECTRUM, u->nrange, u->ranges, &runs, &nrun, err));
    for (int64_t i = 0; i < nrun; i++)
        undefined += !is_cell(&runs[i], t);
    if (nrun > 0 && undefined == 0) {
        MMS_TRY(mms_ms_read(u->ms, MMS_COL_WEIGHT_SPECTRUM, u->nrange, u->ranges, u->nrow * cell,
                            out, err));
        goto done;
    }
    MMS_TRY(
        mms_ms_read(u->ms, MMS_COL_WEIGHT, u->nrange, u->ranges, u->nrow * t->ncorr, weight, err));
    mms_uvh5_repeat_weight(t, u->nrow, weight, out);
    for (int64_t i = 0; i < nrun; done += runs[i++].rows.count)
        if (is_cell(&runs[i], t))
            MMS_TRY(mms_ms_read(u->ms, MMS_COL_WEIGHT_SPECTRUM, 1, &runs[i].rows,
                                runs[i].rows.count * cell, out + done * cell, err));
done:
    free(runs);
    return st;
}

/** Copy values, or turn them where they are, in one pass over their bits: of little-endian numbers
 *  the imaginary part's sign is the highest. */
static void conjugate(int64_t n, const void *from, void *to)
{
    for (int64_t i = 0; i < n; i++) {
        uint64_t value;
        memcpy(&value, (const char *)from + 8 * i, sizeof value);
        value ^= UINT64_C(1) << 63;
        memcpy((char *)to + 8 * i, &value, sizeof value);
    }
}

/** A row whose cells stand in the file as they do in the MS. */
static void copy_row(const target *t, const mms_uvh5_cells *c, int64_t from, bool flagged,
                     const mms_uvh5_values *v, int64_t to)
{
    const size_t n = (size_t)(t->count * t->ncorr);
    const float(*const data)[2] = (const float(*)[2])c->data + from;

    if (c->negate)
        conjugate((int64_t)n, data, v->vis + to);
    else
        memcpy(v->vis + to, data, 8 * n);
    if (flagged)
        memset(v->flags + to, 1, n);
    else
        memcpy(v->flags + to, c->flag + from, n);
    memcpy(v->nsamples + to, c->weight + from, 4 * n);
}

/** One correlation of a channel after the other. */
static void move_channel(const target *t, const mms_uvh5_cells *c, int64_t in, uint8_t flagged,
                         const mms_uvh5_values *v, int64_t out)
{
    const float sign = c->negate ? -1.0F : 1.0F;

    for (int64_t k = 0; k < t->nkept; k++) {
        const int64_t at = in + t->from[k], to = out + t->to[k];
        if (c->is_float) {
            v->vis[to][0] = ((const float *)c->data)[at];
            v->vis[to][1] = 0;
        } else {
            const float *const value = (const float *)c->data + 2 * at;
            v->vis[to][0] = value[0];
            v->vis[to][1] = sign * value[1];
        }
        v->flags[to] = (uint8_t)(c->flag[at] | flagged);
        v->nsamples[to] = c->weight[at];
    }
}

/** The same for all channels of a row with the four products of two feeds, which most sets have. */
static void move_four(const target *t, const mms_uvh5_cells *c, int64_t in, uint8_t flagged,
                      const mms_uvh5_values *v, int64_t out)
{
    const uint64_t turn = c->negate ? UINT64_C(1) << 63 : 0; // the sign of the imaginary part
    int32_t from[4], to[4];

    memcpy(from, t->from, sizeof from);
    memcpy(to, t->to, sizeof to);
    for (int64_t k = 0; k < t->count; k++) {
        const int64_t at = in + t->channels[k] * t->ncorr, place = out + 4 * k;
        for (int i = 0; i < 4; i++) {
            uint64_t value;
            memcpy(&value, (const char *)c->data + 8 * (at + from[i]), sizeof value);
            value ^= turn;
            memcpy(v->vis + place + to[i], &value, sizeof value);
            v->flags[place + to[i]] = (uint8_t)(c->flag[at + from[i]] | flagged);
            v->nsamples[place + to[i]] = c->weight[at + from[i]];
        }
    }
}

void mms_uvh5_move_row(const target *t, const mms_uvh5_cells *c, int64_t i, bool flagged,
                       int64_t npol, const mms_uvh5_values *to, int64_t at)
{
    const int64_t in = i * t->nchan * t->ncorr;

    if (t->in_order && t->begin >= 0 && !c->is_float) {
        copy_row(t, c, in + t->begin * t->ncorr, flagged, to, at);
        return;
    }
    if (t->nkept == 4 && npol == 4 && !c->is_float) {
        move_four(t, c, in, flagged, to, at);
        return;
    }
    for (int64_t k = 0; k < t->count; k++)
        move_channel(t, c, in + t->channels[k] * t->ncorr, flagged, to, at + k * npol);
}

static void place_row(const reader *u, const target *t, int64_t i)
{
    const int64_t blt = u->rows[i].blt - u->values.first;
    const mms_uvh5_cells cells = {u->data, u->weight, u->flag, u->is_float, u->negate};

    assert(blt >= 0 && blt < u->values.n);
    mms_uvh5_move_row(t, &cells, i, u->flag_row[i], u->npol, &u->values,
                      (blt * u->nfreq + t->first) * u->npol);
}

/** The rows of a data description as ranges. */
static mms_status find_ranges(reader *u, mms_error *err)
{
    u->nrange = 0;
    u->ranges = room_for(&u->ranges_room, u->nrow, sizeof *u->ranges);
    if (!u->ranges)
        return no_memory(err);
    for (int64_t i = 1; i < u->nrow; i++)
        assert(u->rows[i].row > u->rows[i - 1].row);
    for (int64_t i = 0; i < u->nrow; i++)
        if (i > 0 && u->rows[i].row == u->rows[i - 1].row + 1)
            u->ranges[u->nrange - 1].count++;
        else
            u->ranges[u->nrange++] = (mms_rows){u->rows[i].row, 1};
    return MMS_OK;
}

/** Whether correlations are those of CASA in the order of AIPS: RR RL LR LL as RR LL RL LR. */
static bool is_swapped(const reader *u, const target *t)
{
    static const int32_t to[4] = {0, 2, 3, 1};

    if (u->npol != 4 || t->ncorr != 4 || t->nkept != 4)
        return false;
    for (int i = 0; i < 4; i++)
        if (to[t->from[i]] != t->to[i])
            return false;
    return true;
}

/** Whether the cells of the rows in hand, as they are read, are all that there is of the blts. */
static bool is_straight(const reader *u, const target *t)
{
    if (u->nrow != u->values.n || !(t->in_order || is_swapped(u, t)) || u->is_float ||
        t->begin != 0 || t->count != t->nchan || t->count != u->nfreq)
        return false;
    for (int64_t i = 0; i < u->nrow; i++)
        if (u->rows[i].blt != u->values.first + i)
            return false;
    return true;
}

static mms_status make_row_room(reader *u, int64_t cells, bool straight, mms_error *err)
{
    u->data = straight ? u->values.vis : room_for(&u->data_room, cells, u->is_float ? 4 : 8);
    u->weight = straight ? u->values.nsamples : room_for(&u->weight_room, cells, sizeof *u->weight);
    u->flag = straight ? u->values.flags : room_for(&u->flag_room, cells, 1);
    u->flag_row = room_for(&u->flag_row_room, u->nrow, 1);
    return u->data && u->weight && u->flag && u->flag_row ? MMS_OK : no_memory(err);
}

/** Bring a b c d into the order a d b c, n times, and turn the sign of what is set in turn. */
static void swap_visibilities(int64_t n, uint64_t turn, void *values)
{
    uint64_t v[4];

    for (int64_t i = 0; i < n; i++) {
        char *const at = (char *)values + 32 * i;
        memcpy(v, at, sizeof v);
        const uint64_t swapped[4] = {v[0] ^ turn, v[3] ^ turn, v[1] ^ turn, v[2] ^ turn};
        memcpy(at, swapped, sizeof swapped);
    }
}

static void swap_samples(int64_t n, float *values)
{
    for (int64_t i = 0; i < 4 * n; i += 4) {
        const float swapped[4] = {values[i], values[i + 3], values[i + 1], values[i + 2]};
        memcpy(values + i, swapped, sizeof swapped);
    }
}

static void swap_flags(int64_t n, uint8_t *values)
{
    for (int64_t i = 0; i < 4 * n; i += 4) {
        const uint8_t swapped[4] = {values[i], values[i + 3], values[i + 1], values[i + 2]};
        memcpy(values + i, swapped, sizeof swapped);
    }
}

/** The values are where they go to. */
static void finish_rows(reader *u, const target *t, int64_t cell)
{
    const int64_t n = u->nrow * cell;

    if (!t->in_order) {
        assert(t->ncorr == 4); // is_swapped()
        swap_visibilities(n / 4, u->negate ? UINT64_C(1) << 63 : 0, u->values.vis);
        swap_samples(n / 4, u->values.nsamples);
        if (memchr(u->values.flags, 1, (size_t)n))
            swap_flags(n / 4, u->values.flags);
    } else if (u->negate) {
        conjugate(n, u->values.vis, u->values.vis);
    }
    for (int64_t i = 0; i < u->nrow; i++)
        if (u->flag_row[i])
            memset(u->values.flags + i * cell, 1, (size_t)cell);
}

/** Read u->rows, nrow of one data description, and put them into the blts. */
static mms_status take_rows(reader *u, const target *t, mms_error *err)
{
    const int64_t cell = t->nchan * t->ncorr, cells = u->nrow * cell;
    const bool straight = is_straight(u, t);
    mms_status st;

    MMS_TRY(find_ranges(u, err));
    MMS_TRY(check_shapes(u, u->column, t, err));
    MMS_TRY(check_shapes(u, MMS_COL_FLAG, t, err));
    MMS_TRY(make_row_room(u, cells, straight, err));
    MMS_TRY(mms_ms_read(u->ms, u->column, u->nrange, u->ranges, cells, u->data, err));
    MMS_TRY(mms_ms_read(u->ms, MMS_COL_FLAG, u->nrange, u->ranges, cells, u->flag, err));
    MMS_TRY(mms_ms_read(u->ms, MMS_COL_FLAG_ROW, u->nrange, u->ranges, u->nrow, u->flag_row, err));
    MMS_TRY(read_weights(u, t, u->weight, err));
    if (straight)
        finish_rows(u, t, cell);
    for (int64_t i = 0; !straight && i < u->nrow; i++)
        place_row(u, t, i);
done:
    return st;
}

static int by_ddid(const void *first, const void *second)
{
    const mms_uvh5_place *const a = first, *const b = second;

    if (a->ddid != b->ddid)
        return a->ddid < b->ddid ? -1 : 1;
    return a->row < b->row ? -1 : a->row > b->row;
}

/** Whether every cell of the blts in hand gets a value. */
static bool is_full(const reader *u, int64_t nplace, const mms_uvh5_place *places)
{
    if (nplace != u->values.n)
        return false;
    for (int64_t i = 0; i < nplace; i++)
        if (places[i].blt != u->values.first + i || places[i].ddid != places[0].ddid)
            return false;
    const int64_t ddid = places[0].ddid;
    const target *const t = ddid >= 0 && ddid < u->ntarget ? &u->targets[ddid] : NULL;
    return t && t->count == u->nfreq && t->nkept == u->npol;
}

static mms_status make_room(reader *u, mms_error *err)
{
    const int64_t n = u->values.n * u->nfreq * u->npol;

    u->values.vis = room_for(&u->vis_room, n, sizeof *u->values.vis);
    u->values.nsamples = room_for(&u->nsamples_room, n, sizeof *u->values.nsamples);
    u->values.flags = room_for(&u->flags_room, n, 1);
    return u->values.vis && u->values.nsamples && u->values.flags ? MMS_OK : no_memory(err);
}

/** Cells that the MS does not have. */
static void clear(reader *u)
{
    const size_t n = (size_t)(u->values.n * u->nfreq * u->npol);

    memset(u->values.vis, 0, n * sizeof *u->values.vis);
    memset(u->values.nsamples, 0, n * sizeof *u->values.nsamples);
    memset(u->values.flags, 1, n);
}

mms_status mms_uvh5_reader_take(mms_uvh5_reader *u, int64_t first, int64_t n, int64_t nplace,
                                mms_uvh5_place *places, const mms_uvh5_values **out, mms_error *err)
{
    mms_status st;

    u->values.first = first;
    u->values.n = n;
    *out = &u->values;
    MMS_TRY(make_room(u, err));
    if (!is_full(u, nplace, places))
        clear(u);
    qsort(places, (size_t)nplace, sizeof *places, by_ddid);
    for (int64_t at = 0; at < nplace; at += u->nrow) {
        const int64_t ddid = places[at].ddid;
        u->rows = places + at;
        for (u->nrow = 0; at + u->nrow < nplace && places[at + u->nrow].ddid == ddid;)
            u->nrow++;
        if (ddid < 0 || ddid >= u->ntarget)
            MMS_TRY(mms_fail(err, MMS_ERR_INTERNAL, "no data description %" PRId64, ddid));
        MMS_TRY(take_rows(u, &u->targets[ddid], err));
    }
done:
    return st;
}
