/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file meta.c  One pass over the scalar columns: rows by ids, antenna pairs and times. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "columns.h"
#include "meta_priv.h"
#include "ms_meta.h"
#include "rows.h"
#include "tables/tables_priv.h"

enum { CELL_KEYS = 7, PAIR_KEYS = 3, STAMP_KEYS = 8 };
enum { SCAN, DDID, FIELD, STATE, ARRAY, OBSERVATION, ANT1, ANT2, TIME };
static const char *const columns[] = {MMS_COL_SCAN_NUMBER, MMS_COL_DATA_DESC_ID,
                                      MMS_COL_FIELD_ID,    MMS_COL_STATE_ID,
                                      MMS_COL_ARRAY_ID,    MMS_COL_OBSERVATION_ID,
                                      MMS_COL_ANTENNA1,    MMS_COL_ANTENNA2,
                                      MMS_COL_TIME,        NULL};

struct pass {
    mms_ms *ms;
    mms_meta *meta;
    mms_tally cells, pairs, stamps;
    const mms_row_chunk *chunk;
    const int32_t *ids[TIME]; /* of the chunk */
    const double *times;
};

static mms_status count_cell(struct pass *p, int64_t i, mms_error *err)
{
    const int32_t key[CELL_KEYS] = {p->ids[SCAN][i],  p->ids[DDID][i],  p->ids[FIELD][i],
                                    p->ids[STATE][i], p->ids[ARRAY][i], p->ids[OBSERVATION][i],
                                    p->chunk->member};
    const double time = p->times[i];
    mms_cell *cell;
    mms_status st;

    if (key[1] < 0 || key[1] >= p->meta->ndd)
        return mms_fail(err, MMS_ERR_RANGE,
                        "%s: row %" PRId64 ": DATA_DESC_ID %d, but DATA_DESCRIPTION has %" PRId64
                        " rows",
                        mms_ms_path(p->ms), p->chunk->rows.first + i, key[1], p->meta->ndd);
    MMS_TRY(mms_tally_find(&p->cells, key, &cell, err));
    if (cell->rows++ == 0) {
        cell->first_row = p->chunk->rows.first + i;
        cell->time_min = cell->time_max = time;
    }
    if (time < cell->time_min)
        cell->time_min = time;
    if (time > cell->time_max)
        cell->time_max = time;
done:
    return st;
}

static mms_status count_stamp(struct pass *p, int64_t i, mms_error *err)
{
    mms_stamp key = {p->ids[SCAN][i],  p->ids[OBSERVATION][i], p->ids[ARRAY][i], {0, 0},
                     p->ids[FIELD][i], p->ids[STATE][i],       p->ids[DDID][i],  0};
    mms_stamp *stamp;
    mms_status st;

    memcpy(key.time, &p->times[i], sizeof key.time);
    MMS_TRY(mms_tally_find(&p->stamps, &key.scan, &stamp, err));
    stamp->rows++;
done:
    return st;
}

static mms_status count_pair(struct pass *p, int64_t i, mms_error *err)
{
    const int32_t a = p->ids[ANT1][i], b = p->ids[ANT2][i];
    const int32_t key[PAIR_KEYS] = {a < b ? a : b, a < b ? b : a,
                                    p->chunk->mask[i] ? p->ids[DDID][i] : -1};
    mms_pair_count *pair;
    mms_status st;

    MMS_TRY(mms_tally_find(&p->pairs, key, &pair, err));
    pair->rows++;
done:
    return st;
}

static mms_status count_chunk(void *pass, const mms_row_chunk *chunk, mms_error *err)
{
    struct pass *p = pass;
    mms_status st = MMS_OK;

    p->chunk = chunk;
    for (int c = 0; c < TIME; c++)
        p->ids[c] = p->chunk->cells[c];
    p->times = p->chunk->cells[TIME];
    for (int64_t i = 0; i < p->chunk->rows.count; i++) {
        MMS_TRY(count_pair(p, i, err));
        if (!p->chunk->mask[i])
            continue;
        MMS_TRY(count_cell(p, i, err));
        MMS_TRY(count_stamp(p, i, err));
        p->meta->member_rows[p->chunk->member]++;
        p->meta->nselected++;
    }
done:
    return st;
}

static mms_status count_rows(struct pass *p, mms_selection *selection, mms_error *err)
{
    const mms_row_pass_opts opts = {.selection = selection, .columns = columns, .unselected = true};

    return mms_rows_each(p->ms, &opts, count_chunk, p, err);
}

