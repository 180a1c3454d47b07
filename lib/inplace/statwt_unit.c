/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file statwt_unit.c  Weights from scatter in a worker: chunk by chunk of some parts. */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/base_priv.h"
#include "base/files_priv.h"
#include "base/lanes_priv.h"
#include "ms/block.h"
#include "ms/columns.h"
#include "ms/model.h"
#include "ms/rows.h"
#include "ms/select_value.h"
#include "multims/log.h"
#include "orders_priv.h"
#include "statwt_priv.h"
#include "subtables/subtables.h"

/** A selected row. */
typedef struct key {
    double time_s, exposure_s;
    int64_t row;                                        /**< of the unit */
    int32_t array, ddid, scan, state, field, low, high; /**< low, high: antennas */
    uint8_t flag_row;
} key;

typedef struct work {
    mms_job *job;
    mms_flag_work reader; /**< its rows are the unit's */
    mms_statwt_setup setup;
    int64_t nkey, done, changed_rows;
    key *keys;
    FILE *stage; /**< NULL: nothing is written */
    const char *path;
    mms_value *sums; /**< [[key…, n, mean, m2], …], one a chunk */
    double newly, flagged, total;
} work;

static mms_status no_memory(mms_error *err)
{
    return mms_fail(err, MMS_ERR_MEM, "statwt: out of memory");
}

/* ---- the setup --------------------------------------------------------------------------------*/

static void read_how(const mms_statwt_order *o, mms_statwt_setup *s)
{
    s->asked = o->asked;
    s->time = o->time;
    s->column = o->column;
    s->spectra = o->spectra;
    s->binned = o->binned;
}

/** Mark the channels that fitspw names of a window; all, where it names none. */
static void mark_used(const mms_selection *fit, bool excluded, const mms_flag_window *window,
                      uint8_t *used)
{
    int64_t n = 0;
    bool named = false;
    const mms_channels *ranges = fit ? mms_selection_named_channels(fit, &n) : NULL;

    for (int64_t i = 0; i < n; i++)
        named = named || ranges[i].spw == window->spw;
    memset(used, !named || excluded, (size_t)window->nchan);
    for (int64_t i = 0; i < n; i++)
        for (int32_t c = ranges[i].first;
             ranges[i].spw == window->spw && c <= ranges[i].last && c < window->nchan;
             c += ranges[i].step)
            used[c] = !excluded;
}

static mms_status open_window(const mms_statwt_order *o, mms_statwt_setup *s, int64_t i,
                              const mms_selection *fit, mms_error *err)
{
    const mms_flag_window *window = &s->set.windows[i];
    mms_spectral_axis axis = {0};
    mms_status st;

    s->windows[i].first = mms_alloc(window->nchan + 2, sizeof(int64_t));
    s->windows[i].used = mms_alloc(window->nchan, 1);
    MMS_TRY(s->windows[i].first && s->windows[i].used ? MMS_OK : no_memory(err));
    MMS_TRY(mms_window_axis_read(s->set.ms, window->spw, &axis, err));
    s->windows[i].nbin =
        mms_statwt_bins(window->nchan, axis.freq_hz, o->channels, o->width, s->windows[i].first);
    assert(s->windows[i].nbin <= window->nchan + 1 &&
           s->windows[i].first[s->windows[i].nbin] == window->nchan);
    mark_used(fit, o->asked.excludechans, window, s->windows[i].used);
done:
    mms_window_axis_free(&axis);
    return st;
}

mms_status mms_statwt_setup_open(mms_ms *ms, const mms_statwt_order *o, mms_statwt_setup *s,
                                 mms_error *err)
{
    const mms_select select = {.spw = o->asked.fitspw};
    mms_selection *fit = NULL;
    mms_status st;

    *s = (mms_statwt_setup){0};
    read_how(o, s);
    MMS_TRY(mms_flag_set_open(ms, &s->set, err));
    s->windows = mms_alloc(s->set.nwindow, sizeof *s->windows);
    MMS_TRY(s->windows ? MMS_OK : no_memory(err));
    if (*select.spw) {
        st = mms_selection_create(ms, &select, &fit, err);
        MMS_TRY(st == MMS_OK ? st : mms_wrap(err, st, "fitspw=\"%s\"", select.spw));
    }
    for (int64_t i = 0; i < s->set.nwindow; i++)
        MMS_TRY(open_window(o, s, i, fit, err));
done:
    mms_selection_free(&fit);
    return st;
}

void mms_statwt_setup_close(mms_statwt_setup *s)
{
    for (int64_t i = 0; s->windows && i < s->set.nwindow; i++) {
        free(s->windows[i].first);
        free(s->windows[i].used);
    }
    free(s->windows);
    mms_flag_set_close(&s->set);
}

