/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file input.c  The header of a UVH5 file, of versions 0.1 to 1.2, checked before it is used. */
#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "import_priv.h"

static mms_status read_count(const mms_uvh5_in *in, const char *name, int64_t *out, mms_error *err)
{
    double value;
    const mms_status st = mms_uvh5_in_number(in, name, &value, err);

    if (st != MMS_OK)
        return st;
    if (!(value >= 1 && value <= INT32_MAX && value == floor(value)))
        return mms_fail(err, MMS_ERR_TABLE, "%s: %s is %g, not a number of things", in->path, name,
                        value);
    *out = (int64_t)value;
    return MMS_OK;
}

static mms_status read_counts(mms_uvh5_in *in, mms_error *err)
{
    mms_status st;

    if (!in->hdf5->is_group(in->file, "Header"))
        MMS_TRY(mms_fail(err, MMS_ERR_TABLE, "%s has no group /Header: not a UVH5 file", in->path));
    if (!in->hdf5->is_group(in->file, "Data"))
        MMS_TRY(mms_fail(err, MMS_ERR_TABLE, "%s has no group /Data: not a UVH5 file", in->path));
    MMS_TRY(read_count(in, "Header/Nblts", &in->nblt, err));
    MMS_TRY(read_count(in, "Header/Nfreqs", &in->nfreq, err));
    MMS_TRY(read_count(in, "Header/Npols", &in->npol, err));
    MMS_TRY(read_count(in, "Header/Nspws", &in->nspw, err));
    MMS_TRY(read_count(in, "Header/Nants_telescope", &in->nant, err));
    if (in->npol > MMS_UVH5_MAX_POL)
        MMS_TRY(mms_fail(err, MMS_ERR_TABLE, "%s: Npols is %" PRId64, in->path, in->npol));
done:
    return st;
}

static mms_status check_cube(mms_uvh5_in *in, const char *name, mms_h5_item *item, mms_error *err)
{
    mms_status st;
    char shape[128] = "";

    MMS_TRY(in->hdf5->look(in->file, name, item, err));
    const bool old = item->ndim == 4 && item->shape[1] == 1;
    const int64_t *const rest = item->shape + (old ? 2 : 1);
    if ((item->ndim == 3 || old) && item->shape[0] == in->nblt && rest[0] == in->nfreq &&
        rest[1] == in->npol) {
        in->old_shape = old;
        return MMS_OK;
    }
    for (int i = 0; i < item->ndim; i++)
        snprintf(shape + strlen(shape), sizeof shape - strlen(shape), "%s%" PRId64, i ? " x " : "",
                 item->shape[i]);
    MMS_TRY(mms_fail(err, MMS_ERR_TABLE,
                     "%s: %s is %s; Nblts x Nfreqs x Npols is %" PRId64 " x %" PRId64 " x %" PRId64,
                     in->path, name, *shape ? shape : "a scalar", in->nblt, in->nfreq, in->npol));
done:
    return st;
}

static mms_status check_cubes(mms_uvh5_in *in, mms_error *err)
{
    static const char *const names[] = {"Data/visdata", "Data/flags", "Data/nsamples"};
    mms_h5_item items[3];
    bool old[3];
    mms_status st;

    for (int i = 0; i < 3; i++) {
        MMS_TRY(check_cube(in, names[i], &items[i], err));
        old[i] = in->old_shape;
    }
    if (old[0] != old[1] || old[0] != old[2])
        MMS_TRY(mms_fail(err, MMS_ERR_TABLE, "%s: the datasets in Data differ in axes", in->path));
    if (items[0].type != MMS_H5_COMPLEX)
        MMS_TRY(mms_fail(err, MMS_ERR_TABLE, "%s: Data/visdata is not a compound of r and i",
                         in->path));
    if (items[1].type != MMS_H5_BOOL && items[1].type != MMS_H5_INT64)
        MMS_TRY(mms_fail(err, MMS_ERR_TABLE, "%s: Data/flags is not of truth values", in->path));
    if (items[2].type != MMS_H5_DOUBLE && items[2].type != MMS_H5_INT64)
        MMS_TRY(mms_fail(err, MMS_ERR_TABLE, "%s: Data/nsamples is not of numbers", in->path));
    in->flag_bytes = items[1].width;
    in->wide = items[0].width == 16;
done:
    return st;
}

