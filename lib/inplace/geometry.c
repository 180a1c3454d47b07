/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file geometry.c  Commands that ask where antennas and sources are: elevation, shadow (in-place
 *  1.8, 1.9). */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/base_priv.h"
#include "flag_priv.h"
#include "tables/measures_priv.h"

static mms_status no_memory(mms_error *err)
{
    return mms_fail(err, MMS_ERR_MEM, "flagdata: out of memory");
}

static mms_status find_direction(mms_flag_work *w, int32_t field, double time_s,
                                 mms_direction *direction, mms_error *err)
{
    mms_status st = MMS_OK;

    if (!w->directions)
        st = mms_fields_open(w->set.field_table, &w->directions, err);
    return st == MMS_OK ? mms_fields_direction(w->directions, field, time_s, direction, err) : st;
}

static mms_status check_antennas(const mms_flag_work *w, int64_t row, mms_error *err)
{
    const int32_t a = w->rows.antenna1[row], b = w->rows.antenna2[row];

    if (a >= 0 && b >= 0 && a < w->set.nantenna && b < w->set.nantenna)
        return MMS_OK;
    return mms_fail(err, MMS_ERR_RANGE, "%s: antennas %d and %d of a row, but ANTENNA has %d rows",
                    mms_ms_path(w->set.ms), a, b, (int)w->set.nantenna);
}

/* ---- elevation --------------------------------------------------------------------------------*/

/** The elevations of antennas at one time of one field. */
typedef struct elevations {
    double time_s, *rad;
    int32_t field;
} elevations;

static mms_status find_elevations(mms_flag_work *w, elevations *e, int64_t row, mms_error *err)
{
    mms_direction direction;
    mms_status st = MMS_OK;

    if (e->field == w->rows.field[row] && e->time_s == w->rows.time_s[row])
        return MMS_OK;
    e->field = w->rows.field[row];
    e->time_s = w->rows.time_s[row];
    MMS_TRY(find_direction(w, e->field, e->time_s, &direction, err));
    MMS_TRY(mms_sky_elevations(&direction, e->time_s, w->set.nantenna,
                               (const double(*)[3])w->set.positions, e->rad, err));
done:
    return st;
}

mms_status mms_flag_chunk_elevation(mms_flag_work *w, mms_flag_command *c, mms_flag_chunk *k,
                                    uint8_t *found, mms_error *err)
{
    elevations e = {NAN, mms_alloc(w->set.nantenna, sizeof(double)), -1};
    mms_status st = e.rad ? MMS_OK : no_memory(err);

    for (int64_t i = 0; i < k->nrow && st == MMS_OK; i++) {
        const int64_t row = k->rows[i];
        if (!mms_flag_bit(c->mask, row))
            continue;
        MMS_TRY(check_antennas(w, row, err));
        MMS_TRY(find_elevations(w, &e, row, err));
        const double first = e.rad[w->rows.antenna1[row]] * 180 / M_PI;
        const double second = e.rad[w->rows.antenna2[row]] * 180 / M_PI;
        found[i] = fmin(first, second) < c->lower_deg || fmax(first, second) > c->upper_deg;
    }
done:
    free(e.rad);
    return st;
}

/* ---- shadow -----------------------------------------------------------------------------------*/

/** All antennas, those of the set first, then those that were added. */
typedef struct dishes {
    int64_t n;
    double (*itrf_m)[3], (*uvw_m)[3], *diameter_m;
    uint8_t *seen, *shadowed; /**< [n][n] pairs that have a row; [n] */
} dishes;

static void close_dishes(dishes *d)
{
    free(d->itrf_m);
    free(d->uvw_m);
    free(d->diameter_m);
    free(d->seen);
    free(d->shadowed);
}

static mms_status open_dishes(const mms_flag_work *w, const mms_flag_command *c, dishes *d,
                              mms_error *err)
{
    mms_value *added = json_object_get(c->value, "addantenna"), *antenna;
    const char *name;
    int64_t at = w->set.nantenna;

    d->n = at + (int64_t)json_object_size(added);
    d->itrf_m = mms_alloc(d->n, sizeof *d->itrf_m);
    d->uvw_m = mms_alloc(d->n, sizeof *d->uvw_m);
    d->diameter_m = mms_alloc(d->n, sizeof *d->diameter_m);
    d->seen = mms_alloc(d->n * d->n, 1);
    d->shadowed = mms_alloc(d->n, 1);
    if (!d->itrf_m || !d->uvw_m || !d->diameter_m || !d->seen || !d->shadowed)
        return no_memory(err);
    memcpy(d->itrf_m, w->set.positions, (size_t)at * sizeof *d->itrf_m);
    memcpy(d->diameter_m, w->set.diameters, (size_t)at * sizeof *d->diameter_m);
    json_object_foreach(added, name, antenna)
    {
        const mms_value *position = json_object_get(antenna, "position");
        d->diameter_m[at] = json_number_value(json_object_get(antenna, "diameter"));
        for (size_t i = 0; i < 3; i++)
            d->itrf_m[at][i] = json_number_value(json_array_get(position, i));
        at++;
    }
    return MMS_OK;
}

