/** @file spectral.c  Channel average, then Hanning smoothing, of the rows of one window: data,
 * flags, weights (transform-numerics 0.6, 2). */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/base_priv.h"
#include "multims/transform.h"
#include "spectral_priv.h"

/* ---- prepare ----------------------------------------------------------------------------------*/

static bool has(unsigned kinds, mms_data_kind kind)
{
    return kinds & MMS_KIND_BIT(kind);
}

/** Weights of the means of a column (3.2). */
static mms_weight_source mean_source(mms_data_kind kind, unsigned kinds)
{
    switch (kind) {
    case MMS_KIND_DATA:
        return MMS_BY_SIGMA;
    case MMS_KIND_MODEL:
        return has(kinds, MMS_KIND_CORRECTED) ? MMS_BY_WEIGHT
               : has(kinds, MMS_KIND_DATA)    ? MMS_BY_SIGMA
                                              : MMS_BY_ONE;
    default:
        return MMS_BY_WEIGHT;
    }
}

/** What the new WEIGHT is made of (0.6). */
static mms_weight_source weight_source(const mms_spectral_plan *plan, bool time_averaged)
{
    if (plan->sigmas_apart || time_averaged)
        return MMS_BY_WEIGHT;
    if (has(plan->kinds, MMS_KIND_DATA))
        return MMS_BY_SIGMA;
    if (has(plan->kinds, MMS_KIND_CORRECTED))
        return MMS_BY_WEIGHT;
    return has(plan->kinds, MMS_KIND_FLOAT) ? MMS_BY_SIGMA : MMS_BY_ONE;
}

static void choose_weights(mms_spectral_plan *plan, const mms_spectral_opts *opts)
{
    const bool weighted = opts->weight_spectrum || opts->time_averaged;

    plan->kinds = opts->kinds;
    plan->sigmas_apart = has(plan->kinds, MMS_KIND_DATA) && has(plan->kinds, MMS_KIND_CORRECTED);
    plan->weights = weight_source(plan, opts->time_averaged);
    for (int kind = 0; kind < MMS_MAX_KINDS; kind++)
        if (plan->average && weighted && has(plan->kinds, (mms_data_kind)kind))
            plan->by_kind[kind] = mean_source((mms_data_kind)kind, plan->kinds);
}

mms_status mms_spectral_prepare(const mms_spectral_axis *axis, const mms_spectral_opts *opts,
                                mms_spectral_plan **out, mms_error *err)
{
    mms_spectral_plan *plan = mms_alloc(1, sizeof *plan);
    mms_status st;

    *out = NULL;
    if (!plan)
        return mms_fail(err, MMS_ERR_MEM, "SPW %d: out of memory", (int)opts->spw);
    MMS_TRY(mms_spectral_make_axis(plan, axis, opts, err));
    plan->hanning = opts->hanning;
    choose_weights(plan, opts);
    *out = plan;
done:
    if (st != MMS_OK)
        mms_spectral_plan_free(&plan);
    return st;
}

void mms_spectral_plan_free(mms_spectral_plan **plan)
{
    mms_spectral_plan *p = *plan;

    if (!p)
        return;
    for (int64_t i = 0; i < p->nwarning; i++)
        free(p->warnings[i]);
    free(p->warnings);
    free(p->first);
    free(p->channel);
    free(p->dropped);
    mms_spectral_axis_free(p->axis);
    free(p);
    *plan = NULL;
}

int64_t mms_spectral_nchan_in(const mms_spectral_plan *plan)
{
    return plan->nchan_in;
}

int64_t mms_spectral_nchan_out(const mms_spectral_plan *plan)
{
    return plan->bins.nbin;
}

const mms_spectral_axis *mms_spectral_axis_out(const mms_spectral_plan *plan, bool *changed)
{
    if (changed)
        *changed = plan->axis_changed;
    return plan->axis;
}

int64_t mms_spectral_nwarning(const mms_spectral_plan *plan)
{
    return plan->nwarning;
}

const char *mms_spectral_warning(const mms_spectral_plan *plan, int64_t i)
{
    return plan->warnings[i];
}

/* ---- apply ------------------------------------------------------------------------------------*/

/** Scratch of one row, and what the row holds now. */
struct row {
    const mms_spectral_plan *plan;
    int64_t ncorr, ncell_in, ncell_out;
    const uint8_t *flag;               /* of the input, NULL: none is set */
    const float *weights[MMS_NSOURCE]; /* of the input */
    float *spectrum[MMS_NSOURCE]; /* [ncell_in] room for weights that the input does not have */
    float *averaged;              /* [2 * ncell_out] between average and smoothing */
    uint8_t *averaged_flag, *weight_flag;
    float *new_weights, *new_sigmas; /* where the output has no spectra */
};

