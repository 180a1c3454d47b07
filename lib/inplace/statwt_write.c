/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file statwt_write.c  Weights that were found, from the stage into one part. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/base_priv.h"
#include "base/files_priv.h"
#include "ms/columns.h"
#include "orders_priv.h"
#include "sink_priv.h"
#include "statwt_priv.h"

enum { BLOCK_BYTES = 4 << 20, MOST_COLUMNS = 8 };

/** Where a row of the part stands in the stage. */
typedef struct place {
    int64_t row, at;
} place;

typedef struct writing {
    mms_job *job;
    const uint8_t *stage; /**< mapped */
    int64_t bytes;
    int64_t nwindow;
    mms_statwt_window *windows; /**< first points into the stage */
    int64_t nplace, first, count;
    place *places; /**< by row of the part */
    mms_sink *sink;
    const char *writes[MOST_COLUMNS], *adds[MOST_COLUMNS];
    bool zero_sigma; /**< rows of one bin: SIGMA is 0 where WEIGHT is, as CASA has it in blocks of
                          seconds */
} writing;

static mms_status no_memory(mms_error *err)
{
    return mms_fail(err, MMS_ERR_MEM, "statwt: out of memory");
}

/* ---- the stage --------------------------------------------------------------------------------*/

static mms_status map_stage(writing *w, const char *path, mms_error *err)
{
    int fd = -1;
    mms_status st = mms_open_file(path, &fd, &w->bytes, err);
    void *map = MAP_FAILED;

    if (st == MMS_OK)
        map = mmap(NULL, (size_t)w->bytes, PROT_READ, MAP_PRIVATE, fd, 0);
    if (st == MMS_OK && map == MAP_FAILED)
        st = mms_fail(err, MMS_ERR_IO, "%s: cannot be mapped", path);
    if (st == MMS_OK)
        w->stage = map;
    if (fd >= 0)
        close(fd);
    return st;
}

static int64_t int_at(const writing *w, int64_t at)
{
    int64_t value;

    memcpy(&value, w->stage + at, sizeof value);
    return value;
}

static mms_statwt_record record_at(const writing *w, int64_t at)
{
    mms_statwt_record r;

    memcpy(&r, w->stage + at, sizeof r);
    return r;
}

static int64_t weights_of(const mms_statwt_record *r)
{
    return (int64_t)(1 + r->nbin) * r->ncorr;
}

static int64_t size_of(const mms_statwt_record *r)
{
    return (int64_t)sizeof *r + weights_of(r) * (int64_t)sizeof(float) +
           (r->flags_changed ? (int64_t)r->nchan * r->ncorr : 0);
}

static int by_row(const void *a, const void *b)
{
    const int64_t x = ((const place *)a)->row, y = ((const place *)b)->row;
    return (x > y) - (x < y);
}

static mms_status read_windows(writing *w, int64_t *at, mms_error *err)
{
    w->nwindow = int_at(w, 0);
    *at = (int64_t)sizeof(int64_t);
    w->windows = mms_alloc(w->nwindow, sizeof *w->windows);
    if (!w->windows)
        return no_memory(err);
    for (int64_t i = 0; i < w->nwindow; i++) {
        mms_statwt_window *v = &w->windows[i];
        v->nbin = int_at(w, *at);
        *at += (int64_t)sizeof(int64_t);
        v->first = mms_alloc(v->nbin + 1, sizeof *v->first);
        if (!v->first)
            return no_memory(err);
        memcpy(v->first, w->stage + *at, (size_t)(v->nbin + 1) * sizeof *v->first);
        *at += (v->nbin + 1) * (int64_t)sizeof *v->first;
    }
    return MMS_OK;
}

/** Find the part's rows. */
static mms_status index_stage(writing *w, const char *path, mms_error *err)
{
    int64_t at, capacity = 0;
    mms_status st;

    MMS_TRY(read_windows(w, &at, err));
    while (at < w->bytes) {
        mms_statwt_record r = {0};
        if (at <= w->bytes - (int64_t)sizeof r)
            r = record_at(w, at);
        if (at > w->bytes - size_of(&r))
            MMS_TRY(mms_fail(err, MMS_ERR_IO, "%s is cut short", path));
        if (r.row >= w->first && r.row < w->first + w->count) {
            MMS_TRY(mms_grow(&w->places, &capacity, w->nplace + 1, sizeof *w->places, err));
            w->places[w->nplace++] = (place){r.row - w->first, at};
        }
        at += size_of(&r);
    }
    qsort(w->places, (size_t)w->nplace, sizeof *w->places, by_row);
done:
    return st;
}

static const uint8_t *weights_at(const writing *w, int64_t i)
{
    return w->stage + w->places[i].at + sizeof(mms_statwt_record);
}

/* ---- blocks of rows ---------------------------------------------------------------------------*/

/** Rows that follow each other, of one shape: places [from, to). */
typedef struct block {
    int64_t from, to;
    mms_statwt_record like;
    float *values;
    uint8_t *flags;
} block;

