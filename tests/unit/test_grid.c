/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Output grids: the cases of transform-numerics 11 for 6.2, 6.3, 6.4 and 6.8, by their numbers. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "transform/regrid.h"

enum { MAX_CHANNELS = 16 };

/* Grid A: 1000, 1001, … 1007 MHz, width 1 MHz; grid D is A reversed; U: 100, 102, 105 Hz. */
static const double grid_a[] = {1000e6, 1001e6, 1002e6, 1003e6, 1004e6, 1005e6, 1006e6, 1007e6};
static const double grid_d[] = {1007e6, 1006e6, 1005e6, 1004e6, 1003e6, 1002e6, 1001e6, 1000e6};
static const double width_a[] = {1e6, 1e6, 1e6, 1e6, 1e6, 1e6, 1e6, 1e6};
static const double grid_u[] = {100, 102, 105}, width_u[] = {2, 2, 4};

/* A request and what it gives; scale: unit of freq and width, 1e6 or 1. */
struct grid_case {
    const char *name;
    char input;
    mms_grid_mode mode;
    bool optical;
    int64_t nchan;
    double start, width;
    int64_t nout;
    double freq[MAX_CHANNELS], out_width[MAX_CHANNELS]; /* out_width[1] 0: all as the first */
};

#define CH MMS_GRID_CHANNEL, false
#define CB MMS_GRID_CHANNEL_B, false
#define FR MMS_GRID_FREQUENCY, false
#define VR MMS_GRID_VELOCITY, false
#define VO MMS_GRID_VELOCITY, true
#define ID                                             \
    {                                                  \
        1000, 1001, 1002, 1003, 1004, 1005, 1006, 1007 \
    }
#define REST 1003.5e6
#define W6   2.0083894172

