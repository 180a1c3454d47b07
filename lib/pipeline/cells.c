/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file cells.c  Cells of a group of rows as spectra, and back. */
#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena_priv.h"
#include "base/base_priv.h"
#include "ms/columns.h"
#include "pipeline_priv.h"

const mms_kind_column mms_kind_columns[MMS_MAX_KINDS] = {
    {MMS_COL_DATA, MMS_KIND_DATA},
    {MMS_COL_CORRECTED_DATA, MMS_KIND_CORRECTED},
    {MMS_COL_MODEL_DATA, MMS_KIND_MODEL},
    {MMS_COL_FLOAT_DATA, MMS_KIND_FLOAT}};

static const mms_column spectrum_columns[MMS_SPARE_ARRAYS] = {
    {.name = MMS_COL_WEIGHT_SPECTRUM, .dtype = MMS_DT_FLOAT, .ndim = 2, .manager = "", .group = ""},
    {.name = MMS_COL_SIGMA_SPECTRUM, .dtype = MMS_DT_FLOAT, .ndim = 2, .manager = "", .group = ""}};

/** The cells of a column, or NULL where they are undefined or hold no values, such as [0][0]. */
static mms_cells *find_defined(const mms_block *block, const mms_group *group, const char *column)
{
    mms_cells *c = mms_cells_find(group->arrays, block->narray, column);
    return c && c->ndim >= 0 && c->nvalue > 0 ? c : NULL;
}

/** The data of a column's cells, which have n values each; a missing column is NULL unless needed.
 */
static mms_status data_of(const mms_block *block, const mms_group *group, const char *column,
                          int64_t n, bool needed, void *out, mms_error *err)
{
    const mms_cells *c = find_defined(block, group, column);

    memset(out, 0, sizeof(void *));
    if (!c)
        return needed ? mms_fail(err, MMS_ERR_TABLE,
                                 "DATA_DESC_ID %" PRId32 ": %s has no value in a "
                                 "row",
                                 group->ddid, column)
                      : MMS_OK;
    if (c->nvalue != n)
        return mms_fail(err, MMS_ERR_SHAPE,
                        "DATA_DESC_ID %" PRId32 ": %s has %" PRId64
                        " values where FLAG asks for %" PRId64,
                        group->ddid, column, c->nvalue, n);
    memcpy(out, &c->data, sizeof c->data);
    return MMS_OK;
}

mms_status mms_group_spectra(const mms_block *block, const mms_group *group, unsigned kinds,
                             bool weight_spectrum, mms_spectra *x, mms_error *err)
{
    const mms_cells *flag = find_defined(block, group, MMS_COL_FLAG);
    mms_status st;

    if (!flag || flag->ndim != 2)
        return mms_fail(err, MMS_ERR_TABLE, "DATA_DESC_ID %" PRId32 ": FLAG has no value in a row",
                        group->ddid);
    *x = (mms_spectra){.nrow = group->nrow, .nchan = flag->shape[0], .ncorr = flag->shape[1]};
    const int64_t n = x->nchan * x->ncorr;
    x->flag = flag->data;
    MMS_TRY(data_of(block, group, MMS_COL_WEIGHT, x->ncorr, true, &x->weight, err));
    MMS_TRY(data_of(block, group, MMS_COL_SIGMA, x->ncorr, true, &x->sigma, err));
    for (int i = 0; i < MMS_MAX_KINDS; i++) {
        const mms_kind_column *k = &mms_kind_columns[i];
        mms_spectra_column *c = &x->column[x->ncolumn];
        if (!(kinds & MMS_KIND_BIT(k->kind)))
            continue;
        *c = (mms_spectra_column){k->kind, k->kind == MMS_KIND_FLOAT, NULL};
        MMS_TRY(data_of(block, group, k->column, n, true, &c->data, err));
        x->ncolumn++;
    }
    if (weight_spectrum)
        MMS_TRY(data_of(block, group, MMS_COL_WEIGHT_SPECTRUM, n, false, &x->weight_spectrum, err));
    MMS_TRY(data_of(block, group, MMS_COL_SIGMA_SPECTRUM, n, false, &x->sigma_spectrum, err));
done:
    return st;
}

