/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file test_calibrate.c  lib/calibrate: solutions at other times and channels, flux densities. */
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
#include "calibrate/calibrate.h"

static void is_near(mms_complex found, double re, double im)
{
    if (hypot(crealf(found) - re, cimagf(found) - im) > 2e-6 * (hypot(re, im) + 1))
        fail_msg("%g %+gi instead of %g %+gi", crealf(found), cimagf(found), re, im);
}

static void times_are_found(void **state)
{
    const mms_complex v[] = {1, 2, 3};
    const uint8_t f[] = {0, 1, 0};
    const mms_cal_solution s[] = {{100, &v[0], &f[0]}, {110, &v[1], &f[1]}, {130, &v[2], &f[2]}};
    static const struct {
        double time_s;
        int64_t before, after, nearest;
        float share;
    } list[] = {{90, 0, 0, 0, 0},     {100, 0, 0, 0, 0}, {105, 0, 1, 0, 0.5F},
                {106, 0, 1, 1, 0.6F}, {110, 1, 1, 1, 0}, {125, 1, 2, 2, 0.75F},
                {130, 2, 2, 2, 0},    {999, 2, 2, 2, 0}};

    (void)state;
    for (int64_t i = 0; i < MMS_COUNT_OF(list); i++) {
        const mms_cal_place p = mms_cal_find_time(3, s, list[i].time_s, false);
        if (list[i].share > 0) { // an exact time is that solution, however it is said
            assert_int_equal(p.before, list[i].before);
            assert_int_equal(p.after, list[i].after);
        }
        assert_true(fabsf(p.share - list[i].share) < 1e-6F);
        assert_int_equal(mms_cal_find_time(3, s, list[i].time_s, true).before, list[i].nearest);
    }
}

/* As CASA 6.7.0: at that time the first counts, after it the last, before it the first. */
static void several_solutions_at_one_time(void **state)
{
    const mms_cal_solution s[] = {{.time_s = 100}, {.time_s = 110}, {.time_s = 110},
                                  {.time_s = 110}, {.time_s = 130}, {.time_s = 130}};
    const struct {
        double time_s;
        int64_t before, after, nearest;
        float share;
    } list[] = {{105, 0, 1, 0, 0.5F},  {106, 0, 1, 1, 0.6F},  {110, 1, 1, 1, 0},
                {115, 3, 4, 3, 0.25F}, {125, 3, 4, 4, 0.75F}, {130, 4, 4, 4, 0},
                {131, 5, 5, 5, 0}};

    (void)state;
    for (int64_t i = 0; i < MMS_COUNT_OF(list); i++) {
        const mms_cal_place p = mms_cal_find_time(6, s, list[i].time_s, false);
        assert_int_equal(p.before, list[i].before);
        assert_int_equal(p.after, list[i].after);
        assert_true(fabsf(p.share - list[i].share) < 1e-6F);
        assert_int_equal(mms_cal_find_time(6, s, list[i].time_s, true).before, list[i].nearest);
    }
}

static void phases_take_the_shorter_turn(void **state)
{
    const mms_complex v[] = {2 * cexpf(3 * _Complex_I), 4 * cexpf(-3 * _Complex_I), 1, 3};
    const uint8_t f[] = {0, 1};
    const mms_cal_solution gains[] = {{0, &v[0], &f[0]}, {1, &v[1], &f[1]}};
    const mms_cal_solution delays[] = {{0, &v[2], &f[0]}, {1, &v[3], &f[0]}};
    const mms_cal_place half = {0, 1, 0.5F};
    mms_complex out;
    uint8_t flag;

    (void)state;
    mms_cal_at(gains, &half, 1, false, 1, &out, &flag);
    is_near(out, -3, 0);
    assert_true(flag);
    mms_cal_at(delays, &half, 1, true, 1, &out, &flag);
    is_near(out, 2, 0);
    assert_false(flag);
}

