/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file crash.c  Preloaded by the tests: what happens to a process when it opens a file whose path
 *  ends with CRASH_AT in casacore, or sends to another process.
 *
 *  CRASH_IN=worker or client says which process.  CRASH_BY is a signal number, "exit", "memory" to
 *  ask for more than any process gets, "pause" to wait for a signal, "buffers" to have none for
 *  sending CRASH_TIMES times, "poll" to let no ppoll work. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SHOWN __attribute__((visibility("default")))

static bool is_here(void)
{
    const char *const where = getenv("CRASH_IN");
    char words[4096];
    const int fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
    const ssize_t n = fd < 0 ? 0 : read(fd, words, sizeof words - 1);

    if (fd >= 0)
        close(fd);
    words[n > 0 ? n : 0] = '\0';
    const bool worker = n > 0 && !strcmp(words + strlen(words) + 1, "worker");
    return where && worker == !strcmp(where, "worker");
}

static bool is_casacore(const void *caller)
{
    Dl_info info;

    return dladdr(caller, &info) && strstr(info.dli_fname, "/libcasa_");
}

static bool strikes(const char *path, const void *caller)
{
    const char *const at = getenv("CRASH_AT");
    const size_t n = at ? strlen(at) : 0, size = strlen(path);

    return n && size >= n && !strcmp(path + size - n, at) && is_casacore(caller) && is_here();
}

static void strike(void)
{
    const char *const by = getenv("CRASH_BY");

    if (!strcmp(by, "exit"))
        exit(0);
    if (!strcmp(by, "pause"))
        pause();
    if (!strcmp(by, "memory")) {
        const size_t size = (size_t)16 << 30;
        void *const room = mmap(NULL, size, PROT_READ | PROT_WRITE,
                                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        raise(room == MAP_FAILED ? SIGFPE : SIGSEGV);
    }
    raise(atoi(by));
}

static int opened(const char *path, int flags, va_list args, const void *caller)
{
    const mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(args, mode_t) : 0;
    static bool inside;

    if (!inside) {
        inside = true;
        if (strikes(path, caller))
            strike();
        inside = false;
    }
    return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

SHOWN int open(const char *path, int flags, ...)
{
    va_list args;

    va_start(args, flags);
    const int fd = opened(path, flags, args, __builtin_return_address(0));
    va_end(args);
    return fd;
}

SHOWN int open64(const char *path, int flags, ...)
{
    va_list args;

    va_start(args, flags);
    const int fd = opened(path, flags, args, __builtin_return_address(0));
    va_end(args);
    return fd;
}

/** What a fortified program calls. */
int __open64_2(const char *path, int flags);
SHOWN int __open64_2(const char *path, int flags)
{
    if (strikes(path, __builtin_return_address(0)))
        strike();
    return open64(path, flags);
}

SHOWN ssize_t send(int fd, const void *data, size_t size, int flags)
{
    const char *const by = getenv("CRASH_BY"), *const times = getenv("CRASH_TIMES");
    static int failed;

    if (by && times && !strcmp(by, "buffers") && failed < atoi(times) && is_here()) {
        failed++;
        errno = ENOBUFS;
        return -1;
    }
    return sendto(fd, data, size, flags, NULL, 0);
}

SHOWN int ppoll(struct pollfd *fds, nfds_t n, const struct timespec *limit, const sigset_t *mask)
{
    const char *const by = getenv("CRASH_BY");
    struct timespec left = {0};

    if (by && !strcmp(by, "poll") && is_here()) {
        errno = EINVAL;
        return -1;
    }
    if (limit)
        left = *limit;
    return (int)syscall(SYS_ppoll, fds, n, limit ? &left : NULL, mask,
                        mask ? (size_t)(_NSIG / 8) : 0);
}
