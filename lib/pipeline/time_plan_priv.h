/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_TIME_PLAN_PRIV_H
#define MULTIMS_TIME_PLAN_PRIV_H
/** @file time_plan_priv.h  The order in which the rows of a part are averaged, so that what is held
 *  at a time stays within a limit.
 *
 *  An averaged row is held from the first row of its bin until all averaged rows before it are
 *  complete.  Where that is too much at some moment the part is done in passes: each makes
 *  consecutive rows of the output that fit in the limit together, from their rows of the input in
 *  the order that they had.  So each row is read once and no sum changes.  One list has the passes
 *  one after the other. */

#include <stdio.h>

#include "base/base_priv.h"
#include "multims/ms.h"
#include "transform/spectra.h"

/** Say how many bytes an averaged row of a DDID is held in; row is one of the input's with it. */
typedef mms_status mms_time_cost_fn(void *ctx, int32_t ddid, int64_t row, int64_t *bytes,
                                    mms_error *err);

typedef struct mms_time_plan_opts {
    mms_ms *ms;
    const char *rows_file;     /**< rows of the part, replaced where their order changes */
    const mms_time_opts *bins; /**< order is not asked */
    mms_time_cost_fn *cost;
    void *ctx;
    int64_t memory; /**< the parameter; a sort takes an eighth of it, two may be there */
    int64_t limit;  /**< bytes of it for averaged rows that are held */
} mms_time_plan_opts;

typedef struct mms_time_plan {
    mms_time_order order;
    int64_t nrow, nbin;
    int64_t npass, *pass_rows; /**< rows of the list in each pass */
    FILE *out_rows; /**< int64: row of the output by bin, in the order in which they open; NULL:
                       they open in the order of the output */
} mms_time_plan;

/** Find bins, order and passes.  Errors: ARG one averaged row is beyond the limit; those of cost;
 *  TABLE, IO, SPACE, MEM. */
MMS_CHECKED mms_status mms_time_plan_make(const mms_time_plan_opts *opts, mms_time_plan *plan,
                                          mms_error *err);
void mms_time_plan_end(mms_time_plan *plan);

/** Cut the rows into n lists, files[n]: list i has those of the output rows from nbin * i / n on,
 * in the order that they had, so that averages of the lists are the rows of the whole, one list
 * after the other.  cost and limit are not asked.  nbin: of mms_time_plan_make(); rows[n]: of each
 * list. Errors: INTERNAL there are other bins; TABLE, IO, SPACE, MEM. */
MMS_CHECKED mms_status mms_time_plan_split(const mms_time_plan_opts *opts, int64_t nbin, int64_t n,
                                           const char *const *files, int64_t *rows, mms_error *err);

#endif
