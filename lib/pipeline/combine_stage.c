/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file combine_stage.c  Rows of one time stamp and baseline, a window each, become one row.
 *
 *  Rows come batch by batch (combine_plan.h).  A batch keeps their spectra side by side until it is
 *  complete; its rows are combined when they leave. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/base_priv.h"
#include "base/files_priv.h"
#include "combine_plan_priv.h"
#include "combine_priv.h"
#include "ms/columns.h"
#include "row_block_priv.h"

enum { MOST_WEIGHTS = 2, BLOCK_BYTES = 4 << 20, BATCH_BYTES = 16 << 20 /* stays in caches */ };

/** Rows that are combined together. */
typedef struct batch {
    struct batch *next;
    int64_t first, nout; /**< rows of the output */
    int64_t left;        /**< rows that are still to come */
    int64_t given, made; /**< rows that were taken, and of those that are made */
    int64_t capacity;    /**< combined rows that there is room for */
    int32_t ncorr;
    int64_t *row; /**< [nout][nwindow] which of the rows that came, counted from 1; 0: none */
    float *data[MMS_MAX_KINDS];
    float *weight[MOST_WEIGHTS]; /**< [nout][nwindow][nchan][ncorr], as data and flag */
    uint8_t *flag;
    uint8_t *scalars, *fixed; /**< of the first row: [nout][bytes] */
    int32_t (*ddid)[2];       /**< of the first row and of the last */
    double *exposure_s, (*uvw_m)[3];
    int32_t *nrow;        /**< rows of each combined row so far */
    uint8_t *all_flagged; /**< FLAG_ROW of all, of the last */
    uint8_t *last_flagged;
} batch;

typedef struct combine_stage {
    mms_row_stage stage;
    mms_row_stage_opts opts;
    const mms_combination *combination;
    mms_combine_plan plan;
    mms_row_columns columns;
    mms_weight_choice choice;
    int nweight;
    mms_weight_source source[MOST_WEIGHTS];
    int64_t nchan, done; /**< nchan: of an input window; done: rows whose batch has begun */
    int64_t came;        /**< rows of the blocks before */
    int64_t replaced;    /**< rows whose place another one took */
    int32_t ddid;        /**< that stands for all */
    int64_t exposure_at, flag_row_at;
    batch *filling, *first, *last; /**< first..last: complete ones */
    batch *taken;                  /**< those whose rows are all taken, some not yet made */
    batch *spare;                  /**< those that have left: their memory is used again */
} combine_stage;

/** Rows of a batch that are combined into a block. */
typedef struct taken {
    mms_row_batch base;
    batch *batch;
    int64_t first, n; /**< of the batch */
} taken;

static mms_status out_of_memory(mms_error *err)
{
    return mms_fail(err, MMS_ERR_MEM, "combinespws: out of memory");
}

/** Small shares, since a lane may come late. */
static int nshare(const mms_lanes *lanes)
{
    const int n = mms_lanes_count(lanes);
    return n > 1 ? 4 * n : 1;
}

/* ---- batches ----------------------------------------------------------------------------------*/

static void free_batch(batch *b)
{
    if (!b)
        return;
    for (int i = 0; i < MMS_MAX_KINDS; i++)
        free(b->data[i]);
    for (int i = 0; i < MOST_WEIGHTS; i++)
        free(b->weight[i]);
    free(b->row);
    free(b->flag);
    free(b->scalars);
    free(b->fixed);
    free(b->exposure_s);
    free(b->uvw_m);
    free(b->ddid);
    free(b->nrow);
    free(b->all_flagged);
    free(b->last_flagged);
    free(b);
}

static void free_batches(batch *first)
{
    while (first) {
        batch *b = first;
        first = b->next;
        free_batch(b);
    }
}

/** Cells of one row of a batch, all windows. */
static int64_t row_cells(const combine_stage *s, int32_t ncorr)
{
    return s->combination->nwindow * s->nchan * ncorr;
}

static bool take(void *out, int64_t n, size_t size)
{
    void *memory = malloc((size_t)(n > 0 ? n : 1) * size);

    memcpy(out, &memory, sizeof memory);
    return memory != NULL;
}

