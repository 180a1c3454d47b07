/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file antennas.c  Telescope, its place on Earth, and the antennas around it. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tables/measures_priv.h"
#include "uvh5_priv.h"

/** The name of the column's measure reference; "" where it has none. */
static mms_status column_frame(mms_table *table, const char *column, char frame[32], mms_error *err)
{
    mms_value *words = NULL;
    const mms_status st = mms_table_keywords(table, column, &words, err);
    const char *const name =
        json_string_value(json_object_get(json_object_get(words, "MEASINFO"), "Ref"));

    snprintf(frame, 32, "%s", st == MMS_OK && name ? name : "");
    mms_value_free(&words);
    return st;
}

/** casacore's WGS84 is geodetic, with the height for the length; places whose length is the Earth's
 *  are Cartesian under the wrong name. */
static mms_status from_wgs84(const mms_uvh5 *u, double *p, mms_error *err)
{
    const double length = sqrt(p[0] * p[0] + p[1] * p[1] + p[2] * p[2]);
    const double geodetic[3] = {atan2(p[1], p[0]), asin(p[2] / (length > 0 ? length : 1)), length};

    return length > 0 && length < 6e6 ? u->hdf5->from_geodetic(geodetic, p, err) : MMS_OK;
}

static mms_status read_positions(mms_uvh5 *u, mms_table *table, mms_error *err)
{
    char frame[32];
    mms_uvh5_antennas *const a = &u->antennas;
    mms_status st;

    a->nrow = mms_table_nrow(table);
    a->position_m = mms_alloc(3 * a->nrow, sizeof *a->position_m);
    a->number = mms_alloc(a->nrow, sizeof *a->number);
    a->relative_m = mms_alloc(3 * a->nrow, sizeof *a->relative_m);
    if (!a->position_m || !a->number || !a->relative_m)
        MMS_TRY(mms_uvh5_no_memory(u, err));
    MMS_TRY(column_frame(table, "POSITION", frame, err));
    const bool wgs84 = !strcmp(frame, "WGS84");
    if (*frame && strcmp(frame, "ITRF") && !wgs84)
        MMS_TRY(mms_fail(err, MMS_ERR_UNSUPPORTED,
                         "antenna positions are in %s; only ITRF and WGS84 are converted", frame));
    for (int64_t i = 0; i < a->nrow; i++) {
        MMS_TRY(mms_uvh5_cell_doubles(table, "POSITION", i, 3, a->position_m + 3 * i, err));
        if (wgs84)
            MMS_TRY(from_wgs84(u, a->position_m + 3 * i, err));
    }
done:
    return st;
}

/** The rows that have a position or rows of data; their row is their number. */
static mms_status choose(mms_uvh5 *u, mms_error *err)
{
    mms_uvh5_antennas *const a = &u->antennas;
    uint8_t *const used = mms_alloc(a->nrow, 1);
    mms_status st = used ? MMS_OK : mms_uvh5_no_memory(u, err);

    for (int64_t i = 0; st == MMS_OK && i < u->nblt; i++) {
        const int32_t pair[] = {u->blts[i].ant1, u->blts[i].ant2};
        mms_uvh5_rest(u, i);
        for (int k = 0; st == MMS_OK && k < 2; k++)
            if (pair[k] < 0 || pair[k] >= a->nrow)
                st = mms_fail(err, MMS_ERR_RANGE, "%s: row %" PRId64 ": no antenna %d",
                              mms_ms_path(u->ms), u->blts[i].first, pair[k]);
            else
                used[pair[k]] = 1;
    }
    for (int64_t i = 0; st == MMS_OK && i < a->nrow; i++) {
        const double *const p = a->position_m + 3 * i;
        if (used[i] || p[0] != 0 || p[1] != 0 || p[2] != 0)
            a->number[a->n++] = i;
    }
    free(used);
    return st;
}

