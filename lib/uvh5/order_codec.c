/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file order_codec.c  Orders and answers of the units of this folder, to and from JSON. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/keys_priv.h"
#include "blts_priv.h"
#include "ms/select_value.h"
#include "orders_priv.h"
#include "output/request_priv.h"

/** An object (NULL: no memory) with the keys of another, which is taken. */
static mms_value *with(mms_value *value, mms_value *more)
{
    if (!more || json_object_update(value, more))
        mms_value_free(&value);
    json_decref(more);
    return value;
}

/* ---- export -----------------------------------------------------------------------------------*/

static const mms_key target_keys[] = {MMS_KEY(mms_uvh5_target, MMS_KEY_INTEGER, nchan),
                                      MMS_KEY(mms_uvh5_target, MMS_KEY_INTEGER, ncorr),
                                      MMS_KEY(mms_uvh5_target, MMS_KEY_INTEGER, first),
                                      {0}};

static mms_value *encode_target(const mms_uvh5 *u, const mms_uvh5_dd *dd)
{
    mms_value *const channels = json_array(), *const pols = json_array();
    mms_uvh5_target t = {0};

    if (dd->used) {
        const mms_uvh5_window *const w = &u->windows[dd->window];
        t = (mms_uvh5_target){.nchan = w->nchan, .ncorr = dd->ncorr, .first = w->first};
        for (int64_t c = 0; c < w->nchan; c++)
            if (w->chosen[c])
                json_array_append_new(channels, json_integer(c));
        for (int32_t k = 0; k < dd->nkept; k++)
            json_array_append_new(pols, json_pack("[ii]", dd->from[k], dd->to[k]));
    }
    return with(mms_keys_encode(target_keys, &t),
                json_pack("{so so}", "channels", channels, "pols", pols));
}

#define EXPORT(kind, member) MMS_KEY(mms_uvh5_export_order, kind, member)

/** What an order has beside its targets. */
static const mms_key export_keys[] = {EXPORT(MMS_KEY_TEXT, vis),
                                      EXPORT(MMS_KEY_TEXT, column),
                                      EXPORT(MMS_KEY_TEXT, file),
                                      EXPORT(MMS_KEY_TEXT, cells),
                                      EXPORT(MMS_KEY_TRUTH, negate),
                                      EXPORT(MMS_KEY_TRUTH, tiles),
                                      EXPORT(MMS_KEY_INTEGER, nblt),
                                      EXPORT(MMS_KEY_INTEGER, nfreq),
                                      EXPORT(MMS_KEY_INTEGER, npol),
                                      EXPORT(MMS_KEY_THREE, offsets),
                                      {0}};

mms_value *mms_uvh5_shared(const mms_uvh5 *u, const char *file, const char *cells)
{
    char *const vis = mms_path_absolute(u->asked->vis);
    mms_uvh5_export_order o = {.vis = vis,
                               .column = u->column,
                               .file = file,
                               .cells = cells,
                               .negate = u->negate,
                               .tiles = u->asked->how.tiles,
                               .nblt = u->nblt,
                               .nfreq = u->nfreq,
                               .npol = u->npol};
    mms_value *const targets = json_array();

    memcpy(o.offsets, u->offsets, sizeof o.offsets);
    for (int64_t d = 0; d < u->meta.ndd; d++)
        json_array_append_new(targets, encode_target(u, &u->dds[d]));
    mms_value *const shared =
        with(mms_keys_encode(export_keys, &o), json_pack("{so}", "targets", targets));
    free(vis);
    return shared;
}