/* ---- the rows ---------------------------------------------------------------------------------*/

enum { ARRAY, DDID, SCAN, STATE, FIELD, ANT1, ANT2, NID, TIME = NID, EXPOSURE, FLAG_ROW };
static const char *const columns[] = {MMS_COL_ARRAY_ID,
                                      MMS_COL_DATA_DESC_ID,
                                      MMS_COL_SCAN_NUMBER,
                                      MMS_COL_STATE_ID,
                                      MMS_COL_FIELD_ID,
                                      MMS_COL_ANTENNA1,
                                      MMS_COL_ANTENNA2,
                                      MMS_COL_TIME,
                                      MMS_COL_EXPOSURE,
                                      MMS_COL_FLAG_ROW,
                                      NULL};

/** The keys of rows while these are gone over. */
typedef struct keying {
    work *w;
    int64_t capacity;
} keying;

static key key_of(const mms_row_chunk *c, int64_t i)
{
    int32_t id[NID];

    for (int k = 0; k < NID; k++)
        id[k] = ((const int32_t *)c->cells[k])[i];
    return (key){.time_s = ((const double *)c->cells[TIME])[i],
                 .exposure_s = ((const double *)c->cells[EXPOSURE])[i],
                 .row = c->place + i,
                 .array = id[ARRAY],
                 .ddid = id[DDID],
                 .scan = id[SCAN],
                 .state = id[STATE],
                 .field = id[FIELD],
                 .low = id[ANT1] < id[ANT2] ? id[ANT1] : id[ANT2],
                 .high = id[ANT1] < id[ANT2] ? id[ANT2] : id[ANT1],
                 .flag_row = ((const uint8_t *)c->cells[FLAG_ROW])[i]};
}

static mms_status add_keys(void *ctx, const mms_row_chunk *c, mms_error *err)
{
    keying *const t = ctx;
    work *const w = t->w;
    mms_status st = MMS_OK;

    for (int64_t i = 0; i < c->rows.count; i++) {
        if (!c->mask[i])
            continue;
        const key k = key_of(c, i);
        if (k.ddid < 0 || k.ddid >= w->setup.set.nwindow)
            MMS_TRY(mms_fail(err, MMS_ERR_RANGE, "%s: DATA_DESC_ID %d has no row",
                             mms_ms_path(w->setup.set.ms), k.ddid));
        MMS_TRY(mms_grow(&w->keys, &t->capacity, w->nkey + 1, sizeof *w->keys, err));
        w->keys[w->nkey++] = k;
    }
done:
    return st;
}

static mms_status read_keys(work *w, const mms_statwt_order *o, mms_error *err)
{
    const mms_select select = mms_select_of(o->select);
    mms_row_pass_opts opts = {
        .columns = columns, .nrange = w->reader.rows.nrange, .ranges = w->reader.rows.ranges};
    keying t = {.w = w};
    mms_status st;

    MMS_TRY(mms_selection_create(w->setup.set.ms, &select, &opts.selection, err));
    MMS_TRY(mms_rows_each(w->setup.set.ms, &opts, add_keys, &t, err));
done:
    mms_selection_free(&opts.selection);
    return st;
}

static int by_chunk(const mms_statwt_setup *s, const key *x, const key *y)
{
    MMS_COMPARE(x->array, y->array);
    MMS_COMPARE(x->ddid, y->ddid);
    if (!s->asked.scan)
        MMS_COMPARE(x->scan, y->scan);
    if (!s->asked.state)
        MMS_COMPARE(x->state, y->state);
    if (!s->asked.field)
        MMS_COMPARE(x->field, y->field);
    return 0;
}

/** Chunks one after the other, in each an order that does not depend on the parts. */
static int by_chunk_and_time(const void *a, const void *b, void *ctx)
{
    const key *x = a, *y = b;
    const int chunk = by_chunk(ctx, x, y);

    if (chunk != 0)
        return chunk;
    MMS_COMPARE(x->time_s, y->time_s);
    MMS_COMPARE(x->low, y->low);
    MMS_COMPARE(x->high, y->high);
    MMS_COMPARE(x->scan, y->scan);
    MMS_COMPARE(x->field, y->field);
    MMS_COMPARE(x->state, y->state);
    MMS_COMPARE(x->row, y->row);
    return 0;
}

/* ---- a batch: some time stamps of a chunk, and those that their weights need ------------------*/

/** Time stamps of a chunk and their windows. */
typedef struct stamps {
    int64_t n;
    double *time_s;
    int64_t *row, *first, *end; /**< row [n + 1]: of the chunk, the first of a stamp */
} stamps;

