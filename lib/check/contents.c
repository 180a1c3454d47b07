/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file contents.c  Joins what was read of a set: rows, times and ids counted in. */
#include "contents.h"

#include <assert.h>
#include <jansson.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "ms/tally_priv.h"

enum { OBSERVATION, ARRAY, SCAN, FIELD, STATE, DD, NKEY };

/* Rows that share all ids, of all parts */
struct count {
    int32_t key[NKEY];
    int64_t rows;
    double begin, end, exposure;
};
static_assert(offsetof(struct count, key) == 0,
              "a tally finds its records by what they begin with");

static void widen(struct count *to, double begin, double end)
{
    if (!to->rows || begin < to->begin)
        to->begin = begin;
    if (!to->rows || end > to->end)
        to->end = end;
}

static mms_status add_count(mms_tally *counts, const mms_value *line, mms_error *err)
{
    struct count *count;
    int32_t key[NKEY];
    mms_status st;

    for (int k = 0; k < NKEY; k++)
        key[k] = (int32_t)json_integer_value(json_array_get(line, (size_t)k));
    MMS_TRY(mms_tally_find(counts, key, &count, err));
    widen(count, json_number_value(json_array_get(line, NKEY + 1)),
          json_number_value(json_array_get(line, NKEY + 2)));
    count->rows += json_integer_value(json_array_get(line, NKEY));
    count->exposure += json_number_value(json_array_get(line, NKEY + 3));
done:
    return st;
}

static int compare_counts(const void *a, const void *b)
{
    return mms_compare_keys(a, b, NKEY);
}

static mms_status gather(int64_t nparts, const mms_value *const *parts, mms_tally *counts,
                         mms_error *err)
{
    mms_status st = MMS_OK;
    const mms_value *line;
    size_t i;

    for (int64_t p = 0; p < nparts; p++)
        json_array_foreach(json_object_get(parts[p], "counts"), i, line)
            MMS_TRY(add_count(counts, line, err));
    if (counts->n > 1)
        qsort(counts->records, (size_t)counts->n, counts->size, compare_counts);
done:
    return st;
}

/* Add an id to a list in ascending order, once */
static void add_id(mms_value *ids, int64_t id)
{
    size_t i = json_array_size(ids);

    while (i && json_integer_value(json_array_get(ids, i - 1)) > id)
        i--;
    if (!i || json_integer_value(json_array_get(ids, i - 1)) != id)
        json_array_insert_new(ids, i, json_integer(id));
}

/* Add to the integer of a name */
static void add_to(mms_value *object, const char *name, int64_t n)
{
    json_object_set_new_nocheck(
        object, name, json_integer(json_integer_value(json_object_get(object, name)) + n));
}

/* The object of an id in a list, NULL for an id that is not there */
static mms_value *at(const mms_value *result, const char *list, int64_t id)
{
    return id < 0 ? NULL : json_array_get(json_object_get(result, list), (size_t)id);
}

static int64_t spw_of(const mms_value *result, int64_t dd)
{
    const mms_value *const d = at(result, "dds", dd);

    return d ? json_integer_value(json_object_get(d, "spw")) : -1;
}

static mms_value *list_of(mms_value *object, const char *name)
{
    mms_value *list = json_object_get(object, name);

    if (!list)
        json_object_set_new_nocheck(object, name, list = json_array());
    return list;
}

/* Add the intents of a state, "A,B", each once */
static void add_intents(const mms_value *result, int64_t state, mms_value *intents)
{
    const char *s = json_string_value(json_object_get(at(result, "states", state), "intent"));

    while (s && *s) {
        const size_t n = strcspn(s, ",");
        mms_value *const intent = json_stringn(s, n), *other;
        bool there = !n;
        size_t i;
        json_array_foreach(intents, i, other) there = there || json_equal(intent, other);
        if (!there)
            json_array_append(intents, intent);
        json_decref(intent);
        s += n + (s[n] == ',');
    }
}

/* The scan that begins with counts[0]; its times grow as counts are added */
static mms_value *open_scan(const struct count *c)
{
    return json_pack("{s:i, s:i, s:i, s:f, s:f, s:i, s:f, s:[], s:[], s:[], s:[]}", "observation",
                     c->key[OBSERVATION], "array", c->key[ARRAY], "scan", c->key[SCAN], "begin",
                     c->begin, "end", c->end, "rows", 0, "exposure", 0.0, "fields", "states",
                     "spws", "intents");
}

static void extend(mms_value *object, const struct count *c)
{
    const mms_value *const begin = json_object_get(object, "begin");

    if (!begin || json_is_null(begin) || c->begin < json_number_value(begin))
        json_object_set_new(object, "begin", json_real(c->begin));
    const mms_value *const end = json_object_get(object, "end");
    if (!end || json_is_null(end) || c->end > json_number_value(end))
        json_object_set_new(object, "end", json_real(c->end));
    add_to(object, "rows", c->rows);
}

static void add_to_scan(const mms_value *result, mms_value *scan, const struct count *c)
{
    extend(scan, c);
    json_object_set_new(
        scan, "exposure",
        json_real(json_number_value(json_object_get(scan, "exposure")) + c->exposure));
    add_id(json_object_get(scan, "fields"), c->key[FIELD]);
    add_id(json_object_get(scan, "states"), c->key[STATE]);
    add_id(json_object_get(scan, "spws"), spw_of(result, c->key[DD]));
    add_intents(result, c->key[STATE], json_object_get(scan, "intents"));
}

