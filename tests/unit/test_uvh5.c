/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file test_uvh5.c  Values and order of UVH5: lib/uvh5. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "hdf5/hdf5_priv.h"
#include "uvh5/uvh5_priv.h"

static bool is_near(double a, double b, double most)
{
    return fabs(a - b) <= most;
}

static void codes_are_those_of_aips(void **state)
{
    static const int32_t codes[] = {0, 1, 2, 3, 4, -1, -3, -4, -2, -5, -7, -8, -6};
    int32_t code;

    (void)state;
    for (int32_t type = 1; type <= 12; type++) {
        assert_true(mms_uvh5_pol_code(type, &code));
        assert_int_equal(code, codes[type]);
    }
    assert_false(mms_uvh5_pol_code(0, &code));
    assert_false(mms_uvh5_pol_code(13, &code));
    assert_string_equal(mms_uvh5_pol_name(-7), "XY");
    assert_string_equal(mms_uvh5_pol_name(4), "V");
}

static void polarizations_have_two_orders(void **state)
{
    (void)state;
    assert_true(mms_uvh5_pol_before(-5, -6, false)); // XX YY XY YX
    assert_true(mms_uvh5_pol_before(-6, -7, false));
    assert_true(mms_uvh5_pol_before(-7, -8, true)); // XX XY YX YY
    assert_true(mms_uvh5_pol_before(-8, -6, true));
    assert_true(mms_uvh5_pol_before(-3, -4, true)); // RR RL LR LL
    assert_true(mms_uvh5_pol_before(4, -1, false));
    assert_false(mms_uvh5_pol_before(-5, -5, true));
}

static void mounts_are_lower_case_and_known(void **state)
{
    char out[32];

    (void)state;
    mms_uvh5_mount("ALT-AZ", out);
    assert_string_equal(out, "alt-az");
    mms_uvh5_mount("X-Y/EW and more than there is room for", out);
    assert_string_equal(out, "other");
    mms_uvh5_mount("", out);
    assert_string_equal(out, "");
}

static void an_hour_angle_of_zero_has_u_of_y(void **state)
{
    const double d[3] = {1, 2, 4};
    const mms_uvh5_view view = {1.5, 1.5, 0, 0};
    double uvw[3];

    (void)state;
    mms_uvh5_expected_uvw(d, 0, &view, uvw);
    assert_true(is_near(uvw[0], 2, 1e-15));
    assert_true(is_near(uvw[1], 4, 1e-15));
    assert_true(is_near(uvw[2], 1, 1e-15));
}

static void uvw_are_kept_where_that_is_much_better(void **state)
{
    (void)state;
    assert_true(mms_uvh5_negates(15357.76, 1.311292));
    assert_false(mms_uvh5_negates(0.0911, 48854));
    assert_true(mms_uvh5_negates(348.8, 464.4));
    assert_true(mms_uvh5_negates(0, 0));
}

static void a_leap_second_is_no_slope(void **state)
{
    (void)state;
    assert_true(is_near(mms_uvh5_dut1(-0.4, 0.59, 0.5), -0.405, 1e-12));
    assert_true(is_near(mms_uvh5_dut1(0.1, 0.2, 0.25), 0.125, 1e-12));
}

static void a_source_moves_over_zero_longitude(void **state)
{
    static const double jds[] = {0, 1, 2}, lons[] = {6.1, 6.2, 0.1}, lats[] = {0, 0.2, 0.4};
    double lon, lat;

    (void)state;
    mms_uvh5_interpolate(3, jds, lons, lats, 0.5, &lon, &lat);
    assert_true(is_near(lon, 6.15, 1e-12));
    assert_true(is_near(lat, 0.1, 1e-12));
    mms_uvh5_interpolate(3, jds, lons, lats, 1.5, &lon, &lat);
    assert_true(is_near(lon, 6.2 + (0.1 + 2 * M_PI - 6.2) / 2, 1e-12));
    assert_true(is_near(lat, 0.3, 1e-12));
}

static void times_are_julian_dates(void **state)
{
    (void)state;
    assert_true(mms_uvh5_jd(57000.0 * 86400) == 2457000.5);
    assert_true(mms_uvh5_time_s(2457000.5) == 57000.0 * 86400);
}

static mms_uvh5_row row(int64_t number, double time, int32_t ant1, int32_t ant2, int32_t ddid)
{
    return (mms_uvh5_row){
        .time_s = time, .row = number, .ant1 = ant1, .ant2 = ant2, .ddid = ddid, .scan = 7};
}

static void *spilled(const void *values, size_t bytes)
{
    void *const array = mms_spill_alloc(1, bytes);

    assert_non_null(array);
    return memcpy(array, values, bytes);
}

/* More rows than a sort has memory for: by time again, in the order of their first row. */
static void many_rows_of_windows_one_after_the_other(void **state)
{
    enum { N = 400000 };
    mms_uvh5_row *const rows = mms_spill_alloc(N, sizeof *rows);
    mms_uvh5_blt *blts;
    int64_t n;

    (void)state;
    assert_non_null(rows);
    for (int64_t i = 0; i < N; i++)
        rows[i] = row(i, (double)(i % (N / 2)), 0, 1, i < N / 2 ? 0 : 1);
    assert_int_equal(mms_uvh5_sort_rows(N, rows, &blts, &n, NULL), MMS_OK);
    assert_int_equal(n, N / 2);
    for (int64_t i = 0; i < N; i++) {
        assert_int_equal(rows[i].blt, i / 2);
        assert_int_equal(rows[i].row, i / 2 + i % 2 * (N / 2));
        assert_int_equal(blts[i / 2].first, i / 2);
    }
    mms_spill_free(rows);
    mms_spill_free(blts);
}

