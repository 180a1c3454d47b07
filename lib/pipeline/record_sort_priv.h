/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_RECORD_SORT_PRIV_H
#define MULTIMS_RECORD_SORT_PRIV_H
/** @file record_sort_priv.h  Sort records of one size; those that do not fit in memory are on disk.
 */

#include <stdio.h>

#include "multims/base.h"

/** < 0, 0, > 0, as for qsort_r.  Records that compare equal come out in any order. */
typedef int mms_record_compare(const void *a, const void *b, void *ctx);

typedef struct mms_record_sort mms_record_sort;

/** Begin a sort of records of size bytes.
 *  @param near    runs are kept in a file beside this one, which has no name and goes with the sort
 *  @param memory  bytes that the sort may use; it takes room for some records in any case
 *  Errors: MEM. */
MMS_CHECKED mms_status mms_record_sort_create(const char *near, size_t size,
                                              mms_record_compare *compare, void *ctx,
                                              int64_t memory, mms_record_sort **out,
                                              mms_error *err);

/** Copy a record.  Errors: IO, SPACE, MEM. */
MMS_CHECKED mms_status mms_record_sort_add(mms_record_sort *sort, const void *record,
                                           mms_error *err);

/** All records have been added: make them ready for next.  Errors: IO, SPACE, MEM. */
MMS_CHECKED mms_status mms_record_sort_finish(mms_record_sort *sort, mms_error *err);

/** Copy the next record in order; *end is set after the last.  Errors: IO. */
MMS_CHECKED mms_status mms_record_sort_next(mms_record_sort *sort, void *record, bool *end,
                                            mms_error *err);

/** Return the records added, and the runs on disk: 0 where all are in memory. */
int64_t mms_record_sort_count(const mms_record_sort *sort);
int64_t mms_record_sort_nrun(const mms_record_sort *sort);

/** *sort is set to NULL; NULL is accepted. */
void mms_record_sort_free(mms_record_sort **sort);

/** Open a new file for reading and writing beside near that has no name: closing it removes it.
 *  Errors: IO, SPACE. */
MMS_CHECKED mms_status mms_nameless_file(const char *near, FILE **out, mms_error *err);

#endif
