/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file test_base.c  lib/base: errors, texts, paths, numbers. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/base_priv.h"
#include "base/keys_priv.h"
#include "base/sort_priv.h"

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

static void paths_in_commands(void **state)
{
    (void)state;
    check_text(mms_path_shell("a/b_1.ms"), "a/b_1.ms");
    check_text(mms_path_shell(""), "''");
    check_text(mms_path_shell("/a b/$x.ms"), "'/a b/$x.ms'");
    check_text(mms_path_shell("it's '"), "'it'\\''s '\\'''");
    check_text(mms_path_shell("-j.ms"), "./-j.ms");
    check_text(mms_path_shell("n=1 2.ms"), "'./n=1 2.ms'");
    check_text(mms_path_shell("a/n=1.ms"), "a/n=1.ms");
    check_text(mms_path_shell("~x"), "'~x'");
    check_text(mms_path_shell("caf\xe9 '"), "\"$(printf %b 'caf\\0351\\0040\\0047')\"");
    check_text(mms_path_shell("caf\xc3\xa9"), "'caf\xc3\xa9'");
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

static void messages_are_utf8(void **state)
{
    mms_error err;
    char text[3000];

    (void)state;
    (void)mms_fail(&err, MMS_ERR_IO, "%s", "caf\xe9/\xc3\xa9 \xed\xa0\x80 \xf5 \xe2\x82");
    assert_string_equal(err.msg, "caf\\xE9/\xc3\xa9 \\xED\\xA0\\x80 \\xF5 \\xE2\\x82");
    for (size_t i = 0; i + 1 < sizeof text; i++)
        text[i] = i % 2 ? '\xa9' : '\xc3';
    text[sizeof text - 1] = '\0';
    (void)mms_fail(&err, MMS_ERR_IO, "%s%s", sizeof err.msg % 2 ? "x" : "", text);
    assert_int_equal(strlen(err.msg), sizeof err.msg - 2); /* no half character */
    for (size_t i = 0; i + 1 < sizeof text; i++)
        text[i] = '\xff';
    (void)mms_fail(&err, MMS_ERR_IO, "%s", text);
    assert_true(strlen(err.msg) < sizeof err.msg);
    check_text(mms_readable("a\xff"), "a\\xFF");
    check_text(mms_readable("\xf0\x9f\x93\xa1"), "\xf0\x9f\x93\xa1");
}

/** A value's text, and the value that it is read as, are those. */
static void check_bytes(const char *bytes, const char *text)
{
    mms_value *value = mms_text_value(bytes), *again = NULL;
    mms_error err;

    check_text(mms_value_text(value, 0), text);
    assert_int_equal(mms_value_parse(text, &again, &err), MMS_OK);
    assert_string_equal(json_string_value(again), bytes);
    mms_value_free(&value);
    mms_value_free(&again);
}

static void json_carries_any_bytes(void **state)
{
    mms_value *value = NULL;
    mms_error err;

    (void)state;
    check_bytes("plain", "\"plain\"");
    check_bytes("caf\xe9", "\"caf\\udce9\"");
    check_bytes("\x80\xff", "\"\\udc80\\udcff\"");
    check_bytes("caf\xc3\xa9 \\udce9 \xe9", "\"caf\xc3\xa9 \\\\udce9 \\udce9\"");
    check_bytes("\xf4\x8f\xbf\xa9\xe9", "\"\\udcf4\\udc8f\\udcbf\\udca9\\udce9\"");
    /* a pair of surrogates is a character, a lone high one none */
    assert_int_equal(mms_value_parse("\"\\ud83d\\udce1\"", &value, &err), MMS_OK);
    assert_string_equal(json_string_value(value), "\xf0\x9f\x93\xa1");
    mms_value_free(&value);
    assert_int_equal(mms_value_parse("\"\\ud83d\"", &value, &err), MMS_ERR_ARG);
    assert_int_equal(mms_value_parse("{\"\\udce9\":[1,\"x\\udce9\"]}", &value, &err), MMS_OK);
    assert_string_equal(json_string_value(json_array_get(json_object_get(value, "\xe9"), 1)),
                        "x\xe9");
    check_text(mms_value_text(value, 0), "{\"\\udce9\":[1,\"x\\udce9\"]}");
    mms_value_free(&value);
}

/* One member of each kind. */
struct travels {
    const char *text, *maybe, **texts;
    const mms_value *value;
    int64_t integer, three[3];
    enum { RED, GREEN } small;
    double number;
    bool truth;
};

#define TRAVELS(kind, member) MMS_KEY(struct travels, kind, member)

static const mms_key keys[] = {TRAVELS(MMS_KEY_TEXT, text),       TRAVELS(MMS_KEY_MAYBE, maybe),
                               TRAVELS(MMS_KEY_TEXTS, texts),     TRAVELS(MMS_KEY_VALUE, value),
                               TRAVELS(MMS_KEY_INTEGER, integer), TRAVELS(MMS_KEY_THREE, three),
                               TRAVELS(MMS_KEY_INT32, small),     TRAVELS(MMS_KEY_NUMBER, number),
                               TRAVELS(MMS_KEY_TRUTH, truth),     {0}};

/* As it goes to a worker: through text. */
static mms_value *send(const struct travels *s)
{
    mms_value *value = mms_keys_encode(keys, s), *parsed = NULL;
    mms_error err;

    assert_non_null(value);
    char *text = mms_value_text(value, 0);
    assert_int_equal(mms_value_parse(text, &parsed, &err), MMS_OK);
    free(text);
    mms_value_free(&value);
    return parsed;
}

static void structs_travel_by_their_keys(void **state)
{
    const char *texts[] = {"a", "caf\xe9", NULL};
    struct travels there = {.text = "x y",
                            .texts = texts,
                            .integer = INT64_MAX,
                            .three = {1, -2, 3},
                            .small = GREEN,
                            .number = INFINITY,
                            .truth = true},
                   back = {0};
    mms_error err;

    (void)state;
    mms_value *value = send(&there);
    assert_int_equal(mms_keys_decode(keys, value, "it", &back, &err), MMS_OK);
    assert_string_equal(back.text, "x y");
    assert_null(back.maybe);
    assert_null(back.value);
    assert_string_equal(back.texts[1], "caf\xe9");
    assert_null(back.texts[2]);
    assert_true(back.integer == INT64_MAX && back.three[1] == -2 && back.small == GREEN);
    assert_true(isinf(back.number) && back.truth);
    mms_keys_free(keys, &back);
    for (int i = 0; keys[i].name; i++) { // each is demanded, and of its kind
        mms_value *less = json_deep_copy(value);
        json_object_del(less, keys[i].name);
        assert_int_equal(mms_keys_decode(keys, less, "it", &back, &err), MMS_ERR_INTERNAL);
        assert_non_null(strstr(err.msg, keys[i].name));
        json_object_set_new(less, keys[i].name, json_pack("{s:i}", "x", 1));
        if (keys[i].kind != MMS_KEY_VALUE)
            assert_int_equal(mms_keys_decode(keys, less, "it", &back, &err), MMS_ERR_INTERNAL);
        mms_value_free(&less);
    }
    mms_value_free(&value);
    there.text = NULL;
    assert_null(mms_keys_encode(keys, &there));
}

static void places_are_sorted_by_keys_and_keep_their_order(void **state)
{
    enum { N = 5000 };
    static const int32_t spans[] = {1, 2, 300, 70000, INT32_MAX};
    int32_t numbers[N];
    int64_t places[N];
    uint32_t random = 1;

    (void)state;
    for (int k = 0; k < 5; k++) {
        for (int64_t i = 0; i < N; i++) {
            random = random * 1664525 + 1013904223;
            numbers[i] = (int32_t)(random >> 1) % spans[k] - (random & 1 ? spans[k] : 0);
            places[i] = N - 1 - i;
        }
        numbers[7] = INT32_MIN;
        assert_int_equal(mms_sort_places(N, places, numbers, NULL), MMS_OK);
        assert_int_equal(places[0], 7);
        for (int64_t i = 1; i < N; i++)
            assert_true(
                numbers[places[i - 1]] < numbers[places[i]] ||
                (numbers[places[i - 1]] == numbers[places[i]] && places[i - 1] > places[i]));
    }
    assert_int_equal(mms_sort_places(0, places, numbers, NULL), MMS_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_read_outside_in),
        cmocka_unit_test(long_messages_are_cut_not_overrun),
        cmocka_unit_test(messages_are_utf8),
        cmocka_unit_test(json_carries_any_bytes),
        cmocka_unit_test(structs_travel_by_their_keys),
        cmocka_unit_test(paths),
        cmocka_unit_test(paths_in_commands),
        cmocka_unit_test(numbers),
        cmocka_unit_test(texts_and_arrays_grow),
        cmocka_unit_test(places_are_sorted_by_keys_and_keep_their_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
