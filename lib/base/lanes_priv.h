/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_LANES_PRIV_H
#define MULTIMS_LANES_PRIV_H
/** @file lanes_priv.h  Threads that work on one sequence of pieces, each on one piece at a time. */

#include "multims/base.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mms_lanes mms_lanes;

/** What a lane does, until no pieces are left.  No other lane has the same number.
 *  @param[out] piece  the one at which it failed */
typedef mms_status mms_lane(void *ctx, mms_lanes *lanes, int number, int64_t *piece,
                            mms_error *err);

/** Run n lanes, or as many as the system gives threads for, the first in the caller's, and wait for
 *  them.  The error of the first piece that failed is returned: pieces before it go on. */
MMS_CHECKED mms_status mms_lanes_run(int n, mms_lane *lane, void *ctx, mms_error *err);

/** Wait until all pieces before this one have had their turn; false: one of them has failed, and
 * the lane must end. */
MMS_CHECKED bool mms_lanes_begin_turn(mms_lanes *lanes, int64_t piece);
void mms_lanes_end_turn(mms_lanes *lanes);

/** Results, counted from 0 within turns, have an order of their own: wait until all before this
 * one, which came of the piece, have had theirs; false as above.  lanes may be NULL. */
MMS_CHECKED bool mms_lanes_begin_result(mms_lanes *lanes, int64_t piece, int64_t result);
void mms_lanes_end_result(mms_lanes *lanes);

/** Return the number of cores that this process may use: of its mask, and of its group's quota. */
int mms_usable_cores(void);

/** Return the number of lanes; 1 for NULL. */
int mms_lanes_count(const mms_lanes *lanes);

/** Within a turn, run all n shares of some work, in this lane and in those that wait for their
 *  turns.  lanes may be NULL: this thread does all. */
typedef void mms_lane_share(void *ctx, int share, int n);
void mms_lanes_share(mms_lanes *lanes, int n, mms_lane_share *share, void *ctx);

#ifdef __cplusplus
}
#endif
#endif
