/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file average.c  Commands on averages of a chunk: makes the averages, has the command look at
 *  them, and gives its flags to all that they are made of (in-place 1.6). */
#include <float.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/base_priv.h"
#include "flag_priv.h"
#include "ms/columns.h"

static mms_status no_memory(mms_error *err)
{
    return mms_fail(err, MMS_ERR_MEM, "flagdata: out of memory");
}

/** The averages of a chunk. */
typedef struct averages {
    mms_flag_chunk chunk; /**< as if it was stored; its rows are the first of each */
    mms_flag_cut cut;
    int32_t nselected;
    int32_t *channels, *bin; /**< [nselected]; [nchan of the source]: where it goes, -1: nowhere */
    int64_t *row;            /**< [nrow of the source]: where it goes, -1: nowhere */
    float *weights;          /**< [nrow][nchan][ncorr] of the source, then of the time averages */
} averages;

static void close_averages(averages *a)
{
    free(a->chunk.rows);
    free(a->chunk.flag);
    free(a->chunk.before);
    free(a->chunk.flag_row);
    free(a->chunk.vis);
    free(a->cut.channel);
    free(a->channels);
    free(a->bin);
    free(a->row);
    free(a->weights);
}

/* ---- weights ----------------------------------------------------------------------------------*/

static mms_status has_cells(mms_flag_work *w, const mms_flag_chunk *k, const char *column,
                            bool *has, mms_error *err)
{
    mms_shape_run *runs = NULL;
    int64_t nrun = 0;
    const mms_rows row = {mms_flag_row_of_set(&w->rows, k->rows[0]), 1};
    mms_status st = MMS_OK;

    *has = mms_ms_find_column(w->set.ms, column) != NULL;
    if (*has)
        st = mms_ms_shapes(w->set.ms, column, 1, &row, &runs, &nrun, err);
    *has = *has && st == MMS_OK && nrun > 0 && runs[0].ndim == 2;
    free(runs);
    return st;
}

/** Read a column of spectra, or the one without channels in every channel. */
static mms_status read_spectra(mms_flag_work *w, const mms_flag_chunk *k, const char *spectrum,
                               const char *plain, float *to, mms_error *err)
{
    const int64_t n = k->nrow * k->ncorr;
    float *row = NULL;
    bool has = false;
    mms_status st;

    MMS_TRY(has_cells(w, k, spectrum, &has, err));
    if (has) {
        MMS_TRY(mms_flag_chunk_read(w, k, spectrum, k->nrow * k->cell, (size_t)k->cell * sizeof *to,
                                    to, err));
        goto done;
    }
    row = mms_alloc(n, sizeof *row);
    MMS_TRY(row ? MMS_OK : no_memory(err));
    MMS_TRY(mms_flag_chunk_read(w, k, plain, n, (size_t)k->ncorr * sizeof *row, row, err));
    for (int64_t i = 0; i < k->nrow * k->cell; i++)
        to[i] = row[i / k->cell * k->ncorr + i % k->ncorr];
done:
    free(row);
    return st;
}

static float weight_of_sigma(float sigma)
{
    return sigma > FLT_MIN ? (float)(1.0 / (double)(sigma * sigma)) : 0;
}

/** The weights of a data column: DATA has those of SIGMA, the model none. */
static mms_status read_weights(mms_flag_work *w, const mms_flag_chunk *k, const char *column,
                               float *to, mms_error *err)
{
    const int64_t n = k->nrow * k->cell;
    mms_status st = MMS_OK;

    if (!strncasecmp(column, "MODEL", 5) || !strncasecmp(column, MMS_COL_WEIGHT, 6)) {
        for (int64_t i = 0; i < n; i++)
            to[i] = 1;
    } else if (!strncasecmp(column, "CORRECTED", 9)) {
        st = read_spectra(w, k, MMS_COL_WEIGHT_SPECTRUM, MMS_COL_WEIGHT, to, err);
    } else {
        st = read_spectra(w, k, MMS_COL_SIGMA_SPECTRUM, MMS_COL_SIGMA, to, err);
        for (int64_t i = 0; st == MMS_OK && i < n; i++)
            to[i] = weight_of_sigma(to[i]);
    }
    return st;
}

