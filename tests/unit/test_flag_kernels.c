/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file test_flag_kernels.c  lib/flag: exact small cases, edges, one channel, one time, all
 * flagged. */
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

static const char *const linear[] = {"XX", "XY", "YX", "YY"};
static const char *const circular[] = {"RR", "RL", "LR", "LL"};

static mms_complex complex_of(float re, float im)
{
    return re + im * (mms_complex)I;
}

static void assert_flags(const uint8_t *flags, const char *want)
{
    for (size_t i = 0; want[i]; i++)
        assert_int_equal(flags[i], want[i] == '1');
}

/* ---- products ---------------------------------------------------------------------------------*/

static void expressions_are_read_in_any_case(void **state)
{
    mms_flag_expression e;

    (void)state;
    assert_int_equal(mms_flag_expression_read("", &e, NULL), MMS_OK);
    assert_true(e.all && e.operation == MMS_FLAG_ABS && !e.given);
    assert_int_equal(mms_flag_expression_read("imag_ll", &e, NULL), MMS_OK);
    assert_true(!e.all && e.operation == MMS_FLAG_IMAG && e.given);
    assert_int_equal(mms_flag_expression_read("NORM RR,LL", &e, NULL), MMS_OK);
    assert_int_equal(e.operation, MMS_FLAG_NORM);
    assert_int_equal(mms_flag_expression_read("ABS_QQ", &e, NULL), MMS_ERR_ARG);
}

static int32_t products_of(const char *text, int32_t n, const char *const *names,
                           mms_flag_product *products)
{
    mms_flag_expression e;

    assert_int_equal(mms_flag_expression_read(text, &e, NULL), MMS_OK);
    return mms_flag_expression_products(&e, n, names, products);
}

static void products_are_stored_or_made_of_two(void **state)
{
    const mms_complex vis[4] = {4, complex_of(0, 2), complex_of(2, 0), 8};
    mms_flag_product p[16];

    (void)state;
    assert_int_equal(products_of("ABS_ALL", 4, linear, p), 4);
    assert_int_equal(products_of("IMAG_LL", 4, circular, p), 1); // the I of IMAG is no product
    assert_int_equal(p[0].first, 3);
    assert_int_equal(products_of("ABS_I", 4, linear, p), 1);
    assert_true(mms_flag_product_value(&p[0], vis) == 6);
    assert_int_equal(products_of("ABS_Q", 4, linear, p), 1);
    assert_true(mms_flag_product_value(&p[0], vis) == -2);
    assert_int_equal(products_of("ABS_U", 4, linear, p), 1); // CASA's sign: (XY - YX) / 2
    assert_true(mms_flag_product_value(&p[0], vis) == complex_of(-1, 1));
    assert_int_equal(products_of("ABS_V", 4, linear, p), 1); // and that over i
    assert_true(mms_flag_product_value(&p[0], vis) == complex_of(1, 1));
    assert_int_equal(products_of("ABS_RR", 4, linear, p), 0);
}

static void total_power_is_on_demand(void **state)
{
    const char *const power[] = {"I"};
    mms_flag_product p[16];

    (void)state;
    assert_int_equal(products_of("ABS_ALL", 1, power, p), 0);
    assert_int_equal(products_of("ABS_I", 1, power, p), 0);
    assert_int_equal(products_of("ABS_WVR", 1, power, p), 1);
    assert_int_equal(products_of("ABS_WVR", 4, linear, p), 0);
}

static void operators_take_floats(void **state)
{
    (void)state;
    assert_float_equal(mms_flag_number(MMS_FLAG_ABS, complex_of(3, 4)), 5, 0);
    assert_float_equal(mms_flag_number(MMS_FLAG_NORM, complex_of(3, 4)), 25, 0);
    assert_float_equal(mms_flag_number(MMS_FLAG_REAL, complex_of(3, 4)), 3, 0);
    assert_float_equal(mms_flag_number(MMS_FLAG_IMAG, complex_of(3, 4)), 4, 0);
    assert_float_equal(mms_flag_number(MMS_FLAG_ARG, complex_of(0, 4)), (float)M_PI_2, 0);
}

/* ---- clip and quack ---------------------------------------------------------------------------*/

