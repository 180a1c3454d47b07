/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Interpolation and shifts of spectra: the cases of transform-numerics 11 for 6.4, 6.5 and 6.6. */
#include <complex.h>
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

enum { MAX = 16 };

static void *scratch_of(const mms_interpolation *p, int64_t ncorr)
{
    const size_t bytes = (size_t)mms_interpolation_scratch(p, ncorr);
    void *memory = aligned_alloc(64, (bytes + 64) / 64 * 64);

    assert_non_null(memory);
    return memory;
}

static mms_interpolation *aimed(mms_interpolation_method method, int64_t nin, const double *x,
                                int64_t nout, const double *freq, const double *width, bool wide,
                                mms_numerics numerics)
{
    const mms_interpolation_opts opts = {sizeof opts, method, 0,    nin,     nout,
                                         freq,        width,  wide, numerics};
    mms_interpolation *p = NULL;
    mms_error err;

    assert_int_equal(mms_interpolation_create(&opts, &p, &err), MMS_OK);
    assert_int_equal(mms_interpolation_aim(p, x, &err), MMS_OK);
    return p;
}

static void assert_flags(const char *name, int64_t n, const uint8_t *flag, const char *want)
{
    char have[MAX + 1] = "";

    for (int64_t i = 0; i < n; i++)
        have[i] = flag[i] ? 'T' : 'F';
    if (strcmp(have, want) != 0)
        fail_msg("%s: flags %s, not %s", name, have, want);
}

static void assert_values(const char *name, int64_t n, const float *have, const double *want,
                          double tolerance)
{
    for (int64_t i = 0; i < n; i++) {
        const bool same =
            isnan(want[i]) ? isnan(have[i])
                           : fabs((double)have[i] - want[i]) <= tolerance * fmax(1, fabs(want[i]));
        if (!same)
            fail_msg("%s: value %d is %.9g, not %.9g", name, (int)i, (double)have[i], want[i]);
    }
}

/* ---- 6.5 --------------------------------------------------------------------------------------*/

struct spectrum_case {
    const char *name;
    mms_interpolation_method method;
    int nin;
    double x[8];
    float y[8];
    const char *flag;
    int nout;
    double point[8], want[8];
    const char *want_flag;
    double tolerance;
};

#define X4         \
    4,             \
    {              \
        1, 2, 3, 4 \
    }
#define X5            \
    5,                \
    {                 \
        0, 1, 2, 3, 4 \
    }
#define Y4             \
    {                  \
        10, 20, 30, 40 \
    }
#define P7                             \
    7, {0.5, 1, 1.25, 2, 3.5, 4, 4.5}, \
    {                                  \
        10, 10, 12.5, 20, 35, 40, 40   \
    }