/* ---- which rows and channels ------------------------------------------------------------------*/

static int64_t count_antennas(const mms_flag_work *w, const mms_flag_chunk *k)
{
    int64_t n = 0;

    for (int64_t i = 0; i < k->nrow; i++) {
        const int64_t a = w->rows.antenna1[k->rows[i]], b = w->rows.antenna2[k->rows[i]];
        n = a >= n ? a + 1 : n;
        n = b >= n ? b + 1 : n;
    }
    return n;
}

/** Whether a row still belongs to the average that begins with another, of its baseline. */
static bool fits(const mms_flag_work *w, const mms_flag_command *c, int64_t first, int64_t row)
{
    const mms_flag_rows *r = &w->rows;

    return c->timebin_s > 0 && r->scan[first] == r->scan[row] &&
           r->time_s[row] - r->time_s[first] <= 0.999 * c->timebin_s;
}

static mms_status group_rows(const mms_flag_work *w, const mms_flag_command *c,
                             const mms_flag_chunk *k, averages *a, mms_error *err)
{
    const int64_t n = count_antennas(w, k);
    int64_t *open = mms_alloc(n * n, sizeof *open); // of each baseline, 0: none
    mms_flag_chunk *to = &a->chunk;

    a->row = mms_alloc(k->nrow, sizeof *a->row);
    to->rows = mms_alloc(k->nrow, sizeof *to->rows);
    if (!open || !a->row || !to->rows) {
        free(open);
        return no_memory(err);
    }
    for (int64_t i = 0; i < k->nrow; i++) {
        const int64_t row = k->rows[i];
        const int64_t p = w->rows.antenna1[row], q = w->rows.antenna2[row];
        a->row[i] = -1;
        if ((w->run_mask && !mms_flag_bit(w->run_mask, row)) || p < 0 || q < 0)
            continue;
        int64_t *at = &open[p * n + q];
        if (*at == 0 || !fits(w, c, to->rows[*at - 1], row)) {
            to->rows[to->nrow++] = row;
            *at = to->nrow;
        }
        a->row[i] = *at - 1;
    }
    free(open);
    return MMS_OK;
}

/** cut: the channels that are averaged; NULL: all. */
static mms_status group_channels(const mms_flag_cut *cut, const mms_flag_chunk *k, int32_t width,
                                 averages *a, mms_error *err)
{
    int32_t n = 0;

    a->channels = mms_alloc(k->nchan, sizeof *a->channels);
    a->bin = mms_alloc(k->nchan, sizeof *a->bin);
    a->cut.channel = mms_alloc(k->nchan, 1);
    if (!a->channels || !a->bin || !a->cut.channel)
        return no_memory(err);
    for (int32_t i = 0; i < k->nchan; i++) {
        const bool in = !cut || cut->channel[i];
        a->bin[i] = in ? n / width : -1;
        if (in)
            a->channels[n++] = i;
    }
    a->nselected = n;
    a->chunk.nchan = a->cut.nchan = (n + width - 1) / width;
    a->chunk.ncorr = k->ncorr;
    a->chunk.cell = (int64_t)a->chunk.nchan * k->ncorr;
    a->chunk.ddid = k->ddid;
    memset(a->cut.channel, 1, (size_t)a->cut.nchan);
    a->cut.known = true;
    return MMS_OK;
}

/* ---- averages ---------------------------------------------------------------------------------*/

/** The means over time of all channels: of, weights and flags of a->chunk.nrow rows. */
static void average_times(const mms_flag_chunk *k, averages *a, mms_complex *sums, float *weights,
                          uint8_t *flags)
{
    memset(flags, 1, (size_t)(a->chunk.nrow * k->cell));
    for (int64_t i = 0; i < k->nrow; i++) {
        const int64_t to = a->row[i] * k->cell, from = i * k->cell;
        if (to >= 0)
            mms_flag_average_add(k->cell, k->vis + from, a->weights + from, k->flag + from,
                                 sums + to, weights + to, flags + to);
    }
    mms_flag_average_end(a->chunk.nrow * k->cell, sums, weights);
}

