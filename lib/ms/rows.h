/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_MS_ROWS_H
#define MULTIMS_MS_ROWS_H
/** @file rows.h  The pass over the rows of an MS: ids and times, and which rows are selected. */

#include "multims/ms.h"
#include "multims/select.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { MMS_ROWS_CHUNK = 65536, MMS_ROWS_COLUMNS = 10 };

/** What is looked at. */
typedef struct mms_row_pass_opts {
    mms_selection *selection;   /**< NULL: all rows are selected */
    const char *const *columns; /**< standard scalars, ended by NULL; MMS_ROWS_COLUMNS at most */
    int64_t nrange;             /**< with ranges */
    const mms_rows *ranges;     /**< the rows that are gone over, in this order; NULL: all */
    bool unselected;            /**< chunks without a selected row are given, too */
    bool lenient;               /**< columns that are missing are zeros */
    const bool *enough;         /**< the pass ends once it is true; NULL: after all rows */
} mms_row_pass_opts;

/** At most MMS_ROWS_CHUNK consecutive rows of one member. */
typedef struct mms_row_chunk {
    mms_rows rows; /**< of the whole */
    int64_t place; /**< of the first one among the rows that are gone over */
    int32_t member;
    const uint8_t *mask;                 /**< mask[rows.count]: 1 for those that are selected */
    const void *cells[MMS_ROWS_COLUMNS]; /**< cells[c][rows.count] of the c-th column, of the type
                                            that columns.def has */
} mms_row_chunk;

/** Refuse a standard scalar column whose type is not that which its readers make room for.
 *  Errors: NOT_FOUND, TABLE. */
MMS_CHECKED mms_status mms_rows_check_column(const mms_ms *ms, const char *name, mms_error *err);

/** Takes a chunk, which lives until it returns. */
typedef mms_status mms_rows_take(void *ctx, const mms_row_chunk *chunk, mms_error *err);

/** Go over rows of ms; one pass at a time may use a selection.  Members without a selected row are
 *  not read where those rows are not wanted.
 *  Errors: RANGE rows beyond the set; NOT_FOUND a column is missing; TABLE it has not the type of
 *  an MS; MEM; those of reading, of mms_selection_rows() and of take, which end the pass. */
MMS_CHECKED mms_status mms_rows_each(mms_ms *ms, const mms_row_pass_opts *opts, mms_rows_take *take,
                                     void *ctx, mms_error *err);

/** Find out whether any row is selected.  Errors: MEM; those of mms_selection_rows(). */
MMS_CHECKED mms_status mms_rows_any(mms_ms *ms, mms_selection *selection, bool *any,
                                    mms_error *err);

#ifdef __cplusplus
}
#endif
#endif
