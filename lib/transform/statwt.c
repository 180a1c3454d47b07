/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file statwt.c  Weights from the scatter of visibilities (transform-numerics 7.2). */
#include "statwt.h"

#include <complex.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/wide_priv.h"

/* ---- windows in time --------------------------------------------------------------------------*/

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/** Blocks of n stamps; the last, when it is shorter, takes the last n of all. */
static void block_stamps(int64_t stamps, int64_t n, int64_t *first, int64_t *end)
{
    for (int64_t i = 0; i < n; i++) {
        const int64_t from = i / stamps * stamps, last = n > stamps ? n - stamps : 0;
        first[i] = least(from, last);
        end[i] = least(first[i] + stamps, n);
    }
}

static void block_seconds(double seconds, int64_t n, const double *time_s, int64_t *first,
                          int64_t *end)
{
    for (int64_t from = 0, to; from < n; from = to) {
        for (to = from + 1; to < n && time_s[to] - time_s[from] < seconds;)
            to++;
        for (int64_t i = from; i < to; i++) {
            first[i] = from;
            end[i] = to;
        }
    }
}

/** n stamps around each; those at the ends are moved to have as many. */
static void slide_stamps(int64_t stamps, int64_t n, int64_t *first, int64_t *end)
{
    const int64_t before = stamps % 2 ? (stamps - 1) / 2 : stamps / 2 - 1;
    const int64_t last = n > stamps ? n - stamps : 0;

    for (int64_t i = 0; i < n; i++) {
        first[i] = least(i > before ? i - before : 0, last);
        end[i] = least(first[i] + stamps, n);
    }
}

static void slide_seconds(double seconds, int64_t n, const double *time_s, int64_t *first,
                          int64_t *end)
{
    int64_t from = 0, to = 0;

    for (int64_t i = 0; i < n; i++) {
        while (time_s[i] - time_s[from] > seconds / 2)
            from++;
        while (to < n && time_s[to] - time_s[i] <= seconds / 2)
            to++;
        first[i] = from;
        end[i] = to;
    }
}

void mms_statwt_windows(const mms_statwt_time *how, int64_t n, const double *time_s, int64_t *first,
                        int64_t *end)
{
    if (how->slides && how->stamps > 0)
        slide_stamps(how->stamps, n, first, end);
    else if (how->slides)
        slide_seconds(how->seconds, n, time_s, first, end);
    else if (how->stamps > 0)
        block_stamps(how->stamps, n, first, end);
    else
        block_seconds(how->seconds, n, time_s, first, end);
}

/* ---- bins of channels -------------------------------------------------------------------------*/

int64_t mms_statwt_bins(int64_t nchan, const double *freq_hz, int64_t channels, double width_hz,
                        int64_t *first)
{
    int64_t n = 0;

    first[0] = 0;
    for (int64_t c = 1; c < nchan; c++)
        if (channels > 0 ? c - first[n] >= channels
                         : width_hz > 0 && fabs(freq_hz[c] - freq_hz[first[n]]) > width_hz)
            first[++n] = c;
    first[++n] = nchan;
    return n;
}

/* ---- variance ---------------------------------------------------------------------------------*/

/** Samples of which those in [low, high] count. */
typedef struct sample {
    int64_t n;
    const double *value, *weight;
    double *scratch; /**< [n] */
} sample;

typedef struct moments {
    int64_t n;
    double mean, weight, squares; /**< squares: weighted, of the distances from the mean */
} moments;

static bool is_inside(double value, double low, double high)
{
    return value >= low && value <= high;
}

/** Of the samples in [low, high]. */
static moments find_moments(const sample *s, double low, double high)
{
    double sum = 0;
    moments m = {0};

    for (int64_t i = 0; i < s->n; i++)
        if (is_inside(s->value[i], low, high)) {
            sum += s->weight[i] * s->value[i];
            m.weight += s->weight[i];
            m.n++;
        }
    m.mean = m.weight > 0 ? sum / m.weight : 0;
    for (int64_t i = 0; i < s->n; i++)
        if (is_inside(s->value[i], low, high)) {
            const double away = s->value[i] - m.mean;
            m.squares += s->weight[i] * away * away;
        }
    return m;
}

