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

/** Between two gains, with the phase times ratio; CASA takes a phase of half a turn as one and a
 *  half then. */
static mms_complex between(mms_complex a, mms_complex b, double share, double ratio)
{
    const double low = cabsf(a), phase = cargf(a);
    const double turned = nearest_turn(cargf(b), phase);
    const double more = cargf(a) >= (float)M_PI ? 2 * M_PI : 0;

    return polar(low + share * (cabsf(b) - low), (phase + share * (turned - phase) + more) * ratio);
}

void mms_cal_at(const mms_cal_solution *s, const mms_cal_place *p, int64_t n, bool real,
                double ratio, mms_complex *values, uint8_t *flags)
{
    const mms_cal_solution *a = &s[p->before], *b = &s[p->after];
    const bool turns = !real && (ratio < 1 || ratio > 1);

    assert(p->before >= 0 && p->before <= p->after && !(p->share < 0 || p->share > 1));
    if (p->before == p->after && !turns) {
        memcpy(values, a->values, (size_t)n * sizeof *values);
        memcpy(flags, a->flags, (size_t)n);
        return;
    }
    for (int64_t i = 0; i < n; i++) {
        values[i] = real ? a->values[i] + p->share * (b->values[i] - a->values[i])
                         : between(a->values[i], b->values[i], p->share, ratio);
        flags[i] = a->flags[i] | b->flags[i];
    }
}

/* ---- frequency --------------------------------------------------------------------------------*/

enum { CUBIC_POINTS = 4 };

