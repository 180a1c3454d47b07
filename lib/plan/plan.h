/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_PLAN_H
#define MULTIMS_PLAN_H
/** @file plan.h  Which rows go to which sub-MS.  No file is touched: metadata in, plan out. */

#include "ms/meta.h"
#include "multims/base.h"
#include "multims/value.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum mms_axis {
    MMS_AXIS_SCAN = 0,
    MMS_AXIS_SPW,
    MMS_AXIS_GRID,     /**< separationaxis auto: the seed's grid */
    MMS_AXIS_BALANCED, /**< CASA 6's auto */
    MMS_AXIS_BASELINE,
    MMS_AXIS_MEMBER, /**< one part for each member of the input */
    MMS_AXIS_NONE    /**< one part */
} mms_axis;

typedef struct mms_plan_opts {
    uint32_t size;
    mms_axis axis;
    int64_t numsubms; /**< wanted parts; 0: auto, 8 */
    int64_t nspw;     /**< spws in the order of the user's expression; 0: ascending */
    const int32_t *spws;
    bool
        antennas_given; /**< axis baseline: an antenna selection was given; only pairs with selected
                             rows are split.  Else all pairs of the input are, as CASA does */
} mms_plan_opts;
#define MMS_PLAN_OPTS_INIT                                      \
    {                                                           \
        sizeof(mms_plan_opts), MMS_AXIS_GRID, 0, 0, NULL, false \
    }

/** One planned sub-MS.  Empty parts (axis member, empty grid cells) are not in the plan. */
typedef struct mms_part {
    int64_t rows, bytes, visibilities;
    int64_t nscan, nspw, nddid;
    int64_t nbaseline;             /**< axis baseline: pairs with selected rows, else 0 */
    int32_t *scans, *spws, *ddids; /**< input ids, ascending; axis baseline: those of all parts */
    mms_rows baselines;            /**< axis baseline: a run of mms_meta.baselines */
    int64_t member;                /**< axis member: its index, else -1 */
} mms_part;

/** A plan; end it with mms_plan_free(). */
typedef struct mms_plan mms_plan;

/** What a row is, for the part it goes to. */
typedef struct mms_row_key {
    int32_t scan, ddid, ant1, ant2;
    int64_t member;
} mms_row_key;

/** Parse a value of separationaxis in any case: auto both scan spw baseline balanced.
 *  Errors: ARG. */
MMS_CHECKED mms_status mms_plan_parse_axis(const char *text, mms_axis *axis, mms_error *err);

/** Return the AxisType text: "scan", "spw", "scan,spw", "baseline", "" for MEMBER and NONE. */
const char *mms_plan_axis_type(mms_axis axis);

/** Make a plan from metadata.  meta is used during the call only.
 *  Errors: EMPTY no row is selected; ARG; MEM.  Source: docs/partition.md */
MMS_CHECKED mms_status mms_plan_create(const mms_meta *meta, const mms_plan_opts *opts,
                                       mms_plan **out, mms_error *err);
void mms_plan_free(mms_plan **plan);

mms_axis mms_plan_axis(const mms_plan *plan);
int64_t mms_plan_nparts(const mms_plan *plan);
const mms_part *mms_plan_part(const mms_plan *plan, int64_t part);

/** Return how many parts were wanted, and why there are as many as there are, a text for people. */
int64_t mms_plan_wanted(const mms_plan *plan);
const char *mms_plan_reason(const mms_plan *plan);

/** Return how many planned parts had no rows and were dropped. */
int64_t mms_plan_ndropped(const mms_plan *plan);

/** Return the part of a selected row, or -1 when the plan knows no such row.  Fast: O(1). */
int64_t mms_plan_part_of(const mms_plan *plan, const mms_row_key *key);

/** Return the number of parts nearest to the plan's that leaves none of the workers idle in the
 *  last round, among those that numsubms can ask for; 0 when there is none.  meta and opts are
 *  those that the plan with nparts was made from. */
int64_t mms_plan_suitable(const mms_meta *meta, const mms_plan_opts *opts, int64_t nparts,
                          int workers);

/** Describe the plan as JSON: axis, parts [{scans, spws, ddids, rows, bytes, visibilities}],
 *  imbalance (largest part's bytes / mean); the caller frees it.  Errors: MEM. */
MMS_CHECKED mms_status mms_plan_describe(const mms_plan *plan, mms_value **out, mms_error *err);

/** Write ids (ascending, distinct) as a compact list: "0~2,5".  The caller ends it with free(). */
char *mms_plan_compact_list(int64_t n, const int32_t *ids);

#ifdef __cplusplus
}
#endif
#endif
