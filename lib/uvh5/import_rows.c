/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file import_rows.c  The main table of an imported MS, or of a part: blocks of rows by several
 *  threads, each of one spectral window. */
#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/files_priv.h"
#include "base/lanes_priv.h"
#include "cubes_priv.h"
#include "ms/block.h"
#include "ms/columns.h"

enum { BLOCK_BYTES = 512 << 10, MOST_ROWS = 16384, MOST_LANES = 16 };

/** Columns of scalars, then arrays, of a block. */
enum {
    ANT1,
    ANT2,
    FIELD,
    SCAN,
    DDID,
    STATE,
    ARRAY,
    FEED1,
    FEED2,
    OBSERVATION,
    PROCESSOR,
    TIME,
    CENTROID,
    EXPOSURE,
    INTERVAL,
    FLAG_ROW,
    NSCALAR
};
enum { DATA, FLAG, SPECTRUM, WEIGHT, SIGMA, UVW, NARRAY };

static const char *const scalar_names[NSCALAR] = {
    MMS_COL_ANTENNA1,      MMS_COL_ANTENNA2,       MMS_COL_FIELD_ID,     MMS_COL_SCAN_NUMBER,
    MMS_COL_DATA_DESC_ID,  MMS_COL_STATE_ID,       MMS_COL_ARRAY_ID,     MMS_COL_FEED1,
    MMS_COL_FEED2,         MMS_COL_OBSERVATION_ID, MMS_COL_PROCESSOR_ID, MMS_COL_TIME,
    MMS_COL_TIME_CENTROID, MMS_COL_EXPOSURE,       MMS_COL_INTERVAL,     MMS_COL_FLAG_ROW};
static const char *const array_names[NARRAY] = {
    MMS_COL_DATA,   MMS_COL_FLAG,  MMS_COL_WEIGHT_SPECTRUM,
    MMS_COL_WEIGHT, MMS_COL_SIGMA, MMS_COL_UVW};

/** What is written, by all threads. */
typedef struct importing {
    mms_uvh5_in *in;
    mms_uvh5_cubes *cubes;
    mms_writer *writer;
    const mms_column *scalars[NSCALAR], *arrays[NARRAY];
    int64_t nrow, most;
    int fd;              /**< of the rows */
    int64_t taken, next; /**< rows that threads have; piece that none has */
    int64_t infinite;
    pthread_mutex_t lock;
    mms_job *job;
} importing;

/** What a thread has of its own. */
typedef struct lane {
    mms_uvh5_row_in *in; /**< rows of one window */
    int64_t first, n;
    float *column;
    uint8_t *scratch; /**< flags of more bytes than one */
    void *scalars[NSCALAR], *arrays[NARRAY];
    mms_cells scalar_cells[NSCALAR], array_cells[NARRAY + MMS_SPARE_ARRAYS];
    mms_rows rows;
    mms_group group;
    mms_block block;
    int64_t infinite;
} lane;

/* ---- medians ----------------------------------------------------------------------------------*/

static int by_real(const void *first, const void *second)
{
    const float a = *(const float *)first, b = *(const float *)second;

    return a < b ? -1 : a > b;
}

static bool all_same(int64_t n, const float *values)
{
    for (int64_t i = 1; i < n; i++)
        if (!(values[i] == values[0]))
            return false;
    return n > 0 && values[0] == values[0];
}

float mms_uvh5_median(int64_t n, float *values)
{
    int64_t kept = 0;

    if (all_same(n, values))
        return values[0];
    for (int64_t i = 0; i < n; i++)
        if (!isnan(values[i]))
            values[kept++] = values[i];
    if (kept == 0)
        return 0;
    qsort(values, (size_t)kept, sizeof *values, by_real);
    return kept % 2 ? values[kept / 2] : (values[kept / 2 - 1] + values[kept / 2]) / 2;
}

/* ---- a thread's room --------------------------------------------------------------------------*/

