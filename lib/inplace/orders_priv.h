/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_INPLACE_ORDERS_PRIV_H
#define MULTIMS_INPLACE_ORDERS_PRIV_H
/** @file orders_priv.h  What units of in-place work are told, typed on both sides of the process
 * border; order_codec.c alone knows the keys.  Texts and values are borrowed from what was decoded.
 *  Decoding: Errors: INTERNAL naming a key that is missing; MEM. */

#include "multims/select.h"
#include "statwt_priv.h"

/** What a unit is for: "save", "change", "models", "flag", "write", "weigh", …, or "". */
const char *mms_inplace_step(const mms_value *order);
/** The lock of the run's undo; "": none is held. */
const char *mms_inplace_lock(const mms_value *order);
/** Whether an attempt before this one was broken off; of one that found its table locked nothing is
 *  to be taken back, and who had the lock may have changed the table since. */
bool mms_inplace_is_again(const mms_value *order);

/** "save": a version of the flags. */
MMS_CHECKED mms_status mms_save_order_decode(const mms_value *value, mms_save_order *order,
                                             mms_error *err);

/** "change": columns of one part, row by row. */
typedef struct mms_change_order {
    const char *part, *rows, *lock; /**< rows: file of the selected ones, or "" */
    const char *made;               /**< the column that the part must have, or NULL */
    const mms_value *work;          /**< of the verb */
    const mms_value *columns;       /**< that are changed, for messages */
    int64_t memory;
    int64_t threads;    /**< 0: mms_units_run() says how many */
    const char *source; /**< the part's own SOURCE, where models come back with the undo, or NULL */
    bool tiles, sync;
    bool ends_models; /**< virtual ones were taken away before */
} mms_change_order;

mms_value *mms_change_order_encode(const mms_change_order *order);
MMS_CHECKED mms_status mms_change_order_decode(const mms_value *value, mms_change_order *order,
                                               mms_error *err);

/** The work of setjy. */
typedef struct mms_setjy_work {
    const mms_value *models; /**< [[field, ddid, mms_flux_encode()], …] */
    bool scalebychan;
} mms_setjy_work;

mms_value *mms_setjy_work_encode(const mms_setjy_work *work);
MMS_CHECKED mms_status mms_setjy_work_decode(const mms_value *value, mms_setjy_work *work,
                                             mms_error *err);

/** The work of applycal. */
typedef struct mms_applycal_work {
    const mms_value *tables;   /**< as mms_cal_table_open() takes each */
    const mms_value *mounts;   /**< a letter for each antenna where angles count, else none */
    const mms_value *channels; /**< that are selected, [[spw, first, last], …]; none: all */
    bool parang, correct, flag, strict, weigh;
} mms_applycal_work;

mms_value *mms_applycal_work_encode(const mms_applycal_work *work);
MMS_CHECKED mms_status mms_applycal_work_decode(const mms_value *value, mms_applycal_work *work,
                                                mms_error *err);

/** "models": virtual ones of all parts. */
typedef struct mms_models_order {
    const mms_value *models; /**< NULL: they go */
    const mms_value *parts;  /**< each as mms_models_part_of() has it */
    const char *lock;
} mms_models_order;

mms_value *mms_models_order_encode(const mms_models_order *order);
MMS_CHECKED mms_status mms_models_order_decode(const mms_value *value, mms_models_order *order,
                                               mms_error *err);
/** The tables of a part; source and field may be NULL. */
mms_value *mms_model_tables_encode(const mms_model_tables *tables);
MMS_CHECKED mms_status mms_model_tables_decode(const mms_value *value, mms_model_tables *tables,
                                               mms_error *err);

/** "flag": flag commands on the rows of some parts. */
typedef struct mms_flag_order {
    const char *vis, *stage, *lock; /**< stage: file for what is found, or "" */
    const mms_value *members, *commands;
    const char
        *rows; /**< that the one command selects, as mms_flag_found has them; NULL: find them */
    const mms_value *channels; /**< with rows */
    double ntime_s;
    int64_t memory;
    int64_t threads; /**< 0: mms_units_run() says how many */
    bool alone, chunks, combinescans, tiles;
} mms_flag_order;

mms_value *mms_flag_order_encode(const mms_flag_order *order);
MMS_CHECKED mms_status mms_flag_order_decode(const mms_value *value, mms_flag_order *order,
                                             mms_error *err);

/** "write": what a stage has, into parts. */
typedef struct mms_flag_write_order {
    const char *vis, *stage, *lock;
    const mms_value *parts;
    bool tiles;
} mms_flag_write_order;

mms_value *mms_flag_write_order_encode(const mms_flag_write_order *order);
MMS_CHECKED mms_status mms_flag_write_order_decode(const mms_value *value,
                                                   mms_flag_write_order *order, mms_error *err);

/** "restore": a part's flags. */
MMS_CHECKED mms_status mms_restore_order_decode(const mms_value *value, mms_restore_order *order,
                                                mms_error *err);

/** "commands": rows for FLAG_CMD. */
MMS_CHECKED mms_status mms_commands_order_decode(const mms_value *value, mms_commands_order *order,
                                                 mms_error *err);

/** "weigh": what statwt was asked for, and the parts of a unit. */
typedef struct mms_statwt_order {
    mms_statwt_asked asked;
    const char *vis, *column, *stage, *lock;
    const mms_value *select, *spectra, *members;
    mms_statwt_time time;
    int64_t channels, memory;
    int64_t threads; /**< 0: mms_units_run() says how many */
    double width;
    bool binned, tiles;
} mms_statwt_order;

mms_value *mms_statwt_order_encode(const mms_statwt_order *order);
MMS_CHECKED mms_status mms_statwt_order_decode(const mms_value *value, mms_statwt_order *order,
                                               mms_error *err);

/** "write_weights": what a stage has of one part. */
typedef struct mms_weights_order {
    const char *stage, *part, *lock;
    const mms_value *writes, *adds; /**< columns */
    int64_t first, count;           /**< the part's rows of the set */
    bool tiles, sync, zero_sigma;
} mms_weights_order;

mms_value *mms_weights_order_encode(const mms_weights_order *order);
MMS_CHECKED mms_status mms_weights_order_decode(const mms_value *value, mms_weights_order *order,
                                                mms_error *err);

#endif
