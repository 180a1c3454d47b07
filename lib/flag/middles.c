/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file middles.c  Medians of spectra and the median deviations from them (in-place 1.11).
 *
 *  The real and imaginary parts of some spectra are sorted beside each other, by the same exchanges
 *  of neighbours in memory, which compilers turn into minima and maxima of vectors. */
#include <assert.h>
#include <complex.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#ifdef __SSE__
#include <immintrin.h>
#endif

#include "base/base_priv.h"
#include "flag.h"

enum { AT_ONCE = 4, LANES = 2 * AT_ONCE };

static const double of_median = 1.4826;

static void swap(double *a, double *b)
{
    const double x = *a;
    *a = *b;
    *b = x;
}

/** Put the k-th smallest at its place, no greater ones before it and no smaller ones behind. */
static double select_at(int64_t n, double *values, int64_t k)
{
    int64_t low = 0, high = n - 1;

    assert(k >= 0 && k < n);
    while (low < high) {
        const double pivot = values[low + (high - low) / 2];
        int64_t i = low, j = high;
        while (i <= j) {
            while (values[i] < pivot)
                i++;
            while (values[j] > pivot)
                j--;
            if (i <= j)
                swap(&values[i++], &values[j--]);
        }
        if (k <= j)
            high = j;
        else if (k >= i)
            low = i;
        else
            break;
    }
    return values[k];
}

/** Values change their order. */
static double median(int64_t n, double *values)
{
    double upper, lower;

    if (n == 0)
        return 0;
    upper = select_at(n, values, n / 2);
    if (n % 2)
        return upper;
    lower = values[0];
    for (int64_t i = 1; i < n / 2; i++)
        lower = values[i] > lower ? values[i] : lower;
    return (lower + upper) / 2;
}

/** Mean and median of the deviations from it, of values that are sorted in passing. */
static void centre(int64_t n, double *values, double *middle, double *deviation)
{
    *middle = median(n, values);
    for (int64_t i = 0; i < n; i++)
        values[i] = fabs(values[i] - *middle);
    *deviation = of_median * median(n, values);
}

mms_status mms_flag_rflag_threshold(int64_t nchan, const double *sums, const int64_t *counts,
                                    double *threshold, mms_error *err)
{
    double *x = mms_alloc(nchan, sizeof *x), middle, deviation;

    if (!x)
        return mms_fail(err, MMS_ERR_MEM, "rflag: out of memory");
    for (int64_t i = 0; i < nchan; i++)
        x[i] = counts[i] > 0 ? sums[i] / (double)counts[i] : 0;
    centre(nchan, x, &middle, &deviation);
    *threshold = middle + deviation;
    free(x);
    return MMS_OK;
}

/* ---- spectra of finite numbers ----------------------------------------------------------------*/

/** Put the smaller of each pair first. */
static inline void order(float *a, float *b)
{
#ifdef __SSE__ // compilers see no minimum where numbers might be NaN
    for (int i = 0; i < LANES; i += 4) {
        const __m128 x = _mm_loadu_ps(a + i), y = _mm_loadu_ps(b + i);
        _mm_storeu_ps(a + i, _mm_min_ps(y, x));
        _mm_storeu_ps(b + i, _mm_max_ps(x, y));
    }
#else
    for (int i = 0; i < LANES; i++) {
        const float x = a[i], y = b[i];
        a[i] = y < x ? y : x;
        b[i] = y < x ? x : y;
    }
#endif
}

#if defined __x86_64__ && defined __GNUC__
/** As order_apart(), with all lanes in one register. */
__attribute__((target("avx"))) static void order_at_once(int64_t n, int64_t p, int64_t r, int64_t d,
                                                         float *lanes)
{
    for (int64_t i = r; i < n - d; i += 2 * p)
        for (int64_t k = i; k < i + p && k < n - d; k++) {
            float *const a = lanes + k * LANES, *const b = lanes + (k + d) * LANES;
            const __m256 x = _mm256_loadu_ps(a), y = _mm256_loadu_ps(b);
            _mm256_storeu_ps(a, _mm256_min_ps(y, x));
            _mm256_storeu_ps(b, _mm256_max_ps(x, y));
        }
}

