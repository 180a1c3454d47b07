/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file order_codec.c  Orders of units of in-place work, to and from JSON. */
#include <jansson.h>

#include "base/keys_priv.h"
#include "orders_priv.h"

const char *mms_inplace_step(const mms_value *order)
{
    return mms_keys_find_text(&(const mms_keys){.value = order}, "step");
}

const char *mms_inplace_lock(const mms_value *order)
{
    return mms_keys_find_text(&(const mms_keys){.value = order}, "lock");
}

/* ---- versions of flags ------------------------------------------------------------------------*/

mms_value *mms_save_order_encode(const mms_save_order *o)
{
    return json_pack("{ss so so so ss}", "step", "save", "vis", mms_text_value(o->vis), "version",
                     mms_text_value(o->version), "comment", mms_text_value(o->comment), "lock", "");
}

mms_status mms_save_order_decode(const mms_value *value, mms_save_order *o, mms_error *err)
{
    mms_keys k = {.value = value};

    *o = (mms_save_order){mms_keys_text(&k, "vis"), mms_keys_text(&k, "version"),
                          mms_keys_text(&k, "comment")};
    return mms_keys_end(&k, "flag version", err);
}

mms_status mms_restore_order_decode(const mms_value *value, mms_restore_order *o, mms_error *err)
{
    mms_keys k = {.value = value};

    *o = (mms_restore_order){.vis = mms_keys_text(&k, "set"),
                             .part = mms_keys_text(&k, "vis"),
                             .version = mms_keys_text(&k, "version"),
                             .merge = mms_keys_text(&k, "merge"),
                             .lock = mms_keys_text(&k, "lock"),
                             .first = mms_keys_integer(&k, "first")};
    return mms_keys_end(&k, "flag version", err);
}

/* ---- columns, models --------------------------------------------------------------------------*/

mms_value *mms_change_order_encode(const mms_change_order *o)
{
    return json_pack("{ss so so so sO sb sb sI sO so}", "step", "change", "part",
                     mms_text_value(o->part), "rows", mms_text_value(o->rows), "lock",
                     mms_text_value(o->lock), "work", o->work, "tiles", (int)o->tiles, "sync",
                     (int)o->sync, "memory", (json_int_t)o->memory, "columns", o->columns, "made",
                     o->made ? json_string(o->made) : json_null());
}

mms_status mms_change_order_decode(const mms_value *value, mms_change_order *o, mms_error *err)
{
    mms_keys k = {.value = value};

    *o = (mms_change_order){.part = mms_keys_text(&k, "part"),
                            .rows = mms_keys_text(&k, "rows"),
                            .lock = mms_keys_text(&k, "lock"),
                            .made = json_string_value(mms_keys_get(&k, "made")),
                            .work = mms_keys_get(&k, "work"),
                            .columns = mms_keys_get(&k, "columns"),
                            .memory = mms_keys_integer(&k, "memory"),
                            .tiles = mms_keys_truth(&k, "tiles"),
                            .sync = mms_keys_truth(&k, "sync")};
    return mms_keys_end(&k, "columns", err);
}

mms_value *mms_models_order_encode(const mms_models_order *o)
{
    return json_pack("{ss so sO sO?}", "step", "models", "lock", mms_text_value(o->lock), "parts",
                     o->parts, "models", o->models);
}

mms_status mms_models_order_decode(const mms_value *value, mms_models_order *o, mms_error *err)
{
    mms_keys k = {.value = value};
    const mms_value *const models = mms_keys_get(&k, "models");

    *o = (mms_models_order){json_is_null(models) ? NULL : models, mms_keys_get(&k, "parts"),
                            mms_keys_text(&k, "lock")};
    return mms_keys_end(&k, "virtual models", err);
}

static mms_value *text_or_null(const char *text)
{
    return text ? mms_text_value(text) : json_null();
}

mms_value *mms_models_part_encode(const mms_model_tables *t)
{
    return json_pack("{so so so}", "main", mms_text_value(t->main), "source",
                     text_or_null(t->source), "field", text_or_null(t->field));
}

mms_model_tables mms_models_part_decode(const mms_value *part)
{
    const mms_keys k = {.value = part};

    return (mms_model_tables){json_string_value(mms_keys_find(&k, "main")),
                              json_string_value(mms_keys_find(&k, "source")),
                              json_string_value(mms_keys_find(&k, "field"))};
}

/* ---- flags ------------------------------------------------------------------------------------*/

mms_value *mms_flag_order_encode(const mms_flag_order *o)
{
    return json_pack("{ss so sO sO sb so sb sb sf sI so sb}", "step", "flag", "vis",
                     mms_text_value(o->vis), "members", o->members, "commands", o->commands,
                     "alone", (int)o->alone, "stage", mms_text_value(o->stage), "chunks",
                     (int)o->chunks, "combinescans", (int)o->combinescans, "ntime", o->ntime_s,
                     "memory", (json_int_t)o->memory, "lock", mms_text_value(o->lock), "tiles",
                     (int)o->tiles);
}

