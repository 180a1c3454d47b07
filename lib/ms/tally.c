/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file tally.c  Records by key, for counting in one pass. */
#include <stdlib.h>
#include <string.h>

#include "tally_priv.h"

int mms_compare_keys(const int32_t *a, const int32_t *b, int n)
{
    for (int i = 0; i < n; i++)
        if (a[i] != b[i])
            return a[i] < b[i] ? -1 : 1;
    return 0;
}

static uint64_t hash_key(const int32_t *key, int32_t n)
{
    uint64_t h = 0;

    for (int32_t i = 0; i < n; i++) {
        h = (h ^ (uint32_t)key[i]) * UINT64_C(0x9e3779b97f4a7c15);
        h ^= h >> 29;
    }
    return h;
}

/** Keys are short: a call of memcmp costs more. */
static bool same_key(const char *record, const int32_t *key, int32_t n)
{
    const int32_t *a = (const int32_t *)(const void *)record;
    int32_t i = 0;

    while (i < n && a[i] == key[i])
        i++;
    return i == n;
}

static int64_t *find_slot(const mms_tally *t, const int32_t *key)
{
    const uint64_t mask = (uint64_t)t->nslot - 1;
    uint64_t i = hash_key(key, t->nkey) & mask;

    while (t->slots[i] && !same_key(t->records + (size_t)(t->slots[i] - 1) * t->size, key, t->nkey))
        i = (i + 1) & mask;
    return &t->slots[i];
}

static mms_status enlarge(mms_tally *t, mms_error *err)
{
    const int64_t nslot = t->nslot ? t->nslot * 2 : 1024;
    int64_t *slots = mms_alloc(nslot, sizeof *slots);

    if (!slots)
        return mms_fail(err, MMS_ERR_MEM, "out of memory for %lld keys", (long long)nslot);
    free(t->slots);
    t->slots = slots;
    t->nslot = nslot;
    for (int64_t i = 0; i < t->n; i++)
        *find_slot(t, (const int32_t *)(void *)(t->records + (size_t)i * t->size)) = i + 1;
    return MMS_OK;
}

mms_status mms_tally_find(mms_tally *t, const int32_t *key, void *record, mms_error *err)
{
    char *found = t->records ? t->records + (size_t)t->last * t->size : NULL;
    int64_t *slot;
    mms_status st = MMS_OK;

    if (!found || !same_key(found, key, t->nkey)) { // neighbouring rows often share the key
        if (t->n * 2 >= t->nslot)
            MMS_TRY(enlarge(t, err));
        slot = find_slot(t, key);
        if (!*slot) {
            MMS_TRY(mms_grow(&t->records, &t->capacity, t->n + 1, t->size, err));
            found = t->records + (size_t)t->n * t->size;
            memset(found, 0, t->size);
            memcpy(found, key, (size_t)t->nkey * sizeof *key);
            *slot = ++t->n;
        }
        t->last = *slot - 1;
        found = t->records + (size_t)t->last * t->size;
    }
    memcpy(record, &found, sizeof found);
done:
    return st;
}

void mms_tally_free(mms_tally *t)
{
    free(t->records);
    free(t->slots);
    t->records = NULL;
    t->slots = NULL;
    t->n = t->capacity = t->nslot = t->last = 0;
}
