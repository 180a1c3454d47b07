/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file part.c  A unit: one MS, or one member of a Multi-MS, written from rows of the input.
 *
 *  The order: vis, out (folder to make), renew (it may be there), rows_file, nrow, tables (folder
 * of finished sub-tables), subtables, links (names that stay links), skip, rename [from, to],
 * derive ("", "sigma", "weight"), reshape, maps {column: [new id by old id]}, cuts [{ddid,
 * nchan_in, ncorr_in, chans, corrs}], followers, pipeline (file of it, or ""), add (columns), tile,
 * memory (bytes), tiles (bool), share (as in mms_writer_opts), sync (bool), threads.
 *
 *  Each thread is a lane that takes blocks from the input to the output.  A block has its turn for
 *  what depends on the blocks before it: sums of time averages, its place, casacore's columns.  */
#include <stdlib.h>
#include <string.h>

#include "base/files_priv.h"
#include "base/lanes_priv.h"
#include "base/limits_priv.h"
#include "ms/block.h"
#include "ms/rowlist_priv.h"
#include "part_source_priv.h"
#include "pipeline/row_block_priv.h"
#include "pipeline/row_stage_priv.h"
#include "request_priv.h"
#include "transform/spectra_priv.h"
#include "transform/transform.h"

/** A named id map. */
typedef struct id_map {
    const char *column;
    mms_id_map map;
} id_map;

enum { BATCHES_PER_TURN = 2 };

typedef struct part {
    const mms_value *order;
    mms_job *job;
    mms_part_source *source;
    mms_ms *averaged; /**< rows that are averaged in time already, or NULL */
    mms_ms *ms;       /**< of the source, or the averaged one */
    int nlane;
    mms_reader **readers; /**< one a lane */
    mms_writer *writer;
    const char **columns, **skip, **reshape, **add, **copy, **followers;
    int64_t nmap, ncut;
    id_map *maps;
    mms_cut *cuts;                /**< by DDID */
    const mms_pipeline *pipeline; /**< of the source; NULL: values stay */
    mms_row_stage *stage;         /**< NULL: rows stay */
    mms_row_stage_opts stage_opts;
    int64_t nrow; /**< of the output */
} part;

static const char *text(const mms_value *order, const char *key)
{
    const char *value = json_string_value(json_object_get(order, key));
    return value ? value : "";
}

/** A JSON array of texts as a list ended by NULL. */
static const char **text_list(const mms_value *array)
{
    const size_t n = json_array_size(array);
    const char **list = mms_alloc((int64_t)n + 1, sizeof *list);

    for (size_t i = 0; list && i < n; i++)
        list[i] = json_string_value(json_array_get(array, i));
    return list;
}

static int32_t *int_list(const mms_value *array, int64_t *n)
{
    int32_t *list = mms_alloc((int64_t)json_array_size(array), sizeof *list);

    *n = (int64_t)json_array_size(array);
    for (int64_t i = 0; list && i < *n; i++)
        list[i] = (int32_t)json_integer_value(json_array_get(array, (size_t)i));
    return list;
}

/** Whether rows are averaged in time alone, to be combined by another pass. */
static bool only_averages(const part *p)
{
    return !p->averaged && mms_pipeline_row_steps(p->pipeline) > 1;
}

/** The blocks of all lanes, their transformed copies and the tiles beside them stay well below the
 *  memory. */
static int64_t block_bytes(const part *p)
{
    const int64_t most = json_integer_value(json_object_get(p->order, "memory")) / 8 / p->nlane;
    const mms_reader_opts usual = MMS_READER_OPTS_INIT;

    return most < usual.block_bytes ? most : usual.block_bytes;
}

static mms_status out_of_memory(const part *p, mms_error *err)
{
    return mms_fail(err, MMS_ERR_MEM, "%s: out of memory", text(p->order, "out"));
}

