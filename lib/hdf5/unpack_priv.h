/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_HDF5_UNPACK_PRIV_H
#define MULTIMS_HDF5_UNPACK_PRIV_H
/** @file unpack_priv.h  What filters made of a chunk, undone in no more memory than the chunk
 * takes: the library lets a stream grow to any size before it looks at it.  Knows nothing of HDF5.
 */

#include <stdbool.h>
#include <stddef.h>

enum { MMS_UNPACK_FILTERS = 8 };

/** The filters of a dataset, in the order in which they were applied. */
typedef struct mms_filters {
    int n;
    struct {
        int id;
        size_t size; /**< of shuffle: bytes of an element */
    } list[MMS_UNPACK_FILTERS];
} mms_filters;

/** Whether a filter is one of those: deflate, shuffle, fletcher32, LZF. */
bool mms_unpack_knows(int id);

/** Undo all filters but those whose bit is set in skipped, on *bytes of *data, which malloc() gave
 * and another may replace; whole: what the chunk takes.  Returns NULL, or what is wrong with it. */
const char *mms_unpack(const mms_filters *filters, unsigned skipped, size_t whole,
                       unsigned char **data, size_t *bytes);

#endif
