/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file compare.c  Compares the cells of one column over pairs of rows. */
#include "compare_priv.h"

#include <assert.h>
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base_priv.h"
#include "base/lanes_priv.h"
#include "match_priv.h"

/** Bytes of a column that are compared at once: both sides stay in the caches; casacore has tiles
 * of its own there, and takes long to begin. */
enum { BLOCK_BYTES = 512 << 10, DIRECT_BLOCK_BYTES = 384 << 10 };
/** A run of fewer bytes is read: to map it takes longer. */
enum { LEAST_IN_PLACE = 128 << 10, LEAST_FOR_THREADS = 8 << 20 };

/** Rows of the pairs that are compared, and where they go. */
typedef struct row_lists {
    int32_t shape_a[MMS_COMPARE_ROWS], shape_b[MMS_COMPARE_ROWS]; /**< by pair */
    int32_t expected[MMS_COMPARE_ROWS];                           /**< shape that b must have */
    int64_t a[MMS_COMPARE_ROWS], b[MMS_COMPARE_ROWS];             /**< pairs of one shape */
    int64_t read[MMS_COMPARE_ROWS];                               /**< ascending rows */
    int64_t place[MMS_COMPARE_ROWS]; /**< of pair i in what was read of B */
    mms_row_pair order[MMS_COMPARE_ROWS];
    int64_t nordered; /**< rows of b that read and place were made for */
    int64_t ordered[MMS_COMPARE_ROWS];
} row_lists;

/** A run of pairs whose cells have one shape, in memory. */
typedef struct cell_block {
    int64_t n;
    const int64_t *a, *b, *place;
    mms_shape shape; /**< of b */
    const uint8_t *data_a, *data_b;
} cell_block;

static bool differ(double a, double b, double rtol, double atol)
{
    const double most = fmax(fabs(a), fabs(b));

    if (a == b || (isnan(a) && isnan(b)))
        return false;
    return isinf(most) || !(fabs(a - b) <= atol + rtol * most);
}

static bool complex_differ(const double a[2], const double b[2], double rtol, double atol)
{
    const double most = fmax(hypot(a[0], a[1]), hypot(b[0], b[1]));

    if ((a[0] == b[0] && a[1] == b[1]) ||
        ((isnan(a[0]) || isnan(a[1])) && (isnan(b[0]) || isnan(b[1]))))
        return false;
    return isinf(most) || !(hypot(a[0] - b[0], a[1] - b[1]) <= atol + rtol * most);
}

/** The numbers of element i: one, or two of a complex column. */
static void load(mms_dtype dtype, const void *data, int64_t i, double v[2])
{
    const float *const f = data;
    const double *const d = data;

    v[1] = 0;
    switch (dtype) {
    case MMS_DT_FLOAT:
        v[0] = (double)f[i];
        break;
    case MMS_DT_DOUBLE:
        v[0] = d[i];
        break;
    case MMS_DT_COMPLEX:
        v[0] = (double)f[2 * i];
        v[1] = (double)f[2 * i + 1];
        break;
    default:
        v[0] = d[2 * i];
        v[1] = d[2 * i + 1];
        break;
    }
}

static bool is_floating(mms_dtype dtype)
{
    return dtype == MMS_DT_FLOAT || dtype == MMS_DT_DOUBLE || dtype == MMS_DT_COMPLEX ||
           dtype == MMS_DT_DCOMPLEX;
}

/** Whether unlike bits are NaN on both sides, in each part of a complex number that differs. */
static bool same_nan(mms_dtype dtype, const void *a, const void *b, int64_t i)
{
    double va[2], vb[2];

    load(dtype, a, i, va);
    load(dtype, b, i, vb);
    for (int k = 0; k < 2; k++)
        if (memcmp(&va[k], &vb[k], sizeof va[k]) && !(isnan(va[k]) && isnan(vb[k])))
            return false;
    return true;
}

static bool element_differs(mms_dtype dtype, double rtol, double atol, const void *a, const void *b,
                            int64_t i)
{
    const size_t size = mms_dtype_size(dtype), at = (size_t)i * size;
    double va[2], vb[2];

    if (!memcmp((const char *)a + at, (const char *)b + at, size))
        return false;
    if (!is_floating(dtype))
        return true;
    if (rtol == 0 && atol == 0)
        return !same_nan(dtype, a, b, i);
    load(dtype, a, i, va);
    load(dtype, b, i, vb);
    if (dtype == MMS_DT_COMPLEX || dtype == MMS_DT_DCOMPLEX)
        return complex_differ(va, vb, rtol, atol);
    return differ(va[0], vb[0], rtol, atol);
}

