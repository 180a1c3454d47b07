/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file time_stage.c  Average the rows of a part in time, keeping the order of their first rows.
 */
#include "row_stage_priv.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena_priv.h"
#include "base/files_priv.h"
#include "ms/columns.h"
#include "row_block_priv.h"
#include "time_plan_priv.h"

/** One averaged row: made from the first row of its bin, held until those before it are complete.
 */
typedef struct record {
    struct record *next; /**< in the list of those not in use */
    int32_t ddid;
    int64_t out;         /**< row of the output */
    int64_t first, last; /**< rows of the block that are added; first < 0: none */
    mms_time_sums *sums;
    uint8_t *scalars; /**< values of the scalar columns, one after the other */
    uint8_t *fixed;   /**< cells of fixed-shape columns that are not averaged */
    uint8_t memory[]; /**< of both */
} record;

/** Averaged rows that were taken. */
typedef struct batch {
    mms_row_batch base;
    int64_t first, n;  /**< rows of the output */
    record *records[]; /**< [n] */
} batch;

enum {
    BATCH_BYTES = 8 << 20,
    CASACORE_BYTES = 32 << 20, /**< its buffers and tiles, at most */
    /** Of a record beside its sums: its places in lists, those of its bin, heads of allocations */
    OVERHEAD = 384,
    NAVERAGED = 5
};

/** Scalar columns that are averaged, as set_scalars() writes them. */
static const char *const averaged_scalars[NAVERAGED] = {
    MMS_COL_TIME, MMS_COL_INTERVAL, MMS_COL_EXPOSURE, MMS_COL_TIME_CENTROID, MMS_COL_FLAG_ROW};

typedef struct time_stage {
    mms_row_stage stage;
    mms_row_stage_opts opts;
    mms_time_opts bin_opts;
    mms_time_plan plan;
    mms_time_bins *bins;
    int64_t pass, left;   /**< left: rows of the pass that are still to come */
    int64_t limit;        /**< bytes of sums that are held */
    int64_t in_use, idle; /**< bytes of sums */
    int64_t dearest;      /**< bytes that the largest averaged row is held in */
    int64_t naverage, nslot, nwaiting, next;
    int64_t slot_capacity, waiting_capacity;
    mms_time_average **averages; /**< by DDID */
    mms_spectra *shapes;         /**< by DDID: that of its average */
    record **slots;              /**< of open bins */
    record *spare;
    record **waiting; /**< waiting[i] is output row next + i, NULL while its bin is open */
    mms_row_columns columns;
    int64_t averaged_at[NAVERAGED]; /**< where a record has their values; -1: no such column */
} time_stage;

static mms_status out_of_memory(mms_error *err)
{
    return mms_fail(err, MMS_ERR_MEM, "time average: out of memory");
}

/* ---- columns ----------------------------------------------------------------------------------*/

/** Columns whose cells lose channels or correlations. */
static bool is_cut(const void *ctx, const char *name)
{
    const time_stage *s = ctx;

    return mms_cut_step_cuts(s->opts.cut, name) ||
           mms_names_have((const char *const *)s->opts.in->followers, name);
}

/** The columns that the blocks will have, in the reader's order. */
static mms_status choose_columns(time_stage *s, mms_error *err)
{
    const mms_status st = mms_row_columns_choose(s->opts.ms, s->opts.columns, s->opts.in->kinds,
                                                 is_cut, s, &s->columns, err);

    s->columns.scalars_alone = s->opts.scalars_alone;
    for (int i = 0; st == MMS_OK && i < NAVERAGED; i++)
        s->averaged_at[i] = mms_row_columns_at(&s->columns, averaged_scalars[i]);
    return st;
}

/* ---- before any data are read -----------------------------------------------------------------*/

