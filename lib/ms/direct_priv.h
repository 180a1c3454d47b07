/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_DIRECT_PRIV_H
#define MULTIMS_DIRECT_PRIV_H
/** @file direct_priv.h  The columns of one table whose tiles are read, or written, directly. */

#include "tables/tables_priv.h"
#include "tiles/tiles_priv.h"

typedef struct mms_direct mms_direct;

/** A column in a manager's tiles; tiles is NULL when casacore must be asked. */
typedef struct mms_direct_column {
    mms_tiles *tiles;
    int64_t column;
} mms_direct_column;

/** Prepare for the tiled managers of an open table, which must live longer. */
MMS_CHECKED mms_status mms_direct_open(mms_table *table, mms_direct **out, mms_error *err);

/** Find a column.  At its first use the manager's header is read, and cells are compared with those
 *  that casacore reads; what is unknown or not the same is left to casacore, with a line in the
 * log. Errors: TABLE, IO: files that are broken or cut short. */
MMS_CHECKED mms_status mms_direct_find(mms_direct *direct, const char *column,
                                       mms_direct_column *found, mms_error *err);

/** The same for who asks for the shapes of cells only: shapes are compared, no tile is read. */
MMS_CHECKED mms_status mms_direct_find_shapes(mms_direct *direct, const char *column,
                                              mms_direct_column *found, mms_error *err);

/** Take it that all columns compare: they did when the table was made. */
void mms_direct_trust(mms_direct *direct);

void mms_direct_close(mms_direct **direct);

/** Make the tiles of the hollow managers of a new table; write_back and share as in mms_tiles_what.
 */
MMS_CHECKED mms_status mms_direct_create(mms_table *table, bool write_back, int64_t share,
                                         mms_direct **out, mms_error *err);

/** Return the bytes that copies into a new table have shared. */
int64_t mms_direct_shared(const mms_direct *direct);

/** Give rows of the new table the cell shapes that shapes(user, column) finds for them. */
typedef mms_status mms_direct_shapes(void *user, const char *column, mms_shape_run **runs,
                                     int64_t *nrun, mms_error *err);
MMS_CHECKED mms_status mms_direct_define(mms_direct *direct, mms_direct_shapes *shapes, void *user,
                                         mms_error *err);

/** Return what tells how the new table's tiles are laid out, whatever its rows: the cell and tile
 *  shapes that its managers have got. */
uint64_t mms_direct_kind(const mms_direct *direct);

/** Write what is left; free and set NULL even on failure. */
MMS_CHECKED mms_status mms_direct_finish(mms_direct **direct, mms_error *err);

/** Compare cells of all tiled managers of the table with those that casacore reads.
 *  Errors: TABLE, IO; INTERNAL naming the column that differs. */
MMS_CHECKED mms_status mms_direct_check(mms_table *table, mms_error *err);

#endif
