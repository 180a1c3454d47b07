/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file interpolate.c  Spectra from one frequency axis to another (transform-numerics 6.4, 6.5).
 *
 * Which channels make an output point, and with which coefficients, is computed once for an input
 * axis.  Points that take neighbouring channels one after another are a run: one loop over their
 * floats. */
#include <float.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/base_priv.h"
#include "fftshift_priv.h"
#include "regrid_priv.h"

/** How a point is made. */
enum kind {
    COPY = 0, /* channel low */
    MIX,      /* of low and low + 1 */
    OUTSIDE   /* as COPY, flagged */
};

/** Points whose kind is the same and whose channels follow one another (OUTSIDE: are one). */
struct run {
    enum kind kind;
    int64_t first, count, low;
};

struct mms_interpolation {
    mms_interpolation_method method;
    int32_t spw;
    int64_t nin, nout, npoint;
    bool wide, exact;
    double band_hz;   /* FFTSHIFT: of the output, < 0 where it falls */
    double *point;    /* [npoint] where values are wanted: output channels, or a finer grid */
    int64_t *owner;   /* [npoint] output channel of a point of the finer grid, -1: none */
    uint8_t *unowned; /* [nout] */
    uint8_t *kind;    /* [npoint] enum kind: what flags take */
    int64_t *low;     /* [npoint] first of the pair */
    double *t;        /* [npoint] MIX: place between them */
    float *tf;        /* [npoint] the same */
    int64_t nrun;
    struct run *run;     /* [npoint] */
    int64_t *window;     /* [npoint] cubic: first of four */
    double (*coef)[4];   /* [npoint] cubic: of the four; spline: of y, y, y'', y'' */
    float (*sweep)[4];   /* [nin] spline: how second derivatives follow from those before */
    mms_fftshift *shift; /* FFTSHIFT */
    uint8_t *plain;      /* [npoint] flags of a row without flags */
};

/* ---- prepare ----------------------------------------------------------------------------------*/

/** Lay the finer grid of wide channels and say to which output channel each point goes (6.4). */
static void lay_fine_grid(mms_interpolation *p, const double *freq, const double *width)
{
    const int64_t m = p->nout, n = p->npoint;
    const bool falling = freq[m - 1] < freq[0];
    const int64_t lowest = falling ? m - 1 : 0, step = falling ? -1 : 1;
    const double ratio = (double)n / (double)m;
    int64_t j = lowest;

    for (int64_t i = 0; i < n; i++) {
        int64_t k = (int64_t)((double)i / ratio);
        k = k < m ? k : m - 1;
        p->point[i] =
            i ? p->point[i - 1] + fabs(width[k]) / ratio : freq[lowest] - fabs(width[lowest]) / 2;
        while (j >= 0 && j < m && !(p->point[i] < freq[j] + fabs(width[j]) / 2))
            j += step;
        p->owner[i] = -1;
        if (j < 0 || j >= m || !(p->point[i] >= freq[j] - fabs(width[j]) / 2))
            continue;
        p->owner[i] = j;
        /* of two channels that overlap by a rounding CASA takes the first in their order */
        if (falling && j > 0 && p->point[i] >= freq[j - 1] - fabs(width[j - 1]) / 2)
            p->owner[i] = j - 1;
    }
    memset(p->unowned, 1, (size_t)m);
    for (int64_t i = 0; i < n; i++)
        if (p->owner[i] >= 0)
            p->unowned[p->owner[i]] = 0;
}

static mms_status check_opts(const mms_interpolation_opts *o, mms_error *err)
{
    if (o->nchan_in < 1 || o->nchan_out < 1)
        return mms_fail(err, MMS_ERR_RANGE,
                        "interpolation: %" PRId64 " channels to %" PRId64 " channels", o->nchan_in,
                        o->nchan_out);
    if (o->method == MMS_CUBIC && o->nchan_in > 1 && o->nchan_in < 4)
        return mms_fail(err, MMS_ERR_ARG,
                        "interpolation='cubic' needs 4 channels, SPW %d has %" PRId64, (int)o->spw,
                        o->nchan_in);
    return MMS_OK;
}

