/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file fits.c  Fits of tfcrop to means (in-place 1.10).  Sums are floats in the order of the
 * index, as CASA's: cancellation is part of them.  Each takes one curve of some that lie beside
 * each other. */
#include "fits_priv.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "base/wide_priv.h"

enum { MOST_DEGREE = 3, MOST_POWER = 2 * MOST_DEGREE };

typedef mms_flag_curves curves;
typedef mms_flag_point point;
typedef mms_flag_use use;
typedef double wide_point __attribute__((vector_size(32), may_alias));
typedef int64_t wide_use __attribute__((vector_size(32), may_alias));

static const point one = {1, 1, 1, 1};

#define INLINE static inline __attribute__((always_inline))

/** x, or 0 where it does not count. */
INLINE point pick(point x, use of)
{
    return (point)((use)x & of);
}

INLINE point root(point x)
{
    for (int l = 0; l < MMS_FLAG_CURVES; l++)
        x[l] = sqrtf(x[l]);
    return x;
}

static bool counts_anywhere(const curves *c, int l)
{
    for (int64_t i = 0; i < c->n; i++)
        if (c->use[i][l])
            return true;
    return false;
}

/** Fill zeros of a curve from their nearest neighbours, from left to right. */
static void fill_holes(curves *c, int l)
{
    point *mean = c->mean;

    for (int64_t i = 0; i < c->n; i++) {
        float left = 0, right = 0;
        if (mean[i][l] != 0)
            continue;
        for (int64_t k = i - 1; k >= 0 && left == 0; k--)
            left = mean[k][l];
        for (int64_t k = i + 1; k < c->n && right == 0; k++)
            right = mean[k][l];
        mean[i][l] = left != 0 && right != 0 ? (left + right) / 2.0F : left != 0 ? left : right;
        if (mean[i][l] == 0)
            c->use[i][l] = 0;
    }
}

/** Square of the standard deviation of all that counts. */
INLINE point find_variance(const curves *c)
{
    point sum = {0}, squares = {0}, count = {0};

    for (int64_t i = 0; i < c->n; i++) {
        sum += pick(c->mean[i], c->use[i]);
        count += pick(one, c->use[i]);
    }
    const point middle = sum / count;
    for (int64_t i = 0; i < c->n; i++) {
        const point away = c->mean[i] - middle;
        squares += pick(away * away, c->use[i]);
    }
    const point sigma = root(squares / count);
    return sigma * sigma;
}

/** A line to points [first, last] of some curves. */
INLINE void fit_line(curves *c, int64_t first, int64_t last, point variance, use which)
{
    point s = {0}, sx = {0}, sy = {0}, sxx = {0}, sxy = {0};

    assert(first >= 0 && first <= last && last < c->n);
    for (int64_t i = first; i <= last; i++) {
        const point x = (float)i * one, square = (float)(i * i) * one, mean = c->mean[i];
        s += pick(one / variance, c->use[i]);
        sx += pick(x / variance, c->use[i]);
        sy += pick(mean / variance, c->use[i]);
        sxx += pick(square / variance, c->use[i]);
        sxy += pick(x * mean / variance, c->use[i]);
    }
    const point delta = s * sxx - sx * sx;
    const point a = (sxx * sy - sx * sxy) / delta, b = (s * sxy - sx * sy) / delta;
    for (int64_t i = first; i <= last; i++)
        c->fit[i] = (point)(((use)(a + b * (float)i) & which) | ((use)c->fit[i] & ~which));
}

/** The normal equations of the curves. */
typedef struct equations {
    wide_point m[MOST_DEGREE + 1][MOST_DEGREE + 2];
} equations;

/** Exchange rows so that the k-th has the largest pivot; false where that is 0. */
INLINE bool exchange_rows(int n, int k, int l, equations *e)
{
    int pivot = k;

    for (int i = k + 1; i < n; i++)
        if (fabs(e->m[i][k][l]) > fabs(e->m[pivot][k][l]))
            pivot = i;
    for (int j = 0; pivot > k && j <= n; j++) {
        const double t = e->m[k][j][l];
        e->m[k][j][l] = e->m[pivot][j][l];
        e->m[pivot][j][l] = t;
    }
    return e->m[k][k][l] != 0;
}

/** Solve them by elimination with pivots; bad: -1 for those that are singular. */
INLINE void solve(int n, equations *e, use *bad)
{
    for (int k = 0; k < n; k++) {
        for (int l = 0; l < MMS_FLAG_CURVES; l++)
            if (!exchange_rows(n, k, l, e))
                (*bad)[l] = -1;
        for (int i = 0; i < n; i++) {
            const wide_point f = e->m[i][k] / e->m[k][k];
            for (int j = k; i != k && j <= n; j++)
                e->m[i][j] -= f * e->m[k][j];
        }
    }
    for (int k = 0; k < n; k++)
        e->m[k][n] /= e->m[k][k];
}

