/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_ROW_BLOCK_PRIV_H
#define MULTIMS_ROW_BLOCK_PRIV_H
/** @file row_block_priv.h  Rows that are made from several rows: what they take from the first of
 *  them, and the block that they leave in. */

#include "base/arena_priv.h"
#include "pipeline_priv.h"

/** The columns of such rows: spectra, weights and UVW are made; scalars and cells of one shape for
 *  the whole column are those of the first row; other cells are undefined. */
typedef struct mms_row_columns {
    unsigned kinds;
    bool scalars_alone; /**< and UVW: other cells are not made */
    int64_t nscalar, narray, scalar_bytes, fixed_bytes;
    const mms_column **scalars, **arrays; /**< in the reader's order */
    bool *kept;                           /**< by array: the cell of the first row */
} mms_row_columns;

/** Tells whether a column loses channels or correlations before it comes. */
typedef bool mms_is_cut_fn(const void *ctx, const char *column);

/** Choose among the columns that a reader gives, ended by NULL.  Errors: MEM. */
MMS_CHECKED mms_status mms_row_columns_choose(mms_ms *ms, const char *const *columns,
                                              unsigned kinds, mms_is_cut_fn *is_cut,
                                              const void *ctx, mms_row_columns *out,
                                              mms_error *err);
void mms_row_columns_end(mms_row_columns *columns);

/** Return where a scalar column stands in a row's scalars; -1: there is none. */
int64_t mms_row_columns_at(const mms_row_columns *columns, const char *scalar);

/** Copy scalars and fixed cells of row `row` of a block, which is row `index` of group g.
 *  @param scalars  [scalar_bytes], @param fixed  [fixed_bytes] */
void mms_row_columns_take(const mms_row_columns *columns, const mms_block *block,
                          const mms_group *g, int64_t row, int64_t index, uint8_t *scalars,
                          uint8_t *fixed);

/** One row of a block that is made. */
typedef struct mms_made_row {
    int32_t ddid;
    const uint8_t *scalars, *fixed;
} mms_made_row;

/** Make the block of n rows, out of rows [first, first + n), with a group for each DDID below
 * nddid; shapes[ddid] has nchan and ncorr.  Spectra that the input lacks are added.  Cells that are
 * kept are filled; spectra and UVW are not, nor scalars.  Errors: MEM. */
MMS_CHECKED mms_status mms_row_block_make(const mms_row_columns *columns, int64_t first, int64_t n,
                                          const mms_made_row *rows, int32_t nddid,
                                          const mms_spectra *shapes, mms_arena *arena,
                                          mms_block **out, mms_error *err);

/** Give the block its scalars, once those of the rows have their values.  Errors: MEM. */
MMS_CHECKED mms_status mms_row_block_scalars(const mms_row_columns *columns, int64_t n,
                                             const mms_made_row *rows, mms_arena *arena,
                                             mms_block *block, mms_error *err);

/** Where the rows of a block are: see mms_row_places(). */
typedef struct mms_row_places {
    int32_t *group; /**< by row of the block */
    int64_t *index; /**< in its group */
} mms_row_places;

/** Find group and place of each row of a block.  Errors: MEM. */
MMS_CHECKED mms_status mms_row_places_find(const mms_block *block, mms_arena *arena,
                                           mms_row_places *out, mms_error *err);

/** The cells of one column of a group, or NULL where they are undefined. */
mms_cells *mms_group_defined(const mms_block *block, const mms_group *group, const char *column);

/** The values of a scalar column that rows can't be made without.
 *  @param[out] out  const TYPE **
 *  Errors: NOT_FOUND. */
MMS_CHECKED mms_status mms_block_scalar(const mms_block *block, const char *name, const void *out,
                                        mms_error *err);

#endif