/** Of all: a value that is no number makes them none. */
static moments find_all_moments(const sample *s)
{
    double sum = 0;
    moments m = {.n = s->n};

    for (int64_t i = 0; i < s->n; i++) {
        sum += s->weight[i] * s->value[i];
        m.weight += s->weight[i];
    }
    m.mean = m.weight > 0 ? sum / m.weight : 0;
    for (int64_t i = 0; i < s->n; i++) {
        const double away = s->value[i] - m.mean;
        m.squares += s->weight[i] * away * away;
    }
    return m;
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static const double *sort(const sample *s)
{
    for (int64_t i = 0; i < s->n; i++)
        s->scratch[i] = s->value[i];
    qsort(s->scratch, (size_t)s->n, sizeof *s->scratch, by_value);
    return s->scratch;
}

static double median_of(const sample *s)
{
    const double *sorted = sort(s);
    return s->n % 2 ? sorted[s->n / 2] : (sorted[s->n / 2 - 1] + sorted[s->n / 2]) / 2;
}

/** Of how many points less than half a one is further than z deviations from the mean. */
static int64_t points_within(double z)
{
    const double n = 0.5 / erfc(z / sqrt(2));
    return n < 9e18 ? (int64_t)n : INT64_MAX;
}

double mms_statwt_chauvenet(int64_t n)
{
    double high = 1, low, z;

    while (points_within(high) < n)
        high++;
    low = high - 1;
    z = high;
    for (int i = 0; i < 60 && points_within(z) != n; i++) {
        z = (low + high) / 2;
        if (points_within(z) < n)
            low = z;
        else
            high = z;
    }
    return z;
}

/** CASA's standard deviation, which depends on the unit of the weights; where that is none, one
 * that does not. */
static double deviation_of(const moments *m)
{
    return sqrt(m->weight > 1 ? m->squares / (m->weight - 1)
                              : m->squares / m->weight * (double)m->n / (double)(m->n - 1));
}

/** Leave out what is far from the mean, again and again. */
static moments leave_out_far(const mms_statwt_how *how, const sample *s)
{
    const int64_t most = how->maxiter >= 0 ? how->maxiter : 1000;
    moments m = find_all_moments(s);

    for (int64_t i = 0; i <= most && m.n > 1; i++) {
        const int64_t before = m.n;
        const double z = how->zscore >= 0 ? how->zscore : mms_statwt_chauvenet(m.n);
        const double deviation = deviation_of(&m);
        m = find_moments(s, m.mean - z * deviation, m.mean + z * deviation);
        if (m.n == before)
            break;
    }
    return m;
}

/** The value below which a part of the points is, and it. */
static double quantile(int64_t n, const double *sorted, double part)
{
    const int64_t at = (int64_t)ceil(part * (double)n) - 1;
    return sorted[at < 0 ? 0 : at];
}

static moments keep_within_fences(const mms_statwt_how *how, const sample *s)
{
    const double *sorted;

    if (how->fence < 0)
        return find_all_moments(s);
    sorted = sort(s);
    const double low = quantile(s->n, sorted, 0.25), high = quantile(s->n, sorted, 0.75);
    return find_moments(s, low - how->fence * (high - low), high + how->fence * (high - low));
}

/** One side of the center, and its mirror image. */
static moments mirror_half(const mms_statwt_how *how, const sample *s)
{
    double center = 0;
    moments m = {0};

    if (how->center == MMS_STATWT_MEAN)
        center = find_all_moments(s).mean;
    else if (how->center == MMS_STATWT_MEDIAN)
        center = median_of(s);
    for (int64_t i = 0; i < s->n; i++)
        if (how->lside ? s->value[i] <= center : s->value[i] >= center) {
            const double away = s->value[i] - center;
            m.squares += 2 * s->weight[i] * away * away;
            m.n += 2;
        }
    m.mean = center;
    return m;
}

static double variance_of(const mms_statwt_how *how, const sample *s)
{
    const moments m = how->algorithm == MMS_STATWT_CHAUVENET  ? leave_out_far(how, s)
                      : how->algorithm == MMS_STATWT_FIT_HALF ? mirror_half(how, s)
                                                              : keep_within_fences(how, s);
    return m.n > 0 ? m.squares / (double)m.n : 0;
}

/** The variance of all samples: real and imaginary parts beside each other. */
static double variance_of_all(int64_t n, const mms_complex *vis, const double *exposure_s)
{
    const float *parts = (const float *)vis;
    double sum[2] = {0}, mean[2], squares[2] = {0}, weight = 0;

    for (int64_t i = 0; i < n; i++) {
        weight += exposure_s[i];
        for (int k = 0; k < 2; k++)
            sum[k] += exposure_s[i] * (double)parts[2 * i + k];
    }
    for (int k = 0; k < 2; k++)
        mean[k] = weight > 0 ? sum[k] / weight : 0;
    for (int64_t i = 0; i < n; i++)
        for (int k = 0; k < 2; k++) {
            const double away = (double)parts[2 * i + k] - mean[k];
            squares[k] += exposure_s[i] * away * away;
        }
    return (squares[0] / (double)n + squares[1] / (double)n) / 2;
}

double mms_statwt_variance(const mms_statwt_how *how, int64_t n, const mms_complex *vis,
                           const double *exposure_s, double *scratch)
{
    const sample s = {n, scratch, exposure_s, scratch + n};
    double real;

    if (n < how->minsamp || n == 0)
        return 0;
    if (how->algorithm == MMS_STATWT_CLASSIC)
        return variance_of_all(n, vis, exposure_s);
    for (int64_t i = 0; i < n; i++)
        scratch[i] = (double)crealf(vis[i]);
    real = variance_of(how, &s);
    for (int64_t i = 0; i < n; i++)
        scratch[i] = (double)cimagf(vis[i]);
    return (real + variance_of(how, &s)) / 2;
}

/** Parts of two correlations beside each other. */
typedef double quad __attribute__((vector_size(32), aligned(8), may_alias));
typedef float small_quad __attribute__((vector_size(16), aligned(4), may_alias));

/** variance_of_all() of the n quads of parts of correlations beside each other. */
static inline __attribute__((always_inline)) void find_together(const mms_statwt_rows *r, int n,
                                                                double *variance)
{
    const double samples = (double)(r->nrow * r->nchan);
    quad sum[2] = {{0}, {0}}, mean[2] = {{0}, {0}}, squares[2] = {{0}, {0}};
    double weight = 0;

    for (int64_t row = 0; row < r->nrow; row++) {
        const small_quad *const parts = (const small_quad *)r->vis[row];
        const double exposure_s = r->exposure_s[row];
        for (int64_t c = 0; c < r->nchan; c++) {
            weight += exposure_s;
            for (int i = 0; i < n; i++)
                sum[i] += exposure_s * __builtin_convertvector(parts[c * n + i], quad);
        }
    }
    for (int i = 0; i < n && weight > 0; i++)
        mean[i] = sum[i] / weight;
    for (int64_t row = 0; row < r->nrow; row++) {
        const small_quad *const parts = (const small_quad *)r->vis[row];
        const double exposure_s = r->exposure_s[row];
        for (int64_t c = 0; c < r->nchan; c++)
            for (int i = 0; i < n; i++) {
                const quad away = __builtin_convertvector(parts[c * n + i], quad) - mean[i];
                squares[i] += exposure_s * away * away;
            }
    }
    for (int i = 0; i < 2 * n; i++) {
        const double *const of = (const double *)squares + 2 * (ptrdiff_t)i;
        variance[i] = (of[0] / samples + of[1] / samples) / 2;
    }
}

MMS_WIDE static void find_any(const mms_statwt_rows *r, double *variance)
{
    if (r->ncorr == 4)
        find_together(r, 2, variance);
    else
        find_together(r, 1, variance);
}

bool mms_statwt_variances(const mms_statwt_how *how, const mms_statwt_rows *r, double *variance)
{
    const int64_t n = r->nrow * r->nchan;

    if (how->algorithm != MMS_STATWT_CLASSIC || (r->ncorr != 2 && r->ncorr != 4))
        return false;
    if (n < how->minsamp || n == 0)
        memset(variance, 0, (size_t)r->ncorr * sizeof *variance);
    else
        find_any(r, variance);
    return true;
}

/* ---- a row ------------------------------------------------------------------------------------*/

float mms_statwt_weight(double exposure_s, double variance)
{
    return variance == 0 ? 0 : (float)(exposure_s / variance);
}

static int by_weight(const void *a, const void *b)
{
    const float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

float mms_statwt_median(int64_t n, float *values)
{
    int64_t same = 0;

    if (n == 0)
        return 0;
    while (same < n && values[same] == values[0])
        same++;
    if (same == n) // one bin
        return values[0];
    qsort(values, (size_t)n, sizeof *values, by_weight);
    return n % 2 ? values[n / 2] : (float)(((double)values[n / 2 - 1] + (double)values[n / 2]) / 2);
}

float mms_statwt_sigma(float weight)
{
    return weight == 0 ? -1 : 1 / sqrtf(weight);
}

/* ---- mean and variance of many ----------------------------------------------------------------*/

void mms_statwt_sums_add(mms_statwt_sums *sums, double value, int64_t count)
{
    const mms_statwt_sums more = {(double)count, value, 0};
    mms_statwt_sums_join(sums, &more);
}

void mms_statwt_sums_join(mms_statwt_sums *s, const mms_statwt_sums *more)
{
    const double n = s->n + more->n, away = more->mean - s->mean;

    if (more->n == 0)
        return;
    s->m2 += more->m2 + away * away * s->n * more->n / n;
    s->mean += away * more->n / n;
    s->n = n;
}
