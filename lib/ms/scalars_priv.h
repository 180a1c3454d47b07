/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_SCALARS_PRIV_H
#define MULTIMS_SCALARS_PRIV_H
/** @file scalars_priv.h  The scalar columns of one table that are read from, or written to, buckets
 *  directly. */

#include "buckets/buckets_priv.h"
#include "tables/tables_priv.h"

typedef struct mms_scalars mms_scalars;

/** A column in a manager's buckets; buckets is NULL when casacore must be asked. */
typedef struct mms_scalars_column {
    mms_buckets *buckets;
    int64_t column;
} mms_scalars_column;

/** Prepare for the managers of an open table, which must live longer. */
MMS_CHECKED mms_status mms_scalars_open(mms_table *table, mms_scalars **out, mms_error *err);

/** Find a column.  At its first use the manager's header is read, and cells are compared with those
 *  that casacore reads; what is unknown or not the same is left to casacore, with a line in the
 * log. Errors: TABLE, IO: files that are broken or cut short. */
MMS_CHECKED mms_status mms_scalars_find(mms_scalars *scalars, const char *column,
                                        mms_scalars_column *found, mms_error *err);

void mms_scalars_close(mms_scalars **scalars);

/** Compare cells of all columns of the table that can be read directly; none may be refused. */
MMS_CHECKED mms_status mms_scalars_check(mms_table *table, mms_error *err);

/** Managers of a new table that are written directly. */
typedef struct mms_scalars_writer mms_scalars_writer;

/** Make the files of the hollow managers of a new table, which must live longer. */
MMS_CHECKED mms_status mms_scalars_create(mms_table *table, mms_scalars_writer **out,
                                          mms_error *err);

/** Whether a column is written by mms_scalars_put(). */
bool mms_scalars_has(const mms_scalars_writer *writer, const char *column);

/** Put cells as mms_buckets_put(). */
MMS_CHECKED mms_status mms_scalars_put(mms_scalars_writer *writer, const char *column,
                                       mms_rows rows, const void *data, mms_error *err);
/** All cells of the rows before row were put. */
MMS_CHECKED mms_status mms_scalars_advance(mms_scalars_writer *writer, int64_t row, mms_error *err);
/** Write the rest; free, and set *writer to NULL even on failure.  NULL is accepted. */
MMS_CHECKED mms_status mms_scalars_finish(mms_scalars_writer **writer, mms_error *err);
void mms_scalars_drop(mms_scalars_writer **writer);

#endif
