/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file cal_table.c  CASA's calibration tables (in-place 3.1, 3.2). */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/base_priv.h"
#include "cal_priv.h"
#include "ms/columns.h"
#include "multims/log.h"
#include "tables/measures_priv.h"

/** Where a solution belongs. */
typedef struct key {
    int32_t spw, field, antenna; /**< field: 0 where it does not matter */
    double time_s;
    int64_t at, n; /**< its values */
} key;

/** The channels of a window. */
typedef struct axis {
    int64_t n;
    double *freq_hz;
} axis;

struct mms_cal_table {
    char *path;
    mms_cal_kind kind;
    int32_t npar;
    bool real;
    mms_cal_use use;
    int64_t nrow, nvalue, nspw, nset_field;
    key *keys; /**< [nrow], sorted */
    mms_cal_solution *solutions;
    mms_complex *values;
    uint8_t *flags;
    axis *spws;
    int32_t
        *nearest; /**< [nset_field] of the set: field of the table; NULL: field does not matter */
};

static mms_status no_memory(mms_error *err)
{
    return mms_fail(err, MMS_ERR_MEM, "applycal: out of memory");
}

/* ---- its type ---------------------------------------------------------------------------------*/

static const struct {
    const char *name;
    mms_cal_kind kind;
    int32_t npar;
    bool by_channel;
} types[] = {{"K Jones", MMS_CAL_K, 2, false},     {"B Jones", MMS_CAL_B, 2, true},
             {"G Jones", MMS_CAL_G, 2, false},     {"T Jones", MMS_CAL_T, 1, false},
             {"TOpac", MMS_CAL_OPACITY, 1, false}, {"D Jones", MMS_CAL_D, 2, false},
             {"Df Jones", MMS_CAL_D, 2, true}};

static mms_status find_type(mms_cal_table *t, mms_table *table, mms_error *err)
{
    mms_value *keywords = NULL;
    const char *type, *held;
    bool known = false;
    mms_status st;

    MMS_TRY(mms_table_keywords(table, NULL, &keywords, err));
    type = json_string_value(json_object_get(keywords, "VisCal"));
    held = json_string_value(json_object_get(keywords, "ParType"));
    if (!type)
        MMS_TRY(mms_fail(err, MMS_ERR_TABLE, "%s is no calibration table: it has no keyword VisCal",
                         t->path));
    for (int64_t i = 0; i < MMS_COUNT_OF(types) && !known; i++) {
        known = !strcmp(types[i].name, type);
        t->kind = types[i].kind;
        t->npar = types[i].npar;
        t->use.phase_delay = t->use.phase_delay && !(known && types[i].by_channel);
    }
    if (!known)
        MMS_TRY(mms_fail(err, MMS_ERR_UNSUPPORTED,
                         "%s: calibration tables of the type \"%s\" are not applied, but those of "
                         "the types B, G, T, K, D, Df Jones and TOpac",
                         t->path, type));
    t->real = held && !strcmp(held, "Float");
    if (t->real && t->use.phase_delay && !t->use.lined)
        st = mms_fail(err, MMS_ERR_ARG,
                      "parameter interp: %s has no phases, which PD is for, but real numbers",
                      t->path);
done:
    mms_value_free(&keywords);
    return st;
}

/* ---- its rows ---------------------------------------------------------------------------------*/

/** Make room for the values of all runs. */
static mms_status make_room(mms_cal_table *t, const mms_shape_run *runs, int64_t nrun,
                            mms_error *err)
{
    for (int64_t i = 0; i < nrun; i++) {
        if (runs[i].ndim != 2 || runs[i].shape[0] < 1 || runs[i].shape[1] != t->npar)
            return mms_fail(err, MMS_ERR_UNSUPPORTED,
                            "%s: row %" PRId64 " has not %d parameters a channel", t->path,
                            runs[i].rows.first, t->npar);
        t->nvalue += runs[i].rows.count * runs[i].shape[0] * runs[i].shape[1];
    }
    t->values = mms_alloc(t->nvalue, sizeof *t->values);
    t->flags = mms_alloc(t->nvalue, 1);
    return t->values && t->flags ? MMS_OK : no_memory(err);
}

