/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file tfcrop.c  Flags what stands out of fits to the means along time and frequency (in-place
 *  1.10).  Sums are floats in the order of the index, as CASA's: cancellation is part of them. */
#include <math.h>
#include <string.h>

#include "base/base_priv.h"
#include "base/wide_priv.h"
#include "fits_priv.h"
#include "flag.h"

enum { MOST_DEGREE = 3, OF_CURVES = 3 * MMS_FLAG_CURVES, OF_FLOATS = 4, OF_DOUBLES = 2 };

/** A map seen along one of its dimensions.  Sums of one point or line are taken in the order of the
 *  index, those of many points or lines beside each other: of two ways to store a map each loop
 *  takes that in which its neighbours are. */
typedef struct direction {
    int64_t along, across;   /**< points */
    const float *lines;      /**< [across][along] */
    const float *points;     /**< [along][across] */
    uint8_t *flags, *turned; /**< as points, as lines */
    bool *flagged;           /**< some of it is */
    float tolerance;
} direction;

/** Room for a direction. */
typedef struct scratch {
    float *away;           /**< [along][across]: values over the fit, less 1; 0 where flagged */
    float *windows;        /**< likewise, -1 where it was flagged before; NULL: not asked for */
    float *sums, *counts;  /**< [the longer dimension] */
    float *most, *limits;  /**< [across]: of |away|, and what is surely no more than beyond[] */
    double *beyond, *last; /**< [across]: limits of |x - 1|; the spread before */
    uint8_t *settled;      /**< [across] */
} scratch;

/** Some maps of the same size: values[][ntime][nchan], and the same the other way. */
typedef struct maps {
    int n;
    int64_t ntime, nchan, step; /**< step: from one to the next of values and flags */
    const float *values;
    uint8_t *flags;
    float *turned; /**< [n][nchan][ntime], as the next */
    uint8_t *turned_flags;
    bool *flagged; /**< [n]: some of it is */
} maps;

/** To the other way to store: from[rows][columns]. */
static void turn_floats(int64_t rows, int64_t columns, const float *from, float *restrict to)
{
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < columns; j++)
            to[j * rows + i] = from[i * columns + j];
}

/** Flags likewise; false: there are none. */
static bool turn_flags(int64_t rows, int64_t columns, const uint8_t *from, uint8_t *restrict to)
{
    if (!memchr(from, 1, (size_t)(rows * columns))) {
        memset(to, 0, (size_t)(rows * columns));
        return false;
    }
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < columns; j++)
            to[j * rows + i] = from[i * columns + j];
    return true;
}

MMS_WIDEST static void add_values(int64_t n, const float *values, float *restrict sums)
{
    for (int64_t i = 0; i < n; i++)
        sums[i] += values[i];
}

MMS_WIDEST static void add_unflagged(int64_t n, const float *values, const uint8_t *flags,
                                     float *restrict sums, float *restrict flagged)
{
    for (int64_t i = 0; i < n; i++) {
        const float value = values[i]; // whatever it is, for vectors
        sums[i] += flags[i] ? 0 : value;
        flagged[i] += flags[i] ? 1.0F : 0;
    }
}

/** The mean of each point into a curve, which is flagged where there is nothing to take it of;
 *  false: everywhere. */
static bool take_means(const direction *d, const scratch *s, int curve, mms_flag_curves *c)
{
    const int64_t n = d->along;
    float *sums = s->sums, *flagged = s->counts;
    bool any = false;

    memset(sums, 0, (size_t)n * sizeof *sums);
    memset(flagged, 0, (size_t)n * sizeof *flagged);
    for (int64_t j = 0; j < d->across; j++) {
        const float *values = d->lines + j * n;
        const uint8_t *flags = d->turned + j * n;
        if (*d->flagged && memchr(flags, 1, (size_t)n))
            add_unflagged(n, values, flags, sums, flagged);
        else
            add_values(n, values, sums);
    }
    for (int64_t i = 0; i < n; i++) {
        const float count = (float)d->across - flagged[i];
        c->mean[i][curve] = count > 0 ? sums[i] / count : 0;
        c->use[i][curve] = count > 0 ? -1 : 0;
        any = any || count > 0;
    }
    return any;
}

/** The values of one index over the fit: to the sums and the most of their lines. */
MMS_WIDEST static void begin_point(int64_t n, const float *values, float fit, const scratch *s,
                                   float *restrict away)
{
    float *restrict sums = s->sums, *restrict most = s->most;

    for (int64_t j = 0; j < n; j++) {
        const float x = values[j] / fit - 1, size = fabsf(x);
        away[j] = x;
        sums[j] += x * x;
        most[j] = size > most[j] ? size : most[j];
    }
}

