/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file test_statwt.c  Weights from scatter: the numbers of transform-numerics T199 to T209, ends
 * of windows, one sample, equal samples, each algorithm. */
#include <complex.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/base_priv.h"
#include "transform/statwt.h"

static void assert_near(double found, double want, double tolerance)
{
    assert_true(fabs(found - want) <= tolerance);
}

static const mms_statwt_how classic = {.minsamp = 2};

static double variance(const mms_statwt_how *how, int64_t n, const mms_complex *vis,
                       const double *exposure_s)
{
    double scratch[64];
    return mms_statwt_variance(how, n, vis, exposure_s, scratch);
}

static void variances_are_those_of_the_specification(void **state)
{
    const double ones[4] = {1, 1, 1, 1}, twos[3] = {2, 2, 2}, mixed[2] = {1, 2};
    const mms_complex four[4] = {1, 2, 3, 4}, two[2] = {1, 4}, good[3] = {1, 2, 3};
    const mms_complex three[3] = {1 + (mms_complex)I, 3 + 3 * (mms_complex)I, 2};

    (void)state;
    assert_near(variance(&classic, 4, four, ones), 0.625, 0);
    assert_near(variance(&classic, 2, two, mixed), 1.5, 1e-15);
    assert_near(variance(&classic, 3, three, twos), 20.0 / 9, 1e-15);
    assert_near(variance(&classic, 3, good, ones), 1.0 / 3, 1e-15);
}

/** Correlations beside each other have the bits that each has alone. */
static void variances_together_are_those_apart(void **state)
{
    enum { ROWS = 3, CHANS = 7 };
    const double exposure_s[ROWS] = {1.1, 0, 2.7};
    const mms_statwt_how far = {.algorithm = MMS_STATWT_CHAUVENET}, many = {.minsamp = 22};
    mms_complex cells[ROWS][CHANS * 4];
    const mms_complex *vis[ROWS] = {cells[0], cells[1], cells[2]};
    double together[4];

    (void)state;
    for (int64_t i = 0; i < ROWS * CHANS * 4; i++)
        cells[i / (CHANS * 4)][i % (CHANS * 4)] =
            (float)(i * 7919 % 101) / 3 + (float)(i * 104729 % 97) / 7 * (mms_complex)I;
    for (int32_t ncorr = 2; ncorr <= 4; ncorr *= 2) {
        const mms_statwt_rows rows = {ROWS, CHANS, ncorr, vis, exposure_s};
        assert_true(mms_statwt_variances(&classic, &rows, together));
        for (int32_t p = 0; p < ncorr; p++) {
            mms_complex samples[ROWS * CHANS];
            double exposures_s[ROWS * CHANS];
            for (int64_t i = 0; i < ROWS * CHANS; i++) {
                samples[i] = cells[i / CHANS][i % CHANS * ncorr + p];
                exposures_s[i] = exposure_s[i / CHANS];
            }
            const double apart = variance(&classic, ROWS * CHANS, samples, exposures_s);
            assert_true(apart > 0);
            assert_memory_equal(&apart, &together[p], sizeof apart);
        }
        assert_true(mms_statwt_variances(&many, &rows, together));
        assert_true(together[0] == 0);
        assert_false(mms_statwt_variances(&far, &rows, together));
    }
    const mms_statwt_rows three = {ROWS, CHANS, 3, vis, exposure_s};
    assert_false(mms_statwt_variances(&classic, &three, together));
}

static void too_few_or_equal_samples_have_no_variance(void **state)
{
    const double ones[3] = {1, 1, 1};
    const mms_complex same[3] = {2, 2, 2}, two[2] = {1, 2};
    const mms_statwt_how many = {.minsamp = 3};

    (void)state;
    assert_near(variance(&many, 2, two, ones), 0, 0);
    assert_near(variance(&classic, 1, two, ones), 0, 0);
    assert_near(variance(&classic, 0, two, ones), 0, 0);
    assert_near(variance(&classic, 3, same, ones), 0, 0);
    assert_near(mms_statwt_weight(3, 0), 0, 0);
    assert_near(mms_statwt_weight(2, 4), 0.5, 0);
    assert_near(mms_statwt_sigma(0), -1, 0);
    assert_near(mms_statwt_sigma(0.25F), 2, 0);
}

