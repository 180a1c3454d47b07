/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file rflag.c  Flags what varies more in time or frequency than the rest (in-place 1.11). */
#include <complex.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/base_priv.h"
#include "flag.h"

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

/** The window's half width and the first and last time that it is round. */
static int64_t half_width(const mms_flag_rflag *how, int64_t ntime)
{
    const int64_t w = how->winsize < ntime ? how->winsize : ntime;
    return (w - 1) / 2;
}

/** The scatter in the window round a time; negative when all of it is flagged. */
static double scatter(int64_t half, int64_t time, int64_t chan, int64_t nchan,
                      const mms_complex *values, const uint8_t *flags)
{
    double re = 0, im = 0, re2 = 0, im2 = 0, n = 0;

    for (int64_t t = time - half; t <= time + half; t++) {
        const mms_complex v = values[t * nchan + chan];
        if (flags[t * nchan + chan])
            continue;
        re += (double)crealf(v);
        im += (double)cimagf(v);
        re2 += (double)(crealf(v) * crealf(v));
        im2 += (double)(cimagf(v) * cimagf(v));
        n++;
    }
    if (n == 0)
        return -1;
    return sqrt(fmax(0, re2 / n - re / n * (re / n)) + fmax(0, im2 / n - im / n * (im / n)));
}

/** The middle of a spectrum, real and imaginary, and the spread round it; scratch[nchan]. */
typedef struct middle {
    double re, im, spread_re, spread_im;
} middle;

static middle spectrum_middle(int64_t nchan, const mms_complex *values, const uint8_t *flags,
                              double *scratch)
{
    middle m = {0, 0, 1000, 1000};
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

mms_status mms_flag_rflag_sums(const mms_flag_rflag *how, int64_t ntime, int64_t nchan,
                               const mms_complex *values, const uint8_t *flags, mms_flag_sums *sums,
                               mms_error *err)
{
    const int64_t half = half_width(how, ntime);
    double *scratch = mms_alloc(nchan, sizeof *scratch);

    if (!scratch)
        return mms_fail(err, MMS_ERR_MEM, "rflag: out of memory");
    for (int64_t t = half; t < ntime - half; t++)
        for (int64_t c = 0; c < nchan; c++) {
            const double v = scatter(half, t, c, nchan, values, flags);
            sums->time[c] += v < 0 ? 0 : v;
            sums->ntime[c] += v >= 0;
        }
    for (int64_t t = 0; t < ntime; t++) {
        const mms_complex *row = values + t * nchan;
        const middle m = spectrum_middle(nchan, row, flags + t * nchan, scratch);
        for (int64_t c = 0; c < nchan; c++)
            if (!flags[t * nchan + c]) {
                sums->freq[c] += fabs((double)crealf(row[c]) - m.re);
                sums->freq[c] += fabs((double)cimagf(row[c]) - m.im);
                sums->nfreq[c] += 2;
            }
    }
    free(scratch);
    return MMS_OK;
}

static void flag_times(int64_t half, double threshold, int64_t ntime, int64_t nchan,
                       const mms_complex *values, const uint8_t *before, uint8_t *flags)
{
    for (int64_t t = half; t < ntime - half; t++)
        for (int64_t c = 0; c < nchan; c++)
            if (scatter(half, t, c, nchan, values, before) > threshold)
                for (int64_t k = t - half; k <= t + half; k++)
                    flags[k * nchan + c] = 1;
}

static bool is_beyond(const mms_flag_rflag *how, double spread)
{
    return spread > how->spectralmax || spread < how->spectralmin;
}

mms_status mms_flag_rflag_map(const mms_flag_rflag *how, double time_threshold,
                              double freq_threshold, int64_t ntime, int64_t nchan,
                              const mms_complex *values, const uint8_t *before, uint8_t *flags,
                              mms_error *err)
{
    double *scratch = mms_alloc(nchan, sizeof *scratch);

    if (!scratch)
        return mms_fail(err, MMS_ERR_MEM, "rflag: out of memory");
    flag_times(half_width(how, ntime), time_threshold, ntime, nchan, values, before, flags);
    for (int64_t t = 0; t < ntime; t++) {
        const mms_complex *row = values + t * nchan;
        const middle m = spectrum_middle(nchan, row, before + t * nchan, scratch);
        if (is_beyond(how, m.spread_re) || is_beyond(how, m.spread_im)) {
            memset(flags + t * nchan, 1, (size_t)nchan);
            continue;
        }
        for (int64_t c = 0; c < nchan; c++)
            if (fabs((double)crealf(row[c]) - m.re) > freq_threshold ||
                fabs((double)cimagf(row[c]) - m.im) > freq_threshold)
                flags[t * nchan + c] = 1;
    }
    free(scratch);
    return MMS_OK;
}
