/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file test_stage.c  lib/engine/stage.c and lib/base/files.c on a scratch folder. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
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
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/base_priv.h"
#include "base/blackbox_priv.h"
#include "base/files_priv.h"
#include "base/tree_priv.h"
#include "engine/stage.h"

static char scratch[64];

static int enter_scratch(void **state)
{
    (void)state;
    strcpy(scratch, "multims-test-stage-XXXXXX");
    return mkdtemp(scratch) && !chdir(scratch) ? 0 : -1;
}

static int leave_scratch(void **state)
{
    (void)state;
    return chdir("..") || mms_remove_tree(scratch, NULL) ? -1 : 0;
}

static bool exists(const char *path)
{
    struct stat info;
    return !lstat(path, &info);
}

static void write_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void check_text(const char *path, const char *want)
{
    char text[256] = "";
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    assert_string_equal(text, want);
}

/* Make NAME in the staging folder with one file in it. */
static void fill(const mms_stage *stage, const char *name)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", mms_stage_path(stage), name);
    assert_int_equal(mkdir(path, 0755), 0);
    snprintf(path, sizeof path, "%s/%s/table.dat", mms_stage_path(stage), name);
    write_text(path, "rows");
}

static void output_appears_when_published(void **state)
{
    mms_stage *stage;
    char path[256];
    mms_error err;

    (void)state;
    assert_int_equal(mms_stage_create("a.mms/", &stage, &err), MMS_OK);
    snprintf(path, sizeof path, "%s", mms_stage_path(stage));
    assert_non_null(strstr(path, "/.a.mms.mms-part-"));
    fill(stage, "a.mms");
    assert_false(exists("a.mms"));
    assert_int_equal(mms_stage_sync(stage, &err), MMS_OK);
    assert_int_equal(mms_stage_publish(stage, "a.mms", "a.mms/", &err), MMS_OK);
    check_text("a.mms/table.dat", "rows");
    mms_stage_remove(&stage);
    assert_null(stage);
    assert_false(exists(path));
    check_text("a.mms/table.dat", "rows");
}

static void existing_output_stays(void **state)
{
    mms_stage *stage;
    mms_error err;

    (void)state;
    assert_int_equal(mkdir("b.mms", 0755), 0); /* empty: a plain rename would replace it */
    assert_int_equal(mms_stage_create("b.mms", &stage, &err), MMS_OK);
    fill(stage, "b.mms");
    assert_int_equal(mms_stage_publish(stage, "b.mms", "b.mms", &err), MMS_ERR_EXISTS);
    assert_string_equal(err.msg, "Output MS b.mms already exists - will not overwrite it.");
    assert_false(exists("b.mms/table.dat"));
    mms_stage_remove(&stage);
}

/* ---- a file system without RENAME_NOREPLACE ---- */

static bool has_noreplace = true;
static const char *comes; /* a set that another program makes between our look and our rename */

/* In place of the C library's. */
int renameat2(int from_folder, const char *from, int to_folder, const char *to, unsigned flags)
{
    if (has_noreplace || !flags)
        return (int)syscall(SYS_renameat2, from_folder, from, to_folder, to, flags);
    errno = EINVAL;
    return -1;
}

int rename(const char *from, const char *to)
{
    char file[64];

    if (comes) {
        assert_int_equal(mkdir(comes, 0755), 0);
        snprintf(file, sizeof file, "%s/rows", comes);
        comes = NULL;
        write_text(file, "theirs");
    }
    return (int)syscall(SYS_rename, from, to);
}

/* What is there stays, a folder or a file, also one that comes at the last moment (A095). */
static void outputs_stay_without_noreplace(void **state)
{
    (void)state;
    has_noreplace = false;
    assert_int_equal(mkdir("new", 0755) | mkdir("empty", 0755), 0);
    write_text("new/rows", "new");
    assert_int_equal(mms_rename_new("new", "empty"), -1);
    assert_int_equal(errno, EEXIST);
    write_text("file", "old");
    write_text("fresh", "new");
    assert_int_equal(mms_rename_new("fresh", "file"), -1);
    assert_int_equal(errno, EEXIST);
    check_text("file", "old");
    assert_int_equal(mms_rename_new("fresh", "file2"), 0);
    check_text("file2", "new");
    assert_false(exists("fresh"));
    comes = "set";
    assert_int_equal(mms_rename_new("new", "set"), -1);
    assert_int_equal(errno, EEXIST);
    check_text("set/rows", "theirs");
    assert_int_equal(mms_rename_new("new", "set2"), 0);
    check_text("set2/rows", "new");
    has_noreplace = true;
}

