/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_UVH5_CUBES_PRIV_H
#define MULTIMS_UVH5_CUBES_PRIV_H
/** @file cubes_priv.h  The three datasets of Data: read directly where they stand in one piece as
 *  they are in memory, else by HDF5. */

#include "import_priv.h"

/** Where values come from; many threads may read. */
typedef struct mms_uvh5_cubes mms_uvh5_cubes;

/** Values of n baseline-times and count channels: [n][count][npol]. */
typedef struct mms_uvh5_slab {
    int64_t blt, n, first, count;
    float (*vis)[2], *nsamples; /**< nsamples may be NULL: not read */
    uint8_t *flags;             /**< 1 or 0 */
    uint8_t *scratch;           /**< [n][count][npol][flag_bytes], used where that is not 1 */
} mms_uvh5_slab;

/** Walk over the indices of chunks, on which the library may crash.  Errors: IO. */
MMS_CHECKED mms_status mms_uvh5_cubes_probe(const mms_uvh5_in *in, mms_error *err);
/** in lives as long as the cubes.  Errors: IO, MEM. */
MMS_CHECKED mms_status mms_uvh5_cubes_open(mms_uvh5_in *in, mms_uvh5_cubes **out, mms_error *err);
/** NULL is accepted. */
void mms_uvh5_cubes_close(mms_uvh5_cubes **cubes);

MMS_CHECKED mms_status mms_uvh5_cubes_read(mms_uvh5_cubes *cubes, const mms_uvh5_slab *slab,
                                           mms_error *err);

/** Find which windows of baseline-times [first, first + n) hold more than padding (all 0 and
 *  flagged): present[n][nspw].  Errors: IO, MEM. */
MMS_CHECKED mms_status mms_uvh5_cubes_find_present(mms_uvh5_cubes *cubes, int64_t first, int64_t n,
                                                   uint8_t *present, mms_error *err);

#endif
