/** @file time_stage.c  Average the rows of a part in time, keeping the order of their first rows.
 */
#include "time_stage_priv.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "chain_priv.h"
#include "time_rows_priv.h"

/** One averaged row: made from the first row of its bin, filled when the bin closes. */
typedef struct record {
    int32_t ddid;
    uint8_t *scalars; /**< values of the scalar columns, one after the other */
    uint8_t *fixed;   /**< cells of fixed-shape columns that are not averaged */
    double uvw_m[3];
    mms_spectra spectra; /**< one row; its arrays are in memory */
    uint8_t *memory;
    int64_t bytes; /**< of memory */
} record;

typedef struct slot {
    mms_time_sums *sums;
    record *record;
} slot;

struct mms_time_stage {
    mms_time_opts opts;
    unsigned kinds;
    mms_numerics numerics;
    mms_time_bins *bins;
    int64_t nbin;
    int64_t *out_row; /**< by bin; NULL: bins open in the order of the output */
    int64_t naverage, nslot, nwaiting, next;
    int64_t average_capacity, slot_capacity, waiting_capacity;
    mms_time_average **averages; /**< by DDID */
    mms_spectra *shapes;         /**< by DDID: that of its average */
    slot *slots;
    record **waiting; /**< waiting[i] is output row next + i, NULL while its bin is open */
    int64_t nscalar, narray;
    const mms_column **scalars, **arrays; /**< columns of the blocks */
};

static mms_status out_of_memory(mms_error *err)
{
    return mms_fail(err, MMS_ERR_MEM, "time average: out of memory");
}

/* ---- the bins, before any data are read -------------------------------------------------------*/

/** Counts bins, and notes where the first row of each stood. */
typedef struct counter {
    mms_time_bins *bins;
    const int64_t *positions;
    int64_t *first; /**< by bin, when positions are known */
    int64_t capacity;
} counter;

static mms_status count_row(void *ctx, int64_t position, int64_t row, const mms_time_row *r,
                            mms_error *err)
{
    counter *c = ctx;
    mms_time_place place;
    mms_status st;

    (void)row;
    MMS_TRY(mms_time_bins_add(c->bins, r, &place, err));
    if (place.opened && c->positions) {
        MMS_TRY(mms_grow(&c->first, &c->capacity, place.bin + 1, sizeof *c->first, err));
        c->first[place.bin] = c->positions[position];
    }
done:
    return st;
}

static int compare_first(const void *a, const void *b, void *first)
{
    const int64_t *f = first, x = f[*(const int64_t *)a], y = f[*(const int64_t *)b];
    return (x > y) - (x < y);
}

/** Rank the bins by their first rows. */
static mms_status rank_bins(mms_time_stage *s, int64_t *first, mms_error *err)
{
    int64_t *order = mms_alloc(s->nbin, sizeof *order);

    s->out_row = mms_alloc(s->nbin, sizeof *s->out_row);
    if (!order || !s->out_row) {
        free(order);
        return out_of_memory(err);
    }
    for (int64_t i = 0; i < s->nbin; i++)
        order[i] = i;
    qsort_r(order, (size_t)s->nbin, sizeof *order, compare_first, first);
    for (int64_t i = 0; i < s->nbin; i++)
        s->out_row[order[i]] = i;
    free(order);
    return MMS_OK;
}

static mms_status count_bins(mms_time_stage *s, mms_ms *ms, const char *rows_file, mms_error *err)
{
    counter c = {0};
    int64_t *positions = NULL;
    mms_status st;

    MMS_TRY(mms_time_rows_order(ms, rows_file, s->opts.timespan, &s->opts.order, &positions, err));
    c.positions = positions;
    MMS_TRY(mms_time_bins_create(&s->opts, &c.bins, err));
    MMS_TRY(mms_time_rows_each(ms, rows_file, count_row, &c, err));
    s->nbin = mms_time_bins_count(c.bins);
    if (positions)
        MMS_TRY(rank_bins(s, c.first, err));
    MMS_TRY(mms_time_bins_create(&s->opts, &s->bins, err));
done:
    mms_time_bins_free(&c.bins);
    free(c.first);
    free(positions);
    return st;
}

