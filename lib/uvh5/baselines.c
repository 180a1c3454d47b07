/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file baselines.c  What a baseline-time has once: time, uvw, exposure, from its first row. */
#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ms/columns.h"
#include "ms/ms_priv.h"
#include "uvh5_priv.h"

enum { CHUNK = 16384 };

/** How far the rows of a blt are from its first. */
typedef struct spread {
    int64_t uvw_blts, exposure_blts;
    double uvw_m, exposure_s;
} spread;

/** Rows that are read together, sorted as in the MS. */
typedef struct chunk {
    int64_t n, *rows, *from; /**< from: places in u->rows */
    mms_rows *ranges;
    double *uvw, *exposure;
} chunk;

typedef struct pair {
    int64_t row, from;
} pair;

static int by_row(const void *first, const void *second)
{
    const pair *const a = first, *const b = second;

    return a->row < b->row ? -1 : a->row > b->row;
}

/** Read columns of u->rows[from, from + n), sorted by row; out[k] in that order. */
static mms_status read_sorted(mms_uvh5 *u, int64_t n, const pair *pairs, double *uvw,
                              double *exposure, mms_error *err)
{
    mms_rows *const ranges = mms_alloc(n, sizeof *ranges);
    int64_t nrange = 0;
    mms_status st;

    MMS_TRY(ranges ? MMS_OK : mms_uvh5_no_memory(u, err));
    for (int64_t i = 0; i < n; i++) {
        assert(i == 0 || pairs[i].row > pairs[i - 1].row);
        if (i > 0 && pairs[i].row == pairs[i - 1].row + 1)
            ranges[nrange - 1].count++;
        else
            ranges[nrange++] = (mms_rows){pairs[i].row, 1};
    }
    MMS_TRY(mms_ms_read(u->ms, MMS_COL_UVW, nrange, ranges, 3 * n, uvw, err));
    MMS_TRY(mms_ms_read(u->ms, MMS_COL_EXPOSURE, nrange, ranges, n, exposure, err));
done:
    free(ranges);
    return st;
}

static void compare(mms_uvh5 *u, int64_t blt, const double *uvw, double exposure, spread *s)
{
    const double *const first = u->uvw_m + 3 * blt;
    double uvw_m = 0;

    for (int k = 0; k < 3; k++)
        uvw_m = fmax(uvw_m, fabs(uvw[k] - first[k]));
    s->uvw_m = fmax(s->uvw_m, uvw_m);
    s->uvw_blts += uvw_m > 1e-3;
    const double exposure_s = fabs(exposure - u->exposure_s[blt]);
    s->exposure_s = fmax(s->exposure_s, exposure_s);
    s->exposure_blts += exposure_s > 1e-3;
}

/** Take n rows from a place in u->rows on: whole blts. */
static mms_status take(mms_uvh5 *u, int64_t at, int64_t n, spread *s, mms_error *err)
{
    pair *const pairs = mms_alloc(n, sizeof *pairs);
    double *const values = mms_alloc(4 * n, sizeof *values);
    double *const exposure = values + 3 * n;
    bool sorted = true;
    mms_status st;

    MMS_TRY(pairs && values ? MMS_OK : mms_uvh5_no_memory(u, err));
    for (int64_t i = 0; i < n; i++) {
        pairs[i] = (pair){u->rows[at + i].row, at + i};
        sorted = sorted && (i == 0 || pairs[i].row > pairs[i - 1].row);
    }
    if (!sorted)
        qsort(pairs, (size_t)n, sizeof *pairs, by_row);
    MMS_TRY(read_sorted(u, n, pairs, values, exposure, err));
    for (int64_t i = 0; i < n; i++) {
        const int64_t blt = u->rows[pairs[i].from].blt;
        if (pairs[i].row == u->blts[blt].first) {
            memcpy(u->uvw_m + 3 * blt, values + 3 * i, 3 * sizeof *values);
            u->exposure_s[blt] = exposure[i];
        }
    }
    for (int64_t i = 0; i < n; i++)
        compare(u, u->rows[pairs[i].from].blt, values + 3 * i, exposure[i], s);
done:
    free(pairs);
    free(values);
    return st;
}

static void tell(const mms_uvh5 *u, const spread *s)
{
    if (s->uvw_blts)
        MMS_UVH5_TELL(u, MMS_LOG_WARN,
                      "UVW differs between spectral windows in %" PRId64
                      " rows, by up to %.3g m; the "
                      "first window's stand",
                      s->uvw_blts, s->uvw_m);
    if (s->exposure_blts)
        MMS_UVH5_TELL(u, MMS_LOG_WARN,
                      "EXPOSURE differs between spectral windows in %" PRId64
                      " rows, by up to %.3g s; "
                      "the first window's stand",
                      s->exposure_blts, s->exposure_s);
}

