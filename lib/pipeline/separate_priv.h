/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_SEPARATE_PRIV_H
#define MULTIMS_SEPARATE_PRIV_H
/** @file separate_priv.h  The step that cuts a window into several, and its work on blocks. */

#include "ms/block.h"
#include "step_priv.h"
#include "transform/regrid.h"
#include "transform/transform.h"

/** Return how the step cuts, once it is prepared.  Borrowed. */
const mms_separation *mms_separate_step_separation(const mms_step *step);

/** Make each row of a block nspw consecutive rows, a window each, whose WEIGHT and SIGMA are means
 *  of their spectra, where there are such.
 *  @param[in,out] block  what comes lives in arena too
 *  Errors: MEM. */
MMS_CHECKED mms_status mms_block_separate(const mms_separation *separation, mms_arena *arena,
                                          mms_block **block, mms_error *err);

#endif
