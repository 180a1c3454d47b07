/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file diff_table.c  Compares two sub-tables, and the keys and keywords that diff and verify use.
 */
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "compare_priv.h"
#include "diff_priv.h"
#include "ms/columns.h"

static const char *const main_names[] = {
    MMS_COL_TIME,     MMS_COL_ANTENNA1,    MMS_COL_ANTENNA2,       MMS_COL_DATA_DESC_ID,
    MMS_COL_FIELD_ID, MMS_COL_SCAN_NUMBER, MMS_COL_OBSERVATION_ID, MMS_COL_ARRAY_ID,
    MMS_COL_FEED1,    MMS_COL_FEED2};
const mms_keys mms_main_keys = {MMS_COUNT_OF(main_names), main_names};

mms_keys mms_subtable_keys(const char *name)
{
    static const char *const feed[] = {"ANTENNA_ID", "FEED_ID", "SPECTRAL_WINDOW_ID", MMS_COL_TIME};
    static const char *const source[] = {"SPECTRAL_WINDOW_ID", "SOURCE_ID", MMS_COL_TIME};
    static const char *const spw[] = {"SPECTRAL_WINDOW_ID", "ANTENNA_ID", "FEED_ID", MMS_COL_TIME};
    static const char *const antenna[] = {"ANTENNA_ID", MMS_COL_TIME};
    static const struct {
        const char *name;
        mms_keys keys;
    } known[] = {{"FEED", {4, feed}},      {"SOURCE", {3, source}}, {"SYSCAL", {4, spw}},
                 {"CALDEVICE", {4, spw}},  {"SYSPOWER", {4, spw}},  {"POINTING", {2, antenna}},
                 {"WEATHER", {2, antenna}}};

    for (int64_t i = 0; i < MMS_COUNT_OF(known); i++)
        if (!strcmp(known[i].name, name))
            return known[i].keys;
    return (mms_keys){0, NULL};
}

bool mms_list_has(const char *list, const char *name)
{
    const size_t length = strlen(name);

    for (const char *at = list; at && *at;) {
        const size_t n = strcspn(at, ",");
        const size_t blanks = strspn(at, " ");
        size_t end = n;
        while (end > blanks && at[end - 1] == ' ')
            end--;
        if (end >= blanks && end - blanks == length && !strncasecmp(at + blanks, name, length))
            return true;
        at += n + (at[n] == ',');
    }
    return false;
}

/** Upper and lower case of a measure's type mean the same. */
static mms_value *lower_text(const mms_value *value)
{
    char *const text = strdup(json_is_string(value) ? json_string_value(value) : "");
    mms_value *out;

    for (char *c = text; c && *c; c++)
        *c = (char)(*c >= 'A' && *c <= 'Z' ? *c - 'A' + 'a' : *c);
    out = mms_text_value(text);
    free(text);
    return out;
}

mms_status mms_column_units(mms_table *table, const char *column, mms_value **out, mms_error *err)
{
    mms_value *keywords = NULL;
    const mms_status st = mms_table_keywords(table, column, &keywords, err);

    *out = NULL;
    if (st != MMS_OK)
        return st;
    const mms_value *const info = json_object_get(keywords, "MEASINFO");
    *out = json_pack("{s:O?, s:o, s:O?, s:O?}", "QuantumUnits",
                     json_object_get(keywords, "QuantumUnits"), "type",
                     lower_text(json_object_get(info, "type")), "Ref", json_object_get(info, "Ref"),
                     "VarRefCol", json_object_get(info, "VarRefCol"));
    mms_value_free(&keywords);
    return *out ? MMS_OK : mms_fail(err, MMS_ERR_MEM, "%s: keywords: out of memory", column);
}

/** Two open tables on their way through a comparison. */
typedef struct table_diff {
    mms_rowset a, b;
    mms_table *ta, *tb;
    const mms_table_diff *how;
    mms_check *check;
    mms_compare compare;
    mms_match match;
    bool matched;
} table_diff;

/** A column that one side lacks matters when it has cells. */
static mms_status check_lonely_columns(const table_diff *d, mms_table *has, mms_table *lacks,
                                       const char *side, mms_error *err)
{
    const mms_rows first = {0, 1};

    for (int64_t i = 0; mms_table_nrow(has) > 0 && i < mms_table_ncolumn(has); i++) {
        const char *const name = mms_table_column(has, i)->name;
        mms_shape_run *runs = NULL;
        int64_t nrun;
        if (mms_table_find_column(lacks, name))
            continue;
        const mms_status st = mms_table_shapes(has, name, 1, &first, &runs, &nrun, err);
        if (st != MMS_OK)
            return st;
        if (runs[0].ndim >= 0)
            mms_check_add(d->check, json_pack("{s:s, s:s}", "column", name, "only_in", side),
                          "column %s only in %s", name, side);
        free(runs);
    }
    return MMS_OK;
}

static void report_lonely(mms_check *check, const mms_lonely *lonely, const char *side)
{
    for (int64_t i = 0; i < lonely->n; i++) {
        if (i >= MMS_MATCH_SHOW || !mms_check_keeps(check)) {
            mms_check_skip(check);
            continue;
        }
        mms_check_add(check,
                      json_pack("{s:s, s:I}", "only_in", side, "row", (json_int_t)lonely->rows[i]),
                      "row %" PRId64 " of %s has no partner", lonely->rows[i], side);
    }
}

