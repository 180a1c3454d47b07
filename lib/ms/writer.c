/** @file writer.c  Blocks into a new main table: tiles directly, the rest through casacore. */
#include <stdlib.h>
#include <string.h>

#include "base/base_priv.h"
#include "direct_priv.h"
#include "ms_priv.h"
#include "multims/block.h"

struct mms_writer {
    mms_ms *like;
    mms_table *table;
    mms_direct *tiles; /**< NULL: casacore writes all columns */
    char *rename_from, *rename_to;
    const char *const *copy;
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
    mms_writer *w = calloc(1, sizeof *w);
    mms_status st;

    *out = NULL;
    if (!w)
        return mms_fail(err, MMS_ERR_MEM, "%s: out of memory", path);
    w->like = like;
    w->copy = opts->copy;
    if (opts->rename_from) {
        w->rename_from = strdup(opts->rename_from);
        w->rename_to = strdup(opts->rename_to);
        if (!w->rename_from || !w->rename_to)
            MMS_TRY(mms_fail(err, MMS_ERR_MEM, "%s: out of memory", path));
    }
    MMS_TRY(mms_table_create_like(path, mms_ms_first_table(like), &how, &w->table, err));
    MMS_TRY(mark_as_plain(w->table, err));
    if (opts->tiles)
        MMS_TRY(mms_direct_create(w->table, opts->sync, &w->tiles, err));
    *out = w;
    w = NULL;
done:
    (void)!mms_writer_close(&w, NULL);
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
    mms_direct_column found;

    for (const char *const *c = w->copy; w->tiles && c && *c; c++)
        if (!strcmp(*c, column))
            return mms_direct_find(w->tiles, name, &found, NULL) == MMS_OK && found.tiles;
    return false;
}

static mms_status put_column(mms_writer *w, const mms_cells *c, int64_t nrange,
                             const mms_rows *rows, int64_t nrow, mms_error *err)
{
    mms_direct_column found;
    const mms_status st = mms_direct_find(w->tiles, c->name, &found, err);

    if (st != MMS_OK)
        return st;
    return found.tiles ? mms_direct_write(mms_ms_threads(w->like), found, nrange, rows,
                                          nrow * c->nvalue, c->column->dtype, c->data, err)
                       : mms_table_put(w->table, c->name, nrange, rows, c->ndim, c->shape,
                                       nrow * c->nvalue, c->data, err);
}

static mms_status put_group(mms_writer *w, const mms_block *block, const mms_group *g,
                            mms_error *err)
{
    mms_rows *rows = mms_alloc(g->nrange, sizeof *rows);
    mms_status st = MMS_OK;

    if (!rows)
        return mms_fail(err, MMS_ERR_MEM, "%s: out of memory", mms_table_path(w->table));
    for (int64_t i = 0; i < g->nrange; i++)
        rows[i] = (mms_rows){block->rows.first + g->rows[i].first, g->rows[i].count};
    for (int64_t i = 0; st == MMS_OK && i < block->narray; i++) {
        const mms_cells *c = &g->arrays[i];
        if (c->name && c->ndim >= 0)
            st = put_column(w, c, g->nrange, rows, g->nrow, err);
    }
    free(rows);
    return st;
}

/** What the shapes of a block's rows are asked of. */
typedef struct putting {
    mms_writer *writer;
    const mms_block *block;
    int64_t nrange; /**< rows of the input */
    const mms_rows *ranges;
    int32_t *group; /**< of each row of the block */
} putting;

/** Shapes of a column that is copied: the input's, as rows of the output. */
static mms_status copied_shapes(const putting *p, const char *column, mms_shape_run **runs,
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
static mms_status block_shapes(const putting *p, const char *column, mms_shape_run **runs,
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

static mms_status shapes_of(void *user, const char *column, mms_shape_run **runs, int64_t *nrun,
                            mms_error *err)
{
    const putting *p = user;
    const char *name = input_name(p->writer, column);

    *runs = NULL;
    *nrun = 0;
    return mms_writer_copies(p->writer, name) ? copied_shapes(p, name, runs, nrun, err)
                                              : block_shapes(p, column, runs, nrun, err);
}

/** Give the block's rows their places in the tiles. */
static mms_status define_rows(putting *p, mms_error *err)
{
    const mms_block *b = p->block;
    mms_status st;

    p->group = mms_alloc(b->rows.count, sizeof *p->group);
    if (!p->group)
        return mms_fail(err, MMS_ERR_MEM, "%s: out of memory", mms_table_path(p->writer->table));
    for (int64_t g = 0; g < b->ngroup; g++)
        for (int64_t i = 0; i < b->groups[g].nrange; i++)
            for (int64_t k = 0; k < b->groups[g].rows[i].count; k++)
                p->group[b->groups[g].rows[i].first + k] = (int32_t)g;
    st = mms_direct_define(p->writer->tiles, shapes_of, p, err);
    free(p->group);
    return st;
}

/** Copy the columns that are in no block: texts, records, and tiles that stay as they are. */
static mms_status copy_columns(const putting *p, mms_error *err)
{
    mms_writer *w = p->writer;
    const int64_t first = p->block->rows.first;
    mms_status st = MMS_OK;

    for (int64_t i = 0; st == MMS_OK && i < mms_table_ncolumn(w->table); i++) {
        const mms_column *c = mms_table_column(w->table, i);
        const char *from = input_name(w, c->name);
        mms_direct_column found;
        if (c->dtype >= MMS_DT_STRING)
            st = mms_ms_copy_cells(w->like, from, p->nrange, p->ranges, w->table, c->name, first,
                                   err);
        else if (mms_writer_copies(w, from) &&
                 (st = mms_direct_find(w->tiles, c->name, &found, err)) == MMS_OK)
            st = mms_ms_copy_to_tiles(w->like, from, p->nrange, p->ranges, found, first, err);
    }
    return st;
}

mms_status mms_writer_put(mms_writer *writer, const mms_block *block, int64_t nrange,
                          const mms_rows *ranges, mms_error *err)
{
    putting p = {writer, block, nrange, ranges, NULL};
    mms_status st = MMS_OK;

    if (writer->tiles)
        st = define_rows(&p, err);
    for (int64_t i = 0; st == MMS_OK && i < block->nscalar; i++) {
        const mms_cells *c = &block->scalars[i];
        if (c->name)
            st = mms_table_put(writer->table, c->name, 1, &block->rows, 0, NULL, block->rows.count,
                               c->data, err);
    }
    for (int64_t i = 0; st == MMS_OK && i < block->ngroup; i++)
        st = put_group(writer, block, &block->groups[i], err);
    return st == MMS_OK && ranges ? copy_columns(&p, err) : st;
}

mms_status mms_writer_close(mms_writer **writer, mms_error *err)
{
    mms_writer *w = *writer;
    mms_status st;

    *writer = NULL;
    if (!w)
        return MMS_OK;
    char *path = w->tiles ? strdup(mms_table_path(w->table)) : NULL;
    st = mms_direct_finish(&w->tiles, err);
    if (st == MMS_OK)
        st = mms_table_close(&w->table, err);
    if (st == MMS_OK && path)
        st = mms_direct_check(path, err);
    mms_table_drop(&w->table);
    free(path);
    free(w->rename_from);
    free(w->rename_to);
    free(w);
    return st;
}
