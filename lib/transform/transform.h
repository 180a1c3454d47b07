/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_TRANSFORM_H
#define MULTIMS_TRANSFORM_H
/** @file transform.h  Operations on blocks: renumber ids, cut channels and correlations, derive
 *  weights.  No I/O. */

#include "ms/block.h"

#ifdef __cplusplus
extern "C" {
#endif

/** New ids by old id; -1 marks ids that must not occur.  n is 0 when ids stay. */
typedef struct mms_id_map {
    int64_t n;
    const int32_t *to;
} mms_id_map;

/** Replace the ids of a scalar int32 column; negative ids stay.
 *  Errors: INTERNAL an id that the map does not have. */
MMS_CHECKED mms_status mms_renumber(mms_cells *ids, int64_t nrow, mms_id_map map, mms_error *err);

/** What is kept of the channels and correlations of a DDID. */
typedef struct mms_cut {
    int32_t nchan_in, ncorr_in;
    int64_t nchan, ncorr;         /**< kept; nchan 0: all channels, ncorr 0: all correlations */
    const int32_t *chans;         /**< in the order of the output */
    const int32_t *corrs;         /**< ascending */
    const char *const *followers; /**< columns without a definition that are cut where their cells
                                       are [nchan_in][ncorr_in]; ended by NULL, or NULL */
} mms_cut;

/** Return whether cells of this column have channels, correlations. */
bool mms_column_has_channels(const char *column);
bool mms_column_has_correlations(const char *column);

/** Cut the cells of one column: [nrow][…nchan][ncorr] shrinks in place, or (channels that are named
 *  twice) grows into memory of the arena.  Cells whose shape is not that of the DDID (an
 *  axis of another length) are refused.
 *  Errors: SHAPE, MEM. */
MMS_CHECKED mms_status mms_cut_cells(mms_cells *cells, int64_t nrow, const mms_cut *cut,
                                     mms_arena *arena, mms_error *err);

/** SIGMA of weights: 1/sqrt(w), -1 where w <= FLT_MIN.  n values, in and out may be the same. */
void mms_weight_to_sigma(int64_t n, const float *weight, float *sigma);

/** WEIGHT of sigmas: 1/sigma^2, 0 where sigma <= FLT_MIN. */
void mms_sigma_to_weight(int64_t n, const float *sigma, float *weight);

#ifdef __cplusplus
}
#endif
#endif
