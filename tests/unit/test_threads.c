/** @file test_threads.c  Threads that share a piece of work. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/base_priv.h"
#include "base/threads_priv.h"

enum { ROWS = 1003, TURNS = 2000 };

typedef struct work {
    int taken[ROWS]; /**< how often each row was */
    int fails_from;  /**< share that fails, and those after it */
} work;

static mms_status take(void *ctx, int i, int n, mms_error *err)
{
    work *w = ctx;

    if (i >= w->fails_from)
        return mms_fail(err, MMS_ERR_IO, "share %d of %d", i, n);
    for (int64_t row = mms_share_begin(ROWS, i, n); row < mms_share_begin(ROWS, i + 1, n); row++)
        w->taken[row]++;
    return MMS_OK;
}

static void each_row_is_taken_once(void **state)
{
    (void)state;
    for (int n = 1; n <= 5; n++) {
        mms_threads *threads;
        work w = {.fails_from = 99};
        assert_int_equal(mms_threads_start(n, &threads, NULL), MMS_OK);
        assert_int_equal(mms_threads_count(threads), n);
        for (int turn = 0; turn < TURNS; turn++)
            assert_int_equal(mms_threads_run(threads, take, &w, NULL), MMS_OK);
        for (int row = 0; row < ROWS; row++)
            assert_int_equal(w.taken[row], TURNS);
        mms_threads_stop(&threads);
        assert_null(threads);
    }
}

static void no_threads_are_one_share(void **state)
{
    work w = {.fails_from = 99};

    (void)state;
    assert_int_equal(mms_threads_count(NULL), 1);
    assert_int_equal(mms_threads_run(NULL, take, &w, NULL), MMS_OK);
    assert_int_equal(w.taken[0], 1);
    assert_int_equal(w.taken[ROWS - 1], 1);
}

static void the_first_error_is_told(void **state)
{
    mms_threads *threads;
    mms_error err = {0};
    work w = {.fails_from = 1};

    (void)state;
    assert_int_equal(mms_threads_start(3, &threads, NULL), MMS_OK);
    assert_int_equal(mms_threads_run(threads, take, &w, &err), MMS_ERR_IO);
    assert_string_equal(err.msg, "share 1 of 3");
    w.fails_from = 99;
    assert_int_equal(mms_threads_run(threads, take, &w, &err), MMS_OK); // and is forgotten
    mms_threads_stop(&threads);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_row_is_taken_once),
        cmocka_unit_test(no_threads_are_one_share),
        cmocka_unit_test(the_first_error_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
