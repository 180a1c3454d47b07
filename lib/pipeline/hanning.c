/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file hanning.c  The step that smooths spectra (transform-numerics 4). */
#include <ctype.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/base_priv.h"
#include "step_priv.h"
#include "window_plans_priv.h"

typedef struct hanning {
    mms_step step;
    char *spws;      /**< "" for all */
    uint8_t *smooth; /**< by window */
    mms_window_plans plans;
} hanning;

static mms_status out_of_memory(mms_error *err)
{
    return mms_fail(err, MMS_ERR_MEM, "Hanning smoothing: out of memory");
}

mms_status mms_hanning_step(const char *spws, mms_step **out, mms_error *err)
{
    hanning *h = mms_alloc(1, sizeof *h);

    *out = NULL;
    if (h)
        *h = (hanning){.step.kind = &mms_step_hanning, .spws = strdup(spws)};
    if (!h || !h->spws) {
        free(h);
        return out_of_memory(err);
    }
    *out = &h->step;
    return MMS_OK;
}

static void end(mms_step *step)
{
    hanning *h = (hanning *)step;

    mms_window_plans_end(&h->plans);
    free(h->smooth);
    free(h->spws);
    free(h);
}

/** Mark spws a~b. */
static mms_status mark(hanning *h, const mms_form *in, int64_t first, int64_t last, mms_error *err)
{
    for (int64_t spw = first; spw <= last; spw++) {
        int64_t w = 0;
        while (w < in->nwindow && in->windows[w].spw != spw)
            w++;
        if (w == in->nwindow)
            return mms_fail(err, MMS_ERR_ARG,
                            "parameter smooth_spw: spw %" PRId64 " is not selected", spw);
        h->smooth[w] = 1;
    }
    return MMS_OK;
}

static mms_status parse_spws(hanning *h, const mms_form *in, mms_error *err)
{
    mms_status st = MMS_OK;

    for (const char *at = h->spws; st == MMS_OK && *at;) {
        char *end;
        at += strspn(at, ", ");
        const char *item = at;
        int64_t first = strtoll(at, &end, 10), last = first;
        const bool number = end != at && isdigit((unsigned char)*at);
        if (number && *end == '~') {
            at = end + 1;
            last = strtoll(at, &end, 10);
        }
        if (!number || end == at || (*end && !strchr(", ", *end)) || last < first)
            return mms_fail(err, MMS_ERR_ARG,
                            "smooth_spw must be a list of single SPWs, a string with comma "
                            "separated SPWs or SPWs ranges with ~. Cannot parse %s",
                            item);
        st = mark(h, in, first, last, err);
        at = end + strspn(end, ", ");
    }
    return st;
}

static mms_status choose(hanning *h, const mms_form *in, mms_error *err)
{
    free(h->smooth);
    h->smooth = mms_alloc(in->nwindow, 1);
    if (!h->smooth)
        return out_of_memory(err);
    if (*h->spws)
        return parse_spws(h, in, err);
    memset(h->smooth, 1, (size_t)in->nwindow);
    return MMS_OK;
}

/** Warn of windows that have no channel with two neighbours. */
static mms_status note_narrow(const hanning *h, const mms_form *in, mms_notes *notes,
                              mms_error *err)
{
    mms_text spws = {0};
    int64_t n = 0;
    mms_status st = MMS_OK;

    for (int64_t w = 0; w < in->nwindow; w++)
        if (h->smooth[w] && in->windows[w].axis.nchan < 3)
            mms_text_add(&spws, "%s%" PRId32, n++ ? "," : "", in->windows[w].spw);
    if (n > 0)
        st = mms_notes_add(notes,
                           mms_format("Hanning smoothing needs three channels: spw %s %s fewer, "
                                      "and all of %s data are flagged",
                                      spws.text ? spws.text : "?", n > 1 ? "have" : "has",
                                      n > 1 ? "their" : "its"),
                           err);
    free(spws.text);
    return st;
}

static mms_status prepare(mms_step *step, const mms_form *in, mms_form *out, mms_notes *notes,
                          mms_error *err)
{
    hanning *h = (hanning *)step;
    mms_status st;

    MMS_TRY(choose(h, in, err));
    MMS_TRY(note_narrow(h, in, notes, err));
    MMS_TRY(mms_window_plans_create(in->nwindow, &h->plans, err));
    for (int64_t w = 0; w < in->nwindow; w++) {
        mms_spectral_opts opts = MMS_SPECTRAL_OPTS_INIT;
        opts.hanning = true;
        if (h->smooth[w])
            MMS_TRY(mms_window_plans_make(&h->plans, in, w, &opts, out, notes, err));
    }
done:
    return st;
}

static mms_status encode(const mms_step *step, mms_value **out, mms_error *err)
{
    *out = json_pack("{ss}", "spws", ((const hanning *)step)->spws);
    return *out ? MMS_OK : out_of_memory(err);
}

static mms_status decode(const mms_value *value, mms_step **out, mms_error *err)
{
    const char *spws = json_string_value(json_object_get(value, "spws"));

    *out = NULL;
    return spws ? mms_hanning_step(spws, out, err)
                : mms_fail(err, MMS_ERR_INTERNAL, "step hanning: no spws");
}

static char *describe(const mms_step *step)
{
    const hanning *h = (const hanning *)step;
    return mms_format("Hanning smoothing%s%s", *h->spws ? " of spw " : "", h->spws);
}

static bool acts(const mms_step *step, int64_t window)
{
    return ((const hanning *)step)->smooth[window];
}

static void row(const mms_step *step, const mms_row_call *call, const mms_spectrum *in,
                mms_spectrum *out)
{
    (void)step;
    mms_hanning_row(call->choice, in, out);
}

const mms_step_kind mms_step_hanning = {.name = "hanning",
                                        .prepare = prepare,
                                        .encode = encode,
                                        .decode = decode,
                                        .close = end,
                                        .describe = describe,
                                        .acts = acts,
                                        .row = row};
