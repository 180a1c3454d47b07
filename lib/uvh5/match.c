/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file match.c  Which baseline-time of one side is which of the other. */
#include <math.h>
#include <stdlib.h>

#include "side_priv.h"

static const double NEAR_DAY = 1e-3 / 86400;

typedef struct key {
    int64_t ant1, ant2, centre, at;
    double jd;
} key;

#define COMPARE(a, b) \
    if ((a) != (b))   \
    return (a) < (b) ? -1 : 1

static int by_baseline(const key *a, const key *b)
{
    COMPARE(a->ant1, b->ant1);
    COMPARE(a->ant2, b->ant2);
    COMPARE(a->centre, b->centre);
    return 0;
}

static int by_key(const void *first, const void *second)
{
    const key *const a = first, *const b = second;
    const int order = by_baseline(a, b);

    if (order)
        return order;
    COMPARE(a->jd, b->jd);
    COMPARE(a->at, b->at);
    return 0;
}

/** One that stands elsewhere may still be a changed time; more are another order. */
static bool same_order(const mms_uvh5_side *a, const mms_uvh5_side *b)
{
    int64_t far = 0;

    if (a->nblt != b->nblt)
        return false;
    for (int64_t i = 0; i < a->nblt; i++) {
        if (a->ant1[i] != b->ant1[i] || a->ant2[i] != b->ant2[i] || a->centre[i] != b->centre[i])
            return false;
        far += !(fabs(a->jd[i] - b->jd[i]) < NEAR_DAY);
    }
    return far <= 1 + a->nblt / 100;
}

static key *sorted_keys(const mms_uvh5_side *s)
{
    key *const keys = mms_alloc(s->nblt, sizeof *keys);

    for (int64_t i = 0; keys && i < s->nblt; i++)
        keys[i] = (key){s->ant1[i], s->ant2[i], s->centre[i], i, s->jd[i]};
    if (keys)
        qsort(keys, (size_t)s->nblt, sizeof *keys, by_key);
    return keys;
}

static void merge(int64_t na, const key *a, int64_t nb, const key *b, int64_t *to)
{
    int64_t i = 0, k = 0;

    while (i < na && k < nb) {
        int order = by_baseline(&a[i], &b[k]);
        if (order == 0 && !(fabs(a[i].jd - b[k].jd) < NEAR_DAY))
            order = a[i].jd < b[k].jd ? -1 : 1;
        if (order == 0)
            to[a[i++].at] = b[k++].at;
        else if (order < 0)
            i++;
        else
            k++;
    }
}

mms_status mms_uvh5_match(const mms_uvh5_side *a, const mms_uvh5_side *b, int64_t *to,
                          mms_error *err)
{
    const bool same = same_order(a, b);
    key *const first = same ? NULL : sorted_keys(a), *const second = same ? NULL : sorted_keys(b);

    for (int64_t i = 0; i < a->nblt; i++)
        to[i] = same ? i : -1;
    if (!same && first && second)
        merge(a->nblt, first, b->nblt, second, to);
    free(first);
    free(second);
    return same || (first && second) ? MMS_OK
                                     : mms_fail(err, MMS_ERR_MEM, "%s: out of memory", b->path);
}
