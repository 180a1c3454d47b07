#ifndef MULTIMS_TIME_ROWS_PRIV_H
#define MULTIMS_TIME_ROWS_PRIV_H
/** @file time_rows_priv.h  The rows of a part as the time average meets them. */

#include "multims/ms.h"
#include "multims/spectra.h"
#include "task_priv.h"

/** Takes one row: its place in the list, its number in the input, what decides its bin. */
typedef mms_status mms_time_row_fn(void *ctx, int64_t position, int64_t row, const mms_time_row *r,
                                   mms_error *err);

/** Call fn for each row of the list in its order. */
MMS_CHECKED mms_status mms_time_rows_each(mms_ms *ms, const char *rows_file, mms_time_row_fn *fn,
                                          void *ctx, mms_error *err);

/** Find the order of the rows; rows whose TIME falls inside a chunk are sorted: rows_file is
 *  replaced.
 *  @param[out] positions  sorted: positions[i] is where the i-th row stood; else NULL.  free() it
 */
MMS_CHECKED mms_status mms_time_rows_order(mms_ms *ms, const char *rows_file, unsigned timespan,
                                           mms_time_order *order, int64_t **positions,
                                           mms_error *err);

#endif
