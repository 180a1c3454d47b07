/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file layout.c  How a manager's cubes, tiles and files lie, and where a row's cells are. */
#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/base_priv.h"
#include "cube_priv.h"

/** Products above this are a broken header. */
static const int64_t MOST = INT64_C(1) << 48;

static bool times(int64_t *product, int64_t factor)
{
    return factor > 0 && !__builtin_mul_overflow(*product, factor, product) && *product < MOST;
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
    assert(column >= 0 && column < t->ncolumn);
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
    assert(row >= 0 && count > 0);
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

int64_t cube_end(const cube *c, int64_t rows)
{
    return c->at + (rows + c->tile_rows - 1) / c->tile_rows * c->slab_tiles * c->tile_bytes;
}
