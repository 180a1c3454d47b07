/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file write.c  Cells into tiles.
 *
 *  Rows of a linear cube are written where they belong, numbers of other cubes tile by tile.  Flags
 *  of other cubes wait in memory until all tiles that hold the same rows, a slab, are complete; of
 * a linear cube whose rows do not begin at bytes, flags at the ends of a run wait for the rest of
 *  their page. */
#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/base_priv.h"
#include "base/files_priv.h"
#include "cube_priv.h"
#include "multims/log.h"

enum { MOST_SLAB = 4 << 20 };

mms_status tiles_no_memory(const mms_tiles *t, mms_error *err)
{
    return mms_fail(err, MMS_ERR_MEM, "%s: out of memory", t->table);
}

mms_status mms_tiles_create(const mms_tiles_what *what, mms_tiles **out, mms_error *err)
{
    mms_tiles *t = NULL;
    mms_status st;

    *out = NULL;
    MMS_TRY(tiles_new(what, &t, err));
    t->writing = true;
    t->write_back = what->write_back;
    t->share = what->share;
    if (t->by_row || t->nrow > INT32_MAX || t->ndim < 1 || t->ndim > MMS_MAX_DIM)
        MMS_TRY(mms_fail(err, MMS_ERR_UNSUPPORTED, "%s of %" PRId64 " rows, cells of %d axes",
                         t->type, t->nrow, t->ndim));
    if (t->by_span) { // the first cube stands for cells without shape and has no file
        cube *none;
        tile_file *no_file;
        MMS_TRY(add_cube(t, &none, err));
        MMS_TRY(add_file(t, &no_file, err));
    }
    *out = t;
    t = NULL;
done:
    mms_tiles_drop(&t);
    return st;
}

/** Number of the cube of a shape, or -1. */
static int64_t find_cube(const mms_tiles *t, int32_t ndim, const int64_t *shape)
{
    for (int64_t i = 0; i < t->ncube; i++) {
        const cube *c = t->cubes[i];
        int32_t axis = 0;
        if (c->ndim == 0 || c->ndim != ndim)
            continue;
        while (axis < ndim && c->cell[axis] == shape[ndim - 1 - axis])
            axis++;
        if (axis == ndim)
            return i;
    }
    return -1;
}

bool mms_tiles_has_shape(const mms_tiles *t, int32_t ndim, const int64_t *shape)
{
    return find_cube(t, ndim, shape) >= 0;
}

/** Flags of a slab are held in memory: fewer rows in its tiles when there were too many. */
static bool fit_slab(const mms_tiles *t, cube *c)
{
    while (cube_measure(t, c)) {
        int64_t held = 0;
        for (int64_t i = 0; i < t->ncolumn; i++)
            if (t->columns[i].pixel->bits == 1 && !is_linear(t, c, i))
                held += c->slab_tiles * column_bytes(t, c, i);
        if (held <= MOST_SLAB || c->tile_rows == 1)
            return true;
        c->tile_rows = c->tile_rows > 16 ? c->tile_rows / 16 * 8 : 1;
    }
    return false;
}

/** Make the file of a new cube, and list both. */
static mms_status keep_cube(mms_tiles *t, cube *measured, mms_error *err)
{
    cube *c;
    mms_status st;

    MMS_TRY(add_file(t, &measured->file, err));
    MMS_TRY(file_open(t, measured->file, true, err));
    MMS_TRY(add_cube(t, &c, err));
    *c = *measured;
done:
    return st;
}

mms_status mms_tiles_add_shape(mms_tiles *t, int32_t ndim, const int64_t *shape,
                               const int64_t *tile, mms_error *err)
{
    cube c = {.ndim = ndim};
    mms_status st;

    if (ndim != t->ndim)
        return mms_fail(err, MMS_ERR_SHAPE, "%s: %s: cells of %d axes, not %d", t->table,
                        t->columns[0].name, ndim, t->ndim);
    c.nrow = t->by_span ? 0 : t->nrow;
    c.tile_rows = tile[0] > 0 ? tile[0] : 1;
    for (int32_t i = 0; i < ndim; i++) {
        c.cell[i] = shape[ndim - 1 - i];
        c.tile[i] = tile[ndim - i] > 0 && tile[ndim - i] < c.cell[i] ? tile[ndim - i] : c.cell[i];
    }
    if (!fit_slab(t, &c))
        return mms_fail(err, MMS_ERR_SHAPE, "%s: %s: impossible cell shape", t->table,
                        t->columns[0].name);
    const int64_t rows = share_begin(t, &c);
    pthread_mutex_lock(&t->lock);
    st = keep_cube(t, &c, err);
    pthread_mutex_unlock(&t->lock);
    return st == MMS_OK ? share_extent(t, &c, rows, err) : st;
}

