/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file test_journal.c  lib/engine/journal.c: what counts of a journal that was cut. */
#include <fcntl.h>
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/base_priv.h"
#include "base/files_priv.h"
#include "base/tree_priv.h"
#include "engine/journal.h"
#include "engine/journal_sync_priv.h"
#include "output/request_priv.h"
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

/* ---- what is synced ---- */

static atomic_int nsynced;
static dev_t synced[8];

/* Takes the place of the system's. */
int syncfs(int fd)
{
    struct stat info;
    const int n = nsynced;

    if (n < 8 && !fstat(fd, &info)) {
        synced[n] = info.st_dev;
        nsynced = n + 1;
    }
    return 0;
}

static char *synced_line(int64_t n)
{
    return mms_format("through %d\n", (int)n);
}

static bool has_line(int fd)
{
    struct stat info;

    return !fstat(fd, &info) && info.st_size > 0;
}

/* Units have changed folders of two file systems. */
static void all_file_systems_are_synced(void **state)
{
    const int fd = open("synced", O_RDWR | O_CREAT | O_TRUNC, 0666);
    const struct timespec nap = {.tv_nsec = 5000000};
    struct stat home, other;

    (void)state;
    assert_true(fd >= 0 && !stat(".", &home) && !stat("/proc", &other));
    assert_int_not_equal(home.st_dev, other.st_dev);
    mms_syncer *s = mms_syncer_begin(".", fd, 0, synced_line);
    mms_syncer_also(s, "/proc");
    mms_syncer_also(s, "/proc/self");
    mms_syncer_want(s, 1);
    for (int i = 0; i < 4000 && !has_line(fd); i++)
        nanosleep(&nap, NULL);
    assert_true(has_line(fd));
    assert_int_equal(nsynced, 2);
    assert_true(synced[0] == home.st_dev && synced[1] == other.st_dev);
    mms_syncer_end(&s);
    close(fd);
}

/* Nothing is called synced that could not be. */
static void a_file_system_that_is_gone(void **state)
{
    const int fd = open("synced", O_RDWR | O_CREAT | O_TRUNC, 0666);
    const struct timespec nap = {.tv_nsec = 200000000};
    mms_syncer *s = mms_syncer_begin(".", fd, 0, synced_line);

    (void)state;
    mms_syncer_also(s, "none");
    mms_syncer_want(s, 1);
    nanosleep(&nap, NULL);
    mms_syncer_end(&s);
    assert_false(has_line(fd));
    close(fd);
}

/* ---- room ---- */

static int64_t room_of(const char *output)
{
    const mms_host host = {.task = "test", .job_dir = FOLDER};
    const mms_how how = {.resume = true};
    int64_t bytes;

    assert_int_equal(mms_output_room(&host, output, &how, &bytes, NULL), MMS_OK);
    return bytes;
}

/* /proc has no room at all, so what an earlier run has staged is all there is. */
static void what_another_output_has_staged_is_no_room(void **state)
{
    mms_value *const key = json_object();
    const mms_journal_opts opts = {
        .output = "/proc/out", .task = "test", .request = key, .key = key, .folder = FOLDER};
    static const char part[1 << 16] = "rows";
    char *const staged = mms_path_absolute("staged");
    mms_journal *j;

    (void)state;
    assert_int_equal(mms_remove_tree(FOLDER, NULL), MMS_OK); // another output's
    assert_int_equal(mkdir("staged", 0777), 0);
    assert_int_equal(mms_write_file("staged/part", part, sizeof part, NULL), MMS_OK);
    assert_int_equal(mms_journal_open(&opts, &j, NULL), MMS_OK);
    mms_journal_add(j, "staged", json_pack("{s:s}", "path", staged));
    note(j, "a");
    mms_journal_end(&j, MMS_ERR_STOPPED, true, NULL);
    assert_in_range(room_of("/proc/out"), 1, 1 << 20);
    assert_int_equal(room_of("/proc/other"), 0);
    free(staged);
    json_decref(key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_record_counts_when_it_is_whole),
        cmocka_unit_test(all_file_systems_are_synced),
        cmocka_unit_test(a_file_system_that_is_gone),
        cmocka_unit_test(what_another_output_has_staged_is_no_room),
    };

    return cmocka_run_group_tests(tests, enter_scratch, leave_scratch);
}
