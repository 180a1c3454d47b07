/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file history.c  The table HISTORY as the text that pyuvdata reads back into a table. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ms/columns.h"
#include "uvh5_priv.h"

static const char *const columns[] = {"APP_PARAMS", "CLI_COMMAND", "APPLICATION",
                                      "MESSAGE",    "OBJECT_ID",   MMS_COL_OBSERVATION_ID,
                                      "ORIGIN",     "PRIORITY",    MMS_COL_TIME};

/** A value on one line without ';': of an array the first element. */
static void add_value(mms_text *text, const mms_value *value)
{
    while (json_is_array(value))
        value = json_array_get(value, 0);
    if (json_is_integer(value))
        mms_text_add(text, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    else if (json_is_real(value))
        mms_text_add(text, "%.17g", json_real_value(value));
    for (const char *s = json_is_string(value) ? json_string_value(value) : ""; *s; s++)
        mms_text_add(text, "%c", strchr(";\n\r", *s) ? ' ' : *s);
}

static mms_status add_row(mms_text *text, mms_table *table, int64_t row, mms_error *err)
{
    for (int64_t i = 0; i < MMS_COUNT_OF(columns); i++) {
        mms_value *value = NULL;
        mms_status st = MMS_OK;
        if (mms_table_find_column(table, columns[i]))
            st = mms_table_get_cell(table, columns[i], row, &value, err);
        if (st != MMS_OK)
            return st;
        mms_text_add(text, "%s", i ? ";" : "");
        add_value(text, value);
        mms_value_free(&value);
    }
    mms_text_add(text, "\n");
    return MMS_OK;
}

/** What this run adds: its texts, and when it was. */
static void add_own(mms_text *text, const mms_uvh5 *u)
{
    const time_t now = time(NULL);
    struct tm utc;
    char date[32] = "";
    size_t i;
    mms_value *line;

    if (gmtime_r(&now, &utc))
        strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%SZ", &utc);
    mms_text_add(text, "Written by multims %s, %s:", mms_version(), date);
    json_array_foreach(u->host->history, i, line)
        mms_text_add(text, "\n%s", json_string_value(line));
}

mms_status mms_uvh5_history(mms_uvh5 *u, char **out, mms_error *err)
{
    mms_table *table = NULL;
    mms_text text = {0};
    mms_status st = MMS_OK;

    *out = NULL;
    if (mms_ms_subtable(u->ms, "HISTORY"))
        MMS_TRY(mms_uvh5_open_table(u, "HISTORY", &table, err));
    mms_text_add(&text, "Begin measurement set history\n");
    for (int64_t i = 0; i < MMS_COUNT_OF(columns); i++)
        mms_text_add(&text, "%s%s", i ? ";" : "", columns[i]);
    mms_text_add(&text, "\n");
    for (int64_t i = 0; table && i < mms_table_nrow(table); i++)
        MMS_TRY(add_row(&text, table, i, err));
    mms_text_add(&text, "End measurement set history.\n");
    add_own(&text, u);
    *out = text.text;
    text.text = NULL;
    MMS_TRY(*out ? MMS_OK : mms_uvh5_no_memory(u, err));
done:
    free(text.text);
    mms_table_drop(&table);
    return st;
}
