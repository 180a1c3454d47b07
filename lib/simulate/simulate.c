/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file simulate.c  A simulated MeasurementSet: the request, its rows in order, and the whole. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "simulate_priv.h"

static const struct {
    const char *name;
    int32_t code;
} stokes[] = {{"I", 1},  {"Q", 2},  {"U", 3},  {"V", 4},   {"RR", 5},  {"RL", 6},
              {"LR", 7}, {"LL", 8}, {"XX", 9}, {"XY", 10}, {"YX", 11}, {"YY", 12}};

static mms_status no_memory(mms_error *err)
{
    return mms_fail(err, MMS_ERR_MEM, "out of memory");
}

static mms_status add_correlation(struct sim_setup *setup, const char *name, mms_error *err)
{
    for (int64_t i = 0; i < MMS_COUNT_OF(stokes); i++)
        if (!strcmp(stokes[i].name, name)) {
            if (setup->ncorr == SIM_MAX_CORR)
                return mms_fail(err, MMS_ERR_ARG,
                                "parameter correlations: more than %d in one setup", SIM_MAX_CORR);
            setup->corr[setup->ncorr++] = stokes[i].code;
            return MMS_OK;
        }
    return mms_fail(err, MMS_ERR_ARG,
                    "parameter correlations: %s is none of 1, 2, 4, I, Q, U, V, RR, RL, LR, LL, "
                    "XX, XY, YX, YY",
                    *name ? name : "''");
}

/* "2" stands for "XX,YY" */
static const char *names_of_count(const char *text)
{
    static const char *const names[] = {"1", "XX", "2", "XX,YY", "4", "XX,XY,YX,YY", NULL};

    for (const char *const *n = names; *n; n += 2)
        if (!strcmp(*n, text))
            return n[1];
    return text;
}

static mms_status parse_setup(struct sim_setup *setup, const char *text, mms_error *err)
{
    char *const names = strdup(names_of_count(text));
    char *rest = names;
    mms_status st = names ? MMS_OK : no_memory(err);

    while (st == MMS_OK && rest) {
        const char *const name = strsep(&rest, ",");
        st = add_correlation(setup, name, err);
    }
    free(names);
    return st;
}

/* Cut text at ';' into a new list of new texts */
static mms_status cut_list(const char *text, char ***list, int32_t *count, mms_error *err)
{
    int32_t n = 1;
    const char *end;

    for (const char *s = text; *s; s++)
        n += *s == ';';
    *list = mms_alloc(n, sizeof **list);
    if (!*list)
        return no_memory(err);
    for (*count = 0; *count < n; text = end + 1) {
        end = text + strcspn(text, ";");
        (*list)[*count] = strndup(text, (size_t)(end - text));
        if (!(*list)[(*count)++])
            return no_memory(err);
    }
    return MMS_OK;
}

static void free_list(char **list, int32_t count)
{
    for (int32_t i = 0; list && i < count; i++)
        free(list[i]);
    free(list);
}

static mms_status parse_setups(struct sim *sim, mms_error *err)
{
    char **texts = NULL;
    int32_t n = 0;
    mms_status st;

    MMS_TRY(cut_list(sim->o.correlations, &texts, &n, err));
    sim->setups = mms_alloc(n, sizeof *sim->setups);
    if (!sim->setups)
        MMS_TRY(no_memory(err));
    for (; sim->nsetup < n; sim->nsetup++)
        MMS_TRY(parse_setup(&sim->setups[sim->nsetup], texts[sim->nsetup], err));
    sim->ndd = sim->nspw * sim->nsetup;
done:
    free_list(texts, n);
    return st;
}

static mms_status parse_missing(struct sim *sim, mms_error *err)
{
    const char *s = sim->o.missing;

    sim->missing = mms_alloc((int64_t)sim->nscan * sim->nspw, sizeof *sim->missing);
    if (!sim->missing)
        return no_memory(err);
    while (*s) {
        int64_t scan, spw;
        int used = 0;
        if (sscanf(s, "%" SCNd64 ":%" SCNd64 "%n", &scan, &spw, &used) != 2 ||
            (s[used] && s[used] != ','))
            return mms_fail(err, MMS_ERR_ARG, "parameter missing: %s is not a list of SCAN:SPW",
                            sim->o.missing);
        scan -= sim->o.first_scan;
        if (scan < 0 || scan >= sim->nscan || spw < 0 || spw >= sim->nspw)
            return mms_fail(err, MMS_ERR_ARG, "parameter missing: no scan or spw %.*s", used, s);
        sim->missing[scan * sim->nspw + spw] = true;
        s += used + (s[used] == ',');
    }
    return MMS_OK;
}

