/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file plan.c  Makes a plan, answers which part a row belongs to, describes it. */
#include <assert.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "plan_priv.h"

enum { AUTO_PARTS = 8 };

static const struct {
    const char *text, *type; /* separationaxis and AxisType */
    mms_axis axis;
} axes[] = {
    {"auto", "scan,spw", MMS_AXIS_GRID},
    {"both", "scan,spw", MMS_AXIS_GRID},
    {"scan", "scan", MMS_AXIS_SCAN},
    {"spw", "spw", MMS_AXIS_SPW},
    {"baseline", "baseline", MMS_AXIS_BASELINE},
    {"balanced", "scan,spw", MMS_AXIS_BALANCED},
};

mms_status mms_plan_parse_axis(const char *text, mms_axis *axis, mms_error *err)
{
    for (int64_t i = 0; i < MMS_COUNT_OF(axes); i++)
        if (strcasecmp(text, axes[i].text) == 0) {
            *axis = axes[i].axis;
            return MMS_OK;
        }
    return mms_fail(err, MMS_ERR_ARG,
                    "separationaxis '%s': must be auto, scan, spw, baseline or balanced", text);
}

static int64_t find_axis(mms_axis axis)
{
    for (int64_t i = 0; i < MMS_COUNT_OF(axes); i++)
        if (axes[i].axis == axis)
            return i;
    return -1;
}

const char *mms_plan_axis_type(mms_axis axis)
{
    const int64_t i = find_axis(axis);
    return i < 0 ? "" : axes[i].type;
}

/* What the description calls the axis. */
static const char *axis_name(mms_axis axis)
{
    const int64_t i = find_axis(axis);
    if (i >= 0)
        return axes[i].text;
    return axis == MMS_AXIS_MEMBER ? "member" : "none";
}

/* Cells ordered by part, in the order of meta within one; first[p] is where those of part p begin.
 */
static mms_status sort_cells(const mms_meta *meta, const mms_assignment *a, int64_t **order,
                             int64_t **first, mms_error *err)
{
    *order = mms_alloc(meta->ncell, sizeof **order);
    *first = mms_alloc(a->npart + 2, sizeof **first);
    if (!*order || !*first)
        return mms_fail(err, MMS_ERR_MEM, "out of memory for %" PRId64 " parts", a->npart);
    for (int64_t i = 0; i < meta->ncell; i++) {
        assert(a->cell_part[i] >= 0 && a->cell_part[i] < a->npart);
        (*first)[a->cell_part[i] + 2]++;
    }
    for (int64_t p = 1; p <= a->npart; p++)
        (*first)[p + 1] += (*first)[p];
    for (int64_t i = 0; i < meta->ncell; i++)
        (*order)[(*first)[a->cell_part[i] + 1]++] = i;
    return MMS_OK;
}

static mms_status add_part(mms_plan *plan, const mms_meta *meta, int64_t n, const int64_t *cells,
                           mms_error *err)
{
    const int64_t index = plan->npart++;
    mms_part *part = &plan->parts[index];
    mms_status st;

    part->member = plan->axis == MMS_AXIS_MEMBER ? meta->cells[cells[0]].member : -1;
    if (part->member >= 0)
        plan->part_of_members[part->member] = index;
    for (int64_t i = 0; i < n; i++) {
        const mms_cell *cell = &meta->cells[cells[i]];
        const mms_dd *dd = &meta->dds[cell->ddid];
        part->rows += cell->rows;
        part->bytes += cell->rows * meta->dd_row_bytes[cell->ddid];
        part->visibilities += cell->rows * dd->nchan * dd->ncorr;
        if (part->member < 0)
            MMS_TRY(mms_part_map_set(&plan->map, cell->scan, cell->ddid, index, err));
    }
    MMS_TRY(mms_part_set_ids(part, meta, n, cells, err));
done:
    return st;
}

mms_status mms_plan_fill_cells(mms_plan *plan, const mms_meta *meta, const mms_assignment *a,
                               mms_error *err)
{
    int64_t *order = NULL, *first = NULL;
    mms_status st;

    MMS_TRY(sort_cells(meta, a, &order, &first, err));
    if (!(plan->parts = mms_alloc(a->npart, sizeof *plan->parts)))
        MMS_TRY(mms_fail(err, MMS_ERR_MEM, "out of memory for %" PRId64 " parts", a->npart));
    for (int64_t p = 0; p < a->npart; p++) {
        const int64_t n = first[p + 1] - first[p];
        if (n > 0)
            MMS_TRY(add_part(plan, meta, n, order + first[p], err));
        else
            plan->ndropped++;
    }
done:
    free(first);
    free(order);
    return st;
}

static mms_status assign_member(mms_plan *plan, const mms_meta *meta, mms_assignment *a,
                                mms_error *err)
{
    a->npart = meta->nmember;
    snprintf(a->reason, sizeof a->reason, "the parts of the input stay");
    plan->nmember = meta->nmember;
    if (!(plan->part_of_members = mms_alloc(meta->nmember, sizeof *plan->part_of_members)))
        return mms_fail(err, MMS_ERR_MEM, "out of memory for %" PRId64 " members", meta->nmember);
    for (int64_t i = 0; i < meta->nmember; i++)
        plan->part_of_members[i] = -1;
    for (int64_t i = 0; i < meta->ncell; i++)
        a->cell_part[i] = meta->cells[i].member;
    return MMS_OK;
}

