/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file time_average.c  Sums of the rows of a time bin, and the row they make (transform-numerics
 *  5.3 to 5.6). */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/base_priv.h"
#include "spectra_priv.h"
#include "transform.h"

/** What a row does to the sums of a cell. */
enum fold { FOLD_SKIP = 0, FOLD_ADD, FOLD_SET, FOLD_BY_CELL };

/** Sums of the rows that count; they start afresh with the first row that is not flagged. */
struct row_sums {
    bool flagged; /* so are all rows that count */
    double first_s, first_interval_s, last_s, last_interval_s, exposure_s;
    double weight, centroid_s, uvw_m[3];            /* weighted; centroid from start_s on */
    double count, plain_centroid_s, plain_uvw_m[3]; /* for rows without weight */
};

struct mms_time_sums {
    mms_time_sums *next; /* in the list of those not in use */
    bool used;
    bool flagged; /* some cell is */
    double start_s, start_interval_s;
    struct row_sums row;
    float *data[MMS_MAX_KINDS]; /* [cell], complex or real */
    float *weight[MMS_NSOURCE]; /* [cell] */
    uint8_t *flag;              /* [cell] */
};

struct mms_time_average {
    int64_t nchan, ncorr, ncell, bytes;
    unsigned kinds;
    bool scalars_alone;
    mms_numerics numerics;
    mms_weight_source by_kind[MMS_MAX_KINDS];
    mms_weight_source weights, sigmas; /* whose sums become WEIGHT, SIGMA */
    bool uses[MMS_NSOURCE];
    float *ones; /* [cell] */
    mms_time_sums *idle;
    int64_t nidle;
};

/* ---- set up -----------------------------------------------------------------------------------*/

static void choose_sources(mms_time_average *a)
{
    const bool corrected = a->kinds & MMS_KIND_BIT(MMS_KIND_CORRECTED);
    const bool data = a->kinds & MMS_KIND_BIT(MMS_KIND_DATA);
    const bool sigmas = data || (a->kinds & MMS_KIND_BIT(MMS_KIND_FLOAT));

    a->by_kind[MMS_KIND_DATA] = a->by_kind[MMS_KIND_FLOAT] = MMS_BY_SIGMA;
    a->by_kind[MMS_KIND_CORRECTED] = MMS_BY_WEIGHT;
    a->by_kind[MMS_KIND_MODEL] = corrected ? MMS_BY_WEIGHT : data ? MMS_BY_SIGMA : MMS_BY_ONE;
    a->weights = corrected ? MMS_BY_WEIGHT : sigmas ? MMS_BY_SIGMA : MMS_BY_ONE;
    a->sigmas = sigmas ? MMS_BY_SIGMA : a->weights;
    for (int kind = 0; kind < MMS_MAX_KINDS; kind++)
        if (a->kinds & MMS_KIND_BIT(kind))
            a->uses[a->by_kind[kind]] = true;
}

mms_status mms_time_average_create(int64_t nchan, int64_t ncorr, unsigned kinds,
                                   mms_numerics numerics, mms_time_average **out, mms_error *err)
{
    mms_time_average *a;
    mms_status st = MMS_OK;

    *out = NULL;
    if (!kinds || nchan < 1 || ncorr < 1)
        return mms_fail(err, MMS_ERR_ARG, "time average: columns %#x of %" PRId64 " x %" PRId64,
                        kinds, nchan, ncorr);
    a = mms_alloc(1, sizeof *a);
    if (!a)
        return mms_fail(err, MMS_ERR_MEM, "time average: out of memory");
    a->nchan = nchan;
    a->ncorr = ncorr;
    a->ncell = nchan * ncorr;
    a->kinds = kinds;
    a->numerics = numerics;
    choose_sources(a);
    a->ones = mms_alloc(a->ncell, sizeof *a->ones);
    if (!a->ones)
        MMS_TRY(mms_fail(err, MMS_ERR_MEM, "time average: out of memory"));
    for (int64_t i = 0; i < a->ncell; i++)
        a->ones[i] = 1;
    *out = a;
done:
    if (st != MMS_OK)
        mms_time_average_free(&a);
    return st;
}

void mms_time_average_take_scalars(mms_time_average *average)
{
    average->scalars_alone = true;
}

