/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Windows put together: the cases of transform-numerics 11 for 6.7, and rows on their way. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "transform/regrid_priv.h"
#include "transform/spectrum_priv.h"

enum { MAX = 12 };

/* Windows by their frequencies and one width each; 0 ends both. */
struct grid_case {
    const char *name;
    double freq[3][MAX], width[3];
    double want[MAX], want_width[MAX]; /* want_width[1] 0: all as the first */
    const char *shares;                /* "0:2 1:0*0.5|…": channel 2 of window 0, half of … */
};

#define F4                 \
    {                      \
        100, 110, 120, 130 \
    }
#define GRID                         \
    {                                \
        100, 110, 120, 130, 140, 150 \
    }

static const struct grid_case cases[] = {
    {"T149", {{100, 110}, {120, 130}}, {10, 10}, F4, {10}, "0:0|0:1|1:0|1:1"},
    {"T150", {F4, F4}, {10, 10}, F4, {10}, "0:0 1:0|0:1 1:1|0:2 1:2|0:3 1:3"},
    {"T151", {F4, {120, 130, 140, 150}}, {10, 10}, GRID, {10}, "0:0|0:1|0:2 1:0|0:3 1:1|1:2|1:3"},
    {"T152",
     {F4, {125, 135, 145, 155}},
     {10, 10},
     {100, 110, 120, 132.5, 145, 155},
     {10, 10, 10, 15, 10, 10},
     "0:0|0:1|0:2 1:0*0.5|0:3 1:0*0.5 1:1|1:2|1:3"},
    {"T153",
     {F4, {139.95, 149.95, 159.95, 169.95}},
     {10, 10},
     {100, 110, 120, 130, 139.975, 149.95, 159.95, 169.95},
     {10, 10, 10, 10, 9.95, 10, 10, 10},
     "0:0|0:1|0:2|0:3 1:0*0.005|1:0|1:1|1:2|1:3"},
    {"T154",
     {F4, {200, 210, 220, 230}},
     {10, 10},
     {100, 110, 120, 130, 200, 210, 220, 230},
     {10},
     "0:0|0:1|0:2|0:3|1:0|1:1|1:2|1:3"},
    {"T158",
     {{100, 102, 104, 106}, {101, 121, 141, 161}},
     {2, 20},
     {96, 102, 104, 108, 121, 141, 161},
     {10, 2, 2, 6, 20, 20, 20},
     "1:0 0:0|0:1 1:0*0.1|0:2 1:0*0.1|0:3 1:0|1:1|1:2|1:3"},
    {"T159",
     {F4, {85, 95, 105, 115}},
     {10, 10},
     {85, 95, 105, 117.5, 130},
     {10, 10, 10, 15, 10},
     "1:0|1:1 0:0*0.5|1:2 0:0*0.5 0:1*0.5|1:3 0:1*0.5 0:2|0:3"},
    {"T160",
     {{130, 120, 110, 100}, {120, 130, 140, 150}},
     {-10, 10},
     GRID,
     {10},
     "0:3|0:2|0:1 1:0|0:0 1:1|1:2|1:3"},
    {"T161",
     {{100, 110, 120}, {120, 130, 140}, {140, 150, 160}},
     {10, 10, 10},
     {100, 110, 120, 130, 140, 150, 160},
     {10},
     "0:0|0:1|0:2 1:0|1:1|1:2 2:0|2:1|2:2"},
    {"T155",
     {F4, {105, 125}},
     {10, 20},
     F4,
     {10},
     "0:0 1:0*0.5|0:1 1:0*0.5|0:2 1:1*0.5|0:3 1:1*0.5"},
    {"T156",
     {GRID, {115, 125}},
     {10, 10},
     GRID,
     {10},
     "0:0|0:1 1:0*0.5|0:2 1:0*0.5 1:1*0.5|0:3 1:1*0.5|0:4|0:5"},
    {"T157",
     {{100, 120}, {101, 105, 109, 113, 117, 121}},
     {20, 4},
     {100, 120},
     {20},
     "0:0 1:0 1:1 1:2*0.75|0:1 1:2*0.25 1:3 1:4 1:5"},
    {"T158 as it stands",
     {{100, 102, 104, 106}, {101, 121}},
     {2, 20},
     {96, 102, 104, 108, 121},
     {10, 2, 2, 6, 20},
     "1:0 0:0|0:1 1:0*0.1|0:2 1:0*0.1|0:3 1:0|1:1"},
    {"one", {{120, 110}}, {-10}, {110, 120}, {10}, "0:1|0:0"},
};

