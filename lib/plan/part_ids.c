/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file part_ids.c  The ids of a part. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/ids_priv.h"
#include "plan_priv.h"

static mms_status set_distinct(int64_t n, int32_t *ids, int32_t **list, int64_t *nlist,
                               mms_error *err)
{
    *nlist = mms_ids_sort_unique(n, ids);
    if (!(*list = mms_alloc(*nlist, sizeof **list)))
        return mms_fail(err, MMS_ERR_MEM, "out of memory for %" PRId64 " ids", *nlist);
    memcpy(*list, ids, (size_t)*nlist * sizeof *ids);
    return MMS_OK;
}

mms_status mms_part_set_ids(mms_part *part, const mms_meta *meta, int64_t n, const int64_t *cells,
                            mms_error *err)
{
    int32_t *ids = mms_alloc(n, sizeof *ids);
    mms_status st = MMS_OK;

    if (!ids)
        return mms_fail(err, MMS_ERR_MEM, "out of memory for %" PRId64 " ids", n);
    for (int64_t i = 0; i < n; i++)
        ids[i] = meta->cells[cells[i]].scan;
    MMS_TRY(set_distinct(n, ids, &part->scans, &part->nscan, err));
    for (int64_t i = 0; i < n; i++)
        ids[i] = meta->cells[cells[i]].ddid;
    MMS_TRY(set_distinct(n, ids, &part->ddids, &part->nddid, err));
    for (int64_t i = 0; i < part->nddid; i++)
        ids[i] = meta->dds[part->ddids[i]].spw;
    MMS_TRY(set_distinct(part->nddid, ids, &part->spws, &part->nspw, err));
done:
    free(ids);
    return st;
}
