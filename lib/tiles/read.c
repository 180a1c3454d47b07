/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file read.c  Cells out of tiles. */
#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/base_priv.h"
#include "cube_priv.h"

/** Runs of a linear cube that lie closer than this are read at once. */
enum { GAP = 8192, AT_ONCE = 1 << 18 };

/** One call of mms_tiles_read() while it works. */
typedef struct reading {
    const mms_tiles *t;
    int64_t column;
    const pixel *pixel;
    uint8_t *out; /**< where the next cell goes */
    bool packed;  /**< out takes bits */
    int64_t bit;  /**< of out, for the next cell */
    uint8_t *scratch;
    int64_t capacity;
    /* rows of a linear cube that were asked for and are not read */
    const cube *cube;
    int64_t first, end;             /**< their positions */
    int64_t npiece, piece_capacity; /**< what is wanted of them */
    mms_rows *pieces;
} reading;

static mms_status scratch(reading *r, int64_t bytes, mms_error *err)
{
    return mms_grow(&r->scratch, &r->capacity, bytes, 1, err);
}

/** Give a piece of the rows that were read its place. */
static void deliver(reading *r, int64_t first, int64_t count)
{
    const int64_t n = count * r->cube->nvalue;

    if (r->packed)
        move_bits(r->scratch, first, n, r->out, r->bit);
    else
        unpack_pixels(r->t, r->pixel, r->scratch, first, n, r->out);
    r->bit += r->packed ? n : 0;
    r->out += r->packed ? 0 : n * r->pixel->size;
}

/** Read the rows that are waiting: straight to their place if they are one run of numbers. */
static mms_status flush(reading *r, mms_error *err)
{
    const mms_tiles *t = r->t;
    mms_status st = MMS_OK;

    if (r->npiece == 0)
        return MMS_OK;
    const int64_t row = row_bits(t, r->cube, r->column);
    const int64_t skip = r->first * row / 8, n = (r->end * row + 7) / 8 - skip;
    assert(r->end > r->first);
    const bool direct = r->npiece == 1 && r->pixel->bits > 1 && !(t->swap && r->pixel->word > 1);
    if (!direct)
        MMS_TRY(scratch(r, n, err));
    MMS_TRY(file_read(t, r->cube->file, r->cube->at + skip, n, direct ? r->out : r->scratch, err));
    if (direct)
        r->out += n;
    for (int64_t i = 0; !direct && i < r->npiece; i++) {
        const mms_rows p = r->pieces[i];
        deliver(r, (p.first * row - skip * 8) / r->pixel->bits, p.count);
    }
    r->npiece = 0;
done:
    return st;
}

/** Take rows of a linear cube: they are read with those that follow closely. */
static mms_status take_linear(reading *r, const place *p, mms_error *err)
{
    const int64_t row = row_bits(r->t, p->cube, r->column);
    mms_status st;

    if (r->npiece &&
        (r->cube != p->cube || p->position < r->end || (p->position - r->end) * row > GAP * 8 ||
         (p->position + p->count - r->first) * row > AT_ONCE * 8))
        MMS_TRY(flush(r, err));
    MMS_TRY(mms_grow(&r->pieces, &r->piece_capacity, r->npiece + 1, sizeof *r->pieces, err));
    if (r->npiece == 0) {
        r->cube = p->cube;
        r->first = p->position;
    }
    r->end = p->position + p->count;
    r->pieces[r->npiece++] = (mms_rows){p->position, p->count};
    if ((r->end - r->first) * row >= AT_ONCE * 8)
        st = flush(r, err);
done:
    return st;
}

/** Copy what the tiles of a slab hold of count rows: n bytes of each, which begin with the element
 *  first. */
static void scatter(const reading *r, const cube *c, int64_t n, int64_t first, int64_t count,
                    uint8_t *out)
{
    const int64_t size = r->pixel->size, at_once = c->whole ? count : 1;

    for (cell_walk w = {0}; next_run(c, &w);)
        for (int64_t row = 0; row < count; row += at_once)
            unpack_pixels(r->t, r->pixel, r->scratch + w.tile * n,
                          first + row * c->tile_values + w.in_tile, w.count * at_once,
                          out + (row * c->nvalue + w.in_cell) * size);
}

