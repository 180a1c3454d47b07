/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file reader.c  Blocks of an MS: casacore's columns behind the block interface. */
#include <assert.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena_priv.h"
#include "base/base_priv.h"
#include "block.h"
#include "columns.h"
#include "members_priv.h"
#include "ms_priv.h"
#include "rowlist_priv.h"
#include "tables/tables_priv.h"

enum { MOST_ROWS = 65536, FIRST_ROWS = 256, MOST_SCALAR = 8 };

/** The sequence that several readers take blocks of. */
typedef struct sequence {
    pthread_mutex_t lock;
    int nreader;
    mms_ms *ms;
    mms_rowlist *rows;
    int64_t nscalar, narray;
    const mms_column **scalars, **arrays;
    bool by_ddid;
    int64_t most_rows, block_bytes,
        row_bytes;        /**< row_bytes: seen in the last block, to choose the rows of the next */
    int64_t done, nblock; /**< rows and blocks that were taken */
    mms_rows *back; /**< rows that were taken and are too many for one block: back[nback_used…] */
    int64_t nback, nback_used;
} sequence;

struct mms_reader {
    sequence *from;
    int64_t number;   /**< of the current block */
    mms_rows *ranges; /**< of the current block, in the input */
    int64_t nrange, range_capacity;
    mms_shape_run **runs; /**< shapes of the block's cells by array column */
    int64_t *nrun;
    mms_arena arena;
    mms_block block;
};

mms_cells *mms_cells_find(mms_cells *cells, int64_t n, const char *name)
{
    for (int64_t i = 0; i < n; i++)
        if (!strcmp(cells[i].column->name, name))
            return &cells[i];
    return NULL;
}

static mms_status out_of_memory(const mms_reader *r, mms_error *err)
{
    return mms_fail(err, MMS_ERR_MEM, "%s: out of memory", mms_ms_path(r->from->ms));
}

/** Sort the columns into scalars and arrays; those that are no numbers are not read in blocks. */
static mms_status choose_columns(sequence *s, const char *const *columns, mms_error *err)
{
    const int64_t most = mms_ms_ncolumn(s->ms);

    s->scalars = mms_alloc(most, sizeof *s->scalars);
    s->arrays = mms_alloc(most, sizeof *s->arrays);
    if (!s->scalars || !s->arrays)
        return mms_fail(err, MMS_ERR_MEM, "%s: out of memory", mms_ms_path(s->ms));
    for (; *columns; columns++) {
        const mms_column *c = mms_ms_find_column(s->ms, *columns);
        if (!c)
            return mms_fail(err, MMS_ERR_NOT_FOUND, "%s: no column %s", mms_ms_path(s->ms),
                            *columns);
        if (c->dtype >= MMS_DT_STRING)
            continue;
        if (c->scalar)
            s->scalars[s->nscalar++] = c;
        else
            s->arrays[s->narray++] = c;
    }
    return MMS_OK;
}

/** Make a reader that takes blocks of a sequence; the sequence is freed with its last reader. */
static mms_status make_reader(sequence *s, mms_reader **out, mms_error *err)
{
    mms_reader *r = calloc(1, sizeof *r);

    *out = r;
    if (!r)
        return mms_fail(err, MMS_ERR_MEM, "%s: out of memory", mms_ms_path(s->ms));
    r->from = s;
    s->nreader++;
    r->runs = mms_alloc(s->narray, sizeof(void *));
    r->nrun = mms_alloc(s->narray, sizeof *r->nrun);
    if (r->runs && r->nrun)
        return MMS_OK;
    mms_reader_close(out);
    return mms_fail(err, MMS_ERR_MEM, "%s: out of memory", mms_ms_path(s->ms));
}

static void free_sequence(sequence *s)
{
    (void)!mms_rowlist_close(&s->rows, NULL);
    pthread_mutex_destroy(&s->lock);
    free(s->scalars);
    free(s->arrays);
    free(s->back);
    free(s);
}

mms_status mms_reader_open(mms_ms *ms, const mms_reader_opts *opts, mms_reader **out,
                           mms_error *err)
{
    sequence *s = calloc(1, sizeof *s);
    mms_status st;

    *out = NULL;
    if (!s)
        return mms_fail(err, MMS_ERR_MEM, "%s: out of memory", mms_ms_path(ms));
    pthread_mutex_init(&s->lock, NULL);
    s->ms = ms;
    s->by_ddid = opts->by_ddid;
    s->block_bytes = opts->block_bytes;
    s->most_rows = opts->most_rows > 0 && opts->most_rows < MOST_ROWS ? opts->most_rows : MOST_ROWS;
    MMS_TRY(mms_rowlist_open(opts->rows_file, mms_ms_nrow(ms), &s->rows, err));
    MMS_TRY(choose_columns(s, opts->columns, err));
    return make_reader(s, out, err);
done:
    free_sequence(s);
    return st;
}

