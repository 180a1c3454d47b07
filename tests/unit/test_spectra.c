/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file test_spectra.c  Channel average, Hanning smoothing and weights (transform-numerics 0, 1.3,
 * 3, 4, 9); Tnnn are its cases. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <float.h>
#include <math.h>

#include "base/base_priv.h"
#include "transform/continuum.h"
#include "transform/spectra.h"
#include "transform/transform.h"

enum { MOST = 64, DATA = 1, CORRECTED = 2, MODEL = 4, FLOATS = 8 };

#define assert_near(got, want, most)                               \
    do {                                                           \
        const double g = (got), w = (want);                        \
        if (!(fabs(g - w) <= (most)))                              \
            fail_msg("line %d: %.17g, not %.17g", __LINE__, g, w); \
    } while (0)

/** Room for small spectra: data of column i in data[i]. */
struct cells {
    mms_complex data[MMS_MAX_KINDS][MOST];
    uint8_t flag[MOST];
    float weight[MOST], sigma[MOST], weights[MOST], sigmas[MOST];
};

static mms_spectra view(struct cells *c, unsigned kinds, int64_t nrow, int64_t nchan, int64_t ncorr)
{
    mms_spectra s = {.nrow = nrow,
                     .nchan = nchan,
                     .ncorr = ncorr,
                     .flag = c->flag,
                     .weight = c->weight,
                     .sigma = c->sigma,
                     .weight_spectrum = c->weights,
                     .sigma_spectrum = c->sigmas};

    for (int kind = 0; kind < MMS_MAX_KINDS; kind++)
        if (kinds & MMS_KIND_BIT(kind)) {
            s.column[s.ncolumn] = (mms_spectra_column){(mms_data_kind)kind, kind == MMS_KIND_FLOAT,
                                                       c->data[s.ncolumn]};
            s.ncolumn++;
        }
    return s;
}

/** Weights and sigmas 1, no flags. */
static void start(struct cells *c)
{
    memset(c, 0, sizeof *c);
    for (int i = 0; i < MOST; i++)
        c->weight[i] = c->sigma[i] = c->weights[i] = c->sigmas[i] = 1;
}

static mms_spectral_axis *make_axis(int64_t nchan, double first, double step, double resolution)
{
    static double values[4][MOST * 4];
    static mms_spectral_axis axis;

    assert_true(nchan <= MOST * 4);
    axis = (mms_spectral_axis){nchan, values[0], values[1], values[2], values[3], 0, first};
    for (int64_t k = 0; k < nchan; k++) {
        axis.freq_hz[k] = first + (double)k * step;
        axis.width_hz[k] = step;
        axis.resolution_hz[k] = resolution;
        axis.effective_bw_hz[k] = 9;
        axis.total_bandwidth_hz += fabs(step);
    }
    return &axis;
}

static mms_spectral_plan *prepare(const mms_spectral_axis *axis, const mms_spectral_opts *opts)
{
    mms_spectral_plan *plan;
    mms_error err = {MMS_OK, ""};

    if (mms_spectral_prepare(axis, opts, &plan, &err) != MMS_OK)
        fail_msg("%s", err.msg);
    return plan;
}

/** Plan for a window as in shows it, and apply. */
static void transform(const mms_spectral_opts *opts, const mms_spectra *in, mms_spectra *out)
{
    mms_spectral_plan *plan = prepare(make_axis(in->nchan, 1000, 10, 10), opts);
    void *scratch = mms_alloc(mms_spectral_scratch(plan, in->ncorr), 1);
    mms_error err = {MMS_OK, ""};

    assert_int_equal(mms_spectral_nchan_in(plan), in->nchan);
    out->nchan = mms_spectral_nchan_out(plan);
    if (mms_spectral_apply(plan, in, out, scratch, &err) != MMS_OK)
        fail_msg("%s", err.msg);
    free(scratch);
    mms_spectral_plan_free(&plan);
}

static mms_spectral_opts averaging(int64_t chanbin, unsigned kinds)
{
    mms_spectral_opts opts = MMS_SPECTRAL_OPTS_INIT;

    opts.chanbin = chanbin;
    opts.kinds = kinds;
    return opts;
}

static mms_spectral_opts smoothing(unsigned kinds)
{
    mms_spectral_opts opts = MMS_SPECTRAL_OPTS_INIT;

    opts.hanning = true;
    opts.kinds = kinds;
    return opts;
}

#define ASSERT_FLOATS(got, ...)                                \
    assert_floats(__LINE__, got, (const float[]){__VA_ARGS__}, \
                  MMS_COUNT_OF(((const float[]){__VA_ARGS__})))

/** Equal to 1e-7 of the value; NaN equals NaN. */
static void assert_floats(int line, const float *got, const float *want, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        if (!(got[i] == want[i] || (isnan(got[i]) && isnan(want[i])) ||
              fabsf(got[i] - want[i]) <= 2e-7f * fabsf(want[i])))
            fail_msg("line %d: value %d is %.9g, not %.9g", line, (int)i, (double)got[i],
                     (double)want[i]);
}

#define ASSERT_REAL(got, ...)                                \
    assert_real(__LINE__, got, (const float[]){__VA_ARGS__}, \
                MMS_COUNT_OF(((const float[]){__VA_ARGS__})))

static void assert_real(int line, const mms_complex *got, const float *want, int64_t n)
{
    const float *parts = (const float *)got;

    for (int64_t i = 0; i < n; i++)
        assert_floats(line, parts + 2 * i, want + i, 1);
}

static void set_flags(struct cells *c, const char *flags)
{
    for (int i = 0; flags[i]; i++)
        c->flag[i] = flags[i] == 'T';
}