int64_t mms_count_differences(mms_dtype dtype, double rtol, double atol, int64_t n, const void *a,
                              const void *b, int64_t *first)
{
    int64_t count = 0;

    for (int64_t i = 0; i < n; i++)
        if (element_differs(dtype, rtol, atol, a, b, i)) {
            if (count == 0)
                *first = i;
            count++;
        }
    return count;
}

static void value_text(mms_dtype dtype, const void *data, int64_t i, size_t size, char *text)
{
    const size_t width = mms_dtype_size(dtype);
    int64_t whole = 0;
    double v[2];

    if (is_floating(dtype)) {
        const int digits = dtype == MMS_DT_FLOAT || dtype == MMS_DT_COMPLEX ? 9 : 17;
        load(dtype, data, i, v);
        if (dtype == MMS_DT_COMPLEX || dtype == MMS_DT_DCOMPLEX)
            snprintf(text, size, "(%.*g,%.*g)", digits, v[0], digits, v[1]);
        else
            snprintf(text, size, "%.*g", digits, v[0]);
        return;
    }
    memcpy(&whole, (const char *)data + (size_t)i * width, width);
    if (dtype == MMS_DT_SHORT)
        whole = (int16_t)whole;
    else if (dtype == MMS_DT_INT)
        whole = (int32_t)whole;
    snprintf(text, size, "%" PRId64, whole);
}

/** "[3,1]" for element i of a cell; "" for scalars. */
static void place_text(const mms_shape *shape, int64_t i, size_t size, char *text)
{
    mms_shape place = {.ndim = shape->ndim};

    for (int32_t k = shape->ndim; k-- > 0;) {
        place.size[k] = i % shape->size[k];
        i /= shape->size[k];
    }
    if (shape->ndim == 0)
        *text = '\0';
    else
        mms_shape_text(&place, size, text);
}

/** Add a finding about one pair of cells. */
static void found(mms_column_pair *column, int64_t a, int64_t b, const char *place, const char *va,
                  const char *vb)
{
    column->rows++;
    if (!mms_check_keeps(column->check)) {
        mms_check_skip(column->check);
        return;
    }
    mms_check_add(column->check,
                  json_pack("{s:s, s:I, s:I, s:s, s:s, s:s}", "column", column->name_b, "row_a",
                            (json_int_t)a, "row_b", (json_int_t)b, "element", place, "a", va, "b",
                            vb),
                  "%s row %" PRId64 " / %" PRId64 "%s%s: %s / %s", column->name_b, a, b,
                  *place ? " " : "", place, va, vb);
}

static void compare_pair(mms_column_pair *column, const cell_block *block, int64_t i,
                         int64_t elements, size_t cell)
{
    const uint8_t *const a = block->data_a + (size_t)i * cell;
    const uint8_t *const b = block->data_b + (size_t)block->place[i] * cell;
    char place[128], va[80], vb[80];
    int64_t first = 0;

    if (!memcmp(a, b, cell))
        return;
    const int64_t n =
        mms_count_differences(column->dtype, column->rtol, column->atol, elements, a, b, &first);
    if (n == 0)
        return;
    column->values += n;
    place_text(&block->shape, first, sizeof place, place);
    value_text(column->dtype, a, first, sizeof va, va);
    value_text(column->dtype, b, first, sizeof vb, vb);
    found(column, block->a[i], block->b[i], place, va, vb);
}

static void compare_block(mms_column_pair *column, const cell_block *block)
{
    const int64_t elements = mms_shape_elements(&block->shape);
    const size_t cell = (size_t)elements * mms_dtype_size(column->dtype);
    bool in_step = true;

    for (int64_t i = 0; i < block->n && in_step; i++)
        in_step = block->place[i] == i;
    if (in_step && !memcmp(block->data_a, block->data_b, (size_t)block->n * cell))
        return;
    for (int64_t i = 0; i < block->n; i++)
        compare_pair(column, block, i, elements, cell);
}

