/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_SPECTRA_PRIV_H
#define MULTIMS_SPECTRA_PRIV_H
/** @file spectra_priv.h  Kernels on one row: arrays [nchan][ncorr], flags NULL where none is set,
 *  and no array shared between inputs and outputs. */

#include "spectra.h"

/** Channels that are averaged to one: count channels from first[i] on, i = 0..nbin-1. */
typedef struct mms_bins {
    int64_t nbin, count;
    const int64_t *first;
    int64_t last; /**< channels of the last one; 0: count */
} mms_bins;

/** Where the weights of a column come from. */
typedef enum mms_weight_source {
    MMS_BY_NONE = 0, /**< plain mean */
    MMS_BY_WEIGHT,
    MMS_BY_SIGMA, /**< 1/SIGMA^2 */
    MMS_BY_ONE,
    MMS_NSOURCE
} mms_weight_source;

/** Return flag, or NULL where none of the n flags is set. */
const uint8_t *mms_flags_or_null(const uint8_t *flag, int64_t n);

/** Average the channels of each bin (3.2); nfloat is 2 for complex data, 1 for real data.  weight
 *  NULL: plain mean.  out_flag NULL: not wanted. */
void mms_average_channels(const mms_bins *bins, int64_t ncorr, int nfloat, const float *data,
                          const uint8_t *flag, const float *weight, float *out, uint8_t *out_flag);

/** Sum the weights of each bin (3.3). */
void mms_sum_weights(const mms_bins *bins, int64_t ncorr, const float *weight, const uint8_t *flag,
                     float *out, uint8_t *out_flag);

/** Smooth data of stride floats a channel (4). */
void mms_hanning_smooth(int64_t nchan, int64_t stride, const float *data, float *out);

/** Flags of smoothed data. */
void mms_hanning_flags(int64_t nchan, int64_t ncorr, const uint8_t *flag, uint8_t *out);

/** Weights of smoothed data. */
void mms_hanning_weights(int64_t nchan, int64_t ncorr, const float *weight, const uint8_t *flag,
                         float *out, uint8_t *out_flag);

/** Write x[ncorr] into each of nchan channels; x may be the first of them. */
void mms_repeat_channels(int64_t nchan, int64_t ncorr, const float *x, float *out);

#endif
