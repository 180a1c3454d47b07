/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file chunk_read.c  What flag commands need of the rows of one window. */
#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/base_priv.h"
#include "base/lanes_priv.h"
#include "flag_priv.h"
#include "ms/columns.h"

static mms_status no_memory(mms_error *err)
{
    return mms_fail(err, MMS_ERR_MEM, "flagdata: out of memory");
}

int64_t mms_flag_row_of_set(const mms_flag_rows *r, int64_t row)
{
    for (int64_t i = 0; i < r->nrange; i++) {
        if (row < r->ranges[i].count)
            return r->ranges[i].first + row;
        row -= r->ranges[i].count;
    }
    return -1;
}

typedef struct place {
    int64_t row, index;
} place;

static int by_row(const void *a, const void *b)
{
    const int64_t x = ((const place *)a)->row, y = ((const place *)b)->row;
    return (x > y) - (x < y);
}

/** Rows that are read by several threads, each some of them. */
typedef struct reading {
    const mms_flag_work *w;
    const char *column;
    int64_t nrow, values; /**< values: of a row */
    size_t bytes;         /**< of a row */
    place *places;        /**< [nrow]: in stored order, and where each goes */
    bool in_order;
    uint8_t *stored, *data; /**< the same where they are in order */
    int64_t nshare;
    atomic_llong next; /**< the share that is to be taken */
} reading;

static mms_status sort_places(const mms_flag_chunk *k, reading *r, mms_error *err)
{
    place *p = r->places = mms_alloc(k->nrow, sizeof *p);

    if (!p)
        return no_memory(err);
    r->in_order = true;
    for (int64_t i = 0; i < k->nrow; i++) {
        p[i] = (place){mms_flag_row_of_set(&r->w->rows, k->rows[i]), i};
        r->in_order = r->in_order && (i == 0 || p[i].row > p[i - 1].row);
    }
    if (!r->in_order)
        qsort(p, (size_t)k->nrow, sizeof *p, by_row);
    return MMS_OK;
}

/** Runs of rows that follow each other. */
static int64_t join_rows(int64_t n, const place *places, mms_rows *runs)
{
    int64_t nrun = 0;

    for (int64_t i = 0; i < n; i++) {
        assert(places[i].row > (i ? places[i - 1].row : -1)); // a row of the unit, once
        if (nrun > 0 && runs[nrun - 1].first + runs[nrun - 1].count == places[i].row)
            runs[nrun - 1].count++;
        else
            runs[nrun++] = (mms_rows){places[i].row, 1};
    }
    return nrun;
}

/** Read a share of the rows in stored order. */
static mms_status read_share(const reading *r, int64_t share, mms_error *err)
{
    const int64_t first = r->nrow * share / r->nshare;
    const int64_t n = r->nrow * (share + 1) / r->nshare - first;
    const place *places = r->places + first;
    uint8_t *stored = r->stored + (size_t)first * r->bytes;
    mms_rows *runs = mms_alloc(n, sizeof *runs);
    mms_status st;

    MMS_TRY(runs ? MMS_OK : no_memory(err));
    MMS_TRY(mms_ms_read(r->w->set.ms, r->column, join_rows(n, places, runs), runs, n * r->values,
                        stored, err));
    for (int64_t i = 0; !r->in_order && i < n; i++)
        memcpy(r->data + (size_t)places[i].index * r->bytes, stored + (size_t)i * r->bytes,
               r->bytes);
done:
    free(runs);
    return st;
}

static mms_status read_shares(void *ctx, mms_lanes *lanes, int number, int64_t *piece,
                              mms_error *err)
{
    reading *const r = ctx;
    mms_status st = MMS_OK;

    (void)lanes;
    (void)number;
    while (st == MMS_OK && (*piece = atomic_fetch_add(&r->next, 1)) < r->nshare)
        st = read_share(r, *piece, err);
    return st;
}

mms_status mms_flag_chunk_read(mms_flag_work *w, const mms_flag_chunk *chunk, const char *column,
                               int64_t nvalue, size_t bytes, void *data, mms_error *err)
{
    enum { LEAST = 32 }; // rows for a thread
    const int64_t nrow = chunk->nrow, most = nrow / LEAST;
    reading r = {.w = w, .column = column, .nrow = nrow, .bytes = bytes, .data = data};
    mms_status st;

    assert(nrow > 0 && nvalue % nrow == 0);
    r.values = nvalue / nrow;
    MMS_TRY(sort_places(chunk, &r, err));
    r.stored = r.in_order ? r.data : mms_alloc(nrow, bytes);
    MMS_TRY(r.stored ? MMS_OK : no_memory(err));
    r.nshare = most < w->threads ? most : w->threads;
    if (r.nshare < 1)
        r.nshare = 1;
    st = mms_lanes_run((int)r.nshare, read_shares, &r, err);
done:
    if (!r.in_order)
        free(r.stored);
    free(r.places);
    return st;
}