static void spectra_go_to_other_channels(void **state)
{
    const double in[] = {1, 2, 3, 4}, falling[] = {4, 3, 2, 1}, out[] = {0, 1.5, 2.4, 3.6, 9};
    const mms_complex v[] = {1, 2, 3, 4}, turned[] = {4, 3, 2, 1};
    const uint8_t good[4] = {0}, third[] = {0, 0, 1, 0}, bad[] = {1, 1, 1, 1};
    static const double linear[] = {1, 1.5, 2.4, 3.6, 4};
    static const double nearest[2][5] = {{1, 1, 2, 4, 4}, {1, 2, 2, 4, 4}}; // rises, falls
    mms_complex found[5];
    uint8_t flags[5];

    (void)state;
    for (int falls = 0; falls < 2; falls++)
        for (int how = 0; how < 2; how++) {
            assert_int_equal(mms_cal_to_channels(4, falls ? falling : in, falls ? turned : v, good,
                                                 1, 5, out, (mms_cal_freq)how, found, flags, NULL),
                             MMS_OK);
            for (int i = 0; i < 5; i++) {
                is_near(found[i], how ? nearest[falls][i] : linear[i], 0);
                assert_false(flags[i]);
            }
        }
    assert_int_equal(
        mms_cal_to_channels(4, in, v, third, 1, 5, out, MMS_CAL_LINEAR_FLAG, found, flags, NULL),
        MMS_OK);
    is_near(found[2], 2.4, 0); // between its neighbours, which are good
    assert_memory_equal(flags, ((const uint8_t[]){0, 0, 1, 1, 1}), 5);
    assert_int_equal(
        mms_cal_to_channels(4, in, v, third, 1, 5, out, MMS_CAL_NEAREST_FLAG, found, flags, NULL),
        MMS_OK);
    assert_memory_equal(flags, ((const uint8_t[]){0, 0, 0, 0, 0}), 5);
    assert_int_equal(
        mms_cal_to_channels(4, in, v, bad, 1, 5, out, MMS_CAL_LINEAR, found, flags, NULL), MMS_OK);
    assert_memory_equal(flags, ((const uint8_t[]){1, 1, 1, 1, 1}), 5);
    is_near(found[0], 1, 0);
}

/* As CASA 6.7.0: of two channels as near that before in the order of the table. */
static void channels_as_near_are_taken_in_order(void **state)
{
    const double in[] = {1, 2, 3}, falling[] = {3, 2, 1}, out[] = {2};
    const mms_complex v[] = {1, 2, 3}, turned[] = {3, 2, 1};
    const uint8_t flags[] = {0, 1, 0};
    mms_complex found;
    uint8_t flag;

    (void)state;
    for (int falls = 0; falls < 2; falls++) {
        assert_int_equal(mms_cal_to_channels(3, falls ? falling : in, falls ? turned : v, flags, 1,
                                             1, out, MMS_CAL_NEAREST, &found, &flag, NULL),
                         MMS_OK);
        is_near(found, falls ? 3 : 1, 0);
    }
}

/* A phase of half a turn counts as one and a half: CASA 6.7.0. */
static void phases_grow_with_the_frequency(void **state)
{
    const mms_complex v[] = {2 * cexpf(1 * _Complex_I), 4 * cexpf(2 * _Complex_I), -1};
    const uint8_t f[] = {0};
    const mms_cal_solution gains[] = {{0, &v[0], f}, {1, &v[1], f}, {2, &v[2], f}};
    const mms_cal_place first = {0, 0, 0}, half = {0, 1, 0.5F}, turned = {2, 2, 0};
    mms_complex out;
    uint8_t flag;

    (void)state;
    mms_cal_at(gains, &first, 1, false, 1.5, &out, &flag);
    is_near(out, 2 * cos(1.5), 2 * sin(1.5));
    mms_cal_at(gains, &half, 1, false, 0.5, &out, &flag);
    is_near(out, 3 * cos(0.75), 3 * sin(0.75));
    mms_cal_at(gains, &turned, 1, false, 1.5, &out, &flag);
    is_near(out, cos(4.5 * M_PI), sin(4.5 * M_PI));
}

