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

/** A map seen along one of its dimensions.  Sums of one point or line are taken in the order of the
 *  index, those of many points or lines beside each other: of two ways to store a map each loop
 *  takes that in which its neighbours are. */
typedef struct direction {
    int64_t along, across; /**< points */
    const float *lines;    /**< [across][along] */
    const float *points;   /**< [along][across] */
    uint8_t *flags;        /**< [along][across] */
    float tolerance;
    bool poly;
} direction;

/** Room for a direction. */
typedef struct scratch {
    float *x;              /**< [along][across]: values over the fit */
    float *sums, *counts;  /**< [the longer dimension] */
    float *limits;         /**< [across]: what is surely no more than the next */
    double *beyond, *last; /**< [across]: limits of |x - 1|; the spread before */
    uint8_t *settled;      /**< [across] */
} scratch;

/** What a fit works on: n points each. */
typedef struct curve {
    int64_t n;
    float *mean, *fit;
    uint8_t *flags;
} curve;

/** To the other way to store: from[rows][columns]. */
static void turn_floats(int64_t rows, int64_t columns, const float *from, float *restrict to)
{
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < columns; j++)
            to[j * rows + i] = from[i * columns + j];
}

/** Flags, where there are any: to has none that from has not. */
static void turn_flags(int64_t rows, int64_t columns, const uint8_t *from, uint8_t *restrict to)
{
    if (!memchr(from, 1, (size_t)(rows * columns)))
        return;
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < columns; j++)
            to[j * rows + i] = from[i * columns + j];
}

/** The mean of each point, which is flagged where there is nothing to take it of; flags[across]
 *  [along]. */