static const struct spectrum_case cases[] = {
    {"T124", MMS_LINEAR, X4, Y4, "FFFF", P7, "TFFFFFT", 0},
    {"T125", MMS_LINEAR, X4, Y4, "FTFF", P7, "TFTTFFT", 0},
    {"T126", MMS_LINEAR, X4, Y4, "TFFF", P7, "TTTFFFT", 0},
    {"T127",
     MMS_NEAREST,
     X4,
     Y4,
     "FTFF",
     7,
     {0.5, 1.4, 1.5, 1.6, 2, 3.5, 4.2},
     {10, 10, 10, 20, 20, 30, 40},
     "TFFTTFT",
     0},
    {"T128",
     MMS_CUBIC,
     X5,
     {0, 1, 8, 27, 64},
     "FFFFF",
     6,
     {0.5, 1.5, 2.5, 3.5, -0.5, 4.5},
     {0.125, 3.375, 15.625, 42.875, -0.125, 91.125},
     "FFFFTT",
     1e-6},
    {"T129",
     MMS_CUBIC,
     X5,
     {0, 0, 1, 0, 0},
     "FFTFF",
     4,
     {0.5, 1.5, 2.5, 3.5},
     {-0.3125, 0.5625, 0.5625, -0.3125},
     "FTTF",
     1e-6},
    {"T130",
     MMS_SPLINE,
     X5,
     {0, 0, 1, 0, 0},
     "FFTFF",
     5,
     {0.5, 1.5, 2.5, 3.5, 2},
     {-0.09375, 0.674107194, 0.607142925, -0.160714284, 1},
     "FTTFT",
     1e-6},
    {"T131",
     MMS_SPLINE,
     X5,
     {1, 0, 0, 0, 0},
     "FFFFF",
     4,
     {0.5, 1.5, 2.5, 3.5},
     {0.40625, -0.0669642836, 0.0200892873, -0.0066964291},
     "FFFF",
     1e-6},
    {"T132",
     MMS_SPLINE,
     3,
     {1, 2, 3},
     {1, 4, 9},
     "FFF",
     2,
     {1.5, 2.5},
     {2.3125, 6.3125},
     "FF",
     1e-6},
    {"T133",
     MMS_LINEAR,
     4,
     {4, 3, 2, 1},
     {40, 30, 20, 10},
     "FFTF",
     3,
     {3.75, 2.5, 1},
     {37.5, 25, 10},
     "FTF",
     0},
    {"T134", MMS_NEAREST, 3, {3, 2, 1}, {30, 20, 10}, "FFF", 2, {1.5, 2.5}, {20, 30}, "FF", 0},
    {"T135",
     MMS_LINEAR,
     X4,
     Y4,
     "FTFF",
     4,
     {1 + 1e-9, 2 + 1e-9, 3 + 1e-9, 4 + 1e-9},
     Y4,
     "TTFT",
     1e-6},
    {"T136",
     MMS_LINEAR,
     X4,
     Y4,
     "FTFF",
     4,
     {1 - 1e-9, 2 - 1e-9, 3 - 1e-9, 4 - 1e-9},
     Y4,
     "TTTF",
     1e-6},
    {"T137", MMS_LINEAR, X4, Y4, "FTFF", 4, {1, 2 + 2e-16, 3, 4}, Y4, "FTFF", 0},
    {"T138a", MMS_LINEAR, X4, {1, NAN, 3, 4}, "FFFF", 4, {1, 2, 3, 4}, {1, NAN, 3, 4}, "FFFF", 0},
    {"T138b",
     MMS_LINEAR,
     X4,
     {1, NAN, 3, 4},
     "FFFF",
     3,
     {1.5, 2.5, 3.5},
     {NAN, NAN, 3.5},
     "FFF",
     0},
    {"T139", MMS_LINEAR, 1, {5}, {7}, "F", 3, {4, 5, 6}, {7, 7, 7}, "TTT", 0},
    {"T139 cubic", MMS_CUBIC, 1, {5}, {7}, "F", 3, {4, 5, 6}, {7, 7, 7}, "TTT", 0},
    {"T139 spline", MMS_SPLINE, 1, {5}, {7}, "F", 3, {4, 5, 6}, {7, 7, 7}, "TTT", 0},
    {"T140",
     MMS_LINEAR,
     X4,
     {1, 2, 4, 8},
     "FFFF",
     4,
     {1.5, 2.5, 3.5, 4.5},
     {1.5, 3, 6, 8},
     "FFFT",
     0},
    {"spline of two", MMS_SPLINE, 2, {1, 3}, {1, 5}, "FT", 3, {1, 2, 3}, {1, 3, 5}, "TTT", 1e-6},
    {"nodes of a spline", MMS_SPLINE, X4, Y4, "TFFF", 4, {1, 2, 3, 4}, Y4, "TTFF", 1e-6},
    {"nodes of a cubic", MMS_CUBIC, X4, Y4, "FFTF", 4, {1, 2, 3, 4}, Y4, "FFTT", 0},
    {"points in disorder",
     MMS_LINEAR,
     X4,
     Y4,
     "TFFF",
     4,
     {4, 1.5, 3.5, 2},
     {40, 15, 35, 20},
     "FTFF",
     0},
};

