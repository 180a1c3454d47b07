/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_UVH5_EXPORT_PRIV_H
#define MULTIMS_UVH5_EXPORT_PRIV_H
/** @file export_priv.h  The stations of a file on its way: staged with its header, filled with
 *  others at once, published. */

#include "uvh5_priv.h"

/** A file while it is made. */
typedef struct mms_uvh5_making mms_uvh5_making;

/** Plan a file and stage it without values; how.dryrun: plan it.  request and host live as long as
 *  *out, which is ended by mms_uvh5_end_making() whatever the status. */
MMS_CHECKED mms_status mms_uvh5_begin(const mms_uvh5_request *request, const mms_host *host,
                                      mms_value *result, mms_uvh5_making **out, mms_error *err);

/** The number of units that write its values. */
int64_t mms_uvh5_making_units(const mms_uvh5_making *making);

/** Write the values of n files by all workers; each file's journal notes its units. */
MMS_CHECKED mms_status mms_uvh5_write_values(int64_t n, mms_uvh5_making *const *files,
                                             const mms_host *host, mms_error *err);

/** Publish a file that has its values. */
MMS_CHECKED mms_status mms_uvh5_finish(mms_uvh5_making *making, mms_error *err);

/** End one, with the status of its run, which is returned, or SPACE where the disk is full; NULL is
 *  accepted. */
MMS_CHECKED mms_status mms_uvh5_end_making(mms_uvh5_making **making, mms_status st, mms_error *err);

#endif
