/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file time_plan.c  In which order the rows of a part are averaged. */
#include "time_plan_priv.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/files_priv.h"
#include "ms/rowlist_priv.h"
#include "record_sort_priv.h"
#include "time_rows_priv.h"

/** What is sorted here: by key, then by minor. */
typedef struct item {
    int64_t key, minor, value;
} item;

typedef struct planner {
    const mms_time_plan_opts *opts;
    mms_time_plan *plan;
    mms_time_opts bin_opts;
    mms_time_rows rows;
    mms_time_bins *bins;
    int64_t *cuts, ncut, cut_capacity;       /**< first row of the output in each pass */
    int64_t in_pass;                         /**< bytes of the pass so far */
    int64_t total, *before, before_capacity; /**< bytes of all bins; by slot: of those before it */
    int64_t most;                            /**< bytes held at the worst moment of one pass */
    mms_record_sort *items, *places;
    FILE *by_bin;                   /**< row of the output by bin, before there are passes */
    int64_t *passes, pass_capacity; /**< by slot */
} planner;

static int compare_items(const void *a, const void *b, void *ctx)
{
    const item *x = a, *y = b;

    (void)ctx;
    if (x->key != y->key)
        return x->key < y->key ? -1 : 1;
    return (x->minor > y->minor) - (x->minor < y->minor);
}

static mms_status begin_sort(const planner *p, mms_record_sort **sort, mms_error *err)
{
    return mms_record_sort_create(p->opts->rows_file, sizeof(item), compare_items, NULL,
                                  p->opts->memory / 8, sort, err);
}

static mms_status io_error(const planner *p, mms_error *err)
{
    return mms_fail_errno(err, errno ? errno : EIO, "%s: bins", p->opts->rows_file);
}

static mms_status restart_bins(planner *p, mms_error *err)
{
    mms_time_bins_free(&p->bins);
    return mms_time_bins_create(&p->bin_opts, &p->bins, err);
}

/* ---- passes -----------------------------------------------------------------------------------*/

static mms_status cost_of(const planner *p, const mms_time_input *in, int64_t *cost, mms_error *err)
{
    *cost = 0;
    if (!p->opts->cost)
        return MMS_OK;
    const mms_status st = p->opts->cost(p->opts->ctx, in->key.ddid, in->row, cost, err);

    if (st == MMS_OK && *cost > p->opts->limit)
        return mms_fail(err, MMS_ERR_ARG,
                        "time average: one averaged row of DATA_DESC_ID %" PRId32 " takes %" PRId64
                        " bytes, parameter memory=%" PRId64 " leaves %" PRId64 " for them",
                        in->key.ddid, *cost, p->opts->memory, p->opts->limit);
    return st;
}

/** The next row of the output joins the pass, or begins another. */
static mms_status add_to_pass(planner *p, int64_t out, int64_t cost, mms_error *err)
{
    if (p->ncut > 0 && cost <= p->opts->limit - p->in_pass) {
        p->in_pass += cost;
        return MMS_OK;
    }
    const mms_status st = mms_grow(&p->cuts, &p->cut_capacity, p->ncut + 1, sizeof *p->cuts, err);
    if (st == MMS_OK)
        p->cuts[p->ncut++] = out;
    p->in_pass = cost;
    return st;
}

static int64_t pass_of(const planner *p, int64_t out)
{
    int64_t first = 0, n = p->ncut;

    while (n > 1) {
        const int64_t half = n / 2;
        first = p->cuts[first + half] <= out ? first + half : first;
        n -= half;
    }
    return first;
}

/* ---- rows that come in order: bins open in the order of the output ----------------------------*/

