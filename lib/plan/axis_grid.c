/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file axis_grid.c  Axis auto: a grid of spw parts and scan parts (multi-ms 2.7.1). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plan_priv.h"

/* A run of ids as a compact list. */
static char *list_run(int64_t n, const int32_t *ids, int64_t npart, int64_t part)
{
    const int64_t first = mms_split_first(n, npart, part);
    const int64_t count = mms_split_first(n, npart, part + 1) - first;
    int32_t *sorted = mms_alloc(count, sizeof *sorted);
    char *text = NULL;

    if (sorted) {
        memcpy(sorted, ids + first, (size_t)count * sizeof *sorted);
        text = mms_plan_compact_list(mms_ids_sort_unique(count, sorted), sorted);
    }
    free(sorted);
    return text;
}

/* One axis of the grid: ids in order, cut into parts. */
struct side {
    int64_t n, npart;
    int32_t *ids;
};

/* Says which cells have no rows. */
static mms_status report_empty(const mms_assignment *a, int64_t ncell, const struct side *spws,
                               const struct side *scans, mms_error *err)
{
    bool *used = mms_alloc(a->npart, sizeof *used);

    if (!used)
        return mms_fail(err, MMS_ERR_MEM, "out of memory for %lld parts", (long long)a->npart);
    for (int64_t i = 0; i < ncell; i++)
        used[a->cell_part[i]] = true;
    for (int64_t p = 0; p < a->npart; p++) {
        if (used[p])
            continue;
        char *scan = list_run(scans->n, scans->ids, scans->npart, p % scans->npart);
        char *spw = list_run(spws->n, spws->ids, spws->npart, p / scans->npart);
        mms_log(MMS_LOG_DEBUG, "partition", "Ignoring NULL combination of scan=%s and spw=%s",
                scan ? scan : "?", spw ? spw : "?");
        free(spw);
        free(scan);
    }
    free(used);
    return MMS_OK;
}

mms_status mms_assign_grid(const mms_meta *meta, const mms_plan_opts *opts, int64_t wanted,
                           mms_assignment *a, mms_error *err)
{
    mms_id_part *spw_parts = NULL, *scan_parts = NULL;
    struct side spws = {0}, scans = {0};
    mms_status st;

    MMS_TRY(mms_plan_list_spws(meta, opts, &spws.ids, &spws.n, err));
    MMS_TRY(mms_plan_list_scans(meta, &scans.ids, &scans.n, err));
    spws.npart = spws.n < wanted ? spws.n : wanted;
    scans.npart = (wanted - 1) / spws.npart + 1;
    scans.npart = scans.npart < scans.n ? scans.npart : scans.n;
    MMS_TRY(mms_id_parts_create(spws.n, spws.ids, spws.npart, &spw_parts, err));
    MMS_TRY(mms_id_parts_create(scans.n, scans.ids, scans.npart, &scan_parts, err));
    mms_log(MMS_LOG_INFO, "partition",
            "Partition per scan/spw will ignore NULL combinations of these two parameters.");

    a->npart = spws.npart * scans.npart;
    snprintf(a->reason, sizeof a->reason,
             "a grid of %lld groups of spectral windows (of %lld) and %lld of scans (of %lld)",
             (long long)spws.npart, (long long)spws.n, (long long)scans.npart, (long long)scans.n);
    for (int64_t i = 0; i < meta->ncell; i++) {
        const mms_cell *cell = &meta->cells[i];
        const int64_t outer = mms_id_parts_find(spws.n, spw_parts, meta->dds[cell->ddid].spw);
        a->cell_part[i] = outer * scans.npart + mms_id_parts_find(scans.n, scan_parts, cell->scan);
    }
    if (mms_log_wants(MMS_LOG_DEBUG))
        MMS_TRY(report_empty(a, meta->ncell, &spws, &scans, err));
done:
    free(scan_parts);
    free(spw_parts);
    free(scans.ids);
    free(spws.ids);
    return st;
}
