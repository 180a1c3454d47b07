/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file advice.c  How many parts a plan has and why, and how many would suit the workers. */
#include <inttypes.h>

#include "request_priv.h"

static bool offers_numsubms(const mms_request *r)
{
    return r->verb == MMS_DECIDE_PARTITION || r->verb == MMS_DECIDE_MSTRANSFORM;
}

/** "4 parts, not the 8 of numsubms=auto: there are 4 scans, and none is cut" */
static void add_reason(const mms_request *r, bool fixed, mms_text *text)
{
    const bool is_auto = r->numsubms == 0;
    const int64_t wanted = mms_plan_wanted(r->plan);
    const int64_t n = mms_plan_nparts(r->plan), dropped = mms_plan_ndropped(r->plan);

    mms_text_add(text, "%" PRId64 " part%s", n, n == 1 ? "" : "s");
    if (!fixed && n == wanted)
        mms_text_add(text, ", as numsubms%s asks", is_auto ? "=auto" : "");
    else if (!fixed)
        mms_text_add(text, ", not the %" PRId64 " of numsubms%s", wanted, is_auto ? "=auto" : "");
    mms_text_add(text, ": %s", mms_plan_reason(r->plan));
    if (dropped)
        mms_text_add(text, "; %" PRId64 " without rows %s left out", dropped,
                     dropped == 1 ? "is" : "are");
}

static void add_workers(const mms_engine *engine, int64_t n, int64_t suitable, bool fixed,
                        mms_text *text)
{
    const int workers = mms_engine_workers(engine);
    const int threads = mms_engine_threads(engine, n);

    if (n % workers == 0)
        mms_text_add(text, "; suits %d worker%s", workers, workers == 1 ? "" : "s");
    else if (suitable)
        mms_text_add(text, "; numsubms=%" PRId64 " would suit %d workers", suitable, workers);
    else if (fixed)
        mms_text_add(text, "; a multiple of %d would suit the workers", workers);
    else
        mms_text_add(text, "; no other number suits %d workers better", workers);
    if (threads > 1)
        mms_text_add(text, ", of which each part has %d", threads);
}

char *mms_output_parts_advice(const mms_request *r, const mms_engine *engine, int64_t *suitable)
{
    const mms_ids spws = mms_selection_spws(r->selection);
    const int64_t n = mms_plan_nparts(r->plan);
    mms_plan_opts opts = MMS_PLAN_OPTS_INIT;
    mms_text text = {0};

    opts.axis = mms_plan_axis(r->plan);
    opts.nspw = spws.given ? spws.n : 0;
    opts.spws = spws.ids;
    opts.antennas_given = r->select.antenna && *r->select.antenna;
    const bool fixed = opts.axis == MMS_AXIS_MEMBER || opts.axis == MMS_AXIS_NONE;
    *suitable = mms_plan_suitable(&r->meta, &opts, n, mms_engine_workers(engine));
    if (*suitable != n && !offers_numsubms(r))
        *suitable = 0;
    add_reason(r, fixed, &text);
    if (opts.axis != MMS_AXIS_NONE)
        add_workers(engine, n, *suitable, fixed, &text);
    return text.text;
}
