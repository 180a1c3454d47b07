/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file components.c  Virtual models: CASA's records of component lists as laws. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/base_priv.h"
#include "calibrate.h"

enum { COLUMNS = 5, VERSION = 2 };

static mms_status no_memory(mms_error *err)
{
    return mms_fail(err, MMS_ERR_MEM, "virtual models: out of memory");
}

static mms_status refuse(const char *what, const char *word, mms_error *err)
{
    return mms_fail(err, MMS_ERR_UNSUPPORTED,
                    "virtual model: %s%s%s: only point sources whose spectra setjy writes can be "
                    "calculated; write the model into MODEL_DATA with CASA",
                    what, *word ? " " : "", word);
}

/* ---- records ----------------------------------------------------------------------------------*/

/** A quantity in Hz or rad. */
static mms_status read_quantity(const mms_value *q, double *value, mms_error *err)
{
    static const struct {
        const char *name;
        double factor;
    } units[] = {{"rad", 1},  {"deg", 0.017453292519943295}, {"Hz", 1}, {"kHz", 1e3}, {"MHz", 1e6},
                 {"GHz", 1e9}};
    const char *unit = mms_text_of(q, "unit");

    for (int64_t i = 0; i < MMS_COUNT_OF(units); i++)
        if (!strcmp(units[i].name, unit)) {
            *value = mms_value_double(json_object_get(q, "value")) * units[i].factor;
            return MMS_OK;
        }
    return refuse("a quantity in", unit, err);
}

static mms_status read_shape(const mms_value *shape, mms_component *c, mms_error *err)
{
    const mms_value *direction = json_object_get(shape, "direction");
    mms_status st = MMS_OK;

    if (strcmp(mms_text_of(shape, "type"), "Point") != 0)
        return refuse("a component of shape", mms_text_of(shape, "type"), err);
    c->direction = mms_text_of(direction, "refer");
    MMS_TRY(read_quantity(json_object_get(direction, "m0"), &c->lon_rad, err));
    MMS_TRY(read_quantity(json_object_get(direction, "m1"), &c->lat_rad, err));
done:
    return st;
}

static mms_status read_flux(const mms_value *flux, mms_component *c, mms_error *err)
{
    const mms_value *values = json_object_get(flux, "value");

    if (strcmp(mms_text_of(flux, "unit"), "Jy") != 0)
        return refuse("a flux density in", mms_text_of(flux, "unit"), err);
    if (strcmp(mms_text_of(flux, "polarisation"), "Stokes") != 0 || json_array_size(values) != 4)
        return refuse("a flux density of polarization", mms_text_of(flux, "polarisation"), err);
    for (size_t i = 0; i < 4; i++)
        c->flux.stokes_jy[i] = mms_value_double(json_array_get(values, i));
    return MMS_OK;
}

/** One index for all of I, Q, U and V. */
static mms_status read_index(const mms_value *spectrum, mms_component *c, mms_error *err)
{
    const mms_value *terms = json_object_get(spectrum, "stokesindex");

    for (size_t i = 1; i < json_array_size(terms); i++)
        if (mms_value_double(json_array_get(terms, i)) < 0 ||
            mms_value_double(json_array_get(terms, i)) > 0)
            return refuse("a spectral index of its polarization", "", err);
    c->flux.nterm = 1;
    c->flux.terms[0] = mms_value_double(json_object_get(spectrum, "index"));
    return read_quantity(json_object_get(json_object_get(spectrum, "frequency"), "m0"),
                         &c->flux.reference_hz, err);
}

static int by_frequency(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static mms_status read_table(const mms_value *spectrum, mms_component *c, mms_error *err)
{
    static const char *const columns[COLUMNS] = {"tabFreqVal", "ival", "qval", "uval", "vval"};
    const size_t n = json_array_size(json_object_get(spectrum, columns[0]));

    c->table = mms_alloc((int64_t)n, COLUMNS * sizeof(double));
    if (!c->table)
        return no_memory(err);
    for (size_t k = 0; k < COLUMNS; k++) {
        const mms_value *column = json_object_get(spectrum, columns[k]);
        if (n == 0 || json_array_size(column) != n)
            return refuse("a spectrum whose table has no column", columns[k], err);
        for (size_t i = 0; i < n; i++)
            c->table[i * COLUMNS + k] = mms_value_double(json_array_get(column, i));
    }
    c->ntable = (int64_t)n;
    qsort(c->table, n, COLUMNS * sizeof(double), by_frequency);
    return MMS_OK;
}

static mms_status read_component(const mms_value *value, mms_component *c, mms_error *err)
{
    const mms_value *spectrum = json_object_get(value, "spectrum");
    const char *type = mms_text_of(spectrum, "type");
    mms_status st;

    MMS_TRY(read_flux(json_object_get(value, "flux"), c, err));
    MMS_TRY(read_shape(json_object_get(value, "shape"), c, err));
    if (!strcmp(type, "Spectral Index"))
        st = read_index(spectrum, c, err);
    else if (!strcmp(type, "Tabular Spectrum"))
        st = read_table(spectrum, c, err);
    else if (strcmp(type, "Constant") != 0)
        st = refuse("a component of spectrum", type, err);
done:
    return st;
}

/* ---- lists ------------------------------------------------------------------------------------*/

/** What grows while records are read. */
typedef struct growing {
    mms_components *to;
    int64_t row_room, room;
} growing;

/** The rows of a list: [fields, windows, scans, states]. */
static mms_status add_rows(growing *g, const mms_value *columns, int64_t count, mms_error *err)
{
    const size_t n = json_array_size(json_array_get(columns, 0));
    int32_t key[4];
    mms_status st;

    MMS_TRY(
        mms_grow(&g->to->rows, &g->row_room, g->to->nrow + (int64_t)n, sizeof *g->to->rows, err));
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < 4; k++)
            key[k] = (int32_t)json_integer_value(json_array_get(json_array_get(columns, k), i));
        g->to->rows[g->to->nrow++] =
            (mms_component_rows){key[0], key[1], key[2], key[3], g->to->ncomponent - count, count};
    }
