/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file map.c  What the readers of both kinds share: lists of a header, and the maps from rows to
 * buckets. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/base_priv.h"
#include "base/files_priv.h"
#include "bucket_priv.h"

mms_status broken(const parser *p, const char *what, mms_error *err)
{
    return mms_fail(err, MMS_ERR_TABLE, "%s is broken: %s", p->path, what);
}

mms_status unknown(const parser *p, const char *what, mms_error *err)
{
    return mms_fail(err, MMS_ERR_UNSUPPORTED, "%s: %s", p->path, what);
}

int64_t bucket_at(const mms_buckets *b, int64_t bucket)
{
    return BUCKETS_AT + bucket * b->bucket_bytes;
}

mms_status bucket_read_file(const mms_buckets *b, int64_t at, int64_t n, void *bytes,
                            mms_error *err)
{
    const int64_t got = mms_pread_all(b->fd, bytes, n, at);

    if (got < 0)
        return mms_fail_errno(err, errno, "%s", b->path);
    if (got < n)
        return mms_fail(err, MMS_ERR_TABLE, "%s ends at byte %" PRId64 ", its buckets do not",
                        b->path, at + got);
    return MMS_OK;
}

mms_status parse_block(parser *p, int64_t n, size_t width, int64_t **list, mms_error *err)
{
    (void)mms_stream_object(&p->s, "Block");
    const int64_t has = (int64_t)mms_stream_number(&p->s, 4);

    if (p->s.bad || n < 0 || has < n || (int64_t)((p->s.size - p->s.at) / width) < has)
        return broken(p, "a list of its buckets", err);
    *list = mms_alloc(n, sizeof **list);
    if (!*list)
        return mms_fail(err, MMS_ERR_MEM, "%s: out of memory", p->path);
    for (int64_t i = 0; i < n; i++)
        (*list)[i] = (int64_t)mms_stream_number(&p->s, width);
    p->s.at += (size_t)(has - n) * width;
    return MMS_OK;
}

mms_status check_size(const parser *p, mms_error *err)
{
    enum { LEAST_BUCKET = 16, MOST_BUCKET = 1 << 28 };
    const mms_buckets *b = p->b;

    if (p->s.bad || b->bucket_bytes < LEAST_BUCKET || b->bucket_bytes > MOST_BUCKET)
        return broken(p, "size of its buckets", err);
    const int64_t have = lseek(b->fd, 0, SEEK_END), need = bucket_at(b, b->nbucket);
    if (have < 0)
        return mms_fail_errno(err, errno, "%s", p->path);
    return have < need ? mms_fail(err, MMS_ERR_TABLE,
                                  "%s ends at byte %" PRId64 ", its buckets do not", p->path, have)
                       : MMS_OK;
}

mms_status check_map(const parser *p, const row_map *map, mms_error *err)
{
    const mms_buckets *b = p->b;

    if (b->nrow > 0 && (map->n == 0 || map->first[0] != 0))
        return broken(p, "its rows are not the table's", err);
    for (int64_t i = 0; b->nrow > 0 && i < map->n; i++) {
        const int64_t rows = map_end(b, map, i) - map->first[i];
        if (rows < 1 || (map->bucket_rows > 0 && rows > map->bucket_rows))
            return broken(p, "rows of a bucket", err);
        if (map->bucket[i] < 0 || map->bucket[i] >= b->nbucket)
            return broken(p, "number of a bucket", err);
    }
    return MMS_OK;
}

int64_t map_find(const mms_buckets *b, const row_map *map, int64_t row, int64_t near)
{
    enum { STEPS = 4 };
    int64_t low = 0, high = map->n - 1;

    if (map->first[near] <= row) {
        for (int i = 0; i < STEPS; i++, near++)
            if (row < map_end(b, map, near))
                return near;
        low = near;
    }
    while (low < high) {
        const int64_t mid = low + (high - low + 1) / 2;
        if (map->first[mid] <= row)
            low = mid;
        else
            high = mid - 1;
    }
    return low;
}

int64_t map_end(const mms_buckets *b, const row_map *map, int64_t entry)
{
    return entry + 1 < map->n ? map->first[entry + 1] : b->nrow;
}