/** Floats at the end of their room, one after the other, become complex numbers. */
static void widen(int64_t n, mms_complex *values)
{
    const float *from = (const float *)values + n;

    for (int64_t i = 0; i < n; i++)
        values[i] = from[i];
}

static mms_status read_run(mms_cal_table *t, mms_table *table, const mms_shape_run *run, int64_t at,
                           mms_error *err)
{
    const int64_t cell = run->shape[0] * run->shape[1], n = run->rows.count * cell;
    mms_complex *to = t->values + at;
    mms_status st;

    MMS_TRY(t->real ? mms_table_get(table, "FPARAM", 1, &run->rows, n, (float *)to + n, err)
                    : mms_table_get(table, "CPARAM", 1, &run->rows, n, to, err));
    if (t->real)
        widen(n, to);
    MMS_TRY(mms_table_get(table, MMS_COL_FLAG, 1, &run->rows, n, t->flags + at, err));
    for (int64_t i = 0; i < run->rows.count; i++) {
        t->keys[run->rows.first + i].at = at + i * cell;
        t->keys[run->rows.first + i].n = cell;
    }
done:
    return st;
}

static mms_status read_values(mms_cal_table *t, mms_table *table, mms_error *err)
{
    const mms_rows all = {0, t->nrow};
    mms_shape_run *runs = NULL;
    int64_t nrun = 0, at = 0;
    mms_status st;

    MMS_TRY(mms_table_shapes(table, t->real ? "FPARAM" : "CPARAM", 1, &all, &runs, &nrun, err));
    MMS_TRY(make_room(t, runs, nrun, err));
    for (int64_t i = 0; i < nrun; i++) {
        MMS_TRY(read_run(t, table, &runs[i], at, err));
        at += runs[i].rows.count * runs[i].shape[0] * runs[i].shape[1];
    }
done:
    free(runs);
    return st;
}

static mms_status read_keys(mms_cal_table *t, mms_table *table, mms_error *err)
{
    int32_t *spw = NULL, *field = NULL, *antenna = NULL;
    double *time_s = NULL;
    mms_status st;

    MMS_TRY(mms_table_get_ints(table, "SPECTRAL_WINDOW_ID", &spw, err));
    MMS_TRY(mms_table_get_ints(table, MMS_COL_FIELD_ID, &field, err));
    MMS_TRY(mms_table_get_ints(table, MMS_COL_ANTENNA1, &antenna, err));
    MMS_TRY(mms_table_get_doubles(table, MMS_COL_TIME, &time_s, err));
    for (int64_t i = 0; i < t->nrow; i++) {
        t->keys[i].spw = spw[i];
        t->keys[i].field = field[i];
        t->keys[i].antenna = antenna[i];
        t->keys[i].time_s = time_s[i];
    }
done:
    free(spw);
    free(field);
    free(antenna);
    free(time_s);
    return st;
}

static mms_status read_windows(mms_cal_table *t, mms_error *err)
{
    char *path = mms_format("%s/SPECTRAL_WINDOW", t->path);
    mms_table *table = NULL;
    mms_shape_run *runs = NULL;
    int64_t nrun = 0;
    mms_status st;

    MMS_TRY(path ? mms_table_open(path, MMS_TABLE_READ, &table, err) : no_memory(err));
    t->nspw = mms_table_nrow(table);
    t->spws = mms_alloc(t->nspw, sizeof *t->spws);
    MMS_TRY(t->spws ? MMS_OK : no_memory(err));
    for (int64_t i = 0; i < t->nspw; i++) {
        const mms_rows one = {i, 1};
        free(runs);
        runs = NULL;
        MMS_TRY(mms_table_shapes(table, "CHAN_FREQ", 1, &one, &runs, &nrun, err));
        t->spws[i].n = runs[0].ndim == 1 ? runs[0].shape[0] : 0;
        t->spws[i].freq_hz = mms_alloc(t->spws[i].n, sizeof(double));
        MMS_TRY(t->spws[i].freq_hz ? MMS_OK : no_memory(err));
        if (t->spws[i].n > 0)
            MMS_TRY(
                mms_table_get(table, "CHAN_FREQ", 1, &one, t->spws[i].n, t->spws[i].freq_hz, err));
    }
done:
    mms_table_drop(&table);
    free(runs);
    free(path);
    return st;
}

