/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file test_consolidate.c  Answers of parts become one, by rule. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>

#include "multims/parts.h"

enum { MOST = 4 };

/* Join what texts[] say, NULL at the end, "-" for a part that is left out. */
static void check(mms_consolidation how, const char *const *texts, const char *want)
{
    static const char *const names[MOST] = {"a", "b", "c", "d"};
    mms_value *answers[MOST] = {NULL};
    int64_t n = 0;

    for (; texts[n]; n++)
        answers[n] = *texts[n] == '-' ? NULL : json_loads(texts[n], JSON_DECODE_ANY, NULL);
    mms_value *const got = mms_consolidate("test", n, answers, names, how);
    mms_value *const wanted = json_loads(want, JSON_DECODE_ANY, NULL);
    assert_true(json_equal(got, wanted));
    json_decref(got);
    json_decref(wanted);
    for (int64_t i = 0; i < n; i++)
        json_decref(answers[i]);
}
#define CHECK(how, want, ...) \
    check(MMS_CONSOLIDATE_##how, (const char *const[]){__VA_ARGS__, NULL}, want)

static void test_booleans(void **state)
{
    (void)state;
    CHECK(AUTO, "true", "true", "true");
    CHECK(AUTO, "false", "true", "false", "true");
    CHECK(AUTO, "true", "-", "true");
    CHECK(AND, "false", "true", "3");
}

static void test_objects(void **state)
{
    (void)state;
    CHECK(AUTO, "{\"a\":3,\"b\":{\"c\":1.5},\"d\":1}", "{\"a\":1,\"b\":{\"c\":1}}",
          "{\"a\":2,\"b\":{\"c\":0.5},\"d\":1}");
    CHECK(MERGE, "{\"x\":[4,6],\"s\":\"one\"}", "{\"x\":[1,2],\"s\":\"one\"}",
          "{\"x\":[3,4],\"s\":\"two\"}");
    CHECK(MERGE, "{\"x\":[1,2]}", "{\"x\":[1,2]}", "{\"x\":[1]}");
    CHECK(MERGE, "{\"a\":9007199254740993}", "{\"a\":9007199254740992}", "{\"a\":1}");
    CHECK(AUTO, "{\"a\":5}", "-", "{\"a\":2}", "-", "{\"a\":3}");
}

static void test_lists(void **state)
{
    (void)state;
    CHECK(AUTO, "[1,2]", "1", "2");
    CHECK(AUTO, "[true,2]", "true", "-", "2");
    CHECK(LIST, "[{\"a\":1},{\"a\":1}]", "{\"a\":1}", "{\"a\":1}");
    CHECK(AUTO, "null", "-", "-");
    CHECK(LIST, "[]", "-");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_booleans),
        cmocka_unit_test(test_objects),
        cmocka_unit_test(test_lists),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
