/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file test_meta.c  One pass over the main table: cells, antenna pairs, stretches (multi-ms 2.7).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/files_priv.h"
#include "base/stream_priv.h"
#include "ms/columns.h"
#include "ms/meta_priv.h"
#include "ms/ms_meta.h"
#include "ms/rows.h"
#include "tables/tables_priv.h"

struct row {
    int32_t scan, ddid, field, ant1, ant2;
    double time;
};

/* DDs outside, time inside: a time's DDs are not neighbours.  Scan 1 loses DD 1 at its third time,
 * scan 2 changes its field at its second one. */
static const struct row rows[] = {
    {1, 0, 0, 0, 1, 10}, {1, 0, 0, 0, 2, 10}, {1, 0, 0, 0, 1, 11}, {1, 0, 0, 0, 2, 11},
    {1, 0, 0, 0, 1, 12}, {1, 1, 0, 1, 0, 10}, {1, 1, 0, 0, 1, 11}, {2, 0, 0, 0, 1, 20},
    {2, 0, 1, 0, 1, 21}, {2, 1, 0, 0, 1, 20}, {2, 1, 1, 0, 1, 21},
};

static void expect_ok(mms_status st, const mms_error *err)
{
    if (st != MMS_OK)
        fail_msg("%s", err->msg);
}

static void put_column(mms_table *table, const char *name, size_t member)
{
    int32_t ids[MMS_COUNT_OF(rows)];
    mms_error err = {0};

    for (int64_t i = 0; i < MMS_COUNT_OF(rows); i++)
        memcpy(&ids[i], (const char *)&rows[i] + member, sizeof ids[i]);
    expect_ok(mms_table_put_ints(table, name, ids, &err), &err);
}

/* FLAG cells of nchan x ncorr make the rows of a DD larger. */
static void put_flags(mms_table *table, int64_t row, int64_t nchan, int64_t ncorr)
{
    const uint8_t flags[64] = {0};
    const mms_rows one = {row, 1};
    const int64_t shape[2] = {nchan, ncorr};
    mms_error err = {0};

    expect_ok(mms_table_put(table, "FLAG", 1, &one, 2, shape, nchan * ncorr, flags, &err), &err);
}

static void make_main(const char *path, mms_table **out)
{
    const mms_rows all = {0, MMS_COUNT_OF(rows)};
    double times[MMS_COUNT_OF(rows)];
    mms_table *t;
    mms_error err = {0};

    expect_ok(mms_table_create_standard(path, "MAIN", NULL, NULL, &t, &err), &err);
    expect_ok(mms_table_add_rows(t, all.count, &err), &err);
    put_column(t, "SCAN_NUMBER", offsetof(struct row, scan));
    put_column(t, "DATA_DESC_ID", offsetof(struct row, ddid));
    put_column(t, "FIELD_ID", offsetof(struct row, field));
    put_column(t, "ANTENNA1", offsetof(struct row, ant1));
    put_column(t, "ANTENNA2", offsetof(struct row, ant2));
    for (int64_t i = 0; i < all.count; i++) {
        times[i] = rows[i].time;
        put_flags(t, i, rows[i].ddid ? 8 : 2, 2);
    }
    expect_ok(mms_table_put(t, "TIME", 1, &all, 0, NULL, all.count, times, &err), &err);
    *out = t;
}

/* Adds a sub-table of two rows with one or two columns of ids. */
static void add_subtable(mms_table *table, const char *ms, const char *name, const char *column,
                         const int32_t *ids)
{
    char *path = mms_format("%s/%s", ms, name);
    mms_table *t;
    mms_error err = {0};

    expect_ok(mms_table_create_standard(path, name, NULL, NULL, &t, &err), &err);
    expect_ok(mms_table_add_rows(t, 2, &err), &err);
    if (column)
        expect_ok(mms_table_put_ints(t, column, ids, &err), &err);
    expect_ok(mms_table_close(&t, &err), &err);
    expect_ok(mms_table_link_subtable(table, name, path, &err), &err);
    free(path);
}