/** Read complex or real cells as complex ones. */
static mms_status read_values(mms_flag_work *w, const mms_flag_chunk *k, const char *column,
                              mms_complex *to, mms_error *err)
{
    const mms_column *c = mms_ms_find_column(w->set.ms, column);
    const int64_t n = k->nrow * k->cell;
    float *real = NULL;
    mms_status st;

    if (c->dtype == MMS_DT_COMPLEX)
        return mms_flag_chunk_read(w, k, column, n, (size_t)k->cell * sizeof *to, to, err);
    if (c->dtype != MMS_DT_FLOAT)
        return mms_fail(err, MMS_ERR_UNSUPPORTED, "column %s holds %s, not complex or real floats",
                        column, mms_dtype_name(c->dtype));
    real = mms_alloc(n, sizeof *real);
    MMS_TRY(real ? MMS_OK : no_memory(err));
    MMS_TRY(mms_flag_chunk_read(w, k, column, n, (size_t)k->cell * sizeof *real, real, err));
    for (int64_t i = 0; i < n; i++)
        to[i] = real[i];
done:
    free(real);
    return st;
}

/** WEIGHT of a correlation for every channel. */
static mms_status read_weights(mms_flag_work *w, const mms_flag_chunk *k, mms_complex *to,
                               mms_error *err)
{
    float *weight = mms_alloc(k->nrow * k->ncorr, sizeof *weight);
    mms_status st = weight ? MMS_OK : no_memory(err);

    if (st == MMS_OK)
        st = mms_flag_chunk_read(w, k, MMS_COL_WEIGHT, k->nrow * k->ncorr,
                                 (size_t)k->ncorr * sizeof *weight, weight, err);
    for (int64_t i = 0; st == MMS_OK && i < k->nrow * k->cell; i++)
        to[i] = weight[i / k->cell * k->ncorr + i % k->ncorr];
    free(weight);
    return st;
}

/** Whether rows have cells of a column that may be there without any. */
static mms_status has_spectrum(mms_flag_work *w, const mms_flag_chunk *k, bool *has, mms_error *err)
{
    const mms_rows row = {mms_flag_row_of_set(&w->rows, k->rows[0]), 1};
    mms_shape_run *runs = NULL;
    int64_t nrun = 0;
    mms_status st = MMS_OK;

    *has = mms_ms_find_column(w->set.ms, MMS_COL_WEIGHT_SPECTRUM) != NULL;
    if (*has)
        st = mms_ms_shapes(w->set.ms, MMS_COL_WEIGHT_SPECTRUM, 1, &row, &runs, &nrun, err);
    *has = *has && st == MMS_OK && nrun > 0 && runs[0].ndim == 2;
    free(runs);
    return st;
}

static mms_status subtract(mms_flag_work *w, const mms_flag_chunk *k, const char *column,
                           mms_complex *from, mms_error *err)
{
    mms_complex *model = mms_alloc(k->nrow * k->cell, sizeof *model);
    mms_status st = model ? read_values(w, k, column, model, err) : no_memory(err);

    for (int64_t i = 0; st == MMS_OK && i < k->nrow * k->cell; i++)
        from[i] -= model[i];
    free(model);
    return st;
}

mms_status mms_flag_chunk_values(mms_flag_work *w, mms_flag_chunk *k, const char *column,
                                 mms_error *err)
{
    bool spectrum = false;
    mms_status st;

    if (k->column && !strcasecmp(k->column, column))
        return MMS_OK;
    MMS_TRY(mms_grow(&k->vis, &k->vis_room, k->nrow * k->cell, sizeof *k->vis, err));
    k->column = column;
    if (!strcasecmp(column, "RESIDUAL") || !strncasecmp(column, "CORRECTED", 9))
        st = read_values(w, k, MMS_COL_CORRECTED_DATA, k->vis, err);
    else if (!strcasecmp(column, MMS_COL_DATA) || !strcasecmp(column, "RESIDUAL_DATA"))
        st = read_values(w, k, MMS_COL_DATA, k->vis, err);
    else if (!strncasecmp(column, "MODEL", 5))
        st = read_values(w, k, MMS_COL_MODEL_DATA, k->vis, err);
    else if (!strcasecmp(column, MMS_COL_FLOAT_DATA))
        st = read_values(w, k, MMS_COL_FLOAT_DATA, k->vis, err);
    else {
        MMS_TRY(has_spectrum(w, k, &spectrum, err));
        st = spectrum ? read_values(w, k, MMS_COL_WEIGHT_SPECTRUM, k->vis, err)
                      : read_weights(w, k, k->vis, err);
    }
    if (st == MMS_OK && !strncasecmp(column, "RESIDUAL", 8))
        st = subtract(w, k, MMS_COL_MODEL_DATA, k->vis, err);
done:
    return st;
}
