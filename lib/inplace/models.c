/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file models.c  Virtual models of setjy, as CASA keeps them (parallel-tasks 3.5). */
#include "models_priv.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/base_priv.h"
#include "base/files_priv.h"
#include "groups_priv.h"
#include "orders_priv.h"

/* ---- components -------------------------------------------------------------------------------*/

typedef struct scan_state {
    int32_t scan, state;
} scan_state;

static int by_scan(const void *a, const void *b)
{
    const scan_state *x = a, *y = b;

    if (x->scan != y->scan)
        return x->scan < y->scan ? -1 : 1;
    return (x->state > y->state) - (x->state < y->state);
}

mms_value *mms_model_rows(const mms_meta *meta, int32_t field, int32_t spw)
{
    scan_state *found = mms_alloc(meta->ncell, sizeof *found);
    mms_value *rows = found ? json_array() : NULL;
    size_t n = 0;

    for (int64_t i = 0; found && i < meta->ncell; i++)
        if (meta->cells[i].field == field && meta->dds[meta->cells[i].ddid].spw == spw)
            found[n++] = (scan_state){meta->cells[i].scan, meta->cells[i].state};
    if (n > 0)
        qsort(found, n, sizeof *found, by_scan);
    for (size_t i = 0; i < n; i++)
        if (i == 0 || by_scan(&found[i - 1], &found[i]) != 0)
            json_array_append_new(rows,
                                  json_pack("[iiii]", field, spw, found[i].scan, found[i].state));
    free(found);
    return rows;
}

static mms_value *reals(const double *values, int64_t n)
{
    mms_value *list = json_array();

    for (int64_t i = 0; i < n; i++)
        json_array_append_new(list, json_real(values[i]));
    return list;
}

static mms_value *quantity(double value, const char *unit)
{
    return json_pack("{sf ss}", "value", value, "unit", unit);
}

static mms_value *frequency(double value, const char *unit, const char *frame)
{
    return json_pack("{ss ss so}", "type", "frequency", "refer", frame, "m0",
                     quantity(value, unit));
}

/** A single index can be kept as such: CASA takes it in any channels. */
static bool is_unpolarized_index(const mms_flux *flux)
{
    return mms_flux_has_index(flux) && flux->npol == 0;
}

static mms_value *index_spectrum(const mms_flux *flux)
{
    const double terms[4] = {flux->nterm > 0 ? flux->terms[0] : 0, 0, 0, 0};
    const double reference = flux->reference_hz > 0 ? flux->reference_hz : 1e9;

    return json_pack("{ss so sf so sf}", "type", "Spectral Index", "frequency",
                     frequency(reference / 1e9, "GHz", "LSRK"), "index", terms[0], "stokesindex",
                     reals(terms, 4), "error", 0.0);
}

static mms_value *constant_spectrum(double freq_hz)
{
    return json_pack("{ss so}", "type", "Constant", "frequency",
                     frequency(freq_hz / 1e9, "GHz", "LSRK"));
}

/** What each channel has.  CASA wants the frequencies to ascend. */
static mms_value *table_spectrum(const mms_flux *flux, int32_t nchan, const double *freq_hz,
                                 int32_t frame)
{
    static const char *const names[] = {"ival", "qval", "uval", "vval"};
    const bool ascending = freq_hz[nchan - 1] > freq_hz[0];
    const char *name = mms_frame_name(frame);
    mms_value *at = json_array(), *stokes[4], *spectrum;
    double jy[4];

    for (int i = 0; i < 4; i++)
        stokes[i] = json_array();
    for (int32_t k = 0; k < nchan; k++) {
        const double hz = freq_hz[ascending ? k : nchan - 1 - k];
        mms_flux_at(flux, hz, jy);
        json_array_append_new(at, json_real(hz));
        for (int i = 0; i < 4; i++)
            json_array_append_new(stokes[i], json_real(jy[i]));
    }
    spectrum =
        json_pack("{ss so so sf sf sf so}", "type", "Tabular Spectrum", "frequency",
                  frequency(freq_hz[0] / 1e9, "GHz", name), "freqRef", frequency(0, "Hz", name),
                  "referenceFreq", freq_hz[0], "minFreq", freq_hz[ascending ? 0 : nchan - 1],
                  "maxFreq", freq_hz[ascending ? nchan - 1 : 0], "tabFreqVal", at);
    for (int i = 0; i < 4; i++)
        json_object_set_new(spectrum, names[i], stokes[i]);
    return spectrum;
}