static bool is_written(const char *const *list, const char *name)
{
    for (; *list; list++)
        if (!strcmp(*list, name))
            return true;
    return false;
}

static bool goes_on(const writing *w, const block *b, const mms_statwt_record *r)
{
    const int64_t n = b->to - b->from, cell = (int64_t)r->nchan * r->ncorr;

    return w->places[b->to].row == w->places[b->to - 1].row + 1 && r->ddid == b->like.ddid &&
           r->nbin == b->like.nbin && n * cell * (int64_t)sizeof(float) < BLOCK_BYTES;
}

static void find_block(const writing *w, int64_t from, block *b)
{
    b->from = from;
    b->to = from + 1;
    b->like = record_at(w, w->places[from].at);
    while (b->to < w->nplace) {
        const mms_statwt_record r = record_at(w, w->places[b->to].at);
        if (!goes_on(w, b, &r))
            return;
        b->to++;
    }
}

static void to_sigma(bool zero_stays, int64_t n, float *values)
{
    for (int64_t i = 0; i < n; i++)
        if (values[i] != 0 || !zero_stays)
            values[i] = mms_statwt_sigma(values[i]);
}

/** WEIGHT or SIGMA of the block. */
static mms_status write_row_weights(writing *w, const block *b, const char *column, mms_error *err)
{
    const int64_t ncorr = b->like.ncorr, n = b->to - b->from;
    const mms_rows rows = {w->places[b->from].row, n};

    if (!is_written(w->writes, column))
        return MMS_OK;
    for (int64_t i = 0; i < n; i++)
        memcpy(b->values + i * ncorr, weights_at(w, b->from + i), (size_t)ncorr * sizeof(float));
    if (!strcmp(column, MMS_COL_SIGMA))
        to_sigma(w->zero_sigma && b->like.nbin == 0, n * ncorr, b->values);
    return mms_sink_write(w->sink, column, 1, &rows, 1, &ncorr, n * ncorr, b->values, err);
}

/** A row's spectrum from its bins. */
static void spread(const writing *w, const mms_statwt_record *r, const uint8_t *bins, float *to)
{
    const mms_statwt_window *v = &w->windows[r->ddid];

    for (int64_t i = 0; i < v->nbin; i++)
        for (int64_t c = v->first[i]; c < v->first[i + 1]; c++)
            memcpy(to + c * r->ncorr, bins + i * r->ncorr * (int64_t)sizeof(float),
                   (size_t)r->ncorr * sizeof(float));
}

static mms_status write_spectra(writing *w, const block *b, const char *column, mms_error *err)
{
    const int64_t shape[2] = {b->like.nchan, b->like.ncorr}, cell = shape[0] * shape[1];
    const int64_t n = b->to - b->from;
    const mms_rows rows = {w->places[b->from].row, n};

    if (!is_written(w->writes, column) || b->like.nbin == 0)
        return MMS_OK;
    for (int64_t i = 0; i < n; i++)
        spread(w, &b->like, weights_at(w, b->from + i) + shape[1] * (int64_t)sizeof(float),
               b->values + i * cell);
    if (!strcmp(column, MMS_COL_SIGMA_SPECTRUM))
        to_sigma(false, n * cell, b->values);
    return mms_sink_write(w->sink, column, 1, &rows, 2, shape, n * cell, b->values, err);
}

/** FLAG where it has changed, in runs. */
static mms_status write_flags(writing *w, const block *b, mms_error *err)
{
    const int64_t shape[2] = {b->like.nchan, b->like.ncorr}, cell = shape[0] * shape[1];
    mms_status st = MMS_OK;

    for (int64_t i = b->from, n; i < b->to && st == MMS_OK; i += n > 0 ? n : 1) {
        for (n = 0; i + n < b->to && record_at(w, w->places[i + n].at).flags_changed; n++)
            memcpy(b->flags + n * cell,
                   weights_at(w, i + n) + weights_of(&b->like) * (int64_t)sizeof(float),
                   (size_t)cell);
        const mms_rows rows = {w->places[i].row, n};
        if (n > 0)
            st = mms_sink_write(w->sink, MMS_COL_FLAG, 1, &rows, 2, shape, n * cell, b->flags, err);
    }
    return st;
}

static mms_status write_flag_rows(writing *w, const block *b, mms_error *err)
{
    mms_status st = MMS_OK;

    for (int64_t i = b->from; i < b->to && st == MMS_OK; i++) {
        const mms_statwt_record r = record_at(w, w->places[i].at);
        const mms_rows row = {w->places[i].row, 1};
        if (r.flag_row_changed)
            st = mms_sink_write(w->sink, MMS_COL_FLAG_ROW, 1, &row, 0, NULL, 1, &r.flag_row, err);
    }
    return st;
}