static int count(const double *freq)
{
    int n = 0;

    while (n < MAX && freq[n] > 0)
        n++;
    return n;
}

/* The shares of a channel as text. */
static void describe(const mms_combination *c, char *text, size_t room)
{
    size_t at = 0;

    for (int64_t j = 0; j < c->nchan; j++)
        for (int64_t i = c->first[j]; i < c->first[j + 1]; i++) {
            const mms_share *s = &c->share[i];
            at += (size_t)snprintf(text + at, room - at, "%s%d:%d",
                                   i > c->first[j] ? " "
                                   : j             ? "|"
                                                   : "",
                                   (int)s->window, (int)s->channel);
            if (s->fraction < 1)
                at += (size_t)snprintf(text + at, room - at, "*%.6g", s->fraction);
        }
}

static mms_combination *combine(const struct grid_case *t)
{
    double widths[3][MAX];
    mms_combine_window w[3];
    int32_t n = 0;
    mms_combination *c = NULL;
    mms_error err = {MMS_OK, ""};

    for (; n < 3 && t->width[n] != 0; n++) {
        for (int k = 0; k < MAX; k++)
            widths[n][k] = t->width[n];
        w[n] = (mms_combine_window){n, 5, count(t->freq[n]), t->freq[n], widths[n]};
    }
    if (mms_combination_lay(n, w, &c, &err) != MMS_OK)
        fail_msg("%s: %s", t->name, err.msg);
    return c;
}

static void grids_are_put_together_as_specified(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct grid_case *t = &cases[i];
        mms_combination *c = combine(t);
        char text[400] = "";

        describe(c, text, sizeof text);
        if (strcmp(text, t->shares) != 0)
            fail_msg("%s: shares %s", t->name, text);
        assert_int_equal(c->nchan, count(t->want));
        for (int64_t j = 0; j < c->nchan; j++) {
            const double width = t->want_width[t->want_width[1] > 0 ? j : 0];
            if (fabs(c->freq_hz[j] - t->want[j]) > 1e-9 || fabs(c->width_hz[j] - width) > 1e-9)
                fail_msg("%s: channel %d: %.12g, %.12g wide", t->name, (int)j, c->freq_hz[j],
                         c->width_hz[j]);
        }
        mms_combination_free(&c);
        assert_null(c);
    }
}

/* T162, T163. */
static void windows_that_do_not_fit_are_refused(void **state)
{
    double freq[128], width[128];
    mms_combine_window w[2] = {{0, 5, 64, freq, width}, {1, 5, 128, freq, width}};
    mms_combination *c = NULL;
    mms_error err;

    (void)state;
    for (int k = 0; k < 128; k++) {
        freq[k] = 100 + k;
        width[k] = 1;
    }
    assert_int_equal(mms_combination_make(2, w, &c, &err), MMS_ERR_ARG);
    assert_string_equal(err.msg,
                        "Currently the option 'combinespws' is only supported when the number of "
                        "channels is the same for all the spw's selected. One of the SPWs selected "
                        "has 64 channels, but another selected SPW has 128 channels.");
    w[1] = (mms_combine_window){1, 1, 64, freq, width};
    assert_int_equal(mms_combination_make(2, w, &c, &err), MMS_ERR_ARG);
    assert_string_equal(err.msg, "SPW 1 cannot be combined with SPW 0. Non-matching ref. frame.");
    w[1].frame = 5;
    freq[3] = freq[2];
    assert_int_equal(mms_combination_make(2, w, &c, &err), MMS_ERR_RANGE);
    assert_int_equal(mms_combination_make(0, w, &c, &err), MMS_ERR_ARG);
    assert_null(c);
}

/* ---- rows -------------------------------------------------------------------------------------*/

struct row_case {
    const char *name;
    int grid; /* of cases: 2 whole, 3 half */
    float y[2][4], weight[2];
    const char *flag[2]; /* NULL: no row */
    double want[6];
    const char *want_flag;
    double want_weight[6];
};

#define S0         \
    {              \
        1, 2, 3, 4 \
    }
#define S1         \
    {              \
        5, 6, 7, 8 \
    }

