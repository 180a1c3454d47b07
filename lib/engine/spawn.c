/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file spawn.c  Starts the process of a worker: a program over a socketpair, most often this one
 * again, or a fork of one that waits. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
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

/* What a worker gets: its socket, what it prints to, its box or -1. */
struct ends {
    int fd, print, box;
};

static mms_status make_ends(mms_process *process, struct ends *ends, mms_error *err)
{
    int pair[2], print[2];
    int rc = make_pair(true, pair);

    if (!rc && (rc = make_pair(false, print))) {
        close(pair[0]);
        close(pair[1]);
    }
    if (rc)
        return mms_fail(err, MMS_ERR_IO, "cannot start a worker: %s", strerror(rc));
    process->fd = pair[0];
    process->print = print[0];
    *ends = (struct ends){pair[1], print[1], make_box(process)};
    return MMS_OK;
}

static void close_ends(const struct ends *ends)
{
    close(ends->fd);
    close(ends->print);
    if (ends->box >= 0)
        close(ends->box);
}

static void drop(mms_process *process)
{
    close(process->fd);
    close(process->print);
    mms_process_free_box(process);
    process->pid = 0;
}

mms_status mms_process_start(const char *program, mms_process *process, mms_error *err)
{
    struct ends ends;
    const mms_status st = make_ends(process, &ends, err);
    int rc;

    if (st != MMS_OK)
        return st;
    rc = spawn(program, process, ends.fd, ends.print, ends.box);
    close_ends(&ends);
    if (!rc)
        return MMS_OK;
    drop(process);
    return mms_fail(err, MMS_ERR_IO, "cannot start a worker%s%s: %s", program ? ", " : "",
                    program ? program : "", strerror(rc));
}

/* ---- by fork ---- */

static bool send_ends(int to, const struct ends *ends)
{
    const int fds[] = {ends->fd, ends->print, ends->box};
    const size_t size = (ends->box >= 0 ? 3 : 2) * sizeof *fds;
    char word = MMS_FORK, room[CMSG_SPACE(sizeof fds)] = {0};
    struct iovec text = {&word, 1};
    struct msghdr message = {
        .msg_iov = &text, .msg_iovlen = 1, .msg_control = room, .msg_controllen = CMSG_SPACE(size)};
    struct cmsghdr *const rights = CMSG_FIRSTHDR(&message);

    *rights = (struct cmsghdr){
        .cmsg_len = CMSG_LEN(size), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
    memcpy(CMSG_DATA(rights), fds, size);
    return TEMP_FAILURE_RETRY(sendmsg(to, &message, MSG_NOSIGNAL)) == 1;
}

/* It may still be starting, which takes as long as the start of another. */
static bool receive_pid(int from, pid_t *pid)
{
    enum { LIMIT_MS = 10000 };
    struct pollfd there = {from, POLLIN, 0};

    return TEMP_FAILURE_RETRY(poll(&there, 1, LIMIT_MS)) == 1 &&
           TEMP_FAILURE_RETRY(read(from, pid, sizeof *pid)) == sizeof *pid;
}

mms_status mms_process_fork(const mms_process *from, mms_process *process, mms_error *err)
{
    struct ends ends;
    pid_t pid = 0;
    const mms_status st = make_ends(process, &ends, err);
    bool answered;

    if (st != MMS_OK)
        return st;
    answered = send_ends(from->fd, &ends) && receive_pid(from->fd, &pid);
    close_ends(&ends);
    process->pid = pid;
    if (answered && pid > 0)
        return MMS_OK;
    drop(process);
    return answered ? mms_fail(err, MMS_ERR_UNSUPPORTED, "a worker can't be forked")
                    : mms_fail(err, MMS_ERR_WORKER, "what forks workers does not answer");
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