static void far_samples_are_left_out(void **state)
{
    const double tens[6] = {10, 10, 10, 10, 10, 10};
    const mms_complex vis[6] = {-1, 1, -1, 1, 0, 100};
    const mms_statwt_how chauvenet = {
        .algorithm = MMS_STATWT_CHAUVENET, .minsamp = 2, .zscore = 2, .maxiter = 0};
    const mms_statwt_how hinges = {.algorithm = MMS_STATWT_HINGES, .minsamp = 2, .fence = 1.5};
    const mms_statwt_how open = {.algorithm = MMS_STATWT_HINGES, .minsamp = 2, .fence = -1};

    (void)state;
    assert_near(variance(&chauvenet, 6, vis, tens), 4, 1e-14);
    assert_near(variance(&hinges, 6, vis, tens), 4, 1e-14);
    assert_near(variance(&open, 6, vis, tens), variance(&classic, 6, vis, tens), 0);
}

static void half_of_the_samples_is_mirrored(void **state)
{
    const double ones[5] = {1, 1, 1, 1, 1};
    const mms_complex vis[5] = {0, 2, 3, 5, 100};
    mms_statwt_how how = {
        .algorithm = MMS_STATWT_FIT_HALF, .minsamp = 2, .center = MMS_STATWT_MEDIAN, .lside = true};

    (void)state;
    assert_near(variance(&how, 5, vis, ones), (9.0 + 1) / 3 / 2, 1e-15);
    how.lside = false;
    assert_near(variance(&how, 5, vis, ones), (4.0 + 97 * 97) / 3 / 2, 1e-12);
    how.center = MMS_STATWT_ZERO;
    how.lside = true;
    assert_near(variance(&how, 5, vis, ones), 0, 0);
    how.center = MMS_STATWT_MEAN;
    assert_near(variance(&how, 5, vis, ones), (22.0 * 22 + 20 * 20 + 19 * 19 + 17 * 17) / 4 / 2,
                1e-12);
}

/** As casacore has it: not the exact distance, but the coarsest by halves with that many points. */
static void chauvenet_expects_half_a_point(void **state)
{
    static const struct {
        int64_t n;
        double z;
    } known[] = {
        {1, 1},  {2, 1.25},     {3, 1.5},       {4, 1.625}, {5, 1.6875},          {9, 1.9375},
        {10, 2}, {13, 2.09375}, {50, 2.578125}, {185, 3},   {1000, 3.48095703125}};

    (void)state;
    for (int i = 0; i < MMS_COUNT_OF(known); i++)
        assert_near(mms_statwt_chauvenet(known[i].n), known[i].z, 0);
    for (int64_t n = 1; n < 100000000; n *= 7)
        assert_int_equal((int64_t)(0.5 / erfc(mms_statwt_chauvenet(n) / sqrt(2))), n);
}

static void assert_windows(mms_statwt_time how, int64_t n, const double *time_s,
                           const int64_t *want_first, const int64_t *want_end)
{
    int64_t first[8], end[8];

    mms_statwt_windows(&how, n, time_s, first, end);
    for (int64_t i = 0; i < n; i++) {
        assert_int_equal(first[i], want_first[i]);
        assert_int_equal(end[i], want_end[i]);
    }
}

static void windows_slide_and_are_moved_at_the_ends(void **state)
{
    const double t[6] = {0, 1, 2, 3, 4, 5};

    (void)state;
    assert_windows((mms_statwt_time){true, 3, 0}, 6, t, (const int64_t[]){0, 0, 1, 2, 3, 3},
                   (const int64_t[]){3, 3, 4, 5, 6, 6});
    assert_windows((mms_statwt_time){true, 4, 0}, 6, t, (const int64_t[]){0, 0, 1, 2, 2, 2},
                   (const int64_t[]){4, 4, 5, 6, 6, 6});
    assert_windows((mms_statwt_time){true, 0, 3}, 6, t, (const int64_t[]){0, 0, 1, 2, 3, 4},
                   (const int64_t[]){2, 3, 4, 5, 6, 6});
    assert_windows((mms_statwt_time){true, 9, 0}, 2, t, (const int64_t[]){0, 0},
                   (const int64_t[]){2, 2});
}

