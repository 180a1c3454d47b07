/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file spectral.c  Sub-tables of an output whose windows are combined to one, or one cut into
 *  several (multi-ms 3.7). */
#include <assert.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "ms/columns.h"
#include "subtables.h"
#include "subtables_priv.h"

/** What counts windows, or their data descriptions, of which there is one for each. */
static const char *const window_ids[] = {"SPECTRAL_WINDOW_ID", MMS_COL_DATA_DESC_ID};

/** Rows of these tables that agree in the keys are one; the list ends with NULL. */
static const struct {
    const char *table;
    const char *keys[5];
} unique[] = {{"SOURCE", {"SOURCE_ID", NULL}},
              {"FEED", {"ANTENNA_ID", "FEED_ID", MMS_COL_TIME, NULL}},
              {"SYSCAL", {"ANTENNA_ID", "FEED_ID", MMS_COL_TIME, NULL}},
              {"CALDEVICE", {"ANTENNA_ID", "FEED_ID", MMS_COL_TIME, NULL}},
              {"SYSPOWER", {"ANTENNA_ID", "FEED_ID", MMS_COL_TIME, NULL}},
              {"FREQ_OFFSET", {MMS_COL_ANTENNA1, MMS_COL_ANTENNA2, "FEED_ID", MMS_COL_TIME, NULL}}};

static mms_status out_of_memory(mms_error *err)
{
    return mms_fail(err, MMS_ERR_MEM, "sub-tables: out of memory");
}

/** All rows from n on are removed. */
static mms_status keep_rows(mms_table *table, int64_t n, mms_error *err)
{
    const int64_t nrow = mms_table_nrow(table);
    int64_t *rows = mms_alloc(nrow, sizeof *rows);
    mms_status st = MMS_OK;

    if (!rows)
        return out_of_memory(err);
    for (int64_t i = n; i < nrow; i++)
        rows[i - n] = i;
    if (nrow > n)
        st = mms_table_remove_rows(table, nrow - n, rows, err);
    free(rows);
    return st;
}

/** Copy the first n rows to the end. */
static mms_status repeat_rows(mms_table *table, int64_t n, mms_error *err)
{
    const int64_t first = mms_table_nrow(table);
    const mms_rows rows = {0, n};
    mms_status st = n > 0 ? mms_table_add_rows(table, n, err) : MMS_OK;

    for (int64_t i = 0; st == MMS_OK && n > 0 && i < mms_table_ncolumn(table); i++) {
        const char *name = mms_table_column(table, i)->name;
        st = mms_table_copy_cells(table, name, 1, &rows, table, name, first, err);
    }
    return st;
}

static bool counts_windows(const mms_table *table)
{
    bool counts = false;

    for (int64_t i = 0; i < MMS_COUNT_OF(window_ids); i++)
        counts = counts || mms_table_find_column(table, window_ids[i]);
    return counts;
}

/** Rows of copy k, of n rows each, belong to window k; of the first copy those of any window (-1)
 * stay so, as in CASA, if any_stays. */
static mms_status number_column(mms_table *table, const char *column, int64_t n, int32_t first,
                                bool any_stays, mms_error *err)
{
    const int64_t nrow = mms_table_nrow(table);
    int32_t *ids = NULL;
    mms_status st = mms_table_get_ints(table, column, &ids, err);

    for (int64_t i = 0; st == MMS_OK && i < nrow; i++)
        if (!any_stays || i >= n || ids[i] != -1)
            ids[i] = first + (int32_t)(n > 0 ? i / n : 0);
    if (st == MMS_OK)
        st = mms_table_put_ints(table, column, ids, err);
    free(ids);
    return st;
}

static mms_status number_windows(mms_table *table, int64_t n, int32_t first, bool any_stays,
                                 mms_error *err)
{
    mms_status st = MMS_OK;

    for (int64_t i = 0; st == MMS_OK && mms_table_nrow(table) > 0 && i < MMS_COUNT_OF(window_ids);
         i++)
        if (mms_table_find_column(table, window_ids[i]))
            st = number_column(table, window_ids[i], n, first, any_stays, err);
    return st;
}

/* ---- rows that agree --------------------------------------------------------------------------*/

/** A row by its keys. */
typedef struct keyed {
    double keys[4];
    int64_t row;
} keyed;

static int compare_keys(const void *a, const void *b)
{
    const keyed *x = a, *y = b;

    for (int i = 0; i < 4; i++)
        if (x->keys[i] != y->keys[i])
            return x->keys[i] < y->keys[i] ? -1 : 1;
    return (x->row > y->row) - (x->row < y->row);
}

