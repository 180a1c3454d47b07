/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_SORT_PRIV_H
#define MULTIMS_SORT_PRIV_H
/** @file sort_priv.h  Order by whole numbers, many of which are the same. */

#include "multims/base.h"

/** Sort places[n] by keys[place]; those of one key keep their order, so that calls for the keys
 * from the last to the first sort by all of them.  Errors: MEM. */
MMS_CHECKED mms_status mms_sort_places(int64_t n, int64_t *places, const int32_t *keys,
                                       mms_error *err);

#endif
