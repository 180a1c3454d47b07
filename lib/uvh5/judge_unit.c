/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file judge_unit.c  In a worker: compares the values of a part of the baseline-times. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "orders_priv.h"
#include "side_priv.h"

typedef struct comparing {
    mms_uvh5_side a, b;
    int64_t *to;
    int32_t pol[MMS_UVH5_MAX_POL]; /**< of b for each of a; -1: none */
    double rtol, atol;
    int64_t show, counts[MMS_UVH5_NVALUES];
    mms_value *findings[MMS_UVH5_NVALUES];
} comparing;

/** One value of both sides, and where it stands. */
typedef struct place {
    int64_t blt, channel, a, b; /**< blt of b; a, b: in the values in hand */
    int32_t pol;
} place;

static bool same(const comparing *c, float a, float b)
{
    if (!memcmp(&a, &b, sizeof a) || (isnan(a) && isnan(b)))
        return true;
    return (c->rtol > 0 || c->atol > 0) &&
           fabs((double)a - (double)b) <= c->atol + c->rtol * fabs((double)a);
}

static void add(comparing *c, int kind, const place *p)
{
    const mms_uvh5_values *const a = &c->a.values, *const b = &c->b.values;
    char *text = NULL;

    if (c->counts[kind]++ >= c->show)
        return;
    if (kind == MMS_UVH5_VISDATA)
        text =
            mms_format("(%.9g, %.9g), (%.9g, %.9g)", (double)a->vis[p->a][0],
                       (double)a->vis[p->a][1], (double)b->vis[p->b][0], (double)b->vis[p->b][1]);
    else if (kind == MMS_UVH5_FLAGS)
        text = mms_format("%d, %d", a->flags[p->a], b->flags[p->b]);
    else
        text = mms_format("%.9g, %.9g", (double)a->nsamples[p->a], (double)b->nsamples[p->b]);
    json_array_append_new(c->findings[kind],
                          json_sprintf("baseline-time %" PRId64 " (antennas %" PRId64 ", %" PRId64
                                       "), channel %" PRId64 ", %s: %s",
                                       p->blt, c->b.ant1[p->blt], c->b.ant2[p->blt], p->channel,
                                       mms_uvh5_pol_name(c->a.codes[p->pol]), text ? text : ""));
    free(text);
}

/** Padding of a file of others may have any number of samples: an MS has no row for it. */
static bool is_padding(const comparing *c, const place *p)
{
    const mms_uvh5_values *const a = &c->a.values, *const b = &c->b.values;

    return c->a.is_ms && !c->b.is_ours && a->nsamples[p->a] == 0 && a->flags[p->a] &&
           b->flags[p->b] && a->vis[p->a][0] == 0 && a->vis[p->a][1] == 0;
}

static void compare_value(comparing *c, const place *p)
{
    const mms_uvh5_values *const a = &c->a.values, *const b = &c->b.values;

    if (!same(c, a->vis[p->a][0], b->vis[p->b][0]) || !same(c, a->vis[p->a][1], b->vis[p->b][1]))
        add(c, MMS_UVH5_VISDATA, p);
    if (!a->flags[p->a] != !b->flags[p->b])
        add(c, MMS_UVH5_FLAGS, p);
    if (!same(c, a->nsamples[p->a], b->nsamples[p->b]) && !is_padding(c, p))
        add(c, MMS_UVH5_NSAMPLES, p);
}

static bool all_equal(const comparing *c, int64_t n)
{
    const mms_uvh5_values *const a = &c->a.values, *const b = &c->b.values;
    const size_t cells = (size_t)(n * c->a.nfreq * c->a.npol);

    for (int64_t p = 0; p < c->a.npol; p++)
        if (c->pol[p] != p)
            return false;
    return c->a.npol == c->b.npol && !memcmp(a->vis, b->vis, 8 * cells) &&
           !memcmp(a->flags, b->flags, cells) && !memcmp(a->nsamples, b->nsamples, 4 * cells);
}

/** n baseline-times in hand; order[n]: which of b's is each of a's. */
static void compare_blts(comparing *c, int64_t n, const int64_t *list, const int64_t *order)
{
    const int64_t nfreq = c->a.nfreq;

    for (int64_t i = 0; i < n; i++)
        for (int64_t k = 0; k < nfreq * c->a.npol; k++) {
            const int32_t p = (int32_t)(k % c->a.npol);
            const place at = {list[i], k / c->a.npol, i * nfreq * c->a.npol + k,
                              (order[i] * nfreq + k / c->a.npol) * c->b.npol + c->pol[p], p};
            if (c->pol[p] >= 0)
                compare_value(c, &at);
        }
}

