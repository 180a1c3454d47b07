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
    int64_t nrange, range_capacity, rows, nvalue, first;
    mms_rows *ranges;
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

/** Let the kernel copy a run of bytes; what it can't copy goes through memory. */
static mms_status copy_bytes(copying *c, const cube *from, int64_t at, const cube *to,
                             int64_t to_at, int64_t n, mms_error *err)
{
    while (n > 0) {
        off_t in = at, out = to_at;
        const ssize_t done = copy_file_range(from->file->fd, &in, to->file->fd, &out,
                                             (size_t)(n < AT_ONCE ? n : AT_ONCE), 0);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return move_bytes(c, from, at, to, to_at, n, err);
        file_written(c->out, to->file, to_at, done);
        at += done;
        to_at += done;
        n -= done;
    }
    return MMS_OK;
}

static bool same_shape(const cube *in, const cube *out)
{
    return in->ndim == out->ndim && !memcmp(in->cell, out->cell, sizeof in->cell);
}

static bool same_bytes(const copying *c, const cube *in, const cube *out)
{
    const pixel *a = c->in->columns[c->in_column].pixel, *b = c->out->columns[c->out_column].pixel;
    return a == b && is_linear(c->in, in, c->in_column) && is_linear(c->out, out, c->out_column) &&
           in->nvalue == out->nvalue && (a->word == 1 || c->in->swap == c->out->swap);
}

/** Copy the rows that are waiting, through memory. */
static mms_status flush(copying *c, mms_error *err)
{
    const mms_rows to = {c->first, c->rows};
    mms_status st = MMS_OK;

    if (c->rows == 0)
        return MMS_OK;
    const int64_t n = c->rows * c->nvalue;
    MMS_TRY(
        mms_grow(&c->buffer, &c->capacity, n * c->in->columns[c->in_column].pixel->size, 1, err));
    MMS_TRY(mms_tiles_read(c->in, c->in_column, c->nrange, c->ranges, n, c->buffer, err));
    MMS_TRY(mms_tiles_write(c->out, c->out_column, 1, &to, n, c->buffer, err));
    c->nrange = c->rows = 0;
done:
    return st;
}

/** Let rows wait until there are enough of them. */
static mms_status batch(copying *c, int64_t row, int64_t count, int64_t out_row, int64_t nvalue,
                        mms_error *err)
{
    const int64_t size = nvalue * c->in->columns[c->in_column].pixel->size;
    mms_status st = MMS_OK;

    while (st == MMS_OK && count > 0) {
        const int64_t room = BATCH / size - c->rows;
        if (c->rows && (room < 1 || c->nvalue != nvalue || c->first + c->rows != out_row)) {
            st = flush(c, err);
            continue;
        }
        const int64_t n = count < room ? count : room < 1 ? 1 : room;
        MMS_TRY(mms_grow(&c->ranges, &c->range_capacity, c->nrange + 1, sizeof *c->ranges, err));
        if (c->rows == 0)
            c->first = out_row;
        c->ranges[c->nrange++] = (mms_rows){row, n};
        c->nvalue = nvalue;
        c->rows += n;
        row += n;
        out_row += n;
        count -= n;
    }
done:
    return st;
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
    const int64_t bytes = row_bytes(c->in, from.cube, c->in_column);
    if (!same_bytes(c, from.cube, to.cube) || to.count * bytes < LONG_RUN)
        return batch(c, row, to.count, out_row, from.cube->nvalue, err);
    st = flush(c, err);
    if (st != MMS_OK)
        return st;
    return copy_bytes(c, from.cube, from.cube->at + from.position * bytes, to.cube,
                      to.cube->at + to.position * bytes, to.count * bytes, err);
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
    free(c.buffer);
    free(c.ranges);
    return st;
}
