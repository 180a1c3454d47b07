/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file copy.c  Cells from the tiles of one table to those of another. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/base_priv.h"
#include "base/files_priv.h"
#include "cube_priv.h"

enum { LONG_RUN = 128 << 10, BATCH = 1 << 20, AT_ONCE = 8 << 20 };

/** One call of mms_tiles_copy() while it works. */
typedef struct copying {
    const mms_tiles *in;
    mms_tiles *out;
    int64_t in_column, out_column;
    uint8_t *buffer; /**< BATCH bytes, or one cell */
    int64_t capacity;
    /* rows that are copied through memory, together */
    int64_t nrange, range_capacity, rows, first;
    mms_rows *ranges;
    place to;       /**< where the first of them goes */
    bool bits;      /**< as bits, not as values */
    int64_t moved;  /**< bytes, as whole tiles */
    int64_t shared; /**< bytes, in blocks */
} copying;

/** Copy a run of bytes through memory. */
static mms_status move_bytes(copying *c, const cube *from, int64_t at, const cube *to,
                             int64_t to_at, int64_t n, mms_error *err)
{
    mms_status st = mms_grow(&c->buffer, &c->capacity, BATCH, 1, err);

    while (st == MMS_OK && n > 0) {
        const int64_t piece = n < BATCH ? n : BATCH;
        st = file_read(c->in, from->file, at, piece, c->buffer, err);
        if (st == MMS_OK)
            st = file_write(c->out, to->file, to_at, piece, c->buffer, err);
        at += piece;
        to_at += piece;
        n -= piece;
    }
    return st;
}

/** The whole blocks of a run of bytes that both files could share; 0 where that does not pay. */
static int64_t whole_blocks(const copying *c, int64_t at, int64_t to_at, int64_t n, int64_t *skip)
{
    const int64_t block = c->out->share;

    if (block <= 0 || (at - to_at) % block)
        return 0;
    *skip = (block - at % block) % block;
    const int64_t bytes = (n - *skip) / block * block;
    return bytes >= SHARE_BLOCKS * block ? bytes : 0;
}

/** Let the kernel copy a long run of bytes, or share its blocks; the rest goes through memory. */
static mms_status copy_bytes(copying *c, const cube *from, int64_t at, const cube *to,
                             int64_t to_at, int64_t n, mms_error *err)
{
    int64_t skip;
    const int64_t blocks = whole_blocks(c, at, to_at, n, &skip);

    if (blocks && file_share(from->file, at + skip, to->file, to_at + skip, blocks)) {
        const int64_t done = skip + blocks;
        const mms_status st = move_bytes(c, from, at, to, to_at, skip, err);
        c->shared += blocks;
        return st != MMS_OK ? st : move_bytes(c, from, at + done, to, to_at + done, n - done, err);
    }
    while (n >= LONG_RUN && c->out->share >= 0) { // which may share on its own

        off_t in = at, out = to_at;
        const ssize_t done = copy_file_range(from->file->fd, &in, to->file->fd, &out,
                                             (size_t)(n < AT_ONCE ? n : AT_ONCE), 0);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            break;
        file_written(c->out, to->file, to_at, done);
        at += done;
        to_at += done;
        n -= done;
    }
    return move_bytes(c, from, at, to, to_at, n, err);
}

static bool same_shape(const cube *in, const cube *out)
{
    return in->ndim == out->ndim && !memcmp(in->cell, out->cell, sizeof in->cell);
}

/** Elements are the same bytes, or bits, in both files. */
static bool same_elements(const copying *c)
{
    const pixel *a = c->in->columns[c->in_column].pixel, *b = c->out->columns[c->out_column].pixel;
    return a == b && (a->word == 1 || c->in->swap == c->out->swap);
}

static bool same_tiles(const copying *c, const cube *in, const cube *out)
{
    return same_elements(c) && in->tile_rows == out->tile_rows &&
           !memcmp(in->tile, out->tile, sizeof in->tile);
}

/** Rows that fill whole tiles here and there, from the first on. */
static int64_t whole_rows(const place *from, const place *to)
{
    const int64_t rows = from->cube->tile_rows;

    return from->position % rows || to->position % rows ? 0 : to->count / rows * rows;
}

/** Copy the column's part of the tiles that hold rows as it is. */
static mms_status copy_tiles(copying *c, const place *from, const place *to, int64_t rows,
                             mms_error *err)
{
    const cube *in = from->cube, *out = to->cube;
    const int64_t tiles = rows / in->tile_rows * in->slab_tiles;
    const int64_t n = column_bytes(c->in, in, c->in_column);
    int64_t at = slab_at(c->in, in, c->in_column, from->position / in->tile_rows);
    int64_t to_at = slab_at(c->out, out, c->out_column, to->position / out->tile_rows);
    mms_status st = MMS_OK;

    c->moved += tiles * n;
    if (n == in->tile_bytes && n == out->tile_bytes)
        return copy_bytes(c, in, at, out, to_at, tiles * n, err);
    for (int64_t i = 0; st == MMS_OK && i < tiles; i++) {
        st = copy_bytes(c, in, at, out, to_at, n, err);
        at += in->tile_bytes;
        to_at += out->tile_bytes;
    }
    return st;
}

/** Copy the rows that are waiting as values. */
static mms_status copy_values(copying *c, int64_t n, mms_error *err)
{
    const mms_rows to = {c->first, c->rows};
    mms_status st;

    MMS_TRY(
        mms_grow(&c->buffer, &c->capacity, n * c->in->columns[c->in_column].pixel->size, 1, err));
    MMS_TRY(mms_tiles_read(c->in, c->in_column, c->nrange, c->ranges, n, c->buffer, err));
    MMS_TRY(mms_tiles_write(c->out, c->out_column, 1, &to, n, c->buffer, err));
done:
    return st;
}

