/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_UVH5_PACK_PRIV_H
#define MULTIMS_UVH5_PACK_PRIV_H
/** @file pack_priv.h  Compressed files: flags and nsamples wait in cells, a file beside them, until
 *  all are there. */

#include "multims/value.h"

/** How many baseline-times, of so many values each, are compressed together: a chunk of HDF5. */
int64_t mms_uvh5_chunk_rows(int64_t values);
/** Where they wait, of that many values: kind 1 and 2 of visdata, flags, nsamples. */
int64_t mms_uvh5_cells_offset(int64_t values, int kind);
/** What packing changes of the file is kept here meanwhile; the caller ends it with free(). */
char *mms_uvh5_saved_name(const char *cells);

/** Bring them into the file; an attempt that was broken off is taken back first.  Errors: IO, MEM.
 */
MMS_CHECKED mms_status mms_uvh5_pack(const mms_value *shared, mms_error *err);

#endif
