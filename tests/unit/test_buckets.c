/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file test_buckets.c  lib/buckets reads what casacore reads, whatever the table went through,
 * and casacore reads what lib/buckets writes. */
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/base_priv.h"
#include "base/files_priv.h"
#include "base/stream_priv.h"
#include "buckets/write_priv.h"
#include "ms/store_priv.h"
#include "scratch.h"
#include "tables/tables_priv.h"

enum { MOST_ROWS = 3000, MOST_RANGES = 40 };

static const char *const scalars[] = {"TIME",           "TIME_CENTROID", "INTERVAL", "EXPOSURE",
                                      "ARRAY_ID",       "FEED1",         "FEED2",    "FIELD_ID",
                                      "OBSERVATION_ID", "SCAN_NUMBER",   "STATE_ID", "PROCESSOR_ID",
                                      "DATA_DESC_ID",   "ANTENNA1",      "ANTENNA2", "FLAG_ROW"};

static void check_ok(mms_status st, const mms_error *err)
{
    if (st != MMS_OK)
        fail_msg("%s", err->msg);
}

/** Managers of either type, with the scalar columns dealt out among them. */
static mms_value *choose_managers(void)
{
    static const char *const types[] = {"StandardStMan", "IncrementalStMan"};
    const int64_t n = some(1, 4);
    mms_value *list = json_array();

    for (int64_t i = 0; i < n; i++) {
        char name[32];
        snprintf(name, sizeof name, "Manager%" PRId64, i);
        json_array_append_new(list, json_pack("{s:s, s:s, s:[]}", "type", types[some(0, 1)], "name",
                                              name, "columns"));
    }
    for (int64_t i = 0; i < MMS_COUNT_OF(scalars); i++) {
        const json_t *manager = json_array_get(list, (size_t)some(0, n - 1));
        json_array_append_new(json_object_get(manager, "columns"), json_string(scalars[i]));
    }
    for (size_t i = json_array_size(list); i-- > 0;)
        if (!json_array_size(json_object_get(json_array_get(list, i), "columns")))
            json_array_remove(list, i);
    return list;
}

/** Values that stay the same for some rows; at worst none does. */
static void put_values(mms_table *t, const char *column)
{
    const mms_column *c = mms_table_find_column(t, column);
    const mms_rows all = {0, mms_table_nrow(t)};
    const size_t size = mms_dtype_size(c->dtype);
    const int64_t run = some(1, 3) == 1 ? 1 : some(2, 400);
    uint8_t *values = mms_alloc(all.count, size);
    mms_error err;

    assert_non_null(values);
    for (int64_t i = 0; i < all.count; i++) {
        const double number = (double)(mix((uint64_t)(i / run)) % 1000);
        const int32_t integer = (int32_t)number;
        if (c->dtype == MMS_DT_DOUBLE)
            memcpy(values + (size_t)i * size, &number, size);
        else if (c->dtype == MMS_DT_BOOL)
            values[i] = integer & 1;
        else
            memcpy(values + (size_t)i * size, &integer, size);
    }
    check_ok(mms_table_put(t, column, 1, &all, 0, NULL, all.count, values, &err), &err);
    free(values);
}

/** Remove single rows and runs of them. */
static void remove_some(mms_table *t)
{
    const int64_t nrow = mms_table_nrow(t), every = some(1, 60);
    int64_t *rows = mms_alloc(nrow, sizeof *rows), n = 0;
    mms_error err;

    assert_non_null(rows);
    for (int64_t row = 0; row < nrow; row++)
        if (mix((uint64_t)(row / every)) % 4 == 0)
            rows[n++] = row;
    check_ok(mms_table_remove_rows(t, n, rows, &err), &err);
    free(rows);
}