static const struct grid_case cases[] = {
    {"T073", 'A', CH, -1, 0, 1, 8, ID, {1}},
    {"T074", 'A', CH, -1, 2, 2, 3, {1002.5, 1004.5, 1006.5}, {2}},
    {"T075", 'A', CH, 3, 2, 2, 3, {1002.5, 1004.5, 1006.5}, {2}},
    {"T076", 'A', CH, -1, 0, 3, 2, {1001, 1004}, {3}},
    {"T077", 'A', CH, -1, 5, -2, 3, {1000.5, 1002.5, 1004.5}, {2}},
    {"T078", 'A', CH, 2, 5, -2, 2, {1002.5, 1004.5}, {2}},
    {"T079", 'A', CH, 6, 4, 2, 6, {1004.5, 1006.5, 1008.5, 1010.5, 1012.5, 1014.5}, {2}},
    {"T080", 'A', CH, -1, 9, 1, 8, ID, {1}},
    {"T082", 'A', CH, 1, 0, 9, 1, {1004}, {9}},
    {"T083", 'A', CH, -1, 0, -1, 1, {1000}, {1}},
    {"T084", 'A', CH, -1, 7, -3, 2, {1003, 1006}, {3}},
    {"T085", 'D', CH, -1, 0, 1, 8, {1007, 1006, 1005, 1004, 1003, 1002, 1001, 1000}, {1}},
    {"T086", 'D', CH, 3, 1, 2, 3, {1005.5, 1003.5, 1001.5}, {2}},
    {"T087", 'D', CH, 3, 1, -2, 3, {1010.5, 1008.5, 1006.5}, {2}},
    {"T088", 'D', CH, -1, 2, 1, 6, {1005, 1004, 1003, 1002, 1001, 1000}, {1}},
    {"T089", 'D', CH, -1, 2, -1, 3, {1007, 1006, 1005}, {1}},
    {"T090", 'A', FR, -1, NAN, NAN, 8, ID, {1}},
    {"T091", 'A', FR, 3, 1001e6, 1.5e6, 3, {1001, 1002.5, 1004}, {1.5}},
    {"T092", 'A', FR, 3, 1006e6, -1.5e6, 3, {1003, 1004.5, 1006}, {1.5}},
    {"T093", 'A', FR, -1, 1001e6, 2e6, 3, {1001, 1003, 1005}, {2}},
    {"T094", 'A', FR, -1, 1006e6, -2e6, 3, {1002, 1004, 1006}, {2}},
    {"T095", 'A', FR, 2, NAN, 2e6, 2, {1000.5, 1002.5}, {2}},
    {"T096", 'A', FR, 2, 900e6, 2e6, 2, {1000.5, 1002.5}, {2}},
    {"T097", 'A', FR, 2, 1100e6, 2e6, 2, {1008.5, 1010.5}, {2}},
    {"T098", 'A', FR, -1, 1002.5e6, NAN, 5, {1002.5, 1003.5, 1004.5, 1005.5, 1006.5}, {1}},
    {"T100",
     'A',
     FR,
     -1,
     NAN,
     0.9999995e6,
     8,
     {999.99999975, 1000.99999925, 1001.99999875, 1002.99999825, 1003.99999775, 1004.99999725,
      1005.99999675, 1006.99999625},
     {0.9999995}},
    {"T101", 'D', FR, 3, 1001e6, 2e6, 3, {1005, 1003, 1001}, {2}},
    {"T101 negative", 'D', FR, 3, 1006e6, -2e6, 3, {1006, 1004, 1002}, {2}},
    {"T102", 'A', VR, -1, NAN, NAN, 8, ID, {1}},
    {"T103", 'A', VR, 2, 0, 600e3, 2, {1001.491610583, 1003.5}, {W6}},
    {"T104", 'A', VR, 2, 0, -600e3, 2, {1003.5, 1005.508389417}, {W6}},
    {"T105", 'A', VR, -1, -300e3, -600e3, 2, {1004.504194709, 1006.512584126}, {W6}},
    {"T106",
     'A',
     VR,
     -1,
     150e3,
     NAN,
     4,
     {999.9979026457, 1000.997902646, 1001.997902646, 1002.997902646},
     {1}},
    {"T107", 'A', VR, 3, NAN, 600e3, 3, {1000.504194709, 1002.512584126, 1004.520973543}, {W6}},
    {"T108", 'A', VR, 3, 3000e3, NAN, 3, {998.5, 999.5, 1000.5}, {1}},
    {"T109",
     'A',
     VO,
     -1,
     NAN,
     NAN,
     7,
     {1000.015871051, 1001.008935961, 1002.003975156, 1003.00099453, 1004, 1005.000997506,
      1006.003993013},
     {0.99207923715, 0.99405058189, 0.99602780831, 0.99801093983, 1, 1.0019950125, 1.003996001}},
    {"T110", 'A', VO, 2, 0, 600e3, 2, {1001.497617886, 1003.5}, {1.9983825824, 2.0063816466}},
    {"T111",
     'A',
     VO,
     2,
     0,
     -600e3,
     2,
     {1003.502007775, 1005.512417038},
     {2.0063856609, 2.014432865}},
    {"T112", 'A', VO, -1, -300e3, -600e3, 1, {1005.5}, {2.0104012102}},
    {"T113",
     'A',
     VO,
     3,
     NAN,
     600e3,
     2,
     {1002.498810938, 1004.505200605},
     {2.0023781242, 2.0104012102}},
    {"T115", 'A', CB, -1, NAN, NAN, 8, ID, {1}},
    {"T116", 'A', CB, 3, 1, 2, 3, {1001.5, 1003.5, 1005.5}, {2}},
    {"T117", 'D', CB, 3, 1, 2, 3, {1005.5, 1003.5, 1001.5}, {2}},
    {"T118", 'A', CB, -1, NAN, 3, 4, {1000, 1002, 1005, 1007}, {1, 3, 3, 1}},
    {"T119", 'A', CB, -1, 2, 2, 2, {1004.5, 1006.5}, {2}},
    {"T120", 'A', CB, 4, 5, -1, 4, {1001, 1002, 1003, 1004}, {1}},
    {"T122", 'U', CH, -1, 0, 1, 4, {100, 102, 104, 106}, {2}},
    {"T122 start", 'U', CH, -1, 1, 1, 3, {102, 104, 106}, {2}},
    {"T123", 'A', FR, -1, NAN, 8e6, 1, {1003.5}, {8}},
};

static mms_status make(char input, const mms_grid_opts *opts, mms_grid **grid, mms_error *err)
{
    if (input == 'U')
        return mms_grid_make(3, grid_u, width_u, opts, grid, err);
    return mms_grid_make(8, input == 'A' ? grid_a : grid_d, width_a, opts, grid, err);
}