/** Room for nout combined rows, without values: a plan bounds their number. */
static mms_status make_batch(const combine_stage *s, int64_t nout, const mms_spectra *x,
                             batch **out, mms_error *err)
{
    const int64_t cells = nout * row_cells(s, (int32_t)x->ncorr);
    batch *b = *out = mms_alloc(1, sizeof *b);
    bool ok = b != NULL;

    for (int i = 0; ok && i < x->ncolumn; i++)
        ok = take(&b->data[i], cells * (x->column[i].real ? 1 : 2), sizeof(float));
    for (int i = 0; ok && i < s->nweight; i++)
        ok = take(&b->weight[i], cells, sizeof(float));
    ok = ok && take(&b->flag, cells, 1) &&
         take(&b->row, nout * s->combination->nwindow, sizeof *b->row) &&
         take(&b->scalars, nout * s->columns.scalar_bytes, 1) &&
         take(&b->fixed, nout * s->columns.fixed_bytes, 1) &&
         take(&b->exposure_s, nout, sizeof(double)) && take(&b->uvw_m, nout, 3 * sizeof(double)) &&
         take(&b->ddid, nout, sizeof *b->ddid) && take(&b->nrow, nout, sizeof(int32_t)) &&
         take(&b->all_flagged, nout, 1) && take(&b->last_flagged, nout, 1);
    if (!ok)
        return out_of_memory(err);
    b->capacity = nout;
    b->ncorr = (int32_t)x->ncorr;
    return MMS_OK;
}

/** Put a batch that has left to the spare ones. */
static void leave_batch(combine_stage *s, batch *b)
{
    batch **at = &s->taken;

    while (*at != b)
        at = &(*at)->next;
    *at = b->next;
    b->next = s->spare;
    s->spare = b;
}

/** Batches all of whose rows are made have left. */
static void collect(combine_stage *s)
{
    for (mms_row_batch *done = mms_row_stage_collect(&s->stage), *next; done; done = next) {
        taken *t = (taken *)done;
        next = done->next;
        t->batch->made += t->n;
        if (t->batch->made == t->batch->nout)
            leave_batch(s, t->batch);
        free(t);
    }
}

/** A batch for nrow rows that become nout: a spare one where it is large enough. */
static mms_status begin_batch(combine_stage *s, int64_t nrow, int64_t nout, const mms_spectra *x,
                              mms_error *err)
{
    mms_status st = MMS_OK;

    collect(s);
    batch *b = s->spare;
    s->spare = b ? b->next : NULL;
    if (b && (b->capacity < nout || b->ncorr != x->ncorr)) {
        free_batch(b);
        b = NULL;
    }
    if (!b)
        st = make_batch(s, nout, x, &b, err);
    s->filling = b;
    if (st != MMS_OK)
        return st;
    b->next = NULL;
    b->left = nrow;
    b->nout = nout;
    b->given = b->made = 0;
    memset(b->row, 0, (size_t)(nout * s->combination->nwindow) * sizeof *b->row);
    memset(b->fixed, 0, (size_t)(nout * s->columns.fixed_bytes));
    memset(b->nrow, 0, (size_t)nout * sizeof *b->nrow);
    memset(b->exposure_s, 0, (size_t)nout * sizeof *b->exposure_s);
    return MMS_OK;
}

static mms_status read_numbers(combine_stage *s, FILE *file, int64_t n, int64_t *values,
                               mms_error *err)
{
    return fread(values, sizeof *values, (size_t)n, file) == (size_t)n
               ? MMS_OK
               : mms_fail_errno(err, errno ? errno : EIO, "%s: combined rows", s->opts.rows_file);
}

/** The batch that the next row belongs to. */
static mms_status next_batch(combine_stage *s, const mms_spectra *x, mms_error *err)
{
    int64_t sizes[2];
    mms_status st;

    MMS_TRY(read_numbers(s, s->plan.batches, 2, sizes, err));
    MMS_TRY(begin_batch(s, sizes[0], sizes[1], x, err));
    s->filling->first = s->done;
    s->done += sizes[1];
done:
    return st;
}