/* The same spectrum in complex data of ncorr correlations, c of which is y + c i y, and as real. */
static void run_case(const struct spectrum_case *c, int nfloat, int64_t ncorr)
{
    mms_interpolation *p =
        aimed(c->method, c->nin, c->x, c->nout, c->point, NULL, false, MMS_NUMERICS_CASA);
    void *scratch = scratch_of(p, ncorr);
    float in[2 * MAX * MAX], out[2 * MAX * MAX], one[MAX];
    uint8_t flag[MAX * MAX], out_flag[MAX * MAX], one_flag[MAX];
    double want[MAX];

    for (int64_t i = 0; i < c->nin * ncorr; i++) {
        const float y = c->y[i / ncorr];
        flag[i] = c->flag[i / ncorr] == 'T';
        in[nfloat * i] = y;
        if (nfloat == 2)
            in[2 * i + 1] = (float)(i % ncorr) * y;
    }
    mms_interpolation_values(p, 1, ncorr, nfloat, in, flag, out, scratch);
    mms_interpolation_flags(p, 1, ncorr, flag, out_flag, scratch);
    for (int64_t f = 0; f < ncorr * nfloat; f++) {
        const double factor = nfloat == 2 && f % 2 ? (double)(f / 2) : 1;
        for (int i = 0; i < c->nout; i++) {
            one[i] = out[i * ncorr * nfloat + f];
            one_flag[i] = out_flag[i * ncorr + f / nfloat];
            want[i] = factor * c->want[i];
        }
        assert_values(c->name, c->nout, one, want, c->tolerance);
        assert_flags(c->name, c->nout, one_flag, c->want_flag);
    }
    free(scratch);
    mms_interpolation_free(&p);
}

static void spectra_are_interpolated_as_specified(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (int64_t ncorr = 1; ncorr <= 5; ncorr++)
            for (int nfloat = 1; nfloat <= 2; nfloat++)
                run_case(&cases[i], nfloat, ncorr);
}

static void bad_axes_are_refused(void **state)
{
    const double point[] = {1, 2}, repeated[] = {1, 2, 2, 3}, bent[] = {1, 3, 2, 4};
    const double nan_axis[] = {1, NAN, 3, 4};
    mms_interpolation_opts opts = {sizeof opts, MMS_CUBIC, 5, 3, 2, point, NULL, false, 0};
    mms_interpolation *p = NULL;
    mms_error err;

    (void)state;
    assert_int_equal(mms_interpolation_create(&opts, &p, &err), MMS_ERR_ARG);
    assert_non_null(strstr(err.msg, "interpolation='cubic' needs 4 channels, SPW 5 has 3"));
    opts.nchan_in = 0;
    assert_int_equal(mms_interpolation_create(&opts, &p, &err), MMS_ERR_RANGE);
    opts.nchan_in = 4;
    assert_int_equal(mms_interpolation_create(&opts, &p, &err), MMS_OK);
    assert_int_equal(mms_interpolation_aim(p, repeated, &err), MMS_ERR_RANGE);
    assert_int_equal(mms_interpolation_aim(p, bent, &err), MMS_ERR_RANGE);
    assert_int_equal(mms_interpolation_aim(p, nan_axis, &err), MMS_ERR_RANGE);
    mms_interpolation_free(&p);
}

/* T179, T180: a grid of as many points as there are input channels, then running means. */
static void wide_channels_take_means(void **state)
{
    const double x[] = {1, 2, 3, 4, 5, 6, 7, 8}, freq[] = {2.5, 6.5}, width[] = {4, 4};
    const double down[] = {6.5, 2.5}, want[] = {2.125, 6}, want_down[] = {6, 2.125};
    const float y[] = {1, 2, 3, 4, 5, 6, 7, 8};
    const uint8_t flag[8] = {0};

    (void)state;
    for (int i = 0; i < 2; i++) {
        mms_interpolation *p =
            aimed(MMS_LINEAR, 8, x, 2, i ? down : freq, width, true, MMS_NUMERICS_CASA);
        void *scratch = scratch_of(p, 1);
        float out[2];
        uint8_t out_flag[2];
        mms_interpolation_values(p, 1, 1, 1, y, flag, out, scratch);
        mms_interpolation_flags(p, 1, 1, flag, out_flag, scratch);
        assert_values("T180", 2, out, i ? want_down : want, 1e-6);
        assert_flags("T180", 2, out_flag, i ? "FT" : "TF");
        free(scratch);
        mms_interpolation_free(&p);
    }
}

