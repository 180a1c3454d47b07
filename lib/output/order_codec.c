/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file order_codec.c  Orders and answers of an output's units, from JSON; the one place that
 * reads their keys.  order.c and output.c write them. */
#include <jansson.h>
#include <stdlib.h>

#include "base/base_priv.h"
#include "ms/select_value.h"
#include "order_priv.h"

/** An order while it is read: the first key that it lacks, and whether memory did not suffice. */
typedef struct reading {
    const mms_value *value;
    const char *missing;
    bool starved;
} reading;

static const mms_value *member(reading *r, const char *key)
{
    const mms_value *value = json_object_get(r->value, key);

    if (!value && !r->missing)
        r->missing = key;
    return value;
}

static const char *text(reading *r, const char *key)
{
    const char *value = json_string_value(member(r, key));

    return value ? value : "";
}

static int64_t number(reading *r, const char *key)
{
    return json_integer_value(member(r, key));
}

static bool truth(reading *r, const char *key)
{
    return json_is_true(member(r, key));
}

static const char *optional_text(const reading *r, const char *key)
{
    const char *value = json_string_value(json_object_get(r->value, key));

    return value ? value : "";
}

/** An array of texts as a list ended by NULL. */
static const char **texts(reading *r, const char *key)
{
    const mms_value *array = member(r, key);
    const size_t n = json_array_size(array);
    const char **list = mms_alloc((int64_t)n + 1, sizeof *list);

    r->starved = r->starved || !list;
    for (size_t i = 0; list && i < n; i++)
        list[i] = json_string_value(json_array_get(array, i));
    return list;
}

static int32_t *ints(reading *r, const mms_value *array, int64_t *n)
{
    int32_t *list = mms_alloc((int64_t)json_array_size(array), sizeof *list);

    *n = (int64_t)json_array_size(array);
    r->starved = r->starved || !list;
    for (int64_t i = 0; list && i < *n; i++)
        list[i] = (int32_t)json_integer_value(json_array_get(array, (size_t)i));
    return list;
}

static mms_status ending(const reading *r, const char *what, mms_error *err)
{
    if (r->starved)
        return mms_fail(err, MMS_ERR_MEM, "%s: out of memory", what);
    if (r->missing)
        return mms_fail(err, MMS_ERR_INTERNAL, "%s: the order has no \"%s\"", what, r->missing);
    return MMS_OK;
}

static void read_maps(reading *r, mms_part_order *o)
{
    const mms_value *maps = member(r, "maps");
    const char *column;
    mms_value *list;

    o->maps = mms_alloc((int64_t)json_object_size(maps), sizeof *o->maps);
    r->starved = r->starved || !o->maps;
    if (!o->maps)
        return;
    json_object_foreach((mms_value *)maps, column, list)
    {
        mms_order_map *m = &o->maps[o->nmap++];
        m->column = column;
        m->map.to = ints(r, list, &m->map.n);
    }
}

static void read_cuts(reading *r, mms_part_order *o)
{
    const mms_value *cuts = member(r, "cuts");
    size_t i;
    mms_value *entry;

    json_array_foreach(cuts, i, entry)
    {
        const int64_t ddid = json_integer_value(json_object_get(entry, "ddid"));
        o->ncut = ddid + 1 > o->ncut ? ddid + 1 : o->ncut;
    }
    o->cuts = mms_alloc(o->ncut, sizeof *o->cuts);
    r->starved = r->starved || !o->cuts;
    if (!o->cuts)
        return;
    json_array_foreach(cuts, i, entry)
    {
        mms_cut *cut = &o->cuts[json_integer_value(json_object_get(entry, "ddid"))];
        cut->followers = o->followers;
        cut->nchan_in = (int32_t)json_integer_value(json_object_get(entry, "nchan_in"));
        cut->ncorr_in = (int32_t)json_integer_value(json_object_get(entry, "ncorr_in"));
        cut->chans = ints(r, json_object_get(entry, "chans"), &cut->nchan);
        cut->corrs = ints(r, json_object_get(entry, "corrs"), &cut->ncorr);
    }
}

/** What all parts have in common. */
static void read_shared(reading *r, mms_part_order *o)
{
    const mms_value *rename = json_object_get(r->value, "rename");
    const mms_value *tile = json_object_get(r->value, "tile");

    o->vis = text(r, "vis");
    o->memory = number(r, "memory");
    o->tiles = truth(r, "tiles");
    o->share = number(r, "share");
    o->sync = truth(r, "sync");
    o->skip = texts(r, "skip");
    o->add = texts(r, "add");
    o->reshape = texts(r, "reshape");
    o->followers = texts(r, "followers");
    o->rename_from = json_string_value(json_array_get(rename, 0));
    o->rename_to = json_string_value(json_array_get(rename, 1));
    o->derive = optional_text(r, "derive");
    for (size_t i = 0; i < 3; i++)
        o->tile[i] = json_integer_value(json_array_get(tile, i));
    read_maps(r, o);
    read_cuts(r, o);
}