/* Two windows, one after the other; the second lacks a baseline and has another twice. */
static void windows_share_baseline_times(void **state)
{
    const mms_uvh5_row given[] = {row(0, 10, 0, 2, 0), row(1, 10, 0, 1, 0), row(2, 10, 0, 1, 1),
                                  row(3, 10, 0, 1, 1), row(4, 5, 0, 1, 0)};
    static const int64_t blt[] = {2, 0, 0, 1, 3}, order[] = {1, 2, 3, 0, 4};
    mms_uvh5_row *const rows = spilled(given, sizeof given);
    mms_uvh5_blt *blts;
    int64_t n;

    (void)state;
    assert_int_equal(mms_uvh5_sort_rows(5, rows, &blts, &n, NULL), MMS_OK);
    assert_int_equal(n, 4);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(rows[i].row, order[i]);
        assert_int_equal(rows[i].blt, blt[order[i]]);
    }
    assert_int_equal(blts[0].first, 1);
    assert_int_equal(blts[3].start, 4);
    mms_spill_free(blts);
    mms_spill_free(rows);
}

static void one_window_keeps_its_order(void **state)
{
    const mms_uvh5_row given[] = {row(3, 10, 0, 2, 4), row(7, 10, 0, 1, 4), row(9, 5, 0, 1, 4)};
    mms_uvh5_row *const rows = spilled(given, sizeof given);
    mms_uvh5_blt *blts;
    int64_t n;

    (void)state;
    assert_int_equal(mms_uvh5_sort_rows(3, rows, &blts, &n, NULL), MMS_OK);
    assert_int_equal(n, 3);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(rows[i].blt, i);
        assert_int_equal(blts[i].first, rows[i].row);
    }
    mms_spill_free(blts);
    mms_spill_free(rows);
}

static const double ARCSEC = 4.848136811095359935899141e-6;

/* What pyuvdata 3.2.8 gave for three times and places. */
static void sky_is_that_of_astropy(void **state)
{
    const mms_sky want[] = {{2457000.8,
                             -1.1825186876902498,
                             -0.4017603075763031,
                             5024,
                             -0.43274995999980714,
                             0.06682790000044463 * ARCSEC,
                             0.26380199999985476 * ARCSEC,
                             4.2,
                             -1.35,
                             MMS_SKY_J2000,
                             2.0630054037631718,
                             4.208712662338448,
                             -1.3506364186153854,
                             -0.005730394191548494,
                             {0},
                             {0}},
                            {2457000.8,
                             -1.1825186876902498,
                             -0.4017603075763031,
                             5024,
                             -0.43274995999980714,
                             0.06682790000044463 * ARCSEC,
                             0.26380199999985476 * ARCSEC,
                             1.0,
                             0.4,
                             MMS_SKY_ICRS,
                             2.0630054037631718,
                             1.003993864980484,
                             0.4007691136323118,
                             0.0013984350864306063,
                             {0},
                             {0}},
                            {2460648.12965,
                             0.11990128,
                             0.92368614,
                             50,
                             0.05046333029500679,
                             0.18937881599996984 * ARCSEC,
                             0.32559397359997777 * ARCSEC,
                             1.0,
                             0.4,
                             MMS_SKY_ICRS,
                             5.349085200055566,
                             1.0065240690163013,
                             0.4013583748000708,
                             0.0022228267354085685,
                             {0},
                             {0}}};
    const mms_hdf5_module *hdf5;

    (void)state;
    if (mms_hdf5_load(&hdf5, NULL) != MMS_OK)
        skip();
    for (int i = 0; i < 3; i++) {
        mms_sky sky = want[i];
        sky.lst = sky.app_ra = sky.app_dec = sky.frame_pa = NAN;
        assert_int_equal(hdf5->sky(&sky, NULL), MMS_OK);
        assert_true(is_near(sky.lst, want[i].lst, 1e-12));
        assert_true(is_near(sky.app_ra, want[i].app_ra, 1e-12));
        assert_true(is_near(sky.app_dec, want[i].app_dec, 1e-12));
        assert_true(is_near(sky.frame_pa, want[i].frame_pa, 1e-12));
    }
}

static void tai_is_ahead_of_utc(void **state)
{
    const mms_hdf5_module *hdf5;
    double utc;

    (void)state;
    if (mms_hdf5_load(&hdf5, NULL) != MMS_OK)
        skip();
    assert_int_equal(hdf5->tai_to_utc(2456920.9416644443, &utc, NULL), MMS_OK);
    assert_true(is_near((2456920.9416644443 - utc) * 86400, 35, 1e-4)); // 2014
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(codes_are_those_of_aips),
        cmocka_unit_test(polarizations_have_two_orders),
        cmocka_unit_test(mounts_are_lower_case_and_known),
        cmocka_unit_test(an_hour_angle_of_zero_has_u_of_y),
        cmocka_unit_test(uvw_are_kept_where_that_is_much_better),
        cmocka_unit_test(a_leap_second_is_no_slope),
        cmocka_unit_test(a_source_moves_over_zero_longitude),
        cmocka_unit_test(times_are_julian_dates),
        cmocka_unit_test(windows_share_baseline_times),
        cmocka_unit_test(many_rows_of_windows_one_after_the_other),
        cmocka_unit_test(one_window_keeps_its_order),
        cmocka_unit_test(sky_is_that_of_astropy),
        cmocka_unit_test(tai_is_ahead_of_utc),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