static void means(const direction *d, const uint8_t *flags, const scratch *s, curve *c)
{
    const int64_t n = d->along;
    float *restrict sums = s->sums, *restrict counts = s->counts;

    memset(sums, 0, (size_t)n * sizeof *sums);
    memset(counts, 0, (size_t)n * sizeof *counts);
    for (int64_t j = 0; j < d->across; j++) {
        const float *values = d->lines + j * n;
        const uint8_t *line = flags + j * n;
        for (int64_t i = 0; i < n; i++) {
            const float value = values[i]; // whatever it is, for vectors
            sums[i] += line[i] ? 0 : value;
            counts[i] += line[i] ? 0 : 1.0F;
        }
    }
    for (int64_t i = 0; i < n; i++) {
        c->mean[i] = counts[i] > 0 ? sums[i] / counts[i] : 0;
        c->flags[i] = counts[i] <= 0;
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

/** The spread of each line, with what is flagged left out: NaN where all is. */
static void find_spreads(const direction *d, const scratch *s)
{
    const int64_t n = d->across;
    float *restrict sums = s->sums, *restrict counts = s->counts;

    memset(sums, 0, (size_t)n * sizeof *sums);
    memset(counts, 0, (size_t)n * sizeof *counts);
    for (int64_t i = 0; i < d->along; i++) {
        const float *x = s->x + i * n;
        const uint8_t *flags = d->flags + i * n;
        for (int64_t j = 0; j < n; j++) {
            const float away = x[j] - 1;
            sums[j] += flags[j] ? 0 : away * away;
            counts[j] += flags[j] ? 0 : 1.0F;
        }
    }
    for (int64_t j = 0; j < n; j++)
        sums[j] = sqrtf(sums[j] / counts[j]); // 0 / 0: NaN
}

/** Flag the points of one index that are beyond the limits of their lines. */
static void flag_beyond(int64_t n, const float *x, const scratch *s, uint8_t *flags)
{
    const float *limits = s->limits;
    int32_t may = 0;

    for (int64_t j = 0; j < n; j++)
        may += fabsf(x[j] - 1) >= limits[j];
    for (int64_t j = 0; may && j < n; j++)
        if (fabs((double)x[j] - 1) > s->beyond[j])
            flags[j] = 1;
}

/** Flag in each line until its spread settles; beyond[] are the limits of the last time. */
static void flag_lines(const direction *d, const scratch *s)
{
    const int64_t n = d->across;
    int64_t left = n;

    for (int64_t j = 0; j < n; j++) {
        s->last[j] = 0;
        s->settled[j] = 0;
    }
    for (int k = 0; k < 5 && left > 0; k++) {
        find_spreads(d, s);
        for (int64_t j = 0; j < n; j++) {
            if (s->settled[j])
                continue; // what is left of it is within the limits that it had
            s->beyond[j] = (double)d->tolerance * (double)s->sums[j];
            s->limits[j] = (float)s->beyond[j] * 0.999999F;
            s->settled[j] = fabs(s->last[j] - (double)s->sums[j]) < 0.1;
            s->last[j] = (double)s->sums[j];
            left -= s->settled[j];
        }
        for (int64_t i = 0; i < d->along; i++)
            flag_beyond(n, s->x + i * n, s, d->flags + i * n);
    }
}

/** Flag the middle of windows along the lines whose mean distance is beyond the limits. */
static void flag_windows(const mms_flag_tfcrop *how, const direction *d, const scratch *s)
{
    const int64_t half = how->halfwin, n = d->across;
    const float width = (float)(2 * half + 1);

    for (int64_t i = half; i < d->along - half; i++)
        for (int64_t j = 0; j < n; j++) {
            float sum = 0, squares = 0;
            for (int64_t k = i - half; k <= i + half; k++) {
                sum += fabsf(s->x[k * n + j] - 1);
                squares += (s->x[k * n + j] - 1) * (s->x[k * n + j] - 1);
            }
            if ((how->sum && (double)(sum / width) > s->beyond[j]) ||
                (how->std && (double)sqrtf(squares / width) > s->beyond[j]))
                d->flags[i * n + j] = 1;
        }
}

/** flags[across][along]: those of d the other way, changed likewise. */
static void crop(const mms_flag_tfcrop *how, const direction *d, uint8_t *flags, const scratch *s,
                 curve *c)
{
    const int64_t n = d->across;

    c->n = d->along;
    means(d, flags, s, c);
    if (!memchr(c->flags, 0, (size_t)c->n))
        return;
    fit_pieces(c, d->poly ? how->maxnpieces : 1, d->poly ? MOST_DEGREE : 1);
    for (int64_t i = 0; i < c->n; i++) {
        const float fit = c->fit[i], *values = d->points + i * n;
        const uint8_t *line = d->flags + i * n;
        float *restrict x = s->x + i * n;
        for (int64_t j = 0; j < n; j++) {
            const float over = values[j] / fit;
            x[j] = line[j] ? 0 : over;
        }
    }
    flag_lines(d, s);
    if (how->sum || how->std)
        flag_windows(how, d, s);
    turn_flags(d->along, n, d->flags, flags);
}

/** As mms_flag_tfcrop_map(), with the same map and its flags the other way, [nchan][ntime]. */
static void crop_map(const mms_flag_tfcrop *how, int64_t ntime, int64_t nchan, const float *values,
                     const float *turned, uint8_t *flags, uint8_t *turned_flags, const scratch *s,
                     curve *c)
{
    const direction time = {ntime, nchan, turned, values, flags, how->timecutoff, how->timepoly};
    const direction freq = {nchan,        ntime,           values,       turned,
                            turned_flags, how->freqcutoff, how->freqpoly};

    if (how->time && how->timefirst)
        crop(how, &time, turned_flags, s, c);
    if (how->freq)
        crop(how, &freq, flags, s, c);
    if (how->time && !how->timefirst)
        crop(how, &time, turned_flags, s, c);
}

mms_status mms_flag_tfcrop_map(const mms_flag_tfcrop *how, int64_t ntime, int64_t nchan,
                               const float *values, uint8_t *flags, mms_error *err)
{
    const int64_t most = ntime > nchan ? ntime : nchan, n = ntime * nchan;
    float *floats = mms_alloc(2 * n + 5 * most, sizeof *floats);
    double *doubles = mms_alloc(2 * most, sizeof *doubles);
    uint8_t *bytes = mms_alloc(n + 2 * most, 1);
    mms_status st = MMS_OK;

    if (floats && doubles && bytes) {
        float *turned = floats, *rest = floats + 2 * n;
        const scratch s = {floats + n, rest,           rest + most,     rest + 2 * most,
                           doubles,    doubles + most, bytes + n + most};
        curve c = {0, rest + 3 * most, rest + 4 * most, bytes + n};
        turn_floats(ntime, nchan, values, turned);
        turn_flags(ntime, nchan, flags, bytes);
        crop_map(how, ntime, nchan, values, turned, flags, bytes, &s, &c);
    } else {
        st = mms_fail(err, MMS_ERR_MEM, "tfcrop: out of memory");
    }
    free(floats);
    free(doubles);
    free(bytes);
    return st;
}
