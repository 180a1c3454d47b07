/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file direct.c  The columns of one table whose tiles are read, or written, directly. */
#include "direct_priv.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/base_priv.h"
#include "base/fingerprint_priv.h"
#include "multims/log.h"

enum { SAMPLES = 8 };

/** One manager: not tried, in use, or left to casacore. */
typedef struct manager {
    const mms_tiled *what;
    bool tried;
    mms_tiles *tiles;
    bool *shaped, *proved, *refused; /**< by column: its shapes compare, its cells, they do not */
} manager;

struct mms_direct {
    mms_table *table;
    int64_t n;
    manager *managers;
    uint64_t kind; /**< sum over the cubes: they come in any order */
};

static mms_status out_of_memory(const mms_table *table, mms_error *err)
{
    return mms_fail(err, MMS_ERR_MEM, "%s: out of memory", mms_table_path(table));
}

static mms_status list_managers(mms_table *table, bool hollow, mms_direct **out, mms_error *err)
{
    mms_direct *d = calloc(1, sizeof *d);
    const mms_tiled *list;
    int64_t n;
    mms_status st;

    *out = NULL;
    if (!d)
        return out_of_memory(table, err);
    d->table = table;
    MMS_TRY(mms_table_tiled(table, &n, &list, err));
    d->managers = mms_alloc(n, sizeof *d->managers);
    if (!d->managers)
        MMS_TRY(out_of_memory(table, err));
    for (int64_t i = 0; i < n; i++) {
        manager *m = &d->managers[d->n];
        if (list[i].hollow != hollow)
            continue;
        m->what = &list[i];
        d->n++;
        m->shaped = mms_alloc(list[i].ncolumn, sizeof *m->shaped);
        m->proved = mms_alloc(list[i].ncolumn, sizeof *m->proved);
        m->refused = mms_alloc(list[i].ncolumn, sizeof *m->refused);
        if (!m->shaped || !m->proved || !m->refused)
            MMS_TRY(out_of_memory(table, err));
    }
    *out = d;
    d = NULL;
done:
    mms_direct_close(&d);
    return st;
}

mms_status mms_direct_open(mms_table *table, mms_direct **out, mms_error *err)
{
    return list_managers(table, false, out, err);
}

void mms_direct_trust(mms_direct *d)
{
    for (int64_t i = 0; i < d->n; i++)
        for (int64_t k = 0; k < d->managers[i].what->ncolumn; k++)
            d->managers[i].shaped[k] = d->managers[i].proved[k] = true;
}

void mms_direct_close(mms_direct **direct)
{
    mms_direct *d = *direct;

    *direct = NULL;
    if (!d)
        return;
    for (int64_t i = 0; i < d->n; i++) {
        mms_tiles_drop(&d->managers[i].tiles);
        free(d->managers[i].shaped);
        free(d->managers[i].proved);
        free(d->managers[i].refused);
    }
    free(d->managers);
    free(d);
}

/** Open, or make, the tiles of a manager. */
static mms_status open_tiles(const mms_direct *d, manager *m, bool write_back, int64_t share,
                             mms_error *err)
{
    const mms_tiled *k = m->what;
    mms_tiles_column *columns = mms_alloc(k->ncolumn, sizeof *columns);
    mms_tiles_what what = {.table = mms_table_path(d->table),
                           .type = k->type,
                           .name = k->name,
                           .sequence = k->sequence,
                           .nrow = mms_table_nrow(d->table),
                           .big_endian = k->big_endian,
                           .ncolumn = k->ncolumn,
                           .columns = columns,
                           .ndim = k->ndim,
                           .ntile = k->ntile,
                           .write_back = write_back,
                           .share = share};
    mms_status st;

    if (!columns)
        return out_of_memory(d->table, err);
    memcpy(what.default_tile, k->default_tile, sizeof what.default_tile);
    for (int64_t i = 0; i < k->ncolumn; i++) {
        const mms_column *c = k->columns[i];
        columns[i] = (mms_tiles_column){c->name, c->dtype, c->fixed, c->ndim, {0}};
        memcpy(columns[i].shape, c->shape, sizeof c->shape);
    }
    st =
        k->hollow ? mms_tiles_create(&what, &m->tiles, err) : mms_tiles_open(&what, &m->tiles, err);
    free(columns);
    return st;
}