static mms_status allocate(mms_interpolation *p, mms_error *err)
{
    const int64_t n = p->npoint;
    const bool coefs = p->method == MMS_CUBIC || p->method == MMS_SPLINE;

    p->point = mms_alloc(n, sizeof *p->point);
    p->owner = mms_alloc(n, sizeof *p->owner);
    p->unowned = mms_alloc(p->nout, 1);
    p->kind = mms_alloc(n, 1);
    p->low = mms_alloc(n, sizeof *p->low);
    p->t = mms_alloc(n, sizeof *p->t);
    p->tf = mms_alloc(n, sizeof *p->tf);
    p->run = mms_alloc(n, sizeof *p->run);
    p->plain = mms_alloc(n, 1);
    p->window = mms_alloc(coefs ? n : 0, sizeof *p->window);
    p->coef = mms_alloc(coefs ? n : 0, sizeof *p->coef);
    p->sweep = mms_alloc(coefs ? p->nin : 0, sizeof *p->sweep);
    if (!p->point || !p->owner || !p->unowned || !p->kind || !p->low || !p->t || !p->tf ||
        !p->run || !p->plain || !p->window || !p->coef || !p->sweep)
        return mms_fail(err, MMS_ERR_MEM, "interpolation: out of memory");
    return MMS_OK;
}

mms_status mms_interpolation_create(const mms_interpolation_opts *opts, mms_interpolation **out,
                                    mms_error *err)
{
    mms_interpolation *p = NULL;
    mms_status st;

    *out = NULL;
    MMS_TRY(check_opts(opts, err));
    if (!(p = mms_alloc(1, sizeof *p)))
        MMS_TRY(mms_fail(err, MMS_ERR_MEM, "interpolation: out of memory"));
    p->method = opts->method;
    p->spw = opts->spw;
    p->nin = opts->nchan_in;
    p->nout = opts->nchan_out;
    p->wide = opts->wide;
    p->exact = opts->numerics == MMS_NUMERICS_EXACT;
    p->npoint = p->wide ? p->nin : p->nout;
    MMS_TRY(allocate(p, err));
    if (p->wide)
        lay_fine_grid(p, opts->freq_hz, opts->width_hz);
    else
        memcpy(p->point, opts->freq_hz, (size_t)p->nout * sizeof *p->point);
    if (p->method == MMS_FFTSHIFT) {
        const double *f = opts->freq_hz;
        const int64_t n = p->nout;
        p->band_hz = n > 1 ? f[n - 1] - f[0] + (f[1] - f[0]) : 0;
        MMS_TRY(mms_fftshift_create(n, &p->shift, err));
    }
    *out = p;
done:
    if (st != MMS_OK)
        mms_interpolation_free(&p);
    return st;
}

void mms_interpolation_free(mms_interpolation **interpolation)
{
    mms_interpolation *p = *interpolation;

    if (!p)
        return;
    free(p->point);
    free(p->owner);
    free(p->unowned);
    free(p->kind);
    free(p->low);
    free(p->t);
    free(p->tf);
    free(p->run);
    free(p->plain);
    free(p->window);
    free(p->coef);
    free(p->sweep);
    mms_fftshift_free(&p->shift);
    free(p);
    *interpolation = NULL;
}

/* ---- aim --------------------------------------------------------------------------------------*/

/** The first channel at or beyond v in the direction of the axis; n: none. */
static int64_t bracket(int64_t n, const double *x, bool falling, double v)
{
    int64_t below = 0, above = n;

    while (below < above) {
        const int64_t middle = below + (above - below) / 2;
        if (falling ? x[middle] > v : x[middle] < v)
            below = middle + 1;
        else
            above = middle;
    }
    return below;
}

static void aim_nearest(mms_interpolation *p, int64_t i, int64_t where, const double *x)
{
    const double v = p->point[i];
    const int64_t n = p->nin;

    p->kind[i] = where == n || (where == 0 && v != x[0]) ? OUTSIDE : COPY;
    if (where == n)
        p->low[i] = n - 1;
    else if (where == 0 || fabs(x[where] - v) < fabs(x[where - 1] - v))
        p->low[i] = where;
    else
        p->low[i] = where - 1;
}