static mms_status reserve(void **buffer, int64_t *bytes, int64_t wanted, mms_error *err)
{
    if (wanted <= *bytes)
        return MMS_OK;
    free(*buffer);
    *buffer = mms_alloc(wanted, 1);
    *bytes = *buffer ? wanted : 0;
    return *buffer ? MMS_OK
                   : mms_fail(err, MMS_ERR_MEM, "%" PRId64 " bytes: out of memory", wanted);
}

/** Put the rows of b in ascending order into read, and where each pair's row is into place.  The
 *  rows are often those of the column before. */
static void order_rows(row_lists *lists, int64_t n, const int64_t *b)
{
    if (n == lists->nordered && !memcmp(b, lists->ordered, (size_t)n * sizeof *b))
        return;
    for (int64_t i = 0; i < n; i++)
        lists->order[i] = (mms_row_pair){(uint64_t)b[i], (uint32_t)i, 0};
    mms_sort_pairs(n, lists->order);
    for (int64_t i = 0; i < n; i++) {
        lists->read[i] = (int64_t)lists->order[i].key;
        lists->place[lists->order[i].a] = i;
    }
    memcpy(lists->ordered, b, (size_t)n * sizeof *b);
    lists->nordered = n;
}

/** What is expected of this column to be unlike A; NULL: nothing. */
static const mms_expected *changes(const mms_compare *c, const mms_column_pair *column)
{
    const mms_expected *const e = c->expected;

    return e && e->changes(e->ctx, column->name_b) ? e : NULL;
}

/** Read cells [ncorr] of row_a into each channel of cells [nchan][ncorr]. */
static mms_status read_repeated(mms_compare *c, const mms_column_pair *column,
                                const mms_shape *shape, int64_t n, const int64_t *a, mms_error *err)
{
    const int64_t ncorr = shape->size[shape->ndim - 1], cell = mms_shape_elements(shape);
    const size_t size = mms_dtype_size(column->dtype), bytes = (size_t)ncorr * size;
    uint8_t *const rows = mms_alloc(n * ncorr, size);
    uint8_t *to = c->buffer_a;
    mms_status st = rows ? mms_rowset_read(c->a, column->row_a, n, a, n * ncorr, rows, err)
                         : mms_fail(err, MMS_ERR_MEM, "%s: out of memory", column->row_a);

    for (int64_t i = 0; st == MMS_OK && i < n; i++)
        for (int64_t k = 0; k < cell; k += ncorr, to += bytes)
            memcpy(to, rows + (size_t)i * bytes, bytes);
    free(rows);
    return st;
}

/** Read and compare pairs whose cells have one shape each. */
static mms_status compare_run(mms_compare *c, mms_column_pair *column, int32_t number_a,
                              int32_t number_b, int64_t n, const int64_t *a, const int64_t *b,
                              mms_error *err)
{
    const mms_expected *const expected = changes(c, column);
    row_lists *const lists = c->rows;
    const mms_shape shape_a = c->shapes.shapes[number_a];
    const int64_t size = (int64_t)mms_dtype_size(column->dtype);
    cell_block block = {n, a, b, lists->place, c->shapes.shapes[number_b], NULL, NULL};
    const int64_t values_a = n * mms_shape_elements(&shape_a);
    const int64_t values_b = n * mms_shape_elements(&block.shape);
    mms_status st;

    MMS_TRY(reserve(&c->buffer_a, &c->bytes_a, values_a * size, err));
    MMS_TRY(reserve(&c->buffer_b, &c->bytes_b, values_b * size, err));
    MMS_TRY(column->row_a
                ? read_repeated(c, column, &shape_a, n, a, err)
                : mms_rowset_read(c->a, column->name_a, n, a, values_a, c->buffer_a, err));
    order_rows(lists, n, b);
    MMS_TRY(mms_rowset_read(c->b, column->name_b, n, lists->read, values_b, c->buffer_b, err));
    block.data_a = c->buffer_a;
    block.data_b = c->buffer_b;
    if (expected) {
        MMS_TRY(reserve(&c->buffer_e, &c->bytes_e, values_b * size, err));
        expected->cells(expected->ctx, column->name_b, &shape_a, column->dtype, n, c->buffer_a,
                        c->buffer_e);
        block.data_a = c->buffer_e;
    }
    compare_block(column, &block);
done:
    return st;
}

