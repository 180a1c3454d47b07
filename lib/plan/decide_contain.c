/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file decide_contain.c  The containment tests of parallel-tasks 1.4 by its RULEs. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decide_priv.h"

enum { NGROUP = 6, PART = NGROUP, ITEM, NKEY };

/* TIME is near 5e9 s, where doubles are 1e-6 apart. */
static const double time_tolerance_s = 1e-4;

/* A cell as a test sees it: the group its rows belong to, its part, and what counts in it. */
struct record {
    int32_t key[NKEY];
};

/* Records of one group: [first, first + count). */
struct run {
    const struct record *first;
    int64_t count;
};

static int compare_records(const void *a, const void *b)
{
    const int32_t *x = ((const struct record *)a)->key, *y = ((const struct record *)b)->key;

    for (int i = 0; i < NKEY; i++)
        if (x[i] != y[i])
            return x[i] < y[i] ? -1 : 1;
    return 0;
}

/* The records that begin at r and share its first nkey keys. */
static struct run run_at(const struct record *r, const struct record *end, int nkey)
{
    struct run run = {r, 1};

    while (r + run.count < end &&
           memcmp(r[run.count].key, r->key, (size_t)nkey * sizeof *r->key) == 0)
        run.count++;
    return run;
}

static void print_part(mms_finding *found, const mms_layout_parts *parts, char *text, size_t size)
{
    if (parts->names)
        (void)snprintf(text, size, "sub-MS %s", parts->names[found->part]);
    else
        (void)snprintf(text, size, "sub-MS %d", found->part);
}

/* Distinct items of a run, ascending. */
static int64_t list_items(struct run run, int32_t *items)
{
    for (int64_t i = 0; i < run.count; i++)
        items[i] = run.first[i].key[ITEM];
    return mms_ids_sort_unique(run.count, items);
}

/* The items of all that part does not have: a compact list, NULL when out of memory. */
static char *list_missing(int64_t nall, int32_t *all, struct run part)
{
    int64_t missing = 0;

    for (int64_t i = 0, next = 0; i < nall; i++) {
        while (next < part.count && part.first[next].key[ITEM] < all[i])
            next++;
        if (next == part.count || part.first[next].key[ITEM] != all[i])
            all[missing++] = all[i];
    }
    return mms_plan_compact_list(missing, all);
}

static int64_t count_items(struct run part)
{
    int64_t n = 1;

    for (int64_t i = 1; i < part.count; i++)
        n += part.first[i].key[ITEM] != part.first[i - 1].key[ITEM];
    return n;
}

/* Finds the lowest part that lacks an item which its group has elsewhere.
 * items[n]: scratch; *gap: that part's records of that group. */
static bool find_gap(int64_t n, const struct record *records, int32_t *items, struct run *gap,
                     struct run *whole)
{
    const struct record *const end = records + n;
    struct run group, part;

    gap->first = NULL;
    for (const struct record *g = records; g < end; g += group.count) {
        group = run_at(g, end, NGROUP);
        const int64_t nitem = list_items(group, items);
        for (const struct record *p = g; p < g + group.count; p += part.count) {
            part = run_at(p, g + group.count, PART + 1);
            if (count_items(part) < nitem && (!gap->first || p->key[PART] < gap->first->key[PART]))
                *gap = part, *whole = group;
        }
    }
    return gap->first != NULL;
}

/* Which rows belong together in a test, and what of them each part must have. */
struct test {
    enum { SPWS, SCANS, BINS } kind;
    bool combined;
    const mms_question *question;
};

static void fill_key(const struct test *t, const mms_cell *cell, int32_t *key)
{
    const int32_t dd = t->combined ? 0 : cell->ddid;
    const mms_question *q = t->question;

    switch (t->kind) {
    case SPWS:
        memcpy(key, (int32_t[]){cell->scan, cell->field, cell->observation, cell->array, 0, 0},
               NGROUP * sizeof *key);
        break;
    case SCANS:
        memcpy(key, (int32_t[NGROUP]){dd}, NGROUP * sizeof *key);
        break;
    case BINS:
        memcpy(key,
               (int32_t[]){cell->observation, cell->array, q->across_scans ? 0 : cell->scan,
                           q->across_states ? 0 : cell->state, q->across_fields ? 0 : cell->field,
                           dd},
               NGROUP * sizeof *key);
        break;
    }
    key[ITEM] = t->kind == SPWS ? cell->ddid : cell->scan;
}

/* The cells as sorted records; NULL when out of memory. */
static struct record *make_records(const mms_layout_parts *parts, const struct test *t)
{
    const int64_t n = parts->meta->ncell;
    struct record *records = mms_alloc(n, sizeof *records);

    if (!records)
        return NULL;
    for (int64_t i = 0; i < n; i++) {
        fill_key(t, &parts->meta->cells[i], records[i].key);
        records[i].key[PART] = parts->part[i];
    }
    qsort(records, (size_t)n, sizeof *records, compare_records);
    return records;
}

/* Finds the lowest part that lacks something.
 * *where: a record of it; *missing: what it lacks, to be ended with free(), NULL when none lacks.
 */
static mms_status find_missing(const mms_layout_parts *parts, const struct test *t,
                               struct record *where, char **missing, mms_error *err)
{
    const int64_t n = parts->meta->ncell;
    struct record *records = make_records(parts, t);
    int32_t *items = mms_alloc(n, sizeof *items);
    struct run gap, whole;
    mms_status st = MMS_OK;