typedef struct batch {
    const key *keys; /**< [k.nrow] */
    mms_flag_chunk k;
    int32_t *stamp; /**< [k.nrow]: of the chunk */
    int64_t *order; /**< [k.nrow]: by baseline, then time */
    bool spectrum;
    const stamps *stamps;
    int64_t first, end;       /**< of the stamps: those that are weighed */
    int64_t nbaseline, *from; /**< from[nbaseline + 1]: places in order */
    int64_t piece;            /**< baselines that a thread takes at once */
    atomic_llong next;        /**< the piece that is to be taken */
    mms_statwt_sums *sums;    /**< of the chunk */
    struct work *w;
} batch;

/** A weight that was given to so many points. */
typedef struct given {
    double weight;
    int64_t points;
} given;

/** A thread that weighs baselines of a batch. */
typedef struct weigher {
    const struct work *w;
    batch *b;
    const mms_complex **vis; /**< of the rows of a window in time */
    double *row_exposure_s;
    /* of a row */
    mms_complex *samples;
    double *exposure_s, *scratch;
    double *variance; /**< [nbin][ncorr]; one correlation when they are combined */
    float *weight, *bins, *median;
    bool clean, lost; /**< nothing, or all, of it was flagged */
    /* of a piece, until it has its turn */
    given *given;
    int64_t ngiven, given_room;
    uint8_t *rows; /**< as the stage has them */
    int64_t bytes, bytes_room, nrow;
    double newly, flagged, total;
} weigher;

/** The arrays of cells are for the next batch. */
static void free_batch(work *w, batch *b)
{
    free(b->k.rows);
    w->reader.spare = b->k;
    free(b->stamp);
    free(b->order);
    free(b->from);
}

static int by_baseline(const void *a, const void *b, void *ctx)
{
    const batch *t = ctx;
    const int64_t i = *(const int64_t *)a, k = *(const int64_t *)b;

    MMS_COMPARE(t->keys[i].low, t->keys[k].low);
    MMS_COMPARE(t->keys[i].high, t->keys[k].high);
    MMS_COMPARE(i, k);
    return 0;
}

static bool same_baseline(const key *a, const key *b)
{
    return a->low == b->low && a->high == b->high;
}

/** Whether rows have a spectrum of weights, or one of those that are to be written. */
static mms_status find_spectrum(const work *w, batch *b, mms_error *err)
{
    mms_ms *ms = w->setup.set.ms;
    const mms_rows row = {mms_flag_row_of_set(&w->reader.rows, b->k.rows[0]), 1};
    mms_shape_run *runs = NULL;
    int64_t nrun = 0;
    mms_status st = MMS_OK;

    b->spectrum = w->setup.binned;
    for (size_t i = 0; !b->spectrum && i < json_array_size(w->setup.spectra) && st == MMS_OK; i++) {
        const char *column = json_string_value(json_array_get(w->setup.spectra, i));
        if (!mms_ms_find_column(ms, column))
            continue;
        st = mms_ms_shapes(ms, column, 1, &row, &runs, &nrun, err);
        b->spectrum = st == MMS_OK && nrun > 0 && runs[0].ndim == 2;
        free(runs);
        runs = NULL;
    }
    return st;
}

/** The column, less a model if there is one. */
static mms_status read_values(work *w, batch *b, mms_error *err)
{
    const bool model = mms_ms_find_column(w->setup.set.ms, MMS_COL_MODEL_DATA) != NULL;
    const char *column = w->setup.column;

    if (!model && !strcmp(column, "RESIDUAL"))
        column = "CORRECTED";
    if (!model && !strcmp(column, "RESIDUAL_DATA"))
        column = MMS_COL_DATA;
    return mms_flag_chunk_values(&w->reader, &b->k, column, err);
}

/** Find where the rows of each baseline are. */
static void find_baselines(batch *b)
{
    for (int64_t i = 0; i < b->k.nrow; i++)
        if (i == 0 || !same_baseline(&b->keys[b->order[i]], &b->keys[b->order[i - 1]]))
            b->from[b->nbaseline++] = i;
    b->from[b->nbaseline] = b->k.nrow;
}

/** The most rows that give a weight: all of a baseline. */
static int64_t most_rows(const batch *b)
{
    int64_t most = 0;

    for (int64_t i = 0; i < b->nbaseline; i++)
        if (b->from[i + 1] - b->from[i] > most)
            most = b->from[i + 1] - b->from[i];
    return most;
}