MMS_WIDEST static void begin_flagged(int64_t n, const float *values, const uint8_t *flags,
                                     float fit, const scratch *s, float *restrict away)
{
    float *restrict sums = s->sums, *restrict most = s->most, *restrict counts = s->counts;

    for (int64_t j = 0; j < n; j++) {
        const float over = values[j] / fit - 1, x = flags[j] ? 0 : over, size = fabsf(x);
        away[j] = x;
        sums[j] += x * x;
        counts[j] -= flags[j] ? 1.0F : 0;
        most[j] = size > most[j] ? size : most[j];
    }
}

static void begin_lines(const direction *d, const mms_flag_curves *c, int curve, const scratch *s)
{
    const int64_t n = d->across;

    for (int64_t j = 0; j < n; j++) {
        s->counts[j] = (float)d->along;
        s->sums[j] = s->most[j] = 0;
        s->last[j] = 0;
        s->settled[j] = 0;
    }
    for (int64_t i = 0; i < d->along; i++) {
        const uint8_t *flags = d->flags + i * n;
        if (*d->flagged && memchr(flags, 1, (size_t)n))
            begin_flagged(n, d->points + i * n, flags, c->fit[i][curve], s, s->away + i * n);
        else
            begin_point(n, d->points + i * n, c->fit[i][curve], s, s->away + i * n);
    }
    for (int64_t i = 0; s->windows && i < d->along * n; i++)
        s->windows[i] = d->flags[i] ? -1 : s->away[i];
}

MMS_WIDEST static void add_point(int64_t n, const float *away, const scratch *s)
{
    float *restrict sums = s->sums, *restrict most = s->most;

    for (int64_t j = 0; j < n; j++) {
        const float x = away[j], size = fabsf(x);
        sums[j] += x * x;
        most[j] = size > most[j] ? size : most[j];
    }
}

/** Once more, without what has been flagged. */
static void sum_lines(const direction *d, const scratch *s)
{
    const int64_t n = d->across;

    memset(s->sums, 0, (size_t)n * sizeof *s->sums);
    memset(s->most, 0, (size_t)n * sizeof *s->most);
    for (int64_t i = 0; i < d->along; i++)
        add_point(n, s->away + i * n, s);
}

/** Limits of what may stand out, by the spread of each line: NaN where all of it is flagged. */
static void set_limits(const direction *d, const scratch *s)
{
    for (int64_t j = 0; j < d->across; j++)
        s->sums[j] = sqrtf(s->sums[j] / s->counts[j]); // 0 / 0: NaN
    for (int64_t j = 0; j < d->across; j++) {
        if (s->settled[j])
            continue;
        s->beyond[j] = (double)d->tolerance * (double)s->sums[j];
        s->limits[j] = (float)s->beyond[j] * 0.999999F;
        s->settled[j] = fabs(s->last[j] - (double)s->sums[j]) < 0.1;
        s->last[j] = (double)s->sums[j];
    }
}

/** Flag what is beyond the limit of a line; false: nothing is. */
static bool flag_line(const direction *d, const mms_flag_curves *c, int curve, const scratch *s,
                      int64_t j)
{
    const int64_t n = d->across;
    bool any = false;

    for (int64_t i = 0; i < d->along; i++) {
        float *const away = &s->away[i * n + j];
        if (!(fabsf(*away) >= s->limits[j]) || d->flags[i * n + j])
            continue;
        const float over = d->points[i * n + j] / c->fit[i][curve];
        if (!(fabs((double)over - 1) > s->beyond[j]))
            continue;
        d->flags[i * n + j] = d->turned[j * d->along + i] = 1;
        *d->flagged = true;
        s->counts[j] -= 1;
        *away = 0;
        any = true;
    }
    return any;
}

/** Flag in each line until its spread settles; beyond[] are the limits of the last time. */
static void flag_lines(const direction *d, const mms_flag_curves *c, int curve, const scratch *s)
{
    const int64_t n = d->across;
    bool changed = true;

    for (int k = 0; k < 5 && changed; k++) {
        if (k > 0)
            sum_lines(d, s);
        changed = false;
        set_limits(d, s); // where nothing is flagged then they stay
        for (int64_t j = 0; j < n; j++)
            if (s->most[j] >= s->limits[j] && flag_line(d, c, curve, s, j))
                changed = changed || !s->settled[j];
    }
}

/** Flag the middle of windows along the lines whose mean distance is beyond the limits. */
static void flag_windows(const mms_flag_tfcrop *how, const direction *d, const scratch *s)
{
    const int64_t half = how->halfwin, n = d->across;
    const float width = (float)(2 * half + 1);

    for (int64_t i = half; i < d->along - half; i++)
        for (int64_t j = 0; j < n; j++) {
            float sum = 0, squares = 0;
            for (int64_t k = i - half; k <= i + half; k++) {
                sum += fabsf(s->windows[k * n + j]);
                squares += s->windows[k * n + j] * s->windows[k * n + j];
            }
            if ((how->sum && (double)(sum / width) > s->beyond[j]) ||
                (how->std && (double)sqrtf(squares / width) > s->beyond[j]))
                d->flags[i * n + j] = d->turned[j * d->along + i] = *d->flagged = 1;
        }
}

