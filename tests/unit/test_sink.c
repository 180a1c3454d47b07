/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file test_sink.c  lib/inplace/sink.c, undo.c: columns that a set gets, and how they go again.
 */
#include <complex.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/base_priv.h"
#include "base/files_priv.h"
#include "engine/engine_priv.h"
#include "inplace/sink_priv.h"
#include "multims/simulate.h"
#include "scratch.h"

static const char *const added[] = {"MODEL_DATA", "WEIGHT_SPECTRUM", NULL};

static void make(const char *path)
{
    static const int64_t channels[] = {5, 9};
    mms_simulate_opts o = MMS_SIMULATE_OPTS_INIT;

    o.antennas = 3;
    o.spws = o.nchannels = 2;
    o.channels = channels;
    assert_int_equal(mms_simulate(path, &o, NULL), MMS_OK);
}

/** Value i of a row's new cell. */
static mms_complex value_of(int64_t row, int64_t i)
{
    return (float)row + (float)i * (mms_complex)_Complex_I;
}

static mms_status write_rows(mms_sink *sink, const mms_shape_run *run, mms_error *err)
{
    const int64_t cell = run->shape[0] * run->shape[1], n = run->rows.count * cell;
    mms_complex *model = mms_alloc(n, sizeof *model);
    float *weight = mms_alloc(n, sizeof *weight);
    mms_status st;

    assert_true(model && weight);
    for (int64_t r = 0; r < run->rows.count; r++)
        for (int64_t i = 0; i < cell; i++) {
            model[r * cell + i] = value_of(run->rows.first + r, i);
            weight[r * cell + i] = (float)i;
        }
    st = mms_sink_write(sink, "MODEL_DATA", 1, &run->rows, 2, run->shape, n, model, err);
    if (st == MMS_OK)
        st = mms_sink_write(sink, "WEIGHT_SPECTRUM", 1, &run->rows, 2, run->shape, n, weight, err);
    free(model);
    free(weight);
    return st;
}

/** Add the columns; WEIGHT_SPECTRUM of tests is [nchan][ncorr] as well. */
static mms_status fill(const char *path, bool tiles, bool end)
{
    const mms_sink_what what = {path, added, "DATA", tiles, false, NULL};
    mms_sink *sink = NULL;
    mms_shape_run *runs = NULL;
    int64_t nrun = 0;
    mms_error err;
    mms_status st;

    MMS_TRY(mms_sink_open(&what, &sink, &err));
    const mms_rows all = {0, mms_sink_nrow(sink)};
    MMS_TRY(mms_sink_shapes(sink, "DATA", 1, &all, &runs, &nrun, &err));
    for (int64_t i = 0; i < nrun; i++)
        MMS_TRY(write_rows(sink, &runs[i], &err));
    if (!end)
        _exit(0);
    MMS_TRY(mms_sink_close(&sink, &err));
done:
    mms_sink_drop(&sink);
    free(runs);
    return st;
}

static void check_filled(const char *path, bool tiles)
{
    mms_ms *ms = NULL;
    mms_complex cell[36];
    float weight[36];

    assert_int_equal(mms_ms_open(path, &ms, NULL), MMS_OK);
    mms_ms_use_tiles(ms, tiles);
    for (int64_t row = 0; row < mms_ms_nrow(ms); row++) {
        const mms_rows one = {row, 1};
        mms_shape_run *run = NULL;
        int64_t n;
        assert_int_equal(mms_ms_shapes(ms, "MODEL_DATA", 1, &one, &run, &n, NULL), MMS_OK);
        n = run->shape[0] * run->shape[1];
        free(run);
        assert_int_equal(mms_ms_read(ms, "MODEL_DATA", 1, &one, n, cell, NULL), MMS_OK);
        assert_int_equal(mms_ms_read(ms, "WEIGHT_SPECTRUM", 1, &one, n, weight, NULL), MMS_OK);
        for (int64_t i = 0; i < n; i++) {
            const mms_complex want = value_of(row, i);
            assert_memory_equal(&cell[i], &want, sizeof want);
            assert_true(weight[i] == (float)i);
        }
    }
    mms_ms_close(&ms);
}

