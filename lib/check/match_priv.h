/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_MATCH_PRIV_H
#define MULTIMS_MATCH_PRIV_H
/** @file match_priv.h  Finds the rows of two row sets that have equal keys, in 16 bytes a row. */

#include "rowset_priv.h"

#ifdef __cplusplus
extern "C" {
#endif

/** One side of a match. */
typedef struct mms_key_rows {
    mms_rowset *rows;
    void *ctx; /**< of the functions */
    /** Say which rows take part: keep[rows.count] is 1 or 0; NULL: all do. */
    mms_status (*mask)(void *ctx, mms_rows rows, uint8_t *keep, mms_error *err);
    /** Turn the values of a key column into those of the other side; NULL: they are the same. */
    void (*map)(void *ctx, const char *column, int64_t n, int64_t *values);
} mms_key_rows;

/** Names of the key columns, all scalar numbers; those that a side lacks are left out. */
typedef struct mms_keys {
    int64_t n;
    const char *const *names;
} mms_keys;

enum { MMS_KEY_CHUNK = 16384 };

/** Hash the keys of up to MMS_KEY_CHUNK rows: hash[rows.count]. */
MMS_CHECKED mms_status mms_hash_rows(const mms_key_rows *side, mms_keys keys, mms_rows rows,
                                     uint64_t *hash, mms_error *err);

/** Row a belongs to row b. */
typedef struct mms_row_pair {
    uint64_t key;
    uint32_t a, b;
} mms_row_pair;

enum { MMS_MATCH_SHOW = 100 };

/** Rows of one side that have no partner: the first few, and how many. */
typedef struct mms_lonely {
    int64_t n, rows[MMS_MATCH_SHOW];
} mms_lonely;

typedef struct mms_match {
    int64_t na, nb, npair;
    mms_row_pair *pairs; /**< ascending a */
    mms_lonely only_a, only_b;
} mms_match;

/** Match the rows of a with those of b; rows with equal keys in the order they are stored.
 *  @param[out] match  end it with mms_match_free()
 *  Errors: TABLE, MEM; UNSUPPORTED beyond 2^32 - 1 rows. */
MMS_CHECKED mms_status mms_match_rows(const mms_key_rows *a, const mms_key_rows *b, mms_keys keys,
                                      mms_match *match, mms_error *err);
void mms_match_free(mms_match *match);

/** Sort by key, then by a, in place. */
void mms_sort_pairs(int64_t n, mms_row_pair *pairs);

#ifdef __cplusplus
}
#endif
#endif