static void assert_flags(const struct cells *c, const char *want)
{
    char got[MOST + 1] = "";

    for (size_t i = 0; i < strlen(want); i++)
        got[i] = "FT"[c->flag[i]];
    assert_string_equal(got, want);
}

static void set_real(mms_complex *data, int64_t n, const float *values)
{
    for (int64_t i = 0; i < n; i++)
        data[i] = values[i];
}

#define SET_REAL(data, ...) \
    set_real(data, MMS_COUNT_OF(((const float[]){__VA_ARGS__})), (const float[]){__VA_ARGS__})
#define SET_FLOATS(to, ...) \
    memcpy(to, ((const float[]){__VA_ARGS__}), sizeof((const float[]){__VA_ARGS__}))

/* ---- weights ----------------------------------------------------------------------------------*/

/* T001, T002. */
static void weights_and_sigmas_have_odd_values(void **state)
{
    const float sigma[] = {2, 0.5f, 0, -1, 1e-30f, 1e20f, NAN};
    const float weight[] = {4, 0.25f, 0, -1, 1e-40f, 2e7f, INFINITY};
    float out[7];

    (void)state;
    mms_sigma_to_weight(7, sigma, out);
    ASSERT_FLOATS(out, 0.25f, 4, 0, 0, INFINITY, 0, 0);
    mms_weight_to_sigma(7, weight, out);
    ASSERT_FLOATS(out, 0.5f, 2, -1, -1, -1, 0.00022360681f, 0);
}

/* 0.4 takes reciprocals in double: the same bits as in float. */
static void reciprocals_round_once(void **state)
{
    (void)state;
    for (uint32_t bits = 0x00800000; bits < 0x7f800000; bits += 65521) {
        float x, weight, sigma;
        memcpy(&x, &bits, sizeof x);
        mms_sigma_to_weight(1, &x, &weight);
        mms_weight_to_sigma(1, &x, &sigma);
        assert_true(x <= FLT_MIN || weight == (float)(1.0 / (double)(x * x)));
        assert_true(x <= FLT_MIN || sigma == (float)(1.0 / (double)sqrtf(x)));
    }
}

/* T003. */
static void mean_of_a_spectrum_takes_good_channels(void **state)
{
    const float x[] = {1, 2, 3, 4};
    const char *const flags[] = {"FTFF", "TTTT", "TTFT", "FFFF", "TFFT"};
    const float want[] = {2.66666675f, 2.5f, 3, 2.5f, 2.5f};
    struct cells c;

    (void)state;
    for (int i = 0; i < 5; i++) {
        float mean;
        set_flags(&c, flags[i]);
        mms_mean_spectrum(4, 1, x, c.flag, &mean);
        assert_floats(__LINE__, &mean, &want[i], 1);
    }
}

/* T004, T005, T006 and the other rows of the table of 0.5. */
static void split_weights_follow_the_columns(void **state)
{
    struct cells c;
    mms_spectra s = view(&c, 0, 1, 1, 4);

    (void)state;
    assert_int_equal(mms_split_weight_rule(DATA, false), MMS_WEIGHTS_FROM_SIGMA);
    assert_int_equal(mms_split_weight_rule(DATA | MODEL, false), MMS_WEIGHTS_FROM_SIGMA);
    assert_int_equal(mms_split_weight_rule(MODEL, true), MMS_WEIGHTS_FROM_SIGMA);
    assert_int_equal(mms_split_weight_rule(FLOATS, false), MMS_WEIGHTS_FROM_SIGMA);
    assert_int_equal(mms_split_weight_rule(CORRECTED, false), MMS_WEIGHTS_FROM_SIGMA);
    assert_int_equal(mms_split_weight_rule(CORRECTED, true), MMS_SIGMA_FROM_WEIGHTS);
    assert_int_equal(mms_split_weight_rule(DATA | CORRECTED, false), MMS_WEIGHTS_COPY);
    assert_int_equal(mms_split_weight_rule(0, false), MMS_WEIGHTS_COPY);

    s.weight_spectrum = s.sigma_spectrum = NULL;
    SET_FLOATS(c.sigma, 4, 3, 2, 1);
    SET_FLOATS(c.weight, 9, 9, 9, 9);
    mms_split_weights(MMS_WEIGHTS_COPY, MMS_NUMERICS_CASA, &s, &s);
    ASSERT_FLOATS(c.weight, 9, 9, 9, 9);
    mms_split_weights(MMS_WEIGHTS_FROM_SIGMA, MMS_NUMERICS_CASA, &s, &s);
    ASSERT_FLOATS(c.weight, 0.0625f, 0.111111112f, 0.25f, 1);
    ASSERT_FLOATS(c.sigma, 4, 3, 2, 1);
    SET_FLOATS(c.weight, 4, 0.25f, 0, 16);
    mms_split_weights(MMS_SIGMA_FROM_WEIGHTS, MMS_NUMERICS_CASA, &s, &s);
    ASSERT_FLOATS(c.weight, 4, 0.25f, 0, 16);
    ASSERT_FLOATS(c.sigma, 0.5f, 2, -1, 0.25f);
}

/* 0.5 [right]: WEIGHT_SPECTRUM is rebuilt from SIGMA_SPECTRUM; CASA copies it (split-spectra-data).
 */
