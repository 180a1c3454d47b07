/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file weights.c  WEIGHT and SIGMA from each other and from spectra (transform-numerics 0.4,
 * 0.5).
 *
 * CASA takes the reciprocals in double and rounds them; a float division gives the same bits, since
 * a double has more than twice the digits of a float. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "spectra_priv.h"
#include "transform.h"

void mms_weight_to_sigma(int64_t n, const float *weight, float *sigma)
{
    for (int64_t i = 0; i < n; i++)
        sigma[i] = weight[i] > FLT_MIN ? 1.0f / sqrtf(weight[i]) : -1.0f;
}

void mms_sigma_to_weight(int64_t n, const float *sigma, float *weight)
{
    for (int64_t i = 0; i < n; i++)
        weight[i] = sigma[i] > FLT_MIN ? 1.0f / (sigma[i] * sigma[i]) : 0.0f;
}

unsigned mms_spectra_kinds(const mms_spectra *spectra)
{
    unsigned kinds = 0;

    for (int i = 0; i < spectra->ncolumn; i++)
        kinds |= MMS_KIND_BIT(spectra->column[i].kind);
    return kinds;
}

const uint8_t *mms_flags_or_null(const uint8_t *flag, int64_t n)
{
    return memchr(flag, 1, (size_t)n) ? flag : NULL;
}

void mms_repeat_channels(int64_t nchan, int64_t ncorr, const float *x, float *out)
{
    const int64_t total = nchan * ncorr;

    if (x != out)
        memcpy(out, x, (size_t)ncorr * sizeof *out);
    for (int64_t done = ncorr; done < total; done *= 2) {
        const int64_t n = done < total - done ? done : total - done;
        memcpy(out + done, out, (size_t)n * sizeof *out);
    }
}

static float mean_of_flagged(int64_t nchan, int64_t ncorr, const float *x, const uint8_t *flag)
{
    bool flagged = true;
    float sum = 0;
    int64_t n = 0;

    for (int64_t k = 0; k < nchan; k++) {
        const bool f = flag[k * ncorr];
        if (flagged && !f) {
            flagged = false;
            sum = x[k * ncorr];
            n = 1;
        } else if (f == flagged) {
            sum += x[k * ncorr];
            n++;
        }
    }
    return sum / (float)(n > 1 ? n : 1);
}

/** Means over good channels of nlane correlations side by side, since the additions of each wait
 * for one another; nlane is a constant where this is inlined. */
static inline __attribute__((always_inline)) void mean_of_good(int nlane, int64_t nchan,
                                                               int64_t ncorr, const float *x,
                                                               float *out)
{
    float sum[4] = {0, 0, 0, 0};

    for (int64_t k = 0; k < nchan; k++)
        for (int c = 0; c < nlane; c++)
            sum[c] += x[k * ncorr + c];
    for (int c = 0; c < nlane; c++)
        out[c] = sum[c] / (float)(nchan > 1 ? nchan : 1);
}

/** Drop flagged channels at both ends (Hanning makes them) and return whether what is left is good;
 *  flagged channels there do not count. */
static bool trim_edges(int64_t nchan, int64_t ncorr, const uint8_t *flag, int64_t *first,
                       int64_t *last)
{
    *first = 0;
    *last = nchan;
    while (*first < *last && !memchr(flag + *first * ncorr, 0, (size_t)ncorr))
        (*first)++;
    while (*first < *last && !memchr(flag + (*last - 1) * ncorr, 0, (size_t)ncorr))
        (*last)--;
    return *first < *last && !mms_flags_or_null(flag + *first * ncorr, (*last - *first) * ncorr);
}

void mms_mean_spectrum(int64_t nchan, int64_t ncorr, const float *x, const uint8_t *flag,
                       float *out)
{
    int64_t first = 0, last = nchan;
    const bool good = !flag || trim_edges(nchan, ncorr, flag, &first, &last);

    x += good ? first * ncorr : 0;
    if (good && ncorr == 4)
        mean_of_good(4, last - first, 4, x, out);
    else if (good && ncorr == 2)
        mean_of_good(2, last - first, 2, x, out);
    else
        for (int64_t c = 0; c < ncorr; c++)
            if (good)
                mean_of_good(1, last - first, ncorr, x + c, out + c);
            else
                out[c] = mean_of_flagged(nchan, ncorr, x + c, flag + c);
}

mms_weight_rule mms_split_weight_rule(unsigned kinds, bool renamed)
{
    const unsigned both = MMS_KIND_BIT(MMS_KIND_DATA) | MMS_KIND_BIT(MMS_KIND_CORRECTED);

    if (!kinds || (kinds & both) == both)
        return MMS_WEIGHTS_COPY;
    if (renamed && kinds == MMS_KIND_BIT(MMS_KIND_CORRECTED))
        return MMS_SIGMA_FROM_WEIGHTS;
    return MMS_WEIGHTS_FROM_SIGMA;
}

/** Copy a spectrum, or repeat the value of the row where there is none. */
static void fill_spectrum(const mms_spectra *in, const float *spectrum, const float *by_row,
                          float *out)
{
    const int64_t cell = in->nchan * in->ncorr;

    if (spectrum && spectrum != out)
        memcpy(out, spectrum, (size_t)(in->nrow * cell) * sizeof *out);
    else if (!spectrum)
        for (int64_t r = 0; r < in->nrow; r++)
            mms_repeat_channels(in->nchan, in->ncorr, by_row + r * in->ncorr, out + r * cell);
}

void mms_split_weights(mms_weight_rule rule, mms_numerics numerics, const mms_spectra *in,
                       mms_spectra *out)
{
    const int64_t nrow = in->nrow * in->ncorr, ncell = nrow * in->nchan;
    float *const weights = out->weight_spectrum, *const sigmas = out->sigma_spectrum;

    if (weights)
        fill_spectrum(in, in->weight_spectrum, in->weight, weights);
    if (sigmas)
        fill_spectrum(in, in->sigma_spectrum, in->sigma, sigmas);
    if (out->weight != in->weight)
        memcpy(out->weight, in->weight, (size_t)nrow * sizeof *out->weight);
    if (out->sigma != in->sigma)
        memcpy(out->sigma, in->sigma, (size_t)nrow * sizeof *out->sigma);

    if (rule == MMS_SIGMA_FROM_WEIGHTS) {
        mms_weight_to_sigma(nrow, out->weight, out->sigma);
        if (weights && sigmas)
            mms_weight_to_sigma(ncell, weights, sigmas);
    } else if (rule == MMS_WEIGHTS_FROM_SIGMA) {
        mms_sigma_to_weight(nrow, out->sigma, out->weight);
        if (weights && sigmas && numerics == MMS_NUMERICS_EXACT)
            mms_sigma_to_weight(ncell, sigmas, weights);
    }
}
