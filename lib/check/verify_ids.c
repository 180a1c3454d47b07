/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file verify_ids.c  Ids in range of the tables they refer to, cells in the shapes of their DDIDs
 *  (multi-ms 1.8, 3.4). */
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "ms/columns.h"
#include "ms/ms_priv.h"
#include "verify_priv.h"

/** An id column and the table that it counts the rows of. */
typedef struct id_rule {
    const char *column, *target;
    bool none;  /**< -1 says that there is none */
    bool empty; /**< an empty table may be referred to as row 0: many writers leave it so */
} id_rule;

enum { CHUNK = 16384 };

static const char *table_path(const mms_value *subtables, const char *name)
{
    return json_string_value(json_object_get(subtables, name));
}

/** Count the rows of a sub-table; 0 without one. */
static mms_status count_rows(const mms_value *subtables, const char *name, int64_t *nrow,
                             mms_error *err)
{
    const char *const path = table_path(subtables, name);
    mms_table *table = NULL;
    mms_status st = MMS_OK;

    *nrow = 0;
    if (path)
        st = mms_table_open(path, MMS_TABLE_READ, &table, err);
    if (table)
        *nrow = mms_table_nrow(table);
    mms_table_drop(&table);
    return st;
}

/** Ids must count rows of the member's own table and of the one that the Multi-MS shows. */
static mms_status id_limit(const mms_verification *v, const mms_value *subtables, const char *name,
                           int64_t *limit, mms_error *err)
{
    int64_t shown;
    mms_status st = count_rows(subtables, name, limit, err);

    if (st == MMS_OK && subtables != v->subtables) {
        st = count_rows(v->subtables, name, &shown, err);
        *limit = shown < *limit ? shown : *limit;
    }
    return st;
}

/** Check the ids of one column of a table. */
static mms_status check_ids(mms_verification *v, mms_table *table, const char *name,
                            const id_rule *rule, int64_t limit, mms_error *err)
{
    const mms_column *const column = mms_table_find_column(table, rule->column);
    const int64_t nrow = mms_table_nrow(table);
    const int64_t most = limit == 0 && rule->empty ? 1 : limit;
    int32_t ids[CHUNK];

    if (!column || !column->scalar || column->dtype != MMS_DT_INT)
        return MMS_OK;
    for (int64_t first = 0; first < nrow; first += CHUNK) {
        const mms_rows rows = {first, nrow - first < CHUNK ? nrow - first : CHUNK};
        const mms_status st = mms_table_get(table, column->name, 1, &rows, rows.count, ids, err);
        if (st != MMS_OK)
            return st;
        for (int64_t i = 0; i < rows.count; i++) {
            if ((ids[i] >= 0 && ids[i] < most) || (ids[i] == -1 && rule->none))
                continue;
            if (!mms_check_keeps(&v->check_ids)) {
                mms_check_skip(&v->check_ids);
                continue;
            }
            mms_check_add(&v->check_ids,
                          json_pack("{s:s, s:s, s:I, s:i}", "table", name, "column", rule->column,
                                    "row", (json_int_t)(first + i), "id", (int)ids[i]),
                          "%s: %s row %" PRId64 " is %" PRId32 ", but %s has %" PRId64 " rows",
                          name, rule->column, first + i, ids[i], rule->target, limit);
        }
    }
    return MMS_OK;
}

/** What the cells of each DDID must be. */
typedef struct dd_shapes {
    int64_t ndd;
    int64_t *nchan, *ncorr;
} dd_shapes;

static mms_status read_ints(const mms_value *subtables, const char *name, const char *column,
                            int32_t **values, int64_t *n, mms_error *err)
{
    const char *const path = table_path(subtables, name);
    mms_table *table = NULL;
    mms_status st;

    *values = NULL;
    if (!path)
        return mms_fail(err, MMS_ERR_NOT_FOUND, "no sub-table %s", name);
    MMS_TRY(mms_table_open(path, MMS_TABLE_READ, &table, err));
    *n = mms_table_nrow(table);
    MMS_TRY(mms_table_get_ints(table, column, values, err));
done:
    mms_table_drop(&table);
    return st;
}

