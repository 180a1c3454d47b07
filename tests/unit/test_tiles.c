/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file test_tiles.c  lib/tiles alone: what random layouts hold is what was written. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/base_priv.h"
#include "base/files_priv.h"
#include "base/lanes_priv.h"
#include "base/stream_priv.h"
#include "scratch.h"
#include "tiles/cube_priv.h"

enum { MOST_COLUMNS = 3, MOST_SHAPES = 3, LAYOUTS = 60 };

/** A manager, and which cells it holds. */
typedef struct layout {
    mms_tiles_what what;
    mms_tiles_column columns[MOST_COLUMNS];
    char table[16];
    int64_t nshape, shapes[MOST_SHAPES][MMS_MAX_DIM], *shape_of_row; /**< -1: undefined */
    uint8_t *changed; /**< [row][MOST_COLUMNS]: has other cells; NULL: none has */
} layout;

static int64_t product(int32_t n, const int64_t *shape)
{
    int64_t all = 1;
    for (int32_t i = 0; i < n; i++)
        all *= shape[i];
    return all;
}

static int64_t cell_size(const layout *l, int64_t shape)
{
    return product(l->what.ndim, l->shapes[shape]);
}

static void choose_columns(layout *l)
{
    static const char *const names[] = {"DATA", "FLAG", "MODEL_DATA"};
    static const mms_dtype dtypes[] = {MMS_DT_BOOL,  MMS_DT_BOOL,     MMS_DT_COMPLEX,
                                       MMS_DT_FLOAT, MMS_DT_DOUBLE,   MMS_DT_SHORT,
                                       MMS_DT_UCHAR, MMS_DT_DCOMPLEX, MMS_DT_INT};

    l->what.ncolumn = some(0, 1) ? 1 : some(2, MOST_COLUMNS);
    for (int64_t i = 0; i < l->what.ncolumn; i++)
        l->columns[i] = (mms_tiles_column){.name = names[i], .dtype = dtypes[some(0, 8)]};
    l->what.columns = l->columns;
}

/** Sizes of cells: small ones, and those whose flags do not fill bytes. */
static void choose_shapes(layout *l)
{
    static const int64_t sizes[] = {1, 2, 3, 4, 5, 8, 63, 126};

    l->what.ndim = (int32_t)some(1, 3);
    l->nshape = strcmp(l->what.type, "TiledShapeStMan") ? 1 : some(1, MOST_SHAPES);
    for (int64_t s = 0; s < l->nshape; s++)
        for (int32_t i = 0; i < l->what.ndim; i++)
            l->shapes[s][i] = i == 0 ? sizes[some(0, 7)] + s * 200 : some(1, 4);
    if (l->nshape > 1)
        return;
    for (int64_t i = 0; i < l->what.ncolumn; i++) {
        l->columns[i].fixed = true;
        l->columns[i].ndim = l->what.ndim;
        memcpy(l->columns[i].shape, l->shapes[0], sizeof l->shapes[0]);
    }
}

static void place_rows(layout *l)
{
    const bool holes = l->nshape > 1 && some(0, 1);
    const int64_t run = some(1, 30), end = holes && some(0, 1) ? l->what.nrow / 2 : l->what.nrow;
    int64_t shape = 0;

    l->shape_of_row = mms_alloc(l->what.nrow, sizeof *l->shape_of_row);
    assert_non_null(l->shape_of_row);
    for (int64_t row = 0; row < l->what.nrow; row++) {
        if (row % run == 0)
            shape = some(holes ? -1 : 0, l->nshape - 1);
        l->shape_of_row[row] = row < end ? shape : -1; // the rest lies beyond the map
    }
}

static void choose(layout *l, const char *table, int64_t number)
{
    memset(l, 0, sizeof *l);
    strcpy(l->table, table);
    l->what = (mms_tiles_what){.table = l->table,
                               .type = some(0, 3) ? "TiledShapeStMan" : "TiledColumnStMan",
                               .name = "Tiled",
                               .sequence = number,
                               .nrow = some(1, 300),
                               .big_endian = some(0, 1)};
    choose_columns(l);
    choose_shapes(l);
    place_rows(l);
}

/** The bytes of an element that tell column, row and place. */
static void element(mms_dtype dtype, int64_t column, int64_t row, int64_t i, uint8_t *out)
{
    const uint64_t bits[2] = {mix((uint64_t)(((row * 8 + column) << 24) + i)), mix((uint64_t)i)};

    if (dtype == MMS_DT_BOOL)
        *out = bits[0] & 1;
    else
        memcpy(out, bits, mms_dtype_size(dtype));
}

static void fill(const layout *l, int64_t column, int64_t row, uint8_t *out)
{
    const mms_dtype dtype = l->columns[column].dtype;
    const int64_t n = cell_size(l, l->shape_of_row[row]);
    const bool changed = l->changed && l->changed[row * MOST_COLUMNS + column];

    for (int64_t i = 0; i < n; i++)
        element(dtype, column + (changed ? MOST_COLUMNS + 1 : 0), row, i,
                out + (size_t)i * mms_dtype_size(dtype));
}

static void check_ok(mms_status st, const mms_error *err)
{
    if (st != MMS_OK)
        fail_msg("%s", err->msg);
}

static void add_shapes(const layout *l, mms_tiles *t)
{
    const bool cut = some(0, 1);
    mms_error err;

    for (int64_t s = 0; s < l->nshape; s++) {
        int64_t tile[MMS_MAX_DIM + 1] = {some(1, 40)};
        for (int32_t i = 0; i < l->what.ndim; i++)
            tile[i + 1] = cut ? some(1, l->shapes[s][i] + 1) : l->shapes[s][i];
        assert_false(mms_tiles_has_shape(t, l->what.ndim, l->shapes[s]));
        check_ok(mms_tiles_add_shape(t, l->what.ndim, l->shapes[s], tile, &err), &err);
        assert_true(mms_tiles_has_shape(t, l->what.ndim, l->shapes[s]));
    }
}

/** How many rows from row on have its shape, at most most. */
static int64_t same_shape(const layout *l, int64_t row, int64_t most)
{
    int64_t n = 1;
    while (n < most && row + n < l->what.nrow && l->shape_of_row[row + n] == l->shape_of_row[row])
        n++;
    return n;
}

static void define(const layout *l, mms_tiles *t)
{
    mms_error err;

    for (int64_t row = 0, n; row < l->what.nrow; row += n) {
        const int64_t shape = l->shape_of_row[row];
        n = same_shape(l, row, some(1, 50));
        mms_shape_run run = {{row, n}, shape < 0 ? -1 : l->what.ndim, {0}};
        if (shape >= 0)
            memcpy(run.shape, l->shapes[shape], sizeof run.shape);
        check_ok(mms_tiles_define(t, &run, &err), &err);
    }
}

/** Rows of one shape at random: ranges of them, up to two. */
static int64_t pick_rows(const layout *l, int64_t first, int64_t last, mms_rows *ranges)
{
    const int64_t n = same_shape(l, first, some(1, last - first + 1));

    ranges[0] = (mms_rows){first, n};
    for (int64_t row = first + n; row <= last; row++)
        if (l->shape_of_row[row] == l->shape_of_row[first] && some(0, 3) == 0) {
            ranges[1] = (mms_rows){row, same_shape(l, row, last - row + 1)};
            return 2;
        }
    return 1;
}

