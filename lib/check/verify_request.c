/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file verify_request.c  The partition request to verify: as given, or the last one in HISTORY
 *  (multi-ms 3.6). */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "against_priv.h"
#include "settings_priv.h"

/** Collect the settings of the last partition. */
static mms_status read_history(const char *path, mms_value **texts, bool *found, mms_error *err)
{
    mms_table *table = NULL;
    mms_value *message = NULL;
    mms_status st = mms_table_open(path, MMS_TABLE_READ, &table, err);

    *found = false;
    for (int64_t row = 0; st == MMS_OK && row < mms_table_nrow(table); row++) {
        st = mms_table_get_cell(table, "MESSAGE", row, &message, err);
        const char *const text = json_string_value(message);
        if (text && !strncmp(text, "taskname=", 9)) {
            *found = !strcmp(text + 9, "partition");
            json_object_clear(*texts);
        } else if (text && *found)
            mms_settings_take(*texts, text);
        mms_value_free(&message);
    }
    mms_table_drop(&table);
    return st;
}

static void tell_request(const mms_request *r)
{
    char *const words = mms_settings_words(r->texts);

    mms_log(MMS_LOG_INFO, "verify", "The last partition in HISTORY is taken:%s",
            words && *words ? words : " all data");
    free(words);
}

static void take_settings(mms_request *r)
{
    r->select = mms_settings_select(r->texts);
    if (*mms_setting(r->texts, "datacolumn"))
        r->datacolumn = mms_setting(r->texts, "datacolumn");
}

mms_status mms_request_find(const mms_verification *v, const char *history, mms_request *request,
                            mms_error *err)
{
    bool found = false;
    mms_status st = MMS_OK;

    *request = (mms_request){.datacolumn = v->opts->datacolumn};
    if (!request->datacolumn || !*request->datacolumn)
        request->datacolumn = "all";
    if (v->opts->select)
        request->select = *v->opts->select;
    if (!v->opts->from_history)
        return MMS_OK;
    request->texts = json_object();
    if (!request->texts)
        return mms_fail(err, MMS_ERR_MEM, "request: out of memory");
    if (history)
        st = read_history(history, &request->texts, &found, err);
    if (found && st == MMS_OK) {
        take_settings(request);
        if (v->piece.tables)
            tell_request(request);
    } else if (st == MMS_OK && v->piece.tables)
        mms_log(MMS_LOG_INFO, "verify", "HISTORY names no partition: all data are taken");
    return st;
}
