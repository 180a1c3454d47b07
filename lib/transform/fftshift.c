/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file fftshift.c  Spectra moved by any number of channels (transform-numerics 6.6).
 *
 * A Fourier transform over the channels of LANES spectra side by side, so that every operation is
 * one of whole vectors and the bits of a spectrum don't depend on its neighbours.  LANES are the
 * correlations of one row: rows come one by one.  Numbers of
 * channels with a large prime factor go through a convolution (Bluestein). */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/base_priv.h"
#include "fftshift_priv.h"

enum { LANES = 4, MAX_STAGES = 64, MAX_RADIX = 13 };

/* ---- Fourier transforms -----------------------------------------------------------------------*/

/** One pass of a transform of length radix * inner * outer (Stockham: sorted on the way). */
struct stage {
    int radix;
    int64_t inner, outer; /* outer: elements that belong together already */
    const float *twiddle; /* [inner][radix - 1][2] */
    const float *roots;   /* [radix][2] powers of the root of unity */
};

struct transform {
    int64_t n;
    int nstage;
    struct stage stage[MAX_STAGES];
    float *tables; /* all twiddles and roots */
};

/** The complex numbers of LANES spectra: [n][LANES] each. */
struct lanes {
    float *re, *im;
};

static void unit_circle(int64_t numerator, int64_t denominator, float *out)
{
    const double angle = -2 * M_PI * (double)(numerator % denominator) / (double)denominator;

    out[0] = (float)cos(angle);
    out[1] = (float)sin(angle);
}

/** Factors with 4 first; 0 where one is too large. */
static int factors_of(int64_t n, int *factor)
{
    int count = 0;

    for (int r = 4; n > 1 && r <= MAX_RADIX; r = r == 4 ? 2 : r == 2 ? 3 : r + 2)
        while (n % r == 0) {
            factor[count++] = r;
            n /= r;
        }
    return n == 1 ? count : 0;
}

static mms_status transform_make(int64_t n, struct transform *t, mms_error *err)
{
    int factor[MAX_STAGES];
    int64_t room = 0, at = 0, left = n;

    *t = (struct transform){.n = n, .nstage = factors_of(n, factor)};
    for (int i = 0; i < t->nstage; i++) {
        left /= factor[i];
        room += 2 * (left * (factor[i] - 1) + factor[i]);
    }
    t->tables = mms_alloc(room, sizeof *t->tables);
    if (!t->tables)
        return mms_fail(err, MMS_ERR_MEM, "fftshift: out of memory");
    left = n;
    for (int i = 0; i < t->nstage; i++) {
        struct stage *s = &t->stage[i];
        *s = (struct stage){factor[i], left / factor[i], n / left, t->tables + at, NULL};
        for (int64_t p = 0; p < s->inner; p++)
            for (int j = 1; j < s->radix; j++, at += 2)
                unit_circle(p * j, left, t->tables + at);
        s->roots = t->tables + at;
        for (int j = 0; j < s->radix; j++, at += 2)
            unit_circle(j, s->radix, t->tables + at);
        left = s->inner;
    }
    return MMS_OK;
}

/** out = (re, im) * (w[0], w[1]) for all lanes. */
static inline void put_product(const float *restrict re, const float *restrict im, const float *w,
                               float *restrict out_re, float *restrict out_im)
{
    const float c = w[0], s = w[1];

    for (int l = 0; l < LANES; l++) {
        out_re[l] = re[l] * c - im[l] * s;
        out_im[l] = re[l] * s + im[l] * c;
    }
}

static void butterfly2(const struct stage *s, int64_t at, int64_t to, const float *w,
                       struct lanes in, struct lanes out)
{
    const int64_t half = s->inner * s->outer * LANES, step = s->outer * LANES;
    const float *restrict ar = in.re + at, *restrict ai = in.im + at;
    const float *restrict br = in.re + at + half, *restrict bi = in.im + at + half;
    float *restrict yr = out.re + to, *restrict yi = out.im + to;
    float dr[LANES], di[LANES];

    for (int l = 0; l < LANES; l++) {
        yr[l] = ar[l] + br[l];
        yi[l] = ai[l] + bi[l];
        dr[l] = ar[l] - br[l];
        di[l] = ai[l] - bi[l];
    }
    put_product(dr, di, w, yr + step, yi + step);
}

/** The numbers of LANES spectra as one vector: compilers don't find that out by themselves. */
typedef float quad __attribute__((vector_size(LANES * sizeof(float))));

static inline quad get(const float *from)
{
    quad q;

    memcpy(&q, from, sizeof q);
    return q;
}

