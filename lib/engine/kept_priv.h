/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_KEPT_PRIV_H
#define MULTIMS_KEPT_PRIV_H
/** @file kept_priv.h  Values that are kept until somebody asks for them: as text, which takes a
 *  third of the memory of JSON in pieces, and in a file where there are many (spec job-engine 3.6).
 */

#include "base/base_priv.h"

/** Room for kept values: beyond limit bytes they go to a file without a name in TMPDIR.  Starts as
 * {limit, .fd = -1}, ends after what it holds. */
typedef struct mms_kept_room {
    int64_t limit, bytes; /**< bytes: in memory */
    int fd;               /**< -1: nothing had to be written yet */
    int64_t end;          /**< of the file */
    bool refused;         /**< no file can be had, or it is full: told once */
} mms_kept_room;
void mms_kept_room_close(mms_kept_room *store);

/** A value as text; several may share it.  All functions take NULL, which is none. */
typedef struct mms_kept {
    int64_t users;
    size_t size;
    char *whole;          /**< what text stands in, to be freed; NULL: it is own */
    const char *text;     /**< text[size]; NULL: it is in the file of its room */
    mms_kept_room *store; /**< which counts it; NULL: none */
    int64_t at;           /**< in its file */
    char own[];
} mms_kept;

/** Return what keeps a value, or a copy of text[n], which is one; NULL: out of memory. */
mms_kept *mms_kept_make(const mms_value *value);
mms_kept *mms_kept_make_text(const char *text, size_t n);
/** The same without a copy: text[n] stands in *whole, which was allocated and is NULL afterwards;
 *  on failure it stays the caller's. */
mms_kept *mms_kept_take(char **whole, const char *text, size_t n);
mms_kept *mms_kept_share(mms_kept *kept);
/** Count it, or write it out where there is no room.  It has one user. */
void mms_kept_put(mms_kept **kept, mms_kept_room *store);
/** Return the value, a new one; NULL: none, or out of memory. */
mms_value *mms_kept_value(const mms_kept *kept);
void mms_kept_free(mms_kept **kept);

#endif
