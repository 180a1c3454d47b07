/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_VERIFY_PIECES_H
#define MULTIMS_VERIFY_PIECES_H
/** @file verify_pieces.h  A verification in pieces that several processes make, joined to the
 * result of mms_verify(), whatever their number. */

#include "multims/check.h"

#ifdef __cplusplus
extern "C" {
#endif

/** What is looked at: the set and all tables, rows of the source, or both. */
typedef struct mms_verify_piece {
    bool tables, rows;
    int64_t number, of; /**< of the pieces with rows */
} mms_verify_piece;

/** A piece as a unit's request. */
typedef struct mms_verify_order {
    const char *path;
    mms_verify_opts opts;
    mms_select select; /**< what opts.select points to after decoding */
    mms_verify_piece piece;
} mms_verify_order;

mms_value *mms_verify_order_encode(const char *path, const mms_verify_opts *opts,
                                   mms_verify_piece piece);
/** Texts are borrowed from value.  Errors: INTERNAL. */
MMS_CHECKED mms_status mms_verify_order_decode(const mms_value *value, mms_verify_order *order,
                                               mms_error *err);

/** Return how many pieces the rows of a set are worth, 1 to most: small ones are read before a
 *  worker has begun.  A set that can't be read is one. */
int64_t mms_verify_pieces(const char *path, int64_t most);

/** Make one piece.  Errors: as mms_verify(). */
MMS_CHECKED mms_status mms_verify_make(const char *path, const mms_verify_opts *opts,
                                       mms_verify_piece piece, mms_value *result, mms_error *err);

/** Join the results of pieces in their order.  Errors: DIFFERS when a check failed; MEM. */
MMS_CHECKED mms_status mms_verify_join(int64_t n, const mms_value *const *results, int64_t show,
                                       mms_value *result, mms_error *err);

#ifdef __cplusplus
}
#endif
#endif
