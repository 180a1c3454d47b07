/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file catalogue.c  Phase centres of a UVH5 file: groups, JSON texts, or one in the header. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "import_priv.h"

/** An entry as it is read, whatever the form. */
typedef struct entry {
    int64_t id;
    mms_value *name, *type, *frame;
    double epoch;
    int64_t ntime;
    double *times, *lons, *lats;
} entry;

static const char *frame_of(const entry *e)
{
    return e->frame ? json_string_value(e->frame) : "icrs";
}

/** Where an ephemeris has the source in the middle of the rows. */
static mms_status interpolate(const mms_uvh5_in *in, mms_uvh5_source *s, mms_error *err)
{
    double begin, end;
    mms_status st;

    MMS_TRY(mms_uvh5_in_time(in, 0, &begin, err));
    MMS_TRY(mms_uvh5_in_time(in, in->nblt - 1, &end, err));
    if (s->ntime > 1)
        mms_uvh5_interpolate(s->ntime, s->times_jd, s->lons, s->lats, (begin + end) / 2, &s->lon,
                             &s->lat);
done:
    return st;
}

/** Add an entry; its arrays go over. */
static mms_status add(mms_uvh5_in *in, entry *e, mms_error *err)
{
    mms_uvh5_source *const s = &in->fields[in->nfield++];
    const char *const type = e->type ? json_string_value(e->type) : "unprojected";

    *s = (mms_uvh5_source){.id = e->id,
                           .reference = mms_uvh5_reference(frame_of(e), e->epoch),
                           .epoch = e->epoch,
                           .lon = e->lons ? e->lons[0] : 0,
                           .lat = e->lats ? e->lats[0] : 0};
    s->name = strdup(e->name ? json_string_value(e->name) : "");
    s->type = strdup(type);
    s->frame = strdup(frame_of(e));
    if (!s->name || !s->type || !s->frame)
        return mms_uvh5_in_memory(in, err);
    if (!strcmp(type, "ephem") && e->times && e->lons && e->lats) {
        s->ntime = e->ntime;
        s->times_jd = e->times;
        s->lons = e->lons;
        s->lats = e->lats;
        e->times = e->lons = e->lats = NULL;
        return interpolate(in, s, err);
    }
    return MMS_OK;
}

mms_status mms_uvh5_check_catalogue(const mms_uvh5_in *in, bool zenith, mms_error *err)
{
    for (int64_t f = 0; f < in->nfield; f++) {
        const mms_uvh5_source *const s = &in->fields[f];
        const bool unprojected = !strcmp(s->type, "unprojected");
        if (unprojected && !zenith)
            return mms_fail(err, MMS_ERR_UNSUPPORTED,
                            "%s: phase centre %" PRId64 " (\"%s\") is unprojected, which a "
                            "MeasurementSet cannot hold; unprojected=zenith phases it to the "
                            "zenith at the first time",
                            in->path, s->id, s->name);
        if (!unprojected && strcmp(s->type, "sidereal") && strcmp(s->type, "ephem"))
            return mms_fail(err, MMS_ERR_UNSUPPORTED,
                            "%s: phase centre %" PRId64 " (\"%s\") is a %s, which a "
                            "MeasurementSet cannot hold",
                            in->path, s->id, s->name, s->type);
        if (!unprojected && !s->reference)
            return mms_fail(err, MMS_ERR_UNSUPPORTED,
                            "%s: phase centre %" PRId64 ": frame %s (epoch %g) has no "
                            "MeasurementSet counterpart",
                            in->path, s->id, s->frame, s->epoch);
    }
    return MMS_OK;
}

/** What moves or has a distance has no place in FIELD. */
static const char *const moving[] = {"cat_pm_ra", "cat_pm_dec", "cat_vrad", "cat_dist"};

static void lose(const mms_uvh5_in *in, const char *what, int64_t id)
{
    json_array_append_new(in->lost, json_sprintf("%s of phase centre %" PRId64, what, id));
}

static void end_entry(entry *e)
{
    mms_value_free(&e->name);
    mms_value_free(&e->type);
    mms_value_free(&e->frame);
    free(e->times);
    free(e->lons);
    free(e->lats);
}

/** 0 where it is null. */
static mms_status read_moving(const mms_uvh5_in *in, const char *name, double *value,
                              mms_error *err)
{
    mms_h5_item item;
    const mms_status st = in->hdf5->look(in->file, name, &item, err);

    if (st != MMS_OK || item.type == MMS_H5_NONE)
        return st;
    if (item.ndim > 0 || (item.type != MMS_H5_DOUBLE && item.type != MMS_H5_INT64)) {
        *value = 1; // whatever it is
        return MMS_OK;
    }
    return mms_uvh5_in_number(in, name, value, err);
}

