/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file frames.c  Frequencies of the rows of an MS in another frame: viewpoints for
 *  lib/tables/measures (transform-numerics 6.2). */
#include "frames_priv.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/base_priv.h"
#include "ms_priv.h"

struct mms_frames {
    mms_ms *ms;
    mms_frames_opts opts;
    mms_viewpoint reference;
    mms_fields *fields;
    double *rest_m_s; /**< REST: of each field's source; NAN where it has none */
};

static mms_status read_antennas(mms_ms *ms, int64_t *n, double **positions, mms_error *err)
{
    const char *path = mms_ms_subtable(ms, "ANTENNA");
    mms_table *table = NULL;
    mms_value *cell = NULL;
    mms_status st;

    *n = 0;
    *positions = NULL;
    if (!path)
        return MMS_OK;
    MMS_TRY(mms_table_open(path, MMS_TABLE_READ, &table, err));
    const int64_t nrow = mms_table_nrow(table);
    *positions = mms_alloc(3 * nrow, sizeof **positions);
    MMS_TRY(*positions ? MMS_OK : mms_fail(err, MMS_ERR_MEM, "ANTENNA: out of memory"));
    for (; *n < nrow; ++*n) {
        MMS_TRY(mms_table_get_cell(table, "POSITION", *n, &cell, err));
        for (size_t i = 0; i < 3; i++)
            (*positions)[3 * *n + (int64_t)i] = json_number_value(json_array_get(cell, i));
        mms_value_free(&cell);
    }
done:
    mms_table_drop(&table);
    return st;
}

mms_status mms_frames_site(mms_ms *ms, mms_site *out, mms_error *err)
{
    char *telescope = NULL;
    double *antennas = NULL;
    int64_t n;
    mms_status st;

    MMS_TRY(mms_ms_telescope(ms, &telescope, err));
    MMS_TRY(read_antennas(ms, &n, &antennas, err));
    MMS_TRY(mms_site_find(telescope, n, antennas, out, err));
    if (out->from_antennas)
        mms_log(MMS_LOG_WARN, "frames",
                "telescope %s is not among casacore's observatories: frequencies are seen from the "
                "mean position of its antennas",
                telescope);
done:
    free(telescope);
    free(antennas);
    return st;
}

/** The source of a field, -1 where it has none. */
static mms_status source_of(mms_ms *ms, int32_t field, int64_t *source, mms_error *err)
{
    mms_table *table = NULL;
    mms_value *cell = NULL;
    mms_status st;

    *source = -1;
    MMS_TRY(mms_table_open(mms_ms_subtable(ms, "FIELD"), MMS_TABLE_READ, &table, err));
    MMS_TRY(mms_table_get_cell(table, "SOURCE_ID", field, &cell, err));
    *source = json_integer_value(cell);
done:
    mms_value_free(&cell);
    mms_table_drop(&table);
    return st;
}

/** Take the velocity of a row of SOURCE if it is one of the source. */
static mms_status take_velocity(mms_table *table, int64_t row, int64_t source, double *velocity,
                                mms_error *err)
{
    mms_value *id = NULL, *cell = NULL;
    mms_status st;

    MMS_TRY(mms_table_get_cell(table, "SOURCE_ID", row, &id, err));
    if (json_integer_value(id) != source)
        goto done;
    MMS_TRY(mms_table_get_cell(table, "SYSVEL", row, &cell, err));
    const mms_value *first = json_array_get(cell, 0);
    const double here = json_is_number(first) ? json_number_value(first) : NAN;
    if (!isnan(*velocity) && !isnan(here) && here != *velocity)
        MMS_TRY(
            mms_fail(err, MMS_ERR_ARG,
                     "SOURCE gives source %lld several velocities (SYSVEL): %.12g and %.12g m/s",
                     (long long)source, *velocity, here));
    *velocity = isnan(here) ? *velocity : here;
done:
    mms_value_free(&id);
    mms_value_free(&cell);
    return st;
}

static mms_status velocity_reference(mms_table *table, char **out, mms_error *err)
{
    mms_value *keywords = NULL;
    const mms_status st = mms_table_keywords(table, "SYSVEL", &keywords, err);
    const char *ref =
        json_string_value(json_object_get(json_object_get(keywords, "MEASINFO"), "Ref"));

    *out = st == MMS_OK ? mms_format("%s", ref ? ref : "LSRK") : NULL;
    mms_value_free(&keywords);
    return st == MMS_OK && !*out ? mms_fail(err, MMS_ERR_MEM, "SOURCE: out of memory") : st;
}

mms_status mms_frames_sysvel(mms_ms *ms, mms_fields *fields, int32_t field, double time_s,
                             double *velocity_m_s, mms_error *err)
{
    const char *path = mms_ms_subtable(ms, "SOURCE");
    mms_table *table = NULL;
    mms_direction towards;
    double velocity = NAN;
    char *reference = NULL;
    int64_t source;
    mms_status st;

    MMS_TRY(mms_fields_direction(fields, field, time_s, &towards, err));
    MMS_TRY(source_of(ms, field, &source, err));
    if (path)
        MMS_TRY(mms_table_open(path, MMS_TABLE_READ, &table, err));
    const bool given = table && mms_table_find_column(table, "SYSVEL");
    for (int64_t i = 0; given && i < mms_table_nrow(table); i++)
        MMS_TRY(take_velocity(table, i, source, &velocity, err));
    if (isnan(velocity))
        MMS_TRY(mms_fail(err, MMS_ERR_NOT_FOUND,
                         "field %d has neither an ephemeris nor a velocity in SOURCE (SYSVEL)",
                         (int)field));
    MMS_TRY(velocity_reference(table, &reference, err));
    MMS_TRY(mms_velocity_lsrk(reference, velocity, &towards, velocity_m_s, err));
done:
    free(reference);
    mms_table_drop(&table);
    return st;
}

