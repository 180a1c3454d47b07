/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file window_plans.c  Plans of the steps that select, average or smooth channels. */
#include "window_plans_priv.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/base_priv.h"

mms_status mms_window_plans_create(int64_t nwindow, mms_window_plans *out, mms_error *err)
{
    mms_window_plans_end(out);
    out->list = mms_alloc(nwindow, sizeof(mms_spectral_plan *));
    out->n = nwindow;
    return out->list ? MMS_OK : mms_fail(err, MMS_ERR_MEM, "spectral windows: out of memory");
}

void mms_window_plans_end(mms_window_plans *plans)
{
    for (int64_t i = 0; plans->list && i < plans->n; i++)
        mms_spectral_plan_free(&plans->list[i]);
    free(plans->list);
    *plans = (mms_window_plans){0};
}

/** The pieces of a window as ranges of its channels; NULL and 0 ranges for one piece. */
static mms_status ranges_of(const mms_window *w, mms_spectral_opts *opts, mms_channels **list,
                            mms_error *err)
{
    int64_t at = 0;

    *list = NULL;
    if (opts->nrange || w->npiece < 2)
        return MMS_OK;
    *list = mms_alloc(w->npiece, sizeof **list);
    if (!*list)
        return mms_fail(err, MMS_ERR_MEM, "spectral windows: out of memory");
    for (int64_t i = 0; i < w->npiece; i++) {
        (*list)[i] = (mms_channels){w->spw, (int32_t)at, (int32_t)(at + w->pieces[i] - 1), 1};
        at += w->pieces[i];
    }
    opts->ranges = *list;
    opts->nrange = w->npiece;
    return MMS_OK;
}

static mms_status follow(const mms_spectral_plan *plan, mms_window *out, mms_notes *notes,
                         mms_error *err)
{
    bool changed;
    const mms_spectral_axis *axis = mms_spectral_axis_out(plan, &changed);
    mms_status st = mms_window_set_axis(out, axis, err);

    out->changed = out->changed || changed;
    for (int64_t i = 0; st == MMS_OK && i < mms_spectral_nwarning(plan); i++)
        st = mms_notes_add(notes, strdup(mms_spectral_warning(plan, i)), err);
    return st;
}

mms_status mms_window_plans_make(mms_window_plans *plans, const mms_form *in, int64_t w,
                                 mms_spectral_opts *opts, mms_form *out, mms_notes *notes,
                                 mms_error *err)
{
    const mms_window *window = &in->windows[w];
    mms_channels *list = NULL;
    mms_status st;

    opts->spw = window->spw;
    opts->direction = window->direction;
    opts->numerics = in->numerics;
    opts->kinds = in->kinds;
    opts->weight_spectrum = in->weight_spectrum;
    opts->time_averaged = in->time_averaged;
    MMS_TRY(ranges_of(window, opts, &list, err));
    MMS_TRY(mms_spectral_prepare(&window->axis, opts, &plans->list[w], err));
    MMS_TRY(follow(plans->list[w], &out->windows[w], notes, err));
done:
    free(list);
    return st == MMS_OK ? st : mms_wrap(err, st, "spw %" PRId32, window->spw);
}
