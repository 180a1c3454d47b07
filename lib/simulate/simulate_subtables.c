/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file simulate_subtables.c  The sub-tables of a simulated MS: rows as CASA and casacore expect
 * them. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ms/columns.h"
#include "simulate_priv.h"

/* One sub-table while it is written */
struct subtable {
    const struct sim *sim;
    mms_table *table;
    int64_t row;
    mms_error *err;
};

typedef mms_status write_rows(struct subtable *t);

/* Append a row: cells is an object of columns, which is taken over */
static mms_status add_row(struct subtable *t, mms_value *cells)
{
    const char *column;
    mms_value *value;
    mms_status st;

    if (!cells)
        return mms_fail(t->err, MMS_ERR_MEM, "out of memory");
    MMS_TRY(mms_table_add_rows(t->table, 1, t->err));
    json_object_foreach(cells, column, value)
        MMS_TRY(mms_table_put_cell(t->table, column, t->row, value, t->err));
    t->row++;
done:
    mms_value_free(&cells);
    return st;
}

static double start_s(const struct sim *sim)
{
    return sim_time(sim, 0, 0) - 0.5 * sim->o.interval_s;
}

static double end_s(const struct sim *sim)
{
    return sim_time(sim, sim->nscan - 1, sim->nint - 1) + 0.5 * sim->o.interval_s;
}

static bool is_alma(const struct sim *sim)
{
    return !strcmp(sim->o.telescope, "ALMA");
}

/* n numbers: first, first + step, … */
static mms_value *list_of(int64_t n, double first, double step)
{
    mms_value *const list = json_array();

    for (int64_t i = 0; list && i < n; i++)
        json_array_append_new(list, json_real(first + step * (double)i));
    return list;
}

static mms_status write_antenna(struct subtable *t)
{
    const struct sim *const sim = t->sim;
    mms_status st = MMS_OK;

    for (int32_t a = 0; st == MMS_OK && a < sim->nant; a++) {
        const double *const p = sim->position + 3 * (int64_t)a;
        char name[32], station[32];
        snprintf(name, sizeof name, is_alma(sim) ? "DA%02d" : "ea%02d", a + 1);
        snprintf(station, sizeof station, "P%02d", a + 1);
        st =
            add_row(t, json_pack("{s:s, s:s, s:s, s:s, s:[f,f,f], s:[f,f,f], s:f, s:b}", "NAME",
                                 name, "STATION", station, "TYPE", "GROUND-BASED", "MOUNT",
                                 "ALT-AZ", "POSITION", p[0], p[1], p[2], "OFFSET", 0.0, 0.0, 0.0,
                                 "DISH_DIAMETER", is_alma(sim) ? 12.0 : 25.0, MMS_COL_FLAG_ROW, 0));
    }
    return st;
}

static mms_status write_data_description(struct subtable *t)
{
    mms_status st = MMS_OK;

    for (int32_t dd = 0; st == MMS_OK && dd < t->sim->ndd; dd++)
        st = add_row(t, json_pack("{s:i, s:i, s:b}", "SPECTRAL_WINDOW_ID", dd / t->sim->nsetup,
                                  "POLARIZATION_ID", dd % t->sim->nsetup, MMS_COL_FLAG_ROW, 0));
    return st;
}

static bool is_circular(const struct sim *sim)
{
    return sim->setups[0].corr[0] >= 5 && sim->setups[0].corr[0] <= 8;
}

