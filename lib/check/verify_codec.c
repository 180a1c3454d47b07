/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file verify_codec.c  Pieces of a verification on their way to workers and back. */
#include <jansson.h>
#include <stdlib.h>

#include "base/keys_priv.h"
#include "ms/select_value.h"
#include "report_priv.h"
#include "verify_pieces.h"

mms_value *mms_verify_order_encode(const char *path, const mms_verify_opts *opts,
                                   mms_verify_piece piece)
{
    return json_pack("{so so so so sb sI sb sb sb sI sI}", "path", mms_text_value(path), "against",
                     mms_text_value(opts->against), "select", mms_select_value(opts->select),
                     "datacolumn", mms_text_value(opts->datacolumn), "from_history",
                     (int)opts->from_history, "show", (json_int_t)opts->show, "tiles",
                     (int)opts->tiles, "tables", (int)piece.tables, "rows", (int)piece.rows,
                     "number", (json_int_t)piece.number, "of", (json_int_t)piece.of);
}

mms_status mms_verify_order_decode(const mms_value *value, mms_verify_order *o, mms_error *err)
{
    mms_keys k = {.value = value};

    *o = (mms_verify_order){.path = mms_keys_text(&k, "path"), .opts = MMS_VERIFY_OPTS_INIT};
    o->select = mms_select_of(mms_keys_get(&k, "select"));
    o->opts.against = mms_keys_text(&k, "against");
    o->opts.select = &o->select;
    o->opts.datacolumn = mms_keys_text(&k, "datacolumn");
    o->opts.from_history = mms_keys_truth(&k, "from_history");
    o->opts.show = mms_keys_integer(&k, "show");
    o->opts.tiles = mms_keys_truth(&k, "tiles");
    o->piece.tables = mms_keys_truth(&k, "tables");
    o->piece.rows = mms_keys_truth(&k, "rows");
    o->piece.number = mms_keys_integer(&k, "number");
    o->piece.of = mms_keys_integer(&k, "of");
    return mms_keys_end(&k, "verify", err);
}

mms_status mms_verify_join(int64_t n, const mms_value *const *results, int64_t show,
                           mms_value *result, mms_error *err)
{
    mms_report report;
    const mms_status st = mms_report_start(&report, show, err);

    for (int64_t i = 0; st == MMS_OK && i < n; i++)
        mms_report_join(&report, results[i]);
    return mms_report_finish(&report, st, result, err);
}
