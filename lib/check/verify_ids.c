/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file verify_ids.c  Ids in range of the tables they refer to, cells in the shapes of their DDIDs
 *  (multi-ms 1.8, 3.4). */
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

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
    mms_check_add(
        &v->check_shapes,
        json_pack("{s:s, s:s, s:I}", "member", m->name, "column", column, "row", (json_int_t)row),
        "%s: %s row %" PRId64 " is %s, which is not the shape of DATA_DESC_ID %" PRId32, m->name,
        column, row, text, ddid);
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

static mms_status check_cells(mms_verification *v, const mms_member *m, mms_error *err)
{
    static const struct {
        const char *name;
        int32_t naxis;
    } columns[] = {{"DATA", 2},           {"CORRECTED_DATA", 2}, {"MODEL_DATA", 2},
                   {"FLOAT_DATA", 2},     {"FLAG", 2},           {"WEIGHT_SPECTRUM", 2},
                   {"SIGMA_SPECTRUM", 2}, {"WEIGHT", 1},         {"SIGMA", 1}};
    const int64_t nrow = mms_table_nrow(m->table);
    int32_t ddids[CHUNK];
    dd_shapes dds;
    mms_status st;

    MMS_TRY(read_dds(m->subtables, &dds, err));
    for (int64_t first = 0; first < nrow; first += CHUNK) {
        const mms_rows rows = {first, nrow - first < CHUNK ? nrow - first : CHUNK};
        MMS_TRY(mms_table_get(m->table, "DATA_DESC_ID", 1, &rows, rows.count, ddids, err));
        for (int64_t i = 0; i < MMS_COUNT_OF(columns); i++)
            if (mms_table_find_column(m->table, columns[i].name))
                MMS_TRY(
                    check_shapes(v, m, &dds, columns[i].name, columns[i].naxis, rows, ddids, err));
    }
done:
    free(dds.nchan);
    free(dds.ncorr);
    return st;
}

mms_status mms_verify_ids(mms_verification *v, const mms_member *m, mms_error *err)
{
    static const id_rule rules[] = {{"ANTENNA1", "ANTENNA", false, false},
                                    {"ANTENNA2", "ANTENNA", false, false},
                                    {"DATA_DESC_ID", "DATA_DESCRIPTION", false, false},
                                    {"FIELD_ID", "FIELD", false, false},
                                    {"STATE_ID", "STATE", true, true},
                                    {"OBSERVATION_ID", "OBSERVATION", true, true},
                                    {"PROCESSOR_ID", "PROCESSOR", true, true}};
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

mms_status mms_verify_subtable_ids(mms_verification *v, mms_error *err)
{
    static const struct {
        const char *table;
        id_rule rule;
    } rules[] = {
        {"DATA_DESCRIPTION", {"SPECTRAL_WINDOW_ID", "SPECTRAL_WINDOW", false, false}},
        {"DATA_DESCRIPTION", {"POLARIZATION_ID", "POLARIZATION", false, false}},
        {"FEED", {"ANTENNA_ID", "ANTENNA", true, false}},
        {"FEED", {"SPECTRAL_WINDOW_ID", "SPECTRAL_WINDOW", true, false}},
        {"SOURCE", {"SPECTRAL_WINDOW_ID", "SPECTRAL_WINDOW", true, false}},
        {"SYSCAL", {"ANTENNA_ID", "ANTENNA", true, false}},
        {"SYSCAL", {"SPECTRAL_WINDOW_ID", "SPECTRAL_WINDOW", true, false}},
        {"CALDEVICE", {"ANTENNA_ID", "ANTENNA", true, false}},
        {"CALDEVICE", {"SPECTRAL_WINDOW_ID", "SPECTRAL_WINDOW", true, false}},
        {"SYSPOWER", {"ANTENNA_ID", "ANTENNA", true, false}},
        {"SYSPOWER", {"SPECTRAL_WINDOW_ID", "SPECTRAL_WINDOW", true, false}},
        {"POINTING", {"ANTENNA_ID", "ANTENNA", true, false}},
        {"WEATHER", {"ANTENNA_ID", "ANTENNA", true, false}},
    };
    mms_table *table = NULL;
    mms_status st = MMS_OK;

    for (int64_t i = 0; i < MMS_COUNT_OF(rules); i++) {
        const char *const path = table_path(v->subtables, rules[i].table);
        int64_t limit;
        if (!path)
            continue;
        MMS_TRY(mms_table_open(path, MMS_TABLE_READ, &table, err));
        MMS_TRY(count_rows(v->subtables, rules[i].rule.target, &limit, err));
        MMS_TRY(check_ids(v, table, rules[i].table, &rules[i].rule, limit, err));
        mms_table_drop(&table);
    }
done:
    mms_table_drop(&table);
    return st;
}