bool mms_part_copies(const mms_value *order, const mms_pipeline *pipeline, const mms_column *c)
{
    static const char *const derived[] = {"WEIGHT", "SIGMA", "WEIGHT_SPECTRUM", "SIGMA_SPECTRUM",
                                          NULL};

    return !c->scalar && c->dtype < MMS_DT_STRING &&
           !json_array_size(json_object_get(order, "cuts")) &&
           !(pipeline && mms_pipeline_needs(pipeline, c->name)) &&
           !(*text(order, "derive") && mms_names_have(derived, c->name));
}

/** The columns of the output, and those of them whose cells stay as they are. */
static mms_status list_columns(part *p, mms_error *err)
{
    const int64_t most = mms_ms_ncolumn(p->ms);
    int64_t n = 0, ncopy = 0;

    p->skip = text_list(json_object_get(p->order, "skip"));
    p->reshape = text_list(json_object_get(p->order, "reshape"));
    p->add = text_list(json_object_get(p->order, "add"));
    p->columns = mms_alloc(most + 1, sizeof *p->columns);
    p->copy = mms_alloc(most + 1, sizeof *p->copy);
    if (!p->skip || !p->reshape || !p->add || !p->columns || !p->copy)
        return out_of_memory(p, err);
    for (int64_t i = 0; i < most; i++) {
        const mms_column *c = mms_ms_column(p->ms, i);
        const bool written = !mms_names_have(p->skip, c->name);
        const bool made = p->averaged && mms_is_spectrum(c->name);
        if (!written && !made && !(p->pipeline && mms_pipeline_reads(p->pipeline, c->name)))
            continue;
        p->columns[n++] = c->name;
        if (written && mms_part_copies(p->order, p->pipeline, c))
            p->copy[ncopy++] = c->name;
    }
    return MMS_OK;
}

/** Leave to the writer what it copies by itself. */
static void drop_copied_columns(part *p)
{
    int64_t n = 0;

    for (const char **c = p->columns; *c; c++)
        if (!mms_writer_copies(p->writer, *c))
            p->columns[n++] = *c;
    p->columns[n] = NULL;
}

static mms_status read_maps(part *p, mms_error *err)
{
    const mms_value *maps = json_object_get(p->order, "maps");
    const char *column;
    mms_value *list;

    p->maps = mms_alloc((int64_t)json_object_size(maps), sizeof *p->maps);
    if (!p->maps)
        return out_of_memory(p, err);
    json_object_foreach((mms_value *)maps, column, list)
    {
        id_map *m = &p->maps[p->nmap++];
        m->column = column;
        m->map.to = int_list(list, &m->map.n);
        if (!m->map.to)
            return out_of_memory(p, err);
    }
    return MMS_OK;
}

static mms_status read_cuts(part *p, mms_error *err)
{
    const mms_value *cuts = json_object_get(p->order, "cuts");
    size_t i;
    mms_value *entry;

    json_array_foreach(cuts, i, entry)
    {
        const int64_t ddid = json_integer_value(json_object_get(entry, "ddid"));
        p->ncut = ddid + 1 > p->ncut ? ddid + 1 : p->ncut;
    }
    p->cuts = mms_alloc(p->ncut, sizeof *p->cuts);
    p->followers = text_list(json_object_get(p->order, "followers"));
    if (!p->cuts || !p->followers)
        return out_of_memory(p, err);
    json_array_foreach(cuts, i, entry)
    {
        mms_cut *cut = &p->cuts[json_integer_value(json_object_get(entry, "ddid"))];
        cut->followers = p->followers;
        cut->nchan_in = (int32_t)json_integer_value(json_object_get(entry, "nchan_in"));
        cut->ncorr_in = (int32_t)json_integer_value(json_object_get(entry, "ncorr_in"));
        cut->chans = int_list(json_object_get(entry, "chans"), &cut->nchan);
        cut->corrs = int_list(json_object_get(entry, "corrs"), &cut->ncorr);
        if (!cut->chans || !cut->corrs)
            return out_of_memory(p, err);
    }
    return MMS_OK;
}