static mms_status read_dds(const mms_value *subtables, dd_shapes *dds, mms_error *err)
{
    int32_t *spw = NULL, *pol = NULL, *nchan = NULL, *ncorr = NULL;
    int64_t nspw, npol;
    mms_status st;

    *dds = (dd_shapes){0};
    MMS_TRY(read_ints(subtables, "DATA_DESCRIPTION", "SPECTRAL_WINDOW_ID", &spw, &dds->ndd, err));
    MMS_TRY(read_ints(subtables, "DATA_DESCRIPTION", "POLARIZATION_ID", &pol, &dds->ndd, err));
    MMS_TRY(read_ints(subtables, "SPECTRAL_WINDOW", "NUM_CHAN", &nchan, &nspw, err));
    MMS_TRY(read_ints(subtables, "POLARIZATION", "NUM_CORR", &ncorr, &npol, err));
    dds->nchan = mms_alloc(dds->ndd, sizeof *dds->nchan);
    dds->ncorr = mms_alloc(dds->ndd, sizeof *dds->ncorr);
    MMS_TRY(dds->nchan && dds->ncorr ? MMS_OK : mms_fail(err, MMS_ERR_MEM, "DDIDs: out of memory"));
    for (int64_t i = 0; i < dds->ndd; i++) {
        dds->nchan[i] = spw[i] >= 0 && spw[i] < nspw ? nchan[spw[i]] : -1;
        dds->ncorr[i] = pol[i] >= 0 && pol[i] < npol ? ncorr[pol[i]] : -1;
    }
done:
    free(spw);
    free(pol);
    free(nchan);
    free(ncorr);
    return st;
}

static bool fits(const mms_shape_run *run, int32_t naxis, int64_t nchan, int64_t ncorr)
{
    for (int32_t i = 0; i < run->ndim; i++)
        if (run->shape[i] == 0)
            return true; // no values: as good as no cell
    if (run->ndim < 1)
        return true; // whether a cell is there is not the DDID's matter
    if (run->ndim != naxis)
        return false;
    return run->shape[naxis - 1] == ncorr && (naxis < 2 || run->shape[naxis - 2] == nchan);
}

static void report_shape(mms_verification *v, const mms_member *m, const char *column, int64_t row,
                         const mms_shape_run *run, int32_t ddid)
{
    mms_shape shape = {.ndim = run->ndim};
    char text[128];

    if (!mms_check_keeps(&v->check_shapes)) {
        mms_check_skip(&v->check_shapes);
        return;
    }
    memcpy(shape.size, run->shape, sizeof shape.size);
    mms_shape_text(&shape, sizeof text, text);
    mms_check_add(&v->check_shapes,
                  json_pack("{s:o, s:s, s:I}", "member", mms_text_value(m->name), "column", column,
                            "row", (json_int_t)row),
                  "%s: %s row %" PRId64 " is %s, which is not the shape of DATA_DESC_ID %" PRId32,
                  m->name, column, row, text, ddid);
}

static mms_status check_shapes(mms_verification *v, const mms_member *m, const dd_shapes *dds,
                               const char *column, int32_t naxis, mms_rows rows,
                               const int32_t *ddids, mms_error *err)
{
    mms_shape_run *runs = NULL;
    int64_t nrun;
    const mms_status st = mms_table_shapes(m->table, column, 1, &rows, &runs, &nrun, err);

    for (int64_t k = 0, i = 0; st == MMS_OK && k < nrun; k++)
        for (int64_t r = 0; r < runs[k].rows.count; r++, i++) {
            const int32_t dd = ddids[i];
            if (dd >= 0 && dd < dds->ndd && !fits(&runs[k], naxis, dds->nchan[dd], dds->ncorr[dd]))
                report_shape(v, m, column, rows.first + i, &runs[k], dd);
        }
    free(runs);
    return st;
}