/** Make a table of the rows that are left when some were removed, and others added again. */
static void make_table(const char *path, int64_t nrow, bool remove)
{
    mms_value *managers = choose_managers();
    const mms_table_standard what = {"MAIN", NULL, managers, 0, some(0, 1)};
    mms_table *t;
    mms_error err;

    check_ok(mms_table_create_standard_as(path, &what, &t, &err), &err);
    check_ok(mms_table_add_rows(t, nrow, &err), &err);
    for (int64_t i = 0; nrow > 0 && i < MMS_COUNT_OF(scalars); i++)
        put_values(t, scalars[i]);
    if (remove) {
        remove_some(t);
        check_ok(mms_table_add_rows(t, some(1, 50), &err), &err);
        if (some(0, 1))
            put_values(t, scalars[some(0, MMS_COUNT_OF(scalars) - 1)]);
    }
    check_ok(mms_table_close(&t, &err), &err);
    json_decref(managers);
}

static mms_status open_manager(const mms_table *t, const mms_bucketed *k, mms_buckets **out,
                               mms_error *err)
{
    mms_buckets_column columns[64];
    const mms_buckets_what what = {.table = mms_table_path(t),
                                   .type = k->type,
                                   .name = k->name,
                                   .sequence = k->sequence,
                                   .nrow = mms_table_nrow(t),
                                   .big_endian = k->big_endian,
                                   .ncolumn = k->ncolumn,
                                   .columns = columns};

    for (int64_t i = 0; i < k->ncolumn; i++)
        columns[i] =
            (mms_buckets_column){k->columns[i]->name, k->columns[i]->dtype, k->columns[i]->scalar};
    return mms_buckets_open(&what, out, err);
}

/** Runs of rows in any order, of any length. */
static int64_t choose_ranges(int64_t nrow, mms_rows *ranges, int64_t *rows)
{
    const int64_t n = some(1, MOST_RANGES), longest = some(0, 2) ? some(1, 5) : nrow;

    *rows = 0;
    for (int64_t i = 0; i < n; i++) {
        const int64_t first = some(0, nrow - 1), left = nrow - first;
        ranges[i] = (mms_rows){first, some(1, left < longest ? left : longest)};
        *rows += ranges[i].count;
    }
    return n;
}

static void compare(mms_table *t, mms_buckets *b, const char *column, int64_t n,
                    const mms_rows *ranges, int64_t rows)
{
    const size_t size = mms_dtype_size(mms_table_find_column(t, column)->dtype);
    uint8_t *ours = mms_alloc(rows, size), *theirs = mms_alloc(rows, size);
    mms_error err;

    assert_true(ours && theirs);
    check_ok(mms_buckets_read(b, mms_buckets_find(b, column), n, ranges, ours, &err), &err);
    check_ok(mms_table_get(t, column, n, ranges, rows, theirs, &err), &err);
    assert_memory_equal(ours, theirs, (size_t)rows * size);
    free(ours);
    free(theirs);
}

static void check_column(mms_table *t, mms_buckets *b, const char *column)
{
    const int64_t nrow = mms_table_nrow(t);
    const mms_rows all = {0, nrow};
    mms_rows ranges[MOST_RANGES];
    int64_t rows, sampled[8];

    const int64_t nsample = mms_buckets_samples(b, mms_buckets_find(b, column), 8, sampled);
    assert_true(nsample > 0 && sampled[0] == 0 && sampled[nsample - 1] == nrow - 1);
    compare(t, b, column, 1, &all, nrow);
    for (int i = 0; i < 5; i++) {
        const int64_t n = choose_ranges(nrow, ranges, &rows);
        compare(t, b, column, n, ranges, rows);
    }
}

/** Compare all managers of a table; returns the number of columns. */
static int64_t check_table(const char *path)
{
    const mms_bucketed *list;
    int64_t n, checked = 0;
    mms_table *t;
    mms_error err;

    check_ok(mms_table_open(path, MMS_TABLE_READ, &t, &err), &err);
    check_ok(mms_table_bucketed(t, &n, &list, &err), &err);
    for (int64_t i = 0; i < n; i++) {
        mms_buckets *b;
        check_ok(open_manager(t, &list[i], &b, &err), &err);
        for (int64_t k = 0; k < list[i].ncolumn; k++) {
            const char *name = list[i].columns[k]->name;
            assert_int_equal(mms_buckets_find(b, name) < 0, !list[i].columns[k]->scalar);
            if (!list[i].columns[k]->scalar)
                continue;
            checked++;
            if (mms_table_nrow(t) > 0)
                check_column(t, b, name);
        }
        mms_buckets_close(&b);
    }
    mms_table_drop(&t);
    check_ok(mms_remove_tree(path, &err), &err);
    return checked;
}