static void aim_linear(mms_interpolation *p, int64_t i, int64_t where, const double *x)
{
    const double v = p->point[i], limit = DBL_EPSILON;
    const int64_t n = p->nin;
    const bool outside = where == n || (where == 0 && v != x[0]);
    const int64_t high = where == n ? n - 1 : where == 0 ? 1 : where;
    const double t = (v - x[high - 1]) / (x[high] - x[high - 1]);

    p->t[i] = t;
    p->tf[i] = (float)t;
    p->low[i] = high - 1;
    if (t > limit && t < 1 - limit) {
        p->kind[i] = MIX;
    } else {
        p->kind[i] = outside ? OUTSIDE : COPY;
        p->low[i] = t <= limit ? high - 1 : high;
    }
}

/** Lagrange's coefficients of four channels. */
static void aim_cubic(mms_interpolation *p, int64_t i, int64_t where, const double *x)
{
    const int64_t n = p->nin;
    const int64_t first = where <= 1 ? 0 : where < n - 1 ? where - 2 : n - 4;
    const double v = p->point[i];

    p->window[i] = first;
    for (int a = 0; a < 4; a++) {
        double c = 1;
        for (int b = 0; b < 4; b++)
            if (a != b)
                c *= (v - x[first + b]) / (x[first + a] - x[first + b]);
        p->coef[i][a] = c;
    }
}

/** Second derivatives are those by the square of the mean channel width, to be of data's size. */
static double spline_scale(const mms_interpolation *p, const double *x)
{
    const double mean = (x[p->nin - 1] - x[0]) / (double)(p->nin - 1);

    return mean * mean;
}

static void aim_spline(mms_interpolation *p, int64_t i, int64_t high, const double *x)
{
    const double dx = x[high] - x[high - 1], h = dx * dx / 6 / spline_scale(p, x);
    const double a = (x[high] - p->point[i]) / dx, b = 1 - a;

    p->coef[i][0] = a;
    p->coef[i][1] = b;
    p->coef[i][2] = h * (a * a * a - a);
    p->coef[i][3] = h * (b * b * b - b);
}

/** Coefficients of the elimination: y''[i] = s0 (y[i+1]-y[i]) - s1 (y[i]-y[i-1]) - s2 y''[i-1],
 *  then back, y''[i] -= s3 y''[i+1]; CASA goes back to channel 2 only. */
static void prepare_sweep(mms_interpolation *p, const double *x)
{
    const double scale = spline_scale(p, x);
    double above = 0;

    for (int64_t i = 1; i < p->nin - 1; i++) {
        const double a = x[i] - x[i - 1], c = x[i + 1] - x[i];
        const double delta = 2 * (x[i + 1] - x[i - 1]) - a * above;
        above = c / delta;
        p->sweep[i][0] = (float)(6 * scale / (c * delta));
        p->sweep[i][1] = (float)(6 * scale / (a * delta));
        p->sweep[i][2] = (float)(a / delta);
        p->sweep[i][3] = (float)above;
    }
}

static void aim_pair(mms_interpolation *p, int64_t i, int64_t where, const double *x)
{
    const int64_t n = p->nin;
    const int64_t high = where == n ? n - 1 : where == 0 ? 1 : where;

    p->kind[i] = where == n || (where == 0 && p->point[i] != x[0]) ? OUTSIDE : MIX;
    p->low[i] = high - 1;
    if (p->method == MMS_CUBIC)
        aim_cubic(p, i, where, x);
    else
        aim_spline(p, i, high, x);
}

static void aim_point(mms_interpolation *p, int64_t i, const double *x, bool falling)
{
    if (p->nin == 1) {
        p->kind[i] = OUTSIDE;
        p->low[i] = 0;
        return;
    }
    const int64_t where = bracket(p->nin, x, falling, p->point[i]);
    if (p->method == MMS_NEAREST)
        aim_nearest(p, i, where, x);
    else if (p->method == MMS_CUBIC || p->method == MMS_SPLINE)
        aim_pair(p, i, where, x);
    else
        aim_linear(p, i, where, x);
}

static bool follows(const mms_interpolation *p, const struct run *run, int64_t i)
{
    const int64_t low = run->kind == OUTSIDE ? run->low : run->low + run->count;

    return p->kind[i] == run->kind && p->low[i] == low;
}

static void find_runs(mms_interpolation *p)
{
    struct run *run = NULL;

    p->nrun = 0;
    for (int64_t i = 0; i < p->npoint; i++) {
        p->plain[i] = p->kind[i] == OUTSIDE;
        if (run && follows(p, run, i)) {
            run->count++;
        } else {
            run = &p->run[p->nrun++];
            *run = (struct run){(enum kind)p->kind[i], i, 1, p->low[i]};
        }
    }
}

