#ifndef MULTIMS_THREADS_PRIV_H
#define MULTIMS_THREADS_PRIV_H
/** @file threads_priv.h  A few threads that share the rows of a block.  No casacore in them. */

#include "multims/base.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mms_threads mms_threads;

/** Start n - 1 threads beside the caller's, or as many as the system gives.  Errors: MEM. */
MMS_CHECKED mms_status mms_threads_start(int n, mms_threads **out, mms_error *err);

/** How many work, the caller included; 1 for NULL. */
int mms_threads_count(const mms_threads *threads);

/** One share of a piece of work: i of n. */
typedef mms_status mms_share(void *ctx, int i, int n, mms_error *err);

/** Run all shares, at most one a thread, and wait for them.  The error of the first share that
 *  failed is returned.  threads may be NULL: the caller does one share of one. */
MMS_CHECKED mms_status mms_threads_run(mms_threads *threads, mms_share *share, void *ctx,
                                       mms_error *err);

/** End the threads; *threads is set to NULL.  NULL is accepted. */
void mms_threads_stop(mms_threads **threads);

/** First of n rows that share i of m takes; share m - 1 ends where share m would begin. */
static inline int64_t mms_share_begin(int64_t n, int i, int m)
{
    return n / m * i + n % m * i / m;
}

#ifdef __cplusplus
}
#endif
#endif
