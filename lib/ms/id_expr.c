/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file id_expr.c  Lists of scans, arrays and observations with the end that casacore's, which end
 *  at 1001, lack; antennas whose names are no words. */
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "spw_expr_priv.h"
#include "tables/tables_priv.h"

enum { CHUNK = 65536, LISTED = 1000 /**< casacore's lists of open ranges go this far at least */ };

bool mms_id_expr_is_long(const char *text)
{
    bool is_long = strchr(text, '>') != NULL;

    for (const char *at = text; *at && !is_long;) {
        const char *const end = mms_number_end(at);
        is_long = end > at && strtoll(at, NULL, 10) > LISTED;
        at = end > at ? end : at + 1;
    }
    return is_long;
}

/** An item of the list: one of > < ~, whose numbers are in it: low <= id <= high. */
typedef struct id_range {
    char form; /**< 0: something else */
    int64_t low, high;
} id_range;

static bool read_number(const char **at, int64_t *value)
{
    *at += strspn(*at, " ");
    const char *const end = mms_number_end(*at);
    if (end == *at || end - *at > 18)
        return false;
    *value = strtoll(*at, NULL, 10);
    *at = end + strspn(end, " ");
    return true;
}

static id_range read_item(const char *text, size_t length)
{
    const char *at = text + strspn(text, " ");
    const bool above = *at == '>', below = *at == '<';
    id_range r = {0, 0, INT64_MAX};
    int64_t n;

    at += above || below;
    const bool equal = (above || below) && *at == '=';
    at += equal;
    if (!read_number(&at, &n))
        return r;
    if (above)
        r = (id_range){'>', equal ? n : n + 1, INT64_MAX};
    else if (below)
        r = (id_range){'<', 0, equal ? n : n - 1};
    else if (*at == '~') {
        at++;
        if (read_number(&at, &r.high) && n <= r.high)
            r = (id_range){'~', n, r.high};
    }
    if (at != text + length)
        r.form = 0;
    return r;
}

/** Write an item that ends beyond the largest id as one that doesn't. */
static void write_item(mms_text *out, id_range r, int64_t most)
{
    if (r.low > INT32_MAX)
        r.low = INT32_MAX;
    if (r.low >= most)
        mms_text_add(out, "%" PRId64, r.low);
    else
        mms_text_add(out, "%" PRId64 "~%" PRId64, r.low, most);
}

mms_status mms_id_expr_read(const char *text, int64_t most, char **out, mms_error *err)
{
    mms_text list = {0};

    for (const char *at = text; at;) {
        const size_t length = strcspn(at, ",");
        const id_range r = read_item(at, length);
        mms_text_add(&list, "%s", at > text ? "," : "");
        if (r.form && r.high > most)
            write_item(&list, r, most);
        else
            mms_text_add(&list, "%.*s", (int)length, at);
        at = at[length] ? at + length + 1 : NULL;
    }
    *out = list.text;
    return list.failed ? mms_fail(err, MMS_ERR_MEM, "selection: out of memory") : MMS_OK;
}

/** The largest row number of a sub-table; 0 without one. */
static mms_status last_row(const mms_ms *ms, const char *name, int64_t *row, mms_error *err)
{
    const char *const path = mms_ms_subtable(ms, name);
    mms_table *table = NULL;
    mms_status st;

    *row = 0;
    if (!path)
        return MMS_OK;
    MMS_TRY(mms_table_open(path, MMS_TABLE_READ, &table, err));
    *row = mms_table_nrow(table) - 1;
done:
    mms_table_drop(&table);
    return st;
}

mms_status mms_largest_id(mms_ms *ms, const char *column, const char *table, int64_t *most,
                          mms_error *err)
{
    const int64_t nrow = mms_ms_nrow(ms);
    int32_t *const ids = mms_alloc(CHUNK, sizeof *ids);
    mms_status st = ids ? MMS_OK : mms_fail(err, MMS_ERR_MEM, "selection: out of memory");

    *most = 0;
    if (st == MMS_OK && table)
        st = last_row(ms, table, most, err);
    for (int64_t first = 0; st == MMS_OK && first < nrow; first += CHUNK) {
        const mms_rows rows = {first, nrow - first < CHUNK ? nrow - first : CHUNK};
        st = mms_ms_read(ms, column, 1, &rows, rows.count, ids, err);
        for (int64_t i = 0; st == MMS_OK && i < rows.count; i++)
            *most = ids[i] > *most ? ids[i] : *most;
    }
    free(ids);
    return st;
}

/** Whether casacore reads a name as it is: as a word or a number. */
static bool is_word(const char *name)
{
    return !name[strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_")];
}

mms_status mms_antenna_expr_read(const mms_ms *ms, const char *text, char **out, mms_error *err)
{
    const char *const path = mms_ms_subtable(ms, "ANTENNA");
    mms_table *table = NULL;
    mms_value *name = NULL;
    mms_status st = MMS_OK;

    *out = NULL;
    if (!path || is_word(text) || strchr(text, '"'))
        return MMS_OK;
    MMS_TRY(mms_table_open(path, MMS_TABLE_READ, &table, err));
    for (int64_t i = 0; i < mms_table_nrow(table) && !*out; i++) {
        MMS_TRY(mms_table_get_cell(table, "NAME", i, &name, err));
        if (json_is_string(name) && !strcmp(json_string_value(name), text) &&
            !(*out = mms_format("\"%s\"", text)))
            MMS_TRY(mms_fail(err, MMS_ERR_MEM, "selection: out of memory"));
        mms_value_free(&name);
    }
done:
    mms_value_free(&name);
    mms_table_drop(&table);
    return st;
}
