/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file order_codec.c  Orders and answers of an output's units, to and from JSON; the one place
 * that knows their keys; order.c writes what all parts share. */
#include <jansson.h>
#include <stdlib.h>

#include "base/keys_priv.h"
#include "ms/select_value.h"
#include "order_priv.h"

static void read_maps(mms_keys *r, mms_part_order *o)
{
    const mms_value *maps = mms_keys_get(r, "maps");
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
        m->map.to = mms_keys_integers(r, list, &m->map.n);
    }
}

/** What all parts have in common. */
static void read_shared(mms_keys *r, mms_part_order *o)
{
    const mms_value *rename = mms_keys_find(r, "rename");
    const mms_value *tile = mms_keys_find(r, "tile");

    o->vis = mms_keys_text(r, "vis");
    o->memory = mms_keys_integer(r, "memory");
    o->tiles = mms_keys_truth(r, "tiles");
    o->share = mms_keys_integer(r, "share");
    o->sync = mms_keys_truth(r, "sync");
    o->skip = mms_keys_texts(r, "skip");
    o->add = mms_keys_texts(r, "add");
    o->reshape = mms_keys_texts(r, "reshape");
    o->rename_from = json_string_value(json_array_get(rename, 0));
    o->rename_to = json_string_value(json_array_get(rename, 1));
    o->keys = mms_keys_find_truth(r, "keys");
    for (size_t i = 0; i < 3; i++)
        o->tile[i] = json_integer_value(json_array_get(tile, i));
    read_maps(r, o);
}

static void read_own(mms_keys *r, mms_part_order *o)
{
    o->averaged = "";
    o->out = mms_keys_text(r, "out");
    o->renew = mms_keys_truth(r, "renew");
    o->attempt = json_integer_value(mms_keys_find(r, "attempt"));
    o->rows_file = mms_keys_text(r, "rows_file");
    o->nrow = mms_keys_integer(r, "nrow");
    o->bytes = mms_keys_integer(r, "bytes");
    o->tables = mms_keys_text(r, "tables");
    o->subtables = mms_keys_get(r, "subtables");
    o->links = mms_keys_texts(r, "links");
    o->pipeline = mms_keys_text(r, "pipeline");
    o->threads = mms_keys_integer(r, "threads");
}

mms_status mms_part_order_decode(const mms_value *value, bool whole, mms_part_order *order,
                                 mms_error *err)
{
    mms_keys r = {.value = value};

    *order = (mms_part_order){0};
    read_shared(&r, order);
    if (whole)
        read_own(&r, order);
    const mms_status st = mms_keys_end(&r, order->out ? order->out : order->vis, err);
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
    for (int64_t i = 0; o->maps && i < o->nmap; i++)
        free((void *)o->maps[i].map.to);
    free(o->maps);
    *o = (mms_part_order){0};
}

mms_status mms_tables_order_decode(const mms_value *value, mms_tables_order *o, mms_error *err)
{
    mms_keys r = {.value = value};
    const mms_value *bins = json_object_get(value, "bins");

    *o = (mms_tables_order){.vis = mms_keys_text(&r, "vis"),
                            .tables = mms_keys_text(&r, "tables"),
                            .renew = mms_keys_truth(&r, "renew"),
                            .select = mms_select_of(mms_keys_get(&r, "select")),
                            .keep_ids = mms_keys_truth(&r, "keep_ids"),
                            .new_grids = mms_keys_truth(&r, "grids"),
                            .combined = mms_keys_truth(&r, "combined"),
                            .windows = json_object_get(value, "windows"),
                            .fields = json_object_get(value, "fields"),
                            .nspw = mms_keys_integer(&r, "change"),
                            .ddistart = (int32_t)mms_keys_integer(&r, "ddistart"),
                            .averages = bins != NULL,
                            .nbin = (int64_t)json_array_size(bins)};
    o->bins = mms_alloc(o->nbin, sizeof *o->bins);
    r.starved = !o->bins;
    for (int64_t i = 0; o->bins && i < o->nbin; i++)
        o->bins[i] = json_integer_value(json_array_get(bins, (size_t)i));
    return mms_keys_end(&r, "sub-tables", err);
}