static void what_casacore_wrote_is_read(void **state)
{
    (void)state;
    for (seed = 1; seed < 12; seed++) {
        const uint64_t first = seed;
        make_table("t", seed % 5 == 0 ? some(0, 40) : some(1, MOST_ROWS), seed % 2);
        assert_int_equal(check_table("t"), MMS_COUNT_OF(scalars));
        seed = first;
    }
}

static void few_rows_are_read(void **state)
{
    (void)state;
    for (int64_t nrow = 0; nrow < 3; nrow++)
        for (seed = 100; seed < 102; seed++) {
            const uint64_t first = seed;
            make_table("t", nrow, false);
            assert_int_equal(check_table("t"), MMS_COUNT_OF(scalars));
            seed = first;
        }
}

/** Copy the scalars of a table to another one, block by block. */
static void copy_scalars(mms_table *in, mms_table *out)
{
    const mms_store_new how = {0};
    const int64_t nrow = mms_table_nrow(in), most = some(1, 700);
    double *data = mms_alloc(most, sizeof *data);
    mms_store *store;
    mms_stored to;
    mms_error err;

    assert_non_null(data);
    check_ok(mms_store_create(out, MMS_WAY_BUCKETS, &how, &store, &err), &err);
    for (mms_rows rows = {0, 0}; rows.first < nrow; rows.first += rows.count) {
        const int64_t left = nrow - rows.first;
        rows.count = some(1, left < most ? left : most);
        for (int64_t i = 0; i < MMS_COUNT_OF(scalars); i++) {
            check_ok(mms_store_find(store, scalars[i], MMS_WANT_CELLS, &to, &err), &err);
            assert_ptr_equal(to.kind, &mms_store_buckets);
            check_ok(mms_table_get(in, scalars[i], 1, &rows, rows.count, data, &err), &err);
            check_ok(to.kind->put(&to, 1, &rows, 0, NULL, rows.count, data, &err), &err);
        }
        check_ok(mms_store_advance(store, rows.first + rows.count, &err), &err);
    }
    check_ok(mms_store_find(store, "UVW", MMS_WANT_CELLS, &to, &err), &err);
    assert_ptr_equal(to.kind, &mms_store_columns);
    check_ok(mms_store_finish(&store, &err), &err);
    assert_null(store);
    free(data);
}

/** Compare rows of two tables through casacore. */
static void same_rows(mms_table *a, mms_table *b, mms_rows rows)
{
    for (int64_t i = 0; rows.count > 0 && i < MMS_COUNT_OF(scalars); i++) {
        const size_t size = mms_dtype_size(mms_table_find_column(a, scalars[i])->dtype);
        uint8_t *have = mms_alloc(rows.count, size), *want = mms_alloc(rows.count, size);
        mms_error err;
        assert_true(have && want);
        check_ok(mms_table_get(a, scalars[i], 1, &rows, rows.count, have, &err), &err);
        check_ok(mms_table_get(b, scalars[i], 1, &rows, rows.count, want, &err), &err);
        assert_memory_equal(have, want, (size_t)rows.count * size);
        free(have);
        free(want);
    }
}

/** casacore adds rows, writes them and those that are there, and removes some. */
static void go_on(const char *path)
{
    mms_table *t;
    mms_error err;

    check_ok(mms_table_open(path, MMS_TABLE_UPDATE, &t, &err), &err);
    check_ok(mms_table_add_rows(t, some(1, 500), &err), &err);
    for (int64_t i = 0; i < 3; i++)
        put_values(t, scalars[some(0, MMS_COUNT_OF(scalars) - 1)]);
    remove_some(t);
    check_ok(mms_table_close(&t, &err), &err);
}

