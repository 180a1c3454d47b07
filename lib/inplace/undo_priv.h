/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_UNDO_PRIV_H
#define MULTIMS_UNDO_PRIV_H
/** @file undo_priv.h  Files that a worker keeps for the undo, just before it writes them.
 *
 *  Such a file is moved into the undo's folder where the worker writes another in its place, else
 *  copied.  It is noted before in the journal, so that nobody has to tell what was done of it:
 *  NAME in the folder is the file itself, NAME.copy is a complete copy; neither: it is as it was.
 */

#include "inplace.h"

/** A file that a worker is to keep. */
typedef struct mms_undo_kept {
    char *file, *name; /**< its path; what it is called in the undo's folder */
} mms_undo_kept;

typedef struct mms_undo_takes_list {
    int64_t n, capacity;
    mms_undo_kept *takes;
} mms_undo_takes_list;

/** The files that are to be kept of a table.  What a worker that has died has begun with them is
 *  taken back.  Errors: IO, MEM. */
MMS_CHECKED mms_status mms_undo_takes(const char *lock_path, const char *table,
                                      mms_undo_takes_list *list, mms_error *err);
void mms_undo_free_takes(mms_undo_takes_list *list);

/** Whether a file can be moved, so that another like it takes its place. */
bool mms_undo_can_move(const char *lock_path, const char *file);

/** Keep a file.
 *  @param[in,out] moves  there is a new one then, of as many bytes, all 0; false where the file
 * could not be moved and was copied Errors: IO, SPACE, MEM. */
MMS_CHECKED mms_status mms_undo_take(const char *lock_path, const char *name, const char *file,
                                     bool *moves, bool sync, mms_error *err);

/** Bring a file back that may have been kept. */
MMS_CHECKED mms_status mms_undo_give_back(const char *folder, const char *name, const char *file,
                                          mms_error *err);

/** Write the bytes of one file over another, which keeps its place. */
MMS_CHECKED mms_status mms_undo_put_back(const char *from, const char *to, mms_error *err);

#endif
