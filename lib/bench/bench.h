/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_BENCH_H
#define MULTIMS_BENCH_H
/** @file bench.h  How fast verbs are: requests that take turns on sets, beside cp -r.  Knows the
 * program, not its verbs. */

#include <stdio.h>

#include "base/base_priv.h"
#include "engine/stage.h"

/** How to measure. */
typedef struct mms_bench {
    const char *folder; /**< for outputs */
    const char *log;    /**< of the children */
    const char *only;   /**< parts of names of requests, separated by commas, or "" */
    const char *paths;  /**< both, tiles or columns */
    const char *datacolumn;
    double timebin_s;
    int64_t runs, nworkers;
    const int64_t *workers;
    bool cold, sync;
    bool (*has_parameter)(const char *verb, const char *name);
    bool (*is_in_place)(const char *verb);
    const char *gaintable; /**< of applycal; "": one is made */
    mms_status (*make_gains)(const char *vis, const char *path, mms_error *err);
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

/** The sets to measure with. */
typedef struct mms_bench_sets {
    const mms_bench *bench;
    mms_stage *stage;       /**< where sets are made */
    const char *scratch;    /**< where they are kept */
    const char *vis, *name; /**< a set that is there, and what it is called; or NULL */
    const char *shapes;     /**< names, separated by commas */
    const int64_t *sizes_mb;
    int64_t nsize;
    bool keep;
    mms_value *sets; /**< a list, to which what was measured is added */
    bool failed;     /**< a request failed */
} mms_bench_sets;

/** Errors: ARG for an empty list, or a number that is not 1 to most. */
MMS_CHECKED mms_status mms_bench_check_list(const char *name, int64_t n, const int64_t *values,
                                            int64_t most, mms_error *err);

/** Errors: ARG for a shape that is not there. */
MMS_CHECKED mms_status mms_bench_check_shapes(const char *text, mms_error *err);

/** Make each set, measure with it, remove it.  Errors: those of mms_bench_set(); EXISTS. */
MMS_CHECKED mms_status mms_bench_measure(mms_bench_sets *w, mms_error *err);

/** Print the result: as a table, as CSV, as a chart. */
void mms_bench_print(const mms_value *result, FILE *out);
void mms_bench_csv(const mms_value *result, FILE *out);
void mms_bench_svg(const mms_value *result, FILE *out);

/** Refuse a path where nothing can be written: a result that can't be is no good after an hour.
 * Errors: IO. */
MMS_CHECKED mms_status mms_bench_check_file(const char *path, mms_error *err);

/** Write the result by one of those above, unless path is "".  Errors: IO. */
MMS_CHECKED mms_status mms_bench_write(const char *path, const mms_value *result,
                                       void (*write)(const mms_value *result, FILE *out),
                                       mms_error *err);

/** Add machine, cpus, runs, cold and sync to the result. */
void mms_bench_describe(const mms_bench *p, mms_value *result);

#endif
