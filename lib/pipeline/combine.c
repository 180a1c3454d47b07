/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file combine.c  The step that combines spectral windows (transform-numerics 6.7). */
#include "combine_priv.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/base_priv.h"

typedef struct combine {
    mms_step step;
    mms_combination *combination;
} combine;

static mms_status out_of_memory(mms_error *err)
{
    return mms_fail(err, MMS_ERR_MEM, "combinespws: out of memory");
}

mms_status mms_combine_step(mms_step **out, mms_error *err)
{
    combine *c = mms_alloc(1, sizeof *c);

    *out = NULL;
    if (!c)
        return out_of_memory(err);
    c->step.kind = &mms_step_combine;
    *out = &c->step;
    return MMS_OK;
}

const mms_combination *mms_combine_step_combination(const mms_step *step)
{
    return ((const combine *)step)->combination;
}

static void end(mms_step *step)
{
    combine *c = (combine *)step;

    mms_combination_free(&c->combination);
    free(c);
}

/** The combined window as SPECTRAL_WINDOW would have it; a regridding follows always. */
static mms_status set_window(const mms_combination *c, mms_window *window, mms_error *err)
{
    const int64_t n = c->nchan;
    mms_spectral_axis axis = {n, c->freq_hz, c->width_hz, c->width_hz, c->width_hz, 0, 0};
    const mms_status st = mms_window_set_axis(window, &axis, err);

    for (int64_t i = 0; st == MMS_OK && i < n; i++)
        window->axis.total_bandwidth_hz += c->width_hz[i];
    if (st == MMS_OK)
        window->axis.ref_freq_hz = c->freq_hz[0];
    window->direction = 1;
    window->changed = true;
    return st;
}

static mms_status prepare(mms_step *step, const mms_form *in, mms_form *out, mms_notes *notes,
                          mms_error *err)
{
    combine *c = (combine *)step;
    mms_combine_window *windows = mms_alloc(in->nwindow, sizeof *windows);
    mms_status st = windows ? MMS_OK : out_of_memory(err);

    (void)notes;
    for (int64_t i = 0; st == MMS_OK && i < in->nwindow; i++) {
        const mms_window *w = &in->windows[i];
        windows[i] = (mms_combine_window){w->spw, w->frame, w->axis.nchan, w->axis.freq_hz,
                                          w->axis.width_hz};
    }
    if (st == MMS_OK)
        st = mms_combination_make((int32_t)in->nwindow, windows, &c->combination, err);
    if (st == MMS_OK)
        st = set_window(c->combination, &out->windows[0], err);
    mms_form_keep_windows(out, 1);
    for (int64_t d = 0; d < out->nddid; d++)
        out->window_of[d] = in->window_of[d] < 0 ? -1 : 0;
    out->combined = out->new_windows = true;
    free(windows);
    return st;
}

static mms_status encode(const mms_step *step, mms_value **out, mms_error *err)
{
    (void)step;
    *out = json_object();
    return *out ? MMS_OK : out_of_memory(err);
}

static mms_status decode(const mms_value *value, mms_step **out, mms_error *err)
{
    (void)value;
    return mms_combine_step(out, err);
}

static char *describe(const mms_step *step)
{
    const combine *c = (const combine *)step;
    return mms_format("combination of %d spectral windows", (int)c->combination->nwindow);
}

const mms_step_kind mms_step_combine = {.name = "combine",
                                        .prepare = prepare,
                                        .encode = encode,
                                        .decode = decode,
                                        .close = end,
                                        .describe = describe,
                                        .open_rows = mms_combine_stage_open};
