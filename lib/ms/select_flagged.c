/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file select_flagged.c  Rows that are flagged as a whole (FLAG_ROW, or all of FLAG), read as
 * blocks: TaQL would read cell by cell. */
#include <stdlib.h>
#include <string.h>

#include "base/base_priv.h"
#include "columns.h"
#include "select_flagged_priv.h"

enum { FLAGGED_BYTES = 1 << 20 };

/** Clear the mask of rows whose FLAG_ROW is set. */
static mms_status mask_flag_row(mms_ms *ms, mms_rows rows, uint8_t *mask, mms_error *err)
{
    uint8_t *flags;
    mms_status st;

    if (!mms_ms_find_column(ms, MMS_COL_FLAG_ROW))
        return MMS_OK;
    if (!(flags = mms_alloc(rows.count, 1)))
        return mms_fail(err, MMS_ERR_MEM, "FLAG_ROW: out of memory");
    st = mms_ms_read(ms, MMS_COL_FLAG_ROW, 1, &rows, rows.count, flags, err);
    for (int64_t i = 0; st == MMS_OK && i < rows.count; i++)
        mask[i] = mask[i] && !flags[i];
    free(flags);
    return st;
}

/** Clear the mask of rows of one cell shape, n flags each. */
static mms_status mask_cells(mms_ms *ms, mms_rows rows, int64_t n, uint8_t *mask, mms_error *err)
{
    const int64_t most = n < FLAGGED_BYTES ? FLAGGED_BYTES / n : 1;
    uint8_t *flags = mms_alloc((most < rows.count ? most : rows.count) * n, 1);
    mms_status st = flags ? MMS_OK : mms_fail(err, MMS_ERR_MEM, "FLAG: out of memory");

    for (int64_t at = 0; st == MMS_OK && at < rows.count; at += most) {
        const int64_t left = rows.count - at, count = left < most ? left : most;
        const mms_rows some = {rows.first + at, count};
        st = mms_ms_read(ms, MMS_COL_FLAG, 1, &some, count * n, flags, err);
        for (int64_t i = 0; st == MMS_OK && i < count; i++)
            mask[at + i] = mask[at + i] && memchr(flags + i * n, 0, (size_t)n) != NULL;
    }
    free(flags);
    return st;
}

/** Clear the mask of rows [first, end) of the mask that are selected so far and flagged in all
 * cells. */
static mms_status mask_stretch(mms_ms *ms, mms_rows rows, uint8_t *mask, mms_error *err)
{
    const mms_column *column = mms_ms_find_column(ms, MMS_COL_FLAG);
    mms_shape_run *runs;
    int64_t nrun;
    mms_status st = mms_ms_shapes(ms, MMS_COL_FLAG, 1, &rows, &runs, &nrun, err);

    for (int64_t i = 0; st == MMS_OK && i < nrun; i++) {
        const int64_t n =
            runs[i].ndim < 1 ? 0 : mms_cell_values(column, runs[i].ndim, runs[i].shape);
        uint8_t *const part = mask + (runs[i].rows.first - rows.first);
        if (n > 0)
            st = mask_cells(ms, runs[i].rows, n, part, err);
        else // no value that is not flagged
            memset(part, 0, (size_t)runs[i].rows.count);
    }
    if (nrun)
        free(runs);
    return st;
}

mms_status mms_mask_flagged(mms_ms *ms, mms_rows rows, uint8_t *mask, mms_error *err)
{
    mms_status st = mask_flag_row(ms, rows, mask, err);

    for (int64_t at = 0, end; st == MMS_OK && at < rows.count; at = end) {
        while (at < rows.count && !mask[at])
            at++;
        for (end = at; end < rows.count && mask[end];)
            end++;
        if (end > at)
            st = mask_stretch(ms, (mms_rows){rows.first + at, end - at}, mask + at, err);
    }
    return st;
}
