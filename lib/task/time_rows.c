/** @file time_rows.c  The rows of a part as the time average meets them: their order and bins. */
#include "time_rows_priv.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ms/rowlist_priv.h"

enum { CHUNK = 16384 };

/** Scalar columns of a chunk of rows. */
typedef struct chunk {
    double time[CHUNK], uvw[3 * CHUNK];
    int32_t ids[8][CHUNK];
} chunk;

static const char *const id_columns[8] = {"OBSERVATION_ID", "ARRAY_ID", "SCAN_NUMBER",
                                          "STATE_ID",       "FIELD_ID", "DATA_DESC_ID",
                                          "ANTENNA1",       "ANTENNA2"};

static mms_status read_chunk(mms_ms *ms, mms_rows rows, chunk *c, mms_error *err)
{
    mms_status st;

    MMS_TRY(mms_ms_read(ms, "TIME", 1, &rows, rows.count, c->time, err));
    MMS_TRY(mms_ms_read(ms, "UVW", 1, &rows, 3 * rows.count, c->uvw, err));
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

mms_status mms_time_rows_each(mms_ms *ms, const char *rows_file, mms_time_row_fn *fn, void *ctx,
                              mms_error *err)
{
    mms_rowlist *list = NULL;
    chunk *c = mms_alloc(1, sizeof *c);
    mms_rows run;
    int64_t position = 0;
    mms_status st;

    MMS_TRY(c ? MMS_OK : mms_fail(err, MMS_ERR_MEM, "%s: out of memory", mms_ms_path(ms)));
    MMS_TRY(mms_rowlist_open(rows_file, mms_ms_nrow(ms), &list, err));
    do {
        MMS_TRY(mms_rowlist_take(list, CHUNK, &run, err));
        if (run.count)
            MMS_TRY(read_chunk(ms, run, c, err));
        for (int64_t i = 0; i < run.count; i++, position++) {
            const mms_time_row row = row_of(c, i);
            MMS_TRY(fn(ctx, position, run.first + i, &row, err));
        }
    } while (run.count);
done:
    (void)!mms_rowlist_close(&list, NULL);
    free(c);
    return st;
}

/** Which orders the rows have so far. */
typedef struct order_check {
    unsigned timespan;
    bool by_time, by_chunk;
    int64_t nrow;
    mms_time_row last;
} order_check;

static mms_status check_row(void *ctx, int64_t position, int64_t row, const mms_time_row *r,
                            mms_error *err)
{
    order_check *c = ctx;

    (void)row;
    (void)err;
    if (position > 0) {
        c->by_time = c->by_time && r->time_s >= c->last.time_s;
        c->by_chunk = c->by_chunk && mms_time_row_compare(&c->last, r, c->timespan) <= 0;
    }
    c->last = *r;
    c->nrow++;
    return MMS_OK;
}

/** A row while they are sorted. */
typedef struct sorted_row {
    mms_time_row key;
    int64_t position, row;
} sorted_row;

typedef struct sorter {
    sorted_row *rows;
    int64_t n;
} sorter;

static mms_status take_row(void *ctx, int64_t position, int64_t row, const mms_time_row *r,
                           mms_error *err)
{
    sorter *s = ctx;

    (void)err;
    s->rows[s->n++] = (sorted_row){*r, position, row};
    return MMS_OK;
}

static int compare(const void *a, const void *b, void *timespan)
{
    const sorted_row *x = a, *y = b;
    const int order = mms_time_row_compare(&x->key, &y->key, *(unsigned *)timespan);
    return order ? order : (x->position > y->position) - (x->position < y->position);
}

/** Write the rows to rows_file in the order of chunks and times, and keep where they stood. */
static mms_status sort_rows(mms_ms *ms, const char *rows_file, unsigned timespan, int64_t nrow,
                            int64_t **positions, mms_error *err)
{
    sorter s = {mms_alloc(nrow, sizeof *s.rows), 0};
    mms_rowlist *list = NULL;
    mms_status st;

    *positions = mms_alloc(nrow, sizeof **positions);
    MMS_TRY(s.rows && *positions
                ? MMS_OK
                : mms_fail(err, MMS_ERR_MEM, "%" PRId64 " unsorted rows: out of memory", nrow));
    MMS_TRY(mms_time_rows_each(ms, rows_file, take_row, &s, err));
    qsort_r(s.rows, (size_t)nrow, sizeof *s.rows, compare, &timespan);
    if (unlink(rows_file) != 0)
        MMS_TRY(mms_fail(err, MMS_ERR_IO, "%s can't be replaced", rows_file));
    MMS_TRY(mms_rowlist_create(rows_file, &list, err));
    for (int64_t i = 0; i < nrow; i++) {
        (*positions)[i] = s.rows[i].position;
        MMS_TRY(mms_rowlist_add(list, (mms_rows){s.rows[i].row, 1}, err));
    }
    MMS_TRY(mms_rowlist_close(&list, err));
done:
    (void)!mms_rowlist_close(&list, NULL);
    free(s.rows);
    return st;
}

mms_status mms_time_rows_order(mms_ms *ms, const char *rows_file, unsigned timespan,
                               mms_time_order *order, int64_t **positions, mms_error *err)
{
    order_check c = {.timespan = timespan, .by_time = true, .by_chunk = true};
    const mms_status st = mms_time_rows_each(ms, rows_file, check_row, &c, err);

    *positions = NULL;
    if (st != MMS_OK)
        return st;
    *order = c.by_time ? MMS_BY_TIME : MMS_BY_CHUNK;
    return c.by_time || c.by_chunk ? MMS_OK
                                   : sort_rows(ms, rows_file, timespan, c.nrow, positions, err);
}