/** Polarizations in CASA's order. */
static mms_status read_pols(mms_uvh5_in *in, mms_error *err)
{
    int64_t *codes = NULL;
    mms_status st;

    if (in->hdf5->has(in->file, "Header/flex_spw_polarization_array"))
        return MMS_OK; // one a window: read_flexible_pols
    MMS_TRY(
        mms_uvh5_in_numbers(in, "Header/polarization_array", MMS_H5_INT64, in->npol, &codes, err));
    in->nsetup = 1;
    for (int64_t p = 0; p < in->npol; p++) {
        const int32_t type = mms_uvh5_corr_type(codes[p]);
        int64_t at = p;
        if (!type)
            MMS_TRY(mms_fail(err, MMS_ERR_TABLE,
                             "%s: polarization_array holds %" PRId64 "; codes are 1..4 and -1..-8",
                             in->path, codes[p]));
        for (; at > 0 && in->corr[at - 1] > type; at--) {
            in->corr[at] = in->corr[at - 1];
            in->from[at] = in->from[at - 1];
        }
        in->corr[at] = type;
        in->from[at] = (int32_t)p;
    }
done:
    free(codes);
    return st;
}

/** One polarization a window. */
static mms_status read_flexible_pols(mms_uvh5_in *in, mms_error *err)
{
    int64_t *codes = NULL;
    mms_status st = MMS_OK;

    if (in->nsetup)
        return MMS_OK;
    MMS_TRY(mms_uvh5_in_numbers(in, "Header/flex_spw_polarization_array", MMS_H5_INT64, in->nspw,
                                &codes, err));
    if (in->npol != 1)
        MMS_TRY(mms_fail(err, MMS_ERR_TABLE,
                         "%s: Npols is %" PRId64 " beside flex_spw_polarization_array", in->path,
                         in->npol));
    for (int64_t w = 0; w < in->nspw; w++) {
        const int32_t type = mms_uvh5_corr_type(codes[w]);
        int32_t s = 0;
        while (s < in->nsetup && in->setups[s] != type)
            s++;
        if (!type)
            MMS_TRY(mms_fail(err, MMS_ERR_TABLE,
                             "%s: flex_spw_polarization_array holds %" PRId64
                             "; codes are 1..4 and -1..-8",
                             in->path, codes[w]));
        assert(s < MMS_COUNT_OF(in->setups)); // there are 12 types
        if (s == in->nsetup)
            in->setups[in->nsetup++] = type;
        in->spans[w].setup = s;
    }
done:
    free(codes);
    return st;
}

static mms_status place_channels(mms_uvh5_in *in, const int64_t *ids, const int64_t *of_channel,
                                 mms_error *err)
{
    int64_t window = -1;

    for (int64_t c = 0; c < in->nfreq; c++) {
        if (window >= 0 && in->spans[window].id == of_channel[c]) {
            in->spans[window].count++;
            continue;
        }
        for (window = 0; window < in->nspw && ids[window] != of_channel[c];)
            window++;
        if (window == in->nspw)
            return mms_fail(err, MMS_ERR_TABLE,
                            "%s: channel %" PRId64 ": spectral window %" PRId64
                            " is not in spw_array",
                            in->path, c, of_channel[c]);
        if (in->spans[window].count)
            return mms_fail(err, MMS_ERR_UNSUPPORTED,
                            "%s: the channels of spectral window %" PRId64 " are not together",
                            in->path, of_channel[c]);
        in->spans[window].first = c;
        in->spans[window].count = 1;
    }
    for (int64_t w = 0; w < in->nspw; w++)
        if (in->spans[w].count == 0)
            return mms_fail(err, MMS_ERR_TABLE, "%s: spectral window %" PRId64 " has no channels",
                            in->path, ids[w]);
    return MMS_OK;
}