static void spectra_bend(void **state)
{
    const double in[] = {1, 2, 3, 4, 5}, falling[] = {5, 4, 3, 2, 1}, out[] = {0, 1.5, 2.5, 4.5, 7};
    const mms_complex v[] = {1, 8, 27, 64, 125}, turned[] = {125, 64, 27, 8, 1};
    const uint8_t good[5] = {0}, last[] = {0, 0, 0, 0, 1};
    static const double cubic[] = {1, 3.375, 15.625, 91.125, 125};
    mms_complex found[5];
    uint8_t flags[5];

    (void)state;
    for (int falls = 0; falls < 2; falls++) {
        assert_int_equal(mms_cal_to_channels(5, falls ? falling : in, falls ? turned : v, good, 1,
                                             5, out, MMS_CAL_CUBIC, found, flags, NULL),
                         MMS_OK);
        for (int i = 0; i < 5; i++)
            is_near(found[i], cubic[i], 0);
    }
    assert_int_equal(
        mms_cal_to_channels(5, in, v, last, 1, 5, out, MMS_CAL_SPLINE_FLAG, found, flags, NULL),
        MMS_OK);
    is_near(found[4], 64, 0); // the last good channel
    assert_memory_equal(flags, ((const uint8_t[]){0, 0, 0, 1, 1}), 5);
    assert_int_equal(
        mms_cal_to_channels(3, in, v, good, 1, 5, out, MMS_CAL_CUBIC, found, flags, NULL), MMS_OK);
    is_near(found[1], 4.5, 0); // three are not enough: linear
}

static void angles_turn_linear_feeds(void **state)
{
    static const mms_cal_product products[] = {{0, 0}, {0, 1}, {1, 0}, {1, 1}};
    const mms_cal_window w = {1, 4, products, false, true, true};
    mms_complex one[] = {1, 1}, x[] = {1, 0, 0, 0};
    uint8_t none[2] = {0}, flags[] = {0, 0, 1, 0};
    const mms_cal_antenna a = {.gain = one, .flags = none, .angle_rad = M_PI / 2};

    (void)state;
    mms_cal_correct(&w, &a, &a, x); // all of X is Y of the sky
    for (int i = 0; i < 4; i++)
        is_near(x[i], i == 3, 0);
    assert_true(mms_cal_may_flag(&w, &a, &a));
    assert_true(mms_cal_flag(&w, &a, &a, flags));
    assert_memory_equal(flags, ((const uint8_t[]){1, 1, 1, 1}), 4);
}

/** Gains that are the same in all channels give the bits that they give one by one. */
static void flat_gains_give_the_same_bits(void **state)
{
    enum { NCHAN = 7 };
    static const mms_cal_product products[] = {{0, 0}, {0, 1}, {1, 0}, {1, 1}};
    const mms_cal_window w = {NCHAN, 4, products, false, false, false};
    mms_complex first[2 * NCHAN], second[2 * NCHAN], once[4 * NCHAN], each[4 * NCHAN];
    const mms_cal_antenna a = {.gain = first}, b = {.gain = second};
    static const float odd[] = {-0.0f, 0, 0, -0.0f, 1, INFINITY, -INFINITY, 2, 0, 0, -0.0f, -0.0f};
    mms_cal_antenna flat_a = a, flat_b = b;

    (void)state;
    flat_a.flat = flat_b.flat = true;
    for (int i = 0; i < 2 * NCHAN; i++) {
        first[i] = 1.1f + (float)(i % 2) - 0.3f * (mms_complex)_Complex_I;
        second[i] = -0.7f + 0.1f * ((float)(i % 2) - 3) * (mms_complex)_Complex_I;
    }
    for (int i = 0; i < 4 * NCHAN; i++)
        each[i] = once[i] = 1 / (1.0f + (float)i) - 0.37f * (float)i * (mms_complex)_Complex_I;
    memcpy(&each[4], odd, sizeof odd);
    memcpy(&once[4], odd, sizeof odd);
    mms_cal_correct(&w, &a, &b, each);
    mms_cal_correct(&w, &flat_a, &flat_b, once);
    assert_memory_equal(once, each, sizeof each);
}

/** Flags are read where one of two antennas has bad solutions alone. */
static void bad_gains_may_flag(void **state)
{
    static const mms_cal_product products[] = {{0, 0}, {1, 1}};
    const mms_cal_window w = {1, 2, products, false, true, true};
    mms_complex one[] = {1, 1};
    uint8_t none[2] = {0}, bad[2] = {0, 1}, flags[2] = {0};
    const mms_cal_antenna a = {.gain = one, .flags = none};
    const mms_cal_antenna b = {.gain = one, .flags = bad, .any_flag = true};

    (void)state;
    assert_false(mms_cal_may_flag(&w, &a, &a));
    assert_true(mms_cal_may_flag(&w, &a, &b));
    assert_true(mms_cal_may_flag(&w, &b, &a));
    assert_true(mms_cal_flag(&w, &a, &b, flags));
    assert_memory_equal(flags, bad, 2);
}

