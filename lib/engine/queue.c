/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file queue.c  Which command goes to which server. */
#include "queue_priv.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/base_priv.h"

/* A command in the list of its server, or in that of those which any server can have. */
struct item {
    int64_t next, before; /* ids; 0: none */
    int target;
    int overtaken;
    bool waits;
    const mms_value *needs;
    mms_value *key; /* a text */
};

struct list {
    int64_t first, last;
};

struct mms_queue {
    int nservers;
    struct list *lists;  /* lists[0]: any server; lists[s]: server s */
    uint64_t *free_bits; /* bit s: server s is free */
    struct item *items;  /* item of id is items[id - 1] */
    int64_t n, capacity, nwaiting, ntargeted;
    mms_value *totals, *left; /* name to number; NULL: nothing is counted */
    mms_value *last;          /* key to the server that had it last */
    mms_value *homes;         /* key to the server that has it for good */
    int nhomes;
};

mms_status mms_queue_open(int nservers, const mms_value *totals, mms_queue **out, mms_error *err)
{
    mms_queue *const q = *out = mms_alloc(1, sizeof *q);
    const char *name;
    mms_value *total;

    if (!q)
        return mms_fail(err, MMS_ERR_MEM, "client: out of memory");
    q->nservers = nservers;
    q->lists = mms_alloc(nservers + 1, sizeof *q->lists);
    q->free_bits = mms_alloc(nservers / 64 + 1, sizeof *q->free_bits);
    q->last = json_object();
    q->homes = json_object();
    q->totals = totals ? json_deep_copy(totals) : NULL;
    q->left = totals ? json_deep_copy(totals) : NULL;
    if (!q->lists || !q->free_bits || !q->last || !q->homes ||
        (totals && (!q->totals || !q->left))) {
        mms_queue_close(out);
        return mms_fail(err, MMS_ERR_MEM, "client: out of memory");
    }
    json_object_foreach(q->totals, name, total)
    {
        if (json_integer_value(total) > 0)
            continue;
        const mms_status st =
            mms_fail(err, MMS_ERR_ARG, "how much there is of %s must be an integer above 0", name);
        mms_queue_close(out);
        return st;
    }
    return MMS_OK;
}

void mms_queue_close(mms_queue **queue)
{
    mms_queue *const q = *queue;

    *queue = NULL;
    if (!q)
        return;
    for (int64_t i = 0; i < q->n; i++)
        mms_value_free(&q->items[i].key);
    mms_value_free(&q->totals);
    mms_value_free(&q->left);
    mms_value_free(&q->last);
    mms_value_free(&q->homes);
    free(q->items);
    free(q->free_bits);
    free(q->lists);
    free(q);
}

/* ---- what is counted ---- */

mms_status mms_queue_check(const mms_queue *q, const mms_value *needs, mms_error *err)
{
    const char *name;
    mms_value *number;

    json_object_foreach((mms_value *)needs, name, number)
    {
        const mms_value *const total = json_object_get(q->totals, name);
        if (!total)
            return mms_fail(err, MMS_ERR_ARG, "a command needs %s, of which no total was given",
                            name);
        if (!json_is_integer(number) || json_integer_value(number) < 0 ||
            json_integer_value(number) > json_integer_value(total))
            return mms_fail(err, MMS_ERR_ARG,
                            "a command needs %lld of %s: it must be an integer, and at most the "
                            "total of %lld",
                            (long long)json_integer_value(number), name,
                            (long long)json_integer_value(total));
    }
    return MMS_OK;
}

static bool fits(const mms_queue *q, const mms_value *needs)
{
    const char *name;
    mms_value *number;

    json_object_foreach((mms_value *)needs, name, number)
    {
        if (json_integer_value(number) > json_integer_value(json_object_get(q->left, name)))
            return false;
    }
    return true;
}

/* sign: -1 takes, 1 gives back. */
static void count(mms_queue *q, const mms_value *needs, int sign)
{
    const char *name;
    mms_value *number;

    json_object_foreach((mms_value *)needs, name, number)
    {
        mms_value *const left = json_object_get(q->left, name);
        json_integer_set(left, json_integer_value(left) + sign * json_integer_value(number));
    }
}

/* ---- lists ---- */

