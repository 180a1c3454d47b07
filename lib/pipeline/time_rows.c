/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file time_rows.c  The rows of a part as the time average meets them. */
#include "time_rows_priv.h"

#include <errno.h>
#include <stdlib.h>

#include "base/files_priv.h"
#include "ms/columns.h"
#include "ms/rowlist_priv.h"
#include "record_sort_priv.h"

enum { CHUNK = 16384 };

/** Scalar columns of a chunk of rows. */
typedef struct chunk {
    double time[CHUNK], uvw[3 * CHUNK];
    int32_t ids[8][CHUNK];
} chunk;

static const char *const id_columns[8] = {
    MMS_COL_OBSERVATION_ID, MMS_COL_ARRAY_ID,     MMS_COL_SCAN_NUMBER, MMS_COL_STATE_ID,
    MMS_COL_FIELD_ID,       MMS_COL_DATA_DESC_ID, MMS_COL_ANTENNA1,    MMS_COL_ANTENNA2};

static mms_status read_chunk(mms_ms *ms, mms_rows rows, chunk *c, mms_error *err)
{
    mms_status st;

    MMS_TRY(mms_ms_read(ms, MMS_COL_TIME, 1, &rows, rows.count, c->time, err));
    MMS_TRY(mms_ms_read(ms, MMS_COL_UVW, 1, &rows, 3 * rows.count, c->uvw, err));
    for (int i = 0; i < 8; i++)
        MMS_TRY(mms_ms_read(ms, id_columns[i], 1, &rows, rows.count, c->ids[i], err));
done:
    return st;
}

static mms_time_row row_of(const chunk *c, int64_t i)
{
    return (mms_time_row){.time_s = c->time[i],
                          .uvw_m = {c->uvw[3 * i], c->uvw[3 * i + 1], c->uvw[3 * i + 2]},
                          .observation = c->ids[0][i],
                          .array = c->ids[1][i],
                          .scan = c->ids[2][i],
                          .state = c->ids[3][i],
                          .field = c->ids[4][i],
                          .ddid = c->ids[5][i],
                          .antenna1 = c->ids[6][i],
                          .antenna2 = c->ids[7][i]};
}

/** The rows of the list in its order. */
static mms_status each_listed(const mms_time_rows *rows, mms_time_row_fn *fn, void *ctx,
                              mms_error *err)
{
    mms_rowlist *list = NULL;
    chunk *c = mms_alloc(1, sizeof *c);
    mms_rows run;
    int64_t position = 0;
    mms_status st;

    MMS_TRY(c ? MMS_OK : mms_fail(err, MMS_ERR_MEM, "%s: out of memory", mms_ms_path(rows->ms)));
    MMS_TRY(mms_rowlist_open(rows->rows_file, mms_ms_nrow(rows->ms), &list, err));
    do {
        MMS_TRY(mms_rowlist_take(list, CHUNK, &run, err));
        if (run.count)
            MMS_TRY(read_chunk(rows->ms, run, c, err));
        for (int64_t i = 0; i < run.count; i++) {
            const mms_time_input in = {row_of(c, i), position++, run.first + i};
            MMS_TRY(fn(ctx, &in, err));
        }
    } while (run.count);
done:
    (void)!mms_rowlist_close(&list, NULL);
    free(c);
    return st;
}

static mms_status each_sorted(const mms_time_rows *rows, mms_time_row_fn *fn, void *ctx,
                              mms_error *err)
{
    mms_time_input in;
    mms_status st = MMS_OK;

    rewind(rows->sorted);
    while (st == MMS_OK && fread(&in, sizeof in, 1, rows->sorted) == 1)
        st = fn(ctx, &in, err);
    if (st == MMS_OK && ferror(rows->sorted))
        st = mms_fail_errno(err, errno, "%s: sorted rows", rows->rows_file);
    return st;
}

mms_status mms_time_rows_each(const mms_time_rows *rows, mms_time_row_fn *fn, void *ctx,
                              mms_error *err)
{
    return rows->sorted ? each_sorted(rows, fn, ctx, err) : each_listed(rows, fn, ctx, err);
}

/** Which orders the rows have so far. */
typedef struct order_check {
    unsigned timespan;
    bool by_time, by_chunk;
    mms_time_row last;
} order_check;

static mms_status check_row(void *ctx, const mms_time_input *in, mms_error *err)
{
    order_check *c = ctx;

    (void)err;
    if (in->position > 0) {
        c->by_time = c->by_time && in->key.time_s >= c->last.time_s;
        c->by_chunk = c->by_chunk && mms_time_row_compare(&c->last, &in->key, c->timespan) <= 0;
    }
    c->last = in->key;
    return MMS_OK;
}

static mms_status sort_row(void *ctx, const mms_time_input *in, mms_error *err)
{
    return mms_record_sort_add(ctx, in, err);
}

static int compare(const void *a, const void *b, void *timespan)
{
    const mms_time_input *x = a, *y = b;
    const int order = mms_time_row_compare(&x->key, &y->key, *(unsigned *)timespan);
    return order ? order : (x->position > y->position) - (x->position < y->position);
}

/** Write the rows in the order of chunks and times to a file. */
static mms_status sort_rows(mms_time_rows *rows, unsigned timespan, int64_t memory, mms_error *err)
{
    mms_record_sort *sort = NULL;
    mms_time_input in;
    FILE *sorted = NULL;
    bool end = false;
    mms_status st;

    MMS_TRY(
        mms_record_sort_create(rows->rows_file, sizeof in, compare, &timespan, memory, &sort, err));
    MMS_TRY(mms_time_rows_each(rows, sort_row, sort, err));
    MMS_TRY(mms_record_sort_finish(sort, err));
    MMS_TRY(mms_nameless_file(rows->rows_file, &sorted, err));
    while (!end) {
        MMS_TRY(mms_record_sort_next(sort, &in, &end, err));
        if (!end && fwrite(&in, sizeof in, 1, sorted) != 1)
            MMS_TRY(mms_fail_errno(err, errno, "%s: sorted rows", rows->rows_file));
    }
    if (fflush(sorted) != 0)
        MMS_TRY(mms_fail_errno(err, errno, "%s: sorted rows", rows->rows_file));
    rows->sorted = sorted;
    sorted = NULL;
done:
    if (sorted)
        fclose(sorted);
    mms_record_sort_free(&sort);
    return st;
}

mms_status mms_time_rows_open(mms_ms *ms, const char *rows_file, unsigned timespan, int64_t memory,
                              mms_time_rows *rows, mms_error *err)
{
    order_check c = {.timespan = timespan, .by_time = true, .by_chunk = true};

    *rows = (mms_time_rows){.ms = ms, .rows_file = rows_file};
    const mms_status st = mms_time_rows_each(rows, check_row, &c, err);
    if (st != MMS_OK)
        return st;
    rows->order = c.by_time ? MMS_BY_TIME : MMS_BY_CHUNK;
    return c.by_time || c.by_chunk ? MMS_OK : sort_rows(rows, timespan, memory, err);
}

void mms_time_rows_close(mms_time_rows *rows)
{
    if (rows->sorted)
        fclose(rows->sorted);
    rows->sorted = NULL;
}