/** Pair the listed rows with those of B, in the order of A. */
static mms_status list_pairs(table_diff *d, mms_error *err)
{
    const mms_table_diff *const how = d->how;

    d->match.pairs = mms_alloc(how->nrow, sizeof *d->match.pairs);
    if (!d->match.pairs)
        return mms_fail(err, MMS_ERR_MEM, "%s: out of memory", how->name);
    for (int64_t i = 0; i < how->nrow; i++)
        d->match.pairs[i] = (mms_row_pair){(uint64_t)how->rows[i], (uint32_t)how->rows[i],
                                           (uint32_t)(how->first_b + i)};
    mms_sort_pairs(how->nrow, d->match.pairs);
    d->match.npair = how->nrow;
    d->matched = true;
    return MMS_OK;
}

static mms_status match_tables(table_diff *d, mms_error *err)
{
    const mms_keys keys = mms_subtable_keys(d->how->name);
    const mms_key_rows a = {.rows = &d->a}, b = {.rows = &d->b};
    mms_status st;

    if (d->how->rows)
        return list_pairs(d, err);
    if (!d->how->ignore_order || keys.n == 0)
        return MMS_OK;
    st = mms_match_rows(&a, &b, keys, &d->match, err);
    if (st != MMS_OK)
        return st;
    d->matched = true;
    report_lonely(d->check, &d->match.only_a, "A");
    report_lonely(d->check, &d->match.only_b, "B");
    return MMS_OK;
}

/** Take the next pairs of rows; returns how many. */
static int64_t next_pairs(const table_diff *d, int64_t first, int64_t nrow, int64_t *a, int64_t *b)
{
    const int64_t all = d->matched ? d->match.npair : nrow;
    const int64_t n = all - first < MMS_COMPARE_ROWS ? all - first : MMS_COMPARE_ROWS;

    for (int64_t i = 0; i < n; i++) {
        a[i] = d->matched ? d->match.pairs[first + i].a : first + i;
        b[i] = d->matched ? d->match.pairs[first + i].b : first + i;
    }
    return n;
}

static mms_status diff_column(table_diff *d, const char *name, int64_t nrow, int64_t *rows,
                              mms_error *err)
{
    const mms_column *const ca = mms_table_find_column(d->ta, name);
    const mms_column *const cb = mms_table_find_column(d->tb, name);
    mms_column_pair pair = {.name_a = name,
                            .name_b = name,
                            .dtype = ca->dtype,
                            .rtol = d->how->rtol,
                            .atol = d->how->atol,
                            .check = d->check};
    int64_t *const a = rows, *const b = rows + MMS_COMPARE_ROWS;
    mms_status st = MMS_OK;
    int64_t n;

    if (ca->dtype != cb->dtype) {
        mms_check_add(d->check, json_pack("{s:s}", "column", name), "%s: type %s / %s", name,
                      mms_dtype_name(ca->dtype), mms_dtype_name(cb->dtype));
        return MMS_OK;
    }
    for (int64_t first = 0; (n = next_pairs(d, first, nrow, a, b)) > 0 && st == MMS_OK; first += n)
        st = mms_compare_rows(&d->compare, &pair, n, a, b, err);
    return st;
}

static mms_status diff_columns(table_diff *d, int64_t nrow, mms_error *err)
{
    int64_t *const rows = mms_alloc(2 * MMS_COMPARE_ROWS, sizeof *rows);
    mms_status st = MMS_OK;

    if (!rows)
        return mms_fail(err, MMS_ERR_MEM, "lists of rows: out of memory");
    for (int64_t i = 0; i < mms_table_ncolumn(d->ta) && st == MMS_OK; i++) {
        const char *const name = mms_table_column(d->ta, i)->name;
        if (mms_table_find_column(d->tb, name) && !mms_list_has(d->how->skip, name))
            st = diff_column(d, name, nrow, rows, err);
    }
    free(rows);
    return st;
}

mms_status mms_diff_tables(const char *path_a, const char *path_b, const mms_table_diff *how,
                           mms_check *check, mms_error *err)
{
    table_diff d = {.how = how, .check = check};
    mms_status st;

    MMS_TRY(mms_rowset_of_table(&d.a, path_a, err));
    MMS_TRY(mms_rowset_of_table(&d.b, path_b, err));
    d.ta = mms_rowset_first(&d.a);
    d.tb = mms_rowset_first(&d.b);
    const int64_t na = how->rows ? how->first_b + how->nrow : d.a.nrow, nb = d.b.nrow;
    if (how->more ? nb < na : nb != na) {
        mms_check_add(check,
                      json_pack("{s:I, s:I}", "rows_a", (json_int_t)na, "rows_b", (json_int_t)nb),
                      "rows: %" PRId64 " / %" PRId64, na, nb);
        goto done;
    }
    MMS_TRY(check_lonely_columns(&d, d.ta, d.tb, "A", err));
    MMS_TRY(check_lonely_columns(&d, d.tb, d.ta, "B", err));
    MMS_TRY(match_tables(&d, err));
    d.compare = (mms_compare){.a = &d.a, .b = &d.b, .expected = how->expected};
    MMS_TRY(diff_columns(&d, na, err));
done:
    mms_compare_free(&d.compare);
    mms_match_free(&d.match);
    mms_rowset_close(&d.a);
    mms_rowset_close(&d.b);
    return st;
}
