/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file order_codec.c  Orders and answers of the units of this folder, to and from JSON. */
#include <jansson.h>
#include <stdlib.h>

#include "base/keys_priv.h"
#include "blts_priv.h"
#include "ms/select_value.h"
#include "orders_priv.h"
#include "output/request_priv.h"

static mms_value *list_of(const char *const *texts)
{
    mms_value *const list = json_array();

    for (; texts && *texts; texts++)
        json_array_append_new(list, mms_text_value(*texts));
    return list;
}

/* ---- export -----------------------------------------------------------------------------------*/

static mms_value *encode_target(const mms_uvh5 *u, const mms_uvh5_dd *dd)
{
    mms_value *channels = json_array(), *pols = json_array();

    if (!dd->used)
        return json_pack("{so so}", "channels", channels, "pols", pols);
    const mms_uvh5_window *const w = &u->windows[dd->window];
    for (int64_t c = 0; c < w->nchan; c++)
        if (w->chosen[c])
            json_array_append_new(channels, json_integer(c));
    for (int32_t k = 0; k < dd->nkept; k++)
        json_array_append_new(pols, json_pack("[ii]", dd->from[k], dd->to[k]));
    return json_pack("{sI si sI so so}", "nchan", (json_int_t)w->nchan, "ncorr", dd->ncorr, "first",
                     (json_int_t)w->first, "channels", channels, "pols", pols);
}

mms_value *mms_uvh5_shared(const mms_uvh5 *u, const char *file, const char *cells)
{
    char *const vis = mms_path_absolute(u->asked->vis);
    mms_value *targets = json_array(), *shared;

    for (int64_t d = 0; d < u->meta.ndd; d++)
        json_array_append_new(targets, encode_target(u, &u->dds[d]));
    shared = json_pack(
        "{so ss so so sb sI sI sI s[III] so sb}", "vis", mms_text_value(vis ? vis : ""), "column",
        u->column, "file", mms_text_value(file), "cells", mms_text_value(cells), "negate",
        (int)u->negate, "nblt", (json_int_t)u->nblt, "nfreq", (json_int_t)u->nfreq, "npol",
        (json_int_t)u->npol, "offsets", (json_int_t)u->offsets[0], (json_int_t)u->offsets[1],
        (json_int_t)u->offsets[2], "targets", targets, "tiles", (int)u->asked->how.tiles);
    if (!vis)
        mms_value_free(&shared);
    free(vis);
    return shared;
}

static void decode_target(mms_keys *outer, const mms_value *value, int64_t npol, mms_uvh5_target *t)
{
    const mms_keys k = {.value = value};
    const mms_value *const channels = mms_keys_find(&k, "channels");
    const mms_value *const pols = mms_keys_find(&k, "pols");

    t->nchan = mms_keys_find_integer(&k, "nchan");
    t->ncorr = mms_keys_find_integer(&k, "ncorr");
    t->first = mms_keys_find_integer(&k, "first");
    t->count = (int64_t)json_array_size(channels);
    t->nkept = (int64_t)json_array_size(pols);
    t->channels = mms_alloc(t->count, sizeof *t->channels);
    outer->starved = outer->starved || !t->channels;
    for (int64_t c = 0; t->channels && c < t->count; c++)
        t->channels[c] = json_integer_value(json_array_get(channels, (size_t)c));
    t->begin = t->channels && t->count ? t->channels[0] : 0;
    if (t->channels && t->count && t->channels[t->count - 1] != t->begin + t->count - 1)
        t->begin = -1;
    t->in_order = t->nkept == t->ncorr && t->nkept == npol;
    for (int64_t i = 0; i < t->nkept && i < MMS_UVH5_MAX_POL; i++) {
        const mms_value *const pair = json_array_get(pols, (size_t)i);
        t->from[i] = (int32_t)json_integer_value(json_array_get(pair, 0));
        t->to[i] = (int32_t)json_integer_value(json_array_get(pair, 1));
        t->in_order = t->in_order && t->from[i] == t->to[i];
    }
}

