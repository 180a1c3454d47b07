/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_SINK_PRIV_H
#define MULTIMS_SINK_PRIV_H
/** @file sink_priv.h  One part whose cells are changed where they are, and columns that it gets.
 *
 *  Open it in a worker that holds the lock of the set's undo (mms_undo_hold), which has kept the
 *  columns (mms_undo_keep).  Only this part is opened: others may be written meanwhile. */

#include "inplace.h"
#include "tables/tables_priv.h"

/** Several threads may read and write, each its own rows. */
typedef struct mms_sink mms_sink;

typedef struct mms_sink_what {
    const char *path;       /**< of the part; its rows are counted from 0 */
    const char *const *add; /**< columns of the MS definition that it gets where it lacks them,
                               ended by NULL; NULL: none.  Borrowed as long as the sink is open */
    const char *like;       /**< the column whose cell shapes they have.  Borrowed as well */
    bool tiles;             /**< tile files are read, changed and made directly */
    bool sync;              /**< a sync is to come */
    const char *lock;       /**< the undo's lock; NULL: only flags and scalars are written */
} mms_sink_what;

/** Errors: TABLE, IO, SPACE; ARG an added column that the MS definition does not have. */
MMS_CHECKED mms_status mms_sink_open(const mms_sink_what *what, mms_sink **out, mms_error *err);

const mms_column *mms_sink_column(const mms_sink *sink, const char *column); /**< or NULL */
bool mms_sink_is_new(const mms_sink *sink, const char *column); /**< it was added by this sink */
int64_t mms_sink_nrow(const mms_sink *sink);

/** As mms_ms_shapes() and mms_ms_read().  A row is read before it is written, and not again: tiles
 *  of casacore's cache may not be in the file yet.  Columns that are new can't be read. */
MMS_CHECKED mms_status mms_sink_shapes(mms_sink *sink, const char *column, int64_t nrange,
                                       const mms_rows *ranges, mms_shape_run **runs, int64_t *nrun,
                                       mms_error *err);
MMS_CHECKED mms_status mms_sink_read(mms_sink *sink, const char *column, int64_t nrange,
                                     const mms_rows *ranges, int64_t nvalue, void *data,
                                     mms_error *err);

/** As mms_table_put().  Every row of a column that is new is written, once, but for those whose
 *  cells of `like` are undefined. */
MMS_CHECKED mms_status mms_sink_write(mms_sink *sink, const char *column, int64_t nrange,
                                      const mms_rows *ranges, int32_t ndim, const int64_t *shape,
                                      int64_t nvalue, const void *data, mms_error *err);

/** Write what is left; free, and set *sink to NULL even on failure. */
MMS_CHECKED mms_status mms_sink_close(mms_sink **sink, mms_error *err);
/** Close for error paths, and where it is NULL. */
void mms_sink_drop(mms_sink **sink);

#endif
