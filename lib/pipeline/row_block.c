/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file row_block.c  Rows that are made from several rows: columns, and the block they leave in.
 */
#include "row_block_priv.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/base_priv.h"
#include "ms/columns.h"

static const mms_column spectra[MMS_SPARE_ARRAYS] = {
    {.name = MMS_COL_WEIGHT_SPECTRUM, .dtype = MMS_DT_FLOAT, .ndim = 2, .manager = "", .group = ""},
    {.name = MMS_COL_SIGMA_SPECTRUM, .dtype = MMS_DT_FLOAT, .ndim = 2, .manager = "", .group = ""}};

static mms_status out_of_memory(mms_error *err)
{
    return mms_fail(err, MMS_ERR_MEM, "rows: out of memory");
}

/* ---- columns ----------------------------------------------------------------------------------*/

/** Columns whose cells are made. */
static bool is_made(unsigned kinds, const char *name)
{
    const mms_column_role role = mms_column_role_of(name);

    if (role == MMS_ROLE_FLAGS || role == MMS_ROLE_WEIGHTS || role == MMS_ROLE_GEOMETRY)
        return true;
    for (int i = 0; i < MMS_MAX_KINDS; i++)
        if (!strcmp(name, mms_kind_columns[i].column))
            return kinds & MMS_KIND_BIT(mms_kind_columns[i].kind);
    return false;
}

static int64_t fixed_bytes(const mms_column *c)
{
    int64_t n = (int64_t)mms_dtype_size(c->dtype);
    for (int32_t i = 0; i < c->ndim; i++)
        n *= c->shape[i];
    return n;
}

mms_status mms_row_columns_choose(mms_ms *ms, const char *const *columns, unsigned kinds,
                                  mms_is_cut_fn *is_cut, const void *ctx, mms_row_columns *out,
                                  mms_error *err)
{
    const int64_t most = mms_ms_ncolumn(ms);

    *out = (mms_row_columns){.kinds = kinds};
    out->scalars = mms_alloc(most, sizeof(void *));
    out->arrays = mms_alloc(most, sizeof(void *));
    out->kept = mms_alloc(most, sizeof(bool));
    if (!out->scalars || !out->arrays || !out->kept)
        return out_of_memory(err);
    for (const char *const *name = columns; *name; name++) {
        const mms_column *c = mms_ms_find_column(ms, *name);
        if (!c || c->dtype >= MMS_DT_STRING)
            continue;
        if (c->scalar) {
            out->scalars[out->nscalar++] = c;
            out->scalar_bytes += (int64_t)mms_dtype_size(c->dtype);
        } else {
            const bool kept = c->fixed && !is_made(kinds, c->name) && !is_cut(ctx, c->name);
            out->kept[out->narray] = kept;
            out->arrays[out->narray++] = c;
            out->fixed_bytes += kept ? fixed_bytes(c) : 0;
        }
    }
    return MMS_OK;
}

void mms_row_columns_end(mms_row_columns *columns)
{
    free(columns->scalars);
    free(columns->arrays);
    free(columns->kept);
    *columns = (mms_row_columns){0};
}

int64_t mms_row_columns_at(const mms_row_columns *columns, const char *scalar)
{
    int64_t at = 0;

    for (int64_t i = 0; i < columns->nscalar; i++) {
        if (!strcmp(columns->scalars[i]->name, scalar))
            return at;
        at += (int64_t)mms_dtype_size(columns->scalars[i]->dtype);
    }
    return -1;
}

void mms_row_columns_take(const mms_row_columns *columns, const mms_block *block,
                          const mms_group *g, int64_t row, int64_t index, uint8_t *scalars,
                          uint8_t *fixed)
{
    for (int64_t i = 0; i < columns->nscalar; i++) {
        const size_t size = mms_dtype_size(columns->scalars[i]->dtype);
        memcpy(scalars, (const uint8_t *)block->scalars[i].data + (size_t)row * size, size);
        scalars += size;
    }
    for (int64_t i = 0; i < columns->narray; i++) {
        if (!columns->kept[i])
            continue;
        const int64_t size = fixed_bytes(columns->arrays[i]);
        if (g->arrays[i].nvalue * (int64_t)mms_dtype_size(columns->arrays[i]->dtype) == size)
            memcpy(fixed, (const uint8_t *)g->arrays[i].data + index * size, (size_t)size);
        fixed += size;
    }
}