/** The average of a DDID.  Rows of other DDIDs may be made meanwhile. */
static mms_status average_of(time_stage *s, int32_t ddid, int64_t nchan, int64_t ncorr,
                             mms_time_average **out, mms_error *err)
{
    *out = NULL;
    if (ddid < 0 || ddid >= s->naverage)
        return mms_fail(err, MMS_ERR_SHAPE,
                        "DATA_DESC_ID %" PRId32 " is not among the %" PRId64 " of DATA_DESCRIPTION",
                        ddid, s->naverage);
    *out = s->averages[ddid];
    if (*out)
        return MMS_OK;
    s->shapes[ddid] = (mms_spectra){.nchan = nchan, .ncorr = ncorr};
    const mms_status st = mms_time_average_create(nchan, ncorr, s->opts.in->kinds,
                                                  s->opts.in->numerics, &s->averages[ddid], err);
    *out = s->averages[ddid];
    if (st == MMS_OK && s->opts.scalars_alone)
        mms_time_average_take_scalars(*out);
    return st;
}

/** The shape of a row's cells after the cut; 0 channels where FLAG has no such value. */
static mms_status find_shape(const time_stage *s, int32_t ddid, int64_t row, int64_t *nchan,
                             int64_t *ncorr, mms_error *err)
{
    const mms_rows rows = {row, 1};
    const mms_cut *cut = mms_cut_step_of(s->opts.cut, ddid);
    mms_shape_run *runs;
    int64_t nrun;
    const mms_status st = mms_ms_shapes(s->opts.ms, MMS_COL_FLAG, 1, &rows, &runs, &nrun, err);

    if (st != MMS_OK)
        return st;
    *nchan = runs[0].ndim == 2 ? runs[0].shape[0] : 0;
    *ncorr = runs[0].ndim == 2 ? runs[0].shape[1] : 0;
    *nchan = cut && cut->nchan && *nchan ? cut->nchan : *nchan;
    *ncorr = cut && cut->ncorr && *ncorr ? cut->ncorr : *ncorr;
    free(runs);
    return MMS_OK;
}

static mms_status cost_of(void *ctx, int32_t ddid, int64_t row, int64_t *bytes, mms_error *err)
{
    time_stage *s = ctx;
    mms_time_average *average = ddid >= 0 && ddid < s->naverage ? s->averages[ddid] : NULL;
    int64_t nchan, ncorr;
    mms_status st;

    *bytes = OVERHEAD + (int64_t)sizeof(record) + s->columns.scalar_bytes + s->columns.fixed_bytes;
    if (!average && ddid >= 0) {
        MMS_TRY(find_shape(s, ddid, row, &nchan, &ncorr, err));
        if (nchan > 0 && ncorr > 0) // else the row is refused when it is read
            MMS_TRY(average_of(s, ddid, nchan, ncorr, &average, err));
    }
    if (average)
        *bytes += mms_time_average_bytes(average);
    s->dearest = *bytes > s->dearest ? *bytes : s->dearest;
    return MMS_OK;
done:
    return st;
}

static int64_t batch_bytes(const time_stage *s)
{
    const int64_t most = s->opts.memory / 20 / s->opts.nlane;
    return most < BATCH_BYTES ? most : BATCH_BYTES;
}

/** Averaged rows get what the lanes' blocks in and out, with what is made of them, and casacore
 * leave of the memory; a fifth of that is for those that begin or wait within one block. */
static int64_t limit_of(const time_stage *s)
{
    const int64_t quarter = s->opts.memory / 4;
    const int64_t casacore = quarter < CASACORE_BYTES ? quarter : CASACORE_BYTES;
    const int64_t lane = 2 * s->opts.block_bytes + 4 * batch_bytes(s);

    return (s->opts.memory - s->opts.nlane * lane - casacore) / 5 * 4;
}

static mms_status plan(time_stage *s, mms_error *err)
{
    const mms_time_plan_opts opts = {.ms = s->opts.ms,
                                     .rows_file = s->opts.rows_file,
                                     .bins = &s->bin_opts,
                                     .cost = cost_of,
                                     .ctx = s,
                                     .memory = s->opts.memory,
                                     .limit = s->limit};
    mms_status st;

    MMS_TRY(mms_time_plan_make(&opts, &s->plan, err));
    s->bin_opts.order = s->plan.order;
    s->left = s->plan.pass_rows[0];
    MMS_TRY(mms_time_bins_create(&s->bin_opts, &s->bins, err));
done:
    return st;
}

