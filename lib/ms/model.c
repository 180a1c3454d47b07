/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file model.c  A virtual model as the column MODEL_DATA: a way to cells that are calculated. */
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/base_priv.h"
#include "base/files_priv.h"
#include "calibrate/calibrate.h"
#include "columns.h"
#include "members_priv.h"
#include "model.h"
#include "spw_expr_priv.h"
#include "tables/measures_priv.h"

/** What the cells of a DDID are. */
typedef struct window {
    int32_t spw;
    int64_t ncorr;
    const char **products;
} window;

typedef struct model model;

/** A member, which has its records in sub-tables of its own. */
typedef struct member {
    model *model;
    mms_rows rows;
    mms_components components;
} member;

struct model {
    mms_ms *ms;
    mms_windows spws;
    int64_t nwindow, nmember;
    window *windows; /**< by DDID */
    member *members;
};

static mms_status no_memory(const mms_ms *ms, mms_error *err)
{
    return mms_fail(err, MMS_ERR_MEM, "%s: out of memory", mms_ms_path(ms));
}

/* ---- records ----------------------------------------------------------------------------------*/

/** A sub-table of a member by its real place; *path is NULL where there is none. */
static mms_status open_subtable(const char *part, const char *name, mms_table **out, mms_error *err)
{
    char *path = mms_format("%s/%s", part, name), *file = mms_format("%s/%s/table.dat", part, name);
    bool there = false;
    mms_status st = path && file ? MMS_OK : mms_fail(err, MMS_ERR_MEM, "%s: out of memory", part);

    *out = NULL;
    if (st == MMS_OK)
        st = mms_path_exists(file, &there, err);
    if (st == MMS_OK && there)
        st = mms_table_open(path, MMS_TABLE_READ, out, err);
    free(path);
    free(file);
    return st;
}

/** Add the record to which a key points: a row of SOURCE, or a keyword of the main table. */
static mms_status add_record(mms_table *source, const mms_value *source_keywords,
                             const mms_value *main_keywords, const char *key, mms_value *records,
                             mms_error *err)
{
    const mms_value *row = json_object_get(source_keywords, key);
    mms_value *record = NULL;
    mms_status st = MMS_OK;

    if (json_is_integer(row) && mms_table_find_column(source, "SOURCE_MODEL"))
        st = mms_table_get_cell(source, "SOURCE_MODEL", json_integer_value(row), &record, err);
    else
        record = json_incref(json_object_get(main_keywords, key));
    if (st == MMS_OK && json_is_object(record))
        json_object_set(records, key, record);
    mms_value_free(&record);
    return st;
}

/** Add the records of all fields that keywords define. */
static mms_status add_defined(const mms_value *keywords, mms_table *source,
                              const mms_value *source_keywords, const mms_value *main_keywords,
                              mms_value *records, mms_error *err)
{
    static const char prefix[] = "definedmodel_field_";
    const char *name;
    mms_value *value;
    mms_status st = MMS_OK;

    json_object_foreach((mms_value *)keywords, name,
                        value) if (st == MMS_OK && !strncmp(name, prefix, sizeof prefix - 1) &&
                                   json_is_string(value)) st =
        add_record(source, source_keywords, main_keywords, json_string_value(value), records, err);
    return st;
}

/** All records of a member, each once. */
static mms_status read_records(const char *part, mms_value **records, mms_error *err)
{
    mms_table *source = NULL, *main = NULL;
    mms_value *of_source = NULL, *of_main = NULL;
    mms_status st;

    *records = json_object();
    MMS_TRY(mms_table_open(part, MMS_TABLE_READ, &main, err));
    MMS_TRY(mms_table_keywords(main, NULL, &of_main, err));
    MMS_TRY(open_subtable(part, "SOURCE", &source, err));
    if (source)
        MMS_TRY(mms_table_keywords(source, NULL, &of_source, err));
    MMS_TRY(add_defined(of_source, source, of_source, of_main, *records, err));
    MMS_TRY(add_defined(of_main, source, of_source, of_main, *records, err));
done:
    mms_value_free(&of_source);
    mms_value_free(&of_main);
    mms_table_drop(&source);
    mms_table_drop(&main);
    return st;
}

/* ---- the set ----------------------------------------------------------------------------------*/