static void blocks_begin_at_a_stamp_and_the_last_is_as_long(void **state)
{
    const double t[6] = {20, 60, 100, 140, 180, 230};

    (void)state;
    assert_windows((mms_statwt_time){false, 4, 0}, 6, t, (const int64_t[]){0, 0, 0, 0, 2, 2},
                   (const int64_t[]){4, 4, 4, 4, 6, 6});
    assert_windows((mms_statwt_time){false, 0, 110}, 6, t, (const int64_t[]){0, 0, 0, 3, 3, 3},
                   (const int64_t[]){3, 3, 3, 6, 6, 6});
    assert_windows((mms_statwt_time){false, 1, 0}, 2, t, (const int64_t[]){0, 1},
                   (const int64_t[]){1, 2});
}

static void channels_are_cut_by_number_or_width(void **state)
{
    const double f[7] = {100, 110, 120, 130, 140, 150, 160};
    const double falling[3] = {120, 110, 100};
    int64_t first[9];

    (void)state;
    assert_int_equal(mms_statwt_bins(7, f, 3, 0, first), 3);
    assert_true(first[1] == 3 && first[2] == 6 && first[3] == 7);
    assert_int_equal(mms_statwt_bins(7, f, 0, 20, first), 3);
    assert_true(first[1] == 3 && first[2] == 6 && first[3] == 7);
    assert_int_equal(mms_statwt_bins(3, falling, 0, 10, first), 2);
    assert_int_equal(mms_statwt_bins(7, f, 0, 0, first), 1);
    assert_int_equal(first[1], 7);
    assert_int_equal(mms_statwt_bins(1, f, 5, 0, first), 1);
}

static void sums_do_not_depend_on_how_they_are_joined(void **state)
{
    mms_statwt_sums all = {0}, a = {0}, b = {0};

    (void)state;
    for (int i = 0; i < 8; i++) {
        mms_statwt_sums_add(&all, i, 2);
        mms_statwt_sums_add(i < 3 ? &a : &b, i, 2);
    }
    mms_statwt_sums_join(&a, &b);
    assert_near(a.n, 16, 0);
    assert_near(a.mean, 3.5, 1e-14);
    assert_near(a.m2, 84, 1e-12);
    assert_near(all.m2, 84, 1e-12);
}

static void medians_of_even_numbers_are_in_the_middle(void **state)
{
    float four[4] = {8, 1, 4, 2}, three[3] = {4, 1, 2}, same[4] = {3, 3, 3, 3};

    (void)state;
    assert_near(mms_statwt_median(4, four), 3, 0);
    assert_near(mms_statwt_median(3, three), 2, 0);
    assert_near(mms_statwt_median(0, three), 0, 0);
    assert_near(mms_statwt_median(4, same), 3, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(variances_are_those_of_the_specification),
        cmocka_unit_test(variances_together_are_those_apart),
        cmocka_unit_test(too_few_or_equal_samples_have_no_variance),
        cmocka_unit_test(far_samples_are_left_out),
        cmocka_unit_test(half_of_the_samples_is_mirrored),
        cmocka_unit_test(chauvenet_expects_half_a_point),
        cmocka_unit_test(windows_slide_and_are_moved_at_the_ends),
        cmocka_unit_test(blocks_begin_at_a_stamp_and_the_last_is_as_long),
        cmocka_unit_test(channels_are_cut_by_number_or_width),
        cmocka_unit_test(sums_do_not_depend_on_how_they_are_joined),
        cmocka_unit_test(medians_of_even_numbers_are_in_the_middle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