/** The point that takes the place of x = i + 1 in the equations: near 0, which keeps them sound. */
static inline double centred(int64_t first, int64_t last, int64_t i)
{
    return last > first ? (2.0 * (double)(i - first) / (double)(last - first)) - 1.0 : 0;
}

/** Sums of the powers of x, and of those times the mean. */
typedef struct powers {
    wide_point alone[MOST_POWER + 1], of_mean[MOST_DEGREE + 1];
} powers;

INLINE void sum_powers(const curves *c, int64_t first, int64_t last, powers *sums)
{
    powers s = {{{0}}, {{0}}};

    for (int64_t i = first; i <= last; i++) {
        const wide_point mean = __builtin_convertvector(c->mean[i], wide_point);
        const wide_use counts = __builtin_convertvector(c->use[i], wide_use);
        const double x = centred(first, last, i);
        double power = 1;
        for (int k = 0; k <= MOST_POWER; k++, power *= x) {
            const wide_point alone = {power, power, power, power};
            s.alone[k] += (wide_point)((wide_use)alone & counts);
            if (k <= MOST_DEGREE)
                s.of_mean[k] += (wide_point)((wide_use)(power * mean) & counts);
        }
    }
    *sums = s;
}

/** A polynomial to points [first, last] of the curves that have enough of them; those others. */
INLINE use fit_polynomial(curves *c, int64_t first, int64_t last, int degree)
{
    const int n = degree + 1;
    use others = {0};
    equations e;
    powers s;

    assert(degree > 1 && degree <= MOST_DEGREE && first >= 0 && last < c->n);
    sum_powers(c, first, last, &s);
    for (int k = 0; k < n; k++) {
        for (int j = 0; j < n; j++)
            e.m[k][j] = s.alone[k + j];
        e.m[k][n] = s.of_mean[k];
    }
    for (int l = 0; l < MMS_FLAG_CURVES; l++)
        others[l] = s.alone[0][l] <= degree ? -1 : 0;
    solve(n, &e, &others);
    for (int64_t i = first; i <= last; i++) {
        const double x = centred(first, last, i);
        wide_point sum = {0};
        double power = 1;
        for (int k = 0; k < n; k++, power *= x)
            sum += e.m[k][n] * power;
        c->fit[i] = __builtin_convertvector(sum, point);
    }
    return others;
}

INLINE void fit_piece(curves *c, int64_t first, int64_t last, int degree, point variance)
{
    use lines = {-1, -1, -1, -1};

    if (degree > 1)
        lines = fit_polynomial(c, first, last, degree);
    if (lines[0] | lines[1] | lines[2] | lines[3])
        fit_line(c, first, last, variance, lines);
}

INLINE void smooth(curves *c)
{
    point *f = c->fit;

    for (int64_t i = 2; i <= c->n - 3; i++)
        f[i] = (f[i - 2] + f[i - 1] + f[i] + f[i + 1] + f[i + 2]) / 5.0F;
}

INLINE void flag_upward(curves *c, float limit)
{
    point squares = {0}, count = {0};

    for (int64_t i = 0; i < c->n; i++) {
        const point away = c->mean[i] - c->fit[i];
        squares += pick(away * away, c->use[i]);
        count += pick(one, c->use[i]);
    }
    const point most = limit * root(squares / count);
    for (int64_t i = 0; i < c->n; i++)
        c->use[i] &= ~(c->mean[i] - c->fit[i] > most);
}

MMS_WIDEST static void fit_all(curves *c, int64_t most_pieces, int most_degree)
{
    static const int degrees[5] = {1, 1, 2, 3, 3};

    for (int j = 0; j < 5; j++) {
        const int64_t pieces = 2 * j + 1 < most_pieces ? 2 * j + 1 : most_pieces;
        const int degree = degrees[j] < most_degree ? degrees[j] : most_degree;
        const int64_t length = c->n / pieces, front = (c->n % pieces) / 2;
        const point variance = find_variance(c);
        for (int64_t q = 0; q < pieces; q++) {
            const int64_t last = q == pieces - 1 ? c->n - 1 : front + (q + 1) * length;
            fit_piece(c, q == 0 ? 0 : front + q * length, last < c->n ? last : c->n - 1, degree,
                      variance);
        }
        smooth(c);
        flag_upward(c, j < 2 ? 3 : 2);
    }
}

void mms_flag_fit_pieces(mms_flag_curves *c, int64_t most_pieces, int most_degree)
{
    for (int l = 0; l < MMS_FLAG_CURVES; l++)
        if (counts_anywhere(c, l))
            fill_holes(c, l);
    memcpy(c->fit, c->mean, (size_t)c->n * sizeof *c->fit);
    fit_all(c, most_pieces, most_degree);
}
