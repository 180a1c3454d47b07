/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file header.c  The file with its header, and room for the visibilities. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ms/columns.h"
#include "pack_priv.h"
#include "uvh5_priv.h"

/** A file whose header is written; after a failure nothing more is. */
typedef struct writing {
    mms_uvh5 *u;
    mms_h5 *file;
    mms_status st;
    mms_error *err;
} writing;

static void put(writing *w, const char *name, const mms_h5_item *item)
{
    if (w->st == MMS_OK)
        w->st = w->u->hdf5->put(w->file, name, item, NULL, w->err);
}

static void put_text(writing *w, const char *name, const char *text)
{
    put(w, name, &(mms_h5_item){.type = MMS_H5_TEXT, .width = (int64_t)strlen(text), .data = text});
}

static void put_int(writing *w, const char *name, int64_t value)
{
    put(w, name, &(mms_h5_item){.type = MMS_H5_INT64, .data = &value});
}

static void put_double(writing *w, const char *name, double value)
{
    put(w, name, &(mms_h5_item){.type = MMS_H5_DOUBLE, .data = &value});
}

static void put_doubles(writing *w, const char *name, int64_t n, int64_t each, const double *values)
{
    put(w, name,
        &(mms_h5_item){
            .type = MMS_H5_DOUBLE, .ndim = each > 1 ? 2 : 1, .shape = {n, each}, .data = values});
}

static void put_ints(writing *w, const char *name, int64_t n, const int64_t *values)
{
    put(w, name, &(mms_h5_item){.type = MMS_H5_INT64, .ndim = 1, .shape = {n}, .data = values});
}

static void put_texts(writing *w, const char *name, const mms_value *texts)
{
    const int64_t n = (int64_t)json_array_size(texts);
    int64_t width = 1;

    for (int64_t i = 0; i < n; i++) {
        const int64_t length = (int64_t)strlen(json_string_value(json_array_get(texts, (size_t)i)));
        width = length > width ? length : width;
    }
    char *const bytes = mms_alloc(n * width, 1);
    if (!bytes && w->st == MMS_OK)
        w->st = mms_uvh5_no_memory(w->u, w->err);
    for (int64_t i = 0; bytes && i < n; i++) {
        const char *const text = json_string_value(json_array_get(texts, (size_t)i));
        memcpy(bytes + i * width, text, strlen(text));
    }
    put(w, name,
        &(mms_h5_item){
            .type = MMS_H5_TEXT, .ndim = 1, .shape = {n}, .width = width, .data = bytes});
    free(bytes);
}

/** The text of a format that takes one number, as a group or dataset. */
static void group(writing *w, const char *name)
{
    if (w->st == MMS_OK)
        w->st = w->u->hdf5->group(w->file, name, w->err);
}

/** Whether every time has the same sequence of baselines, one time after the other. */
static bool is_rectangular(const mms_uvh5 *u)
{
    const mms_uvh5_blt *const b = u->blts;
    int64_t nbl = 1;

    while (nbl < u->nblt && u->jd[nbl] == u->jd[0])
        nbl++;
    for (int64_t i = nbl; i < u->nblt; i++)
        if (b[i].ant1 != b[i % nbl].ant1 || b[i].ant2 != b[i % nbl].ant2 ||
            (u->jd[i] == u->jd[i - 1]) != (i % nbl != 0))
            return false;
        else
            mms_uvh5_rest(u, i);
    return u->nblt % nbl == 0;
}

static void put_counts(writing *w)
{
    const mms_uvh5 *const u = w->u;
    mms_uvh5_counter counter = {0};
    int64_t nphase = 0;

    for (int64_t i = 0; w->st == MMS_OK && i < u->nblt; i++) {
        w->st = mms_uvh5_count_row(&counter, u->jd[i], u->blts[i].ant1, u->blts[i].ant2, w->err);
        mms_uvh5_rest(u, i);
    }
    const mms_uvh5_counts counts = mms_uvh5_counter_end(&counter);
    for (int64_t i = 0; i < u->nfield; i++)
        nphase += u->fields[i].used;
    put_int(w, "Header/Nants_data", counts.antennas);
    put_int(w, "Header/Nants_telescope", u->antennas.n);
    put_int(w, "Header/Nbls", counts.baselines);
    put_int(w, "Header/Nblts", u->nblt);
    put_int(w, "Header/Nspws", u->nwindow);
    put_int(w, "Header/Nfreqs", u->nfreq);
    put_int(w, "Header/Npols", u->npol);
    put_int(w, "Header/Ntimes", counts.times);
    put_int(w, "Header/Nphase", nphase);
    if (is_rectangular(u)) {
        const int8_t yes = 1, no = 0;
        put(w, "Header/blts_are_rectangular", &(mms_h5_item){.type = MMS_H5_BOOL, .data = &yes});
        put(w, "Header/time_axis_faster_than_bls",
            &(mms_h5_item){.type = MMS_H5_BOOL, .data = &no});
    }
}

