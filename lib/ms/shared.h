/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_SHARED_H
#define MULTIMS_SHARED_H
/** @file shared.h  How many bytes of a copy will be blocks of the MS. */

#include "multims/ms.h"

/** Find the bytes that a new set shares with ms: the cells of n columns of the rows of a list,
 * where the file system shares blocks of this size.  Errors: those of reading. */
MMS_CHECKED mms_status mms_ms_shared_bytes(mms_ms *ms, const char *rows_file, int64_t block,
                                           int64_t n, const char *const *columns, int64_t *bytes,
                                           mms_error *err);

#endif