static void casacore_reads_what_is_written(void **state)
{
    (void)state;
    for (seed = 400; seed < 412; seed++) {
        const uint64_t first = seed;
        mms_table *in, *out;
        mms_error err;
        make_table("in", seed % 4 == 0 ? some(0, 20) : some(1, MOST_ROWS), seed % 2);
        check_ok(mms_table_open("in", MMS_TABLE_READ, &in, &err), &err);
        const mms_table_like how = {.nrow = mms_table_nrow(in), .hollow = true};
        check_ok(mms_table_create_like("t", in, &how, &out, &err), &err);
        copy_scalars(in, out);
        check_ok(mms_table_close(&out, &err), &err);
        check_ok(mms_table_open("t", MMS_TABLE_READ, &out, &err), &err);
        check_ok(mms_store_check(out, &err), &err);
        assert_int_equal(mms_table_nrow(out), how.nrow);
        same_rows(out, in, (mms_rows){0, how.nrow});
        mms_table_drop(&out);
        go_on("t");
        mms_table_drop(&in);
        check_ok(mms_remove_tree("in", &err), &err);
        assert_int_equal(check_table("t"), MMS_COUNT_OF(scalars));
        seed = first;
    }
}

/* ---- all types, without casacore --------------------------------------------------------------*/

enum { TYPES = MMS_DT_STRING, MOST_BYTES = 16 };

/** A manager with a column of each type. */
typedef struct types {
    mms_buckets_what what;
    mms_buckets_column columns[TYPES];
    int64_t offsets[TYPES];
} types;

static void choose_types(types *t, const char *type)
{
    static const char *const names[TYPES] = {"BOOL",   "UCHAR",   "SHORT",   "USHORT",
                                             "INT",    "UINT",    "INT64",   "FLOAT",
                                             "DOUBLE", "COMPLEX", "DCOMPLEX"};
    int64_t bytes = 0;

    t->what = (mms_buckets_what){.table = "t",
                                 .type = type,
                                 .name = "M",
                                 .sequence = 3,
                                 .nrow = some(0, 1500),
                                 .big_endian = some(0, 1),
                                 .ncolumn = TYPES,
                                 .columns = t->columns,
                                 .bucket_rows = 8 * some(1, 60),
                                 .offsets = t->offsets};
    for (int i = 0; i < TYPES; i++) {
        t->columns[i] = (mms_buckets_column){names[i], (mms_dtype)i, true};
        t->offsets[i] = bytes;
        const int64_t bits = i == MMS_DT_BOOL ? 1 : 8 * (int64_t)mms_dtype_size((mms_dtype)i);
        bytes += t->what.bucket_rows * bits / 8;
    }
    t->what.bucket_bytes = strcmp(type, "StandardStMan") ? some(600, 5000) : bytes + some(0, 20);
}

/** What casacore writes into table.dat. */
static void write_dat(const types *t)
{
    mms_bytes out = {0};
    mms_error err;

    mms_bytes_number(&out, 0xbebe, 2); // to be passed over
    mms_bytes_magic(&out);
    const int64_t object = mms_bytes_begin(&out, "SSM", 2);
    mms_bytes_text(&out, t->what.name);
    for (int list = 0; list < 2; list++) {
        const int64_t block = mms_bytes_begin(&out, "Block", 1);
        mms_bytes_number(&out, TYPES, 4);
        for (int i = 0; i < TYPES; i++)
            mms_bytes_number(&out, list == 0 ? (uint64_t)t->offsets[i] : 0, 4);
        mms_bytes_end(&out, block);
    }
    mms_bytes_end(&out, object);
    check_ok(mms_bytes_write(&out, "t/table.dat", &err), &err);
    free(out.bytes);
}

/** Values of a column: any bits, the same ones for some rows. */
static void fill(mms_dtype dtype, int64_t nrow, uint8_t *data)
{
    const size_t size = mms_dtype_size(dtype);

    for (int64_t i = 0; i < nrow; i++) {
        const uint64_t bits[2] = {mix((uint64_t)(i / (1 + 13 * dtype))), mix((uint64_t)i / 7)};
        memcpy(data + (size_t)i * size, bits, size);
        if (dtype == MMS_DT_BOOL)
            data[i] &= 1;
    }
}