static mms_status check_count(const char *name, int64_t value, int64_t most, int32_t *count,
                              mms_error *err)
{
    if (value < 1 || value > most)
        return mms_fail(err, MMS_ERR_ARG, "parameter %s: %" PRId64 " is not between 1 and %" PRId64,
                        name, value, most);
    *count = (int32_t)value;
    return MMS_OK;
}

static mms_status check_counts(struct sim *sim, mms_error *err)
{
    const mms_simulate_opts *const o = &sim->o;
    int32_t channels;
    mms_status st;

    MMS_TRY(check_count("antennas", o->antennas, 10000, &sim->nant, err));
    MMS_TRY(check_count("scans", o->scans, 10000000, &sim->nscan, err));
    MMS_TRY(check_count("fields", o->fields, 100000, &sim->nfield, err));
    MMS_TRY(check_count("spws", o->spws, 100000, &sim->nspw, err));
    MMS_TRY(check_count("integrations", o->integrations, 100000000, &sim->nint, err));
    if (o->nchannels != 1 && o->nchannels != o->spws)
        MMS_TRY(mms_fail(err, MMS_ERR_ARG,
                         "parameter channels: %" PRId64 " numbers for %" PRId64
                         " spws; give one, or one for each",
                         o->nchannels, o->spws));
    for (int64_t i = 0; i < o->nchannels; i++)
        MMS_TRY(check_count("channels", o->channels[i], 10000000, &channels, err));
    if (o->antennas == 1 && !o->autocorrelations)
        MMS_TRY(mms_fail(err, MMS_ERR_ARG,
                         "parameter antennas: one antenna has no rows without autocorrelations"));
done:
    return st;
}

/* Places on a spiral around the telescope's centre, in the plane of its horizon */
static void place_antennas(struct sim *sim)
{
    static const double vla[3] = {-1601185.4, -5041977.5, 3554875.9};
    static const double alma[3] = {2225061.3, -5440057.4, -2481681.2};
    static const double golden_angle = 2.399963229728653;
    const double *const centre = strcmp(sim->o.telescope, "ALMA") ? vla : alma;
    const double lon = atan2(centre[1], centre[0]);
    const double lat = atan2(centre[2], hypot(centre[0], centre[1]));

    for (int32_t a = 0; a < sim->nant; a++) {
        const double r = 30.0 * (a + 1), angle = golden_angle * a;
        const double east = r * sin(angle), north = r * cos(angle);
        double *const p = sim->position + 3 * (int64_t)a;
        p[0] = centre[0] - east * sin(lon) - north * sin(lat) * cos(lon);
        p[1] = centre[1] + east * cos(lon) - north * sin(lat) * sin(lon);
        p[2] = centre[2] + north * cos(lat);
    }
}

static mms_status make_baselines(struct sim *sim, mms_error *err)
{
    const int64_t nant = sim->nant;
    const int32_t self = sim->o.autocorrelations ? 0 : 1;
    const int64_t n = nant * (nant + 1 - 2 * self) / 2;
    int32_t b = 0;

    sim->ant1 = mms_alloc(n, sizeof *sim->ant1);
    sim->ant2 = mms_alloc(n, sizeof *sim->ant2);
    sim->position = mms_alloc(3 * nant, sizeof *sim->position);
    if (!sim->ant1 || !sim->ant2 || !sim->position)
        return no_memory(err);
    for (int32_t i = 0; i < sim->nant; i++)
        for (int32_t j = i + self; j < sim->nant; j++, b++) {
            sim->ant1[b] = i;
            sim->ant2[b] = j;
        }
    sim->nbaseline = b;
    place_antennas(sim);
    return MMS_OK;
}

static mms_status count_rows(struct sim *sim, mms_error *err)
{
    const int64_t most = INT64_MAX / 1024;
    const int64_t per_group = (int64_t)sim->nbaseline * sim->nint * sim->nsetup;
    int64_t groups = 0;

    for (int64_t i = 0; i < (int64_t)sim->nscan * sim->nspw; i++)
        groups += !sim->missing[i];
    if (groups > most / per_group)
        return mms_fail(err, MMS_ERR_RANGE, "too many rows");
    sim->nrow = groups * per_group;
    return MMS_OK;
}

mms_status sim_init(struct sim *sim, const mms_simulate_opts *opts, mms_error *err)
{
    mms_status st;

    *sim = (struct sim){.o = *opts};
    MMS_TRY(check_counts(sim, err));
    MMS_TRY(parse_setups(sim, err));
    MMS_TRY(cut_list(opts->intents, &sim->states, &sim->nstate, err));
    MMS_TRY(parse_missing(sim, err));
    MMS_TRY(make_baselines(sim, err));
    MMS_TRY(count_rows(sim, err));
    MMS_TRY(sim_check_layout(sim, err));
    MMS_TRY(sim_read_line(sim, err));
done:
    return st;
}

