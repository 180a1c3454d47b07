/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file file.c  Bytes of a manager that is written, and how its header begins. */
#include <errno.h>
#include <stdlib.h>

#include "base/base_priv.h"
#include "base/files_priv.h"
#include "write_priv.h"

mms_status bucket_write_file(const mms_buckets *b, int64_t at, int64_t n, const void *bytes,
                             mms_error *err)
{
    return mms_pwrite_all(b->fd, bytes, n, at) < 0 ? mms_fail_errno(err, errno, "%s", b->path)
                                                   : MMS_OK;
}

int64_t begin_header(mms_bytes *bytes, const mms_buckets *b, const char *type, int version)
{
    mms_bytes_magic(bytes);
    const int64_t object = mms_bytes_begin(bytes, type, (uint64_t)version + !b->big_endian);
    if (!b->big_endian)
        mms_bytes_number(bytes, 0, 1);
    return object;
}

mms_status write_bytes(const mms_buckets *b, int64_t at, mms_bytes *bytes, mms_error *err)
{
    const mms_status st = bytes->failed ? mms_fail(err, MMS_ERR_MEM, "%s: out of memory", b->path)
                                        : bucket_write_file(b, at, bytes->size, bytes->bytes, err);
    free(bytes->bytes);
    *bytes = (mms_bytes){0};
    return st;
}