static const struct row_case rows[] = {
    {"T164",
     2,
     {S0, S1},
     {1, 3},
     {"FFFF", "FFFF"},
     {1, 2, 4, 5, 7, 8},
     "FFFFFF",
     {1, 1, 2, 2, 3, 3}},
    {"T165",
     2,
     {S0, S1},
     {1, 3},
     {"FFTF", "FFFF"},
     {1, 2, 5, 5, 7, 8},
     "FFFFFF",
     {1, 1, 3, 2, 3, 3}},
    {"T166", 2, {S0, S1}, {1, 3}, {"FFFF", NULL}, {1, 2, 3, 4, 0, 0}, "FFFFTT", {1, 1, 1, 1, 0, 0}},
    {"T167",
     3,
     {S0, S1},
     {1, 3},
     {"FFFF", "FFFF"},
     {1, 2, 3, 5, 7, 8},
     "FFFFFF",
     {1, 1, 1, 2, 3, 3}},
    {"T168",
     3,
     {S0, S1},
     {1, 3},
     {"FFTF", "FFFF"},
     {1, 2, 0, 5, 7, 8},
     "FFTFFF",
     {1, 1, 0, 2, 3, 3}},
    {"T169", 3, {S0, S1}, {1, 3}, {NULL, "FFFF"}, {0, 0, 5, 6, 7, 8}, "TTTFFF", {0, 0, 3, 3, 3, 3}},
    {"flags of a run",
     2,
     {S0, S1},
     {1, 3},
     {"FTFF", "FFFT"},
     {1, 0, 4, 5, 7, 0},
     "FTFFFT",
     {1, 0, 2, 2, 3, 0}},
};

static void assert_row(const char *name, int64_t n, int64_t ncorr, const float *have,
                       const double *want)
{
    for (int64_t i = 0; i < n; i++)
        for (int64_t c = 0; c < ncorr; c++)
            if (fabs((double)have[i * ncorr + c] - want[i]) > 1e-6)
                fail_msg("%s: value %d is %g, not %g", name, (int)i, (double)have[i * ncorr + c],
                         want[i]);
}

/* The same in all of three correlations; the imaginary part is twice the real one. */
static void run_row(const struct row_case *t, mms_numerics numerics, const double *want,
                    const double *want_weight)
{
    enum { NCORR = 3 };
    mms_combination *c = combine(&cases[t->grid]);
    float complex_in[2][8 * NCORR], weights[2][4 * NCORR];
    float out[12 * NCORR], weight_out[6 * NCORR], re[6 * NCORR], im[6 * NCORR];
    uint8_t flags[2][4 * NCORR], flag_out[6 * NCORR];
    const float *data[2] = {NULL, NULL}, *weight[2] = {NULL, NULL};
    const uint8_t *flag[2] = {NULL, NULL};
    mms_combination_in in = {NCORR, 1, {2}, {data}, flag, 1, {weight}};
    mms_combination_out to = {{out}, flag_out, {weight_out}};
    mms_error err;

    for (int w = 0; w < 2; w++) {
        for (int i = 0; t->flag[w] && i < 4 * NCORR; i++) {
            complex_in[w][2 * i] = t->y[w][i / NCORR];
            complex_in[w][2 * i + 1] = 2 * t->y[w][i / NCORR];
            weights[w][i] = t->weight[w];
            flags[w][i] = t->flag[w][i / NCORR] == 'T';
        }
        if (t->flag[w]) {
            data[w] = complex_in[w];
            weight[w] = weights[w];
            flag[w] = flags[w];
        }
    }
    assert_int_equal(mms_combination_apply(c, numerics, &in, &to, &err), MMS_OK);
    for (int i = 0; i < 6 * NCORR; i++) {
        re[i] = out[2 * i];
        im[i] = out[2 * i + 1] / 2;
        if (flag_out[i] != (t->want_flag[i / NCORR] == 'T'))
            fail_msg("%s: flag %d", t->name, i / NCORR);
    }
    assert_row(t->name, 6, NCORR, re, want);
    assert_row(t->name, 6, NCORR, im, want);
    assert_row(t->name, 6, NCORR, weight_out, want_weight);
    flag[0] = flag[1] = NULL;
    assert_int_equal(mms_combination_apply(c, numerics, &in, &to, &err), MMS_ERR_SHAPE);
    mms_combination_free(&c);
}

static void rows_are_combined_as_specified(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        run_row(&rows[i], MMS_NUMERICS_CASA, rows[i].want, rows[i].want_weight);
}