static inline void put(quad q, float *to)
{
    memcpy(to, &q, sizeof q);
}

static inline void put_turned(quad re, quad im, const float *w, float *out_re, float *out_im)
{
    put(re * w[0] - im * w[1], out_re);
    put(re * w[1] + im * w[0], out_im);
}

/** A butterfly of radix 4: quarter and step apart in input and output. */
static inline void butterfly4(int64_t quarter, int64_t step, const float *w, const float *xr,
                              const float *xi, float *yr, float *yi)
{
    const quad a = get(xr), b = get(xr + quarter), c = get(xr + 2 * quarter),
               d = get(xr + 3 * quarter);
    const quad e = get(xi), f = get(xi + quarter), g = get(xi + 2 * quarter),
               h = get(xi + 3 * quarter);

    put((a + c) + (b + d), yr);
    put((e + g) + (f + h), yi);
    put_turned((a - c) + (f - h), (e - g) - (b - d), w, yr + step, yi + step);
    put_turned((a + c) - (b + d), (e + g) - (f + h), w + 2, yr + 2 * step, yi + 2 * step);
    put_turned((a - c) - (f - h), (e - g) + (b - d), w + 4, yr + 3 * step, yi + 3 * step);
}

/** Elements that belong together lie side by side and have one twiddle. */
static void run_stage4(const struct stage *s, struct lanes in, struct lanes out)
{
    const int64_t side = s->outer * LANES, quarter = s->inner * side;

    for (int64_t p = 0; p < s->inner; p++)
        for (int64_t at = 0; at < side; at += LANES)
            butterfly4(quarter, side, s->twiddle + p * 6, in.re + p * side + at,
                       in.im + p * side + at, out.re + 4 * p * side + at,
                       out.im + 4 * p * side + at);
}

/** Any other radix: each sum by itself. */
static void butterfly(const struct stage *s, int64_t at, int64_t to, const float *w,
                      struct lanes in, struct lanes out)
{
    const int64_t apart = s->inner * s->outer * LANES, step = s->outer * LANES;
    static const float one[2] = {1, 0};

    for (int j = 0; j < s->radix; j++) {
        float sr[LANES], si[LANES];
        memcpy(sr, in.re + at, sizeof sr);
        memcpy(si, in.im + at, sizeof si);
        for (int i = 1; i < s->radix; i++) {
            const float *const root = s->roots + 2 * ((i * j) % s->radix);
            const float c = root[0], n = root[1];
            const float *restrict xr = in.re + at + i * apart, *restrict xi =
                                                                   in.im + at + i * apart;
            for (int l = 0; l < LANES; l++) {
                sr[l] += xr[l] * c - xi[l] * n;
                si[l] += xr[l] * n + xi[l] * c;
            }
        }
        put_product(sr, si, j ? w + 2 * (j - 1) : one, out.re + to + j * step,
                    out.im + to + j * step);
    }
}

static void run_stage(const struct stage *s, struct lanes in, struct lanes out)
{
    void (*const run)(const struct stage *, int64_t, int64_t, const float *, struct lanes,
                      struct lanes) = s->radix == 2 ? butterfly2 : butterfly;

    if (s->radix == 4) {
        run_stage4(s, in, out);
        return;
    }
    for (int64_t p = 0; p < s->inner; p++)
        for (int64_t q = 0; q < s->outer; q++)
            run(s, (q + s->outer * p) * LANES, (q + s->outer * s->radix * p) * LANES,
                s->twiddle + p * (s->radix - 1) * 2, in, out);
}

/** Transform data; *data and *room change places with each stage. */
static void transform_run(const struct transform *t, struct lanes *data, struct lanes *room)
{
    for (int i = 0; i < t->nstage; i++) {
        const struct lanes from = *data;
        run_stage(&t->stage[i], from, *room);
        *data = *room;
        *room = from;
    }
}

/** The inverse, not divided by n: the transform of numbers whose parts change places. */
static void transform_back(const struct transform *t, struct lanes *data, struct lanes *room)
{
    struct lanes a = {data->im, data->re}, b = {room->im, room->re};

    transform_run(t, &a, &b);
    *data = (struct lanes){a.im, a.re};
    *room = (struct lanes){b.im, b.re};
}

/* ---- shift ------------------------------------------------------------------------------------*/

struct mms_fftshift {
    int64_t nchan;
    double part;
    bool chirped;
    struct transform transform; /* of nchan, or of the convolution */
    float *ramp;                /* [nchan][2] phases of the shift, divided by nchan */
    float *chirp;               /* [nchan][2] */
    float *kernel;              /* [transform.n][2] transform of the chirp, divided by its length */
};

