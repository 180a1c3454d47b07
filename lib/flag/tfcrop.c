/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file tfcrop.c  Flags what stands out of fits to the means along time and frequency (in-place
 *  1.10).  Sums are floats in the order of the index, as CASA's: cancellation is part of them. */
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/base_priv.h"
#include "flag.h"

enum { MOST_DEGREE = 3 };

/** A map seen along one of its dimensions. */
typedef struct direction {
    int64_t along, across;           /**< points */
    int64_t step_along, step_across; /**< in the arrays */
    float tolerance;
    bool poly;
} direction;

/** What a fit works on: n points each. */
typedef struct curve {
    int64_t n;
    float *mean, *fit;
    uint8_t *flags;
} curve;

/** The mean of each point, which is flagged where there is nothing to take it of. */
static void means(const direction *d, const float *values, const uint8_t *flags, curve *c)
{
    for (int64_t i = 0; i < d->along; i++) {
        float sum = 0, count = 0;
        for (int64_t j = 0; j < d->across; j++) {
            const int64_t k = i * d->step_along + j * d->step_across;
            if (!flags[k]) {
                sum += values[k];
                count += 1;
            }
        }
        c->mean[i] = count > 0 ? sum / count : 0;
        c->flags[i] = count == 0;
    }
}

/** Fill zeros from their nearest neighbours, from left to right. */
static void fill_holes(curve *c)
{
    for (int64_t i = 0; i < c->n; i++) {
        float left = 0, right = 0;
        if (c->mean[i] != 0)
            continue;
        for (int64_t k = i - 1; k >= 0 && left == 0; k--)
            left = c->mean[k];
        for (int64_t k = i + 1; k < c->n && right == 0; k++)
            right = c->mean[k];
        c->mean[i] = left != 0 && right != 0 ? (left + right) / 2.0F : left != 0 ? left : right;
        if (c->mean[i] == 0)
            c->flags[i] = 1;
    }
}

/** Standard deviation of all unflagged points. */
static float spread(const curve *c)
{
    float sum = 0, squares = 0, count = 0;

    for (int64_t i = 0; i < c->n; i++)
        if (!c->flags[i]) {
            sum += c->mean[i];
            count += 1;
        }
    for (int64_t i = 0; i < c->n; i++)
        if (!c->flags[i])
            squares += (c->mean[i] - sum / count) * (c->mean[i] - sum / count);
    return sqrtf(squares / count);
}

static void fit_line(curve *c, int64_t first, int64_t last)
{
    const float sigma = spread(c), variance = sigma * sigma;

    assert(first >= 0 && first <= last && last < c->n);
    float s = 0, sx = 0, sy = 0, sxx = 0, sxy = 0;

    for (int64_t i = first; i <= last; i++) {
        if (c->flags[i])
            continue;
        s += 1 / variance;
        sx += (float)i / variance;
        sy += c->mean[i] / variance;
        sxx += (float)(i * i) / variance;
        sxy += (float)i * c->mean[i] / variance;
    }
    const float delta = s * sxx - sx * sx;
    const float a = (sxx * sy - sx * sxy) / delta, b = (s * sxy - sx * sy) / delta;
    for (int64_t i = first; i <= last; i++)
        c->fit[i] = a + b * (float)i;
}

/** Solve the normal equations by elimination with pivots; false when they are singular. */
static bool solve(int n, double m[MOST_DEGREE + 1][MOST_DEGREE + 2])
{
    for (int k = 0; k < n; k++) {
        int pivot = k;
        for (int i = k + 1; i < n; i++)
            if (fabs(m[i][k]) > fabs(m[pivot][k]))
                pivot = i;
        if (m[pivot][k] == 0)
            return false;
        for (int j = 0; j <= n; j++) {
            const double t = m[k][j];
            m[k][j] = m[pivot][j];
            m[pivot][j] = t;
        }
        for (int i = 0; i < n; i++) {
            const double f = i == k ? 0 : m[i][k] / m[k][k];
            for (int j = k; j <= n; j++)
                m[i][j] -= f * m[k][j];
        }
    }
    for (int k = 0; k < n; k++)
        m[k][n] /= m[k][k];
    return true;
}

/** The point that takes the place of x = i + 1 in the equations: near 0, which keeps them sound. */
static double centred(int64_t first, int64_t last, int64_t i)
{
    return last > first ? (2.0 * (double)(i - first) / (double)(last - first)) - 1.0 : 0;
}

static bool fit_polynomial(curve *c, int64_t first, int64_t last, int degree)
{
    double m[MOST_DEGREE + 1][MOST_DEGREE + 2] = {{0}};
    const int n = degree + 1;

    assert(degree >= 1 && degree <= MOST_DEGREE && first >= 0 && last < c->n);
    for (int64_t i = first; i <= last; i++) {
        double power[2 * MOST_DEGREE + 1] = {1};
        if (c->flags[i])
            continue;
        for (int k = 1; k <= 2 * degree; k++)
            power[k] = power[k - 1] * centred(first, last, i);
        for (int k = 0; k < n; k++) {
            for (int j = 0; j < n; j++)
                m[k][j] += power[k + j];
            m[k][n] += power[k] * (double)c->mean[i];
        }
    }
    if (!solve(n, m))
        return false;
    for (int64_t i = first; i <= last; i++) {
        double power = 1, sum = 0;
        for (int k = 0; k < n; k++, power *= centred(first, last, i))
            sum += m[k][n] * power;
        c->fit[i] = (float)sum;
    }
    return true;
}