mms_status mms_uvh5_export_order_decode(const mms_value *value, mms_uvh5_export_order *o,
                                        mms_error *err)
{
    mms_keys k = {.value = value};
    const mms_value *const offsets = mms_keys_get(&k, "offsets");
    const mms_value *const targets = mms_keys_get(&k, "targets");

    *o = (mms_uvh5_export_order){.vis = mms_keys_text(&k, "vis"),
                                 .column = mms_keys_text(&k, "column"),
                                 .file = mms_keys_text(&k, "file"),
                                 .cells = mms_keys_text(&k, "cells"),
                                 .negate = mms_keys_truth(&k, "negate"),
                                 .nblt = mms_keys_integer(&k, "nblt"),
                                 .tiles = mms_keys_truth(&k, "tiles"),
                                 .nfreq = mms_keys_integer(&k, "nfreq"),
                                 .npol = mms_keys_integer(&k, "npol"),
                                 .ntarget = (int64_t)json_array_size(targets)};
    for (size_t i = 0; i < 3; i++)
        o->offsets[i] = json_integer_value(json_array_get(offsets, i));
    o->targets = mms_alloc(o->ntarget, sizeof *o->targets);
    k.starved = !o->targets;
    for (int64_t d = 0; o->targets && d < o->ntarget; d++)
        decode_target(&k, json_array_get(targets, (size_t)d), o->npol, &o->targets[d]);
    const mms_status st = mms_keys_end(&k, "export", err);
    if (st != MMS_OK)
        mms_uvh5_export_order_free(o);
    return st;
}

void mms_uvh5_export_order_free(mms_uvh5_export_order *o)
{
    for (int64_t d = 0; o->targets && d < o->ntarget; d++)
        free(o->targets[d].channels);
    free(o->targets);
    *o = (mms_uvh5_export_order){0};
}

mms_value *mms_uvh5_blts_order_encode(const mms_uvh5_blts_order *o)
{
    return json_pack("{so so sI sI sI sI sI}", "shared", mms_text_value(o->shared), "rows_file",
                     mms_text_value(o->rows_file), "first_blt", (json_int_t)o->first_blt, "nblt",
                     (json_int_t)o->nblt, "first_row", (json_int_t)o->first_row, "nrow",
                     (json_int_t)o->nrow, "bytes", (json_int_t)o->bytes);
}

mms_status mms_uvh5_blts_order_decode(const mms_value *value, mms_uvh5_blts_order *o,
                                      mms_error *err)
{
    mms_keys k = {.value = value};

    *o = (mms_uvh5_blts_order){.shared = mms_keys_text(&k, "shared"),
                               .rows_file = mms_keys_text(&k, "rows_file"),
                               .first_blt = mms_keys_integer(&k, "first_blt"),
                               .nblt = mms_keys_integer(&k, "nblt"),
                               .first_row = mms_keys_integer(&k, "first_row"),
                               .nrow = mms_keys_integer(&k, "nrow"),
                               .bytes = mms_keys_integer(&k, "bytes")};
    return mms_keys_end(&k, "baseline-times", err);
}

mms_value *mms_uvh5_averaged_order_encode(const mms_uvh5_averaged_order *o)
{
    return json_pack("{ss so so so so sI sI sO*}", "step", o->step, "shared",
                     mms_text_value(o->shared), "places", mms_text_value(o->places), "part",
                     o->part ? json_incref((mms_value *)o->part) : json_object(), "files",
                     list_of(o->files), "first", (json_int_t)o->first, "n", (json_int_t)o->n,
                     "bytes", json_object_get(o->part, "bytes"));
}

