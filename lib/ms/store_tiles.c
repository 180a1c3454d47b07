/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file store_tiles.c  The way to arrays in the tiles of lib/tiles. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/base_priv.h"
#include "base/fingerprint_priv.h"
#include "store_priv.h"

typedef struct manager {
    mms_table *table;
    const mms_tiled *what;
    mms_tiles *tiles;
    uint64_t layout; /**< sum over the cubes: they come in any order */
} manager;

static mms_status managers(mms_table *table, int64_t *n, mms_store_manager **list, mms_error *err)
{
    const mms_tiled *found;
    mms_status st;

    MMS_TRY(mms_table_tiled(table, n, &found, err));
    if (!(*list = mms_alloc(*n, sizeof **list)))
        MMS_TRY(mms_fail(err, MMS_ERR_MEM, "%s: out of memory", mms_table_path(table)));
    for (int64_t i = 0; i < *n; i++)
        (*list)[i] =
            (mms_store_manager){&found[i], found[i].ncolumn, found[i].columns, found[i].hollow};
done:
    return st;
}

static bool holds(const mms_column *column)
{
    (void)column;
    return true;
}

/** Say to lib/tiles what the table says of a manager, and open or make it. */
static mms_status start(manager *m, const mms_store_new *how, mms_error *err)
{
    const mms_tiled *k = m->what;
    mms_tiles_column *columns = mms_alloc(k->ncolumn, sizeof *columns);
    mms_tiles_what what = {.table = mms_table_path(m->table),
                           .type = k->type,
                           .name = k->name,
                           .sequence = k->sequence,
                           .nrow = mms_table_nrow(m->table),
                           .big_endian = k->big_endian,
                           .ncolumn = k->ncolumn,
                           .columns = columns,
                           .ndim = k->ndim,
                           .ntile = k->ntile};
    mms_status st;

    if (!columns)
        return mms_fail(err, MMS_ERR_MEM, "%s: out of memory", what.table);
    memcpy(what.default_tile, k->default_tile, sizeof what.default_tile);
    for (int64_t i = 0; i < k->ncolumn; i++) {
        const mms_column *c = k->columns[i];
        columns[i] = (mms_tiles_column){c->name, c->dtype, c->fixed, c->ndim, {0}};
        memcpy(columns[i].shape, c->shape, sizeof c->shape);
    }
    if (how) {
        what.write_back = how->write_back;
        what.share = how->share;
    }
    st = how ? mms_tiles_create(&what, &m->tiles, err) : mms_tiles_open(&what, &m->tiles, err);
    free(columns);
    return st;
}

static void drop(void *handle)
{
    manager *m = handle;

    mms_tiles_drop(&m->tiles);
    free(m);
}

static uint64_t hash_cube(const char *name, int32_t ndim, const int64_t *shape, const int64_t *tile)
{
    const size_t n = (size_t)ndim;
    uint64_t hash = mms_hash_bytes(MMS_HASH_BEGIN, name, strlen(name));

    hash = mms_hash_bytes(hash, shape, n * sizeof *shape);
    return mms_hash_bytes(hash, tile, (n + 1) * sizeof *tile);
}

/** The cube of cells that all rows have. */
static mms_status add_shape(manager *m, int32_t ndim, const int64_t *shape, mms_error *err)
{
    const mms_column *c = m->what->columns[0];
    int64_t tile[MMS_MAX_DIM + 1];
    mms_status st;

    if (mms_tiles_has_shape(m->tiles, ndim, shape))
        return MMS_OK;
    if (c->fixed && m->what->ntile == ndim + 1) // as casacore, which never asks for such a shape
        memcpy(tile, m->what->default_tile, sizeof tile);
    else {
        st = mms_table_tile(m->table, c->name, ndim, shape, tile, err);
        if (st != MMS_OK)
            return st;
    }
    m->layout += hash_cube(m->what->name, ndim, shape, tile);
    return mms_tiles_add_shape(m->tiles, ndim, shape, tile, err);
}

static mms_status make(mms_table *table, const void *what, const mms_store_new *how, void **out,
                       mms_error *err)
{
    manager *m = mms_alloc(1, sizeof *m);
    mms_status st;

    *out = NULL;
    if (!m)
        return mms_fail(err, MMS_ERR_MEM, "%s: out of memory", mms_table_path(table));
    m->table = table;
    m->what = what;
    st = start(m, how, err);
    if (st == MMS_OK && how && !strcmp(m->what->type, "TiledColumnStMan"))
        st = add_shape(m, m->what->columns[0]->ndim, m->what->columns[0]->shape, err);
    if (st == MMS_OK)
        *out = m;
    else
        drop(m);
    return st;
}

