/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_MS_COLUMNS_H
#define MULTIMS_MS_COLUMNS_H
/** @file columns.h  What columns.def knows: MMS_COL_DATA is the name of a column, and so on. */

#include "base/base_priv.h"

#ifdef __cplusplus
extern "C" {
#endif

#define COLUMN(name, type, axes, role, word, table) extern const char MMS_COL_##name[];
#include "base/columns.def"
#undef COLUMN

/** Axes of a cell. */
typedef enum mms_column_axes {
    MMS_AXES_SCALAR,
    MMS_AXES_CHAN,
    MMS_AXES_CORR,
    MMS_AXES_CHAN_CORR, /**< in C order: [channel][correlation] */
    MMS_AXES_OTHER
} mms_column_axes;

/** What a column is to those that work on blocks. */
typedef enum mms_column_role {
    MMS_ROLE_OTHER,
    MMS_ROLE_KEY,        /**< tells rows apart */
    MMS_ROLE_GEOMETRY,   /**< UVW */
    MMS_ROLE_VISIBILITY, /**< data that are calculated with */
    MMS_ROLE_LAGS,       /**< data that are copied only */
    MMS_ROLE_FLAGS,
    MMS_ROLE_WEIGHTS,       /**< and sigmas, with or without channels */
    MMS_ROLE_OTHER_WEIGHTS, /**< of programs of their own, which nothing here keeps in step */
    MMS_ROLE_OPTIONAL       /**< copied; nobody calculates with it */
} mms_column_role;

/** A line of columns.def. */
typedef struct mms_column_info {
    const char *name;
    mms_dtype dtype;
    mms_column_axes axes;
    mms_column_role role;
    const char *word;  /**< of the parameter datacolumn, "": none */
    const char *table; /**< sub-table that its numbers are rows of, "": none */
} mms_column_info;

/** Find a standard column by name; NULL: it is none. */
const mms_column_info *mms_column_info_find(const char *name);

/** Walk all of them: the first one for NULL, NULL after the last. */
const mms_column_info *mms_column_info_next(const mms_column_info *info);

/** The role of a column; MMS_ROLE_OTHER where it is no standard one. */
mms_column_role mms_column_role_of(const char *name);

#ifdef __cplusplus
}
#endif
#endif