static void complete_batch(combine_stage *s)
{
    if (s->last)
        s->last->next = s->filling;
    else
        s->first = s->filling;
    s->last = s->filling;
    s->filling = NULL;
}

/* ---- rows that come ---------------------------------------------------------------------------*/

/** A block that comes. */
typedef struct coming {
    const mms_block *block;
    mms_row_places at;
    mms_spectra *spectra; /**< by group */
    mms_spectrum *opened; /**< by group, of each share */
    const double **uvw_m; /**< by group */
    const double *exposure_s;
    const uint8_t *flag_row;
    const combine_stage *stage;
    struct kept {
        batch *batch;
        int64_t slot; /**< -1: another row took its place */
    } * kept;         /**< where each row goes */
} coming;

static mms_status see_group(const combine_stage *s, mms_arena *arena, coming *c, int64_t g,
                            int nshare, mms_error *err)
{
    const mms_group *group = &c->block->groups[g];
    mms_spectra *x = &c->spectra[g];
    const mms_cells *uvw = mms_group_defined(c->block, group, MMS_COL_UVW);
    void *memory;
    mms_status st;

    MMS_TRY(mms_group_spectra(c->block, group, s->opts.in->kinds,
                              s->opts.in->weight_spectrum || s->opts.in->time_averaged, x, err));
    if (x->nchan != s->nchan || !uvw || uvw->nvalue != 3)
        MMS_TRY(mms_fail(err, MMS_ERR_SHAPE,
                         "DATA_DESC_ID %" PRId32 ": a row has %" PRId64
                         " channels, its window %" PRId64,
                         group->ddid, x->nchan, s->nchan));
    c->uvw_m[g] = uvw->data;
    for (int i = 0; i < nshare; i++) {
        memory = mms_arena_get(arena, mms_spectrum_open_bytes(x->nchan, x->ncorr), 1);
        MMS_TRY(memory ? MMS_OK : out_of_memory(err));
        mms_spectrum_start(&s->choice, memory, x, &c->opened[i * c->block->ngroup + g]);
    }
done:
    return st;
}

static mms_status see_block(const combine_stage *s, mms_arena *arena, coming *c, int nshare,
                            mms_error *err)
{
    const int64_t n = c->block->ngroup;
    mms_status st;

    c->spectra = mms_arena_get(arena, n, sizeof *c->spectra);
    c->opened = mms_arena_get(arena, n * nshare, sizeof *c->opened);
    c->uvw_m = mms_arena_get(arena, n, sizeof *c->uvw_m);
    c->kept = mms_arena_get(arena, c->block->rows.count, sizeof *c->kept);
    MMS_TRY(c->spectra && c->opened && c->uvw_m && c->kept ? MMS_OK : out_of_memory(err));
    MMS_TRY(mms_row_places_find(c->block, arena, &c->at, err));
    MMS_TRY(mms_block_scalar(c->block, MMS_COL_EXPOSURE, &c->exposure_s, err));
    MMS_TRY(mms_block_scalar(c->block, MMS_COL_FLAG_ROW, &c->flag_row, err));
    for (int64_t g = 0; g < n; g++)
        MMS_TRY(see_group(s, arena, c, g, nshare, err));
done:
    return st;
}

/** Copy the spectra of a row to their place in its batch. */
static void keep_spectra(const coming *c, int64_t row, mms_spectrum *opened)
{
    const combine_stage *s = c->stage;
    const int64_t g = c->at.group[row], slot = c->kept[row].slot;
    const mms_spectra *x = &c->spectra[g];
    const int64_t cells = s->nchan * x->ncorr, at = slot * cells;
    const batch *b = c->kept[row].batch;

    mms_spectrum_open(&s->choice, x, c->at.index[row], &opened[g]);
    for (int i = 0; i < x->ncolumn; i++) {
        const int64_t n = cells * (x->column[i].real ? 1 : 2);
        memcpy(b->data[i] + slot * n, opened[g].column[i].data, (size_t)n * sizeof(float));
    }
    for (int i = 0; i < s->nweight; i++)
        memcpy(b->weight[i] + at, opened[g].weights[s->source[i]], (size_t)cells * sizeof(float));
    if (opened[g].flag)
        memcpy(b->flag + at, opened[g].flag, (size_t)cells);
    else
        memset(b->flag + at, 0, (size_t)cells);
}

