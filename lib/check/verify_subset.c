/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file verify_subset.c  The sub-tables of a set are those of its source, reduced by the selection
 *  (multi-ms 3.5, 3.6). */
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "against_priv.h"
#include "ms/columns.h"

/** Rows of a source's sub-table that the set has, in its order. */
typedef struct kept_rows {
    bool all;
    int64_t n;
    int64_t *rows;
} kept_rows;

/** Tables whose row numbers are ids: the selected ones stay, in their order. */
static mms_ids row_ids(const mms_against *a, const char *name)
{
    if (!strcmp(name, "SPECTRAL_WINDOW"))
        return mms_selection_spws(a->selection);
    if (!strcmp(name, "DATA_DESCRIPTION"))
        return mms_selection_ddids(a->selection);
    if (!strcmp(name, "FIELD"))
        return mms_selection_fields(a->selection);
    if (!strcmp(name, "ANTENNA"))
        return mms_selection_antennas(a->selection);
    if (!strcmp(name, "OBSERVATION"))
        return mms_selection_observations(a->selection);
    if (!strcmp(name, "STATE"))
        return mms_selection_states(a->selection);
    return (mms_ids){0};
}

/** Tables whose row numbers are ids lose no row for the ids in it. */
static bool is_numbered(const char *name)
{
    static const char *const names[] = {"SPECTRAL_WINDOW", "DATA_DESCRIPTION", "FIELD",
                                        "ANTENNA",         "OBSERVATION",      "STATE",
                                        "POLARIZATION",    "PROCESSOR",        "HISTORY"};

    for (int64_t i = 0; i < MMS_COUNT_OF(names); i++)
        if (!strcmp(names[i], name))
            return true;
    return false;
}

/** Unmark the rows whose id is not selected; -1 stays. */
static mms_status drop_ids(const mms_against *a, mms_table *table, const char *name,
                           const mms_column *column, uint8_t *keep, bool *any, mms_error *err)
{
    const mms_rank *const rank = mms_rules_rank(&a->rules, name, column->name);
    int32_t *ids;
    mms_status st;

    if (!rank || !column->scalar || column->dtype != MMS_DT_INT || is_numbered(name))
        return MMS_OK;
    *any = true;
    st = mms_table_get_ints(table, column->name, &ids, err);
    for (int64_t i = 0; st == MMS_OK && i < mms_table_nrow(table); i++)
        keep[i] = keep[i] && mms_rank_of(rank, ids[i]) != -2;
    free(ids);
    return st;
}

/** POINTING keeps the rows inside the selected times. */
static mms_status drop_times(const mms_against *a, mms_table *table, uint8_t *keep, bool *any,
                             mms_error *err)
{
    int64_t n;
    const double *const times = mms_selection_times(a->selection, &n);
    double *time;
    mms_status st;

    if (!times || n == 0)
        return MMS_OK;
    *any = true;
    st = mms_table_get_doubles(table, MMS_COL_TIME, &time, err);
    for (int64_t i = 0; st == MMS_OK && i < mms_table_nrow(table); i++) {
        int64_t k = 0;
        while (k < n && !(time[i] >= times[2 * k] && time[i] <= times[2 * k + 1]))
            k++;
        keep[i] = keep[i] && k < n;
    }
    free(time);
    return st;
}

static mms_status filter_rows(const mms_against *a, const char *name, mms_table *table,
                              kept_rows *kept, mms_error *err)
{
    const int64_t nrow = mms_table_nrow(table);
    uint8_t *const keep = mms_alloc(nrow, 1);
    bool any = false;
    mms_status st;

    kept->rows = mms_alloc(nrow, sizeof *kept->rows);
    MMS_TRY(keep && kept->rows ? MMS_OK : mms_fail(err, MMS_ERR_MEM, "%s: out of memory", name));
    memset(keep, 1, (size_t)nrow);
    for (int64_t i = 0; i < mms_table_ncolumn(table); i++)
        MMS_TRY(drop_ids(a, table, name, mms_table_column(table, i), keep, &any, err));
    if (!strcmp(name, "POINTING"))
        MMS_TRY(drop_times(a, table, keep, &any, err));
    for (int64_t i = 0; i < nrow; i++)
        if (keep[i])
            kept->rows[kept->n++] = i;
    kept->all = !any;
done:
    free(keep);
    return st;
}