static void columns_are_added(void **state)
{
    (void)state;
    for (int tiles = 0; tiles < 2; tiles++) {
        make("in.ms");
        assert_int_equal(fill("in.ms", tiles, true), MMS_OK);
        check_filled("in.ms", true);
        check_filled("in.ms", false);
        assert_int_equal(mms_remove_tree("in.ms", NULL), MMS_OK);
    }
}

/** Begin the undo of in.ms, which looks as it looked in old.ms. */
static mms_undo *begin(void)
{
    mms_undo *undo = NULL;
    mms_ms *ms = NULL;

    assert_int_equal(system("rm -rf in.ms old.ms"), 0);
    make("in.ms");
    assert_int_equal(system("cp -r in.ms old.ms"), 0);
    assert_int_equal(mms_ms_open("in.ms", &ms, NULL), MMS_OK);
    assert_int_equal(mms_undo_begin("in.ms", false, &undo, NULL), MMS_OK);
    assert_int_equal(mms_undo_keep(undo, ms, NULL, added, NULL), MMS_OK);
    mms_ms_close(&ms);
    return undo;
}

static void columns_go_when_a_run_fails(void **state)
{
    (void)state;
    for (int tiles = 0; tiles < 2; tiles++) {
        mms_undo *undo = begin();
        assert_int_equal(fill("in.ms", tiles, true), MMS_OK);
        assert_int_equal(mms_undo_end(&undo, MMS_ERR_SPACE, NULL), MMS_ERR_SPACE);
        assert_int_equal(system("diff -r in.ms old.ms"), 0);
    }
}

/** A rank that is stopped in the middle of its work would write over what was brought back. */
static void nothing_is_brought_back_under_a_silent_rank(void **state)
{
    bool found = false;
    mms_undo *undo = begin();

    (void)state;
    assert_int_equal(fill("in.ms", true, true), MMS_OK);
    mms_world_note_silent(1);
    assert_int_equal(mms_undo_end(&undo, MMS_ERR_WORKER, NULL), MMS_ERR_WORKER);
    mms_world_note_silent(-1);
    assert_int_not_equal(system("diff -r in.ms old.ms >/dev/null"), 0);
    assert_int_equal(mms_undo_refuse("in.ms", NULL), MMS_ERR_EXISTS);
    assert_int_equal(mms_undo_recover("in.ms", true, &found, NULL), MMS_OK);
    assert_true(found);
    assert_int_equal(system("diff -r in.ms old.ms"), 0);
}

static void columns_go_after_a_kill(void **state)
{
    bool found = false;
    int status;

    (void)state;
    for (int tiles = 0; tiles < 2; tiles++) {
        const pid_t child = fork();
        if (child == 0) {
            (void)begin();
            _exit(fill("in.ms", tiles, false) == MMS_OK);
        }
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
        assert_int_equal(mms_undo_recover("in.ms", true, &found, NULL), MMS_OK);
        assert_true(found);
        assert_int_equal(system("diff -r in.ms old.ms"), 0);
    }
}

/* ---- columns that are there -------------------------------------------------------------------*/

static const char *const changed[] = {"DATA", "WEIGHT", NULL};

/** Begin an undo of in.ms for columns. */
static mms_undo *begin_change_of(const char *const *columns)
{
    mms_undo *undo = NULL;
    mms_ms *ms = NULL;

    if (access("old.ms", F_OK) != 0)
        make("old.ms");
    assert_int_equal(system("rm -rf in.ms .in.ms.mms-undo; cp -r old.ms in.ms"), 0);
    assert_int_equal(mms_ms_open("in.ms", &ms, NULL), MMS_OK);
    assert_int_equal(mms_undo_begin("in.ms", false, &undo, NULL), MMS_OK);
    assert_int_equal(mms_undo_keep(undo, ms, NULL, columns, NULL), MMS_OK);
    mms_ms_close(&ms);
    return undo;
}

static mms_undo *begin_change(void)
{
    return begin_change_of(changed);
}