static mms_status open_batch(work *w, const key *keys, int64_t nrow, batch *b, mms_error *err)
{
    const mms_flag_window *window = &w->setup.set.windows[keys[0].ddid];
    const int64_t cell = (int64_t)window->nchan * window->ncorr, n = nrow * cell;
    mms_status st;

    b->keys = keys;
    b->k = w->reader.spare;
    w->reader.spare = (mms_flag_chunk){0};
    b->k.nrow = nrow;
    b->k.ddid = keys[0].ddid;
    b->k.nchan = window->nchan;
    b->k.ncorr = window->ncorr;
    b->k.cell = cell;
    b->k.column = NULL;
    b->k.rows = mms_alloc(nrow, sizeof *b->k.rows);
    MMS_TRY(mms_grow(&b->k.flag, &b->k.flag_room, n, 1, err));
    MMS_TRY(mms_grow(&b->k.before, &b->k.before_room, n, 1, err));
    b->stamp = mms_alloc(nrow, sizeof *b->stamp);
    b->order = mms_alloc(nrow, sizeof *b->order);
    b->from = mms_alloc(nrow + 1, sizeof *b->from);
    MMS_TRY(b->k.rows && b->stamp && b->order && b->from ? MMS_OK : no_memory(err));
    for (int64_t i = 0; i < nrow; i++) {
        b->k.rows[i] = keys[i].row;
        b->order[i] = i;
    }
    qsort_r(b->order, (size_t)nrow, sizeof *b->order, by_baseline, b);
    find_baselines(b);
    MMS_TRY(find_spectrum(w, b, err));
    MMS_TRY(mms_flag_chunk_read(&w->reader, &b->k, MMS_COL_FLAG, n, (size_t)cell, b->k.flag, err));
    memcpy(b->k.before, b->k.flag, (size_t)n);
    MMS_TRY(read_values(w, b, err));
done:
    return st;
}

/* ---- weights ----------------------------------------------------------------------------------*/

static mms_status open_weigher(const work *w, batch *b, weigher *t, mms_error *err)
{
    const int64_t cell = b->k.cell, rows = most_rows(b), most = rows * cell;

    t->w = w;
    t->b = b;
    t->vis = mms_alloc(rows, sizeof *t->vis);
    t->row_exposure_s = mms_alloc(rows, sizeof *t->row_exposure_s);
    t->samples = mms_alloc(most, sizeof *t->samples);
    t->exposure_s = mms_alloc(most, sizeof *t->exposure_s);
    t->scratch = mms_alloc(2 * most, sizeof *t->scratch);
    t->weight = mms_alloc(b->k.ncorr, sizeof *t->weight);
    t->bins = mms_alloc(cell, sizeof *t->bins);
    t->median = mms_alloc(cell, sizeof *t->median);
    t->variance = mms_alloc(cell, sizeof *t->variance);
    return t->vis && t->row_exposure_s && t->samples && t->exposure_s && t->scratch && t->weight &&
                   t->bins && t->median && t->variance
               ? MMS_OK
               : no_memory(err);
}

static void close_weigher(weigher *t)
{
    free(t->vis);
    free(t->row_exposure_s);
    free(t->samples);
    free(t->exposure_s);
    free(t->scratch);
    free(t->weight);
    free(t->bins);
    free(t->median);
    free(t->variance);
    free(t->given);
    free(t->rows);
}

/** Gather the samples of some rows of a baseline, in one bin, of correlations [first, end). */
static int64_t gather(weigher *t, const int64_t *rows, int64_t nrow, int64_t bin, int32_t first,
                      int32_t end)
{
    const batch *b = t->b;
    const mms_statwt_window *window = &t->w->setup.windows[b->k.ddid];
    const int32_t ncorr = b->k.ncorr;
    int64_t n = 0;

    for (int64_t i = 0; i < nrow; i++) {
        const mms_complex *vis = b->k.vis + rows[i] * b->k.cell;
        const uint8_t *flag = b->k.before + rows[i] * b->k.cell;
        for (int64_t c = window->first[bin]; c < window->first[bin + 1]; c++)
            for (int32_t p = first; window->used[c] && p < end; p++)
                if (!flag[c * ncorr + p]) {
                    t->samples[n] = vis[c * ncorr + p];
                    t->exposure_s[n++] = b->keys[rows[i]].exposure_s;
                }
    }
    return n;
}

static int32_t groups_of(const work *w, const batch *b)
{
    return w->setup.asked.corr ? 1 : b->k.ncorr;
}