static uint8_t *expected(const layout *l, int64_t column, int64_t nrange, const mms_rows *ranges,
                         int64_t *nvalue)
{
    const int64_t cell = cell_size(l, l->shape_of_row[ranges[0].first]);
    const size_t bytes = (size_t)cell * mms_dtype_size(l->columns[column].dtype);
    const int64_t rows = ranges[0].count + (nrange > 1 ? ranges[1].count : 0);
    uint8_t *all = mms_alloc(rows, bytes), *out = all;

    assert_non_null(all);
    for (int64_t i = 0; i < nrange; i++)
        for (int64_t k = 0; k < ranges[i].count; k++, out += bytes)
            fill(l, column, ranges[i].first + k, out);
    *nvalue = rows * cell;
    return all;
}

static void write_rows(const layout *l, mms_tiles *t, int64_t column, int64_t first, int64_t last)
{
    for (int64_t row = first, n; row <= last; row += n) {
        n = same_shape(l, row, last - row + 1);
        n = n > 1 ? some(1, n) : 1;
        const mms_rows range = {row, n};
        mms_error err;
        int64_t nvalue;
        if (l->shape_of_row[row] < 0)
            continue;
        uint8_t *data = expected(l, column, 1, &range, &nvalue);
        check_ok(mms_tiles_write(t, column, 1, &range, nvalue, data, &err), &err);
        free(data);
    }
}

static mms_tiles *create(const layout *l)
{
    mms_tiles *t;
    mms_error err;

    mkdir(l->table, 0755);
    check_ok(mms_tiles_create(&l->what, &t, &err), &err);
    add_shapes(l, t);
    define(l, t);
    return t;
}

static void close_tiles(mms_tiles *t)
{
    mms_error err;
    check_ok(mms_tiles_close(&t, &err), &err);
    assert_null(t);
}

/** Later rows first, and the columns in turns. */
static void write_all(const layout *l, mms_tiles *t)
{
    const int64_t middle = some(0, l->what.nrow - 1);

    for (int half = 1; half >= 0; half--)
        for (int64_t c = 0; c < l->what.ncolumn; c++)
            write_rows(l, t, c, half ? middle : 0, half ? l->what.nrow - 1 : middle - 1);
}

static mms_tiles *open_again(const layout *l)
{
    mms_tiles *t;
    mms_error err;

    check_ok(mms_tiles_open(&l->what, &t, &err), &err);
    return t;
}

static void check_shapes(const layout *l, const mms_tiles *t)
{
    const mms_rows all = {0, l->what.nrow};
    mms_shape_run *runs;
    int64_t nrun, row = 0;
    mms_error err;

    check_ok(mms_tiles_shapes(t, 0, 1, &all, &runs, &nrun, &err), &err);
    for (int64_t i = 0; i < nrun; i++) {
        assert_int_equal(runs[i].rows.first, row);
        const int64_t shape = l->shape_of_row[row];
        assert_int_equal(runs[i].rows.count, same_shape(l, row, l->what.nrow));
        assert_int_equal(runs[i].ndim, shape < 0 ? -1 : l->what.ndim);
        if (shape >= 0)
            assert_memory_equal(runs[i].shape, l->shapes[shape],
                                (size_t)l->what.ndim * sizeof(int64_t));
        row += runs[i].rows.count;
    }
    assert_int_equal(row, l->what.nrow);
    free(runs);
}

static void check_cells(const layout *l, const mms_tiles *t, int64_t column, int64_t first,
                        int64_t last)
{
    mms_rows ranges[2];
    int64_t nvalue;
    mms_error err;

    if (l->shape_of_row[first] < 0)
        return;
    const int64_t nrange = pick_rows(l, first, last, ranges);
    uint8_t *want = expected(l, column, nrange, ranges, &nvalue);
    const size_t size = mms_dtype_size(l->columns[column].dtype);
    uint8_t *got = mms_alloc(nvalue, size);
    assert_non_null(got);
    check_ok(mms_tiles_read(t, column, nrange, ranges, nvalue, got, &err), &err);
    assert_memory_equal(got, want, (size_t)nvalue * size);
    free(want);
    free(got);
}

static void check_all(const layout *l)
{
    mms_tiles *t = open_again(l);
    const int64_t last = l->what.nrow - 1;

    check_shapes(l, t);
    for (int64_t c = 0; c < l->what.ncolumn; c++) {
        for (int64_t row = 0; row <= last; row += same_shape(l, row, last + 1))
            check_cells(l, t, c, row, last);
        for (int i = 0; i < 10; i++) {
            const int64_t first = some(0, last);
            check_cells(l, t, c, first, some(first, last));
        }
    }
    mms_tiles_drop(&t);
}

static void forget(layout *l)
{
    free(l->shape_of_row);
    assert_int_equal(mms_remove_tree(l->table, NULL), MMS_OK);
}

static void random_layouts_come_back(void **state)
{
    (void)state;
    for (int64_t i = 0; i < LAYOUTS; i++) {
        layout l;
        seed = (uint64_t)i << 32;
        choose(&l, "table", i);
        mms_tiles *t = create(&l);
        write_all(&l, t);
        close_tiles(t);
        check_all(&l);
        forget(&l);
    }
}

static void choose_flags(layout *l, const char *table, int64_t number);

/** Change some runs of rows of each column. */
static void change_rows(layout *l, mms_tiles *t)
{
    for (int64_t c = 0; c < l->what.ncolumn; c++)
        for (int64_t row = 0, n; row < l->what.nrow; row += n) {
            mms_rows rows = {row, 0};
            int64_t nvalue;
            mms_error err;
            n = rows.count = same_shape(l, row, some(1, 12));
            if (l->shape_of_row[row] < 0 || some(0, 1))
                continue;
            for (int64_t i = 0; i < n; i++)
                l->changed[(row + i) * MOST_COLUMNS + c] = 1;
            uint8_t *data = expected(l, c, 1, &rows, &nvalue);
            check_ok(mms_tiles_update(t, c, 1, &rows, nvalue, data, &err), &err);
            free(data);
        }
}

/** Rows that threads change beside each other. */
typedef struct sharing {
    layout *l;
    mms_tiles *t;
} sharing;

static mms_status change_own_rows(void *ctx, mms_lanes *lanes, int number, int64_t *piece,
                                  mms_error *err)
{
    const sharing *s = ctx;
    const layout *l = s->l;
    mms_status st = MMS_OK;

    *piece = number;
    for (int64_t row = number; row < l->what.nrow; row += mms_lanes_count(lanes))
        for (int64_t c = 0; c < l->what.ncolumn && l->shape_of_row[row] >= 0 && st == MMS_OK; c++) {
            const mms_rows rows = {row, 1};
            int64_t nvalue;
            uint8_t *data = expected(l, c, 1, &rows, &nvalue);
            st = mms_tiles_update(s->t, c, 1, &rows, nvalue, data, err);
            free(data);
        }
    return st;
}

