/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file spectrum.c  One row from step to step: data, flags, and the weights that follow them
 *  (transform-numerics 0.6, 2). */
#include "spectrum_priv.h"

#include <string.h>

#include "transform.h"

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
static mms_weight_source weight_source(unsigned kinds, bool from_weights)
{
    if (from_weights)
        return MMS_BY_WEIGHT;
    if (has(kinds, MMS_KIND_DATA))
        return MMS_BY_SIGMA;
    if (has(kinds, MMS_KIND_CORRECTED))
        return MMS_BY_WEIGHT;
    return has(kinds, MMS_KIND_FLOAT) ? MMS_BY_SIGMA : MMS_BY_ONE;
}

mms_weight_choice mms_choose_weights(unsigned kinds, bool weighted, bool time_averaged)
{
    mms_weight_choice c = {.sigmas_apart =
                               has(kinds, MMS_KIND_DATA) && has(kinds, MMS_KIND_CORRECTED)};

    c.weights = weight_source(kinds, c.sigmas_apart || time_averaged);
    for (int kind = 0; kind < MMS_MAX_KINDS; kind++)
        if (weighted && has(kinds, (mms_data_kind)kind))
            c.by_kind[kind] = mean_source((mms_data_kind)kind, kinds);
    return c;
}

bool mms_weights_are_carried(const mms_weight_choice *choice, mms_weight_source source)
{
    return source == choice->weights || (choice->sigmas_apart && source == MMS_BY_SIGMA);
}

static bool uses(const mms_weight_choice *choice, mms_weight_source source)
{
    bool used = mms_weights_are_carried(choice, source);

    for (int kind = 0; kind < MMS_MAX_KINDS; kind++)
        used = used || choice->by_kind[kind] == source;
    return used;
}

/* ---- room -------------------------------------------------------------------------------------*/

static int64_t room(int64_t bytes)
{
    return (bytes + 63) / 64 * 64;
}

int64_t mms_spectrum_bytes(const mms_weight_choice *choice, int64_t nchan, int64_t ncorr)
{
    const int64_t n = nchan * ncorr;
    int64_t bytes = room(n);

    for (int i = MMS_BY_WEIGHT; i < MMS_NSOURCE; i++)
        if (mms_weights_are_carried(choice, (mms_weight_source)i))
            bytes += room(n * (int64_t)sizeof(float)) + room(n);
    return bytes;
}

void mms_spectrum_make(const mms_weight_choice *choice, void *memory, mms_spectrum *out)
{
    const int64_t n = out->nchan * out->ncorr;
    uint8_t *at = memory;

    out->flag = at;
    at += room(n);
    for (int i = MMS_BY_WEIGHT; i < MMS_NSOURCE; i++) {
        if (!mms_weights_are_carried(choice, (mms_weight_source)i))
            continue;
        out->weights[i] = (float *)(void *)at;
        at += room(n * (int64_t)sizeof(float));
        out->weight_flag[i] = at;
        at += room(n);
    }
}

int64_t mms_spectrum_open_bytes(int64_t nchan, int64_t ncorr)
{
    return (MMS_NSOURCE - MMS_BY_WEIGHT) * room(nchan * ncorr * (int64_t)sizeof(float));
}

void mms_spectrum_start(const mms_weight_choice *choice, void *memory, const mms_spectra *in,
                        mms_spectrum *out)
{
    const int64_t n = in->nchan * in->ncorr;
    uint8_t *at = memory;

    *out = (mms_spectrum){.nchan = in->nchan, .ncorr = in->ncorr, .ncolumn = in->ncolumn};
    for (int i = 0; i < in->ncolumn; i++) {
        out->column[i] = in->column[i];
        if (in->column[i].kind < in->column[out->main].kind)
            out->main = i;
    }
    for (int i = MMS_BY_WEIGHT; i < MMS_NSOURCE; i++, at += room(n * (int64_t)sizeof(float)))
        if (uses(choice, (mms_weight_source)i))
            out->weights[i] = (float *)(void *)at;
    for (int64_t i = 0; out->weights[MMS_BY_ONE] && i < n; i++)
        out->weights[MMS_BY_ONE][i] = 1;
}

/* ---- from rows of a block and back ------------------------------------------------------------*/

/** Weights of row r from SIGMA_SPECTRUM, or from SIGMA. */
static void weights_of_sigmas(const mms_spectra *in, int64_t r, float *weights)
{
    const int64_t n = in->nchan * in->ncorr;

    if (in->sigma_spectrum) {
        mms_sigma_to_weight(n, in->sigma_spectrum + r * n, weights);
    } else {
        mms_sigma_to_weight(in->ncorr, in->sigma + r * in->ncorr, weights);
        mms_repeat_channels(in->nchan, in->ncorr, weights, weights);
    }
}