/** Find the variances of a bin where all samples count; false: some don't, or it is another way. */
static bool find_whole(weigher *t, const int64_t *rows, int64_t nrow, int64_t bin)
{
    const batch *b = t->b;
    const mms_statwt_window *window = &t->w->setup.windows[b->k.ddid];
    const int64_t first = window->first[bin], nchan = window->first[bin + 1] - first;
    const int64_t ncorr = b->k.ncorr;
    const mms_statwt_rows whole = {nrow, nchan, b->k.ncorr, t->vis, t->row_exposure_s};
    bool all = !t->w->setup.asked.corr && !memchr(window->used + first, 0, (size_t)nchan);

    for (int64_t i = 0; i < nrow && all; i++) {
        const int64_t at = rows[i] * b->k.cell + first * ncorr;
        all = !memchr(b->k.before + at, 1, (size_t)(nchan * ncorr));
        t->vis[i] = b->k.vis + at;
        t->row_exposure_s[i] = b->keys[rows[i]].exposure_s;
    }
    return all && mms_statwt_variances(&t->w->setup.asked.how, &whole, t->variance + bin * ncorr);
}

static void find_variances(weigher *t, const int64_t *rows, int64_t nrow)
{
    const mms_statwt_setup *s = &t->w->setup;
    const int32_t ngroup = groups_of(t->w, t->b), ncorr = t->b->k.ncorr;

    for (int64_t bin = 0; bin < s->windows[t->b->k.ddid].nbin; bin++)
        for (int32_t g = 0; g < ngroup && !(g == 0 && find_whole(t, rows, nrow, bin)); g++) {
            const int64_t n = gather(t, rows, nrow, bin, g, s->asked.corr ? ncorr : g + 1);
            t->variance[bin * ngroup + g] =
                mms_statwt_variance(&s->asked.how, n, t->samples, t->exposure_s, t->scratch);
        }
}

static bool is_outside(const mms_statwt_setup *s, float weight)
{
    return s->asked.ranged && ((double)weight < s->asked.low || (double)weight > s->asked.high);
}

/** Count the unflagged points of a bin and some correlations, and flag them. */
static int64_t count_good(const mms_statwt_window *window, int64_t bin, int32_t ncorr,
                          int32_t first, int32_t end, bool bad, uint8_t *flag)
{
    int64_t good = 0;

    for (int64_t c = window->first[bin]; c < window->first[bin + 1]; c++)
        for (int32_t p = first; p < end; p++) {
            good += !flag[c * ncorr + p];
            flag[c * ncorr + p] |= bad;
        }
    return good;
}

/** One weight for a bin of some correlations of a row: flags, the spectrum; sums are for later. */
static void give_weight(weigher *t, int64_t row, int64_t bin, int32_t g, float weight)
{
    const mms_statwt_setup *s = &t->w->setup;
    const batch *b = t->b;
    const mms_statwt_window *window = &s->windows[b->k.ddid];
    const int32_t first = g, end = s->asked.corr ? b->k.ncorr : g + 1;
    const bool bad = weight == 0 || is_outside(s, weight);
    int64_t good = 0;

    if (t->clean && !bad)
        good = (window->first[bin + 1] - window->first[bin]) * (end - first);
    else if (!t->lost)
        good = count_good(window, bin, b->k.ncorr, first, end, bad, b->k.flag + row * b->k.cell);
    t->newly += bad ? (double)good : 0;
    t->given[t->ngiven++] = (given){(double)weight, b->spectrum ? good : good > 0};
    for (int32_t p = first; p < end; p++)
        t->bins[bin * b->k.ncorr + p] =
            bad && (b->spectrum || !s->asked.keeps_outside) ? 0 : weight;
}

/** The unflagged weights of correlations [first, end) of a row; their median. */
static float median_of(weigher *t, int64_t row, int32_t first, int32_t end)
{
    const batch *b = t->b;
    const mms_statwt_window *window = &t->w->setup.windows[b->k.ddid];
    const uint8_t *flag = b->k.flag + row * b->k.cell;
    const int64_t most = window->nbin > 1 ? b->k.cell : 1; // of one bin all are the same
    int64_t n = 0;

    for (int64_t bin = 0; bin < window->nbin && !t->lost; bin++)
        for (int64_t c = window->first[bin]; c < window->first[bin + 1]; c++)
            for (int32_t p = first; n < most && p < end; p++)
                if (!flag[c * b->k.ncorr + p])
                    t->median[n++] = t->bins[bin * b->k.ncorr + p];
    return mms_statwt_median(n, t->median);
}

static void find_row_weights(weigher *t, int64_t row)
{
    const int32_t ngroup = groups_of(t->w, t->b), ncorr = t->b->k.ncorr;

    for (int32_t p = 0; p < ncorr; p++)
        if (!t->b->spectrum)
            t->weight[p] = t->bins[p];
        else if (p >= ngroup)
            t->weight[p] = t->weight[0];
        else
            t->weight[p] = median_of(t, row, p, ngroup == 1 ? ncorr : p + 1);
}

/* ---- what is found ----------------------------------------------------------------------------*/

