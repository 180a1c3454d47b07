/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_AGAINST_PRIV_H
#define MULTIMS_AGAINST_PRIV_H
/** @file against_priv.h  A set verified against the source that it was cut from. */

#include "verify_priv.h"

#ifdef __cplusplus
extern "C" {
#endif

/** New ids by old id: the rank in the list of selected ids; -1: not selected. */
typedef struct mms_rank {
    bool given;
    int64_t n;
    int32_t *of;
} mms_rank;

/** Ids of the kinds that a selection renumbers. */
typedef enum mms_kind {
    MMS_KIND_DD = 0,
    MMS_KIND_SPW,
    MMS_KIND_FIELD,
    MMS_KIND_ANTENNA,
    MMS_KIND_OBSERVATION,
    MMS_KIND_ARRAY,
    MMS_KIND_STATE,
    MMS_KIND_SOURCE,
    MMS_NKIND
} mms_kind;

/** Rows of a sub-table that lost some, whose numbers stand in a column of others (ANTENNA_FIELD_ID:
 *  rows of LOFAR_ANTENNA_FIELD). */
typedef struct mms_row_ranks {
    const char *table;
    mms_rank rank;
} mms_row_ranks;

/** What becomes of the cells of a source: the context of mms_expected. */
typedef struct mms_rules {
    mms_rank ranks[MMS_NKIND];
    int64_t nref;
    mms_row_ranks *refs;
    int64_t nchan, ncorr; /**< kept; 0: all */
    const int32_t *chans, *corrs;
    int64_t nchan_in, ncorr_in; /**< of the source's window; 0: not known */
    bool sigma, weight;         /**< derived from the other one (design D19) */
    bool spectra_stay;          /**< but not their spectra */
    mms_value *followers;       /**< {name: true} of main columns that no definition knows and whose
                                     cells of the window's shape are cut as DATA; or NULL */
    const char *table;          /**< sub-table, or "" for the main table */
} mms_rules;

/** Whether a column changes, shape and cells that a set must have: the functions of mms_expected.
 */
bool mms_rules_changes(void *rules, const char *column);
void mms_rules_shape(void *rules, const char *column, mms_shape *shape);
void mms_rules_cells(void *rules, const char *column, const mms_shape *shape, mms_dtype dtype,
                     int64_t n, const void *in, void *out);

/** Whether a column is named for the row numbers of a table. */
bool mms_numbers_rows_of(const char *column, const char *table);

/** Return the ranks that renumber an integer column of a table ("" is the main table), or NULL. */
const mms_rank *mms_rules_rank(const mms_rules *rules, const char *table, const char *column);

/** Return the new id, -2 when it is not selected; negative ids stay. */
int64_t mms_rank_of(const mms_rank *rank, int64_t id);
MMS_CHECKED mms_status mms_rank_make(mms_ids ids, mms_rank *rank, mms_error *err);

/** Channels of one spw that are kept, in order; *n is 0 when all are.  The caller frees them. */
MMS_CHECKED mms_status mms_kept_channels(const mms_selection *selection, int32_t spw,
                                         int32_t **channels, int64_t *n, mms_error *err);

/** A request as texts, from the options or from HISTORY. */
typedef struct mms_request {
    mms_select select;
    const char *datacolumn;
    mms_value *texts; /**< {key: value} from HISTORY: what select points to */
} mms_request;
/** @param history  HISTORY of the set, or NULL */
MMS_CHECKED mms_status mms_request_find(const mms_verification *v, const char *history,
                                        mms_request *request, mms_error *err);

/** A set and its source. */
typedef struct mms_against {
    mms_verification *v;
    mms_ms *source, *set;
    mms_request request;
    mms_selection *selection;
    mms_rules rules;
    mms_rowset source_rows, set_rows;
    mms_match match;
} mms_against;

/** Find rules.followers, where channels or correlations are cut.  Errors: TABLE, MEM. */
MMS_CHECKED mms_status mms_against_followers(mms_against *a, mms_error *err);

/** Check the sub-tables of the set against those of the source (multi-ms 3.5, 3.6). */
MMS_CHECKED mms_status mms_against_subtables(mms_against *a, mms_error *err);

/** Check counts, totals and associations of a window's row, which mms_diff_tables() can't compare
 *  under a selection: a->rules.nchan channels are kept (0: all). */
MMS_CHECKED mms_status mms_against_window(const mms_against *a, const char *source, int64_t from,
                                          const char *set, int64_t to, mms_check *check,
                                          mms_error *err);

#ifdef __cplusplus
}
#endif
#endif
