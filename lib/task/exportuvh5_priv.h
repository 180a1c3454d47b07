/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_EXPORTUVH5_PRIV_H
#define MULTIMS_EXPORTUVH5_PRIV_H
/** @file exportuvh5_priv.h  Inside the task exportuvh5: a file for each part. */

#include <jansson.h>

#include "output/request_priv.h"
#include "uvh5/uvh5_priv.h"

/** Export each part by itself, whatever the others hold; all workers share the part in hand.
 *  Errors: those of mms_uvh5_export(); EMPTY no part has selected rows. */
MMS_CHECKED mms_status mms_exportuvh5_parts(const mms_uvh5_request *request, const mms_host *host,
                                            mms_value *result, mms_error *err);

#endif
