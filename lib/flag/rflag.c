/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file rflag.c  Flags what varies more in time or frequency than the rest (in-place 1.11). */
#include <assert.h>
#include <complex.h>
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

/** Sums over the window round a time, by channel. */
typedef struct window {
    int64_t nchan;
    double *re, *im, *re2, *im2, *n;
} window;

static mms_status open_window(int64_t nchan, window *w, mms_error *err)
{
    double *all = mms_alloc(5 * nchan, sizeof *all);

    *w = (window){nchan, all, all + nchan, all + 2 * nchan, all + 3 * nchan, all + 4 * nchan};
    return all ? MMS_OK : mms_fail(err, MMS_ERR_MEM, "rflag: out of memory");
}

static void add_time(const window *w, const mms_complex *values, const uint8_t *flags)
{
    const float *parts = (const float *)values;
    double *restrict re = w->re, *restrict im = w->im, *restrict re2 = w->re2,
                     *restrict im2 = w->im2, *restrict n = w->n;

    for (int64_t c = 0; c < w->nchan; c++) {
        const float x = flags[c] ? 0 : parts[2 * c], y = flags[c] ? 0 : parts[2 * c + 1];
        re[c] += (double)x;
        im[c] += (double)y;
        re2[c] += (double)(x * x);
        im2[c] += (double)(y * y);
        n[c] += flags[c] ? 0 : 1;
    }
}

/** Three times at once. */
static inline __attribute__((always_inline)) void sum_three(const window *w,
                                                            const mms_complex *values,
                                                            const uint8_t *flags, bool flagged)
{
    const float *parts[3];
    double *restrict re = w->re, *restrict im = w->im, *restrict re2 = w->re2,
                     *restrict im2 = w->im2, *restrict n = w->n;

    for (int t = 0; t < 3; t++)
        parts[t] = (const float *)values + 2 * t * w->nchan;
    for (int64_t c = 0; c < w->nchan; c++) {
        float x[3], y[3];
        double count = 3;
        for (int t = 0; t < 3; t++) {
            const bool is = flagged && flags[t * w->nchan + c];
            x[t] = is ? 0 : parts[t][2 * c];
            y[t] = is ? 0 : parts[t][2 * c + 1];
            count -= is ? 1 : 0;
        }
        re[c] = (double)x[0] + (double)x[1] + (double)x[2];
        im[c] = (double)y[0] + (double)y[1] + (double)y[2];
        re2[c] = (double)(x[0] * x[0]) + (double)(x[1] * x[1]) + (double)(x[2] * x[2]);
        im2[c] = (double)(y[0] * y[0]) + (double)(y[1] * y[1]) + (double)(y[2] * y[2]);
        n[c] = count;
    }
}

/** Sum over the window round a time in the order of times; false: all of it is flagged. */
MMS_WIDE static bool sum_window(const window *w, int64_t half, int64_t time,
                                const mms_complex *values, const uint8_t *flags)
{
    const int64_t first = (time - half) * w->nchan, n = (2 * half + 1) * w->nchan;

    assert(half >= 0 && first >= 0);
    if (!memchr(flags + first, 0, (size_t)n)) {
        memset(w->n, 0, (size_t)w->nchan * sizeof *w->n);
        return false;
    }
    if (half == 1) {
        if (memchr(flags + first, 1, (size_t)n))
            sum_three(w, values + first, flags + first, true);
        else
            sum_three(w, values + first, NULL, false);
        return true;
    }
    memset(w->re, 0, (size_t)(5 * w->nchan) * sizeof *w->re);
    for (int64_t at = first; at < first + n; at += w->nchan)
        add_time(w, values + at, flags + at);
    return true;
}

static double positive(double x)
{
    return x > 0 ? x : 0;
}

/** The scatter in a window; negative when all of a channel is flagged. */
static double scatter(const window *w, int64_t c)
{
    const double n = w->n[c], re = w->re[c] / n, im = w->im[c] / n;
    const double found =
        sqrt(positive(w->re2[c] / n - re * re) + positive(w->im2[c] / n - im * im));

    return n > 0 ? found : -1;
}

/** Add the scatter of each channel to sums and counts, where there is one. */
MMS_WIDE static void add_scatter(const window *w, double *restrict sums, int64_t *restrict counts)
{
    const double *re = w->re, *im = w->im, *re2 = w->re2, *im2 = w->im2, *n = w->n;

    for (int64_t c = 0; c < w->nchan; c++) {
        const double x = re[c] / n[c], y = im[c] / n[c];
        const double a = re2[c] / n[c] - x * x, b = im2[c] / n[c] - y * y;
        const double found = sqrt((a > 0 ? a : 0) + (b > 0 ? b : 0));
        sums[c] += n[c] > 0 ? found : 0;
    }
    for (int64_t c = 0; c < w->nchan; c++) // whole numbers apart, for vectors
        counts[c] += n[c] > 0;
}

/** Which channels may scatter more than a threshold; false: none. */
MMS_WIDE static bool may_exceed(const window *w, double threshold, uint8_t *may)
{
    const double *restrict re = w->re, *restrict im = w->im, *restrict re2 = w->re2,
                           *restrict im2 = w->im2, *restrict n = w->n;
    const double rounding = 1e-6; // squares are floats
    const double limit = threshold < 0 ? -INFINITY : threshold * threshold * (1 - rounding);
    int64_t sure = 0;

    for (int64_t c = 0; c < w->nchan; c++) {
        const double both = re2[c] + im2[c];
        const double above = n[c] * both * (1 + rounding) - (re[c] * re[c] + im[c] * im[c]);
        may[c] = (uint8_t) !(above <= limit * (n[c] * n[c]));
        sure += !may[c];
    }
    return sure < w->nchan;
}

