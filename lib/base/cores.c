/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file cores.c  How many cores this process may use. */
#include <sched.h>
#include <stdint.h>
#include <stdio.h>

#include "lanes_priv.h"

/* Cores that the control group leaves us, rounded up; INT32_MAX when it sets no limit. */
static int quota_cores(void)
{
    FILE *file = fopen("/sys/fs/cgroup/cpu.max", "re");
    double quota = 0, period = 0;
    const int n = file ? fscanf(file, "%lf %lf", &quota, &period) : 0;

    if (file)
        fclose(file);
    if (n != 2 || quota <= 0 || period <= 0)
        return INT32_MAX;
    return (int)((quota + period - 1) / period);
}

int mms_usable_cores(void)
{
    const int quota = quota_cores();
    cpu_set_t set;
    int n = 1;

    if (!sched_getaffinity(0, sizeof set, &set))
        n = CPU_COUNT(&set);
    return n < quota ? n : quota;
}
