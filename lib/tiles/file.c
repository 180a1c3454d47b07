/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file file.c  The files of a manager: names, whole reads and writes. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/base_priv.h"
#include "base/files_priv.h"
#include "cube_priv.h"

/** Less than this is not worth a call. */
enum { WRITE_BACK = 256 << 10, RESERVE = 1 << 20 };

char *tiles_path(const mms_tiles *t, int64_t file)
{
    if (file < 0)
        return mms_format("%s/table.f%" PRId64, t->table, t->sequence);
    return mms_format("%s/table.f%" PRId64 "_TSM%" PRId64, t->table, t->sequence, file);
}

/** Report errno, or a file that ends too early, with the file's name. */
static mms_status bad_file(const mms_tiles *t, const tile_file *f, int64_t at, int errnum,
                           mms_error *err)
{
    char *path = tiles_path(t, f->number);
    const mms_status st =
        errnum ? mms_fail_errno(err, errnum, "%s", path ? path : t->table)
               : mms_fail(err, MMS_ERR_TABLE, "%s ends at byte %" PRId64 ", its tiles do not",
                          path ? path : t->table, at);
    free(path);
    return st;
}

mms_status file_read(const mms_tiles *t, const tile_file *f, int64_t at, int64_t n, void *bytes,
                     mms_error *err)
{
    const int64_t got = mms_pread_all(f->fd, bytes, n, at);

    return got == n ? MMS_OK : bad_file(t, f, at + got, got < 0 ? errno : 0, err);
}

void file_written(const mms_tiles *t, const tile_file *f, int64_t at, int64_t n)
{
    if (t->write_back && n >= WRITE_BACK) // an error shows up in the sync to come
        (void)sync_file_range(f->fd, at, n, SYNC_FILE_RANGE_WRITE);
}

mms_status file_write(const mms_tiles *t, const tile_file *f, int64_t at, int64_t n,
                      const void *bytes, mms_error *err)
{
    if (mms_pwrite_all(f->fd, bytes, n, at) < 0)
        return bad_file(t, f, at, errno, err);
    file_written(t, f, at, n);
    return MMS_OK;
}

mms_status file_open(const mms_tiles *t, tile_file *f, bool create, mms_error *err)
{
    char *path = tiles_path(t, f->number);
    int64_t bytes;
    mms_status st = MMS_OK;

    if (!path)
        return mms_fail(err, MMS_ERR_MEM, "%s: out of memory", t->table);
    if (create)
        st = mms_create_file(path, &f->fd, err);
    else
        st = mms_open_file(path, &f->fd, &bytes, err);
    if (st == MMS_OK)
        f->there = true;
    if (f->there && !create)
        (void)posix_fadvise(f->fd, 0, 0, POSIX_FADV_SEQUENTIAL); // reads further ahead
    free(path);
    return st;
}

mms_status file_check(const mms_tiles *t, const tile_file *f, int64_t need, mms_error *err)
{
    const int64_t have = lseek(f->fd, 0, SEEK_END);

    if (have < 0)
        return bad_file(t, f, 0, errno, err);
    return have < need ? bad_file(t, f, have, 0, err) : MMS_OK;
}

void file_reserve(tile_file *f, int64_t bytes)
{
    if (bytes < f->reserved + RESERVE)
        return;
    if (fallocate(f->fd, 0, f->reserved, bytes - f->reserved) == 0) {
        f->reserved = bytes;
        return;
    }
    if (errno != EOPNOTSUPP) // what was found may be needed elsewhere
        (void)!ftruncate(f->fd, f->reserved);
    f->reserved = INT64_MAX - RESERVE;
}

bool file_share(const tile_file *from, int64_t at, const tile_file *to, int64_t to_at, int64_t n)
{
    struct file_clone_range range = {.src_fd = from->fd,
                                     .src_offset = (uint64_t)at,
                                     .src_length = (uint64_t)n,
                                     .dest_offset = (uint64_t)to_at};

    return TEMP_FAILURE_RETRY(ioctl(to->fd, FICLONERANGE, &range)) == 0;
}

mms_status file_close(const mms_tiles *t, tile_file *f, mms_error *err)
{
    const int fd = f->fd;

    f->fd = -1;
    return fd < 0 || close(fd) == 0 ? MMS_OK : bad_file(t, f, 0, errno, err);
}

mms_status file_extend(const mms_tiles *t, const tile_file *f, int64_t bytes, mms_error *err)
{
    return ftruncate(f->fd, bytes) == 0 ? MMS_OK : bad_file(t, f, 0, errno, err);
}
