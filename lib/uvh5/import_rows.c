/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file import_rows.c  The main table of an imported MS, in blocks. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "import_priv.h"

enum { BLOCK_BYTES = 4 << 20, MOST_ROWS = 16384 };

/** A row of the MS: a window of a baseline-time. */
typedef struct cell {
    int64_t blt;
    int32_t scan, window;
} cell;

typedef struct rows {
    mms_uvh5_in *in;
    mms_table *main;
    uint8_t *present; /**< [nblt][nspw] */
    int64_t ncell, most, infinite;
    cell *cells;
    float (*vis)[2], (*data)[2], *ns, *spectrum, *weight, *sigma, *column;
    uint8_t *flag, *stored, *flag_row;
    double *doubles;
    int32_t *ints;
} rows;

static int by_real(const void *first, const void *second)
{
    const float a = *(const float *)first, b = *(const float *)second;

    return a < b ? -1 : a > b;
}

float mms_uvh5_median(int64_t n, float *values)
{
    int64_t kept = 0;

    for (int64_t i = 0; i < n; i++)
        if (!isnan(values[i]))
            values[kept++] = values[i];
    if (kept == 0)
        return 0;
    qsort(values, (size_t)kept, sizeof *values, by_real);
    return kept % 2 ? values[kept / 2] : (values[kept / 2 - 1] + values[kept / 2]) / 2;
}

static mms_status make_room(rows *r, mms_error *err)
{
    mms_uvh5_in *const in = r->in;
    const int64_t cells = in->nfreq * in->npol;

    r->most = BLOCK_BYTES / (cells * 8);
    r->most = r->most < 1 ? 1 : r->most > MOST_ROWS ? MOST_ROWS : r->most;
    const int64_t n = r->most * cells;
    r->vis = mms_alloc(n, 8);
    r->data = mms_alloc(n, 8);
    r->ns = mms_alloc(n, 4);
    r->spectrum = mms_alloc(n, 4);
    r->column = mms_alloc(in->nfreq, 4);
    r->weight = mms_alloc(r->most * in->npol, 4);
    r->sigma = mms_alloc(r->most * in->npol, 4);
    r->flag = mms_alloc(n, 1);
    r->stored = mms_alloc(n, (size_t)in->flag_bytes);
    r->flag_row = mms_alloc(r->most, 1);
    r->doubles = mms_alloc(r->most * 3, 8);
    r->ints = mms_alloc(r->most, 4);
    r->present = mms_alloc(in->nblt * in->nspw, 1);
    return r->vis && r->data && r->ns && r->spectrum && r->column && r->weight && r->sigma &&
                   r->flag && r->stored && r->flag_row && r->doubles && r->ints && r->present
               ? MMS_OK
               : mms_uvh5_in_memory(in, err);
}

/** Read channels of n blts of all three cubes. */
static mms_status read_cubes(rows *r, int64_t blt, int64_t n, int64_t first, int64_t count,
                             bool samples, mms_error *err)
{
    mms_uvh5_in *const in = r->in;
    const int axis = in->old_shape ? 2 : 1;
    mms_status st;

    MMS_TRY(in->hdf5->read(in->file, "Data/visdata", MMS_H5_COMPLEX, blt, n, axis, first, count,
                           r->vis, err));
    MMS_TRY(in->hdf5->read(in->file, "Data/flags", MMS_H5_BOOL, blt, n, axis, first, count,
                           r->stored, err));
    if (samples)
        MMS_TRY(in->hdf5->read(in->file, "Data/nsamples", MMS_H5_FLOAT, blt, n, axis, first, count,
                               r->ns, err));
done:
    return st;
}

static bool is_flagged(const rows *r, int64_t i)
{
    const uint8_t *const bytes = r->stored + i * r->in->flag_bytes;

    for (int64_t b = 0; b < r->in->flag_bytes; b++)
        if (bytes[b])
            return true;
    return false;
}

/** Padding: all 0 and all flagged. */
static bool is_padding(const rows *r, int64_t from, int64_t n)
{
    for (int64_t i = from; i < from + n; i++)
        if (r->vis[i][0] != 0 || r->vis[i][1] != 0 || !is_flagged(r, i))
            return false;
    return true;
}

