/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file balance.c  Axis balanced: CASA 6's distribution of (scan, DD) pairs (multi-ms 2.7.2). */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plan_priv.h"

struct pair {
    int32_t scan, ddid, field;
    int64_t order; /* of its first stretch */
    double nvis;
    char scan_text[12], ddid_text[12];
};

/* How much of one key, a scan, DD or field, each part holds. */
struct load {
    int64_t n, capacity;
    struct share {
        int64_t part;
        double nvis;
    } * shares;
};

static int compare_places(const void *a, const void *b)
{
    const struct pair *x = a, *y = b;
    if (x->scan != y->scan)
        return x->scan < y->scan ? -1 : 1;
    if (x->ddid != y->ddid)
        return x->ddid < y->ddid ? -1 : 1;
    return (x->order > y->order) - (x->order < y->order);
}

/* Largest first; CASA compares the ids of equal pairs as text, descending. */
static int compare_sizes(const void *a, const void *b)
{
    const struct pair *x = *(const struct pair *const *)a, *y = *(const struct pair *const *)b;
    int texts;

    if (x->nvis != y->nvis)
        return x->nvis > y->nvis ? -1 : 1;
    texts = strcmp(y->scan_text, x->scan_text);
    return texts ? texts : strcmp(y->ddid_text, x->ddid_text);
}

/* The pairs of all stretches, sorted by scan and DD.  A DD's share of a stretch is an equal one,
 * not rounded, whatever its rows are. */
static mms_status list_pairs(const mms_meta *meta, struct pair **out, int64_t *npair,
                             mms_error *err)
{
    struct pair *pairs;
    int64_t n = 0, kept = 0;

    for (int64_t i = 0; i < meta->nstretch; i++)
        n += meta->stretches[i].nddid;
    *npair = 0;
    if (!(*out = pairs = mms_alloc(n, sizeof *pairs)))
        return mms_fail(err, MMS_ERR_MEM, "out of memory for %" PRId64 " scan,ddi pairs", n);
    n = 0;
    for (int64_t i = 0; i < meta->nstretch; i++) {
        const mms_stretch *s = &meta->stretches[i];
        for (int32_t d = 0; d < s->nddid; d++) {
            const mms_dd *dd = &meta->dds[s->ddids[d]];
            const double rows = (double)s->rows / s->nddid;
            pairs[n++] = (struct pair){.scan = s->scan,
                                       .ddid = s->ddids[d],
                                       .field = s->field,
                                       .order = i,
                                       .nvis = rows * dd->nchan * dd->ncorr};
        }
    }
    qsort(pairs, (size_t)n, sizeof *pairs, compare_places);
    for (int64_t i = 0; i < n; i++) {
        struct pair *last = kept ? &pairs[kept - 1] : NULL;
        if (last && last->scan == pairs[i].scan && last->ddid == pairs[i].ddid)
            last->nvis += pairs[i].nvis;
        else
            pairs[kept++] = pairs[i];
    }
    for (int64_t i = 0; i < kept; i++) {
        snprintf(pairs[i].scan_text, sizeof pairs[i].scan_text, "%" PRId32, pairs[i].scan);
        snprintf(pairs[i].ddid_text, sizeof pairs[i].ddid_text, "%" PRId32, pairs[i].ddid);
    }
    *npair = kept;
    return MMS_OK;
}

static mms_status add_share(struct load *load, int64_t part, double nvis, mms_error *err)
{
    mms_status st = MMS_OK;

    for (int64_t i = 0; i < load->n; i++)
        if (load->shares[i].part == part) {
            load->shares[i].nvis += nvis;
            return MMS_OK;
        }
    MMS_TRY(mms_grow(&load->shares, &load->capacity, load->n + 1, sizeof *load->shares, err));
    load->shares[load->n++] = (struct share){part, nvis};
done:
    return st;
}

/* The loads by one kind of id. */
struct loads {
    int64_t n;
    int32_t *ids; /* ascending */
    struct load *loads;
};

static mms_status create_loads(struct loads *l, int64_t npair, const struct pair *pairs,
                               size_t member, mms_error *err)
{
    l->ids = mms_alloc(npair, sizeof *l->ids);
    l->loads = mms_alloc(npair, sizeof *l->loads);
    if (!l->ids || !l->loads)
        return mms_fail(err, MMS_ERR_MEM, "out of memory for the loads of %" PRId64 " pairs",
                        npair);
    for (int64_t i = 0; i < npair; i++)
        memcpy(&l->ids[i], (const char *)&pairs[i] + member, sizeof l->ids[i]);
    l->n = mms_ids_sort_unique(npair, l->ids);
    return MMS_OK;
}

static void free_loads(struct loads *l)
{
    for (int64_t i = 0; i < l->n; i++)
        free(l->loads[i].shares);
    free(l->loads);
    free(l->ids);
}

