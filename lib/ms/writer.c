/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file writer.c  Blocks into a new main table: tiles directly, the rest through casacore. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/base_priv.h"
#include "base/fingerprint_priv.h"
#include "block.h"
#include "ms_priv.h"

/** A column of the new table. */
typedef struct output {
    const mms_column *column;
    const char *from; /**< its name in the input */
    mms_stored to,
        in; /**< in: where it is copied from, of one kind with to; NULL: it is found anew */
    bool copied;
} output;

struct mms_writer {
    mms_ms *like;
    mms_table *table;
    mms_store *store;
    bool direct; /**< some columns may be written by us */
    char *rename_from, *rename_to;
    const char *const *copy;
    int64_t bytes;   /**< of the cells with numbers that have their place */
    int64_t noutput; /**< 0 until the first block comes */
    output *outputs;
};

/** A marked copy of an MMS must not pass for one (multi-ms 1.9). */
static mms_status mark_as_plain(mms_table *table, mms_error *err)
{
    char *type = NULL, *subtype = NULL, *readme = NULL;
    mms_status st = mms_table_info(table, &type, &subtype, &readme, err);

    if (st == MMS_OK && !strcmp(subtype, "CONCATENATED"))
        st = mms_table_set_info(table, type, "UVFITS",
                                "This is a MeasurementSet Table holding measurements from a "
                                "Telescope\nThis is a measurement set Table holding astronomical "
                                "observations",
                                err);
    free(type);
    free(subtype);
    free(readme);
    return st;
}

mms_table *mms_writer_table(mms_writer *writer)
{
    return writer->table;
}

/** Name of an output column in the input. */
static const char *input_name(const mms_writer *w, const char *column)
{
    return w->rename_to && !strcmp(column, w->rename_to) ? w->rename_from : column;
}

bool mms_writer_copies(const mms_writer *w, const char *column)
{
    const char *name = w->rename_from && !strcmp(column, w->rename_from) ? w->rename_to : column;
    mms_stored found;

    for (const char *const *c = w->copy; c && *c; c++)
        if (!strcmp(*c, column))
            return mms_store_find(w->store, name, MMS_WANT_CELLS, &found, NULL) == MMS_OK &&
                   found.kind->copy;
    return false;
}

/** Plan where the rows of the columns lie that are copied to TiledShapeStMan and its kin. */
static mms_status plan_sharing(mms_writer *w, const mms_writer_opts *opts, mms_error *err)
{
    const int64_t most = mms_table_ncolumn(w->table);
    mms_shared_column *columns = mms_alloc(most, sizeof *columns);
    mms_tiles **to = mms_alloc(most, sizeof(mms_tiles *));
    mms_stored found;
    int64_t place;
    int64_t n = 0;
    mms_status st;

    MMS_TRY(columns && to
                ? MMS_OK
                : mms_fail(err, MMS_ERR_MEM, "%s: out of memory", mms_table_path(w->table)));
    for (int64_t i = 0; i < most; i++) {
        const char *name = mms_table_column(w->table, i)->name;
        columns[n].name = input_name(w, name);
        if (!mms_writer_copies(w, columns[n].name))
            continue;
        MMS_TRY(mms_store_find(w->store, name, MMS_WANT_CELLS, &found, err));
        if (!(to[n] = mms_stored_tiles(&found, &place)))
            continue;
        MMS_TRY(
            mms_tiles_share_create(opts->share, mms_tiles_has_gaps(to[n]), &columns[n].plan, err));
        n++;
    }
    MMS_TRY(mms_ms_plan_sharing(w->like, opts->rows_file, n, columns, err));
    for (int64_t i = 0; i < n; i++)
        MMS_TRY(mms_tiles_use_share(to[i], &columns[i].plan, err));
done:
    for (int64_t i = 0; columns && i < n; i++)
        mms_tiles_share_free(&columns[i].plan);
    free(columns);
    free(to);
    return st;
}

