/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file child.c  Runs commands for the task bench, and fills or drops the page cache. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/files_priv.h"
#include "bench_priv.h"
#include "engine/stop.h"
#include "multims/engine.h"

extern char **environ;

void mms_words_add(mms_words *w, const char *fmt, ...)
{
    mms_error err;
    va_list args;
    char *word;

    /* one more for the NULL at the end */
    if (mms_grow(&w->words, &w->capacity, w->count + 2, sizeof *w->words, &err) != MMS_OK) {
        w->failed = true;
        return;
    }
    va_start(args, fmt);
    if (vasprintf(&word, fmt, args) < 0)
        w->failed = true;
    else
        w->words[w->count++] = word;
    va_end(args);
    w->words[w->count] = NULL;
}

void mms_words_free(mms_words *w)
{
    for (int64_t i = 0; i < w->count; i++)
        free(w->words[i]);
    free(w->words);
    *w = (mms_words){0};
}

double mms_clock_s(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* Nothing that we block or ignore is inherited */
static int prepare_signals(posix_spawnattr_t *attr)
{
    sigset_t none, defaults;

    sigemptyset(&none);
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE);
    posix_spawnattr_setsigmask(attr, &none);
    posix_spawnattr_setsigdefault(attr, &defaults);
    return posix_spawnattr_setflags(attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
}

static int prepare_files(posix_spawn_file_actions_t *files, const char *log, const char *messages)
{
    const int flags = O_WRONLY | O_CREAT | O_TRUNC;
    int rc = posix_spawn_file_actions_addopen(files, 0, "/dev/null", O_RDONLY, 0);

    if (!rc)
        rc = posix_spawn_file_actions_addopen(files, 1, log, flags, 0600);
    if (!rc)
        rc = posix_spawn_file_actions_addopen(files, 2, messages, flags, 0600);
    return rc;
}

static int spawn(const mms_words *command, const char *log, const char *messages, pid_t *pid)
{
    const bool self = !strcmp(command->words[0], "multims");
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attr;
    int rc;

    posix_spawn_file_actions_init(&files);
    posix_spawnattr_init(&attr);
    rc = prepare_files(&files, log, messages);
    if (!rc)
        rc = prepare_signals(&attr);
    if (!rc)
        rc = posix_spawnp(pid, self ? "/proc/self/exe" : command->words[0], &files, &attr,
                          command->words, environ);
    posix_spawnattr_destroy(&attr);
    posix_spawn_file_actions_destroy(&files);
    return rc;
}

/* Wait for the child; wake now and then, since a stop signal may come just before the wait.
 * SIGCHLD is blocked. */
static mms_status wait_for(pid_t pid, int *status, struct rusage *usage, mms_error *err)
{
    const struct timespec nap = {.tv_nsec = 200000000};
    bool asked = false;
    sigset_t ended;
    pid_t found;

    sigemptyset(&ended);
    sigaddset(&ended, SIGCHLD);
    while (!(found = wait4(pid, status, WNOHANG, usage))) {
        if (mms_stop_signal() && !asked)
            asked = !kill(pid, SIGTERM);
        (void)sigtimedwait(&ended, NULL, &nap);
    }
    if (found != pid)
        return mms_fail_errno(err, errno, "cannot wait for a process");
    return mms_check_stop(err);
}

static void last_line(const char *path, char *line, size_t size)
{
    FILE *const file = fopen(path, "re");
    char next[512];

    line[0] = '\0';
    while (file && fgets(next, sizeof next, file)) {
        next[strcspn(next, "\n")] = '\0';
        if (*next)
            snprintf(line, size, "%s", next);
    }
    if (file)
        fclose(file);
}

static mms_status judge(const char *program, int status, const char *messages, mms_error *err)
{
    char line[512];

    if (WIFEXITED(status) && !WEXITSTATUS(status))
        return MMS_OK;
    last_line(messages, line, sizeof line);
    if (WIFSIGNALED(status))
        return mms_fail(err, MMS_ERR_IO, "%s: killed by signal %d: %s", program, WTERMSIG(status),
                        line);
    return mms_fail(err, MMS_ERR_IO, "%s: exit %d: %s", program, WEXITSTATUS(status), line);
}

static mms_status run(const mms_words *command, const char *log, const char *messages,
                      mms_usage *usage, mms_error *err)
{
    const double start = mms_clock_s();
    struct rusage used = {0};
    int rc, status = 0;
    mms_status st;
    pid_t pid;

    rc = spawn(command, log, messages, &pid);
    if (rc)
        return mms_fail(err, MMS_ERR_IO, "cannot run %s: %s", command->words[0], strerror(rc));
    st = wait_for(pid, &status, &used, err);
    *usage = (mms_usage){.seconds = mms_clock_s() - start, .peak_kib = used.ru_maxrss};
    return st == MMS_OK ? judge(command->words[0], status, messages, err) : st;
}

mms_status mms_child_run(const mms_words *command, const char *log, mms_usage *usage,
                         mms_error *err)
{
    char *const messages = mms_format("%s.err", log);
    sigset_t block, before;
    mms_status st;

    sigemptyset(&block);
    sigaddset(&block, SIGCHLD);
    sigprocmask(SIG_BLOCK, &block, &before);
    st = mms_check_stop(err);
    if (st == MMS_OK && (command->failed || !command->count || !messages))
        st = mms_fail(err, MMS_ERR_MEM, "bench: out of memory");
    if (st == MMS_OK)
        st = run(command, log, messages, usage, err);
    sigprocmask(SIG_SETMASK, &before, NULL);
    free(messages);
    return st;
}

mms_status mms_sync_disk(const char *path, mms_error *err)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    mms_status st = MMS_OK;

    if (fd < 0 || syncfs(fd))
        st = mms_fail_errno(err, errno, "%s: cannot sync", path);
    if (fd >= 0)
        close(fd);
    return st;
}

