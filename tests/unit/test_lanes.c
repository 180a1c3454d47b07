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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_have_their_turns_in_order),
        cmocka_unit_test(the_first_piece_that_fails_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
