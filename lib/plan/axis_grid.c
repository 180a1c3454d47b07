/** @file axis_grid.c  Axis auto: a grid of spw parts and scan parts (multi-ms 2.7.1). */
#include <stdlib.h>

#include "plan_priv.h"

mms_status mms_assign_grid(const mms_meta *meta, const mms_plan_opts *opts, int64_t wanted,
                           mms_assignment *a, mms_error *err)
{
    mms_id_part *spw_parts = NULL, *scan_parts = NULL;
    int32_t *spws = NULL, *scans = NULL;
    int64_t nspw, nscan, nspw_part, nscan_part;
    mms_status st;

    MMS_TRY(mms_plan_list_spws(meta, opts, &spws, &nspw, err));
    MMS_TRY(mms_plan_list_scans(meta, &scans, &nscan, err));
    nspw_part = nspw < wanted ? nspw : wanted;
    nscan_part = (wanted - 1) / nspw_part + 1;
    nscan_part = nscan_part < nscan ? nscan_part : nscan;
    MMS_TRY(mms_id_parts_create(nspw, spws, nspw_part, &spw_parts, err));
    MMS_TRY(mms_id_parts_create(nscan, scans, nscan_part, &scan_parts, err));
    mms_log(MMS_LOG_INFO, "partition",
            "Partition per scan/spw will ignore NULL combinations of these two parameters.");

    a->npart = nspw_part * nscan_part;
    for (int64_t i = 0; i < meta->ncell; i++) {
        const mms_cell *cell = &meta->cells[i];
        const int64_t outer = mms_id_parts_find(nspw, spw_parts, meta->dds[cell->ddid].spw);
        a->cell_part[i] = outer * nscan_part + mms_id_parts_find(nscan, scan_parts, cell->scan);
    }
done:
    free(scan_parts);
    free(spw_parts);
    free(scans);
    free(spws);
    return st;
}
