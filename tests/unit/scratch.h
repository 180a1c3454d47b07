/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_TESTS_SCRATCH_H
#define MULTIMS_TESTS_SCRATCH_H
/** @file scratch.h  For tests of random files: a folder of their own, and numbers that repeat. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/files_priv.h"

static char scratch[64];
static uint64_t seed;

static inline int enter_scratch(void **state)
{
    (void)state;
    strcpy(scratch, "multims-test-XXXXXX");
    return mkdtemp(scratch) && !chdir(scratch) ? 0 : -1;
}

static inline int leave_scratch(void **state)
{
    (void)state;
    return chdir("..") || mms_remove_tree(scratch, NULL) ? -1 : 0;
}

static inline uint64_t mix(uint64_t x)
{
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

/** A number from low to high. */
static inline int64_t some(int64_t low, int64_t high)
{
    seed += 0x9e3779b97f4a7c15u;
    return low + (int64_t)(mix(seed) % (uint64_t)(high - low + 1));
}

#endif
