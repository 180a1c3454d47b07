/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file files.c  Files and folders: copy, remove, sync, space. */
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base_priv.h"
#include "files_priv.h"

static mms_status status_of_errno(int errnum)
{
    switch (errnum) {
    case ENOENT:
    case ENOTDIR:
        return MMS_ERR_NOT_FOUND;
    case EEXIST:
    case ENOTEMPTY:
        return MMS_ERR_EXISTS;
    case ENOSPC:
    case EDQUOT:
        return MMS_ERR_SPACE;
    case ENOMEM:
        return MMS_ERR_MEM;
    default:
        return MMS_ERR_IO;
    }
}

mms_status mms_fail_errno(mms_error *err, int errnum, const char *fmt, ...)
{
    char text[sizeof err->msg];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    return mms_fail(err, status_of_errno(errnum), "%s: %s", text, strerror(errnum));
}

/* A walk over path and all below it; links are not followed, the root only with FTS_COMFOLLOW. */
static FTS *walk(const char *path, int options)
{
    char *const roots[] = {(char *)(uintptr_t)path, NULL};
    return fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR | options, NULL);
}

static mms_status remove_entry(const FTSENT *entry, mms_error *err)
{
    int rc = 0;

    switch (entry->fts_info) {
    case FTS_D:
        break;
    case FTS_DP:
        rc = rmdir(entry->fts_accpath);
        break;
    case FTS_ERR:
    case FTS_DNR:
        return mms_fail_errno(err, entry->fts_errno, "%s", entry->fts_path);
    default:
        rc = unlink(entry->fts_accpath);
    }
    if (rc && errno != ENOENT)
        return mms_fail_errno(err, errno, "%s: cannot remove", entry->fts_path);
    return MMS_OK;
}

mms_status mms_remove_tree(const char *path, mms_error *err)
{
    struct stat info;
    mms_status st = MMS_OK;
    FTSENT *entry;
    FTS *tree;

    if (lstat(path, &info) && errno == ENOENT)
        return MMS_OK;
    if (!(tree = walk(path, 0)))
        return mms_fail_errno(err, errno, "%s", path);
    while (st == MMS_OK && (entry = fts_read(tree)))
        st = remove_entry(entry, err);
    fts_close(tree);
    return st;
}

/* What copy_file_range can't copy here, sendfile does from where it stopped, or says why not. */
static int copy_bytes(int in, int out)
{
    const size_t chunk = (size_t)1 << 30;
    ssize_t n;

    while ((n = TEMP_FAILURE_RETRY(copy_file_range(in, NULL, out, NULL, chunk, 0))) > 0)
        continue;
    while ((n = TEMP_FAILURE_RETRY(sendfile(out, in, NULL, chunk))) > 0)
        continue;
    return n < 0 ? -1 : 0;
}

mms_status mms_copy_file(const char *src, const char *dst, mms_error *err)
{
    mms_status st = MMS_OK;
    struct stat info;
    int in, out = -1;

    in = open(src, O_RDONLY | O_CLOEXEC);
    if (in < 0 || fstat(in, &info))
        st = mms_fail_errno(err, errno, "%s: cannot read", src);
    else if ((out = open(dst, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)) < 0)
        st = mms_fail_errno(err, errno, "%s: cannot create", dst);
    else if (copy_bytes(in, out) || fchmod(out, (info.st_mode & 07777) | S_IWUSR))
        st = mms_fail_errno(err, errno, "%s: cannot write", dst);
    if (out >= 0 && close(out) && st == MMS_OK)
        st = mms_fail_errno(err, errno, "%s: cannot write", dst);
    if (in >= 0)
        close(in);
    return st;
}

static mms_status copy_link(const char *src, const char *dst, mms_error *err)
{
    char target[4096];
    const ssize_t n = readlink(src, target, sizeof target - 1);

    if (n < 0)
        return mms_fail_errno(err, errno, "%s: cannot read", src);
    target[n] = '\0';
    if (symlink(target, dst))
        return mms_fail_errno(err, errno, "%s: cannot create", dst);
    return MMS_OK;
}