static mms_status open_manager(mms_table *table, const void *what, void **out, mms_error *err)
{
    return make(table, what, NULL, out, err);
}

static mms_tiles *tiles_of(const mms_stored *c)
{
    return ((const manager *)c->manager)->tiles;
}

mms_tiles *mms_stored_tiles(const mms_stored *column, int64_t *place)
{
    *place = column->place;
    return column->kind == &mms_store_tiles ? tiles_of(column) : NULL;
}

static int64_t samples(const mms_stored *c, int64_t most, int64_t *rows)
{
    return mms_tiles_samples(tiles_of(c), most, rows);
}

static mms_status shapes(const mms_stored *c, int64_t nrange, const mms_rows *ranges,
                         mms_shape_run **runs, int64_t *nrun, mms_error *err)
{
    return mms_tiles_shapes(tiles_of(c), c->place, nrange, ranges, runs, nrun, err);
}

static mms_status read_cells(const mms_stored *c, int64_t nrange, const mms_rows *ranges,
                             int64_t nvalue, void *data, mms_error *err)
{
    return mms_tiles_read(tiles_of(c), c->place, nrange, ranges, nvalue, data, err);
}

static mms_status put(const mms_stored *c, int64_t nrange, const mms_rows *ranges, int32_t ndim,
                      const int64_t *shape, int64_t nvalue, const void *data, mms_error *err)
{
    (void)ndim;
    (void)shape;
    return mms_tiles_write(tiles_of(c), c->place, nrange, ranges, nvalue, data, err);
}

static mms_status update(const mms_stored *c, int64_t nrange, const mms_rows *ranges,
                         int64_t nvalue, const void *data, mms_error *err)
{
    return mms_tiles_update(tiles_of(c), c->place, nrange, ranges, nvalue, data, err);
}

static mms_status copy(const mms_stored *in, int64_t nrange, const mms_rows *ranges,
                       const mms_stored *out, int64_t first, mms_error *err)
{
    return mms_tiles_copy(tiles_of(in), in->place, nrange, ranges, tiles_of(out), out->place, first,
                          err);
}

/** Members of a Multi-MS may have fixed another shape than the first, which the table is like. */
static mms_status check_shape(const manager *m, const mms_column *c, const mms_shape_run *run,
                              mms_error *err)
{
    const size_t n = (size_t)c->ndim;

    if (!c->fixed || run->ndim < 0 ||
        (run->ndim == c->ndim && !memcmp(run->shape, c->shape, n * sizeof c->shape[0])))
        return MMS_OK;
    return mms_fail(err, MMS_ERR_SHAPE,
                    "%s: %s: a cell for row %" PRId64 " has another shape than "
                    "the column's, which is fixed",
                    mms_table_path(m->table), c->name, run->rows.first);
}

static mms_status define(void *handle, int64_t nrun, mms_shape_run *runs, mms_error *err)
{
    manager *m = handle;
    const mms_column *c = m->what->columns[0];
    mms_status st = MMS_OK;

    for (int64_t i = 0; st == MMS_OK && i < nrun; i++) {
        mms_shape_run *run = &runs[i];
        if (mms_cell_values(c, run->ndim, run->shape) == 0)
            run->ndim = -1; // a tiled manager has no cells without values
        st = check_shape(m, c, run, err);
        if (st == MMS_OK && run->ndim >= 0)
            st = add_shape(m, run->ndim, run->shape, err);
        if (st == MMS_OK)
            st = mms_tiles_define(m->tiles, run, err);
    }
    return st;
}

static uint64_t layout(const void *handle)
{
    return ((const manager *)handle)->layout;
}

static int64_t shared(const void *handle)
{
    return mms_tiles_shared(((const manager *)handle)->tiles);
}

static mms_status finish(void *handle, mms_error *err)
{
    return mms_tiles_close(&((manager *)handle)->tiles, err);
}

const mms_store_kind mms_store_tiles = {.files = "tiles",
                                        .parallel = true,
                                        .managers = managers,
                                        .holds = holds,
                                        .open = open_manager,
                                        .create = make,
                                        .samples = samples,
                                        .shapes = shapes,
                                        .read = read_cells,
                                        .put = put,
                                        .update = update,
                                        .copy = copy,
                                        .define = define,
                                        .layout = layout,
                                        .shared = shared,
                                        .finish = finish,
                                        .drop = drop};
