/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_PLAN_PRIV_H
#define MULTIMS_PLAN_PRIV_H
/** @file plan_priv.h  What the axes of lib/plan share: splitting a list, parts by key. */

#include "base/base_priv.h"
#include "plan.h"

/** First item of part i when nitem items are split into npart parts; i = npart gives nitem. */
int64_t mms_split_first(int64_t nitem, int64_t npart, int64_t i);

/** Say why a list of nitem items makes so many parts. */
void mms_give_reason(char *reason, size_t size, int64_t nitem, int64_t wanted, const char *item);

/** Sort ids ascending and drop repeated ones; returns how many are left. */
int64_t mms_ids_sort_unique(int64_t n, int32_t *ids);

/** The part of each of a list of ids. */
typedef struct mms_id_part {
    int32_t id;
    int64_t part;
} mms_id_part;

/** Split ids, in their order, into npart parts.
 *  @param[out] table  table[n], sorted by id; the caller ends it with free() */
MMS_CHECKED mms_status mms_id_parts_create(int64_t n, const int32_t *ids, int64_t npart,
                                           mms_id_part **table, mms_error *err);
/** Return the part of id, -1 when it is not in the table. */
int64_t mms_id_parts_find(int64_t n, const mms_id_part *table, int32_t id);

/** Distinct scans of the selected rows, ascending; *scans is ended with free(). */
MMS_CHECKED mms_status mms_plan_list_scans(const mms_meta *meta, int32_t **scans, int64_t *nscan,
                                           mms_error *err);
/** Distinct spws of the selected rows in the order of opts, the others after them, ascending;
 *  *spws is ended with free(). */
MMS_CHECKED mms_status mms_plan_list_spws(const mms_meta *meta, const mms_plan_opts *opts,
                                          int32_t **spws, int64_t *nspw, mms_error *err);

/** Where an axis puts the selected rows. */
typedef struct mms_assignment {
    int64_t npart;      /**< parts planned, with those that turn out empty */
    int64_t *cell_part; /**< cell_part[ncell] */
    char reason[160];   /**< why there are so many, or "" */
} mms_assignment;

/** The axes over cells.  wanted >= 1; they fill npart and cell_part, which has room already. */
MMS_CHECKED mms_status mms_assign_scan(const mms_meta *meta, const mms_plan_opts *opts,
                                       int64_t wanted, mms_assignment *a, mms_error *err);
MMS_CHECKED mms_status mms_assign_spw(const mms_meta *meta, const mms_plan_opts *opts,
                                      int64_t wanted, mms_assignment *a, mms_error *err);
MMS_CHECKED mms_status mms_assign_grid(const mms_meta *meta, const mms_plan_opts *opts,
                                       int64_t wanted, mms_assignment *a, mms_error *err);
MMS_CHECKED mms_status mms_assign_balanced(const mms_meta *meta, const mms_plan_opts *opts,
                                           int64_t wanted, mms_assignment *a, mms_error *err);

/** Parts by two ids, open addressing. */
typedef struct mms_part_map {
    int64_t capacity, count; /**< capacity: a power of two, or 0 */
    struct mms_part_slot {
        uint64_t key;
        int64_t part; /**< -1: free */
    } * slots;
} mms_part_map;

/** Set the part of (a, b), which must not be known with another one. */
MMS_CHECKED mms_status mms_part_map_set(mms_part_map *map, int32_t a, int32_t b, int64_t part,
                                        mms_error *err);
/** Return the part of (a, b), -1 when there is none. */
int64_t mms_part_map_get(const mms_part_map *map, int32_t a, int32_t b);

struct mms_plan {
    mms_axis axis;
    int64_t npart, ndropped, wanted;
    char reason[160]; /**< why there are so many parts */
    mms_part *parts;
    mms_part_map map;         /**< by (scan, ddid), or by (ant1, ant2) for axis baseline */
    int64_t nmember;          /**< axis member */
    int64_t *part_of_members; /**< part_of_members[nmember], -1: no selected rows */
};

/** Make the parts of axis baseline. */
MMS_CHECKED mms_status mms_plan_fill_baseline(mms_plan *plan, const mms_meta *meta,
                                              const mms_plan_opts *opts, int64_t wanted,
                                              mms_error *err);
/** Make the parts of the other axes from the assignment, empty ones dropped. */
MMS_CHECKED mms_status mms_plan_fill_cells(mms_plan *plan, const mms_meta *meta,
                                           const mms_assignment *a, mms_error *err);
/** Give part the distinct scans, spws and ddids of n cells; cells[i] is an index in meta. */
MMS_CHECKED mms_status mms_part_set_ids(mms_part *part, const mms_meta *meta, int64_t n,
                                        const int64_t *cells, mms_error *err);

#endif
