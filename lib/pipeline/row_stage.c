/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file row_stage.c  What all stages do alike: batches go out to threads and come back. */
#include "row_stage_priv.h"

#include <stdlib.h>

void mms_row_stage_begin(mms_row_stage *stage, const mms_row_stage_kind *kind)
{
    stage->kind = kind;
    pthread_mutex_init(&stage->lock, NULL);
}

void mms_row_stage_close(mms_row_stage **stage)
{
    mms_row_stage *s = *stage;

    *stage = NULL;
    if (!s)
        return;
    s->kind->close(s);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

mms_status mms_row_stage_take(mms_row_stage *stage, mms_row_batch **out, mms_error *err)
{
    const mms_status st = stage->kind->take(stage, out, err);

    if (*out) {
        (*out)->number = stage->ntaken++;
        (*out)->next = NULL;
    }
    return st;
}

void mms_row_stage_give_back(mms_row_stage *stage, mms_row_batch **batch)
{
    mms_row_batch *b = *batch;

    *batch = NULL;
    if (!b)
        return;
    pthread_mutex_lock(&stage->lock);
    b->next = stage->done;
    stage->done = b;
    pthread_mutex_unlock(&stage->lock);
}

mms_status mms_row_stage_make(mms_row_stage *stage, mms_row_batch **batch, mms_arena *arena,
                              mms_block **out, mms_error *err)
{
    const mms_status st = stage->kind->make(stage, *batch, arena, out, err);

    mms_row_stage_give_back(stage, batch);
    return st;
}

mms_row_batch *mms_row_stage_collect(mms_row_stage *stage)
{
    pthread_mutex_lock(&stage->lock);
    mms_row_batch *first = stage->done;
    stage->done = NULL;
    pthread_mutex_unlock(&stage->lock);
    return first;
}
