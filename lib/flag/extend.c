/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file extend.c  Grows flags to their neighbours and to whole spectra and times (in-place 1.13).
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/base_priv.h"
#include "flag.h"

/** A map: ncell = nchan * ncorr flags a time. */
typedef struct map {
    int64_t ntime, nchan, ncorr, ncell;
    uint8_t *flags;
} map;

/* ---- neighbours -------------------------------------------------------------------------------*/

/** Flags of three times, with an unflagged channel on either side. */
typedef struct three {
    const uint8_t *before, *now, *after;
} three;

/** Whether more than four round a cell are flagged, where it is not. */
static uint8_t has_many_around(const three *x, int64_t i, int64_t ncorr)
{
    int around = 0;

    for (int64_t k = i - ncorr; k <= i + ncorr; k += ncorr)
        around += x->before[k] + x->now[k] + x->after[k];
    return !x->now[i] & (around > 4);
}

static void add_neighbours(const mms_flag_extend *how, const three *x, const map *m, uint8_t *flags)
{
    const int64_t n = m->ncell, step = m->ncorr;

    for (int64_t i = 0; how->neartime && i < n; i++)
        flags[i] |= x->before[i] | x->after[i];
    for (int64_t i = 0; how->nearfreq && i < n; i++)
        flags[i] |= x->now[i - step] | x->now[i + step];
    for (int64_t i = 0; how->around && i < n; i++)
        flags[i] |= has_many_around(x, i, step);
}

/** Add what is next to the flags that were there: these are kept for two times. */
static mms_status grow_to_neighbours(const mms_flag_extend *how, const map *m, mms_error *err)
{
    const int64_t row = m->ncell + 2 * m->ncorr;
    uint8_t *kept = mms_alloc(4 * row, 1); // the last is unflagged: what lies outside
    uint8_t *before = kept + 3 * row, *now = kept, *after = kept + row, *spare = kept + 2 * row;

    if (!kept)
        return mms_fail(err, MMS_ERR_MEM, "extend: out of memory");
    memcpy(now + m->ncorr, m->flags, (size_t)m->ncell);
    for (int64_t t = 0; t < m->ntime; t++) {
        if (t + 1 < m->ntime)
            memcpy(after + m->ncorr, m->flags + (t + 1) * m->ncell, (size_t)m->ncell);
        else
            memset(after, 0, (size_t)row);
        assert(before != now && now != after && after != before); // each time has its own
        const three x = {before + m->ncorr, now + m->ncorr, after + m->ncorr};
        add_neighbours(how, &x, m, m->flags + t * m->ncell);
        uint8_t *const oldest = t == 0 ? spare : before;
        before = now;
        now = after;
        after = oldest;
    }
    free(kept);
    return MMS_OK;
}

/* ---- times and spectra ------------------------------------------------------------------------*/

/** Whether n flags of total are percent of them or more. */
static bool is_full(int64_t n, int64_t total, double percent)
{
    return percent > 0 && 100.0 * (double)n / (double)total >= percent;
}

enum { MOST_IN_BYTE = 255 };

/** Count the flags of each cell: in bytes as long as these hold them.  bytes[ncell]: scratch. */
static void count_times(const map *m, uint8_t *restrict bytes, int32_t *restrict counts)
{
    for (int64_t first = 0, end; first < m->ntime; first = end) {
        end = m->ntime - first < MOST_IN_BYTE ? m->ntime : first + MOST_IN_BYTE;
        memset(bytes, 0, (size_t)m->ncell);
        for (int64_t t = first; t < end; t++) {
            const uint8_t *flags = m->flags + t * m->ncell;
            for (int64_t i = 0; i < m->ncell; i++)
                bytes[i] = (uint8_t)(bytes[i] + flags[i]);
        }
        for (int64_t i = 0; i < m->ncell; i++)
            counts[i] += bytes[i];
    }
}