mms_status mms_uvh5_averaged_order_decode(const mms_value *value, mms_uvh5_averaged_order *o,
                                          mms_error *err)
{
    mms_keys k = {.value = value};

    *o = (mms_uvh5_averaged_order){.step = mms_keys_text(&k, "step"),
                                   .shared = mms_keys_text(&k, "shared"),
                                   .places = mms_keys_text(&k, "places"),
                                   .part = mms_keys_get(&k, "part"),
                                   .files = mms_keys_texts(&k, "files"),
                                   .first = mms_keys_integer(&k, "first"),
                                   .n = mms_keys_integer(&k, "n")};
    const mms_status st = mms_keys_end(&k, "averages", err);
    if (st != MMS_OK) {
        free(o->files);
        o->files = NULL;
    }
    return st;
}

void mms_uvh5_averaged_order_set_threads(mms_value *order, int64_t threads)
{
    mms_part_order_set_threads(json_object_get(order, "part"), threads);
}

void mms_uvh5_cut_encode(mms_value *answer, mms_value *rows)
{
    json_object_set_new(answer, "rows", rows);
}

const mms_value *mms_uvh5_cut_decode(const mms_value *answer)
{
    return json_object_get(answer, "rows");
}

bool mms_uvh5_list_unit(mms_value *list, const char *name, mms_value *order)
{
    mms_value *const label = name ? mms_text_value(name) : NULL;

    return !json_array_append_new(list, json_pack("{so so}", "name", label, "order", order));
}

mms_value *mms_uvh5_listed_unit(const mms_value *list, int64_t i, const char **name)
{
    const mms_value *const unit = json_array_get(list, (size_t)i);

    *name = mms_text_of(unit, "name");
    return json_object_get(unit, "order");
}

mms_value *mms_uvh5_file_plan_encode(int64_t nunits, const int64_t offsets[3])
{
    return json_pack("{s:I, s:[I, I, I]}", "units", (json_int_t)nunits, "offsets",
                     (json_int_t)offsets[0], (json_int_t)offsets[1], (json_int_t)offsets[2]);
}

bool mms_uvh5_file_plan_decode(const mms_value *plan, int64_t *nunits, int64_t offsets[3])
{
    const mms_keys k = {.value = plan};
    const mms_value *const list = mms_keys_find(&k, "offsets");

    *nunits = mms_keys_find_integer(&k, "units");
    if (*nunits < 1 || json_array_size(list) != 3)
        return false;
    for (size_t i = 0; i < 3; i++)
        offsets[i] = json_integer_value(json_array_get(list, i));
    return true;
}

/* ---- import -----------------------------------------------------------------------------------*/

mms_value *mms_uvh5_import_order_encode(const mms_uvh5_import_order *o)
{
    mms_value *const value = json_pack("{ss so so sb sb sb sO}", "step", o->step, "uvh5file",
                                       mms_text_value(o->uvh5file), "like", mms_text_value(o->like),
                                       "flipconj", (int)o->flipconj, "zenith", (int)o->zenith,
                                       "sync", (int)o->sync, "subtables", o->subtables);

    if (!value || !o->cells)
        return value;
    json_object_set_new(value, "links", list_of(o->links));
    json_object_set_new(value, "cells", mms_text_value(o->cells));
    json_object_set_new(value, "out", mms_text_value(o->out));
    json_object_set_new(value, "threads", json_integer(o->threads));
    json_object_set_new(value, "memory", json_integer(o->memory));
    json_object_set_new(value, "flipped", json_boolean(o->flipped));
    json_object_set_new(value, "renew", json_boolean(o->renew));
    return value;
}