void mms_time_average_free(mms_time_average **average)
{
    mms_time_average *a = *average;

    if (!a)
        return;
    mms_time_average_trim(a);
    free(a->ones);
    free(a);
    *average = NULL;
}

int64_t mms_time_average_idle(const mms_time_average *average)
{
    return average->nidle;
}

void mms_time_average_trim(mms_time_average *average)
{
    while (average->idle) {
        mms_time_sums *next = average->idle->next;
        free(average->idle);
        average->idle = next;
    }
    average->nidle = 0;
}

/** Take bytes behind the sums, *at of which are used; base NULL only counts. */
static void *carve(char *base, int64_t *at, int64_t bytes)
{
    char *taken = base ? base + *at : NULL;

    *at += (bytes + 63) / 64 * 64;
    return taken;
}

/** Scratch of one thread: weights of a row by source, and what its cells do. */
struct scratch {
    float *spectrum[MMS_NSOURCE]; /* [cell] */
    uint8_t *fold;                /* [cell] */
};

static int64_t lay_out_scratch(const mms_time_average *a, char *base, struct scratch *scratch)
{
    int64_t used = 0;

    for (int i = 0; i < MMS_NSOURCE; i++)
        scratch->spectrum[i] = carve(base, &used, a->ncell * (int64_t)sizeof(float));
    scratch->fold = carve(base, &used, a->ncell);
    return used;
}

int64_t mms_time_average_scratch(const mms_time_average *average)
{
    struct scratch scratch;

    return lay_out_scratch(average, NULL, &scratch);
}

/** Point the arrays of sums into the memory at base, and return its size. */
static int64_t lay_out(const mms_time_average *a, char *base, mms_time_sums *sums)
{
    const int64_t plane = a->ncell * (int64_t)sizeof(float);
    int64_t used = 0;

    carve(base, &used, sizeof *sums);
    if (a->scalars_alone)
        return used;
    for (int kind = 0; kind < MMS_MAX_KINDS; kind++)
        if (a->kinds & MMS_KIND_BIT(kind))
            sums->data[kind] = carve(base, &used, 2 * plane);
    for (int i = 0; i < MMS_NSOURCE; i++)
        if (a->uses[i])
            sums->weight[i] = carve(base, &used, plane);
    sums->flag = carve(base, &used, a->ncell);
    return used;
}

int64_t mms_time_average_bytes(const mms_time_average *average)
{
    mms_time_sums sums = {0};

    return lay_out(average, NULL, &sums);
}

mms_status mms_time_average_begin(mms_time_average *average, mms_time_sums **out, mms_error *err)
{
    mms_time_sums *sums = average->idle;

    *out = NULL;
    if (sums) {
        average->idle = sums->next;
        average->nidle--;
    } else {
        sums = mms_alloc(mms_time_average_bytes(average), 1);
        if (!sums)
            return mms_fail(err, MMS_ERR_MEM, "time average: out of memory");
        lay_out(average, (char *)sums, sums);
    }
    sums->used = false;
    *out = sums;
    return MMS_OK;
}

/* ---- cells ------------------------------------------------------------------------------------*/

/** Cells that are worked on together, so that their factors are vectors. */
enum { PIECE = 128 };

/** Repeat each of n values nfloat times. */
static inline __attribute__((always_inline)) void spread(int64_t n, int nfloat,
                                                         const float *restrict in,
                                                         float *restrict out)
{
    for (int64_t i = 0; i < n; i++)
        for (int f = 0; f < nfloat; f++)
            out[i * nfloat + f] = in[i];
}

/** Fold n cells of nfloat floats into sums; op and nfloat are constants where this is inlined. */
static inline __attribute__((always_inline)) void fold_piece(enum fold op, int nfloat, int64_t n,
                                                             const float *restrict data,
                                                             const float *restrict factor,
                                                             const uint8_t *restrict by_cell,
                                                             float *restrict sum)
{
    for (int64_t j = 0; j < n * nfloat; j++) {
        const float term = data ? data[j] * factor[j] : factor[j];
        if (op == FOLD_SET)
            sum[j] = term;
        else if (op == FOLD_ADD)
            sum[j] += term;
        else
            sum[j] = by_cell[j / nfloat] == FOLD_ADD   ? sum[j] + term
                     : by_cell[j / nfloat] == FOLD_SET ? term
                                                       : sum[j];
    }
}

