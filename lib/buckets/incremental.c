/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file incremental.c  IncrementalStMan: header, map of rows, values. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/base_priv.h"
#include "base/elements_priv.h"
#include "base/files_priv.h"
#include "bucket_priv.h"

/* ---- the file ---------------------------------------------------------------------------------*/

static mms_status parse_header(parser *p, mms_error *err)
{
    mms_stream *s = &p->s;
    mms_buckets *b = p->b;

    if (!mms_stream_magic(s))
        return broken(p, "it does not begin as casacore's files do", err);
    const uint64_t version = mms_stream_object(s, "IncrementalStMan");
    if (s->bad)
        return broken(p, "it is of another storage manager, or byte order", err);
    if (version < 1 || version > 5)
        return unknown(p, "a version that is not known", err);
    const bool big = version < 5 || mms_stream_number(s, 1) != 0;
    if (big != b->big_endian)
        return broken(p, "its byte order is not the table's", err);
    b->bucket_bytes = (int64_t)mms_stream_number(s, 4);
    b->nbucket = (int64_t)mms_stream_number(s, 4);
    return check_size(p, err);
}

/** The map has one more row than buckets: the rows of the table. */
static mms_status parse_map(parser *p, row_map *map, mms_error *err)
{
    mms_stream *s = &p->s;
    mms_status st;

    if (!mms_stream_magic(s))
        return broken(p, "its row map", err);
    const uint64_t version = mms_stream_object(s, "ISMIndex");
    if (s->bad)
        return broken(p, "its row map", err);
    if (version < 1 || version > 2)
        return unknown(p, "a version of its row map that is not known", err);
    map->n = (int64_t)mms_stream_number(s, 4);
    MMS_TRY(parse_block(p, map->n + 1, version == 1 ? 4 : 8, &map->first, err));
    MMS_TRY(parse_block(p, map->n, 4, &map->bucket, err));
    if (map->first[map->n] != p->b->nrow)
        MMS_TRY(broken(p, "its rows are not the table's", err));
    MMS_TRY(check_map(p, map, err));
done:
    return st;
}

/** The map is behind the buckets. */
static mms_status read_map(parser *p, uint8_t **bytes, mms_error *err)
{
    mms_buckets *b = p->b;
    const int64_t at = bucket_at(b, b->nbucket), size = lseek(b->fd, 0, SEEK_END) - at;
    mms_status st;

    if (size < 0 || size > MOST_INDEX)
        return broken(p, "size of its row map", err);
    *bytes = malloc((size_t)size + 1);
    b->maps = mms_alloc(1, sizeof *b->maps);
    b->held_bytes = malloc((size_t)b->bucket_bytes);
    if (!*bytes || !b->maps || !b->held_bytes)
        return mms_fail(err, MMS_ERR_MEM, "%s: out of memory", b->path);
    b->nmap = 1;
    st = bucket_read_file(b, at, size, *bytes, err);
    p->s = (mms_stream){.bytes = *bytes, .size = (size_t)size, .little = !b->big_endian};
    return st == MMS_OK ? parse_map(p, &b->maps[0], err) : st;
}

mms_status incremental_parse(mms_buckets *b, mms_error *err)
{
    uint8_t start[BUCKETS_AT], *bytes = NULL;
    parser p = {.b = b, .path = b->path};
    mms_status st;

    MMS_TRY(bucket_read_file(b, 0, sizeof start, start, err));
    p.s = (mms_stream){.bytes = start, .size = sizeof start, .little = !b->big_endian};
    MMS_TRY(parse_header(&p, err));
    MMS_TRY(read_map(&p, &bytes, err));
done:
    free(bytes);
    return st;
}

/* ---- values -----------------------------------------------------------------------------------*/

/** The values of a column in a bucket: from row rows[i] of the bucket on it is the one at
 *  offsets[i]. */
typedef struct changes {
    const mms_buckets *b;
    int64_t n, width;         /**< width: bytes of a row */
    int64_t data, data_bytes; /**< where the values are in the bucket */
    const uint8_t *rows, *offsets;
} changes;

static uint32_t number_at(const mms_buckets *b, const uint8_t *bytes)
{
    uint32_t v;
    memcpy(&v, bytes, sizeof v);
    return b->swap ? __builtin_bswap32(v) : v;
}

static int64_t wide_number_at(const mms_buckets *b, const uint8_t *bytes)
{
    uint64_t v;
    memcpy(&v, bytes, sizeof v);
    return (int64_t)(b->swap ? __builtin_bswap64(v) : v);
}

static int64_t change_row(const changes *k, int64_t i)
{
    const uint8_t *at = k->rows + i * k->width;
    return k->width == 4 ? number_at(k->b, at) : wide_number_at(k->b, at);
}

static mms_status broken_bucket(const mms_buckets *b, mms_error *err)
{
    return mms_fail(err, MMS_ERR_TABLE, "%s is broken: bucket %" PRId64, b->path, b->held);
}

/** Find a column's changes in the bucket that is held. */
static mms_status find_changes(const mms_buckets *b, int64_t column, changes *k, mms_error *err)
{
    static const uint32_t wide = 0x80000000, place = 0x0fffffff;
    const uint8_t *bytes = b->held_bytes;
    const uint32_t head = number_at(b, bytes);
    int64_t at = head & place;

    *k = (changes){.b = b, .width = head & wide ? 8 : 4, .data = 4, .data_bytes = at - 4};
    for (int64_t c = 0; c <= column; c++) {
        if (at < 4 || at > b->bucket_bytes - 4)
            return broken_bucket(b, err);
        k->n = number_at(b, bytes + at);
        k->rows = bytes + at + 4;
        k->offsets = k->rows + k->n * k->width;
        if (k->n > (b->bucket_bytes - at - 4) / (k->width + 4))
            return broken_bucket(b, err);
        at += 4 + k->n * (k->width + 4);
    }
    return k->n > 0 && change_row(k, 0) == 0 ? MMS_OK : broken_bucket(b, err);
}

