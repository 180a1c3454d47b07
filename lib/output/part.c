/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file part.c  A unit: one MS, or one member of a Multi-MS, written from rows of the input.
 *
 *  Each thread is a lane that takes blocks from the input to the output.  A block has its turn for
 *  what depends on the blocks before it: sums of time averages, its place, casacore's columns.  */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/files_priv.h"
#include "base/lanes_priv.h"
#include "base/limits_priv.h"
#include "ms/block.h"
#include "ms/columns.h"
#include "ms/rowlist_priv.h"
#include "order_priv.h"
#include "part_source_priv.h"
#include "pipeline/row_block_priv.h"
#include "pipeline/row_stage_priv.h"
#include "request_priv.h"
#include "transform/spectra_priv.h"
#include "transform/transform.h"

enum { BATCHES_PER_TURN = 2 };

typedef struct part {
    const mms_part_order *order;
    mms_job *job;
    mms_part_source *source;
    mms_ms *averaged; /**< rows that are averaged in time already, or NULL */
    mms_ms *ms;       /**< of the source, or the averaged one */
    int nlane;
    mms_reader **readers; /**< one a lane */
    mms_writer *writer;
    const mms_row_sink *sink;     /**< instead of the writer, or NULL */
    const char **columns, **copy; /**< that are read; that the writer copies by itself */
    const mms_pipeline *pipeline; /**< of the source; NULL: values stay */
    mms_row_stage *stage;         /**< NULL: rows stay */
    mms_row_stage_opts stage_opts;
    int64_t nrow; /**< of the output */
} part;

/** Whether rows are averaged in time alone, to be combined by another pass. */
static bool only_averages(const part *p)
{
    return !p->averaged && mms_pipeline_row_steps(p->pipeline) > 1;
}

/** The blocks of all lanes, their transformed copies and the tiles beside them stay well below the
 *  memory. */
static int64_t block_bytes(const part *p)
{
    const int64_t most = p->order->memory / 8 / p->nlane;
    const mms_reader_opts usual = MMS_READER_OPTS_INIT;

    return most < usual.block_bytes ? most : usual.block_bytes;
}

static mms_status out_of_memory(const part *p, mms_error *err)
{
    return mms_fail(err, MMS_ERR_MEM, "%s: out of memory", p->order->out);
}

bool mms_part_copies(const mms_pipeline *pipeline, const mms_column *c)
{
    return !c->scalar && c->dtype < MMS_DT_STRING &&
           !(pipeline && mms_pipeline_needs(pipeline, c->name));
}

/** Whether scalars are averaged by this column. */
static bool weighs_keys(const part *p, const char *column)
{
    return p->order->keys && mms_pipeline_row_steps(p->pipeline) > 0 &&
           (!strcmp(column, MMS_COL_FLAG) || !strcmp(column, MMS_COL_WEIGHT) ||
            !strcmp(column, MMS_COL_SIGMA));
}

static bool is_read(const part *p, const char *column, bool written)
{
    if (p->sink && !mms_names_have(p->sink->columns, column))
        return false;
    if (p->order->keys)
        return written || weighs_keys(p, column);
    return written || (p->averaged && mms_is_spectrum(column)) ||
           (p->pipeline && mms_pipeline_reads(p->pipeline, column));
}

/** The columns of the output, and those of them whose cells stay as they are. */
static mms_status list_columns(part *p, mms_error *err)
{
    const int64_t most = mms_ms_ncolumn(p->ms);
    int64_t n = 0, ncopy = 0;

    p->columns = mms_alloc(most + 1, sizeof *p->columns);
    p->copy = mms_alloc(most + 1, sizeof *p->copy);
    if (!p->columns || !p->copy)
        return out_of_memory(p, err);
    for (int64_t i = 0; i < most; i++) {
        const mms_column *c = mms_ms_column(p->ms, i);
        const bool written = !mms_names_have(p->order->skip, c->name);
        if (!is_read(p, c->name, written))
            continue;
        p->columns[n++] = c->name;
        if (written && !p->sink && mms_part_copies(p->pipeline, c))
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
                             .rows_file = p->order->rows_file,
                             .columns = p->columns,
                             .cut = p->averaged ? NULL : mms_pipeline_find(p->pipeline, "cut"),
                             .in = in,
                             .memory = p->order->memory,
                             .block_bytes = block_bytes(p),
                             .nlane = p->nlane,
                             .scalars_alone = p->order->keys};
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
    const int64_t bytes = p->order->bytes;
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
    read.rows_file = p->order->rows_file;
    read.columns = p->columns;
    read.block_bytes = block_bytes(p);
    read.by_ddid = p->pipeline && mms_pipeline_by_ddid(p->pipeline);
    read.most_rows = p->stage ? mms_row_stage_block_rows(p->stage) : most_rows(p);
    MMS_TRY(mms_reader_open(p->ms, &read, &p->readers[0], err));
    for (int i = 1; i < p->nlane; i++)
        MMS_TRY(mms_reader_join(p->readers[0], &p->readers[i], err));
done:
    return st;
}