/* Output channels beyond the fine grid own nothing: 0, and flagged in exact numerics only. */
static void channels_without_points_are_empty(void **state)
{
    const double x[] = {1, 2, 3, 4}, freq[] = {2, 4, 12, 14}, width[] = {2, 2, 2, 2};
    const float y[] = {1, 2, 3, 4};
    const uint8_t flag[4] = {0};

    (void)state;
    for (int exact = 0; exact < 2; exact++) {
        mms_interpolation *p = aimed(MMS_LINEAR, 4, x, 4, freq, width, true, (mms_numerics)exact);
        void *scratch = scratch_of(p, 1);
        float out[4];
        uint8_t out_flag[4];
        mms_interpolation_values(p, 1, 1, 1, y, flag, out, scratch);
        mms_interpolation_flags(p, 1, 1, flag, out_flag, scratch);
        assert_true(out[2] == 0 && out[3] == 0);
        assert_int_equal(out_flag[2], exact);
        assert_int_equal(out_flag[3], exact);
        free(scratch);
        mms_interpolation_free(&p);
    }
}

/* ---- 6.6 --------------------------------------------------------------------------------------*/

struct shift_case {
    const char *name;
    float y[8];
    const char *flag;
    double part; /* of the band of 8 channels */
    double re[8], im[8];
    const char *want_flag;
};

#define HALF                                                                                 \
    {                                                                                        \
        -0.024864, 0.0835223, -0.187076, 0.628417, 0.628417, -0.187076, 0.0835223, -0.024864 \
    }

static const struct shift_case shifts[] = {
    {"T142 up", {0, 0, 0, 1}, "FFFFFFFF", 0.125, {0, 0, 0, 0, 1}, {0}, "TFFFFFFF"},
    {"T142 down", {0, 0, 0, 1}, "FFFFFFFF", -0.125, {0, 0, 1}, {0}, "FFFFFFFT"},
    {"T143",
     {0, 0, 0, 1},
     "FFFFFFFF",
     0.0625,
     HALF,
     {0.125, -0.125, 0.125, -0.125, 0.125, -0.125, 0.125, -0.125},
     "TFFFFFFF"},
    {"T145", {0, 0, 0, 1, 0, 100}, "FFFFFTFF", 0.125, {0, 0, 0, 0, 1}, {0}, "TFFFFFTF"},
    {"T146", {0, 0, 0, 1}, "FFFFFFTF", -0.25, {0, 1}, {0}, "FFFFTFTT"},
    {"T148", {0, 0, 0, 1, 0, 100}, "FFFFFTFF", 0, {0, 0, 0, 1, 0, 100}, {0}, "FFFFFTFF"},
};

static mms_interpolation *shifted(int64_t n, const double *freq, double part)
{
    mms_interpolation *p = aimed(MMS_FFTSHIFT, n, freq, n, freq, NULL, false, MMS_NUMERICS_CASA);
    mms_error err;

    assert_int_equal(mms_interpolation_shift(p, 1e6 + part * (double)n, 1e6, &err), MMS_OK);
    return p;
}

