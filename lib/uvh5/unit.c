/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file unit.c  In a worker: reads the rows of a range of blts and writes their values in place.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/files_priv.h"
#include "uvh5_priv.h"

/** How rows of a data description go into the file. */
typedef struct target {
    int64_t nchan, ncorr, first, count, nkept;
    int64_t *channels; /**< [count] */
    int32_t from[MMS_UVH5_MAX_POL], to[MMS_UVH5_MAX_POL];
} target;

typedef struct unit {
    const char *vis, *column, *file;
    mms_ms *ms;
    bool negate, is_float, has_spectrum;
    int64_t nfreq, npol, offsets[3], ntarget;
    target *targets; /**< by data description */
    int fd;
    /* the blts in hand */
    int64_t first, n;
    float (*vis_out)[2], *nsamples;
    uint8_t *flags;
    /* the rows of one data description of them, sorted */
    int64_t nrow, nrange;
    mms_uvh5_place *rows;
    mms_rows *ranges;
    void *data;
    float *weight;
    uint8_t *flag, *flag_row;
} unit;

static mms_status no_memory(mms_error *err)
{
    return mms_fail(err, MMS_ERR_MEM, "visibilities: out of memory");
}

static int64_t number(const mms_value *order, const char *name)
{
    return json_integer_value(json_object_get(order, name));
}

static mms_status decode_target(const mms_value *value, target *t, mms_error *err)
{
    const mms_value *const channels = json_object_get(value, "channels");
    const mms_value *const pols = json_object_get(value, "pols");

    t->nchan = number(value, "nchan");
    t->ncorr = number(value, "ncorr");
    t->first = number(value, "first");
    t->count = (int64_t)json_array_size(channels);
    t->nkept = (int64_t)json_array_size(pols);
    t->channels = mms_alloc(t->count, sizeof *t->channels);
    if (!t->channels)
        return no_memory(err);
    for (int64_t c = 0; c < t->count; c++)
        t->channels[c] = json_integer_value(json_array_get(channels, (size_t)c));
    for (int64_t k = 0; k < t->nkept && k < MMS_UVH5_MAX_POL; k++) {
        const mms_value *const pair = json_array_get(pols, (size_t)k);
        t->from[k] = (int32_t)json_integer_value(json_array_get(pair, 0));
        t->to[k] = (int32_t)json_integer_value(json_array_get(pair, 1));
    }
    return MMS_OK;
}

static mms_status decode(const mms_value *order, unit *u, mms_error *err)
{
    const mms_value *const targets = json_object_get(order, "targets");
    mms_status st = MMS_OK;

    u->vis = json_string_value(json_object_get(order, "vis"));
    u->column = json_string_value(json_object_get(order, "column"));
    u->file = json_string_value(json_object_get(order, "file"));
    u->negate = json_is_true(json_object_get(order, "negate"));
    u->nfreq = number(order, "nfreq");
    u->npol = number(order, "npol");
    for (size_t i = 0; i < 3; i++)
        u->offsets[i] = json_integer_value(json_array_get(json_object_get(order, "offsets"), i));
    u->ntarget = (int64_t)json_array_size(targets);
    u->targets = mms_alloc(u->ntarget, sizeof *u->targets);
    if (!u->targets)
        return no_memory(err);
    for (int64_t d = 0; st == MMS_OK && d < u->ntarget; d++)
        st = decode_target(json_array_get(targets, (size_t)d), &u->targets[d], err);
    return st;
}

/** Refuse cells of another shape than [nchan][ncorr] before there is room for them. */
static mms_status check_shapes(unit *u, const char *column, const target *t, mms_error *err)
{
    mms_shape_run *runs = NULL;
    int64_t nrun;
    mms_status st = mms_ms_shapes(u->ms, column, u->nrange, u->ranges, &runs, &nrun, err);

    for (int64_t i = 0; st == MMS_OK && i < nrun; i++)
        if (runs[i].ndim != 2 || runs[i].shape[0] != t->nchan || runs[i].shape[1] != t->ncorr)
            st = mms_fail(err, MMS_ERR_SHAPE,
                          "%s: %s of row %" PRId64 " is not %" PRId64 " channels x %" PRId64
                          " correlations, as its window and polarizations are",
                          u->vis, column, runs[i].rows.first, t->nchan, t->ncorr);
    free(runs);
    return st;
}

