/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_ORDER_PRIV_H
#define MULTIMS_ORDER_PRIV_H
/** @file order_priv.h  What the units of an output are told, and what parts answer: typed on both
 *  sides of the process border; order_codec.c alone knows the keys. */

#include "multims/select.h"
#include "transform/transform.h"

/** New ids of a column by old ids. */
typedef struct mms_order_map {
    const char *column;
    mms_id_map map;
} mms_order_map;

/** One part.  Texts and subtables are borrowed from the value it was decoded from; lists end with
 *  NULL.  What two passes share is not copied: a copy of the struct may have other lists. */
typedef struct mms_part_order {
    const char *vis;      /**< the input, absolute */
    const char *averaged; /**< rows that are averaged in time already, instead of vis; or "" */
    const char *out;      /**< folder to make */
    bool renew;           /**< it may be there, of a run that was killed */
    int64_t attempt;      /**< from 1: others may be at it still */
    const char *rows_file;
    int64_t nrow, bytes; /**< of the selected rows */
    const char *tables;  /**< folder of finished sub-tables */
    const mms_value *subtables;
    const char **links; /**< sub-tables that stay links */
    const char **skip;  /**< columns that are not written */
    const char **add, **reshape;
    const char *rename_from, *rename_to; /**< a column's name in the output; or NULL */
    int64_t nmap;
    mms_order_map *maps;
    const char *pipeline; /**< file of it, or "" */
    int64_t tile[3];      /**< as in mms_writer_opts */
    int64_t memory, share, threads;
    bool tiles, sync;
    bool models; /**< MODEL_DATA is that of a virtual model */
    bool keys;   /**< scalars and UVW are written, and nothing else */
} mms_part_order;

/** The sub-tables of a request. */
typedef struct mms_tables_order {
    const char *vis;
    const char *tables; /**< folder they go to, which is there */
    bool renew;         /**< it may hold what an earlier run has left */
    mms_select select;
    bool keep_ids;
    bool new_grids;                    /**< channels have no numbers of input channels */
    bool combined;                     /**< windows are combined into the new ones */
    const mms_value *windows, *fields; /**< rows that change, or NULL */
    int64_t nspw;                      /**< windows that replace all, or 0 */
    int32_t ddistart;
    const mms_value *flag_bins; /**< what FLAG_CMD needs of the average of channels, or NULL */
    int64_t nbin;               /**< in a worker: the same */
    int64_t *bins;
} mms_tables_order;

/** What is left when all parts are there. */
typedef struct mms_finish_order {
    const char *output; /**< staged */
    const char *first;  /**< the member that gets HISTORY */
    const char *tables; /**< folder with HISTORY as the member has it before */
    const char *origin;
    const mms_value *history;
    int64_t nrow;
    const char *flags; /**< folder of flag versions to make, or "" */
    bool tiles;
} mms_finish_order;

/** What a part's unit answers. */
typedef struct mms_part_answer {
    int64_t rows, bytes, shared;
    const mms_value *goodness; /**< array, or NULL */
} mms_part_answer;

/** Read the order of a part.  End it with mms_part_order_free().  Errors: INTERNAL naming a key
 * that is missing; MEM. */
MMS_CHECKED mms_status mms_part_order_decode(const mms_value *value, mms_part_order *order,
                                             mms_error *err);
/** Free the lists and maps. */
void mms_part_order_free(mms_part_order *order);

/** The same; the caller ends order->bins with free(). */
MMS_CHECKED mms_status mms_tables_order_decode(const mms_value *value, mms_tables_order *order,
                                               mms_error *err);
MMS_CHECKED mms_status mms_finish_order_decode(const mms_value *value, mms_finish_order *order,
                                               mms_error *err);

/** What all parts share of an order.  NULL: no memory. */
mms_value *mms_part_order_share(const mms_part_order *order);
/** The order of a part: what they share, and of own what is a part's.  NULL: no memory. */
mms_value *mms_part_order_encode(const mms_value *shared, const mms_part_order *own);
mms_value *mms_tables_order_encode(const mms_tables_order *order);
/** Note how many rows were made of a part's. */
void mms_part_order_set_made(mms_value *order, int64_t rows);
/** The order of a unit; NULL: no memory. */
mms_value *mms_finish_order_encode(const mms_finish_order *order);

/** Return which unit an order is for: "tables", "part" or "finish". */
const char *mms_order_step(const mms_value *value);
/** Whether the worker of an attempt before this one was killed, or did not answer. */
bool mms_order_is_again(const mms_value *value);

/** Put into answer what a part says, and read it; goodness is the pipeline's, put by itself. */
void mms_part_answer_encode(const mms_part_answer *part, mms_value *answer);
mms_part_answer mms_part_answer_decode(const mms_value *answer);

#endif