/* Count rows in where they belong: field, window, data description, observation */
static void add_to_lists(mms_value *result, const struct count *c)
{
    const struct {
        const char *list;
        int64_t id;
    } places[] = {{"fields", c->key[FIELD]},
                  {"states", c->key[STATE]},
                  {"dds", c->key[DD]},
                  {"spws", spw_of(result, c->key[DD])},
                  {"observations", c->key[OBSERVATION]}};

    for (int64_t i = 0; i < MMS_COUNT_OF(places); i++) {
        mms_value *const object = at(result, places[i].list, places[i].id);
        if (object)
            add_to(object, "rows", c->rows);
    }
    mms_value *const field = at(result, "fields", c->key[FIELD]);
    if (field)
        add_id(list_of(field, "scans"), c->key[SCAN]);
    mms_value *const observation = at(result, "observations", c->key[OBSERVATION]);
    if (observation)
        extend(observation, &(struct count){.begin = c->begin, .end = c->end});
}

/* Every object of a list has its rows, also those without any */
static void begin_lists(mms_value *result)
{
    static const char *const names[] = {"fields", "states",       "dds",
                                        "spws",   "observations", "antennas"};
    mms_value *object;
    size_t i;

    for (int64_t n = 0; n < MMS_COUNT_OF(names); n++)
        json_array_foreach(json_object_get(result, names[n]), i, object)
            json_object_set_new_nocheck(object, strcmp(names[n], "antennas") ? "rows" : "used",
                                        strcmp(names[n], "antennas") ? json_integer(0)
                                                                     : json_false());
}

static bool same_scan(const struct count *a, const struct count *b)
{
    return mms_compare_keys(a->key, b->key, SCAN + 1) == 0;
}

static void put_scans(mms_value *result, const mms_tally *counts)
{
    const struct count *const all = (const struct count *)counts->records;
    mms_value *const scans = json_array();
    mms_value *scan = NULL;

    for (int64_t i = 0; i < counts->n; i++) {
        if (!i || !same_scan(&all[i - 1], &all[i])) {
            scan = open_scan(&all[i]);
            json_array_append_new(scans, scan);
        }
        add_to_scan(result, scan, &all[i]);
        add_to_lists(result, &all[i]);
        extend(result, &all[i]);
    }
    json_object_set_new(result, "scans", scans);
}

/* The correlations of a window are those of its data descriptions */
static void put_correlations(mms_value *result)
{
    mms_value *dd;
    size_t i;

    json_array_foreach(json_object_get(result, "dds"), i, dd)
    {
        const mms_value *const polarization =
            at(result, "polarizations", json_integer_value(json_object_get(dd, "polarization")));
        mms_value *const corrs = json_object_get(polarization, "corrs");
        mms_value *const spw = at(result, "spws", spw_of(result, (int64_t)i));
        mms_value *corr, *other;
        size_t c, o;
        if (!spw)
            continue;
        json_array_foreach(corrs, c, corr)
        {
            bool there = false;
            json_array_foreach(list_of(spw, "corrs"), o, other) there =
                there || json_equal(corr, other);
            if (!there)
                json_array_append(list_of(spw, "corrs"), corr);
        }
    }
}

/* Name, rows and bytes of each part; which antennas have rows */
static void put_parts(int64_t nparts, const mms_value *const *parts, mms_value *result)
{
    mms_value *const list = json_array();
    const mms_value *id;
    size_t i;

    for (int64_t p = 0; p < nparts; p++) {
        json_array_append_new(list, json_pack("{s:O*, s:O*, s:O*}", "name",
                                              json_object_get(parts[p], "name"), "rows",
                                              json_object_get(parts[p], "rows"), "bytes",
                                              json_object_get(parts[p], "bytes")));
        json_array_foreach(json_object_get(parts[p], "antennas"), i, id)
        {
            mms_value *const antenna = at(result, "antennas", json_integer_value(id));
            if (antenna)
                json_object_set_new(antenna, "used", json_true());
        }
    }
    json_object_set_new(result, "parts", list);
}

mms_status mms_contents_join(const mms_value *tables, int64_t nparts, const mms_value *const *parts,
                             mms_value *result, mms_error *err)
{
    mms_tally counts = {.size = sizeof(struct count), .nkey = NKEY};
    mms_value *const copy = json_deep_copy(tables);
    mms_status st;

    if (!copy || json_object_update(result, copy) ||
        json_object_set_new(result, "rows", json_integer(0)) ||
        json_object_set_new(result, "begin", json_null()) ||
        json_object_set_new(result, "end", json_null()))
        MMS_TRY(mms_fail(err, MMS_ERR_MEM, "out of memory"));
    MMS_TRY(gather(nparts, parts, &counts, err));
    begin_lists(result);
    put_scans(result, &counts);
    put_correlations(result);
    put_parts(nparts, parts, result);
done:
    json_decref(copy);
    mms_tally_free(&counts);
    return st;
}
