/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_FILES_PRIV_H
#define MULTIMS_FILES_PRIV_H
/** @file files_priv.h  Files and folders: copy, remove, sync, space. */

#include "multims/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Fail with the status that belongs to errnum (NOT_FOUND, EXISTS, SPACE, MEM, IO) and the message
 *  "text: strerror". */
mms_status mms_fail_errno(mms_error *err, int errnum, const char *fmt, ...) MMS_PRINTF(3, 4);

/** Remove path and all below it; links are not followed.  Nothing happens when it is not there. */
MMS_CHECKED mms_status mms_remove_tree(const char *path, mms_error *err);

/** Copy the file at src to dst, which must not exist, with its mode, writable for the owner even
 *  when src is not.  src may be a link.
 *  Errors: EXISTS, NOT_FOUND, IO; SPACE naming dst. */
MMS_CHECKED mms_status mms_copy_file(const char *src, const char *dst, mms_error *err);

/** Copy the folder at src to dst, which must not exist: files and modes; links stay links with
 *  their text, or with follow_top those directly in src are replaced by what they point to.  Names
 *  that begin with a dot are no part of a table and are left out.
 *  Errors: as mms_copy_file, UNSUPPORTED for other kinds of files.  A part may be left in dst. */
MMS_CHECKED mms_status mms_copy_tree(const char *src, const char *dst, bool follow_top,
                                     mms_error *err);

/** Takes a file of size bytes; a status other than MMS_OK ends the walk. */
typedef mms_status mms_file_visit(void *ctx, const char *path, int64_t bytes, mms_error *err);

/** Visit the files below path, links not followed but for path itself.
 *  Errors: NOT_FOUND, IO; what visit returns. */
MMS_CHECKED mms_status mms_tree_visit(const char *path, mms_file_visit *visit, void *ctx,
                                      mms_error *err);

/** Sum up the bytes of the files below path, links not followed. */
MMS_CHECKED mms_status mms_tree_bytes(const char *path, int64_t *bytes, mms_error *err);

/** Bytes that the user may still write where path is, or will be: its nearest existing folder. */
MMS_CHECKED mms_status mms_disk_free(const char *path, int64_t *bytes, mms_error *err);

/** fsync the folder at path, so that the names in it survive a power cut. */
MMS_CHECKED mms_status mms_sync_folder(const char *path, mms_error *err);

#ifdef __cplusplus
}
#endif
#endif