/** Return how many of the listed pairs from i on follow each other on both sides. */
static int64_t run_of_pairs(const row_lists *lists, int64_t i, int64_t n, int64_t most)
{
    int64_t count = 1;

    while (count < most && i + count < n && lists->a[i + count] == lists->a[i] + count &&
           lists->b[i + count] == lists->b[i] + count)
        count++;
    return count;
}

/** Pairs that are compared in place. */
typedef struct in_place {
    int64_t i, n; /**< from pair i on */
    mms_stored a, b;
    mms_rows rows; /**< of a, as its member counts */
    int64_t first_b;
    bool same;
} in_place;

/** Runs of pairs that threads take one by one. */
typedef struct place_list {
    int64_t n, capacity;
    in_place *runs;
    atomic_int_fast64_t next;
} place_list;

static mms_status compare_in_place(void *ctx, mms_lanes *lanes, int number, int64_t *piece,
                                   mms_error *err)
{
    place_list *const list = ctx;

    (void)lanes;
    (void)number;
    (void)piece;
    (void)err;
    for (int64_t i; (i = atomic_fetch_add(&list->next, 1)) < list->n;) {
        in_place *const p = &list->runs[i];
        int64_t place_a, place_b;
        const mms_tiles *a = p->a.kind ? mms_stored_tiles(&p->a, &place_a) : NULL;
        const mms_tiles *b = p->b.kind ? mms_stored_tiles(&p->b, &place_b) : NULL;
        p->same = a && b && mms_tiles_same(a, place_a, p->rows, b, place_b, p->first_b);
    }
    return MMS_OK;
}

/** Cut the listed pairs into runs that follow each other in one member of both sides. */
static mms_status list_runs(mms_compare *c, const mms_column_pair *column, int64_t cell, int64_t n,
                            place_list *list, mms_error *err)
{
    const row_lists *const lists = c->rows;
    const int64_t most = BLOCK_BYTES / cell > 0 ? BLOCK_BYTES / cell : 1;
    mms_status st = MMS_OK;

    for (int64_t i = 0; i < n;) {
        in_place p = {.i = i, .n = run_of_pairs(lists, i, n, most)};
        if (p.n * cell >= LEAST_IN_PLACE) {
            mms_rows local;
            MMS_TRY(mms_rowset_find(c->a, column->name_a, (mms_rows){lists->a[i], p.n}, &p.a,
                                    &p.rows, err));
            MMS_TRY(mms_rowset_find(c->b, column->name_b, (mms_rows){lists->b[i], p.rows.count},
                                    &p.b, &local, err));
            p.n = p.rows.count = local.count;
            p.first_b = local.first;
        }
        MMS_TRY(mms_grow(&list->runs, &list->capacity, list->n + 1, sizeof *list->runs, err));
        list->runs[list->n++] = p;
        i += p.n;
    }
done:
    return st;
}

/** Take pairs off the lists whose cells hold the same bytes, as far as that is seen in place. */
static mms_status drop_same(mms_compare *c, const mms_column_pair *column, int64_t cell, int64_t *n,
                            mms_error *err)
{
    row_lists *const lists = c->rows;
    const bool many = *n * cell >= LEAST_FOR_THREADS;
    place_list list = {0};
    int64_t left = 0;
    mms_status st;

    MMS_TRY(list_runs(c, column, cell, *n, &list, err));
    MMS_TRY(mms_lanes_run(many && c->threads > 1 ? c->threads : 1, compare_in_place, &list, err));
    for (int64_t r = 0; r < list.n; r++)
        for (int64_t i = list.runs[r].i; !list.runs[r].same && i < list.runs[r].i + list.runs[r].n;
             i++, left++) {
            lists->a[left] = lists->a[i];
            lists->b[left] = lists->b[i];
        }
    *n = left;
done:
    free(list.runs);
    return st;
}

