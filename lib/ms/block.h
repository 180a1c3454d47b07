/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_BLOCK_H
#define MULTIMS_BLOCK_H
/** @file block.h  Rows of an MS in memory: scalars by row, arrays grouped by cell shape. */

#include "multims/base.h"
#include "multims/ms.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Cells of one column, all of one shape. */
typedef struct mms_cells {
    const mms_column *column;   /**< of the input; name and type */
    const char *name;           /**< name in the output; NULL leaves the column out */
    int32_t ndim;               /**< 0 scalars, -1 undefined cells (data is NULL) */
    int64_t shape[MMS_MAX_DIM]; /**< C order */
    int64_t nvalue;             /**< elements of one cell */
    void *data;                 /**< data[nrow][cell] */
} mms_cells;

enum { MMS_SPARE_ARRAYS = 2 };

/** The rows of a block whose array cells have the same shapes (and, if asked, the same DDID). */
typedef struct mms_group {
    int32_t ddid; /**< -1 unless the reader groups by DDID */
    int64_t nrow, nrange;
    mms_rows *rows;    /**< places in the block, ascending */
    mms_cells *arrays; /**< narray of the block, and room for MMS_SPARE_ARRAYS that are made */
} mms_group;

/** Consecutive rows of the sequence that is read. */
typedef struct mms_block {
    mms_rows rows; /**< places in the sequence */
    int64_t nscalar, narray, ngroup;
    mms_cells *scalars; /**< data[rows.count] */
    mms_group *groups;
} mms_block;

/** Find a column among cells by its input name, or NULL. */
mms_cells *mms_cells_find(mms_cells *cells, int64_t n, const char *name);

/** Gives blocks of a sequence of rows of an MS; all memory is the reader's and lives until the next
 *  call.  Readers that have joined share the sequence: each may be another thread's. */
typedef struct mms_reader mms_reader;

typedef struct mms_reader_opts {
    uint32_t size;
    const char *rows_file;      /**< sequence of rows (mms_rowlist); NULL: all rows */
    const char *const *columns; /**< columns that are read, ended by NULL */
    bool by_ddid;               /**< groups have one DDID */
    int64_t block_bytes;        /**< wanted size of a block */
    int64_t most_rows;          /**< of a block; 0: the reader's own limit */
} mms_reader_opts;
#define MMS_READER_OPTS_INIT                                   \
    {                                                          \
        sizeof(mms_reader_opts), NULL, NULL, false, 4 << 20, 0 \
    }

/** Make a reader of ms, which must live longer.  Errors: NOT_FOUND, IO, TABLE, MEM. */
MMS_CHECKED mms_status mms_reader_open(mms_ms *ms, const mms_reader_opts *opts, mms_reader **out,
                                       mms_error *err);

/** Make another reader, which takes blocks of the same sequence; neither opens nor ends while
 * others read.  Errors: MEM. */
MMS_CHECKED mms_status mms_reader_join(mms_reader *reader, mms_reader **out, mms_error *err);

/** Return the number of the reader's block in the sequence, from 0 on. */
int64_t mms_reader_number(const mms_reader *reader);

/** Read the next block; *block is NULL after the last.  Errors: TABLE, SHAPE, IO, MEM. */
MMS_CHECKED mms_status mms_reader_next(mms_reader *reader, mms_block **block, mms_error *err);

/** Return the memory of the current block, which lives as long. */
mms_arena *mms_reader_arena(mms_reader *reader);

/** Free the current block and its scratch memory before the next one is read. */
void mms_reader_release(mms_reader *reader);

/** Read the rows of the current block of columns that are no blocks of numbers (texts, records):
 *  the ranges of the input.  Borrowed. */
const mms_rows *mms_reader_ranges(const mms_reader *reader, int64_t *nrange);

void mms_reader_close(mms_reader **reader);

/** Writes blocks into the main table of a new MS. */
typedef struct mms_writer mms_writer;

