// SPDX-License-Identifier: LGPL-2.1-or-later
/** @file frames.hpp  The tree of frequency frames, and the ways through it. */
#ifndef MULTIMS_FRAMES_HPP
#define MULTIMS_FRAMES_HPP

#include "measures_priv.h"

namespace mms
{

/** The frame one step nearer to BARY; its own number: none. */
int32_t parent_frame(int32_t frame);
/** How many steps a frame is from BARY. */
int32_t frame_depth(int32_t frame);

template <typename Visit>
void walk_frames(int32_t from, int32_t to, const Visit &visit)
{
    const int32_t a = frame_depth(from), b = frame_depth(to);
    if (from == to)
        return;
    if (a > b || (a == b && from != MMS_FRAME_BARY)) {
        visit(from, true);
        walk_frames(parent_frame(from), to, visit);
    } else {
        walk_frames(from, parent_frame(to), visit);
        visit(to, false);
    }
}

/** Visit the steps of a conversion: the frame, and whether its parent is the step's end. */
template <typename Visit>
void walk_route(int32_t from, int32_t to, bool exact, const Visit &visit)
{
    if (from == to)
        return;
    if (exact) {
        walk_frames(from, to, visit);
    } else {
        walk_frames(from, MMS_FRAME_LSRK, visit);
        walk_frames(MMS_FRAME_LSRK, to, visit);
    }
}

inline int32_t without_source(mms_freq_frame frame)
{
    return frame == MMS_FRAME_SOURCE ? MMS_FRAME_GEO : frame;
}

} // namespace mms

#endif