/** Spectra and delays need the frequencies of their windows. */
static mms_status check_rows(const mms_cal_table *t, mms_error *err)
{
    for (int64_t i = 0; i < t->nrow; i++) {
        const key *k = &t->keys[i];
        const int64_t nchan = k->n / t->npar;
        if (k->spw < 0 || k->spw >= t->nspw || t->spws[k->spw].n < 1)
            return mms_fail(err, MMS_ERR_TABLE, "%s: row %" PRId64 ": window %d has no channels",
                            t->path, i, k->spw);
        if (nchan > 1 && nchan != t->spws[k->spw].n)
            return mms_fail(err, MMS_ERR_TABLE,
                            "%s: row %" PRId64 " has %" PRId64 " channels, window %d %" PRId64,
                            t->path, i, nchan, k->spw, t->spws[k->spw].n);
    }
    return MMS_OK;
}

static int by_key(const void *a, const void *b)
{
    const key *x = a, *y = b;

    if (x->spw != y->spw)
        return x->spw < y->spw ? -1 : 1;
    if (x->field != y->field)
        return x->field < y->field ? -1 : 1;
    if (x->antenna != y->antenna)
        return x->antenna < y->antenna ? -1 : 1;
    if (x->time_s < y->time_s || x->time_s > y->time_s)
        return x->time_s < y->time_s ? -1 : 1;
    return (x->at > y->at) - (x->at < y->at);
}

static bool has_field(const mms_cal_use *use, int32_t field)
{
    for (int64_t i = 0; i < use->nfield; i++)
        if (use->fields[i] == field)
            return true;
    return use->nfield == 0;
}

/** Leave the fields that are not asked for, and sort. */
static mms_status sort_rows(mms_cal_table *t, mms_error *err)
{
    int64_t n = 0;

    for (int64_t i = 0; i < t->nrow; i++)
        if (has_field(&t->use, t->keys[i].field)) {
            t->keys[n] = t->keys[i];
            if (!t->use.nearest_field && !t->use.nfldmap)
                t->keys[n].field = 0;
            n++;
        }
    if (n == 0 && t->use.nfield > 0)
        return mms_fail(err, MMS_ERR_ARG,
                        "parameter gainfield: %s has no solutions of the field asked for", t->path);
    t->nrow = n;
    qsort(t->keys, (size_t)n, sizeof *t->keys, by_key);
    t->solutions = mms_alloc(n, sizeof *t->solutions);
    for (int64_t i = 0; t->solutions && i < n; i++)
        t->solutions[i] = (mms_cal_solution){t->keys[i].time_s, t->values + t->keys[i].at,
                                             t->flags + t->keys[i].at};
    for (int64_t i = 1; t->solutions && i < n; i++)
        if (t->keys[i].spw == t->keys[i - 1].spw && t->keys[i].n != t->keys[i - 1].n)
            return mms_fail(err, MMS_ERR_UNSUPPORTED,
                            "%s: solutions of window %d have different numbers of channels",
                            t->path, t->keys[i].spw);
    return t->solutions ? MMS_OK : no_memory(err);
}

/* ---- how it is used ---------------------------------------------------------------------------*/

static mms_status refuse_interp(const char *interp, const char *word, mms_error *err)
{
    static const char *const known[] = {"cubic", "spline", "cubicflag", "splineflag", NULL};

    if (mms_names_have(known, word))
        return mms_fail(
            err, MMS_ERR_ARG,
            "parameter interp: %s: \"%s\" is not done here, but nearest and linear, and "
            "in frequency nearestflag and linearflag",
            interp, word);
    return mms_fail(err, MMS_ERR_ARG,
                    "parameter interp: Unknown interp type: '%s'!! Check inputs and try again: "
                    "nearest or linear, and in frequency nearestflag or linearflag",
                    word);
}

