/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file continuum_sums.c  Least squares in terms of Chebyshev polynomials, point by point.
 *
 *  The sums of a correlation are: how many channels count; the upper triangle of what the points
 *  say of the terms (QR, by rotations), each row with its real and imaginary parts behind. */
#include "continuum_sums.h"

#include <math.h>
#include <string.h>

/** A term of which the points tell less than this part from those before it is left out. */
static const double lost = 1e-11;

void mms_continuum_chebyshev(int64_t nchan, const double *freq_hz, double low_hz, double high_hz,
                             int64_t nterm, double *term)
{
    const double mid = (low_hz + high_hz) / 2, half = (high_hz - low_hz) / 2;

    for (int64_t k = 0; k < nchan; k++) {
        const double x = half > 0 ? (freq_hz[k] - mid) / half : 0;
        for (int64_t j = 0; j < nterm; j++)
            term[j * nchan + k] =
                j == 0   ? 1
                : j == 1 ? x
                         : 2 * x * term[(j - 1) * nchan + k] - term[(j - 2) * nchan + k];
    }
}

/** Of a correlation. */
static int64_t nsum_of_corr(int64_t nterm)
{
    return 1 + nterm * (nterm + 2);
}

int64_t mms_continuum_nsum(int64_t nterm, int64_t ncorr)
{
    return ncorr * nsum_of_corr(nterm);
}

/** Turn a row, whose first terms up to first are 0, into the triangle; the row is used up. */
static void turn_in(int64_t nterm, int64_t first, double *triangle, double *row)
{
    const int64_t width = nterm + 2;

    for (int64_t i = first; i < nterm; i++) {
        double *const r = triangle + i * width;
        const double length = sqrt(r[i] * r[i] + row[i] * row[i]);
        if (!(length > 0))
            continue;
        const double c = r[i] / length, s = row[i] / length;
        for (int64_t j = i; j < width; j++) {
            const double old = r[j];
            r[j] = c * old + s * row[j];
            row[j] = c * row[j] - s * old;
        }
    }
}

static bool counts(const mms_continuum_terms *t, int64_t ncorr, const uint8_t *flag, int64_t k)
{
    return t->fitted[k] && !memchr(flag + k * ncorr, 1, (size_t)ncorr);
}

/** As CASA's old task: the channels share the weight of a row; of higher orders those from the
 *  first to the last that is fitted do, whether they count or not. */
static double share_of(const mms_continuum_terms *t, float weight, double n)
{
    const bool usable = weight >= 1e-20F && weight <= 1e20F;

    return (usable ? (double)weight : 1) / (t->nterm > 1 ? (double)t->span : n);
}

void mms_continuum_sum_row(const mms_continuum_terms *t, int64_t ncorr, const float *data,
                           const uint8_t *flag, const float *weight, double *scratch, double *sums)
{
    const int64_t n = nsum_of_corr(t->nterm);

    memset(sums, 0, (size_t)(n * ncorr) * sizeof *sums);
    for (int64_t k = 0; k < t->nchan; k++)
        for (int64_t c = 0; c < ncorr && counts(t, ncorr, flag, k); c++) {
            for (int64_t i = 0; i < t->nterm; i++)
                scratch[i] = t->term[i * t->nchan + k];
            for (int64_t part = 0; part < 2; part++)
                scratch[t->nterm + part] = (double)data[2 * (k * ncorr + c) + part];
            turn_in(t->nterm, 0, sums + c * n + 1, scratch);
            sums[c * n] += 1;
        }
    for (int64_t c = 0; c < ncorr; c++) {
        const double root = sqrt(share_of(t, weight[c], sums[c * n]));
        for (int64_t i = 1; sums[c * n] > 0 && i < n; i++)
            sums[c * n + i] *= root;
    }
}

void mms_continuum_add_sums(int64_t nterm, int64_t ncorr, const double *from, double *scratch,
                            double *sums)
{
    const int64_t n = nsum_of_corr(nterm), width = nterm + 2;

    for (int64_t c = 0; c < ncorr; c++, from += n, sums += n) {
        sums[0] += from[0];
        for (int64_t i = 0; i < nterm; i++) {
            memcpy(scratch, from + 1 + i * width, (size_t)width * sizeof *scratch);
            turn_in(nterm, i, sums + 1, scratch);
        }
    }
}

/** The length of column j of the triangle: what all points say of the term. */
static double length_of(int64_t nterm, const double *triangle, int64_t j)
{
    double sum = 0;

    for (int64_t i = 0; i <= j; i++)
        sum += triangle[i * (nterm + 2) + j] * triangle[i * (nterm + 2) + j];
    return sqrt(sum);
}

void mms_continuum_solve_sums(int64_t nterm, int64_t ncorr, const double *sums, double *coefficient)
{
    memset(coefficient, 0, (size_t)(2 * nterm * ncorr) * sizeof *coefficient);
    for (int64_t c = 0; c < 2 * ncorr; c++) {
        const double *const s = sums + c / 2 * nsum_of_corr(nterm), *const triangle = s + 1;
        double *const x = coefficient + c * nterm;
        const int64_t n = s[0] < (double)nterm ? (int64_t)s[0] : nterm;
        for (int64_t i = n - 1; i >= 0; i--) {
            const double *const row = triangle + i * (nterm + 2);
            double left = row[nterm + c % 2];
            for (int64_t j = i + 1; j < n; j++)
                left -= row[j] * x[j];
            x[i] = fabs(row[i]) > lost * length_of(nterm, triangle, i) ? left / row[i] : 0;
        }
        if (n == 0)
            x[0] = NAN;
    }
}

void mms_continuum_evaluate(const mms_continuum_terms *t, int64_t ncorr, const double *coefficient,
                            float *model)
{
    for (int64_t k = 0; k < t->nchan; k++)
        for (int64_t i = 0; i < 2 * ncorr; i++) {
            double sum = 0;
            for (int64_t j = 0; j < t->nterm; j++)
                sum += coefficient[i * t->nterm + j] * t->term[j * t->nchan + k];
            model[k * 2 * ncorr + i] = (float)sum;
        }
}
