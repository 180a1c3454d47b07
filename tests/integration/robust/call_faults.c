/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file call_faults.c  Preloaded by the tests: the n-th system call of a kind on files whose path
 *  holds CALL_PATH fails, in each process, with the number CALL_ERRNO; 0: half of a write is done;
 *  below 0: the process is killed before it.
 *
 *  CALL_KIND: stat, open, read, write, list, make, remove, rename, link, sync, close, size.
 *  CALL_AT: n, from 0.  CALL_LOG: a file that gets a line for each failure; with CALL_ONCE there is
 *  but one, of whichever process comes first. */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#define SHOWN __attribute__((visibility("default")))

static int met;

static void log_fault(const char *call, const char *path)
{
    char line[5000];
    const int n = snprintf(line, sizeof line, "%s %s\n", call, path);
    const int fd = (int)syscall(SYS_openat, AT_FDCWD, getenv("CALL_LOG"),
                                O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);

    syscall(SYS_write, fd, line, (size_t)n);
    syscall(SYS_close, fd);
}

/** Whether this call is the one; then errno is set. */
static bool strikes(const char *kind, const char *call, const char *path)
{
    const char *wanted = getenv("CALL_KIND"), *part = getenv("CALL_PATH");

    if (!wanted || strcmp(wanted, kind) || !path || !strstr(path, part))
        return false;
    if (__atomic_fetch_add(&met, 1, __ATOMIC_RELAXED) != atoi(getenv("CALL_AT")))
        return false;
    if (getenv("CALL_ONCE") && !syscall(SYS_access, getenv("CALL_LOG"), F_OK))
        return false;
    log_fault(call, path);
    errno = atoi(getenv("CALL_ERRNO"));
    if (errno < 0)
        raise(SIGKILL);
    return true;
}

static bool strikes_in(const char *kind, const char *call, int folder, const char *name)
{
    char link[64], path[5000];
    ssize_t n = 0;

    if (!getenv("CALL_KIND"))
        return false;
    if (folder == AT_FDCWD || (name && *name == '/'))
        return strikes(kind, call, name);
    snprintf(link, sizeof link, "/proc/self/fd/%d", folder);
    n = readlink(link, path, 4000);
    path[n > 0 ? n : 0] = '\0';
    if (name) {
        strcat(path, "/");
        strncat(path, name, 900);
    }
    return strikes(kind, call, path);
}

#define REAL(name, type) (__extension__(type) dlsym(RTLD_NEXT, name))

