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
#include "base/wide_priv.h"
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

/** Order numbers that lie d apart: those with r of the bits p in their place. */
static void order_apart(int64_t n, int64_t p, int64_t r, int64_t d, float *lanes)
{
    for (int64_t i = r; i < n - d; i += 2 * p)
        for (int64_t k = i; k < i + p && k < n - d; k++)
            order(lanes + k * LANES, lanes + (k + d) * LANES);
}

/** Sort lanes[n][LANES] along n.  Source: merge exchange, Knuth 5.2.2 M. */
static void sort_any(int64_t n, float *lanes)
{
    int64_t top = 1;

    while (2 * top < n)
        top *= 2;
    for (int64_t p = n > 1 ? top : 0; p > 0; p /= 2) {
        order_apart(n, p, 0, p, lanes);
        for (int64_t q = top; q > p; q /= 2)
            order_apart(n, p, p, q - p, lanes);
    }
}

enum { BLOCK = 8 }; // numbers that are sorted in registers

static int64_t whole_blocks(int64_t n)
{
    return (n + BLOCK - 1) / BLOCK * BLOCK;
}

#if defined __x86_64__ && defined __GNUC__
#define AVX static inline __attribute__((always_inline, target("avx")))

/** Put the smaller ones first. */
AVX void order_registers(__m256 *v, int a, int b)
{
    const __m256 x = v[a], y = v[b];
    v[a] = _mm256_min_ps(y, x);
    v[b] = _mm256_max_ps(x, y);
}

AVX void order_rows(float *a, float *b)
{
    const __m256 x = _mm256_loadu_ps(a), y = _mm256_loadu_ps(b);
    _mm256_storeu_ps(a, _mm256_min_ps(y, x));
    _mm256_storeu_ps(b, _mm256_max_ps(x, y));
}

AVX void order_pairs(__m256 *v, int d)
{
    for (int i = 0; i < BLOCK; i += 2 * d)
        for (int k = i; k < i + d; k++)
            order_registers(v, k, k + d);
}

AVX void load_block(__m256 *v, const float *lanes)
{
    for (int i = 0; i < BLOCK; i++)
        v[i] = _mm256_loadu_ps(lanes + i * LANES);
}

AVX void store_block(const __m256 *v, float *lanes)
{
    for (int i = 0; i < BLOCK; i++)
        _mm256_storeu_ps(lanes + i * LANES, v[i]);
}

AVX void sort_block(float *lanes)
{
    __m256 v[BLOCK];

    load_block(v, lanes);
    order_pairs(v, 1);
    order_pairs(v, 2);
    order_registers(v, 1, 2);
    order_registers(v, 5, 6);
    order_pairs(v, 4);
    order_registers(v, 2, 4);
    order_registers(v, 3, 5);
    for (int i = 1; i < BLOCK - 1; i += 2)
        order_registers(v, i, i + 1);
    store_block(v, lanes);
}

/** Merge what is left when all steps over blocks are done. */
AVX void merge_block(float *lanes)
{
    __m256 v[BLOCK];

    load_block(v, lanes);
    order_pairs(v, 4);
    order_pairs(v, 2);
    order_pairs(v, 1);
    store_block(v, lanes);
}

/** Merge sorted runs of numbers by twos.  What would be behind the end is greater than all. */
AVX void merge_runs(int64_t n, int64_t run, float *lanes)
{
    for (int64_t i = 0; i + run < n; i += 2 * run) {
        const int64_t end = i + 2 * run;
        for (int64_t k = end > n ? end - n : 0; k < run; k++)
            order_rows(lanes + (i + k) * LANES, lanes + (end - 1 - k) * LANES);
        for (int64_t d = run / 2; d >= BLOCK; d /= 2)
            for (int64_t j = i; j < end; j += 2 * d)
                for (int64_t k = j; k < j + d && k + d < n; k++)
                    order_rows(lanes + k * LANES, lanes + (k + d) * LANES);
    }
    for (int64_t i = 0; i < n; i += BLOCK)
        merge_block(lanes + i * LANES);
}

/** As sort_any(), with all lanes in one register.  Source: bitonic merges, Knuth 5.3.4. */
__attribute__((target("avx"))) static void sort_wide(int64_t n, float *lanes)
{
    assert(n % BLOCK == 0);
    for (int64_t i = 0; i < n; i += BLOCK)
        sort_block(lanes + i * LANES);
    for (int64_t run = BLOCK; run < n; run *= 2)
        merge_runs(n, run, lanes);
}

static bool is_wide(void)
{
    return __builtin_cpu_supports("avx");
}
#else
static void sort_wide(int64_t n, float *lanes)
{
    sort_any(n, lanes);
}

static bool is_wide(void)
{
    return false;
}
#endif

static void sort_lanes(int64_t n, float *lanes)
{
    if (is_wide())
        sort_wide(whole_blocks(n), lanes);
    else
        sort_any(n, lanes);
}

/** A lane of sorted numbers. */
static inline double at(const float *sorted, int64_t i)
{
    return (double)sorted[i * LANES];
}

/** The deviation from the middle that k others of a lane do not exceed: in sorted numbers these and
 *  it are neighbours, i to i + k.  Where their sum becomes twice the middle the greater of the
 *  deviations on either side is least: first is nearby. */
static double deviation(const float *sorted, int64_t n, int64_t k, double middle, int64_t *first)
{
    int64_t i = *first;
    double least = INFINITY;

    while (i < n - k && at(sorted, i + k) - middle < middle - at(sorted, i))
        i++;
    while (i > 0 && at(sorted, i - 1 + k) - middle >= middle - at(sorted, i - 1))
        i--;
    if (i < n - k)
        least = at(sorted, i + k) - middle;
    if (i > 0 && middle - at(sorted, i - 1) < least)
        least = middle - at(sorted, i - 1);
    *first = i;
    return least;
}