static void spectra_are_shifted_as_specified(void **state)
{
    const double freq[] = {10, 11, 12, 13, 14, 15, 16, 17};

    (void)state;
    for (size_t i = 0; i < sizeof shifts / sizeof shifts[0]; i++) {
        const struct shift_case *c = &shifts[i];
        mms_interpolation *p = shifted(8, freq, c->part);
        void *scratch = scratch_of(p, 1);
        float in[16] = {0}, out[16], real[8], re[8], im[8];
        uint8_t flag[8], out_flag[8];
        for (int k = 0; k < 8; k++) {
            flag[k] = c->flag[k] == 'T';
            in[2 * k] = c->y[k];
        }
        mms_interpolation_values(p, 1, 1, 2, in, flag, out, scratch);
        mms_interpolation_flags(p, 1, 1, flag, out_flag, scratch);
        mms_interpolation_values(p, 1, 1, 1, c->y, flag, real, scratch);
        for (int k = 0; k < 8; k++) {
            re[k] = out[2 * k];
            im[k] = out[2 * k + 1];
        }
        assert_values(c->name, 8, re, c->re, 1e-6);
        assert_values(c->name, 8, im, c->im, 1e-6);
        assert_values(c->name, 8, real, c->re, 1e-6); /* T144 */
        assert_flags(c->name, 8, out_flag, c->want_flag);
        free(scratch);
        mms_interpolation_free(&p);
    }
}

/* T147: 1.2 channels; flag 6 lies too near the end to be moved. */
static void flags_near_the_far_end_stay(void **state)
{
    const double freq[] = {10, 11, 12, 13, 14, 15, 16, 17};
    const uint8_t flag[8] = {0, 0, 0, 0, 0, 0, 1, 0};
    mms_interpolation *p = shifted(8, freq, 0.15);
    void *scratch = scratch_of(p, 1);
    uint8_t out_flag[8];

    (void)state;
    mms_interpolation_flags(p, 1, 1, flag, out_flag, scratch);
    assert_flags("T147", 8, out_flag, "TTFFFFTF");
    free(scratch);
    mms_interpolation_free(&p);
}

/* A falling grid: what is at a higher frequency now goes to lower channel numbers. */
static void lines_move_to_where_they_are(void **state)
{
    const double freq[] = {17, 16, 15, 14, 13, 12, 11, 10};
    const float y[8] = {0, 0, 0, 1};
    const double want[8] = {0, 0, 1};
    const uint8_t flag[8] = {0};
    mms_interpolation *p = aimed(MMS_FFTSHIFT, 8, freq, 8, freq, NULL, false, MMS_NUMERICS_CASA);
    void *scratch = scratch_of(p, 1);
    float out[8];
    mms_error err;

    (void)state;
    assert_int_equal(mms_interpolation_shift(p, 14, 13, &err), MMS_OK);
    mms_interpolation_values(p, 1, 1, 1, y, flag, out, scratch);
    assert_values("falling", 8, out, want, 1e-6);
    assert_int_equal(mms_interpolation_shift(p, 14, 5, &err), MMS_ERR_RANGE);
    free(scratch);
    mms_interpolation_free(&p);
}

/* The shift by its definition, in double. */
static void shift_slowly(int n, double part, const double complex *y, double complex *out)
{
    for (int m = 0; m < n; m++)
        out[m] = 0;
    for (int k = 0; k < n; k++) {
        const int freq = 2 * k < n ? k : k - n;
        double complex sum = 0;
        for (int m = 0; m < n; m++)
            sum += y[m] * cexp(2 * M_PI * I * fmod((double)m * k, n) / n);
        sum *= cexp(2 * M_PI * I * part * freq) / n;
        for (int m = 0; m < n; m++)
            out[m] += sum * cexp(-2 * M_PI * I * fmod((double)m * k, n) / n);
    }
}

/* All radices, primes and products of large ones; five rows of three correlations fill no vector.
 */
