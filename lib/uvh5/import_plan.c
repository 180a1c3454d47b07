/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file import_plan.c  The rows of an imported MS, and how they are cut into parts. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/files_priv.h"
#include "import_priv.h"
#include "ms/meta_priv.h"
#include "ms/ms_meta.h"

enum { CELL_KEYS = 7, PAIR_KEYS = 2, STAMP_KEYS = 8, REST = 65536 };

static int in_order(const void *first, const void *second, void *unused)
{
    const mms_uvh5_cell *const a = first, *const b = second;

    (void)unused;
    if (a->scan != b->scan)
        return a->scan < b->scan ? -1 : 1;
    if (a->window != b->window)
        return a->window < b->window ? -1 : 1;
    return a->blt < b->blt ? -1 : a->blt > b->blt;
}

/** Called with each i of a pass over cells. */
static void rest(const mms_uvh5_in *in, const mms_uvh5_cell *cells, int64_t i)
{
    mms_uvh5_in_rest(in, i);
    if (i % REST == 0)
        mms_spill_rest(cells);
}

mms_status mms_uvh5_list_cells(const mms_uvh5_in *in, const uint8_t *present, int64_t *ncell,
                               mms_uvh5_cell **out, mms_error *err)
{
    const int64_t n = in->nblt * in->nspw;
    mms_uvh5_cell *cells;

    *ncell = 0;
    *out = NULL;
    for (int64_t i = 0; i < n; i++)
        *ncell += present[i];
    mms_spill_rest(present);
    if (*ncell == 0)
        return mms_fail(err, MMS_ERR_EMPTY,
                        "%s: all visibilities are 0 and flagged: an MS would have no rows; "
                        "keepabsent=true keeps them",
                        in->path);
    *out = cells = mms_spill_alloc(*ncell, sizeof *cells);
    if (!cells)
        return mms_uvh5_in_memory(in, err);
    for (int64_t i = 0; i < n; i++) {
        if (present[i])
            *cells++ = (mms_uvh5_cell){i / in->nspw, (int32_t)in->scan[i / in->nspw],
                                       (int32_t)(i % in->nspw)};
        rest(in, *out, i);
    }
    if (in->nspw == 1)
        return MMS_OK;
    return mms_uvh5_sort(*out, *ncell, *out, sizeof **out, in_order, err);
}

/** Counts of the rows, as a pass over an MS would find them. */
typedef struct counting {
    const mms_uvh5_in *in;
    mms_meta *meta;
    mms_tally cells, pairs, stamps;
} counting;

static mms_status count_row(counting *c, int64_t row, const mms_uvh5_cell *cell, mms_error *err)
{
    const mms_uvh5_in *const in = c->in;
    const int32_t a = (int32_t)in->ant1[cell->blt], b = (int32_t)in->ant2[cell->blt];
    const int32_t field = (int32_t)in->field[cell->blt];
    const double time = mms_uvh5_time_s(in->time_jd[cell->blt]);
    const int32_t key[CELL_KEYS] = {cell->scan, cell->window, field, -1, 0, 0, 0};
    const int32_t pair[PAIR_KEYS] = {a < b ? a : b, a < b ? b : a};
    mms_stamp stamp = {cell->scan, 0, 0, {0, 0}, field, -1, cell->window, 0}, *stamped;
    mms_cell *found;
    mms_baseline *baseline;
    mms_status st;

    MMS_TRY(mms_tally_find(&c->cells, key, &found, err));
    if (found->rows++ == 0) {
        found->first_row = row;
        found->time_min = found->time_max = time;
    }
    found->time_min = time < found->time_min ? time : found->time_min;
    found->time_max = time > found->time_max ? time : found->time_max;
    MMS_TRY(mms_tally_find(&c->pairs, pair, &baseline, err));
    const mms_dd *const dd = &c->meta->dds[cell->window];
    baseline->rows++;
    baseline->bytes += c->meta->dd_row_bytes[cell->window];
    baseline->visibilities += dd->nchan * dd->ncorr;
    memcpy(stamp.time, &time, sizeof stamp.time);
    MMS_TRY(mms_tally_find(&c->stamps, &stamp.scan, &stamped, err));
    stamped->rows++;
done:
    return st;
}

static int by_cell(const void *a, const void *b)
{
    return mms_compare_keys(&((const mms_cell *)a)->scan, &((const mms_cell *)b)->scan, CELL_KEYS);
}

static int by_pair(const void *a, const void *b)
{
    return mms_compare_keys(&((const mms_baseline *)a)->ant1, &((const mms_baseline *)b)->ant1,
                            PAIR_KEYS);
}

static mms_status finish(counting *c, mms_error *err)
{
    mms_meta *const meta = c->meta;

    meta->ncell = c->cells.n;
    meta->nbaseline = c->pairs.n;
    meta->cells = mms_alloc(meta->ncell, sizeof *meta->cells);
    meta->baselines = mms_alloc(meta->nbaseline, sizeof *meta->baselines);
    if (!meta->cells || !meta->baselines)
        return mms_uvh5_in_memory(c->in, err);
    memcpy(meta->cells, c->cells.records, (size_t)meta->ncell * sizeof *meta->cells);
    memcpy(meta->baselines, c->pairs.records, (size_t)meta->nbaseline * sizeof *meta->baselines);
    qsort(meta->cells, (size_t)meta->ncell, sizeof *meta->cells, by_cell);
    qsort(meta->baselines, (size_t)meta->nbaseline, sizeof *meta->baselines, by_pair);
    return mms_stamps_merge(c->stamps.n, (mms_stamp *)(void *)c->stamps.records, meta, err);
}