mms_status mms_ms_read_subtable_ints(mms_ms *ms, const char *subtable, const char *column,
                                     int64_t *n, int32_t **values, mms_error *err)
{
    const char *path = mms_ms_subtable(ms, subtable);
    mms_table *table = NULL;
    mms_status st;

    if (!path)
        return mms_fail(err, MMS_ERR_NOT_FOUND, "%s: no sub-table %s", mms_ms_path(ms), subtable);
    MMS_TRY(mms_table_open(path, MMS_TABLE_READ, &table, err));
    *n = mms_table_nrow(table);
    MMS_TRY(mms_table_get_ints(table, column, values, err));
done:
    mms_table_drop(&table);
    return st;
}

/* Ids beyond their sub-table stay with 0 channels or products until a selected row needs them. */
static mms_status read_dds(mms_ms *ms, mms_meta *meta, mms_error *err)
{
    int32_t *spw = NULL, *pol = NULL, *nchan = NULL, *ncorr = NULL;
    int64_t npol_row, nspw, npol;
    mms_status st;

    MMS_TRY(mms_ms_read_subtable_ints(ms, "DATA_DESCRIPTION", "SPECTRAL_WINDOW_ID", &meta->ndd,
                                      &spw, err));
    MMS_TRY(
        mms_ms_read_subtable_ints(ms, "DATA_DESCRIPTION", "POLARIZATION_ID", &npol_row, &pol, err));
    MMS_TRY(mms_ms_read_subtable_ints(ms, "SPECTRAL_WINDOW", "NUM_CHAN", &nspw, &nchan, err));
    MMS_TRY(mms_ms_read_subtable_ints(ms, "POLARIZATION", "NUM_CORR", &npol, &ncorr, err));
    meta->dds = mms_alloc(meta->ndd, sizeof *meta->dds);
    meta->dd_row_bytes = mms_alloc(meta->ndd, sizeof *meta->dd_row_bytes);
    if (!meta->dds || !meta->dd_row_bytes)
        MMS_TRY(mms_fail(err, MMS_ERR_MEM, "out of memory for %" PRId64 " DDs", meta->ndd));
    for (int64_t i = 0; i < meta->ndd; i++)
        meta->dds[i] = (mms_dd){spw[i], pol[i], spw[i] >= 0 && spw[i] < nspw ? nchan[spw[i]] : 0,
                                pol[i] >= 0 && pol[i] < npol ? ncorr[pol[i]] : 0};
done:
    free(ncorr);
    free(nchan);
    free(pol);
    free(spw);
    return st;
}

mms_status mms_ms_cell_bytes(mms_ms *ms, const mms_column *column, int64_t row, int64_t *bytes,
                             mms_error *err)
{
    const mms_rows one = {row, 1};
    mms_shape_run *runs = NULL;
    const int64_t *shape = column->shape;
    int32_t ndim = column->scalar ? 0 : column->ndim;
    int64_t nrun;
    mms_status st = MMS_OK;

    *bytes = 0;
    if (!column->scalar && !column->fixed) {
        MMS_TRY(mms_ms_shapes(ms, column->name, 1, &one, &runs, &nrun, err));
        if (nrun < 1 || runs[0].ndim < 0)
            goto done; // no cell there
        ndim = runs[0].ndim;
        shape = runs[0].shape;
    }
    *bytes = (int64_t)mms_dtype_size(column->dtype) * mms_cell_values(column, ndim, shape);
done:
    free(runs);
    return st;
}

/* The first selected row of each DDID stands for all of them. */
static mms_status measure_rows(mms_ms *ms, mms_meta *meta, mms_error *err)
{
    mms_status st = MMS_OK;

    for (int64_t i = 0; i < meta->ncell; i++) {
        const mms_cell *cell = &meta->cells[i];
        int64_t *sum = &meta->dd_row_bytes[cell->ddid], bytes;
        const mms_dd *dd = &meta->dds[cell->ddid];
        if (*sum > 0)
            continue;
        if (dd->nchan < 1 || dd->ncorr < 1)
            MMS_TRY(mms_fail(err, MMS_ERR_RANGE,
                             "%s: DATA_DESCRIPTION row %d: spw %d or polarization %d is not there",
                             mms_ms_path(ms), cell->ddid, dd->spw, dd->pol));
        for (int64_t c = 0; c < mms_ms_ncolumn(ms); c++) {
            MMS_TRY(mms_ms_cell_bytes(ms, mms_ms_column(ms, c), cell->first_row, &bytes, err));
            *sum += bytes;
        }
    }
done:
    return st;
}