static void decode_target(mms_keys *outer, const mms_value *value, int64_t npol, mms_uvh5_target *t)
{
    mms_keys k = {.value = value};
    const mms_value *const channels = mms_keys_get(&k, "channels");
    const mms_value *const pols = mms_keys_get(&k, "pols");

    mms_keys_read(&k, target_keys, t);
    if (k.missing && !outer->missing)
        outer->missing = k.missing;
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
    const mms_value *const targets = mms_keys_get(&k, "targets");

    *o = (mms_uvh5_export_order){.ntarget = (int64_t)json_array_size(targets)};
    mms_keys_read(&k, export_keys, o);
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

#define BLTS(kind, member) MMS_KEY(mms_uvh5_blts_order, kind, member)

static const mms_key blts_keys[] = {BLTS(MMS_KEY_TEXT, shared),       BLTS(MMS_KEY_TEXT, rows_file),
                                    BLTS(MMS_KEY_INTEGER, first_blt), BLTS(MMS_KEY_INTEGER, nblt),
                                    BLTS(MMS_KEY_INTEGER, first_row), BLTS(MMS_KEY_INTEGER, nrow),
                                    BLTS(MMS_KEY_INTEGER, bytes),     {0}};

MMS_KEYS_ENCODE(mms_uvh5_blts_order, blts_keys)
MMS_KEYS_DECODE(mms_uvh5_blts_order, blts_keys, "baseline-times")

#define AVERAGED(kind, member) MMS_KEY(mms_uvh5_averaged_order, kind, member)

static const mms_key averaged_keys[] = {
    AVERAGED(MMS_KEY_TEXT, step),   AVERAGED(MMS_KEY_TEXT, shared),
    AVERAGED(MMS_KEY_TEXT, places), AVERAGED(MMS_KEY_VALUE, part),
    AVERAGED(MMS_KEY_TEXTS, files), AVERAGED(MMS_KEY_INTEGER, first),
    AVERAGED(MMS_KEY_INTEGER, n),   {0}};

mms_value *mms_uvh5_averaged_order_encode(const mms_uvh5_averaged_order *o)
{
    // the engine looks for the bytes of a unit at its top
    return with(mms_keys_encode(averaged_keys, o),
                json_pack("{sO*}", "bytes", json_object_get(o->part, "bytes")));
}

MMS_KEYS_DECODE(mms_uvh5_averaged_order, averaged_keys, "averages")

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

/** What a journal notes of a file. */
typedef struct file_plan {
    int64_t units, offsets[3];
} file_plan;

static const mms_key file_plan_keys[] = {
    MMS_KEY(file_plan, MMS_KEY_INTEGER, units), MMS_KEY(file_plan, MMS_KEY_THREE, offsets), {0}};

mms_value *mms_uvh5_file_plan_encode(int64_t nunits, const int64_t offsets[3])
{
    const file_plan p = {nunits, {offsets[0], offsets[1], offsets[2]}};

    return mms_keys_encode(file_plan_keys, &p);
}

bool mms_uvh5_file_plan_decode(const mms_value *plan, int64_t *nunits, int64_t offsets[3])
{
    file_plan p = {0};

    if (mms_keys_decode(file_plan_keys, plan, "file", &p, NULL) != MMS_OK || p.units < 1)
        return false;
    *nunits = p.units;
    memcpy(offsets, p.offsets, sizeof p.offsets);
    return true;
}

/* ---- import -----------------------------------------------------------------------------------*/

#define IMPORT(kind, member) MMS_KEY(mms_uvh5_import_order, kind, member)

static const mms_key import_keys[] = {
    IMPORT(MMS_KEY_TEXT, step),       IMPORT(MMS_KEY_TEXT, uvh5file),
    IMPORT(MMS_KEY_TEXT, like),       IMPORT(MMS_KEY_TRUTH, flipconj),
    IMPORT(MMS_KEY_TRUTH, zenith),    IMPORT(MMS_KEY_TRUTH, sync),
    IMPORT(MMS_KEY_VALUE, subtables), {0}};

/** What a part has beside that. */
static const mms_key import_part_keys[] = {
    IMPORT(MMS_KEY_TEXT, cells),     IMPORT(MMS_KEY_TEXT, out),
    IMPORT(MMS_KEY_TEXTS, links),    IMPORT(MMS_KEY_INTEGER, threads),
    IMPORT(MMS_KEY_INTEGER, memory), IMPORT(MMS_KEY_TRUTH, flipped),
    IMPORT(MMS_KEY_TRUTH, renew),    {0}};

mms_value *mms_uvh5_import_order_encode(const mms_uvh5_import_order *o)
{
    mms_value *const value = mms_keys_encode(import_keys, o);

    return o->cells ? with(value, mms_keys_encode(import_part_keys, o)) : value;
}

mms_status mms_uvh5_import_order_decode(const mms_value *value, mms_uvh5_import_order *o,
                                        mms_error *err)
{
    mms_keys k = {.value = value};

    *o = (mms_uvh5_import_order){0};
    mms_keys_read(&k, import_keys, o);
    if (mms_keys_find(&k, "cells"))
        mms_keys_read(&k, import_part_keys, o);
    return mms_keys_end(&k, "import", err);
}

/* ---- judge ------------------------------------------------------------------------------------*/

#define JUDGE(kind, member) MMS_KEY(mms_uvh5_judge_order, kind, member)

static const mms_key judge_keys[] = {
    JUDGE(MMS_KEY_TEXT, file),    JUDGE(MMS_KEY_TEXT, other),     JUDGE(MMS_KEY_TRUTH, is_ms),
    JUDGE(MMS_KEY_INTEGER, part), JUDGE(MMS_KEY_INTEGER, nparts), JUDGE(MMS_KEY_INTEGER, show),
    JUDGE(MMS_KEY_NUMBER, rtol),  JUDGE(MMS_KEY_NUMBER, atol),    {0}};

/** What is asked of an MS, beside the selection. */
static const mms_key judged_ms_keys[] = {JUDGE(MMS_KEY_TEXT, request.datacolumn),
                                         JUDGE(MMS_KEY_TEXT, request.flipconj),
                                         JUDGE(MMS_KEY_TEXT, request.eop),
                                         JUDGE(MMS_KEY_TRUTH, request.how.tiles),
                                         {0}};

static const char *text_or_none(const char *text)
{
    return text ? text : "";
}

mms_value *mms_uvh5_judge_order_encode(const mms_uvh5_judge_order *o)
{
    mms_uvh5_judge_order told = *o;
    mms_value *const value = mms_keys_encode(judge_keys, o);

    if (!o->is_ms)
        return value;
    told.request.datacolumn = text_or_none(o->request.datacolumn);
    told.request.flipconj = text_or_none(o->request.flipconj);
    told.request.eop = text_or_none(o->request.eop);
    return with(with(value, mms_keys_encode(judged_ms_keys, &told)),
                json_pack("{so}", "select", mms_select_value(&o->request.select)));
}

mms_status mms_uvh5_judge_order_decode(const mms_value *value, mms_uvh5_judge_order *o,
                                       mms_error *err)
{
    mms_keys k = {.value = value};

    *o = (mms_uvh5_judge_order){0};
    mms_keys_read(&k, judge_keys, o);
    if (o->is_ms) {
        o->request.vis = o->other;
        o->request.select = mms_select_of(mms_keys_get(&k, "select"));
        mms_keys_read(&k, judged_ms_keys, o);
    }
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