static mms_status read_windows(mms_uvh5_in *in, mms_error *err)
{
    int64_t *ids = NULL, *of_channel = NULL;
    mms_status st;

    MMS_TRY(mms_uvh5_in_finite(in, "Header/freq_array", in->nfreq, &in->freq_hz, err));
    MMS_TRY(mms_uvh5_in_finite(in, "Header/channel_width", in->nfreq, &in->width_hz, err));
    MMS_TRY(mms_uvh5_in_numbers(in, "Header/spw_array", MMS_H5_INT64, in->nspw, &ids, err));
    in->spans = in->nspw <= in->nfreq ? mms_alloc(in->nspw, sizeof *in->spans) : NULL;
    if (!in->spans)
        MMS_TRY(mms_fail(err, MMS_ERR_TABLE, "%s: Nspws is %" PRId64 ", Nfreqs %" PRId64, in->path,
                         in->nspw, in->nfreq));
    memset(in->spans, 0, (size_t)in->nspw * sizeof *in->spans);
    for (int64_t w = 0; w < in->nspw; w++)
        in->spans[w].id = ids[w];
    if (in->hdf5->has(in->file, "Header/flex_spw_id_array")) {
        MMS_TRY(mms_uvh5_in_numbers(in, "Header/flex_spw_id_array", MMS_H5_INT64, in->nfreq,
                                    &of_channel, err));
        MMS_TRY(place_channels(in, ids, of_channel, err));
    } else if (in->nspw == 1) {
        in->spans[0].count = in->nfreq;
    } else {
        MMS_TRY(mms_fail(err, MMS_ERR_TABLE, "%s: %" PRId64 " windows without flex_spw_id_array",
                         in->path, in->nspw));
    }
    MMS_TRY(read_flexible_pols(in, err));
done:
    free(ids);
    free(of_channel);
    return st;
}

static mms_status read_place(mms_uvh5_in *in, mms_error *err)
{
    static const char *const names[] = {"Header/longitude", "Header/latitude", "Header/altitude"};
    double *value = NULL;
    mms_value *frame = NULL;
    mms_status st;

    MMS_TRY(mms_uvh5_in_text(in, "Header/telescope_frame", &frame, err));
    if (frame && strcmp(json_string_value(frame), "itrs"))
        MMS_TRY(mms_fail(err, MMS_ERR_UNSUPPORTED, "%s: telescope_frame is %s%s; only itrs is read",
                         in->path, json_string_value(frame),
                         strcmp(json_string_value(frame), "mcmf") ? "" : " (the Moon)"));
    for (int i = 0; i < 3; i++) {
        free(value);
        MMS_TRY(mms_uvh5_in_finite(in, names[i], 1, &value, err));
        in->geodetic[i] = *value;
    }
    for (int i = 0; i < 2; i++)
        in->geodetic[i] = in->geodetic[i] * acos(-1.0) / 180;
    MMS_TRY(in->hdf5->from_geodetic(in->geodetic, in->itrf_m, err));
    MMS_TRY(mms_uvh5_in_text(in, "Header/telescope_name", &in->telescope, err));
    MMS_TRY(mms_uvh5_in_text(in, "Header/history", &in->history, err));
    MMS_TRY(mms_uvh5_in_text(in, "Header/vis_units", &in->unit, err));
    MMS_TRY(mms_uvh5_in_text(in, "Header/extra_keywords/observer", &in->observer, err));
done:
    free(value);
    mms_value_free(&frame);
    return st;
}

static mms_status read_names(const mms_uvh5_in *in, const char *name, mms_value **out,
                             mms_error *err)
{
    mms_status st;

    MMS_TRY(in->hdf5->texts(in->file, name, out, err));
    if ((int64_t)json_array_size(*out) != in->nant)
        MMS_TRY(mms_fail(err, MMS_ERR_TABLE, "%s: %s has %zu texts; there are %" PRId64 " antennas",
                         in->path, name, json_array_size(*out), in->nant));
done:
    return st;
}