static size_t scalar_size(int k)
{
    return k < TIME ? sizeof(int32_t) : k < FLAG_ROW ? sizeof(double) : 1;
}

static mms_status make_lane(const importing *m, lane *l, mms_error *err)
{
    static const size_t sizes[NARRAY] = {8, 1, 4, 4, 4, 8};
    const mms_uvh5_in *const in = m->in;
    const int64_t n = m->most * in->nfreq * in->npol;
    bool good = true;

    l->in = mms_alloc(m->most, sizeof *l->in);
    l->column = mms_alloc(in->nfreq, sizeof *l->column);
    l->scratch = mms_alloc(in->flag_bytes == 1 ? 1 : n, (size_t)in->flag_bytes);
    for (int k = 0; k < NSCALAR; k++)
        good = (l->scalars[k] = mms_alloc(m->most, scalar_size(k))) && good;
    for (int k = 0; k < NARRAY; k++) {
        const int64_t values = k < WEIGHT ? n : m->most * (k == UVW ? 3 : in->npol);
        good = (l->arrays[k] = mms_alloc(values, sizes[k])) && good;
    }
    return good && l->in && l->column && l->scratch ? MMS_OK : mms_uvh5_in_memory(in, err);
}

static void free_lane(lane *l)
{
    free(l->in);
    free(l->column);
    free(l->scratch);
    for (int k = 0; k < NSCALAR; k++)
        free(l->scalars[k]);
    for (int k = 0; k < NARRAY; k++)
        free(l->arrays[k]);
    free(l);
}

/* ---- a block ----------------------------------------------------------------------------------*/

static void fill_ints(lane *l)
{
    int32_t *const *const ints = (int32_t *const *)l->scalars;

    for (int64_t i = 0; i < l->n; i++) {
        ints[ANT1][i] = l->in[i].ant1;
        ints[ANT2][i] = l->in[i].ant2;
        ints[FIELD][i] = l->in[i].field;
        ints[SCAN][i] = l->in[i].scan;
        ints[DDID][i] = l->in[i].window;
        ints[STATE][i] = -1; // there is no STATE
    }
}

static void fill_reals(const importing *m, lane *l)
{
    double *const *const reals = (double *const *)l->scalars;
    double *const uvw = l->arrays[UVW];
    const double sign = m->in->conjugates ? -1 : 1;

    for (int64_t i = 0; i < l->n; i++) {
        reals[TIME][i] = reals[CENTROID][i] = l->in[i].time_s;
        reals[EXPOSURE][i] = reals[INTERVAL][i] = l->in[i].exposure_s;
        for (int k = 0; k < 3; k++)
            uvw[3 * i + k] = sign * l->in[i].uvw_m[k];
    }
}

/** Read the values of the rows, which share a window, to where the writer takes them. */
static mms_status read_values(const importing *m, lane *l, mms_error *err)
{
    const mms_uvh5_in *const in = m->in;
    const mms_uvh5_span *const span = &in->spans[l->in[0].window];
    const int64_t cell = span->count * in->npol;
    mms_status st = MMS_OK;

    for (int64_t at = 0, run; st == MMS_OK && at < l->n; at += run) {
        for (run = 1; at + run < l->n && l->in[at + run].blt == l->in[at].blt + run;)
            run++;
        assert(l->in[at].window == l->in[0].window &&
               l->in[at + run - 1].window == l->in[0].window);
        const mms_uvh5_slab slab = {.blt = l->in[at].blt,
                                    .n = run,
                                    .first = span->first,
                                    .count = span->count,
                                    .vis = (float(*)[2])l->arrays[DATA] + at * cell,
                                    .flags = (uint8_t *)l->arrays[FLAG] + at * cell,
                                    .nsamples = (float *)l->arrays[SPECTRUM] + at * cell,
                                    .scratch = l->scratch};
        st = mms_uvh5_cubes_read(m->cubes, &slab, err);
    }
    return st;
}