mms_status mms_reader_join(mms_reader *reader, mms_reader **out, mms_error *err)
{
    return make_reader(reader->from, out, err);
}

static void free_runs(mms_reader *r)
{
    for (int64_t c = 0; r->runs && c < r->from->narray; c++) {
        free(r->runs[c]);
        r->runs[c] = NULL;
        if (r->nrun)
            r->nrun[c] = 0;
    }
}

void mms_reader_close(mms_reader **reader)
{
    mms_reader *r = *reader;

    *reader = NULL;
    if (!r)
        return;
    mms_arena_end(&r->arena);
    free_runs(r);
    free(r->runs);
    free(r->nrun);
    free(r->ranges);
    if (--r->from->nreader == 0)
        free_sequence(r->from);
    free(r);
}

mms_arena *mms_reader_arena(mms_reader *reader)
{
    return &reader->arena;
}

void mms_reader_release(mms_reader *reader)
{
    mms_arena_reset(&reader->arena);
}

const mms_rows *mms_reader_ranges(const mms_reader *reader, int64_t *nrange)
{
    *nrange = reader->nrange;
    return reader->ranges;
}

int64_t mms_reader_number(const mms_reader *reader)
{
    return reader->number;
}

/** Take the next run: first of the rows that were given back. */
static mms_status take_run(sequence *s, int64_t most, mms_rows *run, mms_error *err)
{
    if (s->nback_used == s->nback)
        return mms_rowlist_take(s->rows, most, run, err);
    mms_rows *left = &s->back[s->nback_used];
    *run = (mms_rows){left->first, left->count < most ? left->count : most};
    left->first += run->count;
    left->count -= run->count;
    s->nback_used += left->count == 0;
    return MMS_OK;
}

/** Take as many rows as the last block's rows would fill a block with. */
static mms_status take_rows(mms_reader *r, mms_error *err)
{
    sequence *s = r->from;
    int64_t want = s->row_bytes ? s->block_bytes / s->row_bytes : FIRST_ROWS;
    mms_status st;

    want = want < 1 ? 1 : want > s->most_rows ? s->most_rows : want;
    r->nrange = 0;
    r->block.rows = (mms_rows){s->done, 0};
    while (r->block.rows.count < want) {
        mms_rows run;
        MMS_TRY(take_run(s, want - r->block.rows.count, &run, err));
        if (run.count == 0)
            break;
        MMS_TRY(mms_grow(&r->ranges, &r->range_capacity, r->nrange + 1, sizeof run, err));
        r->ranges[r->nrange++] = run;
        r->block.rows.count += run.count;
    }
    return MMS_OK;
done:
    return st;
}

static int64_t cell_bytes(const mms_column *c, const mms_shape_run *run)
{
    return mms_cell_values(c, run->ndim, run->shape) * (int64_t)mms_dtype_size(c->dtype);
}

/** Find the shapes of the taken rows, and how many of them one block holds: at least one. */
static mms_status find_shapes(mms_reader *r, int64_t *nfit, mms_error *err)
{
    sequence *s = r->from;
    int64_t *bytes = mms_alloc(r->block.rows.count, sizeof *bytes), total = 0;
    mms_status st = bytes ? MMS_OK : out_of_memory(r, err);

    for (int64_t c = 0; st == MMS_OK && c < s->narray; c++) {
        int64_t row = 0;
        st = mms_ms_shapes(s->ms, s->arrays[c]->name, r->nrange, r->ranges, &r->runs[c],
                           &r->nrun[c], err);
        for (int64_t i = 0; st == MMS_OK && i < r->nrun[c]; i++) {
            const int64_t cell = cell_bytes(s->arrays[c], &r->runs[c][i]);
            for (int64_t k = 0; k < r->runs[c][i].rows.count; k++)
                bytes[row++] += cell;
        }
    }
    *nfit = 0;
    while (st == MMS_OK && *nfit < r->block.rows.count &&
           (*nfit == 0 || total + bytes[*nfit] <= s->block_bytes))
        total += bytes[(*nfit)++];
    s->row_bytes = *nfit ? total / *nfit + s->nscalar * MOST_SCALAR + 1 : 0;
    free(bytes);
    return st;
}