/* Exact numerics: weighted means, sums of weights, no share is dropped. */
static void exact_rows_take_all_good_channels(void **state)
{
    const struct row_case whole = {"exact whole",    2,   {S0, S1}, {1, 3},
                                   {"FFFF", "FFFF"}, {0}, "FFFFFF", {0}};
    const struct row_case half = {"exact half",     3,   {S0, S1}, {1, 2},
                                  {"FFTF", "FFFF"}, {0}, "FFTFFF", {0}};
    const double want[] = {1, 2, (3 + 15) / 4.0, (4 + 18) / 4.0, 7, 8};
    const double want_weight[] = {1, 1, 4, 4, 3, 3};
    const double half_want[] = {1, 2, 5, (4 * 1 + 5 * 1 + 6 * 2) / 4.0, 7, 8};
    const double half_weight[] = {1, 1, 1, 4, 2, 2};

    (void)state;
    run_row(&whole, MMS_NUMERICS_EXACT, want, want_weight);
    run_row(&half, MMS_NUMERICS_EXACT, half_want, half_weight);
}

/* T170, T171: shares by hand. */
static void fractions_count_by_their_number(void **state)
{
    mms_share shares[] = {{0, 0, 1}, {1, 0, 0.5}, {1, 1, 0.5}};
    mms_share partial[] = {{1, 0, 0.4}, {1, 1, 0.4}};
    int64_t first[] = {0, 3}, first_partial[] = {0, 2}, sizes[] = {1, 2};
    double f[] = {1}, w[] = {1};
    mms_combination c = {2, 1, f, w, first, shares, sizes};
    mms_combination p = {2, 1, f, w, first_partial, partial, sizes};
    const float y0[] = {1}, y1[] = {3, 5}, z1[] = {2, 4}, w0[] = {1}, w1[] = {2, 2};
    const uint8_t f0[] = {0}, good[] = {0, 0}, flagged[] = {0, 1};
    const float *data[] = {y0, y1}, *weight[] = {w0, w1}, *other[] = {y0, z1};
    const uint8_t *flag[] = {f0, good};
    mms_combination_in in = {1, 1, {1}, {data}, flag, 1, {weight}};
    float out[1], weight_out[1];
    uint8_t flag_out[1];
    mms_combination_out to = {{out}, flag_out, {weight_out}};
    mms_error err;

    (void)state;
    assert_int_equal(mms_combination_apply(&c, MMS_NUMERICS_CASA, &in, &to, &err), MMS_OK);
    assert_true(out[0] == 2.5f && weight_out[0] == 1.5f && flag_out[0] == 0);
    flag[1] = flagged;
    assert_int_equal(mms_combination_apply(&c, MMS_NUMERICS_CASA, &in, &to, &err), MMS_OK);
    assert_true(out[0] == 1 && weight_out[0] == 1 && flag_out[0] == 0);
    flag[1] = good;
    in.column[0] = other;
    assert_int_equal(mms_combination_apply(&p, MMS_NUMERICS_CASA, &in, &to, &err), MMS_OK);
    assert_true(fabs((double)out[0] - 3) < 1e-6 && fabs((double)weight_out[0] - 2) < 1e-6);
    assert_int_equal(flag_out[0], 1);
}

/* T172, T173: the combined window on a uniform grid. */
static void combined_windows_are_regridded(void **state)
{
    const struct {
        int grid;
        int64_t nout;
        double want[14];
    } t[] = {{3, 6, {1, 2, 3, 4.6, 6.2, 7.5}}, {5, 14, {1, 1, 1, 1, 2, 3, 4, 5, 6, 7, 8, 8, 8, 8}}};
    const float combined[2][8] = {{1, 2, 3, 5, 7, 8}, {1, 1, 1, 1, 8, 8, 8, 8}};
    const uint8_t flag[8] = {0};

    (void)state;
    for (int i = 0; i < 2; i++) {
        mms_combination *c = combine(&cases[t[i].grid]);
        const mms_grid_opts opts = MMS_GRID_OPTS_INIT;
        mms_grid *grid = NULL;
        mms_interpolation *p = NULL;
        mms_error err;
        float out[14];
        uint8_t out_flag[14];

        assert_int_equal(mms_grid_make(c->nchan, c->freq_hz, c->width_hz, &opts, &grid, &err),
                         MMS_OK);
        assert_int_equal(grid->nchan, t[i].nout);
        const mms_interpolation_opts how = {sizeof how,     MMS_LINEAR,  0,
                                            c->nchan,       grid->nchan, grid->freq_hz,
                                            grid->width_hz, false,       MMS_NUMERICS_CASA};
        assert_int_equal(mms_interpolation_create(&how, &p, &err), MMS_OK);
        assert_int_equal(mms_interpolation_aim(p, c->freq_hz, &err), MMS_OK);
        void *scratch = aligned_alloc(64, 64 + (size_t)mms_interpolation_scratch(p, 1));
        mms_interpolation_values(p, 1, 1, 1, combined[i], flag, out, scratch);
        mms_interpolation_flags(p, 1, 1, flag, out_flag, scratch);
        assert_row("regridded", t[i].nout, 1, out, t[i].want);
        for (int64_t k = 0; k < t[i].nout; k++)
            assert_int_equal(out_flag[k], 0);
        free(scratch);
        mms_interpolation_free(&p);
        mms_grid_free(&grid);
        mms_combination_free(&c);
    }
}