static inline __attribute__((always_inline)) void fold_cells(enum fold op, int nfloat, int64_t n,
                                                             const float *data, const float *weight,
                                                             const uint8_t *by_cell, float *sum)
{
    float factor[2 * PIECE];

    if (nfloat == 1) {
        fold_piece(op, 1, n, data, weight, by_cell, sum);
        return;
    }
    for (int64_t i = 0; i < n; i += PIECE) {
        const int64_t count = n - i < PIECE ? n - i : PIECE;
        spread(count, nfloat, weight + i, factor);
        fold_piece(op, nfloat, count, data + i * nfloat, factor, by_cell + i, sum + i * nfloat);
    }
}

static inline __attribute__((always_inline)) void fold_by(enum fold op, int nfloat, int64_t n,
                                                          const float *data, const float *weight,
                                                          const uint8_t *by_cell, float *sum)
{
    if (op == FOLD_SET)
        fold_cells(FOLD_SET, nfloat, n, data, weight, by_cell, sum);
    else if (op == FOLD_ADD)
        fold_cells(FOLD_ADD, nfloat, n, data, weight, by_cell, sum);
    else
        fold_cells(FOLD_BY_CELL, nfloat, n, data, weight, by_cell, sum);
}

static void fold_data(enum fold op, bool real, int64_t n, const float *data, const float *weight,
                      const uint8_t *by_cell, float *sum)
{
    if (real)
        fold_by(op, 1, n, data, weight, by_cell, sum);
    else
        fold_by(op, 2, n, data, weight, by_cell, sum);
}

static void fold_weights(enum fold op, int64_t n, const float *weight, const uint8_t *by_cell,
                         float *sum)
{
    fold_by(op, 1, n, NULL, weight, by_cell, sum);
}

/** Combine flags with those of a row, and say what each cell of the row does. */
static enum fold fold_flags(const mms_time_average *a, mms_time_sums *sums, const uint8_t *flag,
                            uint8_t *fold)
{
    if (!sums->used) {
        memcpy(sums->flag, flag, (size_t)a->ncell);
        sums->flagged = memchr(flag, 1, (size_t)a->ncell);
        return FOLD_SET;
    }
    if (!sums->flagged && !memchr(flag, 1, (size_t)a->ncell))
        return FOLD_ADD;
    for (int64_t i = 0; i < a->ncell; i++) {
        const uint8_t same = sums->flag[i] == flag[i];
        const uint8_t restart = sums->flag[i] & (flag[i] ^ 1);
        fold[i] = (uint8_t)(same * FOLD_ADD + restart * FOLD_SET);
        sums->flag[i] &= flag[i];
    }
    sums->flagged = memchr(sums->flag, 1, (size_t)a->ncell);
    return FOLD_BY_CELL;
}

/** Weights of a row by source: its spectrum, or its value in each channel. */
static void take_weights(const mms_time_average *a, const mms_spectra *in, int64_t row,
                         const struct scratch *scratch, const float *weights[MMS_NSOURCE])
{
    float *const of_sigma = scratch->spectrum[MMS_BY_SIGMA];

    weights[MMS_BY_ONE] = a->ones;
    if (a->uses[MMS_BY_WEIGHT] && in->weight_spectrum) {
        weights[MMS_BY_WEIGHT] = in->weight_spectrum + row * a->ncell;
    } else if (a->uses[MMS_BY_WEIGHT]) {
        weights[MMS_BY_WEIGHT] = scratch->spectrum[MMS_BY_WEIGHT];
        mms_repeat_channels(a->nchan, a->ncorr, in->weight + row * a->ncorr,
                            scratch->spectrum[MMS_BY_WEIGHT]);
    }
    if (!a->uses[MMS_BY_SIGMA])
        return;
    weights[MMS_BY_SIGMA] = of_sigma;
    if (in->sigma_spectrum) {
        mms_sigma_to_weight(a->ncell, in->sigma_spectrum + row * a->ncell, of_sigma);
    } else {
        mms_sigma_to_weight(a->ncorr, in->sigma + row * a->ncorr, of_sigma);
        mms_repeat_channels(a->nchan, a->ncorr, of_sigma, of_sigma);
    }
}

/* ---- rows -------------------------------------------------------------------------------------*/

bool mms_row_is_flagged(const mms_spectra *spectra, int64_t row)
{
    const int64_t ncell = spectra->nchan * spectra->ncorr;

    return !memchr(spectra->flag + row * ncell, 0, (size_t)ncell);
}