static mms_writer_opts writer_opts(const part *p)
{
    const mms_part_order *const o = p->order;
    mms_writer_opts write = MMS_WRITER_OPTS_INIT;

    write.nrow = p->nrow;
    write.skip = o->skip;
    write.reshape = o->reshape;
    write.add = o->add;
    write.copy = p->copy;
    write.tiles = o->tiles;
    write.share = o->share;
    if (!p->stage && mms_pipeline_rows_per_row(p->pipeline) == 1)
        write.rows_file = o->rows_file;
    write.sync = o->sync;
    for (size_t i = 0; i < 3; i++)
        write.tile[i] = o->tile[i];
    write.rename_from = o->rename_from;
    write.rename_to = o->rename_to;
    return write;
}

static mms_status open_part(part *p, mms_error *err)
{
    const mms_part_order *const o = p->order;
    mms_status st;

    MMS_TRY(mms_part_source_get(p->job, o, &p->source, err));
    if (*o->averaged)
        MMS_TRY(mms_ms_open(o->averaged, &p->averaged, err));
    p->ms = p->averaged ? p->averaged : p->source->ms;
    p->pipeline = p->source->pipeline;
    mms_ms_use_tiles(p->ms, o->tiles);
    p->nlane = o->threads > 1 ? (int)o->threads : 1;
    mms_log(MMS_LOG_DEBUG, "part", "%s: %d threads", o->out, p->nlane);
    p->nrow = o->nrow;
    MMS_TRY(list_columns(p, err));
    MMS_TRY(open_stage(p, err));
    if (!only_averages(p))
        p->nrow *= mms_pipeline_rows_per_row(p->pipeline);
    if (!p->sink) {
        const mms_writer_opts write = writer_opts(p);
        MMS_TRY(mms_writer_create(o->out, p->ms, &write, &p->writer, err));
        drop_copied_columns(p);
    }
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
    mms_row_stage_close(&p->stage);
}

