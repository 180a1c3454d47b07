/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file extend.c  Grows flags to their neighbours and to whole spectra and times (in-place 1.13).
 */
#include <stdlib.h>
#include <string.h>

#include "base/base_priv.h"
#include "flag.h"

/** One correlation of a map; outside of it nothing is flagged. */
typedef struct view {
    int64_t ntime, nchan, ncorr, corr;
    const uint8_t *flags;
} view;

static int at(const view *v, int64_t time, int64_t chan)
{
    if (time < 0 || chan < 0 || time >= v->ntime || chan >= v->nchan)
        return 0;
    return v->flags[(time * v->nchan + chan) * v->ncorr + v->corr];
}

static bool is_next_to_flags(const mms_flag_extend *how, const view *v, int64_t t, int64_t c)
{
    int around = 0;

    if (how->neartime && (at(v, t - 1, c) || at(v, t + 1, c)))
        return true;
    if (how->nearfreq && (at(v, t, c - 1) || at(v, t, c + 1)))
        return true;
    if (!how->around)
        return false;
    for (int64_t i = t - 1; i <= t + 1; i++)
        for (int64_t k = c - 1; k <= c + 1; k++)
            around += at(v, i, k);
    return !at(v, t, c) && around > 4;
}

static void add_neighbours(const mms_flag_extend *how, const view *v, uint8_t *flags)
{
    for (int64_t t = 0; t < v->ntime; t++)
        for (int64_t c = 0; c < v->nchan; c++)
            if (is_next_to_flags(how, v, t, c))
                flags[(t * v->nchan + c) * v->ncorr + v->corr] = 1;
}

/** Whether n flags, stride apart, are percent of them or more. */
static bool is_full(const uint8_t *flags, int64_t n, int64_t stride, double percent)
{
    int64_t set = 0;

    for (int64_t i = 0; i < n; i++)
        set += flags[i * stride];
    return percent > 0 && 100.0 * (double)set / (double)n >= percent;
}

static void fill(uint8_t *flags, int64_t n, int64_t stride)
{
    for (int64_t i = 0; i < n; i++)
        flags[i * stride] = 1;
}

/** Counts are taken from before. */
static void grow(const mms_flag_extend *how, const view *v, uint8_t *flags)
{
    const int64_t row = v->nchan * v->ncorr;

    for (int64_t t = 0; t < v->ntime; t++)
        if (is_full(v->flags + t * row + v->corr, v->nchan, v->ncorr, how->growfreq))
            fill(flags + t * row + v->corr, v->nchan, v->ncorr);
    for (int64_t c = 0; c < v->nchan; c++)
        if (is_full(v->flags + c * v->ncorr + v->corr, v->ntime, row, how->growtime))
            fill(flags + c * v->ncorr + v->corr, v->ntime, row);
}

static void join_products(int64_t ncell, int64_t ncorr, uint8_t *flags)
{
    for (int64_t i = 0; i < ncell; i++)
        if (memchr(flags + i * ncorr, 1, (size_t)ncorr))
            memset(flags + i * ncorr, 1, (size_t)ncorr);
}

mms_status mms_flag_extend_map(const mms_flag_extend *how, int64_t ntime, int64_t nchan,
                               int64_t ncorr, uint8_t *flags, mms_error *err)
{
    const size_t size = (size_t)(ntime * nchan * ncorr);
    uint8_t *before = mms_alloc(ntime * nchan * ncorr, 1);
    view v = {ntime, nchan, ncorr, 0, before};

    if (!before)
        return mms_fail(err, MMS_ERR_MEM, "extend: out of memory");
    memcpy(before, flags, size);
    for (v.corr = 0; v.corr < ncorr; v.corr++)
        add_neighbours(how, &v, flags);
    memcpy(before, flags, size);
    for (v.corr = 0; v.corr < ncorr; v.corr++)
        grow(how, &v, flags);
    if (how->pols)
        join_products(ntime * nchan, ncorr, flags);
    free(before);
    return MMS_OK;
}
