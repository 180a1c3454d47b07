/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_TALLY_PRIV_H
#define MULTIMS_TALLY_PRIV_H
/** @file tally_priv.h  Records by key, for counting. */

#include "base/base_priv.h"

/** Records that begin with nkey int32_t, each key once, found by hashing.  Start with the sizes and
 *  zeros; end with mms_tally_free(). */
typedef struct mms_tally {
    size_t size; /**< of a record */
    int32_t nkey;
    int64_t n, capacity, nslot, last; /**< last: the record found last */
    char *records;
    int64_t *slots; /**< index + 1 of a record, 0: free */
} mms_tally;

/** Find the record with this key, or add it with zeros behind the key.
 *  @param[out] record  points to the record, valid until the next call */
MMS_CHECKED mms_status mms_tally_find(mms_tally *tally, const int32_t *key, void *record,
                                      mms_error *err);
void mms_tally_free(mms_tally *tally);

/** Compare arrays of n int32_t, for sorting. */
int mms_compare_keys(const int32_t *a, const int32_t *b, int n);

#endif