/** Compare the listed pairs of one shape in blocks. */
static mms_status compare_shape(mms_compare *c, mms_column_pair *column, int32_t a, int32_t b,
                                int64_t n, mms_error *err)
{
    const row_lists *const lists = c->rows;
    const int64_t cell_a = mms_shape_elements(&c->shapes.shapes[a]);
    const int64_t cell_b = mms_shape_elements(&c->shapes.shapes[b]);
    const int64_t cell =
        (cell_a > cell_b ? cell_a : cell_b) * (int64_t)mms_dtype_size(column->dtype);
    const int64_t bytes = c->a->direct && c->b->direct ? DIRECT_BLOCK_BYTES : BLOCK_BYTES;
    const int64_t most = cell == 0 || bytes / cell == 0 ? 1 : bytes / cell;
    mms_status st = MMS_OK;

    if (cell_b == 0)
        return MMS_OK; // undefined or empty on both sides
    if (c->a->direct && c->b->direct && !column->row_a && !changes(c, column))
        st = drop_same(c, column, cell, &n, err);
    for (int64_t i = 0; i < n && st == MMS_OK; i += most)
        st = compare_run(c, column, a, b, n - i < most ? n - i : most, lists->a + i, lists->b + i,
                         err);
    return st;
}

static bool has_no_values(const mms_compare *c, int32_t shape)
{
    return mms_shape_elements(&c->shapes.shapes[shape]) == 0;
}

/** Number the shapes that b's cells must have. */
static mms_status expect_shapes(mms_compare *c, const mms_column_pair *column, int64_t n,
                                mms_error *err)
{
    const mms_expected *const expected = changes(c, column);
    row_lists *const lists = c->rows;

    memcpy(lists->expected, lists->shape_a, (size_t)n * sizeof lists->expected[0]);
    for (int64_t i = 0; c->expected && i < n; i++) // a tiled manager has no cells without values
        if (has_no_values(c, lists->shape_a[i]) && has_no_values(c, lists->shape_b[i]))
            lists->expected[i] = lists->shape_b[i];
    for (int64_t i = 0; expected && i < n; i++) {
        if (i > 0 && lists->shape_a[i] == lists->shape_a[i - 1]) {
            lists->expected[i] = lists->expected[i - 1];
            continue;
        }
        mms_shape shape = c->shapes.shapes[lists->shape_a[i]];
        expected->shape(expected->ctx, column->name_b, &shape);
        lists->expected[i] = mms_shape_number(&c->shapes, &shape);
        if (lists->expected[i] < 0)
            return mms_fail(err, MMS_ERR_MEM, "cell shapes: out of memory");
    }
    return MMS_OK;
}

static mms_status read_shapes(mms_compare *c, const mms_column_pair *column, int64_t n,
                              const int64_t *a, const int64_t *b, mms_error *err)
{
    row_lists *const lists = c->rows;
    mms_status st;

    MMS_TRY(mms_rowset_shapes(c->a, column->name_a, n, a, &c->shapes, lists->shape_a, err));
    order_rows(lists, n, b);
    MMS_TRY(
        mms_rowset_shapes(c->b, column->name_b, n, lists->read, &c->shapes, lists->expected, err));
    for (int64_t i = 0; i < n; i++)
        lists->shape_b[i] = lists->expected[lists->place[i]];
    MMS_TRY(expect_shapes(c, column, n, err));
done:
    return st;
}

static void report_shapes(const mms_compare *c, mms_column_pair *column, int64_t n,
                          const int64_t *a, const int64_t *b)
{
    const row_lists *const lists = c->rows;

    for (int64_t i = 0; i < n; i++) {
        char want[128], have[128];
        if (lists->expected[i] == lists->shape_b[i])
            continue;
        mms_shape_text(&c->shapes.shapes[lists->expected[i]], sizeof want, want);
        mms_shape_text(&c->shapes.shapes[lists->shape_b[i]], sizeof have, have);
        found(column, a[i], b[i], "shape", want, have);
    }
}

static mms_status compare_texts(mms_compare *c, mms_column_pair *column, int64_t n,
                                const int64_t *a, const int64_t *b, mms_error *err)
{
    const row_lists *const lists = c->rows;
    mms_value *va = NULL, *vb = NULL;
    mms_status st = MMS_OK;

    for (int64_t i = 0; i < n; i++) {
        if (lists->expected[i] != lists->shape_b[i])
            continue;
        MMS_TRY(mms_rowset_cell(c->a, column->name_a, a[i], &va, err));
        MMS_TRY(mms_rowset_cell(c->b, column->name_b, b[i], &vb, err));
        if (!json_equal(va, vb)) {
            char *const ta = mms_value_text(va, 0);
            char *const tb = mms_value_text(vb, 0);
            column->values++;
            found(column, a[i], b[i], "", ta ? ta : "?", tb ? tb : "?");
            free(ta);
            free(tb);
        }
        mms_value_free(&va);
        mms_value_free(&vb);
    }
done:
    mms_value_free(&va);
    mms_value_free(&vb);
    return st;
}