/** Give a record back, for the next bin that opens. */
static void end_record(time_stage *s, record *r)
{
    if (!r)
        return;
    mms_time_average_drop(s->averages[r->ddid], &r->sums);
    r->next = s->spare;
    s->spare = r;
}

/** Take back the records of rows that are made. */
static void collect(time_stage *s)
{
    for (mms_row_batch *done = mms_row_stage_collect(&s->stage), *next; done; done = next) {
        const batch *b = (const batch *)done;
        next = done->next;
        for (int64_t i = 0; i < b->n; i++) {
            const int64_t bytes = mms_time_average_bytes(s->averages[b->records[i]->ddid]);
            s->in_use -= bytes;
            s->idle += bytes;
            end_record(s, b->records[i]);
        }
        free(done);
    }
}

static void end_stage(mms_row_stage *stage)
{
    time_stage *s = (time_stage *)stage;

    collect(s);
    for (int64_t i = 0; i < s->nslot; i++)
        end_record(s, s->slots[i]); // an error has left its bin open
    for (int64_t i = 0; i < s->nwaiting; i++)
        end_record(s, s->waiting[i]);
    while (s->spare) {
        record *r = s->spare;
        s->spare = r->next;
        free(r);
    }
    for (int64_t i = 0; i < s->naverage; i++)
        mms_time_average_free(&s->averages[i]);
    mms_time_bins_free(&s->bins);
    mms_time_plan_end(&s->plan);
    free(s->averages);
    free(s->shapes);
    free(s->slots);
    free(s->waiting);
    mms_row_columns_end(&s->columns);
}

static int64_t nrow(const mms_row_stage *stage)
{
    return ((const time_stage *)stage)->plan.nbin;
}

/** The bins that open within one block add to what is held. */
static int64_t block_rows(const mms_row_stage *stage)
{
    const time_stage *s = (const time_stage *)stage;
    const int64_t n = s->dearest ? s->limit / 4 / s->dearest : 0;

    return n > 0 ? n : 1;
}

/* ---- rows of the input ------------------------------------------------------------------------*/

/** A block with the place of each row. */
typedef struct rows {
    const mms_block *block;
    mms_row_places at;
    int64_t *next; /**< row of the same bin, or -1 */
    int64_t nbin;
    record **bins;        /**< those that get rows */
    mms_spectra *spectra; /**< by group */
    const double **uvw_m; /**< by group */
    const double *time, *interval, *exposure, *centroid;
    const int32_t *ids[8];
} rows;

static const char *const id_names[8] = {
    MMS_COL_OBSERVATION_ID, MMS_COL_ARRAY_ID,     MMS_COL_SCAN_NUMBER, MMS_COL_STATE_ID,
    MMS_COL_FIELD_ID,       MMS_COL_DATA_DESC_ID, MMS_COL_ANTENNA1,    MMS_COL_ANTENNA2};