/** Read rows that lie in one slab. */
static mms_status read_slab(reading *r, const cube *c, int64_t position, int64_t count,
                            mms_error *err)
{
    const int64_t at = slab_at(r->t, c, r->column, position / c->tile_rows);
    const int64_t bit = position % c->tile_rows * c->tile_values * r->pixel->bits;
    const int64_t end = bit + count * c->tile_values * r->pixel->bits;
    const int64_t skip = bit / 8, n = (end + 7) / 8 - skip;
    assert(position % c->tile_rows + count <= c->tile_rows); // one slab
    mms_status st = scratch(r, n * c->slab_tiles, err);

    if (st == MMS_OK && n == c->tile_bytes)
        st = file_read(r->t, c->file, at, n * c->slab_tiles, r->scratch, err);
    for (int64_t tile = 0; st == MMS_OK && n < c->tile_bytes && tile < c->slab_tiles; tile++)
        st = file_read(r->t, c->file, at + tile * c->tile_bytes + skip, n, r->scratch + tile * n,
                       err);
    if (st == MMS_OK)
        scatter(r, c, n, bit % 8 / r->pixel->bits, count, r->out);
    r->out += count * c->nvalue * r->pixel->size;
    return st;
}

static mms_status read_tiles(reading *r, const place *p, mms_error *err)
{
    mms_status st = flush(r, err);

    for (int64_t done = 0; st == MMS_OK && done < p->count;) {
        const int64_t position = p->position + done;
        const int64_t room = p->cube->tile_rows - position % p->cube->tile_rows;
        const int64_t count = p->count - done < room ? p->count - done : room;
        st = read_slab(r, p->cube, position, count, err);
        done += count;
    }
    return st;
}

static mms_status read_place(reading *r, const place *p, int64_t nvalue, mms_error *err)
{
    if (!p->cube || p->cube->nvalue != nvalue)
        return mms_fail(err, MMS_ERR_SHAPE, "%s: %s: cells of other shapes in one read",
                        r->t->table, r->t->columns[r->column].name);
    return is_linear(r->t, p->cube, r->column) ? take_linear(r, p, err) : read_tiles(r, p, err);
}

/** Read cells of nvalue elements; ends what r holds. */
static mms_status read_ranges(reading *r, int64_t nrange, const mms_rows *ranges, int64_t nvalue,
                              mms_error *err)
{
    mms_status st;

    for (int64_t i = 0; i < nrange; i++)
        for (int64_t done = 0; done < ranges[i].count;) {
            const place p = place_of(r->t, ranges[i].first + done, ranges[i].count - done);
            MMS_TRY(read_place(r, &p, nvalue, err));
            done += p.count;
        }
    MMS_TRY(flush(r, err));
done:
    free(r->scratch);
    free(r->pieces);
    return st;
}

mms_status mms_tiles_read(const mms_tiles *t, int64_t column, int64_t nrange,
                          const mms_rows *ranges, int64_t nvalue, void *data, mms_error *err)
{
    reading r = {.t = t, .column = column, .pixel = t->columns[column].pixel, .out = data};
    int64_t rows = 0;
    mms_status st = MMS_OK;

    for (int64_t i = 0; i < nrange; i++) {
        const mms_rows run = ranges[i];
        if (run.first < 0 || run.count < 1 || run.first > t->nrow - run.count)
            MMS_TRY(mms_fail(err, MMS_ERR_RANGE,
                             "%s: %s: %" PRId64 " rows from %" PRId64 " of %" PRId64, t->table,
                             t->columns[column].name, run.count, run.first, t->nrow));
        rows += run.count;
    }
    if (rows && nvalue % rows)
        MMS_TRY(mms_fail(err, MMS_ERR_SHAPE, "%s: %s: %" PRId64 " values for %" PRId64 " rows",
                         t->table, t->columns[column].name, nvalue, rows));
    if (rows)
        st = read_ranges(&r, nrange, ranges, nvalue / rows, err);
done:
    return st;
}

mms_status read_bits(const mms_tiles *t, int64_t column, int64_t nrange, const mms_rows *ranges,
                     int64_t nvalue, uint8_t *bytes, int64_t at, mms_error *err)
{
    reading r = {.t = t,
                 .column = column,
                 .pixel = t->columns[column].pixel,
                 .out = bytes,
                 .packed = true,
                 .bit = at};
    return read_ranges(&r, nrange, ranges, nvalue, err);
}
