/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file continuum.c  Weighted least squares by polynomials (transform-numerics 7.1).
 *
 *  The columns sqrt(w_k) x_k^j are made orthogonal (modified Gram-Schmidt).  Where all channels of
 * a fit have one weight and none is flagged they are those of the window, made once. */
#include "continuum.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/base_priv.h"
#include "base/wide_priv.h"

/** Correlations and parts of a row that are fitted beside each other. */
enum { TOGETHER = 8 };

/** Orthogonal columns q, times the roots of the weights, and the triangle r. */
typedef struct basis {
    int64_t n; /**< terms */
    double *q; /**< [term][nchan] */
    double *r; /**< [nterm][nterm] */
} basis;

struct mms_continuum {
    int64_t nchan, nterm, nfitted, niter;
    mms_numerics numerics;
    bool plain;
    double *power; /**< [term][nchan] x^j */
    uint8_t *fitted;
    basis whole; /**< of all fitted channels with one weight */
};

/** What a fit needs, in scratch memory. */
typedef struct fit {
    basis basis;
    double *root;   /**< [nchan] roots of the weights */
    double *weight; /**< [nchan] */
    double *value;  /**< [nchan] */
    double *coefficient;
    double *together; /**< [nchan + terms][TOGETHER] */
} fit;

static double dot(int64_t n, const double *a, const double *b)
{
    double sum = 0;

    for (int64_t k = 0; k < n; k++)
        sum += a[k] * b[k];
    return sum;
}

/** Take from column j what the columns before it have; a column that has nothing else is 0. */
static void orthogonalise(int64_t nchan, int64_t nterm, basis *b, int64_t j)
{
    double *const q = b->q + j * nchan, before = sqrt(dot(nchan, q, q));

    for (int64_t i = 0; i < j; i++) {
        const double *const p = b->q + i * nchan, part = dot(nchan, p, q);
        b->r[i * nterm + j] = part;
        for (int64_t k = 0; k < nchan; k++)
            q[k] -= part * p[k];
    }
    const double length = sqrt(dot(nchan, q, q));
    const bool lost = !(length > 1e-12 * before);
    b->r[j * nterm + j] = lost ? 0 : length;
    for (int64_t k = 0; k < nchan; k++)
        q[k] = lost ? 0 : q[k] / length;
}

static void make_basis(const mms_continuum *c, const double *root, int64_t n, basis *b)
{
    b->n = n;
    for (int64_t j = 0; j < n; j++) {
        for (int64_t k = 0; k < c->nchan; k++)
            b->q[j * c->nchan + k] = root[k] * c->power[j * c->nchan + k];
        orthogonalise(c->nchan, c->nterm, b, j);
    }
    for (int64_t j = 0; j < n; j++)
        for (int64_t k = 0; k < c->nchan; k++)
            b->q[j * c->nchan + k] *= root[k];
}

static void solve(const mms_continuum *c, const basis *b, const double *value, double *coefficient)
{
    for (int64_t j = b->n - 1; j >= 0; j--) {
        double left = dot(c->nchan, b->q + j * c->nchan, value);
        for (int64_t i = j + 1; i < b->n; i++)
            left -= b->r[j * c->nterm + i] * coefficient[i];
        const double length = b->r[j * c->nterm + j];
        coefficient[j] = length > 0 ? left / length : 0;
    }
}

/** x is +1 at the lowest and -1 at the highest frequency. */
static void make_powers(mms_continuum *c, const double *freq_hz)
{
    double low = freq_hz[0], high = freq_hz[0];

    for (int64_t k = 0; k < c->nchan; k++) {
        low = freq_hz[k] < low ? freq_hz[k] : low;
        high = freq_hz[k] > high ? freq_hz[k] : high;
    }
    const double mid = (low + high) / 2;
    for (int64_t k = 0; k < c->nchan; k++) {
        const double x = low < mid ? (freq_hz[k] - mid) / (low - mid) : 0;
        c->power[k] = 1;
        for (int64_t j = 1; j < c->nterm; j++)
            c->power[j * c->nchan + k] = c->power[(j - 1) * c->nchan + k] * x;
    }
}

