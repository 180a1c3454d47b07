/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file pack.c  In a worker: flags and nsamples that wait beside a file are compressed into it, by
 *  HDF5, one chunk after the other. */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/files_priv.h"
#include "orders_priv.h"
#include "pack_priv.h"

int64_t mms_uvh5_chunk_rows(int64_t values)
{
    enum { VALUES = 1 << 18 };
    return VALUES / values + 1;
}

int64_t mms_uvh5_cells_offset(int64_t values, int kind)
{
    assert(kind == 1 || kind == 2); // visdata does not wait
    return kind == 2 ? (values + 7) / 8 * 8 : 0;
}

static mms_status no_memory(mms_error *err)
{
    return mms_fail(err, MMS_ERR_MEM, "compression: out of memory");
}

/** Copy n bytes at an offset to the end of to, or, back, its next bytes to the offset. */
static mms_status copy(int fd, int64_t at, int64_t n, int to, bool back, const char *path,
                       mms_error *err)
{
    enum { PIECE = 1 << 20 };
    char *const buffer = mms_alloc(PIECE, 1);
    mms_status st = buffer ? MMS_OK : no_memory(err);

    for (int64_t done = 0; st == MMS_OK && done < n; done += PIECE) {
        const int64_t bytes = n - done < PIECE ? n - done : PIECE;
        if (back) {
            st = mms_read_all(to, buffer, bytes, path, err);
            if (st == MMS_OK && mms_pwrite_all(fd, buffer, bytes, at + done) < 0)
                st = mms_fail_errno(err, errno, "%s", path);
        } else if (mms_pread_all(fd, buffer, bytes, at + done) != bytes) {
            st = mms_fail_errno(err, errno ? errno : EIO, "%s", path);
        } else {
            st = mms_write_all(to, buffer, bytes, path, err);
        }
    }
    free(buffer);
    return st;
}

/** Everything but visdata, which packing leaves as it is: head and tail of the file, in saved. */
static mms_status copy_rest(const mms_uvh5_export_order *o, int fd, int64_t bytes, int saved,
                            bool back, mms_error *err)
{
    const int64_t begin = o->offsets[0], end = begin + o->nblt * o->nfreq * o->npol * 8;
    const mms_status st = copy(fd, 0, begin, saved, back, o->file, err);

    return st == MMS_OK && bytes > end ? copy(fd, end, bytes - end, saved, back, o->file, err) : st;
}

/** The file as it was before an attempt to pack it that was broken off; else a copy of what packing
 *  changes, under its name when it is complete. */
static mms_status restore(const mms_uvh5_export_order *o, const char *saved, mms_error *err)
{
    const int64_t visdata = o->nblt * o->nfreq * o->npol * 8;
    char *const part = mms_format("%s.part", saved);
    struct stat old, now;
    const bool back = !stat(saved, &old);
    const int fd = open(o->file, O_RDWR | O_CLOEXEC);
    int to = -1;
    mms_status st = MMS_OK;

    if (!part)
        MMS_TRY(no_memory(err));
    if (!back)
        MMS_TRY(mms_remove_tree(part, err));
    if (fd < 0 || fstat(fd, &now))
        MMS_TRY(mms_fail_errno(err, errno, "%s", o->file));
    if (back && (to = open(saved, O_RDONLY | O_CLOEXEC)) < 0)
        MMS_TRY(mms_fail_errno(err, errno, "%s", saved));
    if (!back)
        MMS_TRY(mms_create_file(part, &to, err));
    MMS_TRY(copy_rest(o, fd, back ? old.st_size + visdata : now.st_size, to, back, err));
    if (back && ftruncate(fd, old.st_size + visdata))
        MMS_TRY(mms_fail_errno(err, errno, "%s", o->file));
    if (!back && rename(part, saved))
        MMS_TRY(mms_fail_errno(err, errno, "%s", saved));
done:
    if (to >= 0)
        close(to);
    if (fd >= 0)
        close(fd);
    free(part);
    return st;
}

/** Bring flags and nsamples into the file, a chunk at a time: what is written in pieces is
 * compressed again with each. */
static mms_status pack_cells(const mms_uvh5_export_order *o, int fd, mms_h5 *file,
                             const mms_hdf5_module *hdf5, mms_error *err)
{
    static const char *const names[] = {"Data/visdata", "Data/flags", "Data/nsamples"};
    static const int64_t sizes[] = {8, 1, 4};
    const int64_t row = o->nfreq * o->npol, most = mms_uvh5_chunk_rows(row), all = o->nblt * row;
    void *const buffer = mms_alloc(most * row, 4);
    mms_status st = buffer ? MMS_OK : no_memory(err);

    for (int64_t at = 0; st == MMS_OK && at < o->nblt; at += most) {
        const int64_t n = most < o->nblt - at ? most : o->nblt - at;
        for (int k = 1; st == MMS_OK && k < 3; k++) {
            const int64_t bytes = n * row * sizes[k];
            if (mms_pread_all(fd, buffer, bytes,
                              mms_uvh5_cells_offset(all, k) + at * row * sizes[k]) != bytes)
                st = mms_fail_errno(err, errno ? errno : EIO, "%s", o->cells);
            if (st == MMS_OK)
                st = hdf5->write(file, names[k], at, n, buffer, err);
        }
        if (st == MMS_OK)
            st = mms_check_stop(err);
    }
    free(buffer);
    return st;
}

mms_status mms_uvh5_pack(const mms_value *shared, mms_error *err)
{
    mms_uvh5_export_order order = {0};
    const mms_hdf5_module *hdf5 = NULL;
    mms_h5 *file = NULL;
    char *saved = NULL;
    int fd = -1;
    mms_status st;

    MMS_TRY(mms_uvh5_export_order_decode(shared, &order, err));
    MMS_TRY(mms_hdf5_load(&hdf5, err));
    saved = mms_uvh5_saved_name(order.cells);
    MMS_TRY(saved ? restore(&order, saved, err) : no_memory(err));
    fd = open(order.cells, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        MMS_TRY(mms_fail_errno(err, errno, "%s", order.cells));
    MMS_TRY(hdf5->reopen(order.file, &file, err));
    MMS_TRY(pack_cells(&order, fd, file, hdf5, err));
    MMS_TRY(hdf5->close(&file, err));
done:
    if (file)
        (void)!hdf5->close(&file, NULL);
    if (fd >= 0)
        close(fd);
    free(saved);
    mms_uvh5_export_order_free(&order);
    return st;
}

char *mms_uvh5_saved_name(const char *cells)
{
    return mms_format("%s.before", cells);
}
