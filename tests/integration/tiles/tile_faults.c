/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file tile_faults.c  Preloaded by the tests, between the program and what it reads and writes of
 *  tile files whose path holds TILE_PATH.
 *
 *  TILE_FAULT=flip changes the first byte of what pread gives; so lib/tiles reads, not casacore.
 *  full lets the disk be full after the first 10,000 bytes of each file; quota tells so when a file
 *  is closed, as NFS may.  count appends a line of bytes and path to the file TILE_LOG for each
 *  write. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#define SHOWN __attribute__((visibility("default")))

enum { ROOM = 10000, PATH_SIZE = 4096 };

/** Whether this is asked for, of this file. */
static bool strikes(const char *fault, int fd, char *path)
{
    const char *wanted = getenv("TILE_FAULT");
    char link[64];

    if (!wanted || strcmp(wanted, fault))
        return false;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    const ssize_t n = readlink(link, path, PATH_SIZE - 1);
    path[n > 0 ? n : 0] = '\0';
    return strstr(path, "_TSM") && strstr(path, getenv("TILE_PATH"));
}

static ssize_t counted(int fd, ssize_t done)
{
    char path[PATH_SIZE];
    const char *log = getenv("TILE_LOG");

    if (done <= 0 || !log || !strikes("count", fd, path))
        return done;
    FILE *out = fopen(log, "a");
    if (!out || fprintf(out, "%zd %s\n", done, path) < 0 || fclose(out))
        abort();
    return done;
}

SHOWN ssize_t pread(int fd, void *bytes, size_t n, off_t at)
{
    char path[PATH_SIZE];
    const ssize_t got = syscall(SYS_pread64, fd, bytes, n, at);
    if (got > 0 && strikes("flip", fd, path))
        *(char *)bytes ^= 1;
    return got;
}

SHOWN ssize_t write(int fd, const void *bytes, size_t n)
{
    return counted(fd, syscall(SYS_write, fd, bytes, n));
}

SHOWN ssize_t pwrite(int fd, const void *bytes, size_t n, off_t at)
{
    char path[PATH_SIZE];
    if (at + (off_t)n > ROOM && strikes("full", fd, path)) {
        errno = ENOSPC;
        return -1;
    }
    return counted(fd, syscall(SYS_pwrite64, fd, bytes, n, at));
}

SHOWN int close(int fd)
{
    char path[PATH_SIZE];
    const bool late = (fcntl(fd, F_GETFL) & O_ACCMODE) != O_RDONLY && strikes("quota", fd, path);
    const int rc = (int)syscall(SYS_close, fd);
    if (!late)
        return rc;
    errno = EDQUOT;
    return -1;
}

SHOWN ssize_t copy_file_range(int in, off_t *in_at, int out, off_t *out_at, size_t n,
                              unsigned flags)
{
    char path[PATH_SIZE];
    if (strikes("full", out, path)) {
        errno = ENOSPC;
        return -1;
    }
    return counted(out, syscall(SYS_copy_file_range, in, in_at, out, out_at, n, flags));
}
