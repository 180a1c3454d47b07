/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_MS_PRIV_H
#define MULTIMS_MS_PRIV_H
/** @file ms_priv.h  What lib/subtables and lib/check need of an open MS beyond the public header.
 */

#include "block.h"
#include "multims/ms.h"
#include "store_priv.h"

/** Return the table of member 0; borrowed. */
mms_table *mms_ms_first_table(mms_ms *ms);

/** Whether a new table of this kind, made like ms, needs no comparison with what casacore reads:
 * one of as many rows, or more, was compared. */
bool mms_ms_has_proof(const mms_ms *ms, uint64_t kind, int64_t nrow);
/** Note that one of this kind and so many rows was compared. */
void mms_ms_note_proof(mms_ms *ms, uint64_t kind, int64_t nrow);

/** The sub-tables that a main table names, {name: path}: those that are there, and those that are
 *  not.  SORTED_TABLE is among them.
 *  Errors: TABLE for a name that must not become a path; IO when nobody can tell. */
MMS_CHECKED mms_status mms_subtable_list(mms_table *main, mms_value **there, mms_value **missing,
                                         mms_error *err);

/** Hold the numbers that say how long cells are (NUM_CHAN, NUM_CORR, NUM_POLY, NUM_RECEPTORS)
 *  against the cells, before anybody makes room for as many: those of a sub-table of this name, or
 *  of all.  Errors: TABLE naming the row. */
MMS_CHECKED mms_status mms_counts_check(const char *name, mms_table *table, mms_error *err);
MMS_CHECKED mms_status mms_ms_check_counts(const mms_ms *ms, mms_error *err);

/** Refuse a name of a sub-table that is not one plain component of a path, or that the main table
 *  at path uses itself.  Errors: TABLE. */
MMS_CHECKED mms_status mms_subtable_check_name(const char *path, const char *name, mms_error *err);

/** Return the table that a writer makes; borrowed. */
mms_table *mms_writer_table(mms_writer *writer);

/** Copy cells of any type: rows of out from first on get the cells of ranges. */
MMS_CHECKED mms_status mms_ms_copy_cells(mms_ms *ms, const char *column, int64_t nrange,
                                         const mms_rows *ranges, mms_table *out,
                                         const char *out_column, int64_t first, mms_error *err);

/** Copy cells of an array column: rows of out from first on, which have the same shapes. */
MMS_CHECKED mms_status mms_ms_copy_to_store(mms_ms *ms, const char *column, int64_t nrange,
                                            const mms_rows *ranges, const mms_stored *out,
                                            int64_t first, mms_error *err);

/** A column whose cells are copied, and where they will lie. */
typedef struct mms_shared_column {
    const char *name;      /**< in the input */
    mms_tiles_share *plan; /**< from mms_tiles_share_create() */
} mms_shared_column;

/** Plan for the rows of a list (NULL: all) where those of each column lie in the output.
 *  Errors: those of reading. */
MMS_CHECKED mms_status mms_ms_plan_sharing(mms_ms *ms, const char *rows_file, int64_t ncolumn,
                                           const mms_shared_column *columns, mms_error *err);

/** Return how many of the first rows of ranges lie in members that can be open together: who reads
 *  column by column then opens each once.  Where rows go back to members before, all. */
int64_t mms_ms_together(const mms_ms *ms, int64_t nrange, const mms_rows *ranges);

/** Find the way to the cells of a column of a plain MS; its kind is NULL when there is more than
 * one member. */
MMS_CHECKED mms_status mms_ms_find_stored(mms_ms *ms, const char *column, mms_stored *found,
                                          mms_error *err);

#endif