/** Find the rows that stay. */
static mms_status keep_rows(const mms_against *a, const char *name, const char *path,
                            kept_rows *kept, mms_error *err)
{
    const mms_ids ids = row_ids(a, name);
    mms_table *table = NULL;
    mms_status st = mms_table_open(path, MMS_TABLE_READ, &table, err);

    if (st == MMS_OK && ids.given) {
        kept->n = ids.n;
        kept->rows = mms_alloc(ids.n, sizeof *kept->rows);
        for (int64_t i = 0; kept->rows && i < ids.n; i++)
            kept->rows[i] = ids.ids[i];
        st = kept->rows ? MMS_OK : mms_fail(err, MMS_ERR_MEM, "%s: out of memory", name);
    } else if (st == MMS_OK)
        st = filter_rows(a, name, table, kept, err);
    mms_table_drop(&table);
    return st;
}

/** Windows and polarizations are cut row by row. */
static mms_status check_cut_row(mms_against *a, const char *path, const char *other,
                                mms_table_diff *how, mms_check *check, mms_error *err)
{
    const int32_t row = (int32_t)how->rows[0];
    int32_t *chans = NULL;
    mms_status st = MMS_OK;

    if (!strcmp(how->name, "SPECTRAL_WINDOW")) {
        MMS_TRY(mms_kept_channels(a->selection, row, &chans, &a->rules.nchan, err));
        a->rules.chans = chans;
        how->skip = a->rules.nchan ? "NUM_CHAN,TOTAL_BANDWIDTH,REF_FREQUENCY,ASSOC_SPW_ID,"
                                     "ASSOC_NATURE"
                                   : "ASSOC_SPW_ID,ASSOC_NATURE";
    } else {
        const mms_ids corrs = mms_selection_corrs(a->selection, row);
        a->rules.ncorr = corrs.n;
        a->rules.corrs = corrs.ids;
        how->skip = corrs.n ? "NUM_CORR" : "NUM_CORR,CORR_TYPE,CORR_PRODUCT";
    }
    MMS_TRY(mms_diff_tables(path, other, how, check, err));
    if (!strcmp(how->name, "SPECTRAL_WINDOW"))
        MMS_TRY(mms_against_window(a, path, row, other, how->first_b, check, err));
done:
    free(chans);
    return st;
}

/** Compare the kept rows one after the other, each with its own cut. */
static mms_status check_cut_rows(mms_against *a, const char *name, const char *path,
                                 const char *other, const kept_rows *kept,
                                 const mms_expected *expected, mms_check *check, mms_error *err)
{
    mms_status st = MMS_OK;

    for (int64_t i = 0; st == MMS_OK && i < kept->n; i++) {
        mms_table_diff how = {.name = name,
                              .rows = &kept->rows[i],
                              .nrow = 1,
                              .first_b = i,
                              .more = true,
                              .expected = expected};
        st = check_cut_row(a, path, other, &how, check, err);
    }
    return st;
}

static mms_status count_rows(const char *path, int64_t *nrow, mms_error *err)
{
    mms_table *table = NULL;
    const mms_status st = mms_table_open(path, MMS_TABLE_READ, &table, err);

    *nrow = table ? mms_table_nrow(table) : 0;
    mms_table_drop(&table);
    return st;
}

static bool is_cut(const mms_against *a, const char *name)
{
    return (!strcmp(name, "SPECTRAL_WINDOW") && mms_selection_spws(a->selection).given) ||
           (!strcmp(name, "POLARIZATION") && mms_selection_corrs(a->selection, 0).given);
}

static mms_status check_table(mms_against *a, const char *name, const char *path, const char *other,
                              mms_check *check, mms_error *err)
{
    const mms_expected expected = {&a->rules, mms_rules_changes, mms_rules_shape, mms_rules_cells};
    mms_table_diff how = {.name = name};
    kept_rows kept = {0};
    int64_t nrow;
    mms_status st;

    if (!strcmp(name, "HISTORY")) {
        how.more = true; // the source's rows, then ours
        return mms_diff_tables(path, other, &how, check, err);
    }
    a->rules.table = name;
    a->rules.nchan = a->rules.ncorr = 0;
    MMS_TRY(keep_rows(a, name, path, &kept, err));
    MMS_TRY(count_rows(other, &nrow, err));
    if (nrow != kept.n) {
        mms_check_add(check, NULL, "%" PRId64 " rows, not %" PRId64, nrow, kept.n);
        goto done;
    }
    how.rows = kept.rows;
    how.nrow = kept.n;
    how.expected = &expected;
    if (is_cut(a, name))
        MMS_TRY(check_cut_rows(a, name, path, other, &kept, &expected, check, err));
    else
        MMS_TRY(mms_diff_tables(path, other, &how, check, err));
done:
    free(kept.rows);
    return st;
}

