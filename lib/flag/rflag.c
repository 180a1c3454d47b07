/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file rflag.c  Flags what varies more in time or frequency than the rest (in-place 1.11). */
#include <assert.h>
#include <complex.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/base_priv.h"
#include "base/wide_priv.h"
#include "flag.h"

/** The window's half width and the first and last time that it is round. */
static int64_t half_width(const mms_flag_rflag *how, int64_t ntime)
{
    const int64_t w = how->winsize < ntime ? how->winsize : ntime;

    assert(how->winsize > 0);
    return (w - 1) / 2;
}

/** By channel, of one time or summed over some: the parts and their squares of what is not flagged,
 *  and how many there are. */
typedef struct moments {
    double *re, *im, *re2, *im2, *n;
} moments;

enum { THREE = 3 };

/** What windows are summed of. */
typedef struct window {
    int64_t nchan;
    moments sums, of[THREE];
    int64_t times[THREE]; /**< that of[] has */
    double *found;        /**< [nchan] */
} window;

static moments take_moments(double *room, int64_t nchan)
{
    return (moments){room, room + nchan, room + 2 * nchan, room + 3 * nchan, room + 4 * nchan};
}

static mms_status open_window(int64_t nchan, window *w, mms_error *err)
{
    double *all = mms_alloc((5 * (1 + THREE) + 1) * nchan, sizeof *all);

    *w = (window){.nchan = nchan, .found = all};
    if (!all)
        return mms_fail(err, MMS_ERR_MEM, "rflag: out of memory");
    w->sums = take_moments(all + nchan, nchan);
    for (int i = 0; i < THREE; i++) {
        w->of[i] = take_moments(all + (6 + 5 * i) * nchan, nchan);
        w->times[i] = -1;
    }
    return MMS_OK;
}

static inline __attribute__((always_inline)) void add_parts(const moments *m, int64_t nchan,
                                                            const mms_complex *values,
                                                            const uint8_t *flags, bool first)
{
    const float *parts = (const float *)values;
    double *restrict re = m->re, *restrict im = m->im, *restrict re2 = m->re2,
                     *restrict im2 = m->im2, *restrict n = m->n;

    for (int64_t c = 0; c < nchan; c++) {
        const bool out = flags && flags[c];
        const float x = out ? 0 : parts[2 * c], y = out ? 0 : parts[2 * c + 1];
        re[c] = (first ? 0 : re[c]) + (double)x;
        im[c] = (first ? 0 : im[c]) + (double)y;
        re2[c] = (first ? 0 : re2[c]) + (double)(x * x);
        im2[c] = (first ? 0 : im2[c]) + (double)(y * y);
        n[c] = (first ? 0 : n[c]) + (out ? 0 : 1);
    }
}

/** Add a time, or begin with it. */
MMS_WIDEST static void add_time(const moments *m, int64_t nchan, const mms_complex *values,
                                const uint8_t *flags, bool first)
{
    const bool any = flags && memchr(flags, 1, (size_t)nchan);

    if (any && first)
        add_parts(m, nchan, values, flags, true);
    else if (any)
        add_parts(m, nchan, values, flags, false);
    else if (first)
        add_parts(m, nchan, values, NULL, true);
    else
        add_parts(m, nchan, values, NULL, false);
}

/** What of three numbers counts: 1 / n, and n - 1. */
typedef struct share {
    double part, others;
} share;

/** x / n to the last bit, for n of 1, 2 and 3, that of infinities is NaN.  What is left of x is
 *  exact, and no third lies so near the middle between two numbers that the last sum could become
 *  the other. */
static inline double divide(double x, share n)
{
    const double q = x * n.part;
    return q + ((x - n.others * q) - q) * n.part;
}

/** Mean square less the square of the mean, if that is positive. */
static inline double variance(double square, double mean)
{
    const double found = square - mean * mean;
    return found > 0 ? found : 0;
}

