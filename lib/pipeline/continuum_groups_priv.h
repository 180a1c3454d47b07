/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_CONTINUUM_GROUPS_PRIV_H
#define MULTIMS_CONTINUUM_GROUPS_PRIV_H
/** @file continuum_groups_priv.h  Rows of a baseline whose continuum is fitted together: those of
 *  one time in all windows, or of a range of times.  All rows are added first, then each gets the
 *  polynomial of its group.  Sums and solutions are in files without names. */

#include "step_priv.h"
#include "transform/continuum_sums.h"

enum { MMS_CONTINUUM_CORRS = 4 /**< the most of a row */ };

/** Which row.  Rows that differ in nothing are one. */
typedef struct mms_continuum_key {
    int32_t field, scan, array, observation, antenna1, antenna2, ncorr, window;
    double time_s;
} mms_continuum_key;

typedef struct mms_continuum_groups mms_continuum_groups;

/** Begin groups of rows; how says what belongs together.
 *  @param near    files are made beside this one
 *  @param memory  bytes for sorting, and half of them for an index
 *  Errors: MEM. */
MMS_CHECKED mms_status mms_continuum_groups_create(const char *near, int64_t memory, int64_t nterm,
                                                   const mms_continuum_how *how,
                                                   mms_continuum_groups **out, mms_error *err);
/** *groups is set to NULL; NULL is accepted. */
void mms_continuum_groups_free(mms_continuum_groups **groups);

/** Add a row: arrays as in mms_continuum_sum_row().  Errors: IO, SPACE, MEM. */
MMS_CHECKED mms_status mms_continuum_groups_add(mms_continuum_groups *groups,
                                                const mms_continuum_key *key,
                                                const mms_continuum_terms *terms, const float *data,
                                                const uint8_t *flag, const float *weight,
                                                mms_error *err);

/** All rows have been added: solve the groups.  Errors: IO, SPACE, MEM. */
MMS_CHECKED mms_status mms_continuum_groups_solve(mms_continuum_groups *groups, mms_error *err);

/** Read the coefficients of a row's group, as mms_continuum_solve_sums() makes them, with room for
 *  MMS_CONTINUUM_CORRS correlations.  Many threads at a time.
 *  Errors: IO; INTERNAL the row was not added. */
MMS_CHECKED mms_status mms_continuum_groups_find(const mms_continuum_groups *groups,
                                                 const mms_continuum_key *key, double *coefficient,
                                                 mms_error *err);

#endif