/** Follow what one pass would hold: the oldest open bin and all after it. */
static mms_status survey_row(void *ctx, const mms_time_input *in, mms_error *err)
{
    planner *p = ctx;
    mms_time_place place, oldest;
    int64_t cost;
    mms_status st;

    p->plan->nrow++;
    MMS_TRY(mms_time_bins_add(p->bins, &in->key, &place, err));
    if (!place.opened)
        return MMS_OK;
    MMS_TRY(cost_of(p, in, &cost, err));
    MMS_TRY(add_to_pass(p, place.bin, cost, err));
    MMS_TRY(mms_grow(&p->before, &p->before_capacity, place.slot + 1, sizeof *p->before, err));
    p->before[place.slot] = p->total;
    p->total += cost;
    if (mms_time_bins_oldest(p->bins, &oldest)) {
        const int64_t held = p->total - p->before[oldest.slot];
        p->most = held > p->most ? held : p->most;
    }
done:
    return st;
}

/* ---- rows that were sorted --------------------------------------------------------------------*/

/** Note where the first row of a bin stood: by that the bins are ranked. */
static mms_status note_first(void *ctx, const mms_time_input *in, mms_error *err)
{
    planner *p = ctx;
    mms_time_place place;
    item bin;
    mms_status st;

    p->plan->nrow++;
    MMS_TRY(mms_time_bins_add(p->bins, &in->key, &place, err));
    if (!place.opened)
        return MMS_OK;
    bin.key = in->position;
    bin.minor = place.bin;
    MMS_TRY(cost_of(p, in, &bin.value, err));
    MMS_TRY(mms_record_sort_add(p->items, &bin, err));
done:
    return st;
}

/** Write the values of sorted items to a new file. */
static mms_status write_values(const planner *p, mms_record_sort *items, FILE **out, mms_error *err)
{
    item i;
    bool end = false;
    mms_status st;

    MMS_TRY(mms_record_sort_finish(items, err));
    MMS_TRY(mms_nameless_file(p->opts->rows_file, out, err));
    while (!end) {
        MMS_TRY(mms_record_sort_next(items, &i, &end, err));
        if (!end && fwrite(&i.value, sizeof i.value, 1, *out) != 1)
            MMS_TRY(io_error(p, err));
    }
    if (fflush(*out) != 0)
        MMS_TRY(io_error(p, err));
    rewind(*out);
done:
    return st;
}

/** Number the bins by their first rows, cut passes, and list the numbers by bin. */
static mms_status rank_bins(planner *p, mms_error *err)
{
    item i;
    bool end = false;
    mms_status st;

    MMS_TRY(begin_sort(p, &p->items, err));
    MMS_TRY(begin_sort(p, &p->places, err));
    MMS_TRY(mms_time_rows_each(&p->rows, note_first, p, err));
    MMS_TRY(mms_record_sort_finish(p->items, err));
    for (int64_t out = 0; !end; out++) {
        MMS_TRY(mms_record_sort_next(p->items, &i, &end, err));
        if (end)
            break;
        MMS_TRY(add_to_pass(p, out, i.value, err));
        MMS_TRY(mms_record_sort_add(p->places, &(item){i.minor, 0, out}, err));
    }
    mms_record_sort_free(&p->items);
    MMS_TRY(write_values(p, p->places, &p->by_bin, err));
    mms_record_sort_free(&p->places);
done:
    return st;
}

/* ---- the list of rows by passes ---------------------------------------------------------------*/

/** The output row of a bin that opens. */
static mms_status find_out(planner *p, const mms_time_place *place, int64_t *out, mms_error *err)
{
    *out = place->bin;
    if (p->by_bin && fread(out, sizeof *out, 1, p->by_bin) != 1)
        return io_error(p, err);
    return mms_grow(&p->passes, &p->pass_capacity, place->slot + 1, sizeof *p->passes, err);
}

/** A bin that opens has a pass; it is also listed by pass where its row of the output is not its
 *  number. */
static mms_status place_bin(planner *p, const mms_time_place *place, mms_error *err)
{
    int64_t out;
    mms_status st;

    MMS_TRY(find_out(p, place, &out, err));
    p->passes[place->slot] = pass_of(p, out);
    if (p->by_bin)
        MMS_TRY(
            mms_record_sort_add(p->places, &(item){p->passes[place->slot], place->bin, out}, err));
    return MMS_OK;
done:
    return st;
}