/** The texts of a column for the antennas that are written. */
static mms_status read_texts(const mms_uvh5_antennas *a, mms_table *table, const char *column,
                             mms_value **out, mms_error *err)
{
    *out = json_array();
    for (int64_t i = 0; i < a->n; i++) {
        char *text;
        const mms_status st = mms_uvh5_cell_text(table, column, a->number[i], &text, err);
        if (st != MMS_OK)
            return st;
        json_array_append_new(*out, mms_text_value(text));
        free(text);
    }
    return MMS_OK;
}

/** Whether no text is empty or there twice. */
static bool are_names(const mms_value *texts)
{
    mms_value *seen = json_object();
    bool good = json_array_size(texts) > 0;
    size_t i;
    mms_value *text;

    json_array_foreach(texts, i, text)
    {
        const char *const name = json_string_value(text);
        good = good && *name && !json_object_get(seen, name);
        json_object_set_new(seen, name, json_true());
    }
    mms_value_free(&seen);
    return good;
}

/** NAME, or STATION where they are no names, or numbers. */
static mms_status read_names(mms_uvh5_antennas *a, mms_table *table, mms_error *err)
{
    static const char *const columns[] = {"NAME", "STATION"};

    for (int k = 0; k < 2; k++) {
        const mms_status st = read_texts(a, table, columns[k], &a->names, err);
        if (st != MMS_OK || are_names(a->names))
            return st;
        mms_value_free(&a->names);
    }
    a->names = json_array();
    for (int64_t i = 0; i < a->n; i++)
        json_array_append_new(a->names, json_sprintf("ANT%" PRId64, a->number[i]));
    return MMS_OK;
}

static mms_status read_dishes(mms_uvh5 *u, mms_table *table, mms_error *err)
{
    mms_uvh5_antennas *const a = &u->antennas;
    mms_status st = MMS_OK;

    a->dish_m = mms_alloc(a->n, sizeof *a->dish_m);
    if (!a->dish_m)
        return mms_uvh5_no_memory(u, err);
    if (!mms_table_find_column(table, "DISH_DIAMETER"))
        return MMS_OK;
    for (int64_t i = 0; st == MMS_OK && i < a->n; i++) {
        st = mms_uvh5_cell_doubles(table, "DISH_DIAMETER", a->number[i], 1, &a->dish_m[i], err);
        a->has_dish = a->has_dish || a->dish_m[i] > 0;
    }
    return st;
}

static mms_status read_mounts(mms_uvh5_antennas *a, mms_table *table, mms_error *err)
{
    mms_value *texts, *text;
    size_t i;
    const mms_status st = read_texts(a, table, "MOUNT", &texts, err);

    a->mounts = json_array();
    json_array_foreach(texts, i, text)
    {
        char mount[32];
        mms_uvh5_mount(json_string_value(text), mount);
        a->has_mount = a->has_mount || *mount;
        json_array_append_new(a->mounts, mms_text_value(*mount ? mount : "other"));
    }
    mms_value_free(&texts);
    return st;
}

/** TELESCOPE_LOCATION is pyuvdata's column. */
static mms_status read_observation(mms_uvh5 *u, bool *placed, mms_error *err)
{
    mms_table *table = NULL;
    mms_status st;

    *placed = false;
    MMS_TRY(mms_uvh5_open_table(u, "OBSERVATION", &table, err));
    MMS_TRY(mms_uvh5_cell_text(table, "TELESCOPE_NAME", u->observation, &u->telescope, err));
    MMS_TRY(mms_uvh5_cell_text(table, "OBSERVER", u->observation, &u->observer, err));
    for (int64_t i = 0; i < u->meta.ncell; i++) {
        char *other;
        MMS_TRY(
            mms_uvh5_cell_text(table, "TELESCOPE_NAME", u->meta.cells[i].observation, &other, err));
        const bool same = !strcmp(other, u->telescope);
        if (!same)
            st = mms_fail(err, MMS_ERR_ARG,
                          "observations %d (\"%s\") and %d (\"%s\") are of different telescopes; "
                          "select with observation=",
                          u->observation, u->telescope, u->meta.cells[i].observation, other);
        free(other);
        MMS_TRY(st);
    }
    if (mms_table_find_column(table, "TELESCOPE_LOCATION")) {
        MMS_TRY(
            mms_uvh5_cell_doubles(table, "TELESCOPE_LOCATION", u->observation, 3, u->itrf_m, err));
        u->site_source = "TELESCOPE_LOCATION";
        *placed = true;
    }
done:
    mms_table_drop(&table);
    return st;
}