static void average_channels(const mms_flag_chunk *k, int32_t width, averages *a,
                             const mms_complex *values, const float *weights, const uint8_t *flags,
                             mms_complex *vis)
{
    mms_flag_chunk *to = &a->chunk;

    for (int64_t i = 0; i < to->nrow; i++) {
        const int64_t from = i * k->cell, at = i * to->cell;
        if (width > 1) {
            mms_flag_average_channels(a->nselected, a->channels, k->ncorr, width, values + from,
                                      weights + from, flags + from, vis + at, to->flag + at);
            continue;
        }
        for (int32_t c = 0; c < a->nselected; c++) {
            const int64_t cell = from + (int64_t)a->channels[c] * k->ncorr;
            memcpy(vis + at + (int64_t)c * k->ncorr, values + cell,
                   (size_t)k->ncorr * sizeof *values);
            memcpy(to->flag + at + (int64_t)c * k->ncorr, flags + cell, (size_t)k->ncorr);
        }
    }
}

static mms_status make_room(averages *a, mms_error *err)
{
    mms_flag_chunk *to = &a->chunk;
    const int64_t m = to->nrow * to->cell;

    to->vis = mms_alloc(m, sizeof *to->vis);
    to->flag = mms_alloc(m, 1);
    to->before = mms_alloc(m, 1);
    to->flag_row = mms_alloc(to->nrow, 1);
    return to->vis && to->flag && to->before && to->flag_row ? MMS_OK : no_memory(err);
}

/** Averages of the values that the chunk has, into vis; plain: channels are not weighed. */
static mms_status fill(const mms_flag_command *c, const mms_flag_chunk *k, int32_t width,
                       averages *a, bool plain, mms_complex *vis, mms_error *err)
{
    const int64_t n = a->chunk.nrow * k->cell;
    mms_complex *sums = mms_alloc(n, sizeof *sums);
    float *weights = mms_alloc(n, sizeof *weights);
    uint8_t *flags = mms_alloc(n, 1);
    mms_status st;

    MMS_TRY(sums && weights && flags ? MMS_OK : no_memory(err));
    if (c->timebin_s > 0) {
        average_times(k, a, sums, weights, flags);
    } else {
        for (int64_t i = 0; i < k->nrow; i++) {
            const int64_t at = a->row[i] * k->cell, from = i * k->cell;
            if (at < 0)
                continue;
            memcpy(sums + at, k->vis + from, (size_t)k->cell * sizeof *sums);
            memcpy(weights + at, a->weights + from, (size_t)k->cell * sizeof *weights);
            memcpy(flags + at, k->flag + from, (size_t)k->cell);
        }
    }
    for (int64_t i = 0; plain && i < n; i++)
        weights[i] = 1;
    average_channels(k, width, a, sums, weights, flags, vis);
done:
    free(sums);
    free(weights);
    free(flags);
    return st;
}

/** Of weights, the sum over a bin: of those that are flagged only where all are. */
static void sum_weights(const mms_flag_chunk *k, averages *a)
{
    mms_flag_chunk *to = &a->chunk;

    memset(to->vis, 0, (size_t)(to->nrow * to->cell) * sizeof *to->vis);
    for (int64_t i = 0; i < k->nrow; i++)
        for (int32_t c = 0; a->row[i] >= 0 && c < k->nchan; c++)
            for (int32_t p = 0; a->bin[c] >= 0 && p < k->ncorr; p++) {
                const int64_t from = i * k->cell + (int64_t)c * k->ncorr + p;
                const int64_t at = a->row[i] * to->cell + (int64_t)a->bin[c] * k->ncorr + p;
                if (!k->flag[from] || to->flag[at])
                    to->vis[at] += k->vis[from];
            }
}

/** Take the averages of the model away: in time with the weights of the data, as in CASA 6.7.0,
 * over channels without any. */
static mms_status subtract_model(mms_flag_work *w, const mms_flag_command *c, mms_flag_chunk *k,
                                 int32_t width, averages *a, mms_error *err)
{
    const int64_t m = a->chunk.nrow * a->chunk.cell;
    mms_complex *model = mms_alloc(m, sizeof *model);
    mms_status st;

    MMS_TRY(model ? MMS_OK : no_memory(err));
    MMS_TRY(mms_flag_chunk_values(w, k, "MODEL", err));
    MMS_TRY(fill(c, k, width, a, true, model, err));
    for (int64_t i = 0; i < m; i++)
        a->chunk.vis[i] -= model[i];
done:
    free(model);
    return st;
}

