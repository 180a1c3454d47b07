/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_PART_SOURCE_PRIV_H
#define MULTIMS_PART_SOURCE_PRIV_H
/** @file part_source_priv.h  What the parts of one request have in common, kept by a worker. */

#include "ms/subtable_set_priv.h"
#include "multims/engine.h"
#include "multims/ms.h"
#include "order_priv.h"
#include "pipeline/pipeline_priv.h"

typedef struct mms_part_source {
    mms_ms *ms; /**< the input */
    mms_subtable_set *subtables;
    mms_pipeline *pipeline; /**< NULL: values stay */
} mms_part_source;

/** Open what a part's order names (vis, tables, subtables, pipeline), or return what an earlier
 * part has opened; borrowed: it stays until the worker gets other work. */
MMS_CHECKED mms_status mms_part_source_get(mms_job *job, const mms_part_order *order,
                                           mms_part_source **out, mms_error *err);

#endif
