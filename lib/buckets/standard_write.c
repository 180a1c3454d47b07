/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file standard_write.c  StandardStMan: buckets of rows, then the map of rows, then the header.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/base_priv.h"
#include "base/elements_priv.h"
#include "base/files_priv.h"
#include "write_priv.h"

/** Hold all buckets up to that of a row in memory. */
static mms_status hold_buckets(mms_buckets_writer *w, int64_t row, mms_error *err)
{
    const mms_buckets *b = w->b;
    const int64_t need = (row / w->bucket_rows + 1 - b->nbucket) * b->bucket_bytes;
    const mms_status st = mms_grow(&w->bytes, &w->capacity, need, 1, err);

    if (st == MMS_OK && need > w->nbyte) {
        memset(w->bytes + w->nbyte, 0, (size_t)(need - w->nbyte));
        w->nbyte = need;
    }
    return st;
}

/** Put values into a bucket, from its row row on. */
static void pack(const mms_buckets *b, const bucket_column *c, const uint8_t *data, int64_t count,
                 int64_t row, uint8_t *bucket)
{
    uint8_t *to = bucket + c->offset;

    if (c->bits)
        mms_pack_bits(data, count, to, row);
    else if (b->swap && c->word > 1)
        mms_swap_copy(c->word, data, count * c->size, to + row * c->size);
    else
        memcpy(to + row * c->size, data, (size_t)(count * c->size));
}

mms_status standard_put(mms_buckets_writer *w, const bucket_column *c, mms_rows rows,
                        const uint8_t *data, mms_error *err)
{
    const mms_buckets *b = w->b;
    const int64_t end = rows.first + rows.count;
    mms_status st;

    if (rows.count == 0)
        return MMS_OK;
    if (rows.first < b->nbucket * w->bucket_rows)
        return mms_fail(err, MMS_ERR_INTERNAL, "%s: %s: rows that are written come again", b->table,
                        c->name);
    st = hold_buckets(w, end - 1, err);
    for (int64_t row = rows.first; st == MMS_OK && row < end;) {
        const int64_t in_bucket = row % w->bucket_rows, room = w->bucket_rows - in_bucket;
        const int64_t count = end - row < room ? end - row : room;
        uint8_t *bucket = w->bytes + (row / w->bucket_rows - b->nbucket) * b->bucket_bytes;
        pack(b, c, data, count, in_bucket, bucket);
        data += count * c->size;
        row += count;
    }
    return st;
}

/** Write the first n of the buckets that are held. */
static mms_status write_held(mms_buckets_writer *w, int64_t n, mms_error *err)
{
    mms_buckets *b = w->b;
    const int64_t bytes = n * b->bucket_bytes;
    assert(bytes <= w->nbyte);
    const mms_status st = bucket_write_file(b, bucket_at(b, b->nbucket), bytes, w->bytes, err);

    if (st != MMS_OK)
        return st;
    b->nbucket += n;
    w->nbyte -= bytes;
    if (w->nbyte > 0)
        memmove(w->bytes, w->bytes + bytes, (size_t)w->nbyte);
    return MMS_OK;
}

mms_status standard_advance(mms_buckets_writer *w, int64_t row, mms_error *err)
{
    const int64_t held = w->nbyte / w->b->bucket_bytes;
    const int64_t full = row / w->bucket_rows - w->b->nbucket, n = full < held ? full : held;

    return n > 0 ? write_held(w, n, err) : MMS_OK;
}

/** The number of buckets that the rows take. */
static int64_t count_buckets(const mms_buckets_writer *w)
{
    return (w->b->nrow + w->bucket_rows - 1) / w->bucket_rows;
}

static void put_free_space(mms_bytes *out, const mms_buckets_writer *w)
{
    const mms_buckets *b = w->b;
    int64_t used = 0;

    for (int64_t i = 0; i < b->ncolumn; i++) {
        const bucket_column *c = &b->columns[i];
        const int64_t end = c->offset + w->bucket_rows * (c->bits ? 1 : c->size * 8) / 8;
        used = end > used ? end : used;
    }
    const int64_t object = mms_bytes_begin(out, "SimpleOrderedMap", 1);
    mms_bytes_number(out, 0, 4); // its default
    mms_bytes_number(out, used < b->bucket_bytes, 4);
    mms_bytes_number(out, 1, 4); // its increment
    if (used < b->bucket_bytes) {
        mms_bytes_number(out, (uint64_t)used, 4);
        mms_bytes_number(out, (uint64_t)(b->bucket_bytes - used), 4);
    }
    mms_bytes_end(out, object);
}