/** The step that makes rows of several: how many there will be is known from here on. */
static mms_status open_stage(part *p, mms_error *err)
{
    const mms_form *in;
    mms_status st;

    if (!mms_pipeline_row_steps(p->pipeline))
        return MMS_OK;
    const mms_step *step = mms_pipeline_row_step(p->pipeline, p->averaged ? 1 : 0, &in);
    p->stage_opts =
        (mms_row_stage_opts){.ms = p->ms,
                             .rows_file = text(p->order, "rows_file"),
                             .columns = p->columns,
                             .followers = p->followers,
                             .cuts = p->cuts,
                             .ncut = p->ncut,
                             .in = in,
                             .memory = json_integer_value(json_object_get(p->order, "memory")),
                             .block_bytes = block_bytes(p),
                             .nlane = p->nlane};
    st = step->kind->open_rows(step, &p->stage_opts, &p->stage, err);
    if (st == MMS_OK)
        p->nrow = mms_row_stage_nrow(p->stage);
    return st;
}

/** Rows whose cells are copied from file to file take no room in a block; but a block is a step of
 *  the progress, and what a lane takes at a time. */
static int64_t most_rows(const part *p)
{
    const int64_t copied_bytes = 64 << 20, least = 256;
    const int64_t bytes = json_integer_value(json_object_get(p->order, "bytes"));
    const int64_t rows =
        bytes > 0 ? (int64_t)((double)copied_bytes * (double)p->nrow / (double)bytes) : 0;

    return rows > 0 && rows < least ? least : rows;
}

/** A reader for each lane. */
static mms_status open_readers(part *p, mms_error *err)
{
    mms_reader_opts read = MMS_READER_OPTS_INIT;
    mms_status st;

    p->readers = mms_alloc(p->nlane, sizeof(mms_reader *));
    if (!p->readers)
        return out_of_memory(p, err);
    read.rows_file = text(p->order, "rows_file");
    read.columns = p->columns;
    read.block_bytes = block_bytes(p);
    read.by_ddid = p->ncut > 0 || p->pipeline;
    read.most_rows = p->stage ? mms_row_stage_block_rows(p->stage) : most_rows(p);
    MMS_TRY(mms_reader_open(p->ms, &read, &p->readers[0], err));
    for (int i = 1; i < p->nlane; i++)
        MMS_TRY(mms_reader_join(p->readers[0], &p->readers[i], err));
done:
    return st;
}

static mms_status open_part(part *p, mms_error *err)
{
    const int64_t threads = json_integer_value(json_object_get(p->order, "threads"));
    mms_writer_opts write = MMS_WRITER_OPTS_INIT;
    const mms_value *rename = json_object_get(p->order, "rename");
    const bool tiles = json_is_true(json_object_get(p->order, "tiles"));
    mms_status st;

    MMS_TRY(mms_part_source_get(p->job, p->order, &p->source, err));
    if (*text(p->order, "averaged"))
        MMS_TRY(mms_ms_open(text(p->order, "averaged"), &p->averaged, err));
    p->ms = p->averaged ? p->averaged : p->source->ms;
    p->pipeline = p->source->pipeline;
    mms_ms_use_tiles(p->ms, tiles);
    p->nlane = threads > 1 ? (int)threads : 1;
    mms_log(MMS_LOG_DEBUG, "part", "%s: %d threads", text(p->order, "out"), p->nlane);
    MMS_TRY(read_maps(p, err));
    MMS_TRY(read_cuts(p, err));
    p->nrow = json_integer_value(json_object_get(p->order, "nrow"));
    MMS_TRY(list_columns(p, err));
    MMS_TRY(open_stage(p, err));
    if (!only_averages(p))
        p->nrow *= mms_pipeline_rows_per_row(p->pipeline);
    write.nrow = p->nrow;
    write.skip = p->skip;
    write.reshape = p->reshape;
    write.add = p->add;
    write.copy = p->copy;
    write.tiles = tiles;
    write.share = json_integer_value(json_object_get(p->order, "share"));
    if (!p->stage && mms_pipeline_rows_per_row(p->pipeline) == 1)
        write.rows_file = text(p->order, "rows_file");
    write.sync = json_is_true(json_object_get(p->order, "sync"));
    for (size_t i = 0; i < 3; i++)
        write.tile[i] = json_integer_value(json_array_get(json_object_get(p->order, "tile"), i));
    write.rename_from = json_string_value(json_array_get(rename, 0));
    write.rename_to = json_string_value(json_array_get(rename, 1));
    MMS_TRY(mms_writer_create(text(p->order, "out"), p->ms, &write, &p->writer, err));
    drop_copied_columns(p);
    MMS_TRY(open_readers(p, err));
done:
    return st;
}