static void limits_belong_to_the_good_side(void **state)
{
    const mms_flag_clip outside = {true, true, false, 1, 2}, inside = {true, false, false, 1, 2};
    const mms_flag_clip reversed = {true, true, false, 2, 1}, zeros = {false, true, true, 0, 0};
    const mms_flag_clip none = {false, true, false, 0, 0};

    (void)state;
    assert_false(mms_flag_clips(&outside, 1) || mms_flag_clips(&outside, 2));
    assert_true(mms_flag_clips(&outside, 0.5F) && mms_flag_clips(&outside, 2.5F));
    assert_true(mms_flag_clips(&inside, 1) && mms_flag_clips(&inside, 2));
    assert_false(mms_flag_clips(&inside, 0.5F) || mms_flag_clips(&inside, 2.5F));
    assert_true(mms_flag_clips(&reversed, 1) && mms_flag_clips(&reversed, 1.5F));
    assert_true(mms_flag_clips(&none, NAN) && mms_flag_clips(&inside, -INFINITY));
    assert_true(mms_flag_clips(&zeros, 0) && mms_flag_clips(&zeros, -3));
    assert_true(mms_flag_clips(&zeros, 1.1920929e-7F));
    assert_false(mms_flag_clips(&zeros, 1.2e-7F) || mms_flag_clips(&none, 0));
}

/** Random numbers round 1.5, some of which are none. */
static mms_complex any_value(unsigned *state)
{
    static const float odd[] = {NAN, INFINITY, -INFINITY, 0, 1e30F, 1e-30F, 1, 2};
    float parts[2];
    mms_complex v;

    for (int i = 0; i < 2; i++) {
        *state = *state * 1103515245U + 12345U;
        const unsigned k = *state >> 16 & 63;
        parts[i] = k < 8 ? odd[k] : (float)(*state >> 8) * (2.5F / (float)(1U << 24));
    }
    memcpy(&v, parts, sizeof v);
    return v;
}

static void cells_are_clipped_as_values_are(void **state)
{
    enum { N = 1000 };
    const mms_flag_clip clips[] = {{true, true, false, 1, 2},  {true, false, false, 1, 2},
                                   {true, true, true, 2, 1},   {false, true, true, 0, 0},
                                   {false, true, false, 0, 0}, {true, false, true, -1, 1.5},
                                   {true, true, false, NAN, 2}};
    mms_complex vis[N];
    uint8_t flags[N];
    unsigned seed = 7;

    (void)state;
    for (int i = 0; i < N; i++)
        vis[i] = any_value(&seed);
    for (size_t k = 0; k < sizeof clips / sizeof *clips; k++) {
        const mms_flag_squares keep = mms_flag_clip_squares(&clips[k]);
        memset(flags, 0, sizeof flags);
        mms_flag_clip_cells(&keep, N, vis, flags);
        for (int i = 0; i < N; i++)
            assert_int_equal(flags[i],
                             mms_flag_clips(&clips[k], mms_flag_number(MMS_FLAG_ABS, vis[i])));
    }
}

/** One value of many is next to a limit, which floats alone can't tell. */
static void a_value_next_to_a_limit_is_clipped_as_it_is_alone(void **state)
{
    enum { N = 64, STEPS = 24 };
    static const float limits[] = {1e-38F, 1e-20F, 1e-15F, 1e-3F, 1, 1000, 1e18F, 1e19F, 3e38F};
    mms_complex vis[N];
    uint8_t flags[N];

    (void)state;
    for (size_t l = 0; l < sizeof limits / sizeof *limits; l++)
        for (int kind = 0; kind < 4; kind++) {
            const float limit = limits[l], half = limit / 2;
            const mms_flag_clip clip = {true, kind < 2, false, kind % 2 ? half : limit,
                                        kind % 2 ? limit : 3e38F};
            const mms_flag_squares keep = mms_flag_clip_squares(&clip);
            float value = limit;
            for (int i = 0; i < STEPS / 2; i++)
                value = nextafterf(value, 0);
            for (int step = 0; step < STEPS; step++, value = nextafterf(value, INFINITY)) {
                for (int i = 0; i < N; i++)
                    vis[i] = 0.75F * limit;
                vis[17] = value;
                memset(flags, 0, sizeof flags);
                mms_flag_clip_cells(&keep, N, vis, flags);
                for (int i = 0; i < N; i++)
                    assert_int_equal(flags[i],
                                     mms_flag_clips(&clip, mms_flag_number(MMS_FLAG_ABS, vis[i])));
            }
        }
}

