/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file test_base.c  lib/base: errors, texts, paths, numbers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/base_priv.h"

static void messages_read_outside_in(void **state)
{
    mms_error err;

    (void)state;
    assert_int_equal(mms_fail(&err, MMS_ERR_RANGE, "row %d", 7), MMS_ERR_RANGE);
    assert_int_equal(mms_wrap(&err, err.code, "sub-MS %d", 3), MMS_ERR_RANGE);
    assert_string_equal(err.msg, "sub-MS 3: row 7");
    assert_int_equal(mms_fail(NULL, MMS_ERR_IO, "nobody listens"), MMS_ERR_IO);
    assert_string_equal(mms_status_name(MMS_ERR_INTERNAL), "INTERNAL");
}

static void long_messages_are_cut_not_overrun(void **state)
{
    mms_error err;
    char text[3000];

    (void)state;
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    (void)mms_fail(&err, MMS_ERR_IO, "%s", text);
    assert_int_equal(strlen(err.msg), sizeof err.msg - 1);
    (void)mms_wrap(&err, MMS_ERR_IO, "%s", text);
    assert_int_equal(strlen(err.msg), sizeof err.msg - 1);
}

static void check_text(char *got, const char *want)
{
    assert_non_null(got);
    assert_string_equal(got, want);
    free(got);
}

static void paths(void **state)
{
    (void)state;
    check_text(mms_path_strip("a/b//"), "a/b");
    check_text(mms_path_strip("/"), "/");
    check_text(mms_path_base("a/b.ms/"), "b.ms");
    check_text(mms_path_base("b.ms"), "b.ms");
    check_text(mms_path_dir("b.ms"), ".");
    check_text(mms_path_dir("/b.ms"), "/");
    check_text(mms_path_dir("a/b.ms/"), "a");
    check_text(mms_path_absolute("/x/y/"), "/x/y");
}

static void numbers(void **state)
{
    int64_t i;
    double d;

    (void)state;
    assert_true(mms_parse_int(" 42 ", &i) && i == 42);
    assert_false(mms_parse_int("42x", &i));
    assert_false(mms_parse_int("", &i));
    assert_false(mms_parse_int("99999999999999999999", &i));
    assert_true(mms_parse_double("0.5", &d) && d == 0.5);
    assert_false(mms_parse_double("a", &d));
}

static void texts_and_arrays_grow(void **state)
{
    mms_text t = {0};
    int32_t *list = NULL;
    int64_t capacity = 0;

    (void)state;
    for (int i = 0; i < 100; i++)
        mms_text_add(&t, "%d,", i % 10);
    assert_int_equal(t.length, 200);
    free(t.text);
    assert_int_equal(mms_grow(&list, &capacity, 100, sizeof *list, NULL), MMS_OK);
    assert_true(capacity >= 100);
    list[99] = 1;
    free(list);
    assert_null(mms_alloc(INT64_MAX, 8));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_read_outside_in),
        cmocka_unit_test(long_messages_are_cut_not_overrun),
        cmocka_unit_test(paths),
        cmocka_unit_test(numbers),
        cmocka_unit_test(texts_and_arrays_grow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