static void close_readers(part *p)
{
    for (int i = 0; p->readers && i < p->nlane; i++)
        mms_reader_close(&p->readers[i]);
    free(p->readers);
    p->readers = NULL;
}

static void close_part(part *p)
{
    mms_writer_drop(&p->writer);
    close_readers(p);
    mms_ms_close(&p->averaged);
    free(p->columns);
    free(p->copy);
    free(p->skip);
    free(p->reshape);
    free(p->add);
    free(p->followers);
    mms_row_stage_close(&p->stage);
    for (int64_t i = 0; p->maps && i < p->nmap; i++)
        free((void *)p->maps[i].map.to);
    free(p->maps);
    for (int64_t i = 0; p->cuts && i < p->ncut; i++) {
        free((void *)p->cuts[i].chans);
        free((void *)p->cuts[i].corrs);
    }
    free(p->cuts);
}

static mms_status add_subtables(part *p, mms_error *err)
{
    const char **links = text_list(json_object_get(p->order, "links"));
    const mms_status st = links
                              ? mms_subtable_set_write(p->source->subtables, links, p->writer, err)
                              : out_of_memory(p, err);

    free(links);
    return st;
}

/** How one of WEIGHT and SIGMA, with its spectrum, follows from the other. */
typedef struct derivation {
    const char *from, *from_spectrum, *to, *to_spectrum;
    bool repeats; /**< a spectrum that is not there is the row's value in each channel */
    void (*formula)(int64_t n, const float *in, float *out);
} derivation;

static const derivation to_sigma = {"WEIGHT", "WEIGHT_SPECTRUM",  "SIGMA", "SIGMA_SPECTRUM",
                                    true,     mms_weight_to_sigma};
static const derivation to_weight = {"SIGMA", "SIGMA_SPECTRUM",   "WEIGHT", "WEIGHT_SPECTRUM",
                                     false,   mms_sigma_to_weight};

/** Values that a renamed data column brings with it (design D19). */
static void derive(const derivation *d, const mms_block *block, const mms_group *group)
{
    const mms_cells *from = mms_group_defined(block, group, d->from),
                    *to = mms_group_defined(block, group, d->to);
    const mms_cells *in = mms_group_defined(block, group, d->from_spectrum);
    const mms_cells *out = mms_group_defined(block, group, d->to_spectrum);

    if (from && to && from->nvalue == to->nvalue)
        d->formula(group->nrow * from->nvalue, from->data, to->data);
    if (out && in && in->nvalue == out->nvalue)
        d->formula(group->nrow * in->nvalue, in->data, out->data);
    else if (d->repeats && out && from && out->ndim == 2 && out->shape[1] == from->nvalue)
        for (int64_t r = 0; r < group->nrow; r++) {
            float *const spectrum = (float *)out->data + r * out->nvalue;
            d->formula(from->nvalue, (const float *)from->data + r * from->nvalue, spectrum);
            mms_repeat_channels(out->shape[0], from->nvalue, spectrum, spectrum);
        }
}

static void derive_weights(const part *p, const mms_block *block, const mms_group *group)
{
    const char *what = text(p->order, "derive");

    if (!strcmp(what, "sigma"))
        derive(&to_sigma, block, group);
    else if (!strcmp(what, "weight"))
        derive(&to_weight, block, group);
}

