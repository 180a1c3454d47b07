/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file fields.c  Phase centres: a field is one. */
#include <dirent.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ms/columns.h"
#include "uvh5_priv.h"

/** How a FIELD table tells the frame of a row. */
typedef struct frames {
    mms_value *words; /**< of PHASE_DIR */
    const mms_value *codes, *types;
    const char *column, *fixed;
} frames;

static mms_status read_frames(mms_table *table, frames *f, mms_error *err)
{
    const mms_status st = mms_table_keywords(table, "PHASE_DIR", &f->words, err);
    const mms_value *const info = json_object_get(f->words, "MEASINFO");

    f->column = json_string_value(json_object_get(info, "VarRefCol"));
    f->codes = json_object_get(info, "TabRefCodes");
    f->types = json_object_get(info, "TabRefTypes");
    f->fixed = json_string_value(json_object_get(info, "Ref"));
    if (!f->fixed)
        f->fixed = "J2000";
    return st;
}

/** The frame of a row, borrowed. */
static mms_status frame_of(mms_table *table, const frames *f, int64_t row, const char **name,
                           mms_error *err)
{
    double code;
    size_t i;
    const mms_value *item;
    mms_status st = MMS_OK;

    *name = f->fixed;
    if (!f->column)
        return MMS_OK;
    st = mms_uvh5_cell_doubles(table, f->column, row, 1, &code, err);
    *name = "?";
    json_array_foreach(f->codes, i, item) if (st == MMS_OK && json_number_value(item) == code)
    {
        const char *const type = json_string_value(json_array_get(f->types, i));
        *name = type ? type : "?";
    }
    return st;
}

static mms_status find_number(mms_table *table, const char *column, int64_t row, double *out,
                              mms_error *err)
{
    return mms_table_find_column(table, column)
               ? mms_uvh5_cell_doubles(table, column, row, 1, out, err)
               : MMS_OK;
}

static mms_status refuse_polynomial(mms_table *table, int64_t row, mms_error *err)
{
    double terms = 0;
    const mms_status st = find_number(table, "NUM_POLY", row, &terms, err);

    if (st != MMS_OK || terms <= 0)
        return st;
    return mms_fail(err, MMS_ERR_ARG,
                    "field %" PRId64 ": PHASE_DIR is a polynomial of %d terms; UVH5 holds one "
                    "direction",
                    row, (int)terms + 1);
}

/** FIELD/EPHEM<id>_<name>.tab; NULL: there is none. */
static char *ephemeris_path(const mms_table *table, int id)
{
    char prefix[32], *path = NULL;
    DIR *const folder = opendir(mms_table_path(table));
    const int n = snprintf(prefix, sizeof prefix, "EPHEM%d_", id);

    for (const struct dirent *entry = NULL; folder && !path && (entry = readdir(folder));)
        if (!strncmp(entry->d_name, prefix, (size_t)n))
            path = mms_format("%s/%s", mms_table_path(table), entry->d_name);
    if (folder)
        closedir(folder);
    return path;
}

static mms_status make_positions(const mms_uvh5 *u, mms_uvh5_field *f, int64_t n, mms_error *err)
{
    f->ntime = n;
    f->times_jd = mms_alloc(n, sizeof *f->times_jd);
    f->lons = mms_alloc(n, sizeof *f->lons);
    f->lats = mms_alloc(n, sizeof *f->lats);
    return f->times_jd && f->lons && f->lats ? MMS_OK : mms_uvh5_no_memory(u, err);
}

/** CASA's table: MJD, RA and DEC in degrees. */
static mms_status read_ephemeris(const mms_uvh5 *u, mms_uvh5_field *f, const char *path,
                                 mms_error *err)
{
    static const char *const columns[] = {"MJD", "RA", "DEC"};
    mms_table *table = NULL;
    mms_status st;

    MMS_TRY(mms_table_open(path, MMS_TABLE_READ, &table, err));
    const int64_t n = mms_table_nrow(table);
    if (n < 2)
        MMS_TRY(mms_fail(err, MMS_ERR_TABLE, "%s has %" PRId64 " rows", path, n));
    MMS_TRY(make_positions(u, f, n, err));
    double *const lists[] = {f->times_jd, f->lons, f->lats};
    for (int k = 0; k < 3; k++)
        for (int64_t i = 0; i < n; i++) {
            MMS_TRY(mms_uvh5_cell_doubles(table, columns[k], i, 1, &lists[k][i], err));
            lists[k][i] = k ? lists[k][i] * M_PI / 180 : lists[k][i] + 2400000.5;
        }
done:
    mms_table_drop(&table);
    return st;
}

static mms_status find_ephemeris(const mms_uvh5 *u, mms_table *table, int64_t row,
                                 mms_uvh5_field *f, mms_error *err)
{
    double id = -1;
    char *path = NULL;
    mms_status st;

    MMS_TRY(find_number(table, "EPHEMERIS_ID", row, &id, err));
    if (id < 0)
        return MMS_OK;
    path = ephemeris_path(table, (int)id);
    MMS_TRY(path ? read_ephemeris(u, f, path, err)
                 : mms_fail(err, MMS_ERR_NOT_FOUND,
                            "field %" PRId64 ": ephemeris table FIELD/EPHEM%d_%s.tab not found",
                            row, (int)id, f->name));
done:
    free(path);
    return st;
}

