/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file trial.c  A file that strangers made is read by a process that may die of it, or take too
 *  long, before this one reads it: libhdf5 1.10 does both on some damaged files. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/limits_priv.h"
#include "cubes_priv.h"
#include "engine/stop.h"
#include "multims/log.h"

/** What the process answers through a pipe, in one write. */
typedef struct verdict {
    mms_status st;
    mms_error err;
} verdict;
_Static_assert(sizeof(verdict) <= 4096, "POSIX keeps PIPE_BUF bytes together on Linux");

/** Of processor time, so that a busy machine refuses no sound file. */
static rlim_t seconds_for(int64_t bytes)
{
    return (rlim_t)(5 + (bytes >> 24));
}

/** No longer than the one who asks, and with the machine's own end for every signal. */
static void bind_down(pid_t asking, int64_t bytes)
{
    static const int defaults[] = {SIGTERM, SIGINT, SIGHUP,  SIGUSR1, SIGSEGV, SIGBUS,
                                   SIGFPE,  SIGILL, SIGABRT, SIGXCPU, SIGPIPE};
    const rlim_t s = seconds_for(bytes);
    const struct rlimit time = {s, s + 1}, none = {0, 0};
    sigset_t all;

    for (int64_t i = 0; i < MMS_COUNT_OF(defaults); i++)
        signal(defaults[i], SIG_DFL);
    sigemptyset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != asking)
        _exit(1);
    (void)setrlimit(RLIMIT_CPU, &time);
    (void)setrlimit(RLIMIT_CORE, &none);
    mms_memory_bound();
    mms_memory_allow(MMS_ROOM_SET, 16 * bytes); // arrays of baseline-times, which may be packed
    mms_log_to(NULL, NULL, MMS_LOG_ERROR);
}

/** In the process: nothing of its parent's is ended or flushed. */
static void try_it(const char *path, int out)
{
    mms_uvh5_in in;
    verdict v = {.st = MMS_OK};

    v.st = mms_uvh5_in_open(path, &in, &v.err);
    if (v.st == MMS_OK)
        v.st = mms_uvh5_cubes_probe(&in, &v.err);
    (void)!TEMP_FAILURE_RETRY(write(out, &v, sizeof v));
    _exit(0);
}

/** Wait for the answer, an end without one, or a signal to stop. */
static mms_status wait_for(int from, verdict *v, bool *answered, mms_error *err)
{
    struct pollfd pipe = {.fd = from, .events = POLLIN};
    mms_status st = MMS_OK;

    *answered = false;
    while (st == MMS_OK && poll(&pipe, 1, 100) <= 0)
        st = mms_check_stop(err);
    if (st == MMS_OK)
        *answered = TEMP_FAILURE_RETRY(read(from, v, sizeof *v)) == (ssize_t)sizeof *v;
    return st;
}

static mms_status tell_end(const char *path, int64_t bytes, int status, mms_error *err)
{
    const int number = WIFSIGNALED(status) ? WTERMSIG(status) : 0;

    if (number == SIGXCPU)
        return mms_fail(err, MMS_ERR_IO,
                        "%s: libhdf5 takes more than %d s for its header: is the file damaged?",
                        path, (int)seconds_for(bytes));
    if (number)
        return mms_fail(err, MMS_ERR_IO,
                        "%s: libhdf5 crashes on its header (signal %d): the file is damaged", path,
                        number);
    return mms_fail(err, MMS_ERR_IO, "%s: the process that tries the file ended", path);
}

mms_status mms_uvh5_in_try(const char *path, mms_error *err)
{
    const pid_t self = getpid();
    const mms_hdf5_module *hdf5;
    struct stat info;
    verdict v;
    bool answered;
    int ends[2], status = 0;
    mms_status st = mms_hdf5_load(&hdf5, err);

    if (st != MMS_OK)
        return st;
    const int64_t bytes = stat(path, &info) ? 0 : info.st_size;
    if (pipe2(ends, O_CLOEXEC))
        return mms_fail(err, MMS_ERR_IO, "%s: %s", path, strerror(errno));
    const pid_t pid = fork();
    if (pid == 0) {
        bind_down(self, bytes);
        try_it(path, ends[1]);
    }
    close(ends[1]);
    st = pid < 0 ? mms_fail(err, MMS_ERR_IO, "%s: %s", path, strerror(errno))
                 : wait_for(ends[0], &v, &answered, err);
    close(ends[0]);
    if (pid < 0)
        return st;
    if (st != MMS_OK)
        kill(pid, SIGKILL);
    (void)!TEMP_FAILURE_RETRY(waitpid(pid, &status, 0));
    if (st != MMS_OK)
        return st;
    if (!answered)
        return tell_end(path, bytes, status, err);
    if (err)
        *err = v.err;
    return v.st;
}
