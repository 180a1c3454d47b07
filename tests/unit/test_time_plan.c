/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file test_time_plan.c  Passes over the rows of a part that is averaged in time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/files_priv.h"
#include "ms/rowlist_priv.h"
#include "multims/simulate.h"
#include "pipeline/time_plan_priv.h"

/* Six baselines at four times: row 6 * time + baseline.  Bins of two times make twelve rows. */
enum { NROW = 24, NBIN = 12, COST = 100 };

static const char set[] = "time_plan.ms", list_file[] = "time_plan.rows";

static void expect_ok(mms_status st, const mms_error *err)
{
    if (st != MMS_OK)
        fail_msg("%s", err->msg);
}

static int make_set(void **state)
{
    mms_simulate_opts opts = MMS_SIMULATE_OPTS_INIT;
    const int64_t channels = 4;
    mms_error err = {0};

    (void)state;
    opts.antennas = 4;
    opts.scans = 1;
    opts.integrations = 4;
    opts.nchannels = 1;
    opts.channels = &channels;
    expect_ok(mms_remove_tree(set, &err), &err);
    expect_ok(mms_simulate(set, &opts, &err), &err);
    return 0;
}

static int remove_set(void **state)
{
    mms_error err = {0};

    (void)state;
    expect_ok(mms_remove_tree(set, &err), &err);
    expect_ok(mms_remove_tree(list_file, &err), &err);
    return 0;
}

static mms_status hundred(void *ctx, int32_t ddid, int64_t row, int64_t *bytes, mms_error *err)
{
    (void)ctx;
    (void)err;
    assert_int_equal(ddid, 0);
    assert_in_range(row, 0, NROW - 1);
    *bytes = COST;
    return MMS_OK;
}

/** Plan all rows, or all from the last to the first. */
static mms_status make(int64_t limit, bool reversed, mms_time_plan *plan, mms_error *err)
{
    mms_time_opts bins = MMS_TIME_OPTS_INIT;
    mms_time_plan_opts opts = {
        .rows_file = list_file, .bins = &bins, .cost = hundred, .memory = 16 << 20, .limit = limit};
    mms_rowlist *list;
    mms_status st;

    expect_ok(mms_rowlist_create(list_file, &list, err), err); // in place of the one before
    for (int64_t i = 0; i < NROW; i++)
        expect_ok(mms_rowlist_add(list, (mms_rows){reversed ? NROW - 1 - i : i, 1}, err), err);
    expect_ok(mms_rowlist_close(&list, err), err);
    bins.timebin_s = 20;
    expect_ok(mms_ms_open(set, &opts.ms, err), err);
    st = mms_time_plan_make(&opts, plan, err);
    mms_ms_close(&opts.ms);
    return st;
}

static void expect_rows(const int64_t *want)
{
    mms_rowlist *list;
    mms_rows run;
    mms_error err = {0};

    expect_ok(mms_rowlist_open(list_file, NROW, &list, &err), &err);
    for (int i = 0; i < NROW; i++) {
        expect_ok(mms_rowlist_take(list, 1, &run, &err), &err);
        assert_int_equal(run.count, 1);
        assert_int_equal(run.first, want[i]);
    }
    expect_ok(mms_rowlist_take(list, 1, &run, &err), &err);
    assert_int_equal(run.count, 0);
    expect_ok(mms_rowlist_close(&list, &err), &err);
}

static void expect_out_rows(FILE *file, const int64_t want[NBIN])
{
    int64_t out[NBIN + 1];

    assert_non_null(file);
    assert_int_equal(fread(out, sizeof *out, NBIN + 1, file), NBIN);
    for (int i = 0; i < NBIN; i++)
        assert_int_equal(out[i], want[i]);
}