/** Give every third row of DATA new values, after it was read. */
static mms_status change_thirds(mms_undo *undo, bool tiles, bool end)
{
    const mms_sink_what what = {"in.ms", NULL, "DATA", tiles, false, mms_undo_lock_path(undo)};
    mms_complex cell[36];
    mms_shape_run *run = NULL;
    mms_sink *sink = NULL;
    mms_error err;
    int64_t n = 0;
    mms_status st;

    MMS_TRY(mms_sink_open(&what, &sink, &err));
    for (int64_t row = 0; row < mms_sink_nrow(sink); row += 3) {
        const mms_rows one = {row, 1};
        MMS_TRY(mms_sink_shapes(sink, "DATA", 1, &one, &run, &n, &err));
        n = run->shape[0] * run->shape[1];
        MMS_TRY(mms_sink_read(sink, "DATA", 1, &one, n, cell, &err));
        for (int64_t i = 0; i < n; i++)
            cell[i] += value_of(row, i);
        MMS_TRY(mms_sink_write(sink, "DATA", 1, &one, 2, run->shape, n, cell, &err));
        free(run);
        run = NULL;
    }
    if (!end)
        _exit(0);
    MMS_TRY(mms_sink_close(&sink, &err));
done:
    mms_sink_drop(&sink);
    free(run);
    return st;
}

/** Every third row of in.ms is that of old.ms and more, the others are those of old.ms. */
static void check_thirds(void)
{
    mms_ms *ms = NULL, *old = NULL;
    mms_complex now[36], was[36];

    assert_int_equal(mms_ms_open("in.ms", &ms, NULL), MMS_OK);
    assert_int_equal(mms_ms_open("old.ms", &old, NULL), MMS_OK);
    mms_ms_use_tiles(ms, false);
    for (int64_t row = 0; row < mms_ms_nrow(ms); row++) {
        const mms_rows one = {row, 1};
        mms_shape_run *run = NULL;
        int64_t n;
        assert_int_equal(mms_ms_shapes(ms, "DATA", 1, &one, &run, &n, NULL), MMS_OK);
        n = run->shape[0] * run->shape[1];
        free(run);
        assert_int_equal(mms_ms_read(ms, "DATA", 1, &one, n, now, NULL), MMS_OK);
        assert_int_equal(mms_ms_read(old, "DATA", 1, &one, n, was, NULL), MMS_OK);
        for (int64_t i = 0; row % 3 == 0 && i < n; i++)
            was[i] += value_of(row, i);
        assert_memory_equal(now, was, (size_t)n * sizeof *now);
    }
    mms_ms_close(&ms);
    mms_ms_close(&old);
}

static ino_t largest;
static off_t most_bytes;

static mms_status look_at_file(void *ctx, const char *path, int64_t bytes, mms_error *err)
{
    struct stat info;

    (void)ctx;
    (void)err;
    if (strstr(path, "_TSM") && bytes > most_bytes && !stat(path, &info)) {
        most_bytes = bytes;
        largest = info.st_ino;
    }
    return MMS_OK;
}

/** The inode of the largest file of tiles: that of DATA. */
static ino_t inode_of(const char *ms)
{
    most_bytes = 0;
    assert_int_equal(mms_tree_visit(ms, look_at_file, NULL, NULL), MMS_OK);
    return largest;
}

static void rows_that_are_not_written_stay(void **state)
{
    (void)state;
    for (int tiles = 0; tiles < 2; tiles++) {
        mms_undo *undo = begin_change();
        const ino_t before = inode_of("in.ms");
        assert_int_equal(change_thirds(undo, tiles, true), MMS_OK);
        assert_int_equal(mms_undo_end(&undo, MMS_OK, NULL), MMS_OK);
        assert_true((inode_of("in.ms") != before) == tiles); // a new file, and no copy
        check_thirds();
    }
}

static void changes_go_when_a_run_fails(void **state)
{
    (void)state;
    for (int tiles = 0; tiles < 2; tiles++) {
        mms_undo *undo = begin_change();
        const ino_t before = inode_of("in.ms");
        assert_int_equal(change_thirds(undo, tiles, true), MMS_OK);
        assert_int_equal(mms_undo_end(&undo, MMS_ERR_SPACE, NULL), MMS_ERR_SPACE);
        assert_int_equal(system("diff -r in.ms old.ms"), 0);
        assert_true(inode_of("in.ms") == before);
    }
}