static void keep_share(void *ctx, int share, int n)
{
    const coming *c = ctx;
    const int64_t nrow = c->block->rows.count;

    for (int64_t row = nrow * share / n; row < nrow * (share + 1) / n; row++)
        if (c->kept[row].slot >= 0)
            keep_spectra(c, row, c->opened + share * c->block->ngroup);
}

/** Of rows of one time stamp, baseline and window the last counts, as in CASA; with exact numerics
 * one that is not flagged as a whole.  Return the place of the row, -1 where it has none. */
static int64_t claim(combine_stage *s, coming *c, batch *b, int64_t slot, int64_t row)
{
    const int64_t before = b->row[slot] - 1 - s->came;

    if (b->row[slot]) {
        s->replaced++;
        if (s->opts.in->numerics == MMS_NUMERICS_EXACT && c->flag_row[row])
            return -1;
        if (before >= 0)
            c->kept[before].slot = -1;
    }
    b->row[slot] = 1 + s->came + row;
    return slot;
}

/** Find the place of a row and take what is not a spectrum.  First and last row are so by
 *  DATA_DESC_ID, in CASA's order, so that the parts of a Multi-MS do not show. */
static mms_status place_row(combine_stage *s, coming *c, int64_t row, mms_error *err)
{
    const int64_t g = c->at.group[row], index = c->at.index[row];
    const mms_group *group = &c->block->groups[g];
    int64_t out;
    mms_status st;

    if (!s->filling)
        MMS_TRY(next_batch(s, &c->spectra[g], err));
    batch *b = s->filling;
    MMS_TRY(read_numbers(s, s->plan.out_rows, 1, &out, err));
    out -= b->first;
    const int64_t slot = out * s->combination->nwindow + s->opts.in->window_of[group->ddid];
    if (c->spectra[g].ncorr != b->ncorr)
        MMS_TRY(mms_fail(err, MMS_ERR_SHAPE,
                         "combinespws: DATA_DESC_ID %" PRId32 " has %" PRId64
                         " correlations, another %" PRId32,
                         group->ddid, c->spectra[g].ncorr, b->ncorr));
    if (!b->nrow[out]++) {
        b->all_flagged[out] = 1;
        b->ddid[out][0] = INT32_MAX;
        b->ddid[out][1] = -1;
    }
    if (group->ddid < b->ddid[out][0]) {
        b->ddid[out][0] = group->ddid;
        mms_row_columns_take(&s->columns, c->block, group, row, index,
                             b->scalars + out * s->columns.scalar_bytes,
                             b->fixed + out * s->columns.fixed_bytes);
        memcpy(b->uvw_m[out], c->uvw_m[g] + 3 * index, sizeof b->uvw_m[out]);
    }
    b->exposure_s[out] += c->exposure_s[row];
    b->all_flagged[out] &= c->flag_row[row];
    if (group->ddid >= b->ddid[out][1]) {
        b->ddid[out][1] = group->ddid;
        b->last_flagged[out] = c->flag_row[row];
    }
    c->kept[row] = (struct kept){b, claim(s, c, b, slot, row)};
    if (--b->left == 0)
        complete_batch(s);
done:
    return st;
}

static mms_status add(mms_row_stage *stage, mms_lanes *lanes, mms_reader *reader, mms_block *block,
                      mms_error *err)
{
    combine_stage *s = (combine_stage *)stage;
    const int n = nshare(lanes);
    coming c = {.block = block, .stage = s};
    mms_status st = MMS_OK;

    if (!block)
        return MMS_OK;
    MMS_TRY(see_block(s, mms_reader_arena(reader), &c, n, err));
    for (int64_t i = 0; i < block->rows.count; i++)
        MMS_TRY(place_row(s, &c, i, err));
    s->came += block->rows.count;
    mms_lanes_share(lanes, n, keep_share, &c);
done:
    return st;
}