void count_moved(mms_tiles *t, int64_t bytes, int64_t shared)
{
    pthread_mutex_lock(&t->lock);
    t->moved += bytes;
    t->shared += shared;
    pthread_mutex_unlock(&t->lock);
}

int64_t mms_tiles_shared(const mms_tiles *t)
{
    return t->shared;
}

void fill_tiles(const mms_tiles *t, const pixel *p, const cube *c, const uint8_t *in, int64_t count,
                uint8_t *bytes, int64_t tile_bytes, int64_t first)
{
    const int64_t at_once = c->whole ? count : 1; // rows of whole cells follow each other

    for (cell_walk w = {0}; next_run(c, &w);)
        for (int64_t row = 0; row < count; row += at_once)
            pack_pixels(t, p, in + (row * c->nvalue + w.in_cell) * p->size, w.count * at_once,
                        bytes + w.tile * tile_bytes, first + row * c->tile_values + w.in_tile);
}

/** Write the same bytes of all tiles of a slab: bytes[tile][n], from byte skip of the column on. */
static mms_status write_tiles(const mms_tiles *t, int64_t column, const cube *c, int64_t number,
                              int64_t skip, int64_t n, const uint8_t *bytes, mms_error *err)
{
    int64_t at = slab_at(t, c, column, number) + skip;
    mms_status st = MMS_OK;

    if (n == c->tile_bytes)
        return file_write(t, c->file, at, n * c->slab_tiles, bytes, err);
    for (int64_t tile = 0; st == MMS_OK && tile < c->slab_tiles; tile++, at += c->tile_bytes)
        st = file_write(t, c->file, at, n, bytes + tile * n, err);
    return st;
}

static slab *new_slab(const mms_tiles *t, cube *c, int64_t column, int64_t number)
{
    const bool page = is_linear(t, c, column);
    slab *s = calloc(1, sizeof *s);

    if (!s)
        return NULL;
    s->bytes =
        page ? calloc(1, PAGE) : calloc((size_t)c->slab_tiles, (size_t)column_bytes(t, c, column));
    if (!s->bytes) {
        free(s);
        return NULL;
    }
    s->number = number;
    s->column = column;
    s->missing = page ? PAGE * 8 : c->tile_rows;
    s->next = c->slabs;
    c->slabs = s;
    return s;
}

/** Find the slab of flags that is being filled, or begin it. */
static slab *get_slab(mms_tiles *t, cube *c, int64_t column, int64_t number)
{
    pthread_mutex_lock(&t->lock);
    slab *s = c->slabs;
    while (s && (s->number != number || s->column != column))
        s = s->next;
    if (!s)
        s = new_slab(t, c, column, number);
    pthread_mutex_unlock(&t->lock);
    return s;
}

/** Write a slab that is in no list, and free it; its file ends after most bytes of a page. */
static mms_status write_slab(const mms_tiles *t, const cube *c, slab *s, int64_t most,
                             mms_error *err)
{
    const mms_status st = is_linear(t, c, s->column)
                              ? file_write(t, c->file, c->at + s->number * PAGE,
                                           most < PAGE ? most : PAGE, s->bytes, err)
                              : write_tiles(t, s->column, c, s->number, 0,
                                            column_bytes(t, c, s->column), s->bytes, err);

    free(s->bytes);
    free(s);
    return st;
}

/** Rows, or flags, of a slab are there: who brings the last ones writes it. */
static mms_status fill_slab(mms_tiles *t, cube *c, slab *s, int64_t count, mms_error *err)
{
    pthread_mutex_lock(&t->lock);
    s->missing -= count;
    assert(s->missing >= 0); // rows are written once
    const bool complete = s->missing == 0;
    if (complete) {
        slab **link = &c->slabs;
        while (*link != s)
            link = &(*link)->next;
        *link = s->next;
    }
    pthread_mutex_unlock(&t->lock);
    return complete ? write_slab(t, c, s, PAGE, err) : MMS_OK;
}

/** Put flags of rows of one slab into it: rows need not begin at a byte.  Threads fill a slab
 *  together. */