static mms_status find_present(rows *r, bool keepabsent, mms_error *err)
{
    mms_uvh5_in *const in = r->in;
    mms_status st = MMS_OK;

    memset(r->present, 1, (size_t)(in->nblt * in->nspw));
    for (int64_t at = 0; !keepabsent && st == MMS_OK && at < in->nblt; at += r->most) {
        const int64_t n = in->nblt - at < r->most ? in->nblt - at : r->most;
        st = read_cubes(r, at, n, 0, in->nfreq, false, err);
        for (int64_t i = 0; st == MMS_OK && i < n * in->nspw; i++) {
            const mms_uvh5_span *const s = &in->spans[i % in->nspw];
            const int64_t from = (i / in->nspw * in->nfreq + s->first) * in->npol;
            r->present[at * in->nspw + i] = !is_padding(r, from, s->count * in->npol);
        }
        if (st == MMS_OK)
            st = mms_check_stop(err);
    }
    return st;
}

static int in_order(const void *first, const void *second)
{
    const cell *const a = first, *const b = second;

    if (a->scan != b->scan)
        return a->scan < b->scan ? -1 : 1;
    if (a->window != b->window)
        return a->window < b->window ? -1 : 1;
    return a->blt < b->blt ? -1 : a->blt > b->blt;
}

/** One window: the file's order; several: by scan, window, blt. */
static mms_status list_cells(rows *r, mms_error *err)
{
    const mms_uvh5_in *const in = r->in;

    for (int64_t i = 0; i < in->nblt * in->nspw; i++)
        r->ncell += r->present[i];
    r->cells = mms_alloc(r->ncell, sizeof *r->cells);
    if (!r->cells)
        return mms_uvh5_in_memory(in, err);
    r->ncell = 0;
    for (int64_t i = 0; i < in->nblt * in->nspw; i++)
        if (r->present[i])
            r->cells[r->ncell++] =
                (cell){i / in->nspw, (int32_t)in->scan[i / in->nspw], (int32_t)(i % in->nspw)};
    if (in->nspw > 1)
        qsort(r->cells, (size_t)r->ncell, sizeof *r->cells, in_order);
    if (r->ncell == 0)
        return mms_fail(err, MMS_ERR_EMPTY,
                        "%s: all visibilities are 0 and flagged: an MS would have no rows; "
                        "keepabsent=true keeps them",
                        in->path);
    return MMS_OK;
}

/** Turn what was read into cells of the MS. */
static void convert(rows *r, int64_t n, int64_t nchan, bool one)
{
    const mms_uvh5_in *const in = r->in;
    const int64_t npol = in->npol;

    for (int64_t i = 0; i < n * nchan; i++)
        for (int64_t p = 0; p < npol; p++) {
            const int64_t to = i * npol + p, at = i * npol + (one ? 0 : in->from[p]);
            const float imaginary = r->vis[at][1];
            r->data[to][0] = r->vis[at][0];
            r->data[to][1] = in->conjugates ? -imaginary : imaginary;
            r->infinite += in->wide && (isinf(r->vis[at][0]) || isinf(imaginary));
            r->flag[to] = is_flagged(r, at);
            r->spectrum[to] = r->ns[at];
        }
    for (int64_t i = 0; i < n; i++) {
        r->flag_row[i] = !memchr(r->flag + i * nchan * npol, 0, (size_t)(nchan * npol));
        for (int64_t p = 0; p < npol; p++) {
            for (int64_t c = 0; c < nchan; c++)
                r->column[c] = r->spectrum[(i * nchan + c) * npol + p];
            const float w = mms_uvh5_median(nchan, r->column);
            r->weight[i * npol + p] = w;
            r->sigma[i * npol + p] = w > 0 ? 1 / sqrtf(w) : -1;
        }
    }
}

static mms_status put_arrays(rows *r, const mms_rows *to, int64_t nchan, mms_error *err)
{
    const int64_t npol = r->in->npol, n = to->count;
    const int64_t cube[] = {nchan, npol}, uvw[] = {3};
    mms_status st;

    MMS_TRY(mms_table_put(r->main, "DATA", 1, to, 2, cube, n * nchan * npol, r->data, err));
    MMS_TRY(mms_table_put(r->main, "FLAG", 1, to, 2, cube, n * nchan * npol, r->flag, err));
    MMS_TRY(mms_table_put(r->main, "WEIGHT_SPECTRUM", 1, to, 2, cube, n * nchan * npol, r->spectrum,
                          err));
    MMS_TRY(mms_table_put(r->main, "WEIGHT", 1, to, 1, &npol, n * npol, r->weight, err));
    MMS_TRY(mms_table_put(r->main, "SIGMA", 1, to, 1, &npol, n * npol, r->sigma, err));
    MMS_TRY(mms_table_put(r->main, "FLAG_ROW", 1, to, 0, NULL, n, r->flag_row, err));
    for (int64_t i = 0; i < 3 * n; i++) {
        const double value = r->in->uvw_m[3 * r->cells[to->first].blt + i];
        r->doubles[i] = r->in->conjugates ? -value : value;
    }
    MMS_TRY(mms_table_put(r->main, "UVW", 1, to, 1, uvw, 3 * n, r->doubles, err));
done:
    return st;
}