static void exact_split_rebuilds_the_weight_spectrum(void **state)
{
    struct cells in, out;
    mms_spectra a = view(&in, DATA, 1, 3, 1), b = view(&out, DATA, 1, 3, 1);

    (void)state;
    SET_FLOATS(in.weight, 9);
    SET_FLOATS(in.sigma, 2);
    SET_FLOATS(in.weights, 1, 4, 0);
    SET_FLOATS(in.sigmas, 2, 4, 0.5f);
    mms_split_weights(MMS_WEIGHTS_FROM_SIGMA, MMS_NUMERICS_CASA, &a, &b);
    ASSERT_FLOATS(out.weights, 1, 4, 0);
    ASSERT_FLOATS(out.sigmas, 2, 4, 0.5f);
    ASSERT_FLOATS(out.weight, 0.25f);
    mms_split_weights(MMS_WEIGHTS_FROM_SIGMA, MMS_NUMERICS_EXACT, &a, &b);
    ASSERT_FLOATS(out.weights, 0.25f, 0.0625f, 4);
    mms_split_weights(MMS_SIGMA_FROM_WEIGHTS, MMS_NUMERICS_CASA, &a, &b);
    ASSERT_FLOATS(out.sigmas, 1, 0.5f, -1);

    a.weight_spectrum = a.sigma_spectrum = NULL; /* usewtspectrum */
    mms_split_weights(MMS_WEIGHTS_COPY, MMS_NUMERICS_CASA, &a, &b);
    ASSERT_FLOATS(out.weights, 9, 9, 9);
    ASSERT_FLOATS(out.sigmas, 2, 2, 2);
}

/* T007: SIGMA is the mean of the sigmas. */
static void transformed_sigma_is_the_mean_of_sigmas(void **state)
{
    const mms_spectral_opts opts = averaging(1, CORRECTED);
    struct cells in, out;
    mms_spectra a = view(&in, CORRECTED, 1, 2, 1), b = view(&out, CORRECTED, 1, 2, 1);

    (void)state;
    start(&in);
    SET_FLOATS(in.weights, 4, 5);
    transform(&opts, &a, &b);
    ASSERT_FLOATS(out.weight, 4.5f);
    ASSERT_FLOATS(out.sigmas, 0.5f, 0.44721359f);
    ASSERT_FLOATS(out.sigma, 0.473606795f);
}

/* The table of 0.6, FLOAT alone like DATA in both modes ([right]). */
static void new_weights_come_from_the_right_column(void **state)
{
    const struct {
        unsigned kinds;
        float weight, sigma;
    } rows[] = {
        {DATA, 0.5f, 1.41421354f},
        {DATA | MODEL, 0.5f, 1.41421354f},
        {CORRECTED, 18, 0.235702261f},
        {MODEL, 2, 0.707106769f},
        {FLOATS, 0.5f, 1.41421354f},
        {DATA | CORRECTED, 18, 1.41421354f},
        {CORRECTED | MODEL, 18, 0.235702261f},
    };

    (void)state;
    for (int64_t i = 0; i < 2 * MMS_COUNT_OF(rows); i++) {
        mms_spectral_opts opts = averaging(2, rows[i / 2].kinds);
        struct cells in, out;
        mms_spectra a = view(&in, opts.kinds, 1, 4, 1), b = view(&out, opts.kinds, 1, 2, 1);
        start(&in);
        in.weight[0] = 9;
        in.sigma[0] = 2;
        a.weight_spectrum = a.sigma_spectrum = b.weight_spectrum = b.sigma_spectrum = NULL;
        opts.numerics = i % 2 ? MMS_NUMERICS_EXACT : MMS_NUMERICS_CASA;
        transform(&opts, &a, &b);
        assert_floats(__LINE__, out.weight, &rows[i / 2].weight, 1);
        assert_floats(__LINE__, out.sigma, &rows[i / 2].sigma, 1);
    }
}

/* ---- channel average --------------------------------------------------------------------------*/

/* T024, T025, T026, and a bin that is the window. */
static void plain_means_restart_at_the_first_good_channel(void **state)
{
    mms_spectral_opts opts = averaging(2, DATA);
    struct cells in, out;
    mms_spectra a = view(&in, DATA, 1, 4, 1), b = view(&out, DATA, 1, 2, 1);

    (void)state;
    a.weight_spectrum = a.sigma_spectrum = NULL;
    start(&in);
    SET_REAL(in.data[0], 1, 3, 5, 7);
    ((float *)in.data[0])[1] = ((float *)in.data[0])[3] = 1;
    transform(&opts, &a, &b);
    ASSERT_FLOATS((float *)out.data[0], 2, 1, 6, 0);
    assert_flags(&out, "FF");

    SET_REAL(in.data[0], 1, 3, 5, 7);
    set_flags(&in, "FTTT");
    transform(&opts, &a, &b);
    ASSERT_REAL(out.data[0], 1, 6);
    assert_flags(&out, "FT");

    a.nchan = opts.chanbin = 3;
    SET_REAL(in.data[0], 9, 1, 3);
    set_flags(&in, "TFF");
    transform(&opts, &a, &b);
    assert_int_equal(b.nchan, 1);
    ASSERT_REAL(out.data[0], 2);
    assert_flags(&out, "F");
}

/* T027, T028, T220, and a NaN weight. */
static void weighted_means_flag_bins_without_weight(void **state)
{
    mms_spectral_opts opts = averaging(2, CORRECTED);
    struct cells in, out;
    mms_spectra a = view(&in, CORRECTED, 1, 4, 1), b = view(&out, CORRECTED, 1, 2, 1);

    (void)state;
    opts.weight_spectrum = true;
    start(&in);
    SET_REAL(in.data[0], 1, 3, 5, 7);
    SET_FLOATS(in.weights, 1, 3, 0, 0);
    transform(&opts, &a, &b);
    ASSERT_REAL(out.data[0], 2.5f, 0);
    assert_flags(&out, "FT");

    SET_REAL(in.data[0], 2, 4, 6, 8);
    SET_FLOATS(in.weights, 1, 1, 2, 2);
    set_flags(&in, "TTFT");
    transform(&opts, &a, &b);
    ASSERT_REAL(out.data[0], 3, 6);
    assert_flags(&out, "TF");

    SET_REAL(in.data[0], 1, 2, 3, 4);
    SET_FLOATS(in.weights, INFINITY, 1, NAN, 1);
    set_flags(&in, "FFFF");
    transform(&opts, &a, &b);
    ASSERT_REAL(out.data[0], NAN, 0);
    assert_flags(&out, "FT");
}