/** Turn to the zenith what was not projected: by the new w. */
static void rotate(const mms_uvh5_in *in, lane *l)
{
    const double c_m_s = 299792458.0;
    const mms_uvh5_span *const span = &in->spans[l->in[0].window];
    float(*const data)[2] = l->arrays[DATA];

    for (int64_t i = 0; i < l->n; i++) {
        if (!in->turned[l->in[i].field])
            continue;
        const double w = l->in[i].uvw_m[2];
        for (int64_t k = 0; k < span->count * in->npol; k++) {
            const double phase = -2 * M_PI * w * in->freq_hz[span->first + k / in->npol] / c_m_s;
            float *const v = data[i * span->count * in->npol + k];
            const double re = v[0], im = v[1], cp = cos(phase), sp = sin(phase);
            v[0] = (float)(re * cp - im * sp);
            v[1] = (float)(re * sp + im * cp);
        }
    }
}

/** The correlations of a channel, of which from[p] becomes the p-th; sign: what is turned in the
 * bits of a value.  One that is inlined with a number for npol has no loop. */
static inline void order_channel(int64_t npol, const int32_t *from, uint64_t sign, char *data,
                                 uint8_t *flag, float *spectrum)
{
    uint64_t values[MMS_UVH5_MAX_POL];
    uint8_t flags[MMS_UVH5_MAX_POL];
    float samples[MMS_UVH5_MAX_POL];

    memcpy(values, data, (size_t)npol * sizeof *values);
    memcpy(flags, flag, (size_t)npol);
    memcpy(samples, spectrum, (size_t)npol * sizeof *samples);
    for (int64_t p = 0; p < npol; p++) {
        const uint64_t value = values[from[p]] ^ sign;
        memcpy(data + 8 * p, &value, sizeof value);
        flag[p] = flags[from[p]];
        spectrum[p] = samples[from[p]];
    }
}

static void turn_signs(int64_t n, uint64_t sign, char *data)
{
    for (int64_t i = 0; i < n; i++) {
        uint64_t value;
        memcpy(&value, data + 8 * i, sizeof value);
        value ^= sign;
        memcpy(data + 8 * i, &value, sizeof value);
    }
}

/** Values in CASA's order of the correlations: imaginary parts, whose signs are the highest bits of
 *  little-endian values, change their signs meanwhile. */
static void order_values(const importing *m, lane *l, int64_t nvalue)
{
    const mms_uvh5_in *const in = m->in;
    const int64_t npol = in->npol;
    const uint64_t sign = in->conjugates ? UINT64_C(1) << 63 : 0;
    char *const data = l->arrays[DATA];
    uint8_t *const flag = l->arrays[FLAG];
    float *const spectrum = l->arrays[SPECTRUM];
    bool in_order = true;

    for (int64_t p = 0; p < npol; p++)
        in_order = in_order && (npol == 1 || in->from[p] == p);
    if (in_order && sign)
        turn_signs(nvalue, sign, data);
    for (int64_t i = 0; !in_order && npol == 4 && i < nvalue; i += 4)
        order_channel(4, in->from, sign, data + 8 * i, flag + i, spectrum + i);
    for (int64_t i = 0; !in_order && npol != 4 && i < nvalue; i += npol)
        order_channel(npol, in->from, sign, data + 8 * i, flag + i, spectrum + i);
    const float(*const values)[2] = (const float(*)[2])l->arrays[DATA];
    for (int64_t i = 0; in->wide && i < nvalue; i++)
        l->infinite += isinf(values[i][0]) || isinf(values[i][1]);
}

/** The median of one correlation of a row; where all channels are the same bits it is theirs. */
static float middle(lane *l, int64_t nchan, int64_t npol, const float *spectrum, bool same)
{
    if (same && spectrum[0] == spectrum[0])
        return spectrum[0];
    for (int64_t c = 0; c < nchan; c++)
        l->column[c] = spectrum[c * npol];
    return mms_uvh5_median(nchan, l->column);
}