/** Compare all pairs from the first one that is not done yet and has its shapes. */
static mms_status compare_like(mms_compare *c, mms_column_pair *column, int64_t from, int64_t n,
                               const int64_t *a, const int64_t *b, mms_error *err)
{
    row_lists *const lists = c->rows;
    const int32_t shape_a = lists->shape_a[from], shape_b = lists->shape_b[from];
    int64_t m = 0;

    assert(shape_a >= 0); // not done
    for (int64_t i = from; i < n; i++) {
        if (lists->shape_a[i] != shape_a || lists->shape_b[i] != shape_b)
            continue;
        lists->a[m] = a[i];
        lists->b[m++] = b[i];
        lists->shape_a[i] = -1; // done
    }
    return compare_shape(c, column, shape_a, shape_b, m, err);
}

mms_status mms_compare_rows(mms_compare *c, mms_column_pair *column, int64_t n, const int64_t *a,
                            const int64_t *b, mms_error *err)
{
    mms_status st = MMS_OK;

    assert(n >= 0 && n <= MMS_COMPARE_ROWS);
    if (!c->rows && !(c->rows = mms_alloc(1, sizeof(row_lists))))
        return mms_fail(err, MMS_ERR_MEM, "lists of rows: out of memory");
    const row_lists *const lists = c->rows;
    MMS_TRY(read_shapes(c, column, n, a, b, err));
    report_shapes(c, column, n, a, b);
    if (column->dtype == MMS_DT_STRING || column->dtype == MMS_DT_OTHER) {
        MMS_TRY(compare_texts(c, column, n, a, b, err));
        goto done;
    }
    for (int64_t i = 0; i < n; i++)
        if (lists->shape_a[i] >= 0 && lists->expected[i] == lists->shape_b[i])
            MMS_TRY(compare_like(c, column, i, n, a, b, err));
done:
    return st;
}

/** Pairs and the groups that they are in. */
typedef struct group_lists {
    int64_t a[MMS_COMPARE_ROWS], b[MMS_COMPARE_ROWS];
    int64_t group_a[MMS_COMPARE_ROWS], group_b[MMS_COMPARE_ROWS];
} group_lists;

/** Collect the pairs from the first one that is not done yet and is in its groups. */
static int64_t collect_group(group_lists *lists, int64_t from, int64_t n, const int64_t *a,
                             const int64_t *b)
{
    const int64_t group_a = lists->group_a[from], group_b = lists->group_b[from];
    int64_t m = 0;

    assert(group_a >= 0); // not done
    for (int64_t i = from; i < n; i++) {
        if (lists->group_a[i] != group_a || lists->group_b[i] != group_b)
            continue;
        lists->a[m] = a[i];
        lists->b[m++] = b[i];
        lists->group_a[i] = -1; // done
    }
    return m;
}

mms_status mms_each_group(mms_compare *c, int64_t n, const int64_t *a, const int64_t *b,
                          mms_pairs_fn *take, void *ctx, mms_error *err)
{
    mms_status st = MMS_OK;

    assert(n >= 0 && n <= MMS_COMPARE_ROWS);
    if (!c->groups && !(c->groups = mms_alloc(1, sizeof(group_lists))))
        return mms_fail(err, MMS_ERR_MEM, "lists of rows: out of memory");
    group_lists *const lists = c->groups;
    for (int64_t i = 0; i < n; i++) {
        lists->group_a[i] = mms_rowset_group(c->a, a[i]);
        lists->group_b[i] = mms_rowset_group(c->b, b[i]);
    }
    for (int64_t i = 0; i < n && st == MMS_OK; i++)
        if (lists->group_a[i] >= 0) {
            const int64_t m = collect_group(lists, i, n, a, b);
            st = take(ctx, m, lists->a, lists->b, err);
        }
    return st;
}

void mms_compare_free(mms_compare *c)
{
    free(c->groups);
    free(c->shapes.shapes);
    free(c->buffer_a);
    free(c->buffer_b);
    free(c->buffer_e);
    free(c->rows);
    *c = (mms_compare){0};
}