mms_status mms_queue_add(mms_queue *q, int64_t id, int target, const mms_value *needs,
                         const char *key, mms_error *err)
{
    struct list *const list = &q->lists[target];
    const mms_status st = mms_grow(&q->items, &q->capacity, id, sizeof *q->items, err);

    if (st != MMS_OK)
        return st;
    if (id > q->n) {
        memset(q->items + q->n, 0, (size_t)(id - q->n) * sizeof *q->items);
        q->n = id;
    }
    q->items[id - 1] = (struct item){.before = list->last,
                                     .target = target,
                                     .waits = true,
                                     .needs = needs,
                                     .key = key ? mms_text_value(key) : NULL};
    if (list->last)
        q->items[list->last - 1].next = id;
    else
        list->first = id;
    list->last = id;
    q->nwaiting++;
    q->ntargeted += target != 0;
    return MMS_OK;
}

static void take_out(mms_queue *q, int64_t id)
{
    struct item *const item = &q->items[id - 1];
    struct list *const list = &q->lists[item->target];

    *(item->before ? &q->items[item->before - 1].next : &list->first) = item->next;
    *(item->next ? &q->items[item->next - 1].before : &list->last) = item->before;
    item->next = item->before = 0;
    item->waits = false;
    q->nwaiting--;
    q->ntargeted -= item->target != 0;
}

int mms_queue_home(mms_queue *q, const char *key)
{
    int home = (int)json_integer_value(json_object_get(q->homes, key));

    if (home)
        return home;
    home = (int)json_integer_value(json_object_get(q->last, key));
    if (!home)
        home = 1 + q->nhomes++ % q->nservers;
    return json_object_set_new_nocheck(q->homes, key, json_integer(home)) ? 0 : home;
}

int64_t mms_queue_waiting(const mms_queue *q)
{
    return q->nwaiting;
}

/* ---- choose ---- */

void mms_queue_set_free(mms_queue *q, int server, bool is_free)
{
    const uint64_t bit = (uint64_t)1 << (server % 64);

    if (is_free)
        q->free_bits[server / 64] |= bit;
    else
        q->free_bits[server / 64] &= ~bit;
}

static bool is_free(const mms_queue *q, int server)
{
    return q->free_bits[server / 64] >> (server % 64) & 1;
}

/* The highest server below limit that is free; 0: none. */
static int last_free(const mms_queue *q, int limit)
{
    for (int w = (limit - 1) / 64; w >= 0; w--) {
        uint64_t bits = q->free_bits[w];
        if (w == (limit - 1) / 64 && limit % 64)
            bits &= ((uint64_t)1 << (limit % 64)) - 1;
        if (bits)
            return 64 * w + 63 - __builtin_clzll(bits);
    }
    return 0;
}

/* The first of those that any server can have, for whose needs enough is left; 0: none.  Who waits
 * for a thing is not overtaken for ever. */
static int64_t first_that_fits(const mms_queue *q)
{
    int64_t id = q->lists[0].first;

    for (int i = 0; id && i < MMS_QUEUE_BYPASS; i++, id = q->items[id - 1].next) {
        if (fits(q, q->items[id - 1].needs))
            return id;
        if (q->items[id - 1].overtaken >= MMS_QUEUE_BYPASS)
            return 0;
    }
    return 0;
}

/* The server that had this key last, if it is free; else the last that is free. */
static int place_for(const mms_queue *q, int64_t id, int highest)
{
    const char *const key = json_string_value(q->items[id - 1].key);
    const int had = key ? (int)json_integer_value(json_object_get(q->last, key)) : 0;

    return had && is_free(q, had) ? had : highest;
}

bool mms_queue_next(mms_queue *q, int64_t *id, int *server)
{
    const int highest = q->nwaiting ? last_free(q, q->nservers + 1) : 0;

    if (!highest)
        return false;
    *id = first_that_fits(q);
    *server = *id ? place_for(q, *id, highest) : 0;
    for (int s = q->ntargeted ? highest : 0; s > 0; s = last_free(q, s)) {
        const int64_t own = q->lists[s].first;
        if (own && (!*id || own < *id) && fits(q, q->items[own - 1].needs)) {
            *id = own;
            *server = s;
        }
    }
    if (!*id)
        return false;
    for (int64_t i = q->lists[0].first; i && i < *id && !q->items[*id - 1].target;
         i = q->items[i - 1].next)
        q->items[i - 1].overtaken++;
    take_out(q, *id);
    count(q, q->items[*id - 1].needs, -1);
    mms_queue_set_free(q, *server, false);
    return true;
}

void mms_queue_end(mms_queue *q, int64_t id, int server)
{
    struct item *const item = &q->items[id - 1];

    if (item->waits) {
        take_out(q, id);
    } else {
        count(q, item->needs, 1);
        if (item->key && server)
            json_object_set_new_nocheck(q->last, json_string_value(item->key),
                                        json_integer(server));
    }
    item->needs = NULL;
    mms_value_free(&item->key);
}