/** Compare the cell of a row, or its shape alone, with what casacore reads. */
static mms_status same_cell(const mms_direct *d, const manager *m, int64_t column, int64_t row,
                            bool cells_too, bool *same, mms_error *err)
{
    const mms_column *c = m->what->columns[column];
    const mms_rows one = {row, 1};
    mms_shape_run *ours = NULL, *theirs = NULL;
    uint8_t *cells = NULL;
    int64_t n = 0, nrun;
    mms_status st;

    MMS_TRY(mms_tiles_shapes(m->tiles, column, 1, &one, &ours, &nrun, err));
    MMS_TRY(mms_table_shapes(d->table, c->name, 1, &one, &theirs, &nrun, err));
    *same = ours->ndim == theirs->ndim &&
            !memcmp(ours->shape, theirs->shape, (size_t)ours->ndim * sizeof ours->shape[0]);
    if (!*same || !cells_too)
        goto done;
    n = 1;
    for (int32_t i = 0; i < ours->ndim; i++)
        n *= ours->shape[i];
    const size_t bytes = (size_t)n * mms_dtype_size(c->dtype);
    cells = mms_alloc(2 * n, mms_dtype_size(c->dtype));
    if (!cells)
        MMS_TRY(out_of_memory(d->table, err));
    MMS_TRY(mms_tiles_read(m->tiles, column, 1, &one, n, cells, err));
    MMS_TRY(mms_table_get(d->table, c->name, 1, &one, n, cells + bytes, err));
    *same = !memcmp(cells, cells + bytes, bytes);
done:
    free(ours);
    free(theirs);
    free(cells);
    return st;
}

/** Compare shapes of cells, which takes casacore little, or cells, for which it reads tiles. */
static mms_status prove(const mms_direct *d, manager *m, int64_t column, bool cells, mms_error *err)
{
    int64_t rows[SAMPLES];
    const int64_t n = mms_tiles_samples(m->tiles, SAMPLES, rows);
    bool same = true;

    for (int64_t i = 0; same && i < n; i++) {
        const mms_status st = same_cell(d, m, column, rows[i], cells, &same, err);
        if (st != MMS_OK)
            return st;
        if (!same)
            mms_log(MMS_LOG_WARN, "ms",
                    "%s: %s: row %" PRId64 " of its tiles is not what casacore reads; the column "
                    "is read through casacore",
                    mms_table_path(d->table), m->what->columns[column]->name, rows[i]);
    }
    m->refused[column] = !same;
    m->shaped[column] = true;
    m->proved[column] = cells || !same;
    return MMS_OK;
}

/** Use a manager for the first time. */
static mms_status try_manager(const mms_direct *d, manager *m, mms_error *err)
{
    mms_error why = {0};
    const mms_status st = open_tiles(d, m, false, 0, &why);

    m->tried = true;
    if (st == MMS_ERR_UNSUPPORTED)
        mms_log(MMS_LOG_INFO, "ms", "%s: %s is read through casacore: %s", mms_table_path(d->table),
                m->what->columns[0]->name, why.msg);
    else if (st != MMS_OK)
        return mms_fail(err, st, "%s", why.msg);
    return MMS_OK;
}

static mms_status find(mms_direct *d, const char *column, bool cells, mms_direct_column *found,
                       mms_error *err)
{
    mms_status st;

    *found = (mms_direct_column){NULL, -1};
    for (int64_t i = 0; d && i < d->n; i++) {
        manager *m = &d->managers[i];
        int64_t k = 0;
        while (k < m->what->ncolumn && strcmp(m->what->columns[k]->name, column))
            k++;
        if (k == m->what->ncolumn)
            continue;
        if (!m->tried) {
            st = try_manager(d, m, err);
            if (st != MMS_OK)
                return st;
        }
        if (m->tiles && !(cells ? m->proved : m->shaped)[k] && !m->what->hollow) {
            st = prove(d, m, k, cells, err);
            if (st != MMS_OK)
                return st;
        }
        if (m->tiles && !m->refused[k])
            *found = (mms_direct_column){m->tiles, k};
        break;
    }
    return MMS_OK;
}

mms_status mms_direct_find(mms_direct *d, const char *column, mms_direct_column *found,
                           mms_error *err)
{
    return find(d, column, true, found, err);
}

mms_status mms_direct_find_shapes(mms_direct *d, const char *column, mms_direct_column *found,
                                  mms_error *err)
{
    return find(d, column, false, found, err);
}

/** Members of a Multi-MS may have fixed another shape than the first, which the table is like. */
static mms_status check_shape(const mms_direct *d, const mms_column *c, const mms_shape_run *run,
                              mms_error *err)
{
    const size_t n = (size_t)c->ndim;

    if (!c->fixed || run->ndim < 0 ||
        (run->ndim == c->ndim && !memcmp(run->shape, c->shape, n * sizeof c->shape[0])))
        return MMS_OK;
    return mms_fail(err, MMS_ERR_SHAPE,
                    "%s: %s: a cell for row %" PRId64 " has another shape than "
                    "the column's, which is fixed",
                    mms_table_path(d->table), c->name, run->rows.first);
}