/** The last change at or before a row of the bucket; near: one that may be close before it. */
static int64_t change_before(const changes *k, int64_t row, int64_t near)
{
    enum { STEPS = 4 };
    int64_t low = 0, high = k->n - 1;

    if (change_row(k, near) <= row) {
        for (int i = 0; i < STEPS; i++, near++)
            if (near == high || change_row(k, near + 1) > row)
                return near;
        low = near;
    }
    while (low < high) {
        const int64_t mid = low + (high - low + 1) / 2;
        if (change_row(k, mid) <= row)
            low = mid;
        else
            high = mid - 1;
    }
    return low;
}

/** The value of a change, as it is in memory. */
static mms_status change_value(const changes *k, const bucket_column *c, int64_t i, uint8_t *value,
                               mms_error *err)
{
    const int64_t offset = number_at(k->b, k->offsets + 4 * i);
    const uint8_t *bytes = k->b->held_bytes + k->data + offset;

    if (offset > k->data_bytes - c->size)
        return broken_bucket(k->b, err);
    if (c->bits)
        *value = *bytes & 1;
    else if (k->b->swap && c->word > 1)
        mms_swap_copy(c->word, bytes, c->size, value);
    else
        memcpy(value, bytes, (size_t)c->size);
    return MMS_OK;
}

/** Write a value n times. */
static void repeat(const uint8_t *value, int32_t size, int64_t n, uint8_t *out)
{
    if (size == 1)
        memset(out, *value, (size_t)n);
    else if (size == 8)
        for (int64_t i = 0; i < n; i++)
            memcpy(out + 8 * i, value, 8);
    else if (size == 4)
        for (int64_t i = 0; i < n; i++)
            memcpy(out + 4 * i, value, 4);
    else
        for (int64_t i = 0; i < n; i++)
            memcpy(out + i * size, value, (size_t)size);
}

/** Read rows [row, end) of the bucket that is held; *near: the change that was used last. */
static mms_status read_changes(const changes *k, const bucket_column *c, int64_t row, int64_t end,
                               int64_t *near, uint8_t *out, mms_error *err)
{
    for (int64_t i = change_before(k, row, *near); row < end; i++) {
        uint8_t value[16];
        const int64_t next = i + 1 < k->n ? change_row(k, i + 1) : end;
        const int64_t stop = next < end ? next : end;
        const mms_status st = change_value(k, c, i, value, err);
        if (st != MMS_OK)
            return st;
        if (stop <= row)
            return broken_bucket(k->b, err);
        repeat(value, c->size, stop - row, out);
        out += (stop - row) * c->size;
        row = stop;
        *near = i;
    }
    return MMS_OK;
}

static mms_status hold(mms_buckets *b, int64_t bucket, mms_error *err)
{
    if (b->held == bucket)
        return MMS_OK;
    b->held = -1;
    const mms_status st =
        bucket_read_file(b, bucket_at(b, bucket), b->bucket_bytes, b->held_bytes, err);
    if (st == MMS_OK)
        b->held = bucket;
    return st;
}

/** Where a read of a column has come to. */
typedef struct progress {
    int64_t entry; /**< of the map; -1: none yet */
    changes k;     /**< in its bucket */
    int64_t near;
    uint8_t *out;
} progress;

/** Go to the bucket of a row. */
static mms_status go_to(mms_buckets *b, int64_t column, int64_t row, progress *p, mms_error *err)
{
    const row_map *map = &b->maps[0];
    const int64_t entry = map_find(b, map, row, p->entry < 0 ? 0 : p->entry);
    mms_status st;

    if (entry == p->entry)
        return MMS_OK;
    MMS_TRY(hold(b, map->bucket[entry], err));
    MMS_TRY(find_changes(b, column, &p->k, err));
    p->entry = entry;
    p->near = 0;
done:
    return st;
}

static mms_status read_range(mms_buckets *b, int64_t column, mms_rows rows, progress *p,
                             mms_error *err)
{
    const bucket_column *c = &b->columns[column];
    const int64_t end = rows.first + rows.count;

    for (int64_t row = rows.first; row < end;) {
        mms_status st = go_to(b, column, row, p, err);
        if (st != MMS_OK)
            return st;
        const int64_t first = b->maps[0].first[p->entry], last = map_end(b, &b->maps[0], p->entry);
        const int64_t stop = last < end ? last : end;
        st = read_changes(&p->k, c, row - first, stop - first, &p->near, p->out, err);
        if (st != MMS_OK)
            return st;
        p->out += (stop - row) * c->size;
        row = stop;
    }
    return MMS_OK;
}

mms_status incremental_read(mms_buckets *b, int64_t column, int64_t nrange, const mms_rows *ranges,
                            uint8_t *out, mms_error *err)
{
    progress p = {.entry = -1, .out = out};
    mms_status st = MMS_OK;

    pthread_mutex_lock(&b->lock);
    for (int64_t i = 0; st == MMS_OK && i < nrange; i++)
        st = read_range(b, column, ranges[i], &p, err);
    pthread_mutex_unlock(&b->lock);
    return st;
}
