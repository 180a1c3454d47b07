/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_ROW_STAGE_PRIV_H
#define MULTIMS_ROW_STAGE_PRIV_H
/** @file row_stage_priv.h  A step that makes rows of several rows, at work on a part: blocks in,
 *  blocks of new rows out, in the order of the output. */

#include <pthread.h>

#include "base/lanes_priv.h"
#include "ms/block.h"
#include "step_priv.h"
#include "transform/transform.h"

typedef struct mms_row_stage mms_row_stage;

/** Rows that are ready and were taken to be made. */
typedef struct mms_row_batch {
    int64_t number; /**< counted from 0 */
    struct mms_row_batch *next;
} mms_row_batch;

/** What a stage works with; all of it must live longer. */
typedef struct mms_row_stage_opts {
    mms_ms *ms;
    const char *rows_file; /**< rows of the part; replaced where they are taken in another order */
    const char *const *columns;  /**< those of the blocks, ended by NULL */
    const mms_step *cut;         /**< what blocks have lost before they come; NULL: nothing */
    const mms_form *in;          /**< the form of the rows that come */
    int64_t memory, block_bytes; /**< block_bytes: of those that come */
    int nlane;                   /**< that bring them */
    bool scalars_alone; /**< blocks that come have no data, those that leave have scalars and UVW;
                           of the time average alone */
} mms_row_stage_opts;

/** How a kind of stage works; see the functions below. */
typedef struct mms_row_stage_kind {
    void (*close)(mms_row_stage *stage); /**< all but the stage itself, by free() */
    int64_t (*nrow)(const mms_row_stage *stage);
    int64_t (*block_rows)(const mms_row_stage *stage);
    mms_status (*add)(mms_row_stage *stage, mms_lanes *lanes, mms_reader *reader, mms_block *block,
                      mms_error *err);
    bool (*ready)(const mms_row_stage *stage);
    bool (*crowded)(const mms_row_stage *stage);
    mms_status (*take)(mms_row_stage *stage, mms_row_batch **out, mms_error *err);
    mms_status (*make)(const mms_row_stage *stage, mms_row_batch *batch, mms_arena *arena,
                       mms_block **out, mms_error *err);
} mms_row_stage_kind;

/** What all stages begin with. */
struct mms_row_stage {
    const mms_row_stage_kind *kind;
    int64_t ntaken;
    pthread_mutex_t lock;
    mms_row_batch *done; /**< given back, and not yet used again */
};

/** Begin a stage of a kind. */
void mms_row_stage_begin(mms_row_stage *stage, const mms_row_stage_kind *kind);

/** *stage is set to NULL; NULL is accepted. */
void mms_row_stage_close(mms_row_stage **stage);

/** Return the number of rows that will come out. */
static inline int64_t mms_row_stage_nrow(const mms_row_stage *stage)
{
    return stage->kind->nrow(stage);
}

/** Return the most rows that a block that comes may have; 0: any. */
static inline int64_t mms_row_stage_block_rows(const mms_row_stage *stage)
{
    return stage->kind->block_rows(stage);
}

/** Add the rows of a block, whose groups have one DDID each; NULL: all have been added.  The block
 *  is not needed afterwards.  Lanes, or NULL, share the work.  Errors: SHAPE, TABLE, MEM. */
static inline MMS_CHECKED mms_status mms_row_stage_add(mms_row_stage *stage, mms_lanes *lanes,
                                                       mms_reader *reader, mms_block *block,
                                                       mms_error *err)
{
    return stage->kind->add(stage, lanes, reader, block, err);
}

/** Tell whether rows are ready. */
static inline bool mms_row_stage_ready(const mms_row_stage *stage)
{
    return stage->kind->ready(stage);
}

/** Tell whether so much is held that rows which are ready should leave before others come. */
static inline bool mms_row_stage_crowded(const mms_row_stage *stage)
{
    return stage->kind->crowded(stage);
}

/** Take rows that are ready, consecutive, about as many as fill a block: in the turn of a block, as
 *  all above.
 *  @param[out] out  NULL when there are none
 *  Errors: MEM. */
MMS_CHECKED mms_status mms_row_stage_take(mms_row_stage *stage, mms_row_batch **out,
                                          mms_error *err);

/** Make the rows of a batch, which is given back; threads may make a batch each.
 *  @param[out] out  its memory is the arena's
 *  Errors: MEM. */
MMS_CHECKED mms_status mms_row_stage_make(mms_row_stage *stage, mms_row_batch **batch,
                                          mms_arena *arena, mms_block **out, mms_error *err);

/** Give a batch back that is not made.  *batch is set to NULL; NULL is accepted. */
void mms_row_stage_give_back(mms_row_stage *stage, mms_row_batch **batch);

/** Return the batches that were given back since the last call: for the stage. */
mms_row_batch *mms_row_stage_collect(mms_row_stage *stage);

/** Open the stage of a step that makes rows of several.  Errors: ARG the memory is too small for
 *  one row; TABLE, IO, SPACE, MEM. */
MMS_CHECKED mms_status mms_time_stage_open(const mms_row_stage_opts *opts,
                                           const mms_time_opts *bins, mms_row_stage **out,
                                           mms_error *err);
MMS_CHECKED mms_status mms_combine_stage_open(const mms_step *step, const mms_row_stage_opts *opts,
                                              mms_row_stage **out, mms_error *err);

#endif
