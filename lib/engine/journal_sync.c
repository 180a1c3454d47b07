/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file journal_sync.c  Sees to it that what a journal calls done reaches its disk while the run
 *  goes on.
 *
 *  A thread of its own waits for the disk, which may take seconds: first the file system of what
 *  is made is written, then the record "synced" that says up to which unit, then the journal. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "journal_sync_priv.h"

/* Records that come together are written together; a disk that is slow is not asked all the time.
 */
static const int64_t group_ns = 50000000;

enum { MOST_DISKS = 64 };

struct mms_syncer {
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    struct {
        int fd; /* a folder on it */
        dev_t device;
    } disks[MOST_DISKS]; /* the file systems of what is made; those before ndisk stay as they are */
    int ndisk, journal;
    mms_synced_line *line;
    int64_t wanted, synced;
    bool end, lost; /* lost: some of what is made can't be synced */
};

static void sleep_until(mms_syncer *s, int64_t ns)
{
    const struct timespec when = {.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};

    while (!s->end && pthread_cond_clockwait(&s->changed, &s->mutex, CLOCK_MONOTONIC, &when) == 0)
        continue;
}

/* Write all up to unit n; false when that can't be: nothing is called synced then. */
static bool write_out(const mms_syncer *s, int ndisk, int64_t n)
{
    bool synced = true;

    for (int i = 0; i < ndisk && synced; i++)
        synced = !syncfs(s->disks[i].fd);
    char *const line = synced ? s->line(n) : NULL;
    const size_t size = line ? strlen(line) : 0;
    const bool good = line && write(s->journal, line, size) == (ssize_t)size && !fsync(s->journal);

    free(line);
    return good;
}

static void *work(void *ctx)
{
    mms_syncer *const s = ctx;
    bool good = true;

    pthread_mutex_lock(&s->mutex);
    while (!s->end && good) {
        if (s->wanted == s->synced) {
            pthread_cond_wait(&s->changed, &s->mutex);
            continue;
        }
        sleep_until(s, mms_now_ns() + group_ns);
        const int64_t n = s->wanted, begin = mms_now_ns();
        const int ndisk = s->ndisk;
        if (s->lost)
            break;
        pthread_mutex_unlock(&s->mutex);
        good = write_out(s, ndisk, n);
        pthread_mutex_lock(&s->mutex);
        s->synced = n;
        sleep_until(s, 2 * mms_now_ns() - begin);
    }
    pthread_mutex_unlock(&s->mutex);
    return NULL;
}

/* Note the file system of a folder; false where it can't be synced. */
static bool add_disk(mms_syncer *s, const char *folder)
{
    struct stat info;

    if (stat(folder, &info))
        return false;
    for (int i = 0; i < s->ndisk; i++)
        if (s->disks[i].device == info.st_dev)
            return true;
    if (s->ndisk == MOST_DISKS)
        return false;
    s->disks[s->ndisk].device = info.st_dev;
    s->disks[s->ndisk].fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return s->disks[s->ndisk].fd >= 0 && ++s->ndisk;
}

static void close_all(mms_syncer *s)
{
    for (int i = 0; i < s->ndisk; i++)
        close(s->disks[i].fd);
    free(s);
}

mms_syncer *mms_syncer_begin(const char *folder, int journal, int64_t synced, mms_synced_line *line)
{
    mms_syncer *s = mms_alloc(1, sizeof *s);
    sigset_t all, before;
    int failed;

    if (!s)
        return NULL;
    s->journal = journal;
    s->line = line;
    s->wanted = s->synced = synced;
    pthread_mutex_init(&s->mutex, NULL);
    pthread_cond_init(&s->changed, NULL);
    sigfillset(&all); /* signals are the main thread's */
    pthread_sigmask(SIG_BLOCK, &all, &before);
    failed = !add_disk(s, folder) || pthread_create(&s->thread, NULL, work, s);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!failed)
        return s;
    close_all(s);
    return NULL;
}

void mms_syncer_also(mms_syncer *s, const char *folder)
{
    if (!s)
        return;
    pthread_mutex_lock(&s->mutex);
    s->lost = s->lost || !add_disk(s, folder);
    pthread_mutex_unlock(&s->mutex);
}

void mms_syncer_want(mms_syncer *s, int64_t n)
{
    if (!s)
        return;
    pthread_mutex_lock(&s->mutex);
    s->wanted = n;
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->mutex);
}

void mms_syncer_end(mms_syncer **syncer)
{
    mms_syncer *const s = *syncer;

    *syncer = NULL;
    if (!s)
        return;
    pthread_mutex_lock(&s->mutex);
    s->end = true;
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->mutex);
    pthread_join(s->thread, NULL);
    pthread_mutex_destroy(&s->mutex);
    pthread_cond_destroy(&s->changed);
    close_all(s);
}
