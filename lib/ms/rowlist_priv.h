/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_ROWLIST_PRIV_H
#define MULTIMS_ROWLIST_PRIV_H
/** @file rowlist_priv.h  A list of runs of rows in a file: pairs of int64 (first, count). */

#include "multims/base.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mms_rowlist mms_rowlist;

/** Make the file, instead of one that is there; add runs in the order in which the rows are to
 * stand (adjoining runs join). */
MMS_CHECKED mms_status mms_rowlist_create(const char *path, mms_rowlist **out, mms_error *err);
MMS_CHECKED mms_status mms_rowlist_add(mms_rowlist *list, mms_rows run, mms_error *err);

/** Open for reading; path NULL: the one run [0, nrow). */
MMS_CHECKED mms_status mms_rowlist_open(const char *path, int64_t nrow, mms_rowlist **out,
                                        mms_error *err);
/** Take the next run, at most most rows of it; count 0 at the end. */
MMS_CHECKED mms_status mms_rowlist_take(mms_rowlist *list, int64_t most, mms_rows *run,
                                        mms_error *err);

/** Flush and close; *list is set to NULL.  NULL is accepted. */
MMS_CHECKED mms_status mms_rowlist_close(mms_rowlist **list, mms_error *err);

#ifdef __cplusplus
}
#endif
#endif
