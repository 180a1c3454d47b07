/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file clip.c  Limits of values (in-place 1.5), and of times in a scan (1.7). */
#include <float.h>
#include <math.h>
#include <string.h>

#include "base/wide_priv.h"
#include "flag.h"

bool mms_flag_clips(const mms_flag_clip *clip, float value)
{
    if (!isfinite(value))
        return true;
    if (clip->limited && clip->outside && (value > clip->high || value < clip->low))
        return true;
    if (clip->limited && !clip->outside && value >= clip->low && value <= clip->high)
        return true;
    return clip->zeros && value <= FLT_EPSILON; // negative values too, as CASA
}

static bool is_infinite(const mms_flag_clip *clip, float value)
{
    (void)clip;
    return isinf(value);
}

static bool is_above_low(const mms_flag_clip *clip, float value)
{
    return value >= clip->low;
}

static bool is_not_below_low(const mms_flag_clip *clip, float value)
{
    return !(value < clip->low);
}

static bool is_above_high(const mms_flag_clip *clip, float value)
{
    return value > clip->high;
}

static bool is_not_below_high(const mms_flag_clip *clip, float value)
{
    return !(value <= clip->high);
}

static bool is_above_zero(const mms_flag_clip *clip, float value)
{
    (void)clip;
    return !(value <= FLT_EPSILON);
}

static double double_of(uint64_t bits)
{
    double x;

    memcpy(&x, &bits, sizeof x);
    return x;
}

/** The smallest square whose root is something that greater ones are, too; infinity: none is. */
static double first_square(const mms_flag_clip *clip, bool (*is)(const mms_flag_clip *, float))
{
    const double none = INFINITY;
    uint64_t low = 0, high;

    memcpy(&high, &none, sizeof high);
    while (low < high) { // the bits of positive numbers are in their order
        const uint64_t middle = low + (high - low) / 2;
        if (is(clip, (float)sqrt(double_of(middle))))
            high = middle;
        else
            low = middle + 1;
    }
    return double_of(low);
}

mms_flag_squares mms_flag_clip_squares(const mms_flag_clip *clip)
{
    mms_flag_squares keep = {0, first_square(clip, is_infinite), INFINITY, 0};

    if (clip->limited && clip->outside) {
        keep.from = first_square(clip, is_not_below_low);
        keep.to = fmin(keep.to, first_square(clip, is_above_high));
    }
    if (clip->limited && !clip->outside) {
        keep.hole_from = first_square(clip, is_above_low);
        keep.hole_to = first_square(clip, is_not_below_high);
    }
    if (clip->zeros)
        keep.from = fmax(keep.from, first_square(clip, is_above_zero));
    return keep;
}

enum { AT_ONCE = 64 };

/** Flag those of at most AT_ONCE values that are clipped. */
MMS_WIDEST static void flag_clipped(const mms_flag_squares *keep, int64_t n, const float *values,
                                    uint8_t *flags)
{
    const double from = keep->from, to = keep->to;
    const double hole_from = keep->hole_from, hole_to = keep->hole_to;
    int64_t kept[AT_ONCE]; // as wide as the numbers: vectors

    for (int64_t i = 0; i < n; i++) {
        const double re = (double)values[2 * i], im = (double)values[2 * i + 1];
        const double square = re * re + im * im; // of floats: exact but for the sum
        kept[i] = (square >= from) & (square < to) & !((square >= hole_from) & (square < hole_to));
    }
    for (int64_t i = 0; i < n; i++)
        flags[i] = (uint8_t)(flags[i] | !kept[i]);
}

/** Limits in floats, with room for their rounding and that of a square and a sum. */
typedef struct float_squares {
    float from, to, hole_from, hole_to;
} float_squares;

static float to_float(double x)
{
    return (float)fmin(x, (double)FLT_MAX);
}

static float_squares surely_kept(const mms_flag_squares *keep)
{
    const double room = 1e-6, least = 1e-30; // below it squares of floats are less exact
    const bool hole = keep->hole_from < keep->hole_to;
    float_squares s = {0, 0, 0, 0};

    if (keep->from > 0)
        s.from = to_float(fmax(keep->from * (1 + room), least));
    if (keep->to > least)
        s.to = to_float(keep->to * (1 - room));
    if (hole && keep->hole_from > least)
        s.hole_from = to_float(keep->hole_from * (1 - room));
    if (hole)
        s.hole_to = to_float(fmax(keep->hole_to * (1 + room), least));
    return s;
}

/** Whether floats tell that no value of some is clipped. */
MMS_WIDEST static bool none_surely(const float_squares *keep, int64_t n, const float *values)
{
    const float from = keep->from, to = keep->to, hole_from = keep->hole_from,
                hole_to = keep->hole_to;
    int32_t kept = 0;

    for (int64_t i = 0; i < n; i++) {
        const float square = values[2 * i] * values[2 * i] + values[2 * i + 1] * values[2 * i + 1];
        kept += (square >= from) & (square < to) & ((square < hole_from) | (square >= hole_to));
    }
    return kept == n;
}

void mms_flag_clip_cells(const mms_flag_squares *keep, int64_t n, const mms_complex *vis,
                         uint8_t *flags)
{
    const float *values = (const float *)vis;
    const float_squares sure = surely_kept(keep);

    for (int64_t at = 0, count; at < n; at += count) {
        count = n - at < AT_ONCE ? n - at : AT_ONCE;
        if (!none_surely(&sure, count, values + 2 * at))
            flag_clipped(keep, count, values + 2 * at, flags + at);
    }
}

bool mms_flag_quacks(mms_flag_quack mode, double time_s, double first_s, double last_s,
                     double interval_s)
{
    switch (mode) {
    case MMS_FLAG_BEG:
        return time_s <= first_s + interval_s;
    case MMS_FLAG_ENDB:
        return time_s >= last_s - interval_s;
    case MMS_FLAG_TAIL:
        return time_s > first_s + interval_s;
    default:
        return time_s < last_s - interval_s;
    }
}