/* At no time more than the six rows of a bin are held. */
static void one_pass_where_all_fits(void **state)
{
    const int64_t rows[NROW] = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11,
                                12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23};
    mms_time_plan plan;
    mms_error err = {0};

    (void)state;
    expect_ok(make(6 * COST, false, &plan, &err), &err);
    assert_int_equal(plan.order, MMS_BY_TIME);
    assert_int_equal(plan.nrow, NROW);
    assert_int_equal(plan.nbin, NBIN);
    assert_int_equal(plan.npass, 1);
    assert_int_equal(plan.pass_rows[0], NROW);
    assert_null(plan.out_rows);
    expect_rows(rows);
    mms_time_plan_end(&plan);
    mms_time_plan_end(&plan);
}

static void passes_of_as_many_rows_as_fit(void **state)
{
    const int64_t rows[NROW] = {0,  1,  2,  3,  4,  6,  7,  8,  9,  10, 5,  11,
                                12, 13, 14, 15, 18, 19, 20, 21, 16, 17, 22, 23};
    const int64_t pass_rows[3] = {10, 10, 4};
    mms_time_plan plan;
    mms_error err = {0};

    (void)state;
    expect_ok(make(6 * COST - 1, false, &plan, &err), &err);
    assert_int_equal(plan.npass, 3);
    assert_memory_equal(plan.pass_rows, pass_rows, sizeof pass_rows);
    assert_null(plan.out_rows);
    expect_rows(rows);
    mms_time_plan_end(&plan);
}

static void a_pass_has_one_row_at_least(void **state)
{
    mms_time_plan plan;
    mms_error err = {0};

    (void)state;
    expect_ok(make(COST, false, &plan, &err), &err);
    assert_int_equal(plan.npass, NBIN);
    mms_time_plan_end(&plan);
    assert_int_equal(make(COST - 1, false, &plan, &err), MMS_ERR_ARG);
    assert_string_equal(err.msg,
                        "time average: one averaged row of DATA_DESC_ID 0 takes 100 bytes, "
                        "parameter memory=16777216 leaves 99 for them");
    mms_time_plan_end(&plan);
}

/* From the last row to the first: later times stand first in the output. */
static void unsorted_rows_are_sorted_and_keep_their_places(void **state)
{
    const int64_t rows[NROW] = {5,  4,  3,  2,  1,  0,  11, 10, 9,  8,  7,  6,
                                17, 16, 15, 14, 13, 12, 23, 22, 21, 20, 19, 18};
    const int64_t out_rows[NBIN] = {6, 7, 8, 9, 10, 11, 0, 1, 2, 3, 4, 5};
    mms_time_plan plan;
    mms_error err = {0};

    (void)state;
    expect_ok(make(NBIN * COST, true, &plan, &err), &err);
    assert_int_equal(plan.order, MMS_BY_CHUNK);
    assert_int_equal(plan.npass, 1);
    expect_rows(rows);
    expect_out_rows(plan.out_rows, out_rows);
    mms_time_plan_end(&plan);
}

static void unsorted_rows_in_passes(void **state)
{
    const int64_t rows[NROW] = {17, 16, 15, 14, 13, 23, 22, 21, 20, 19, 5, 4,
                                3,  2,  11, 10, 9,  8,  12, 18, 1,  0,  7, 6};
    const int64_t out_rows[NBIN] = {0, 1, 2, 3, 4, 6, 7, 8, 9, 5, 10, 11};
    const int64_t pass_rows[3] = {10, 10, 4};
    mms_time_plan plan;
    mms_error err = {0};

    (void)state;
    expect_ok(make(5 * COST, true, &plan, &err), &err);
    assert_int_equal(plan.npass, 3);
    assert_memory_equal(plan.pass_rows, pass_rows, sizeof pass_rows);
    expect_rows(rows);
    expect_out_rows(plan.out_rows, out_rows);
    mms_time_plan_end(&plan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_pass_where_all_fits),
        cmocka_unit_test(passes_of_as_many_rows_as_fit),
        cmocka_unit_test(a_pass_has_one_row_at_least),
        cmocka_unit_test(unsorted_rows_are_sorted_and_keep_their_places),
        cmocka_unit_test(unsorted_rows_in_passes),
    };
    return cmocka_run_group_tests(tests, make_set, remove_set);
}