/** Leave out the channels and correlations that are not selected. */
static mms_status select_cells(const part *p, mms_reader *reader, mms_block *block, mms_error *err)
{
    mms_status st = MMS_OK;

    for (int64_t g = 0; st == MMS_OK && g < block->ngroup; g++) {
        mms_group *group = &block->groups[g];
        for (int64_t c = 0; st == MMS_OK && p->ncut && c < block->narray; c++)
            st = mms_cut_cells(&group->arrays[c], group->nrow, &p->cuts[group->ddid],
                               mms_reader_arena(reader), err);
        derive_weights(p, block, group);
    }
    return st;
}

/** The cells get their values, names and ids of the output. */
static mms_status finish_cells(const part *p, mms_reader *reader, mms_block **at, mms_error *err)
{
    mms_block *block = *at;
    const mms_value *rename = json_object_get(p->order, "rename");
    const char *from = json_string_value(json_array_get(rename, 0));
    mms_status st =
        p->pipeline && !only_averages(p)
            ? mms_pipeline_apply(p->pipeline, p->followers, mms_reader_arena(reader), block, err)
            : MMS_OK;

    for (int64_t g = 0; st == MMS_OK && from && g < block->ngroup; g++) {
        mms_cells *renamed = mms_cells_find(block->groups[g].arrays, block->narray, from);
        if (renamed)
            renamed->name = json_string_value(json_array_get(rename, 1));
    }
    for (int64_t i = 0; st == MMS_OK && i < p->nmap; i++) {
        mms_cells *ids = mms_cells_find(block->scalars, block->nscalar, p->maps[i].column);
        if (ids)
            st = mms_renumber(ids, block->rows.count, p->maps[i].map, err);
    }
    if (st == MMS_OK && p->pipeline && !only_averages(p))
        st = mms_pipeline_separate(p->pipeline, mms_reader_arena(reader), at, err);
    return st;
}

static mms_status place_block(const part *p, mms_reader *reader, mms_block *block,
                              mms_placed **placed, mms_error *err)
{
    int64_t nrange = 0;
    // rows that are made have no texts or records of their own
    const bool made = p->stage || mms_pipeline_rows_per_row(p->pipeline) > 1;
    const mms_rows *ranges = made ? NULL : mms_reader_ranges(reader, &nrange);

    return mms_writer_place(p->writer, block, nrange, ranges, placed, err);
}

/** What one block does in its turn. */
static mms_status take_turn(const part *p, mms_lanes *lanes, mms_reader *reader, mms_block *block,
                            mms_placed **placed, mms_error *err)
{
    const double nrow = json_number_value(json_object_get(p->order, "nrow"));
    const double bytes = json_number_value(json_object_get(p->order, "bytes"));
    const double done = (double)block->rows.first / nrow; // the rows before it

    mms_job_progress(p->job, (int64_t)(done * bytes), (int64_t)bytes);
    return p->stage ? mms_row_stage_add(p->stage, lanes, reader, block, err)
                    : place_block(p, reader, block, placed, err);
}

/** Rows that are ready, taken by a lane in its turn. */
typedef struct batches {
    int n;
    mms_row_batch *batch[BATCHES_PER_TURN];
} batches;

/** Give back those that are not made. */
static void drop_batches(const part *p, batches *b)
{
    for (int i = 0; i < b->n; i++)
        mms_row_stage_give_back(p->stage, &b->batch[i]);
}

static mms_status take_batches(const part *p, batches *b, mms_error *err)
{
    mms_status st = MMS_OK;

    b->n = 0;
    while (st == MMS_OK && b->n < BATCHES_PER_TURN && p->stage && mms_row_stage_ready(p->stage))
        st = mms_row_stage_take(p->stage, &b->batch[b->n++], err);
    return st;
}

