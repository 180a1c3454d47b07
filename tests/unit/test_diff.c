/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Rows in order, cells compared by their bits or within tolerances. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "check/compare_priv.h"
#include "check/diff_priv.h"
#include "check/match_priv.h"

static int by_key_and_row(const void *a, const void *b)
{
    const mms_row_pair *const p = a, *const q = b;

    if (p->key != q->key)
        return p->key < q->key ? -1 : 1;
    return p->a < q->a ? -1 : p->a > q->a;
}

/* Numbers without a library's state: the same on every machine. */
static uint64_t next_number(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state ^ *state >> 29;
}

static void check_sorted(int64_t n, uint64_t mask)
{
    mms_row_pair *const pairs = calloc((size_t)n, sizeof *pairs);
    mms_row_pair *const want = calloc((size_t)n, sizeof *want);
    uint64_t state = 7;

    for (int64_t i = 0; i < n; i++)
        pairs[i] =
            (mms_row_pair){next_number(&state) & mask, (uint32_t)next_number(&state), (uint32_t)i};
    memcpy(want, pairs, (size_t)n * sizeof *want);
    qsort(want, (size_t)n, sizeof *want, by_key_and_row);
    mms_sort_pairs(n, pairs);
    for (int64_t i = 0; i < n; i++) {
        assert_true(pairs[i].key == want[i].key);
        assert_int_equal(pairs[i].a, want[i].a);
    }
    free(pairs);
    free(want);
}

static void pairs_are_sorted_by_key_then_row(void **state)
{
    (void)state;
    for (int64_t n = 0; n < 70; n++)
        check_sorted(n, UINT64_MAX);
    check_sorted(5000, UINT64_MAX);
    check_sorted(5000, 0xff00); /* many equal keys: the rows decide */
    check_sorted(5000, 0);
}

static int64_t differences(mms_dtype dtype, double rtol, double atol, int64_t n, const void *a,
                           const void *b, int64_t *first)
{
    *first = -1;
    return mms_count_differences(dtype, rtol, atol, n, a, b, first);
}

static void bits_decide_without_tolerances(void **state)
{
    const float a[4] = {1, NAN, 0.0f, 2}, b[4] = {1, -NAN, -0.0f, 2};
    const float c[4] = {1, NAN, 0.0f, nextafterf(2, 3)};
    int64_t first;

    (void)state;
    assert_int_equal(differences(MMS_DT_FLOAT, 0, 0, 4, a, b, &first), 1);
    assert_int_equal(first, 2);
    assert_int_equal(differences(MMS_DT_FLOAT, 0, 0, 4, a, c, &first), 1);
    assert_int_equal(first, 3);
    assert_int_equal(differences(MMS_DT_FLOAT, 0, 1e-9, 4, a, b, &first), 0);
}

static void tolerances_are_relative_and_absolute(void **state)
{
    const double a[3] = {100, 1e-9, INFINITY}, b[3] = {101, -1e-9, INFINITY};
    int64_t first;

    (void)state;
    assert_int_equal(differences(MMS_DT_DOUBLE, 0.01, 0, 3, a, b, &first), 1);
    assert_int_equal(first, 1);
    assert_int_equal(differences(MMS_DT_DOUBLE, 0.009, 1e-8, 3, a, b, &first), 1);
    assert_int_equal(first, 0);
    assert_int_equal(differences(MMS_DT_DOUBLE, 0.01, 1e-8, 3, a, b, &first), 0);
}

static void no_tolerance_reaches_infinity(void **state)
{
    const double a[2] = {INFINITY, INFINITY}, b[2] = {-INFINITY, 1};
    int64_t first;

    (void)state;
    assert_int_equal(differences(MMS_DT_DOUBLE, 0.5, 1, 2, a, b, &first), 2);
    assert_int_equal(differences(MMS_DT_DCOMPLEX, 0.5, 1, 1, a, b, &first), 1);
}

static void numbers_never_equal_nan(void **state)
{
    const double a[2] = {NAN, 1}, b[2] = {1, NAN};
    int64_t first;

    (void)state;
    assert_int_equal(differences(MMS_DT_DOUBLE, 1, 1, 2, a, b, &first), 2);
    assert_int_equal(differences(MMS_DT_DOUBLE, 0, 0, 2, a, b, &first), 2);
}

static void complex_numbers_are_one_element(void **state)
{
    const float a[6] = {3, 4, NAN, 1, 0, 0}, b[6] = {3, 4.5f, NAN, 1, 0, 0};
    const float c[6] = {3, 4, NAN, 2, 0, 0};
    int64_t first;

    (void)state;
    assert_int_equal(differences(MMS_DT_COMPLEX, 0, 0, 3, a, b, &first), 1);
    assert_int_equal(first, 0);
    /* |a - b| = 0.5, |b| = 5.41 */
    assert_int_equal(differences(MMS_DT_COMPLEX, 0.1, 0, 3, a, b, &first), 0);
    assert_int_equal(differences(MMS_DT_COMPLEX, 0.09, 0, 3, a, b, &first), 1);
    assert_int_equal(differences(MMS_DT_COMPLEX, 0, 0, 3, a, c, &first), 1);
    assert_int_equal(first, 1);
}

static void integers_have_no_tolerance(void **state)
{
    const int32_t a[2] = {1000000, 5}, b[2] = {1000001, 5};
    int64_t first;

    (void)state;
    assert_int_equal(differences(MMS_DT_INT, 0.5, 10, 2, a, b, &first), 1);
    assert_int_equal(first, 0);
}

static void lists_are_searched_word_by_word(void **state)
{
    (void)state;
    assert_true(mms_list_has("DATA,FLAG", "FLAG"));
    assert_true(mms_list_has(" data , Flag ", "FLAG"));
    assert_false(mms_list_has("FLAG_ROW,DATA", "FLAG"));
    assert_false(mms_list_has("FLAG", "FLAG_ROW"));
    assert_false(mms_list_has("", "FLAG"));
    assert_false(mms_list_has(NULL, "FLAG"));
    assert_false(mms_list_has(" , ,", "FLAG"));
}

static void shapes_are_numbered_once(void **state)
{
    mms_shape_list list = {0};
    const mms_shape a = {2, {64, 4}}, b = {2, {4, 64}}, none = {.ndim = -1}, scalar = {.ndim = 0};
    char text[64];

    (void)state;
    assert_int_equal(mms_shape_number(&list, &a), 0);
    assert_int_equal(mms_shape_number(&list, &b), 1);
    assert_int_equal(mms_shape_number(&list, &none), 2);
    assert_int_equal(mms_shape_number(&list, &scalar), 3);
    assert_int_equal(mms_shape_number(&list, &a), 0);
    assert_int_equal(mms_shape_elements(&a), 256);
    assert_int_equal(mms_shape_elements(&none), 0);
    assert_int_equal(mms_shape_elements(&scalar), 1);
    mms_shape_text(&a, sizeof text, text);
    assert_string_equal(text, "[64,4]");
    mms_shape_text(&none, sizeof text, text);
    assert_string_equal(text, "undefined");
    free(list.shapes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pairs_are_sorted_by_key_then_row),
        cmocka_unit_test(bits_decide_without_tolerances),
        cmocka_unit_test(tolerances_are_relative_and_absolute),
        cmocka_unit_test(no_tolerance_reaches_infinity),
        cmocka_unit_test(numbers_never_equal_nan),
        cmocka_unit_test(complex_numbers_are_one_element),
        cmocka_unit_test(integers_have_no_tolerance),
        cmocka_unit_test(lists_are_searched_word_by_word),
        cmocka_unit_test(shapes_are_numbered_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