static mms_status see_rows(const time_stage *s, mms_reader *reader, const mms_block *block, rows *r,
                           mms_error *err)
{
    const int64_t n = block->rows.count;
    mms_status st;

    r->block = block;
    MMS_TRY(mms_row_places_find(block, mms_reader_arena(reader), &r->at, err));
    r->next = mms_arena_get(mms_reader_arena(reader), n * (int64_t)sizeof *r->next, 1);
    r->bins = mms_arena_get(mms_reader_arena(reader), n * (int64_t)sizeof(record *), 1);
    r->spectra =
        mms_arena_get(mms_reader_arena(reader), block->ngroup * (int64_t)sizeof *r->spectra, 1);
    r->uvw_m =
        mms_arena_get(mms_reader_arena(reader), block->ngroup * (int64_t)sizeof *r->uvw_m, 1);
    MMS_TRY(r->next && r->bins && r->spectra && r->uvw_m ? MMS_OK : out_of_memory(err));
    for (int64_t g = 0; g < block->ngroup; g++) {
        const mms_group *group = &block->groups[g];
        MMS_TRY(mms_group_spectra(block, group, s->opts.scalars_alone ? 0 : s->opts.in->kinds,
                                  s->opts.in->weight_spectrum, &r->spectra[g], err));
        const mms_cells *uvw = mms_group_defined(block, group, MMS_COL_UVW);
        if (!uvw || uvw->nvalue != 3)
            MMS_TRY(mms_fail(err, MMS_ERR_SHAPE,
                             "DATA_DESC_ID %" PRId32 ": UVW is no 3-vector in a "
                             "row",
                             group->ddid));
        r->uvw_m[g] = uvw->data;
    }
    MMS_TRY(mms_block_scalar(block, MMS_COL_TIME, &r->time, err));
    MMS_TRY(mms_block_scalar(block, MMS_COL_INTERVAL, &r->interval, err));
    MMS_TRY(mms_block_scalar(block, MMS_COL_EXPOSURE, &r->exposure, err));
    MMS_TRY(mms_block_scalar(block, MMS_COL_TIME_CENTROID, &r->centroid, err));
    for (int i = 0; i < 8; i++)
        MMS_TRY(mms_block_scalar(block, id_names[i], &r->ids[i], err));
done:
    return st;
}

static const double *uvw_of(const rows *r, int64_t row)
{
    return r->uvw_m[r->at.group[row]] + 3 * r->at.index[row];
}

static mms_time_row time_row(const rows *r, int64_t row)
{
    mms_time_row t = {.time_s = r->time[row],
                      .observation = r->ids[0][row],
                      .array = r->ids[1][row],
                      .scan = r->ids[2][row],
                      .state = r->ids[3][row],
                      .field = r->ids[4][row],
                      .ddid = r->ids[5][row],
                      .antenna1 = r->ids[6][row],
                      .antenna2 = r->ids[7][row]};
    memcpy(t.uvw_m, uvw_of(r, row), sizeof t.uvw_m);
    return t;
}

/** Begin the record of a bin with its first row. */
static mms_status make_record(time_stage *s, const rows *r, int64_t row, record **out,
                              mms_error *err)
{
    const mms_group *g = &r->block->groups[r->at.group[row]];
    const size_t bytes =
        sizeof(record) + (size_t)(s->columns.scalar_bytes + s->columns.fixed_bytes);
    record *rec = s->spare;

    if (rec)
        s->spare = rec->next;
    else if (!(rec = malloc(bytes)))
        return out_of_memory(err);
    memset(rec, 0, bytes);
    *out = rec;
    rec->ddid = r->ids[5][row];
    rec->first = -1;
    rec->scalars = rec->memory;
    rec->fixed = rec->memory + s->columns.scalar_bytes;
    mms_row_columns_take(&s->columns, r->block, g, row, r->at.index[row], rec->scalars, rec->fixed);
    return MMS_OK;
}

/** Take sums; where there would be too many, those that other DDIDs do not use are freed. */
static mms_status begin_sums(time_stage *s, mms_time_average *average, mms_time_sums **sums,
                             mms_error *err)
{
    const int64_t bytes = mms_time_average_bytes(average);
    const bool reused = mms_time_average_idle(average) > 0;

    if (!reused && s->in_use + s->idle + bytes > s->limit) {
        for (int64_t i = 0; i < s->naverage; i++)
            if (s->averages[i])
                mms_time_average_trim(s->averages[i]);
        s->idle = 0;
    }
    const mms_status st = mms_time_average_begin(average, sums, err);
    if (st == MMS_OK) {
        s->in_use += bytes;
        s->idle -= reused ? bytes : 0;
    }
    return st;
}

/** The output row of a bin that opens. */
static mms_status out_row(const time_stage *s, int64_t bin, int64_t *out, mms_error *err)
{
    *out = bin;
    if (s->plan.out_rows && fread(out, sizeof *out, 1, s->plan.out_rows) != 1)
        return mms_fail_errno(err, errno ? errno : EIO, "%s: bins", s->opts.rows_file);
    return MMS_OK;
}

