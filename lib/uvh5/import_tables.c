/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file import_tables.c  The sub-tables of an imported MS. */
#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "import_priv.h"
#include "ms/columns.h"

typedef struct subtable {
    const mms_uvh5_in *in;
    mms_table *table;
    int64_t row;
    mms_error *err;
} subtable;

typedef mms_status write_rows(subtable *t);

/** Append a row; cells, an object of columns, is used up. */
static mms_status add_row(subtable *t, mms_value *cells)
{
    const char *column;
    mms_value *value;
    mms_status st;

    if (!cells)
        return mms_uvh5_in_memory(t->in, t->err);
    MMS_TRY(mms_table_add_rows(t->table, 1, t->err));
    json_object_foreach(cells, column, value)
        MMS_TRY(mms_table_put_cell(t->table, column, t->row, value, t->err));
    t->row++;
done:
    mms_value_free(&cells);
    return st;
}

static double time_s(const mms_uvh5_in *in, bool last)
{
    double jd = in->time_jd[0];

    for (int64_t i = 1; i < in->nblt; i++)
        jd = last ? fmax(jd, in->time_jd[i]) : fmin(jd, in->time_jd[i]);
    return mms_uvh5_time_s(jd);
}

/** Rows are the antennas' numbers: what lies between is flagged. */
static mms_status write_antenna(subtable *t)
{
    const mms_uvh5_in *const in = t->in;
    int64_t *const at = mms_alloc(in->nrow_ant, sizeof *at);
    mms_status st = at ? MMS_OK : mms_uvh5_in_memory(in, t->err);

    for (int64_t i = 0; at && i < in->nrow_ant; i++)
        at[i] = -1;
    for (int64_t i = 0; at && i < in->nant; i++)
        at[in->number[i]] = i;
    for (int64_t i = 0; st == MMS_OK && i < in->nrow_ant; i++) {
        const int64_t a = at[i];
        static const double zero[3] = {0, 0, 0};
        const double *const p = a < 0 ? zero : in->position_m + 3 * a;
        const char *const name =
            a < 0 ? "" : json_string_value(json_array_get(in->names, (size_t)a));
        const char *const mount =
            a < 0 || !in->mounts ? "" : json_string_value(json_array_get(in->mounts, (size_t)a));
        st = add_row(t,
                     json_pack("{s:s, s:s, s:s, s:s, s:[f,f,f], s:[f,f,f], s:o, s:b}", "NAME", name,
                               "STATION", name, "TYPE", "GROUND-BASED", "MOUNT", mount, "POSITION",
                               p[0], p[1], p[2], "OFFSET", 0.0, 0.0, 0.0, "DISH_DIAMETER",
                               mms_double_value(a < 0 || !in->dish_m ? 0 : in->dish_m[a]),
                               MMS_COL_FLAG_ROW, a < 0));
    }
    free(at);
    return st;
}

static mms_status write_data_description(subtable *t)
{
    mms_status st = MMS_OK;

    for (int64_t w = 0; st == MMS_OK && w < t->in->nspw; w++)
        st = add_row(t, json_pack("{s:I, s:i, s:b}", "SPECTRAL_WINDOW_ID", (json_int_t)w,
                                  "POLARIZATION_ID", t->in->spans[w].setup, MMS_COL_FLAG_ROW, 0));
    return st;
}

static int32_t first_type(const mms_uvh5_in *in)
{
    return in->setups[0] ? in->setups[0] : in->corr[0];
}

static mms_value *cube_of_responses(int64_t n)
{
    mms_value *const rows = json_array();

    for (int64_t i = 0; i < n; i++) {
        mms_value *const row = json_array();
        for (int64_t k = 0; k < n; k++)
            json_array_append_new(row, json_pack("[f,f]", i == k ? 1.0 : 0.0, 0.0));
        json_array_append_new(rows, row);
    }
    return rows;
}