/** Rows of SOURCE of one id at several times, as pyuvdata writes what moves. */
static mms_status find_moving_source(mms_uvh5 *u, mms_uvh5_field *f, mms_error *err)
{
    mms_table *table = NULL;
    int32_t *ids = NULL;
    int64_t n = 0, k = 0;
    mms_status st;

    if (!mms_ms_subtable(u->ms, "SOURCE"))
        return MMS_OK;
    MMS_TRY(mms_uvh5_open_table(u, "SOURCE", &table, err));
    MMS_TRY(mms_table_get_ints(table, "SOURCE_ID", &ids, err));
    const int64_t nrow = mms_table_nrow(table);
    for (int64_t i = 0; i < nrow; i++)
        n += ids[i] == f->id;
    if (n > 1)
        MMS_TRY(make_positions(u, f, n, err));
    for (int64_t i = 0; n > 1 && i < nrow; i++) {
        double direction[2], time_s;
        if (ids[i] != f->id)
            continue;
        MMS_TRY(mms_uvh5_cell_doubles(table, "DIRECTION", i, 2, direction, err));
        MMS_TRY(mms_uvh5_cell_doubles(table, MMS_COL_TIME, i, 1, &time_s, err));
        f->times_jd[k] = mms_uvh5_jd(time_s);
        f->lons[k] = direction[0];
        f->lats[k++] = direction[1];
    }
    if (n > 1 && f->times_jd[0] == f->times_jd[n - 1]) { // rows of windows, not of times
        free(f->times_jd);
        free(f->lons);
        free(f->lats);
        f->times_jd = f->lons = f->lats = NULL;
        f->ntime = 0;
    }
done:
    free(ids);
    mms_table_drop(&table);
    return st;
}

static mms_status read_field(mms_uvh5 *u, mms_table *table, const frames *f, int64_t row,
                             mms_error *err)
{
    mms_uvh5_field *const field = &u->fields[row];
    const char *reference;
    double direction[2], id;
    mms_status st;

    MMS_TRY(mms_uvh5_cell_text(table, "NAME", row, &field->name, err));
    MMS_TRY(refuse_polynomial(table, row, err));
    MMS_TRY(frame_of(table, f, row, &reference, err));
    if (!mms_uvh5_frame(reference, &field->frame, &field->epoch))
        MMS_TRY(mms_fail(err, MMS_ERR_UNSUPPORTED,
                         "field %" PRId64 " (\"%s\"): direction frame %s has no UVH5 "
                         "counterpart",
                         row, field->name, reference));
    field->sky = !strcmp(field->frame, "fk5")    ? MMS_SKY_J2000
                 : !strcmp(field->frame, "gcrs") ? MMS_SKY_GCRS
                                                 : MMS_SKY_ICRS;
    field->reference = -1;
    if (!strcmp(field->frame, "fk4"))
        MMS_TRY(mms_direction_reference(reference, &field->reference, err));
    MMS_TRY(mms_uvh5_cell_doubles(table, "PHASE_DIR", row, 2, direction, err));
    field->lon = direction[0];
    field->lat = direction[1];
    field->id = row;
    if (u->from_pyuvdata && mms_table_find_column(table, "SOURCE_ID")) {
        MMS_TRY(mms_uvh5_cell_doubles(table, "SOURCE_ID", row, 1, &id, err));
        field->id = (int64_t)id;
        MMS_TRY(find_moving_source(u, field, err));
    }
    MMS_TRY(find_ephemeris(u, table, row, field, err));
done:
    return st;
}

/** pyuvdata's MSs: two fields of one SOURCE_ID would be one group. */
static mms_status check_unique(const mms_uvh5 *u, mms_error *err)
{
    for (int64_t i = 0; i < u->nfield; i++)
        for (int64_t k = 0; u->fields[i].used && k < i; k++)
            if (u->fields[k].used && u->fields[k].id == u->fields[i].id)
                return mms_fail(err, MMS_ERR_UNSUPPORTED,
                                "fields %" PRId64 " and %" PRId64 " both have SOURCE_ID %" PRId64
                                "; select one with field=",
                                k, i, u->fields[i].id);
    return MMS_OK;
}

static bool has_id(const mms_uvh5 *u, int64_t id)
{
    for (int64_t i = 0; i < u->nfield; i++)
        if (u->fields[i].used && u->fields[i].id == id)
            return true;
    return false;
}

/** A catalogue that was imported goes back as a whole, also what no row has. */
static mms_status add_unused(mms_uvh5 *u, mms_table *table, const frames *f, mms_error *err)
{
    mms_status st = MMS_OK;

    for (int64_t i = 0; st == MMS_OK && i < u->nfield; i++) {
        if (u->fields[i].used)
            continue;
        st = read_field(u, table, f, i, err);
        u->fields[i].used = st == MMS_OK && !has_id(u, u->fields[i].id);
    }
    return st;
}

mms_status mms_uvh5_find_fields(mms_uvh5 *u, mms_error *err)
{
    mms_table *table = NULL;
    frames f = {0};
    mms_status st;

    MMS_TRY(mms_uvh5_open_table(u, "FIELD", &table, err));
    u->nfield = mms_table_nrow(table);
    u->fields = mms_alloc(u->nfield, sizeof *u->fields);
    MMS_TRY(u->fields ? MMS_OK : mms_uvh5_no_memory(u, err));
    MMS_TRY(read_frames(table, &f, err));
    for (int64_t i = 0; i < u->nblt; i++) {
        const int32_t id = u->blts[i].field;
        if (id < 0 || id >= u->nfield)
            MMS_TRY(mms_fail(err, MMS_ERR_RANGE, "%s: row %" PRId64 ": no field %d",
                             mms_ms_path(u->ms), u->blts[i].first, id));
        if (!u->fields[id].used)
            MMS_TRY(read_field(u, table, &f, id, err));
        u->fields[id].used = true;
        mms_uvh5_rest(u, i);
    }
    if (u->from_pyuvdata && mms_selection_is_all(u->selection))
        MMS_TRY(add_unused(u, table, &f, err));
    MMS_TRY(check_unique(u, err));
done:
    mms_value_free(&f.words);
    mms_table_drop(&table);
    return st;
}