static void missing_folder_is_named(void **state)
{
    mms_stage *stage;
    mms_error err;

    (void)state;
    assert_int_equal(mms_stage_create("nowhere/c.mms", &stage, &err), MMS_ERR_NOT_FOUND);
    assert_null(stage);
    assert_non_null(strstr(err.msg, "nowhere"));
}

/* A process makes a staging folder of output and is killed; the folder's path goes to path.
 * It is left to be waited for. */
static pid_t leave_stage_of_zombie(const char *output, char *path, size_t size)
{
    siginfo_t info;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    const pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        mms_stage *stage;
        if (mms_stage_create(output, &stage, NULL) == MMS_OK) {
            const char *made = mms_stage_path(stage);
            if (write(ends[1], made, strlen(made)) < 0)
                _exit(1);
        }
        raise(SIGKILL);
    }
    close(ends[1]);
    const ssize_t n = read(ends[0], path, size - 1);
    close(ends[0]);
    assert_true(n > 0);
    path[n] = '\0';
    assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
    assert_true(exists(path));
    return pid;
}

static void leave_stage_of_dead_process(const char *output, char *path, size_t size)
{
    const pid_t pid = leave_stage_of_zombie(output, path, size);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* Where the parent was killed too, and process 1 waits for nobody. */
static void stage_of_a_zombie_is_swept(void **state)
{
    char path[256];
    mms_stage *stage;

    (void)state;
    const pid_t pid = leave_stage_of_zombie("h.mms", path, sizeof path);
    assert_int_equal(mms_stage_create("h.mms", &stage, NULL), MMS_OK);
    mms_stage_remove(&stage);
    assert_false(exists(path));
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void only_own_dead_stages_are_swept(void **state)
{
    char dead[256], other[256];
    mms_stage *alive, *stage;

    (void)state;
    leave_stage_of_dead_process("d.mms", dead, sizeof dead);
    leave_stage_of_dead_process("other.mms", other, sizeof other);
    assert_int_equal(mkdir(".d.mms.mms-part-abcdef", 0755), 0); /* no owner file: not ours */
    assert_int_equal(mms_stage_create("d.mms", &alive, NULL), MMS_OK);
    assert_int_equal(mms_stage_create("d.mms", &stage, NULL), MMS_OK);
    assert_false(exists(dead));
    assert_true(exists(other));
    assert_true(exists(".d.mms.mms-part-abcdef"));
    assert_true(exists(mms_stage_path(alive)));
    mms_stage_remove(&stage);
    mms_stage_remove(&alive);
}

/* Killed before it had an owner file, or after: the fresh one may be of a run that begins. */
static void old_empty_stages_are_swept(void **state)
{
    const struct timespec old[2] = {{.tv_sec = 1}, {.tv_sec = 1}};
    mms_stage *stage;

    (void)state;
    assert_int_equal(mkdir(".g.mms.mms-part-oldone", 0755) | mkdir(".g.mms.mms-part-filled", 0755) |
                         mkdir(".g.mms.mms-part-fresh1", 0755),
                     0);
    write_text(".g.mms.mms-part-filled/file", "not ours");
    assert_int_equal(utimensat(AT_FDCWD, ".g.mms.mms-part-oldone", old, 0), 0);
    assert_int_equal(utimensat(AT_FDCWD, ".g.mms.mms-part-filled", old, 0), 0);
    assert_int_equal(mms_stage_create("g.mms", &stage, NULL), MMS_OK);
    mms_stage_remove(&stage);
    assert_false(exists(".g.mms.mms-part-oldone"));
    assert_true(exists(".g.mms.mms-part-filled/file"));
    assert_true(exists(".g.mms.mms-part-fresh1"));
}

/* Change one entry of the owner file of a dead process's folder, sweep, and look. */
static bool swept_after_change(const char *key, const char *value)
{
    char dead[256], owner[300];
    mms_value *object;
    mms_stage *stage;

    leave_stage_of_dead_process("e.mms", dead, sizeof dead);
    snprintf(owner, sizeof owner, "%s/owner.json", dead);
    assert_int_equal(mms_value_read(owner, &object, NULL), MMS_OK);
    assert_int_equal(json_object_set_new(object, key, json_string(value)), 0);
    assert_int_equal(json_dump_file(object, owner, 0), 0);
    mms_value_free(&object);
    assert_int_equal(mms_stage_create("e.mms", &stage, NULL), MMS_OK);
    mms_stage_remove(&stage);
    const bool swept = !exists(dead);
    assert_int_equal(mms_remove_tree(dead, NULL), MMS_OK);
    return swept;
}

static void other_hosts_are_left_alone(void **state)
{
    (void)state;
    assert_true(swept_after_change("boot", "an earlier boot"));
    assert_false(swept_after_change("host", "another-host"));
    assert_false(swept_after_change("output", "x.mms"));
    assert_false(swept_after_change("pid_namespace", "pid:[1]"));
}

static int64_t count_stages(const char *prefix)
{
    const struct dirent *entry;
    DIR *const list = opendir(".");
    int64_t n = 0;

    assert_non_null(list);
    while ((entry = readdir(list)))
        n += !strncmp(entry->d_name, prefix, strlen(prefix));
    closedir(list);
    return n;
}

/* The first byte of the owner file ends the process: then there is a folder, and an empty file. */
static void stage_without_owner_is_swept(void **state)
{
    mms_stage *stage;
    int status;

    (void)state;
    const pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        const struct rlimit nothing = {0, 0};
        signal(SIGXFSZ, SIG_DFL);
        _exit(setrlimit(RLIMIT_FSIZE, &nothing) || mms_stage_create("i.mms", &stage, NULL));
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGXFSZ);
    assert_int_equal(count_stages(".i.mms."), 1);
    assert_int_equal(mms_stage_create("i.mms", &stage, NULL), MMS_OK);
    assert_int_equal(count_stages(".i.mms."), 1);
    mms_stage_remove(&stage);
    assert_int_equal(count_stages(".i.mms."), 0);
}

/* What a power cut leaves where nothing was synced. */
static void stage_with_lost_owner_is_swept(void **state)
{
    mms_stage *stage;

    (void)state;
    assert_int_equal(mkdir(".j.mms.mms-part-abcdef", 0755), 0);
    write_text(".j.mms.mms-part-abcdef/owner.json", "");
    write_text(".j.mms.mms-part-abcdef/table.dat", "");
    assert_int_equal(mms_stage_create("j.mms", &stage, NULL), MMS_OK);
    mms_stage_remove(&stage);
    assert_int_equal(count_stages(".j.mms."), 0);
}

static void long_names_have_a_stage(void **state)
{
    char name[232];
    mms_stage *stage;

    (void)state;
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    assert_int_equal(mms_stage_create(name, &stage, NULL), MMS_OK);
    mms_stage_remove(&stage);
    assert_int_equal(count_stages(".nnn"), 0);
}

static void kept_stage_stays(void **state)
{
    mms_stage *stage;
    char path[256];

    (void)state;
    assert_int_equal(mms_stage_create("f.mms", &stage, NULL), MMS_OK);
    snprintf(path, sizeof path, "%s", mms_stage_path(stage));
    mms_stage_keep(&stage);
    assert_null(stage);
    assert_true(exists(path));
}

/* tree/{file (read-only), sub/deep, link -> file, out -> ../target, a table; sub/up -> ../file,
 * far -> ../plain, no table, lost -> nowhere} */
static void make_tree(void)
{
    assert_int_equal(mkdir("target", 0755) | mkdir("plain", 0755) | mkdir("tree", 0755) |
                         mkdir("tree/sub", 0777),
                     0);
    write_text("target/rows", "linked");
    write_text("target/table.dat", "t");
    write_text("tree/file", "plain");
    write_text("tree/sub/deep", "deep");
    assert_int_equal(
        chmod("tree/file", 06777) | chmod("tree/sub/deep", 0400) | chmod("tree/sub", 02777), 0);
    assert_int_equal(symlink("file", "tree/link") | symlink("../target", "tree/out") |
                         symlink("../file", "tree/sub/up") | symlink("../plain", "tree/far") |
                         symlink("nowhere", "tree/lost") | symlink("../../tree", "target/round"),
                     0);
}

/* What a version control system or a desktop leaves in a folder. */
static void make_foreign(void)
{
    assert_int_equal(mkdir("tree/.svn", 0755) | mkdir("tree/sub/.svn", 0755), 0);
    write_text("tree/.svn/entries", "x");
    write_text("tree/sub/.DS_Store", "x");
}

static bool is_link(const char *path)
{
    struct stat info;
    assert_int_equal(lstat(path, &info), 0);
    return S_ISLNK(info.st_mode);
}

/* Links are what they lead to, and files have the modes of new ones. */
static void check_copy(const char *copy)
{
    static const char *const files[][2] = {{"file", "plain"},   {"sub/deep", "deep"},
                                           {"link", "plain"},   {"out/rows", "linked"},
                                           {"sub/up", "plain"}, {"out/table.dat", "t"}};
    struct stat info;
    char path[64];

    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", copy, files[i][0]);
        check_text(path, files[i][1]);
        assert_false(is_link(path));
        assert_int_equal(stat(path, &info), 0);
        assert_int_equal(info.st_mode & 07777, 0640);
    }
    snprintf(path, sizeof path, "%s/sub", copy);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 07777, 0750);
    for (size_t i = 0; i < 5; i++) {
        static const char *const left[] = {"far", "lost", "out/round", ".svn", "sub/.DS_Store"};
        snprintf(path, sizeof path, "%s/%s", copy, left[i]);
        assert_int_equal(lstat(path, &info), -1);
    }
}