static direction take_direction(const mms_flag_tfcrop *how, const maps *m, int map, bool time)
{
    const int64_t n = m->ntime * m->nchan;
    const float *values = m->values + map * m->step, *turned = m->turned + map * n;
    uint8_t *flags = m->flags + map * m->step, *turned_flags = m->turned_flags + map * n;

    if (time)
        return (direction){m->ntime, m->nchan,     turned,           values,
                           flags,    turned_flags, &m->flagged[map], how->timecutoff};
    return (direction){m->nchan,     m->ntime, values,           turned,
                       turned_flags, flags,    &m->flagged[map], how->freqcutoff};
}

/** Along one dimension: the fits of all maps at once. */
static void crop(const mms_flag_tfcrop *how, const maps *m, bool time, const scratch *s,
                 mms_flag_curves *c)
{
    const bool poly = time ? how->timepoly : how->freqpoly;
    bool any[MMS_FLAG_CURVES] = {false};

    c->n = time ? m->ntime : m->nchan;
    memset(c->mean, 0, (size_t)c->n * sizeof *c->mean);
    memset(c->use, 0, (size_t)c->n * sizeof *c->use);
    for (int i = 0; i < m->n; i++) {
        const direction d = take_direction(how, m, i, time);
        any[i] = take_means(&d, s, i, c);
    }
    mms_flag_fit_pieces(c, poly ? how->maxnpieces : 1, poly ? MOST_DEGREE : 1);
    for (int i = 0; i < m->n; i++) {
        const direction d = take_direction(how, m, i, time);
        if (!any[i])
            continue;
        begin_lines(&d, c, i, s);
        flag_lines(&d, c, i, s);
        if (s->windows)
            flag_windows(how, &d, s);
    }
}

static void crop_maps(const mms_flag_tfcrop *how, const maps *m, const scratch *s,
                      mms_flag_curves *c)
{
    for (int i = 0; i < m->n; i++) {
        const int64_t n = m->ntime * m->nchan;
        turn_floats(m->ntime, m->nchan, m->values + i * m->step, m->turned + i * n);
        m->flagged[i] =
            turn_flags(m->ntime, m->nchan, m->flags + i * m->step, m->turned_flags + i * n);
    }
    if (how->time && how->timefirst)
        crop(how, m, true, s, c);
    if (how->freq)
        crop(how, m, false, s, c);
    if (how->time && !how->timefirst)
        crop(how, m, true, s, c);
}

int64_t mms_flag_tfcrop_room(const mms_flag_tfcrop *how, int64_t ntime, int64_t nchan)
{
    const int64_t most = ntime > nchan ? ntime : nchan, n = ntime * nchan;
    const int64_t floats = (MMS_FLAG_CURVES + 1 + (how->sum || how->std)) * n +
                           (OF_CURVES + OF_FLOATS + 2 * OF_DOUBLES) * most;

    return floats + (MMS_FLAG_CURVES * n + most) / (int64_t)sizeof(float) + 1;
}

void mms_flag_tfcrop_maps(const mms_flag_tfcrop *how, int32_t nmap, int64_t ntime, int64_t nchan,
                          int64_t step, const float *values, uint8_t *flags, float *room)
{
    const int64_t most = ntime > nchan ? ntime : nchan, n = ntime * nchan;
    mms_flag_curves c = {0, (mms_flag_point *)room, (mms_flag_point *)room + most,
                         (mms_flag_use *)room + 2 * most};
    double *doubles = (double *)(void *)(room + OF_CURVES * most);
    float *floats = (float *)(doubles + OF_DOUBLES * most), *away = floats + OF_FLOATS * most;
    float *windows = how->sum || how->std ? away + n : NULL;
    float *turned = (windows ? windows : away) + n;
    uint8_t *bytes = (uint8_t *)(turned + MMS_FLAG_CURVES * n);
    const scratch s = {away,          windows,           floats,
                       floats + most, floats + 2 * most, floats + 3 * most,
                       doubles,       doubles + most,    bytes};

    for (int32_t i = 0; i < nmap; i += MMS_FLAG_CURVES) {
        const int left = nmap - i < MMS_FLAG_CURVES ? nmap - i : MMS_FLAG_CURVES;
        bool flagged[MMS_FLAG_CURVES];
        const maps m = {left,   ntime,        nchan,  step, values + i * step, flags + i * step,
                        turned, bytes + most, flagged};
        crop_maps(how, &m, &s, &c);
    }
}