/** Weight of a row for its UVW and TIME_CENTROID: WEIGHT or 1/SIGMA^2 over the correlations. */
static double row_weight(const mms_time_average *a, const mms_spectra *in, int64_t row)
{
    double sum = 0;

    for (int64_t c = 0; c < a->ncorr; c++) {
        float weight = 1;
        if (a->weights == MMS_BY_WEIGHT)
            weight = in->weight[row * a->ncorr + c];
        else if (a->weights == MMS_BY_SIGMA)
            mms_sigma_to_weight(1, &in->sigma[row * a->ncorr + c], &weight);
        sum += (double)weight;
    }
    return sum;
}

static void add_scalars(mms_time_sums *sums, const mms_time_scalars *s, double weight)
{
    struct row_sums *row = &sums->row;
    const double centroid_s = s->time_centroid_s - sums->start_s;

    row->last_s = s->time_s;
    row->last_interval_s = s->interval_s;
    row->exposure_s += s->exposure_s;
    row->weight += weight;
    row->centroid_s += weight * centroid_s;
    row->count += 1;
    row->plain_centroid_s += centroid_s;
    for (int i = 0; i < 3; i++) {
        row->uvw_m[i] += weight * s->uvw_m[i];
        row->plain_uvw_m[i] += s->uvw_m[i];
    }
}

/** Add the scalars of a row unless it is flagged and others are not. */
static void fold_scalars(const mms_time_average *a, mms_time_sums *sums, const mms_spectra *in,
                         int64_t r, const mms_time_scalars *s)
{
    if (!sums->used) {
        sums->start_s = s->time_s;
        sums->start_interval_s = s->interval_s;
    }
    if (!sums->used || (sums->row.flagged && !s->flagged))
        sums->row = (struct row_sums){
            .flagged = s->flagged, .first_s = s->time_s, .first_interval_s = s->interval_s};
    else if (s->flagged && !sums->row.flagged)
        return;
    add_scalars(sums, s, sums->row.flagged ? 1 : row_weight(a, in, r));
}

void mms_time_average_add(const mms_time_average *average, mms_time_sums *sums,
                          const mms_spectra *in, int64_t row, const mms_time_scalars *scalars,
                          void *scratch)
{
    const mms_time_average *a = average;
    const float *weights[MMS_NSOURCE] = {NULL};
    struct scratch s;

    fold_scalars(a, sums, in, row, scalars);
    if (a->scalars_alone) {
        sums->used = true;
        return;
    }
    lay_out_scratch(a, scratch, &s);
    take_weights(a, in, row, &s, weights);
    const enum fold op = fold_flags(a, sums, in->flag + row * a->ncell, s.fold);
    for (int i = 0; i < in->ncolumn; i++) {
        const mms_spectra_column *column = &in->column[i];
        const float *data = (const float *)column->data + row * a->ncell * (column->real ? 1 : 2);
        fold_data(op, column->real, a->ncell, data, weights[a->by_kind[column->kind]], s.fold,
                  sums->data[column->kind]);
    }
    for (int i = 0; i < MMS_NSOURCE; i++)
        if (a->uses[i])
            fold_weights(op, a->ncell, weights[i], s.fold, sums->weight[i]);
    sums->used = true;
}

/* ---- close ------------------------------------------------------------------------------------*/

/** Divide n cells of nfloat floats by the weights where there are any; CASA divides real data
 *  always.  In pieces, so that the divisors of a piece are vectors. */
static inline __attribute__((always_inline)) void divide(int64_t n, int nfloat, bool always,
                                                         const float *restrict sum,
                                                         const float *restrict weight,
                                                         float *restrict out)
{
    float by[2 * PIECE];

    for (int64_t first = 0; first < n; first += PIECE) {
        const int64_t count = n - first < PIECE ? n - first : PIECE;
        for (int64_t i = 0; i < count; i++) {
            const float w = weight[first + i];
            const float divisor = always || w > 0 ? w : 1; // division by 1 changes no bit
            for (int f = 0; f < nfloat; f++)
                by[i * nfloat + f] = divisor;
        }
        for (int64_t j = 0; j < count * nfloat; j++)
            out[first * nfloat + j] = sum[first * nfloat + j] / by[j];
    }
}

