/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file select_has.c  What an input has, for the refusal of a selection: "scans 1~9". */
#include "select_has_priv.h"

#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/ids_priv.h"
#include "columns.h"
#include "spw_expr_priv.h"
#include "tables/select_priv.h"
#include "tables/tables_priv.h"

enum { CHUNK = 65536, MOST_NAMES = 8 };

/** Calls use with the cells of some rows, nvalue elements a row, until all rows are read. */
static bool each_chunk(mms_ms *ms, const char *column, int64_t nvalue, size_t size, void *chunk,
                       bool (*use)(void *ctx, int64_t n, const void *data), void *ctx)
{
    const int64_t nrow = mms_ms_nrow(ms);

    for (int64_t first = 0; first < nrow; first += CHUNK) {
        const mms_rows rows = {first, nrow - first < CHUNK ? nrow - first : CHUNK};
        memset(chunk, 0, (size_t)(rows.count * nvalue) * size);
        if (mms_ms_read(ms, column, 1, &rows, rows.count * nvalue, chunk, NULL) != MMS_OK ||
            !use(ctx, rows.count, chunk))
            return false;
    }
    return nrow > 0;
}

/* ---- ids of the main table --------------------------------------------------------------------*/

static bool collect_ids(void *ctx, int64_t n, const void *data)
{
    const int32_t *const ids = data;

    for (int64_t i = 0; i < n; i++)
        if ((i == 0 || ids[i] != ids[i - 1]) && mms_id_set_add(ctx, ids[i], NULL) != MMS_OK)
            return false;
    return true;
}

static void add_row_ids(mms_ms *ms, const char *column, mms_text *text)
{
    int32_t *const chunk = mms_alloc(CHUNK, sizeof *chunk);
    mms_id_set set = {0};

    if (chunk && each_chunk(ms, column, 1, sizeof *chunk, chunk, collect_ids, &set))
        mms_ids_add_text(text, set.n, set.ids);
    free(set.ids);
    free(chunk);
}

static void add_scans(mms_ms *ms, mms_text *text)
{
    add_row_ids(ms, MMS_COL_SCAN_NUMBER, text);
}

static void add_arrays(mms_ms *ms, mms_text *text)
{
    add_row_ids(ms, MMS_COL_ARRAY_ID, text);
}

static void add_observations(mms_ms *ms, mms_text *text)
{
    add_row_ids(ms, MMS_COL_OBSERVATION_ID, text);
}

static void add_feeds(mms_ms *ms, mms_text *text)
{
    add_row_ids(ms, MMS_COL_FEED1, text);
}

/* ---- numbers of the main table ----------------------------------------------------------------*/

struct limits {
    double low, high;
};

static void widen(struct limits *l, double value)
{
    l->low = value < l->low ? value : l->low;
    l->high = value > l->high ? value : l->high;
}

static bool collect_times(void *ctx, int64_t n, const void *data)
{
    for (int64_t i = 0; i < n; i++)
        widen(ctx, ((const double *)data)[i]);
    return true;
}

static void add_times(mms_ms *ms, mms_text *text)
{
    double *const chunk = mms_alloc(CHUNK, sizeof *chunk);
    struct limits l = {INFINITY, -INFINITY};
    char first[48], last[48];

    if (chunk && each_chunk(ms, MMS_COL_TIME, 1, sizeof *chunk, chunk, collect_times, &l)) {
        mms_write_time(l.low, first, sizeof first);
        mms_write_time(l.high, last, sizeof last);
        mms_text_add(text, "%s~%s", first, last);
    }
    free(chunk);
}

static bool collect_lengths(void *ctx, int64_t n, const void *data)
{
    const double *const uvw = data;

    for (int64_t i = 0; i < n; i++)
        if (uvw[3 * i] != 0 || uvw[3 * i + 1] != 0)
            widen(ctx, hypot(uvw[3 * i], uvw[3 * i + 1]));
    return true;
}

static void add_lengths(mms_ms *ms, mms_text *text)
{
    double *const chunk = mms_alloc((int64_t)3 * CHUNK, sizeof *chunk);
    struct limits l = {INFINITY, -INFINITY};

    if (chunk && each_chunk(ms, MMS_COL_UVW, 3, sizeof *chunk, chunk, collect_lengths, &l) &&
        l.low <= l.high)
        mms_text_add(text, "%.1f~%.1fm", l.low, l.high);
    free(chunk);
}

/* ---- names in sub-tables ----------------------------------------------------------------------*/

static mms_table *open_table(mms_ms *ms, const char *name)
{
    const char *const path = mms_ms_subtable(ms, name);
    mms_table *table = NULL;

    return path && mms_table_open(path, MMS_TABLE_READ, &table, NULL) == MMS_OK ? table : NULL;
}