/** Channels of a spectrum that can be used, in order of frequency. */
typedef struct spectrum {
    int64_t n;
    double *hz, *part[2]; /**< amplitude and phase */
    double *bent[2];      /**< second derivatives of a spline */
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

/** The unflagged channels. */
static void take_spectrum(int64_t nin, bool falls, const double *in_hz, const mms_complex *values,
                          const uint8_t *flags, int64_t stride, spectrum *s)
{
    s->n = 0;
    for (int64_t k = 0; k < nin; k++) {
        const int64_t i = falls ? nin - 1 - k : k;
        const mms_complex v = values[i * stride];
        if (flags[i * stride])
            continue;
        s->hz[s->n] = in_hz[i];
        s->part[0][s->n] = cabsf(v);
        s->part[1][s->n] = s->n > 0 ? nearest_turn(cargf(v), s->part[1][s->n - 1]) : cargf(v);
        s->n++;
    }
}

/** Second derivatives of a natural spline.  casacore's way back through the equations ends before
 *  the second channel of the table's order, and so does this one.  t[n] is scratch. */
static void bend(const spectrum *s, bool falls, const double *y, double *t, double *bent)
{
    const double *x = s->hz;
    const int64_t n = s->n, step = falls ? -1 : 1, first = falls ? n - 1 : 0;

    memset(t, 0, (size_t)n * sizeof *t);
    memset(bent, 0, (size_t)n * sizeof *bent);
    for (int64_t i = 1; i + 1 < n; i++) {
        const int64_t k = first + i * step, before = k - step, after = k + step;
        const double a = x[k] - x[before], c = x[after] - x[k];
        const double delta = 2 * (x[after] - x[before]) - a * t[before];
        t[k] = c / delta;
        bent[k] = (6 * ((y[after] - y[k]) / c - (y[k] - y[before]) / a) - a * bent[before]) / delta;
    }
    for (int64_t i = n - 2; i > 1; i--) {
        const int64_t k = first + i * step;
        bent[k] -= t[k] * bent[k + step];
    }
}

/** The polynomial through the four points round channel i and the next (Neville). */
static double cubic_at(const spectrum *s, const double *y, int64_t i, double f)
{
    const int64_t most = s->n - CUBIC_POINTS, first = i < 1 ? 0 : i - 1 > most ? most : i - 1;
    const double *x = s->hz + first;
    double c[CUBIC_POINTS];

    memcpy(c, y + first, sizeof c);
    for (int k = 1; k < CUBIC_POINTS; k++)
        for (int l = 0; l < CUBIC_POINTS - k; l++)
            c[l] = ((f - x[l + k]) * c[l] + (x[l] - f) * c[l + 1]) / (x[l] - x[l + k]);
    return c[0];
}

static double spline_at(const spectrum *s, const double *y, const double *bent, int64_t i, double f)
{
    const double width = s->hz[i + 1] - s->hz[i], b = (f - s->hz[i]) / width, a = 1 - b;
    const double high = (a * a * a - a) * bent[i] + (b * b * b - b) * bent[i + 1];

    return a * y[i] + b * y[i + 1] + high * width * width / 6;
}

/** Of two channels as near the nearest is the one before, in the order of the table. */
static mms_complex value_at(const spectrum *s, bool falls, double f, mms_cal_freq kind)
{
    const int64_t i = find_below(s->n, s->hz, f);
    double found[2];

    if (i + 1 == s->n || f <= s->hz[i])
        return polar(s->part[0][i], s->part[1][i]);
    const double share = (f - s->hz[i]) / (s->hz[i + 1] - s->hz[i]);
    for (int p = 0; p < 2; p++) {
        const double *y = s->part[p];
        if (kind == MMS_CAL_SPLINE)
            found[p] = spline_at(s, y, s->bent[p], i, f);
        else if (kind == MMS_CAL_CUBIC && s->n >= CUBIC_POINTS)
            found[p] = cubic_at(s, y, i, f);
        else if (kind == MMS_CAL_NEAREST)
            found[p] = y[falls ? share < 0.5 ? i : i + 1 : share > 0.5 ? i + 1 : i];
        else
            found[p] = y[i] + share * (y[i + 1] - y[i]);
    }
    return polar(found[0], found[1]);
}

/** Whether one of the channels that make the value at f is flagged; of all of them, in their order.
 *  Beyond the edge CASA asks as many as within, though one makes the value. */
static bool flag_at(int64_t nin, bool falls, const double *in_hz, const uint8_t *flags,
                    int64_t stride, double f, mms_cal_freq kind)
{
    int64_t i = 0, last;

    while (i + 1 < nin && (falls ? in_hz[i + 1] >= f : in_hz[i + 1] <= f))
        i++;
    if (!(in_hz[i] < f) && !(in_hz[i] > f))
        return flags[i * stride];
    if (kind == MMS_CAL_NEAREST) {
        i += i + 1 < nin && fabs(f - in_hz[i]) > fabs(in_hz[i + 1] - f);
        return flags[i * stride];
    }
    if (kind == MMS_CAL_LINEAR) {
        i = i < nin - 2 ? i : nin - 2;
        last = i + 1;
    } else {
        i = i < 1 ? 0 : i - 1 < nin - CUBIC_POINTS ? i - 1 : nin - CUBIC_POINTS;
        last = i + CUBIC_POINTS - 1;
    }
    for (; i < last && !flags[i * stride];)
        i++;
    return flags[i * stride];
}

static bool any_flag(int64_t n, const uint8_t *flags, int64_t stride)
{
    for (int64_t i = 0; i < n; i++)
        if (flags[i * stride])
            return true;
    return false;
}

/** What so many channels are enough for. */
static mms_cal_freq kind_for(int64_t nin, mms_cal_freq how)
{
    const mms_cal_freq kind = how % MMS_CAL_KEEPS_FLAGS;

    if (nin < 2)
        return MMS_CAL_NEAREST;
    return nin < CUBIC_POINTS && kind > MMS_CAL_NEAREST ? MMS_CAL_LINEAR : kind;
}

mms_status mms_cal_to_channels(int64_t nin, const double *in_hz, const mms_complex *values,
                               const uint8_t *flags, int64_t stride, int64_t nout,
                               const double *out_hz, mms_cal_freq how, mms_complex *out,
                               uint8_t *out_flags, mms_error *err)
{
    const mms_cal_freq kind = kind_for(nin, how);
    const bool flagged = any_flag(nin, flags, stride);
    const bool keeps = flagged && how >= MMS_CAL_KEEPS_FLAGS;
    const bool falls = nin > 1 && in_hz[nin - 1] < in_hz[0];
    double *room;

    if (!flagged && same_channels(nin, in_hz, nout, out_hz)) {
        for (int64_t i = 0; i < nout; i++)
            out[i] = values[i * stride];
        memset(out_flags, 0, (size_t)nout);
        return MMS_OK;
    }
    room = mms_alloc(6 * nin, sizeof *room);
    if (!room)
        return mms_fail(err, MMS_ERR_MEM, "applycal: out of memory");
    spectrum s = {0, room, {room + nin, room + 2 * nin}, {room + 3 * nin, room + 4 * nin}};
    take_spectrum(nin, falls, in_hz, values, flags, stride, &s);
    assert(s.n <= nin);
    for (int p = 0; p < 2 && kind == MMS_CAL_SPLINE; p++)
        bend(&s, falls, s.part[p], room + 5 * nin, s.bent[p]);
    for (int64_t i = 0; i < nout; i++) {
        out[i] = s.n > 0 ? value_at(&s, falls, out_hz[i], kind) : 1;
        out_flags[i] =
            s.n == 0 || (keeps && flag_at(nin, falls, in_hz, flags, stride, out_hz[i], kind));
    }
    free(room);
    return MMS_OK;
}