static void changes_go_after_a_kill(void **state)
{
    bool found = false;
    int status;

    (void)state;
    for (int tiles = 0; tiles < 2; tiles++) {
        const pid_t child = fork();
        if (child == 0)
            _exit(change_thirds(begin_change(), tiles, false) == MMS_OK);
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
        assert_int_equal(mms_undo_recover("in.ms", true, &found, NULL), MMS_OK);
        assert_true(found);
        assert_int_equal(system("diff -r in.ms old.ms"), 0);
    }
}

/** A worker that died is followed by another, which begins with what was there. */
static void a_worker_begins_anew(void **state)
{
    int status;

    (void)state;
    for (int tiles = 0; tiles < 2; tiles++) {
        mms_undo *undo = begin_change();
        const pid_t child = fork();
        if (child == 0)
            _exit(change_thirds(undo, tiles, false) == MMS_OK);
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
        assert_int_equal(change_thirds(undo, tiles, true), MMS_OK);
        assert_int_equal(mms_undo_end(&undo, MMS_OK, NULL), MMS_OK);
        check_thirds();
    }
}

/** Files that others see by another name, too, are changed where they are. */
static void links_stay_links(void **state)
{
    mms_undo *undo = begin_change();
    const ino_t before = inode_of("in.ms");

    (void)state;
    assert_int_equal(system("rm -rf link.ms; cp -rl in.ms link.ms"), 0);
    assert_int_equal(change_thirds(undo, true, true), MMS_OK);
    assert_int_equal(mms_undo_end(&undo, MMS_OK, NULL), MMS_OK);
    assert_true(inode_of("in.ms") == before);
    check_thirds();
    undo = begin_change();
    assert_int_equal(system("rm -rf link.ms; cp -rl in.ms link.ms"), 0);
    assert_int_equal(change_thirds(undo, true, true), MMS_OK);
    assert_int_equal(mms_undo_end(&undo, MMS_ERR_SPACE, NULL), MMS_ERR_SPACE);
    assert_int_equal(system("diff -r in.ms old.ms && diff -r link.ms old.ms"), 0);
}

/* ---- where files can't be moved, and what a full disk says late -------------------------------*/

static bool apart;        /**< the undo and the table are on mounts of their own */
static int nversion = -1; /**< of the renames of versions, that which fails; below 0: none */

/** In place of the C library's. */
int rename(const char *from, const char *to)
{
    if (apart && strstr(from, "mms-undo") != NULL && !strstr(to, "mms-undo"))
        errno = EXDEV;
    else if (apart && !strstr(from, "mms-undo") && strstr(to, "mms-undo"))
        errno = EXDEV;
    else if (strstr(to, ".flagversions/") && !strstr(from, "/table.") && nversion-- == 0)
        errno = EIO;
    else
        return renameat(AT_FDCWD, from, AT_FDCWD, to);
    return -1;
}

static void files_that_cannot_be_moved_are_copied(void **state)
{
    (void)state;
    for (int fails = 0; fails < 2; fails++) {
        mms_undo *undo = begin_change();
        const ino_t before = inode_of("in.ms");
        apart = true;
        assert_int_equal(change_thirds(undo, true, true), MMS_OK);
        assert_int_equal(mms_undo_end(&undo, fails ? MMS_ERR_SPACE : MMS_OK, NULL),
                         fails ? MMS_ERR_SPACE : MMS_OK);
        apart = false;
        assert_true(inode_of("in.ms") == before);
        if (fails)
            assert_int_equal(system("diff -r in.ms old.ms"), 0);
        else
            check_thirds();
    }
}

static mms_status save_some(int64_t before)
{
    mms_value *order = mms_save_order_encode(&(mms_save_order){"in.ms", "some", "c", before});
    const mms_status st = mms_version_save(order, NULL);

    json_decref(order);
    return st;
}

/** Wherever a worker is killed that saves a version anew: the next one leaves the old version, and
 * the new. */
