/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_UVH5_BLTS_PRIV_H
#define MULTIMS_UVH5_BLTS_PRIV_H
/** @file blts_priv.h  The values that a UVH5 file has of an MS's baseline-times. */

#include "uvh5_priv.h"

/** Reads an MS; the values of the baseline-times in hand are its own. */
typedef struct mms_uvh5_reader mms_uvh5_reader;

/** Values of baseline-times first, …: [n][nfreq][npol]. */
typedef struct mms_uvh5_values {
    int64_t first, n;
    float (*vis)[2], *nsamples;
    uint8_t *flags;
} mms_uvh5_values;

/** What readers need of a plan; file is where values will go.  New reference; NULL: no memory. */
mms_value *mms_uvh5_shared(const mms_uvh5 *u, const char *file);

/** Open the MS of mms_uvh5_shared(), which lives as long.  Errors: TABLE, IO, MEM. */
MMS_CHECKED mms_status mms_uvh5_reader_open(const mms_value *shared, mms_uvh5_reader **out,
                                            mms_error *err);
/** What it was opened with.  Borrowed. */
const struct mms_uvh5_export_order *mms_uvh5_reader_order(const mms_uvh5_reader *reader);
/** NULL is accepted. */
void mms_uvh5_reader_close(mms_uvh5_reader **reader);

/** How many of nblt baseline-times are read at a time. */
int64_t mms_uvh5_reader_most(const mms_uvh5_reader *reader, int64_t nblt);

/** Read n baseline-times from first on; places[nplace] are their rows, which are moved.
 *  Errors: SHAPE cells of other shapes than their window's; TABLE, IO, MEM. */
MMS_CHECKED mms_status mms_uvh5_reader_take(mms_uvh5_reader *reader, int64_t first, int64_t n,
                                            int64_t nplace, mms_uvh5_place *places,
                                            const mms_uvh5_values **out, mms_error *err);

#endif
