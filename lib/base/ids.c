/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file ids.c  Lists of ids. */
#include "ids_priv.h"

#include <string.h>

mms_status mms_id_set_add(mms_id_set *set, int32_t id, mms_error *err)
{
    int64_t low = 0, high = set->n;

    while (low < high) {
        const int64_t mid = low + (high - low) / 2;
        if (set->ids[mid] < id)
            low = mid + 1;
        else
            high = mid;
    }
    if (low < set->n && set->ids[low] == id)
        return MMS_OK;
    const mms_status st = mms_grow(&set->ids, &set->capacity, set->n + 1, sizeof *set->ids, err);
    if (st != MMS_OK)
        return st;
    memmove(set->ids + low + 1, set->ids + low, (size_t)(set->n - low) * sizeof *set->ids);
    set->ids[low] = id;
    set->n++;
    return MMS_OK;
}

void mms_ids_add_text(mms_text *text, int64_t n, const int32_t *ids)
{
    for (int64_t i = 0, last; i < n; i = last + 1) {
        for (last = i; last + 1 < n && ids[last + 1] == ids[last] + 1; last++)
            ;
        mms_text_add(text, "%s%d", i ? "," : "", ids[i]);
        if (last > i)
            mms_text_add(text, "~%d", ids[last]);
    }
}