/* ---- rows that come ---------------------------------------------------------------------------*/

mms_cells *mms_group_defined(const mms_block *block, const mms_group *group, const char *column)
{
    mms_cells *c = mms_cells_find(group->arrays, block->narray, column);
    return c && c->ndim >= 0 && c->nvalue > 0 ? c : NULL;
}

mms_status mms_block_scalar(const mms_block *block, const char *name, const void *out,
                            mms_error *err)
{
    const mms_cells *c = mms_cells_find(block->scalars, block->nscalar, name);

    if (!c)
        return mms_fail(err, MMS_ERR_NOT_FOUND, "rows that are made of several need the column %s",
                        name);
    if (c->column->dtype != mms_column_info_find(name)->dtype)
        return mms_fail(err, MMS_ERR_UNSUPPORTED, "column %s is of type %s: no rows are made of it",
                        name, mms_dtype_name(c->column->dtype));
    memcpy((void *)out, &c->data, sizeof c->data);
    return MMS_OK;
}

mms_status mms_row_places_find(const mms_block *block, mms_arena *arena, mms_row_places *out,
                               mms_error *err)
{
    out->group = mms_arena_get(arena, block->rows.count, sizeof *out->group);
    out->index = mms_arena_get(arena, block->rows.count, sizeof *out->index);
    if (!out->group || !out->index)
        return out_of_memory(err);
    for (int64_t g = 0; g < block->ngroup; g++) {
        const mms_group *group = &block->groups[g];
        int64_t index = 0;
        for (int64_t i = 0; i < group->nrange; i++)
            for (int64_t k = 0; k < group->rows[i].count; k++) {
                out->group[group->rows[i].first + k] = (int32_t)g;
                out->index[group->rows[i].first + k] = index++;
            }
    }
    return MMS_OK;
}

/* ---- the block that is made -------------------------------------------------------------------*/

/** A block under construction. */
typedef struct making {
    const mms_row_columns *columns;
    int64_t n;
    const mms_made_row *rows;
    const mms_spectra *shapes;
    mms_arena *arena;
    mms_block *block;
} making;

mms_status mms_row_block_scalars(const mms_row_columns *columns, int64_t n,
                                 const mms_made_row *rows, mms_arena *arena, mms_block *block,
                                 mms_error *err)
{
    size_t offset = 0;

    block->nscalar = columns->nscalar;
    block->scalars = mms_arena_get(arena, columns->nscalar, sizeof *block->scalars);
    if (!block->scalars)
        return out_of_memory(err);
    for (int64_t i = 0; i < columns->nscalar; i++) {
        const mms_column *column = columns->scalars[i];
        const size_t size = mms_dtype_size(column->dtype);
        mms_cells *c = &block->scalars[i];
        *c = (mms_cells){.column = column, .name = column->name, .nvalue = 1};
        c->data = mms_arena_get(arena, n, size);
        if (!c->data)
            return out_of_memory(err);
        for (int64_t k = 0; k < n; k++)
            memcpy((uint8_t *)c->data + (size_t)k * size, rows[k].scalars + offset, size);
        offset += size;
    }
    return MMS_OK;
}

/** The cells of one column in a group, without values; undefined where they are neither made nor
 *  kept. */
static mms_status make_cells(const making *m, const mms_group *g, const mms_column *column,
                             bool kept, mms_cells *c, mms_error *err)
{
    const mms_spectra *shape = &m->shapes[g->ddid];

    *c = (mms_cells){.column = column, .name = column->name, .ndim = -1};
    if (!strcmp(c->name, MMS_COL_UVW)) {
        c->ndim = 1;
        c->shape[0] = 3;
    } else if (m->columns->scalars_alone) {
        c->name = NULL;
        return MMS_OK;
    } else if (is_made(m->columns->kinds, c->name)) {
        c->ndim = strcmp(c->name, MMS_COL_WEIGHT) && strcmp(c->name, MMS_COL_SIGMA) ? 2 : 1;
        c->shape[0] = c->ndim == 2 ? shape->nchan : shape->ncorr;
        c->shape[1] = c->ndim == 2 ? shape->ncorr : 0;
    } else if (kept) {
        c->ndim = column->ndim;
        memcpy(c->shape, column->shape, (size_t)c->ndim * sizeof c->shape[0]);
    } else
        return MMS_OK;
    c->nvalue = 1;
    for (int32_t d = 0; d < c->ndim; d++)
        c->nvalue *= c->shape[d];
    c->data = mms_arena_get(m->arena, g->nrow * c->nvalue, mms_dtype_size(column->dtype));
    return c->data ? MMS_OK : out_of_memory(err);
}