/* ---- rows that leave --------------------------------------------------------------------------*/

/** Rows that are combined into a block. */
typedef struct leaving {
    const combine_stage *stage;
    const batch *batch;
    int64_t first, n; /**< of the batch */
    mms_spectra x;    /**< of the block */
    double *uvw_m;
} leaving;

/** The pointers that the kernel wants, for one row. */
typedef struct pointers {
    const float **column[MMS_MAX_KINDS], **weight[MOST_WEIGHTS];
    const uint8_t **flag;
} pointers;

static int64_t npointer(const combine_stage *s)
{
    return (MMS_MAX_KINDS + MOST_WEIGHTS + 1) * s->combination->nwindow;
}

/** Lay the pointers of a row out in memory for npointer() of them. */
static pointers lay_pointers(const combine_stage *s, const void **memory)
{
    const int64_t n = s->combination->nwindow;
    pointers p;

    for (int i = 0; i < MMS_MAX_KINDS; i++)
        p.column[i] = (const float **)(memory + i * n);
    for (int i = 0; i < MOST_WEIGHTS; i++)
        p.weight[i] = (const float **)(memory + (MMS_MAX_KINDS + i) * n);
    p.flag = (const uint8_t **)(memory + (MMS_MAX_KINDS + MOST_WEIGHTS) * n);
    return p;
}

static void point_at(const leaving *l, int64_t out, const pointers *p)
{
    const combine_stage *s = l->stage;
    const batch *b = l->batch;
    const int64_t n = s->combination->nwindow, cells = s->nchan * b->ncorr;

    for (int64_t w = 0; w < n; w++) {
        const int64_t slot = out * n + w;
        const bool there = b->row[slot] != 0;
        for (int i = 0; i < l->x.ncolumn; i++)
            p->column[i][w] =
                there ? b->data[i] + slot * cells * (l->x.column[i].real ? 1 : 2) : NULL;
        for (int i = 0; i < s->nweight; i++)
            p->weight[i][w] = there ? b->weight[i] + slot * cells : NULL;
        p->flag[w] = there ? b->flag + slot * cells : NULL;
    }
}

/** Combine row r of the block; its weights become both spectra, WEIGHT and SIGMA come later. */
static mms_status combine_row(leaving *l, int64_t r, const pointers *p, mms_error *err)
{
    const combine_stage *s = l->stage;
    const int64_t cells = l->x.nchan * l->x.ncorr;
    float *const spectra[2] = {l->x.weight_spectrum + r * cells, l->x.sigma_spectrum + r * cells};
    mms_combination_in in = {
        .ncorr = l->x.ncorr, .ncolumn = l->x.ncolumn, .flag = p->flag, .nweight = s->nweight};
    mms_combination_out out = {.flag = l->x.flag + r * cells};

    point_at(l, l->first + r, p);
    for (int i = 0; i < l->x.ncolumn; i++) {
        const int nfloat = l->x.column[i].real ? 1 : 2;
        in.nfloat[i] = nfloat;
        in.column[i] = p->column[i];
        out.column[i] = (float *)l->x.column[i].data + r * cells * nfloat;
    }
    for (int i = 0; i < s->nweight; i++) {
        in.weight[i] = p->weight[i];
        out.weight[i] = spectra[i];
    }
    const mms_status st =
        mms_combination_apply(s->combination, s->opts.in->numerics, &in, &out, err);
    mms_weight_to_sigma(cells, spectra[s->nweight - 1], spectra[1]);
    memcpy(l->uvw_m + 3 * r, l->batch->uvw_m[l->first + r], 3 * sizeof(double));
    return st;
}

/** The mean of weights and sigmas is what later steps that use WEIGHT and SIGMA want. */
static void put_row_weights(const leaving *l, int64_t r)
{
    const int64_t cells = l->x.nchan * l->x.ncorr;
    const uint8_t *flag = l->x.flag + r * cells;

    mms_mean_spectrum(l->x.nchan, l->x.ncorr, l->x.weight_spectrum + r * cells, flag,
                      l->x.weight + r * l->x.ncorr);
    mms_mean_spectrum(l->x.nchan, l->x.ncorr, l->x.sigma_spectrum + r * cells, flag,
                      l->x.sigma + r * l->x.ncorr);
}