static void set_cells(mms_cells *c, int32_t ndim, int64_t nchan, int64_t ncorr, void *data)
{
    assert(c && (ndim == 1 || ndim == 2));
    c->ndim = ndim;
    c->shape[0] = ndim == 2 ? nchan : ncorr;
    c->shape[1] = ndim == 2 ? ncorr : 0;
    c->nvalue = ndim == 2 ? nchan * ncorr : ncorr;
    c->data = data;
}

void mms_group_clear(const mms_block *block, mms_group *group, const char *const *columns)
{
    for (; columns && *columns; columns++) {
        mms_cells *c = find_defined(block, group, *columns);
        if (c)
            c->ndim = -1;
    }
}

mms_status mms_group_clear_others(mms_block *block, mms_group *group, int64_t nchan_in,
                                  const mms_spectra *out, mms_arena *arena, mms_error *err)
{
    mms_cells *category = find_defined(block, group, MMS_COL_FLAG_CATEGORY);
    static const char *const weights[] = {MMS_COL_IMAGING_WEIGHT, MMS_COL_CORRECTED_WEIGHT_SPECTRUM,
                                          NULL};

    mms_group_clear(block, group, weights);
    if (!category || category->ndim != 3 || nchan_in == out->nchan)
        return MMS_OK;
    category->shape[1] = out->nchan; // [N][K][C], all F (transform-numerics 8)
    category->shape[2] = out->ncorr;
    category->nvalue = category->shape[0] * out->nchan * out->ncorr;
    category->data = mms_arena_zeros(arena, category->nvalue * group->nrow, 1);
    return category->data ? MMS_OK : mms_fail(err, MMS_ERR_MEM, "block: out of memory");
}

/** The spectra go to the column of the input, or to one that is added. */
static mms_cells *spectrum_cells(mms_block *block, mms_group *group, int which)
{
    mms_cells *c = mms_cells_find(group->arrays, block->narray, spectrum_columns[which].name);

    if (c)
        return c;
    for (int i = 0; i < MMS_SPARE_ARRAYS; i++) {
        c = &group->arrays[block->narray + i];
        if (!c->column || c->column == &spectrum_columns[which])
            break;
    }
    c->column = &spectrum_columns[which];
    c->name = c->column->name;
    return c;
}

static const char *column_of(mms_data_kind kind)
{
    int i = 0;
    while (mms_kind_columns[i].kind != kind)
        i++;
    assert(i < MMS_MAX_KINDS);
    return mms_kind_columns[i].column;
}

void mms_group_scatter(mms_block *block, mms_group *group, const mms_spectra *out, bool out_spectra)
{
    void *const spectra[MMS_SPARE_ARRAYS] = {out->weight_spectrum, out->sigma_spectrum};

    for (int i = 0; i < out->ncolumn; i++)
        set_cells(find_defined(block, group, column_of(out->column[i].kind)), 2, out->nchan,
                  out->ncorr, out->column[i].data);
    set_cells(find_defined(block, group, MMS_COL_FLAG), 2, out->nchan, out->ncorr, out->flag);
    set_cells(find_defined(block, group, MMS_COL_WEIGHT), 1, 0, out->ncorr, out->weight);
    set_cells(find_defined(block, group, MMS_COL_SIGMA), 1, 0, out->ncorr, out->sigma);
    for (int i = 0; i < MMS_SPARE_ARRAYS; i++) {
        mms_cells *left = mms_cells_find(group->arrays, block->narray, spectrum_columns[i].name);
        if (out_spectra)
            set_cells(spectrum_cells(block, group, i), 2, out->nchan, out->ncorr, spectra[i]);
        else if (left)
            left->name = NULL; // read, or made by the time average, but not asked for
    }
}