static mms_status write_feed(struct subtable *t)
{
    const struct sim *const sim = t->sim;
    const double time = (start_s(sim) + end_s(sim)) / 2, interval = end_s(sim) - start_s(sim);
    const char *const first = is_circular(sim) ? "R" : "X";
    const char *const second = is_circular(sim) ? "L" : "Y";
    mms_status st = MMS_OK;

    for (int32_t i = 0; st == MMS_OK && i < sim->nant * sim->nspw; i++)
        st = add_row(t, json_pack("{s:i, s:i, s:i, s:f, s:f, s:i, s:i, s:[[f,f],[f,f]], s:[s,s], "
                                  "s:[[[f,f],[f,f]],[[f,f],[f,f]]], s:[f,f,f], s:[f,f]}",
                                  "ANTENNA_ID", i / sim->nspw, "FEED_ID", 0, "SPECTRAL_WINDOW_ID",
                                  i % sim->nspw, MMS_COL_TIME, time, MMS_COL_INTERVAL, interval,
                                  "NUM_RECEPTORS", 2, "BEAM_ID", -1, "BEAM_OFFSET", 0.0, 0.0, 0.0,
                                  0.0, "POLARIZATION_TYPE", first, second, "POL_RESPONSE", 1.0, 0.0,
                                  0.0, 0.0, 0.0, 0.0, 1.0, 0.0, "POSITION", 0.0, 0.0, 0.0,
                                  "RECEPTOR_ANGLE", 0.0, 0.0));
    return st;
}

static mms_status write_field(struct subtable *t)
{
    mms_status st = MMS_OK;

    for (int32_t f = 0; st == MMS_OK && f < t->sim->nfield; f++) {
        char name[32];
        double d[2];
        snprintf(name, sizeof name, "F%d", f);
        sim_direction(f, d);
        st =
            add_row(t, json_pack("{s:s, s:s, s:f, s:i, s:i, s:b, s:[[f,f]], s:[[f,f]], s:[[f,f]]}",
                                 "NAME", name, "CODE", "", MMS_COL_TIME, start_s(t->sim),
                                 "NUM_POLY", 0, "SOURCE_ID", f, MMS_COL_FLAG_ROW, 0, "DELAY_DIR",
                                 d[0], d[1], "PHASE_DIR", d[0], d[1], "REFERENCE_DIR", d[0], d[1]));
    }
    return st;
}

static mms_status write_history(struct subtable *t)
{
    const char *const request = t->sim->o.history;

    if (!request)
        return MMS_OK;
    return add_row(t, json_pack("{s:f, s:i, s:s, s:s, s:s, s:i, s:s, s:[s], s:[s]}", MMS_COL_TIME,
                                start_s(t->sim), MMS_COL_OBSERVATION_ID, 0, "MESSAGE", request,
                                "PRIORITY", "NORMAL", "ORIGIN", "multims simulate", "OBJECT_ID", 0,
                                "APPLICATION", "multims", "CLI_COMMAND", "", "APP_PARAMS", ""));
}

static mms_status write_observation(struct subtable *t)
{
    const double start = start_s(t->sim), end = end_s(t->sim);

    return add_row(t,
                   json_pack("{s:s, s:[f,f], s:s, s:[s], s:s, s:[s], s:s, s:f, s:b}",
                             "TELESCOPE_NAME", t->sim->o.telescope, "TIME_RANGE", start, end,
                             "OBSERVER", "multims", "LOG", "", "SCHEDULE_TYPE", "", "SCHEDULE", "",
                             "PROJECT", "simulated", "RELEASE_DATE", 0.0, MMS_COL_FLAG_ROW, 0));
}

/* Receptors that a correlation multiplies: codes 5..8 and 9..12 are RR RL LR LL and XX XY YX YY */
static mms_value *corr_product(const struct sim_setup *setup)
{
    mms_value *const list = json_array();

    for (int32_t c = 0; list && c < setup->ncorr; c++) {
        const int32_t pair = (setup->corr[c] - 1) % 4;
        json_array_append_new(list, json_pack("[i,i]", pair / 2, pair % 2));
    }
    return list;
}

static mms_status write_polarization(struct subtable *t)
{
    mms_status st = MMS_OK;

    for (int32_t p = 0; st == MMS_OK && p < t->sim->nsetup; p++) {
        const struct sim_setup *const setup = &t->sim->setups[p];
        mms_value *const types = json_array();
        for (int32_t c = 0; types && c < setup->ncorr; c++)
            json_array_append_new(types, json_integer(setup->corr[c]));
        st = add_row(t, json_pack("{s:i, s:o, s:o, s:b}", "NUM_CORR", setup->ncorr, "CORR_TYPE",
                                  types, "CORR_PRODUCT", corr_product(setup), MMS_COL_FLAG_ROW, 0));
    }
    return st;
}

