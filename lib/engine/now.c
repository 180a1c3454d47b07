/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file now.c  A clock that only runs forward. */
#include <time.h>

#include "engine_priv.h"

static int64_t (*simulated)(void);

void mms_now_simulate(int64_t (*now)(void))
{
    simulated = now;
}

int64_t mms_now_ns(void)
{
    struct timespec now;

    if (simulated)
        return simulated();
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}