static mms_status place_row(void *ctx, const mms_time_input *in, mms_error *err)
{
    planner *p = ctx;
    mms_time_place place;
    mms_status st;

    MMS_TRY(mms_time_bins_add(p->bins, &in->key, &place, err));
    if (place.opened)
        MMS_TRY(place_bin(p, &place, err));
    const int64_t pass = p->passes[place.slot];
    p->plan->pass_rows[pass]++;
    MMS_TRY(mms_record_sort_add(p->items, &(item){pass, mms_record_sort_count(p->items), in->row},
                                err));
done:
    return st;
}

/** Replace the list of rows. */
static mms_status write_list(const planner *p, mms_error *err)
{
    mms_rowlist *list = NULL;
    item i;
    bool end = false;
    mms_status st;

    MMS_TRY(mms_record_sort_finish(p->items, err));
    if (unlink(p->opts->rows_file) != 0)
        MMS_TRY(mms_fail_errno(err, errno, "%s", p->opts->rows_file));
    MMS_TRY(mms_rowlist_create(p->opts->rows_file, &list, err));
    while (!end) {
        MMS_TRY(mms_record_sort_next(p->items, &i, &end, err));
        if (!end)
            MMS_TRY(mms_rowlist_add(list, (mms_rows){i.value, 1}, err));
    }
    MMS_TRY(mms_rowlist_close(&list, err));
done:
    (void)!mms_rowlist_close(&list, NULL);
    return st;
}

static mms_status list_by_pass(planner *p, mms_error *err)
{
    mms_status st;

    MMS_TRY(restart_bins(p, err));
    MMS_TRY(begin_sort(p, &p->items, err));
    if (p->by_bin)
        MMS_TRY(begin_sort(p, &p->places, err));
    MMS_TRY(mms_time_rows_each(&p->rows, place_row, p, err));
    MMS_TRY(write_list(p, err));
    mms_record_sort_free(&p->items);
    if (p->by_bin)
        MMS_TRY(write_values(p, p->places, &p->plan->out_rows, err));
done:
    return st;
}

/* ---- lists of some rows of the output ---------------------------------------------------------*/

typedef struct splitter {
    planner p;
    int64_t nbin, n, *rows;
    mms_rowlist **lists;
} splitter;

/** The list of a row: that of its bin. */
static mms_status split_row(void *ctx, const mms_time_input *in, mms_error *err)
{
    splitter *const s = ctx;
    planner *const p = &s->p;
    mms_time_place place;
    int64_t out;
    mms_status st;

    MMS_TRY(mms_time_bins_add(p->bins, &in->key, &place, err));
    if (place.opened) {
        MMS_TRY(find_out(p, &place, &out, err));
        if (out < 0 || out >= s->nbin)
            MMS_TRY(mms_fail(err, MMS_ERR_INTERNAL, "%s: more averaged rows than were planned",
                             p->opts->rows_file));
        p->passes[place.slot] = ((out + 1) * s->n - 1) / s->nbin;
    }
    const int64_t list = p->passes[place.slot];
    s->rows[list]++;
    if (p->items)
        MMS_TRY(mms_record_sort_add(p->items, &(item){list, in->position, in->row}, err));
    else
        MMS_TRY(mms_rowlist_add(s->lists[list], (mms_rows){in->row, 1}, err));
done:
    return st;
}

/** Rows that were sorted go to their lists in the order that they had. */
static mms_status write_lists(splitter *s, mms_error *err)
{
    item i;
    bool end = false;
    mms_status st;

    MMS_TRY(mms_record_sort_finish(s->p.items, err));
    while (!end) {
        MMS_TRY(mms_record_sort_next(s->p.items, &i, &end, err));
        if (!end)
            MMS_TRY(mms_rowlist_add(s->lists[i.key], (mms_rows){i.value, 1}, err));
    }
done:
    return st;
}

