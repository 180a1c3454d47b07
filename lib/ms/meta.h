/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_META_H
#define MULTIMS_META_H
/** @file meta.h  What an MS holds, as plain structs: row counts by scan, DDID, field, … */

#include "multims/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Selected rows that share all ids and lie in one member of the input. */
typedef struct mms_cell {
    int32_t scan, ddid, field, state, array, observation, member;
    int64_t rows, first_row;   /**< first_row: of the whole input */
    double time_min, time_max; /**< MJD seconds */
} mms_cell;

/** A row of DATA_DESCRIPTION with what it refers to. */
typedef struct mms_dd {
    int32_t spw, pol, nchan, ncorr;
} mms_dd;

/** Selected rows of an unordered antenna pair, ant1 <= ant2.  Pairs that occur in the input only
 *  outside the selection are listed too, with no rows. */
typedef struct mms_baseline {
    int32_t ant1, ant2;
    int64_t rows, bytes, visibilities;
} mms_baseline;

/** A homogeneous stretch of a scan: consecutive times with one field, state and set of DDs, in one
 *  array and observation.  ddids points into mms_meta.stretch_ddids. */
typedef struct mms_stretch {
    int32_t scan, field, state, nddid;
    int64_t rows;
    const int32_t *ddids; /**< ascending */
} mms_stretch;

/** The selected rows of an MS, counted in one pass. */
typedef struct mms_meta {
    int64_t nrow;      /**< of the whole input */
    int64_t nselected; /**< of the selection */
    int64_t ncell, ndd, nbaseline, nstretch, nmember;
    mms_cell *cells;         /**< sorted by scan, ddid, field, state, array, observation, member */
    mms_dd *dds;             /**< by input DDID */
    mms_baseline *baselines; /**< sorted by ant1, ant2 */
    mms_stretch *stretches;  /**< sorted by scan, observation, array, time */
    int32_t *stretch_ddids;
    int64_t *member_rows;  /**< selected rows of each member, stored order */
    int64_t *dd_row_bytes; /**< by DDID: bytes of a row in all columns that are copied */
} mms_meta;

/** The channels of a spectral window, as in its SPECTRAL_WINDOW row. */
typedef struct mms_spectral_axis {
    int64_t nchan;
    double *freq_hz, *width_hz, *resolution_hz, *effective_bw_hz; /**< [nchan] */
    double total_bandwidth_hz, ref_freq_hz;
} mms_spectral_axis;

#ifdef __cplusplus
}
#endif
#endif