/* T029, T030. */
static void weights_are_summed(void **state)
{
    mms_spectral_opts opts = averaging(2, CORRECTED);
    struct cells in, out;
    mms_spectra a = view(&in, CORRECTED, 1, 6, 1), b = view(&out, CORRECTED, 1, 3, 1);

    (void)state;
    opts.weight_spectrum = true;
    start(&in);
    SET_FLOATS(in.weights, 1, 2, 3, 4, 5, 6);
    set_flags(&in, "FFFTTT");
    transform(&opts, &a, &b);
    ASSERT_FLOATS(out.weights, 3, 3, 11);
    ASSERT_FLOATS(out.weight, 3);
    ASSERT_FLOATS(out.sigma, 0.577350259f);
    assert_flags(&out, "FFT");

    opts.weight_spectrum = false;
    a = view(&in, CORRECTED, 1, 4, 1);
    a.weight_spectrum = a.sigma_spectrum = NULL;
    b.weight_spectrum = b.sigma_spectrum = NULL;
    start(&in);
    in.weight[0] = 6;
    transform(&opts, &a, &b);
    ASSERT_FLOATS(out.weight, 12);
    ASSERT_FLOATS(out.sigma, 0.288675129f);
}

/* usewtspectrum makes spectra and leaves the plain kernel (0.4, usewtspectrum-zero-weight). */
static void plain_kernel_does_not_flag_zero_weights(void **state)
{
    const mms_spectral_opts opts = averaging(2, CORRECTED);
    struct cells in, out;
    mms_spectra a = view(&in, CORRECTED, 1, 2, 1), b = view(&out, CORRECTED, 1, 1, 1);

    (void)state;
    start(&in);
    SET_REAL(in.data[0], 1, 3);
    in.weight[0] = 0;
    a.weight_spectrum = a.sigma_spectrum = NULL;
    transform(&opts, &a, &b);
    ASSERT_REAL(out.data[0], 2);
    assert_flags(&out, "F");
    ASSERT_FLOATS(out.weights, 0);
    ASSERT_FLOATS(out.sigmas, -1);
}

/* T218, T219. */
static void sums_keep_the_order_of_channels(void **state)
{
    mms_spectral_opts opts = averaging(4, CORRECTED);
    struct cells in, out;
    mms_spectra a = view(&in, CORRECTED, 1, 4, 1), b = view(&out, CORRECTED, 1, 1, 1);

    (void)state;
    opts.weight_spectrum = true;
    start(&in);
    SET_REAL(in.data[0], 1e8f, 1, -1e8f, 1);
    transform(&opts, &a, &b);
    ASSERT_REAL(out.data[0], 0.25f);

    opts.weight_spectrum = false;
    SET_REAL(in.data[0], 1, NAN, 3, 5);
    transform(&opts, &a, &b);
    ASSERT_REAL(out.data[0], NAN);
    set_flags(&in, "FTFF");
    transform(&opts, &a, &b);
    ASSERT_REAL(out.data[0], 3);
}

/* ---- axis -------------------------------------------------------------------------------------*/

static void assert_axis(const mms_spectral_plan *plan, int64_t n, const double *freq, double width,
                        double resolution, double effective_bw)
{
    bool changed;
    const mms_spectral_axis *axis = mms_spectral_axis_out(plan, &changed);

    assert_true(changed);
    assert_int_equal(axis->nchan, n);
    for (int64_t i = 0; i < n; i++) {
        assert_near(axis->freq_hz[i], freq[i], 0);
        assert_near(axis->width_hz[i], width, 0);
        assert_near(axis->resolution_hz[i], resolution, 0);
        assert_near(axis->effective_bw_hz[i], effective_bw, 0);
    }
}

/* T017, T018; 1.3 [right]: EFFECTIVE_BW is that of the channels. */
static void selected_channels_describe_themselves(void **state)
{
    const double joined[] = {120, 130, 140, 200, 210}, stepped[] = {100, 130, 160, 190};
    const mms_channels ranges[] = {{0, 2, 4, 1}, {0, 10, 11, 1}}, step = {0, 0, 9, 3};
    mms_spectral_opts opts = MMS_SPECTRAL_OPTS_INIT;

    (void)state;
    opts.ranges = ranges;
    opts.nrange = 2;
    mms_spectral_plan *plan = prepare(make_axis(12, 100, 10, 12), &opts);
    assert_axis(plan, 5, joined, 10, 12, 12);
    assert_near(mms_spectral_axis_out(plan, NULL)->total_bandwidth_hz, 50, 0);
    assert_near(mms_spectral_axis_out(plan, NULL)->ref_freq_hz, 120, 0);
    mms_spectral_plan_free(&plan);

    opts.ranges = &step;
    opts.nrange = 1;
    plan = prepare(make_axis(12, 100, 10, 12), &opts);
    assert_axis(plan, 4, stepped, 10, 12, 12);
    mms_spectral_plan_free(&plan);

    opts.numerics = MMS_NUMERICS_EXACT;
    plan = prepare(make_axis(12, 100, 10, 12), &opts);
    assert_axis(plan, 4, stepped, 10, 12, 9);
    mms_spectral_plan_free(&plan);
}