static void put_means(int64_t n, bool real, bool always, const float *sum, const float *weight,
                      float *out)
{
    if (real && always)
        divide(n, 1, true, sum, weight, out);
    else if (real)
        divide(n, 1, false, sum, weight, out);
    else
        divide(n, 2, false, sum, weight, out);
}

/** Flags of the main column; a good cell without weight is flagged unless CASA's numbers are
 * wanted. */
static void put_flags(const mms_time_average *a, const mms_time_sums *sums, uint8_t *out)
{
    const int main_kind = __builtin_ctz(a->kinds);
    const float *weight = sums->weight[a->by_kind[main_kind]];

    memcpy(out, sums->flag, (size_t)a->ncell);
    for (int64_t i = 0; a->numerics == MMS_NUMERICS_EXACT && i < a->ncell; i++)
        out[i] = weight[i] > 0 ? out[i] : 1;
}

static void put_weights(const mms_time_average *a, const mms_time_sums *sums, mms_spectra *out,
                        int64_t row)
{
    const uint8_t *flag = mms_flags_or_null(out->flag + row * a->ncell, a->ncell);
    const float *weights = sums->weight[a->weights], *sigmas = sums->weight[a->sigmas];
    float *const sigma = out->sigma + row * a->ncorr;

    mms_mean_spectrum(a->nchan, a->ncorr, weights, flag, out->weight + row * a->ncorr);
    mms_mean_spectrum(a->nchan, a->ncorr, sigmas, flag, sigma);
    mms_weight_to_sigma(a->ncorr, sigma, sigma);
    if (out->weight_spectrum)
        memcpy(out->weight_spectrum + row * a->ncell, weights, (size_t)a->ncell * sizeof *weights);
    if (out->sigma_spectrum)
        mms_weight_to_sigma(a->ncell, sigmas, out->sigma_spectrum + row * a->ncell);
}

/** Without weight, means are plain; CASA gives zeros, which is kept for FLOAT_DATA alone, as its
 * data are kept NaN. */
static void put_scalars(const mms_time_average *a, const mms_time_sums *sums, mms_time_scalars *out)
{
    const bool exact = a->numerics == MMS_NUMERICS_EXACT;
    const bool zeros = !exact && a->kinds == MMS_KIND_BIT(MMS_KIND_FLOAT);
    const struct row_sums *row = &sums->row;
    const double first_s = exact ? row->first_s : sums->start_s;
    const double first_interval_s = exact ? row->first_interval_s : sums->start_interval_s;
    const double lasts_s = row->last_s - first_s;
    const bool plain = row->weight == 0 && !zeros;
    const double n = row->weight == 0 ? row->count : row->weight;

    out->time_s = first_s + lasts_s / 2;
    out->interval_s =
        lasts_s == 0 ? first_interval_s : lasts_s + first_interval_s / 2 + row->last_interval_s / 2;
    out->exposure_s = row->exposure_s;
    out->time_centroid_s = sums->start_s + (plain ? row->plain_centroid_s : row->centroid_s) / n;
    for (int i = 0; i < 3; i++)
        out->uvw_m[i] = (plain ? row->plain_uvw_m[i] : row->uvw_m[i]) / n;
}

void mms_time_average_mean(const mms_time_average *average, const mms_time_sums *sums,
                           mms_spectra *out, int64_t row, mms_time_scalars *scalars)
{
    const mms_time_average *a = average;
    const mms_time_sums *s = sums;
    const bool exact = a->numerics == MMS_NUMERICS_EXACT;

    put_scalars(a, s, scalars);
    if (a->scalars_alone)
        return;
    for (int i = 0; i < out->ncolumn; i++) {
        const mms_spectra_column *column = &out->column[i];
        put_means(a->ncell, column->real, column->kind == MMS_KIND_FLOAT && !exact,
                  s->data[column->kind], s->weight[a->by_kind[column->kind]],
                  (float *)column->data + row * a->ncell * (column->real ? 1 : 2));
    }
    put_flags(a, s, out->flag + row * a->ncell);
    put_weights(a, s, out, row);
    scalars->flagged = mms_row_is_flagged(out, row);
}

void mms_time_average_drop(mms_time_average *average, mms_time_sums **sums)
{
    if (!*sums)
        return;
    (*sums)->next = average->idle;
    average->idle = *sums;
    average->nidle++;
    *sums = NULL;
}