static mms_value *point(const mms_direction *direction)
{
    const double lon = remainder(direction->lon_rad, 2 * acos(-1.0));

    return json_pack("{ss s{ss ss so so s{so so}}}", "type", "Point", "direction", "type",
                     "direction", "refer", mms_direction_name(direction->reference), "m0",
                     quantity(lon, "rad"), "m1", quantity(direction->lat_rad, "rad"), "error",
                     "longitude", quantity(0, "rad"), "latitude", quantity(0, "rad"));
}

/** Rows as casacore has a matrix: one list a column. */
static mms_value *columns_of(const mms_value *rows)
{
    mms_value *columns = json_array();

    for (size_t c = 0; c < 4; c++) {
        mms_value *column = json_array();
        for (size_t i = 0; i < json_array_size(rows); i++)
            json_array_append(column, json_array_get(json_array_get(rows, i), c));
        json_array_append_new(columns, column);
    }
    return columns;
}

mms_value *mms_model_component(const mms_flux *flux, const mms_flag_window *window,
                               const double *freq_hz, int32_t frame, bool constant,
                               const mms_direction *direction, const mms_value *rows)
{
    const double zeros[4] = {0}, middle_hz = (freq_hz[0] + freq_hz[window->nchan - 1]) / 2;
    const bool index = is_unpolarized_index(flux);
    const bool whole = window->nchan == 1 || (constant && !mms_flux_has_index(flux));
    double jy[4];
    mms_value *spectrum, *component;

    memcpy(jy, flux->stokes_jy, sizeof jy);
    if (!index)
        mms_flux_at(flux, whole ? middle_hz : freq_hz[0], jy);
    spectrum = index   ? index_spectrum(flux)
               : whole ? constant_spectrum(middle_hz)
                       : table_spectrum(flux, window->nchan, freq_hz, frame);
    component = json_pack("{s{so ss ss so} so so ss}", "flux", "value", reals(jy, 4), "unit", "Jy",
                          "polarisation", "Stokes", "error", reals(zeros, 4), "shape",
                          point(direction), "spectrum", spectrum, "label", "");
    return json_pack("{ss si so s[[i][i][i][i]] s{so si}}", "type", "componentlist", "version", 2,
                     "indexcombination", columns_of(rows), "channelselection", window->spw, 0,
                     window->nchan, 1, "container", "component0", component, "nelements", 1);
}

/* ---- the sets' tables -------------------------------------------------------------------------*/

/** A sub-table of a part by its real place: parts may share it. */
static char *real_subtable(const char *part, const char *name)
{
    char *path = mms_format("%s/%s/table.dat", part, name), *real = NULL, *folder = NULL;

    if (path && access(path, F_OK) == 0)
        real = realpath(path, NULL);
    folder = real ? mms_path_dir(real) : NULL;
    free(path);
    free(real);
    return folder;
}

char *mms_models_source(const char *part)
{
    char *source = real_subtable(part, "SOURCE"), *real = realpath(part, NULL);
    const size_t n = real ? strlen(real) : 0;

    if (source && (!real || strncmp(source, real, n) != 0 || source[n] != '/')) {
        free(source);
        source = NULL;
    }
    free(real);
    return source;
}

mms_status mms_models_find(mms_ms *ms, bool *found, mms_error *err)
{
    mms_status st = MMS_OK;

    *found = false;
    for (int64_t i = 0; i < mms_ms_nmember(ms) && st == MMS_OK && !*found; i++) {
        char *source = real_subtable(mms_ms_member_path(ms, i), "SOURCE");
        const mms_model_tables paths = {mms_ms_member_path(ms, i), source, NULL};
        st = mms_table_has_models(&paths, found, err);
        free(source);
    }
    return st;
}

