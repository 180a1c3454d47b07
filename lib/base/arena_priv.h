/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_ARENA_PRIV_H
#define MULTIMS_ARENA_PRIV_H
/** @file arena_priv.h  Memory that is taken in pieces and given back as a whole, block by block. */

#include "multims/base.h"

/** Some memory; pieces are used again: fresh pages cost as much as the data that are read into
 *  them. */
typedef struct mms_arena_piece mms_arena_piece;

/** Start with {0}.  One thread at a time. */
struct mms_arena {
    mms_arena_piece *pieces;
    int64_t n, capacity;
};

/** Return memory for n elements, aligned to 64, with whatever was in it before; it lives until the
 *  arena is reset.  NULL when out of memory. */
void *mms_arena_get(mms_arena *arena, int64_t n, size_t size);

/** The same, filled with zeros. */
void *mms_arena_zeros(mms_arena *arena, int64_t n, size_t size);

/** Take all pieces back; those that were not needed for a while are freed. */
void mms_arena_reset(mms_arena *arena);

/** Free all memory. */
void mms_arena_end(mms_arena *arena);

#endif