/** Take bytes of the scratch memory, *at of which are used; base NULL only counts. */
static void *carve(char *base, int64_t *at, int64_t bytes)
{
    char *taken = base ? base + *at : NULL;

    *at += (bytes + 63) / 64 * 64;
    return taken;
}

static int64_t lay_out(struct row *row, const mms_spectral_plan *plan, int64_t ncorr, void *scratch)
{
    const int64_t in = plan->nchan_in * ncorr, out = plan->bins.nbin * ncorr;
    const int64_t size = (int64_t)sizeof(float);
    int64_t used = 0;

    *row = (struct row){.plan = plan, .ncorr = ncorr, .ncell_in = in, .ncell_out = out};
    for (int i = MMS_BY_WEIGHT; i < MMS_NSOURCE; i++)
        row->spectrum[i] = carve(scratch, &used, in * size);
    row->averaged = carve(scratch, &used, 2 * out * size);
    row->averaged_flag = carve(scratch, &used, out);
    row->weight_flag = carve(scratch, &used, out);
    row->new_weights = carve(scratch, &used, out * size);
    row->new_sigmas = carve(scratch, &used, out * size);
    return used;
}

int64_t mms_spectral_scratch(const mms_spectral_plan *plan, int64_t ncorr)
{
    struct row row;

    return lay_out(&row, plan, ncorr, NULL);
}

static bool uses(const mms_spectral_plan *plan, mms_weight_source source)
{
    bool used = plan->weights == source || (plan->sigmas_apart && source == MMS_BY_SIGMA);

    for (int kind = 0; kind < MMS_MAX_KINDS; kind++)
        used = used || plan->by_kind[kind] == source;
    return used;
}

/** Fill the weights of ones, once for all rows. */
static void start_rows(struct row *row)
{
    row->weights[MMS_BY_ONE] = row->spectrum[MMS_BY_ONE];
    for (int64_t i = 0; uses(row->plan, MMS_BY_ONE) && i < row->ncell_in; i++)
        row->spectrum[MMS_BY_ONE][i] = 1;
}

/** Weights of row r from SIGMA_SPECTRUM, or from SIGMA. */
static void weights_of_sigmas(struct row *row, const mms_spectra *in, int64_t r)
{
    float *const weights = row->spectrum[MMS_BY_SIGMA];

    if (in->sigma_spectrum) {
        mms_sigma_to_weight(row->ncell_in, in->sigma_spectrum + r * row->ncell_in, weights);
    } else {
        mms_sigma_to_weight(row->ncorr, in->sigma + r * row->ncorr, weights);
        mms_repeat_channels(row->plan->nchan_in, row->ncorr, weights, weights);
    }
    row->weights[MMS_BY_SIGMA] = weights;
}

static void take_row(struct row *row, const mms_spectra *in, int64_t r)
{
    row->flag = mms_flags_or_null(in->flag + r * row->ncell_in, row->ncell_in);
    if (uses(row->plan, MMS_BY_SIGMA))
        weights_of_sigmas(row, in, r);
    if (in->weight_spectrum) {
        row->weights[MMS_BY_WEIGHT] = in->weight_spectrum + r * row->ncell_in;
    } else if (uses(row->plan, MMS_BY_WEIGHT)) {
        float *const weights = row->spectrum[MMS_BY_WEIGHT];
        mms_repeat_channels(row->plan->nchan_in, row->ncorr, in->weight + r * row->ncorr, weights);
        row->weights[MMS_BY_WEIGHT] = weights;
    }
}

/** Average and smooth the data of a column; flags only where they are wanted. */
static void transform_column(const struct row *row, const mms_spectra_column *in, int64_t r,
                             const mms_spectra_column *out, uint8_t *out_flag)
{
    const mms_spectral_plan *plan = row->plan;
    const int nfloat = in->real ? 1 : 2;
    const float *data = (const float *)in->data + r * row->ncell_in * nfloat;
    float *const result = (float *)out->data + r * row->ncell_out * nfloat;
    const uint8_t *flag = row->flag;
    uint8_t *const averaged_flag = plan->hanning ? row->averaged_flag : out_flag;

    if (plan->average) {
        float *const averaged = plan->hanning ? row->averaged : result;
        mms_average_channels(&plan->bins, row->ncorr, nfloat, data, flag,
                             row->weights[plan->by_kind[in->kind]], averaged,
                             out_flag ? averaged_flag : NULL);
        data = averaged;
        flag = averaged_flag;
    }
    if (plan->hanning) {
        mms_hanning_smooth(plan->bins.nbin, row->ncorr * nfloat, data, result);
        if (out_flag)
            mms_hanning_flags(plan->bins.nbin, row->ncorr, flag, out_flag);
    } else if (!plan->average) {
        memcpy(result, data, (size_t)(row->ncell_out * nfloat) * sizeof *result);
        if (out_flag && flag)
            memcpy(out_flag, flag, (size_t)row->ncell_out);
        else if (out_flag)
            memset(out_flag, 0, (size_t)row->ncell_out);
    }
}