/** Julian dates in UTC. */
static mms_status find_times(mms_uvh5 *u, mms_error *err)
{
    mms_value *words = NULL;
    mms_status st = mms_table_keywords(mms_ms_first_table(u->ms), MMS_COL_TIME, &words, err);
    const char *scale =
        json_string_value(json_object_get(json_object_get(words, "MEASINFO"), "Ref"));
    const bool tt =
        scale && (!strcmp(scale, "TT") || !strcmp(scale, "TDT") || !strcmp(scale, "ET"));
    const bool utc = !scale || !strcmp(scale, "UTC");

    if (st == MMS_OK && !utc && !tt && strcmp(scale, "TAI"))
        st = mms_fail(err, MMS_ERR_ARG, "TIME is in %s; only UTC, TAI and TT are converted", scale);
    for (int64_t i = 0; st == MMS_OK && i < u->nblt; i++) {
        u->jd[i] = mms_uvh5_jd(u->blts[i].time_s);
        if (!utc)
            st = u->hdf5->tai_to_utc(u->jd[i] - (tt ? 32.184 / 86400 : 0), &u->jd[i], err);
        mms_uvh5_rest(u, i);
    }
    mms_value_free(&words);
    return st;
}

mms_status mms_uvh5_find_baselines(mms_uvh5 *u, mms_error *err)
{
    spread s = {0};
    mms_status st;

    u->jd = mms_spill_alloc(u->nblt, sizeof *u->jd);
    u->uvw_m = mms_spill_alloc(3 * u->nblt, sizeof *u->uvw_m);
    u->exposure_s = mms_spill_alloc(u->nblt, sizeof *u->exposure_s);
    if (!u->jd || !u->uvw_m || !u->exposure_s)
        MMS_TRY(mms_uvh5_no_memory(u, err));
    MMS_TRY(find_times(u, err));
    for (int64_t at = 0; at < u->nrow;) {
        int64_t end = at + CHUNK < u->nrow ? at + CHUNK : u->nrow;
        while (end < u->nrow && u->rows[end].blt == u->rows[end - 1].blt)
            end++;
        MMS_TRY(take(u, at, end - at, &s, err));
        MMS_TRY(mms_check_stop(err));
        mms_uvh5_rest(u, 0);
        at = end;
    }
    tell(u, &s);
done:
    return st;
}

void mms_uvh5_decide_sign(mms_uvh5 *u)
{
    enum { MOST = 1000 };
    double kept = 0, negated = 0;
    int64_t cross = 0, seen = 0, taken = 0;

    for (int64_t i = 0; i < u->nblt; i++) {
        cross += u->blts[i].ant1 != u->blts[i].ant2;
        mms_uvh5_rest(u, i);
    }
    for (int64_t i = 0; i < u->nblt; i++) {
        const mms_uvh5_blt *const b = &u->blts[i];
        mms_uvh5_rest(u, i);
        if (b->ant1 == b->ant2)
            continue;
        if (cross > MOST && seen++ * MOST / cross < taken)
            continue;
        taken++;
        const double *const p = u->antennas.position_m + 3 * b->ant1;
        const double *const q = u->antennas.position_m + 3 * b->ant2;
        const double d[3] = {q[0] - p[0], q[1] - p[1], q[2] - p[2]};
        const mms_uvh5_view view = {u->lst[i], u->app_ra[i], u->app_dec[i], u->frame_pa[i]};
        double e[3];
        mms_uvh5_expected_uvw(d, u->geodetic[0], &view, e);
        for (int k = 0; k < 3; k++) {
            kept = fmax(kept, fabs(u->uvw_m[3 * i + k] - e[k]));
            negated = fmax(negated, fabs(-u->uvw_m[3 * i + k] - e[k]));
        }
    }
    u->negate = mms_uvh5_negates(kept, negated);
    if (!strcmp(u->asked->flipconj, "true") || !strcmp(u->asked->flipconj, "false"))
        u->negate = !strcmp(u->asked->flipconj, "true");
    else if (u->has_flip)
        u->negate = u->flip_word;
    MMS_UVH5_TELL(u, MMS_LOG_INFO,
                  "uvw against antenna 2 - antenna 1: %.7g m as they stand, %.7g m negated: %s",
                  kept, negated, u->negate ? "negated, and data conjugated" : "kept");
    if ((u->negate ? negated : kept) > 1)
        MMS_UVH5_TELL(u, MMS_LOG_WARN, "uvw differ from the antenna positions by up to %.4g m",
                      u->negate ? negated : kept);
    for (int64_t i = 0; u->negate && i < 3 * u->nblt; i++) {
        u->uvw_m[i] = -u->uvw_m[i];
        mms_uvh5_rest(u, i);
    }
}