static mms_status open_bin(time_stage *s, const rows *r, int64_t row, const mms_time_place *place,
                           mms_error *err)
{
    const mms_spectra *x = &r->spectra[r->at.group[row]];
    const int64_t at = place->slot;
    mms_time_average *average;
    mms_status st;

    MMS_TRY(mms_grow(&s->slots, &s->slot_capacity, at + 1, sizeof *s->slots, err));
    while (s->nslot <= at)
        s->slots[s->nslot++] = NULL;
    MMS_TRY(average_of(s, r->ids[5][row], x->nchan, x->ncorr, &average, err));
    MMS_TRY(make_record(s, r, row, &s->slots[at], err));
    MMS_TRY(out_row(s, place->bin, &s->slots[at]->out, err));
    MMS_TRY(begin_sums(s, average, &s->slots[at]->sums, err));
done:
    return st;
}

/** A bin that is closed waits until the rows before it are complete. */
static mms_status close_bin(time_stage *s, const mms_time_place *place, mms_error *err)
{
    record *rec = s->slots[place->slot];
    const int64_t at = rec->out - s->next;
    const mms_status st =
        mms_grow(&s->waiting, &s->waiting_capacity, at + 1, sizeof *s->waiting, err);

    if (st != MMS_OK)
        return st;
    while (s->nwaiting <= at)
        s->waiting[s->nwaiting++] = NULL;
    s->waiting[at] = rec;
    s->slots[place->slot] = NULL;
    return MMS_OK;
}

static mms_status close_bins(time_stage *s, mms_error *err)
{
    int64_t n;
    const mms_time_place *closed = mms_time_bins_closed(s->bins, &n);
    mms_status st = MMS_OK;

    for (int64_t i = 0; st == MMS_OK && i < n; i++)
        st = close_bin(s, &closed[i], err);
    return st;
}

/** After the last row of a pass its bins are complete. */
static mms_status next_pass(time_stage *s, mms_error *err)
{
    while (s->left == 0 && s->pass + 1 < s->plan.npass)
        s->left = s->plan.pass_rows[++s->pass];
    mms_time_bins_finish(s->bins);
    return close_bins(s, err);
}

/** Add a row to those of its bin: rows of one bin follow each other when they are added, since the
 *  sums of all bins are too many for the caches. */
static void queue_row(rows *r, int64_t row, record *bin)
{
    if (bin->first < 0) {
        bin->first = row;
        r->bins[r->nbin++] = bin;
    } else
        r->next[bin->last] = row;
    bin->last = row;
    r->next[row] = -1;
}

/** Find the record of a row's bin; bins open and close in the order of the rows. */
static mms_status place_row(time_stage *s, rows *r, int64_t row, mms_error *err)
{
    const mms_time_row key = time_row(r, row);
    const mms_spectra *x = &r->spectra[r->at.group[row]];
    mms_time_place place;
    mms_status st;

    if (s->left == 0)
        MMS_TRY(next_pass(s, err));
    s->left--;
    MMS_TRY(mms_time_bins_add(s->bins, &key, &place, err));
    MMS_TRY(close_bins(s, err));
    if (place.opened)
        MMS_TRY(open_bin(s, r, row, &place, err));
    const mms_spectra *first = &s->shapes[key.ddid];
    if (first->nchan != x->nchan || first->ncorr != x->ncorr)
        MMS_TRY(mms_fail(err, MMS_ERR_SHAPE,
                         "DATA_DESC_ID %" PRId32 ": a row has %" PRId64 " x %" PRId64
                         " channels and correlations, an earlier one %" PRId64 " x %" PRId64,
                         key.ddid, x->nchan, x->ncorr, first->nchan, first->ncorr));
    queue_row(r, row, s->slots[place.slot]);
done:
    return st;
}

/** Small shares, since a lane may come late. */
static int nshare(const mms_lanes *lanes)
{
    const int n = mms_lanes_count(lanes);
    return n > 1 ? 4 * n : 1;
}