static void weigh(const importing *m, lane *l, int64_t n, int64_t nchan)
{
    const int64_t npol = m->in->npol, cell = nchan * npol;
    const uint8_t *const flag = l->arrays[FLAG];
    float *const weight = l->arrays[WEIGHT], *const sigma = l->arrays[SIGMA];

    for (int64_t i = 0; i < n; i++) {
        const float *const row = (const float *)l->arrays[SPECTRUM] + i * cell;
        const bool same = !memcmp(row, row + npol, (size_t)(cell - npol) * sizeof *row);
        ((uint8_t *)l->scalars[FLAG_ROW])[i] = !memchr(flag + i * cell, 0, (size_t)cell);
        for (int64_t p = 0; p < npol; p++) {
            const float w = middle(l, nchan, npol, row + p, same);
            weight[i * npol + p] = w;
            sigma[i * npol + p] = w > 0 ? 1 / sqrtf(w) : -1;
        }
    }
}

/** The lane's values as a block of the writer. */
static void make_block(const importing *m, lane *l, int64_t nchan)
{
    const int64_t npol = m->in->npol, n = l->n;

    for (int k = 0; k < NSCALAR; k++)
        l->scalar_cells[k] = (mms_cells){
            .column = m->scalars[k], .name = scalar_names[k], .nvalue = 1, .data = l->scalars[k]};
    for (int k = 0; k < NARRAY; k++) {
        mms_cells *const c = &l->array_cells[k];
        *c = (mms_cells){.column = m->arrays[k], .name = array_names[k], .data = l->arrays[k]};
        c->ndim = k < WEIGHT ? 2 : 1;
        c->shape[0] = k < WEIGHT ? nchan : k == UVW ? 3 : npol;
        c->shape[1] = k < WEIGHT ? npol : 0;
        c->nvalue = k < WEIGHT ? nchan * npol : c->shape[0];
    }
    l->rows = (mms_rows){0, n};
    l->group =
        (mms_group){.ddid = -1, .nrow = n, .nrange = 1, .rows = &l->rows, .arrays = l->array_cells};
    l->block = (mms_block){.rows = {l->first, n},
                           .nscalar = NSCALAR,
                           .narray = NARRAY,
                           .ngroup = 1,
                           .scalars = l->scalar_cells,
                           .groups = &l->group};
}

static mms_status fill_block(const importing *m, lane *l, mms_error *err)
{
    const int64_t nchan = m->in->spans[l->in[0].window].count;
    const int64_t nvalue = l->n * nchan * m->in->npol;
    mms_status st;

    MMS_TRY(read_values(m, l, err));
    if (m->in->flipped)
        turn_signs(nvalue, UINT64_C(1) << 63, l->arrays[DATA]);
    if (m->in->turned)
        rotate(m->in, l);
    order_values(m, l, nvalue);
    weigh(m, l, l->n, nchan);
    fill_ints(l);
    fill_reals(m, l);
    make_block(m, l, nchan);
    MMS_TRY(mms_check_stop(err));
done:
    return st;
}

/** Take the next rows of one window; n is 0 at the end. */
static mms_status take_rows(importing *m, lane *l, int64_t *piece, mms_error *err)
{
    const int64_t size = (int64_t)sizeof *l->in;
    mms_status st = MMS_OK;

    pthread_mutex_lock(&m->lock);
    const int64_t n = m->nrow - m->taken < m->most ? m->nrow - m->taken : m->most;
    *piece = m->next++;
    l->first = m->taken;
    l->n = 0;
    if (mms_pread_all(m->fd, l->in, n * size, m->taken * size) < n * size)
        st = mms_fail(err, MMS_ERR_IO, "the rows of %s became fewer", m->in->path);
    else
        while (l->n < n && l->in[l->n].window == l->in[0].window)
            l->n++;
    m->taken += l->n;
    pthread_mutex_unlock(&m->lock);
    return st;
}

