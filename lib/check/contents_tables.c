/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file contents_tables.c  What the sub-tables and the columns of an MS say. */
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/base_priv.h"
#include "contents.h"
#include "disk_use_priv.h"
#include "ms/columns.h"
#include "ms/ms_priv.h"
#include "tables/reading_priv.h"

/* A row of a sub-table.  After a failure st says so, and all cells are null. */
struct row {
    mms_table *table;
    int64_t row;
    mms_status st;
    mms_error *err;
};

/* Makes the object of a row */
typedef mms_value *describe_fn(struct row *r);

/* The cell of a column, null where there is none */
static mms_value *cell(struct row *r, const char *column)
{
    mms_value *value = NULL;

    if (r->st == MMS_OK && mms_table_find_column(r->table, column))
        r->st = mms_table_get_cell(r->table, column, r->row, &value, r->err);
    return value ? value : json_null();
}

static int64_t integer(struct row *r, const char *column)
{
    mms_value *const value = cell(r, column);
    const int64_t n = json_is_integer(value) ? json_integer_value(value) : -1;

    json_decref(value);
    return n;
}

/* The first n elements of an array, for instance a direction without its motion */
static mms_value *first_of(mms_value *array)
{
    mms_value *const first = json_incref(json_array_get(array, 0));

    json_decref(array);
    return first ? first : json_null();
}

/* The name of a code among the types that a column's keywords list, NULL if they don't */
static const char *listed_name(const mms_value *info, int64_t code)
{
    const mms_value *const codes = json_object_get(info, "TabRefCodes");
    mms_value *value;
    size_t i;

    json_array_foreach(
        codes, i,
        value) if (json_integer_value(value) ==
                   code) return json_string_value(json_array_get(json_object_get(info,
                                                                                 "TabRefTypes"),
                                                                 i));
    return NULL;
}

/* The frame of a column's cell: a keyword, or a code in another column */
static mms_value *frame(struct row *r, const char *column)
{
    static const char *const frequencies[] = {"REST", "LSRK",    "LSRD",   "BARY", "GEO",
                                              "TOPO", "GALACTO", "LGROUP", "CMB"};
    mms_value *keywords = NULL, *name = NULL;

    if (r->st == MMS_OK && mms_table_find_column(r->table, column))
        r->st = mms_table_keywords(r->table, column, &keywords, r->err);
    const mms_value *const info = json_object_get(keywords, "MEASINFO");
    const char *const by = json_string_value(json_object_get(info, "VarRefCol"));
    const bool is_frequency = !strcmp(column, "CHAN_FREQ"); /* whose column of codes is standard */
    if (by || is_frequency) {
        const int64_t code = integer(r, by ? by : "MEAS_FREQ_REF");
        const char *const listed = listed_name(info, code);
        if (listed)
            name = mms_text_value(listed);
        else if (is_frequency && code >= 0 && code < MMS_COUNT_OF(frequencies))
            name = mms_text_value(frequencies[code]);
    } else {
        name = json_incref(json_object_get(info, "Ref"));
    }
    json_decref(keywords);
    return name ? name : json_null();
}

static mms_value *describe_observation(struct row *r)
{
    return json_pack("{s:o, s:o, s:o, s:o}", "telescope", cell(r, "TELESCOPE_NAME"), "observer",
                     cell(r, "OBSERVER"), "project", cell(r, "PROJECT"), "time_range",
                     cell(r, "TIME_RANGE"));
}

static mms_value *describe_field(struct row *r)
{
    return json_pack("{s:o, s:o, s:o, s:o, s:o}", "name", cell(r, "NAME"), "code", cell(r, "CODE"),
                     "source", cell(r, "SOURCE_ID"), "direction", first_of(cell(r, "PHASE_DIR")),
                     "frame", frame(r, "PHASE_DIR"));
}

static mms_value *describe_antenna(struct row *r)
{
    return json_pack("{s:o, s:o, s:o, s:o, s:o}", "name", cell(r, "NAME"), "station",
                     cell(r, "STATION"), "mount", cell(r, "MOUNT"), "diameter_m",
                     cell(r, "DISH_DIAMETER"), "position_m", cell(r, "POSITION"));
}

