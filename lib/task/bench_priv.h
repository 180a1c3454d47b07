/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_BENCH_PRIV_H
#define MULTIMS_BENCH_PRIV_H
/** @file bench_priv.h  Inside the task bench: child processes and caches, the cases, the report. */

#include <stdio.h>

#include "base/base_priv.h"

/* ---- bench_child.c: child processes, the page cache ---- */

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

/* ---- bench_cases.c: one set, measured ---- */

/** How to measure. */
typedef struct mms_bench {
    const char *folder; /**< for outputs and the children's log */
    const char *only;   /**< parts of names of requests, separated by commas, or "" */
    const char *paths;  /**< both, tiles or columns */
    const char *datacolumn;
    double timebin_s;
    int64_t runs, nworkers;
    const int64_t *workers;
    bool cold, sync;
    bool floor; /**< for each request also dd of the input and of as many bytes as its output */
} mms_bench;

/** Refuse what would leave no request.  Errors: ARG with the names of all. */
MMS_CHECKED mms_status mms_bench_check_only(const char *only, mms_error *err);

/** Measure all requests on the set at vis, turn by turn, and put into set, an object: bytes,
 *  rows, libraries_mib (memory of the program when it does nothing) and cases.  A case is {request,
 *  path, workers, turns_s, median_s, best_s, gb_s, x_cp, peak_mib, checksum}; path is "tiles",
 *  "columns", "dd" for the floor of a request, or "" for what else is not multims.  One that failed
 * has request, path, workers and error.
 *  @param channels  of each spw: requests that need more are left out; 0 is unknown
 *  @param numsubms  of partitions; 0: as they choose
 *  Errors: IO, SPACE, STOPPED, MEM; a request that fails is no error. */
MMS_CHECKED mms_status mms_bench_set(const mms_bench *bench, const char *vis, int64_t channels,
                                     int64_t numsubms, mms_value *set, mms_error *err);

/* ---- bench_report.c: the result as text ---- */

void mms_bench_print(const mms_value *result, FILE *out);
void mms_bench_csv(const mms_value *result, FILE *out);
void mms_bench_svg(const mms_value *result, FILE *out);

#endif
