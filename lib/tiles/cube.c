/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file cube.c  A manager's handle: columns, cubes, and where a row's cells are. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/base_priv.h"
#include "cube_priv.h"

/** Products above this are a broken header. */
static const int64_t MOST = INT64_C(1) << 48;

static bool times(int64_t *product, int64_t factor)
{
    return factor > 0 && !__builtin_mul_overflow(*product, factor, product) && *product < MOST;
}

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

mms_status add_cube(mms_tiles *t, cube **out, mms_error *err)
{
    cube *c;
    mms_status st;

    MMS_TRY(mms_grow(&t->cubes, &t->cube_capacity, t->ncube + 1, sizeof(cube *), err));
    c = calloc(1, sizeof *c);
    if (!c)
        MMS_TRY(mms_fail(err, MMS_ERR_MEM, "%s: out of memory", t->table));
    *out = t->cubes[t->ncube++] = c;
done:
    return st;
}

mms_status add_file(mms_tiles *t, tile_file **out, mms_error *err)
{
    tile_file *f;
    mms_status st;

    MMS_TRY(mms_grow(&t->files, &t->file_capacity, t->nfile + 1, sizeof(tile_file *), err));
    f = calloc(1, sizeof *f);
    if (!f)
        MMS_TRY(mms_fail(err, MMS_ERR_MEM, "%s: out of memory", t->table));
    f->number = t->nfile;
    f->fd = -1;
    *out = t->files[t->nfile++] = f;
done:
    return st;
}

int64_t column_bytes(const mms_tiles *t, const cube *c, int64_t column)
{
    return (c->tile_values * c->tile_rows * t->columns[column].pixel->bits + 7) / 8;
}

int64_t column_offset(const mms_tiles *t, const cube *c, int64_t column)
{
    int64_t at = 0;
    for (int64_t i = 0; t->order[i] != column; i++)
        at += column_bytes(t, c, t->order[i]);
    return at;
}

int64_t slab_at(const mms_tiles *t, const cube *c, int64_t column, int64_t number)
{
    return c->at + number * c->slab_tiles * c->tile_bytes + column_offset(t, c, column);
}

bool cube_measure(const mms_tiles *t, cube *c)
{
    int64_t pixels;

    c->nvalue = c->tile_values = c->slab_tiles = 1;
    c->whole = true;
    for (int32_t i = 0; i < c->ndim; i++) {
        if (!times(&c->nvalue, c->cell[i]) || !times(&c->tile_values, c->tile[i]) ||
            !times(&c->slab_tiles, (c->cell[i] + c->tile[i] - 1) / c->tile[i]))
            return false;
        c->whole = c->whole && c->cell[i] == c->tile[i];
    }
    pixels = c->tile_values;
    if (c->nrow < 0 || !times(&pixels, c->tile_rows))
        return false;
    c->tile_bytes = 0;
    for (int64_t i = 0; i < t->ncolumn; i++)
        c->tile_bytes += column_bytes(t, c, i);
    int64_t bytes = c->tile_bytes;
    return times(&bytes, c->slab_tiles) && times(&bytes, c->nrow / c->tile_rows + 1);
}

bool is_linear(const mms_tiles *t, const cube *c, int64_t column)
{
    return c->whole && t->ncolumn == 1 && row_bits(t, c, column) * c->tile_rows % 8 == 0;
}

int64_t row_bits(const mms_tiles *t, const cube *c, int64_t column)
{
    return c->nvalue * t->columns[column].pixel->bits;
}

bool has_byte_rows(const mms_tiles *t, const cube *c, int64_t column)
{
    return is_linear(t, c, column) && row_bits(t, c, column) % 8 == 0;
}

static place undefined(int64_t count)
{
    return (place){NULL, 0, count};
}

/** The first span that ends at row or later; nspan when there is none. */
static int64_t find_span(const mms_tiles *t, int64_t row)
{
    int64_t low = 0, high = t->nspan;
    while (low < high) {
        const int64_t mid = low + (high - low) / 2;
        if (t->spans[mid].last < row)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static place find_place(const mms_tiles *t, int64_t row, int64_t count)
{
    if (t->by_row)
        return t->cubes[row]->ndim ? (place){t->cubes[row], 0, 1} : undefined(1);
    if (!t->by_span)
        return (place){t->cubes[0], row, count};
    const int64_t i = find_span(t, row);
    if (i == t->nspan)
        return undefined(count);
    const span *s = &t->spans[i];
    const int64_t here = s->last - row + 1 < count ? s->last - row + 1 : count;
    if (!t->cubes[s->cube]->ndim)
        return undefined(here);
    return (place){t->cubes[s->cube], s->position - (s->last - row), here};
}

place place_of(const mms_tiles *t, int64_t row, int64_t count)
{
    if (!t->writing)
        return find_place(t, row, count);
    pthread_mutex_t *lock = (pthread_mutex_t *)&t->lock;
    pthread_mutex_lock(lock);
    const place p = find_place(t, row, count);
    pthread_mutex_unlock(lock);
    return p;
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