static void a_version_is_saved_once(void **state)
{
    static const char both[] = "cd in.ms.flagversions && [ `ls -d flags.* | wc -l` = 2 ] && "
                               "[ `wc -l < FLAG_VERSION_LIST` = 2 ] && "
                               "sed 's/ : .*//' FLAG_VERSION_LIST | while read n; do "
                               "[ -d flags.$n ] || exit 1; done";

    (void)state;
    for (int k = 0; k < 3; k++) {
        int64_t before;
        assert_int_equal(system("rm -rf in.ms*"), 0);
        make("in.ms");
        assert_int_equal(save_some(0), MMS_OK);
        assert_int_equal(mms_version_find("in.ms", "some", &before, NULL), MMS_OK);
        nversion = k;
        assert_int_equal(save_some(before), MMS_ERR_IO);
        nversion = -1;
        assert_int_equal(save_some(before), MMS_OK);
        assert_int_equal(system(both), 0);
    }
}

/** Close the files of tiles that are open for writing, so that who does it next is told. */
static int64_t close_behind(void)
{
    int64_t n = 0;

    for (int fd = 3; fd < 256; fd++) {
        char link[32], path[4096];
        snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        const ssize_t length = readlink(link, path, sizeof path - 1);
        const int flags = fcntl(fd, F_GETFL);
        if (length < 0 || flags < 0 || (flags & O_ACCMODE) != O_RDWR)
            continue;
        path[length] = 0;
        if (strstr(path, "/in.ms/table.f") && strstr(path, "_TSM") && !close(fd))
            n++;
    }
    return n;
}

/** Network file systems tell of a full disk when a file is closed. */
static void an_error_of_closing_is_one_of_writing(void **state)
{
    static const char *const data[] = {"DATA", NULL};
    mms_undo *undo = begin_change_of(data);
    const mms_sink_what what = {"in.ms", NULL, "DATA", true, false, mms_undo_lock_path(undo)};
    mms_shape_run *runs = NULL;
    mms_sink *sink = NULL;
    int64_t nrun = 0;
    mms_complex *cells;

    (void)state;
    assert_int_equal(mms_sink_open(&what, &sink, NULL), MMS_OK);
    const mms_rows all = {0, mms_sink_nrow(sink)};
    assert_int_equal(mms_sink_shapes(sink, "DATA", 1, &all, &runs, &nrun, NULL), MMS_OK);
    for (int64_t i = 0; i < nrun; i++) {
        const int64_t n = runs[i].rows.count * runs[i].shape[0] * runs[i].shape[1];
        cells = mms_alloc(n, sizeof *cells);
        assert_non_null(cells);
        assert_int_equal(
            mms_sink_write(sink, "DATA", 1, &runs[i].rows, 2, runs[i].shape, n, cells, NULL),
            MMS_OK);
        free(cells);
    }
    free(runs);
    assert_true(close_behind() > 0);
    assert_int_equal(mms_sink_close(&sink, NULL), MMS_ERR_IO);
    assert_int_equal(mms_undo_end(&undo, MMS_ERR_IO, NULL), MMS_ERR_IO);
    assert_int_equal(system("diff -r in.ms old.ms"), 0);
}

static dev_t synced[8];
static size_t nsynced;

/** In place of the C library's. */
int syncfs(int fd)
{
    struct stat s;

    assert_int_equal(fstat(fd, &s), 0);
    if (nsynced < 8)
        synced[nsynced++] = s.st_dev;
    return 0;
}

/** Before the undo goes, all that was changed is on disk, wherever links have led. */
static void all_file_systems_are_synced(void **state)
{
    static const char *const none[] = {NULL};
    char far[] = "/dev/shm/multims-test-XXXXXX", command[200];
    struct stat here, there;
    mms_undo *undo = NULL;
    mms_ms *ms = NULL;
    bool found = false;

    (void)state;
    if (!mkdtemp(far))
        skip();
    assert_int_equal(system("rm -rf in.ms .in.ms.mms-undo"), 0);
    make("in.ms");
    snprintf(command, sizeof command, "cp -r in.ms %s/part.ms", far);
    assert_int_equal(system(command), 0);
    snprintf(command, sizeof command, "%s/part.ms", far);
    assert_int_equal(mms_ms_open("in.ms", &ms, NULL), MMS_OK);
    assert_int_equal(mms_undo_begin("in.ms", true, &undo, NULL), MMS_OK);
    assert_int_equal(mms_undo_keep_table(undo, command, false, NULL), MMS_OK);
    assert_int_equal(mms_undo_keep(undo, ms, NULL, none, NULL), MMS_OK);
    mms_ms_close(&ms);
    nsynced = 0;
    assert_int_equal(mms_undo_end(&undo, MMS_OK, NULL), MMS_OK);
    assert_int_equal(stat("in.ms", &here) + stat(far, &there), 0);
    assert_int_equal(mms_remove_tree(far, NULL), MMS_OK);
    for (size_t i = 0; i < nsynced; i++)
        found = found || synced[i] == there.st_dev;
    assert_true(found);
    assert_true(nsynced == (here.st_dev == there.st_dev ? 1 : 2));
}