static mms_status read_products(mms_table *pols, int32_t pol, window *w, mms_error *err)
{
    mms_value *types = NULL;
    mms_status st = mms_table_get_cell(pols, "CORR_TYPE", pol, &types, err);

    w->ncorr = (int64_t)json_array_size(types);
    w->products = mms_alloc(w->ncorr, sizeof *w->products);
    if (st == MMS_OK && !w->products)
        st = mms_fail(err, MMS_ERR_MEM, "%s: out of memory", mms_table_path(pols));
    for (int64_t i = 0; st == MMS_OK && i < w->ncorr; i++)
        w->products[i] =
            mms_correlation_name((int32_t)json_integer_value(json_array_get(types, (size_t)i)));
    mms_value_free(&types);
    return st;
}

static mms_status open_named(const mms_ms *ms, const char *name, mms_table **out, mms_error *err)
{
    const char *path = mms_ms_subtable(ms, name);

    return path ? mms_table_open(path, MMS_TABLE_READ, out, err)
                : mms_fail(err, MMS_ERR_NOT_FOUND, "%s: no sub-table %s", mms_ms_path(ms), name);
}

static mms_status read_windows(model *m, mms_error *err)
{
    mms_table *dds = NULL, *pols = NULL;
    int32_t *spw = NULL, *pol = NULL;
    mms_status st;

    MMS_TRY(mms_windows_read(m->ms, &m->spws, err));
    MMS_TRY(open_named(m->ms, "DATA_DESCRIPTION", &dds, err));
    MMS_TRY(open_named(m->ms, "POLARIZATION", &pols, err));
    MMS_TRY(mms_table_get_ints(dds, "SPECTRAL_WINDOW_ID", &spw, err));
    MMS_TRY(mms_table_get_ints(dds, "POLARIZATION_ID", &pol, err));
    m->nwindow = mms_table_nrow(dds);
    m->windows = mms_alloc(m->nwindow, sizeof *m->windows);
    MMS_TRY(m->windows ? MMS_OK : no_memory(m->ms, err));
    for (int64_t i = 0; i < m->nwindow; i++) {
        if (spw[i] < 0 || spw[i] >= m->spws.n)
            MMS_TRY(mms_fail(err, MMS_ERR_RANGE, "%s: DATA_DESCRIPTION row %lld: no window %d",
                             mms_ms_path(m->ms), (long long)i, (int)spw[i]));
        m->windows[i].spw = spw[i];
        MMS_TRY(read_products(pols, pol[i], &m->windows[i], err));
    }
done:
    free(spw);
    free(pol);
    mms_table_drop(&dds);
    mms_table_drop(&pols);
    return st;
}

/** A component must be where its field is: then baselines do not count. */
static mms_status check_place(mms_fields *fields, int32_t field, const mms_component *c,
                              mms_error *err)
{
    const double near_rad = 1e-10;
    mms_direction at = {.lon_rad = c->lon_rad, .lat_rad = c->lat_rad}, centre;
    bool moves;
    mms_status st;

    MMS_TRY(mms_direction_reference(c->direction, &at.reference, err));
    MMS_TRY(mms_fields_direction(fields, field, 0, &centre, err));
    MMS_TRY(mms_fields_moves(fields, field, &moves, err));
    if (centre.reference != at.reference)
        MMS_TRY(mms_direction_convert(&at, centre.reference, NAN, &at, err));
    const double x = remainder(at.lon_rad - centre.lon_rad, 2 * acos(-1.0)) * cos(at.lat_rad);
    if (moves || !(hypot(x, at.lat_rad - centre.lat_rad) < near_rad))
        MMS_TRY(mms_fail(err, MMS_ERR_UNSUPPORTED,
                         "virtual model of field %d: a component that is not at the phase centre "
                         "can't be calculated; write the model into MODEL_DATA with CASA",
                         (int)field));
done:
    return st;
}

static mms_status read_member(model *m, int64_t i, mms_fields *fields, mms_error *err)
{
    member *me = &m->members[i];
    mms_value *records = NULL;
    mms_status st;

    me->model = m;
    me->rows = mms_ms_member_rows(m->ms, i);
    MMS_TRY(read_records(mms_ms_member_path(m->ms, i), &records, err));
    MMS_TRY(mms_components_read(records, &me->components, err));
    for (int64_t r = 0; r < me->components.nrow; r++) {
        const mms_component_rows *rows = &me->components.rows[r];
        for (int64_t k = 0; k < rows->count; k++)
            MMS_TRY(check_place(fields, rows->field, &me->components.list[rows->first + k], err));
    }
done:
    mms_value_free(&records);
    return st;
}