/** Add a placed row to the sums of its bin. */
static void add_row(const time_stage *s, const rows *r, int64_t row, const record *bin,
                    void *scratch)
{
    const mms_spectra *x = &r->spectra[r->at.group[row]];
    mms_time_scalars t = {.time_s = r->time[row],
                          .interval_s = r->interval[row],
                          .exposure_s = r->exposure[row],
                          .time_centroid_s = r->centroid[row],
                          .flagged = mms_row_is_flagged(x, r->at.index[row])};

    memcpy(t.uvw_m, uvw_of(r, row), sizeof t.uvw_m);
    mms_time_average_add(s->averages[bin->ddid], bin->sums, x, r->at.index[row], &t, scratch);
}

/** Rows that are added. */
typedef struct adding {
    const time_stage *stage;
    const rows *rows;
    uint8_t *scratch; /**< of all shares, one after the other */
    int64_t scratch_bytes;
} adding;

/** Add the rows of each n-th bin, those of one bin in their order. */
static void add_share(void *ctx, int share, int n)
{
    const adding *a = ctx;

    for (int64_t i = share; i < a->rows->nbin; i += n) {
        record *bin = a->rows->bins[i];
        for (int64_t row = bin->first; row >= 0; row = a->rows->next[row])
            add_row(a->stage, a->rows, row, bin, a->scratch + share * a->scratch_bytes);
        bin->first = -1;
    }
}

static mms_status add_rows(const time_stage *s, mms_lanes *lanes, mms_reader *reader, const rows *r,
                           mms_error *err)
{
    const int n = nshare(lanes);
    adding a = {.stage = s, .rows = r};

    for (int64_t i = 0; i < s->naverage; i++) {
        const int64_t bytes = s->averages[i] ? mms_time_average_scratch(s->averages[i]) : 0;
        a.scratch_bytes = bytes > a.scratch_bytes ? bytes : a.scratch_bytes;
    }
    a.scratch = mms_arena_get(mms_reader_arena(reader), a.scratch_bytes * n, 1);
    if (!a.scratch)
        return out_of_memory(err);
    mms_lanes_share(lanes, n, add_share, &a);
    return MMS_OK;
}

/* ---- rows of the output -----------------------------------------------------------------------*/

/** Write the averaged values into the record's scalars. */
static void set_scalars(const time_stage *s, record *rec, const mms_time_scalars *t)
{
    const double values[] = {t->time_s, t->interval_s, t->exposure_s, t->time_centroid_s};

    for (int i = 0; i < MMS_COUNT_OF(values); i++)
        if (s->averaged_at[i] >= 0)
            memcpy(rec->scalars + s->averaged_at[i], &values[i], sizeof values[i]);
    if (s->averaged_at[NAVERAGED - 1] >= 0)
        rec->scalars[s->averaged_at[NAVERAGED - 1]] = 0;
}

/** Average the record into row i of the spectra, and take its scalars. */
static void average_record(const time_stage *s, record *rec, mms_spectra *x, int64_t i,
                           double *uvw_m)
{
    mms_time_scalars t;

    mms_time_average_mean(s->averages[rec->ddid], rec->sums, x, i, &t);
    set_scalars(s, rec, &t);
    memcpy(uvw_m + 3 * i, t.uvw_m, sizeof t.uvw_m);
}

/** Fill the cells of a group from the records of its rows. */
static mms_status fill_group(const time_stage *s, const batch *b, const mms_block *block,
                             const mms_group *g, mms_error *err)
{
    mms_spectra x = {0};
    int64_t row = 0;
    const mms_status st = s->opts.scalars_alone
                              ? MMS_OK
                              : mms_group_spectra(block, g, s->opts.in->kinds, true, &x, err);

    if (st != MMS_OK)
        return st;
    double *uvw_m = mms_cells_find(g->arrays, block->narray, MMS_COL_UVW)->data;
    for (int64_t i = 0; i < g->nrange; i++)
        for (int64_t k = 0; k < g->rows[i].count; k++)
            average_record(s, b->records[g->rows[i].first + k], &x, row++, uvw_m);
    return MMS_OK;
}