static void edges_of_quack_are_inclusive_as_written(void **state)
{
    (void)state; // a scan from 100 to 200
    assert_true(mms_flag_quacks(MMS_FLAG_BEG, 110, 100, 200, 10));
    assert_false(mms_flag_quacks(MMS_FLAG_BEG, 110.5, 100, 200, 10));
    assert_true(mms_flag_quacks(MMS_FLAG_ENDB, 190, 100, 200, 10));
    assert_false(mms_flag_quacks(MMS_FLAG_ENDB, 189.5, 100, 200, 10));
    assert_false(mms_flag_quacks(MMS_FLAG_TAIL, 110, 100, 200, 10));
    assert_true(mms_flag_quacks(MMS_FLAG_TAIL, 110.5, 100, 200, 10));
    assert_false(mms_flag_quacks(MMS_FLAG_END, 190, 100, 200, 10));
    assert_true(mms_flag_quacks(MMS_FLAG_END, 189.5, 100, 200, 10));
}

/* ---- extend -----------------------------------------------------------------------------------*/

static void neighbours_come_from_the_flags_before(void **state)
{
    const mms_flag_extend time = {.neartime = true}, freq = {.nearfreq = true};
    uint8_t a[15] = {0}, b[15] = {0};

    (void)state;
    a[2] = b[7] = 1; // [3 times][5 channels]
    assert_int_equal(mms_flag_extend_map(&time, 3, 5, 1, a, NULL), MMS_OK);
    assert_flags(a, "001000010000000");
    assert_int_equal(mms_flag_extend_map(&freq, 3, 5, 1, b, NULL), MMS_OK);
    assert_flags(b, "000000111000000");
}

static void more_than_four_around_flag_the_middle(void **state)
{
    const mms_flag_extend around = {.around = true};
    uint8_t five[9] = {1, 1, 1, 1, 0, 1, 0, 0, 0}, four[9] = {1, 1, 1, 1, 0, 0, 0, 0, 0};

    (void)state;
    assert_int_equal(mms_flag_extend_map(&around, 3, 3, 1, five, NULL), MMS_OK);
    assert_flags(five, "111111000");
    assert_int_equal(mms_flag_extend_map(&around, 3, 3, 1, four, NULL), MMS_OK);
    assert_flags(four, "111100000");
}