/** Whether a column is named as visibilities and flags are. */
static bool is_named_so(const char *name)
{
    const size_t n = strlen(name);
    return (n > 5 && !strcmp(name + n - 5, "_DATA")) || !strcmp(name, "BITFLAG");
}

/** Compare the shapes of a column with those of the windows. */
static mms_status look_at(const mms_member *m, const dd_shapes *dds, const char *column,
                          mms_likeness *likeness, mms_error *err)
{
    const int64_t nrow = mms_table_nrow(m->table);
    int32_t ddids[CHUNK];
    mms_status st = MMS_OK;

    for (int64_t first = 0; first < nrow; first += CHUNK) {
        const mms_rows rows = {first, nrow - first < CHUNK ? nrow - first : CHUNK};
        mms_shape_run *runs = NULL;
        int64_t nrun = 0;
        MMS_TRY(mms_table_get(m->table, MMS_COL_DATA_DESC_ID, 1, &rows, rows.count, ddids, err));
        st = mms_table_shapes(m->table, column, 1, &rows, &runs, &nrun, err);
        for (int64_t k = 0, i = 0; st == MMS_OK && k < nrun; k++) {
            mms_shape shape = {.ndim = runs[k].ndim};
            memcpy(shape.size, runs[k].shape, sizeof shape.size);
            for (int64_t r = 0; r < runs[k].rows.count; r++, i++)
                if (ddids[i] >= 0 && ddids[i] < dds->ndd)
                    mms_likeness_add(likeness, &shape, dds->nchan[ddids[i]], dds->ncorr[ddids[i]]);
        }
        free(runs);
        MMS_TRY(st);
    }
done:
    return st;
}

/** Check the cells of columns that no definition knows: those with one value a channel and
 *  correlation, or named so, have the shape of FLAG. */
static mms_status check_unknown_cells(mms_verification *v, const mms_member *m,
                                      const dd_shapes *dds, mms_error *err)
{
    const int64_t nrow = mms_table_nrow(m->table);
    int32_t ddids[CHUNK];
    mms_status st = MMS_OK;

    for (int64_t i = 0; i < mms_table_ncolumn(m->table); i++) {
        const mms_column *const c = mms_table_column(m->table, i);
        mms_likeness likeness = {0};
        if (c->scalar || c->dtype >= MMS_DT_STRING || mms_is_main_column(c->name))
            continue;
        MMS_TRY(look_at(m, dds, c->name, &likeness, err));
        const bool named = is_named_so(c->name) && likeness.any && likeness.first.ndim == 2;
        if (!likeness.unlike || (!named && !mms_likeness_follows(&likeness)))
            continue;
        for (int64_t first = 0; first < nrow; first += CHUNK) {
            const mms_rows rows = {first, nrow - first < CHUNK ? nrow - first : CHUNK};
            MMS_TRY(
                mms_table_get(m->table, MMS_COL_DATA_DESC_ID, 1, &rows, rows.count, ddids, err));
            MMS_TRY(check_shapes(v, m, dds, c->name, 2, rows, ddids, err));
        }
    }
done:
    return st;
}