typedef struct pair {
    int64_t b, i;
} pair;

static int by_b(const void *first, const void *second)
{
    const pair *const a = first, *const b = second;

    return a->b < b->b ? -1 : a->b > b->b;
}

/** Both sides are read in their own order. */
static mms_status compare_block(comparing *c, int64_t n, const int64_t *list, int64_t *scratch,
                                pair *pairs, mms_error *err)
{
    int64_t *const order = scratch, *const sorted = scratch + n;
    mms_status st;

    for (int64_t i = 0; i < n; i++)
        pairs[i] = (pair){c->to[list[i]], i};
    qsort(pairs, (size_t)n, sizeof *pairs, by_b);
    bool straight = true;
    for (int64_t k = 0; k < n; k++) {
        sorted[k] = pairs[k].b;
        order[pairs[k].i] = k;
        straight = straight && pairs[k].i == k;
    }
    MMS_TRY(mms_uvh5_side_read(&c->a, n, list, err));
    MMS_TRY(mms_uvh5_side_read(&c->b, n, sorted, err));
    if (straight && all_equal(c, n))
        return MMS_OK;
    for (int64_t i = 0; i < n; i++) // the place in b to tell
        sorted[i] = c->to[list[i]];
    compare_blts(c, n, sorted, order);
done:
    return st;
}

static mms_status compare_part(comparing *c, mms_job *job, int64_t from, int64_t end,
                               mms_error *err)
{
    const int64_t cell = c->a.nfreq * c->a.npol;
    const int64_t most = (1 << 19) / cell > 0 ? (1 << 19) / cell : 1;
    int64_t *const lists = mms_alloc(3 * most, sizeof *lists);
    pair *const pairs = mms_alloc(most, sizeof *pairs);
    mms_status st;

    MMS_TRY(lists && pairs ? MMS_OK : mms_fail(err, MMS_ERR_MEM, "values: out of memory"));
    for (int64_t at = from; at < end;) {
        int64_t n = 0;
        for (; at < end && n < most; at++)
            if (c->to[at] >= 0)
                lists[n++] = at;
        if (n)
            MMS_TRY(compare_block(c, n, lists, lists + most, pairs, err));
        mms_job_progress(job, (at - from) * cell * 13, (end - from) * cell * 13);
    }
done:
    free(lists);
    free(pairs);
    return st;
}

static mms_status begin(comparing *c, const mms_uvh5_judge_order *o, mms_error *err)
{
    c->rtol = o->rtol;
    c->atol = o->atol;
    c->show = o->show;
    c->to = mms_alloc(c->a.nblt, sizeof *c->to);
    for (int k = 0; k < MMS_UVH5_NVALUES; k++)
        c->findings[k] = json_array();
    for (int64_t p = 0; p < c->a.npol; p++) {
        c->pol[p] = -1;
        for (int32_t q = 0; q < c->b.npol; q++)
            if (c->b.codes[q] == c->a.codes[p])
                c->pol[p] = q;
    }
    return c->to ? mms_uvh5_match(&c->a, &c->b, c->to, err)
                 : mms_fail(err, MMS_ERR_MEM, "values: out of memory");
}

mms_status mms_uvh5_judge_unit(mms_job *job, const mms_value *order, mms_value *answer,
                               mms_error *err)
{
    mms_uvh5_judge_order o;
    mms_uvh5_judged judged;
    mms_host host = {.task = "verify"};
    comparing *c = mms_alloc(1, sizeof *c);
    mms_status st;

    MMS_TRY(c ? MMS_OK : mms_fail(err, MMS_ERR_MEM, "values: out of memory"));
    MMS_TRY(mms_uvh5_judge_order_decode(order, &o, err));
    judged = (mms_uvh5_judged){
        .file = o.file, .other = o.is_ms ? NULL : o.other, .against = o.is_ms ? &o.request : NULL};
    c->a.plan.silent = true;
    MMS_TRY(mms_uvh5_open_sides(&judged, &host, &c->a, &c->b, err));
    MMS_TRY(begin(c, &o, err));
    MMS_TRY(compare_part(c, job, c->a.nblt * o.part / o.nparts, c->a.nblt * (o.part + 1) / o.nparts,
                         err));
    for (int k = 0; k < MMS_UVH5_NVALUES; k++)
        mms_uvh5_found_encode(answer, k, c->counts[k], c->findings[k]);
done:
    for (int k = 0; c && k < MMS_UVH5_NVALUES; k++)
        mms_value_free(&c->findings[k]);
    if (c) {
        mms_uvh5_side_end(&c->a);
        mms_uvh5_side_end(&c->b);
        free(c->to);
        free(c);
    }
    return st;
}