static void trees_are_copied(void **state)
{
    int64_t bytes;
    mms_error err;
    const mode_t mask = umask(0);

    (void)state;
    make_tree();
    make_foreign();
    umask(027);
    assert_int_equal(mms_copy_tree("tree/", "copy", &err), MMS_OK);
    umask(mask);
    check_copy("copy");
    assert_int_equal(mms_tree_bytes("copy", &bytes, &err), MMS_OK);
    assert_int_equal(bytes, 26);
    assert_int_equal(mms_copy_tree("tree", "copy", &err), MMS_ERR_EXISTS);
    assert_int_equal(mms_copy_tree("gone", "gone2", &err), MMS_ERR_NOT_FOUND);
    assert_non_null(strstr(err.msg, "gone"));
}

/* A tree is held whole, in part and not at all: what is written is the same. */
static void trees_are_written_again(void **state)
{
    static const int64_t most[] = {100, 5, 0};
    mms_tree *tree;
    mms_error err;

    (void)state;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(mms_tree_read("tree/", most[i], &tree, &err), MMS_OK);
        assert_int_equal(mms_tree_held(tree) == 26, i == 0);
        assert_true(mms_tree_held(tree) <= most[i]);
        const mode_t mask = umask(027);
        assert_int_equal(mms_tree_write(tree, "again", &err), MMS_OK);
        umask(mask);
        check_copy("again");
        assert_int_equal(mms_tree_write(tree, "again", &err), MMS_ERR_EXISTS);
        assert_non_null(strstr(err.msg, "again"));
        assert_int_equal(mms_remove_tree("again", &err), MMS_OK);
        mms_tree_free(&tree);
    }
    assert_int_equal(mms_tree_read("gone", 0, &tree, &err), MMS_ERR_NOT_FOUND);
    assert_null(tree);
}