static void threads_change_rows_of_one_byte(void **state)
{
    (void)state;
    for (int64_t i = 0; i < LAYOUTS; i++) {
        layout l;
        mms_error err;
        seed = (uint64_t)i << 32;
        choose_flags(&l, "table", i);
        mms_tiles *t = create(&l);
        write_all(&l, t);
        close_tiles(t);
        l.changed = mms_alloc(l.what.nrow * MOST_COLUMNS, 1);
        assert_non_null(l.changed);
        memset(l.changed, 1, (size_t)(l.what.nrow * MOST_COLUMNS));
        t = open_again(&l);
        sharing s = {&l, t};
        check_ok(mms_lanes_run(4, change_own_rows, &s, &err), &err);
        mms_tiles_drop(&t);
        check_all(&l);
        free(l.changed);
        forget(&l);
    }
}

/** Cells beside those that are changed, in the same byte, too, stay as they are. */
static void cells_are_changed_where_they_are(void **state)
{
    (void)state;
    for (int64_t i = 0; i < 2 * LAYOUTS; i++) {
        layout l;
        seed = (uint64_t)i << 32;
        if (i % 2)
            choose_flags(&l, "table", i);
        else
            choose(&l, "table", i);
        mms_tiles *t = create(&l);
        write_all(&l, t);
        close_tiles(t);
        l.changed = mms_alloc(l.what.nrow * MOST_COLUMNS, 1);
        assert_non_null(l.changed);
        t = open_again(&l);
        change_rows(&l, t);
        mms_tiles_drop(&t);
        check_all(&l);
        free(l.changed);
        forget(&l);
    }
}

/** The same cells in other tiles, perhaps of other byte order, all or some of the rows. */
static void copies_between_layouts(void **state)
{
    (void)state;
    for (int64_t i = 0; i < LAYOUTS; i++) {
        layout in, out;
        mms_error err;
        seed = (uint64_t)(i + 1) << 40;
        choose(&in, "in", i);
        mms_tiles *t = create(&in);
        write_all(&in, t);
        close_tiles(t);
        t = open_again(&in);
        out = in;
        strcpy(out.table, "out");
        out.what.table = out.table;
        out.what.columns = out.columns;
        out.what.big_endian = some(0, 1);
        mms_tiles *to = create(&out);
        const mms_rows ranges[2] = {{0, in.what.nrow / 3},
                                    {in.what.nrow / 3, in.what.nrow - in.what.nrow / 3}};
        for (int64_t c = 0; c < in.what.ncolumn; c++) {
            const int64_t skip = ranges[0].count == 0;
            check_ok(mms_tiles_copy(t, c, 2 - skip, ranges + skip, to, c, 0, &err), &err);
        }
        mms_tiles_drop(&t);
        close_tiles(to);
        out.what.columns = out.columns;
        check_all(&out);
        assert_int_equal(mms_remove_tree("out", NULL), MMS_OK);
        forget(&in);
    }
}

/** Enough for runs of bytes that the kernel copies: every second thousand rows. */
static void long_runs_are_copied(void **state)
{
    static const mms_dtype dtypes[] = {MMS_DT_COMPLEX, MMS_DT_BOOL};
    const int64_t tile[] = {64, 64, 4}, shape[MMS_MAX_DIM] = {64, 4};

    (void)state;
    for (int i = 0; i < 4; i++) {
        layout in = {.table = "in", .nshape = 1};
        in.columns[0] = (mms_tiles_column){"DATA", dtypes[i % 2], true, 2, {64, 4}};
        memcpy(in.shapes[0], shape, sizeof shape);
        in.what = (mms_tiles_what){.table = in.table,
                                   .type = "TiledColumnStMan",
                                   .name = "Tiled",
                                   .nrow = 8000,
                                   .ncolumn = 1,
                                   .columns = in.columns,
                                   .ndim = 2};
        in.shape_of_row = mms_alloc(in.what.nrow, sizeof *in.shape_of_row);
        layout out = in;
        mms_tiles *t, *to;
        mms_error err;
        strcpy(out.table, "out");
        out.what.table = out.table;
        out.what.columns = out.columns;
        out.what.nrow = 4000;
        out.what.big_endian = i >= 2;
        assert_int_equal(mkdir("in", 0755) | mkdir("out", 0755), 0);
        check_ok(mms_tiles_create(&in.what, &t, &err), &err);
        check_ok(mms_tiles_add_shape(t, 2, shape, tile, &err), &err);
        write_rows(&in, t, 0, 0, in.what.nrow - 1);
        close_tiles(t);
        t = open_again(&in);
        check_ok(mms_tiles_create(&out.what, &to, &err), &err);
        check_ok(mms_tiles_add_shape(to, 2, shape, tile, &err), &err);
        const mms_rows ranges[] = {{1000, 1000}, {3000, 1000}, {5000, 1000}, {7000, 1000}};
        check_ok(mms_tiles_copy(t, 0, 4, ranges, to, 0, 0, &err), &err);
        mms_tiles_drop(&t);
        close_tiles(to);
        to = open_again(&out);
        for (int64_t row = 0; row < 4000; row++) {
            const mms_rows one = {row, 1}, from = {row / 1000 * 2000 + 1000 + row % 1000, 1};
            uint8_t got[64 * 4 * 8];
            int64_t n;
            uint8_t *want = expected(&in, 0, 1, &from, &n);
            check_ok(mms_tiles_read(to, 0, 1, &one, n, got, &err), &err);
            assert_memory_equal(got, want, (size_t)n * mms_dtype_size(dtypes[i % 2]));
            free(want);
        }
        mms_tiles_drop(&to);
        assert_int_equal(mms_remove_tree("out", NULL), MMS_OK);
        forget(&in);
    }
}

/** Write rows of one shape, of which cells tell the row, and open them again. */
static mms_tiles *write_cube(layout *l, const char *table, bool big_endian)
{
    static const int64_t tile[] = {64, 64, 4};
    mms_tiles *t;
    mms_error err;

    strcpy(l->table, table);
    l->what.table = l->table;
    l->what.columns = l->columns;
    l->what.big_endian = big_endian;
    assert_int_equal(mkdir(table, 0755), 0);
    check_ok(mms_tiles_create(&l->what, &t, &err), &err);
    check_ok(mms_tiles_add_shape(t, 2, l->shapes[0], tile, &err), &err);
    write_rows(l, t, 0, 0, l->what.nrow - 1);
    close_tiles(t);
    return open_again(l);
}

