/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file advice.c  How many parts suit the workers. */
#include "plan_priv.h"

enum { MOST_TRIES = 16 };

/** How many parts a request for numsubms of them makes; 0 when that can't be said. */
static int64_t parts_for(const mms_meta *meta, const mms_plan_opts *opts, int64_t numsubms)
{
    const mms_level level = mms_log_limit(MMS_LOG_ERROR);
    mms_plan_opts other = *opts;
    mms_plan *plan = NULL;
    int64_t n = 0;

    other.numsubms = numsubms;
    if (mms_plan_create(meta, &other, &plan, NULL) == MMS_OK)
        n = plan->npart;
    mms_plan_free(&plan);
    mms_log_limit(level);
    return n;
}

int64_t mms_plan_suitable(const mms_meta *meta, const mms_plan_opts *opts, int64_t nparts,
                          int workers)
{
    const bool fixed = opts->axis == MMS_AXIS_MEMBER || opts->axis == MMS_AXIS_NONE;
    const int64_t rounds = nparts < workers ? 1 : nparts / workers;

    if (nparts % workers == 0)
        return nparts;
    for (int64_t k = 0; !fixed && k < MOST_TRIES; k++) { // 1, 2, 3 … more rounds, then fewer
        const int64_t more = (rounds + k + (nparts > workers)) * workers;
        if (parts_for(meta, opts, more) == more)
            return more;
        if (k < rounds && parts_for(meta, opts, (rounds - k) * workers) == (rounds - k) * workers)
            return (rounds - k) * workers;
    }
    return 0;
}