/** A leakage is in one cross hand of each antenna's baselines, and in no parallel one. */
static void bad_leakages_flag_cross_hands(void **state)
{
    static const mms_cal_product products[] = {{0, 0}, {0, 1}, {1, 0}, {1, 1}};
    const mms_cal_window w = {1, 4, products, true, false, false};
    mms_complex one[] = {1, 1}, zero[] = {0, 0};
    uint8_t none[2] = {0}, bad[2] = {1, 0};
    const mms_cal_antenna a = {
        .gain = one, .leak = zero, .flags = none, .leak_flags = bad, .any_flag = true};
    const mms_cal_antenna b = {.gain = one, .leak = zero, .flags = none, .leak_flags = none};
    uint8_t first[4] = {0}, second[4] = {0};

    (void)state;
    assert_true(mms_cal_flag(&w, &a, &b, first));
    assert_memory_equal(first, ((const uint8_t[]){0, 1, 0, 0}), 4);
    assert_true(mms_cal_flag(&w, &b, &a, second));
    assert_memory_equal(second, ((const uint8_t[]){0, 0, 1, 0}), 4);
}

static void sources_have_many_names(void **state)
{
    static const char *const names[] = {"3C286",          "3c286",    "J1331+3030",
                                        "1331+305=3C286", "3C 286_A", "3C286_bandpass"};
    static const char *const others[] = {"3C2861", "J3C286", "13C286", "nobody", ""};
    const double time_s = 4.9e9;
    mms_flux flux;
    bool found;

    (void)state;
    for (int64_t i = 0; i < MMS_COUNT_OF(names); i++) {
        mms_flux_find("Perley-Butler 2017", names[i], time_s, &found, &flux);
        if (!found)
            fail_msg("%s is not found", names[i]);
    }
    for (int64_t i = 0; i < MMS_COUNT_OF(others); i++) {
        mms_flux_find("Perley-Butler 2017", others[i], time_s, &found, &flux);
        if (found)
            fail_msg("%s is found", others[i]);
    }
    assert_false(mms_flux_has_standard("Baars"));
}

/** 3C48 at 1 GHz: the first term, by epoch. */
static void epochs_are_the_last_before(void **state)
{
    static const struct {
        double year;
        const char *standard;
        double term;
    } list[] = {{1970, "Perley-Butler 2017", 1.3339},
                {2009.46, "Perley-Butler 2017", 1.3361},
                {2011, "Perley-Butler 2017", 1.3332},
                {2020, "Perley-Butler 2017", 1.3253},
                {2020, "Perley-Butler 2013", 1.3324}};

    (void)state;
    for (int64_t i = 0; i < MMS_COUNT_OF(list); i++) {
        const double time_s = (51544.5 + (list[i].year - 2000) * 365.25) * 86400;
        double stokes[4];
        mms_flux flux;
        bool found;
        mms_flux_find(list[i].standard, "3C48", time_s, &found, &flux);
        assert_true(found);
        mms_flux_at(&flux, 1e9, stokes);
        assert_true(fabs(log10(stokes[0]) - list[i].term) < 1e-9);
    }
}

