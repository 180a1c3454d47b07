/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file order_codec.c  Orders and answers of an output's units, to and from JSON; the one place
 * that knows their keys. */
#include <jansson.h>
#include <stdlib.h>

#include "base/keys_priv.h"
#include "ms/select_value.h"
#include "order_priv.h"

/* ---- a part -----------------------------------------------------------------------------------*/

#define PART(kind, member) MMS_KEY(mms_part_order, kind, member)

static const mms_key shared_keys[] = {
    PART(MMS_KEY_TEXT, vis),          PART(MMS_KEY_INTEGER, memory),
    PART(MMS_KEY_TRUTH, tiles),       PART(MMS_KEY_INTEGER, share),
    PART(MMS_KEY_TRUTH, sync),        PART(MMS_KEY_TRUTH, models),
    PART(MMS_KEY_TRUTH, keys),        PART(MMS_KEY_TEXTS, skip),
    PART(MMS_KEY_TEXTS, add),         PART(MMS_KEY_TEXTS, reshape),
    PART(MMS_KEY_MAYBE, rename_from), PART(MMS_KEY_MAYBE, rename_to),
    PART(MMS_KEY_THREE, tile),        {0}};

static const mms_key own_keys[] = {PART(MMS_KEY_TEXT, out),
                                   PART(MMS_KEY_TEXT, rows_file),
                                   PART(MMS_KEY_INTEGER, nrow),
                                   PART(MMS_KEY_INTEGER, bytes),
                                   PART(MMS_KEY_TEXT, tables),
                                   PART(MMS_KEY_VALUE, subtables),
                                   PART(MMS_KEY_TEXTS, links),
                                   PART(MMS_KEY_TRUTH, renew),
                                   PART(MMS_KEY_TEXT, pipeline),
                                   PART(MMS_KEY_INTEGER, threads),
                                   {0}};

mms_value *mms_part_order_share(const mms_part_order *o)
{
    mms_value *value = mms_keys_encode(shared_keys, o), *maps = json_object();

    for (int64_t i = 0; i < o->nmap; i++)
        json_object_set_new_nocheck(maps, o->maps[i].column,
                                    mms_int32s_value(o->maps[i].map.n, o->maps[i].map.to));
    if (json_object_set_new(value, "maps", maps))
        mms_value_free(&value);
    return value;
}