/** Whole numbers that have the order of numbers that are not negative, or -1; NaN is the most. */
static inline int64_t order_of(double x)
{
    int64_t bits;

    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static double number_of(int64_t bits)
{
    double x;

    memcpy(&x, &bits, sizeof x);
    return x;
}

static inline __attribute__((always_inline)) bool scatter_some(int64_t nchan, const moments *a,
                                                               const moments *b, const moments *c,
                                                               bool flagged, double *restrict found,
                                                               double *found_most)
{
    int64_t most = INT64_MIN, odd = 0;

    for (int64_t i = 0; i < nchan; i++) {
        const double n = flagged ? a->n[i] + b->n[i] + c->n[i] : 3;
        const double part = n > 1 ? 0.5 : 1;
        const share of = {n > 2 ? 1.0 / 3 : part, n - 1};
        const double re2 = a->re2[i] + b->re2[i] + c->re2[i];
        const double im2 = a->im2[i] + b->im2[i] + c->im2[i];
        const double re = divide(a->re[i] + b->re[i] + c->re[i], of);
        const double im = divide(a->im[i] + b->im[i] + c->im[i], of);
        const double both = sqrt(variance(divide(re2, of), re) + variance(divide(im2, of), im));
        const double any = n > 0 ? both : -1;
        odd |= order_of((re2 + im2) - (re2 + im2)); // 0 or NaN
        most = order_of(any) > most ? order_of(any) : most;
        found[i] = any;
    }
    *found_most = number_of(most);
    return !odd;
}

/** How windows of three times scatter: found[nchan], -1 where all of it is flagged, and the most of
 *  that.  False: some numbers are not finite. */
MMS_WIDEST static bool scatter_of_three(int64_t nchan, const moments *a, const moments *b,
                                        const moments *c, bool flagged, double *found, double *most)
{
    return flagged ? scatter_some(nchan, a, b, c, true, found, most)
                   : scatter_some(nchan, a, b, c, false, found, most);
}

MMS_WIDEST static void scatter_of_sums(int64_t nchan, const moments *m, double *restrict found,
                                       double *found_most)
{
    int64_t most = INT64_MIN;

    for (int64_t i = 0; i < nchan; i++) {
        const double n = m->n[i];
        const double both =
            sqrt(variance(m->re2[i] / n, m->re[i] / n) + variance(m->im2[i] / n, m->im[i] / n));
        const double any = n > 0 ? both : -1;
        most = order_of(any) > most ? order_of(any) : most;
        found[i] = any;
    }
    *found_most = number_of(most);
}

/** The moments of a time, which the windows round its neighbours have had made, perhaps. */
static const moments *moments_of(window *w, int64_t t, const mms_complex *values,
                                 const uint8_t *flags)
{
    const moments *m = &w->of[t % THREE];

    if (w->times[t % THREE] == t)
        return m;
    add_time(m, w->nchan, values + t * w->nchan, mms_flag_at(flags, t * w->nchan), true);
    w->times[t % THREE] = t;
    return m;
}

static void fill(int64_t n, double *found)
{
    for (int64_t c = 0; c < n; c++)
        found[c] = -1;
}

/** How the window round a time scatters, summed in the order of times: found[nchan], -1 where all
 *  of it is flagged; returns the most of that. */
static double find_scatter(window *w, int64_t half, int64_t time, const mms_complex *values,
                           const uint8_t *flags, double *found)
{
    const int64_t first = time - half, end = time + half + 1, n = w->nchan;
    const bool flagged = flags && memchr(flags + first * n, 1, (size_t)((end - first) * n));
    double most = -1;

    assert(half >= 0 && first >= 0 && n > 0);
    if (flagged && !memchr(flags + first * n, 0, (size_t)((end - first) * n))) {
        fill(n, found);
        return most;
    }
    if (half == 1) {
        const moments *a = moments_of(w, first, values, flags);
        const moments *b = moments_of(w, time, values, flags);
        const moments *c = moments_of(w, end - 1, values, flags);
        if (scatter_of_three(n, a, b, c, flagged, found, &most))
            return most;
    }
    for (int64_t t = first; t < end; t++)
        add_time(&w->sums, n, values + t * n, mms_flag_at(flags, t * n), t == first);
    scatter_of_sums(n, &w->sums, found, &most);
    return most;
}

/** Whether the squares of the distances from the time itself tell that nothing scatters more than a
 *  threshold: in floats, with room for their rounding and that of the squares that scatter()
 *  takes.  The scatter round the mean is the smallest there is. */
MMS_WIDEST static bool is_surely_below(int64_t half, double threshold, int64_t nchan,
                                       const mms_complex *values, const uint8_t *flags)
{
    const float *now = (const float *)values, *first = now - 2 * half * nchan;
    const int64_t times = 2 * half + 1, n = 2 * nchan;
    const bool flagged = flags && memchr(flags - half * nchan, 1, (size_t)(times * nchan));
    const float limit = (float)(threshold * threshold * (flagged ? 1 : (double)times) / 2 * 0.999);
    int64_t below = 0;

    if (threshold < 0 || half != 1)
        return false;
    for (int64_t i = 0; i < n; i++) {
        const float a = first[i], b = now[i], c = first[2 * n + i];
        const float squares = (a - b) * (a - b) + (c - b) * (c - b);
        below += squares + 1e-5F * (a * a + b * b + c * c) < limit;
    }
    return below == n;
}

mms_status mms_flag_rflag_scatter(const mms_flag_rflag *how, int64_t ntime, int64_t nchan,
                                  const mms_complex *values, const uint8_t *flags,
                                  mms_flag_middle *middles, double *scatter, mms_error *err)
{
    const int64_t half = half_width(how, ntime);
    window w;
    const mms_status st = open_window(nchan, &w, err);

    if (st != MMS_OK)
        return st;
    fill(half * nchan, scatter);
    for (int64_t t = half; t < ntime - half; t++)
        middles[t].most_scatter = find_scatter(&w, half, t, values, flags, scatter + t * nchan);
    fill(half * nchan, scatter + (ntime - half) * nchan);
    free(w.found);
    return MMS_OK;
}

MMS_WIDEST static void sum_scatter(int64_t nchan, const double *scatter, double *restrict sums,
                                   int64_t *restrict counts)
{
    for (int64_t c = 0; c < nchan; c++) {
        sums[c] += scatter[c] >= 0 ? scatter[c] : 0;
        counts[c] += scatter[c] >= 0;
    }
}

static inline __attribute__((always_inline)) double sum_some(
    int64_t nchan, const mms_complex *values, const uint8_t *flags, bool flagged,
    const mms_flag_middle *m, double *restrict freq, int64_t *restrict nfreq)
{
    const float *parts = (const float *)values;
    int64_t most = 0;

    for (int64_t c = 0; c < nchan; c++) {
        const bool out = flagged && flags[c];
        const double re = fabs((double)parts[2 * c] - m->re);
        const double im = fabs((double)parts[2 * c + 1] - m->im);
        const double more = re > im ? re : im;
        freq[c] = (freq[c] + (out ? 0 : re)) + (out ? 0 : im);
        nfreq[c] += out ? 0 : 2;
        most = order_of(more) > most ? order_of(more) : most;
    }
    return number_of(most);
}

/** Add the deviations from the middle; the most of them, of flagged channels too. */
MMS_WIDEST static double sum_spectrum(int64_t nchan, const mms_complex *values,
                                      const uint8_t *flags, const mms_flag_middle *m, double *freq,
                                      int64_t *nfreq)
{
    return flags && memchr(flags, 1, (size_t)nchan)
               ? sum_some(nchan, values, flags, true, m, freq, nfreq)
               : sum_some(nchan, values, flags, false, m, freq, nfreq);
}

void mms_flag_rflag_add(int64_t ntime, int64_t nchan, const mms_complex *values,
                        const uint8_t *flags, const double *scatter, mms_flag_middle *middles,
                        mms_flag_sums *sums)
{
    for (int64_t t = 0, at = 0; t < ntime; t++, at += nchan) {
        sum_scatter(nchan, scatter + at, sums->time, sums->ntime);
        middles[t].most_deviation = sum_spectrum(nchan, values + at, mms_flag_at(flags, at),
                                                 &middles[t], sums->freq, sums->nfreq);
    }
}

/** Windows round the times [first, end), which lie within the map. */
static void flag_times(window *w, int64_t half, double threshold, int64_t first, int64_t end,
                       const mms_complex *values, const uint8_t *before,
                       const mms_flag_middle *middles, uint8_t *flags)
{
    const int64_t n = w->nchan;

    for (int64_t t = first; t < end; t++) {
        if (middles[t].most_scatter <= threshold ||
            is_surely_below(half, threshold, n, values + t * n, mms_flag_at(before, t * n)))
            continue;
        find_scatter(w, half, t, values, before, w->found);
        for (int64_t c = 0; c < n; c++)
            if (w->found[c] > threshold)
                for (int64_t k = t - half; k <= t + half; k++)
                    flags[k * n + c] = 1;
    }
}

static bool is_beyond(const mms_flag_rflag *how, double spread)
{
    return spread > how->spectralmax || spread < how->spectralmin;
}

MMS_WIDEST static void flag_spectrum(const mms_flag_rflag *how, double threshold, int64_t nchan,
                                     const mms_complex *values, const mms_flag_middle *m,
                                     uint8_t *flags)
{
    const float *parts = (const float *)values;
    int64_t found = 0;

    if (is_beyond(how, m->spread_re) || is_beyond(how, m->spread_im)) {
        memset(flags, 1, (size_t)nchan);
        return;
    }
    if (m->most_deviation <= threshold)
        return;
    for (int64_t c = 0; c < nchan; c++)
        found += (fabs((double)parts[2 * c] - m->re) > threshold) |
                 (fabs((double)parts[2 * c + 1] - m->im) > threshold);
    for (int64_t c = 0; found && c < nchan; c++)
        if (fabs((double)parts[2 * c] - m->re) > threshold ||
            fabs((double)parts[2 * c + 1] - m->im) > threshold)
            flags[c] = 1;
}

bool mms_flag_rflag_finds(const mms_flag_rflag *how, double time_threshold, double freq_threshold,
                          int64_t ntime, const mms_flag_middle *middles)
{
    const int64_t half = half_width(how, ntime);

    for (int64_t t = 0; t < ntime; t++) {
        const mms_flag_middle *m = &middles[t];
        if ((t >= half && t < ntime - half && !(m->most_scatter <= time_threshold)) ||
            !(m->most_deviation <= freq_threshold) || is_beyond(how, m->spread_re) ||
            is_beyond(how, m->spread_im))
            return true;
    }
    return false;
}

mms_status mms_flag_rflag_map(const mms_flag_rflag *how, double time_threshold,
                              double freq_threshold, const mms_flag_turn *turn, int64_t ntime,
                              int64_t nchan, const mms_complex *values, const uint8_t *before,
                              const mms_flag_middle *middles, uint8_t *flags, mms_error *err)
{
    const mms_flag_turn of = turn ? *turn : (mms_flag_turn){0, ntime, true, true};
    const int64_t half = half_width(how, ntime);
    window w;
    const mms_status st = open_window(nchan, &w, err);

    if (st != MMS_OK)
        return st;
    if (of.windows)
        flag_times(&w, half, time_threshold, of.first > half ? of.first : half,
                   of.end < ntime - half ? of.end : ntime - half, values, before, middles, flags);
    for (int64_t t = of.first; of.spectra && t < of.end; t++)
        flag_spectrum(how, freq_threshold, nchan, values + t * nchan, &middles[t],
                      flags + t * nchan);
    free(w.found);
    return MMS_OK;
}