static void write_types(const types *t, uint8_t *const *data)
{
    mms_buckets_writer *w;
    mms_error err;

    check_ok(mms_buckets_create(&t->what, &w, &err), &err);
    for (mms_rows rows = {0, 0}; rows.first < t->what.nrow; rows.first += rows.count) {
        rows.count = some(1, t->what.nrow - rows.first);
        for (int64_t i = 0; i < TYPES; i++)
            check_ok(mms_buckets_put(
                         w, i, rows,
                         data[i] + (size_t)rows.first * mms_dtype_size(t->columns[i].dtype), &err),
                     &err);
        if (some(0, 3))
            check_ok(mms_buckets_advance(w, rows.first + rows.count, &err), &err);
    }
    check_ok(mms_buckets_finish(&w, &err), &err);
}

static void read_types(const types *t, uint8_t *const *data)
{
    const mms_rows all = {0, t->what.nrow};
    uint8_t *have = mms_alloc(t->what.nrow, MOST_BYTES);
    mms_buckets *b;
    mms_error err;

    assert_non_null(have);
    check_ok(mms_buckets_open(&t->what, &b, &err), &err);
    for (int64_t i = 0; t->what.nrow > 0 && i < TYPES; i++) {
        check_ok(mms_buckets_read(b, i, 1, &all, have, &err), &err);
        assert_memory_equal(have, data[i],
                            (size_t)t->what.nrow * mms_dtype_size(t->columns[i].dtype));
    }
    mms_buckets_close(&b);
    free(have);
}

static void all_types_come_back(void **state)
{
    (void)state;
    for (seed = 500; seed < 530; seed++) {
        const uint64_t first = seed;
        uint8_t *data[TYPES];
        types t;
        mms_error err;
        choose_types(&t, seed % 2 ? "StandardStMan" : "IncrementalStMan");
        assert_int_equal(mkdir("t", 0777), 0);
        write_dat(&t);
        for (int i = 0; i < TYPES; i++) {
            data[i] = mms_alloc(t.what.nrow, MOST_BYTES);
            assert_non_null(data[i]);
            fill((mms_dtype)i, t.what.nrow, data[i]);
        }
        write_types(&t, data);
        read_types(&t, data);
        for (int i = 0; i < TYPES; i++)
            free(data[i]);
        check_ok(mms_remove_tree("t", &err), &err);
        seed = first;
    }
}

static void unknown_ones_are_unsupported(void **state)
{
    static uint8_t data[1500 * MOST_BYTES];
    uint8_t *columns[TYPES], *bytes;
    size_t size;
    mms_buckets *b;
    types t;
    mms_error err;

    (void)state;
    for (int i = 0; i < TYPES; i++)
        columns[i] = data;
    for (int i = 0; i < 3; i++) {
        seed = 600;
        choose_types(&t, i == 2 ? "IncrementalStMan" : "StandardStMan");
        assert_int_equal(mkdir("t", 0777), 0);
        write_dat(&t);
        write_types(&t, columns);
        const char *path = i == 0 ? "t/table.dat" : "t/table.f3", *type = i == 0 ? "SSM" : "StMan";
        check_ok(mms_read_file(path, 1 << 24, &bytes, &size, &err), &err);
        uint8_t *at = memmem(bytes, size, type, strlen(type));
        assert_non_null(at);
        at[strlen(type) + (i == 0 || t.what.big_endian ? 3 : 0)] = 9; // its version
        const mms_bytes out = {.bytes = bytes, .size = (int64_t)size};
        check_ok(mms_bytes_write(&out, path, &err), &err);
        assert_int_equal(mms_buckets_open(&t.what, &b, &err), MMS_ERR_UNSUPPORTED);
        assert_null(b);
        assert_non_null(strstr(err.msg, path));
        free(bytes);
        check_ok(mms_remove_tree("t", &err), &err);
    }
}

