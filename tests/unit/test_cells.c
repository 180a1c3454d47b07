/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Cells that are arrays without axes, such as SOURCE.POSITION of real sets, and without values. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <jansson.h>

#include "check/diff_priv.h"
#include "scratch.h"
#include "tables/tables_priv.h"

enum { NROW = 3 };

/* SOURCE whose POSITION has no axes; but the last one, which has n of them with one value each. */
static void make_source(const char *path, int32_t n)
{
    static const char *const optional[] = {"POSITION", NULL};
    const int64_t shape[1] = {3};
    const double position[3] = {1, 2, 3};
    const mms_rows most = {0, NROW - 1}, last = {NROW - 1, 1};
    mms_table *table = NULL;
    mms_error err;

    assert_int_equal(mms_table_create_standard(path, "SOURCE", optional, NULL, &table, &err),
                     MMS_OK);
    assert_int_equal(mms_table_add_rows(table, NROW, &err), MMS_OK);
    assert_int_equal(mms_table_put(table, "POSITION", 1, &most, 0, NULL, 0, NULL, &err), MMS_OK);
    assert_int_equal(
        mms_table_put(table, "POSITION", 1, &last, n, shape, n ? 3 : 0, n ? position : NULL, &err),
        MMS_OK);
    assert_int_equal(mms_table_close(&table, &err), MMS_OK);
}

static int64_t differences(const char *a, const char *b)
{
    const mms_table_diff how = {.name = "SOURCE"};
    mms_report report;
    mms_check check;
    mms_error err;

    assert_int_equal(mms_report_start(&report, 9, &err), MMS_OK);
    mms_check_start(&check, &report, "SOURCE");
    assert_int_equal(mms_diff_tables(a, b, &how, &check, &err), MMS_OK);
    const int64_t n = check.count;
    mms_check_end(&check, MMS_OK, NULL);
    mms_report_drop(&report);
    return n;
}

static void arrays_without_axes_are_equal_to_their_like(void **state)
{
    (void)state;
    make_source("a", 0);
    make_source("b", 0);
    make_source("c", 1);
    assert_int_equal(differences("a", "b"), 0);
    assert_int_equal(differences("a", "c"), 1);
    assert_int_equal(differences("c", "a"), 1);
    assert_int_equal(differences("c", "c"), 0);
}

static void they_are_cells_without_values(void **state)
{
    const mms_rows all = {0, NROW};
    mms_shape_run *runs = NULL;
    mms_value *cell = NULL;
    mms_table *table = NULL;
    int64_t nrun;
    mms_error err;

    (void)state;
    make_source("source", 1);
    assert_int_equal(mms_table_open("source", MMS_TABLE_READ, &table, &err), MMS_OK);
    assert_int_equal(mms_table_shapes(table, "POSITION", 1, &all, &runs, &nrun, &err), MMS_OK);
    assert_int_equal(nrun, 2);
    assert_int_equal(runs[0].ndim, 0);
    assert_int_equal(mms_cell_values(mms_table_find_column(table, "POSITION"), 0, NULL), 0);
    assert_int_equal(mms_cell_values(mms_table_find_column(table, "SOURCE_ID"), 0, NULL), 1);
    assert_int_equal(mms_table_get(table, "POSITION", 1, &runs[0].rows, 0, NULL, &err), MMS_OK);
    assert_int_equal(mms_table_get_cell(table, "POSITION", 0, &cell, &err), MMS_OK);
    assert_true(json_is_array(cell));
    assert_int_equal(json_array_size(cell), 0);
    mms_value_free(&cell);
    free(runs);
    mms_table_drop(&table);
}

static void they_are_copied_as_they_are(void **state)
{
    const mms_rows all = {0, NROW};
    mms_table *from = NULL, *to = NULL;
    const mms_table_like how = {.nrow = NROW, .small = true};
    mms_error err;

    (void)state;
    make_source("from", 1);
    assert_int_equal(mms_table_open("from", MMS_TABLE_READ, &from, &err), MMS_OK);
    assert_int_equal(mms_table_create_like("to", from, &how, &to, &err), MMS_OK);
    assert_int_equal(mms_table_copy_cells(from, "POSITION", 1, &all, to, "POSITION", 0, &err),
                     MMS_OK);
    assert_int_equal(mms_table_close(&to, &err), MMS_OK);
    mms_table_drop(&from);
    assert_int_equal(differences("from", "to"), 0);
}

static void errors_of_casacore_name_column_and_rows(void **state)
{
    const mms_rows unlike[] = {{NROW - 1, 1}, {0, 2}};
    double values[9];
    mms_table *table = NULL;
    mms_error err;

    (void)state;
    make_source("source", 1);
    assert_int_equal(mms_table_open("source", MMS_TABLE_READ, &table, &err), MMS_OK);
    assert_int_not_equal(mms_table_get(table, "POSITION", 2, unlike, 9, values, &err), MMS_OK);
    assert_non_null(strstr(err.msg, "source: POSITION: rows 2,0~1: "));
    assert_int_not_equal(mms_table_get(table, "POSITION", 2, unlike, 8, values, &err), MMS_OK);
    assert_null(strstr(err.msg, "rows 2,0~1: ")); /* our own words are enough */
    mms_table_drop(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(arrays_without_axes_are_equal_to_their_like, enter_scratch,
                                        leave_scratch),
        cmocka_unit_test_setup_teardown(they_are_cells_without_values, enter_scratch,
                                        leave_scratch),
        cmocka_unit_test_setup_teardown(errors_of_casacore_name_column_and_rows, enter_scratch,
                                        leave_scratch),
        cmocka_unit_test_setup_teardown(they_are_copied_as_they_are, enter_scratch, leave_scratch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
