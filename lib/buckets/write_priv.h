/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_BUCKETS_WRITE_PRIV_H
#define MULTIMS_BUCKETS_WRITE_PRIV_H
/** @file write_priv.h  Managers that are written, shared by lib/buckets. */

#include "bucket_priv.h"

enum { MOST_VALUE = 16 };

/** A value that holds from a row on. */
typedef struct change {
    int64_t row;
    uint8_t value[MOST_VALUE];
} change;

/** Where a value of a bucket is. */
typedef struct bucket_entry {
    int64_t row, offset; /**< row: of the bucket */
} bucket_entry;

/** IncrementalStMan: a column while it is written. */
typedef struct written_column {
    uint8_t last[MOST_VALUE];    /**< what was put last */
    uint8_t current[MOST_VALUE]; /**< what the open bucket's last row has */
    int64_t nchange, taken, change_capacity;
    change *changes; /**< that are in no bucket, but for those that were taken */
    int64_t nentry, entry_capacity;
    bucket_entry *entries; /**< of the open bucket */
} written_column;

struct mms_buckets_writer {
    mms_buckets *b; /**< nbucket: those that are in the file */
    int64_t bucket_rows;
    /* StandardStMan: buckets that are not full; IncrementalStMan: values of the open bucket */
    uint8_t *bytes;
    int64_t nbyte, capacity;
    /* IncrementalStMan */
    written_column *columns;
    bool open;
    int64_t first, used; /**< of the open bucket: its first row, bytes that casacore would count */
    int64_t nfirst, first_capacity;
    int64_t *firsts; /**< first rows of the buckets in the file */
};

mms_status bucket_write_file(const mms_buckets *b, int64_t at, int64_t n, const void *bytes,
                             mms_error *err);
/** Begin a header; its version says the byte order. */
int64_t begin_header(mms_bytes *bytes, const mms_buckets *b, const char *type, int version);
/** Write what was gathered at a place of the file, and free it. */
mms_status write_bytes(const mms_buckets *b, int64_t at, mms_bytes *bytes, mms_error *err);

mms_status standard_put(mms_buckets_writer *w, const bucket_column *c, mms_rows rows,
                        const uint8_t *data, mms_error *err);
mms_status standard_advance(mms_buckets_writer *w, int64_t row, mms_error *err);
mms_status standard_finish(mms_buckets_writer *w, mms_error *err);

mms_status incremental_put(mms_buckets_writer *w, int64_t column, mms_rows rows,
                           const uint8_t *data, mms_error *err);
mms_status incremental_advance(mms_buckets_writer *w, int64_t row, mms_error *err);
mms_status incremental_finish(mms_buckets_writer *w, mms_error *err);

#endif