static mms_status copy_what_link_means(const char *src, const char *dst, mms_error *err)
{
    struct stat info;
    char *real = realpath(src, NULL);
    mms_status st;

    if (!real || stat(real, &info))
        st = mms_fail_errno(err, errno, "%s: link without target", src);
    else if (S_ISDIR(info.st_mode))
        st = mms_copy_tree(real, dst, false, err);
    else
        st = mms_copy_file(real, dst, err);
    free(real);
    return st;
}

static mms_status copy_entry(const FTSENT *entry, const char *dst, bool follow_top, mms_error *err)
{
    const char *src = entry->fts_path;

    switch (entry->fts_info) {
    case FTS_D: /* writable until its last entry is in it */
        return mkdir(dst, 0700) ? mms_fail_errno(err, errno, "%s: cannot create", dst) : MMS_OK;
    case FTS_DP:
        return chmod(dst, (entry->fts_statp->st_mode & 07777) | S_IRWXU)
                   ? mms_fail_errno(err, errno, "%s: cannot set the mode", dst)
                   : MMS_OK;
    case FTS_F:
        return mms_copy_file(src, dst, err);
    case FTS_SL:
        return follow_top && entry->fts_level == 1 ? copy_what_link_means(src, dst, err)
                                                   : copy_link(src, dst, err);
    case FTS_ERR:
    case FTS_DNR:
    case FTS_NS:
        return mms_fail_errno(err, entry->fts_errno, "%s: cannot read", src);
    default:
        return mms_fail(err, MMS_ERR_UNSUPPORTED, "%s: neither file nor folder nor link", src);
    }
}

/* What no table has: .svn, .DS_Store, .nfs of a file that is gone. */
static bool is_foreign(const FTSENT *entry)
{
    return entry->fts_level > 0 && entry->fts_name[0] == '.';
}

mms_status mms_copy_tree(const char *src, const char *dst, bool follow_top, mms_error *err)
{
    char *root = mms_path_strip(src);
    FTS *tree = root ? walk(root, 0) : NULL;
    mms_status st = MMS_OK;
    FTSENT *entry;

    if (!tree)
        st = mms_fail_errno(err, errno, "%s: cannot read", src);
    while (st == MMS_OK && (entry = fts_read(tree))) {
        if (is_foreign(entry)) {
            (void)fts_set(tree, entry, FTS_SKIP);
            continue;
        }
        char *path = mms_format("%s%s", dst, entry->fts_path + strlen(root));
        st = path ? copy_entry(entry, path, follow_top, err)
                  : mms_fail(err, MMS_ERR_MEM, "%s: out of memory", src);
        free(path);
    }
    if (tree)
        fts_close(tree);
    free(root);
    return st;
}

mms_status mms_tree_visit(const char *path, mms_file_visit *visit, void *ctx, mms_error *err)
{
    FTS *tree = walk(path, FTS_COMFOLLOW);
    mms_status st = MMS_OK;
    FTSENT *entry;

    if (!tree)
        return mms_fail_errno(err, errno, "%s: cannot read", path);
    while (st == MMS_OK && (entry = fts_read(tree))) {
        if (entry->fts_info == FTS_F)
            st = visit(ctx, entry->fts_path, entry->fts_statp->st_size, err);
        else if (entry->fts_info == FTS_ERR || entry->fts_info == FTS_DNR ||
                 entry->fts_info == FTS_NS)
            st = mms_fail_errno(err, entry->fts_errno, "%s: cannot read", entry->fts_path);
    }
    fts_close(tree);
    return st;
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

mms_status mms_disk_free(const char *path, int64_t *bytes, mms_error *err)
{
    char *folder = mms_path_absolute(path);
    mms_status st = MMS_OK;
    struct statvfs info;
    int rc = -1;

    *bytes = 0;
    while (folder && (rc = statvfs(folder, &info)) && errno == ENOENT && strcmp(folder, "/")) {
        char *parent = mms_path_dir(folder);
        free(folder);
        folder = parent;
    }
    if (!folder)
        st = mms_fail(err, MMS_ERR_MEM, "%s: out of memory", path);
    else if (rc)
        st = mms_fail_errno(err, errno, "%s: cannot ask for free space", folder);
    else if (__builtin_mul_overflow(info.f_bavail, info.f_frsize, bytes))
        *bytes = INT64_MAX;
    free(folder);
    return st;
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
