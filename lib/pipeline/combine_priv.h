/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_COMBINE_PRIV_H
#define MULTIMS_COMBINE_PRIV_H
/** @file combine_priv.h  The step that combines spectral windows, and its work on rows. */

#include "row_stage_priv.h"
#include "transform/regrid.h"

/** Return how the step puts windows together, once it is prepared.  Borrowed. */
const mms_combination *mms_combine_step_combination(const mms_step *step);

#endif
