/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file test_journal.c  lib/engine/journal.c: what counts of a journal that was cut. */
#include <fcntl.h>
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/base_priv.h"
#include "base/tree_priv.h"
#include "engine/journal.h"
#include "scratch.h"

#define FOLDER "out" MMS_JOURNAL_SUFFIX
#define FILE_  FOLDER "/" MMS_JOURNAL_FILE

static mms_journal *open_journal(bool resume)
{
    mms_value *const key = json_pack("{s:i}", "a", 1);
    char *const output = mms_path_absolute("out");
    const mms_journal_opts opts = {
        .output = output, .task = "test", .request = key, .key = key, .resume = resume};
    mms_journal *j;

    assert_int_equal(mms_journal_open(&opts, &j, NULL), MMS_OK);
    assert_non_null(j);
    free(output);
    json_decref(key);
    return j;
}

static void note(mms_journal *j, const char *unit)
{
    mms_value *const answer = json_pack("{s:s}", "of", unit);

    mms_journal_done(j, unit, NULL, answer, NULL, 1);
    json_decref(answer);
}

static size_t read_file(char *text, size_t room)
{
    FILE *const file = fopen(FILE_, "r");
    assert_non_null(file);
    const size_t n = fread(text, 1, room, file);
    fclose(file);
    assert_in_range(n, 1, room - 1);
    return n;
}

static void write_file(const char *text, size_t n)
{
    FILE *const file = fopen(FILE_, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, n, file), n);
    assert_int_equal(fclose(file), 0);
}

/* What a run finds that goes on with the journal, which it leaves. */
static void expect(int64_t ndone, bool last)
{
    mms_journal *j = open_journal(true);
    mms_value *const answer = mms_journal_find(j, "c", NULL);

    assert_true(mms_journal_resumes(j));
    assert_int_equal(mms_journal_ndone(j), ndone);
    assert_int_equal(answer != NULL, last);
    json_decref(answer);
    mms_journal_end(&j, MMS_ERR_STOPPED, true, NULL);
}

/* Acceptance case A096. */
static void a_record_counts_when_it_is_whole(void **state)
{
    static char text[1 << 16];
    mms_journal *j = open_journal(false);

    (void)state;
    mms_journal_add(j, "plan", json_pack("{s:i}", "units", 3));
    note(j, "a");
    note(j, "b");
    const size_t before = read_file(text, sizeof text);
    note(j, "c");
    const size_t whole = read_file(text, sizeof text);
    mms_journal_end(&j, MMS_ERR_STOPPED, true, NULL);
    for (size_t n = before; n <= whole; n++) {
        write_file(text, n);
        expect(n == whole ? 3 : 2, n == whole);
    }
    for (size_t i = before; i < whole; i++) { /* a byte of it is another */
        text[i] ^= 1;
        write_file(text, whole);
        expect(2, false);
        text[i] ^= 1;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_record_counts_when_it_is_whole)};

    return cmocka_run_group_tests(tests, enter_scratch, leave_scratch);
}