/** Receptors as feed_array and feed_angle have them, else as the polarizations say. */
static mms_value *feed_of(const mms_uvh5_in *in, int64_t antenna, double begin_s)
{
    const int32_t type = first_type(in);
    const bool circular = type >= 5 && type <= 8;
    const int64_t n = in->feeds ? in->nfeed : 2;
    mms_value *const types = json_array(), *const angles = json_array(), *offsets = json_array();

    for (int64_t i = 0; i < n; i++) {
        const int64_t at = antenna * n + i;
        json_array_append_new(offsets, json_pack("[f,f]", 0.0, 0.0));
        if (!in->feeds) {
            json_array_append_new(types, json_string(i          ? circular ? "L" : "Y"
                                                     : circular ? "R"
                                                                : "X"));
            json_array_append_new(angles, json_real(0));
            continue;
        }
        char name[2] = {(char)toupper((unsigned char)json_string_value(
                            json_array_get(in->feeds, (size_t)at))[0]),
                        0};
        json_array_append_new(types, json_string(name));
        json_array_append_new(angles, mms_double_value(in->feed_angle ? in->feed_angle[at] : 0));
    }
    return json_pack("{s:I, s:i, s:i, s:f, s:f, s:I, s:i, s:o, s:o, s:o, s:[f,f,f], s:o}",
                     "ANTENNA_ID", (json_int_t)in->number[antenna], "FEED_ID", 0,
                     "SPECTRAL_WINDOW_ID", -1, MMS_COL_TIME, begin_s, MMS_COL_INTERVAL, 1e30,
                     "NUM_RECEPTORS", (json_int_t)n, "BEAM_ID", -1, "BEAM_OFFSET", offsets,
                     "POLARIZATION_TYPE", types, "POL_RESPONSE", cube_of_responses(n), "POSITION",
                     0.0, 0.0, 0.0, "RECEPTOR_ANGLE", angles);
}

static mms_status write_feed(subtable *t)
{
    const double begin_s = time_s(t->in, false);
    mms_status st = MMS_OK;

    for (int64_t i = 0; st == MMS_OK && i < t->in->nant; i++)
        st = add_row(t, feed_of(t->in, i, begin_s));
    return st;
}

/* ---- directions -------------------------------------------------------------------------------*/

static bool has_frames(const mms_uvh5_in *in)
{
    for (int64_t f = 1; f < in->nfield; f++)
        if (strcmp(in->fields[f].reference, in->fields[0].reference))
            return true;
    return false;
}

/** casacore's number of a frame. */
static int frame_code(const char *reference)
{
    static const struct {
        const char *name;
        int code;
    } codes[] = {{"J2000", 0}, {"APP", 3}, {"B1950", 4}, {"B1950_VLA", 5}, {"ICRS", 21}};

    for (int64_t i = 0; i < MMS_COUNT_OF(codes); i++)
        if (!strcmp(codes[i].name, reference))
            return codes[i].code;
    return 0;
}

/** One frame for all rows, or a column that has each row's. */
static mms_status set_frame(subtable *t, const char *column, const char *frames)
{
    mms_value *info;
    mms_status st;

    if (has_frames(t->in) && frames)
        info = json_pack("{s:s, s:s, s:[s,s,s,s,s], s:[i,i,i,i,i]}", "type", "direction",
                         "VarRefCol", frames, "TabRefTypes", "J2000", "APP", "B1950", "B1950_VLA",
                         "ICRS", "TabRefCodes", 0, 3, 4, 5, 21);
    else
        info = json_pack("{s:s, s:s}", "type", "direction", "Ref", t->in->fields[0].reference);
    st = info ? mms_table_set_keyword(t->table, column, "MEASINFO", info, t->err)
              : mms_uvh5_in_memory(t->in, t->err);
    json_decref(info);
    return st;
}

static const char *const directions[] = {"DELAY_DIR", "PHASE_DIR", "REFERENCE_DIR"};
static const char *const frame_columns[] = {"DelayDir_Ref", "PhaseDir_Ref", "RefDir_Ref", NULL};

static mms_status write_field(subtable *t)
{
    const double begin_s = time_s(t->in, false);
    mms_status st = MMS_OK;

    for (int i = 0; st == MMS_OK && i < 3; i++)
        st = set_frame(t, directions[i], frame_columns[i]);
    for (int64_t f = 0; st == MMS_OK && f < t->in->nfield; f++) {
        const mms_uvh5_source *const s = &t->in->fields[f];
        mms_value *const row =
            json_pack("{s:s, s:s, s:f, s:i, s:I, s:b, s:[[f,f]], s:[[f,f]], s:[[f,f]]}", "NAME",
                      s->name, "CODE", "", MMS_COL_TIME, begin_s, "NUM_POLY", 0, "SOURCE_ID",
                      (json_int_t)s->id, MMS_COL_FLAG_ROW, 0, "DELAY_DIR", s->lon, s->lat,
                      "PHASE_DIR", s->lon, s->lat, "REFERENCE_DIR", s->lon, s->lat);
        for (int i = 0; row && has_frames(t->in) && i < 3; i++)
            json_object_set_new(row, frame_columns[i], json_integer(frame_code(s->reference)));
        st = add_row(t, row);
    }
    return st;
}

