/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file test_kept.c  Values that are kept as text: in memory, and beyond a limit in a file. */
#include <jansson.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "engine/kept_priv.h"

static mms_value *list_of(int first)
{
    mms_value *const list = json_array();

    for (int i = 0; i < 2000; i++)
        json_array_append_new(list, json_integer(first + i));
    return list;
}

static mms_kept *keep(mms_kept_room *store, int first)
{
    mms_value *const list = list_of(first);
    mms_kept *kept = mms_kept_make(list);

    json_decref(list);
    assert_non_null(kept);
    mms_kept_put(&kept, store);
    return kept;
}

static void check(const mms_kept *kept, int first)
{
    mms_value *const list = list_of(first), *const value = mms_kept_value(kept);

    assert_true(json_equal(list, value));
    json_decref(value);
    json_decref(list);
}

static int64_t bytes_on_disk(int fd)
{
    struct stat info;

    assert_int_equal(fstat(fd, &info), 0);
    return 512 * (int64_t)info.st_blocks;
}

static void what_is_too_much_is_in_a_file(void **state)
{
    enum { N = 20 };
    mms_kept_room store = {.limit = 20000, .fd = -1};
    mms_kept *kept[N];

    (void)state;
    for (int i = 0; i < N; i++)
        kept[i] = keep(&store, i);
    assert_in_range(store.bytes, 1, store.limit);
    assert_true(store.fd >= 0);
    for (int i = N - 1; i >= 0; i--)
        check(kept[i], i);
    const int64_t before = bytes_on_disk(store.fd);
    mms_kept_free(&kept[0]); /* of memory: there is room for another */
    kept[0] = keep(&store, 100);
    assert_non_null(kept[0]->text);
    check(kept[0], 100);
    for (int i = 1; i < N - 1; i++)
        mms_kept_free(&kept[i]);
    assert_true(bytes_on_disk(store.fd) < before || before == 0);
    check(kept[N - 1], N - 1);
    mms_kept_free(&kept[0]);
    mms_kept_free(&kept[N - 1]);
    assert_int_equal(store.bytes, 0);
    mms_kept_room_close(&store);
}

static void what_no_file_takes_stays_in_memory(void **state)
{
    const char *const tmp = getenv("TMPDIR");
    char *const before = tmp ? strdup(tmp) : NULL;
    mms_kept_room store = {.limit = 10, .fd = -1};
    mms_kept *kept;

    (void)state;
    setenv("TMPDIR", "/no/such/folder", 1);
    kept = keep(&store, 7);
    if (before)
        setenv("TMPDIR", before, 1);
    else
        unsetenv("TMPDIR");
    free(before);
    assert_true(store.refused && store.fd < 0);
    check(kept, 7);
    mms_kept_free(&kept);
    assert_int_equal(store.bytes, 0);
    mms_kept_room_close(&store);
}

static void what_did_not_fit_takes_no_room(void **state)
{
    mms_kept_room store = {.limit = 10, .fd = -1};
    struct rlimit before, small;
    mms_kept *kept;

    (void)state;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = (struct rlimit){.rlim_cur = 4096, .rlim_max = before.rlim_max};
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    kept = keep(&store, 7);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_true(store.refused && store.fd >= 0);
    assert_int_equal(bytes_on_disk(store.fd), 0);
    check(kept, 7);
    mms_kept_free(&kept);
    mms_kept_room_close(&store);
}

static void text_stays_where_it_stands(void **state)
{
    mms_kept_room store = {.limit = 4, .fd = -1};
    char *whole = strdup("header[1,2,3]");
    mms_kept *kept = mms_kept_take(&whole, whole + 6, 7), *other;
    mms_value *value;

    (void)state;
    assert_null(whole);
    other = mms_kept_share(kept);
    mms_kept_free(&other);
    value = mms_kept_value(kept);
    assert_int_equal(json_array_size(value), 3);
    json_decref(value);
    mms_kept_put(&kept, &store);
    assert_null(kept->whole);
    value = mms_kept_value(kept);
    assert_int_equal(json_array_size(value), 3);
    json_decref(value);
    mms_kept_free(&kept);
    mms_kept_free(&kept);
    mms_kept_room_close(&store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_too_much_is_in_a_file),
        cmocka_unit_test(what_no_file_takes_stays_in_memory),
        cmocka_unit_test(what_did_not_fit_takes_no_room),
        cmocka_unit_test(text_stays_where_it_stands),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