/* ---- a Multi-MS and its parts -----------------------------------------------------------------*/

static void check_refused(const char *vis, mms_status want)
{
    mms_undo *undo = NULL;

    assert_int_equal(mms_undo_refuse(vis, NULL), want);
    assert_int_equal(mms_undo_recover(vis, true, NULL, NULL), want);
    assert_int_equal(mms_undo_begin(vis, false, &undo, NULL), want);
    assert_int_equal(mms_undo_end(&undo, MMS_OK, NULL), MMS_OK);
}

/** What is brought back of one would take away what was done with the other. */
static void parts_wait_for_their_whole(void **state)
{
    static const char *const sets[] = {"a.mms", "a.mms/SUBMSS/p", "far/q", "a.mms/SUBMSS/other"};
    static const char *const undos[] = {".a.mms.mms-undo", "a.mms/SUBMSS/.p.mms-undo",
                                        "far/.q.mms-undo"};
    static const bool refused[3][4] = {
        {false, true, false, true}, {true, false, false, false}, {true, false, false, false}};
    char command[200];
    mms_undo *undo = NULL;

    (void)state;
    assert_int_equal(system("mkdir -p a.mms/SUBMSS/p a.mms/SUBMSS/other far/q && "
                            "ln -s ../../far/q a.mms/SUBMSS/q"),
                     0);
    for (int u = 0; u < 3; u++)
        for (int s = 0; s < 4; s++) {
            snprintf(command, sizeof command, "rm -rf %s; mkdir %s && echo '[]' >%s/undo.json",
                     undos[u], undos[u], undos[u]);
            assert_int_equal(system(command), 0);
            if (u != s) // its own is brought back
                check_refused(sets[s], refused[u][s] ? MMS_ERR_EXISTS : MMS_OK);
            snprintf(command, sizeof command, "rm -r %s", undos[u]);
            assert_int_equal(system(command), 0);
        }
    for (int u = 0; u < 3; u++) {
        assert_int_equal(mms_undo_begin(sets[u], false, &undo, NULL), MMS_OK);
        for (int s = 0; s < 4; s++)
            if (u != s)
                check_refused(sets[s], refused[u][s] ? MMS_ERR_LOCKED : MMS_OK);
        assert_int_equal(mms_undo_end(&undo, MMS_OK, NULL), MMS_OK);
    }
}

static void a_column_is_of_the_definition(void **state)
{
    static const char *const wrong[] = {"CORRECT_DATA", NULL};
    const mms_sink_what what = {"in.ms", wrong, "DATA", true, false, NULL};
    mms_sink *sink = NULL;

    (void)state;
    assert_int_equal(mms_sink_open(&what, &sink, NULL), MMS_ERR_ARG);
    assert_null(sink);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_are_added),
        cmocka_unit_test(columns_go_when_a_run_fails),
        cmocka_unit_test(nothing_is_brought_back_under_a_silent_rank),
        cmocka_unit_test(columns_go_after_a_kill),
        cmocka_unit_test(rows_that_are_not_written_stay),
        cmocka_unit_test(changes_go_when_a_run_fails),
        cmocka_unit_test(changes_go_after_a_kill),
        cmocka_unit_test(a_worker_begins_anew),
        cmocka_unit_test(links_stay_links),
        cmocka_unit_test(files_that_cannot_be_moved_are_copied),
        cmocka_unit_test(a_version_is_saved_once),
        cmocka_unit_test(an_error_of_closing_is_one_of_writing),
        cmocka_unit_test(all_file_systems_are_synced),
        cmocka_unit_test(parts_wait_for_their_whole),
        cmocka_unit_test(a_column_is_of_the_definition)};
    return cmocka_run_group_tests(tests, enter_scratch, leave_scratch);
}