/** The map of rows: last row and number of each bucket. */
static void put_map(mms_bytes *out, const mms_buckets_writer *w)
{
    const int64_t n = count_buckets(w);

    mms_bytes_magic(out);
    const int64_t object = mms_bytes_begin(out, "SSMIndex", 1);
    mms_bytes_number(out, (uint64_t)n, 4);
    mms_bytes_number(out, (uint64_t)w->bucket_rows, 4);
    mms_bytes_number(out, (uint64_t)w->b->ncolumn, 4);
    put_free_space(out, w);
    for (int list = 0; list < 2; list++) {
        const int64_t block = mms_bytes_begin(out, "Block", 1);
        mms_bytes_number(out, (uint64_t)n, 4);
        for (int64_t i = 0; i < n; i++) {
            const int64_t last = i + 1 < n ? (i + 1) * w->bucket_rows - 1 : w->b->nrow - 1;
            mms_bytes_number(out, (uint64_t)(list == 0 ? last : i), 4);
        }
        mms_bytes_end(out, block);
    }
    mms_bytes_end(out, object);
}

/** Write a map into a chain of buckets; each begins with the number of the next, twice. */
static mms_status write_chain(const mms_buckets *b, int64_t first, const mms_bytes *map, int64_t n,
                              mms_error *err)
{
    enum { CHAIN = 8 };
    const int64_t room = b->bucket_bytes - CHAIN;
    uint8_t *bucket = malloc((size_t)b->bucket_bytes);
    mms_status st = MMS_OK;

    if (!bucket || map->failed) {
        free(bucket);
        return mms_fail(err, MMS_ERR_MEM, "%s: out of memory", b->path);
    }
    for (int64_t i = 0; st == MMS_OK && i < n; i++) {
        const int64_t left = map->size - i * room;
        const int64_t next = i + 1 < n ? first + i + 1 : -1;
        memset(bucket, 0, (size_t)b->bucket_bytes);
        for (int k = 0; k < CHAIN; k++) // big-endian in all tables
            bucket[k] = (uint8_t)((uint32_t)next >> 8 * (3 - k % 4));
        memcpy(bucket + CHAIN, map->bytes + i * room, (size_t)(left < room ? left : room));
        st = bucket_write_file(b, bucket_at(b, first + i), b->bucket_bytes, bucket, err);
    }
    free(bucket);
    return st;
}

static mms_status write_header(const mms_buckets *b, int64_t nbucket, int64_t nmap,
                               int64_t map_bytes, mms_error *err)
{
    mms_bytes out = {.little = !b->big_endian};
    const int64_t object = begin_header(&out, b, "StandardStMan", 2);

    mms_bytes_number(&out, (uint64_t)b->bucket_bytes, 4);
    mms_bytes_number(&out, (uint64_t)(nbucket + nmap), 4);
    mms_bytes_number(&out, 2, 4);          // buckets that casacore's cache holds
    mms_bytes_number(&out, 0, 4);          // free buckets
    mms_bytes_number(&out, UINT32_MAX, 4); // the first one: none
    mms_bytes_number(&out, (uint64_t)nmap, 4);
    mms_bytes_number(&out, (uint64_t)nbucket, 4);
    mms_bytes_number(&out, 0, 4);          // its map has whole buckets
    mms_bytes_number(&out, UINT32_MAX, 4); // last bucket of texts: none
    mms_bytes_number(&out, (uint64_t)map_bytes, 4);
    mms_bytes_number(&out, 1, 4); // number of maps
    mms_bytes_end(&out, object);
    return write_bytes(b, 0, &out, err);
}

mms_status standard_finish(mms_buckets_writer *w, mms_error *err)
{
    const mms_buckets *b = w->b;
    const int64_t nbucket = count_buckets(w);
    mms_bytes map = {.little = !b->big_endian};
    mms_status st;

    MMS_TRY(write_held(w, w->nbyte / b->bucket_bytes, err));
    put_map(&map, w);
    const int64_t room = b->bucket_bytes - 8, nmap = (map.size + room - 1) / room;
    MMS_TRY(write_chain(b, nbucket, &map, nmap, err)); // buckets without values before it are holes
    MMS_TRY(write_header(b, nbucket, nmap, map.size, err));
done:
    free(map.bytes);
    return st;
}
