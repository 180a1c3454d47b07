/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file axis_baseline.c  Axis baseline: runs of antenna pairs, both orders (multi-ms 2.8). */
#include <stdlib.h>

#include "plan_priv.h"

/* A run of pairs that one part takes; false when none of them has selected rows. */
static bool sum_pairs(const mms_meta *meta, mms_rows run, mms_part *part)
{
    *part = (mms_part){.baselines = run, .member = -1};
    for (int64_t i = run.first; i < run.first + run.count; i++) {
        const mms_baseline *b = &meta->baselines[i];
        part->rows += b->rows;
        part->bytes += b->bytes;
        part->visibilities += b->visibilities;
        part->nbaseline += b->rows > 0;
    }
    return part->rows > 0;
}

static mms_status add_part(mms_plan *plan, const mms_meta *meta, mms_rows run,
                           const int64_t *all_cells, mms_error *err)
{
    mms_part *part = &plan->parts[plan->npart];
    mms_status st = MMS_OK;

    if (!sum_pairs(meta, run, part)) {
        plan->ndropped++;
        return MMS_OK;
    }
    plan->npart++;
    MMS_TRY(mms_part_set_ids(part, meta, meta->ncell, all_cells, err));
    for (int64_t i = run.first; i < run.first + run.count; i++)
        if (meta->baselines[i].rows > 0)
            MMS_TRY(mms_part_map_set(&plan->map, meta->baselines[i].ant1, meta->baselines[i].ant2,
                                     plan->npart - 1, err));
done:
    return st;
}

mms_status mms_plan_fill_baseline(mms_plan *plan, const mms_meta *meta, const mms_plan_opts *opts,
                                  int64_t wanted, mms_error *err)
{
    int64_t *listed = mms_alloc(meta->nbaseline + 1, sizeof *listed);
    int64_t *all_cells = mms_alloc(meta->ncell, sizeof *all_cells);
    int64_t n = 0, npart;
    mms_status st = MMS_OK;

    if (!listed || !all_cells) {
        st = mms_fail(err, MMS_ERR_MEM, "out of memory for the list of baselines");
        goto done;
    }
    for (int64_t i = 0; i < meta->ncell; i++)
        all_cells[i] = i;
    for (int64_t i = 0; i < meta->nbaseline; i++)
        if (!opts->antennas_given || meta->baselines[i].rows > 0)
            listed[n++] = i;
    listed[n] = meta->nbaseline;
    npart = n < wanted ? n : wanted;
    mms_give_reason(plan->reason, sizeof plan->reason, n, wanted, "baseline");
    if (!(plan->parts = mms_alloc(npart, sizeof *plan->parts)))
        MMS_TRY(mms_fail(err, MMS_ERR_MEM, "out of memory for %lld parts", (long long)npart));
    for (int64_t i = 0; i < npart; i++) {
        const int64_t first = listed[mms_split_first(n, npart, i)];
        const int64_t end = listed[mms_split_first(n, npart, i + 1)];
        MMS_TRY(add_part(plan, meta, (mms_rows){first, end - first}, all_cells, err));
    }
done:
    free(all_cells);
    free(listed);
    return st;
}
