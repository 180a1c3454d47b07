/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_SELECT_FLAGGED_H
#define MULTIMS_SELECT_FLAGGED_H
/** @file select_flagged.h  Selections without the rows that are flagged as a whole
 * (keepflags=False). */

#include "multims/select.h"

/** Leave out rows whose FLAG_ROW is set, or all of whose FLAG is. */
void mms_selection_drop_flagged(mms_selection *s);

/** Return whether mms_selection_rows() has left out such rows so far. */
bool mms_selection_has_flagged(const mms_selection *s);

#endif