static mms_status put_flags(mms_tiles *t, int64_t column, cube *c, int64_t position, int64_t count,
                            const uint8_t *in, mms_error *err)
{
    const int64_t at = position % c->tile_rows * c->tile_values, n = count * c->tile_values;
    const int64_t bytes = (at % 8 + n + 7) / 8, tile_bytes = column_bytes(t, c, column);
    uint8_t *packed = calloc((size_t)c->slab_tiles, (size_t)bytes);
    slab *s = packed ? get_slab(t, c, column, position / c->tile_rows) : NULL;

    if (s)
        fill_tiles(t, t->columns[column].pixel, c, in, count, packed, bytes, at % 8);
    for (int64_t i = 0; s && i < c->slab_tiles; i++)
        move_bits(packed + i * bytes, at % 8, n, s->bytes + i * tile_bytes, at);
    free(packed);
    return s ? fill_slab(t, c, s, count, err) : tiles_no_memory(t, err);
}

static mms_status add_span(mms_tiles *t, int64_t last, int64_t in_cube, int64_t position,
                           mms_error *err)
{
    const mms_status st = mms_grow(&t->spans, &t->span_capacity, t->nspan + 1, sizeof(span), err);

    if (st == MMS_OK)
        t->spans[t->nspan++] = (span){last, in_cube, position};
    return st;
}

/** Append rows of a cube to the map, skip places after those that are taken. */
static mms_status map_rows(mms_tiles *t, mms_rows rows, int64_t in_cube, int64_t skip,
                           mms_error *err)
{
    cube *c = t->cubes[in_cube];
    span *last = t->nspan ? &t->spans[t->nspan - 1] : NULL;
    const int64_t covered = last ? last->last + 1 : 0, end = rows.first + rows.count;
    mms_status st = MMS_OK;

    assert(covered <= rows.first && skip >= 0);
    c->nrow += skip;
    if (last && covered == rows.first && last->cube == in_cube && last->position + 1 == c->nrow) {
        last->last += rows.count;
        last->position += rows.count;
    } else {
        if (covered < rows.first)
            MMS_TRY(add_span(t, rows.first - 1, 0, 0, err));
        MMS_TRY(add_span(t, end - 1, in_cube, c->nrow + rows.count - 1, err));
    }
    c->nrow += rows.count;
    t->defined = end;
done:
    return st;
}

/** Set the bytes of rows aside, unless they will be shared. */
static void reserve(mms_tiles *t, const cube *c, int64_t rows)
{
    if (!t->plan)
        file_reserve(c->file, cube_end(c, rows));
}

/** Flags of places that are left free are there: false. */
static mms_status skip_flags(mms_tiles *t, cube *c, int64_t position, int64_t count, mms_error *err)
{
    mms_status st = MMS_OK;

    if (t->columns[0].pixel->bits > 1 || is_linear(t, c, 0))
        return MMS_OK;
    for (int64_t done = 0, n; st == MMS_OK && done < count; done += n) {
        const int64_t at = position + done, room = c->tile_rows - at % c->tile_rows;
        n = count - done < room ? count - done : room;
        slab *s = n < c->tile_rows ? get_slab(t, c, 0, at / c->tile_rows) : NULL;
        if (s)
            st = fill_slab(t, c, s, n, err);
        else if (n < c->tile_rows)
            st = tiles_no_memory(t, err);
    }
    return st;
}

/** Give rows of one shape their places. */
static mms_status define_rows(mms_tiles *t, mms_rows rows, int64_t in_cube, mms_error *err)
{
    cube *c = t->cubes[in_cube];
    mms_status st = MMS_OK;

    for (mms_rows left = rows; st == MMS_OK && left.count > 0;) {
        mms_rows next = left;
        const int64_t at = c->nrow, skip = share_gap(t, c, &next);
        pthread_mutex_lock(&t->lock);
        st = map_rows(t, next, in_cube, skip, err);
        pthread_mutex_unlock(&t->lock);
        if (st == MMS_OK && skip)
            st = skip_flags(t, c, at, skip, err);
        left.first += next.count;
        left.count -= next.count;
    }
    return st;
}

