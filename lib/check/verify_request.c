/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file verify_request.c  The partition request to verify: as given, or the last one in HISTORY
 *  (multi-ms 3.6). */
#include <ctype.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "against_priv.h"

/** Take "name = value" of a HISTORY text: texts without their quotes, None as empty. */
static void take_setting(const char *message, mms_value *texts)
{
    const char *const equals = strchr(message, '=');
    char name[32], *value;
    size_t n;

    if (!equals)
        return;
    n = (size_t)(equals - message);
    while (n > 0 && isspace((unsigned char)message[n - 1]))
        n--;
    if (n == 0 || n >= sizeof name)
        return;
    memcpy(name, message, n);
    name[n] = '\0';
    value = strdup(equals + 1 + strspn(equals + 1, " "));
    n = value ? strlen(value) : 0;
    if (n >= 2 && (value[0] == '"' || value[0] == '\'') && value[n - 1] == value[0]) {
        memmove(value, value + 1, n - 2);
        value[n - 2] = '\0';
    } else if (value && !strcmp(value, "None"))
        *value = '\0';
    json_object_set_new_nocheck(texts, name, mms_text_value(value ? value : ""));
    free(value);
}

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
            take_setting(text, *texts);
        mms_value_free(&message);
    }
    mms_table_drop(&table);
    return st;
}

static const char *setting(const mms_value *texts, const char *name)
{
    const char *const text = json_string_value(json_object_get(texts, name));

    return text ? text : "";
}

static void tell_request(const mms_request *r)
{
    static const char *const names[] = {
        "field", "spw",     "scan",        "antenna", "correlation", "timerange", "intent",
        "array", "uvrange", "observation", "feed",    "taql",        "datacolumn"};
    mms_text line = {0};

    for (int64_t i = 0; i < MMS_COUNT_OF(names); i++)
        if (*setting(r->texts, names[i]))
            mms_text_add(&line, " %s=\"%s\"", names[i], setting(r->texts, names[i]));
    mms_log(MMS_LOG_INFO, "verify", "The last partition in HISTORY is taken:%s",
            line.text ? line.text : " all data");
    free(line.text);
}

static void take_settings(mms_request *r)
{
    r->select.field = setting(r->texts, "field");
    r->select.spw = setting(r->texts, "spw");
    r->select.scan = setting(r->texts, "scan");
    r->select.antenna = setting(r->texts, "antenna");
    r->select.correlation = setting(r->texts, "correlation");
    r->select.timerange = setting(r->texts, "timerange");
    r->select.intent = setting(r->texts, "intent");
    r->select.array = setting(r->texts, "array");
    r->select.uvrange = setting(r->texts, "uvrange");
    r->select.observation = setting(r->texts, "observation");
    r->select.feed = setting(r->texts, "feed");
    r->select.taql = setting(r->texts, "taql");
    if (*setting(r->texts, "datacolumn"))
        r->datacolumn = setting(r->texts, "datacolumn");
}

mms_status mms_request_find(const mms_verification *v, mms_request *request, mms_error *err)
{
    const char *const history = json_string_value(json_object_get(v->subtables, "HISTORY"));
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
        tell_request(request);
    } else if (st == MMS_OK)
        mms_log(MMS_LOG_INFO, "verify", "HISTORY names no partition: all data are taken");
    return st;
}
