/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_TILES_PRIV_H
#define MULTIMS_TILES_PRIV_H
/** @file tiles_priv.h  The files of casacore's tiled storage managers, read and written directly.
 *
 *  A manager keeps the array cells of its columns in hypercubes: the cells of one shape, with the
 *  rows as last axis, cut into tiles of equal size.  Its header file (table.fN) says which row is
 *  where, the files table.fN_TSMk hold the tiles.  Shapes are in C order. */

#include "multims/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/** One tiled storage manager of one table. */
typedef struct mms_tiles mms_tiles;

/** What the table says of a column of the manager. */
typedef struct mms_tiles_column {
    const char *name;
    mms_dtype dtype;
    bool fixed; /**< cells of a fixed shape */
    int32_t ndim;
    int64_t shape[MMS_MAX_DIM]; /**< if fixed */
} mms_tiles_column;

/** What the table says of the manager. */
typedef struct mms_tiles_what {
    const char *table;      /**< folder */
    const char *type;       /**< "TiledShapeStMan", "TiledColumnStMan" or "TiledCellStMan" */
    const char *name;       /**< of the manager */
    int64_t sequence, nrow; /**< its number in the table, rows of the table */
    bool big_endian;        /**< byte order of the table */
    int64_t ncolumn;
    const mms_tiles_column *columns; /**< in the order that the manager knows */
    /* for writing alone */
    int32_t ndim;                          /**< axes of a cell */
    int32_t ntile;                         /**< axes of default_tile; 0: none */
    int64_t default_tile[MMS_MAX_DIM + 1]; /**< rows first */
    bool write_back; /**< let the disk take what is written at once: a sync is to come */
    int64_t share; /**< size of the blocks that copies share with their input where the file system
                      can; 0: it can't; -1: copies are bytes of their own */
} mms_tiles_what;

/** Open for reading.  Errors: UNSUPPORTED naming what is not known (the caller takes another way);
 *  TABLE, IO naming the file that is broken or cut short. */
MMS_CHECKED mms_status mms_tiles_open(const mms_tiles_what *what, mms_tiles **out, mms_error *err);

/** Runs of equal cell shape, as mms_table_shapes(); runs is ended with free(). */
MMS_CHECKED mms_status mms_tiles_shapes(const mms_tiles *tiles, int64_t column, int64_t nrange,
                                        const mms_rows *ranges, mms_shape_run **runs, int64_t *nrun,
                                        mms_error *err);

/** Read cells, all of one shape: data[sum of counts][cell].  Several threads may read at a time.
 *  Errors: SHAPE, RANGE, IO. */
MMS_CHECKED mms_status mms_tiles_read(const mms_tiles *tiles, int64_t column, int64_t nrange,
                                      const mms_rows *ranges, int64_t nvalue, void *data,
                                      mms_error *err);

/** Whether cells of two managers that were opened for reading hold the same bytes in their files;
 *  false, too, where that can't be told: they are no runs of whole bytes in both files, they are of
 *  other types, or they can't be read. */
bool mms_tiles_same(const mms_tiles *a, int64_t column_a, mms_rows rows, const mms_tiles *b,
                    int64_t column_b, int64_t first_b);

/** Change cells of one that was opened for reading, all of one shape: data[sum of counts][cell].
 *  Other threads may read and change other rows; casacore may hold no changed tile of the manager.
 *  Errors: SHAPE, RANGE; IO, SPACE naming the file. */
MMS_CHECKED mms_status mms_tiles_update(mms_tiles *tiles, int64_t column, int64_t nrange,
                                        const mms_rows *ranges, int64_t nvalue, const void *data,
                                        mms_error *err);

/** Rows that show each way to the files once: the ends of each cube, at most most of them. */
int64_t mms_tiles_samples(const mms_tiles *tiles, int64_t most, int64_t *rows);

/** Make a manager without rows that are defined; nothing is on disk before the first write.
 *  One thread at a time may ask for and add shapes and define rows, while others write, copy to, or
 *  read what was written of rows that were defined before: any columns, and each cell once.  Flags
 *  may wait in memory for the rest of their tiles until mms_tiles_close(), which is called alone.
 *  Errors: UNSUPPORTED (the caller takes another way), MEM. */
MMS_CHECKED mms_status mms_tiles_create(const mms_tiles_what *what, mms_tiles **out,
                                        mms_error *err);

/** Whether cells of this shape have a cube; if not, mms_tiles_add_shape() makes it. */
bool mms_tiles_has_shape(const mms_tiles *tiles, int32_t ndim, const int64_t *shape);

/** Make the cube of a cell shape.  tile: rows first, cut to the cell. */
MMS_CHECKED mms_status mms_tiles_add_shape(mms_tiles *tiles, int32_t ndim, const int64_t *shape,
                                           const int64_t *tile, mms_error *err);

/** Give rows their cells: ascending from row to row and call to call; shapes that were added. */
MMS_CHECKED mms_status mms_tiles_define(mms_tiles *tiles, const mms_shape_run *run, mms_error *err);

/** Write cells of rows that were defined, each once: data[sum of counts][cell].
 *  Errors: SPACE, IO naming the file. */
MMS_CHECKED mms_status mms_tiles_write(mms_tiles *tiles, int64_t column, int64_t nrange,
                                       const mms_rows *ranges, int64_t nvalue, const void *data,
                                       mms_error *err);

/** Copy cells to rows from first on, which were defined with the same shapes; bytes are moved as
 *  they are where both files hold them in the same order. */
MMS_CHECKED mms_status mms_tiles_copy(const mms_tiles *in, int64_t in_column, int64_t nrange,
                                      const mms_rows *ranges, mms_tiles *out, int64_t out_column,
                                      int64_t first, mms_error *err);

/** Where the rows of a manager that is written come to lie, so that its file can share blocks with
 *  those that the rows are copied from.  It is planned before rows are defined, for all of them. */
typedef struct mms_tiles_share mms_tiles_share;

/** Whether rows may have any place in a manager that is written, so that some stay free. */
bool mms_tiles_has_gaps(const mms_tiles *tiles);

/** Begin a plan.  gaps: as mms_tiles_has_gaps() says of the output. */
MMS_CHECKED mms_status mms_tiles_share_create(int64_t block, bool gaps, mms_tiles_share **out,
                                              mms_error *err);
void mms_tiles_share_free(mms_tiles_share **share);

/** Add rows of an input with one column, which become those of the output from first on: ascending
 *  from call to call, each row of the output once.  Errors: MEM. */
MMS_CHECKED mms_status mms_tiles_share_add(mms_tiles_share *share, const mms_tiles *in,
                                           mms_rows rows, int64_t first, mms_error *err);
/** Some rows do not come from tiles: nothing is planned. */
void mms_tiles_share_give_up(mms_tiles_share *share);

/** Bytes that will be shared. */
int64_t mms_tiles_share_bytes(const mms_tiles_share *share);

/** Give the plan to a manager that is written, before shapes are added; *share is set to NULL.
 *  Errors: IO, SPACE. */
MMS_CHECKED mms_status mms_tiles_use_share(mms_tiles *tiles, mms_tiles_share **share,
                                           mms_error *err);

/** Bytes that copies have shared so far. */
int64_t mms_tiles_shared(const mms_tiles *tiles);

/** Write what is left and the header, of one that was created; close the files; free, and set
 * *tiles to NULL even on failure.  NULL is accepted. */
MMS_CHECKED mms_status mms_tiles_close(mms_tiles **tiles, mms_error *err);
/** Close without writing the rest. */
void mms_tiles_drop(mms_tiles **tiles);

#ifdef __cplusplus
}
#endif
#endif
