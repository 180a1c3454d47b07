// SPDX-License-Identifier: LGPL-2.1-or-later
/** @file frames.cpp  The names of frequency frames and which are next to each other. */
#include "frames.hpp"

#include <strings.h>

#include "base/base_priv.h"

namespace
{

struct frame_name {
    const char *name;
    int32_t parent; // the frame one step nearer to BARY; its own number: none
};

/** By number. */
const frame_name frames[MMS_FRAME_COUNT] = {
    {"REST", MMS_FRAME_LSRK},    {"LSRK", MMS_FRAME_BARY},   {"LSRD", MMS_FRAME_BARY},
    {"BARY", MMS_FRAME_BARY},    {"GEO", MMS_FRAME_BARY},    {"TOPO", MMS_FRAME_GEO},
    {"GALACTO", MMS_FRAME_LSRD}, {"LGROUP", MMS_FRAME_BARY}, {"CMB", MMS_FRAME_BARY},
};

} // namespace

int32_t mms::parent_frame(int32_t frame)
{
    return frames[frame].parent;
}

int32_t mms::frame_depth(int32_t frame)
{
    return frames[frame].parent == frame ? 0 : 1 + frame_depth(frames[frame].parent);
}

mms_status mms_frame_parse(const char *name, mms_freq_frame *out, mms_error *err)
{
    for (int32_t i = 0; i < MMS_FRAME_COUNT; i++)
        if (strcasecmp(name, frames[i].name) == 0) {
            *out = static_cast<mms_freq_frame>(i);
            return MMS_OK;
        }
    if (strcasecmp(name, "SOURCE") == 0) {
        *out = MMS_FRAME_SOURCE;
        return MMS_OK;
    }
    return mms_fail(err, MMS_ERR_ARG,
                    "frequency frame '%s' is not known; there are TOPO, GEO, BARY, LSRK, LSRD, "
                    "GALACTO, LGROUP, CMB, REST and SOURCE",
                    name);
}

const char *mms_frame_name(int32_t frame)
{
    if (frame == MMS_FRAME_SOURCE)
        return "SOURCE";
    return frame >= 0 && frame < MMS_FRAME_COUNT ? frames[frame].name : nullptr;
}

bool mms_frame_needs_epoch(mms_freq_frame from, mms_freq_frame to)
{
    bool needs = false;

    mms::walk_route(mms::without_source(from), mms::without_source(to), false,
                    [&](int32_t frame, bool) {
                        needs = needs || frame == MMS_FRAME_TOPO || frame == MMS_FRAME_GEO;
                    });
    return needs;
}