mms_status mms_tiles_define(mms_tiles *t, const mms_shape_run *run, mms_error *err)
{
    const int64_t end = run->rows.first + run->rows.count;
    int64_t in_cube;
    mms_status st;

    if (run->rows.first < t->defined || run->rows.first > t->nrow - run->rows.count)
        return mms_fail(err, MMS_ERR_INTERNAL, "%s: rows are defined out of order", t->table);
    if (run->ndim < 0)
        return MMS_OK;
    if (!t->by_span) {
        reserve(t, t->cubes[0], end);
        return MMS_OK;
    }
    in_cube = find_cube(t, run->ndim, run->shape);
    if (in_cube < 0)
        return mms_fail(err, MMS_ERR_INTERNAL, "%s: a cell shape without a cube", t->table);
    st = define_rows(t, run->rows, in_cube, err);
    reserve(t, t->cubes[in_cube], t->cubes[in_cube]->nrow);
    return st;
}

/** Put n bits of one page into it, from its bit at on. */
static mms_status put_bits(mms_tiles *t, int64_t column, cube *c, int64_t number, int64_t at,
                           int64_t n, const uint8_t *bytes, mms_error *err)
{
    slab *s = get_slab(t, c, column, number);

    if (!s)
        return tiles_no_memory(t, err);
    move_bits(bytes, at % 8, n, s->bytes, at);
    return fill_slab(t, c, s, n, err);
}

mms_status write_bits(mms_tiles *t, int64_t column, cube *c, int64_t at, int64_t n,
                      const uint8_t *bytes, mms_error *err)
{
    const int64_t start = at / 8, end = at + n, page = PAGE * 8;
    mms_status st = MMS_OK;

    if (has_byte_rows(t, c, column))
        return file_write(t, c->file, c->at + start, n / 8, bytes, err);
    while (st == MMS_OK && at < end) {
        const int64_t whole = at % page ? 0 : (end - at) / page * page;
        const int64_t room = page - at % page;
        const int64_t count = whole ? whole : end - at < room ? end - at : room;
        const uint8_t *from = bytes + (at / 8 - start);
        st = whole ? file_write(t, c->file, c->at + at / 8, whole / 8, from, err)
                   : put_bits(t, column, c, at / page, at % page, count, from, err);
        at += count;
    }
    return st;
}

/** Write numbers of rows of one slab. */
static mms_status put_numbers(mms_tiles *t, int64_t column, cube *c, int64_t position,
                              int64_t count, const uint8_t *in, mms_error *err)
{
    const pixel *p = t->columns[column].pixel;
    const int64_t row = c->tile_values * p->size, n = count * row;
    uint8_t *bytes = calloc((size_t)c->slab_tiles, (size_t)n);
    mms_status st;

    if (!bytes)
        return tiles_no_memory(t, err);
    fill_tiles(t, p, c, in, count, bytes, n, 0);
    st = write_tiles(t, column, c, position / c->tile_rows, position % c->tile_rows * row, n, bytes,
                     err);
    free(bytes);
    return st;
}

mms_status put_slabs(mms_tiles *t, int64_t column, const place *p, const uint8_t *in, slab_put *put,
                     mms_error *err)
{
    const int64_t row = p->cube->nvalue * t->columns[column].pixel->size;
    mms_status st = MMS_OK;

    for (int64_t done = 0; st == MMS_OK && done < p->count;) {
        const int64_t position = p->position + done;
        const int64_t room = p->cube->tile_rows - position % p->cube->tile_rows;
        const int64_t count = p->count - done < room ? p->count - done : room;
        st = put(t, column, p->cube, position, count, in + done * row, err);
        done += count;
    }
    return st;
}

/** Write rows that begin at bytes. */
static mms_status write_bytes(const mms_tiles *t, int64_t column, const place *p, const uint8_t *in,
                              mms_error *err)
{
    const pixel *element = t->columns[column].pixel;
    const int64_t row = row_bits(t, p->cube, column) / 8, n = p->count * row;
    const int64_t at = p->cube->at + p->position * row;
    uint8_t *packed;
    mms_status st;

    if (element->bits > 1 && !(t->swap && element->word > 1))
        return file_write(t, p->cube->file, at, n, in, err);
    packed = malloc((size_t)n);
    if (!packed)
        return tiles_no_memory(t, err);
    pack_pixels(t, element, in, p->count * p->cube->nvalue, packed, 0);
    st = file_write(t, p->cube->file, at, n, packed, err);
    free(packed);
    return st;
}