mms_status mms_interpolation_aim(mms_interpolation *interpolation, const double *freq_hz,
                                 mms_error *err)
{
    mms_interpolation *p = interpolation;
    bool falling;
    const mms_status st = mms_check_window(p->spw, p->nin, freq_hz, NULL, &falling, err);

    if (st != MMS_OK)
        return st;
    if (p->method == MMS_SPLINE && p->nin > 1)
        prepare_sweep(p, freq_hz);
    for (int64_t i = 0; i < p->npoint; i++)
        aim_point(p, i, freq_hz, falling);
    find_runs(p);
    return MMS_OK;
}

mms_status mms_interpolation_shift(mms_interpolation *interpolation, double now_hz,
                                   double reference_hz, mms_error *err)
{
    mms_interpolation *p = interpolation;
    const double band = p->band_hz, part = (now_hz - reference_hz) / band;

    if (!p->shift || p->nout < 2)
        return MMS_OK;
    if (!(fabs(part) < 1))
        return mms_fail(err, MMS_ERR_RANGE,
                        "fftshift: frequencies move by %g Hz, as far as the band of %g Hz or "
                        "farther",
                        now_hz - reference_hz, fabs(band));
    mms_fftshift_set(p->shift, part);
    return MMS_OK;
}

/* ---- values -----------------------------------------------------------------------------------*/

/** Loops over the floats of a channel, lanes of them, are unrolled where lanes is a constant. */
#define INLINE static inline __attribute__((always_inline))

/** Call body(lanes, …) with a constant where lanes is a usual number. */
#define WITH_LANES(body, lanes, ...)             \
    do {                                         \
        if ((lanes) == 8)                        \
            body(8, __VA_ARGS__);                \
        else if ((lanes) == 4)                   \
            body(4, __VA_ARGS__);                \
        else if ((lanes) == 2)                   \
            body(2, __VA_ARGS__);                \
        else if ((lanes) == 1)                   \
            body(1, __VA_ARGS__);                \
        else                                     \
            body((int64_t)(lanes), __VA_ARGS__); \
    } while (0)

/** Complex data: the place is rounded to float first. */
INLINE void mix_complex(int64_t lanes, int64_t n, const float *restrict t, const float *restrict y,
                        float *restrict out)
{
    for (int64_t j = 0; j < n; j++)
        for (int64_t l = 0; l < lanes; l++) {
            const int64_t at = j * lanes + l;
            out[at] = y[at] + t[j] * (y[at + lanes] - y[at]);
        }
}

/** Real data: the sum is rounded once. */
INLINE void mix_real(int64_t lanes, int64_t n, const double *restrict t, const float *restrict y,
                     float *restrict out)
{
    for (int64_t j = 0; j < n; j++)
        for (int64_t l = 0; l < lanes; l++) {
            const int64_t at = j * lanes + l;
            out[at] = (float)(y[at] + t[j] * (double)(y[at + lanes] - y[at]));
        }
}

INLINE void sum_four(int64_t lanes, int64_t n, const int64_t *window, double (*coef)[4],
                     const float *restrict y, float *restrict out)
{
    for (int64_t j = 0; j < n; j++) {
        const float *const x = y + window[j] * lanes;
        const double a = coef[j][0], b = coef[j][1], c = coef[j][2], d = coef[j][3];
        for (int64_t l = 0; l < lanes; l++)
            out[j * lanes + l] =
                (float)(a * x[l] + b * x[lanes + l] + c * x[2 * lanes + l] + d * x[3 * lanes + l]);
    }
}

/** Second derivatives of a row, z[n][lanes]. */
INLINE void second_derivatives(int64_t lanes, int64_t n, float (*sweep)[4], const float *restrict y,
                               float *restrict z)
{
    for (int64_t l = 0; l < lanes; l++)
        z[l] = z[(n - 1) * lanes + l] = 0;
    for (int64_t i = 1; i < n - 1; i++)
        for (int64_t l = 0; l < lanes; l++) {
            const int64_t at = i * lanes + l;
            z[at] = sweep[i][0] * (y[at + lanes] - y[at]) - sweep[i][1] * (y[at] - y[at - lanes]) -
                    sweep[i][2] * z[at - lanes];
        }
    for (int64_t i = n - 2; i > 1; i--)
        for (int64_t l = 0; l < lanes; l++)
            z[i * lanes + l] -= sweep[i][3] * z[(i + 1) * lanes + l];
}