static const char *unit_of(const mms_uvh5 *u)
{
    static const char *const known[] = {"Jy", "uncalib", "K str", NULL};
    const char *const plain = !strcmp(u->column, MMS_COL_DATA) ? "uncalib" : "Jy";

    if (u->unit && mms_names_have(known, u->unit))
        return u->unit;
    if (u->unit && *u->unit)
        mms_log(MMS_LOG_WARN, u->host->task,
                "unit \"%s\" of %s has no place in UVH5: written as %s", u->unit, u->column, plain);
    return plain;
}

/** pyuvdata_extra of the MS, and what is known by itself. */
static void put_extra(writing *w)
{
    const mms_uvh5 *const u = w->u;
    const char *key;
    mms_value *value;

    put_text(w, "Header/extra_keywords/DATA_COL", u->column);
    put_text(w, "Header/extra_keywords/observer", u->observer);
    json_object_foreach(u->extra, key, value)
    {
        char name[512];
        if (!strcmp(key, "DATA_COL") || !strcmp(key, "observer") || strchr(key, '/') ||
            snprintf(name, sizeof name, "Header/extra_keywords/%s", key) >= (int)sizeof name)
            continue;
        if (json_is_string(value))
            put_text(w, name, json_string_value(value));
        else if (json_is_integer(value))
            put_int(w, name, json_integer_value(value));
        else if (json_is_real(value))
            put_double(w, name, json_real_value(value));
        const int8_t truth = json_is_true(value);
        if (json_is_boolean(value))
            put(w, name, &(mms_h5_item){.type = MMS_H5_BOOL, .data = &truth});
    }
}

static void put_texts_of_header(writing *w)
{
    mms_uvh5 *const u = w->u;
    char *history = NULL;

    put_text(w, "Header/version", "1.2");
    put_text(w, "Header/telescope_frame", "itrs");
    put_text(w, "Header/telescope_name", u->telescope);
    put_text(w, "Header/instrument", u->telescope);
    put_text(w, "Header/vis_units", unit_of(u));
    if (w->st == MMS_OK)
        w->st = mms_uvh5_history(u, &history, w->err);
    if (w->st == MMS_OK)
        put_text(w, "Header/history", history);
    free(history);
    put_double(w, "Header/longitude", u->geodetic[0] * 180 / M_PI);
    put_double(w, "Header/latitude", u->geodetic[1] * 180 / M_PI);
    put_double(w, "Header/altitude", u->geodetic[2]);
    put_extra(w);
    if (u->convention && strcmp(unit_of(u), "uncalib") != 0)
        put_text(w, "Header/pol_convention", json_string_value(u->convention));
}

/** What a blt has in the header, as its datasets have it. */
typedef enum column { ANT1, ANT2, FIELD, SCAN, LIST } column;

static int64_t whole(const mms_uvh5 *u, int64_t blt, column which)
{
    const mms_uvh5_blt *const b = &u->blts[blt];

    return which == ANT1   ? b->ant1
           : which == ANT2 ? b->ant2
           : which == SCAN ? b->scan
                           : u->fields[b->field].id;
}