static void cells_are_compared_in_place(void **state)
{
    static const mms_dtype dtypes[] = {MMS_DT_COMPLEX, MMS_DT_BOOL};
    const int64_t changed = 6007;

    (void)state;
    for (int i = 0; i < 2; i++) {
        layout l = {.nshape = 1, .shapes = {{64, 4}}};
        l.columns[0] = (mms_tiles_column){"DATA", dtypes[i], true, 2, {64, 4}};
        l.what = (mms_tiles_what){
            .type = "TiledColumnStMan", .name = "Tiled", .nrow = 8000, .ncolumn = 1, .ndim = 2};
        l.shape_of_row = mms_alloc(l.what.nrow, sizeof *l.shape_of_row);
        layout m = l, swapped = l;
        mms_tiles *a = write_cube(&l, "in", false), *b = write_cube(&m, "out", false);
        mms_tiles *c = write_cube(&swapped, "swapped", true);
        const mms_rows one = {changed, 1};
        uint8_t cell[64 * 4 * 8];
        mms_error err;

        assert_true(mms_tiles_same(a, 0, (mms_rows){0, 8000}, b, 0, 0));
        assert_false(mms_tiles_same(a, 0, (mms_rows){0, 7999}, b, 0, 1));
        assert_int_equal(mms_tiles_same(a, 0, (mms_rows){0, 8000}, c, 0, 0), i == 1);
        check_ok(mms_tiles_read(b, 0, 1, &one, 64 * 4, cell, &err), &err);
        cell[64 * 4 * mms_dtype_size(dtypes[i]) - 1] ^= 1;
        check_ok(mms_tiles_update(b, 0, 1, &one, 64 * 4, cell, &err), &err);
        assert_false(mms_tiles_same(a, 0, (mms_rows){1, 7999}, b, 0, 1));
        assert_true(mms_tiles_same(a, 0, (mms_rows){1, changed - 1}, b, 0, 1));
        assert_true(mms_tiles_same(a, 0, (mms_rows){changed + 1, 1000}, b, 0, changed + 1));
        mms_tiles_drop(&a);
        mms_tiles_drop(&b);
        mms_tiles_drop(&c);
        assert_int_equal(mms_remove_tree("out", NULL) | mms_remove_tree("swapped", NULL), MMS_OK);
        forget(&l);
    }
}

/** Cuts a file to nothing and lets it grow again, until it is told to end. */
typedef struct cutter {
    const char *path;
    off_t bytes;
    atomic_bool end;
} cutter;

static void *cut(void *ctx)
{
    cutter *c = ctx;

    while (!atomic_load(&c->end))
        assert_int_equal(truncate(c->path, 0) | truncate(c->path, c->bytes), 0);
    return NULL;
}

/** What another program does to a file is no signal. */
static void files_may_be_cut_while_they_are_compared(void **state)
{
    layout l = {.nshape = 1, .shapes = {{64, 4}}};
    cutter c = {.path = "out/table.f0_TSM0", .end = false};
    struct stat st;
    pthread_t thread;

    (void)state;
    l.columns[0] = (mms_tiles_column){"DATA", MMS_DT_COMPLEX, true, 2, {64, 4}};
    l.what = (mms_tiles_what){
        .type = "TiledColumnStMan", .name = "Tiled", .nrow = 2000, .ncolumn = 1, .ndim = 2};
    l.shape_of_row = mms_alloc(l.what.nrow, sizeof *l.shape_of_row);
    layout m = l;
    mms_tiles *a = write_cube(&l, "in", false), *b = write_cube(&m, "out", false);

    assert_int_equal(stat(c.path, &st), 0);
    c.bytes = st.st_size;
    assert_int_equal(pthread_create(&thread, NULL, cut, &c), 0);
    for (int i = 0; i < 2000; i++)
        (void)mms_tiles_same(a, 0, (mms_rows){0, 2000}, b, 0, 0);
    atomic_store(&c.end, true);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_false(mms_tiles_same(a, 0, (mms_rows){0, 2000}, b, 0, 0));
    mms_tiles_drop(&a);
    mms_tiles_drop(&b);
    assert_int_equal(mms_remove_tree("out", NULL), MMS_OK);
    forget(&l);
}

typedef struct share {
    const layout *l;
    mms_tiles *t;
    int64_t parity;
    bool failed;
} share;

/** Write every second batch of seven rows, which share tiles with the other thread's. */
static void *write_share(void *arg)
{
    share *s = arg;

    for (int64_t row = s->parity * 7; row < s->l->what.nrow; row += 14)
        for (int64_t c = 0; c < s->l->what.ncolumn; c++)
            for (int64_t k = row; k < row + 7 && k < s->l->what.nrow; k++) {
                const mms_rows one = {k, 1};
                int64_t n;
                if (s->l->shape_of_row[k] < 0)
                    continue;
                uint8_t *data = expected(s->l, c, 1, &one, &n);
                if (mms_tiles_write(s->t, c, 1, &one, n, data, NULL) != MMS_OK)
                    s->failed = true;
                free(data);
            }
    return NULL;
}

static void threads_write_different_rows(void **state)
{
    (void)state;
    for (int64_t i = 0; i < LAYOUTS / 2; i++) {
        layout l;
        pthread_t other;
        seed = (uint64_t)(i + 1) << 20;
        choose(&l, "table", i);
        mms_tiles *t = create(&l);
        share shares[2] = {{&l, t, 0, false}, {&l, t, 1, false}};
        assert_int_equal(pthread_create(&other, NULL, write_share, &shares[1]), 0);
        write_share(&shares[0]);
        assert_int_equal(pthread_join(other, NULL), 0);
        assert_false(shares[0].failed || shares[1].failed);
        close_tiles(t);
        check_all(&l);
        forget(&l);
    }
}

/** Rows that several threads write, while another defines them. */
typedef struct lanes {
    const layout *l;
    const mms_tiles *from; /**< what is copied; NULL: cells are written */
    mms_tiles *t;
    pthread_mutex_t lock;
    pthread_cond_t more;
    int64_t defined, next; /**< rows */
    bool failed;
} lanes;

enum { LANES = 3 };

/** Flags that fill no byte, in one column or beside another's numbers, in tiles that cut cells. */
static void choose_flags(layout *l, const char *table, int64_t number)
{
    static const int64_t values[] = {1, 2, 3, 5};

    choose(l, table, number);
    l->columns[0].dtype = MMS_DT_BOOL;
    for (int64_t s = 0; s < l->nshape; s++)
        for (int32_t i = 0; i < l->what.ndim; i++)
            l->shapes[s][i] = i == 0 ? values[number % 4] + s * 8 : 1 + number / 4 % 3;
    for (int64_t i = 0; i < l->what.ncolumn; i++)
        memcpy(l->columns[i].shape, l->shapes[0], sizeof l->shapes[0]);
}

static bool add_shape_of(const layout *l, mms_tiles *t, int64_t shape)
{
    int64_t tile[MMS_MAX_DIM + 1] = {4 + (l->what.sequence + shape) % 20};

    if (mms_tiles_has_shape(t, l->what.ndim, l->shapes[shape]))
        return true;
    for (int32_t i = 0; i < l->what.ndim; i++)
        tile[i + 1] = l->what.sequence % 2 ? 1 + l->shapes[shape][i] / 2 : l->shapes[shape][i];
    return mms_tiles_add_shape(t, l->what.ndim, l->shapes[shape], tile, NULL) == MMS_OK;
}

/** Define the rows of a block, whose shapes come as they are first met. */
static bool define_block(const layout *l, mms_tiles *t, int64_t first, int64_t end)
{
    bool good = true;

    for (int64_t row = first, n; good && row < end; row += n) {
        const int64_t shape = l->shape_of_row[row];
        n = same_shape(l, row, end - row);
        mms_shape_run run = {{row, n}, shape < 0 ? -1 : l->what.ndim, {0}};
        if (shape >= 0)
            memcpy(run.shape, l->shapes[shape], sizeof run.shape);
        good =
            (shape < 0 || add_shape_of(l, t, shape)) && mms_tiles_define(t, &run, NULL) == MMS_OK;
    }
    return good;
}

