/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file correct.c  Calibration of the spectra of a baseline (in-place 3.3). */
#include <assert.h>
#include <complex.h>
#include <math.h>
#include <string.h>

#include "base/wide_priv.h"
#include "calibrate.h"

/** re + im * I would add im * 0, which makes 0 of -0, and no number of a number and infinity. */
static inline mms_complex complex_of(float re, float im)
{
    const float parts[2] = {re, im};
    mms_complex z;

    memcpy(&z, parts, sizeof z);
    return z;
}

/** A product of complex numbers without the library's care for infinities. */
static inline mms_complex times(mms_complex a, mms_complex b)
{
    return complex_of(crealf(a) * crealf(b) - cimagf(a) * cimagf(b),
                      crealf(a) * cimagf(b) + cimagf(a) * crealf(b));
}

static inline mms_complex times_conj(mms_complex a, mms_complex b)
{
    return complex_of(crealf(a) * crealf(b) + cimagf(a) * cimagf(b),
                      cimagf(a) * crealf(b) - crealf(a) * cimagf(b));
}

/** Four products in the order pp, pq, qp, qq. */
MMS_WIDE static void correct_gains_4(int32_t nchan, const mms_complex *restrict a,
                                     const mms_complex *restrict b, mms_complex *restrict data)
{
    for (int32_t k = 0; k < nchan; k++, a += 2, b += 2, data += 4) {
        data[0] = times(data[0], times_conj(a[0], b[0]));
        data[1] = times(data[1], times_conj(a[0], b[1]));
        data[2] = times(data[2], times_conj(a[1], b[0]));
        data[3] = times(data[3], times_conj(a[1], b[1]));
    }
}

/** The same with gains that are those of all channels. */
MMS_WIDE static void correct_flat_4(int32_t nchan, const mms_complex *a, const mms_complex *b,
                                    mms_complex *data)
{
    float same[8], other[8], *restrict d = (float *)data; // by what each part is multiplied, and
                                                          // the other part of its number

    for (int c = 0; c < 4; c++) {
        const mms_complex factor = times_conj(a[c / 2], b[c % 2]);
        same[2 * c] = same[2 * c + 1] = crealf(factor);
        other[2 * c] = -cimagf(factor);
        other[2 * c + 1] = cimagf(factor);
    }
    for (int64_t k = 0; k < nchan; k++, d += 8) {
        float out[8];
        for (int i = 0; i < 8; i++)
            out[i] = d[i] * same[i] + d[i ^ 1] * other[i];
        for (int i = 0; i < 8; i++)
            d[i] = out[i];
    }
}

static bool is_full(const mms_cal_window *w)
{
    return w->ncorr == 4 && w->products[0].p == 0 && w->products[0].q == 0 &&
           w->products[1].p == 0 && w->products[1].q == 1 && w->products[2].p == 1 &&
           w->products[2].q == 0;
}

static void correct_gains(const mms_cal_window *w, const mms_cal_antenna *first,
                          const mms_cal_antenna *second, mms_complex *data)
{
    const mms_complex *a = first->gain, *b = second->gain;

    if (is_full(w)) {
        (first->flat && second->flat ? correct_flat_4 : correct_gains_4)(w->nchan, a, b, data);
        return;
    }
    for (int32_t k = 0; k < w->nchan; k++, a += 2, b += 2)
        for (int32_t c = 0; c < w->ncorr; c++, data++)
            *data = times(*data, times_conj(a[w->products[c].p], b[w->products[c].q]));
}

/** Leakages to first order: cross hands alone. */
static void correct_leakage(int32_t nchan, const mms_complex *a, const mms_complex *b,
                            mms_complex *data)
{
    for (int32_t k = 0; k < nchan; k++, a += 2, b += 2, data += 4) {
        data[1] -= times(a[0], data[3]) + times_conj(data[0], b[1]);
        data[2] -= times(a[1], data[0]) + times_conj(data[3], b[0]);
    }
}