struct set {
    char folder[64], *path;
    mms_ms *ms;
};

static int open_set(void **state)
{
    static const int32_t spws[] = {0, 1}, nchan[] = {2, 8}, ncorr[] = {2, 4};
    struct set *set = calloc(1, sizeof *set);
    mms_table *table;
    mms_error err = {0};

    strcpy(set->folder, "test_meta.XXXXXX");
    if (!mkdtemp(set->folder))
        return -1;
    set->path = mms_format("%s/x.ms", set->folder);
    make_main(set->path, &table);
    add_subtable(table, set->path, "DATA_DESCRIPTION", "SPECTRAL_WINDOW_ID", spws);
    add_subtable(table, set->path, "SPECTRAL_WINDOW", "NUM_CHAN", nchan);
    add_subtable(table, set->path, "POLARIZATION", "NUM_CORR", ncorr);
    add_subtable(table, set->path, "ANTENNA", NULL, NULL);
    add_subtable(table, set->path, "FIELD", NULL, NULL);
    expect_ok(mms_table_close(&table, &err), &err);
    expect_ok(mms_ms_open(set->path, &set->ms, &err), &err);
    *state = set;
    return 0;
}

static int close_set(void **state)
{
    struct set *set = *state;
    mms_error err = {0};

    mms_ms_close(&set->ms);
    expect_ok(mms_remove_tree(set->folder, &err), &err);
    free(set->path);
    free(set);
    return 0;
}

static void expect_cell(const mms_cell *c, const mms_cell *wanted)
{
    assert_int_equal(c->scan, wanted->scan);
    assert_int_equal(c->ddid, wanted->ddid);
    assert_int_equal(c->field, wanted->field);
    assert_int_equal(c->member, 0);
    assert_int_equal(c->rows, wanted->rows);
    assert_int_equal(c->first_row, wanted->first_row);
    assert_float_equal(c->time_min, wanted->time_min, 0);
    assert_float_equal(c->time_max, wanted->time_max, 0);
}

static void cells_are_sorted_and_counted(void **state)
{
    static const mms_cell wanted[] = {
        {.scan = 1, .ddid = 0, .field = 0, .rows = 5, .time_min = 10, .time_max = 12},
        {.scan = 1, .ddid = 1, .rows = 2, .first_row = 5, .time_min = 10, .time_max = 11},
        {.scan = 2, .ddid = 0, .rows = 1, .first_row = 7, .time_min = 20, .time_max = 20},
        {.scan = 2,
         .ddid = 0,
         .field = 1,
         .rows = 1,
         .first_row = 8,
         .time_min = 21,
         .time_max = 21},
        {.scan = 2, .ddid = 1, .rows = 1, .first_row = 9, .time_min = 20, .time_max = 20},
        {.scan = 2,
         .ddid = 1,
         .field = 1,
         .rows = 1,
         .first_row = 10,
         .time_min = 21,
         .time_max = 21},
    };
    const struct set *set = *state;
    mms_meta meta;
    mms_error err = {0};

    expect_ok(mms_meta_read(set->ms, NULL, &meta, &err), &err);
    assert_int_equal(meta.nrow, 11);
    assert_int_equal(meta.nselected, 11);
    assert_int_equal(meta.member_rows[0], 11);
    assert_int_equal(meta.ncell, MMS_COUNT_OF(wanted));
    for (int64_t i = 0; i < meta.ncell; i++)
        expect_cell(&meta.cells[i], &wanted[i]);
    mms_meta_free(&meta);
}

static void rows_are_measured_by_dd(void **state)
{
    const struct set *set = *state;
    mms_meta meta;
    mms_error err = {0};

    expect_ok(mms_meta_read(set->ms, NULL, &meta, &err), &err);
    assert_int_equal(meta.ndd, 2);
    assert_int_equal(meta.dds[1].nchan, 8);
    assert_int_equal(meta.dds[1].ncorr, 2);
    assert_true(meta.dd_row_bytes[0] > 100); /* 9 ints, 4 doubles, UVW and more */
    assert_int_equal(meta.dd_row_bytes[1] - meta.dd_row_bytes[0], (8 - 2) * 2);
    mms_meta_free(&meta);
}