mms_status mms_continuum_create(const mms_continuum_opts *opts, mms_continuum **out, mms_error *err)
{
    mms_continuum *c = *out = mms_alloc(1, sizeof *c);
    const int64_t n = opts->nchan;
    double *root = mms_alloc(n, sizeof *root);

    if (c) {
        *c = (mms_continuum){.nchan = n,
                             .nterm = opts->order + 1,
                             .niter = opts->niter,
                             .numerics = opts->numerics,
                             .plain = opts->plain};
        c->power = mms_alloc(c->nterm * n, sizeof *c->power);
        c->fitted = mms_alloc(n, 1);
        c->whole.q = mms_alloc(c->nterm * n, sizeof *c->whole.q);
        c->whole.r = mms_alloc(c->nterm * c->nterm, sizeof *c->whole.r);
    }
    if (!root || !c || !c->power || !c->fitted || !c->whole.q || !c->whole.r) {
        free(root);
        mms_continuum_free(out);
        return mms_fail(err, MMS_ERR_MEM, "continuum: out of memory");
    }
    make_powers(c, opts->freq_hz);
    for (int64_t k = 0; k < n; k++) {
        root[k] = c->fitted[k] = opts->fitted[k] == '1';
        c->nfitted += c->fitted[k];
    }
    make_basis(c, root, c->nfitted < c->nterm ? c->nfitted : c->nterm, &c->whole);
    free(root);
    return MMS_OK;
}

void mms_continuum_free(mms_continuum **continuum)
{
    mms_continuum *c = *continuum;

    *continuum = NULL;
    if (!c)
        return;
    free(c->power);
    free(c->fitted);
    free(c->whole.q);
    free(c->whole.r);
    free(c);
}

int64_t mms_continuum_scratch(const mms_continuum *c)
{
    return (c->nterm * c->nchan + c->nterm * c->nterm + 3 * c->nchan + 2 * c->nterm +
            TOGETHER * (c->nchan + c->nterm)) *
           (int64_t)sizeof(double);
}

static fit open_scratch(const mms_continuum *c, void *scratch)
{
    double *at = scratch;
    fit f = {.basis.q = at};

    f.basis.r = at += c->nterm * c->nchan;
    f.root = at += c->nterm * c->nterm;
    f.weight = at += c->nchan;
    f.value = at += c->nchan;
    f.coefficient = at += c->nchan;
    f.together = at + 2 * c->nterm;
    return f;
}

/** Whether channel k counts where one flag of all correlations is enough. */
static bool is_plain(const mms_continuum *c, const mms_continuum_row *row, int64_t k)
{
    for (int64_t corr = 0; corr < row->ncorr; corr++)
        if (row->flag[k * row->ncorr + corr])
            return false;
    return c->fitted[k];
}

static int64_t take_plain_weights(const mms_continuum *c, const mms_continuum_row *row,
                                  double *weight, bool *equal)
{
    int64_t n = 0;

    for (int64_t k = 0; k < c->nchan; k++) {
        weight[k] = is_plain(c, row, k);
        n += weight[k] > 0;
    }
    *equal = n == c->nfitted;
    return n;
}

/** The weights of a correlation's channels; returns how many count, *equal if all have the same. */
static int64_t take_weights(const mms_continuum *c, const mms_continuum_row *row, int64_t corr,
                            double *weight, bool *equal)
{
    int64_t n = 0;

    if (c->plain)
        return take_plain_weights(c, row, weight, equal);
    for (int64_t k = 0; k < c->nchan; k++) {
        const int64_t at = k * row->ncorr + corr;
        const float w = row->weight ? row->weight[at] : row->row_weight[corr];
        weight[k] = c->fitted[k] && !row->flag[at] && w > 0 ? (double)w : 0;
        n += weight[k] > 0;
    }
    *equal = n == c->nfitted && !row->weight;
    return n;
}

static const basis *use_weights(const mms_continuum *c, int64_t n, fit *f)
{
    for (int64_t k = 0; k < c->nchan; k++)
        f->root[k] = sqrt(f->weight[k]);
    make_basis(c, f->root, n < c->nterm ? n : c->nterm, &f->basis);
    return &f->basis;
}

