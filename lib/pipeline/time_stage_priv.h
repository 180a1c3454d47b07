/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_TIME_STAGE_PRIV_H
#define MULTIMS_TIME_STAGE_PRIV_H
/** @file time_stage_priv.h  The time average of a part: blocks of rows in, blocks of averaged rows
 *  out.
 *
 *  An averaged row stands where the first row of its bin stood (design D21). */

#include "base/base_priv.h"
#include "base/lanes_priv.h"
#include "multims/block.h"
#include "multims/spectra.h"
#include "multims/transform.h"

typedef struct mms_time_stage mms_time_stage;

typedef struct mms_time_stage_opts {
    mms_ms *ms;
    const char *rows_file; /**< rows of the part; replaced where they are averaged in another order:
                              TIME falls inside a chunk, or there are several passes */
    const char *const *columns; /**< those of the blocks, ended by NULL */
    const mms_cut *cuts;        /**< what blocks have lost before they come, by DDID */
    int64_t ncut;
    unsigned kinds; /**< data columns that are processed, as MMS_KIND_BITs */
    mms_numerics numerics;
    int64_t memory, block_bytes; /**< block_bytes: of those that come */
    int nlane;                   /**< that bring them */
} mms_time_stage_opts;

/** Find the bins of a part from its scalar columns, and how to average them within the memory. What
 *  opts points to must live longer.
 *  Errors: ARG one row's sums are beyond the memory; TABLE, IO, SPACE, MEM. */
MMS_CHECKED mms_status mms_time_stage_open(const mms_time_stage_opts *opts,
                                           const mms_time_opts *bins, mms_time_stage **out,
                                           mms_error *err);
void mms_time_stage_close(mms_time_stage **stage);

/** Return the number of averaged rows. */
int64_t mms_time_stage_nrow(const mms_time_stage *stage);

/** Return the most rows that a block may have: the bins that open within one add to what is held.
 */
int64_t mms_time_stage_block_rows(const mms_time_stage *stage);

/** Add the rows of a block, whose groups have one DDID each; NULL: all have been added.  The block
 *  is not needed afterwards.  Lanes, or NULL, share the sums.  Errors: SHAPE, TABLE, MEM. */
MMS_CHECKED mms_status mms_time_stage_add(mms_time_stage *stage, mms_lanes *lanes,
                                          mms_reader *reader, mms_block *block, mms_error *err);

/** Tell whether averaged rows are ready. */
bool mms_time_stage_ready(const mms_time_stage *stage);

/** Take averaged rows that are ready, consecutive, about as many as fill a block.
 *  @param[out] out  NULL when there is none; its memory is the reader's scratch
 *  Errors: MEM. */
MMS_CHECKED mms_status mms_time_stage_next(mms_time_stage *stage, mms_lanes *lanes,
                                           mms_reader *reader, mms_block **out, mms_error *err);

#endif
