/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_UVH5_ORDERS_PRIV_H
#define MULTIMS_UVH5_ORDERS_PRIV_H
/** @file orders_priv.h  What the units of this folder are told, typed on both sides of the process
 * border; order_codec.c alone knows the keys.  Texts and values are borrowed from what was decoded.
 */

#include "import_priv.h"
#include "side_priv.h"
#include "uvh5_priv.h"

/** How rows of a data description go into the file. */
typedef struct mms_uvh5_target {
    int64_t nchan, ncorr, first, count, nkept;
    int64_t *channels; /**< [count] */
    int64_t begin;     /**< channels are begin, begin + 1, …; -1: with gaps */
    bool in_order;     /**< all correlations stand as in the MS */
    int32_t from[MMS_UVH5_MAX_POL], to[MMS_UVH5_MAX_POL];
} mms_uvh5_target;

/** What all units of an export have in common. */
typedef struct mms_uvh5_export_order {
    const char *vis, *column, *file;
    const char *cells; /**< where flags and nsamples of a packed file wait, from 0 on; or "" */
    bool negate, tiles;
    int64_t nblt, nfreq, npol, offsets[3], ntarget;
    mms_uvh5_target *targets; /**< by data description */
} mms_uvh5_export_order;

/** End it with mms_uvh5_export_order_free().  Errors: INTERNAL naming a key that is missing; MEM.
 */
MMS_CHECKED mms_status mms_uvh5_export_order_decode(const mms_value *value,
                                                    mms_uvh5_export_order *order, mms_error *err);
void mms_uvh5_export_order_free(mms_uvh5_export_order *order);

/** A unit of an export: a range of baseline-times, and of places of their rows. */
typedef struct mms_uvh5_blts_order {
    const char *shared, *rows_file; /**< the file of what all have in common; of the places */
    int64_t first_blt, nblt, first_row, nrow, bytes;
} mms_uvh5_blts_order;

mms_value *mms_uvh5_blts_order_encode(const mms_uvh5_blts_order *order);
MMS_CHECKED mms_status mms_uvh5_blts_order_decode(const mms_value *value,
                                                  mms_uvh5_blts_order *order, mms_error *err);

/** A unit of an export of averages.  split: cut a part's rows into lists, files; values: write rows
 *  first, … of the averaged set, which part makes, at places, a file of the baseline-time of each;
 *  pack: bring flags and nsamples into a packed file. */
typedef struct mms_uvh5_averaged_order {
    const char *step, *shared, *places;
    const mms_value *part;
    const char **files; /**< of split, ended by NULL, which the caller ends with free() */
    int64_t first, n;   /**< n: rows; of split: lists */
} mms_uvh5_averaged_order;

mms_value *mms_uvh5_averaged_order_encode(const mms_uvh5_averaged_order *order);
MMS_CHECKED mms_status mms_uvh5_averaged_order_decode(const mms_value *value,
                                                      mms_uvh5_averaged_order *order,
                                                      mms_error *err);
/** How many threads it has, which is known last. */
void mms_uvh5_averaged_order_set_threads(mms_value *order, int64_t threads);

/** What split answers: an array of the number of rows in each list, which is taken. */
void mms_uvh5_cut_encode(mms_value *answer, mms_value *rows);
const mms_value *mms_uvh5_cut_decode(const mms_value *answer);

/** Add a unit, which is taken, with its name to a list.  Returns whether there was memory. */
bool mms_uvh5_list_unit(mms_value *list, const char *name, mms_value *order);
/** Its order, borrowed, and its name. */
mms_value *mms_uvh5_listed_unit(const mms_value *list, int64_t i, const char **name);

/** What a journal notes of the file: how many units, and where its values stand. */
mms_value *mms_uvh5_file_plan_encode(int64_t nunits, const int64_t offsets[3]);
/** false: there is none. */
bool mms_uvh5_file_plan_decode(const mms_value *plan, int64_t *nunits, int64_t offsets[3]);

/** A unit of an import: what parts are made like, or a part, whose members follow. */
typedef struct mms_uvh5_import_order {
    const char *step, *uvh5file, *like;
    bool flipconj, zenith, sync;
    const mms_value *subtables;
    const char *cells, *out;
    const char **links; /**< sub-tables that stay links, ended by NULL */
    int64_t threads, memory;
    bool flipped, renew; /**< renew: something may be at out, which goes */
} mms_uvh5_import_order;

/** NULL: no memory.  Links only of a part. */
mms_value *mms_uvh5_import_order_encode(const mms_uvh5_import_order *order);
/** The caller ends links with free(). */
MMS_CHECKED mms_status mms_uvh5_import_order_decode(const mms_value *value,
                                                    mms_uvh5_import_order *order, mms_error *err);

/** A unit that compares values. */
typedef struct mms_uvh5_judge_order {
    const char *file, *other;
    bool is_ms; /**< other is one, and request says what of it */
    int64_t part, nparts, show;
    double rtol, atol;
    mms_uvh5_request request;
} mms_uvh5_judge_order;

mms_value *mms_uvh5_judge_order_encode(const mms_uvh5_judge_order *order);
MMS_CHECKED mms_status mms_uvh5_judge_order_decode(const mms_value *value,
                                                   mms_uvh5_judge_order *order, mms_error *err);

/** The kinds of values that are compared. */
enum { MMS_UVH5_VISDATA, MMS_UVH5_FLAGS, MMS_UVH5_NSAMPLES, MMS_UVH5_NVALUES };
const char *mms_uvh5_values_name(int kind);

/** What such a unit found: how much, and the first texts.  texts is borrowed. */
void mms_uvh5_found_encode(mms_value *answer, int kind, int64_t count, mms_value *texts);
void mms_uvh5_found_decode(const mms_value *answer, int kind, int64_t *count,
                           const mms_value **texts);

#endif