/** w is that of UVW: below 0 the first antenna stands behind the second. */
static void shade(dishes *d, const mms_flag_command *c, int64_t a, int64_t b, double u, double v,
                  double w)
{
    if (hypot(u, v) < (d->diameter_m[a] + d->diameter_m[b]) / 2 - c->tolerance_m)
        d->shadowed[w < 0 ? a : b] = 1;
}

/** Pairs without a row, from where the antennas are; their w is towards the source. */
static mms_status shade_others(mms_flag_work *w, const mms_flag_command *c, dishes *d, int64_t row,
                               mms_error *err)
{
    const double time_s = w->rows.centroid_s[row];
    mms_direction direction;
    mms_status st = find_direction(w, w->rows.field[row], time_s, &direction, err);

    if (st == MMS_OK)
        st = mms_sky_baselines(&direction, time_s, d->n, (const double(*)[3])d->itrf_m, d->uvw_m,
                               err);
    for (int64_t a = 0; a < d->n && st == MMS_OK; a++)
        for (int64_t b = a + 1; b < d->n; b++)
            if (!d->seen[a * d->n + b])
                shade(d, c, a, b, d->uvw_m[b][0] - d->uvw_m[a][0], d->uvw_m[b][1] - d->uvw_m[a][1],
                      d->uvw_m[a][2] - d->uvw_m[b][2]);
    return st;
}

/** Find who is shadowed at a time: rows[n] are places in the chunk. */
static mms_status find_shadowed(mms_flag_work *w, const mms_flag_command *c,
                                const mms_flag_chunk *k, dishes *d, const int64_t *rows, int64_t n,
                                mms_error *err)
{
    int64_t npair = 0;
    mms_status st = MMS_OK;

    memset(d->seen, 0, (size_t)(d->n * d->n));
    memset(d->shadowed, 0, (size_t)d->n);
    for (int64_t i = 0; i < n && st == MMS_OK; i++) {
        const int64_t row = k->rows[rows[i]];
        const int32_t a = w->rows.antenna1[row], b = w->rows.antenna2[row];
        const double *uvw = w->rows.uvw_m + 3 * row;
        st = check_antennas(w, row, err);
        if (st != MMS_OK || a == b)
            continue;
        uint8_t *seen = &d->seen[a < b ? a * d->n + b : b * d->n + a];
        npair += !*seen;
        *seen = 1;
        if (mms_flag_bit(c->mask, row))
            shade(d, c, a, b, uvw[0], uvw[1], uvw[2]);
    }
    if (st == MMS_OK && npair < d->n * (d->n - 1) / 2)
        st = shade_others(w, c, d, k->rows[rows[0]], err);
    return st;
}

static int by_centroid(const void *a, const void *b, void *ctx)
{
    const double *centroid = ctx;
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    if (centroid[x] != centroid[y])
        return centroid[x] < centroid[y] ? -1 : 1;
    return (x > y) - (x < y);
}

mms_status mms_flag_chunk_shadow(mms_flag_work *w, mms_flag_command *c, mms_flag_chunk *k,
                                 uint8_t *found, mms_error *err)
{
    dishes d = {0};
    const int64_t n = k->nrow; // in a list those that the command does not select are seen
    int64_t *rows = mms_alloc(n, sizeof *rows);
    double *centroid = mms_alloc(n, sizeof *centroid);
    mms_status st;

    MMS_TRY(rows && centroid ? open_dishes(w, c, &d, err) : no_memory(err));
    for (int64_t i = 0; i < k->nrow; i++) {
        centroid[i] = w->rows.centroid_s[k->rows[i]];
        rows[i] = i;
    }
    qsort_r(rows, (size_t)n, sizeof *rows, by_centroid, centroid);
    for (int64_t first = 0, end; first < n; first = end) {
        for (end = first + 1; end < n && centroid[rows[end]] == centroid[rows[first]];)
            end++;
        MMS_TRY(find_shadowed(w, c, k, &d, rows + first, end - first, err));
        for (int64_t i = first; i < end; i++) {
            const int64_t row = k->rows[rows[i]];
            found[rows[i]] = d.shadowed[w->rows.antenna1[row]] || d.shadowed[w->rows.antenna2[row]];
        }
    }
done:
    close_dishes(&d);
    free(rows);
    free(centroid);
    return st;
}