static mms_status write_block(writing *w, block *b, mms_error *err)
{
    const int64_t n = (b->to - b->from) * b->like.nchan * b->like.ncorr;
    mms_status st;

    b->values = mms_alloc(n, sizeof *b->values);
    b->flags = mms_alloc(n, 1);
    MMS_TRY(b->values && b->flags ? MMS_OK : no_memory(err));
    MMS_TRY(write_row_weights(w, b, MMS_COL_WEIGHT, err));
    MMS_TRY(write_row_weights(w, b, MMS_COL_SIGMA, err));
    MMS_TRY(write_spectra(w, b, MMS_COL_WEIGHT_SPECTRUM, err));
    MMS_TRY(write_spectra(w, b, MMS_COL_SIGMA_SPECTRUM, err));
    MMS_TRY(write_flags(w, b, err));
    MMS_TRY(write_flag_rows(w, b, err));
done:
    free(b->values);
    free(b->flags);
    b->values = NULL;
    b->flags = NULL;
    return st;
}

/* ---- rows that are not selected, of a column that is new --------------------------------------*/

static bool is_staged(const writing *w, int64_t row)
{
    const place key = {row, 0};
    return w->nplace > 0 && bsearch(&key, w->places, (size_t)w->nplace, sizeof key, by_row);
}

/** Give a row the spectrum that its WEIGHT (SIGMA) stands for. */
static mms_status fill_row(writing *w, const char *column, const mms_shape_run *run, int64_t row,
                           mms_error *err)
{
    const char *from = !strcmp(column, MMS_COL_SIGMA_SPECTRUM) ? MMS_COL_SIGMA : MMS_COL_WEIGHT;
    const int64_t ncorr = run->shape[1], cell = run->shape[0] * ncorr;
    const mms_rows rows = {row, 1};
    float *values = mms_alloc(cell + ncorr, sizeof *values);
    mms_status st = values ? MMS_OK : no_memory(err);

    if (st == MMS_OK)
        st = mms_sink_read(w->sink, from, 1, &rows, ncorr, values + cell, err);
    for (int64_t i = 0; st == MMS_OK && i < cell; i++)
        values[i] = values[cell + i % ncorr];
    if (st == MMS_OK)
        st = mms_sink_write(w->sink, column, 1, &rows, 2, run->shape, cell, values, err);
    free(values);
    return st;
}

static mms_status fill_others(writing *w, const char *column, mms_error *err)
{
    const mms_rows all = {0, w->count};
    mms_shape_run *runs = NULL;
    int64_t nrun = 0;
    mms_status st;

    MMS_TRY(w->count > 0 ? mms_sink_shapes(w->sink, MMS_COL_FLAG, 1, &all, &runs, &nrun, err)
                         : MMS_OK);
    for (int64_t i = 0; i < nrun; i++)
        for (int64_t k = 0; k < runs[i].rows.count && runs[i].ndim == 2; k++)
            if (!is_staged(w, runs[i].rows.first + k))
                MMS_TRY(fill_row(w, column, &runs[i], runs[i].rows.first + k, err));
done:
    free(runs);
    return st;
}

/* ---- the unit ---------------------------------------------------------------------------------*/

static void read_names(const mms_value *list, const char **names)
{
    for (size_t i = 0; i < json_array_size(list) && i < MOST_COLUMNS - 1; i++)
        names[i] = json_string_value(json_array_get(list, i));
}

static void end_writing(writing *w)
{
    mms_sink_drop(&w->sink);
    for (int64_t i = 0; w->windows && i < w->nwindow; i++)
        free(w->windows[i].first);
    free(w->windows);
    free(w->places);
    if (w->stage)
        munmap((void *)w->stage, (size_t)w->bytes);
}

mms_status mms_statwt_write(mms_job *job, const mms_value *order, mms_error *err)
{
    mms_weights_order o;
    writing w = {.job = job};
    mms_status st;

    MMS_TRY(mms_weights_order_decode(order, &o, err));
    const mms_sink_what what = {.path = o.part,
                                .add = w.adds,
                                .like = MMS_COL_FLAG,
                                .tiles = o.tiles,
                                .sync = o.sync,
                                .lock = o.lock};
    w.first = o.first;
    w.count = o.count;
    w.zero_sigma = o.zero_sigma;
    read_names(o.writes, w.writes);
    read_names(o.adds, w.adds);
    if (*o.stage) {
        MMS_TRY(map_stage(&w, o.stage, err));
        MMS_TRY(index_stage(&w, o.stage, err));
    }
    MMS_TRY(mms_sink_open(&what, &w.sink, err));
    for (const char *const *c = w.adds; *c; c++)
        if (mms_sink_is_new(w.sink, *c))
            MMS_TRY(fill_others(&w, *c, err));
    for (int64_t i = 0; i < w.nplace;) {
        block b;
        find_block(&w, i, &b);
        MMS_TRY(write_block(&w, &b, err));
        i = b.to;
        mms_job_progress(job, i, w.nplace);
    }
    MMS_TRY(mms_sink_close(&w.sink, err));
done:
    end_writing(&w);
    return st;
}