/** Make the cells of a group; spectra that the input lacks are added. */
static mms_status make_arrays(const making *m, mms_group *g, mms_error *err)
{
    const int64_t narray = m->columns->narray;
    int64_t n = 0;
    mms_status st = MMS_OK;

    g->arrays = mms_arena_zeros(m->arena, narray + 2 * MMS_SPARE_ARRAYS, sizeof *g->arrays);
    if (!g->arrays)
        return out_of_memory(err);
    for (; st == MMS_OK && n < narray; n++)
        st = make_cells(m, g, m->columns->arrays[n], m->columns->kept[n], &g->arrays[n], err);
    for (int i = 0; st == MMS_OK && i < MMS_SPARE_ARRAYS; i++)
        if (!mms_cells_find(g->arrays, narray, spectra[i].name))
            st = make_cells(m, g, &spectra[i], false, &g->arrays[n++], err);
    m->block->narray = n;
    return st;
}

static void copy_kept(const making *m, const mms_group *g, const uint8_t *from, int64_t row)
{
    for (int64_t c = 0; c < m->columns->narray; c++) {
        if (!m->columns->kept[c])
            continue;
        const size_t bytes = (size_t)fixed_bytes(m->columns->arrays[c]);
        memcpy((uint8_t *)g->arrays[c].data + (size_t)row * bytes, from, bytes);
        from += bytes;
    }
}

/** The rows of one DDID, and what they keep of their first rows. */
static mms_status make_group(const making *m, int32_t ddid, mms_group *g, mms_error *err)
{
    int64_t at = 0;

    *g = (mms_group){.ddid = ddid, .rows = mms_arena_get(m->arena, m->n, sizeof(mms_rows))};
    if (!g->rows)
        return out_of_memory(err);
    for (int64_t i = 0; i < m->n; i++) {
        if (m->rows[i].ddid != ddid)
            continue;
        mms_rows *last = g->nrange ? &g->rows[g->nrange - 1] : NULL;
        if (last && last->first + last->count == i)
            last->count++;
        else
            g->rows[g->nrange++] = (mms_rows){i, 1};
        g->nrow++;
    }
    if (!g->nrow)
        return MMS_OK;
    const mms_status st = make_arrays(m, g, err);
    for (int64_t i = 0; st == MMS_OK && m->columns->fixed_bytes && i < m->n; i++)
        if (m->rows[i].ddid == ddid)
            copy_kept(m, g, m->rows[i].fixed, at++);
    return st;
}

mms_status mms_row_block_make(const mms_row_columns *columns, int64_t first, int64_t n,
                              const mms_made_row *rows, int32_t nddid, const mms_spectra *shapes,
                              mms_arena *arena, mms_block **out, mms_error *err)
{
    making m = {columns, n, rows, shapes, arena, mms_arena_zeros(arena, 1, sizeof(mms_block))};
    mms_status st;

    *out = m.block;
    MMS_TRY(m.block ? MMS_OK : out_of_memory(err));
    m.block->rows = (mms_rows){first, n};
    m.block->groups = mms_arena_get(arena, nddid, sizeof *m.block->groups);
    MMS_TRY(m.block->groups ? MMS_OK : out_of_memory(err));
    for (int32_t ddid = 0; ddid < nddid; ddid++) {
        mms_group *g = &m.block->groups[m.block->ngroup];
        MMS_TRY(make_group(&m, ddid, g, err));
        m.block->ngroup += g->nrow > 0;
    }
done:
    return st;
}