static mms_status write_processor(struct subtable *t)
{
    return add_row(t, json_pack("{s:s, s:s, s:i, s:i, s:b}", "TYPE", "CORRELATOR", "SUB_TYPE", "",
                                "TYPE_ID", -1, "MODE_ID", -1, MMS_COL_FLAG_ROW, 0));
}

static mms_status write_spectral_window(struct subtable *t)
{
    enum { TOPO = 5 };
    const double width = t->sim->o.chan_width_hz;
    mms_status st = MMS_OK;

    for (int32_t spw = 0; st == MMS_OK && spw < t->sim->nspw; spw++) {
        const int64_t n = sim_nchan(t->sim, spw * t->sim->nsetup);
        const double first = sim_start_freq_hz(t->sim, spw);
        char name[32];
        snprintf(name, sizeof name, "SPW%d", spw);
        st = add_row(t, json_pack("{s:I, s:s, s:f, s:o, s:o, s:o, s:o, s:i, s:f, s:i, s:i, s:i, "
                                  "s:s, s:b}",
                                  "NUM_CHAN", (json_int_t)n, "NAME", name, "REF_FREQUENCY", first,
                                  "CHAN_FREQ", list_of(n, first, width), "CHAN_WIDTH",
                                  list_of(n, width, 0), "EFFECTIVE_BW", list_of(n, width, 0),
                                  "RESOLUTION", list_of(n, width, 0), "MEAS_FREQ_REF", TOPO,
                                  "TOTAL_BANDWIDTH", width * (double)n, "NET_SIDEBAND", 1,
                                  "IF_CONV_CHAIN", 0, "FREQ_GROUP", 0, "FREQ_GROUP_NAME", "",
                                  MMS_COL_FLAG_ROW, 0));
    }
    return st;
}

static mms_status write_state(struct subtable *t)
{
    mms_status st = MMS_OK;

    for (int32_t s = 0; st == MMS_OK && s < t->sim->nstate; s++)
        st = add_row(t, json_pack("{s:b, s:b, s:f, s:f, s:i, s:s, s:b}", "SIG", 1, "REF", 0, "CAL",
                                  0.0, "LOAD", 0.0, "SUB_SCAN", 0, "OBS_MODE", t->sim->states[s],
                                  MMS_COL_FLAG_ROW, 0));
    return st;
}

static mms_status write_source(struct subtable *t)
{
    const struct sim *const sim = t->sim;
    const double time = (start_s(sim) + end_s(sim)) / 2, interval = end_s(sim) - start_s(sim);
    mms_status st = MMS_OK;

    for (int32_t f = 0; f < sim->nfield; f++)
        for (int32_t spw = 0; st == MMS_OK && spw < sim->nspw; spw++) {
            char name[32];
            double d[2];
            snprintf(name, sizeof name, "F%d", f);
            sim_direction(f, d);
            st = add_row(t, json_pack("{s:i, s:f, s:f, s:i, s:i, s:s, s:i, s:s, s:[f,f], s:[f,f], "
                                      "s:[f], s:[f]}",
                                      "SOURCE_ID", f, MMS_COL_TIME, time, MMS_COL_INTERVAL,
                                      interval, "SPECTRAL_WINDOW_ID", spw, "NUM_LINES", 1, "NAME",
                                      name, "CALIBRATION_GROUP", 0, "CODE", "", "DIRECTION", d[0],
                                      d[1], "PROPER_MOTION", 0.0, 0.0, "REST_FREQUENCY",
                                      sim_start_freq_hz(sim, spw), "SYSVEL", 0.0));
        }
    return st;
}

static mms_status write_syscal(struct subtable *t)
{
    const struct sim *const sim = t->sim;
    const double interval = sim->nint * sim->o.interval_s;
    mms_status st = MMS_OK;

    for (int32_t scan = 0; scan < sim->nscan; scan++)
        for (int32_t i = 0; st == MMS_OK && i < sim->nant * sim->nspw; i++) {
            const double tsys = 30 + scan + (double)i / 64;
            st = add_row(t,
                         json_pack("{s:i, s:i, s:i, s:f, s:f, s:[f,f]}", "ANTENNA_ID",
                                   i / sim->nspw, "FEED_ID", 0, "SPECTRAL_WINDOW_ID", i % sim->nspw,
                                   MMS_COL_TIME, sim_time(sim, scan, 0) + interval / 2,
                                   MMS_COL_INTERVAL, interval, "TSYS", tsys, tsys + 1));
        }
    return st;
}

