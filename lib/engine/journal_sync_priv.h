/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_JOURNAL_SYNC_PRIV_H
#define MULTIMS_JOURNAL_SYNC_PRIV_H
/** @file journal_sync_priv.h  Sees to it that what a journal calls done reaches its disk. */

#include "engine_priv.h"

/** All functions take NULL, nobody who does, and then do nothing. */
typedef struct mms_syncer mms_syncer;

/** The line of the journal that says that all up to unit n is on the disk, as a new text; called
 *  in another thread. */
typedef char *mms_synced_line(int64_t n);

/** Begin to sync the file system of folder, and the journal's file, which is borrowed.
 *  synced: up to which unit that was done before.  NULL where it can't be. */
mms_syncer *mms_syncer_begin(const char *folder, int journal, int64_t synced,
                             mms_synced_line *line);

/** Some of what was done is in this folder, perhaps on another file system.  One that can't be
 *  looked at ends it: nothing that follows is called synced. */
void mms_syncer_also(mms_syncer *syncer, const char *folder);

/** Unit n is done: it is synced soon, as what was done before. */
void mms_syncer_want(mms_syncer *syncer, int64_t n);

/** End it; what is being written is waited for.  *syncer is set to NULL. */
void mms_syncer_end(mms_syncer **syncer);

#endif