    *missing = NULL;
    if (!records || !items)
        MMS_TRY(mms_fail(err, MMS_ERR_MEM, "out of memory for %" PRId64 " cells", n));
    if (!find_gap(n, records, items, &gap, &whole))
        goto done;
    *where = *gap.first;
    if (!(*missing = list_missing(list_items(whole, items), items, gap)))
        MMS_TRY(mms_fail(err, MMS_ERR_MEM, "out of memory for a list of ids"));
done:
    free(items);
    free(records);
    return st;
}

mms_status mms_contain_spws(const mms_layout_parts *parts, mms_finding *found, mms_error *err)
{
    char name[200], *missing;
    struct record where;
    mms_status st;

    *found = (mms_finding){0};
    MMS_TRY(find_missing(parts, &(struct test){.kind = SPWS}, &where, &missing, err));
    if (!missing)
        goto done;
    found->failed = true;
    found->part = where.key[PART];
    print_part(found, parts, name, sizeof name);
    (void)snprintf(found->text, sizeof found->text,
                   "%s has no rows of DATA_DESC_ID %s in scan %d, field %d, other sub-MSs do", name,
                   missing, where.key[0], where.key[1]);
    free(missing);
done:
    return st;
}

mms_status mms_contain_scans(const mms_layout_parts *parts, bool combined, mms_finding *found,
                             mms_error *err)
{
    const struct test t = {.kind = SCANS, .combined = combined};
    char name[200], *missing;
    struct record where;
    mms_status st;

    *found = (mms_finding){0};
    MMS_TRY(find_missing(parts, &t, &where, &missing, err));
    if (!missing)
        goto done;
    found->failed = true;
    found->part = where.key[PART];
    print_part(found, parts, name, sizeof name);
    if (combined)
        (void)snprintf(found->text, sizeof found->text,
                       "%s has no rows of scan %s, other sub-MSs do", name, missing);
    else
        (void)snprintf(found->text, sizeof found->text,
                       "%s has no rows of scan %s with DATA_DESC_ID %d, other sub-MSs do", name,
                       missing, where.key[0]);
    free(missing);
done:
    return st;
}

void mms_contain_duration(const mms_layout_parts *parts, double timebin_s, mms_finding *found)
{
    char name[200];

    *found = (mms_finding){0};
    for (int32_t p = 0; p < parts->npart && !found->failed; p++) {
        const double duration_s = parts->extents[p].end_s - parts->extents[p].start_s;
        if (parts->meta->member_rows[p] == 0 || duration_s >= timebin_s - time_tolerance_s)
            continue;
        found->failed = true;
        found->part = p;
        print_part(found, parts, name, sizeof name);
        (void)snprintf(found->text, sizeof found->text,
                       "the selected rows of %s last %.10g s, less than timebin %.10g s", name,
                       duration_s, timebin_s);
    }
}

/* Marks the baselines of a part as seen in a group; returns whether one was seen there before. */
static bool mark_baselines(const mms_member_extent *extent, int64_t group, int64_t *seen)
{
    bool shared = false;

    for (int64_t i = 0; i < extent->nbaseline; i++) {
        int64_t *last = &seen[extent->baselines[i]];
        shared = shared || *last == group;
        *last = group;
    }
    return shared;
}

/* Finds a part that shares a baseline with another part of its group.
 * seen[nbaseline]: the group, from 1, that a baseline was seen in last. */
static const struct record *find_shared(const mms_layout_parts *parts, struct run group,
                                        int64_t number, int64_t *seen)
{
    struct run part = run_at(group.first, group.first + group.count, PART + 1);

    if (part.count == group.count)
        return NULL; // one part holds all of it
    for (const struct record *p = group.first; p < group.first + group.count; p += part.count) {
        part = run_at(p, group.first + group.count, PART + 1);
        if (parts->extents ? mark_baselines(&parts->extents[p->key[PART]], number, seen)
                           : p > group.first)
            return p;
    }
    return NULL;
}

mms_status mms_contain_bins(const mms_layout_parts *parts, const mms_question *question,
                            bool combined, mms_finding *found, mms_error *err)
{
    const struct test t = {.kind = BINS, .combined = combined, .question = question};
    const int64_t n = parts->meta->ncell;
    struct record *records = make_records(parts, &t);
    int64_t *seen = mms_alloc(parts->meta->nbaseline, sizeof *seen), number = 0;
    const struct record *shared = NULL;
    struct run group;
    mms_status st = MMS_OK;

    *found = (mms_finding){0};
    if (!records || !seen)
        MMS_TRY(mms_fail(err, MMS_ERR_MEM, "out of memory for %" PRId64 " cells", n));
    for (int64_t i = 0; i < n && !shared; i += group.count) {
        group = run_at(records + i, records + n, NGROUP);
        shared = find_shared(parts, group, ++number, seen);
    }
    if (shared) {
        *found = (mms_finding){.failed = true, .part = shared->key[PART]};
        (void)snprintf(found->text, sizeof found->text, "the subMSs cut scan %d in time",
                       shared->key[ITEM]);
    }
done:
    free(seen);
    free(records);
    return st;
}