mms_status mms_models_keep(mms_undo *undo, mms_ms *ms, mms_error *err)
{
    mms_status st = MMS_OK;

    for (int64_t i = 0; i < mms_ms_nmember(ms) && st == MMS_OK; i++) {
        const char *part = mms_ms_member_path(ms, i);
        char *source = real_subtable(part, "SOURCE");
        st = mms_undo_keep_table(undo, part, false, err);
        if (st == MMS_OK && source)
            st = mms_undo_keep_table(undo, source, true, err);
        free(source);
    }
    return st;
}

static mms_value *tables_of(mms_ms *ms)
{
    mms_value *parts = json_array();

    for (int64_t i = 0; i < mms_ms_nmember(ms); i++) {
        const char *part = mms_ms_member_path(ms, i);
        char *source = real_subtable(part, "SOURCE"), *field = real_subtable(part, "FIELD");
        json_array_append_new(parts,
                              mms_model_tables_encode(&(mms_model_tables){part, source, field}));
        free(source);
        free(field);
    }
    return parts;
}

/** The tables in which models are. */
static mms_value *changed_by(const mms_value *parts)
{
    mms_value *const tables = json_array();

    for (size_t i = 0; i < json_array_size(parts); i++) {
        mms_model_tables of;
        if (mms_model_tables_decode(json_array_get(parts, i), &of, NULL) != MMS_OK)
            continue;
        json_array_append_new(tables, mms_text_value(of.main));
        if (of.source)
            json_array_append_new(tables, mms_text_value(of.source));
    }
    return tables;
}

mms_status mms_models_change(mms_ms *ms, const mms_undo *undo, const mms_change_request *how,
                             const mms_value *models, mms_error *err)
{
    mms_units units = {0};
    mms_value *parts = NULL;
    mms_status st;

    MMS_TRY(mms_units_open(1, &units, err));
    parts = tables_of(ms);
    MMS_TRY(mms_units_add(&units, "the virtual models",
                          mms_units_changing(mms_models_order_encode(&(mms_models_order){
                                                 models, parts, mms_undo_lock_path(undo)}),
                                             changed_by(parts)),
                          err));
    MMS_TRY(mms_units_run(&units, how, err));
done:
    mms_value_free(&parts);
    mms_units_close(&units);
    return st;
}

mms_status mms_models_run(mms_change *c, const mms_change_request *how, const mms_value *models,
                          bool *wrote, mms_value *result, mms_error *err)
{
    const char *const none[] = {NULL};
    mms_status st;

    MMS_TRY(mms_undo_check(c->ms, err));
    MMS_TRY(mms_change_begin(how, err));
    *wrote = true;
    MMS_TRY(mms_change_take_undo(how, &c->undo, err));
    st = mms_models_keep(c->undo, c->ms, err);
    if (st == MMS_OK)
        st = mms_change_keep(how, c->undo, c->ms, NULL, none, err);
    if (st == MMS_OK)
        st = mms_models_change(c->ms, c->undo, how, models, err);
    st = mms_change_end(how, c->ms, &c->undo, st, err);
    json_object_set_new(result, "vis", mms_text_value(mms_ms_path(c->ms)));
    json_object_set_new(result, "parts", json_integer(mms_ms_nmember(c->ms)));
    json_object_set_new(result, "changed_rows", json_integer(0));
done:
    return st;
}

/* ---- the unit ---------------------------------------------------------------------------------*/

/* A part that has none is not written to: a journal may call it done. */
mms_status mms_models_clear(const mms_model_tables *tables, mms_error *err)
{
    bool found = false;
    const mms_status st = mms_table_has_models(tables, &found, err);

    return st == MMS_OK && found ? mms_table_change_models(tables, NULL, err) : st;
}

mms_status mms_models_unit(const mms_value *order, mms_error *err)
{
    mms_models_order o;
    mms_value *part;
    int fd = -1;
    size_t i;
    mms_status st;

    MMS_TRY(mms_models_order_decode(order, &o, err));
    MMS_TRY(mms_undo_hold(order, &fd, err));
    json_array_foreach(o.parts, i, part)
    {
        mms_model_tables paths;
        MMS_TRY(mms_model_tables_decode(part, &paths, err));
        MMS_TRY(o.models ? mms_table_change_models(&paths, o.models, err)
                         : mms_models_clear(&paths, err));
    }
done:
    if (fd >= 0)
        close(fd);
    return st;
}
