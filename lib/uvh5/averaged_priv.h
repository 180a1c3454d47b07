/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_UVH5_AVERAGED_PRIV_H
#define MULTIMS_UVH5_AVERAGED_PRIV_H
/** @file averaged_priv.h  A file of averages: its keys are a set without cells, of which everything
 *  but the values follows; these are made by units that share its rows. */

#include "uvh5_priv.h"

/** What stands in the staging folder beside such a file. */
typedef struct mms_uvh5_averaged {
    char *set, *keys; /**< the set; the folder of what its cells are made by */
    char *places;     /**< a file */
    char *list;       /**< of units, in keys */
} mms_uvh5_averaged;

/** Name them.  Errors: MEM. */
MMS_CHECKED mms_status mms_uvh5_averaged_name(const char *file, mms_uvh5_averaged *out,
                                              mms_error *err);
/** Remove them. */
MMS_CHECKED mms_status mms_uvh5_averaged_remove(const mms_uvh5_averaged *a, mms_error *err);
void mms_uvh5_averaged_end(mms_uvh5_averaged *a);

/** Write the set and its keys: r asks for the averages.  Errors: those of mstransform. */
MMS_CHECKED mms_status mms_uvh5_averaged_make(const mms_uvh5_averaged *a, const mms_uvh5_request *r,
                                              const mms_host *host, mms_error *err);
/** Put into result how many rows come and leave. */
MMS_CHECKED mms_status mms_uvh5_averaged_describe(const mms_uvh5_averaged *a, mms_value *result,
                                                  mms_error *err);

/** Flag the cells that no row has, from an offset of a file on. */
MMS_CHECKED mms_status mms_uvh5_averaged_fill(const mms_uvh5 *u, const char *file, int64_t offset,
                                              mms_error *err);

/** Write the places of rows, and cut them into about so many units of {name, order}, which are left
 *  in the list; shared is the file of what they share.  Errors: those of reading and writing. */
MMS_CHECKED mms_status mms_uvh5_averaged_cut(const mms_uvh5_averaged *a, const mms_uvh5 *u,
                                             const char *name, const char *shared, int64_t wanted,
                                             mms_error *err);

/** In a worker. */
mms_status mms_uvh5_averaged_unit(mms_job *job, const mms_value *order, mms_value *answer,
                                  mms_error *err);

#endif