static bool is_wide(void)
{
    return __builtin_cpu_supports("avx");
}
#else
static void order_at_once(int64_t n, int64_t p, int64_t r, int64_t d, float *lanes)
{
    (void)n, (void)p, (void)r, (void)d, (void)lanes;
}

static bool is_wide(void)
{
    return false;
}
#endif

/** Order numbers that lie d apart: those with r of the bits p in their place. */
static void order_apart(int64_t n, int64_t p, int64_t r, int64_t d, float *lanes)
{
    for (int64_t i = r; i < n - d; i += 2 * p)
        for (int64_t k = i; k < i + p && k < n - d; k++)
            order(lanes + k * LANES, lanes + (k + d) * LANES);
}

/** Sort lanes[n][LANES] along n.  Source: merge exchange, Knuth 5.2.2 M. */
static void sort_lanes(int64_t n, float *lanes)
{
    void (*const order_all)(int64_t, int64_t, int64_t, int64_t, float *) =
        is_wide() ? order_at_once : order_apart;
    int64_t top = 1;

    while (2 * top < n)
        top *= 2;
    for (int64_t p = n > 1 ? top : 0; p > 0; p /= 2) {
        order_all(n, p, 0, p, lanes);
        for (int64_t q = top; q > p; q /= 2)
            order_all(n, p, p, q - p, lanes);
    }
}

/** The deviation from the middle that k others do not exceed: in sorted numbers these and it are
 *  neighbours. */
static inline __attribute__((always_inline)) void deviations(const float *sorted, int64_t n,
                                                             int64_t k, int count,
                                                             const double *middle, double *out)
{
    for (int l = 0; l < count; l++)
        out[l] = INFINITY;
    for (int64_t i = 0; i < n - k; i++)
        for (int l = 0; l < count; l++) {
            const double below = middle[l] - (double)sorted[i * LANES + l];
            const double above = (double)sorted[(i + k) * LANES + l] - middle[l];
            const double most = below < above ? above : below;
            out[l] = most < out[l] ? most : out[l];
        }
}

/** As centre(), of the first n of count lanes that are sorted. */
static inline __attribute__((always_inline)) void centre_lanes(const float *sorted, int64_t n,
                                                               int count, double *middle,
                                                               double *spread)
{
    double lower[LANES];

    for (int l = 0; l < count; l++) {
        middle[l] = (double)sorted[n / 2 * LANES + l];
        if (n % 2 == 0)
            middle[l] = ((double)sorted[(n / 2 - 1) * LANES + l] + middle[l]) / 2;
    }
    deviations(sorted, n, n / 2, count, middle, spread);
    if (n % 2 == 0) {
        deviations(sorted, n, n / 2 - 1, count, middle, lower);
        for (int l = 0; l < count; l++)
            spread[l] = (lower[l] + spread[l]) / 2;
    }
    for (int l = 0; l < count; l++)
        spread[l] = of_median * spread[l];
}

/** Take the unflagged values of a spectrum to two lanes, infinity behind them; how many they are,
 *  or -1: a value is not finite. */
