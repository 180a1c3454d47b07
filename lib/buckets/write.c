/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file write.c  Make the file of a manager; what the two kinds share. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/base_priv.h"
#include "base/files_priv.h"
#include "write_priv.h"

mms_status mms_buckets_create(const mms_buckets_what *what, mms_buckets_writer **out,
                              mms_error *err)
{
    mms_buckets_writer *w = calloc(1, sizeof *w);
    mms_status st;

    *out = NULL;
    if (!w)
        return mms_fail(err, MMS_ERR_MEM, "%s: out of memory", what->table);
    MMS_TRY(buckets_new(what, &w->b, err));
    w->b->bucket_bytes = what->bucket_bytes;
    w->bucket_rows = what->bucket_rows;
    for (int64_t i = 0; !w->b->incremental && i < what->ncolumn; i++)
        w->b->columns[i].offset = what->offsets[i];
    if (w->b->incremental) {
        w->columns = mms_alloc(what->ncolumn, sizeof *w->columns);
        if (!w->columns)
            MMS_TRY(mms_fail(err, MMS_ERR_MEM, "%s: out of memory", what->table));
    }
    MMS_TRY(mms_create_file(w->b->path, &w->b->fd, err));
    *out = w;
    w = NULL;
done:
    mms_buckets_drop(&w);
    return st;
}

mms_status mms_buckets_put(mms_buckets_writer *w, int64_t column, mms_rows rows, const void *data,
                           mms_error *err)
{
    if (rows.first < 0 || rows.count < 0 || rows.first > w->b->nrow - rows.count)
        return mms_fail(err, MMS_ERR_RANGE, "%s: %s: %" PRId64 " rows from %" PRId64 " of %" PRId64,
                        w->b->table, w->b->columns[column].name, rows.count, rows.first,
                        w->b->nrow);
    return w->b->incremental ? incremental_put(w, column, rows, data, err)
                             : standard_put(w, &w->b->columns[column], rows, data, err);
}

mms_status mms_buckets_advance(mms_buckets_writer *w, int64_t row, mms_error *err)
{
    return w->b->incremental ? incremental_advance(w, row, err) : standard_advance(w, row, err);
}

mms_status mms_buckets_finish(mms_buckets_writer **writer, mms_error *err)
{
    mms_buckets_writer *w = *writer;
    mms_status st;

    if (!w)
        return MMS_OK;
    st = w->b->incremental ? incremental_finish(w, err) : standard_finish(w, err);
    const int fd = w->b->fd;
    w->b->fd = -1;
    if (close(fd) != 0 && st == MMS_OK)
        st = mms_fail_errno(err, errno, "%s", w->b->path);
    mms_buckets_drop(writer);
    return st;
}

void mms_buckets_drop(mms_buckets_writer **writer)
{
    mms_buckets_writer *w = *writer;

    *writer = NULL;
    if (!w)
        return;
    for (int64_t i = 0; w->columns && i < w->b->ncolumn; i++) {
        free(w->columns[i].changes);
        free(w->columns[i].entries);
    }
    mms_buckets_close(&w->b);
    free(w->columns);
    free(w->bytes);
    free(w->firsts);
    free(w);
}