/** Make the rows of batches that came of a piece and write them, in the order of all batches. */
static mms_status write_batches(const part *p, mms_lanes *lanes, mms_reader *reader, int64_t piece,
                                batches *b, mms_error *err)
{
    mms_placed *placed = NULL;
    mms_block *block;
    mms_status st = MMS_OK;

    for (int i = 0; i < b->n; i++) {
        const int64_t number = b->batch[i]->number;
        mms_reader_release(reader);
        MMS_TRY(mms_row_stage_make(p->stage, &b->batch[i], mms_reader_arena(reader), &block, err));
        MMS_TRY(finish_cells(p, reader, &block, err));
        if (!mms_lanes_begin_result(lanes, piece, number))
            break;
        MMS_TRY(place_block(p, reader, block, &placed, err));
        mms_lanes_end_result(lanes);
        MMS_TRY(mms_writer_put(&placed, err));
    }
done:
    drop_batches(p, b);
    mms_placed_drop(&placed);
    return st;
}

/** Take batches that are made after the turn; where the stage holds too many, some within it. */
static mms_status relieve_stage(const part *p, mms_lanes *lanes, mms_reader *reader, batches *b,
                                mms_error *err)
{
    mms_status st;

    MMS_TRY(take_batches(p, b, err));
    while (p->stage && mms_row_stage_crowded(p->stage) && b->n > 0) {
        MMS_TRY(write_batches(p, lanes, reader, mms_reader_number(reader), b, err));
        MMS_TRY(take_batches(p, b, err));
    }
done:
    return st;
}

/** Take blocks from the input to the output while there are any. */
static mms_status run_lane(void *ctx, mms_lanes *lanes, int number, int64_t *piece, mms_error *err)
{
    const part *p = ctx;
    mms_reader *reader = p->readers[number];
    mms_placed *placed = NULL;
    batches ready = {0};
    mms_block *block;
    mms_status st;

    for (;;) {
        MMS_TRY(mms_reader_next(reader, &block, err));
        if (!block)
            break;
        MMS_TRY(select_cells(p, reader, block, err));
        if (!p->stage)
            MMS_TRY(finish_cells(p, reader, &block, err));
        if (!mms_lanes_begin_turn(lanes, mms_reader_number(reader)))
            break;
        MMS_TRY(take_turn(p, lanes, reader, block, &placed, err));
        MMS_TRY(relieve_stage(p, lanes, reader, &ready, err));
        mms_lanes_end_turn(lanes);
        MMS_TRY(mms_writer_put(&placed, err));
        MMS_TRY(write_batches(p, lanes, reader, mms_reader_number(reader), &ready, err));
    }
done:
    *piece = mms_reader_number(reader);
    drop_batches(p, &ready);
    mms_placed_drop(&placed);
    return st;
}

/** Write the rows that are ready after the last block. */
static mms_status write_rest(const part *p, mms_error *err)
{
    mms_reader *reader = p->readers[0];
    batches ready = {0};
    mms_status st;

    MMS_TRY(mms_row_stage_add(p->stage, NULL, reader, NULL, err));
    do {
        MMS_TRY(take_batches(p, &ready, err));
        MMS_TRY(write_batches(p, NULL, reader, 0, &ready, err));
    } while (ready.n > 0);
done:
    drop_batches(p, &ready);
    return st;
}

static mms_status copy_rows(part *p, mms_error *err)
{
    const mms_status st = mms_lanes_run(p->nlane, run_lane, p, err);

    return st == MMS_OK && p->stage ? write_rest(p, err) : st;
}

static mms_status write_once(mms_job *job, const mms_value *order, mms_value *answer,
                             mms_error *err)
{
    part p = {.order = order, .job = job};
    mms_status st;

    mms_memory_allow(MMS_ROOM_BUDGET, json_integer_value(json_object_get(order, "memory")));
    MMS_TRY(open_part(&p, err));
    MMS_TRY(add_subtables(&p, err));
    MMS_TRY(copy_rows(&p, err));
    json_object_set_new(answer, "bytes", json_integer(mms_writer_bytes(p.writer)));
    json_object_set_new(answer, "shared", json_integer(mms_writer_shared(p.writer)));
    MMS_TRY(mms_writer_close(&p.writer, err));
    close_readers(&p);
    MMS_TRY(mms_ms_drop_caches(p.ms, err));
    json_object_set_new(answer, "rows", json_integer(p.nrow));
    mms_pipeline_report(p.pipeline, answer);
done:
    close_part(&p);
    return st;
}

