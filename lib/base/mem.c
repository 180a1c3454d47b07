/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file mem.c  Checked allocation. */
#include <stdlib.h>
#include <string.h>

#include "base_priv.h"

void *mms_alloc(int64_t n, size_t size)
{
    size_t bytes;
    void *p;

    if (n < 0 || __builtin_mul_overflow((size_t)n, size, &bytes) || bytes > SIZE_MAX - 64)
        return NULL;
    bytes = (bytes + 63) & ~(size_t)63;
    p = aligned_alloc(64, bytes ? bytes : 64);
    return p ? memset(p, 0, bytes ? bytes : 64) : NULL;
}

mms_status mms_grow(void *array, int64_t *capacity, int64_t n, size_t size, mms_error *err)
{
    int64_t wanted = *capacity + *capacity / 2;
    void *old, *grown;
    size_t bytes;

    if (n <= *capacity)
        return MMS_OK;
    if (wanted < n)
        wanted = n < 16 ? 16 : n;
    memcpy(&old, array, sizeof old);
    if (__builtin_mul_overflow((size_t)wanted, size, &bytes) || !(grown = realloc(old, bytes)))
        return mms_fail(err, MMS_ERR_MEM, "out of memory for %lld elements of %zu bytes",
                        (long long)wanted, size);
    memcpy(array, &grown, sizeof grown);
    *capacity = wanted;
    return MMS_OK;
}