mms_status mms_finish_order_decode(const mms_value *value, mms_finish_order *o, mms_error *err)
{
    mms_keys r = {.value = value};

    *o = (mms_finish_order){.output = mms_keys_text(&r, "output"),
                            .first = mms_keys_text(&r, "first"),
                            .origin = mms_keys_text(&r, "origin"),
                            .history = mms_keys_get(&r, "history"),
                            .nrow = mms_keys_integer(&r, "rows"),
                            .flags = mms_keys_text(&r, "flags"),
                            .tiles = mms_keys_truth(&r, "tiles")};
    return mms_keys_end(&r, "the finished output", err);
}

mms_value *mms_part_order_encode(const mms_value *shared, const mms_part_order *own,
                                 const mms_value *links)
{
    mms_value *const value = json_copy((mms_value *)shared);

    json_object_set_new(value, "step", json_string("part"));
    json_object_set_new(value, "out", mms_text_value(own->out));
    json_object_set_new(value, "rows_file", mms_text_value(own->rows_file));
    json_object_set_new(value, "nrow", json_integer(own->nrow));
    json_object_set_new(value, "bytes", json_integer(own->bytes));
    json_object_set_new(value, "tables", mms_text_value(own->tables));
    json_object_set(value, "subtables", (mms_value *)own->subtables);
    json_object_set(value, "links", (mms_value *)links);
    json_object_set_new(value, "renew", json_boolean(own->renew));
    json_object_set_new(value, "pipeline", mms_text_value(own->pipeline));
    return value;
}

void mms_part_order_set_threads(mms_value *order, int64_t threads)
{
    json_object_set_new(order, "threads", json_integer(threads));
}

mms_value *mms_part_order_of_list(const mms_value *order, const char *rows_file, int64_t nrow)
{
    mms_value *const part = json_copy((mms_value *)order);
    const json_int_t all = json_integer_value(json_object_get(order, "nrow"));
    const json_int_t bytes = json_integer_value(json_object_get(order, "bytes"));

    json_object_set_new(part, "rows_file", mms_text_value(rows_file));
    json_object_set_new(part, "nrow", json_integer(nrow));
    json_object_set_new(
        part, "bytes",
        json_integer(all > 0 ? (json_int_t)((double)bytes * (double)nrow / (double)all) : 0));
    return part;
}

void mms_part_order_set_made(mms_value *order, int64_t rows)
{
    json_object_set_new(order, "made", json_integer(rows));
}

int64_t mms_part_order_made(const mms_value *order)
{
    return json_integer_value(json_object_get(order, "made"));
}

int64_t mms_part_order_rows(const mms_value *order)
{
    return json_integer_value(json_object_get(order, "nrow"));
}

mms_value *mms_tables_order_encode(const mms_tables_order *o, const mms_value *bins)
{
    return json_pack("{ss so so so sb so sb sb sO* sO* sO* sI sb sI}", "step", "tables", "vis",
                     mms_text_value(o->vis), "tables", mms_text_value(o->tables), "out",
                     mms_text_value(o->tables), "renew", (int)o->renew, "select",
                     mms_select_value(&o->select), "keep_ids", (int)o->keep_ids, "grids",
                     (int)o->new_grids, "windows", o->windows, "fields", o->fields, "bins", bins,
                     "change", (json_int_t)o->nspw, "combined", (int)o->combined, "ddistart",
                     (json_int_t)o->ddistart);
}

mms_value *mms_finish_order_encode(const mms_finish_order *o)
{
    return json_pack("{ss so so ss sO sI so sb}", "step", "finish", "output",
                     mms_text_value(o->output), "first", mms_text_value(o->first), "origin",
                     o->origin, "history", o->history, "rows", (json_int_t)o->nrow, "flags",
                     mms_text_value(o->flags), "tiles", (int)o->tiles);
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