static int32_t integer_of(const rows *r, int column, const cell *c)
{
    const mms_uvh5_in *const in = r->in;

    switch (column) {
    case 0:
        return (int32_t)in->ant1[c->blt];
    case 1:
        return (int32_t)in->ant2[c->blt];
    case 2:
        return (int32_t)in->field[c->blt];
    case 3:
        return c->scan;
    case 4:
        return c->window;
    case 5:
        return -1; // STATE_ID: there is no STATE
    default:
        return 0;
    }
}

static mms_status put_scalars(rows *r, const mms_rows *to, mms_error *err)
{
    static const char *const integers[] = {
        "ANTENNA1", "ANTENNA2", "FIELD_ID", "SCAN_NUMBER",    "DATA_DESC_ID", "STATE_ID",
        "ARRAY_ID", "FEED1",    "FEED2",    "OBSERVATION_ID", "PROCESSOR_ID"};
    static const char *const times[] = {"TIME", "TIME_CENTROID"};
    static const char *const spans[] = {"EXPOSURE", "INTERVAL"};
    const cell *const cells = r->cells + to->first;
    const int64_t n = to->count;
    mms_status st;

    for (int k = 0; k < MMS_COUNT_OF(integers); k++) {
        for (int64_t i = 0; i < n; i++)
            r->ints[i] = integer_of(r, k, &cells[i]);
        MMS_TRY(mms_table_put(r->main, integers[k], 1, to, 0, NULL, n, r->ints, err));
    }
    for (int64_t i = 0; i < n; i++)
        r->doubles[i] = (r->in->time_jd[cells[i].blt] - 2400000.5) * 86400;
    for (int k = 0; k < 2; k++)
        MMS_TRY(mms_table_put(r->main, times[k], 1, to, 0, NULL, n, r->doubles, err));
    for (int64_t i = 0; i < n; i++)
        r->doubles[i] = r->in->exposure_s[cells[i].blt];
    for (int k = 0; k < 2; k++)
        MMS_TRY(mms_table_put(r->main, spans[k], 1, to, 0, NULL, n, r->doubles, err));
done:
    return st;
}

/** Rows from at on that one read gives: blts side by side in one window. */
static int64_t run_length(const rows *r, int64_t at)
{
    const cell *const c = r->cells + at;
    int64_t n = 1;

    while (n < r->most && at + n < r->ncell && c[n].window == c->window && c[n].blt == c->blt + n)
        n++;
    return n;
}

static mms_status write_rows(rows *r, mms_job *job, mms_error *err)
{
    mms_uvh5_in *const in = r->in;
    mms_status st = MMS_OK;

    for (int64_t at = 0; at < r->ncell;) {
        const mms_rows to = {at, run_length(r, at)};
        const mms_uvh5_span *const s = &in->spans[r->cells[at].window];
        MMS_TRY(read_cubes(r, r->cells[at].blt, to.count, s->first, s->count, true, err));
        convert(r, to.count, s->count, in->npol == 1);
        MMS_TRY(put_arrays(r, &to, s->count, err));
        MMS_TRY(put_scalars(r, &to, err));
        MMS_TRY(mms_check_stop(err));
        at += to.count;
        mms_job_progress(job, at, r->ncell);
    }
    if (r->infinite)
        mms_log(MMS_LOG_WARN, "importuvh5", "%s: %" PRId64 " visibilities are infinite as floats",
                in->path, r->infinite);
done:
    return st;
}

mms_status mms_uvh5_write_main(mms_uvh5_in *in, mms_table *main, bool keepabsent, mms_job *job,
                               int64_t *nrow, mms_error *err)
{
    rows r = {.in = in, .main = main};
    mms_status st;

    MMS_TRY(make_room(&r, err));
    MMS_TRY(find_present(&r, keepabsent, err));
    MMS_TRY(list_cells(&r, err));
    MMS_TRY(mms_table_add_rows(main, r.ncell, err));
    MMS_TRY(write_rows(&r, job, err));
    *nrow = r.ncell;
done:
    free(r.vis);
    free(r.data);
    free(r.ns);
    free(r.spectrum);
    free(r.column);
    free(r.weight);
    free(r.sigma);
    free(r.flag);
    free(r.stored);
    free(r.flag_row);
    free(r.doubles);
    free(r.ints);
    free(r.present);
    free(r.cells);
    return st;
}
