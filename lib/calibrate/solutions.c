/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file solutions.c  Solutions at other times and in other channels (in-place 3.2). */
#include <assert.h>
#include <complex.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/base_priv.h"
#include "calibrate.h"

/* ---- time -------------------------------------------------------------------------------------*/

/** The last solution that is not after x, at least 0. */
static int64_t last_before(int64_t n, const mms_cal_solution *s, double origin, float x)
{
    int64_t low = 0, high = n - 1;

    assert(n > 0);
    while (low < high) {
        const int64_t middle = (low + high + 1) / 2;
        if ((float)(s[middle].time_s - origin) <= x)
            low = middle;
        else
            high = middle - 1;
    }
    return low;
}

mms_cal_place mms_cal_find_time(int64_t n, const mms_cal_solution *s, double time_s, bool nearest)
{
    const double origin = floor(s[0].time_s - 1); // times are floats after it, as in CASA
    const float x = (float)(time_s - origin);
    int64_t i = last_before(n, s, origin, x);
    const float before = (float)(s[i].time_s - origin);

    while (x == before && i > 0 && (float)(s[i - 1].time_s - origin) == x)
        i--; // of several at one time the first counts at that time
    if (x <= before || i == n - 1)
        return (mms_cal_place){i, i, 0};
    const float after = (float)(s[i + 1].time_s - origin);
    if (!nearest)
        return (mms_cal_place){i, i + 1, (x - before) / (after - before)};
    const int64_t best = after - x < x - before ? i + 1 : i;
    return (mms_cal_place){best, best, 0};
}

static mms_complex polar(double amplitude, double phase)
{
    return (float)(amplitude * cos(phase)) +
           (float)(amplitude * sin(phase)) * (mms_complex)_Complex_I;
}

/** Turn an angle by whole turns until it is within half a one of another. */
static double nearest_turn(double angle, double other)
{
    return angle - 2 * M_PI * rint((angle - other) / (2 * M_PI));
}

static mms_complex between(mms_complex a, mms_complex b, double share)
{
    const double low = cabsf(a), phase = cargf(a);
    const double turned = nearest_turn(cargf(b), phase);

    return polar(low + share * (cabsf(b) - low), phase + share * (turned - phase));
}

void mms_cal_at(const mms_cal_solution *s, const mms_cal_place *p, int64_t n, bool real,
                mms_complex *values, uint8_t *flags)
{
    const mms_cal_solution *a = &s[p->before], *b = &s[p->after];

    assert(p->before >= 0 && p->before <= p->after && !(p->share < 0 || p->share > 1));
    if (p->before == p->after) {
        memcpy(values, a->values, (size_t)n * sizeof *values);
        memcpy(flags, a->flags, (size_t)n);
        return;
    }
    for (int64_t i = 0; i < n; i++) {
        values[i] = real ? a->values[i] + p->share * (b->values[i] - a->values[i])
                         : between(a->values[i], b->values[i], p->share);
        flags[i] = a->flags[i] | b->flags[i];
    }
}

/* ---- frequency --------------------------------------------------------------------------------*/

/** Channels of a spectrum that can be used, in order of frequency. */
typedef struct spectrum {
    int64_t n;
    double *hz, *amplitude, *phase;
} spectrum;

static bool same_channels(int64_t nin, const double *in_hz, int64_t nout, const double *out_hz)
{
    const double tolerance = 1e-9;

    if (nin != nout)
        return false;
    for (int64_t i = 0; i < nin; i++)
        if (fabs(in_hz[i] - out_hz[i]) > tolerance * fabs(out_hz[i]))
            return false;
    return true;
}

/** The last of ascending frequencies that is not above f, at least 0. */
static int64_t find_below(int64_t n, const double *hz, double f)
{
    int64_t low = 0, high = n - 1;

    assert(n > 0);
    while (low < high) {
        const int64_t middle = (low + high + 1) / 2;
        if (hz[middle] <= f)
            low = middle;
        else
            high = middle - 1;
    }
    return low;
}