static mms_status run_lane(void *ctx, mms_lanes *lanes, int number, int64_t *piece, mms_error *err)
{
    importing *const m = ctx;
    lane *const l = mms_alloc(1, sizeof *l);
    mms_placed *placed = NULL;
    mms_status st;

    (void)number;
    *piece = 0;
    MMS_TRY(l ? make_lane(m, l, err) : mms_uvh5_in_memory(m->in, err));
    for (;;) {
        MMS_TRY(take_rows(m, l, piece, err));
        if (l->n == 0)
            break;
        MMS_TRY(fill_block(m, l, err));
        if (!mms_lanes_begin_turn(lanes, *piece))
            break;
        mms_job_progress(m->job, l->first, m->nrow);
        MMS_TRY(mms_writer_place(m->writer, &l->block, 0, NULL, &placed, err));
        mms_lanes_end_turn(lanes);
        MMS_TRY(mms_writer_put(&placed, err));
    }
done:
    mms_placed_drop(&placed);
    if (l) {
        pthread_mutex_lock(&m->lock);
        m->infinite += l->infinite;
        pthread_mutex_unlock(&m->lock);
        free_lane(l);
    }
    return st;
}

/* ---- the table --------------------------------------------------------------------------------*/

static mms_status find_columns(importing *m, mms_ms *like, mms_error *err)
{
    for (int k = 0; k < NSCALAR + NARRAY; k++) {
        const char *const name = k < NSCALAR ? scalar_names[k] : array_names[k - NSCALAR];
        const mms_column *const column = mms_ms_find_column(like, name);
        if (!column)
            return mms_fail(err, MMS_ERR_INTERNAL, "no column %s", name);
        if (k < NSCALAR)
            m->scalars[k] = column;
        else
            m->arrays[k - NSCALAR] = column;
    }
    return MMS_OK;
}

/** How many threads, and the rows of each one's block, whose values are held some two times and
 *  once more by the writer; half of the memory is for chunks where there are any. */
static int share_memory(importing *m, int threads)
{
    enum { COPIES = 8, LEAST = 128 << 10 };
    const int64_t row = m->in->nfreq * m->in->npol * 8;
    const int64_t all = m->in->memory > 0 ? m->in->memory / 2 : INT64_MAX;
    const int64_t least = COPIES * (row > LEAST ? row : LEAST);
    int n = threads < 1 ? 1 : threads > MOST_LANES ? MOST_LANES : threads;

    if (n > all / least)
        n = all < least ? 1 : (int)(all / least);
    const int64_t bytes = all / n / COPIES < BLOCK_BYTES ? all / n / COPIES : BLOCK_BYTES;
    m->most = bytes / row < 1 ? 1 : bytes / row > MOST_ROWS ? MOST_ROWS : bytes / row;
    return n;
}

mms_status mms_uvh5_write_main(mms_uvh5_in *in, mms_ms *like, mms_writer *writer, int fd,
                               int64_t nrow, int threads, mms_job *job, mms_error *err)
{
    importing m = {.in = in, .writer = writer, .fd = fd, .nrow = nrow, .job = job};
    const int n = share_memory(&m, threads);
    mms_status st;

    pthread_mutex_init(&m.lock, NULL);
    MMS_TRY(find_columns(&m, like, err));
    MMS_TRY(mms_uvh5_cubes_open(in, &m.cubes, err));
    MMS_TRY(mms_lanes_run(n, run_lane, &m, err));
    if (m.infinite)
        mms_log(MMS_LOG_WARN, "importuvh5", "%s: %" PRId64 " visibilities are infinite as floats",
                in->path, m.infinite);
done:
    mms_uvh5_cubes_close(&m.cubes);
    pthread_mutex_destroy(&m.lock);
    return st;
}
