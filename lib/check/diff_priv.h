/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_DIFF_PRIV_H
#define MULTIMS_DIFF_PRIV_H
/** @file diff_priv.h  What diff and verify share: row keys, tables compared as a whole. */

#include "compare_priv.h"
#include "match_priv.h"
#include "report_priv.h"

#ifdef __cplusplus
extern "C" {
#endif

/** The columns that tell which row is which in the main table. */
extern const mms_keys mms_main_keys;

/** The same for a sub-table whose rows may stand in any order; n is 0 for other sub-tables. */
mms_keys mms_subtable_keys(const char *name);

/** Return whether a list separated by commas holds name. */
bool mms_list_has(const char *list, const char *name);

/** Units and measure of a column: {units, type, ref, varref} of its keywords; the caller frees it.
 */
MMS_CHECKED mms_status mms_column_units(mms_table *table, const char *column, mms_value **out,
                                        mms_error *err);

/** How two tables are compared. */
typedef struct mms_table_diff {
    const char *name;  /**< of the sub-table: its row keys */
    bool ignore_order; /**< match the rows by their keys, if there are keys */
    bool more;         /**< B may have more rows */
    double rtol, atol;
    const int64_t *rows;          /**< rows of A that B has, in its order; NULL: all */
    int64_t nrow;                 /**< how many rows[] there are */
    int64_t first_b;              /**< row of B where they begin */
    const char *skip;             /**< columns left out, separated by commas; or NULL */
    const mms_expected *expected; /**< what B must hold; NULL: what A holds */
} mms_table_diff;

/** Compare two tables column by column into one check. */
MMS_CHECKED mms_status mms_diff_tables(const char *path_a, const char *path_b,
                                       const mms_table_diff *how, mms_check *check, mms_error *err);

#ifdef __cplusplus
}
#endif
#endif