/** The unflagged channels; all where flags is NULL. */
static void take_spectrum(int64_t nin, const double *in_hz, const mms_complex *values,
                          const uint8_t *flags, int64_t stride, spectrum *s)
{
    const bool falls = nin > 1 && in_hz[nin - 1] < in_hz[0];

    s->n = 0;
    for (int64_t k = 0; k < nin; k++) {
        const int64_t i = falls ? nin - 1 - k : k;
        const mms_complex v = values[i * stride];
        if (flags && flags[i * stride])
            continue;
        s->hz[s->n] = in_hz[i];
        s->amplitude[s->n] = cabsf(v);
        s->phase[s->n] = s->n > 0 ? nearest_turn(cargf(v), s->phase[s->n - 1]) : cargf(v);
        s->n++;
    }
}

static mms_complex value_at(const spectrum *s, double f, bool nearest)
{
    const int64_t i = find_below(s->n, s->hz, f);
    double share = 0;

    if (i + 1 < s->n && f > s->hz[i])
        share = (f - s->hz[i]) / (s->hz[i + 1] - s->hz[i]);
    if (nearest)
        share = share > 0.5;
    if (share <= 0)
        return polar(s->amplitude[i], s->phase[i]);
    return polar(s->amplitude[i] + share * (s->amplitude[i + 1] - s->amplitude[i]),
                 s->phase[i] + share * (s->phase[i + 1] - s->phase[i]));
}

/** Whether one of the channels that make the value at f is flagged; of all of them.  CASA asks two
 *  channels beyond the edge too, where one makes the value. */
static bool flag_at(int64_t nin, const double *in_hz, const uint8_t *flags, int64_t stride,
                    double f, bool nearest)
{
    const bool falls = nin > 1 && in_hz[nin - 1] < in_hz[0];
    const int64_t low = falls ? nin - 1 : 0, high = nin - 1 - low, step = falls ? -1 : 1;
    int64_t below = -1, above = -1;

    for (int64_t k = 0; k < nin; k++) {
        const int64_t i = falls ? nin - 1 - k : k;
        if (in_hz[i] <= f)
            below = i;
        if (in_hz[i] >= f && above < 0)
            above = i;
    }
    if (nin > 1 && !nearest && below < 0) // the two at the edge
        return flags[low * stride] || flags[(low + step) * stride];
    if (nin > 1 && !nearest && above < 0)
        return flags[high * stride] || flags[(high - step) * stride];
    if (below < 0 || above < 0)
        return flags[(below < 0 ? above : below) * stride];
    if (nearest)
        return flags[(in_hz[above] - f < f - in_hz[below] ? above : below) * stride];
    return flags[below * stride] || flags[above * stride];
}

static bool any_flag(int64_t n, const uint8_t *flags, int64_t stride)
{
    for (int64_t i = 0; i < n; i++)
        if (flags[i * stride])
            return true;
    return false;
}

mms_status mms_cal_to_channels(int64_t nin, const double *in_hz, const mms_complex *values,
                               const uint8_t *flags, int64_t stride, int64_t nout,
                               const double *out_hz, mms_cal_freq how, mms_complex *out,
                               uint8_t *out_flags, mms_error *err)
{
    const bool nearest = how == MMS_CAL_NEAREST || how == MMS_CAL_NEAREST_FLAG;
    const bool keeps_flags = how == MMS_CAL_LINEAR_FLAG || how == MMS_CAL_NEAREST_FLAG;
    const bool flagged = any_flag(nin, flags, stride);
    spectrum s = {0};

    if (!flagged && same_channels(nin, in_hz, nout, out_hz)) {
        for (int64_t i = 0; i < nout; i++)
            out[i] = values[i * stride];
        memset(out_flags, 0, (size_t)nout);
        return MMS_OK;
    }
    s.hz = mms_alloc(3 * nin, sizeof(double));
    if (!s.hz)
        return mms_fail(err, MMS_ERR_MEM, "applycal: out of memory");
    s.amplitude = s.hz + nin;
    s.phase = s.hz + 2 * nin;
    take_spectrum(nin, in_hz, values, flags, stride, &s);
    assert(s.n <= nin);
    for (int64_t i = 0; i < nout; i++) {
        out[i] = s.n > 0 ? value_at(&s, out_hz[i], nearest) : 1;
        out_flags[i] = s.n == 0 || (keeps_flags && flagged &&
                                    flag_at(nin, in_hz, flags, stride, out_hz[i], nearest));
    }
    free(s.hz);
    return MMS_OK;
}
