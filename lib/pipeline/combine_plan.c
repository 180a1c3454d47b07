/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file combine_plan.c  Rows to be combined: sorted by time stamp, numbered, cut into batches that
 *  fit in memory, and within a batch left in the input's order, in which they are read best. */
#include "combine_plan_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/base_priv.h"
#include "base/files_priv.h"
#include "ms/rowlist_priv.h"
#include "record_sort_priv.h"
#include "time_rows_priv.h"

/** A row, as each sort sees it: major, then minor, then place. */
typedef struct item {
    mms_time_row key;   /**< what makes a time stamp, and the baseline */
    int64_t place, row; /**< in the list of rows, in the input */
    int64_t first;      /**< place of the first row of its time stamp */
    int64_t batch, out; /**< of the combined row */
} item;

typedef struct planner {
    const mms_combine_plan_opts *opts;
    mms_combine_plan *plan;
    mms_time_rows rows;
    mms_record_sort *stamps, *baselines, *places;
} planner;

static int compare(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

/** By time stamp. */
static int by_stamp(const void *a, const void *b, void *ctx)
{
    const item *x = a, *y = b;
    mms_time_row p = x->key, q = y->key;

    (void)ctx;
    p.ddid = q.ddid = 0;
    const int order = mms_time_row_compare(&p, &q, 0);
    return order ? order : compare(x->place, y->place);
}

/** By the first row of the time stamp, then by baseline. */
static int by_baseline(const void *a, const void *b, void *ctx)
{
    const item *x = a, *y = b;
    int order = compare(x->first, y->first);

    (void)ctx;
    order = order ? order : compare(x->key.antenna1, y->key.antenna1);
    order = order ? order : compare(x->key.antenna2, y->key.antenna2);
    return order ? order : compare(x->place, y->place);
}

/** By batch, in the input's order. */
static int by_place(const void *a, const void *b, void *ctx)
{
    const item *x = a, *y = b;
    const int order = compare(x->batch, y->batch);

    (void)ctx;
    return order ? order : compare(x->place, y->place);
}

static mms_status begin(const planner *p, mms_record_compare *order, mms_record_sort **sort,
                        mms_error *err)
{
    return mms_record_sort_create(p->opts->rows_file, sizeof(item), order, NULL,
                                  p->opts->memory / 4, sort, err);
}

static mms_status add_row(void *ctx, const mms_time_input *in, mms_error *err)
{
    planner *p = ctx;
    const item it = {.key = in->key, .place = in->position, .row = in->row};

    p->plan->nrow++;
    return mms_record_sort_add(p->stamps, &it, err);
}

static bool same_stamp(const item *a, const item *b)
{
    mms_time_row p = a->key, q = b->key;

    p.ddid = q.ddid = 0;
    return mms_time_row_compare(&p, &q, 0) == 0;
}

/** The first row of each time stamp, which is the first in this order. */
static mms_status find_first_rows(planner *p, mms_error *err)
{
    item it, last = {0};
    bool end, any = false;
    mms_status st;

    MMS_TRY(mms_record_sort_finish(p->stamps, err));
    MMS_TRY(begin(p, by_baseline, &p->baselines, err));
    for (;;) {
        MMS_TRY(mms_record_sort_next(p->stamps, &it, &end, err));
        if (end)
            break;
        it.first = any && same_stamp(&it, &last) ? last.first : it.place;
        MMS_TRY(mms_record_sort_add(p->baselines, &it, err));
        last = it;
        any = true;
    }
    mms_record_sort_free(&p->stamps);
done:
    return st;
}

/** Number the combined rows, and cut them into batches. */
static mms_status number_rows(planner *p, mms_error *err)
{
    item it, last = {.first = -1, .batch = -1, .out = -1};
    int64_t in_batch = 0;
    bool end;
    mms_status st;

    MMS_TRY(mms_record_sort_finish(p->baselines, err));
    MMS_TRY(begin(p, by_place, &p->places, err));
    for (;;) {
        MMS_TRY(mms_record_sort_next(p->baselines, &it, &end, err));
        if (end)
            break;
        const bool same = it.first == last.first && it.key.antenna1 == last.key.antenna1 &&
                          it.key.antenna2 == last.key.antenna2;
        const bool full = last.batch < 0 || (!same && in_batch == p->opts->rows_per_batch);
        it.out = last.out + !same;
        it.batch = last.batch + full;
        in_batch = full ? 1 : in_batch + !same;
        MMS_TRY(mms_record_sort_add(p->places, &it, err));
        last = it;
    }
    p->plan->nout = last.out + 1;
    mms_record_sort_free(&p->baselines);
done:
    return st;
}

static mms_status io_error(const planner *p, mms_error *err)
{
    return mms_fail_errno(err, errno ? errno : EIO, "%s: combined rows", p->opts->rows_file);
}

static mms_status put(const planner *p, FILE *file, int64_t value, mms_error *err)
{
    return fwrite(&value, sizeof value, 1, file) == 1 ? MMS_OK : io_error(p, err);
}

/** One batch is complete. */
static mms_status put_batch(const planner *p, int64_t nrow, int64_t first, int64_t last,
                            mms_error *err)
{
    mms_status st;

    MMS_TRY(put(p, p->plan->batches, nrow, err));
    MMS_TRY(put(p, p->plan->batches, last - first + 1, err));
done:
    return st;
}

static mms_status write_lists(planner *p, mms_rowlist *list, mms_error *err)
{
    int64_t batch = 0, nrow = 0, first = INT64_MAX, last = -1;
    item it;
    bool end;
    mms_status st;

    MMS_TRY(mms_record_sort_finish(p->places, err));
    for (;;) {
        MMS_TRY(mms_record_sort_next(p->places, &it, &end, err));
        if (nrow > 0 && (end || it.batch != batch)) {
            MMS_TRY(put_batch(p, nrow, first, last, err));
            nrow = 0;
            first = INT64_MAX;
        }
        if (end)
            break;
        batch = it.batch;
        nrow++;
        first = it.out < first ? it.out : first;
        last = it.out > last ? it.out : last;
        MMS_TRY(mms_rowlist_add(list, (mms_rows){it.row, 1}, err));
        MMS_TRY(put(p, p->plan->out_rows, it.out, err));
    }
    if (fseek(p->plan->out_rows, 0, SEEK_SET) != 0 || fseek(p->plan->batches, 0, SEEK_SET) != 0)
        MMS_TRY(io_error(p, err));
done:
    return st;
}

/** The list of rows in the order of the batches replaces the old one. */
static mms_status write_plan(planner *p, mms_error *err)
{
    char *path = mms_format("%s.combined", p->opts->rows_file);
    mms_rowlist *list = NULL;
    mms_status st;

    MMS_TRY(path ? MMS_OK : mms_fail(err, MMS_ERR_MEM, "combined rows: out of memory"));
    MMS_TRY(mms_nameless_file(p->opts->rows_file, &p->plan->out_rows, err));
    MMS_TRY(mms_nameless_file(p->opts->rows_file, &p->plan->batches, err));
    MMS_TRY(mms_rowlist_create(path, &list, err));
    MMS_TRY(write_lists(p, list, err));
    MMS_TRY(mms_rowlist_close(&list, err));
    if (rename(path, p->opts->rows_file) != 0)
        MMS_TRY(io_error(p, err));
done:
    (void)!mms_rowlist_close(&list, NULL);
    free(path);
    return st;
}

mms_status mms_combine_plan_make(const mms_combine_plan_opts *opts, mms_combine_plan *out,
                                 mms_error *err)
{
    planner p = {.opts = opts, .plan = out};
    mms_status st;

    *out = (mms_combine_plan){0};
    MMS_TRY(mms_time_rows_open(opts->ms, opts->rows_file, 0, opts->memory / 4, &p.rows, err));
    MMS_TRY(begin(&p, by_stamp, &p.stamps, err));
    MMS_TRY(mms_time_rows_each(&p.rows, add_row, &p, err));
    MMS_TRY(find_first_rows(&p, err));
    MMS_TRY(number_rows(&p, err));
    MMS_TRY(write_plan(&p, err));
done:
    mms_time_rows_close(&p.rows);
    mms_record_sort_free(&p.stamps);
    mms_record_sort_free(&p.baselines);
    mms_record_sort_free(&p.places);
    if (st != MMS_OK)
        mms_combine_plan_end(out);
    return st;
}

void mms_combine_plan_end(mms_combine_plan *plan)
{
    if (plan->out_rows)
        fclose(plan->out_rows);
    if (plan->batches)
        fclose(plan->batches);
    *plan = (mms_combine_plan){0};
}