static mms_status check_cells(mms_verification *v, const mms_member *m, mms_error *err)
{
    static const struct {
        const char *name;
        int32_t naxis;
    } columns[] = {
        {MMS_COL_DATA, 2},           {MMS_COL_CORRECTED_DATA, 2}, {MMS_COL_MODEL_DATA, 2},
        {MMS_COL_FLOAT_DATA, 2},     {MMS_COL_FLAG, 2},           {MMS_COL_WEIGHT_SPECTRUM, 2},
        {MMS_COL_SIGMA_SPECTRUM, 2}, {MMS_COL_WEIGHT, 1},         {MMS_COL_SIGMA, 1}};
    const int64_t nrow = mms_table_nrow(m->table);
    int32_t ddids[CHUNK];
    dd_shapes dds;
    mms_status st;

    MMS_TRY(read_dds(m->subtables, &dds, err));
    for (int64_t first = 0; first < nrow; first += CHUNK) {
        const mms_rows rows = {first, nrow - first < CHUNK ? nrow - first : CHUNK};
        MMS_TRY(mms_table_get(m->table, MMS_COL_DATA_DESC_ID, 1, &rows, rows.count, ddids, err));
        for (int64_t i = 0; i < MMS_COUNT_OF(columns); i++)
            if (mms_table_find_column(m->table, columns[i].name))
                MMS_TRY(
                    check_shapes(v, m, &dds, columns[i].name, columns[i].naxis, rows, ddids, err));
    }
    MMS_TRY(check_unknown_cells(v, m, &dds, err));
done:
    free(dds.nchan);
    free(dds.ncorr);
    return st;
}

mms_status mms_verify_ids(mms_verification *v, const mms_member *m, mms_error *err)
{
    static const id_rule rules[] = {{MMS_COL_ANTENNA1, "ANTENNA", false, false},
                                    {MMS_COL_ANTENNA2, "ANTENNA", false, false},
                                    {MMS_COL_DATA_DESC_ID, "DATA_DESCRIPTION", false, false},
                                    {MMS_COL_FIELD_ID, "FIELD", false, false},
                                    {MMS_COL_STATE_ID, "STATE", true, true},
                                    {MMS_COL_OBSERVATION_ID, "OBSERVATION", true, true},
                                    {MMS_COL_PROCESSOR_ID, "PROCESSOR", true, true}};
    mms_status st;

    for (int64_t i = 0; i < MMS_COUNT_OF(rules); i++) {
        int64_t limit;
        if (!table_path(m->subtables, rules[i].target))
            continue; // a finding of the sub-tables
        MMS_TRY(id_limit(v, m->subtables, rules[i].target, &limit, err));
        MMS_TRY(check_ids(v, m->table, m->name, &rules[i], limit, err));
    }
    MMS_TRY(check_cells(v, m, err));
done:
    return st;
}

/** Whether the set was written by multims, which follows the ids of every sub-table. */
static mms_status is_ours(const mms_verification *v, bool *ours, mms_error *err)
{
    const char *const path = table_path(v->subtables, "HISTORY");
    mms_table *table = NULL;
    mms_value *message = NULL;
    mms_status st = path ? mms_table_open(path, MMS_TABLE_READ, &table, err) : MMS_OK;

    *ours = false;
    for (int64_t row = 0; table && st == MMS_OK && !*ours && row < mms_table_nrow(table); row++) {
        st = mms_table_get_cell(table, "MESSAGE", row, &message, err);
        const char *const text = json_string_value(message);
        *ours = text && !strncmp(text, "version: multims", 16);
        mms_value_free(&message);
    }
    mms_table_drop(&table);
    return st;
}

/** Count the ids that refer to nothing. */
static mms_status count_dangling(mms_table *table, const id_rule *rule, int64_t limit, int64_t *n,
                                 mms_error *err)
{
    const int64_t most = limit == 0 && rule->empty ? 1 : limit;
    int32_t *ids;
    const mms_status st = mms_table_get_ints(table, rule->column, &ids, err);

    *n = 0;
    for (int64_t r = 0; st == MMS_OK && r < mms_table_nrow(table); r++)
        *n += ids[r] < -1 || ids[r] >= most;
    free(ids);
    return st;
}

/** Check ids of a table that no definition knows.  Other programs, CASA among them, leave them as
 *  they are when they renumber what they refer to: that is worth a warning. */
