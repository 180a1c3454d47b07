/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file chunk.c  Flag commands on the rows of one window: calls lib/flag. */
#include <assert.h>
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
                       mms_flag_all_stored(n, products, k->ncorr);
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
    assert(k->cell == (int64_t)k->nchan * k->ncorr && cut->known);
    if (w->sums_alone && c->mode != MMS_FLAG_RFLAG)
        return MMS_OK;
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

/** Whether a command itself says whether it has changed a flag. */
static bool tells(const mms_flag_command *c)
{
    return c->mode == MMS_FLAG_TFCROP || c->mode == MMS_FLAG_RFLAG || c->mode == MMS_FLAG_EXTEND;
}

mms_status mms_flag_chunk_apply(mms_flag_work *w, mms_flag_command *c, mms_flag_chunk *k,
                                mms_error *err)
{
    mms_flag_cut *cut;
    mms_status st = mms_flag_command_cut(&w->set, c, k->ddid, &cut, err);

    if (st != MMS_OK || cut->nchan == 0 || cut->ncorr == 0)
        return st;
    k->touched = k->touched || !tells(c);
    return mms_flag_chunk_do(w, c, cut, k, err);
}
