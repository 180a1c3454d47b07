/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_LIMITS_PRIV_H
#define MULTIMS_LIMITS_PRIV_H
/** @file limits_priv.h  What a process may take of the machine: address space, open files. */

#include "multims/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/** What work needs room for, beside what any work needs. */
typedef enum mms_room {
    MMS_ROOM_SET,     /**< bytes on disk of the largest set that is read: lists of its rows */
    MMS_ROOM_BUDGET,  /**< what --memory gives */
    MMS_ROOM_THREADS, /**< stacks and heaps of threads */
    MMS_ROOM_COUNT
} mms_room;

/** Bound the address space of this process (RLIMIT_AS) to what it has and room for work: a damaged
 *  table that asks for more gets an error, not the machine.  The room grows with
 *  mms_memory_allow(), so that work on a sound set of any size never meets the bound. */
void mms_memory_bound(void);

/** Make room for at least so many bytes of a kind, INT64_MAX: for any number.  Does nothing in a
 * process without a bound. */
void mms_memory_allow(mms_room kind, int64_t bytes);

/** Return the bytes of the files directly in a folder, 0 where it can't be read. */
int64_t mms_folder_bytes(const char *path);

/** Let this process open n files beside those that it has open, by raising its limit as far as it
 *  may be raised.  Returns for how many there is room, at most n. */
int64_t mms_files_allow(int64_t n);

/** Return how many tables like one, which is a folder with its files, may be open in each of so
 * many sets, beside others: 1 to most, as the limit of open files lets.  It is raised as far as may
 * be.
 */
int mms_tables_allow(const char *like, int most, int others, int sets);

#ifdef __cplusplus
}
#endif
#endif