/** Keep the first n rows of a list of runs; returns the runs that are left. */
static int64_t keep_runs(int64_t n, int64_t nrun, mms_shape_run *runs)
{
    int64_t i = 0;

    for (; i < nrun && n > 0; i++) {
        if (runs[i].rows.count > n)
            runs[i].rows.count = n;
        n -= runs[i].rows.count;
    }
    return i;
}

/** Give back the rows after the first n. */
static mms_status give_back(mms_reader *r, int64_t n, mms_error *err)
{
    sequence *s = r->from;
    int64_t kept = 0, nback = 0;
    mms_rows *back = NULL;
    int64_t capacity = 0;
    mms_status st = MMS_OK;

    for (int64_t i = 0, left = n; st == MMS_OK && i < r->nrange; i++) {
        mms_rows *run = &r->ranges[i];
        const int64_t here = run->count < left ? run->count : left;
        left -= here;
        if (here < run->count &&
            (st = mms_grow(&back, &capacity, nback + 1, sizeof *back, err)) == MMS_OK)
            back[nback++] = (mms_rows){run->first + here, run->count - here};
        run->count = here;
        kept += here > 0;
    }
    for (int64_t i = s->nback_used; st == MMS_OK && i < s->nback; i++) {
        st = mms_grow(&back, &capacity, nback + 1, sizeof *back, err);
        if (st == MMS_OK)
            back[nback++] = s->back[i];
    }
    free(s->back);
    s->back = back;
    s->nback = nback;
    s->nback_used = 0;
    r->nrange = kept;
    r->block.rows.count = n;
    for (int64_t c = 0; c < s->narray; c++)
        r->nrun[c] = keep_runs(n, r->nrun[c], r->runs[c]);
    return st;
}

static mms_status read_cells(mms_reader *r, int64_t nrange, const mms_rows *ranges, int64_t nrow,
                             mms_cells *cells, mms_error *err)
{
    if (cells->ndim < 0)
        return MMS_OK;
    cells->nvalue = mms_cell_values(cells->column, cells->ndim, cells->shape);
    const size_t size = mms_dtype_size(cells->column->dtype);
    cells->data = mms_arena_get(&r->arena, nrow * cells->nvalue, size);
    if (!cells->data)
        return out_of_memory(r, err);
    return mms_ms_read(r->from->ms, cells->column->name, nrange, ranges, nrow * cells->nvalue,
                       cells->data, err);
}

static mms_status read_scalars(mms_reader *r, mms_error *err)
{
    const sequence *s = r->from;
    mms_status st;

    r->block.nscalar = s->nscalar;
    r->block.scalars = mms_arena_zeros(&r->arena, s->nscalar, sizeof *r->block.scalars);
    if (!r->block.scalars)
        return out_of_memory(r, err);
    for (int64_t i = 0; i < s->nscalar; i++) {
        mms_cells *cells = &r->block.scalars[i];
        cells->column = s->scalars[i];
        cells->name = cells->column->name;
        st = read_cells(r, r->nrange, r->ranges, r->block.rows.count, cells, err);
        if (st != MMS_OK)
            return st;
    }
    return MMS_OK;
}

/** The classes of rows with equal shapes: while they are found. */
typedef struct classes {
    int32_t *of_row; /**< class of each row of the block */
    int64_t n, capacity;
    struct split {
        int32_t parent, key; /**< class before this column, and which shape */
    } * splits;
} classes;

/** Give the rows [at, at + count) new classes: those of (old class, key). */
static mms_status refine(classes *k, int64_t base, int64_t at, int64_t count, int32_t key,
                         mms_error *err)
{
    int32_t last_old = -1, last_new = -1;

    for (int64_t i = at; i < at + count; i++) {
        const int32_t old = k->of_row[i];
        if (old != last_old) {
            int64_t j = base;
            while (j < k->n && (k->splits[j].parent != old || k->splits[j].key != key))
                j++;
            if (j == k->n) {
                const mms_status st =
                    mms_grow(&k->splits, &k->capacity, k->n + 1, sizeof *k->splits, err);
                if (st != MMS_OK)
                    return st;
                k->splits[k->n++] = (struct split){old, key};
            }
            last_old = old;
            last_new = (int32_t)j;
        }
        k->of_row[i] = last_new;
    }
    return MMS_OK;
}

