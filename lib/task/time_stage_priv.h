#ifndef MULTIMS_TIME_STAGE_PRIV_H
#define MULTIMS_TIME_STAGE_PRIV_H
/** @file time_stage_priv.h  The time average of a part: blocks of rows in, blocks of averaged rows
 *  out.
 *
 *  An averaged row stands where the first row of its bin stood (design D21).  As JSON: timebin_s,
 *  timespan (MMS_TIMESPAN_…), max_uvw_m. */

#include "multims/block.h"
#include "multims/spectra.h"
#include "task_priv.h"

typedef struct mms_time_stage mms_time_stage;

/** Find the bins of a part from its scalar columns.
 *  @param rows_file  the rows of the part; replaced by a sorted list when their TIME falls inside a
 *                    chunk
 *  @param kinds      data columns that are processed, as MMS_KIND_BITs
 *  Errors: TABLE, IO, SPACE, MEM. */
MMS_CHECKED mms_status mms_time_stage_open(mms_ms *ms, const mms_value *value,
                                           const char *rows_file, unsigned kinds,
                                           mms_numerics numerics, mms_time_stage **out,
                                           mms_error *err);
void mms_time_stage_close(mms_time_stage **stage);

/** Return the number of averaged rows. */
int64_t mms_time_stage_nrow(const mms_time_stage *stage);

/** Add the rows of a block, whose groups have one DDID each; NULL: all have been added.  The block
 * is not needed afterwards. Errors: SHAPE, TABLE, MEM. */
MMS_CHECKED mms_status mms_time_stage_add(mms_time_stage *stage, mms_reader *reader,
                                          mms_block *block, mms_error *err);

/** Take averaged rows that are ready, consecutive, about as many as fill a block.
 *  @param[out] out  NULL when there is none; its memory is the reader's scratch
 *  Errors: MEM. */
MMS_CHECKED mms_status mms_time_stage_next(mms_time_stage *stage, mms_reader *reader,
                                           mms_block **out, mms_error *err);

#endif
