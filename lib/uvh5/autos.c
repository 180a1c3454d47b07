/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file autos.c  Auto-correlations of a file that was written, which are copied as they are:
 * pyuvdata holds that they are real. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/files_priv.h"
#include "uvh5_priv.h"

/** Products of one feed with itself; -3, -4, -7, -8 are of two. */
static bool is_real(int32_t code)
{
    return code > 0 || (-code - 1) % 4 < 2;
}

static bool is_odd(const mms_uvh5 *u, const float (*row)[2])
{
    for (int64_t p = 0; p < u->npol; p++)
        for (int64_t c = 0; is_real(u->pols[p]) && c < u->nfreq; c++)
            if (row[c * u->npol + p][1] != 0)
                return true;
    return false;
}

mms_status mms_uvh5_tell_autos(const mms_uvh5 *u, const char *file, mms_error *err)
{
    const int64_t bytes = u->nfreq * u->npol * 8;
    float(*const row)[2] = mms_alloc(bytes, 1);
    const int fd = open(file, O_RDONLY | O_CLOEXEC);
    int64_t odd = 0;
    mms_status st = MMS_OK;

    if (!row || fd < 0)
        st = row ? mms_fail_errno(err, errno, "%s", file) : mms_uvh5_no_memory(u, err);
    for (int64_t i = 0; st == MMS_OK && i < u->nblt; i++) {
        mms_uvh5_rest(u, i);
        if (u->blts[i].ant1 != u->blts[i].ant2)
            continue;
        if (mms_pread_all(fd, row, bytes, u->offsets[0] + i * bytes) != bytes)
            st = mms_fail_errno(err, errno ? errno : EIO, "%s", file);
        odd += st == MMS_OK && is_odd(u, (const float(*)[2])row);
    }
    if (odd)
        MMS_UVH5_TELL(u, MMS_LOG_WARN,
                      "%" PRId64
                      " auto-correlations are not real: they are copied, and pyuvdata makes them "
                      "real when it reads the file",
                      odd);
    if (fd >= 0)
        close(fd);
    free(row);
    return st;
}