static bool equal_shape(const mms_shape_run *a, const mms_shape_run *b)
{
    return a->ndim == b->ndim &&
           (a->ndim <= 0 || !memcmp(a->shape, b->shape, (size_t)a->ndim * sizeof a->shape[0]));
}

/** Replace runs by distinct shapes; key[i] says which one run i has. */
static int64_t distinct_shapes(mms_shape_run *runs, int64_t nrun, int32_t *key)
{
    int64_t n = 0;

    for (int64_t i = 0; i < nrun; i++) {
        const mms_shape_run run = runs[i];
        int64_t j = 0;
        while (j < n && !equal_shape(&runs[j], &run))
            j++;
        if (j == n)
            runs[n++] = run;
        key[i] = (int32_t)j;
    }
    return n;
}

/** Split the classes by the cell shapes of array column c. */
static mms_status split_by_shape(mms_reader *r, classes *k, int64_t c, mms_error *err)
{
    const int64_t base = k->n, nrun = r->nrun[c];
    int64_t at = 0;
    mms_status st = MMS_OK;
    int64_t *counts = mms_alloc(nrun, sizeof *counts);
    int32_t *keys = mms_alloc(nrun, sizeof *keys);

    if (st == MMS_OK && (!counts || !keys))
        st = out_of_memory(r, err);
    for (int64_t i = 0; st == MMS_OK && i < nrun; i++)
        counts[i] = r->runs[c][i].rows.count;
    if (st == MMS_OK)
        (void)distinct_shapes(r->runs[c], nrun, keys);
    for (int64_t i = 0; st == MMS_OK && i < nrun; i++) {
        assert(at + counts[i] <= r->block.rows.count);
        st = refine(k, base, at, counts[i], keys[i], err);
        at += counts[i];
    }
    free(counts);
    free(keys);
    return st;
}

/** Split the classes by DDID; key is the DDID itself. */
static mms_status split_by_ddid(mms_reader *r, classes *k, mms_error *err)
{
    const mms_cells *cells =
        mms_cells_find(r->block.scalars, r->block.nscalar, MMS_COL_DATA_DESC_ID);
    const int64_t base = k->n, n = r->block.rows.count;
    mms_status st = MMS_OK;

    if (!cells)
        return mms_fail(err, MMS_ERR_INTERNAL, "groups by DDID need the column DATA_DESC_ID");
    const int32_t *ddid = cells->data;
    for (int64_t i = 0, stop; st == MMS_OK && i < n; i = stop) {
        for (stop = i + 1; stop < n && ddid[stop] == ddid[i];)
            stop++;
        st = refine(k, base, i, stop - i, ddid[i], err);
    }
    return st;
}

/** The shape of array column c in a class: the key chosen when c was split. */
static void class_shapes(const mms_reader *r, const classes *k, int64_t class, mms_group *g)
{
    for (int64_t c = r->from->narray - 1; c >= 0; c--) {
        const struct split *s = &k->splits[class];
        const mms_shape_run *shape = &r->runs[c][s->key];
        g->arrays[c].column = r->from->arrays[c];
        g->arrays[c].name = r->from->arrays[c]->name;
        g->arrays[c].ndim = shape->ndim;
        memcpy(g->arrays[c].shape, shape->shape, sizeof shape->shape);
        class = s->parent;
    }
    g->ddid = r->from->by_ddid ? k->splits[class].key : -1;
}

/** The places of a class in the block, and the same rows in the input. */
static mms_status class_rows(mms_reader *r, const classes *k, int64_t class, mms_group *g,
                             mms_rows **in, int64_t *nin, mms_error *err)
{
    const int64_t n = r->block.rows.count;
    int64_t capacity = 0, in_capacity = 0, range = 0, before = 0; // before: rows of earlier ranges
    mms_rows *rows = NULL;
    mms_status st = MMS_OK;

    for (int64_t i = 0; st == MMS_OK && i < n; i++) {
        if (k->of_row[i] != class)
            continue;
        while (i >= before + r->ranges[range].count)
            before += r->ranges[range++].count;
        assert(range < r->nrange);
        const int64_t row = r->ranges[range].first + i - before;
        if (g->nrange && rows[g->nrange - 1].first + rows[g->nrange - 1].count == i)
            rows[g->nrange - 1].count++;
        else if ((st = mms_grow(&rows, &capacity, g->nrange + 1, sizeof *rows, err)) == MMS_OK)
            rows[g->nrange++] = (mms_rows){i, 1};
        if (st == MMS_OK && *nin && (*in)[*nin - 1].first + (*in)[*nin - 1].count == row)
            (*in)[*nin - 1].count++;
        else if (st == MMS_OK &&
                 (st = mms_grow(in, &in_capacity, *nin + 1, sizeof **in, err)) == MMS_OK)
            (*in)[(*nin)++] = (mms_rows){row, 1};
        g->nrow++;
    }
    if (st == MMS_OK) {
        g->rows = mms_arena_get(&r->arena, g->nrange, sizeof *g->rows);
        if (!g->rows)
            st = out_of_memory(r, err);
        else if (g->nrange)
            memcpy(g->rows, rows, (size_t)g->nrange * sizeof *rows);
    }
    free(rows);
    return st;
}