static mms_status write_source(subtable *t)
{
    mms_status st = set_frame(t, "DIRECTION", NULL);

    for (int64_t f = 0; f < t->in->nfield; f++) {
        const mms_uvh5_source *const s = &t->in->fields[f];
        for (int64_t i = 0; st == MMS_OK && i < s->ntime; i++)
            st = add_row(t, json_pack("{s:I, s:f, s:f, s:i, s:i, s:s, s:i, s:s, s:[f,f], s:[f,f]}",
                                      "SOURCE_ID", (json_int_t)s->id, MMS_COL_TIME,
                                      mms_uvh5_time_s(s->times_jd[i]), MMS_COL_INTERVAL, 0.0,
                                      "SPECTRAL_WINDOW_ID", -1, "NUM_LINES", 0, "NAME", s->name,
                                      "CALIBRATION_GROUP", 0, "CODE", "", "DIRECTION", s->lons[i],
                                      s->lats[i], "PROPER_MOTION", 0.0, 0.0));
    }
    return st;
}

static mms_status write_observation(subtable *t)
{
    const mms_uvh5_in *const in = t->in;
    const char *const observer = in->observer ? json_string_value(in->observer) : "";

    return add_row(t, json_pack("{s:s, s:[f,f], s:s, s:[s], s:s, s:[s], s:s, s:f, s:b, s:[f,f,f]}",
                                "TELESCOPE_NAME",
                                in->telescope ? json_string_value(in->telescope) : "", "TIME_RANGE",
                                time_s(in, false), time_s(in, true), "OBSERVER", observer, "LOG",
                                "", "SCHEDULE_TYPE", "", "SCHEDULE", "", "PROJECT", "",
                                "RELEASE_DATE", 0.0, MMS_COL_FLAG_ROW, 0, "TELESCOPE_LOCATION",
                                in->itrf_m[0], in->itrf_m[1], in->itrf_m[2]));
}

static mms_status add_polarization(subtable *t, int64_t n, const int32_t *types)
{
    mms_value *const list = json_array(), *const products = json_array();

    for (int64_t c = 0; c < n; c++) {
        const int32_t pair = types[c] <= 4 ? (types[c] - 1) * 3 % 6 : (types[c] - 1) % 4;
        json_array_append_new(list, json_integer(types[c]));
        json_array_append_new(products, json_pack("[i,i]", pair / 2 % 2, pair % 2));
    }
    return add_row(t, json_pack("{s:I, s:o, s:o, s:b}", "NUM_CORR", (json_int_t)n, "CORR_TYPE",
                                list, "CORR_PRODUCT", products, MMS_COL_FLAG_ROW, 0));
}

static mms_status write_polarization(subtable *t)
{
    mms_status st = MMS_OK;

    if (!t->in->setups[0])
        return add_polarization(t, t->in->npol, t->in->corr);
    for (int32_t s = 0; st == MMS_OK && s < t->in->nsetup; s++)
        st = add_polarization(t, 1, &t->in->setups[s]);
    return st;
}

static mms_value *list_of(int64_t n, const double *values)
{
    mms_value *const list = json_array();

    for (int64_t i = 0; list && i < n; i++)
        json_array_append_new(list, mms_double_value(values[i]));
    return list;
}

static mms_status write_spectral_window(subtable *t)
{
    enum { TOPO = 5 };
    mms_status st = MMS_OK;

    for (int64_t w = 0; st == MMS_OK && w < t->in->nspw; w++) {
        const mms_uvh5_span *const s = &t->in->spans[w];
        const double *const freq = t->in->freq_hz + s->first, *width = t->in->width_hz + s->first;
        double total = 0;
        char name[32];
        for (int64_t c = 0; c < s->count; c++)
            total += fabs(width[c]);
        snprintf(name, sizeof name, "SPW%" PRId64, s->id);
        st =
            add_row(t, json_pack("{s:I, s:s, s:f, s:o, s:o, s:o, s:o, s:i, s:f, s:i, s:i, s:i, "
                                 "s:s, s:b, s:[I], s:[s]}",
                                 "NUM_CHAN", (json_int_t)s->count, "NAME", name, "REF_FREQUENCY",
                                 freq[0], "CHAN_FREQ", list_of(s->count, freq), "CHAN_WIDTH",
                                 list_of(s->count, width), "EFFECTIVE_BW", list_of(s->count, width),
                                 "RESOLUTION", list_of(s->count, width), "MEAS_FREQ_REF", TOPO,
                                 "TOTAL_BANDWIDTH", total, "NET_SIDEBAND", 1, "IF_CONV_CHAIN", 0,
                                 "FREQ_GROUP", 0, "FREQ_GROUP_NAME", "", MMS_COL_FLAG_ROW, 0,
                                 "ASSOC_SPW_ID", (json_int_t)s->id, "ASSOC_NATURE", ""));
    }
    return st;
}

