/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file test_lanes.c  Threads that work on one sequence of pieces. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/base_priv.h"
#include "base/lanes_priv.h"

enum { PIECES = 2000 };

typedef struct work {
    atomic_int next;          /**< piece that is taken */
    int nturn, order[PIECES]; /**< not atomic: written in turns alone */
    int fails_from;
} work;

static mms_status take(void *ctx, mms_lanes *lanes, int number, int64_t *at, mms_error *err)
{
    work *w = ctx;

    (void)number;
    for (;;) {
        const int piece = atomic_fetch_add(&w->next, 1);
        *at = piece;
        if (piece >= PIECES)
            return MMS_OK;
        if (piece >= w->fails_from)
            return mms_fail(err, MMS_ERR_IO, "piece %d", piece);
        if (!mms_lanes_begin_turn(lanes, piece))
            return MMS_OK;
        w->order[w->nturn++] = piece;
        mms_lanes_end_turn(lanes);
    }
}

static void pieces_have_their_turns_in_order(void **state)
{
    (void)state;
    for (int n = 1; n <= 5; n++) {
        work w = {.fails_from = PIECES};
        assert_int_equal(mms_lanes_run(n, take, &w, NULL), MMS_OK);
        assert_int_equal(w.nturn, PIECES);
        for (int i = 0; i < PIECES; i++)
            assert_int_equal(w.order[i], i);
    }
}

static void the_first_piece_that_fails_is_told(void **state)
{
    (void)state;
    for (int n = 1; n <= 5; n++) {
        work w = {.fails_from = 1234};
        mms_error err = {0};
        assert_int_equal(mms_lanes_run(n, take, &w, &err), MMS_ERR_IO);
        assert_string_equal(err.msg, "piece 1234");
        assert_int_equal(w.nturn, 1234);
    }
}

/** Each piece has as many results as its number has threes; they are counted in turns. */
typedef struct results {
    atomic_int next;
    int64_t counted;
    int nwritten;
    int64_t written[2 * PIECES]; /**< not atomic: written in the turns of results alone */
    int fails_at;                /**< the piece that fails before its results */
} results;

static mms_status make_results(void *ctx, mms_lanes *lanes, int number, int64_t *at, mms_error *err)
{
    results *r = ctx;

    (void)number;
    for (;;) {
        const int piece = atomic_fetch_add(&r->next, 1);
        *at = piece;
        if (piece >= PIECES || !mms_lanes_begin_turn(lanes, piece))
            return MMS_OK;
        const int64_t first = r->counted, n = piece % 3;
        r->counted += n;
        mms_lanes_end_turn(lanes);
        if (piece == r->fails_at)
            return mms_fail(err, MMS_ERR_IO, "piece %d", piece);
        for (int64_t i = first; i < first + n; i++) {
            if (!mms_lanes_begin_result(lanes, piece, i))
                return MMS_OK;
            r->written[r->nwritten++] = i;
            mms_lanes_end_result(lanes);
        }
    }
}

static void results_have_an_order_of_their_own(void **state)
{
    static results r;

    (void)state;
    for (int n = 1; n <= 5; n++) {
        r = (results){.fails_at = PIECES};
        assert_int_equal(mms_lanes_run(n, make_results, &r, NULL), MMS_OK);
        assert_int_equal(r.nwritten, r.counted);
        for (int i = 0; i < r.nwritten; i++)
            assert_int_equal(r.written[i], i);
    }
}

static void results_end_at_the_piece_that_fails(void **state)
{
    static results r;

    (void)state;
    for (int n = 1; n <= 5; n++) {
        mms_error err = {0};
        r = (results){.fails_at = 1235};
        assert_int_equal(mms_lanes_run(n, make_results, &r, &err), MMS_ERR_IO);
        assert_string_equal(err.msg, "piece 1235");
        assert_int_equal(r.nwritten, 1234);
        for (int i = 0; i < r.nwritten; i++)
            assert_int_equal(r.written[i], i);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_have_their_turns_in_order),
        cmocka_unit_test(the_first_piece_that_fails_is_told),
        cmocka_unit_test(results_have_an_order_of_their_own),
        cmocka_unit_test(results_end_at_the_piece_that_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
