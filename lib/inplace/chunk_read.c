/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file chunk_read.c  What flag commands need of the rows of one window. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/base_priv.h"
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

/** The rows of a chunk as runs in stored order, and where each goes. */
static mms_status sort_places(const mms_flag_work *w, const mms_flag_chunk *k, place **places,
                              mms_rows **runs, int64_t *nrun, mms_error *err)
{
    place *p = *places = mms_alloc(k->nrow, sizeof *p);
    bool ascending = true;
    mms_rows *r = *runs = mms_alloc(k->nrow, sizeof *r);

    *nrun = 0;
    if (!p || !r)
        return no_memory(err);
    for (int64_t i = 0; i < k->nrow; i++) {
        p[i] = (place){mms_flag_row_of_set(&w->rows, k->rows[i]), i};
        ascending = ascending && (i == 0 || p[i].row > p[i - 1].row);
    }
    if (!ascending)
        qsort(p, (size_t)k->nrow, sizeof *p, by_row);
    for (int64_t i = 0; i < k->nrow; i++) {
        assert(p[i].row > (i ? p[i - 1].row : -1)); // a row of the unit, once
        if (*nrun > 0 && r[*nrun - 1].first + r[*nrun - 1].count == p[i].row)
            r[*nrun - 1].count++;
        else
            r[(*nrun)++] = (mms_rows){p[i].row, 1};
    }
    return MMS_OK;
}

mms_status mms_flag_chunk_read(mms_flag_work *w, const mms_flag_chunk *chunk, const char *column,
                               int64_t nvalue, size_t bytes, void *data, mms_error *err)
{
    place *places = NULL;
    mms_rows *runs = NULL;
    uint8_t *stored = NULL;
    bool in_order = true;
    int64_t nrun;
    mms_status st;

    MMS_TRY(sort_places(w, chunk, &places, &runs, &nrun, err));
    for (int64_t i = 0; i < chunk->nrow; i++)
        in_order = in_order && places[i].index == i;
    stored = in_order ? data : mms_alloc(chunk->nrow, bytes);
    MMS_TRY(stored ? MMS_OK : no_memory(err));
    MMS_TRY(mms_ms_read(w->set.ms, column, nrun, runs, nvalue, stored, err));
    for (int64_t i = 0; !in_order && i < chunk->nrow; i++)
        memcpy((uint8_t *)data + (size_t)places[i].index * bytes, stored + (size_t)i * bytes,
               bytes);
done:
    if (!in_order)
        free(stored);
    free(places);
    free(runs);
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