static void pairs_have_no_order(void **state)
{
    const struct set *set = *state;
    mms_meta meta;
    mms_error err = {0};

    expect_ok(mms_meta_read(set->ms, NULL, &meta, &err), &err);
    assert_int_equal(meta.nbaseline, 2);
    assert_int_equal(meta.baselines[0].ant2, 1);
    assert_int_equal(meta.baselines[0].rows, 9);
    assert_int_equal(meta.baselines[0].visibilities, 5 * 2 * 2 + 4 * 8 * 2);
    assert_int_equal(meta.baselines[1].ant2, 2);
    assert_int_equal(meta.baselines[1].rows, 2);
    assert_int_equal(meta.baselines[1].bytes, 2 * meta.dd_row_bytes[0]);
    mms_meta_free(&meta);
}

static void stretches_begin_where_field_or_dds_change(void **state)
{
    static const mms_stretch wanted[] = {{.scan = 1, .nddid = 2, .rows = 6},
                                         {.scan = 1, .nddid = 1, .rows = 1},
                                         {.scan = 2, .nddid = 2, .rows = 2},
                                         {.scan = 2, .field = 1, .nddid = 2, .rows = 2}};
    const struct set *set = *state;
    mms_meta meta;
    mms_error err = {0};

    expect_ok(mms_meta_read(set->ms, NULL, &meta, &err), &err);
    assert_int_equal(meta.nstretch, MMS_COUNT_OF(wanted));
    for (int64_t i = 0; i < meta.nstretch; i++) {
        const mms_stretch *s = &meta.stretches[i];
        assert_int_equal(s->scan, wanted[i].scan);
        assert_int_equal(s->field, wanted[i].field);
        assert_int_equal(s->rows, wanted[i].rows);
        assert_int_equal(s->nddid, wanted[i].nddid);
        for (int32_t d = 0; d < s->nddid; d++)
            assert_int_equal(s->ddids[d], d);
    }
    mms_meta_free(&meta);
}

/* The pair 0-2 is only in scan 1: it stays listed, with no rows. */
static void selection_limits_rows_not_pairs(void **state)
{
    const mms_select select = {.scan = "2"};
    const struct set *set = *state;
    mms_selection *selection;
    mms_meta meta;
    mms_error err = {0};

    expect_ok(mms_selection_create(set->ms, &select, &selection, &err), &err);
    expect_ok(mms_meta_read(set->ms, selection, &meta, &err), &err);
    assert_int_equal(meta.nrow, 11);
    assert_int_equal(meta.nselected, 4);
    assert_int_equal(meta.member_rows[0], 4);
    assert_int_equal(meta.ncell, 4);
    assert_int_equal(meta.nbaseline, 2);
    assert_int_equal(meta.baselines[0].rows, 4);
    assert_int_equal(meta.baselines[1].ant2, 2);
    assert_int_equal(meta.baselines[1].rows, 0);
    assert_int_equal(meta.nstretch, 2);
    mms_meta_free(&meta);
    mms_selection_free(&selection);
}

static void wrong_ddid_is_named(void **state)
{
    const struct set *set = *state;
    int32_t ddids[MMS_COUNT_OF(rows)] = {0};
    mms_table *table;
    mms_ms *ms;
    mms_meta meta;
    mms_error err = {0};

    ddids[3] = 2;
    expect_ok(mms_table_open(set->path, MMS_TABLE_UPDATE, &table, &err), &err);
    expect_ok(mms_table_put_ints(table, "DATA_DESC_ID", ddids, &err), &err);
    expect_ok(mms_table_close(&table, &err), &err);
    expect_ok(mms_ms_open(set->path, &ms, &err), &err);
    assert_int_equal(mms_meta_read(ms, NULL, &meta, &err), MMS_ERR_RANGE);
    assert_non_null(strstr(err.msg, "row 3: DATA_DESC_ID 2, but DATA_DESCRIPTION has 2 rows"));
    assert_null(meta.cells);
    mms_ms_close(&ms);
}