/** What CASA 6.7.0 makes of the epochs of 3C48 and 3C147. */
static void epochs_are_interpolated(void **state)
{
    static const struct {
        const char *how, *standard, *name;
        double time_s, low_jy, high_jy; /**< at 1.4 and 8.4 GHz */
    } list[] = {{"linear", "Perley-Butler 2013", "3C147", 4671192240, 22.654097, 4.708861},
                {"linear", "Perley-Butler 2017", "3C48", 4453444800, 16.480021, 3.099432},
                {"linear", "Perley-Butler 2017", "3C48", 4911030000, 16.350451, 3.179189},
                {"cubic", "Perley-Butler 2013", "3C147", 4671192240, 22.660957, 4.718075},
                {"cubic", "Perley-Butler 2017", "3C48", 4453444800, 16.477346, 3.095072},
                {"spline", "Perley-Butler 2017", "3C48", 4453444800, 16.476866, 3.093443},
                {"spline", "Perley-Butler 2017", "3C147", 4911030000, 22.408627, 4.523660}};

    (void)state;
    for (int64_t i = 0; i < MMS_COUNT_OF(list); i++) {
        mms_flux flux, same;
        double low[4], high[4];
        bool found;
        mms_flux_find(list[i].standard, list[i].name, list[i].time_s, &found, &flux);
        mms_flux_interpolate(list[i].standard, list[i].name, list[i].time_s, list[i].how, &flux);
        mms_value *value = mms_flux_encode(&flux);
        mms_flux_decode(value, &same);
        mms_value_free(&value);
        mms_flux_at(&same, 1.4e9, low);
        mms_flux_at(&same, 8.4e9, high);
        assert_true(fabs(low[0] / list[i].low_jy - 1) < 6e-5);
        assert_true(fabs(high[0] / list[i].high_jy - 1) < 6e-5);
    }
}

/** Q and U stand for the first terms of fraction and angle; the fraction counts with the angle. */
static void polarizations_are_settled(void **state)
{
    mms_flux both = {.stokes_jy = {2.5, 0.1, 0.2, 0.3},
                     .reference_hz = 1.4e9,
                     .npol = 2,
                     .nangle = 1,
                     .polindex = {0.1, 0.03},
                     .polangle_rad = {0.4}};
    mms_flux fraction = {
        .stokes_jy = {2.5, 0, 0, 0}, .reference_hz = 1.4e9, .npol = 2, .polindex = {0.1, 0.03}};
    mms_flux turned = {.stokes_jy = {2, 0.2, 0, 0}, .reference_hz = 1.4e9, .rotmeas = 5};
    const double x = 0.1 / 1.4;
    double stokes[4];

    (void)state;
    mms_flux_settle(&both);
    mms_flux_at(&both, 1.5e9, stokes);
    assert_true(fabs(hypot(stokes[1], stokes[2]) - 2.5 * (hypot(0.1, 0.2) / 2.5 + 0.03 * x)) <
                1e-12);
    assert_true(fabs(stokes[2] / stokes[1] - 2) < 1e-12 && fabs(stokes[3] - 0.3) < 1e-12);
    assert_false(mms_flux_has_index(&both));
    mms_flux_settle(&fraction);
    mms_flux_at(&fraction, 1.5e9, stokes);
    assert_true(fabs(stokes[1]) + fabs(stokes[2]) <= 0);
    mms_flux_settle(&turned);
    mms_flux_at(&turned, 1.5e9, stokes);
    assert_true(fabs(hypot(stokes[1], stokes[2]) - 0.2) < 1e-12 && stokes[2] < -0.01);
    assert_true(mms_flux_has_index(&turned));
}

/** A record of CASA: a list of a point source with a spectrum, for one field, window, scan, state.
 */
static mms_value *record_of(const char *spectrum, const char *shape)
{
    char *text = mms_format(
        "{\"model_0\": {\"version\": 2, \"numcl\": 1, \"cl_0\": {\"indexcombination\": [[0, 0], "
        "[1, 1], "
        "[4, 3], [7, 7]], \"container\": {\"nelements\": 1, \"component0\": {\"flux\": {\"value\": "
        "[2, 0.2, 0, 0.4], \"unit\": \"Jy\", \"polarisation\": \"Stokes\"}, \"shape\": {\"type\": "
        "\"%s\", "
        "\"direction\": {\"refer\": \"J2000\", \"m0\": {\"value\": 180, \"unit\": \"deg\"}, "
        "\"m1\": "
        "{\"value\": 0.5, \"unit\": \"rad\"}}}, \"spectrum\": %s}}}}}",
        shape, spectrum);
    mms_value *value = NULL;

    assert_non_null(text);
    assert_int_equal(mms_value_parse(text, &value, NULL), MMS_OK);
    free(text);
    return value;
}

