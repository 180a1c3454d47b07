/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_BENCH_PRIV_H
#define MULTIMS_BENCH_PRIV_H
/** @file bench_priv.h  Child processes that are measured, and the page cache. */

#include "bench.h"

/** What a child took. */
typedef struct mms_usage {
    double seconds;   /**< from before its start until it has ended */
    int64_t peak_kib; /**< resident memory of the largest of its processes */
} mms_usage;

/** The words of a command, ended by NULL; the first is a program of PATH, or "multims" for this
 *  program itself.  Start with {0}; end with mms_words_free(). */
typedef struct mms_words {
    char **words;
    int64_t count, capacity;
    bool failed; /**< a word was lost: out of memory */
} mms_words;

void mms_words_add(mms_words *w, const char *fmt, ...) MMS_PRINTF(2, 3);
void mms_words_free(mms_words *w);

/** Run a command and wait for it; its standard output goes to the file at log, its messages to
 *  log.err; both are emptied first.  A stop signal ends the child.
 *  Errors: IO it can't be started or failed, with its last message; STOPPED; MEM. */
MMS_CHECKED mms_status mms_child_run(const mms_words *command, const char *log, mms_usage *usage,
                                     mms_error *err);

/** Seconds of a clock that only goes forward. */
double mms_clock_s(void);

/** Write everything on the file system of path to its medium.  Errors: IO. */
MMS_CHECKED mms_status mms_sync_disk(const char *path, mms_error *err);

/** Bring the files below path into the page cache, or take them out of it; those to take out must
 *  have been synced.  Errors: NOT_FOUND, IO. */
MMS_CHECKED mms_status mms_cache_fill(const char *path, mms_error *err);
MMS_CHECKED mms_status mms_cache_drop(const char *path, mms_error *err);

/** A number that tells the contents of the tile files below path, whatever their order.
 *  Errors: NOT_FOUND, IO. */
MMS_CHECKED mms_status mms_tiles_sum(const char *path, uint64_t *sum, mms_error *err);

#endif