/** The first of two passes: averaged rows with both spectra, in an MS of the staging folder. */
static mms_value *averaging_order(const mms_value *order, const char *path)
{
    mms_value *first = json_copy((mms_value *)order), *skip = json_array(), *name;
    size_t i;

    json_array_foreach(json_object_get(order, "skip"), i,
                       name) if (!mms_is_spectrum(json_string_value(name)))
        json_array_append(skip, name);
    json_object_set_new(first, "skip", skip);
    json_object_set_new(first, "add", json_pack("[ss]", "WEIGHT_SPECTRUM", "SIGMA_SPECTRUM"));
    json_object_set_new(first, "out", mms_text_value(path));
    json_object_set_new(first, "maps", json_object());
    json_object_set_new(first, "links", json_array());
    json_object_del(first, "rename");
    return first;
}

/** The second: its rows are all of that MS. */
static mms_value *combining_order(const mms_value *order, const char *path, const char *rows,
                                  const mms_value *nrow)
{
    mms_value *second = json_copy((mms_value *)order);

    json_object_set_new(second, "averaged", mms_text_value(path));
    json_object_set_new(second, "rows_file", mms_text_value(rows));
    json_object_set(second, "nrow", (mms_value *)nrow);
    json_object_set_new(second, "cuts", json_array());
    return second;
}

static mms_status list_all_rows(const char *path, int64_t nrow, mms_error *err)
{
    mms_rowlist *list;
    mms_status st;

    MMS_TRY(mms_rowlist_create(path, &list, err));
    MMS_TRY(mms_rowlist_add(list, (mms_rows){0, nrow}, err));
done:
    if (st != MMS_OK)
        (void)!mms_rowlist_close(&list, NULL);
    return st == MMS_OK ? mms_rowlist_close(&list, err) : st;
}

/** Averages in time move the times by which rows of several windows are found: where both are asked
 *  for, averaged rows are written first. */
static mms_status write_twice(mms_job *job, const mms_value *order, mms_value *answer,
                              mms_error *err)
{
    char *path = mms_format("%s.averaged", text(order, "rows_file"));
    char *rows = mms_format("%s.averaged.rows", text(order, "rows_file"));
    mms_value *first = path ? averaging_order(order, path) : NULL, *second = NULL;
    mms_status st;

    MMS_TRY(first && rows ? MMS_OK : mms_fail(err, MMS_ERR_MEM, "combinespws: out of memory"));
    MMS_TRY(write_once(job, first, answer, err));
    const mms_value *nrow = json_object_get(answer, "rows");
    MMS_TRY(list_all_rows(rows, json_integer_value(nrow), err));
    second = combining_order(order, path, rows, nrow);
    MMS_TRY(write_once(job, second, answer, err));
    MMS_TRY(mms_remove_tree(path, err));
done:
    mms_value_free(&first);
    mms_value_free(&second);
    free(path);
    free(rows);
    return st;
}

mms_status mms_part_write(mms_job *job, const mms_value *order, mms_value *answer, mms_error *err)
{
    mms_part_source *source;
    mms_status st;

    if (json_is_true(json_object_get(order, "renew"))) // what a run that was killed has left
        MMS_TRY(mms_remove_tree(text(order, "out"), err));
    MMS_TRY(mms_part_source_get(job, order, &source, err));
    st = mms_pipeline_row_steps(source->pipeline) > 1 ? write_twice(job, order, answer, err)
                                                      : write_once(job, order, answer, err);
done:
    return st;
}
