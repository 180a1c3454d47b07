/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file files.c  Files and folders: copy, remove, sync, space. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base_priv.h"
#include "files_priv.h"
#include "walk_priv.h"

bool mms_is_absence(int errnum)
{
    return errnum == ENOENT || errnum == ENOTDIR;
}

/* ---- names ------------------------------------------------------------------------------------*/

/* Where there is no RENAME_NOREPLACE: a link has a new name or fails.  A folder can't have one, and
 * takes the place of an empty one at most, should that come between the look and the rename. */
static int rename_by_link(const char *from, const char *to)
{
    struct stat info;

    if (!link(from, to)) {
        (void)!unlink(from);
        return 0;
    }
    if (errno == EEXIST)
        return -1;
    if (!lstat(to, &info))
        errno = EEXIST;
    if (!mms_is_absence(errno))
        return -1;
    if (!rename(from, to))
        return 0;
    if (errno == ENOTEMPTY)
        errno = EEXIST;
    return -1;
}

int mms_rename_new(const char *from, const char *to)
{
    if (!renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE))
        return 0;
    return errno == EINVAL || errno == ENOSYS ? rename_by_link(from, to) : -1;
}

/* ---- looking ---------------------------------------------------------------------------------*/

static mms_status look(const char *path, int flags, struct stat *info, bool *there, mms_error *err)
{
    *there = fstatat(AT_FDCWD, path, info, flags) == 0;
    return *there || mms_is_absence(errno)
               ? MMS_OK
               : mms_fail_errno(err, errno, "%s: cannot look at it", path);
}

mms_status mms_path_exists(const char *path, bool *there, mms_error *err)
{
    struct stat info;
    return look(path, 0, &info, there, err);
}

mms_status mms_path_taken(const char *path, bool *taken, mms_error *err)
{
    struct stat info;
    return look(path, AT_SYMLINK_NOFOLLOW, &info, taken, err);
}

mms_status mms_read_link(const char *path, char **text, mms_error *err)
{
    char target[PATH_MAX];
    const ssize_t n = readlink(path, target, sizeof target);

    *text = NULL;
    if (n < 0)
        return errno == EINVAL || mms_is_absence(errno)
                   ? MMS_OK
                   : mms_fail_errno(err, errno, "%s: cannot look at it", path);
    *text = strndup(target, (size_t)n);
    return *text ? MMS_OK : mms_fail(err, MMS_ERR_MEM, "%s: out of memory", path);
}

const char *mms_kind_of_file(mode_t mode)
{
    return S_ISDIR(mode)                    ? "a folder"
           : S_ISFIFO(mode)                 ? "a named pipe"
           : S_ISSOCK(mode)                 ? "a socket"
           : S_ISCHR(mode) || S_ISBLK(mode) ? "a device"
                                            : "a file";
}

mms_status mms_check_regular(const char *path, mode_t mode, mms_error *err)
{
    return S_ISREG(mode)
               ? MMS_OK
               : mms_fail(err, MMS_ERR_TABLE, "%s is %s, not a file", path, mms_kind_of_file(mode));
}

/* ---- reading and writing ---------------------------------------------------------------------*/