static void repeat_weight(const unit *u, const target *t, int64_t first, int64_t n,
                          const float *weight)
{
    for (int64_t i = 0; i < n; i++)
        for (int64_t c = 0; c < t->nchan; c++)
            memcpy(u->weight + ((first + i) * t->nchan + c) * t->ncorr, weight + i * t->ncorr,
                   (size_t)t->ncorr * sizeof *weight);
}

/** WEIGHT_SPECTRUM where it has cells, else WEIGHT for every channel. */
static mms_status read_weights(unit *u, const target *t, mms_error *err)
{
    const int64_t cell = t->nchan * t->ncorr;
    float *const weight = mms_alloc(u->nrow * t->ncorr, sizeof *weight);
    mms_shape_run *runs = NULL;
    int64_t nrun = 0, undefined = 0, done = 0;
    mms_status st;

    MMS_TRY(weight ? MMS_OK : no_memory(err));
    if (u->has_spectrum)
        MMS_TRY(mms_ms_shapes(u->ms, "WEIGHT_SPECTRUM", u->nrange, u->ranges, &runs, &nrun, err));
    for (int64_t i = 0; i < nrun; i++)
        undefined +=
            runs[i].ndim != 2 || runs[i].shape[0] != t->nchan || runs[i].shape[1] != t->ncorr;
    if (nrun > 0 && undefined == 0) {
        MMS_TRY(mms_ms_read(u->ms, "WEIGHT_SPECTRUM", u->nrange, u->ranges, u->nrow * cell,
                            u->weight, err));
        goto done;
    }
    MMS_TRY(mms_ms_read(u->ms, "WEIGHT", u->nrange, u->ranges, u->nrow * t->ncorr, weight, err));
    repeat_weight(u, t, 0, u->nrow, weight);
    for (int64_t i = 0; i < nrun; i++) {
        if (runs[i].ndim == 2 && runs[i].shape[0] == t->nchan && runs[i].shape[1] == t->ncorr)
            MMS_TRY(mms_ms_read(u->ms, "WEIGHT_SPECTRUM", 1, &runs[i].rows,
                                runs[i].rows.count * cell, u->weight + done * cell, err));
        done += runs[i].rows.count;
    }
done:
    free(runs);
    free(weight);
    return st;
}

/** A value of DATA or FLOAT_DATA as it stands in the file. */
static inline void take_value(const unit *u, int64_t at, float out[2])
{
    if (u->is_float) {
        out[0] = ((const float *)u->data)[at];
        out[1] = 0;
        return;
    }
    const float *const value = (const float *)u->data + 2 * at;
    out[0] = value[0];
    out[1] = u->negate ? -value[1] : value[1];
}

static void place_row(const unit *u, const target *t, int64_t i)
{
    const int64_t blt = u->rows[i].blt - u->first;

    for (int64_t c = 0; c < t->count; c++) {
        const int64_t in = (i * t->nchan + t->channels[c]) * t->ncorr;
        const int64_t out = (blt * u->nfreq + t->first + c) * u->npol;
        for (int64_t k = 0; k < t->nkept; k++) {
            take_value(u, in + t->from[k], u->vis_out[out + t->to[k]]);
            u->flags[out + t->to[k]] = (uint8_t)(u->flag[in + t->from[k]] | u->flag_row[i]);
            u->nsamples[out + t->to[k]] = u->weight[in + t->from[k]];
        }
    }
}

static void end_rows(unit *u)
{
    free(u->data);
    free(u->weight);
    free(u->flag);
    free(u->flag_row);
    free(u->ranges);
    u->data = NULL;
    u->weight = NULL;
    u->flag = u->flag_row = NULL;
    u->ranges = NULL;
}