/** Whether a table has a column of its own name that is a key, not the row's number. */
static mms_status has_key(const char *name, const char *path, bool *key, int64_t *nrow,
                          mms_error *err)
{
    mms_table *table = NULL;
    mms_status st = mms_table_open(path, MMS_TABLE_READ, &table, err);

    *key = false;
    *nrow = table ? mms_table_nrow(table) : 0;
    for (int64_t i = 0; st == MMS_OK && i < mms_table_ncolumn(table); i++) {
        const mms_column *const column = mms_table_column(table, i);
        int32_t *ids;
        if (!mms_numbers_rows_of(column->name, name) || !column->scalar ||
            column->dtype >= MMS_DT_STRING)
            continue;
        st = mms_table_get_ints(table, column->name, &ids, err);
        for (int64_t r = 0; st == MMS_OK && r < *nrow; r++)
            *key = *key || ids[r] != r;
        free(ids);
    }
    mms_table_drop(&table);
    return st;
}

/** Note the new row numbers of a table that loses rows. */
static mms_status rank_rows(const mms_against *a, const char *name, const char *path,
                            mms_row_ranks *refs, int64_t *nref, mms_error *err)
{
    kept_rows kept = {0};
    bool key;
    int64_t nrow;
    mms_status st;

    MMS_TRY(has_key(name, path, &key, &nrow, err));
    MMS_TRY(keep_rows(a, name, path, &kept, err));
    if (key || kept.n == nrow)
        goto done;
    int32_t *const of = mms_alloc(nrow, sizeof *of);
    MMS_TRY(of ? MMS_OK : mms_fail(err, MMS_ERR_MEM, "%s: out of memory", name));
    memset(of, -1, (size_t)nrow * sizeof *of);
    for (int64_t i = 0; i < kept.n; i++)
        of[kept.rows[i]] = (int32_t)i;
    refs[(*nref)++] = (mms_row_ranks){name, {.given = true, .n = nrow, .of = of}};
done:
    free(kept.rows);
    return st;
}

/** FEED_ID and SOURCE_ID are keys, whatever their values are. */
static mms_status rank_all_rows(mms_against *a, mms_error *err)
{
    const mms_value *const subtables = mms_ms_subtables(a->source);
    mms_row_ranks *const refs = mms_alloc((int64_t)json_object_size(subtables), sizeof *refs);
    const char *name;
    mms_value *path;
    mms_status st = refs ? MMS_OK : mms_fail(err, MMS_ERR_MEM, "sub-tables: out of memory");
    int64_t n = 0;

    json_object_foreach((mms_value *)subtables, name, path)
    {
        if (st != MMS_OK || is_numbered(name) || !strcmp(name, "FEED") || !strcmp(name, "SOURCE"))
            continue;
        st = rank_rows(a, name, json_string_value(path), refs, &n, err);
    }
    a->rules.refs = refs; // only now: the rows of these tables follow from the selection alone
    a->rules.nref = n;
    return st;
}

mms_status mms_against_subtables(mms_against *a, mms_error *err)
{
    const char *name;
    mms_value *path;
    mms_check check;
    mms_status found = rank_all_rows(a, err);

    if (found != MMS_OK)
        return found;
    json_object_foreach((mms_value *)mms_ms_subtables(a->source), name, path)
    {
        const char *const other = mms_ms_subtable(a->set, name);
        mms_status st = MMS_OK;
        if (strstr(name, "EPHEM") || (!other && json_object_get(a->v->absent, name)))
            continue; // what is absent is a finding of the set itself
        mms_check_start(&check, &a->v->report, "%s of the source", name);
        if (other)
            st = check_table(a, name, json_string_value(path), other, &check, err);
        else
            mms_check_add(&check, NULL, "the set has no %s", name);
        mms_check_end(&check, st, NULL);
        if (st != MMS_OK)
            return mms_wrap(err, st, "%s", name);
    }
    return MMS_OK;
}