INLINE void sum_spline(int64_t lanes, int64_t n, const int64_t *low, double (*coef)[4],
                       const float *restrict y, const float *restrict z, float *restrict out)
{
    for (int64_t j = 0; j < n; j++) {
        const int64_t at = low[j] * lanes;
        const double a = coef[j][0], b = coef[j][1], c = coef[j][2], d = coef[j][3];
        for (int64_t l = 0; l < lanes; l++)
            out[j * lanes + l] = (float)(a * y[at + l] + b * y[at + lanes + l] + c * z[at + l] +
                                         d * z[at + lanes + l]);
    }
}

static void mix(const mms_interpolation *p, const struct run *run, int64_t lanes, bool real,
                const float *y, float *out)
{
    if (real)
        WITH_LANES(mix_real, lanes, run->count, p->t + run->first, y, out);
    else
        WITH_LANES(mix_complex, lanes, run->count, p->tf + run->first, y, out);
}

/** Interpolate a row by runs: nearest, linear. */
static void row_by_runs(const mms_interpolation *p, int64_t lanes, bool real, const float *y,
                        float *out)
{
    const size_t bytes = (size_t)lanes * sizeof *out;

    for (int64_t i = 0; i < p->nrun; i++) {
        const struct run *run = &p->run[i];
        const float *const from = y + run->low * lanes;
        float *const to = out + run->first * lanes;
        if (run->kind == MIX)
            mix(p, run, lanes, real, from, to);
        else if (run->kind == COPY)
            memcpy(to, from, (size_t)run->count * bytes);
        else
            for (int64_t j = 0; j < run->count; j++)
                memcpy(to + j * lanes, from, bytes);
    }
}

static void row_values(const mms_interpolation *p, int64_t lanes, bool real, const float *y,
                       float *out, float *derivatives)
{
    if (p->nin == 1 || (p->method != MMS_CUBIC && p->method != MMS_SPLINE)) {
        row_by_runs(p, lanes, real, y, out);
    } else if (p->method == MMS_CUBIC) {
        WITH_LANES(sum_four, lanes, p->npoint, p->window, p->coef, y, out);
    } else {
        WITH_LANES(second_derivatives, lanes, p->nin, p->sweep, y, derivatives);
        WITH_LANES(sum_spline, lanes, p->npoint, p->low, p->coef, y, derivatives, out);
    }
}

/** Running means of the points of each output channel. */
static void gather_values(const mms_interpolation *p, int64_t lanes, const float *point, float *out)
{
    int64_t before = -1;
    float n = 0;

    memset(out, 0, (size_t)(p->nout * lanes) * sizeof *out);
    for (int64_t i = 0; i < p->npoint; i++) {
        const int64_t owner = p->owner[i];
        if (owner < 0)
            continue;
        n = owner == before ? n + 1 : 0;
        before = owner;
        for (int64_t l = 0; l < lanes; l++) {
            float *const mean = out + owner * lanes + l;
            *mean = (*mean * n + point[i * lanes + l]) / (1 + n);
        }
    }
}

/* ---- flags ------------------------------------------------------------------------------------*/

static void run_flags(const struct run *run, int64_t ncorr, const uint8_t *restrict flag,
                      uint8_t *restrict out)
{
    const int64_t n = run->count * ncorr;

    if (run->kind == OUTSIDE)
        memset(out, 1, (size_t)n);
    else if (run->kind == COPY)
        memcpy(out, flag, (size_t)n);
    else
        for (int64_t i = 0; i < n; i++)
            out[i] = flag[i] | flag[i + ncorr];
}

/** Flags of the points of a row; flag NULL: none is set. */
static void row_flags(const mms_interpolation *p, int64_t ncorr, const uint8_t *flag, uint8_t *out)
{
    if (flag && !memchr(flag, 1, (size_t)(p->nin * ncorr)))
        flag = NULL;
    for (int64_t i = 0; i < p->nrun; i++) {
        const struct run *run = &p->run[i];
        uint8_t *const to = out + run->first * ncorr;
        if (flag)
            run_flags(run, ncorr, flag + run->low * ncorr, to);
        else
            memset(to, run->kind == OUTSIDE, (size_t)(run->count * ncorr));
    }
}