#define STAT(name, buffer)                                                            \
    SHOWN int name(const char *path, struct buffer *info)                             \
    {                                                                                 \
        return strikes("stat", #name, path)                                           \
                   ? -1                                                               \
                   : REAL(#name, int (*)(const char *, struct buffer *))(path, info); \
    }
STAT(stat, stat)
STAT(lstat, stat)
STAT(stat64, stat64)
STAT(lstat64, stat64)

SHOWN int fstatat(int folder, const char *path, struct stat *info, int flags)
{
    return strikes_in("stat", "fstatat", folder, path)
               ? -1
               : REAL("fstatat", int (*)(int, const char *, struct stat *, int))(folder, path, info,
                                                                                 flags);
}

SHOWN int access(const char *path, int mode)
{
    return strikes("stat", "access", path) ? -1 : (int)syscall(SYS_access, path, mode);
}

static int open_at(const char *call, int folder, const char *path, int flags, mode_t mode)
{
    return strikes_in("open", call, folder, path)
               ? -1
               : (int)syscall(SYS_openat, folder, path, flags, mode);
}

#define MODE                                                                      \
    va_list args;                                                                 \
    va_start(args, flags);                                                        \
    const mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(args, mode_t) : 0; \
    va_end(args)

SHOWN int open(const char *path, int flags, ...)
{
    MODE;
    return open_at("open", AT_FDCWD, path, flags, mode);
}
SHOWN int open64(const char *path, int flags, ...)
{
    MODE;
    return open_at("open64", AT_FDCWD, path, flags, mode);
}
SHOWN int openat(int folder, const char *path, int flags, ...)
{
    MODE;
    return open_at("openat", folder, path, flags, mode);
}

SHOWN ssize_t read(int fd, void *to, size_t n)
{
    return strikes_in("read", "read", fd, NULL) ? -1 : syscall(SYS_read, fd, to, n);
}
SHOWN ssize_t pread(int fd, void *to, size_t n, off_t at)
{
    return strikes_in("read", "pread", fd, NULL) ? -1 : syscall(SYS_pread64, fd, to, n, at);
}
SHOWN ssize_t pread64(int fd, void *to, size_t n, off_t at)
{
    return pread(fd, to, n, at);
}

SHOWN ssize_t write(int fd, const void *from, size_t n)
{
    if (strikes_in("write", "write", fd, NULL)) {
        if (errno || n < 2)
            return -1;
        n /= 2;
    }
    return syscall(SYS_write, fd, from, n);
}
SHOWN ssize_t pwrite(int fd, const void *from, size_t n, off_t at)
{
    if (strikes_in("write", "pwrite", fd, NULL)) {
        if (errno || n < 2)
            return -1;
        n /= 2;
    }
    return syscall(SYS_pwrite64, fd, from, n, at);
}
SHOWN ssize_t pwrite64(int fd, const void *from, size_t n, off_t at)
{
    return pwrite(fd, from, n, at);
}
SHOWN ssize_t copy_file_range(int in, off_t *in_at, int out, off_t *out_at, size_t n,
                              unsigned flags)
{
    if (strikes_in("write", "copy_file_range", out, NULL)) {
        if (errno || n < 2)
            return -1;
        n = n > 1000 ? 1000 : n / 2;
    }
    return syscall(SYS_copy_file_range, in, in_at, out, out_at, n, flags);
}
SHOWN ssize_t sendfile(int out, int in, off_t *at, size_t n)
{
    if (strikes_in("write", "sendfile", out, NULL)) {
        if (errno || n < 2)
            return -1;
        n = n > 1000 ? 1000 : n / 2;
    }
    return syscall(SYS_sendfile, out, in, at, n);
}

SHOWN DIR *opendir(const char *path)
{
    return strikes("list", "opendir", path) ? NULL : REAL("opendir", DIR * (*)(const char *))(path);
}
SHOWN DIR *fdopendir(int fd)
{
    return strikes_in("list", "fdopendir", fd, NULL) ? NULL : REAL("fdopendir", DIR * (*)(int))(fd);
}
SHOWN struct dirent *readdir(DIR *list)
{
    return strikes_in("list", "readdir", dirfd(list), NULL)
               ? NULL
               : REAL("readdir", struct dirent * (*)(DIR *))(list);
}

SHOWN int mkdir(const char *path, mode_t mode)
{
    return strikes("make", "mkdir", path) ? -1 : (int)syscall(SYS_mkdir, path, mode);
}
SHOWN int mkdirat(int folder, const char *path, mode_t mode)
{
    return strikes_in("make", "mkdirat", folder, path)
               ? -1
               : (int)syscall(SYS_mkdirat, folder, path, mode);
}
SHOWN int symlink(const char *text, const char *path)
{
    return strikes("link", "symlink", path) ? -1 : (int)syscall(SYS_symlink, text, path);
}
SHOWN ssize_t readlink(const char *path, char *text, size_t n)
{
    return strncmp(path, "/proc/self/", 11) && strikes("link", "readlink", path)
               ? -1
               : syscall(SYS_readlink, path, text, n);
}
SHOWN int unlink(const char *path)
{
    return strikes("remove", "unlink", path) ? -1 : (int)syscall(SYS_unlink, path);
}
SHOWN int rmdir(const char *path)
{
    return strikes("remove", "rmdir", path) ? -1 : (int)syscall(SYS_rmdir, path);
}
SHOWN int unlinkat(int folder, const char *path, int flags)
{
    return strikes_in("remove", "unlinkat", folder, path)
               ? -1
               : (int)syscall(SYS_unlinkat, folder, path, flags);
}
SHOWN int rename(const char *from, const char *to)
{
    return strikes("rename", "rename", from) ? -1 : (int)syscall(SYS_rename, from, to);
}
SHOWN int renameat2(int from_folder, const char *from, int to_folder, const char *to,
                    unsigned flags)
{
    return strikes("rename", "renameat2", from)
               ? -1
               : (int)syscall(SYS_renameat2, from_folder, from, to_folder, to, flags);
}
SHOWN int fsync(int fd)
{
    return strikes_in("sync", "fsync", fd, NULL) ? -1 : (int)syscall(SYS_fsync, fd);
}
SHOWN int syncfs(int fd)
{
    return strikes_in("sync", "syncfs", fd, NULL) ? -1 : (int)syscall(SYS_syncfs, fd);
}
SHOWN int close(int fd)
{
    const bool late =
        (fcntl(fd, F_GETFL) & O_ACCMODE) != O_RDONLY && strikes_in("close", "close", fd, NULL);
    const int errnum = errno, rc = (int)syscall(SYS_close, fd);
    if (!late)
        return rc;
    errno = errnum;
    return -1;
}
SHOWN int ftruncate(int fd, off_t bytes)
{
    return strikes_in("size", "ftruncate", fd, NULL) ? -1 : (int)syscall(SYS_ftruncate, fd, bytes);
}
SHOWN int ftruncate64(int fd, off_t bytes)
{
    return ftruncate(fd, bytes);
}
SHOWN int fallocate(int fd, int mode, off_t at, off_t n)
{
    return strikes_in("size", "fallocate", fd, NULL) ? -1
                                                     : (int)syscall(SYS_fallocate, fd, mode, at, n);
}
SHOWN int statvfs(const char *path, struct statvfs *info)
{
    return strikes("size", "statvfs", path)
               ? -1
               : REAL("statvfs", int (*)(const char *, struct statvfs *))(path, info);
}
