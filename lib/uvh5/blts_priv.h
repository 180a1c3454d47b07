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

/** Cells of rows of a data description, [row][nchan][ncorr]; data: complex, or float. */
typedef struct mms_uvh5_cells {
    const void *data;
    const float *weight;
    const uint8_t *flag;
    bool is_float, negate;
} mms_uvh5_cells;

struct mms_uvh5_target;

/** Move row i of cells to values from value `at` on, where its first channel stands. */
void mms_uvh5_move_row(const struct mms_uvh5_target *target, const mms_uvh5_cells *cells, int64_t i,
                       bool flagged, int64_t npol, const mms_uvh5_values *to, int64_t at);
/** WEIGHT of nrow rows, weight[nrow][ncorr], in each channel: out[nrow][nchan][ncorr]. */
void mms_uvh5_repeat_weight(const struct mms_uvh5_target *target, int64_t nrow, const float *weight,
                            float *out);

/** What readers need of a plan; file is where values will go; cells: as in mms_uvh5_export_order.
 *  New reference; NULL: no memory. */
mms_value *mms_uvh5_shared(const mms_uvh5 *u, const char *file, const char *cells);

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
