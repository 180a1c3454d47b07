/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_TIME_ROWS_PRIV_H
#define MULTIMS_TIME_ROWS_PRIV_H
/** @file time_rows_priv.h  The rows of a part as the time average meets them. */

#include <stdio.h>

#include "base/base_priv.h"
#include "multims/ms.h"
#include "transform/spectra.h"

/** One row: what decides its bin, its place in the list of rows, its number in the input. */
typedef struct mms_time_input {
    mms_time_row key;
    int64_t position, row;
} mms_time_input;

/** Takes one row. */
typedef mms_status mms_time_row_fn(void *ctx, const mms_time_input *in, mms_error *err);

/** The rows of a list, in its order or sorted. */
typedef struct mms_time_rows {
    mms_ms *ms;
    const char *rows_file;
    mms_time_order order;
    FILE *sorted; /**< mms_time_inputs by chunk and TIME; NULL: the list has an order as it is */
} mms_time_rows;

/** Find the order of the rows of a list; rows whose TIME falls inside a chunk are sorted, on disk
 *  where they do not fit in memory (bytes).  ms and rows_file must live longer.
 *  Errors: TABLE, IO, SPACE, MEM. */
MMS_CHECKED mms_status mms_time_rows_open(mms_ms *ms, const char *rows_file, unsigned timespan,
                                          int64_t memory, mms_time_rows *rows, mms_error *err);

/** Call fn for each row in their order. */
MMS_CHECKED mms_status mms_time_rows_each(const mms_time_rows *rows, mms_time_row_fn *fn, void *ctx,
                                          mms_error *err);

void mms_time_rows_close(mms_time_rows *rows);

#endif