static bool put(work *w, const void *data, size_t bytes)
{
    return fwrite(data, 1, bytes, w->stage) == bytes;
}

/** The bins of each window: who writes the rows opens no other part. */
static mms_status open_stage(work *w, mms_error *err)
{
    const mms_statwt_setup *s = &w->setup;

    w->stage = fopen(w->path, "we");
    bool ok = w->stage && put(w, &s->set.nwindow, sizeof s->set.nwindow);
    for (int64_t i = 0; ok && i < s->set.nwindow; i++)
        ok = put(w, &s->windows[i].nbin, sizeof s->windows[i].nbin) &&
             put(w, s->windows[i].first,
                 (size_t)(s->windows[i].nbin + 1) * sizeof *s->windows[i].first);
    return ok ? MMS_OK : mms_fail_errno(err, errno, "%s", w->path);
}

static void add_bytes(weigher *t, const void *data, size_t bytes)
{
    memcpy(t->rows + t->bytes, data, bytes);
    t->bytes += (int64_t)bytes;
}

static mms_status stage_row(weigher *t, int64_t row, mms_error *err)
{
    const work *w = t->w;
    const batch *b = t->b;
    const uint8_t *flag = b->k.flag + row * b->k.cell;
    const int64_t nbin = b->spectrum ? w->setup.windows[b->k.ddid].nbin : 0;
    mms_statwt_record r = {.row = mms_flag_row_of_set(&w->reader.rows, b->k.rows[row]),
                           .ddid = b->k.ddid,
                           .nchan = b->k.nchan,
                           .ncorr = b->k.ncorr,
                           .nbin = (int32_t)nbin};

    r.flags_changed = memcmp(flag, b->k.before + row * b->k.cell, (size_t)b->k.cell) != 0;
    r.flag_row = memchr(flag, 0, (size_t)b->k.cell) == NULL;
    r.flag_row_changed = r.flag_row != b->keys[row].flag_row;
    t->nrow++;
    if (!w->stage)
        return MMS_OK;
    const int64_t most = (int64_t)sizeof r + 4 * (1 + nbin) * r.ncorr + b->k.cell;
    const mms_status st = mms_grow(&t->rows, &t->bytes_room, t->bytes + most, 1, err);
    if (st != MMS_OK)
        return st;
    add_bytes(t, &r, sizeof r);
    add_bytes(t, t->weight, (size_t)r.ncorr * sizeof *t->weight);
    add_bytes(t, t->bins, (size_t)(nbin * r.ncorr) * sizeof *t->bins);
    add_bytes(t, flag, r.flags_changed ? (size_t)b->k.cell : 0);
    return MMS_OK;
}

/** One row: its window in time has the variances already. */
static mms_status do_row(weigher *t, int64_t row, mms_error *err)
{
    const batch *b = t->b;
    const int32_t ngroup = groups_of(t->w, b);
    const int64_t nbin = t->w->setup.windows[b->k.ddid].nbin;
    const uint8_t *before = b->k.before + row * b->k.cell;
    int64_t flagged = 0;
    mms_status st;

    t->clean = !memchr(before, 1, (size_t)b->k.cell);
    t->lost = !memchr(before, 0, (size_t)b->k.cell);
    MMS_TRY(mms_grow(&t->given, &t->given_room, t->ngiven + nbin * ngroup, sizeof *t->given, err));
    for (int64_t bin = 0; bin < nbin; bin++)
        for (int32_t g = 0; g < ngroup; g++)
            give_weight(t, row, bin, g,
                        mms_statwt_weight(b->keys[row].exposure_s, t->variance[bin * ngroup + g]));
    find_row_weights(t, row);
    for (int64_t i = 0; i < b->k.cell && !t->clean; i++)
        flagged += before[i];
    t->flagged += (double)flagged;
    t->total += (double)b->k.cell;
    st = stage_row(t, row, err);
done:
    return st;
}

/** Rows [from, to) of b->order are of one baseline: weigh those whose stamps are asked for. */
static mms_status do_baseline(weigher *t, int64_t from, int64_t to, mms_error *err)
{
    const batch *b = t->b;
    int64_t low = from, high = from, had_low = -1, had_high = -1;
    mms_status st = MMS_OK;

    for (int64_t i = from; i < to && st == MMS_OK; i++) {
        const int64_t row = b->order[i], s = b->stamp[row];
        if (s < b->first || s >= b->end)
            continue;
        while (low < to && b->stamp[b->order[low]] < b->stamps->first[s])
            low++;
        while (high < to && b->stamp[b->order[high]] < b->stamps->end[s])
            high++;
        if (low != had_low || high != had_high)
            find_variances(t, b->order + low, high - low);
        had_low = low;
        had_high = high;
        st = do_row(t, row, err);
    }
    return st;
}