/** Multiply element k of n by w[k]. */
static void multiply(int64_t n, const float *w, struct lanes data)
{
    for (int64_t k = 0; k < n; k++) {
        float re[LANES], im[LANES];
        memcpy(re, data.re + k * LANES, sizeof re);
        memcpy(im, data.im + k * LANES, sizeof im);
        put_product(re, im, w + 2 * k, data.re + k * LANES, data.im + k * LANES);
    }
}

/** The transform of nchan numbers as a convolution with a chirp. */
static void transform_by_chirp(const mms_fftshift *s, struct lanes *data, struct lanes *room)
{
    const size_t rest = (size_t)((s->transform.n - s->nchan) * LANES) * sizeof(float);

    multiply(s->nchan, s->chirp, *data);
    memset(data->re + s->nchan * LANES, 0, rest);
    memset(data->im + s->nchan * LANES, 0, rest);
    transform_run(&s->transform, data, room);
    multiply(s->transform.n, s->kernel, *data);
    transform_back(&s->transform, data, room);
    multiply(s->nchan, s->chirp, *data);
}

static void forward(const mms_fftshift *s, struct lanes *data, struct lanes *room)
{
    if (s->chirped)
        transform_by_chirp(s, data, room);
    else
        transform_run(&s->transform, data, room);
}

static void backward(const mms_fftshift *s, struct lanes *data, struct lanes *room)
{
    struct lanes a = {data->im, data->re}, b = {room->im, room->re};

    forward(s, &a, &b);
    *data = (struct lanes){a.im, a.re};
    *room = (struct lanes){b.im, b.re};
}

/** exp(-i pi k^2 / n), and the transform of its conjugate, wrapped round. */
static mms_status make_chirp(mms_fftshift *s, mms_error *err)
{
    const int64_t n = s->nchan, m = s->transform.n;
    float *memory = mms_alloc(4 * m * LANES, sizeof *memory);
    struct lanes data = {memory, memory + m * LANES};
    struct lanes room = {memory + 2 * m * LANES, memory + 3 * m * LANES};

    s->chirp = mms_alloc(2 * n, sizeof *s->chirp);
    s->kernel = mms_alloc(2 * m, sizeof *s->kernel);
    if (!memory || !s->chirp || !s->kernel) {
        free(memory);
        return mms_fail(err, MMS_ERR_MEM, "fftshift: out of memory");
    }
    for (int64_t k = 0; k < n; k++) {
        const int64_t back = k ? m - k : 0;
        float *w = s->chirp + 2 * k;
        unit_circle((k * k) % (2 * n), 2 * n, w);
        data.re[k * LANES] = data.re[back * LANES] = w[0];
        data.im[k * LANES] = data.im[back * LANES] = -w[1];
    }
    transform_run(&s->transform, &data, &room);
    for (int64_t k = 0; k < m; k++) {
        s->kernel[2 * k] = data.re[k * LANES] / (float)m;
        s->kernel[2 * k + 1] = data.im[k * LANES] / (float)m;
    }
    free(memory);
    return MMS_OK;
}

mms_status mms_fftshift_create(int64_t nchan, mms_fftshift **out, mms_error *err)
{
    mms_fftshift *s = mms_alloc(1, sizeof *s);
    int factor[MAX_STAGES];
    int64_t length = 1;
    mms_status st = MMS_OK;

    *out = NULL;
    if (!s)
        return mms_fail(err, MMS_ERR_MEM, "fftshift: out of memory");
    s->nchan = nchan;
    s->chirped = nchan > 1 && factors_of(nchan, factor) == 0;
    while (length < 2 * nchan - 1)
        length *= 2;
    s->ramp = mms_alloc(2 * nchan, sizeof *s->ramp);
    if (!s->ramp)
        MMS_TRY(mms_fail(err, MMS_ERR_MEM, "fftshift: out of memory"));
    MMS_TRY(transform_make(s->chirped ? length : nchan, &s->transform, err));
    if (s->chirped)
        MMS_TRY(make_chirp(s, err));
    *out = s;
done:
    if (st != MMS_OK)
        mms_fftshift_free(&s);
    return st;
}

void mms_fftshift_free(mms_fftshift **shift)
{
    mms_fftshift *s = *shift;

    if (!s)
        return;
    free(s->transform.tables);
    free(s->ramp);
    free(s->chirp);
    free(s->kernel);
    free(s);
    *shift = NULL;
}