mms_status mms_open_file(const char *path, int *fd, int64_t *bytes, mms_error *err)
{
    struct stat info;
    mms_status st;

    *fd = -1;
    *bytes = 0;
    if (stat(path, &info))
        return mms_fail_errno(err, errno, "%s", path);
    st = mms_check_regular(path, info.st_mode, err);
    if (st != MMS_OK)
        return st;
    // what is put in its place meanwhile can't make us wait
    *fd = (int)TEMP_FAILURE_RETRY(open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    if (*fd < 0 || fstat(*fd, &info))
        st = mms_fail_errno(err, errno, "%s", path);
    else
        st = mms_check_regular(path, info.st_mode, err);
    *bytes = st == MMS_OK ? info.st_size : 0;
    if (st != MMS_OK && *fd >= 0) {
        close(*fd);
        *fd = -1;
    }
    return st;
}

mms_status mms_read_all(int fd, void *to, int64_t bytes, const char *path, mms_error *err)
{
    int64_t done = 0;

    while (done < bytes) {
        const ssize_t n = TEMP_FAILURE_RETRY(read(fd, (char *)to + done, (size_t)(bytes - done)));
        if (n < 0)
            return mms_fail_errno(err, errno, "%s: cannot read", path);
        if (n == 0)
            return mms_fail(err, MMS_ERR_IO, "%s ends early", path);
        done += n;
    }
    return MMS_OK;
}

mms_status mms_write_all(int fd, const void *from, int64_t bytes, const char *path, mms_error *err)
{
    int64_t done = 0;

    while (done < bytes) {
        const ssize_t n =
            TEMP_FAILURE_RETRY(write(fd, (const char *)from + done, (size_t)(bytes - done)));
        if (n <= 0)
            return mms_fail_errno(err, n < 0 ? errno : EIO, "%s: cannot write", path);
        done += n;
    }
    return MMS_OK;
}

int64_t mms_pread_all(int fd, void *to, int64_t n, int64_t at)
{
    int64_t done = 0;
    ssize_t got = 1;

    while (done < n && got > 0) {
        got = TEMP_FAILURE_RETRY(pread(fd, (char *)to + done, (size_t)(n - done), at + done));
        done += got;
    }
    return got < 0 ? -1 : done;
}

int64_t mms_pwrite_all(int fd, const void *from, int64_t n, int64_t at)
{
    int64_t done = 0;
    ssize_t put = 1;

    while (done < n && put > 0) {
        put = TEMP_FAILURE_RETRY(
            pwrite(fd, (const char *)from + done, (size_t)(n - done), at + done));
        done += put;
    }
    if (put == 0)
        errno = ENOSPC;
    return put > 0 ? n : -1;
}

/** Make a file; how: O_EXCL, or O_TRUNC for one that may exist. */
static mms_status create(int folder, const char *name, int how, const char *path, int *fd,
                         mms_error *err)
{
    *fd = (int)TEMP_FAILURE_RETRY(
        openat(folder, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | how, 0666));
    return *fd < 0 ? mms_fail_errno(err, errno, "%s: cannot create", path) : MMS_OK;
}

mms_status mms_create_file(const char *path, int *fd, mms_error *err)
{
    return create(AT_FDCWD, path, O_EXCL, path, fd, err);
}

/** Close what was written; an error of that is one of writing. */
static mms_status close_written(int fd, const char *path, mms_status st, mms_error *err)
{
    if (fd >= 0 && close(fd) && errno != EINTR && st == MMS_OK)
        return mms_fail_errno(err, errno, "%s: cannot write", path);
    return st;
}

static mms_status write_file(int folder, const char *name, int how, const char *path,
                             const void *from, int64_t bytes, mms_error *err)
{
    int fd;
    mms_status st = create(folder, name, how, path, &fd, err);

    if (st == MMS_OK)
        st = mms_write_all(fd, from, bytes, path, err);
    return close_written(fd, path, st, err);
}

mms_status mms_write_file_in(int folder, const char *name, const char *path, const void *from,
                             int64_t bytes, mms_error *err)
{
    return write_file(folder, name, O_EXCL, path, from, bytes, err);
}

mms_status mms_write_file(const char *path, const void *from, int64_t bytes, mms_error *err)
{
    return write_file(AT_FDCWD, path, O_EXCL, path, from, bytes, err);
}

mms_status mms_replace_file(const char *path, const void *from, int64_t bytes, mms_error *err)
{
    return write_file(AT_FDCWD, path, O_TRUNC, path, from, bytes, err);
}

/* What copy_file_range can't copy here, sendfile does from where it stopped, or says why not. */
static mms_status copy_bytes(int in, int out, int64_t bytes, const char *from, const char *to,
                             mms_error *err)
{
    const size_t chunk = (size_t)1 << 30;
    int64_t done = 0;
    ssize_t n;

    while ((n = TEMP_FAILURE_RETRY(copy_file_range(in, NULL, out, NULL, chunk, 0))) > 0)
        done += n;
    while ((n = TEMP_FAILURE_RETRY(sendfile(out, in, NULL, chunk))) > 0)
        done += n;
    if (n < 0)
        return mms_fail_errno(err, errno, "%s: cannot write", to);
    return done >= bytes ? MMS_OK : mms_fail(err, MMS_ERR_IO, "%s ends early", from);
}

mms_status mms_copy_file_in(const char *src, int folder, const char *name, const char *path,
                            mms_error *err)
{
    int in, out = -1;
    int64_t bytes;
    mms_status st = mms_open_file(src, &in, &bytes, err);

    if (st == MMS_OK)
        st = create(folder, name, O_EXCL, path, &out, err);
    if (st == MMS_OK)
        st = copy_bytes(in, out, bytes, src, path, err);
    if (in >= 0)
        close(in);
    return close_written(out, path, st, err);
}

mms_status mms_copy_file(const char *src, const char *dst, mms_error *err)
{
    return mms_copy_file_in(src, AT_FDCWD, dst, dst, err);
}

/* ---- folders ---------------------------------------------------------------------------------*/

mms_status mms_make_folder_in(int folder, const char *name, const char *path, int *fd,
                              mms_error *err)
{
    if (mkdirat(folder, name, 0777))
        return mms_fail_errno(err, errno, "%s: cannot create", path);
    if (!fd)
        return MMS_OK;
    *fd = (int)TEMP_FAILURE_RETRY(
        openat(folder, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    return *fd < 0 ? mms_fail_errno(err, errno, "%s: cannot open", path) : MMS_OK;
}

mms_status mms_make_folder(const char *path, mms_error *err)
{
    return mms_make_folder_in(AT_FDCWD, path, path, NULL, err);
}

/** A removal: what failed first, and why. */
typedef struct removal {
    mms_status first;
    int errnum;
} removal;

/** What can't be removed leaves the rest to be removed. */
static mms_status remove_entry(void *ctx, const mms_walked *met, mms_error *err)
{
    removal *const r = ctx;

    if (met->kind != MMS_WALK_FOLDER &&
        unlinkat(met->folder, met->name, met->kind == MMS_WALK_LEFT ? AT_REMOVEDIR : 0) &&
        errno != ENOENT && r->first == MMS_OK) {
        r->errnum = errno;
        r->first = mms_fail_errno(err, errno, "%s: cannot remove", met->path);
    }
    return MMS_OK;
}

/** *filled: somebody adds files, as a worker that was killed and has not ended yet. */
static mms_status remove_all(const char *path, bool *filled, mms_error *err)
{
    removal r = {.first = MMS_OK};
    const mms_status st = mms_walk(path, MMS_WALK_GONE, remove_entry, &r, err);

    *filled = r.errnum == ENOTEMPTY;
    return st == MMS_OK ? r.first : st;
}

mms_status mms_remove_tree(const char *path, mms_error *err)
{
    const struct timespec nap = {.tv_nsec = 20000000};
    char *plain = mms_path_strip(path); // a link with a slash would be what it leads to
    bool filled = false;
    mms_status st = plain ? remove_all(plain, &filled, err)
                          : mms_fail(err, MMS_ERR_MEM, "%s: out of memory", path);

    if (st != MMS_OK && plain) // what failed once may be gone, or go now
        st = remove_all(plain, &filled, err);
    for (int i = 0; i < 100 && st != MMS_OK && filled; i++) {
        nanosleep(&nap, NULL);
        st = remove_all(plain, &filled, err);
    }
    free(plain);
    return st;
}

/** A visit of files only. */
typedef struct file_visit {
    mms_file_visit *visit;
    void *ctx;
} file_visit;

static mms_status visit_file(void *ctx, const mms_walked *met, mms_error *err)
{
    const file_visit *v = ctx;
    return met->kind == MMS_WALK_FILE ? v->visit(v->ctx, met->path, met->info->st_size, err)
                                      : MMS_OK;
}

mms_status mms_tree_visit(const char *path, mms_file_visit *visit, void *ctx, mms_error *err)
{
    file_visit v = {visit, ctx};
    return mms_walk(path, MMS_WALK_FOLLOW, visit_file, &v, err);
}

static mms_status add_bytes(void *ctx, const char *path, int64_t bytes, mms_error *err)
{
    int64_t *const sum = ctx;

    (void)path, (void)err;
    *sum += bytes;
    return MMS_OK;
}

mms_status mms_tree_bytes(const char *path, int64_t *bytes, mms_error *err)
{
    *bytes = 0;
    return mms_tree_visit(path, add_bytes, bytes, err);
}

mms_status mms_sync_folder(const char *path, mms_error *err)
{
    const int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    mms_status st = MMS_OK;

    if (fd < 0 || fsync(fd))
        st = mms_fail_errno(err, errno, "%s: cannot sync", path);
    if (fd >= 0)
        close(fd);
    return st;
}