static void assert_channel(const struct grid_case *c, const mms_grid *grid, int64_t i)
{
    const double unit = c->input == 'U' ? 1 : 1e6;
    const double width = c->out_width[c->nout > 1 && c->out_width[1] > 0 ? i : 0];

    if (fabs(grid->freq_hz[i] - c->freq[i] * unit) > 1.1e-3 ||
        fabs(grid->width_hz[i] - width * unit) > 1.1e-3)
        fail_msg("%s: channel %d: %.12g Hz, %.12g Hz wide", c->name, (int)i, grid->freq_hz[i],
                 grid->width_hz[i]);
}

static void grids_have_the_channels_of_the_specification(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct grid_case *c = &cases[i];
        mms_grid_opts opts = MMS_GRID_OPTS_INIT;
        mms_grid *grid = NULL;
        mms_error err = {MMS_OK, ""};

        opts.mode = c->mode;
        opts.optical = c->optical;
        opts.nchan = c->nchan;
        opts.start = c->start;
        opts.width = c->width;
        opts.restfreq_hz = REST;
        if (make(c->input, &opts, &grid, &err) != MMS_OK)
            fail_msg("%s: %s", c->name, err.msg);
        if (grid->nchan != c->nout)
            fail_msg("%s: %d channels", c->name, (int)grid->nchan);
        for (int64_t k = 0; k < c->nout; k++)
            assert_channel(c, grid, k);
        assert_true(fabs(grid->weight_scale - grid->width_hz[0] / (c->input == 'U' ? 2 : 1e6)) <
                    1e-9);
        mms_grid_free(&grid);
        assert_null(grid);
    }
}

struct refusal {
    const char *name;
    char input;
    mms_grid_mode mode;
    bool optical;
    int64_t nchan, nspw;
    double start, width, restfreq;
    const char *words;
};

static const struct refusal refusals[] = {
    {"T081", 'A', CH, -1, 1, 0, 9, REST, "width: 9: no output channel"},
    {"T099", 'A', FR, -1, 1, NAN, 0.5e6, REST,
     "calcChanFreqs failed, check input start and width parameters"},
    {"T099 log", 'A', FR, -1, 1, NAN, 0.5e6, REST,
     " *** Requested new channel width (500000 Hz) is smaller than smallest original channel width "
     "which is 1e+06 Hz"},
    {"T114", 'A', VR, -1, 1, NAN, NAN, 0, "Parameter restfreq must be set when mode='velocity'"},
    {"T121", 'A', CB, 2, 1, 8, 1, REST, "SPW start 8 outside valid range which is 0 - 7."},
    {"far start", 'A', FR, -1, 1, 3e9, 1e6, REST,
     "start: 3000000000 Hz is 3000000000 Hz, outside SPW 7"},
    {"bands away", 'A', FR, -1, 1, 1.2e9, 1e6, REST, "start: 1200000000 Hz"},
    {"far channel", 'A', CH, -1, 1, 20, 1, REST, "start: 20: SPW 7 has the channels 0 to 7"},
    {"negative channel", 'A', CH, -1, 1, -1, 1, REST, "start: -1"},
    {"far velocity", 'A', VR, -1, 1, 2e8, 6e5, REST, "outside SPW 7"},
    {"many channels", 'A', CH, 100, 1, 0, 1, REST, "nchan: 100"},
    {"too many channels", 'A', CH, INT64_MAX, 1, 0, 1, REST, "nchan: 9223372036854775807"},
    {"no window", 'A', CH, -1, 0, 0, 1, REST, "nspw: 0"},
    {"infinite width", 'A', FR, -1, 1, NAN, INFINITY, REST, "width: not a finite number"},
    {"negative frequency", 'A', FR, -1, 1, -1e9, NAN, REST, "must be positive"},
    {"light", 'A', VR, -1, 1, 4e8, NAN, REST, "below that of light"},
    {"narrow optical", 'A', VO, -1, 1, NAN, 1e3, REST, "is smaller than smallest original"},
};

static void impossible_grids_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        const struct refusal *c = &refusals[i];
        mms_grid_opts opts = MMS_GRID_OPTS_INIT;
        mms_grid *grid = NULL;
        mms_error err = {MMS_OK, ""};

        opts.mode = c->mode;
        opts.optical = c->optical;
        opts.nchan = c->nchan;
        opts.nspw = c->nspw;
        opts.start = c->start;
        opts.width = c->width;
        opts.restfreq_hz = c->restfreq;
        opts.spw = 7;
        if (make(c->input, &opts, &grid, &err) != MMS_ERR_ARG || !strstr(err.msg, c->words))
            fail_msg("%s: %s", c->name, err.msg);
        assert_null(grid);
    }
}