/** The cells of a time that are to be flagged at all times: full[ncell].  False: none is. */
static bool find_full_times(const mms_flag_extend *how, const map *m, int32_t *counts,
                            uint8_t *full)
{
    bool any = false;

    if (how->growtime <= 0)
        return false;
    count_times(m, full, counts);
    for (int64_t i = 0; i < m->ncell; i++) {
        full[i] = is_full(counts[i], m->ntime, how->growtime);
        any = any || full[i];
    }
    return any;
}

/** The flags of a correlation in a spectrum; four correlations take the bytes of one word. */
static int64_t count_product(const map *m, const uint8_t *flags, int64_t p)
{
    int64_t n = 0;

    if (m->ncorr == 4) {
        int32_t sum = 0;
        for (int64_t c = 0; c < m->nchan; c++) {
            uint32_t word;
            memcpy(&word, flags + 4 * c, sizeof word);
            sum += (int32_t)(word >> 8 * p & 1);
        }
        return sum;
    }
    for (int64_t i = p; i < m->ncell; i += m->ncorr)
        n += flags[i];
    return n;
}

/** The correlations of a spectrum that are to be flagged, as bits. */
static uint64_t find_full_spectra(const mms_flag_extend *how, const map *m, const uint8_t *flags)
{
    uint64_t full = 0;

    if (how->growfreq <= 0 || !memchr(flags, 1, (size_t)m->ncell))
        return 0;
    for (int64_t p = 0; p < m->ncorr; p++)
        full |= (uint64_t)is_full(count_product(m, flags, p), m->nchan, how->growfreq) << p;
    return full;
}

/** Both counts are taken from the flags before. */
static mms_status grow(const mms_flag_extend *how, const map *m, mms_error *err)
{
    int32_t *counts = mms_alloc(m->ncell, sizeof *counts);
    uint8_t *full = mms_alloc(m->ncell, 1);
    mms_status st = MMS_OK;

    if (!counts || !full)
        st = mms_fail(err, MMS_ERR_MEM, "extend: out of memory");
    const bool times = st == MMS_OK && find_full_times(how, m, counts, full);
    for (int64_t t = 0; t < m->ntime && st == MMS_OK; t++) {
        uint8_t *flags = m->flags + t * m->ncell;
        const uint64_t spectra = find_full_spectra(how, m, flags);
        for (int64_t i = 0; times && i < m->ncell; i++)
            flags[i] |= full[i];
        for (int64_t p = 0; spectra && p < m->ncorr; p++)
            for (int64_t i = p; (spectra >> p & 1) && i < m->ncell; i += m->ncorr)
                flags[i] = 1;
    }
    free(counts);
    free(full);
    return st;
}

static void join_products(const map *m)
{
    for (int64_t t = 0; t < m->ntime; t++) {
        uint8_t *flags = m->flags + t * m->ncell;
        if (!memchr(flags, 1, (size_t)m->ncell))
            continue;
        for (int64_t c = 0; c < m->nchan; c++, flags += m->ncorr) {
            uint8_t any = 0;
            for (int64_t p = 0; p < m->ncorr; p++)
                any |= flags[p];
            for (int64_t p = 0; p < m->ncorr; p++)
                flags[p] = any;
        }
    }
}

mms_status mms_flag_extend_map(const mms_flag_extend *how, int64_t ntime, int64_t nchan,
                               int64_t ncorr, uint8_t *flags, mms_error *err)
{
    const map m = {ntime, nchan, ncorr, nchan * ncorr, flags};
    mms_status st = MMS_OK;

    if (ntime < 1 || m.ncell < 1 || !memchr(flags, 1, (size_t)(ntime * m.ncell)))
        return MMS_OK;
    if (how->neartime || how->nearfreq || how->around)
        MMS_TRY(grow_to_neighbours(how, &m, err));
    MMS_TRY(grow(how, &m, err));
    if (how->pols)
        join_products(&m);
done:
    return st;
}