static mms_status split(splitter *s, const char *const *files, mms_error *err)
{
    planner *const p = &s->p;
    mms_status st;

    MMS_TRY(mms_time_rows_open(p->opts->ms, p->opts->rows_file, p->opts->bins->timespan,
                               p->opts->memory / 8, &p->rows, err));
    p->bin_opts.order = p->rows.order;
    for (int64_t i = 0; i < s->n; i++) {
        s->rows[i] = 0;
        MMS_TRY(mms_rowlist_create(files[i], &s->lists[i], err));
    }
    if (p->rows.sorted) {
        MMS_TRY(restart_bins(p, err));
        MMS_TRY(rank_bins(p, err));
        MMS_TRY(begin_sort(p, &p->items, err));
    }
    MMS_TRY(restart_bins(p, err));
    MMS_TRY(mms_time_rows_each(&p->rows, split_row, s, err));
    if (p->items)
        MMS_TRY(write_lists(s, err));
    for (int64_t i = 0; i < s->n; i++)
        MMS_TRY(mms_rowlist_close(&s->lists[i], err));
done:
    return st;
}

/* ---- all of it --------------------------------------------------------------------------------*/

static void end_planner(planner *p)
{
    mms_time_rows_close(&p->rows);
    mms_time_bins_free(&p->bins);
    mms_record_sort_free(&p->items);
    mms_record_sort_free(&p->places);
    if (p->by_bin)
        fclose(p->by_bin);
    free(p->cuts);
    free(p->before);
    free(p->passes);
}

static mms_status plan_passes(planner *p, mms_error *err)
{
    mms_time_plan *plan = p->plan;
    const bool one = !p->rows.sorted && p->most <= p->opts->limit;
    mms_status st;

    plan->order = p->rows.order;
    plan->nbin = mms_time_bins_count(p->bins);
    plan->npass = one || p->ncut < 1 ? 1 : p->ncut;
    plan->pass_rows = mms_alloc(plan->npass, sizeof *plan->pass_rows);
    MMS_TRY(plan->pass_rows ? MMS_OK : mms_fail(err, MMS_ERR_MEM, "time average: out of memory"));
    if (one)
        plan->pass_rows[0] = plan->nrow;
    else
        MMS_TRY(list_by_pass(p, err));
done:
    return st;
}

mms_status mms_time_plan_make(const mms_time_plan_opts *opts, mms_time_plan *plan, mms_error *err)
{
    planner p = {.opts = opts, .plan = plan, .bin_opts = *opts->bins};
    mms_status st;

    *plan = (mms_time_plan){0};
    MMS_TRY(mms_time_rows_open(opts->ms, opts->rows_file, opts->bins->timespan, opts->memory / 8,
                               &p.rows, err));
    p.bin_opts.order = p.rows.order;
    MMS_TRY(restart_bins(&p, err));
    MMS_TRY(p.rows.sorted ? rank_bins(&p, err) : mms_time_rows_each(&p.rows, survey_row, &p, err));
    MMS_TRY(plan_passes(&p, err));
    mms_log(MMS_LOG_DEBUG, "time average",
            "%" PRId64 " rows become %" PRId64 " in %" PRId64 " %s%s", plan->nrow, plan->nbin,
            plan->npass, plan->npass == 1 ? "pass" : "passes",
            p.rows.sorted ? ", sorted by TIME" : "");
done:
    end_planner(&p);
    return st;
}

void mms_time_plan_end(mms_time_plan *plan)
{
    if (plan->out_rows)
        fclose(plan->out_rows);
    free(plan->pass_rows);
    *plan = (mms_time_plan){0};
}

mms_status mms_time_plan_split(const mms_time_plan_opts *opts, int64_t nbin, int64_t n,
                               const char *const *files, int64_t *rows, mms_error *err)
{
    mms_time_plan plan = {0};
    splitter s = {.p = {.opts = opts, .plan = &plan, .bin_opts = *opts->bins},
                  .nbin = nbin,
                  .n = n,
                  .rows = rows,
                  .lists = mms_alloc(n, sizeof(void *))};
    mms_status st =
        s.lists ? split(&s, files, err) : mms_fail(err, MMS_ERR_MEM, "time average: out of memory");

    for (int64_t i = 0; s.lists && i < n; i++)
        (void)!mms_rowlist_close(&s.lists[i], NULL);
    free(s.lists);
    end_planner(&s.p);
    return st;
}
