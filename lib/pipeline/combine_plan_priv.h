/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_COMBINE_PLAN_PRIV_H
#define MULTIMS_COMBINE_PLAN_PRIV_H
/** @file combine_plan_priv.h  Which rows of a part become one row when windows are combined. */

#include <stdio.h>

#include "multims/ms.h"

typedef struct mms_combine_plan_opts {
    mms_ms *ms;
    const char *rows_file;  /**< rows of the part; replaced by the same rows, batch by batch */
    int64_t memory;         /**< for sorting */
    int64_t rows_per_batch; /**< combined rows that are held at a time, at most */
} mms_combine_plan_opts;

/** Rows of one time stamp (and observation, array, scan, state, field) and baseline are one row of
 *  the output.  These stand by the first row of their time stamp, then by baseline (design D21). */
typedef struct mms_combine_plan {
    int64_t nrow, nout; /**< rows in, rows out */
    FILE *out_rows;     /**< int64 by row in the order of rows_file: its row of the output */
    FILE *batches;      /**< int64 pairs by batch: rows in, rows out */
} mms_combine_plan;

/** Errors: TABLE, IO, SPACE, MEM. */
MMS_CHECKED mms_status mms_combine_plan_make(const mms_combine_plan_opts *opts,
                                             mms_combine_plan *out, mms_error *err);
void mms_combine_plan_end(mms_combine_plan *plan);

#endif