/* T031; exact: EFFECTIVE_BW is the sum of the members'. */
static void remainder_is_dropped(void **state)
{
    const double freq[] = {1015, 1055};
    mms_spectral_opts opts = averaging(4, DATA);

    (void)state;
    opts.spw = 7;
    mms_spectral_plan *plan = prepare(make_axis(10, 1000, 10, 12), &opts);
    assert_axis(plan, 2, freq, 40, 42, 42);
    assert_near(mms_spectral_axis_out(plan, NULL)->total_bandwidth_hz, 80, 0);
    assert_near(mms_spectral_axis_out(plan, NULL)->ref_freq_hz, 1015, 0);
    assert_int_equal(mms_spectral_nwarning(plan), 2);
    assert_string_equal(mms_spectral_warning(plan, 0),
                        "Not enough input channels to populate output channel n# 2 from SPW 7.");
    assert_string_equal(mms_spectral_warning(plan, 1),
                        "The channel will be dropped in order to have an uniform grid.");
    mms_spectral_plan_free(&plan);

    opts.numerics = MMS_NUMERICS_EXACT;
    plan = prepare(make_axis(10, 1000, 10, 12), &opts);
    assert_axis(plan, 2, freq, 40, 42, 36);
    mms_spectral_plan_free(&plan);
}

/* T032, T033; a descending window with a remainder: CASA's totals (average-multi), and the right.
 */
static void descending_windows_keep_their_direction(void **state)
{
    const double freq[] = {125, 105};
    mms_spectral_opts opts = averaging(2, DATA);
    mms_spectral_plan *plan = prepare(make_axis(4, 130, -10, 10), &opts);

    (void)state;
    assert_axis(plan, 2, freq, -20, 20, 20);
    assert_near(mms_spectral_axis_out(plan, NULL)->ref_freq_hz, 105, 0);
    mms_spectral_plan_free(&plan);

    opts.chanbin = 3;
    plan = prepare(make_axis(7, 2000, -2, 2), &opts);
    assert_near(mms_spectral_axis_out(plan, NULL)->total_bandwidth_hz, 16, 0);
    assert_near(mms_spectral_axis_out(plan, NULL)->ref_freq_hz, 1988, 0);
    mms_spectral_plan_free(&plan);
    opts.numerics = MMS_NUMERICS_EXACT;
    plan = prepare(make_axis(7, 2000, -2, 2), &opts);
    assert_near(mms_spectral_axis_out(plan, NULL)->total_bandwidth_hz, 12, 0);
    assert_near(mms_spectral_axis_out(plan, NULL)->ref_freq_hz, 1992, 0);
    mms_spectral_plan_free(&plan);

    opts.numerics = MMS_NUMERICS_CASA;
    plan = prepare(make_axis(128, 1.4e9, 12207.5253, 14771.1056), &opts);
    const mms_spectral_axis *vla = mms_spectral_axis_out(plan, NULL);
    assert_int_equal(vla->nchan, 42);
    assert_near(vla->width_hz[0], 36622.5759, 1e-3);
    assert_near(vla->resolution_hz[41], 39186.1562, 1e-3);
    mms_spectral_plan_free(&plan);
}

/* T034, and errors. */
static void chanbin_fits_the_selection(void **state)
{
    const mms_channels ranges[] = {{3, 0, 1, 1}, {3, 3, 4, 1}}, beyond = {3, 0, 5, 1};
    mms_spectral_opts opts = averaging(8, DATA);
    mms_spectral_plan *plan;
    mms_error err;

    (void)state;
    opts.spw = 3;
    plan = prepare(make_axis(5, 100, 10, 10), &opts);
    assert_int_equal(mms_spectral_nchan_out(plan), 1);
    assert_int_equal(mms_spectral_nwarning(plan), 2);
    assert_string_equal(
        mms_spectral_warning(plan, 0),
        "Number of selected channels 5 for SPW 3 is smaller than specified chanbin 8");
    assert_string_equal(mms_spectral_warning(plan, 1), "Setting chanbin to 5 for SPW 3");
    mms_spectral_plan_free(&plan);
    mms_spectral_plan_free(&plan);

    opts.ranges = ranges;
    opts.nrange = 2;
    opts.chanbin = 3;
    assert_int_equal(mms_spectral_prepare(make_axis(5, 100, 10, 10), &opts, &plan, &err),
                     MMS_ERR_ARG);
    assert_string_equal(err.msg, "SPW 3: Channel selection does not allow to produce any output "
                                 "channel with the requested width 3");
    assert_null(plan);
    opts.ranges = &beyond;
    opts.nrange = 1;
    assert_int_equal(mms_spectral_prepare(make_axis(5, 100, 10, 10), &opts, &plan, &err),
                     MMS_ERR_RANGE);
    assert_string_equal(err.msg, "SPW 3: channels 0~5^1 of a window of 5 channels");
    opts.nrange = 0;
    opts.chanbin = -1;
    assert_int_equal(mms_spectral_prepare(make_axis(5, 100, 10, 10), &opts, &plan, &err),
                     MMS_ERR_ARG);
}