static mms_status combine_rows(leaving *l, mms_arena *arena, mms_error *err)
{
    const void **memory = mms_arena_get(arena, npointer(l->stage), sizeof *memory);
    mms_status st = memory ? MMS_OK : out_of_memory(err);

    for (int64_t r = 0; st == MMS_OK && r < l->n; r++) {
        const pointers p = lay_pointers(l->stage, memory);
        st = combine_row(l, r, &p, err);
        if (st == MMS_OK)
            put_row_weights(l, r);
    }
    return st;
}

/** EXPOSURE is the mean; FLAG_ROW that of the last row in CASA's numbers, else of all. */
static void set_scalars(const combine_stage *s, batch *b, int64_t out)
{
    uint8_t *scalars = b->scalars + out * s->columns.scalar_bytes;
    const double exposure = b->exposure_s[out] / b->nrow[out];
    const bool exact = s->opts.in->numerics == MMS_NUMERICS_EXACT;

    if (s->exposure_at >= 0)
        memcpy(scalars + s->exposure_at, &exposure, sizeof exposure);
    if (s->flag_row_at >= 0)
        scalars[s->flag_row_at] = exact ? b->all_flagged[out] : b->last_flagged[out];
}

static mms_status make(const mms_row_stage *stage, mms_row_batch *base, mms_arena *arena,
                       mms_block **out, mms_error *err)
{
    const combine_stage *s = (const combine_stage *)stage;
    const taken *t = (const taken *)base;
    batch *b = t->batch;
    leaving l = {.stage = s, .batch = b, .first = t->first, .n = t->n};
    mms_made_row *rows = mms_arena_get(arena, t->n, sizeof *rows);
    mms_spectra *shapes = mms_arena_zeros(arena, s->ddid + 1, sizeof *shapes);
    mms_status st;

    MMS_TRY(rows && shapes ? MMS_OK : out_of_memory(err));
    shapes[s->ddid] = (mms_spectra){.nchan = s->combination->nchan, .ncorr = b->ncorr};
    for (int64_t i = 0; i < t->n; i++) {
        set_scalars(s, b, t->first + i);
        rows[i] = (mms_made_row){s->ddid, b->scalars + (t->first + i) * s->columns.scalar_bytes,
                                 b->fixed + (t->first + i) * s->columns.fixed_bytes};
    }
    MMS_TRY(mms_row_block_make(&s->columns, b->first + t->first, t->n, rows, s->ddid + 1, shapes,
                               arena, out, err));
    MMS_TRY(mms_row_block_scalars(&s->columns, t->n, rows, arena, *out, err));
    mms_group *group = &(*out)->groups[0];
    MMS_TRY(mms_group_spectra(*out, group, s->opts.in->kinds, true, &l.x, err));
    l.uvw_m = mms_cells_find(group->arrays, (*out)->narray, MMS_COL_UVW)->data;
    MMS_TRY(combine_rows(&l, arena, err));
done:
    return st;
}

static bool ready(const mms_row_stage *stage)
{
    return ((const combine_stage *)stage)->first != NULL;
}

static bool crowded(const mms_row_stage *stage)
{
    const combine_stage *s = (const combine_stage *)stage;

    return s->first && s->first->next;
}

static mms_status take_rows(mms_row_stage *stage, mms_row_batch **out, mms_error *err)
{
    combine_stage *s = (combine_stage *)stage;
    batch *b = s->first;

    *out = NULL;
    if (!b)
        return MMS_OK;
    taken *t = mms_alloc(1, sizeof *t);
    if (!t)
        return out_of_memory(err);
    const int64_t row = s->combination->nchan * b->ncorr * (8 + 1 + 8) + 1;
    const int64_t most = BLOCK_BYTES / row > 0 ? BLOCK_BYTES / row : 1, left = b->nout - b->given;
    *t = (taken){.batch = b, .first = b->given, .n = left < most ? left : most};
    b->given += t->n;
    if (b->given == b->nout) {
        s->first = b->next;
        s->last = s->first ? s->last : NULL;
        b->next = s->taken;
        s->taken = b;
    }
    *out = &t->base;
    return MMS_OK;
}

