/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file spectral.c  Channel average, then Hanning smoothing, of the rows of one window: data,
 * flags, weights (transform-numerics 0.6, 2). */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/base_priv.h"
#include "spectral_priv.h"
#include "transform.h"

/* ---- prepare ----------------------------------------------------------------------------------*/

static void choose_weights(mms_spectral_plan *plan, const mms_spectral_opts *opts)
{
    const bool weighted = plan->average && (opts->weight_spectrum || opts->time_averaged);

    plan->kinds = opts->kinds;
    plan->choice = mms_choose_weights(plan->kinds, weighted, opts->time_averaged);
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

/** Take bytes of the scratch memory, *at of which are used; base NULL only counts. */
static void *carve(char *base, int64_t *at, int64_t bytes)
{
    char *taken = base ? base + *at : NULL;

    *at += (bytes + 63) / 64 * 64;
    return taken;
}

/** Scratch of one row: as it is read, averaged, smoothed. */
struct row {
    void *open, *averaged, *smoothed;
    float *data, *spare; /* between the two; [2 * nchan * ncorr] */
};

static int64_t lay_out(struct row *row, const mms_spectral_plan *plan, int64_t ncorr, void *scratch)
{
    const int64_t nchan = plan->bins.nbin, size = (int64_t)sizeof(float);
    const int64_t made = mms_spectrum_bytes(&plan->choice, nchan, ncorr);
    int64_t used = 0;

    row->open = carve(scratch, &used, mms_spectrum_open_bytes(plan->nchan_in, ncorr));
    row->averaged = carve(scratch, &used, made);
    row->smoothed = carve(scratch, &used, made);
    row->data = carve(scratch, &used, MMS_MAX_KINDS * 2 * nchan * ncorr * size);
    row->spare = carve(scratch, &used, 2 * nchan * ncorr * size);
    return used;
}

int64_t mms_spectral_scratch(const mms_spectral_plan *plan, int64_t ncorr)
{
    struct row row;

    return lay_out(&row, plan, ncorr, NULL);
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

/** A step's result for a row of in: in the scratch memory, or (data NULL) in row r of out. */
static mms_spectrum result_of(const mms_spectral_plan *plan, const mms_spectrum *in, void *memory,
                              float *data, const mms_spectra *out, int64_t r)
{
    const int64_t n = plan->bins.nbin * in->ncorr;
    mms_spectrum s = *in;

    s.nchan = plan->bins.nbin;
    mms_spectrum_make(&plan->choice, memory, &s);
    for (int i = 0; i < in->ncolumn; i++)
        s.column[i].data =
            data ? data + i * 2 * n
                 : (float *)out->column[i].data + r * n * (in->column[i].real ? 1 : 2);
    if (!data)
        s.flag = out->flag + r * n;
    return s;
}

static void copy_row(const mms_spectrum *in, mms_spectrum *out)
{
    const int64_t n = in->nchan * in->ncorr;

    for (int i = 0; i < in->ncolumn; i++)
        memcpy(out->column[i].data, in->column[i].data,
               (size_t)(n * (in->column[i].real ? 1 : 2)) * sizeof(float));
    memset(out->flag, 0, (size_t)n);
    if (in->flag)
        memcpy(out->flag, in->flag, (size_t)n);
    for (int i = MMS_BY_WEIGHT; i < MMS_NSOURCE; i++) {
        out->weights[i] = in->weights[i];
        out->weight_flag[i] = in->weight_flag[i];
    }
}

mms_status mms_spectral_apply(const mms_spectral_plan *plan, const mms_spectra *in,
                              mms_spectra *out, void *scratch, mms_error *err)
{
    const mms_status st = check_shapes(plan, in, out, err);
    mms_spectrum opened;
    struct row row;

    if (st != MMS_OK)
        return st;
    lay_out(&row, plan, in->ncorr, scratch);
    mms_spectrum_start(&plan->choice, row.open, in, &opened);
    for (int64_t r = 0; r < in->nrow; r++) {
        mms_spectrum_open(&plan->choice, in, r, &opened);
        mms_spectrum averaged = opened;
        if (plan->average) {
            averaged =
                result_of(plan, &opened, row.averaged, plan->hanning ? row.data : NULL, out, r);
            mms_channel_row(&plan->bins, &plan->choice, &opened, &averaged);
        }
        mms_spectrum smoothed = averaged;
        if (plan->hanning || !plan->average)
            smoothed = result_of(plan, &averaged, row.smoothed, NULL, out, r);
        if (plan->hanning)
            mms_hanning_row(&plan->choice, &averaged, &smoothed);
        else if (!plan->average)
            copy_row(&averaged, &smoothed);
        mms_spectrum_close(&plan->choice, &smoothed, out, r, row.spare);
    }
    return MMS_OK;
}