/* Half of a spectrum is enough, a third is not; times are counted before spectra are filled. */
static void growth_counts_before_it_fills(void **state)
{
    const mms_flag_extend grow = {.growtime = 50, .growfreq = 50}, none = {0};
    uint8_t f[12] = {1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, same[4] = {1, 1, 1, 0};

    (void)state;
    assert_int_equal(mms_flag_extend_map(&grow, 3, 4, 1, f, NULL), MMS_OK);
    assert_flags(f, "111100000001");
    assert_int_equal(mms_flag_extend_map(&none, 1, 4, 1, same, NULL), MMS_OK);
    assert_flags(same, "1110");
}

static void products_join(void **state)
{
    const mms_flag_extend pols = {.pols = true};
    uint8_t f[6] = {0, 0, 0, 1, 0, 0}; // [1][3 channels][2 correlations]

    (void)state;
    assert_int_equal(mms_flag_extend_map(&pols, 1, 3, 2, f, NULL), MMS_OK);
    assert_flags(f, "001100");
}

/* ---- averages ---------------------------------------------------------------------------------*/

static void sums_begin_anew_at_the_first_good_sample(void **state)
{
    const mms_complex values[2] = {8, 2};
    const float weights[2] = {1, 3};
    const uint8_t bad[2] = {1, 1}, good[2] = {0, 1};
    mms_complex sums[2] = {0};
    float sum_weights[2] = {0};
    uint8_t flags[2] = {1, 1};

    (void)state;
    mms_flag_average_add(2, values, weights, bad, sums, sum_weights, flags);
    mms_flag_average_add(2, values, weights, good, sums, sum_weights, flags);
    mms_flag_average_add(2, values, weights, bad, sums, sum_weights, flags);
    mms_flag_average_end(2, sums, sum_weights);
    assert_flags(flags, "01");
    assert_true(sums[0] == 8 && sum_weights[0] == 1); // the good one alone
    assert_true(sums[1] == 2 && sum_weights[1] == 9); // all flagged: the mean of all
}

static void the_last_bin_may_be_short(void **state)
{
    const int32_t channels[3] = {0, 2, 3};
    const mms_complex values[4] = {2, 100, 4, 16};
    const float weights[4] = {1, 1, 1, 0};
    const uint8_t flags[4] = {0};
    mms_complex out[2];
    uint8_t out_flags[2];

    (void)state;
    mms_flag_average_channels(3, channels, 1, 2, values, weights, flags, out, out_flags);
    assert_true(out[0] == 3);
    assert_flags(out_flags, "01"); // the last has no weight
    mms_flag_average_channels(2, channels, 1, 8, values, weights, flags, out, out_flags);
    assert_true(out[0] == 3);
}

/* ---- tfcrop -----------------------------------------------------------------------------------*/

enum { TIMES = 10, CHANS = 16 };
static const mms_flag_tfcrop defaults = {.timecutoff = 4,
                                         .freqcutoff = 3,
                                         .freqpoly = true,
                                         .maxnpieces = 7,
                                         .time = true,
                                         .freq = true,
                                         .halfwin = 1};

static void fill_map(float *values)
{
    for (int i = 0; i < TIMES * CHANS; i++)
        values[i] = 1 + 0.01F * (float)(i * 7 % 5);
}

static void a_spike_is_cropped_alone(void **state)
{
    float values[TIMES * CHANS];
    uint8_t flags[TIMES * CHANS] = {0};
    mms_flag_tfcrop lines = defaults;

    (void)state;
    lines.freqpoly = false;
    fill_map(values);
    values[5 * CHANS + 6] = 30;
    crop_maps(&lines, 1, TIMES, CHANS, 0, values, flags);
    assert_true(flags[5 * CHANS + 6]);
    int n = 0;
    for (int i = 0; i < TIMES * CHANS; i++)
        n += flags[i];
    assert_true(n < 4);
}

static void flagged_maps_and_single_points_are_left(void **state)
{
    float values[TIMES * CHANS];
    uint8_t flags[TIMES * CHANS];

    (void)state;
    fill_map(values);
    memset(flags, 1, sizeof flags);
    crop_maps(&defaults, 1, TIMES, CHANS, 0, values, flags);
    for (int i = 0; i < TIMES * CHANS; i++)
        assert_int_equal(flags[i], 1);
    memset(flags, 0, sizeof flags);
    crop_maps(&defaults, 1, 1, 1, 0, values, flags);
    assert_int_equal(flags[0], 0);
    crop_maps(&defaults, 1, 1, CHANS, 0, values, flags);
    memset(flags, 0, sizeof flags);
    crop_maps(&defaults, 1, TIMES, 1, 0, values, flags);
}

/** Times and channels exchanged, with what is asked of each: the same flags, exchanged. */
static void a_map_that_is_turned_is_cropped_likewise(void **state)
{
    enum { LONG = 37, SHORT = 13, SIZE = LONG * SHORT };
    float values[SIZE], turned[SIZE];
    uint8_t flags[SIZE], turned_flags[SIZE];
    const mms_flag_tfcrop how = {3, 2, false, true, 4, true, true, true, true, true, 2};
    const mms_flag_tfcrop other = {2, 3, true, false, 4, true, true, false, true, true, 2};
    uint32_t random = 7;
    int found = 0;

    (void)state;
    for (int i = 0; i < SIZE; i++) {
        random = random * 1664525 + 1013904223;
        values[i] = 1 + (float)(random >> 8) / (1 << 24) + (random % 61 == 0 ? 9.0F : 0.0F);
        flags[i] = (random >> 12) % 10 == 0;
        turned[i % SHORT * LONG + i / SHORT] = values[i];
        turned_flags[i % SHORT * LONG + i / SHORT] = flags[i];
        found -= flags[i];
    }
    crop_maps(&how, 1, LONG, SHORT, 0, values, flags);
    crop_maps(&other, 1, SHORT, LONG, 0, turned, turned_flags);
    for (int i = 0; i < SIZE; i++) {
        assert_int_equal(flags[i], turned_flags[i % SHORT * LONG + i / SHORT]);
        found += flags[i];
    }
    assert_true(found > 0);
}

static void maps_are_cropped_beside_each_other_as_alone(void **state)
{
    enum { MAPS = 6, ROOM = TIMES * CHANS + 5 };
    const mms_flag_tfcrop windows = {3, 2, true, true, 7, true, true, true, true, true, 1};
    float values[MAPS * ROOM];
    uint8_t before[MAPS * ROOM] = {0}, together[MAPS * ROOM], alone[MAPS * ROOM];
    uint32_t random = 11;

    (void)state;
    for (int i = 0; i < MAPS * ROOM; i++) {
        random = random * 1664525 + 1013904223;
        values[i] = 1 + (float)(random >> 8) / (1 << 24) + (random % 37 == 0 ? 9.0F : 0.0F);
        before[i] = i / ROOM == 2 || (i / ROOM > 3 && (random >> 12) % 7 == 0);
    }
    for (int k = 0; k < 2; k++) {
        const mms_flag_tfcrop *how = k ? &windows : &defaults;
        int found = 0;
        memcpy(together, before, sizeof before);
        memcpy(alone, before, sizeof before);
        crop_maps(how, MAPS, TIMES, CHANS, ROOM, values, together);
        for (int m = 0; m < MAPS; m++)
            crop_maps(how, 1, TIMES, CHANS, 0, values + m * ROOM, alone + m * ROOM);
        assert_memory_equal(together, alone, sizeof alone);
        for (int i = 0; i < MAPS * ROOM; i++)
            found += together[i] != before[i];
        assert_true(found > 0);
    }
}

/* ---- rflag ------------------------------------------------------------------------------------*/

static const mms_flag_rflag three = {3, 1e6, 0};

static void thresholds_are_median_and_deviation(void **state)
{
    const double sums[5] = {2, 4, 0, 8, 20};
    const int64_t counts[5] = {2, 2, 0, 2, 2};
    double t = 0;

    (void)state; // 1, 2, 0, 4, 10: median 2, deviations 1, 0, 2, 2, 8
    assert_int_equal(mms_flag_rflag_threshold(5, sums, counts, &t, NULL), MMS_OK);
    assert_true(t == 2 + 1.4826 * 2);
}

static mms_status add_sums(int64_t ntime, int64_t nchan, const mms_complex *values,
                           const uint8_t *flags, mms_flag_sums *sums)
{
    mms_flag_middle middles[8];
    double scatter[8];

    assert_int_equal(mms_flag_rflag_middles(ntime, nchan, values, flags, middles, NULL), MMS_OK);
    assert_int_equal(
        mms_flag_rflag_scatter(&three, ntime, nchan, values, flags, middles, scatter, NULL),
        MMS_OK);
    mms_flag_rflag_add(ntime, nchan, values, flags, scatter, middles, sums);
    return MMS_OK;
}

static mms_status flag_map(const mms_flag_rflag *how, double time, double freq, int64_t ntime,
                           int64_t nchan, const mms_complex *values, const uint8_t *before,
                           uint8_t *flags)
{
    mms_flag_middle middles[8];

    assert_int_equal(mms_flag_rflag_middles(ntime, nchan, values, before, middles, NULL), MMS_OK);
    return mms_flag_rflag_map(how, time, freq, NULL, ntime, nchan, values, before, middles, flags,
                              NULL);
}

static void sums_leave_flagged_cells_out(void **state)
{
    const mms_complex values[3] = {1, 3, 100};
    uint8_t flags[3] = {0, 0, 1};
    double time[1] = {0}, freq[1] = {0};
    int64_t ntime[1] = {0}, nfreq[1] = {0};
    mms_flag_sums sums = {time, freq, ntime, nfreq};

    (void)state; // three times of one channel: the deviation of 1 and 3 is 1
    assert_int_equal(add_sums(3, 1, values, flags, &sums), MMS_OK);
    assert_true(time[0] == 1 && ntime[0] == 1);
    assert_true(freq[0] == 0 && nfreq[0] == 4); // one channel is its own median
    memset(flags, 1, sizeof flags);
    assert_int_equal(add_sums(3, 1, values, flags, &sums), MMS_OK);
    assert_true(ntime[0] == 1 && nfreq[0] == 4);
}

static void middles_do_not_depend_on_what_is_beside(void **state)
{
    enum { TIMES_HERE = 23, MOST = 37 };
    mms_complex values[TIMES_HERE * MOST];
    uint8_t flags[TIMES_HERE * MOST] = {0};
    mms_flag_middle all[TIMES_HERE], one;
    unsigned seed = 3;

    (void)state;
    for (int64_t nchan = 1; nchan <= MOST; nchan++) {
        for (int64_t i = 0; i < TIMES_HERE * nchan; i++) {
            const int64_t t = i / nchan;
            values[i] = t < 15 ? complex_of((float)(i * 7919 % 101), (float)(i * 104729 % 97))
                               : any_value(&seed);
            flags[i] = t == 5 || (t > 5 && i * 31 % 11 < t % 4);
        }
        assert_int_equal(mms_flag_rflag_middles(TIMES_HERE, nchan, values, flags, all, NULL),
                         MMS_OK);
        for (int64_t t = 0; t < TIMES_HERE; t++) { // alone it is not sorted beside others
            assert_int_equal(
                mms_flag_rflag_middles(1, nchan, values + t * nchan, flags + t * nchan, &one, NULL),
                MMS_OK);
            if (!isnan(one.re + one.im + one.spread_re + one.spread_im))
                assert_memory_equal(&one, &all[t], sizeof one);
        }
    }
}

static void windows_scatter_as_each_of_their_channels(void **state)
{
    enum { N = 7, CHANS_HERE = 66 };
    mms_complex values[N * CHANS_HERE], column[N];
    uint8_t flags[N * CHANS_HERE] = {0}, found[N * CHANS_HERE] = {0};
    mms_flag_middle middles[N];
    int64_t nfound = 0;

    (void)state; // wide, they take short ways that one channel with flags does not
    for (int64_t i = 0; i < N * CHANS_HERE; i++)
        values[i] = complex_of((float)(i * 7919 % 101) * 0.1F, (float)(i * 104729 % 97) * 0.1F);
    for (int64_t t = 0; t < N; t++)
        middles[t] = (mms_flag_middle){0, 0, 0, 0, INFINITY, INFINITY};
    assert_int_equal(mms_flag_rflag_map(&three, 4.5, 1e9, NULL, N, CHANS_HERE, values, flags,
                                        middles, found, NULL),
                     MMS_OK);
    for (int64_t c = 0; c < CHANS_HERE; c++) {
        uint8_t want[N] = {0};
        for (int64_t t = 1; t < N - 1; t++) {
            double re = 0, im = 0, re2 = 0, im2 = 0;
            for (int64_t k = t - 1; k <= t + 1; k++) {
                column[k] = values[k * CHANS_HERE + c];
                re += (double)crealf(column[k]);
                im += (double)cimagf(column[k]);
                re2 += (double)(crealf(column[k]) * crealf(column[k]));
                im2 += (double)(cimagf(column[k]) * cimagf(column[k]));
            }
            const double a = re2 / 3 - re / 3 * (re / 3), b = im2 / 3 - im / 3 * (im / 3);
            if (sqrt(fmax(0, a) + fmax(0, b)) > 4.5)
                want[t - 1] = want[t] = want[t + 1] = 1;
        }
        for (int64_t t = 0; t < N; t++)
            assert_int_equal(found[t * CHANS_HERE + c], want[t]);
        nfound += want[3];
    }
    assert_true(nfound > 0 && nfound < CHANS_HERE);
}

/** sqrt(mean square less square of the mean, of both parts) of three times, as it is written. */
static double scatter_as_written(const mms_complex *values, const uint8_t *flags, int64_t step)
{
    double re = 0, im = 0, re2 = 0, im2 = 0, n = 0;

    for (int k = 0; k < 3; k++) {
        const float x = crealf(values[k * step]), y = cimagf(values[k * step]);
        if (flags[k * step])
            continue;
        re += (double)x;
        im += (double)y;
        re2 += (double)(x * x);
        im2 += (double)(y * y);
        n++;
    }
    const double a = re2 / n - re / n * (re / n), b = im2 / n - im / n * (im / n);
    return n > 0 ? sqrt((a > 0 ? a : 0) + (b > 0 ? b : 0)) : -1;
}

static void scatter_has_the_bits_of_divisions(void **state)
{
    enum { CHANS_HERE = 997 };
    static mms_complex values[3 * CHANS_HERE];
    static uint8_t flags[3 * CHANS_HERE];
    static double scatter[3 * CHANS_HERE];
    mms_flag_middle middles[3];
    unsigned seed = 5;

    (void)state;
    for (int turn = 0; turn < 300; turn++) {
        double most = -1;
        for (int i = 0; i < 3 * CHANS_HERE; i++) {
            seed = seed * 1664525 + 1013904223;
            flags[i] = turn % 3 == 1 && (seed >> 13) % 3 == 0;
            values[i] = turn % 3 == 2 ? any_value(&seed)
                                      : complex_of((float)(seed >> 8), (float)(seed % 999983));
        }
        assert_int_equal(
            mms_flag_rflag_scatter(&three, 3, CHANS_HERE, values, flags, middles, scatter, NULL),
            MMS_OK);
        for (int c = 0; c < CHANS_HERE; c++) {
            const double want = scatter_as_written(values + c, flags + c, CHANS_HERE);
            assert_true(scatter[CHANS_HERE + c] == want);
            assert_true(scatter[c] < 0 && scatter[2 * CHANS_HERE + c] < 0); // no window
            most = want > most ? want : most;
        }
        assert_true(middles[1].most_scatter == most);
    }
}

static void a_time_beyond_flags_its_window(void **state)
{
    mms_complex values[7] = {1, 1, 1, 9, 1, 1, 1};
    const uint8_t before[7] = {0};
    uint8_t flags[7] = {0};

    (void)state;
    assert_int_equal(flag_map(&three, 2, 1e9, 7, 1, values, before, flags), MMS_OK);
    assert_flags(flags, "0111110");
}

static void a_channel_beyond_is_flagged_alone(void **state)
{
    const mms_complex values[5] = {1, 1, complex_of(1, 7), 1, 1};
    const uint8_t before[5] = {0};
    uint8_t flags[5] = {0};
    const mms_flag_rflag spectral = {3, 1e6, 0.5};

    (void)state;
    assert_int_equal(flag_map(&three, 1e9, 2, 1, 5, values, before, flags), MMS_OK);
    assert_flags(flags, "00100");
    assert_int_equal(flag_map(&spectral, 1e9, 1e9, 1, 5, values, before, flags), MMS_OK);
    assert_flags(flags, "11111"); // it varies less than spectralmin
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(expressions_are_read_in_any_case),
        cmocka_unit_test(products_are_stored_or_made_of_two),
        cmocka_unit_test(total_power_is_on_demand),
        cmocka_unit_test(operators_take_floats),
        cmocka_unit_test(limits_belong_to_the_good_side),
        cmocka_unit_test(cells_are_clipped_as_values_are),
        cmocka_unit_test(a_value_next_to_a_limit_is_clipped_as_it_is_alone),
        cmocka_unit_test(edges_of_quack_are_inclusive_as_written),
        cmocka_unit_test(neighbours_come_from_the_flags_before),
        cmocka_unit_test(more_than_four_around_flag_the_middle),
        cmocka_unit_test(growth_counts_before_it_fills),
        cmocka_unit_test(products_join),
        cmocka_unit_test(sums_begin_anew_at_the_first_good_sample),
        cmocka_unit_test(the_last_bin_may_be_short),
        cmocka_unit_test(a_spike_is_cropped_alone),
        cmocka_unit_test(flagged_maps_and_single_points_are_left),
        cmocka_unit_test(a_map_that_is_turned_is_cropped_likewise),
        cmocka_unit_test(maps_are_cropped_beside_each_other_as_alone),
        cmocka_unit_test(thresholds_are_median_and_deviation),
        cmocka_unit_test(sums_leave_flagged_cells_out),
        cmocka_unit_test(middles_do_not_depend_on_what_is_beside),
        cmocka_unit_test(windows_scatter_as_each_of_their_channels),
        cmocka_unit_test(scatter_has_the_bits_of_divisions),
        cmocka_unit_test(a_time_beyond_flags_its_window),
        cmocka_unit_test(a_channel_beyond_is_flagged_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