static mms_value *describe_state(struct row *r)
{
    return json_pack("{s:o}", "intent", cell(r, "OBS_MODE"));
}

static mms_value *describe_dd(struct row *r)
{
    return json_pack("{s:o, s:o}", "spw", cell(r, "SPECTRAL_WINDOW_ID"), "polarization",
                     cell(r, "POLARIZATION_ID"));
}

static mms_value *describe_polarization(struct row *r)
{
    mms_value *const types = cell(r, "CORR_TYPE"), *const names = json_array();
    mms_value *type;
    size_t i;

    json_array_foreach(types, i, type) json_array_append_new(
        names, mms_text_value(mms_correlation_name((int32_t)json_integer_value(type))));
    json_decref(types);
    return json_pack("{s:o}", "corrs", names);
}

/* Lower and upper edge of the channels */
static void find_edges(const mms_value *freqs, const mms_value *widths, double *low, double *high)
{
    mms_value *freq;
    size_t i;

    *low = INFINITY;
    *high = -INFINITY;
    json_array_foreach(freqs, i, freq)
    {
        const double f = json_number_value(freq);
        const double half = fabs(json_number_value(json_array_get(widths, i))) / 2;
        *low = fmin(*low, f - half);
        *high = fmax(*high, f + half);
    }
}

static mms_value *describe_spw(struct row *r)
{
    mms_value *const freqs = cell(r, "CHAN_FREQ"), *const widths = cell(r, "CHAN_WIDTH");
    const size_t n = json_array_size(freqs);
    double low, high;
    mms_value *spw;

    find_edges(freqs, widths, &low, &high);
    spw =
        json_pack("{s:o, s:o, s:o, s:O*, s:O*, s:O*, s:o, s:o*, s:o}", "name", cell(r, "NAME"),
                  "channels", cell(r, "NUM_CHAN"), "frame", frame(r, "CHAN_FREQ"), "first_hz",
                  json_array_get(freqs, 0), "last_hz", n ? json_array_get(freqs, n - 1) : NULL,
                  "width_hz", json_array_get(widths, 0), "bandwidth_hz", cell(r, "TOTAL_BANDWIDTH"),
                  "centre_hz", n && isfinite(low + high) ? json_real((low + high) / 2) : NULL,
                  "reference_hz", cell(r, "REF_FREQUENCY"));
    json_decref(freqs);
    json_decref(widths);
    return spw;
}

static const struct list {
    const char *name, *table;
    describe_fn *describe;
} lists[] = {{"observations", "OBSERVATION", describe_observation},
             {"fields", "FIELD", describe_field},
             {"spws", "SPECTRAL_WINDOW", describe_spw},
             {"polarizations", "POLARIZATION", describe_polarization},
             {"dds", "DATA_DESCRIPTION", describe_dd},
             {"antennas", "ANTENNA", describe_antenna},
             {"states", "STATE", describe_state}};

/* A list of the rows of a sub-table, empty where there is none */
static mms_status put_list(mms_ms *ms, const struct list *list, mms_value *out, mms_error *err)
{
    const char *const path = mms_ms_subtable(ms, list->table);
    mms_value *const rows = json_array();
    struct row r = {.err = err};

    if (path)
        r.st = mms_table_open(path, MMS_TABLE_READ, &r.table, err);
    for (; path && r.st == MMS_OK && r.row < mms_table_nrow(r.table); r.row++) {
        mms_value *const object = list->describe(&r);
        if (!object || json_object_set_new(object, "id", json_integer(r.row)) ||
            json_array_append_new(rows, object))
            r.st =
                mms_fail(err, MMS_ERR_MEM, "%s: out of memory, or a text that is not UTF-8", path);
    }
    mms_table_drop(&r.table);
    if (json_object_set_new_nocheck(out, list->name, rows) && r.st == MMS_OK)
        r.st = mms_fail(err, MMS_ERR_MEM, "out of memory");
    return r.st;
}