/* Nobody waits for a pipe that nobody writes to, wherever it is. */
static void pipes_are_not_opened(void **state)
{
    static const char *const names[] = {"pipes/table.dat", "pipes/sub/notes"};
    mms_error err;
    int64_t bytes;
    int fd;

    (void)state;
    assert_int_equal(mkdir("pipes", 0755) | mkdir("pipes/sub", 0755), 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(mkfifo(names[i], 0600), 0);
        assert_int_equal(mms_copy_tree("pipes", "piped", &err), MMS_ERR_UNSUPPORTED);
        assert_non_null(strstr(err.msg, names[i]));
        assert_non_null(strstr(err.msg, "a named pipe"));
        assert_int_equal(mms_open_file(names[i], &fd, &bytes, &err), MMS_ERR_TABLE);
        assert_int_equal(mms_copy_file(names[i], "piped", &err), MMS_ERR_TABLE);
        assert_non_null(strstr(err.msg, names[i]));
        assert_int_equal(unlink(names[i]), 0);
        assert_int_equal(symlink("/dev/null", names[i]), 0);
        assert_int_equal(mms_copy_tree("pipes", "piped", &err), MMS_ERR_UNSUPPORTED);
        assert_non_null(strstr(err.msg, "a device"));
        assert_int_equal(unlink(names[i]), 0);
    }
    assert_int_equal(mms_remove_tree("pipes", &err), MMS_OK);
}

