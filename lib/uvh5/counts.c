/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file counts.c  Times, baselines and antennas that there are in the rows of a file. */
#include <stdlib.h>
#include <string.h>

#include "import_priv.h"

static int by_real(const void *first, const void *second)
{
    const double a = *(const double *)first, b = *(const double *)second;

    return a < b ? -1 : a > b;
}

static int by_number(const void *first, const void *second)
{
    const int64_t a = *(const int64_t *)first, b = *(const int64_t *)second;

    return a < b ? -1 : a > b;
}

static int64_t count_distinct(int64_t n, int64_t *values)
{
    int64_t distinct = n > 0;

    qsort(values, (size_t)n, sizeof *values, by_number);
    for (int64_t i = 1; i < n; i++)
        distinct += values[i] != values[i - 1];
    return distinct;
}

void mms_uvh5_count_rows(int64_t n, const double *jd, const int64_t *ant1, const int64_t *ant2,
                         int64_t *scratch, mms_uvh5_counts *out)
{
    double *const times = (double *)scratch;

    memcpy(times, jd, (size_t)n * sizeof *times);
    qsort(times, (size_t)n, sizeof *times, by_real);
    out->times = n > 0;
    for (int64_t i = 1; i < n; i++)
        out->times += times[i] != times[i - 1];
    for (int64_t i = 0; i < n; i++)
        scratch[i] = (ant1[i] << 32) + ant2[i];
    out->baselines = count_distinct(n, scratch);
    memcpy(scratch, ant1, (size_t)n * sizeof *scratch);
    memcpy(scratch + n, ant2, (size_t)n * sizeof *scratch);
    out->antennas = count_distinct(2 * n, scratch);
}

mms_status mms_uvh5_count(const mms_uvh5_in *in, mms_uvh5_counts *out, mms_error *err)
{
    int64_t *const scratch = mms_alloc(2 * in->nblt, sizeof *scratch);

    if (!scratch)
        return mms_uvh5_in_memory(in, err);
    mms_uvh5_count_rows(in->nblt, in->time_jd, in->ant1, in->ant2, scratch, out);
    free(scratch);
    return MMS_OK;
}
