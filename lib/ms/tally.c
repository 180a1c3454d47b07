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

static int64_t *find_slot(const mms_tally *t, const int32_t *key)
{
    const uint64_t mask = (uint64_t)t->nslot - 1;
    const size_t bytes = (size_t)t->nkey * sizeof *key;
    uint64_t i = hash_key(key, t->nkey) & mask;

    while (t->slots[i] && memcmp(t->records + (size_t)(t->slots[i] - 1) * t->size, key, bytes) != 0)
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
    const size_t bytes = (size_t)t->nkey * sizeof *key;
    char *found = t->records ? t->records + (size_t)t->last * t->size : NULL;
    int64_t *slot;
    mms_status st = MMS_OK;

    if (!found || memcmp(found, key, bytes) != 0) { // neighbouring rows often share the key
        if (t->n * 2 >= t->nslot)
            MMS_TRY(enlarge(t, err));
        slot = find_slot(t, key);
        if (!*slot) {
            MMS_TRY(mms_grow(&t->records, &t->capacity, t->n + 1, t->size, err));
            found = t->records + (size_t)t->n * t->size;
            memset(found, 0, t->size);
            memcpy(found, key, bytes);
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