/* T036: both modes. */
static void bins_do_not_cross_ranges(void **state)
{
    const mms_channels ranges[] = {{0, 0, 2, 1}, {0, 6, 8, 1}};
    const double freq[] = {105, 165};
    mms_spectral_opts opts = averaging(2, DATA);
    struct cells in, out;
    mms_spectra a = view(&in, DATA, 1, 6, 1), b = view(&out, DATA, 1, 2, 1);
    mms_error err;

    (void)state;
    opts.ranges = ranges;
    opts.nrange = 2;
    start(&in);
    SET_REAL(in.data[0], 0, 1, 2, 6, 7, 8);
    mms_spectral_plan *plan = prepare(make_axis(12, 100, 10, 12), &opts);
    void *scratch = mms_alloc(mms_spectral_scratch(plan, 1), 1);
    assert_axis(plan, 2, freq, 20, 22, 22);
    assert_string_equal(mms_spectral_warning(plan, 2),
                        "Not enough input channels to populate output channel n# 3 from SPW 0.");
    assert_int_equal(mms_spectral_apply(plan, &a, &b, scratch, &err), MMS_OK);
    ASSERT_REAL(out.data[0], 0.5f, 6.5f);
    b.nchan = 3;
    assert_int_equal(mms_spectral_apply(plan, &a, &b, scratch, &err), MMS_ERR_SHAPE);
    free(scratch);
    mms_spectral_plan_free(&plan);
}

/* ---- Hanning ----------------------------------------------------------------------------------*/

static void smooth(struct cells *in, struct cells *out, int64_t nchan)
{
    const mms_spectral_opts opts = smoothing(CORRECTED);
    mms_spectra a = view(in, CORRECTED, 1, nchan, 1), b = view(out, CORRECTED, 1, nchan, 1);

    transform(&opts, &a, &b);
}

/* T038, T039, T040, T043, T044, T045, and a window of one channel. */
static void hanning_smooths_data_and_flags(void **state)
{
    struct cells in, out;

    (void)state;
    start(&in);
    SET_REAL(in.data[0], 0, 0, 1, 0, 0);
    smooth(&in, &out, 5);
    ASSERT_REAL(out.data[0], 0, 0.25f, 0.5f, 0.25f, 0);
    assert_flags(&out, "TFFFT");
    SET_REAL(in.data[0], 1, 1, 1, 1);
    smooth(&in, &out, 4);
    ASSERT_REAL(out.data[0], 1, 1, 1, 1);
    assert_flags(&out, "TFFT");
    SET_REAL(in.data[0], 1, 2, 3, 100, 5, 6, 7);
    set_flags(&in, "FFFTFFF");
    smooth(&in, &out, 7);
    ASSERT_REAL(out.data[0], 1, 2, 27, 52, 29, 6, 7);
    assert_flags(&out, "TFTTTFT");
    set_flags(&in, "FFFFFFF");
    smooth(&in, &out, 2);
    ASSERT_REAL(out.data[0], 1, 2);
    assert_flags(&out, "TT");
    ASSERT_FLOATS(out.weight, 1);
    smooth(&in, &out, 1);
    ASSERT_REAL(out.data[0], 1);
    assert_flags(&out, "T");
    SET_REAL(in.data[0], 1, NAN, 3, 4, 5);
    smooth(&in, &out, 5);
    ASSERT_REAL(out.data[0], 1, NAN, NAN, 4, 5);
    assert_flags(&out, "TFFFT");
    memcpy(in.data[0], ((const float[]){1, 2, 3, -1, -2, 0}), 6 * sizeof(float));
    smooth(&in, &out, 3);
    ASSERT_FLOATS((float *)out.data[0], 1, 2, 1.25f, 0, -2, 0);
    assert_flags(&out, "TFT");
}

/* T041, T042: a flagged edge does not enter WEIGHT. */
static void hanning_propagates_variances(void **state)
{
    struct cells in, out;

    (void)state;
    start(&in);
    smooth(&in, &out, 4);
    ASSERT_FLOATS(out.weights, 1, 2.66666675f, 2.66666675f, 1);
    ASSERT_FLOATS(out.weight, 2.66666675f);
    SET_FLOATS(in.weights, 1, 2, 0, 4, 5, 6);
    smooth(&in, &out, 6);
    ASSERT_FLOATS(out.weights, 1, 5.33333349f, 21.333334f, 13.333333f, 13.1506863f, 6);
    ASSERT_FLOATS(out.weight, 13.1506863f); /* all others are flagged */
    assert_flags(&out, "TFFFFT");
    SET_FLOATS(in.weights, 1, 0, 0, 0, 1);
    smooth(&in, &out, 5);
    ASSERT_FLOATS(out.weights, 1, 16, 0, 16, 1);
}

/* T023. */
static void average_comes_before_smoothing(void **state)
{
    mms_spectral_opts opts = averaging(2, DATA | MODEL);
    struct cells in, out;
    mms_spectra a = view(&in, opts.kinds, 1, 8, 1), b = view(&out, opts.kinds, 1, 4, 1);

    (void)state;
    opts.hanning = true;
    start(&in);
    SET_REAL(in.data[0], 1, 2, 3, 4, 5, 60, 7, 8);
    SET_REAL(in.data[1], 2, 4, 6, 8, 10, 120, 14, 16);
    transform(&opts, &a, &b);
    ASSERT_REAL(out.data[0], 1.5f, 10.25f, 19, 7.5f);
    ASSERT_REAL(out.data[1], 3, 20.5f, 38, 15);
    assert_flags(&out, "TFFT");
    ASSERT_FLOATS(out.weights, 2, 5.33333349f, 5.33333349f, 2);
}