static uint64_t hash_cube(const char *name, int32_t ndim, const int64_t *shape, const int64_t *tile)
{
    const size_t n = (size_t)ndim;
    uint64_t hash = mms_hash_bytes(MMS_HASH_BEGIN, name, strlen(name));

    hash = mms_hash_bytes(hash, shape, n * sizeof *shape);
    return mms_hash_bytes(hash, tile, (n + 1) * sizeof *tile);
}

uint64_t mms_direct_kind(const mms_direct *d)
{
    return d->kind;
}

/** The cube of cells that all rows have. */
static mms_status add_shape(mms_direct *d, const manager *m, int32_t ndim, const int64_t *shape,
                            mms_error *err)
{
    const mms_column *c = m->what->columns[0];
    int64_t tile[MMS_MAX_DIM + 1];
    mms_status st;

    if (mms_tiles_has_shape(m->tiles, ndim, shape))
        return MMS_OK;
    if (c->fixed && m->what->ntile == ndim + 1) // as casacore, which never asks for such a shape
        memcpy(tile, m->what->default_tile, sizeof tile);
    else {
        st = mms_table_tile(d->table, c->name, ndim, shape, tile, err);
        if (st != MMS_OK)
            return st;
    }
    d->kind += hash_cube(m->what->name, ndim, shape, tile);
    return mms_tiles_add_shape(m->tiles, ndim, shape, tile, err);
}

mms_status mms_direct_create(mms_table *table, bool write_back, int64_t share, mms_direct **out,
                             mms_error *err)
{
    mms_direct *d;
    mms_status st;

    *out = NULL;
    MMS_TRY(list_managers(table, true, &d, err));
    for (int64_t i = 0; i < d->n; i++) {
        manager *m = &d->managers[i];
        const mms_column *c = m->what->columns[0];
        MMS_TRY(open_tiles(d, m, write_back, share, err));
        m->tried = true;
        if (!strcmp(m->what->type, "TiledColumnStMan"))
            MMS_TRY(add_shape(d, m, c->ndim, c->shape, err));
    }
    *out = d;
    d = NULL;
done:
    mms_direct_close(&d);
    return st;
}

int64_t mms_direct_shared(const mms_direct *d)
{
    int64_t bytes = 0;

    for (int64_t i = 0; d && i < d->n; i++)
        bytes += d->managers[i].tiles ? mms_tiles_shared(d->managers[i].tiles) : 0;
    return bytes;
}

mms_status mms_direct_define(mms_direct *d, mms_direct_shapes *shapes, void *user, mms_error *err)
{
    mms_shape_run *runs = NULL;
    int64_t nrun;
    mms_status st = MMS_OK;

    for (int64_t i = 0; st == MMS_OK && d && i < d->n; i++) {
        const manager *m = &d->managers[i];
        st = shapes(user, m->what->columns[0]->name, &runs, &nrun, err);
        for (int64_t r = 0; st == MMS_OK && r < nrun; r++) {
            if (mms_cell_values(m->what->columns[0], runs[r].ndim, runs[r].shape) == 0)
                runs[r].ndim = -1; // a tiled manager has no cells without values
            st = check_shape(d, m->what->columns[0], &runs[r], err);
            if (st == MMS_OK && runs[r].ndim >= 0)
                st = add_shape(d, m, runs[r].ndim, runs[r].shape, err);
            if (st == MMS_OK)
                st = mms_tiles_define(m->tiles, &runs[r], err);
        }
        free(runs);
        runs = NULL;
    }
    return st;
}

mms_status mms_direct_finish(mms_direct **direct, mms_error *err)
{
    mms_status st = MMS_OK;

    for (int64_t i = 0; *direct && st == MMS_OK && i < (*direct)->n; i++)
        st = mms_tiles_close(&(*direct)->managers[i].tiles, err);
    mms_direct_close(direct);
    return st;
}

mms_status mms_direct_check(mms_table *table, mms_error *err)
{
    mms_direct *d = NULL;
    mms_status st;

    MMS_TRY(mms_direct_open(table, &d, err));
    for (int64_t i = 0; i < d->n; i++)
        for (int64_t k = 0; k < d->managers[i].what->ncolumn; k++) {
            const char *column = d->managers[i].what->columns[k]->name;
            mms_direct_column found;
            MMS_TRY(mms_direct_find(d, column, &found, err));
            if (!found.tiles)
                MMS_TRY(mms_fail(err, MMS_ERR_INTERNAL, "%s: %s: casacore reads other cells",
                                 mms_table_path(table), column));
        }
done:
    mms_direct_close(&d);
    return st;
}
