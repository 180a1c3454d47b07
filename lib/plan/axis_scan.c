/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file axis_scan.c  Axis scan: runs of scans (multi-ms 2.5). */
#include <stdlib.h>

#include "plan_priv.h"

mms_status mms_plan_list_scans(const mms_meta *meta, int32_t **scans, int64_t *nscan,
                               mms_error *err)
{
    int64_t n = 0;

    *nscan = 0;
    if (!(*scans = mms_alloc(meta->ncell, sizeof **scans)))
        return mms_fail(err, MMS_ERR_MEM, "out of memory for the list of scans");
    for (int64_t i = 0; i < meta->ncell; i++) /* cells are sorted by scan first */
        if (n == 0 || meta->cells[i].scan != (*scans)[n - 1])
            (*scans)[n++] = meta->cells[i].scan;
    *nscan = n;
    return MMS_OK;
}

mms_status mms_assign_scan(const mms_meta *meta, const mms_plan_opts *opts, int64_t wanted,
                           mms_assignment *a, mms_error *err)
{
    mms_id_part *parts = NULL;
    int32_t *scans = NULL;
    int64_t nscan;
    mms_status st;

    (void)opts;
    MMS_TRY(mms_plan_list_scans(meta, &scans, &nscan, err));
    a->npart = nscan < wanted ? nscan : wanted;
    mms_give_reason(a->reason, sizeof a->reason, nscan, wanted, "scan");
    MMS_TRY(mms_id_parts_create(nscan, scans, a->npart, &parts, err));
    for (int64_t i = 0; i < meta->ncell; i++)
        a->cell_part[i] = mms_id_parts_find(nscan, parts, meta->cells[i].scan);
done:
    free(parts);
    free(scans);
    return st;
}