/** The velocities of all fields once, since rows come in many blocks. */
static mms_status find_velocities(mms_frames *f, mms_error *err)
{
    const int64_t n = mms_fields_count(f->fields);

    f->rest_m_s = mms_alloc(n, sizeof *f->rest_m_s);
    if (!f->rest_m_s)
        return mms_fail(err, MMS_ERR_MEM, "frames: out of memory");
    for (int32_t i = 0; i < n; i++)
        if (mms_frames_sysvel(f->ms, f->fields, i, f->opts.reference_s, &f->rest_m_s[i], NULL) !=
            MMS_OK)
            f->rest_m_s[i] = NAN; // told where a row is of that field
    f->reference.velocity_m_s = f->opts.velocity_m_s;
    return MMS_OK;
}

mms_status mms_frames_create(mms_ms *ms, const mms_frames_opts *opts, mms_frames **out,
                             mms_error *err)
{
    const char *path = mms_ms_subtable(ms, "FIELD");
    mms_frames *f = *out = mms_alloc(1, sizeof *f);
    mms_status st;

    MMS_TRY(f ? MMS_OK : mms_fail(err, MMS_ERR_MEM, "frames: out of memory"));
    MMS_TRY(path ? MMS_OK : mms_fail(err, MMS_ERR_NOT_FOUND, "%s: no FIELD", mms_ms_path(ms)));
    f->ms = ms;
    f->opts = *opts;
    f->reference = (mms_viewpoint){opts->reference_s, opts->centre, {0}, NAN};
    memcpy(f->reference.itrf_m, opts->itrf_m, sizeof opts->itrf_m);
    MMS_TRY(mms_fields_open(path, &f->fields, err));
    if (opts->outframe == MMS_FRAME_REST)
        MMS_TRY(find_velocities(f, err));
done:
    if (st != MMS_OK)
        mms_frames_free(out);
    return st;
}

void mms_frames_free(mms_frames **frames)
{
    mms_frames *f = *frames;

    *frames = NULL;
    if (!f)
        return;
    mms_fields_close(&f->fields);
    free(f->rest_m_s);
    free(f);
}

static mms_status make_route(const mms_frames *f, int32_t inframe, const mms_viewpoint *in,
                             const mms_viewpoint *out, mms_frame_route *route, mms_error *err)
{
    return mms_frame_route_make((mms_freq_frame)inframe, in, (mms_freq_frame)f->opts.outframe, out,
                                f->opts.numerics == MMS_NUMERICS_EXACT, route, err);
}

const mms_frames_opts *mms_frames_asked(const mms_frames *f)
{
    return &f->opts;
}

mms_status mms_frames_reference(mms_frames *f, int32_t inframe, mms_frame_route *route,
                                mms_error *err)
{
    return make_route(f, inframe, &f->reference, &f->reference, route, err);
}

mms_status mms_frames_row(mms_frames *f, int32_t inframe, double time_s, int32_t field,
                          mms_frame_route *route, double *velocity_m_s, mms_error *err)
{
    mms_viewpoint in = f->reference, out = f->reference;
    mms_status st;

    *velocity_m_s = 0;
    in.time_s = time_s;
    MMS_TRY(mms_fields_direction(f->fields, field, time_s, &in.direction, err));
    if (f->opts.outframe == MMS_FRAME_SOURCE)
        MMS_TRY(mms_fields_velocity(f->fields, field, time_s, velocity_m_s, err));
    if (f->rest_m_s) { // the direction was found, so there is such a field
        out.velocity_m_s = f->rest_m_s[field];
        if (isnan(out.velocity_m_s))
            MMS_TRY(mms_frames_sysvel(f->ms, f->fields, field, time_s, &out.velocity_m_s, err));
    }
    MMS_TRY(make_route(f, inframe, &in, &out, route, err));
done:
    return st;
}

mms_value *mms_frames_encode(const mms_frames_opts *o)
{
    const bool known = o->outframe == MMS_FRAME_SOURCE || o->outframe == MMS_FRAME_REST;

    return json_pack("{si si sf sf sf s[fff] sf si}", "outframe", (int)o->outframe, "reference",
                     (int)o->centre.reference, "lon", o->centre.lon_rad, "lat", o->centre.lat_rad,
                     "time", o->reference_s, "itrf", o->itrf_m[0], o->itrf_m[1], o->itrf_m[2],
                     "velocity", known ? o->velocity_m_s : 0.0, "numerics", (int)o->numerics);
}

mms_status mms_frames_decode(const mms_value *value, mms_frames_opts *o, mms_error *err)
{
    int outframe, reference, numerics;
    json_error_t error;

    *o = (mms_frames_opts){0};
    if (json_unpack_ex((mms_value *)value, &error, 0, "{si si sF sF sF s[FFF] sF si}", "outframe",
                       &outframe, "reference", &reference, "lon", &o->centre.lon_rad, "lat",
                       &o->centre.lat_rad, "time", &o->reference_s, "itrf", &o->itrf_m[0],
                       &o->itrf_m[1], &o->itrf_m[2], "velocity", &o->velocity_m_s, "numerics",
                       &numerics) != 0)
        return mms_fail(err, MMS_ERR_INTERNAL, "frames: %s", error.text);
    o->outframe = outframe;
    o->centre.reference = reference;
    o->numerics = (mms_numerics)numerics;
    return MMS_OK;
}