/** Add what a piece has come to, in the order of the baselines: sums depend on it. */
static mms_status keep_piece(weigher *t, mms_error *err)
{
    work *const w = t->b->w;

    for (int64_t i = 0; i < t->ngiven; i++)
        mms_statwt_sums_add(t->b->sums, t->given[i].weight, t->given[i].points);
    w->changed_rows += t->nrow;
    w->newly += t->newly;
    w->flagged += t->flagged;
    w->total += t->total;
    if (t->bytes > 0 && !put(w, t->rows, (size_t)t->bytes))
        return mms_fail_errno(err, errno, "%s", w->path);
    t->ngiven = t->bytes = t->nrow = 0;
    t->newly = t->flagged = t->total = 0;
    return MMS_OK;
}

static mms_status do_piece(weigher *t, int64_t piece, mms_error *err)
{
    const batch *b = t->b;
    mms_status st = MMS_OK;

    for (int64_t i = piece * b->piece; i < b->nbaseline && i < (piece + 1) * b->piece; i++)
        MMS_TRY(do_baseline(t, b->from[i], b->from[i + 1], err));
done:
    return st;
}

/** Take baselines until there are none. */
static mms_status weigh_baselines(void *ctx, mms_lanes *lanes, int number, int64_t *piece,
                                  mms_error *err)
{
    batch *const b = ctx;
    weigher t = {0};
    mms_status st;

    (void)number;
    *piece = 0;
    MMS_TRY(open_weigher(b->w, b, &t, err));
    while ((*piece = atomic_fetch_add(&b->next, 1)) * b->piece < b->nbaseline) {
        MMS_TRY(do_piece(&t, *piece, err));
        if (!mms_lanes_begin_turn(lanes, *piece))
            break;
        st = keep_piece(&t, err);
        mms_lanes_end_turn(lanes);
        MMS_TRY(st);
    }
done:
    close_weigher(&t);
    return st;
}

/** What threads give each other, turns and starts, costs as much as so many visibilities. */
static const int64_t values_of_piece = 1 << 16;

/** Weigh the stamps [first, end) of a chunk of rows. */
static mms_status do_batch(work *w, const key *keys, const stamps *t, int64_t first, int64_t end,
                           mms_statwt_sums *sums, mms_error *err)
{
    int64_t from = t->first[first], to = t->end[first];
    batch b = {.w = w, .stamps = t, .first = first, .end = end, .sums = sums};
    mms_status st;

    for (int64_t s = first; s < end; s++) {
        from = t->first[s] < from ? t->first[s] : from;
        to = t->end[s] > to ? t->end[s] : to;
    }
    MMS_TRY(open_batch(w, keys + t->row[from], t->row[to] - t->row[from], &b, err));
    for (int64_t s = from; s < to; s++)
        for (int64_t i = t->row[s]; i < t->row[s + 1]; i++)
            b.stamp[i - t->row[from]] = (int32_t)s;
    b.piece = 1 + values_of_piece * b.nbaseline / (1 + (t->row[to] - t->row[from]) * b.k.cell);
    const int64_t pieces = 1 + (b.nbaseline - 1) / b.piece;
    const int64_t most = w->reader.threads < pieces ? w->reader.threads : pieces;
    MMS_TRY(mms_lanes_run(most > 1 ? (int)most : 1, weigh_baselines, &b, err));
    w->done += t->row[end] - t->row[first];
    mms_job_progress(w->job, w->done, w->nkey);
done:
    free_batch(w, &b);
    return st;
}

/* ---- chunks -----------------------------------------------------------------------------------*/

static mms_status find_stamps(const work *w, const key *keys, int64_t n, stamps *t, mms_error *err)
{
    t->time_s = mms_alloc(n, sizeof *t->time_s);
    t->row = mms_alloc(n + 1, sizeof *t->row);
    t->first = mms_alloc(n, sizeof *t->first);
    t->end = mms_alloc(n, sizeof *t->end);
    if (!t->time_s || !t->row || !t->first || !t->end)
        return no_memory(err);
    for (int64_t i = 0; i < n; i++)
        if (i == 0 || keys[i].time_s > keys[i - 1].time_s) {
            t->row[t->n] = i;
            t->time_s[t->n++] = keys[i].time_s;
        }
    t->row[t->n] = n;
    mms_statwt_windows(&w->setup.time, t->n, t->time_s, t->first, t->end);
    return MMS_OK;
}