static void any_number_of_channels_is_shifted(void **state)
{
    static const int sizes[] = {1,  2,  3,  4,  5,  6,  7,  8,  9,  11,  12,  13,  15,
                                16, 17, 19, 30, 32, 37, 60, 64, 74, 105, 113, 128, 143};
    enum { NROW = 5, NCORR = 3 };

    (void)state;
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        const int n = sizes[s];
        double *freq = malloc((size_t)n * sizeof *freq);
        const size_t cells = (size_t)(n * NROW * NCORR);
        float *in = malloc(2 * cells * sizeof *in), *out = malloc(2 * cells * sizeof *out);
        double complex *y = malloc((size_t)n * sizeof *y), *want = malloc((size_t)n * sizeof *want);
        const double part = n > 1 ? 0.3 : 0;
        mms_interpolation *p;
        void *scratch;

        srand((unsigned)n);
        for (size_t i = 0; i < 2 * cells; i++)
            in[i] = (float)rand() / (float)RAND_MAX - 0.5f;
        for (int k = 0; k < n; k++)
            freq[k] = 10 + k;
        p = n > 1 ? shifted(n, freq, part)
                  : aimed(MMS_FFTSHIFT, 1, freq, 1, freq, NULL, false, MMS_NUMERICS_CASA);
        scratch = scratch_of(p, NCORR);
        mms_interpolation_values(p, NROW, NCORR, 2, in, NULL, out, scratch);
        for (int i = 0; n > 1 && i < NROW * NCORR; i++) {
            const size_t at = (size_t)(i / NCORR * n * NCORR + i % NCORR);
            for (int k = 0; k < n; k++)
                y[k] =
                    in[2 * (at + (size_t)(k * NCORR))] + I * in[2 * (at + (size_t)(k * NCORR)) + 1];
            shift_slowly(n, part, y, want);
            for (int k = 0; k < n; k++) {
                const size_t cell = at + (size_t)(k * NCORR);
                const double complex have = out[2 * cell] + I * out[2 * cell + 1];
                if (cabs(have - want[k]) > 3e-6)
                    fail_msg("%d channels: %g + %g i, not %g + %g i", n, creal(have), cimag(have),
                             creal(want[k]), cimag(want[k]));
            }
        }
        free(scratch);
        mms_interpolation_free(&p);
        free(freq);
        free(in);
        free(out);
        free(y);
        free(want);
    }
}

/* A row's bits are the same whatever rows stand beside it. */
static void rows_do_not_depend_on_one_another(void **state)
{
    static const mms_interpolation_method methods[] = {MMS_NEAREST, MMS_LINEAR, MMS_CUBIC,
                                                       MMS_SPLINE, MMS_FFTSHIFT};
    enum { NROW = 21, NCHAN = 12, NCORR = 2, CELL = NCHAN * NCORR };
    double x[NCHAN], point[NCHAN];
    static float in[2 * NROW * CELL], all[2 * NROW * CELL], one[2 * CELL];
    static uint8_t flag[NROW * CELL];

    (void)state;
    for (int k = 0; k < NCHAN; k++) {
        x[k] = k;
        point[k] = k + 0.37;
    }
    srand(5);
    for (int i = 0; i < 2 * NROW * CELL; i++)
        in[i] = (float)rand() / (float)RAND_MAX;
    for (int i = 0; i < NROW * CELL; i++)
        flag[i] = rand() % 5 == 0;
    for (size_t m = 0; m < sizeof methods / sizeof methods[0]; m++) {
        mms_interpolation *p =
            aimed(methods[m], NCHAN, x, NCHAN, point, NULL, false, MMS_NUMERICS_CASA);
        void *scratch = scratch_of(p, NCORR);
        mms_error err;
        assert_int_equal(mms_interpolation_shift(p, 1.7, 0, &err), MMS_OK);
        mms_interpolation_values(p, NROW, NCORR, 2, in, flag, all, scratch);
        for (int r = 0; r < NROW; r++) {
            mms_interpolation_values(p, 1, NCORR, 2, in + 2 * r * CELL, flag + r * CELL, one,
                                     scratch);
            assert_memory_equal(one, all + 2 * r * CELL, sizeof one);
        }
        free(scratch);
        mms_interpolation_free(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spectra_are_interpolated_as_specified),
        cmocka_unit_test(bad_axes_are_refused),
        cmocka_unit_test(wide_channels_take_means),
        cmocka_unit_test(channels_without_points_are_empty),
        cmocka_unit_test(spectra_are_shifted_as_specified),
        cmocka_unit_test(flags_near_the_far_end_stay),
        cmocka_unit_test(lines_move_to_where_they_are),
        cmocka_unit_test(any_number_of_channels_is_shifted),
        cmocka_unit_test(rows_do_not_depend_on_one_another),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
