/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file select.c  The task select: what a selection picks, before anything is run (parallel-tasks
 * 5).
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/ids_priv.h"
#include "multims/ms.h"
#include "task_priv.h"

struct select_params {
    const char *vis;
    mms_select select;
};

enum { BLOCK_ROWS = 65536, NCOLUMN = 5, NFIRST = 3 };

static const char *const columns[NCOLUMN] = {"DATA_DESC_ID", "FIELD_ID", "SCAN_NUMBER", "ANTENNA1",
                                             "ANTENNA2"};
static const char *const column_keys[NCOLUMN] = {"ddids", "fields", "scans", "antenna1",
                                                 "antenna2"};

static const mms_param params[] = {
    MMS_PARAM_VIS(struct select_params, vis),
    MMS_PARAMS_SELECT(struct select_params, select),
    {0},
};

/** What has been counted. */
struct picked {
    int64_t rows, row_sum, last;
    int64_t first[NFIRST];
    mms_id_set sets[NCOLUMN];
};

/** A block of rows. */
struct block {
    mms_rows rows;
    uint8_t mask[BLOCK_ROWS];
    int32_t ids[BLOCK_ROWS];
};

static void count_rows(const struct block *b, struct picked *p)
{
    for (int64_t i = 0; i < b->rows.count; i++) {
        const int64_t row = b->rows.first + i;
        if (!b->mask[i])
            continue;
        if (p->rows < NFIRST)
            p->first[p->rows] = row;
        p->rows++;
        p->row_sum += row;
        p->last = row;
    }
}

static mms_status collect_ids(mms_ms *ms, struct block *b, struct picked *p, mms_error *err)
{
    mms_status st = MMS_OK;

    for (int c = 0; c < NCOLUMN && st == MMS_OK; c++) {
        int32_t last = -1;
        bool any = false;
        st = mms_ms_read(ms, columns[c], 1, &b->rows, b->rows.count, b->ids, err);
        for (int64_t i = 0; i < b->rows.count && st == MMS_OK; i++) {
            if (!b->mask[i] || (any && b->ids[i] == last))
                continue;
            st = mms_id_set_add(&p->sets[c], b->ids[i], err);
            last = b->ids[i];
            any = true;
        }
    }
    return st;
}

static mms_status pick(mms_ms *ms, mms_selection *selection, struct picked *p, mms_error *err)
{
    const int64_t nrow = mms_ms_nrow(ms);
    struct block *b = mms_alloc(1, sizeof *b);
    mms_status st = b ? MMS_OK : mms_fail(err, MMS_ERR_MEM, "select: out of memory");

    for (int64_t first = 0; first < nrow && st == MMS_OK; first += BLOCK_ROWS) {
        const int64_t left = nrow - first;
        b->rows = (mms_rows){first, left < BLOCK_ROWS ? left : BLOCK_ROWS};
        st = mms_selection_rows(selection, b->rows, b->mask, err);
        if (st != MMS_OK)
            break;
        const int64_t before = p->rows;
        count_rows(b, p);
        if (p->rows > before)
            st = collect_ids(ms, b, p, err);
    }
    free(b);
    return st;
}

static mms_value *id_array(int64_t n, const int32_t *ids)
{
    mms_value *array = json_array();
    for (int64_t i = 0; i < n; i++)
        json_array_append_new(array, json_integer(ids[i]));
    return array;
}

static mms_value *channel_array(const mms_selection *selection)
{
    int64_t n;
    const mms_channels *c = mms_selection_named_channels(selection, &n);
    mms_value *array = json_array();

    for (int64_t i = 0; i < n; i++)
        json_array_append_new(array,
                              id_array(4, (int32_t[]){c[i].spw, c[i].first, c[i].last, c[i].step}));
    return array;
}

/** The ids that the sub-tables are cut to, where they are. */
static void report_ids(const mms_selection *selection, mms_value *result)
{
    const struct {
        const char *key;
        mms_ids ids;
    } lists[] = {{"spws", mms_selection_spws(selection)},
                 {"antennas", mms_selection_antennas(selection)},
                 {"states", mms_selection_states(selection)}};

    for (int64_t i = 0; i < MMS_COUNT_OF(lists); i++)
        if (lists[i].ids.given)
            json_object_set_new_nocheck(result, lists[i].key,
                                        id_array(lists[i].ids.n, lists[i].ids.ids));
}

