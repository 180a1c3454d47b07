/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file average.c  Averages before flags are looked for (in-place 1.6,
 * transform-numerics 3.2, 5.4). A sum of flagged samples begins anew at the first good one. */
#include <assert.h>

#include "flag.h"

void mms_flag_average_add(int64_t n, const mms_complex *values, const float *weights,
                          const uint8_t *flags, mms_complex *sums, float *sum_weights,
                          uint8_t *sum_flags)
{
    for (int64_t i = 0; i < n; i++) {
        if (flags[i] && !sum_flags[i])
            continue;
        if (sum_flags[i] && !flags[i]) {
            sum_flags[i] = 0;
            sums[i] = 0;
            sum_weights[i] = 0;
        }
        sums[i] += values[i] * weights[i];
        sum_weights[i] += weights[i];
    }
}

void mms_flag_average_end(int64_t n, mms_complex *sums, const float *sum_weights)
{
    for (int64_t i = 0; i < n; i++)
        if (sum_weights[i] > 0)
            sums[i] /= sum_weights[i];
}

void mms_flag_average_channels(int32_t nchan, const int32_t *channels, int32_t ncorr, int32_t width,
                               const mms_complex *values, const float *weights,
                               const uint8_t *flags, mms_complex *out, uint8_t *out_flags)
{
    assert(width > 0);
    for (int32_t first = 0; first < nchan; first += width, out += ncorr, out_flags += ncorr) {
        const int32_t end = nchan - first < width ? nchan : first + width;
        for (int32_t p = 0; p < ncorr; p++) {
            float weight = 0;
            out[p] = 0;
            out_flags[p] = 1;
            for (int32_t c = first; c < end; c++) {
                const int64_t at = (int64_t)channels[c] * ncorr + p;
                mms_flag_average_add(1, values + at, weights + at, flags + at, out + p, &weight,
                                     out_flags + p);
            }
            if (!(weight > 0)) { // nothing has a weight
                out[p] = 0;
                out_flags[p] = 1;
            }
            mms_flag_average_end(1, out + p, &weight);
        }
    }
}