mms_status mms_flag_order_decode(const mms_value *value, mms_flag_order *o, mms_error *err)
{
    mms_keys k = {.value = value};

    *o = (mms_flag_order){.vis = mms_keys_text(&k, "vis"),
                          .stage = mms_keys_text(&k, "stage"),
                          .lock = mms_keys_text(&k, "lock"),
                          .members = mms_keys_get(&k, "members"),
                          .commands = mms_keys_get(&k, "commands"),
                          .ntime_s = mms_keys_number(&k, "ntime"),
                          .memory = mms_keys_integer(&k, "memory"),
                          .alone = mms_keys_truth(&k, "alone"),
                          .chunks = mms_keys_truth(&k, "chunks"),
                          .combinescans = mms_keys_truth(&k, "combinescans"),
                          .tiles = mms_keys_truth(&k, "tiles")};
    return mms_keys_end(&k, "flags", err);
}

mms_value *mms_flag_write_order_encode(const mms_flag_write_order *o)
{
    return json_pack("{ss so so sO so sb}", "step", "write", "vis", mms_text_value(o->vis), "stage",
                     mms_text_value(o->stage), "parts", o->parts, "lock", mms_text_value(o->lock),
                     "tiles", (int)o->tiles);
}

mms_status mms_flag_write_order_decode(const mms_value *value, mms_flag_write_order *o,
                                       mms_error *err)
{
    mms_keys k = {.value = value};

    *o = (mms_flag_write_order){.vis = mms_keys_text(&k, "vis"),
                                .stage = mms_keys_text(&k, "stage"),
                                .lock = mms_keys_text(&k, "lock"),
                                .parts = mms_keys_get(&k, "parts"),
                                .tiles = mms_keys_truth(&k, "tiles")};
    return mms_keys_end(&k, "flags", err);
}

mms_status mms_commands_order_decode(const mms_value *value, mms_commands_order *o, mms_error *err)
{
    mms_keys k = {.value = value};

    *o = (mms_commands_order){mms_keys_text(&k, "vis"), mms_keys_get(&k, "rows"),
                              mms_keys_get(&k, "applied")};
    return mms_keys_end(&k, "FLAG_CMD", err);
}

/* ---- weights ----------------------------------------------------------------------------------*/

mms_statwt_order mms_statwt_order_decode(const mms_value *value)
{
    const mms_keys k = {.value = value};

    return (mms_statwt_order){
        .vis = mms_keys_find_text(&k, "vis"),
        .column = mms_keys_find_text(&k, "column"),
        .fitspw = mms_keys_find_text(&k, "fitspw"),
        .stage = mms_keys_find_text(&k, "stage"),
        .select = mms_keys_find(&k, "select"),
        .spectra = mms_keys_find(&k, "spectra"),
        .range = mms_keys_find(&k, "wtrange"),
        .members = mms_keys_find(&k, "members"),
        .how = {.algorithm = (mms_statwt_algorithm)mms_keys_find_number(&k, "algorithm"),
                .minsamp = (int64_t)mms_keys_find_number(&k, "minsamp"),
                .fence = mms_keys_find_number(&k, "fence"),
                .zscore = mms_keys_find_number(&k, "zscore"),
                .maxiter = (int64_t)mms_keys_find_number(&k, "maxiter"),
                .center = (mms_statwt_center)mms_keys_find_number(&k, "center"),
                .lside = mms_keys_find_truth(&k, "lside")},
        .time = {.slides = mms_keys_find_truth(&k, "slides"),
                 .stamps = (int64_t)mms_keys_find_number(&k, "stamps"),
                 .seconds = mms_keys_find_number(&k, "seconds")},
        .channels = (int64_t)mms_keys_find_number(&k, "channels"),
        .memory = (int64_t)mms_keys_find_number(&k, "memory"),
        .width = mms_keys_find_number(&k, "width"),
        .scan = mms_keys_find_truth(&k, "scan"),
        .state = mms_keys_find_truth(&k, "state"),
        .field = mms_keys_find_truth(&k, "field"),
        .corr = mms_keys_find_truth(&k, "corr"),
        .binned = mms_keys_find_truth(&k, "binned"),
        .keeps_outside = mms_keys_find_truth(&k, "keeps_outside"),
        .excludechans = mms_keys_find_truth(&k, "excludechans"),
        .tiles = mms_keys_find_truth(&k, "tiles"),
    };
}

mms_value *mms_weights_order_encode(const mms_weights_order *o)
{
    return json_pack("{ss so so sI sI sO sO sb sb sb so}", "step", "write_weights", "stage",
                     mms_text_value(o->stage), "part", mms_text_value(o->part), "first",
                     (json_int_t)o->first, "count", (json_int_t)o->count, "writes", o->writes,
                     "adds", o->adds, "tiles", (int)o->tiles, "sync", (int)o->sync, "zero_sigma",
                     (int)o->zero_sigma, "lock", mms_text_value(o->lock));
}

mms_status mms_weights_order_decode(const mms_value *value, mms_weights_order *o, mms_error *err)
{
    mms_keys k = {.value = value};

    *o = (mms_weights_order){.stage = mms_keys_text(&k, "stage"),
                             .part = mms_keys_text(&k, "part"),
                             .lock = mms_keys_text(&k, "lock"),
                             .writes = mms_keys_get(&k, "writes"),
                             .adds = mms_keys_get(&k, "adds"),
                             .first = mms_keys_integer(&k, "first"),
                             .count = mms_keys_integer(&k, "count"),
                             .tiles = mms_keys_truth(&k, "tiles"),
                             .sync = mms_keys_truth(&k, "sync"),
                             .zero_sigma = mms_keys_truth(&k, "zero_sigma")};
    return mms_keys_end(&k, "weights", err);
}
