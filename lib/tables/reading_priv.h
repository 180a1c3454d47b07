/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_READING_PRIV_H
#define MULTIMS_READING_PRIV_H
/** @file reading_priv.h  The casacore border: a table as it is read.  Who judges sets includes this
 *  alone (tests/headers/check_judge.py).  Shapes are in C order. */

#include "multims/base.h"
#include "multims/value.h"

#ifdef __cplusplus
extern "C" {
#endif

/** An open casacore table. */
typedef struct mms_table mms_table;

typedef enum mms_table_mode {
    MMS_TABLE_READ = 0,   /**< nothing is created in it, not even table.lock */
    MMS_TABLE_UPDATE = 1, /**< permanent lock */
    MMS_TABLE_OWN = 2     /**< to update, staged: without a lock; table.lock is made anew */
} mms_table_mode;

/** Open; end it with mms_table_close() or mms_table_drop().  Columns that no standard knows and
 * that an engine calculates are left out where they can't be read. */
MMS_CHECKED mms_status mms_table_open(const char *path, mms_table_mode mode, mms_table **out,
                                      mms_error *err);
/** Close without a report: what was read, and on error paths. */
void mms_table_drop(mms_table **table);

const char *mms_table_path(const mms_table *table);
int64_t mms_table_nrow(const mms_table *table);

/** A calculated column that can't be read: the table has it, but is used as if it had not. */
typedef struct mms_unreadable {
    const char *name, *manager, *why;
} mms_unreadable;
int64_t mms_table_nunreadable(const mms_table *table);
mms_unreadable mms_table_unreadable(const mms_table *table, int64_t i);

int64_t mms_table_ncolumn(const mms_table *table);
const mms_column *mms_table_column(const mms_table *table, int64_t i);
const mms_column *mms_table_find_column(const mms_table *table, const char *name); /* or NULL */

/** Cells of nrange runs of rows, one shape, to a caller's buffer of the column's type:
 *  data[sum of counts][cell]. */
MMS_CHECKED mms_status mms_table_get(mms_table *table, const char *column, int64_t nrange,
                                     const mms_rows *ranges, int64_t nvalue, void *data,
                                     mms_error *err);

/** One cell of any type as JSON: numbers, strings, nested arrays in C order, complex as [re, im],
 *  records as objects, null when undefined. */
MMS_CHECKED mms_status mms_table_get_cell(mms_table *table, const char *column, int64_t row,
                                          mms_value **out, mms_error *err);

/** Whole scalar column of integers (any integer or bool type) or doubles (float too), for
 *  sub-tables: values[nrow], ended with free(). */
MMS_CHECKED mms_status mms_table_get_ints(mms_table *table, const char *column, int32_t **values,
                                          mms_error *err);
MMS_CHECKED mms_status mms_table_get_doubles(mms_table *table, const char *column, double **values,
                                             mms_error *err);

/** Runs of equal cell shape; runs is ended with free(). */
MMS_CHECKED mms_status mms_table_shapes(mms_table *table, const char *column, int64_t nrange,
                                        const mms_rows *ranges, mms_shape_run **runs, int64_t *nrun,
                                        mms_error *err);

/** Keywords of the table, or of a column when column is not NULL, as JSON; a sub-table is the text
 *  "Table: PATH".  The caller frees it. */
MMS_CHECKED mms_status mms_table_keywords(mms_table *table, const char *column, mms_value **out,
                                          mms_error *err);

/** Keep casacore, which one thread uses at a time, for several calls of this thread, which then
 * wait once for the others; pairs may be nested. */
void mms_casacore_keep(void);
void mms_casacore_leave(void);

/** Return whether this is a sub-table of the MS definition. */
bool mms_is_standard_table(const char *name);

/** Return the name of a value of CORR_TYPE: "XX"; "?" when it has none. */
const char *mms_correlation_name(int32_t type);

#ifdef __cplusplus
}
#endif
#endif