/** Take a direction that is a number, or as many as there are times. */
static mms_status read_group(mms_uvh5_in *in, const char *key, mms_error *err)
{
    entry e = {.id = strtoll(key, NULL, 10), .epoch = 2000, .ntime = 1};
    char name[600];
    mms_h5_item item;
    mms_status st;

#define ITEM(what) \
    (snprintf(name, sizeof name, "Header/phase_center_catalog/%s/%s", key, what), name)
    MMS_TRY(mms_uvh5_in_text(in, ITEM("cat_name"), &e.name, err));
    MMS_TRY(mms_uvh5_in_text(in, ITEM("cat_type"), &e.type, err));
    MMS_TRY(mms_uvh5_in_text(in, ITEM("cat_frame"), &e.frame, err));
    if (!e.type)
        MMS_TRY(mms_fail(err, MMS_ERR_TABLE, "%s: phase centre %s has no cat_type", in->path, key));
    const char *const type = json_string_value(e.type);
    const bool has_direction = !strcmp(type, "sidereal") || !strcmp(type, "ephem");
    if (in->hdf5->has(in->file, ITEM("cat_epoch"))) {
        MMS_TRY(in->hdf5->look(in->file, name, &item, err));
        if (item.type != MMS_H5_NONE)
            MMS_TRY(mms_uvh5_in_number(in, name, &e.epoch, err));
    }
    if (!strcmp(type, "ephem")) {
        MMS_TRY(in->hdf5->look(in->file, ITEM("cat_times"), &item, err));
        e.ntime = item.ndim == 1 && item.shape[0] > 0 ? item.shape[0] : 1;
        MMS_TRY(mms_uvh5_in_numbers(in, name, MMS_H5_DOUBLE, e.ntime, &e.times, err));
    }
    if (has_direction) {
        MMS_TRY(mms_uvh5_in_finite(in, ITEM("cat_lon"), e.ntime, &e.lons, err));
        MMS_TRY(mms_uvh5_in_finite(in, ITEM("cat_lat"), e.ntime, &e.lats, err));
    }
    for (int64_t i = 0; i < MMS_COUNT_OF(moving); i++) {
        double value = 0;
        if (in->hdf5->has(in->file, ITEM(moving[i])))
            MMS_TRY(read_moving(in, name, &value, err));
        if (value != 0)
            lose(in, moving[i], e.id);
    }
#undef ITEM
    MMS_TRY(add(in, &e, err));
done:
    end_entry(&e);
    return st;
}

/** n numbers of an entry, of which a single one needs no list; NULL: there are none. */
static double *numbers_of(const mms_value *object, const char *key, int64_t n)
{
    const mms_value *const value = json_object_get(object, key);
    double *const list = mms_alloc(n, sizeof *list);
    bool good = list && (json_is_array(value) ? (int64_t)json_array_size(value) == n
                                              : json_is_number(value) && n == 1);

    for (int64_t i = 0; good && i < n; i++) {
        const mms_value *const one =
            json_is_array(value) ? json_array_get(value, (size_t)i) : value;
        list[i] = json_number_value(one);
        good = json_is_number(one);
    }
    if (good)
        return list;
    free(list);
    return NULL;
}

static mms_status take_json(mms_uvh5_in *in, const mms_value *value, const char *name, entry *e,
                            mms_error *err)
{
    const mms_value *const times = json_object_get(value, "cat_times");
    const char *const type = json_string_value(json_object_get(value, "cat_type"));
    const bool moves = type && !strcmp(type, "ephem");

    if (!type)
        return mms_fail(err, MMS_ERR_TABLE, "%s: %s has no cat_type", in->path, name);
    e->id = json_integer_value(json_object_get(value, "cat_id"));
    e->type = json_string(type);
    if (json_is_string(json_object_get(value, "cat_frame")))
        e->frame = json_incref(json_object_get(value, "cat_frame"));
    if (json_is_number(json_object_get(value, "cat_epoch")))
        e->epoch = json_number_value(json_object_get(value, "cat_epoch"));
    if (moves && json_array_size(times) > 0)
        e->ntime = (int64_t)json_array_size(times);
    if (moves)
        e->times = numbers_of(value, "cat_times", e->ntime);
    if (moves || !strcmp(type, "sidereal")) {
        e->lons = numbers_of(value, "cat_lon", e->ntime);
        e->lats = numbers_of(value, "cat_lat", e->ntime);
        if (!e->lons || !e->lats || (moves && !e->times))
            return mms_fail(err, MMS_ERR_TABLE, "%s: %s has no direction", in->path, name);
    }
    for (int64_t i = 0; i < MMS_COUNT_OF(moving); i++) {
        const mms_value *const moves_by = json_object_get(value, moving[i]);
        if (json_is_array(moves_by) || json_number_value(moves_by) != 0)
            lose(in, moving[i], e->id);
    }
    return MMS_OK;
}

