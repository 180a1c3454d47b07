/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file channel.c  The step that averages channels (transform-numerics 3). */
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/base_priv.h"
#include "step_priv.h"
#include "window_plans_priv.h"

typedef struct channel {
    mms_step step;
    const char *name;
    int64_t n, *bins;
    bool keep_remainder;
    mms_window_plans plans;
} channel;

static const mms_bins *bins_of(const channel *c, int64_t window)
{
    return &c->plans.list[window]->bins;
}

static mms_status out_of_memory(mms_error *err)
{
    return mms_fail(err, MMS_ERR_MEM, "channel average: out of memory");
}

mms_status mms_channel_step(int64_t n, const int64_t *bins, const char *name, bool keep_remainder,
                            mms_step **out, mms_error *err)
{
    channel *c = mms_alloc(1, sizeof *c);

    *out = NULL;
    if (c)
        *c = (channel){
            .step.kind = &mms_step_channel, .name = name, .n = n, .keep_remainder = keep_remainder};
    if (!c || !(c->bins = mms_alloc(n, sizeof *bins))) {
        free(c);
        return out_of_memory(err);
    }
    memcpy(c->bins, bins, (size_t)n * sizeof *bins);
    *out = &c->step;
    return MMS_OK;
}

static void end(mms_step *step)
{
    channel *c = (channel *)step;

    mms_window_plans_end(&c->plans);
    free(c->bins);
    free(c);
}

int64_t mms_channel_step_bin(const mms_step *step, int64_t window)
{
    const channel *c = (const channel *)step;
    return c->bins[c->n > 1 ? window : 0];
}

static mms_status prepare(mms_step *step, const mms_form *in, mms_form *out, mms_notes *notes,
                          mms_error *err)
{
    channel *c = (channel *)step;
    mms_status st;

    if (c->n > 1 && c->n != in->nwindow)
        return mms_fail(err, MMS_ERR_ARG,
                        "Number of %s is different from the number of spw (%" PRId64 ", %" PRId64
                        ")",
                        c->name, c->n, in->nwindow);
    MMS_TRY(mms_window_plans_create(in->nwindow, &c->plans, err));
    for (int64_t w = 0; w < in->nwindow; w++) {
        mms_spectral_opts opts = MMS_SPECTRAL_OPTS_INIT;
        opts.chanbin = mms_channel_step_bin(step, w);
        opts.keep_remainder = c->keep_remainder;
        if (opts.chanbin < 1)
            MMS_TRY(mms_fail(err, MMS_ERR_ARG,
                             "parameter %s: %" PRId64 " is not a number of channels", c->name,
                             opts.chanbin));
        MMS_TRY(mms_window_plans_make(&c->plans, in, w, &opts, out, notes, err));
    }
done:
    return st;
}

static mms_status encode(const mms_step *step, mms_value **out, mms_error *err)
{
    const channel *c = (const channel *)step;

    *out = json_pack("{so sb}", "bins", mms_int64s_value(c->n, c->bins), "remainder",
                     (int)c->keep_remainder);
    return *out ? MMS_OK : out_of_memory(err);
}

static mms_status decode(const mms_value *value, mms_step **out, mms_error *err)
{
    const mms_value *list = json_object_get(value, "bins");
    const int64_t n = (int64_t)json_array_size(list);
    int64_t *bins = mms_alloc(n, sizeof *bins);
    mms_status st;

    *out = NULL;
    if (!n || !bins)
        MMS_TRY(n ? out_of_memory(err) : mms_fail(err, MMS_ERR_INTERNAL, "step channel: no bins"));
    for (int64_t i = 0; i < n; i++)
        bins[i] = json_integer_value(json_array_get(list, (size_t)i));
    MMS_TRY(mms_channel_step(n, bins, "chanbin", json_is_true(json_object_get(value, "remainder")),
                             out, err));
done:
    free(bins);
    return st;
}

static char *describe(const mms_step *step)
{
    const channel *c = (const channel *)step;
    mms_text text = {0};

    mms_text_add(&text, "channel average by ");
    for (int64_t i = 0; i < c->n; i++)
        mms_text_add(&text, "%s%" PRId64, i ? "," : "", c->bins[i]);
    return text.text;
}

static bool acts(const mms_step *step, int64_t window)
{
    (void)step;
    (void)window;
    return true;
}

static bool mixes(const mms_step *step, int64_t window)
{
    return mms_channel_step_bin(step, window) > 1;
}

static void row(const mms_step *step, const mms_row_call *call, const mms_spectrum *in,
                mms_spectrum *out)
{
    mms_channel_row(bins_of((const channel *)step, call->window), call->choice, in, out);
}

const mms_step_kind mms_step_channel = {.name = "channel",
                                        .takes_means = true,
                                        .prepare = prepare,
                                        .encode = encode,
                                        .decode = decode,
                                        .close = end,
                                        .describe = describe,
                                        .acts = acts,
                                        .mixes = mixes,
                                        .row = row};
