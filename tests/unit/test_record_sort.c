/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file test_record_sort.c  Records sorted in memory and on disk. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pipeline/record_sort_priv.h"

typedef struct record {
    int64_t key, value;
    int32_t more[7];
} record;

static int by_key(const void *a, const void *b, void *ctx)
{
    const record *x = a, *y = b;

    (*(int64_t *)ctx)++;
    return (x->key > y->key) - (x->key < y->key);
}

/** Keys that repeat no order: a walk through the numbers modulo a prime. */
static int64_t key_of(int64_t i, int64_t n)
{
    return (i * 7919) % n;
}

/** Sort n records, a prime, in so much memory, and answer the runs on disk before the merge. */
static int64_t sort(int64_t n, int64_t memory)
{
    mms_record_sort *s;
    record r = {0};
    int64_t compared = 0, nrun;
    bool end;
    mms_error err = {MMS_OK, ""};

    assert_int_equal(
        mms_record_sort_create("sorted", sizeof r, by_key, &compared, memory, &s, &err), MMS_OK);
    for (int64_t i = 0; i < n; i++) {
        r = (record){key_of(i, n), i, {(int32_t)i}};
        assert_int_equal(mms_record_sort_add(s, &r, &err), MMS_OK);
    }
    nrun = mms_record_sort_nrun(s);
    assert_int_equal(mms_record_sort_count(s), n);
    assert_int_equal(mms_record_sort_finish(s, &err), MMS_OK);
    for (int64_t i = 0; i < n; i++) {
        assert_int_equal(mms_record_sort_next(s, &r, &end, &err), MMS_OK);
        assert_false(end);
        assert_int_equal(r.key, i);
        assert_int_equal(key_of(r.value, n), i);
        assert_int_equal(r.more[0], r.value);
    }
    assert_int_equal(mms_record_sort_next(s, &r, &end, &err), MMS_OK);
    assert_true(end);
    assert_true(n < 2 || compared > 0);
    mms_record_sort_free(&s);
    assert_null(s);
    return nrun;
}

static void what_fits_is_sorted_in_memory(void **state)
{
    (void)state;
    assert_int_equal(sort(1, 1 << 20), 0);
    assert_int_equal(sort(9973, 1 << 20), 0);
}

static void what_does_not_fit_is_merged_from_disk(void **state)
{
    (void)state;
    assert_in_range(sort(9973, 200000), 3, 9);
}

/* 64 records a run and two runs a merge: runs of runs of runs. */
static void runs_are_merged_in_steps_where_they_are_many(void **state)
{
    (void)state;
    assert_int_equal(sort(6451, 0), 100);
}

static void no_records_are_no_failure(void **state)
{
    mms_record_sort *s;
    record r;
    bool end;

    (void)state;
    assert_int_equal(mms_record_sort_create("sorted", sizeof r, by_key, NULL, 0, &s, NULL), MMS_OK);
    assert_int_equal(mms_record_sort_finish(s, NULL), MMS_OK);
    assert_int_equal(mms_record_sort_next(s, &r, &end, NULL), MMS_OK);
    assert_true(end);
    mms_record_sort_free(&s);
    mms_record_sort_free(&s);
}

static void a_folder_that_is_not_there_is_an_error(void **state)
{
    mms_record_sort *s;
    mms_status st = MMS_OK;
    int64_t compared = 0;
    mms_error err = {MMS_OK, ""};

    (void)state;
    assert_int_equal(
        mms_record_sort_create("nowhere/sorted", sizeof(record), by_key, &compared, 0, &s, NULL),
        MMS_OK);
    for (int64_t i = 0; st == MMS_OK && i < 100; i++)
        st = mms_record_sort_add(s, &(record){.key = i}, &err);
    assert_int_equal(st, MMS_ERR_NOT_FOUND);
    assert_non_null(strstr(err.msg, "nowhere/sorted"));
    mms_record_sort_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_fits_is_sorted_in_memory),
        cmocka_unit_test(what_does_not_fit_is_merged_from_disk),
        cmocka_unit_test(runs_are_merged_in_steps_where_they_are_many),
        cmocka_unit_test(no_records_are_no_failure),
        cmocka_unit_test(a_folder_that_is_not_there_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