static mms_status read_group(mms_reader *r, const classes *k, int64_t class, mms_group *g,
                             mms_error *err)
{
    mms_rows *in = NULL;
    int64_t nin = 0;
    mms_status st = class_rows(r, k, class, g, &in, &nin, err);

    if (st == MMS_OK && !(g->arrays = mms_arena_zeros(&r->arena, r->from->narray + MMS_SPARE_ARRAYS,
                                                      sizeof *g->arrays)))
        st = out_of_memory(r, err);
    if (st == MMS_OK)
        class_shapes(r, k, class, g);
    for (int64_t c = 0; st == MMS_OK && c < r->from->narray; c++)
        st = read_cells(r, nin, in, g->nrow, &g->arrays[c], err);
    free(in);
    return st;
}

/** The last column's classes that have rows become groups, in the order of their first row. */
static mms_status read_groups(mms_reader *r, const classes *k, int64_t base, mms_error *err)
{
    r->block.narray = r->from->narray;
    r->block.ngroup = k->n - base;
    r->block.groups = mms_arena_zeros(&r->arena, r->block.ngroup, sizeof *r->block.groups);
    if (!r->block.groups)
        return out_of_memory(r, err);
    for (int64_t i = 0; i < r->block.ngroup; i++) {
        const mms_status st = read_group(r, k, base + i, &r->block.groups[i], err);
        if (st != MMS_OK)
            return st;
    }
    return MMS_OK;
}

static mms_status read_arrays(mms_reader *r, mms_error *err)
{
    classes k = {0};
    mms_status st = MMS_OK;
    int64_t base = 0;

    k.of_row = mms_alloc(r->block.rows.count, sizeof *k.of_row);
    if (!k.of_row)
        MMS_TRY(out_of_memory(r, err));
    MMS_TRY(refine(&k, 0, 0, r->block.rows.count, 0, err)); // one class to start with
    if (r->from->by_ddid) {
        base = k.n;
        MMS_TRY(split_by_ddid(r, &k, err));
    }
    for (int64_t c = 0; c < r->from->narray; c++) {
        base = k.n;
        MMS_TRY(split_by_shape(r, &k, c, err));
    }
    MMS_TRY(read_groups(r, &k, base, err));
done:
    free(k.splits);
    free(k.of_row);
    return st;
}

/** Take the rows of the next block from the sequence. */
static mms_status take_block(mms_reader *r, mms_error *err)
{
    sequence *s = r->from;
    int64_t nfit;
    mms_status st;

    pthread_mutex_lock(&s->lock);
    MMS_TRY(take_rows(r, err));
    if (r->block.rows.count == 0)
        goto done;
    free_runs(r);
    nfit = mms_ms_together(s->ms, r->nrange, r->ranges);
    if (nfit < r->block.rows.count)
        MMS_TRY(give_back(r, nfit, err));
    MMS_TRY(find_shapes(r, &nfit, err));
    if (nfit < r->block.rows.count)
        MMS_TRY(give_back(r, nfit, err));
    s->done += r->block.rows.count;
    r->number = s->nblock++;
done:
    pthread_mutex_unlock(&s->lock);
    return st;
}

static mms_status next_block(mms_reader *r, mms_block **block, mms_error *err)
{
    mms_status st;

    mms_arena_reset(&r->arena);
    r->block = (mms_block){0};
    MMS_TRY(take_block(r, err));
    if (r->block.rows.count == 0)
        return MMS_OK;
    MMS_TRY(read_scalars(r, err));
    MMS_TRY(read_arrays(r, err));
    *block = &r->block;
done:
    return st;
}

mms_status mms_reader_next(mms_reader *r, mms_block **block, mms_error *err)
{
    const mms_members *members = mms_ms_members_of(r->from->ms);
    mms_status st;

    *block = NULL;
    mms_members_keep(members);
    st = next_block(r, block, err);
    mms_members_leave(members);
    return st;
}