/** Limits in MJD seconds; an open one is null. */
static void report_times(const mms_selection *selection, mms_value *result)
{
    int64_t n;
    const double *times = mms_selection_times(selection, &n);
    mms_value *list = n > 0 ? json_array() : NULL;

    for (int64_t i = 0; i < n; i++) {
        const double low = times[2 * i], high = times[2 * i + 1];
        mms_value *range = json_array();
        json_array_append_new(range, low > 0 ? json_real(low) : json_null());
        json_array_append_new(range, high < 1e300 ? json_real(high) : json_null());
        json_array_append_new(list, range);
    }
    if (list)
        json_object_set_new(result, "times", list);
}

static void report(const struct picked *p, const mms_selection *selection, mms_value *result)
{
    mms_value *first = json_array();

    for (int64_t i = 0; i < NFIRST && i < p->rows; i++)
        json_array_append_new(first, json_integer(p->first[i]));
    json_object_set_new(result, "rows", json_integer(p->rows));
    json_object_set_new(result, "row_sum", json_integer(p->row_sum));
    json_object_set_new(result, "first_rows", first);
    json_object_set_new(result, "last_row", json_integer(p->last));
    for (int c = 0; c < NCOLUMN; c++)
        json_object_set_new_nocheck(result, column_keys[c], id_array(p->sets[c].n, p->sets[c].ids));
    json_object_set_new(result, "channels", channel_array(selection));
    report_ids(selection, result);
    report_times(selection, result);
}

static mms_status run(mms_run *task_run, const void *arg, mms_value *result, mms_error *err)
{
    const struct select_params *p = arg;
    struct picked picked = {0};
    mms_selection *selection = NULL;
    mms_ms *ms = NULL;
    mms_status st;

    (void)task_run;
    MMS_TRY(mms_ms_open(p->vis, &ms, err));
    MMS_TRY(mms_selection_create(ms, &p->select, &selection, err));
    MMS_TRY(pick(ms, selection, &picked, err));
    if (picked.rows == 0)
        MMS_TRY(mms_selection_refuse_empty(ms, &p->select, err));
    report(&picked, selection, result);
done:
    for (int c = 0; c < NCOLUMN; c++)
        free(picked.sets[c].ids);
    mms_selection_free(&selection);
    mms_ms_close(&ms);
    return st;
}

/** Print ids as "0~2, 5". */
static void print_ids(const char *title, const mms_value *ids, FILE *out)
{
    const size_t n = json_array_size(ids);

    fprintf(out, "%-10s", title);
    for (size_t i = 0; i < n;) {
        const json_int_t first = json_integer_value(json_array_get(ids, i));
        json_int_t last = first;
        const char *separator = i > 0 ? ", " : "";
        for (i++; i < n && json_integer_value(json_array_get(ids, i)) == last + 1; i++)
            last++;
        fprintf(out, "%s%lld", separator, (long long)first);
        if (last > first)
            fprintf(out, "~%lld", (long long)last);
    }
    fputc('\n', out);
}

static void print_channels(const mms_value *channels, FILE *out)
{
    const mms_value *range;
    size_t i;

    if (json_array_size(channels) > 0)
        fprintf(out, "\n%4s %8s %8s %6s\n", "spw", "first", "last", "step");
    json_array_foreach(channels, i, range)
    {
        long long v[4];
        for (size_t k = 0; k < 4; k++)
            v[k] = json_integer_value(json_array_get(range, k));
        fprintf(out, "%4lld %8lld %8lld %6lld\n", v[0], v[1], v[2], v[3]);
    }
}

static void print(const mms_value *result, FILE *out)
{
    static const char *const titles[NCOLUMN] = {"DDs", "Fields", "Scans", "Antenna1", "Antenna2"};

    fprintf(out, "%-10s%lld (from %lld to %lld)\n", "Rows",
            (long long)json_integer_value(json_object_get(result, "rows")),
            (long long)json_integer_value(json_array_get(json_object_get(result, "first_rows"), 0)),
            (long long)json_integer_value(json_object_get(result, "last_row")));
    for (int c = 0; c < NCOLUMN; c++)
        print_ids(titles[c], json_object_get(result, column_keys[c]), out);
    print_channels(json_object_get(result, "channels"), out);
}

const mms_task mms_task_select = {
    .name = "select",
    .summary = "show what a selection picks: rows, ids, channels",
    .params = params,
    .params_size = sizeof(struct select_params),
    .run = run,
    .print = print,
};
