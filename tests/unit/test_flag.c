/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file test_flag.c  Algorithms of lib/flag on small exact cases. */
#include <complex.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/base_priv.h"
#include "crop_maps.h"
#include "flag/flag.h"

static void expressions_are_read(void **state)
{
    const char *const names[4] = {"RR", "RL", "LR", "LL"};
    mms_flag_product products[16];
    mms_flag_expression e;
    mms_error err;

    (void)state;
    assert_int_equal(mms_flag_expression_read("", &e, &err), MMS_OK);
    assert_int_equal(mms_flag_expression_products(&e, 4, names, products), 4);
    assert_int_equal(mms_flag_expression_read("imag_ll", &e, &err), MMS_OK);
    assert_int_equal(e.operation, MMS_FLAG_IMAG);
    assert_int_equal(mms_flag_expression_products(&e, 4, names, products), 1);
    assert_int_equal(products[0].first, 3);
    assert_int_equal(mms_flag_expression_read("ABS XX,RR", &e, &err), MMS_OK);
    assert_int_equal(mms_flag_expression_products(&e, 4, names, products), 0); // the first decides
    assert_int_equal(mms_flag_expression_read("ABS_I", &e, &err), MMS_OK);
    assert_int_equal(mms_flag_expression_products(&e, 4, names, products), 1);
    const mms_complex vis[4] = {2, 0, 0, 4};
    assert_true(crealf(mms_flag_product_value(&products[0], vis)) == 3);
    assert_int_equal(mms_flag_expression_read("REAL_V", &e, &err), MMS_OK);
    assert_int_equal(mms_flag_expression_products(&e, 4, names, products), 1);
    assert_true(cimagf(mms_flag_product_value(&products[0], vis)) == 1); // (2 - 4) / 2i
    assert_int_equal(mms_flag_expression_read("ABS_XZ", &e, &err), MMS_ERR_ARG);
    assert_int_equal(mms_flag_expression_read("ABS_WVR", &e, &err), MMS_OK);
    assert_int_equal(mms_flag_expression_products(&e, 4, names, products), 0);
}

static void limits_are_inclusive(void **state)
{
    const mms_flag_clip outside = {true, true, false, 1, 2}, inside = {true, false, false, 1, 2};
    const mms_flag_clip zeros = {false, true, true, 0, 0};

    (void)state;
    assert_false(mms_flag_clips(&outside, 1) || mms_flag_clips(&outside, 2));
    assert_true(mms_flag_clips(&outside, 2.5F) && mms_flag_clips(&outside, 0.5F));
    assert_true(mms_flag_clips(&inside, 1) && mms_flag_clips(&inside, 2));
    assert_true(mms_flag_clips(&zeros, 0) && mms_flag_clips(&zeros, -1));
    assert_true(mms_flag_clips(&inside, NAN) && mms_flag_clips(&outside, INFINITY));
}

static void quack_has_four_modes(void **state)
{
    (void)state;
    assert_true(mms_flag_quacks(MMS_FLAG_BEG, 10, 0, 100, 10));
    assert_false(mms_flag_quacks(MMS_FLAG_TAIL, 10, 0, 100, 10));
    assert_true(mms_flag_quacks(MMS_FLAG_ENDB, 90, 0, 100, 10));
    assert_false(mms_flag_quacks(MMS_FLAG_END, 90, 0, 100, 10));
}

static void extend_grows_from_the_flags_before(void **state)
{
    const mms_flag_extend freq = {false, false, false, false, 0, 50};
    const mms_flag_extend near = {false, false, true, true, 0, 0};
    uint8_t half[2 * 4] = {1, 1, 0, 0, 1, 0, 0, 0};
    uint8_t middle[3 * 3] = {0, 0, 0, 0, 1, 0, 0, 0, 0};
    mms_error err;

    (void)state;
    assert_int_equal(mms_flag_extend_map(&freq, 2, 4, 1, half, &err), MMS_OK);
    assert_memory_equal(half, ((uint8_t[]){1, 1, 1, 1, 1, 0, 0, 0}), 8);
    assert_int_equal(mms_flag_extend_map(&near, 3, 3, 1, middle, &err), MMS_OK);
    assert_memory_equal(middle, ((uint8_t[]){0, 1, 0, 1, 1, 1, 0, 1, 0}), 9);
}

static void extend_joins_products(void **state)
{
    const mms_flag_extend pols = {true, false, false, false, 0, 0};
    uint8_t flags[1 * 2 * 2] = {0, 1, 0, 0};
    mms_error err;

    (void)state;
    assert_int_equal(mms_flag_extend_map(&pols, 1, 2, 2, flags, &err), MMS_OK);
    assert_memory_equal(flags, ((uint8_t[]){1, 1, 0, 0}), 4);
}

enum { TIMES = 20, CHANNELS = 32 };

static void tfcrop_finds_a_spike(void **state)
{
    const mms_flag_tfcrop how = {4, 3, false, true, 7, true, true, false, false, false, 1};
    float values[TIMES * CHANNELS];
    uint8_t flags[TIMES * CHANNELS] = {0};

    (void)state;
    for (int i = 0; i < TIMES * CHANNELS; i++)
        values[i] = 1 + 0.01F * (float)(i * 7 % 5 - 2);
    values[5 * CHANNELS + 9] = 50;
    crop_maps(&how, 1, TIMES, CHANNELS, 0, values, flags);
    assert_int_equal(flags[5 * CHANNELS + 9], 1);
    assert_int_equal(flags[12 * CHANNELS + 20], 0);
    memset(flags, 1, sizeof flags);
    crop_maps(&how, 1, TIMES, CHANNELS, 0, values, flags);
}

static void rflag_thresholds_are_medians(void **state)
{
    const double sums[5] = {1, 2, 3, 4, 100};
    const int64_t counts[5] = {1, 1, 1, 1, 1};
    double threshold;
    mms_error err;

    (void)state;
    assert_int_equal(mms_flag_rflag_threshold(5, sums, counts, &threshold, &err), MMS_OK);
    assert_true(fabs(threshold - (3 + 1.4826)) < 1e-12);
}

static void rflag_flags_the_window_that_scatters(void **state)
{
    const mms_flag_rflag how = {3, 1e6, 0};
    mms_complex values[5] = {1, 1, 1, 9, 1};
    const uint8_t before[5] = {0};
    uint8_t flags[5] = {0};
    mms_flag_middle middles[5];
    mms_error err;

    (void)state;
    assert_int_equal(mms_flag_rflag_middles(5, 1, values, before, middles, &err), MMS_OK);
    assert_int_equal(
        mms_flag_rflag_map(&how, 1, 1e9, NULL, 5, 1, values, before, middles, flags, &err), MMS_OK);
    assert_memory_equal(flags, ((uint8_t[]){0, 1, 1, 1, 1}), 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(expressions_are_read),
        cmocka_unit_test(limits_are_inclusive),
        cmocka_unit_test(quack_has_four_modes),
        cmocka_unit_test(extend_grows_from_the_flags_before),
        cmocka_unit_test(extend_joins_products),
        cmocka_unit_test(tfcrop_finds_a_spike),
        cmocka_unit_test(rflag_thresholds_are_medians),
        cmocka_unit_test(rflag_flags_the_window_that_scatters),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
