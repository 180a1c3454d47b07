/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_SUBTABLES_PRIV_H
#define MULTIMS_SUBTABLES_PRIV_H
/** @file subtables_priv.h  Writing the sub-tables of a request. */

#include "base/base_priv.h"
#include "multims/select.h"
#include "tables/tables_priv.h"

/** What an id column refers to. */
typedef enum mms_id_kind {
    MMS_ID_SPW = 0,
    MMS_ID_DDID,
    MMS_ID_FIELD,
    MMS_ID_ANTENNA,
    MMS_ID_OBSERVATION,
    MMS_ID_STATE,
    MMS_ID_SOURCE,
    MMS_ID_ARRAY,
    MMS_ID_KINDS
} mms_id_kind;

/** Selected ids of each kind, in the order of the output, and their new ids. */
typedef struct mms_id_set {
    bool given;
    int64_t n;
    const int32_t *ids;
    int64_t nmap;
    int32_t *to; /**< to[old id], -1 where it is not selected */
} mms_id_set;

/** Build to[] for ids; end it with free(set->to). */
MMS_CHECKED mms_status mms_id_set_make(mms_ids ids, mms_id_set *set, mms_error *err);

/** Return the new id; negative ids stay, ids that are not selected give -2. */
int32_t mms_id_set_map(const mms_id_set *set, int32_t id);

/** Make the table at dst from the given rows of the table at src: all columns, keywords, info. */
MMS_CHECKED mms_status mms_table_pick_rows(const char *src, const char *dst, int64_t n,
                                           const int64_t *rows, mms_table **out, mms_error *err);

/** Cut the channels of SPECTRAL_WINDOW rows and map ASSOC_SPW_ID; row i is spws->ids[i], or i when
 *  the ids stay. */
MMS_CHECKED mms_status mms_subtable_cut_windows(mms_table *table, const mms_selection *selection,
                                                const mms_id_set *spws, mms_error *err);
/** Write the rows of mms_subtables_opts.windows. */
MMS_CHECKED mms_status mms_subtable_put_windows(mms_table *table, const mms_value *windows,
                                                mms_error *err);
/** Cut the correlations of POLARIZATION rows. */
MMS_CHECKED mms_status mms_subtable_cut_polarizations(mms_table *table,
                                                      const mms_selection *selection,
                                                      mms_error *err);

#endif
