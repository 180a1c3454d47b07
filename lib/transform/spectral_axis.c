/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file spectral_axis.c  Bins of selected channels and the output's window
 * (transform-numerics 1.3, 3.4, 4). */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/base_priv.h"
#include "spectral_priv.h"

static mms_spectral_axis *axis_new(int64_t nchan)
{
    mms_spectral_axis *axis = mms_alloc(1, sizeof *axis);
    double *values = mms_alloc(4 * nchan, sizeof *values);

    if (!axis || !values) {
        free(axis);
        free(values);
        return NULL;
    }
    *axis = (mms_spectral_axis){.nchan = nchan,
                                .freq_hz = values,
                                .width_hz = values + nchan,
                                .resolution_hz = values + 2 * nchan,
                                .effective_bw_hz = values + 3 * nchan};
    return axis;
}

void mms_spectral_axis_free(mms_spectral_axis *axis)
{
    if (axis)
        free(axis->freq_hz);
    free(axis);
}

int mms_axis_direction(const mms_spectral_axis *axis)
{
    return axis->nchan > 0 && axis->freq_hz[axis->nchan - 1] < axis->freq_hz[0] ? -1 : 1;
}

static void copy_axis(const mms_spectral_axis *in, mms_spectral_axis *out)
{
    const size_t bytes = (size_t)in->nchan * sizeof(double);

    memcpy(out->freq_hz, in->freq_hz, bytes);
    memcpy(out->width_hz, in->width_hz, bytes);
    memcpy(out->resolution_hz, in->resolution_hz, bytes);
    memcpy(out->effective_bw_hz, in->effective_bw_hz, bytes);
    out->total_bandwidth_hz = in->total_bandwidth_hz;
    out->ref_freq_hz = in->ref_freq_hz;
}

/** Channels of a range. */
static int64_t range_size(const mms_channels *range)
{
    return 1 + (range->last - range->first) / range->step;
}

static mms_status check_ranges(const mms_spectral_axis *axis, const mms_spectral_opts *opts,
                               mms_error *err)
{
    for (int64_t i = 0; i < opts->nrange; i++) {
        const mms_channels *r = &opts->ranges[i];
        if (r->first < 0 || r->last < r->first || r->step < 1 || r->last >= axis->nchan)
            return mms_fail(err, MMS_ERR_RANGE,
                            "SPW %d: channels %d~%d^%d of a window of %" PRId64 " channels",
                            (int)opts->spw, (int)r->first, (int)r->last, (int)r->step, axis->nchan);
    }
    return MMS_OK;
}

static mms_status add_warning(mms_spectral_plan *plan, char *text, mms_error *err)
{
    const mms_status st = text ? mms_grow(&plan->warnings, &plan->warning_capacity,
                                          plan->nwarning + 1, sizeof *plan->warnings, err)
                               : mms_fail(err, MMS_ERR_MEM, "warning: out of memory");
    if (st == MMS_OK)
        plan->warnings[plan->nwarning++] = text;
    else
        free(text);
    return st;
}

/** Cut chanbin to the number of selected channels. */
static mms_status fit_chanbin(mms_spectral_plan *plan, const mms_spectral_opts *opts,
                              mms_error *err)
{
    const int spw = (int)opts->spw;
    mms_status st = MMS_OK;

    if (opts->chanbin < 0)
        return mms_fail(err, MMS_ERR_ARG, "SPW %d: chanbin %" PRId64 " is negative", spw,
                        opts->chanbin);
    plan->average = opts->chanbin > 0;
    plan->bins.count = plan->average ? opts->chanbin : 1;
    if (plan->bins.count > plan->nchan_in && plan->nchan_in > 0) {
        MMS_TRY(add_warning(plan,
                            mms_format("Number of selected channels %" PRId64
                                       " for SPW %d is smaller than specified chanbin %" PRId64,
                                       plan->nchan_in, spw, opts->chanbin),
                            err));
        plan->bins.count = plan->nchan_in;
        MMS_TRY(add_warning(
            plan, mms_format("Setting chanbin to %" PRId64 " for SPW %d", plan->nchan_in, spw),
            err));
    }
done:
    return st;
}

