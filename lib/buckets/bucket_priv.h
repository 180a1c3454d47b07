/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_BUCKETS_BUCKET_PRIV_H
#define MULTIMS_BUCKETS_BUCKET_PRIV_H
/** @file bucket_priv.h  Buckets and the maps from rows to them, shared by lib/buckets. */

#include <pthread.h>

#include "base/stream_priv.h"
#include "buckets_priv.h"

/** Where the first bucket is, and the most that a map of rows or table.dat may take. */
enum { BUCKETS_AT = 512, MOST_INDEX = 1 << 30 };

/** Which rows are in which bucket. */
typedef struct row_map {
    int64_t n, bucket_rows; /**< bucket_rows: most rows of a bucket; 0: no such limit */
    int64_t *first;         /**< first row of each bucket */
    int64_t *bucket;
} row_map;

typedef struct bucket_column {
    char *name;
    bool usable;        /**< a scalar of numbers */
    bool bits;          /**< one bit a value */
    int32_t size, word; /**< bytes in memory, bytes whose order depends on the table's */
    int64_t map;        /**< which map its rows have */
    int64_t offset;     /**< StandardStMan: where its values begin in a bucket */
} bucket_column;

struct mms_buckets {
    char *table, *name, *path;
    int64_t sequence, nrow;
    bool incremental, big_endian, swap;
    int fd;
    int64_t nbucket, bucket_bytes, ncolumn, nmap;
    bucket_column *columns;
    row_map *maps;
    /* IncrementalStMan: the bucket that was read last */
    pthread_mutex_t lock;
    int64_t held; /**< -1: none */
    uint8_t *held_bytes;
};

/** A file's objects while they are read. */
typedef struct parser {
    mms_buckets *b;
    mms_stream s;
    const char *path;
} parser;

mms_status broken(const parser *p, const char *what, mms_error *err);
mms_status unknown(const parser *p, const char *what, mms_error *err);

/** Take a list of at least n numbers of width bytes; they are kept in *list, ended with free(). */
mms_status parse_block(parser *p, int64_t n, size_t width, int64_t **list, mms_error *err);
/** Check bucket size and number against the file. */
mms_status check_size(const parser *p, mms_error *err);
/** Check that the buckets of a map are there and take all rows. */
mms_status check_map(const parser *p, const row_map *map, mms_error *err);

mms_status bucket_read_file(const mms_buckets *b, int64_t at, int64_t n, void *bytes,
                            mms_error *err);
int64_t bucket_at(const mms_buckets *b, int64_t bucket);

/** Without files: what the table says; the places of the columns in table.dat; the file b->fd. */
mms_status buckets_new(const mms_buckets_what *what, mms_buckets **out, mms_error *err);
mms_status standard_places(mms_buckets *b, const uint8_t *bytes, size_t size, const char *path,
                           mms_error *err);
mms_status standard_parse(mms_buckets *b, mms_error *err);
mms_status incremental_parse(mms_buckets *b, mms_error *err);

/** Which entry of a map has a row; near: one that may be close before it. */
int64_t map_find(const mms_buckets *b, const row_map *map, int64_t row, int64_t near);
/** The row after those of an entry of a map. */
int64_t map_end(const mms_buckets *b, const row_map *map, int64_t entry);

mms_status standard_read(const mms_buckets *b, const bucket_column *c, int64_t nrange,
                         const mms_rows *ranges, uint8_t *out, mms_error *err);
mms_status incremental_read(mms_buckets *b, int64_t column, int64_t nrange, const mms_rows *ranges,
                            uint8_t *out, mms_error *err);

#endif
