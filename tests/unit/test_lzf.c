/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file test_lzf.c  LZF streams, whole and damaged; buffers are of the exact size, for
 *  AddressSanitizer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "hdf5/lzf_priv.h"

static void literals_and_repeats(void **state)
{
    // "abc", then 5 bytes from 3 back, then 9 + 1 from 1 back
    static const unsigned char in[] = {2, 'a', 'b', 'c', 3 << 5, 2, 7 << 5, 1, 0};
    unsigned char out[18];

    (void)state;
    assert_int_equal(mms_lzf_expand(in, sizeof in, out, sizeof out), 18);
    assert_memory_equal(out, "abcabcabbbbbbbbbbb", 18);
    assert_int_equal(mms_lzf_expand(in, sizeof in, out, 17), 0);
    for (size_t n = 1; n < sizeof in; n++)
        assert_true(mms_lzf_expand(in, n, out, sizeof out) < 18);
}

static void back_before_the_beginning(void **state)
{
    static const unsigned char in[] = {0, 'a', 1 << 5, 1};
    unsigned char out[8];

    (void)state;
    assert_int_equal(mms_lzf_expand(in, sizeof in, out, sizeof out), 0);
}

/** As the C library's rand_r, the same everywhere. */
static uint32_t next(uint32_t *seed)
{
    *seed = *seed * 1664525U + 1013904223U;
    return *seed >> 8;
}

static void random_streams(void **state)
{
    uint32_t seed = 1;
    size_t good = 0;

    (void)state;
    for (int k = 0; k < 10000; k++) {
        const size_t n = 1 + next(&seed) % 200, room = 1 + next(&seed) % 2000;
        unsigned char *const in = malloc(n), *const out = malloc(room);
        assert_non_null(in);
        assert_non_null(out);
        for (size_t i = 0; i < n; i++) // short literals and near repeats keep some of them whole
            in[i] = (unsigned char)(next(&seed) % (k % 2 ? 256 : 34));
        const size_t have = mms_lzf_expand(in, n, out, room);
        assert_true(have <= room);
        good += have > 0;
        free(in);
        free(out);
    }
    assert_true(good > 0 && good < 10000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(literals_and_repeats),
        cmocka_unit_test(back_before_the_beginning),
        cmocka_unit_test(random_streams),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