static void bad_windows_are_refused(void **state)
{
    const mms_grid_opts opts = MMS_GRID_OPTS_INIT;
    const double bad[][3] = {{1, 3, 2},   {1, 1, 2},        {3, 1, 2},  {1, NAN, 2},
                             {NAN, 1, 2}, {1, INFINITY, 2}, {-1, 1, 2}, {1, 2, NAN}};
    const double width[] = {1, 1, 1}, no_width[] = {1, 0, 1}, nan_width[] = {1, 1, NAN};
    mms_grid *grid = NULL;
    mms_error err;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(mms_grid_make(3, bad[i], width, &opts, &grid, &err), MMS_ERR_RANGE);
    assert_int_equal(mms_grid_make(3, grid_a, no_width, &opts, &grid, &err), MMS_ERR_RANGE);
    assert_int_equal(mms_grid_make(3, grid_a, nan_width, &opts, &grid, &err), MMS_ERR_RANGE);
    assert_int_equal(mms_grid_make(0, grid_a, width, &opts, &grid, &err), MMS_ERR_RANGE);
    assert_null(grid);
}

static void adjustments_are_said(void **state)
{
    mms_grid_opts opts = MMS_GRID_OPTS_INIT;
    mms_grid *grid = NULL;
    mms_error err;

    (void)state;
    opts.start = 9;
    assert_int_equal(make('A', &opts, &grid, &err), MMS_OK);
    assert_int_equal(grid->nwarning, 1);
    assert_string_equal(grid->warnings[0], " *** Parameter start exceeds total number of channels "
                                           "which is 8. Set to 0.");
    mms_grid_free(&grid);
    opts.start = 0;
    assert_int_equal(make('A', &opts, &grid, &err), MMS_OK);
    assert_int_equal(grid->nwarning, 0);
    mms_grid_free(&grid);
}

/* T178: nspw multiplies nchan. */
static void nchan_counts_each_window(void **state)
{
    mms_grid_opts opts = MMS_GRID_OPTS_INIT;
    mms_separation parts;
    mms_grid *grid = NULL;
    mms_error err;

    (void)state;
    opts.nchan = 4;
    opts.nspw = 2;
    assert_int_equal(make('A', &opts, &grid, &err), MMS_OK);
    assert_int_equal(grid->nchan, 8);
    assert_int_equal(mms_separate(grid->nchan, 2, &parts, &err), MMS_OK);
    assert_int_equal(parts.per_window, 4);
    assert_int_equal(parts.last, 4);
    mms_grid_free(&grid);
}

/* T175, T176, T177. */
static void windows_are_separated(void **state)
{
    mms_separation parts;
    mms_error err;

    (void)state;
    assert_int_equal(mms_separate(12, 3, &parts, &err), MMS_OK);
    assert_int_equal(parts.per_window, 4);
    assert_int_equal(parts.last, 4);
    assert_int_equal(mms_separate(10, 4, &parts, &err), MMS_OK);
    assert_int_equal(parts.per_window, 3);
    assert_int_equal(parts.last, 1);
    assert_int_equal(mms_separate(6, 4, &parts, &err), MMS_ERR_ARG);
    assert_non_null(strstr(err.msg, "too many output spws"));
    assert_non_null(strstr(err.msg, "nspw: 4"));
    assert_non_null(strstr(err.msg, "3 windows are possible"));
    assert_int_equal(mms_separate(6, 5, &parts, &err), MMS_ERR_ARG);
    assert_int_equal(mms_separate(6, 7, &parts, &err), MMS_ERR_ARG);
    assert_int_equal(mms_separate(6, 0, &parts, &err), MMS_ERR_ARG);
    assert_int_equal(mms_separate(6, INT64_MAX, &parts, &err), MMS_ERR_ARG);
}