static void copy_word(const char *from, size_t length, char *to, size_t room)
{
    while (length > 0 && *from == ' ') {
        from++;
        length--;
    }
    while (length > 0 && from[length - 1] == ' ')
        length--;
    snprintf(to, room, "%.*s", (int)length, from);
}

/** Leave a part of a word out, wherever it is, as CASA looks for it; whether it was there. */
static bool drop_part(char *word, const char *part)
{
    char *const at = strstr(word, part);

    if (at)
        memmove(at, at + strlen(part), strlen(at + strlen(part)) + 1);
    return at != NULL;
}

static mms_status read_interp(const char *interp, mms_cal_use *use, mms_error *err)
{
    static const char *const ways[] = {"linear",     "nearest",     "cubic",     "spline",
                                       "linearflag", "nearestflag", "cubicflag", "splineflag"};
    const char *comma = strchr(interp, ',');
    char time[32], freq[32];
    int way = 0;

    copy_word(interp, comma ? (size_t)(comma - interp) : strlen(interp), time, sizeof time);
    copy_word(comma ? comma + 1 : "", comma ? strlen(comma + 1) : 0, freq, sizeof freq);
    use->per_observation = drop_part(time, "perobs");
    use->phase_delay = drop_part(time, "PD");
    (void)drop_part(time, "flag"); // CASA passes over these
    (void)drop_part(freq, "PD");
    (void)drop_part(freq, "perobs");
    if (*time ? strcmp(time, "linear") != 0 && strcmp(time, "nearest") != 0
              : use->phase_delay || use->per_observation)
        return refuse_interp(interp, time, err);
    while (*freq && way < MMS_COUNT_OF(ways) && strcmp(ways[way], freq) != 0)
        way++;
    if (way == MMS_COUNT_OF(ways))
        return refuse_interp(interp, freq, err);
    use->nearest = !strcmp(time, "nearest");
    use->freq = (mms_cal_freq)way;
    return MMS_OK;
}

/** A map of ids; [-1] alone is none. */
static mms_status read_map(const char *name, const mms_value *list, int32_t **map, int64_t *nmap,
                           mms_error *err)
{
    const int64_t n = (int64_t)json_array_size(list);

    if (n == 0 || (n == 1 && json_integer_value(json_array_get(list, 0)) == -1))
        return MMS_OK;
    *map = mms_alloc(n, sizeof **map);
    if (!*map)
        return no_memory(err);
    for (int64_t i = 0; i < n; i++) {
        const json_int_t to = json_integer_value(json_array_get(list, (size_t)i));
        if (to < 0 || to > INT32_MAX)
            return mms_fail(err, MMS_ERR_ARG,
                            "parameter %s: %" JSON_INTEGER_FORMAT
                            " is no id; [-1] alone means each itself",
                            name, to);
        (*map)[i] = (int32_t)to;
    }
    *nmap = n;
    return MMS_OK;
}

/** perobs is nothing where all solutions are of one observation. */
static mms_status check_observations(const mms_cal_table *t, mms_table *table, mms_error *err)
{
    int32_t *ids = NULL;
    mms_status st = MMS_OK;

    if (!t->use.per_observation)
        return MMS_OK;
    MMS_TRY(mms_table_get_ints(table, MMS_COL_OBSERVATION_ID, &ids, err));
    for (int64_t i = 1; i < t->nrow && st == MMS_OK; i++)
        if (ids[i] != ids[0])
            st = mms_fail(err, MMS_ERR_UNSUPPORTED,
                          "%s has solutions of several observations: interpolation perobs is not "
                          "done here",
                          t->path);
done:
    free(ids);
    return st;
}

/** Add the fields of one word: an id, or a name that one or more have. */
static mms_status add_field(mms_cal_table *t, const char *word, int64_t nname,
                            const mms_value *names, int64_t *room, mms_error *err)
{
    int64_t id = -1;
    bool found = false;
    mms_status st = MMS_OK;

    for (int64_t i = 0; i < nname && st == MMS_OK; i++) {
        const char *name = json_string_value(json_array_get(names, (size_t)i));
        const bool is_id = mms_parse_int(word, &id) && id == i;
        if (!is_id && (!name || strcmp(name, word) != 0))
            continue;
        found = true;
        st = mms_grow(&t->use.fields, room, t->use.nfield + 1, sizeof *t->use.fields, err);
        if (st == MMS_OK)
            t->use.fields[t->use.nfield++] = (int32_t)i;
    }
    if (st == MMS_OK && !found)
        st = mms_fail(err, MMS_ERR_ARG, "parameter gainfield: %s has no field \"%s\"", t->path,
                      word);
    return st;
}