/* 4 [right]: the window of smoothed channels; CASA leaves its row. */
static void exact_hanning_widens_the_resolution(void **state)
{
    mms_spectral_opts opts = smoothing(DATA);
    bool changed;
    mms_spectral_plan *plan = prepare(make_axis(4, 100, 10, 12), &opts);

    (void)state;
    assert_near(mms_spectral_axis_out(plan, &changed)->resolution_hz[1], 12, 0);
    assert_near(mms_spectral_axis_out(plan, &changed)->effective_bw_hz[1], 9, 0);
    assert_false(changed);
    mms_spectral_plan_free(&plan);
    opts.numerics = MMS_NUMERICS_EXACT;
    plan = prepare(make_axis(4, 100, 10, 12), &opts);
    assert_near(mms_spectral_axis_out(plan, &changed)->resolution_hz[1], 20, 0);
    assert_near(mms_spectral_axis_out(plan, &changed)->effective_bw_hz[1], 24, 0);
    assert_true(changed);
    mms_spectral_plan_free(&plan);
    plan = prepare(make_axis(4, 100, 10, 25), &opts);
    assert_near(mms_spectral_axis_out(plan, &changed)->resolution_hz[1], 25, 0);
    mms_spectral_plan_free(&plan);
}

/* FLOAT_DATA is smoothed and averaged as real numbers. */
static void real_data_have_one_float_a_cell(void **state)
{
    mms_spectral_opts opts = averaging(2, FLOATS);
    struct cells in, out;
    mms_spectra a = view(&in, FLOATS, 1, 4, 1), b = view(&out, FLOATS, 1, 2, 1);

    (void)state;
    start(&in);
    SET_FLOATS(in.data[0], 1, 3, 5, 8);
    transform(&opts, &a, &b);
    ASSERT_FLOATS((float *)out.data[0], 2, 6.5f);
    opts = smoothing(FLOATS);
    transform(&opts, &a, &b);
    ASSERT_FLOATS((float *)out.data[0], 1, 3, 5.25f, 8);
}

/* ---- any block, any shape ---------------------------------------------------------------------*/

enum { ROWS = 7, CHANNELS = 13 };

/** Random cells of many rows; one row in two has no flags, one in three only flags. */
struct random_rows {
    int64_t ncorr, ncell;
    mms_complex data[ROWS * CHANNELS * 5];
    uint8_t flag[ROWS * CHANNELS * 5];
    float weights[ROWS * CHANNELS * 5], sigmas[ROWS * CHANNELS * 5];
    float weight[ROWS * 5], sigma[ROWS * 5];
};

static float draw(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return (float)(*state >> 8) / (float)(1 << 24);
}

static void fill(struct random_rows *r, int64_t ncorr)
{
    uint32_t seed = 5;

    r->ncorr = ncorr;
    r->ncell = CHANNELS * ncorr;
    for (int64_t i = 0; i < ROWS * r->ncell; i++) {
        const int64_t row = i / r->ncell;
        float *const parts = (float *)&r->data[i];
        parts[0] = draw(&seed) - 0.5f;
        parts[1] = draw(&seed);
        r->flag[i] = row % 2 ? 0 : row % 3 == 2 ? 1 : draw(&seed) < 0.4f;
        r->weights[i] = draw(&seed) < 0.1f ? 0 : draw(&seed);
        r->sigmas[i] = draw(&seed);
    }
    for (int64_t i = 0; i < ROWS * ncorr; i++)
        r->weight[i] = r->sigma[i] = 1;
}

static mms_spectra rows_of(struct random_rows *r, int64_t nchan, int64_t first, int64_t count)
{
    const int64_t at = first * nchan * r->ncorr;

    return (mms_spectra){.nrow = count,
                         .nchan = nchan,
                         .ncorr = r->ncorr,
                         .ncolumn = 1,
                         .column = {{MMS_KIND_CORRECTED, false, r->data + at}},
                         .flag = r->flag + at,
                         .weight = r->weight + first * r->ncorr,
                         .sigma = r->sigma + first * r->ncorr,
                         .weight_spectrum = r->weights + at,
                         .sigma_spectrum = r->sigmas + at};
}

/** Transform ROWS rows in blocks. */
static void in_blocks(const mms_spectral_plan *plan, struct random_rows *in,
                      struct random_rows *out, int64_t block)
{
    void *scratch = mms_alloc(mms_spectral_scratch(plan, in->ncorr), 1);
    mms_error err;

    memset(out, 0, sizeof *out);
    out->ncorr = in->ncorr;
    for (int64_t first = 0; first < ROWS; first += block) {
        const int64_t n = first + block < ROWS ? block : ROWS - first;
        const mms_spectra a = rows_of(in, CHANNELS, first, n);
        mms_spectra b = rows_of(out, mms_spectral_nchan_out(plan), first, n);
        assert_int_equal(mms_spectral_apply(plan, &a, &b, scratch, &err), MMS_OK);
    }
    free(scratch);
}

static void blocks_of_any_size_give_the_same_bits(void **state)
{
    static struct random_rows in, whole, cut;

    (void)state;
    for (int64_t ncorr = 1; ncorr <= 5; ncorr++)
        for (int mode = 0; mode < 4; mode++) {
            mms_spectral_opts opts = averaging(mode < 3 ? 3 : 0, CORRECTED);
            opts.hanning = mode >= 2;
            opts.weight_spectrum = mode >= 1;
            mms_spectral_plan *plan = prepare(make_axis(CHANNELS, 100, 10, 10), &opts);
            fill(&in, ncorr);
            in_blocks(plan, &in, &whole, ROWS);
            for (int64_t block = 1; block < ROWS; block++) {
                in_blocks(plan, &in, &cut, block);
                assert_memory_equal(&cut, &whole, sizeof cut);
            }
            mms_spectral_plan_free(&plan);
        }
}