/** Average and smooth weights; their flags go to weight_flag. */
static void transform_weights(const struct row *row, mms_weight_source source, float *out)
{
    const mms_spectral_plan *plan = row->plan;
    const float *weights = row->weights[source];
    const uint8_t *flag = row->flag;

    if (plan->average) {
        float *const sums = plan->hanning ? row->averaged : out;
        uint8_t *const sums_flag = plan->hanning ? row->averaged_flag : row->weight_flag;
        mms_sum_weights(&plan->bins, row->ncorr, weights, flag, sums, sums_flag);
        weights = sums;
        flag = sums_flag;
    }
    if (plan->hanning) {
        mms_hanning_weights(plan->bins.nbin, row->ncorr, weights, flag, out, row->weight_flag);
    } else if (!plan->average) {
        memcpy(out, weights, (size_t)row->ncell_out * sizeof *out);
        memset(row->weight_flag, 0, (size_t)row->ncell_out);
        if (flag)
            memcpy(row->weight_flag, flag, (size_t)row->ncell_out);
    }
}

/** WEIGHT is the mean of the new weights, SIGMA the mean of the new sigmas. */
static void put_weights(const struct row *row, mms_spectra *out, int64_t r)
{
    const int64_t nchan = row->plan->bins.nbin, cell = r * row->ncell_out, at = r * row->ncorr;
    float *weights = out->weight_spectrum ? out->weight_spectrum + cell : row->new_weights;
    float *sigmas = out->sigma_spectrum ? out->sigma_spectrum + cell : row->new_sigmas;

    transform_weights(row, row->plan->weights, weights);
    mms_mean_spectrum(nchan, row->ncorr, weights, row->weight_flag, out->weight + at);
    if (row->plan->sigmas_apart) {
        transform_weights(row, MMS_BY_SIGMA, sigmas);
        weights = sigmas;
    }
    mms_weight_to_sigma(row->ncell_out, weights, sigmas);
    mms_mean_spectrum(nchan, row->ncorr, sigmas, row->weight_flag, out->sigma + at);
}

static int main_column(const mms_spectra *in)
{
    int first = 0;

    for (int i = 1; i < in->ncolumn; i++)
        if (in->column[i].kind < in->column[first].kind)
            first = i;
    return first;
}

static mms_status check_shapes(const mms_spectral_plan *plan, const mms_spectra *in,
                               const mms_spectra *out, mms_error *err)
{
    if (in->nchan != plan->nchan_in || out->nchan != plan->bins.nbin || in->nrow != out->nrow ||
        in->ncorr != out->ncorr || in->ncolumn != out->ncolumn)
        return mms_fail(err, MMS_ERR_SHAPE,
                        "spectra: %" PRId64 " rows x %" PRId64 " x %" PRId64 " to %" PRId64
                        " x %" PRId64 " x %" PRId64 ", planned are %" PRId64
                        " channels to %" PRId64,
                        in->nrow, in->nchan, in->ncorr, out->nrow, out->nchan, out->ncorr,
                        plan->nchan_in, plan->bins.nbin);
    if (mms_spectra_kinds(in) != plan->kinds)
        return mms_fail(err, MMS_ERR_SHAPE, "spectra: columns %#x, planned are %#x",
                        mms_spectra_kinds(in), plan->kinds);
    for (int i = 0; i < in->ncolumn; i++)
        if (in->column[i].kind != out->column[i].kind || in->column[i].real != out->column[i].real)
            return mms_fail(err, MMS_ERR_SHAPE, "spectra: column %d differs", i);
    return MMS_OK;
}

mms_status mms_spectral_apply(const mms_spectral_plan *plan, const mms_spectra *in,
                              mms_spectra *out, void *scratch, mms_error *err)
{
    const mms_status st = check_shapes(plan, in, out, err);
    const int main_one = main_column(in);
    struct row row;

    if (st != MMS_OK)
        return st;
    lay_out(&row, plan, in->ncorr, scratch);
    start_rows(&row);
    for (int64_t r = 0; r < in->nrow; r++) {
        take_row(&row, in, r);
        for (int i = 0; i < in->ncolumn; i++)
            transform_column(&row, &in->column[i], r, &out->column[i],
                             i == main_one ? out->flag + r * row.ncell_out : NULL);
        put_weights(&row, out, r);
    }
    return MMS_OK;
}
