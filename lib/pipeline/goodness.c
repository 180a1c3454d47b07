/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file goodness.c  How well polynomials fit (in-place 5; parallel-tasks 4.7). */
#include "goodness_priv.h"

#include <jansson.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base_priv.h"

typedef struct entry {
    mms_goodness_key key;
    int64_t n;
    double sum[2], least[2], most[2]; /**< by modulus, as CASA compares them */
} entry;

struct mms_goodness {
    pthread_mutex_t lock;
    int64_t n, capacity;
    entry *entries;
    int64_t nslot;  /**< a power of two, or 0 */
    int64_t *slots; /**< 1 + number of an entry; 0: none */
};

mms_goodness *mms_goodness_new(void)
{
    mms_goodness *g = mms_alloc(1, sizeof *g);

    if (g)
        pthread_mutex_init(&g->lock, NULL);
    return g;
}

void mms_goodness_free(mms_goodness **goodness)
{
    mms_goodness *g = *goodness;

    *goodness = NULL;
    if (!g)
        return;
    pthread_mutex_destroy(&g->lock);
    free(g->entries);
    free(g->slots);
    free(g);
}

void mms_goodness_lock(mms_goodness *g)
{
    pthread_mutex_lock(&g->lock);
}

void mms_goodness_unlock(mms_goodness *g)
{
    pthread_mutex_unlock(&g->lock);
}

static bool same_key(const mms_goodness_key *a, const mms_goodness_key *b)
{
    return a->field == b->field && a->scan == b->scan && a->spw == b->spw && a->corr == b->corr &&
           !(a->time_s < b->time_s || a->time_s > b->time_s);
}

static uint64_t hash_of(const mms_goodness_key *key)
{
    uint64_t bits, hash = 14695981039346656037u;
    const int32_t ids[] = {key->field, key->scan, key->spw, key->corr};

    memcpy(&bits, &key->time_s, sizeof bits);
    for (int i = 0; i < 4; i++)
        hash = (hash ^ (uint64_t)ids[i]) * 1099511628211u;
    hash = (hash ^ bits) * 1099511628211u;
    return hash ^ hash >> 29;
}

static double size_of(const double v[2])
{
    return v[0] * v[0] + v[1] * v[1];
}

/** Join what is known of some rows to e; what is no number is least and most where nothing else is,
 * whatever the order of rows. */
static void join(entry *e, int64_t n, const double sum[2], const double least[2],
                 const double most[2])
{
    const double low = size_of(e->least), high = size_of(e->most);
    const bool lower = e->n == 0 || isnan(low) || size_of(least) < low;
    const bool higher = e->n == 0 || isnan(high) || size_of(most) > high;

    for (int i = 0; i < 2; i++) {
        e->sum[i] += sum[i];
        e->least[i] = lower ? least[i] : e->least[i];
        e->most[i] = higher ? most[i] : e->most[i];
    }
    e->n += n;
}

/** The slot of a key: its own, or the empty one where it goes. */
static int64_t *find_slot(const mms_goodness *g, const mms_goodness_key *key)
{
    int64_t i = (int64_t)(hash_of(key) & (uint64_t)(g->nslot - 1));

    while (g->slots[i] && !same_key(&g->entries[g->slots[i] - 1].key, key))
        i = (i + 1) & (g->nslot - 1);
    return &g->slots[i];
}

static mms_status grow_slots(mms_goodness *g, mms_error *err)
{
    const int64_t nslot = g->nslot ? 2 * g->nslot : 64;
    int64_t *slots = mms_alloc(nslot, sizeof *slots);

    if (!slots)
        return mms_fail(err, MMS_ERR_MEM, "goodness of fit: out of memory");
    free(g->slots);
    g->slots = slots;
    g->nslot = nslot;
    for (int64_t i = 0; i < g->n; i++)
        *find_slot(g, &g->entries[i].key) = i + 1;
    return MMS_OK;
}

/** The entry of a key, made if it is not there. */
static mms_status find_entry(mms_goodness *g, const mms_goodness_key *key, entry **out,
                             mms_error *err)
{
    int64_t *slot;
    mms_status st = MMS_OK;

    if (2 * g->n >= g->nslot)
        MMS_TRY(grow_slots(g, err));
    slot = find_slot(g, key);
    if (!*slot) {
        MMS_TRY(mms_grow(&g->entries, &g->capacity, g->n + 1, sizeof *g->entries, err));
        g->entries[g->n] = (entry){.key = *key};
        *slot = ++g->n;
    }
    *out = &g->entries[*slot - 1];
done:
    return st;
}

/** Of a time stamp the row of the highest rank alone. */
static void take(entry *e, const mms_goodness_key *key, int64_t n, const double sum[2],
                 const double least[2], const double most[2])
{
    if (e->key.time_s > 0 && e->n > 0 && key->rank < e->key.rank)
        return;
    if (e->key.time_s > 0)
        *e = (entry){.key = *key};
    join(e, n, sum, least, most);
}