/** Frequencies k are 0, 1, … and, from the middle on, negative: a real spectrum stays real. */
void mms_fftshift_set(mms_fftshift *shift, double part)
{
    const int64_t n = shift->nchan;

    shift->part = part;
    for (int64_t k = 0; k < n; k++) {
        const double turns = part * (double)(2 * k < n ? k : k - n);
        const double angle = 2 * M_PI * (turns - floor(turns));
        shift->ramp[2 * k] = (float)(cos(angle) / (double)n);
        shift->ramp[2 * k + 1] = (float)(sin(angle) / (double)n);
    }
}

bool mms_fftshift_moves(const mms_fftshift *shift)
{
    return shift->part != 0 && shift->nchan > 1;
}

int64_t mms_fftshift_scratch(const mms_fftshift *shift)
{
    return 4 * shift->transform.n * LANES * (int64_t)sizeof(float);
}

/** A channel of one of some spectra. */
static float *channel_of(const mms_fftshift *s, int64_t ncorr, int nfloat, float *data,
                         int64_t spectrum)
{
    const int64_t row = spectrum / ncorr, corr = spectrum % ncorr;

    return data + (row * s->nchan * ncorr + corr) * nfloat;
}

/** Copy count spectra from first on into lanes, or back. */
static void load(const mms_fftshift *s, int64_t ncorr, int nfloat, float *data, int64_t first,
                 int64_t count, struct lanes to)
{
    for (int64_t l = 0; l < LANES; l++) {
        const float *from = channel_of(s, ncorr, nfloat, data, first + (l < count ? l : 0));
        for (int64_t k = 0; k < s->nchan; k++, from += ncorr * nfloat) {
            to.re[k * LANES + l] = from[0];
            to.im[k * LANES + l] = nfloat == 2 ? from[1] : 0;
        }
    }
}

static void store(const mms_fftshift *s, int64_t ncorr, int nfloat, float *data, int64_t first,
                  int64_t count, struct lanes from)
{
    for (int64_t l = 0; l < count; l++) {
        float *to = channel_of(s, ncorr, nfloat, data, first + l);
        for (int64_t k = 0; k < s->nchan; k++, to += ncorr * nfloat) {
            to[0] = from.re[k * LANES + l];
            if (nfloat == 2)
                to[1] = from.im[k * LANES + l];
        }
    }
}

void mms_fftshift_values(const mms_fftshift *shift, int64_t nrow, int64_t ncorr, int nfloat,
                         float *data, void *scratch)
{
    const int64_t n = shift->transform.n * LANES, nspectrum = nrow * ncorr;
    float *const memory = scratch;

    for (int64_t first = 0; first < nspectrum; first += LANES) {
        const int64_t left = nspectrum - first, count = left < LANES ? left : LANES;
        struct lanes now = {memory, memory + n}, room = {memory + 2 * n, memory + 3 * n};
        load(shift, ncorr, nfloat, data, first, count, now);
        backward(shift, &now, &room);
        multiply(shift->nchan, shift->ramp, now);
        forward(shift, &now, &room);
        store(shift, ncorr, nfloat, data, first, count, now);
    }
}

void mms_fftshift_fill(const mms_fftshift *shift, int64_t ncorr, int nfloat, const uint8_t *flag,
                       float *data)
{
    const int64_t stride = ncorr * nfloat, n = shift->nchan;

    for (int64_t i = 0; i < (n - 1) * ncorr; i++) {
        float *const x = data + i * nfloat;
        for (int part = 0; flag[i] && part < nfloat; part++)
            x[part] = i < ncorr ? x[part + stride] : (x[part - stride] + x[part + stride]) * 0.5f;
    }
}

/** Move flags by whole channels, to both that a shifted one touches; what came round the end is
 *  flagged. */
void mms_fftshift_flags(const mms_fftshift *shift, int64_t ncorr, uint8_t *flag)
{
    const int64_t n = shift->nchan;
    const double moved = (double)n * fabs(shift->part);
    const int64_t far = (int64_t)ceil(moved), near = (int64_t)floor(moved);
    const int64_t sign = shift->part > 0 ? 1 : -1;

    for (int64_t i = n - 1 - far; i >= 0; i--) {
        const int64_t k = sign > 0 ? i : n - 1 - i;
        for (int64_t c = 0; c < ncorr; c++) {
            if (!flag[k * ncorr + c])
                continue;
            flag[k * ncorr + c] = 0;
            flag[(k + sign * far) * ncorr + c] = 1;
            if (near < far)
                flag[(k + sign * near) * ncorr + c] = 1;
        }
    }
    const int64_t wrapped = far < n ? far : n;
    memset(sign > 0 ? flag : flag + (n - wrapped) * ncorr, 1, (size_t)(wrapped * ncorr));
}
