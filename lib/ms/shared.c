/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file shared.c  How many bytes of a copy will be blocks of the MS. */
#include "shared.h"

#include <stdlib.h>

#include "base/base_priv.h"
#include "ms_priv.h"

mms_status mms_ms_shared_bytes(mms_ms *ms, const char *rows_file, int64_t block, int64_t n,
                               const char *const *names, int64_t *bytes, mms_error *err)
{
    mms_shared_column *columns = mms_alloc(n, sizeof *columns);
    mms_status st =
        columns ? MMS_OK : mms_fail(err, MMS_ERR_MEM, "%s: out of memory", mms_ms_path(ms));

    *bytes = 0;
    for (int64_t i = 0; st == MMS_OK && i < n; i++) {
        mms_stored in;
        int64_t place;
        columns[i].name = names[i];
        st = mms_ms_find_stored(ms, names[i], &in, err);
        if (st == MMS_OK) {
            const mms_tiles *tiles = mms_stored_tiles(&in, &place);
            st = mms_tiles_share_create(block, !tiles || mms_tiles_has_gaps(tiles),
                                        &columns[i].plan, err);
        }
    }
    if (st == MMS_OK)
        st = mms_ms_plan_sharing(ms, rows_file, n, columns, err);
    for (int64_t i = 0; columns && i < n; i++) {
        *bytes += mms_tiles_share_bytes(columns[i].plan);
        mms_tiles_share_free(&columns[i].plan);
    }
    free(columns);
    return st;
}