typedef struct mms_writer_opts {
    uint32_t size;
    int64_t nrow;                        /**< rows of the new table; also caps the rows of a tile */
    const char *const *skip;             /**< input columns left out, ended by NULL, or NULL */
    const char *rename_from, *rename_to; /**< one column that changes its name, or NULL */
    const char *const *reshape;          /**< columns whose cell shape changes, or NULL */
    const char *const *add;              /**< optional columns that the input may lack, or NULL */
    const char *const *copy; /**< input columns whose cells stay as they are, ended by NULL, or
                                NULL; lives as long as the writer */
    bool tiles;      /**< write the files of tiled managers directly, not through casacore */
    bool sync;       /**< a sync is to come: let the disk begin at once */
    int64_t tile[3]; /**< tile of data columns and FLAG: [rows][nchan][ncorr]; rows 0: as the input;
                        rows -1: casacore's layout for mosaics */
    int64_t share;   /**< as in mms_tiles_what: blocks that copied cells share with like's files */
    const char *rows_file; /**< list of all rows that will come, for the sharing of blocks; NULL:
                              rows follow each other */
} mms_writer_opts;
#define MMS_WRITER_OPTS_INIT                                                                       \
    {                                                                                              \
        sizeof(mms_writer_opts), 0, NULL, NULL, NULL, NULL, NULL, NULL, true, false, {0, 0, 0}, 0, \
            NULL                                                                                   \
    }

/** Open a set that this request has made, by mms_writer_close() or with tiles=False: the cells of
 *  tile files are not compared again, and members but the first are opened, and their rows counted
 *  by casacore, only when they are read.  Errors: mms_ms_open(). */
MMS_CHECKED mms_status mms_ms_open_made(const char *path, mms_ms **out, mms_error *err);

/** Open a set that the client of this unit has opened: members but the first are opened, their
 *  rows counted by casacore and their columns compared, only when they are read.  A unit that reads
 *  some of many members does not open all.  Errors: mms_ms_open(). */
MMS_CHECKED mms_status mms_ms_open_seen(const char *path, mms_ms **out, mms_error *err);

/** Open a set whose members may lack columns of the first: a run in place has not come to them yet.
 *  Errors: as mms_ms_open(). */
MMS_CHECKED mms_status mms_ms_open_uneven(const char *path, mms_ms **out, mms_error *err);

/** Make the table at path with the description, keywords and storage managers of like's; rows are
 *  there from the start.  Errors: EXISTS, TABLE, UNSUPPORTED. */
MMS_CHECKED mms_status mms_writer_create(const char *path, mms_ms *like,
                                         const mms_writer_opts *opts, mms_writer **out,
                                         mms_error *err);

/** Tell whether put copies an input column, one of opts.copy, by itself: blocks need not have it.
 */
bool mms_writer_copies(const mms_writer *writer, const char *column);

/** A block that has its place in the new table, and cells that are not written yet. */
typedef struct mms_placed mms_placed;

/** Give a block its place and write what goes through casacore.  Blocks come in the order of their
 *  rows, one at a time; the block lives until it is put.
 *  @param ranges  rows of like that the block's are, which live as long as the block: of them the
 *                 columns that are no numbers (texts, records) and those of opts.copy are copied;
 *                 NULL: nothing is
 *  Errors: TABLE, SPACE, IO, MEM. */
MMS_CHECKED mms_status mms_writer_place(mms_writer *writer, const mms_block *block, int64_t nrange,
                                        const mms_rows *ranges, mms_placed **placed,
                                        mms_error *err);

/** Write the rest of a placed block; threads may put one each while another is placed.  *placed is
 *  freed and set to NULL even on failure; NULL is accepted.  Errors: TABLE, SPACE, IO. */
MMS_CHECKED mms_status mms_writer_put(mms_placed **placed, mms_error *err);
/** Forget a placed block whose rest is not written. */
void mms_placed_drop(mms_placed **placed);

/** Return the bytes of the cells with numbers in the blocks that have been placed. */
int64_t mms_writer_bytes(const mms_writer *writer);

/** Return the bytes of them that are blocks of like's files. */
int64_t mms_writer_shared(const mms_writer *writer);

/** Close without writing the rest: the table is not complete.  NULL is accepted. */
void mms_writer_drop(mms_writer **writer);

/** Flush and close.  *writer is freed and set to NULL even on failure; NULL is accepted. */
MMS_CHECKED mms_status mms_writer_close(mms_writer **writer, mms_error *err);

#ifdef __cplusplus
}
#endif
#endif