static void full_disks_are_told(void **state)
{
    static const uint8_t data[1500 * MOST_BYTES];
    mms_buckets_writer *w;
    types t;
    mms_error err;

    (void)state;
    seed = 700;
    choose_types(&t, "StandardStMan");
    t.what.nrow = 1500;
    assert_int_equal(mkdir("t", 0777), 0);
    check_ok(mms_buckets_create(&t.what, &w, &err), &err);
    const int full = open("/dev/full", O_WRONLY);
    if (full >= 0) {
        assert_true(dup2(full, w->b->fd) >= 0);
        close(full);
        check_ok(mms_buckets_put(w, 4, (mms_rows){0, 1500}, data, &err), &err);
        assert_int_equal(mms_buckets_finish(&w, &err), MMS_ERR_SPACE);
        assert_non_null(strstr(err.msg, "t/table.f3"));
    }
    mms_buckets_drop(&w);
    check_ok(mms_remove_tree("t", &err), &err);
}

/* ---- broken files, threads --------------------------------------------------------------------*/

/** One file's bytes, cut and overwritten: an error or other values, no more. */
static void spoil(const char *path, int64_t times)
{
    uint8_t *bytes;
    size_t size;
    mms_error err;

    check_ok(mms_read_file(path, 1 << 24, &bytes, &size, &err), &err);
    const int64_t at = times % 2 ? some(0, (int64_t)size - 1) : some(0, 599);
    const int fd = open(path, O_WRONLY);
    assert_true(fd >= 0);
    for (int64_t i = at; i < at + 4 && i < (int64_t)size; i++)
        bytes[i] = (uint8_t)some(0, 255);
    assert_int_equal(pwrite(fd, bytes, size, 0), (ssize_t)size);
    if (times % 5 == 0)
        assert_int_equal(ftruncate(fd, some(0, (int64_t)size)), 0);
    close(fd);
    free(bytes);
}

static void read_broken(const mms_table *t, const mms_bucketed *k, double *data)
{
    const mms_rows all = {0, mms_table_nrow(t)};
    mms_buckets *b;
    mms_error err;

    if (open_manager(t, k, &b, &err) != MMS_OK) {
        assert_non_null(strstr(err.msg, "t/table."));
        return;
    }
    for (int64_t i = 0; i < k->ncolumn; i++)
        if (mms_buckets_find(b, k->columns[i]->name) >= 0 &&
            mms_buckets_read(b, i, 1, &all, data, &err) != MMS_OK)
            assert_non_null(strstr(err.msg, "t/table."));
    mms_buckets_close(&b);
}

static void broken_files_are_errors(void **state)
{
    const mms_bucketed *list;
    int64_t n;
    mms_table *t;
    mms_error err;

    (void)state;
    for (seed = 200; seed < 202; seed++) {
        const uint64_t first = seed;
        make_table("t", some(1, 1000), seed % 2);
        check_ok(mms_table_open("t", MMS_TABLE_READ, &t, &err), &err);
        check_ok(mms_table_bucketed(t, &n, &list, &err), &err);
        double *data = mms_alloc(mms_table_nrow(t), sizeof *data);
        assert_non_null(data);
        for (int64_t i = 0; i < n; i++)
            for (int64_t times = 0; times < 60; times++) {
                char path[64];
                snprintf(path, sizeof path, "t/table.f%" PRId64, list[i].sequence);
                check_ok(mms_copy_file(path, "whole", &err), &err);
                spoil(path, times);
                read_broken(t, &list[i], data);
                assert_int_equal(rename("whole", path), 0);
            }
        free(data);
        mms_table_drop(&t);
        check_ok(mms_remove_tree("t", &err), &err);
        seed = first;
    }
}

/** Change the first value of a column where its manager keeps no bucket in memory; false: it does.
 */
static bool change_file(mms_table *t, const char *column)
{
    const mms_bucketed *list;
    int64_t n, place = -1;
    mms_buckets *b = NULL;
    int32_t byte = 77;
    mms_error err;

    check_ok(mms_table_bucketed(t, &n, &list, &err), &err);
    for (int64_t i = 0; i < n && place < 0; i++) {
        mms_buckets_close(&b);
        check_ok(open_manager(t, &list[i], &b, &err), &err);
        place = mms_buckets_find(b, column);
    }
    assert_true(place >= 0);
    const bool writes = !b->incremental; // an incremental manager's bucket is held
    const bucket_column *c = &b->columns[place];
    if (writes) {
        const int fd = open(b->path, O_WRONLY);
        assert_int_equal(pwrite(fd, &byte, 1, bucket_at(b, b->maps[c->map].bucket[0]) + c->offset),
                         1);
        close(fd);
    }
    mms_buckets_close(&b);
    return writes;
}

