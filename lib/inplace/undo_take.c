/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file undo_take.c  Files that a worker keeps for the undo, just before it writes them. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/base_priv.h"
#include "base/files_priv.h"
#include "undo_priv.h"

static mms_status no_memory(mms_error *err)
{
    return mms_fail(err, MMS_ERR_MEM, "undo: out of memory");
}

/** Where a file is kept: moved, copied, and while that is done. */
typedef struct places {
    char *moved, *copied, *fresh;
} places;

static mms_status find_places(const char *folder, const char *name, places *p, mms_error *err)
{
    *p = (places){mms_format("%s/%s", folder, name), mms_format("%s/%s.copy", folder, name),
                  mms_format("%s/%s.new", folder, name)};
    return p->moved && p->copied && p->fresh ? MMS_OK : no_memory(err);
}

static void free_places(places *p)
{
    free(p->moved);
    free(p->copied);
    free(p->fresh);
}

mms_status mms_undo_give_back(const char *folder, const char *name, const char *file,
                              mms_error *err)
{
    char *table = mms_path_dir(file);
    bool moved = false, copied = false;
    places p;
    mms_status st;

    MMS_TRY(find_places(folder, name, &p, err));
    MMS_TRY(table ? MMS_OK : no_memory(err));
    MMS_TRY(mms_path_taken(p.moved, &moved, err));
    MMS_TRY(mms_path_taken(p.copied, &copied, err));
    if (moved && rename(p.moved, file))
        MMS_TRY(mms_fail_errno(err, errno, "%s", file));
    if (moved)
        MMS_TRY(mms_sync_folder(table, err));
    else if (copied)
        MMS_TRY(mms_undo_put_back(p.copied, file, err));
done:
    free_places(&p);
    free(table);
    return st;
}

bool mms_undo_can_move(const char *lock_path, const char *file)
{
    struct stat s, lock;

    return !lstat(file, &s) && S_ISREG(s.st_mode) && s.st_nlink == 1 && !stat(lock_path, &lock) &&
           s.st_dev == lock.st_dev && (s.st_uid == geteuid() || geteuid() == 0) &&
           getxattr(file, "system.posix_acl_access", NULL, 0) < 0;
}

/** Make a file that is like another, but for its bytes. */
static mms_status make_like(const char *file, const char *fresh, mms_error *err)
{
    struct stat s;
    int fd = -1;
    mms_status st = MMS_OK;

    if (stat(file, &s))
        return mms_fail_errno(err, errno, "%s", file);
    fd = open(fresh, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return mms_fail_errno(err, errno, "%s", fresh);
    if (fchown(fd, s.st_uid, s.st_gid) || fchmod(fd, s.st_mode & 07777) || ftruncate(fd, s.st_size))
        st = mms_fail_errno(err, errno, "%s", fresh);
    if (close(fd) && st == MMS_OK)
        st = mms_fail_errno(err, errno, "%s", fresh);
    return st;
}

/** Move a file and put one like it in its place; *moved is false, and nothing was done, where that
 *  can't be: between mounts, or with a group that is not one's own. */
static mms_status move(const places *p, const char *file, bool *moved, mms_error *err)
{
    bool taken = true; // another worker's, perhaps: what it kept is never written over

    *moved = mms_path_taken(p->moved, &taken, NULL) == MMS_OK && !taken &&
             make_like(file, p->fresh, NULL) == MMS_OK && !rename(file, p->moved);
    if (*moved && rename(p->fresh, file))
        return mms_fail_errno(err, errno, "%s", file);
    return MMS_OK;
}

static mms_status sync_file(const char *path, mms_error *err)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    mms_status st = fd >= 0 && !fsync(fd) ? MMS_OK : mms_fail_errno(err, errno, "%s", path);

    if (fd >= 0)
        close(fd);
    return st;
}

static mms_status copy(const places *p, const char *folder, const char *file, bool sync,
                       mms_error *err)
{
    bool copied = false;
    mms_status st;

    MMS_TRY(mms_path_taken(p->copied, &copied, err));
    if (copied)
        goto done;
    if (unlink(p->fresh) && errno != ENOENT)
        MMS_TRY(mms_fail_errno(err, errno, "%s", p->fresh));
    MMS_TRY(mms_copy_file(file, p->fresh, err));
    if (sync)
        MMS_TRY(sync_file(p->fresh, err));
    if (rename(p->fresh, p->copied))
        MMS_TRY(mms_fail_errno(err, errno, "%s", p->copied));
    if (sync)
        MMS_TRY(mms_sync_folder(folder, err));
done:
    return st;
}

mms_status mms_undo_take(const char *lock_path, const char *name, const char *file, bool *moves,
                         bool sync, mms_error *err)
{
    char *folder = mms_path_dir(lock_path);
    places p = {0};
    mms_status st;

    MMS_TRY(folder ? MMS_OK : no_memory(err));
    MMS_TRY(find_places(folder, name, &p, err));
    if (*moves)
        MMS_TRY(move(&p, file, moves, err));
    if (!*moves)
        st = copy(&p, folder, file, sync, err);
done:
    free_places(&p);
    free(folder);
    return st;
}

static bool has_bytes(int fd, int64_t at, const char *bytes, int64_t n, char *buffer)
{
    return pread(fd, buffer, (size_t)n, (off_t)at) == (ssize_t)n &&
           !memcmp(buffer, bytes, (size_t)n);
}

static mms_status write_at(int fd, int64_t at, const char *bytes, int64_t n, const char *path,
                           mms_error *err)
{
    if (lseek(fd, (off_t)at, SEEK_SET) < 0)
        return mms_fail_errno(err, errno, "%s", path);
    return mms_write_all(fd, bytes, n, path, err);
}

/* A file that is as it was keeps its times, by which a journal knows it. */
mms_status mms_undo_put_back(const char *from, const char *to, mms_error *err)
{
    static const int64_t step = 1 << 20;
    char *buffer = malloc(2 * (size_t)step);
    int in = -1, out = -1;
    int64_t bytes = 0;
    struct stat s = {0};
    mms_status st = buffer ? MMS_OK : no_memory(err);

    if (st == MMS_OK)
        st = mms_open_file(from, &in, &bytes, err);
    if (st == MMS_OK && (out = open(to, O_RDWR | O_CREAT | O_CLOEXEC, 0666)) < 0)
        st = mms_fail_errno(err, errno, "%s", to);
    if (st == MMS_OK && fstat(out, &s))
        st = mms_fail_errno(err, errno, "%s", to);
    for (int64_t at = 0; st == MMS_OK && at < bytes; at += step) {
        const int64_t n = bytes - at < step ? bytes - at : step;
        st = mms_read_all(in, buffer, n, from, err);
        if (st == MMS_OK && !has_bytes(out, at, buffer, n, buffer + step))
            st = write_at(out, at, buffer, n, to, err);
    }
    if (st == MMS_OK && ((s.st_size > bytes && ftruncate(out, (off_t)bytes)) || fsync(out)))
        st = mms_fail_errno(err, errno, "%s", to);
    if (in >= 0)
        close(in);
    if (out >= 0 && close(out) && st == MMS_OK)
        st = mms_fail_errno(err, errno, "%s", to);
    free(buffer);
    return st;
}