/** The weighted mean as 3.2 writes it, one correlation of one bin. */
static mms_complex mean_by_the_text(const struct random_rows *r, int64_t at, int64_t count,
                                    bool weighted, uint8_t *flag)
{
    bool state = r->flag[at];
    float re = 0, im = 0, n = 0;
    mms_complex mean = 0;

    for (int64_t i = at; i < at + count * r->ncorr; i += r->ncorr) {
        const float *d = (const float *)&r->data[i], w = weighted ? r->weights[i] : 1;
        if (r->flag[i] == state) {
            re += d[0] * w;
            im += d[1] * w;
            n += w;
        } else if (state) {
            state = false;
            re = d[0] * w;
            im = d[1] * w;
            n = w;
        }
    }
    *flag = state;
    if (weighted && !(n > 0)) {
        *flag = 1;
        return mean;
    }
    ((float *)&mean)[0] = re / n;
    ((float *)&mean)[1] = im / n;
    return mean;
}

static void lanes_give_the_bits_of_the_text(void **state)
{
    static struct random_rows in, out;

    (void)state;
    for (int64_t ncorr = 1; ncorr <= 5; ncorr++)
        for (int weighted = 0; weighted < 2; weighted++) {
            mms_spectral_opts opts = averaging(4, CORRECTED);
            opts.weight_spectrum = weighted;
            mms_spectral_plan *plan = prepare(make_axis(CHANNELS, 100, 10, 10), &opts);
            fill(&in, ncorr);
            in_blocks(plan, &in, &out, ROWS);
            for (int64_t i = 0; i < ROWS * 3 * ncorr; i++) {
                const int64_t row = i / (3 * ncorr), bin = i / ncorr % 3, corr = i % ncorr;
                const int64_t at = (row * CHANNELS + bin * 4) * ncorr + corr;
                uint8_t flag;
                const mms_complex want = mean_by_the_text(&in, at, 4, weighted, &flag);
                assert_memory_equal(&out.data[i], &want, sizeof want);
                assert_int_equal(out.flag[i], flag);
            }
            mms_spectral_plan_free(&plan);
        }
}

/** A row without flags is fitted at once; with one in a channel that has a line part by part. */
static void fits_together_have_the_bits_of_fits_apart(void **state)
{
    enum { CHANS = 13, LINE = 6 };
    double freq_hz[CHANS], chi2[2][8];
    float data[CHANS * 8], model[2][CHANS * 8];
    const float weights[4] = {1.5F, 0.3F, INFINITY, 2};
    uint8_t flag[2][CHANS * 4] = {{0}};

    (void)state;
    for (int i = 0; i < CHANS; i++)
        freq_hz[i] = 1e9 + 1e5 * i;
    for (int i = 0; i < CHANS * 8; i++)
        data[i] = (float)(i * 7919 % 101) / 3;
    for (int plain = 0; plain < 2; plain++)
        for (int64_t n = 1; n <= 8; n++) {
            const mms_continuum_opts opts = {CHANS, freq_hz, "1111110111111",   n % 4,
                                             1,     plain,   MMS_NUMERICS_EXACT};
            mms_continuum_row row = {n % 2 ? n : n / 2, n % 2 ? 1 : 2, data, .row_weight = weights};
            mms_continuum *c;
            if (row.ncorr > 4)
                continue;
            assert_int_equal(mms_continuum_create(&opts, &c, NULL), MMS_OK);
            void *scratch = malloc((size_t)mms_continuum_scratch(c));
            assert_non_null(scratch);
            flag[1][LINE * row.ncorr] = 1;
            for (int i = 0; i < 2; i++) {
                row.flag = flag[i];
                row.chi2 = chi2[i];
                assert_true(mms_continuum_fit(c, &row, model[i], scratch));
            }
            flag[1][LINE * row.ncorr] = 0;
            assert_memory_equal(model[0], model[1], (size_t)(CHANS * n) * sizeof(float));
            assert_memory_equal(chi2[0], chi2[1], (size_t)n * sizeof(double));
            free(scratch);
            mms_continuum_free(&c);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(weights_and_sigmas_have_odd_values),
        cmocka_unit_test(reciprocals_round_once),
        cmocka_unit_test(mean_of_a_spectrum_takes_good_channels),
        cmocka_unit_test(split_weights_follow_the_columns),
        cmocka_unit_test(exact_split_rebuilds_the_weight_spectrum),
        cmocka_unit_test(transformed_sigma_is_the_mean_of_sigmas),
        cmocka_unit_test(new_weights_come_from_the_right_column),
        cmocka_unit_test(plain_means_restart_at_the_first_good_channel),
        cmocka_unit_test(weighted_means_flag_bins_without_weight),
        cmocka_unit_test(weights_are_summed),
        cmocka_unit_test(plain_kernel_does_not_flag_zero_weights),
        cmocka_unit_test(sums_keep_the_order_of_channels),
        cmocka_unit_test(selected_channels_describe_themselves),
        cmocka_unit_test(remainder_is_dropped),
        cmocka_unit_test(descending_windows_keep_their_direction),
        cmocka_unit_test(chanbin_fits_the_selection),
        cmocka_unit_test(bins_do_not_cross_ranges),
        cmocka_unit_test(hanning_smooths_data_and_flags),
        cmocka_unit_test(hanning_propagates_variances),
        cmocka_unit_test(average_comes_before_smoothing),
        cmocka_unit_test(exact_hanning_widens_the_resolution),
        cmocka_unit_test(real_data_have_one_float_a_cell),
        cmocka_unit_test(blocks_of_any_size_give_the_same_bits),
        cmocka_unit_test(lanes_give_the_bits_of_the_text),
        cmocka_unit_test(fits_together_have_the_bits_of_fits_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