static void gather_flags(const mms_interpolation *p, int64_t ncorr, const uint8_t *point,
                         uint8_t *out)
{
    for (int64_t j = 0; j < p->nout; j++)
        memset(out + j * ncorr, p->exact && p->unowned[j], (size_t)ncorr);
    for (int64_t i = 0; i < p->npoint; i++)
        for (int64_t c = 0; p->owner[i] >= 0 && c < ncorr; c++)
            out[p->owner[i] * ncorr + c] |= point[i * ncorr + c];
}

/** Flags of a row before any shift; scratch holds those of the finer grid. */
static void flags_of_row(const mms_interpolation *p, int64_t ncorr, const uint8_t *flag,
                         uint8_t *out, uint8_t *scratch)
{
    row_flags(p, ncorr, flag, p->wide ? scratch : out);
    if (p->wide)
        gather_flags(p, ncorr, scratch, out);
}

static bool is_shifted(const mms_interpolation *p)
{
    return p->shift && mms_fftshift_moves(p->shift);
}

/* ---- rows -------------------------------------------------------------------------------------*/

/** Parts of the scratch memory. */
struct scratch {
    float *points;      /* [npoint][2 ncorr] */
    float *derivatives; /* [nin][2 ncorr] */
    uint8_t *point_flags, *flags;
    void *shift;
};

static void *carve(char *base, int64_t *at, int64_t bytes)
{
    char *taken = base ? base + *at : NULL;

    *at += (bytes + 63) / 64 * 64;
    return taken;
}

static int64_t lay_out(const mms_interpolation *p, int64_t ncorr, void *base, struct scratch *s)
{
    const int64_t size = 2 * ncorr * (int64_t)sizeof(float);
    int64_t at = 0;

    s->points = carve(base, &at, p->wide ? p->npoint * size : 0);
    s->derivatives = carve(base, &at, p->method == MMS_SPLINE ? p->nin * size : 0);
    s->point_flags = carve(base, &at, p->wide ? p->npoint * ncorr : 0);
    s->flags = carve(base, &at, p->shift ? p->nout * ncorr : 0);
    s->shift = carve(base, &at, p->shift ? mms_fftshift_scratch(p->shift) : 0);
    return at;
}

int64_t mms_interpolation_scratch(const mms_interpolation *interpolation, int64_t ncorr)
{
    struct scratch s;

    return lay_out(interpolation, ncorr, NULL, &s);
}

void mms_interpolation_values(const mms_interpolation *interpolation, int64_t nrow, int64_t ncorr,
                              int nfloat, const float *data, const uint8_t *flag, float *out,
                              void *scratch)
{
    const mms_interpolation *p = interpolation;
    const int64_t lanes = ncorr * nfloat;
    struct scratch s;

    lay_out(p, ncorr, scratch, &s);
    for (int64_t r = 0; r < nrow; r++) {
        float *const to = out + r * p->nout * lanes;
        row_values(p, lanes, nfloat == 1, data + r * p->nin * lanes, p->wide ? s.points : to,
                   s.derivatives);
        if (p->wide)
            gather_values(p, lanes, s.points, to);
        if (is_shifted(p)) {
            flags_of_row(p, ncorr, flag ? flag + r * p->nin * ncorr : NULL, s.flags, s.point_flags);
            mms_fftshift_fill(p->shift, ncorr, nfloat, s.flags, to);
        }
    }
    if (is_shifted(p))
        mms_fftshift_values(p->shift, nrow, ncorr, nfloat, out, s.shift);
}

void mms_interpolation_flags(const mms_interpolation *interpolation, int64_t nrow, int64_t ncorr,
                             const uint8_t *flag, uint8_t *out, void *scratch)
{
    const mms_interpolation *p = interpolation;
    struct scratch s;

    lay_out(p, ncorr, scratch, &s);
    for (int64_t r = 0; r < nrow; r++) {
        uint8_t *const to = out + r * p->nout * ncorr;
        flags_of_row(p, ncorr, flag ? flag + r * p->nin * ncorr : NULL, to, s.point_flags);
        if (is_shifted(p))
            mms_fftshift_flags(p->shift, ncorr, to);
    }
}
