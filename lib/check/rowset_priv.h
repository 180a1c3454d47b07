/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_ROWSET_PRIV_H
#define MULTIMS_ROWSET_PRIV_H
/** @file rowset_priv.h  Rows of an MS, through its members, or of one table, read by number. */

#include "ms/members_priv.h"
#include "multims/ms.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { MMS_NO_CELL = -1, MMS_NO_AXES = -2 };

/** A cell shape; ndim is MMS_NO_CELL for undefined cells, 0 for scalars, MMS_NO_AXES for arrays
 *  without axes, which hold no values. */
typedef struct mms_shape {
    int32_t ndim;
    int64_t size[MMS_MAX_DIM]; /**< C order */
} mms_shape;

/** Shapes by number, each once. */
typedef struct mms_shape_list {
    int64_t n, capacity;
    mms_shape *shapes;
} mms_shape_list;

typedef struct mms_rowset {
    const char *path;     /**< for messages */
    mms_members *members; /**< of the set; NULL: one table */
    mms_table *table;     /**< of which the row set is; NULL: a set */
    int64_t nrow;
    bool direct; /**< files are read directly, where cells compare with casacore's */
} mms_rowset;

/** Two sets at most are read at a time. */
void mms_rowset_of_ms(mms_rowset *rows, mms_ms *ms);
MMS_CHECKED mms_status mms_rowset_of_table(mms_rowset *rows, const char *path, mms_error *err);
void mms_rowset_close(mms_rowset *rows);

/** Return the table that holds the columns' description and keywords: member 0's, which stays open
 *  as long as the set. */
mms_table *mms_rowset_first(const mms_rowset *rows);

/** Return a number that is equal for rows whose members can be open together. */
int64_t mms_rowset_group(const mms_rowset *rows, int64_t row);

/** Read cells of one shape: at[n] are rows, ascending; data[n][cell]. */
MMS_CHECKED mms_status mms_rowset_read(mms_rowset *rows, const char *column, int64_t n,
                                       const int64_t *at, int64_t nvalue, void *data,
                                       mms_error *err);

/** Find the cells of the first rows of a run, as many as lie in one member.
 *  @param[out] found  valid as long as the member stays open
 *  @param[out] local  these rows as the member counts */
MMS_CHECKED mms_status mms_rowset_find(mms_rowset *rows, const char *column, mms_rows run,
                                       mms_stored *found, mms_rows *local, mms_error *err);

/** Find the shapes of cells: shape[n] are numbers in list. */
MMS_CHECKED mms_status mms_rowset_shapes(mms_rowset *rows, const char *column, int64_t n,
                                         const int64_t *at, mms_shape_list *list, int32_t *shape,
                                         mms_error *err);

/** One cell as JSON. */
MMS_CHECKED mms_status mms_rowset_cell(mms_rowset *rows, const char *column, int64_t row,
                                       mms_value **out, mms_error *err);

/** Return the number of a shape in list, which it joins if it is new; -1 when out of memory. */
int32_t mms_shape_number(mms_shape_list *list, const mms_shape *shape);
/** Return the number of elements; 0 for undefined cells and arrays without axes, 1 for scalars. */
int64_t mms_shape_elements(const mms_shape *shape);
/** Write "[64,4]", "[]", "scalar" or "undefined" to text. */
void mms_shape_text(const mms_shape *shape, size_t size, char *text);

#ifdef __cplusplus
}
#endif
#endif