static void read_own(reading *r, mms_part_order *o)
{
    o->averaged = "";
    o->out = text(r, "out");
    o->renew = truth(r, "renew");
    o->attempt = json_integer_value(json_object_get(r->value, "attempt"));
    o->rows_file = text(r, "rows_file");
    o->nrow = number(r, "nrow");
    o->bytes = number(r, "bytes");
    o->tables = text(r, "tables");
    o->subtables = member(r, "subtables");
    o->links = texts(r, "links");
    o->pipeline = text(r, "pipeline");
    o->threads = number(r, "threads");
}

mms_status mms_part_order_decode(const mms_value *value, bool whole, mms_part_order *order,
                                 mms_error *err)
{
    reading r = {.value = value};

    *order = (mms_part_order){0};
    read_shared(&r, order);
    if (whole)
        read_own(&r, order);
    const mms_status st = ending(&r, order->out ? order->out : order->vis, err);
    if (st != MMS_OK)
        mms_part_order_free(order);
    return st;
}

void mms_part_order_free(mms_part_order *o)
{
    free(o->links);
    free(o->skip);
    free(o->add);
    free(o->reshape);
    free(o->followers);
    for (int64_t i = 0; o->maps && i < o->nmap; i++)
        free((void *)o->maps[i].map.to);
    free(o->maps);
    for (int64_t i = 0; o->cuts && i < o->ncut; i++) {
        free((void *)o->cuts[i].chans);
        free((void *)o->cuts[i].corrs);
    }
    free(o->cuts);
    *o = (mms_part_order){0};
}

mms_status mms_tables_order_decode(const mms_value *value, mms_tables_order *o, mms_error *err)
{
    reading r = {.value = value};
    const mms_value *bins = json_object_get(value, "bins");

    *o = (mms_tables_order){.vis = text(&r, "vis"),
                            .tables = text(&r, "tables"),
                            .renew = truth(&r, "renew"),
                            .select = mms_select_of(member(&r, "select")),
                            .keep_ids = truth(&r, "keep_ids"),
                            .new_grids = truth(&r, "grids"),
                            .combined = truth(&r, "combined"),
                            .windows = json_object_get(value, "windows"),
                            .fields = json_object_get(value, "fields"),
                            .nspw = number(&r, "change"),
                            .ddistart = (int32_t)number(&r, "ddistart"),
                            .averages = bins != NULL,
                            .nbin = (int64_t)json_array_size(bins)};
    o->bins = mms_alloc(o->nbin, sizeof *o->bins);
    r.starved = !o->bins;
    for (int64_t i = 0; o->bins && i < o->nbin; i++)
        o->bins[i] = json_integer_value(json_array_get(bins, (size_t)i));
    return ending(&r, "sub-tables", err);
}

mms_status mms_finish_order_decode(const mms_value *value, mms_finish_order *o, mms_error *err)
{
    reading r = {.value = value};

    *o = (mms_finish_order){.output = text(&r, "output"),
                            .first = text(&r, "first"),
                            .origin = text(&r, "origin"),
                            .history = member(&r, "history"),
                            .nrow = number(&r, "rows"),
                            .flags = text(&r, "flags"),
                            .tiles = truth(&r, "tiles")};
    return ending(&r, "the finished output", err);
}

const char *mms_order_step(const mms_value *value)
{
    const char *step = json_string_value(json_object_get(value, "step"));

    return step ? step : "";
}

void mms_part_answer_encode(const mms_part_answer *part, mms_value *answer)
{
    json_object_set_new(answer, "rows", json_integer(part->rows));
    json_object_set_new(answer, "bytes", json_integer(part->bytes));
    json_object_set_new(answer, "shared", json_integer(part->shared));
}

mms_part_answer mms_part_answer_decode(const mms_value *answer)
{
    return (mms_part_answer){.rows = json_integer_value(json_object_get(answer, "rows")),
                             .bytes = json_integer_value(json_object_get(answer, "bytes")),
                             .shared = json_integer_value(json_object_get(answer, "shared")),
                             .goodness = json_object_get(answer, "goodness")};
}
