/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file cube.c  A manager's handle: made and ended. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/base_priv.h"
#include "cube_priv.h"

/** Larger elements come first in a tile; of equal ones the last named does, as casacore reverses an
 *  ascending sort. */
static void order_columns(mms_tiles *t)
{
    for (int64_t i = 0; i < t->ncolumn; i++) {
        int64_t at = i;
        for (; at > 0 && t->columns[t->order[at - 1]].pixel->bits <= t->columns[i].pixel->bits;
             at--)
            t->order[at] = t->order[at - 1];
        t->order[at] = (int32_t)i;
    }
}

static mms_status copy_columns(mms_tiles *t, const mms_tiles_what *what, mms_error *err)
{
    t->columns = mms_alloc(what->ncolumn, sizeof *t->columns);
    t->order = mms_alloc(what->ncolumn, sizeof *t->order);
    if (!t->columns || !t->order)
        return mms_fail(err, MMS_ERR_MEM, "%s: out of memory", what->table);
    for (; t->ncolumn < what->ncolumn; t->ncolumn++) {
        tiles_column *c = &t->columns[t->ncolumn];
        c->info = what->columns[t->ncolumn];
        c->pixel = pixel_of(c->info.dtype);
        if (!c->pixel)
            return mms_fail(err, MMS_ERR_UNSUPPORTED, "%s: its elements are no numbers",
                            c->info.name);
        c->info.name = c->name = strdup(c->info.name);
        if (!c->name)
            return mms_fail(err, MMS_ERR_MEM, "%s: out of memory", what->table);
    }
    order_columns(t);
    return MMS_OK;
}

mms_status tiles_new(const mms_tiles_what *what, mms_tiles **out, mms_error *err)
{
    mms_tiles *t = calloc(1, sizeof *t);
    mms_status st;

    *out = NULL;
    if (!t)
        return mms_fail(err, MMS_ERR_MEM, "%s: out of memory", what->table);
    pthread_mutex_init(&t->lock, NULL);
    t->table = strdup(what->table);
    t->type = strdup(what->type);
    t->name = strdup(what->name);
    t->sequence = what->sequence;
    t->nrow = what->nrow;
    t->big_endian = what->big_endian;
    t->swap = what->big_endian == (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__);
    t->ndim = what->ndim;
    t->ntile = what->ntile;
    memcpy(t->default_tile, what->default_tile, sizeof t->default_tile);
    if (!t->table || !t->type || !t->name)
        MMS_TRY(mms_fail(err, MMS_ERR_MEM, "%s: out of memory", what->table));
    t->by_span = !strcmp(t->type, "TiledShapeStMan");
    t->by_row = !strcmp(t->type, "TiledCellStMan");
    if (!t->by_span && !t->by_row && strcmp(t->type, "TiledColumnStMan"))
        MMS_TRY(mms_fail(err, MMS_ERR_UNSUPPORTED, "storage manager %s", t->type));
    if (what->ncolumn < 1)
        MMS_TRY(mms_fail(err, MMS_ERR_UNSUPPORTED, "no columns in %s", t->type));
    MMS_TRY(copy_columns(t, what, err));
    *out = t;
    t = NULL;
done:
    mms_tiles_drop(&t);
    return st;
}

static void free_slabs(cube *c)
{
    while (c->slabs) {
        slab *s = c->slabs;
        c->slabs = s->next;
        free(s->bytes);
        free(s);
    }
}

void mms_tiles_drop(mms_tiles **tiles)
{
    mms_tiles *t = *tiles;

    *tiles = NULL;
    if (!t)
        return;
    for (int64_t i = 0; i < t->ncolumn; i++)
        free(t->columns[i].name);
    for (int64_t i = 0; i < t->ncube; i++) {
        free_slabs(t->cubes[i]);
        free(t->cubes[i]);
    }
    for (int64_t i = 0; i < t->nfile; i++) {
        if (t->files[i]->fd >= 0) {
            if (t->writing) // perhaps on a full disk, where casacore has yet to close the table
                (void)!ftruncate(t->files[i]->fd, 0);
            close(t->files[i]->fd);
        }
        free(t->files[i]);
    }
    mms_tiles_share_free(&t->plan);
    pthread_mutex_destroy(&t->lock);
    free(t->columns);
    free(t->order);
    free(t->cubes);
    free(t->spans);
    free(t->files);
    free(t->table);
    free(t->type);
    free(t->name);
    free(t);
}