mms_status mms_time_stage_open(mms_ms *ms, const mms_value *value, const char *rows_file,
                               unsigned kinds, mms_numerics numerics, mms_time_stage **out,
                               mms_error *err)
{
    mms_time_stage *s = calloc(1, sizeof *s);
    mms_status st;

    *out = s;
    if (!s)
        return out_of_memory(err);
    s->opts = (mms_time_opts)MMS_TIME_OPTS_INIT;
    s->opts.timebin_s = json_number_value(json_object_get(value, "timebin_s"));
    s->opts.timespan = (unsigned)json_integer_value(json_object_get(value, "timespan"));
    s->opts.max_uvw_m = json_number_value(json_object_get(value, "max_uvw_m"));
    s->kinds = kinds;
    s->numerics = numerics;
    st = count_bins(s, ms, rows_file, err);
    if (st != MMS_OK)
        mms_time_stage_close(out);
    return st;
}

static void free_record(record *r)
{
    if (!r)
        return;
    free(r->scalars);
    free(r->fixed);
    free(r->memory);
    free(r);
}

void mms_time_stage_close(mms_time_stage **stage)
{
    mms_time_stage *s = *stage;

    *stage = NULL;
    if (!s)
        return;
    for (int64_t i = 0; i < s->nslot; i++) {
        record *r = s->slots[i].record;
        if (r && s->slots[i].sums) // an error has left its bin open
            mms_time_average_drop(s->averages[r->ddid], &s->slots[i].sums);
        free_record(r);
    }
    for (int64_t i = 0; i < s->nwaiting; i++)
        free_record(s->waiting[i]);
    for (int64_t i = 0; i < s->naverage; i++)
        mms_time_average_free(&s->averages[i]);
    mms_time_bins_free(&s->bins);
    free(s->out_row);
    free(s->averages);
    free(s->shapes);
    free(s->slots);
    free(s->waiting);
    free(s->scalars);
    free(s->arrays);
    free(s);
}

int64_t mms_time_stage_nrow(const mms_time_stage *stage)
{
    return stage->nbin;
}

/* ---- rows of the input ------------------------------------------------------------------------*/

/** A block with the place of each row. */
typedef struct rows {
    const mms_block *block;
    int32_t *group;       /**< by row of the block */
    int64_t *index;       /**< in its group */
    mms_spectra *spectra; /**< by group */
    const double *time, *interval, *exposure, *centroid;
    const int32_t *ids[8];
} rows;

static const char *const id_names[8] = {"OBSERVATION_ID", "ARRAY_ID", "SCAN_NUMBER",
                                        "STATE_ID",       "FIELD_ID", "DATA_DESC_ID",
                                        "ANTENNA1",       "ANTENNA2"};

static mms_status scalar(const mms_block *block, const char *name, const void *out, mms_error *err)
{
    const mms_cells *c = mms_cells_find(block->scalars, block->nscalar, name);

    if (!c)
        return mms_fail(err, MMS_ERR_NOT_FOUND, "a time average needs the column %s", name);
    memcpy((void *)out, &c->data, sizeof c->data);
    return MMS_OK;
}

/** The cells of one column of a group, or NULL where they are undefined. */
static mms_cells *defined(const mms_block *block, const mms_group *g, const char *name)
{
    mms_cells *c = mms_cells_find(g->arrays, block->narray, name);
    return c && c->ndim >= 0 ? c : NULL;
}

