/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file chunk.c  Flag commands on the rows of one window: reads what they need, calls lib/flag. */
#include <math.h>
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

/* ---- reading ----------------------------------------------------------------------------------*/

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

/* ---- row by row -------------------------------------------------------------------------------*/

/** Set the selected cells of a row; FLAG_ROW where the command says so. */
static void set_row(const mms_flag_command *c, const mms_flag_cut *cut, mms_flag_chunk *k,
                    int64_t row, uint8_t value)
{
    uint8_t *flag = k->flag + row * k->cell;

    if (c->cuts_rows)
        k->flag_row[row] = value;
    if (cut->nchan == k->nchan && cut->ncorr == k->ncorr) {
        memset(flag, value, (size_t)k->cell);
        return;
    }
    for (int32_t i = 0; i < k->nchan; i++)
        for (int32_t p = 0; cut->channel[i] && p < k->ncorr; p++)
            if (cut->corr[p])
                flag[(int64_t)i * k->ncorr + p] = value;
}

static bool is_correlator_auto(const mms_flag_work *w, int64_t row)
{
    const mms_flag_rows *r = &w->rows;
    const int32_t p = r->processor[row];

    if (r->antenna1[row] != r->antenna2[row])
        return false;
    if (json_array_size(w->set.processors) == 0)
        return true;
    const char *type =
        p < 0 ? NULL : json_string_value(json_array_get(w->set.processors, (size_t)p));
    return type && !strcmp(type, "CORRELATOR");
}

static mms_status do_manual(mms_flag_work *w, mms_flag_command *c, const mms_flag_cut *cut,
                            mms_flag_chunk *k, mms_error *err)
{
    (void)err;
    for (int64_t i = 0; i < k->nrow; i++)
        if (mms_flag_bit(c->mask, k->rows[i]) &&
            (!c->autocorr || is_correlator_auto(w, k->rows[i])))
            set_row(c, cut, k, i, c->mode != MMS_FLAG_UNFLAG);
    return MMS_OK;
}

static const mms_flag_bounds *find_scan(const mms_flag_command *c, int32_t scan)
{
    for (int64_t i = 0; i < c->nscan; i++)
        if (c->scans[i].scan == scan)
            return &c->scans[i];
    return NULL;
}

static mms_status do_quack(mms_flag_work *w, mms_flag_command *c, const mms_flag_cut *cut,
                           mms_flag_chunk *k, mms_error *err)
{
    (void)err;
    for (int64_t i = 0; i < k->nrow; i++) {
        const int64_t row = k->rows[i];
        const mms_flag_bounds *b = find_scan(c, w->rows.scan[row]);
        if (b && mms_flag_bit(c->mask, row) &&
            mms_flag_quacks(c->quack, w->rows.time_s[row], b->first_s, b->last_s, c->interval_s))
            set_row(c, cut, k, i, 1);
    }
    return MMS_OK;
}

/* ---- values -----------------------------------------------------------------------------------*/

static void flag_product(const mms_flag_product *p, uint8_t *cell)
{
    cell[p->first] = 1;
    if (p->second >= 0)
        cell[p->second] = 1;
}

/** Whether all correlations are looked at as they are stored. */
static bool is_all_stored(int32_t n, const mms_flag_product *products, int32_t ncorr)
{
    bool all = n == ncorr;

    for (int32_t i = 0; i < n && all; i++)
        all = products[i].first == i && products[i].second < 0;
    return all;
}

static void clip_row(const mms_flag_command *c, const mms_flag_cut *cut, mms_flag_chunk *k,
                     int64_t row, int32_t n, const mms_flag_product *products)
{
    for (int32_t chan = 0; chan < k->nchan; chan++) {
        const int64_t at = row * k->cell + (int64_t)chan * k->ncorr;
        for (int32_t p = 0; cut->channel[chan] && p < n; p++) {
            const mms_complex v = mms_flag_product_value(&products[p], k->vis + at);
            if (mms_flag_clips(&c->clip, mms_flag_number(c->expression.operation, v)))
                flag_product(&products[p], k->flag + at);
        }
    }
}

static mms_status do_clip(mms_flag_work *w, mms_flag_command *c, const mms_flag_cut *cut,
                          mms_flag_chunk *k, mms_error *err)
{
    mms_flag_product products[8 + MMS_FLAG_PRODUCTS];
    const mms_flag_window *window = &w->set.windows[k->ddid];
    const int32_t n =
        mms_flag_expression_products(&c->expression, window->ncorr, window->names, products);
    const bool whole = c->expression.operation == MMS_FLAG_ABS && cut->nchan == k->nchan &&
                       is_all_stored(n, products, k->ncorr);
    const mms_flag_squares squares = mms_flag_clip_squares(&c->clip);
    mms_status st;

    if (n == 0)
        return MMS_OK;
    MMS_TRY(mms_flag_chunk_values(w, k, c->column, err));
    for (int64_t i = 0; i < k->nrow; i++) {
        const int64_t at = i * k->cell;
        if (!mms_flag_bit(c->mask, k->rows[i]))
            continue;
        if (whole)
            mms_flag_clip_cells(&squares, k->cell, k->vis + at, k->flag + at);
        else
            clip_row(c, cut, k, i, n, products);
    }
done:
    return st;
}

/** antint, shadow, elevation: rows are found first, then flagged where they are selected. */
static mms_status do_found(mms_flag_work *w, mms_flag_command *c, const mms_flag_cut *cut,
                           mms_flag_chunk *k, mms_error *err)
{
    uint8_t *found = mms_alloc(k->nrow, 1);
    mms_status st = found ? MMS_OK : no_memory(err);

    if (st == MMS_OK && c->mode == MMS_FLAG_ANTINT)
        st = mms_flag_chunk_antint(w, c, k, found, err);
    else if (st == MMS_OK && c->mode == MMS_FLAG_SHADOW)
        st = mms_flag_chunk_shadow(w, c, k, found, err);
    else if (st == MMS_OK)
        st = mms_flag_chunk_elevation(w, c, k, found, err);
    for (int64_t i = 0; st == MMS_OK && i < k->nrow; i++)
        if (found[i] && mms_flag_bit(c->mask, k->rows[i]))
            set_row(c, cut, k, i, 1);
    free(found);
    return st;
}

mms_status mms_flag_chunk_do(mms_flag_work *w, mms_flag_command *c, const mms_flag_cut *cut,
                             mms_flag_chunk *k, mms_error *err)
{
    switch (c->mode) {
    case MMS_FLAG_MANUAL:
    case MMS_FLAG_UNFLAG:
        return do_manual(w, c, cut, k, err);
    case MMS_FLAG_QUACK:
        return do_quack(w, c, cut, k, err);
    case MMS_FLAG_CLIP:
        return do_clip(w, c, cut, k, err);
    case MMS_FLAG_TFCROP:
    case MMS_FLAG_RFLAG:
        return mms_flag_chunk_values_command(w, c, cut, k, err);
    case MMS_FLAG_EXTEND:
        return mms_flag_chunk_extend(w, c, cut, k, err);
    default:
        return do_found(w, c, cut, k, err);
    }
}

mms_status mms_flag_chunk_apply(mms_flag_work *w, mms_flag_command *c, mms_flag_chunk *k,
                                mms_error *err)
{
    mms_flag_cut *cut;
    mms_status st = mms_flag_command_cut(&w->set, c, k->ddid, &cut, err);

    if (st != MMS_OK || cut->nchan == 0 || cut->ncorr == 0)
        return st;
    return mms_flag_chunk_do(w, c, cut, k, err);
}