static void components_have_spectra(void **state)
{
    static const struct {
        const char *spectrum;
        double i[3]; /**< at 0.5, 1.25 and 3 GHz */
    } list[] = {{"{\"type\": \"Constant\"}", {2, 2, 2}},
                {"{\"type\": \"Spectral Index\", \"index\": -1, \"stokesindex\": [-1, 0, 0, 0], "
                 "\"frequency\": "
                 "{\"refer\": \"LSRK\", \"m0\": {\"value\": 1, \"unit\": \"GHz\"}}}",
                 {4, 1.6, 2 / 3.0}},
                {"{\"type\": \"Tabular Spectrum\", \"freqRef\": {\"refer\": \"TOPO\"}, "
                 "\"tabFreqVal\": [1e9, "
                 "2e9, 1.5e9], \"ival\": [3, 6, 5], \"qval\": [1, 1, 1], \"uval\": [0, 0, 0], "
                 "\"vval\": [0, 0, 0]}",
                 {3, 4, 6}}};
    static const double hz[3] = {0.5e9, 1.25e9, 3e9};

    (void)state;
    for (int64_t k = 0; k < MMS_COUNT_OF(list); k++) {
        mms_value *record = record_of(list[k].spectrum, "Point");
        mms_components c;
        assert_int_equal(mms_components_read(record, &c, NULL), MMS_OK);
        assert_null(mms_components_find(&c, 0, 1, 5, 7));
        const mms_component_rows *rows = mms_components_find(&c, 0, 1, 3, 7);
        assert_non_null(rows);
        assert_int_equal(rows->count, 1);
        const mms_component *one = &c.list[rows->first];
        assert_true(fabs(one->lon_rad - acos(-1.0)) < 1e-12 && fabs(one->lat_rad - 0.5) < 1e-12);
        for (int i = 0; i < 3; i++) {
            double jy[4] = {1, 0, 0, 0}; // they are added
            mms_component_add(one, hz[i], jy);
            assert_true(fabs(jy[0] - 1 - list[k].i[i]) < 1e-12);
        }
        mms_components_free(&c);
        mms_value_free(&record);
    }
}

static void other_components_are_refused_by_name(void **state)
{
    static const struct {
        const char *spectrum, *shape, *named;
    } list[] = {
        {"{\"type\": \"Constant\"}", "Gaussian", "shape Gaussian"},
        {"{\"type\": \"Power Logarithmic Polynomial\"}", "Point", "spectrum Power Logarithmic"},
        {"{\"type\": \"Spectral Index\", \"index\": -1, \"stokesindex\": [-1, 0.1, 0, 0]}", "Point",
         "index of its polarization"},
        {"{\"type\": \"Tabular Spectrum\", \"tabFreqVal\": [1e9, 2e9], \"ival\": [1]}", "Point",
         "no column ival"},
        {"{}", "Point", "spectrum"}};

    (void)state;
    for (int64_t k = 0; k < MMS_COUNT_OF(list); k++) {
        mms_value *record = record_of(list[k].spectrum, list[k].shape);
        mms_components c;
        mms_error err = {0};
        assert_int_equal(mms_components_read(record, &c, &err), MMS_ERR_UNSUPPORTED);
        assert_non_null(strstr(err.msg, list[k].named));
        mms_components_free(&c);
        mms_value_free(&record);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(times_are_found),
                                       cmocka_unit_test(several_solutions_at_one_time),
                                       cmocka_unit_test(phases_take_the_shorter_turn),
                                       cmocka_unit_test(spectra_go_to_other_channels),
                                       cmocka_unit_test(spectra_bend),
                                       cmocka_unit_test(channels_as_near_are_taken_in_order),
                                       cmocka_unit_test(phases_grow_with_the_frequency),
                                       cmocka_unit_test(angles_turn_linear_feeds),
                                       cmocka_unit_test(flat_gains_give_the_same_bits),
                                       cmocka_unit_test(bad_gains_may_flag),
                                       cmocka_unit_test(bad_leakages_flag_cross_hands),
                                       cmocka_unit_test(sources_have_many_names),
                                       cmocka_unit_test(epochs_are_the_last_before),
                                       cmocka_unit_test(epochs_are_interpolated),
                                       cmocka_unit_test(polarizations_are_settled),
                                       cmocka_unit_test(components_have_spectra),
                                       cmocka_unit_test(other_components_are_refused_by_name)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