static mms_status read_model(model *m, mms_error *err)
{
    mms_fields *fields = NULL;
    mms_status st;

    MMS_TRY(read_windows(m, err));
    MMS_TRY(mms_fields_open(mms_ms_subtable(m->ms, "FIELD"), &fields, err));
    m->members = mms_alloc(mms_ms_nmember(m->ms), sizeof *m->members);
    MMS_TRY(m->members ? MMS_OK : no_memory(m->ms, err));
    m->nmember = mms_ms_nmember(m->ms);
    for (int64_t i = 0; i < m->nmember; i++)
        MMS_TRY(read_member(m, i, fields, err));
done:
    mms_fields_close(&fields);
    return st;
}

static void drop_model(void *of)
{
    model *m = of;

    for (int64_t i = 0; i < m->nmember; i++)
        mms_components_free(&m->members[i].components);
    for (int64_t i = 0; i < m->nwindow; i++)
        free(m->windows[i].products);
    mms_windows_free(&m->spws);
    free(m->windows);
    free(m->members);
    free(m);
}

/* ---- values -----------------------------------------------------------------------------------*/

/** What the values of a row depend on. */
typedef struct row_key {
    int32_t ddid, field, scan, state;
} row_key;

/** Rows that are read. */
typedef struct rows_read {
    int64_t nrow;
    int32_t *ids; /**< [4][nrow]: in the order of row_key */
} rows_read;

static row_key key_of(const rows_read *r, int64_t i)
{
    return (row_key){r->ids[i], r->ids[r->nrow + i], r->ids[2 * r->nrow + i],
                     r->ids[3 * r->nrow + i]};
}

static bool same_key(const row_key *a, const row_key *b)
{
    return a->ddid == b->ddid && a->field == b->field && a->scan == b->scan && a->state == b->state;
}

static mms_status read_rows(mms_ms *ms, int64_t nrange, const mms_rows *ranges, rows_read *r,
                            mms_error *err)
{
    static const char *const ids[] = {MMS_COL_DATA_DESC_ID, MMS_COL_FIELD_ID, MMS_COL_SCAN_NUMBER,
                                      MMS_COL_STATE_ID};
    mms_status st = MMS_OK;

    for (int64_t i = 0; i < nrange; i++)
        r->nrow += ranges[i].count;
    r->ids = mms_alloc(MMS_COUNT_OF(ids) * r->nrow, sizeof *r->ids);
    MMS_TRY(r->ids ? MMS_OK : no_memory(ms, err));
    for (int64_t i = 0; i < MMS_COUNT_OF(ids); i++)
        if (mms_ms_find_column(ms, ids[i]))
            MMS_TRY(mms_ms_read(ms, ids[i], nrange, ranges, r->nrow, r->ids + i * r->nrow, err));
done:
    return st;
}

/** The values of a row: of its components, or where it has none as CASA has them. */
static mms_status fill_cell(model *m, const member *me, const row_key *key, mms_complex *cell,
                            mms_error *err)
{
    const window *w = &m->windows[key->ddid];
    const mms_component_rows *rows =
        mms_components_find(&me->components, key->field, w->spw, key->scan, key->state);
    const int64_t nchan = m->spws.windows[w->spw].nchan;
    const double *freq_hz = m->spws.windows[w->spw].freq_hz;
    mms_status st = MMS_OK;

    for (int64_t k = 0; k < nchan && st == MMS_OK; k++) {
        double jy[4] = {0};
        for (int64_t i = 0; rows && i < rows->count; i++)
            mms_component_add(&me->components.list[rows->first + i], freq_hz[k], jy);
        for (int64_t p = 0; p < w->ncorr && st == MMS_OK; p++, cell++)
            if (rows)
                st = mms_flux_product(w->products[p], jy, cell, err);
            else
                *cell = mms_flux_default(w->products[p]);
    }
    return st;
}

