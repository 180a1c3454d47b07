/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_REPLACE_PRIV_H
#define MULTIMS_REPLACE_PRIV_H
/** @file replace_priv.h  Columns of a part whose tiles are written into new files: the old ones are
 *  the undo, and nothing is copied for it. */

#include "ms/store_priv.h"
#include "sink_priv.h"
#include "undo_priv.h"

typedef struct mms_replace mms_replace;

/** Keep the files that the undo asks the worker for: columns whose every cell is in tiles of their
 *  own get new ones, the others are copied.
 *  @param files  of mms_undo_takes()
 *  @param in     the table's tiles, of which nothing has been written */
MMS_CHECKED mms_status mms_replace_open(mms_table *table, mms_store *in,
                                        const mms_undo_takes_list *files, const mms_sink_what *what,
                                        mms_replace **out, mms_error *err);

bool mms_replace_has(const mms_replace *replace, const char *column);

/** Note which rows of such a column are about to be updated; where, is returned.  One thread at a
 *  time. */
mms_stored mms_replace_note(mms_replace *replace, const char *column, int64_t nrange,
                            const mms_rows *ranges);

/** Give the rows that were not written what they had.  Free, and set *replace to NULL even on
 *  failure; NULL is accepted. */
MMS_CHECKED mms_status mms_replace_finish(mms_replace **replace, mms_error *err);
void mms_replace_drop(mms_replace **replace);

/** Whether all rows have cells in a manager's tiles. */
MMS_CHECKED mms_status mms_sink_has_all_cells(const mms_table *table, const mms_stored *found,
                                              bool *all, mms_error *err);

#endif