mms_status mms_writer_create(const char *path, mms_ms *like, const mms_writer_opts *opts,
                             mms_writer **out, mms_error *err)
{
    const mms_table_like how = {.nrow = opts->nrow,
                                .max_tile_rows = opts->nrow,
                                .skip = opts->skip,
                                .rename_from = opts->rename_from,
                                .rename_to = opts->rename_to,
                                .reshape = opts->reshape,
                                .add = opts->add,
                                .tile = {opts->tile[0], opts->tile[1], opts->tile[2]},
                                .hollow = opts->tiles};
    const mms_store_new store = {.write_back = opts->sync, .share = opts->share};
    mms_writer *w = calloc(1, sizeof *w);
    mms_status st;

    *out = NULL;
    if (!w)
        return mms_fail(err, MMS_ERR_MEM, "%s: out of memory", path);
    w->like = like;
    w->copy = opts->copy;
    w->direct = opts->tiles;
    if (opts->rename_from) {
        w->rename_from = strdup(opts->rename_from);
        w->rename_to = strdup(opts->rename_to);
        if (!w->rename_from || !w->rename_to)
            MMS_TRY(mms_fail(err, MMS_ERR_MEM, "%s: out of memory", path));
    }
    MMS_TRY(mms_table_create_like(path, mms_ms_first_table(like), &how, &w->table, err));
    MMS_TRY(mark_as_plain(w->table, err));
    MMS_TRY(mms_store_create(w->table, opts->tiles ? MMS_WAYS_ALL : 0, &store, &w->store, err));
    if (opts->share > 0 && opts->rows_file)
        MMS_TRY(plan_sharing(w, opts, err));
    *out = w;
    w = NULL;
done:
    mms_writer_drop(&w);
    return st;
}

struct mms_placed {
    mms_writer *writer;
    const mms_block *block;
    int64_t nrange; /**< rows of the input */
    const mms_rows *ranges;
    int32_t *group;  /**< of each row of the block */
    mms_rows **rows; /**< of each group, in the output */
};

/** Shapes of a column that is copied: the input's, as rows of the output. */
static mms_status copied_shapes(const mms_placed *p, const char *column, mms_shape_run **runs,
                                int64_t *nrun, mms_error *err)
{
    int64_t row = p->block->rows.first;
    const mms_status st =
        mms_ms_shapes(p->writer->like, column, p->nrange, p->ranges, runs, nrun, err);

    for (int64_t i = 0; st == MMS_OK && i < *nrun; i++) {
        (*runs)[i].rows.first = row;
        row += (*runs)[i].rows.count;
    }
    return st;
}

static const mms_cells *output_cells(const mms_block *block, const mms_group *g, const char *name)
{
    for (int64_t i = 0; i < block->narray; i++)
        if (g->arrays[i].name && !strcmp(g->arrays[i].name, name))
            return &g->arrays[i];
    return NULL;
}

/** Shapes of a column of the block, row after row. */
static mms_status block_shapes(const mms_placed *p, const char *column, mms_shape_run **runs,
                               int64_t *nrun, mms_error *err)
{
    const mms_block *b = p->block;
    int64_t capacity = 0, stop;
    mms_status st = MMS_OK;

    for (int64_t i = 0; st == MMS_OK && i < b->rows.count; i = stop) {
        const mms_cells *c = output_cells(b, &b->groups[p->group[i]], column);
        for (stop = i + 1; stop < b->rows.count && p->group[stop] == p->group[i];)
            stop++;
        st = mms_grow(runs, &capacity, *nrun + 1, sizeof **runs, err);
        if (st != MMS_OK)
            break;
        mms_shape_run *run = &(*runs)[(*nrun)++];
        *run = (mms_shape_run){{b->rows.first + i, stop - i}, c ? c->ndim : -1, {0}};
        if (c)
            memcpy(run->shape, c->shape, sizeof run->shape);
    }
    return st;
}