/* T123: the width of a single channel is negative in CASA. T085: those of a falling grid are. */
static void widths_have_the_sign_of_the_order(void **state)
{
    double f[8], w[8], r[8], e[8];
    mms_spectral_axis axis = {8, f, w, r, e, 0, 0};
    mms_grid_opts opts = MMS_GRID_OPTS_INIT;
    mms_grid *grid = NULL;
    mms_error err;

    (void)state;
    assert_int_equal(make('D', &opts, &grid, &err), MMS_OK);
    mms_grid_axis(grid, 0, false, MMS_NUMERICS_CASA, &axis);
    for (int i = 0; i < 8; i++)
        assert_true(w[i] == -1e6 && r[i] == -1e6 && e[i] == -1e6 && f[i] == grid_d[i]);
    assert_true(axis.total_bandwidth_hz == 8e6 && axis.ref_freq_hz == 1007e6);
    mms_grid_free(&grid);

    opts.mode = MMS_GRID_FREQUENCY;
    opts.width = 8e6;
    assert_int_equal(make('A', &opts, &grid, &err), MMS_OK);
    axis.nchan = 1;
    mms_grid_axis(grid, 0, false, MMS_NUMERICS_CASA, &axis);
    assert_true(w[0] == -8e6 && axis.total_bandwidth_hz == 8e6 && axis.ref_freq_hz == 1003.5e6);
    mms_grid_axis(grid, 0, false, MMS_NUMERICS_EXACT, &axis);
    assert_true(w[0] == 8e6);
    mms_grid_free(&grid);
}

/* T182, and what makes channels wide. */
static void wide_channels_are_found(void **state)
{
    const struct {
        double width;
        int64_t ratio;
        bool wide;
    } c[] = {
        {1.998e6, 1, false}, {1.9995e6, 2, true}, {4e6, 4, true}, {5e6, 5, false}, {1e6, 1, false}};

    (void)state;
    for (size_t i = 0; i < sizeof c / sizeof c[0]; i++) {
        mms_grid_opts opts = MMS_GRID_OPTS_INIT;
        mms_grid *grid = NULL;
        mms_error err;
        int64_t ratio;
        bool wide;

        opts.mode = MMS_GRID_FREQUENCY;
        opts.width = c[i].width;
        assert_int_equal(make('A', &opts, &grid, &err), MMS_OK);
        assert_int_equal(mms_wide_ratio(8, grid_a, width_a, grid, &ratio, &wide, &err), MMS_OK);
        assert_int_equal(ratio, c[i].ratio);
        assert_int_equal(wide, c[i].wide);
        mms_grid_free(&grid);
    }
}

static bool near(double a, double b)
{
    return fabs(a / b - 1) < 1e-12;
}

/* T064 and the two ways to a moving source. */
static void velocities_are_factors(void **state)
{
    (void)state;
    assert_true(near(1e11 * mms_doppler_factor(-1000), 100000333564.652));
    assert_true(near(1e11 * mms_doppler_factor(-3e7), 110561890816.245));
    assert_true(mms_source_factor(1000, 1000, MMS_NUMERICS_CASA) == mms_doppler_factor(-1000));
    assert_true(mms_source_factor(1500, 1000, MMS_NUMERICS_CASA) == mms_doppler_factor(-500));
    assert_true(mms_source_factor(1500, 1000, MMS_NUMERICS_EXACT) == mms_doppler_factor(-1500));
}

static void shifted_windows_keep_their_edges(void **state)
{
    const double factor[] = {0.5, 4}, freq[] = {8, 6}, width[] = {-2, -2};
    double f[2], w[2];

    (void)state;
    mms_shift_window(2, factor, 2, freq, width, f, w);
    assert_true(f[0] == 16 && f[1] == 12 && w[0] == 4 && w[1] == 4);
    mms_shift_window(0, NULL, 2, freq, width, f, w);
    assert_true(f[0] == 8 && f[1] == 6 && w[0] == 2 && w[1] == 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grids_have_the_channels_of_the_specification),
        cmocka_unit_test(impossible_grids_are_refused),
        cmocka_unit_test(bad_windows_are_refused),
        cmocka_unit_test(adjustments_are_said),
        cmocka_unit_test(nchan_counts_each_window),
        cmocka_unit_test(windows_are_separated),
        cmocka_unit_test(widths_have_the_sign_of_the_order),
        cmocka_unit_test(wide_channels_are_found),
        cmocka_unit_test(velocities_are_factors),
        cmocka_unit_test(shifted_windows_keep_their_edges),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
