/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_HDF5_CHUNKS_PRIV_H
#define MULTIMS_HDF5_CHUNKS_PRIV_H
/** @file chunks_priv.h  Datasets in chunks: read as they are stored, unpacked by the threads that
 * ask for them, and kept while there is room. */

#include <pthread.h>

#include "file_priv.h"

enum { MMS_H5_PLACE = 40 };

/** One thread at a time is in HDF5. */
extern pthread_mutex_t mms_h5_lock;

typedef struct mms_h5_chunks mms_h5_chunks;

/** Take a dataset, which is borrowed, to be read as wanted, and bytes that chunks may take.  *out
 * is NULL where it is in one piece, or HDF5 itself must undo a filter.  The caller has the lock. Of
 *  texts of free length the places are read, of at most MMS_H5_PLACE bytes.  Errors: MEM. */
mms_status mms_h5_chunks_open(const mms_h5 *file, const char *name, hid_t set, mms_h5_type wanted,
                              int64_t room, mms_h5_chunks **out, mms_error *err);
void mms_h5_chunks_close(mms_h5_chunks **chunks);
/** Read a box of its ndim axes.  The caller does not have the lock.  Errors: IO naming rows; MEM.
 */
mms_status mms_h5_chunks_read(mms_h5_chunks *chunks, const hsize_t *start, const hsize_t *length,
                              void *data, mms_error *err);

#endif
