/** @file writer.c  Blocks into a new main table, through casacore's columns. */
#include <stdlib.h>
#include <string.h>

#include "base/base_priv.h"
#include "ms_priv.h"
#include "multims/block.h"

struct mms_writer {
    mms_ms *like;
    mms_table *table;
    char *rename_from, *rename_to;
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
                                .tile = {opts->tile[0], opts->tile[1], opts->tile[2]}};
    mms_writer *w = calloc(1, sizeof *w);
    mms_status st;

    *out = NULL;
    if (!w)
        return mms_fail(err, MMS_ERR_MEM, "%s: out of memory", path);
    w->like = like;
    if (opts->rename_from) {
        w->rename_from = strdup(opts->rename_from);
        w->rename_to = strdup(opts->rename_to);
        if (!w->rename_from || !w->rename_to)
            MMS_TRY(mms_fail(err, MMS_ERR_MEM, "%s: out of memory", path));
    }
    MMS_TRY(mms_table_create_like(path, mms_ms_first_table(like), &how, &w->table, err));
    MMS_TRY(mark_as_plain(w->table, err));
    *out = w;
    w = NULL;
done:
    (void)!mms_writer_close(&w, NULL);
    return st;
}

mms_status mms_writer_link_subtable(mms_writer *writer, const char *name, const char *path,
                                    mms_error *err)
{
    return mms_table_link_subtable(writer->table, name, path, err);
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
            st = mms_table_put(w->table, c->name, g->nrange, rows, c->ndim, c->shape,
                               g->nrow * c->nvalue, c->data, err);
    }
    free(rows);
    return st;
}

mms_status mms_writer_put(mms_writer *writer, const mms_block *block, mms_error *err)
{
    mms_status st = MMS_OK;

    for (int64_t i = 0; st == MMS_OK && i < block->nscalar; i++) {
        const mms_cells *c = &block->scalars[i];
        if (c->name)
            st = mms_table_put(writer->table, c->name, 1, &block->rows, 0, NULL, block->rows.count,
                               c->data, err);
    }
    for (int64_t i = 0; st == MMS_OK && i < block->ngroup; i++)
        st = put_group(writer, block, &block->groups[i], err);
    return st;
}

mms_status mms_writer_copy_others(mms_writer *writer, int64_t nrange, const mms_rows *ranges,
                                  int64_t first, mms_error *err)
{
    mms_status st = MMS_OK;

    for (int64_t i = 0; st == MMS_OK && i < mms_table_ncolumn(writer->table); i++) {
        const mms_column *c = mms_table_column(writer->table, i);
        const char *from = writer->rename_to && !strcmp(c->name, writer->rename_to)
                               ? writer->rename_from
                               : c->name;
        if (c->dtype >= MMS_DT_STRING)
            st = mms_ms_copy_cells(writer->like, from, nrange, ranges, writer->table, c->name,
                                   first, err);
    }
    return st;
}

mms_status mms_writer_close(mms_writer **writer, mms_error *err)
{
    mms_writer *w = *writer;
    mms_status st;

    *writer = NULL;
    if (!w)
        return MMS_OK;
    st = mms_table_close(&w->table, err);
    free(w->rename_from);
    free(w->rename_to);
    free(w);
    return st;
}
