/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file phaseshift.c  The step that moves the phase centre of fields (transform-numerics 7.3). */
#include "transform/phaseshift.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena_priv.h"
#include "base/base_priv.h"
#include "ms/columns.h"
#include "pipeline_priv.h"
#include "row_block_priv.h"

typedef struct phaseshift {
    mms_step step;
    int64_t n;
    mms_field_shift *shifts;
    const mms_form *in; /**< borrowed from the pipeline */
} phaseshift;

static mms_status out_of_memory(mms_error *err)
{
    return mms_fail(err, MMS_ERR_MEM, "phaseshift: out of memory");
}

mms_status mms_phaseshift_step(int64_t n, const mms_field_shift *shifts, mms_step **out,
                               mms_error *err)
{
    phaseshift *p = mms_alloc(1, sizeof *p);

    *out = NULL;
    if (p)
        *p = (phaseshift){
            .step.kind = &mms_step_phaseshift, .n = n, .shifts = mms_alloc(n, sizeof *p->shifts)};
    if (!p || !p->shifts) {
        free(p);
        return out_of_memory(err);
    }
    for (int64_t i = 0; i < n; i++)
        p->shifts[i] = shifts[i];
    *out = &p->step;
    return MMS_OK;
}

static void end(mms_step *step)
{
    free(((phaseshift *)step)->shifts);
    free(step);
}

static mms_status prepare(mms_step *step, const mms_form *in, mms_form *out, mms_notes *notes,
                          mms_error *err)
{
    (void)out;
    (void)notes;
    (void)err;
    ((phaseshift *)step)->in = in;
    return MMS_OK;
}

static mms_status encode(const mms_step *step, mms_value **out, mms_error *err)
{
    const phaseshift *p = (const phaseshift *)step;
    mms_value *shifts = json_array();

    for (int64_t i = 0; i < p->n; i++) {
        mms_value *m = json_array();
        for (int k = 0; k < 9; k++)
            json_array_append_new(m, json_real(p->shifts[i].rotation.m[k]));
        json_array_append_new(shifts,
                              json_pack("{si so}", "field", (int)p->shifts[i].field, "m", m));
    }
    *out = json_pack("{so}", "shifts", shifts);
    return *out ? MMS_OK : out_of_memory(err);
}

static mms_status decode(const mms_value *value, mms_step **out, mms_error *err)
{
    const mms_value *list = json_object_get(value, "shifts");
    const int64_t n = (int64_t)json_array_size(list);
    mms_field_shift *shifts = mms_alloc(n, sizeof *shifts);
    mms_status st = shifts ? MMS_OK : out_of_memory(err);

    *out = NULL;
    for (int64_t i = 0; st == MMS_OK && i < n; i++) {
        const mms_value *shift = json_array_get(list, (size_t)i), *m = json_object_get(shift, "m");
        if (json_array_size(m) != 9)
            st = mms_fail(err, MMS_ERR_INTERNAL, "step phaseshift: no rotation");
        shifts[i].field = (int32_t)json_integer_value(json_object_get(shift, "field"));
        for (size_t k = 0; k < 9; k++)
            shifts[i].rotation.m[k] = json_number_value(json_array_get(m, k));
    }
    if (st == MMS_OK)
        st = mms_phaseshift_step(n, shifts, out, err);
    free(shifts);
    return st;
}

static char *describe(const mms_step *step)
{
    const phaseshift *p = (const phaseshift *)step;

    return mms_format("phase centre of %" PRId64 " field%s", p->n, p->n == 1 ? "" : "s");
}

/* ---- rows -------------------------------------------------------------------------------------*/

typedef struct work {
    const phaseshift *p;
    const mms_spectral_axis *axis;
    mms_spectra in;
    double *uvw; /**< [row of the group][3] */
    mms_complex *factor;
} work;

static const mms_rotation *find_rotation(const phaseshift *p, int32_t field)
{
    for (int64_t i = 0; i < p->n; i++)
        if (p->shifts[i].field == field)
            return &p->shifts[i].rotation;
    return NULL;
}

static void shift_row(const work *w, const mms_rotation *rotation, int64_t r)
{
    const int64_t n = w->in.nchan * w->in.ncorr;
    const double dw_m = mms_rotate(rotation, w->uvw + 3 * r);

    mms_phase_factors(w->in.nchan, w->axis->freq_hz, dw_m, w->factor);
    for (int c = 0; c < w->in.ncolumn; c++)
        if (!w->in.column[c].real)
            mms_shift_phases(w->in.nchan, w->in.ncorr, w->factor,
                             (mms_complex *)w->in.column[c].data + r * n);
}

static mms_status open_group(work *w, const mms_block *block, const mms_group *group,
                             mms_arena *arena, mms_error *err)
{
    const mms_cells *uvw = mms_group_defined(block, group, MMS_COL_UVW);
    mms_status st;

    MMS_TRY(mms_group_spectra(block, group, w->p->in->kinds, false, &w->in, err));
    if (!uvw || uvw->nvalue != 3)
        MMS_TRY(mms_fail(err, MMS_ERR_TABLE, "phaseshift needs UVW"));
    if (w->axis->nchan != w->in.nchan)
        MMS_TRY(mms_fail(err, MMS_ERR_SHAPE,
                         "DATA_DESC_ID %" PRId32 ": a row has %" PRId64
                         " channels, its window has %" PRId64,
                         group->ddid, w->in.nchan, w->axis->nchan));
    w->uvw = uvw->data;
    w->factor = mms_arena_get(arena, w->in.nchan, sizeof *w->factor);
    MMS_TRY(w->factor ? MMS_OK : out_of_memory(err));
done:
    return st;
}

static mms_status shift_cells(const mms_step *step, int64_t window, mms_block *block,
                              mms_group *group, mms_arena *arena, mms_error *err)
{
    work w = {.p = (const phaseshift *)step};
    const mms_cells *field = mms_cells_find(block->scalars, block->nscalar, MMS_COL_FIELD_ID);
    int64_t row = 0;
    mms_status st;

    w.axis = &w.p->in->windows[window].axis;
    MMS_TRY(field ? MMS_OK
                  : mms_fail(err, MMS_ERR_NOT_FOUND, "phaseshift needs the column FIELD_ID"));
    MMS_TRY(open_group(&w, block, group, arena, err));
    for (int64_t i = 0; i < group->nrange; i++)
        for (int64_t k = 0; k < group->rows[i].count; k++, row++) {
            const int32_t id = ((const int32_t *)field->data)[group->rows[i].first + k];
            const mms_rotation *rotation = find_rotation(w.p, id);
            if (rotation)
                shift_row(&w, rotation, row);
        }
done:
    return st;
}

const mms_step_kind mms_step_phaseshift = {.name = "phaseshift",
                                           .prepare = prepare,
                                           .encode = encode,
                                           .decode = decode,
                                           .close = end,
                                           .describe = describe,
                                           .cells = shift_cells};
