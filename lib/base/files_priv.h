/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_FILES_PRIV_H
#define MULTIMS_FILES_PRIV_H
/** @file files_priv.h  Files and folders: copy, remove, sync, space. */

#include <sys/types.h>

#include "multims/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Fail with the status that belongs to errnum (NOT_FOUND, EXISTS, SPACE, MEM, IO) and the message
 *  "text: strerror". */
mms_status mms_fail_errno(mms_error *err, int errnum, const char *fmt, ...) MMS_PRINTF(3, 4);

/** Whether errnum says that nothing is there: ENOENT, ENOTDIR.  Anything else says that nobody
 *  knows. */
bool mms_is_absence(int errnum);

/** Rename without replacing; on file systems without that (NFS) a folder may replace an empty one
 *  that comes at that moment.  Returns as rename(2), EEXIST where something is at to. */
int mms_rename_new(const char *from, const char *to);

/** Whether something is at path; a link is what it leads to.  Errors: IO when nobody can tell. */
MMS_CHECKED mms_status mms_path_exists(const char *path, bool *there, mms_error *err);

/** Whether the name is taken, by a link that leads nowhere too.  Errors: IO. */
MMS_CHECKED mms_status mms_path_taken(const char *path, bool *taken, mms_error *err);

/** Return in *text the text of a link, NULL when path is none or not there.  Errors: IO, MEM. */
MMS_CHECKED mms_status mms_read_link(const char *path, char **text, mms_error *err);

/** "a named pipe" for a mode of stat(2). */
const char *mms_kind_of_file(mode_t mode);

/** Refuse what is no regular file.  Errors: TABLE naming path and the kind. */
MMS_CHECKED mms_status mms_check_regular(const char *path, mode_t mode, mms_error *err);

/** Open a regular file to read it, through links too; pipes, devices, sockets and folders are
 *  refused before they are opened.  *fd is -1 on failure.  Errors: NOT_FOUND, TABLE, IO. */
MMS_CHECKED mms_status mms_open_file(const char *path, int *fd, int64_t *bytes, mms_error *err);

/** Read or write all of the bytes, however often that is interrupted.  path is for messages.
 *  Errors: IO, also when a file ends early; SPACE. */
MMS_CHECKED mms_status mms_read_all(int fd, void *to, int64_t bytes, const char *path,
                                    mms_error *err);
MMS_CHECKED mms_status mms_write_all(int fd, const void *from, int64_t bytes, const char *path,
                                     mms_error *err);

/** Read n bytes at an offset, however often that is interrupted; several threads may.  Returns how
 *  many there are, fewer than n where the file ends, or -1 with errno. */
int64_t mms_pread_all(int fd, void *to, int64_t n, int64_t at);
/** Write n bytes at an offset, so too.  Returns n, or -1 with errno. */
int64_t mms_pwrite_all(int fd, const void *from, int64_t n, int64_t at);

/** Make a file to write and read.  It must not exist.  Errors: EXISTS, IO, SPACE. */
MMS_CHECKED mms_status mms_create_file(const char *path, int *fd, mms_error *err);

/** Make a file with these bytes, or a folder; it must not exist, and gets the mode that new ones
 *  have.  The forms with _in take a name in an open folder, AT_FDCWD for a path; path is for
 *  messages.  fd: the open folder, or NULL.  Errors: EXISTS, IO; SPACE naming path. */
MMS_CHECKED mms_status mms_write_file_in(int folder, const char *name, const char *path,
                                         const void *from, int64_t bytes, mms_error *err);
MMS_CHECKED mms_status mms_write_file(const char *path, const void *from, int64_t bytes,
                                      mms_error *err);
/** The same where the file may exist. */
MMS_CHECKED mms_status mms_replace_file(const char *path, const void *from, int64_t bytes,
                                        mms_error *err);
MMS_CHECKED mms_status mms_make_folder_in(int folder, const char *name, const char *path, int *fd,
                                          mms_error *err);
MMS_CHECKED mms_status mms_make_folder(const char *path, mms_error *err);

/** Copy the bytes of the file at src, which may be a link, to a new one.
 *  Errors: those of mms_open_file and mms_write_file. */
MMS_CHECKED mms_status mms_copy_file_in(const char *src, int folder, const char *name,
                                        const char *path, mms_error *err);
MMS_CHECKED mms_status mms_copy_file(const char *src, const char *dst, mms_error *err);

/** Remove path and all below it; links are not followed.  Nothing happens when it is not there. */
MMS_CHECKED mms_status mms_remove_tree(const char *path, mms_error *err);

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

/** Refuse to begin what the disk has no room for: casacore ends the process when it is full.
 *  Errors: SPACE with both numbers; IO. */
MMS_CHECKED mms_status mms_disk_demand(const char *path, int64_t bytes, mms_error *err);

/** Find whether so many bytes can be written in a folder now, of a quota too; nothing is left
 * there. Errors: SPACE, IO. */
MMS_CHECKED mms_status mms_disk_try(const char *folder, int64_t bytes, mms_error *err);

/** Size of the blocks that a new file beside path can share with the file from: they lie on one
 * file system that does that (XFS, Btrfs and others).  0: they can't.  Nothing is left behind. */
int64_t mms_shared_block(const char *from, const char *path);

/** Whether the disk that path is on has no room left, as far as the disk says so. */
bool mms_disk_is_full(const char *path);

/** Whether the file at path can't grow for want of room: it is tried, and made for that if it is
 *  not there, and left as it was, its times too.  Only for files of our own. */
bool mms_file_lacks_room(const char *path);

/** The file that casacore could not write, as its message names it; NULL when it names none.  It
 *  gives up after a write that was cut short, and what it says of the reason is of another call. */
char *mms_unwritten_file(const char *message);

/** fsync the folder at path, so that the names in it survive a power cut. */
MMS_CHECKED mms_status mms_sync_folder(const char *path, mms_error *err);

#ifdef __cplusplus
}
#endif
#endif