/** Copy the rows that are waiting as bits. */
static mms_status copy_flags(copying *c, int64_t n, mms_error *err)
{
    const int64_t nvalue = c->to.cube->nvalue, at = c->to.position * nvalue;
    const int64_t bytes = (at % 8 + n + 7) / 8;
    mms_status st;

    MMS_TRY(mms_grow(&c->buffer, &c->capacity, bytes, 1, err));
    memset(c->buffer, 0, (size_t)bytes);
    MMS_TRY(read_bits(c->in, c->in_column, c->nrange, c->ranges, nvalue, c->buffer, at % 8, err));
    MMS_TRY(write_bits(c->out, c->out_column, c->to.cube, at, n, c->buffer, err));
done:
    return st;
}

/** Copy the rows that are waiting, through memory. */
static mms_status flush(copying *c, mms_error *err)
{
    mms_status st = MMS_OK;

    if (c->rows) {
        const int64_t n = c->rows * c->to.cube->nvalue;
        st = c->bits ? copy_flags(c, n, err) : copy_values(c, n, err);
    }
    c->nrange = c->rows = 0;
    return st;
}

/** Let rows wait until there are enough of them. */
static mms_status batch(copying *c, int64_t row, const place *to, int64_t count, int64_t out_row,
                        bool bits, mms_error *err)
{
    const int64_t size =
        (to->cube->nvalue * (bits ? 1 : c->in->columns[c->in_column].pixel->size * 8) + 7) / 8;
    int64_t done = 0;
    mms_status st = MMS_OK;

    while (st == MMS_OK && done < count) {
        const int64_t room = BATCH / size - c->rows;
        if (c->rows && (room < 1 || c->to.cube != to->cube || c->bits != bits ||
                        c->first + c->rows != out_row + done ||
                        c->to.position + c->rows != to->position + done)) {
            st = flush(c, err);
            continue;
        }
        const int64_t left = count - done, n = left < room ? left : room < 1 ? 1 : room;
        MMS_TRY(mms_grow(&c->ranges, &c->range_capacity, c->nrange + 1, sizeof *c->ranges, err));
        if (c->rows == 0) {
            c->first = out_row + done;
            c->to = (place){to->cube, to->position + done, 0};
            c->bits = bits;
        }
        c->ranges[c->nrange++] = (mms_rows){row + done, n};
        c->rows += n;
        done += n;
    }
done:
    return st;
}

/** Copy rows by whole tiles where those of both files begin at the same row; the rows before the
 *  first and after the last whole tile wait.  *done tells how many were taken. */
static mms_status take_tiles(copying *c, int64_t row, const place *from, const place *to,
                             int64_t out_row, int64_t *done, mms_error *err)
{
    const int64_t rows = from->cube->tile_rows, head = (rows - from->position % rows) % rows;
    const int64_t whole = whole_rows(from, to);

    if (whole) {
        *done = whole;
        return copy_tiles(c, from, to, whole, err);
    }
    if (from->position % rows == to->position % rows && head && head < to->count)
        *done = head;
    return batch(c, row, to, *done, out_row, false, err);
}

/** Copy rows that follow each other in a cube here and there; *done tells how many. */
static mms_status copy_run(copying *c, int64_t row, int64_t count, int64_t out_row, int64_t *done,
                           mms_error *err)
{
    const place from = place_of(c->in, row, count);
    const place to = place_of(c->out, out_row, from.count);
    mms_status st;

    *done = to.count;
    if (!from.cube && !to.cube)
        return flush(c, err); // undefined cells
    if (!from.cube || !to.cube || !same_shape(from.cube, to.cube))
        return mms_fail(err, MMS_ERR_INTERNAL, "%s: %s: cells of other shapes in a copy",
                        c->out->table, c->out->columns[c->out_column].name);
    const int64_t bits = row_bits(c->in, from.cube, c->in_column);
    const bool linear = same_elements(c) && is_linear(c->in, from.cube, c->in_column) &&
                        is_linear(c->out, to.cube, c->out_column);
    if (!linear)
        return same_tiles(c, from.cube, to.cube)
                   ? take_tiles(c, row, &from, &to, out_row, done, err)
                   : batch(c, row, &to, to.count, out_row, false, err);
    const int64_t at = from.cube->at + from.position * bits / 8, n = to.count * bits / 8;
    const int64_t to_at = to.cube->at + to.position * bits / 8;
    int64_t skip;
    if (bits % 8 || (n < LONG_RUN && !whole_blocks(c, at, to_at, n, &skip)))
        return batch(c, row, &to, to.count, out_row, c->in->columns[c->in_column].pixel->bits == 1,
                     err);
    st = flush(c, err);
    return st == MMS_OK ? copy_bytes(c, from.cube, at, to.cube, to_at, n, err) : st;
}

mms_status mms_tiles_copy(const mms_tiles *in, int64_t in_column, int64_t nrange,
                          const mms_rows *ranges, mms_tiles *out, int64_t out_column, int64_t first,
                          mms_error *err)
{
    copying c = {.in = in, .out = out, .in_column = in_column, .out_column = out_column};
    mms_status st = MMS_OK;

    for (int64_t i = 0; st == MMS_OK && i < nrange; i++)
        for (int64_t at = 0, done; st == MMS_OK && at < ranges[i].count; at += done, first += done)
            st = copy_run(&c, ranges[i].first + at, ranges[i].count - at, first, &done, err);
    if (st == MMS_OK)
        st = flush(&c, err);
    count_moved(out, c.moved, c.shared);
    free(c.buffer);
    free(c.ranges);
    return st;
}