static mms_status see_rows(const mms_time_stage *s, mms_reader *reader, const mms_block *block,
                           rows *r, mms_error *err)
{
    const int64_t n = block->rows.count;
    mms_status st;

    r->block = block;
    r->group = mms_reader_scratch(reader, n * (int64_t)sizeof *r->group);
    r->index = mms_reader_scratch(reader, n * (int64_t)sizeof *r->index);
    r->spectra = mms_reader_scratch(reader, block->ngroup * (int64_t)sizeof *r->spectra);
    MMS_TRY(r->group && r->index && r->spectra ? MMS_OK : out_of_memory(err));
    for (int64_t g = 0; g < block->ngroup; g++) {
        const mms_group *group = &block->groups[g];
        int64_t index = 0;
        MMS_TRY(mms_group_spectra(block, group, s->kinds, true, &r->spectra[g], err));
        const mms_cells *uvw = defined(block, group, "UVW");
        if (!uvw || uvw->nvalue != 3)
            MMS_TRY(mms_fail(err, MMS_ERR_SHAPE,
                             "DATA_DESC_ID %" PRId32 ": UVW is no 3-vector in a "
                             "row",
                             group->ddid));
        for (int64_t i = 0; i < group->nrange; i++)
            for (int64_t k = 0; k < group->rows[i].count; k++) {
                r->group[group->rows[i].first + k] = (int32_t)g;
                r->index[group->rows[i].first + k] = index++;
            }
    }
    MMS_TRY(scalar(block, "TIME", &r->time, err));
    MMS_TRY(scalar(block, "INTERVAL", &r->interval, err));
    MMS_TRY(scalar(block, "EXPOSURE", &r->exposure, err));
    MMS_TRY(scalar(block, "TIME_CENTROID", &r->centroid, err));
    for (int i = 0; i < 8; i++)
        MMS_TRY(scalar(block, id_names[i], &r->ids[i], err));
done:
    return st;
}