static int64_t take_spectrum(int64_t nchan, const mms_complex *values, const uint8_t *flags,
                             float *lanes)
{
    const float behind[2] = {INFINITY, INFINITY}, *parts = (const float *)values;
    int64_t n = 0, finite = 0, flagged = 0;

    for (int64_t c = 0; c < nchan; c++)
        flagged += flags[c];
    if (flagged == nchan)
        return 0;
    for (int64_t i = 0; i < 2 * nchan; i++)
        finite += fabsf(parts[i]) <= FLT_MAX;
    if (finite < 2 * nchan) // perhaps it is flagged, but that is rare
        return -1;
    if (flagged == 0) {
        for (int64_t c = 0; c < nchan; c++)
            memcpy(lanes + c * LANES, &values[c], sizeof values[c]);
        return nchan;
    }
    for (int64_t c = 0; c < nchan; c++) {
        memcpy(lanes + n * LANES, &values[c], sizeof values[c]);
        n += !flags[c];
    }
    for (int64_t c = n; c < nchan; c++)
        memcpy(lanes + c * LANES, behind, sizeof behind);
    return n;
}

/** The middles of AT_ONCE spectra in lanes, those with n[i] > 0. */
static void centre_spectra(int64_t nchan, const int64_t *n, float *lanes, mms_flag_middle *out)
{
    double middle[LANES], spread[LANES];
    bool same = n[0] > 0, any = same;

    for (int i = 1; i < AT_ONCE; i++)
        any = any || n[i] > 0;
    if (!any)
        return;
    sort_lanes(nchan, lanes);
    for (int i = 1; i < AT_ONCE; i++)
        same = same && n[i] == n[0];
    if (same)
        centre_lanes(lanes, n[0], LANES, middle, spread);
    for (int l = 0; l < LANES && !same; l++)
        if (n[l / 2] > 0)
            centre_lanes(lanes + l, n[l / 2], 1, middle + l, spread + l);
    for (int i = 0; i < AT_ONCE; i++)
        if (n[i] > 0)
            out[i] = (mms_flag_middle){middle[2 * i], middle[2 * i + 1], spread[2 * i],
                                       spread[2 * i + 1]};
}

/* ---- any spectra ------------------------------------------------------------------------------*/

/** The middle of a spectrum of any values; scratch[nchan]. */
static mms_flag_middle spectrum_middle(int64_t nchan, const mms_complex *values,
                                       const uint8_t *flags, double *scratch)
{
    mms_flag_middle m = {0, 0, 1000, 1000};
    int64_t n = 0;

    for (int64_t c = 0; c < nchan; c++)
        if (!flags[c])
            scratch[n++] = (double)crealf(values[c]);
    if (n == 0)
        return m;
    centre(n, scratch, &m.re, &m.spread_re);
    n = 0;
    for (int64_t c = 0; c < nchan; c++)
        if (!flags[c])
            scratch[n++] = (double)cimagf(values[c]);
    centre(n, scratch, &m.im, &m.spread_im);
    return m;
}

mms_status mms_flag_rflag_middles(int64_t ntime, int64_t nchan, const mms_complex *values,
                                  const uint8_t *flags, mms_flag_middle *middles, mms_error *err)
{
    float *lanes = mms_alloc(nchan * LANES, sizeof *lanes);
    double *scratch = mms_alloc(nchan, sizeof *scratch);
    int64_t n[AT_ONCE], t = 0;

    if (!lanes || !scratch) {
        free(lanes);
        free(scratch);
        return mms_fail(err, MMS_ERR_MEM, "rflag: out of memory");
    }
    for (; t + AT_ONCE <= ntime; t += AT_ONCE) {
        for (int i = 0; i < AT_ONCE; i++)
            n[i] = take_spectrum(nchan, values + (t + i) * nchan, flags + (t + i) * nchan,
                                 lanes + 2 * (ptrdiff_t)i);
        centre_spectra(nchan, n, lanes, middles + t);
        for (int i = 0; i < AT_ONCE; i++)
            if (n[i] <= 0)
                middles[t + i] = spectrum_middle(nchan, values + (t + i) * nchan,
                                                 flags + (t + i) * nchan, scratch);
    }
    for (; t < ntime; t++)
        middles[t] = spectrum_middle(nchan, values + t * nchan, flags + t * nchan, scratch);
    free(lanes);
    free(scratch);
    return MMS_OK;
}