static void note_sums(work *w, const key *k, const mms_statwt_sums *s)
{
    const mms_statwt_setup *u = &w->setup;

    json_array_append_new(w->sums, json_pack("[iiiiifoo]", (int)k->array, (int)k->ddid,
                                             u->asked.scan ? 0 : (int)k->scan,
                                             u->asked.state ? 0 : (int)k->state,
                                             u->asked.field ? 0 : (int)k->field, s->n,
                                             mms_double_value(s->mean), mms_double_value(s->m2)));
}

/** Stamps whose rows are at most so many are done together. */
static mms_status do_chunk(work *w, const key *keys, int64_t n, mms_error *err)
{
    const mms_flag_window *window = &w->setup.set.windows[keys[0].ddid];
    const int64_t bytes = 24 * (int64_t)window->nchan * window->ncorr + 64;
    const int64_t most = w->reader.memory / 2 / bytes;
    stamps t = {0};
    mms_statwt_sums sums = {0};
    mms_status st;

    MMS_TRY(find_stamps(w, keys, n, &t, err));
    for (int64_t first = 0, end; first < t.n; first = end) {
        for (end = first + 1; end < t.n && t.row[t.end[end]] - t.row[t.first[first]] <= most;)
            end++;
        MMS_TRY(do_batch(w, keys, &t, first, end, &sums, err));
    }
    note_sums(w, &keys[0], &sums);
done:
    free(t.time_s);
    free(t.row);
    free(t.first);
    free(t.end);
    return st;
}

static mms_status do_chunks(work *w, mms_error *err)
{
    mms_status st = MMS_OK;

    qsort_r(w->keys, (size_t)w->nkey, sizeof *w->keys, by_chunk_and_time, &w->setup);
    for (int64_t first = 0, next; first < w->nkey && st == MMS_OK; first = next) {
        for (next = first + 1;
             next < w->nkey && by_chunk(&w->setup, &w->keys[first], &w->keys[next]) == 0;)
            next++;
        st = do_chunk(w, w->keys + first, next - first, err);
    }
    return st;
}

/* ---- the unit ---------------------------------------------------------------------------------*/

static void end_work(work *w)
{
    if (w->stage)
        fclose(w->stage);
    free(w->keys);
    free(w->reader.spare.flag);
    free(w->reader.spare.before);
    free(w->reader.spare.vis);
    free(w->reader.rows.ranges);
    mms_value_free(&w->sums);
    mms_statwt_setup_close(&w->setup);
}

static mms_status weigh(mms_job *job, mms_ms *ms, const mms_statwt_order *o, mms_value *answer,
                        mms_error *err)
{
    work w = {.job = job, .path = o->stage, .sums = json_array()};
    const mms_level level = mms_log_limit(MMS_LOG_ERROR); // the client has warned
    mms_status st;

    w.reader.memory = o->memory;
    w.reader.threads = o->threads;
    MMS_TRY(mms_statwt_setup_open(ms, o, &w.setup, err));
    w.reader.set.ms = ms;
    MMS_TRY(mms_flag_take_members(&w.reader, o->members, err));
    MMS_TRY(read_keys(&w, o, err));
    if (*w.path)
        MMS_TRY(open_stage(&w, err));
    MMS_TRY(do_chunks(&w, err));
    if (w.stage && fflush(w.stage))
        MMS_TRY(mms_fail_errno(err, errno, "%s", w.path));
    json_object_set(answer, "sums", w.sums);
    json_object_set_new(answer, "rows", json_integer(w.changed_rows));
    json_object_set_new(answer, "newly", json_real(w.newly));
    json_object_set_new(answer, "flagged", json_real(w.flagged));
    json_object_set_new(answer, "total", json_real(w.total));
done:
    mms_log_limit(level);
    end_work(&w);
    return st;
}

mms_status mms_statwt_unit(mms_job *job, const mms_value *order, mms_value *answer, mms_error *err)
{
    const char *step = mms_inplace_step(order);
    mms_statwt_order o;
    mms_ms *ms = NULL;
    int fd = -1;
    bool is_virtual;
    mms_status st;

    if (strcmp(step, "weigh") != 0 && strcmp(step, "write_weights") != 0)
        return mms_flag_unit(job, order, answer, err);
    MMS_TRY(mms_undo_hold(order, &fd, err));
    if (strcmp(step, "weigh") != 0) {
        st = mms_statwt_write(job, order, err);
        goto done;
    }
    MMS_TRY(mms_statwt_order_decode(order, &o, err));
    MMS_TRY(mms_ms_open_seen(o.vis, &ms, err));
    mms_ms_use_tiles(ms, o.tiles);
    if (!strncmp(o.column, "RESIDUAL", 8))
        MMS_TRY(mms_ms_use_model(ms, &is_virtual, err));
    st = weigh(job, ms, &o, answer, err);
done:
    mms_ms_close(&ms);
    if (fd >= 0)
        close(fd);
    return st;
}