static struct load *find_load(const struct loads *l, int32_t id)
{
    int64_t low = 0, high = l->n - 1;

    while (low < high) {
        const int64_t middle = (low + high) / 2;
        if (l->ids[middle] < id)
            low = middle + 1;
        else
            high = middle;
    }
    return &l->loads[low];
}

/* The part with the least of the pair's scan, DD and field; then the least of all; then the first.
 */
static int64_t choose_part(int64_t npart, struct load *const keys[3], const double *totals,
                           double *sums)
{
    int64_t best = 0;

    memset(sums, 0, (size_t)npart * sizeof *sums);
    for (int k = 0; k < 3; k++)
        for (int64_t i = 0; i < keys[k]->n; i++)
            sums[keys[k]->shares[i].part] += keys[k]->shares[i].nvis;
    for (int64_t part = 1; part < npart; part++)
        if (sums[part] < sums[best] || (sums[part] == sums[best] && totals[part] < totals[best]))
            best = part;
    return best;
}

/* Fills parts[npair] by place in pairs. */
static mms_status distribute(int64_t npair, const struct pair *pairs, int64_t npart, int64_t *parts,
                             mms_error *err)
{
    static const size_t members[3] = {offsetof(struct pair, scan), offsetof(struct pair, ddid),
                                      offsetof(struct pair, field)};
    const struct pair **order = mms_alloc(npair, sizeof *order);
    double *totals = mms_alloc(npart, sizeof *totals), *sums = mms_alloc(npart, sizeof *sums);
    struct loads loads[3] = {{0}};
    mms_status st = MMS_OK;

    if (!order || !totals || !sums)
        MMS_TRY(mms_fail(err, MMS_ERR_MEM, "out of memory for %" PRId64 " pairs", npair));
    for (int k = 0; k < 3; k++)
        MMS_TRY(create_loads(&loads[k], npair, pairs, members[k], err));
    for (int64_t i = 0; i < npair; i++)
        order[i] = &pairs[i];
    qsort(order, (size_t)npair, sizeof *order, compare_sizes);
    for (int64_t i = 0; i < npair; i++) {
        const struct pair *pair = order[i];
        struct load *const keys[3] = {find_load(&loads[0], pair->scan),
                                      find_load(&loads[1], pair->ddid),
                                      find_load(&loads[2], pair->field)};
        const int64_t part = choose_part(npart, keys, totals, sums);
        for (int k = 0; k < 3; k++)
            MMS_TRY(add_share(keys[k], part, pair->nvis, err));
        totals[part] += pair->nvis;
        parts[pair - pairs] = part;
    }
done:
    for (int k = 0; k < 3; k++)
        free_loads(&loads[k]);
    free(sums);
    free(totals);
    free(order);
    return st;
}

static int64_t limit_parts(int64_t wanted, int64_t npair)
{
    mms_log(MMS_LOG_INFO, "partition",
            "Automatically distribute the scan/spw pairs to balance the load along field, spw and "
            "scan axes");
    if (wanted <= npair)
        return wanted;
    mms_log(MMS_LOG_WARN, "partition",
            "Number of subMSs (%" PRId64 ") is greater than available scan,ddi pairs (%" PRId64
            "), setting nsubms to %" PRId64,
            wanted, npair, npair);
    return npair;
}

mms_status mms_assign_balanced(const mms_meta *meta, const mms_plan_opts *opts, int64_t wanted,
                               mms_assignment *a, mms_error *err)
{
    struct pair *pairs = NULL;
    int64_t *parts = NULL, npair, at = 0;
    mms_status st;

    (void)opts;
    MMS_TRY(list_pairs(meta, &pairs, &npair, err));
    a->npart = limit_parts(wanted, npair);
    mms_give_reason(a->reason, sizeof a->reason, npair, wanted, "(scan, data description) pair");
    if (!(parts = mms_alloc(npair, sizeof *parts)))
        MMS_TRY(mms_fail(err, MMS_ERR_MEM, "out of memory for %" PRId64 " pairs", npair));
    MMS_TRY(distribute(npair, pairs, a->npart, parts, err));
    for (int64_t i = 0; i < meta->ncell; i++) { /* cells and pairs have the same order */
        const mms_cell *cell = &meta->cells[i];
        while (at < npair && (pairs[at].scan != cell->scan || pairs[at].ddid != cell->ddid))
            at++;
        if (at == npair)
            MMS_TRY(mms_fail(err, MMS_ERR_INTERNAL, "scan %d, DDID %d is in no stretch", cell->scan,
                             cell->ddid));
        a->cell_part[i] = parts[at];
    }
done:
    free(parts);
    free(pairs);
    return st;
}
