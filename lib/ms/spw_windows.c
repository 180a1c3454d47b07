/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file spw_windows.c  SPECTRAL_WINDOW as plain structs. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "columns.h"
#include "ms_priv.h"
#include "spw_expr_priv.h"
#include "tables/tables_priv.h"

static mms_status read_frequencies(mms_table *table, int64_t row, const char *column, int32_t nchan,
                                   double **values, mms_error *err)
{
    const mms_rows range = {row, 1};

    *values = mms_alloc(nchan, sizeof **values);
    if (!*values)
        return mms_fail(err, MMS_ERR_MEM, "%s: out of memory", column);
    return nchan > 0 ? mms_table_get(table, column, 1, &range, nchan, *values, err) : MMS_OK;
}

static mms_status read_window(mms_table *table, int64_t row, mms_window *w, mms_error *err)
{
    mms_value *name = NULL;
    mms_status st;

    MMS_TRY(mms_table_get_cell(table, "NAME", row, &name, err));
    w->name = strdup(json_is_string(name) ? json_string_value(name) : "");
    if (!w->name)
        MMS_TRY(mms_fail(err, MMS_ERR_MEM, "NAME: out of memory"));
    MMS_TRY(read_frequencies(table, row, "CHAN_FREQ", w->nchan, &w->freq_hz, err));
    MMS_TRY(read_frequencies(table, row, "CHAN_WIDTH", w->nchan, &w->width_hz, err));
done:
    mms_value_free(&name);
    return st == MMS_OK ? st : mms_wrap(err, st, "SPECTRAL_WINDOW row %lld", (long long)row);
}

bool mms_has_all_rows(mms_table *table)
{
    int32_t *flags = NULL;
    bool all = mms_table_find_column(table, MMS_COL_FLAG_ROW) &&
               mms_table_get_ints(table, MMS_COL_FLAG_ROW, &flags, NULL) == MMS_OK;

    for (int64_t i = 0; all && i < mms_table_nrow(table); i++)
        all = !flags[i];
    free(flags);
    return all;
}

mms_status mms_windows_read(const mms_ms *ms, mms_windows *out, mms_error *err)
{
    const char *path = mms_ms_subtable(ms, "SPECTRAL_WINDOW");
    mms_table *table = NULL;
    int32_t *nchan = NULL;
    double *ref_hz = NULL;
    mms_status st;

    *out = (mms_windows){0};
    if (!path)
        return mms_fail(err, MMS_ERR_NOT_FOUND, "%s: no sub-table SPECTRAL_WINDOW",
                        mms_ms_path(ms));
    MMS_TRY(mms_table_open(path, MMS_TABLE_READ, &table, err));
    MMS_TRY(mms_counts_check("SPECTRAL_WINDOW", table, err));
    MMS_TRY(mms_table_get_ints(table, "NUM_CHAN", &nchan, err));
    MMS_TRY(mms_table_get_doubles(table, "REF_FREQUENCY", &ref_hz, err));
    const int64_t n = mms_table_nrow(table);
    out->windows = mms_alloc(n, sizeof *out->windows);
    if (!out->windows)
        MMS_TRY(mms_fail(err, MMS_ERR_MEM, "%s: out of memory", path));
    out->n = n;
    out->all_rows = mms_has_all_rows(table);
    for (int64_t i = 0; i < n; i++) {
        out->windows[i].nchan = nchan[i];
        out->windows[i].ref_hz = ref_hz[i];
        MMS_TRY(read_window(table, i, &out->windows[i], err));
    }
done:
    mms_table_drop(&table);
    free(nchan);
    free(ref_hz);
    if (st != MMS_OK)
        mms_windows_free(out);
    return st;
}

void mms_windows_free(mms_windows *windows)
{
    for (int64_t i = 0; i < windows->n; i++) {
        free(windows->windows[i].name);
        free(windows->windows[i].freq_hz);
        free(windows->windows[i].width_hz);
    }
    free(windows->windows);
    *windows = (mms_windows){0};
}
