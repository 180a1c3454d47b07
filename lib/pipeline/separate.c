/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file separate.c  The step that cuts a window into several: each row becomes one row a window
 *  (transform-numerics 6.8). */
#include "separate_priv.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena_priv.h"
#include "base/base_priv.h"
#include "ms/columns.h"
#include "transform/spectra_priv.h"

typedef struct separate {
    mms_step step;
    int64_t nspw;
    mms_separation separation;
} separate;

static mms_status out_of_memory(mms_error *err)
{
    return mms_fail(err, MMS_ERR_MEM, "nspw: out of memory");
}

/* ---- the step ---------------------------------------------------------------------------------*/

mms_status mms_separate_step(int64_t nspw, mms_step **out, mms_error *err)
{
    separate *s = mms_alloc(1, sizeof *s);

    *out = NULL;
    if (!s)
        return out_of_memory(err);
    *s = (separate){.step.kind = &mms_step_separate, .nspw = nspw};
    *out = &s->step;
    return MMS_OK;
}

const mms_separation *mms_separate_step_separation(const mms_step *step)
{
    return &((const separate *)step)->separation;
}

static void end(mms_step *step)
{
    free(step);
}

/** The channels of window k as its SPECTRAL_WINDOW row has them; CASA's bandwidth takes the first
 *  width of all, with its sign. */
static mms_status set_window(const separate *s, const mms_form *form, int64_t k, mms_window *out,
                             mms_error *err)
{
    const mms_window *in = &form->windows[0];
    const int64_t first = mms_separation_first(&s->separation, k);
    mms_spectral_axis axis = {.nchan = mms_separation_count(&s->separation, k),
                              .freq_hz = in->axis.freq_hz + first,
                              .width_hz = in->axis.width_hz + first,
                              .resolution_hz = in->axis.width_hz + first,
                              .effective_bw_hz = in->axis.width_hz + first};

    axis.ref_freq_hz = axis.freq_hz[0];
    axis.total_bandwidth_hz = form->numerics == MMS_NUMERICS_EXACT
                                  ? fabs(axis.width_hz[0]) * (double)axis.nchan
                                  : in->axis.width_hz[0] * (double)axis.nchan;
    out->spw = in->spw;
    out->direction = in->direction;
    out->frame = in->frame;
    out->changed = true;
    return mms_window_set_axis(out, &axis, err);
}

static mms_status prepare(mms_step *step, const mms_form *in, mms_form *out, mms_notes *notes,
                          mms_error *err)
{
    separate *s = (separate *)step;
    mms_form made = {0};
    mms_status st;

    (void)notes;
    MMS_TRY(mms_separate(in->windows[0].axis.nchan, s->nspw, &s->separation, err));
    MMS_TRY(mms_form_create(s->nspw, in->nddid, &made, err));
    for (int64_t k = 0; k < s->nspw; k++)
        MMS_TRY(set_window(s, in, k, &made.windows[k], err));
    mms_form_take_windows(out, &made);
    out->new_windows = true;
done:
    mms_form_end(&made);
    return st;
}

static mms_status encode(const mms_step *step, mms_value **out, mms_error *err)
{
    *out = json_pack("{sI}", "nspw", (json_int_t)((const separate *)step)->nspw);
    return *out ? MMS_OK : out_of_memory(err);
}

static mms_status decode(const mms_value *value, mms_step **out, mms_error *err)
{
    return mms_separate_step(json_integer_value(json_object_get(value, "nspw")), out, err);
}

static char *describe(const mms_step *step)
{
    return mms_format("separation into %d spectral windows", (int)((const separate *)step)->nspw);
}

const mms_step_kind mms_step_separate = {.name = "separate",
                                         .prepare = prepare,
                                         .encode = encode,
                                         .decode = decode,
                                         .close = end,
                                         .describe = describe};

/* ---- blocks -----------------------------------------------------------------------------------*/

/** Windows of one length, of the rows of one group. */
typedef struct share {
    const mms_separation *separation;
    int64_t first, n, count; /**< windows first..first+n-1 of count channels */
    const mms_block *block;
    const mms_group *group;
    mms_arena *arena;
} share;

static bool has_axis(const mms_cells *c, int64_t nchan)
{
    return c->ndim == 2 && c->shape[0] == nchan && mms_column_has_channels(c->column->name);
}

/** Cells [nrow][nchan][…] cut into [nrow * n][count][…], or repeated where they have no channels.
 */
static mms_status share_cells(const share *s, const mms_cells *in, mms_cells *out, mms_error *err)
{
    const int64_t nchan =
        s->separation->per_window * (s->separation->nspw - 1) + s->separation->last;
    const bool cut = has_axis(in, nchan);
    const int64_t size = (int64_t)mms_dtype_size(in->column->dtype), whole = in->nvalue * size;
    const int64_t channel = cut ? whole / nchan : 0, bytes = cut ? channel * s->count : whole;
    uint8_t *to;

    *out = *in;
    if (in->ndim < 0 || !in->name)
        return MMS_OK;
    out->data = to = mms_arena_get(s->arena, s->group->nrow * s->n, (size_t)bytes);
    if (!to)
        return out_of_memory(err);
    if (cut) {
        out->shape[0] = s->count;
        out->nvalue = in->nvalue / nchan * s->count;
    }
    for (int64_t r = 0; r < s->group->nrow; r++)
        for (int64_t k = s->first; k < s->first + s->n; k++, to += bytes)
            memcpy(to,
                   (const uint8_t *)in->data + r * whole +
                       (cut ? mms_separation_first(s->separation, k) * channel : 0),
                   (size_t)bytes);
    return MMS_OK;
}