static bool write_cells(const layout *l, mms_tiles *t, int64_t column, mms_rows rows)
{
    int64_t nvalue;
    uint8_t *data = expected(l, column, 1, &rows, &nvalue);
    const mms_status st = mms_tiles_write(t, column, 1, &rows, nvalue, data, NULL);

    free(data);
    return st == MMS_OK;
}

static bool write_block(const layout *l, const mms_tiles *from, mms_tiles *t, int64_t first,
                        int64_t end)
{
    bool good = true;

    for (int64_t c = 0; c < l->what.ncolumn; c++)
        for (int64_t row = first, n; good && row < end; row += n) {
            n = same_shape(l, row, end - row);
            const mms_rows rows = {row, n};
            if (l->shape_of_row[row] >= 0)
                good = from ? mms_tiles_copy(from, c, 1, &rows, t, c, row, NULL) == MMS_OK
                            : write_cells(l, t, c, rows);
        }
    return good;
}

static int64_t block_end(const layout *l, int64_t first)
{
    const int64_t few = l->what.sequence / 2 % 2 ? 7 : 60, rows = few + l->what.nrow / 100;
    return first + rows < l->what.nrow ? first + rows : l->what.nrow;
}

/** Write the next block when it is defined, until there is none. */
static void *write_lane(void *arg)
{
    lanes *s = arg;

    pthread_mutex_lock(&s->lock);
    while (s->next < s->l->what.nrow) {
        const int64_t first = s->next, end = block_end(s->l, first);
        s->next = end;
        while (s->defined < end)
            pthread_cond_wait(&s->more, &s->lock);
        pthread_mutex_unlock(&s->lock);
        const bool good = write_block(s->l, s->from, s->t, first, end);
        pthread_mutex_lock(&s->lock);
        s->failed = s->failed || !good;
    }
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

static void define_for_lanes(lanes *s)
{
    for (int64_t row = 0, end; row < s->l->what.nrow; row = end) {
        end = block_end(s->l, row);
        const bool good = define_block(s->l, s->t, row, end);
        pthread_mutex_lock(&s->lock);
        s->failed = s->failed || !good;
        s->defined = end;
        pthread_cond_broadcast(&s->more);
        pthread_mutex_unlock(&s->lock);
    }
}

static mms_tiles *create_empty(layout *l, const char *table)
{
    mms_tiles *t;
    mms_error err;

    strcpy(l->table, table);
    assert_int_equal(mkdir(table, 0755), 0);
    check_ok(mms_tiles_create(&l->what, &t, &err), &err);
    if (!strcmp(l->what.type, "TiledColumnStMan"))
        assert_true(add_shape_of(l, t, 0));
    return t;
}

/** Returns how many bytes were copied as whole tiles. */
static int64_t write_in_lanes(layout *l, const mms_tiles *from, const char *table)
{
    lanes s = {.l = l,
               .from = from,
               .t = create_empty(l, table),
               .lock = PTHREAD_MUTEX_INITIALIZER,
               .more = PTHREAD_COND_INITIALIZER};
    pthread_t threads[LANES];

    for (int i = 0; i < LANES; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, write_lane, &s), 0);
    define_for_lanes(&s);
    for (int i = 0; i < LANES; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_false(s.failed);
    const int64_t moved = s.t->moved;
    close_tiles(s.t);
    return moved;
}

static void write_alone(layout *l, const char *table)
{
    mms_tiles *t = create_empty(l, table);

    for (int64_t row = 0, end; row < l->what.nrow; row = end) {
        end = block_end(l, row);
        assert_true(define_block(l, t, row, end) && write_block(l, NULL, t, row, end));
    }
    close_tiles(t);
}

static void same_files(const layout *l, const char *a, const char *b)
{
    const int64_t nfile = !strcmp(l->what.type, "TiledShapeStMan") ? l->nshape + 1 : 1;

    for (int64_t i = -1; i < nfile; i++) {
        uint8_t *bytes[2] = {NULL, NULL};
        size_t sizes[2] = {0, 0};
        for (int k = 0; k < 2; k++) {
            char *path = mms_format("%s/table.f%d", k ? b : a, (int)l->what.sequence);
            if (i >= 0) {
                char *header = path;
                path = mms_format("%s_TSM%d", header, (int)i);
                free(header);
            }
            (void)!mms_read_file(path, 1 << 28, &bytes[k], &sizes[k],
                                 NULL); // a shape may be unused
            free(path);
        }
        assert_int_equal(sizes[0], sizes[1]);
        assert_true(i >= 0 || sizes[0]);
        if (sizes[0])
            assert_memory_equal(bytes[0], bytes[1], sizes[0]);
        free(bytes[0]);
        free(bytes[1]);
    }
}

static void lanes_write_the_same_files(void **state)
{
    int64_t moved = 0;

    (void)state;
    for (int64_t i = 0; i < LAYOUTS / 2; i++) {
        layout l;
        seed = (uint64_t)(i + 1) << 48;
        choose_flags(&l, "alone", i);
        write_alone(&l, "alone");
        check_all(&l);
        mms_tiles *from = open_again(&l);
        for (int copy = 0; copy < 2; copy++) {
            moved += write_in_lanes(&l, copy ? from : NULL, "lanes");
            check_all(&l);
            same_files(&l, "alone", "lanes");
            assert_int_equal(mms_remove_tree("lanes", NULL), MMS_OK);
        }
        mms_tiles_drop(&from);
        strcpy(l.table, "alone");
        forget(&l);
    }
    assert_true(moved > 0);
}

static void check_moved_cells(const layout *in, int64_t skip, const layout *out)
{
    mms_tiles *t = open_again(out);

    for (int64_t c = 0; c < out->what.ncolumn; c++)
        for (int64_t row = 0; row < out->what.nrow; row++) {
            const mms_rows from = {row + skip, 1}, to = {row, 1};
            const size_t size = mms_dtype_size(in->columns[c].dtype);
            int64_t n;
            mms_error err;
            uint8_t *want = expected(in, c, 1, &from, &n), *got = mms_alloc(n, size);
            assert_non_null(got);
            check_ok(mms_tiles_read(t, c, 1, &to, n, got, &err), &err);
            assert_memory_equal(got, want, (size_t)n * size);
            free(want);
            free(got);
        }
    mms_tiles_drop(&t);
}

/** Copy rows from skip on, in two calls; tiles are moved when they begin with the same rows. */
static void copy_from(const layout *in, int64_t skip, layout *out)
{
    mms_tiles *from = open_again(in), *to = create_empty(out, "out");
    const int64_t first = some(1, out->what.nrow - 1);
    mms_error err;

    assert_true(define_block(out, to, 0, out->what.nrow));
    for (int64_t c = 0; c < in->what.ncolumn; c++) {
        const mms_rows rows[2] = {{skip, first}, {skip + first, out->what.nrow - first}};
        check_ok(mms_tiles_copy(from, c, 1, &rows[1], to, c, first, &err), &err);
        check_ok(mms_tiles_copy(from, c, 1, &rows[0], to, c, 0, &err), &err);
    }
    const cube *c = place_of(to, 0, 1).cube;
    if (skip % c->tile_rows)
        assert_int_equal(to->moved, 0);
    else
        assert_true(to->moved > 0 || is_linear(to, c, 0));
    mms_tiles_drop(&from);
    close_tiles(to);
}

/** Tiles that begin with the same row here and there, and those that don't. */
static void whole_tiles_are_moved(void **state)
{
    (void)state;
    for (int64_t i = 0; i < LAYOUTS / 2; i++) {
        layout in, out;
        seed = (uint64_t)(i + 1) << 16;
        do {
            choose_flags(&in, "in", i);
            free(in.shape_of_row);
        } while (in.nshape > 1 || in.what.nrow < 100);
        in.shape_of_row = mms_alloc(in.what.nrow, sizeof(int64_t));
        assert_non_null(in.shape_of_row);
        write_alone(&in, "in");
        const int64_t skip = some(0, 2) ? (4 + i % 20) * some(0, 2) : 1;
        out = in;
        out.what.table = out.table;
        out.what.columns = out.columns;
        out.what.nrow -= skip;
        copy_from(&in, skip, &out);
        check_moved_cells(&in, skip, &out);
        assert_int_equal(mms_remove_tree("out", NULL), MMS_OK);
        forget(&in);
    }
}

/** One column of flags in tiles of whole cells, some pages of them. */
static void choose_bits(layout *l, int64_t number)
{
    static const int64_t values[] = {1, 2, 3, 5, 126, 256};
    const int64_t n = values[number % 6];

    *l = (layout){.nshape = 1, .shapes = {{n}}};
    l->columns[0] = (mms_tiles_column){.name = "FLAG", .dtype = MMS_DT_BOOL};
    l->what = (mms_tiles_what){.table = l->table,
                               .type = "TiledShapeStMan",
                               .name = "Tiled",
                               .sequence = 20 * number + 4 + number % 2 * 8, // tiles of 8, 16 rows
                               .nrow = n == 256 ? 6000 : 170000 / n + number,
                               .ncolumn = 1,
                               .columns = l->columns,
                               .ndim = 1};
    l->shape_of_row = mms_alloc(l->what.nrow, sizeof(int64_t));
    assert_non_null(l->shape_of_row);
}

/** Rows at random, most of them in runs. */
static int64_t choose_rows(const layout *l, mms_rows *ranges, int64_t most, int64_t *rows)
{
    int64_t n = 0, row = some(0, 10);

    for (*rows = 0; n < most && row < l->what.nrow; n++) {
        const int64_t left = l->what.nrow - row, run = some(0, 5) ? some(1, 9) : some(1, 5000);
        ranges[n] = (mms_rows){row, run < left ? run : left};
        *rows += ranges[n].count;
        row += ranges[n].count + some(1, 9);
    }
    return n;
}

/** The file holds the flags of the rows, bit after bit, in whole tiles. */
static void check_bits(const layout *l, const char *table, int64_t nrange, const mms_rows *ranges)
{
    char *path = mms_format("%s/table.f%d_TSM1", table, (int)l->what.sequence);
    const int64_t n = l->shapes[0][0];
    uint8_t *bytes;
    size_t size, bit = 0;

    assert_int_equal(mms_read_file(path, 1 << 28, &bytes, &size, NULL), MMS_OK);
    for (int64_t r = 0; r < nrange; r++)
        for (int64_t i = 0; i < ranges[r].count * n; i++, bit++) {
            uint8_t want;
            element(MMS_DT_BOOL, 0, ranges[r].first + i / n, i % n, &want);
            if (bit >= size * 8 || (bytes[bit / 8] >> bit % 8 & 1) != want)
                fail_msg("%s: bit %zu of %zu bytes", path, bit, size);
        }
    for (; bit < size * 8; bit++)
        assert_int_equal(bytes[bit / 8] >> bit % 8 & 1, 0);
    free(bytes);
    free(path);
}

/** Copy ranges of rows in three calls, the middle one last. */
static void copy_ranges(const layout *in, layout *out, int64_t n, const mms_rows *ranges)
{
    mms_tiles *from = open_again(in), *to = create_empty(out, "out");
    const int64_t cuts[] = {0, n / 3, n / 2, n};
    mms_error err;

    assert_true(define_block(out, to, 0, out->what.nrow));
    for (int k = 0; k < 3; k++) {
        const int64_t i = k * 2 % 3;
        int64_t first = 0;
        for (int64_t r = 0; r < cuts[i]; r++)
            first += ranges[r].count;
        check_ok(
            mms_tiles_copy(from, 0, cuts[i + 1] - cuts[i], ranges + cuts[i], to, 0, first, &err),
            &err);
    }
    mms_tiles_drop(&from);
    close_tiles(to);
}

static void flags_are_one_run_of_bits(void **state)
{
    (void)state;
    for (int64_t i = 0; i < 6; i++) {
        layout l, out;
        mms_rows ranges[300];
        seed = (uint64_t)(i + 1) << 12;
        choose_bits(&l, i);
        const mms_rows all = {0, l.what.nrow};
        write_alone(&l, "alone");
        check_bits(&l, "alone", 1, &all);
        check_all(&l);
        mms_tiles *from = open_again(&l);
        for (int copy = 0; copy < 2; copy++) {
            write_in_lanes(&l, copy ? from : NULL, "lanes");
            same_files(&l, "alone", "lanes");
            assert_int_equal(mms_remove_tree("lanes", NULL), MMS_OK);
        }
        mms_tiles_drop(&from);
        strcpy(l.table, "alone");
        out = l;
        out.what.table = out.table;
        out.what.columns = out.columns;
        const int64_t n = choose_rows(&l, ranges, 300, &out.what.nrow);
        copy_ranges(&l, &out, n, ranges);
        check_bits(&out, "out", n, ranges);
        assert_int_equal(mms_remove_tree("out", NULL), MMS_OK);
        forget(&l);
    }
}

/** Parse bytes as the layout's header; what is accepted answers for all rows. */
static mms_status parse(const layout *l, const uint8_t *bytes, size_t size)
{
    const mms_rows all = {0, l->what.nrow};
    mms_tiles *t;
    mms_shape_run *runs;
    int64_t nrun, rows[8];
    mms_error err;

    check_ok(tiles_new(&l->what, &t, &err), &err);
    const mms_status st = header_parse(t, bytes, size, "table/table.f0", &err);
    if (st != MMS_OK)
        assert_non_null(strstr(err.msg, "table/table.f0"));
    else {
        for (int64_t i = mms_tiles_samples(t, 8, rows) - 1; i >= 0; i--)
            assert_in_range(rows[i], 0, l->what.nrow - 1);
        check_ok(mms_tiles_shapes(t, 0, 1, &all, &runs, &nrun, &err), &err);
        free(runs);
    }
    mms_tiles_drop(&t);
    return st;
}

static void damaged_headers_are_refused(void **state)
{
    (void)state;
    for (int64_t i = 0; i < 6; i++) {
        layout l;
        uint8_t *bytes;
        size_t size;
        seed = (uint64_t)(i + 3) << 24;
        choose(&l, "table", 0);
        close_tiles(create(&l));
        assert_int_equal(mms_read_file("table/table.f0", 1 << 20, &bytes, &size, NULL), MMS_OK);
        assert_int_equal(parse(&l, bytes, size), MMS_OK);
        for (size_t n = 0; n < size; n++) {
            uint8_t *cut = malloc(n ? n : 1); // of its own length: reads past it are seen
            memcpy(cut, bytes, n);
            assert_int_not_equal(parse(&l, cut, n), MMS_OK);
            free(cut);
        }
        for (size_t at = 0; at < size; at++)
            for (int flip = 1; flip < 256; flip = flip < 128 ? flip * 2 : flip + 127) {
                bytes[at] ^= (uint8_t)flip;
                (void)!parse(&l, bytes, size);
                bytes[at] ^= (uint8_t)flip;
            }
        free(bytes);
        forget(&l);
    }
}

static void short_files_are_named(void **state)
{
    layout l = {.shape_of_row = NULL};
    mms_tiles *t;
    mms_error err;

    (void)state;
    seed = 77;
    do {
        free(l.shape_of_row);
        choose(&l, "table", 4);
    } while (strcmp(l.what.type, "TiledColumnStMan"));
    t = create(&l);
    write_all(&l, t);
    close_tiles(t);
    assert_int_equal(truncate("table/table.f4_TSM0", 3), 0);
    assert_int_equal(mms_tiles_open(&l.what, &t, &err), MMS_ERR_TABLE);
    assert_non_null(strstr(err.msg, "table/table.f4_TSM0"));
    assert_int_equal(unlink("table/table.f4_TSM0"), 0);
    assert_int_equal(mms_tiles_open(&l.what, &t, &err), MMS_ERR_NOT_FOUND);
    assert_non_null(strstr(err.msg, "table/table.f4_TSM0"));
    forget(&l);
}

/** A shape of numbers of eight bytes. */
static void put_wide_shape(mms_bytes *b, int64_t first, int64_t second)
{
    const int64_t object = mms_bytes_begin(b, "IPosition", 2);
    mms_bytes_number(b, 2, 4);
    mms_bytes_number(b, (uint64_t)first, 8);
    mms_bytes_number(b, (uint64_t)second, 8);
    mms_bytes_end(b, object);
}

static void put_empty_record(mms_bytes *b)
{
    const int64_t record = mms_bytes_begin(b, "Record", 1);
    const int64_t desc = mms_bytes_begin(b, "RecordDesc", 2);
    mms_bytes_number(b, 0, 4);
    mms_bytes_end(b, desc);
    mms_bytes_number(b, 1, 4);
    mms_bytes_end(b, record);
}

/** What casacore writes of tables above 2^32 rows: version 3, with counts of eight bytes; offsets
 *  and lengths as above 2 GiB.  Three rows of two floats from byte at on. */
static void put_wide_header(mms_bytes *b, int64_t at)
{
    mms_bytes_magic(b);
    const int64_t object = mms_bytes_begin(b, "TiledColumnStMan", 1);
    put_wide_shape(b, 2, 8);
    const int64_t base = mms_bytes_begin(b, "TiledStMan", 3);
    mms_bytes_number(b, 0, 1); // little endian
    mms_bytes_number(b, 5, 4); // sequence number
    mms_bytes_number(b, 3, 8); // rows
    mms_bytes_number(b, 1, 4); // columns
    mms_bytes_number(b, 7, 4); // float
    mms_bytes_text(b, "Tiled");
    mms_bytes_number(b, 0, 8); // cache
    mms_bytes_number(b, 2, 4); // axes
    mms_bytes_number(b, 1, 8); // files
    mms_bytes_number(b, 1, 1);
    mms_bytes_number(b, 2, 4);
    mms_bytes_number(b, 0, 4);
    mms_bytes_number(b, (uint64_t)at + 64, 8);
    mms_bytes_number(b, 1, 8); // cubes
    mms_bytes_number(b, 2, 4);
    put_empty_record(b);
    mms_bytes_number(b, 1, 1);
    mms_bytes_number(b, 2, 4);
    put_wide_shape(b, 2, 3);
    put_wide_shape(b, 2, 8);
    mms_bytes_number(b, 0, 4);
    mms_bytes_number(b, (uint64_t)at, 8);
    mms_bytes_end(b, base);
    mms_bytes_end(b, object);
}

static void wide_headers_are_read(void **state)
{
    const int64_t at = INT64_C(5) << 30; // a hole before it
    const float want[16] = {1, 2, 3, 4, 5, 6};
    const mms_tiles_column column = {
        .name = "UVW", .dtype = MMS_DT_FLOAT, .fixed = true, .ndim = 1, .shape = {2}};
    const mms_tiles_what what = {.table = "table",
                                 .type = "TiledColumnStMan",
                                 .name = "Tiled",
                                 .sequence = 5,
                                 .nrow = 3,
                                 .ncolumn = 1,
                                 .columns = &column};
    const mms_rows all = {0, 3};
    mms_bytes header = {0};
    mms_tiles *t;
    float got[6];
    mms_error err;

    (void)state;
    assert_int_equal(mkdir("table", 0755), 0);
    put_wide_header(&header, at);
    check_ok(mms_bytes_write(&header, "table/table.f5", &err), &err);
    free(header.bytes);
    FILE *out = fopen("table/table.f5_TSM0", "w");
    assert_non_null(out);
    assert_int_equal(fseeko(out, at, SEEK_SET), 0);
    assert_int_equal(fwrite(want, sizeof want, 1, out), 1);
    assert_int_equal(fclose(out), 0);
    check_ok(mms_tiles_open(&what, &t, &err), &err);
    check_ok(mms_tiles_read(t, 0, 1, &all, 6, got, &err), &err);
    assert_memory_equal(got, want, sizeof got);
    mms_tiles_drop(&t);
    assert_int_equal(mms_remove_tree("table", NULL), MMS_OK);
}

/* ---- places for shared blocks -----------------------------------------------------------------*/

enum { BLOCK = 4096, SHARED_ROWS = 6000, SHARED_RUNS = 40 };

/** A manager with one column whose cells are floats [64][4] or flags, in whole tiles or cut ones.
 */
static void choose_shared(layout *l, const char *table, mms_dtype dtype, const char *type)
{
    memset(l, 0, sizeof *l);
    strcpy(l->table, table);
    l->what = (mms_tiles_what){.table = l->table,
                               .type = type,
                               .name = "Tiled",
                               .nrow = SHARED_ROWS,
                               .ndim = 2,
                               .ncolumn = 1,
                               .columns = l->columns};
    l->columns[0] = (mms_tiles_column){"DATA", dtype, true, 2, {64, 4}};
    l->nshape = 1;
    memcpy(l->shapes[0], l->columns[0].shape, sizeof l->shapes[0]);
    l->shape_of_row = mms_alloc(SHARED_ROWS, sizeof *l->shape_of_row);
    assert_non_null(l->shape_of_row);
}

static mms_tiles *create_shared(const layout *l, const int64_t *tile, mms_tiles_share **plan)
{
    mms_tiles *t;
    mms_error err;

    mkdir(l->table, 0755);
    check_ok(mms_tiles_create(&l->what, &t, &err), &err);
    if (plan)
        check_ok(mms_tiles_use_share(t, plan, &err), &err);
    check_ok(mms_tiles_add_shape(t, 2, l->shapes[0], tile, &err), &err);
    return t;
}

static mms_tiles *fill_shared(const layout *l, const int64_t *tile)
{
    mms_tiles *t = create_shared(l, tile, NULL);
    const mms_shape_run all = {{0, SHARED_ROWS}, 2, {64, 4}};
    mms_error err;

    check_ok(mms_tiles_define(t, &all, &err), &err);
    write_rows(l, t, 0, 0, SHARED_ROWS - 1);
    close_tiles(t);
    return open_again(l);
}

/** Runs of the input with rows left out between them. */
static int64_t choose_runs(mms_rows *runs, int64_t nrun, int64_t longest)
{
    int64_t n = 0, row = some(1, 50);

    for (int64_t i = 0; i < nrun; i++) {
        runs[i] = (mms_rows){row, some(1, longest)};
        row += runs[i].count + some(1, 7);
        n += runs[i].count;
    }
    assert_true(row < SHARED_ROWS);
    return n;
}

/** Where a row's bytes begin, from the start of its block. */
static int64_t in_block(const mms_tiles *t, int64_t row)
{
    const place p = place_of(t, row, 1);
    return (p.cube->at + p.position * row_bits(t, p.cube, 0) / 8) % BLOCK;
}

/** Copy runs with a plan; returns the output, read again. */
static mms_tiles *copy_with_plan(const layout *in, const mms_tiles *from, layout *out,
                                 const int64_t *tile, int64_t nrun, const mms_rows *runs)
{
    const bool gaps = !strcmp(in->what.type, "TiledShapeStMan");
    mms_tiles_share *plan;
    mms_error err;
    int64_t first = 0;

    check_ok(mms_tiles_share_create(BLOCK, gaps, &plan, &err), &err);
    for (int64_t i = 0; i < nrun; first += runs[i++].count)
        check_ok(mms_tiles_share_add(plan, from, runs[i], first, &err), &err);
    out->what.nrow = first;
    out->what.share = BLOCK;
    mms_tiles *t = create_shared(out, tile, &plan);
    assert_null(plan);
    for (int64_t row = 0, n; row < first; row += n) { // in pieces, as blocks are
        n = some(1, 400);
        n = n < first - row ? n : first - row;
        const mms_shape_run run = {{row, n}, 2, {64, 4}};
        check_ok(mms_tiles_define(t, &run, &err), &err);
    }
    check_ok(mms_tiles_copy(from, 0, nrun, runs, t, 0, 0, &err), &err);
    close_tiles(t);
    return open_again(out);
}

static void check_copy(const layout *in, const mms_tiles *out, int64_t nrun, const mms_rows *runs)
{
    const size_t size = mms_dtype_size(in->columns[0].dtype);
    int64_t first = 0, nvalue;
    mms_error err;

    for (int64_t i = 0; i < nrun; first += runs[i++].count) {
        const mms_rows rows = {first, runs[i].count};
        uint8_t *want = expected(in, 0, 1, &runs[i], &nvalue);
        uint8_t *got = mms_alloc(nvalue, size);
        assert_non_null(got);
        check_ok(mms_tiles_read(out, 0, 1, &rows, nvalue, got, &err), &err);
        assert_memory_equal(got, want, (size_t)nvalue * size);
        free(want);
        free(got);
    }
}

/** Runs begin at the same place of a block in both files, and few places stay free. */
static void rows_lie_as_in_the_input(void **state)
{
    static const int64_t whole[] = {100, 64, 4};
    mms_rows runs[SHARED_RUNS];
    layout in, out;

    (void)state;
    seed = 16;
    choose_shared(&in, "in", MMS_DT_FLOAT, "TiledShapeStMan");
    choose_shared(&out, "out", MMS_DT_FLOAT, "TiledShapeStMan");
    mms_tiles *from = fill_shared(&in, whole);
    const int64_t n = choose_runs(runs, SHARED_RUNS, 80);
    mms_tiles *t = copy_with_plan(&in, from, &out, whole, SHARED_RUNS, runs);
    check_copy(&in, t, SHARED_RUNS, runs);
    int64_t alike = 0, wide = 0, first = 0;
    for (int64_t i = 0; i < SHARED_RUNS; first += runs[i++].count)
        if (runs[i].count >= 20) {
            wide++;
            alike += in_block(from, runs[i].first) == in_block(t, first);
        }
    assert_true(wide > 10 && alike > wide / 2);
    assert_true(t->cubes[1]->nrow > n && t->cubes[1]->nrow <= n + n / 50);
    mms_tiles_drop(&t);
    mms_tiles_drop(&from);
    forget(&in);
    forget(&out);
}

/** One run of a manager of each kind; free places before it never stand in one interval alone. */
static void one_run_lies_as_in_the_input(void **state)
{
    static const int64_t tiles[][3] = {{100, 64, 4}, {16, 8, 4}, {7, 64, 4}};
    static const char *const types[] = {"TiledShapeStMan", "TiledColumnStMan"};
    static const mms_dtype dtypes[] = {MMS_DT_FLOAT, MMS_DT_BOOL};
    const mms_rows run = {1233, 4000};

    (void)state;
    for (int i = 0; i < 12; i++) {
        layout in, out;
        const int64_t *tile = tiles[i % 3];
        choose_shared(&in, "in", dtypes[i / 3 % 2], types[i / 6]);
        choose_shared(&out, "out", dtypes[i / 3 % 2], types[i / 6]);
        mms_tiles *from = fill_shared(&in, tile);
        mms_tiles *t = copy_with_plan(&in, from, &out, tile, 1, &run);
        check_copy(&in, t, 1, &run);
        if (is_linear(t, place_of(t, 0, 1).cube, 0))
            assert_int_equal(in_block(from, run.first), in_block(t, 0));
        if (t->by_span && t->spans[0].position > t->spans[0].last)
            assert_true(t->nspan > 1);
        if (t->by_span && tile[1] < 64)
            assert_int_equal(place_of(t, 0, 1).position % tile[0], run.first % tile[0]);
        mms_tiles_drop(&t);
        mms_tiles_drop(&from);
        forget(&in);
        forget(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_layouts_come_back),
        cmocka_unit_test(cells_are_changed_where_they_are),
        cmocka_unit_test(threads_change_rows_of_one_byte),
        cmocka_unit_test(copies_between_layouts),
        cmocka_unit_test(long_runs_are_copied),
        cmocka_unit_test(cells_are_compared_in_place),
        cmocka_unit_test(files_may_be_cut_while_they_are_compared),
        cmocka_unit_test(threads_write_different_rows),
        cmocka_unit_test(lanes_write_the_same_files),
        cmocka_unit_test(whole_tiles_are_moved),
        cmocka_unit_test(flags_are_one_run_of_bits),
        cmocka_unit_test(damaged_headers_are_refused),
        cmocka_unit_test(short_files_are_named),
        cmocka_unit_test(wide_headers_are_read),
        cmocka_unit_test(rows_lie_as_in_the_input),
        cmocka_unit_test(one_run_lies_as_in_the_input),
    };
    return cmocka_run_group_tests(tests, enter_scratch, leave_scratch);
}