static mms_complex turn(double angle)
{
    return complex_of((float)cos(angle), (float)sin(angle));
}

/** R and L turn by opposite phases. */
static void turn_circular(const mms_cal_window *w, double first, double second, mms_complex *data)
{
    for (int32_t c = 0; c < w->ncorr; c++) {
        const double angle =
            (w->products[c].p ? -first : first) - (w->products[c].q ? -second : second);
        const mms_complex factor = turn(angle);
        for (int32_t k = 0; k < w->nchan; k++)
            data[(int64_t)k * w->ncorr + c] = times(data[(int64_t)k * w->ncorr + c], factor);
    }
}

/** X and Y turn into each other. */
static void turn_linear(int32_t nchan, double first, double second, mms_complex *data)
{
    const float c1 = (float)cos(first), s1 = (float)sin(first);
    const float c2 = (float)cos(second), s2 = (float)sin(second);

    for (int32_t k = 0; k < nchan; k++, data += 4) {
        const mms_complex xx = c1 * data[0] - s1 * data[2], xy = c1 * data[1] - s1 * data[3];
        const mms_complex yx = s1 * data[0] + c1 * data[2], yy = s1 * data[1] + c1 * data[3];
        data[0] = c2 * xx - s2 * xy;
        data[1] = s2 * xx + c2 * xy;
        data[2] = c2 * yx - s2 * yy;
        data[3] = s2 * yx + c2 * yy;
    }
}

void mms_cal_correct(const mms_cal_window *w, const mms_cal_antenna *a, const mms_cal_antenna *b,
                     mms_complex *data)
{
    assert(!w->leakage || (a->leak && b->leak));
    correct_gains(w, a, b, data);
    if (w->leakage && is_full(w))
        correct_leakage(w->nchan, a->leak, b->leak, data);
    if (w->parang && w->linear && is_full(w))
        turn_linear(w->nchan, a->angle_rad, b->angle_rad, data);
    else if (w->parang && !w->linear)
        turn_circular(w, a->angle_rad, b->angle_rad, data);
}

static bool set_all(uint8_t *flags, int n)
{
    bool changed = false;

    for (int i = 0; i < n; i++) {
        changed = changed || !flags[i];
        flags[i] = 1;
    }
    return changed;
}

bool mms_cal_may_flag(const mms_cal_window *w, const mms_cal_antenna *a, const mms_cal_antenna *b)
{
    const bool mixes = w->leakage || (w->parang && w->linear);

    return a->any_flag || b->any_flag || (mixes && is_full(w));
}

bool mms_cal_flag(const mms_cal_window *w, const mms_cal_antenna *a, const mms_cal_antenna *b,
                  uint8_t *flags)
{
    const bool leaks = w->leakage && is_full(w), mixes = w->parang && w->linear && is_full(w);
    bool changed = false;

    assert(!leaks || (a->leak_flags && b->leak_flags));
    if (!mms_cal_may_flag(w, a, b))
        return false;
    for (int32_t k = 0; k < w->nchan; k++) {
        const uint8_t *first = a->flags + 2 * (int64_t)k, *second = b->flags + 2 * (int64_t)k;
        uint8_t *f = flags + (int64_t)k * w->ncorr;
        for (int32_t c = 0; c < w->ncorr; c++) {
            const mms_cal_product *p = &w->products[c];
            uint8_t bad = first[p->p] | second[p->q];
            if (leaks && p->p != p->q)
                bad |= a->leak_flags[2 * k + p->p] | b->leak_flags[2 * k + p->q];
            changed = changed || (bad && !f[c]);
            f[c] |= bad;
        }
        if (mixes && (f[0] || f[1] || f[2] || f[3]))
            changed = set_all(f, 4) || changed;
        else if (leaks && (f[0] || f[3]))
            changed = set_all(f + 1, 2) || changed;
    }
    return changed;
}
