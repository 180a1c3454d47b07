/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file spawn.c  Starts the process of a worker: a program over a socketpair, most often this one
 * again. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/files_priv.h"
#include "spawn_priv.h"

/* The environment of a worker: ours with the number of its socket. */
static char **worker_environment(void)
{
    static char variable[] = MMS_WORKER_FD_VARIABLE "=3"; /* posix_spawn wants char * */
    char **copy;
    int64_t n = 0;

    while (environ[n])
        n++;
    copy = mms_alloc(n + 2, sizeof *copy);
    if (copy) {
        copy[0] = variable;
        memcpy(copy + 1, environ, (size_t)n * sizeof *copy);
    }
    return copy;
}

static int prepare_files(posix_spawn_file_actions_t *files, int fd, int print, int box)
{
    int rc = posix_spawn_file_actions_addopen(files, 0, "/dev/null", O_RDONLY, 0);

    if (!rc)
        rc = posix_spawn_file_actions_adddup2(files, print, 1);
    if (!rc)
        rc = posix_spawn_file_actions_adddup2(files, print, 2);
    if (!rc)
        rc = posix_spawn_file_actions_adddup2(files, fd, MMS_WORKER_FD);
    if (!rc && box >= 0)
        rc = posix_spawn_file_actions_adddup2(files, box, MMS_WORKER_BOX_FD);
    if (!rc)
        rc = posix_spawn_file_actions_addclosefrom_np(files, box >= 0 ? MMS_WORKER_BOX_FD + 1
                                                                      : MMS_WORKER_BOX_FD);
    return rc;
}

/* No terminal signals reach it (own session); nothing that we block or ignore is inherited. */
static int prepare_signals(posix_spawnattr_t *attr)
{
    sigset_t none, defaults;

    sigemptyset(&none);
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE);
    sigaddset(&defaults, SIGTERM);
    posix_spawnattr_setsigmask(attr, &none);
    posix_spawnattr_setsigdefault(attr, &defaults);
    return posix_spawnattr_setflags(attr, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK |
                                              POSIX_SPAWN_SETSIGDEF);
}

/* This program: the file that runs, even when it was replaced meanwhile.  Valgrind runs another
 * file, and shows the program's name. */
static const char *own_program(char *buffer, size_t size)
{
    static const char *const link = "/proc/self/exe";
    const ssize_t n = readlink(link, buffer, size - 1);
    struct stat running, named;

    if (n <= 0 || (size_t)n == size - 1)
        return link;
    buffer[n] = '\0';
    if (stat(link, &running) || stat(buffer, &named))
        return link;
    return running.st_dev == named.st_dev && running.st_ino == named.st_ino ? link : buffer;
}

static int spawn(const char *given, mms_process *process, int fd, int print, int box)
{
    char buffer[4096];
    const char *const program = given ? given : own_program(buffer, sizeof buffer);
    char *const name = given ? strdup(given) : program_invocation_short_name;
    char *const words[] = {name, (char[]){"worker"}, NULL};
    char **environment = name ? worker_environment() : NULL;
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attr;
    int rc;

    posix_spawn_file_actions_init(&files);
    posix_spawnattr_init(&attr);
    rc = environment ? prepare_files(&files, fd, print, box) : ENOMEM;
    if (!rc)
        rc = prepare_signals(&attr);
    if (!rc)
        rc = posix_spawn(&process->pid, program, &files, &attr, words, environment);
    posix_spawnattr_destroy(&attr);
    posix_spawn_file_actions_destroy(&files);
    free(environment);
    if (given)
        free(name);
    return rc;
}

/* Make a pair of descriptors that neither workers nor other children inherit, above those that the
 * worker gets; ours does not block. */
static int make_pair(bool is_socket, int pair[2])
{
    int made[2];

    if (is_socket ? socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, made)
                  : pipe2(made, O_CLOEXEC))
        return errno;
    for (int i = 0; i < 2; i++) {
        pair[i] = fcntl(made[i], F_DUPFD_CLOEXEC, MMS_WORKER_BOX_FD + 1);
        close(made[i]);
    }
    if (pair[0] >= 0 && pair[1] >= 0 && !fcntl(pair[0], F_SETFL, O_NONBLOCK))
        return 0;
    const int errnum = errno;
    close(pair[0]);
    close(pair[1]);
    return errnum;
}

/* Make the box of a worker; -1 where that can't be: it is not needed. */
static int make_box(mms_process *process)
{
    const int made = memfd_create("multims-blackbox", MFD_CLOEXEC);
    const int fd = made < 0 ? -1 : fcntl(made, F_DUPFD_CLOEXEC, MMS_WORKER_BOX_FD + 1);
    void *box = MAP_FAILED;

    if (made >= 0)
        close(made);
    if (fd >= 0 && !ftruncate(fd, sizeof *process->box))
        box = mmap(NULL, sizeof *process->box, PROT_READ, MAP_SHARED, fd, 0);
    process->box = box == MAP_FAILED ? NULL : box;
    return fd;
}

void mms_process_free_box(mms_process *process)
{
    if (process->box && *process->box->scratch)
        (void)!mms_remove_tree(process->box->scratch, NULL);
    if (process->box)
        munmap(process->box, sizeof *process->box);
    process->box = NULL;
}

mms_status mms_process_start(const char *program, mms_process *process, mms_error *err)
{
    int pair[2], print[2];
    int rc = make_pair(true, pair);

    if (rc)
        return mms_fail(err, MMS_ERR_IO, "cannot start a worker: %s", strerror(rc));
    rc = make_pair(false, print);
    if (!rc) {
        const int box = make_box(process);
        rc = spawn(program, process, pair[1], print[1], box);
        if (box >= 0)
            close(box);
        close(print[1]);
        if (rc)
            close(print[0]);
    }
    close(pair[1]);
    if (rc) {
        close(pair[0]);
        mms_process_free_box(process);
        process->pid = 0;
        return mms_fail(err, MMS_ERR_IO, "cannot start a worker%s%s: %s", program ? ", " : "",
                        program ? program : "", strerror(rc));
    }
    process->fd = pair[0];
    process->print = print[0];
    return MMS_OK;
}

bool mms_process_has_ended(const mms_process *process)
{
    siginfo_t info = {.si_pid = 0};

    return waitid(P_PID, (id_t)process->pid, &info, WEXITED | WNOHANG | WNOWAIT) || info.si_pid;
}

void mms_process_kill(mms_process *process)
{
    if (!process->pid)
        return;
    kill(process->pid, SIGKILL);
    (void)!TEMP_FAILURE_RETRY(waitpid(process->pid, NULL, 0));
    close(process->fd);
    if (process->print >= 0)
        close(process->print);
    mms_process_free_box(process);
    process->pid = 0;
}