static mms_status read_antennas(mms_uvh5_in *in, mms_error *err)
{
    enum { MOST_NUMBER = 1 << 20 };
    mms_status st;

    MMS_TRY(mms_uvh5_in_numbers(in, "Header/antenna_numbers", MMS_H5_INT64, in->nant, &in->number,
                                err));
    MMS_TRY(mms_uvh5_in_finite(in, "Header/antenna_positions", 3 * in->nant, &in->position_m, err));
    if (!in->hdf5->has(in->file, "Header/antenna_names"))
        MMS_TRY(mms_fail(err, MMS_ERR_TABLE,
                         "%s has no dataset Header/antenna_names: not a UVH5 file", in->path));
    MMS_TRY(read_names(in, "Header/antenna_names", &in->names, err));
    if (in->hdf5->has(in->file, "Header/antenna_diameters"))
        MMS_TRY(mms_uvh5_in_numbers(in, "Header/antenna_diameters", MMS_H5_DOUBLE, in->nant,
                                    &in->dish_m, err));
    if (in->hdf5->has(in->file, "Header/mount_type"))
        MMS_TRY(read_names(in, "Header/mount_type", &in->mounts, err));
    for (int64_t i = 0; i < in->nant; i++) {
        if (in->number[i] < 0 || in->number[i] > MOST_NUMBER)
            MMS_TRY(mms_fail(err, MMS_ERR_UNSUPPORTED,
                             "%s: antenna number %" PRId64 " is no row of ANTENNA", in->path,
                             in->number[i]));
        in->nrow_ant = in->number[i] >= in->nrow_ant ? in->number[i] + 1 : in->nrow_ant;
        for (int k = 0; k < 3; k++)
            in->position_m[3 * i + k] += in->itrf_m[k];
    }
done:
    return st;
}

/** feed_array and feed_angle, when both are what they should be. */
static mms_status read_feeds(mms_uvh5_in *in, mms_error *err)
{
    mms_h5_item item;
    mms_status st;

    if (!in->hdf5->has(in->file, "Header/feed_array"))
        return MMS_OK;
    MMS_TRY(in->hdf5->look(in->file, "Header/feed_array", &item, err));
    if (item.type != MMS_H5_TEXT || item.ndim != 2 || item.shape[0] != in->nant ||
        item.shape[1] < 1 || item.shape[1] > 2)
        return MMS_OK;
    in->nfeed = item.shape[1];
    MMS_TRY(in->hdf5->texts(in->file, "Header/feed_array", &in->feeds, err));
    for (int64_t i = 0; i < in->nant * in->nfeed; i++)
        if (!*json_string_value(json_array_get(in->feeds, (size_t)i)))
            MMS_TRY(mms_fail(err, MMS_ERR_TABLE, "%s: feed_array has an empty name", in->path));
    if (in->hdf5->has(in->file, "Header/feed_angle"))
        MMS_TRY(mms_uvh5_in_numbers(in, "Header/feed_angle", MMS_H5_DOUBLE, in->nant * in->nfeed,
                                    &in->feed_angle, err));
done:
    return st;
}

/** A value of extra_keywords; *value is NULL for what an MS can't hold. */
static mms_status read_extra(const mms_uvh5_in *in, const char *name, mms_value **value,
                             mms_error *err)
{
    mms_h5_item item;
    int64_t *whole = NULL;
    double number;
    uint8_t truth;
    mms_status st;

    *value = NULL;
    MMS_TRY(in->hdf5->look(in->file, name, &item, err));
    if (item.ndim > 0)
        return MMS_OK;
    if (item.type == MMS_H5_TEXT) {
        MMS_TRY(mms_uvh5_in_text(in, name, value, err));
    } else if (item.type == MMS_H5_DOUBLE) {
        MMS_TRY(mms_uvh5_in_number(in, name, &number, err));
        *value = mms_double_value(number);
    } else if (item.type == MMS_H5_INT64) {
        MMS_TRY(mms_uvh5_in_numbers(in, name, MMS_H5_INT64, 1, &whole, err));
        *value = json_integer((json_int_t)*whole);
    } else if (item.type == MMS_H5_BOOL && item.width == 1) {
        MMS_TRY(in->hdf5->read(in->file, name, MMS_H5_BOOL, 0, 1, 0, 0, 0, &truth, err));
        *value = json_boolean(truth);
    }
done:
    free(whole);
    return st;
}