/** The averages that a command asks for. */
static mms_status make_averages(mms_flag_work *w, const mms_flag_command *c, mms_flag_chunk *k,
                                int32_t width, averages *a, mms_error *err)
{
    const bool residual = !strncasecmp(c->column, "RESIDUAL", 8);
    const char *column = !residual                            ? c->column
                         : !strcasecmp(c->column, "RESIDUAL") ? "CORRECTED"
                                                              : MMS_COL_DATA;
    mms_status st;

    MMS_TRY(make_room(a, err));
    MMS_TRY(mms_flag_chunk_values(w, k, column, err));
    MMS_TRY(read_weights(w, k, column, a->weights, err));
    MMS_TRY(fill(c, k, width, a, false, a->chunk.vis, err));
    if (!strncasecmp(column, MMS_COL_WEIGHT, 6))
        sum_weights(k, a);
    memcpy(a->chunk.before, a->chunk.flag, (size_t)(a->chunk.nrow * a->chunk.cell));
    if (residual)
        MMS_TRY(subtract_model(w, c, k, width, a, err));
    memcpy(a->chunk.flag, a->chunk.before, (size_t)(a->chunk.nrow * a->chunk.cell));
done:
    return st;
}

/** Flags of averages are those of all their cells. */
static void spread(mms_flag_chunk *k, const averages *a)
{
    for (int64_t i = 0; i < k->nrow; i++) {
        if (a->row[i] < 0)
            continue;
        for (int32_t c = 0; c < k->nchan; c++) {
            uint8_t *cell = k->flag + i * k->cell + (int64_t)c * k->ncorr;
            if (a->bin[c] < 0)
                continue;
            const uint8_t *from =
                a->chunk.flag + a->row[i] * a->chunk.cell + (int64_t)a->bin[c] * k->ncorr;
            for (int32_t p = 0; p < k->ncorr; p++)
                cell[p] |= from[p];
        }
    }
}

/** All commands see all channels of the averages, and the correlations that they name. */
static mms_status do_commands(mms_flag_work *w, averages *a, mms_error *err)
{
    mms_status st = MMS_OK;

    for (int64_t i = 0; i < w->ncommand && st == MMS_OK; i++) {
        mms_flag_command *c = &w->commands[i];
        mms_flag_cut cut = a->cut, *own;
        st = mms_flag_command_cut(&w->set, c, a->chunk.ddid, &own, err);
        if (st != MMS_OK || own->nchan == 0 || own->ncorr == 0)
            continue;
        cut.corr = own->corr;
        cut.ncorr = own->ncorr;
        st = mms_flag_chunk_do(w, c, &cut, &a->chunk, err);
    }
    return st;
}

mms_status mms_flag_chunk_averaged(mms_flag_work *w, mms_flag_command *asks, mms_flag_chunk *k,
                                   mms_error *err)
{
    const int32_t width = k->nchan > 1 ? asks->chanbins[k->ddid] : 1;
    averages a = {.weights = mms_alloc(k->nrow * k->cell, sizeof(float))};
    mms_flag_cut *cut;
    mms_status st;

    MMS_TRY(a.weights ? MMS_OK : no_memory(err));
    MMS_TRY(mms_flag_command_cut(&w->set, asks, k->ddid, &cut, err));
    MMS_TRY(group_channels(w->run_mask ? cut : NULL, k, width, &a, err));
    MMS_TRY(group_rows(w, asks, k, &a, err));
    if (a.chunk.nrow == 0 || a.chunk.nchan == 0)
        goto done;
    MMS_TRY(make_averages(w, asks, k, width, &a, err));
    a.chunk.column = asks->column;
    a.chunk.any = a.chunk.touched = true;
    MMS_TRY(do_commands(w, &a, err));
    spread(k, &a);
done:
    close_averages(&a);
    return st;
}