/** Count the bytes of all columns that share tiles, and so shapes, with this one. */
static void count_bytes(mms_writer *w, const char *column, int64_t nrun, const mms_shape_run *runs)
{
    const void *manager = NULL;
    int64_t size = 0, values = 0;

    for (int64_t i = 0; i < w->noutput; i++)
        if (!strcmp(w->outputs[i].column->name, column))
            manager = w->outputs[i].to.manager;
    for (int64_t i = 0; i < w->noutput; i++)
        if (w->outputs[i].to.manager == manager)
            size += (int64_t)mms_dtype_size(w->outputs[i].column->dtype);
    for (int64_t i = 0; i < nrun; i++) {
        int64_t cell = runs[i].ndim < 0 ? 0 : 1;
        for (int32_t d = 0; d < runs[i].ndim; d++)
            cell *= runs[i].shape[d];
        values += cell * runs[i].rows.count;
    }
    w->bytes += values * size;
}

static mms_status shapes_of(void *user, const char *column, mms_shape_run **runs, int64_t *nrun,
                            mms_error *err)
{
    const mms_placed *p = user;
    const char *name = input_name(p->writer, column);
    mms_status st;

    *runs = NULL;
    *nrun = 0;
    st = mms_writer_copies(p->writer, name) ? copied_shapes(p, name, runs, nrun, err)
                                            : block_shapes(p, column, runs, nrun, err);
    if (st == MMS_OK)
        count_bytes(p->writer, column, *nrun, *runs);
    return st;
}

/** The group of each row. */
static mms_status group_rows(mms_placed *p, mms_error *err)
{
    const mms_block *b = p->block;

    p->group = mms_alloc(b->rows.count, sizeof *p->group);
    if (!p->group)
        return mms_fail(err, MMS_ERR_MEM, "%s: out of memory", mms_table_path(p->writer->table));
    for (int64_t g = 0; g < b->ngroup; g++)
        for (int64_t i = 0; i < b->groups[g].nrange; i++)
            for (int64_t k = 0; k < b->groups[g].rows[i].count; k++)
                p->group[b->groups[g].rows[i].first + k] = (int32_t)g;
    return MMS_OK;
}

/* ---- columns ----------------------------------------------------------------------------------*/

/** What a block has must have a place in the table. */
static mms_status check_names(const mms_placed *p, mms_error *err)
{
    const mms_block *b = p->block;

    for (int64_t g = -1; g < b->ngroup; g++) {
        const mms_cells *cells = g < 0 ? b->scalars : b->groups[g].arrays;
        for (int64_t i = 0; i < (g < 0 ? b->nscalar : b->narray); i++)
            if (cells[i].name && !mms_table_find_column(p->writer->table, cells[i].name))
                return mms_fail(err, MMS_ERR_INTERNAL, "%s: no column %s for what is written",
                                mms_table_path(p->writer->table), cells[i].name);
    }
    return MMS_OK;
}

/** Find out once how each column is written. */
static mms_status list_outputs(const mms_placed *p, mms_error *err)
{
    mms_writer *w = p->writer;
    const int64_t n = mms_table_ncolumn(w->table);
    mms_status st;

    MMS_TRY(check_names(p, err));
    w->outputs = mms_alloc(n, sizeof *w->outputs);
    if (!w->outputs)
        return mms_fail(err, MMS_ERR_MEM, "%s: out of memory", mms_table_path(w->table));
    for (; w->noutput < n; w->noutput++) {
        output *o = &w->outputs[w->noutput];
        o->column = mms_table_column(w->table, w->noutput);
        o->from = input_name(w, o->column->name);
        o->copied = mms_writer_copies(w, o->from);
        MMS_TRY(mms_store_find(w->store, o->column->name, MMS_WANT_CELLS, &o->to, err));
        if (o->copied)
            MMS_TRY(mms_ms_find_stored(w->like, o->from, &o->in, err));
    }
done:
    return st;
}

