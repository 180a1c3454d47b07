/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_DECIDE_PRIV_H
#define MULTIMS_DECIDE_PRIV_H
/** @file decide_priv.h  The containment tests: does each part hold what a transformation needs? */

#include "decide.h"
#include "plan_priv.h"

/** Which part each cell is in: the members of a Multi-MS, or the parts of a plan. */
typedef struct mms_layout_parts {
    const mms_meta *meta;
    const int32_t *part; /**< part[meta->ncell] */
    int64_t npart;
    const mms_member_extent *extents; /**< by part; NULL: all parts hold all baselines */
    const char *const *names;         /**< by part; NULL: numbers */
} mms_layout_parts;

/** What a test found: the first part that fails, and why. */
typedef struct mms_finding {
    bool failed;
    int32_t part;
    char text[400];
} mms_finding;

/** SPW: each part has, for each (scan, observation, array, field) of its rows, all DDs that the
 *  whole has there.  Errors: MEM. */
MMS_CHECKED mms_status mms_contain_spws(const mms_layout_parts *parts, mms_finding *found,
                                        mms_error *err);

/** SCAN: each part has, for each DD of its rows (all DDs together when combined), all scans that
 *  the whole has of it.  Errors: MEM. */
MMS_CHECKED mms_status mms_contain_scans(const mms_layout_parts *parts, bool combined,
                                         mms_finding *found, mms_error *err);

/** The rows of each part last timebin_s seconds or more, gaps included; extents are needed. */
void mms_contain_duration(const mms_layout_parts *parts, double timebin_s, mms_finding *found);

/** BIN: no group of rows that are averaged together lies in two parts with one baseline in both.
 *  question says what bins cross and whether DDs are combined.  Errors: MEM. */
MMS_CHECKED mms_status mms_contain_bins(const mms_layout_parts *parts, const mms_question *question,
                                        bool combined, mms_finding *found, mms_error *err);

#endif