static void shape_of(const tiles_column *column, const cube *c, mms_shape_run *run)
{
    run->ndim = c ? c->ndim : column->info.fixed ? column->info.ndim : -1;
    if (!c && column->info.fixed)
        memcpy(run->shape, column->info.shape, sizeof run->shape);
    for (int32_t i = 0; c && i < c->ndim; i++)
        run->shape[i] = c->cell[c->ndim - 1 - i];
}

static bool continues(const mms_shape_run *last, const mms_shape_run *next)
{
    return last->ndim == next->ndim && last->rows.first + last->rows.count == next->rows.first &&
           (last->ndim <= 0 ||
            !memcmp(last->shape, next->shape, (size_t)last->ndim * sizeof last->shape[0]));
}

mms_status mms_tiles_shapes(const mms_tiles *t, int64_t column, int64_t nrange,
                            const mms_rows *ranges, mms_shape_run **runs, int64_t *nrun,
                            mms_error *err)
{
    int64_t capacity = 0;
    mms_status st;

    *runs = NULL;
    *nrun = 0;
    MMS_TRY(mms_grow(runs, &capacity, nrange, sizeof **runs, err));
    for (int64_t i = 0; i < nrange; i++)
        for (int64_t done = 0; done < ranges[i].count;) {
            const int64_t row = ranges[i].first + done;
            const place p = place_of(t, row, ranges[i].count - done);
            mms_shape_run run = {.rows = {row, p.count}};
            shape_of(&t->columns[column], p.cube, &run);
            done += p.count;
            if (*nrun > 0 && continues(&(*runs)[*nrun - 1], &run)) {
                (*runs)[*nrun - 1].rows.count += p.count;
                continue;
            }
            MMS_TRY(mms_grow(runs, &capacity, *nrun + 1, sizeof **runs, err));
            (*runs)[(*nrun)++] = run;
        }
done:
    if (st != MMS_OK) {
        free(*runs);
        *runs = NULL;
        *nrun = 0;
    }
    return st;
}

int64_t mms_tiles_samples(const mms_tiles *t, int64_t most, int64_t *rows)
{
    const int64_t n = t->by_span ? t->nspan : t->by_row ? t->nrow : 1;
    int64_t found = 0;

    for (int64_t i = 0; i < n && found + 2 <= most; i++) {
        const int64_t k = n <= most / 2 ? i : i * n / (most / 2);
        if (k >= n)
            break;
        const int64_t first = t->by_row ? k : !t->by_span ? 0 : k ? t->spans[k - 1].last + 1 : 0;
        const int64_t last = t->by_row ? k : t->by_span ? t->spans[k].last : t->nrow - 1;
        if (last >= t->nrow || first > last || !place_of(t, first, 1).cube)
            continue;
        rows[found++] = first;
        if (last > first)
            rows[found++] = last;
    }
    return found;
}

bool next_run(const cube *c, cell_walk *w)
{
    int32_t k = 0; // the first axis that is cut
    int64_t lead = 1, stride, tiles = 1;

    while (k < c->ndim - 1 && c->tile[k] == c->cell[k])
        lead *= c->cell[k++];
    if (!w->started)
        w->started = true;
    else {
        w->at[k] += w->count / lead;
        for (int32_t i = k; i < c->ndim && w->at[i] == c->cell[i]; i++) {
            w->at[i] = 0;
            if (i + 1 == c->ndim)
                return false;
            w->at[i + 1]++;
        }
    }
    const int64_t in_tile = w->at[k] % c->tile[k];
    const int64_t tile_room = c->tile[k] - in_tile, cell_room = c->cell[k] - w->at[k];
    w->count = lead * (tile_room < cell_room ? tile_room : cell_room);
    w->in_tile = w->in_cell = w->tile = 0;
    stride = 1;
    int64_t cell_stride = 1;
    for (int32_t i = 0; i < c->ndim; i++) {
        w->in_tile += w->at[i] % c->tile[i] * stride;
        w->in_cell += w->at[i] * cell_stride;
        w->tile += w->at[i] / c->tile[i] * tiles;
        stride *= c->tile[i];
        cell_stride *= c->cell[i];
        tiles *= (c->cell[i] + c->tile[i] - 1) / c->tile[i];
    }
    return true;
}
