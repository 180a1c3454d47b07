/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_CHANGE_PRIV_H
#define MULTIMS_CHANGE_PRIV_H
/** @file change_priv.h  Verbs that change columns row by row: the client's side, and a part in a
 *  worker.
 *
 *  Each part is a unit that opens this part alone.  What is selected of it is found before, in the
 *  client: expressions mean the whole set. */

#include <jansson.h>
#include <stdatomic.h>

#include "flag_priv.h"
#include "sink_priv.h"

/* ---- the client -------------------------------------------------------------------------------*/

/** An open set and what is selected of it. */
typedef struct mms_change {
    mms_ms *ms;
    mms_selection *selection;
    mms_flag_set set;
    uint8_t *bits;           /**< the rows that are selected; NULL: all */
    int64_t nselected;       /**< rows */
    int64_t *selected;       /**< [members]: rows */
    int64_t nfield, *counts; /**< [nfield][windows]: selected rows */
    int64_t *rows_of;        /**< [windows]: rows, whether selected or not */
    double *first_s;         /**< [nfield]: earliest TIME of the selected rows */
    mms_undo *undo;
} mms_change;

/** Bring back what a killed run has left, or with --resume go on with it, or in a dry run refuse
 * it; open, and find what is selected. *out is to be closed whatever the status.  Errors: EMPTY
 * nothing is selected; SELECT, TABLE. */
MMS_CHECKED mms_status mms_change_open(const mms_change_request *how, const mms_select *select,
                                       mms_change *out, mms_error *err);
void mms_change_close(mms_change *c);

/** Values in the cells of the rows that are selected, or of all rows. */
int64_t mms_change_values(const mms_change *c, bool all);

/** How the parts are changed. */
typedef struct mms_change_work {
    const mms_change_request *how;
    const char *const *columns; /**< those that are changed or, where they are not there, made;
                                   ended by NULL */
    const char *made;           /**< of these the one that every part must have; NULL: none */
    const mms_value *work;      /**< for the units, as "work" */
    const char *backup;         /**< prefix of the flag version that is saved before; NULL: none */
    bool ends_models;           /**< virtual models go, in all parts */
} mms_change_work;

/** Change the parts that have selected rows, or lack the column that is made; result gains "parts",
 *  "skipped_parts", "changed_rows" and "flag_version".
 *  @param[out] wrote  set before anything is written */
MMS_CHECKED mms_status mms_change_run(mms_change *c, const mms_change_work *work, bool *wrote,
                                      mms_value *result, mms_error *err);

/** What mms_change_run() would do: result gains "columns", "bytes", "kept" and "flag_version". */
MMS_CHECKED mms_status mms_change_plan(mms_change *c, const mms_change_work *work,
                                       mms_value *result, mms_error *err);

/* ---- a part, in a worker ----------------------------------------------------------------------*/

/** A part that is changed. */
typedef struct mms_change_part {
    mms_job *job;
    const mms_value *work;
    mms_flag_set set; /**< of the part; set.ms is closed */
    double **freq_hz; /**< [windows of set][nchan] */
    char *feed_table, *field_table;
    const char *like; /**< the column whose cells have the shapes of a new one's */
    mms_sink *sink;
    uint8_t *bits; /**< the rows that are selected; NULL: all */
    int64_t memory;
    int64_t threads; /**< that may do blocks beside each other */
    bool observed;   /**< blocks have the observations and states of their rows */
    atomic_llong changed_rows;
    int fd;
} mms_change_part;

/** Rows that follow each other, with cells of one shape and one data description each. */
typedef struct mms_change_rows {
    mms_rows rows;
    int64_t thread;   /**< that does them, below the part's threads */
    int64_t shape[2]; /**< channels, correlations */
    const int32_t *ddid, *field, *antenna1, *antenna2; /**< [rows.count] */
    const int32_t *observation, *state;                /**< zeros unless the part is observed */
    const double *time_s;
    const uint8_t *selected;
} mms_change_rows;

/** Do a block of rows, beside other threads that do others. */
typedef mms_status mms_change_block(mms_change_part *part, void *user, const mms_change_rows *rows,
                                    mms_error *err);

/** What all units of such verbs do: save the flag version, or have work() done on the part.
 *  answer gains "changed_rows". */
typedef mms_status mms_change_part_work(mms_change_part *part, mms_error *err);
MMS_CHECKED mms_status mms_change_unit(mms_job *job, const mms_value *order,
                                       mms_change_part_work *work, mms_value *answer,
                                       mms_error *err);

/** Go through the rows of a part, by all its threads, in blocks whose cells of column are read and
 *  made.
 *  @param value_bytes  memory that a value of a cell takes in block */
MMS_CHECKED mms_status mms_change_each(mms_change_part *part, const char *column,
                                       int64_t value_bytes, mms_change_block *block, void *user,
                                       mms_error *err);

/** Read the channels' frequencies of a set's windows: (*freq_hz)[window][nchan]. */
MMS_CHECKED mms_status mms_change_frequencies(mms_ms *ms, const mms_flag_set *set,
                                              double ***freq_hz, mms_error *err);
void mms_change_free_frequencies(const mms_flag_set *set, double ***freq_hz);

/** Write cells of the rows of a block that which[] names: data[rows.count][cell] of size bytes. */
MMS_CHECKED mms_status mms_change_write(mms_change_part *part, const char *column,
                                        const mms_change_rows *rows, const uint8_t *which,
                                        int32_t ndim, const int64_t *shape, size_t bytes,
                                        const void *data, mms_error *err);

#endif
