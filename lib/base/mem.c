/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file mem.c  Checked allocation. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base_priv.h"

/** What the kernel may hold as one page; arrays that are smaller than some of these are not worth a
 *  call. */
enum { HUGE = 2 << 20, LARGE = 4 << 20 };

/** Tell the kernel that a large array is used as a whole, so that it may lie in huge pages: fewer
 *  faults, and fewer misses where it is not read in order. */
static void expect_huge(void *memory, size_t bytes)
{
    const uintptr_t first = ((uintptr_t)memory + HUGE - 1) & ~(uintptr_t)(HUGE - 1);
    const uintptr_t end = ((uintptr_t)memory + bytes) & ~(uintptr_t)(HUGE - 1);

    if (bytes >= LARGE && end > first) // only whole ones: no memory more than was asked for
        (void)madvise((uint8_t *)memory + (first - (uintptr_t)memory), end - first, MADV_HUGEPAGE);
}

void *mms_alloc(int64_t n, size_t size)
{
    size_t bytes;
    void *p;

    if (n < 0 || __builtin_mul_overflow((size_t)n, size, &bytes) || bytes > SIZE_MAX - 64)
        return NULL;
    bytes = (bytes + 63) & ~(size_t)63;
    p = aligned_alloc(64, bytes ? bytes : 64);
    if (!p)
        return NULL;
    expect_huge(p, bytes);
    return memset(p, 0, bytes ? bytes : 64);
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
    expect_huge(grown, bytes);
    memcpy(array, &grown, sizeof grown);
    *capacity = wanted;
    return MMS_OK;
}
