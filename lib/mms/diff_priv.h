#ifndef MULTIMS_DIFF_PRIV_H
#define MULTIMS_DIFF_PRIV_H
/** @file diff_priv.h  What diff and verify share: row keys, tables compared as a whole. */

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
    int64_t most;      /**< rows; the others may be there or not; -1: all must be equal */
    double rtol, atol;
} mms_table_diff;

/** Compare two tables column by column into one check. */
MMS_CHECKED mms_status mms_diff_tables(const char *path_a, const char *path_b,
                                       const mms_table_diff *how, mms_check *check, mms_error *err);

#ifdef __cplusplus
}
#endif
#endif