/** Whether the squares of the distances from the time itself tell that nothing scatters more than a
 *  threshold: in floats, with room for their rounding and that of the squares that scatter()
 *  takes.  The scatter round the mean is the smallest there is. */
MMS_WIDE static bool is_surely_below(int64_t half, double threshold, int64_t nchan,
                                     const mms_complex *values, const uint8_t *flags)
{
    const float *now = (const float *)values, *first = now - 2 * half * nchan;
    const int64_t times = 2 * half + 1, n = 2 * nchan;
    const bool flagged = memchr(flags - half * nchan, 1, (size_t)(times * nchan)) != NULL;
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

static void sum_times(const window *w, int64_t half, int64_t ntime, const mms_complex *values,
                      const uint8_t *flags, mms_flag_sums *sums)
{
    for (int64_t t = half; t < ntime - half; t++)
        if (sum_window(w, half, t, values, flags))
            add_scatter(w, sums->time, sums->ntime);
}

MMS_WIDE static void sum_spectrum(int64_t nchan, const mms_complex *values, const uint8_t *flags,
                                  const mms_flag_middle *m, mms_flag_sums *sums)
{
    const float *parts = (const float *)values;
    double *restrict freq = sums->freq;
    int64_t *restrict nfreq = sums->nfreq;

    for (int64_t c = 0; c < nchan; c++) {
        const double re = fabs((double)parts[2 * c] - m->re);
        const double im = fabs((double)parts[2 * c + 1] - m->im);
        freq[c] += flags[c] ? 0 : re;
        freq[c] += flags[c] ? 0 : im;
        nfreq[c] += flags[c] ? 0 : 2;
    }
}

mms_status mms_flag_rflag_sums(const mms_flag_rflag *how, int64_t ntime, int64_t nchan,
                               const mms_complex *values, const uint8_t *flags,
                               const mms_flag_middle *middles, mms_flag_sums *sums, mms_error *err)
{
    window w;
    const mms_status st = open_window(nchan, &w, err);

    if (st != MMS_OK)
        return st;
    sum_times(&w, half_width(how, ntime), ntime, values, flags, sums);
    for (int64_t t = 0; t < ntime; t++)
        sum_spectrum(nchan, values + t * nchan, flags + t * nchan, &middles[t], sums);
    free(w.re);
    return MMS_OK;
}

static void flag_times(const window *w, uint8_t *may, int64_t half, double threshold, int64_t ntime,
                       const mms_complex *values, const uint8_t *before, uint8_t *flags)
{
    for (int64_t t = half; t < ntime - half; t++) {
        if (is_surely_below(half, threshold, w->nchan, values + t * w->nchan,
                            before + t * w->nchan))
            continue;
        if (!sum_window(w, half, t, values, before) && threshold >= 0)
            continue;
        if (!may_exceed(w, threshold, may))
            continue;
        for (int64_t c = 0; c < w->nchan; c++)
            if (may[c] && scatter(w, c) > threshold)
                for (int64_t k = t - half; k <= t + half; k++)
                    flags[k * w->nchan + c] = 1;
    }
}

static bool is_beyond(const mms_flag_rflag *how, double spread)
{
    return spread > how->spectralmax || spread < how->spectralmin;
}

MMS_WIDE static void flag_spectrum(const mms_flag_rflag *how, double threshold, int64_t nchan,
                                   const mms_complex *values, const mms_flag_middle *m,
                                   uint8_t *flags)
{
    const float *parts = (const float *)values;
    int64_t found = 0;

    if (is_beyond(how, m->spread_re) || is_beyond(how, m->spread_im)) {
        memset(flags, 1, (size_t)nchan);
        return;
    }
    for (int64_t c = 0; c < nchan; c++)
        found += (fabs((double)parts[2 * c] - m->re) > threshold) |
                 (fabs((double)parts[2 * c + 1] - m->im) > threshold);
    for (int64_t c = 0; found && c < nchan; c++)
        if (fabs((double)parts[2 * c] - m->re) > threshold ||
            fabs((double)parts[2 * c + 1] - m->im) > threshold)
            flags[c] = 1;
}

mms_status mms_flag_rflag_map(const mms_flag_rflag *how, double time_threshold,
                              double freq_threshold, int64_t ntime, int64_t nchan,
                              const mms_complex *values, const uint8_t *before,
                              const mms_flag_middle *middles, uint8_t *flags, mms_error *err)
{
    uint8_t *may = mms_alloc(nchan, 1);
    window w = {0};
    mms_status st;

    MMS_TRY(may ? MMS_OK : mms_fail(err, MMS_ERR_MEM, "rflag: out of memory"));
    MMS_TRY(open_window(nchan, &w, err));
    flag_times(&w, may, half_width(how, ntime), time_threshold, ntime, values, before, flags);
    for (int64_t t = 0; t < ntime; t++)
        flag_spectrum(how, freq_threshold, nchan, values + t * nchan, &middles[t],
                      flags + t * nchan);
done:
    free(may);
    free(w.re);
    return st;
}