/** The values of rows, whose cells have n values each. */
static mms_status fill_rows(const member *me, const rows_read *r, int64_t n, mms_complex *cells,
                            mms_error *err)
{
    model *m = me->model;
    row_key last = {0};
    mms_status st = MMS_OK;

    for (int64_t i = 0; i < r->nrow && st == MMS_OK; i++, cells += n) {
        const row_key key = key_of(r, i);
        if (key.ddid < 0 || key.ddid >= m->nwindow)
            return mms_fail(err, MMS_ERR_RANGE, "%s: no data description %d", mms_ms_path(m->ms),
                            (int)key.ddid);
        const window *w = &m->windows[key.ddid];
        if (n != m->spws.windows[w->spw].nchan * w->ncorr)
            return mms_fail(err, MMS_ERR_SHAPE,
                            "%s: cells are not as long as window %d has channels",
                            mms_ms_path(m->ms), (int)w->spw);
        if (i > 0 && same_key(&key, &last))
            memcpy(cells, cells - n, (size_t)n * sizeof *cells);
        else
            st = fill_cell(m, me, &key, cells, err);
        last = key;
    }
    return st;
}

/* ---- the way to cells -------------------------------------------------------------------------*/

/** Rows of the set. */
static mms_status to_set(const member *me, int64_t nrange, const mms_rows *ranges, mms_rows **out,
                         mms_error *err)
{
    *out = mms_alloc(nrange, sizeof **out);
    for (int64_t i = 0; *out && i < nrange; i++)
        (*out)[i] = (mms_rows){me->rows.first + ranges[i].first, ranges[i].count};
    return *out ? MMS_OK : no_memory(me->model->ms, err);
}

static mms_status shapes(const mms_stored *c, int64_t nrange, const mms_rows *ranges,
                         mms_shape_run **runs, int64_t *nrun, mms_error *err)
{
    const member *me = c->manager;
    mms_rows *rows;
    mms_status st = to_set(me, nrange, ranges, &rows, err);

    if (st == MMS_OK)
        st = mms_ms_shapes(me->model->ms, MMS_COL_FLAG, nrange, rows, runs, nrun, err);
    for (int64_t i = 0; st == MMS_OK && i < *nrun; i++)
        (*runs)[i].rows.first -= me->rows.first;
    free(rows);
    return st;
}

static mms_status read_cells(const mms_stored *c, int64_t nrange, const mms_rows *ranges,
                             int64_t nvalue, void *data, mms_error *err)
{
    const member *me = c->manager;
    rows_read r = {0};
    mms_rows *rows;
    mms_status st;

    MMS_TRY(to_set(me, nrange, ranges, &rows, err));
    MMS_TRY(read_rows(me->model->ms, nrange, rows, &r, err));
    if (r.nrow > 0)
        st = fill_rows(me, &r, nvalue / r.nrow, data, err);
done:
    free(r.ids);
    free(rows);
    return st;
}

static const mms_store_kind calculated = {
    .files = "virtual model", .shapes = shapes, .read = read_cells};

static mms_stored cells_of(void *of, int64_t i)
{
    const model *m = of;

    return (mms_stored){&calculated, &m->members[i], 0, MMS_COL_MODEL_DATA};
}

mms_status mms_ms_use_model(mms_ms *ms, bool *used, mms_error *err)
{
    mms_made_column *made = &mms_ms_members(ms)->made;
    model *m = NULL;
    mms_status st = MMS_OK;

    *used = made->of != NULL;
    if (*used)
        goto done;
    MMS_TRY(mms_ms_has_model(ms, used, err));
    if (!*used)
        goto done;
    m = mms_alloc(1, sizeof *m);
    MMS_TRY(m ? MMS_OK : no_memory(ms, err));
    m->ms = ms;
    MMS_TRY(read_model(m, err));
    *made = (mms_made_column){.of = m,
                              .column = {.name = MMS_COL_MODEL_DATA,
                                         .dtype = MMS_DT_COMPLEX,
                                         .ndim = 2,
                                         .manager = "",
                                         .group = ""},
                              .replaces = mms_ms_find_column(ms, MMS_COL_MODEL_DATA) != NULL,
                              .cells = cells_of,
                              .drop = drop_model};
    m = NULL;
done:
    if (m)
        drop_model(m);
    return st;
}