mms_status mms_goodness_add(mms_goodness *g, mms_goodness_key key, const double chi2[2],
                            mms_error *err)
{
    entry *e;
    const mms_status st = find_entry(g, &key, &e, err);

    if (st == MMS_OK)
        take(e, &key, 1, chi2, chi2, chi2);
    return st;
}

mms_value *mms_goodness_take(mms_goodness *g)
{
    mms_value *list = g->n > 0 ? json_array() : NULL;

    for (int64_t i = 0; i < g->n; i++) {
        const entry *e = &g->entries[i];
        json_array_append_new(
            list,
            json_pack("[iiiifIIoooooo]", (int)e->key.field, (int)e->key.scan, (int)e->key.spw,
                      (int)e->key.corr, e->key.time_s, (json_int_t)e->key.rank, (json_int_t)e->n,
                      mms_double_value(e->sum[0]), mms_double_value(e->sum[1]),
                      mms_double_value(e->least[0]), mms_double_value(e->least[1]),
                      mms_double_value(e->most[0]), mms_double_value(e->most[1])));
    }
    g->n = 0;
    if (g->nslot > 0)
        memset(g->slots, 0, (size_t)g->nslot * sizeof *g->slots);
    return list;
}

/* ---- the report -------------------------------------------------------------------------------*/

static void read_item(const mms_value *item, mms_goodness_key *key, int64_t *n, double values[6])
{
    int32_t ids[4];

    for (size_t i = 0; i < 4; i++)
        ids[i] = (int32_t)json_integer_value(json_array_get(item, i));
    *key = (mms_goodness_key){ids[0],
                              ids[1],
                              ids[2],
                              ids[3],
                              json_number_value(json_array_get(item, 4)),
                              json_integer_value(json_array_get(item, 5))};
    *n = json_integer_value(json_array_get(item, 6));
    for (size_t i = 0; i < 6; i++)
        values[i] = mms_value_double(json_array_get(item, 7 + i));
}

static int by_key(const void *a, const void *b)
{
    const mms_goodness_key *x = &((const entry *)a)->key, *y = &((const entry *)b)->key;
    const int32_t left[] = {x->field, x->scan, x->spw, x->corr};
    const int32_t right[] = {y->field, y->scan, y->spw, y->corr};

    for (int i = 0; i < 4; i++)
        if (left[i] != right[i])
            return left[i] < right[i] ? -1 : 1;
    return (x->time_s > y->time_s) - (x->time_s < y->time_s);
}

static bool same_fit(const mms_goodness_key *a, const mms_goodness_key *b)
{
    return a->field == b->field && a->scan == b->scan && a->spw == b->spw && a->corr == b->corr;
}

/** The object in an object under a number of a kind: made if it is not there.  Borrowed. */
static mms_value *under(mms_value *in, const char *kind, int32_t number)
{
    mms_value *all = json_object_get(in, kind), *one;
    char name[16];

    snprintf(name, sizeof name, "%d", number);
    if (!all)
        json_object_set_new(in, kind, all = json_object());
    one = json_object_get(all, name);
    if (!one)
        json_object_set_new(all, name, one = json_object());
    return one;
}

/** As CASA has them: floats.  So the order of sums does not show. */
static mms_value *pair(const double v[2], double divisor)
{
    return json_pack("{so so}", "real", mms_double_value((double)(float)(v[0] / divisor)), "imag",
                     mms_double_value((double)(float)(v[1] / divisor)));
}

static void report_entry(mms_value *report, const entry *e)
{
    mms_value *at = under(report, "field", e->key.field);

    at = under(at, "scan", e->key.scan);
    at = under(at, "spw", e->key.spw);
    at = under(at, "polarization", e->key.corr);
    json_object_set_new(at, "chi_squared",
                        json_pack("{so so so}", "average", pair(e->sum, (double)e->n), "min",
                                  pair(e->least, 1), "max", pair(e->most, 1)));
    json_object_set_new(at, "count", json_integer(e->n));
}

mms_value *mms_goodness_report(const mms_value *taken)
{
    mms_goodness g = {.n = 0};
    mms_value *report = json_object(), *item;
    size_t i;

    json_array_foreach((mms_value *)taken, i, item)
    {
        mms_goodness_key key;
        int64_t n;
        double v[6];
        entry *e;
        read_item(item, &key, &n, v);
        if (find_entry(&g, &key, &e, NULL) == MMS_OK)
            take(e, &key, n, v, v + 2, v + 4);
    }
    if (g.n > 0)
        qsort(g.entries, (size_t)g.n, sizeof *g.entries, by_key);
    for (int64_t k = 0, next; k < g.n; k = next) {
        entry all = {.key = g.entries[k].key};
        for (next = k; next < g.n && same_fit(&g.entries[k].key, &g.entries[next].key); next++)
            join(&all, g.entries[next].n, g.entries[next].sum, g.entries[next].least,
                 g.entries[next].most);
        report_entry(report, &all);
    }
    free(g.entries);
    free(g.slots);
    return report;
}
