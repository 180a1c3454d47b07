/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file split.c  Cuts lists into parts (multi-ms 2.4). */
#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ids_priv.h"
#include "plan_priv.h"

int64_t mms_split_first(int64_t nitem, int64_t npart, int64_t i)
{
    const double step = (double)nitem / (double)npart;

    assert(npart > 0 && i >= 0 && i <= npart);
    return (int64_t)rint((double)i * step);
}

void mms_give_reason(char *reason, size_t size, int64_t nitem, int64_t wanted, const char *item)
{
    if (nitem < wanted)
        snprintf(reason, size, "there %s %lld %s%s, and none is cut", nitem == 1 ? "is" : "are",
                 (long long)nitem, item, nitem == 1 ? "" : "s");
    else
        snprintf(reason, size, "%lld %ss are shared out", (long long)nitem, item);
}

static int compare_ids(const void *a, const void *b)
{
    const int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return (x > y) - (x < y);
}

int64_t mms_ids_sort_unique(int64_t n, int32_t *ids)
{
    int64_t kept = 0;

    if (n > 1)
        qsort(ids, (size_t)n, sizeof *ids, compare_ids);
    for (int64_t i = 0; i < n; i++)
        if (i == 0 || ids[i] != ids[kept - 1])
            ids[kept++] = ids[i];
    return kept;
}

static int compare_id_parts(const void *a, const void *b)
{
    return compare_ids(&((const mms_id_part *)a)->id, &((const mms_id_part *)b)->id);
}

mms_status mms_id_parts_create(int64_t n, const int32_t *ids, int64_t npart, mms_id_part **table,
                               mms_error *err)
{
    mms_id_part *t = mms_alloc(n, sizeof *t);

    *table = t;
    if (!t)
        return mms_fail(err, MMS_ERR_MEM, "out of memory for %lld ids", (long long)n);
    for (int64_t part = 0; part < npart; part++)
        for (int64_t i = mms_split_first(n, npart, part); i < mms_split_first(n, npart, part + 1);
             i++)
            t[i] = (mms_id_part){ids[i], part};
    qsort(t, (size_t)n, sizeof *t, compare_id_parts);
    return MMS_OK;
}

int64_t mms_id_parts_find(int64_t n, const mms_id_part *table, int32_t id)
{
    const mms_id_part key = {id, 0};
    const mms_id_part *found = bsearch(&key, table, (size_t)n, sizeof key, compare_id_parts);
    return found ? found->part : -1;
}

char *mms_plan_compact_list(int64_t n, const int32_t *ids)
{
    mms_text t = {0};

    mms_text_add(&t, "%s", "");
    mms_ids_add_text(&t, n, ids);
    return t.text;
}
