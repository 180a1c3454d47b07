/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file spill.c  Arrays that need not stay in memory: large ones are pages of a file without a
 *  name, which the kernel gives back when they are asked for again. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base_priv.h"

enum { PAGE = 64 << 10 /* at least a page anywhere */, LEAST = 1 << 20 /* smaller ones stay */ };

/** Before the values, on a page of its own. */
typedef struct head {
    size_t bytes; /**< of the mapping */
    bool in_file;
} head;

static head *head_of(const void *array)
{
    return (head *)(void *)((char *)(uintptr_t)array - PAGE);
}

int mms_scratch_file(const char *name)
{
    const char *const tmp = getenv("TMPDIR");
    char *const path = mms_format("%s/%s-XXXXXX", tmp && *tmp ? tmp : "/tmp", name);
    const int fd = path ? mkostemp(path, O_CLOEXEC) : -1;

    if (fd >= 0)
        unlink(path);
    free(path);
    return fd;
}

/** A file with room for all of it: a full disk is no signal later. */
static int open_file(size_t bytes)
{
    const int fd = mms_scratch_file("multims-rows");

    if (fd < 0 || !posix_fallocate(fd, 0, (off_t)bytes))
        return fd;
    close(fd);
    return -1;
}

void *mms_spill_alloc(int64_t n, size_t size)
{
    size_t bytes;

    if (n < 0 || __builtin_mul_overflow((size_t)n, size, &bytes) || bytes > SIZE_MAX - PAGE)
        return NULL;
    bytes += PAGE;
    const int fd = bytes > LEAST ? open_file(bytes) : -1;
    const int how = fd >= 0 ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS;
    head *const h = mmap(NULL, bytes, PROT_READ | PROT_WRITE, how, fd, 0);

    if (fd >= 0)
        close(fd);
    if (h == MAP_FAILED)
        return NULL;
    *h = (head){bytes, fd >= 0};
    return (char *)h + PAGE;
}

void mms_spill_rest(const void *array)
{
    if (array && head_of(array)->in_file)
        madvise((char *)(uintptr_t)array, head_of(array)->bytes - PAGE, MADV_DONTNEED);
}

void mms_spill_free(const void *array)
{
    if (array)
        munmap(head_of(array), head_of(array)->bytes);
}
