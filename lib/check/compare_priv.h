/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_COMPARE_PRIV_H
#define MULTIMS_COMPARE_PRIV_H
/** @file compare_priv.h  Compares the cells of one column over pairs of rows. */

#include "report_priv.h"
#include "rowset_priv.h"

#ifdef __cplusplus
extern "C" {
#endif

/** What B must hold where A holds cells of one shape.  Without it: the same. */
typedef struct mms_expected {
    void *ctx;
    /** Whether anything changes in this column. */
    bool (*changes)(void *ctx, const char *column);
    /** Turn the shape of A's cells into that of B's. */
    void (*shape)(void *ctx, const char *column, mms_shape *shape);
    /** Make B's values from A's: in[n][cell of A], out[n][cell of B]. */
    void (*cells)(void *ctx, const char *column, const mms_shape *shape, mms_dtype dtype, int64_t n,
                  const void *in, void *out);
} mms_expected;

/** One column and what was found in it. */
typedef struct mms_column_pair {
    const char *name_a, *name_b;
    const char *row_a; /**< A's values are those of this column in each channel, not name_a's,
                            which has the shapes; or NULL */
    mms_dtype dtype;
    double rtol, atol; /**< of floating-point numbers; both 0: the same bits, or both NaN */
    mms_check *check;
    int64_t rows, values; /**< that differ */
} mms_column_pair;

enum { MMS_COMPARE_ROWS = 16384 };

/** Two row sets and the buffers to compare them.  Start it with the first four fields. */
typedef struct mms_compare {
    mms_rowset *a, *b;
    const mms_expected *expected; /**< NULL: B holds what A holds */
    int threads; /**< that compare tiles by their bytes; 0, 1: the caller's alone */
    mms_shape_list shapes;
    void *buffer_a, *buffer_b, *buffer_e; /**< e: what is expected */
    int64_t bytes_a, bytes_b, bytes_e;
    void *rows;   /**< lists of rows, MMS_COMPARE_ROWS long */
    void *groups; /**< the same for mms_each_group() */
} mms_compare;

/** Compare the cells of rows a[n] with those of rows b[n], n up to MMS_COMPARE_ROWS.
 *  @param a  ascending
 *  Errors: TABLE, MEM; differences are findings, no errors. */
MMS_CHECKED mms_status mms_compare_rows(mms_compare *compare, mms_column_pair *column, int64_t n,
                                        const int64_t *a, const int64_t *b, mms_error *err);

/** Takes pairs of rows. */
typedef mms_status mms_pairs_fn(void *ctx, int64_t n, const int64_t *a, const int64_t *b,
                                mms_error *err);

/** Hand out n pairs, up to MMS_COMPARE_ROWS, in groups whose members can be open together: who
 *  compares column by column then opens each member once, not once for each column. */
MMS_CHECKED mms_status mms_each_group(mms_compare *compare, int64_t n, const int64_t *a,
                                      const int64_t *b, mms_pairs_fn *take, void *ctx,
                                      mms_error *err);
void mms_compare_free(mms_compare *compare);

/** Count the elements that differ and name the first one; complex numbers are one element. */
int64_t mms_count_differences(mms_dtype dtype, double rtol, double atol, int64_t n, const void *a,
                              const void *b, int64_t *first);

#ifdef __cplusplus
}
#endif
#endif