static int compare_cells(const void *a, const void *b)
{
    return mms_compare_keys(&((const mms_cell *)a)->scan, &((const mms_cell *)b)->scan, CELL_KEYS);
}

static int compare_pairs(const void *a, const void *b)
{
    return mms_compare_keys(&((const mms_pair_count *)a)->ant1, &((const mms_pair_count *)b)->ant1,
                            PAIR_KEYS);
}

static mms_status sum_pairs(int64_t n, mms_pair_count *pairs, mms_meta *meta, mms_error *err)
{
    mms_baseline *last = NULL;

    if (n > 1)
        qsort(pairs, (size_t)n, sizeof *pairs, compare_pairs);
    if (!(meta->baselines = mms_alloc(n, sizeof *meta->baselines)))
        return mms_fail(err, MMS_ERR_MEM, "out of memory for %" PRId64 " baselines", n);
    for (int64_t i = 0; i < n; i++) {
        const mms_pair_count *p = &pairs[i];
        if (!last || last->ant1 != p->ant1 || last->ant2 != p->ant2) {
            last = &meta->baselines[meta->nbaseline++];
            *last = (mms_baseline){.ant1 = p->ant1, .ant2 = p->ant2};
        }
        if (p->ddid < 0)
            continue;
        const mms_dd *dd = &meta->dds[p->ddid];
        last->rows += p->rows;
        last->bytes += p->rows * meta->dd_row_bytes[p->ddid];
        last->visibilities += p->rows * dd->nchan * dd->ncorr;
    }
    return MMS_OK;
}

/* Turns the counts into the sorted arrays of meta. */
static mms_status finish(struct pass *p, mms_error *err)
{
    mms_meta *meta = p->meta;
    mms_status st;

    meta->ncell = p->cells.n;
    if (!(meta->cells = mms_alloc(meta->ncell, sizeof *meta->cells)))
        return mms_fail(err, MMS_ERR_MEM, "out of memory for %" PRId64 " cells", meta->ncell);
    if (meta->ncell > 0)
        memcpy(meta->cells, p->cells.records, (size_t)meta->ncell * sizeof *meta->cells);
    qsort(meta->cells, (size_t)meta->ncell, sizeof *meta->cells, compare_cells);
    MMS_TRY(measure_rows(p->ms, meta, err));
    MMS_TRY(sum_pairs(p->pairs.n, (mms_pair_count *)(void *)p->pairs.records, meta, err));
    MMS_TRY(mms_stamps_merge(p->stamps.n, (mms_stamp *)(void *)p->stamps.records, meta, err));
done:
    return st;
}

mms_status mms_meta_read(mms_ms *ms, mms_selection *selection, mms_meta *out, mms_error *err)
{
    struct pass pass = {.ms = ms, .meta = out};
    mms_status st;

    *out = (mms_meta){.nrow = mms_ms_nrow(ms), .nmember = mms_ms_nmember(ms)};
    pass.cells = (mms_tally){.size = sizeof(mms_cell), .nkey = CELL_KEYS};
    pass.pairs = (mms_tally){.size = sizeof(mms_pair_count), .nkey = PAIR_KEYS};
    pass.stamps = (mms_tally){.size = sizeof(mms_stamp), .nkey = STAMP_KEYS};
    if (!(out->member_rows = mms_alloc(out->nmember, sizeof *out->member_rows)))
        MMS_TRY(mms_fail(err, MMS_ERR_MEM, "out of memory for %" PRId64 " members", out->nmember));
    MMS_TRY(read_dds(ms, out, err));
    MMS_TRY(count_rows(&pass, selection, err));
    MMS_TRY(finish(&pass, err));
done:
    mms_tally_free(&pass.stamps);
    mms_tally_free(&pass.pairs);
    mms_tally_free(&pass.cells);
    if (st != MMS_OK)
        mms_meta_free(out);
    return st;
}

void mms_meta_free(mms_meta *meta)
{
    free(meta->cells);
    free(meta->dds);
    free(meta->baselines);
    free(meta->stretches);
    free(meta->stretch_ddids);
    free(meta->member_rows);
    free(meta->dd_row_bytes);
    *meta = (mms_meta){0};
}