static mms_status warn_of_remainder(mms_spectral_plan *plan, int64_t channel, int32_t spw,
                                    mms_error *err)
{
    mms_status st =
        add_warning(plan,
                    mms_format("Not enough input channels to populate output channel n# %" PRId64
                               " from SPW %d.",
                               channel, (int)spw),
                    err);
    if (st == MMS_OK)
        st = add_warning(
            plan, mms_format("The channel will be dropped in order to have an uniform grid."), err);
    return st;
}

/** Cut each range into bins; the number in the warning counts the bins that are left out, too. */
static mms_status make_bins(mms_spectral_plan *plan, const mms_spectral_opts *opts,
                            const mms_channels *ranges, int64_t nrange, mms_error *err)
{
    int64_t at = 0;
    mms_status st = MMS_OK;

    for (int64_t i = 0; st == MMS_OK && i < nrange; i++) {
        const int64_t n = range_size(&ranges[i]), count = plan->bins.count;
        for (int64_t j = 0; j < n; j++)
            plan->channel[at + j] = ranges[i].first + j * ranges[i].step;
        for (int64_t j = 0; j < n / count; j++)
            plan->first[plan->bins.nbin++] = at + j * count;
        if (n % count) {
            st = warn_of_remainder(plan, plan->bins.nbin + plan->ndropped, opts->spw, err);
            plan->dropped[plan->ndropped++] = (struct bin){at + n - n % count, n % count};
        }
        at += n;
    }
    if (st == MMS_OK && !plan->bins.nbin)
        st = mms_fail(err, MMS_ERR_ARG,
                      "SPW %d: Channel selection does not allow to produce any output channel with "
                      "the requested width %" PRId64,
                      (int)opts->spw, plan->bins.count);
    return st;
}

/** Cut all channels into bins, whatever their ranges; the last one may be shorter. */
static void make_all_bins(mms_spectral_plan *plan, const mms_channels *ranges, int64_t nrange)
{
    const int64_t count = plan->bins.count;
    int64_t at = 0;

    for (int64_t i = 0; i < nrange; i++)
        for (int64_t j = 0; j < range_size(&ranges[i]); j++)
            plan->channel[at++] = ranges[i].first + j * ranges[i].step;
    for (at = 0; at < plan->nchan_in; at += count)
        plan->first[plan->bins.nbin++] = at;
    plan->bins.last = plan->nchan_in - (plan->bins.nbin - 1) * count;
}

/** The window between an average and a regridding: means, and sums of mean widths. */
static void mean_axis(const mms_spectral_plan *plan, const mms_spectral_axis *in)
{
    mms_spectral_axis *out = plan->axis;

    for (int64_t b = 0; b < out->nchan; b++) {
        const int64_t n = b == out->nchan - 1 ? plan->bins.last : plan->bins.count;
        double freq = 0, width = 0;
        for (int64_t i = 0; i < n; i++) {
            freq += in->freq_hz[plan->channel[plan->first[b] + i]];
            width += in->width_hz[plan->channel[plan->first[b] + i]];
        }
        out->freq_hz[b] = freq / (double)n;
        out->width_hz[b] = width / (double)n * (double)n;
        out->resolution_hz[b] = out->effective_bw_hz[b] = fabs(out->width_hz[b]);
        out->total_bandwidth_hz += fabs(out->width_hz[b]);
    }
    out->ref_freq_hz = out->freq_hz[0];
}

/** A channel of the output window: the average of members a..b of the selected channels. */
struct channel {
    double freq_hz, width_hz, resolution_hz, effective_bw_hz;
};

static struct channel average_channel(const mms_spectral_plan *plan, const mms_spectral_axis *in,
                                      struct bin bin)
{
    const int64_t *members = plan->channel + bin.first;
    const int64_t a = members[0], b = members[bin.count - 1];
    const double apart = fabs(in->freq_hz[b] - in->freq_hz[a]);
    const double sign = plan->direction;
    struct channel c = {
        .freq_hz = (in->freq_hz[a] + in->freq_hz[b]) / 2,
        .width_hz = (apart + 0.5 * fabs(in->width_hz[a] + in->width_hz[b])) * sign,
        .resolution_hz = 0.5 * (in->resolution_hz[a] + in->resolution_hz[b]) + apart,
    };

    for (int64_t i = 0; i < bin.count; i++)
        c.effective_bw_hz += in->effective_bw_hz[members[i]];
    return c;
}

