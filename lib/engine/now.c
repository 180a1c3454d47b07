/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file now.c  A clock that only runs forward. */
#include <time.h>

#include "engine_priv.h"

int64_t mms_now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}
