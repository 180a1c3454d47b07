/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file id_set.c  Ids that are selected, and what they become. */
#include "base/base_priv.h"
#include "subtables_priv.h"

/** Larger ids are searched for: a SOURCE_ID may be any number. */
enum { MOST_MAPPED = 1 << 20 };

mms_status mms_id_set_make(mms_ids ids, mms_id_set *set, mms_error *err)
{
    int32_t most = -1;

    *set = (mms_id_set){ids.given, ids.n, ids.ids, 0, NULL};
    for (int64_t i = 0; i < ids.n; i++)
        if (ids.ids[i] > most)
            most = ids.ids[i];
    set->nmap = (int64_t)most + 1 < MOST_MAPPED ? (int64_t)most + 1 : MOST_MAPPED;
    set->to = mms_alloc(set->nmap, sizeof *set->to);
    if (!set->to)
        return mms_fail(err, MMS_ERR_MEM, "map of ids: out of memory");
    for (int64_t i = 0; i < set->nmap; i++)
        set->to[i] = -1;
    for (int64_t i = 0; i < ids.n; i++)
        if (ids.ids[i] < set->nmap)
            set->to[ids.ids[i]] = (int32_t)i;
    return MMS_OK;
}

int32_t mms_id_set_map(const mms_id_set *set, int32_t id)
{
    if (!set->given || id < 0)
        return id;
    for (int64_t i = 0; id >= set->nmap && i < set->n; i++)
        if (set->ids[i] == id)
            return (int32_t)i;
    return id < set->nmap && set->to[id] >= 0 ? set->to[id] : -2;
}