static mms_status write_weather(struct subtable *t)
{
    const struct sim *const sim = t->sim;
    const double interval = sim->nint * sim->o.interval_s;
    mms_status st = MMS_OK;

    for (int32_t i = 0; st == MMS_OK && i < sim->nscan * sim->nant; i++)
        st = add_row(t, json_pack("{s:i, s:f, s:f, s:f}", "ANTENNA_ID", i % sim->nant, MMS_COL_TIME,
                                  sim_time(sim, i / sim->nant, 0), MMS_COL_INTERVAL, interval,
                                  "TEMPERATURE", 273.15 + i % 16));
    return st;
}

/* POINTING may have as many rows as there are antennas and times: one integration at a time */
struct pointing_block {
    int32_t *antenna;
    double *time, *interval, *direction;
    unsigned char *tracking;
};

static mms_status put_pointing(struct subtable *t, const struct pointing_block *b)
{
    static const int64_t direction[] = {1, 2};
    const int64_t n = t->sim->nant;
    const mms_rows rows = {t->row, n};
    mms_error *const err = t->err;
    mms_status st;

    MMS_TRY(mms_table_add_rows(t->table, n, err));
    MMS_TRY(mms_table_put(t->table, "ANTENNA_ID", 1, &rows, 0, NULL, n, b->antenna, err));
    MMS_TRY(mms_table_put(t->table, MMS_COL_TIME, 1, &rows, 0, NULL, n, b->time, err));
    MMS_TRY(mms_table_put(t->table, "TIME_ORIGIN", 1, &rows, 0, NULL, n, b->time, err));
    MMS_TRY(mms_table_put(t->table, MMS_COL_INTERVAL, 1, &rows, 0, NULL, n, b->interval, err));
    MMS_TRY(mms_table_put(t->table, "TRACKING", 1, &rows, 0, NULL, n, b->tracking, err));
    MMS_TRY(mms_table_put(t->table, "DIRECTION", 1, &rows, 2, direction, 2 * n, b->direction, err));
    MMS_TRY(mms_table_put(t->table, "TARGET", 1, &rows, 2, direction, 2 * n, b->direction, err));
    t->row += n;
done:
    return st;
}

static void fill_pointing(const struct sim *sim, int32_t scan, int32_t integration,
                          struct pointing_block *b)
{
    double d[2];

    sim_direction(scan % sim->nfield, d);
    for (int32_t a = 0; a < sim->nant; a++) {
        b->antenna[a] = a;
        b->time[a] = sim_time(sim, scan, integration);
        b->interval[a] = sim->o.interval_s;
        b->tracking[a] = 1;
        b->direction[2 * a] = d[0];
        b->direction[2 * a + 1] = d[1];
    }
}

static mms_status write_pointing(struct subtable *t)
{
    const struct sim *const sim = t->sim;
    struct pointing_block b = {mms_alloc(sim->nant, sizeof *b.antenna),
                               mms_alloc(sim->nant, sizeof *b.time),
                               mms_alloc(sim->nant, sizeof *b.interval),
                               mms_alloc(2 * (int64_t)sim->nant, sizeof *b.direction),
                               mms_alloc(sim->nant, sizeof *b.tracking)};
    mms_status st = MMS_OK;

    if (!b.antenna || !b.time || !b.interval || !b.direction || !b.tracking)
        st = mms_fail(t->err, MMS_ERR_MEM, "out of memory");
    for (int32_t scan = 0; scan < sim->nscan && sim->o.pointing; scan++)
        for (int32_t i = 0; st == MMS_OK && i < sim->nint; i++) {
            fill_pointing(sim, scan, i, &b);
            st = put_pointing(t, &b);
        }
    free(b.antenna);
    free(b.time);
    free(b.interval);
    free(b.direction);
    free(b.tracking);
    return st;
}

