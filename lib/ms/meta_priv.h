#ifndef MULTIMS_META_PRIV_H
#define MULTIMS_META_PRIV_H
/** @file meta_priv.h  Counting by keys, and what the metadata pass counts. */

#include "base/base_priv.h"
#include "multims/meta.h"

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
 *  @param[out] record  valid until the next call */
MMS_CHECKED mms_status mms_tally_find(mms_tally *tally, const int32_t *key, void *record,
                                      mms_error *err);
void mms_tally_free(mms_tally *tally);

/** Rows of an antenna pair with one DDID, or with none (-1): outside the selection. */
typedef struct mms_pair_count {
    int32_t ant1, ant2, ddid;
    int64_t rows;
} mms_pair_count;

/** Rows of one time with one DDID. */
typedef struct mms_stamp {
    int32_t scan, observation, array, time[2], field, state, ddid; /**< time: bits of the double */
    int64_t rows;
} mms_stamp;

/** Compare arrays of n int32_t, for sorting. */
int mms_compare_keys(const int32_t *a, const int32_t *b, int n);

/** Sort the stamps and merge them into the stretches of meta.  Errors: MEM. */
MMS_CHECKED mms_status mms_stamps_merge(int64_t n, mms_stamp *stamps, mms_meta *meta,
                                        mms_error *err);

#endif
