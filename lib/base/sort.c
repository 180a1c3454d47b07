/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file sort.c  Order by whole numbers, byte by byte. */
#include "sort_priv.h"

#include <stdlib.h>
#include <string.h>

#include "base_priv.h"

enum { BITS = 8, DIGITS = 1 << BITS };

typedef struct range {
    int32_t least, most;
    bool ascending; /**< in order already */
} range;

static range find_range(int64_t n, const int64_t *places, const int32_t *keys)
{
    range r = {INT32_MAX, INT32_MIN, true};

    for (int64_t i = 0; i < n; i++) {
        const int32_t key = keys[places[i]];
        r.least = key < r.least ? key : r.least;
        r.ascending = r.ascending && key >= r.most;
        r.most = key > r.most ? key : r.most;
    }
    return r;
}

static int digit_of(const int32_t *keys, int64_t place, int32_t least, int shift)
{
    return (int)(((uint32_t)keys[place] - (uint32_t)least) >> shift & (DIGITS - 1));
}

static void sort_by_digit(int64_t n, const int64_t *places, const int32_t *keys, int32_t least,
                          int shift, int64_t *sorted)
{
    int64_t next[DIGITS + 1] = {0};

    for (int64_t i = 0; i < n; i++)
        next[digit_of(keys, places[i], least, shift) + 1]++;
    for (int d = 1; d < DIGITS; d++)
        next[d] += next[d - 1];
    for (int64_t i = 0; i < n; i++)
        sorted[next[digit_of(keys, places[i], least, shift)]++] = places[i];
}

mms_status mms_sort_places(int64_t n, int64_t *places, const int32_t *keys, mms_error *err)
{
    const range r = find_range(n, places, keys);
    int64_t *sorted;

    if (r.ascending)
        return MMS_OK;
    sorted = mms_alloc(n, sizeof *sorted);
    if (!sorted)
        return mms_fail(err, MMS_ERR_MEM, "sort: out of memory");
    for (int shift = 0; shift < 32 && ((uint32_t)r.most - (uint32_t)r.least) >> shift;
         shift += BITS) {
        sort_by_digit(n, places, keys, r.least, shift, sorted);
        memcpy(places, sorted, (size_t)n * sizeof *places);
    }
    free(sorted);
    return MMS_OK;
}
