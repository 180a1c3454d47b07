/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file limits.c  What a process may take of the machine: address space, open files. */
#include "limits_priv.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base_priv.h"

#ifdef __has_feature
#define MMS_HAS(feature) __has_feature(feature)
#else
#define MMS_HAS(feature) 0
#endif
/* The shadow of a sanitizer is as large as the address space. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || MMS_HAS(address_sanitizer) || \
    MMS_HAS(thread_sanitizer) || MMS_HAS(memory_sanitizer)
enum { IS_SANITIZED = 1 };
#else
enum { IS_SANITIZED = 0 };
#endif

/* What any work may need; a damaged table that asks for less than this gets it. */
static const int64_t common_room = (int64_t)4 << 30;

/* What the process had when it was bound, 0: it is not; and the room beyond that. */
static int64_t had;
static int64_t rooms[MMS_ROOM_COUNT];

static int64_t address_space(void)
{
    FILE *const file = fopen("/proc/self/statm", "re");
    long long pages = 0;
    const int n = file ? fscanf(file, "%lld", &pages) : 0;

    if (file)
        fclose(file);
    return n == 1 ? (int64_t)pages * sysconf(_SC_PAGESIZE) : 0;
}

static void set_bound(void)
{
    int64_t sum = had + common_room;
    struct rlimit limit;

    if (!had || getrlimit(RLIMIT_AS, &limit))
        return;
    for (int i = 0; i < MMS_ROOM_COUNT; i++)
        if (__builtin_add_overflow(sum, rooms[i], &sum))
            sum = INT64_MAX;
    limit.rlim_cur = limit.rlim_max;
    if (sum < INT64_MAX && (rlim_t)sum < limit.rlim_max)
        limit.rlim_cur = (rlim_t)sum;
    (void)setrlimit(RLIMIT_AS, &limit);
}

void mms_memory_bound(void)
{
    if (!IS_SANITIZED)
        had = address_space();
    set_bound();
}

void mms_memory_allow(mms_room kind, int64_t bytes)
{
    if (bytes <= rooms[kind])
        return;
    rooms[kind] = bytes;
    set_bound();
}

int64_t mms_folder_bytes(const char *path)
{
    DIR *const list = opendir(path);
    const struct dirent *entry;
    struct stat info;
    int64_t sum = 0;

    while (list && (entry = readdir(list)))
        if (!fstatat(dirfd(list), entry->d_name, &info, 0) && S_ISREG(info.st_mode))
            sum += info.st_size;
    if (list)
        closedir(list);
    return sum;
}

static int64_t open_files(void)
{
    DIR *const list = opendir("/proc/self/fd");
    int64_t n = 0;

    if (!list)
        return 0;
    while (readdir(list))
        n++;
    closedir(list);
    return n;
}

static int64_t files_in(const char *folder)
{
    DIR *const list = opendir(folder);
    int64_t n = 0;

    for (const struct dirent *e; list && (e = readdir(list));)
        n += e->d_type != DT_DIR;
    if (list)
        closedir(list);
    return n;
}

int mms_tables_allow(const char *like, int most, int others, int sets)
{
    const int64_t files = files_in(like) + 1;
    const int64_t room = mms_files_allow(files * ((int64_t)most * sets + others)) / files;
    const int64_t n = (room - others) / sets;

    return n < 1 ? 1 : n > most ? most : (int)n;
}

int64_t mms_files_allow(int64_t n)
{
    const int64_t have = open_files();
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit))
        return n;
    if ((rlim_t)(have + n) > limit.rlim_cur) {
        limit.rlim_cur = (rlim_t)(have + n) < limit.rlim_max ? (rlim_t)(have + n) : limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
        (void)getrlimit(RLIMIT_NOFILE, &limit);
    }
    return (rlim_t)(have + n) <= limit.rlim_cur ? n : (int64_t)limit.rlim_cur - have;
}