/* The shapes of the cells in the first and the last row, [] where they are undefined */
static mms_status list_cells(mms_ms *ms, const char *column, mms_value *shapes, mms_error *err)
{
    const mms_rows ends[2] = {{0, 1}, {mms_ms_nrow(ms) - 1, 1}};
    mms_shape_run *runs = NULL;
    int64_t nrun = 0;
    mms_status st;

    if (!mms_ms_nrow(ms))
        return MMS_OK;
    MMS_TRY(mms_ms_shapes(ms, column, mms_ms_nrow(ms) > 1 ? 2 : 1, ends, &runs, &nrun, err));
    for (int64_t i = 0; i < nrun; i++) {
        mms_value *const shape = json_array();
        for (int d = 0; d < runs[i].ndim; d++)
            json_array_append_new(shape, json_integer(runs[i].shape[d]));
        if (!i || !json_equal(shape, json_array_get(shapes, json_array_size(shapes) - 1)))
            json_array_append(shapes, shape);
        json_decref(shape);
    }
done:
    free(runs);
    return st;
}

static mms_status put_columns(mms_ms *ms, mms_value *out, mms_error *err)
{
    mms_value *const columns = json_array();
    mms_status st = MMS_OK;

    for (int64_t i = 0; i < mms_ms_ncolumn(ms); i++) {
        const mms_column *const c = mms_ms_column(ms, i);
        mms_value *const shapes = c->scalar ? NULL : json_array();
        json_array_append_new(
            columns, json_pack("{s:o, s:s, s:s, s:O*}", "name", mms_text_value(c->name), "type",
                               mms_dtype_name(c->dtype), "manager", c->manager, "cells", shapes));
        st = shapes ? list_cells(ms, c->name, shapes, err) : MMS_OK;
        json_decref(shapes);
        MMS_TRY(st);
    }
done:
    json_object_set_new(out, "columns", columns);
    return st;
}

/* The sub-tables with their rows; one that cannot be read has none, and a warning */
static void put_subtables(const mms_ms *ms, mms_value *out)
{
    mms_value *const list = json_array();
    const char *name;
    mms_value *path;

    json_object_foreach((mms_value *)mms_ms_subtables(ms), name, path)
    {
        mms_table *table = NULL;
        mms_error err;
        const mms_status st = mms_table_open(json_string_value(path), MMS_TABLE_READ, &table, &err);
        if (st != MMS_OK)
            mms_log(MMS_LOG_WARN, "info", "%s", err.msg);
        json_array_append_new(
            list, json_pack("{s:o, s:o}", "name", mms_text_value(name), "rows",
                            st == MMS_OK ? json_integer(mms_table_nrow(table)) : json_null()));
        mms_table_drop(&table);
    }
    json_object_set_new(out, "subtables", list);
    json_object_set(out, "missing_subtables", (mms_value *)mms_ms_missing_subtables(ms));
}

/* The frame of TIME, which hardly ever is another one than UTC */
static mms_status put_time_frame(mms_ms *ms, mms_value *out, mms_error *err)
{
    struct row r = {.table = mms_ms_first_table(ms), .err = err};

    json_object_set_new(out, "time_frame", r.table ? frame(&r, MMS_COL_TIME) : json_null());
    return r.st;
}

mms_status mms_contents_tables(const char *path, mms_value *out, mms_error *err)
{
    mms_ms *ms = NULL;
    int64_t bytes;
    mms_status st;

    MMS_TRY(mms_ms_open(path, &ms, err));
    for (int64_t i = 0; i < MMS_COUNT_OF(lists); i++)
        MMS_TRY(put_list(ms, &lists[i], out, err));
    MMS_TRY(put_columns(ms, out, err));
    MMS_TRY(put_time_frame(ms, out, err));
    put_subtables(ms, out);
    MMS_TRY(mms_disk_use(path, &bytes, err));
    json_object_set_new(out, "bytes", json_integer(bytes));
done:
    mms_ms_close(&ms);
    return st;
}