/** WEIGHT or SIGMA of each window is the mean of its spectrum. */
static void average_spectrum(mms_group *g, int64_t narray, const char *spectrum, const char *mean)
{
    const mms_cells *x = mms_cells_find(g->arrays, narray, spectrum);
    const mms_cells *flag = mms_cells_find(g->arrays, narray, MMS_COL_FLAG);
    mms_cells *out = mms_cells_find(g->arrays, narray, mean);

    if (!x || x->ndim != 2 || !flag || !out || out->ndim != 1)
        return;
    for (int64_t r = 0; r < g->nrow; r++)
        mms_mean_spectrum(x->shape[0], x->shape[1], (const float *)x->data + r * x->nvalue,
                          (const uint8_t *)flag->data + r * flag->nvalue,
                          (float *)out->data + r * out->nvalue);
}

static mms_status share_group(const share *s, mms_group *out, mms_error *err)
{
    const int64_t nspw = s->separation->nspw, narray = s->block->narray;
    const mms_group *g = s->group;
    mms_status st = MMS_OK;

    *out = (mms_group){.ddid = g->ddid, .nrow = g->nrow * s->n};
    out->rows = mms_arena_get(s->arena, g->nrow, sizeof *out->rows);
    out->arrays = mms_arena_zeros(s->arena, narray + MMS_SPARE_ARRAYS, sizeof *out->arrays);
    if (!out->rows || !out->arrays)
        return out_of_memory(err);
    for (int64_t i = 0; i < g->nrange; i++)
        for (int64_t k = 0; k < g->rows[i].count; k++) {
            const mms_rows run = {(g->rows[i].first + k) * nspw + s->first, s->n};
            mms_rows *last = out->nrange ? &out->rows[out->nrange - 1] : NULL;
            if (last && last->first + last->count == run.first)
                last->count += run.count;
            else
                out->rows[out->nrange++] = run;
        }
    for (int64_t i = 0; st == MMS_OK && i < narray; i++)
        st = share_cells(s, &g->arrays[i], &out->arrays[i], err);
    if (st == MMS_OK) {
        average_spectrum(out, narray, MMS_COL_WEIGHT_SPECTRUM, MMS_COL_WEIGHT);
        average_spectrum(out, narray, MMS_COL_SIGMA_SPECTRUM, MMS_COL_SIGMA);
    }
    return st;
}

/** Scalars are repeated; windows are numbered on from the DATA_DESC_ID that the row has. */
static mms_status repeat_scalars(const mms_block *in, int64_t nspw, mms_arena *arena,
                                 mms_block *out, mms_error *err)
{
    out->scalars = mms_arena_get(arena, in->nscalar, sizeof *out->scalars);
    if (!out->scalars)
        return out_of_memory(err);
    for (int64_t i = 0; i < in->nscalar; i++) {
        const mms_cells *c = &in->scalars[i];
        const size_t size = mms_dtype_size(c->column->dtype);
        uint8_t *to = mms_arena_get(arena, in->rows.count * nspw, size);
        if (!to)
            return out_of_memory(err);
        out->scalars[i] = *c;
        out->scalars[i].data = to;
        for (int64_t r = 0; r < in->rows.count * nspw; r++)
            memcpy(to + (size_t)r * size, (const uint8_t *)c->data + (size_t)(r / nspw) * size,
                   size);
        for (int64_t r = 0;
             !strcmp(c->column->name, MMS_COL_DATA_DESC_ID) && r < in->rows.count * nspw; r++)
            ((int32_t *)(void *)to)[r] += (int32_t)(r % nspw);
    }
    return MMS_OK;
}

mms_status mms_block_separate(const mms_separation *separation, mms_arena *arena, mms_block **block,
                              mms_error *err)
{
    const mms_block *in = *block;
    const bool short_one = separation->last != separation->per_window;
    const int64_t nspw = separation->nspw;
    mms_block *out = mms_arena_zeros(arena, 1, sizeof *out);
    mms_status st;

    MMS_TRY(out ? MMS_OK : out_of_memory(err));
    *out = (mms_block){.rows = {in->rows.first * nspw, in->rows.count * nspw},
                       .nscalar = in->nscalar,
                       .narray = in->narray};
    out->groups = mms_arena_get(arena, 2 * in->ngroup, sizeof *out->groups);
    MMS_TRY(out->groups ? MMS_OK : out_of_memory(err));
    MMS_TRY(repeat_scalars(in, nspw, arena, out, err));
    for (int64_t g = 0; g < in->ngroup; g++) {
        share s = {separation,     0,    nspw - short_one, separation->per_window, in,
                   &in->groups[g], arena};
        if (s.n > 0)
            MMS_TRY(share_group(&s, &out->groups[out->ngroup++], err));
        s.first = nspw - 1;
        s.n = 1;
        s.count = separation->last;
        if (short_one)
            MMS_TRY(share_group(&s, &out->groups[out->ngroup++], err));
    }
    *block = out;
done:
    return st;
}