void mms_spectrum_open(const mms_weight_choice *choice, const mms_spectra *in, int64_t r,
                       mms_spectrum *out)
{
    const int64_t n = in->nchan * in->ncorr;

    // most rows have no flags: kernels are told so
    out->flag = mms_flags_or_null(in->flag + r * n, n) ? in->flag + r * n : NULL;
    for (int i = 0; i < in->ncolumn; i++)
        out->column[i].data = (float *)in->column[i].data + r * n * (in->column[i].real ? 1 : 2);
    for (int i = MMS_BY_WEIGHT; i < MMS_NSOURCE; i++)
        out->weight_flag[i] = out->flag;
    if (uses(choice, MMS_BY_SIGMA))
        weights_of_sigmas(in, r, out->weights[MMS_BY_SIGMA]);
    if (in->weight_spectrum)
        out->weights[MMS_BY_WEIGHT] = in->weight_spectrum + r * n;
    else if (uses(choice, MMS_BY_WEIGHT))
        mms_repeat_channels(in->nchan, in->ncorr, in->weight + r * in->ncorr,
                            out->weights[MMS_BY_WEIGHT]);
}

/** WEIGHT is the mean of the new weights, SIGMA the mean of the new sigmas. */
void mms_spectrum_close(const mms_weight_choice *choice, const mms_spectrum *row, mms_spectra *out,
                        int64_t r, float *spare)
{
    const int64_t n = row->nchan * row->ncorr, at = r * row->ncorr;
    const mms_weight_source s = choice->sigmas_apart ? MMS_BY_SIGMA : choice->weights;
    float *const sigmas = out->sigma_spectrum ? out->sigma_spectrum + r * n : spare;

    if (out->weight_spectrum)
        memcpy(out->weight_spectrum + r * n, row->weights[choice->weights],
               (size_t)n * sizeof(float));
    mms_mean_spectrum(row->nchan, row->ncorr, row->weights[choice->weights],
                      row->weight_flag[choice->weights], out->weight + at);
    mms_weight_to_sigma(n, row->weights[s], sigmas);
    mms_mean_spectrum(row->nchan, row->ncorr, sigmas, row->weight_flag[s], out->sigma + at);
}

/* ---- steps ------------------------------------------------------------------------------------*/

static int floats(const mms_spectra_column *column)
{
    return column->real ? 1 : 2;
}

void mms_channel_row(const mms_bins *bins, const mms_weight_choice *choice, const mms_spectrum *in,
                     mms_spectrum *out)
{
    for (int i = 0; i < in->ncolumn; i++)
        mms_average_channels(bins, in->ncorr, floats(&in->column[i]), in->column[i].data, in->flag,
                             in->weights[choice->by_kind[in->column[i].kind]], out->column[i].data,
                             i == in->main ? out->flag : NULL);
    for (int i = MMS_BY_WEIGHT; i < MMS_NSOURCE; i++)
        if (mms_weights_are_carried(choice, (mms_weight_source)i))
            mms_sum_weights(bins, in->ncorr, in->weights[i], in->weight_flag[i], out->weights[i],
                            out->weight_flag[i]);
}

void mms_hanning_row(const mms_weight_choice *choice, const mms_spectrum *in, mms_spectrum *out)
{
    for (int i = 0; i < in->ncolumn; i++)
        mms_hanning_smooth(in->nchan, in->ncorr * floats(&in->column[i]), in->column[i].data,
                           out->column[i].data);
    mms_hanning_flags(in->nchan, in->ncorr, in->flag, out->flag);
    for (int i = MMS_BY_WEIGHT; i < MMS_NSOURCE; i++)
        if (mms_weights_are_carried(choice, (mms_weight_source)i))
            mms_hanning_weights(in->nchan, in->ncorr, in->weights[i], in->weight_flag[i],
                                out->weights[i], out->weight_flag[i]);
}

void mms_regrid_row(const mms_interpolation *interpolation, double scale,
                    const mms_weight_choice *choice, const mms_spectrum *in, mms_spectrum *out,
                    void *scratch)
{
    const int64_t n = out->nchan * out->ncorr;

    for (int i = 0; i < in->ncolumn; i++)
        mms_interpolation_values(interpolation, 1, in->ncorr, floats(&in->column[i]),
                                 in->column[i].data, in->flag, out->column[i].data, scratch);
    mms_interpolation_flags(interpolation, 1, in->ncorr, in->flag, out->flag, scratch);
    for (int s = MMS_BY_WEIGHT; s < MMS_NSOURCE; s++) {
        if (!mms_weights_are_carried(choice, (mms_weight_source)s))
            continue;
        mms_interpolation_values(interpolation, 1, in->ncorr, 1, in->weights[s], in->weight_flag[s],
                                 out->weights[s], scratch);
        mms_interpolation_flags(interpolation, 1, in->ncorr, in->weight_flag[s],
                                out->weight_flag[s], scratch);
        for (int64_t k = 0; scale != 1.0 && k < n; k++)
            out->weights[s][k] = (float)(out->weights[s][k] * scale);
    }
}