/* Only ENOENT and ENOTDIR say that there is nothing. */
static void what_cannot_be_looked_at_is_not_absent(void **state)
{
    mms_error err;
    bool there;

    (void)state;
    assert_int_equal(symlink("loop", "loop"), 0);
    assert_int_equal(mms_path_exists("loop", &there, &err), MMS_ERR_IO);
    assert_non_null(strstr(err.msg, "loop: cannot look at it"));
    assert_int_equal(mms_path_taken("loop", &there, &err), MMS_OK);
    assert_true(there);
    assert_int_equal(mms_path_exists("never", &there, &err), MMS_OK);
    assert_false(there);
    assert_int_equal(mms_path_exists("target/rows/below", &there, &err), MMS_OK);
    assert_false(there);
    assert_int_equal(mms_path_exists("target/rows", &there, &err), MMS_OK);
    assert_true(there);
}

/* A file that is made takes the place of none, and is written through no link. */
static void new_files_follow_no_link(void **state)
{
    mms_error err;

    (void)state;
    assert_int_equal(symlink("target/rows", "alias"), 0);
    assert_int_equal(mms_write_file("alias", "x", 1, &err), MMS_ERR_EXISTS);
    assert_int_equal(mms_replace_file("alias", "x", 1, &err), MMS_ERR_IO);
    check_text("target/rows", "linked");
    assert_int_equal(unlink("alias"), 0);
    assert_int_equal(mms_write_file("alias", "x", 1, &err), MMS_OK);
    assert_int_equal(mms_replace_file("alias", "yz", 2, &err), MMS_OK);
    check_text("alias", "yz");
    assert_int_equal(unlink("alias"), 0);
}

static void removing_does_not_follow_links(void **state)
{
    (void)state;
    assert_int_equal(mms_remove_tree("tree", NULL), MMS_OK);
    assert_false(exists("tree"));
    check_text("target/rows", "linked");
    assert_int_equal(symlink("target", "alias"), 0);
    assert_int_equal(mms_remove_tree("alias/", NULL), MMS_OK);
    assert_false(exists("alias"));
    check_text("target/rows", "linked");
    assert_int_equal(mms_remove_tree("never", NULL), MMS_OK);
}

static void full_disk_names_the_file(void **state)
{
    mms_error err;

    (void)state;
    assert_int_equal(mms_fail_errno(&err, ENOSPC, "%s: cannot write", "x"), MMS_ERR_SPACE);
    assert_string_equal(err.msg, "x: cannot write: No space left on device");
}

/* casacore's words of a write that was cut short; a file that can grow is left as it was, for a
 * journal takes its time for that of what a part has written. */