static mms_status read_names(const mms_cal_table *t, mms_value **names, mms_error *err)
{
    char *path = mms_format("%s/FIELD", t->path);
    mms_table *table = NULL;
    mms_status st;

    *names = json_array();
    MMS_TRY(path ? mms_table_open(path, MMS_TABLE_READ, &table, err) : no_memory(err));
    for (int64_t i = 0; i < mms_table_nrow(table); i++) {
        mms_value *name = NULL;
        MMS_TRY(mms_table_get_cell(table, "NAME", i, &name, err));
        json_array_append_new(*names, name);
    }
done:
    mms_table_drop(&table);
    free(path);
    return st;
}

static mms_status read_field(mms_cal_table *t, const char *text, mms_error *err)
{
    mms_value *names = NULL;
    char *copy = NULL, *rest = NULL;
    int64_t room = 0;
    mms_status st = MMS_OK;

    t->use.nearest_field = !strcasecmp(text, "nearest");
    if (!*text || t->use.nearest_field)
        return MMS_OK;
    MMS_TRY((copy = strdup(text)) ? read_names(t, &names, err) : no_memory(err));
    for (char *word = strtok_r(copy, ",", &rest); word; word = strtok_r(NULL, ",", &rest)) {
        char plain[256];
        copy_word(word, strlen(word), plain, sizeof plain);
        MMS_TRY(add_field(t, plain, (int64_t)json_array_size(names), names, &room, err));
    }
done:
    mms_value_free(&names);
    free(copy);
    return st;
}

/* ---- the nearest field ------------------------------------------------------------------------*/

static double distance(const mms_direction *a, const mms_direction *b)
{
    return acos(fmin(1, sin(a->lat_rad) * sin(b->lat_rad) +
                            cos(a->lat_rad) * cos(b->lat_rad) * cos(a->lon_rad - b->lon_rad)));
}

/** Of the fields that have solutions. */
static mms_status find_nearest(const mms_cal_table *t, mms_fields *ours, const mms_direction *to,
                               int32_t *field, mms_error *err)
{
    double best = INFINITY;
    mms_status st = MMS_OK;

    *field = -1;
    for (int64_t i = 0; i < t->nrow && st == MMS_OK; i++) {
        mms_direction from;
        if (t->keys[i].field < 0)
            continue;
        st = mms_fields_direction(ours, t->keys[i].field, t->keys[i].time_s, &from, err);
        if (st == MMS_OK && distance(&from, to) < best) {
            best = distance(&from, to);
            *field = t->keys[i].field;
        }
    }
    return st;
}

static mms_status map_fields(mms_cal_table *t, const char *field_table, mms_error *err)
{
    char *path = mms_format("%s/FIELD", t->path);
    mms_fields *ours = NULL, *theirs = NULL;
    mms_status st;

    MMS_TRY(path ? mms_fields_open(path, &ours, err) : no_memory(err));
    MMS_TRY(mms_fields_open(field_table, &theirs, err));
    t->nset_field = mms_fields_count(theirs);
    t->nearest = mms_alloc(t->nset_field, sizeof *t->nearest);
    MMS_TRY(t->nearest ? MMS_OK : no_memory(err));
    for (int64_t i = 0; i < t->nset_field && t->nrow > 0; i++) {
        mms_direction to;
        MMS_TRY(mms_fields_direction(theirs, (int32_t)i, t->keys[0].time_s, &to, err));
        MMS_TRY(find_nearest(t, ours, &to, &t->nearest[i], err));
    }
done:
    mms_fields_close(&ours);
    mms_fields_close(&theirs);
    free(path);
    return st;
}

