/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file space.c  Room on a disk, and whether it was room that was missing. */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base_priv.h"
#include "files_priv.h"

enum { LEAST = 64 << 10 /* bytes: a disk with less is full */ };

mms_status mms_disk_free(const char *path, int64_t *bytes, mms_error *err)
{
    char *folder = mms_path_absolute(path);
    mms_status st = MMS_OK;
    struct statvfs info;
    int rc = -1;

    *bytes = 0;
    while (folder && (rc = statvfs(folder, &info)) && mms_is_absence(errno) &&
           strcmp(folder, "/")) {
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

mms_status mms_disk_demand(const char *path, int64_t bytes, mms_error *err)
{
    int64_t available;
    const mms_status st = mms_disk_free(path, &available, err);

    if (st != MMS_OK || available >= bytes)
        return st;
    return mms_fail(err, MMS_ERR_SPACE, "%s: needs about %.1f MB and the disk has %.1f MB left",
                    path, (double)bytes / 1e6, (double)available / 1e6);
}

int64_t mms_shared_block(const char *from, const char *path)
{
    char *folder = mms_path_dir(path);
    const int in = open(from, O_RDONLY | O_CLOEXEC);
    const int out = folder ? open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600) : -1;
    int block = 0;

    if (in < 0 || out < 0 || TEMP_FAILURE_RETRY(ioctl(out, FICLONE, in)) ||
        ioctl(out, FIGETBSZ, &block))
        block = 0;
    if (in >= 0)
        close(in);
    if (out >= 0)
        close(out);
    free(folder);
    const long page = sysconf(_SC_PAGESIZE); // a smaller part of one may wait in memory
    return block > 0 && block < page ? page : block;
}

bool mms_disk_is_full(const char *path)
{
    char *folder = mms_path_dir(path);
    struct statvfs info;
    const bool known = folder && !statvfs(folder, &info);

    free(folder);
    if (!known)
        return false;
    return info.f_bavail < (LEAST + info.f_frsize - 1) / info.f_frsize ||
           (info.f_files > 0 && info.f_favail == 0);
}

/** Write a little more; quotas and network disks say only then that there is no room. */
static bool lacks_room(int fd)
{
    static const char zeros[LEAST];
    ssize_t n;
    int64_t done = 0;

    while (done < LEAST && (n = TEMP_FAILURE_RETRY(write(fd, zeros, (size_t)(LEAST - done)))) > 0)
        done += n;
    return (done < LEAST || fsync(fd)) && (errno == ENOSPC || errno == EDQUOT);
}

bool mms_file_lacks_room(const char *path)
{
    const int fd =
        open(path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
    struct stat before;

    if (fd < 0)
        return errno == ENOSPC || errno == EDQUOT;
    const bool known = !fstat(fd, &before);
    const bool lacks = lacks_room(fd);
    if (known && !ftruncate(fd, before.st_size)) // nothing is changed, so neither are its times
        (void)!futimens(fd, (const struct timespec[]){before.st_atim, before.st_mtim});
    close(fd);
    return lacks;
}

mms_status mms_disk_try(const char *folder, int64_t bytes, mms_error *err)
{
    const int fd = open(folder, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
    int errnum;

    if (fd < 0) // not every file system has files without names
        return mms_disk_demand(folder, bytes, err);
    errnum = posix_fallocate(fd, 0, (off_t)bytes);
    close(fd);
    return errnum ? mms_fail_errno(err, errnum, "%s", folder) : MMS_OK;
}

char *mms_unwritten_file(const char *message)
{
    static const char *const before[] = {"write error for file ", "write error in "};

    for (int64_t i = 0; i < MMS_COUNT_OF(before); i++) {
        const char *at = strstr(message, before[i]);
        if (!at)
            continue;
        at += strlen(before[i]);
        const char *end = strstr(at, ": ");
        return strndup(at, end ? (size_t)(end - at) : strlen(at));
    }
    return NULL;
}