/** casacore holds a bucket that the file then has otherwise: it is casacore that is believed. */
static void other_cells_than_casacores_are_refused(void **state)
{
    const mms_rows first = {0, 1};
    mms_stored found;
    mms_store *s;
    mms_table *t;
    int32_t value;
    int refused = 0;
    mms_error err;

    (void)state;
    for (seed = 800; seed < 804; seed++) {
        const uint64_t start = seed;
        make_table("t", 5, false);
        check_ok(mms_table_open("t", MMS_TABLE_READ, &t, &err), &err);
        check_ok(mms_table_get(t, "ANTENNA1", 1, &first, 1, &value, &err), &err);
        for (int changed = 0; changed < 2; changed++) {
            if (changed && !change_file(t, "ANTENNA1"))
                continue;
            check_ok(mms_store_open(t, MMS_WAYS_ALL, &s, &err), &err);
            check_ok(mms_store_find(s, "ANTENNA1", MMS_WANT_CELLS, &found, &err), &err);
            assert_ptr_equal(found.kind, changed ? &mms_store_columns : &mms_store_buckets);
            refused += changed;
            mms_store_close(&s);
        }
        mms_table_drop(&t);
        check_ok(mms_remove_tree("t", &err), &err);
        seed = start;
    }
    assert_true(refused > 0);
}

/** A manager that several threads read. */
typedef struct sharing {
    mms_buckets *b;
    const mms_bucketed *k;
    int64_t nrow;
} sharing;

/** Returns the sum of the bytes of all columns. */
static void *sum_columns(void *arg)
{
    const sharing *s = arg;
    const mms_rows all = {0, s->nrow};
    uint64_t sum = 0;
    double *data = mms_alloc(s->nrow, sizeof *data);

    for (int64_t i = 0; data && i < s->k->ncolumn; i++) {
        memset(data, 0, (size_t)s->nrow * sizeof *data);
        if (mms_buckets_find(s->b, s->k->columns[i]->name) >= 0 &&
            mms_buckets_read(s->b, i, 1, &all, data, NULL) == MMS_OK)
            for (size_t k = 0; k < (size_t)s->nrow * sizeof *data; k++)
                sum = sum * 31 + ((const uint8_t *)data)[k];
    }
    free(data);
    return (void *)(uintptr_t)sum; // NOLINT: a number
}

static void threads_read_one_manager(void **state)
{
    const mms_bucketed *list;
    int64_t n;
    mms_table *t;
    mms_error err;

    (void)state;
    seed = 300;
    make_table("t", 1000, false);
    check_ok(mms_table_open("t", MMS_TABLE_READ, &t, &err), &err);
    check_ok(mms_table_bucketed(t, &n, &list, &err), &err);
    for (int64_t i = 0; i < n; i++) {
        pthread_t threads[4];
        sharing s = {NULL, &list[i], mms_table_nrow(t)};
        check_ok(open_manager(t, &list[i], &s.b, &err), &err);
        void *want = sum_columns(&s), *got;
        for (int k = 0; k < 4; k++)
            assert_int_equal(pthread_create(&threads[k], NULL, sum_columns, &s), 0);
        for (int k = 0; k < 4; k++) {
            assert_int_equal(pthread_join(threads[k], &got), 0);
            assert_ptr_equal(got, want);
        }
        mms_buckets_close(&s.b);
    }
    mms_table_drop(&t);
    check_ok(mms_remove_tree("t", &err), &err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_casacore_wrote_is_read),
        cmocka_unit_test(few_rows_are_read),
        cmocka_unit_test(casacore_reads_what_is_written),
        cmocka_unit_test(all_types_come_back),
        cmocka_unit_test(unknown_ones_are_unsupported),
        cmocka_unit_test(full_disks_are_told),
        cmocka_unit_test(broken_files_are_errors),
        cmocka_unit_test(other_cells_than_casacores_are_refused),
        cmocka_unit_test(threads_read_one_manager),
    };
    return cmocka_run_group_tests(tests, enter_scratch, leave_scratch);
}
