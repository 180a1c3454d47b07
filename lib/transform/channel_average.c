/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file channel_average.c  Means and sums over bins of channels (transform-numerics 3.2, 3.3).
 *
 * The additions of one correlation keep the order of the channels: it is part of the result.  So
 * correlations go side by side, in lanes; lanes and nfloat are constants where these functions are
 * inlined. */
#include <assert.h>

#include "spectra_priv.h"

#define INLINE static inline __attribute__((always_inline))
enum { MAX_LANES = 4 };

/** Some correlations of one row of one column, from the first channel of a bin on. */
struct lanes {
    int64_t count, ncorr; /* channels of the bin, correlations of a channel */
    const float *data;
    const float *weight; /* NULL: plain */
    const uint8_t *flag;
};

/** Sums over a bin; of a plain mean the weights are 1. */
struct sums {
    float data[2 * MAX_LANES], weight[MAX_LANES];
    uint8_t flag[MAX_LANES];
};

INLINE void add_channel(struct sums *s, const struct lanes *in, int64_t k, int nlane, int nfloat)
{
    const float *d = in->data + k * in->ncorr * nfloat;

    for (int i = 0; i < nlane * nfloat; i++)
        s->data[i] += in->weight ? d[i] * in->weight[k * in->ncorr + i / nfloat] : d[i];
    for (int c = 0; in->weight && c < nlane; c++)
        s->weight[c] += in->weight[k * in->ncorr + c];
}

/** Sum all channels: flags are the same in the whole bin. */
INLINE void sum_alike(struct sums *s, const struct lanes *in, int nlane, int nfloat)
{
    for (int i = 0; i < nlane * nfloat; i++)
        s->data[i] = 0;
    for (int c = 0; c < nlane; c++) {
        s->weight[c] = in->weight ? 0 : (float)in->count;
        s->flag[c] = in->flag ? in->flag[0] : 0;
    }
    for (int64_t k = 0; k < in->count; k++)
        add_channel(s, in, k, nlane, nfloat);
}

/** Sum the good channels of one lane, or all where none is good. */
INLINE void sum_lane(struct sums *s, const struct lanes *in, int c, int nfloat)
{
    float re = 0, im = 0, n = 0;
    bool flagged = in->flag[c];

    for (int64_t k = 0; k < in->count; k++) {
        const int64_t at = k * in->ncorr + c;
        const bool flag = in->flag[at];
        const float w = in->weight ? in->weight[at] : 1.0f;
        const float *d = in->data + at * nfloat;
        if (flag && !flagged)
            continue;
        const bool restart = flagged && !flag;
        re = d[0] * w + (restart ? 0.0f : re);
        im = d[nfloat - 1] * w + (restart ? 0.0f : im);
        n = w + (restart ? 0.0f : n);
        flagged = flag;
    }
    s->data[c * nfloat] = re;
    s->data[c * nfloat + nfloat - 1] = im;
    s->weight[c] = n;
    s->flag[c] = flagged;
}

INLINE bool flags_alike(const struct lanes *in, int nlane)
{
    uint8_t different = 0;

    for (int64_t k = 0; k < in->count; k++)
        for (int c = 0; c < nlane; c++)
            different |= in->flag[k * in->ncorr + c] ^ in->flag[0];
    return !different;
}

INLINE void sum_bin(struct sums *s, const struct lanes *in, int nlane, int nfloat)
{
    if (!in->flag || flags_alike(in, nlane)) {
        sum_alike(s, in, nlane, nfloat);
        return;
    }
    for (int c = 0; c < nlane; c++)
        sum_lane(s, in, c, nfloat);
}

/** Divide; a weighted mean without weight (not even a NaN compares) is 0 and flagged. */
INLINE void put_mean(const struct sums *s, bool weighted, int nlane, int nfloat, float *out,
                     uint8_t *flag)
{
    for (int i = 0; i < nlane * nfloat; i++) {
        const float n = s->weight[i / nfloat];
        out[i] = !weighted || n > 0 ? s->data[i] / n : 0.0f;
    }
    for (int c = 0; flag && c < nlane; c++)
        flag[c] = !weighted || s->weight[c] > 0 ? s->flag[c] : 1;
}

INLINE void put_sum(const struct sums *s, int nlane, int nfloat, float *out, uint8_t *flag)
{
    for (int i = 0; i < nlane * nfloat; i++)
        out[i] = s->data[i];
    for (int c = 0; flag && c < nlane; c++)
        flag[c] = s->flag[c];
}

enum result { SUM, PLAIN_MEAN, WEIGHTED_MEAN };

INLINE void average_lanes(enum result result, const mms_bins *bins, const struct lanes *row,
                          int nlane, int nfloat, float *out, uint8_t *out_flag)
{
    for (int64_t b = 0; b < bins->nbin; b++) {
        const int64_t at = bins->first[b] * row->ncorr, to = b * row->ncorr;
        const bool is_short = bins->last && b == bins->nbin - 1;
        const struct lanes in = {
            is_short ? bins->last : bins->count, row->ncorr, row->data + at * nfloat,
            result == WEIGHTED_MEAN ? row->weight + at : NULL, row->flag ? row->flag + at : NULL};
        uint8_t *const flag = out_flag ? out_flag + to : NULL;
        struct sums s;
        sum_bin(&s, &in, nlane, nfloat);
        if (result == SUM)
            put_sum(&s, nlane, nfloat, out + to * nfloat, flag);
        else
            put_mean(&s, result == WEIGHTED_MEAN, nlane, nfloat, out + to * nfloat, flag);
    }
}

INLINE void average_row(enum result result, const mms_bins *bins, const struct lanes *row,
                        int nfloat, float *out, uint8_t *out_flag)
{
    if (row->ncorr == 4) {
        average_lanes(result, bins, row, 4, nfloat, out, out_flag);
    } else if (row->ncorr == 2) {
        average_lanes(result, bins, row, 2, nfloat, out, out_flag);
    } else {
        for (int64_t c = 0; c < row->ncorr; c++) {
            const struct lanes lane = {row->count, row->ncorr, row->data + c * nfloat,
                                       row->weight ? row->weight + c : NULL,
                                       row->flag ? row->flag + c : NULL};
            average_lanes(result, bins, &lane, 1, nfloat, out + c * nfloat,
                          out_flag ? out_flag + c : NULL);
        }
    }
}

void mms_average_channels(const mms_bins *bins, int64_t ncorr, int nfloat, const float *data,
                          const uint8_t *flag, const float *weight, float *out, uint8_t *out_flag)
{
    const struct lanes row = {bins->count, ncorr, data, weight, flag};

    assert(bins->nbin > 0 && bins->last <= bins->count && (nfloat == 1 || nfloat == 2));
    if (nfloat == 2 && weight)
        average_row(WEIGHTED_MEAN, bins, &row, 2, out, out_flag);
    else if (nfloat == 2)
        average_row(PLAIN_MEAN, bins, &row, 2, out, out_flag);
    else if (weight)
        average_row(WEIGHTED_MEAN, bins, &row, 1, out, out_flag);
    else
        average_row(PLAIN_MEAN, bins, &row, 1, out, out_flag);
}

void mms_sum_weights(const mms_bins *bins, int64_t ncorr, const float *weight, const uint8_t *flag,
                     float *out, uint8_t *out_flag)
{
    const struct lanes row = {bins->count, ncorr, weight, NULL, flag};

    assert(bins->nbin > 0 && bins->last <= bins->count);
    average_row(SUM, bins, &row, 1, out, out_flag);
}