/** Write the cells of a column in all groups. */
static mms_status put_cells(const mms_placed *p, const output *o, mms_error *err)
{
    mms_status st = MMS_OK;

    for (int64_t i = 0; st == MMS_OK && i < p->block->ngroup; i++) {
        const mms_group *g = &p->block->groups[i];
        const mms_cells *c = output_cells(p->block, g, o->column->name);
        if (!c || c->ndim < 0 || (c->nvalue == 0 && o->to.kind->define))
            continue;
        const int64_t nvalue = g->nrow * c->nvalue;
        if (!o->to.kind->define) // others were counted with their shapes
            p->writer->bytes += nvalue * (int64_t)mms_dtype_size(o->column->dtype);
        st =
            o->to.kind->put(&o->to, g->nrange, p->rows[i], c->ndim, c->shape, nvalue, c->data, err);
    }
    return st;
}

static mms_status put_scalar(const mms_placed *p, const output *o, mms_error *err)
{
    for (int64_t i = 0; i < p->block->nscalar; i++) {
        const mms_cells *c = &p->block->scalars[i];
        if (!c->name || strcmp(c->name, o->column->name))
            continue;
        p->writer->bytes += p->block->rows.count * (int64_t)mms_dtype_size(c->column->dtype);
        return o->to.kind->put(&o->to, 1, &p->block->rows, 0, NULL, p->block->rows.count, c->data,
                               err);
    }
    return MMS_OK;
}

/** Write one column: from the block, or from the input. */
static mms_status put_output(const mms_placed *p, const output *o, mms_error *err)
{
    mms_writer *w = p->writer;
    const int64_t first = p->block->rows.first;

    if (o->copied && o->in.kind == o->to.kind)
        return o->to.kind->copy(&o->in, p->nrange, p->ranges, &o->to, first, err);
    if (o->copied)
        return mms_ms_copy_to_store(w->like, o->from, p->nrange, p->ranges, &o->to, first, err);
    if (o->column->dtype < MMS_DT_STRING)
        return o->column->scalar ? put_scalar(p, o, err) : put_cells(p, o, err);
    return p->ranges ? mms_ms_copy_cells(w->like, o->from, p->nrange, p->ranges, w->table,
                                         o->column->name, first, err)
                     : MMS_OK;
}

/** Write the columns that threads may put, or the others. */
static mms_status put_outputs(const mms_placed *p, bool parallel, mms_error *err)
{
    mms_status st = MMS_OK;

    for (int64_t i = 0; st == MMS_OK && i < p->writer->noutput; i++)
        if (p->writer->outputs[i].to.kind->parallel == parallel)
            st = put_output(p, &p->writer->outputs[i], err);
    return st;
}

/** Places of the groups' rows in the output. */
static mms_status place_groups(mms_placed *p, mms_error *err)
{
    const mms_block *b = p->block;

    p->rows = mms_alloc(b->ngroup, sizeof(mms_rows *));
    for (int64_t g = 0; p->rows && g < b->ngroup; g++) {
        p->rows[g] = mms_alloc(b->groups[g].nrange, sizeof(mms_rows));
        if (!p->rows[g])
            return mms_fail(err, MMS_ERR_MEM, "block: out of memory");
        for (int64_t i = 0; i < b->groups[g].nrange; i++) {
            const mms_rows r = b->groups[g].rows[i];
            assert(r.first >= 0 && r.first <= b->rows.count - r.count);
            p->rows[g][i] = (mms_rows){b->rows.first + r.first, r.count};
        }
    }
    return p->rows ? MMS_OK : mms_fail(err, MMS_ERR_MEM, "block: out of memory");
}

void mms_placed_drop(mms_placed **placed)
{
    mms_placed *p = *placed;

    *placed = NULL;
    if (!p)
        return;
    for (int64_t g = 0; p->rows && g < p->block->ngroup; g++)
        free(p->rows[g]);
    free(p->rows);
    free(p->group);
    free(p);
}