/* An older lock file, of who locks, tells the number of rows, too. */
static void staged_table_gets_a_new_lock_file(void **state)
{
    static const uint8_t nobody[260];
    struct set *set = *state;
    char *const lock = mms_format("%s/table.lock", set->path);
    uint8_t *bytes;
    size_t size;
    mms_table *table;
    mms_error err = {0};

    mms_ms_close(&set->ms);
    for (int mode = MMS_TABLE_UPDATE; mode <= MMS_TABLE_OWN; mode++) {
        expect_ok(mms_table_open(set->path, (mms_table_mode)mode, &table, &err), &err);
        expect_ok(mms_table_add_rows(table, 1, &err), &err);
        expect_ok(mms_table_close(&table, &err), &err);
        expect_ok(mms_read_file(lock, 1 << 20, &bytes, &size, &err), &err);
        assert_int_equal(size == sizeof nobody && !memcmp(bytes, nobody, size),
                         mode == MMS_TABLE_OWN);
        free(bytes);
    }
    expect_ok(mms_table_open(set->path, MMS_TABLE_READ, &table, &err), &err);
    assert_int_equal(mms_table_nrow(table), MMS_COUNT_OF(rows) + 2);
    mms_table_drop(&table);
    free(lock);
}

static mms_status check_chunk(void *nchunk, const mms_row_chunk *chunk, mms_error *err)
{
    (void)err;
    for (int64_t i = 0; i < MMS_COUNT_OF(rows); i++) {
        assert_int_equal(chunk->mask[i], i >= 7);
        assert_int_equal(((const int32_t *)chunk->cells[0])[i], rows[i].scan);
        assert_float_equal(((const double *)chunk->cells[1])[i], rows[i].time, 0);
    }
    ++*(int *)nchunk;
    return MMS_OK;
}

/* Rows 7 to 10 have scan 2, no row has scan 3. */
static void pass_gives_the_mask_and_skips_what_is_not_selected(void **state)
{
    static const char *const columns[] = {MMS_COL_SCAN_NUMBER, MMS_COL_TIME, NULL};
    const struct set *set = *state;
    const bool enough = true;
    mms_error err = {0};

    for (int scan = 2; scan <= 3; scan++) {
        const mms_select select = {.scan = scan == 2 ? "2" : "3"};
        mms_row_pass_opts opts = {.columns = columns, .unselected = scan == 2};
        int nchunk = 0;
        expect_ok(mms_selection_create(set->ms, &select, &opts.selection, &err), &err);
        expect_ok(mms_rows_each(set->ms, &opts, check_chunk, &nchunk, &err), &err);
        assert_int_equal(nchunk, scan == 2);
        opts.enough = &enough;
        expect_ok(mms_rows_each(set->ms, &opts, check_chunk, &nchunk, &err), &err);
        assert_int_equal(nchunk, scan == 2);
        mms_selection_free(&opts.selection);
    }
}

static mms_status take_ranged(void *given, const mms_row_chunk *chunk, mms_error *err)
{
    const int32_t *const scan = chunk->cells[0];
    mms_rows *const run = (mms_rows *)given + chunk->place;

    (void)err;
    assert_int_equal(chunk->member, 0);
    for (int64_t i = 0; i < chunk->rows.count; i++)
        assert_int_equal(scan[i], rows[chunk->rows.first + i].scan);
    *run = chunk->rows;
    return MMS_OK;
}

