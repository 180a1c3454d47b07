/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_BUCKETS_PRIV_H
#define MULTIMS_BUCKETS_PRIV_H
/** @file buckets_priv.h  Scalar columns of casacore's StandardStMan and IncrementalStMan, read and
 *  written directly.
 *
 *  A manager keeps the rows of its columns in buckets of equal size in one file, table.fN.  A
 * bucket of StandardStMan has all values of its rows, column after column; one of IncrementalStMan
 * has the values that differ from the row before. */

#include "multims/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/** One storage manager of one table, that is read; one that is written. */
typedef struct mms_buckets mms_buckets;
typedef struct mms_buckets_writer mms_buckets_writer;

/** What the table says of a column of the manager. */
typedef struct mms_buckets_column {
    const char *name;
    mms_dtype dtype;
    bool scalar; /**< others are left alone, as are those that are no numbers */
} mms_buckets_column;

/** What the table says of the manager. */
typedef struct mms_buckets_what {
    const char *table;      /**< folder */
    const char *type;       /**< "StandardStMan" or "IncrementalStMan" */
    const char *name;       /**< of the manager */
    int64_t sequence, nrow; /**< its number in the table, rows of the table */
    bool big_endian;        /**< byte order of the table */
    int64_t ncolumn;
    const mms_buckets_column *columns; /**< all it has, in the order of the table's description */
    /* for writing alone: what table.dat says, or will say */
    int64_t bucket_bytes, bucket_rows; /**< bucket_rows: StandardStMan, a multiple of 8 */
    const int64_t *offsets;            /**< StandardStMan: of the columns in a bucket */
} mms_buckets_what;

/** Open for reading.  Errors: UNSUPPORTED naming what is not known (the caller takes another way);
 *  TABLE, IO naming the file that is broken or cut short. */
MMS_CHECKED mms_status mms_buckets_open(const mms_buckets_what *what, mms_buckets **out,
                                        mms_error *err);

/** The column's place; -1 when it has none here, or is no scalar of numbers. */
int64_t mms_buckets_find(const mms_buckets *buckets, const char *column);

/** Read cells: data[sum of counts].  Several threads may read at a time.
 *  Errors: RANGE, TABLE, IO. */
MMS_CHECKED mms_status mms_buckets_read(mms_buckets *buckets, int64_t column, int64_t nrange,
                                        const mms_rows *ranges, void *data, mms_error *err);

/** Rows at the ends of some buckets of a column, first and last among them, at most most of them.
 */
int64_t mms_buckets_samples(const mms_buckets *buckets, int64_t column, int64_t most,
                            int64_t *rows);

void mms_buckets_close(mms_buckets **buckets);

/** Make the file of a manager whose columns are all scalars of numbers; cells that are not put are
 *  those that casacore would give: 0, or in an incremental manager the value of the row before.
 *  Errors: EXISTS, IO, MEM. */
MMS_CHECKED mms_status mms_buckets_create(const mms_buckets_what *what, mms_buckets_writer **out,
                                          mms_error *err);

/** Put cells: rows ascend from call to call of a column; none is behind mms_buckets_advance(). */
MMS_CHECKED mms_status mms_buckets_put(mms_buckets_writer *writer, int64_t column, mms_rows rows,
                                       const void *data, mms_error *err);

/** All cells of the rows before row were put: write those that fill buckets.  Errors: SPACE, IO. */
MMS_CHECKED mms_status mms_buckets_advance(mms_buckets_writer *writer, int64_t row, mms_error *err);

/** Write the rest and the header; free, and set *writer to NULL even on failure.  NULL is accepted.
 */
MMS_CHECKED mms_status mms_buckets_finish(mms_buckets_writer **writer, mms_error *err);
/** Close without writing the rest. */
void mms_buckets_drop(mms_buckets_writer **writer);

#ifdef __cplusplus
}
#endif
#endif