static mms_status assign(mms_plan *plan, const mms_meta *meta, const mms_plan_opts *opts,
                         int64_t wanted, mms_assignment *a, mms_error *err)
{
    switch (plan->axis) {
    case MMS_AXIS_SCAN:
        return mms_assign_scan(meta, opts, wanted, a, err);
    case MMS_AXIS_SPW:
        return mms_assign_spw(meta, opts, wanted, a, err);
    case MMS_AXIS_GRID:
        return mms_assign_grid(meta, opts, wanted, a, err);
    case MMS_AXIS_BALANCED:
        return mms_assign_balanced(meta, opts, wanted, a, err);
    case MMS_AXIS_MEMBER:
        return assign_member(plan, meta, a, err);
    case MMS_AXIS_NONE:
        a->npart = 1; /* cell_part is zero */
        snprintf(a->reason, sizeof a->reason, "one MS is written");
        return MMS_OK;
    case MMS_AXIS_BASELINE:
        break;
    }
    return mms_fail(err, MMS_ERR_ARG, "axis %d has no cells", (int)plan->axis);
}

mms_status mms_plan_create(const mms_meta *meta, const mms_plan_opts *opts, mms_plan **out,
                           mms_error *err)
{
    const int64_t wanted = opts->numsubms ? opts->numsubms : AUTO_PARTS;
    mms_assignment a = {.cell_part = mms_alloc(meta->ncell, sizeof *a.cell_part)};
    mms_plan *plan = mms_alloc(1, sizeof *plan);
    mms_status st;

    *out = NULL;
    if (!a.cell_part || !plan)
        MMS_TRY(mms_fail(err, MMS_ERR_MEM, "out of memory for a plan"));
    if (wanted < 1)
        MMS_TRY(mms_fail(err, MMS_ERR_ARG, "numsubms %" PRId64 ": must be 1 or more", wanted));
    if (meta->ncell == 0)
        MMS_TRY(mms_fail(err, MMS_ERR_EMPTY,
                         "MSSelectionNullSelection : The selected table has zero rows."));
    plan->axis = opts->axis;
    plan->wanted = wanted;
    if (opts->axis == MMS_AXIS_BASELINE) {
        MMS_TRY(mms_plan_fill_baseline(plan, meta, opts, wanted, err));
    } else {
        MMS_TRY(assign(plan, meta, opts, wanted, &a, err));
        MMS_TRY(mms_plan_fill_cells(plan, meta, &a, err));
        memcpy(plan->reason, a.reason, sizeof plan->reason);
    }
    *out = plan;
    plan = NULL;
done:
    mms_plan_free(&plan);
    free(a.cell_part);
    return st;
}

void mms_plan_free(mms_plan **plan)
{
    if (!*plan)
        return;
    for (int64_t i = 0; i < (*plan)->npart; i++) {
        free((*plan)->parts[i].scans);
        free((*plan)->parts[i].spws);
        free((*plan)->parts[i].ddids);
    }
    free((*plan)->parts);
    free((*plan)->map.slots);
    free((*plan)->part_of_members);
    free(*plan);
    *plan = NULL;
}

mms_axis mms_plan_axis(const mms_plan *plan)
{
    return plan->axis;
}

int64_t mms_plan_nparts(const mms_plan *plan)
{
    return plan->npart;
}

const mms_part *mms_plan_part(const mms_plan *plan, int64_t part)
{
    assert(part >= 0 && part < plan->npart);
    return &plan->parts[part];
}

int64_t mms_plan_wanted(const mms_plan *plan)
{
    return plan->wanted;
}

const char *mms_plan_reason(const mms_plan *plan)
{
    return plan->reason;
}

int64_t mms_plan_ndropped(const mms_plan *plan)
{
    return plan->ndropped;
}

int64_t mms_plan_part_of(const mms_plan *plan, const mms_row_key *key)
{
    if (plan->axis == MMS_AXIS_MEMBER)
        return key->member < 0 || key->member >= plan->nmember ? -1
                                                               : plan->part_of_members[key->member];
    if (plan->axis != MMS_AXIS_BASELINE)
        return mms_part_map_get(&plan->map, key->scan, key->ddid);
    return key->ant1 <= key->ant2 ? mms_part_map_get(&plan->map, key->ant1, key->ant2)
                                  : mms_part_map_get(&plan->map, key->ant2, key->ant1);
}

static json_t *describe_part(const mms_part *part)
{
    json_t *o =
        json_pack("{so so so sI sI sI}", "scans", mms_int32s_value(part->nscan, part->scans),
                  "spws", mms_int32s_value(part->nspw, part->spws), "ddids",
                  mms_int32s_value(part->nddid, part->ddids), "rows", (json_int_t)part->rows,
                  "bytes", (json_int_t)part->bytes, "visibilities", (json_int_t)part->visibilities);
    if (part->nbaseline)
        json_object_set_new(o, "baselines", json_integer(part->nbaseline));
    if (part->member >= 0)
        json_object_set_new(o, "member", json_integer(part->member));
    return o;
}

mms_status mms_plan_describe(const mms_plan *plan, mms_value **out, mms_error *err)
{
    json_t *parts = json_array();
    int64_t sum = 0, largest = 0;
    double imbalance;

    for (int64_t i = 0; i < plan->npart; i++) {
        const int64_t bytes = plan->parts[i].bytes;
        sum += bytes;
        largest = bytes > largest ? bytes : largest;
        json_array_append_new(parts, describe_part(&plan->parts[i]));
    }
    imbalance = sum ? (double)largest * (double)plan->npart / (double)sum : 1;
    *out = json_pack("{ss ss so sI sf}", "axis", axis_name(plan->axis), "axis_type",
                     mms_plan_axis_type(plan->axis), "parts", parts, "dropped",
                     (json_int_t)plan->ndropped, "imbalance", imbalance);
    return *out ? MMS_OK : mms_fail(err, MMS_ERR_MEM, "out of memory to describe the plan");
}