mms_value *mms_part_order_encode(const mms_value *shared, const mms_part_order *own)
{
    mms_value *value = json_copy((mms_value *)shared), *more = mms_keys_encode(own_keys, own);

    if (json_object_update(value, more) || json_object_set_new(value, "step", json_string("part")))
        mms_value_free(&value);
    mms_value_free(&more);
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

static void read_maps(mms_keys *k, mms_part_order *o)
{
    const mms_value *maps = mms_keys_get(k, "maps");
    const char *column;
    mms_value *list;

    o->maps = mms_alloc((int64_t)json_object_size(maps), sizeof *o->maps);
    k->starved = k->starved || !o->maps;
    if (!o->maps)
        return;
    json_object_foreach((mms_value *)maps, column, list)
    {
        mms_order_map *m = &o->maps[o->nmap++];
        m->column = column;
        m->map.to = mms_keys_integers(k, list, &m->map.n);
    }
}

mms_status mms_part_order_decode(const mms_value *value, mms_part_order *o, mms_error *err)
{
    mms_keys k = {.value = value};

    *o = (mms_part_order){.averaged = ""};
    mms_keys_read(&k, shared_keys, o);
    mms_keys_read(&k, own_keys, o);
    read_maps(&k, o);
    o->attempt = mms_keys_find_integer(&k, "attempt"); // which the engine adds
    const mms_status st = mms_keys_end(&k, o->out ? o->out : "a part", err);
    if (st != MMS_OK)
        mms_part_order_free(o);
    return st;
}

void mms_part_order_free(mms_part_order *o)
{
    mms_keys_free(shared_keys, o);
    mms_keys_free(own_keys, o);
    for (int64_t i = 0; o->maps && i < o->nmap; i++)
        free((void *)o->maps[i].map.to);
    free(o->maps);
    *o = (mms_part_order){0};
}

/* ---- sub-tables -------------------------------------------------------------------------------*/

#define TABLES(kind, member) MMS_KEY(mms_tables_order, kind, member)

static const mms_key tables_keys[] = {
    TABLES(MMS_KEY_TEXT, vis),        TABLES(MMS_KEY_TEXT, tables),
    TABLES(MMS_KEY_TRUTH, renew),     TABLES(MMS_KEY_TRUTH, keep_ids),
    TABLES(MMS_KEY_TRUTH, new_grids), TABLES(MMS_KEY_TRUTH, combined),
    TABLES(MMS_KEY_VALUE, windows),   TABLES(MMS_KEY_VALUE, fields),
    TABLES(MMS_KEY_INTEGER, nspw),    TABLES(MMS_KEY_INT32, ddistart),
    TABLES(MMS_KEY_VALUE, flag_bins), {0}};

mms_value *mms_tables_order_encode(const mms_tables_order *o)
{
    mms_value *value = mms_keys_encode(tables_keys, o);

    if (json_object_set_new(value, "step", json_string("tables")) ||
        json_object_set_new(value, "out", mms_text_value(o->tables)) ||
        json_object_set_new(value, "select", mms_select_value(&o->select)))
        mms_value_free(&value);
    return value;
}

mms_status mms_tables_order_decode(const mms_value *value, mms_tables_order *o, mms_error *err)
{
    mms_keys k = {.value = value};

    *o = (mms_tables_order){.select = mms_select_of(mms_keys_get(&k, "select"))};
    mms_keys_read(&k, tables_keys, o);
    o->nbin = (int64_t)json_array_size(o->flag_bins);
    o->bins = mms_alloc(o->nbin, sizeof *o->bins);
    k.starved = !o->bins;
    for (int64_t i = 0; o->bins && i < o->nbin; i++)
        o->bins[i] = json_integer_value(json_array_get(o->flag_bins, (size_t)i));
    return mms_keys_end(&k, "sub-tables", err);
}

/* ---- the finish -------------------------------------------------------------------------------*/

#define FINISH(kind, member) MMS_KEY(mms_finish_order, kind, member)

static const mms_key finish_keys[] = {
    FINISH(MMS_KEY_TEXT, output), FINISH(MMS_KEY_TEXT, first),    FINISH(MMS_KEY_TEXT, tables),
    FINISH(MMS_KEY_TEXT, origin), FINISH(MMS_KEY_VALUE, history), FINISH(MMS_KEY_INTEGER, nrow),
    FINISH(MMS_KEY_TEXT, flags),  FINISH(MMS_KEY_TRUTH, tiles),   {0}};

mms_value *mms_finish_order_encode(const mms_finish_order *o)
{
    mms_value *value = mms_keys_encode(finish_keys, o);

    if (json_object_set_new(value, "step", json_string("finish")))
        mms_value_free(&value);
    return value;
}

MMS_KEYS_DECODE(mms_finish_order, finish_keys, "the finished output")

/* ---- answers ----------------------------------------------------------------------------------*/

const char *mms_order_step(const mms_value *value)
{
    return mms_keys_find_text(&(const mms_keys){.value = value}, "step");
}

bool mms_order_is_again(const mms_value *value)
{
    return mms_keys_find_integer(&(const mms_keys){.value = value}, "attempt") > 1;
}

void mms_part_answer_encode(const mms_part_answer *part, mms_value *answer)
{
    json_object_set_new(answer, "rows", json_integer(part->rows));
    json_object_set_new(answer, "bytes", json_integer(part->bytes));
    json_object_set_new(answer, "shared", json_integer(part->shared));
}

mms_part_answer mms_part_answer_decode(const mms_value *answer)
{
    const mms_keys k = {.value = answer};

    return (mms_part_answer){.rows = mms_keys_find_integer(&k, "rows"),
                             .bytes = mms_keys_find_integer(&k, "bytes"),
                             .shared = mms_keys_find_integer(&k, "shared"),
                             .goodness = mms_keys_find(&k, "goodness")};
}