/* What is given is found at its place among the rows that are gone over. */
static void ranges_are_gone_over_in_their_order(void **state)
{
    static const char *const columns[] = {MMS_COL_SCAN_NUMBER, NULL};
    static const mms_rows ranges[] = {{8, 2}, {3, 0}, {0, 4}, {10, 1}};
    const struct set *set = *state;
    const mms_row_pass_opts opts = {
        .columns = columns, .nrange = MMS_COUNT_OF(ranges), .ranges = ranges};
    mms_rows given[7] = {{0, 0}};
    mms_error err = {0};

    expect_ok(mms_rows_each(set->ms, &opts, take_ranged, given, &err), &err);
    assert_memory_equal(&given[0], &ranges[0], sizeof ranges[0]);
    assert_memory_equal(&given[2], &ranges[2], sizeof ranges[2]);
    assert_memory_equal(&given[6], &ranges[3], sizeof ranges[3]);
    assert_int_equal(given[1].count + given[3].count + given[4].count + given[5].count, 0);
}

static void ranges_beyond_the_set_are_refused(void **state)
{
    enum { N = MMS_COUNT_OF(rows) };
    static const char *const columns[] = {NULL};
    static const mms_rows ranges[] = {{N, 1},  {N - 1, 2},     {0, N + 1},    {-1, 1},
                                      {0, -1}, {1, INT64_MAX}, {INT64_MAX, 1}};
    const struct set *set = *state;
    mms_error err;

    for (int64_t i = 0; i < MMS_COUNT_OF(ranges); i++) {
        const mms_row_pass_opts opts = {.columns = columns, .nrange = 1, .ranges = &ranges[i]};
        assert_int_equal(mms_rows_each(set->ms, &opts, check_chunk, NULL, &err), MMS_ERR_RANGE);
    }
}

static void any_row_is_found(void **state)
{
    static const char *const scans[] = {"2", "3"};
    const struct set *set = *state;
    mms_error err = {0};

    for (int i = 0; i < 2; i++) {
        const mms_select select = {.scan = scans[i]};
        mms_selection *selection = NULL;
        bool any = i > 0;
        expect_ok(mms_selection_create(set->ms, &select, &selection, &err), &err);
        expect_ok(mms_rows_any(set->ms, selection, &any, &err), &err);
        assert_int_equal(any, i == 0);
        mms_selection_free(&selection);
    }
}

static void tally_keeps_many_keys_apart(void **state)
{
    enum { N = 5000 };
    mms_tally t = {.size = sizeof(mms_pair_count), .nkey = 3};
    mms_pair_count *p;

    (void)state;
    for (int32_t round = 0; round < 2; round++)
        for (int32_t i = 0; i < N; i++) {
            const int32_t key[3] = {i % 7, i, -i};
            assert_int_equal(mms_tally_find(&t, key, &p, NULL), MMS_OK);
            p->rows += i;
        }
    assert_int_equal(t.n, N);
    for (int32_t i = 0; i < N; i++) {
        const int32_t key[3] = {i % 7, i, -i};
        assert_int_equal(mms_tally_find(&t, key, &p, NULL), MMS_OK);
        assert_int_equal(p->rows, 2 * i);
    }
    mms_tally_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(cells_are_sorted_and_counted, open_set, close_set),
        cmocka_unit_test_setup_teardown(rows_are_measured_by_dd, open_set, close_set),
        cmocka_unit_test_setup_teardown(pairs_have_no_order, open_set, close_set),
        cmocka_unit_test_setup_teardown(stretches_begin_where_field_or_dds_change, open_set,
                                        close_set),
        cmocka_unit_test_setup_teardown(selection_limits_rows_not_pairs, open_set, close_set),
        cmocka_unit_test_setup_teardown(wrong_ddid_is_named, open_set, close_set),
        cmocka_unit_test_setup_teardown(staged_table_gets_a_new_lock_file, open_set, close_set),
        cmocka_unit_test_setup_teardown(pass_gives_the_mask_and_skips_what_is_not_selected,
                                        open_set, close_set),
        cmocka_unit_test_setup_teardown(ranges_are_gone_over_in_their_order, open_set, close_set),
        cmocka_unit_test_setup_teardown(ranges_beyond_the_set_are_refused, open_set, close_set),
        cmocka_unit_test_setup_teardown(any_row_is_found, open_set, close_set),
        cmocka_unit_test(tally_keeps_many_keys_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