static const char *const syscal_columns[] = {"TSYS", NULL};
static const char *const source_columns[] = {"REST_FREQUENCY", "SYSVEL", NULL};
static const char *const weather_columns[] = {"TEMPERATURE", NULL};

/* casacore leaves four bytes of an untiled, free-shaped matrix unset: with fixed shapes the same
 * parameters give the same bytes */
struct matrices {
    int rows;
    const char *columns[4];
};
static const struct matrices feed_matrices = {2, {"BEAM_OFFSET", "POL_RESPONSE"}};
static const struct matrices field_matrices = {1, {"DELAY_DIR", "PHASE_DIR", "REFERENCE_DIR"}};
static const struct matrices pointing_matrices = {1, {"DIRECTION", "TARGET"}};

static const struct kind {
    const char *name;
    size_t switch_offset; /* of the bool in mms_simulate_opts; 0: required sub-table */
    const char *const *optional;
    const struct matrices *matrices;
    write_rows *write;
} kinds[] = {
    {"ANTENNA", 0, NULL, NULL, write_antenna},
    {"DATA_DESCRIPTION", 0, NULL, NULL, write_data_description},
    {"FEED", 0, NULL, &feed_matrices, write_feed},
    {"FIELD", 0, NULL, &field_matrices, write_field},
    {"FLAG_CMD", 0, NULL, NULL, NULL},
    {"HISTORY", 0, NULL, NULL, write_history},
    {"OBSERVATION", 0, NULL, NULL, write_observation},
    {"POINTING", 0, NULL, &pointing_matrices, write_pointing},
    {"POLARIZATION", 0, NULL, NULL, write_polarization},
    {"PROCESSOR", 0, NULL, NULL, write_processor},
    {"SPECTRAL_WINDOW", 0, NULL, NULL, write_spectral_window},
    {"STATE", 0, NULL, NULL, write_state},
    {"SOURCE", offsetof(mms_simulate_opts, source), source_columns, NULL, write_source},
    {"SYSCAL", offsetof(mms_simulate_opts, syscal), syscal_columns, NULL, write_syscal},
    {"WEATHER", offsetof(mms_simulate_opts, weather), weather_columns, NULL, write_weather},
};

static mms_value *fix_matrices(const struct matrices *matrices)
{
    mms_value *const columns = json_array();

    for (const char *const *c = matrices->columns; *c; c++)
        json_array_append_new(columns, json_string(*c));
    return json_pack("[{s:s, s:s, s:[i,i], s:o}]", "type", "StandardStMan", "name", "Fixed", "cell",
                     matrices->rows, 2, "columns", columns);
}

static mms_status write_subtable(const struct sim *sim, const struct kind *kind, mms_table *main,
                                 mms_error *err)
{
    mms_table_standard what = {
        .kind = kind->name, .optional = kind->optional, .big_endian = sim->o.big_endian};
    mms_value *managers = NULL;
    char *const path = mms_format("%s/%s", mms_table_path(main), kind->name);
    struct subtable t = {.sim = sim, .err = err};
    mms_status st;

    if (!path)
        MMS_TRY(mms_fail(err, MMS_ERR_MEM, "out of memory"));
    if (kind->matrices)
        managers = fix_matrices(kind->matrices);
    what.managers = managers;
    MMS_TRY(mms_table_create_standard_as(path, &what, &t.table, err));
    if (kind->write)
        MMS_TRY(kind->write(&t));
    MMS_TRY(mms_table_close(&t.table, err));
    MMS_TRY(mms_table_link_subtable(main, kind->name, path, err));
done:
    mms_table_drop(&t.table);
    mms_value_free(&managers);
    free(path);
    return st;
}

mms_status sim_write_subtables(const struct sim *sim, mms_table *main, mms_error *err)
{
    mms_status st = MMS_OK;

    for (int64_t i = 0; st == MMS_OK && i < MMS_COUNT_OF(kinds); i++) {
        const size_t at = kinds[i].switch_offset;
        if (!at || *(const bool *)((const char *)&sim->o + at))
            st = write_subtable(sim, &kinds[i], main, err);
    }
    return st;
}