static mms_status check_unknown(mms_verification *v, const char *name, mms_table *table,
                                const id_rule *rule, int64_t limit, mms_error *err)
{
    const mms_column *const column = mms_table_find_column(table, rule->column);
    int64_t n = 0;
    bool ours = true;
    mms_status st;

    if (!column->scalar || column->dtype != MMS_DT_INT)
        return MMS_OK;
    MMS_TRY(count_dangling(table, rule, limit, &n, err));
    if (n > 0)
        MMS_TRY(is_ours(v, &ours, err));
    if (ours)
        MMS_TRY(check_ids(v, table, name, rule, limit, err));
    else
        mms_report_warn(&v->report,
                        "%s: %s of %" PRId64 " rows counts rows that %s does not have; the program "
                        "that renumbered them left %s as it was",
                        name, rule->column, n, rule->target, name);
done:
    return st;
}

/** Numbers that say how long cells are; what is read of them makes room. */
static mms_status check_counts(mms_verification *v, const char *name, mms_table *table,
                               mms_error *err)
{
    mms_error found;
    const mms_status st = mms_counts_check(name, table, &found);

    if (st == MMS_ERR_TABLE) {
        mms_check_add(&v->check_ids, json_pack("{s:s}", "table", name), "%s", found.msg);
        return MMS_OK;
    }
    if (st != MMS_OK && err)
        *err = found;
    return st;
}

/** Check the ids of a sub-table, by the names of its columns. */
static mms_status check_table(mms_verification *v, const char *name, mms_table *table,
                              mms_error *err)
{
    static const id_rule rules[] = {
        {"SPECTRAL_WINDOW_ID", "SPECTRAL_WINDOW", true, false},
        {"ANTENNA_ID", "ANTENNA", true, false},
        {MMS_COL_ANTENNA1, "ANTENNA", true, false},
        {MMS_COL_ANTENNA2, "ANTENNA", true, false},
        {MMS_COL_FIELD_ID, "FIELD", true, false},
        {MMS_COL_DATA_DESC_ID, "DATA_DESCRIPTION", true, false},
        {"POLARIZATION_ID", "POLARIZATION", true, false},
        {MMS_COL_STATE_ID, "STATE", true, true},
        {MMS_COL_OBSERVATION_ID, "OBSERVATION", true, true},
        {MMS_COL_PROCESSOR_ID, "PROCESSOR", true, true},
        {"ANTENNA_FIELD_ID", "LOFAR_ANTENNA_FIELD", true, false},
    };
    const bool known =
        mms_is_standard_table(name) || !strcmp(name, "CALDEVICE") || !strcmp(name, "SYSPOWER");
    mms_status st = MMS_OK;

    for (int64_t i = 0; st == MMS_OK && i < MMS_COUNT_OF(rules); i++) {
        id_rule rule = rules[i];
        int64_t limit;
        rule.none = strcmp(name, "DATA_DESCRIPTION") != 0;
        if (!mms_table_find_column(table, rule.column) || !table_path(v->subtables, rule.target))
            continue;
        st = count_rows(v->subtables, rule.target, &limit, err);
        if (st == MMS_OK)
            st = known ? check_ids(v, table, name, &rule, limit, err)
                       : check_unknown(v, name, table, &rule, limit, err);
    }
    return st;
}

mms_status mms_verify_subtable_ids(mms_verification *v, mms_error *err)
{
    mms_table *table = NULL;
    const char *name;
    mms_value *path;
    mms_status st = MMS_OK;

    json_object_foreach(v->subtables, name, path)
    {
        if (!strcmp(name, "HISTORY"))
            continue; // it tells of the input
        MMS_TRY(mms_table_open(json_string_value(path), MMS_TABLE_READ, &table, err));
        MMS_TRY(check_counts(v, name, table, err));
        MMS_TRY(check_table(v, name, table, err));
        mms_table_drop(&table);
    }
done:
    mms_table_drop(&table);
    return st;
}