/* T140, T141: weights go where the data go, and take the scale. */
static void weights_follow_a_regridded_row(void **state)
{
    const double x[] = {1, 2, 3, 4}, point[] = {1.5, 2.5, 3.5, 4.5};
    const double want[] = {1.5, 3, 6, 8}, scaled[] = {1.500015, 3.00003, 6.00006, 8.00008};
    const mms_interpolation_opts how = {sizeof how, MMS_LINEAR,       0, 4, 4, point, NULL,
                                        false,      MMS_NUMERICS_CASA};
    float data[] = {1, 0, 2, 0, 4, 0, 8, 0}, out_data[8], weight[] = {1, 2, 4, 8}, mean[1];
    uint8_t flag[] = {0, 0, 0, 0};
    const mms_weight_choice choice =
        mms_choose_weights(MMS_KIND_BIT(MMS_KIND_CORRECTED), true, false);
    mms_spectrum in = {4, 1, 1, 0, {{MMS_KIND_CORRECTED, false, data}}, flag, {NULL}, {NULL}};
    mms_spectrum out = {4, 1, 1, 0, {{MMS_KIND_CORRECTED, false, out_data}}, NULL, {NULL}, {NULL}};
    void *memory = aligned_alloc(64, 4096);
    mms_interpolation *p = NULL;
    mms_error err;
    float re[4];

    (void)state;
    in.weights[MMS_BY_WEIGHT] = weight;
    mms_spectrum_make(&choice, memory, &out);
    assert_int_equal(mms_interpolation_create(&how, &p, &err), MMS_OK);
    assert_int_equal(mms_interpolation_aim(p, x, &err), MMS_OK);
    mms_regrid_row(p, 1.00001, &choice, &in, &out, memory);
    for (int k = 0; k < 4; k++) {
        re[k] = out_data[2 * k];
        assert_int_equal(out.flag[k], k == 3);
        assert_int_equal(out.weight_flag[MMS_BY_WEIGHT][k], k == 3);
    }
    assert_row("T140", 4, 1, re, want);
    assert_row("T141", 4, 1, out.weights[MMS_BY_WEIGHT], scaled);
    mms_mean_spectrum(4, 1, out.weights[MMS_BY_WEIGHT], out.weight_flag[MMS_BY_WEIGHT], mean);
    assert_true(fabs((double)mean[0] / 3.500035 - 1) < 1e-6);
    mms_interpolation_free(&p);
    free(memory);
}

static void cells_are_separated(void **state)
{
    const uint8_t cells[2][5] = {{0, 1, 2, 3, 4}, {5, 6, 7, 8, 9}};
    mms_separation parts;
    mms_error err;
    uint8_t out[6];

    (void)state;
    assert_int_equal(mms_separate(5, 2, &parts, &err), MMS_OK);
    mms_separate_cells(&parts, 0, 2, 5, 1, cells, out);
    assert_memory_equal(out, ((uint8_t[]){0, 1, 2, 5, 6, 7}), 6);
    mms_separate_cells(&parts, 1, 2, 5, 1, cells, out);
    assert_memory_equal(out, ((uint8_t[]){3, 4, 8, 9}), 4);
    assert_int_equal(mms_separation_first(&parts, 1), 3);
    assert_int_equal(mms_separation_count(&parts, 1), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grids_are_put_together_as_specified),
        cmocka_unit_test(windows_that_do_not_fit_are_refused),
        cmocka_unit_test(rows_are_combined_as_specified),
        cmocka_unit_test(exact_rows_take_all_good_channels),
        cmocka_unit_test(fractions_count_by_their_number),
        cmocka_unit_test(combined_windows_are_regridded),
        cmocka_unit_test(weights_follow_a_regridded_row),
        cmocka_unit_test(cells_are_separated),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