/** "0 (DA41), 1 (DA42)": the first of them. */
static void add_names(mms_ms *ms, const char *table_name, mms_text *text)
{
    mms_table *table = open_table(ms, table_name);
    const int64_t n = table ? mms_table_nrow(table) : 0;

    for (int64_t i = 0; i < n && i < MOST_NAMES; i++) {
        mms_value *name = NULL;
        if (mms_table_get_cell(table, "NAME", i, &name, NULL) == MMS_OK && json_is_string(name))
            mms_text_add(text, "%s%" PRId64 " (%s)", i ? ", " : "", i, json_string_value(name));
        mms_value_free(&name);
    }
    if (n > MOST_NAMES)
        mms_text_add(text, ", …, %" PRId64 " in all", n);
    mms_table_drop(&table);
}

static void add_fields(mms_ms *ms, mms_text *text)
{
    add_names(ms, "FIELD", text);
}

static void add_antennas(mms_ms *ms, mms_text *text)
{
    add_names(ms, "ANTENNA", text);
}

static bool is_listed(const mms_value *list, const mms_value *item)
{
    size_t i;
    mms_value *other;

    json_array_foreach(list, i, other) if (json_equal(other, item)) return true;
    return false;
}

static void add_intents(mms_ms *ms, mms_text *text)
{
    mms_table *table = open_table(ms, "STATE");
    mms_value *seen = json_array();

    for (int64_t i = 0; table && i < mms_table_nrow(table); i++) {
        mms_value *mode = NULL;
        if (mms_table_get_cell(table, "OBS_MODE", i, &mode, NULL) == MMS_OK &&
            json_is_string(mode) && !is_listed(seen, mode)) {
            if (json_array_size(seen) < MOST_NAMES)
                mms_text_add(text, "%s\"%s\"", json_array_size(seen) ? ", " : "",
                             json_string_value(mode));
            json_array_append(seen, mode);
        }
        mms_value_free(&mode);
    }
    if (json_array_size(seen) > MOST_NAMES)
        mms_text_add(text, ", …, %zu in all", json_array_size(seen));
    mms_value_free(&seen);
    mms_table_drop(&table);
}

static void add_correlations(mms_ms *ms, mms_text *text)
{
    mms_table *table = open_table(ms, "POLARIZATION");
    mms_id_set seen = {0};

    for (int64_t i = 0; table && i < mms_table_nrow(table); i++) {
        mms_value *types = NULL, *type;
        size_t k;
        if (mms_table_get_cell(table, "CORR_TYPE", i, &types, NULL) != MMS_OK)
            continue;
        json_array_foreach(types, k, type)
        {
            const int64_t before = seen.n;
            const int32_t code = (int32_t)json_integer_value(type);
            if (mms_id_set_add(&seen, code, NULL) == MMS_OK && seen.n > before)
                mms_text_add(text, "%s%s", before ? "," : "", mms_correlation_name(code));
        }
        mms_value_free(&types);
    }
    free(seen.ids);
    mms_table_drop(&table);
}

/** "0 (64 channels), 1 (64 channels)", or "0~15 (64 channels each)". */
static void add_windows(mms_ms *ms, mms_text *text)
{
    mms_table *table = open_table(ms, "SPECTRAL_WINDOW");
    const int64_t n = table ? mms_table_nrow(table) : 0;
    int32_t *nchan = NULL;
    int64_t same = 1;

    if (n == 0 || mms_table_get_ints(table, "NUM_CHAN", &nchan, NULL) != MMS_OK)
        goto done;
    while (same < n && nchan[same] == nchan[0])
        same++;
    if (n > 1 && same == n)
        mms_text_add(text, "0~%" PRId64 " (%d channels each)", n - 1, nchan[0]);
    else
        for (int64_t i = 0; i < n && i < MOST_NAMES; i++)
            mms_text_add(text, "%s%" PRId64 " (%d channel%s)", i ? ", " : "", i, nchan[i],
                         nchan[i] == 1 ? "" : "s");
    if (same < n && n > MOST_NAMES)
        mms_text_add(text, ", …, %" PRId64 " in all", n);
done:
    free(nchan);
    mms_table_drop(&table);
}

char *mms_select_has(mms_ms *ms, const char *key)
{
    static const struct {
        const char *key, *what;
        void (*add)(mms_ms *ms, mms_text *text);
    } all[] = {{"field", "fields", add_fields},
               {"spw", "spectral windows", add_windows},
               {"scan", "scans", add_scans},
               {"antenna", "antennas", add_antennas},
               {"correlation", "correlations", add_correlations},
               {"timerange", "times", add_times},
               {"intent", "intents", add_intents},
               {"array", "arrays", add_arrays},
               {"uvrange", "baselines of", add_lengths},
               {"observation", "observations", add_observations},
               {"feed", "feeds", add_feeds}};
    mms_text items = {0};
    char *has = NULL;

    for (int64_t i = 0; i < MMS_COUNT_OF(all); i++)
        if (!strcmp(key, all[i].key)) {
            all[i].add(ms, &items);
            if (items.length)
                has = mms_format("%s %s", all[i].what, items.text);
        }
    free(items.text);
    return has;
}