/* ---- the table --------------------------------------------------------------------------------*/

static mms_status read_table(mms_cal_table *t, mms_error *err)
{
    mms_table *table = NULL;
    mms_error why = {0};
    mms_status st = mms_table_open(t->path, MMS_TABLE_READ, &table, &why);

    if (st == MMS_ERR_NOT_FOUND)
        MMS_TRY(mms_fail(err, st, "Table %s does not exist.", t->path));
    if (st != MMS_OK)
        MMS_TRY(mms_fail(err, st, "%s", why.msg));
    MMS_TRY(find_type(t, table, err));
    t->nrow = mms_table_nrow(table);
    t->keys = mms_alloc(t->nrow, sizeof *t->keys);
    MMS_TRY(t->keys ? read_keys(t, table, err) : no_memory(err));
    MMS_TRY(check_observations(t, table, err));
    MMS_TRY(read_values(t, table, err));
    MMS_TRY(read_windows(t, err));
    MMS_TRY(check_rows(t, err));
done:
    mms_table_drop(&table);
    return st;
}

/** A map leads to windows that the table has. */
static mms_status check_map(const mms_cal_table *t, mms_error *err)
{
    for (int64_t i = 0; i < t->use.nspwmap; i++)
        if (t->use.spwmap[i] >= t->nspw)
            return mms_fail(err, MMS_ERR_ARG,
                            "parameter spwmap: %d: Please specify spw indices <= maximum available "
                            "(%lld in %s)",
                            t->use.spwmap[i], (long long)t->nspw - 1, t->path);
    return MMS_OK;
}

static mms_status read_ids(const mms_value *list, mms_cal_ids *ids, mms_error *err)
{
    ids->all = list == NULL;
    ids->n = (int64_t)json_array_size(list);
    ids->ids = mms_alloc(ids->n, sizeof *ids->ids);
    for (int64_t i = 0; ids->ids && i < ids->n; i++)
        ids->ids[i] = (int32_t)json_integer_value(json_array_get(list, (size_t)i));
    return ids->ids ? MMS_OK : no_memory(err);
}

static mms_status read_covers(const mms_value *covers, mms_cal_use *use, mms_error *err)
{
    mms_status st;

    MMS_TRY(read_ids(json_object_get(covers, "observations"), &use->observations, err));
    MMS_TRY(read_ids(json_object_get(covers, "states"), &use->states, err));
    MMS_TRY(read_ids(json_object_get(covers, "fields"), &use->set_fields, err));
    MMS_TRY(read_ids(json_object_get(covers, "spws"), &use->spws, err));
done:
    return st;
}

mms_status mms_cal_table_open(const mms_value *use, const char *field_table, mms_cal_table **out,
                              mms_error *err)
{
    mms_cal_table *t = *out = mms_alloc(1, sizeof *t);
    mms_status st;

    MMS_TRY(t && (t->path = strdup(mms_text_of(use, "path"))) ? MMS_OK : no_memory(err));
    t->use.calwt = json_is_true(json_object_get(use, "calwt"));
    MMS_TRY(read_interp(mms_text_of(use, "interp"), &t->use, err));
    MMS_TRY(
        read_map("spwmap", json_object_get(use, "spwmap"), &t->use.spwmap, &t->use.nspwmap, err));
    MMS_TRY(
        read_map("fldmap", json_object_get(use, "fldmap"), &t->use.fldmap, &t->use.nfldmap, err));
    t->use.lined = json_object_get(use, "line") != NULL;
    MMS_TRY(read_covers(json_object_get(use, "covers"), &t->use, err));
    MMS_TRY(read_table(t, err));
    MMS_TRY(check_map(t, err));
    MMS_TRY(read_field(t, mms_text_of(use, "field"), err));
    MMS_TRY(sort_rows(t, err));
    if (t->use.nearest_field)
        MMS_TRY(map_fields(t, field_table, err));
done:
    if (st != MMS_OK)
        mms_cal_table_close(out);
    return st;
}