mms_status mms_uvh5_import_order_decode(const mms_value *value, mms_uvh5_import_order *o,
                                        mms_error *err)
{
    mms_keys k = {.value = value};

    *o = (mms_uvh5_import_order){.step = mms_keys_text(&k, "step"),
                                 .uvh5file = mms_keys_text(&k, "uvh5file"),
                                 .like = mms_keys_text(&k, "like"),
                                 .flipconj = mms_keys_truth(&k, "flipconj"),
                                 .zenith = mms_keys_truth(&k, "zenith"),
                                 .sync = mms_keys_truth(&k, "sync"),
                                 .subtables = mms_keys_get(&k, "subtables")};
    if (mms_keys_find(&k, "cells")) {
        o->cells = mms_keys_text(&k, "cells");
        o->out = mms_keys_text(&k, "out");
        o->links = mms_keys_texts(&k, "links");
        o->threads = mms_keys_integer(&k, "threads");
        o->memory = mms_keys_integer(&k, "memory");
        o->flipped = mms_keys_truth(&k, "flipped");
        o->renew = mms_keys_truth(&k, "renew");
    }
    return mms_keys_end(&k, "import", err);
}

/* ---- judge ------------------------------------------------------------------------------------*/

static const char *text_or_none(const char *text)
{
    return text ? text : "";
}

mms_value *mms_uvh5_judge_order_encode(const mms_uvh5_judge_order *o)
{
    mms_value *const value = json_pack(
        "{so so sb sI sI sf sf sI}", "file", mms_text_value(o->file), "other",
        mms_text_value(o->other), "is_ms", (int)o->is_ms, "part", (json_int_t)o->part, "nparts",
        (json_int_t)o->nparts, "rtol", o->rtol, "atol", o->atol, "show", (json_int_t)o->show);

    if (!value || !o->is_ms)
        return value;
    json_object_set_new(value, "select", mms_select_value(&o->request.select));
    json_object_set_new(value, "datacolumn", mms_text_value(text_or_none(o->request.datacolumn)));
    json_object_set_new(value, "flipconj", mms_text_value(text_or_none(o->request.flipconj)));
    json_object_set_new(value, "eop", mms_text_value(text_or_none(o->request.eop)));
    json_object_set_new(value, "tiles", json_boolean(o->request.how.tiles));
    return value;
}

mms_status mms_uvh5_judge_order_decode(const mms_value *value, mms_uvh5_judge_order *o,
                                       mms_error *err)
{
    mms_keys k = {.value = value};

    *o = (mms_uvh5_judge_order){.file = mms_keys_text(&k, "file"),
                                .other = mms_keys_text(&k, "other"),
                                .is_ms = mms_keys_truth(&k, "is_ms"),
                                .part = mms_keys_integer(&k, "part"),
                                .nparts = mms_keys_integer(&k, "nparts"),
                                .show = mms_keys_integer(&k, "show"),
                                .rtol = mms_keys_number(&k, "rtol"),
                                .atol = mms_keys_number(&k, "atol")};
    if (o->is_ms)
        o->request = (mms_uvh5_request){.vis = o->other,
                                        .select = mms_select_of(mms_keys_get(&k, "select")),
                                        .datacolumn = mms_keys_text(&k, "datacolumn"),
                                        .flipconj = mms_keys_text(&k, "flipconj"),
                                        .eop = mms_keys_text(&k, "eop"),
                                        .how.tiles = mms_keys_truth(&k, "tiles")};
    return mms_keys_end(&k, "values", err);
}

const char *mms_uvh5_values_name(int kind)
{
    static const char *const names[MMS_UVH5_NVALUES] = {"visdata", "flags", "nsamples"};

    return names[kind];
}

void mms_uvh5_found_encode(mms_value *answer, int kind, int64_t count, mms_value *texts)
{
    json_object_set_new(answer, mms_uvh5_values_name(kind),
                        json_pack("{sI sO}", "count", (json_int_t)count, "findings", texts));
}

void mms_uvh5_found_decode(const mms_value *answer, int kind, int64_t *count,
                           const mms_value **texts)
{
    const mms_keys all = {.value = answer};
    const mms_keys k = {.value = mms_keys_find(&all, mms_uvh5_values_name(kind))};

    *count = mms_keys_find_integer(&k, "count");
    *texts = mms_keys_find(&k, "findings");
}
