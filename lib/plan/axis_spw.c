/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file axis_spw.c  Axis spw: runs of spws in the order of the request (multi-ms 2.6, D20). */
#include <stdlib.h>
#include <string.h>

#include "plan_priv.h"

static bool contains(int64_t n, const int32_t *ids, int32_t id)
{
    for (int64_t i = 0; i < n; i++)
        if (ids[i] == id)
            return true;
    return false;
}

/* Brings those of spws[n], which are ascending, that the request names to the front, in its
 * order. */
static void apply_order(const mms_plan_opts *opts, int64_t n, const int32_t *ascending,
                        int32_t *spws)
{
    int64_t kept = 0;

    for (int64_t i = 0; i < opts->nspw; i++)
        if (contains(n, ascending, opts->spws[i]) && !contains(kept, spws, opts->spws[i]))
            spws[kept++] = opts->spws[i];
    for (int64_t i = 0, named = kept; i < n; i++)
        if (!contains(named, spws, ascending[i]))
            spws[kept++] = ascending[i];
}

mms_status mms_plan_list_spws(const mms_meta *meta, const mms_plan_opts *opts, int32_t **spws,
                              int64_t *nspw, mms_error *err)
{
    int32_t *ascending = mms_alloc(meta->ncell, sizeof *ascending);

    *nspw = 0;
    *spws = mms_alloc(meta->ncell, sizeof **spws);
    if (!ascending || !*spws) {
        free(ascending);
        return mms_fail(err, MMS_ERR_MEM, "out of memory for the list of spws");
    }
    for (int64_t i = 0; i < meta->ncell; i++)
        ascending[i] = meta->dds[meta->cells[i].ddid].spw;
    *nspw = mms_ids_sort_unique(meta->ncell, ascending);
    apply_order(opts, *nspw, ascending, *spws);
    free(ascending);
    return MMS_OK;
}

mms_status mms_assign_spw(const mms_meta *meta, const mms_plan_opts *opts, int64_t wanted,
                          mms_assignment *a, mms_error *err)
{
    mms_id_part *parts = NULL;
    int32_t *spws = NULL;
    int64_t nspw;
    mms_status st;

    MMS_TRY(mms_plan_list_spws(meta, opts, &spws, &nspw, err));
    a->npart = nspw < wanted ? nspw : wanted;
    mms_give_reason(a->reason, sizeof a->reason, nspw, wanted, "spectral window");
    MMS_TRY(mms_id_parts_create(nspw, spws, a->npart, &parts, err));
    for (int64_t i = 0; i < meta->ncell; i++)
        a->cell_part[i] = mms_id_parts_find(nspw, parts, meta->dds[meta->cells[i].ddid].spw);
done:
    free(parts);
    free(spws);
    return st;
}
