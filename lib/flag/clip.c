/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file clip.c  Limits of values (in-place 1.5), and of times in a scan (1.7). */
#include <float.h>
#include <math.h>

#include "flag.h"

bool mms_flag_clips(const mms_flag_clip *clip, float value)
{
    if (!isfinite(value))
        return true;
    if (clip->limited && clip->outside && (value > clip->high || value < clip->low))
        return true;
    if (clip->limited && !clip->outside && value >= clip->low && value <= clip->high)
        return true;
    return clip->zeros && value <= FLT_EPSILON; // negative values too, as CASA
}

bool mms_flag_quacks(mms_flag_quack mode, double time_s, double first_s, double last_s,
                     double interval_s)
{
    switch (mode) {
    case MMS_FLAG_BEG:
        return time_s <= first_s + interval_s;
    case MMS_FLAG_ENDB:
        return time_s >= last_s - interval_s;
    case MMS_FLAG_TAIL:
        return time_s > first_s + interval_s;
    default:
        return time_s < last_s - interval_s;
    }
}