void sim_free(struct sim *sim)
{
    free(sim->setups);
    free_list(sim->states, sim->nstate);
    free(sim->missing);
    free(sim->ant1);
    free(sim->ant2);
    free(sim->position);
    free(sim->line_hz);
}

static int64_t row_bytes(const struct sim *sim, int32_t dd)
{
    int64_t bytes = 0;

    for (const struct sim_column *c = sim_columns; c->name; c++) {
        const int64_t cell = sim_cell_size(sim, c, dd);
        if (!sim_has_column(sim, c))
            continue;
        /* flags are bits */
        bytes +=
            c->dtype == MMS_DT_BOOL ? (cell + 7) / 8 : cell * (int64_t)mms_dtype_size(c->dtype);
    }
    return bytes;
}

/* A row of a sub-table takes some hundred bytes; SYSCAL and SOURCE rows are all of that size. */
static int64_t subtable_bytes(const struct sim *sim)
{
    const int64_t each = 512, tables = 16 * 65536;
    const int64_t antenna_times = (int64_t)sim->nant * sim->nscan;
    int64_t rows = (int64_t)sim->nant * (sim->nspw + 1) + sim->nfield + sim->nscan + sim->ndd;
    int64_t channels = 0;

    for (int32_t spw = 0; spw < sim->nspw; spw++)
        channels += sim_nchan(sim, spw * sim->nsetup);
    rows += sim->o.source ? (int64_t)sim->nfield * sim->nspw : 0;
    rows += sim->o.pointing ? antenna_times * sim->nint : 0;
    rows += sim->o.syscal ? antenna_times * sim->nspw : 0;
    return tables + each * rows + 32 * channels;
}

static mms_status count_bytes(const struct sim *sim, int64_t *bytes, mms_error *err)
{
    const int64_t per_group = (int64_t)sim->nbaseline * sim->nint;

    *bytes = subtable_bytes(sim) + sim_layout_slack(sim);
    for (int64_t i = 0; i < (int64_t)sim->nscan * sim->ndd; i++) {
        const struct sim_row at = {.scan = (int32_t)(i / sim->ndd), .dd = (int32_t)(i % sim->ndd)};
        const int64_t each = row_bytes(sim, at.dd);
        if (!sim_has_rows(sim, &at))
            continue;
        if (per_group > (INT64_MAX / 2 - *bytes) / each)
            return mms_fail(err, MMS_ERR_RANGE, "more than 4 EiB");
        *bytes += per_group * each;
    }
    return MMS_OK;
}

mms_status mms_simulate_size(const mms_simulate_opts *opts, int64_t *rows, int64_t *bytes,
                             mms_error *err)
{
    struct sim sim;
    mms_status st;

    MMS_TRY(sim_init(&sim, opts, err));
    *rows = sim.nrow;
    MMS_TRY(count_bytes(&sim, bytes, err));
done:
    sim_free(&sim);
    return st;
}

static mms_status create_main(const struct sim *sim, const char *path, mms_table **main,
                              mms_error *err)
{
    const char *optional[16] = {NULL};
    mms_table_standard what = {.kind = "MAIN", .optional = optional};
    mms_value *managers = NULL;
    int64_t n = 0;
    mms_status st;

    for (const struct sim_column *c = sim_columns; c->name; c++)
        if (c->switch_offset && sim_has_column(sim, c))
            optional[n++] = c->name;
    MMS_TRY(sim_layout(sim, &managers, err));
    what.managers = managers;
    what.max_tile_rows = sim->nrow;
    what.big_endian = sim->o.big_endian;
    MMS_TRY(mms_table_create_standard_as(path, &what, main, err));
done:
    mms_value_free(&managers);
    return st;
}

mms_status mms_simulate(const char *path, const mms_simulate_opts *opts, mms_error *err)
{
    struct sim sim;
    mms_table *main = NULL;
    mms_status st;

    MMS_TRY(sim_init(&sim, opts, err));
    MMS_TRY(sim_find_line(&sim, err));
    MMS_TRY(create_main(&sim, path, &main, err));
    MMS_TRY(sim_write_subtables(&sim, main, err));
    MMS_TRY(sim_write_main(&sim, main, err));
    MMS_TRY(mms_table_close(&main, err));
done:
    mms_table_drop(&main);
    sim_free(&sim);
    return st;
}