/** The block of the batch's rows; scalars last, since averages of some come with the spectra. */
static mms_status make(const mms_row_stage *stage, mms_row_batch *base, mms_arena *arena,
                       mms_block **out, mms_error *err)
{
    const time_stage *s = (const time_stage *)stage;
    const batch *b = (const batch *)base;
    mms_made_row *made = mms_arena_get(arena, b->n, sizeof *made);
    mms_status st;

    MMS_TRY(made ? MMS_OK : out_of_memory(err));
    for (int64_t i = 0; i < b->n; i++)
        made[i] = (mms_made_row){b->records[i]->ddid, b->records[i]->scalars, b->records[i]->fixed};
    MMS_TRY(mms_row_block_make(&s->columns, b->first, b->n, made, (int32_t)s->naverage, s->shapes,
                               arena, out, err));
    for (int64_t g = 0; g < (*out)->ngroup; g++)
        MMS_TRY(fill_group(s, b, *out, &(*out)->groups[g], err));
    MMS_TRY(mms_row_block_scalars(&s->columns, b->n, made, arena, *out, err));
done:
    return st;
}

static bool ready(const mms_row_stage *stage)
{
    const time_stage *s = (const time_stage *)stage;

    return s->nwaiting > 0 && s->waiting[0];
}

static bool crowded(const mms_row_stage *stage)
{
    const time_stage *s = (const time_stage *)stage;

    return s->in_use > s->limit / 2;
}

static mms_status take(mms_row_stage *stage, mms_row_batch **out, mms_error *err)
{
    time_stage *s = (time_stage *)stage;
    int64_t bytes = 0, n = 0;

    *out = NULL;
    while (n < s->nwaiting && s->waiting[n] && bytes < batch_bytes(s))
        bytes += mms_time_average_bytes(s->averages[s->waiting[n++]->ddid]);
    if (n == 0)
        return MMS_OK;
    batch *b = malloc(sizeof *b + (size_t)n * sizeof *b->records);
    if (!b)
        return out_of_memory(err);
    *b = (batch){.first = s->next, .n = n};
    memcpy(b->records, s->waiting, (size_t)n * sizeof *b->records);
    s->nwaiting -= n;
    memmove(s->waiting, s->waiting + n, (size_t)s->nwaiting * sizeof *s->waiting);
    s->next += n;
    *out = &b->base;
    return MMS_OK;
}

static mms_status add(mms_row_stage *stage, mms_lanes *lanes, mms_reader *reader, mms_block *block,
                      mms_error *err)
{
    time_stage *s = (time_stage *)stage;
    rows r = {0};
    mms_status st;

    collect(s);
    if (!block) {
        mms_time_bins_finish(s->bins);
        return close_bins(s, err);
    }
    MMS_TRY(see_rows(s, reader, block, &r, err));
    for (int64_t i = 0; i < block->rows.count; i++)
        MMS_TRY(place_row(s, &r, i, err));
    MMS_TRY(add_rows(s, lanes, reader, &r, err));
done:
    return st;
}

static const mms_row_stage_kind time_stage_kind = {
    .close = end_stage,
    .nrow = nrow,
    .block_rows = block_rows,
    .add = add,
    .ready = ready,
    .crowded = crowded,
    .take = take,
    .make = make,
};

mms_status mms_time_stage_open(const mms_row_stage_opts *opts, const mms_time_opts *bins,
                               mms_row_stage **out, mms_error *err)
{
    time_stage *s = calloc(1, sizeof *s);
    mms_status st;

    *out = s ? &s->stage : NULL;
    if (!s)
        return out_of_memory(err);
    mms_row_stage_begin(&s->stage, &time_stage_kind);
    s->opts = *opts;
    s->bin_opts = *bins;
    s->naverage = opts->in->nddid;
    s->averages = mms_alloc(s->naverage, sizeof *s->averages);
    s->shapes = mms_alloc(s->naverage, sizeof *s->shapes);
    MMS_TRY(s->averages && s->shapes ? MMS_OK : out_of_memory(err));
    s->limit = limit_of(s);
    MMS_TRY(choose_columns(s, err));
    MMS_TRY(plan(s, err));
done:
    if (st != MMS_OK)
        mms_row_stage_close(out);
    return st;
}