typedef float lane_floats __attribute__((vector_size(4 * LANES), aligned(4), may_alias));
typedef int32_t lane_counts __attribute__((vector_size(4 * LANES), aligned(4), may_alias));

/** About where deviation() finds it, of all lanes. */
MMS_WIDEST static void find_near(const float *sorted, int64_t n, const float *twice, int32_t *first)
{
    const lane_floats *const s = (const lane_floats *)sorted, middle = *(const lane_floats *)twice;
    lane_counts count = {0};

    for (int64_t i = 0; i < n - n / 2; i++)
        count -= s[i] + s[i + n / 2] < middle;
    *(lane_counts *)first = count;
}

/** As centre(), of the first n[l / 2] numbers of each lane, which are sorted. */
static void centre_lanes(const float *sorted, const int64_t *ns, double *middle, double *spread)
{
    float twice[LANES];
    int32_t near[LANES] = {0};

    for (int l = 0; l < LANES; l++) {
        const int64_t n = ns[l / 2];
        const float *lane = sorted + l;
        middle[l] = n > 0 ? at(lane, n / 2) : 0;
        if (n > 0 && n % 2 == 0)
            middle[l] = (at(lane, n / 2 - 1) + middle[l]) / 2;
        twice[l] = (float)(2 * middle[l]);
    }
    if (ns[0] > 0)
        find_near(sorted, ns[0], twice, near); // mostly they are as long
    for (int l = 0; l < LANES; l++) {
        const int64_t n = ns[l / 2];
        int64_t first = near[l] < n ? near[l] : 0;
        if (n <= 0)
            continue;
        spread[l] = deviation(sorted + l, n, n / 2, middle[l], &first);
        if (n % 2 == 0) // and the mean with that before
            spread[l] = (deviation(sorted + l, n, n / 2 - 1, middle[l], &first) + spread[l]) / 2;
        spread[l] = of_median * spread[l];
    }
}

MMS_WIDEST static bool are_finite(int64_t n, const float *values)
{
    int32_t others = 0;

    for (int64_t i = 0; i < n; i++)
        others |= !(fabsf(values[i]) <= FLT_MAX);
    return !others;
}

/** Take the unflagged values of a spectrum to two lanes, infinity behind them; how many they are,
 *  or -1: a value is not finite. */
static int64_t take_spectrum(int64_t nchan, const mms_complex *values, const uint8_t *flags,
                             float *lanes)
{
    const float behind[2] = {INFINITY, INFINITY};
    int64_t n = 0;

    if (flags && !memchr(flags, 0, (size_t)nchan))
        return 0;
    if (!are_finite(2 * nchan, (const float *)values)) // perhaps it is flagged, but that is rare
        return -1;
    if (!flags || !memchr(flags, 1, (size_t)nchan)) {
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
    bool any = false;

    for (int i = 0; i < AT_ONCE; i++)
        any = any || n[i] > 0;
    if (!any)
        return;
    sort_lanes(nchan, lanes);
    centre_lanes(lanes, n, middle, spread);
    for (int i = 0; i < AT_ONCE; i++)
        if (n[i] > 0)
            out[i] = (mms_flag_middle){middle[2 * i],     middle[2 * i + 1], spread[2 * i],
                                       spread[2 * i + 1], INFINITY,          INFINITY};
}

/* ---- any spectra ------------------------------------------------------------------------------*/

/** The middle of a spectrum of any values; scratch[nchan]. */
static mms_flag_middle spectrum_middle(int64_t nchan, const mms_complex *values,
                                       const uint8_t *flags, double *scratch)
{
    mms_flag_middle m = {0, 0, 1000, 1000, INFINITY, INFINITY};
    int64_t n = 0;

    for (int64_t c = 0; c < nchan; c++)
        if (!flags || !flags[c])
            scratch[n++] = (double)crealf(values[c]);
    if (n == 0)
        return m;
    centre(n, scratch, &m.re, &m.spread_re);
    n = 0;
    for (int64_t c = 0; c < nchan; c++)
        if (!flags || !flags[c])
            scratch[n++] = (double)cimagf(values[c]);
    centre(n, scratch, &m.im, &m.spread_im);
    return m;
}

mms_status mms_flag_rflag_middles(int64_t ntime, int64_t nchan, const mms_complex *values,
                                  const uint8_t *flags, mms_flag_middle *middles, mms_error *err)
{
    const int64_t room = whole_blocks(nchan);
    float *lanes = mms_alloc(room * LANES, sizeof *lanes);
    double *scratch = mms_alloc(nchan, sizeof *scratch);
    int64_t n[AT_ONCE];

    if (!lanes || !scratch) {
        free(lanes);
        free(scratch);
        return mms_fail(err, MMS_ERR_MEM, "rflag: out of memory");
    }
    for (int64_t i = nchan * LANES; i < room * LANES; i++)
        lanes[i] = INFINITY; // stays behind
    for (int64_t t = 0; t < ntime; t += AT_ONCE) {
        for (int i = 0; i < AT_ONCE; i++)
            n[i] = t + i < ntime ? take_spectrum(nchan, values + (t + i) * nchan,
                                                 mms_flag_at(flags, (t + i) * nchan), lanes + 2 * i)
                                 : 0;
        centre_spectra(nchan, n, lanes, middles + t);
        for (int64_t i = t; i < t + AT_ONCE && i < ntime; i++)
            if (n[i - t] <= 0)
                middles[i] = spectrum_middle(nchan, values + i * nchan,
                                             mms_flag_at(flags, i * nchan), scratch);
    }
    free(lanes);
    free(scratch);
    return MMS_OK;
}