static void files_that_could_not_be_written(void **state)
{
    const struct timespec times[] = {{.tv_sec = 1000, .tv_nsec = 1},
                                     {.tv_sec = 2000, .tv_nsec = 2}};
    struct stat info;
    char *file = mms_unwritten_file("FilebufIO: write error for file /a/b c.ms/table.f0: Success");

    (void)state;
    assert_string_equal(file, "/a/b c.ms/table.f0");
    free(file);
    file = mms_unwritten_file("FiledesIO::write - write error in /a/table.lock");
    assert_string_equal(file, "/a/table.lock");
    free(file);
    assert_null(mms_unwritten_file("Table /a does not exist"));
    assert_int_equal(utimensat(AT_FDCWD, "target/rows", times, 0), 0);
    assert_false(mms_file_lacks_room("target/rows"));
    assert_int_equal(stat("target/rows", &info), 0);
    assert_int_equal(info.st_mtim.tv_sec, times[1].tv_sec);
    assert_int_equal(info.st_mtim.tv_nsec, times[1].tv_nsec);
    check_text("target/rows", "linked");
    assert_true(mms_file_lacks_room("/dev/full"));
    assert_false(mms_disk_is_full("target/rows"));
}

static void free_space_of_a_path_to_be(void **state)
{
    int64_t here, there;

    (void)state;
    assert_int_equal(mms_disk_free(".", &here, NULL), MMS_OK);
    assert_int_equal(mms_disk_free("not/yet/there", &there, NULL), MMS_OK);
    assert_true(here > 0 && there > 0);
}

/* One folder within another goes with it, whichever this process dies in. */
static void the_outermost_is_removed(void **state)
{
    mms_stage *outer, *inner;
    char path[256];

    (void)state;
    assert_int_equal(mms_stage_create("nested.ms", &outer, NULL), MMS_OK);
    snprintf(path, sizeof path, "%s/whole.ms", mms_stage_path(outer));
    assert_int_equal(mms_stage_create(path, &inner, NULL), MMS_OK);
    assert_string_equal(mms_blackbox_stage(), mms_stage_path(outer));
    mms_stage_remove(&inner);
    assert_string_equal(mms_blackbox_stage(), mms_stage_path(outer));
    mms_stage_keep(&outer);
    assert_string_equal(mms_blackbox_stage(), "");
}

static int refills;

/* Takes the place of the system's: a file comes just before its folder goes, as of a worker that
 * was killed and has not ended yet. */
int unlinkat(int folder, const char *name, int flags)
{
    if (flags == AT_REMOVEDIR && refills-- > 0)
        write_text("filled/late", "");
    return (int)syscall(SYS_unlinkat, folder, name, flags);
}

static void what_is_filled_meanwhile_is_removed(void **state)
{
    (void)state;
    assert_int_equal(mkdir("filled", 0777), 0);
    refills = 5;
    assert_int_equal(mms_remove_tree("filled", NULL), MMS_OK);
    assert_false(exists("filled"));
    refills = 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(output_appears_when_published),
        cmocka_unit_test(existing_output_stays),
        cmocka_unit_test(outputs_stay_without_noreplace),
        cmocka_unit_test(missing_folder_is_named),
        cmocka_unit_test(only_own_dead_stages_are_swept),
        cmocka_unit_test(old_empty_stages_are_swept),
        cmocka_unit_test(stage_of_a_zombie_is_swept),
        cmocka_unit_test(other_hosts_are_left_alone),
        cmocka_unit_test(stage_without_owner_is_swept),
        cmocka_unit_test(stage_with_lost_owner_is_swept),
        cmocka_unit_test(long_names_have_a_stage),
        cmocka_unit_test(kept_stage_stays),
        cmocka_unit_test(trees_are_copied),
        cmocka_unit_test(trees_are_written_again),
        cmocka_unit_test(pipes_are_not_opened),
        cmocka_unit_test(what_cannot_be_looked_at_is_not_absent),
        cmocka_unit_test(new_files_follow_no_link),
        cmocka_unit_test(removing_does_not_follow_links),
        cmocka_unit_test(what_is_filled_meanwhile_is_removed),
        cmocka_unit_test(full_disk_names_the_file),
        cmocka_unit_test(files_that_could_not_be_written),
        cmocka_unit_test(free_space_of_a_path_to_be),
        cmocka_unit_test(the_outermost_is_removed),
    };
    return cmocka_run_group_tests(tests, enter_scratch, leave_scratch);
}