done:
    return st;
}

static mms_status add_list(growing *g, const mms_value *entry, mms_error *err)
{
    const mms_value *container = json_object_get(entry, "container");
    const int64_t n = json_integer_value(json_object_get(container, "nelements"));
    mms_status st = MMS_OK;

    for (int64_t i = 0; i < n && st == MMS_OK; i++) {
        char name[32];
        snprintf(name, sizeof name, "component%lld", (long long)i);
        MMS_TRY(mms_grow(&g->to->list, &g->room, g->to->ncomponent + 1, sizeof *g->to->list, err));
        mms_component *c = &g->to->list[g->to->ncomponent++];
        *c = (mms_component){.flux.reference_hz = 1};
        st = read_component(json_object_get(container, name), c, err);
    }
    if (st == MMS_OK)
        st = add_rows(g, json_object_get(entry, "indexcombination"), n, err);
done:
    return st;
}

static mms_status add_record(growing *g, const mms_value *record, mms_error *err)
{
    const int64_t n = json_integer_value(json_object_get(record, "numcl"));
    mms_status st = MMS_OK;

    if (json_object_size(record) == 0)
        return MMS_OK;
    if (json_integer_value(json_object_get(record, "version")) != VERSION)
        return refuse("a record of CASA's older kind", "", err);
    if (json_integer_value(json_object_get(record, "numft")) > 0)
        return refuse("an image", "", err);
    for (int64_t i = 0; i < n && st == MMS_OK; i++) {
        char name[32];
        snprintf(name, sizeof name, "cl_%lld", (long long)i);
        st = add_list(g, json_object_get(record, name), err);
    }
    return st;
}

static int compare_keys(const mms_component_rows *x, const mms_component_rows *y)
{
    const int32_t a[4] = {x->field, x->spw, x->scan, x->state};
    const int32_t b[4] = {y->field, y->spw, y->scan, y->state};

    for (int i = 0; i < 4; i++)
        if (a[i] != b[i])
            return a[i] < b[i] ? -1 : 1;
    return 0;
}

static int by_key(const void *a, const void *b)
{
    return compare_keys(a, b);
}

mms_status mms_components_read(mms_value *records, mms_components *out, mms_error *err)
{
    growing g = {.to = out};
    const char *key;
    mms_value *record;
    mms_status st = MMS_OK;

    *out = (mms_components){.records = json_incref(records)};
    json_object_foreach(records, key, record) if (st == MMS_OK) st = add_record(&g, record, err);
    if (st == MMS_OK && out->nrow > 0)
        qsort(out->rows, (size_t)out->nrow, sizeof *out->rows, by_key);
    for (int64_t i = 1; st == MMS_OK && i < out->nrow; i++)
        if (compare_keys(&out->rows[i - 1], &out->rows[i]) == 0)
            st = refuse("several lists of components for the same rows", "", err);
    if (st != MMS_OK)
        mms_components_free(out);
    return st;
}

void mms_components_free(mms_components *c)
{
    for (int64_t i = 0; i < c->ncomponent; i++)
        free(c->list[i].table);
    free(c->list);
    free(c->rows);
    mms_value_free(&c->records);
    *c = (mms_components){0};
}

const mms_component_rows *mms_components_find(const mms_components *c, int32_t field, int32_t spw,
                                              int32_t scan, int32_t state)
{
    const mms_component_rows key = {.field = field, .spw = spw, .scan = scan, .state = state};

    return c->nrow > 0 ? bsearch(&key, c->rows, (size_t)c->nrow, sizeof key, by_key) : NULL;
}

/* ---- values -----------------------------------------------------------------------------------*/

static void add_from_table(const mms_component *c, double freq_hz, double stokes_jy[4])
{
    const double *low = c->table, *high = low;

    for (int64_t i = 0; i < c->ntable && high[0] < freq_hz; i++) {
        low = high;
        high = c->table + i * COLUMNS;
    }
    if (high[0] < freq_hz) // beyond the end
        low = high;
    const double width = high[0] - low[0], share = width > 0 ? (freq_hz - low[0]) / width : 0;
    for (int i = 0; i < 4; i++)
        stokes_jy[i] += low[i + 1] + share * (high[i + 1] - low[i + 1]);
}

void mms_component_add(const mms_component *c, double freq_hz, double stokes_jy[4])
{
    double jy[4];

    if (c->ntable > 0) {
        add_from_table(c, freq_hz, stokes_jy);
        return;
    }
    mms_flux_at(&c->flux, freq_hz, jy);
    for (int i = 0; i < 4; i++)
        stokes_jy[i] += jy[i];
}
