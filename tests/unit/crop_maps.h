/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_TESTS_CROP_MAPS_H
#define MULTIMS_TESTS_CROP_MAPS_H
/** @file crop_maps.h  tfcrop on maps, with room of its own; behind cmocka.h. */
#include <stdlib.h>

#include "base/base_priv.h"
#include "flag/flag.h"

static inline void crop_maps(const mms_flag_tfcrop *how, int32_t nmap, int64_t ntime, int64_t nchan,
                             int64_t step, const float *values, uint8_t *flags)
{
    float *room = mms_alloc(mms_flag_tfcrop_room(how, ntime, nchan), sizeof *room);

    assert_non_null(room);
    mms_flag_tfcrop_maps(how, nmap, ntime, nchan, step, values, flags, room);
    free(room);
}

#endif