/** Write a dataset of all blts in ranges: list[nblt][each], or whole numbers. */
static void put_column(writing *w, const char *name, column which, const double *list, int64_t each)
{
    enum { RANGE = 32768 };
    const mms_uvh5 *const u = w->u;
    const mms_h5_type type = which == LIST   ? MMS_H5_DOUBLE
                             : which == SCAN ? MMS_H5_INT
                                             : MMS_H5_INT64;
    int64_t *const numbers = mms_alloc(RANGE, sizeof *numbers);

    if (!numbers && w->st == MMS_OK)
        w->st = mms_uvh5_no_memory(u, w->err);
    put(w, name, &(mms_h5_item){.type = type, .ndim = each > 1 ? 2 : 1, .shape = {u->nblt, each}});
    for (int64_t at = 0; w->st == MMS_OK && at < u->nblt; at += RANGE) {
        const int64_t n = u->nblt - at < RANGE ? u->nblt - at : RANGE;
        for (int64_t i = 0; which != LIST && i < n; i++)
            if (which == SCAN)
                ((int32_t *)numbers)[i] = (int32_t)whole(u, at + i, which);
            else
                numbers[i] = whole(u, at + i, which);
        const void *const from = which == LIST ? (const void *)(list + at * each) : numbers;
        w->st = u->hdf5->write(w->file, name, at, n, from, w->err);
        mms_uvh5_rest(u, 0);
    }
    free(numbers);
}

static void put_blts(writing *w)
{
    const mms_uvh5 *const u = w->u;

    put_column(w, "Header/ant_1_array", ANT1, NULL, 1);
    put_column(w, "Header/ant_2_array", ANT2, NULL, 1);
    put_column(w, "Header/phase_center_id_array", FIELD, NULL, 1);
    put_column(w, "Header/uvw_array", LIST, u->uvw_m, 3);
    put_column(w, "Header/time_array", LIST, u->jd, 1);
    put_column(w, "Header/integration_time", LIST, u->exposure_s, 1);
    if (u->has_earth)
        put_column(w, "Header/lst_array", LIST, u->lst, 1);
    put_column(w, "Header/phase_center_app_ra", LIST, u->app_ra, 1);
    put_column(w, "Header/phase_center_app_dec", LIST, u->app_dec, 1);
    put_column(w, "Header/phase_center_frame_pa", LIST, u->frame_pa, 1);
    put_column(w, "multims/scan_number", SCAN, NULL, 1);
    put_text(w, "multims/version", mms_version());
}

static void put_frequencies(writing *w)
{
    const mms_uvh5 *const u = w->u;
    int64_t *const ids = mms_alloc(u->nwindow + MMS_UVH5_MAX_POL, sizeof *ids);

    if (!ids) {
        if (w->st == MMS_OK)
            w->st = mms_uvh5_no_memory(u, w->err);
        return;
    }
    put_doubles(w, "Header/freq_array", u->nfreq, 1, u->freq_hz);
    put_doubles(w, "Header/channel_width", u->nfreq, 1, u->width_hz);
    put_ints(w, "Header/flex_spw_id_array", u->nfreq, u->channel_id);
    for (int64_t i = 0; i < u->nwindow; i++)
        ids[i] = u->windows[i].id;
    put_ints(w, "Header/spw_array", u->nwindow, ids);
    for (int64_t i = 0; i < u->npol; i++)
        ids[i] = u->pols[i];
    put_ints(w, "Header/polarization_array", u->npol, ids);
    free(ids);
}

static void put_antennas(writing *w)
{
    const mms_uvh5_antennas *const a = &w->u->antennas;

    put_ints(w, "Header/antenna_numbers", a->n, a->number);
    put_texts(w, "Header/antenna_names", a->names);
    put(w, "Header/antenna_positions",
        &(mms_h5_item){
            .type = MMS_H5_DOUBLE, .ndim = 2, .shape = {a->n, 3}, .data = a->relative_m});
    if (a->has_dish)
        put_doubles(w, "Header/antenna_diameters", a->n, 1, a->dish_m);
    if (a->has_mount)
        put_texts(w, "Header/mount_type", a->mounts);
}

static void put_feeds(writing *w)
{
    const mms_uvh5 *const u = w->u;
    const int64_t n = u->antennas.n * u->nfeed;
    char *const names = u->nfeed ? mms_alloc(n, 1) : NULL;

    if (!u->nfeed)
        return;
    if (!names && w->st == MMS_OK)
        w->st = mms_uvh5_no_memory(u, w->err);
    for (int64_t i = 0; names && i < n; i++)
        names[i] = *json_string_value(json_array_get(u->feeds, (size_t)i));
    put_int(w, "Header/Nfeeds", u->nfeed);
    put(w, "Header/feed_array",
        &(mms_h5_item){.type = MMS_H5_TEXT,
                       .ndim = 2,
                       .shape = {u->antennas.n, u->nfeed},
                       .width = 1,
                       .data = names});
    put(w, "Header/feed_angle",
        &(mms_h5_item){.type = MMS_H5_DOUBLE,
                       .ndim = 2,
                       .shape = {u->antennas.n, u->nfeed},
                       .data = u->feed_angle});
    free(names);
}

