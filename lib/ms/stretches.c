/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file stretches.c  Homogeneous stretches of scans, from rows per time and DDID. */
#include <stdlib.h>
#include <string.h>

#include "meta_priv.h"

static double stamp_time(const mms_stamp *s)
{
    double time;
    memcpy(&time, s->time, sizeof time);
    return time;
}

/* By scan, observation, array, time, field, state and DDID. */
static int compare_stamps(const void *a, const void *b)
{
    const mms_stamp *x = a, *y = b;
    const double tx = stamp_time(x), ty = stamp_time(y);
    const int first = mms_compare_keys(&x->scan, &y->scan, 3);

    if (first)
        return first;
    if (tx != ty)
        return tx < ty ? -1 : 1;
    return mms_compare_keys(&x->field, &y->field, 3);
}

/* Stamps of one time, field and state, sorted, from i on. */
static int64_t count_group(int64_t n, const mms_stamp *stamps, int64_t i)
{
    int64_t end = i + 1;
    while (end < n && mms_compare_keys(&stamps[i].scan, &stamps[end].scan, 7) == 0)
        end++;
    return end - i;
}

static bool continues(const mms_stretch *last, const mms_stamp *before, int64_t n,
                      const mms_stamp *group)
{
    if (mms_compare_keys(&before->scan, &group->scan, 3) != 0 || before->field != group->field ||
        before->state != group->state || last->nddid != n)
        return false;
    for (int64_t i = 0; i < n; i++)
        if (last->ddids[i] != group[i].ddid)
            return false;
    return true;
}

mms_status mms_stamps_merge(int64_t n, mms_stamp *stamps, mms_meta *meta, mms_error *err)
{
    mms_stretch *last = NULL;
    int32_t *ddids;

    if (n > 1)
        qsort(stamps, (size_t)n, sizeof *stamps, compare_stamps);
    meta->stretches = mms_alloc(n, sizeof *meta->stretches);
    meta->stretch_ddids = ddids = mms_alloc(n, sizeof *ddids);
    if (!meta->stretches || !ddids)
        return mms_fail(err, MMS_ERR_MEM, "out of memory for %lld time stamps", (long long)n);
    for (int64_t i = 0, count; i < n; i += count) {
        const mms_stamp *group = &stamps[i];
        count = count_group(n, stamps, i);
        if (!last || !continues(last, group - 1, count, group)) {
            last = &meta->stretches[meta->nstretch++];
            *last = (mms_stretch){.scan = group->scan,
                                  .field = group->field,
                                  .state = group->state,
                                  .nddid = (int32_t)count,
                                  .ddids = ddids};
            for (int64_t k = 0; k < count; k++)
                *ddids++ = group[k].ddid;
        }
        for (int64_t k = 0; k < count; k++)
            last->rows += group[k].rows;
    }
    return MMS_OK;
}