/** A line of pyuvdata's block is APP_PARAMS;CLI_COMMAND;APPLICATION;MESSAGE;OBJECT_ID;…;TIME. */
static mms_status add_line(subtable *t, const char *line)
{
    char *copy = strdup(line), *rest = copy, *parts[9] = {NULL};
    int n = 0;
    mms_status st;

    for (; copy && rest && n < 9; n++)
        parts[n] = strsep(&rest, ";");
    const bool is_row = copy && n == 9 && !rest;
    st = !copy ? mms_uvh5_in_memory(t->in, t->err)
               : add_row(
                     t, json_pack("{s:f, s:i, s:s, s:s, s:s, s:i, s:s, s:[s], s:[s]}", MMS_COL_TIME,
                                  is_row ? strtod(parts[8], NULL) : time_s(t->in, false),
                                  MMS_COL_OBSERVATION_ID, -1, "MESSAGE", is_row ? parts[3] : line,
                                  "PRIORITY", is_row ? parts[7] : "INFO", "ORIGIN",
                                  is_row ? parts[6] : "UVH5", "OBJECT_ID", 0, "APPLICATION",
                                  is_row ? parts[2] : "", "CLI_COMMAND", is_row ? parts[1] : "",
                                  "APP_PARAMS", is_row ? parts[0] : ""));
    free(copy);
    return st;
}

static mms_status write_history(subtable *t)
{
    char *const copy = t->in->history ? strdup(json_string_value(t->in->history)) : NULL;
    char *rest = copy;
    mms_status st = MMS_OK;

    while (st == MMS_OK && rest) {
        const char *const line = strsep(&rest, "\n");
        if (*line && strcmp(line, "Begin measurement set history") &&
            strcmp(line, "End measurement set history.") && strncmp(line, "APP_PARAMS;", 11) != 0)
            st = add_line(t, line);
    }
    free(copy);
    return st;
}

static const char *const window_columns[] = {"ASSOC_SPW_ID", "ASSOC_NATURE", NULL};
static const char *const observation_columns[] = {"TELESCOPE_LOCATION", NULL};
static const struct kind {
    const char *name;
    const char *const *optional;
    write_rows *write;
} kinds[] = {
    {"ANTENNA", NULL, write_antenna},
    {"DATA_DESCRIPTION", NULL, write_data_description},
    {"FEED", NULL, write_feed},
    {"FIELD", frame_columns, write_field},
    {"FLAG_CMD", NULL, NULL},
    {"HISTORY", NULL, write_history},
    {"OBSERVATION", observation_columns, write_observation},
    {"POINTING", NULL, NULL},
    {"POLARIZATION", NULL, write_polarization},
    {"PROCESSOR", NULL, NULL},
    {"SOURCE", NULL, write_source},
    {"SPECTRAL_WINDOW", window_columns, write_spectral_window},
    {"STATE", NULL, NULL},
};

static mms_status write_subtable(const mms_uvh5_in *in, const struct kind *kind, mms_table *main,
                                 mms_error *err)
{
    char *const path = mms_format("%s/%s", mms_table_path(main), kind->name);
    const bool plain = kind->optional == frame_columns && !has_frames(in);
    subtable t = {.in = in, .err = err};
    mms_status st;

    MMS_TRY(path ? MMS_OK : mms_uvh5_in_memory(in, err));
    MMS_TRY(mms_table_create_standard(path, kind->name, plain ? NULL : kind->optional, NULL,
                                      &t.table, err));
    if (kind->write)
        MMS_TRY(kind->write(&t));
    MMS_TRY(mms_table_close(&t.table, err));
    MMS_TRY(mms_table_link_subtable(main, kind->name, path, err));
done:
    mms_table_drop(&t.table);
    free(path);
    return st;
}

static bool has_ephemeris(const mms_uvh5_in *in)
{
    for (int64_t f = 0; f < in->nfield; f++)
        if (in->fields[f].ntime)
            return true;
    return false;
}

mms_value *mms_uvh5_table_names(const mms_uvh5_in *in)
{
    mms_value *const names = json_array();

    for (int64_t i = 0; i < MMS_COUNT_OF(kinds); i++)
        if (kinds[i].write != write_source || has_ephemeris(in))
            json_array_append_new(names, json_string(kinds[i].name));
    return names;
}

mms_status mms_uvh5_write_tables(const mms_uvh5_in *in, mms_table *main, mms_error *err)
{
    mms_status st = MMS_OK;

    for (int64_t i = 0; st == MMS_OK && i < MMS_COUNT_OF(kinds); i++)
        if (kinds[i].write != write_source || has_ephemeris(in))
            st = write_subtable(in, &kinds[i], main, err);
    return st;
}
