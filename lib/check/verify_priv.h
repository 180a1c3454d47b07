/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_VERIFY_PRIV_H
#define MULTIMS_VERIFY_PRIV_H
/** @file verify_priv.h  What the parts of verify share. */

#include "diff_priv.h"
#include "mms/concat_priv.h"
#include "multims/check.h"
#include "tables/reading_priv.h"
#include "verify_pieces.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A set under verification. */
typedef struct mms_verification {
    const char *path;
    const mms_verify_opts *opts;
    mms_verify_piece piece;
    mms_report report;
    mms_table_dat dat;
    bool multi;
    int64_t nmember;
    char **members;       /**< paths, borrowed */
    mms_table *first;     /**< member 0, NULL when it can't be opened */
    mms_value *subtables; /**< of member 0: {name: path} */
    mms_value *absent; /**< {name: [members, the first, path]} of sub-tables that a keyword names in
                          vain */
    mms_value *additions; /**< {name: members that have it} of sub-tables that stand in no
                               definition and have no link in the reference */
    mms_check check_members, check_columns, check_keywords, check_subtables, check_ids,
        check_shapes;
} mms_verification;

/** One member while it is looked at. */
typedef struct mms_member {
    int64_t index;
    const char *path, *name; /**< name: its last path component */
    mms_table *table;
    mms_value *subtables; /**< {name: path} of those that are there */
    mms_value *absent;    /**< {name: true} of those that have a keyword alone */
} mms_member;

/** Check the links of the reference and of the members after the first (multi-ms 1.6). */
MMS_CHECKED mms_status mms_verify_links(mms_verification *v, mms_error *err);

/** Check a member's sub-tables: keywords that resolve and point inside, copies equal to member 0's.
 */
MMS_CHECKED mms_status mms_verify_subtables(mms_verification *v, const mms_member *m,
                                            mms_error *err);

/** Check the ids of a member's main table and that its cells have the shapes of their DDIDs. */
MMS_CHECKED mms_status mms_verify_ids(mms_verification *v, const mms_member *m, mms_error *err);

/** Check the ids in the sub-tables of member 0. */
MMS_CHECKED mms_status mms_verify_subtable_ids(mms_verification *v, mms_error *err);

/** Whether a main array column or text stands in the definition of the MeasurementSet. */
bool mms_is_main_column(const char *column);

/** How the cells of a column look beside those that their windows ask for. */
typedef struct mms_likeness {
    bool any, like, unlike; /**< cells there are, of the window's shape, of another */
    bool several;           /**< shapes */
    mms_shape first;
} mms_likeness;
void mms_likeness_add(mms_likeness *likeness, const mms_shape *cell, int64_t nchan, int64_t ncorr);

/** Whether it has one value a channel and correlation; one shape where windows have several is
 *  something else. */
bool mms_likeness_follows(const mms_likeness *likeness);

/** Check the sub-tables and rows of the set, as far as the piece has them, against the source. */
MMS_CHECKED mms_status mms_verify_against(mms_verification *v, mms_error *err);

/** Set a member's subtables and absent. */
MMS_CHECKED mms_status mms_find_subtables(mms_verification *v, mms_member *m, mms_error *err);

/** Report what is absent, and warn of the additions, which are another program's. */
void mms_verify_end_subtables(mms_verification *v);

#ifdef __cplusplus
}
#endif
#endif