/** Write flags of rows that need not begin at bytes. */
static mms_status write_flags(mms_tiles *t, int64_t column, const place *p, const uint8_t *in,
                              mms_error *err)
{
    const int64_t at = p->position * p->cube->nvalue, n = p->count * p->cube->nvalue;
    uint8_t *packed = calloc(1, (size_t)(at % 8 + n + 7) / 8);
    mms_status st;

    if (!packed)
        return tiles_no_memory(t, err);
    pack_pixels(t, t->columns[column].pixel, in, n, packed, at % 8);
    st = write_bits(t, column, p->cube, at, n, packed, err);
    free(packed);
    return st;
}

static mms_status write_place(mms_tiles *t, int64_t column, const place *p, const uint8_t *in,
                              mms_error *err)
{
    const bool flags = t->columns[column].pixel->bits == 1;

    if (has_byte_rows(t, p->cube, column))
        return write_bytes(t, column, p, in, err);
    return is_linear(t, p->cube, column)
               ? write_flags(t, column, p, in, err)
               : put_slabs(t, column, p, in, flags ? put_flags : put_numbers, err);
}

mms_status put_places(mms_tiles *t, int64_t column, int64_t nrange, const mms_rows *ranges,
                      int64_t nvalue, const uint8_t *in, place_put *put, mms_error *err)
{
    place run = {0}; // rows that follow each other in the cube, not written yet
    int64_t rows = 0;
    mms_status st = MMS_OK;

    for (int64_t i = 0; i < nrange; i++)
        rows += ranges[i].count;
    for (int64_t i = 0; i < nrange; i++)
        for (int64_t done = 0; done < ranges[i].count;) {
            const place p = place_of(t, ranges[i].first + done, ranges[i].count - done);
            if (!p.cube || p.cube->nvalue * rows != nvalue)
                return mms_fail(err, t->writing ? MMS_ERR_INTERNAL : MMS_ERR_SHAPE,
                                "%s: %s: row %" PRId64 " has another shape", t->table,
                                t->columns[column].name, ranges[i].first + done);
            done += p.count;
            if (run.cube == p.cube && run.position + run.count == p.position) {
                run.count += p.count;
                continue;
            }
            if (run.cube)
                MMS_TRY(put(t, column, &run, in, err));
            in += run.cube ? run.count * run.cube->nvalue * t->columns[column].pixel->size : 0;
            run = p;
        }
    if (run.cube)
        st = put(t, column, &run, in, err);
done:
    return st;
}

mms_status mms_tiles_write(mms_tiles *t, int64_t column, int64_t nrange, const mms_rows *ranges,
                           int64_t nvalue, const void *data, mms_error *err)
{
    return put_places(t, column, nrange, ranges, nvalue, data, write_place, err);
}

/** Write the slabs that have no more rows, and make the file whole tiles long. */
static mms_status finish_cube(mms_tiles *t, cube *c, mms_error *err)
{
    mms_status st = MMS_OK;

    c->file->bytes = cube_end(c, c->nrow);
    while (st == MMS_OK && c->slabs) {
        slab *s = c->slabs;
        c->slabs = s->next;
        st = write_slab(t, c, s, c->file->bytes - c->at - s->number * PAGE, err);
    }
    return st == MMS_OK ? file_extend(t, c->file, c->file->bytes, err) : st;
}

/** One span that fills the table would pass for a cube that begins with the first row. */
static mms_status part_span(mms_tiles *t, mms_error *err)
{
    const span all = t->nspan == 1 ? t->spans[0] : (span){0};

    if (all.position == all.last)
        return MMS_OK;
    t->spans[0] = (span){0, all.cube, all.position - all.last};
    return add_span(t, all.last, all.cube, all.position, err);
}

mms_status mms_tiles_close(mms_tiles **tiles, mms_error *err)
{
    mms_tiles *t = *tiles;
    mms_status st = MMS_OK;

    for (int64_t i = 0; t && t->writing && i < t->ncube; i++)
        if (t->cubes[i]->ndim)
            MMS_TRY(finish_cube(t, t->cubes[i], err));
    for (int64_t i = 0; t && i < t->nfile; i++) // where some file systems say that they are full
        MMS_TRY(file_close(t, t->files[i], err));
    if (t && t->writing) {
        MMS_TRY(part_span(t, err));
        MMS_TRY(header_write(t, err));
        if (t->moved)
            mms_log(MMS_LOG_DEBUG, "tiles", "%s: %s: %" PRId64 " bytes were moved in whole tiles",
                    t->table, t->columns[0].name, t->moved);
    }
done:
    mms_tiles_drop(tiles);
    return st;
}
