/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_IDS_PRIV_H
#define MULTIMS_IDS_PRIV_H
/** @file ids_priv.h  Lists of ids. */

#include "base_priv.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Distinct ids, ascending.  Start with {0}; end ids with free(). */
typedef struct mms_id_set {
    int64_t n, capacity;
    int32_t *ids;
} mms_id_set;

/** Add an id unless it is there.  Errors: MEM. */
MMS_CHECKED mms_status mms_id_set_add(mms_id_set *set, int32_t id, mms_error *err);

/** Write ids[n], in their order, as "0~3,7". */
void mms_ids_add_text(mms_text *text, int64_t n, const int32_t *ids);

#ifdef __cplusplus
}
#endif
#endif