/* ---- a part -----------------------------------------------------------------------------------*/

static int64_t nrow(const mms_row_stage *stage)
{
    return ((const combine_stage *)stage)->plan.nout;
}

static int64_t block_rows(const mms_row_stage *stage)
{
    (void)stage;
    return 0;
}

static void end_stage(mms_row_stage *stage)
{
    combine_stage *s = (combine_stage *)stage;

    if (s->replaced)
        mms_log(
            MMS_LOG_WARN, "combinespws",
            "%" PRId64 " rows have the window, time stamp and baseline of another row: the last "
            "of them counts%s",
            s->replaced,
            s->opts.in->numerics == MMS_NUMERICS_EXACT ? " that is not flagged as a whole" : "");
    collect(s);
    free_batches(s->first);
    free_batches(s->taken);
    free_batches(s->spare);
    free_batch(s->filling);
    mms_row_columns_end(&s->columns);
    mms_combine_plan_end(&s->plan);
}

/** Columns whose cells lose channels or correlations. */
static bool is_cut(const void *ctx, const char *name)
{
    const combine_stage *s = ctx;

    return mms_cut_step_cuts(s->opts.cut, name) || mms_column_has_channels(name) ||
           mms_names_have((const char *const *)s->opts.in->followers, name);
}

/** Which weights are combined: what becomes WEIGHT, and SIGMA where that is apart. */
static void choose_weights(combine_stage *s)
{
    const mms_form *in = s->opts.in;

    s->choice = mms_choose_weights(in->kinds, false, in->time_averaged);
    s->source[s->nweight++] = s->choice.weights;
    if (s->choice.sigmas_apart)
        s->source[s->nweight++] = MMS_BY_SIGMA;
}

/** Rows of a batch: at most a quarter of the memory, with at most four correlations. */
static int64_t rows_per_batch(const combine_stage *s)
{
    int64_t row = row_cells(s, 4) * (1 + 4 * s->nweight);

    for (unsigned kinds = s->opts.in->kinds; kinds; kinds &= kinds - 1)
        row += row_cells(s, 4) * 8;
    const int64_t quarter = s->opts.memory / 4;
    const int64_t n = (quarter < BATCH_BYTES ? quarter : BATCH_BYTES) / (row + 512);
    return n > 1 ? n : 1;
}

static const mms_row_stage_kind combine_stage_kind = {.close = end_stage,
                                                      .nrow = nrow,
                                                      .block_rows = block_rows,
                                                      .add = add,
                                                      .ready = ready,
                                                      .crowded = crowded,
                                                      .take = take_rows,
                                                      .make = make};

mms_status mms_combine_stage_open(const mms_step *step, const mms_row_stage_opts *opts,
                                  mms_row_stage **out, mms_error *err)
{
    combine_stage *s = mms_alloc(1, sizeof *s);
    mms_status st;

    *out = s ? &s->stage : NULL;
    if (!s)
        return out_of_memory(err);
    mms_row_stage_begin(&s->stage, &combine_stage_kind);
    s->opts = *opts;
    s->combination = mms_combine_step_combination(step);
    s->nchan = opts->in->windows[0].axis.nchan;
    while (opts->in->window_of[s->ddid] < 0)
        s->ddid++;
    choose_weights(s);
    const mms_combine_plan_opts plan = {opts->ms, opts->rows_file, opts->memory, rows_per_batch(s)};
    MMS_TRY(mms_row_columns_choose(opts->ms, opts->columns, opts->in->kinds, is_cut, s, &s->columns,
                                   err));
    s->exposure_at = mms_row_columns_at(&s->columns, MMS_COL_EXPOSURE);
    s->flag_row_at = mms_row_columns_at(&s->columns, MMS_COL_FLAG_ROW);
    MMS_TRY(mms_combine_plan_make(&plan, &s->plan, err));
done:
    if (st != MMS_OK)
        mms_row_stage_close(out);
    return st;
}