static mms_status drop_file(void *ctx, const char *path, int64_t bytes, mms_error *err)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    mms_status st = MMS_OK;
    int rc;

    (void)ctx, (void)bytes;
    if (fd < 0)
        return mms_fail_errno(err, errno, "%s: cannot read", path);
    if ((rc = posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED)))
        st = mms_fail_errno(err, rc, "%s: cannot drop it from the cache", path);
    close(fd);
    return st;
}

mms_status mms_cache_drop(const char *path, mms_error *err)
{
    return mms_tree_visit(path, drop_file, NULL, err);
}

/* FNV-1a by words: by bytes it would take longer than what is measured */
static uint64_t hash(uint64_t sum, const unsigned char *bytes, size_t n)
{
    const uint64_t prime = 0x100000001b3;
    uint64_t word;

    for (; n >= sizeof word; bytes += sizeof word, n -= sizeof word) {
        memcpy(&word, bytes, sizeof word);
        sum = (sum ^ word) * prime;
        sum ^= sum >> 32;
    }
    for (; n; bytes++, n--)
        sum = (sum ^ *bytes) * prime;
    return sum;
}

static mms_status hash_file(void *ctx, const char *path, int64_t bytes, mms_error *err)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    unsigned char buffer[1 << 16];
    uint64_t *const total = ctx;
    uint64_t sum = 0xcbf29ce484222325;
    mms_status st = MMS_OK;
    ssize_t n = 0;

    (void)bytes;
    while (fd >= 0 && (n = TEMP_FAILURE_RETRY(read(fd, buffer, sizeof buffer))) > 0)
        sum = total ? hash(sum, buffer, (size_t)n) : sum;
    if (fd < 0 || n < 0)
        st = mms_fail_errno(err, errno, "%s: cannot read", path);
    if (total)
        *total += sum;
    if (fd >= 0)
        close(fd);
    return st;
}

mms_status mms_cache_fill(const char *path, mms_error *err)
{
    return mms_tree_visit(path, hash_file, NULL, err);
}

static mms_status hash_tile_file(void *ctx, const char *path, int64_t bytes, mms_error *err)
{
    const char *const name = strrchr(path, '/');

    return name && !strncmp(name, "/table.f", 8) && strstr(name, "_TSM")
               ? hash_file(ctx, path, bytes, err)
               : MMS_OK;
}

mms_status mms_tiles_sum(const char *path, uint64_t *sum, mms_error *err)
{
    *sum = 0;
    return mms_tree_visit(path, hash_tile_file, sum, err);
}