/** Read u->rows, nrow of one data description, and put them into the blts. */
static mms_status take_rows(unit *u, const target *t, mms_error *err)
{
    const int64_t cells = u->nrow * t->nchan * t->ncorr;
    mms_status st;

    u->nrange = 0;
    u->ranges = mms_alloc(u->nrow, sizeof *u->ranges);
    MMS_TRY(u->ranges ? MMS_OK : no_memory(err));
    for (int64_t i = 0; i < u->nrow; i++)
        if (i > 0 && u->rows[i].row == u->rows[i - 1].row + 1)
            u->ranges[u->nrange - 1].count++;
        else
            u->ranges[u->nrange++] = (mms_rows){u->rows[i].row, 1};
    MMS_TRY(check_shapes(u, u->column, t, err));
    MMS_TRY(check_shapes(u, "FLAG", t, err));
    u->data = mms_alloc(cells, u->is_float ? 4 : 8);
    u->weight = mms_alloc(cells, sizeof *u->weight);
    u->flag = mms_alloc(cells, 1);
    u->flag_row = mms_alloc(u->nrow, 1);
    if (!u->data || !u->weight || !u->flag || !u->flag_row)
        MMS_TRY(no_memory(err));
    MMS_TRY(mms_ms_read(u->ms, u->column, u->nrange, u->ranges, cells, u->data, err));
    MMS_TRY(mms_ms_read(u->ms, "FLAG", u->nrange, u->ranges, cells, u->flag, err));
    MMS_TRY(mms_ms_read(u->ms, "FLAG_ROW", u->nrange, u->ranges, u->nrow, u->flag_row, err));
    MMS_TRY(read_weights(u, t, err));
    for (int64_t i = 0; i < u->nrow; i++)
        place_row(u, t, i);
done:
    end_rows(u);
    return st;
}

static int by_ddid(const void *first, const void *second)
{
    const mms_uvh5_place *const a = first, *const b = second;

    if (a->ddid != b->ddid)
        return a->ddid < b->ddid ? -1 : 1;
    return a->row < b->row ? -1 : a->row > b->row;
}