void mms_cal_table_close(mms_cal_table **table)
{
    mms_cal_table *t = *table;

    *table = NULL;
    if (!t)
        return;
    for (int64_t i = 0; t->spws && i < t->nspw; i++)
        free(t->spws[i].freq_hz);
    free(t->path);
    free(t->use.spwmap);
    free(t->use.fields);
    free(t->use.fldmap);
    free(t->use.observations.ids);
    free(t->use.states.ids);
    free(t->use.set_fields.ids);
    free(t->use.spws.ids);
    free(t->keys);
    free(t->solutions);
    free(t->values);
    free(t->flags);
    free(t->spws);
    free(t->nearest);
    free(t);
}

mms_cal_kind mms_cal_table_kind(const mms_cal_table *t)
{
    return t->kind;
}

const mms_cal_use *mms_cal_table_use(const mms_cal_table *t)
{
    return &t->use;
}

bool mms_cal_table_is_real(const mms_cal_table *t)
{
    return t->real;
}

int32_t mms_cal_table_npar(const mms_cal_table *t)
{
    return t->npar;
}

static bool has_id(const mms_cal_ids *ids, int32_t id)
{
    for (int64_t i = 0; i < ids->n; i++)
        if (ids->ids[i] == id)
            return true;
    return ids->all;
}

bool mms_cal_table_covers(const mms_cal_table *t, const mms_cal_row *row)
{
    const mms_cal_use *use = &t->use;

    return (row->observation < 0 || has_id(&use->observations, row->observation)) &&
           (row->state < 0 || has_id(&use->states, row->state)) &&
           has_id(&use->set_fields, row->field) && has_id(&use->spws, row->spw);
}

bool mms_cal_table_weighs(const mms_cal_table *t)
{
    return t->use.calwt && t->kind != MMS_CAL_K && t->kind != MMS_CAL_D;
}

int32_t mms_cal_table_spw(const mms_cal_table *t, int32_t spw)
{
    if (t->use.nspwmap == 1)
        return t->use.spwmap[0];
    if (spw < t->use.nspwmap)
        return t->use.spwmap[spw];
    return t->use.lined && t->use.nspwmap > 0 ? t->use.spwmap[t->use.nspwmap - 1] : spw;
}

int64_t mms_cal_table_channels(const mms_cal_table *t, int32_t spw, const double **freq_hz)
{
    *freq_hz = spw >= 0 && spw < t->nspw ? t->spws[spw].freq_hz : NULL;
    return *freq_hz ? t->spws[spw].n : 0;
}

/** The first row whose window, field and antenna are not less. */
static int64_t find_row(const mms_cal_table *t, int32_t spw, int32_t field, int64_t antenna)
{
    int64_t low = 0, high = t->nrow;

    while (low < high) {
        const int64_t middle = (low + high) / 2;
        const key *k = &t->keys[middle];
        const bool less = k->spw != spw       ? k->spw < spw
                          : k->field != field ? k->field < field
                                              : k->antenna < antenna;
        if (less)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static int32_t field_of(const mms_cal_table *t, int32_t field)
{
    if (t->use.nfldmap)
        return field >= 0 && field < t->use.nfldmap ? t->use.fldmap[field] : -1;
    if (!t->nearest)
        return 0;
    return field >= 0 && field < t->nset_field ? t->nearest[field] : -1;
}

bool mms_cal_table_has(const mms_cal_table *t, int32_t spw, int32_t field)
{
    const int32_t of = field_of(t, field), to = mms_cal_table_spw(t, spw);
    const int64_t i = find_row(t, to, of, INT32_MIN);

    return i < t->nrow && t->keys[i].spw == to && t->keys[i].field == of;
}

int64_t mms_cal_table_find(const mms_cal_table *t, int32_t spw, int32_t field, int32_t antenna,
                           const mms_cal_solution **solutions)
{
    const int32_t of = field_of(t, field), to = mms_cal_table_spw(t, spw);
    const int64_t first = find_row(t, to, of, antenna);

    *solutions = t->solutions + first;
    return find_row(t, to, of, (int64_t)antenna + 1) - first;
}

int64_t mms_cal_table_values(const mms_cal_table *t, const mms_cal_solution *solution)
{
    return t->keys[solution - t->solutions].n;
}
