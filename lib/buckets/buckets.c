/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file buckets.c  Open and close a manager; what its two kinds share. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/base_priv.h"
#include "base/files_priv.h"
#include "bucket_priv.h"

static bool set_column(bucket_column *to, const mms_buckets_column *from)
{
    to->name = strdup(from->name);
    to->usable = from->scalar && mms_dtype_size(from->dtype) > 0;
    to->bits = from->dtype == MMS_DT_BOOL;
    to->size = to->word = (int32_t)mms_dtype_size(from->dtype);
    if (from->dtype == MMS_DT_COMPLEX || from->dtype == MMS_DT_DCOMPLEX)
        to->word /= 2;
    return to->name;
}

mms_status buckets_new(const mms_buckets_what *what, mms_buckets **out, mms_error *err)
{
    const uint16_t one = 1;
    const bool host_is_big = *(const uint8_t *)&one == 0;
    mms_buckets *b = calloc(1, sizeof *b);
    bool fine;

    *out = NULL;
    if (!b)
        return mms_fail(err, MMS_ERR_MEM, "%s: out of memory", what->table);
    pthread_mutex_init(&b->lock, NULL);
    b->fd = -1;
    b->held = -1;
    b->table = strdup(what->table);
    b->name = strdup(what->name);
    b->path = mms_format("%s/table.f%" PRId64, what->table, what->sequence);
    b->sequence = what->sequence;
    b->nrow = what->nrow;
    b->incremental = !strcmp(what->type, "IncrementalStMan");
    b->big_endian = what->big_endian;
    b->swap = what->big_endian != host_is_big;
    b->columns = mms_alloc(what->ncolumn, sizeof *b->columns);
    fine = b->table && b->name && b->path && b->columns;
    for (; fine && b->ncolumn < what->ncolumn; b->ncolumn++)
        fine = set_column(&b->columns[b->ncolumn], &what->columns[b->ncolumn]);
    if (fine) {
        *out = b;
        return MMS_OK;
    }
    mms_buckets_close(&b);
    return mms_fail(err, MMS_ERR_MEM, "%s: out of memory", what->table);
}

/** The table, not the manager's file, says where in a bucket a column is. */
static mms_status read_places(mms_buckets *b, mms_error *err)
{
    char *path = mms_format("%s/table.dat", b->table);
    uint8_t *bytes = NULL;
    size_t size;
    mms_status st = path ? mms_read_file(path, MOST_INDEX, &bytes, &size, err)
                         : mms_fail(err, MMS_ERR_MEM, "%s: out of memory", b->table);

    if (st == MMS_OK)
        st = standard_places(b, bytes, size, path, err);
    free(bytes);
    free(path);
    return st;
}

mms_status mms_buckets_open(const mms_buckets_what *what, mms_buckets **out, mms_error *err)
{
    mms_buckets *b;
    int64_t bytes;
    mms_status st = buckets_new(what, &b, err);

    *out = NULL;
    if (st != MMS_OK)
        return st;
    MMS_TRY(mms_open_file(b->path, &b->fd, &bytes, err));
    if (!b->incremental)
        MMS_TRY(read_places(b, err));
    MMS_TRY(b->incremental ? incremental_parse(b, err) : standard_parse(b, err));
    *out = b;
    b = NULL;
done:
    mms_buckets_close(&b);
    return st;
}

void mms_buckets_close(mms_buckets **buckets)
{
    mms_buckets *b = *buckets;

    *buckets = NULL;
    if (!b)
        return;
    if (b->fd >= 0)
        (void)close(b->fd);
    for (int64_t i = 0; i < b->ncolumn; i++)
        free(b->columns[i].name);
    for (int64_t i = 0; i < b->nmap; i++) {
        free(b->maps[i].first);
        free(b->maps[i].bucket);
    }
    free(b->columns);
    free(b->maps);
    free(b->held_bytes);
    free(b->table);
    free(b->name);
    free(b->path);
    pthread_mutex_destroy(&b->lock);
    free(b);
}

int64_t mms_buckets_find(const mms_buckets *b, const char *column)
{
    for (int64_t i = 0; i < b->ncolumn; i++)
        if (!strcmp(b->columns[i].name, column))
            return b->columns[i].usable ? i : -1;
    return -1;
}

mms_status mms_buckets_read(mms_buckets *b, int64_t column, int64_t nrange, const mms_rows *ranges,
                            void *data, mms_error *err)
{
    const bucket_column *c = &b->columns[column];

    for (int64_t i = 0; i < nrange; i++) {
        const mms_rows run = ranges[i];
        if (run.first < 0 || run.count < 1 || run.first > b->nrow - run.count)
            return mms_fail(err, MMS_ERR_RANGE,
                            "%s: %s: %" PRId64 " rows from %" PRId64 " of %" PRId64, b->table,
                            c->name, run.count, run.first, b->nrow);
    }
    return b->incremental ? incremental_read(b, column, nrange, ranges, data, err)
                          : standard_read(b, c, nrange, ranges, data, err);
}

int64_t mms_buckets_samples(const mms_buckets *b, int64_t column, int64_t most, int64_t *rows)
{
    const row_map *map = &b->maps[b->columns[column].map];
    const int64_t picks = map->n < most / 2 ? map->n : most / 2;
    int64_t n = 0;

    for (int64_t i = 0; b->nrow > 0 && i < picks; i++) {
        const int64_t entry = picks > 1 ? i * (map->n - 1) / (picks - 1) : 0;
        rows[n++] = map->first[entry];
        if (map_end(b, map, entry) - map->first[entry] > 1)
            rows[n++] = map_end(b, map, entry) - 1;
    }
    return n;
}