static mms_status read_keys(mms_table *table, const char *const *keys, keyed *rows, mms_error *err)
{
    for (int k = 0; keys[k]; k++) {
        double *values;
        if (!mms_table_find_column(table, keys[k]))
            continue;
        const mms_status st = mms_table_get_doubles(table, keys[k], &values, err);
        if (st != MMS_OK)
            return st;
        for (int64_t i = 0; i < mms_table_nrow(table); i++)
            rows[i].keys[k] = values[i];
        free(values);
    }
    return MMS_OK;
}

static int compare_rows(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/** Of rows that agree the first stays. */
static mms_status drop_equal_rows(mms_table *table, const char *const *keys, mms_error *err)
{
    const int64_t nrow = mms_table_nrow(table);
    keyed *rows = mms_alloc(nrow, sizeof *rows);
    int64_t *equal = mms_alloc(nrow, sizeof *equal), n = 0;
    mms_status st;

    MMS_TRY(rows && equal ? MMS_OK : out_of_memory(err));
    for (int64_t i = 0; i < nrow; i++)
        rows[i].row = i;
    MMS_TRY(read_keys(table, keys, rows, err));
    qsort(rows, (size_t)nrow, sizeof *rows, compare_keys);
    for (int64_t i = 1; i < nrow; i++)
        if (!memcmp(rows[i].keys, rows[i - 1].keys, sizeof rows[i].keys))
            equal[n++] = rows[i].row;
    qsort(equal, (size_t)n, sizeof *equal, compare_rows);
    if (n > 0)
        MMS_TRY(mms_table_remove_rows(table, n, equal, err));
done:
    free(rows);
    free(equal);
    return st;
}

/* ---- the tables -------------------------------------------------------------------------------*/

static mms_status combine_rows(mms_table *table, const char *name, mms_error *err)
{
    mms_status st = number_windows(table, 0, 0, false, err);

    for (int64_t i = 0; st == MMS_OK && i < MMS_COUNT_OF(unique); i++)
        if (!strcmp(unique[i].table, name) && mms_table_nrow(table) > 0)
            st = drop_equal_rows(table, unique[i].keys, err);
    return st;
}

static mms_status separate_rows(mms_table *table, int64_t nspw, mms_error *err)
{
    const int64_t n = mms_table_nrow(table);
    mms_status st = MMS_OK;

    for (int64_t k = 1; st == MMS_OK && k < nspw; k++)
        st = repeat_rows(table, n, err);
    return st == MMS_OK ? number_windows(table, n, 0, true, err) : st;
}

/** DATA_DESCRIPTION and SPECTRAL_WINDOW have one row a window. */
static mms_status reshape_windows(mms_table *table, bool ddids, const mms_window_change *change,
                                  mms_error *err)
{
    mms_status st;

    assert(change->nspw > 0);
    MMS_TRY(keep_rows(table, 1, err));
    for (int64_t k = 1; k < change->nspw; k++)
        MMS_TRY(repeat_rows(table, 1, err));
    if (ddids)
        MMS_TRY(number_windows(table, 1, change->nspw > 1 ? change->ddistart : 0, false, err));
    else
        MMS_TRY(mms_subtable_put_windows(table, change->windows, err));
done:
    return st;
}

static mms_status change_table(const char *name, const char *path, const mms_window_change *change,
                               mms_error *err)
{
    const bool ddids = !strcmp(name, "DATA_DESCRIPTION");
    mms_table *table = NULL;
    mms_status st;

    MMS_TRY(mms_table_open(path, MMS_TABLE_UPDATE, &table, err));
    if (ddids || !strcmp(name, "SPECTRAL_WINDOW"))
        MMS_TRY(reshape_windows(table, ddids, change, err));
    else if (counts_windows(table)) {
        if (change->combined)
            MMS_TRY(combine_rows(table, name, err));
        else
            MMS_TRY(number_windows(table, mms_table_nrow(table), 0, true, err));
        MMS_TRY(separate_rows(table, change->nspw, err));
    }
    MMS_TRY(mms_table_close(&table, err));
done:
    mms_table_drop(&table);
    return st == MMS_OK ? st : mms_wrap(err, st, "%s", name);
}

mms_status mms_subtables_change_windows(const char *folder, const mms_value *names,
                                        const mms_window_change *change, mms_error *err)
{
    size_t i;
    mms_value *name;
    mms_status st = MMS_OK;

    json_array_foreach(names, i, name)
    {
        char *path = mms_format("%s/%s", folder, json_string_value(name));
        if (st == MMS_OK)
            st = path ? change_table(json_string_value(name), path, change, err)
                      : out_of_memory(err);
        free(path);
    }
    return st;
}
