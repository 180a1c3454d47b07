/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file counts.c  Numbers that say how long cells are, held against the cells. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/base_priv.h"
#include "ms_priv.h"

/** A number in a row of a sub-table, and the outermost axis of a cell beside it. */
static const struct count {
    const char *table, *number, *column;
    int64_t more; /**< what the axis has beside that number */
} counts[] = {
    {"SPECTRAL_WINDOW", "NUM_CHAN", "CHAN_FREQ", 0},
    {"POLARIZATION", "NUM_CORR", "CORR_TYPE", 0},
    {"FIELD", "NUM_POLY", "PHASE_DIR", 1},
    {"FEED", "NUM_RECEPTORS", "RECEPTOR_ANGLE", 0},
};

static mms_status check_run(const struct count *c, const mms_shape_run *run, const int32_t *numbers,
                            mms_error *err)
{
    for (int64_t i = 0; i < run->rows.count; i++) {
        const int64_t row = run->rows.first + i, n = numbers[row];
        const int64_t have = run->ndim > 0 ? run->shape[0] - c->more : INT64_MAX;
        if (n < 0)
            return mms_fail(err, MMS_ERR_TABLE, "%s row %" PRId64 ": %s is %" PRId64, c->table, row,
                            c->number, n);
        if (n > have)
            return mms_fail(err, MMS_ERR_TABLE,
                            "%s row %" PRId64 ": %s is %" PRId64 ", but %s has %" PRId64, c->table,
                            row, c->number, n, c->column, run->shape[0]);
    }
    return MMS_OK;
}

static mms_status check_table(const struct count *c, mms_table *table, mms_error *err)
{
    const mms_rows all = {0, mms_table_nrow(table)};
    int32_t *numbers = NULL;
    mms_shape_run *runs = NULL;
    int64_t nrun = 0;
    mms_status st = MMS_OK;

    if (all.count == 0 || !mms_table_find_column(table, c->number) ||
        !mms_table_find_column(table, c->column))
        return MMS_OK;
    // cells that can't be read (a row count that stood in a lost lock file) are refused where they
    // are needed
    if (mms_table_get_ints(table, c->number, &numbers, NULL) != MMS_OK ||
        mms_table_shapes(table, c->column, 1, &all, &runs, &nrun, NULL) != MMS_OK)
        goto done;
    for (int64_t i = 0; i < nrun; i++)
        MMS_TRY(check_run(c, &runs[i], numbers, err));
done:
    free(runs);
    free(numbers);
    return st;
}

mms_status mms_counts_check(const char *name, mms_table *table, mms_error *err)
{
    for (int64_t i = 0; i < MMS_COUNT_OF(counts); i++)
        if (!strcmp(counts[i].table, name))
            return check_table(&counts[i], table, err);
    return MMS_OK;
}

mms_status mms_ms_check_counts(const mms_ms *ms, mms_error *err)
{
    mms_status st = MMS_OK;

    for (int64_t i = 0; st == MMS_OK && i < MMS_COUNT_OF(counts); i++) {
        const char *path = mms_ms_subtable(ms, counts[i].table);
        mms_table *table = NULL;
        if (path)
            st = mms_table_open(path, MMS_TABLE_READ, &table, err);
        if (st == MMS_OK && table)
            st = check_table(&counts[i], table, err);
        mms_table_drop(&table);
    }
    return st == MMS_OK ? st : mms_wrap(err, st, "%s", mms_ms_path(ms));
}
