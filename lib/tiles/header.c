/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file header.c  The header file of a tiled storage manager (casacore's AipsIO). */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/base_priv.h"
#include "base/files_priv.h"
#include "base/stream_priv.h"
#include "cube_priv.h"

enum { EMPTY_RECORD = 48, MOST_HEADER = 1 << 30 };

/** A header while it is read. */
typedef struct parser {
    mms_tiles *t;
    mms_stream s;
    const char *path;
    bool wide; /**< counts of 8 bytes */
} parser;

static mms_status broken(const parser *p, const char *what, mms_error *err)
{
    return mms_fail(err, MMS_ERR_TABLE, "%s is broken: %s", p->path, what);
}

static mms_status unknown(const parser *p, const char *what, mms_error *err)
{
    return mms_fail(err, MMS_ERR_UNSUPPORTED, "%s: %s", p->path, what);
}

static int64_t count(parser *p)
{
    const uint64_t n = mms_stream_number(&p->s, p->wide ? 8 : 4);
    return n > INT64_MAX ? -1 : (int64_t)n;
}

/** Read a shape of at most most axes; returns their number, -1 when there are more. */
static int32_t get_shape(parser *p, int32_t most, int64_t *shape)
{
    const uint64_t version = mms_stream_object(&p->s, "IPosition");
    const uint64_t n = mms_stream_number(&p->s, 4);

    if (version < 1 || version > 2 || n > (uint64_t)most) {
        p->s.bad = true;
        return -1;
    }
    for (uint64_t i = 0; i < n; i++)
        shape[i] = version == 1 ? (int32_t)mms_stream_number(&p->s, 4)
                                : (int64_t)mms_stream_number(&p->s, 8);
    return (int32_t)n;
}

/** The kinds of elements are those that the table names, in any order. */
static bool same_types(parser *p)
{
    mms_tiles *t = p->t;
    int64_t left[32] = {0};

    for (int64_t i = 0; i < t->ncolumn; i++)
        left[t->columns[i].pixel->code]++;
    for (int64_t i = 0; i < t->ncolumn; i++) {
        const uint64_t code = mms_stream_number(&p->s, 4);
        if (code >= 32 || left[code]-- == 0)
            return false;
    }
    return !p->s.bad;
}

/** The part that says what the manager is. */
static mms_status get_identity(parser *p, mms_error *err)
{
    mms_tiles *t = p->t;
    const uint64_t version = mms_stream_object(&p->s, "TiledStMan");

    if (p->s.bad)
        return broken(p, "no TiledStMan in it", err);
    if (version < 1 || version > 3)
        return unknown(p, "a version of TiledStMan that is not known", err);
    p->wide = version == 3;
    const bool big = version == 1 || mms_stream_number(&p->s, 1) != 0;
    if (big != t->big_endian)
        return unknown(p, "its byte order is not the table's", err);
    if ((int64_t)mms_stream_number(&p->s, 4) != t->sequence)
        return broken(p, "its sequence number is not the table's", err);
    if (count(p) != t->nrow)
        return broken(p, "its number of rows is not the table's", err);
    if ((int64_t)mms_stream_number(&p->s, 4) != t->ncolumn)
        return unknown(p, "it has other columns than its data columns", err);
    if (!same_types(p))
        return broken(p, "its types are not the table's", err);
    free(mms_stream_text(&p->s)); // name of the hypercolumn
    (void)count(p);               // size of casacore's cache
    const int64_t axes = (int64_t)mms_stream_number(&p->s, 4) - !t->by_row;
    if (axes < 1 || axes > MMS_MAX_DIM)
        return unknown(p, "its number of axes", err);
    t->ndim = (int32_t)axes;
    return MMS_OK;
}

static mms_status get_files(parser *p, mms_error *err)
{
    mms_tiles *t = p->t;
    const int64_t n = count(p);

    if (p->s.bad || n < 0 || n > (int64_t)p->s.size)
        return broken(p, "number of files", err);
    while (t->nfile < n && !p->s.bad) {
        tile_file *f;
        const mms_status st = add_file(t, &f, err);
        if (st != MMS_OK)
            return st;
        if (!mms_stream_number(&p->s, 1))
            continue;
        const uint64_t version = mms_stream_number(&p->s, 4);
        if ((int64_t)mms_stream_number(&p->s, 4) != f->number || version < 1 || version > 2)
            return broken(p, "number of a file", err);
        f->bytes = (int64_t)mms_stream_number(&p->s, version == 1 ? 4 : 8);
        f->there = true;
    }
    return p->s.bad ? broken(p, "it ends early", err) : MMS_OK;
}

/** Shapes of a cube: those of its cells and tiles, and its rows. */
static mms_status get_cube_shapes(parser *p, cube *c, mms_error *err)
{
    const mms_tiles *t = p->t;
    int64_t shape[MMS_MAX_DIM + 1], tile[MMS_MAX_DIM + 1];
    const int32_t n = get_shape(p, MMS_MAX_DIM + 1, shape);
    const int32_t ntile = get_shape(p, MMS_MAX_DIM + 1, tile);
    const int32_t axes = t->ndim + !t->by_row;

    if (p->s.bad || n != ntile || (n != 0 && n != axes))
        return broken(p, "axes of a cube", err);
    if (n == 0)
        return MMS_OK;
    c->ndim = t->ndim;
    for (int32_t i = 0; i < c->ndim; i++) {
        c->cell[i] = shape[i];
        c->tile[i] = tile[i];
    }
    c->nrow = t->by_row ? 1 : shape[n - 1];
    c->tile_rows = t->by_row ? 1 : tile[n - 1];
    return MMS_OK;
}

static mms_status get_cube(parser *p, cube *c, mms_error *err)
{
    const uint64_t version = mms_stream_number(&p->s, 4);
    mms_status st;

    if (version < 1 || version > 2)
        return p->s.bad ? broken(p, "it ends early", err)
                        : unknown(p, "a version of its cubes that is not known", err);
    if (mms_stream_skip(&p->s) != EMPTY_RECORD) // values of ids and coordinates
        return p->s.bad ? broken(p, "it ends early", err)
                        : unknown(p, "its cubes have ids or coordinates", err);
    mms_stream_number(&p->s, 1); // extensible
    mms_stream_number(&p->s, 4); // number of axes, again
    st = get_cube_shapes(p, c, err);
    if (st != MMS_OK)
        return st;
    const int64_t file = (int32_t)mms_stream_number(&p->s, 4);
    c->at = (int64_t)mms_stream_number(&p->s, version == 1 ? 4 : 8);
    if (p->s.bad)
        return broken(p, "it ends early", err);
    if (c->ndim == 0)
        return MMS_OK;
    if (!cube_measure(p->t, c) || c->at < 0)
        return broken(p, "size of a cube", err);
    if (file < 0 || file >= p->t->nfile || !p->t->files[file]->there)
        return broken(p, "file of a cube", err);
    c->file = p->t->files[file];
    return MMS_OK;
}

static mms_status get_cubes(parser *p, mms_error *err)
{
    mms_tiles *t = p->t;
    const int64_t n = count(p);

    if (p->s.bad || n < 0 || n > (int64_t)p->s.size / EMPTY_RECORD)
        return broken(p, "number of cubes", err);
    if (t->by_row ? n != t->nrow : n < 1)
        return broken(p, "number of cubes", err);
    while (t->ncube < n) {
        cube *c;
        mms_status st = add_cube(t, &c, err);
        if (st == MMS_OK)
            st = get_cube(p, c, err);
        if (st != MMS_OK)
            return st;
    }
    if (!t->by_row && !t->by_span && (!t->cubes[0]->ndim || t->cubes[0]->nrow < t->nrow))
        return broken(p, "rows of its cube", err);
    return MMS_OK;
}

/** Read one of the three lists of the row map into a field of the spans. */
static bool get_block(parser *p, int64_t n, size_t field)
{
    (void)mms_stream_object(&p->s, "Block");
    if ((int64_t)mms_stream_number(&p->s, 4) < n || p->s.bad)
        return false;
    for (int64_t i = 0; i < n; i++)
        *(int64_t *)((char *)&p->t->spans[i] + field) = (int64_t)mms_stream_number(&p->s, 4);
    return !p->s.bad;
}

static bool good_spans(const mms_tiles *t)
{
    int64_t before = -1;

    for (int64_t i = 0; i < t->nspan; i++) {
        const span *s = &t->spans[i];
        const int64_t rows = s->last - before;
        if (rows < 1 || s->last >= t->nrow || s->cube >= t->ncube)
            return false;
        const cube *c = t->cubes[s->cube];
        if (c->ndim && (s->position >= c->nrow || s->position < rows - 1))
            return false;
        before = s->last;
    }
    return true;
}

/** The map from rows to cubes: last row, cube and place of each span. */
static mms_status get_spans(parser *p, mms_error *err)
{
    mms_tiles *t = p->t;
    int64_t tile[MMS_MAX_DIM + 1];

    (void)get_shape(p, MMS_MAX_DIM + 1, tile); // the default tile
    const int64_t n = (int64_t)mms_stream_number(&p->s, 4);
    if (p->s.bad || n > (int64_t)p->s.size / 12)
        return broken(p, "number of row intervals", err);
    t->spans = mms_alloc(n, sizeof *t->spans);
    if (!t->spans)
        return mms_fail(err, MMS_ERR_MEM, "%s: out of memory", p->path);
    t->nspan = n;
    if (!get_block(p, n, offsetof(span, last)) || !get_block(p, n, offsetof(span, cube)) ||
        !get_block(p, n, offsetof(span, position)) || !good_spans(t))
        return broken(p, "row map", err);
    return MMS_OK;
}

static mms_status parse(parser *p, mms_error *err)
{
    mms_tiles *t = p->t;
    int64_t tile[MMS_MAX_DIM + 1];
    uint64_t version;
    mms_status st;

    if (!mms_stream_magic(&p->s))
        return broken(p, "it does not begin as casacore's files do", err);
    version = mms_stream_object(&p->s, t->type);
    if (p->s.bad)
        return broken(p, "it is of another storage manager", err);
    if (version != 1)
        return unknown(p, "a version that is not known", err);
    if (!t->by_span)
        (void)get_shape(p, MMS_MAX_DIM + 1, tile);
    MMS_TRY(get_identity(p, err));
    MMS_TRY(get_files(p, err));
    MMS_TRY(get_cubes(p, err));
    if (t->by_span)
        MMS_TRY(get_spans(p, err));
done:
    return st;
}

mms_status header_parse(mms_tiles *t, const uint8_t *bytes, size_t size, const char *path,
                        mms_error *err)
{
    parser p = {.t = t, .s = {.bytes = bytes, .size = size}, .path = path};
    return parse(&p, err);
}

/** The files are there and as long as their cubes. */
static mms_status open_files(mms_tiles *t, mms_error *err)
{
    mms_status st = MMS_OK;

    for (int64_t i = 0; st == MMS_OK && i < t->nfile; i++)
        if (t->files[i]->there)
            st = file_open(t, t->files[i], false, err);
    for (int64_t i = 0; st == MMS_OK && i < t->ncube; i++) {
        const cube *c = t->cubes[i];
        if (c->ndim)
            st = file_check(t, c->file,
                            c->at + (c->nrow + c->tile_rows - 1) / c->tile_rows * c->slab_tiles *
                                        c->tile_bytes,
                            err);
    }
    return st;
}

mms_status header_read(mms_tiles *t, mms_error *err)
{
    char *path = tiles_path(t, -1);
    uint8_t *bytes = NULL;
    size_t size;
    mms_status st = MMS_OK;

    if (!path)
        return mms_fail(err, MMS_ERR_MEM, "%s: out of memory", t->table);
    MMS_TRY(mms_read_file(path, MOST_HEADER, &bytes, &size, err));
    MMS_TRY(header_parse(t, bytes, size, path, err));
    MMS_TRY(open_files(t, err));
done:
    free(bytes);
    free(path);
    return st;
}

mms_status mms_tiles_open(const mms_tiles_what *what, mms_tiles **out, mms_error *err)
{
    mms_tiles *t;
    mms_status st = tiles_new(what, &t, err);

    *out = NULL;
    if (st != MMS_OK)
        return st;
    st = header_read(t, err);
    if (st == MMS_OK)
        *out = t;
    else
        mms_tiles_drop(&t);
    return st;
}

static void put_shape(mms_bytes *b, int32_t n, const int64_t *shape)
{
    int width = 4;

    for (int32_t i = 0; i < n; i++)
        width = shape[i] > INT32_MAX ? 8 : width;
    const int64_t object = mms_bytes_begin(b, "IPosition", width == 8 ? 2 : 1);
    mms_bytes_number(b, (uint64_t)n, 4);
    for (int32_t i = 0; i < n; i++)
        mms_bytes_number(b, (uint64_t)shape[i], width);
    mms_bytes_end(b, object);
}

static void put_empty_record(mms_bytes *b)
{
    const int64_t record = mms_bytes_begin(b, "Record", 1);
    const int64_t desc = mms_bytes_begin(b, "RecordDesc", 2);
    mms_bytes_number(b, 0, 4);
    mms_bytes_end(b, desc);
    mms_bytes_number(b, 1, 4);
    mms_bytes_end(b, record);
}

static void put_cube(mms_bytes *b, const cube *c)
{
    int64_t shape[MMS_MAX_DIM + 1], tile[MMS_MAX_DIM + 1];
    const int32_t n = c->ndim ? c->ndim + 1 : 0;

    memcpy(shape, c->cell, sizeof c->cell);
    memcpy(tile, c->tile, sizeof c->tile);
    shape[c->ndim] = c->nrow;
    tile[c->ndim] = c->tile_rows;
    mms_bytes_number(b, 1, 4);
    put_empty_record(b);
    mms_bytes_number(b, c->ndim > 0, 1);
    mms_bytes_number(b, (uint64_t)n, 4);
    put_shape(b, n, shape);
    put_shape(b, n, tile);
    mms_bytes_number(b, c->file ? (uint64_t)c->file->number : UINT32_MAX, 4);
    mms_bytes_number(b, (uint64_t)c->at, 4); // each cube has a file: less than a block
}

static void put_files(mms_bytes *b, const mms_tiles *t)
{
    mms_bytes_number(b, (uint64_t)t->nfile, 4);
    for (int64_t i = 0; i < t->nfile; i++) {
        const tile_file *f = t->files[i];
        const int wide = f->bytes > INT32_MAX;
        mms_bytes_number(b, f->there, 1);
        if (!f->there)
            continue;
        mms_bytes_number(b, wide ? 2 : 1, 4);
        mms_bytes_number(b, (uint64_t)i, 4);
        mms_bytes_number(b, (uint64_t)f->bytes, wide ? 8 : 4);
    }
}

/** casacore's TiledStMan object. */
static void put_base(mms_bytes *b, const mms_tiles *t)
{
    const int64_t object = mms_bytes_begin(b, "TiledStMan", t->big_endian ? 1 : 2);

    if (!t->big_endian)
        mms_bytes_number(b, 0, 1);
    mms_bytes_number(b, (uint64_t)t->sequence, 4);
    mms_bytes_number(b, (uint64_t)t->nrow, 4);
    mms_bytes_number(b, (uint64_t)t->ncolumn, 4);
    for (int64_t i = 0; i < t->ncolumn; i++)
        mms_bytes_number(b, (uint64_t)t->columns[i].pixel->code, 4);
    mms_bytes_text(b, t->name);
    mms_bytes_number(b, 0, 4); // no limit for casacore's cache
    mms_bytes_number(b, (uint64_t)t->ndim + 1, 4);
    put_files(b, t);
    mms_bytes_number(b, (uint64_t)t->ncube, 4);
    for (int64_t i = 0; i < t->ncube; i++)
        put_cube(b, t->cubes[i]);
    mms_bytes_end(b, object);
}

static void put_block(mms_bytes *b, const mms_tiles *t, size_t field)
{
    const int64_t object = mms_bytes_begin(b, "Block", 1);
    mms_bytes_number(b, (uint64_t)t->nspan, 4);
    for (int64_t i = 0; i < t->nspan; i++)
        mms_bytes_number(b, (uint64_t) * (const int64_t *)((const char *)&t->spans[i] + field), 4);
    mms_bytes_end(b, object);
}

static void put_default_tile(mms_bytes *b, const mms_tiles *t)
{
    int64_t tile[MMS_MAX_DIM + 1];

    for (int32_t i = 0; i < t->ntile; i++)
        tile[i] = t->default_tile[t->ntile - 1 - i];
    put_shape(b, t->ntile, tile);
}

mms_status header_write(const mms_tiles *t, mms_error *err)
{
    mms_bytes b = {0};
    char *path = tiles_path(t, -1);
    mms_status st;

    mms_bytes_magic(&b);
    const int64_t object = mms_bytes_begin(&b, t->type, 1);
    if (!t->by_span)
        put_default_tile(&b, t);
    put_base(&b, t);
    if (t->by_span) {
        put_default_tile(&b, t);
        mms_bytes_number(&b, (uint64_t)t->nspan, 4);
        put_block(&b, t, offsetof(span, last));
        put_block(&b, t, offsetof(span, cube));
        put_block(&b, t, offsetof(span, position));
    }
    mms_bytes_end(&b, object);
    st = path ? mms_bytes_write(&b, path, err)
              : mms_fail(err, MMS_ERR_MEM, "%s: out of memory", t->table);
    free(b.bytes);
    free(path);
    return st;
}