static void put_phase_centre(writing *w, const mms_uvh5_field *f)
{
    static const char *const unknown[] = {"cat_pm_ra", "cat_pm_dec", "cat_vrad", "cat_dist",
                                          "cat_times"};
    const int64_t nunknown = MMS_COUNT_OF(unknown) - (f->ntime > 0);
    const struct {
        const char *name, *text;
    } texts[] = {{"cat_name", f->name},
                 {"cat_type", f->ntime ? "ephem" : "sidereal"},
                 {"cat_frame", f->frame},
                 {"info_source", "file"}};
    const struct {
        const char *name;
        double value;
        const double *list;
    } numbers[] = {{"cat_epoch", f->epoch, NULL},
                   {"cat_lon", f->lon, f->lons},
                   {"cat_lat", f->lat, f->lats},
                   {"cat_times", 0, f->times_jd}};
    const int64_t nnumber = MMS_COUNT_OF(numbers) - (f->ntime == 0);
    char name[96];
    const int length = snprintf(name, sizeof name, "Header/phase_center_catalog/%" PRId64, f->id);

    group(w, name);
    for (int64_t i = 0; i < MMS_COUNT_OF(texts); i++) {
        snprintf(name + length, sizeof name - (size_t)length, "/%s", texts[i].name);
        put_text(w, name, texts[i].text);
    }
    for (int64_t i = 0; i < nnumber; i++) {
        snprintf(name + length, sizeof name - (size_t)length, "/%s", numbers[i].name);
        if (numbers[i].list)
            put_doubles(w, name, f->ntime, 1, numbers[i].list);
        else
            put_double(w, name, numbers[i].value);
    }
    for (int64_t i = 0; i < nunknown; i++) {
        snprintf(name + length, sizeof name - (size_t)length, "/%s", unknown[i]);
        put(w, name, &(mms_h5_item){.type = MMS_H5_NONE});
    }
}

/** Room for the visibilities, last in the file. */
static void put_data(writing *w)
{
    static const struct {
        const char *name;
        mms_h5_type type;
    } sets[] = {{"Data/visdata", MMS_H5_COMPLEX},
                {"Data/flags", MMS_H5_BOOL},
                {"Data/nsamples", MMS_H5_FLOAT}};
    mms_uvh5 *const u = w->u;

    for (int i = 0; w->st == MMS_OK && i < 3; i++) {
        const int64_t row = u->nfreq * u->npol, rows = mms_uvh5_chunk_rows(row);
        mms_h5_item item = {.type = sets[i].type, .ndim = 3, .shape = {u->nblt, u->nfreq, u->npol}};
        if (u->asked->gzip && i > 0) {
            item.chunk[0] = rows < u->nblt ? rows : u->nblt;
            item.chunk[1] = u->nfreq;
            item.chunk[2] = u->npol;
        }
        w->st = u->hdf5->put(w->file, sets[i].name, &item, &u->offsets[i], w->err);
    }
}

mms_status mms_uvh5_write_header(mms_uvh5 *u, const char *path, mms_error *err)
{
    static const char *const groups[] = {"Header", "Header/extra_keywords",
                                         "Header/phase_center_catalog", "Data", "multims"};
    writing w = {.u = u, .err = err};

    w.st = u->hdf5->create(path, &w.file, err);
    for (int64_t i = 0; i < MMS_COUNT_OF(groups); i++)
        group(&w, groups[i]);
    put_texts_of_header(&w);
    put_counts(&w);
    put_antennas(&w);
    put_feeds(&w);
    put_frequencies(&w);
    for (int64_t i = 0; i < u->nfield; i++)
        if (u->fields[i].used)
            put_phase_centre(&w, &u->fields[i]);
    put_blts(&w);
    put_data(&w);
    const mms_status closed = u->hdf5->close(&w.file, w.st == MMS_OK ? err : NULL);
    return w.st == MMS_OK ? closed : w.st;
}
