/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file clock.c  What time it is. */
#include <time.h>

#include "base_priv.h"

double mms_unix_s(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}