/** How far channels are from the fit; CASA looks at its term of highest order alone. */
static double take_distances(const mms_continuum *c, const fit *f, const basis *b, double *distance)
{
    const int64_t first = c->numerics == MMS_NUMERICS_CASA ? b->n - 1 : 0;
    double most = 0;

    for (int64_t k = 0; k < c->nchan; k++) {
        double model = 0;
        for (int64_t j = first; j < b->n; j++)
            model += (double)(float)f->coefficient[j] * c->power[j * c->nchan + k];
        distance[k] = f->weight[k] > 0 ? fabs(f->value[k] - model) : 0;
        most = distance[k] > most ? distance[k] : most;
    }
    return most;
}

/** The next weights of the channels; false when there is nothing to change. */
static bool reweigh(const mms_continuum *c, fit *f, const basis *b)
{
    double *const distance = f->root;
    const double most = take_distances(c, f, b, distance);

    for (int64_t k = 0; most > 0 && k < c->nchan; k++) {
        const double part = (most - distance[k]) / most;
        f->weight[k] =
            c->numerics == MMS_NUMERICS_CASA ? (distance[k] > 0 ? part : 0) : f->weight[k] * part;
    }
    return most > 0;
}

static void write_model(const mms_continuum *c, int64_t n, const double *coefficient,
                        int64_t stride, float *model)
{
    for (int64_t k = 0; k < c->nchan; k++) {
        float sum = 0;
        for (int64_t j = 0; j < n; j++)
            sum += (float)coefficient[j] * (float)c->power[j * c->nchan + k];
        model[k * stride] = sum;
    }
}

/** The weighted squares that n terms leave. */
static double chi2_of(const mms_continuum *c, const fit *f, int64_t n)
{
    double sum = 0;

    for (int64_t k = 0; k < c->nchan; k++) {
        double left = f->value[k];
        for (int64_t j = 0; j < n; j++)
            left -= f->coefficient[j] * c->power[j * c->nchan + k];
        sum += f->weight[k] * left * left;
    }
    return sum;
}

/** One part of one correlation. */
static void fit_part(const mms_continuum *c, fit *f, const basis *b, const float *data,
                     int64_t stride, float *model, double *chi2)
{
    bool any = true;

    for (int64_t k = 0; k < c->nchan; k++) // a NaN without weight must not spoil the sums
        f->value[k] = f->weight[k] > 0 ? (double)data[k * stride] : 0;
    solve(c, b, f->value, f->coefficient);
    for (int64_t i = 1; any && i < c->niter && reweigh(c, f, b); i++) {
        any = false;
        for (int64_t k = 0; k < c->nchan; k++)
            any = any || f->weight[k] > 0;
        b = use_weights(c, b->n, f);
        solve(c, b, f->value, f->coefficient);
    }
    write_model(c, any ? b->n : 0, f->coefficient, stride, model);
    if (chi2)
        *chi2 = chi2_of(c, f, any ? b->n : 0);
}

/* ---- rows whose every fit has the basis of the window -----------------------------------------*/

/** Whether all correlations have one weight in all channels, and nothing is flagged. */
static bool is_even(const mms_continuum *c, const mms_continuum_row *row)
{
    if (c->niter > 1 || c->nfitted == 0 || (row->weight && !c->plain) ||
        memchr(row->flag, 1, (size_t)(c->nchan * row->ncorr)))
        return false;
    for (int64_t corr = 0; corr < row->ncorr; corr++)
        if (!c->plain && !(row->row_weight[corr] > 0))
            return false;
    return true;
}

/** Four series beside each other. */
typedef double quad __attribute__((vector_size(32), aligned(8), may_alias));
typedef float small_quad __attribute__((vector_size(16), aligned(4), may_alias));

/** As solve(), of n quads of series, each in the order of the channels: value[nchan][n]. */
static inline __attribute__((always_inline)) void solve_together(const mms_continuum *c, int n,
                                                                 const quad *value,
                                                                 quad *coefficient)
{
    const basis *const b = &c->whole;

    for (int64_t j = b->n - 1; j >= 0; j--) {
        const double *const q = b->q + j * c->nchan, length = b->r[j * c->nterm + j];
        quad left[2] = {{0}, {0}};
        for (int64_t k = 0; k < c->nchan; k++)
            for (int i = 0; i < n; i++)
                left[i] += q[k] * value[k * n + i];
        for (int64_t t = j + 1; t < b->n; t++)
            for (int i = 0; i < n; i++)
                left[i] -= b->r[j * c->nterm + t] * coefficient[t * n + i];
        for (int i = 0; i < n; i++)
            coefficient[j * n + i] = left[i] / length;
        if (!(length > 0))
            memset(coefficient + j * n, 0, (size_t)n * sizeof *coefficient);
    }
}

