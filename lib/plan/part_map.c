/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file part_map.c  The part of a pair of ids, found in constant time. */
#include <assert.h>
#include <stdlib.h>

#include "plan_priv.h"

static uint64_t make_key(int32_t a, int32_t b)
{
    return (uint64_t)(uint32_t)a << 32 | (uint32_t)b;
}

/* The slot of key, or the free one where it belongs. */
static struct mms_part_slot *find_slot(const mms_part_map *map, uint64_t key)
{
    const uint64_t mask = (uint64_t)map->capacity - 1;
    assert(map->count < map->capacity); // a free slot ends the search
    uint64_t i = (key ^ key >> 32) * UINT64_C(0x9e3779b97f4a7c15) >> 20 & mask;

    while (map->slots[i].part >= 0 && map->slots[i].key != key)
        i = (i + 1) & mask;
    return &map->slots[i];
}

static mms_status enlarge(mms_part_map *map, mms_error *err)
{
    mms_part_map bigger = {.capacity = map->capacity ? map->capacity * 2 : 64, .count = map->count};

    if (!(bigger.slots = mms_alloc(bigger.capacity, sizeof *bigger.slots)))
        return mms_fail(err, MMS_ERR_MEM, "out of memory for the map of parts");
    for (int64_t i = 0; i < bigger.capacity; i++)
        bigger.slots[i].part = -1;
    for (int64_t i = 0; i < map->capacity; i++)
        if (map->slots[i].part >= 0)
            *find_slot(&bigger, map->slots[i].key) = map->slots[i];
    free(map->slots);
    *map = bigger;
    return MMS_OK;
}

mms_status mms_part_map_set(mms_part_map *map, int32_t a, int32_t b, int64_t part, mms_error *err)
{
    struct mms_part_slot *slot;
    mms_status st = MMS_OK;

    assert(part >= 0); // of a free slot -1
    if (map->count * 2 >= map->capacity)
        MMS_TRY(enlarge(map, err));
    slot = find_slot(map, make_key(a, b));
    map->count += slot->part < 0;
    slot->key = make_key(a, b);
    slot->part = part;
done:
    return st;
}

int64_t mms_part_map_get(const mms_part_map *map, int32_t a, int32_t b)
{
    return map->capacity ? find_slot(map, make_key(a, b))->part : -1;
}