static mms_status begin(const mms_uvh5_in *in, int64_t ncell, mms_meta *meta, mms_error *err)
{
    *meta = (mms_meta){.nrow = ncell, .nselected = ncell, .ndd = in->nspw, .nmember = 1};
    meta->dds = mms_alloc(meta->ndd, sizeof *meta->dds);
    meta->dd_row_bytes = mms_alloc(meta->ndd, sizeof *meta->dd_row_bytes);
    meta->member_rows = mms_alloc(1, sizeof *meta->member_rows);
    if (!meta->dds || !meta->dd_row_bytes || !meta->member_rows)
        return mms_uvh5_in_memory(in, err);
    meta->member_rows[0] = ncell;
    for (int64_t w = 0; w < in->nspw; w++) {
        const int64_t scalars = 11 * 4 + 4 * 8 + 3 * 8 + 1 + in->npol * 8;
        meta->dds[w] = (mms_dd){(int32_t)w, in->spans[w].setup, (int32_t)in->spans[w].count,
                                (int32_t)in->npol};
        meta->dd_row_bytes[w] = in->spans[w].count * in->npol * 13 + scalars;
    }
    return MMS_OK;
}

mms_status mms_uvh5_count_cells(const mms_uvh5_in *in, int64_t ncell, const mms_uvh5_cell *cells,
                                mms_meta *meta, mms_error *err)
{
    counting c = {.in = in, .meta = meta};
    mms_status st;

    c.cells = (mms_tally){.size = sizeof(mms_cell), .nkey = CELL_KEYS};
    c.pairs = (mms_tally){.size = sizeof(mms_baseline), .nkey = PAIR_KEYS};
    c.stamps = (mms_tally){.size = sizeof(mms_stamp), .nkey = STAMP_KEYS};
    MMS_TRY(begin(in, ncell, meta, err));
    for (int64_t i = 0; i < ncell; i++) {
        MMS_TRY(count_row(&c, i, &cells[i], err));
        rest(in, cells, i);
    }
    MMS_TRY(finish(&c, err));
done:
    mms_tally_free(&c.cells);
    mms_tally_free(&c.pairs);
    mms_tally_free(&c.stamps);
    return st;
}

static mms_uvh5_row_in row_of(const mms_uvh5_in *in, const mms_uvh5_cell *cell)
{
    const int64_t i = cell->blt;
    const double *const uvw = in->uvw_m + 3 * i;

    return (mms_uvh5_row_in){.blt = i,
                             .time_s = mms_uvh5_time_s(in->time_jd[i]),
                             .exposure_s = in->exposure_s[i],
                             .uvw_m = {uvw[0], uvw[1], uvw[2]},
                             .ant1 = (int32_t)in->ant1[i],
                             .ant2 = (int32_t)in->ant2[i],
                             .field = (int32_t)in->field[i],
                             .scan = cell->scan,
                             .window = cell->window};
}

/** Write the rows of a part; no parts: all. */
static mms_status write_part(const mms_uvh5_in *in, int64_t ncell, const mms_uvh5_cell *cells,
                             const int32_t *parts, int32_t part, const char *path, mms_error *err)
{
    enum { BATCH = 8192 };
    mms_uvh5_row_in *const batch = mms_alloc(BATCH, sizeof *batch);
    int64_t n = 0;
    int fd = -1;
    mms_status st;

    MMS_TRY(batch ? MMS_OK : mms_uvh5_in_memory(in, err));
    MMS_TRY(mms_create_file(path, &fd, err));
    for (int64_t i = 0; i <= ncell; i++) {
        if (n == BATCH || i == ncell) {
            MMS_TRY(mms_write_all(fd, batch, n * (int64_t)sizeof *batch, path, err));
            n = 0;
        }
        if (i < ncell && (!parts || parts[i] == part))
            batch[n++] = row_of(in, &cells[i]);
        rest(in, cells, i);
        if (i % REST == 0)
            mms_spill_rest(parts);
    }
done:
    if (fd >= 0)
        close(fd);
    free(batch);
    return st;
}

mms_status mms_uvh5_write_cells(const mms_uvh5_in *in, int64_t ncell, const mms_uvh5_cell *cells,
                                const mms_plan *plan, int64_t nparts, char *const *paths,
                                mms_error *err)
{
    int32_t *const parts = plan ? mms_spill_alloc(ncell, sizeof *parts) : NULL;
    mms_status st = plan && !parts ? mms_uvh5_in_memory(in, err) : MMS_OK;

    for (int64_t i = 0; parts && i < ncell; i++) {
        const mms_row_key key = {cells[i].scan, cells[i].window, (int32_t)in->ant1[cells[i].blt],
                                 (int32_t)in->ant2[cells[i].blt], 0};
        parts[i] = (int32_t)mms_plan_part_of(plan, &key);
        rest(in, cells, i);
    }
    for (int64_t p = 0; st == MMS_OK && p < nparts; p++)
        st = write_part(in, ncell, cells, parts, (int32_t)p, paths[p], err);
    mms_spill_free(parts);
    return st;
}