static void fit_piece(curve *c, int64_t first, int64_t last, int degree)
{
    int64_t good = 0;

    for (int64_t i = first; i <= last; i++)
        good += !c->flags[i];
    if (degree == 1 || good <= degree || !fit_polynomial(c, first, last, degree))
        fit_line(c, first, last);
}

static void smooth(curve *c)
{
    for (int64_t i = 2; i <= c->n - 3; i++)
        c->fit[i] =
            (c->fit[i - 2] + c->fit[i - 1] + c->fit[i] + c->fit[i + 1] + c->fit[i + 2]) / 5.0F;
}

static void flag_upward(curve *c, float limit)
{
    float squares = 0, count = 0;

    for (int64_t i = 0; i < c->n; i++)
        if (!c->flags[i]) {
            squares += (c->mean[i] - c->fit[i]) * (c->mean[i] - c->fit[i]);
            count += 1;
        }
    const float sigma = sqrtf(squares / count);
    for (int64_t i = 0; i < c->n; i++)
        if (c->mean[i] - c->fit[i] > limit * sigma)
            c->flags[i] = 1;
}

/** Fit pieces that are more and bend more from time to time, without what stands out upwards. */
static void fit_pieces(curve *c, int64_t most_pieces, int most_degree)
{
    static const int degrees[5] = {1, 1, 2, 3, 3};

    fill_holes(c);
    memcpy(c->fit, c->mean, (size_t)c->n * sizeof *c->fit);
    for (int j = 0; j < 5; j++) {
        const int64_t pieces = 2 * j + 1 < most_pieces ? 2 * j + 1 : most_pieces;
        const int degree = degrees[j] < most_degree ? degrees[j] : most_degree;
        const int64_t length = c->n / pieces, front = (c->n % pieces) / 2;
        for (int64_t q = 0; q < pieces; q++) {
            const int64_t last = q == pieces - 1 ? c->n - 1 : front + (q + 1) * length;
            fit_piece(c, q == 0 ? 0 : front + q * length, last < c->n ? last : c->n - 1, degree);
        }
        smooth(c);
        flag_upward(c, j < 2 ? 3 : 2);
    }
}

/** Flag in the line until its spread settles; the spread is that of the last time. */
static double flag_line(int64_t n, const float *x, uint8_t *flags, int64_t step, float tolerance)
{
    double before = 0, sigma = 0;

    for (int k = 0; k < 5; k++) {
        float squares = 0, count = 0;
        for (int64_t i = 0; i < n; i++)
            if (!flags[i * step]) {
                squares += (x[i] - 1) * (x[i] - 1);
                count += 1;
            }
        sigma = count > 0 ? (double)sqrtf(squares / count) : (double)NAN;
        for (int64_t i = 0; i < n; i++)
            if (!flags[i * step] && fabs((double)x[i] - 1) > (double)tolerance * sigma)
                flags[i * step] = 1;
        if (fabs(before - sigma) < 0.1)
            break;
        before = sigma;
    }
    return sigma;
}

static void flag_windows(const mms_flag_tfcrop *how, int64_t n, const float *x, uint8_t *flags,
                         int64_t step, double limit)
{
    const int64_t half = how->halfwin;
    const float width = (float)(2 * half + 1);

    for (int64_t i = half; i < n - half; i++) {
        float sum = 0, squares = 0;
        for (int64_t k = i - half; k <= i + half; k++) {
            sum += fabsf(x[k] - 1);
            squares += (x[k] - 1) * (x[k] - 1);
        }
        if ((how->sum && (double)(sum / width) > limit) ||
            (how->std && (double)sqrtf(squares / width) > limit))
            flags[i * step] = 1;
    }
}

static void crop(const mms_flag_tfcrop *how, const direction *d, const float *values,
                 uint8_t *flags, curve *c, float *x)
{
    bool any = false;

    c->n = d->along;
    means(d, values, flags, c);
    for (int64_t i = 0; i < c->n; i++)
        any = any || !c->flags[i];
    if (!any)
        return;
    fit_pieces(c, d->poly ? how->maxnpieces : 1, d->poly ? MOST_DEGREE : 1);
    for (int64_t j = 0; j < d->across; j++) {
        uint8_t *line = flags + j * d->step_across;
        for (int64_t i = 0; i < c->n; i++) {
            const int64_t k = i * d->step_along;
            x[i] = line[k] ? 0 : values[j * d->step_across + k] / c->fit[i];
        }
        const double sigma = flag_line(c->n, x, line, d->step_along, d->tolerance);
        if (how->sum || how->std)
            flag_windows(how, c->n, x, line, d->step_along, (double)d->tolerance * sigma);
    }
}

mms_status mms_flag_tfcrop_map(const mms_flag_tfcrop *how, int64_t ntime, int64_t nchan,
                               const float *values, uint8_t *flags, mms_error *err)
{
    const direction time = {ntime, nchan, nchan, 1, how->timecutoff, how->timepoly};
    const direction freq = {nchan, ntime, 1, nchan, how->freqcutoff, how->freqpoly};
    const int64_t most = ntime > nchan ? ntime : nchan;
    float *floats = mms_alloc(3 * most, sizeof *floats);
    curve c = {0, floats, floats + most, mms_alloc(most, 1)};

    if (!floats || !c.flags) {
        free(floats);
        free(c.flags);
        return mms_fail(err, MMS_ERR_MEM, "tfcrop: out of memory");
    }
    if (how->time && how->timefirst)
        crop(how, &time, values, flags, &c, floats + 2 * most);
    if (how->freq)
        crop(how, &freq, values, flags, &c, floats + 2 * most);
    if (how->time && !how->timefirst)
        crop(how, &time, values, flags, &c, floats + 2 * most);
    free(floats);
    free(c.flags);
    return MMS_OK;
}