static const double *uvw_of(const rows *r, int64_t row)
{
    const mms_group *g = &r->block->groups[r->group[row]];
    return (const double *)defined(r->block, g, "UVW")->data + 3 * r->index[row];
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

/** Columns whose cells all have one shape keep the cell of the first row. */
static bool is_kept(const mms_column *c)
{
    return c->fixed && strcmp(c->name, "UVW");
}

static int64_t fixed_bytes(const mms_column *c)
{
    int64_t n = (int64_t)mms_dtype_size(c->dtype);
    for (int32_t i = 0; i < c->ndim; i++)
        n *= c->shape[i];
    return n;
}

/** Remember which columns the blocks have. */
static mms_status note_columns(mms_time_stage *s, const mms_block *block, mms_error *err)
{
    if (s->scalars)
        return MMS_OK;
    s->nscalar = block->nscalar;
    s->narray = block->narray;
    s->scalars = mms_alloc(s->nscalar, sizeof(void *));
    s->arrays = mms_alloc(s->narray, sizeof(void *));
    if (!s->scalars || !s->arrays)
        return out_of_memory(err);
    for (int64_t i = 0; i < s->nscalar; i++)
        s->scalars[i] = block->scalars[i].column;
    for (int64_t i = 0; i < s->narray; i++)
        s->arrays[i] = block->groups[0].arrays[i].column;
    return MMS_OK;
}

static mms_status copy_fixed(const mms_time_stage *s, const rows *r, int64_t row, record *rec,
                             mms_error *err)
{
    const mms_group *g = &r->block->groups[r->group[row]];
    int64_t bytes = 0;

    for (int64_t i = 0; i < s->narray; i++)
        bytes += is_kept(s->arrays[i]) ? fixed_bytes(s->arrays[i]) : 0;
    rec->fixed = mms_alloc(bytes, 1);
    if (!rec->fixed)
        return out_of_memory(err);
    uint8_t *to = rec->fixed;
    for (int64_t i = 0; i < s->narray; i++) {
        if (!is_kept(s->arrays[i]))
            continue;
        const int64_t size = fixed_bytes(s->arrays[i]);
        if (g->arrays[i].nvalue * (int64_t)mms_dtype_size(s->arrays[i]->dtype) == size)
            memcpy(to, (const uint8_t *)g->arrays[i].data + r->index[row] * size, (size_t)size);
        to += size;
    }
    return MMS_OK;
}

/** Begin the record of a bin with its first row. */
static mms_status make_record(const mms_time_stage *s, const rows *r, int64_t row, record **out,
                              mms_error *err)
{
    record *rec = calloc(1, sizeof *rec);
    size_t bytes = 0;

    *out = rec;
    for (int64_t i = 0; i < s->nscalar; i++)
        bytes += mms_dtype_size(s->scalars[i]->dtype);
    if (!rec || !(rec->scalars = malloc(bytes)))
        return out_of_memory(err);
    rec->ddid = r->ids[5][row];
    uint8_t *to = rec->scalars;
    for (int64_t i = 0; i < s->nscalar; i++) {
        const size_t size = mms_dtype_size(s->scalars[i]->dtype);
        memcpy(to, (const uint8_t *)r->block->scalars[i].data + (size_t)row * size, size);
        to += size;
    }
    return copy_fixed(s, r, row, rec, err);
}

static mms_status average_of(mms_time_stage *s, int32_t ddid, const mms_spectra *x,
                             mms_time_average **out, mms_error *err)
{
    int64_t capacity = s->average_capacity;
    mms_status st = mms_grow(&s->shapes, &capacity, ddid + 1, sizeof *s->shapes, err);

    if (st == MMS_OK)
        st = mms_grow(&s->averages, &s->average_capacity, ddid + 1, sizeof *s->averages, err);
    if (st != MMS_OK)
        return st;
    while (s->naverage <= ddid)
        s->averages[s->naverage++] = NULL;
    *out = s->averages[ddid];
    if (*out)
        return MMS_OK;
    s->shapes[ddid] = (mms_spectra){.nchan = x->nchan, .ncorr = x->ncorr};
    const mms_status made =
        mms_time_average_create(x->nchan, x->ncorr, s->kinds, s->numerics, &s->averages[ddid], err);
    *out = s->averages[ddid];
    return made;
}

static mms_status open_bin(mms_time_stage *s, const rows *r, int64_t row, int64_t at,
                           mms_error *err)
{
    const mms_spectra *x = &r->spectra[r->group[row]];
    mms_time_average *average;
    mms_status st;

    MMS_TRY(mms_grow(&s->slots, &s->slot_capacity, at + 1, sizeof *s->slots, err));
    while (s->nslot <= at)
        s->slots[s->nslot++] = (slot){NULL, NULL};
    MMS_TRY(average_of(s, r->ids[5][row], x, &average, err));
    MMS_TRY(make_record(s, r, row, &s->slots[at].record, err));
    s->slots[at].record->spectra = (mms_spectra){.nrow = 1, .nchan = x->nchan, .ncorr = x->ncorr};
    MMS_TRY(mms_time_average_begin(average, &s->slots[at].sums, err));
done:
    return st;
}

/* ---- bins that close --------------------------------------------------------------------------*/

static int64_t value_bytes(mms_data_kind kind)
{
    return kind == MMS_KIND_FLOAT ? 4 : 8;
}

/** One piece of memory for the arrays of an averaged row. */
static mms_status make_spectra(const mms_time_stage *s, record *rec, mms_error *err)
{
    mms_spectra *x = &rec->spectra;
    const int64_t cells = x->nchan * x->ncorr;
    uint8_t *at;

    rec->bytes = 2 * cells * 4 + 2 * x->ncorr * 4 + cells;
    for (int i = 0; i < MMS_MAX_KINDS; i++)
        if (s->kinds & MMS_KIND_BIT(mms_kind_columns[i].kind))
            rec->bytes += cells * value_bytes(mms_kind_columns[i].kind);
    at = rec->memory = malloc((size_t)rec->bytes);
    if (!at)
        return out_of_memory(err);
    x->ncolumn = 0;
    for (int i = 0; i < MMS_MAX_KINDS; i++) {
        const mms_data_kind kind = mms_kind_columns[i].kind;
        if (!(s->kinds & MMS_KIND_BIT(kind)))
            continue;
        x->column[x->ncolumn++] = (mms_spectra_column){kind, kind == MMS_KIND_FLOAT, at};
        at += cells * value_bytes(kind);
    }
    x->weight_spectrum = (float *)(void *)at;
    x->sigma_spectrum = x->weight_spectrum + cells;
    x->weight = x->sigma_spectrum + cells;
    x->sigma = x->weight + x->ncorr;
    x->flag = (uint8_t *)(x->sigma + x->ncorr);
    return MMS_OK;
}

/** Write a value into the record's scalars. */
static void set_scalar(const mms_time_stage *s, record *rec, const char *name, const void *value)
{
    uint8_t *at = rec->scalars;

    for (int64_t i = 0; i < s->nscalar; i++) {
        const size_t size = mms_dtype_size(s->scalars[i]->dtype);
        if (!strcmp(s->scalars[i]->name, name))
            memcpy(at, value, size);
        at += size;
    }
}

static mms_status wait_for_turn(mms_time_stage *s, int64_t out, record *rec, mms_error *err)
{
    const int64_t at = out - s->next;
    const mms_status st =
        mms_grow(&s->waiting, &s->waiting_capacity, at + 1, sizeof *s->waiting, err);

    if (st != MMS_OK) {
        free_record(rec);
        return st;
    }
    while (s->nwaiting <= at)
        s->waiting[s->nwaiting++] = NULL;
    s->waiting[at] = rec;
    return MMS_OK;
}

static mms_status close_bin(mms_time_stage *s, const mms_time_place *place, mms_error *err)
{
    slot *bin = &s->slots[place->slot];
    record *rec = bin->record;
    mms_time_scalars t;
    const uint8_t no_flag = 0;
    const mms_status st = make_spectra(s, rec, err);

    if (st != MMS_OK)
        return st;
    mms_time_average_close(s->averages[rec->ddid], &bin->sums, &rec->spectra, 0, &t);
    bin->record = NULL;
    set_scalar(s, rec, "TIME", &t.time_s);
    set_scalar(s, rec, "INTERVAL", &t.interval_s);
    set_scalar(s, rec, "EXPOSURE", &t.exposure_s);
    set_scalar(s, rec, "TIME_CENTROID", &t.time_centroid_s);
    set_scalar(s, rec, "FLAG_ROW", &no_flag);
    memcpy(rec->uvw_m, t.uvw_m, sizeof rec->uvw_m);
    return wait_for_turn(s, s->out_row ? s->out_row[place->bin] : place->bin, rec, err);
}

static mms_status close_bins(mms_time_stage *s, mms_error *err)
{
    int64_t n;
    const mms_time_place *closed = mms_time_bins_closed(s->bins, &n);
    mms_status st = MMS_OK;

    for (int64_t i = 0; st == MMS_OK && i < n; i++)
        st = close_bin(s, &closed[i], err);
    return st;
}

static mms_status add_row(mms_time_stage *s, const rows *r, int64_t row, mms_error *err)
{
    const mms_time_row key = time_row(r, row);
    const mms_spectra *x = &r->spectra[r->group[row]];
    mms_time_scalars t = {.time_s = r->time[row],
                          .interval_s = r->interval[row],
                          .exposure_s = r->exposure[row],
                          .time_centroid_s = r->centroid[row],
                          .flagged = mms_row_is_flagged(x, r->index[row])};
    mms_time_place place;
    mms_status st;

    memcpy(t.uvw_m, key.uvw_m, sizeof t.uvw_m);
    MMS_TRY(mms_time_bins_add(s->bins, &key, &place, err));
    MMS_TRY(close_bins(s, err));
    if (place.opened)
        MMS_TRY(open_bin(s, r, row, place.slot, err));
    const mms_spectra *first = &s->shapes[key.ddid];
    if (first->nchan != x->nchan || first->ncorr != x->ncorr)
        MMS_TRY(mms_fail(err, MMS_ERR_SHAPE,
                         "DATA_DESC_ID %" PRId32 ": a row has %" PRId64 " x %" PRId64
                         " channels and correlations, an earlier one %" PRId64 " x %" PRId64,
                         key.ddid, x->nchan, x->ncorr, first->nchan, first->ncorr));
    mms_time_average_add(s->averages[key.ddid], s->slots[place.slot].sums, x, r->index[row], &t);
done:
    return st;
}

/* ---- rows of the output -----------------------------------------------------------------------*/

enum { BATCH_BYTES = 8 << 20 };

/** The averaged rows that have their turn, as a block under construction. */
typedef struct batch {
    mms_time_stage *stage;
    mms_reader *reader;
    int64_t n;
    mms_block *block;
} batch;

static void *scratch(const batch *b, int64_t n, size_t size)
{
    return mms_reader_scratch(b->reader, n * (int64_t)size);
}

static mms_status fill_scalars(const batch *b, mms_error *err)
{
    const mms_time_stage *s = b->stage;
    size_t offset = 0;

    b->block->nscalar = s->nscalar;
    b->block->scalars = scratch(b, s->nscalar, sizeof *b->block->scalars);
    if (!b->block->scalars)
        return out_of_memory(err);
    for (int64_t i = 0; i < s->nscalar; i++) {
        const size_t size = mms_dtype_size(s->scalars[i]->dtype);
        mms_cells *c = &b->block->scalars[i];
        *c = (mms_cells){.column = s->scalars[i], .name = s->scalars[i]->name, .nvalue = 1};
        c->data = scratch(b, b->n, size);
        if (!c->data)
            return out_of_memory(err);
        for (int64_t k = 0; k < b->n; k++)
            memcpy((uint8_t *)c->data + (size_t)k * size, s->waiting[k]->scalars + offset, size);
        offset += size;
    }
    return MMS_OK;
}

/** Where a record's array of a column is, and its shape; NULL: not averaged. */
static const void *array_of(const record *rec, const mms_column *c, int32_t *ndim, int64_t *shape)
{
    const mms_spectra *x = &rec->spectra;
    const struct {
        const char *name;
        const void *data;
        int32_t ndim;
    } arrays[] = {{"FLAG", x->flag, 2},
                  {"WEIGHT", x->weight, 1},
                  {"SIGMA", x->sigma, 1},
                  {"WEIGHT_SPECTRUM", x->weight_spectrum, 2},
                  {"SIGMA_SPECTRUM", x->sigma_spectrum, 2}};
    const void *found = NULL;

    *ndim = 2;
    for (int i = 0; i < x->ncolumn; i++)
        if (!strcmp(c->name, mms_kind_columns[x->column[i].kind].column))
            found = x->column[i].data;
    for (int64_t i = 0; !found && i < MMS_COUNT_OF(arrays); i++)
        if (!strcmp(c->name, arrays[i].name)) {
            found = arrays[i].data;
            *ndim = arrays[i].ndim;
        }
    shape[0] = *ndim == 2 ? x->nchan : x->ncorr;
    shape[1] = x->ncorr;
    if (!strcmp(c->name, "UVW")) {
        *ndim = 1;
        shape[0] = 3;
        return rec->uvw_m;
    }
    return found;
}

/** Gather one column of the records of a group; fixed is the offset of its kept cells. */
static mms_status fill_array(const batch *b, mms_group *g, const mms_column *column, int64_t fixed,
                             mms_cells *c, mms_error *err)
{
    const size_t size = mms_dtype_size(column->dtype);
    record *const *waiting = b->stage->waiting;
    int64_t row = 0;

    *c = (mms_cells){.column = column, .name = column->name, .ndim = -1};
    for (int64_t i = 0; i < g->nrange; i++)
        for (int64_t k = 0; k < g->rows[i].count; k++, row++) {
            const record *rec = waiting[g->rows[i].first + k];
            int32_t ndim;
            int64_t shape[2];
            const void *from = array_of(rec, column, &ndim, shape);
            const bool kept = !from && is_kept(column);
            if (!from && !kept)
                return MMS_OK;
            if (row == 0) {
                c->ndim = kept ? column->ndim : ndim;
                memcpy(c->shape, kept ? column->shape : shape,
                       (size_t)c->ndim * sizeof c->shape[0]);
                c->nvalue = 1;
                for (int32_t d = 0; d < c->ndim; d++)
                    c->nvalue *= c->shape[d];
                c->data = scratch(b, g->nrow * c->nvalue, size);
                if (!c->data)
                    return out_of_memory(err);
            }
            const size_t bytes = (size_t)c->nvalue * size;
            memcpy((uint8_t *)c->data + (size_t)row * bytes, kept ? rec->fixed + fixed : from,
                   bytes);
        }
    return MMS_OK;
}

/** Fill the arrays of a group; spectra that the input lacks are added. */
static mms_status fill_arrays(const batch *b, mms_group *g, int64_t *narray, mms_error *err)
{
    static const mms_column spectra[MMS_SPARE_ARRAYS] = {
        {.name = "WEIGHT_SPECTRUM", .dtype = MMS_DT_FLOAT, .ndim = 2, .manager = "", .group = ""},
        {.name = "SIGMA_SPECTRUM", .dtype = MMS_DT_FLOAT, .ndim = 2, .manager = "", .group = ""}};
    const mms_time_stage *s = b->stage;
    int64_t fixed = 0;
    mms_status st = MMS_OK;

    g->arrays = scratch(b, s->narray + 2 * MMS_SPARE_ARRAYS, sizeof *g->arrays);
    if (!g->arrays)
        return out_of_memory(err);
    for (int64_t i = 0; st == MMS_OK && i < s->narray; i++) {
        st = fill_array(b, g, s->arrays[i], fixed, &g->arrays[i], err);
        fixed += is_kept(s->arrays[i]) ? fixed_bytes(s->arrays[i]) : 0;
    }
    *narray = s->narray;
    for (int i = 0; st == MMS_OK && i < MMS_SPARE_ARRAYS; i++)
        if (!mms_cells_find(g->arrays, s->narray, spectra[i].name))
            st = fill_array(b, g, &spectra[i], 0, &g->arrays[(*narray)++], err);
    return st;
}

/** Rows of one DDID make a group. */
static mms_status fill_groups(const batch *b, mms_error *err)
{
    const mms_time_stage *s = b->stage;
    mms_block *block = b->block;
    mms_status st = MMS_OK;

    block->groups = scratch(b, s->naverage, sizeof *block->groups);
    if (!block->groups)
        return out_of_memory(err);
    for (int32_t ddid = 0; st == MMS_OK && ddid < s->naverage; ddid++) {
        mms_group *g = &block->groups[block->ngroup];
        *g = (mms_group){.ddid = ddid, .rows = scratch(b, b->n, sizeof(mms_rows))};
        if (!g->rows)
            return out_of_memory(err);
        for (int64_t i = 0; i < b->n; i++) {
            if (s->waiting[i]->ddid != ddid)
                continue;
            mms_rows *last = g->nrange ? &g->rows[g->nrange - 1] : NULL;
            if (last && last->first + last->count == i)
                last->count++;
            else
                g->rows[g->nrange++] = (mms_rows){i, 1};
            g->nrow++;
        }
        if (g->nrow > 0) {
            st = fill_arrays(b, g, &block->narray, err);
            block->ngroup++;
        }
    }
    return st;
}

mms_status mms_time_stage_next(mms_time_stage *s, mms_reader *reader, mms_block **out,
                               mms_error *err)
{
    batch b = {s, reader, 0, NULL};
    int64_t bytes = 0;
    mms_status st;

    *out = NULL;
    while (b.n < s->nwaiting && s->waiting[b.n] && bytes < BATCH_BYTES)
        bytes += s->waiting[b.n++]->bytes;
    if (b.n == 0)
        return MMS_OK;
    b.block = scratch(&b, 1, sizeof *b.block);
    MMS_TRY(b.block ? MMS_OK : out_of_memory(err));
    *b.block = (mms_block){.rows = {s->next, b.n}};
    MMS_TRY(fill_scalars(&b, err));
    MMS_TRY(fill_groups(&b, err));
    for (int64_t i = 0; i < b.n; i++)
        free_record(s->waiting[i]);
    s->nwaiting -= b.n;
    memmove(s->waiting, s->waiting + b.n, (size_t)s->nwaiting * sizeof *s->waiting);
    s->next += b.n;
    *out = b.block;
done:
    return st;
}

mms_status mms_time_stage_add(mms_time_stage *s, mms_reader *reader, mms_block *block,
                              mms_error *err)
{
    rows r = {0};
    mms_status st;

    if (!block) {
        mms_time_bins_finish(s->bins);
        return close_bins(s, err);
    }
    MMS_TRY(note_columns(s, block, err));
    MMS_TRY(see_rows(s, reader, block, &r, err));
    for (int64_t i = 0; i < block->rows.count; i++)
        MMS_TRY(add_row(s, &r, i, err));
done:
    return st;
}