/** The cells get their values, names and ids of the output. */
static mms_status finish_cells(const part *p, mms_reader *reader, mms_block **at, mms_error *err)
{
    const mms_part_order *const o = p->order;
    mms_block *block = *at;
    mms_status st = p->pipeline && !only_averages(p) && !o->keys
                        ? mms_pipeline_apply(p->pipeline, mms_reader_arena(reader), block, err)
                        : MMS_OK;

    for (int64_t g = 0; st == MMS_OK && o->rename_from && g < block->ngroup; g++) {
        mms_cells *renamed = mms_cells_find(block->groups[g].arrays, block->narray, o->rename_from);
        if (renamed)
            renamed->name = o->rename_to;
    }
    for (int64_t i = 0; st == MMS_OK && i < o->nmap; i++) {
        mms_cells *ids = mms_cells_find(block->scalars, block->nscalar, o->maps[i].column);
        if (ids)
            st = mms_renumber(ids, block->rows.count, o->maps[i].map, err);
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

    if (p->sink)
        return MMS_OK;
    return mms_writer_place(p->writer, block, nrange, ranges, placed, err);
}

/** Write a block that has its place. */
static mms_status put_block(const part *p, mms_reader *reader, const mms_block *block,
                            mms_placed **placed, mms_error *err)
{
    return p->sink ? p->sink->put(p->sink->ctx, block, mms_reader_arena(reader), err)
                   : mms_writer_put(placed, err);
}

/** What one block does in its turn. */
static mms_status take_turn(const part *p, mms_lanes *lanes, mms_reader *reader, mms_block *block,
                            mms_placed **placed, mms_error *err)
{
    const double nrow = (double)p->order->nrow;
    const double bytes = (double)p->order->bytes;
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

    for (int i = 0; i < b->n; i++)
        assert(!b->batch[i]); // was made, or given back
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
        MMS_TRY(put_block(p, reader, block, &placed, err));
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
        if (p->pipeline && !p->averaged)
            MMS_TRY(mms_pipeline_enter(p->pipeline, mms_reader_arena(reader), block, err));
        if (!p->stage)
            MMS_TRY(finish_cells(p, reader, &block, err));
        if (!mms_lanes_begin_turn(lanes, mms_reader_number(reader)))
            break;
        MMS_TRY(take_turn(p, lanes, reader, block, &placed, err));
        MMS_TRY(relieve_stage(p, lanes, reader, &ready, err));
        mms_lanes_end_turn(lanes);
        if (!p->stage)
            MMS_TRY(put_block(p, reader, block, &placed, err));
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

    assert(p->stage);
    MMS_TRY(mms_row_stage_add(p->stage, NULL, reader, NULL, err));
    do {
        MMS_TRY(take_batches(p, &ready, err));
        MMS_TRY(write_batches(p, NULL, reader, 0, &ready, err));
    } while (ready.n > 0);
done:
    drop_batches(p, &ready);
    return st;
}

/** Show all rows to a step that must see them before it changes the first. */
static mms_status gather_rows(const part *p, mms_error *err)
{
    mms_pipeline *const pipeline = p->source->pipeline;
    mms_reader_opts read = MMS_READER_OPTS_INIT;
    mms_reader *reader = NULL;
    mms_block *block;
    mms_status st;

    read.rows_file = p->order->rows_file;
    read.columns = p->columns;
    read.block_bytes = block_bytes(p);
    read.by_ddid = true;
    MMS_TRY(mms_pipeline_gather_begin(pipeline, p->order->rows_file, p->order->memory / 4, err));
    MMS_TRY(mms_reader_open(p->ms, &read, &reader, err));
    for (;;) {
        MMS_TRY(mms_reader_next(reader, &block, err));
        if (!block)
            break;
        MMS_TRY(mms_pipeline_enter(pipeline, mms_reader_arena(reader), block, err));
        MMS_TRY(mms_pipeline_gather(pipeline, mms_reader_arena(reader), block, err));
    }
    MMS_TRY(mms_pipeline_gather_end(pipeline, err));
done:
    mms_reader_close(&reader);
    return st;
}

static mms_status copy_rows(part *p, mms_error *err)
{
    const mms_status st = mms_lanes_run(p->nlane, run_lane, p, err);

    return st == MMS_OK && p->stage ? write_rest(p, err) : st;
}

/** Write the rows of an order, or give them to a sink; *nrow is how many there are in the end. */
static mms_status write_once(mms_job *job, const mms_part_order *order, const mms_row_sink *sink,
                             mms_value *answer, int64_t *nrow, mms_error *err)
{
    part p = {.order = order, .job = job, .sink = sink};
    mms_part_answer said = {0};
    mms_status st;

    mms_memory_allow(MMS_ROOM_BUDGET, order->memory);
    MMS_TRY(open_part(&p, err));
    if (!sink)
        MMS_TRY(mms_subtable_set_write(p.source->subtables, order->links, p.writer, err));
    if (mms_pipeline_gathers(p.pipeline))
        MMS_TRY(gather_rows(&p, err));
    MMS_TRY(copy_rows(&p, err));
    if (!sink) {
        said.bytes = mms_writer_bytes(p.writer);
        said.shared = mms_writer_shared(p.writer);
        MMS_TRY(mms_writer_close(&p.writer, err));
    }
    close_readers(&p);
    MMS_TRY(mms_ms_drop_caches(p.ms, err));
    said.rows = *nrow = p.nrow;
    mms_part_answer_encode(&said, answer);
    mms_pipeline_report(p.pipeline, answer);
done:
    close_part(&p);
    return st;
}

/** The columns that are left out, but for both spectra: a new list. */
static const char **skipped_but_spectra(const char *const *skip)
{
    int64_t n = 0, kept = 0;

    while (skip[n])
        n++;
    const char **list = mms_alloc(n + 1, sizeof *list);
    for (int64_t i = 0; list && i < n; i++)
        if (!mms_is_spectrum(skip[i]))
            list[kept++] = skip[i];
    return list;
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
static mms_status write_twice(mms_job *job, const mms_part_order *order, mms_value *answer,
                              mms_error *err)
{
    static const char *both[] = {MMS_COL_WEIGHT_SPECTRUM, MMS_COL_SIGMA_SPECTRUM, NULL},
                      *none[] = {NULL};
    char *path = mms_format("%s.averaged-%d", order->rows_file, (int)order->attempt);
    char *rows = mms_format("%s.averaged-%d.rows", order->rows_file, (int)order->attempt);
    const char **skip = skipped_but_spectra(order->skip);
    mms_part_order first = *order, second = *order;
    int64_t nrow;
    mms_status st;

    MMS_TRY(path && rows && skip ? MMS_OK
                                 : mms_fail(err, MMS_ERR_MEM, "combinespws: out of memory"));
    first.skip = skip;
    first.add = both;
    first.out = path;
    first.nmap = 0;
    first.links = none;
    first.rename_from = first.rename_to = NULL;
    MMS_TRY(write_once(job, &first, NULL, answer, &nrow, err));
    MMS_TRY(list_all_rows(rows, nrow, err));
    second.averaged = path; // of which all rows are taken
    second.rows_file = rows;
    second.nrow = nrow;
    MMS_TRY(write_once(job, &second, NULL, answer, &nrow, err));
    MMS_TRY(mms_remove_tree(path, err));
done:
    free(skip);
    free(path);
    free(rows);
    return st;
}

/** A step that makes rows of several may replace the list of its rows, which others need once more,
 *  and a second attempt too. */
static mms_status with_own_list(mms_job *job, const mms_part_order *order, const mms_row_sink *sink,
                                bool twice, mms_value *answer, mms_error *err)
{
    mms_part_order own = *order;
    char *const path = mms_format("%s.in-hand-%d", order->rows_file, (int)order->attempt);
    int64_t nrow;
    mms_status st;

    assert(!twice || !sink); // only a set is written twice
    MMS_TRY(path ? mms_remove_tree(path, err) : mms_fail(err, MMS_ERR_MEM, "rows: out of memory"));
    if (link(order->rows_file, path))
        MMS_TRY(mms_copy_file(order->rows_file, path, err));
    own.rows_file = path;
    MMS_TRY(twice ? write_twice(job, &own, answer, err)
                  : write_once(job, &own, sink, answer, &nrow, err));
    MMS_TRY(mms_remove_tree(path, err));
done:
    free(path);
    return st;
}

mms_status mms_part_write(mms_job *job, const mms_value *value, mms_value *answer, mms_error *err)
{
    mms_part_source *source;
    mms_part_order order;
    int64_t nrow;
    mms_status st = mms_part_order_decode(value, &order, err);

    if (st != MMS_OK)
        return st;
    if (order.renew)
        MMS_TRY(mms_remove_tree(order.out, err));
    MMS_TRY(mms_part_source_get(job, &order, &source, err));
    const int steps = mms_pipeline_row_steps(source->pipeline);
    st = steps > 0 || order.keys
             ? with_own_list(job, &order, NULL, steps > 1 && !order.keys, answer, err)
             : write_once(job, &order, NULL, answer, &nrow, err);
done:
    mms_part_order_free(&order);
    return st;
}

mms_status mms_part_send(mms_job *job, const mms_value *value, const mms_row_sink *sink,
                         mms_value *answer, mms_error *err)
{
    mms_part_order order;
    mms_status st = mms_part_order_decode(value, &order, err);

    if (st != MMS_OK)
        return st;
    st = with_own_list(job, &order, sink, false, answer, err);
    mms_part_order_free(&order);
    return st;
}