static mms_status read_extras(mms_uvh5_in *in, mms_error *err)
{
    enum { MOST_NAME = 400 };
    mms_value *names = NULL, *name;
    size_t i;
    mms_status st = MMS_OK;

    in->extra = json_object();
    if (!in->hdf5->is_group(in->file, "Header/extra_keywords"))
        return MMS_OK;
    MMS_TRY(in->hdf5->names(in->file, "Header/extra_keywords", &names, err));
    json_array_foreach(names, i, name)
    {
        const char *const key = json_string_value(name);
        mms_value *value = NULL;
        char path[512];
        snprintf(path, sizeof path, "Header/extra_keywords/%.*s", MOST_NAME, key);
        if (json_string_length(name) <= MOST_NAME && !in->hdf5->is_group(in->file, path))
            MMS_TRY(read_extra(in, path, &value, err));
        if (value)
            json_object_set_new(in->extra, key, value);
        else
            json_array_append_new(in->lost, json_sprintf("extra_keywords/%s", key));
    }
done:
    mms_value_free(&names);
    return st;
}

mms_status mms_uvh5_in_open_header(const char *path, mms_uvh5_in *in, mms_error *err)
{
    mms_status st;

    *in = (mms_uvh5_in){.path = path, .lost = json_array()};
    MMS_TRY(in->lost ? MMS_OK : mms_uvh5_in_memory(in, err));
    MMS_TRY(mms_hdf5_load(&in->hdf5, err));
    MMS_TRY(in->hdf5->open(path, &in->file, err));
    MMS_TRY(read_counts(in, err));
    MMS_TRY(check_cubes(in, err));
    MMS_TRY(read_pols(in, err));
    MMS_TRY(read_windows(in, err));
    MMS_TRY(read_place(in, err));
    MMS_TRY(read_antennas(in, err));
    MMS_TRY(read_feeds(in, err));
    MMS_TRY(read_extras(in, err));
    MMS_TRY(mms_uvh5_in_text(in, "Header/pol_convention", &in->convention, err));
    MMS_TRY(mms_uvh5_read_catalogue(in, err));
    MMS_TRY(mms_uvh5_find_lost(in, err));
done:
    return st;
}

mms_status mms_uvh5_in_open(const char *path, mms_uvh5_in *in, mms_error *err)
{
    const mms_status st = mms_uvh5_in_open_header(path, in, err);

    return st == MMS_OK ? mms_uvh5_read_rows(in, err) : st;
}

void mms_uvh5_in_end(mms_uvh5_in *in)
{
    mms_error ignored;

    if (in->file)
        (void)!in->hdf5->close(&in->file, &ignored);
    for (int64_t i = 0; in->fields && i < in->nfield; i++) {
        free(in->fields[i].name);
        free(in->fields[i].type);
        free(in->fields[i].frame);
        free(in->fields[i].times_jd);
        free(in->fields[i].lons);
        free(in->fields[i].lats);
    }
    mms_uvh5_in_end_rows(in);
    void *const arrays[] = {in->freq_hz, in->width_hz, in->spans,      in->number, in->position_m,
                            in->dish_m,  in->fields,   in->feed_angle, in->turned};
    for (int64_t i = 0; i < MMS_COUNT_OF(arrays); i++)
        free(arrays[i]);
    mms_value **const texts[] = {&in->names, &in->mounts,   &in->telescope, &in->history,
                                 &in->unit,  &in->observer, &in->extra,     &in->convention,
                                 &in->feeds, &in->lost};
    for (int64_t i = 0; i < MMS_COUNT_OF(texts); i++)
        mms_value_free(texts[i]);
}