mms_status mms_writer_place(mms_writer *writer, const mms_block *block, int64_t nrange,
                            const mms_rows *ranges, mms_placed **out, mms_error *err)
{
    mms_placed *p = *out = mms_alloc(1, sizeof *p);
    mms_status st;

    if (!p)
        return mms_fail(err, MMS_ERR_MEM, "block: out of memory");
    *p = (mms_placed){.writer = writer, .block = block, .nrange = nrange, .ranges = ranges};
    MMS_TRY(group_rows(p, err));
    MMS_TRY(place_groups(p, err));
    if (writer->noutput == 0)
        MMS_TRY(list_outputs(p, err));
    MMS_TRY(mms_store_define(writer->store, shapes_of, p, err));
    MMS_TRY(put_outputs(p, false, err));
    MMS_TRY(mms_store_advance(writer->store, block->rows.first + block->rows.count, err));
    return MMS_OK;
done:
    mms_placed_drop(out);
    return st;
}

mms_status mms_writer_put(mms_placed **placed, mms_error *err)
{
    const mms_status st = *placed ? put_outputs(*placed, true, err) : MMS_OK;

    mms_placed_drop(placed);
    return st;
}

/** Compare what was written directly with what casacore reads. */
static mms_status check_written(const char *path, mms_error *err)
{
    mms_table *table = NULL;
    mms_status st;

    MMS_TRY(mms_table_open(path, MMS_TABLE_READ, &table, err));
    MMS_TRY(mms_store_check(table, err));
done:
    mms_table_drop(&table);
    return st;
}

/** What tells tables that are written the same way, whatever their rows: columns and tiles. */
static uint64_t kind_of(const mms_writer *w)
{
    uint64_t kind = mms_store_layout(w->store);

    for (int64_t i = 0; i < mms_table_ncolumn(w->table); i++) {
        const mms_column *c = mms_table_column(w->table, i);
        const int32_t facts[] = {(int32_t)c->dtype, c->scalar, c->fixed, c->ndim};
        kind = mms_hash_bytes(kind, c->name, strlen(c->name) + 1);
        kind = mms_hash_bytes(kind, facts, sizeof facts);
    }
    return kind;
}

/** Compare the first table of a kind, and those that have more rows.  Where blocks are shared rows
 *  lie in other places in each. */
static mms_status check_kind(mms_ms *like, const char *path, uint64_t kind, int64_t nrow,
                             bool shared, mms_error *err)
{
    mms_status st = MMS_OK;

    if (!shared && mms_ms_has_proof(like, kind, nrow))
        return MMS_OK;
    st = check_written(path, err);
    if (st == MMS_OK)
        mms_ms_note_proof(like, kind, nrow);
    return st;
}

int64_t mms_writer_bytes(const mms_writer *writer)
{
    return writer->bytes;
}

int64_t mms_writer_shared(const mms_writer *writer)
{
    return mms_store_shared(writer->store);
}

void mms_writer_drop(mms_writer **writer)
{
    mms_writer *w = *writer;

    *writer = NULL;
    if (!w)
        return;
    mms_store_close(&w->store);
    mms_table_drop(&w->table);
    free(w->outputs);
    free(w->rename_from);
    free(w->rename_to);
    free(w);
}

mms_status mms_writer_close(mms_writer **writer, mms_error *err)
{
    mms_writer *w = *writer;
    char *path = NULL;
    mms_status st;

    if (!w)
        return MMS_OK;
    const bool direct = w->direct, shared = mms_writer_shared(w) > 0;
    const int64_t nrow = mms_table_nrow(w->table);
    const uint64_t kind = direct ? kind_of(w) : 0;
    if (direct && !(path = strdup(mms_table_path(w->table))))
        MMS_TRY(mms_fail(err, MMS_ERR_MEM, "%s: out of memory", mms_table_path(w->table)));
    MMS_TRY(mms_store_finish(&w->store, err));
    MMS_TRY(mms_table_close(&w->table, err));
    if (direct)
        MMS_TRY(check_kind(w->like, path, kind, nrow, shared, err));
done:
    free(path);
    mms_writer_drop(writer);
    return st;
}