static double distance(const double *a, const double *b)
{
    return sqrt((a[0] - b[0]) * (a[0] - b[0]) + (a[1] - b[1]) * (a[1] - b[1]) +
                (a[2] - b[2]) * (a[2] - b[2]));
}

static void mean_place(mms_uvh5 *u)
{
    const mms_uvh5_antennas *const a = &u->antennas;

    u->site_source = "the mean of the antennas";
    for (int k = 0; k < 3; k++) {
        u->itrf_m[k] = 0;
        for (int64_t i = 0; i < a->n; i++)
            u->itrf_m[k] += a->position_m[3 * a->number[i] + k];
        u->itrf_m[k] /= (double)(a->n > 0 ? a->n : 1);
    }
}

/** casacore's observatory, where it is near the antennas.  Some tables call geodetic coordinates
 *  ITRF, with the height as radius; some know places at the Earth's centre. */
static bool observatory(mms_uvh5 *u)
{
    static const double radius_m = 6e6, near_m = 5e5, origin[3] = {0, 0, 0};
    mms_site site;

    if (mms_site_find(u->telescope, 0, NULL, &site, NULL) != MMS_OK)
        return false;
    const double r = distance(site.itrf_m, origin);
    if (r < radius_m && r > 1) {
        const double geodetic[3] = {atan2(site.itrf_m[1], site.itrf_m[0]), asin(site.itrf_m[2] / r),
                                    r};
        if (u->hdf5->from_geodetic(geodetic, site.itrf_m, NULL) != MMS_OK)
            return false;
    }
    for (int64_t i = 0; i < u->antennas.n; i++)
        if (distance(site.itrf_m, u->antennas.position_m + 3 * u->antennas.number[i]) < near_m) {
            memcpy(u->itrf_m, site.itrf_m, sizeof u->itrf_m);
            u->site_source = "casacore's observatories";
            return true;
        }
    return false;
}

/** Positions are relative to exactly the place that is written. */
static mms_status place(mms_uvh5 *u, bool placed, mms_error *err)
{
    mms_uvh5_antennas *const a = &u->antennas;
    mms_status st;

    if (!placed && !observatory(u))
        mean_place(u);
    if (!(distance(u->itrf_m, (const double[3]){0, 0, 0}) > 1))
        MMS_TRY(mms_fail(err, MMS_ERR_ARG,
                         "telescope \"%s\": neither its name nor an antenna gives a place on Earth",
                         u->telescope));
    MMS_UVH5_TELL(u, MMS_LOG_INFO, "%s: place of the telescope from %s",
                  *u->telescope ? u->telescope : "telescope", u->site_source);
    MMS_TRY(u->hdf5->to_geodetic(u->itrf_m, u->geodetic, err));
    MMS_TRY(u->hdf5->from_geodetic(u->geodetic, u->itrf_m, err));
    for (int64_t i = 0; i < a->n; i++)
        for (int k = 0; k < 3; k++)
            a->relative_m[3 * i + k] = a->position_m[3 * a->number[i] + k] - u->itrf_m[k];
done:
    return st;
}

mms_status mms_uvh5_find_antennas(mms_uvh5 *u, mms_error *err)
{
    mms_table *table = NULL;
    bool placed;
    mms_status st;

    MMS_TRY(read_observation(u, &placed, err));
    MMS_TRY(mms_uvh5_open_table(u, "ANTENNA", &table, err));
    MMS_TRY(read_positions(u, table, err));
    MMS_TRY(choose(u, err));
    MMS_TRY(read_names(&u->antennas, table, err));
    MMS_TRY(read_dishes(u, table, err));
    MMS_TRY(read_mounts(&u->antennas, table, err));
    MMS_TRY(place(u, placed, err));
done:
    mms_table_drop(&table);
    return st;
}