static void average_axis(const mms_spectral_plan *plan, const mms_spectral_axis *in, bool exact)
{
    mms_spectral_axis *out = plan->axis;

    for (int64_t i = 0; i < out->nchan; i++) {
        const struct bin bin = {plan->first[i], plan->bins.count};
        const struct channel c = average_channel(plan, in, bin);
        out->freq_hz[i] = c.freq_hz;
        out->width_hz[i] = c.width_hz;
        out->resolution_hz[i] = c.resolution_hz;
        out->effective_bw_hz[i] = exact ? c.effective_bw_hz : c.resolution_hz;
        out->total_bandwidth_hz += fabs(c.width_hz);
    }
    out->ref_freq_hz = fmin(out->freq_hz[0], out->freq_hz[out->nchan - 1]);
}

/** Do as CASA with bins that are left out (vector average-multi): it takes their widths, signed,
 * off a total of absolute widths, and leaves a last one in the reference frequency. */
static void count_dropped(const mms_spectral_plan *plan, const mms_spectral_axis *in)
{
    mms_spectral_axis *out = plan->axis;

    for (int64_t i = 0; i < plan->ndropped; i++) {
        const struct channel c = average_channel(plan, in, plan->dropped[i]);
        out->total_bandwidth_hz += fabs(c.width_hz) - c.width_hz;
    }
    if (plan->ndropped && plan->dropped[plan->ndropped - 1].first > plan->first[out->nchan - 1]) {
        const struct channel last = average_channel(plan, in, plan->dropped[plan->ndropped - 1]);
        out->ref_freq_hz = fmin(out->freq_hz[0], last.freq_hz);
    }
}

/** A smoothed channel sees two channels, and noise of 1/(1/16 + 1/4 + 1/16) of them. */
static void smooth_axis(mms_spectral_axis *axis)
{
    for (int64_t i = 0; i < axis->nchan; i++) {
        axis->resolution_hz[i] = fmax(axis->resolution_hz[i], 2 * fabs(axis->width_hz[i]));
        axis->effective_bw_hz[i] /= 0.375;
    }
}

mms_status mms_spectral_make_axis(mms_spectral_plan *plan, const mms_spectral_axis *in,
                                  const mms_spectral_opts *opts, mms_error *err)
{
    const mms_channels everything = {opts->spw, 0, (int32_t)in->nchan - 1, 1};
    const mms_channels *ranges = opts->nrange ? opts->ranges : &everything;
    const int64_t nrange = opts->nrange ? opts->nrange : in->nchan > 0;
    const bool exact = opts->numerics == MMS_NUMERICS_EXACT;
    mms_status st;

    MMS_TRY(check_ranges(in, opts, err));
    plan->direction = opts->direction ? opts->direction : mms_axis_direction(in);
    for (int64_t i = 0; i < nrange; i++)
        plan->nchan_in += range_size(&ranges[i]);
    MMS_TRY(fit_chanbin(plan, opts, err));
    plan->channel = mms_alloc(plan->nchan_in, sizeof *plan->channel);
    plan->bins.first = plan->first = mms_alloc(plan->nchan_in, sizeof *plan->first);
    plan->dropped = mms_alloc(nrange, sizeof *plan->dropped);
    if (!plan->channel || !plan->first || !plan->dropped)
        MMS_TRY(mms_fail(err, MMS_ERR_MEM, "SPW %d: out of memory", (int)opts->spw));
    if (opts->keep_remainder)
        make_all_bins(plan, ranges, nrange);
    else
        MMS_TRY(make_bins(plan, opts, ranges, nrange, err));

    plan->axis = axis_new(plan->bins.nbin);
    if (!plan->axis)
        MMS_TRY(mms_fail(err, MMS_ERR_MEM, "SPW %d: out of memory", (int)opts->spw));
    plan->axis_changed = nrange > 1 || plan->bins.nbin != in->nchan;
    if (opts->keep_remainder)
        mean_axis(plan, in);
    else if (plan->axis_changed)
        average_axis(plan, in, exact);
    else
        copy_axis(in, plan->axis);
    if (plan->axis_changed && !exact && !opts->keep_remainder)
        count_dropped(plan, in);
    if (opts->hanning && exact) {
        smooth_axis(plan->axis);
        plan->axis_changed = true;
    }
done:
    return st;
}