static mms_status write_at(const unit *u, const void *from, int64_t bytes, int64_t offset,
                           mms_error *err)
{
    const char *at = from;

    while (bytes > 0) {
        const ssize_t n = pwrite(u->fd, at, (size_t)bytes, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return mms_fail_errno(err, n < 0 ? errno : EIO, "%s", u->file);
        at += n;
        offset += n;
        bytes -= n;
    }
    return MMS_OK;
}

static mms_status write_blts(const unit *u, mms_error *err)
{
    const int64_t cell = u->nfreq * u->npol, before = u->first * cell, n = u->n * cell;
    mms_status st;

    MMS_TRY(write_at(u, u->vis_out, n * 8, u->offsets[0] + before * 8, err));
    MMS_TRY(write_at(u, u->flags, n, u->offsets[1] + before, err));
    MMS_TRY(write_at(u, u->nsamples, n * 4, u->offsets[2] + before * 4, err));
done:
    return st;
}

/** The values of blts u->first, … whose rows are places[n]. */
static mms_status take_blts(unit *u, int64_t n, mms_uvh5_place *places, mms_error *err)
{
    const int64_t values = u->n * u->nfreq * u->npol;
    mms_status st = MMS_OK;

    memset(u->vis_out, 0, (size_t)values * sizeof *u->vis_out);
    memset(u->nsamples, 0, (size_t)values * sizeof *u->nsamples);
    memset(u->flags, 1, (size_t)values);
    qsort(places, (size_t)n, sizeof *places, by_ddid);
    for (int64_t at = 0; st == MMS_OK && at < n; at += u->nrow) {
        const int64_t ddid = places[at].ddid;
        u->rows = places + at;
        for (u->nrow = 0; at + u->nrow < n && places[at + u->nrow].ddid == ddid;)
            u->nrow++;
        if (ddid < 0 || ddid >= u->ntarget)
            return mms_fail(err, MMS_ERR_INTERNAL, "no data description %" PRId64, ddid);
        st = take_rows(u, &u->targets[ddid], err);
    }
    return st == MMS_OK ? write_blts(u, err) : st;
}

static mms_status read_places(const char *path, int64_t first, int64_t n, mms_uvh5_place **out,
                              mms_error *err)
{
    mms_uvh5_place *const places = mms_alloc(n, sizeof *places);
    int64_t bytes;
    int fd;
    mms_status st = places ? mms_open_file(path, &fd, &bytes, err) : no_memory(err);

    *out = places;
    if (st != MMS_OK)
        return st;
    if (lseek(fd, (off_t)(first * (int64_t)sizeof *places), SEEK_SET) < 0)
        st = mms_fail_errno(err, errno, "%s", path);
    if (st == MMS_OK)
        st = mms_read_all(fd, places, n * (int64_t)sizeof *places, path, err);
    close(fd);
    return st;
}

/** How many blts are in hand at a time. */
static int64_t blts_in_hand(const unit *u, int64_t nblt)
{
    enum { BLOCK = 4 << 20 };
    const int64_t n = BLOCK / (u->nfreq * u->npol * 8 + 1);

    return n < 1 ? 1 : n < nblt ? n : nblt;
}

static mms_status take_all(mms_job *job, const mms_value *order, unit *u, mms_uvh5_place *places,
                           int64_t nplace, mms_error *err)
{
    const int64_t begin = number(order, "first_blt"), nblt = number(order, "nblt");
    const int64_t block = blts_in_hand(u, nblt), cell = u->nfreq * u->npol;
    int64_t at = 0;
    mms_status st = MMS_OK;

    u->vis_out = mms_alloc(block * cell, sizeof *u->vis_out);
    u->nsamples = mms_alloc(block * cell, sizeof *u->nsamples);
    u->flags = mms_alloc(block * cell, 1);
    if (!u->vis_out || !u->nsamples || !u->flags)
        return no_memory(err);
    for (int64_t done = 0; st == MMS_OK && done < nblt; done += u->n) {
        int64_t end = at;
        u->first = begin + done;
        u->n = block < nblt - done ? block : nblt - done;
        while (end < nplace && places[end].blt < u->first + u->n)
            end++;
        st = take_blts(u, end - at, places + at, err);
        at = end;
        mms_job_progress(job, (done + u->n) * cell * 13, nblt * cell * 13);
    }
    return st;
}

static void end_unit(unit *u)
{
    if (u->fd >= 0)
        close(u->fd);
    for (int64_t d = 0; u->targets && d < u->ntarget; d++)
        free(u->targets[d].channels);
    free(u->targets);
    free(u->vis_out);
    free(u->nsamples);
    free(u->flags);
    mms_ms_close(&u->ms);
}

static mms_status open_unit(unit *u, bool tiles, mms_error *err)
{
    const mms_column *column;
    mms_status st;

    MMS_TRY(mms_ms_open(u->vis, &u->ms, err));
    mms_ms_use_tiles(u->ms, tiles);
    column = mms_ms_find_column(u->ms, u->column);
    u->is_float = column && column->dtype == MMS_DT_FLOAT;
    u->has_spectrum = mms_ms_find_column(u->ms, "WEIGHT_SPECTRUM") != NULL;
    u->fd = open(u->file, O_WRONLY | O_CLOEXEC);
    if (u->fd < 0)
        st = mms_fail_errno(err, errno, "%s", u->file);
done:
    return st;
}

mms_status mms_uvh5_export_unit(mms_job *job, const mms_value *order, mms_value *answer,
                                mms_error *err)
{
    const char *const rows_file = json_string_value(json_object_get(order, "rows_file"));
    const char *const shared_file = json_string_value(json_object_get(order, "shared"));
    const int64_t nplace = number(order, "nrow");
    mms_value *shared = NULL;
    mms_uvh5_place *places = NULL;
    unit u = {.fd = -1};
    mms_status st;

    MMS_TRY(mms_value_read(shared_file, &shared, err));
    MMS_TRY(decode(shared, &u, err));
    MMS_TRY(open_unit(&u, json_is_true(json_object_get(shared, "tiles")), err));
    MMS_TRY(read_places(rows_file, number(order, "first_row"), nplace, &places, err));
    MMS_TRY(take_all(job, order, &u, places, nplace, err));
    json_object_set_new(answer, "rows", json_integer(nplace));
done:
    free(places);
    end_unit(&u);
    mms_value_free(&shared);
    return st;
}