/** As write_model(). */
static inline __attribute__((always_inline)) void write_together(const mms_continuum *c, int n,
                                                                 const quad *coefficient,
                                                                 small_quad *model)
{
    for (int64_t k = 0; k < c->nchan * n; k++)
        model[k] = (small_quad){0};
    for (int64_t j = 0; j < c->whole.n; j++) {
        const double *const power = c->power + j * c->nchan;
        small_quad factor[2];
        for (int i = 0; i < n; i++)
            factor[i] = __builtin_convertvector(coefficient[j * n + i], small_quad);
        for (int64_t k = 0; k < c->nchan; k++)
            for (int i = 0; i < n; i++)
                model[k * n + i] += factor[i] * (float)power[k];
    }
}

/** As chi2_of(); value is used up. */
static inline __attribute__((always_inline)) void judge_together(const mms_continuum *c,
                                                                 const mms_continuum_row *row,
                                                                 int n, const quad *coefficient,
                                                                 quad *value)
{
    quad weight[2], sum[2] = {{0}, {0}};

    for (int i = 0; i < 4 * n; i++)
        weight[i / 4][i % 4] = c->plain ? 1 : (double)row->row_weight[i / row->nfloat];
    for (int64_t j = 0; j < c->whole.n; j++)
        for (int64_t k = 0; k < c->nchan; k++)
            for (int i = 0; i < n; i++)
                value[k * n + i] -= coefficient[j * n + i] * c->power[j * c->nchan + k];
    for (int64_t k = 0; k < c->nchan; k++)
        for (int i = 0; i < n && c->fitted[k]; i++)
            sum[i] += weight[i] * value[k * n + i] * value[k * n + i];
    memcpy(row->chi2, sum, (size_t)n * sizeof *sum);
}

/** A row of n quads of series: what fit_part() makes of each. */
static inline __attribute__((always_inline)) void fit_together(const mms_continuum *c,
                                                               const mms_continuum_row *row, int n,
                                                               float *model, double *scratch)
{
    const small_quad *const data = (const small_quad *)row->data;
    quad *const value = (quad *)scratch, *const coefficient = value + n * c->nchan;

    for (int64_t k = 0; k < c->nchan; k++)
        for (int i = 0; i < n; i++) {
            value[k * n + i] = (quad){0};
            if (c->fitted[k])
                value[k * n + i] = __builtin_convertvector(data[k * n + i], quad);
        }
    solve_together(c, n, value, coefficient);
    write_together(c, n, coefficient, (small_quad *)model);
    if (row->chi2)
        judge_together(c, row, n, coefficient, value);
}

/** False: not done. */
MMS_WIDE static bool fit_even(const mms_continuum *c, const mms_continuum_row *row, float *model,
                              double *scratch)
{
    const int64_t n = row->ncorr * row->nfloat;

    if ((n != 8 && n != 4) || !is_even(c, row))
        return false;
    if (n == 8)
        fit_together(c, row, 2, model, scratch);
    else
        fit_together(c, row, 1, model, scratch);
    return true;
}

bool mms_continuum_fit(const mms_continuum *c, const mms_continuum_row *row, float *model,
                       void *scratch)
{
    const int64_t stride = row->ncorr * row->nfloat;
    fit f = open_scratch(c, scratch);
    bool all = true;

    if (fit_even(c, row, model, f.together))
        return true;
    for (int64_t corr = 0; corr < row->ncorr; corr++) {
        const basis *b = NULL;
        for (int64_t part = 0; part < row->nfloat; part++) {
            const int64_t at = corr * row->nfloat + part;
            if (!b || c->niter > 1) { // fits that are made again leave other weights
                bool equal;
                const int64_t n = take_weights(c, row, corr, f.weight, &equal);
                all = all && n > 0;
                b = equal && n ? &c->whole : use_weights(c, n, &f);
            }
            fit_part(c, &f, b, row->data + at, stride, model + at,
                     row->chi2 ? row->chi2 + at : NULL);
            if (row->chi2 && b->n == 0)
                row->chi2[at] = -1;
        }
    }
    return all;
}
