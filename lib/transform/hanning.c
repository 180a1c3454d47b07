/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file hanning.c  Hanning smoothing of spectra, their flags and weights (transform-numerics 4).
 */
#include <assert.h>
#include <float.h>
#include <string.h>

#include "spectra_priv.h"

void mms_hanning_smooth(int64_t nchan, int64_t stride, const float *restrict data,
                        float *restrict out)
{
    const int64_t last = (nchan - 1) * stride;

    assert(nchan > 0 && stride > 0);
    for (int64_t i = 0; i < stride; i++)
        out[i] = data[i];
    for (int64_t i = stride; i < last; i++)
        out[i] = 0.25f * data[i - stride] + 0.5f * data[i] + 0.25f * data[i + stride];
    for (int64_t i = last; i < last + stride; i++)
        out[i] = data[i];
}

/** Flag the edges and, where flags are set, both neighbours of each. */
void mms_hanning_flags(int64_t nchan, int64_t ncorr, const uint8_t *restrict flag,
                       uint8_t *restrict out)
{
    const int64_t last = (nchan - 1) * ncorr;

    assert(nchan > 0);
    memset(out, 0, (size_t)(nchan * ncorr));
    for (int64_t i = ncorr; flag && i < last; i++)
        out[i] = flag[i - ncorr] | flag[i] | flag[i + ncorr];
    memset(out, 1, (size_t)ncorr);
    memset(out + last, 1, (size_t)ncorr);
}

/** One term of the variance of a smoothed channel, none where there is no weight. */
static inline float variance(float squared, float weight)
{
    return weight > FLT_MIN ? squared / weight : 0.0f;
}

void mms_hanning_weights(int64_t nchan, int64_t ncorr, const float *restrict weight,
                         const uint8_t *restrict flag, float *restrict out,
                         uint8_t *restrict out_flag)
{
    const int64_t last = (nchan - 1) * ncorr;

    mms_hanning_flags(nchan, ncorr, flag, out_flag);
    memcpy(out, weight, (size_t)ncorr * sizeof *out);
    for (int64_t i = ncorr; i < last; i++) {
        const float before = weight[i - ncorr], here = weight[i], after = weight[i + ncorr];
        const float a =
            variance(0.0625f, before) + variance(0.25f, here) + variance(0.0625f, after);
        out[i] = a > FLT_MIN ? 1.0f / a : a;
        out_flag[i] |= (uint8_t)(!(before > FLT_MIN) | !(here > FLT_MIN) | !(after > FLT_MIN));
    }
    memcpy(out + last, weight + last, (size_t)ncorr * sizeof *out);
}