/** Versions up to 1.0: the name is the dataset's, the rest JSON. */
static mms_status read_json(mms_uvh5_in *in, const char *key, mms_error *err)
{
    entry e = {.epoch = 2000, .ntime = 1};
    mms_value *text = NULL, *value = NULL;
    char name[600];
    mms_status st;

    snprintf(name, sizeof name, "Header/phase_center_catalog/%s", key);
    MMS_TRY(mms_uvh5_in_text(in, name, &text, err));
    value = text ? json_loads(json_string_value(text), 0, NULL) : NULL;
    if (!json_is_object(value))
        MMS_TRY(mms_fail(err, MMS_ERR_TABLE, "%s: %s is no JSON object", in->path, name));
    e.name = json_string(key);
    MMS_TRY(take_json(in, value, name, &e, err));
    MMS_TRY(add(in, &e, err));
done:
    mms_value_free(&text);
    mms_value_free(&value);
    end_entry(&e);
    return st;
}

static int by_id(const void *first, const void *second)
{
    const mms_uvh5_source *const a = first, *const b = second;

    return a->id < b->id ? -1 : a->id > b->id;
}

static mms_status read_entries(mms_uvh5_in *in, mms_error *err)
{
    mms_value *names = NULL, *key;
    size_t i;
    mms_status st;

    MMS_TRY(in->hdf5->names(in->file, "Header/phase_center_catalog", &names, err));
    in->fields = mms_alloc((int64_t)json_array_size(names), sizeof *in->fields);
    MMS_TRY(in->fields ? MMS_OK : mms_uvh5_in_memory(in, err));
    json_array_foreach(names, i, key)
    {
        const char *const text = json_string_value(key);
        char name[600];
        snprintf(name, sizeof name, "Header/phase_center_catalog/%s", text);
        if (strlen(text) > 500)
            MMS_TRY(
                mms_fail(err, MMS_ERR_TABLE, "%s: a phase centre's name is too long", in->path));
        MMS_TRY(in->hdf5->is_group(in->file, name) ? read_group(in, text, err)
                                                   : read_json(in, text, err));
    }
    qsort(in->fields, (size_t)in->nfield, sizeof *in->fields, by_id);
    for (int64_t f = 1; f < in->nfield; f++)
        if (in->fields[f].id == in->fields[f - 1].id)
            MMS_TRY(mms_fail(err, MMS_ERR_TABLE, "%s: two phase centres have id %" PRId64, in->path,
                             in->fields[f].id));
done:
    mms_value_free(&names);
    return st;
}

static mms_status read_direction(const mms_uvh5_in *in, entry *e, mms_error *err)
{
    mms_status st;

    MMS_TRY(mms_uvh5_in_text(in, "Header/phase_center_frame", &e->frame, err));
    if (in->hdf5->has(in->file, "Header/phase_center_epoch"))
        MMS_TRY(mms_uvh5_in_number(in, "Header/phase_center_epoch", &e->epoch, err));
    MMS_TRY(mms_uvh5_in_finite(in, "Header/phase_center_ra", 1, &e->lons, err));
    MMS_TRY(mms_uvh5_in_finite(in, "Header/phase_center_dec", 1, &e->lats, err));
done:
    return st;
}

/** Before the catalogue: one direction for all rows. */
static mms_status read_single(mms_uvh5_in *in, mms_error *err)
{
    entry e = {.epoch = 2000, .ntime = 1};
    mms_status st;

    MMS_TRY(mms_uvh5_in_text(in, "Header/object_name", &e.name, err));
    MMS_TRY(mms_uvh5_in_text(in, "Header/phase_type", &e.type, err));
    const bool phased = e.type && !strcmp(json_string_value(e.type), "phased");
    mms_value_free(&e.type);
    e.type = json_string(phased ? "sidereal" : "unprojected");
    if (phased)
        MMS_TRY(read_direction(in, &e, err));
    in->fields = mms_alloc(1, sizeof *in->fields);
    MMS_TRY(in->fields ? add(in, &e, err) : mms_uvh5_in_memory(in, err));
    if (phased)
        mms_log(MMS_LOG_WARN, "importuvh5",
                "%s has no phase_center_catalog: pyuvdata holds such files to be phased by its old "
                "method, and phases them anew; here uvw and data are taken as they are",
                in->path);
done:
    end_entry(&e);
    return st;
}

mms_status mms_uvh5_read_catalogue(mms_uvh5_in *in, mms_error *err)
{
    in->has_catalogue = in->hdf5->is_group(in->file, "Header/phase_center_catalog");
    return in->has_catalogue ? read_entries(in, err) : read_single(in, err);
}
